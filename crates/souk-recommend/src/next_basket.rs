//! What a shopper will put into the next basket: mostly what they buy again, some of it new.
//!
//! The score of an item is a weighted sum of logarithms: how often and how recently the shopper
//! bought it (decayed by days and by baskets), whether it is due, what similar shoppers buy now, and
//! what everyone buys this week, month and year. The signals are those of TIFU-kNN (Hu et al.,
//! *Modeling Personalized Item Frequency Information for Next-basket Recommendation*, SIGIR 2020) and
//! of UP-CF@r (Faggioli et al., UMAP 2020), kept apart rather than mixed by one number, because their
//! weights can then be fitted in seconds ([`Lessons::fit`]) and read by a person.
//!
//! Three parts with three speeds: [`BasketVectors`] changes with every order; [`Market`] (what all
//! buy) is made anew every so often; a [`Neighbourhood`] (what similar shoppers buy) is made for a
//! shopper when needed and may be cached. Each is a pure function of the baskets and a time.
//!
//! *Not* for carts that are being filled now: that is `bought_together` and `session`.

mod baskets;
mod cycles;
mod fit;
mod market;
mod neighbours;
mod ranker;
mod signals;
mod teach;
#[cfg(test)]
mod tests;

pub use baskets::{Basket, BasketVectors};
pub use fit::{Lesson, Lessons};
pub use market::Market;
pub use neighbours::Neighbourhood;
pub(crate) use ranker::drawn;
pub use ranker::{N_RANKED, RANK_SIGNALS};
pub use signals::{N_SIGNALS, SIGNAL_NAMES, Weights};
pub use teach::{TeachParams, Teaching};

use crate::numbering::Numbering;
use crate::trees::Trees;
use crate::types::{Evidence, Score, Scored};
use crate::wire::{Kind, Reader, SnapshotError, Writer};
use neighbours::{NeighbourItem, NeighbourScratch};
use ranker::{RankScratch, rank_again};
use signals::{Candidate, collect, signals};
use std::sync::Arc;

/// Whose next basket, as of when, and what others buy.
#[derive(Clone, Copy, Debug)]
pub struct BasketQuery<'a> {
    /// The shopper's baskets, oldest first: [`BasketVectors::baskets`], or those of several subjects that
    /// are one person, merged.
    pub own: &'a [Basket],
    /// As of when, Unix milliseconds; later baskets of the shopper do not count.
    pub now: i64,
    /// What all shoppers buy.
    pub market: &'a Market,
    /// What similar shoppers buy.
    pub neighbourhood: &'a Neighbourhood,
}

/// How to answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Params {
    /// How many items to return at most.
    pub limit: usize,
    /// How many similar shoppers to listen to.
    pub n_neighbours: usize,
    /// An item that a larger share of the shoppers bought does not make two of them similar.
    pub buyers_share_max: f32,
    /// Nor does an item with more buyers than this, which would cost most; binds in large shops.
    pub buyers_max: usize,
    /// What puts the items in order.
    pub ranker: BasketRanker,
}

/// What puts the items of a next basket in order. Nothing in it is about a person: weights of signals, and
/// trees of thresholds over them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BasketRanker {
    /// How much each signal counts in the first order.
    pub weights: Weights,
    /// Trees that put the first [`N_RANKED`] of it into a better one; none before any were trained.
    pub trees: Option<Arc<Trees>>,
}

const RANKER: Kind = Kind { magic: *b"BRNK", version: 1 };

impl BasketRanker {
    /// Writes the ranker; equal ones give equal bytes.
    pub fn encode(&self) -> Vec<u8> {
        let trees = self.trees.as_ref().map_or_else(Vec::new, |trees| trees.encode());
        let mut to = Writer::new(RANKER, 4 * N_SIGNALS + trees.len());
        self.weights.values().iter().for_each(|weight| to.u32(weight.to_bits()));
        to.bytes(&trees);
        to.finish()
    }

    /// Reads what [`BasketRanker::encode`] wrote.
    ///
    /// # Errors
    ///
    /// Any [`SnapshotError`], [`SnapshotError::OtherKind`] also where the trees were grown on a signal that this
    /// program does not know; the remedy is to learn again. Signals that are new since then do not matter.
    pub fn decode(bytes: &[u8]) -> Result<BasketRanker, SnapshotError> {
        let mut from = Reader::new(RANKER, bytes)?;
        let mut values = [0.0; N_SIGNALS];
        for value in &mut values {
            *value = f32::from_bits(from.u32()?);
        }
        let trees = match from.rest() {
            [] => None,
            trees => {
                let trees = Trees::decode(trees)?.over(&RANK_SIGNALS);
                Some(Arc::new(trees.ok_or(SnapshotError::OtherKind)?))
            }
        };
        Ok(BasketRanker { weights: Weights::new(values), trees })
    }
}

impl Default for Params {
    /// 100 neighbours were best on validation among 100, 200 and 400, and 8 % of the shoppers (200
    /// buyers) among 8 %, 20 % and all.
    fn default() -> Params {
        Params {
            limit: 20,
            n_neighbours: 100,
            buyers_share_max: 0.08,
            buyers_max: 2_000,
            ranker: BasketRanker::default(),
        }
    }
}

/// Working memory of a query; reuse it, one per thread.
#[derive(Clone, Debug, Default)]
pub struct Scratch {
    numbering: Numbering,
    candidates: Vec<Candidate>,
    scores: Vec<(Score, u32)>,
    neighbours: NeighbourScratch,
    rank: RankScratch,
}

/// The items most likely in the shopper's next basket, the likeliest first.
///
/// Candidates are everything the shopper bought until `now`, what the neighbourhood buys, and the
/// most popular items; a shopper without baskets thus gets popular ones. Evidence: for an item
/// bought before, the number of the shopper's own baskets with it (and no items); for a new item
/// from the neighbourhood, the number of neighbours who bought it lately and what the shopper
/// shares with the closest of them; else the number of shoppers who bought it in 28 days.
pub fn next_basket(query: &BasketQuery<'_>, params: &Params, scratch: &mut Scratch) -> Vec<Scored> {
    let BasketRanker { weights, trees } = &params.ranker;
    let n_ranked = if trees.is_some() { N_RANKED } else { 0 };
    first_order(query, (weights, params.limit.max(n_ranked)), scratch);
    if let Some(trees) = trees {
        rank_again(query, trees, scratch);
    }
    let BasketQuery { market, neighbourhood, .. } = *query;
    let Scratch { candidates, scores, .. } = scratch;
    scores.truncate(params.limit);
    let scored = |&(score, number): &(Score, u32)| {
        let candidate = &candidates[number as usize];
        let neighbour = candidate.neighbour(neighbourhood);
        let evidence = evidence(candidate, market, neighbour);
        Scored { item: candidate.item, score, evidence }
    };
    scores.iter().map(scored).collect()
}

/// Leaves the best candidates by the weighted sum of their signals in `scratch.scores`, best first.
fn first_order(
    query: &BasketQuery<'_>,
    (weights, limit): (&Weights, usize),
    scratch: &mut Scratch,
) {
    collect(query, scratch);
    let BasketQuery { market, neighbourhood, .. } = *query;
    let Scratch { candidates, scores, .. } = scratch;
    scores.clear();
    for (number, candidate) in (0_u32..).zip(candidates.iter()) {
        let signals = signals(candidate, market, candidate.neighbour(neighbourhood));
        scores.push((Score::new(weights.score(&signals)), number));
    }
    let order = |a: &(Score, u32), b: &(Score, u32)| {
        let item = |number: u32| candidates[number as usize].item;
        b.0.cmp(&a.0).then_with(|| item(a.1).cmp(&item(b.1)))
    };
    if scores.len() > limit && limit > 0 {
        scores.select_nth_unstable_by(limit - 1, order);
    }
    scores.truncate(limit);
    scores.sort_unstable_by(order);
}

fn evidence(candidate: &Candidate, market: &Market, neighbour: Option<&NeighbourItem>) -> Evidence {
    match (candidate.history.n, neighbour) {
        (0, Some(neighbour)) => Evidence {
            items: neighbour.shared.iter().flatten().copied().collect(),
            support: neighbour.support,
        },
        (0, None) => Evidence { items: Vec::new(), support: market.item(candidate.item).n_recent },
        (n, _) => Evidence { items: Vec::new(), support: n },
    }
}
