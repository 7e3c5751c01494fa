use serde_json::{Value, json};
use souk_app::Role;

use crate::http::{call, get, post};
use crate::shop::Shop;

/// A shop where `u1` bought tea on three days and a browser looked at it.
fn stocked() -> Shop {
    let shop = Shop::open();
    let price = json!({"amount": 500, "currency": "USD"});
    shop.put_products(&json!([{"id": "tea", "title": "Tea", "brand": "Leaf", "price": price,
        "categories": ["Drinks > Tea"]}]));
    let order = |day: u32| {
        json!({"type": "track", "event": "Order Completed", "userId": "u1",
            "messageId": format!("o{day}"), "timestamp": format!("2026-01-{day:02}T10:00:00Z"),
            "properties": {"order_id": format!("o{day}"), "currency": "USD",
                "products": [{"product_id": "tea", "quantity": 2, "price": 5}]}})
    };
    let view = json!({"type": "track", "event": "Product Viewed", "anonymousId": "b1",
        "messageId": "v1", "properties": {"product_id": "tea"}});
    shop.admin(post("/v1/batch", &json!({"batch": [order(1), order(8), order(15), view]})))
        .expect(200);
    shop.wait_folded();
    shop
}

#[test]
fn a_profile_says_what_it_rests_on_or_why_it_is_silent() {
    let shop = stocked();
    let profile = shop.admin(get("/v1/subjects/u1/profile")).expect(200).json();
    assert_eq!((&profile["id"], &profile["allowed"]), (&json!("u1"), &json!(true)));
    assert_eq!(profile["orders"]["count"], 3);
    assert_eq!(profile["orders"]["spend"], json!({"amount": 3000, "currency": "USD"}));
    // Three orders are no fifths and no model.
    let rfm = &profile["rfm"];
    assert!(rfm["value"].is_null() && rfm["reason"].as_str().unwrap().contains("100"), "{rfm}");
    assert_eq!(rfm["evidence"]["orders"], 3);
    let alive = &profile["probability_alive"];
    assert!(
        alive["value"].is_null() && alive["reason"].as_str().unwrap().contains("50"),
        "{alive}"
    );
    let brand = &profile["brands"]["value"][0];
    assert_eq!(
        (&brand["name"], &brand["purchases"], &brand["share"]),
        (&json!("Leaf"), &json!(3), &json!(1))
    );
    // The last order is longer ago than two of the gaps, so the rhythm was given up.
    let tea = &profile["replenishment"];
    assert!(tea["value"].is_null() && tea["reason"].as_str().unwrap().contains("lately"), "{tea}");
    assert_eq!(tea["evidence"], json!({"products_in_rhythm": 0, "purchases": 3}));
    let stranger = shop.admin(get("/v1/subjects/nobody/profile")).expect(200).json();
    assert!(stranger["orders"].is_null() && stranger["segments"] == json!([]), "{stranger}");
    shop.admin(get("/v1/subjects/u1/profile?site=nowhere")).problem(422, "invalid_input");
    shop.admin(get("/v1/subjects/u1/profile?sites=main")).problem(422, "invalid_input");
}

#[test]
fn a_page_reads_the_profile_of_its_own_shopper_or_browser() {
    let shop = stocked();
    let key = shop.key(Role::StorefrontBrowser);
    let ask = |id: &str, token: Option<&str>| {
        let call = get(&format!("/v1/subjects/{id}/profile")).key(&key);
        shop.send(&match token {
            Some(token) => call.header("x-souk-shopper", token),
            None => call,
        })
    };
    let token = shop.app.make_shopper_token("u1", 60);
    ask("u1", None).problem(403, "denied");
    assert_eq!(ask("u1", Some(&token)).expect(200).json()["orders"]["count"], 3);
    ask("u2", Some(&token)).problem(403, "denied");
    let browser = ask("anonymous:b1", None).expect(200).json();
    assert!(browser["orders"].is_null(), "{browser}");
    // Joined with the shopper, the browser's id tells no more than before.
    let identify = json!({"userId": "u1", "anonymousId": "b1", "messageId": "i1"});
    shop.admin(post("/v1/identify", &identify)).expect(200);
    shop.wait_folded();
    assert!(ask("anonymous:b1", None).expect(200).json()["orders"].is_null());
    let server = shop.key(Role::StorefrontServer);
    let known = shop.send(&get("/v1/subjects/anonymous:b1/profile").key(&server));
    assert_eq!(known.expect(200).json()["orders"]["count"], 3);
}

/// Imports from other systems know customers without a number by their e-mail address, which others know too.
#[test]
fn an_address_lets_no_page_near_the_customer() {
    let shop = stocked();
    let order = json!({"type": "track", "event": "Order Completed", "anonymousId": "anna@shop.example",
        "messageId": "a1", "timestamp": "2026-01-15T10:00:00Z",
        "properties": {"order_id": "a1", "products": [{"product_id": "tea", "quantity": 1}]}});
    shop.admin(post("/v1/batch", &json!({"batch": [order]}))).expect(200);
    shop.wait_folded();
    let page = shop.key(Role::StorefrontBrowser);
    let server = shop.key(Role::StorefrontServer);
    let profile = |key: &str| {
        let call = get("/v1/subjects/anonymous:anna@shop.example/profile").key(key);
        shop.send(&call).expect(200).json()
    };
    assert_eq!(profile(&server)["orders"]["count"], 1);
    assert!(profile(&page)["orders"].is_null());
    let bought = |key: &str| {
        let body = json!({"anonymous_id": "anna@shop.example", "strategy": "buy_again"});
        let answer = shop.send(&post("/v1/recommendations", &body).key(key)).expect(200).json();
        answer["recommendations"].as_array().unwrap().len()
    };
    assert_eq!((bought(&server), bought(&page)), (1, 0));
    // What a page says in that name is about somebody else.
    let no = json!({"personalization": false});
    let path = "/v1/subjects/anonymous:anna@shop.example/consents";
    let put = call("PUT", path).json(&json!({"purposes": no})).key(&page);
    shop.send(&put).expect(200);
    let staff =
        json!({"anonymousId": "anna@shop.example", "messageId": "s1", "traits": {"staff": true}});
    shop.send(&post("/v1/identify", &staff).key(&shop.key(Role::IngestBrowser))).expect(200);
    shop.wait_folded();
    assert_eq!((bought(&server), profile(&server)["allowed"].clone()), (1, json!(true)));
}

#[test]
fn segments_are_made_listed_replaced_and_deleted() {
    let shop = stocked();
    let merchandiser = shop.key(Role::Merchandiser);
    let body =
        json!({"key": "tea", "name": "Tea drinkers", "filter": "bought = 'tea' AND orders >= 3"});
    let made = shop.send(&post("/v1/segments", &body).key(&merchandiser)).expect(201).json();
    assert_eq!((&made["key"], &made["built_in"]), (&json!("tea"), &json!(false)));
    shop.send(&post("/v1/segments", &body).key(&merchandiser)).problem(409, "conflict");
    let wrong = json!({"key": "x", "filter": "orders >= 3 AND brand = 'Leaf'"});
    let problem = shop.send(&post("/v1/segments", &wrong).key(&merchandiser));
    let problem = problem.problem(422, "invalid_segment");
    assert_eq!(problem["errors"][0]["pointer"], "/filter");
    assert!(problem["errors"][0]["detail"].as_str().unwrap().contains("character 17"), "{problem}");
    let change = json!({"filter": "bought = 'tea'"});
    let put = call("PUT", "/v1/segments/tea").json(&change).key(&merchandiser);
    assert_eq!(shop.send(&put).expect(200).json()["filter"], "bought = 'tea'");
    let analyst = shop.key(Role::Analyst);
    let list = shop.send(&get("/v1/segments").key(&analyst)).expect(200).json();
    let keys: Vec<&str> = list["segments"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["key"].as_str().unwrap())
        .collect();
    assert!(
        keys.contains(&"champions") && keys.contains(&"likely_to_churn") && keys.contains(&"tea")
    );
    let profile = shop.admin(get("/v1/subjects/u1/profile")).expect(200).json();
    assert_eq!(profile["segments"], json!(["tea"]));
    let members = shop.admin(get("/v1/segments/tea/members?limit=5")).expect(200).json();
    assert_eq!(members["members"].as_array().unwrap().len(), 1);
    assert!(members["cursor"].is_null(), "{members}");
    shop.admin(get("/v1/segments/tea/members?cursor=zz")).problem(422, "invalid_input");
    shop.admin(get("/v1/segments/tea/members?limit=5000")).problem(422, "invalid_limit");
    shop.admin(call("DELETE", "/v1/segments/champions")).problem(409, "conflict");
    shop.admin(call("DELETE", "/v1/segments/tea")).expect(204);
    shop.admin(get("/v1/segments/tea")).problem(404, "not_found");
    let log = shop.admin(get("/v1/audit?operation=segment")).expect(200).json();
    let of = |entry: &Value| entry["operation"].as_str().unwrap_or_default().to_owned();
    let operations: Vec<String> = log["entries"].as_array().unwrap().iter().map(of).collect();
    assert_eq!(
        operations,
        ["segment.delete", "segment.members", "segment.change", "segment.change"]
    );
}

#[test]
fn an_audience_of_a_shop_without_sales_says_why_there_is_none() {
    let shop = stocked();
    shop.admin(get("/v1/products/tea/audience")).problem(503, "not_ready");
    shop.admin(get("/v1/products/coffee/audience")).problem(404, "not_found");
    shop.admin(get("/v1/audience?category=Tea")).problem(503, "not_ready");
    shop.admin(get("/v1/audience?category=Coffee")).problem(404, "not_found");
    shop.admin(get("/v1/audience")).problem(422, "invalid_input");
}
