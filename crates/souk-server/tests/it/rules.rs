use serde_json::{Value, json};
use souk_app::Role;

use crate::http::{Reply, call, get, post};
use crate::shop::Shop;

fn stocked() -> Shop {
    let shop = Shop::open();
    let products: Vec<Value> = (0..20)
        .map(|n| {
            json!({"id": format!("p{n}"), "title": format!("Product {n}"), "published_at": format!("2026-01-{:02}T00:00:00Z", 28 - n),
                "brand": if n % 5 == 4 { "Own" } else { "Big" }, "price": {"amount": 100 + n, "currency": "USD"}})
        })
        .collect();
    shop.put_products(&json!(products));
    shop
}

fn ids(answer: &Value) -> Vec<String> {
    let items = answer["recommendations"].as_array().unwrap().iter();
    items.map(|one| one["product_id"].as_str().unwrap().to_owned()).collect()
}

fn newest(shop: &Shop, more: Value) -> Value {
    let mut body = json!({"strategy": "new", "limit": 5});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    shop.recommend(&body)
}

fn put(shop: &Shop, id: &str, rule: &Value, if_match: Option<&str>) -> Reply {
    let call = call("PUT", &format!("/v1/rules/{id}")).json(rule);
    shop.admin(match if_match {
        Some(etag) => call.header("if-match", etag),
        None => call,
    })
}

#[test]
fn a_rule_is_made_read_changed_by_its_etag_and_deleted() {
    let shop = stocked();
    assert_eq!(ids(&newest(&shop, json!({}))), ["p0", "p1", "p2", "p3", "p4"]);
    let pin = json!({"name": "Seven first", "select": {"product_ids": ["p7"]}, "action": {"type": "pin", "position": 1}});
    let made = put(&shop, "seven", &pin, None).expect(201);
    let first = made.header("etag").unwrap().to_owned();
    assert_eq!(ids(&newest(&shop, json!({}))), ["p7", "p0", "p1", "p2", "p3"]);
    let read = shop.admin(get("/v1/rules/seven")).expect(200);
    assert_eq!(read.header("etag"), Some(&first[..]));
    let mut rule = read.json();
    assert_eq!(format!("\"{}\"", rule["version"].as_str().unwrap()), first);
    assert_eq!((&rule["id"], &rule["name"]), (&json!("seven"), &json!("Seven first")));
    // What was read can be sent back, changed.
    rule["action"]["position"] = json!(2);
    put(&shop, "seven", &rule, None).problem(428, "precondition_required");
    let changed = put(&shop, "seven", &rule, Some(&first)).expect(200);
    let second = changed.header("etag").unwrap().to_owned();
    assert_ne!(first, second);
    put(&shop, "seven", &rule, Some(&first)).problem(412, "precondition_failed");
    put(&shop, "seven", &rule, Some("nonsense")).problem(412, "precondition_failed");
    put(&shop, "none", &rule, Some("*")).problem(422, "invalid_rule");
    rule["id"] = json!("none");
    put(&shop, "none", &rule, Some("*")).problem(412, "precondition_failed");
    assert_eq!(ids(&newest(&shop, json!({}))), ["p0", "p7", "p1", "p2", "p3"]);
    let list = shop.admin(get("/v1/rules")).expect(200).json();
    assert_eq!(list["rules"].as_array().unwrap().len(), 1);
    let delete =
        |etag: &str| shop.admin(call("DELETE", "/v1/rules/seven").header("if-match", etag));
    delete(&first).problem(412, "precondition_failed");
    // Who packs answers on their way marks their tags as weak.
    rule["id"] = json!("seven");
    put(&shop, "seven", &rule, Some(&format!("W/{first}"))).problem(412, "precondition_failed");
    delete(&format!("W/{second}")).expect(204);
    shop.admin(get("/v1/rules/seven")).problem(404, "not_found");
    shop.admin(get("/v1/rules/no%20rule")).problem(404, "not_found");
    assert_eq!(ids(&newest(&shop, json!({}))), ["p0", "p1", "p2", "p3", "p4"]);
}

#[test]
fn a_new_rule_gets_a_name_and_a_repetition_makes_no_second_one() {
    let shop = stocked();
    let rule =
        json!({"select": {"filter": "brand = 'Own'"}, "action": {"type": "boost", "factor": 1.5}});
    let make = |key: &str, body: &Value| {
        shop.admin(post("/v1/rules", body).header("idempotency-key", key))
    };
    let first = make("k1", &rule).expect(201);
    let again = make("k1", &rule).expect(201);
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    assert_eq!(first.json(), again.json());
    let version = first.json()["version"].as_str().unwrap().to_owned();
    for answer in [&first, &again] {
        assert_eq!(answer.header("etag"), Some(&format!("\"{version}\"")[..]));
    }
    assert!(first.json()["id"].as_str().unwrap().starts_with("rule-"));
    assert_eq!(shop.admin(get("/v1/rules")).json()["rules"].as_array().unwrap().len(), 1);
    let mut named = rule.clone();
    named["id"] = json!("own");
    make("k2", &named).expect(201);
    make("k3", &named).problem(409, "conflict");
    make("k2", &rule).expect(422);
}

#[test]
fn wrong_rules_are_refused_with_their_places() {
    let shop = stocked();
    let pointers = |rule: Value| -> Vec<String> {
        let problem = shop.admin(post("/v1/rules", &rule)).expect(422).json();
        let errors = problem["errors"].as_array().unwrap().iter();
        errors.map(|one| one["pointer"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(pointers(json!({})), ["/action"]);
    assert_eq!(pointers(json!({"action": {"type": "hide"}, "odd": 1})), ["/odd"]);
    assert_eq!(pointers(json!({"action": {"type": "pin", "position": 1}})), ["/select"]);
    let when = json!({"sites": ["elsewhere"]});
    assert_eq!(pointers(json!({"when": when, "action": {"type": "hide"}})), ["/when/sites/0"]);
    let when = json!({"strategies": ["best"]});
    assert_eq!(pointers(json!({"when": when, "action": {"type": "hide"}})), ["/when/strategies/0"]);
    let filter = json!({"select": {"filter": "price <"}, "action": {"type": "hide"}});
    shop.admin(post("/v1/rules", &filter)).problem(422, "invalid_filter");
    shop.admin(call("POST", "/v1/rules").text("application/json", "["))
        .problem(400, "malformed_json");
}

#[test]
fn an_answer_names_the_rules_and_says_why_not() {
    let shop = stocked();
    put(
        &shop,
        "no-two",
        &json!({"select": {"filter": "id = 'p2'"}, "action": {"type": "hide"}}),
        None,
    )
    .expect(201);
    let boost = json!({"when": {"placements": ["home"]}, "select": {"filter": "brand = 'Own'"}, "action": {"type": "boost", "factor": 5}});
    put(&shop, "own", &boost, None).expect(201);
    let asked =
        json!({"placement": "home", "explain": true, "explain_products": ["p2", "p19", "p0", "x"]});
    let answer = newest(&shop, asked.clone());
    assert_eq!(ids(&answer)[0], "p4", "{answer}");
    assert_eq!(answer["recommendations"][0]["moved"]["rules"][0]["id"], "own");
    let causes: Vec<&str> = answer["why_not"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["cause"].as_str().unwrap())
        .collect();
    assert_eq!(causes, ["rule", "shown", "shown", "unknown_product"], "{answer}");
    assert_eq!(answer["why_not"][0]["rule"]["id"], "no-two");
    // Elsewhere only what holds there.
    assert_eq!(ids(&newest(&shop, json!({"placement": "cart"}))), ["p0", "p1", "p3", "p4", "p5"]);
    let browser = shop.key(Role::StorefrontBrowser);
    shop.send(&post("/v1/recommendations", &asked).key(&browser)).problem(403, "denied");
    let batch = json!({"requests": [{"strategy": "new", "limit": 3}]});
    let batch = shop.admin(post("/v1/recommendations/batch", &batch)).expect(200).json();
    assert_eq!(ids(&batch["responses"][0]), ["p0", "p1", "p3"]);
    let many = json!({"explain_products": vec!["p1"; 21]});
    shop.admin(post("/v1/recommendations", &many)).problem(422, "invalid_input");
}

#[test]
fn a_preview_shows_both_lists_and_stores_nothing() {
    let shop = stocked();
    let body = json!({
        "rule": {"select": {"filter": "brand = 'Own'"}, "action": {"type": "reserve", "share": 0.4}},
        "request": {"strategy": "new", "limit": 5}
    });
    let merchandiser = shop.key(Role::Merchandiser);
    let preview =
        shop.send(&post("/v1/rules/preview", &body).key(&merchandiser)).expect(200).json();
    assert_eq!((&preview["matches"], &preview["unmet"]), (&json!(4), &Value::Null));
    assert_eq!(ids(&preview["before"]), ["p0", "p1", "p2", "p3", "p4"]);
    assert_eq!(ids(&preview["after"]), ["p0", "p1", "p4", "p2", "p9"]);
    let came =
        preview["moves"].as_array().unwrap().iter().find(|one| one["product_id"] == "p9").unwrap();
    assert_eq!((&came["from"], &came["to"]), (&Value::Null, &json!(5)));
    assert_eq!(came["rules"][0]["effect"], "reserve");
    assert_eq!(shop.admin(get("/v1/rules")).json(), json!({"rules": []}));
    let wrong =
        json!({"rule": {"action": {"type": "hide"}, "select": {"filter": ""}}, "at": "soon"});
    let problem = shop.admin(post("/v1/rules/preview", &wrong)).expect(422).json();
    assert_eq!(problem["errors"][0]["pointer"], "/at");
    let wrong = json!({"rule": {"action": {"type": "explode"}}});
    let problem = shop.admin(post("/v1/rules/preview", &wrong)).expect(422).json();
    assert_eq!(problem["errors"][0]["pointer"], "/rule/action/type");
    let wrong = json!({"rule": {"action": {"type": "hide"}}, "request": {"limit": 0}});
    let problem = shop.admin(post("/v1/rules/preview", &wrong)).expect(422).json();
    assert_eq!(problem["errors"][0]["pointer"], "/request/limit");
}

#[test]
fn a_rule_for_searches_is_tried_on_a_search() {
    let shop = stocked();
    crate::search::search(&shop, &json!({"query": "product"}));
    let merchandiser = shop.key(Role::Merchandiser);
    let preview = |body: &Value| {
        shop.send(&post("/v1/rules/preview", body).key(&merchandiser)).expect(200).json()
    };
    let places = |answer: &Value| -> Vec<String> {
        let hits = answer["hits"].as_array().unwrap().iter();
        hits.map(|one| one["product_id"].as_str().unwrap().to_owned()).collect()
    };
    let search = json!({"query": "product", "limit": 3});
    let pin = json!({"when": {"strategies": ["search"], "queries": ["product"]},
        "select": {"product_ids": ["p7"]}, "action": {"type": "pin", "position": 1}});
    let tried = preview(&json!({"rule": pin, "search": search}));
    assert_eq!((&tried["matches"], &tried["unmet"]), (&json!(1), &Value::Null), "{tried}");
    let (before, after) = (places(&tried["before"]), places(&tried["after"]));
    assert_ne!(before[0], "p7");
    assert_eq!((&*after[0], &after[1..]), ("p7", &before[..2]));
    assert_eq!(tried["moves"][0]["detail"], "pin of rule `draft`");
    let hide = json!({"select": {"product_ids": [before[0]]}, "action": {"type": "hide"}});
    let tried = preview(&json!({"rule": hide, "search": search}));
    assert_eq!(places(&tried["after"])[..2], before[1..]);
    let gone = tried["moves"].as_array().unwrap().last().unwrap().clone();
    assert_eq!((&gone["to"], &gone["detail"]), (&Value::Null, &json!("hide of rule `draft`")));
    // What is said beside the hits is shown too, and nowhere else.
    let sent =
        json!({"when": {"queries": ["^hours$"]}, "action": {"type": "redirect", "url": "/stores"}});
    let tried = preview(&json!({"rule": sent, "search": {"query": "hours"}}));
    assert_eq!(tried["before"]["redirect"], Value::Null);
    assert_eq!(tried["after"]["redirect"], json!({"url": "/stores"}));
    let unfit = preview(&json!({"rule": sent, "search": {"query": "product"}}));
    assert_eq!((&unfit["unmet"], &unfit["after"]["redirect"]), (&json!("queries"), &Value::Null));
    let banner = json!({"action": {"type": "banner", "title": "Sale"}});
    let tried = preview(&json!({"rule": banner, "search": search}));
    assert_eq!(tried["after"]["banners"][0]["title"], "Sale");
    assert_eq!(tried["matches"], Value::Null, "it means no products");
    let elsewhere = preview(&json!({"rule": banner, "request": {"strategy": "new"}}));
    assert_eq!(elsewhere["unmet"], "action");
    assert!(elsewhere["remedy"].as_str().unwrap().contains("`search`"), "{elsewhere}");
    assert_eq!(shop.admin(get("/v1/rules")).json(), json!({"rules": []}));
    let both = json!({"rule": banner, "search": search, "request": {}});
    let problem = shop.admin(post("/v1/rules/preview", &both)).expect(422).json();
    assert_eq!(problem["errors"][0]["pointer"], "/search");
    let wrong = json!({"rule": banner, "search": {"limit": 0}});
    let problem = shop.admin(post("/v1/rules/preview", &wrong)).expect(422).json();
    assert_eq!(problem["errors"][0]["pointer"], "/search/limit");
}

#[test]
fn a_filter_by_a_field_that_no_product_has_is_told() {
    let shop = stocked();
    crate::search::search(&shop, &json!({"query": "product"}));
    let rule = |filter: &str| json!({"select": {"filter": filter}, "action": {"type": "hide"}});
    let made = put(&shop, "good", &rule("brand = 'Own'"), None).expect(201).json();
    assert_eq!(made["warnings"], json!([]));
    let told = json!(["no product has a field `brnad`, which the filter asks for; `brand` is one"]);
    let made = put(&shop, "odd", &rule("brnad = 'Own'"), None).expect(201).json();
    assert_eq!(made["warnings"], told);
    // An answer can be sent again as it is.
    let version = format!("\"{}\"", made["version"].as_str().unwrap());
    let again = put(&shop, "odd", &made, Some(&version)).expect(200).json();
    assert_eq!(again["warnings"], told);
    let posted = shop.admin(post("/v1/rules", &rule("brnad EXISTS"))).expect(201).json();
    assert_eq!(posted["warnings"], told);
    let tried = json!({"rule": rule("brnad = 'Own'"), "search": {"query": "product"}});
    let tried = shop.admin(post("/v1/rules/preview", &tried)).expect(200).json();
    assert_eq!(tried["warnings"], told);
}

#[test]
fn rules_that_leave_nothing_are_set_aside_and_said() {
    let shop = stocked();
    put(&shop, "all", &json!({"action": {"type": "hide"}}), None).expect(201);
    let answer = newest(&shop, json!({}));
    assert_eq!(ids(&answer).len(), 5);
    assert_eq!(answer["warnings"][0]["code"], "rules_hid_everything");
    assert_eq!(answer["warnings"][0]["rules"], json!(["all"]));
}

#[test]
fn a_page_shows_nothing_twice() {
    let shop = stocked();
    let body = json!({"user_id": "u1", "context": {"channel": "web"}, "placements": [
        {"placement": "top", "strategy": "new", "limit": 3}, {"strategy": "new", "limit": 3}, {"strategy": "popular", "limit": 5}
    ]});
    let answer = shop.admin(post("/v1/recommendations/page", &body)).expect(200).json();
    let placements = answer["placements"].as_array().unwrap();
    assert_eq!(ids(&placements[0]), ["p0", "p1", "p2"]);
    assert_eq!(ids(&placements[1]), ["p3", "p4", "p5"]);
    assert!(
        ids(&placements[2])
            .iter()
            .all(|id| !["p0", "p1", "p2", "p3", "p4", "p5"].contains(&&id[..]))
    );
    let wrong = json!({"placements": [{}, {"limit": 0}]});
    let problem =
        shop.admin(post("/v1/recommendations/page", &wrong)).problem(422, "invalid_input");
    assert_eq!(problem["errors"][0]["pointer"], "/placements/1/limit");
    let many = json!({"placements": vec![json!({}); 21]});
    shop.admin(post("/v1/recommendations/page", &many)).problem(422, "too_many_items");
}
