use serde_json::json;
use souk_app::Role;

use crate::http::{call, get, post};
use crate::shop::Shop;

const NOTHING: &str =
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

#[test]
fn every_answer_says_that_it_is_not_to_be_run_framed_or_kept() {
    let shop = Shop::open();
    let page = shop.key(Role::StorefrontBrowser);
    let (origin, wanted) = ("https://shop.example", "access-control-request-method");
    for call in [
        get("/version"),
        get("/metrics"),
        get("/nowhere"),
        get("/v1/products"),
        get("/v1/products").key(&page),
        call("DELETE", "/v1/products"),
        post("/v1/recommendations", &json!({"limit": -1})).key(&shop.admin),
        call("OPTIONS", "/v1/recommendations").header("origin", origin).header(wanted, "POST"),
    ] {
        let (place, reply) = (format!("{} {}", call.method, call.path), shop.send(&call));
        let header = |name: &str| reply.header(name);
        assert_eq!(header("content-security-policy"), Some(NOTHING), "{place}");
        assert_eq!(header("x-content-type-options"), Some("nosniff"), "{place}");
        assert_eq!(header("referrer-policy"), Some("no-referrer"), "{place}");
        assert_eq!(header("cache-control"), Some("no-store"), "{place}");
        // Without TLS it would be ignored at best, and lock people out at worst.
        assert_eq!(header("strict-transport-security"), None, "{place}");
        for name in ["server", "x-powered-by", "set-cookie"] {
            assert_eq!(header(name), None, "{place}");
        }
    }
}

#[test]
fn the_two_pages_may_show_themselves_and_nothing_else() {
    let shop = Shop::open();
    let copy = post("/v1/subjects/anna/export", &json!({})).header("accept", "text/html");
    for (reply, script) in [(shop.send(&get("/docs")), true), (shop.admin(copy), false)] {
        let reply = reply.expect(200);
        assert!(reply.header("content-type").unwrap().starts_with("text/html; charset=utf-8"));
        let policy = reply.header("content-security-policy").unwrap();
        for part in ["default-src 'none'", "base-uri 'none'", "frame-ancestors 'none'"] {
            assert!(policy.contains(part), "{policy}");
        }
        assert_eq!(policy.contains("script-src"), script, "{policy}");
        assert_eq!(reply.header("x-content-type-options"), Some("nosniff"));
    }
}

#[test]
fn a_request_cannot_be_mirrored() {
    let shop = Shop::open();
    for method in ["TRACE", "CONNECT", "TRACK"] {
        let secret = call(method, "/v1/products").header("x-secret", "canary");
        let reply = shop.send(&secret);
        assert!((400..500).contains(&reply.status), "{method}: {}", reply.status);
        assert!(!String::from_utf8_lossy(&reply.body).contains("canary"), "{method}");
    }
}
