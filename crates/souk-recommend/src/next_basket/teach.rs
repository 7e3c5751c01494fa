//! Learns how a shop's next baskets are put in order, from the baskets that followed earlier moments.
//!
//! A lesson is the first basket of a shopper after a moment near a *cut*, foreseen from what came before. Cuts
//! are at random times and everybody is asked at a moment of their own within a day of it, so that lessons
//! stand at all distances from the last order, as questions do. The weights of the first order are learned from
//! three cuts, the trees of the second from more of them. Some people are kept from teaching: they judge, also
//! after moments later than all that anybody taught at.
//!
//! Who judges, and who is drawn where there are too many, follows from people's first orders and not from the
//! numbers that an import happened to give: the same orders taught anew are parted as before.

use super::fit::{Lesson, Lessons};
use super::market::DAY_MS;
use super::ranker::{RankLesson, RankLessons, drawn, order_again};
use super::signals::Weights;
use super::{Basket, BasketQuery, BasketRanker, BasketVectors, Market, Params, Scratch};
use crate::evaluate::metrics::{mean, ndcg_of_tied};
use crate::evaluate::verdict::OrderVerdict;
use crate::parallel::Rests;
use crate::trees::TreeParams;
use crate::types::{Item, Shopper};
use rustc_hash::{FxHashMap, FxHashSet};
use souk_math::Random;
use souk_math::parallel::for_chunks;
use std::sync::Arc;

#[cfg(test)]
mod tests;

/// A shopper teaches and judges only with this many earlier baskets: fewer say nothing about habits
/// (chosen).
const LESSON_BASKETS_MIN: usize = 3;
/// How many cuts teach the weights, and into how many parts the time is cut for them.
const WEIGHT_CUTS: i64 = 3;
const WEIGHT_PARTS: i64 = 10;
/// Into how many parts the time is cut for the trees and the judges: a cut is somewhere in each.
const PARTS: i64 = 40;
/// Lessons that one thread makes at a time.
const LESSONS_AT_ONCE: usize = 16;
/// One in so many people judges and never teaches: the same ones each time, so that neither a model nor
/// the one before it has learned from them.
const JUDGES_SHARE: u64 = 5;
/// The latest cuts, at which nobody teaches.
const SPARED_CUTS: i64 = 2;
/// How many of the latest cuts the judges judge at: at those that are not spared, only others teach. Two alone
/// cannot tell a gain of a hundredth with some hundred judges.
const JUDGED_CUTS: i64 = 8;
/// Judges without whom nothing is said (chosen).
const JUDGES_MIN: usize = 50;
/// Places that are judged.
const PLACES: usize = 10;
/// Where judges, the times of cuts, and the moments of people are drawn from.
const JUDGES_SEED: u64 = 0x6a75_6467;
const CUTS_SEED: u64 = 0x6375_7473;
const MOMENTS_SEED: u64 = 0x6d6f_6d73;

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
    /// Cuts that teach the trees, about a fortieth of the time apart.
    pub n_cuts: i64,
    /// Lessons of all cuts together; of more, people are drawn at each cut. Each keeps some 25 kB.
    pub lessons_max: usize,
    /// The same for the weights; each keeps some 100 kB.
    pub weight_lessons_max: usize,
    /// Into how many parts people are drawn, each the judge of trees grown on the others.
    pub n_parts: u8,
    /// How each part's trees are grown.
    pub trees: TreeParams,
}

impl Default for TeachParams {
    /// What a shop learns by, and what the evaluation measures.
    fn default() -> TeachParams {
        TeachParams {
            n_cuts: 9,
            lessons_max: 6_000,
            weight_lessons_max: 900,
            n_parts: 3,
            trees: TreeParams { learning_rate: 0.1, n_trees: 40, ..TreeParams::default() },
        }
    }
}

/// Somebody, without the number that an import gave them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Person {
    /// From their first orders.
    key: u64,
    shopper: Shopper,
}

impl Person {
    fn of(shopper: Shopper, baskets: &[Basket]) -> Person {
        let first = baskets.iter().take(LESSON_BASKETS_MIN);
        let key = first.fold(0, |key, basket| {
            let key = Random::new(key ^ basket.time as u64).bits();
            Random::new(key ^ basket.key).bits()
        });
        Person { key, shopper }
    }

    fn is_judge(self) -> bool {
        drawn(JUDGES_SEED, self.key, JUDGES_SHARE) == 0
    }
}

/// What there is to learn from, in an order that does not depend on the numbers of shoppers.
struct Material<'a> {
    teaching: &'a Teaching<'a>,
    all: BasketVectors,
    /// Those with enough baskets, ascending.
    people: Vec<Person>,
    /// How long the baskets reach, and the time after the last one.
    span: i64,
    end: i64,
}

/// Until when lessons reach, and who learns from them.
#[derive(Clone, Copy)]
struct School<'a> {
    params: &'a TeachParams,
    /// Baskets from then on teach nobody.
    until: i64,
    teaches: fn(Person) -> bool,
}

/// What was known at a cut.
struct Cut {
    state: BasketVectors,
    market: Market,
    now: i64,
    /// Baskets from then on are not foreseen.
    until: i64,
    /// Within how many milliseconds everybody is asked.
    spread: u64,
}

/// A person at a moment, and what they bought next.
struct Asked<'a> {
    person: Person,
    now: i64,
    own: &'a [Basket],
    next: FxHashSet<Item>,
}

impl Teaching<'_> {
    /// Learns an order from most people and lets the others judge, also at later times, against the weighted sum
    /// and the order in service, by NDCG@10 of their next baskets. None while there are too few people.
    pub fn learn(
        &self,
        params: &TeachParams,
        serving: Option<&BasketRanker>,
    ) -> Option<(BasketRanker, OrderVerdict)> {
        let material = Material::of(self);
        let until = material.cut_time(SPARED_CUTS, (material.end, PARTS));
        let school = School { params, until, teaches: |person| !person.is_judge() };
        let learned = material.learn(school)?;
        learned.trees.as_ref()?;
        let plain = BasketRanker::default();
        let rankers: Vec<&BasketRanker> = [&plain, &learned].into_iter().chain(serving).collect();
        let found = material.judge(&rankers);
        let of =
            |ranker: usize| -> Vec<f64> { found.iter().map(|values| values[ranker]).collect() };
        let before = serving.map(|_| of(2));
        let said = (&of(1)[..], &of(0)[..], before.as_deref());
        let verdict = OrderVerdict::of(said, params.trees.seed);
        (verdict.n_judges >= JUDGES_MIN).then_some((learned, verdict))
    }
}

impl<'a> Material<'a> {
    fn of(teaching: &'a Teaching<'a>) -> Material<'a> {
        let all = BasketVectors::build(teaching.baskets.to_vec());
        let times = || teaching.baskets.iter().map(|(_, basket)| basket.time);
        let end = times().max().map_or(0, |last| last.saturating_add(1));
        let span = end.saturating_sub(times().min().unwrap_or(0));
        let of = |shopper: Shopper| (shopper, all.baskets(shopper));
        let known = (0..all.n_shoppers() as u32).map(Shopper).map(of);
        let known = known.filter(|(_, baskets)| baskets.len() >= LESSON_BASKETS_MIN);
        let mut people: Vec<Person> =
            known.map(|(shopper, baskets)| Person::of(shopper, baskets)).collect();
        people.sort_unstable();
        Material { teaching, all, people, span, end }
    }

    /// When a cut is: the n-th before `until`, at a random time of its part.
    fn cut_time(&self, n: i64, (until, n_parts): (i64, i64)) -> i64 {
        let width = self.span / n_parts;
        let within = Random::new(CUTS_SEED ^ (n_parts * 1_000 + n) as u64).unit64();
        until - n * width - (within * width as f64) as i64
    }

    /// The n-th cut before `until`.
    fn cut(&self, n: i64, (until, n_parts): (i64, i64)) -> Cut {
        let now = self.cut_time(n, (until, n_parts));
        let before = self.teaching.baskets.iter().filter(|(_, basket)| basket.time < now);
        let state = BasketVectors::build(before.cloned().collect());
        // What all buy is counted anew more often than daily, and a day of it is little.
        let spread = (self.span / n_parts).clamp(1, DAY_MS) as u64;
        Cut { market: Market::at(&state, now), state, now, until, spread }
    }

    /// A person's moment at a cut; none where they bought too little before it, or nothing after it.
    fn asked(&self, person: Person, cut: &Cut) -> Option<Asked<'_>> {
        let moment = drawn(MOMENTS_SEED ^ cut.now as u64, person.key, cut.spread);
        let now = cut.now + moment as i64;
        let baskets = self.all.baskets(person.shopper);
        let (own, after) = baskets.split_at(baskets.partition_point(|basket| basket.time < now));
        let next = after.first().filter(|next| next.time < cut.until)?;
        let next = next.items().iter().copied().collect();
        (own.len() >= LESSON_BASKETS_MIN).then_some(Asked { person, now, own, next })
    }

    /// At most so many of the people who teach, drawn by the seed and the cut.
    fn some_asked(&self, (cut, n_max): (&Cut, usize), school: School<'_>) -> Vec<Asked<'_>> {
        let teachers = self.people.iter().filter(|person| (school.teaches)(**person));
        let mut some: Vec<_> = teachers.filter_map(|person| self.asked(*person, cut)).collect();
        if some.len() > n_max {
            let seed = school.params.trees.seed ^ cut.now as u64;
            some.sort_by_key(|asked| (drawn(seed, asked.person.key, u64::MAX), asked.person));
            some.truncate(n_max);
            some.sort_unstable_by_key(|asked| asked.person);
        }
        some
    }

    /// None where weights cannot be learned.
    fn learn(&self, school: School<'_>) -> Option<BasketRanker> {
        let School { params, until, .. } = school;
        let mut lessons = Lessons::default();
        let per_cut = params.weight_lessons_max / WEIGHT_CUTS as usize;
        for n in 1..=WEIGHT_CUTS {
            let cut = self.cut(n, (until, WEIGHT_PARTS));
            for asked in self.some_asked((&cut, per_cut), school) {
                lessons.add(&cut.state, &asked.lesson(&cut));
                self.teaching.rests.rest();
            }
        }
        let weights = lessons.fit()?;
        drop(lessons);
        let lessons = self.rank_lessons(weights, school);
        let threads = (self.teaching.threads, self.teaching.rests);
        let trees = lessons.fit((&params.trees, params.n_parts), threads);
        let trees = (trees.n_trees() > 0).then(|| Arc::new(trees));
        Some(BasketRanker { weights, trees })
    }

    /// What trees learn from, on candidates that these weights find.
    fn rank_lessons(&self, weights: Weights, school: School<'_>) -> RankLessons {
        let School { params, until, .. } = school;
        let mut lessons = RankLessons::new(weights);
        let per_cut = params.lessons_max / params.n_cuts.max(1) as usize;
        for n in 1..=params.n_cuts {
            let cut = self.cut(n, (until, PARTS));
            let asked = self.some_asked((&cut, per_cut), school);
            self.add(&mut lessons, (&cut, &asked));
        }
        lessons
    }

    /// Adds the lessons of some people, made on several threads.
    fn add(&self, to: &mut RankLessons, (cut, asked): (&Cut, &[Asked<'_>])) {
        let Teaching { threads, rests, .. } = *self.teaching;
        let weights = to.weights();
        let mut made: Vec<Option<RankLesson>> = vec![None; asked.len()];
        let make = |scratch: &mut Scratch, begin: usize, made: &mut [Option<RankLesson>]| {
            for (made, asked) in made.iter_mut().zip(&asked[begin..]) {
                *made = RankLesson::of(&weights, (&cut.state, &asked.lesson(cut)), scratch);
            }
            rests.rest();
        };
        for_chunks(&mut made, (threads, LESSONS_AT_ONCE), Scratch::default, make);
        for (asked, made) in asked.iter().zip(made) {
            if let Some(made) = made {
                to.push(asked.person.key, &made);
            }
        }
    }

    /// By judge, the mean NDCG of each ranker over the latest cuts.
    fn judge(&self, rankers: &[&BasketRanker]) -> Vec<Vec<f64>> {
        let Teaching { threads, rests, .. } = *self.teaching;
        let mut found: FxHashMap<Person, Vec<Vec<f64>>> = FxHashMap::default();
        for n in 1..=JUDGED_CUTS {
            let cut = self.cut(n, (self.end, PARTS));
            let judges = self.people.iter().filter(|person| person.is_judge());
            let judged: Vec<_> = judges.filter_map(|person| self.asked(*person, &cut)).collect();
            let mut values: Vec<Vec<f64>> = vec![Vec::new(); judged.len()];
            let judge = |scratch: &mut Scratch, begin: usize, values: &mut [Vec<f64>]| {
                for (values, asked) in values.iter_mut().zip(&judged[begin..]) {
                    *values = cut.judged(rankers, asked, scratch);
                }
                rests.rest();
            };
            for_chunks(&mut values, (threads, LESSONS_AT_ONCE), Scratch::default, judge);
            for (asked, values) in judged.iter().zip(values) {
                found.entry(asked.person).or_default().push(values);
            }
        }
        let mut found: Vec<_> = found.into_iter().collect();
        found.sort_unstable_by_key(|(person, _)| *person);
        let mean_of = |cuts: &[Vec<f64>], ranker: usize| {
            mean(&cuts.iter().map(|values| values[ranker]).collect::<Vec<_>>())
        };
        let means = |(_, cuts): (Person, Vec<Vec<f64>>)| {
            (0..rankers.len()).map(|ranker| mean_of(&cuts, ranker)).collect()
        };
        found.into_iter().map(means).collect()
    }
}

impl Asked<'_> {
    fn lesson<'a>(&'a self, cut: &'a Cut) -> Lesson<'a> {
        let Asked { person, now, own, ref next } = *self;
        Lesson { shopper: person.shopper, now, own, market: &cut.market, next }
    }
}

impl Cut {
    /// The NDCG of each ranker's list for one person. Items of equal scores share their places: which of them
    /// stands in front is decided by numbers that say nothing.
    fn judged(
        &self,
        rankers: &[&BasketRanker],
        asked: &Asked<'_>,
        scratch: &mut Scratch,
    ) -> Vec<f64> {
        let whose = (asked.person.shopper, asked.now);
        let near = self.state.neighbourhood(whose, &Params::default(), scratch);
        let (own, now, market) = (asked.own, asked.now, &self.market);
        let query = BasketQuery { own, now, market, neighbourhood: &near };
        let mut value = |ranker: &&BasketRanker| {
            let scored = order_again(&query, ranker, scratch);
            let scored = scored.map(|(score, item)| (score, asked.next.contains(&item)));
            ndcg_of_tied(&scored.collect::<Vec<_>>(), asked.next.len(), PLACES)
        };
        rankers.iter().map(&mut value).collect()
    }
}
