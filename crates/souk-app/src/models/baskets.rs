//! How next baskets are put in order: learned from what shoppers bought after earlier moments.

use std::hash::{Hash, Hasher};

use rustc_hash::FxHasher;
use serde::{Deserialize, Serialize};
use souk_recommend::evaluate::bootstrap::Difference;
use souk_recommend::next_basket::{
    Basket, BasketRanker, BasketVectors, BasketVerdict, TeachParams, Teaching,
};
use souk_recommend::{Rests, Shopper};
use xxhash_rust::xxh3::xxh3_64;

use super::breaks::Breaks;
use super::{ModelState, WORSE_MAX};

/// Baskets that are learned from at most (about 20 MB); of more, people are drawn. Chosen: more people than teach
/// and judge, so that each finds similar ones among them.
const BASKETS_MAX: usize = 200_000;
/// What a model says of the order of next baskets.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ModelBaskets {
    /// Whether what was learned is what the model orders by; else it orders as the model before.
    pub state: ModelState,
    /// How good the learned order was where nobody had taught it.
    pub verdict: BasketVerdict,
    /// How many trees were learned.
    pub n_trees: usize,
}

/// Copies the baskets of everybody, or of people drawn from them where there are too many: by their first order and not by the
/// number that an import gave them.
pub(super) fn copy(vectors: &BasketVectors) -> Vec<(Shopper, Basket)> {
    let share = BASKETS_MAX as f64 / vectors.n_baskets().max(1) as f64;
    let people = (0..vectors.n_shoppers() as u32).map(Shopper);
    let people = people.map(|shopper| (shopper, vectors.baskets(shopper)));
    let drawn = people.filter(|(_, baskets)| share >= 1.0 || is_drawn(baskets, share));
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
) -> Option<(BasketRanker, ModelBaskets)> {
    let breaks = Breaks::new();
    let rest = || breaks.take(std::thread::sleep);
    let teaching = Teaching { baskets, threads, rests: Rests::by(&rest) };
    let (ranker, verdict) = teaching.learn(&TeachParams::default(), serving)?;
    let n_trees = ranker.trees.as_ref().map_or(0, |trees| trees.n_trees());
    Some((ranker, ModelBaskets { state: judge(&verdict), verdict, n_trees }))
}

/// Whether an order may serve: surely better than the one a shop begins with, and no worse than the one
/// before.
fn judge(verdict: &BasketVerdict) -> ModelState {
    let is_no_worse = |serving: f64| verdict.trees >= serving * (1.0 - WORSE_MAX);
    match verdict.is_surely_better() && verdict.serving.is_none_or(is_no_worse) {
        true => ModelState::Accepted,
        false => ModelState::Refused,
    }
}

/// As it is stored.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Row {
    state: ModelState,
    n_trees: usize,
    n_judges: usize,
    trees: f64,
    weighted_sum: f64,
    gain: f64,
    gain_low: f64,
    gain_high: f64,
    serving: Option<f64>,
}

impl Row {
    pub(super) fn of(baskets: &ModelBaskets) -> Row {
        let ModelBaskets { state, verdict, n_trees } = *baskets;
        Row {
            state,
            n_trees,
            n_judges: verdict.n_judges,
            trees: verdict.trees,
            weighted_sum: verdict.weighted_sum,
            gain: verdict.gain.mean,
            gain_low: verdict.gain.low,
            gain_high: verdict.gain.high,
            serving: verdict.serving,
        }
    }

    pub(super) fn into_baskets(self) -> ModelBaskets {
        let (mean, low, high, n) = (self.gain, self.gain_low, self.gain_high, self.n_judges);
        let verdict = BasketVerdict {
            n_judges: n,
            trees: self.trees,
            weighted_sum: self.weighted_sum,
            gain: Difference { mean, low, high, n },
            serving: self.serving,
        };
        ModelBaskets { state: self.state, verdict, n_trees: self.n_trees }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn an_order_serves_when_it_is_surely_better_and_no_worse_than_before() {
        let verdict = |low, serving| BasketVerdict {
            n_judges: 100,
            trees: 0.20,
            weighted_sum: 0.19,
            gain: Difference { mean: 0.01, low, high: 0.02, n: 100 },
            serving,
        };
        assert_eq!(judge(&verdict(0.001, None)), ModelState::Accepted);
        assert_eq!(judge(&verdict(-0.001, None)), ModelState::Refused, "it may be luck");
        assert_eq!(judge(&verdict(0.001, Some(0.201))), ModelState::Accepted);
        assert_eq!(judge(&verdict(0.001, Some(0.21))), ModelState::Refused);
    }

    #[test]
    fn who_is_drawn_follows_from_orders_and_not_from_numbers() {
        let basket = |n: i64| vec![Basket::new(n as u64, n, &[])];
        let drawn = (0..10_000).filter(|n| is_drawn(&basket(*n), 0.25)).count();
        assert!((2_300..2_700).contains(&drawn), "{drawn}");
        assert!(!is_drawn(&[], 1.0));
    }
}
