#![allow(clippy::unwrap_used)]

use serde_json::{Value, json};
use souk_core::wire::json::product_from_json;
use souk_core::{Currency, SiteId};

use super::Shelf;
use crate::demand::tests::{open, place, sale, sales, send, stock, tea, wanted};
use crate::forecasts::ForecastRequest;
use crate::purchasing::tests::supplier;
use crate::replenishment::{PlanLine, ReplenishmentPlan};
use crate::test_shop::{Shop, caller};
use crate::{Role, StockQuery};

/// A fact about a lot of tea.
pub(in super::super) fn lot(event: &str, (name, units): (&str, i64), expires_on: &str) -> Value {
    let mut told = stock(event, ("tea", units), "2026-01-14T22:30:00Z");
    told["messageId"] = json!(format!("{event}{name}{units}"));
    told["properties"]["lot"] = json!(name);
    told["properties"]["expires_on"] = json!(expires_on);
    told
}

/// Tea that keeps so many days.
pub(in super::super) async fn keeps(shop: &Shop, days: u32) {
    let product = json!({"id": "tea", "title": "Good tea", "perishable_days": days,
        "price": {"amount": 500, "currency": "USD"}, "cost": {"amount": 250, "currency": "USD"}});
    let product = product_from_json(&product, &SiteId::main(), Currency::USD).unwrap();
    shop.app.put_products(vec![product], &caller(Role::Admin)).await.unwrap();
}

/// A shop that sold tea each day, with what its supplier says.
pub(in super::super) async fn selling(inventory: &str, leaf: Value) -> Shop {
    let shop = open(inventory).await;
    send(&shop, sales(|_, wanted| wanted)).await;
    let leaf = supplier("leaf", leaf);
    shop.app.put_suppliers(vec![leaf], &caller(Role::Planner)).await.unwrap();
    shop
}

async fn plan(shop: &Shop) -> ReplenishmentPlan {
    let ids = (&SiteId::main(), &place());
    shop.app.replenishment(ids, &caller(Role::Planner)).await.unwrap()
}

fn tea_line(plan: &ReplenishmentPlan) -> &PlanLine {
    plan.lines.iter().find(|line| line.product == tea()).unwrap()
}

fn sold_in(days: i32) -> f64 {
    (0..days).map(|ahead| wanted(-ahead) as f64).sum()
}

#[tokio::test]
async fn stock_that_goes_off_unsold_does_not_count() {
    for (expires_on, is_ordered) in [("2026-01-17", true), ("2027-01-17", false)] {
        let shop = selling("", json!({})).await;
        let lots = vec![
            lot("Stock Received", ("old", 200), expires_on),
            lot("Stock Received", ("new", 60), "2027-06-30"),
        ];
        send(&shop, lots).await;
        let found = plan(&shop).await;
        assert_eq!(!found.lines.is_empty(), is_ordered, "{expires_on}");
        if !is_ordered {
            continue;
        }
        let line = tea_line(&found);
        // It can be sold on the 15th, 16th and 17th; seven more days are open.
        let left = 200.0 - sold_in(3);
        assert!((line.expiring - left).abs() < 10.0, "{} for {left}", line.expiring);
        assert_eq!(line.position.total(), 260.0);
        assert!((line.need - (line.order_up_to - (260.0 - line.expiring))).abs() < 1e-9);
        let words = format!("260.0 on hand − {:.1} that go off unsold + 0.0", line.expiring);
        assert!(line.text.contains(&words), "{}", line.text);
    }
}

/// One every nine days.
fn rarely(ago: i32, _: i64) -> i64 {
    i64::from(ago % 9 == 0)
}

/// A supplier that is there on the day it is asked, once a week.
fn at_once() -> Value {
    let price = json!({"amount": 200, "currency": "USD"});
    json!({"lead_time_days": 0, "offers": [{"product_id": "tea", "price": price}]})
}

#[tokio::test]
async fn what_covers_the_days_until_it_goes_off_leaves_only_the_days_after_it_open() {
    // A week must be bridged, and these may be sold on six of its days.
    let shop = selling("", at_once()).await;
    keeps(&shop, 8).await;
    send(&shop, vec![lot("Stock Received", ("now", 200), "2026-01-20")]).await;
    let found = plan(&shop).await;
    let line = tea_line(&found);
    let later = wanted(-6) as f64;
    let spare = line.order_up_to - line.demand_mean;
    assert!(line.need >= later, "{} for {later}: {line:?}", line.need);
    assert!(line.need < later + 0.7 * spare, "six days need no spare units: {spare} {line:?}");
    assert!((line.need - (line.order_up_to - (200.0 - line.expiring))).abs() < 1e-9);
    assert!(line.waste < 0.5 * line.quantity, "{line:?}");
    // What sells once in nine days is there for six of seven: on the seventh no more than a piece is wanted.
    let shop = open("").await;
    send(&shop, sales(rarely)).await;
    let leaf = supplier("leaf", at_once());
    shop.app.put_suppliers(vec![leaf], &caller(Role::Planner)).await.unwrap();
    keeps(&shop, 8).await;
    send(&shop, vec![lot("Stock Received", ("now", 30), "2026-01-20")]).await;
    let most = plan(&shop).await.lines.iter().map(|line| line.quantity).fold(0.0, f64::max);
    assert!(most <= 1.0, "{most}");
}

#[tokio::test]
async fn waste_is_what_the_order_adds_and_never_more_than_it() {
    let rarely = async |inventory: &str| {
        let shop = open(inventory).await;
        send(&shop, sales(rarely)).await;
        let leaf = supplier("leaf", at_once());
        shop.app.put_suppliers(vec![leaf], &caller(Role::Planner)).await.unwrap();
        keeps(&shop, 7).await;
        send(&shop, vec![lot("Stock Received", ("now", 1), "2026-01-21")]).await;
        plan(&shop).await
    };
    // What costs half its price is not ordered to go off more often than not.
    assert!(rarely("service_level: 0.98").await.lines.is_empty());
    let found = rarely("service_level: 0.98, waste_chance_max: 0.98").await;
    let line = tea_line(&found);
    // More than the order is left of all that is there.
    assert!(line.position.on_hand + line.quantity - line.demand_mean > line.quantity, "{line:?}");
    // The second one is sold where two are wanted: hardly ever.
    assert!(line.waste < line.quantity && line.waste > 0.6 * line.quantity, "{line:?}");
}

#[tokio::test]
async fn what_was_sold_today_is_not_expected_again() {
    let shop = selling("", json!({})).await;
    send(&shop, vec![stock("Stock Counted", ("tea", 60), "2026-01-14T22:30:00Z")]).await;
    let before = plan(&shop).await;
    let before = tea_line(&before);
    let of_today = plan(&shop).await.so_far.expected;
    // As much as the day was to sell: neither more nor less is missing for the days after it.
    let sold = of_today.round() as i64;
    send(&shop, vec![sale(0, &[("tea", sold)])]).await;
    let found = plan(&shop).await;
    let after = tea_line(&found);
    assert_eq!(after.position.total(), 60.0 - sold as f64);
    assert!((before.demand_mean - after.demand_mean - of_today.min(sold as f64)).abs() < 1e-9);
    assert!((after.need - before.need).abs() <= 2.0, "{} after {}", after.need, before.need);
    assert_eq!(found.so_far.expected, of_today, "the day is judged whole");
    let words = format!("beyond the {sold}.0 of today that are sold");
    assert!(after.text.contains(&words), "{}", after.text);
    // More than that is a surprise of today, not less for tomorrow.
    let mut again = sale(0, &[("tea", 10)]);
    again["messageId"] = json!("again");
    again["properties"]["order_id"] = json!("again");
    send(&shop, vec![again]).await;
    let more = plan(&shop).await;
    let more = tea_line(&more);
    assert!((more.demand_mean - (before.demand_mean - of_today)).abs() < 1e-9);
    assert!((more.need - after.need - 10.0).abs() <= 1.0, "{} after {}", more.need, after.need);
}

#[tokio::test]
async fn no_more_is_ordered_than_sells_before_it_goes_off() {
    let empty = || vec![stock("Stock Counted", ("tea", 0), "2026-01-14T22:30:00Z")];
    let shop = selling("waste_chance_max: 0.95", json!({})).await;
    send(&shop, empty()).await;
    let free = plan(&shop).await;
    let free = tea_line(&free);
    assert_eq!((free.keeps_days, free.most, free.waste), (None, None, 0.0));
    // Three days on the way and two on the shelf, of the ten that must be bridged.
    keeps(&shop, 2).await;
    let found = plan(&shop).await;
    let line = tea_line(&found);
    assert!(line.order_up_to < 0.7 * free.order_up_to, "{}", line.order_up_to);
    assert!(line.order_up_to > sold_in(5), "{} for {}", line.order_up_to, sold_in(5));
    assert!(line.quantity <= line.most.unwrap() && line.quantity % 6.0 == 0.0, "{line:?}");
    assert!(line.text.contains("can be sold for 5 days from today only"), "{}", line.text);
    assert!(line.waste > 0.0 && line.waste < 0.5 * line.quantity, "{}", line.waste);
    // What keeps longer than the interval is ordered like anything else.
    keeps(&shop, 90).await;
    let kept = plan(&shop).await;
    assert_eq!(tea_line(&kept).quantity, free.quantity);
    // Less risk of waste is less to order.
    let shop = selling("waste_chance_max: 0.1", json!({})).await;
    send(&shop, empty()).await;
    keeps(&shop, 2).await;
    let careful = plan(&shop).await;
    let careful = tea_line(&careful);
    assert!(careful.order_up_to < sold_in(5) && careful.waste < 0.5 * line.waste);
}

#[tokio::test]
async fn a_smallest_order_that_would_go_off_is_an_exception() {
    let offers = json!({"offers": [{"product_id": "tea", "multiple": 6, "minimum": 900,
        "price": {"amount": 200, "currency": "USD"}}]});
    let shop = selling("", offers).await;
    send(&shop, vec![stock("Stock Counted", ("tea", 0), "2026-01-14T22:30:00Z")]).await;
    keeps(&shop, 4).await;
    let found = plan(&shop).await;
    assert!(found.lines.is_empty());
    let odd = found.exceptions.iter().find(|odd| odd.products == [tea()]).unwrap();
    assert!(odd.text.contains("the smallest order is 900"), "{}", odd.text);
    // Another one's cases are small enough.
    let small = supplier("small", json!({}));
    shop.app.put_suppliers(vec![small], &caller(Role::Planner)).await.unwrap();
    assert_eq!(tea_line(&plan(&shop).await).supplier().unwrap().supplier_id, "small");
}

#[tokio::test]
async fn units_of_unknown_age_count_as_fresh() {
    let shop = selling("", json!({})).await;
    send(&shop, vec![stock("Stock Counted", ("tea", 300), "2026-01-14T22:30:00Z")]).await;
    assert!(plan(&shop).await.lines.is_empty());
    keeps(&shop, 5).await;
    let found = plan(&shop).await;
    let line = tea_line(&found);
    let left = 300.0 - sold_in(5);
    assert!((line.expiring - left).abs() < 10.0, "{} for {left}", line.expiring);
}

#[tokio::test]
async fn what_keeps_longer_than_is_planned_does_not_go_off() {
    let shop = selling("", json!({})).await;
    send(&shop, vec![stock("Stock Counted", ("tea", 60), "2026-01-14T22:30:00Z")]).await;
    let free = plan(&shop).await;
    let free = tea_line(&free);
    let ids = (SiteId::main(), place());
    for days in [730, 36_500, 2_147_483_647, 4_294_967_295] {
        keeps(&shop, days).await;
        let found = plan(&shop).await;
        let line = tea_line(&found);
        assert_eq!((line.keeps_days, line.most, line.waste), (None, None, 0.0), "{days}");
        assert_eq!((line.expiring, line.quantity), (0.0, free.quantity), "{days}");
        let waste = shop.app.waste((&ids.0, &ids.1), &caller(Role::Planner)).await.unwrap();
        assert_eq!(waste.lots, [], "{days}");
        let ask = ForecastRequest {
            site: ids.0.clone(),
            product: tea(),
            location: Some(ids.1.clone()),
            horizon_days: 7,
            levels: vec![0.8],
        };
        let answer = shop.app.forecast(ask, &caller(Role::Planner)).await.unwrap();
        assert!(answer.risks.iter().all(|risk| risk.risk != "expiry"), "{days}");
    }
    // One day less is a life; a fresh unit of no day at all is sold on its first.
    for (days, keeps_days) in [(729, 729), (1, 1), (0, 1)] {
        keeps(&shop, days).await;
        let found = plan(&shop).await;
        assert_eq!(tea_line(&found).keeps_days, Some(keeps_days), "{days}");
    }
}

#[tokio::test]
async fn sales_come_off_the_lot_that_goes_off_first() {
    let shop = open("").await;
    let lots = vec![
        lot("Stock Received", ("late", 50), "2027-01-01"),
        lot("Stock Received", ("early", 50), "2026-01-20"),
        lot("Stock Received", ("gone", 50), "2026-01-02"),
    ];
    send(&shop, lots).await;
    send(&shop, vec![sale(0, &[("tea", 70)])]).await;
    let query = StockQuery {
        site: SiteId::main(),
        location: Some(place()),
        product: Some(tea()),
        after: None,
        limit: 10,
    };
    let page = shop.app.stock(&query, &caller(Role::Planner)).unwrap();
    let left: Vec<(String, f64)> =
        page.levels.into_iter().map(|row| (row.lot.unwrap(), row.quantity)).collect();
    let left: Vec<(&str, f64)> = left.iter().map(|(lot, left)| (lot.as_str(), *left)).collect();
    assert_eq!(left, [("late", 30.0), ("early", 0.0), ("gone", 50.0)]);
    // And a rebuild of the log says the same.
    assert_eq!(shop.app.check_views().await.unwrap().differing, Vec::<&str>::new());
}

#[tokio::test]
async fn a_day_that_sells_more_than_it_was_to_is_told() {
    let shop = selling("", json!({})).await;
    send(&shop, vec![stock("Stock Counted", ("tea", 300), "2026-01-14T22:30:00Z")]).await;
    assert_eq!(plan(&shop).await.so_far.sold, 0.0);
    send(&shop, vec![sale(0, &[("tea", 6)])]).await;
    let found = plan(&shop).await;
    let usual = found.so_far.expected;
    assert!(found.so_far.sold == 6.0 && (usual - wanted(0) as f64).abs() < 4.0, "{usual}");
    assert!(found.exceptions.iter().all(|odd| odd.products != [tea()]));
    let mut again = sale(0, &[("tea", 60)]);
    again["messageId"] = json!("again");
    again["properties"]["order_id"] = json!("again");
    send(&shop, vec![again]).await;
    let found = plan(&shop).await;
    let odd = found.exceptions.iter().find(|odd| odd.products == [tea()]).unwrap();
    assert!(odd.text.contains("66 were sold today already"), "{}", odd.text);
}

/// Cheese without a last day: of what stands there a share is cut away each night.
#[tokio::test]
async fn what_is_written_off_day_by_day_is_ordered_too() {
    let planned = async |lost: i64, inventory: &str| {
        let shop = selling(inventory, json!({})).await;
        let mut told = vec![stock("Stock Counted", ("milk", 40), "2026-01-14T22:00:00Z")];
        for ago in (1..=30).rev() {
            let day = souk_core::Day::from_number(crate::demand::tests::today().number() - ago);
            told.push(stock("Stock Counted", ("tea", 100), &format!("{day}T05:00:00Z")));
            told.push(stock("Stock Written Off", ("tea", lost), &format!("{day}T05:30:00Z")));
            told.push(stock("Stock Counted", ("tea", 100 - lost), &format!("{day}T22:00:00Z")));
        }
        told.retain(|event| event["properties"]["quantity"] != json!(0));
        send(&shop, told).await;
        shop
    };
    let (none, some) = (planned(0, "").await, planned(4, "").await);
    let (before, after) = (plan(&none).await, plan(&some).await);
    let (before, after) = (tea_line(&before), tea_line(&after));
    assert_eq!((before.expiring, before.order_up_to), (0.0, after.order_up_to));
    // Ten days at some 4 % of what stands there each night: of 96 that four days of sales bring to some 60, and then of what
    // lasts for six more days.
    assert!((14.0..=30.0).contains(&after.expiring), "{}", after.expiring);
    let more = after.need - before.need;
    let fewer = before.position.total() - after.position.total();
    assert!((more - fewer - after.expiring).abs() < 1e-9, "{more} {fewer} {}", after.expiring);
    assert!(after.text.contains("that go off unsold"), "{}", after.text);
    // What has a last day goes off by it.
    keeps(&some, 30).await;
    assert_eq!(tea_line(&plan(&some).await).expiring, 0.0);
    // With a share to serve, less is kept of what is lost, and more of the milk.
    let share = "fill_rate: 0.95";
    let (before, after) =
        (plan(&planned(0, share).await).await, plan(&planned(4, share).await).await);
    let chances = |plan: &ReplenishmentPlan| {
        let tea = tea_line(plan).service_level;
        let milk = plan.lines.iter().find(|line| line.product != tea_line(plan).product);
        (tea, milk.unwrap().service_level)
    };
    let ((tea, milk), (less, more)) = (chances(&before), chances(&after));
    assert!(tea == milk && less < tea && more > milk, "{tea} {milk} {less} {more}");
    let text = &tea_line(&after).text;
    let why = ["less than of others because", "because less would serve less than 85 % of"];
    assert!(why.iter().any(|why| text.contains(why)), "{text}");
}

#[test]
fn what_a_shelf_loses_is_reckoned_day_by_day() {
    let days = [10.0; 4];
    let shelf = Shelf { lost_share: 0.1, ..Shelf::default() };
    // By hand: 30 − 10 is 20, of which 2 are lost; 18 − 10 is 8, of which 0.8 are. To have 5 left after two more days,
    // (5/0.9 + 10)/0.9 + 10 = 27.284 must be there, 2.284 more than are sold and left.
    let lost = shelf.lost(&days, (30.0, 45.0), 2.0);
    assert!((lost - (2.8 + 2.283_950_6)).abs() < 1e-6, "{lost}");
    // What has run out loses nothing until more comes, and what loses nothing needs nothing.
    let lost = shelf.lost(&days, (-3.0, 40.0), 2.0);
    assert!((lost - (10.0 / 0.9 + 10.0 - 20.0)).abs() < 1e-9, "{lost}");
    assert_eq!(Shelf::default().lost(&days, (30.0, 45.0), 2.0), 0.0);
}

#[tokio::test]
async fn what_is_wanted_before_a_fresh_order_comes_is_not_ordered_for_its_life() {
    // Four days until it is there, three in which it can be sold, and nothing on the shelf.
    let price = json!({"amount": 200, "currency": "USD"});
    let leaf = json!({"lead_time_days": 4, "offers": [{"product_id": "tea", "price": price}]});
    let shop = selling("", leaf).await;
    keeps(&shop, 3).await;
    send(&shop, vec![stock("Stock Counted", ("tea", 0), "2026-01-14T22:30:00Z")]).await;
    let found = plan(&shop).await;
    let line = tea_line(&found);
    let in_its_life = sold_in(7) - sold_in(4);
    assert!((line.quantity / in_its_life - 1.0).abs() < 0.2, "{} for {in_its_life}", line.quantity);
    assert_eq!(line.most, Some(line.need));
    // What is asked for is the level less what is lost before.
    assert!(line.spared > 0.5 * sold_in(4), "{line:?}");
    assert!((line.order_up_to - line.spared - line.need).abs() < 1e-9, "{line:?}");
    assert!(line.text.contains("that are missing before it is there and lost"), "{}", line.text);
    // Even of what is ordered so much goes off that it is told.
    assert!(line.waste > 0.0 && line.waste < 0.5 * line.quantity, "{line:?}");
    // What is there is sold for three of the four days, and less is lost.
    let (empty, full) = (line.spared, sold_in(5) as i64);
    send(&shop, vec![stock("Stock Counted", ("tea", full), "2026-01-14T22:40:00Z")]).await;
    let spared = tea_line(&plan(&shop).await).spared;
    assert!(spared > 0.0 && spared < 0.6 * empty, "{spared} {empty}");
}
