use std::io::Write as _;

use serde_json::{Value, json};
use souk_app::Role;

use crate::http::{Reply, call, get, post};
use crate::shop::Shop;

fn view(message_id: &str) -> Value {
    json!({"type": "track", "event": "Product Viewed", "messageId": message_id, "userId": "u1",
        "properties": {"product_id": "p1"}})
}

fn batch(events: &[Value]) -> Value {
    json!({ "batch": events })
}

#[test]
fn events_are_taken_in_once() {
    let shop = Shop::open();
    let answer = shop.admin(post("/v1/batch", &batch(&[view("a"), view("b")]))).expect(200).json();
    assert_eq!(answer, json!({"success": true, "accepted": 2, "duplicates": 0, "rejected": []}));
    let answer =
        shop.admin(post("/v1/batch", &batch(&[view("b"), view("c"), view("c")]))).expect(200);
    let answer = answer.json();
    assert_eq!((answer["accepted"].as_u64(), answer["duplicates"].as_u64()), (Some(1), Some(2)));
}

#[test]
fn every_kind_of_call_is_taken_under_both_names() {
    let shop = Shop::open();
    let bodies = [
        (
            "track",
            "t",
            json!({"userId": "u", "event": "Product Viewed", "properties": {"product_id": "p1"}}),
        ),
        ("identify", "i", json!({"userId": "u", "traits": {"plan": "gold"}})),
        ("page", "p", json!({"anonymousId": "a", "name": "Home"})),
        ("screen", "s", json!({"anonymousId": "a", "name": "Home"})),
        ("group", "g", json!({"userId": "u", "groupId": "household-1"})),
        ("alias", "a", json!({"userId": "u", "previousId": "a"})),
    ];
    for (long, short, body) in bodies {
        for name in [long, short] {
            let mut body = body.clone();
            body["messageId"] = format!("{name}-1").into();
            let answer = shop.admin(post(&format!("/v1/{name}"), &body)).expect(200).json();
            assert_eq!(answer["accepted"], 1, "{name}: {answer}");
        }
    }
}

#[test]
fn one_bad_event_in_a_batch_leaves_the_others() {
    let shop = Shop::open();
    let mut large = view("large");
    large["properties"]["note"] = "x".repeat(33_000).into();
    let nameless = json!({"type": "track", "event": "Product Viewed", "messageId": "n"});
    let reply = shop.admin(post("/v1/batch", &batch(&[view("a"), large, nameless, view("b")])));
    let answer = reply.expect(200).json();
    assert_eq!(answer["accepted"], 2, "{answer}");
    let places: Vec<_> =
        answer["rejected"].as_array().unwrap().iter().map(|r| r["index"].as_u64()).collect();
    assert_eq!(places, [Some(1), Some(2)]);
    assert!(answer["rejected"][0]["detail"].as_str().unwrap().contains("32"), "{answer}");
}

#[test]
fn a_single_bad_event_is_400() {
    let shop = Shop::open();
    let mut large = view("large");
    large["properties"]["note"] = "x".repeat(33_000).into();
    shop.admin(post("/v1/track", &large)).problem(400, "invalid_event");
    let problem = shop.admin(post("/v1/track", &json!({"event": "x"}))).expect(400);
    assert_eq!(problem.header("content-type"), Some("application/problem+json"));
}

#[test]
fn a_wrong_request_is_400_and_nothing_of_it_is_kept() {
    let shop = Shop::open();
    let is_400 = |reply: Reply| {
        let reply = reply.expect(400);
        assert_eq!(reply.header("content-type"), Some("application/problem+json"));
    };
    is_400(shop.admin(call("POST", "/v1/batch").text("application/json", "{\"batch\": [")));
    is_400(shop.admin(post("/v1/batch", &json!({"batch": 5}))));
    is_400(shop.admin(post("/v1/batch", &json!([]))));
    let many: Vec<Value> = (0..2_501)
        .map(|n| {
            json!({"type": "track", "event": "e", "userId": "u",
        "messageId": format!("m{n}")})
        })
        .collect();
    is_400(shop.admin(post("/v1/batch", &batch(&many))));
    let mut over = batch(&[view("a")]);
    over["padding"] = "x".repeat(501_000).into();
    is_400(shop.admin(post("/v1/batch", &over)));
    let again = shop.admin(post("/v1/batch", &batch(&many[..2_500]))).expect(200).json();
    assert_eq!(again["accepted"], 2_500, "some were kept before: {again}");
}

#[test]
fn a_browser_key_may_come_in_the_body_as_plain_text() {
    let shop = Shop::open();
    let key = shop.key(Role::IngestBrowser);
    let mut body = json!({"anonymousId": "a", "event": "Product Viewed", "messageId": "b1",
        "properties": {"product_id": "p1"}, "writeKey": key});
    let send = |body: &Value| {
        shop.send(
            &call("POST", "/v1/t")
                .text("text/plain", &body.to_string())
                .header("origin", "https://shop.example"),
        )
    };
    let reply = send(&body).expect(200);
    assert_eq!(reply.header("access-control-allow-origin"), Some("https://shop.example"));
    assert_eq!(reply.json()["accepted"], 1);
    body["writeKey"] = "wrong".into();
    send(&body).problem(401, "unauthenticated");
    send(&json!({"event": "x"})).problem(401, "unauthenticated");
}

#[test]
fn a_browser_key_sends_behaviour_and_nothing_else() {
    let shop = Shop::open();
    let key = shop.key(Role::IngestBrowser);
    let orders = ["Order Completed", "Order Updated", "Order Refunded", "Order Cancelled"];
    let stock =
        ["Stock Counted", "Stock Received", "Stock Moved", "Stock Written Off", "Price Changed"];
    for name in orders.iter().chain(&stock) {
        let event = json!({"type": "track", "event": name, "messageId": name, "anonymousId": "a",
            "properties": {"order_id": "o1", "product_id": "p1", "location_id": "l1", "quantity": 1,
                "price": 1, "products": [{"product_id": "p1", "quantity": 1, "price": 1}]}});
        let reply =
            shop.send(&post("/v1/batch", &batch(&[event, view(name)])).key(&key)).expect(200);
        let answer = reply.json();
        assert_eq!(answer["rejected"][0]["index"], 0, "{name}: {answer}");
        assert_eq!(answer["rejected"].as_array().unwrap().len(), 1, "{name}: {answer}");
    }
}

#[test]
fn packed_bodies_are_unpacked_within_the_limit() {
    let shop = Shop::open();
    let pack = |text: &str| {
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        packer.write_all(text.as_bytes()).unwrap();
        packer.finish().unwrap()
    };
    let send = |bytes: &[u8]| {
        let call = call("POST", "/v1/batch").bytes("application/json", bytes);
        shop.admin(call.header("content-encoding", "gzip"))
    };
    let answer = send(&pack(&batch(&[view("z")]).to_string())).expect(200).json();
    assert_eq!(answer["accepted"], 1);
    let mut bomb = batch(&[view("y")]);
    bomb["padding"] = " ".repeat(100_000_000).into();
    let packed = pack(&bomb.to_string());
    assert!(packed.len() < 200_000);
    send(&packed).problem(400, "body_too_large");
    send(b"not gzip at all").problem(400, "malformed_gzip");
}

#[test]
fn the_browser_client_is_sent_here() {
    let shop = Shop::open();
    let key = shop.key(Role::IngestBrowser);
    let path = format!("/v1/projects/{key}/settings");
    let reply = shop.send(&get(&path).header("origin", "https://shop.example")).expect(200);
    assert_eq!(reply.header("access-control-allow-origin"), Some("https://shop.example"));
    let settings = reply.json();
    let destination = &settings["integrations"]["Segment.io"];
    assert_eq!(destination["apiHost"], "souk.test/v1");
    assert_eq!(destination["protocol"], "http");
    assert_eq!(destination["apiKey"], key);
    assert_eq!(settings["metrics"]["sampleRate"], 0);
    shop.send(&get("/v1/projects/none/settings")).problem(401, "unauthenticated");
    let storefront = shop.key(Role::StorefrontBrowser);
    shop.send(&get(&format!("/v1/projects/{storefront}/settings"))).problem(403, "denied");
}

#[test]
fn what_is_taken_in_is_counted() {
    let shop = Shop::open();
    shop.admin(post("/v1/batch", &batch(&[view("a"), view("a"), json!({"type": "odd"})])))
        .expect(200);
    let page = shop.send(&get("/metrics")).expect(200);
    for line in [
        "souk_ingest_events_total{outcome=\"accepted\"} 1",
        "souk_ingest_events_total{outcome=\"duplicate\"} 1",
        "souk_ingest_events_total{outcome=\"rejected\"} 1",
    ] {
        assert!(page.text().lines().any(|known| known == line), "{line} not in\n{}", page.text());
    }
}
