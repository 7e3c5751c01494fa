#![allow(clippy::unwrap_used)]

use serde_json::{Value, json};
use souk_core::wire::json::product_from_json;
use souk_core::{Currency, Product};

use super::*;
use crate::test_shop::{Shop, caller, noon};
use crate::{IngestCall, Role};

pub(super) fn product(value: &Value) -> Product {
    product_from_json(value, &SiteId::main(), Currency::USD).unwrap()
}

pub(super) fn id(text: &str) -> ProductId {
    ProductId::new(text).unwrap()
}

pub(super) fn ids(answer: &RecommendAnswer) -> Vec<&str> {
    answer.recommendations.iter().map(|one| one.product_id.as_str()).collect()
}

/// Six shoppers buy bread with butter, four of them jam; `regular` bought milk in three baskets.
pub(super) async fn grocer() -> Shop {
    let shop = Shop::open().await;
    let shelf = [
        ("bread", "Rye Bread", 299),
        ("butter", "Butter", 349),
        ("jam", "Jam", 449),
        ("jam-2", "Jam", 459),
        ("milk", "Milk", 129),
        ("wine", "Wine", 1_999),
    ];
    let products = shelf.map(|(id, title, cents)| {
        product(&json!({"id": id, "title": title, "brand": "Own",
            "price": {"amount": cents, "currency": "USD"}}))
    });
    shop.app.put_products(products.to_vec(), &caller(Role::Admin)).await.unwrap();
    let mut batch = Vec::new();
    for n in 0..6 {
        let lines: &[&str] = if n < 4 { &["bread", "butter", "jam"] } else { &["bread", "butter"] };
        batch.push(order(&format!("crowd-{n}"), n, lines));
    }
    for n in 10..13 {
        batch.push(order("regular", n, if n == 10 { &["milk", "bread"] } else { &["milk"] }));
    }
    let answer = shop.send(Role::IngestServer, IngestCall::Batch, json!({"batch": batch})).await;
    assert_eq!((answer.accepted, answer.rejected.len()), (9, 0));
    shop.app.wait_for(&shop.app.parts.log.end().await.unwrap()).await.unwrap();
    shop
}

fn order(user: &str, number: i64, lines: &[&str]) -> Value {
    let products: Vec<Value> =
        lines.iter().map(|id| json!({"product_id": id, "quantity": 1, "price": 2})).collect();
    let at = noon().plus_ms((number - 20) * 86_400_000);
    json!({"type": "track", "event": "Order Completed", "userId": user, "timestamp": at.to_string(),
        "messageId": format!("o{number}"),
        "properties": {"order_id": format!("o{number}"), "currency": "USD", "products": products}})
}

pub(super) async fn ask(shop: &Shop, request: &RecommendRequest) -> RecommendAnswer {
    shop.app.recommend(request, &caller(Role::StorefrontServer)).await.unwrap()
}

pub(super) fn for_user(strategy: Strategy, user: &str) -> RecommendRequest {
    RecommendRequest { user_id: Some(user.to_owned()), ..RecommendRequest::new(strategy, 10) }
}

/// Four jams came back, and all that `regular` bought first.
#[tokio::test]
async fn what_came_back_counts_as_not_bought() {
    let shop = grocer().await;
    let back = |user: &str, order: String, more: Value| {
        let mut told = json!({"type": "track", "event": "Order Refunded", "userId": user,
            "messageId": format!("back-{order}"), "properties": {"order_id": order}});
        told["properties"].as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        told
    };
    let jam = json!({"products": [{"product_id": "jam", "quantity": 1, "price": 2}]});
    let jams = (0..4).map(|n| back(&format!("crowd-{n}"), format!("o{n}"), jam.clone()));
    let batch: Vec<Value> = jams.chain([back("regular", "o10".to_owned(), json!({}))]).collect();
    let popular = || {
        let views = shop.app.views.read();
        let scope = views.popularity.scope(0, None);
        let all = views.popularity.popular(scope, noon(), 10);
        let ids = all.iter().map(|one| views.catalogue.product_id(one.item).to_string());
        ids.collect::<Vec<String>>()
    };
    assert!(popular().iter().any(|id| id == "jam"));
    shop.send(Role::IngestServer, IngestCall::Batch, json!({ "batch": batch })).await;
    shop.app.wait_for(&shop.app.parts.log.end().await.unwrap()).await.unwrap();
    assert!(popular().iter().all(|id| id != "jam"), "{:?}", popular());
    let again = ask(&shop, &for_user(Strategy::BuyAgain, "crowd-0")).await;
    assert!(ids(&again).contains(&"bread") && !ids(&again).contains(&"jam"), "{again:?}");
    let regular = ask(&shop, &for_user(Strategy::BuyAgain, "regular")).await;
    assert_eq!(ids(&regular), ["milk"]);
    assert_eq!(regular.recommendations[0].reason.text, "You bought it 2 times");
    let mut beside = RecommendRequest::new(Strategy::BoughtTogether, 10);
    beside.context.product_id = Some(id("bread"));
    let beside = ask(&shop, &beside).await;
    let jam = beside.recommendations.iter().find(|one| one.product_id.as_str() == "jam");
    assert!(jam.is_none_or(|jam| jam.reason.kind != ReasonKind::BoughtTogether), "{beside:?}");
}

#[tokio::test]
async fn bought_together_names_its_anchor() {
    let shop = grocer().await;
    let mut request = RecommendRequest::new(Strategy::BoughtTogether, 10);
    request.context.product_id = Some(id("bread"));
    let answer = ask(&shop, &request).await;
    let best = &answer.recommendations[0];
    assert!(ids(&answer).contains(&"butter"), "{answer:?}");
    assert_eq!(best.reason.kind, ReasonKind::BoughtTogether);
    assert_eq!(best.reason.text, "Bought with Rye Bread");
    assert_eq!(best.reason.evidence, [id("bread")]);
    assert!(!ids(&answer).contains(&"bread"), "the product on the page is never proposed");
    assert!(answer.personalization_score.abs() < f32::EPSILON);
    // Four people bought jam with bread: too few to be spoken of, and the place stays.
    let jam = answer.recommendations.iter().find(|one| one.product_id.as_str() == "jam").unwrap();
    assert_eq!(jam.reason.text, "Goes with this product");
    assert!(jam.reason.kind == ReasonKind::BoughtTogether && jam.reason.evidence.is_empty());
}

/// Too few people bought both for a reason to speak of them; what is the shopper's own it may always say.
#[tokio::test]
async fn where_others_are_too_few_a_reason_says_what_is_the_shoppers_own() {
    let shop = grocer().await;
    let jam = async |request: &RecommendRequest| {
        let answer = ask(&shop, request).await;
        let found = answer.recommendations.into_iter().find(|one| one.product_id == id("jam"));
        let reason = found.unwrap().reason;
        assert!(reason.evidence.is_empty());
        (reason.kind, reason.text)
    };
    let together = |text: &str| (ReasonKind::BoughtTogether, text.to_owned());
    let mut request = RecommendRequest::new(Strategy::BoughtTogether, 10);
    request.context.cart = vec![id("bread")];
    assert_eq!(jam(&request).await, together("Goes with what is in your cart"));
    request.context.cart = Vec::new();
    request.context.session = Some(vec![id("bread")]);
    assert_eq!(jam(&request).await, together("Goes with what you looked at"));
    // Whoever bought it hears that.
    request.user_id = Some("crowd-0".to_owned());
    let own = (ReasonKind::BoughtBefore, "You bought it before".to_owned());
    assert_eq!(jam(&request).await, own);
    let more: Vec<Value> = (14..16).map(|n| order("crowd-0", n, &["jam"])).collect();
    shop.send(Role::IngestServer, IngestCall::Batch, json!({"batch": more})).await;
    shop.app.wait_for(&shop.app.parts.log.end().await.unwrap()).await.unwrap();
    let own = (ReasonKind::BoughtBefore, "You bought it 3 times".to_owned());
    assert_eq!(jam(&request).await, own);
    // What is known of others is said as before.
    let answer = ask(&shop, &request).await;
    let butter = answer.recommendations.iter().find(|one| one.product_id == id("butter"));
    assert_eq!(butter.unwrap().reason.text, "Bought with Rye Bread");
    // A no to personalization leaves nothing of one's own.
    request.is_gpc = true;
    assert_eq!(jam(&request).await, together("Goes with what you looked at"));
}

/// Milk is bought with bread by everybody, and with oat milk by nobody: what is like it is the oat milk.
#[tokio::test]
async fn without_views_what_is_like_a_product_is_of_its_kind() {
    let shop = Shop::open().await;
    let shelf = [
        ("milk", "Milk", "Food > Dairy > Milk"),
        ("oat", "Oat Drink", "Food > Dairy > Milk"),
        ("curd", "Curd", "Food > Dairy > Curd"),
        ("bread", "Bread", "Food > Bakery > Bread"),
        ("soap", "Soap", "Drugs > Soap"),
    ];
    let products = shelf.map(|(id, title, path)| {
        product(&json!({"id": id, "title": title, "categories": [path],
            "price": {"amount": 100, "currency": "USD"}}))
    });
    shop.app.put_products(products.to_vec(), &caller(Role::Admin)).await.unwrap();
    let mut batch: Vec<Value> =
        (0..8).map(|n| order(&format!("u{n}"), n, &["milk", "bread", "soap", "curd"])).collect();
    batch.push(order("u9", 9, &["oat"]));
    shop.send(Role::IngestServer, IngestCall::Batch, json!({"batch": batch})).await;
    shop.app.wait_for(&shop.app.parts.log.end().await.unwrap()).await.unwrap();
    let mut request = RecommendRequest::new(Strategy::Similar, 4);
    request.context.product_id = Some(id("milk"));
    let answer = ask(&shop, &request).await;
    assert_eq!(ids(&answer)[..2], ["oat", "curd"]);
    let reasons: Vec<&str> =
        answer.recommendations.iter().map(|one| one.reason.text.as_str()).collect();
    assert_eq!(reasons[..2], ["Similar to Milk", "Bought with Milk"]);
    let scores: Vec<f32> = answer.recommendations.iter().map(|one| one.score).collect();
    assert!(scores[0] > scores[1] && scores[1] > 0.0, "{scores:?}");
}

/// On its first day a shop has a catalogue and nothing else.
#[tokio::test]
async fn without_any_sale_what_is_like_a_product_looks_like_it() {
    let shop = Shop::open().await;
    let shelf = [
        ("cable", "Charging Cable 6 ft", "Zulu", 1_900, "Phones > Cables"),
        ("far", "Leather Wallet for Tablet", "Zulu", 9_900, "Phones > Cases"),
        ("other", "Clear Case for Galaxy S7", "Yankee", 1_500, "Phones > Cases"),
        ("dear", "Silicone Case for Galaxy S7 Blue", "Zulu", 6_900, "Phones > Cases"),
        ("near", "Silicone Case for Galaxy S7", "Zulu", 2_100, "Phones > Cases"),
        ("case", "SILICONE CASE for Galaxy S7 Edge", "Zulu", 1_900, "Phones > Cases"),
    ];
    let products = shelf.map(|(id, title, brand, cents, path)| {
        product(&json!({"id": id, "title": title, "brand": brand, "categories": [path],
            "price": {"amount": cents, "currency": "USD"}}))
    });
    shop.app.put_products(products.to_vec(), &caller(Role::Admin)).await.unwrap();
    let mut request = RecommendRequest::new(Strategy::Similar, 5);
    request.context.product_id = Some(id("case"));
    let answer = ask(&shop, &request).await;
    assert_eq!(ids(&answer), ["near", "dear", "other", "far", "cable"], "{answer:?}");
}

/// Who buys one coffee buys no other with it, and most were sold months ago: they are like it all the same.
#[tokio::test]
async fn what_is_like_a_product_comes_before_what_else_is_in_the_basket() {
    let shop = Shop::open().await;
    let coffees: Vec<String> = (0..6).map(|n| format!("coffee-{n}")).collect();
    let mut shelf: Vec<(&str, &str)> =
        coffees.iter().map(|id| (id.as_str(), "Food > Coffee > Ground")).collect();
    shelf.extend([
        ("beans", "Food > Coffee > Beans"),
        ("milk", "Food > Dairy"),
        ("bread", "Food > Bakery"),
        ("soap", "Drugs > Soap"),
    ]);
    let products = shelf.iter().map(|(id, path)| {
        product(&json!({"id": id, "title": format!("Product {id}"), "categories": [path],
            "price": {"amount": 100, "currency": "USD"}}))
    });
    shop.app.put_products(products.collect(), &caller(Role::Admin)).await.unwrap();
    let mut batch: Vec<Value> = (0..8)
        .map(|n| order(&format!("u{n}"), n, &["coffee-0", "milk", "bread", "soap", "beans"]))
        .collect();
    let old = |n: i64, id: &'static str| order(&format!("old{n}"), n - 80, &[id]);
    batch.extend([old(0, "coffee-2"), old(1, "coffee-2"), old(2, "coffee-1")]);
    shop.send(Role::IngestServer, IngestCall::Batch, json!({"batch": batch})).await;
    shop.app.wait_for(&shop.app.parts.log.end().await.unwrap()).await.unwrap();
    let mut request = RecommendRequest::new(Strategy::Similar, 8);
    request.context.product_id = Some(id("coffee-0"));
    let answer = ask(&shop, &request).await;
    let found = ids(&answer);
    assert_eq!(found[..3], ["coffee-2", "coffee-1", "coffee-3"], "{found:?}");
    assert_eq!(found[3..6], ["coffee-4", "coffee-5", "beans"], "{found:?}");
    let scores: Vec<f32> = answer.recommendations.iter().map(|one| one.score).collect();
    assert!(scores[..6].is_sorted_by(|a, b| a > b) && scores[5] > 0.0, "{scores:?}");
    // Of one that nobody bought or looked at the same is known.
    request.context.product_id = Some(id("coffee-5"));
    let answer = ask(&shop, &request).await;
    let found = ids(&answer);
    assert_eq!((found[0], found[5]), ("coffee-0", "beans"), "{found:?}");
    assert!(answer.recommendations[0].score > answer.recommendations[5].score);
    // What lies in the cart is not what the page is about.
    request.context.cart = vec![id("milk")];
    assert_eq!(ids(&ask(&shop, &request).await)[0], "coffee-0");
}

#[tokio::test]
async fn a_list_about_no_product_says_so() {
    let shop = grocer().await;
    let mut request = RecommendRequest::new(Strategy::Similar, 3);
    let said = |answer: &RecommendAnswer| -> Vec<String> {
        answer.warnings.iter().map(|one| format!("{}: {}", one.code, one.detail)).collect()
    };
    let answer = ask(&shop, &request).await;
    assert_eq!(answer.strategy, Strategy::Popular);
    let none = "no_product: `similar` needs `context.product_id` or a product in `context.cart`: \
                the list is of popular products";
    assert_eq!(said(&answer), [none]);
    request.context.product_id = Some(id("gone"));
    let unknown = "unknown_product: site `main` has no product `gone`: ";
    let answer = ask(&shop, &request).await;
    assert_eq!(said(&answer), [format!("{unknown}the list is of popular products")]);
    request.strategy = Strategy::BoughtTogether;
    let answer = ask(&shop, &request).await;
    assert!(answer.recommendations.is_empty());
    assert_eq!(said(&answer), [format!("{unknown}the list is empty")]);
    request.context.cart = vec![id("bread")];
    let answer = ask(&shop, &request).await;
    assert!(!answer.recommendations.is_empty());
    let other = "the list is about the cart or what was looked at last";
    assert_eq!(said(&answer), [format!("{unknown}{other}")]);
    request.context.product_id = None;
    assert!(said(&ask(&shop, &request).await).is_empty());
    assert!(said(&ask(&shop, &RecommendRequest::new(Strategy::Popular, 3)).await).is_empty());
}

/// Three people bought rye bread with butter and three others wheat bread: enough for the type only.
#[tokio::test]
async fn a_reason_backs_off_to_the_type_when_too_few_people_stand_behind_it() {
    let shop = Shop::open().await;
    let shelf = [
        ("rye", "Rye Bread", "Bakery > Bread"),
        ("wheat", "Wheat Bread", "Bakery > Bread"),
        ("butter", "Butter", "Dairy"),
        ("wine", "Wine", "Drinks"),
    ];
    let products = shelf.map(|(id, title, path)| {
        product(&json!({"id": id, "title": title, "categories": [path],
            "price": {"amount": 100, "currency": "USD"}}))
    });
    shop.app.put_products(products.to_vec(), &caller(Role::Admin)).await.unwrap();
    let lines = |n: i64| -> &[&str] {
        match n {
            0..3 => &["rye", "butter"],
            3..6 => &["wheat", "butter"],
            _ => &["wine"],
        }
    };
    let batch: Vec<Value> = (0..12).map(|n| order(&format!("u{n}"), n, lines(n))).collect();
    shop.send(Role::IngestServer, IngestCall::Batch, json!({"batch": batch})).await;
    shop.app.wait_for(&shop.app.parts.log.end().await.unwrap()).await.unwrap();
    let mut request = RecommendRequest::new(Strategy::BoughtTogether, 10);
    request.context.product_id = Some(id("rye"));
    let answer = ask(&shop, &request).await;
    let butter = answer.recommendations.iter().find(|one| one.product_id.as_str() == "butter");
    let reason = &butter.unwrap().reason;
    assert_eq!(reason.text, "Bought with Bread");
    assert!(reason.evidence.is_empty());
}

#[tokio::test]
async fn habits_come_first_and_say_so() {
    let shop = grocer().await;
    let answer = ask(&shop, &for_user(Strategy::BuyAgain, "regular")).await;
    assert_eq!(ids(&answer), ["milk", "bread"]);
    assert_eq!(answer.recommendations[0].reason.text, "You bought it 3 times");
    assert_eq!(answer.recommendations[1].reason.text, "You bought it before");
    // Both places are the shopper's own: milk by three purchases, bread by one.
    let second = 1.0 / 3_f32.log2();
    let score = (0.875 + 0.5 * second) / (1.0 + second);
    assert!(
        (answer.personalization_score - score).abs() < 1e-6,
        "{}",
        answer.personalization_score
    );
    let automatic = ask(&shop, &for_user(Strategy::Auto, "regular")).await;
    assert_eq!(automatic.strategy, Strategy::NextBasket);
    assert_eq!(ids(&automatic)[0], "milk");
}

#[tokio::test]
async fn one_title_once_and_filters_stock_and_exclusions_hold() {
    let shop = grocer().await;
    let mut request = RecommendRequest::new(Strategy::New, 10);
    let titles = ask(&shop, &request).await;
    let jams = ids(&titles).iter().filter(|id| id.starts_with("jam")).count();
    assert_eq!(jams, 1, "two products of one title: {:?}", ids(&titles));
    request.filter = Some(Filter::parse("price <= 3").unwrap());
    request.exclude = vec![id("bread")];
    assert_eq!(ids(&ask(&shop, &request).await), ["milk"]);
    let gone = json!({"id": "milk", "title": "Milk", "availability": "out_of_stock",
        "price": {"amount": 129, "currency": "USD"}});
    shop.app.put_products(vec![product(&gone)], &caller(Role::Admin)).await.unwrap();
    assert!(ids(&ask(&shop, &request).await).is_empty());
}

/// Of a catalogue that came all at once nothing is new.
#[tokio::test]
async fn what_has_no_price_does_not_lead_what_is_called_new() {
    let shop = Shop::open().await;
    let mut told: Vec<Value> = (0..6)
        .map(|n| {
            json!({"id": format!("p{n}"), "title": format!("Product {n}"),
            "price": {"amount": 100, "currency": "USD"}})
        })
        .collect();
    for one in told.iter_mut().skip(3) {
        one.as_object_mut().unwrap().remove("price");
    }
    let put = |told: &[Value]| told.iter().map(product).collect::<Vec<Product>>();
    shop.app.put_products(put(&told), &caller(Role::Admin)).await.unwrap();
    let request = RecommendRequest::new(Strategy::New, 10);
    let answer = ask(&shop, &request).await;
    let mut first = ids(&answer)[..3].to_vec();
    first.sort_unstable();
    assert_eq!(first, ["p0", "p1", "p2"]);
    assert_eq!(answer.recommendations.len(), 6, "the others come behind");
    // The sum of nothing is no -0.
    assert!(answer.personalization_score.is_sign_positive());
    // What did come later leads, priced or not.
    shop.hand.fetch_add(40 * 86_400_000, std::sync::atomic::Ordering::Relaxed);
    let late = json!({"id": "late", "title": "Late"});
    shop.app.put_products(put(&[late]), &caller(Role::Admin)).await.unwrap();
    assert_eq!(ids(&ask(&shop, &request).await)[0], "late");
}

#[tokio::test]
async fn a_stranger_gets_popular_products_and_no_error() {
    let shop = grocer().await;
    let answer = ask(&shop, &for_user(Strategy::NextBasket, "nobody")).await;
    assert_eq!(answer.strategy, Strategy::Popular);
    assert_eq!(ids(&answer)[0], "bread");
    let kinds: Vec<ReasonKind> = answer.recommendations.iter().map(|one| one.reason.kind).collect();
    // What was never bought only fills up, and says so.
    use ReasonKind::{Popular, Range};
    assert_eq!(kinds, [Popular, Popular, Popular, Popular, Range]);
    let scores: Vec<f32> = answer.recommendations.iter().map(|one| one.score).collect();
    assert!(scores.is_sorted_by(|a, b| a >= b), "{scores:?}");
}

#[tokio::test]
async fn a_browser_key_sees_no_shopper_without_a_token() {
    let shop = grocer().await;
    let request = for_user(Strategy::Auto, "regular");
    let mut browser = caller(Role::StorefrontBrowser);
    let without = shop.app.recommend(&request, &browser).await.unwrap();
    let anonymous =
        shop.app.recommend(&RecommendRequest::new(Strategy::Auto, 10), &browser).await.unwrap();
    assert_eq!(without.recommendations, anonymous.recommendations);
    browser.shopper = Some("somebody else".to_owned());
    let foreign = shop.app.recommend(&request, &browser).await.unwrap();
    assert_eq!(foreign.recommendations, anonymous.recommendations);
    browser.shopper = Some("regular".to_owned());
    let own = shop.app.recommend(&request, &browser).await.unwrap();
    assert_eq!(ids(&own)[0], "milk");
}

#[tokio::test]
async fn a_browser_sees_its_own_visit_but_not_the_joined_shopper() {
    let shop = grocer().await;
    let view = json!({"type": "track", "event": "Product Viewed", "anonymousId": "tab",
        "properties": {"product_id": "wine"}});
    let join = json!({"type": "identify", "userId": "regular", "anonymousId": "tab"});
    let batch = json!({"batch": [view, join]});
    assert_eq!(shop.send(Role::IngestServer, IngestCall::Batch, batch).await.accepted, 2);
    shop.app.wait_for(&shop.app.parts.log.end().await.unwrap()).await.unwrap();
    let of_tab = |strategy| RecommendRequest {
        anonymous_id: Some("tab".to_owned()),
        ..RecommendRequest::new(strategy, 10)
    };
    let browser = caller(Role::StorefrontBrowser);
    let seen = shop.app.recommend(&of_tab(Strategy::RecentlyViewed), &browser).await.unwrap();
    assert_eq!(ids(&seen), ["wine"]);
    let bought = shop.app.recommend(&of_tab(Strategy::BuyAgain), &browser).await.unwrap();
    assert!(ids(&bought).is_empty(), "the joined shopper's habits: {:?}", ids(&bought));
    // The shop's own server sees one person.
    assert_eq!(ids(&ask(&shop, &of_tab(Strategy::BuyAgain)).await)[0], "milk");
}

#[tokio::test]
async fn another_sites_products_never_show() {
    let shop = grocer().await;
    let mut request = RecommendRequest::new(Strategy::Popular, 10);
    request.context.site = Some(SiteId::new("elsewhere").unwrap());
    assert!(ids(&ask(&shop, &request).await).is_empty());
}

/// Where silence is a yes, what was bought where silence is a no stays unused.
#[tokio::test]
async fn what_another_sites_law_withholds_is_neither_counted_nor_ranked_by() {
    let settings = "sites: [{id: main, jurisdiction: us}, {id: abroad, jurisdiction: eu}]";
    let shop = Shop::open_with(crate::Config::parse(settings, []).unwrap()).await;
    let abroad = SiteId::new("abroad").unwrap();
    let mut products = Vec::new();
    for site in [SiteId::main(), abroad.clone()] {
        for id in ["milk", "tea"] {
            let told = json!({"id": id, "title": format!("Good {id}"),
                "price": {"amount": 100, "currency": "USD"}});
            products.push(product_from_json(&told, &site, Currency::USD).unwrap());
        }
    }
    shop.app.put_products(products, &caller(Role::Admin)).await.unwrap();
    let mut batch: Vec<Value> = (0..3).map(|n| order("p", n, &["milk"])).collect();
    batch.extend((4..8).map(|n| {
        let mut order = order("p", n, &["tea"]);
        order["context"] = json!({"site": "abroad"});
        order
    }));
    shop.send(Role::IngestServer, IngestCall::Batch, json!({"batch": batch})).await;
    shop.app.wait_for(&shop.app.parts.log.end().await.unwrap()).await.unwrap();
    let mut request = for_user(Strategy::BuyAgain, "p");
    request.explain = true;
    let answer = ask(&shop, &request).await;
    let said = answer.explanation.unwrap();
    assert!(said.contains("3 baskets"), "{said}");
    // Whom the other site may know too is known in whole.
    let allow = json!({"userId": "p", "type": "identify", "context": {"site": "abroad",
        "consent": {"categoryPreferences": {"personalization": true, "model_training": true}}}});
    shop.send(Role::IngestServer, IngestCall::Batch, json!({"batch": [allow]})).await;
    shop.app.wait_for(&shop.app.parts.log.end().await.unwrap()).await.unwrap();
    let said = ask(&shop, &request).await.explanation.unwrap();
    assert!(said.contains("7 baskets"), "{said}");
}

/// A misspelt field leaves nothing, and nothing else would say why.
#[tokio::test]
async fn a_filter_by_a_field_that_no_product_has_is_told() {
    let shop = grocer().await;
    shop.app.wait_searchable(std::time::Duration::from_secs(60)).await.unwrap();
    let said = async |strategy, filter: &str| {
        let filter = Some(Filter::parse(filter).unwrap());
        let request = RecommendRequest { filter, ..RecommendRequest::new(strategy, 3) };
        let answer = ask(&shop, &request).await;
        let told = answer.warnings.iter().map(|one| format!("{}: {}", one.code, one.detail));
        (answer.recommendations.len(), told.collect::<Vec<String>>())
    };
    let told = "unknown_field: no product has a field `brnad`, which the filter asks for; \
                `brand` is one";
    assert_eq!(said(Strategy::New, "brnad = 'Own'").await, (0, vec![told.to_owned()]));
    assert_eq!(said(Strategy::Popular, "NOT brnad = 'x'").await, (3, vec![told.to_owned()]));
    // What a product can have is no mistake, though none has it; nor what some have, though none as asked.
    assert_eq!(said(Strategy::New, "tags = 'deal'").await, (0, Vec::new()));
    assert_eq!(said(Strategy::New, "brand = 'Nobody'").await, (0, Vec::new()));
}
