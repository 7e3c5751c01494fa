//! Where smoothing parameters and initial states are found.

use super::filter::{Filter, Gradient, States};
use super::{ErrorKind, Ets, FREE_SEASON_MAX, Season, Slopes, Smoothing, Spec, Trend};
use crate::arima::is_stationary;
use crate::numbers::{line, mean, variance};
use crate::optimise::{Limits, quasi_newton};

/// The usual region (Hyndman and Khandakar 2008, §2.3): parameters keep this far from 0 and 1, and the
/// damping stays between [`PHI`].
const EDGE: f64 = 1e-4;
const PHI: (f64, f64) = (0.8, 0.98);

/// β/α has the density of a beta distribution with 1 and so much more than 1: a slope is a mean of some twelve times as many
/// values as a level is. Chosen on values held back from the training parts of M1 and Tourism, where 0, 2, 5, 10, 20
/// and 40 were tried.
const SLOWNESS: f64 = 10.0;

pub(super) fn fit(y: &[f64], season_length: usize, (spec, slopes): (Spec, Slopes)) -> Option<Ets> {
    let plan = Plan { slopes, ..Plan::new(y, season_length, spec) };
    if y.len() <= plan.n_parameters() + 1 && spec != Spec::SES {
        return None;
    }
    let mut filter = Filter::new(y, spec);
    let mut gradient = Gradient::default();
    let mut states = plan.first.clone();
    let limits = Limits { steps_max: 60 + 4 * plan.n_free(), tolerance: 1e-9 };
    let mut search = |region: Region| {
        let mut objective = |u: &[f64], slope: &mut [f64]| {
            let smoothing = plan.read(u, &mut states);
            let is_outside = region == Region::Admissible
                && !is_admissible(spec, &smoothing, states.season.len());
            let value =
                if is_outside { f64::INFINITY } else { filter.forward(&smoothing, &states) };
            if value.is_finite() {
                filter.backward(&smoothing, &states, &mut gradient);
                plan.chain((u, &smoothing), &gradient, slope);
                return value + plan.expect(u, slope);
            } else {
                slope.fill(0.0);
            }
            value
        };
        let found = quasi_newton(&plan.start(), limits, &mut objective);
        found.value.is_finite().then_some(found.x)
    };
    // Most searches end inside by themselves, and walls are in the way of those that pass outside.
    let free = search(Region::Usual)?;
    finish(&plan, &free, y).or_else(|| finish(&plan, &search(Region::Admissible)?, y))
}

/// Where a search may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Region {
    /// Wherever [`EDGE`] and [`PHI`] allow.
    Usual,
    /// Only where first values are forgotten ([`is_admissible`]).
    Admissible,
}

/// Makes the model from the place where the search ended; `None` if it is outside the admissible region.
fn finish(plan: &Plan, u: &[f64], y: &[f64]) -> Option<Ets> {
    let spec = plan.spec;
    let mut states = plan.first.clone();
    let smoothing = plan.read(u, &mut states);
    if !is_admissible(spec, &smoothing, states.season.len()) {
        return None;
    }
    let mut filter = Filter::new(y, spec);
    let minus_two_log_likelihood = filter.forward(&smoothing, &states);
    let minus_two_log_prior = plan.expect(u, &mut vec![0.0; u.len()]);
    let (fitted, squares) = (filter.expected(), filter.squares);
    for value in y {
        states.step(spec, &smoothing, *value);
    }
    let n_parameters = plan.n_parameters();
    let free = y.len().saturating_sub(n_parameters.saturating_sub(1)).max(1);
    let sigma2 = squares / free as f64;
    let sound = minus_two_log_likelihood.is_finite() && states.level.is_finite();
    let n = y.len();
    sound.then_some(Ets {
        spec,
        smoothing,
        states,
        fitted,
        sigma2,
        minus_two_log_likelihood,
        minus_two_log_prior,
        n_parameters,
        n,
    })
}

/// How a point of the search is read as parameters and initial states.
#[derive(Debug)]
struct Plan {
    spec: Spec,
    slopes: Slopes,
    first: States,
    /// What one unit of the search moves level, slope and season by.
    units: [f64; 3],
    has_free_season: bool,
}

impl Plan {
    fn new(y: &[f64], season_length: usize, spec: Spec) -> Plan {
        let season = match spec.season {
            Season::None => Vec::new(),
            _ => first_season(y, season_length, spec.season),
        };
        let adjusted: Vec<f64> = match spec.season {
            Season::None => y.to_vec(),
            Season::Additive => each(y, &season, |value, s| value - s),
            Season::Multiplicative => each(y, &season, |value, s| value / s),
        };
        let n_first = (2 * season_length).max(10).min(adjusted.len());
        let (mut level, mut slope) = line(&adjusted[..n_first]);
        if spec.trend == Trend::None {
            (level, slope) = (mean(&adjusted[..n_first]), 0.0);
        }
        if spec.error == ErrorKind::Multiplicative && level <= 0.0 {
            level = adjusted[0].max(1e-3 * mean(&adjusted).abs()).max(1e-9);
            slope = 0.0;
        }
        let changes: Vec<f64> = adjusted.windows(2).map(|pair| pair[1] - pair[0]).collect();
        let spread = (variance(&changes) + mean(&changes).powi(2)).sqrt();
        let spread = spread.max(1e-6 * level.abs()).max(1e-12);
        let seasonal = match spec.season {
            Season::Multiplicative => (spread / level.abs().max(spread)).min(0.5),
            _ => spread,
        };
        // Inverse curvatures differ: early states are seen by few values.
        let units = [spread, spread * 0.2, seasonal];
        let first = States { level, slope, season, place: 0 };
        let has_free_season = season_length <= FREE_SEASON_MAX && spec.season != Season::None;
        Plan { spec, slopes: Slopes::Any, first, units, has_free_season }
    }

    /// Smoothing parameters, initial states, and the variance.
    fn n_parameters(&self) -> usize {
        let places = self.first.season.len();
        let season = if self.has_free_season { 0 } else { places.saturating_sub(1) };
        self.n_free() + season + 1
    }

    /// Numbers that the search moves.
    fn n_free(&self) -> usize {
        let trend = match self.spec.trend {
            Trend::None => 0,
            Trend::Additive => 2,
            Trend::Damped => 3,
        };
        let season = usize::from(self.spec.season != Season::None);
        2 + trend + season + self.n_free_season()
    }

    fn n_free_season(&self) -> usize {
        if self.has_free_season { self.first.season.len().saturating_sub(1) } else { 0 }
    }

    /// −2 log of the prior of the slope's smoothing; adds its gradient.
    fn expect(&self, u: &[f64], gradient: &mut [f64]) -> f64 {
        if self.slopes == Slopes::Any || self.spec.trend == Trend::None {
            return 0.0;
        }
        let share = sigmoid(u[1]);
        gradient[1] += 2.0 * SLOWNESS * share;
        -2.0 * SLOWNESS * (1.0 - share).max(f64::MIN_POSITIVE).ln()
    }

    /// α = 0.3, β = 0.1, γ = 0.1, φ = 0.95 with the first estimate of the states.
    fn start(&self) -> Vec<f64> {
        let mut u = vec![unsigmoid(0.3)];
        if self.spec.trend != Trend::None {
            u.push(unsigmoid(0.2));
        }
        if self.spec.season != Season::None {
            u.push(unsigmoid(0.15));
        }
        if self.spec.trend == Trend::Damped {
            u.push(unsigmoid(0.8));
        }
        u.resize(self.n_free(), 0.0);
        u
    }

    fn read(&self, u: &[f64], states: &mut States) -> Smoothing {
        let alpha = EDGE + (1.0 - 2.0 * EDGE) * sigmoid(u[0]);
        let (mut beta, mut gamma, mut phi) = (0.0, 0.0, 1.0);
        let mut at = 1;
        if self.spec.trend != Trend::None {
            beta = EDGE + (alpha - EDGE) * sigmoid(u[at]);
            at += 1;
        }
        if self.spec.season != Season::None {
            gamma = EDGE + (1.0 - alpha - EDGE) * sigmoid(u[at]);
            at += 1;
        }
        if self.spec.trend == Trend::Damped {
            phi = PHI.0 + (PHI.1 - PHI.0) * sigmoid(u[at]);
            at += 1;
        }
        states.level = self.first.level + self.units[0] * u[at];
        at += 1;
        if self.spec.trend != Trend::None {
            states.slope = self.first.slope + self.units[1] * u[at];
            at += 1;
        }
        states.place = 0;
        states.season.copy_from_slice(&self.first.season);
        let n = self.n_free_season();
        let mut sum = 0.0;
        for idx in 0..n {
            let moved = self.units[2] * u[at + idx];
            states.season[idx] += moved;
            sum += moved;
        }
        if n > 0 {
            // The season keeps its sum: a common amount belongs to the level.
            states.season[n] -= sum;
        }
        Smoothing { alpha, beta, gamma, phi }
    }

    /// The gradient by the numbers of the search, from the one by parameters and states.
    fn chain(&self, (u, by): (&[f64], &Smoothing), from: &Gradient, to: &mut [f64]) {
        let [mut d_alpha, d_beta, d_gamma, d_phi] = from.smoothing;
        let mut at = 1;
        if self.spec.trend != Trend::None {
            let share = sigmoid(u[at]);
            d_alpha += d_beta * share;
            to[at] = d_beta * (by.alpha - EDGE) * share * (1.0 - share);
            at += 1;
        }
        if self.spec.season != Season::None {
            let share = sigmoid(u[at]);
            d_alpha -= d_gamma * share;
            to[at] = d_gamma * (1.0 - by.alpha - EDGE) * share * (1.0 - share);
            at += 1;
        }
        if self.spec.trend == Trend::Damped {
            let share = sigmoid(u[at]);
            to[at] = d_phi * (PHI.1 - PHI.0) * share * (1.0 - share);
            at += 1;
        }
        let share = sigmoid(u[0]);
        to[0] = d_alpha * (1.0 - 2.0 * EDGE) * share * (1.0 - share);
        to[at] = from.level * self.units[0];
        at += 1;
        if self.spec.trend != Trend::None {
            to[at] = from.slope * self.units[1];
            at += 1;
        }
        let n = self.n_free_season();
        for idx in 0..n {
            to[at + idx] = self.units[2] * (from.season[idx] - from.season[n]);
        }
    }
}

/// Averages of what is left of the first five seasons after their moving average.
fn first_season(y: &[f64], m: usize, kind: Season) -> Vec<f64> {
    let window = &y[..y.len().min(5 * m)];
    crate::decompose::classical(window, m, kind == Season::Multiplicative).season
}

fn each(y: &[f64], season: &[f64], join: impl Fn(f64, f64) -> f64) -> Vec<f64> {
    y.iter().zip(season.iter().cycle()).map(|(value, s)| join(*value, *s)).collect()
}

/// True when what the model remembers of a first value fades: the roots of the recursion of the errors lie within the
/// unit circle (Hyndman, Akram and Archibald, *The admissible parameter space for exponential smoothing models*, Annals of the
/// Institute of Statistical Mathematics 60(2), 2008).
pub(super) fn is_admissible(spec: Spec, by: &Smoothing, m: usize) -> bool {
    if spec.season == Season::None {
        // The usual region lies inside the admissible one: no test is needed.
        return true;
    }
    // Without a trend the level hears of no slope, which is a slope of which nothing is left.
    let phi = if spec.trend == Trend::None { 0.0 } else { by.phi };
    // The paper's slope is of the step that it is added to; here it is damped once before that.
    let beta = phi * by.beta;
    let each = by.alpha + beta - by.alpha * phi;
    let mut lags = vec![-each; m + 1];
    lags[0] = phi - by.alpha - beta;
    lags[m - 1] = 1.0 - by.gamma - each;
    lags[m] = phi * (by.alpha + by.gamma - 1.0);
    is_stationary(&lags)
}

fn sigmoid(u: f64) -> f64 {
    1.0 / (1.0 + (-u).exp())
}

fn unsigmoid(share: f64) -> f64 {
    (share / (1.0 - share)).ln()
}
