#![allow(clippy::unwrap_used)]

use super::*;
use crate::next_basket::market::DAY_MS;
use crate::next_basket::{RANK_SIGNALS, TeachParams};
use crate::trees::{Groups, Lesson as TreeLesson, TreeParams, Trees};
use crate::wire::SnapshotError;

/// Everyone buys item 1 for five days, then 2 for five, and 3 and 4 by turns. What was in the last basket
/// comes again if it is of the first two and does not if it is of the others, which no weight can say.
fn two_rhythms(n_shoppers: u32) -> Vec<(Shopper, Basket)> {
    let mut baskets = Vec::new();
    for shopper in 0..n_shoppers {
        for day in 0..80 {
            let at = day + i64::from(shopper);
            let slow = if at / 5 % 2 == 0 { 1 } else { 2 };
            let fast = if at % 2 == 0 { 3 } else { 4 };
            let items = [slow, fast].map(Item);
            let key = u64::from(shopper) << 32 | day as u64;
            baskets.push((Shopper(shopper), Basket::new(key, day * DAY_MS, &items)));
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

fn school<'a>(params: &'a TeachParams, material: &Material<'_>) -> School<'a> {
    let until = material.cut_time(SPARED_CUTS, (material.end, PARTS));
    School { params, until, teaches: |person| !person.is_judge() }
}

#[test]
fn people_who_did_not_teach_judge_what_was_learned() {
    let baskets = two_rhythms(330);
    let (ranker, verdict) = teaching(&baskets, 1).learn(&params(), None).unwrap();
    assert!(ranker.trees.is_some());
    assert!((50..70).contains(&verdict.n_judges), "{verdict:?}");
    assert!(verdict.gain.low > 0.02 && verdict.learned > verdict.usual, "{verdict:?}");
    assert_eq!(verdict.serving, None);
    let again = teaching(&baskets, 2).learn(&params(), Some(&ranker)).unwrap();
    assert_eq!(again.0, ranker, "on any number of threads");
    let (serving, serving_gain) = (Some(verdict.learned), Some(verdict.learned - verdict.usual));
    assert_eq!(again.1, OrderVerdict { serving, serving_gain, ..verdict });
}

/// The same orders under other numbers, as another import gives them.
fn renumbered(baskets: &[(Shopper, Basket)], n_shoppers: u32) -> Vec<(Shopper, Basket)> {
    let item = |item: &Item| Item(4 - item.0);
    let of = |(shopper, basket): &(Shopper, Basket)| {
        let items: Vec<Item> = basket.items().iter().map(item).collect();
        // 7 has no divisor in common with the number of people.
        let shopper = Shopper((shopper.0 * 7 + 3) % n_shoppers);
        (shopper, Basket::new(basket.key, basket.time, &items))
    };
    baskets.iter().map(of).rev().collect()
}

#[test]
fn another_import_of_the_same_orders_learns_and_judges_the_same() {
    let baskets = two_rhythms(330);
    let again = renumbered(&baskets, 330);
    let (first, second) = (teaching(&baskets, 1), teaching(&again, 1));
    let keys = |teaching: &Teaching<'_>| -> Vec<(u64, bool)> {
        let people = Material::of(teaching).people;
        people.iter().map(|person| (person.key, person.is_judge())).collect()
    };
    assert_eq!(keys(&first), keys(&second));
    let verdicts = [&first, &second].map(|one| one.learn(&params(), None).unwrap().1);
    let [one, other] = verdicts;
    assert_eq!(one.n_judges, other.n_judges);
    let apart =
        [one.learned - other.learned, one.usual - other.usual, one.gain.low - other.gain.low];
    assert!(apart.iter().all(|apart| apart.abs() < 1e-9), "{one:?} {other:?}");
}

#[test]
fn judges_never_teach_and_lessons_are_bounded() {
    let baskets = two_rhythms(100);
    let teaching = teaching(&baskets, 1);
    let material = Material::of(&teaching);
    let judges: Vec<u64> =
        material.people.iter().filter(|one| one.is_judge()).map(|one| one.key).collect();
    let params = params();
    let lessons = material.rank_lessons(Weights::default(), school(&params, &material));
    assert!(!lessons.people.is_empty() && !judges.is_empty());
    assert!(!lessons.people.iter().any(|one| judges.contains(one)));
    let few = TeachParams { lessons_max: 90, ..params };
    let some = material.rank_lessons(Weights::default(), school(&few, &material));
    assert_eq!((some.people.len(), some.groups.len()), (90, 90));
    let people: FxHashSet<u64> = some.people.iter().copied().collect();
    assert!(people.len() > 30, "each cut draws others: {}", people.len());
}

/// Orders come once a day at the same hour; questions come at any hour, and so do lessons.
#[test]
fn lessons_stand_at_all_distances_from_the_last_order() {
    let baskets = two_rhythms(100);
    let teaching = teaching(&baskets, 1);
    let material = Material::of(&teaching);
    let params = params();
    let school = school(&params, &material);
    let mut quarters = [0; 4];
    let mut n = 0;
    for cut in (1..=9).map(|n| material.cut(n, (school.until, PARTS))) {
        for asked in material.some_asked((&cut, 1_000), school) {
            let last = asked.own.last().unwrap();
            assert!(asked.own.iter().all(|own| own.time < asked.now));
            assert!(asked.now - last.time <= DAY_MS, "the last order is known");
            quarters[((asked.now - last.time) * 4 / (DAY_MS + 1)) as usize] += 1;
            n += 1;
        }
    }
    assert!(quarters.iter().all(|quarter| quarter * 100 / n >= 20), "{quarters:?}");
}

/// What is bought after the spared cuts must not be seen by those who teach.
#[test]
fn what_is_bought_after_the_spared_cuts_teaches_nobody() {
    let baskets = two_rhythms(100);
    let before = teaching(&baskets, 1);
    let until = school(&params(), &Material::of(&before)).until;
    let late = |(who, one): &(Shopper, Basket)| {
        let items = if one.time >= until { &[Item(9)][..] } else { one.items() };
        (*who, Basket::new(one.key, one.time, items))
    };
    let changed: Vec<_> = baskets.iter().map(late).collect();
    assert_ne!(baskets, changed);
    let learn = |baskets| {
        let teaching = teaching(baskets, 1);
        let material = Material::of(&teaching);
        material.learn(school(&params(), &material)).unwrap()
    };
    assert_eq!(learn(&baskets), learn(&changed));
}

#[test]
fn too_few_judges_say_nothing() {
    assert_eq!(teaching(&two_rhythms(60), 1).learn(&params(), None), None);
    assert_eq!(teaching(&[], 1).learn(&params(), None), None);
}

#[test]
fn a_ranker_is_read_as_it_was_written_and_others_are_refused() {
    let ranker = teaching(&two_rhythms(330), 1).learn(&params(), None).unwrap().0;
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

/// Trees of a program that knew fewer signals, in another order, say what they said.
#[test]
fn trees_of_fewer_signals_are_still_read() {
    let mut groups = Groups::new(2);
    for n in 0..300 {
        let wanted = n % 3;
        let row = |at: u32| [f32::from(u8::from(at == wanted)), at as f32];
        let gains = [0, 1, 2].map(|at| f32::from(u8::from(at == wanted)));
        groups.push(&[0, 1, 2].map(row).concat(), &gains, &[]);
    }
    let names = [RANK_SIGNALS[9], RANK_SIGNALS[4]];
    let rests = Rests::NONE;
    let lesson = TreeLesson { names: &names, groups: &groups, valid: None, threads: 1, rests };
    let few = TreeParams { n_trees: 5, rows_min: 20, signal_share: 1.0, ..TreeParams::default() };
    let trees = Trees::fit(&lesson, &few);
    let old = BasketRanker { trees: Some(Arc::new(trees.clone())), ..BasketRanker::default() };
    let read = BasketRanker::decode(&old.encode()).unwrap().trees.unwrap();
    assert_eq!(read.names(), RANK_SIGNALS);
    let mut row = [7.0; RANK_SIGNALS.len()];
    (row[9], row[4]) = (1.0, 2.0);
    let (mut before, mut after) = ([0.0], [0.0]);
    trees.add_to(&[1.0, 2.0], &mut before);
    read.add_to(&row, &mut after);
    assert!(before == after && before[0] > 0.0, "{before:?} {after:?}");
    let share = |trees: &Trees, name| trees.importances().find(|(one, _)| *one == name).unwrap().1;
    assert_eq!(share(&read, RANK_SIGNALS[9]), share(&trees, RANK_SIGNALS[9]));
}

/// The bytes of version 1 stay readable: this sample is never rewritten.
#[test]
fn frozen_version_1() {
    let sample = include_bytes!("../../../testdata/basket-ranker-v1.bin");
    let ranker = BasketRanker::decode(sample).unwrap();
    assert_eq!(ranker.weights.values()[..3], [0.5, -0.25, 0.125]);
    let trees = ranker.trees.unwrap();
    assert_eq!(trees.n_trees(), 2);
    // What lies at or below the threshold of 1, and what is no number, goes to the first side.
    let asked = |since: f32| {
        let mut row = [0.0; RANK_SIGNALS.len()];
        row[RANK_SIGNALS.iter().position(|name| *name == "days_since").unwrap()] = since;
        let mut score = [0.0];
        trees.add_to(&row, &mut score);
        score[0]
    };
    let leaf = 0.168_744_15;
    assert_eq!([f32::NAN, 0.0, 1.0, 2.0].map(asked), [leaf, leaf, leaf, -leaf]);
}
