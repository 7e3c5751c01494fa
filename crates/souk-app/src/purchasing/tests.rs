#![allow(clippy::unwrap_used)]

use serde_json::json;
use souk_core::ErrorKind;

use super::*;
use crate::demand::tests::open;
use crate::test_shop::{Shop, caller};
use crate::{AuditFilter, Role};

pub(crate) fn supplier(id: &str, more: serde_json::Value) -> Supplier {
    let mut value = json!({"id": id, "lead_time_days": 3, "offers": [
        {"product_id": "tea", "price": {"amount": 200, "currency": "USD"}, "multiple": 6}]});
    value.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    serde_json::from_value(value).unwrap()
}

pub(crate) fn wish(id: Option<&str>, quantity: f64) -> NewPurchaseOrder {
    serde_json::from_value(json!({"id": id, "supplier_id": "leaf", "location_id": "berlin",
        "lines": [{"product_id": "tea", "quantity": quantity}]}))
    .unwrap()
}

pub(crate) fn to(state: PurchaseState, on: Option<&str>) -> OrderChangeRequest {
    OrderChangeRequest { state, on: on.map(str::to_owned), received: None, version: None }
}

async fn desk() -> Shop {
    let shop = open("").await;
    let leaf = supplier("leaf", json!({}));
    shop.app.put_suppliers(vec![leaf], &caller(Role::Planner)).await.unwrap();
    shop
}

fn kind<T: std::fmt::Debug>(answer: Result<T, AppError>) -> ErrorKind {
    answer.unwrap_err().kind()
}

#[tokio::test]
async fn an_order_goes_its_way_and_its_receipt_teaches() {
    let shop = desk().await;
    let (app, planner) = (&shop.app, caller(Role::Planner));
    let made = app.create_purchase_order(wish(Some("a-1"), 12.0), &planner).await.unwrap();
    assert_eq!((made.state, made.total.amount), (PurchaseState::Draft, 2_400));
    // The same wish again is the same order, another one of this name is refused.
    assert_eq!(app.create_purchase_order(wish(Some("a-1"), 12.0), &planner).await.unwrap(), made);
    let other = app.create_purchase_order(wish(Some("a-1"), 18.0), &planner).await;
    assert_eq!(kind(other), ErrorKind::Conflict);
    // No step can be left out, and none is gone back.
    for state in [PurchaseState::Sent, PurchaseState::Received] {
        let refused = app.change_purchase_order("a-1", to(state, None), &planner).await;
        assert_eq!(kind(refused), ErrorKind::Conflict, "{state:?}");
    }
    let approved =
        app.change_purchase_order("a-1", to(PurchaseState::Approved, None), &planner).await;
    assert_eq!(approved.unwrap().approved_by.as_deref(), Some("test-planner"));
    let sent = to(PurchaseState::Sent, Some("2026-01-02"));
    let sent = app.change_purchase_order("a-1", sent, &planner).await.unwrap();
    assert_eq!(sent.expected_on.as_deref(), Some("2026-01-05"));
    let again = app.change_purchase_order("a-1", to(PurchaseState::Sent, None), &planner).await;
    assert_eq!(again.unwrap(), sent);
    let early = to(PurchaseState::Received, Some("2026-01-01"));
    let early = app.change_purchase_order("a-1", early, &planner).await;
    assert_eq!(kind(early), ErrorKind::InvalidInput);
    // Nine days instead of three, and ten pieces of twelve.
    let mut came = to(PurchaseState::Received, Some("2026-01-11"));
    came.received =
        Some(vec![ReceivedLine { product_id: "tea".to_owned(), quantity: 10.0, is_meant: false }]);
    let came = app.change_purchase_order("a-1", came, &planner).await.unwrap();
    assert_eq!(came.lines[0].received, Some(10.0));
    assert_eq!(app.open_purchase_orders(None, &planner).unwrap(), []);
    assert_eq!(app.purchase_order("a-1", &planner).await.unwrap(), came);
    let gone = app.change_purchase_order("a-1", to(PurchaseState::Cancelled, None), &planner).await;
    assert_eq!(kind(gone), ErrorKind::Conflict);
    // What it says counts like three receipts: (3·3 + 9) / 4; variance (3·9 + 81) / 4 − 4.5².
    let learned = &app.suppliers(&planner).unwrap()[0];
    let (mean, sd) = learned.lead_time();
    assert!((mean - 4.5).abs() < 1e-9 && (sd - 6.75f64.sqrt()).abs() < 1e-9, "{mean} {sd}");
    // Its word for whole orders counts like three of twelve.
    assert!((learned.reliability() - 0.75 * 46.0 / 48.0).abs() < 1e-9);
    // New terms do not forget it.
    let dearer = supplier("leaf", json!({"lead_time_days": 5}));
    app.put_suppliers(vec![dearer], &planner).await.unwrap();
    assert_eq!(app.suppliers(&planner).unwrap()[0].record.receipts, 1);
    // And a restart reads all of it back.
    let tables = &*app.parts.tables;
    let reread = Purchasing::open(tables, app.clock.now()).await.unwrap();
    assert_eq!(*reread.suppliers(), *app.purchasing.suppliers());
    let filter =
        AuditFilter { operation: Some("purchase_order".to_owned()), ..AuditFilter::default() };
    let page = app.audit_entries(&caller(Role::Privacy), &filter, (None, 10)).await.unwrap();
    let states: Vec<String> =
        page.items.iter().rev().map(|item| item.entry.details["state"].clone()).collect();
    assert_eq!(states, ["draft", "approved", "sent", "received"]);
}

/// A receipt of so many of what was ordered, on time.
async fn receive(
    shop: &Shop,
    (id, ordered): (&str, f64),
    came: ReceivedLine,
) -> Result<PurchaseOrder, AppError> {
    let (app, planner) = (&shop.app, caller(Role::Planner));
    app.create_purchase_order(wish(Some(id), ordered), &planner).await.unwrap();
    for state in [PurchaseState::Approved, PurchaseState::Sent] {
        app.change_purchase_order(id, to(state, None), &planner).await.unwrap();
    }
    let mut change = to(PurchaseState::Received, None);
    change.received = Some(vec![came]);
    app.change_purchase_order(id, change, &planner).await
}

fn came(quantity: f64) -> ReceivedLine {
    ReceivedLine { product_id: "tea".to_owned(), quantity, is_meant: false }
}

#[tokio::test]
async fn one_short_receipt_is_no_ruin_and_too_much_makes_up_for_nothing() {
    let shop = desk().await;
    let planner = caller(Role::Planner);
    let reliability = || shop.app.suppliers(&planner).unwrap()[0].reliability();
    receive(&shop, ("a", 60.0), came(6.0)).await.unwrap();
    assert!((reliability() - 3.1 / 4.0).abs() < 1e-9, "{}", reliability());
    receive(&shop, ("b", 60.0), came(120.0)).await.unwrap();
    assert!((reliability() - 4.1 / 5.0).abs() < 1e-9, "{}", reliability());
    let refused = receive(&shop, ("c", 60.0), came(600.0)).await.unwrap_err().to_string();
    assert!(refused.starts_with("600 of `tea` is more than twice the 60"), "{refused}");
    assert_eq!(shop.app.purchase_order("c", &planner).await.unwrap().state, PurchaseState::Sent);
    let meant = ReceivedLine { is_meant: true, ..came(600.0) };
    let taken = receive(&shop, ("d", 60.0), meant).await.unwrap();
    assert_eq!(taken.lines[0].received, Some(600.0));
}

#[tokio::test]
async fn a_receipt_told_twice_must_say_the_same() {
    let shop = desk().await;
    let planner = caller(Role::Planner);
    let received = receive(&shop, ("a", 60.0), came(50.0)).await.unwrap();
    let again = async |lines: Option<Vec<ReceivedLine>>| {
        let change = OrderChangeRequest { received: lines, ..to(PurchaseState::Received, None) };
        shop.app.change_purchase_order("a", change, &planner).await
    };
    assert_eq!(again(None).await.unwrap(), received);
    assert_eq!(again(Some(vec![came(50.0)])).await.unwrap(), received);
    for other in [vec![came(40.0)], Vec::new()] {
        assert_eq!(kind(again(Some(other)).await), ErrorKind::Conflict);
    }
}

#[tokio::test]
async fn what_cannot_be_ordered_is_named() {
    let shop = desk().await;
    let (app, planner) = (&shop.app, caller(Role::Planner));
    let refused = async |change: &dyn Fn(&mut NewPurchaseOrder)| {
        let mut new = wish(None, 6.0);
        change(&mut new);
        app.create_purchase_order(new, &planner).await.unwrap_err().to_string()
    };
    let text = refused(&|new| new.supplier_id = "nobody".to_owned()).await;
    assert_eq!(text, "there is no supplier `nobody`; make it with PUT /v1/suppliers first");
    let text = refused(&|new| new.lines[0].product_id = "milk".to_owned()).await;
    assert_eq!(text, "supplier `leaf` offers no product `milk`; give a `unit_price`");
    let text = refused(&|new| new.lines[0].quantity = 0.0).await;
    assert_eq!(text, "0 must be above 0 units");
    let text = refused(&|new| new.location_id = "berln".to_owned()).await;
    assert!(text.starts_with("`berln` is no place that"), "{text}");
    let text = refused(&|new| new.lines.clear()).await;
    assert_eq!(text, "0 lines; must be 1 to 5000");
    let text = refused(&|new| new.id = Some("a b".to_owned())).await;
    assert!(text.starts_with("`a b` is not 1 to 80 letters"), "{text}");
    for (bad, place) in [
        (json!({"lead_time_days": -1}), "/suppliers/0/lead_time_days"),
        (json!({"holidays": ["soon"]}), "/suppliers/0/holidays/0"),
        (
            json!({"order_cost": {"amount": -5, "currency": "USD"}}),
            "/suppliers/0/order_cost/amount",
        ),
        (
            json!({"order_cost": {"amount": 5, "currency": "XXQ"}}),
            "/suppliers/0/order_cost/currency",
        ),
        (
            json!({"offers": [{"product_id": "tea", "price": {"amount": 1, "currency": "USD"}, "multiple": 0}]}),
            "/suppliers/0/offers/0/multiple",
        ),
    ] {
        let error = app.put_suppliers(vec![supplier("x", bad)], &planner).await.unwrap_err();
        let AppError::Invalid { errors, .. } = error else { panic!("{error}") };
        assert_eq!(errors[0].pointer, place);
    }
    assert_eq!(app.suppliers(&planner).unwrap().len(), 1, "nothing of these was stored");
    for role in [Role::Analyst, Role::Merchandiser, Role::StorefrontServer] {
        let denied = app.create_purchase_order(wish(None, 6.0), &caller(role)).await;
        assert_eq!(kind(denied), ErrorKind::Denied, "{}", role.as_str());
    }
    let mut bound = caller(Role::Planner);
    bound.places = Arc::new(crate::Places {
        sites: Vec::new(),
        locations: vec![LocationId::new("paris").unwrap()],
    });
    assert_eq!(kind(app.create_purchase_order(wish(None, 6.0), &bound).await), ErrorKind::Denied);
    app.create_purchase_order(wish(Some("b"), 6.0), &planner).await.unwrap();
    assert_eq!(app.open_purchase_orders(None, &bound).unwrap(), []);
    assert_eq!(kind(app.purchase_order("b", &bound).await), ErrorKind::NotFound);
}

#[tokio::test]
async fn orders_are_listed_by_state_a_page_at_a_time() {
    let shop = desk().await;
    let (app, planner) = (&shop.app, caller(Role::Planner));
    for id in ["a", "b", "c", "d", "e"] {
        app.create_purchase_order(wish(Some(id), 6.0), &planner).await.unwrap();
    }
    for (id, states) in [
        ("a", &[PurchaseState::Cancelled][..]),
        ("b", &[PurchaseState::Approved, PurchaseState::Sent, PurchaseState::Received]),
        ("d", &[PurchaseState::Cancelled]),
        ("e", &[PurchaseState::Approved]),
    ] {
        for state in states {
            app.change_purchase_order(id, to(*state, None), &planner).await.unwrap();
        }
    }
    let list = async |state: Option<PurchaseState>, after: Option<&str>, limit: usize| {
        let after = after.map(str::to_owned);
        let asked = OrdersAsked { location: None, state, after, limit };
        let page = app.purchase_orders(&asked, &planner).await.unwrap();
        let ids: Vec<String> = page.orders.into_iter().map(|order| order.id).collect();
        (ids.join(" "), page.after)
    };
    let whole = |ids: &str| (ids.to_owned(), None);
    assert_eq!(list(None, None, 9).await, whole("c e"));
    assert_eq!(list(Some(PurchaseState::Draft), None, 9).await, whole("c"));
    assert_eq!(list(Some(PurchaseState::Approved), None, 9).await, whole("e"));
    assert_eq!(list(Some(PurchaseState::Sent), None, 9).await, whole(""));
    assert_eq!(list(Some(PurchaseState::Received), None, 9).await, whole("b"));
    assert_eq!(list(Some(PurchaseState::Cancelled), None, 9).await, whole("a d"));
    // Page by page.
    assert_eq!(list(None, None, 1).await, ("c".to_owned(), Some("c".to_owned())));
    assert_eq!(list(None, Some("c"), 1).await, whole("e"));
    let first = list(Some(PurchaseState::Cancelled), None, 1).await;
    assert_eq!(first.0, "a");
    assert_eq!(list(Some(PurchaseState::Cancelled), first.1.as_deref(), 1).await.0, "d");
    // Of another place there is nothing, and who may not look there is told so.
    let paris = LocationId::new("paris").unwrap();
    let of_paris = OrdersAsked {
        location: Some(paris.clone()),
        state: Some(PurchaseState::Cancelled),
        after: None,
        limit: 9,
    };
    assert_eq!(app.purchase_orders(&of_paris, &planner).await.unwrap().orders, []);
    let mut bound = caller(Role::Planner);
    bound.places = Arc::new(crate::Places { sites: Vec::new(), locations: vec![paris] });
    let all = OrdersAsked { location: None, ..of_paris.clone() };
    assert_eq!(app.purchase_orders(&all, &bound).await.unwrap().orders, []);
    let berlin = OrdersAsked { location: Some(LocationId::new("berlin").unwrap()), ..all };
    assert_eq!(kind(app.purchase_orders(&berlin, &bound).await), ErrorKind::Denied);
}

#[tokio::test]
async fn a_day_that_has_not_come_is_refused() {
    let shop = desk().await;
    let planner = caller(Role::Planner);
    shop.app.create_purchase_order(wish(Some("a"), 6.0), &planner).await.unwrap();
    shop.app.change_purchase_order("a", to(PurchaseState::Approved, None), &planner).await.unwrap();
    let late = to(PurchaseState::Sent, Some("2027-01-15"));
    let refused = shop.app.change_purchase_order("a", late, &planner).await.unwrap_err();
    assert!(refused.to_string().contains("is after today"), "{refused}");
}

#[test]
fn calendars_shift_orders_and_arrivals() {
    // Orders on Mondays, deliveries on Fridays; 2026-01-15 is a Thursday.
    let rare = supplier(
        "x",
        json!({"order_weekdays": ["mon"], "delivery_weekdays": ["fri"], "holidays": ["2026-01-19"]}),
    );
    let day = |text: &str| Day::parse(text).unwrap();
    assert_eq!(rare.order_day(day("2026-01-15")), day("2026-01-26"));
    assert_eq!(rare.arrival(day("2026-01-26"), 3.0), day("2026-01-30"));
    assert_eq!(rare.arrival(day("2026-01-26"), 4.2), day("2026-02-06"));
}
