#![allow(clippy::unwrap_used)]

use std::sync::atomic::Ordering;

use serde_json::{Value, json};

use super::*;
use crate::Role;
use crate::demand::tests::{open, place, sale, sales, send, stock, tea, today, wanted};
use crate::purchasing::tests::{supplier, to};
use crate::purchasing::{NewPurchaseOrder, PurchaseState, StopSwitch};
use crate::test_shop::{Shop, caller};

/// What must be set so that a rule approves anything.
pub(super) const ON: &str =
    "auto_reorder: true, approval_amount_max: 100000, confidence_threshold: 0.5";

pub(super) async fn stocked(inventory: &str) -> Shop {
    let shop = open(inventory).await;
    send(&shop, sales(|_, wanted| wanted)).await;
    send(&shop, vec![stock("Stock Counted", ("tea", 40), "2026-01-14T22:30:00Z")]).await;
    let leaf = supplier("leaf", json!({"lead_time_days": 3}));
    shop.app.put_suppliers(vec![leaf], &caller(Role::Planner)).await.unwrap();
    shop
}

pub(super) async fn plan(shop: &Shop) -> ReplenishmentPlan {
    let ids = (&SiteId::main(), &place());
    shop.app.replenishment(ids, &caller(Role::Planner)).await.unwrap()
}

pub(super) fn tea_line(plan: &ReplenishmentPlan) -> &PlanLine {
    plan.lines.iter().find(|line| line.product == tea()).unwrap()
}

pub(super) fn order(id: &str, quantity: i64) -> NewPurchaseOrder {
    serde_json::from_value(json!({"id": id, "supplier_id": "leaf", "location_id": "berlin",
        "lines": [{"product_id": "tea", "quantity": quantity}]}))
    .unwrap()
}

#[tokio::test]
async fn a_line_shows_its_arithmetic_and_open_orders_lower_it_by_their_units() {
    let shop = stocked("").await;
    let before = plan(&shop).await;
    let line = tea_line(&before);
    // Three days of lead time and seven to the next order.
    assert_eq!((line.lead_time_days, line.protection_days), (3.0, 10.0));
    let truth: f64 = (0..10).map(|ahead| wanted(-ahead) as f64).sum();
    assert!((line.demand_mean / truth - 1.0).abs() < 0.2, "{} for {truth}", line.demand_mean);
    assert!(line.order_up_to > line.demand_mean);
    assert_eq!(line.need, line.order_up_to - 40.0);
    // In sixes.
    assert_eq!(line.quantity, (line.need / 6.0).ceil() * 6.0);
    assert_eq!(line.cost.unwrap().minor() as f64, 200.0 * line.quantity);
    assert!(line.text.contains("40.0 on hand + 0.0 on order"), "{}", line.text);
    let written = plan_to_json(&before).to_string();
    // Nothing is 0, not -0.
    assert!(written.contains("\"expiring\":0.0") && !written.contains("-0.0,"), "{written}");
    assert_eq!(before.proposals[0].n_lines, 1);
    // Milk's stock is not known, and is not guessed; nobody offers it either.
    assert_eq!((before.n_considered, before.n_unknown, before.n_pending), (2, 1, 0));
    assert!(before.exceptions.is_empty(), "{:?}", before.exceptions);
    let planner = caller(Role::Planner);
    for (id, quantity, state) in [("a", 18, None), ("b", 12, Some(PurchaseState::Approved))] {
        shop.app.create_purchase_order(order(id, quantity), &planner).await.unwrap();
        if let Some(state) = state {
            shop.app.change_purchase_order(id, to(state, None), &planner).await.unwrap();
        }
    }
    let after = plan(&shop).await;
    let line_after = tea_line(&after);
    assert_eq!((line_after.position.on_hand, line_after.position.on_order), (40.0, 30.0));
    assert_eq!(line.need - line_after.need, 30.0);
    assert_eq!(line.quantity - line_after.quantity, 30.0);
    // A cancelled order comes back.
    shop.app
        .change_purchase_order("a", to(PurchaseState::Cancelled, None), &planner)
        .await
        .unwrap();
    assert_eq!(tea_line(&plan(&shop).await).need, line.need - 12.0);
    // Enough on its way is nothing to order.
    shop.app.create_purchase_order(order("c", 600), &planner).await.unwrap();
    assert!(plan(&shop).await.lines.is_empty());
    // So is exactly what was proposed: the next chance to order comes in time.
    shop.app
        .change_purchase_order("c", to(PurchaseState::Cancelled, None), &planner)
        .await
        .unwrap();
    let left = tea_line(&plan(&shop).await).quantity;
    shop.app.create_purchase_order(order("d", left as i64), &planner).await.unwrap();
    assert!(plan(&shop).await.lines.is_empty());
    let nowhere = (&SiteId::main(), &LocationId::new("mars").unwrap());
    assert!(shop.app.replenishment(nowhere, &planner).await.is_err());
}

#[tokio::test]
async fn only_what_an_order_could_be_made_of_is_forecast_and_that_first() {
    let shop = stocked("").await;
    let first = plan(&shop).await;
    assert_eq!((first.lines.len(), shop.app.kept_forecasts()), (1, 1));
    // An offer without stock is for a person to look at, and needs no forecast either.
    let offers = json!([{"product_id": "milk", "price": {"amount": 50, "currency": "USD"}}]);
    let dairy = supplier("dairy", json!({"offers": offers}));
    shop.app.put_suppliers(vec![dairy], &caller(Role::Planner)).await.unwrap();
    let offered = plan(&shop).await;
    let text = &offered.exceptions[0].text;
    assert!(text.starts_with("stock at `berlin` is not known"), "{text}");
    assert_eq!((offered.n_unknown, offered.n_pending, shop.app.kept_forecasts()), (0, 0, 1));
    // Of what there is time for, that without a forecast is made, whatever comes before it.
    let key = |id: &str| {
        let product = ProductId::new(id).unwrap();
        shop.app.series_key((&SiteId::main(), &product), Some(&place())).unwrap()
    };
    assert!(key("tea") < key("milk"));
    shop.app.make_at_once(&SiteId::main(), [key("tea"), key("milk")].into_iter(), 1);
    assert!(shop.app.forecasts.get(key("milk")).is_some());
    // What is counted and offered comes before what is only counted, and that before what is only offered.
    let scene = || Scene {
        site: SiteId::main(),
        location: place(),
        number: key("tea").location.unwrap(),
        today: today(),
    };
    assert_eq!(shop.app.products_at(&scene()).keys, [key("tea"), key("milk")]);
    send(&shop, vec![stock("Stock Counted", ("milk", 40), "2026-01-14T22:31:00Z")]).await;
    let leaf = supplier("leaf", json!({"offers": offers}));
    shop.app.put_suppliers(vec![leaf], &caller(Role::Planner)).await.unwrap();
    let planned = shop.app.products_at(&scene());
    assert_eq!((planned.keys, planned.n_counted), (vec![key("milk"), key("tea")], 2));
}

#[tokio::test]
async fn counting_lots_of_what_was_counted_is_no_other_stock_and_no_alarm() {
    let shop = stocked("").await;
    let lot = |name: &str, units: i64, at: &str| {
        let mut told = stock("Stock Counted", ("tea", units), at);
        told["messageId"] = json!(format!("{name}{at}"));
        told["properties"]["lot"] = json!(name);
        told
    };
    let before = plan(&shop).await;
    let lots = ["a", "b", "c", "d"].map(|name| lot(name, 10, "2026-01-14T22:40:00Z"));
    send(&shop, lots.to_vec()).await;
    let after = plan(&shop).await;
    assert_eq!(after.alarms, before.alarms);
    assert_eq!(tea_line(&after).position, tea_line(&before).position);
    // A lot of which little is left is still told.
    send(&shop, vec![lot("a", 1, "2026-01-14T22:50:00Z"), lot("b", 1, "2026-01-14T22:50:00Z")])
        .await;
    let alarms = plan(&shop).await.alarms;
    let text = &alarms.iter().find(|alarm| alarm.feed == "stock").unwrap().text;
    assert!(
        text.starts_with("2 units were counted on 2026-01-14 where 20 were believed"),
        "{text}"
    );
}

#[tokio::test]
async fn the_cheaper_supplier_wins_unless_it_fails() {
    let shop = stocked("").await;
    let planner = caller(Role::Planner);
    send(&shop, vec![stock("Stock Counted", ("tea", 70), "2026-01-14T22:45:00Z")]).await;
    let offer = |price: i64, more: Value| {
        let mut offer = json!({"product_id": "tea", "price": {"amount": price, "currency": "USD"}});
        offer.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({"lead_time_days": 5, "offers": [offer]})
    };
    let cheap = supplier(
        "cheap",
        offer(
            150,
            json!({"minimum": 50, "breaks": [
        {"from": 200, "price": {"amount": 100, "currency": "USD"}}]}),
        ),
    );
    let dear = supplier("dear", offer(300, json!({})));
    let foreign = supplier(
        "abroad",
        json!({"offers": [
        {"product_id": "tea", "price": {"amount": 1, "currency": "EUR"}}]}),
    );
    shop.app.put_suppliers(vec![cheap, dear, foreign], &planner).await.unwrap();
    let found = plan(&shop).await;
    let line = tea_line(&found);
    let names: Vec<&str> = line.candidates.iter().map(|one| one.supplier_id.as_str()).collect();
    assert_eq!(names, ["cheap", "leaf", "dear"], "what costs euros is not compared with dollars");
    assert!(line.notes[0].starts_with("`abroad` asks 0.01 EUR"), "{:?}", line.notes);
    let chosen = line.supplier().unwrap();
    assert!(chosen.quantity >= 50.0 && chosen.is_chosen && chosen.reliability == 1.0);
    assert_eq!((chosen.days.0, chosen.arrives_on), (5.0, Day::parse("2026-01-20").unwrap()));
    // Freight makes it dearer than the next one.
    let mut loaded = supplier("cheap", offer(150, json!({"minimum": 50})));
    loaded.order_cost = Some(crate::MoneyText { amount: 9_000, currency: "USD".to_owned() });
    shop.app.put_suppliers(vec![loaded], &planner).await.unwrap();
    let found = plan(&shop).await;
    assert_eq!(tea_line(&found).supplier().unwrap().supplier_id, "leaf");
    // More units that cost less in all are taken.
    let breaks = supplier(
        "cheap",
        offer(
            150,
            json!({"breaks": [
        {"from": 150, "price": {"amount": 10, "currency": "USD"}}]}),
        ),
    );
    shop.app.put_suppliers(vec![breaks], &planner).await.unwrap();
    let found = plan(&shop).await;
    let chosen = tea_line(&found).supplier().unwrap();
    assert_eq!((chosen.quantity, chosen.unit_price.minor()), (150.0, 10), "{}", chosen.rounding);
}

#[tokio::test]
async fn the_cheap_and_quick_supplier_is_waited_for() {
    let shop = stocked("").await;
    let planner = caller(Role::Planner);
    let slow = json!({"lead_time_days": 40, "offers": [
        {"product_id": "tea", "price": {"amount": 900, "currency": "USD"}}]});
    shop.app.put_suppliers(vec![supplier("slow", slow)], &planner).await.unwrap();
    assert_eq!(tea_line(&plan(&shop).await).supplier().unwrap().supplier_id, "leaf");
    // Enough until the quick one's next turn, far from enough for the slow one's.
    send(&shop, vec![stock("Stock Counted", ("tea", 200), "2026-01-15T06:00:00Z")]).await;
    assert!(plan(&shop).await.lines.is_empty());
}

#[tokio::test]
async fn a_rule_orders_in_turn_and_counts_what_is_closed() {
    let shop = stocked(ON).await;
    let planner = caller(Role::Planner);
    // 2026-01-15 is a Thursday.
    let mondays = supplier("leaf", json!({"order_weekdays": ["mon"]}));
    shop.app.put_suppliers(vec![mondays], &planner).await.unwrap();
    let text = objections(&plan(&shop).await);
    assert!(text.contains("takes the next orders on 2026-01-19"), "{text}");
    let daily = supplier(
        "leaf",
        json!({"offers": [
        {"product_id": "tea", "price": {"amount": 200, "currency": "USD"}}]}),
    );
    shop.app.put_suppliers(vec![daily], &planner).await.unwrap();
    let made = shop.app.reorder_by_rule().await.unwrap();
    assert_eq!(made.len(), 1);
    send(&shop, vec![stock("Stock Written Off", ("tea", 30), "2026-01-15T06:00:00Z")]).await;
    let text = objections(&plan(&shop).await);
    assert!(text.contains("the next order is due on 2026-01-22"), "{text}");
    // What was approved today counts although it is closed by now.
    let cancel = to(PurchaseState::Cancelled, None);
    shop.app.change_purchase_order(&made[0].id, cancel, &planner).await.unwrap();
    let text = objections(&plan(&shop).await);
    assert!(!text.contains("is due on") && text.contains("orders_per_supplier_day_max"), "{text}");
}

#[tokio::test]
async fn stock_below_zero_counts_as_none_and_is_reported() {
    let shop = stocked(ON).await;
    send(&shop, vec![stock("Stock Counted", ("tea", -25), "2026-01-15T06:00:00Z")]).await;
    let found = plan(&shop).await;
    let line = tea_line(&found);
    assert_eq!((line.position.on_hand, line.need), (-25.0, line.order_up_to));
    assert!(line.warnings[0].contains("below 0"), "{:?}", line.warnings);
    assert_ne!(found.proposals[0].decision, Decision::Approve);
}

/// Why a rule does not approve, in one text; empty where it does.
pub(super) fn objections(plan: &ReplenishmentPlan) -> String {
    match &plan.proposals[0].decision {
        Decision::Approve => String::new(),
        Decision::Ask(reasons) => reasons.join(" | "),
    }
}

#[tokio::test]
async fn a_rule_approves_only_what_the_settings_allow_and_never_sends() {
    let cases = [
        ("", "`inventory.auto_reorder` is off"),
        ("auto_reorder: true", "`inventory.approval_amount_max` is not set"),
        (
            "auto_reorder: true, approval_amount_max: 100",
            "is above `inventory.approval_amount_max` (1.00 USD)",
        ),
        (
            "auto_reorder: true, approval_amount_max: 100000, confidence_threshold: 1.0",
            "confidence",
        ),
        (
            "auto_reorder: true, approval_amount_max: 100000, confidence_threshold: 0.5, \
             amount_per_supplier_day_max: 100",
            "amount_per_supplier_day_max",
        ),
        (
            "auto_reorder: true, approval_amount_max: 100000, confidence_threshold: 0.5, \
             orders_per_supplier_day_max: 0",
            "orders_per_supplier_day_max",
        ),
    ];
    for (settings, reason) in cases {
        let shop = stocked(settings).await;
        let text = objections(&plan(&shop).await);
        assert!(text.contains(reason), "{settings}: {text}");
        assert_eq!(shop.app.reorder_by_rule().await.unwrap(), [], "{settings}");
    }
    let shop = stocked(ON).await;
    let planned = plan(&shop).await;
    assert_eq!(objections(&planned), "");
    let made = shop.app.reorder_by_rule().await.unwrap();
    assert_eq!(made.len(), 1);
    assert_eq!(
        (made[0].state, made[0].approved_by.as_deref()),
        (PurchaseState::Approved, Some("rule"))
    );
    assert_eq!(made[0].lines[0].quantity, tea_line(&planned).quantity);
    assert_eq!(made[0].sent_on, None);
    // Once: the order is on its way, and the cap of the day is reached.
    assert_eq!(shop.app.reorder_by_rule().await.unwrap(), []);
    assert_eq!(shop.app.open_purchase_orders(None, &caller(Role::Planner)).unwrap().len(), 1);
}

#[tokio::test]
async fn what_a_person_changed_meanwhile_is_no_end_of_the_round() {
    let shop = stocked(ON).await;
    let rule = Caller::new(approve::RULE.to_owned(), Role::Planner);
    let made = shop.app.create_purchase_order(order("a", 24), &rule).await.unwrap();
    let less = json!({"lines": [{"product_id": "tea", "quantity": 12}]});
    let less = serde_json::from_value(less).unwrap();
    let changed = shop.app.change_purchase_lines("a", less, &caller(Role::Planner)).await.unwrap();
    // By the version that the rule made, and by the one that is there now.
    for order in [made, changed] {
        assert_eq!(shop.app.approve_made(order, &rule).await.unwrap(), None);
    }
}

#[tokio::test]
async fn shadow_and_the_stop_switch_hold_everything() {
    let shop = stocked(&format!("{ON}, shadow: true")).await;
    let planned = plan(&shop).await;
    // It is said what would be approved, and nothing is made.
    assert_eq!(objections(&planned), "");
    assert_eq!(shop.app.reorder_by_rule().await.unwrap(), []);
    let shop = stocked(ON).await;
    let planner = caller(Role::Planner);
    shop.app.stop_replenishment(StopSwitch::Stopped, &planner).await.unwrap();
    assert!(
        objections(&plan(&shop).await).contains("the stop switch is set since 2026-01-15T12:00:00")
    );
    assert_eq!(shop.app.reorder_by_rule().await.unwrap(), []);
    let reread = crate::purchasing::Purchasing::open(&*shop.app.parts.tables, shop.app.clock.now());
    assert!(reread.await.unwrap().stopped_since().is_some(), "a restart does not release it");
    // A key of one place may stop everything, and not let it go on.
    let mut bound = caller(Role::Planner);
    let locations = vec![place()];
    bound.places = std::sync::Arc::new(crate::Places { sites: Vec::new(), locations });
    shop.app.stop_replenishment(StopSwitch::Stopped, &bound).await.unwrap();
    assert!(shop.app.stop_replenishment(StopSwitch::Running, &bound).await.is_err());
    shop.app.stop_replenishment(StopSwitch::Running, &planner).await.unwrap();
    assert_eq!(shop.app.reorder_by_rule().await.unwrap().len(), 1);
}

#[tokio::test]
async fn goods_that_came_and_are_not_booked_yet_are_not_ordered_again() {
    let shop = stocked(&format!("{ON}, orders_per_supplier_day_max: 9")).await;
    let planner = caller(Role::Planner);
    let made = shop.app.reorder_by_rule().await.unwrap();
    for state in [PurchaseState::Sent, PurchaseState::Received] {
        shop.app.change_purchase_order(&made[0].id, to(state, None), &planner).await.unwrap();
    }
    let planned = plan(&shop).await;
    assert_eq!(tea_line(&planned).position.on_order, 0.0);
    let text = objections(&planned);
    assert!(text.contains("no fact about stock has come since"), "{text}");
    assert!(tea_line(&planned).warnings[0].contains("no fact about stock"), "{planned:?}");
    assert_eq!(planned.left_out().collect::<Vec<_>>(), [&tea()]);
    assert_eq!(planned.order_at("leaf"), None, "it may be on the shelf already");
    assert_eq!(shop.app.reorder_by_rule().await.unwrap(), []);
    let reread = crate::purchasing::Purchasing::open(&*shop.app.parts.tables, shop.app.clock.now());
    assert!(reread.await.unwrap().last_receipt(&place()).is_some(), "a restart does not forget it");
    send(&shop, vec![stock("Stock Received", ("tea", 10), "2026-01-15T12:00:01Z")]).await;
    // What came already was ordered all the same: the supplier's next turn is a week after it was asked.
    let text = objections(&plan(&shop).await);
    assert!(!text.contains("no fact about stock"), "{text}");
    assert!(text.contains("the next order is due on 2026-01-22"), "{text}");
}

#[tokio::test]
async fn without_a_greatest_amount_nothing_is_approved_not_even_a_gift() {
    let shop = stocked("auto_reorder: true, confidence_threshold: 0.5").await;
    let free = json!({"lead_time_days": 3, "offers": [
        {"product_id": "tea", "price": {"amount": 0, "currency": "USD"}}]});
    let planner = caller(Role::Planner);
    shop.app.put_suppliers(vec![supplier("leaf", free)], &planner).await.unwrap();
    let text = objections(&plan(&shop).await);
    assert!(text.contains("`inventory.approval_amount_max` is not set"), "{text}");
    assert_eq!(shop.app.reorder_by_rule().await.unwrap(), []);
}

#[tokio::test]
async fn a_minimum_order_that_is_not_reached_asks_a_person() {
    let shop = stocked(ON).await;
    let leaf = supplier("leaf", json!({"minimum_order": {"amount": 90000, "currency": "USD"}}));
    shop.app.put_suppliers(vec![leaf], &caller(Role::Planner)).await.unwrap();
    let text = objections(&plan(&shop).await);
    assert!(text.contains("is below the least order of `leaf`, 900.00 USD"), "{text}");
}

/// What is wrong with a feed: the settings, what of the sales comes, and what comes after it.
struct Broken {
    name: &'static str,
    sold: fn(i32, i64) -> i64,
    milk_too: fn(i32) -> bool,
    stock: Vec<Value>,
    alarm: (&'static str, &'static str),
}

fn receipts(days: &[i32], quantity: i64) -> Vec<Value> {
    let at = |ago: &i32| format!("{}T08:00:00Z", Day::from_number(today().number() - ago));
    days.iter().map(|ago| stock("Stock Received", ("milk", quantity), &at(ago))).collect()
}

fn again(mut event: Value) -> Value {
    event["messageId"] = json!(format!("{}-again", event["messageId"].as_str().unwrap()));
    event
}

fn broken() -> Vec<Broken> {
    let counted = || vec![stock("Stock Counted", ("tea", 40), "2026-01-14T22:30:00Z")];
    let whole = |_: i32, wanted: i64| wanted;
    let always = |_: i32| true;
    let sales = |name, sold, milk_too, kind| Broken {
        name,
        sold,
        milk_too,
        stock: counted(),
        alarm: ("sales", kind),
    };
    let feed = |name, more: Vec<Value>, kind| {
        let stock = counted().into_iter().chain(more).collect();
        Broken { name, sold: whole, milk_too: always, stock, alarm: ("stock", kind) }
    };
    vec![
        sales(
            "sales dropped",
            |ago, wanted| if ago == 3 { 0 } else { wanted },
            |ago| ago != 3,
            "missing",
        ),
        sales(
            "sales delayed",
            |ago, wanted| if ago <= 2 { 0 } else { wanted },
            |ago| ago > 2,
            "late",
        ),
        sales(
            "sales doubled",
            |ago, wanted| if ago == 1 { 2 * wanted + 30 } else { wanted },
            always,
            "doubled",
        ),
        sales(
            "sales × 100",
            |ago, wanted| if ago == 1 { 100 * wanted } else { wanted },
            always,
            "factor",
        ),
        Broken { stock: Vec::new(), ..feed("stock dropped", vec![], "missing") },
        Broken {
            stock: vec![stock("Stock Counted", ("tea", 40), "2026-01-02T22:30:00Z")],
            ..feed("stock delayed", vec![], "late")
        },
        feed(
            "receipts doubled",
            receipts(&[1], 60)
                .into_iter()
                .chain(receipts(&[1], 60).into_iter().map(again))
                .collect(),
            "doubled",
        ),
        feed(
            "count doubled",
            vec![stock("Stock Counted", ("tea", 80), "2026-01-15T08:00:00Z")],
            "doubled",
        ),
        feed(
            "count × 100",
            vec![stock("Stock Counted", ("tea", 4_000), "2026-01-15T08:00:00Z")],
            "factor",
        ),
        feed(
            "receipts × 100",
            receipts(&[29, 22, 15, 8], 60).into_iter().chain(receipts(&[1], 6_000)).collect(),
            "factor",
        ),
    ]
}

#[tokio::test]
async fn a_broken_feed_orders_nothing_and_is_named() {
    for case in broken() {
        let shop = open(ON).await;
        let days = (1..=140).rev().filter(|ago| (case.milk_too)(*ago) || (case.sold)(*ago, 1) > 0);
        let batch = days.map(|ago| {
            let lines = [("tea", (case.sold)(ago, wanted(ago))), ("milk", 30)];
            let lines: Vec<(&str, i64)> =
                lines.into_iter().filter(|(_, units)| *units > 0).collect();
            sale(ago, &lines)
        });
        send(&shop, batch.collect()).await;
        send(&shop, case.stock.clone()).await;
        let leaf = supplier("leaf", json!({}));
        shop.app.put_suppliers(vec![leaf], &caller(Role::Planner)).await.unwrap();
        let found = plan(&shop).await;
        let kinds: Vec<_> = found.alarms.iter().map(|alarm| (alarm.feed, alarm.kind)).collect();
        assert!(kinds.contains(&case.alarm), "{}: {:?}", case.name, found.alarms);
        for proposal in &found.proposals {
            let Decision::Ask(reasons) = &proposal.decision else { panic!("{}", case.name) };
            let kind = if case.alarm.1 == "factor" { "off by a factor" } else { case.alarm.1 };
            let named = format!("feed `{}` of `berlin` is {kind}", case.alarm.0);
            assert!(
                reasons.iter().any(|reason| reason.contains(&named)),
                "{}: {reasons:?}",
                case.name
            );
        }
        assert_eq!(shop.app.reorder_by_rule().await.unwrap(), [], "{}", case.name);
        if case.name != "stock dropped" {
            let told = shop.app.feed_alarms();
            assert!(
                told.iter().any(|alarm| (alarm.feed, alarm.kind) == case.alarm),
                "{}",
                case.name
            );
            let looked = shop.app.examine().await.unwrap();
            assert!(
                looked
                    .iter()
                    .any(|finding| finding.subject == "feeds"
                        && finding.detail.contains(case.alarm.1)),
                "{}",
                case.name
            );
        }
    }
}

#[tokio::test]
async fn sound_feeds_raise_no_alarm() {
    let shop = stocked(ON).await;
    assert_eq!(plan(&shop).await.alarms, []);
    assert_eq!(shop.app.feed_alarms(), []);
    // A place that is closed on Sundays is not late on Mondays.
    let shop = open(ON).await;
    let is_sunday = |ago: i32| (today().number() - ago).rem_euclid(7) == 3;
    let days = (1..=140).rev().filter(|ago| !is_sunday(*ago));
    send(&shop, days.map(|ago| sale(ago, &[("tea", wanted(ago))])).collect()).await;
    send(&shop, vec![stock("Stock Counted", ("tea", 40), "2026-01-14T22:30:00Z")]).await;
    assert_eq!(plan(&shop).await.alarms, []);
    // The Monday after: the last sales are of Saturday.
    let monday = Day::parse("2026-01-19").unwrap().number() - today().number();
    let sold = (0..monday).filter(|ahead| !is_sunday(-ahead)).map(|ahead| {
        let mut event = sale(-ahead, &[("tea", wanted(-ahead))]);
        event["messageId"] = json!(format!("ahead{ahead}"));
        event["properties"]["order_id"] = json!(format!("ahead{ahead}"));
        event
    });
    shop.hand.fetch_add(i64::from(monday) * 86_400_000, Ordering::SeqCst);
    send(&shop, sold.collect()).await;
    assert_eq!(plan(&shop).await.alarms, []);
}

#[tokio::test]
async fn one_product_that_jumps_is_not_approved() {
    let shop = open(ON).await;
    // Milk sells so much that tea's thousand does not show in the place's total.
    let batch = (1..=140).rev().map(|ago| {
        let tea = if ago == 2 { 700 } else { wanted(ago) };
        sale(ago, &[("tea", tea), ("milk", 3_000)])
    });
    send(&shop, batch.collect()).await;
    send(&shop, vec![stock("Stock Counted", ("tea", 40), "2026-01-14T22:30:00Z")]).await;
    let leaf = supplier("leaf", json!({}));
    shop.app.put_suppliers(vec![leaf], &caller(Role::Planner)).await.unwrap();
    let found = plan(&shop).await;
    assert_eq!(found.alarms, []);
    assert!(objections(&found).contains("never more than"), "{}", objections(&found));
    assert_eq!(shop.app.reorder_by_rule().await.unwrap(), []);
}
