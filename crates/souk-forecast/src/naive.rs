//! The forecasts that every other one must beat.
//!
//! Source: Hyndman and Athanasopoulos, *Forecasting: principles and practice*, 3rd ed., §5.2.

use crate::numbers::mean;

/// The last value, for good.
pub fn naive(y: &[f64], horizon: usize) -> Option<Vec<f64>> {
    y.last().map(|last| vec![*last; horizon])
}

/// The last season, again and again; `None` when there is not a whole one.
pub fn seasonal_naive(y: &[f64], m: usize, horizon: usize) -> Option<Vec<f64>> {
    let season = &y[y.len().checked_sub(m.max(1))?..];
    Some((0..horizon).map(|step| season[step % season.len()]).collect())
}

/// The line through the first and the last value.
pub fn drift(y: &[f64], horizon: usize) -> Option<Vec<f64>> {
    let (first, last) = (y.first()?, y.last()?);
    let slope = if y.len() > 1 { (last - first) / (y.len() - 1) as f64 } else { 0.0 };
    Some((1..=horizon).map(|step| last + slope * step as f64).collect())
}

/// The mean of all values.
pub fn historic_mean(y: &[f64], horizon: usize) -> Option<Vec<f64>> {
    (!y.is_empty()).then(|| vec![mean(y); horizon])
}

/// The mean of the last `window` values.
pub fn window_mean(y: &[f64], window: usize, horizon: usize) -> Option<Vec<f64>> {
    let tail = &y[y.len().saturating_sub(window.max(1))..];
    historic_mean(tail, horizon)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        let y = [2.0, 4.0, 3.0, 8.0];
        assert_eq!(naive(&y, 2).unwrap(), [8.0, 8.0]);
        assert_eq!(seasonal_naive(&y, 3, 4).unwrap(), [4.0, 3.0, 8.0, 4.0]);
        assert_eq!(drift(&y, 2).unwrap(), [10.0, 12.0]);
        assert_eq!(historic_mean(&y, 1).unwrap(), [4.25]);
        assert_eq!(window_mean(&y, 2, 1).unwrap(), [5.5]);
        assert_eq!(seasonal_naive(&y, 5, 1), None);
        assert_eq!(naive(&[], 1), None);
    }
}
