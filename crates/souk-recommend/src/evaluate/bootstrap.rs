//! How sure a difference between two configurations is.

use souk_math::Random;

/// A mean difference with its 95 % interval.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Difference {
    /// Mean of `a - b`.
    pub mean: f64,
    /// The interval's lower end: 2.5 % of the resampled means lie under it.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
    /// How many pairs there were.
    pub n: usize,
}

/// How often the pairs are drawn again (chosen).
const RESAMPLES: usize = 2_000;

/// The mean of `a - b` over cases that both were judged on, with a percentile interval from drawing
/// whole cases with replacement.
///
/// Source: Efron and Tibshirani, *An Introduction to the Bootstrap*, 1993, ch. 13; for rankings Sakai,
/// SIGIR 2006. Cases must be independent: give shoppers, not single steps of one shopper.
///
/// # Panics
///
/// When the lists differ in length: the caller has mixed up two evaluations.
pub fn paired_bootstrap(a: &[f64], b: &[f64], seed: u64) -> Difference {
    assert_eq!(a.len(), b.len(), "both sides are judged on the same cases");
    let differences: Vec<f64> = a.iter().zip(b).map(|(a, b)| a - b).collect();
    let n = differences.len();
    if n == 0 {
        return Difference::default();
    }
    let mut random = Random::new(seed);
    let mut resample =
        || -> f64 { (0..n).map(|_| differences[random.below(n)]).sum::<f64>() / n as f64 };
    let mut means: Vec<f64> = (0..RESAMPLES).map(|_| resample()).collect();
    means.sort_unstable_by(f64::total_cmp);
    let at = |share: f64| means[((RESAMPLES - 1) as f64 * share).round() as usize];
    let mean = differences.iter().sum::<f64>() / n as f64;
    Difference { mean, low: at(0.025), high: at(0.975), n }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The interval of a mean of fair coins is close to that of the normal distribution: ± 1.96 · ½ / √n.
    #[test]
    fn the_interval_has_its_width() {
        let mut random = Random::new(3);
        let a: Vec<f64> = (0..1_000).map(|_| random.below(2) as f64).collect();
        let found = paired_bootstrap(&a, &vec![0.25; 1_000], 1);
        let half = 1.96 * 0.5 / 1_000_f64.sqrt();
        assert!((found.high - found.mean - half).abs() < 0.1 * half, "{found:?}");
        assert!((found.mean - found.low - half).abs() < 0.1 * half, "{found:?}");
        assert!((found.mean - 0.25).abs() < 0.05, "{found:?}");
    }

    /// Pairs that differ by the same amount leave no doubt, however much cases differ from each other.
    #[test]
    fn what_is_common_to_a_pair_is_no_doubt() {
        let b: Vec<f64> = (0..50).map(f64::from).collect();
        let a: Vec<f64> = b.iter().map(|value| value + 0.5).collect();
        let found = paired_bootstrap(&a, &b, 1);
        assert_eq!((found.mean, found.low, found.high, found.n), (0.5, 0.5, 0.5, 50));
        assert_eq!(paired_bootstrap(&[], &[], 1), Difference::default());
    }
}
