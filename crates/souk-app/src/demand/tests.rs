#![allow(clippy::unwrap_used)]

use serde_json::{Value, json};
use souk_core::Currency;
use souk_core::wire::json::product_from_json;

use super::*;
use crate::people::tests::folded;
use crate::test_shop::{Shop, caller};
use crate::{Config, IdentityCheck, IngestCall, Role, Who};

/// Days of sales before today, 15 January 2026.
pub(crate) const DAYS: i32 = 140;

pub(crate) fn today() -> Day {
    Day::parse("2026-01-15").unwrap()
}

pub(crate) fn place() -> LocationId {
    LocationId::new("berlin").unwrap()
}

pub(crate) fn tea() -> ProductId {
    ProductId::new("tea").unwrap()
}

/// A shop of tea and milk with a place of its own clock.
pub(crate) async fn open(inventory: &str) -> Shop {
    let settings = format!(
        "privacy: {{default_jurisdiction: us}}\nlocations: [{{id: berlin, time_zone: Europe/Berlin}}]\n\
         inventory: {{{inventory}}}"
    );
    open_with(&settings).await
}

/// The same with all of its settings.
pub(crate) async fn open_with(settings: &str) -> Shop {
    let shop = Shop::open_with(Config::parse(settings, []).unwrap()).await;
    let products = [("tea", 500), ("milk", 120)].map(|(id, price)| {
        let product = json!({"id": id, "title": format!("Good {id}"), "cost": {"amount": price / 2, "currency": "USD"},
            "price": {"amount": price, "currency": "USD"}, "availability": "in_stock"});
        product_from_json(&product, &SiteId::main(), Currency::USD).unwrap()
    });
    shop.app.put_products(products.to_vec(), &caller(Role::Admin)).await.unwrap();
    shop
}

/// How much tea is wanted on a day so many days before today: more at weekends.
pub(crate) fn wanted(days_ago: i32) -> i64 {
    let day = today().number() - days_ago;
    // 1970-01-01 was a Thursday, so 2 and 3 are Saturday and Sunday.
    let base = if matches!(day.rem_euclid(7), 2 | 3) { 16 } else { 8 };
    base + i64::from(day.rem_euclid(5)) - 2
}

pub(crate) fn sale(days_ago: i32, products: &[(&str, i64)]) -> Value {
    let day = Day::from_number(today().number() - days_ago);
    let lines: Vec<Value> = products
        .iter()
        .map(|(id, quantity)| json!({"product_id": id, "quantity": quantity, "price": 5}))
        .collect();
    json!({"type": "track", "event": "Order Completed", "userId": format!("u{}", days_ago % 11),
        "messageId": format!("m{days_ago}"), "timestamp": format!("{day}T10:30:00Z"),
        "context": {"channel": "store"},
        "properties": {"order_id": format!("o{days_ago}"), "location_id": "berlin", "products": lines}})
}

pub(crate) async fn send(shop: &Shop, batch: Vec<Value>) {
    for some in batch.chunks(300) {
        let answer = shop.send(Role::IngestServer, IngestCall::Batch, json!({"batch": some})).await;
        assert_eq!(answer.rejected, []);
    }
    folded(shop).await;
}

/// Every day's sales, as `change` makes them of what was wanted of tea; below 0 the place tells nothing.
pub(crate) fn sales(change: impl Fn(i32, i64) -> i64) -> Vec<Value> {
    let days = (1..=DAYS).rev();
    let sold = days.map(|ago| (ago, change(ago, wanted(ago)))).filter(|(_, sold)| *sold >= 0);
    let lines = |sold: i64| match sold {
        0 => vec![("milk", 30)],
        sold => vec![("tea", sold), ("milk", 30)],
    };
    sold.map(|(ago, sold)| sale(ago, &lines(sold))).collect()
}

pub(crate) fn stock(event: &str, (product, quantity): (&str, i64), at: &str) -> Value {
    json!({"type": "track", "event": event, "messageId": format!("{event}{product}{quantity}{at}"),
        "timestamp": at, "properties": {"product_id": product, "location_id": "berlin", "quantity": quantity}})
}

fn series(shop: &Shop) -> DemandSeries {
    shop.app.demand((&SiteId::main(), &tea()), Some(&place()), 10).unwrap()
}

#[tokio::test]
async fn a_refund_does_not_fill_the_shelf_for_a_moment() {
    let shop = open("").await;
    let sold = json!({"type": "track", "event": "Order Completed", "userId": "u", "messageId": "m",
        "timestamp": "2026-01-12T10:00:00Z", "properties": {"order_id": "o", "location_id": "berlin",
        "products": [{"product_id": "tea", "quantity": 2, "price": 5}]}});
    let refund = json!({"type": "track", "event": "Order Refunded", "userId": "u", "messageId": "r",
        "timestamp": "2026-01-14T09:00:00Z", "properties": {"order_id": "o", "location_id": "berlin",
        "products": [{"product_id": "tea", "quantity": 1, "price": 5}]}});
    let counted = stock("Stock Counted", ("tea", 2), "2026-01-12T08:00:00Z");
    let outs = || {
        let views = shop.app.views.read();
        let item = views.catalogue.item(&SiteId::main(), &tea()).unwrap();
        let number = views.catalogue.location_number(&place()).unwrap();
        views.supply.outs((item, number), crate::test_shop::noon()).collect::<Vec<_>>()
    };
    send(&shop, vec![counted, sold]).await;
    let before = outs();
    assert_eq!(before.len(), 1, "the shelf is empty since the order");
    send(&shop, vec![refund]).await;
    assert_eq!(outs(), before);
}

#[tokio::test]
async fn a_shelf_that_sells_is_not_empty_whatever_was_counted() {
    let shop = open("").await;
    let mut told = sales(|_, wanted| wanted);
    // Nothing was there nine days ago, in the evening; no count came since, and tea went on being sold.
    let counted = |ago: i32| {
        let day = Day::from_number(today().number() - ago);
        stock("Stock Counted", ("tea", 0), &format!("{day}T18:00:00Z"))
    };
    told.insert(told.len() - 8, counted(9));
    send(&shop, told).await;
    let censored = |shop: &Shop| {
        let found = series(shop);
        let marked = (1..=DAYS).filter(|ago| found.is_censored[(DAYS - ago) as usize]);
        marked.collect::<Vec<_>>()
    };
    // From then until the first sale after it.
    assert_eq!(censored(&shop), [8, 9]);
    // It is empty again when it is counted so again, and until now without a sale.
    send(&shop, vec![counted(1)]).await;
    assert_eq!(censored(&shop), [1, 8, 9]);
    // A sale that the count has seen, and a return, end nothing.
    let mut late = sale(4, &[("tea", 1)]);
    late["messageId"] = json!("late");
    late["properties"]["order_id"] = json!("late");
    let refund = json!({"type": "track", "event": "Order Refunded", "messageId": "r", "timestamp": "2026-01-15T09:00:00Z",
        "userId": "u1", "properties": {"order_id": "o5", "location_id": "berlin",
        "products": [{"product_id": "tea", "quantity": 2, "price": 5}]}});
    send(&shop, vec![late, refund]).await;
    assert_eq!(censored(&shop), [1, 8, 9]);
    let views = shop.app.views.read();
    let item = views.catalogue.item(&SiteId::main(), &tea()).unwrap();
    let number = views.catalogue.location_number(&place()).unwrap();
    let outs: Vec<_> = views.supply.outs((item, number), crate::test_shop::noon()).collect();
    assert_eq!(outs.len(), 2);
    assert_eq!(outs[1].1, crate::test_shop::noon(), "it is empty still");
}

#[tokio::test]
async fn a_series_tells_sales_returns_promotions_and_prices_apart() {
    let shop = open("").await;
    send(&shop, sales(|_, wanted| wanted)).await;
    send(
        &shop,
        vec![
            json!({"type": "track", "event": "Order Refunded", "messageId": "r", "timestamp": "2026-01-12T09:00:00Z",
                "userId": "u1", "properties": {"order_id": "o5", "location_id": "berlin",
                "products": [{"product_id": "tea", "quantity": 2, "price": 5}]}}),
            json!({"type": "track", "event": "Promotion Planned", "messageId": "p", "timestamp": "2026-01-01T09:00:00Z",
                "properties": {"promotion_id": "jan", "product_ids": ["tea"], "starts_on": "2026-01-10",
                "ends_on": "2026-01-18", "discount_percent": 20}}),
            json!({"type": "track", "event": "Promotion Ended", "messageId": "q", "timestamp": "2026-01-13T20:00:00Z",
                "properties": {"promotion_id": "jan"}}),
            json!({"type": "track", "event": "Price Changed", "messageId": "b", "timestamp": "2025-08-01T05:00:00Z",
                "properties": {"product_id": "tea", "price": 5}}),
            json!({"type": "track", "event": "Price Changed", "messageId": "c", "timestamp": "2026-01-14T05:00:00Z",
                "properties": {"product_id": "tea", "price": 4}}),
        ],
    )
    .await;
    let found = series(&shop);
    assert_eq!((found.last(), found.len()), (Day::parse("2026-01-14").unwrap(), DAYS as usize));
    let ago = |days: i32| found.len() - days as usize;
    for days in 1..=DAYS {
        assert_eq!(found.sold[ago(days)], wanted(days) as f64, "{days} days ago");
    }
    let returned: Vec<f64> = found.returned.iter().copied().filter(|units| *units > 0.0).collect();
    assert_eq!((returned, found.returned[ago(3)]), (vec![2.0], 2.0));
    // It ended on the 13th, before its planned end.
    let promoted: Vec<f64> = (1..=6).rev().map(|days| found.promotion[ago(days)]).collect();
    assert_eq!(promoted, [0.0, 0.2, 0.2, 0.2, 0.2, 0.0]);
    assert!(found.promotion_ahead.iter().all(|depth| *depth == 0.0));
    assert_eq!((found.price[ago(2)], found.price[ago(1)]), (500.0, 400.0));
    assert!(found.is_censored.iter().all(|flag| !flag));
    let all = shop.app.demand((&SiteId::main(), &tea()), None, 10).unwrap();
    assert_eq!(all.sold, found.sold);
    let ids = (&SiteId::main(), &ProductId::new("none").unwrap());
    assert_eq!(
        shop.app.demand(ids, None, 1).unwrap_err().to_string(),
        "product `none` does not exist"
    );
}

#[tokio::test]
async fn days_with_an_empty_shelf_are_censored_and_belong_to_the_places_own_day() {
    let shop = open("").await;
    // Nothing could be sold from the 4th of January's noon to the 8th.
    send(&shop, sales(|ago, wanted| if (8..=10).contains(&ago) { 0 } else { wanted })).await;
    // 23:30 in UTC is the next day in Berlin.
    send(
        &shop,
        vec![
            stock("Stock Counted", ("tea", 0), "2026-01-04T23:30:00Z"),
            stock("Stock Received", ("tea", 500), "2026-01-08T07:00:00Z"),
        ],
    )
    .await;
    let found = series(&shop);
    let censored: Vec<String> = (0..found.len())
        .filter(|idx| found.is_censored[*idx])
        .map(|idx| Day::from_number(found.first.number() + idx as i32).to_string())
        .collect();
    // Until eight in the morning of the 8th nothing is sold anyway.
    assert_eq!(censored, ["2026-01-05", "2026-01-06", "2026-01-07"]);
    let (wanted, added) = found.wanted();
    let idx = found.len() - 9;
    // A Tuesday without stock was as wanted as the Tuesdays around it, and not 0.
    assert_eq!(found.sold[idx], 0.0);
    assert!((6.0..=12.0).contains(&wanted[idx]) && added > 15.0, "{} {added}", wanted[idx]);
    // Pieces stay pieces, and no part of one is lost for good.
    assert!(wanted.iter().all(|wanted| wanted.fract() == 0.0), "{wanted:?}");
    let by_weight: Vec<f64> = found.sold.iter().map(|sold| sold + 0.25).collect();
    let (weighed, exactly) = DemandSeries { sold: by_weight, ..found.clone() }.wanted();
    assert!(weighed[idx].fract() != 0.0, "{}", weighed[idx]);
    assert!((added - exactly).abs() <= 0.5 && exactly.fract() != 0.0, "{added} {exactly}");
    // What was sold on a censored day stays where it is more than usual.
    assert!(wanted.iter().zip(&found.sold).all(|(wanted, sold)| wanted >= sold));
}

#[tokio::test]
async fn consent_and_erasure_change_nothing() {
    let with = |consent: Value| async move {
        let shop = open("").await;
        let mut batch = sales(|_, wanted| wanted);
        for event in &mut batch {
            event["context"]["consent"] = consent.clone();
        }
        send(&shop, batch).await;
        send(&shop, vec![stock("Stock Counted", ("tea", 40), "2026-01-14T05:00:00Z")]).await;
        shop
    };
    let categories = |is_allowed: bool| {
        json!({"categoryPreferences": {"analytics": is_allowed, "personalization": is_allowed,
            "marketing": is_allowed, "model_training": is_allowed}})
    };
    let all = with(categories(true)).await;
    let none = with(categories(false)).await;
    assert_eq!(series(&all), series(&none));
    let before = (series(&all), all.app.position((&SiteId::main(), &tea()), Some(&place()), 10.0));
    for n in 0..11 {
        let who = Who::parse(&format!("u{n}")).unwrap();
        let erased =
            all.app.request_erasure(&caller(Role::Privacy), &who, IdentityCheck::Verified).await;
        erased.unwrap();
    }
    folded(&all).await;
    let after = (series(&all), all.app.position((&SiteId::main(), &tea()), Some(&place()), 10.0));
    assert_eq!(before, after);
    assert!(all.app.noise_records() > 0 || all.app.view_sizes().subjects == 0);
    // And what is folded live is what a rebuild of the log gives.
    assert_eq!(all.app.check_views().await.unwrap().differing, Vec::<&str>::new());
}

#[tokio::test]
async fn a_day_without_any_sale_of_the_place_at_the_end_is_late_and_not_without_demand() {
    let shop = open("").await;
    send(&shop, sales(|ago, wanted| if ago <= 3 { -1 } else { wanted })).await;
    assert_eq!(series(&shop).last(), Day::from_number(today().number() - 4));
    // Where the place sold something else, nobody wanted tea.
    let shop = open("").await;
    send(&shop, sales(|ago, wanted| if ago <= 3 { 0 } else { wanted })).await;
    let found = series(&shop);
    assert_eq!(found.last(), Day::from_number(today().number() - 1));
    assert_eq!(found.sold[found.len() - 3..], [0.0; 3]);
}
