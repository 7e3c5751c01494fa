//! Scores of few out of many items: the working memory of one query of one source.

use crate::types::Item;
use std::cmp::Ordering;

/// Sums by item that are emptied in the time they were filled in; make one per thread and source.
#[derive(Clone, Debug, Default)]
pub struct Scores {
    /// [`NONE`] where an item has no score: one place in memory to look at for each of a million additions.
    sums: Vec<f32>,
    held: Vec<Item>,
}

/// No score; no sum of scores is this, for no source makes it.
const NONE: f32 = f32::NAN;

impl Scores {
    /// Adds to the score of an item; the first call gives it one. `score` is a number.
    #[inline]
    pub fn add(&mut self, item: Item, score: f32) {
        debug_assert!(!score.is_nan(), "a score is a number");
        let at = item.0 as usize;
        if at >= self.sums.len() {
            self.sums.resize(at + 1, NONE);
        }
        let sum = &mut self.sums[at];
        if sum.is_nan() {
            *sum = score;
            self.held.push(item);
        } else {
            *sum += score;
        }
    }

    /// The score of an item that has one.
    pub fn get(&self, item: Item) -> Option<f32> {
        self.sums.get(item.0 as usize).copied().filter(|sum| !sum.is_nan())
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
            self.sums[item.0 as usize] = NONE;
        }
    }

    /// Puts the best `limit` items with a positive score into `best`, best first, without those for
    /// which `is_hidden`; ties go to the smaller item number.
    pub fn top(&self, limit: usize, is_hidden: &dyn Fn(Item) -> bool, best: &mut Vec<(f32, Item)>) {
        best.clear();
        if limit == 0 {
            return;
        }
        let mut least = 0.0;
        for &item in &self.held {
            let score = self.sums[item.0 as usize];
            // Most items end here: few are better than the best so far.
            if score <= 0.0 || score < least || is_hidden(item) {
                continue;
            }
            best.push((score, item));
            if best.len() >= BEST_ROOM * limit {
                cut(best, limit);
                least = best[limit - 1].0;
            }
        }
        keep_best(best, limit);
    }
}

/// Lists of this many times their limit are cut.
const BEST_ROOM: usize = 4;

fn order<T: Ord>(a: &(f32, T), b: &(f32, T)) -> Ordering {
    b.0.total_cmp(&a.0).then_with(|| a.1.cmp(&b.1))
}

/// Keeps the best `limit`, the last of them at the end.
fn cut<T: Ord>(scored: &mut Vec<(f32, T)>, limit: usize) {
    if scored.len() > limit && limit > 0 {
        scored.select_nth_unstable_by(limit - 1, order);
    }
    scored.truncate(limit);
}

/// Sorts best first and keeps `limit`; ties go to the smaller item.
pub(super) fn keep_best<T: Ord>(scored: &mut Vec<(f32, T)>, limit: usize) {
    cut(scored, limit);
    scored.sort_unstable_by(order);
}
