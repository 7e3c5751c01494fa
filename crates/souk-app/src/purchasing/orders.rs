use serde::{Deserialize, Serialize};
use souk_core::{Day, LocationId, Money, SiteId, Timestamp};

use super::{MoneyText, StoredSupplier, invalid, shown};
use crate::AppError;

/// Lines of one purchase order (chosen).
pub(crate) const LINES_MAX: usize = 5_000;

/// How many times what was ordered may come without a question (chosen).
pub(crate) const RECEIVED_MAX: f64 = 2.0;

/// Where a purchase order stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PurchaseState {
    /// A proposal.
    Draft,
    /// It may be sent.
    Approved,
    /// The supplier has it.
    Sent,
    /// It came.
    Received,
    /// It will not come.
    Cancelled,
}

impl PurchaseState {
    /// The name in the contract.
    pub fn as_str(self) -> &'static str {
        match self {
            PurchaseState::Draft => "draft",
            PurchaseState::Approved => "approved",
            PurchaseState::Sent => "sent",
            PurchaseState::Received => "received",
            PurchaseState::Cancelled => "cancelled",
        }
    }

    /// Reads the name in the contract.
    pub fn parse(name: &str) -> Option<PurchaseState> {
        let all = [
            PurchaseState::Draft,
            PurchaseState::Approved,
            PurchaseState::Sent,
            PurchaseState::Received,
            PurchaseState::Cancelled,
        ];
        all.into_iter().find(|state| state.as_str() == name)
    }

    /// Whether what it orders may still come.
    pub fn is_open(self) -> bool {
        !matches!(self, PurchaseState::Received | PurchaseState::Cancelled)
    }

    fn may_become(self, next: PurchaseState) -> bool {
        use PurchaseState::{Approved, Cancelled, Draft, Received, Sent};
        matches!(
            (self, next),
            (Draft, Approved)
                | (Approved, Sent)
                | (Sent, Received)
                | (Draft | Approved | Sent, Cancelled)
        )
    }
}

/// An order at a supplier.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PurchaseOrder {
    /// Its name.
    pub id: String,
    /// At whom.
    pub supplier_id: String,
    /// For which site.
    pub site: String,
    /// For which place.
    pub location_id: String,
    /// Where it stands.
    pub state: PurchaseState,
    /// What is ordered.
    pub lines: Vec<PurchaseLine>,
    /// What the lines cost together.
    pub total: MoneyText,
    /// When it was made.
    pub created_at: String,
    /// The key that approved it, or `rule`.
    pub approved_by: Option<String>,
    /// When it was approved.
    pub approved_at: Option<String>,
    /// The day it was sent.
    pub sent_on: Option<String>,
    /// The day it should come.
    pub expected_on: Option<String>,
    /// The day it came.
    pub received_on: Option<String>,
    /// The key that changed its lines last; `None` for one that is as it was made.
    #[serde(default)]
    pub changed_by: Option<String>,
    /// When its lines were changed last.
    #[serde(default)]
    pub changed_at: Option<String>,
    /// Grows by one with whatever is changed of it, from 1 on.
    #[serde(default = "first_version")]
    pub version: u64,
}

fn first_version() -> u64 {
    1
}

/// A line of a purchase order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PurchaseLine {
    /// Which product.
    pub product_id: String,
    /// Units that are ordered.
    pub quantity: f64,
    /// Of one unit.
    pub unit_price: MoneyText,
    /// Units that came; `None` before.
    pub received: Option<f64>,
}

/// A purchase order to be made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewPurchaseOrder {
    /// Its name; one is made where none is given.
    #[serde(default)]
    pub id: Option<String>,
    /// At whom.
    pub supplier_id: String,
    /// For which site; the first one when left out.
    #[serde(default)]
    pub site: Option<String>,
    /// For which place.
    pub location_id: String,
    /// What to order.
    pub lines: Vec<NewPurchaseLine>,
    /// The day it should come; by the supplier's lead time when left out.
    #[serde(default)]
    pub expected_on: Option<String>,
}

/// A line of a purchase order to be made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewPurchaseLine {
    /// Which product.
    pub product_id: String,
    /// How many units.
    pub quantity: f64,
    /// Of one unit; the supplier's offer when left out.
    #[serde(default)]
    pub unit_price: Option<MoneyText>,
}

/// Where a purchase order is to stand.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrderChangeRequest {
    /// The state.
    pub state: PurchaseState,
    /// The day of it, as an ISO date; today when left out.
    #[serde(default)]
    pub on: Option<String>,
    /// What came; all that was ordered when left out.
    #[serde(default)]
    pub received: Option<Vec<ReceivedLine>>,
    /// The version of the order that was looked at; `None` is whichever it has.
    #[serde(default)]
    pub version: Option<u64>,
}

/// What came of a product.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReceivedLine {
    /// Which product.
    pub product_id: String,
    /// How many units.
    pub quantity: f64,
    /// Whether more than twice what was ordered is no slip of the pen.
    #[serde(default)]
    pub is_meant: bool,
}

impl PurchaseOrder {
    /// A draft of a wish, with the supplier's prices.
    pub(crate) fn draft(
        new: NewPurchaseOrder,
        (site, stored): (&SiteId, &StoredSupplier),
        (today, now): (Day, Timestamp),
    ) -> Result<PurchaseOrder, AppError> {
        if new.lines.is_empty() || new.lines.len() > LINES_MAX {
            let detail = format!("{} lines; must be 1 to {LINES_MAX}", new.lines.len());
            return Err(invalid("/lines", detail));
        }
        let mut lines: Vec<PurchaseLine> = Vec::with_capacity(new.lines.len());
        let mut total: Option<Money> = None;
        for (idx, line) in new.lines.into_iter().enumerate() {
            let pointer = format!("/lines/{idx}");
            if !(line.quantity > 0.0 && line.quantity <= 1e9) {
                let detail = format!("{} must be above 0 units", line.quantity);
                return Err(invalid(&format!("{pointer}/quantity"), detail));
            }
            if lines.iter().any(|known| known.product_id == line.product_id) {
                return Err(twice(&pointer, &line.product_id));
            }
            let price = match &line.unit_price {
                Some(price) => price.checked(&format!("{pointer}/unit_price"))?,
                None => {
                    let offer = stored.supplier.offer(&line.product_id);
                    let price = offer.and_then(|offer| offer.unit_price(line.quantity));
                    price.ok_or_else(|| {
                        not_offered(&pointer, &stored.supplier.id, &line.product_id)
                    })?
                }
            };
            let cost = cost_of(price, line.quantity);
            total = Some(match total {
                None => cost,
                Some(sum) => sum.checked_add(cost).map_err(|error| {
                    invalid(&format!("{pointer}/unit_price"), error.to_string())
                })?,
            });
            lines.push(PurchaseLine {
                product_id: line.product_id,
                quantity: line.quantity,
                unit_price: MoneyText::of(price),
                received: None,
            });
        }
        let total = total.expect("there is at least one line");
        if let Some(day) = &new.expected_on {
            Day::parse(day).map_err(|error| invalid("/expected_on", error.to_string()))?;
        }
        let id = match new.id {
            Some(id) if is_plain(&id) => id,
            Some(id) => {
                let detail = format!(
                    "`{}` is not 1 to 80 letters, digits, dots, hyphens and underscores",
                    shown(&id)
                );
                return Err(invalid("/id", detail));
            }
            None => made_id(today)?,
        };
        Ok(PurchaseOrder {
            id,
            supplier_id: new.supplier_id,
            site: site.to_string(),
            location_id: new.location_id,
            state: PurchaseState::Draft,
            lines,
            total: MoneyText::of(total),
            created_at: now.to_string(),
            approved_by: None,
            approved_at: None,
            sent_on: None,
            expected_on: new.expected_on,
            received_on: None,
            changed_by: None,
            changed_at: None,
            version: first_version(),
        })
    }

    /// For which site and place.
    pub(crate) fn place(&self) -> Result<(SiteId, LocationId), AppError> {
        let site = SiteId::new(self.site.as_str());
        let location = LocationId::new(self.location_id.as_str());
        match (site, location) {
            (Ok(site), Ok(location)) => Ok((site, location)),
            _ => Err(AppError::Bug(format!("purchase order `{}` names no place", self.id))),
        }
    }

    /// Whether it wants the same, wherever it stands by now.
    pub(crate) fn is_same_wish(&self, other: &PurchaseOrder) -> bool {
        let lines = |order: &PurchaseOrder| -> Vec<(String, f64)> {
            order.lines.iter().map(|line| (line.product_id.clone(), line.quantity)).collect()
        };
        self.supplier_id == other.supplier_id
            && self.location_id == other.location_id
            && lines(self) == lines(other)
    }

    /// Whether a change says of this order what it is already. `None` for the day and the quantities is whatever they are.
    pub(crate) fn says(&self, change: &OrderChangeRequest) -> bool {
        let quantity = |came: &ReceivedLine| {
            let line = self.lines.iter().find(|line| line.product_id == came.product_id)?;
            line.received
        };
        let is_same = |came: &ReceivedLine| quantity(came) == Some(came.quantity);
        let is_told = |line: &PurchaseLine| {
            let mut told = change.received.iter().flatten();
            line.received == Some(0.0) || told.any(|came| came.product_id == line.product_id)
        };
        self.state == change.state
            && change.received.as_ref().is_none_or(|received| {
                received.iter().all(is_same) && self.lines.iter().all(is_told)
            })
    }

    /// The order in its next state.
    pub(crate) fn moved(
        &self,
        change: &OrderChangeRequest,
        (today, now, who): (Day, Timestamp, &str),
        supplier: Option<&StoredSupplier>,
    ) -> Result<PurchaseOrder, AppError> {
        if !self.state.may_become(change.state) {
            return Err(AppError::Conflict(format!(
                "purchase order `{}` is {}; it cannot become {}",
                self.id,
                self.state.as_str(),
                change.state.as_str()
            )));
        }
        let on = match &change.on {
            Some(day) => Day::parse(day).map_err(|error| invalid("/on", error.to_string()))?,
            None => today,
        };
        if change.received.is_some() && change.state != PurchaseState::Received {
            return Err(invalid("/received", "belongs to the state `received` alone"));
        }
        if on > today {
            return Err(invalid(
                "/on",
                format!("{on} is after today, {today}; give the day it happened"),
            ));
        }
        let version = self.version + 1;
        let mut order = PurchaseOrder { state: change.state, version, ..self.clone() };
        match change.state {
            PurchaseState::Approved => {
                order.approved_by = Some(who.to_owned());
                order.approved_at = Some(now.to_string());
            }
            PurchaseState::Sent => {
                order.sent_on = Some(on.to_string());
                let expected = supplier.map(|stored| {
                    let ordered = stored.supplier.order_day(on);
                    stored.supplier.arrival(ordered, stored.lead_time().0).to_string()
                });
                order.expected_on = order.expected_on.or(expected);
            }
            PurchaseState::Received => order.receive(on, change.received.as_deref())?,
            PurchaseState::Draft | PurchaseState::Cancelled => {}
        }
        Ok(order)
    }

    /// When it was approved.
    pub(crate) fn approved(&self) -> Option<Timestamp> {
        self.approved_at.as_deref().and_then(|at| Timestamp::parse(at).ok())
    }

    fn receive(&mut self, on: Day, received: Option<&[ReceivedLine]>) -> Result<(), AppError> {
        let sent = self.sent_on.as_deref().and_then(|day| Day::parse(day).ok());
        if let Some(sent) = sent.filter(|sent| on < *sent) {
            let detail = format!("{on} is before {sent}, the day it was sent");
            return Err(invalid("/on", detail));
        }
        self.received_on = Some(on.to_string());
        let Some(received) = received else {
            self.lines.iter_mut().for_each(|line| line.received = Some(line.quantity));
            return Ok(());
        };
        self.lines.iter_mut().for_each(|line| line.received = Some(0.0));
        for (idx, came) in received.iter().enumerate() {
            if !(0.0..=1e9).contains(&came.quantity) {
                let detail = format!("{} must be at least 0 units", came.quantity);
                return Err(invalid(&format!("/received/{idx}/quantity"), detail));
            }
            let line = self.lines.iter_mut().find(|line| line.product_id == came.product_id);
            let line = line.ok_or_else(|| {
                let detail = format!("the order has no product `{}`", shown(&came.product_id));
                invalid(&format!("/received/{idx}/product_id"), detail)
            })?;
            if came.quantity > RECEIVED_MAX * line.quantity && !came.is_meant {
                let detail = format!(
                    "{} of `{}` is more than twice the {} that were ordered; correct it, or send `is_meant: true` \
                     with it",
                    came.quantity,
                    shown(&came.product_id),
                    line.quantity
                );
                return Err(invalid(&format!("/received/{idx}/quantity"), detail));
            }
            line.received = Some(came.quantity);
        }
        Ok(())
    }
}

pub(super) fn twice(pointer: &str, product: &str) -> AppError {
    let detail = format!("product `{}` is there twice; add its quantities up", shown(product));
    invalid(&format!("{pointer}/product_id"), detail)
}

pub(super) fn not_offered(pointer: &str, supplier: &str, product: &str) -> AppError {
    let detail = format!(
        "supplier `{supplier}` offers no product `{}`; give a `unit_price`",
        shown(product)
    );
    invalid(&format!("{pointer}/unit_price"), detail)
}

/// What so many units cost, rounded to the minor unit.
pub(crate) fn cost_of(price: Money, quantity: f64) -> Money {
    let minor = (price.minor() as f64 * quantity).round();
    Money::from_minor(minor.clamp(0.0, Money::MINOR_MAX as f64) as i64, price.currency())
}

fn is_plain(id: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    (1..=80).contains(&id.len()) && id.chars().all(is_plain)
}

fn made_id(today: Day) -> Result<String, AppError> {
    let number = getrandom::u32().map_err(|_| {
        AppError::NotReady("the system gives no random numbers; give the order an id".to_owned())
    })?;
    Ok(format!("po-{today}-{number:08x}"))
}
