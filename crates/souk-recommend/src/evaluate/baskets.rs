//! Next-basket evaluation: one ranked list per test shopper, judged by their first test basket.
//!
//! The lists are made from the training part alone, all at the moment of its last purchase: neither
//! when the test shopper comes nor what others buy meanwhile is known to the model.

mod crowd;

pub use crowd::{PEOPLE_MINS, SharedBy};

use self::crowd::Pairs;
use super::bootstrap::{Difference, paired_bootstrap};
use super::metrics::{hit, mean, ndcg, recall};
use super::verdict::OrderVerdict;
use crate::next_basket::{
    Basket, BasketQuery, BasketRanker, BasketVectors, Lesson, Lessons, Market, Params, Scratch,
    TeachParams, Teaching, Weights, next_basket,
};
use crate::parallel::Rests;
use crate::types::{Item, Shopper};
use rustc_hash::{FxHashMap, FxHashSet};

#[cfg(test)]
mod tests;

/// How much longer lists are made of which something may be left out; chosen.
const SPARE_LISTS: usize = 4;
/// Learning runs on so many threads; the result does not depend on it.
const THREADS: usize = 2;

/// One line of a basket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BasketRow {
    /// Who bought.
    pub shopper: Shopper,
    /// The basket, numbered in the order of the caller's basket ids, which breaks ties of time.
    pub basket: u64,
    /// What was bought.
    pub item: Item,
    /// When, Unix milliseconds; a basket's time is the earliest of its lines.
    pub time: i64,
}

/// What weights and trees are learned from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Tuning<'a> {
    /// Nothing: these weights as they are, and no trees.
    Fixed(Weights),
    /// As a shop learns that has served these orders: weights and trees from the training part, taken where
    /// people who did not teach find them surely better than what a shop begins with.
    TrainTail,
    /// The same on the training part and these rows, which come after it; where that says nothing, weights
    /// alone on the first basket of each shopper in these rows.
    Valid(&'a [BasketRow]),
}

/// What to evaluate.
#[derive(Clone, Copy, Debug)]
pub struct BasketTask<'a> {
    /// What the model knows, in any order.
    pub train: &'a [BasketRow],
    /// What it is judged by, in any order.
    pub test: &'a [BasketRow],
    /// The list lengths to judge at.
    pub ks: &'a [usize],
    /// How weights and trees are chosen.
    pub tuning: Tuning<'a>,
}

/// Means over the shoppers, at one list length.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct BasketMeasures {
    /// Hits / items in the basket.
    pub recall: f64,
    /// Normalised discounted cumulative gain, binary.
    pub ndcg: f64,
    /// The share of shoppers with at least one hit.
    pub hit_rate: f64,
    /// How many shoppers these are means over.
    pub n_shoppers: usize,
}

/// Measures of one ranking at one list length.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct BasketMeasuresAt {
    /// The list length.
    pub k: usize,
    /// All items of the basket.
    pub all: BasketMeasures,
    /// Only the items that the shopper had bought before, over the shoppers with such items.
    pub repeat: BasketMeasures,
    /// Only the items new to the shopper, over the shoppers with such items.
    pub new: BasketMeasures,
}

/// What came out.
#[derive(Clone, Debug, PartialEq)]
pub struct BasketReport {
    /// The model's measures, by list length.
    pub model: Vec<BasketMeasuresAt>,
    /// The same for the weighted sum of signals, without trees.
    pub weighted_sum: Vec<BasketMeasuresAt>,
    /// How much the model's NDCG is above that of the weighted sum, by list length.
    pub over_weighted_sum: Vec<Difference>,
    /// The same for one list for everyone: the items in most training baskets.
    pub popularity: Vec<BasketMeasuresAt>,
    /// The same for each shopper's most bought items, then the popular ones.
    pub personal_frequency: Vec<BasketMeasuresAt>,
    /// What would be left of the model if lists rested only on what so many people share.
    pub shared_by: Vec<SharedBy>,
    /// The weights and trees that were used.
    pub ranker: BasketRanker,
    /// What people who did not teach said of them, where they were learned.
    pub verdict: Option<OrderVerdict>,
    /// Ranked lists by shopper, ascending, as long as the largest list length.
    pub predictions: Vec<(Shopper, Vec<Item>)>,
    /// Time of each query, the search for neighbours included, in the unit of the caller's timer.
    pub latencies: Vec<u64>,
}

/// Runs the whole protocol; `timer` returns a steadily rising time in any unit.
pub fn evaluate_baskets(task: &BasketTask<'_>, timer: &dyn Fn() -> u64) -> BasketReport {
    let train = assemble(task.train);
    let now = train.iter().map(|(_, basket)| basket.time).max().unwrap_or(0);
    let mut scratch = Scratch::default();
    let state = BasketVectors::build(train.clone());
    let market = Market::at(&state, now);
    let learned = match task.tuning {
        Tuning::Fixed(weights) => Some((BasketRanker { weights, trees: None }, None)),
        Tuning::TrainTail => taught(&train),
        Tuning::Valid(rows) => {
            let valid = assemble(rows);
            let known: Vec<_> = train.iter().chain(&valid).cloned().collect();
            let weights = || fitted((&state, &market, now), &first_baskets(valid));
            taught(&known)
                .or_else(|| Some((BasketRanker { weights: weights()?, trees: None }, None)))
        }
    };
    let (ranker, verdict) = learned.unwrap_or_default();
    let limit = task.ks.iter().copied().max().unwrap_or(0);
    let params = Params { limit, ranker, ..Params::default() };
    let judged = first_baskets(assemble(task.test));
    let mut latencies = Vec::with_capacity(judged.len());
    let mut predictions = Vec::with_capacity(judged.len());
    for (shopper, _) in &judged {
        let begin = timer();
        let neighbourhood = &state.neighbourhood((*shopper, now), &params, &mut scratch);
        let own = state.baskets(*shopper);
        let query = BasketQuery { own, now, market: &market, neighbourhood };
        let scored = next_basket(&query, &params, &mut scratch);
        latencies.push(timer().saturating_sub(begin));
        predictions.push((*shopper, scored.into_iter().map(|scored| scored.item).collect()));
    }
    let mut lists_of = |params: &Params| -> Vec<(Shopper, Vec<Item>)> {
        let mut list = |shopper: Shopper| -> Vec<Item> {
            let neighbourhood = &state.neighbourhood((shopper, now), params, &mut scratch);
            let own = state.baskets(shopper);
            let query = BasketQuery { own, now, market: &market, neighbourhood };
            let scored = next_basket(&query, params, &mut scratch);
            scored.into_iter().map(|scored| scored.item).collect()
        };
        judged.iter().map(|(shopper, _)| (*shopper, list(*shopper))).collect()
    };
    let long = lists_of(&Params { limit: limit.saturating_mul(SPARE_LISTS), ..params.clone() });
    let weights = params.ranker.weights;
    let summed =
        lists_of(&Params { ranker: BasketRanker { weights, trees: None }, ..params.clone() });
    let popular = popular(&state);
    let baseline = |rank: &dyn Fn(Shopper) -> Vec<Item>| {
        let lists: Vec<_> = judged.iter().map(|(shopper, _)| (*shopper, rank(*shopper))).collect();
        judge(&state, &judged, &lists, task.ks)
    };
    let top: Vec<Item> = popular.iter().copied().take(limit).collect();
    BasketReport {
        model: judge(&state, &judged, &predictions, task.ks),
        weighted_sum: judge(&state, &judged, &summed, task.ks),
        over_weighted_sum: differences((&predictions, &summed), &judged, task.ks),
        popularity: baseline(&|_| top.clone()),
        personal_frequency: baseline(&|shopper| frequent(&state, shopper, (&popular, limit))),
        shared_by: shared_by(&state, (&judged, &long), task.ks),
        ranker: params.ranker,
        verdict,
        predictions,
        latencies,
    }
}

/// What a shop would serve that knew these baskets, and what was said of it; none for what it begins with.
fn taught(baskets: &[(Shopper, Basket)]) -> Option<(BasketRanker, Option<OrderVerdict>)> {
    let teaching = Teaching { baskets, threads: THREADS, rests: Rests::NONE };
    let (ranker, verdict) = teaching.learn(&TeachParams::default(), None)?;
    verdict.is_surely_better().then_some((ranker, Some(verdict)))
}

/// Weights from what followed `state` at `now`.
fn fitted((state, market, now): (&BasketVectors, &Market, i64), next: &Judged) -> Option<Weights> {
    let mut lessons = Lessons::default();
    for &(shopper, ref next) in next {
        let own = state.baskets(shopper);
        lessons.add(state, &Lesson { shopper, now, own, market, next });
    }
    lessons.fit()
}

/// Ranked lists, by shopper.
type Lists = [(Shopper, Vec<Item>)];

/// How the NDCG of lists differs from that of others.
fn differences(
    (lists, others): (&Lists, &Lists),
    judged: &Judged,
    ks: &[usize],
) -> Vec<Difference> {
    let values = |lists: &Lists, k: usize| -> Vec<f64> {
        let pairs = judged.iter().zip(lists);
        pairs.map(|((_, basket), (_, list))| ndcg(list, basket, k)).collect()
    };
    ks.iter().map(|&k| paired_bootstrap(&values(lists, k), &values(others, k), 0)).collect()
}

/// Test shoppers with what they bought.
type Judged = [(Shopper, FxHashSet<Item>)];

/// Judges lists without what too few people share, for each of [`PEOPLE_MINS`].
fn shared_by(
    state: &BasketVectors,
    (judged, long): (&Judged, &[(Shopper, Vec<Item>)]),
    ks: &[usize],
) -> Vec<SharedBy> {
    let pairs = Pairs::of(state);
    let limit = ks.iter().copied().max().unwrap_or(0);
    let at = |people_min: u32| {
        let left = long.iter().map(|(shopper, list)| {
            let own = state.purchases(*shopper).map_or(&[][..], |own| &own.counts);
            (*shopper, pairs.left((list, own), (people_min, limit)))
        });
        let lists: Vec<(Shopper, Vec<Item>)> = left.collect();
        let model = judge(state, judged, &lists, ks);
        SharedBy { people_min, pairs: pairs.share(people_min), model }
    };
    PEOPLE_MINS.into_iter().map(at).collect()
}

/// Joins lines into baskets.
fn assemble(rows: &[BasketRow]) -> Vec<(Shopper, Basket)> {
    let mut rows = rows.to_vec();
    rows.sort_unstable_by_key(|row| (row.shopper, row.basket, row.time, row.item));
    let baskets = rows.chunk_by(|a, b| (a.shopper, a.basket) == (b.shopper, b.basket));
    let join = |lines: &[BasketRow]| {
        let items: Vec<Item> = lines.iter().map(|line| line.item).collect();
        let first = &lines[0];
        (first.shopper, Basket::new(first.basket, first.time, &items))
    };
    baskets.map(join).collect()
}

/// Each shopper's earliest basket, ascending by shopper; of two at one time the smaller number.
fn first_baskets(mut baskets: Vec<(Shopper, Basket)>) -> Vec<(Shopper, FxHashSet<Item>)> {
    baskets.sort_unstable_by_key(|(shopper, basket)| (*shopper, basket.time, basket.key));
    baskets.dedup_by_key(|(shopper, _)| *shopper);
    let items = |basket: Basket| basket.items().iter().copied().collect();
    baskets.into_iter().map(|(shopper, basket)| (shopper, items(basket))).collect()
}

/// All items by the number of baskets that hold them, the most frequent first.
fn popular(state: &BasketVectors) -> Vec<Item> {
    let n_baskets = |item: Item| state.buyers(item).iter().map(|&(_, n)| u64::from(n)).sum::<u64>();
    let mut items: Vec<(u64, Item)> =
        (0..state.n_items() as u32).map(|item| (n_baskets(Item(item)), Item(item))).collect();
    items.retain(|(n, _)| *n > 0);
    items.sort_unstable_by_key(|&(n, item)| (std::cmp::Reverse(n), item));
    items.into_iter().map(|(_, item)| item).collect()
}

/// A shopper's most bought items, ties by popularity, filled up with popular ones.
fn frequent(
    state: &BasketVectors,
    shopper: Shopper,
    (popular, limit): (&[Item], usize),
) -> Vec<Item> {
    let own: FxHashMap<Item, u32> = state
        .purchases(shopper)
        .map_or_else(FxHashMap::default, |own| own.counts.iter().copied().collect());
    let mut ranked: Vec<(u32, usize, Item)> = popular
        .iter()
        .enumerate()
        .filter_map(|(place, item)| own.get(item).map(|&n| (n, place, *item)))
        .collect();
    ranked.sort_unstable_by_key(|&(n, place, _)| (std::cmp::Reverse(n), place));
    let others = popular.iter().copied().filter(|item| !own.contains_key(item));
    ranked.into_iter().map(|(_, _, item)| item).chain(others).take(limit).collect()
}

/// Measures lists against the baskets, at every list length.
fn judge(
    state: &BasketVectors,
    judged: &[(Shopper, FxHashSet<Item>)],
    lists: &[(Shopper, Vec<Item>)],
    ks: &[usize],
) -> Vec<BasketMeasuresAt> {
    let is_own = |shopper: Shopper, item: Item| {
        let own = state.purchases(shopper).map_or(&[][..], |own| &own.counts);
        own.binary_search_by_key(&item, |&(held, _)| held).is_ok()
    };
    let part = |keep: &dyn Fn(Shopper, Item) -> bool, k: usize| {
        let mut values: [Vec<f64>; 3] = Default::default();
        for ((shopper, basket), (_, list)) in judged.iter().zip(lists) {
            let wanted: FxHashSet<Item> =
                basket.iter().copied().filter(|&item| keep(*shopper, item)).collect();
            if !wanted.is_empty() {
                values[0].push(recall(list, &wanted, k));
                // Adding zero turns the -0.0 of an empty sum into a plain zero.
                values[1].push(ndcg(list, &wanted, k) + 0.0);
                values[2].push(hit(list, &wanted, k));
            }
        }
        BasketMeasures {
            recall: mean(&values[0]),
            ndcg: mean(&values[1]),
            hit_rate: mean(&values[2]),
            n_shoppers: values[0].len(),
        }
    };
    let at = |&k: &usize| BasketMeasuresAt {
        k,
        all: part(&|_, _| true, k),
        repeat: part(&|shopper, item| is_own(shopper, item), k),
        new: part(&|shopper, item| !is_own(shopper, item), k),
    };
    ks.iter().map(at).collect()
}
