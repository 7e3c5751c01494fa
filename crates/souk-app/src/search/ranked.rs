//! A hit on its way from the engine to the answer.

use souk_core::ProductId;
use souk_search::ScoreParts;

use crate::recommend::Moved;

/// A hit with what put it in its place.
#[derive(Clone, Debug)]
pub(super) struct Ranked {
    pub(super) id: ProductId,
    pub(super) parts: Option<ScoreParts>,
    pub(super) score: f64,
    pub(super) fit: f64,
    /// See [`super::FoundProduct::personal`], and what follows there.
    pub(super) personal: f64,
    pub(super) clicks: f64,
    pub(super) brought_by: Option<u32>,
    pub(super) learned: f64,
    pub(super) moved: Option<Moved>,
}

impl Ranked {
    /// A hit as the engine ranks it.
    pub(super) fn of(hit: &souk_search::Hit) -> Ranked {
        let (score, fit) = (hit.score, hit.fit);
        Ranked { parts: Some(hit.parts), score, fit, ..Ranked::unranked(hit.id.clone()) }
    }

    /// A product that has no score yet.
    pub(super) fn unranked(id: ProductId) -> Ranked {
        Ranked {
            id,
            parts: None,
            score: 0.0,
            fit: 0.0,
            personal: 1.0,
            clicks: 1.0,
            brought_by: None,
            learned: 1.0,
            moved: None,
        }
    }
}
