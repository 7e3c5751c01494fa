#![allow(clippy::unwrap_used)]

use super::*;
use crate::projections::Did;

const TODAY: i32 = 20_000;
const TEA: [Item; 2] = [Item(7), Item(8)];

/// A search for tea of which the first product is taken, or nothing.
fn sought(day: i32, did: Option<Did>) -> Sought<'static> {
    let taken = did.map(|did| Taken { item: TEA[0], did }).into_iter().collect();
    Sought {
        site: 0,
        key: "tea",
        day,
        n_found: Some(2),
        took_us: 1,
        shown: &TEA,
        places: &[],
        taken,
        found_anew: Vec::new(),
        may_learn: true,
        has_bought: true,
    }
}

fn counting() -> Counting {
    let people = [(name_of(&sought(0, None)), [100, 100])].into_iter().collect();
    Counting::of(people, 20)
}

#[test]
fn who_asks_every_day_weighs_as_much_as_who_asked_once() {
    let mut counting = counting();
    let often: Vec<Sought<'_>> =
        (0..60).map(|ago| sought(TODAY - ago, Some(Did::Ordered))).collect();
    counting.add(&often, TODAY);
    counting.add(&[sought(TODAY, Some(Did::Clicked))], TODAY);
    counting.add(&[sought(TODAY, None)], TODAY);
    let [shown, clicks, worth] = counting.shown[&(0, TEA[0], 0)];
    let is_near = |left: f64, right: f64| (left - right).abs() < 1e-9;
    assert!(is_near(shown, 3.0) && is_near(clicks, 2.0) && is_near(worth, 4.0), "{worth}");
}

#[test]
fn a_product_of_a_list_of_several_counts_in_its_place_there() {
    let mut counting = counting();
    let merged = Sought { places: &[3, 5], ..sought(TODAY, Some(Did::Clicked)) };
    counting.add(&[merged], TODAY);
    assert_eq!(counting.shown[&(0, TEA[0], 3)], [1.0, 1.0, 1.0]);
    assert_eq!(counting.shown[&(0, TEA[1], 5)], [1.0, 0.0, 0.0]);
    assert_eq!(counting.shown.len(), 2);
}

#[test]
fn what_nobody_was_shown_counts_as_the_middle_of_what_was() {
    const SHOWN: [Item; 5] = [Item(9), TEA[0], TEA[1], Item(10), Item(11)];
    let mut counting = counting();
    for _ in 0..40 {
        counting.add(&[Sought { shown: &SHOWN, ..sought(TODAY, Some(Did::Ordered)) }], TODAY);
    }
    let learned = counting.learned(20);
    let (_, query) = &learned[0];
    let others = query.factor(Item(99));
    assert!(query.factor(TEA[0]) > 2.0 && others < 0.7, "{query:?}");
    assert_eq!(query.own_factor(Item(99)), None);
    assert!(SHOWN.iter().all(|item| query.factor(*item) > 0.9 * others), "{query:?}");
}

#[test]
fn what_the_same_people_ask_every_week_does_not_trend() {
    let told = |days_ago: &[i32]| {
        let mut counting = counting();
        for _ in 0..47 {
            let person: Vec<Sought<'_>> =
                days_ago.iter().map(|ago| sought(TODAY - ago, None)).collect();
            counting.add(&person, TODAY);
        }
        counting.asked[0].popular(20, counting.n_days).unwrap()
    };
    let steady = told(&[0, 7, 14, 21, 28, 35]);
    assert_eq!((steady.people, steady.trend), (40, None), "in steps of twenty");
    assert_eq!(told(&[0, 1, 21, 60]).trend, Some(8.0), "94 in a week, 47 in four");
    assert_eq!(told(&[0, 1, 2]).trend, None, "of a shop that began this week");
}

#[test]
fn ids_without_orders_make_no_crowd() {
    let of = |people| Counting::of([(1, people)].into_iter().collect(), 20).numbers.len();
    assert_eq!(of([400, BUYERS_MIN - 1]), 0);
    assert_eq!(of([20, BUYERS_MIN]), 1);
    assert_eq!(of([19, 19]), 0);
}

#[test]
fn the_shop_says_what_is_not_suggested() {
    let popular = |text: &str| PopularQuery { text: text.to_owned(), people: 20, trend: None };
    let left = |learning, never: &str| {
        let of_site = OfSite {
            popular: ["knife sharpener", "knives", "pen knife"].map(popular).into(),
            ..OfSite::default()
        };
        let sites = [(SiteId::main(), of_site)].into_iter().collect();
        let mut learned = Learned { departures: 0, sites };
        let never_suggested = vec![never.to_owned()];
        let settings = SearchSettings { learning, never_suggested, ..SearchSettings::default() };
        learned.choose((&settings, &FxHashMap::default()));
        learned.popular(&SiteId::main()).len()
    };
    assert_eq!(left(SearchLearning::All, "Knife"), 1, "whole words");
    assert_eq!(left(SearchLearning::All, "spoon"), 3);
    assert_eq!(left(SearchLearning::Order, "spoon"), 0);
}
