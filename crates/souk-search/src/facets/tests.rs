#![allow(clippy::unwrap_used)]
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::Settings;
use crate::test_shop::product;

fn shop() -> SearchIndex {
    let item = |n: u32| {
        let price = json!({"amount": (n * n + 1) * 100, "currency": "USD"});
        let path = if n.is_multiple_of(2) { "Food > Bread" } else { "Food > Tea Time > Tea" };
        let brand = ["Café Olé", "Tea Room", "Steamy"][n as usize % 3];
        product(
            &n.to_string(),
            json!({"title": "Thing", "brand": brand, "price": price, "categories": [path]}),
        )
    };
    SearchIndex::build(Settings::default(), &(0..30).map(item).collect::<Vec<_>>(), 1)
}

fn ask(facet: FacetRequest) -> Facet {
    let request = SearchRequest { facets: vec![facet], ..SearchRequest::new("thing") };
    shop().search(&request).unwrap().facets.remove(0)
}

fn counts(facet: &Facet) -> Vec<(&str, usize)> {
    facet.values.iter().map(|value| (value.value.as_str(), value.count)).collect()
}

#[test]
fn numbers_that_are_as_frequent_come_in_their_order() {
    let facet = ask(FacetRequest { limit: 4, ..FacetRequest::new("price") });
    let values: Vec<&str> = counts(&facet).iter().map(|(value, _)| *value).collect();
    assert_eq!(values, ["1", "2", "5", "10"]);
}

#[test]
fn categories_count_with_the_steps_above() {
    let expected = [
        ("Food", 30),
        ("Food > Bread", 15),
        ("Food > Tea Time", 15),
        ("Food > Tea Time > Tea", 15),
    ];
    assert_eq!(counts(&ask(FacetRequest::new("categories"))), expected);
}

#[test]
fn values_are_searched_by_the_beginning_of_a_word() {
    let search =
        |text: &str| FacetRequest { search: Some(text.into()), ..FacetRequest::new("brand") };
    assert_eq!(counts(&ask(search("OLE"))), [("Café Olé", 10)]);
    assert_eq!(counts(&ask(search("room"))), [("Tea Room", 10)]);
    // `Steamy` has `tea` inside, not at the beginning.
    assert_eq!(counts(&ask(search("tea"))), [("Tea Room", 10)]);
}

#[test]
fn numbers_that_differ_by_a_hair_or_by_everything_have_ranges_too() {
    for weights in [
        [0.3, 0.300_000_000_000_000_04],
        [1.2, 1.200_000_000_000_000_2],
        [9_007_199_254_740_992.0, 9_007_199_254_740_994.0],
        [-1.7e308, 1.7e308],
        [5e-324, 1e-323],
        [1e-300, 1e300],
    ] {
        let item = |n: usize| {
            let attributes = json!({"weight": weights[n % 2]});
            product(&n.to_string(), json!({"title": "Thing", "attributes": attributes}))
        };
        let index =
            SearchIndex::build(Settings::default(), &(0..9).map(item).collect::<Vec<_>>(), 1);
        let facets = vec![FacetRequest::new("weight")];
        let request = SearchRequest { facets, ..SearchRequest::new("thing") };
        let numbers = index.search(&request).unwrap().facets.remove(0).numbers.unwrap();
        let counted: usize = numbers.ranges.iter().map(|range| range.count).sum();
        assert_eq!(counted, 9, "{weights:?}: {:?}", numbers.ranges);
        assert!(numbers.ranges.len() <= RANGES_MAX, "{weights:?}");
        assert!(numbers.ranges.iter().all(|range| range.from < range.to), "{weights:?}");
    }
}

#[test]
fn limits_cut_values_and_tell_how_many_there_are() {
    let facet = ask(FacetRequest { limit: 2, ..FacetRequest::new("brand") });
    assert_eq!((facet.values.len(), facet.n_values), (2, 3));
    let error = shop()
        .search(&SearchRequest {
            facets: vec![FacetRequest { limit: 5_000, ..FacetRequest::new("brand") }],
            ..SearchRequest::new("")
        })
        .unwrap_err();
    assert!(matches!(error, SearchError::OutOfRange { field: "facets/limit", .. }));
}

#[test]
fn ranges_hold_every_number_once() {
    let facet = ask(FacetRequest::new("price"));
    let numbers = facet.numbers.unwrap();
    assert_eq!((numbers.min, numbers.max), (1.0, 842.0));
    assert_eq!(numbers.ranges.iter().map(|range| range.count).sum::<usize>(), 30);
    assert!(numbers.ranges.windows(2).all(|pair| pair[0].to == pair[1].from));
    let own = FacetRequest { bounds: vec![1.0, 5.0, 10.0], ..FacetRequest::new("price") };
    let counts: Vec<usize> = ask(own).numbers.unwrap().ranges.iter().map(|r| r.count).collect();
    // 1, 2 | 5, 10.
    assert_eq!(counts, [2, 2]);
    assert_eq!(ask(FacetRequest::new("brand")).numbers, None);
}

#[test]
fn unknown_fields_are_named() {
    let request =
        SearchRequest { facets: vec![FacetRequest::new("colour")], ..SearchRequest::new("") };
    let error = shop().search(&request).unwrap_err();
    assert_eq!(error, SearchError::UnknownField { field: "colour".into() });
}

proptest! {
    /// Halving finds what going through all in order finds.
    #[test]
    fn the_high_end_is_that_of_the_sorted(
        counted in prop::collection::vec((-50i32..50, 1u32..40), 1..80),
    ) {
        let counted: Vec<(f64, u32)> =
            counted.into_iter().map(|(number, count)| (f64::from(number), count)).collect();
        let mut sorted = counted.clone();
        sorted.sort_by(|left, right| left.0.total_cmp(&right.0));
        let total: u32 = sorted.iter().map(|(_, count)| count).sum();
        let mut seen = 0;
        let plain = sorted.iter().find(|(_, count)| {
            seen += count;
            seen * 20 >= total * 19
        });
        prop_assert_eq!(high_of(counted), plain.unwrap().0);
    }
}
