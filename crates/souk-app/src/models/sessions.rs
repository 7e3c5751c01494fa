//! How running visits are read: learned from what shoppers looked at next in earlier ones.

use souk_recommend::session::{SessionMixture, SessionParams, SessionTeaching};
use souk_recommend::visits::{VisitEvent, VisitIndex};

use super::order::{ModelOrder, resting};
use crate::projections::latest_visits;
use crate::recommend::SEEN_MAX;

/// Events of the latest visits that are learned from at most (about 60 MB while it lasts; chosen).
const EVENTS_MAX: usize = 1_000_000;

/// Copies the latest visits, the oldest of them first.
pub(super) fn copy(index: &VisitIndex) -> Vec<VisitEvent> {
    latest_visits(index, EVENTS_MAX)
}

/// Learns an order and judges it beside the one in service, in visits that came after all that taught; `None` when
/// there is too little to learn from.
pub(super) fn learn(
    events: &[VisitEvent],
    (params, serving): (SessionParams, Option<&SessionMixture>),
    threads: usize,
) -> Option<(SessionMixture, ModelOrder)> {
    let (mixture, verdict) = resting(|rests| {
        let teaching = SessionTeaching { events, params, seen_max: SEEN_MAX, threads, rests };
        teaching.learn(serving)
    })?;
    let n_trees = mixture.trees().n_trees();
    Some((mixture, ModelOrder::of(verdict, n_trees)))
}

#[cfg(test)]
mod tests;
