use serde_json::json;
use souk_app::Role;

use crate::http::{Call, call, get, post};
use crate::shop::{Setup, Shop};

/// What each route answers each role, written by hand: `+` is let in, `-` is 403.
///
/// Columns: ingest_browser, ingest_server, storefront_browser, storefront_server, analyst,
/// merchandiser, planner, privacy, admin.
const TABLE: &[(&str, &str, &str)] = &[
    ("POST", "/v1/track", "++---++-+"),
    ("POST", "/v1/batch", "++---++-+"),
    ("PUT", "/v1/products", "-----+--+"),
    ("GET", "/v1/products", "--+++++-+"),
    ("GET", "/v1/products/p1", "--+++++-+"),
    ("PATCH", "/v1/products/p1", "-----+--+"),
    ("DELETE", "/v1/products/p1", "-----+--+"),
    ("POST", "/v1/recommendations", "--++-+--+"),
    ("POST", "/v1/recommendations/batch", "--++-+--+"),
    // A page asks with its shopper's token only; see `consents.rs`.
    ("GET", "/v1/subjects/u1/consents", "-+-+---++"),
    ("PUT", "/v1/subjects/u1/consents", "-+-+---++"),
    ("GET", "/v1/subjects/anonymous:a1/consents", "-+++---++"),
    ("PUT", "/v1/subjects/anonymous:a1/consents", "-+++---++"),
    ("GET", "/v1/keys", "--------+"),
    ("POST", "/v1/keys", "--------+"),
    ("DELETE", "/v1/keys/none", "--------+"),
    ("GET", "/metrics", "----+---+"),
];

const ROLES: [Role; 9] = [
    Role::IngestBrowser,
    Role::IngestServer,
    Role::StorefrontBrowser,
    Role::StorefrontServer,
    Role::Analyst,
    Role::Merchandiser,
    Role::Planner,
    Role::Privacy,
    Role::Admin,
];

fn route(method: &'static str, path: &str) -> Call {
    // As if through a proxy, so that being on this machine gives no rights to `/metrics`.
    let call = call(method, path).header("x-forwarded-for", "203.0.113.9");
    if matches!(method, "POST" | "PUT" | "PATCH") { call.json(&json!({})) } else { call }
}

#[test]
fn each_route_admits_the_roles_of_the_table() {
    let shop = Shop::open();
    for (method, path, row) in TABLE {
        assert_eq!(row.len(), ROLES.len());
        shop.send(&route(method, path)).problem(401, "unauthenticated");
        for (role, cell) in ROLES.iter().zip(row.chars()) {
            let reply = shop.send(&route(method, path).key(&shop.key(*role)));
            let place = format!("{method} {path} as {}: {}", role.as_str(), reply.status);
            assert_ne!(reply.status, 401, "{place}");
            assert_eq!(reply.status == 403, cell == '-', "{place}");
            assert!(reply.status < 500, "{place}");
            if cell == '-' {
                reply.problem(403, "denied");
            }
        }
    }
}

#[test]
fn open_routes_need_no_key() {
    let shop = Shop::open();
    for path in [
        "/livez",
        "/readyz",
        "/version",
        "/openapi.json",
        "/docs",
        "/metrics",
        "/.well-known/gpc.json",
    ] {
        shop.send(&get(path)).expect(200);
    }
}

#[test]
fn a_key_comes_as_bearer_or_as_basic_user_name() {
    let shop = Shop::open();
    let key = shop.key(Role::StorefrontServer);
    shop.send(&get("/v1/products").key(&key)).expect(200);
    shop.send(&get("/v1/products").header("authorization", &format!("bearer {key}"))).expect(200);
    use base64::Engine as _;
    let pair = base64::engine::general_purpose::STANDARD.encode(format!("{key}:"));
    shop.send(&get("/v1/products").header("authorization", &format!("Basic {pair}"))).expect(200);
    for odd in ["Basic !!!", "Digest x", "Bearer", &format!("Bearer {key}x")] {
        let reply = shop.send(&get("/v1/products").header("authorization", odd));
        reply.problem(401, "unauthenticated");
    }
}

#[test]
fn a_wrong_shopper_token_is_refused_and_a_right_one_is_not() {
    let shop = Shop::open();
    let key = shop.key(Role::StorefrontBrowser);
    let ask = |token: &str| {
        let body = json!({"user_id": "u1"});
        shop.send(&post("/v1/recommendations", &body).key(&key).header("x-souk-shopper", token))
    };
    ask(&shop.app.make_shopper_token("u1", 60)).expect(200);
    ask("nonsense").problem(401, "unauthenticated");
    ask(&format!("{}x", shop.app.make_shopper_token("u1", 60))).problem(401, "unauthenticated");
}

const SHOP_ORIGIN: &str = "https://shop.example";

fn preflight(path: &str, origin: &str) -> Call {
    call("OPTIONS", path)
        .header("origin", origin)
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "authorization,content-type,x-retry-count")
}

#[test]
fn a_preflight_passes_without_a_key() {
    let shop = Shop::open();
    shop.key_for(Role::StorefrontBrowser, &[SHOP_ORIGIN]);
    let reply = shop.send(&preflight("/v1/recommendations", SHOP_ORIGIN)).expect(204);
    assert_eq!(reply.header("access-control-allow-origin"), Some(SHOP_ORIGIN));
    assert!(reply.header("access-control-allow-methods").unwrap().contains("POST"));
    assert!(reply.header("access-control-allow-headers").unwrap().contains("x-retry-count"));
    assert_eq!(reply.header("vary"), Some("origin"));
    let refused = shop.send(&preflight("/v1/recommendations", "https://evil.example"));
    assert_eq!(refused.header("access-control-allow-origin"), None);
    refused.problem(403, "denied");
}

#[test]
fn only_answers_to_browser_keys_can_be_read_from_a_page() {
    let shop = Shop::open();
    let ask = |key: &str, origin: &str| {
        let body = json!({"limit": 1});
        shop.send(&post("/v1/recommendations", &body).key(key).header("origin", origin))
    };
    let browser = shop.key_for(Role::StorefrontBrowser, &[SHOP_ORIGIN]);
    let reply = ask(&browser, SHOP_ORIGIN).expect(200);
    assert_eq!(reply.header("access-control-allow-origin"), Some(SHOP_ORIGIN));
    let reply = ask(&browser, "https://evil.example");
    assert_eq!(reply.header("access-control-allow-origin"), None);
    reply.problem(403, "denied");
    let server = ask(&shop.key(Role::StorefrontServer), SHOP_ORIGIN).expect(200);
    assert_eq!(server.header("access-control-allow-origin"), None);
    let metrics = shop.send(&get("/metrics").header("origin", SHOP_ORIGIN)).expect(200);
    assert_eq!(metrics.header("access-control-allow-origin"), None);
}

#[test]
fn a_revoked_key_ends_at_once() {
    let shop = Shop::open();
    let made = shop.admin(post("/v1/keys", &json!({"role": "analyst"}))).expect(201).json();
    let (key, id) = (made["key"].as_str().unwrap(), made["id"].as_str().unwrap());
    shop.send(&get("/v1/products").key(key)).expect(200);
    shop.admin(call("DELETE", &format!("/v1/keys/{id}"))).expect(204);
    shop.send(&get("/v1/products").key(key)).problem(401, "unauthenticated");
    shop.admin(call("DELETE", &format!("/v1/keys/{id}"))).problem(404, "not_found");
}

#[test]
fn too_many_requests_are_told_when_to_come_back() {
    let settings = "limits: {analyst: {per_s: 1, burst: 2}}";
    let shop = Shop::with(Setup { settings, ..Setup::default() });
    let key = shop.key(Role::Analyst);
    let ask = || shop.send(&get("/v1/products").key(&key));
    ask().expect(200);
    ask().expect(200);
    let reply = ask();
    assert_eq!(reply.header("retry-after"), Some("1"));
    assert_eq!(reply.header("ratelimit-policy"), Some("\"key\";q=2;w=2"));
    assert_eq!(reply.header("ratelimit"), Some("\"key\";r=0;t=1"));
    reply.problem(429, "rate_limited");
}

#[test]
fn the_server_stays_on_this_machine_while_there_are_no_keys() {
    let everywhere = "0.0.0.0:8080".parse().unwrap();
    let error = souk_server::check_exposure(everywhere, 0).unwrap_err();
    let text = error.to_string();
    assert!(text.contains("0.0.0.0:8080") && text.contains("souk keys create"), "{text}");
    souk_server::check_exposure(everywhere, 1).unwrap();
    for local in ["127.0.0.1:80", "[::1]:80", "[::ffff:127.0.0.1]:80"] {
        souk_server::check_exposure(local.parse().unwrap(), 0).unwrap();
    }
    assert!(souk_server::check_exposure("[::]:80".parse().unwrap(), 0).is_err());
}
