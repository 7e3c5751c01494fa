//! From whom to order how much: the least landed cost of so many units by a day.
//!
//! What an order of x units costs, is goods (price breaks count for all units), freight (for the order, for each pallet and each
//! truck begun), the risk that it is late, the risk that a part never comes, and what is ordered beyond the need. Quantities are
//! whole cases. One or two suppliers are found by going through every quantity; more by dynamic programming (`split.rs`).
//!
//! Source: Benton and Park, *A classification of literature on determining the lot size under quantity discounts*, European
//! Journal of Operational Research 92(2), 1996 (all-units breaks: in each price tier only the least quantity can be best);
//! Chaudhry, Forst and Zydiak, *Vendor selection with price breaks*, ibid. 70(1), 1993 (the problem).

use crate::demand::LeadTime;
use crate::economic_order::Break;
use crate::rounding::{down, up};
use crate::{PolicyError, at_least_zero, positive};

mod compare;
mod split;
#[cfg(test)]
mod tests;

pub use compare::{Candidate, Verdict};

/// A vessel of freight.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Load {
    /// Units that it holds, above 0.
    pub units: f64,
    /// Money for each that is begun.
    pub cost: f64,
}

/// What a supplier asks and promises.
#[derive(Clone, Debug, PartialEq)]
pub struct Offer {
    /// Price of a unit from a quantity on, for all units; the first from 0.
    pub prices: Vec<Break>,
    /// Units of the smallest order; 0 without one.
    pub minimum: f64,
    /// Units of a case, above 0.
    pub multiple: f64,
    /// A pallet, if pallets are paid for.
    pub pallet: Option<Load>,
    /// A truck, if trucks are paid for.
    pub truck: Option<Load>,
    /// Money for an order, whatever its size.
    pub per_order: f64,
    /// How long it takes.
    pub lead_time: LeadTime,
    /// The share of ordered units that comes, above 0 and up to 1.
    pub reliability: f64,
    /// Units at most; infinite without a limit.
    pub capacity: f64,
    /// The shares of the need that a contract asks for and allows, in 0..=1; both are rounded up to whole cases. `(0.0, 1.0)`
    /// without one.
    pub contract: (f64, f64),
}

/// What is needed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Need {
    /// Units, above 0.
    pub units: f64,
    /// Units that may be ordered at most (shelf life, room); infinite without a limit.
    pub most: f64,
    /// Days until they are needed.
    pub by_days: f64,
    /// Money for a unit that comes later.
    pub late: f64,
    /// Money for a unit that never comes.
    pub missing: f64,
    /// Money for a unit beyond the need (holding it until it sells).
    pub surplus: f64,
    /// Suppliers that the need may be split among, from 1 on.
    pub splits: usize,
}

/// An order at one supplier, with the money that it costs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bill {
    /// The supplier's place in the list of offers.
    pub supplier: usize,
    /// Units ordered.
    pub units: f64,
    /// Price of a unit.
    pub price: f64,
    /// Money for the units.
    pub goods: f64,
    /// Money for the order, its pallets and trucks.
    pub freight: f64,
    /// Expected money for units that come late.
    pub late: f64,
    /// Expected money for units that never come.
    pub missing: f64,
}

impl Bill {
    /// All of it.
    pub fn cost(&self) -> f64 {
        self.goods + self.freight + self.late + self.missing
    }
}

/// The cheapest way to cover a need, and what was compared.
#[derive(Clone, Debug, PartialEq)]
pub struct Choice {
    /// The orders, by supplier.
    pub orders: Vec<Bill>,
    /// Money for units beyond the need.
    pub surplus: f64,
    /// Money for everything.
    pub cost: f64,
    /// Each supplier, alone, and why it was or was not taken; in the order of the offers.
    pub candidates: Vec<Candidate>,
}

/// Suppliers that can be compared at once, at most.
pub const SUPPLIERS_MAX: usize = 50;
/// Quantities that one pair of suppliers is gone through for, at most.
const QUANTITIES_MAX: f64 = 1e6;

/// The cheapest quantities from each supplier. Equal costs go to fewer suppliers, then to the first in the list.
///
/// Splits among three suppliers and more are looked through up to some millions of totals (hundred thousands of units with
/// several suppliers); beyond that, only splits among two.
///
/// # Errors
///
/// [`PolicyError::OutOfRange`] and [`PolicyError::Breaks`] for numbers that make no sense; [`PolicyError::NoSupply`] when the
/// suppliers' limits do not allow for the need.
pub fn choose(need: &Need, offers: &[Offer]) -> Result<Choice, PolicyError> {
    check_need(need, offers)?;
    let terms = offers.iter().enumerate().map(|(idx, offer)| Terms::new(need, (idx, offer)));
    let terms: Vec<Terms<'_>> = terms.collect::<Result<_, _>>()?;
    let forced: Vec<usize> =
        (0..terms.len()).filter(|idx| terms[*idx].offer.contract.0 > 0.0).collect();
    let mut best = Best { need, forced: &forced, orders: None };
    for one in &terms {
        best.offer(one.cheapest(need.units, need.most).into_iter().collect());
    }
    if need.splits >= 2 && forced.len() <= 2 {
        for (first, a) in terms.iter().enumerate() {
            for b in &terms[first + 1..] {
                best.pair(a, b)?;
            }
        }
    }
    if need.splits >= 3 && terms.len() >= 3 || forced.len() > 2 {
        best.offer(split::solve(need, &terms).unwrap_or_default());
    }
    let Some((cost, mut orders)) = best.orders else {
        return Err(no_supply(need, &terms));
    };
    orders.sort_by_key(|bill| bill.supplier);
    let candidates = compare::candidates(need, &terms, (&orders, cost));
    let surplus = surplus(need, &orders);
    Ok(Choice { orders, surplus, cost, candidates })
}

fn check_need(need: &Need, offers: &[Offer]) -> Result<(), PolicyError> {
    positive("the units needed", need.units)?;
    for (name, value) in [
        ("the cost of a late unit", need.late),
        ("the cost of a missing unit", need.missing),
        ("the cost of a unit beyond the need", need.surplus),
        ("the days until units are needed", need.by_days),
    ] {
        at_least_zero(name, value)?;
    }
    if need.most.is_nan() || need.most < need.units {
        let (name, bound) = ("the most that may be ordered", "of at least the need");
        return Err(PolicyError::OutOfRange { name, value: need.most, bound });
    }
    positive("the number of suppliers to split among", need.splits as f64)?;
    positive("the number of suppliers", offers.len() as f64)?;
    if offers.len() > SUPPLIERS_MAX {
        let value = offers.len() as f64;
        let name = "the number of suppliers";
        return Err(PolicyError::OutOfRange { name, value, bound: "up to 50" });
    }
    Ok(())
}

fn no_supply(need: &Need, terms: &[Terms<'_>]) -> PolicyError {
    let mut most: Vec<f64> = terms.iter().map(|one| one.most.max(0.0)).collect();
    most.sort_unstable_by(|a, b| b.total_cmp(a));
    let most = most.iter().take(need.splits).sum::<f64>().min(need.most);
    PolicyError::NoSupply { need: need.units, most }
}

fn surplus(need: &Need, orders: &[Bill]) -> f64 {
    let ordered: f64 = orders.iter().map(|bill| bill.units).sum();
    need.surplus * (ordered - need.units).max(0.0)
}

/// An offer with the limits that a need sets.
struct Terms<'a> {
    idx: usize,
    offer: &'a Offer,
    /// Units of the smallest order, in whole cases.
    least: f64,
    /// Units of the largest order, in whole cases; may be infinite.
    most: f64,
    /// Expected money for lateness and missing units, for each unit ordered.
    late: f64,
    missing: f64,
    /// Money for a unit beyond the need.
    surplus: f64,
}

impl<'a> Terms<'a> {
    fn new(need: &Need, (idx, offer): (usize, &'a Offer)) -> Result<Terms<'a>, PolicyError> {
        let case = positive("the units of a case", offer.multiple)?;
        at_least_zero("the smallest order", offer.minimum)?;
        at_least_zero("the cost of an order", offer.per_order)?;
        for load in offer.pallet.iter().chain(&offer.truck) {
            positive("the units of a pallet or truck", load.units)?;
            at_least_zero("the cost of a pallet or truck", load.cost)?;
        }
        let ascends = offer.prices.windows(2).all(|pair| pair[0].from < pair[1].from);
        let is_finite = offer.prices.iter().all(|one| one.from.is_finite());
        if !ascends || !is_finite || offer.prices.first().is_none_or(|first| first.from != 0.0) {
            return Err(PolicyError::Breaks);
        }
        for one in &offer.prices {
            positive("the price", one.price)?;
        }
        let within = |name, value: f64, bound: &'static str, is_fine: bool| {
            let error = PolicyError::OutOfRange { name, value, bound };
            if is_fine { Ok(()) } else { Err(error) }
        };
        let (share, (low, high)) = (offer.reliability, offer.contract);
        within("the reliability", share, "above 0 and up to 1", share > 0.0 && share <= 1.0)?;
        let is_share = (0.0..=1.0).contains(&low) && (low..=1.0).contains(&high);
        within("a contract's share", low, "from 0 to 1, the lower one first", is_share)?;
        within("the capacity", offer.capacity, "of 0 or more", offer.capacity >= 0.0)?;
        let least = up(offer.minimum.max(low * need.units), case).max(case);
        let mut most = down(offer.capacity.min(need.most), case);
        if high < 1.0 {
            most = most.min(up(high * need.units, case));
        }
        let late = need.late * offer.lead_time.chance_beyond(need.by_days) * share;
        let (missing, surplus) = (need.missing * (1.0 - share), need.surplus);
        Ok(Terms { idx, offer, least, most, late, missing, surplus })
    }

    fn bill(&self, units: f64) -> Bill {
        let offer = self.offer;
        let tier = offer.prices.iter().rev().find(|one| units >= one.from - 1e-9);
        let price = tier.map_or(0.0, |one| one.price);
        let loads = offer.pallet.iter().chain(&offer.truck);
        let freight = loads.map(|load| load.cost * up(units, load.units) / load.units);
        Bill {
            supplier: self.idx,
            units,
            price,
            goods: price * units,
            freight: offer.per_order + freight.sum::<f64>(),
            late: self.late * units,
            missing: self.missing * units,
        }
    }

    /// The cheapest order of at least `units` and at most `most`: the least quantity of some price tier.
    fn cheapest(&self, units: f64, most: f64) -> Option<Bill> {
        let most = self.most.min(down(most, self.offer.multiple));
        let base = up(units, self.offer.multiple).max(self.least);
        let tiers = self.offer.prices.iter().map(|one| up(one.from, self.offer.multiple));
        let mut best: Option<(f64, Bill)> = None;
        for units in std::iter::once(base).chain(tiers.filter(|from| *from > base)) {
            let bill = self.bill(units);
            // The price falls with each tier, but units beyond the need are bought and held.
            let cost = bill.cost() + self.surplus * units;
            if units <= most + 1e-9 && best.is_none_or(|(least, _)| cost < least) {
                best = Some((cost, bill));
            }
        }
        best.map(|(_, bill)| bill)
    }

    /// Units beyond which no order of a split can be cheapest: the need, or the last price break.
    fn horizon(&self, need: &Need) -> f64 {
        let last = self.offer.prices.last().map_or(0.0, |one| one.from);
        self.most.min(up(need.units.max(last), self.offer.multiple).max(self.least))
    }
}

/// The cheapest orders so far.
struct Best<'a> {
    need: &'a Need,
    /// Suppliers that a contract puts into every split.
    forced: &'a [usize],
    orders: Option<(f64, Vec<Bill>)>,
}

impl Best<'_> {
    fn offer(&mut self, orders: Vec<Bill>) {
        let has = |idx: &usize| orders.iter().any(|bill| bill.supplier == *idx);
        if orders.is_empty() || !self.forced.iter().all(has) {
            return;
        }
        let cost = orders.iter().map(Bill::cost).sum::<f64>() + surplus(self.need, &orders);
        let is_less = |(least, _): &(f64, Vec<Bill>)| cost < least - 1e-9 * least.abs();
        if self.orders.as_ref().is_none_or(is_less) {
            self.orders = Some((cost, orders));
        }
    }

    /// Goes through every quantity of the supplier with the larger cases.
    fn pair(&mut self, a: &Terms<'_>, b: &Terms<'_>) -> Result<(), PolicyError> {
        let has = |idx: &usize| *idx == a.idx || *idx == b.idx;
        if !self.forced.iter().all(has) {
            return Ok(());
        }
        let count =
            |one: &Terms<'_>| (one.horizon(self.need) - one.least) / one.offer.multiple + 1.0;
        let (walked, other) = if count(a) <= count(b) { (a, b) } else { (b, a) };
        let n = count(walked);
        if n > QUANTITIES_MAX {
            return Err(PolicyError::Wide { positions: QUANTITIES_MAX as usize });
        }
        for k in 0..n.max(0.0).round() as usize {
            let units = walked.least + k as f64 * walked.offer.multiple;
            let rest = (self.need.units - units).max(0.0);
            if let Some(bill) = other.cheapest(rest, self.need.most - units) {
                self.offer(vec![walked.bill(units), bill]);
            }
        }
        Ok(())
    }
}
