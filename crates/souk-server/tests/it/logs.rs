//! Logs hold no personal data, no keys and no bodies, at whatever level and whatever is sent.

use std::io::Write;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use souk_app::Role;
use tracing_subscriber::fmt::MakeWriter;

use crate::access::TABLE;
use crate::http::{Call, call, get};
use crate::shop::Shop;

/// In every value that is a person's or a secret; nothing else says it.
const CANARY: &str = "cnry7f3a";

/// Everything that the process logs.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Lines {
    type Writer = Lines;

    fn make_writer(&self) -> Lines {
        self.clone()
    }
}

impl Lines {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }
}

/// Bodies that say who somebody is in every way there is, good and bad ones.
fn bodies() -> Vec<(&'static str, String)> {
    let id = format!("user-{CANARY}");
    let mail = format!("anna.{CANARY}@shop.example");
    let event = |event: &str, properties: Value| {
        json!({"type": "track", "event": event, "userId": id, "anonymousId": format!("a-{CANARY}"),
            "messageId": format!("m-{CANARY}-{event}"), "properties": properties,
            "context": {"ip": "203.0.113.77", "userAgent": CANARY, "traits": {"email": mail}}})
    };
    let line = json!([{"product_id": "p1", "quantity": 1, "price": 1.5}]);
    let order = json!({"order_id": format!("o-{CANARY}"), "products": line, "currency": "USD"});
    let events = [
        event("Products Searched", json!({"query": format!("gift for {mail}")})),
        event("Product Viewed", json!({"product_id": "p1", "note": mail})),
        event("Order Completed", order),
        event("Order Completed", json!({"order_id": format!("o-{CANARY}"), "products": mail})),
        event(&mail, json!({})),
        json!({"type": "identify", "userId": id, "traits": {"email": mail, "phone": CANARY}}),
        json!({"type": "alias", "userId": id, "previousId": format!("a-{CANARY}")}),
        json!({"type": mail, "userId": id}),
    ];
    let mut bodies: Vec<(&str, String)> =
        events.iter().map(|event| ("application/json", event.to_string())).collect();
    let ask =
        json!({"user_id": id, "context": {"query": mail}, "filter": format!("brand = '{mail}'")});
    let others = [
        json!({ "batch": events, "writeKey": CANARY }),
        json!({"requests": [ask]}),
        json!({"user_id": id, "filter": format!("{mail} ><")}),
        json!({"purposes": {"marketing": true}, "notice_version": mail}),
        json!({"identity": mail}),
        json!({"role": "analyst", "label": mail}),
        json!({"products": [{"id": mail, "title": CANARY}]}),
        json!({ CANARY: mail }),
        ask,
    ];
    bodies.extend(others.iter().map(|body| ("application/json", body.to_string())));
    bodies.push(("application/json", format!("{{\"userId\": \"{id}\", \"{mail}")));
    bodies.push((CANARY, mail));
    bodies
}

/// Each route with each body, and with secrets in path, query and headers.
fn calls(key: &str, token: &str) -> Vec<Call> {
    let mut calls = Vec::new();
    for (method, path, _) in TABLE {
        let path = path.replace("{key}", &format!("{key}{CANARY}"));
        let path = path.replace("{id}", &format!("user-{CANARY}%40shop.example"));
        let path = path.replace("{request_id}", CANARY);
        let path = format!("{path}?q={CANARY}&limit={CANARY}");
        let with_headers = |call: Call| {
            call.key(key)
                .header("idempotency-key", CANARY)
                .header("x-forwarded-for", "203.0.113.77")
                .header("user-agent", CANARY)
                .header("cookie", CANARY)
                .header("origin", &format!("https://{CANARY}.example"))
        };
        match *method {
            "POST" | "PUT" | "PATCH" => calls.extend(bodies().iter().map(|(kind, body)| {
                with_headers(call(method, path.split('?').next().unwrap())).text(kind, body)
            })),
            _ => calls.push(with_headers(call(method, &path))),
        }
        let bare = call(method, path.split('?').next().unwrap());
        calls.push(with_headers(bare.clone()).header("x-souk-shopper", token));
        calls.push(bare.header("authorization", &format!("Bearer {CANARY}")));
    }
    calls
}

#[test]
fn logs_hold_no_personal_data_keys_or_bodies() {
    let lines = Lines::default();
    tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
        .with_writer(lines.clone())
        .with_ansi(false)
        .init();
    let shop = Shop::open();
    let token = shop.app.make_shopper_token(&format!("user-{CANARY}"), 60);
    let keys = [shop.key(Role::IngestBrowser), shop.key(Role::Privacy), shop.admin.clone()];
    let mut statuses = std::collections::BTreeSet::new();
    for key in &keys {
        for call in calls(key, &token) {
            statuses.insert(shop.send(&call).status);
        }
    }
    shop.wait_folded();
    let text = lines.text();
    // That there is something to read, and that the requests got as far as they can.
    for (method, path, _) in TABLE {
        let line = format!("method=\"{method}\" route=\"{path}\"");
        assert!(text.contains(&line), "{line} is not in the log");
    }
    for status in [200, 400, 401, 403, 404, 422] {
        assert!(statuses.contains(&status), "no request was answered {status}: {statuses:?}");
    }
    let metrics = shop.send(&get("/metrics")).expect(200);
    for secret in [CANARY, "203.0.113.77", &token, &keys[0], &keys[1], &keys[2]] {
        let found = text.lines().find(|line| line.contains(secret));
        assert_eq!(found, None, "a log line holds {secret}");
        assert!(!metrics.text().contains(secret), "the metrics hold {secret}");
    }
}
