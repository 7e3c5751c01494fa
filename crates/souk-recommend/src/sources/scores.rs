//! Scores of few out of many items: the working memory of one query of one source.

use crate::types::Item;
use std::cmp::Ordering;

/// Sums by item that are emptied in the time they were filled in; make one per thread and source.
#[derive(Clone, Debug, Default)]
pub struct Scores {
    sums: Vec<f32>,
    is_held: Vec<bool>,
    held: Vec<Item>,
}

impl Scores {
    /// Adds to the score of an item; the first call gives it one.
    #[inline]
    pub fn add(&mut self, item: Item, score: f32) {
        let at = item.0 as usize;
        if at >= self.sums.len() {
            self.sums.resize(at + 1, 0.0);
            self.is_held.resize(at + 1, false);
        }
        if !self.is_held[at] {
            self.is_held[at] = true;
            self.held.push(item);
        }
        self.sums[at] += score;
    }

    /// The score of an item that has one.
    pub fn get(&self, item: Item) -> Option<f32> {
        let at = item.0 as usize;
        self.is_held.get(at).is_some_and(|&held| held).then(|| self.sums[at])
    }

    /// The items that have a score, in no meaningful order.
    pub fn held(&self) -> &[Item] {
        &self.held
    }

    /// Changes every score.
    pub fn map(&mut self, change: impl Fn(Item, f32) -> f32) {
        for &item in &self.held {
            let sum = &mut self.sums[item.0 as usize];
            *sum = change(item, *sum);
        }
    }

    /// Takes all scores back.
    pub fn clear(&mut self) {
        for item in self.held.drain(..) {
            self.sums[item.0 as usize] = 0.0;
            self.is_held[item.0 as usize] = false;
        }
    }

    /// Puts the best `limit` items with a positive score into `best`, best first, without those for
    /// which `is_hidden`; ties go to the smaller item number.
    pub fn top(&self, limit: usize, is_hidden: &dyn Fn(Item) -> bool, best: &mut Vec<(f32, Item)>) {
        best.clear();
        let scored = self.held.iter().map(|&item| (self.sums[item.0 as usize], item));
        best.extend(scored.filter(|&(score, item)| score > 0.0 && !is_hidden(item)));
        keep_best(best, limit);
    }
}

/// Sorts best first and keeps `limit`; ties go to the smaller item.
pub(super) fn keep_best<T: Ord>(scored: &mut Vec<(f32, T)>, limit: usize) {
    let order =
        |a: &(f32, T), b: &(f32, T)| -> Ordering { b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)) };
    if scored.len() > limit && limit > 0 {
        scored.select_nth_unstable_by(limit - 1, order);
    }
    scored.truncate(limit);
    scored.sort_unstable_by(order);
}
