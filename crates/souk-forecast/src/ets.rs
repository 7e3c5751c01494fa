//! Exponential smoothing in state space form: all additive and multiplicative errors and seasons, with
//! no trend, an additive or a damped one, one of them or all weighed by AICc.
//!
//! Covers simple exponential smoothing (`ANN`), Holt (`AAN`), damped trend (`AAdN`) and Holt–Winters
//! (`AAA`, `MAM`). Multiplicative trends are left out: they explode (Hyndman and Khandakar 2008, §3.1
//! leave them out of the default for that reason), and so are additive errors with a multiplicative
//! season, whose variance is not stable.
//!
//! The likelihood is maximised over smoothing parameters *and* initial states by a quasi-Newton search
//! with the exact gradient, which one backward pass over the series gives.
//!
//! Sources: Hyndman, Koehler, Snyder and Grose, *A state space framework for automatic forecasting using
//! exponential smoothing methods*, International Journal of Forecasting 18(3), 2002; Hyndman and
//! Khandakar, *Automatic time series forecasting: the forecast package for R*, Journal of Statistical
//! Software 27(3), 2008.

mod filter;
mod search;
#[cfg(test)]
mod tests;

use filter::States;

use crate::numbers::{akaike_weights, is_constant};

/// How the error enters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// As an amount.
    Additive,
    /// As a share of the expected value.
    Multiplicative,
}

/// How the level moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trend {
    /// It only follows its errors.
    None,
    /// A slope that goes on for good.
    Additive,
    /// A slope that fades.
    Damped,
}

/// How the season enters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Season {
    /// There is none.
    None,
    /// As an amount.
    Additive,
    /// As a factor.
    Multiplicative,
}

/// Which model of the family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spec {
    /// How the error enters.
    pub error: ErrorKind,
    /// How the level moves.
    pub trend: Trend,
    /// How the season enters.
    pub season: Season,
}

impl Spec {
    /// Simple exponential smoothing.
    pub const SES: Spec = Spec::new(ErrorKind::Additive, Trend::None, Season::None);
    /// Holt's linear trend.
    pub const HOLT: Spec = Spec::new(ErrorKind::Additive, Trend::Additive, Season::None);
    /// Gardner and McKenzie's damped trend.
    pub const DAMPED: Spec = Spec::new(ErrorKind::Additive, Trend::Damped, Season::None);
    /// Holt and Winters with an additive season.
    pub const HOLT_WINTERS: Spec =
        Spec::new(ErrorKind::Additive, Trend::Additive, Season::Additive);

    /// A model of the family.
    pub const fn new(error: ErrorKind, trend: Trend, season: Season) -> Spec {
        Spec { error, trend, season }
    }

    /// The customary short name: `MAdM` is multiplicative error, damped trend, multiplicative season.
    pub fn name(self) -> String {
        let error = if self.error == ErrorKind::Additive { "A" } else { "M" };
        let trend = match self.trend {
            Trend::None => "N",
            Trend::Additive => "A",
            Trend::Damped => "Ad",
        };
        let season = match self.season {
            Season::None => "N",
            Season::Additive => "A",
            Season::Multiplicative => "M",
        };
        format!("{error}{trend}{season}")
    }

    /// True when the model divides by what it expects, so that all values must be above 0.
    fn needs_positive(self) -> bool {
        self.error == ErrorKind::Multiplicative || self.season == Season::Multiplicative
    }

    fn is_seasonal(self) -> bool {
        self.season != Season::None
    }
}

/// Smoothing parameters.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Smoothing {
    /// Of the level, 0 to 1.
    pub alpha: f64,
    /// Of the slope, 0 to `alpha`.
    pub beta: f64,
    /// Of the season, 0 to 1 − `alpha`.
    pub gamma: f64,
    /// What is left of the slope at each step; 1 without damping.
    pub phi: f64,
}

/// A fitted model that can be carried on with new values.
#[derive(Clone, Debug, PartialEq)]
pub struct Ets {
    spec: Spec,
    smoothing: Smoothing,
    states: States,
    fitted: Vec<f64>,
    /// Variance of the error of one step: an amount, or a share for multiplicative errors.
    sigma2: f64,
    minus_two_log_likelihood: f64,
    /// −2 log of the prior of its parameters; 0 where nothing was expected of them.
    minus_two_log_prior: f64,
    n_parameters: usize,
    n: usize,
}

/// Seasons longer than this keep their first estimate instead of being searched for: a state for each
/// place of a long season is more than a series can teach.
const FREE_SEASON_MAX: usize = 24;

impl Ets {
    /// Fits one model; `None` when the series is too short for its parameters or not positive where the
    /// model needs it.
    pub fn fit(y: &[f64], season_length: usize, spec: Spec) -> Option<Ets> {
        if !suits(y, season_length, spec) {
            return None;
        }
        search::fit(y, season_length, (spec, Slopes::Any))
    }

    /// Fits the models that suit the series, with slopes that are expected to change slowly, and says
    /// by AICc what each counts for; the best first, the weights add up to 1. Empty when not even simple smoothing fits.
    ///
    /// Short series do not tell which model is right, and the mean of those that may be is better than any one of them
    /// (Kolassa, *Combining exponential smoothing forecasts using Akaike weights*, International Journal of Forecasting
    /// 27(2), 2011).
    pub fn weighed(y: &[f64], season_length: usize) -> Vec<(Ets, f64)> {
        let specs = if is_constant(y) { Vec::new() } else { candidates(y, season_length) };
        let fitted = specs.into_iter().filter(|spec| suits(y, season_length, *spec));
        let fitted = fitted.filter_map(|spec| search::fit(y, season_length, (spec, Slopes::Slow)));
        let mut models: Vec<Ets> = fitted.filter(|model| model.aicc().is_finite()).collect();
        if models.is_empty() {
            return Ets::fit(y, 1, Spec::SES).map(|model| (model, 1.0)).into_iter().collect();
        }
        models.sort_by(|a, b| a.aicc().total_cmp(&b.aicc()));
        let criteria: Vec<f64> = models.iter().map(Ets::aicc).collect();
        models.into_iter().zip(akaike_weights(&criteria)).filter(|pair| pair.1 > 0.0).collect()
    }

    /// Which model it is.
    pub fn spec(&self) -> Spec {
        self.spec
    }

    /// The smoothing parameters.
    pub fn smoothing(&self) -> Smoothing {
        self.smoothing
    }

    /// What was expected of each value one step before.
    pub fn fitted(&self) -> &[f64] {
        &self.fitted
    }

    /// Variance of the one-step error (relative for multiplicative errors).
    pub fn sigma2(&self) -> f64 {
        self.sigma2
    }

    /// n·log Σe² (+ 2·Σ log|ŷ| for multiplicative errors): −2 log-likelihood but for a constant.
    pub fn minus_two_log_likelihood(&self) -> f64 {
        self.minus_two_log_likelihood
    }

    /// Akaike's criterion, corrected for short series, of likelihood and prior; infinite when there are too few values.
    pub fn aicc(&self) -> f64 {
        let (n, k) = (self.n as f64, self.n_parameters as f64);
        if n - k - 1.0 <= 0.0 {
            return f64::INFINITY;
        }
        let minus_two_log = self.minus_two_log_likelihood + self.minus_two_log_prior;
        minus_two_log + 2.0 * k + 2.0 * k * (k + 1.0) / (n - k - 1.0)
    }

    /// The means of the next values.
    pub fn forecast(&self, horizon: usize) -> Vec<f64> {
        self.states.forecast(self.spec, self.smoothing.phi, horizon)
    }

    /// Takes one more value in without a new fit: the states move, the parameters stay.
    pub fn append(&mut self, value: f64) {
        let expected = self.states.step(self.spec, &self.smoothing, value);
        self.fitted.push(expected);
        self.n += 1;
    }

    /// The season's amounts or factors, of the next value first; empty without a season.
    pub fn season(&self) -> Vec<f64> {
        self.states.season_ahead()
    }
}

/// True when the series is long enough for a season and positive where the model needs it.
fn suits(y: &[f64], season_length: usize, spec: Spec) -> bool {
    let usable = !spec.is_seasonal() || (season_length > 1 && y.len() >= 2 * season_length);
    let has_values = !y.is_empty() && y.iter().all(|value| value.is_finite());
    usable && has_values && !(spec.needs_positive() && y.iter().any(|value| *value <= 0.0))
}

/// How fast a slope is expected to change before a value is seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Slopes {
    /// Nothing is expected: the greatest likelihood decides.
    Any,
    /// Slowly: β as a share of α has a beta prior.
    Slow,
}

/// The models that are tried, simplest first.
fn candidates(y: &[f64], season_length: usize) -> Vec<Spec> {
    let is_positive = y.iter().all(|value| *value > 0.0);
    let has_season = season_length > 1 && y.len() >= 2 * season_length;
    let mut specs = Vec::new();
    for error in [ErrorKind::Additive, ErrorKind::Multiplicative] {
        for trend in [Trend::None, Trend::Additive, Trend::Damped] {
            for season in [Season::None, Season::Additive, Season::Multiplicative] {
                let spec = Spec { error, trend, season };
                let is_unstable = error == ErrorKind::Additive && season == Season::Multiplicative;
                let is_left_out = is_unstable
                    || (spec.is_seasonal() && !has_season)
                    || (spec.needs_positive() && !is_positive);
                if !is_left_out {
                    specs.push(spec);
                }
            }
        }
    }
    specs
}
