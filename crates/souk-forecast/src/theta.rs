//! The theta method and its optimised and dynamic forms.
//!
//! The series is split into lines of other curvature: the straight line, and one whose curvature is
//! multiplied by θ, which simple exponential smoothing continues. The four forms here differ in two
//! ways: θ is 2 or estimated, and the straight line is fitted once to all values or anew at every step.
//!
//! For a given smoothing parameter every one-step error is linear in the first level and in 1 − 1/θ, so
//! both are found exactly by least squares, and only one number is left to search for.
//!
//! Sources: Assimakopoulos and Nikolopoulos, *The theta model*, International Journal of Forecasting
//! 16(4), 2000; Fiorucci, Pellegrini, Louzada, Petropoulos and Koehler, *Models for optimising the theta
//! method and their relationship to state space models*, ibid. 32(4), 2016 (eq. 8 to 16).

#[cfg(test)]
mod tests;

use crate::decompose::{Classical, Join, classical, is_seasonal};
use crate::numbers::{is_constant, line};
use crate::optimise::around;

/// A form of the method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// θ = 2, one line: the standard method.
    Standard,
    /// θ estimated, one line.
    Optimised,
    /// θ = 2, the line fitted anew at every step.
    DynamicStandard,
    /// θ estimated, the line fitted anew at every step.
    DynamicOptimised,
}

impl Form {
    /// Every form.
    pub const ALL: [Form; 4] =
        [Form::Standard, Form::Optimised, Form::DynamicStandard, Form::DynamicOptimised];

    fn is_dynamic(self) -> bool {
        matches!(self, Form::DynamicStandard | Form::DynamicOptimised)
    }

    fn is_optimised(self) -> bool {
        matches!(self, Form::Optimised | Form::DynamicOptimised)
    }
}

/// The smoothing parameter stays in this range (Fiorucci et al., as their package `forecTheta` does).
const ALPHA: (f64, f64) = (0.1, 0.99);
/// Smoothing parameters that are tried before the best one's surroundings are; a multiple of four.
const GRID: usize = 12;
/// The first errors, which rest on a line through hardly any values, do not count.
const N_SKIPPED: usize = 3;

/// The weight of the first value as a guess of the first level, where an error of it counts 1.
const PULL: f64 = 1e-8;

/// A fitted model.
#[derive(Clone, Debug, PartialEq)]
pub struct Theta {
    form: Form,
    alpha: f64,
    /// 1 − 1/θ, in 0..1.
    weight: f64,
    first_level: f64,
    /// Mean of the squared errors that count.
    mse: f64,
    adjusted: Vec<f64>,
    season: Option<(Vec<f64>, Join)>,
    fitted: Vec<f64>,
}

impl Theta {
    /// Fits one form; a season is taken out first when the series shows one. `None` for fewer than
    /// three values.
    pub fn fit(y: &[f64], season_length: usize, form: Form) -> Option<Theta> {
        Theta::of_adjusted(&Adjusted::of(y, season_length)?, form)
    }

    /// Fits the four forms and keeps the one with the least squared error.
    pub fn fit_best(y: &[f64], season_length: usize) -> Option<Theta> {
        let adjusted = Adjusted::of(y, season_length)?;
        let fitted = Form::ALL.into_iter().filter_map(|form| Theta::of_adjusted(&adjusted, form));
        fitted.min_by(|a, b| a.mse.total_cmp(&b.mse))
    }

    fn of_adjusted(adjusted: &Adjusted, form: Form) -> Option<Theta> {
        let y = &adjusted.values;
        let lines = Lines::new(y, form);
        let width = (ALPHA.1 - ALPHA.0) / (GRID - 1) as f64;
        let mut grid = Vec::with_capacity(GRID);
        while grid.len() < GRID {
            let alphas = [0, 1, 2, 3].map(|lane| ALPHA.0 + width * (grid.len() + lane) as f64);
            grid.extend(Profile::at(y, &lines, (alphas, form)).map(|profile| profile.mse));
        }
        let mut at = |alpha| Profile::at(y, &lines, ([alpha], form))[0].mse;
        let (alpha, _) = around(ALPHA, &grid, &mut at);
        let [Profile { mse, weight, first_level }] = Profile::at(y, &lines, ([alpha], form));
        let season = adjusted.season.clone();
        let (adjusted, fitted) = (y.clone(), Vec::new());
        let mut model = Theta { form, alpha, weight, first_level, mse, adjusted, season, fitted };
        model.fitted = model.run(0);
        mse.is_finite().then_some(model)
    }

    /// Which form it is.
    pub fn form(&self) -> Form {
        self.form
    }

    /// The smoothing parameter.
    pub fn alpha(&self) -> f64 {
        self.alpha
    }

    /// θ, from 1 to infinity.
    pub fn theta(&self) -> f64 {
        1.0 / (1.0 - self.weight)
    }

    /// Mean of the squared one-step errors of the series without its season, but for the first three.
    pub fn mse(&self) -> f64 {
        self.mse
    }

    /// What was expected of each value one step before.
    pub fn fitted(&self) -> &[f64] {
        &self.fitted
    }

    /// The means of the next values.
    pub fn forecast(&self, horizon: usize) -> Vec<f64> {
        self.run(horizon).split_off(self.adjusted.len())
    }

    /// What is expected of every value, and of `horizon` more that are taken as they were expected.
    fn run(&self, horizon: usize) -> Vec<f64> {
        let y = &self.adjusted;
        let (a, b) = line(y);
        let (mut level, mut average, mut slope, mut start) = (self.first_level, 0.0, 0.0, a + b);
        let mut power = 1.0;
        let mut expected = Vec::with_capacity(y.len() + horizon);
        for idx in 0..y.len() + horizon {
            let t = idx as f64;
            let next = power * (1.0 - self.alpha);
            let straight = match (self.form.is_dynamic(), idx) {
                (true, 0) => y[0],
                // The static line in the time of its own values: a is at idx 0, b a step.
                (false, _) => power * (a - b) + (1.0 - next) / self.alpha * b,
                _ => power * start + (1.0 - next) / self.alpha * slope,
            };
            let mean = level + self.weight * straight;
            let value = y.get(idx).copied().unwrap_or(mean);
            level = self.alpha * value + (1.0 - self.alpha) * level;
            if idx == 0 {
                (average, start, slope) = (value, value, 0.0);
            } else {
                slope = ((t - 1.0) * slope + 6.0 * (value - average) / (t + 1.0)) / (t + 2.0);
                average = (t * average + value) / (t + 1.0);
                start = average - slope * (t + 2.0) / 2.0;
            }
            power = next;
            expected.push(mean);
        }
        if let Some((season, join)) = &self.season {
            for (value, s) in expected.iter_mut().zip(season.iter().cycle()) {
                match join {
                    Join::Amounts => *value += s,
                    Join::Factors => *value *= s,
                }
            }
        }
        expected
    }
}

/// The series without its season.
struct Adjusted {
    values: Vec<f64>,
    season: Option<(Vec<f64>, Join)>,
}

impl Adjusted {
    fn of(y: &[f64], m: usize) -> Option<Adjusted> {
        if y.len() < 3 || y.iter().any(|value| !value.is_finite()) {
            return None;
        }
        if is_constant(y) || m < 4 || !is_seasonal(y, m) {
            return Some(Adjusted { values: y.to_vec(), season: None });
        }
        let is_positive = y.iter().all(|value| *value > 0.0);
        let join = if is_positive { Join::Factors } else { Join::Amounts };
        let mut parts = classical(y, m, is_positive);
        let has_tiny_factor = join == Join::Factors && parts.season.iter().any(|s| *s <= 0.011);
        if has_tiny_factor {
            parts = classical(y, m, false);
            let Classical { season, adjusted } = parts;
            return Some(Adjusted { values: adjusted, season: Some((season, Join::Amounts)) });
        }
        Some(Adjusted { values: parts.adjusted, season: Some((parts.season, join)) })
    }
}

/// Intercept and slope that count at each step, before the value is seen: `intercept` at the place
/// before the first value, `slope` a step.
struct Lines(Vec<(f64, f64)>);

impl Lines {
    fn new(y: &[f64], form: Form) -> Lines {
        if !form.is_dynamic() {
            let (a, b) = line(y);
            return Lines(vec![(a - b, b); y.len()]);
        }
        let (mut average, mut slope) = (y[0], 0.0);
        let mut lines = vec![(y[0], 0.0), (y[0], 0.0)];
        for (idx, value) in y.iter().enumerate().skip(1) {
            let t = idx as f64;
            slope = ((t - 1.0) * slope + 6.0 * (value - average) / (t + 1.0)) / (t + 2.0);
            average = (t * average + value) / (t + 1.0);
            lines.push((average - slope * (t + 2.0) / 2.0, slope));
        }
        lines.truncate(y.len());
        Lines(lines)
    }
}

/// First level and weight of the straight line that fit best for one smoothing parameter.
#[derive(Clone, Copy, Debug)]
struct Profile {
    mse: f64,
    weight: f64,
    first_level: f64,
}

impl Profile {
    /// Error t is `p − first_level·u − weight·v`, with p the error of smoothing from a level of 0.
    ///
    /// Several smoothing parameters at once take hardly longer than one: each waits for its own last level.
    fn at<const N: usize>(
        y: &[f64],
        lines: &Lines,
        (alphas, form): ([f64; N], Form),
    ) -> [Profile; N] {
        let keep = alphas.map(|alpha| 1.0 - alpha);
        let per_alpha = alphas.map(|alpha| 1.0 / alpha);
        let (mut level, mut power) = ([0.0; N], [1.0; N]);
        let [mut pp, mut pv, mut uv, mut vv] = [[0.0; N]; 4];
        // A faint pull to the first value: with fast smoothing nothing that counts remembers the first level.
        let (mut pu, mut uu) = ([PULL * y[0]; N], [PULL; N]);
        let n_skipped = if y.len() <= N_SKIPPED + 2 { 0 } else { N_SKIPPED };
        for (idx, (value, (start, slope))) in y.iter().zip(&lines.0).enumerate() {
            let counts = if idx < n_skipped { 0.0 } else { 1.0 };
            for k in 0..N {
                let next = power[k] * keep[k];
                let p = counts * (value - level[k]);
                let u = counts * power[k];
                let v = counts * (power[k] * start + (1.0 - next) * per_alpha[k] * slope);
                pp[k] += p * p;
                pu[k] += p * u;
                pv[k] += p * v;
                uu[k] += u * u;
                uv[k] += u * v;
                vv[k] += v * v;
                level[k] = alphas[k] * value + keep[k] * level[k];
                power[k] = next;
            }
        }
        let sums = |k: usize| [pp[k], pu[k], pv[k], uu[k], uv[k], vv[k]];
        std::array::from_fn(|k| Profile::of(sums(k), (y.len(), form)))
    }

    /// From the sums over all errors that count.
    fn of([pp, pu, pv, uu, uv, vv]: [f64; 6], (n, form): (usize, Form)) -> Profile {
        let first_given = |weight: f64| if uu > 0.0 { (pu - weight * uv) / uu } else { 0.0 };
        let mut weight = 0.5;
        if form.is_optimised() {
            let inner = vv - uv * uv / uu;
            weight = if inner > 1e-12 * vv { (pv - uv * pu / uu) / inner } else { 0.5 };
            weight = weight.clamp(0.0, 1.0 - 1e-10);
        }
        let first = first_given(weight);
        let squares = pp - 2.0 * (first * pu + weight * pv)
            + first * first * uu
            + 2.0 * first * weight * uv
            + weight * weight * vv;
        let n = n.saturating_sub(N_SKIPPED).max(1) as f64;
        Profile { mse: squares.max(0.0) / n, weight, first_level: first }
    }
}
