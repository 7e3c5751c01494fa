use serde_json::json;
use souk_app::Role;

use crate::http::{Call, call, get, post};
use crate::shop::{Setup, Shop};

/// What each route answers each role, written by hand: `+` is let in, `-` is 403. A route that is open
/// to everybody, also without a key, has `o` in every column.
///
/// Columns: ingest_browser, ingest_server, storefront_browser, storefront_server, analyst,
/// merchandiser, planner, privacy, admin. A new route without a row fails
/// `every_route_has_a_rule`.
pub const TABLE: &[(&str, &str, &str)] = &[
    ("POST", "/v1/track", "++---++-+"),
    ("POST", "/v1/identify", "++------+"),
    ("POST", "/v1/page", "++------+"),
    ("POST", "/v1/screen", "++------+"),
    ("POST", "/v1/group", "++------+"),
    ("POST", "/v1/alias", "-+------+"),
    ("POST", "/v1/batch", "++---++-+"),
    ("POST", "/v1/t", "++---++-+"),
    ("POST", "/v1/i", "++------+"),
    ("POST", "/v1/p", "++------+"),
    ("POST", "/v1/s", "++------+"),
    ("POST", "/v1/g", "++------+"),
    ("POST", "/v1/a", "-+------+"),
    ("POST", "/v1/b", "++---++-+"),
    ("PUT", "/v1/products", "-----+--+"),
    ("GET", "/v1/products", "--+++++-+"),
    ("GET", "/v1/products/{id}", "--+++++-+"),
    ("PATCH", "/v1/products/{id}", "-----+--+"),
    ("DELETE", "/v1/products/{id}", "-----+--+"),
    ("POST", "/v1/recommendations", "--++-+--+"),
    ("POST", "/v1/recommendations/batch", "--++-+--+"),
    ("POST", "/v1/recommendations/page", "--++-+--+"),
    ("POST", "/v1/search", "--++-+--+"),
    ("POST", "/v1/search/batch", "--++-+--+"),
    ("GET", "/v1/search/suggest", "--++-+--+"),
    ("GET", "/v1/search/analytics", "----++--+"),
    ("GET", "/v1/search/synonyms", "----++--+"),
    ("PUT", "/v1/search/synonyms", "-----+--+"),
    ("GET", "/v1/rules", "----++--+"),
    ("POST", "/v1/rules", "-----+--+"),
    ("GET", "/v1/rules/{id}", "----++--+"),
    ("PUT", "/v1/rules/{id}", "-----+--+"),
    ("DELETE", "/v1/rules/{id}", "-----+--+"),
    ("POST", "/v1/rules/preview", "-----+--+"),
    // A page asks with its shopper's token only; see `consents.rs`.
    ("GET", "/v1/subjects/{id}/consents", "-+-+---++"),
    ("PUT", "/v1/subjects/{id}/consents", "-+-+---++"),
    // A page asks with its shopper's token only, or for its own browser; see `people.rs`.
    ("GET", "/v1/subjects/{id}/profile", "---+---++"),
    ("GET", "/v1/segments", "----++--+"),
    ("POST", "/v1/segments", "-----+--+"),
    ("GET", "/v1/segments/{key}", "----++--+"),
    ("PUT", "/v1/segments/{key}", "-----+--+"),
    ("DELETE", "/v1/segments/{key}", "-----+--+"),
    ("GET", "/v1/segments/{key}/members", "--------+"),
    ("GET", "/v1/products/{id}/audience", "--------+"),
    ("GET", "/v1/audience", "--------+"),
    ("GET", "/v1/keys", "--------+"),
    ("POST", "/v1/keys", "--------+"),
    ("POST", "/v1/keys/{id}/rotate", "--------+"),
    ("DELETE", "/v1/keys/{id}", "--------+"),
    ("POST", "/v1/subjects/{id}/erasure", "-------++"),
    ("POST", "/v1/subjects/{id}/export", "-------++"),
    ("GET", "/v1/privacy/requests", "-------++"),
    ("GET", "/v1/privacy/requests/{request_id}", "-------++"),
    ("POST", "/v1/privacy/requests/{request_id}/verification", "-------++"),
    ("POST", "/v1/privacy/requests/{request_id}/confirmation", "-------++"),
    ("GET", "/v1/privacy/retention", "-------++"),
    ("POST", "/v1/privacy/retention", "-------++"),
    // Signed by Shopify; see `shopify.rs`.
    ("POST", "/v1/webhooks/shopify", "ooooooooo"),
    ("GET", "/v1/models", "----+++-+"),
    ("POST", "/v1/models", "-----+--+"),
    ("PUT", "/v1/models/serving", "-----+--+"),
    ("GET", "/v1/reports/recommendations", "----++--+"),
    ("GET", "/v1/reports/holdout", "----++--+"),
    ("GET", "/v1/reports/stock", "------+-+"),
    ("GET", "/v1/forecasts", "------+-+"),
    ("POST", "/v1/forecasts", "------+-+"),
    ("GET", "/v1/forecasts/overrides", "------+-+"),
    ("PUT", "/v1/forecasts/overrides/{id}", "------+-+"),
    ("DELETE", "/v1/forecasts/overrides/{id}", "------+-+"),
    ("GET", "/v1/signals", "------+-+"),
    ("POST", "/v1/signals", "------+-+"),
    ("GET", "/v1/stock", "------+-+"),
    ("GET", "/v1/waste", "------+-+"),
    ("GET", "/v1/suppliers", "------+-+"),
    ("PUT", "/v1/suppliers", "------+-+"),
    ("GET", "/v1/replenishment", "------+-+"),
    ("POST", "/v1/replenishment/switch", "------+-+"),
    ("GET", "/v1/purchase_orders", "------+-+"),
    ("POST", "/v1/purchase_orders", "------+-+"),
    ("GET", "/v1/purchase_orders/{id}", "------+-+"),
    ("PATCH", "/v1/purchase_orders/{id}", "------+-+"),
    ("POST", "/v1/purchase_orders/{id}/state", "------+-+"),
    ("GET", "/v1/audit", "-------++"),
    ("GET", "/v1/audit/proof", "-------++"),
    ("GET", "/v1/audit/head", "-------++"),
    ("GET", "/metrics", "----+---+"),
    ("GET", "/v1/projects/{key}/settings", "ooooooooo"),
    ("GET", "/livez", "ooooooooo"),
    ("GET", "/readyz", "ooooooooo"),
    ("GET", "/version", "ooooooooo"),
    ("GET", "/openapi.json", "ooooooooo"),
    ("GET", "/docs", "ooooooooo"),
    ("GET", "/.well-known/gpc.json", "ooooooooo"),
];

/// The same for Meilisearch's calls, whose errors have its own shape.
const MEILISEARCH: &[(&str, &str, &str)] = &[
    ("GET", "/meilisearch/health", "ooooooooo"),
    ("GET", "/meilisearch/version", "ooooooooo"),
    ("GET", "/meilisearch/stats", "--+++++-+"),
    ("GET", "/meilisearch/indexes", "--+++++-+"),
    ("POST", "/meilisearch/indexes", "-----+--+"),
    ("GET", "/meilisearch/indexes/{uid}", "--+++++-+"),
    ("GET", "/meilisearch/indexes/{uid}/stats", "--+++++-+"),
    ("GET", "/meilisearch/indexes/{uid}/documents", "--+++++-+"),
    ("POST", "/meilisearch/indexes/{uid}/documents", "-----+--+"),
    ("PUT", "/meilisearch/indexes/{uid}/documents", "-----+--+"),
    ("DELETE", "/meilisearch/indexes/{uid}/documents", "-----+--+"),
    ("POST", "/meilisearch/indexes/{uid}/documents/fetch", "--+++++-+"),
    ("POST", "/meilisearch/indexes/{uid}/documents/delete", "-----+--+"),
    ("POST", "/meilisearch/indexes/{uid}/documents/delete-batch", "-----+--+"),
    ("GET", "/meilisearch/indexes/{uid}/documents/{id}", "--+++++-+"),
    ("DELETE", "/meilisearch/indexes/{uid}/documents/{id}", "-----+--+"),
    ("GET", "/meilisearch/indexes/{uid}/search", "--++-+--+"),
    ("POST", "/meilisearch/indexes/{uid}/search", "--++-+--+"),
    ("POST", "/meilisearch/indexes/{uid}/facet-search", "--++-+--+"),
    ("POST", "/meilisearch/multi-search", "--++-+--+"),
    ("GET", "/meilisearch/indexes/{uid}/settings", "----++--+"),
    ("PATCH", "/meilisearch/indexes/{uid}/settings", "-----+--+"),
    ("GET", "/meilisearch/indexes/{uid}/settings/synonyms", "----++--+"),
    ("PUT", "/meilisearch/indexes/{uid}/settings/synonyms", "-----+--+"),
    ("DELETE", "/meilisearch/indexes/{uid}/settings/synonyms", "-----+--+"),
    ("GET", "/meilisearch/indexes/{uid}/settings/filterable-attributes", "----++--+"),
    ("PUT", "/meilisearch/indexes/{uid}/settings/filterable-attributes", "-----+--+"),
    ("GET", "/meilisearch/indexes/{uid}/settings/sortable-attributes", "----++--+"),
    ("PUT", "/meilisearch/indexes/{uid}/settings/sortable-attributes", "-----+--+"),
    ("GET", "/meilisearch/tasks", "-----+--+"),
    ("GET", "/meilisearch/tasks/{uid}", "-----+--+"),
    ("ANY", "/meilisearch/{*call}", "ooooooooo"),
];

/// Whose past an answer to each role rests on, by hand: `p` the shopper's own, `a` what an unknown
/// shopper gets, `-` 403. First: asked for `u1` without a token; then with a token of `u1`: asked for
/// `u1` (own data), asked for `u2` (foreign data).
const SHOPPERS: &[(Role, &str)] = &[
    (Role::IngestBrowser, "---"),
    (Role::IngestServer, "---"),
    (Role::StorefrontBrowser, "apa"),
    (Role::StorefrontServer, "ppp"),
    (Role::Analyst, "---"),
    (Role::Merchandiser, "apa"),
    (Role::Planner, "---"),
    (Role::Privacy, "---"),
    (Role::Admin, "ppp"),
];

/// What each role may send about each kind of fact, by hand: `+` kept, `-` refused. Columns: a view, an
/// order, a stock count, a price, an alias.
const FACTS: &[(Role, &str)] = &[
    (Role::IngestBrowser, "+----"),
    (Role::IngestServer, "+++++"),
    (Role::StorefrontBrowser, "-----"),
    (Role::StorefrontServer, "-----"),
    (Role::Analyst, "-----"),
    (Role::Merchandiser, "---+-"),
    (Role::Planner, "--+--"),
    (Role::Privacy, "-----"),
    (Role::Admin, "+++++"),
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
    let path = path.replace("{id}", "p1").replace("{request_id}", "none");
    let path = path.replace("{key}", "champions").replace("{uid}", "main");
    // As if through a proxy, so that being on this machine gives no rights to `/metrics`.
    let call = call(method, &path).header("x-forwarded-for", "203.0.113.9");
    if matches!(method, "POST" | "PUT" | "PATCH") { call.json(&json!({})) } else { call }
}

#[test]
fn each_route_admits_the_roles_of_the_table() {
    let shop = Shop::open();
    for (method, path, row) in TABLE.iter().filter(|(_, _, row)| !row.contains('o')) {
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
fn each_call_of_meilisearch_admits_the_roles_of_the_table() {
    let shop = Shop::open();
    let code = |reply: &crate::http::Reply| reply.json()["code"].as_str().map(str::to_owned);
    for (method, path, row) in MEILISEARCH.iter().filter(|(_, _, row)| !row.contains('o')) {
        let stranger = shop.send(&route(method, path)).expect(401);
        assert_eq!(code(&stranger).as_deref(), Some("missing_authorization_header"));
        for (role, cell) in ROLES.iter().zip(row.chars()) {
            let reply = shop.send(&route(method, path).key(&shop.key(*role)));
            let place = format!("{method} {path} as {}: {}", role.as_str(), reply.status);
            assert_eq!(reply.status == 403, cell == '-', "{place}");
            assert!(reply.status < 500, "{place}");
            if cell == '-' {
                assert_eq!(code(&reply).as_deref(), Some("invalid_api_key"), "{place}");
            }
        }
    }
}

/// Every `.route("PATH", METHODS)` in the source, because a router does not tell what it has.
fn routes_of_the_source() -> Vec<(String, String)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/routes");
    let mut found = Vec::new();
    for file in std::fs::read_dir(folder).unwrap() {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        for (start, _) in text.match_indices(".route(") {
            let rest =
                text[start + 7..].trim_start().strip_prefix('"').expect("a path as a literal");
            let (path, rest) = rest.split_once('"').unwrap();
            let end = ["\n        .", ";", "\n}"].iter().filter_map(|mark| rest.find(mark)).min();
            let methods = &rest[..end.unwrap()];
            for method in ["get", "post", "put", "patch", "delete", "any", "head", "options"] {
                let is_there = [",", " ", ".", "("]
                    .iter()
                    .any(|before| methods.contains(&format!("{before}{method}(")));
                if is_there {
                    found.push((method.to_ascii_uppercase(), path.to_owned()));
                }
            }
        }
        assert!(!text.contains("route_service") && !text.contains("nest"), "look at these too");
    }
    found.sort();
    found
}

#[test]
fn every_route_has_a_rule() {
    let found = routes_of_the_source();
    let mut ruled: Vec<(String, String)> =
        TABLE.iter().chain(MEILISEARCH).map(|(m, path, _)| ((*m).into(), (*path).into())).collect();
    ruled.sort();
    assert_eq!(found, ruled, "routes of the source, and of the table");
    assert!(found.len() > 30, "the source was not read");
    // What is documented is in the table as well.
    let shop = Shop::open();
    let document = shop.send(&get("/openapi.json")).expect(200).json();
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys() {
            let rule = (method.to_ascii_uppercase(), path.clone());
            assert!(ruled.contains(&rule), "{rule:?} has no rule");
        }
    }
}

/// Roles are columns of a table, so a new one must be looked at everywhere.
#[test]
fn every_role_has_a_column() {
    assert_eq!(ROLES, Role::ALL);
    assert_eq!(SHOPPERS.len(), ROLES.len());
    assert_eq!(FACTS.len(), ROLES.len());
}

#[test]
fn a_shopper_is_seen_by_those_of_the_table_alone() {
    let shop = Shop::open();
    shop.put_products(&json!([{"id": "p1", "title": "Tea"}, {"id": "p2", "title": "Rice"}]));
    let views: Vec<_> = [("u1", "p1"), ("u2", "p2")]
        .iter()
        .map(|(user, product)| {
            json!({"type": "track", "event": "Product Viewed", "userId": user,
                "messageId": format!("v-{user}"), "properties": {"product_id": product}})
        })
        .collect();
    shop.admin(post("/v1/batch", &json!({"batch": views}))).expect(200);
    shop.wait_folded();
    let token = shop.app.make_shopper_token("u1", 60);
    let ask = |key: &str, user: &str, token: Option<&str>| {
        let body = json!({"user_id": user, "strategy": "recently_viewed"});
        let call = post("/v1/recommendations", &body).key(key);
        let reply = shop.send(&match token {
            Some(token) => call.header("x-souk-shopper", token),
            None => call,
        });
        if reply.status == 403 {
            return '-';
        }
        let answer = reply.expect(200).json();
        if answer["personalization_score"].as_f64() > Some(0.0) { 'p' } else { 'a' }
    };
    for (role, row) in SHOPPERS {
        let key = shop.key(*role);
        let found: String =
            [ask(&key, "u1", None), ask(&key, "u1", Some(&token)), ask(&key, "u2", Some(&token))]
                .iter()
                .collect();
        assert_eq!(found, *row, "{}", role.as_str());
    }
}

#[test]
fn each_role_sends_the_facts_of_the_table_alone() {
    let shop = Shop::open();
    let price = json!({"amount": 100, "currency": "USD"});
    let facts = [
        json!({"type": "track", "event": "Product Viewed", "userId": "u", "anonymousId": "b",
            "properties": {"product_id": "p1"}}),
        json!({"type": "track", "event": "Order Completed", "userId": "u",
            "properties": {"order_id": "o1", "products": [{"product_id": "p1", "price": 1}]}}),
        json!({"type": "track", "event": "Stock Counted",
            "properties": {"product_id": "p1", "location_id": "l1", "quantity": 5}}),
        json!({"type": "track", "event": "Price Changed",
            "properties": {"product_id": "p1", "price": price}}),
        json!({"type": "alias", "userId": "u", "previousId": "b"}),
    ];
    for (role, row) in FACTS {
        let key = shop.key(*role);
        let found: String = facts
            .iter()
            .map(|fact| {
                let reply = shop.send(&post("/v1/batch", &json!({"batch": [fact]})).key(&key));
                if reply.status == 403 {
                    return '-';
                }
                let answer = reply.expect(200).json();
                if answer["accepted"] == 1 { '+' } else { '-' }
            })
            .collect();
        assert_eq!(found, *row, "{}", role.as_str());
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
