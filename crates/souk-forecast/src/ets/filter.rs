//! One pass forward over the series (errors and states) and one backward (the gradient).

use super::{ErrorKind, Season, Smoothing, Spec, Trend};

/// Level, slope and season after the last value.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct States {
    pub(super) level: f64,
    pub(super) slope: f64,
    /// By place in the season; empty without one.
    pub(super) season: Vec<f64>,
    /// The place of the next value in `season`.
    pub(super) place: usize,
}

impl States {
    /// Expects the next value, learns from it, and tells what was expected.
    pub(super) fn step(&mut self, spec: Spec, by: &Smoothing, value: f64) -> f64 {
        let q =
            if spec.trend == Trend::None { self.level } else { self.level + by.phi * self.slope };
        let s = self.season.get(self.place).copied().unwrap_or(0.0);
        let expected = join(spec.season, q, s);
        let error = value - expected;
        let for_level = if spec.season == Season::Multiplicative { error / s } else { error };
        self.level = q + by.alpha * for_level;
        if spec.trend != Trend::None {
            self.slope = by.phi * self.slope + by.beta * for_level;
        }
        if spec.season != Season::None {
            let for_season = if spec.season == Season::Multiplicative { error / q } else { error };
            self.season[self.place] = s + by.gamma * for_season;
            self.place = (self.place + 1) % self.season.len();
        }
        expected
    }

    pub(super) fn forecast(&self, spec: Spec, phi: f64, horizon: usize) -> Vec<f64> {
        let (mut level, mut slope) = (self.level, self.slope);
        let ahead = |step: usize| {
            if spec.trend != Trend::None {
                slope *= phi;
                level += slope;
            }
            let n = self.season.len().max(1);
            let s = self.season.get((self.place + step) % n).copied().unwrap_or(0.0);
            join(spec.season, level, s)
        };
        (0..horizon).map(ahead).collect()
    }

    pub(super) fn season_ahead(&self) -> Vec<f64> {
        let n = self.season.len();
        (0..n).map(|step| self.season[(self.place + step) % n]).collect()
    }
}

fn join(season: Season, q: f64, s: f64) -> f64 {
    match season {
        Season::None => q,
        Season::Additive => q + s,
        Season::Multiplicative => q * s,
    }
}

/// One step as the forward pass left it.
#[derive(Clone, Copy, Debug, Default)]
struct Step {
    q: f64,
    slope: f64,
    s: f64,
    expected: f64,
    error: f64,
}

/// Room for the passes, used again by every evaluation of one series.
#[derive(Debug)]
pub(super) struct Filter<'a> {
    y: &'a [f64],
    spec: Spec,
    steps: Vec<Step>,
    season: Vec<f64>,
    /// Σ of squared errors of the last forward pass.
    pub(super) squares: f64,
}

/// The gradient of the objective by parameter and initial state.
#[derive(Clone, Debug, Default)]
pub(super) struct Gradient {
    pub(super) smoothing: [f64; 4],
    pub(super) level: f64,
    pub(super) slope: f64,
    pub(super) season: Vec<f64>,
}

impl<'a> Filter<'a> {
    pub(super) fn new(y: &'a [f64], spec: Spec) -> Filter<'a> {
        let steps = vec![Step::default(); y.len()];
        Filter { y, spec, steps, season: Vec::new(), squares: 0.0 }
    }

    /// The objective, −2 log-likelihood but for a constant; infinite where the model is not defined.
    pub(super) fn forward(&mut self, by: &Smoothing, start: &States) -> f64 {
        let Spec { error, trend, season } = self.spec;
        self.season.clear();
        self.season.extend_from_slice(&start.season);
        let n_places = self.season.len().max(1);
        let phi = if trend == Trend::None { 0.0 } else { by.phi };
        let beta = if trend == Trend::None { 0.0 } else { by.beta };
        let (mut level, mut slope, mut place) = (start.level, start.slope, start.place);
        let (mut squares, mut logs, mut product) = (0.0, 0.0, 1.0_f64);
        for (value, step) in self.y.iter().zip(&mut self.steps) {
            let q = level + phi * slope;
            let s = self.season.get(place).copied().unwrap_or(0.0);
            let expected = join(season, q, s);
            let amount = value - expected;
            *step = Step { q, slope, s, expected, error: amount };
            let mut own = amount;
            if error == ErrorKind::Multiplicative {
                if expected.is_nan() || expected <= 0.0 {
                    return f64::INFINITY;
                }
                own = amount / expected;
                product *= expected;
                // Logarithms are dear: one for many factors.
                if !(1e-200..1e200).contains(&product) {
                    logs += product.ln();
                    product = 1.0;
                }
            }
            squares += own * own;
            let (mut for_level, mut for_season) = (amount, amount);
            if season == Season::Multiplicative {
                if q.is_nan() || q <= 0.0 || s <= 0.0 {
                    return f64::INFINITY;
                }
                for_level = amount / s;
                for_season = amount / q;
            }
            level = q + by.alpha * for_level;
            slope = phi * slope + beta * for_level;
            if season != Season::None {
                self.season[place] = s + by.gamma * for_season;
                place += 1;
                if place == n_places {
                    place = 0;
                }
            }
        }
        self.squares = squares;
        let floor = squares.max(1e-300);
        self.y.len() as f64 * floor.ln() + 2.0 * (logs + product.ln())
    }

    /// The gradient at the point of the last forward pass, by reverse accumulation.
    pub(super) fn backward(&mut self, by: &Smoothing, start: &States, to: &mut Gradient) {
        let Spec { error, trend, season } = self.spec;
        let n_places = start.season.len();
        let has_trend = trend != Trend::None;
        let (phi, beta) = if has_trend { (by.phi, by.beta) } else { (0.0, 0.0) };
        let scale = 2.0 * self.y.len() as f64 / self.squares.max(1e-300);
        let [mut d_alpha, mut d_beta, mut d_gamma, mut d_phi] = [0.0; 4];
        let (mut d_level, mut d_slope) = (0.0, 0.0);
        to.season.clear();
        to.season.resize(n_places, 0.0);
        let mut place = if n_places > 0 { (start.place + self.y.len()) % n_places } else { 0 };
        for step in self.steps.iter().rev() {
            let Step { q, slope, s, expected, error: amount } = *step;
            let (mut d_amount, mut d_expected) = (scale * amount, 0.0);
            if error == ErrorKind::Multiplicative {
                let own = amount / expected;
                d_amount = scale * own / expected;
                d_expected = (2.0 - scale * own * own) / expected;
            }
            let mut d_s = 0.0;
            if n_places > 0 {
                place = if place == 0 { n_places - 1 } else { place - 1 };
                d_s = to.season[place];
            }
            let d_for_level = by.alpha * d_level + beta * d_slope;
            let mut d_q = d_level;
            match season {
                Season::None => {
                    d_alpha += amount * d_level;
                    d_beta += amount * d_slope;
                    d_amount += d_for_level;
                }
                Season::Additive => {
                    d_alpha += amount * d_level;
                    d_beta += amount * d_slope;
                    d_gamma += amount * d_s;
                    d_amount += d_for_level + by.gamma * d_s;
                }
                Season::Multiplicative => {
                    d_alpha += amount / s * d_level;
                    d_beta += amount / s * d_slope;
                    d_gamma += amount / q * d_s;
                    d_amount += d_for_level / s + by.gamma * d_s / q;
                    d_q -= by.gamma * d_s * amount / (q * q);
                    d_s -= d_for_level * amount / (s * s);
                }
            }
            d_expected -= d_amount;
            match season {
                Season::None => d_q += d_expected,
                Season::Additive => {
                    d_q += d_expected;
                    d_s += d_expected;
                }
                Season::Multiplicative => {
                    d_q += d_expected * s;
                    d_s += d_expected * q;
                }
            }
            if n_places > 0 {
                to.season[place] = d_s;
            }
            d_phi += slope * (d_q + d_slope);
            d_slope = phi * (d_q + d_slope);
            d_level = d_q;
        }
        to.smoothing = [d_alpha, d_beta, d_gamma, if has_trend { d_phi } else { 0.0 }];
        (to.level, to.slope) = (d_level, d_slope);
    }

    /// What was expected of each value in the last forward pass.
    pub(super) fn expected(&self) -> Vec<f64> {
        self.steps.iter().map(|step| step.expected).collect()
    }
}
