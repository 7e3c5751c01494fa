//! What is wanted, and what its buyers buy besides.

use std::ops::Range;

use crate::next_basket::BasketVectors;
use crate::types::{Item, Shopper};

/// Other products that speak for a wish; chosen: beyond, each says next to nothing.
const KIN_MAX: usize = 100;
/// Buyers of both below which two products have nothing to do with each other.
const BOTH_MIN: u32 = 5;
/// Buyers of the wanted that are asked what they buy besides; chosen.
const BUYERS_MAX: usize = 2_000;

/// A product or several of which any will do.
#[derive(Clone, Debug, PartialEq)]
pub struct Wanted {
    /// By item: how much it speaks for the wish; infinite for the wanted themselves, 0 for most.
    weights: Vec<f32>,
    /// Whether any of them is known at all.
    pub n_buyers: usize,
}

impl Wanted {
    /// Any of these items, beside what everybody bought.
    ///
    /// Another product speaks for it by the logarithm of how many times as often its buyers buy that one
    /// as all buyers do.
    pub fn of(items: &[Item], vectors: &BasketVectors) -> Wanted {
        let n_items = vectors.n_items();
        let n_items = items.iter().map(|item| item.0 as usize + 1).fold(n_items, usize::max);
        let mut buyers: Vec<_> =
            items.iter().flat_map(|item| vectors.buyers(*item)).map(|(buyer, _)| *buyer).collect();
        buyers.sort_unstable();
        buyers.dedup();
        let n_buyers = buyers.len();
        let asked = buyers.iter().step_by(step_of(n_buyers));
        let mut both = vec![0_u32; n_items];
        let mut n_asked = 0;
        for buyer in asked {
            n_asked += 1;
            let bought = vectors.purchases(*buyer).into_iter().flat_map(|own| &own.counts);
            bought.for_each(|(item, _)| both[item.0 as usize] += 1);
        }
        let share = |idx: usize| {
            vectors.buyers(Item(idx as u32)).len() as f32 / vectors.n_buyers().max(1) as f32
        };
        Wanted { weights: weights(items, (&both, n_asked), share), n_buyers }
    }

    /// Whether an item is one of the wanted.
    pub fn is_wanted(&self, item: Item) -> bool {
        self.weights.get(item.0 as usize).is_some_and(|weight| weight.is_infinite())
    }

    /// Whether a basket holds any of the wanted, and how much the others in it speak for it.
    pub(super) fn met_in(&self, items: &[Item]) -> (bool, f64) {
        let (mut is_there, mut kin) = (false, 0.0);
        for item in items {
            match self.weights.get(item.0 as usize) {
                Some(weight) if weight.is_infinite() => is_there = true,
                Some(weight) => kin += f64::from(*weight),
                None => {}
            }
        }
        (is_there, kin)
    }
}

/// Of many buyers every how many-th is asked: spread over all of them, so that it does not matter who has the
/// small numbers.
fn step_of(n_buyers: usize) -> usize {
    n_buyers.div_ceil(BUYERS_MAX).max(1)
}

/// How much each item speaks for the wish, by how many of those asked bought it, and by the share of all who did.
fn weights(
    items: &[Item],
    (both, n_asked): (&[u32], usize),
    share: impl Fn(usize) -> f32,
) -> Vec<f32> {
    let mut weights = vec![0.0_f32; both.len()];
    let kin = both.iter().enumerate().filter(|(_, n)| **n >= BOTH_MIN).filter_map(|(idx, &n)| {
        let lift = (n as f32 / n_asked as f32) / share(idx);
        (lift > 1.0).then(|| (idx, lift.ln(), n as f32 * lift.ln()))
    });
    let mut kin: Vec<(usize, f32, f32)> = kin.collect();
    kin.sort_unstable_by(|a, b| b.2.total_cmp(&a.2).then(a.0.cmp(&b.0)));
    kin.truncate(KIN_MAX);
    kin.iter().for_each(|(idx, weight, _)| weights[*idx] = *weight);
    items.iter().for_each(|item| weights[item.0 as usize] = f32::INFINITY);
    weights
}

/// What is wanted as it was at an earlier time, counted a few people after the others so that nobody has to wait for it;
/// afterwards it is what [`Wanted::of`] finds in the baskets up to then.
#[derive(Debug)]
pub struct WantedThen<'a> {
    items: &'a [Item],
    until: i64,
    step: usize,
    n_buyers: usize,
    n_asked: usize,
    n_people: usize,
    /// By item: whether it is wanted, those asked who bought it, all who did, and who was the last of these, from 1.
    is_wanted: Vec<bool>,
    both: Vec<u32>,
    all: Vec<u32>,
    last: Vec<u32>,
}

impl<'a> WantedThen<'a> {
    /// Begins: any of these items, beside what was bought until a time, Unix milliseconds.
    pub fn new(items: &'a [Item], until: i64, vectors: &BasketVectors) -> WantedThen<'a> {
        let n_items = vectors.n_items();
        let n_items = items.iter().map(|item| item.0 as usize + 1).fold(n_items, usize::max);
        // No fewer than there were then.
        let n_buyers_max = items.iter().map(|item| vectors.buyers(*item).len()).sum::<usize>();
        let n_buyers_max = n_buyers_max.min(vectors.n_buyers());
        let mut is_wanted = vec![false; n_items];
        items.iter().for_each(|item| is_wanted[item.0 as usize] = true);
        let counts = || vec![0_u32; n_items];
        WantedThen {
            items,
            until,
            step: step_of(n_buyers_max),
            n_buyers: 0,
            n_asked: 0,
            n_people: 0,
            is_wanted,
            both: counts(),
            all: counts(),
            last: counts(),
        }
    }

    /// Counts people that were not counted yet, by their numbers.
    pub fn count(&mut self, vectors: &BasketVectors, people: Range<u32>) {
        for number in people {
            let baskets = vectors.baskets(Shopper(number));
            let earlier = baskets.iter().take_while(|basket| basket.time <= self.until);
            let items: Vec<Item> = earlier
                .flat_map(|basket| basket.items())
                .copied()
                .filter(|item| {
                    // A product that came into the shop meanwhile says nothing of then.
                    let Some(last) = self.last.get_mut(item.0 as usize) else { return false };
                    std::mem::replace(last, number + 1) != number + 1
                })
                .collect();
            self.n_people += usize::from(!items.is_empty());
            let is_buyer = items.iter().any(|item| self.is_wanted[item.0 as usize]);
            let is_asked = is_buyer && self.n_buyers.is_multiple_of(self.step);
            self.n_buyers += usize::from(is_buyer);
            self.n_asked += usize::from(is_asked);
            for item in items {
                self.all[item.0 as usize] += 1;
                self.both[item.0 as usize] += u32::from(is_asked);
            }
        }
    }

    /// What was wanted then, of all who were counted.
    pub fn wanted(&self) -> Wanted {
        let share = |idx: usize| self.all[idx] as f32 / self.n_people.max(1) as f32;
        let weights = weights(self.items, (&self.both, self.n_asked), share);
        Wanted { weights, n_buyers: self.n_buyers }
    }
}
