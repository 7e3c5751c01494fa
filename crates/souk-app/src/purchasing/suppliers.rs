use serde::{Deserialize, Serialize};
use souk_core::rules::Weekday;
use souk_core::{Day, Money};
use souk_inventory::rounding::{Rounding, round};

use super::calendar::open_day;
use super::{MoneyText, PurchaseOrder, invalid, shown};
use crate::AppError;

/// Products that one supplier offers (chosen).
const OFFERS_MAX: usize = 50_000;
/// Prices by quantity of one offer (chosen).
const BREAKS_MAX: usize = 20;
/// Receipts that what a supplier says of itself counts like (chosen).
const SAID_RECEIPTS: f64 = 3.0;

/// Who delivers what, when and for how much.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Supplier {
    /// The shop's own name for it.
    pub id: String,
    /// The company's name.
    #[serde(default)]
    pub name: Option<String>,
    /// Days from sending an order to its arrival, as agreed.
    pub lead_time_days: f64,
    /// The standard deviation of that, in days, as far as it is known beforehand.
    #[serde(default)]
    pub lead_time_sd_days: f64,
    /// On which weekdays orders are taken; empty means every day.
    #[serde(default, with = "super::calendar::weekdays")]
    pub order_weekdays: Vec<Weekday>,
    /// On which weekdays it delivers; empty means every day.
    #[serde(default, with = "super::calendar::weekdays")]
    pub delivery_weekdays: Vec<Weekday>,
    /// Days without orders and deliveries, as ISO dates.
    #[serde(default)]
    pub holidays: Vec<String>,
    /// The least amount of an order.
    #[serde(default)]
    pub minimum_order: Option<MoneyText>,
    /// What an order costs whatever is in it: freight and handling.
    #[serde(default)]
    pub order_cost: Option<MoneyText>,
    /// What it sells.
    #[serde(default)]
    pub offers: Vec<Offer>,
}

/// A product at a supplier.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Offer {
    /// The shop's product.
    pub product_id: String,
    /// Of one unit.
    pub price: MoneyText,
    /// The least quantity of an order.
    #[serde(default)]
    pub minimum: f64,
    /// Orders are whole multiples of this: a case, a layer.
    #[serde(default = "one")]
    pub multiple: f64,
    /// Prices from a quantity on, which hold for every unit.
    #[serde(default)]
    pub breaks: Vec<PriceBreak>,
}

/// A price from a quantity on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PriceBreak {
    /// Units from which it counts.
    pub from: f64,
    /// Of one unit.
    pub price: MoneyText,
}

fn one() -> f64 {
    1.0
}

/// What receipts taught of a supplier.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SupplierRecord {
    /// Orders that were received.
    pub receipts: u32,
    /// Those that came on the expected day or before.
    pub on_time: u32,
    /// Sum of the days from sending to arrival, and of their squares.
    pub lead_days: f64,
    /// Sum of the squares of these days.
    pub lead_days_squared: f64,
    /// Units that were ordered.
    pub ordered_units: f64,
    /// Units of them that came; no more of a line than were ordered.
    pub received_units: f64,
}

/// A supplier with what was learned of it.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredSupplier {
    /// What it says.
    pub supplier: Supplier,
    /// What it did.
    pub record: SupplierRecord,
}

impl Supplier {
    /// Checks what the types do not.
    pub(crate) fn check(&self, pointer: &str) -> Result<(), AppError> {
        if self.id.is_empty() || self.id.len() > 120 || self.id.chars().any(char::is_control) {
            let detail = format!("`{}` is not 1 to 120 bytes of plain text", shown(&self.id));
            return Err(invalid(&format!("{pointer}/id"), detail));
        }
        for (name, days) in
            [("lead_time_days", self.lead_time_days), ("lead_time_sd_days", self.lead_time_sd_days)]
        {
            if !(0.0..=365.0).contains(&days) {
                let detail = format!("{days} must lie between 0 and 365 days");
                return Err(invalid(&format!("{pointer}/{name}"), detail));
            }
        }
        for (idx, day) in self.holidays.iter().enumerate() {
            Day::parse(day).map_err(|error| {
                invalid(&format!("{pointer}/holidays/{idx}"), error.to_string())
            })?;
        }
        let monies = [("minimum_order", &self.minimum_order), ("order_cost", &self.order_cost)];
        for (name, money) in monies {
            if let Some(money) = money {
                money.checked(&format!("{pointer}/{name}"))?;
            }
        }
        if self.offers.len() > OFFERS_MAX {
            let detail = format!("{} offers; the limit is {OFFERS_MAX}", self.offers.len());
            return Err(invalid(&format!("{pointer}/offers"), detail));
        }
        for (idx, offer) in self.offers.iter().enumerate() {
            offer.check(&format!("{pointer}/offers/{idx}"))?;
        }
        Ok(())
    }

    fn holiday_list(&self) -> Vec<Day> {
        self.holidays.iter().filter_map(|day| Day::parse(day).ok()).collect()
    }

    /// The first day from `from` on that takes orders.
    pub(crate) fn order_day(&self, from: Day) -> Day {
        open_day(from, &self.order_weekdays, &self.holiday_list())
    }

    /// The day on which an order of that day arrives, with so many days of lead time.
    pub(crate) fn arrival(&self, ordered: Day, lead_days: f64) -> Day {
        let earliest = Day::from_number(ordered.number() + lead_days.ceil() as i32);
        open_day(earliest, &self.delivery_weekdays, &self.holiday_list())
    }

    /// What it asks for a product.
    pub(crate) fn offer(&self, product: &str) -> Option<&Offer> {
        self.offers.iter().find(|offer| offer.product_id == product)
    }
}

impl Offer {
    fn check(&self, pointer: &str) -> Result<(), AppError> {
        if self.product_id.is_empty() {
            return Err(invalid(&format!("{pointer}/product_id"), "is empty; name a product"));
        }
        let price = self.price.checked(&format!("{pointer}/price"))?;
        let is_amount = |value: f64| value.is_finite() && (0.0..=1e9).contains(&value);
        if !is_amount(self.minimum) {
            let detail = format!("{} must be at least 0 units", self.minimum);
            return Err(invalid(&format!("{pointer}/minimum"), detail));
        }
        if !is_amount(self.multiple) || self.multiple <= 0.0 {
            let detail =
                format!("{} must be above 0 units; write 1 for single ones", self.multiple);
            return Err(invalid(&format!("{pointer}/multiple"), detail));
        }
        let ascends = self.breaks.windows(2).all(|pair| pair[0].from < pair[1].from);
        if self.breaks.len() > BREAKS_MAX || !ascends {
            let detail = format!("must be at most {BREAKS_MAX} prices with ascending `from`");
            return Err(invalid(&format!("{pointer}/breaks"), detail));
        }
        for (idx, one) in self.breaks.iter().enumerate() {
            let pointer = format!("{pointer}/breaks/{idx}");
            let money = one.price.checked(&format!("{pointer}/price"))?;
            if money.currency() != price.currency() || !is_amount(one.from) {
                let detail = "must have a quantity from 0 and the currency of the offer's price";
                return Err(invalid(&pointer, detail));
            }
        }
        Ok(())
    }

    /// The price of one unit when so many are ordered; `None` in a currency that there is not.
    pub(crate) fn unit_price(&self, quantity: f64) -> Option<Money> {
        let reached = self.breaks.iter().rev().find(|one| one.from <= quantity);
        let price = reached.map_or(&self.price, |one| &one.price);
        price.checked("").ok()
    }

    /// The least quantity of at least `need` that can be ordered, of which no more than `sellable` are sold before they go
    /// off, and how it came about. 0 where even the smallest order is too much.
    pub(crate) fn rounded(&self, need: f64, sellable: f64) -> (f64, String) {
        let (multiple, minimum) = (self.multiple, self.minimum);
        let rounding = Rounding { multiple, minimum, sellable, ..Rounding::FREE };
        match round(need, &rounding) {
            Ok(rounded) => {
                let steps: Vec<String> = rounded.steps.iter().map(ToString::to_string).collect();
                (rounded.units, steps.join("; "))
            }
            // The door checks what could be wrong.
            Err(_) => (need, String::new()),
        }
    }
}

impl StoredSupplier {
    /// Mean and standard deviation of the lead time in days: what it says and what was seen, together.
    pub fn lead_time(&self) -> (f64, f64) {
        let (said, sd) = (self.supplier.lead_time_days, self.supplier.lead_time_sd_days);
        let n = f64::from(self.record.receipts) + SAID_RECEIPTS;
        let mean = (SAID_RECEIPTS * said + self.record.lead_days) / n;
        let squares = SAID_RECEIPTS * (said * said + sd * sd) + self.record.lead_days_squared;
        (mean, (squares / n - mean * mean).max(0.0).sqrt())
    }

    /// The share of its orders that came in time and whole, drawn to 1 while few are known: what it says counts like three
    /// orders of the usual size that came so.
    pub fn reliability(&self) -> f64 {
        let record = &self.record;
        let on_time = (f64::from(record.on_time) + SAID_RECEIPTS)
            / (f64::from(record.receipts) + SAID_RECEIPTS);
        let said_units = SAID_RECEIPTS * record.ordered_units / f64::from(record.receipts.max(1));
        let whole = if record.ordered_units > 0.0 {
            (record.received_units + said_units) / (record.ordered_units + said_units)
        } else {
            1.0
        };
        on_time * whole.clamp(0.0, 1.0)
    }

    /// As it is known after an order was received.
    pub(crate) fn after(&self, order: &PurchaseOrder) -> StoredSupplier {
        let mut record = self.record;
        let day = |text: &Option<String>| text.as_deref().and_then(|text| Day::parse(text).ok());
        if let (Some(sent), Some(came)) = (day(&order.sent_on), day(&order.received_on)) {
            let days = f64::from((came.number() - sent.number()).max(0));
            record.receipts += 1;
            record.lead_days += days;
            record.lead_days_squared += days * days;
            let is_on_time = day(&order.expected_on).is_none_or(|expected| came <= expected);
            record.on_time += u32::from(is_on_time);
        }
        record.ordered_units += order.lines.iter().map(|line| line.quantity).sum::<f64>();
        // What is too much of one product, or of one order, makes up for nothing that is missing of another.
        let came = order.lines.iter().filter_map(|line| Some(line.received?.min(line.quantity)));
        record.received_units += came.sum::<f64>();
        StoredSupplier { supplier: self.supplier.clone(), record }
    }
}
