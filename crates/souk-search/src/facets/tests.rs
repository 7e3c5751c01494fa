#![allow(clippy::unwrap_used)]
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
