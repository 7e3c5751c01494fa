#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use axum::body::to_bytes;
use serde::Deserialize;

use super::parse;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "only the faults matter")]
struct Order {
    lines: Vec<Line>,
    #[serde(default)]
    notes: BTreeMap<String, u8>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "only the faults matter")]
struct Line {
    amount: u32,
}

fn fault(text: &str) -> (u16, String, String) {
    let problem = parse::<Order>(text.as_bytes()).unwrap_err();
    let status = problem.status().as_u16();
    let response = problem.render("/v1/x", "r");
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let body = runtime.block_on(to_bytes(response.into_body(), 10_000)).unwrap();
    let document: serde_json::Value = serde_json::from_slice(&body).unwrap();
    let pointer = document["errors"][0]["pointer"].as_str().unwrap_or("-").to_owned();
    (status, pointer, document["detail"].as_str().unwrap().to_owned())
}

#[test]
fn a_wrong_type_is_named_by_its_pointer() {
    let (status, pointer, detail) = fault(r#"{"lines":[{"amount":1},{"amount":"x"}]}"#);
    assert_eq!((status, pointer.as_str()), (422, "/lines/1/amount"));
    assert_eq!(detail, "/lines/1/amount: invalid type: string \"x\", expected u32");
}

#[test]
fn unknown_and_missing_fields_are_named() {
    let (status, pointer, _) = fault(r#"{"lines":[{"amount":1,"amonut":2}]}"#);
    assert_eq!((status, pointer.as_str()), (422, "/lines/0/amonut"));
    let (status, pointer, _) = fault(r#"{"lines":[{}]}"#);
    assert_eq!((status, pointer.as_str()), (422, "/lines/0/amount"));
}

#[test]
fn a_pointer_is_escaped() {
    let (_, pointer, _) = fault(r#"{"lines":[],"notes":{"a/b~c":-1}}"#);
    assert_eq!(pointer, "/notes/a~1b~0c");
}

#[test]
fn broken_syntax_is_named_by_its_position() {
    let (status, pointer, detail) = fault("{\"lines\":\n[,]}");
    assert_eq!((status, pointer.as_str()), (400, "-"));
    assert_eq!(detail, "the body is not JSON: expected value at line 2, column 2");
    assert_eq!(fault(r#"{"lines":[]} x"#).0, 400);
    assert_eq!(fault(r#"{"lines":[{"amount":NaN}]}"#).0, 400);
    assert_eq!(fault("").0, 400);
}
