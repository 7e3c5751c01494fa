#![allow(clippy::unwrap_used)]

use rustc_hash::FxHashMap;
use serde_json::{Value, json};
use souk_core::{Fact, Filter, Purpose};

use super::*;
use crate::recommend::tests::{ask, id, ids, product};
use crate::recommend::{RecommendAnswer, RecommendRequest};
use crate::test_shop::{Shop, caller, noon};
use crate::{Config, IngestCall, Role, RulePrecondition};

const DAY_MS: i64 = 86_400_000;

fn order(user: &str, name: &str) -> Value {
    let at = noon().plus_ms(-3_600_000);
    json!({"type": "track", "event": "Order Completed", "userId": user,
        "timestamp": at.to_string(), "messageId": format!("m-{user}-{name}"),
        "properties": {"order_id": format!("o-{user}-{name}"), "currency": "USD",
            "products": [{"product_id": name, "quantity": 1, "price": 1}]}})
}

/// Eight products that sell, one behind the other, and two that came into the shop yesterday.
async fn shop_with(share: f64) -> Shop {
    let settings = format!(
        "privacy: {{default_jurisdiction: us}}\n\
         recommendations: {{diversity: 0.0, exploration: {{share: {share}}}}}\n"
    );
    let shop = Shop::open_with(Config::parse(&settings, []).unwrap()).await;
    let shelf = (0..10).map(|n| {
        let published = noon().plus_ms(if n < 8 { -400 * DAY_MS } else { -DAY_MS });
        product(&json!({"id": format!("p{n}"), "title": format!("Product {n}"),
            "brand": if n == 9 { "Odd" } else { "Own" }, "published_at": published.to_string(),
            "price": {"amount": 100, "currency": "USD"}}))
    });
    shop.app.put_products(shelf.collect(), &caller(Role::Admin)).await.unwrap();
    let orders = (0..8).flat_map(|n| {
        (0..30 - 2 * n).map(move |buyer| order(&format!("u{buyer}"), &format!("p{n}")))
    });
    let batch = json!({"batch": orders.collect::<Vec<_>>()});
    shop.send(Role::IngestServer, IngestCall::Batch, batch).await;
    folded(&shop).await;
    shop
}

async fn folded(shop: &Shop) {
    shop.app.wait_for(&shop.app.parts.log.end().await.unwrap()).await.unwrap();
}

fn popular() -> RecommendRequest {
    RecommendRequest::new(Strategy::Popular, 5)
}

/// The last product of an answer, how likely it was to stand there, and whether it was tried.
fn last(answer: &RecommendAnswer) -> (String, f64, bool) {
    let mark = answer.marks[4];
    let name = ids(answer)[4].to_owned();
    (name, mark.propensity.unwrap().probability(), mark.is_explored)
}

#[tokio::test]
async fn the_last_place_is_tried_with_as_often_as_is_said() {
    let shop = shop_with(0.4).await;
    let (n, mut seen): (usize, FxHashMap<String, (usize, f64, bool)>) =
        (4_000, FxHashMap::default());
    for _ in 0..n {
        let answer = ask(&shop, &popular()).await;
        assert_eq!(ids(&answer)[..4], ["p0", "p1", "p2", "p3"]);
        assert!(answer.marks[..4].iter().all(|mark| *mark == ProductMark::default()));
        let (name, propensity, is_explored) = last(&answer);
        let slot = seen.entry(name).or_insert((0, propensity, is_explored));
        assert!((slot.1 - propensity).abs() < 1e-9 && slot.2 == is_explored);
        slot.0 += 1;
    }
    let mut names: Vec<&str> = seen.keys().map(String::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["p4", "p5", "p6", "p7", "p8", "p9"], "the new ones too");
    let stated: f64 = seen.values().map(|(_, propensity, _)| propensity).sum();
    assert!((stated - 1.0).abs() < 1e-5, "{seen:?}");
    for (name, (count, propensity, is_explored)) in &seen {
        let error = (propensity * (1.0 - propensity) / n as f64).sqrt();
        assert!((*count as f64 / n as f64 - propensity).abs() < 4.5 * error, "{name}: {seen:?}");
        assert_eq!(*is_explored, name != "p4");
    }
}

#[tokio::test]
async fn what_may_not_be_shown_is_not_tried() {
    let shop = shop_with(0.5).await;
    let hide = json!({"select": {"product_ids": ["p6"]}, "action": {"type": "hide"}});
    let rule_id = souk_core::rules::RuleId::new("no-p6").unwrap();
    let rule = souk_core::wire::json::rule_from_json(&hide, Some(&rule_id), noon()).unwrap();
    shop.app.put_rule(rule, RulePrecondition::Any, &caller(Role::Admin)).await.unwrap();
    let mut request = popular();
    request.filter = Some(Filter::parse("brand = 'Own'").unwrap());
    request.exclude = vec![id("p5")];
    request.shown = vec![id("p8")];
    let mut tried = 0;
    for _ in 0..200 {
        let answer = ask(&shop, &request).await;
        // Without the hidden, the excluded, the one above on the page and the other brand: p4 or p7.
        let (name, _, is_explored) = last(&answer);
        assert_eq!(name, if is_explored { "p7" } else { "p4" });
        tried += usize::from(is_explored);
    }
    assert!((50..150).contains(&tried), "{tried}");
    // Where nothing else may be shown, chance has no part.
    request.exclude.push(id("p7"));
    let answers = [ask(&shop, &request).await, ask(&shop, &request).await];
    assert!(answers.iter().all(|answer| answer.marks.is_empty() && ids(answer)[4] == "p4"));
}

#[tokio::test]
async fn lists_that_rules_reorder_short_ones_and_plain_answers_are_left_alone() {
    let shop = shop_with(0.5).await;
    let mut similar = RecommendRequest::new(Strategy::Similar, 5);
    similar.context.product_id = Some(id("p0"));
    let short = RecommendRequest::new(Strategy::Popular, 4);
    for request in [&similar, &short] {
        for _ in 0..20 {
            assert!(ask(&shop, request).await.marks.is_empty());
        }
    }
    let bury = json!({"select": {"product_ids": ["p0"]}, "action": {"type": "bury"}});
    let rule_id = souk_core::rules::RuleId::new("bury").unwrap();
    let rule = souk_core::wire::json::rule_from_json(&bury, Some(&rule_id), noon()).unwrap();
    shop.app.put_rule(rule, RulePrecondition::Any, &caller(Role::Admin)).await.unwrap();
    for _ in 0..20 {
        assert!(ask(&shop, &popular()).await.marks.is_empty());
    }
    // Nor is anything tried unless somebody asks for it.
    let plain = shop_with(0.0).await;
    assert!(ask(&plain, &popular()).await.marks.is_empty());
}

#[tokio::test]
async fn the_log_tells_what_chance_did() {
    let shop = shop_with(0.5).await;
    let mut answers = FxHashMap::default();
    for _ in 0..30 {
        let answer = ask(&shop, &popular()).await;
        answers.insert(answer.request_id.clone(), answer.marks);
    }
    shop.app.flush_impressions().await;
    let logged = shop.log().await.into_iter().filter_map(|(_, event)| match event.fact {
        Fact::Impressions(shown) => Some(shown),
        _ => None,
    });
    let logged: Vec<_> = logged.collect();
    assert_eq!(logged.len(), 30);
    for shown in &logged {
        assert_eq!(shown.marks.products, answers[&*shown.request_id]);
    }
    assert!(logged.iter().any(|shown| shown.marks.products[4].is_explored));
}

#[tokio::test]
async fn what_came_of_tries_decides_what_is_tried_next() {
    let shop = shop_with(0.5).await;
    // Forty people are shown five products three times each; p4 is taken up in the last place by all of them.
    for n in 0..40 {
        let user = format!("u{n}");
        let mut request = popular();
        request.user_id = Some(user.clone());
        request.exclude = ["p5", "p6", "p7", "p8", "p9"].map(id).to_vec();
        let mut batch =
            vec![json!({"type": "identify", "userId": user, "messageId": format!("i{n}")})];
        shop.send(Role::IngestServer, IngestCall::Batch, json!({"batch": batch})).await;
        folded(&shop).await;
        let answer = ask(&shop, &request).await;
        shop.app.flush_impressions().await;
        batch = vec![json!({"type": "track", "event": "Product Clicked", "userId": user,
            "messageId": format!("c{n}"), "timestamp": noon().to_string(),
            "properties": {"product_id": "p4", "request_id": answer.request_id}})];
        shop.send(Role::IngestServer, IngestCall::Batch, json!({"batch": batch})).await;
    }
    folded(&shop).await;
    assert!(shop.app.count_trials().await);
    let main = souk_core::SiteId::main();
    let mean = |name: &str| {
        let views = shop.app.views.read();
        let item = views.catalogue.item(&main, &id(name)).unwrap();
        shop.app.ranking.trials().unwrap().belief(item, &views.catalogue).mean()
    };
    assert!(mean("p4") > 0.5 && mean("p0") < 0.2, "{} {}", mean("p4"), mean("p0"));
    assert!(mean("p9") > mean("p0") && mean("p9") < mean("p4"), "nobody saw it: the shop's mean");
    // Whoever lets nobody learn from them is not counted, and from then on there is nothing until it is counted.
    for n in 0..40 {
        let denied = crate::ConsentUpdate {
            denied: [Purpose::ModelTraining].into_iter().collect(),
            ..Default::default()
        };
        let user = format!("u{n}");
        shop.app
            .change_consents((user.as_str(), &main), denied, &caller(Role::Admin))
            .await
            .unwrap();
    }
    ask(&shop, &popular()).await;
    assert!(shop.app.ranking.trials().is_none());
    assert!(shop.app.count_trials().await);
    assert!(mean("p4") < 0.1, "{}", mean("p4"));
}
