use serde_json::{Value, json};
use souk_app::Role;

use crate::http::{call, get, post};
use crate::shop::Shop;

fn entries(shop: &Shop, query: &str) -> Vec<Value> {
    let path = format!("/v1/audit?{query}");
    let key = shop.key(Role::Privacy);
    let page = shop.send(&get(&path).key(&key)).expect(200).json();
    page["entries"].as_array().unwrap().clone()
}

#[test]
fn acts_over_http_are_entries_with_key_and_request() {
    let shop = Shop::open();
    let made =
        shop.admin(post("/v1/keys", &json!({"role": "analyst", "label": "Ann"}))).expect(201);
    let request_id = made.header("x-request-id").unwrap().to_owned();
    let id = made.json()["id"].as_str().unwrap().to_owned();
    shop.admin(get("/v1/keys")).expect(200);
    let path = format!("/v1/keys/{id}/rotate");
    let rotated = shop.admin(post(&path, &json!({"overlap_s": 60}))).expect(201).json();
    shop.send(&get("/v1/products").key(rotated["key"].as_str().unwrap())).expect(200);
    shop.admin(post(&path, &json!({}))).problem(409, "conflict");
    shop.admin(call("DELETE", &format!("/v1/keys/{id}"))).expect(204);
    let object = format!("key:{id}");
    let found = entries(&shop, &format!("object={object}"));
    let told: Vec<&str> = found.iter().map(|one| one["operation"].as_str().unwrap()).collect();
    assert_eq!(told, ["key.revoke", "key.rotate", "key.create"]);
    let create = &found[2];
    assert_eq!(create["request_id"], *request_id);
    assert_eq!(create["role"], "admin");
    assert_eq!(create["outcome"], "done");
    assert_eq!(create["details"], json!({"role": "analyst"}));
    assert!(!create["leaf"].as_str().unwrap().contains("Ann"));
    assert_eq!(entries(&shop, "operation=key.list").len(), 1);
    // The reading itself, and by whom.
    let reads = entries(&shop, "operation=audit");
    assert!(reads.len() >= 3 && reads.iter().all(|one| one["role"] == "privacy"), "{reads:?}");
}

#[test]
fn a_page_leads_to_the_next_and_wrong_questions_are_told() {
    let shop = Shop::open();
    (0..7).for_each(|_| drop(shop.admin(get("/v1/keys")).expect(200)));
    let mut cursor = String::new();
    let mut n_pages = 0;
    let mut numbers = Vec::new();
    loop {
        let path = format!("/v1/audit?operation=key.list&limit=3{cursor}");
        let page = shop.admin(get(&path)).expect(200).json();
        numbers
            .extend(page["entries"].as_array().unwrap().iter().map(|one| one["number"].as_u64()));
        n_pages += 1;
        let Some(next) = page["cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(numbers.len(), 7);
    assert!(numbers.is_sorted_by(|a, b| a > b), "{numbers:?}");
    assert!(n_pages >= 3);
    for (query, pointer) in [
        ("since=yesterday", "since"),
        ("limit=0", "limit"),
        ("cursor=x", "cursor"),
        (
            "odd=1",
            "unknown field `odd`, expected one of `since`, `until`, `operation`, `key`, `object`, `limit`, `cursor`",
        ),
    ] {
        let reply = shop.admin(get(&format!("/v1/audit?{query}"))).expect(422).json();
        let found = reply["errors"][0].clone();
        assert!(
            found["pointer"] == pointer || found["detail"].as_str().unwrap().contains(pointer),
            "{query}: {found}"
        );
    }
    for query in ["", "entry=1&from=1", "tree_size=1", "entry=0&to=3", "from=0&tree_size=1"] {
        shop.admin(get(&format!("/v1/audit/proof?{query}"))).expect(422);
    }
    shop.admin(get("/v1/audit/proof?entry=100000")).problem(422, "out_of_range");
}

#[test]
fn proofs_and_head_fit_together() {
    let shop = Shop::open();
    let first = shop.admin(get("/v1/audit/head")).expect(200).json();
    (0..5).for_each(|_| drop(shop.admin(get("/v1/keys")).expect(200)));
    let second = shop.admin(get("/v1/audit/head")).expect(200).json();
    let (from, to) = (first["tree_size"].as_u64().unwrap(), second["tree_size"].as_u64().unwrap());
    assert!(from < to);
    let path = format!("/v1/audit/proof?from={from}&to={to}");
    let proof = shop.admin(get(&path)).expect(200).json();
    assert_eq!((&proof["earlier_root"], &proof["root"]), (&first["root"], &second["root"]));
    let inclusion =
        shop.admin(get(&format!("/v1/audit/proof?entry={from}&tree_size={to}"))).expect(200).json();
    assert_eq!(inclusion["root"], second["root"]);
    assert_eq!(inclusion["entry"]["operation"], "key.list");
    assert!(!inclusion["hashes"].as_array().unwrap().is_empty());
    assert!(second["signed_text"].as_str().unwrap().starts_with("souk/"));
    assert_eq!(first["public_key"], second["public_key"]);
}

/// What machines do is counted and written when the server ends; what was refused as well.
#[test]
fn serving_and_refusals_are_counted() {
    let mut shop = Shop::open();
    let analyst = shop.key(Role::Analyst);
    (0..3).for_each(|_| drop(shop.send(&get("/v1/keys").key(&analyst)).expect(403)));
    let event = json!({"type": "track", "event": "Product Viewed", "userId": "u1",
        "messageId": "m", "properties": {"product_id": "p1"}});
    shop.put_products(&json!([{"id": "p1", "title": "Tea"}]));
    shop.admin(post("/v1/batch", &json!({"batch": [event]}))).expect(200);
    shop.wait_folded();
    shop.recommend(&json!({"user_id": "u1"}));
    shop.recommend(&json!({"user_id": "nobody"}));
    let app = std::sync::Arc::clone(&shop.app);
    shop.ask_to_stop();
    shop.wait_stopped().unwrap();
    let filter = souk_app::AuditFilter::default();
    let admin = souk_app::Caller::local_admin();
    let reading = app.audit_entries(&admin, &filter, (None, 100));
    let page = shop.runtime.block_on(reading).unwrap();
    let count = |operation: &str| -> u64 {
        let of = page.items.iter().filter(|item| item.entry.operation == operation);
        of.filter_map(|item| item.entry.tally).map(|tally| tally.count).sum()
    };
    assert_eq!(count("access.denied"), 3);
    let denied = page.items.iter().find(|item| item.entry.operation == "access.denied").unwrap();
    assert_eq!(denied.entry.details["route"], "/v1/keys");
    assert_eq!(count("ingest"), 1);
    assert_eq!(count("catalogue.change"), 1);
    assert_eq!(count("recommend"), 1, "an answer to nobody concerns nobody");
}
