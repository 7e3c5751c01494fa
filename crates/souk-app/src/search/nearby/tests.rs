#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use serde_json::{Value, json};
use souk_core::{Filter, GeoPoint, LocationId};
use souk_search::{FacetRequest, SortBy};

use crate::search::tests::{ask, caught_up, ids, put, rule};
use crate::search::{AroundQuery, Nearest};
use crate::test_shop::{Shop, caller};
use crate::{Config, IngestCall, Places, Role, SearchFound, SearchQuery, search_to_json};

/// Two stores a degree of latitude (111.2 km) apart, one that is nowhere, one of another site; tea in some of them.
async fn shop() -> Shop {
    let settings = "
privacy: {default_jurisdiction: us}
sites: [{id: main}, {id: other}]
locations:
  - {id: north, latitude: 49.0, longitude: 16.0}
  - {id: south, latitude: 48.0, longitude: 16.0}
  - {id: nowhere}
  - {id: foreign, site: other, latitude: 48.0, longitude: 16.0}
";
    let shop = Shop::open_with(Config::parse(settings, []).unwrap()).await;
    let tea = |id: &str| json!({"id": id, "title": format!("{id} tea"), "brand": "Hill"});
    let mut used = tea("used");
    used["attributes"] = json!({"_geo.lat": 48.1, "_geo.lng": 16.0});
    let mut gone = tea("gone");
    gone["availability"] = "discontinued".into();
    let products = [
        tea("both"),
        tea("north-only"),
        tea("sold-out"),
        tea("uncounted"),
        tea("elsewhere"),
        used,
        gone,
    ];
    put(&shop, &products).await;
    let count = |product: &str, location: &str, quantity: u32| {
        json!({"type": "track", "event": "Stock Counted", "properties":
            {"product_id": product, "location_id": location, "quantity": quantity}})
    };
    let counts = [
        count("both", "north", 3),
        count("both", "south", 3),
        count("north-only", "north", 1),
        count("north-only", "south", 0),
        count("sold-out", "south", 0),
        count("elsewhere", "nowhere", 5),
        count("elsewhere", "foreign", 5),
        count("gone", "south", 5),
    ];
    shop.send(Role::IngestServer, IngestCall::Batch, json!({ "batch": counts })).await;
    caught_up(&shop).await;
    shop
}

/// Teas around the southern store.
fn around(radius_km: Option<f64>) -> SearchQuery {
    let point = GeoPoint::new(48.0, 16.0).unwrap();
    SearchQuery { around: Some(AroundQuery { point, radius_km }), ..SearchQuery::new("tea", 20) }
}

fn sorted(query: SearchQuery, sort: &str) -> SearchQuery {
    SearchQuery { sort: vec![SortBy::parse(sort).unwrap()], ..query }
}

fn places(found: &SearchFound) -> Vec<(String, i64, String)> {
    let place =
        |nearest: &Nearest| nearest.location.as_ref().map_or("", |id| id.as_str()).to_owned();
    let each = found.hits.iter().map(|hit| match &hit.nearest {
        Some(nearest) => (hit.product_id.to_string(), nearest.km.round() as i64, place(nearest)),
        None => (hit.product_id.to_string(), -1, String::new()),
    });
    each.collect()
}

fn row(id: &str, km: i64, place: &str) -> (String, i64, String) {
    (id.to_owned(), km, place.to_owned())
}

#[tokio::test]
async fn what_can_be_had_near_by_is_found_nearest_first() {
    let shop = shop().await;
    let found = ask(&shop, &sorted(around(Some(20.0)), "distance:asc")).await;
    assert_eq!(places(&found), [row("both", 0, "south"), row("used", 11, "")]);
    assert_eq!(found.total, 2);
    // 111.195 km lie between the stores.
    for (radius, n) in [(111.1, 2), (111.2, 3)] {
        assert_eq!(ask(&shop, &around(Some(radius))).await.total, n, "{radius}");
    }
    let all = ask(&shop, &sorted(around(None), "distance:asc")).await;
    let expected = [row("both", 0, "south"), row("used", 11, ""), row("north-only", 111, "north")];
    assert_eq!(places(&all)[..3], expected);
    assert_eq!(all.total, 7, "without a radius nothing is left out");
    assert!(places(&all)[3..].iter().all(|(_, km, _)| *km == -1), "what is nowhere comes last");
    let far = ask(&shop, &sorted(around(None), "distance:desc")).await;
    assert_eq!(ids(&far)[..3], ["north-only", "used", "both"]);
    // A sale of the last one takes the product off the shelf at once.
    let sale = json!({"type": "track", "event": "Order Completed", "userId": "u", "properties": {"order_id": "o",
        "location_id": "south", "products": [{"product_id": "both", "quantity": 3, "price": 3}]}});
    shop.send(Role::IngestServer, IngestCall::Batch, json!({ "batch": [sale] })).await;
    caught_up(&shop).await;
    let found = ask(&shop, &sorted(around(Some(200.0)), "distance:asc")).await;
    assert_eq!(places(&found)[1..], [row("both", 111, "north"), row("north-only", 111, "north")]);
}

#[tokio::test]
async fn the_radius_joins_filters_facets_rules_and_pages() {
    let shop = shop().await;
    let mut query = around(Some(200.0));
    query.facets = vec![FacetRequest::new("brand")];
    query.filter = Some(Filter::parse("brand = 'Nobody'").unwrap());
    let found = ask(&shop, &query).await;
    assert_eq!(found.total, 0);
    assert_eq!(found.facets[0].values[0].count, 3, "what is too far is not counted either");
    // A pin brings no product that is too far.
    let pin = |id: &str| json!({"select": {"product_ids": [id]}, "action": {"type": "pin", "position": 1}});
    rule(&shop, "far", pin("uncounted")).await;
    rule(&shop, "near", pin("used")).await;
    let found = ask(&shop, &around(Some(20.0))).await;
    assert_eq!(ids(&found), ["used", "both"]);
    // A cursor belongs to its place.
    let mut first = sorted(around(None), "distance:asc");
    first.limit = 2;
    let page = ask(&shop, &first).await;
    let next = SearchQuery { cursor: page.cursor.clone(), ..first.clone() };
    assert_eq!(ids(&ask(&shop, &next).await)[0], "north-only");
    let elsewhere = SearchQuery {
        cursor: page.cursor,
        limit: 2,
        ..sorted(around(Some(500.0)), "distance:asc")
    };
    let error = shop.app.search(&elsewhere, &caller(Role::Admin)).await.unwrap_err();
    assert!(error.to_string().contains("cursor"), "{error}");
}

#[tokio::test]
async fn a_search_around_nothing_says_what_is_missing() {
    let shop = Shop::open().await;
    put(&shop, &[json!({"id": "t", "title": "Tea"})]).await;
    let refused = |query: SearchQuery| {
        let shop = &shop;
        async move {
            let error = shop.app.search(&query, &caller(Role::Admin)).await.unwrap_err();
            let crate::AppError::Invalid { errors, .. } = &error else { panic!("{error}") };
            (errors[0].pointer.clone(), errors[0].detail.clone())
        }
    };
    let (pointer, detail) = refused(around(Some(5.0))).await;
    assert_eq!(pointer, "/around");
    assert!(detail.contains("`latitude`") && detail.contains("`_geo.lat`"), "{detail}");
    let (pointer, detail) = refused(sorted(SearchQuery::new("tea", 5), "distance:asc")).await;
    assert_eq!((pointer.as_str(), detail.contains("`around`")), ("/sort", true), "{detail}");
}

#[tokio::test]
async fn a_place_is_kept_nowhere() {
    let shop = shop().await;
    let point = GeoPoint::new(48.123_457, 16.765_432).unwrap();
    let around_it = AroundQuery { point, radius_km: Some(123.456) };
    let query = SearchQuery {
        user_id: Some("u".into()),
        around: Some(around_it),
        ..SearchQuery::new("tea", 20)
    };
    let found = ask(&shop, &query).await;
    let answer: Value = serde_json::from_str(&crate::search_to_json(&found)).unwrap();
    assert_eq!(answer["hits"][0]["distance"]["km"].as_f64().map(|km| km < 124.0), Some(true));
    // Nothing was heard of the user yet, so the answer waits.
    shop.app.give_up_newcomers(None);
    shop.app.flush_impressions().await;
    let log = format!("{:?}", shop.log().await);
    assert!(log.contains(&found.request_id), "the answer itself is noted");
    for number in ["48.12", "16.76", "123.456"] {
        assert!(!log.contains(number), "{number}");
    }
}

#[tokio::test]
async fn a_key_that_is_bound_to_locations_hears_of_no_others() {
    let shop = shop().await;
    let mut bound = caller(Role::StorefrontServer);
    let only = |id: &str| {
        Arc::new(Places { locations: vec![LocationId::new(id).unwrap()], ..Places::default() })
    };
    bound.places = only("north");
    let found = shop.app.search(&sorted(around(Some(200.0)), "distance:asc"), &bound).await;
    let rows = [row("used", 11, ""), row("both", 111, "north"), row("north-only", 111, "north")];
    assert_eq!(places(&found.unwrap()), rows, "the southern store and its stock are another's");
    bound.places = only("nowhere");
    let found = shop.app.search(&around(Some(200.0)), &bound).await.unwrap();
    assert_eq!(ids(&found), ["used"]);
}

#[tokio::test]
async fn stock_of_variants_and_lots_counts_together_and_far_stores_are_no_fault() {
    let shop = shop().await;
    let count = |location: &str, lot: &str, quantity: i64| {
        json!({"type": "track", "event": "Stock Counted", "properties": {"product_id": "uncounted",
            "location_id": location, "lot": lot, "quantity": quantity}})
    };
    let sale = json!({"type": "track", "event": "Order Completed", "userId": "u", "properties": {"order_id": "o",
        "location_id": "south", "products": [{"product_id": "uncounted", "quantity": 5, "price": 3}]}});
    let counts = [count("south", "a", 2), count("south", "b", 3), count("north", "a", 0)];
    let batch = counts.into_iter().chain([count("north", "b", 1)]).collect::<Vec<Value>>();
    shop.send(Role::IngestServer, IngestCall::Batch, json!({ "batch": batch })).await;
    caught_up(&shop).await;
    let of = |found: &SearchFound| places(found).into_iter().find(|(id, ..)| id == "uncounted");
    let everywhere = around(None);
    assert_eq!(of(&ask(&shop, &everywhere).await), Some(row("uncounted", 0, "south")));
    shop.send(Role::IngestServer, IngestCall::Batch, json!({ "batch": [sale] })).await;
    caught_up(&shop).await;
    assert_eq!(of(&ask(&shop, &everywhere).await), Some(row("uncounted", 111, "north")));
    let point = GeoPoint::new(10.0, 10.0).unwrap();
    let far = AroundQuery { point, radius_km: Some(5.0) };
    let found = ask(&shop, &SearchQuery { around: Some(far), ..SearchQuery::new("tea", 5) }).await;
    assert_eq!(found.total, 0, "there are stores, but none near by");
}

#[tokio::test]
async fn a_place_that_nobody_told_of_is_said() {
    let shop = shop().await;
    let notes = async |location: &str| {
        let mut query = SearchQuery::new("tea", 5);
        query.context.location_id = Some(LocationId::new(location).unwrap());
        let found = ask(&shop, &query).await;
        assert!(!found.hits.is_empty());
        let json: Value = serde_json::from_str(&search_to_json(&found)).unwrap();
        json["query"]["notes"].clone()
    };
    assert_eq!(notes("north").await, json!([]));
    assert_eq!(notes("nowhere").await, json!([]), "it is in the settings");
    let told = notes("atlantis").await;
    assert_eq!(told[0]["what"], "unknown_place");
    assert!(told[0]["text"].as_str().unwrap().starts_with("`atlantis` is no place"), "{told}");
}
