#![allow(clippy::unwrap_used)]

use serde_json::json;
use souk_core::wire::json::product_from_json;
use souk_core::{Currency, SiteId};

use super::*;

fn odd(kind: &'static str, (id, price): (&str, i64), text: &str) -> PlanException {
    let product = json!({"id": id, "title": format!("Good {id}"),
        "price": {"amount": price, "currency": "USD"}});
    let product = product_from_json(&product, &SiteId::main(), Currency::USD).unwrap();
    PlanException::of(kind, (&product, 10.0), text.to_owned())
}

#[test]
fn alike_things_are_one_line_and_the_most_money_comes_first() {
    let unknown = |id: &str, price: i64| odd("stock_unknown", (id, price), "count it");
    let mut free = unknown("free", 0);
    free.at_stake = None;
    let all = vec![
        unknown("cheap", 10),
        odd("shelf_life", ("fresh", 90), "do without"),
        free,
        odd("overdue", ("late", 300), "ask"),
        unknown("dear", 100),
        odd("overdue", ("later", 20), "count it"),
    ];
    let found = grouped(all);
    let told: Vec<_> = found
        .iter()
        .map(|one| (one.kind, one.n_products, one.at_stake.map(Money::minor)))
        .collect();
    assert_eq!(
        told,
        [
            ("overdue", 1, Some(3_000)),
            ("stock_unknown", 3, Some(1_100)),
            ("shelf_life", 1, Some(900)),
            ("overdue", 1, Some(200)),
        ]
    );
    let row = found[1].to_json();
    assert_eq!((&row["product_id"], &row["title"]), (&json!("dear"), &json!("Good dear")));
    assert_eq!(row["product_ids"], json!(["dear", "cheap", "free"]));
    assert_eq!(row["at_stake"], json!({"amount": 1_100, "currency": "USD"}));
}

#[test]
fn many_are_counted_and_a_thousand_named() {
    let names: Vec<String> = (0..1_500).map(|idx| format!("p{idx:04}")).collect();
    let all = names.iter().map(|id| odd("stock_unknown", (id, 10), "count it")).collect();
    let found = grouped(all);
    assert_eq!((found.len(), found[0].n_products, found[0].products.len()), (1, 1_500, 1_000));
    assert_eq!(found[0].at_stake.unwrap().minor(), 150_000);
    assert_eq!(found[0].products[999].as_str(), "p0999");
}
