#![allow(clippy::unwrap_used)]

use serde_json::Value;

use souk_core::SiteId;

fn document() -> Value {
    super::document(&[SiteId::main()])
}

/// Every `$ref` of a document, for a look at what they point to.
fn references(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(object) => {
            found.extend(object.get("$ref").and_then(Value::as_str).map(str::to_owned));
            object.values().for_each(|value| references(value, found));
        }
        Value::Array(values) => values.iter().for_each(|value| references(value, found)),
        _ => {}
    }
}

#[test]
fn every_reference_leads_somewhere() {
    let document = document();
    let mut found = Vec::new();
    references(&document, &mut found);
    assert!(found.len() > 20, "only {} references", found.len());
    for reference in found {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{reference} leads nowhere");
    }
}

#[test]
fn every_operation_says_how_it_fails() {
    let document = document();
    let mut count = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            count += 1;
            let place = format!("{method} {path}");
            assert!(operation["summary"].is_string(), "{place} has no summary");
            assert!(operation["responses"]["default"].is_object(), "{place}");
            let is_open = operation["security"] == serde_json::json!([{}]);
            assert_eq!(operation["responses"]["401"].is_null(), is_open, "{place}");
        }
    }
    assert_eq!(count, 116);
    assert_eq!(document["openapi"], "3.1.0");
}

#[test]
fn product_shapes_have_the_fields_that_the_reader_knows() {
    let document = document();
    let schemas = &document["components"]["schemas"];
    let names = |schema: &str| -> Vec<String> {
        schemas[schema]["properties"].as_object().unwrap().keys().cloned().collect()
    };
    // The reader lists what it knows when it meets something else.
    let site = souk_core::SiteId::main();
    let odd = serde_json::json!({ "id": "p", "title": "t", "odd": 1 });
    let faults = souk_core::wire::json::product_from_json(&odd, &site, souk_core::Currency::USD)
        .unwrap_err();
    for name in names("ProductBody") {
        assert!(faults[0].detail.contains(&name), "{name} is not in: {}", faults[0].detail);
    }
    assert_eq!(names("ProductBody").len(), 18);
    assert_eq!(names("ProductChange").len(), 16);
    assert_eq!(schemas["ProductBody"]["additionalProperties"], false);
    assert_eq!(schemas["RecommendBody"]["additionalProperties"], false);
}

#[test]
fn days_and_times_are_those_that_there_are() {
    use proptest::strategy::{Strategy, ValueTree};
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let mut made = |pattern: &str| -> Vec<String> {
        let inner = pattern.trim_start_matches('^').trim_end_matches('$');
        let strategy = proptest::string::string_regex(inner).unwrap();
        (0..3_000).map(|_| strategy.new_tree(&mut runner).unwrap().current()).collect()
    };
    let days = made(super::DAY_PATTERN);
    for day in &days {
        souk_core::Day::parse(day).unwrap_or_else(|error| panic!("{day}: {error}"));
    }
    for end in ["-29", "-30", "-31", "02-29"] {
        assert!(days.iter().any(|day| day.ends_with(end)), "no day ends with {end}");
    }
    let time = super::schemas::TIME_PATTERN;
    for at in made(time) {
        souk_core::Timestamp::parse(&at).unwrap_or_else(|error| panic!("{at}: {error}"));
    }
}
