//! Items that are in the same baskets more often than chance would put them there.

use crate::cooccurrence::CoScratch;
use crate::numbering::Numbering;
use crate::types::{Evidence, Item, Score, Scored, rank};
use crate::visits::VisitIndex;

#[cfg(test)]
mod tests;

/// How common baskets are weighed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TogetherParams {
    /// The anchors' most recent baskets are read until they hold this many events, shared evenly by
    /// the anchors: the bound of the cost.
    pub events_max: usize,
    /// A pair with fewer common baskets than this is not proposed.
    pub support_min: u32,
    /// Strength of the assumption that lift is 1, in baskets.
    pub prior: f32,
}

impl Default for TogetherParams {
    /// 10,000 events (bounds the cost to some 200 µs), at least 3 common baskets, prior 20.
    ///
    /// Measured on a grocer's November, index January to October, one anchor of a basket, 10 named: prior
    /// 20 names another item of the basket in 37 % of baskets, 300 (nearly popularity) in 39 %, 2 in 28 %;
    /// one outside the 100 most popular in 16 %, 15 % and 19 %. Reading more events helped neither.
    fn default() -> TogetherParams {
        TogetherParams { events_max: 10_000, support_min: 3, prior: 20.0 }
    }
}

/// At most so many anchors are read, the last ones: the most recently added to the cart.
pub const ANCHORS_MAX: usize = 12;

/// A question for what goes with some items.
#[derive(Clone, Copy, Debug)]
pub struct TogetherQuery<'a> {
    /// An item on screen or the items of a cart, the latest last; none of them is in the answer.
    pub anchors: &'a [Item],
    /// At most so many items.
    pub limit: usize,
}

/// An item that goes with the anchors.
#[derive(Clone, Debug, PartialEq)]
pub struct Companion {
    /// The item. Its evidence is the anchors it goes with, the strongest first; its support is the
    /// number of common baskets with that strongest anchor, among those read.
    pub scored: Scored,
    /// Different known shoppers behind that support.
    pub shoppers: u32,
}

/// Working memory of [`bought_together`]; make one per thread and use it again.
#[derive(Debug, Clone, Default)]
pub struct TogetherScratch {
    counts: CoScratch,
    numbering: Numbering,
    found: Vec<Found>,
    links: Vec<Link>,
}

/// What the anchors read so far say about an item.
#[derive(Debug, Clone, Copy)]
struct Found {
    item: Item,
    score: f32,
    is_anchor: bool,
}

/// What one anchor says about an item.
#[derive(Debug, Clone, Copy)]
struct Link {
    /// Number of the item among those found.
    number: u32,
    anchor: Item,
    strength: f32,
    support: u32,
    shoppers: u32,
}

/// The items that go with the anchors, best first.
///
/// Per anchor `a` and item `b`: `c` common baskets among the `s` ones of `a` that are read, where
/// chance would give `e = s·n_b/N` (`n_b` baskets of `b`, `N` baskets in all). Raw lift `c/e` prefers
/// coincidences of rare items, so it is shrunk towards 1 by a gamma prior worth `p` baskets:
/// `(c + p) / (e + p)`, the posterior mean of the gamma-Poisson model. The score of an item is the sum of
/// the logarithms over the anchors that speak for it (lift above 1 and enough support), as if anchors
/// were independent.
///
/// Source: DuMouchel, *The American Statistician* 53(3), 1999, with one gamma component of mean 1.
pub fn bought_together(
    index: &VisitIndex,
    query: &TogetherQuery<'_>,
    params: &TogetherParams,
    scratch: &mut TogetherScratch,
) -> Vec<Companion> {
    let anchors = &query.anchors[query.anchors.len().saturating_sub(ANCHORS_MAX)..];
    scratch.numbering.clear();
    scratch.found.clear();
    scratch.links.clear();
    for &anchor in query.anchors {
        scratch.found_at(anchor).is_anchor = true;
    }
    let events_max = params.events_max / anchors.len().max(1);
    for (idx, &anchor) in anchors.iter().enumerate() {
        // A cart may hold two pieces of one item, which is not twice the evidence.
        if !anchors[..idx].contains(&anchor) {
            scratch.link(index, anchor, &TogetherParams { events_max, ..*params });
        }
    }
    scratch.companions(query.limit)
}

impl TogetherScratch {
    fn found_at(&mut self, item: Item) -> &mut Found {
        let number = self.numbering.number(item.0);
        if number == self.found.len() {
            self.found.push(Found { item, score: 0.0, is_anchor: false });
        }
        &mut self.found[number]
    }

    /// Adds what one anchor says.
    fn link(&mut self, index: &VisitIndex, anchor: Item, params: &TogetherParams) {
        let mut counts = std::mem::take(&mut self.counts);
        let read = counts.count(index, anchor, params.events_max);
        let per_basket = read.n_visits as f32 / index.n_visits().max(1) as f32;
        for count in read.found.iter().filter(|c| c.visits >= params.support_min.max(1)) {
            let expected = per_basket * index.n_visits_with(count.item) as f32;
            let lift = (count.visits as f32 + params.prior) / (expected + params.prior);
            let found = self.found_at(count.item);
            if lift <= 1.0 || found.is_anchor {
                continue;
            }
            let strength = lift.ln();
            found.score += strength;
            let number = self.numbering.number(count.item.0) as u32;
            let (support, shoppers) = (count.visits, count.shoppers);
            self.links.push(Link { number, anchor, strength, support, shoppers });
        }
        self.counts = counts;
    }

    /// Ranks what was found and gathers the evidence of the best.
    fn companions(&mut self, limit: usize) -> Vec<Companion> {
        let proposed = self.found.iter().filter(|found| found.score > 0.0);
        let scored = proposed.map(|found| Scored {
            item: found.item,
            score: Score::new(found.score),
            evidence: Evidence::default(),
        });
        let ranked = rank(scored.collect(), limit);
        let companions = ranked.into_iter().map(|mut scored| {
            let number = self.numbering.number(scored.item.0) as u32;
            let links = self.links.iter().filter(|link| link.number == number);
            let mut links: Vec<Link> = links.copied().collect();
            // Anchors stand in the links from the earliest to the latest; of equals, the latest is first.
            links.reverse();
            links.sort_by(|a, b| b.strength.total_cmp(&a.strength));
            let shoppers = links.first().map_or(0, |link| link.shoppers);
            scored.evidence.support = links.first().map_or(0, |link| link.support);
            scored.evidence.items = links.iter().map(|link| link.anchor).collect();
            Companion { scored, shoppers }
        });
        companions.collect()
    }
}
