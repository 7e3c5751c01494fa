#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use serde_json::{Value, json};
use souk_core::rules::Rule;
use souk_core::wire::json::rule_to_json;
use souk_core::{Availability, Currency, Filter, Money, Product, Timestamp};

use super::filter::{self, ListKind, read_list};
use super::record::product_of;
use super::{rules_of, sets_of};
use crate::SynonymSet;
use crate::import::ImportOptions;

fn read(text: &str) -> Result<String, String> {
    filter::read(text, Currency::USD)
}

fn read_wish(text: &str) -> Result<filter::Wish, String> {
    filter::read_wish(text, Currency::USD)
}

fn rules(rule: Value) -> (Vec<Value>, Vec<String>) {
    let at = Timestamp::parse("2026-01-15T12:00:00Z").unwrap();
    let read = rules_of(rule.as_object().unwrap(), (&ImportOptions::default(), at), 7);
    let faults = read.left_out.iter().map(|fault| {
        assert_eq!(fault.line, 7);
        format!("{}: {}", fault.column, fault.reason)
    });
    let written = |rule: &Rule| {
        rule.validate().unwrap();
        rule_to_json(rule)
    };
    (read.rules.iter().map(written).collect(), faults.collect())
}

#[test]
fn filters_become_ours() {
    let cases = [
        ("brand:Apple", "brand = 'Apple'"),
        (
            "brand:'O\\'Neill' AND NOT (price < 10.5 OR stock = 0)",
            "brand = 'O''Neill' AND NOT (price < 10.5 OR stock = 0)",
        ),
        (
            "\"odd name\":\"a b\" OR published",
            "attributes.'odd name' = 'a b' OR tags = 'published'",
        ),
        ("_tags:sale AND price:10 TO 20", "tags = 'sale' AND (price >= 10 AND price <= 20)"),
        ("in_stock:true and year:2015", "in_stock = true and year = '2015'"),
        ("hierarchicalCategories.lvl1:'A > B'", "categories = 'A > B'"),
        ("objectID:p1", "id = 'p1'"),
        ("price != -3", "price != -3"),
    ];
    for (theirs, ours) in cases {
        let ours = ours.replace(" and ", " AND ");
        assert_eq!(read(theirs).unwrap(), ours, "{theirs}");
    }
    for (wrong, character) in [("brand:", 7), ("a:b c:d", 5), ("(a:b", 5), ("a < x", 5), ("", 1)] {
        let error = read(wrong).unwrap_err();
        assert!(error.contains(&format!("at character {character}:")), "{wrong}: {error}");
    }
    assert!(read(&"(".repeat(10_000)).unwrap_err().contains("levels"));
}

/// A record's product, and what was left out of it.
fn product(record: Value) -> (Product, Vec<String>) {
    let read = product_of(record.as_object().unwrap(), &ImportOptions::default(), 1).unwrap();
    let faults = read.left_out.iter().map(|fault| format!("{}: {}", fault.column, fault.reason));
    (read.product, faults.collect())
}

#[test]
fn a_filter_finds_what_its_record_has_become() {
    let day = 1_767_225_600_i64;
    let records = [
        json!({"objectID": "a", "name": "Lamp", "price": 10, "compare_at_price": 12, "ean": "123",
            "created_at": day, "inStock": true, "category": "x", "categories": ["y"], "id": 7}),
        json!({"objectID": "b", "product_title": "Mug", "price": {"USD": {"default": 20}, "EUR": {"default": 1}},
            "regular_price": 20, "msrp": 25, "upc": "9", "ean": "5", "created_at": (day + 1) * 1_000,
            "published_at": day + 86_400, "is_in_stock": 0, "perishable_days": 3, "attributes": {"size": "L"}}),
    ];
    let products = records.map(|record| product(record).0);
    for (theirs, ids) in [
        ("name:Lamp", "a"),
        ("product_title:Mug", "b"),
        ("price < 15", "a"),
        ("price.USD.default > 15", "b"),
        ("price.USD.default:5 TO 30", "ab"),
        ("compare_at_price = 12", "a"),
        ("compare_at_price != 12", "b"),
        ("NOT compare_at_price > 11", "b"),
        ("regular_price >= 20", "b"),
        ("msrp:24 TO 26", "b"),
        ("ean:123", "a"),
        ("ean:5", "b"),
        ("upc:9", "b"),
        ("upc:5", ""),
        ("created_at = 1767225600", "a"),
        ("created_at > 1767225600000", "b"),
        ("published_at > 1767225600", "b"),
        ("inStock:true", "a"),
        ("in_stock = 1", "a"),
        ("is_in_stock < 1", "b"),
        ("inventory_available > 0", "a"),
        ("availability:'Sold Out'", "b"),
        ("availability:InStock", "a"),
        ("category:x", "a"),
        ("categories:y", "a"),
        ("id = 7", "a"),
        ("objectID:b", "b"),
        ("perishable_days < 4", "b"),
        ("attributes.size:L", "b"),
    ] {
        let filter = Filter::parse(&read(theirs).unwrap()).unwrap();
        let found = products.iter().filter(|product| filter.matches(*product));
        let found: String = found.map(|product| product.id.as_str()).collect();
        assert_eq!(found, ids, "{theirs} became {filter}");
    }
    for wrong in [
        "cost < 5",
        "variants.cost < 5",
        "price.EUR.default < 5",
        "price.USD.group_0 < 5",
        "description:x",
        "inventory_available > 5",
        "availability:soon",
    ] {
        assert!(read(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn what_the_shop_pays_is_no_attribute() {
    let (product, faults) = product(json!({
        "objectID": "a", "name": "Lamp", "cost": "4.50", "wholesale_price": 6,
        "variants": [{"sku": "a-1", "cost_price": 4}], "ecost": 3,
    }));
    assert_eq!(product.cost.map(Money::minor), Some(450));
    let names: Vec<&str> = product.attributes.keys().map(String::as_str).collect();
    assert_eq!(names, ["ecost", "variants.sku"]);
    assert_eq!(
        faults,
        ["variants.cost_price: is left out: attributes are public, and this is what the shop pays"]
    );
}

#[test]
fn what_is_said_of_stock_is_read_or_told() {
    use Availability::{Discontinued, InStock, OutOfStock, Preorder};
    for (said, known) in [
        (json!({}), InStock),
        (json!({"availability": "https://schema.org/OutOfStock"}), OutOfStock),
        (json!({"availability": "pre-order"}), Preorder),
        (json!({"availability": "Discontinued"}), Discontinued),
        (json!({"availability": "Sold Out"}), OutOfStock),
        (json!({"availability": "unavailable"}), OutOfStock),
        (json!({"availability": false}), OutOfStock),
        (json!({"availability": 3}), InStock),
        (json!({"in_stock": "false"}), OutOfStock),
        (json!({"in_stock": "no"}), OutOfStock),
        (json!({"inStock": "Yes"}), InStock),
        (json!({"is_in_stock": "0"}), OutOfStock),
    ] {
        let mut record = said.clone();
        record["objectID"] = "a".into();
        record["name"] = "Lamp".into();
        let (product, faults) = product(record);
        assert_eq!((product.availability, faults.len()), (known, 0), "{said} {faults:?}");
    }
    let (lamp, faults) =
        product(json!({"objectID": "a", "name": "Lamp", "availability": "soon", "in_stock": "no"}));
    assert_eq!(lamp.availability, OutOfStock);
    assert!(faults[0].starts_with("availability: does not say"), "{faults:?}");
    let (lamp, faults) = product(json!({"objectID": "a", "name": "Lamp", "in_stock": "perhaps"}));
    assert_eq!(lamp.availability, InStock);
    assert!(faults[0].starts_with("in_stock: does not say"), "{faults:?}");
}

#[test]
fn what_a_rule_does_not_say_of_its_pins_is_told() {
    let pin = |more: Value| {
        let mut consequence = json!({"promote": [{"objectID": "a", "position": 0}]});
        consequence.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        rules(json!({"objectID": "r", "consequence": consequence}))
    };
    assert_eq!(pin(json!({"filterPromotes": true})).1, [""; 0]);
    for (more, word) in
        [(json!({}), "is not said"), (json!({"filterPromotes": false}), "never does")]
    {
        let (rules, faults) = pin(more);
        assert_eq!((rules.len(), faults.len()), (1, 1), "{faults:?}");
        assert!(faults[0].contains(word), "{faults:?}");
    }
}

#[test]
fn lists_of_filters_become_ours() {
    let list = json!([["brand:Lumen & Co: x", "brand:-Other"], "size:\\-1"]);
    assert_eq!(
        read_list(&list, ListKind::Facets, Currency::USD).unwrap(),
        "(brand = 'Lumen & Co: x' OR NOT brand = 'Other') AND size = '-1'"
    );
    assert_eq!(
        read_list(&json!(["new", "-old"]), ListKind::Tags, Currency::USD).unwrap(),
        "tags = 'new' AND NOT tags = 'old'"
    );
    assert_eq!(
        read_list(&json!("price < 3"), ListKind::Numbers, Currency::USD).unwrap(),
        "price < 3"
    );
    assert!(read_list(&json!([1]), ListKind::Facets, Currency::USD).is_err());
    assert!(read_list(&json!(["nothing"]), ListKind::Facets, Currency::USD).is_err());
    let wish = read_wish("brand:-Lumen<score=3>").unwrap();
    assert_eq!((wish.filter.as_str(), wish.is_wanted, wish.score), ("brand = 'Lumen'", false, 3.0));
    assert!(read_wish("brand:x<score=high>").is_err());
}

proptest! {
    /// Whatever a file holds: an error, or a text that our own language reads.
    #[test]
    fn any_filter_is_refused_or_read(text in "[a-c=!<>'\":() \\\\0-9.ANDORTé_-]{0,60}") {
        if let Ok(ours) = read(&text) {
            prop_assert!(Filter::parse(&ours).is_ok(), "{text:?} became {ours:?}");
        }
        let _ = read_wish(&text);
    }
}

#[test]
fn one_rule_of_several_consequences_becomes_several() {
    let (rules, faults) = rules(json!({
        "objectID": "r1",
        "description": "Lamps",
        "conditions": [
            {"pattern": "lamp", "anchoring": "contains"},
            {"pattern": "tall light", "anchoring": "is", "context": "mobile"},
            {"context": "mobile", "pattern": "light", "anchoring": "startsWith"},
        ],
        "consequence": {"promote": [{"objectIDs": ["a", "b"], "position": 2}], "hide": [{"objectID": "c"}],
            "filterPromotes": true},
    }));
    assert_eq!(faults, [""; 0]);
    let seen: Vec<String> = rules
        .iter()
        .map(|rule| {
            format!(
                "{} {} {} {}",
                rule["id"].as_str().unwrap(),
                rule["when"]["placements"],
                rule["when"]["queries"],
                rule["action"]
            )
        })
        .collect();
    let (any, mobile) = (r#"null ["lamp"]"#, r#"["mobile"] ["^tall light$","^light"]"#);
    let (pin3, pin4, hide) =
        (r#"{"type":"pin","position":3}"#, r#"{"type":"pin","position":4}"#, r#"{"type":"hide"}"#);
    assert_eq!(
        seen,
        [
            format!("r1.1 {any} {pin3}"),
            format!("r1.2 {any} {pin4}"),
            format!("r1.3 {any} {hide}"),
            format!("r1.4 {mobile} {pin3}"),
            format!("r1.5 {mobile} {pin4}"),
            format!("r1.6 {mobile} {hide}"),
        ]
    );
    for rule in &rules {
        assert_eq!(rule["when"]["strategies"], json!(["search"]), "recommendations are not meant");
        assert_eq!(rule["name"], "Lamps");
    }
}

#[test]
fn a_condition_that_cannot_be_asked_never_makes_a_rule_hold_always() {
    for condition in [
        json!({"filters": "category:x"}),
        json!({"pattern": "{facet:brand}", "anchoring": "contains"}),
        json!({"pattern": "", "anchoring": "is"}),
    ] {
        let (rules, faults) = rules(json!({
            "objectID": "r", "conditions": [condition], "consequence": {"hide": [{"objectID": "c"}]},
        }));
        assert_eq!(rules, [json!(null); 0], "{condition}");
        assert_eq!(faults.len(), 1, "{faults:?}");
    }
}

#[test]
fn times_become_moments_and_those_that_are_over_none() {
    let rule = |validity: Value| {
        rules(json!({"objectID": "r", "validity": validity, "consequence": {"hide": [{"objectID": "c"}]}})).0
    };
    let over = json!({"from": 1, "until": 2});
    let coming = json!({"from": 1_800_000_000, "until": 1_800_003_600});
    assert_eq!(rule(json!([over])).len(), 0);
    let rules = rule(json!([over, coming, coming]));
    assert_eq!(rules.len(), 2);
    assert_eq!(rules[0]["when"]["from"], "2027-01-15T08:00:00.000Z");
    assert_eq!(rules[0]["when"]["until"], "2027-01-15T09:00:00.000Z");
    assert_eq!(rule(json!([])).len(), 1, "no times are all times");
}

#[test]
fn odd_ids_become_ids_and_stay_apart() {
    let id = |id: &str| {
        let rule = json!({"objectID": id, "consequence": {"hide": [{"objectID": "c"}]}});
        rules(rule).0[0]["id"].as_str().unwrap().to_owned()
    };
    assert_eq!(id("qr-1700-x"), "qr-1700-x");
    assert_ne!(id("a b"), id("a/b"));
    assert_ne!(id(&"x".repeat(90)), id(&"x".repeat(91)));
    assert!(id("").starts_with("a-"));
}

#[test]
fn sets_of_every_type_are_read_or_refused() {
    let read = |set: Value| sets_of(set.as_object().unwrap(), 1);
    let long: Vec<String> = (0..120).map(|n| format!("w{n}")).collect();
    let sets = read(json!({"type": "oneWaySynonym", "input": "w", "synonyms": long})).unwrap();
    assert_eq!(sets.len(), 3);
    assert_eq!(
        read(json!({"type": "altCorrection2", "word": "tee", "corrections": ["shirt"]})).unwrap(),
        [SynonymSet::OneWay { from: "tee".into(), to: vec!["shirt".into()] }]
    );
    for (wrong, column) in [
        (json!({"type": "placeholder", "placeholder": "<a>", "replacements": ["b"]}), "type"),
        (json!({"type": "synonym", "synonyms": ["one"]}), "words"),
        (json!({"type": "synonym", "synonyms": long}), "words"),
        (json!({"type": "oneWaySynonym", "synonyms": ["one"]}), "input"),
        (json!({"type": "oneWaySynonym", "input": "x", "synonyms": []}), "synonyms"),
        (json!({"type": "antonym", "synonyms": ["a", "b"]}), "type"),
    ] {
        assert_eq!(read(wrong.clone()).unwrap_err().column, column, "{wrong}");
    }
}

proptest! {
    /// Whatever a record holds, reading it ends, and a product that comes of it is valid.
    #[test]
    fn any_record_is_refused_or_read(record in record()) {
        let options = ImportOptions::default();
        if let Ok(read) = product_of(record.as_object().unwrap(), &options, 1) {
            prop_assert!(read.product.validate().is_ok());
        }
    }
}

fn record() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[a-z<>/:. 0-9]{0,8}".prop_map(Value::from),
    ];
    let names = prop::sample::select(vec![
        "objectID",
        "name",
        "price",
        "USD",
        "default",
        "_tags",
        "_geoloc",
        "lat",
        "lng",
        "lvl0",
        "lvl1",
        "categories",
        "brand",
        "in_stock",
        "created_at",
        "image",
        "x",
    ]);
    let value = leaf.prop_recursive(4, 24, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((names.clone(), inner), 0..4).prop_map(|fields| fields
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value))
                .collect()),
        ]
    });
    let names = prop::sample::select(vec![
        "objectID",
        "name",
        "price",
        "_tags",
        "_geoloc",
        "categories",
        "brand",
        "in_stock",
        "created_at",
        "image",
        "x",
    ]);
    prop::collection::vec((names, value), 0..8).prop_map(|fields| {
        let mut record: serde_json::Map<String, Value> =
            fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        record.entry("objectID").or_insert_with(|| "r".into());
        Value::Object(record)
    })
}
