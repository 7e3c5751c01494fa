//! How lists are put in order: learned from what people took up of the lists they were shown.

use std::cmp::Reverse;

use souk_recommend::impressions::{ImpressionOrder, ImpressionTeaching, ShownList};

use super::order::{ModelOrder, resting};
use crate::people::in_slices;
use crate::projections::{Views, Windows};

/// Lists that are copied at most, the latest (about 80 MB while it lasts; chosen: two months at the usual rate).
const COPIED_MAX: usize = 100_000;

/// Copies what people were shown lately, some of them at a time.
pub(super) fn copy(views: &parking_lot::RwLock<Views>, windows: Windows) -> Vec<ShownList> {
    let mut lists = Vec::new();
    in_slices((views, Views::n_trial_rows), |views, rows| {
        views.each_lesson((rows, windows), |list| {
            lists.push(list);
            if lists.len() >= 2 * COPIED_MAX {
                keep_latest(&mut lists, COPIED_MAX);
            }
        });
    });
    keep_latest(&mut lists, COPIED_MAX);
    lists
}

fn keep_latest(lists: &mut Vec<ShownList>, n: usize) {
    if lists.len() > n {
        lists.select_nth_unstable_by_key(n, |list| (Reverse(list.time), list.person));
        lists.truncate(n);
    }
}

/// Learns an order and judges it beside the one in service, by people who did not teach; `None` when there is too little
/// to learn from.
pub(super) fn learn(
    lists: &[ShownList],
    serving: Option<&ImpressionOrder>,
    threads: usize,
) -> Option<(ImpressionOrder, ModelOrder)> {
    let (order, verdict) =
        resting(|rests| ImpressionTeaching { lists, threads, rests }.learn(serving))?;
    let n_trees = order.trees().n_trees();
    Some((order, ModelOrder::of(verdict, n_trees)))
}

#[cfg(test)]
mod tests;
