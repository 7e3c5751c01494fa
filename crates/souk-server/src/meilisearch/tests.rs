#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use serde_json::{Map, Value, json};
use souk_core::wire::json::Audience;
use souk_core::{Currency, Filter, SiteId};

use super::document::{Home, merge, of_product, only, primary_key, to_product};
use super::filter::{read, translate};
use super::format::Format;
use super::query::{SearchBody, Window};

#[test]
fn filters_become_ours() {
    let cases = [
        ("genres = action", "genres = 'action'"),
        ("genres = \"Action & Fun\"", "genres = 'Action & Fun'"),
        ("director = 'Jordan \\'J\\' Peele'", "director = 'Jordan ''J'' Peele'"),
        ("rating.users > 4.5", "rating.users > 4.5"),
        ("price 10 TO 20", "(price >= 10 AND price <= 20)"),
        ("a = 1 AND NOT (b != x OR c EXISTS)", "a = 1 AND NOT (b != 'x' OR c EXISTS)"),
        ("NOT a = true", "NOT a = true"),
        ("a not in [x, 'y z', 3,]", "a NOT IN ['x', 'y z', 3]"),
        ("a IN []", "id NOT EXISTS"),
        ("a NOT IN []", "id EXISTS"),
        ("a NOT EXISTS or b exists", "a NOT EXISTS OR b EXISTS"),
        ("a IS NULL OR b is not null", "a NOT EXISTS OR b EXISTS"),
        ("NOT a IS EMPTY", "NOT (a NOT EXISTS OR a = '')"),
        ("a IS NOT EMPTY", "(a EXISTS AND a != '')"),
        ("a CONTAINS x-y AND b NOT CONTAINS \"z's\"", "a CONTAINS 'x-y' AND b NOT CONTAINS 'z''s'"),
        ("a STARTS WITH 12 OR a NOT STARTS WITH b", "a STARTS WITH '12' OR a NOT STARTS WITH 'b'"),
        ("'odd name' = 1", "attributes.'odd name' = 1"),
        ("code = 007", "code = '007'"),
        ("day = 2026-01-31", "day = '2026-01-31'"),
        ("path = 'a\\\\b'", "path = 'a\\\\b'"),
    ];
    for (theirs, ours) in cases {
        assert_eq!(translate(theirs).unwrap().text, ours, "{theirs}");
        Filter::parse(ours).unwrap();
    }
}

#[test]
fn lists_of_filters_are_joined() {
    let filter = read(&json!(["a = 1", ["b = 2", "c = 3"], []])).unwrap().0.unwrap();
    assert_eq!(filter, Filter::parse("a = 1 AND (b = 2 OR c = 3)").unwrap());
    let filter = read(&json!([["a = 1 OR b = 2"], "c = 3"])).unwrap().0.unwrap();
    assert_eq!(filter.conditions().len(), 2, "{filter}");
    assert_eq!(read(&json!([])).unwrap(), (None, None));
    assert_eq!(read(&json!("  ")).unwrap(), (None, None));
    for wrong in [json!(1), json!([1]), json!([[["a = 1"]]])] {
        assert_eq!(read(&wrong).unwrap_err().code, "invalid_search_filter");
    }
}

#[test]
fn a_joined_filter_keeps_its_parts_together() {
    // `OR` binds less than `AND`, so a text with an `OR` in a list must not fall apart.
    let filter = read(&json!(["a = 1 OR b = 2", "c = 3"])).unwrap().0.unwrap();
    assert_eq!(filter, Filter::parse("(a = 1 OR b = 2) AND c = 3").unwrap());
}

#[test]
fn faults_of_filters_name_the_character() {
    let cases = [
        ("genres = ", "character 10: expected a value"),
        ("= 3", "character 1: expected an attribute"),
        ("größe = 3 AND ü", "character 16: expected `=`"),
        ("a = 1 b = 2", "character 7: expected `AND`, `OR` or the end, found `b`"),
        ("(a = 1", "character 7: expected `AND`, `OR` or `)`, found the end"),
        (
            "a = 'x",
            "character 5: expected a value: a number, a word, or a 'text' in quotes, found a quote",
        ),
        ("a IN [1 2]", "character 9: expected `,` or `]`, found `2`"),
        ("a 1 2", "character 5: expected `TO`"),
        ("a IS x", "character 6: expected `NULL` or `EMPTY`, found `x`"),
        ("a STARTS x", "character 10: expected `WITH`, found `x`"),
        ("a NOT 1", "character 7: expected `IN`, `EXISTS`, `CONTAINS` or `STARTS WITH`"),
        (
            "x = 1 AND _geoBoundingBox([1, 2], [0, 1])",
            "character 11: Souk does not support `_geoBoundingBox`",
        ),
        ("_geoRadius(1, 2)", "character 1: `_geoRadius` takes latitude"),
        ("_geoRadius(1, 2, x)", "character 18: expected a number"),
        ("a = 1 AND _geoRadius(91, 2, 3)", "character 11: latitude is 91"),
        ("a = 1 OR _geoRadius(1, 2, 3)", "beside all other conditions"),
        ("NOT (_geoRadius(1, 2, 3) AND a = 1)", "beside all other conditions"),
        ("_geoRadius(1, 2, 3) AND _geoRadius(1, 2, 4)", "name one `_geoRadius`"),
        ("a ! b", "character 5: expected `TO`"),
    ];
    for (text, expected) in cases {
        let error = translate(text).unwrap_err();
        assert_eq!(error.code, "invalid_search_filter");
        assert!(error.message.contains(expected), "{text}: {}", error.message);
    }
    let deep = "(".repeat(10_000);
    assert!(translate(&deep).unwrap_err().message.contains("over 32 levels"));
}

#[test]
fn a_radius_stands_beside_the_other_conditions() {
    let beside = |filter: Value| {
        let (filter, radius) = read(&filter).unwrap();
        let radius = radius.unwrap();
        let (latitude, longitude) = (radius.point.latitude(), radius.point.longitude());
        (filter.unwrap().conditions().len(), [latitude, longitude, radius.metres])
    };
    let expected = (2, [48.5, -16.0, 2_000.0]);
    assert_eq!(beside(json!("a = 1 AND _geoRadius(48.5, -16, 2000)")), expected);
    assert_eq!(beside(json!("(_geoRadius(48.5, -16, 2000, 10)) AND (a = 1 OR b = 2)")), expected);
    assert_eq!(beside(json!(["_geoRadius('48.5', '-16', 2000)", ["a = 1", "b = 2"]])), expected);
    assert_eq!(beside(json!([["_geoRadius(48.5, -16, 2000)"], "a = 1"])), expected);
    assert!(read(&json!([["_geoRadius(1, 2, 3)", "a = 1"]])).is_err());
}

proptest! {
    /// Whatever a client sends: an error, or a text that our own language reads.
    #[test]
    fn any_text_is_refused_or_translated(text in "[a-c=!<>'\"()\\[\\], \\\\0-9.ANDORTIEXSCULMPYWH_é-]{0,60}") {
        if let Ok(ours) = translate(&text) {
            prop_assert!(Filter::parse(&ours.text).is_ok(), "{text:?} became {ours:?}");
        }
    }
}

fn object(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

fn round(document: Value) -> Map<String, Value> {
    let site = SiteId::main();
    let home = Home { site: &site, currency: Currency::USD };
    let product = to_product(&object(document), "id", &home).unwrap();
    of_product(&product, Audience::Shopper)
}

#[test]
fn a_document_comes_back_with_all_its_fields() {
    let document = json!({
        "id": "m1",
        "title": "Carol",
        "price": 12.5,
        "genres": ["Romance", "Drama"],
        "rating": {"critics": 94, "users": {"mean": 7.2}},
        "is_new": true,
        "year": 2015,
        "tags": ["film"],
        "brand": "Killer Films",
    });
    let mut found = round(document.clone());
    assert_eq!(found.remove("availability"), Some(json!("in_stock")));
    assert_eq!(Value::Object(found), document);
}

#[test]
fn fields_lend_their_meaning_and_stay() {
    let found =
        round(json!({"id": 7, "name": "Mug", "image": "https://i/m.jpg", "category": "Kitchen",
        "in_stock": false, "price": "9", "gone": null, "published_at": 0}));
    let expected = json!({"id": "7", "title": "Mug", "name": "Mug", "image": "https://i/m.jpg",
        "image_urls": ["https://i/m.jpg"], "categories": ["Kitchen"], "category": "Kitchen",
        "availability": "out_of_stock", "price": 9, "published_at": "1970-01-01T00:00:00.000Z"});
    assert_eq!(Value::Object(found), expected);
}

#[test]
fn a_change_of_what_lent_its_meaning_changes_the_meaning() {
    let mut known = round(json!({"id": "1", "name": "Mug", "in_stock": true, "brand": "A"}));
    let change = object(json!({"name": "Cup", "in_stock": false}));
    merge(&mut known, change);
    let found = round(Value::Object(known));
    let expected = json!({"id": "1", "title": "Cup", "name": "Cup", "brand": "A", "availability": "out_of_stock"});
    assert_eq!(Value::Object(found), expected);
}

#[test]
fn what_cannot_be_a_product_says_why() {
    let site = SiteId::main();
    let home = Home { site: &site, currency: Currency::USD };
    let refused = |document: Value| to_product(&object(document), "id", &home).unwrap_err();
    assert!(refused(json!({"title": "x"})).contains("has no `id`"));
    assert!(refused(json!({"id": [1]})).contains("neither a text nor a whole number"));
    assert!(
        refused(json!({"id": 1, "sizes": [{"eu": 42}]}))
            .contains("list of objects or lists in `sizes`")
    );
    assert!(refused(json!({"id": 1, "price": "cheap"})).contains("price"));
    assert!(refused(json!({"id": 1, "brand": 5})).contains("/brand"));
}

#[test]
fn the_key_is_asked_for_or_guessed_as_meilisearch_does() {
    let key = |document: Value, asked| primary_key(&object(document), asked);
    assert_eq!(key(json!({"id": 1, "shopId": 2}), None).unwrap(), "id");
    assert_eq!(key(json!({"movieId": 1, "title": 2}), None).unwrap(), "movieId");
    assert_eq!(key(json!({"sku": 1, "id": 2}), Some("sku")).unwrap(), "sku");
    assert!(key(json!({"aid": 1, "bid": 2}), None).unwrap_err().contains("several fields"));
    assert!(key(json!({"a": 1}), None).unwrap_err().contains("no field"));
}

#[test]
fn only_what_was_asked_for_is_shown() {
    let document = object(json!({"id": "1", "a": {"b": 1, "c": {"d": 2, "e": 3}}, "x": 4}));
    let of = |fields: &[&str]| {
        let fields: Vec<String> = fields.iter().map(|f| (*f).to_owned()).collect();
        Value::Object(only(&document, &fields))
    };
    assert_eq!(of(&["id", "a.c.d", "nothing"]), json!({"id": "1", "a": {"c": {"d": 2}}}));
    assert_eq!(of(&["a.b", "a.c.e"]), json!({"a": {"b": 1, "c": {"e": 3}}}));
    assert_eq!(of(&["*"]), Value::Object(document.clone()));
}

#[test]
fn texts_are_cut_around_what_was_found_and_tagged() {
    let body: SearchBody = serde_json::from_value(json!({
        "attributesToHighlight": ["*"], "attributesToCrop": ["text:4"],
        "highlightPreTag": "[", "highlightPostTag": "]", "cropMarker": "~",
    }))
    .unwrap();
    let format = Format::of(&body).unwrap();
    let find =
        |text: &str| text.match_indices("fox").map(|(at, word)| at..at + word.len()).collect();
    let document = object(json!({
        "text": "the quick brown fox jumps over the dog", "n": 5, "list": ["fox", "hen"], "title": "a fox & co",
    }));
    let shown = Value::Object(format.document(&document, &find));
    assert_eq!(
        shown,
        json!({"text": "~quick brown [fox] jumps~", "n": "5", "list": ["[fox]", "hen"], "title": "a [fox] & co"})
    );
    assert!(Format::of(&SearchBody::default()).is_none());
}

#[test]
fn windows_end_at_a_thousand_hits() {
    let body = |value: Value| serde_json::from_value::<SearchBody>(value).unwrap().window();
    assert_eq!(body(json!({})), Window::From { offset: 0, limit: 20 });
    assert_eq!(body(json!({"offset": 990, "limit": 50})).bounds(), (990, 10));
    assert_eq!(body(json!({"page": 3, "hitsPerPage": 7})).bounds(), (14, 7));
    assert_eq!(body(json!({"page": 0})).bounds(), (0, 0));
    assert_eq!(body(json!({"offset": usize::MAX})).bounds(), (1000, 0));
}
