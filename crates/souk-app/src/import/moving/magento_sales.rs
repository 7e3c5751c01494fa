//! What Magento 2 and Adobe Commerce export of sales and people: order items, and the grids of orders,
//! customers and newsletter subscribers.
//!
//! The grid of orders names no products, so nothing can be learned from it but which orders were
//! cancelled or came back. Lines come from the table `sales_order_item`, which every export tool offers.

use souk_core::{LocationId, Money, OrderId, OrderLine, Quantity, Unit};

use super::book::{BookedOrder, OrderBook, OrderState, drafts_of};
use super::header::Row;
use super::rows::ReadWith;
use super::shopify_orders::marketing;
use super::text::{email, time, unquoted};
use crate::import::orders::{Fault, check_person, currency_of, fault, id_text};
use crate::import::{Draft, DraftFact};

const ORDER: &[&str] = &["increment_id", "order_increment_id", "order_number", "order_id"];
const PLACED: &[&str] = &["order_created_at", "purchase_date", "created_at"];
const EMAIL: &[&str] = &["customer_email", "email"];
const STATUS: &[&str] = &["order_status", "status", "state"];

/// What a status says, by its code or its label.
fn state_of(status: Option<&str>) -> OrderState {
    match status.unwrap_or_default().to_lowercase().as_str() {
        "canceled" | "cancelled" | "fraud" | "suspected fraud" => OrderState::Cancelled,
        "closed" => OrderState::Refunded,
        _ => OrderState::Kept,
    }
}

/// A row of order items: a product in an order.
pub(super) fn item(
    book: &mut OrderBook,
    row: Row<'_>,
    with: &ReadWith,
) -> Result<Option<Draft>, Fault> {
    // The size of a product is written twice: once as what was chosen, once as what is shipped.
    if row.text(&["parent_item_id"]).is_some_and(|parent| parent != "0") {
        with.moving.pass_over("rows that repeat the line above as what is shipped");
        return Ok(None);
    }
    let id = id_text(row.cell(ORDER), "increment_id")?;
    let id = OrderId::new(unquoted(&id)).map_err(|error| fault("increment_id", error))?;
    let at = id_text(row.cell(PLACED), "created_at")?;
    let at = time(&at).map_err(|error| fault("created_at", error))?;
    let ordered = row.number(&["qty_ordered"])?.unwrap_or(0.0);
    let cancelled = row.number(&["qty_canceled"])?.unwrap_or(0.0);
    let back = row.number(&["qty_refunded"])?.unwrap_or(0.0);
    let kept = ordered - cancelled;
    let sku = id_text(row.cell(&["sku"]), "sku")?;
    let (product, variant) = with.moving.resolve(&sku).map_err(|error| fault("sku", error))?;
    let currency =
        currency_of(row.cell(&["order_currency_code", "currency"]), with.options.currency)?;
    let total = row.number(&["row_total"])?;
    let price = row.number(&["price"])?;
    let discount = row.number(&["discount_amount"])?.unwrap_or(0.0);
    let paid = total.or(price.map(|price| price * ordered)).map(|total| total - discount);
    let line = |count: f64| -> Result<OrderLine, Fault> {
        let amount = paid.map(|paid| Money::from_major(paid * count / ordered, currency));
        Ok(OrderLine {
            product: product.clone(),
            variant: variant.clone(),
            quantity: Quantity::from_f64(count, Unit::Each)
                .map_err(|error| fault("qty_ordered", error))?,
            amount: amount.transpose().map_err(|error| fault("row_total", error))?,
            promotion: None,
        })
    };
    let sold = (kept > 0.0).then(|| line(kept)).transpose()?;
    let returned = (back > 0.0 && kept > 0.0).then(|| line(back)).transpose()?;
    if sold.is_none() {
        with.moving.pass_over("lines of nothing: all of them was cancelled");
    }
    let mail = row.text(EMAIL).and_then(|text| email(&text));
    let user = row.text(&["customer_id"]).map(|id| Box::from(unquoted(&id)));
    check_person("customer_id", user.as_deref())?;
    check_person("customer_email", mail.as_deref())?;
    let state = state_of(row.text(STATUS).as_deref());
    let location = row.text(&["pickup_location_code"]);
    let location = location.map(|place| LocationId::new(place.as_ref())).transpose();
    let location = location.map_err(|error| fault("pickup_location_code", error))?;
    let (channel, line) = (with.options.channel, row.line());
    let order = book.order(&id, || BookedOrder {
        at,
        user: user.filter(|id| !id.is_empty() && &**id != "0"),
        anonymous: mail,
        location,
        channel,
        state,
        lines: Vec::new(),
        returned: Vec::new(),
        line,
    });
    order.at = order.at.min(at);
    order.state = order.state.max(state);
    order.lines.extend(sold);
    order.returned.extend(returned);
    Ok(None)
}

/// A row of the grid of orders, which says what became of an order and nothing of its products.
pub(super) fn grid_order(row: Row<'_>, with: &ReadWith) -> Result<Vec<Draft>, Fault> {
    let id = id_text(row.cell(&["id", "increment_id"]), "id")?;
    let id = OrderId::new(unquoted(&id)).map_err(|error| fault("id", error))?;
    let at = id_text(row.cell(&["purchase_date", "created_at"]), "purchase_date")?;
    let at = time(&at).map_err(|error| fault("purchase_date", error))?;
    let state = state_of(row.text(&["status"]).as_deref());
    if state == OrderState::Kept {
        with.moving.pass_over(super::NO_LINES);
        return Ok(Vec::new());
    }
    let anonymous = row.text(EMAIL).and_then(|text| email(&text));
    check_person("customer_email", anonymous.as_deref())?;
    let order = BookedOrder {
        at,
        user: None,
        anonymous,
        location: None,
        channel: with.options.channel,
        state,
        lines: Vec::new(),
        returned: Vec::new(),
        line: row.line(),
    };
    Ok(drafts_of(&id, order).into_iter().map(|(_, draft)| draft).collect())
}

/// What is kept of a customer; see Shopify's for what is not, and why.
const TRAITS: [(&str, &[&str]); 5] = [
    ("group", &["group", "customer_group", "group_id"]),
    ("country", &["country"]),
    ("province", &["state_province"]),
    ("store_view", &["account_created_in", "created_in"]),
    ("web_site", &["web_site", "website"]),
];

/// A row of customers, from the grid or from the export `Customers Main File`, which has no ids.
pub(super) fn customer(row: Row<'_>, with: &ReadWith) -> Result<Option<Draft>, Fault> {
    let id = row.text(&["id", "entity_id", "customer_id"]);
    let id = id.as_deref().map(unquoted).filter(|id| !id.is_empty());
    let mail = row.text(EMAIL).and_then(|text| email(&text));
    check_person("id", id)?;
    check_person("email", mail.as_deref())?;
    if id.is_none() && mail.is_none() {
        return Err(fault("email", "is empty; a customer needs one"));
    }
    let traits = serde_json::Value::Object(row.traits(&TRAITS)).to_string();
    let mut draft = Draft::new(with.now, DraftFact::Identified(traits.into()));
    draft.user_id = id.map(Box::from);
    draft.anonymous_id = mail;
    Ok(Some(draft))
}

/// A row of newsletter subscribers: who wants mails, or no longer does.
pub(super) fn subscriber(row: Row<'_>, with: &ReadWith) -> Result<Option<Draft>, Fault> {
    let mail = row.text(&["email", "subscriber_email"]).and_then(|text| email(&text));
    let mail = mail.ok_or_else(|| fault("email", "is empty or no address"))?;
    check_person("email", Some(&mail))?;
    let status = row.text(&["status", "subscriber_status"]).unwrap_or_default().to_lowercase();
    let accepts = match status.as_str() {
        "subscribed" | "1" => true,
        "unsubscribed" | "3" => false,
        // Who never confirmed said neither yes nor no.
        _ => {
            with.moving.pass_over("subscriptions that were never confirmed");
            return Ok(None);
        }
    };
    with.moving.consent(accepts);
    let mut draft = Draft::new(with.now, DraftFact::Consent(marketing(accepts)));
    draft.anonymous_id = Some(mail);
    Ok(Some(draft))
}
