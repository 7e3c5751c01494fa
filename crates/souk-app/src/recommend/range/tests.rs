#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use serde_json::{Value, json};
use souk_core::SiteId;

use super::{AGE_MIN, RangeBy, Ranges};
use crate::recommend::tests::{ask, ids, product};
use crate::test_shop::{Shop, caller};
use crate::{ReasonKind, RecommendRequest, Role, Strategy};

async fn open(products: &[Value]) -> Shop {
    let shop = Shop::open().await;
    put(&shop, products).await;
    shop
}

async fn put(shop: &Shop, products: &[Value]) {
    let products = products.iter().map(product).collect();
    shop.app.put_products(products, &caller(Role::Admin)).await.unwrap();
    shop.app.wait_for(&shop.app.parts.log.end().await.unwrap()).await.unwrap();
}

fn of(id: &str, category: &str, more: Value) -> Value {
    let mut value = json!({"id": id, "title": id, "categories": [category],
        "price": {"amount": 100, "currency": "USD"}, "image_urls": ["https://x.example/1.jpg"]});
    value.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    value
}

async fn list(shop: &Shop, strategy: Strategy) -> Vec<String> {
    let answer = ask(shop, &RecommendRequest::new(strategy, 20)).await;
    ids(&answer).into_iter().map(str::to_owned).collect()
}

/// A catalogue that came a minute ago is not new, and the end of its file is no beginning.
#[tokio::test]
async fn on_the_first_day_a_list_shows_what_the_shop_has() {
    let nothing = json!({});
    let glass = |n: usize, more: Value| of(&format!("glass{n}"), "Phones > Glass", more);
    let shop = open(&[
        of("cable", "Cables", nothing.clone()),
        of("phone1", "Phones", json!({"image_urls": []})),
        of("phone2", "Phones", nothing.clone()),
        glass(1, nothing.clone()),
        glass(2, json!({"price": null})),
        glass(3, nothing.clone()),
        glass(4, nothing.clone()),
    ])
    .await;
    // One of each category in turn, the largest first, each as the file has it; pictures before none, prices before all.
    let first = ["glass1", "phone2", "cable", "glass3", "phone1", "glass4", "glass2"];
    let answer = ask(&shop, &RecommendRequest::new(Strategy::Popular, 20)).await;
    assert_eq!((ids(&answer), answer.strategy), (first.to_vec(), Strategy::Popular));
    let answer = ask(&shop, &RecommendRequest::new(Strategy::New, 20)).await;
    assert_eq!((ids(&answer), answer.strategy), (first.to_vec(), Strategy::New));
    assert!(answer.recommendations.iter().all(|one| one.reason.kind == ReasonKind::Range));
    assert_eq!(answer.recommendations[0].reason.text, "From this shop’s range");
    // What comes while an order is kept stands before it.
    put(&shop, &[of("late", "Cables", nothing)]).await;
    assert_eq!(list(&shop, Strategy::New).await[0], "late");
}

#[tokio::test]
async fn the_shops_own_figures_come_first() {
    let by = async |figures: [Value; 4]| {
        let named = figures.into_iter().zip(["a", "b", "c", "d"]);
        let products: Vec<Value> =
            named.map(|(figure, id)| of(id, "One", json!({ "attributes": figure }))).collect();
        list(&open(&products).await, Strategy::Popular).await.concat()
    };
    let popularity =
        [json!({"popularity": 5}), json!({"popularity": 90}), json!({}), json!({"popularity": 7})];
    assert_eq!(by(popularity).await, "bdac", "what has no figure comes last");
    let rank = |rank: u32| json!({ "sales_rank": rank });
    assert_eq!(by([rank(900), rank(3), rank(40), rank(1)]).await, "dbca");
    // A single rating of five stars says less than a hundred of 4.6.
    let rated = |stars: f64, count: u32| json!({"rating": stars, "rating_count": count});
    assert_eq!(by([rated(5.0, 1), rated(4.6, 100), rated(3.0, 50), rated(4.0, 9)]).await, "badc");
    // A figure of few says nothing of the others.
    let few = [json!({}), json!({}), json!({}), json!({"popularity": 9})];
    assert_eq!(by(few).await, "abcd");
}

#[tokio::test]
async fn dates_count_where_most_products_have_one() {
    let dated = |id: &str, date: &str| of(id, "One", json!({ "published_at": date }));
    let products = [
        dated("old", "2024-02-01T00:00:00Z"),
        dated("young", "2025-03-01T00:00:00Z"),
        dated("middle", "2024-05-01T00:00:00Z"),
    ];
    let shop = open(&products).await;
    assert_eq!(list(&shop, Strategy::New).await, ["young", "middle", "old"]);
}

#[tokio::test]
async fn an_order_is_made_anew_by_one_when_the_catalogue_changed() {
    let nothing = json!({});
    let shop = open(&[of("a", "One", nothing.clone()), of("b", "One", nothing.clone())]).await;
    let main = SiteId::main();
    let ranges = Ranges::default();
    let items = |ranges: &Ranges| {
        let views = shop.app.views.read();
        ranges.of((&views.catalogue, &main), RangeBy::Figure).1
    };
    let grow_old = || {
        for kept in ranges.kept.write().values_mut() {
            kept.made = kept.made.checked_sub(AGE_MIN).unwrap();
        }
    };
    let first = items(&ranges);
    grow_old();
    assert!(Arc::ptr_eq(&first, &items(&ranges)), "nothing changed");
    let best = json!({"attributes": {"popularity": 9}});
    put(
        &shop,
        &[of("b", "One", best.clone()), of("a", "One", json!({"attributes": {"popularity": 1}}))],
    )
    .await;
    let making = ranges.making.lock();
    assert!(Arc::ptr_eq(&first, &items(&ranges)), "another makes it");
    drop(making);
    let second = items(&ranges);
    assert_eq!((first[0], second[0]), (second[1], first[1]));
    put(&shop, &[of("c", "One", best)]).await;
    assert!(Arc::ptr_eq(&second, &items(&ranges)), "it is young");
}

#[tokio::test]
async fn a_filter_finds_what_stands_at_the_end() {
    let few: Vec<Value> = (0..2_100).map(|n| of(&format!("p{n}"), "Many", json!({}))).collect();
    let shop = open(&[of("rare", "Few", json!({"price": null}))]).await;
    for some in few.chunks(500) {
        put(&shop, some).await;
    }
    for strategy in [Strategy::New, Strategy::Popular] {
        let filter = souk_core::Filter::parse("category = 'Few'").unwrap();
        let request =
            RecommendRequest { filter: Some(filter), ..RecommendRequest::new(strategy, 5) };
        assert_eq!(ids(&ask(&shop, &request).await), ["rare"]);
    }
}

/// Attributes that came from a CSV file are texts, figures too.
#[tokio::test]
async fn figures_of_a_csv_file_count() {
    let sold = |id: &str, sold: &str| of(id, "Phones", json!({"attributes": {"popularity": sold}}));
    let shop =
        open(&[sold("a", "9"), sold("b", "100"), sold("c", " 20 "), sold("d", "many")]).await;
    assert_eq!(list(&shop, Strategy::Popular).await, ["b", "c", "a", "d"]);
}
