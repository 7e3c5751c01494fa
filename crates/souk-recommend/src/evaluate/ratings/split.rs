//! Which rows are learned from and which are held out.

use super::{RatingRow, Wanted};
use crate::sources::Histories;
use crate::types::{Item, Shopper};
use rustc_hash::{FxHashMap, FxHashSet};
use souk_math::Random;

/// Splits all rows at one moment for everybody: the newest `share` of them is the test.
///
/// Unlike a split by shopper, nothing of anybody's future is in the training part (Ji, Sun, Zhang and
/// Li, *A Critical Study on Data Leakage in Recommender System Offline Evaluation*, TOIS 41(3), 2023).
/// Rows at the moment itself go to the training part.
pub fn split_at_time(rows: &[RatingRow], share: f64) -> (Vec<RatingRow>, Vec<RatingRow>) {
    let mut times: Vec<i64> = rows.iter().map(|row| row.time).collect();
    times.sort_unstable();
    let n_train = (times.len() as f64 * (1.0 - share.clamp(0.0, 1.0))).round() as usize;
    let Some(&cut) = n_train.checked_sub(1).and_then(|at| times.get(at)) else {
        return (Vec::new(), rows.to_vec());
    };
    rows.iter().partition(|row| row.time <= cut)
}

/// The newest `share` of the items: those whose first row comes last; of equal times, the larger
/// numbers.
pub fn newest_items(rows: &[RatingRow], share: f64) -> FxHashSet<Item> {
    let mut first: FxHashMap<Item, i64> = FxHashMap::default();
    for row in rows {
        let known = first.entry(row.item).or_insert(row.time);
        *known = row.time.min(*known);
    }
    let mut items: Vec<(i64, Item)> = first.into_iter().map(|(item, time)| (time, item)).collect();
    items.sort_unstable_by(|a, b| b.cmp(a));
    items.truncate((items.len() as f64 * share.clamp(0.0, 1.0)).round() as usize);
    items.into_iter().map(|(_, item)| item).collect()
}

/// Takes every event of a tenth of the items away, drawn at random: as if those were new.
pub(super) fn without_some_items(histories: &Histories, seed: u64) -> Histories {
    let is_new = |item: Item| Random::new(seed ^ (u64::from(item.0) << 20)).below(10) == 0;
    Histories::of(histories.events().filter(|&(_, item, _)| !is_new(item)))
}

/// Holds out the last tenth of each history, at least one item, of those with three or more.
pub(super) fn hold_out_tail(histories: &Histories) -> (Histories, Wanted) {
    hold_out(histories, |_, n| match n {
        ..3 => vec![false; n],
        n => (0..n).map(|place| place >= n - n.div_ceil(10)).collect(),
    })
}

/// Holds out about a fifth of the items, drawn at random.
pub(super) fn hold_out_sample(histories: &Histories, seed: u64) -> (Histories, Wanted) {
    hold_out(histories, |shopper, n| {
        let mut random = Random::new(seed ^ (u64::from(shopper.0) << 20));
        (0..n).map(|_| random.below(5) == 0).collect()
    })
}

/// Holds items out by a mark for each place of a shopper's history.
fn hold_out(
    histories: &Histories,
    is_held: impl Fn(Shopper, usize) -> Vec<bool>,
) -> (Histories, Wanted) {
    let (mut kept, mut wanted) = (Vec::new(), Wanted::new());
    let events: Vec<_> = histories.events().collect();
    for own in events.chunk_by(|a, b| a.0 == b.0) {
        let shopper = own[0].0;
        let mut held = FxHashSet::default();
        for (&event, is_held) in own.iter().zip(is_held(shopper, own.len())) {
            if is_held {
                held.insert(event.1);
            } else {
                kept.push(event);
            }
        }
        if !held.is_empty() {
            wanted.push((shopper, held));
        }
    }
    (Histories::of(kept), wanted)
}
