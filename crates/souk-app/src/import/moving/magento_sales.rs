//! What Magento 2 and Adobe Commerce export of sales and people: order items, and the grids of orders,
//! customers and newsletter subscribers.
//!
//! The grid of orders names no products, so nothing can be learned from it but which orders were
//! cancelled or came back. Lines come from the table `sales_order_item`, which every export tool offers.

use std::sync::Arc;

use souk_core::{LocationId, Money, OrderId, OrderLine, Quantity, Timestamp, Unit};

use super::Moving;
use super::book::{BookedOrder, OrderBook, OrderState, drafts_of};
use super::header::{Header, Row};
use super::shopify_orders::marketing;
use super::text::{email, time, unquoted};
use crate::AppError;
use crate::import::orders::{Fault, check_person, currency_of, fault, id_text};
use crate::import::{Draft, DraftFact, ImportOptions, Mapper};
use crate::sheet::{Block, Columns, RowFault};

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

/// Rows of order items: a product in an order.
pub(super) struct ItemMapper {
    header: Arc<Header>,
    options: ImportOptions,
    moving: Arc<Moving>,
    book: OrderBook,
}

impl ItemMapper {
    pub(super) fn new(
        columns: &Columns,
        options: &ImportOptions,
        moving: &Arc<Moving>,
    ) -> ItemMapper {
        ItemMapper {
            header: Arc::new(Header::new(columns)),
            options: options.clone(),
            moving: Arc::clone(moving),
            book: OrderBook::default(),
        }
    }

    fn take_row(&mut self, row: Row<'_>) -> Result<(), Fault> {
        // The size of a product is written twice: once as what was chosen, once as what is shipped.
        if row.text(&["parent_item_id"]).is_some_and(|parent| parent != "0") {
            self.moving.pass_over("rows that repeat the line above as what is shipped");
            return Ok(());
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
        let (product, variant) = self.moving.resolve(&sku).map_err(|error| fault("sku", error))?;
        let currency =
            currency_of(row.cell(&["order_currency_code", "currency"]), self.options.currency)?;
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
            self.moving.pass_over("lines of nothing: all of them was cancelled");
        }
        let mail = row.text(EMAIL).and_then(|text| email(&text));
        let user = row.text(&["customer_id"]).map(|id| Box::from(unquoted(&id)));
        check_person("customer_id", user.as_deref())?;
        check_person("customer_email", mail.as_deref())?;
        let state = state_of(row.text(STATUS).as_deref());
        let location = row.text(&["pickup_location_code"]);
        let location = location.map(|place| LocationId::new(place.as_ref())).transpose();
        let location = location.map_err(|error| fault("pickup_location_code", error))?;
        let (channel, line) = (self.options.channel, row.line());
        let order = self.book.order(&id, || BookedOrder {
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
        Ok(())
    }
}

impl Mapper for ItemMapper {
    fn take(&mut self, block: &Block, faults: &mut Vec<RowFault>) -> Vec<(u64, Draft)> {
        let header = Arc::clone(&self.header);
        super::each_row(&header, block, faults, |row| self.take_row(row).map(|()| None))
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

/// Rows of the grid of orders, which say what became of an order and nothing of its products.
pub(super) struct GridMapper {
    header: Header,
    options: ImportOptions,
    moving: Arc<Moving>,
}

impl GridMapper {
    pub(super) fn new(
        columns: &Columns,
        options: &ImportOptions,
        moving: &Arc<Moving>,
    ) -> GridMapper {
        let (header, options) = (Header::new(columns), options.clone());
        GridMapper { header, options, moving: Arc::clone(moving) }
    }

    fn drafts(&self, row: Row<'_>) -> Result<Vec<Draft>, Fault> {
        let id = id_text(row.cell(&["id", "increment_id"]), "id")?;
        let id = OrderId::new(unquoted(&id)).map_err(|error| fault("id", error))?;
        let at = id_text(row.cell(&["purchase_date", "created_at"]), "purchase_date")?;
        let at = time(&at).map_err(|error| fault("purchase_date", error))?;
        let state = state_of(row.text(&["status"]).as_deref());
        if state == OrderState::Kept {
            self.moving.pass_over(super::NO_LINES);
            return Ok(Vec::new());
        }
        let anonymous = row.text(EMAIL).and_then(|text| email(&text));
        check_person("customer_email", anonymous.as_deref())?;
        let order = BookedOrder {
            at,
            user: None,
            anonymous,
            location: None,
            channel: self.options.channel,
            state,
            lines: Vec::new(),
            returned: Vec::new(),
            line: row.line(),
        };
        Ok(drafts_of(&id, order).into_iter().map(|(_, draft)| draft).collect())
    }
}

impl Mapper for GridMapper {
    fn take(&mut self, block: &Block, faults: &mut Vec<RowFault>) -> Vec<(u64, Draft)> {
        super::each_row(&self.header, block, faults, |row| self.drafts(row))
    }
}

/// Rows of customers, from the grid or from the export `Customers Main File`, which has no ids.
pub(super) struct CustomerMapper {
    header: Header,
    now: Timestamp,
}

/// What is kept of a customer; see Shopify's for what is not, and why.
const TRAITS: [(&str, &[&str]); 5] = [
    ("group", &["group", "customer_group", "group_id"]),
    ("country", &["country"]),
    ("province", &["state_province"]),
    ("store_view", &["account_created_in", "created_in"]),
    ("web_site", &["web_site", "website"]),
];

impl CustomerMapper {
    pub(super) fn new(columns: &Columns, now: Timestamp) -> CustomerMapper {
        CustomerMapper { header: Header::new(columns), now }
    }

    fn draft(&self, row: Row<'_>) -> Result<Option<Draft>, Fault> {
        let id = row.text(&["id", "entity_id", "customer_id"]);
        let id = id.as_deref().map(unquoted).filter(|id| !id.is_empty());
        let mail = row.text(EMAIL).and_then(|text| email(&text));
        check_person("id", id)?;
        check_person("email", mail.as_deref())?;
        if id.is_none() && mail.is_none() {
            return Err(fault("email", "is empty; a customer needs one"));
        }
        let mut traits = serde_json::Map::new();
        for (name, columns) in TRAITS {
            if let Some(text) = row.text(columns) {
                traits.insert(name.to_owned(), text.into_owned().into());
            }
        }
        let traits = serde_json::Value::Object(traits).to_string();
        let mut draft = Draft::new(self.now, DraftFact::Identified(traits.into()));
        draft.user_id = id.map(Box::from);
        draft.anonymous_id = mail;
        Ok(Some(draft))
    }
}

impl Mapper for CustomerMapper {
    fn take(&mut self, block: &Block, faults: &mut Vec<RowFault>) -> Vec<(u64, Draft)> {
        super::each_row(&self.header, block, faults, |row| self.draft(row))
    }
}

/// Rows of newsletter subscribers: who wants mails, and who no longer does.
pub(super) struct SubscriberMapper {
    header: Header,
    moving: Arc<Moving>,
    now: Timestamp,
}

impl SubscriberMapper {
    pub(super) fn new(columns: &Columns, now: Timestamp, moving: &Arc<Moving>) -> SubscriberMapper {
        SubscriberMapper { header: Header::new(columns), moving: Arc::clone(moving), now }
    }

    fn draft(&self, row: Row<'_>) -> Result<Option<Draft>, Fault> {
        let mail = row.text(&["email", "subscriber_email"]).and_then(|text| email(&text));
        let mail = mail.ok_or_else(|| fault("email", "is empty or no address"))?;
        check_person("email", Some(&mail))?;
        let status = row.text(&["status", "subscriber_status"]).unwrap_or_default().to_lowercase();
        let accepts = match status.as_str() {
            "subscribed" | "1" => true,
            "unsubscribed" | "3" => false,
            // Who never confirmed said neither yes nor no.
            _ => {
                self.moving.pass_over("subscriptions that were never confirmed");
                return Ok(None);
            }
        };
        self.moving.consent(accepts);
        let mut draft = Draft::new(self.now, DraftFact::Consent(marketing(accepts)));
        draft.anonymous_id = Some(mail);
        Ok(Some(draft))
    }
}

impl Mapper for SubscriberMapper {
    fn take(&mut self, block: &Block, faults: &mut Vec<RowFault>) -> Vec<(u64, Draft)> {
        super::each_row(&self.header, block, faults, |row| self.draft(row))
    }
}
