//! How errors of many nodes go together, told from few days.
//!
//! The covariance of `n` nodes over `T` days has a rank below `T`, so it is drawn to its diagonal by the share that makes
//! its expected squared error least (Schäfer and Strimmer, Statistical Applications in Genetics and Molecular Biology
//! 4(1), 2005, equation for target D). It is kept as the diagonal and the errors themselves, never as a matrix, and its
//! share is found from sums over days, so that it costs `n·T²` and not `n²·T`.

use super::VARIANCE_MIN;

/// A diagonal and, beside it, the sum of the products of `shared` vectors with themselves.
#[derive(Clone, Debug)]
pub(super) struct Shrunk {
    pub(super) alone: Vec<f64>,
    pub(super) shared: Vec<Vec<f64>>,
}

impl Shrunk {
    /// Variances without anything in common.
    pub(super) fn alone(mut variances: Vec<f64>) -> Shrunk {
        let most = variances.iter().copied().fold(0.0, f64::max);
        let least = if most > 0.0 { most * VARIANCE_MIN } else { 1.0 };
        variances.iter_mut().for_each(|variance| *variance = variance.max(least));
        Shrunk { alone: variances, shared: Vec::new() }
    }

    /// The drawn covariance of errors by node and day, of at least two days.
    pub(super) fn of(errors: &[Vec<f64>]) -> Shrunk {
        let n_days = errors[0].len();
        let centred: Vec<Vec<f64>> = errors.iter().map(|own| centred(own)).collect();
        let variance =
            |own: &Vec<f64>| own.iter().map(|e| e * e).sum::<f64>() / (n_days as f64 - 1.0);
        let variances: Vec<f64> = centred.iter().map(variance).collect();
        let share = share(&centred);
        let mut made = Shrunk::alone(variances.clone());
        // The diagonal stays whole: what the shared part brings of it is taken off.
        for (alone, variance) in made.alone.iter_mut().zip(&variances) {
            *alone -= (1.0 - share) * variance;
        }
        let scale = ((1.0 - share) / (n_days as f64 - 1.0)).sqrt();
        let of_day = |day: usize| centred.iter().map(|own| own[day] * scale).collect();
        made.shared = (0..n_days).map(of_day).collect();
        made
    }

    /// The product with a vector by node.
    pub(super) fn times(&self, vector: &[f64]) -> Vec<f64> {
        let mut out: Vec<f64> = self.alone.iter().zip(vector).map(|(w, v)| w * v).collect();
        for shared in &self.shared {
            let along: f64 = shared.iter().zip(vector).map(|(e, v)| e * v).sum();
            out.iter_mut().zip(shared).for_each(|(out, e)| *out += along * e);
        }
        out
    }
}

fn centred(values: &[f64]) -> Vec<f64> {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    values.iter().map(|value| value - mean).collect()
}

/// The share by which correlations are drawn to 0: the sum of their variances over that of their squares.
///
/// With `w` the product of two nodes' standardised errors of a day and `w̄` its mean, which is their correlation, the
/// variance is `Σ(w − w̄)² / (T(T − 1))`.
pub(super) fn share(centred: &[Vec<f64>]) -> f64 {
    let n_days = centred[0].len();
    let days = n_days as f64;
    let standardised: Vec<Vec<f64>> = centred
        .iter()
        .filter_map(|own| {
            let deviation = (own.iter().map(|e| e * e).sum::<f64>() / days).sqrt();
            (deviation > 0.0).then(|| own.iter().map(|e| e / deviation).collect())
        })
        .collect();
    // Over all pairs, a node with itself too: Σ w², and Σ w̄² by the products of days.
    let mut squares = 0.0;
    let mut products = 0.0;
    for one in 0..n_days {
        for two in 0..=one {
            let along: f64 = standardised.iter().map(|own| own[one] * own[two]).sum();
            let both = if one == two { 1.0 } else { 2.0 };
            products += both * along * along;
            if one == two {
                squares += along * along;
            }
        }
    }
    let mut correlations = products / (days * days);
    // Without those of a node with itself.
    for own in &standardised {
        squares -= own.iter().map(|e| e.powi(4)).sum::<f64>();
        correlations -= 1.0;
    }
    if correlations <= 0.0 {
        return 1.0;
    }
    let variances = (squares - days * correlations) / (days * (days - 1.0));
    (variances / correlations).clamp(0.0, 1.0)
}
