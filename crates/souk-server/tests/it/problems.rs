use serde_json::json;

use crate::http::{call, get, post};
use crate::shop::Shop;

#[test]
fn every_failure_is_a_problem_document() {
    let shop = Shop::open();
    let at = |reply: crate::http::Reply, status, code| reply.problem(status, code);
    at(shop.send(&get("/v1/nowhere?a=b")), 404, "no_such_route");
    at(shop.admin(call("DELETE", "/v1/recommendations")), 405, "method_not_allowed");
    at(shop.send(&post("/v1/recommendations", &json!({}))), 401, "unauthenticated");
    at(shop.send(&get("/v1/keys").key("nonsense")), 401, "unauthenticated");
    at(shop.admin(call("POST", "/v1/recommendations").text("text/csv", "a,b")), 415, "media_type");
    let zstd =
        call("POST", "/v1/recommendations").json(&json!({})).header("content-encoding", "zstd");
    at(shop.admin(zstd), 415, "content_encoding");
    let broken = call("POST", "/v1/recommendations").text("application/json", "{\"limit\": 5,}");
    let problem = at(shop.admin(broken), 400, "malformed_json");
    assert!(problem["detail"].as_str().unwrap().contains("line 1, column 13"), "{problem}");
    let problem =
        at(shop.admin(post("/v1/recommendations", &json!({"limit": "x"}))), 422, "invalid_input");
    assert_eq!(problem["errors"][0]["pointer"], "/limit");
    at(shop.admin(get("/v1/products/none")), 404, "not_found");
    at(shop.admin(get("/v1/products/%FF")), 400, "malformed_path");
    at(shop.admin(get("/v1/products?limit=many")), 422, "invalid_input");
    at(shop.admin(get("/v1/products?limt=1")), 422, "invalid_input");
    at(shop.admin(get("/v1/products?cursor=zz")), 422, "invalid_cursor");
    at(shop.admin(get("/v1/products/none?site=elsewhere")), 422, "invalid_input");
}

#[test]
fn a_problem_names_the_path_and_not_the_query() {
    let shop = Shop::open();
    let problem = shop.send(&get("/v1/nowhere?secret=1")).problem(404, "no_such_route");
    assert_eq!(problem["instance"], "/v1/nowhere");
    assert!(!problem.to_string().contains("secret"));
}

#[test]
fn a_401_says_how_to_authenticate_and_a_405_what_is_possible() {
    let shop = Shop::open();
    let reply = shop.send(&get("/v1/keys"));
    assert_eq!(reply.header("www-authenticate"), Some("Bearer realm=\"souk\""));
    let reply = shop.admin(call("PATCH", "/v1/keys"));
    let allow = reply.header("allow").unwrap().to_owned();
    assert!(allow.contains("GET") && allow.contains("POST"), "{allow}");
}

#[test]
fn a_request_id_is_taken_over_if_it_is_sane() {
    let shop = Shop::open();
    let reply = shop.send(&get("/livez").header("x-request-id", "order-7.a_b"));
    assert_eq!(reply.header("x-request-id"), Some("order-7.a_b"));
    for odd in ["a b", "<script>", &"x".repeat(129)] {
        let reply = shop.send(&get("/livez").header("x-request-id", odd));
        let id = reply.header("x-request-id").unwrap();
        assert!(id.len() == 16 && id.bytes().all(|b| b.is_ascii_hexdigit()), "{id}");
    }
}

#[test]
fn unknown_fields_are_named() {
    let shop = Shop::open();
    let body = json!({"limit": 3, "context": {"cart": [], "sesion": []}});
    let problem = shop.admin(post("/v1/recommendations", &body)).problem(422, "invalid_input");
    assert_eq!(problem["errors"][0]["pointer"], "/context/sesion");
    let detail = problem["errors"][0]["detail"].as_str().unwrap();
    assert!(detail.contains("unknown field `sesion`") && detail.contains("session"), "{detail}");
}

#[test]
fn all_faults_of_a_request_come_at_once() {
    let shop = Shop::open();
    let body =
        json!({"limit": 101, "exclude": ["", "ok"], "context": {"product_id": "x".repeat(256)}});
    let problem = shop.admin(post("/v1/recommendations", &body)).problem(422, "invalid_input");
    let errors = problem["errors"].as_array().unwrap();
    let mut pointers: Vec<_> = errors.iter().map(|e| e["pointer"].as_str().unwrap()).collect();
    pointers.sort_unstable();
    assert_eq!(pointers, ["/context/product_id", "/exclude/0", "/limit"]);
}

/// What only the inside of the program could have written.
const INTERNALS: &[&str] = &[
    ".rs:",
    "src/",
    "/home",
    "/tmp",
    ".cargo",
    "panicked",
    "backtrace",
    "sqlite",
    "SQLite",
    "SELECT ",
    "INSERT ",
    "souk_",
    "serde",
    "axum",
    "hyper",
    "tokio",
    "std::",
    "core::",
    "alloc::",
    "Option<",
    "Vec<",
    "Some(",
    "Err(",
    "log.db",
    "keys.db",
    "tables.db",
    "master.key",
    "os error",
];

/// Bodies, queries and paths that something is wrong with, on every route that there is.
#[test]
fn no_failure_tells_what_the_inside_looks_like() {
    let shop = Shop::open();
    let document = shop.send(&get("/openapi.json")).expect(200).json();
    let mut n_failures = 0;
    let bodies: &[&[u8]] = &[
        b"",
        b"{",
        b"[]",
        b"null",
        b"{\"x\":1}",
        b"{\"limit\":-1}",
        b"{\"batch\":5}",
        b"\xff\xfe",
        b"{\"products\":[{\"id\":\"\"}]}",
        b"{\"role\":\"x\"}",
        b"{\"filter\":\"((\"}",
        b"{\"batch\":[{\"type\":\"track\"}]}",
        b"{\"overlap_s\":1e300}",
        b"{\"identity\":1}",
    ];
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
            let is_known = item.get(method.to_lowercase()).is_some();
            for id in ["nobody", "%00", "a%2F..%2Fb", "%F0%9F%98%80", "anonymous:"] {
                let path =
                    path.replace("{id}", id).replace("{key}", id).replace("{request_id}", id);
                for query in ["", "?limit=x&cursor=%00&site=%27", "?entry=99999999999999999999"] {
                    let few = if is_known && query.is_empty() && id == "nobody" {
                        bodies
                    } else {
                        &bodies[..2]
                    };
                    for body in few {
                        let call =
                            call(method, &format!("{path}{query}")).bytes("application/json", body);
                        for reply in [shop.send(&call), shop.admin(call.clone())] {
                            if reply.status < 400 {
                                continue;
                            }
                            n_failures += 1;
                            assert_ne!(reply.status, 500, "{method} {path}{query}");
                            let text = String::from_utf8_lossy(&reply.body);
                            let told = INTERNALS.iter().find(|word| text.contains(**word));
                            assert!(told.is_none(), "{method} {path}{query}: {told:?} in {text}");
                        }
                    }
                }
            }
        }
    }
    assert!(n_failures > 1_000, "only {n_failures} failures were looked at");
}
