//! The data sets that Amazon Personalize is fed with: interactions, items and users.

use souk_core::{
    Action, AttributeValue, Interaction, Money, OrderId, OrderLine, Product, ProductId,
    ProductMention, Quantity, Timestamp,
};
use xxhash_rust::xxh3::xxh3_64;

use super::book::{BookedOrder, OrderBook, OrderState};
use super::header::Row;
use super::rows::ReadWith;
use super::text::plain;
use crate::import::events::{action_of, is_purchase};
use crate::import::orders::{Fault, check_person, fault, id_text};
use crate::import::{Draft, DraftFact};

/// A row of interactions. Purchases of one person at one second become one order, because the data set
/// has no orders and what was bought together says most.
pub(super) fn interaction(
    book: &mut OrderBook,
    row: Row<'_>,
    with: &ReadWith,
) -> Result<Option<Draft>, Fault> {
    let user = id_text(row.cell(&["user_id"]), "user_id")?;
    check_person("user_id", Some(&user))?;
    let at = row.cell(&["timestamp"]).time().map_err(|error| fault("timestamp", error))?;
    let at = at.ok_or_else(|| fault("timestamp", "is empty; every interaction has a time"))?;
    let item = id_text(row.cell(&["item_id"]), "item_id")?;
    let (product, variant) = with.moving.resolve(&item).map_err(|error| fault("item_id", error))?;
    if row.text(&["impression"]).is_some() {
        with.moving.pass_over("lists of what was shown: they belong to another system's answers");
    }
    let name = row.text(&["event_type"]).unwrap_or("View".into());
    if is_purchase(&name) {
        buy(book, (row, with), (&user, at), (product, variant))?;
        return Ok(None);
    }
    // The video shops' watch is a look at the product.
    let name = if name.eq_ignore_ascii_case("watch") { "view".into() } else { name };
    let mut draft = Draft::new(
        at,
        match action_of(&name) {
            Some(action) => act(action, product, variant),
            None => DraftFact::Custom(name.chars().take(200).collect::<String>().into()),
        },
    );
    draft.user_id = Some(user.as_ref().into());
    draft.channel = Some(with.options.event_channel);
    Ok(Some(draft))
}

fn buy(
    book: &mut OrderBook,
    (row, with): (Row<'_>, &ReadWith),
    (user, at): (&str, Timestamp),
    (product, variant): (ProductId, Option<souk_core::VariantId>),
) -> Result<(), Fault> {
    let value = row.number(&["event_value"])?.filter(|value| *value >= 0.0);
    let amount = value.map(|value| Money::from_major(value, with.options.currency));
    let id = format!("personalize-{}-{:016x}", at.as_ms(), xxh3_64(user.as_bytes()));
    let id = OrderId::new(id).map_err(|error| fault("user_id", error))?;
    let (channel, line) = (with.options.channel, row.line());
    let order = book.order(&id, || BookedOrder {
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

fn act(action: Action, product: ProductId, variant: Option<souk_core::VariantId>) -> DraftFact {
    let mention = ProductMention { product, variant, quantity: None, price: None };
    DraftFact::Interaction(Interaction {
        action,
        products: vec![mention],
        request_id: None,
        extra: None,
    })
}

const TITLE: &[&str] = &["title", "name", "product_name", "item_name", "product_title"];
const DESCRIPTION: &[&str] = &["product_description", "description"];
const LEVELS: [&str; 3] = ["category_l1", "category_l2", "category_l3"];

/// A row of items. Personalize learns from no titles, so most data sets have none.
pub(super) fn item(row: Row<'_>, with: &ReadWith) -> Result<Option<Draft>, Fault> {
    let id = id_text(row.cell(&["item_id"]), "item_id")?;
    let id = ProductId::new(id.as_ref()).map_err(|error| fault("item_id", error))?;
    let title = row.text(TITLE);
    let is_untitled = title.is_none();
    let title = title.map_or_else(|| id.as_str().to_owned(), |title| title.into_owned());
    let mut product = Product::new(id, with.options.site.clone(), title);
    product.description = row.text(DESCRIPTION).and_then(|text| plain(&text));
    product.brand = row.text(&["brand"]).map(Into::into);
    product.price = row.money(&["price"], with.options.currency)?;
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
                with.moving.untitled();
            }
            Ok(Some(Draft::new(with.now, DraftFact::Product(Box::new(product)))))
        }
        Err(reasons) => {
            let reasons: Vec<String> = reasons.iter().map(ToString::to_string).collect();
            Err(fault("", reasons.join("; ")))
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

/// A row of users: each column but the id becomes a trait.
pub(super) fn user(row: Row<'_>, with: &ReadWith) -> Result<Option<Draft>, Fault> {
    let user = id_text(row.cell(&["user_id"]), "user_id")?;
    check_person("user_id", Some(&user))?;
    let traits: serde_json::Map<String, serde_json::Value> = row
        .filled()
        .filter(|(name, _)| *name != "user_id")
        .map(|(name, value)| (name.to_owned(), value.into_owned().into()))
        .collect();
    let traits = serde_json::Value::Object(traits).to_string();
    let mut draft = Draft::new(with.now, DraftFact::Identified(traits.into()));
    draft.user_id = Some(user.as_ref().into());
    Ok(Some(draft))
}
