//! Weights of the models of a series, from how they did on it and on all series.

use std::collections::BTreeMap;

use super::draft::{Draft, Kind, Member};
use crate::model::Model;

/// How strongly a better backtest speaks: the weight is the error to the power of −6. Chosen, like
/// `PRIOR`, on values held back from the training parts of the M1 and Tourism data.
const SHARPNESS: f64 = 6.0;
/// How many origins of its own outweigh what all series together say.
const PRIOR: f64 = 10.0;

/// By model and origin: how its error compares with those of the others, as a log.
pub(super) type Logs = Vec<Vec<Option<f64>>>;

/// What all series of a call say of each model, by kind of series: the mean log of its error over the
/// geometric mean of all models.
#[derive(Clone, Debug, Default, PartialEq)]
struct Prior(BTreeMap<(Kind, Model), f64>);

/// The same from all origins, and for each origin from those that share no value with it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Priors {
    all: Prior,
    apart: Vec<Prior>,
}

impl Priors {
    pub(super) fn of(drafts: &[Draft], logs: &[Logs]) -> Priors {
        let n_windows = drafts.iter().map(|draft| draft.cuts.len()).max().unwrap_or(0);
        let apart = (0..n_windows).map(|window| Prior::of((drafts, logs), Some(window)));
        Priors { all: Prior::of((drafts, logs), None), apart: apart.collect() }
    }
}

impl Prior {
    fn of((drafts, logs): (&[Draft], &[Logs]), from: Option<usize>) -> Prior {
        let mut sums: BTreeMap<(Kind, Model), (f64, f64)> = BTreeMap::new();
        for (draft, logs) in drafts.iter().zip(logs) {
            for (member, logs) in draft.members.iter().zip(logs) {
                let known = known(draft, logs, from);
                if !known.is_empty() {
                    let sum = sums.entry((draft.kind, member.model)).or_default();
                    sum.0 += crate::numbers::mean(&known);
                    sum.1 += 1.0;
                }
            }
        }
        // Of few series the mean is drawn to no opinion.
        Prior(sums.into_iter().map(|(key, (sum, n))| (key, sum / (n + 5.0))).collect())
    }
}

/// What is known of a model from all origins, or from those that share no value with one of them: an origin's errors would
/// look smaller than new ones will, if its weights had seen some of its values behind another origin.
fn known(draft: &Draft, logs: &[Option<f64>], from: Option<usize>) -> Vec<f64> {
    let is_apart = |window: usize| {
        from.is_none_or(|from| {
            let cut = |window: usize| draft.cuts.get(window).copied().unwrap_or(0);
            let reach = |window: usize| draft.actual.get(window).map_or(0, Vec::len);
            let (early, late) = (window.max(from), window.min(from));
            cut(early) + reach(early) <= cut(late)
        })
    };
    let apart = logs.iter().enumerate().filter(|(window, _)| is_apart(*window));
    apart.filter_map(|(_, log)| *log).collect()
}

/// By model and origin: the log of its mean absolute error, over the mean of these logs of all models.
pub(super) fn own_logs(draft: &Draft) -> Logs {
    let floor = (1e-2 * crate::numbers::mean(&draft.scales)).max(1e-300);
    let mut logs = vec![vec![None; draft.actual.len()]; draft.members.len()];
    for (window, actual) in draft.actual.iter().enumerate() {
        for (member, logs) in draft.members.iter().zip(&mut logs) {
            let past = member.past.get(window).filter(|past| past.len() == actual.len());
            let error = past.map(|past| crate::measures::mae(actual, past));
            let error = error.filter(|error| error.is_finite() && !actual.is_empty());
            logs[window] = error.map(|error| error.max(floor).ln());
        }
        let known: Vec<f64> = logs.iter().filter_map(|logs| logs[window]).collect();
        let middle = crate::numbers::mean(&known);
        for log in logs.iter_mut().filter_map(|logs| logs[window].as_mut()) {
            *log -= middle;
        }
    }
    logs
}

/// One error of the combination at an earlier origin.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct PastError {
    /// Steps after the origin, from 1.
    pub(crate) step: usize,
    pub(crate) actual: f64,
    pub(crate) expected: f64,
    /// The error scale of the series as it was known there.
    pub(crate) scale: f64,
}

impl PastError {
    pub(crate) fn amount(&self) -> f64 {
        self.actual - self.expected
    }
}

/// The combination of one series.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Combined {
    pub(crate) mean: Vec<f64>,
    pub(crate) models: Vec<(String, f64)>,
    pub(crate) errors: Vec<PastError>,
    /// By step ahead.
    pub(crate) scales: Vec<f64>,
    pub(crate) kind: Kind,
}

pub(super) fn combine(draft: &Draft, logs: &Logs, priors: &Priors) -> Combined {
    let final_weights = weights(draft, (&priors.all, logs), None);
    let pairs = || draft.members.iter().zip(&final_weights).filter(|(_, weight)| **weight > 0.0);
    let mut mean = vec![0.0; draft.members[0].outlook.mean.len()];
    for (member, weight) in pairs() {
        for (sum, value) in mean.iter_mut().zip(&member.outlook.mean) {
            *sum += weight * value;
        }
    }
    let mut errors = Vec::new();
    for (window, actual) in draft.actual.iter().enumerate() {
        let weights = weights(draft, (&priors.apart[window], logs), Some(window));
        let known: Vec<(&[f64], f64)> = draft
            .members
            .iter()
            .zip(&weights)
            .filter_map(|(member, weight)| Some((member.past.get(window)?.as_slice(), *weight)))
            .filter(|(past, _)| past.len() == actual.len())
            .collect();
        let total: f64 = known.iter().map(|(_, weight)| weight).sum();
        if total <= 0.0 {
            continue;
        }
        for (idx, value) in actual.iter().enumerate() {
            let sum: f64 = known.iter().map(|(past, weight)| weight * past[idx]).sum();
            let (step, expected) = (idx + 1, sum / total);
            let scale = draft.past_scales[window][idx];
            errors.push(PastError { step, actual: *value, expected, scale });
        }
    }
    let models = pairs().map(|(member, weight)| (member.outlook.detail.clone(), *weight)).collect();
    Combined { mean, models, errors, scales: draft.scales.clone(), kind: draft.kind }
}

/// The weight of each member; they add up to 1. From all origins, or from those apart from one.
fn weights(draft: &Draft, (prior, logs): (&Prior, &Logs), from: Option<usize>) -> Vec<f64> {
    let score = |(member, logs): (&Member, &Vec<Option<f64>>)| {
        let all = prior.0.get(&(draft.kind, member.model)).copied().unwrap_or(0.0);
        let known = known(draft, logs, from);
        (known.iter().sum::<f64>() + PRIOR * all) / (known.len() as f64 + PRIOR)
    };
    let scores: Vec<f64> = draft.members.iter().zip(logs).map(score).collect();
    let best = scores.iter().copied().fold(f64::INFINITY, f64::min);
    let raw = scores.iter().map(|score| (-SHARPNESS * (score - best)).exp());
    // What counts for less than a fifth of the best only adds noise.
    let kept: Vec<f64> = raw.map(|weight| if weight < 0.2 { 0.0 } else { weight }).collect();
    let total: f64 = kept.iter().sum();
    kept.iter().map(|weight| weight / total).collect()
}
