#![allow(clippy::unwrap_used)]

use souk_core::{Action, Event, Fact, OrderChange, Purpose, Purposes};

use super::super::attribution::tests::{did, log, order_of};
use super::super::tests::{answered, at, event, fold, fold_with, rules, subject};
use super::super::{Did, Views};
use super::*;

const DAY: i64 = 1_440;
const WINDOWS: Windows = Windows { click_days: 1, order_days: 7 };

/// What is counted of one search, without what borrows.
#[derive(Clone, Debug, PartialEq)]
struct Told {
    key: String,
    n_found: Option<u32>,
    taken: Vec<Did>,
    found_anew: Vec<Did>,
    may_learn: bool,
}

/// What each person searched for.
fn told(views: &Views) -> Vec<Vec<Told>> {
    let mut people = Vec::new();
    views.each_searcher((0..views.n_search_rows(), WINDOWS), |person| {
        let told = person.iter().map(|one| Told {
            key: one.key.to_owned(),
            n_found: one.n_found,
            taken: one.taken.iter().map(|taken| taken.did).collect(),
            found_anew: one.found_anew.iter().map(|taken| taken.did).collect(),
            may_learn: one.may_learn,
        });
        people.push(told.collect());
    });
    people
}

fn search(query: &str, request: &str, (minutes, products): (i64, &[u8])) -> Event {
    event(minutes, answered(query, request, products))
}

fn one(key: &str, n_found: u32, taken: &[Did]) -> Told {
    Told {
        key: key.to_owned(),
        n_found: Some(n_found),
        taken: taken.to_vec(),
        found_anew: Vec::new(),
        may_learn: true,
    }
}

#[test]
fn queries_are_one_whatever_their_spelling() {
    let key = |query: &str| query_key(query).unwrap_or_default();
    assert_eq!(key("  Crème  BRÛLÉE!"), "creme brulee");
    assert_eq!(key("1.5 l"), "1 5 l");
    assert_eq!(key("緑茶"), "緑茶");
    for none in ["", " ?! ", "mail to [EMAIL]", &"x".repeat(81)] {
        assert_eq!(query_key(none), None, "{none}");
    }
}

#[test]
fn a_search_is_told_with_what_was_done_with_its_products() {
    let mut events = vec![
        (Some(0), search("Tea", "r1", (0, &[1, 2, 3]))),
        (Some(0), did(1, Action::Clicked, 2, Some("r1"))),
        (Some(0), did(2, Action::AddedToCart, 2, Some("r1"))),
        (Some(0), did(2, Action::Clicked, 1, None)),
        // Nothing that the search showed.
        (Some(0), did(3, Action::Clicked, 5, Some("r1"))),
    ];
    events.extend(order_of(0, (9, 1, OrderChange::Placed), &[(1, 300)]));
    let views = fold(&log(events));
    let mut wanted = one("tea", 3, &[Did::Ordered, Did::Carted]);
    let mut found = told(&views);
    wanted.taken.sort_unstable();
    found[0][0].taken.sort_unstable();
    assert_eq!(found, [[wanted]]);
}

#[test]
fn what_was_cancelled_is_no_order() {
    let mut events = vec![(Some(0), search("tea", "r1", (0, &[1])))];
    events.extend(order_of(0, (9, 1, OrderChange::Placed), &[(1, 300)]));
    assert_eq!(told(&fold(&log(events.clone())))[0][0].taken, [Did::Ordered]);
    events.extend(order_of(0, (10, 1, OrderChange::Cancelled), &[]));
    assert_eq!(told(&fold(&log(events)))[0][0].taken, []);
}

#[test]
fn a_person_counts_once_a_day_with_the_search_that_came_to_something() {
    let events = vec![
        (Some(0), search("tea", "r1", (0, &[1]))),
        (Some(0), search("TEA", "r2", (60, &[1, 2]))),
        (Some(0), did(61, Action::Clicked, 2, Some("r2"))),
        (Some(0), search("tea", "r3", (90, &[1, 2, 3]))),
        (Some(0), search("tea", "r4", (DAY, &[1]))),
        // The same answer, told again.
        (Some(0), search("tea", "r4", (DAY, &[1]))),
    ];
    let views = fold(&log(events));
    assert_eq!(told(&views), [[one("tea", 2, &[Did::Clicked]), one("tea", 1, &[])]]);
}

#[test]
fn ids_that_are_one_person_count_as_one() {
    let link = event(5, Fact::Linked { other: subject(1), basis: souk_core::LinkBasis::Identify });
    let events = vec![
        (Some(0), search("tea", "r1", (0, &[1]))),
        (Some(1), search("tea", "r2", (1, &[1]))),
        (Some(0), link),
        (Some(1), did(9, Action::Clicked, 1, Some("r1"))),
    ];
    assert_eq!(told(&fold(&log(events))), [[one("tea", 1, &[Did::Clicked])]]);
}

#[test]
fn who_types_anew_tells_what_the_first_words_meant() {
    let events = vec![
        (Some(0), search("kleenex", "r1", (0, &[1]))),
        (Some(0), search("tissues", "r2", (2, &[4]))),
        (Some(0), did(3, Action::AddedToCart, 4, Some("r2"))),
        // An hour later it is another errand.
        (Some(0), search("soap", "r3", (70, &[5]))),
        (Some(0), search("towel", "r4", (140, &[6]))),
        (Some(0), did(141, Action::Clicked, 6, Some("r4"))),
    ];
    let found = told(&fold(&log(events)));
    let anew: Vec<&[Did]> = found[0].iter().map(|one| &one.found_anew[..]).collect();
    assert_eq!(anew, [&[Did::Carted][..], &[], &[], &[]]);
}

#[test]
fn what_was_asked_together_was_not_typed_anew() {
    let soon = |mut event: Event, ms| {
        event.at = event.at.plus_ms(ms);
        event
    };
    let mut events = vec![
        (Some(0), search("kleenex", "r1", (0, &[1]))),
        (Some(0), soon(search("tissues", "r2", (0, &[4])), 40)),
        (Some(0), search("napkins", "r3", (2, &[5]))),
        (Some(0), did(3, Action::Clicked, 5, Some("r3"))),
    ];
    let anew = |events: &[(Option<u8>, Event)]| {
        let found = told(&fold(&log(events.to_vec())));
        found[0].iter().map(|one| one.found_anew.clone()).collect::<Vec<_>>()
    };
    let clicked = || vec![Did::Clicked];
    assert_eq!(anew(&events), [clicked(), clicked(), vec![]], "neither came to anything");
    events.push((Some(0), did(1, Action::Clicked, 4, Some("r2"))));
    assert_eq!(anew(&events), [vec![], vec![], vec![]], "one of them did");
}

#[test]
fn what_stands_in_a_list_of_several_has_its_places_there() {
    let mut event = search("tea", "r1", (0, &[1, 2, 3]));
    let Fact::Impressions(shown) = &mut event.fact else { unreachable!() };
    shown.marks.search.as_mut().unwrap().places = [1, 4, 20].into();
    let views = fold(&log(vec![(Some(0), event)]));
    let mut stood = Vec::new();
    let see = |views: &Views, stood: &mut Vec<(usize, Vec<u8>)>| {
        views.each_searcher((0..views.n_search_rows(), WINDOWS), |person| {
            stood.extend(person.iter().map(|one| (one.shown.len(), one.places.to_vec())));
        });
    };
    see(&views, &mut stood);
    assert_eq!(stood, [(2, vec![1, 4])], "what stands beyond the first twenty is not kept");
    let kept = Searches::restore(&views.searches.snapshot(), 100).unwrap();
    assert_eq!(kept.snapshot(), views.searches.snapshot());
    assert_eq!(&*kept.of(subject(0))[0].places, [1, 4]);
}

#[test]
fn an_event_tells_of_a_search_elsewhere_and_yields_to_the_answer_itself() {
    let elsewhere = |minutes, query: &str| event(minutes, Fact::Searched { query: query.into() });
    let events = vec![
        (Some(0), elsewhere(0, "Tea")),
        (Some(0), search("tea", "r1", (1, &[1, 2]))),
        (Some(1), elsewhere(2, "cups")),
    ];
    let mut found = told(&fold(&log(events)));
    found.sort_by_key(|person| person[0].key.clone());
    let cups = Told { n_found: None, ..one("cups", 0, &[]) };
    assert_eq!(found, [[cups], [one("tea", 2, &[])]]);
}

#[test]
fn what_must_not_be_analysed_leaves_no_words() {
    let mut withheld = search("tea", "r1", (0, &[1]));
    withheld.withheld = Purposes::NONE.with(Purpose::Analytics);
    let mut event_of = event(1, Fact::Searched { query: "tea".into() });
    event_of.withheld = withheld.withheld;
    let events =
        vec![(Some(0), withheld), (Some(0), event_of), (None, search("tea", "r2", (0, &[])))];
    let views = fold(&log(events));
    assert_eq!(told(&views), [[]; 0]);
    assert!(views.searches.queries.is_empty());
    let unnamed: Vec<Unnamed> = views.unnamed_searches().map(|(_, counted)| counted).collect();
    assert_eq!(unnamed, [Unnamed { searches: 2, empty: 1 }]);
}

#[test]
fn without_a_yes_nobody_is_counted_where_the_law_asks_for_one() {
    let records = log(vec![(Some(0), search("tea", "r1", (0, &[1])))]);
    assert_eq!(told(&fold_with(rules("eu"), &records)), [[]; 0]);
    assert_eq!(told(&fold_with(rules("us"), &records)).len(), 1);
}

#[test]
fn a_query_that_nobody_left_names_is_gone() {
    let events = vec![
        (Some(0), search("tea", "r1", (0, &[1]))),
        (Some(1), search("tea", "r2", (0, &[1]))),
        (Some(1), search("my own words", "r3", (1, &[]))),
        (Some(1), event(2, Fact::Forgotten { subject: subject(1) })),
    ];
    let views = fold(&log(events));
    assert_eq!(told(&views), [[one("tea", 1, &[])]]);
    let kept: Vec<&str> = views.searches.queries.iter().map(|query| &*query.key).collect();
    assert_eq!(kept, ["tea", ""], "the words are gone, not only their count");
}

#[test]
fn old_searches_and_more_than_so_many_of_one_subject_go() {
    let n = SEARCHES_MAX as i64 + 5;
    let many: Vec<_> = (0..n)
        .map(|idx| (Some(0), search(&format!("q{idx}"), &format!("r{idx}"), (idx, &[1]))))
        .collect();
    let views = fold(&log(many.clone()));
    let found = told(&views);
    assert_eq!((found[0].len(), found[0][0].key.as_str()), (SEARCHES_MAX, "q5"));
    let later = i64::from(SEARCH_DAYS + 2) * DAY;
    let mut records = many;
    records.push((Some(1), search("tea", "late", (later, &[1]))));
    let mut views = fold(&log(records));
    assert_eq!(told(&views), [[one("tea", 1, &[])]]);
    // Whatever was not swept yet is no part of what counts; in time it is gone.
    for _ in 0..4 {
        views.searches.advance(at(later));
    }
    assert_eq!(views.searches.by_subject.len(), 1);
    assert_eq!(views.searches.queries.iter().filter(|query| query.n_uses > 0).count(), 1);
}
