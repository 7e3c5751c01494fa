//! Pairs of items in histories: what sequential rules and co-occurrence have in common.
//!
//! A row is counted from the histories that hold its item and from nothing else, and kept raw: what
//! depends on other items' frequencies is applied when a history is scored. So `update` and `forget`
//! need to count only the rows of the items concerned, and are exact.

use super::{Histories, Scores};
use crate::parallel::for_chunks;
use crate::types::{Item, Shopper};

/// How pairs of a history are counted and how a history is scored by them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct PairParams {
    /// Each pair of a history of `n` items counts `n^-length_power`.
    pub(super) length_power: f32,
    /// A pair counts this much per place that lies between, in 0..=1.
    pub(super) distance: f32,
    /// A pair counts this much for the later item's row, in 0..=1.
    pub(super) backward: f32,
    /// Pairs further apart do not count.
    pub(super) lag_max: usize,
    /// A row of an item with `n` takers weighs `n^-from_power`.
    pub(super) from_power: f32,
    /// A score of an item with `n` takers is multiplied by `n^-to_power`.
    pub(super) to_power: f32,
    /// Each older item of the history weighs this much relative to the next younger one.
    pub(super) recency: f32,
}

/// Kept per row: a bound on memory far above what a list needs (chosen).
const KEPT_MAX: usize = 1_000;

/// Counted pairs, by item.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Pairs {
    params: PairParams,
    /// Ascending by item.
    rows: Vec<Vec<(Item, f32)>>,
    /// By item.
    n_takers: Vec<u32>,
}

impl Pairs {
    pub(super) fn fit(histories: &Histories, params: PairParams, threads: usize) -> Pairs {
        let n_items = histories.n_items();
        let mut rows = vec![Vec::new(); n_items];
        for_chunks(&mut rows, (threads, 64), Scores::default, |scores, first, rows| {
            for (idx, row) in rows.iter_mut().enumerate() {
                *row = count(histories, Item((first + idx) as u32), (&params, scores));
            }
        });
        let n_takers = (0..n_items as u32).map(|item| histories.takers(Item(item)).len() as u32);
        Pairs { n_takers: n_takers.collect(), params, rows }
    }

    /// Counts again after one more event of a shopper.
    pub(super) fn update(&mut self, histories: &Histories, shopper: Shopper) {
        self.count_again(histories, histories.items(shopper));
    }

    /// Counts again after `items` lost a taker.
    pub(super) fn count_again(&mut self, histories: &Histories, items: &[Item]) {
        self.rows.resize(histories.n_items(), Vec::new());
        self.n_takers.resize(histories.n_items(), 0);
        let mut scores = Scores::default();
        for &item in items.iter().filter(|item| (item.0 as usize) < histories.n_items()) {
            self.rows[item.0 as usize] = count(histories, item, (&self.params, &mut scores));
            self.n_takers[item.0 as usize] = histories.takers(item).len() as u32;
        }
    }

    /// Sums the rows of a history.
    pub(super) fn score(&self, history: &[Item], into: &mut Scores) {
        let takers = |item: Item| self.n_takers[item.0 as usize].max(1) as f32;
        let mut recency = 1.0_f32;
        for &item in history.iter().rev() {
            let Some(row) = self.rows.get(item.0 as usize).filter(|row| !row.is_empty()) else {
                recency *= self.params.recency;
                continue;
            };
            let weight = recency * takers(item).powf(-self.params.from_power);
            for &(other, count) in row {
                into.add(other, weight * count);
            }
            recency *= self.params.recency;
            // What weighs less than this moves no item past another (chosen).
            if recency < 1e-4 {
                break;
            }
        }
        into.map(|item, sum| sum * takers(item).powf(-self.params.to_power));
    }
}

/// Counts the company of one item.
fn count(
    histories: &Histories,
    item: Item,
    (params, scores): (&PairParams, &mut Scores),
) -> Vec<(Item, f32)> {
    // Takers ascend, so that sums of floats are the same however the histories came about.
    for &shopper in histories.takers(item) {
        let list = histories.items(shopper);
        let place = list.iter().position(|&held| held == item);
        let place = place.expect("a taker has the item in the history");
        let share = (list.len() as f32).powf(-params.length_power);
        let mut weight = share;
        for &later in list[place + 1..].iter().take(params.lag_max) {
            scores.add(later, weight);
            weight *= params.distance;
        }
        let mut weight = share * params.backward;
        if weight > 0.0 {
            for &earlier in list[..place].iter().rev().take(params.lag_max) {
                scores.add(earlier, weight);
                weight *= params.distance;
            }
        }
    }
    let mut row = Vec::new();
    scores.top(KEPT_MAX, &|_| false, &mut row);
    scores.clear();
    let mut row: Vec<(Item, f32)> = row.into_iter().map(|(count, item)| (item, count)).collect();
    row.sort_unstable_by_key(|&(item, _)| item);
    row
}
