//! From what is missing to a quantity at a supplier.

use std::collections::BTreeMap;
use std::sync::Arc;

use souk_core::{Currency, Day, Money, Product, ProductId};
use souk_inventory::demand::Grain;

use super::coming::Coming;
use super::shelf::Shelf;
use super::{PlanException, PlanLine};
use crate::demand::{Stock, Stretch, TotalDemand};
use crate::forecasts::Ahead;
use crate::purchasing::{Offer, StoredSupplier, cost_of};

/// The chance with which a day sells no more than what is no surprise (chosen: one product in a thousand a day).
const SURE: f64 = 0.999;
/// Orders that may come on one day (chosen: nobody rests longer).
const ORDERS_OF_A_DAY_MAX: usize = 60;
/// Units below which nothing is a surprise.
const SURPRISE_MIN: f64 = 5.0;

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
    /// Units on hand that go off unsold before an order of the next chance is there, where demand is as high as the level.
    pub expiring: f64,
    /// Units that may be ordered at most: what is sold in the shelf life of what comes, with the chance that is
    /// aimed at. `None` for what does not go off.
    pub most: Option<f64>,
    /// Units of what is missing that are wanted from an empty shelf before an order of today is there, and not any more then.
    pub spared: f64,
    /// What is missing to the level, less what is spared.
    pub need: f64,
    /// What would be ordered, after minimum and multiples.
    pub quantity: f64,
    /// The share of what is wanted until an order of the next chance is there, from the day on which this one is, that both
    /// what is there and this quantity serve, on average; `None` where nothing is.
    pub serves: Option<f64>,
    /// Of one unit at this quantity.
    pub unit_price: Money,
    /// Units and this line's share of the order's own cost together.
    pub landed_cost: Money,
    /// Units that are missing on average until an order of today is there.
    pub missing: f64,
    /// The chance that any are.
    pub chance_missing: f64,
    /// The margin of those that would not be missing with whoever is there first.
    pub lost_margin: Money,
    /// What a unit costs so, over the share of its orders that came in time and whole; in minor units.
    pub cost_per_unit: f64,
    /// The share of its orders that came in time and whole.
    pub reliability: f64,
    /// The day an order of today arrives.
    pub arrives_on: Day,
    /// How the quantity came about, in words.
    pub rounding: String,
}

impl Candidate {
    /// What an order there costs whatever is in it, over the share of its orders that came in time and whole; in minor units.
    pub(super) fn order_cost(&self, stored: &StoredSupplier) -> f64 {
        Priced::own_cost(stored, self.unit_price) as f64 / self.reliability.max(0.01)
    }

    /// Sets what it costs where its order's own cost is shared by so many lines.
    pub(super) fn share(&mut self, stored: &StoredSupplier, n_lines: usize) {
        let priced = Priced::shared(stored, self.unit_price, (self.quantity, n_lines));
        (self.landed_cost, self.cost_per_unit) = (priced.landed, priced.per_unit);
    }

    /// What a unit costs with its share of the lost margin, in minor units.
    pub(super) fn cost_in_all(&self) -> f64 {
        self.cost_per_unit + self.lost_margin.minor() as f64 / self.quantity
    }
}

/// What a product needs, before any supplier is looked at.
pub(super) struct Need {
    pub(super) product: Arc<Product>,
    /// Units in stock; below 0 where the books are wrong.
    pub(super) on_hand: f64,
    pub(super) coming: Coming,
    pub(super) today: Day,
    /// The first day of its forecast.
    pub(super) forecast_from: Day,
    /// Units that were sold today until now.
    pub(super) sold_today: f64,
    /// Demand of the whole of today.
    pub(super) of_today: TotalDemand,
    /// Demand from now on.
    pub(super) ahead: Ahead,
    pub(super) shelf: Shelf,
    pub(super) confidence: Option<f64>,
    /// Whether some of it was received that is in no book yet.
    pub(super) is_unbooked: bool,
    pub(super) warnings: Vec<String>,
    pub(super) notes: Vec<String>,
    pub(super) overrides: Vec<String>,
    /// The site's.
    pub(super) currency: Option<Currency>,
    pub(super) review_days: f64,
    /// Where no supplier is known.
    pub(super) lead_days: f64,
    /// The chance to suffice that it is ordered by.
    pub(super) service: f64,
    /// Where it follows from a share to serve: why, in words that follow it, and the share of its own that it serves at least.
    pub(super) aimed: Option<(String, f64)>,
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
    let next_after = |day: Day| supplier.order_day(Day::from_number(day.number() + wait));
    let mut next = next_after(ordered);
    // Before a holiday two orders may come on one day, and the second of them is no later chance.
    for _ in 0..ORDERS_OF_A_DAY_MAX {
        if supplier.arrival(next, lead) > arrives_on {
            break;
        }
        next = next_after(next);
    }
    let next_arrives = supplier.arrival(next, lead);
    let days_to = |day: Day| f64::from((day.number() - today.number()).max(0));
    Times {
        lead_days: days_to(arrives_on),
        lead_sd,
        protection_days: days_to(next_arrives).max(1.0),
        arrives_on,
    }
}

/// The times of the supplier that a usual order of a product goes to: the one that the plan finds cheapest for what is wanted
/// between two deliveries, of those that the plan compares; `None` without any.
pub(super) fn usual(
    suppliers: &BTreeMap<String, StoredSupplier>,
    (product, own): (&ProductId, Option<Currency>),
    (today, review_days): (Day, f64),
    demand: impl Fn(f64) -> TotalDemand,
) -> Option<Times> {
    let mut offered: Vec<(Priced, Times, &str)> = suppliers
        .values()
        .filter_map(|stored| {
            let supplier = &stored.supplier;
            let offer = supplier.offer(product.as_str())?;
            let times = times(stored, today, review_days);
            let (this, next) = (demand(times.lead_days), demand(times.protection_days));
            let (quantity, _) = offer.rounded((next.mean - this.mean).max(1.0), f64::INFINITY);
            // Its own cost may be shared by all that it offers.
            let priced = Priced::of(stored, offer, (quantity, supplier.offers.len()))?;
            Some((priced, times, supplier.id.as_str()))
        })
        .collect();
    let currency_of = |one: &(Priced, Times, &str)| one.0.unit_price.currency();
    let currency = compared_in(offered.iter().map(currency_of), own)?;
    offered.retain(|one| currency_of(one) == currency);
    let cheapest = offered.into_iter().min_by(|a, b| {
        let costs = a.0.per_unit.total_cmp(&b.0.per_unit);
        costs.then(a.1.arrives_on.cmp(&b.1.arrives_on)).then(a.2.cmp(b.2))
    });
    cheapest.map(|(_, times, _)| times)
}

/// The currency in which offers are compared, for costs in two have no order: the site's own, or the first one's where none
/// is in that.
pub(super) fn compared_in(
    mut offered: impl Iterator<Item = Currency> + Clone,
    own: Option<Currency>,
) -> Option<Currency> {
    let first = offered.clone().next();
    offered.find(|one| Some(*one) == own).or(first)
}

/// What a quantity costs at a supplier.
struct Priced {
    unit_price: Money,
    /// Units and a share of the order's own cost together.
    landed: Money,
    /// Of one unit, over the share of orders that came in time and whole.
    per_unit: f64,
    reliability: f64,
}

impl Priced {
    /// With the order's own cost shared by so many lines.
    fn of(
        stored: &StoredSupplier,
        offer: &Offer,
        (quantity, n_lines): (f64, usize),
    ) -> Option<Priced> {
        let unit_price = offer.unit_price(quantity)?;
        Some(Priced::shared(stored, unit_price, (quantity, n_lines)))
    }

    /// What an order costs whatever is in it, where that is said in the offer's currency.
    fn own_cost(stored: &StoredSupplier, unit_price: Money) -> i64 {
        stored.supplier.order_cost.as_ref().map_or(0, |money| {
            if money.currency == unit_price.currency().as_str() { money.amount } else { 0 }
        })
    }

    fn shared(
        stored: &StoredSupplier,
        unit_price: Money,
        (quantity, n_lines): (f64, usize),
    ) -> Priced {
        let own = Priced::own_cost(stored, unit_price);
        let share = own / i64::try_from(n_lines.max(1)).unwrap_or(1);
        let units = cost_of(unit_price, quantity);
        let landed = Money::from_minor(units.minor() + share, unit_price.currency());
        let reliability = stored.reliability().max(0.01);
        let per_unit = landed.minor() as f64 / quantity / reliability;
        Priced { unit_price, landed, per_unit, reliability }
    }
}

/// What is missing of a product with a supplier's times.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Missing {
    /// To order up to.
    level: f64,
    /// On hand, and gone off by then.
    expiring: f64,
    /// Wanted from an empty shelf before the order is there.
    spared: f64,
    pub(super) units: f64,
    /// To order at most.
    pub(super) most: Option<f64>,
    /// What would be missing if nothing went off of what is ordered.
    pub(super) units_if_kept: f64,
}

impl Need {
    /// Whether a part of today has sold more than the whole day was to.
    pub(super) fn surprise(&self) -> Option<PlanException> {
        let most = self.of_today.quantile(SURE);
        (self.sold_today > most && self.sold_today >= SURPRISE_MIN).then(|| {
            self.exception(
                "sold_more",
                format!(
                    "{:.0} were sold today already, where the whole day was to sell no more than {most:.0} with a chance \
                     of {:.1} %: check the sales, or order more",
                    self.sold_today,
                    SURE * 100.0
                ),
            )
        })
    }

    /// The demand that its stock must last for, at the supplier that a usual order goes to.
    pub(super) fn usual_stretch(&self, suppliers: &BTreeMap<String, StoredSupplier>) -> Stretch {
        let when = (self.today, self.review_days);
        let product = (&self.product.id, self.currency);
        let found = usual(suppliers, product, when, |days| self.ahead.over(days));
        self.stretch(&found.unwrap_or_else(|| Times::usual(self.lead_days, self.review_days)))
    }

    fn stretch(&self, times: &Times) -> Stretch {
        let total = |days: f64| times.total(|days| self.ahead.over(days), days);
        let (lead, next) = (times.lead_days, times.protection_days);
        let left_over = self.shelf.left_over(next - lead);
        Stretch { left_over, ..Stretch::keeping(total(lead), total(next)) }
    }

    /// What there is without an order of today, where so many units on hand go off unsold.
    fn stock(&self, times: &Times, expiring: f64) -> Stock {
        let position = self.coming.position(self.on_hand, times.protection_days).total();
        let waits = self.coming.waits(self.on_hand.max(0.0), times.lead_days);
        let before = waits.last().map_or(0.0, |(_, there)| *there);
        Stock { held: (before - expiring).max(0.0), later: (position - before).max(0.0) }
    }

    /// What is missing to the level. Units that go off unsold before the next order is there are none, but until its last day
    /// a lot serves as any unit does: only the days after it are open.
    pub(super) fn missing(&self, times: &Times) -> Missing {
        let total = |days: f64| times.total(|days| self.ahead.over(days), days);
        let held = self.coming.position(self.on_hand, times.protection_days).total();
        let until_next = self.shelf.leaving(total, times.protection_days);
        let (level, gone) = until_next.quantile(self.service);
        let days = self.ahead.means(times.protection_days.round() as usize);
        let lost = self.shelf.lost(&days, (self.on_hand, level), times.lead_days);
        // Of pieces, whole ones are lost.
        let is_count = self.ahead.grain() == Grain::Pieces;
        let expiring = gone + if is_count { lost.round() } else { lost };
        // A chance by itself says nothing of what is lost, and an open order then lowers the need by its units.
        let spared = match self.aimed {
            Some((_, of_each)) => {
                self.stretch(times).spared(self.service, self.stock(times, expiring), of_each)
            }
            None => 0.0,
        };
        let units = (level - (held - expiring) - spared).max(0.0);
        let missing = Missing { level, expiring, spared, units, most: None, units_if_kept: units };
        let Some(life) = self.shelf.life(times.lead_days) else { return missing };
        let (sold, unsold) = self.shelf.leaving(total, life).quantile(self.shelf.chance);
        let kept = (sold - (held - unsold)).max(0.0);
        // What is wanted from an empty shelf before the order is there is sold from none.
        let in_life = Stretch::keeping(total(times.lead_days), total(life));
        let sellable = in_life.sellable(self.shelf.chance, self.stock(times, unsold));
        let most = sellable.map_or(kept, |sellable| sellable.min(kept));
        if most > units {
            return Missing { most: Some(most), ..missing };
        }
        Missing {
            level: sold,
            expiring: unsold,
            spared: kept - most,
            units: most,
            most: Some(most),
            units_if_kept: units,
        }
    }

    /// Why nothing is ordered at a supplier where only the bound on what goes off says so.
    pub(super) fn too_slow(&self, id: &str, (times, missing): (&Times, &Missing)) -> String {
        let round = |units: f64| (units * 1_000.0).round() / 1_000.0;
        let life = self.shelf.life(times.lead_days).unwrap_or_default();
        format!(
            "{} are missing and nothing is ordered at `{id}`: what comes now can be sold for {life:.0} days from today only, in \
             which {} are not exceeded with a chance of {:.0} %, and of what is there or comes {} keep until then; share a case with another place, do \
             without, or set `inventory.waste_chance_max` higher",
            round(missing.units_if_kept),
            round(missing.level),
            self.shelf.chance * 100.0,
            round(
                self.coming.position(self.on_hand, times.protection_days).total()
                    - missing.expiring
            ),
        )
    }

    /// A supplier's offer, its order's own cost on this line alone, or why nothing can be ordered there. Where nothing is
    /// missing yet at its times it is weighed at `elsewhere`, what is missing at another's.
    pub(super) fn candidate(
        &self,
        stored: &StoredSupplier,
        elsewhere: f64,
    ) -> Option<Result<Candidate, String>> {
        let offer = stored.supplier.offer(self.product.id.as_str())?;
        let times = times(stored, self.today, self.review_days);
        let Missing { level, expiring, spared, units: need, most, .. } = self.missing(&times);
        let sellable = most.unwrap_or(f64::INFINITY);
        let wanted = if need > 0.0 { need } else { elsewhere };
        let (mut quantity, mut rounding) = offer.rounded(wanted, sellable);
        if quantity <= 0.0 {
            let keeps = self.shelf.keeps_days.unwrap_or_default();
            let wanted = (wanted * 1_000.0).round() / 1_000.0;
            return Some(Err(format!(
                "{wanted} are needed; at `{}` {rounding}, because no more would be sold in the {keeps} days that it \
                 keeps: order elsewhere, share a case with another place, or do without",
                stored.supplier.id
            )));
        }
        // A price break may make more units cost less in all.
        for one in &offer.breaks {
            if one.from <= quantity {
                continue;
            }
            let (more, _) = offer.rounded(one.from, sellable);
            if more < one.from {
                continue;
            }
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
        let priced = Priced::of(stored, offer, (quantity, 1))?;
        let (missing, chance_missing) = self.short_until(&times);
        Some(Ok(Candidate {
            supplier_id: stored.supplier.id.clone(),
            is_chosen: false,
            days: (times.lead_days, times.protection_days),
            order_up_to: level,
            expiring,
            most,
            spared,
            need,
            quantity,
            serves: self.stretch(&times).served(quantity, self.stock(&times, expiring)),
            unit_price: priced.unit_price,
            landed_cost: priced.landed,
            missing,
            chance_missing,
            lost_margin: Money::from_minor(0, priced.unit_price.currency()),
            cost_per_unit: priced.per_unit,
            reliability: priced.reliability,
            arrives_on: times.arrives_on,
            rounding,
        }))
    }

    pub(super) fn line(self, candidates: Vec<Candidate>) -> Option<PlanLine> {
        let chosen = candidates.first();
        let aim = match chosen {
            Some(one) => Aim {
                days: one.days,
                level: one.order_up_to,
                expiring: one.expiring,
                spared: one.spared,
                need: one.need,
                most: one.most,
            },
            None => {
                let usual = Times::usual(self.lead_days, self.review_days);
                let missing = self.missing(&usual);
                Aim {
                    days: (usual.lead_days, usual.protection_days),
                    level: missing.level,
                    expiring: missing.expiring,
                    spared: missing.spared,
                    need: missing.units,
                    most: missing.most,
                }
            }
        };
        if aim.need <= 0.0 {
            return None;
        }
        let (quantity, cost) = match chosen {
            Some(one) => (one.quantity, Some(cost_of(one.unit_price, one.quantity))),
            // What the product once cost is no offer.
            None => (aim.need.ceil(), None),
        };
        let serves = match chosen {
            Some(one) => one.serves,
            None => {
                let usual = Times::usual(self.lead_days, self.review_days);
                self.stretch(&usual).served(quantity, self.stock(&usual, aim.expiring))
            }
        };
        let text = self.text(&aim, chosen);
        let position = self.coming.position(self.on_hand, aim.days.1);
        let waste = self.waste_of(quantity, &Times::usual(aim.days.0, aim.days.1 - aim.days.0));
        let demand_mean = self.ahead.over(aim.days.1).mean;
        let mut warnings = self.warnings;
        if chosen.is_none() {
            warnings.push("no supplier offers it; PUT /v1/suppliers with an offer".to_owned());
        }
        Some(PlanLine {
            product: self.product.id.clone(),
            title: self.product.title.clone(),
            position,
            lead_time_days: aim.days.0,
            protection_days: aim.days.1,
            forecast_from: self.forecast_from,
            demand_mean,
            service_level: self.service,
            order_up_to: aim.level,
            expiring: aim.expiring,
            serves,
            spared: aim.spared,
            keeps_days: self.shelf.keeps_days,
            most: aim.most,
            waste,
            waste_chance: self.shelf.keeps_days.map(|_| self.shelf.chance),
            need: aim.need,
            quantity,
            cost,
            candidates,
            confidence: self.confidence,
            is_unbooked: self.is_unbooked,
            warnings,
            notes: self.notes,
            overrides: self.overrides,
            text,
        })
    }

    /// Units of an order with these times that go off unsold on average. What is there is sold before it, so it is what the
    /// order adds to what is left; what is wanted from an empty shelf before it is there is sold from none.
    pub(super) fn waste_of(&self, quantity: f64, times: &Times) -> f64 {
        let Some(life) = self.shelf.life(times.lead_days) else { return 0.0 };
        let total = |days: f64| self.ahead.over(days);
        let held = self.coming.position(self.on_hand, times.protection_days).total();
        let leaving = self.shelf.leaving(total, life);
        let left = (leaving.left_of(held + quantity) - leaving.left_of(held)).clamp(0.0, quantity);
        let in_life = Stretch::keeping(total(times.lead_days), total(life));
        let (_, unsold) = leaving.quantile(self.shelf.chance);
        let lost = in_life.unsold(quantity, self.stock(times, unsold));
        lost.map_or(left, |unsold| unsold.max(left))
    }

    /// The arithmetic in words.
    fn text(&self, aim: &Aim, chosen: Option<&Candidate>) -> String {
        let said = match self.overrides.is_empty() {
            true => String::new(),
            false => format!(" (with {})", self.overrides.join("; ")),
        };
        let rounding = chosen.map_or(String::new(), |one| {
            let steps = match one.rounding.is_empty() {
                true => String::new(),
                false => format!(" ({})", one.rounding),
            };
            let units = (one.quantity * 1_000.0).round() / 1_000.0;
            format!("; {units} at {}{steps}", one.supplier_id)
        });
        let sold = match self.sold_today > 0.0 {
            true => format!(" beyond the {:.1} of today that are sold", self.sold_today),
            false => String::new(),
        };
        let position = self.coming.position(self.on_hand, aim.days.1);
        let (expiring, level) = (aim.expiring, aim.level);
        let gone = match expiring >= 0.05 {
            true => format!(" − {expiring:.1} that go off unsold"),
            false => String::new(),
        };
        let spared = match aim.spared >= 0.05 {
            true => format!(" − {:.1} that are missing before it is there and lost", aim.spared),
            false => String::new(),
        };
        let usable = position.total() - expiring;
        let bounded = aim.most.is_some_and(|most| aim.need >= most);
        let up_to = match self.shelf.life(aim.days.0).filter(|_| bounded) {
            Some(life) => format!(
                "but what comes now can be sold for {life:.0} days from today only, in which {level:.1} are not exceeded \
                 with a chance of {:.0} %",
                self.shelf.chance * 100.0
            ),
            None => {
                let chance = self.service * 100.0;
                let why = self.aimed.as_ref().map_or("", |(why, _)| why);
                format!("and {level:.1} are not exceeded with a chance of {chance:.0} %{why}")
            }
        };
        format!(
            "{:.1} on hand{gone} + {:.1} on order{} − {:.1} reserved = {usable:.1}; {:.0} days must be bridged, in which \
             {:.1} units are expected{sold}{said} {up_to}: {level:.1} − {usable:.1}{spared} = {:.1}{rounding}",
            position.on_hand.max(0.0),
            position.on_order,
            position.not_counted(),
            position.reserved,
            aim.days.1,
            self.ahead.over(aim.days.1).mean,
            aim.need,
        )
    }
}

/// What a line aims at.
#[derive(Clone, Copy, Debug)]
struct Aim {
    /// Days until an order of today is there, and until one of the next chance is.
    days: (f64, f64),
    /// To order up to.
    level: f64,
    /// On hand, and gone off by then.
    expiring: f64,
    /// Wanted from an empty shelf before the order is there.
    spared: f64,
    need: f64,
    /// To order at most.
    most: Option<f64>,
}

#[cfg(test)]
mod tests;
