//! What most people take: the last resort, and a signal for the blend.

use super::{Histories, Scores, Source};
use crate::types::Item;

/// Scores every item that anybody took by `ln(1 + takers)`.
///
/// The most popular [`Popularity::PROPOSED`] are proposed; of others only the score is known.
#[derive(Clone, Debug, PartialEq)]
pub struct Popularity {
    /// Best first.
    ranked: Vec<(Item, f32)>,
}

impl Popularity {
    /// How many items are proposed to everybody (chosen: more than any list needs).
    pub const PROPOSED: usize = 300;

    /// Counts takers. `update` and `forget` are a `fit`: it reads one number per item.
    pub fn fit(histories: &Histories) -> Popularity {
        let items = (0..histories.n_items() as u32).map(Item);
        let mut ranked: Vec<(Item, usize)> =
            items.map(|item| (item, histories.takers(item).len())).collect();
        ranked.retain(|&(_, n)| n > 0);
        ranked.sort_unstable_by_key(|&(item, n)| (std::cmp::Reverse(n), item));
        let scored = ranked.into_iter().map(|(item, n)| (item, (n as f32).ln_1p()));
        Popularity { ranked: scored.collect() }
    }

    /// The items that anybody took, the most popular first.
    pub fn ranked(&self) -> impl Iterator<Item = Item> + '_ {
        self.ranked.iter().map(|&(item, _)| item)
    }
}

impl Source for Popularity {
    fn name(&self) -> &'static str {
        "popularity"
    }

    fn score(&self, _: &[Item], into: &mut Scores) {
        for &(item, score) in self.ranked.iter().take(Popularity::PROPOSED) {
            into.add(item, score);
        }
    }
}
