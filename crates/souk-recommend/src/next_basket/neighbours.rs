//! What the most similar shoppers buy now.

use super::baskets::{BasketVectors, Purchases, count_weight};
use super::market::DAY_MS;
use super::{Params, Scratch};
use crate::types::{Item, Shopper};
use std::cmp::Ordering;

/// Baskets older than this say nothing about what a neighbour buys now (chosen: three half-lives).
const RECENT_DAYS: i64 = 90;
/// Half-life of a neighbour's basket (chosen on validation among 14, 30 and 60 days).
const HALF_LIFE_DAYS: f32 = 30.0;
/// Pseudo-baskets that keep a neighbour with one recent basket from speaking too loudly (chosen).
const PRIOR_BASKETS: f32 = 2.0;
/// How many items that the shopper never bought are kept.
const NEW_ITEMS_MAX: usize = 200;
/// How many shared items are named as evidence.
const SHARED_MAX: usize = 2;

/// An item with what the neighbours say of it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct NeighbourItem {
    pub(crate) item: Item,
    /// The weighted mean, over the neighbours, of the share of their recent baskets that hold it.
    pub(crate) rate: f32,
    /// [`ln_rate`] of it, taken once here rather than in every query.
    pub(crate) ln_rate: f32,
    /// How many neighbours bought it recently.
    pub(crate) support: u32,
    /// What the shopper shares with the neighbour that speaks loudest for it: up to [`SHARED_MAX`].
    pub(crate) shared: [Option<Item>; SHARED_MAX],
}

/// What the shoppers most similar to one shopper buy: the slow part of a query, worth caching.
///
/// A pure function of the baskets and the time at which it was made. [`Neighbourhood::is_fresh`]
/// tells whether a cached one may serve; the cache itself is the caller's.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Neighbourhood {
    /// Ascending by item.
    items: Vec<NeighbourItem>,
    made_at: i64,
    made_after: u64,
}

impl Neighbourhood {
    /// True while the shopper's own baskets are the same, and those of all others nearly so: at most
    /// 1 % of the baskets changed since (and 1,000 changes are always allowed), within one day.
    ///
    /// A fresh one can thus differ from one made now; whoever needs the exact one makes it anew.
    pub fn is_fresh(&self, baskets: &BasketVectors, shopper: Shopper, now: i64) -> bool {
        let own_change = baskets.purchases(shopper).map_or(0, |purchases| purchases.changed_at);
        let changes = baskets.n_changes().saturating_sub(self.made_after);
        let allowed = (baskets.n_baskets() as u64 / 100).max(1_000);
        own_change <= self.made_after
            && changes <= allowed
            && now.saturating_sub(self.made_at).abs() <= DAY_MS
    }

    pub(crate) fn items(&self) -> &[NeighbourItem] {
        &self.items
    }
}

/// Working memory of the search for neighbours; reused between queries.
#[derive(Clone, Debug, Default)]
pub(crate) struct NeighbourScratch {
    similarity: Vec<f32>,
    touched: Vec<Shopper>,
    nearest: Vec<(f32, Shopper)>,
    rates: Vec<Rate>,
}

#[derive(Clone, Copy, Debug)]
struct Rate {
    item: Item,
    rate: f32,
    support: u32,
    last_neighbour: u32,
    loudest: (f32, u32),
    from_loudest: f32,
}

impl BasketVectors {
    /// Finds the most similar shoppers and what they bought recently.
    ///
    /// Similarity is the cosine of count vectors whose terms are weighted by the squared inverse
    /// document frequency in the numerator only: the lengths then do not depend on other shoppers,
    /// which keeps changes exact. An item's rate is the similarity-weighted mean of the neighbours'
    /// decayed purchase rates. Source of the idea: Faggioli, Polato and Aiolli, *Recency Aware
    /// Collaborative Filtering for Next Basket Recommendation*, UMAP 2020.
    pub fn neighbourhood(
        &self,
        (shopper, now): (Shopper, i64),
        params: &Params,
        scratch: &mut Scratch,
    ) -> Neighbourhood {
        let made_after = self.n_changes();
        let Some(own) = self.purchases(shopper) else {
            return Neighbourhood { items: Vec::new(), made_at: now, made_after };
        };
        self.find_nearest(shopper, own, (params, &mut scratch.neighbours));
        self.sum_rates(own, now, scratch);
        let items = self.keep(own, scratch);
        Neighbourhood { items, made_at: now, made_after }
    }

    /// Leaves the most similar shoppers in `nearest`, the most similar first.
    fn find_nearest(
        &self,
        shopper: Shopper,
        own: &Purchases,
        (params, scratch): (&Params, &mut NeighbourScratch),
    ) {
        scratch.similarity.resize(self.n_shoppers().max(scratch.similarity.len()), 0.0);
        let n_shoppers = self.n_buyers() as f32;
        // In a small shop a share would leave nothing, hence the floor (chosen).
        let buyers_max =
            ((n_shoppers * params.buyers_share_max) as usize).max(10).min(params.buyers_max);
        for &(item, n) in &own.counts {
            let buyers = self.buyers(item);
            if buyers.len() > buyers_max {
                continue;
            }
            let weight = count_weight(n) * (n_shoppers / buyers.len() as f32).ln().powi(2);
            if weight <= 0.0 {
                continue;
            }
            for &(other, n) in buyers {
                let similarity = &mut scratch.similarity[other.0 as usize];
                if *similarity == 0.0 {
                    scratch.touched.push(other);
                }
                *similarity += weight * scratch_weight(n);
            }
        }
        scratch.nearest.clear();
        for other in scratch.touched.drain(..) {
            let similarity = std::mem::take(&mut scratch.similarity[other.0 as usize]);
            let norm = self.shoppers_norm(other);
            if other != shopper && norm > 0.0 {
                scratch.nearest.push((similarity / norm, other));
            }
        }
        let order = |a: &(f32, Shopper), b: &(f32, Shopper)| -> Ordering {
            b.0.total_cmp(&a.0).then(a.1.cmp(&b.1))
        };
        if scratch.nearest.len() > params.n_neighbours && params.n_neighbours > 0 {
            scratch.nearest.select_nth_unstable_by(params.n_neighbours - 1, order);
        }
        scratch.nearest.truncate(params.n_neighbours);
        scratch.nearest.sort_unstable_by(order);
    }

    /// Sums what the neighbours bought recently; the shopper's own items come first in `rates`.
    fn sum_rates(&self, own: &Purchases, now: i64, scratch: &mut Scratch) {
        let Scratch { neighbours, numbering, .. } = scratch;
        numbering.clear();
        neighbours.rates.clear();
        for &(item, _) in &own.counts {
            numbering.number(item.0);
            neighbours.rates.push(Rate::new(item));
        }
        let total: f32 = neighbours.nearest.iter().map(|(similarity, _)| similarity).sum();
        let oldest = now.saturating_sub(RECENT_DAYS * DAY_MS);
        for (number, &(similarity, neighbour)) in (0_u32..).zip(&neighbours.nearest) {
            let baskets = self.baskets(neighbour).iter().rev().skip_while(|b| b.time > now);
            let recent = baskets.take_while(|b| b.time > oldest);
            let weight_of = |time: i64| {
                let days = now.saturating_sub(time) as f32 / DAY_MS as f32;
                (-days / HALF_LIFE_DAYS).exp2()
            };
            let n_baskets: f32 = recent.clone().map(|b| weight_of(b.time)).sum();
            let share = similarity / (total * (n_baskets + PRIOR_BASKETS));
            for basket in recent {
                let weight = share * weight_of(basket.time);
                for &item in basket.items() {
                    let at = numbering.number(item.0);
                    if at == neighbours.rates.len() {
                        neighbours.rates.push(Rate::new(item));
                    }
                    neighbours.rates[at].add(weight, number);
                }
            }
        }
    }

    /// Keeps the shopper's own items and the best new ones, with evidence.
    fn keep(&self, own: &Purchases, scratch: &mut Scratch) -> Vec<NeighbourItem> {
        let neighbours = &mut scratch.neighbours;
        neighbours.rates.iter_mut().for_each(Rate::settle);
        let (own_rates, new) = neighbours.rates.split_at_mut(own.counts.len());
        let order = |a: &Rate, b: &Rate| b.rate.total_cmp(&a.rate).then(a.item.cmp(&b.item));
        if new.len() > NEW_ITEMS_MAX {
            new.select_nth_unstable_by(NEW_ITEMS_MAX, order);
        }
        let new = new.iter().take(NEW_ITEMS_MAX);
        let known = own_rates.iter().filter(|rate| rate.support > 0);
        let mut kept: Vec<Rate> = known.chain(new).copied().collect();
        let mut shared = vec![None; neighbours.nearest.len()];
        kept.sort_unstable_by_key(|rate| rate.item);
        let named = |rate: Rate| {
            let loudest = rate.loudest.1 as usize;
            let (_, neighbour) = neighbours.nearest[loudest];
            let shared = *shared[loudest].get_or_insert_with(|| self.shared(own, neighbour));
            NeighbourItem {
                item: rate.item,
                rate: rate.rate,
                ln_rate: ln_rate(rate.rate),
                support: rate.support,
                shared,
            }
        };
        kept.into_iter().map(named).collect()
    }

    /// The items of a shopper that make a neighbour similar, the strongest first.
    fn shared(&self, own: &Purchases, neighbour: Shopper) -> [Option<Item>; SHARED_MAX] {
        let mut best = [(0.0_f32, None); SHARED_MAX];
        let theirs = self.purchases(neighbour).map_or(&[][..], |purchases| &purchases.counts);
        let mut theirs = theirs.iter().peekable();
        for &(item, n) in &own.counts {
            while theirs.next_if(|&&(other, _)| other < item).is_some() {}
            let Some(&(_, n_theirs)) = theirs.next_if(|&&(other, _)| other == item) else {
                continue;
            };
            let idf = (self.n_buyers() as f32 / self.buyers(item).len() as f32).ln();
            let weight = count_weight(n) * count_weight(n_theirs) * idf * idf;
            if weight > best[0].0 {
                best = [(weight, Some(item)), best[0]];
            } else if weight > best[1].0 {
                best[1] = (weight, Some(item));
            }
        }
        best.map(|(_, item)| item)
    }

    fn shoppers_norm(&self, shopper: Shopper) -> f32 {
        self.purchases(shopper).map_or(0.0, |purchases| purchases.norm)
    }
}

/// The logarithm of a neighbours' rate, kept finite for a rate of 0 (chosen).
fn ln_rate(rate: f32) -> f32 {
    (rate + 1e-3).ln()
}

/// [`count_weight`] from a table for the counts that nearly all pairs have: the logarithm would be
/// most of the time of the inner loop.
fn scratch_weight(n: u32) -> f32 {
    const LN_1P: [f32; 8] = [
        0.0,
        std::f32::consts::LN_2,
        1.098_612_3,
        1.386_294_4,
        1.609_438,
        1.791_759_5,
        1.945_910_1,
        2.079_441_5,
    ];
    LN_1P.get(n as usize).copied().unwrap_or_else(|| count_weight(n))
}

impl Rate {
    fn new(item: Item) -> Rate {
        Rate {
            item,
            rate: 0.0,
            support: 0,
            last_neighbour: u32::MAX,
            loudest: (0.0, 0),
            from_loudest: 0.0,
        }
    }

    /// Adds one basket of a neighbour; a neighbour's baskets come one after the other.
    fn add(&mut self, weight: f32, neighbour: u32) {
        if self.last_neighbour != neighbour {
            self.settle();
            self.last_neighbour = neighbour;
            self.support += 1;
            self.from_loudest = 0.0;
        }
        self.rate += weight;
        self.from_loudest += weight;
    }

    /// Compares the last neighbour with the loudest so far.
    fn settle(&mut self) {
        if self.from_loudest > self.loudest.0 {
            self.loudest = (self.from_loudest, self.last_neighbour);
        }
    }
}
