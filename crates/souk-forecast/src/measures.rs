//! How good forecasts were.
//!
//! Sources: Hyndman and Koehler, *Another look at measures of forecast accuracy*, International Journal of
//! Forecasting 22(4), 2006 (MASE); Makridakis, Spiliotis and Assimakopoulos, ibid. 36(1), 2020 (sMAPE
//! as in M4); Gneiting and Raftery, Journal of the American Statistical Association 102, 2007 (pinball).

/// The mean absolute change from one season to the next in the training part; `None` when nothing changes
/// or there is no second season.
pub fn seasonal_scale(train: &[f64], m: usize) -> Option<f64> {
    let m = m.max(1);
    if train.len() <= m {
        return None;
    }
    let sum: f64 = train.iter().zip(&train[m..]).map(|(a, b)| (b - a).abs()).sum();
    let scale = sum / (train.len() - m) as f64;
    (scale > 0.0).then_some(scale)
}

/// The mean absolute error.
pub fn mae(actual: &[f64], forecast: &[f64]) -> f64 {
    let sum: f64 = actual.iter().zip(forecast).map(|(y, f)| (y - f).abs()).sum();
    sum / actual.len().max(1) as f64
}

/// 200·|y − f| / (|y| + |f|), averaged; 0 where both are 0.
pub fn smape(actual: &[f64], forecast: &[f64]) -> f64 {
    let of = |(y, f): (&f64, &f64)| {
        let size = y.abs() + f.abs();
        if size > 0.0 { 200.0 * (y - f).abs() / size } else { 0.0 }
    };
    actual.iter().zip(forecast).map(of).sum::<f64>() / actual.len().max(1) as f64
}

/// The pinball loss of one quantile: what a unit too little costs `share`, and one too much 1 − `share`.
pub fn pinball(actual: f64, quantile: f64, share: f64) -> f64 {
    let under = actual - quantile;
    if under >= 0.0 { share * under } else { (share - 1.0) * under }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        assert_eq!(seasonal_scale(&[1.0, 2.0, 4.0, 8.0], 1), Some(7.0 / 3.0));
        assert_eq!(seasonal_scale(&[1.0, 2.0, 4.0, 8.0], 2), Some(4.5));
        assert_eq!(seasonal_scale(&[1.0, 1.0], 1), None);
        assert_eq!(mae(&[1.0, 3.0], &[2.0, 1.0]), 1.5);
        assert_eq!(smape(&[100.0, 0.0], &[50.0, 0.0]), 100.0 / 3.0);
        assert_eq!(pinball(10.0, 8.0, 0.9), 1.8);
        assert!((pinball(8.0, 10.0, 0.9) - 0.2).abs() < 1e-12);
    }
}
