//! When to order and up to which level, so that stock lasts until the next order can be there: from the forecast's own
//! distribution over the protection interval, review period plus lead time.
//!
//! A position (stock and what is on its way, less what is promised) is looked at every `review_days`. At or below the reorder
//! point an order goes out; it raises the position by the lot at least. Between two chances to order, the position after
//! ordering is `y`, and what is short until the next order arrives is
//!
//! ```text
//! E (D(L+R) − y)⁺ − E (D(L) − y)⁺
//! ```
//!
//! averaged over y = s+1 … s+Q, which is exact for steady demand and orders in whole lots, as long as no order overtakes an
//! earlier one; where lead times vary so much that they do, a little more is served than promised. Demand that is lost instead of
//! waiting makes it a little more as well.
//!
//! Source: Hadley and Whitin, *Analysis of Inventory Systems*, 1963, §5-3 (periodic review in lots); Silver, Pyke and Thomas,
//! *Inventory and Production Management in Supply Chains*, 4th ed., §6.9 (order-up-to levels), §6.6 (targets).

use crate::demand::{Grain, LeadTime, Outlook, Total};
use crate::{PolicyError, at_least_zero, positive, share};

#[cfg(test)]
mod tests;

/// How orders come about.
#[derive(Clone, Copy, Debug)]
pub struct Plan<'a> {
    /// How long an order takes.
    pub lead_time: &'a LeadTime,
    /// Days between two chances to order, from 1 on.
    pub review_days: u32,
    /// Units that an order has at least (a case, a minimum or an economic lot); 0 when any quantity will do.
    pub lot: f64,
}

/// What stock is kept for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Target {
    /// The chance, above 0 and below 1, that stock lasts until the next order can arrive.
    Cycle(f64),
    /// The share of demand, above 0 and below 1, that is met from stock.
    Fill(f64),
    /// The least cost of both: money for each unit too much, and for each unit missing, in a protection interval.
    Cost {
        /// Of a unit left over (its holding, or what it loses in worth).
        over: f64,
        /// Of a unit missing (its margin, and the customer's displeasure).
        under: f64,
    },
}

/// Levels of a position, in units, and what they bring.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Levels {
    /// An order goes out when the position is at this or below. −1 for pieces that are not kept at all.
    pub reorder_point: f64,
    /// What an order raises the position to.
    pub order_up_to: f64,
    /// The lowest position that is left as it is, less the mean demand until the next order can arrive; negative where a low
    /// target lets stock run out more often than not.
    pub safety_stock: f64,
    /// Mean demand over the protection interval.
    pub mean_demand: f64,
    /// Standard deviation of demand over the protection interval.
    pub demand_deviation: f64,
    /// Mean length of the protection interval, in days.
    pub protection_days: f64,
    /// Units that are short on average in a review period.
    pub shortage: f64,
    /// The share of demand met from stock.
    pub fill_rate: f64,
    /// The chance that the lowest position lasts until the next order can arrive.
    pub cycle_service: f64,
    /// Units left on average just before the next order can arrive.
    pub leftover: f64,
}

/// The levels that a target asks for.
///
/// # Errors
///
/// [`PolicyError::ShortHorizon`] when the outlook does not reach over the longest lead time and a review period,
/// [`PolicyError::OutOfRange`] for shares outside 0..1 and numbers that are negative, infinite or none.
pub fn levels(
    outlook: &Outlook<'_>,
    plan: &Plan<'_>,
    target: Target,
) -> Result<Levels, PolicyError> {
    let cycle = Cycle::new(outlook, plan)?;
    let floor = cycle.floor();
    let reorder_point = match target {
        Target::Cycle(chance) => {
            share("the cycle service level", chance)?;
            cycle.until_next.quantile(chance)? + floor
        }
        Target::Fill(fill) => {
            share("the fill rate", fill)?;
            cycle.until_next.least(floor, |s| cycle.fill_rate(s) >= fill - 1e-12)
        }
        Target::Cost { over, under } => {
            positive("the cost of a unit left over", over)?;
            positive("the cost of a missing unit", under)?;
            let critical = under / (under + over);
            let suffices = |s: f64| cycle.mean_of(s, |y| cycle.until_next.at_most(y));
            cycle.until_next.least(floor, |s| suffices(s) >= critical - 1e-12)
        }
    };
    Ok(cycle.levels(reorder_point))
}

/// What a given reorder point brings, as [`levels`] tells it: for a level that somebody has set by hand.
///
/// # Errors
///
/// As [`levels`].
pub fn levels_at(
    outlook: &Outlook<'_>,
    plan: &Plan<'_>,
    reorder_point: f64,
) -> Result<Levels, PolicyError> {
    if !reorder_point.is_finite() {
        let (name, bound) = ("the reorder point", "that is finite");
        return Err(PolicyError::OutOfRange { name, value: reorder_point, bound });
    }
    Ok(Cycle::new(outlook, plan)?.levels(reorder_point))
}

/// The reorder points of a lot that are looked at, at most: more are sampled evenly.
const POSITIONS_MAX: usize = 64;

struct Cycle {
    /// Demand until the next order can arrive.
    until_next: Total,
    /// Demand until this one arrives.
    until_this: Total,
    lot: f64,
    days: f64,
}

impl Cycle {
    fn new(outlook: &Outlook<'_>, plan: &Plan<'_>) -> Result<Cycle, PolicyError> {
        positive("the days between two reviews", f64::from(plan.review_days))?;
        at_least_zero("the lot", plan.lot)?;
        let lot = match outlook.grain() {
            Grain::Pieces => plan.lot.ceil().max(1.0),
            Grain::Measured => plan.lot,
        };
        Ok(Cycle {
            until_next: Total::over(outlook, plan.lead_time, plan.review_days)?,
            until_this: Total::over(outlook, plan.lead_time, 0)?,
            lot,
            days: plan.lead_time.mean() + f64::from(plan.review_days),
        })
    }

    /// The reorder point that keeps nothing: one piece below none.
    fn floor(&self) -> f64 {
        if self.until_next.grain() == Grain::Pieces { -1.0 } else { 0.0 }
    }

    /// The mean of a function over the positions that ordering leaves.
    fn mean_of(&self, reorder_point: f64, of: impl Fn(f64) -> f64) -> f64 {
        let n = match self.until_next.grain() {
            Grain::Pieces => (self.lot as usize).clamp(1, POSITIONS_MAX),
            Grain::Measured if self.lot == 0.0 => return of(reorder_point),
            Grain::Measured => POSITIONS_MAX,
        };
        let step = self.lot / n as f64;
        // The middle of each slice; for pieces one by one, the piece itself.
        let shift = if self.until_next.grain() == Grain::Pieces { 0.5 } else { 0.0 };
        let at = |k: usize| of(reorder_point + (k as f64 + 0.5) * step + shift);
        (0..n).map(at).sum::<f64>() / n as f64
    }

    fn shortage(&self, reorder_point: f64) -> f64 {
        let of = |y: f64| self.until_next.shortage(y) - self.until_this.shortage(y);
        self.mean_of(reorder_point, of).max(0.0)
    }

    fn fill_rate(&self, reorder_point: f64) -> f64 {
        let demand = self.until_next.mean() - self.until_this.mean();
        if demand > 0.0 { (1.0 - self.shortage(reorder_point) / demand).max(0.0) } else { 1.0 }
    }

    fn levels(&self, reorder_point: f64) -> Levels {
        let lowest = reorder_point - self.floor();
        let mean_demand = self.until_next.mean();
        Levels {
            reorder_point,
            order_up_to: lowest.max(reorder_point + self.lot),
            safety_stock: lowest - mean_demand,
            mean_demand,
            demand_deviation: self.until_next.variance().max(0.0).sqrt(),
            protection_days: self.days,
            shortage: self.shortage(reorder_point),
            fill_rate: self.fill_rate(reorder_point),
            cycle_service: self.until_next.at_most(lowest),
            leftover: self.mean_of(reorder_point, |y| self.until_next.leftover(y)),
        }
    }
}
