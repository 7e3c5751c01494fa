//! From what is missing to a quantity at a supplier.

use std::collections::BTreeMap;
use std::sync::Arc;

use souk_core::{Day, Money, Product};

use super::{PlanLine, Position};
use crate::demand::TotalDemand;
use crate::purchasing::{StoredSupplier, cost_of};

/// A supplier compared with others for one product.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// Who.
    pub supplier_id: String,
    /// Whether it is the one to order at.
    pub is_chosen: bool,
    /// Days until an order of today is there, and until one of the next chance is.
    pub days: (f64, f64),
    /// The level to order up to with these times.
    pub order_up_to: f64,
    /// What is missing to it.
    pub need: f64,
    /// What would be ordered, after minimum and multiples.
    pub quantity: f64,
    /// Of one unit at this quantity.
    pub unit_price: Money,
    /// Units and this line's share of the order's own cost together.
    pub landed_cost: Money,
    /// What a unit costs so, over the share of its orders that came in time and whole; in minor units.
    pub cost_per_unit: f64,
    /// The share of its orders that came in time and whole.
    pub reliability: f64,
    /// The day an order of today arrives.
    pub arrives_on: Day,
    /// How the quantity came about, in words.
    pub rounding: String,
}

/// What a product needs, before any supplier is looked at.
pub(super) struct Need {
    pub(super) product: Arc<Product>,
    pub(super) position: Position,
    pub(super) today: Day,
    /// Demand from today on for so many days.
    pub(super) demand: Box<dyn Fn(f64) -> TotalDemand + Send>,
    pub(super) confidence: Option<f64>,
    pub(super) warnings: Vec<String>,
    pub(super) review_days: f64,
    /// Where no supplier is known.
    pub(super) lead_days: f64,
    pub(super) service: f64,
}

/// When orders of today, and of the next chance, arrive.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Times {
    pub(super) lead_days: f64,
    pub(super) lead_sd: f64,
    pub(super) protection_days: f64,
    arrives_on: Day,
}

impl Times {
    pub(super) fn usual(lead_days: f64, review_days: f64) -> Times {
        let protection_days = lead_days + review_days;
        Times { lead_days, lead_sd: 0.0, protection_days, arrives_on: Day::default() }
    }

    /// Demand over some days, with what the lead time's own spread adds: for demand of mean d a day, d²·Var(L).
    pub(super) fn total(&self, demand: impl Fn(f64) -> TotalDemand, days: f64) -> TotalDemand {
        let total = demand(days);
        let daily = if days > 0.0 { total.mean / days } else { 0.0 };
        let spread = (daily * self.lead_sd).powi(2);
        TotalDemand { variance: total.variance + spread, ..total }
    }
}

/// A supplier's times, by its calendar and by what receipts taught.
pub(super) fn times(stored: &StoredSupplier, today: Day, review_days: f64) -> Times {
    let (lead, lead_sd) = stored.lead_time();
    let supplier = &stored.supplier;
    let ordered = supplier.order_day(today);
    let arrives_on = supplier.arrival(ordered, lead);
    // Who takes orders on some weekdays only is asked on each of them; others every `review_days`.
    let wait = if supplier.order_weekdays.is_empty() { review_days.max(1.0) as i32 } else { 1 };
    let next = supplier.order_day(Day::from_number(ordered.number() + wait));
    let next_arrives = supplier.arrival(next, lead);
    let days_to = |day: Day| f64::from((day.number() - today.number()).max(0));
    Times {
        lead_days: days_to(arrives_on),
        lead_sd,
        protection_days: days_to(next_arrives).max(1.0),
        arrives_on,
    }
}

/// Compares suppliers for every need; lines of products of which nothing is missing are left out.
pub(super) fn compare(
    needs: Vec<Need>,
    suppliers: &BTreeMap<String, StoredSupplier>,
    service: f64,
) -> Vec<PlanLine> {
    let mut by_product: BTreeMap<&str, Vec<&StoredSupplier>> = BTreeMap::new();
    for stored in suppliers.values() {
        for offer in &stored.supplier.offers {
            by_product.entry(&offer.product_id).or_default().push(stored);
        }
    }
    // An order's own cost is shared by the lines that it could have.
    let mut n_lines: BTreeMap<&str, usize> = BTreeMap::new();
    for need in &needs {
        for stored in by_product.get(need.product.id.as_str()).into_iter().flatten() {
            if need.missing(&times(stored, need.today, need.review_days)).1 > 0.0 {
                *n_lines.entry(&stored.supplier.id).or_insert(0) += 1;
            }
        }
    }
    let lines = needs.into_iter().filter_map(|need| {
        let offering = by_product.get(need.product.id.as_str());
        let offers = || offering.into_iter().flatten().copied();
        let missing =
            offers().map(|stored| need.missing(&times(stored, need.today, need.review_days)).1);
        let most = missing.fold(0.0, f64::max);
        // Whoever offers it can still be asked next time.
        if offering.is_some() && most <= 0.0 {
            return None;
        }
        let mut candidates: Vec<Candidate> = offers()
            .filter_map(|stored| {
                let n = n_lines.get(stored.supplier.id.as_str()).copied().unwrap_or(1);
                need.candidate(stored, (n, most))
            })
            .collect();
        // Costs in two currencies have no order, so the first one's currency decides.
        if let Some(currency) = candidates.first().map(|one| one.unit_price.currency()) {
            candidates.retain(|one| one.unit_price.currency() == currency);
        }
        candidates.sort_by(|a, b| {
            let costs = a.cost_per_unit.total_cmp(&b.cost_per_unit);
            costs.then(a.arrives_on.cmp(&b.arrives_on)).then(a.supplier_id.cmp(&b.supplier_id))
        });
        // Who is cheapest and still in time at the next chance is waited for: asking one who delivers later now would
        // keep the stock above the cheap one's level for ever.
        if candidates.first().is_some_and(|first| first.need <= 0.0) {
            return None;
        }
        candidates.retain(|one| one.need > 0.0);
        if let Some(first) = candidates.first_mut() {
            first.is_chosen = true;
        }
        need.line(candidates, service)
    });
    lines.collect()
}

impl Need {
    /// The level to order up to, and what is missing to it.
    fn missing(&self, times: &Times) -> (f64, f64) {
        let level = times.total(&self.demand, times.protection_days).quantile(self.service);
        (level, (level - self.position.total()).max(0.0))
    }

    /// A supplier's offer. Where nothing is missing yet at its times it is weighed at `most`, what is missing at
    /// another's.
    fn candidate(
        &self,
        stored: &StoredSupplier,
        (n_lines, most): (usize, f64),
    ) -> Option<Candidate> {
        let offer = stored.supplier.offer(self.product.id.as_str())?;
        let times = times(stored, self.today, self.review_days);
        let (order_up_to, need) = self.missing(&times);
        let (mut quantity, mut rounding) = offer.rounded(if need > 0.0 { need } else { most });
        // A price break may make more units cost less in all.
        for one in &offer.breaks {
            if one.from <= quantity {
                continue;
            }
            let (more, _) = offer.rounded(one.from);
            let (now, then) = (offer.unit_price(quantity)?, offer.unit_price(more)?);
            if cost_of(then, more).minor() <= cost_of(now, quantity).minor() {
                quantity = more;
                let words = format!("{more} cost no more by the price from {}", one.from);
                rounding = [rounding, words]
                    .into_iter()
                    .filter(|one| !one.is_empty())
                    .collect::<Vec<_>>()
                    .join("; ");
            }
        }
        let unit_price = offer.unit_price(quantity)?;
        let own = stored.supplier.order_cost.as_ref().map_or(0, |money| {
            if money.currency == unit_price.currency().as_str() { money.amount } else { 0 }
        });
        let share = own / i64::try_from(n_lines.max(1)).unwrap_or(1);
        let units = cost_of(unit_price, quantity);
        let landed_cost = Money::from_minor(units.minor() + share, unit_price.currency());
        let reliability = stored.reliability().max(0.01);
        Some(Candidate {
            supplier_id: stored.supplier.id.clone(),
            is_chosen: false,
            days: (times.lead_days, times.protection_days),
            order_up_to,
            need,
            quantity,
            unit_price,
            landed_cost,
            cost_per_unit: landed_cost.minor() as f64 / quantity / reliability,
            reliability,
            arrives_on: times.arrives_on,
            rounding,
        })
    }

    fn line(self, candidates: Vec<Candidate>, service: f64) -> Option<PlanLine> {
        let chosen = candidates.first();
        let usual = Times::usual(self.lead_days, self.review_days);
        let (lead, protection, level, need) = match chosen {
            Some(one) => (one.days.0, one.days.1, one.order_up_to, one.need),
            None => {
                let (level, need) = self.missing(&usual);
                (usual.lead_days, usual.protection_days, level, need)
            }
        };
        if need <= 0.0 {
            return None;
        }
        let mean = (self.demand)(protection).mean;
        let (quantity, cost) = match chosen {
            Some(one) => (one.quantity, Some(cost_of(one.unit_price, one.quantity))),
            None => (need.ceil(), self.product.cost.map(|cost| cost_of(cost, need.ceil()))),
        };
        let mut warnings = self.warnings;
        if chosen.is_none() {
            warnings.push("no supplier offers it; PUT /v1/suppliers with an offer".to_owned());
        }
        let position = self.position;
        let rounding = chosen.map_or(String::new(), |one| {
            let steps = if one.rounding.is_empty() {
                String::new()
            } else {
                format!(" ({})", one.rounding)
            };
            format!("; {} at {}{steps}", one.quantity, one.supplier_id)
        });
        let text = format!(
            "{:.1} on hand + {:.1} on order − {:.1} reserved = {:.1}; {protection:.0} days must be bridged, in \
             which {mean:.1} units are expected and {level:.1} are not exceeded with a chance of {:.0} %: \
             {level:.1} − {:.1} = {need:.1}{rounding}",
            position.on_hand.max(0.0),
            position.on_order,
            position.reserved,
            position.total(),
            service * 100.0,
            position.total(),
        );
        Some(PlanLine {
            product: self.product.id.clone(),
            title: self.product.title.clone(),
            position,
            lead_time_days: lead,
            protection_days: protection,
            demand_mean: mean,
            service_level: service,
            order_up_to: level,
            need,
            quantity,
            cost,
            candidates,
            confidence: self.confidence,
            warnings,
            text,
        })
    }
}
