//! The data sets that Amazon Personalize is fed with: interactions, items and users.

use std::sync::Arc;

use souk_core::{
    Action, AttributeValue, Interaction, Money, OrderId, OrderLine, Product, ProductId,
    ProductMention, Quantity, Timestamp,
};
use xxhash_rust::xxh3::xxh3_64;

use super::Moving;
use super::book::{BookedOrder, OrderBook, OrderState};
use super::header::{Header, Row};
use super::text::plain;
use crate::AppError;
use crate::import::events::{action_of, is_purchase};
use crate::import::orders::{Fault, check_person, fault, id_text};
use crate::import::{Draft, DraftFact, ImportOptions, Mapper};
use crate::sheet::{Block, Columns, RowFault};

/// Rows of interactions. Purchases of one person at one second become one order, because the data set
/// has no orders and what was bought together says most.
pub(super) struct InteractionMapper {
    header: Arc<Header>,
    options: ImportOptions,
    moving: Arc<Moving>,
    book: OrderBook,
}

impl InteractionMapper {
    pub(super) fn new(
        columns: &Columns,
        options: &ImportOptions,
        moving: &Arc<Moving>,
    ) -> InteractionMapper {
        InteractionMapper {
            header: Arc::new(Header::new(columns)),
            options: options.clone(),
            moving: Arc::clone(moving),
            book: OrderBook::default(),
        }
    }

    fn take_row(&mut self, row: Row<'_>) -> Result<Option<Draft>, Fault> {
        let user = id_text(row.cell(&["user_id"]), "user_id")?;
        check_person("user_id", Some(&user))?;
        let at = row.cell(&["timestamp"]).time().map_err(|error| fault("timestamp", error))?;
        let at = at.ok_or_else(|| fault("timestamp", "is empty; every interaction has a time"))?;
        let item = id_text(row.cell(&["item_id"]), "item_id")?;
        let (product, variant) =
            self.moving.resolve(&item).map_err(|error| fault("item_id", error))?;
        if row.text(&["impression"]).is_some() {
            self.moving
                .pass_over("lists of what was shown: they belong to another system's answers");
        }
        let name = row.text(&["event_type"]).unwrap_or("View".into());
        if is_purchase(&name) {
            self.buy(row, (&user, at), (product, variant))?;
            return Ok(None);
        }
        // The video shops' watch is a look at the product.
        let name = if name.eq_ignore_ascii_case("watch") { "view".into() } else { name };
        let mut draft = Draft::new(
            at,
            match action_of(&name) {
                Some(action) => interaction(action, product, variant),
                None => DraftFact::Custom(name.chars().take(200).collect::<String>().into()),
            },
        );
        draft.user_id = Some(user.as_ref().into());
        draft.channel = Some(self.options.event_channel);
        Ok(Some(draft))
    }

    fn buy(
        &mut self,
        row: Row<'_>,
        (user, at): (&str, Timestamp),
        (product, variant): (ProductId, Option<souk_core::VariantId>),
    ) -> Result<(), Fault> {
        let value = row.number(&["event_value"])?.filter(|value| *value >= 0.0);
        let amount = value.map(|value| Money::from_major(value, self.options.currency));
        let id = format!("personalize-{}-{:016x}", at.as_ms(), xxh3_64(user.as_bytes()));
        let id = OrderId::new(id).map_err(|error| fault("user_id", error))?;
        let (channel, line) = (self.options.channel, row.line());
        let order = self.book.order(&id, || BookedOrder {
            at,
            user: Some(user.into()),
            anonymous: None,
            location: None,
            channel,
            state: OrderState::Kept,
            lines: Vec::new(),
            returned: Vec::new(),
            line,
        });
        order.lines.push(OrderLine {
            product,
            variant,
            quantity: Quantity::each(1),
            amount: amount.transpose().map_err(|error| fault("event_value", error))?,
            promotion: None,
        });
        Ok(())
    }
}

fn interaction(
    action: Action,
    product: ProductId,
    variant: Option<souk_core::VariantId>,
) -> DraftFact {
    let mention = ProductMention { product, variant, quantity: None, price: None };
    DraftFact::Interaction(Interaction {
        action,
        products: vec![mention],
        request_id: None,
        extra: None,
    })
}

impl Mapper for InteractionMapper {
    fn take(&mut self, block: &Block, faults: &mut Vec<RowFault>) -> Vec<(u64, Draft)> {
        let header = Arc::clone(&self.header);
        super::each_row(&header, block, faults, |row| self.take_row(row))
    }

    fn check(&self) -> Result<(), AppError> {
        self.book.check()
    }

    fn finish(
        self: Box<Self>,
        faults: &mut Vec<RowFault>,
    ) -> Box<dyn Iterator<Item = (u64, Draft)> + Send> {
        Box::new(self.book.into_drafts(faults))
    }
}

/// Rows of items. Personalize learns from no titles, so most data sets have none.
pub(super) struct ItemMapper {
    header: Header,
    options: ImportOptions,
    moving: Arc<Moving>,
    now: Timestamp,
}

const TITLE: &[&str] = &["title", "name", "product_name", "item_name", "product_title"];
const DESCRIPTION: &[&str] = &["product_description", "description"];
const LEVELS: [&str; 3] = ["category_l1", "category_l2", "category_l3"];

impl ItemMapper {
    pub(super) fn new(
        columns: &Columns,
        (options, now): (&ImportOptions, Timestamp),
        moving: &Arc<Moving>,
    ) -> ItemMapper {
        let (header, options) = (Header::new(columns), options.clone());
        ItemMapper { header, options, moving: Arc::clone(moving), now }
    }

    fn draft(&self, row: Row<'_>) -> Result<Option<Draft>, Fault> {
        let id = id_text(row.cell(&["item_id"]), "item_id")?;
        let id = ProductId::new(id.as_ref()).map_err(|error| fault("item_id", error))?;
        let title = row.text(TITLE);
        let is_untitled = title.is_none();
        let title = title.map_or_else(|| id.as_str().to_owned(), |title| title.into_owned());
        let mut product = Product::new(id, self.options.site.clone(), title);
        product.description = row.text(DESCRIPTION).and_then(|text| plain(&text));
        product.brand = row.text(&["brand"]).map(Into::into);
        product.price = row.money(&["price"], self.options.currency)?;
        let created = row.cell(&["creation_timestamp"]).time();
        product.published_at = created.map_err(|error| fault("creation_timestamp", error))?;
        let levels = LEVELS.map(|level| {
            let text = row.text(&[level]).unwrap_or_default();
            text.split('|').map(str::trim).filter(|l| !l.is_empty()).map(Into::into).collect()
        });
        product.categories = categories(levels);
        let known = |name: &str| {
            [TITLE, DESCRIPTION, &LEVELS].iter().any(|names| names.contains(&name))
                || matches!(name, "item_id" | "price" | "creation_timestamp" | "brand")
        };
        for (name, value) in row.filled().filter(|(name, _)| !known(name)) {
            let value = match value.split_once('|') {
                Some(_) => {
                    AttributeValue::Texts(value.split('|').map(|v| v.trim().to_owned()).collect())
                }
                None => match value.parse::<f64>() {
                    Ok(number) if number.is_finite() => AttributeValue::Number(number),
                    _ => AttributeValue::Text(value.into_owned()),
                },
            };
            product.attributes.insert(name.to_owned(), value);
        }
        match product.validate() {
            Ok(()) => {
                if is_untitled {
                    self.moving.untitled();
                }
                Ok(Some(Draft::new(self.now, DraftFact::Product(Box::new(product)))))
            }
            Err(reasons) => {
                let reasons: Vec<String> = reasons.iter().map(ToString::to_string).collect();
                Err(fault("", reasons.join("; ")))
            }
        }
    }
}

/// Paths from levels, each of which may hold several words: the first of each level make a path, the
/// others of the first level stand alone.
fn categories(levels: [Vec<String>; 3]) -> Vec<String> {
    let path: Vec<&str> = levels.iter().map_while(|level| Some(level.first()?.as_str())).collect();
    let mut paths: Vec<String> = if path.is_empty() { Vec::new() } else { vec![path.join(" > ")] };
    paths.extend(levels[0].iter().skip(1).cloned());
    paths.truncate(Product::LIST_MAX);
    paths
}

impl Mapper for ItemMapper {
    fn take(&mut self, block: &Block, faults: &mut Vec<RowFault>) -> Vec<(u64, Draft)> {
        super::each_row(&self.header, block, faults, |row| self.draft(row))
    }
}

/// Rows of users: each column but the id becomes a trait.
pub(super) struct UserMapper {
    header: Header,
    now: Timestamp,
}

impl UserMapper {
    pub(super) fn new(columns: &Columns, now: Timestamp) -> UserMapper {
        UserMapper { header: Header::new(columns), now }
    }

    fn draft(&self, row: Row<'_>) -> Result<Option<Draft>, Fault> {
        let user = id_text(row.cell(&["user_id"]), "user_id")?;
        check_person("user_id", Some(&user))?;
        let traits: serde_json::Map<String, serde_json::Value> = row
            .filled()
            .filter(|(name, _)| *name != "user_id")
            .map(|(name, value)| (name.to_owned(), value.into_owned().into()))
            .collect();
        let traits = serde_json::Value::Object(traits).to_string();
        let mut draft = Draft::new(self.now, DraftFact::Identified(traits.into()));
        draft.user_id = Some(user.as_ref().into());
        Ok(Some(draft))
    }
}

impl Mapper for UserMapper {
    fn take(&mut self, block: &Block, faults: &mut Vec<RowFault>) -> Vec<(u64, Draft)> {
        super::each_row(&self.header, block, faults, |row| self.draft(row))
    }
}
