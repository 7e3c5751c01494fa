//! Forecasts of many series at once: models by backtest, combined, guarded, with calibrated intervals.
//!
//! Each series is forecast by several models, at its end and at earlier origins. How well each model did
//! there, on this series and on all series of the call together, gives its weight (the weights of one series
//! alone are noise: Claeskens et al., International Journal of Forecasting 32(3), 2016). Errors of the
//! combination at the same origins calibrate the intervals.
//!
//! Nothing after the end of a series is looked at, so an evaluation that holds values back is honest.

mod draft;
#[cfg(test)]
mod tests;
mod weigh;

use draft::Draft;
pub(crate) use draft::Kind;
pub(crate) use weigh::{Combined, PastError};

use crate::guard::Bounds;
use crate::intervals::Calibration;
use crate::model::Model;
use souk_math::parallel;

/// One series to forecast: clean, one value a step.
#[derive(Clone, Debug, PartialEq)]
pub struct Task {
    /// What the caller calls it.
    pub id: String,
    /// The values, oldest first.
    pub y: Vec<f64>,
    /// Values in a season; 1 without one.
    pub season_length: usize,
}

impl Task {
    /// Whether its values are small counts, which have models and a distribution of their own.
    pub fn is_count(&self) -> bool {
        Kind::of_task(self) != Kind::Ordinary
    }
}

/// What is wanted.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// One model, or the automatic choice.
    pub model: Model,
    /// Steps ahead, at least 1.
    pub horizon: usize,
    /// Coverages of central intervals, in 0..1.
    pub levels: Vec<f64>,
    /// Shares of quantiles, in 0..1.
    pub quantiles: Vec<f64>,
    /// Threads; the result does not depend on it.
    pub threads: usize,
}

/// What is expected of one series.
#[derive(Clone, Debug, PartialEq)]
pub struct Forecast {
    /// The means by step.
    pub mean: Vec<f64>,
    /// By level of the settings: lower and upper bound by step.
    pub intervals: Vec<(Vec<f64>, Vec<f64>)>,
    /// By share of the settings: the quantile by step.
    pub quantiles: Vec<Vec<f64>>,
    /// The models that it rests on, with their weights.
    pub models: Vec<(String, f64)>,
    /// Why something other than the wanted was done, in plain words; empty when nothing was.
    pub reasons: Vec<String>,
    /// True when the guard took a model out or cut a value.
    pub is_guarded: bool,
    /// By driver: the log of the factor that a unit of it moves demand by; empty without drivers.
    pub effects: Vec<f64>,
    /// Mean absolute error of the combination at earlier origins; none without any.
    pub backtest_mae: Option<f64>,
}

/// Forecasts all series. Every series gets an answer, also an empty one (zeros, with the reason).
///
/// # Panics
///
/// When the horizon is 0: the caller has to refuse it with the words of its own door.
pub fn forecast(tasks: &[Task], settings: &Settings) -> Vec<Forecast> {
    forecast_freed(tasks.iter().map(Freed::plain).collect(), settings)
}

/// A series and what known drivers multiply it by. Models look at values without it; what is judged, and all that is
/// answered, is as it sells.
pub(crate) struct Freed<'a> {
    pub(crate) task: &'a Task,
    /// By value, then by step ahead; empty where nothing drives it.
    pub(crate) factors: Vec<f64>,
}

impl<'a> Freed<'a> {
    fn plain(task: &'a Task) -> Freed<'a> {
        Freed { task, factors: Vec::new() }
    }

    /// What multiplies a value or a step behind them.
    fn factor(&self, idx: usize) -> f64 {
        self.factors.get(idx).copied().unwrap_or(1.0)
    }
}

pub(crate) fn forecast_freed(tasks: Vec<Freed<'_>>, settings: &Settings) -> Vec<Forecast> {
    assert!(settings.horizon > 0, "the horizon is at least 1");
    let n_tasks = tasks.len();
    let turned: Vec<Option<Task>> = tasks.iter().map(|freed| turned(freed.task)).collect();
    let pairs = tasks.into_iter().zip(&turned);
    let tasks: Vec<Freed<'_>> = pairs
        .map(|(freed, turned)| Freed { task: turned.as_ref().unwrap_or(freed.task), ..freed })
        .collect();
    let mut drafts = parallel::map(&tasks, settings.threads, |task| {
        Draft::make(task, settings, draft::n_windows(n_tasks, settings))
    });
    draft::lend_scales(&mut drafts, &tasks);
    let logs: Vec<weigh::Logs> = drafts.iter().map(weigh::own_logs).collect();
    let priors = weigh::Priors::of(&drafts, &logs);
    let combined: Vec<weigh::Combined> = drafts
        .iter()
        .zip(&logs)
        .map(|(draft, logs)| weigh::combine(draft, logs, &priors))
        .collect();
    let calibration = Calibration::of(&combined, settings.horizon);
    let idx: Vec<usize> = (0..n_tasks).collect();
    parallel::map(&idx, settings.threads, |&idx| {
        let of = |settings: &Settings| {
            finish((tasks[idx].task, &drafts[idx]), &combined[idx], (&calibration, settings))
        };
        match turned[idx] {
            None => of(settings),
            Some(_) => {
                let quantiles = settings.quantiles.iter().map(|share| 1.0 - share).collect();
                turned_back(of(&Settings { quantiles, ..settings.clone() }))
            }
        }
    })
}

/// What is never above 0, as returns are, with its sign turned: it is forecast as what sells is, in whole pieces by the
/// models and the distribution of counts, and stays on its side of 0.
fn turned(task: &Task) -> Option<Task> {
    let is_below = task.y.iter().all(|value| *value <= 0.0) && task.y.iter().any(|y| *y < 0.0);
    let y = || task.y.iter().map(|value| 0.0 - value).collect();
    is_below.then(|| Task { id: task.id.clone(), y: y(), season_length: task.season_length })
}

/// The forecast of the series itself; its quantiles are those of the other ends.
fn turned_back(mut forecast: Forecast) -> Forecast {
    let Forecast { mean, intervals, quantiles, .. } = &mut forecast;
    let ends = intervals.iter_mut().flat_map(|(low, high)| [low, high]);
    for values in std::iter::once(mean).chain(ends).chain(quantiles) {
        // Less than 0, so that nothing stays 0 and becomes no -0.
        values.iter_mut().for_each(|value| *value = 0.0 - *value);
    }
    intervals.iter_mut().for_each(|(low, high)| std::mem::swap(low, high));
    forecast
}

fn finish(
    (task, draft): (&Task, &Draft),
    combined: &weigh::Combined,
    (calibration, settings): (&Calibration, &Settings),
) -> Forecast {
    let bounds = Bounds::of(&task.y);
    let mut reasons = draft.reasons.clone();
    let mut mean = combined.mean.clone();
    bounds.floor(&mut mean);
    let mut is_cut = bounds.cut(&mut mean);
    let has_sold = task.y.iter().any(|value| *value != 0.0);
    let ends = settings.levels.iter().flat_map(|level| [0.5 - level / 2.0, 0.5 + level / 2.0]);
    let shares: Vec<f64> = ends.chain(settings.quantiles.iter().copied()).collect();
    let mut found = calibration.quantiles(combined, &shares, &mean);
    for values in &mut found {
        bounds.floor(values);
        // Of what never sold, 0 is the only bound, and reaching it is no surprise.
        is_cut |= bounds.cut(values) && has_sold;
    }
    let quantiles = found.split_off(2 * settings.levels.len());
    let mut ends = found.into_iter();
    let intervals = std::iter::from_fn(|| ends.next().zip(ends.next())).collect();
    if is_cut {
        reasons.push("cut at ten times the largest value of the history".to_owned());
    }
    let errors = &combined.errors;
    let total: f64 = errors.iter().map(|error| error.amount().abs()).sum();
    let backtest_mae = (!errors.is_empty()).then(|| total / errors.len() as f64);
    let is_guarded = is_cut || draft.is_guarded;
    let models = combined.models.clone();
    let effects = Vec::new();
    Forecast { mean, intervals, quantiles, models, reasons, is_guarded, effects, backtest_mae }
}
