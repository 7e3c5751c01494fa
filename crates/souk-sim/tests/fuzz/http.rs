//! Every route with requests that are almost right: paths, queries, headers, keys and bodies.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use souk_app::{App, Caller, Clock, Config, NewKey, Parts, Role};
use souk_embedded::{Embedded, EmbeddedOptions};
use souk_server::ServerConfig;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tower::ServiceExt;

use crate::Target;

/// An application on storage of its own.
pub(crate) struct Desk {
    pub(crate) runtime: Runtime,
    pub(crate) app: Arc<App>,
    pub(crate) embedded: Embedded,
    pub(crate) folder: TempDir,
}

impl Desk {
    pub(crate) fn open() -> Desk {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let embedded = souk_embedded::open(&data, &EmbeddedOptions::default()).unwrap();
        let parts = Parts {
            log: Arc::clone(&embedded.log) as _,
            tables: Arc::clone(&embedded.tables) as _,
            keys: Arc::clone(&embedded.keys) as _,
            cache: Arc::clone(&embedded.cache) as _,
            blobs: Arc::clone(&embedded.blobs),
        };
        let config = Config::parse("privacy: {default_jurisdiction: us}", []).unwrap();
        let runtime = Runtime::new().unwrap();
        let app = runtime.block_on(App::open(parts, config, Clock::system())).unwrap();
        runtime.block_on(app.wait_ready()).unwrap();
        Desk { runtime, app, embedded, folder }
    }

    fn key(&self, role: Role) -> String {
        let new = NewKey::of(role);
        self.runtime.block_on(self.app.create_key(new, &Caller::local_admin())).unwrap()
    }
}

/// Method, path and body of requests that succeed, or nearly.
const REQUESTS: &[(&str, &str, &str)] = &[
    (
        "POST",
        "/v1/track",
        r#"{"type":"track","event":"Product Viewed","userId":"u","messageId":"m","timestamp":"2026-01-02T03:04:05Z","properties":{"product_id":"p1","price":1.5},"context":{"consent":{"categoryPreferences":{"Advertising":true}},"ip":"1.2.3.4"}}"#,
    ),
    (
        "POST",
        "/v1/track",
        r#"{"event":"Order Completed","anonymousId":7,"properties":{"order_id":"o1","total":20,"currency":"EUR","products":[{"product_id":"p1","quantity":2,"price":10}]}}"#,
    ),
    ("POST", "/v1/identify", r#"{"userId":"u","traits":{"email":"a@b.co","name":"Ann","age":7}}"#),
    (
        "POST",
        "/v1/page",
        r#"{"anonymousId":"a","name":"Home","properties":{"url":"https://x/?q=1"}}"#,
    ),
    ("POST", "/v1/screen", r#"{"anonymousId":"a","name":"Home"}"#),
    ("POST", "/v1/group", r#"{"userId":"u","groupId":"g","traits":{}}"#),
    ("POST", "/v1/alias", r#"{"previousId":"a","userId":"u"}"#),
    (
        "POST",
        "/v1/batch",
        r#"{"batch":[{"type":"track","event":"Products Searched","userId":"u","properties":{"query":"tea for ann@b.co"}},{"type":"page","anonymousId":"a"}],"sentAt":"2026-01-02T03:04:05Z","writeKey":"x"}"#,
    ),
    ("GET", "/v1/projects/KEY/settings", ""),
    (
        "PUT",
        "/v1/products",
        r#"{"products":[{"id":"p1","title":"Tea","price":{"amount":5,"currency":"USD"},"categories":["a > b"],"attributes":{"x":1.5}}]}"#,
    ),
    ("GET", "/v1/products?limit=5&filter=brand%20%3D%20'a'&site=main", ""),
    ("GET", "/v1/products/p1", ""),
    ("PATCH", "/v1/products/p1", r#"{"title":"T","price":null,"attributes":{"x":null}}"#),
    ("DELETE", "/v1/products/p2", ""),
    (
        "POST",
        "/v1/recommendations",
        r#"{"user_id":"u","placement":"home","limit":5,"context":{"product_ids":["p1"],"cart":["p1"]},"filter":"price < 20","explain":true}"#,
    ),
    (
        "POST",
        "/v1/recommendations/batch",
        r#"{"requests":[{"user_id":"u","limit":2},{"anonymous_id":"a"}]}"#,
    ),
    ("GET", "/v1/subjects/u/consents?site=main", ""),
    (
        "PUT",
        "/v1/subjects/anonymous:a/consents",
        r#"{"purposes":{"marketing":false,"analytics":true},"notice":"1","origin":"banner"}"#,
    ),
    ("GET", "/.well-known/gpc.json", ""),
    ("GET", "/v1/keys", ""),
    (
        "POST",
        "/v1/keys",
        r#"{"role":"ingest_browser","label":"x","origins":["https://a.example"],"expires_at":"2030-01-01T00:00:00Z"}"#,
    ),
    ("DELETE", "/v1/keys/zzzz", ""),
    ("POST", "/v1/keys/zzzz/rotate", r#"{"overlap_s":5}"#),
    ("POST", "/v1/subjects/nobody/erasure", r#"{"identity":"unverified"}"#),
    ("POST", "/v1/subjects/nobody/export", ""),
    ("GET", "/v1/privacy/requests?limit=5", ""),
    ("GET", "/v1/privacy/requests/zzzz", ""),
    ("POST", "/v1/privacy/requests/zzzz/verification", ""),
    ("GET", "/v1/audit?limit=5&operation=key&since=2026-01-01T00:00:00Z", ""),
    ("GET", "/v1/audit/proof?entry=1&tree_size=2", ""),
    ("GET", "/v1/audit/proof?from=1&to=2", ""),
    ("GET", "/v1/audit/head", ""),
    (
        "POST",
        "/v1/search",
        r#"{"query":"green tea under 20","filter":"brand = 'a'","facets":["brand",{"field":"price","bounds":[0,5,10]}],"sort":"price:asc","limit":3,"user_id":"u","explain":true}"#,
    ),
    ("GET", "/v1/search/suggest?q=gre&limit=3", ""),
    (
        "PUT",
        "/v1/search/synonyms",
        r#"{"synonyms":[{"words":["tea","infusion"]},{"from":"mug","to":["cup"]}]}"#,
    ),
    (
        "PUT",
        "/v1/suppliers",
        r#"{"suppliers":[{"id":"leaf","lead_time_days":3,"offers":[{"product_id":"p1","multiple":12,"price":{"amount":250,"currency":"USD"}}]}]}"#,
    ),
    ("GET", "/v1/suppliers", ""),
    ("GET", "/v1/stock?location_id=berlin", ""),
    (
        "POST",
        "/v1/forecasts",
        r#"{"product_id":"p1","location_id":"berlin","horizon_days":14,"levels":[0.8,0.95]}"#,
    ),
    ("GET", "/v1/replenishment?location_id=berlin", ""),
    ("POST", "/v1/replenishment/switch", r#"{"stopped":true}"#),
    (
        "POST",
        "/v1/purchase_orders",
        r#"{"supplier_id":"leaf","location_id":"berlin","lines":[{"product_id":"p1","quantity":12}]}"#,
    ),
    ("POST", "/v1/purchase_orders/zzzz/state", r#"{"state":"approved"}"#),
    (
        "POST",
        "/v1/rules",
        r#"{"name":"Seven first","select":{"product_ids":["p1"]},"action":{"type":"pin","position":1}}"#,
    ),
    ("POST", "/v1/segments", r#"{"key":"s","filter":"orders >= 3"}"#),
    ("GET", "/v1/subjects/u/profile?site=main", ""),
    ("GET", "/v1/reports/recommendations?from=2026-01-01&to=2026-01-31", ""),
    ("GET", "/v1/reports/stock?location_id=berlin&days=28&class=AX&limit=5&cursor=7031", ""),
];

/// A request as one text: method and target, headers, an empty line, the body.
fn seeds(desk: &Desk) -> Vec<Vec<u8>> {
    let (admin, browser) = (desk.key(Role::Admin), desk.key(Role::StorefrontBrowser));
    let mut seeds = Vec::new();
    for (method, target, body) in REQUESTS {
        let target = target.replace("KEY", &browser);
        let head = format!("{method} {target}\nauthorization: Bearer {admin}\n");
        seeds.push(format!("{head}content-type: application/json\n\n{body}").into_bytes());
    }
    let token = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ1IiwiZXhwIjoxfQ.AAAA";
    let mut more = |text: String| seeds.push(text.into_bytes());
    more(format!(
        "POST /v1/recommendations\nauthorization: Bearer {browser}\nx-souk-shopper: {token}\n\
         souk-shopper-token: {token}\nsec-gpc: 1\norigin: https://a.example\n\n{{\"user_id\":\"u\"}}"
    ));
    more(
        "POST /v1/track\nauthorization: Basic dTo=\ncontent-encoding: gzip\n\n\u{1f}\u{8b}"
            .to_owned(),
    );
    more(format!(
        "POST /v1/keys\nauthorization: Bearer {admin}\nidempotency-key: a\n\n{{\"role\":\"analyst\"}}"
    ));
    seeds
}

fn request(input: &[u8]) -> Option<Request<Body>> {
    let head_end = input.windows(2).position(|two| two == b"\n\n")?;
    let mut lines = input[..head_end].split(|byte| *byte == b'\n');
    let line = std::str::from_utf8(lines.next()?).ok()?;
    let (method, target) = line.split_once(' ')?;
    let mut request = Request::builder().method(method).uri(target);
    for line in lines {
        let colon = line.iter().position(|byte| *byte == b':')?;
        request = request.header(&line[..colon], line[colon + 1..].trim_ascii());
    }
    request.body(Body::from(input[head_end + 2..].to_vec())).ok()
}

async fn answer(router: &Router, request: Request<Body>) -> (u16, String) {
    let response = router.clone().oneshot(request).await.unwrap();
    let status = response.status().as_u16();
    let body = axum::body::to_bytes(response.into_body(), 64 << 20).await.unwrap();
    (status, String::from_utf8_lossy(&body).into_owned())
}

#[test]
fn http() {
    let desk = Desk::open();
    let config = ServerConfig::at("127.0.0.1:0".parse().unwrap());
    let router = souk_server::router(Arc::clone(&desk.app), config);
    let seeds = seeds(&desk);
    // The seeds reach what they are meant to reach.
    let first = desk.runtime.block_on(answer(&router, request(&seeds[0]).unwrap()));
    assert_eq!(first.0, 200, "{}", first.1);
    Target { name: "http", inputs: 2_500, seeds }.run(|input| {
        let Some(request) = request(input) else { return };
        let (status, body) = desk.runtime.block_on(answer(&router, request));
        assert!(status < 500, "{status}: {body}");
    });
}
