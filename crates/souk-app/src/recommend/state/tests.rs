#![allow(clippy::unwrap_used)]

use std::cell::Cell;

use souk_recommend::next_basket::Basket;
use souk_recommend::{Evidence, Score};

use super::*;
use crate::Config;
use crate::consent::ConsentRules;

#[test]
fn a_visit_is_answered_once_until_it_goes_on() {
    let ranking = Ranking::default();
    let n_made = Cell::new(0);
    let ask = |kind, items: &[u32], query: SessionQuery<'_>| {
        let items: Vec<Item> = items.iter().copied().map(Item).collect();
        let query = SessionQuery { items: &items, ..query };
        ranking.visit_answer((kind, 0), &query, || {
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
fn an_answer_to_a_visit_is_kept_longer_while_nobody_elses_goes_on() {
    let ranking = Ranking::default();
    let query =
        SessionQuery { items: &[Item(3)], now: 0, own: Some(VisitId(1)), exclude: &[], limit: 10 };
    let ask = |n_changes, n| {
        let score = Score::new(1.0);
        let made = || vec![Scored { item: Item(n), score, evidence: Evidence::default() }];
        ranking.visit_answer((ReasonKind::BoughtTogether, n_changes), &query, made)[0].item.0
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
    ranking.visit_answer((ReasonKind::ViewedTogether, 0), &query, made(1));
    let rules = ConsentRules::of(&Config::default()).unwrap();
    let mut views = Views::new(Arc::new(rules));
    ranking.keep_up(&views);
    let kept = ranking.visit_answer((ReasonKind::ViewedTogether, 0), &query, made(2));
    assert_eq!(kept[0].item, Item(1));
    views.counters.count(forgotten_kind(), Timestamp::EPOCH);
    ranking.keep_up(&views);
    let kept = ranking.visit_answer((ReasonKind::ViewedTogether, 0), &query, made(3));
    assert_eq!(kept[0].item, Item(3));
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
