use souk_math::counts::CountDistribution;
use souk_math::normal;

/// Means up to which a total is taken as a count with a chance for each number of pieces.
const COUNT_MEAN_MAX: f64 = 500.0;

/// Demand over some days together: its mean and variance, and what follows from them.
///
/// A negative binomial (or Poisson) distribution where pieces are counted and the mean is small, else a normal
/// one cut at 0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct TotalDemand {
    pub(crate) mean: f64,
    pub(crate) variance: f64,
    /// Whether it comes in whole pieces.
    pub(crate) is_count: bool,
}

impl TotalDemand {
    /// The amount that suffices with this chance.
    pub(crate) fn quantile(&self, share: f64) -> f64 {
        let share = share.clamp(1e-9, 1.0 - 1e-9);
        if self.mean <= 0.0 {
            return 0.0;
        }
        if self.is_count && self.mean <= COUNT_MEAN_MAX {
            return self.counts().quantiles(&[share])[0];
        }
        let amount = self.mean + normal::quantile(share) * self.variance.max(0.0).sqrt();
        if self.is_count { amount.max(0.0).ceil() } else { amount.max(0.0) }
    }

    /// The chance that more than `amount` is wanted.
    pub(crate) fn chance_above(&self, amount: f64) -> f64 {
        if self.mean <= 0.0 {
            return 0.0;
        }
        if self.is_count && self.mean <= COUNT_MEAN_MAX {
            if amount < 0.0 {
                return 1.0;
            }
            let chances = self.counts().chances(1e-9);
            let covered: f64 = chances.iter().take(amount.floor() as usize + 1).sum();
            return (1.0 - covered).max(0.0);
        }
        let sd = self.variance.max(1e-12).sqrt();
        1.0 - normal::at_most((amount - self.mean) / sd)
    }

    /// Units beyond `amount` that are wanted on average.
    pub(crate) fn expected_above(&self, amount: f64) -> f64 {
        if self.mean <= 0.0 {
            return 0.0;
        }
        if self.is_count && self.mean <= COUNT_MEAN_MAX {
            let chances = self.counts().chances(1e-9);
            let above = chances.iter().enumerate();
            return above.map(|(k, chance)| (k as f64 - amount).max(0.0) * chance).sum();
        }
        let sd = self.variance.max(1e-12).sqrt();
        sd * normal::excess((amount - self.mean) / sd).max(0.0)
    }

    /// The chance of each number of pieces, from 0 on; `None` where demand is measured or large.
    pub(super) fn chances(&self) -> Option<Vec<f64>> {
        let is_told = self.is_count && self.mean > 0.0 && self.mean <= COUNT_MEAN_MAX;
        is_told.then(|| self.counts().chances(1e-9))
    }

    fn counts(&self) -> CountDistribution {
        CountDistribution::of_moments(self.mean, self.variance / self.mean)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn totals_match_known_values() {
        // Poisson(6): P(X > 9) = 0.083924 and the 95 % quantile is 10; normal(50, 8): z(0.95) = 1.644854.
        let poisson = TotalDemand { mean: 6.0, variance: 6.0, is_count: true };
        assert_eq!(poisson.quantile(0.95), 10.0);
        assert!((poisson.chance_above(9.0) - 0.083_924).abs() < 1e-6);
        let normal = TotalDemand { mean: 50.0, variance: 64.0, is_count: false };
        assert!((normal.quantile(0.95) - (50.0 + 1.644_854 * 8.0)).abs() < 1e-4);
        assert!((normal.chance_above(58.0) - 0.158_655).abs() < 1e-5);
        // The unit normal loss at z = 1 is 0.083315.
        assert!((normal.expected_above(58.0) - 8.0 * 0.083_315).abs() < 1e-4);
        let none = TotalDemand { mean: 0.0, variance: 0.0, is_count: true };
        assert_eq!((none.quantile(0.99), none.chance_above(0.0)), (0.0, 0.0));
    }
}
