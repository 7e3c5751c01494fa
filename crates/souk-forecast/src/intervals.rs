//! Intervals from what went wrong before: conformal for ordinary series, counts for slow movers.
//!
//! Ordinary series: the errors at earlier origins, over the error scale of their series, are pooled by step
//! over all series of the call; the finite-sample quantile of their size is the half width (split conformal
//! prediction: Vovk, Gammerman and Shafer, *Algorithmic Learning in a Random World*, 2005; Lei et al.,
//! Journal of the American Statistical Association 113, 2018). Counts: a negative binomial around the mean,
//! whose probabilities are corrected by how often the past fell below them (the non-randomised PIT of Czado,
//! Gneiting and Held, Biometrics 65, 2009).

#[cfg(test)]
mod tests;

use crate::auto::{Combined, Kind, PastError};
use crate::counts::CountDistribution;
use crate::normal_quantile;

/// What the past says of errors, for all series of a call.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Calibration {
    /// By step: sizes of scaled errors, ascending.
    by_step: Vec<Vec<f64>>,
    /// How the variance of counts grows with their mean.
    spread: Spread,
    /// By size of the mean ([`size`]) and thousandth ([`GRID`]): how often the past fell below that probability.
    reached: [Vec<f64>; SIZES],
}

/// Means of counts are told apart at these: what is rare and what sells daily are not spread alike.
const SIZE_FROM: [f64; SIZES - 1] = [1.0, 5.0];
const SIZES: usize = 3;

/// The class of a mean.
fn size(mean: f64) -> usize {
    SIZE_FROM.iter().take_while(|from| mean >= **from).count()
}

/// Errors that a step needs before it may speak for itself.
const ERRORS_MIN: usize = 60;
/// A series' own spread counts like its number of errors, that of all series like this many.
const SPREAD_PRIOR: f64 = 12.0;
/// Errors at most that the common spread is fitted to, evenly over all.
const SPREAD_ERRORS_MAX: usize = 10_000;

/// Variance over mean of a count: `base + slope · mean`.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Spread {
    base: f64,
    slope: f64,
}

impl Spread {
    fn dispersion(self, mean: f64) -> f64 {
        (self.base + self.slope * mean).max(1.0 + 1e-6)
    }

    /// The spread of the greatest likelihood on a grid: fine enough, because the probabilities are corrected
    /// afterwards.
    fn of(counts: &[&Combined]) -> Spread {
        let errors: Vec<(f64, f64)> = counts
            .iter()
            .flat_map(|one| &one.errors)
            .map(|error| (error.expected.max(MEAN_MIN), error.actual.max(0.0)))
            .collect();
        let step = errors.len().div_ceil(SPREAD_ERRORS_MAX).max(1);
        let mut best = (f64::NEG_INFINITY, Spread { base: 1.0, slope: 0.0 });
        for base in [1.0, 1.25, 1.6, 2.0, 2.7, 3.6, 5.0, 8.0] {
            for slope in [0.0, 0.05, 0.1, 0.2, 0.4, 0.7, 1.1, 1.8] {
                let spread = Spread { base, slope };
                let log = |(mean, count): &(f64, f64)| {
                    CountDistribution::log_chance(*mean, spread.dispersion(*mean), *count)
                };
                let total: f64 = errors.iter().step_by(step).map(log).sum();
                if total > best.0 {
                    best = (total, spread);
                }
            }
        }
        best.1
    }
}

/// A mean of 0 would call every sale impossible.
const MEAN_MIN: f64 = 0.02;

impl Calibration {
    pub(crate) fn of(all: &[Combined], horizon: usize) -> Calibration {
        let ordinary: Vec<&Combined> =
            all.iter().filter(|one| one.kind == Kind::Ordinary).collect();
        let counts: Vec<&Combined> = all.iter().filter(|one| one.kind != Kind::Ordinary).collect();
        let spread = Spread::of(&counts);
        let mut calibration = Calibration {
            by_step: by_step(&ordinary, horizon),
            spread,
            reached: Default::default(),
        };
        calibration.reached = calibration.reached_by(&counts);
        calibration
    }

    /// By share: the quantile of each step of one series.
    pub(crate) fn quantiles(&self, of: &Combined, shares: &[f64], mean: &[f64]) -> Vec<Vec<f64>> {
        let mut found = vec![Vec::with_capacity(mean.len()); shares.len()];
        let mut order: Vec<usize> = (0..shares.len()).collect();
        order.sort_by(|a, b| shares[*a].total_cmp(&shares[*b]));
        let ascending: [Vec<f64>; SIZES] = std::array::from_fn(|size| {
            order.iter().map(|place| corrected(&self.reached[size], shares[*place])).collect()
        });
        let most = widest(of);
        for (idx, mean) in mean.iter().enumerate() {
            if of.kind == Kind::Ordinary {
                for (share, found) in shares.iter().zip(&mut found) {
                    let half = self.half_width(idx, (2.0 * share - 1.0).abs()).min(most);
                    let half = half * of.scales[idx];
                    found.push(if *share < 0.5 { mean - half } else { mean + half });
                }
            } else {
                let counts = self.distribution(of, *mean).quantiles(&ascending[size(*mean)]);
                order.iter().zip(counts).for_each(|(place, count)| found[*place].push(count));
            }
        }
        found
    }

    /// The half width of the central interval of a coverage, in units of a series' scale.
    fn half_width(&self, step_idx: usize, coverage: f64) -> f64 {
        let Some(sizes) = self.by_step.get(step_idx).filter(|sizes| !sizes.is_empty()) else {
            // Without any past: normal errors whose variance grows with each step.
            let z = normal_quantile(0.5 + coverage.min(1.0 - 1e-9) / 2.0);
            return 1.2533 * z * ((step_idx + 1) as f64).sqrt();
        };
        let n = sizes.len();
        let rank = ((n + 1) as f64 * coverage).ceil() as usize;
        if rank <= n {
            return sizes[rank.max(1) - 1];
        }
        // Beyond the largest error seen: carried on as a normal tail would.
        let seen = n as f64 / (n + 1) as f64;
        let ratio = normal_quantile(0.5 + coverage.min(1.0 - 1e-9) / 2.0)
            / normal_quantile(0.5 + seen / 2.0);
        sizes[n - 1] * ratio
    }

    fn distribution(&self, of: &Combined, mean: f64) -> CountDistribution {
        // One surprise must not make a series look wild: each counts as three standard deviations at most.
        let share = |error: &PastError| {
            let expected = error.expected.max(MEAN_MIN);
            (error.amount().powi(2) / (expected * self.spread.dispersion(expected))).min(9.0)
        };
        let sum: f64 = of.errors.iter().map(share).sum();
        let own = (sum + SPREAD_PRIOR) / (of.errors.len() as f64 + SPREAD_PRIOR);
        let mean = mean.max(MEAN_MIN);
        CountDistribution::of_moments(mean, own * self.spread.dispersion(mean))
    }

    fn reached_by(&self, counts: &[&Combined]) -> [Vec<f64>; SIZES] {
        let mut places: [Vec<(f64, f64)>; SIZES] = Default::default();
        for one in counts {
            for error in &one.errors {
                let chances = self.distribution(one, error.expected).chances(1e-6);
                let idx = error.actual.max(0.0) as usize;
                let below: f64 = chances.iter().take(idx).sum();
                let here = chances.get(idx).copied().unwrap_or(0.0);
                places[size(error.expected)].push((below.min(1.0), (below + here).min(1.0)));
            }
        }
        let all = reached(&places.concat());
        places.map(|own| if own.len() < ERRORS_MIN { all.clone() } else { reached(&own) })
    }
}

/// The widest half width that a series' own past bears out, in units of its scale: a few wild series of a file must not
/// widen the tails of all others.
fn widest(of: &Combined) -> f64 {
    if of.errors.len() < OWN_MIN {
        return f64::INFINITY;
    }
    let sizes = of.errors.iter().map(|error| error.amount().abs() / error.scale);
    TIMES_OWN * sizes.filter(|size| size.is_finite()).fold(1.0, f64::max)
}

/// Errors of its own from which on a series has a say in how wide its tails are at most.
const OWN_MIN: usize = 8;
/// Times its largest error that its tails may reach (chosen: beyond, no interval that is asked for lies on ordinary series).
const TIMES_OWN: f64 = 5.0;

/// By thousandth: how often the past fell below that probability; nothing where there is little past.
fn reached(places: &[(f64, f64)]) -> Vec<f64> {
    if places.len() < ERRORS_MIN {
        return Vec::new();
    }
    let share = |place: usize| {
        let p = place as f64 / GRID as f64;
        let reached = |(low, high): &(f64, f64)| {
            if p >= *high {
                1.0
            } else if p <= *low {
                0.0
            } else {
                (p - low) / (high - low)
            }
        };
        places.iter().map(reached).sum::<f64>() / places.len() as f64
    };
    (0..=GRID).map(share).collect()
}

/// The probability of the distribution that the past reached as often as `share`.
fn corrected(reached: &[f64], share: f64) -> f64 {
    let Some(above) = reached.iter().position(|reached| *reached >= share) else {
        return share;
    };
    if above == 0 {
        return share;
    }
    let (low, high) = (reached[above - 1], reached[above]);
    let part = if high > low { (share - low) / (high - low) } else { 1.0 };
    let found = ((above - 1) as f64 + part) / GRID as f64;
    found.clamp(share / TAIL_MAX, 1.0 - (1.0 - share) / TAIL_MAX)
}

/// By how much the past may make a tail thinner: of few surprises more would not be known, and a few wild series must not
/// send the quantiles of all others far out (chosen).
const TAIL_MAX: f64 = 4.0;

/// Steps of the correction of probabilities.
const GRID: usize = 1_000;

/// Scaled error sizes by step; a step with few of them borrows from its neighbours, and all of them
/// together scaled by the root of their step when even that is little.
fn by_step(all: &[&Combined], horizon: usize) -> Vec<Vec<f64>> {
    let mut own = vec![Vec::new(); horizon];
    for one in all {
        for error in one.errors.iter().filter(|error| error.step <= horizon) {
            let size = error.amount().abs() / error.scale;
            if size.is_finite() {
                own[error.step - 1].push(size);
            }
        }
    }
    let n: usize = own.iter().map(Vec::len).sum();
    let borrowed = |idx: usize| {
        let mut sizes: Vec<f64> = own[idx].clone();
        let mut reach = 1;
        while sizes.len() < ERRORS_MIN.min(n) && reach < horizon {
            for neighbour in [idx.checked_sub(reach), Some(idx + reach)].into_iter().flatten() {
                if let Some(others) = own.get(neighbour) {
                    let growth = ((idx + 1) as f64 / (neighbour + 1) as f64).sqrt();
                    sizes.extend(others.iter().map(|size| size * growth));
                }
            }
            reach += 1;
        }
        sizes.sort_unstable_by(f64::total_cmp);
        sizes
    };
    (0..horizon).map(borrowed).collect()
}
