//! Measures of a ranked list against the items that turned out to be wanted.
//!
//! `ranked` is best first and holds an item at most once; `relevant` is a set without duplicates.
//! Every measure looks at the first `k` places only, lies in 0..=1, and is 0 when `relevant` is
//! empty: callers leave such cases out of their means. *Not* for graded relevance.

use crate::types::{Item, Score};
use rustc_hash::FxHashSet;
pub use souk_math::mean;

#[cfg(test)]
mod tests;

/// The share of the relevant items that stand in the first `k` places: hits / |relevant|.
pub fn recall(ranked: &[Item], relevant: &FxHashSet<Item>, k: usize) -> f64 {
    ratio(hits(ranked, relevant, k), relevant.len())
}

/// The share of the first `k` places that hold a relevant item: hits / k.
///
/// A list shorter than `k` is charged for its empty places, as in session-rec and Serenade.
pub fn precision(ranked: &[Item], relevant: &FxHashSet<Item>, k: usize) -> f64 {
    ratio(hits(ranked, relevant, k), k)
}

/// 1 when any relevant item stands in the first `k` places, else 0 (hit rate).
pub fn hit(ranked: &[Item], relevant: &FxHashSet<Item>, k: usize) -> f64 {
    if hits(ranked, relevant, k) > 0 { 1.0 } else { 0.0 }
}

/// 1 / rank of the first relevant item within the first `k` places, else 0.
pub fn reciprocal_rank(ranked: &[Item], relevant: &FxHashSet<Item>, k: usize) -> f64 {
    let first = ranked.iter().take(k).position(|item| relevant.contains(item));
    first.map_or(0.0, |idx| 1.0 / (idx + 1) as f64)
}

/// Normalised discounted cumulative gain with binary relevance.
///
/// Gain 1 / log2(rank + 1), ranks from 1, divided by that of a list which begins with all relevant
/// items. Source: Järvelin and Kekäläinen, TOIS 20(4), 2002, with the log2(rank + 1) discount that
/// gives ranks 1 and 2 different weights.
pub fn ndcg(ranked: &[Item], relevant: &FxHashSet<Item>, k: usize) -> f64 {
    let ideal = ideal(relevant.len(), k);
    if ideal == 0.0 {
        return 0.0;
    }
    let places = ranked.iter().take(k).enumerate();
    let gained: f64 =
        places.filter(|(_, item)| relevant.contains(item)).map(|(idx, _)| discount(idx)).sum();
    gained / ideal
}

/// The discounted gain of a list that begins with all of `n_relevant` items, in its first `k` places.
pub(crate) fn ideal(n_relevant: usize, k: usize) -> f64 {
    (0..n_relevant.min(k)).map(discount).sum()
}

/// The mean of [`ndcg`] over all orders of items with equal scores, for a list of (score, is wanted) that ends
/// no sooner than the last item that shares a score with place `k`.
///
/// Source: McSherry and Najork, *Computing Information Retrieval Performance Measures Efficiently in the Presence of
/// Tied Scores*, ECIR 2008.
pub fn ndcg_of_tied(scored: &[(Score, bool)], n_relevant: usize, k: usize) -> f64 {
    let ideal = ideal(n_relevant, k);
    if ideal == 0.0 {
        return 0.0;
    }
    let (mut gained, mut place) = (0.0, 0);
    for tied in scored.chunk_by(|one, next| one.0 == next.0) {
        let n_wanted = tied.iter().filter(|(_, is_wanted)| *is_wanted).count();
        let places: f64 = (place..(place + tied.len()).min(k)).map(discount).sum();
        gained += places * n_wanted as f64 / tied.len() as f64;
        place += tied.len();
    }
    gained / ideal
}

/// Average precision: the mean of precision@rank over the ranks of the hits, out of
/// min(|relevant|, k) possible hits, so that a perfect list has 1 (denominators differ in the
/// literature; this is the one of session-rec and of Kaggle's MAP@k).
pub fn average_precision(ranked: &[Item], relevant: &FxHashSet<Item>, k: usize) -> f64 {
    let possible = relevant.len().min(k);
    if possible == 0 {
        return 0.0;
    }
    let mut n_hits = 0.0;
    let mut sum = 0.0;
    for (idx, item) in ranked.iter().take(k).enumerate() {
        if relevant.contains(item) {
            n_hits += 1.0;
            sum += n_hits / (idx + 1) as f64;
        }
    }
    sum / possible as f64
}

/// The `percent`-th percentile (0 to 100) by the nearest-rank method: the smallest value such that
/// at least that share of the values is not larger. 0 for no values; sorts a copy.
pub fn percentile(values: &[u64], percent: f64) -> u64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    percentile_of_sorted(&sorted, percent)
}

/// [`percentile`] of values that are already in ascending order.
pub fn percentile_of_sorted(sorted: &[u64], percent: f64) -> u64 {
    if sorted.is_empty() {
        return 0;
    }
    let rank = (percent / 100.0 * sorted.len() as f64).ceil() as usize;
    sorted[rank.clamp(1, sorted.len()) - 1]
}

/// What a place is worth, from 0: 1 / log2(rank + 1).
pub(crate) fn discount(idx: usize) -> f64 {
    1.0 / ((idx + 2) as f64).log2()
}

fn hits(ranked: &[Item], relevant: &FxHashSet<Item>, k: usize) -> usize {
    ranked.iter().take(k).filter(|item| relevant.contains(item)).count()
}

fn ratio(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}
