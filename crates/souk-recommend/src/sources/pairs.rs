//! Pairs of items in histories: what sequential rules and co-occurrence have in common.
//!
//! A row is counted from the histories that hold its item and from nothing else, and kept raw: what
//! depends on other items' frequencies is applied when a history is scored. So `update` and `forget`
//! need to count only the rows of the items concerned, and are exact.

use super::{Histories, Scores};
use crate::types::{Item, Shopper};
use souk_math::parallel::for_chunks;

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
    /// By item: what its row weighs, and what a score of it is multiplied by.
    weights: Vec<Weight>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Weight {
    of_row: f32,
    of_score: f32,
}

impl Weight {
    /// Of an item that nobody took.
    const NONE: Weight = Weight { of_row: 1.0, of_score: 1.0 };

    fn of(histories: &Histories, item: Item, params: &PairParams) -> Weight {
        let n_takers = histories.takers(item).len().max(1) as f32;
        Weight {
            of_row: n_takers.powf(-params.from_power),
            of_score: n_takers.powf(-params.to_power),
        }
    }
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
        let items = (0..n_items as u32).map(Item);
        let weights = items.map(|item| Weight::of(histories, item, &params)).collect();
        Pairs { weights, params, rows }
    }

    /// Counts again after one more event of a shopper.
    pub(super) fn update(&mut self, histories: &Histories, shopper: Shopper) {
        self.count_again(histories, histories.items(shopper));
    }

    /// Counts again after `items` lost a taker.
    pub(super) fn count_again(&mut self, histories: &Histories, items: &[Item]) {
        self.rows.resize(histories.n_items(), Vec::new());
        self.weights.resize(histories.n_items(), Weight::NONE);
        let mut scores = Scores::default();
        for &item in items.iter().filter(|item| (item.0 as usize) < histories.n_items()) {
            self.rows[item.0 as usize] = count(histories, item, (&self.params, &mut scores));
            self.weights[item.0 as usize] = Weight::of(histories, item, &self.params);
        }
    }

    /// Sums the rows of a history.
    pub(super) fn score(&self, history: &[Item], into: &mut Scores) {
        let mut recency = 1.0_f32;
        for &item in history.iter().rev() {
            let Some(row) = self.rows.get(item.0 as usize).filter(|row| !row.is_empty()) else {
                recency *= self.params.recency;
                continue;
            };
            let weight = recency * self.weights[item.0 as usize].of_row;
            for &(other, count) in row {
                into.add(other, weight * count);
            }
            recency *= self.params.recency;
            // What weighs less than this moves no item past another (chosen).
            if recency < 1e-4 {
                break;
            }
        }
        into.map(|item, sum| sum * self.weights[item.0 as usize].of_score);
    }

    /// The item of a history whose row holds most for an item.
    pub(super) fn because(&self, history: &[Item], item: Item) -> Option<Item> {
        let mut best: Option<(f32, Item)> = None;
        let mut recency = 1.0_f32;
        for &held in history.iter().rev() {
            let row = self.rows.get(held.0 as usize).map_or(&[][..], Vec::as_slice);
            if let Ok(place) = row.binary_search_by_key(&item, |&(other, _)| other) {
                let said = recency * self.weights[held.0 as usize].of_row * row[place].1;
                if best.is_none_or(|(most, _)| said > most) {
                    best = Some((said, held));
                }
            }
            recency *= self.params.recency;
        }
        best.map(|(_, held)| held)
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
