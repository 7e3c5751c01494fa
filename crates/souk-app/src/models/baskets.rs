//! How next baskets are put in order: learned from what shoppers bought after earlier moments.

use std::hash::{Hash, Hasher};

use rustc_hash::FxHasher;
use souk_recommend::Shopper;
use souk_recommend::next_basket::{Basket, BasketRanker, TeachParams, Teaching};
use xxhash_rust::xxh3::xxh3_64;

use super::order::{ModelOrder, resting};
use crate::projections::CrowdView;

/// Baskets that are learned from at most (about 20 MB); of more, people are drawn. Chosen: more people than teach
/// and judge, so that each finds similar ones among them.
const BASKETS_MAX: usize = 200_000;

/// Copies the baskets of everybody, or of people drawn from them where there are too many: by their first order and not by the
/// number that an import gave them.
pub(super) fn copy(crowd: CrowdView<'_>) -> Vec<(Shopper, Basket)> {
    let share = BASKETS_MAX as f64 / crowd.vectors.n_baskets().max(1) as f64;
    let drawn = crowd.each_buyer().filter(|(_, baskets)| share >= 1.0 || is_drawn(baskets, share));
    drawn
        .flat_map(|(shopper, baskets)| baskets.iter().map(move |one| (shopper, one.clone())))
        .collect()
}

fn is_drawn(baskets: &[Basket], share: f64) -> bool {
    let Some(first) = baskets.first() else { return false };
    let mut hasher = FxHasher::default();
    (first.time, first.key).hash(&mut hasher);
    xxh3_64(&hasher.finish().to_le_bytes()) as f64 / u64::MAX as f64 <= share
}

/// Learns an order and judges it beside the one in service; `None` when there is too little to learn from.
pub(super) fn learn(
    baskets: &[(Shopper, Basket)],
    serving: Option<&BasketRanker>,
    threads: usize,
) -> Option<(BasketRanker, ModelOrder)> {
    let (ranker, verdict) = resting(|rests| {
        let teaching = Teaching { baskets, threads, rests };
        teaching.learn(&TeachParams::default(), serving)
    })?;
    let n_trees = ranker.trees.as_ref().map_or(0, |trees| trees.n_trees());
    Some((ranker, ModelOrder::of(verdict, n_trees)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_drawn_follows_from_orders_and_not_from_numbers() {
        let basket = |n: i64| vec![Basket::new(n as u64, n, &[])];
        let drawn = (0..10_000).filter(|n| is_drawn(&basket(*n), 0.25)).count();
        assert!((2_300..2_700).contains(&drawn), "{drawn}");
        assert!(!is_drawn(&[], 1.0));
    }
}
