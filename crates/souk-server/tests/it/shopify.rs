use serde_json::json;
use souk_app::Role;

use crate::http::{call, get, post};
use crate::shop::{Setup, Shop};

/// The secret of the tests; the signatures below were made with OpenSSL:
/// `openssl dgst -sha256 -hmac SECRET -binary | base64`.
const SECRET_FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/shopify-secret.txt");

fn shop() -> Shop {
    let settings = format!("privacy: {{shopify: {{secret: 'file:{SECRET_FILE}'}}}}");
    let settings = Box::leak(settings.into_boxed_str());
    Shop::with(Setup { settings, ..Setup::default() })
}

const REDACT: &str = r#"{"shop_id":954889,"shop_domain":"example.myshopify.com","customer":{"id":191167,"email":"john@example.com","phone":"555-625-1199"},"orders_to_redact":[299938,280263,220458]}"#;
const REDACT_SIGNATURE: &str = "j8bqPUdZ5KGSItg/t71PuUz1M6y6ZT2cAddJbYHSP5g=";
const SHOP_REDACT: &str = r#"{"shop_id":954889,"shop_domain":"example.myshopify.com"}"#;
const SHOP_REDACT_SIGNATURE: &str = "/nDw1Wb04aQrlwrFofqa9HWRtFiuNtJ+Z6WdFTWJ30A=";

fn webhook(topic: &str, body: &str, signature: &str) -> crate::http::Call {
    call("POST", "/v1/webhooks/shopify")
        .header("x-shopify-topic", topic)
        .header("x-shopify-shop-domain", "example.myshopify.com")
        .header("x-shopify-webhook-id", &format!("b54557e4-bdd9-4b37-8a5f-{}", topic.len()))
        .header("x-shopify-hmac-sha256", signature)
        .text("application/json", body)
}

#[test]
fn a_signed_webhook_opens_a_request_and_another_is_refused() {
    let shop = shop();
    let redact = || webhook("customers/redact", REDACT, REDACT_SIGNATURE);
    let answer = shop.send(&redact()).expect(200).json();
    let id = answer["request_id"].as_str().unwrap();
    let found = shop.admin(get(&format!("/v1/privacy/requests/{id}"))).expect(200).json();
    assert_eq!((&found["kind"], &found["requested_by"]), (&json!("erasure"), &json!("shopify")));
    assert_eq!(shop.send(&redact()).expect(200).json(), answer, "a retry is the same request");
    let forged = webhook("customers/redact", REDACT, SHOP_REDACT_SIGNATURE);
    shop.send(&forged).problem(401, "unauthenticated");
    // A key of Souk's own is no signature.
    let keyed = webhook("customers/redact", REDACT, "").key(&shop.admin);
    shop.send(&keyed).problem(401, "unauthenticated");
    let off = Shop::open();
    off.send(&redact()).problem(404, "not_found");
}

#[test]
fn a_shop_redaction_waits_for_its_confirmation() {
    let shop = shop();
    let viewed = json!({"userId": "anna", "event": "Product Viewed",
        "properties": {"product_id": "p1"}});
    shop.admin(post("/v1/track", &viewed)).expect(200);
    let answer = shop.send(&webhook("shop/redact", SHOP_REDACT, SHOP_REDACT_SIGNATURE));
    let answer = answer.expect(200).json();
    let id = answer["request_id"].as_str().unwrap();
    let found = shop.admin(get(&format!("/v1/privacy/requests/{id}"))).expect(200).json();
    assert_eq!(found["state"], "awaiting_confirmation");
    let path = format!("/v1/privacy/requests/{id}/confirmation");
    shop.admin(post(&path, &json!({"subjects": 0}))).problem(409, "conflict");
    let done = shop.admin(post(&path, &json!({"subjects": 1}))).expect(202).json();
    assert_eq!((&done["state"], &done["subjects"]), (&json!("complete"), &json!(1)));
}

#[test]
fn retention_is_seen_and_run() {
    let settings = "privacy: {retention: {searches_days: 10, share_max: 0.5}}";
    let shop = Shop::with(Setup { settings, ..Setup::default() });
    let key = shop.key(Role::Privacy);
    let searched = json!({"userId": "anna", "event": "Products Searched",
        "timestamp": "2020-01-01T00:00:00Z", "properties": {"query": "old hats"}});
    shop.admin(post("/v1/track", &searched)).expect(200);
    let run = |body| shop.send(&post("/v1/privacy/retention", &body).key(&key)).expect(200).json();
    let due = |run: &serde_json::Value| run["kinds"][1]["due"].clone();
    let dry = run(json!({}));
    assert_eq!((&dry["outcome"], due(&dry)), (&json!("dry_run"), json!(1)));
    assert_eq!(run(json!({"mode": "enforce"}))["outcome"], "stopped");
    assert_eq!(run(json!({"mode": "confirmed"}))["outcome"], "done");
    let state = shop.send(&get("/v1/privacy/retention").key(&key)).expect(200).json();
    assert_eq!(state["terms"][1], json!({"kind": "searches", "days": 10}));
    assert_eq!(due(&state["last_run"]), 1);
    assert!(state["next_run_at"].is_string());
    assert_eq!(due(&run(json!({}))), 0);
    let copy = shop.send(&post("/v1/subjects/anna/export", &json!({})).key(&key)).expect(200);
    assert!(!copy.text().contains("old hats"), "{}", copy.text());
}
