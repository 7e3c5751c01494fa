//! What of an order that a person makes or changes goes off before it sells, by the figures that plans go by.

use souk_core::ProductId;

use super::choice::{Need, times};
use super::{Looked, MADE_AT_ONCE, Scene};
use crate::App;
use crate::demand::SeriesKey;
use crate::purchasing::{PurchaseLine, PurchaseOrder, StoredSupplier, cost_of};

impl App {
    /// What is said of lines of which more is ordered than a plan would for what goes off; what else is there or comes counts
    /// as in the plan, this order itself does not.
    pub(crate) fn spoiling(&self, order: &PurchaseOrder) -> Vec<String> {
        let suppliers = self.purchasing.suppliers();
        let scene = order.place().ok().and_then(|(site, location)| {
            let number = self.place_number(&location).ok()?;
            let today = self.place_clock(&site, Some(&location)).day(self.clock.now());
            Some(Scene { site, location, number, today })
        });
        let Some((scene, stored)) = scene.zip(suppliers.get(&order.supplier_id)) else {
            return Vec::new();
        };
        let keeping = |line: &PurchaseLine| {
            let product = ProductId::new(line.product_id.as_str()).ok()?;
            let key = self.series_key((&scene.site, &product), Some(&scene.location)).ok()?;
            self.is_perishable(key).then_some(key)
        };
        let lines: Vec<(SeriesKey, &PurchaseLine)> =
            order.lines.iter().filter_map(|line| Some((keeping(line)?, line))).collect();
        if lines.is_empty() {
            return Vec::new();
        }
        self.make_at_once(&scene.site, lines.iter().map(|(key, _)| *key), MADE_AT_ONCE);
        let others = self.coming(&scene, |other| other.id != order.id);
        let said =
            lines.into_iter().filter_map(|(key, line)| match self.need(&scene, key, &others) {
                Looked::Need(need) => need.spoils(stored, line),
                Looked::Odd(_) | Looked::Pending | Looked::Nothing => None,
            });
        said.collect()
    }

    /// Whether a product goes off.
    fn is_perishable(&self, key: SeriesKey) -> bool {
        let views = self.views.read();
        let product = views.catalogue.product(key.item);
        product.is_some_and(|product| super::shelf::keeps_days(product).is_some())
    }
}

impl Need {
    /// That so much of it is ordered at a supplier that the last unit goes off with more than the chance that plans take;
    /// `None` where it does not.
    fn spoils(&self, stored: &StoredSupplier, line: &PurchaseLine) -> Option<String> {
        let times = times(stored, self.today, self.review_days);
        let most = self.missing(&times).most?;
        let quantity = line.quantity;
        if quantity <= most {
            return None;
        }
        let life = self.shelf.life(times.lead_days)?;
        let waste = self.waste_of(quantity, &times);
        let price = line.unit_price.checked("/unit_price").ok();
        let cost = price.map_or(String::new(), |price| format!(" ({})", cost_of(price, waste)));
        let round = |units: f64| (units * 1_000.0).round() / 1_000.0;
        Some(format!(
            "of {quantity} `{}` {waste:.1} go off unsold on average{cost}: what comes can be sold for {life:.0} days from \
             today only, and of more than {} the last one goes off with a chance above {:.0} % (`waste_chance`)",
            self.product.id,
            round(most),
            self.shelf.chance * 100.0
        ))
    }
}

#[cfg(test)]
mod tests;
