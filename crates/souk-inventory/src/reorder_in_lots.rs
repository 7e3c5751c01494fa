//! The (R, Q) policy: when the position falls to R, order Q. Continuous review, what is missing waits.
//!
//! Exact for Poisson demand (Federgruen and Zheng) and for normal demand over the lead time (Hadley and Whitin's integral), and
//! the usual approximations of the latter.
//!
//! Source: Snyder and Shen, *Fundamentals of Supply Chain Theory*, 2nd ed., §5.2 to §5.5; Federgruen and Zheng, *An efficient
//! algorithm for computing an optimal (r, Q) policy in continuous review stochastic inventory systems*, Operations Research
//! 40(4), 1992.

use souk_math::normal;

use crate::reorder_to_level::Costs;
use crate::{PolicyError, at_least_zero, positive};

#[cfg(test)]
mod tests;

/// A reorder point, a lot, and what they cost in a unit of time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LotPolicy {
    /// Order when the position is at this.
    pub reorder_point: f64,
    /// Order this much.
    pub lot: f64,
    /// Money for each unit of time.
    pub cost: f64,
}

/// Normal demand, all in one unit of time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NormalDemand {
    /// Units in a unit of time, above 0.
    pub rate: f64,
    /// Mean units over the lead time.
    pub lead_mean: f64,
    /// Standard deviation of units over the lead time, above 0.
    pub lead_deviation: f64,
}

impl NormalDemand {
    fn checked(&self, costs: &Costs) -> Result<(), PolicyError> {
        checked(costs)?;
        positive("the demand", self.rate)?;
        at_least_zero("the mean demand over the lead time", self.lead_mean)?;
        positive("the deviation of demand over the lead time", self.lead_deviation).map(|_| ())
    }

    fn z(&self, units: f64) -> f64 {
        (units - self.lead_mean) / self.lead_deviation
    }

    /// Units short at a level: E (D − y)⁺.
    fn short(&self, level: f64) -> f64 {
        self.lead_deviation * normal::excess(self.z(level))
    }

    /// Its integral from a level on.
    fn short_beyond(&self, level: f64) -> f64 {
        let z = self.z(level);
        let second = 0.5 * ((z * z + 1.0) * normal::at_most(-z) - z * normal::density(z));
        self.lead_deviation.powi(2) * second
    }

    /// Holding and waiting at a position, for each unit of time.
    fn level_cost(&self, costs: &Costs, level: f64) -> f64 {
        let short = self.short(level);
        costs.holding * (level - self.lead_mean + short) + costs.waiting * short
    }

    /// What a policy costs in a unit of time (eq. 5.7 of Snyder and Shen); `waiting` is money for a unit and unit of time.
    ///
    /// # Errors
    ///
    /// [`PolicyError::OutOfRange`].
    pub fn cost(
        &self,
        costs: &Costs,
        (reorder_point, lot): (f64, f64),
    ) -> Result<f64, PolicyError> {
        self.checked(costs)?;
        positive("the lot", lot)?;
        Ok(self.cost_of(costs, (reorder_point, lot)))
    }

    fn cost_of(&self, costs: &Costs, (r, lot): (f64, f64)) -> f64 {
        let short = self.short_beyond(r) - self.short_beyond(r + lot);
        let middle = r + lot / 2.0 - self.lead_mean;
        let held = costs.holding * (middle * lot + short);
        (costs.per_order * self.rate + held + costs.waiting * short) / lot
    }

    /// The reorder point of least cost for a lot: where the position before and after ordering cost the same.
    fn reorder_point(&self, costs: &Costs, lot: f64) -> f64 {
        let rises = |r: f64| self.level_cost(costs, r + lot) >= self.level_cost(costs, r);
        let spread = 40.0 * self.lead_deviation;
        bisect((self.lead_mean - lot - spread, self.lead_mean + spread), rises)
    }

    /// The policy of least cost.
    ///
    /// # Errors
    ///
    /// [`PolicyError::OutOfRange`].
    pub fn best(&self, costs: &Costs) -> Result<LotPolicy, PolicyError> {
        self.checked(costs)?;
        // The cost falls with the lot as long as its ends cost less than the mean (eq. 5.9).
        let rises = |lot: f64| {
            let r = self.reorder_point(costs, lot);
            self.level_cost(costs, r) >= self.cost_of(costs, (r, lot))
        };
        let mut most = self.backorder_lot(costs);
        while !rises(most) {
            most *= 2.0;
        }
        Ok(self.policy(costs, bisect((0.0, most), rises)))
    }

    fn policy(&self, costs: &Costs, lot: f64) -> LotPolicy {
        let reorder_point = self.reorder_point(costs, lot);
        LotPolicy { reorder_point, lot, cost: self.cost_of(costs, (reorder_point, lot)) }
    }

    fn backorder_lot(&self, costs: &Costs) -> f64 {
        let both = (costs.holding + costs.waiting) / (costs.holding * costs.waiting);
        (2.0 * costs.per_order * self.rate * both).sqrt()
    }

    /// The lot as if demand were certain, with planned backorders, and the best reorder point for it (Zheng 1992: at most 12.5 % above
    /// the least cost).
    ///
    /// # Errors
    ///
    /// [`PolicyError::OutOfRange`].
    pub fn by_certain_demand(&self, costs: &Costs) -> Result<LotPolicy, PolicyError> {
        self.checked(costs)?;
        Ok(self.policy(costs, self.backorder_lot(costs)))
    }

    /// The economic order quantity, and safety stock by the newsvendor's ratio.
    ///
    /// # Errors
    ///
    /// [`PolicyError::OutOfRange`].
    pub fn by_safety_stock(&self, costs: &Costs) -> Result<LotPolicy, PolicyError> {
        self.checked(costs)?;
        let lot = (2.0 * costs.per_order * self.rate / costs.holding).sqrt();
        let z = normal::quantile(costs.waiting / (costs.waiting + costs.holding));
        let reorder_point = self.lead_mean + z * self.lead_deviation;
        Ok(LotPolicy { reorder_point, lot, cost: self.cost_of(costs, (reorder_point, lot)) })
    }

    /// Hadley and Whitin's pair of equations with the second-order loss, as if a cycle never began short.
    ///
    /// # Errors
    ///
    /// [`PolicyError::OutOfRange`].
    pub fn by_loss(&self, costs: &Costs) -> Result<LotPolicy, PolicyError> {
        self.checked(costs)?;
        let both = costs.holding + costs.waiting;
        let mut lot = (2.0 * costs.per_order * self.rate / costs.holding).sqrt();
        let mut reorder_point = 0.0;
        for _ in 0..ROUNDS_MAX {
            let wanted = costs.holding * lot / both;
            let spread = 40.0 * self.lead_deviation;
            let lowest = self.lead_mean - lot - spread;
            reorder_point = bisect((lowest, self.lead_mean + spread), |r| self.short(r) <= wanted);
            let fixed = costs.per_order * self.rate + both * self.short_beyond(reorder_point);
            let next = (2.0 * fixed / costs.holding).sqrt();
            if (next - lot).abs() < 1e-12 * lot {
                break;
            }
            lot = next;
        }
        Ok(LotPolicy { reorder_point, lot, cost: self.cost_of(costs, (reorder_point, lot)) })
    }

    /// The textbook's approximation by the mean stock, where `waiting` is money for each unit that waits, however long (eq. 5.14 to
    /// 5.16); its `cost` is the approximate one.
    ///
    /// # Errors
    ///
    /// [`PolicyError::OutOfRange`], also when waiting is so cheap that no order would ever be due.
    pub fn by_mean_stock(&self, costs: &Costs) -> Result<LotPolicy, PolicyError> {
        self.checked(costs)?;
        let mut lot = (2.0 * costs.per_order * self.rate / costs.holding).sqrt();
        let mut reorder_point = 0.0;
        for _ in 0..ROUNDS_MAX {
            let chance = 1.0 - costs.holding * lot / (costs.waiting * self.rate);
            positive("the service that waiting costs are worth", chance)?;
            reorder_point = self.lead_mean + normal::quantile(chance) * self.lead_deviation;
            let fixed = costs.per_order + costs.waiting * self.short(reorder_point);
            let next = (2.0 * self.rate * fixed / costs.holding).sqrt();
            if (next - lot).abs() < 1e-12 * lot {
                break;
            }
            lot = next;
        }
        let fixed = costs.per_order + costs.waiting * self.short(reorder_point);
        let held = costs.holding * (reorder_point - self.lead_mean + lot / 2.0);
        Ok(LotPolicy { reorder_point, lot, cost: held + fixed * self.rate / lot })
    }
}

/// Rounds of an iteration that settles within some tens.
const ROUNDS_MAX: usize = 1_000;
/// Positions that a lot may span, at most.
const POSITIONS_MAX: usize = 1_000_000;

fn checked(costs: &Costs) -> Result<(), PolicyError> {
    positive("the cost of an order", costs.per_order)?;
    positive("the holding cost", costs.holding)?;
    positive("the cost of waiting", costs.waiting).map(|_| ())
}

/// The least value from which on something is so.
fn bisect((mut low, mut high): (f64, f64), is_so: impl Fn(f64) -> bool) -> f64 {
    for _ in 0..200 {
        let middle = low + (high - low) / 2.0;
        if is_so(middle) { high = middle } else { low = middle }
    }
    high
}

/// The best policy for demand in pieces: `chances` are those of 0, 1, 2, … over the lead time, `rate` is the mean demand in a
/// unit of time, `waiting` money for a unit and unit of time. Exact for Poisson demand.
///
/// # Errors
///
/// [`PolicyError::OutOfRange`], [`PolicyError::Chances`], and [`PolicyError::Wide`] for a lot of more than a million pieces.
pub fn best_lot(costs: &Costs, rate: f64, chances: &[f64]) -> Result<LotPolicy, PolicyError> {
    checked(costs)?;
    positive("the demand", rate)?;
    crate::checked(chances)?;
    let level_cost = |level: i64| crate::reorder_to_level::period_cost(costs, chances, level);
    let mut low = 0;
    while level_cost(low + 1) < level_cost(low) {
        low += 1;
    }
    // Positions are taken from the cheapest outwards, as long as each is cheaper than the mean so far.
    let (mut n, mut sum) = (1.0, costs.per_order * rate + level_cost(low));
    let (mut left, mut right) = (low - 1, low + 1);
    while n < POSITIONS_MAX as f64 {
        let next = level_cost(left).min(level_cost(right));
        if next >= sum / n {
            return Ok(LotPolicy { reorder_point: left as f64, lot: n, cost: sum / n });
        }
        if level_cost(left) <= level_cost(right) {
            left -= 1
        } else {
            right += 1
        }
        (n, sum) = (n + 1.0, sum + next);
    }
    Err(PolicyError::Wide { positions: POSITIONS_MAX })
}
