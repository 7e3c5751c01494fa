//! Open purchase orders by the day on which they come.
//!
//! What comes after an order of the next chance does not help until then, so it does not count in the position. What is
//! late counts for as long as its supplier's lead times spread; later on it counts as none, and a person is asked.

use std::collections::BTreeMap;

use souk_core::{Day, LocationId, ProductId, SiteId};

use super::choice::Need;
use super::{PlanException, Position};
use crate::App;
use crate::purchasing::{PurchaseOrder, StoredSupplier};

/// Days that an order may be late at least before it counts as none: a receipt is told on the next day (chosen).
const LATE_DAYS_MIN: f64 = 1.0;

/// Units of one open order.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Delivery {
    order: String,
    supplier: String,
    units: f64,
    expected_on: Day,
    /// Days from today on until it is there; `None` for what is overdue.
    in_days: Option<f64>,
}

impl Delivery {
    /// How so many units of an order come, seen from a day. A draft without a day comes as if it were sent on that day.
    pub(crate) fn of(
        (order, units): (&PurchaseOrder, f64),
        suppliers: &BTreeMap<String, StoredSupplier>,
        today: Day,
    ) -> Delivery {
        let stored = suppliers.get(&order.supplier_id);
        let told = order.expected_on.as_deref().and_then(|day| Day::parse(day).ok());
        let expected_on = told.or_else(|| {
            let stored = stored?;
            let ordered = stored.supplier.order_day(today);
            Some(stored.supplier.arrival(ordered, stored.lead_time().0))
        });
        let expected_on = expected_on.unwrap_or(today);
        let until = match stored {
            Some(stored) => {
                stored.supplier.arrival(expected_on, stored.lead_time().1.max(LATE_DAYS_MIN))
            }
            None => Day::from_number(expected_on.number() + LATE_DAYS_MIN as i32),
        };
        let days = expected_on.number() - today.number();
        Delivery {
            order: order.id.clone(),
            supplier: order.supplier_id.clone(),
            units,
            expected_on,
            in_days: (today <= until).then(|| f64::from(days.max(0))),
        }
    }

    /// Whether it is late by more than its supplier's lead times spread.
    pub(crate) fn is_overdue(&self) -> bool {
        self.in_days.is_none()
    }

    /// What is said of an overdue one.
    pub(crate) fn text(&self) -> String {
        let (order, supplier) = (&self.order, &self.supplier);
        format!(
            "order `{order}` at `{supplier}` was expected on {} and has not come, so it no longer counts; ask \
             `{supplier}`, then receive or cancel it",
            self.expected_on
        )
    }
}

/// The deliveries of a product that are waited for.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Coming(Vec<Delivery>);

impl Coming {
    pub(crate) fn add(&mut self, delivery: Delivery) {
        self.0.push(delivery);
    }

    /// The position with what is there within so many days, the last one whole: an order of today must not be made again
    /// where the next one comes on the same day.
    pub(crate) fn position(&self, on_hand: f64, days: f64) -> Position {
        // The sum of nothing is -0, and 0 is meant.
        let sum = |is_meant: &dyn Fn(f64) -> bool| -> f64 {
            let deliveries = self.0.iter();
            deliveries
                .filter(|one| one.in_days.is_some_and(is_meant))
                .map(|one| one.units)
                .fold(0.0, |sum, units| sum + units)
        };
        let overdue = self.overdue().map(|one| one.units).fold(0.0, |sum, units| sum + units);
        let (on_order, later) = (sum(&|in_days| in_days <= days), sum(&|in_days| in_days > days));
        Position { on_hand, on_order, overdue, later, reserved: 0.0 }
    }

    /// How long what is there must last before more comes, within so many days: the days until each delivery, and then all of
    /// them, each with the units that are there before. What comes on a day serves from that day on.
    pub(crate) fn waits(&self, on_hand: f64, days: f64) -> Vec<(f64, f64)> {
        let arrivals = self.0.iter().filter_map(|one| Some((one.in_days?, one.units)));
        let mut arrivals: Vec<(f64, f64)> =
            arrivals.filter(|(in_days, _)| *in_days < days).collect();
        arrivals.sort_by(|a, b| a.0.total_cmp(&b.0));
        let (mut there, mut waits) = (on_hand, Vec::new());
        for (in_days, units) in arrivals {
            waits.push((in_days, there));
            there += units;
        }
        waits.push((days, there));
        waits
    }

    fn overdue(&self) -> impl Iterator<Item = &Delivery> {
        self.0.iter().filter(|one| one.is_overdue())
    }

    /// What is said of overdue deliveries.
    pub(super) fn texts(&self) -> Vec<String> {
        let text = |one: &Delivery| format!("{:.0} units: {}", one.units, one.text());
        self.overdue().map(text).collect()
    }
}

/// What there is of a product, and what is waited for.
#[derive(Clone, Debug)]
pub(crate) struct Held {
    pub(crate) on_hand: f64,
    pub(crate) coming: Coming,
}

impl Position {
    /// What is ordered and does not count, in words; empty where there is nothing.
    pub(crate) fn not_counted(&self) -> String {
        let parts = [(self.overdue, "are overdue"), (self.later, "come later")];
        let parts = parts.iter().filter(|(units, _)| *units > 0.0);
        let parts: Vec<String> =
            parts.map(|(units, words)| format!("{units:.1} {words}")).collect();
        match parts.is_empty() {
            true => String::new(),
            false => format!(" ({} and do not count)", parts.join(", ")),
        }
    }
}

impl Need {
    /// That an order has not come, for a person to look at.
    pub(super) fn awaited_in_vain(&self) -> Option<PlanException> {
        let texts = self.coming.texts();
        (!texts.is_empty()).then(|| self.exception("overdue", texts.join("; ")))
    }
}

impl App {
    /// What there is of a product, here or everywhere; `None` where its stock is not known.
    pub(crate) fn held(
        &self,
        (site, product): (&SiteId, &ProductId),
        location: Option<&LocationId>,
    ) -> Option<Held> {
        let views = self.views.read();
        let item = views.catalogue.item(site, product)?;
        let milli = views.catalogue.stock_milli(item, location)?;
        drop(views);
        let today = self.place_clock(site, location).day(self.clock.now());
        let suppliers = self.purchasing.suppliers();
        let mut coming = Coming::default();
        self.purchasing.each_open(|order| {
            let is_here = location.is_none_or(|location| order.location_id == location.as_str());
            if is_here && order.site == site.as_str() {
                for line in order.lines.iter().filter(|line| line.product_id == product.as_str()) {
                    coming.add(Delivery::of((order, line.quantity), &suppliers, today));
                }
            }
        });
        Some(Held { on_hand: milli as f64 / 1_000.0, coming })
    }

    /// The same with what comes within so many days.
    pub(crate) fn position(
        &self,
        ids: (&SiteId, &ProductId),
        location: Option<&LocationId>,
        days: f64,
    ) -> Option<Position> {
        let held = self.held(ids, location)?;
        Some(held.coming.position(held.on_hand, days))
    }

    /// What is said of each open order that is overdue, as far as it is of these.
    pub(crate) fn overdue_orders(&self, is_meant: impl Fn(&PurchaseOrder) -> bool) -> Vec<String> {
        let suppliers = self.purchasing.suppliers();
        let now = self.clock.now();
        let mut texts = Vec::new();
        self.purchasing.each_open(|order| {
            let Some((site, location)) = order.place().ok().filter(|_| is_meant(order)) else {
                return;
            };
            let today = self.place_clock(&site, Some(&location)).day(now);
            let delivery = Delivery::of((order, 0.0), &suppliers, today);
            if delivery.is_overdue() {
                texts.push(delivery.text());
            }
        });
        texts
    }
}

#[cfg(test)]
mod tests;
