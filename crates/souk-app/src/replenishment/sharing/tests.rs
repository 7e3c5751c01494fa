#![allow(clippy::unwrap_used)]

use serde_json::{Value, json};
use souk_core::wire::json::product_from_json;
use souk_core::{Currency, Day, Money, SiteId};

use super::*;
use crate::Role;
use crate::demand::tests::{open as open_shop, sale, send, stock};
use crate::purchasing::Supplier;
use crate::purchasing::tests::supplier;
use crate::replenishment::tests::plan;
use crate::test_shop::{Shop, caller};

/// One that asks so much for an order of whatever size.
fn stored(id: &str, order_cost: i64) -> (String, StoredSupplier) {
    let supplier: Supplier =
        supplier(id, json!({"order_cost": {"amount": order_cost, "currency": "USD"}}));
    (id.to_owned(), StoredSupplier { supplier, record: Default::default() })
}

fn candidate(id: &str, need: f64, price: i64) -> Candidate {
    let money = |minor: i64| Money::from_minor(minor, Currency::USD);
    Candidate {
        supplier_id: id.to_owned(),
        is_chosen: false,
        days: (3.0, 10.0),
        order_up_to: 10.0,
        expiring: 0.0,
        most: None,
        spared: 0.0,
        serves: None,
        need,
        quantity: 10.0,
        unit_price: money(price),
        landed_cost: money(0),
        missing: 0.0,
        chance_missing: 0.0,
        lost_margin: money(0),
        cost_per_unit: 0.0,
        reliability: 1.0,
        arrives_on: Day::from_number(20_000),
        rounding: String::new(),
    }
}

/// Who is first for each product, and what that costs.
fn shared(all: &mut [Vec<Candidate>], open: &[(&str, OpenLines)]) -> Vec<(String, i64)> {
    let suppliers = [stored("farm", 0), stored("metro", 600)].into_iter().collect();
    let open = open.iter().map(|(id, lines)| ((*id).to_owned(), *lines)).collect();
    let mut candidates: Vec<&mut Vec<Candidate>> = all.iter_mut().collect();
    share_costs(&mut candidates, &suppliers, &open);
    all.iter().map(|one| (one[0].supplier_id.clone(), one[0].landed_cost.minor())).collect()
}

fn at(all: &[(&str, i64)]) -> Vec<(String, i64)> {
    all.iter().map(|(id, cost)| ((*id).to_owned(), *cost)).collect()
}

#[test]
fn an_order_is_made_where_its_lines_save_more_than_it_costs() {
    let both =
        |metro: i64, farm: i64| vec![candidate("farm", 5.0, farm), candidate("metro", 5.0, metro)];
    // 0.50 saved on ten of two, and 0.05 on ten of the third: 10.50 for 6.00, a third of it on each.
    let mut all = [both(100, 150), both(100, 150), both(100, 105)];
    assert_eq!(shared(&mut all, &[]), at(&[("metro", 1_200), ("metro", 1_200), ("metro", 1_200)]));
    // What is cheaper elsewhere without a share goes there, and two bear what the order costs.
    let mut all = [both(100, 150), both(100, 150), both(100, 99)];
    assert_eq!(shared(&mut all, &[]), at(&[("metro", 1_300), ("metro", 1_300), ("farm", 990)]));
    // Where they save less than that, nobody asks there.
    let mut all = [both(100, 115), both(100, 115), both(100, 115)];
    assert_eq!(shared(&mut all, &[]), at(&[("farm", 1_150), ("farm", 1_150), ("farm", 1_150)]));
    assert_eq!((all[0][1].supplier_id.as_str(), all[0][1].landed_cost.minor()), ("metro", 1_600));
    // A line that nobody else has keeps an order.
    let mut all = [vec![candidate("metro", 5.0, 100)], both(100, 101)];
    assert_eq!(shared(&mut all, &[]), at(&[("metro", 1_300), ("metro", 1_300)]));
}

#[test]
fn an_order_that_is_made_takes_more_lines_and_waiting_is_as_cheap_as_it_was() {
    let lines = |state| {
        let mut lines = OpenLines::default();
        lines.add(state, 20);
        lines.add(PurchaseState::Sent, 3);
        lines
    };
    // Alone at metro a line costs 6.00 more, with twenty others in a draft 0.28.
    let needed = || [vec![candidate("farm", 5.0, 110), candidate("metro", 5.0, 100)]];
    assert_eq!(shared(&mut needed(), &[]), at(&[("farm", 1_100)]));
    let draft = [("metro", lines(PurchaseState::Draft))];
    assert_eq!(shared(&mut needed(), &draft), at(&[("metro", 1_028)]));
    // What is approved takes no more lines, as what is sent, but both say how many the next order will have.
    let approved = [("metro", lines(PurchaseState::Approved))];
    assert_eq!(shared(&mut needed(), &approved), at(&[("farm", 1_100)]));
    let sent = [("metro", lines(PurchaseState::Sent))];
    assert_eq!(shared(&mut needed(), &sent), at(&[("farm", 1_100)]));
    let waiting = || [vec![candidate("farm", 5.0, 110), candidate("metro", 0.0, 100)]];
    assert_eq!(shared(&mut waiting(), &[]), at(&[("farm", 1_100)]));
    assert_eq!(shared(&mut waiting(), &sent), at(&[("metro", 1_030)]));
}

#[test]
fn what_waits_pays_for_no_order_of_today() {
    // 1.00 is saved on what is missing today, and 10.00 on what waits, for an order of 6.00.
    let needed = || vec![candidate("farm", 5.0, 110), candidate("metro", 5.0, 100)];
    let waiting = || vec![candidate("farm", 5.0, 200), candidate("metro", 0.0, 100)];
    let mut all = [needed(), waiting()];
    assert_eq!(shared(&mut all, &[]), at(&[("farm", 1_100), ("metro", 1_600)]));
    // Together with another one that is missing today the order is worth what it costs, and what waits has it for nothing.
    let dear = || vec![candidate("farm", 5.0, 160), candidate("metro", 5.0, 100)];
    let little = || vec![candidate("farm", 5.0, 101), candidate("metro", 0.0, 100)];
    let mut all = [needed(), dear(), little()];
    assert_eq!(shared(&mut all, &[]), at(&[("metro", 1_300), ("metro", 1_300), ("metro", 1_300)]));
}

/// Five products that sell ten a day. Of four hardly any are there; of the last enough for metro's next chance, and not for
/// the farm's, which is later.
async fn five() -> Shop {
    let shop = open_shop("").await;
    let names: Vec<String> = (0..5).map(|idx| format!("p{idx}")).collect();
    let product = |id: &String| {
        let product = json!({"id": id, "title": id, "price": {"amount": 300, "currency": "USD"}});
        product_from_json(&product, &SiteId::main(), Currency::USD).unwrap()
    };
    let products = names.iter().map(product).collect();
    shop.app.put_products(products, &caller(Role::Admin)).await.unwrap();
    let sold: Vec<(&str, i64)> = names.iter().map(|id| (id.as_str(), 10)).collect();
    send(&shop, (1..=90).map(|ago| sale(ago, &sold)).collect()).await;
    let counted = |(idx, id): (usize, &String)| {
        let units = if idx < 4 { 20 } else { 105 };
        stock("Stock Counted", (id, units), "2026-01-14T22:30:00Z")
    };
    send(&shop, names.iter().enumerate().map(counted).collect()).await;
    let offers = |price: i64| -> Vec<Value> {
        let usd = json!({"amount": price, "currency": "USD"});
        names.iter().map(|id| json!({"product_id": id, "price": usd})).collect()
    };
    let cost = json!({"amount": 400, "currency": "USD"});
    let metro = json!({"lead_time_days": 1, "offers": offers(100), "order_cost": cost});
    let farm = json!({"lead_time_days": 6, "offers": offers(112)});
    let both = vec![supplier("metro", metro), supplier("farm", farm)];
    shop.app.put_suppliers(both, &caller(Role::Planner)).await.unwrap();
    shop
}

#[tokio::test]
async fn who_accepts_a_plan_gets_no_new_one() {
    let shop = five().await;
    let first = plan(&shop).await;
    let told: Vec<(&str, &str)> = first
        .lines
        .iter()
        .map(|line| (line.product.as_str(), line.supplier().unwrap().supplier_id.as_str()))
        .collect();
    assert_eq!(told.len(), 4, "{told:?}");
    assert!(told.iter().all(|(id, at)| *at == "metro" && *id != "p4"), "{told:?}");
    let shares = first
        .lines
        .iter()
        .map(|line| line.supplier().unwrap().landed_cost.minor() - line.cost.unwrap().minor());
    assert_eq!(shares.sum::<i64>(), 400);
    let new = first.order_at("metro").unwrap();
    shop.app.create_purchase_order(new, &caller(Role::Planner)).await.unwrap();
    let second = plan(&shop).await;
    assert!(second.lines.is_empty(), "{:?}", second.lines);
}
