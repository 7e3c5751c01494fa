//! Sequential rules: what is taken soon after what.

use super::pairs::{PairParams, Pairs};
use super::{Histories, Scores, Source};
use crate::types::{Item, Shopper};
use serde::{Deserialize, Serialize};

/// How rules are counted.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct RulesParams {
    /// A rule counts this much per place that lies between its items, in 0..=1.
    pub distance: f32,
    /// Items further apart make no rule.
    pub lag_max: usize,
    /// A rule from an item with `n` takers weighs `n^-from_power`; 1 makes it a confidence.
    pub from_power: f32,
    /// A score of an item with `n` takers is multiplied by `n^-to_power`; 1 makes it a lift.
    pub to_power: f32,
    /// How much each older item of the history counts relative to the next younger one, in 0..=1.
    pub recency: f32,
}

impl Default for RulesParams {
    /// Confidence, mostly of the last items (chosen as a start for the search on validation data).
    fn default() -> RulesParams {
        RulesParams { distance: 0.8, lag_max: 10, from_power: 0.5, to_power: 0.2, recency: 0.5 }
    }
}

/// What shoppers took soon after the items of the history.
///
/// `score(j) = n(j)^-b · Σᵢ r^age(i) · n(i)^-a · Σᵤ d^(places between)`, over shoppers who took `j` after `i`.
///
/// Source: sequential rules of Ludewig and Jannach, UMUAI 28, 2018, eq. 3, with a geometric decay by
/// distance in the place of their 1/distance, and applied to all items of the history.
#[derive(Clone, Debug, PartialEq)]
pub struct Rules(Pairs);

impl Rules {
    /// Counts all rules.
    pub fn fit(histories: &Histories, params: RulesParams, threads: usize) -> Rules {
        let pairs = PairParams {
            length_power: 0.0,
            distance: params.distance,
            backward: 0.0,
            lag_max: params.lag_max,
            from_power: params.from_power,
            to_power: params.to_power,
            recency: params.recency,
        };
        Rules(Pairs::fit(histories, pairs, threads))
    }

    /// Counts again after one more event of a shopper, which `histories` holds already.
    pub fn update(&mut self, histories: &Histories, shopper: Shopper) {
        self.0.update(histories, shopper);
    }

    /// Counts again after `histories` forgot somebody who had `items`.
    pub fn forget(&mut self, histories: &Histories, items: &[Item]) {
        self.0.count_again(histories, items);
    }
}

impl Source for Rules {
    fn name(&self) -> &'static str {
        "rules"
    }

    fn score(&self, history: &[Item], into: &mut Scores) {
        self.0.score(history, into);
    }

    fn because(&self, history: &[Item], item: Item) -> Option<Item> {
        self.0.because(history, item)
    }
}
