//! Shopify's order and customer exports.

use serde_json::json;
use souk_core::{
    Channel, ConsentChange, ConsentOrigin, Currency, LocationId, Money, OrderId, OrderLine,
    Purpose, Purposes, Quantity, Unit,
};

use super::Moving;
use super::book::{BookedOrder, OrderBook, OrderState};
use super::header::Row;
use super::rows::ReadWith;
use super::text::{email, time, unquoted};
use crate::import::orders::{Fault, check_person, currency_of, fault, id_text};
use crate::import::{Draft, DraftFact};

/// The order that the rows belong to: its name, and what its first row says. What holds for the whole order stands
/// there alone.
pub(super) struct Open {
    name: String,
    id: OrderId,
    head: BookedOrder,
    currency: Currency,
}

/// A row of orders: a line of one.
pub(super) fn line(
    (book, open): (&mut OrderBook, &mut Option<Open>),
    row: Row<'_>,
    with: &ReadWith,
) -> Result<Option<Draft>, Fault> {
    let name = id_text(row.cell(&["name"]), "name")?;
    if open.as_ref().is_none_or(|open| open.name != name) {
        *open = None;
        *open = Some(begin(row, &name, with)?);
    }
    let Some(Open { id, head, currency, .. }) = open else { return Ok(None) };
    if let Some(line) = line_of(row, *currency, &with.moving)? {
        book.order(id, || head.clone()).lines.push(line);
    }
    Ok(None)
}

fn begin(row: Row<'_>, name: &str, with: &ReadWith) -> Result<Open, Fault> {
    let at = row.text(&["created_at", "processed_at", "paid_at"]);
    let at = at.ok_or_else(|| fault("created_at", "is empty on the order's first row"))?;
    let at = time(&at).map_err(|error| fault("created_at", error))?;
    // The number is what the shop's own systems send; older exports have the name alone.
    let id = row.text(&["id"]);
    let id = id.as_deref().map(unquoted).filter(|id| !id.is_empty()).unwrap_or(name);
    let id = OrderId::new(id).map_err(|error| fault("id", error))?;
    let location = row.text(&["location"]).map(|place| LocationId::new(place.as_ref()));
    let status = row.text(&["financial_status"]).unwrap_or_default().to_lowercase();
    let is_cancelled = row.text(&["cancelled_at"]).is_some();
    let state = match status.as_str() {
        "voided" | "expired" => OrderState::Cancelled,
        _ if is_cancelled => OrderState::Cancelled,
        "refunded" => OrderState::Refunded,
        _ => OrderState::Kept,
    };
    if status == "partially_refunded" {
        with.moving.pass_over("partial refunds: the export does not say of which lines");
    }
    let anonymous = row.text(&["email"]).and_then(|text| email(&text));
    check_person("email", anonymous.as_deref())?;
    let source = row.text(&["source"]).unwrap_or_default().to_lowercase();
    let channel = if source == "pos" { Channel::Store } else { with.options.channel };
    let currency = currency_of(row.cell(&["currency"]), with.options.currency)?;
    let head = BookedOrder {
        at,
        user: None,
        anonymous,
        location: location.transpose().map_err(|error| fault("location", error))?,
        channel,
        state,
        lines: Vec::new(),
        returned: Vec::new(),
        line: row.line(),
    };
    Ok(Open { name: name.to_owned(), id, head, currency })
}

fn line_of(row: Row<'_>, currency: Currency, moving: &Moving) -> Result<Option<OrderLine>, Fault> {
    let sku = row.text(&["lineitem_sku"]);
    let sku = sku.as_deref().map(unquoted).filter(|sku| !sku.is_empty());
    let name = row.text(&["lineitem_name"]);
    let (product, variant) = match (sku, &name) {
        (Some(sku), _) => moving.resolve(sku).map_err(|error| fault("lineitem_sku", error))?,
        (None, Some(name)) => {
            let known = moving.by_title(name);
            let reason = "is empty, and no one product of the catalogue has the line's title; \
                          import the products first, or fill in the SKU";
            (known.ok_or_else(|| fault("lineitem_sku", reason))?, None)
        }
        (None, None) => return Ok(None),
    };
    let quantity = row.number(&["lineitem_quantity"])?.unwrap_or(1.0);
    if quantity <= 0.0 {
        moving.pass_over("lines of nothing: their quantity is 0 or less");
        return Ok(None);
    }
    let price = row.number(&["lineitem_price"])?;
    let discount = row.number(&["lineitem_discount"])?.unwrap_or(0.0);
    let amount = price.map(|price| Money::from_major(price * quantity - discount, currency));
    Ok(Some(OrderLine {
        product,
        variant,
        quantity: Quantity::from_f64(quantity, Unit::Each)
            .map_err(|error| fault("lineitem_quantity", error))?,
        amount: amount.transpose().map_err(|error| fault("lineitem_price", error))?,
        promotion: None,
    }))
}

/// What is kept of a customer: where they live and what the shop says of them. Names, streets, numbers
/// and notes serve no recommendation, so they are left where they are.
const TRAITS: [(&str, &[&str]); 6] = [
    ("country", &["default_address_country_code", "country_code", "country"]),
    ("province", &["default_address_province_code", "province_code", "province"]),
    ("total_orders", &["total_orders"]),
    ("total_spent", &["total_spent"]),
    ("tax_exempt", &["tax_exempt"]),
    ("tags", &["tags"]),
];

/// A row of customers: who they are in both names that Shopify has for them, and what they allow.
pub(super) fn customer(row: Row<'_>, with: &ReadWith) -> Result<Vec<Draft>, Fault> {
    let id = row.text(&["customer_id", "id"]);
    let id = id.as_deref().map(unquoted).filter(|id| !id.is_empty());
    let mail = row.text(&["email"]).and_then(|text| email(&text));
    check_person("customer_id", id)?;
    check_person("email", mail.as_deref())?;
    if id.is_none() && mail.is_none() {
        return Err(fault("customer_id", "is empty, and so is email; a customer needs one"));
    }
    let mut traits = row.traits(&TRAITS);
    if let Some(tags) = row.text(&["tags"])
        && is_staff(&tags)
    {
        traits.insert("staff".to_owned(), json!(true));
    }
    let person = |fact| {
        let mut draft = Draft::new(with.now, fact);
        draft.user_id = id.map(Box::from);
        draft.anonymous_id.clone_from(&mail);
        draft
    };
    let traits = serde_json::Value::Object(traits).to_string();
    let mut drafts = vec![person(DraftFact::Identified(traits.into()))];
    if let Some(accepts) = row.is_yes(&["accepts_email_marketing", "accepts_marketing"]) {
        with.moving.consent(accepts);
        drafts.push(person(DraftFact::Consent(marketing(accepts))));
    }
    Ok(drafts)
}

/// Whether the shop's own labels call somebody one of its people.
pub(super) fn is_staff(tags: &str) -> bool {
    const STAFF: [&str; 4] = ["staff", "employee", "team", "internal"];
    tags.split(',').any(|tag| STAFF.contains(&&*tag.trim().to_lowercase()))
}

/// What a subscription to mails says: a yes or a no to marketing, and nothing of other uses.
pub(super) fn marketing(accepts: bool) -> ConsentChange {
    let purposes = Purposes::NONE.with(Purpose::Marketing);
    let (granted, denied) = match accepts {
        true => (purposes, Purposes::NONE),
        false => (Purposes::NONE, purposes),
    };
    ConsentChange { granted, denied, origin: ConsentOrigin::File, notice: None }
}
