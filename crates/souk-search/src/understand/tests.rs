#![allow(clippy::unwrap_used)]
use serde_json::json;

use crate::test_shop::{ask, ids, product};
use crate::{Effect, Relaxation, SearchIndex, SearchRequest, Settings, Structure};

fn shop() -> SearchIndex {
    let item =
        |id: &str, (title, brand): (&str, &str), (price, size, colour): (u32, &str, &str)| {
            let price = json!({"amount": price * 100, "currency": "USD"});
            let attributes = json!({"size": size, "colour": colour});
            let fields = json!({"title": title, "brand": brand, "price": price,
            "attributes": attributes, "categories": ["Sport > Running Shoes"]});
            product(id, fields)
        };
    let products = [
        item("1", ("Running Shoes", "Fleet"), (40, "42", "Red")),
        item("2", ("Running Shoes", "Gazelle"), (60, "42", "Red")),
        item("3", ("Running Shoes", "Fleet"), (45, "43", "Blue")),
        item("4", ("Apple Juice", "Orchard"), (3, "1 l", "Yellow")),
        item("5", ("Phone Case", "Apple"), (20, "S", "Red")),
    ];
    SearchIndex::build(Settings::default(), &products, 1)
}

fn meanings(query: &str) -> Vec<(String, Effect)> {
    let understood = ask(&shop(), query).understood;
    understood.into_iter().map(|one| (one.meaning, one.effect)).collect()
}

#[test]
fn prices_and_sizes_become_filters() {
    let answer = ask(&shop(), "running shoes under 50 size 42");
    assert_eq!(ids(&answer), ["1"]);
    let filtered = |text: &str| (text.to_owned(), Effect::Filtered);
    let said = meanings("running shoes under 50 size 42");
    assert!(said.contains(&filtered("price <= 50")), "{said:?}");
    assert!(said.contains(&filtered("attributes.'size' = '42'")), "{said:?}");
    assert!(
        meanings("shoes between 40 and 50 euros")
            .contains(&filtered("price >= 40 AND price <= 50"))
    );
    assert_eq!(ids(&ask(&shop(), "running shoes between 42 and 50 euros")), ["3"]);
    assert!(meanings("case more than 10").contains(&filtered("price >= 10")));
}

#[test]
fn names_are_preferences() {
    let answer = ask(&shop(), "red running shoes");
    assert_eq!(answer.understood[0].effect, Effect::Preferred);
    let meanings = meanings("fleet running shoes");
    assert!(meanings.contains(&("brand = 'Fleet'".into(), Effect::Preferred)), "{meanings:?}");
    assert!(meanings.iter().any(|(m, _)| m == "categories = 'Sport > Running Shoes'"));
    // An apple may be a juice as well.
    assert_eq!(ask(&shop(), "apple").total, 2);
}

#[test]
fn a_category_that_is_named_by_the_way_is_no_preference() {
    let named = |query: &str| meanings(query).iter().any(|(m, _)| m.starts_with("categories"));
    assert!(named("fleet running shoes") && named("running shoes for kids"));
    assert!(!named("running shoes case"));
    assert!(!named("case for running shoes"));
}

#[test]
fn cheap_is_a_wish() {
    let answer = ask(&shop(), "cheap running shoes");
    assert_eq!(ids(&answer)[..3], ["1", "3", "2"]);
}

#[test]
fn what_was_understood_can_be_undone() {
    let mut request = SearchRequest::new("running shoes under 50");
    request.structure = Structure::Literal;
    let answer = shop().search(&request).unwrap();
    assert!(answer.understood.is_empty());
    assert_eq!(answer.total, 5, "all are of the category, at any price");
}

#[test]
fn a_filter_that_leaves_nothing_is_given_up() {
    let answer = ask(&shop(), "running shoes under 1");
    assert_eq!(answer.relaxed[0], Relaxation::Understood);
    assert!(answer.total > 0);
    assert!(answer.understood.is_empty());
}

#[test]
fn words_that_only_look_so_are_left_alone() {
    assert_eq!(meanings("over ear headphones"), []);
    assert_eq!(meanings("size matters"), []);
}
