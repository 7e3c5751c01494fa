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
}

/// What an item is taken for that nobody bought twice: a month, and one in twenty (chosen).
const LN_GAP_PRIOR: f32 = 3.4;
const NEXT_RATE_PRIOR: f32 = 0.05;
/// How many purchases that assumption weighs.
const PRIOR_WEIGHT: f32 = 5.0;

impl Default for Cycle {
    fn default() -> Cycle {
        Cycle { ln_gap: LN_GAP_PRIOR, next_rate: NEXT_RATE_PRIOR }
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
                }
                sums[at].n_followed += u32::from(idx + 1 < n_past);
                last[at] = (shopper, idx, basket.time);
            }
        }
    }
    let cycle = |sums: Sums| Cycle {
        ln_gap: (sums.gaps + PRIOR_WEIGHT * LN_GAP_PRIOR) / (sums.n_gaps as f32 + PRIOR_WEIGHT),
        next_rate: (sums.n_next as f32 + PRIOR_WEIGHT * NEXT_RATE_PRIOR)
            / (sums.n_followed as f32 + PRIOR_WEIGHT),
    };
    sums.into_iter().map(cycle).collect()
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
        assert_eq!(found[0], Cycle::default());
        // The last basket is of the future when asked a day before.
        let before = cycles(&state, 20 * DAY_MS);
        assert!((before[1].ln_gap - (8.0_f32.ln() + 17.0) / 6.0).abs() < 1e-6);
    }
}
