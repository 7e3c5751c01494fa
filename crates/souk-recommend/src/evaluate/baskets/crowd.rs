//! What would be left if lists rested only on what at least so many people share.

use rustc_hash::FxHashMap;

use super::BasketMeasuresAt;
use crate::next_basket::BasketVectors;
use crate::types::{Item, Shopper};

/// The numbers of people for which it is told: all, what a reason needs, what a shown count needs.
pub const PEOPLE_MINS: [u32; 3] = [1, 5, 20];

/// Accuracy and pairs under one bound on people.
#[derive(Clone, Debug, PartialEq)]
pub struct SharedBy {
    /// So many different people must have bought both items of a pair.
    pub people_min: u32,
    /// The share of all pairs that were ever in one basket which are left.
    pub pairs: f64,
    /// The model's measures where an item that is new to the shopper is named only if it is left in a
    /// pair with one of the shopper's own; the next in the list takes its place.
    pub model: Vec<BasketMeasuresAt>,
}

/// How many people bought two items in one basket.
#[derive(Debug, Default)]
pub(super) struct Pairs {
    /// Pairs that anybody bought together.
    n_pairs: u64,
    /// People behind each pair that enough share, by item; both ways round.
    shared: FxHashMap<Item, Vec<(Item, u32)>>,
}

impl Pairs {
    /// Counts each person once for a pair. Pairs below the smallest bound that says anything are counted
    /// and not kept: a grocer's year has twelve million of them.
    pub(super) fn of(state: &BasketVectors) -> Pairs {
        let kept_min = PEOPLE_MINS[1];
        let mut baskets_with: Vec<Vec<(u32, u32)>> = vec![Vec::new(); state.n_items()];
        for (shopper, purchases) in (0_u32..).zip(state.all_purchases()) {
            for (idx, basket) in (0_u32..).zip(&purchases.baskets) {
                for item in basket.items() {
                    baskets_with[item.0 as usize].push((shopper, idx));
                }
            }
        }
        let mut pairs = Pairs::default();
        let mut people = vec![0_u32; state.n_items()];
        let mut last_seen = vec![u32::MAX; state.n_items()];
        let mut met: Vec<Item> = Vec::new();
        for (first, places) in (0_u32..).map(Item).zip(&baskets_with) {
            for &(shopper, idx) in places {
                let basket = &state.baskets(Shopper(shopper))[idx as usize];
                // Each pair is counted from its smaller item.
                for &item in basket.items().iter().filter(|item| **item > first) {
                    let at = item.0 as usize;
                    if people[at] == 0 {
                        met.push(item);
                    }
                    if people[at] == 0 || last_seen[at] != shopper {
                        last_seen[at] = shopper;
                        people[at] += 1;
                    }
                }
            }
            pairs.n_pairs += met.len() as u64;
            for item in met.drain(..) {
                let n_people = std::mem::take(&mut people[item.0 as usize]);
                if n_people >= kept_min {
                    pairs.shared.entry(first).or_default().push((item, n_people));
                    pairs.shared.entry(item).or_default().push((first, n_people));
                }
            }
        }
        pairs
    }

    /// The share of all pairs that so many people share.
    pub(super) fn share(&self, people_min: u32) -> f64 {
        if people_min <= 1 || self.n_pairs == 0 {
            return 1.0;
        }
        let ways = self.shared.values().flatten().filter(|(_, n)| *n >= people_min).count();
        // Each pair stands both ways round.
        (ways / 2) as f64 / self.n_pairs as f64
    }

    /// The list without items that are new to the shopper and that too few people join with an own one.
    pub(super) fn left(
        &self,
        (list, own): (&[Item], &[(Item, u32)]),
        (people_min, limit): (u32, usize),
    ) -> Vec<Item> {
        let is_own = |item: Item| own.binary_search_by_key(&item, |&(held, _)| held).is_ok();
        let is_joined = |item: &Item| {
            let others = self.shared.get(item).map_or(&[][..], Vec::as_slice);
            others.iter().any(|&(other, n)| n >= people_min && is_own(other))
        };
        let is_left = |item: &&Item| people_min <= 1 || is_own(**item) || is_joined(item);
        list.iter().filter(is_left).take(limit).copied().collect()
    }
}
