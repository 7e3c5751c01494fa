use std::time::Duration;

use serde_json::{Value, json};
use souk_app::{Role, check_receipt};

use crate::http::{call, get, post};
use crate::shop::{Setup, Shop};

fn shop() -> Shop {
    let settings = "snapshots: {after_erasure_s: 0}";
    let shop = Shop::with(Setup { settings, ..Setup::default() });
    let batch = json!({"batch": [
        {"type": "track", "userId": "anna", "event": "Products Searched",
         "properties": {"query": "blue <shoes>"}},
        {"type": "track", "userId": "bob", "event": "Products Searched",
         "properties": {"query": "red hats"}},
        {"type": "identify", "userId": "anna", "anonymousId": "browser-1", "traits": {}},
    ]});
    shop.admin(post("/v1/batch", &batch)).expect(200);
    shop
}

fn completed(shop: &Shop, id: &str) -> Value {
    for _ in 0..600 {
        let request = shop.admin(get(&format!("/v1/privacy/requests/{id}"))).expect(200).json();
        if request["state"] == "complete" {
            return request;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("{id} is not complete after 30 s");
}

#[test]
fn an_erasure_is_answered_and_then_receipted() {
    let shop = shop();
    let key = shop.key(Role::Privacy);
    let erase = |path: &str, body: Value| shop.send(&post(path, &body).key(&key));
    let asked = erase("/v1/subjects/anonymous%3Abrowser-1/erasure", json!({})).expect(202).json();
    assert_eq!((asked["subjects"].clone(), asked["kind"].clone()), (json!(2), json!("erasure")));
    assert!(asked["views_at"].is_string() && asked["due_gdpr"].is_string());
    let done = completed(&shop, asked["request_id"].as_str().unwrap());
    let receipt = souk_app::Receipt::from_json(&done["receipt"]).unwrap();
    let public_key = shop.runtime.block_on(shop.app.receipt_key()).unwrap();
    assert_eq!(check_receipt(&receipt, &public_key).unwrap()["subjects"], 2);
    let copy = erase("/v1/subjects/anna/export", json!({})).expect(200);
    assert!(!copy.text().contains("shoes"), "{}", copy.text());
    let copy = erase("/v1/subjects/bob/export", json!({})).expect(200);
    assert!(copy.text().contains("red hats"));
    let metrics = shop.admin(get("/metrics")).expect(200);
    assert!(metrics.text().contains("souk_noise_records_total"));
    // The body may be left out; nobody known is a request like any other.
    let none = shop.send(&call("POST", "/v1/subjects/nobody/erasure").key(&key)).expect(202);
    assert_eq!(none.json()["subjects"], 0);
}

#[test]
fn a_copy_comes_as_lines_or_as_a_page() {
    let shop = shop();
    let ask = || post("/v1/subjects/anna/export", &json!({}));
    let lines = shop.admin(ask()).expect(200);
    assert_eq!(lines.header("content-type"), Some("application/x-ndjson"));
    assert_eq!(lines.header("cache-control"), Some("no-store"));
    assert!(lines.text().contains("blue <shoes>") && !lines.text().contains("red hats"));
    let page = shop.admin(ask().header("accept", "text/html,*/*")).expect(200);
    assert!(page.header("content-type").unwrap().starts_with("text/html"));
    assert!(page.text().contains("blue &lt;shoes&gt;"));
}

#[test]
fn an_unverified_request_waits_and_pages_follow() {
    let shop = shop();
    let unverified = json!({"identity": "unverified"});
    let asked = shop.admin(post("/v1/subjects/anna/export", &unverified)).expect(202).json();
    assert_eq!(asked["state"], "identity_unverified");
    let id = asked["request_id"].as_str().unwrap();
    let verify = format!("/v1/privacy/requests/{id}/verification");
    let copy = shop.admin(call("POST", &verify)).expect(200);
    assert!(copy.text().contains("blue <shoes>"));
    assert_eq!(copy.header("x-privacy-request-id"), Some(id));
    shop.admin(post("/v1/subjects/bob/erasure", &unverified)).expect(202);
    let page = shop.admin(get("/v1/privacy/requests?limit=1")).expect(200).json();
    assert_eq!(page["requests"][0]["kind"], "erasure");
    let before = page["next_before"].as_str().unwrap();
    let page = shop.admin(get(&format!("/v1/privacy/requests?before={before}"))).expect(200).json();
    assert_eq!(page["requests"][0]["request_id"], id);
    shop.admin(get("/v1/privacy/requests?limit=0")).expect(422);
    shop.admin(get("/v1/privacy/requests/none")).problem(404, "not_found");
    shop.admin(post("/v1/subjects/anna/erasure", &json!({"identity": "maybe"}))).expect(422);
    let long = format!("/v1/subjects/{}/erasure", "x".repeat(300));
    let refused = shop.admin(post(&long, &json!({}))).problem(422, "invalid_id");
    // The instance is the caller's own path; no other word of the answer repeats the id.
    assert!(!refused["detail"].as_str().unwrap().contains("xxxx"), "{refused}");
}
