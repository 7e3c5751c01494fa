//! How good lists are on what was held out, and where in them the hits stand.

use rustc_hash::FxHashSet;

use super::tune::hidden;
use super::{Seen, Wanted};
use crate::diversity::{RankCounts, RelevanceCurve, VarietyParams};
use crate::evaluate::metrics::{ideal, mean, ndcg};
use crate::sources::{Blend, BlendScratch, Histories, Popularity};
use crate::types::Item;

/// Who is asked, and for what.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked<'a> {
    /// What the lists are made from.
    pub(super) kept: &'a Histories,
    /// What was held out.
    pub(super) wanted: &'a Wanted,
    pub(super) seen: Seen,
    /// How many places a list has.
    pub(super) places: usize,
}

/// What came out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Quality {
    /// NDCG at the places of a list.
    pub(super) ndcg: f64,
    /// How fast relevance falls in the lists, and among those who may enter them.
    pub(super) curve: RelevanceCurve,
}

/// Of the lists of a blend.
pub(super) fn of_blend(blend: &Blend, asked: &Asked<'_>) -> Quality {
    let mut scratch = BlendScratch::default();
    asked.quality(|own, depth, is_hidden| {
        candidates(blend, own, (asked.places, depth, is_hidden), &mut scratch)
    })
}

/// Of the most popular items.
pub(super) fn of_popularity(asked: &Asked<'_>) -> Quality {
    let popularity = Popularity::fit(asked.kept);
    asked.quality(|_, depth, is_hidden| {
        popularity.ranked().filter(|item| !is_hidden(*item)).take(depth).collect()
    })
}

impl Asked<'_> {
    /// NDCG and where the hits stand. A hit counts as much as it adds to the NDCG, so that the curve tells what an exchange
    /// costs: one of ten that somebody wanted is worth less than the only one.
    fn quality(
        &self,
        mut list: impl FnMut(&[Item], usize, &dyn Fn(Item) -> bool) -> Vec<Item>,
    ) -> Quality {
        let depth = self.places + VarietyParams::default().behind;
        let mut counts = RankCounts::default();
        let values = self.wanted.iter().map(|(shopper, wanted)| {
            let hidden = hidden(self.kept, *shopper, self.seen);
            let is_hidden = |item| hidden.contains(&item);
            let list = list(self.kept.items(*shopper), depth, &is_hidden);
            counts.add(worth(&list, wanted, self.places));
            ndcg(&list, wanted, self.places)
        });
        let ndcg = mean(&values.collect::<Vec<_>>());
        Quality { ndcg, curve: counts.curve() }
    }
}

/// What each rank of a list adds to the NDCG at `places`, but for its discount.
pub(crate) fn worth(
    list: &[Item],
    wanted: &FxHashSet<Item>,
    places: usize,
) -> impl Iterator<Item = f64> {
    let ideal = ideal(wanted.len(), places);
    list.iter().map(move |item| if wanted.contains(item) { 1.0 / ideal } else { 0.0 })
}

/// A list of a blend and, behind it, those who may enter it, `depth` in all: the list is as it would be without them.
pub(super) fn candidates(
    blend: &Blend,
    own: &[Item],
    (places, depth, is_hidden): (usize, usize, &dyn Fn(Item) -> bool),
    scratch: &mut BlendScratch,
) -> Vec<Item> {
    let mut list = blend.rank(own, (places, is_hidden), scratch);
    if depth > places {
        let deeper = blend.rank(own, (depth, is_hidden), scratch);
        let behind: Vec<Item> = deeper.into_iter().filter(|item| !list.contains(item)).collect();
        list.extend(behind);
    }
    list
}
