//! Co-occurrence in histories, as a cosine with free exponents.

use super::pairs::{PairParams, Pairs};
use super::{Histories, Scores, Source};
use crate::types::{Item, Shopper};
use serde::{Deserialize, Serialize};

/// How company is counted.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct CompanyParams {
    /// How strongly a long history weighs less per pair: each pair counts 1 / length^this.
    pub length_power: f32,
    /// A co-occurrence is divided by the takers of the item in the history to this power,
    pub from_power: f32,
    /// and by those of the item proposed to this one; ½ and ½ is the cosine.
    pub to_power: f32,
    /// How much each older item of a history counts relative to the next younger one, in 0..=1.
    pub recency: f32,
    /// How much a pair counts per place that lies between, in 0..=1; 1 counts all pairs alike.
    pub distance: f32,
    /// How much a pair counts against the order in which it was taken, in 0..=1.
    pub backward: f32,
}

impl Default for CompanyParams {
    /// The cosine, without any notion of order.
    fn default() -> CompanyParams {
        CompanyParams {
            length_power: 0.5,
            from_power: 0.5,
            to_power: 0.5,
            recency: 1.0,
            distance: 1.0,
            backward: 1.0,
        }
    }
}

/// Items taken by those who took the items of the history.
///
/// `score(j) = n(j)^-b · Σᵢ r^age(i) · n(i)^-a · Σᵤ |u|^-c · d^(places between)`: over items `i` of the history and
/// shoppers `u` who took both, with `n` the number of takers. With `a = b = ½`, `c = 0`, `d = r = 1` this is the
/// sum of cosines.
///
/// Source: item-based top-N of Deshpande and Karypis, TOIS 22(1), 2004, eq. 4 and 5 (cosine and the
/// frequency exponent α), with their 1/|u| row weight as an exponent.
#[derive(Clone, Debug, PartialEq)]
pub struct Company(Pairs);

impl Company {
    /// Counts all pairs.
    pub fn fit(histories: &Histories, params: CompanyParams, threads: usize) -> Company {
        let pairs = PairParams {
            length_power: params.length_power,
            distance: params.distance,
            backward: params.backward,
            // A decay by distance makes pairs from afar weigh nothing: no need to read them.
            lag_max: if params.distance < 1.0 { LAG_MAX } else { usize::MAX },
            from_power: params.from_power,
            to_power: params.to_power,
            recency: params.recency,
        };
        Company(Pairs::fit(histories, pairs, threads))
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

/// Pairs further apart than this do not count when pairs are weighed by distance.
const LAG_MAX: usize = 10;

impl Source for Company {
    fn name(&self) -> &'static str {
        "company"
    }

    fn score(&self, history: &[Item], into: &mut Scores) {
        self.0.score(history, into);
    }

    fn because(&self, history: &[Item], item: Item) -> Option<Item> {
        self.0.because(history, item)
    }
}
