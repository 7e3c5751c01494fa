//! Figures by which a stock room is judged.
//!
//! Source: Silver, Pyke and Thomas, *Inventory and Production Management in Supply Chains*, 4th ed., §2.1 (ABC), §2.3 (turns);
//! Gilliland, *The Business Forecasting Deal*, Wiley 2010, ch. 4 (forecast value added).

use crate::{PolicyError, at_least_zero, positive};

#[cfg(test)]
mod tests;

/// By share of money: what sells most is A.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Worth {
    /// The first 80 % of the money.
    A,
    /// The next 15 %.
    B,
    /// The last 5 %.
    C,
}

/// By how much demand varies: what is steady is X.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Steadiness {
    /// A coefficient of variation up to 0.5.
    X,
    /// Up to 1.
    Y,
    /// More, or no demand.
    Z,
}

/// The class of each product by its money in a period. A product is in the class in which its money begins, so the largest is always
/// A; equal money goes by the list's order. Products without any money are C.
///
/// # Errors
///
/// [`PolicyError::OutOfRange`] for money that is negative or no number.
pub fn by_worth(money: &[f64]) -> Result<Vec<Worth>, PolicyError> {
    for value in money {
        at_least_zero("the money of a product", *value)?;
    }
    let total: f64 = money.iter().sum();
    let mut order: Vec<usize> = (0..money.len()).collect();
    order.sort_by(|a, b| money[*b].total_cmp(&money[*a]).then(a.cmp(b)));
    let mut found = vec![Worth::C; money.len()];
    let mut before = 0.0;
    for idx in order {
        let share = if total > 0.0 { before / total } else { 1.0 };
        // A hair's breadth for sums that are not exact.
        found[idx] = match share + 1e-12 {
            _ if money[idx] == 0.0 => Worth::C,
            share if share < 0.8 => Worth::A,
            share if share < 0.95 => Worth::B,
            _ => Worth::C,
        };
        before += money[idx];
    }
    Ok(found)
}

/// The class of a product by its demand of equal periods (weeks, say), with the standard deviation around their mean (by n).
///
/// # Errors
///
/// [`PolicyError::OutOfRange`] for demand that is negative or no number.
pub fn by_steadiness(demand: &[f64]) -> Result<Steadiness, PolicyError> {
    for value in demand {
        at_least_zero("the demand of a period", *value)?;
    }
    let mean = souk_math::mean(demand);
    let square: f64 = demand.iter().map(|value| (value - mean).powi(2)).sum();
    let variation = (square / demand.len().max(1) as f64).sqrt() / mean;
    Ok(match variation {
        _ if mean == 0.0 => Steadiness::Z,
        variation if variation <= 0.5 => Steadiness::X,
        variation if variation <= 1.0 => Steadiness::Y,
        _ => Steadiness::Z,
    })
}

/// What a place and period have sold and held: money at purchase prices, or units of one product.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Period {
    /// Days of the period, above 0.
    pub days: f64,
    /// What was sold, at purchase prices.
    pub sold: f64,
    /// Mean stock, at purchase prices.
    pub stock: f64,
    /// What was thrown away, at purchase prices.
    pub wasted: f64,
    /// What was asked for, known or estimated: units, or money where several products are summed.
    pub demand: f64,
    /// What of it was not there.
    pub unmet: f64,
    /// Money that one of these would have brought over its purchase, on average.
    pub margin: f64,
}

/// How it went.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Figures {
    /// How often stock is sold in a year of 365 days; `None` without stock.
    pub turns: Option<f64>,
    /// Days that the mean stock lasts at the period's rate; `None` without sales.
    pub days_of_supply: Option<f64>,
    /// The share of demand met from stock; `None` without demand.
    pub fill_rate: Option<f64>,
    /// Margin that unmet demand would have brought.
    pub lost_margin: f64,
    /// Waste as a share of what left the stock, sold or thrown away; `None` when nothing did.
    pub waste_share: Option<f64>,
}

impl Period {
    /// The figures of a period.
    ///
    /// # Errors
    ///
    /// [`PolicyError::OutOfRange`] for a number that is negative or none, or more unmet demand than demand. A margin may be negative.
    pub fn figures(&self) -> Result<Figures, PolicyError> {
        positive("the days of the period", self.days)?;
        for (name, value) in [
            ("what was sold", self.sold),
            ("the mean stock", self.stock),
            ("what was wasted", self.wasted),
            ("the demand", self.demand),
            ("the unmet demand", self.unmet),
            ("the demand that was met", self.demand - self.unmet),
        ] {
            at_least_zero(name, value)?;
        }
        if !self.margin.is_finite() {
            let (name, value) = ("the margin", self.margin);
            return Err(PolicyError::OutOfRange { name, value, bound: "that is finite" });
        }
        let share = |of: f64, whole: f64| (whole > 0.0).then(|| of / whole);
        Ok(Figures {
            turns: share(self.sold * 365.0 / self.days, self.stock),
            days_of_supply: share(self.stock * self.days, self.sold),
            fill_rate: share(self.demand - self.unmet, self.demand),
            lost_margin: self.unmet * self.margin,
            waste_share: share(self.wasted, self.sold + self.wasted),
        })
    }
}

/// What a forecast is worth over a simpler one: the share of the simpler one's absolute error that it saves; negative where it does
/// harm. `None` when the simpler one was never wrong, or lengths differ.
pub fn forecast_value_added(actual: &[f64], forecast: &[f64], simpler: &[f64]) -> Option<f64> {
    if actual.len() != forecast.len() || actual.len() != simpler.len() {
        return None;
    }
    let error =
        |guess: &[f64]| -> f64 { actual.iter().zip(guess).map(|(y, f)| (y - f).abs()).sum() };
    value_added(error(forecast), error(simpler))
}

/// As [`forecast_value_added`], of sums of absolute errors.
pub fn value_added(error: f64, of_simpler: f64) -> Option<f64> {
    let gain = 1.0 - error / of_simpler;
    (of_simpler > 0.0 && gain.is_finite()).then_some(gain)
}
