//! What a series is made of: trend, season and rest.

use crate::numbers::{autocorrelation, mean, variance};

/// A season by place, and the series without it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Classical {
    /// An amount (sum 0) or a factor (mean 1) for each place of the season.
    pub(crate) season: Vec<f64>,
    /// The series without its season.
    pub(crate) adjusted: Vec<f64>,
}

/// The classical decomposition by a centred moving average (Kendall and Stuart 1983).
///
/// `y` has at least two seasons of length `m` ≥ 2; with factors all values are above 0.
pub(crate) fn classical(y: &[f64], m: usize, has_factors: impl Into<Join>) -> Classical {
    let join = has_factors.into();
    let trend = centred_average(y, m);
    let half = m / 2;
    let mut sums = vec![(0.0, 0usize); m];
    for (idx, middle) in trend.iter().enumerate() {
        let place = (idx + half) % m;
        let rest = match join {
            Join::Amounts => y[idx + half] - middle,
            Join::Factors => y[idx + half] / middle,
        };
        if rest.is_finite() {
            sums[place].0 += rest;
            sums[place].1 += 1;
        }
    }
    let neutral = if join == Join::Factors { 1.0 } else { 0.0 };
    let mut season: Vec<f64> =
        sums.iter().map(|(sum, n)| if *n > 0 { sum / *n as f64 } else { neutral }).collect();
    let middle = mean(&season);
    for value in &mut season {
        match join {
            Join::Amounts => *value -= middle,
            // No place of a season sells nothing for good: a factor of 0 could not be undone.
            Join::Factors => *value = (*value / middle).max(1e-2),
        }
    }
    let adjust = |(value, s): (&f64, &f64)| match join {
        Join::Amounts => value - s,
        Join::Factors => value / s,
    };
    let adjusted = y.iter().zip(season.iter().cycle()).map(adjust).collect();
    Classical { season, adjusted }
}

/// How season and trend are joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Join {
    /// Added.
    Amounts,
    /// Multiplied.
    Factors,
}

impl From<bool> for Join {
    fn from(has_factors: bool) -> Join {
        if has_factors { Join::Factors } else { Join::Amounts }
    }
}

/// The moving average over one season, of every place that has half a season on both sides.
fn centred_average(y: &[f64], m: usize) -> Vec<f64> {
    let half = m / 2;
    let is_even = m.is_multiple_of(2);
    let inside = half..y.len().saturating_sub(half);
    let average = |idx: usize| {
        let mut sum: f64 = y[idx - half..=idx + half].iter().sum();
        if is_even {
            sum -= 0.5 * (y[idx - half] + y[idx + half]);
        }
        sum / m as f64
    };
    inside.map(average).collect()
}

/// True when the autocorrelation at the season's lag is beyond what chance gives at 90 %.
///
/// Source: Fiorucci et al., International Journal of Forecasting 32(4), 2016, §3, after Assimakopoulos
/// and Nikolopoulos 2000.
pub(crate) fn is_seasonal(y: &[f64], m: usize) -> bool {
    if m < 2 || y.len() < 2 * m + 1 || variance(y) <= 0.0 {
        return false;
    }
    let r = autocorrelation(y, m);
    let sum: f64 = r[..m - 1].iter().map(|value| value * value).sum();
    let limit = 1.645 * ((1.0 + 2.0 * sum) / y.len() as f64).sqrt();
    r[m - 1].abs() > limit
}
