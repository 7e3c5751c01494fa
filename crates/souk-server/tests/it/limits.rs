use std::io::{Read, Write};
use std::time::{Duration, Instant};

use serde_json::json;
use souk_app::Role;
use souk_server::Limits;

use crate::http::{call, connect, get, post, read_reply};
use crate::shop::{Setup, Shop};

#[test]
fn a_large_body_is_refused_before_it_is_read() {
    let limits = Limits { body_bytes_max: 10_000, ..Limits::default() };
    let shop = Shop::with(Setup { limits, ..Setup::default() });
    let large = json!({"products": [{"id": "p", "title": "x".repeat(11_000)}]});
    let problem =
        shop.admin(call("PUT", "/v1/products").json(&large)).problem(413, "body_too_large");
    assert!(problem["detail"].as_str().unwrap().contains("10000"), "{problem}");
    // Without an announced length the bytes are counted as they come.
    let chunked = format!(
        "PUT /v1/products HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer {}\r\n\
         content-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n4000\r\n{}\r\n0\r\n\r\n",
        shop.admin,
        "x".repeat(0x4000)
    );
    let mut stream = connect(shop.address);
    stream.write_all(chunked.as_bytes()).unwrap();
    read_reply(&mut stream).problem(413, "body_too_large");
}

#[test]
fn a_client_in_the_middle_of_a_large_body_hears_why() {
    let shop = Shop::open();
    // A megabyte does not fit into the buffers of the connection: the server must read on.
    let body = format!("{{\"batch\": [], \"padding\": \"{}\"}}", "x".repeat(1_000_000));
    shop.admin(call("POST", "/v1/batch").text("application/json", &body))
        .problem(400, "body_too_large");
    let stranger = call("PUT", "/v1/products").text("application/json", &body);
    shop.send(&stranger).problem(401, "unauthenticated");
}

#[test]
fn a_client_that_sends_its_head_too_slowly_is_let_go() {
    let limits = Limits { header_timeout: Duration::from_millis(200), ..Limits::default() };
    let shop = Shop::with(Setup { limits, ..Setup::default() });
    let mut stream = connect(shop.address);
    stream.write_all(b"GET /livez HTTP/1.1\r\nhost: x\r\n").unwrap();
    let started = Instant::now();
    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest);
    assert!(started.elapsed() < Duration::from_secs(10), "the connection stays open");
    assert!(!String::from_utf8_lossy(&rest).contains("200 OK"));
}

#[test]
fn a_body_that_does_not_come_is_408() {
    let limits = Limits { body_timeout: Duration::from_millis(200), ..Limits::default() };
    let shop = Shop::with(Setup { limits, ..Setup::default() });
    let call =
        post("/v1/recommendations", &json!({})).key(&shop.admin).header("content-length", "50");
    shop.send(&call).problem(408, "body_timeout");
}

#[test]
fn more_requests_than_allowed_are_told_to_come_back() {
    let limits = Limits { requests_max: 0, ..Limits::default() };
    let shop = Shop::with(Setup { limits, ..Setup::default() });
    let reply = shop.send(&get("/livez"));
    assert_eq!(reply.header("retry-after"), Some("1"));
    reply.problem(503, "unavailable");
    // A person's token is looked at within the bound, also before the body is there.
    let token = "eyJhbGciOiJSUzI1NiJ9.e30.c2ln";
    shop.send(&get("/v1/keys").key(token)).problem(503, "unavailable");
    shop.send(&post("/v1/keys", &json!({})).key(token)).problem(503, "unavailable");
    shop.send(&post("/v1/keys", &json!({})).key("souk_no_key")).problem(401, "unauthenticated");
}

#[test]
fn deep_json_does_no_harm() {
    let shop = Shop::open();
    let deep = "[".repeat(100_000);
    for path in ["/v1/recommendations", "/v1/batch"] {
        let reply = shop.admin(call("POST", path).text("application/json", &deep));
        assert!([400, 422].contains(&reply.status), "{path}: {}", reply.status);
    }
    let inside = format!("{{\"products\": [{deep}");
    shop.admin(call("PUT", "/v1/products").text("application/json", &inside)).expect(400);
}

#[test]
fn one_shopper_of_a_browser_key_has_a_bound_of_its_own() {
    let settings = "limits: {browser_shopper: {per_s: 1, burst: 3}}";
    let shop = Shop::with(Setup { settings, ..Setup::default() });
    let key = shop.key(Role::StorefrontBrowser);
    // Each from another address, as a proxy on this machine says.
    let ask = |shopper: &str, n: u8| {
        let body = json!({"anonymous_id": shopper, "strategy": "popular"});
        let call = post("/v1/recommendations", &body).key(&key);
        shop.send(&call.header("x-forwarded-for", &format!("192.0.2.{n}")))
    };
    for n in 0..3 {
        ask("b1", n).expect(200);
    }
    let refused = ask("b1", 9);
    assert!(refused.header("retry-after").is_some(), "{refused:?}");
    refused.problem(429, "rate_limited");
    ask("b2", 9).expect(200);
}
