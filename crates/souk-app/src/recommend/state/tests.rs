#![allow(clippy::unwrap_used)]

use std::cell::Cell;

use souk_recommend::next_basket::Basket;
use souk_recommend::{Evidence, Score};

use super::*;
use crate::Config;
use crate::consent::ConsentRules;

fn of(kind: ReasonKind, n_changes: u64) -> VisitOf {
    VisitOf { kind, model: None, n_changes }
}

#[test]
fn a_visit_is_answered_once_until_it_goes_on() {
    let ranking = Ranking::default();
    let n_made = Cell::new(0);
    let ask = |kind, items: &[u32], query: SessionQuery<'_>| {
        let items: Vec<Item> = items.iter().copied().map(Item).collect();
        let query = SessionQuery { items: &items, ..query };
        ranking.visit_answer(of(kind, 0), &query, || {
            n_made.set(n_made.get() + 1);
            let evidence = Evidence { items: Vec::new(), support: n_made.get() };
            vec![Scored { item: Item(7), score: Score::new(1.0), evidence }]
        })[0]
            .evidence
            .support
    };
    let bought = ReasonKind::BoughtTogether;
    let query = SessionQuery { items: &[], now: 0, own: Some(VisitId(1)), exclude: &[], limit: 10 };
    assert_eq!((ask(bought, &[3], query), ask(bought, &[3], query)), (1, 1));
    // The visit went on; another visit; other places; another likeness.
    assert_eq!(ask(bought, &[3, 4], query), 2);
    assert_eq!(ask(bought, &[3, 4], SessionQuery { own: Some(VisitId(2)), ..query }), 3);
    assert_eq!(ask(bought, &[3, 4], SessionQuery { limit: 11, ..query }), 4);
    assert_eq!(ask(bought, &[3, 4], SessionQuery { exclude: &[Item(1)], ..query }), 5);
    assert_eq!(ask(ReasonKind::ViewedTogether, &[3, 4], query), 6);
    // What nobody stores is nobody's visit.
    let loose = SessionQuery { own: None, ..query };
    assert_eq!((ask(bought, &[3], loose), ask(bought, &[3], loose)), (7, 8));
}

#[test]
fn another_model_answers_a_visit_anew() {
    let ranking = Ranking::default();
    let query =
        SessionQuery { items: &[Item(3)], now: 0, own: Some(VisitId(1)), exclude: &[], limit: 10 };
    let ask = |model, n| {
        let made = || {
            vec![Scored { item: Item(n), score: Score::new(1.0), evidence: Evidence::default() }]
        };
        let from = VisitOf { model, ..of(ReasonKind::ViewedTogether, 0) };
        ranking.visit_answer(from, &query, made)[0].item.0
    };
    assert_eq!((ask(None, 1), ask(None, 2)), (1, 1));
    assert_eq!((ask(Some(4), 3), ask(Some(4), 4), ask(Some(5), 5)), (3, 3, 5));
}

#[test]
fn an_answer_to_a_visit_is_kept_longer_while_nobody_elses_goes_on() {
    let ranking = Ranking::default();
    let query =
        SessionQuery { items: &[Item(3)], now: 0, own: Some(VisitId(1)), exclude: &[], limit: 10 };
    let ask = |n_changes, n| {
        let score = Score::new(1.0);
        let made = || vec![Scored { item: Item(n), score, evidence: Evidence::default() }];
        ranking.visit_answer(of(ReasonKind::BoughtTogether, n_changes), &query, made)[0].item.0
    };
    let age = |by: Duration| {
        let mut kept = ranking.visits.write();
        let answer = kept.get_mut(&VisitId(1)).unwrap();
        answer.made = answer.made.checked_sub(by).unwrap();
    };
    assert_eq!((ask(5, 1), ask(6, 2)), (1, 1), "a moment, whatever others do");
    age(VISIT_AGE_MAX);
    assert_eq!((ask(5, 3), ask(6, 4)), (1, 4));
    age(SETTLED_AGE_MAX);
    assert_eq!(ask(6, 5), 5);
}

#[test]
fn a_habit_is_kept_until_the_own_baskets_or_the_model_change() {
    let ranking = Ranking::default();
    let n_made = Cell::new(0);
    let near = Arc::new(Neighbourhood::default());
    let ask = |baskets: &[Basket], model, limit: usize, near: &Arc<Neighbourhood>| {
        let from = HabitOf::new(baskets, model);
        let scored = ranking.habit((Shopper(3), from), (near, limit), || {
            n_made.set(n_made.get() + 1);
            let evidence = Evidence { items: Vec::new(), support: n_made.get() };
            vec![Scored { item: Item(7), score: Score::new(1.0), evidence }; limit]
        });
        scored[0].evidence.support
    };
    let mut own = vec![Basket::new(1, 1_000, &[Item(1)]), Basket::new(2, 2_000, &[Item(1)])];
    assert_eq!((ask(&own, None, 20, &near), ask(&own, None, 20, &near)), (1, 1));
    // What all buy is counted anew all the time.
    let market = Market::at(&BasketVectors::default(), 0);
    *ranking.market.write() = Some(Arc::new(market));
    assert_eq!(ask(&own, None, 20, &near), 1);
    // A shorter list is the beginning of a longer one.
    assert_eq!((ask(&own, None, 10, &near), ask(&own, None, 21, &near)), (1, 2));
    assert_eq!(ask(&own, None, 20, &near), 2);
    assert_eq!(ask(&own, Some(4), 20, &near), 3, "another model");
    assert_eq!(ask(&own, Some(4), 20, &Arc::default()), 4, "other neighbours");
    let near = ranking.habits.read()[&Shopper(3)].neighbourhood.clone();
    assert_eq!(ask(&own, Some(4), 20, &near), 4);
    own[1] = Basket::new(2, 2_000, &[Item(2)]);
    assert_eq!(ask(&own, Some(4), 20, &near), 5, "an order was corrected");
    own.pop();
    assert_eq!(ask(&own, Some(4), 20, &near), 6);
    let mut kept = ranking.habits.write();
    let habit = kept.get_mut(&Shopper(3)).unwrap();
    habit.made = habit.made.checked_sub(HABIT_AGE_MAX).unwrap();
    drop(kept);
    assert_eq!(ask(&own, Some(4), 20, &near), 7, "old");
}

#[test]
fn nothing_kept_outlives_an_erasure() {
    let ranking = Ranking::default();
    let query =
        SessionQuery { items: &[Item(3)], now: 0, own: Some(VisitId(1)), exclude: &[], limit: 10 };
    let made = |n: u32| {
        move || {
            vec![Scored {
                item: Item(n),
                score: Score::new(1.0),
                evidence: Evidence { items: Vec::new(), support: 0 },
            }]
        }
    };
    ranking.visit_answer(of(ReasonKind::ViewedTogether, 0), &query, made(1));
    let rules = ConsentRules::of(&Config::default()).unwrap();
    let mut views = Views::new(Arc::new(rules));
    ranking.keep_up(&views);
    let kept = ranking.visit_answer(of(ReasonKind::ViewedTogether, 0), &query, made(2));
    assert_eq!(kept[0].item, Item(1));
    let habit = |n| {
        let near = ranking.neighbourhoods.read()[&Shopper(1)].clone();
        let of = (Shopper(1), HabitOf::new(&[], None));
        ranking.habit(of, (&near, 1), made(n))[0].item
    };
    let near = Arc::new(Neighbourhood::default());
    ranking.neighbourhoods.write().insert(Shopper(1), Arc::clone(&near));
    assert_eq!((habit(1), habit(2)), (Item(1), Item(1)));
    views.counters.count(forgotten_kind(), Timestamp::EPOCH);
    ranking.keep_up(&views);
    let kept = ranking.visit_answer(of(ReasonKind::ViewedTogether, 0), &query, made(3));
    assert_eq!(kept[0].item, Item(3));
    // The same neighbours again, as if nobody but the one who left had changed them.
    ranking.neighbourhoods.write().insert(Shopper(1), near);
    assert_eq!(habit(3), Item(3));
}

#[test]
fn one_request_at_a_time_finds_neighbours_and_nobody_waits() {
    let ranking = Ranking::default();
    let basket = |key, items: &[u32]| {
        Basket::new(key, 1_000, &items.iter().map(|&item| Item(item)).collect::<Vec<_>>())
    };
    let mut baskets = BasketVectors::default();
    baskets.add_basket(Shopper(0), basket(1, &[1, 2]));
    baskets.add_basket(Shopper(1), basket(2, &[1, 2, 3]));
    let asked = (Shopper(0), Timestamp::EPOCH.plus_ms(2_000));
    let mut scratch = next_basket::Scratch::default();
    let another = ranking.searching.lock();
    let unknown = ranking.neighbourhood(asked, &baskets, &mut scratch);
    assert_eq!(*unknown, Neighbourhood::default());
    drop(another);
    let found = ranking.neighbourhood(asked, &baskets, &mut scratch);
    assert_ne!(*found, Neighbourhood::default());
    // The own baskets changed, so what is kept is old; it serves while somebody else looks.
    baskets.add_basket(Shopper(0), basket(3, &[2]));
    let another = ranking.searching.lock();
    assert!(Arc::ptr_eq(&ranking.neighbourhood(asked, &baskets, &mut scratch), &found));
    drop(another);
    assert!(!Arc::ptr_eq(&ranking.neighbourhood(asked, &baskets, &mut scratch), &found));
}
