use serde_json::json;
use souk_core::{Currency, Money, SiteId};

use super::{Desk, findings};
use crate::import::moving::{MoveMode, System};
use crate::test_shop::caller;
use crate::{RecommendRequest, Role, Strategy, Sufficiency};

const DAY_MICROS: i64 = 86_400_000_000;

/// A look at one item, or whatever the event is called, so many days after the tenth of January.
fn event(name: &str, day: i64, item: &serde_json::Value) -> String {
    let at = 1_768_032_000_000_000 + day * DAY_MICROS;
    let event = json!({"event_name": name, "event_timestamp": at.to_string(), "user_pseudo_id": "p1",
        "platform": "WEB", "event_params": [{"key": "currency", "value": {"string_value": "USD"}}],
        "items": [item]});
    event.to_string() + "\n"
}

fn write(desk: &Desk, name: &str, lines: &[String]) {
    std::fs::write(desk.folder.path().join(name), lines.concat()).unwrap();
}

#[tokio::test]
async fn events_make_the_catalogue_that_the_shop_did_not_bring() {
    let desk = Desk::open(System::Ga4).await;
    let own =
        json!({"id": "own", "title": "Own Kettle", "price": {"amount": 4_000, "currency": "USD"}});
    let main = SiteId::main();
    let own = souk_core::wire::json::product_from_json(&own, &main, Currency::USD).unwrap();
    desk.shop.app.put_products(vec![own], &caller(Role::Admin)).await.unwrap();
    let mug = |name: &str, price: f64| {
        json!({"item_id": "mug", "item_name": name, "item_brand": "Hot", "item_category": "Home",
            "item_category2": "Mugs", "item_category3": "(not set)", "price": price})
    };
    let lines = [
        event("view_item", 2, &mug("Blue Mug", 12.5)),
        event("view_item", 0, &mug("Mug", 10.0)),
        // Lists that were on a page say nothing of interest, and what is in them all the same.
        event("view_item_list", 1, &json!({"item_id": "cup", "item_name": "Cup"})),
        event("view_item", 1, &json!({"item_id": "own", "item_name": "Kettle", "price": 1})),
        event("view_item", 1, &json!({"item_id": 77, "item_name": "(not set)"})),
    ];
    write(&desk, "events.json", &lines);
    let dry = desk.move_in(&["events.json"], MoveMode::DryRun).await.readiness;
    let read = desk.move_in(&["events.json"], MoveMode::Import).await.readiness;
    assert_eq!(dry, read, "a dry run says what will be");
    assert_eq!((read.products.count, read.products.of_events, read.products.wanted), (2, 2, 2));
    let blue = desk.product("mug");
    assert_eq!((blue.title.as_str(), blue.brand.as_deref()), ("Blue Mug", Some("Hot")));
    assert_eq!(blue.categories, ["Home > Mugs"], "the latest says it, and no word for nothing");
    assert_eq!(blue.price, Some(Money::from_minor(1_250, Currency::USD)));
    assert_eq!(desk.product("cup").title, "Cup");
    assert_eq!(desk.product("own").title, "Own Kettle", "the shop's own is left alone");
    let nameless = souk_core::ProductId::new("77").unwrap();
    assert_eq!(desk.shop.app.product(&main, &nameless), None);
    let said = findings(&read, desk.folder.path());
    assert!(said.contains("2 of 2 products are known from events alone"), "{said}");
    let popular = read.parts.iter().find(|part| part.part == "popular").unwrap();
    assert_ne!(popular.verdict, Sufficiency::Missing);
    let request = RecommendRequest::new(Strategy::Popular, 5);
    let answer = desk.shop.app.recommend(&request, &caller(Role::StorefrontServer)).await.unwrap();
    let first = answer.recommendations[0].product_id.as_str();
    assert!(["mug", "own"].contains(&first), "{answer:?}");
    // Later events bring its price up to date; once the shop tells of it, it is the shop's.
    write(&desk, "later.json", &[event("view_item", 3, &mug("Blue Mug", 14.0))]);
    desk.move_in(&["later.json"], MoveMode::Import).await;
    assert_eq!(desk.product("mug").price, Some(Money::from_minor(1_400, Currency::USD)));
    let own = json!({"id": "mug", "title": "The Mug"});
    let own = souk_core::wire::json::product_from_json(&own, &main, Currency::USD).unwrap();
    desk.shop.app.put_products(vec![own], &caller(Role::Admin)).await.unwrap();
    write(&desk, "last.json", &[event("view_item", 4, &mug("Blue Mug", 15.0))]);
    let last = desk.move_in(&["last.json"], MoveMode::Import).await.readiness;
    assert_eq!(desk.product("mug").title, "The Mug");
    assert_eq!(last.products.of_events, 0);
}

#[tokio::test]
async fn flat_rows_make_products_too() {
    let desk = Desk::open(System::Ga4).await;
    let text = "event_name,event_timestamp,user_pseudo_id,item_id,item_name,item_brand,item_category,\
                item_category2,price,quantity,transaction_id,currency\n\
                view_item,1768032000000000,p1,a,Lamp,Bright,Home,Light,30,,,USD\n\
                purchase,1768032100000000,p1,a,,,,,28.5,1,T1,USD\n\
                view_item_list,1768032200000000,p1,b,Bulb,,,,,,,\n";
    std::fs::write(desk.folder.path().join("rows.csv"), text).unwrap();
    let report = desk.move_in(&["rows.csv"], MoveMode::Import).await.readiness;
    assert_eq!((report.products.of_events, report.orders.count), (2, 1));
    let lamp = desk.product("a");
    assert_eq!((lamp.title.as_str(), lamp.categories[0].as_str()), ("Lamp", "Home > Light"));
    assert_eq!(
        lamp.price,
        Some(Money::from_minor(2_850, Currency::USD)),
        "what was said last holds"
    );
    assert_eq!(desk.product("b").title, "Bulb");
}

#[tokio::test]
async fn a_later_file_that_says_less_takes_nothing_away() {
    let desk = Desk::open(System::Ga4).await;
    let whole = json!({"item_id": "mug", "item_name": "Mug", "item_brand": "Hot",
        "item_category": "Home", "price": 10});
    write(&desk, "first.json", &[event("view_item", 0, &whole)]);
    desk.move_in(&["first.json"], MoveMode::Import).await;
    write(&desk, "second.json", &[event("view_item", 1, &json!({"item_id": "mug", "price": 11}))]);
    let named = json!({"item_id": "mug", "item_name": "Big Mug"});
    write(&desk, "third.json", &[event("view_item", 2, &named)]);
    desk.move_in(&["second.json", "third.json"], MoveMode::Import).await;
    let mug = desk.product("mug");
    assert_eq!((mug.title.as_str(), mug.brand.as_deref()), ("Big Mug", Some("Hot")));
    assert_eq!(mug.categories, ["Home"]);
    assert_eq!(mug.price, Some(Money::from_minor(1_100, Currency::USD)));
    // What the shop changes of it is the shop's own, and stays.
    let patch = souk_core::ProductPatch { title: Some("Our Mug".to_owned()), ..Default::default() };
    let (main, admin) = (SiteId::main(), caller(Role::Admin));
    let patched = desk.shop.app.patch_product(&main, &mug.id, (patch, &admin)).await.unwrap();
    assert!(patched.attributes.is_empty());
    write(&desk, "fourth.json", &[event("view_item", 3, &named)]);
    desk.move_in(&["fourth.json"], MoveMode::Import).await;
    assert_eq!(desk.product("mug"), patched);
}

#[tokio::test]
async fn one_bad_item_or_currency_does_not_cost_the_others() {
    let desk = Desk::open(System::Ga4).await;
    let with = |name: &str, day: i64, currency: &str, items: serde_json::Value| {
        let mut event: serde_json::Value =
            serde_json::from_str(&event(name, day, &json!({}))).unwrap();
        event["event_params"][0]["value"]["string_value"] = json!(currency);
        event["items"] = items;
        event.to_string() + "\n"
    };
    let long = "x".repeat(2_000);
    let lines = [
        with(
            "view_item_list",
            0,
            "USD",
            json!([{"item_id": long, "item_name": "Bad"},
            {"item_id": "a", "item_name": "A", "price": 2}]),
        ),
        with("view_item", 1, "(not set)", json!([{"item_id": "b", "item_name": "B", "price": 3}])),
        with(
            "view_item",
            1,
            "no currency",
            json!([{"item_id": "c", "item_name": "C", "price": 4}]),
        ),
        with("purchase", 2, "no currency", json!([{"item_id": "a", "price": 2}])),
    ];
    write(&desk, "events.json", &lines);
    let report = desk.move_in(&["events.json"], MoveMode::Import).await;
    assert_eq!((report.readiness.products.of_events, report.files[0].rejected), (3, 1));
    let price = |id: &str| desk.product(id).price.map(Money::minor);
    assert_eq!((price("a"), price("b"), price("c")), (Some(200), Some(300), None));
    assert!(
        desk.rejected("events.json")[0].contains("currency"),
        "{:?}",
        desk.rejected("events.json")
    );
}
