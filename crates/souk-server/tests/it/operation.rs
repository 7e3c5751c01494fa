use std::io::{Read, Write};

use serde_json::json;

use crate::http::{connect, get, post, read_reply};
use crate::shop::{Setup, Shop};

#[test]
fn a_stopped_server_ends_what_is_in_work() {
    let mut shop = Shop::open();
    let body = json!({"event": "Product Viewed", "messageId": "last", "userId": "u",
        "properties": {"product_id": "p1"}});
    let wire = post("/v1/track", &body).key(&shop.admin).wire();
    let (first, rest) = wire.split_at(wire.len() - 5);
    let mut busy = connect(shop.address);
    busy.write_all(first).unwrap();
    let mut idle = connect(shop.address);
    idle.write_all(b"GET /livez HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
    // It has been answered, so this connection now waits for its next request.
    assert!(idle.read(&mut [0; 4_096]).unwrap() > 0);
    let is_in_work = |page: crate::http::Reply| page.text().contains("souk_requests_in_work 2\n");
    while !is_in_work(shop.send(&get("/metrics"))) {}
    shop.ask_to_stop();
    // The server no longer accepts, yet the request whose head it has is answered.
    busy.write_all(rest).unwrap();
    assert_eq!(read_reply(&mut busy).expect(200).json()["accepted"], 1);
    assert_eq!(idle.read(&mut [0; 4_096]).unwrap(), 0, "the idle connection stays open");
    shop.wait_stopped().unwrap();
    assert!(std::net::TcpStream::connect(shop.address).is_err());
}

#[test]
fn metrics_say_what_an_operator_asks_first() {
    let shop = Shop::open();
    shop.admin(get("/v1/products/none?site=main")).expect(404);
    let page = shop.send(&get("/metrics")).expect(200);
    assert!(page.header("content-type").unwrap().starts_with("text/plain; version=0.0.4"));
    let text = page.text();
    for name in [
        "souk_ready 1",
        "process_resident_memory_bytes ",
        "souk_log_records ",
        "souk_log_bytes ",
        "souk_log_sync_seconds{quantile=\"0.99\"} ",
        "souk_projection_lag_records{projection=\"histories\"} ",
        "souk_http_requests_total{route=\"/v1/products/{id}\",method=\"GET\",status=\"404\"} 1",
        "souk_http_request_seconds_count{route=\"/v1/products/{id}\",method=\"GET\"} 1",
        "souk_http_request_seconds_bucket{route=\"/v1/products/{id}\",method=\"GET\",le=\"+Inf\"} 1",
    ] {
        assert!(text.lines().any(|line| line.starts_with(name)), "{name} not in\n{text}");
    }
    // Every sample belongs to a described metric, and none is described twice.
    let mut described = Vec::new();
    for line in text.lines().filter_map(|line| line.strip_prefix("# TYPE ")) {
        let name = line.split(' ').next().unwrap().to_owned();
        assert!(!described.contains(&name), "{name} twice");
        described.push(name);
    }
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let name = line.split(['{', ' ']).next().unwrap();
        let is_known = described.iter().any(|known| {
            name.strip_prefix(known.as_str())
                .is_some_and(|rest| ["", "_bucket", "_sum", "_count"].contains(&rest))
        });
        assert!(is_known, "{name} is not described");
    }
}

#[test]
fn version_health_and_document_are_there() {
    let shop = Shop::open();
    assert_eq!(shop.send(&get("/version")).expect(200).json()["name"], "souk");
    assert_eq!(shop.send(&get("/readyz")).expect(200).json()["status"], "ready");
    let document = shop.send(&get("/openapi.json")).expect(200).json();
    assert_eq!(document["openapi"], "3.1.0");
    for path in ["/v1/recommendations", "/v1/products/{id}", "/v1/batch", "/v1/keys/{id}"] {
        assert!(document["paths"][path].is_object(), "{path}");
    }
}

#[test]
fn the_page_of_documentation_needs_no_network() {
    let shop = Shop::open();
    let page = shop.send(&get("/docs")).expect(200);
    assert!(page.header("content-type").unwrap().starts_with("text/html"));
    assert!(page.header("content-security-policy").unwrap().contains("default-src 'none'"));
    for outside in ["http://", "https://", "src=", "@import", "url("] {
        assert!(!page.text().contains(outside), "the page asks for {outside}");
    }
    assert!(page.text().contains("/openapi.json"));
}

#[test]
fn settings_can_open_the_catalogue_to_everyone() {
    let settings = "access: {public_reads: true}";
    let shop = Shop::with(Setup { settings, ..Setup::default() });
    shop.send(&get("/v1/products")).expect(200);
    shop.send(&post("/v1/recommendations", &json!({}))).expect(200);
    shop.send(&get("/v1/keys")).problem(403, "denied");
}

#[test]
fn metrics_leave_out_numbers_of_a_few_people() {
    let shop = Shop::open();
    let visit = |n: usize| {
        let views: Vec<_> = (0..n)
            .map(|n| {
                json!({"type": "track", "event": "Product Viewed", "userId": format!("u{n}"),
                    "messageId": format!("m{n}"), "properties": {"product_id": "p1"}})
            })
            .collect();
        shop.admin(post("/v1/batch", &json!({ "batch": views }))).expect(200);
        shop.wait_folded();
        let text = String::from_utf8(shop.send(&get("/metrics")).expect(200).body).unwrap();
        text.lines().find_map(|line| line.strip_prefix("souk_subjects ").map(str::to_owned))
    };
    assert_eq!(visit(19), None);
    assert_eq!(visit(20).as_deref(), Some("20"));
}
