//! How items are bought again: after how many days, and how often in the very next basket.

use super::baskets::BasketVectors;
use super::market::DAY_MS;

/// How one item is bought again.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Cycle {
    /// Mean of ln(1 + days) between two purchases of a shopper.
    pub(crate) ln_gap: f32,
    /// The share of its purchases after which the shopper's next basket holds it again.
    pub(crate) next_rate: f32,
    /// The chance that a shopper's next basket holds it again, by how many baskets did not since the last
    /// purchase.
    pub(crate) again: [f32; WAITS],
}

/// Ranges of the number of baskets since a purchase: none, one, two or three, and so on, doubling.
pub(crate) const WAITS: usize = 6;

/// The range of a number of baskets.
pub(crate) fn wait_of(n_baskets: u32) -> usize {
    (n_baskets.checked_ilog2().map_or(0, |log| log as usize + 1)).min(WAITS - 1)
}

/// What an item is taken for that nobody bought twice: a month, and one in twenty (chosen).
const LN_GAP_PRIOR: f32 = 3.4;
const NEXT_RATE_PRIOR: f32 = 0.05;
/// How many purchases that assumption weighs.
const PRIOR_WEIGHT: f32 = 5.0;

impl Default for Cycle {
    fn default() -> Cycle {
        Cycle { ln_gap: LN_GAP_PRIOR, next_rate: NEXT_RATE_PRIOR, again: [NEXT_RATE_PRIOR; WAITS] }
    }
}

/// Sums over the purchases of one item.
#[derive(Clone, Copy, Default)]
struct Sums {
    gaps: f32,
    n_gaps: u32,
    n_next: u32,
    /// Purchases that were not in a shopper's last basket.
    n_followed: u32,
    waits: Waits,
}

/// How often an item was waited for, and came, by range of baskets since the last purchase.
#[derive(Clone, Copy, Default)]
struct Waits {
    waited: [u32; WAITS],
    came: [u32; WAITS],
}

/// How many times of waiting for the average item an item's own chances are mixed with (chosen).
const WAITS_PRIOR: f32 = 10.0;

impl Waits {
    /// Counts a purchase that so many baskets followed; the last of them holds the item again, or it was
    /// not bought since.
    fn count(&mut self, n_baskets: u32, end: End) {
        let mut from = 0;
        for (range, waited) in self.waited.iter_mut().enumerate() {
            let to = if range + 1 < WAITS { 1 << range } else { u32::MAX };
            *waited += n_baskets.min(to).saturating_sub(from);
            from = to;
        }
        if end == End::Came
            && let Some(last) = n_baskets.checked_sub(1)
        {
            self.came[wait_of(last)] += 1;
        }
    }

    fn chances(&self, usual: &[f32; WAITS], weight: f32) -> [f32; WAITS] {
        std::array::from_fn(|range| {
            let (came, waited) = (self.came[range] as f32, self.waited[range] as f32);
            (came + weight * usual[range]) / (waited + weight)
        })
    }
}

/// How waiting for an item ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Came,
    Open,
}

/// The cycles of all items; baskets after `now` do not count.
pub(crate) fn cycles(baskets: &BasketVectors, now: i64) -> Vec<Cycle> {
    let mut sums = vec![Sums::default(); baskets.n_items()];
    /// The last purchase of an item: whose, in which basket, when.
    type Last = (u32, u32, i64);
    let mut last: Vec<Last> = vec![(u32::MAX, 0, 0); baskets.n_items()];
    for (shopper, purchases) in (0_u32..).zip(baskets.all_purchases()) {
        let past = purchases.baskets.iter().take_while(|basket| basket.time <= now);
        let n_past = past.clone().count() as u32;
        for (idx, basket) in (0_u32..).zip(past) {
            for item in basket.items() {
                let at = item.0 as usize;
                let (whose, before, time) = last[at];
                if whose == shopper {
                    let days = basket.time.saturating_sub(time) as f32 / DAY_MS as f32;
                    sums[at].gaps += days.ln_1p();
                    sums[at].n_gaps += 1;
                    sums[at].n_next += u32::from(before + 1 == idx);
                    sums[at].waits.count(idx - before, End::Came);
                }
                sums[at].n_followed += u32::from(idx + 1 < n_past);
                last[at] = (shopper, idx, basket.time);
            }
        }
        for &(item, _) in &purchases.counts {
            let (whose, at, _) = last[item.0 as usize];
            if whose == shopper {
                sums[item.0 as usize].waits.count(n_past - 1 - at, End::Open);
            }
        }
    }
    let usual = usual(&sums);
    let cycle = |sums: Sums| Cycle {
        again: sums.waits.chances(&usual, WAITS_PRIOR),
        ln_gap: (sums.gaps + PRIOR_WEIGHT * LN_GAP_PRIOR) / (sums.n_gaps as f32 + PRIOR_WEIGHT),
        next_rate: (sums.n_next as f32 + PRIOR_WEIGHT * NEXT_RATE_PRIOR)
            / (sums.n_followed as f32 + PRIOR_WEIGHT),
    };
    sums.into_iter().map(cycle).collect()
}

/// The chances of the average purchase.
fn usual(sums: &[Sums]) -> [f32; WAITS] {
    let mut all = Waits::default();
    for Sums { waits, .. } in sums {
        all.waited.iter_mut().zip(waits.waited).for_each(|(sum, n)| *sum += n);
        all.came.iter_mut().zip(waits.came).for_each(|(sum, n)| *sum += n);
    }
    all.chances(&[NEXT_RATE_PRIOR; WAITS], PRIOR_WEIGHT)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::next_basket::Basket;
    use crate::types::{Item, Shopper};

    #[test]
    fn gaps_and_next_baskets_by_hand() {
        let basket = |day: i64, items: &[u32]| {
            let items: Vec<Item> = items.iter().map(|&item| Item(item)).collect();
            (Shopper(0), Basket::new(day as u64, day * DAY_MS, &items))
        };
        let baskets = [basket(0, &[1]), basket(7, &[1, 2]), basket(14, &[3]), basket(21, &[1])];
        let state = BasketVectors::build(baskets.to_vec());
        let found = cycles(&state, 21 * DAY_MS);
        let gaps = 8.0_f32.ln() + 15.0_f32.ln();
        assert!((found[1].ln_gap - (gaps + 17.0) / 7.0).abs() < 1e-6, "{:?}", found[1]);
        // Item 1 stood in two baskets that another followed, once again in the next.
        assert!((found[1].next_rate - 1.25 / 7.0).abs() < 1e-6, "{:?}", found[1]);
        assert_eq!(found[0], Cycle { again: found[0].again, ..Cycle::default() });
        // The last basket is of the future when asked a day before.
        let before = cycles(&state, 20 * DAY_MS);
        assert!((before[1].ln_gap - (8.0_f32.ln() + 17.0) / 6.0).abs() < 1e-6);
    }

    #[test]
    fn chances_by_baskets_since_by_hand() {
        assert_eq!([0, 1, 2, 3, 4, 7, 8, 15, 16, 99].map(wait_of), [0, 1, 2, 2, 3, 3, 4, 4, 5, 5]);
        let mut waits = Waits::default();
        // It came with the third basket after; and ten baskets after another purchase it has not.
        waits.count(3, End::Came);
        waits.count(10, End::Open);
        assert_eq!(waits.waited, [2, 2, 3, 4, 2, 0]);
        assert_eq!(waits.came, [0, 0, 1, 0, 0, 0]);
        let chances = waits.chances(&[0.5; WAITS], 2.0);
        assert_eq!(chances, [0.25, 0.25, 2.0 / 5.0, 1.0 / 6.0, 0.25, 0.5]);
        waits.count(0, End::Open);
        assert_eq!(waits.waited, [2, 2, 3, 4, 2, 0], "nobody came since");
    }
}
