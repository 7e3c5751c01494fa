//! Demand over some days together: what a level to order up to rests on.
//!
//! A forecast that is best day by day is not best for totals. Models are weighed by absolute errors, and of
//! demand that comes in lumps the value with the least absolute error lies below the mean; and the variance
//! told from the upper end of a day's interval is that of the next whole piece. So totals have a model of their
//! own: a slowly moving level, a mean of exponentially weighted means of three half-lives, times the season's
//! profile and the known factors of the days. The half-lives are weighed by squared errors of totals of
//! the wanted length, of the series and of all series of the call together (Bates and Granger, Operational
//! Research Quarterly 20(4), 1969, with the variances pooled).
//!
//! The variance of a total with mean M over T days is `φM(1 + T/n)`: φ is the variance of a day over its mean,
//! n the days that the level rests on. φ of one series of counts is drawn to that of all others as far as φ of the first
//! half of each history does not tell φ of its second half (Efron and Morris, Journal of the American Statistical
//! Association 70, 1975); and all is scaled by how large squared errors of past totals were beside it.

#[cfg(test)]
mod tests;

use crate::numbers::mean;

/// One series' past.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct History<'a> {
    /// What was wanted, oldest first, each at least 0.
    pub wanted: &'a [f64],
    /// By what known drivers multiply the demand of each step, of those ahead too; 1 beyond the end.
    pub factors: &'a [f64],
    /// Whether it comes in whole pieces.
    pub grain: Grain,
}

/// How demand comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grain {
    /// In whole pieces.
    Pieces,
    /// In any amount.
    Measured,
}

/// What is wanted of all series.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Steps in a season, at least 1.
    pub season_length: usize,
    /// Steps ahead.
    pub horizon: usize,
    /// Steps of the totals that are to be right, at least 1.
    pub total: usize,
}

/// What totals of one series are expected to be.
#[derive(Clone, Debug, PartialEq)]
pub struct Totals {
    /// By step ahead.
    pub mean: Vec<f64>,
    /// The variance of a step over its mean, above 0.
    pub dispersion: f64,
    /// Steps that the level rests on, at least 1.
    pub known: f64,
}

impl Totals {
    /// With so many times the level.
    #[must_use]
    pub fn times(mut self, factor: f64) -> Totals {
        self.mean.iter_mut().for_each(|mean| *mean *= factor);
        self
    }

    /// The variance of a total, by its mean and its steps.
    pub fn variance(&self, mean: f64, steps: f64) -> f64 {
        self.dispersion * mean.max(0.0) * (1.0 + steps.max(0.0) / self.known)
    }
}

/// Half-lives of the means, in steps (chosen on the days 56 to 274 of five shops of Complete Journey, together with
/// their number: between 20 and 160 the error hardly changes).
const HALF_LIVES: [f64; 3] = [20.0, 60.0, 180.0];
/// How strongly smaller squared errors speak: the weight is their power of −4 (chosen).
const SHARPNESS: f64 = 4.0;
/// Totals of its own that outweigh what all series together say of half-lives, and of the size of errors (chosen).
const PRIOR: f64 = 30.0;
/// Steps before the first total that is judged.
const BEFORE_MIN: usize = 28;
/// How far a place of the season may depart from the mean: one standard deviation, as a share (chosen).
const PROFILE_SPREAD: f64 = 0.5;
/// Steps that the profile and the dispersion are told from, newest last: a year of days.
const RECENT: usize = 364;
/// One surprise counts as five standard deviations at most.
const RATIO_MAX: f64 = 25.0;
/// By what past errors may scale the variance.
const SCALE: std::ops::RangeInclusive<f64> = 0.5..=4.0;
/// Series of counts from which on the dispersions of others tell something.
const POOLED_MIN: usize = 8;
/// The least variance over mean of pieces: a little above Poisson's, since means are never quite known.
const DISPERSION_MIN: f64 = 1.02;

/// Expects totals of many series, which teach each other how large errors are.
///
/// # Panics
///
/// When the season or the length of totals is 0.
pub fn totals(all: &[History<'_>], span: Span) -> Vec<Totals> {
    assert!(span.season_length > 0 && span.total > 0, "a season and a total have a step");
    let fits: Vec<Fit> = all.iter().map(|history| Fit::new(history, span)).collect();
    let pooled = pooled(fits.iter().filter_map(|fit| fit.relative));
    let weighed: Vec<Weighed> = fits.iter().map(|fit| fit.weigh(&pooled)).collect();
    let dispersions = drawn(&fits);
    let ratios: Vec<Vec<f64>> = fits
        .iter()
        .zip(weighed.iter().zip(&dispersions))
        .map(|(fit, (weighed, dispersion))| fit.ratios(weighed, *dispersion))
        .collect();
    let known: Vec<f64> =
        ratios.iter().filter(|own| !own.is_empty()).map(|own| mean(own)).collect();
    // Of few series the usual ratio is drawn to 1.
    let usual = (known.iter().sum::<f64>() + 2.0) / (known.len() as f64 + 2.0);
    fits.iter()
        .zip(weighed.iter().zip(dispersions.iter().zip(&ratios)))
        .map(|(fit, (weighed, (dispersion, ratios)))| {
            // Totals that overlap tell no more than those that do not.
            let n = ratios.len() as f64 / span.total as f64;
            let own = if ratios.is_empty() { 0.0 } else { mean(ratios) };
            let scale = (n * own + PRIOR * usual) / (n + PRIOR);
            Totals {
                mean: fit.ahead(weighed, span.horizon),
                dispersion: dispersion * scale.clamp(*SCALE.start(), *SCALE.end()),
                known: weighed.known,
            }
        })
        .collect()
}

type ByHalfLife = [f64; HALF_LIVES.len()];

/// What one series says by itself.
struct Fit {
    n: usize,
    span: usize,
    grain: Grain,
    /// The season's place and the factors of each step: what multiplies the level.
    shape: Vec<f64>,
    /// By number of steps known: the levels.
    levels: Vec<ByHalfLife>,
    /// Steps that each level rests on at the end.
    known: ByHalfLife,
    /// Sums of `wanted` and `shape` before each step.
    sums: Vec<(f64, f64)>,
    /// Squared errors of totals by half-life, each over their mean.
    relative: Option<ByHalfLife>,
    n_totals: f64,
    /// Of all recent steps, and of each half of them.
    dispersion: f64,
    halves: Option<(f64, f64)>,
}

/// The level and what it rests on.
struct Weighed {
    weights: ByHalfLife,
    known: f64,
}

impl Fit {
    fn new(history: &History<'_>, span: Span) -> Fit {
        let n = history.wanted.len();
        let factor = |idx: usize| history.factors.get(idx).copied().unwrap_or(1.0).max(1e-6);
        let freed: Vec<f64> =
            history.wanted.iter().enumerate().map(|(idx, value)| value / factor(idx)).collect();
        let profile = profile(&freed, span.season_length);
        let place = |idx: usize| profile[idx % span.season_length];
        let shape: Vec<f64> = (0..n + span.horizon).map(|idx| place(idx) * factor(idx)).collect();
        let mut levels = vec![[0.0; HALF_LIVES.len()]];
        let mut known = [1.0; HALF_LIVES.len()];
        let mut sums = [(0.0, 0.0, 0.0, 0.0); HALF_LIVES.len()];
        for (idx, value) in freed.iter().enumerate() {
            let mut now = [0.0; HALF_LIVES.len()];
            for (number, (sum, half_life)) in sums.iter_mut().zip(HALF_LIVES).enumerate() {
                let keep = 0.5_f64.powf(1.0 / half_life);
                let (top, bottom, once, twice) = *sum;
                *sum = (
                    keep * top + value,
                    keep * bottom + place(idx),
                    keep * once + 1.0,
                    keep * keep * twice + 1.0,
                );
                now[number] = if sum.1 > 0.0 { sum.0 / sum.1 } else { 0.0 };
                known[number] = sum.2 * sum.2 / sum.3;
            }
            levels.push(now);
        }
        let mut running = vec![(0.0, 0.0)];
        for (value, shape) in history.wanted.iter().zip(&shape) {
            let (before, places) = running[running.len() - 1];
            running.push((before + value, places + shape));
        }
        let mut fit = Fit {
            n,
            span: span.total,
            grain: history.grain,
            shape,
            levels,
            known,
            sums: running,
            relative: None,
            n_totals: 0.0,
            dispersion: 0.0,
            halves: None,
        };
        fit.judge(history.wanted);
        fit
    }

    /// How many steps were known before each total that is looked back at.
    fn origins(&self) -> std::ops::Range<usize> {
        BEFORE_MIN..(self.n + 1).saturating_sub(self.span).max(BEFORE_MIN)
    }

    /// A past total, and by what it multiplies the level.
    fn total(&self, origin: usize) -> (f64, f64) {
        let (from, until) = (self.sums[origin], self.sums[origin + self.span]);
        (until.0 - from.0, until.1 - from.1)
    }

    fn judge(&mut self, wanted: &[f64]) {
        let mut squares = [0.0; HALF_LIVES.len()];
        for origin in self.origins() {
            let (actual, shape) = self.total(origin);
            for (sum, level) in squares.iter_mut().zip(self.levels[origin]) {
                *sum += (actual - level * shape).powi(2);
            }
        }
        self.n_totals = self.origins().len() as f64 / self.span as f64;
        let middle = mean(&squares);
        self.relative =
            (middle > 0.0 && middle.is_finite()).then(|| squares.map(|sum| sum / middle));
        let from = self.n.saturating_sub(RECENT).max(BEFORE_MIN.min(self.n / 2));
        let over = |steps: std::ops::Range<usize>| {
            let (mut squares, mut means) = (0.0, 0.0);
            for idx in steps {
                let expected = mean(&self.levels[idx]) * self.shape[idx];
                squares += (wanted[idx] - expected).powi(2);
                means += expected;
            }
            (means > 0.0).then(|| squares / means)
        };
        let middle = (from + self.n) / 2;
        let halves = over(from..middle).zip(over(middle..self.n));
        self.dispersion = self.bounded(over(from..self.n).unwrap_or(1.0));
        self.halves = halves
            .filter(|_| self.grain == Grain::Pieces && middle - from >= BEFORE_MIN)
            .map(|(early, late)| (self.bounded(early), self.bounded(late)));
    }

    fn bounded(&self, dispersion: f64) -> f64 {
        match self.grain {
            Grain::Pieces => dispersion.max(DISPERSION_MIN),
            Grain::Measured => dispersion.max(1e-9),
        }
    }

    fn weigh(&self, pooled: &ByHalfLife) -> Weighed {
        let own = self.relative.unwrap_or(*pooled);
        let mut weights = [0.0; HALF_LIVES.len()];
        for (weight, (own, pooled)) in weights.iter_mut().zip(own.iter().zip(pooled)) {
            let error = (self.n_totals * own + PRIOR * pooled) / (self.n_totals + PRIOR);
            *weight = error.max(1e-3).powf(-SHARPNESS);
        }
        let total: f64 = weights.iter().sum();
        weights.iter_mut().for_each(|weight| *weight /= total);
        // The means go together, so their mean is about as uncertain as they are on average.
        let unknown: f64 = weights.iter().zip(self.known).map(|(weight, n)| weight / n).sum();
        Weighed { weights, known: 1.0 / unknown }
    }

    fn level(&self, weighed: &Weighed, origin: usize) -> f64 {
        weighed.weights.iter().zip(self.levels[origin]).map(|(weight, level)| weight * level).sum()
    }

    /// Squared errors of past totals over the variances that they were told to have.
    fn ratios(&self, weighed: &Weighed, dispersion: f64) -> Vec<f64> {
        let ratio = |origin: usize| {
            let (actual, shape) = self.total(origin);
            let expected = self.level(weighed, origin) * shape;
            let known = weighed.known.min(origin as f64);
            let variance = dispersion * expected * (1.0 + self.span as f64 / known);
            (variance > 0.0).then(|| ((actual - expected).powi(2) / variance).min(RATIO_MAX))
        };
        self.origins().filter_map(ratio).collect()
    }

    fn ahead(&self, weighed: &Weighed, horizon: usize) -> Vec<f64> {
        let level = self.level(weighed, self.n);
        (0..horizon).map(|step| level * self.shape[self.n + step]).collect()
    }
}

/// By place of the season (a step's number modulo its length): the share of the mean, drawn to 1 as far as chance would explain it.
fn profile(freed: &[f64], m: usize) -> Vec<f64> {
    let from = freed.len().saturating_sub(RECENT.max(2 * m));
    let recent = &freed[from..];
    let level = mean(recent);
    if m == 1 || recent.len() < 2 * m || level <= 0.0 {
        return vec![1.0; m];
    }
    // A place's sum S has variance φS; a prior of variance s² counts like φ/s² units.
    let dispersion = crate::numbers::variance(recent) / level;
    let prior = dispersion / PROFILE_SPREAD.powi(2);
    let mut places = vec![(prior, prior); m];
    for (idx, value) in recent.iter().enumerate() {
        let place = &mut places[(from + idx) % m];
        *place = (place.0 + value, place.1 + level);
    }
    let shares: Vec<f64> = places
        .iter()
        .map(|(sum, expected)| if *expected > 0.0 { sum / expected } else { 1.0 })
        .collect();
    let middle = mean(&shares);
    shares.iter().map(|share| share / middle).collect()
}

/// The mean over series of their relative squared errors; of few series drawn to no opinion.
fn pooled(all: impl Iterator<Item = ByHalfLife>) -> ByHalfLife {
    let (mut sums, mut n) = ([5.0; HALF_LIVES.len()], 5.0);
    for relative in all {
        sums.iter_mut().zip(relative).for_each(|(sum, error)| *sum += error);
        n += 1.0;
    }
    sums.map(|sum| sum / n)
}

/// Dispersions, those of counts drawn to each other as far as they do not last.
fn drawn(fits: &[Fit]) -> Vec<f64> {
    let logs: Vec<(f64, f64)> = fits
        .iter()
        .filter_map(|fit| fit.halves)
        .map(|(early, late)| (early.ln(), late.ln()))
        .collect();
    let own = || fits.iter().map(|fit| fit.dispersion);
    if logs.len() < POOLED_MIN {
        return own().collect();
    }
    let middle = |of: fn(&(f64, f64)) -> f64| logs.iter().map(of).sum::<f64>() / logs.len() as f64;
    let (early, late) = (middle(|pair| pair.0), middle(|pair| pair.1));
    let (mut both, mut each) = (0.0, (0.0, 0.0));
    for (a, b) in &logs {
        both += (a - early) * (b - late);
        each = (each.0 + (a - early).powi(2), each.1 + (b - late).powi(2));
    }
    let together = (each.0 * each.1).sqrt();
    let correlation = if together > 0.0 { (both / together).clamp(0.0, 1.0) } else { 1.0 };
    // Of both halves together (Spearman and Brown).
    let lasting = 2.0 * correlation / (1.0 + correlation);
    let counts: Vec<f64> =
        fits.iter().filter(|fit| fit.halves.is_some()).map(|fit| fit.dispersion.ln()).collect();
    let usual = mean(&counts);
    fits.iter()
        .map(|fit| match fit.grain {
            Grain::Pieces => (usual + lasting * (fit.dispersion.ln() - usual)).exp(),
            Grain::Measured => fit.dispersion,
        })
        .collect()
}
