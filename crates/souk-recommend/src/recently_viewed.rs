//! What a shopper looked at last.

use crate::types::{Evidence, Item, Score, Scored};
use rustc_hash::FxHashMap;

#[cfg(test)]
mod tests;

/// A view of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct View {
    /// What was seen.
    pub item: Item,
    /// When, in Unix milliseconds.
    pub time: i64,
}

/// A question for the last viewed items.
#[derive(Clone, Copy, Debug)]
pub struct ViewedQuery {
    /// The present, in Unix milliseconds; later views are left out.
    pub now: i64,
    /// Views longer ago than this many milliseconds are left out.
    pub age_ms_max: i64,
    /// At most so many items.
    pub limit: usize,
}

/// The age at which the shown score is one half: a day (chosen; it orders nothing).
const HALF_LIFE_MS: f64 = 86_400_000.0;

/// The items viewed, the most recent first and each once, from a history in any order.
///
/// Views of the same moment: the later in the history is first. Support is the number of views of the
/// item within the age; the score halves with each day. No other item is evidence.
pub fn recently_viewed(history: &[View], query: &ViewedQuery) -> Vec<Scored> {
    // The last view, its place in the history, and the number of views of each item.
    let mut last: FxHashMap<Item, (i64, usize, u32)> = FxHashMap::default();
    for (idx, view) in history.iter().enumerate() {
        let age = query.now.saturating_sub(view.time);
        if age < 0 || age > query.age_ms_max {
            continue;
        }
        let entry = last.entry(view.item).or_insert((view.time, idx, 0));
        entry.2 += 1;
        (entry.0, entry.1) = (entry.0, entry.1).max((view.time, idx));
    }
    let mut viewed: Vec<_> = last.into_iter().collect();
    viewed.sort_unstable_by_key(|&(_, (time, idx, _))| std::cmp::Reverse((time, idx)));
    viewed.truncate(query.limit);
    let scored = viewed.into_iter().map(|(item, (time, _, support))| {
        let age = query.now.saturating_sub(time) as f64;
        let score = Score::new((-age / HALF_LIFE_MS).exp2() as f32);
        Scored { item, score, evidence: Evidence { items: Vec::new(), support } }
    });
    scored.collect()
}
