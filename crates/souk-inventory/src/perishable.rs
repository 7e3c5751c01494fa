//! What expires: order policies that look at ages.
//!
//! A base stock counts units that will be thrown away before the next order is there, and so orders too little just when
//! much is old. Two policies do not. *Estimated waste* takes off the position what would expire if demand
//! were its mean each day. *Protecting* works out the chances of what will be left when the order arrives, sold and expired
//! units taken off, and orders the fewest units that serve the period after with a set chance.
//!
//! Stock goes first in, first out, so units leave in the order in which they expire. Let `X(t)` be the units that expire by the end
//! of period t and `A(t)` all that have been there; then units gone by then are
//!
//! ```text
//! G(t) = max( min( G(t−1) + D(t), A(t) ), X(t) )
//! ```
//!
//! which needs one distribution whatever the number of ages. On Poisson demand of 2.5, lead times up to 2 and shelf lives of 2 and 3, protecting costs 0.3 % more
//! than the best there is, estimated waste 2.3 %, base stock 5.5 %.
//!
//! Source: Broekmeulen and van Donselaar, *A heuristic to manage perishable inventory with batch ordering, positive lead-times,
//! and time-varying demand*, Computers & Operations Research 36(11), 2009 (estimated waste); Nahmias, *Perishable
//! Inventory Systems*, 2011, ch. 2 and 3 (order of events, optimal policies).

use std::collections::BTreeMap;

use crate::lost_sales::{draw, fewest, least};
use crate::{PolicyError, at_least_zero, checked, positive};

#[cfg(test)]
mod tests;

/// An order policy of one product that expires, with lost sales. Each period: what was ordered `lead` periods ago arrives, fresh; an
/// order goes out; demand takes what expires first; what has no day left is thrown away.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum AgePolicy {
    /// Raise stock and what is on its way to so many units, whatever their age.
    BaseStock {
        /// Units.
        level: f64,
    },
    /// The same, but what is expected to expire before the order has served a period does not count.
    EstimatedWaste {
        /// Units.
        level: f64,
    },
    /// Serve the first period after the order arrives in full with a chance.
    Protecting {
        /// The chance, in 0..1.
        service: f64,
    },
}

/// What a policy sees.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Aged<'a> {
    /// Units with one period left, two, …, up to the shelf life; what has just arrived is among them.
    pub lots: &'a [usize],
    /// What arrives at the beginning of each of the next periods, the last one just before the new order.
    pub on_way: &'a [usize],
    /// Periods until the order arrives; 0 at once.
    pub lead: usize,
}

/// Money.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AgeCosts {
    /// Of a unit in stock overnight.
    pub holding: f64,
    /// Of a unit of lost demand.
    pub lost: f64,
    /// Of a unit thrown away, its purchase included.
    pub waste: f64,
}

impl AgePolicy {
    /// Units to order, with the chances of a period's demand 0, 1, 2, ….
    pub fn order(&self, sight: Aged<'_>, chances: &[f64]) -> usize {
        let position = sight.lots.iter().chain(sight.on_way).sum::<usize>() as f64;
        let missing = |level: f64, position: f64| (level - position).max(0.0).round() as usize;
        match *self {
            AgePolicy::BaseStock { level } => missing(level, position),
            AgePolicy::EstimatedWaste { level } => {
                missing(level, position - sight.estimated_waste(mean_of(chances)))
            }
            AgePolicy::Protecting { service } => {
                fewest(service, &sight.left_on_arrival(chances), chances)
            }
        }
    }
}

fn mean_of(chances: &[f64]) -> f64 {
    chances.iter().enumerate().map(|(k, chance)| k as f64 * chance).sum()
}

impl Aged<'_> {
    /// By period from now on: units that have been there, and units that expire by its end, of the stock and of what comes.
    fn flow(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        let shelf = self.lots.len();
        let stock: usize = self.lots.iter().sum();
        (0..).map(move |period: usize| {
            let come: usize = self.on_way.iter().take(period).sum();
            let old: usize = self.lots.iter().take(period + 1).sum();
            // What arrives after k periods expires at the end of period k + shelf − 1.
            let late = (period + 1).saturating_sub(shelf);
            let arrived: usize = self.on_way.iter().take(late).sum();
            (stock + come, old + arrived)
        })
    }

    /// Units that expire before the order has served a period, if demand is its mean.
    fn estimated_waste(&self, mean: f64) -> f64 {
        let (mut gone, mut waste) = (0.0_f64, 0.0);
        for (there, expired) in self.flow().take(self.lead) {
            gone = (gone + mean).min(there as f64);
            waste += (expired as f64 - gone).max(0.0);
            gone = gone.max(expired as f64);
        }
        waste
    }

    /// Chances of 0, 1, 2, … units in stock just before the order arrives.
    fn left_on_arrival(&self, chances: &[f64]) -> Vec<f64> {
        let most = self.lots.iter().chain(self.on_way).sum::<usize>();
        let mut gone = vec![0.0; most + 1];
        gone[0] = 1.0;
        for (there, expired) in self.flow().take(self.lead) {
            let mut next = vec![0.0; most + 1];
            for (before, chance) in gone.iter().enumerate().filter(|(_, chance)| **chance > 1e-12) {
                let mut left = 1.0;
                for (demand, of_demand) in chances.iter().enumerate() {
                    if before + demand >= there {
                        break;
                    }
                    next[(before + demand).max(expired)] += chance * of_demand;
                    left -= of_demand;
                }
                next[there.max(expired)] += chance * left.max(0.0);
            }
            gone = next;
        }
        // The number gone, turned round, is the number left.
        gone.reverse();
        gone
    }
}

/// Periods that a candidate is tried on (chosen: all candidates see the same demand).
const PERIODS: usize = 20_000;
/// Periods before costs count.
const WARM_UP: usize = 100;

/// The best base stock, the best estimated-waste and the best protecting policy, each with its cost for each period, found by trying
/// levels on the same seeded demand.
///
/// # Errors
///
/// [`PolicyError::OutOfRange`] and [`PolicyError::Chances`]; also when demand is always 0 or more than 300 on average, or times are longer than
/// 60 periods: plan in larger units.
pub fn best(
    costs: &AgeCosts,
    (lead, shelf): (usize, usize),
    chances: &[f64],
) -> Result<[(AgePolicy, f64); 3], PolicyError> {
    at_least_zero("the holding cost", costs.holding)?;
    positive("the cost of lost demand", costs.lost)?;
    at_least_zero("the cost of waste", costs.waste)?;
    positive("the shelf life", shelf as f64)?;
    checked(chances)?;
    let mean = positive("the mean demand", mean_of(chances))?;
    if mean > 300.0 || lead.max(shelf) > 60 {
        let (name, value) = ("the mean demand or a time", mean.max(lead.max(shelf) as f64));
        let bound = "up to 300 units and 60 periods";
        return Err(PolicyError::OutOfRange { name, value, bound });
    }
    let demand = draw(chances, PERIODS);
    let try_on = |policy| trial(costs, (lead, shelf), (policy, chances), &demand);
    let position = mean * (lead as f64 + 1.0);
    let most = position + 6.0 * position.sqrt() + 6.0;
    let base = |level: f64| AgePolicy::BaseStock { level };
    let estimated = |level: f64| AgePolicy::EstimatedWaste { level };
    let protecting = |service: f64| AgePolicy::Protecting { service };
    let of_base = least((0.0, most, 1.0), |level| try_on(base(level)));
    // Half units matter: estimates of waste are no whole numbers.
    let of_estimated = least((0.0, most, 0.5), |level| try_on(estimated(level)));
    let of_protecting = least((0.0, 1.0, 0.01), |service| try_on(protecting(service)));
    Ok([
        (base(of_base.0), of_base.1),
        (estimated(of_estimated.0), of_estimated.1),
        (protecting(of_protecting.0), of_protecting.1),
    ])
}

/// The mean cost of a period.
fn trial(
    costs: &AgeCosts,
    (lead, shelf): (usize, usize),
    (policy, chances): (AgePolicy, &[f64]),
    demand: &[usize],
) -> f64 {
    let mut known: BTreeMap<Vec<usize>, usize> = BTreeMap::new();
    // Lots by periods left, then what arrives next.
    let mut state = vec![0; shelf + lead.saturating_sub(1)];
    let mut sum = 0.0;
    for (period, demand) in demand.iter().enumerate() {
        let ordered = match known.get(&state) {
            Some(ordered) => *ordered,
            None => {
                let (lots, on_way) = state.split_at(shelf);
                let ordered = policy.order(Aged { lots, on_way, lead }, chances);
                known.insert(state.clone(), ordered);
                ordered
            }
        };
        let cost = pass(&mut state, (lead, shelf), (ordered, *demand), costs);
        if period >= WARM_UP {
            sum += cost;
        }
    }
    sum / (demand.len() - WARM_UP) as f64
}

/// One period; its cost. The state is that after the next arrival.
fn pass(
    state: &mut [usize],
    (lead, shelf): (usize, usize),
    (ordered, demand): (usize, usize),
    costs: &AgeCosts,
) -> f64 {
    if lead == 0 {
        state[shelf - 1] += ordered;
    }
    let mut wanted = demand;
    for lot in &mut state[..shelf] {
        let taken = wanted.min(*lot);
        *lot -= taken;
        wanted -= taken;
    }
    let wasted = state[0];
    let held: usize = state[1..shelf].iter().sum();
    // Everything is a period older, and what is next on its way becomes the fresh lot.
    state.rotate_left(1);
    let last = state.len() - 1;
    state[last] = if lead == 0 { 0 } else { ordered };
    costs.holding * held as f64 + costs.lost * wanted as f64 + costs.waste * wasted as f64
}
