//! Small numerics that several models share.

pub(crate) use souk_math::mean;

/// The variance around the mean (divided by n); 0 of nothing.
pub(crate) fn variance(values: &[f64]) -> f64 {
    let centre = mean(values);
    let squares: f64 = values.iter().map(|value| (value - centre).powi(2)).sum();
    if values.is_empty() { 0.0 } else { squares / values.len() as f64 }
}

/// The quantile by linear interpolation between order statistics (Hyndman and Fan's type 7).
///
/// `sorted` ascends and is not empty; `share` is in 0..=1.
pub(crate) fn quantile(sorted: &[f64], share: f64) -> f64 {
    let place = share.clamp(0.0, 1.0) * (sorted.len() - 1) as f64;
    let low = place.floor() as usize;
    let high = (low + 1).min(sorted.len() - 1);
    sorted[low] + (place - low as f64) * (sorted[high] - sorted[low])
}

/// The median; 0 of nothing. Sorts `values`.
pub(crate) fn median(values: &mut [f64]) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    if values.is_empty() { 0.0 } else { quantile(values, 0.5) }
}

/// Intercept and slope of the least-squares line through (0, y₀), (1, y₁), …
pub(crate) fn line(y: &[f64]) -> (f64, f64) {
    let n = y.len() as f64;
    if y.len() < 2 {
        return (mean(y), 0.0);
    }
    let (centre, middle) = ((n - 1.0) / 2.0, mean(y));
    let mut cross = 0.0;
    for (idx, value) in y.iter().enumerate() {
        cross += (idx as f64 - centre) * (value - middle);
    }
    let slope = cross / (n * (n * n - 1.0) / 12.0);
    (middle - slope * centre, slope)
}

/// The autocorrelation at each lag from 1 to `lag_max`; zeros for a constant series.
pub(crate) fn autocorrelation(y: &[f64], lag_max: usize) -> Vec<f64> {
    let centre = mean(y);
    let total: f64 = y.iter().map(|value| (value - centre).powi(2)).sum();
    let at = |lag: usize| {
        let pairs = y.iter().zip(y.iter().skip(lag));
        let sum: f64 = pairs.map(|(a, b)| (a - centre) * (b - centre)).sum();
        if total > 0.0 { sum / total } else { 0.0 }
    };
    (1..=lag_max).map(at).collect()
}

/// True when all values are the same.
pub(crate) fn is_constant(y: &[f64]) -> bool {
    y.windows(2).all(|pair| pair[0] == pair[1])
}

/// What each model counts for by its criterion, an Akaike criterion or one like it; the weights add up to 1, and those
/// of less than a hundredth of the best are 0.
///
/// Source: Burnham and Anderson, *Model Selection and Multimodel Inference*, 2nd ed., §2.9.
pub(crate) fn akaike_weights(criteria: &[f64]) -> Vec<f64> {
    let least = criteria.iter().copied().fold(f64::INFINITY, f64::min);
    let raw = criteria.iter().map(|criterion| (-0.5 * (criterion - least)).exp());
    let kept: Vec<f64> = raw.map(|weight| if weight < 0.01 { 0.0 } else { weight }).collect();
    let total: f64 = kept.iter().sum();
    kept.iter().map(|weight| weight / total).collect()
}

/// Solves `a x = b` for a symmetric positive definite `a` (row by row), in place; `None` if it is not.
pub(crate) fn solve_positive(a: &mut [f64], b: &mut [f64]) -> Option<()> {
    let n = b.len();
    for i in 0..n {
        for j in 0..=i {
            let mut sum = a[i * n + j];
            for k in 0..j {
                sum -= a[i * n + k] * a[j * n + k];
            }
            if i == j {
                if sum.is_nan() || sum <= 0.0 {
                    return None;
                }
                a[i * n + i] = sum.sqrt();
            } else {
                a[i * n + j] = sum / a[j * n + j];
            }
        }
    }
    for i in 0..n {
        let known: f64 = (0..i).map(|k| a[i * n + k] * b[k]).sum();
        b[i] = (b[i] - known) / a[i * n + i];
    }
    for i in (0..n).rev() {
        let known: f64 = (i + 1..n).map(|k| a[k * n + i] * b[k]).sum();
        b[i] = (b[i] - known) / a[i * n + i];
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_and_quantile_by_hand() {
        assert_eq!(line(&[1.0, 3.0, 5.0, 7.0]), (1.0, 2.0));
        assert_eq!(quantile(&[1.0, 2.0, 4.0], 0.75), 3.0);
        assert_eq!(median(&mut [3.0, 1.0, 2.0]), 2.0);
    }

    #[test]
    fn akaike_weights_by_hand() {
        // Weights 1, e^(-ln 3) = 1/3 and 0.
        let found = akaike_weights(&[10.0, 10.0 + 2.0 * 3.0_f64.ln(), 30.0]);
        assert!((found[0] - 0.75).abs() < 1e-12 && (found[1] - 0.25).abs() < 1e-12);
        assert_eq!(found[2], 0.0);
    }

    #[test]
    fn systems_by_hand() {
        let mut b = [8.0, 7.0];
        solve_positive(&mut [4.0, 2.0, 2.0, 3.0], &mut b).unwrap();
        assert!((b[0] - 1.25).abs() < 1e-15 && (b[1] - 1.5).abs() < 1e-15);
        assert!(solve_positive(&mut [1.0, 2.0, 2.0, 1.0], &mut [1.0, 1.0]).is_none());
    }
}
