#![allow(clippy::unwrap_used)]
use serde_json::json;

use super::*;
use crate::test_shop::{product, titled};

fn read(product: &Product, lexicon: &mut Lexicon) -> (Vec<(Term, u8)>, usize) {
    let mut reader = Reader::default();
    let (settings, lengths) = (Settings::default(), Lengths::default());
    let draft = reader.read(product, lexicon, (&settings, &lengths));
    (draft.postings.clone(), draft.facts.len())
}

fn impact(product: &Product, word: &str) -> u8 {
    let mut lexicon = Lexicon::new(&[Language::English]);
    let (postings, _) = read(product, &mut lexicon);
    let term = Term(lexicon.terms.get(word).unwrap());
    postings.iter().find(|(other, _)| *other == term).unwrap().1
}

#[test]
fn titles_say_more_than_descriptions_and_short_ones_more_than_long_ones() {
    let in_title = product("a", json!({"title": "lamp oak", "description": "wood"}));
    let in_description = product("a", json!({"title": "wood oak", "description": "lamp"}));
    assert!(impact(&in_title, "lamp") > impact(&in_description, "lamp"));
    let long = titled("a", "lamp with a long list of words that nobody reads to the end");
    assert!(impact(&titled("a", "lamp"), "lamp") > impact(&long, "lamp"));
    let both = product("a", json!({"title": "lamp oak", "description": "lamp"}));
    assert!(impact(&both, "lamp") > impact(&in_title, "lamp"));
}

#[test]
fn values_are_what_filters_see() {
    let mut lexicon = Lexicon::new(&[Language::English]);
    let price = json!({"amount": 1999, "currency": "USD"});
    let attributes = json!({"size": ["S", "M"], "weight": 2.5});
    let fields = json!({"title": "x", "price": price, "attributes": attributes,
        "categories": ["A > B > C"]});
    read(&product("a", fields), &mut lexicon);
    let values = |key: &str| {
        let values = &lexicon.values[usize::from(lexicon.field(key).unwrap())];
        (0..values.len() as u32).map(|value| values.text(value).to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(values("price"), ["19.99"]);
    assert_eq!(values("attributes.size"), ["S", "M"]);
    assert_eq!(values("attributes.weight"), ["2.5"]);
    assert_eq!(values("categories"), ["A > B > C"]);
    assert_eq!(values(CATEGORY_TREE), ["A", "A > B", "A > B > C"]);
    assert_eq!(values("in_stock"), ["true"]);
}

#[test]
fn what_the_shop_pays_is_no_value() {
    let mut lexicon = Lexicon::new(&[Language::English]);
    let cost = json!({"amount": 1234, "currency": "USD"});
    read(&product("a", json!({"title": "x", "cost": cost})), &mut lexicon);
    assert_eq!(lexicon.field("cost"), None);
}

#[test]
fn lengths_are_means_of_a_sample() {
    let products = [titled("a", "one two three"), titled("b", "one")];
    let lengths = lengths(&products, &Settings::default());
    assert_eq!(lengths.0[TextField::Title as usize], 2.0);
}
