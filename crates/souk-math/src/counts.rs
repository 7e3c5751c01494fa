//! Distributions of counts, for products that sell a few pieces.
//!
//! Sources: Johnson, Kemp and Kotz, *Univariate Discrete Distributions*, 3rd ed., ch. 4 and 5; Snyder,
//! Ord and Beaumont, *Forecasting the intermittent demand for slow-moving inventories*, International
//! Journal of Forecasting 28(2), 2012.

#[cfg(test)]
mod tests;

/// A distribution on 0, 1, 2, ….
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum CountDistribution {
    /// Poisson with a mean.
    Poisson {
        /// The mean, at least 0.
        mean: f64,
    },
    /// Negative binomial: Poisson with a gamma-distributed mean.
    NegativeBinomial {
        /// The mean, above 0.
        mean: f64,
        /// Variance over mean, above 1.
        dispersion: f64,
    },
    /// Nothing with an extra chance, else Poisson.
    ZeroInflatedPoisson {
        /// The extra chance of nothing, in 0..1.
        zero: f64,
        /// The mean of the rest.
        rate: f64,
    },
}

/// Counts beyond this are not looked at one by one.
const COUNT_MAX: usize = 1_000_000;

impl CountDistribution {
    /// The distribution with a mean and a variance over mean: negative binomial where that is above 1.
    pub fn of_moments(mean: f64, dispersion: f64) -> CountDistribution {
        if mean > 0.0 && dispersion > 1.0 + 1e-6 {
            CountDistribution::NegativeBinomial { mean, dispersion }
        } else {
            CountDistribution::Poisson { mean: mean.max(0.0) }
        }
    }

    /// Chances of 0, 1, 2, … until what is left is below `tail`.
    pub fn chances(&self, tail: f64) -> Vec<f64> {
        let mut chances = Vec::new();
        let (zero, first, ratio): (f64, f64, Box<dyn Fn(f64) -> f64>) = match *self {
            CountDistribution::Poisson { mean } => {
                (0.0, (-mean).exp(), Box::new(move |k| mean / k))
            }
            CountDistribution::ZeroInflatedPoisson { zero, rate } => {
                (zero, (-rate).exp(), Box::new(move |k| rate / k))
            }
            CountDistribution::NegativeBinomial { mean, dispersion } => {
                let size = mean / (dispersion - 1.0);
                let fail = 1.0 - 1.0 / dispersion;
                let first = (-size * dispersion.ln()).exp();
                (0.0, first, Box::new(move |k| fail * (size + k - 1.0) / k))
            }
        };
        let (mut chance, mut left) = (first * (1.0 - zero), 1.0 - zero);
        for k in 0..COUNT_MAX {
            chances.push(if k == 0 { chance + zero } else { chance });
            left -= chance;
            if left <= tail || (chance < tail * 1e-6 && k as f64 > self.mean()) {
                break;
            }
            chance *= ratio((k + 1) as f64);
        }
        chances
    }

    /// The log of the chance of a count, for a negative binomial; Poisson as its limit.
    pub fn log_chance(mean: f64, dispersion: f64, count: f64) -> f64 {
        let size = mean / (dispersion - 1.0).max(1e-6);
        ln_gamma(count + size) - ln_gamma(size) - ln_gamma(count + 1.0) - size * dispersion.ln()
            + count * (1.0 - 1.0 / dispersion).max(1e-300).ln()
    }

    /// The mean.
    pub fn mean(&self) -> f64 {
        match *self {
            CountDistribution::Poisson { mean }
            | CountDistribution::NegativeBinomial { mean, .. } => mean,
            CountDistribution::ZeroInflatedPoisson { zero, rate } => (1.0 - zero) * rate,
        }
    }

    /// The variance.
    pub fn variance(&self) -> f64 {
        match *self {
            CountDistribution::Poisson { mean } => mean,
            CountDistribution::NegativeBinomial { mean, dispersion } => mean * dispersion,
            CountDistribution::ZeroInflatedPoisson { zero, rate } => {
                (1.0 - zero) * rate * (1.0 + zero * rate)
            }
        }
    }

    /// The smallest count whose cumulated chance reaches each share; shares ascend.
    ///
    /// Means beyond 500 are taken as normal: there the difference is below one piece in a thousand.
    pub fn quantiles(&self, shares: &[f64]) -> Vec<f64> {
        if self.mean() > 500.0 {
            let sd = self.variance().sqrt();
            let at = |share: &f64| {
                let z = crate::normal::quantile(share.clamp(1e-12, 1.0 - 1e-12));
                (self.mean() + z * sd).round().max(0.0)
            };
            return shares.iter().map(at).collect();
        }
        let chances = self.chances(1e-9);
        let (mut sum, mut count) = (chances[0], 0usize);
        let reach = |share: &f64| {
            while sum < share - 1e-12 && count + 1 < chances.len() {
                count += 1;
                sum += chances[count];
            }
            count as f64
        };
        shares.iter().map(reach).collect()
    }
}

/// The log of the gamma function of x > 0: Stirling's series after a shift beyond 8 (Abramowitz and Stegun,
/// 6.1.41; the error is below 1e-12).
pub fn ln_gamma(x: f64) -> f64 {
    let (mut x, mut product) = (x, 1.0);
    while x < 8.0 {
        product *= x;
        x += 1.0;
    }
    let inverse = 1.0 / (x * x);
    let series = (1.0 / 12.0
        - inverse
            * (1.0 / 360.0
                - inverse * (1.0 / 1_260.0 - inverse * (1.0 / 1_680.0 - inverse / 1_188.0))))
        / x;
    (x - 0.5) * x.ln() - x + 0.5 * std::f64::consts::TAU.ln() + series - product.ln()
}
