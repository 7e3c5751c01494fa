//! Weights of the models of a series, from how they did on it and on all series.

use std::collections::BTreeMap;

use super::draft::{Draft, Kind, Member};
use crate::model::Model;

/// How strongly a better backtest speaks: the weight is the error to the power of −`SHARPNESS`. Chosen, like
/// `PRIOR`, on values held back from the training parts of the M1 and Tourism data.
const SHARPNESS: f64 = 3.0;
/// How many origins of its own outweigh what all series together say.
const PRIOR: f64 = 3.0;

/// What all series of a call say of each model, by kind of series: the mean log of its error over the
/// geometric mean of all models.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Prior(BTreeMap<(Kind, Model), f64>);

impl Prior {
    pub(super) fn of(drafts: &[Draft]) -> Prior {
        let mut sums: BTreeMap<(Kind, Model), (f64, f64)> = BTreeMap::new();
        for draft in drafts {
            for (member, log) in draft.members.iter().zip(own_logs(draft)) {
                if let Some(log) = log {
                    let sum = sums.entry((draft.kind, member.model)).or_default();
                    sum.0 += log;
                    sum.1 += 1.0;
                }
            }
        }
        // Of few series the mean is drawn to no opinion.
        Prior(sums.into_iter().map(|(key, (sum, n))| (key, sum / (n + 5.0))).collect())
    }
}

/// The log of each model's mean absolute error at the origins, over the mean of these logs.
fn own_logs(draft: &Draft) -> Vec<Option<f64>> {
    let floor = (1e-3 * draft.scale).max(1e-300);
    let error = |member: &Member| {
        let (mut sum, mut n) = (0.0, 0usize);
        for (actual, past) in draft.actual.iter().zip(&member.past) {
            if past.len() != actual.len() {
                return None;
            }
            sum += actual.iter().zip(past).map(|(y, f)| (y - f).abs()).sum::<f64>();
            n += actual.len();
        }
        let mean = sum / n as f64;
        (n > 0 && mean.is_finite()).then(|| mean.max(floor).ln())
    };
    let logs: Vec<Option<f64>> = draft.members.iter().map(error).collect();
    let known: Vec<f64> = logs.iter().flatten().copied().collect();
    let middle = crate::numbers::mean(&known);
    logs.into_iter().map(|log| log.map(|log| log - middle)).collect()
}

/// One error of the combination at an earlier origin.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct PastError {
    /// Steps after the origin, from 1.
    pub(crate) step: usize,
    pub(crate) actual: f64,
    pub(crate) expected: f64,
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
    pub(crate) scale: f64,
    pub(crate) kind: Kind,
}

pub(super) fn combine(draft: &Draft, prior: &Prior) -> Combined {
    let weights = weights(draft, prior);
    let pairs = || draft.members.iter().zip(&weights).filter(|(_, weight)| **weight > 0.0);
    let mut mean = vec![0.0; draft.members[0].outlook.mean.len()];
    for (member, weight) in pairs() {
        for (sum, value) in mean.iter_mut().zip(&member.outlook.mean) {
            *sum += weight * value;
        }
    }
    let mut errors = Vec::new();
    for (window, actual) in draft.actual.iter().enumerate() {
        let known = || {
            pairs().filter(|(member, _)| {
                member.past.get(window).is_some_and(|past| past.len() == actual.len())
            })
        };
        let total: f64 = known().map(|(_, weight)| weight).sum();
        if total <= 0.0 {
            continue;
        }
        for (idx, value) in actual.iter().enumerate() {
            let sum: f64 = known().map(|(member, weight)| weight * member.past[window][idx]).sum();
            errors.push(PastError { step: idx + 1, actual: *value, expected: sum / total });
        }
    }
    let models =
        pairs().map(|(member, weight)| (member.outlook.detail.clone(), *weight)).collect();
    Combined { mean, models, errors, scale: draft.scale, kind: draft.kind }
}

/// The weight of each member; they add up to 1.
fn weights(draft: &Draft, prior: &Prior) -> Vec<f64> {
    let n_windows = draft.actual.len() as f64;
    let score = |(member, log): (&Member, &Option<f64>)| {
        let all = prior.0.get(&(draft.kind, member.model)).copied().unwrap_or(0.0);
        match log {
            Some(log) => (n_windows * log + PRIOR * all) / (n_windows + PRIOR),
            None => all,
        }
    };
    let logs = own_logs(draft);
    let scores: Vec<f64> = draft.members.iter().zip(&logs).map(score).collect();
    let best = scores.iter().copied().fold(f64::INFINITY, f64::min);
    let mut weights: Vec<f64> =
        scores.iter().map(|score| (-SHARPNESS * (score - best)).exp()).collect();
    // What counts for less than a fifth of the best only adds noise.
    for weight in &mut weights {
        if *weight < 0.2 {
            *weight = 0.0;
        }
    }
    let total: f64 = weights.iter().sum();
    weights.iter().map(|weight| weight / total).collect()
}
