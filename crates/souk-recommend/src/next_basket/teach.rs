//! Learns how a shop's next baskets are put in order, from the baskets that followed earlier moments.
//!
//! A lesson is the first basket of a shopper after a *cut*, foreseen from what came before the cut. The
//! weights of the first order are learned from three cuts, the trees of the second from more of them.
//! Some people may be kept from teaching: they judge, at cuts that taught nobody.

use super::fit::{Lesson, Lessons};
use super::ranker::{RankLesson, RankLessons, drawn};
use super::signals::Weights;
use super::{
    Basket, BasketQuery, BasketRanker, BasketVectors, Market, Params, Scratch, next_basket,
};
use crate::evaluate::bootstrap::{Difference, paired_bootstrap};
use crate::evaluate::metrics::{mean, ndcg};
use crate::parallel::{Rests, for_chunks};
use crate::trees::TreeParams;
use crate::types::{Item, Shopper};
use rustc_hash::{FxHashMap, FxHashSet};
use std::sync::Arc;

#[cfg(test)]
mod tests;

/// A shopper teaches and judges only with this many earlier baskets: fewer say nothing about habits
/// (chosen).
const LESSON_BASKETS_MIN: usize = 3;
/// How many cuts teach the weights, a tenth of the time apart.
const WEIGHT_CUTS: i64 = 3;
/// Into how many parts the time is cut for the trees: cuts are one apart.
const CUTS_APART: i64 = 40;
/// Lessons that one thread makes at a time.
const LESSONS_AT_ONCE: usize = 16;
/// One in so many people judges and never teaches: the same ones each time, so that neither a model nor
/// the one before it has learned from them.
const JUDGES_SHARE: u64 = 5;
/// The latest cuts, at which the judges judge and nobody teaches.
const JUDGED_CUTS: i64 = 2;
/// Judges without whom nothing is said (chosen).
const JUDGES_MIN: usize = 50;
/// Places that are judged.
const PLACES: usize = 10;
/// Where judges are drawn from.
const JUDGES_SEED: u64 = 0x6a75_6467;

/// What is learned from, and how.
#[derive(Clone, Copy, Debug)]
pub struct Teaching<'a> {
    /// All baskets, in any order.
    pub baskets: &'a [(Shopper, Basket)],
    /// How many threads; the result does not depend on it.
    pub threads: usize,
    /// Called every few lessons, and after each tree.
    pub rests: Rests<'a>,
}

/// How much is learned.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TeachParams {
    /// Cuts that teach the trees, a fortieth of the time apart.
    pub n_cuts: i64,
    /// Lessons of all cuts together; of more, people are drawn at each cut. Each keeps some 20 kB.
    pub lessons_max: usize,
    /// The same for the weights; each keeps some 100 kB.
    pub weight_lessons_max: usize,
    /// Into how many parts people are drawn, each the judge of trees grown on the others.
    pub n_parts: u8,
    /// How each part's trees are grown.
    pub trees: TreeParams,
}

impl Default for TeachParams {
    fn default() -> TeachParams {
        TeachParams {
            n_cuts: 9,
            lessons_max: 20_000,
            weight_lessons_max: 6_000,
            n_parts: 3,
            trees: TreeParams { learning_rate: 0.1, n_trees: 100, ..TreeParams::default() },
        }
    }
}

/// How good an order of next baskets was where nobody had taught it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct BasketVerdict {
    /// People who judged; none of them taught.
    pub n_judges: usize,
    /// NDCG@10 of their next baskets.
    pub trees: f64,
    /// The same of the weighted sum that a shop begins with.
    pub weighted_sum: f64,
    /// How much the former is above the latter, with its 95 % interval.
    pub gain: Difference,
    /// NDCG@10 of the order in service, if there is one.
    pub serving: Option<f64>,
}

/// Who teaches.
type Teachers<'a> = &'a dyn Fn(Shopper) -> bool;
/// What each shopper bought first after a cut.
type Firsts = Vec<(Shopper, FxHashSet<Item>)>;

/// What was known at a cut, and what was bought next.
struct Cut {
    state: BasketVectors,
    market: Market,
    now: i64,
    firsts: Firsts,
}

impl Teaching<'_> {
    /// Learns from everybody; trees are absent where there was nothing to learn.
    pub fn learn(&self, params: &TeachParams) -> BasketRanker {
        self.learn_from(&|_| true, (params, 0)).unwrap_or_default()
    }

    /// Learns from most people and lets the others judge, at later cuts, against the weighted sum and the
    /// order in service. None while there are too few people.
    pub fn learn_and_judge(
        &self,
        params: &TeachParams,
        serving: Option<&BasketRanker>,
    ) -> Option<(BasketRanker, BasketVerdict)> {
        let judges = |shopper: Shopper| drawn(JUDGES_SEED, shopper.0, JUDGES_SHARE) == 0;
        let learned = self.learn_from(&|shopper| !judges(shopper), (params, JUDGED_CUTS))?;
        learned.trees.as_ref()?;
        let plain = BasketRanker::default();
        let rankers: Vec<&BasketRanker> = [&plain, &learned].into_iter().chain(serving).collect();
        let found = self.judge(&rankers, &judges);
        let of =
            |ranker: usize| -> Vec<f64> { found.iter().map(|values| values[ranker]).collect() };
        let (sum, trees) = (of(0), of(1));
        let verdict = BasketVerdict {
            n_judges: found.len(),
            trees: mean(&trees),
            weighted_sum: mean(&sum),
            gain: paired_bootstrap(&trees, &sum, params.trees.seed),
            serving: serving.map(|_| mean(&of(2))),
        };
        (verdict.n_judges >= JUDGES_MIN).then_some((learned, verdict))
    }

    /// None where weights cannot be learned either.
    fn learn_from(
        &self,
        teachers: Teachers<'_>,
        (params, n_spared): (&TeachParams, i64),
    ) -> Option<BasketRanker> {
        let (span, end) = self.span();
        // Cuts that judge stay out of reach of the first cut that teaches.
        let first = end - n_spared * (span / CUTS_APART);
        let mut lessons = Lessons::default();
        let per_cut = params.weight_lessons_max / WEIGHT_CUTS as usize;
        for n in 1..=WEIGHT_CUTS {
            let cut = self.cut(first - n * (span / 10), first);
            for &(shopper, ref next) in cut.some_of((teachers, per_cut), (params, n)) {
                let lesson = Lesson { shopper, now: cut.now, market: &cut.market, next };
                lessons.add(&cut.state, &lesson);
                self.rests.rest();
            }
        }
        let weights = lessons.fit()?;
        drop(lessons);
        let lessons = self.rank_lessons((weights, teachers), (params, n_spared));
        let trees = lessons.fit((&params.trees, params.n_parts), (self.threads, self.rests));
        let trees = (trees.n_trees() > 0).then(|| Arc::new(trees));
        Some(BasketRanker { weights, trees })
    }

    /// What trees learn from, on candidates that these weights find; the last `n_spared` cuts teach nobody.
    pub fn rank_lessons(
        &self,
        (weights, teachers): (Weights, Teachers<'_>),
        (params, n_spared): (&TeachParams, i64),
    ) -> RankLessons {
        let (span, end) = self.span();
        let first = end - n_spared * (span / CUTS_APART);
        let mut lessons = RankLessons::new(weights);
        for n in 1..=params.n_cuts {
            let cut = self.cut(first - n * (span / CUTS_APART), first);
            let per_cut = params.lessons_max / params.n_cuts.max(1) as usize;
            let taught = cut.some_of((teachers, per_cut), (params, n));
            self.add(&mut lessons, (&cut, &taught));
        }
        lessons
    }

    /// How long the baskets reach, and the time of the last one.
    fn span(&self) -> (i64, i64) {
        let times = || self.baskets.iter().map(|(_, basket)| basket.time);
        let end = times().max().unwrap_or(0);
        (end.saturating_sub(times().min().unwrap_or(0)), end)
    }

    /// What was known at a cut, and what was bought from then until `end`.
    fn cut(&self, now: i64, end: i64) -> Cut {
        let before = self.baskets.iter().filter(|(_, basket)| basket.time < now);
        let state = BasketVectors::build(before.cloned().collect());
        let mut firsts: FxHashMap<Shopper, &Basket> = FxHashMap::default();
        let after = self.baskets.iter().filter(|(_, basket)| (now..=end).contains(&basket.time));
        for (shopper, basket) in after {
            let first = firsts.entry(*shopper).or_insert(basket);
            if (basket.time, basket.key) < (first.time, first.key) {
                *first = basket;
            }
        }
        let mut firsts: Firsts = firsts
            .into_iter()
            .filter(|(shopper, _)| state.baskets(*shopper).len() >= LESSON_BASKETS_MIN)
            .map(|(shopper, basket)| (shopper, basket.items().iter().copied().collect()))
            .collect();
        firsts.sort_unstable_by_key(|(shopper, _)| *shopper);
        Cut { market: Market::at(&state, now), state, now, firsts }
    }

    /// Adds the lessons of some first baskets, made on several threads.
    fn add(&self, to: &mut RankLessons, (cut, firsts): (&Cut, &[&(Shopper, FxHashSet<Item>)])) {
        let weights = to.weights();
        let mut made: Vec<Option<RankLesson>> = vec![None; firsts.len()];
        let make = |scratch: &mut Scratch, begin: usize, made: &mut [Option<RankLesson>]| {
            for (made, &&(shopper, ref next)) in made.iter_mut().zip(&firsts[begin..]) {
                let lesson = Lesson { shopper, now: cut.now, market: &cut.market, next };
                *made = RankLesson::of(&weights, (&cut.state, &lesson), scratch);
            }
            self.rests.rest();
        };
        for_chunks(&mut made, (self.threads, LESSONS_AT_ONCE), Scratch::default, make);
        for ((shopper, _), made) in firsts.iter().zip(made) {
            if let Some(made) = made {
                to.push(*shopper, &made);
            }
        }
    }

    /// By judge, the mean NDCG of each ranker over the latest cuts.
    fn judge(&self, rankers: &[&BasketRanker], judges: Teachers<'_>) -> Vec<Vec<f64>> {
        let (span, end) = self.span();
        let mut found: FxHashMap<Shopper, Vec<Vec<f64>>> = FxHashMap::default();
        for n in 1..=JUDGED_CUTS {
            let cut = self.cut(end - n * (span / CUTS_APART), end);
            let judged: Vec<_> = cut.firsts.iter().filter(|(who, _)| judges(*who)).collect();
            let mut values: Vec<Vec<f64>> = vec![Vec::new(); judged.len()];
            let judge = |scratch: &mut Scratch, begin: usize, values: &mut [Vec<f64>]| {
                for (values, (shopper, next)) in values.iter_mut().zip(&judged[begin..]) {
                    *values = cut.judged(rankers, (*shopper, next), scratch);
                }
                self.rests.rest();
            };
            for_chunks(&mut values, (self.threads, LESSONS_AT_ONCE), Scratch::default, judge);
            for ((shopper, _), values) in judged.iter().zip(values) {
                found.entry(*shopper).or_default().push(values);
            }
        }
        let mut found: Vec<_> = found.into_iter().collect();
        found.sort_unstable_by_key(|(shopper, _)| *shopper);
        let mean_of = |cuts: &[Vec<f64>], ranker: usize| {
            mean(&cuts.iter().map(|values| values[ranker]).collect::<Vec<_>>())
        };
        let means = |(_, cuts): (Shopper, Vec<Vec<f64>>)| {
            (0..rankers.len()).map(|ranker| mean_of(&cuts, ranker)).collect()
        };
        found.into_iter().map(means).collect()
    }
}

impl Cut {
    /// At most so many of the people who teach, drawn by the seed and the number of the cut.
    fn some_of(
        &self,
        (teachers, n_max): (Teachers<'_>, usize),
        (params, number): (&TeachParams, i64),
    ) -> Vec<&(Shopper, FxHashSet<Item>)> {
        let mut some: Vec<_> = self.firsts.iter().filter(|(who, _)| teachers(*who)).collect();
        if some.len() > n_max {
            let seed = params.trees.seed ^ number as u64;
            some.sort_by_key(|(shopper, _)| drawn(seed, shopper.0, u64::MAX));
            some.truncate(n_max);
            some.sort_unstable_by_key(|(shopper, _)| *shopper);
        }
        some
    }

    /// The NDCG of each ranker's list for one shopper.
    fn judged(
        &self,
        rankers: &[&BasketRanker],
        (shopper, next): (Shopper, &FxHashSet<Item>),
        scratch: &mut Scratch,
    ) -> Vec<f64> {
        let near = self.state.neighbourhood((shopper, self.now), &Params::default(), scratch);
        let query = BasketQuery {
            own: self.state.baskets(shopper),
            now: self.now,
            market: &self.market,
            neighbourhood: &near,
        };
        let mut value = |ranker: &&BasketRanker| {
            let params = Params { limit: PLACES, ranker: (*ranker).clone(), ..Params::default() };
            let list = next_basket(&query, &params, scratch);
            ndcg(&list.iter().map(|one| one.item).collect::<Vec<_>>(), next, PLACES)
        };
        rankers.iter().map(&mut value).collect()
    }
}
