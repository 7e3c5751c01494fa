//! Differences of a series, and the way back.

use super::{Constant, Order};

/// A differenced series with what is needed to undo it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Differenced {
    pub(super) values: Vec<f64>,
    /// For each difference taken: its lag, and the last values before it.
    ends: Vec<(usize, Vec<f64>)>,
}

impl Differenced {
    /// `None` when nothing would be left.
    pub(super) fn new(y: &[f64], order: &Order) -> Option<Differenced> {
        let (near, seasonal) = (order.near[1], order.seasonal[1]);
        if order.constant == Constant::Present && near + seasonal > 1 {
            // A constant under two differences would be a parabola.
            return None;
        }
        let lags = std::iter::repeat_n(order.season_length, seasonal);
        let mut values = y.to_vec();
        let mut ends = Vec::new();
        for lag in lags.chain(std::iter::repeat_n(1, near)) {
            if values.len() <= lag {
                return None;
            }
            ends.push((lag, values[values.len() - lag..].to_vec()));
            values = difference(&values, lag);
        }
        Some(Differenced { values, ends })
    }

    /// Sums up forecasts of differences to forecasts of the series.
    pub(super) fn undo(&self, mut ahead: Vec<f64>) -> Vec<f64> {
        for (lag, end) in self.ends.iter().rev() {
            for idx in 0..ahead.len() {
                ahead[idx] += if idx < *lag { end[idx] } else { ahead[idx - lag] };
            }
        }
        ahead
    }
}

/// yₜ − yₜ₋ₗₐ.
pub(super) fn difference(y: &[f64], lag: usize) -> Vec<f64> {
    y.iter().zip(&y[lag.min(y.len())..]).map(|(before, value)| value - before).collect()
}
