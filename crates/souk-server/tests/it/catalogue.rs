use serde_json::{Value, json};
use souk_app::Role;

use crate::http::{call, get};
use crate::shop::Shop;

fn bread() -> Value {
    json!({
        "id": "p1", "title": "Rye Bread", "brand": "Private", "categories": ["Grocery > Bakery > Bread"],
        "price": {"amount": 1299, "currency": "USD"}, "cost": {"amount": 700, "currency": "USD"},
        "attributes": {"size": "1 kg", "slices": 12}, "tags": ["fresh"]
    })
}

#[test]
fn a_product_can_be_stored_read_changed_and_removed() {
    let shop = Shop::open();
    let answer = shop.put_products(&json!([bread()]));
    assert_eq!(answer, json!({"accepted": 1, "rejected": []}));
    let read = shop.admin(get("/v1/products/p1")).expect(200).json();
    assert_eq!(read["title"], "Rye Bread");
    assert_eq!(read["cost"], json!({"amount": 700, "currency": "USD"}));
    assert_eq!(read["attributes"], json!({"size": "1 kg", "slices": 12}));

    let change = json!({"price": {"amount": 999, "currency": "USD"}, "brand": null});
    let changed = shop.admin(call("PATCH", "/v1/products/p1").json(&change)).expect(200).json();
    assert_eq!(changed["price"]["amount"], 999);
    assert!(changed.get("brand").is_none_or(Value::is_null));
    assert_eq!(shop.admin(get("/v1/products/p1")).expect(200).json(), changed);

    shop.admin(call("DELETE", "/v1/products/p1")).expect(204);
    shop.admin(get("/v1/products/p1")).problem(404, "not_found");
    shop.admin(call("DELETE", "/v1/products/p1")).problem(404, "not_found");
    shop.admin(call("PATCH", "/v1/products/p1").json(&json!({}))).problem(404, "not_found");
}

#[test]
fn what_the_shop_pays_is_hidden_from_storefronts() {
    let shop = Shop::open();
    shop.put_products(&json!([bread()]));
    for role in [Role::StorefrontBrowser, Role::StorefrontServer] {
        let key = shop.key(role);
        let read = shop.send(&get("/v1/products/p1").key(&key)).expect(200);
        assert!(!read.text().contains("cost"), "{}", read.text());
        let list = shop.send(&get("/v1/products").key(&key)).expect(200);
        assert!(!list.text().contains("cost"), "{}", list.text());
    }
    let key = shop.key(Role::Analyst);
    assert!(shop.send(&get("/v1/products/p1").key(&key)).expect(200).text().contains("cost"));
}

#[test]
fn good_products_are_kept_and_bad_ones_named() {
    let shop = Shop::open();
    let bad_price = json!({"id": "p2", "title": "x", "price": {"amount": -1, "currency": "USD"}});
    let bad_currency = json!({"id": "p3", "title": "x", "price": {"amount": 1, "currency": "XQQ"}});
    let answer = shop.put_products(&json!([bad_price, bread(), bad_currency, {"title": "no id"}]));
    assert_eq!(answer["accepted"], 1);
    let rejected = answer["rejected"].as_array().unwrap();
    let places: Vec<_> = rejected.iter().map(|r| (r["index"].as_u64(), r["id"].as_str())).collect();
    assert_eq!(places, [(Some(0), Some("p2")), (Some(2), Some("p3")), (Some(3), None)]);
    for (rejection, words) in
        rejected.iter().zip([["price", "-1"], ["currency", "XQQ"], ["id", "missing"]])
    {
        let detail = rejection["detail"].as_str().unwrap();
        assert!(words.iter().all(|word| detail.contains(word)), "{detail}");
    }
}

#[test]
fn when_no_product_is_good_the_request_fails_with_pointers() {
    let shop = Shop::open();
    let bad = json!({"products": [{"id": "p2", "title": "x", "price": {"amount": -1, "currency": "USD"}}]});
    let problem =
        shop.admin(call("PUT", "/v1/products").json(&bad)).problem(422, "invalid_product");
    assert_eq!(problem["errors"][0]["pointer"], "/products/0/price/amount");
    assert_eq!(problem["rejected"][0]["id"], "p2");
    let twice = json!([{"id": "v"}, {"id": "v"}]);
    let product = json!({"id": "p", "title": "t", "variants": twice});
    shop.admin(call("PUT", "/v1/products").json(&json!({"products": [product]}))).expect(409);
    shop.admin(call("PATCH", "/v1/products/p").json(&json!({"variants": twice}))).expect(409);
    let odd = json!({"products": "x"});
    let problem = shop.admin(call("PUT", "/v1/products").json(&odd)).problem(422, "invalid_input");
    assert_eq!(problem["errors"][0]["pointer"], "/products");
    let many: Vec<Value> =
        (0..5_001).map(|n| json!({"id": format!("p{n}"), "title": "t"})).collect();
    let problem = shop
        .admin(call("PUT", "/v1/products").json(&json!({"products": many})))
        .problem(422, "too_many_items");
    assert!(problem["detail"].as_str().unwrap().contains("5001"));
    shop.admin(get("/v1/products/p1")).problem(404, "not_found");
}

#[test]
fn products_come_as_lines_too() {
    let shop = Shop::open();
    let lines = format!("{}\n\n{{broken\n{}\n", bread(), json!({"id": "p2", "title": "Milk"}));
    let answer = shop.admin(call("PUT", "/v1/products").text("application/x-ndjson", &lines));
    let answer = answer.expect(200).json();
    assert_eq!(answer["accepted"], 2);
    assert_eq!(answer["rejected"][0]["index"], 1);
    assert!(answer["rejected"][0]["detail"].as_str().unwrap().contains("not JSON"));
}

#[test]
fn the_list_pages_and_filters() {
    let shop = Shop::open();
    let products: Vec<Value> = (0..25)
        .map(|n| json!({"id": format!("p{n:02}"), "title": "t", "price": {"amount": n * 100, "currency": "USD"}}))
        .collect();
    assert_eq!(shop.put_products(&json!(products))["accepted"], 25);
    let mut seen = Vec::new();
    let mut path = "/v1/products?limit=10".to_owned();
    for _ in 0..9 {
        let page = shop.admin(get(&path)).expect(200).json();
        let ids = page["products"].as_array().unwrap().iter();
        seen.extend(ids.map(|p| p["id"].as_str().unwrap().to_owned()));
        match page["cursor"].as_str() {
            Some(cursor) => path = format!("/v1/products?limit=10&cursor={cursor}"),
            None => break,
        }
    }
    let expected: Vec<String> = (0..25).map(|n| format!("p{n:02}")).collect();
    assert_eq!(seen, expected);
    let cheap = shop.admin(get("/v1/products?filter=price%20%3C%203")).expect(200).json();
    assert_eq!(cheap["products"].as_array().unwrap().len(), 3);
    let problem = shop.admin(get("/v1/products?filter=price%20%3C")).problem(422, "invalid_filter");
    assert!(problem["detail"].as_str().unwrap().contains("character"), "{problem}");
    shop.admin(get("/v1/products?limit=0")).problem(422, "invalid_input");
    shop.admin(get("/v1/products?limit=1001")).problem(422, "invalid_input");
}

#[test]
fn ids_may_be_any_text() {
    let shop = Shop::open();
    let odd = "a/b c?d#e%é漢😀\"\\";
    shop.put_products(&json!([{"id": odd, "title": "t"}]));
    let escaped: String = odd.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let read = shop.admin(get(&format!("/v1/products/{escaped}"))).expect(200).json();
    assert_eq!(read["id"], odd);
    let list = shop.admin(get("/v1/products?limit=1")).expect(200).json();
    assert_eq!(list["products"][0]["id"], odd);
    shop.admin(call("DELETE", &format!("/v1/products/{escaped}"))).expect(204);
}

#[test]
fn a_new_product_is_recommended_and_a_removed_one_is_not() {
    let shop = Shop::open();
    shop.put_products(&json!([bread()]));
    let answer = shop.recommend(&json!({"strategy": "new"}));
    assert_eq!(answer["recommendations"][0]["product_id"], "p1");
    assert!(answer["recommendations"][0]["product"].get("cost").is_none());
    shop.admin(call("DELETE", "/v1/products/p1")).expect(204);
    let answer = shop.recommend(&json!({"strategy": "new"}));
    assert_eq!(answer["recommendations"], json!([]));
}
