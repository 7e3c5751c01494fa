//! A level times the season's profile, for what sells in small numbers.
//!
//! Models that learn each place of a season by smoothing see it once a season: of two sales a day they learn noise. Here
//! the profile is the mean of a year by place, drawn to no season at all as far as its counts are few, and the level is
//! what sold over what the profile expects, the newest most. How fast it forgets is not chosen but weighed, by how totals
//! over [`AHEAD`] seasons were missed.
//!
//! Source: the gamma prior of a Poisson rate (Gelman et al., *Bayesian Data Analysis*, 3rd ed., §2.6), with the values'
//! own dispersion.

#[cfg(test)]
mod tests;

/// Seasons that the profile and the choice of levels rest on: a year of weeks.
const SEASONS: usize = 52;
/// The variance of a place's factor around 1 that is expected before anything is seen. Chosen on held-back days of the
/// pasta data, where .003 to .09 were tried.
const FACTOR_VARIANCE: f64 = 0.02;
/// Half-lives of the level, in seasons.
const HALF_LIVES: [f64; 6] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0];
/// Seasons ahead whose total tells how good a half-life is.
const AHEAD: usize = 4;
/// Seasons at least: fewer tell neither a profile nor half-lives.
const SEASONS_MIN: usize = 8;
/// The weight of a half-life is its squared error to the power of −3 (chosen).
const SHARPNESS: i32 = 3;

/// The means of the next values; `None` for fewer than eight seasons, and for
/// what was ever negative or sold nothing in the last 52.
pub(crate) fn profile(y: &[f64], m: usize, horizon: usize) -> Option<Vec<f64>> {
    let n = y.len();
    if m < 2 || n < SEASONS_MIN * m || y.iter().any(|value| *value < 0.0) {
        return None;
    }
    let from = n - n.min(SEASONS * m);
    let factors = factors(&y[from..], from, m)?;
    let factor = |idx: usize| factors[idx % m];
    let levels = HALF_LIVES.map(|half_life| {
        let path = path(y, factor, 0.5_f64.powf(1.0 / (half_life * m as f64)));
        let missed = missed_totals(y, (&path, &factors), from.max(2 * m)..n - AHEAD * m);
        (path[n - 1], missed.max(1e-12))
    });
    let least = levels.iter().map(|(_, missed)| *missed).fold(f64::INFINITY, f64::min);
    let (mut sum, mut total) = (0.0, 0.0);
    for (level, missed) in levels {
        let weight = (least / missed).powi(SHARPNESS);
        sum += weight * level;
        total += weight;
    }
    Some((n..n + horizon).map(|idx| sum / total * factor(idx)).collect())
}

/// By place of the season, counted from the start of the whole series: what sells there over what sells in the mean.
fn factors(y: &[f64], from: usize, m: usize) -> Option<Vec<f64>> {
    let middle = crate::numbers::mean(y);
    if middle <= 0.0 {
        return None;
    }
    let dispersion = (crate::numbers::variance(y) / middle).max(1.0);
    let mut sums = vec![(0.0, 0.0); m];
    for (idx, value) in y.iter().enumerate() {
        let place = &mut sums[(from + idx) % m];
        *place = (place.0 + value, place.1 + middle);
    }
    let prior = dispersion / FACTOR_VARIANCE;
    Some(sums.iter().map(|(sum, expected)| (sum + prior) / (expected + prior)).collect())
}

/// The level after each value.
fn path(y: &[f64], factor: impl Fn(usize) -> f64, keep: f64) -> Vec<f64> {
    let (mut sum, mut expected) = (0.0, 0.0);
    let after = |(idx, value): (usize, &f64)| {
        sum = keep * sum + value;
        expected = keep * expected + factor(idx);
        sum / expected
    };
    y.iter().enumerate().map(after).collect()
}

/// The squared errors of totals over the next seasons, behind each place of `from`.
fn missed_totals(
    y: &[f64],
    (path, factors): (&[f64], &[f64]),
    from: std::ops::Range<usize>,
) -> f64 {
    let reach = AHEAD * factors.len();
    // Whole seasons: what they expect is the same from every place.
    let expected = AHEAD as f64 * factors.iter().sum::<f64>();
    let mut total: f64 = y[from.start..from.start + reach].iter().sum();
    let mut squares = 0.0;
    for idx in from {
        // From the values behind `idx`, `reach` of them.
        total += y[idx + reach] - y[idx];
        squares += (total - path[idx] * expected).powi(2);
    }
    squares
}
