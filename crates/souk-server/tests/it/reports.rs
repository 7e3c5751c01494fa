use serde_json::json;
use souk_app::Role;

use crate::http::{get, post};
use crate::shop::Shop;

#[test]
fn an_empty_shop_has_empty_reports() {
    let shop = Shop::open();
    let key = shop.key(Role::Analyst);
    let path = "/v1/reports/recommendations?from=2026-01-01&to=2026-01-31";
    let report = shop.send(&get(path).key(&key)).expect(200).json();
    assert_eq!((&report["from"], &report["to"]), (&json!("2026-01-01"), &json!("2026-01-31")));
    assert_eq!((&report["click_days"], &report["order_days"]), (&json!(1), &json!(7)));
    assert_eq!((&report["people_min"], &report["sample"]), (&json!(20), &json!(1.0)));
    assert_eq!((&report["days"], &report["totals"]), (&json!([]), &json!([])));
    let holdout = shop.send(&get("/v1/reports/holdout").key(&key)).expect(200).json();
    assert_eq!((&holdout["name"], &holdout["share"]), (&json!("holdout-1"), &json!(0.0)));
    assert!(holdout["why"].as_str().unwrap().contains("set `holdout.share`"));
    assert_eq!((&holdout["since"], &holdout["comparisons"]), (&json!(null), &json!([])));
}

#[test]
fn wrong_days_are_named() {
    let shop = Shop::open();
    for (query, pointer) in [
        ("from=yesterday", "from"),
        ("to=2026-02-30", "to"),
        ("from=2026-02-01&to=2026-01-01", "from"),
        ("from=2020-01-01&to=2026-01-01", "from"),
        ("day=2026-01-01", ""),
    ] {
        let path = format!("/v1/reports/recommendations?{query}");
        let problem = shop.admin(get(&path));
        assert!([400, 422].contains(&problem.status), "{query}: {}", problem.status);
        if !pointer.is_empty() {
            assert_eq!(problem.json()["errors"][0]["pointer"], pointer, "{query}");
        }
    }
    // Nothing can be written there.
    shop.admin(post("/v1/reports/holdout", &json!({}))).problem(405, "method_not_allowed");
}
