//! The BigQuery export of Google Analytics 4: nested, as BigQuery writes it to JSON lines, or flat, as a
//! query that unnests `items` writes it to CSV or Parquet (one row for each item of an event).
//!
//! Times are microseconds. BigQuery writes whole numbers of JSON as text. Events that name no product and
//! no search are passed over: pages, scrolls, engagement say nothing of what somebody likes.

use std::borrow::Cow;
use std::sync::Arc;

use rustc_hash::FxHashSet;
use serde_json::Value;
use souk_core::{
    Action, Channel, Currency, Interaction, Money, OrderId, OrderLine, ProductMention, Quantity,
    Timestamp, Unit,
};
use xxhash_rust::xxh3::xxh3_64;

use super::Moving;
use super::book::{BookedOrder, OrderBook, OrderState, drafts_of};
use super::header::{Header, Row};
use super::items::{Described, Items, LEVELS};
use crate::AppError;
use crate::import::orders::{Fault, check_person, currency_of, fault, id_text};
use crate::import::{Draft, DraftFact, ImportOptions, Mapper, each_row};
use crate::sheet::{Block, Cell, Columns, RowFault};

/// What an event name of GA4's e-commerce says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meaning {
    Did(Action),
    Searched,
    Bought,
    GaveBack,
    /// Products in a list were on a page: that is no interest in one of them.
    Shown,
    Nothing,
}

impl Meaning {
    fn is_sale(self) -> bool {
        matches!(self, Meaning::Bought | Meaning::GaveBack)
    }
}

fn meaning(name: &str) -> Meaning {
    match name {
        "view_item" => Meaning::Did(Action::Viewed),
        "select_item" => Meaning::Did(Action::Clicked),
        "add_to_cart" => Meaning::Did(Action::AddedToCart),
        "remove_from_cart" => Meaning::Did(Action::RemovedFromCart),
        "add_to_wishlist" => Meaning::Did(Action::AddedToWishlist),
        "view_cart" => Meaning::Did(Action::CartViewed),
        "begin_checkout" => Meaning::Did(Action::CheckoutStarted),
        "search" | "view_search_results" => Meaning::Searched,
        "purchase" | "in_app_purchase" => Meaning::Bought,
        "refund" => Meaning::GaveBack,
        "view_item_list" | "view_promotion" | "select_promotion" => Meaning::Shown,
        _ => Meaning::Nothing,
    }
}

/// One product of an event.
struct Item<'a> {
    id: &'a str,
    quantity: Option<f64>,
    /// The unit price; `None` where the event names none.
    price: Option<f64>,
}

/// An event by meaning, whichever way it was written.
struct Happened<'a> {
    line: u64,
    at: Timestamp,
    name: &'a str,
    user: Option<&'a str>,
    pseudo: Option<&'a str>,
    channel: Option<Channel>,
    /// `None` where a price would be of none.
    currency: Option<Currency>,
    query: Option<&'a str>,
    transaction: Option<&'a str>,
    items: Vec<Item<'a>>,
}

/// Events of one file on their way to drafts.
pub(super) struct Ga4 {
    options: ImportOptions,
    moving: Arc<Moving>,
    /// Pairs of names that were said to be one person already.
    joined: FxHashSet<u64>,
    /// Purchases of flat rows, which come item by item.
    book: OrderBook,
    /// What items say of products.
    products: Items,
    now: Timestamp,
}

impl Ga4 {
    pub(super) fn new((options, now): (&ImportOptions, Timestamp), moving: &Arc<Moving>) -> Ga4 {
        Ga4 {
            options: options.clone(),
            moving: Arc::clone(moving),
            joined: FxHashSet::default(),
            book: OrderBook::default(),
            products: Items::default(),
            now,
        }
    }

    /// The products that the events told of, once all were read.
    pub(super) fn take_products(&mut self, faults: &mut Vec<RowFault>) -> Vec<(u64, Draft)> {
        let products = std::mem::take(&mut self.products);
        products.into_drafts((&self.options, self.now), &self.moving, faults)
    }

    /// Takes in what the items of an event say of products.
    fn describe(&mut self, when: (u64, Timestamp), items: &[Value], currency: Option<Currency>) {
        for item in items {
            let text = |name: &str| item[name].as_str().map(str::trim).filter(|text| is_set(text));
            let id = words(&item["item_id"]).filter(|id| is_set(id));
            let Some(id) = id else { continue };
            let price = numeric(&item["price"]).filter(|price| *price > 0.0);
            let described = Described {
                name: text("item_name"),
                brand: text("item_brand"),
                levels: LEVEL_NAMES.map(text),
                price: price.zip(currency),
            };
            self.products.take(when, (&id, &described), &self.moving);
        }
    }

    /// The drafts of one line of nested JSON.
    pub(super) fn take_json(&mut self, line: u64, value: &Value) -> Result<Vec<Draft>, Fault> {
        let name = words(&value["event_name"]);
        let name = name.ok_or_else(|| fault("event_name", "is missing; every event has a name"))?;
        if meaning(&name) == Meaning::Nothing {
            self.pass_over(&name);
            return Ok(Vec::new());
        }
        let at = micros(words(&value["event_timestamp"]).as_deref())?;
        let params = Params(&value["event_params"]);
        let currency = self.currency(params.text("currency"), meaning(&name))?;
        let all = value["items"].as_array().map_or(&[][..], Vec::as_slice);
        self.describe((line, at), all, currency);
        if meaning(&name) == Meaning::Shown {
            self.pass_over(&name);
            return Ok(Vec::new());
        }
        let (user, pseudo) = (words(&value["user_id"]), words(&value["user_pseudo_id"]));
        let transaction = words(&value["ecommerce"]["transaction_id"])
            .or_else(|| params.text("transaction_id").map(str::to_owned));
        let ids: Vec<Option<String>> =
            all.iter().map(|item| words(&item["item_id"]).filter(|id| is_set(id))).collect();
        let items = all.iter().zip(&ids).filter_map(|(item, id)| {
            let (quantity, price) = (numeric(&item["quantity"]), numeric(&item["price"]));
            Some(Item { id: id.as_deref()?, quantity, price })
        });
        let happened = Happened {
            line,
            at,
            name: &name,
            user: user.as_deref(),
            pseudo: pseudo.as_deref(),
            channel: value["platform"].as_str().and_then(channel_of),
            currency,
            query: params.text("search_term"),
            transaction: transaction.as_deref().filter(|id| is_set(id)),
            items: items.collect(),
        };
        self.drafts(&happened)
    }

    /// The currency of an event's prices. One that is none leaves a look without a price; an order would be of no worth.
    fn currency(&self, code: Option<&str>, means: Meaning) -> Result<Option<Currency>, Fault> {
        let code = code.filter(|code| is_set(code)).map_or(Cell::Empty, Cell::Text);
        match currency_of(code, self.options.currency) {
            Ok(currency) => Ok(Some(currency)),
            Err(fault) if means.is_sale() => Err(fault),
            Err(_) => Ok(None),
        }
    }

    /// Counts what is passed over, without holding every name that a site has made up.
    fn pass_over(&self, name: &str) {
        self.moving.pass_over(match meaning(name) {
            Meaning::Shown => "lists of products that were on a page (view_item_list and the like)",
            _ => "events without a product or a search (page_view, scroll, session_start, …)",
        });
    }

    fn drafts(&mut self, happened: &Happened<'_>) -> Result<Vec<Draft>, Fault> {
        check_person("user_id", happened.user)?;
        check_person("user_pseudo_id", happened.pseudo)?;
        let is_sale = meaning(happened.name).is_sale();
        if happened.user.is_none() && happened.pseudo.is_none() && !is_sale {
            self.moving.pass_over("events of nobody: consent mode sent them without an id");
            return Ok(Vec::new());
        }
        let mut drafts = Vec::with_capacity(1);
        drafts.extend(self.join(happened));
        let fact = match meaning(happened.name) {
            Meaning::Did(action) => {
                let products = self.mentions(happened)?;
                if products.is_empty() {
                    self.moving.pass_over("shopping events that name no product");
                    return Ok(drafts);
                }
                let (request_id, extra) = (None, None);
                DraftFact::Interaction(Interaction { action, products, request_id, extra })
            }
            Meaning::Searched => match happened.query {
                Some(query) => {
                    DraftFact::Searched(query.chars().take(500).collect::<String>().into())
                }
                None => {
                    self.moving.pass_over("searches without words");
                    return Ok(drafts);
                }
            },
            Meaning::Bought | Meaning::GaveBack => {
                drafts.extend(self.sale(happened)?);
                return Ok(drafts);
            }
            Meaning::Shown | Meaning::Nothing => return Ok(drafts),
        };
        let mut draft = Draft::new(happened.at, fact);
        draft.user_id = happened.user.map(Box::from);
        draft.anonymous_id = happened.pseudo.map(Box::from);
        draft.channel = Some(happened.channel.unwrap_or(self.options.event_channel));
        drafts.push(draft);
        Ok(drafts)
    }

    /// That a browser's name and the shop's name are one person, once for each pair.
    fn join(&mut self, happened: &Happened<'_>) -> Option<Draft> {
        let (user, pseudo) = (happened.user?, happened.pseudo?);
        let pair = xxh3_64(format!("{user}\u{0}{pseudo}").as_bytes());
        if !self.joined.insert(pair) {
            return None;
        }
        let mut draft = Draft::new(happened.at, DraftFact::Identified("{}".into()));
        draft.user_id = Some(user.into());
        draft.anonymous_id = Some(pseudo.into());
        draft.channel = happened.channel;
        Some(draft)
    }

    fn mentions(&self, happened: &Happened<'_>) -> Result<Vec<ProductMention>, Fault> {
        let mention = |item: &Item<'_>| {
            let (product, variant) =
                self.moving.resolve(item.id).map_err(|error| fault("items.item_id", error))?;
            let quantity = item.quantity.map(|count| Quantity::from_f64(count, Unit::Each));
            let price = item.price.zip(happened.currency);
            let price = price.map(|(price, currency)| Money::from_major(price, currency));
            Ok(ProductMention {
                product,
                variant,
                quantity: quantity.transpose().map_err(|e| fault("items.quantity", e))?,
                price: price.transpose().map_err(|e| fault("items.price", e))?,
            })
        };
        happened.items.iter().map(mention).collect()
    }

    fn lines(&self, happened: &Happened<'_>) -> Result<Vec<OrderLine>, Fault> {
        let mut lines = Vec::with_capacity(happened.items.len());
        for item in &happened.items {
            let count = item.quantity.unwrap_or(1.0);
            if count <= 0.0 {
                continue;
            }
            let (product, variant) =
                self.moving.resolve(item.id).map_err(|error| fault("items.item_id", error))?;
            let amount = item.price.zip(happened.currency);
            let amount = amount.map(|(price, currency)| Money::from_major(price * count, currency));
            lines.push(OrderLine {
                product,
                variant,
                quantity: Quantity::from_f64(count, Unit::Each)
                    .map_err(|error| fault("items.quantity", error))?,
                amount: amount.transpose().map_err(|error| fault("items.price", error))?,
                promotion: None,
            });
        }
        Ok(lines)
    }

    /// A purchase or a refund that is whole in one event.
    fn sale(&self, happened: &Happened<'_>) -> Result<Vec<Draft>, Fault> {
        let (id, mut order) = self.order(happened)?;
        let lines = self.lines(happened)?;
        match meaning(happened.name) {
            Meaning::GaveBack if lines.is_empty() => order.state = OrderState::Refunded,
            Meaning::GaveBack => order.returned = lines,
            _ if lines.is_empty() => self.moving.pass_over(super::NO_LINES),
            _ => order.lines = lines,
        }
        Ok(drafts_of(&id, order).into_iter().map(|(_, draft)| draft).collect())
    }

    fn order(&self, happened: &Happened<'_>) -> Result<(OrderId, BookedOrder), Fault> {
        // A purchase whose page names no number is an order of its own.
        let id = match happened.transaction {
            Some(id) => id.to_owned(),
            None => {
                let who = happened.user.or(happened.pseudo).unwrap_or_default();
                format!("ga4-{}-{:016x}", happened.at.as_ms(), xxh3_64(who.as_bytes()))
            }
        };
        let id = OrderId::new(id).map_err(|error| fault("ecommerce.transaction_id", error))?;
        let order = BookedOrder {
            at: happened.at,
            user: happened.user.map(Box::from),
            anonymous: happened.pseudo.map(Box::from),
            location: None,
            channel: happened.channel.unwrap_or(self.options.channel),
            state: OrderState::Kept,
            lines: Vec::new(),
            returned: Vec::new(),
            line: happened.line,
        };
        Ok((id, order))
    }

    /// One flat row: an event with one of its items.
    fn take_row(&mut self, row: Row<'_>) -> Result<Vec<Draft>, Fault> {
        let name = id_text(row.cell(&["event_name"]), "event_name")?;
        if meaning(&name) == Meaning::Nothing {
            self.pass_over(&name);
            return Ok(Vec::new());
        }
        let at = micros(row.text(&["event_timestamp"]).as_deref())?;
        let item_id = row.text(&["item_id", "items_item_id"]);
        let price = row.number(&["price", "items_price", "item_price"])?;
        let code = row.text(&["currency"]);
        let currency = self.currency(code.as_deref(), meaning(&name))?;
        if let Some(id) = item_id.as_deref().filter(|id| is_set(id)) {
            let levels = LEVEL_NAMES.map(|name| row.text(&[name]));
            let (title, brand) =
                (row.text(&["item_name", "items_item_name"]), row.text(&["item_brand"]));
            let described = Described {
                name: told(&title),
                brand: told(&brand),
                levels: std::array::from_fn(|level| told(&levels[level])),
                price: price.filter(|price| *price > 0.0).zip(currency),
            };
            self.products.take((row.line(), at), (id, &described), &self.moving);
        }
        if meaning(&name) == Meaning::Shown {
            self.pass_over(&name);
            return Ok(Vec::new());
        }
        let (user, pseudo) = (row.text(&["user_id"]), row.text(&["user_pseudo_id"]));
        let quantity = row.number(&["quantity", "items_quantity", "item_quantity"])?;
        let item = item_id.as_deref().filter(|id| is_set(id));
        let item = item.map(|id| Item { id, quantity, price });
        let platform = row.text(&["platform"]);
        let query = row.text(&["search_term"]);
        let transaction = row.text(&["transaction_id", "ecommerce_transaction_id"]);
        let happened = Happened {
            line: row.line(),
            at,
            name: &name,
            user: user.as_deref(),
            pseudo: pseudo.as_deref(),
            channel: platform.as_deref().and_then(channel_of),
            currency,
            query: query.as_deref(),
            transaction: transaction.as_deref().filter(|id| is_set(id)),
            items: item.into_iter().collect(),
        };
        if meaning(&name) != Meaning::Bought {
            return self.drafts(&happened);
        }
        check_person("user_id", happened.user)?;
        check_person("user_pseudo_id", happened.pseudo)?;
        let (id, order) = self.order(&happened)?;
        let lines = self.lines(&happened)?;
        if lines.is_empty() {
            self.moving.pass_over(super::NO_LINES);
            return Ok(Vec::new());
        }
        self.book.order(&id, || order).lines.extend(lines);
        Ok(self.join(&happened).into_iter().collect())
    }
}

/// What stands there, unless Google's word for nothing does.
fn told<'a>(text: &'a Option<Cow<'_, str>>) -> Option<&'a str> {
    text.as_deref().filter(|text| is_set(text))
}

/// The columns of an item's category, from the widest to the narrowest.
const LEVEL_NAMES: [&str; LEVELS] =
    ["item_category", "item_category2", "item_category3", "item_category4", "item_category5"];

/// A text, or a number as text.
fn words(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// A number, or a text that is one.
fn numeric(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str().and_then(|text| text.parse().ok()))
}

/// Google's word for a parameter that was asked for and never sent.
fn is_set(text: &str) -> bool {
    text != "(not set)" && !text.is_empty()
}

/// Where the shopper was, by the stream's platform.
fn channel_of(platform: &str) -> Option<Channel> {
    match platform.to_ascii_uppercase().as_str() {
        "WEB" => Some(Channel::Web),
        "ANDROID" | "IOS" => Some(Channel::Mobile),
        _ => None,
    }
}

fn micros(text: Option<&str>) -> Result<Timestamp, Fault> {
    let text =
        text.ok_or_else(|| fault("event_timestamp", "is missing; every event has a time"))?;
    let parsed: Option<i64> = text.parse().ok();
    let micros = parsed.ok_or_else(|| fault("event_timestamp", "is no number of microseconds"))?;
    let at = Timestamp::from_ms(micros.div_euclid(1_000));
    at.map_err(|error| fault("event_timestamp", error))
}

/// The parameters of a nested event: a list of keys with one typed value each.
struct Params<'a>(&'a Value);

impl<'a> Params<'a> {
    fn text(&self, key: &str) -> Option<&'a str> {
        let all = self.0.as_array()?;
        let found = all.iter().find(|param| param["key"].as_str() == Some(key))?;
        found["value"]["string_value"].as_str().map(str::trim).filter(|text| !text.is_empty())
    }
}

/// Flat rows.
pub(super) struct FlatMapper {
    header: Header,
    events: Ga4,
}

impl FlatMapper {
    pub(super) fn new(
        columns: &Columns,
        at: (&ImportOptions, Timestamp),
        moving: &Arc<Moving>,
    ) -> FlatMapper {
        FlatMapper { header: Header::new(columns), events: Ga4::new(at, moving) }
    }
}

impl Mapper for FlatMapper {
    fn take(&mut self, block: &Block, faults: &mut Vec<RowFault>) -> Vec<(u64, Draft)> {
        let FlatMapper { header, events } = self;
        each_row(block, faults, |idx| events.take_row(header.row(block, idx)))
    }

    fn check(&self) -> Result<(), AppError> {
        self.events.book.check()
    }

    fn finish(
        mut self: Box<Self>,
        faults: &mut Vec<RowFault>,
    ) -> Box<dyn Iterator<Item = (u64, Draft)> + Send> {
        let products = self.events.take_products(faults);
        Box::new(self.events.book.into_drafts(faults).chain(products))
    }
}
