//! What all shoppers buy, as seen at one moment.

use super::baskets::BasketVectors;
use super::cycles::{Cycle, cycles};
use crate::types::Item;

/// Milliseconds of a day.
pub(crate) const DAY_MS: i64 = 86_400_000;

/// The windows in which shoppers are counted, in days: this week's leaflet, the month, the year.
const WINDOWS_DAYS: [i64; 3] = [7, 28, 365];

/// How many of the most popular items are candidates for everyone.
const POPULAR_MAX: usize = 150;

/// Popularity and repeat rates of all items at one moment: the part of the model that all shoppers
/// share.
///
/// A pure function of the baskets and `now`. One pass over the last year's lines makes it (about
/// 10 ms for a million lines), so the caller makes it anew every so often, and after a shopper was
/// forgotten; in between, answers rest on slightly old popularity.
#[derive(Clone, Debug, PartialEq)]
pub struct Market {
    items: Vec<MarketItem>,
    popular: Vec<Item>,
    nobody: MarketItem,
}

/// The logarithms that the model uses, taken once here rather than in every query.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct MarketItem {
    /// ln of the share of shoppers who bought the item, per window.
    pub(crate) ln_share: [f32; 3],
    /// ln of the share of its buyers who bought it again.
    pub(crate) ln_repeat: f32,
    /// How many shoppers bought it in the 28 days before.
    pub(crate) n_recent: u32,
    /// How it is bought again.
    pub(crate) cycle: Cycle,
}

impl Market {
    /// Counts each shopper once per item and window; baskets after `now` do not count.
    pub fn at(baskets: &BasketVectors, now: i64) -> Market {
        let mut counts = vec![[0_u32; 3]; baskets.n_items()];
        let mut seen = vec![[u32::MAX; 3]; baskets.n_items()];
        let mut n_active = 0_u32;
        for (shopper, purchases) in (0_u32..).zip(baskets.all_purchases()) {
            let year_ago = now.saturating_sub(WINDOWS_DAYS[2] * DAY_MS);
            let newest_first = purchases.baskets.iter().rev().skip_while(|b| b.time > now);
            let mut is_active = false;
            for basket in newest_first.take_while(|b| b.time > year_ago) {
                is_active = true;
                let age = now.saturating_sub(basket.time);
                let first = WINDOWS_DAYS.iter().position(|days| age < days * DAY_MS).unwrap_or(2);
                for item in basket.items() {
                    let at = item.0 as usize;
                    for window in first..3 {
                        if seen[at][window] != shopper {
                            seen[at][window] = shopper;
                            counts[at][window] += 1;
                        }
                    }
                }
            }
            n_active += u32::from(is_active);
        }
        let cycles = cycles(baskets, now);
        let items = (0_u32..).zip(&counts).zip(cycles).map(|((item, &n), cycle)| MarketItem {
            cycle,
            ..market_item(baskets, Item(item), (n, n_active))
        });
        let items = items.collect();
        Market {
            popular: most_popular(&counts),
            items,
            nobody: MarketItem {
                ln_share: [ln_share(0, n_active); 3],
                ln_repeat: ln_repeat(0, 0),
                n_recent: 0,
                cycle: Cycle::default(),
            },
        }
    }

    /// The items bought by most shoppers in the last 28 days, the most popular first.
    pub fn popular(&self) -> &[Item] {
        &self.popular
    }

    pub(crate) fn item(&self, item: Item) -> &MarketItem {
        self.items.get(item.0 as usize).unwrap_or(&self.nobody)
    }
}

fn market_item(baskets: &BasketVectors, item: Item, (n, n_active): ([u32; 3], u32)) -> MarketItem {
    let buyers = baskets.buyers(item);
    let n_again = buyers.iter().filter(|&&(_, n)| n >= 2).count() as u32;
    MarketItem {
        ln_share: n.map(|n| ln_share(n, n_active)),
        ln_repeat: ln_repeat(n_again, buyers.len() as u32),
        n_recent: n[1],
        cycle: Cycle::default(),
    }
}

/// One pseudo-buyer keeps the logarithm finite (chosen).
fn ln_share(n: u32, n_active: u32) -> f32 {
    ((n as f32 + 1.0) / (n_active as f32 + 1.0)).ln()
}

/// Two pseudo-buyers with a repeat rate of 15 %, about that of an average grocery item (chosen).
fn ln_repeat(n_again: u32, n_buyers: u32) -> f32 {
    ((n_again as f32 + 0.3) / (n_buyers as f32 + 2.0)).ln()
}

fn most_popular(counts: &[[u32; 3]]) -> Vec<Item> {
    let bought = (0..counts.len() as u32).filter(|&item| counts[item as usize][2] > 0);
    let mut items: Vec<Item> = bought.map(Item).collect();
    // The year breaks ties, so that a quiet month still has candidates.
    let key = |item: &Item| {
        let n = counts[item.0 as usize];
        (std::cmp::Reverse((n[1], n[2])), *item)
    };
    if items.len() > POPULAR_MAX {
        items.select_nth_unstable_by_key(POPULAR_MAX, key);
        items.truncate(POPULAR_MAX);
    }
    items.sort_unstable_by_key(key);
    items
}
