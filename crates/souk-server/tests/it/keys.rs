use serde_json::{Value, json};

use crate::http::{get, post};
use crate::shop::Shop;

#[test]
fn a_key_is_made_listed_without_its_secret_and_works() {
    let shop = Shop::open();
    let body = json!({"role": "storefront_browser", "label": "web", "origins": ["https://shop.example"],
        "expires_at": "2999-01-01T00:00:00Z"});
    let made = shop.admin(post("/v1/keys", &body)).expect(201).json();
    let key = made["key"].as_str().unwrap();
    assert_eq!(made["role"], "storefront_browser");
    shop.send(&get("/v1/products").key(key)).expect(200);
    let list = shop.admin(get("/v1/keys")).expect(200);
    assert!(!list.text().contains(key));
    let keys = list.json();
    let keys = keys["keys"].as_array().unwrap();
    let listed = keys.iter().find(|one| one["id"] == made["id"]).unwrap();
    assert_eq!(listed["label"], "web");
    assert_eq!(listed["origins"], json!(["https://shop.example"]));
    assert_eq!(listed["expires_at"], "2999-01-01T00:00:00.000Z");
}

#[test]
fn wrong_keys_are_refused_with_pointers() {
    let shop = Shop::open();
    let pointer = |body: Value| {
        let reply = shop.admin(post("/v1/keys", &body)).expect(422);
        reply.json()["errors"][0]["pointer"].as_str().unwrap().to_owned()
    };
    assert_eq!(pointer(json!({})), "/role");
    assert_eq!(pointer(json!({"role": "root"})), "/role");
    assert_eq!(pointer(json!({"role": "admin", "odd": 1})), "/odd");
    assert_eq!(pointer(json!({"role": "admin", "expires_at": "soon"})), "/expires_at");
    assert_eq!(
        pointer(json!({"role": "admin", "expires_at": "1969-12-31T00:00:00Z"})),
        "/expires_at"
    );
    assert_eq!(pointer(json!({"role": "storefront_browser", "origins": ["x"]})), "/origins/0");
    assert_eq!(pointer(json!({"role": "admin", "label": 5})), "/label");
}

#[test]
fn an_idempotency_key_makes_one_key_of_two_requests() {
    let shop = Shop::open();
    let ask =
        |body: &Value| shop.admin(post("/v1/keys", body).header("idempotency-key", "order-66"));
    let body = json!({"role": "analyst"});
    let first = ask(&body).expect(201);
    assert_eq!(first.header("idempotent-replayed"), None);
    let second = ask(&body).expect(201);
    assert_eq!(second.header("idempotent-replayed"), Some("true"));
    assert_eq!(first.json(), second.json());
    ask(&json!({"role": "planner"})).expect(422);
    let other = shop.admin(post("/v1/keys", &body)).expect(201).json();
    assert_ne!(other["id"], first.json()["id"]);
    let keys = shop.admin(get("/v1/keys")).expect(200).json();
    let analysts =
        keys["keys"].as_array().unwrap().iter().filter(|k| k["role"] == "analyst").count();
    assert_eq!(analysts, 2);
}
