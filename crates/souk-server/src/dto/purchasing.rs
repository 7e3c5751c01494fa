use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use souk_app::{
    App, LineChange, LinesChange, MoneyText, NewPurchaseLine, NewPurchaseOrder, ORDERS_PAGE_MAX,
    Offer, OrderChangeRequest, OrdersAsked, PriceBreak, PurchaseOrder, PurchaseState, ReceivedLine,
    StoredSupplier, Supplier,
};
use souk_core::LocationId;
use souk_core::rules::Weekday;
use utoipa::{IntoParams, ToSchema};

use super::planning::read;
use crate::problem::{Answer, Problem};

/// An amount in minor units, at least 0.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PriceBody {
    #[schema(minimum = 0, maximum = 10_000_000_000_000_000_i64)]
    amount: i64,
    #[schema(example = "USD")]
    currency: String,
}

impl PriceBody {
    fn into_money(self) -> MoneyText {
        MoneyText { amount: self.amount, currency: self.currency }
    }
}

names_of! {
    Weekday:
    /// A day of the week.
    #[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
    #[serde(rename_all = "lowercase")]
    WeekdayName {
        Mon,
        Tue,
        Wed,
        Thu,
        Fri,
        Sat,
        Sun,
    }
}

/// Suppliers to store.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SuppliersBody {
    #[schema(max_items = 1_000)]
    suppliers: Vec<SupplierBody>,
}

impl SuppliersBody {
    pub(crate) fn into_suppliers(self) -> Vec<Supplier> {
        self.suppliers.into_iter().map(SupplierBody::into_supplier).collect()
    }
}

/// Who delivers what, when and for how much.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SupplierBody {
    /// The shop's own name for it.
    #[schema(pattern = "^[A-Za-z0-9._-]{1,80}$")]
    id: String,
    /// The company's name.
    name: Option<String>,
    /// Days from sending an order to its arrival, as agreed.
    #[schema(minimum = 0, maximum = 365)]
    lead_time_days: f64,
    /// The standard deviation of that, in days.
    #[schema(minimum = 0, maximum = 365)]
    lead_time_sd_days: Option<f64>,
    /// On which weekdays orders are taken; every day when left out.
    #[serde(default)]
    order_weekdays: Vec<WeekdayName>,
    /// On which weekdays it delivers; every day when left out.
    #[serde(default)]
    delivery_weekdays: Vec<WeekdayName>,
    /// Days without orders and deliveries.
    #[serde(default)]
    holidays: Vec<String>,
    /// The least amount of an order.
    minimum_order: Option<PriceBody>,
    /// What an order costs whatever is in it.
    order_cost: Option<PriceBody>,
    /// What it sells.
    #[serde(default)]
    offers: Vec<OfferBody>,
}

impl SupplierBody {
    fn into_supplier(self) -> Supplier {
        let weekdays = |days: Vec<WeekdayName>| days.into_iter().map(Weekday::from).collect();
        Supplier {
            id: self.id,
            name: self.name,
            lead_time_days: self.lead_time_days,
            lead_time_sd_days: self.lead_time_sd_days.unwrap_or(0.0),
            order_weekdays: weekdays(self.order_weekdays),
            delivery_weekdays: weekdays(self.delivery_weekdays),
            holidays: self.holidays,
            minimum_order: self.minimum_order.map(PriceBody::into_money),
            order_cost: self.order_cost.map(PriceBody::into_money),
            offers: self.offers.into_iter().map(OfferBody::into_offer).collect(),
        }
    }
}

/// A product at a supplier.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OfferBody {
    /// The shop's product.
    #[schema(min_length = 1)]
    product_id: String,
    /// Of one unit.
    price: PriceBody,
    /// The least quantity of an order.
    #[schema(minimum = 0, maximum = 1_000_000_000)]
    minimum: Option<f64>,
    /// Orders are whole multiples of this; 1 when left out.
    #[schema(exclusive_minimum = 0, maximum = 1_000_000_000)]
    multiple: Option<f64>,
    /// Prices from a quantity on, which hold for every unit; ascending, in the currency of `price`.
    #[serde(default)]
    breaks: Vec<BreakBody>,
}

impl OfferBody {
    fn into_offer(self) -> Offer {
        let breaks = self
            .breaks
            .into_iter()
            .map(|one| PriceBreak { from: one.from, price: one.price.into_money() });
        Offer {
            product_id: self.product_id,
            price: self.price.into_money(),
            minimum: self.minimum.unwrap_or(0.0),
            multiple: self.multiple.unwrap_or(1.0),
            breaks: breaks.collect(),
        }
    }
}

/// A price from a quantity on.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct BreakBody {
    #[schema(minimum = 0, maximum = 1_000_000_000)]
    from: f64,
    price: PriceBody,
}

/// How many suppliers were stored.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SuppliersStored {
    pub(crate) stored: usize,
}

/// Suppliers.
#[derive(Debug, Serialize, ToSchema)]
#[allow(dead_code, reason = "documents what `supplier_answer` writes")]
pub(crate) struct SupplierList {
    /// As they were stored, each with `learned`: `receipts`, `on_time`, `lead_time_days`, `lead_time_sd_days` and
    /// `reliability`.
    #[schema(value_type = Vec<Object>)]
    suppliers: Vec<Value>,
}

pub(crate) fn supplier_answer(stored: &StoredSupplier) -> Value {
    let mut row = serde_json::to_value(&stored.supplier).expect("plain data");
    let (mean, sd) = stored.lead_time();
    let round = |value: f64| (value * 1_000.0).round() / 1_000.0;
    row["learned"] = json!({
        "receipts": stored.record.receipts,
        "on_time": stored.record.on_time,
        "lead_time_days": round(mean),
        "lead_time_sd_days": round(sd),
        "reliability": round(stored.reliability()),
    });
    row
}

/// Which purchase orders.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct OrdersQuery {
    /// Only those for one place.
    #[param(required = false, nullable = false)]
    location_id: Option<String>,
    /// Only those in one state: `draft`, `approved`, `sent`, `received` or `cancelled`; all open ones when left out.
    #[param(required = false, nullable = false)]
    state: Option<String>,
    /// Orders of a page; 1,000 when left out.
    #[param(required = false, nullable = false, minimum = 1, maximum = 1_000)]
    limit: Option<u32>,
    /// Where to go on: the `cursor` of the page before.
    #[param(required = false, nullable = false)]
    cursor: Option<String>,
}

impl OrdersQuery {
    pub(crate) fn parse(self) -> Answer<OrdersAsked> {
        let limit = self.limit.map_or(ORDERS_PAGE_MAX, |limit| limit as usize);
        if !(1..=ORDERS_PAGE_MAX).contains(&limit) {
            let detail = format!("limit {limit} must lie between 1 and {ORDERS_PAGE_MAX}");
            return Err(Problem::field("limit".to_owned(), detail));
        }
        let state = self.state.map(|name| {
            PurchaseState::parse(&name).ok_or_else(|| {
                let detail = format!(
                    "`{name}` is no state; take draft, approved, sent, received or cancelled"
                );
                Problem::field("state".to_owned(), detail)
            })
        });
        let after = self.cursor.map(|cursor| crate::routes::products::read_cursor(&cursor));
        Ok(OrdersAsked {
            location: read("location_id", self.location_id, LocationId::new)?,
            state: state.transpose()?,
            after: after.transpose()?.map(|id| id.to_string()),
            limit,
        })
    }
}

/// A purchase order to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PurchaseOrderBody {
    /// Its name; one is made where none is given.
    id: Option<String>,
    supplier_id: String,
    /// For which site; the first one when left out.
    site: Option<String>,
    location_id: String,
    #[schema(min_items = 1, max_items = 5_000)]
    lines: Vec<PurchaseLineBody>,
    /// The day it should come; by the supplier's lead time when left out.
    expected_on: Option<String>,
}

/// A line of a purchase order to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PurchaseLineBody {
    product_id: String,
    #[schema(exclusive_minimum = 0, maximum = 1_000_000_000)]
    quantity: f64,
    /// Of one unit; the supplier's offer when left out.
    unit_price: Option<PriceBody>,
}

impl PurchaseOrderBody {
    pub(crate) fn into_new(self) -> NewPurchaseOrder {
        let lines = self.lines.into_iter().map(|line| NewPurchaseLine {
            product_id: line.product_id,
            quantity: line.quantity,
            unit_price: line.unit_price.map(PriceBody::into_money),
        });
        NewPurchaseOrder {
            id: self.id,
            supplier_id: self.supplier_id,
            site: self.site,
            location_id: self.location_id,
            lines: lines.collect(),
            expected_on: self.expected_on,
        }
    }
}

names_of! {
    PurchaseState:
    /// Where a purchase order stands.
    #[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
    #[serde(rename_all = "snake_case")]
    StateName {
        Draft,
        Approved,
        Sent,
        Received,
        Cancelled,
    }
}

/// Where a purchase order is to stand.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OrderChangeBody {
    state: StateName,
    /// The day of it; today when left out.
    on: Option<String>,
    /// What came; all that was ordered when left out. For the state `received` alone.
    received: Option<Vec<ReceivedBody>>,
}

/// What came of a product.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReceivedBody {
    product_id: String,
    #[schema(minimum = 0, maximum = 1_000_000_000)]
    quantity: f64,
    /// Needed for more than twice what was ordered.
    #[serde(default)]
    is_meant: bool,
}

impl OrderChangeBody {
    pub(crate) fn into_change(self, version: Option<u64>) -> OrderChangeRequest {
        let state = PurchaseState::from(self.state);
        let received = self.received.map(|lines| {
            let line = |one: ReceivedBody| ReceivedLine {
                product_id: one.product_id,
                quantity: one.quantity,
                is_meant: one.is_meant,
            };
            lines.into_iter().map(line).collect()
        });
        OrderChangeRequest { state, on: self.on, received, version }
    }
}

/// Lines of a draft as they are to be; lines that are not named stay as they are.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LinesChangeBody {
    #[schema(min_items = 1, max_items = 5_000)]
    lines: Vec<LineChangeBody>,
}

/// A line of a draft as it is to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LineChangeBody {
    /// A new line where the order has none of it.
    product_id: String,
    /// 0 takes the line away.
    #[schema(minimum = 0, maximum = 1_000_000_000)]
    quantity: f64,
    /// Of one unit. When left out a price that was agreed on stays, and one that the supplier's offer says is that of the
    /// new quantity.
    unit_price: Option<PriceBody>,
}

impl LinesChangeBody {
    pub(crate) fn into_change(self, version: Option<u64>) -> LinesChange {
        let lines = self.lines.into_iter().map(|line| LineChange {
            product_id: line.product_id,
            quantity: line.quantity,
            unit_price: line.unit_price.map(PriceBody::into_money),
        });
        LinesChange { version, lines: lines.collect() }
    }
}

/// A page of purchase orders.
#[derive(Debug, Serialize, ToSchema)]
#[allow(dead_code, reason = "documents what `order_answer` writes")]
pub(crate) struct OrderList {
    purchase_orders: Vec<PurchaseOrderAnswer>,
    /// Where to go on; `null` at the end.
    #[schema(required)]
    cursor: Option<String>,
}

/// A purchase order.
#[derive(Debug, Serialize, ToSchema)]
#[allow(dead_code, reason = "documents what `order_answer` writes")]
pub(crate) struct PurchaseOrderAnswer {
    id: String,
    supplier_id: String,
    site: String,
    location_id: String,
    /// `draft`, `approved`, `sent`, `received` or `cancelled`.
    state: String,
    lines: Vec<PurchaseLineRow>,
    total: PriceBody,
    #[schema(format = DateTime)]
    created_at: String,
    /// The key that approved it, or `rule`.
    #[schema(required)]
    approved_by: Option<String>,
    #[schema(format = DateTime, required)]
    approved_at: Option<String>,
    #[schema(format = Date, required)]
    sent_on: Option<String>,
    #[schema(format = Date, required)]
    expected_on: Option<String>,
    #[schema(format = Date, required)]
    received_on: Option<String>,
    /// The key that changed its lines last.
    #[schema(required)]
    changed_by: Option<String>,
    #[schema(format = DateTime, required)]
    changed_at: Option<String>,
    /// Grows with whatever is changed of it; the header `ETag` has it in quotes.
    version: u64,
    /// Of a draft that was read, made or changed alone: what the supplier's terms and the caps of rules say against it.
    warnings: Option<Vec<String>>,
}

/// A line of a purchase order.
#[derive(Debug, Serialize, ToSchema)]
#[allow(dead_code, reason = "documents what `order_answer` writes")]
pub(crate) struct PurchaseLineRow {
    product_id: String,
    quantity: f64,
    unit_price: PriceBody,
    /// Units that came; `null` before.
    #[schema(required)]
    received: Option<f64>,
}

pub(crate) fn order_answer(order: &PurchaseOrder) -> Value {
    serde_json::to_value(order).expect("plain data")
}

/// An order alone, with what speaks against it.
pub(crate) async fn order_with_warnings(app: &Arc<App>, order: &PurchaseOrder) -> Value {
    let mut answer = order_answer(order);
    answer["warnings"] = app.purchase_order_warnings(order).await.into();
    answer
}
