#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use serde_json::json;
use souk_core::{ErrorKind, LocationId};

use super::*;
use crate::demand::tests::open;
use crate::purchasing::tests::{supplier, to, wish};
use crate::purchasing::{OrderChangeRequest, Purchasing};
use crate::test_shop::{Shop, caller};
use crate::{AuditFilter, Role};

/// `leaf` sells tea at 2.00, from 60 on at 1.80, and a draft `a` orders 12 of it.
async fn drafted(inventory: &str) -> Shop {
    let shop = open(inventory).await;
    let usd = |amount: i64| json!({"amount": amount, "currency": "USD"});
    let offers = json!([{"product_id": "tea", "price": usd(200), "multiple": 6, "minimum": 12,
        "breaks": [{"from": 60, "price": usd(180)}]}]);
    let leaf = supplier("leaf", json!({"offers": offers, "minimum_order": usd(5_000)}));
    shop.app.put_suppliers(vec![leaf], &caller(Role::Planner)).await.unwrap();
    shop.app.create_purchase_order(wish(Some("a"), 12.0), &caller(Role::Planner)).await.unwrap();
    shop
}

fn line(product: &str, quantity: f64, price: Option<i64>) -> LineChange {
    let unit_price = price.map(|amount| MoneyText { amount, currency: "USD".to_owned() });
    LineChange { product_id: product.to_owned(), quantity, unit_price }
}

fn lines(version: Option<u64>, lines: Vec<LineChange>) -> LinesChange {
    LinesChange { version, lines }
}

async fn change(shop: &Shop, change: LinesChange) -> Result<PurchaseOrder, AppError> {
    shop.app.change_purchase_lines("a", change, &caller(Role::Planner)).await
}

fn told(order: &PurchaseOrder) -> Vec<(&str, f64, i64)> {
    let row = |line: &'_ PurchaseLine| (line.quantity, line.unit_price.amount);
    order.lines.iter().map(|line| (line.product_id.as_str(), row(line).0, row(line).1)).collect()
}

#[tokio::test]
async fn a_person_changes_quantities_and_lines_of_a_draft() {
    let shop = drafted("").await;
    let two = lines(Some(1), vec![line("tea", 24.0, None), line("milk", 6.0, Some(50))]);
    let changed = change(&shop, two.clone()).await.unwrap();
    assert_eq!(told(&changed), [("tea", 24.0, 200), ("milk", 6.0, 50)]);
    assert_eq!((changed.total.amount, changed.version), (5_100, 2));
    assert_eq!(changed.changed_by.as_deref(), Some("test-planner"));
    assert_eq!(changed.state, PurchaseState::Draft);
    // The answer got lost and the call is repeated: it is so already, whatever version was read.
    assert_eq!(change(&shop, two).await.unwrap(), changed);
    // Somebody else read it before that.
    let late = change(&shop, lines(Some(1), vec![line("tea", 30.0, None)])).await.unwrap_err();
    assert!(matches!(late, AppError::Stale(_)), "{late}");
    assert!(late.to_string().contains("it is draft and has version 2 now"), "{late}");
    // What is enough for a price break costs so; a price that was agreed on stays.
    let more = vec![line("tea", 60.0, None), line("milk", 12.0, None)];
    let changed = change(&shop, lines(Some(2), more)).await.unwrap();
    assert_eq!(told(&changed), [("tea", 60.0, 180), ("milk", 12.0, 50)]);
    let changed = change(&shop, lines(None, vec![line("tea", 0.0, None)])).await.unwrap();
    assert_eq!(told(&changed), [("milk", 12.0, 50)]);
    assert_eq!(changed.total.amount, 600);
    // A change of the price alone is one too.
    let changed = change(&shop, lines(None, vec![line("milk", 12.0, Some(900))])).await.unwrap();
    assert_eq!((told(&changed), changed.total.amount), (vec![("milk", 12.0, 900)], 10_800));
    // A restart reads what it is now.
    let reread = Purchasing::open(&*shop.app.parts.tables, shop.app.clock.now()).await.unwrap();
    assert_eq!(reread.open.read().get("a"), Some(&changed));
    let filter =
        AuditFilter { operation: Some("purchase_order".to_owned()), ..AuditFilter::default() };
    let page = shop.app.audit_entries(&caller(Role::Privacy), &filter, (None, 10)).await.unwrap();
    let detail = |name: &str| -> Vec<Option<String>> {
        page.items.iter().rev().map(|item| item.entry.details.get(name).cloned()).collect()
    };
    let some = |text: &str| Some(text.to_owned());
    let changes = [
        "tea=12/200:24/200,milk=0:6/50",
        "tea=24/200:60/180,milk=6/50:12/50",
        "tea=60/180:0",
        "milk=12/50:12/900",
    ];
    assert_eq!(detail("changed")[1..], changes.map(some));
    assert_eq!(detail("amount_before")[1..], ["2400", "5100", "11400", "600"].map(some));
    assert_eq!(detail("version")[1..], ["2", "3", "4", "5"].map(some));
}

#[tokio::test]
async fn what_cannot_be_changed_is_refused_and_leaves_the_draft() {
    let shop = drafted("").await;
    let refused = async |all: Vec<LineChange>| {
        let error = change(&shop, lines(None, all)).await.unwrap_err();
        let AppError::Invalid { errors, .. } = error else { panic!("{error}") };
        (errors[0].pointer.clone(), errors[0].detail.clone())
    };
    let (place, text) = refused(vec![line("tea", 0.0, None)]).await;
    assert_eq!((&*place, &*text), ("/lines", "no line would be left; cancel the order instead"));
    let (place, text) = refused(vec![line("tea", 24.0, None), line("milk", 6.0, None)]).await;
    assert_eq!(place, "/lines/1/unit_price");
    assert_eq!(text, "supplier `leaf` offers no product `milk`; give a `unit_price`");
    assert_eq!(refused(vec![line("tea", -1.0, None)]).await.0, "/lines/0/quantity");
    assert_eq!(refused(vec![line("cocoa", 0.0, None)]).await.0, "/lines/0/product_id");
    let twice = vec![line("tea", 24.0, None), line("tea", 30.0, None)];
    assert_eq!(refused(twice).await.0, "/lines/1/product_id");
    assert_eq!(refused(Vec::new()).await.0, "/lines");
    // How many there are is said before any of them is looked up.
    let (place, text) = refused(vec![line("cocoa", 1.0, None); LINES_MAX + 1]).await;
    assert_eq!((&*place, &*text), ("/lines", "5001 lines; must be 1 to 5000"));
    for role in [Role::Analyst, Role::Merchandiser, Role::StorefrontServer] {
        let all = lines(None, vec![line("tea", 24.0, None)]);
        let denied = shop.app.change_purchase_lines("a", all, &caller(role)).await.unwrap_err();
        assert_eq!(denied.kind(), ErrorKind::Denied, "{}", role.as_str());
    }
    let mut bound = caller(Role::Planner);
    let locations = vec![LocationId::new("paris").unwrap()];
    bound.places = Arc::new(crate::Places { sites: Vec::new(), locations });
    let all = lines(None, vec![line("tea", 24.0, None)]);
    let elsewhere = shop.app.change_purchase_lines("a", all.clone(), &bound).await.unwrap_err();
    assert_eq!(elsewhere.kind(), ErrorKind::NotFound);
    let known = shop.app.purchase_order("a", &caller(Role::Planner)).await.unwrap();
    assert_eq!((told(&known), known.version), (vec![("tea", 12.0, 200)], 1));
    // Approved is approved.
    let approve = to(PurchaseState::Approved, None);
    shop.app.change_purchase_order("a", approve, &caller(Role::Planner)).await.unwrap();
    let late = change(&shop, all.clone()).await.unwrap_err();
    assert_eq!(late.kind(), ErrorKind::Conflict);
    assert!(late.to_string().contains("is approved, and only a draft"), "{late}");
    let stale = change(&shop, LinesChange { version: Some(1), ..all }).await.unwrap_err();
    assert!(matches!(stale, AppError::Stale(_)), "{stale}");
}

#[tokio::test]
async fn who_approves_approves_what_was_read_and_no_rule_what_a_person_changed() {
    let shop = drafted("").await;
    change(&shop, lines(None, vec![line("tea", 24.0, None)])).await.unwrap();
    let approve = |version| OrderChangeRequest { version, ..to(PurchaseState::Approved, None) };
    let rule = crate::Caller::new(crate::replenishment::RULE.to_owned(), Role::Planner);
    let by_rule = shop.app.change_purchase_order("a", approve(Some(2)), &rule).await.unwrap_err();
    assert!(by_rule.to_string().contains("a person changed"), "{by_rule}");
    let planner = caller(Role::Planner);
    let unread = shop.app.change_purchase_order("a", approve(Some(1)), &planner).await;
    assert!(matches!(unread.unwrap_err(), AppError::Stale(_)));
    let approved = shop.app.change_purchase_order("a", approve(Some(2)), &planner).await.unwrap();
    assert_eq!((approved.state, approved.version), (PurchaseState::Approved, 3));
}

#[tokio::test]
async fn what_terms_and_caps_say_against_a_draft_is_told() {
    let shop = drafted("approval_amount_max: 20000, amount_per_supplier_day_max: 9000").await;
    let warned = async |quantity: f64| {
        let order = change(&shop, lines(None, vec![line("tea", quantity, None)])).await.unwrap();
        shop.app.purchase_order_warnings(&order).await
    };
    assert_eq!(warned(30.0).await, [] as [&str; 0]);
    assert_eq!(
        warned(8.0).await,
        [
            "8 of `tea` is below the least quantity, 12",
            "8 of `tea` is no whole multiple of 6; 6 or 12 are",
            "16.00 USD is below the least order of `leaf`, 50.00 USD",
        ]
    );
    assert_eq!(
        warned(120.0).await,
        [
            "216.00 USD is above `inventory.approval_amount_max` (200.00 USD), the cap of rules",
            "216.00 USD is above `inventory.amount_per_supplier_day_max` (90.00 USD), the cap of rules",
        ]
    );
    // What was agreed on, or the offer of another day.
    let dear = vec![line("tea", 60.0, Some(200))];
    let order = change(&shop, lines(None, dear)).await.unwrap();
    let said = shop.app.purchase_order_warnings(&order).await;
    assert_eq!(said[0], "`tea` costs 1.80 by the offer, 2.00 here");
    let euro = MoneyText { amount: 180, currency: "EUR".to_owned() };
    let euro = LineChange { unit_price: Some(euro), ..line("tea", 60.0, None) };
    let order = change(&shop, lines(None, vec![euro])).await.unwrap();
    let said = shop.app.purchase_order_warnings(&order).await;
    assert_eq!(said[0], "`tea` costs 1.80 USD by the offer, 1.80 EUR here");
    let milk = vec![line("tea", 0.0, None), line("milk", 100.0, Some(60))];
    let order = change(&shop, lines(None, milk)).await.unwrap();
    assert_eq!(shop.app.purchase_order_warnings(&order).await, ["`leaf` offers no `milk`"]);
    // Of what is approved there is nothing to warn of any more.
    let approve = to(PurchaseState::Approved, None);
    let planner = caller(Role::Planner);
    let approved = shop.app.change_purchase_order("a", approve, &planner).await.unwrap();
    assert_eq!(shop.app.purchase_order_warnings(&approved).await, [] as [&str; 0]);
}

#[test]
fn a_text_of_the_audit_log_holds_what_fits() {
    let line = |product: String, quantity: f64| PurchaseLine {
        product_id: product,
        quantity,
        unit_price: MoneyText { amount: 100, currency: "USD".to_owned() },
        received: None,
    };
    let order = |quantity: f64| PurchaseOrder {
        lines: (0..20).map(|idx| line(format!("product-{idx}"), quantity)).collect(),
        ..serde_json::from_value(json!({"id": "a", "supplier_id": "leaf", "site": "main",
            "location_id": "berlin", "state": "draft", "lines": [], "created_at": "",
            "total": {"amount": 0, "currency": "USD"}}))
        .unwrap()
    };
    let (before, mut now) = (order(12.0), order(24.0));
    now.lines.push(line("Tee, grün".to_owned(), 1.5));
    let texts = now.changes_since(&before);
    assert!(texts.len() > 2 && texts.iter().all(|text| is_plain(text)), "{texts:?}");
    assert_eq!(texts.join(",").split(',').count(), 21);
    assert!(texts[0].starts_with("product-0=12/100:24/100,product-1=12/100:24/100"), "{texts:?}");
    // A name that could be a free text stands as its hash.
    assert!(texts.last().unwrap().ends_with("=0:1.5/100") && !texts.concat().contains("Tee"));
    // An order that was stored before versions were is its first one.
    assert_eq!((before.version, &before.changed_by), (1, &None));
}
