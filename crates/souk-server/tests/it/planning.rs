use serde_json::{Value, json};
use souk_app::Role;
use souk_core::{Day, Timestamp};

use crate::http::{Reply, get, post};
use crate::shop::{Setup, Shop};

fn day(days_ago: i32) -> String {
    let now = souk_app::Clock::system().now();
    let today = now.as_ms().div_euclid(86_400_000) as i32;
    Day::from_number(today - days_ago).to_string()
}

/// Ninety days of sales, a count and a supplier, all over HTTP.
fn stocked() -> Shop {
    let settings = "sites: [{id: main, currency: USD, time_zone: UTC}]";
    let shop = Shop::with(Setup { settings, ..Setup::default() });
    shop.put_products(
        &json!([{"id": "tea", "title": "Green tea", "price": {"amount": 500, "currency": "USD"}}]),
    );
    let sold: Vec<Value> = (1..=90)
        .map(|ago| {
            json!({"type": "track", "event": "Order Completed", "userId": "u", "messageId": format!("m{ago}"),
                "timestamp": format!("{}T12:00:00Z", day(ago)), "properties": {"order_id": format!("o{ago}"),
                "location_id": "berlin", "products": [{"product_id": "tea", "quantity": 8 + ago % 5, "price": 5}]}})
        })
        .collect();
    let server = shop.key(Role::IngestServer);
    shop.send(&post("/v1/batch", &json!({"batch": sold})).key(&server)).expect(200);
    let now = Timestamp::from_ms(souk_app::Clock::system().now().as_ms() - 1_000).unwrap();
    let count = json!({"type": "track", "event": "Stock Counted", "timestamp": now.to_string(),
        "properties": {"product_id": "tea", "location_id": "berlin", "quantity": 30, "lot": "L1",
        "expires_on": "2031-01-31"}});
    shop.send(&post("/v1/batch", &json!({"batch": [count]})).key(&server)).expect(200);
    shop.wait_folded();
    shop
}

fn planner(shop: &Shop) -> impl Fn(crate::http::Call) -> Reply + '_ {
    let key = shop.key(Role::Planner);
    move |call| shop.send(&call.key(&key))
}

#[test]
fn sales_in_purchase_order_out() {
    let shop = stocked();
    let ask = planner(&shop);
    let stock = ask(get("/v1/stock?location_id=berlin")).expect(200).json();
    assert_eq!(stock["stock"][0]["quantity"], 30.0);
    assert_eq!(stock["stock"][0]["expires_on"], "2031-01-31");
    let body = json!({"product_id": "tea", "location_id": "berlin", "horizon_days": 14, "levels": [0.8, 0.95]});
    let forecast = ask(post("/v1/forecasts", &body)).expect(200).json();
    assert_eq!(forecast["forecast_period"], 14);
    assert_eq!(forecast["predicted_demand"]["daily"][0]["date"], day(0));
    assert_eq!(forecast["confidence_interval"]["level"], 0.95);
    let total = forecast["predicted_demand"]["total"].as_f64().unwrap();
    assert!((110.0..170.0).contains(&total), "{total}");
    let supplier = json!({"id": "leaf", "lead_time_days": 3, "offers": [{"product_id": "tea", "multiple": 12,
        "price": {"amount": 250, "currency": "USD"}}]});
    let put = crate::http::call("PUT", "/v1/suppliers").json(&json!({"suppliers": [supplier]}));
    assert_eq!(ask(put).expect(200).json(), json!({"stored": 1}));
    let plan = ask(get("/v1/replenishment?location_id=berlin")).expect(200).json();
    let line = &plan["lines"][0];
    assert_eq!((&line["product_id"], &line["supplier_id"]), (&json!("tea"), &json!("leaf")));
    let quantity = line["quantity"].as_f64().unwrap();
    assert!(quantity > 0.0 && quantity % 12.0 == 0.0, "{line}");
    assert_eq!(line["cost"]["amount"].as_f64().unwrap(), quantity * 250.0);
    assert_eq!(plan["proposals"][0]["approved_by_rule"], false);
    assert_eq!(plan["alarms"], json!([]));
    // The same key with the same body makes one order.
    let order = json!({"supplier_id": "leaf", "location_id": "berlin",
        "lines": [{"product_id": "tea", "quantity": quantity}]});
    let make = || ask(post("/v1/purchase_orders", &order).header("idempotency-key", "k1"));
    let made = make().expect(201);
    assert_eq!(made.header("etag"), Some("\"1\""));
    let made = made.json();
    let again = make();
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    assert_eq!(again.header("etag"), Some("\"1\""));
    assert_eq!(again.json(), made);
    let id = made["id"].as_str().unwrap();
    let after = ask(get("/v1/replenishment?location_id=berlin")).expect(200).json();
    assert_eq!(after["lines"], json!([]), "what is ordered is not proposed again");
    let path = format!("/v1/purchase_orders/{id}/state");
    let to = |state: &str| ask(post(&path, &json!({"state": state})));
    to("received").problem(409, "conflict");
    for state in ["approved", "sent", "received"] {
        assert_eq!(to(state).expect(200).json()["state"], state);
    }
    assert_eq!(
        ask(get(&format!("/v1/purchase_orders/{id}"))).expect(200).json()["state"],
        "received"
    );
    let list = |query: &str| ask(get(&format!("/v1/purchase_orders{query}")));
    assert_eq!(list("").expect(200).json(), json!({"purchase_orders": [], "cursor": null}));
    let received = list("?state=received&limit=1").expect(200).json();
    assert_eq!(
        (&received["purchase_orders"][0]["id"], &received["cursor"]),
        (&json!(id), &json!(null))
    );
    list("?state=gone").problem(422, "invalid_input");
    list("?limit=0").problem(422, "invalid_input");
    list("?cursor=xyz").problem(422, "invalid_cursor");
    let suppliers = ask(get("/v1/suppliers")).expect(200).json();
    assert_eq!(suppliers["suppliers"][0]["learned"]["receipts"], 1);
    let switch =
        |stopped: bool| ask(post("/v1/replenishment/switch", &json!({"stopped": stopped})));
    switch(true).expect(200);
    let plan = ask(get("/v1/replenishment?location_id=berlin")).expect(200).json();
    assert!(plan["automatic"]["stopped_since"].is_string());
    switch(false).expect(200);
}

#[test]
fn a_draft_is_changed_by_who_read_it() {
    let shop = stocked();
    let ask = planner(&shop);
    let supplier = json!({"id": "leaf", "lead_time_days": 3, "offers": [{"product_id": "tea", "multiple": 12,
        "price": {"amount": 250, "currency": "USD"}}]});
    let put = crate::http::call("PUT", "/v1/suppliers").json(&json!({"suppliers": [supplier]}));
    ask(put).expect(200);
    let order = json!({"id": "po-1", "supplier_id": "leaf", "location_id": "berlin",
        "lines": [{"product_id": "tea", "quantity": 24}]});
    let made = ask(post("/v1/purchase_orders", &order)).expect(201).json();
    assert_eq!((&made["version"], &made["warnings"]), (&json!(1), &json!([])));
    let path = "/v1/purchase_orders/po-1";
    let read = ask(get(path)).expect(200);
    let etag = read.header("etag").unwrap().to_owned();
    assert_eq!(etag, "\"1\"");
    let patch = |quantity: f64, etag: Option<&str>| {
        let body = json!({"lines": [{"product_id": "tea", "quantity": quantity}]});
        let call = crate::http::call("PATCH", path).json(&body);
        ask(match etag {
            Some(etag) => call.header("if-match", etag),
            None => call,
        })
    };
    patch(30.0, None).problem(428, "precondition_required");
    let changed = patch(30.0, Some(&etag)).expect(200);
    assert_eq!(changed.header("etag"), Some("\"2\""));
    let answer = changed.json();
    assert_eq!((&answer["total"]["amount"], &answer["version"]), (&json!(7_500), &json!(2)));
    let warning = "30 of `tea` is no whole multiple of 12; 24 or 36 are";
    assert_eq!(answer["warnings"], json!([warning]));
    assert!(answer["changed_by"].is_string());
    // Again with the version that was read is the same answer; something else needs the present one.
    assert_eq!(patch(30.0, Some(&etag)).expect(200).json(), answer);
    let late = patch(36.0, Some(&etag)).problem(412, "precondition_failed");
    assert!(late["detail"].as_str().unwrap().contains("version 2 now"), "{late}");
    patch(36.0, Some("\"x\"")).problem(412, "precondition_failed");
    patch(36.0, Some("W/\"1\"")).problem(412, "precondition_failed");
    let bad = patch(0.0, Some("*")).problem(422, "invalid_input");
    assert_eq!(bad["errors"][0]["pointer"], "/lines");
    let unknown = json!({"lines": [{"product_id": "tea", "quantity": 1}], "supplier_id": "other"});
    let unknown = crate::http::call("PATCH", path).json(&unknown).header("if-match", "*");
    ask(unknown).problem(422, "invalid_input");
    // Who approves can say what they read.
    let approve = |etag: &str| {
        let call = post(&format!("{path}/state"), &json!({"state": "approved"}));
        ask(call.header("if-match", etag))
    };
    approve(&etag).problem(412, "precondition_failed");
    // A proxy that packs answers marks what it passes on as weak.
    assert_eq!(approve("W/\"2\"").expect(200).header("etag"), Some("\"3\""));
    patch(36.0, Some("*")).problem(409, "conflict");
    let none = crate::http::call("PATCH", "/v1/purchase_orders/none");
    let body = json!({"lines": [{"product_id": "tea", "quantity": 1}]});
    ask(none.json(&body).header("if-match", "*")).problem(404, "not_found");
}

#[test]
fn forecasts_that_plans_go_by_are_listed() {
    let shop = stocked();
    let ask = planner(&shop);
    let list = |query: &str| ask(get(&format!("/v1/forecasts{query}")));
    assert_eq!(list("").expect(200).json(), json!({"forecasts": [], "cursor": null}));
    // A plan makes what it needs; so does the background, later.
    ask(get("/v1/replenishment?location_id=berlin")).expect(200);
    let one = list("?location_id=berlin&limit=1").expect(200).json();
    let forecast = &one["forecasts"][0];
    assert_eq!(
        (&forecast["product_id"], &forecast["location_id"]),
        (&json!("tea"), &json!("berlin"))
    );
    let daily = forecast["daily"].as_array().unwrap();
    assert_eq!(
        (daily.len(), &daily[0]["date"], &one["cursor"]),
        (56, &json!(day(0)), &Value::Null)
    );
    let body = json!({"product_id": "tea", "location_id": "berlin", "horizon_days": 5});
    let question = ask(post("/v1/forecasts", &body)).expect(200).json();
    for (idx, asked) in question["predicted_demand"]["daily"].as_array().unwrap().iter().enumerate()
    {
        assert_eq!((&daily[idx]["date"], &daily[idx]["mean"]), (&asked["date"], &asked["mean"]));
    }
    let quantile = |chance: &str| daily[0]["quantiles"][chance].as_f64().unwrap();
    assert!(quantile("0.5") < quantile("0.9") && quantile("0.9") < quantile("0.99"), "{daily:?}");
    assert_eq!(list("?location_id=mars").expect(200).json()["forecasts"], json!([]));
    assert_eq!(list("?cursor=ff").expect(200).json()["forecasts"], json!([]));
    list("?limit=501").problem(422, "invalid_input");
    list("?cursor=x").problem(422, "invalid_cursor");
    list("?cursor=").problem(422, "invalid_cursor");
}

#[test]
fn what_is_wrong_is_named_by_its_place() {
    let shop = stocked();
    let ask = planner(&shop);
    let forecast = |body: Value| ask(post("/v1/forecasts", &body));
    let problem =
        forecast(json!({"product_id": "tea", "horizon_days": 0})).problem(422, "invalid_input");
    assert_eq!(problem["errors"][0]["pointer"], "/horizon_days");
    let problem =
        forecast(json!({"product_id": "tea", "levels": [0.8, 2]})).problem(422, "invalid_input");
    assert_eq!(problem["errors"][0]["pointer"], "/levels/1");
    forecast(json!({"product_id": "none"})).problem(404, "not_found");
    forecast(json!({"product_id": "tea", "odd": 1})).problem(422, "invalid_input");
    ask(get("/v1/replenishment")).problem(422, "invalid_input");
    ask(get("/v1/replenishment?location_id=mars")).problem(404, "not_found");
    let put = crate::http::call("PUT", "/v1/suppliers");
    let bad = json!({"suppliers": [{"id": "x", "lead_time_days": 900}]});
    let problem = ask(put.json(&bad)).problem(422, "invalid_input");
    assert_eq!(problem["errors"][0]["pointer"], "/suppliers/0/lead_time_days");
}

#[test]
fn a_late_feed_is_in_the_metrics() {
    let shop = stocked();
    let ask = planner(&shop);
    // Another place that was counted once and never sold anything.
    let server = shop.key(Role::IngestServer);
    let count = json!({"type": "track", "event": "Stock Counted",
        "properties": {"product_id": "tea", "location_id": "oslo", "quantity": 3}});
    shop.send(&post("/v1/batch", &json!({"batch": [count]})).key(&server)).expect(200);
    shop.wait_folded();
    let supplier = json!({"id": "leaf", "lead_time_days": 3});
    let put = crate::http::call("PUT", "/v1/suppliers").json(&json!({"suppliers": [supplier]}));
    ask(put).expect(200);
    let metrics = shop.send(&get("/metrics")).expect(200);
    let alarm = "souk_feed_alarm{feed=\"sales\",location=\"oslo\",kind=\"missing\"} 1";
    assert!(metrics.text().contains(alarm), "{}", metrics.text());
    assert!(!metrics.text().contains("location=\"berlin\""));
}

#[test]
fn a_planner_overrides_a_forecast_and_sees_what_goes_off() {
    let shop = stocked();
    let ask = planner(&shop);
    let put = |id: &str, body: &Value| {
        ask(crate::http::call("PUT", &format!("/v1/forecasts/overrides/{id}")).json(body))
    };
    let fair = json!({"product_id": "tea", "location_id": "berlin", "from": day(-1), "until": day(-3),
        "factor": 2.5, "reason": "a fair in town"});
    put("fair", &fair).expect(204);
    put("other", &fair).problem(409, "conflict");
    let mut late = fair.clone();
    late["from"] = json!(day(2));
    let problem = put("late", &late).problem(422, "invalid_input");
    assert_eq!(problem["errors"][0]["pointer"], "/from");
    let list = ask(get("/v1/forecasts/overrides?location_id=berlin")).expect(200).json();
    assert_eq!(list["overrides"][0]["reason"], "a fair in town");
    assert_eq!(
        (&list["overrides"][0]["is_heard"], &list["all"]["days"]),
        (&json!(true), &json!(0))
    );
    let plan = ask(get("/v1/replenishment?location_id=berlin")).expect(200).json();
    assert!(plan["lines"][0]["overrides"][0].as_str().unwrap().contains("2.5 times"), "{plan}");
    let end = || ask(crate::http::call("DELETE", "/v1/forecasts/overrides/fair"));
    end().expect(204);
    ask(crate::http::call("DELETE", "/v1/forecasts/overrides/none")).problem(404, "not_found");
    let server = shop.key(Role::IngestServer);
    let lot = json!({"type": "track", "event": "Stock Received", "properties": {"product_id": "tea",
        "location_id": "berlin", "quantity": 90, "lot": "L2", "expires_on": day(-1)}});
    shop.send(&post("/v1/batch", &json!({"batch": [lot]})).key(&server)).expect(200);
    shop.wait_folded();
    let waste = ask(get("/v1/waste?location_id=berlin")).expect(200).json();
    assert_eq!(
        (&waste["lots"][0]["lot"], &waste["lots"][0]["days_left"]),
        (&json!("L2"), &json!(2))
    );
    let unsold = waste["lots"][0]["unsold"].as_f64().unwrap();
    assert!((60.0..85.0).contains(&unsold), "{waste}");
    assert_eq!(waste["lots"][0]["proposal"]["action"], "keep");
    ask(get("/v1/waste")).problem(422, "invalid_input");
    ask(get("/v1/waste?location_id=mars")).problem(404, "not_found");
}

#[test]
fn how_stock_did_is_told_by_product_and_class() {
    let shop = stocked();
    let ask = planner(&shop);
    let report = |query: &str| ask(get(&format!("/v1/reports/stock?location_id=berlin{query}")));
    let whole = report("&days=28").expect(200).json();
    let tea = &whole["products"][0];
    // Five days of 8 to 12 each, five times, and 9, 10 and 11: 280, 5.00 each.
    assert_eq!((&whole["from"], &whole["to"]), (&json!(day(28)), &json!(day(1))));
    assert_eq!((&tea["units_sold"], &tea["revenue"]["amount"]), (&json!(280.0), &json!(140_000)));
    assert_eq!(
        (&tea["class"], &tea["weeks"], &tea["on_hand"]),
        (&json!("AX"), &json!(4), &json!(30.0))
    );
    assert_eq!((&tea["days_of_supply"], &tea["unit_cost"]), (&json!(3.0), &Value::Null));
    assert_eq!(whole["classes"]["AX"], whole["all"]);
    assert_eq!((&whole["cursor"], &whole["total_products"]), (&Value::Null, &json!(1)));
    assert_eq!(report("&class=C").expect(200).json()["products"], json!([]));
    assert_eq!(report("&limit=1&cursor=746561").expect(200).json()["products"], json!([]));
    for query in ["&class=D", "&days=27", "&days=367", "&limit=0", "&cursor=x"] {
        let problem = report(query).expect(422).json();
        let name = query[1..].split('=').next();
        assert_eq!(problem["errors"][0]["pointer"].as_str(), name, "{problem}");
    }
    ask(get("/v1/reports/stock")).problem(422, "invalid_input");
    ask(get("/v1/reports/stock?location_id=mars")).problem(404, "not_found");
}

#[test]
fn signals_are_stored_listed_and_refused_where_they_are_wrong() {
    let shop = stocked();
    let ask = planner(&shop);
    let send = |all: &Value| ask(post("/v1/signals", &json!({"signals": all})));
    let value = |date: String, value: Value| json!({"name": "temperature_c", "date": date, "value": value, "location_id": "berlin"});
    let two = json!([value(day(1), json!(3.5)), value(day(-1), json!(7))]);
    assert_eq!(send(&two).expect(200).json(), json!({"changed": 2, "known": 0}));
    assert_eq!(send(&two).expect(200).json(), json!({"changed": 0, "known": 2}));
    let list = ask(get("/v1/signals?location_id=berlin")).expect(200).json();
    let row = json!({"site": "main", "location_id": "berlin", "name": "temperature_c", "from": day(1), "until": day(-1),
        "days": 2, "last": 7.0});
    assert_eq!(list, json!({ "signals": [row] }));
    let problem =
        send(&json!([value("tomorrow".to_owned(), json!(1))])).problem(422, "invalid_input");
    assert_eq!(problem["errors"][0]["pointer"], "/signals/0/date");
    // A value that was forgotten takes nothing away; `null` does.
    let forgotten = json!([{"name": "temperature_c", "date": day(1), "location_id": "berlin"}]);
    assert_eq!(send(&forgotten).status, 422);
    send(&json!([value(day(1), Value::Null), value(day(-1), Value::Null)])).expect(200);
    assert_eq!(ask(get("/v1/signals")).expect(200).json(), json!({"signals": []}));
}
