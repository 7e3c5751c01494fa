//! How lists are put in order: learned from what people took up of the lists they were shown.

use std::cmp::Reverse;

use souk_recommend::impressions::signals::ListKind;
use souk_recommend::impressions::{ImpressionOrder, ImpressionTeaching, ShownList};

use super::order::{ModelOrder, resting};
use crate::people::in_slices;
use crate::projections::{Views, Windows};

/// Lists of a kind that are copied at most, the latest (about 80 MB while it lasts; chosen: two months at the usual rate).
const COPIED_MAX: usize = 100_000;

/// What people were shown: the kinds never teach each other.
#[derive(Debug, Default)]
pub(super) struct ShownLists {
    pub(super) recommended: Vec<ShownList>,
    pub(super) found: Vec<ShownList>,
}

impl ShownLists {
    fn add(&mut self, list: ShownList) {
        let lists = match list.kind() {
            ListKind::Recommended => &mut self.recommended,
            ListKind::Found => &mut self.found,
        };
        lists.push(list);
        if lists.len() >= 2 * COPIED_MAX {
            keep_latest(lists, COPIED_MAX);
        }
    }
}

/// Copies what people were shown lately, some of them at a time.
pub(super) fn copy(views: &parking_lot::RwLock<Views>, windows: Windows) -> ShownLists {
    let mut lists = ShownLists::default();
    in_slices((views, Views::n_trial_rows), |views, rows| {
        views.each_lesson((rows, windows), |list| lists.add(list));
    });
    keep_latest(&mut lists.recommended, COPIED_MAX);
    keep_latest(&mut lists.found, COPIED_MAX);
    lists
}

fn keep_latest(lists: &mut Vec<ShownList>, n: usize) {
    if lists.len() > n {
        lists.select_nth_unstable_by_key(n, |list| (Reverse(list.time), list.person));
        lists.truncate(n);
    }
}

/// Learns an order of lists of a kind and judges it beside the one in service, by people who did not teach; `None` when there is too little
/// to learn from.
pub(super) fn learn(
    (lists, kind): (&[ShownList], ListKind),
    serving: Option<&ImpressionOrder>,
    threads: usize,
) -> Option<(ImpressionOrder, ModelOrder)> {
    let (order, verdict) =
        resting(|rests| ImpressionTeaching { lists, kind, threads, rests }.learn(serving))?;
    let n_trees = order.trees().n_trees();
    Some((order, ModelOrder::of(verdict, n_trees)))
}

#[cfg(test)]
mod search_tests;
#[cfg(test)]
mod tests;
