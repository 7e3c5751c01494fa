use serde_json::{Value, json};
use souk_app::Role;

use crate::http::{Call, call, get, post};
use crate::shop::{Setup, Shop};

fn put(id: &str, body: &Value) -> Call {
    call("PUT", &format!("/v1/subjects/{id}/consents")).json(body)
}

fn read(id: &str) -> Call {
    get(&format!("/v1/subjects/{id}/consents"))
}

/// A shop where somebody looked at something.
fn visited(jurisdiction: &'static str) -> Shop {
    let shop = Shop::with(Setup { jurisdiction: Some(jurisdiction), ..Setup::default() });
    shop.put_products(&json!([{"id": "p1", "title": "One"}, {"id": "p2", "title": "Two"}]));
    let view = json!({"event": "Product Viewed", "userId": "u1", "messageId": "m1",
        "properties": {"product_id": "p1"}});
    shop.admin(post("/v1/track", &view)).expect(200);
    shop.wait_folded();
    shop
}

fn viewed(shop: &Shop, call: impl Fn(Call) -> Call) -> usize {
    let body = json!({"user_id": "u1", "strategy": "recently_viewed"});
    let answer = shop.admin(call(post("/v1/recommendations", &body))).expect(200).json();
    answer["recommendations"].as_array().unwrap().len()
}

#[test]
fn consents_are_read_given_and_withdrawn_in_one_call_each() {
    let shop = visited("eu");
    assert_eq!(viewed(&shop, |call| call), 0);
    let yes = json!({"purposes": {"personalization": true, "marketing": false},
        "notice_version": "2026-01"});
    let answer = shop.admin(put("u1", &yes)).expect(200).json();
    assert_eq!(answer["user_id"], "u1");
    assert_eq!(answer["jurisdiction"], "eu");
    let personal = json!({"allowed": true, "reason": "granted", "mechanism": "opt_in"});
    assert_eq!(answer["purposes"]["personalization"], personal);
    assert_eq!(answer["purposes"]["essential"]["allowed"], true);
    assert_eq!(answer["purposes"]["marketing"]["reason"], "denied");
    assert_eq!(answer["purposes"]["analytics"]["reason"], "unasked");
    let said = &answer["history"][0];
    assert_eq!(said["granted"], json!(["personalization"]));
    assert_eq!(said["denied"], json!(["marketing"]));
    assert_eq!((&said["origin"], &said["notice_version"]), (&json!("shop"), &json!("2026-01")));
    assert_eq!(viewed(&shop, |call| call), 1);
    let no = json!({"purposes": {"personalization": false}});
    shop.admin(put("u1", &no)).expect(200);
    assert_eq!(viewed(&shop, |call| call), 0, "from the very next request on");
    let read = shop.admin(read("u1")).expect(200).json();
    assert_eq!(read["purposes"]["personalization"]["reason"], "denied");
    assert_eq!(read["history"].as_array().unwrap().len(), 2);
}

#[test]
fn gpc_is_effective_on_the_request_that_carries_it() {
    let shop = visited("us-ca");
    assert_eq!(viewed(&shop, |call| call), 1);
    assert_eq!(viewed(&shop, |call| call.header("sec-gpc", "1")), 0);
    assert_eq!(viewed(&shop, |call| call.header("sec-gpc", "0")), 1, "only 1 is the signal");
    let requests = json!({"requests": [{"user_id": "u1", "strategy": "recently_viewed"}]});
    let batch = post("/v1/recommendations/batch", &requests).header("sec-gpc", "1");
    let answer = shop.admin(batch).expect(200).json();
    assert_eq!(answer["responses"][0]["recommendations"], json!([]));
    shop.wait_folded();
    let read = shop.admin(read("u1")).expect(200).json();
    assert_eq!(read["purposes"]["marketing"]["reason"], "denied", "{read}");
    assert_eq!(read["history"][0]["origin"], "gpc");
    let support = shop.send(&get("/.well-known/gpc.json")).expect(200);
    assert_eq!(support.header("content-type"), Some("application/json"));
    let support = support.json();
    assert_eq!(support["gpc"], true);
    assert_eq!(support["lastUpdate"].as_str().map(str::len), Some("2026-11-27".len()));
}

#[test]
fn an_event_with_gpc_is_kept_and_not_used() {
    let shop = visited("us");
    let view = json!({"event": "Product Viewed", "userId": "u1", "messageId": "m2",
        "properties": {"product_id": "p2"}});
    shop.admin(post("/v1/track", &view).header("sec-gpc", "1")).expect(200);
    shop.wait_folded();
    assert_eq!(viewed(&shop, |call| call), 1, "the first view alone");
}

#[test]
fn a_page_changes_the_consents_of_its_own_shopper_only() {
    let shop = visited("us");
    let key = shop.key(Role::StorefrontBrowser);
    let no = json!({"purposes": {"marketing": false}});
    let token = shop.app.make_shopper_token("u1", 60);
    let with_token = |call: Call| call.key(&key).header("x-souk-shopper", &token);
    let own = shop.send(&with_token(put("u1", &no))).expect(200).json();
    assert_eq!(own["history"][0]["origin"], "shopper");
    shop.send(&with_token(read("u1"))).expect(200);
    shop.send(&with_token(put("u2", &no))).problem(403, "denied");
    shop.send(&with_token(read("u2"))).problem(403, "denied");
    shop.send(&put("u1", &no).key(&key)).problem(403, "denied");
    shop.send(&put("anonymous:tab", &no).key(&key)).expect(200);
    let tab = shop.send(&read("anonymous:tab").key(&key)).expect(200).json();
    assert_eq!(tab["purposes"]["marketing"]["allowed"], false);
}

#[test]
fn what_is_wrong_is_named() {
    let shop = Shop::open();
    let wrong = |body: Value| shop.admin(put("u1", &body));
    wrong(json!({"purposes": {}})).problem(422, "invalid");
    wrong(json!({"purposes": {"essential": false}})).problem(422, "invalid_input");
    wrong(json!({"purposes": {"marketing": "no"}})).problem(422, "invalid_input");
    wrong(json!({"purposes": {"marketing": true}, "site": "nowhere"}))
        .problem(422, "invalid_input");
    wrong(json!({"purposes": {"marketing": true}, "notice_version": ""})).problem(422, "invalid");
    shop.admin(get("/v1/subjects/u1/consents?site=nowhere")).problem(422, "invalid_input");
    shop.admin(read("anonymous:")).problem(422, "invalid_id");
}
