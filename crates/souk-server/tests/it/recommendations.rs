use serde_json::{Value, json};
use souk_app::Role;

use crate::http::post;
use crate::shop::{Setup, Shop};

fn stocked() -> Shop {
    let shop = Shop::open();
    let products: Vec<Value> = (0..20)
        .map(|n| {
            json!({"id": format!("p{n}"), "title": format!("Product {n}"),
                "price": {"amount": n * 100, "currency": "USD"}})
        })
        .collect();
    shop.put_products(&json!(products));
    let views: Vec<Value> = (0..60)
        .map(|n| {
            json!({"type": "track", "event": "Product Viewed", "messageId": format!("v{n}"),
                "userId": format!("u{}", n % 7), "properties": {"product_id": format!("p{}", n % 9)}})
        })
        .collect();
    let answer = shop.admin(post("/v1/batch", &json!({"batch": views}))).expect(200).json();
    assert_eq!(answer["accepted"], 60, "{answer}");
    shop.wait_folded();
    shop
}

#[test]
fn an_answer_has_the_shape_of_the_contract() {
    let shop = stocked();
    let answer = shop.recommend(&json!({
        "user_id": "u1", "anonymous_id": null, "placement": "home", "strategy": "auto", "limit": 5,
        "context": {"page_type": "product", "product_id": "p9", "cart": ["p1"], "session": ["p3", "p8"],
            "query": null, "channel": "web", "locale": "en-US", "site": null, "location_id": null},
        "filter": "price <= 20", "exclude": ["p9"], "explain": true
    }));
    for field in ["request_id", "timestamp", "strategy", "model_version", "explanation"] {
        assert!(answer[field].is_string(), "{field}: {answer}");
    }
    assert!(answer["experiment"].is_null());
    let score = answer["personalization_score"].as_f64().unwrap();
    assert!((0.0..=1.0).contains(&score), "{score}");
    let items = answer["recommendations"].as_array().unwrap();
    assert!((1..=5).contains(&items.len()), "{answer}");
    for (idx, item) in items.iter().enumerate() {
        assert_eq!(item["rank"], idx + 1);
        assert_eq!(item["product"]["id"], item["product_id"]);
        assert_ne!(item["product_id"], "p9");
        assert!(item["score"].is_number() && item["reason"]["text"].is_string(), "{item}");
        assert!(item["reason"]["evidence"].is_array(), "{item}");
    }
}

#[test]
fn an_unknown_shopper_gets_an_answer_and_no_error() {
    let shop = stocked();
    let answer = shop.recommend(&json!({"user_id": "nobody-knows-me"}));
    assert!(!answer["recommendations"].as_array().unwrap().is_empty());
    assert_eq!(answer["personalization_score"].as_f64(), Some(0.0));
    assert_eq!(shop.recommend(&json!({}))["recommendations"], answer["recommendations"]);
}

#[test]
fn a_browser_key_sees_nothing_of_a_shopper_without_the_token() {
    let shop = stocked();
    let key = shop.key(Role::StorefrontBrowser);
    let ask = |body: &Value| {
        let answer = shop.send(&post("/v1/recommendations", body).key(&key)).expect(200).json();
        (answer["recommendations"].clone(), answer["personalization_score"].clone())
    };
    for strategy in ["auto", "for_you", "recently_viewed", "next_basket", "buy_again", "session"] {
        let known = ask(&json!({"user_id": "u1", "strategy": strategy}));
        assert_eq!(known, ask(&json!({"strategy": strategy})), "{strategy}");
    }
    let body = json!({"user_id": "u1", "strategy": "recently_viewed"});
    let token = shop.app.make_shopper_token("u1", 60);
    let call = post("/v1/recommendations", &body).key(&key).header("x-souk-shopper", &token);
    let own = shop.send(&call).expect(200).json();
    assert_eq!(own["recommendations"][0]["reason"]["kind"], "recently_viewed");
    let other = json!({"user_id": "u2", "strategy": "recently_viewed"});
    let call = post("/v1/recommendations", &other).key(&key).header("x-souk-shopper", &token);
    let reply = shop.send(&call);
    let foreign = reply.json();
    let theirs = shop.recommend(&other);
    assert_ne!(
        foreign["recommendations"], theirs["recommendations"],
        "another's history: {foreign}"
    );
}

#[test]
fn a_batch_answers_in_order_and_names_the_wrong_request() {
    let shop = stocked();
    let requests = json!({"requests": [{"limit": 1}, {"limit": 2}, {"limit": 3}]});
    let answer = shop.admin(post("/v1/recommendations/batch", &requests)).expect(200).json();
    let lengths: Vec<_> = answer["responses"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["recommendations"].as_array().unwrap().len())
        .collect();
    assert_eq!(lengths, [1, 2, 3]);
    let wrong = json!({"requests": [{"limit": 1}, {"limit": 0}]});
    let problem =
        shop.admin(post("/v1/recommendations/batch", &wrong)).problem(422, "invalid_input");
    assert_eq!(problem["errors"][0]["pointer"], "/requests/1/limit");
    let many = json!({"requests": vec![json!({}); 1_001]});
    shop.admin(post("/v1/recommendations/batch", &many)).problem(422, "too_many_items");
    let none = json!({"requests": []});
    let answer = shop.admin(post("/v1/recommendations/batch", &none)).expect(200).json();
    assert_eq!(answer, json!({"responses": []}));
}

#[test]
fn a_batch_and_a_page_cost_as_many_requests_as_they_hold() {
    let settings = "limits: {storefront_server: {per_s: 1, burst: 20}}";
    for (path, name) in [("batch", "requests"), ("page", "placements")] {
        let shop = Shop::with(Setup { settings, ..Setup::default() });
        shop.put_products(&json!([{"id": "p", "title": "Lamp"}]));
        shop.wait_folded();
        let key = shop.key(Role::StorefrontServer);
        let ask = |n: usize| {
            let body = json!({name: vec![json!({"strategy": "popular"}); n]});
            shop.send(&post(&format!("/v1/recommendations/{path}"), &body).key(&key))
        };
        ask(15).expect(200);
        let refused = ask(15);
        assert!(refused.header("retry-after").is_some(), "{path}: {refused:?}");
        refused.problem(429, "rate_limited");
        // What was refused cost the one request that let it in.
        ask(1).expect(200);
    }
}

#[test]
fn a_wrong_filter_is_named_by_its_place() {
    let shop = stocked();
    let body = json!({"filter": "price <= 'a' AND"});
    let problem = shop.admin(post("/v1/recommendations", &body)).problem(422, "invalid_filter");
    assert_eq!(problem["errors"][0]["pointer"], "/filter");
    assert!(problem["detail"].as_str().unwrap().contains("character 10"), "{problem}");
}

#[test]
fn an_event_changes_the_same_shoppers_next_answer() {
    let shop = stocked();
    let view = json!({"event": "Product Viewed", "messageId": "new-1", "userId": "fresh",
        "properties": {"product_id": "p13"}});
    shop.admin(post("/v1/track", &view)).expect(200);
    shop.wait_folded();
    let body = json!({"user_id": "fresh", "strategy": "recently_viewed"});
    assert_eq!(shop.recommend(&body)["recommendations"][0]["product_id"], "p13");
}
