//! Complex exponential smoothing: level and information potential as one complex number.
//!
//! It follows stationary and trending series alike, without a choice between them. Four forms: without a
//! season, with a season alone (`Simple`), with an added season (`Partial`), and with a second complex
//! number for the season (`Full`).
//!
//! First states come from backcasting: the model runs over the series backwards and forwards before it is
//! judged.
//!
//! Source: Svetunkov, Kourentzes and Ord, *Complex exponential smoothing*, Naval Research Logistics 69(8),
//! 2022 (eq. 11 and 17; the forms are those of the R package `smooth`).

#[cfg(test)]
mod tests;

use crate::decompose::classical;
use crate::numbers::mean;
use crate::optimise::{Limits, simplex};

/// A form of the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// No season.
    None,
    /// The lag is one season: nothing but the season is modelled.
    Simple,
    /// A real season is added.
    Partial,
    /// A complex season is added.
    Full,
}

impl Form {
    fn n_smoothing(self) -> usize {
        match self {
            Form::None | Form::Simple => 2,
            Form::Partial => 3,
            Form::Full => 4,
        }
    }

    /// Parameters with the first states and the variance.
    fn n_parameters(self, m: usize) -> usize {
        let states = match self {
            Form::None => 2,
            Form::Simple => 2 * m,
            Form::Partial => 2 + m,
            Form::Full => 2 + 2 * m,
        };
        self.n_smoothing() + states + 1
    }
}

/// A fitted model.
#[derive(Clone, Debug, PartialEq)]
pub struct Ces {
    form: Form,
    smoothing: [f64; 4],
    states: States,
    fitted: Vec<f64>,
    aicc: f64,
}

/// The states after some value.
#[derive(Clone, Debug, Default, PartialEq)]
struct States {
    /// Level and potential; without `Simple` the only ones.
    level: [f64; 2],
    /// By place in the season: level and potential of `Simple`, or the season's own.
    season: Vec<[f64; 2]>,
    place: usize,
}

impl Ces {
    /// Fits one form; `None` when the series has not two seasons or fewer than four values.
    pub fn fit(y: &[f64], season_length: usize, form: Form) -> Option<Ces> {
        let m = season_length.max(1);
        let has_season = m > 1 && y.len() >= 2 * m;
        let usable = y.len() >= 4 && y.iter().all(|value| value.is_finite());
        if !usable || (form != Form::None && !has_season) {
            return None;
        }
        let first = first_states(y, m, form);
        let mut states = States::default();
        let mut fitted = Vec::with_capacity(y.len());
        let mut squares_at = |u: &[f64]| {
            let smoothing = read(u);
            run(y, form, (&smoothing, &first), (&mut states, &mut fitted))
        };
        let start = [1.3, 1.0, 0.1, 1.0];
        let start = if form == Form::Full { [1.3, 1.0, 1.3, 1.0] } else { start };
        let n = form.n_smoothing();
        let limits = Limits { steps_max: 150 * n, tolerance: 1e-8 };
        let found = simplex(&start[..n], &[0.1; 4][..n], limits, &mut squares_at);
        let squares = found.value;
        let smoothing = read(&found.x);
        squares_at(&found.x);
        let (n, k) = (y.len() as f64, form.n_parameters(m) as f64);
        let correction =
            if n - k - 1.0 > 0.0 { 2.0 * k * (k + 1.0) / (n - k - 1.0) } else { f64::INFINITY };
        let aicc = n * (squares.max(1e-300) / n).ln() + 2.0 * k + correction;
        let is_sound = squares.is_finite() && states.level.iter().all(|value| value.is_finite());
        is_sound.then_some(Ces { form, smoothing, states, fitted, aicc })
    }

    /// Fits the forms that suit the series and keeps the one with the least AICc.
    pub fn fit_best(y: &[f64], season_length: usize) -> Option<Ces> {
        let forms = [Form::None, Form::Simple, Form::Partial, Form::Full];
        let fits = forms.into_iter().filter_map(|form| Ces::fit(y, season_length, form));
        fits.min_by(|a, b| a.aicc.total_cmp(&b.aicc))
    }

    /// Which form it is.
    pub fn form(&self) -> Form {
        self.form
    }

    /// Akaike's criterion, corrected for short series, but for a constant.
    pub fn aicc(&self) -> f64 {
        self.aicc
    }

    /// What was expected of each value one step before.
    pub fn fitted(&self) -> &[f64] {
        &self.fitted
    }

    /// The means of the next values.
    pub fn forecast(&self, horizon: usize) -> Vec<f64> {
        let mut states = self.states.clone();
        (0..horizon).map(|_| states.step(self.form, &self.smoothing, None)).collect()
    }
}

fn read(u: &[f64]) -> [f64; 4] {
    let mut smoothing = [0.0; 4];
    smoothing[..u.len()].copy_from_slice(u);
    smoothing
}

/// Runs forwards, backwards and forwards again; answers the sum of squared errors of the last run.
fn run(
    y: &[f64],
    form: Form,
    (by, first): (&[f64; 4], &States),
    (states, fitted): (&mut States, &mut Vec<f64>),
) -> f64 {
    if by[0] < 0.01 || by[0] > 1.99 || by[1] < 0.01 || by[1] > 1.99 || !is_stable(form, by) {
        return f64::INFINITY;
    }
    states.level = first.level;
    states.season.clone_from(&first.season);
    states.place = 0;
    for value in y {
        states.step(form, by, Some(*value));
    }
    states.turn();
    for value in y.iter().rev() {
        states.step(form, by, Some(*value));
    }
    states.turn();
    fitted.clear();
    let mut squares = 0.0;
    for value in y {
        let expected = states.step(form, by, Some(*value));
        squares += (value - expected).powi(2);
        fitted.push(expected);
    }
    squares
}

/// The region in which the past is forgotten: both eigenvalues of the discounted transition of one complex
/// pair lie inside the unit circle (Svetunkov et al. 2022, §3.3); a real season forgets for 0 to 1.
fn is_stable(form: Form, by: &[f64; 4]) -> bool {
    let pair = |a: f64, b: f64| {
        // Discount matrix [[1 − a + b, b − 1], [1 − a − b, 1 − a]].
        let trace = 2.0 - 2.0 * a + b;
        let determinant = (1.0 - a + b) * (1.0 - a) - (b - 1.0) * (1.0 - a - b);
        determinant < 1.0 && trace.abs() < 1.0 + determinant
    };
    match form {
        Form::None | Form::Simple => pair(by[0], by[1]),
        Form::Partial => pair(by[0], by[1]) && (0.0..1.0).contains(&by[2]),
        Form::Full => pair(by[0], by[1]) && pair(by[2], by[3]),
    }
}

impl States {
    /// Expects the next value and learns from it; without one, from what was expected.
    fn step(&mut self, form: Form, by: &[f64; 4], value: Option<f64>) -> f64 {
        let place = self.place;
        let s = self.season.get(place).copied().unwrap_or_default();
        let expected = match form {
            Form::None => self.level[0],
            Form::Simple => s[0],
            Form::Partial | Form::Full => self.level[0] + s[0],
        };
        let error = value.map_or(0.0, |value| value - expected);
        let moved = |[level, potential]: [f64; 2], a: f64, b: f64| {
            [
                level - (1.0 - b) * potential + (a - b) * error,
                level + (1.0 - a) * potential + (a + b) * error,
            ]
        };
        match form {
            Form::None => self.level = moved(self.level, by[0], by[1]),
            Form::Simple => {
                self.season[place] = moved(s, by[0], by[1]);
                self.level = self.season[place];
            }
            Form::Partial => {
                self.level = moved(self.level, by[0], by[1]);
                self.season[place][0] = s[0] + by[2] * error;
            }
            Form::Full => {
                self.level = moved(self.level, by[0], by[1]);
                self.season[place] = moved(s, by[2], by[3]);
            }
        }
        if !self.season.is_empty() {
            self.place = (place + 1) % self.season.len();
        }
        expected
    }

    /// Prepares for a run in the other direction: the season is read backwards from here.
    fn turn(&mut self) {
        let n = self.season.len();
        if n > 0 {
            self.season.rotate_left(self.place);
            self.season.reverse();
            self.place = 0;
        }
    }
}

fn first_states(y: &[f64], m: usize, form: Form) -> States {
    // The potential starts as the level over 1.1, as in the R package `smooth`.
    let pair = |value: f64| [value, value / 1.1];
    let head = &y[..y.len().min(m.max(10))];
    match form {
        Form::None => States { level: pair(mean(head)), ..States::default() },
        Form::Simple => {
            let season = y[..m].iter().map(|value| pair(*value)).collect();
            States { level: pair(y[0]), season, place: 0 }
        }
        Form::Partial | Form::Full => {
            let season = classical(y, m, false).season;
            let season = season.into_iter();
            let season = match form {
                Form::Partial => season.map(|value| [value, 0.0]).collect(),
                _ => season.map(pair).collect(),
            };
            States { level: pair(mean(&y[..m])), season, place: 0 }
        }
    }
}
