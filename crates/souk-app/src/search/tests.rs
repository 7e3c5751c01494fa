#![allow(clippy::unwrap_used)]

use std::time::Duration;

use object_store::path::Path;
use object_store::{ObjectStoreExt, PutPayload};
use serde_json::{Value, json};
use souk_core::rules::{Rule, RuleId};
use souk_core::wire::json::{product_from_json, rule_from_json};
use souk_core::{Currency, ErrorKind, Fact, Impressions};
use souk_search::{FacetRequest, SortBy, Typing};

use super::*;
use crate::privacy::{Identity, Who};
use crate::test_shop::{Shop, caller, noon};
use crate::{Config, IngestCall, Role, RulePrecondition};

const PATIENCE: Duration = Duration::from_secs(60);

fn product(value: &Value) -> souk_core::Product {
    product_from_json(value, &SiteId::main(), Currency::USD).unwrap()
}

pub(super) async fn put(shop: &Shop, products: &[Value]) {
    let products = products.iter().map(product).collect();
    shop.app.put_products(products, &caller(Role::Admin)).await.unwrap();
    caught_up(shop).await;
}

pub(super) async fn caught_up(shop: &Shop) {
    shop.app.wait_for(&shop.app.parts.log.end().await.unwrap()).await.unwrap();
    shop.app.wait_searchable(PATIENCE).await.unwrap();
}

/// Teas of three brands, a pot, and a cup that is sold out.
pub(super) async fn tea_shop() -> Shop {
    tea_shop_in("us").await
}

async fn tea_shop_in(jurisdiction: &str) -> Shop {
    let shop = Shop::open_in(jurisdiction).await;
    let tea = |id: &str, title: &str, brand: &str, price: u32| {
        json!({"id": id, "title": title, "brand": brand, "categories": ["Food > Tea"], "cost": {"amount": 77, "currency": "USD"},
            "price": {"amount": price, "currency": "USD"}})
    };
    let products = [
        tea("green", "Green tea", "Hill", 400),
        tea("black", "Black tea", "Lake", 300),
        tea("mint", "Mint tea", "Wood", 500),
        json!({"id": "pot", "title": "Pot for tea", "categories": ["Kitchen"]}),
        json!({"id": "cup", "title": "Cup", "categories": ["Kitchen"], "availability": "out_of_stock"}),
    ];
    put(&shop, &products).await;
    shop
}

pub(super) async fn rule(shop: &Shop, id: &str, value: Value) {
    let id = RuleId::new(id).unwrap();
    let rule: Rule = rule_from_json(&value, Some(&id), Timestamp::EPOCH).unwrap();
    shop.app.put_rule(rule, RulePrecondition::Any, &caller(Role::Admin)).await.unwrap();
}

pub(super) async fn ask(shop: &Shop, query: &SearchQuery) -> SearchFound {
    shop.app.search(query, &caller(Role::StorefrontServer)).await.unwrap()
}

async fn found(shop: &Shop, query: &str) -> Vec<String> {
    ids(&ask(shop, &SearchQuery::new(query, 10)).await)
}

pub(super) fn ids(answer: &SearchFound) -> Vec<String> {
    answer.hits.iter().map(|hit| hit.product_id.to_string()).collect()
}

/// Orders of `user`, one a day, before noon.
async fn buys(shop: &Shop, user: &str, product: &str, days: i64) {
    let orders: Vec<Value> = (1..=days)
        .map(|day| {
            let at = noon().plus_ms(-day * 86_400_000);
            json!({"type": "track", "event": "Order Completed", "userId": user, "timestamp": at.to_string(),
                "properties": {"order_id": format!("{user}-{product}-{day}"), "currency": "USD",
                    "products": [{"product_id": product, "quantity": 1, "price": 3}]}})
        })
        .collect();
    let body = json!({"batch": orders});
    let answer = shop.send(Role::IngestServer, IngestCall::Batch, body).await;
    assert_eq!(answer.accepted as i64, days);
    caught_up(shop).await;
}

#[tokio::test]
async fn what_changes_in_the_catalogue_changes_what_is_found() {
    let shop = tea_shop().await;
    let answer = ask(&shop, &SearchQuery::new("green teas", 10)).await;
    assert_eq!(answer.hits[0].product_id.as_str(), "green");
    assert_eq!(answer.hits[0].title_highlight.as_deref(), Some("<em>Green</em> <em>tea</em>"));
    let shown: Value = serde_json::from_str(&answer.hits[0].product).unwrap();
    assert_eq!((&shown["title"], shown.get("cost")), (&json!("Green tea"), None));

    put(&shop, &[json!({"id": "t9", "title": "Oolong"}), json!({"id": "new", "title": "Chai"})])
        .await;
    assert_eq!(found(&shop, "oolong").await, ["t9"]);
    put(&shop, &[json!({"id": "t9", "title": "Sencha"})]).await;
    assert!(found(&shop, "oolong").await.is_empty());
    assert_eq!(found(&shop, "sencha").await, ["t9"]);
    assert_eq!(found(&shop, "chai").await, ["new"]);
    let admin = caller(Role::Admin);
    shop.app
        .delete_product(&SiteId::main(), &ProductId::new("new").unwrap(), &admin)
        .await
        .unwrap();
    caught_up(&shop).await;
    assert!(found(&shop, "chai").await.is_empty());
}

#[tokio::test]
async fn what_is_sold_out_comes_last_and_says_so() {
    let shop = tea_shop().await;
    let count = |product: &str, quantity: u32| {
        json!({"type": "track", "event": "Stock Counted", "properties":
            {"product_id": product, "location_id": "shop", "quantity": quantity}})
    };
    let batch = json!({"batch": [count("black", 0), count("green", 5), count("mint", 5)]});
    shop.send(Role::IngestServer, IngestCall::Batch, batch).await;
    caught_up(&shop).await;
    let mut query = SearchQuery::new("tea", 10);
    let answer = ask(&shop, &query).await;
    let place = |id: &str| ids(&answer).iter().position(|one| one == id).unwrap();
    assert!(place("black") > place("mint") && place("black") > place("green"));
    query.filter = Some(Filter::parse("availability = 'out_of_stock'").unwrap());
    assert_eq!(ids(&ask(&shop, &query).await), ["black"]);
    shop.send(Role::IngestServer, IngestCall::Batch, json!({"batch": [count("black", 9)]})).await;
    caught_up(&shop).await;
    assert!(ids(&ask(&shop, &query).await).is_empty());
    // So does the last sale.
    let sale = json!({"type": "track", "event": "Order Completed", "userId": "u", "properties": {"order_id": "o",
        "location_id": "shop", "products": [{"product_id": "black", "quantity": 9, "price": 3}]}});
    shop.send(Role::IngestServer, IngestCall::Batch, json!({"batch": [sale]})).await;
    caught_up(&shop).await;
    assert_eq!(ids(&ask(&shop, &query).await), ["black"]);
}

#[tokio::test]
async fn a_shoppers_own_purchases_come_forward_for_the_shopper_alone() {
    let shop = tea_shop().await;
    let stranger = found(&shop, "tea").await;
    let last = stranger.iter().rfind(|id| *id != "pot").unwrap().clone();
    buys(&shop, "anna", &last, 5).await;
    let mut query = SearchQuery::new("tea", 10);
    query.user_id = Some("anna".to_owned());
    let answer = ask(&shop, &query).await;
    assert_eq!(ids(&answer)[0], last, "strangers see {stranger:?}");
    assert!(answer.hits[0].personal > 1.4 && answer.total == stranger.len());
    // A key in a page that names somebody without that person's token gets what everybody gets.
    let browser = caller(Role::StorefrontBrowser);
    let other = shop.app.search(&query, &browser).await.unwrap();
    assert!(other.hits.iter().all(|hit| hit.personal == 1.0));
    // Who sorts by price is not told what they like.
    query.sort = vec![SortBy::parse("price:desc").unwrap()];
    assert!(ask(&shop, &query).await.hits.iter().all(|hit| hit.personal == 1.0));
    query.sort.clear();
    let who = Who::parse("anna").unwrap();
    let privacy = caller(Role::Privacy);
    shop.app.request_erasure(&privacy, &who, Identity::Verified).await.unwrap();
    assert!(ask(&shop, &query).await.hits.iter().all(|hit| hit.personal == 1.0));
}

#[tokio::test]
async fn nobody_is_known_who_did_not_consent() {
    let shop = tea_shop_in("eu").await;
    buys(&shop, "anna", "mint", 5).await;
    let mut query = SearchQuery::new("tea", 10);
    query.user_id = Some("anna".to_owned());
    assert!(ask(&shop, &query).await.hits.iter().all(|hit| hit.personal == 1.0));
}

#[tokio::test]
async fn rules_have_the_last_word() {
    let shop = tea_shop().await;
    let when = json!({"queries": ["tea"], "strategies": ["search"]});
    rule(
        &shop,
        "no-black",
        json!({"when": when, "select": {"product_ids": ["black"]}, "action": {"type": "hide"}}),
    )
    .await;
    rule(
        &shop,
        "no-hill",
        json!({"select": {"filter": "brand = 'Hill'"}, "action": {"type": "hide"}}),
    )
    .await;
    rule(&shop, "cup", json!({"when": {"queries": ["^tea$"]}, "select": {"product_ids": ["cup", "pot"]}, "action": {"type": "pin", "position": 1}})).await;
    let mut query = SearchQuery::new("tea", 10);
    query.explain = true;
    query.facets = vec![FacetRequest::new("brand")];
    let answer = ask(&shop, &query).await;
    assert_eq!(ids(&answer), ["pot", "mint"], "the cup is sold out, so the pot is pinned");
    assert_eq!(answer.total, 2);
    let brands: Vec<_> = answer.facets[0].values.iter().map(|one| one.value.as_str()).collect();
    assert_eq!(brands, ["Wood"], "what is hidden is not counted");
    let moved = answer.hits[0].moved.as_ref().unwrap();
    assert_eq!(moved.rules[0].id.as_str(), "cup");
    // A page's key is not told which rule it was.
    let browser = shop.app.search(&query, &caller(Role::StorefrontBrowser)).await.unwrap();
    assert!(browser.hits.iter().all(|hit| hit.moved.is_none()));
    assert!(found(&shop, "black tea").await.iter().all(|id| id != "black"));
    assert!(found(&shop, "black").await.contains(&"black".to_owned()), "the rule asks for tea");
    // A pin that the words did not find comes in and counts.
    rule(&shop, "mint", json!({"when": {"queries": ["kitchen"]}, "select": {"product_ids": ["mint"]}, "action": {"type": "pin", "position": 1}})).await;
    let answer = ask(&shop, &SearchQuery::new("kitchen", 10)).await;
    assert_eq!((ids(&answer)[0].as_str(), answer.total), ("mint", 3));
    rule(&shop, "nothing", json!({"when": {"queries": ["pot"]}, "action": {"type": "hide"}})).await;
    let answer = ask(&shop, &SearchQuery::new("pot", 10)).await;
    assert_eq!((answer.total, answer.hits.len()), (0, 0));
}

/// The ids on all pages of a search, each of which names the same total.
async fn all_pages(shop: &Shop, mut query: SearchQuery, total: usize) -> Vec<String> {
    let mut all = Vec::new();
    loop {
        let answer = ask(shop, &query).await;
        assert_eq!(answer.total, total);
        let is_last = answer.cursor.is_none();
        assert!(is_last || answer.hits.len() == query.limit);
        all.extend(ids(&answer));
        query.cursor = answer.cursor;
        if is_last {
            return all;
        }
    }
}

fn lamps(n: usize) -> Vec<Value> {
    let lamp = |n| json!({"id": format!("p{n:03}"), "title": format!("Lamp {n}"), "brand": if n % 9 == 0 { "Best" } else { "Other" }});
    (0..n).map(lamp).collect()
}

#[tokio::test]
async fn pins_and_caps_neither_lose_hits_nor_show_them_twice() {
    let shop = Shop::open().await;
    put(&shop, &lamps(300)).await;
    put(&shop, &[json!({"id": "chair", "title": "Chair"})]).await;
    let plain = all_pages(&shop, SearchQuery::new("lamp", 100), 300).await;
    rule(&shop, "two-of-a-brand", json!({"action": {"type": "cap_brand", "max": 2}})).await;
    let last = &plain[299];
    for (place, product) in [(1, last.as_str()), (2, "chair"), (3, &plain[7])] {
        let select = json!({"product_ids": [product]});
        rule(
            &shop,
            &format!("pin-{place}"),
            json!({"select": select, "action": {"type": "pin", "position": place}}),
        )
        .await;
    }
    for limit in [100, 33] {
        let mut all = all_pages(&shop, SearchQuery::new("lamp", limit), 301).await;
        assert_eq!(all[..3], [last.clone(), "chair".to_owned(), plain[7].clone()]);
        let n = all.len();
        all.sort();
        all.dedup();
        assert_eq!((n, all.len()), (301, 301));
    }
}

#[tokio::test]
async fn what_lacks_a_word_stays_behind_whatever_the_shopper_likes() {
    let shop = tea_shop().await;
    let far = |n: usize| {
        let words = if n == 0 { "tea and sundry" } else { "sundry" };
        let description =
            format!("In this basket there are many {words} things for all who like to give.");
        json!({"id": format!("far{n}"), "title": format!("Basket {n}"), "description": description})
    };
    put(&shop, &(0..20).map(far).collect::<Vec<_>>()).await;
    buys(&shop, "anna", "black", 9).await;
    let mut query = SearchQuery::new("sundry tea", 10);
    query.user_id = Some("anna".to_owned());
    let answer = ask(&shop, &query).await;
    assert_eq!(ids(&answer)[0], "far0");
    let black = answer.hits.iter().find(|hit| hit.product_id.as_str() == "black").unwrap();
    assert!(
        black.personal > 1.4 && black.score > answer.hits[0].score,
        "its score alone is higher"
    );
}

#[tokio::test]
async fn what_sells_stays_wanted_when_products_change_and_indexes_are_built() {
    let shop = tea_shop().await;
    buys(&shop, "anna", "mint", 3).await;
    let popularity = async || {
        let answer = ask(&shop, &SearchQuery::new("mint tea", 10)).await;
        let mint = answer.hits.iter().find(|hit| hit.product_id.as_str() == "mint").unwrap();
        mint.parts.unwrap().popularity
    };
    // One index is put in service, which is then told what sells.
    put(&shop, &[json!({"id": "a", "title": "A"}), json!({"id": "b", "title": "B"})]).await;
    let began = Instant::now();
    while popularity().await <= 1.0 {
        assert!(began.elapsed() < PATIENCE, "nobody tells the index what sells");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    put(&shop, &[json!({"id": "mint", "title": "Mint tea, fresh"})]).await;
    assert!(popularity().await > 1.0);
}

#[tokio::test]
async fn orders_that_come_after_their_products_are_told_soon() {
    let shop = tea_shop().await;
    let popularity = async || {
        let answer = ask(&shop, &SearchQuery::new("mint tea", 10)).await;
        let mint = answer.hits.iter().find(|hit| hit.product_id.as_str() == "mint").unwrap();
        mint.parts.unwrap().popularity
    };
    // The index is in service, and was told that nothing sells.
    tokio::time::sleep(Duration::from_millis(200)).await;
    buys(&shop, "anna", "mint", 3).await;
    let began = Instant::now();
    while popularity().await <= 1.0 {
        assert!(began.elapsed() < PATIENCE / 4, "nobody tells the index what sells");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn pages_follow_each_other_without_a_gap_whatever_reorders_them() {
    let shop = Shop::open().await;
    put(&shop, &lamps(700)).await;
    let pages = async |limit: usize, user: Option<&str>| {
        let mut query = SearchQuery::new("lamp", limit);
        query.user_id = user.map(str::to_owned);
        all_pages(&shop, query, 700).await
    };
    let unique = |ids: &[String]| ids.iter().collect::<std::collections::BTreeSet<_>>().len();
    let plain = pages(100, None).await;
    assert_eq!((plain.len(), unique(&plain)), (700, 700));
    rule(
        &shop,
        "best",
        json!({"select": {"filter": "brand = 'Best'"}, "action": {"type": "boost", "factor": 3}}),
    )
    .await;
    buys(&shop, "anna", "p123", 3).await;
    for limit in [100, 37] {
        let all = pages(limit, Some("anna")).await;
        assert_eq!((all.len(), unique(&all)), (700, 700));
        assert!(all[..40] != plain[..40], "the rule moves something");
    }
    // A page of another search, or of another order, is refused.
    let mut first = SearchQuery::new("lamp", 10);
    first.cursor = ask(&shop, &first).await.cursor;
    let sort = vec![SortBy::parse("price").unwrap()];
    for other in [
        SearchQuery { query: "desk lamp".to_owned(), ..first.clone() },
        SearchQuery { sort, ..first.clone() },
    ] {
        let refused = shop.app.search(&other, &caller(Role::StorefrontServer)).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::InvalidInput);
        assert!(refused.to_string().contains("cursor"), "{refused}");
    }
}

#[tokio::test]
async fn an_index_comes_back_from_its_file_and_a_damaged_one_is_built_anew() {
    let shop = tea_shop().await;
    shop.app.save_search_at_end().await;
    let path = Path::from("search/main");
    let file = shop.app.parts.blobs.get(&path).await.unwrap().bytes().await.unwrap();
    put(
        &shop,
        &[json!({"id": "green", "title": "Sencha"}), json!({"id": "chai", "title": "Chai"})],
    )
    .await;
    let admin = caller(Role::Admin);
    shop.app
        .delete_product(&SiteId::main(), &ProductId::new("pot").unwrap(), &admin)
        .await
        .unwrap();
    caught_up(&shop).await;
    let mut damaged = file.to_vec();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 1;
    let cut = file[..file.len() - 3].to_vec();
    for stored in [file.to_vec(), damaged, cut, Vec::new(), b"SOUKIDX1".to_vec()] {
        shop.app.parts.blobs.put(&path, PutPayload::from(stored)).await.unwrap();
        let config = Config::parse("privacy: {default_jurisdiction: us}", []).unwrap();
        let app = App::open(shop.app.parts.clone(), config, shop.app.clock()).await.unwrap();
        app.wait_ready().await.unwrap();
        app.wait_searchable(PATIENCE).await.unwrap();
        let ask = async |query: &str| {
            let asked = SearchQuery::new(query, 10);
            ids(&app.search(&asked, &caller(Role::StorefrontServer)).await.unwrap())
        };
        assert_eq!(ask("sencha").await, ["green"], "what changed since the file is known");
        assert_eq!(ask("chai").await, ["chai"]);
        assert!(!ask("pot").await.contains(&"pot".to_owned()), "what went since is gone");
        assert!(ask("mint").await.contains(&"mint".to_owned()));
    }
}

#[tokio::test]
async fn what_was_shown_is_recorded_once_a_search_is_finished() {
    let shop = tea_shop().await;
    let mut query = SearchQuery::new("tea", 2);
    let shown = ask(&shop, &query).await;
    query.typing = Typing::Going;
    ask(&shop, &query).await;
    query.typing = Typing::Finished;
    query.cursor.clone_from(&shown.cursor);
    ask(&shop, &query).await;
    shop.app.flush_impressions().await;
    let recorded: Vec<Impressions> = shop
        .log()
        .await
        .into_iter()
        .filter_map(|(_, event)| match event.fact {
            Fact::Impressions(shown) => Some(shown),
            _ => None,
        })
        .collect();
    assert_eq!(recorded.len(), 1, "neither letters nor further pages");
    assert_eq!(*recorded[0].request_id, *shown.request_id);
    assert_eq!(
        (&*recorded[0].strategy, recorded[0].placement.as_deref()),
        ("search", Some("search"))
    );
    let products: Vec<String> = recorded[0].products.iter().map(ToString::to_string).collect();
    assert_eq!(products, ids(&shown));
}

#[tokio::test]
async fn suggestions_go_on_with_what_is_typed() {
    let shop = tea_shop().await;
    let query = SuggestQuery::new("te", 5);
    let suggested = shop.app.suggest(&query, &caller(Role::StorefrontBrowser)).await.unwrap();
    assert_eq!(suggested.queries[0].text, "tea");
    assert_eq!(suggested.queries[0].count, 4);
    assert_eq!(suggested.categories[0].text, "Food > Tea");
    assert!(
        suggested
            .products
            .iter()
            .any(|one| one.title_highlight.as_deref() == Some("Green <em>tea</em>"))
    );
    rule(
        &shop,
        "recall",
        json!({"select": {"filter": "brand = 'Hill'"}, "action": {"type": "hide"}}),
    )
    .await;
    rule(&shop, "pot", json!({"select": {"product_ids": ["pot"]}, "action": {"type": "hide"}}))
        .await;
    let suggested = shop.app.suggest(&query, &caller(Role::StorefrontBrowser)).await.unwrap();
    assert_eq!((suggested.queries[0].count, suggested.categories[0].count), (2, 2));
    let shown: Vec<&str> = suggested.products.iter().map(|one| one.product_id.as_str()).collect();
    assert!(shown.len() == 2 && !shown.contains(&"green") && !shown.contains(&"pot"), "{shown:?}");
    let denied = shop.app.suggest(&query, &caller(Role::Planner)).await.unwrap_err();
    assert_eq!(denied.kind(), ErrorKind::Denied);
}

#[test]
fn a_highlighted_title_is_safe_in_a_page() {
    let title = "<b>Tea & \"more\"</b>";
    let html = highlighted(title, std::slice::from_ref(&(3..6))).unwrap();
    assert_eq!(html, "&lt;b&gt;<em>Tea</em> &amp; &quot;more&quot;&lt;/b&gt;");
    assert_eq!(highlighted(title, &[]), None);
}

#[tokio::test]
async fn what_is_passed_over_is_told() {
    let shop = tea_shop().await;
    let filter = Some(souk_core::Filter::parse("titel = 'x'").unwrap());
    let query = SearchQuery { filter, ..SearchQuery::new("tea under 5 euros", 10) };
    let json = search_to_json(&ask(&shop, &query).await);
    let json: Value = serde_json::from_str(&json).unwrap();
    let what = |n: usize| json["query"]["notes"][n]["what"].as_str();
    assert_eq!((what(0), what(1)), (Some("unknown_field"), Some("other_currency")), "{json}");
    assert!(json["query"]["notes"][1]["text"].as_str().unwrap().contains("are in USD"), "{json}");
}
