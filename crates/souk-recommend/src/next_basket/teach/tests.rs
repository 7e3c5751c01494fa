#![allow(clippy::unwrap_used)]

use super::*;
use crate::next_basket::market::DAY_MS;
use crate::next_basket::{RANK_SIGNALS, TeachParams};
use crate::random::Random;
use crate::trees::{Groups, Lesson as TreeLesson, TreeParams, Trees};
use crate::wire::SnapshotError;

/// Everyone buys item 1 for five days, then 2 for five, and 3 and 4 by turns. What was in the last basket
/// comes again if it is of the first two and does not if it is of the others, which no weight can say.
fn two_rhythms(n_shoppers: u32) -> Vec<(Shopper, Basket)> {
    let mut baskets = Vec::new();
    for shopper in 0..n_shoppers {
        for day in 0..80 {
            let at = day + i64::from(shopper);
            // One basket in ten is out of step, as people are.
            let is_odd = Random::new(u64::from(shopper) << 32 | day as u64).below(10) == 0;
            let slow = if (at / 5 % 2 == 0) != is_odd { 1 } else { 2 };
            let fast = if at % 2 == 0 { 3 } else { 4 };
            let items = [slow, fast].map(Item);
            baskets.push((Shopper(shopper), Basket::new(day as u64, day * DAY_MS, &items)));
        }
    }
    baskets
}

fn params() -> TeachParams {
    let trees = TreeParams { n_trees: 30, rows_min: 20, ..TeachParams::default().trees };
    TeachParams { trees, ..TeachParams::default() }
}

fn teaching(baskets: &[(Shopper, Basket)], threads: usize) -> Teaching<'_> {
    Teaching { baskets, threads, rests: Rests::NONE }
}

#[test]
fn people_who_did_not_teach_judge_what_was_learned() {
    let baskets = two_rhythms(400);
    let (ranker, verdict) = teaching(&baskets, 1).learn_and_judge(&params(), None).unwrap();
    assert!((60..100).contains(&verdict.n_judges), "{verdict:?}");
    assert!(verdict.gain.low > 0.02 && verdict.trees > verdict.weighted_sum, "{verdict:?}");
    assert_eq!(verdict.serving, None);
    let again = teaching(&baskets, 2).learn_and_judge(&params(), Some(&ranker)).unwrap();
    assert_eq!(again.0, ranker, "on any number of threads");
    assert_eq!(again.1, BasketVerdict { serving: Some(verdict.trees), ..verdict });
}

#[test]
fn judges_never_teach_and_lessons_are_bounded() {
    let baskets = two_rhythms(100);
    let is_judge = |shopper: &Shopper| drawn(JUDGES_SEED, shopper.0, JUDGES_SHARE) == 0;
    let weights = Weights::default();
    let teachers = |shopper: Shopper| !is_judge(&shopper);
    let lessons = teaching(&baskets, 1).rank_lessons((weights, &teachers), (&params(), 2));
    assert!(!lessons.is_empty() && !lessons.people().iter().any(is_judge));
    let few = TeachParams { lessons_max: 90, ..params() };
    let some = teaching(&baskets, 1).rank_lessons((weights, &teachers), (&few, 2));
    assert_eq!(some.len(), 90);
    let people: FxHashSet<Shopper> = some.people().iter().copied().collect();
    assert!(people.len() > 30, "each cut draws others: {}", people.len());
}

/// What is bought after the first judged cut must not be seen by those who teach.
#[test]
fn what_judges_are_asked_for_teaches_nobody() {
    let baskets = two_rhythms(100);
    let (span, end) = teaching(&baskets, 1).span();
    let spared = end - JUDGED_CUTS * (span / CUTS_APART);
    let early: Vec<_> = baskets.iter().filter(|(_, one)| one.time <= spared).cloned().collect();
    let late = |(who, one): &(Shopper, Basket)| {
        let items = if one.time > spared { &[Item(9)][..] } else { one.items() };
        (*who, Basket::new(one.key, one.time, items))
    };
    let changed: Vec<_> = baskets.iter().map(late).collect();
    assert!(early.len() < baskets.len());
    let learn = |baskets| teaching(baskets, 1).learn_from(&|_| true, (&params(), JUDGED_CUTS));
    assert_eq!(learn(&baskets), learn(&changed));
}

#[test]
fn too_few_judges_say_nothing() {
    assert_eq!(teaching(&two_rhythms(60), 1).learn_and_judge(&params(), None), None);
    assert_eq!(teaching(&[], 1).learn_and_judge(&params(), None), None);
}

#[test]
fn a_ranker_is_read_as_it_was_written_and_others_are_refused() {
    let ranker = teaching(&two_rhythms(60), 1).learn(&params());
    assert!(ranker.trees.is_some());
    assert_eq!(BasketRanker::decode(&ranker.encode()).unwrap(), ranker);
    let plain = BasketRanker::default();
    assert_eq!(BasketRanker::decode(&plain.encode()).unwrap(), plain);
    let mut bytes = ranker.encode();
    bytes[40] ^= 1;
    assert_eq!(BasketRanker::decode(&bytes), Err(SnapshotError::Damaged));
    // Trees of a program that knew other signals.
    let mut names = RANK_SIGNALS;
    names[3] = "moons";
    let groups = &Groups::new(names.len());
    let lesson = TreeLesson { names: &names, groups, valid: None, threads: 1, rests: Rests::NONE };
    let other = Arc::new(Trees::fit(&lesson, &TreeParams::default()));
    let other = BasketRanker { trees: Some(other), ..plain };
    assert_eq!(BasketRanker::decode(&other.encode()), Err(SnapshotError::OtherKind));
}
