//! How running visits are read: learned from what shoppers looked at next in earlier ones.

use serde::{Deserialize, Serialize};
use souk_recommend::Rests;
use souk_recommend::evaluate::bootstrap::Difference;
use souk_recommend::session::{SessionMixture, SessionParams, SessionTeaching, SessionVerdict};
use souk_recommend::visits::{VisitEvent, VisitIndex};

use super::breaks::Breaks;
use super::{ModelState, WORSE_MAX};
use crate::projections::latest_visits;
use crate::recommend::SEEN_MAX;

/// Events of the latest visits that are learned from at most (about 60 MB while it lasts; chosen).
const EVENTS_MAX: usize = 1_000_000;

/// What a model says of the order of a visit's next products.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ModelSessions {
    /// Whether what was learned is what the model orders by; else it orders as the model before.
    pub state: ModelState,
    /// How good the learned order was in visits that came after all that taught.
    pub verdict: SessionVerdict,
    /// How many trees were learned.
    pub n_trees: usize,
}

/// Copies the latest visits, the oldest of them first.
pub(super) fn copy(index: &VisitIndex) -> Vec<VisitEvent> {
    latest_visits(index, EVENTS_MAX)
}

/// Learns an order and judges it beside the one in service; `None` when there is too little to learn from.
pub(super) fn learn(
    events: &[VisitEvent],
    (params, serving): (SessionParams, Option<&SessionMixture>),
    threads: usize,
) -> Option<(SessionMixture, ModelSessions)> {
    let breaks = Breaks::new();
    let rest = || breaks.take(std::thread::sleep);
    let rests = Rests::by(&rest);
    let teaching = SessionTeaching { events, params, seen_max: SEEN_MAX, threads, rests };
    let (mixture, verdict) = teaching.learn(serving)?;
    let n_trees = mixture.trees().n_trees();
    Some((mixture, ModelSessions { state: judge(&verdict), verdict, n_trees }))
}

/// Whether an order may serve: surely better than the reading a shop begins with, and no worse than the order
/// before.
fn judge(verdict: &SessionVerdict) -> ModelState {
    let is_no_worse = |serving: f64| verdict.mixture >= serving * (1.0 - WORSE_MAX);
    match verdict.is_surely_better() && verdict.serving.is_none_or(is_no_worse) {
        true => ModelState::Accepted,
        false => ModelState::Refused,
    }
}

/// As it is stored.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Row {
    state: ModelState,
    n_trees: usize,
    n_judges: usize,
    mixture: f64,
    reading: f64,
    gain: f64,
    gain_low: f64,
    gain_high: f64,
    serving: Option<f64>,
}

impl Row {
    pub(super) fn of(sessions: &ModelSessions) -> Row {
        let ModelSessions { state, verdict, n_trees } = *sessions;
        Row {
            state,
            n_trees,
            n_judges: verdict.n_judges,
            mixture: verdict.mixture,
            reading: verdict.reading,
            gain: verdict.gain.mean,
            gain_low: verdict.gain.low,
            gain_high: verdict.gain.high,
            serving: verdict.serving,
        }
    }

    pub(super) fn into_sessions(self) -> ModelSessions {
        let gain = Difference {
            mean: self.gain,
            low: self.gain_low,
            high: self.gain_high,
            n: self.n_judges,
        };
        let verdict = SessionVerdict {
            n_judges: self.n_judges,
            mixture: self.mixture,
            reading: self.reading,
            gain,
            serving: self.serving,
        };
        ModelSessions { state: self.state, verdict, n_trees: self.n_trees }
    }
}

#[cfg(test)]
mod tests;
