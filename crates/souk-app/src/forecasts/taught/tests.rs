#![allow(clippy::unwrap_used)]

use serde_json::{Value, json};
use souk_core::{LocationId, ProductId};

use super::*;
use crate::Role;
use crate::demand::tests::{open_with, place, send, today};
use crate::forecasts::{ForecastRequest, outlooks};
use crate::test_shop::{Shop, caller};

const DAYS: i32 = 300;
const PRODUCTS: i32 = 40;

/// Pieces of a product at a place on a day: each is in fashion for forty days of two hundred, at all places at once.
fn wanted(product: i32, place: i32, ago: i32) -> i32 {
    let day = 1_000 - ago;
    // As lumpy as chance, and the same in every run.
    let chance = (day * 7_919 + product * 104_729 + place * 1_299_709).rem_euclid(1_009) % 4;
    if (day + product * 31).rem_euclid(200) < 40 {
        chance
    } else {
        i32::from(chance == 3 && day % 5 == 0)
    }
}

/// Two places that sell what is in fashion.
async fn fashions() -> Shop {
    let settings = "privacy: {default_jurisdiction: us}\n\
        locations: [{id: berlin, time_zone: UTC}, {id: hamburg, time_zone: UTC}]";
    let shop = open_with(settings).await;
    let mut orders = Vec::new();
    for ago in (1..=DAYS).rev() {
        for (number, place) in ["berlin", "hamburg"].iter().enumerate() {
            let line = |product: i32| {
                let units = wanted(product, number as i32, ago);
                (units > 0).then(
                    || json!({"product_id": format!("p{product}"), "quantity": units, "price": 5}),
                )
            };
            let lines: Vec<Value> = (0..PRODUCTS).filter_map(line).collect();
            let day = Day::from_number(today().number() - ago);
            orders.push(json!({"type": "track", "event": "Order Completed", "userId": format!("u{ago}"),
                "messageId": format!("{place}{ago}"), "timestamp": format!("{day}T10:30:00Z"),
                "context": {"channel": "store"},
                "properties": {"order_id": format!("{place}{ago}"), "location_id": place, "products": lines}}));
        }
    }
    send(&shop, orders).await;
    shop
}

fn keys(shop: &Shop) -> Vec<SeriesKey> {
    let key = |product: i32| {
        let id = ProductId::new(format!("p{product}")).unwrap();
        shop.app.series_key((&SiteId::main(), &id), Some(&place())).unwrap()
    };
    (0..PRODUCTS).map(key).collect()
}

#[tokio::test]
async fn levels_of_a_site_teach_each_other() {
    let shop = fashions().await;
    let read = |key: &SeriesKey| shop.app.read_series(*key, &SiteId::main()).unwrap();
    // What a place's series says of all places: both, up to its last day.
    let one = read(&keys(&shop)[3]);
    let both = |ago: i32| f64::from(wanted(3, 0, ago) + wanted(3, 1, ago));
    let newest: Vec<f64> = (1..=9).rev().map(both).collect();
    assert_eq!(one.everywhere[one.everywhere.len() - 9..], newest);
    assert_eq!(one.until(one.len() - 9).everywhere.len(), one.everywhere.len() - 9);
    assert_eq!(one.taught, None);

    assert!(shop.app.learn_levels());
    assert!(!shop.app.learn_levels(), "it is learned once a day");
    let (mut sums, mut n) = ((0.0, 0.0), 0);
    for key in keys(&shop) {
        let series = read(&key);
        let alone = DemandSeries { taught: None, ..series.clone() };
        assert_eq!(series.fingerprint(), alone.fingerprint());
        let factor = series.taught.clone().unwrap().factor(&series, &series.wanted().0);
        let total = |series: &DemandSeries| outlooks(&[series], 14, 1)[0].over(today(), 14.0).mean;
        // What is expected to fade is forecast lower, as far as the forecast is the level's.
        if factor < 0.9 {
            sums = (sums.0 + total(&series), sums.1 + total(&alone));
            n += 1;
        }
    }
    assert!(n > 5 && sums.0 < 0.9 * sums.1 && sums.0 > 0.2 * sums.1, "{n} {sums:?}");

    assert!(says_what_others_teach(&shop).await);

    // What a shop sold that tells nothing any more goes on teaching.
    let year = 400 * 86_400_000;
    shop.hand.fetch_add(year, std::sync::atomic::Ordering::SeqCst);
    assert!(shop.app.learn_levels());
    assert!(shop.app.taught(&SiteId::main()).is_some());
}

#[tokio::test]
async fn what_is_taught_knows_nothing_of_later_days() {
    let shop = fashions().await;
    let until = Day::from_number(today().number() - 60);
    let teachers = shop.app.teachers(&SiteId::main(), until);
    assert_eq!(teachers.series.len(), 2 * PRODUCTS as usize);
    let cut =
        |series: &DemandSeries| series.until((until.number() - series.first.number() + 1) as usize);
    let known =
        Teachers { series: teachers.series.iter().map(cut).collect(), sold: teachers.sold.clone() };
    let lesson = |teachers: &Teachers| teachers.teach(until).unwrap().lesson;
    assert_eq!(lesson(&teachers), lesson(&known));
    assert_ne!(lesson(&teachers), teachers.teach(today()).unwrap().lesson);
}

/// Whether the forecast of a product that goes out of fashion says what was learned.
async fn says_what_others_teach(shop: &Shop) -> bool {
    let ending = (0..PRODUCTS).find(|one| (999 + one * 31).rem_euclid(200) == 39).unwrap_or(0);
    let ask = ForecastRequest {
        site: SiteId::main(),
        product: ProductId::new(format!("p{ending}")).unwrap(),
        location: Some(LocationId::new("berlin").unwrap()),
        horizon_days: 14,
        levels: vec![0.8],
    };
    let answer = shop.app.forecast(ask, &caller(Role::Planner)).await.unwrap();
    let note = answer.notes.iter().find(|note| note.starts_with("its level counts 0."));
    note.is_some()
}

#[tokio::test]
async fn the_first_answer_of_a_day_knows_what_others_teach() {
    assert!(says_what_others_teach(&fashions().await).await);
}
