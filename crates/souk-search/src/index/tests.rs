#![allow(clippy::unwrap_used)]
use proptest::prelude::*;
use serde_json::json;
use souk_core::{Product, ProductId};

use super::*;
use crate::test_shop::{ask, ids, product, titled};
use crate::{FacetRequest, Language, SearchAnswer, SearchRequest};

fn id(text: &str) -> ProductId {
    ProductId::new(text).unwrap()
}

#[test]
fn changes_are_found_at_once() {
    let mut index = SearchIndex::new(Settings::default());
    index.upsert(&[titled("1", "Green Tea"), titled("2", "Black Tea")]);
    assert_eq!(ids(&ask(&index, "tea")).len(), 2);
    index.upsert(&[titled("1", "Green Coffee")]);
    assert_eq!(ids(&ask(&index, "tea")), ["2"]);
    assert_eq!(ids(&ask(&index, "coffee")), ["1"]);
    assert_eq!(index.len(), 2);
    assert_eq!(index.remove(&[id("2"), id("9")]), 1);
    assert!(ask(&index, "tea").hits.is_empty());
    assert!(index.contains(&id("1")) && !index.contains(&id("2")));
    assert_eq!(index.size().dead, 2);
}

#[test]
fn what_is_wanted_stays_so_when_the_product_changes() {
    let mut index = SearchIndex::new(Settings::default());
    index.upsert(&[titled("1", "Green Tea"), titled("2", "Green Tea")]);
    let wanted = id("2");
    index.set_popularity([(&wanted, 1.0)]);
    assert_eq!(ids(&ask(&index, "tea")), ["2", "1"]);
    index.upsert(&[titled("2", "Fresh Tea")]);
    assert_eq!(ids(&ask(&index, "tea")), ["2", "1"]);
    index.forget_popularity();
    assert_eq!(ids(&ask(&index, "tea")), ["1", "2"]);
}

/// Ids and titles are no column; a filter on them says what it says of the products themselves.
#[test]
fn filters_on_ids_and_titles_agree_with_those_on_products() {
    let names = ["Green Tea", "Black Tea", "Tea Pot", "Cup"];
    let products: Vec<Product> =
        (0..).zip(names).map(|(n, name)| titled(&format!("T{n}"), name)).collect();
    let index = SearchIndex::build(Settings::default(), &products, 1);
    for text in [
        "id = 't1'",
        "id != 'T1'",
        "id IN ['t0', 'T3', 'none']",
        "id EXISTS",
        "NOT id EXISTS",
        "title < 'C'",
        "title >= 'Cup' AND NOT id = 'T0'",
        "id = 'T0' OR title = 'cup' OR brand = 'x'",
        "title NOT IN ['Cup']",
    ] {
        let filter = souk_core::Filter::parse(text).unwrap();
        let expected: Vec<&str> =
            products.iter().filter(|p| filter.matches(*p)).map(|p| p.id.as_str()).collect();
        let request = SearchRequest { filter: Some(filter), ..SearchRequest::new("") };
        assert_eq!(ids(&index.search(&request).unwrap()), expected, "{text}");
    }
}

#[test]
fn the_last_of_two_with_one_id_stays() {
    let twice = [titled("1", "Old Name"), titled("1", "New Name")];
    let index = SearchIndex::build(Settings::default(), &twice, 2);
    assert_eq!(index.len(), 1);
    assert!(ask(&index, "old").hits.is_empty());
    assert_eq!(ids(&ask(&index, "new")), ["1"]);
}

#[test]
fn translations_are_found_in_their_language() {
    let translations =
        json!({"es": {"title": "Zapatillas rojas"}, "fr": {"title": "Baskets rouges"}});
    let shoe = product("1", json!({"title": "Red Sneakers", "translations": translations}));
    let settings = Settings::new(Language::English, &[Language::Spanish]);
    let index = SearchIndex::build(settings, &[shoe], 1);
    let in_spanish = |query: &str| {
        let language = Some(Language::Spanish);
        index.search(&SearchRequest { language, ..SearchRequest::new(query) }).unwrap()
    };
    assert_eq!(in_spanish("zapatilla roja").language, Language::Spanish);
    assert_eq!(in_spanish("zapatilla roja").total, 1);
    assert_eq!(in_spanish("zapatilals").total, 1, "with a typing error");
    assert_eq!(in_spanish("sneakers").total, 1, "names are the same in every language");
    assert_eq!(ask(&index, "baskets").total, 0, "French was not asked for");
}

/// A span of numbers says what each number by itself says, in fields of numbers, times and mixed ones.
#[test]
fn comparisons_by_span_agree_with_those_by_value() {
    let many = |n: u32| {
        let mut fields = json!({"title": "Thing", "attributes": {"weight": (n * 37 % 500) as f64 / 4.0,
            "size": if n.is_multiple_of(3) { json!("XL") } else { json!(n % 50) }},
            "price": {"amount": n * 7919 % 9_000, "currency": "USD"}});
        if n.is_multiple_of(2) {
            fields["published_at"] = json!(format!("2026-01-{:02}T00:00:00Z", n % 28 + 1));
        }
        product(&n.to_string(), fields)
    };
    // More than wait to be sorted, then a few more.
    let products: Vec<Product> = (0..2_500).map(many).collect();
    let mut index = SearchIndex::build(Settings::default(), &products[..2_400], 1);
    index.upsert(&products[2_400..]);
    for filter in [
        "price < 20",
        "price <= 44.99",
        "price > 80",
        "price >= 89.98",
        "price < 0",
        "price > 1000",
        "weight >= 30.25 AND weight < 31",
        "size > 20",
        "size < 'Y'",
        "published_at < '2026-01-09'",
        "published_at >= 1767571200",
        "size > 'cheap'",
        "missing < 3",
        "NOT price < 50",
        "size = 'xl' OR size = 7 OR price < 3 OR price > 80 OR weight = 30.25",
        "size IN ['xL', '7'] OR NOT weight < 90 OR missing = 'x' OR price > 89",
        "NOT (size = 'XL' OR size = 'xs') AND (weight < 3 OR published_at < '2026-01-09')",
        "(size > 40 OR size = 'XL') AND NOT size = 44",
    ] {
        let filter = souk_core::Filter::parse(filter).unwrap();
        let expected = products.iter().filter(|product| filter.matches(*product)).count();
        let request = SearchRequest { filter: Some(filter.clone()), ..SearchRequest::new("") };
        assert_eq!(index.search(&request).unwrap().total, expected, "{filter}");
    }
}

/// Shoes of some brands and prices, some of them twice.
fn some(numbers: &[u8]) -> Vec<Product> {
    let make = |n: &u8| {
        let price = json!({"amount": u32::from(*n) * 10, "currency": "USD"});
        let title = format!("{} shoe {}", ["red", "blue", "green"][usize::from(n % 3)], n / 7);
        let brand = ["Fleet", "Gazelle"][usize::from(n % 2)];
        let id = (n % 40).to_string();
        product(&id, json!({"title": title, "brand": brand, "price": price}))
    };
    numbers.iter().map(make).collect()
}

/// What searches say, without places and scores that depend on the order of coming.
fn answers(index: &SearchIndex) -> Vec<SearchAnswer> {
    let queries = ["shoe", "red shoe", "blue", "green shoe 3", "gren shoes", ""];
    let ask = |query: &&str| {
        let facets = ["brand", "price"].map(FacetRequest::new).to_vec();
        let request = SearchRequest { limit: 100, facets, ..SearchRequest::new(*query) };
        let mut answer = index.search(&request).unwrap();
        answer.hits.sort_by(|left, right| left.id.cmp(&right.id));
        for hit in &mut answer.hits {
            (hit.score, hit.parts, hit.fit) = (0.0, Default::default(), 0.0);
        }
        answer
    };
    queries.iter().map(ask).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// However products came and went, the index says what one made of the last state says; so it does
    /// after sweeping, and after a journey through bytes.
    #[test]
    fn only_the_last_state_counts(
        first in prop::collection::vec(0u8..120, 1..60),
        second in prop::collection::vec(0u8..120, 1..30),
        gone in prop::collection::vec(0u8..40, 0..20),
    ) {
        let mut index = SearchIndex::new(Settings::default());
        index.upsert(&some(&first));
        let half = some(&second);
        index.take_pieces(&half, 1);
        let gone: Vec<ProductId> = gone.iter().map(|n| id(&n.to_string())).collect();
        index.remove(&gone);
        let mut last = std::collections::BTreeMap::new();
        for product in some(&first).into_iter().chain(half) {
            last.insert(product.id.clone(), product);
        }
        for id in &gone {
            last.remove(id);
        }
        let last: Vec<Product> = last.into_values().collect();
        let mut fresh = SearchIndex::new(Settings::default());
        fresh.upsert(&last);
        let expected = answers(&fresh);
        prop_assert_eq!(answers(&index), expected.clone());
        let bytes = index.to_bytes();
        let read = SearchIndex::from_bytes(&bytes, &Settings::default()).unwrap();
        prop_assert_eq!(answers(&read), expected.clone());
        for _ in 0..4 {
            index.maintain();
        }
        prop_assert_eq!(answers(&index), expected);
    }

    /// Bytes that changed are refused, never misread.
    #[test]
    fn damage_is_noticed(place in 0usize..10_000, change in 1u8..=255, cut in 0usize..10_000) {
        let mut index = SearchIndex::new(Settings::default());
        index.upsert(&some(&[1, 2, 3, 50, 60]));
        let bytes = index.to_bytes();
        let mut changed = bytes.clone();
        let place = place % bytes.len();
        changed[place] ^= change;
        prop_assert!(SearchIndex::from_bytes(&changed, &Settings::default()).is_err());
        let cut = &bytes[..cut % bytes.len()];
        prop_assert!(SearchIndex::from_bytes(cut, &Settings::default()).is_err());
    }
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let numbers: Vec<u8> = (0..=255).collect();
    let build = |threads| SearchIndex::build(Settings::default(), &some(&numbers), threads);
    assert_eq!(build(1).to_bytes(), build(3).to_bytes());
}

#[test]
fn sweeping_gives_the_room_back() {
    let mut index = SearchIndex::new(Settings::default());
    index.take_pieces(&some(&(0..40).collect::<Vec<u8>>()), 1);
    index.take_pieces(&some(&(0..30).collect::<Vec<u8>>()), 1);
    assert_eq!((index.size().dead, index.size().chunks), (30, 2));
    while index.maintain() {}
    assert_eq!((index.size().dead, index.size().chunks, index.len()), (0, 1, 40));
    let term = index.lexicon.terms.get("shoe").unwrap();
    assert_eq!(index.lexicon.term_docs[term as usize], 40);
}

#[test]
fn a_snapshot_of_other_settings_or_versions_is_not_taken() {
    let index = SearchIndex::build(Settings::default(), &some(&[1, 2]), 1);
    let mut bytes = index.to_bytes();
    let german = Settings::new(Language::German, &[]);
    let error =
        |bytes: &[u8], settings: &Settings| SearchIndex::from_bytes(bytes, settings).unwrap_err();
    assert_eq!(error(&bytes, &german), SnapshotError::Settings);
    assert_eq!(error(b"", &german), SnapshotError::NotOne);
    bytes[8] = 200;
    assert_eq!(error(&bytes, &Settings::default()), SnapshotError::Version { found: 200 });
    bytes[0] = 0;
    assert_eq!(error(&bytes, &Settings::default()), SnapshotError::NotOne);
}
