use std::time::{Duration, Instant};

use serde_json::{Value, json};
use souk_app::Role;

use crate::http::{call, get, post};
use crate::shop::{Setup, Shop};

fn stocked() -> Shop {
    let shop = Shop::open();
    let lamp = |n: u32| {
        json!({"id": format!("p{n}"), "title": format!("Desk lamp {n}"), "brand": if n.is_multiple_of(2) { "Lux" } else { "Hell" },
            "price": {"amount": n * 100, "currency": "USD"}, "cost": {"amount": 50, "currency": "USD"},
            "attributes": {"color": if n.is_multiple_of(3) { "red" } else { "black" }}})
    };
    let mut products: Vec<Value> = (1..=20).map(lamp).collect();
    products.push(json!({"id": "chair", "title": "Garden chair <wood>"}));
    shop.put_products(&json!(products));
    shop.wait_folded();
    shop
}

/// Searches as soon as the index holds what was put in.
pub(crate) fn search(shop: &Shop, body: &Value) -> Value {
    let began = Instant::now();
    loop {
        let reply = shop.admin(post("/v1/search", body));
        let is_there = reply.status == 200 && !reply.json()["hits"].as_array().unwrap().is_empty();
        if is_there || began.elapsed() > Duration::from_secs(30) {
            return reply.expect(200).json();
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn an_answer_has_the_shape_of_the_contract() {
    let shop = stocked();
    let answer = search(
        &shop,
        &json!({"query": "desk lamp under 15", "facets": ["brand", {"field": "price", "bounds": [0, 5, 10, 20]}],
            "filter": "brand = 'Lux'", "limit": 3, "user_id": "u1", "locale": "en-US", "mode": "auto", "explain": true}),
    );
    assert_eq!(answer["total"], 7, "{answer}");
    let hits = answer["hits"].as_array().unwrap();
    assert_eq!(hits.len(), 3);
    for hit in hits {
        assert_eq!(hit["product"]["id"], hit["product_id"]);
        assert!(hit["product"].get("cost").is_none(), "{hit}");
        let title = hit["highlights"]["title"].as_str().unwrap();
        assert!(title.starts_with("<em>Desk</em> <em>lamp</em> "), "{title}");
        let parts =
            ["text", "title", "availability", "popularity", "preference", "category", "personal"];
        let product: f64 =
            parts.iter().map(|part| hit["explanation"][part].as_f64().unwrap()).product();
        let score = hit["score"].as_f64().unwrap();
        assert!((product / score - 1.0).abs() < 1e-5, "{hit}");
    }
    let brands = answer["facets"]["brand"]["values"].as_array().unwrap();
    assert_eq!(brands.len(), 2, "the choice of a brand does not hide the others: {answer}");
    let ranges = answer["facets"]["price"]["numbers"]["ranges"].as_array().unwrap();
    assert_eq!(ranges.len(), 3, "{answer}");
    let query = &answer["query"];
    assert_eq!((&query["corrected"], &query["language"]), (&Value::Null, &json!("en")));
    assert_eq!(query["filters_understood"][0]["effect"], "filtered", "{answer}");
    assert!(answer["took_ms"].as_f64().unwrap() > 0.0 && answer["request_id"].is_string());
    let next = search(
        &shop,
        &json!({"query": "desk lamp under 15", "filter": "brand = 'Lux'", "limit": 5, "cursor": answer["cursor"], "locale": "en-US"}),
    );
    let ids = |answer: &Value| -> Vec<Value> {
        let hits = answer["hits"].as_array().unwrap().iter();
        hits.map(|hit| hit["product_id"].clone()).collect()
    };
    assert!(ids(&next).len() == 4 && ids(&next).iter().all(|id| !ids(&answer).contains(id)));
    assert!(next["cursor"].is_null() && next["hits"][0]["explanation"].is_null());
    // What sells is not for everybody who reads the page's key.
    let page = post("/v1/search", &json!({"query": "lamp", "explain": true}));
    let page = shop.send(&page.key(&shop.key(Role::StorefrontBrowser))).expect(200).json();
    assert!(page["hits"][0]["explanation"].is_null(), "{page}");
    let literal = search(&shop, &json!({"query": "desk lamp under 15", "understand": false}));
    assert_eq!(literal["query"]["filters_understood"], json!([]));
}

#[test]
fn what_a_shopper_types_is_never_an_error() {
    let shop = stocked();
    search(&shop, &json!({"query": "lamp"}));
    for query in
        ["", "   ", "\"", "!!!", "%_*", "ÄÖÜß 漢字 🛋", "a", "0", "--", "lamp AND (", "\u{0}"]
    {
        let answer = shop.admin(post("/v1/search", &json!({"query": query}))).expect(200).json();
        assert!(answer["hits"].is_array(), "{query}");
    }
    let bare =
        json!({"query": "lamp", "facets": ["no_such_field", "brand"], "sort": "published_at:desc"});
    let bare = shop.admin(post("/v1/search", &bare)).expect(200).json();
    assert_eq!(bare["facets"]["no_such_field"]["values"], json!([]), "{bare}");
    assert_eq!((&bare["facets"]["brand"]["n_values"], &bare["total"]), (&json!(2), &json!(20)));
    let all = search(&shop, &json!({"sort": "price:desc", "limit": 2}));
    assert_eq!((&all["total"], &all["hits"][0]["product_id"]), (&json!(21), &json!("p20")));
    let safe = search(&shop, &json!({"query": "chair"}));
    assert_eq!(safe["hits"][0]["highlights"]["title"], "Garden <em>chair</em> &lt;wood&gt;");
}

#[test]
fn every_fault_of_a_search_is_named() {
    let shop = stocked();
    search(&shop, &json!({"query": "lamp"}));
    let many: Vec<&str> = vec!["brand"; 21];
    for (body, code, pointer) in [
        (json!({"limit": 0}), "invalid_input", "/limit"),
        (json!({"limit": 101}), "invalid_input", "/limit"),
        (json!({"query": "x".repeat(513)}), "invalid_input", "/query"),
        (json!({"mode": "semantic"}), "invalid_search", "/mode"),
        (json!({"sort": "price:up"}), "invalid_input", "/sort"),
        (json!({"sort": "no_such_field"}), "invalid_search", "/sort"),
        (json!({"facets": many}), "invalid_input", "/facets"),
        (
            json!({"facets": [{"field": "price", "bounds": [3, 2]}]}),
            "invalid_input",
            "/facets/0/bounds",
        ),
        (json!({"facets": [{"field": "brand", "limit": 0}]}), "invalid_input", "/facets/0/limit"),
        (json!({"filter": "price <"}), "invalid_filter", "/filter"),
        (json!({"cursor": "p1.0"}), "invalid_search", "/cursor"),
        (json!({"cursor": "zz"}), "invalid_search", "/cursor"),
        (json!({"site": "nowhere"}), "invalid_input", "/site"),
    ] {
        let problem = shop.admin(post("/v1/search", &body)).problem(422, code);
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{body}: {problem}");
    }
    for query in ["q=a&limit=0", "q=a&limit=21", "limit=3", "q=a&site=nowhere"] {
        let reply = shop.admin(get(&format!("/v1/search/suggest?{query}")));
        assert_eq!(reply.status, 422, "{query}");
    }
}

#[test]
fn suggestions_have_the_shape_of_the_contract() {
    let shop = stocked();
    search(&shop, &json!({"query": "lamp"}));
    let key = shop.key(Role::StorefrontBrowser);
    let answer = shop.send(&get("/v1/search/suggest?q=des&limit=3").key(&key)).expect(200).json();
    assert_eq!(answer["queries"][0], json!({"text": "desk", "count": 20}), "{answer}");
    assert_eq!(answer["products"].as_array().unwrap().len(), 3);
    let title = answer["products"][0]["highlights"]["title"].as_str().unwrap();
    assert!(title.starts_with("<em>Desk</em> lamp"), "{title}");
    for kind in ["categories", "brands"] {
        assert!(answer[kind].is_array());
    }
}

#[test]
fn synonyms_are_put_as_a_whole_and_hold_at_once() {
    let shop = stocked();
    search(&shop, &json!({"query": "lamp"}));
    let total = |query: &str| {
        let reply = shop.admin(post("/v1/search", &json!({"query": query}))).expect(200).json();
        reply["total"].as_u64().unwrap()
    };
    assert_eq!((total("luminaire"), total("seat")), (0, 0));
    let sets = json!({"synonyms": [{"words": ["luminaire", "lamp"]}, {"from": "seat", "to": ["garden chair", "stool"]}]});
    let put = |body: &Value| call("PUT", "/v1/search/synonyms").json(body);
    shop.admin(put(&sets)).expect(204);
    assert_eq!((total("luminaire"), total("lamp"), total("seat")), (20, 20, 1));
    assert_eq!(shop.admin(get("/v1/search/synonyms")).expect(200).json(), sets);
    // What comes later is found by them too, and one that is wrong changes nothing.
    let wrong = json!({"synonyms": [{"words": ["a", "b"]}, {"words": ["alone"]}, {"from": "!!", "to": ["x"]}]});
    let problem = shop.admin(put(&wrong)).problem(422, "invalid_input");
    let pointers: Vec<&str> = problem["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["pointer"].as_str().unwrap())
        .collect();
    assert_eq!(pointers, ["/synonyms/1/words", "/synonyms/2/from"]);
    assert_eq!(total("luminaire"), 20);
    shop.admin(put(&json!({"synonyms": []}))).expect(204);
    assert_eq!(total("luminaire"), 0);
}

#[test]
fn several_searches_are_answered_in_their_order_and_one_wrong_refuses_all() {
    let shop = stocked();
    search(&shop, &json!({"query": "lamp"}));
    let ask = |body: &Value| shop.admin(post("/v1/search/batch", body));
    let both = json!({"searches": [{"query": "lamp", "limit": 2}, {"query": "chair"}]});
    let answers = ask(&both).expect(200).json()["answers"].clone();
    assert_eq!(
        (&answers[0]["total"], answers[0]["hits"].as_array().unwrap().len()),
        (&json!(20), 2)
    );
    assert_eq!(answers[1]["hits"][0]["product_id"], "chair");
    assert_eq!(ask(&json!({"searches": []})).expect(200).json(), json!({"answers": []}));
    let wrong = json!({"searches": [{"query": "lamp"}, {"query": "lamp", "limit": 0}]});
    let problem = ask(&wrong).expect(422).json();
    assert_eq!(problem["errors"][0]["pointer"], "/searches/1/limit", "{problem}");
    let sorted = json!({"searches": [{"query": "lamp", "sort": "no_such_field:asc"}]});
    let problem = ask(&sorted).expect(422).json();
    assert_eq!(problem["errors"][0]["pointer"], "/searches/0/sort", "{problem}");
    let many = vec![json!({"query": "lamp"}); 11];
    let problem = ask(&json!({"searches": many})).expect(422).json();
    assert_eq!(problem["code"], "too_many_items", "{problem}");
}

#[test]
fn a_report_of_searches_has_the_shape_of_the_contract() {
    let shop = stocked();
    search(&shop, &json!({"query": "lamp", "user_id": "u1"}));
    let report = |query: &str| shop.admin(get(&format!("/v1/search/analytics{query}")));
    let answer = report("?kind=no_results&limit=5").expect(200).json();
    assert_eq!(answer["people_min"], 20);
    assert_eq!(answer["queries"], json!([]), "one person is no crowd: {answer}");
    let nothing =
        json!({"searches": null, "no_results": null, "click_through": null, "conversion": null});
    assert_eq!(answer["all"], nothing);
    assert!(answer["latency"].is_null() && answer["anonymous_searches"].is_null(), "{answer}");
    for (query, status) in [
        ("?from=2026-01-02&to=2026-01-01", 422),
        ("?limit=1001", 422),
        ("?from=soon", 422),
        ("?site=nowhere", 422),
    ] {
        report(query).expect(status);
    }
    assert!(report("?kind=odd").status >= 400);
}

#[test]
fn a_redirect_and_a_banner_come_with_the_answer() {
    let shop = stocked();
    search(&shop, &json!({"query": "lamp"}));
    let redirect = json!({"id": "hours", "when": {"queries": ["^opening hours$"]},
        "action": {"type": "redirect", "url": "/stores"}});
    let banner = json!({"id": "week", "when": {"queries": ["lamp"]},
        "action": {"type": "banner", "title": "Lamps", "image_url": "/lamps.png"}});
    for rule in [&redirect, &banner] {
        shop.admin(post("/v1/rules", rule)).expect(201);
    }
    let sent =
        shop.admin(post("/v1/search", &json!({"query": "Opening hours"}))).expect(200).json();
    assert_eq!((&sent["redirect"], &sent["banners"]), (&json!({"url": "/stores"}), &json!([])));
    let shown = search(&shop, &json!({"query": "lamp"}));
    let wanted = json!([{"title": "Lamps", "text": null, "url": null, "image_url": "/lamps.png"}]);
    assert_eq!((&shown["redirect"], &shown["banners"]), (&Value::Null, &wanted));
}

#[test]
fn several_searches_become_one_list() {
    let shop = stocked();
    search(&shop, &json!({"query": "lamp"}));
    let ask = |body: &Value| shop.admin(post("/v1/search/batch", body));
    let searches = json!([{"query": "lamp", "sort": "price:desc", "limit": 3}, {"query": "chair"}]);
    let body =
        json!({"searches": searches, "merge": {"weights": [1.0, 0.7], "limit": 2, "offset": 1}});
    let answer = ask(&body).expect(200).json();
    let hits = answer["merged"]["hits"].as_array().unwrap();
    let ids: Vec<&str> =
        hits.iter().map(|one| one["hit"]["product_id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["chair", "p19"], "behind the dearest lamp: {answer}");
    assert_eq!((&hits[0]["searches"], &hits[0]["score"]), (&json!([1]), &json!(0.7)));
    assert_eq!(hits[0]["request_id"], answer["answers"][1]["request_id"]);
    assert_eq!(hits[0]["hit"]["product"]["id"], "chair");
    assert_eq!(answer["merged"]["total"], 4);
    assert_eq!(answer["answers"][0]["total"], 20);
    assert_eq!(answer["answers"][0]["hits"], json!([]));
    for (merge, pointer) in [
        (json!({"limit": 0}), "/merge/limit"),
        (json!({"offset": 1001}), "/merge/offset"),
        (json!({"weights": [1, 2, 3]}), "/merge/weights"),
        (json!({"weights": [1, -1]}), "/merge/weights/1"),
    ] {
        let problem = ask(&json!({"searches": searches, "merge": merge})).expect(422).json();
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{problem}");
    }
    let paged = json!({"searches": [{"query": "lamp", "cursor": "1.2"}], "merge": {}});
    assert_eq!(ask(&paged).expect(422).json()["errors"][0]["pointer"], "/searches/0/cursor");
}

#[test]
fn a_batch_costs_as_many_requests_as_it_holds() {
    let settings = "limits: {storefront_server: {per_s: 1, burst: 10}}";
    let shop = Shop::with(Setup { settings, ..Setup::default() });
    shop.put_products(&json!([{"id": "p", "title": "Lamp"}]));
    shop.wait_folded();
    let key = shop.key(Role::StorefrontServer);
    let batch = |n: usize| {
        let body = json!({"searches": vec![json!({"query": "lamp"}); n]});
        shop.send(&post("/v1/search/batch", &body).key(&key)).status
    };
    search(&shop, &json!({"query": "lamp"}));
    assert_eq!((batch(10), batch(10)), (200, 429));
    // What was refused cost the one request that let it in.
    let queries = json!({"queries": vec![json!({"indexUid": "main"}); 10]});
    shop.send(&post("/meilisearch/multi-search", &queries).key(&key)).expect(429);
}

#[test]
fn a_search_around_a_place_says_how_far_off_hits_are() {
    let settings = "locations: [{id: north, latitude: 49, longitude: 16}]";
    let shop = Shop::with(Setup { settings, ..Setup::default() });
    shop.put_products(&json!([
        {"id": "a", "title": "Tea", "attributes": {"_geo.lat": 48, "_geo.lng": 16}},
        {"id": "b", "title": "Tea"}, {"id": "c", "title": "Tea"}]));
    let counted = json!({"type": "track", "event": "Stock Counted", "properties":
        {"product_id": "b", "location_id": "north", "quantity": 1}});
    shop.admin(post("/v1/batch", &json!({ "batch": [counted] }))).expect(200);
    let around = json!({"lat": 48, "lon": 16});
    let body = json!({"query": "tea", "around": around, "sort": "distance:asc"});
    shop.wait_folded();
    let answer = search(&shop, &body);
    let distances: Vec<&Value> =
        answer["hits"].as_array().unwrap().iter().map(|hit| &hit["distance"]).collect();
    assert_eq!(
        distances,
        [
            &json!({"km": 0.0, "location_id": null}),
            &json!({"km": 111.195, "location_id": "north"}),
            &Value::Null
        ]
    );
    let refused = |around: Value| {
        let body = json!({"query": "tea", "around": around});
        shop.admin(post("/v1/search", &body)).expect(422).json()["errors"][0]["pointer"].clone()
    };
    assert_eq!(refused(json!({"lat": 91, "lon": 0})), "/around/lat");
    assert_eq!(refused(json!({"lat": 0, "lon": -181})), "/around/lon");
    assert_eq!(refused(json!({"lat": 0, "lon": 0, "radius_km": 0})), "/around/radius_km");
}
