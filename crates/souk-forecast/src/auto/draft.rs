//! What each model says of one series, at its end and at earlier origins.

use super::{Freed, Settings, Task};
use crate::guard::Bounds;
use crate::intermittent::Pattern;
use crate::model::{Model, Outlook, outlook};
use crate::numbers::{is_constant, mean, median};

/// One model's forecasts.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Member {
    pub(super) model: Model,
    pub(super) outlook: Outlook,
    /// By origin: the means of the values after it, as many as are known; empty where it could not fit.
    pub(super) past: Vec<Vec<f64>>,
}

/// All that is known of one series before anything is combined.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Draft {
    pub(super) members: Vec<Member>,
    /// By origin: how many values were known there.
    pub(super) cuts: Vec<usize>,
    /// By origin: the values after it, at most as many as the horizon.
    pub(super) actual: Vec<Vec<f64>>,
    pub(super) kind: Kind,
    /// By step ahead: the size of one step's error, for the intervals.
    pub(super) scales: Vec<f64>,
    /// By origin and step behind it: the same, as it was known there.
    pub(super) past_scales: Vec<Vec<f64>>,
    pub(super) reasons: Vec<String>,
    pub(super) is_guarded: bool,
}

/// What sort of series it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// Values of any sort.
    Ordinary,
    /// Small counts that sell most steps.
    Count,
    /// Small counts with many zeros.
    Intermittent,
}

impl Kind {
    /// The sort of a series, by what models look at of it.
    pub(crate) fn of_task(task: &Task) -> Kind {
        Kind::of(&task.y[recent_from(task)..])
    }

    fn of(y: &[f64]) -> Kind {
        let is_count = y.iter().all(|value| *value >= 0.0 && value.fract() == 0.0);
        if !is_count || mean(y) >= SMALL_MEAN {
            Kind::Ordinary
        } else if Pattern::of(y).is_intermittent() {
            Kind::Intermittent
        } else {
            Kind::Count
        }
    }
}

/// Counts of a larger mean are near enough to continuous ones.
const SMALL_MEAN: f64 = 30.0;
/// Values that models look at: older ones teach little and cost time.
const RECENT: usize = 700;
/// Where the values begin that models look at: eight seasons of them at least.
fn recent_from(task: &Task) -> usize {
    task.y.len().saturating_sub(RECENT.max(8 * task.season_length))
}

/// Above this many values ARIMA and complex smoothing are left out of the automatic choice: they are dear,
/// and long series are daily ones, whose seasons they hardly see.
const LONG: usize = 400;
/// The season of daily sales.
const WEEK: usize = 7;

/// Below so many values without a season, choosing by a criterion is worse than fixed models (chosen on held
/// back values of yearly series).
const CRITERIA_MIN: usize = 30;

/// Origins before the end: fewer when many series share what they teach.
///
/// None for one model without intervals: nothing would be chosen or calibrated.
pub(super) fn n_windows(n_tasks: usize, settings: &Settings) -> usize {
    let is_plain = settings.levels.is_empty() && settings.quantiles.is_empty();
    match n_tasks {
        _ if is_plain && settings.model != Model::Auto => 0,
        0..50 => 8,
        _ => 3,
    }
}

impl Draft {
    pub(super) fn make(of: &Freed<'_>, settings: &Settings, n_windows: usize) -> Draft {
        let (m, horizon) = (of.task.season_length, settings.horizon);
        let from = recent_from(of.task);
        let sold = &of.task.y[from..];
        let free = |(idx, value): (usize, &f64)| value / of.factor(from + idx);
        let freed: Vec<f64> = sold.iter().enumerate().map(free).collect();
        let y = &freed[..];
        let kind = Kind::of(sold);
        let cuts = origins(y.len(), m, (horizon, n_windows));
        let after = |cut: &usize| sold[*cut..(cut + horizon).min(y.len())].to_vec();
        let actual: Vec<Vec<f64>> = cuts.iter().map(after).collect();
        let driven = |mut mean: Vec<f64>, cut: usize| {
            mean.iter_mut()
                .enumerate()
                .for_each(|(step, mean)| *mean *= of.factor(from + cut + step));
            mean
        };
        let (members, reasons) = (Vec::new(), Vec::new());
        let (scales, past_scales) = (Vec::new(), Vec::new());
        let mut draft = Draft {
            members,
            cuts: cuts.clone(),
            actual,
            kind,
            scales,
            past_scales,
            reasons,
            is_guarded: false,
        };
        let bounds = Bounds::of(y);
        for model in wanted(y, m, (settings.model, kind)) {
            let Some(mut found) = outlook(model, y, m, horizon) else {
                if settings.model == model {
                    draft.reasons.push(format!("{model} does not suit this series"));
                }
                continue;
            };
            if !bounds.admit(&found.mean) {
                draft.reasons.push(format!("{model} left the bounds of the history"));
                draft.is_guarded = true;
                continue;
            }
            found.mean = driven(found.mean, y.len());
            let pairs = cuts.iter().zip(&draft.actual);
            let past = pairs.map(|(cut, actual)| {
                let earlier = outlook(model, &y[..*cut], m, actual.len());
                let sound = earlier.filter(|found| Bounds::of(&y[..*cut]).admit(&found.mean));
                sound.map(|found| driven(found.mean, *cut)).unwrap_or_default()
            });
            let past = past.collect();
            draft.members.push(Member { model, outlook: found, past });
        }
        if draft.members.is_empty() {
            draft.fall_back(y, m, (&cuts, horizon));
            for Member { outlook, past, .. } in &mut draft.members {
                outlook.mean = driven(std::mem::take(&mut outlook.mean), y.len());
                for (past, cut) in past.iter_mut().zip(&cuts) {
                    *past = driven(std::mem::take(past), *cut);
                }
            }
        }
        draft.scales = driven(vec![scale(y, m); horizon], y.len());
        let pairs = cuts.iter().zip(&draft.actual);
        let past_scales =
            pairs.map(|(cut, actual)| driven(vec![scale(&y[..*cut], m); actual.len()], *cut));
        draft.past_scales = past_scales.collect();
        draft
    }

    /// When no model is left: the last season, the last value, zeros, whichever is first to exist.
    fn fall_back(&mut self, y: &[f64], m: usize, (cuts, horizon): (&[usize], usize)) {
        for model in [Model::SeasonalNaive, Model::Naive] {
            if let Some(found) = outlook(model, y, m, horizon) {
                self.reasons.push(format!("fell back to {model}"));
                let before = |cut: &usize| {
                    let earlier = outlook(model, &y[..*cut], m, horizon.min(y.len() - cut));
                    earlier.map(|found| found.mean).unwrap_or_default()
                };
                let past = cuts.iter().map(before).collect();
                self.members.push(Member { model, outlook: found, past });
                return;
            }
        }
        self.reasons.push("has no values: zeros".to_owned());
        let detail = "zeros".to_owned();
        let outlook = Outlook { mean: vec![0.0; horizon], detail };
        self.members.push(Member { model: Model::Naive, outlook, past: Vec::new() });
    }
}

/// The models that are tried.
fn wanted(y: &[f64], m: usize, (model, kind): (Model, Kind)) -> Vec<Model> {
    if model != Model::Auto {
        return vec![model];
    }
    if is_constant(y) || y.len() < 3 {
        return vec![Model::Naive];
    }
    if kind != Kind::Ordinary && m == WEEK && y.len() > 8 * m {
        // A profile of many weeks, and one model that smooths: with more of them quantiles were worse.
        return vec![if kind == Kind::Count { Model::Ets } else { Model::Ses }, Model::Profile];
    }
    if kind == Kind::Intermittent {
        let mut models = vec![Model::Ses, Model::Tsb, Model::Sba, Model::Imapa, Model::Mean];
        if m > 1 && m <= 31 && y.len() > 8 * m {
            models.push(Model::Mstl);
        }
        return models;
    }
    if kind == Kind::Count && y.len() < CRITERIA_MIN {
        // So few small counts show no trend that could be told from chance.
        return vec![Model::Ses, Model::Tsb, Model::Imapa, Model::Mean];
    }
    let mut models = vec![Model::Theta, Model::DynamicOptimisedTheta];
    if m == 1 {
        models.extend([Model::Holt, Model::Damped, Model::Drift]);
    } else if kind == Kind::Ordinary {
        // Of small counts the last value is often the most usual one, which has small absolute errors and is not their mean.
        models.extend([Model::Naive, Model::SeasonalNaive]);
    }
    if m > 1 || y.len() >= CRITERIA_MIN {
        models.push(Model::Ets);
    }
    match y.len() {
        0..=LONG if m == 1 && y.len() < CRITERIA_MIN => models.push(Model::Ces),
        0..=LONG => models.extend([Model::Arima, Model::Ces]),
        _ => models.push(Model::Mstl),
    }
    models
}

/// Where the series is cut for the backtest, latest first.
fn origins(n: usize, m: usize, (horizon, n_windows): (usize, usize)) -> Vec<usize> {
    // Two seasons and a little, so that seasonal models can be judged; half of a short series.
    let train_min = (2 * m + 2).min(n / 2).max(n / 3).max(4);
    let stride = horizon.div_ceil(2);
    let latest = n.saturating_sub(horizon).max(train_min);
    let cuts = (0..n_windows).map_while(|k| latest.checked_sub(k * stride));
    cuts.filter(|cut| *cut >= train_min && *cut < n).collect()
}

/// The mean size of one step's error: that of naive forecasts, from the last value or the last season.
///
/// What models miss within the series is no better measure: a few values are fitted too well by models of many numbers, by how
/// much differs from series to series, and errors over such a scale do not compare.
fn scale(y: &[f64], m: usize) -> f64 {
    let near = crate::measures::seasonal_scale(y, 1).unwrap_or(0.0);
    let naive = crate::measures::seasonal_scale(y, m).map_or(near, |far| far.min(near));
    naive.max(1e-9 * y.last().copied().unwrap_or(0.0).abs())
}

/// Values from which on one that never changed is believed to be constant (chosen).
const CONSTANT_MIN: usize = 8;
/// The size of one step's error over the level where no other series tells it (chosen).
const SCALE_ALONE: f64 = 0.2;

/// Gives series of so few values that they never changed the error size that is usual over a level among the others: that
/// nothing happened yet is no promise that nothing will.
pub(super) fn lend_scales(drafts: &mut [Draft], tasks: &[Freed<'_>]) {
    let level = |task: &Task| mean(&task.y.iter().map(|y| y.abs()).collect::<Vec<f64>>());
    let is_young = |task: &Task| task.y.len() < CONSTANT_MIN && is_constant(&task.y);
    let pairs = || drafts.iter().zip(tasks).filter(|(draft, _)| draft.kind == Kind::Ordinary);
    let is_without = |task: &Task| is_young(task) && level(task) > 0.0;
    if !pairs().any(|(_, freed)| is_without(freed.task)) {
        return;
    }
    let share = |(draft, freed): (&Draft, &Freed<'_>)| {
        let share = scale(&freed.task.y, freed.task.season_length) / level(freed.task);
        (freed.task.y.len() >= CONSTANT_MIN && !draft.scales.is_empty() && share > 1e-6)
            .then_some(share)
    };
    let mut shares: Vec<f64> =
        pairs().filter_map(share).filter(|share| share.is_finite()).collect();
    let share = if shares.is_empty() { SCALE_ALONE } else { median(&mut shares) };
    for (draft, freed) in drafts.iter_mut().zip(tasks) {
        if draft.kind == Kind::Ordinary && is_without(freed.task) {
            let size = share * level(freed.task);
            draft.scales.iter_mut().for_each(|scale| *scale = scale.max(size));
            draft
                .reasons
                .push("too young to tell how much it changes: taken from the others".to_owned());
        }
    }
}
