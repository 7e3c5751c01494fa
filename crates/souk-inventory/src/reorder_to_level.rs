//! The (s, S) policy: when the position is at s or below, order up to S. Exact, for demand in pieces.
//!
//! Source: Zheng and Federgruen, *Finding optimal (s, S) policies is about as simple as evaluating a single
//! policy*, Operations Research 39(4), 1991 (their algorithm, and the recursion of §1 for m and M).

use crate::{PolicyError, checked, positive};

/// Costs of a period.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Costs {
    /// Of an order, whatever its size.
    pub per_order: f64,
    /// Of a unit in stock at the end of a period.
    pub holding: f64,
    /// Of a unit that waits at the end of a period.
    pub waiting: f64,
}

/// A policy and its mean cost for each period.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Policy {
    /// Order when the position is at this or below.
    pub reorder_point: i64,
    /// Order up to this.
    pub order_up_to: i64,
    /// Money for each period.
    pub cost: f64,
}

/// Positions that are looked at, at most (chosen: the time grows with their square; larger lots are planned in larger units).
const POSITIONS_MAX: usize = 2_000;

/// The policy of least mean cost, for demand of one period with these chances of 0, 1, 2, … (for a lead time, let
/// them be the chances over lead time and review in `over_lead_time`).
///
/// # Errors
///
/// [`PolicyError::OutOfRange`] and [`PolicyError::Chances`]; also when demand is always 0.
pub fn best_policy(
    costs: &Costs,
    per_period: &[f64],
    over_lead_time: &[f64],
) -> Result<Policy, PolicyError> {
    positive("the cost of an order", costs.per_order)?;
    positive("the holding cost", costs.holding)?;
    positive("the cost of waiting", costs.waiting)?;
    checked(per_period)?;
    checked(over_lead_time)?;
    positive("the chance of any demand", 1.0 - per_period[0])?;
    let period = |position: i64| period_cost(costs, over_lead_time, position);
    let mut renewal = Renewal::new(per_period);
    let cost = |renewal: &mut Renewal<'_>, s: i64, big: i64| {
        let n = (big - s) as usize;
        renewal.extend(n);
        let held: f64 = (0..n).map(|j| renewal.rate[j] * period(big - j as i64)).sum();
        (costs.per_order + held) / renewal.total[n]
    };
    let mut middle = 0;
    while period(middle + 1) < period(middle) {
        middle += 1;
    }
    let mut s = middle - 1;
    while cost(&mut renewal, s, middle) > period(s) {
        s -= 1;
        if renewal.rate.len() >= POSITIONS_MAX {
            return Err(PolicyError::Wide { positions: POSITIONS_MAX });
        }
    }
    let (mut best_big, mut least) = (middle, cost(&mut renewal, s, middle));
    let mut big = middle + 1;
    while period(big) <= least {
        if renewal.rate.len() >= POSITIONS_MAX {
            return Err(PolicyError::Wide { positions: POSITIONS_MAX });
        }
        if cost(&mut renewal, s, big) < least {
            best_big = big;
            while cost(&mut renewal, s, big) <= period(s + 1) {
                s += 1;
            }
            least = cost(&mut renewal, s, big);
        }
        big += 1;
    }
    Ok(Policy { reorder_point: s, order_up_to: best_big, cost: least })
}

/// Expected holding and waiting cost at the end of a period that begins at a position.
pub(crate) fn period_cost(costs: &Costs, chances: &[f64], position: i64) -> f64 {
    let of = |(demand, chance): (usize, &f64)| {
        let left = position as f64 - demand as f64;
        chance * if left > 0.0 { costs.holding * left } else { -costs.waiting * left }
    };
    chances.iter().enumerate().map(of).sum()
}

/// The power approximation: a policy near the best from the moments of demand alone, for lots that are too large to search.
///
/// `per_period` and `over_lead_time` are mean and standard deviation of demand of one period, and of lead time and review
/// together; the cost is not worked out. Source: Ehrhardt and Mosier, *A revision of the power approximation for computing
/// (s, S) policies*, Management Science 30(5), 1984.
///
/// # Errors
///
/// [`PolicyError::OutOfRange`].
pub fn power_approximation(
    costs: &Costs,
    per_period: (f64, f64),
    over_lead_time: (f64, f64),
) -> Result<(f64, f64), PolicyError> {
    positive("the cost of an order", costs.per_order)?;
    positive("the holding cost", costs.holding)?;
    positive("the cost of waiting", costs.waiting)?;
    let mean = positive("the mean demand", per_period.0)?;
    let lead_mean = positive("the mean demand over the lead time", over_lead_time.0)?;
    let sd = positive("the deviation over the lead time", over_lead_time.1)?;
    let lot = 1.30
        * mean.powf(0.494)
        * (costs.per_order / costs.holding).powf(0.506)
        * (1.0 + (sd / mean).powi(2)).powf(0.116);
    let z = (lot * costs.holding / (sd * costs.waiting)).sqrt();
    let low = 0.973 * lead_mean + sd * (0.183 / z + 1.063 - 2.192 * z);
    Ok((low, low + lot))
}

/// How often the position stands so far below S in one cycle, and how long cycles last.
struct Renewal<'a> {
    chances: &'a [f64],
    rate: Vec<f64>,
    /// Sum of the first `n` rates, by n.
    total: Vec<f64>,
}

impl<'a> Renewal<'a> {
    fn new(chances: &'a [f64]) -> Renewal<'a> {
        let first = 1.0 / (1.0 - chances[0]);
        Renewal { chances, rate: vec![first], total: vec![0.0, first] }
    }

    fn extend(&mut self, n: usize) {
        while self.rate.len() < n {
            let j = self.rate.len();
            let back = (1..=j).filter_map(|k| Some(self.chances.get(k)? * self.rate[j - k]));
            let rate = back.sum::<f64>() / (1.0 - self.chances[0]);
            self.rate.push(rate);
            self.total.push(self.total[j] + rate);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::poisson;

    /// The 24 cases of Zheng and Federgruen (table 1): h = 1, p = 9, K = 64, Poisson demand.
    #[test]
    fn all_cases_of_the_paper() {
        let means = [
            10, 15, 20, 25, 30, 35, 40, 45, 50, 55, 60, 65, 70, 75, 21, 22, 23, 24, 51, 52, 59, 61,
            63, 64,
        ];
        let s = [
            6, 10, 14, 19, 23, 28, 33, 37, 42, 47, 52, 56, 62, 67, 15, 16, 17, 18, 43, 44, 51, 52,
            54, 55,
        ];
        let big = [
            40, 49, 62, 56, 66, 77, 87, 97, 108, 118, 129, 75, 81, 86, 65, 68, 52, 54, 110, 112,
            126, 131, 73, 74,
        ];
        let cost = [
            35.022, 42.698, 49.173, 54.262, 57.819, 61.215, 64.512, 67.776, 70.975, 74.149, 77.306,
            78.518, 79.037, 79.554, 50.406, 51.632, 52.757, 53.518, 71.611, 72.246, 76.679, 77.929,
            78.287, 78.402,
        ];
        let costs = Costs { per_order: 64.0, holding: 1.0, waiting: 9.0 };
        for (idx, mean) in means.into_iter().enumerate() {
            let chances = poisson(f64::from(mean)).unwrap();
            let found = best_policy(&costs, &chances, &chances).unwrap();
            assert_eq!((found.reorder_point, found.order_up_to), (s[idx], big[idx]), "{mean}");
            assert!((found.cost - cost[idx]).abs() < 6e-4, "{mean}: {}", found.cost);
        }
    }

    /// Example 4.8 of Snyder and Shen (h = .18, p = .7, K = 2.5, N(50, 8)), as stockpyl 1.0.2 solves it.
    #[test]
    fn power_approximation_matches_the_reference() {
        let costs = Costs { per_order: 2.5, holding: 0.18, waiting: 0.7 };
        let (low, big) = power_approximation(&costs, (50.0, 8.0), (50.0, 8.0)).unwrap();
        assert!((low / 40.194_617_0 - 1.0).abs() < 1e-6, "{low}");
        assert!((big / 74.290_170_1 - 1.0).abs() < 1e-6, "{big}");
        assert!(power_approximation(&costs, (f64::NAN, 1.0), (1.0, 1.0)).is_err());
    }

    /// Example 4.7 and problem 4.31 of Snyder and Shen, as stockpyl 1.0.2 solves them.
    #[test]
    fn matches_the_reference() {
        let cases = [
            ((1.0, 4.0, 5.0, 6.0), (4, 10, 8.034_111_6)),
            ((40.0, 125.0, 150.0, 4.0), (2, 7, 223.574_829_6)),
        ];
        for ((holding, waiting, per_order, mean), (s, big, cost)) in cases {
            let chances = poisson(mean).unwrap();
            let found =
                best_policy(&Costs { per_order, holding, waiting }, &chances, &chances).unwrap();
            assert_eq!((found.reorder_point, found.order_up_to), (s, big));
            assert!((found.cost / cost - 1.0).abs() < 1e-6, "{}", found.cost);
        }
        let costs = Costs { per_order: 1.0, holding: 1.0, waiting: 1.0 };
        assert!(best_policy(&costs, &[1.0], &[1.0]).is_err());
        // An order that costs as much as millions of days of stock would span millions of positions.
        let dear = Costs { per_order: 1e12, holding: 1.0, waiting: 1e-6 };
        let chances = poisson(2.0).unwrap();
        let refused = best_policy(&dear, &chances, &chances);
        assert!(matches!(refused, Err(PolicyError::Wide { .. })), "{refused:?}");
    }
}
