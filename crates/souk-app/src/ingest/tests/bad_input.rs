//! Every fault names the field, the value and what to do.

use super::*;

fn check(name: &str, properties: Value, expected: Expect) {
    expected.assert_eq(&track(name, properties).unwrap_err());
}

fn check_event(call: IngestCall, event: Value, expected: Expect) {
    expected.assert_eq(&server(call, &event).unwrap_err());
}

fn check_text(event: &str, expected: Expect) {
    with_event(Role::IngestServer, IngestCall::Track, event, |event| {
        expected.assert_eq(&event.unwrap_err().detail);
    });
}

fn check_body(call: IngestCall, body: &[u8], expected: Expect) {
    let error = read_body(call, body).unwrap_err();
    expected.assert_eq(&format!("{}: {error}", error.code()));
}

#[test]
fn bodies() {
    use IngestCall::{Batch, Track};
    check_body(
        Batch,
        b"",
        expect![
            "malformed_json: the body is not as expected: EOF while parsing a value at line 1 column 0; correct it, nothing of it was kept"
        ],
    );
    check_body(
        Batch,
        b"{\"batch\": [",
        expect![
            "malformed_json: the body is not as expected: EOF while parsing a list at line 1 column 11; correct it, nothing of it was kept"
        ],
    );
    check_body(
        Batch,
        br#"{"batch": [{"event": NaN}]}"#,
        expect![
            "malformed_json: the body is not as expected: expected value at line 1 column 22; correct it, nothing of it was kept"
        ],
    );
    check_body(
        Batch,
        br#"{"batch": {}}"#,
        expect![
            "malformed_json: the body is not as expected: invalid type: map, expected a sequence at line 1 column 10; correct it, nothing of it was kept"
        ],
    );
    check_body(
        Batch,
        br#"{"sentAt": "x"}"#,
        expect![
            "malformed_json: the body is not as expected: `batch` is missing; send an array of events at line 1 column 15; correct it, nothing of it was kept"
        ],
    );
    check_body(
        Batch,
        br#"{"batch": [], "batch": []}"#,
        expect![
            "malformed_json: the body is not as expected: `batch` is there twice; send it once at line 1 column 21; correct it, nothing of it was kept"
        ],
    );
    check_body(
        Batch,
        b"[]",
        expect![
            "malformed_json: the body is not as expected: invalid type: sequence, expected an object with `batch`, an array of events at line 1 column 0; correct it, nothing of it was kept"
        ],
    );
    check_body(
        Track,
        b"[]",
        expect!["malformed_json: the body is not a JSON object; send one event"],
    );
    check_body(
        Track,
        br#"{"event": "x"} {"event": "y"}"#,
        expect![
            "malformed_json: the body is not as expected: trailing characters at line 1 column 16; correct it, nothing of it was kept"
        ],
    );
    check_body(
        Track,
        b"{\"event\": \"caf\xe9\"}",
        expect!["malformed_json: the body is not UTF-8 at byte 14; send JSON in UTF-8"],
    );
    let large = format!(r#"{{"batch": [], "pad": "{}"}}"#, "x".repeat(501 * 1_024));
    check_body(
        Batch,
        large.as_bytes(),
        expect![
            "body_too_large: the body has 513048 bytes; the limit is 512000; send smaller batches"
        ],
    );
    let many = format!(r#"{{"batch": [{}]}}"#, vec!["{}"; 2_501].join(","));
    check_body(
        Batch,
        many.as_bytes(),
        expect![
            "too_many_events: the batch has 2501 events; the limit is 2500; send smaller batches"
        ],
    );
    let most = format!(r#"{{"batch": [{}]}}"#, vec!["{}"; 2_500].join(","));
    assert_eq!(read_body(Batch, most.as_bytes()).unwrap().events.len(), 2_500);
}

#[test]
fn envelopes() {
    use IngestCall::{Alias, Batch, Group, Track};
    check_event(Track, json!({"userId": "u"}), expect!["event is missing; send the event's name"]);
    check_event(
        Track,
        json!({"event": {"a": 1}, "userId": "u"}),
        expect!["event is an object; must be a text"],
    );
    check_event(
        Track,
        json!({"event": "x"}),
        expect!["userId and anonymousId are both missing; send one of them"],
    );
    check_event(
        Track,
        json!({"event": "x", "userId": ""}),
        expect!["userId and anonymousId are both missing; send one of them"],
    );
    check_event(
        Track,
        json!({"event": "x", "userId": ["u"]}),
        expect!["userId is an array; must be a text or a whole number"],
    );
    check_event(
        Track,
        json!({"event": "x", "userId": 1.5}),
        expect!["userId is 1.5; must be a text or a whole number"],
    );
    check_event(
        Track,
        json!({"event": "x", "userId": "é".repeat(128)}),
        expect!["userId has 256 bytes; the limit is 255"],
    );
    check_event(
        Track,
        json!({"event": "x", "userId": "u", "messageId": "m".repeat(256)}),
        expect!["messageId has 256 bytes; the limit is 255"],
    );
    check_event(
        Track,
        json!({"event": "x", "userId": "u", "context": "web"}),
        expect!["context is a text; must be an object"],
    );
    check_event(
        Track,
        json!({"event": "x", "userId": "u", "context": {"site": "mars"}}),
        expect![[
            r#"context.site "mars" is not a site of this shop; add it to `sites` in souk.yaml, or leave it out"#
        ]],
    );
    check_event(
        Track,
        json!({"event": "x", "userId": "u", "context": {"channel": "fax"}}),
        expect![[r#"context.channel is "fax"; must be web, mobile, store, email or call_center"#]],
    );
    check_event(
        Track,
        json!({"event": "x", "userId": "u", "context": {"source": "god"}}),
        expect![[r#"context.source is "god"; must be browser, server, pos or erp"#]],
    );
    check_event(
        Batch,
        json!({"event": "x", "userId": "u"}),
        expect!["type is missing; must be track, identify, page, screen, group or alias"],
    );
    check_event(
        Batch,
        json!({"type": "batch", "event": "x", "userId": "u"}),
        expect![[r#"type is "batch"; must be track, identify, page, screen, group or alias"#]],
    );
    check_event(Group, json!({"userId": "u"}), expect!["groupId is missing; send the group's id"]);
    check_event(
        Alias,
        json!({"userId": "u"}),
        expect!["previousId is missing; send the former id"],
    );
    check_event(
        Alias,
        json!({"previousId": "p"}),
        expect!["userId and anonymousId are both missing; send one of them"],
    );
    check_event(
        IngestCall::Identify,
        json!({"userId": "u", "traits": [1]}),
        expect!["traits is an array; must be an object"],
    );
    check_text(
        r#"{"event": "x", "userId": "u", "userId": "v"}"#,
        expect!["userId is there twice; send it once"],
    );
    check_text(
        r#"{"event": "x", "userId": 1e999}"#,
        expect!["the event cannot be read: number out of range at line 1 column 30; correct it"],
    );
    let deep = format!(
        r#"{{"event": "x", "userId": "u", "properties": {{"a": {}{}}}}}"#,
        "[".repeat(70),
        "]".repeat(70)
    );
    check_text(&deep, expect!["properties nests deeper than 64 levels; flatten it"]);
    let large = json!({"event": "x", "userId": "u", "properties": {"a": "x".repeat(33 * 1_024)}});
    check_event(
        Track,
        large,
        expect!["the event has 33840 bytes; the limit is 32768; send less in one event"],
    );
}

#[test]
fn times() {
    let time = |field: &str, value: Value, expected: Expect| {
        let mut event = json!({"event": "x", "userId": "u"});
        event[field] = value;
        check_event(IngestCall::Track, event, expected);
    };
    time(
        "timestamp",
        json!("2999-01-01T00:00:00Z"),
        expect![
            "timestamp 2999-01-01T00:00:00.000Z is more than a day ahead of the shop's clock (2026-01-15T12:00:00.000Z); correct the sender's clock"
        ],
    );
    time(
        "timestamp",
        json!("2026-01-16T12:00:01Z"),
        expect![
            "timestamp 2026-01-16T12:00:01.000Z is more than a day ahead of the shop's clock (2026-01-15T12:00:00.000Z); correct the sender's clock"
        ],
    );
    time(
        "timestamp",
        json!("yesterday"),
        expect![
            "timestamp: time `yesterday` is not RFC 3339; write for example 2026-01-31T18:30:00Z"
        ],
    );
    time(
        "timestamp",
        json!("2026-01-15T12:00:00"),
        expect![
            "timestamp: time `2026-01-15T12:00:00` is not RFC 3339; write for example 2026-01-31T18:30:00Z"
        ],
    );
    time(
        "timestamp",
        json!("1969-12-31T23:59:59Z"),
        expect!["timestamp: time -1000 ms is out of range; it must lie between 1970 and 9999"],
    );
    time(
        "timestamp",
        json!(-1),
        expect!["timestamp: time -1 ms is out of range; it must lie between 1970 and 9999"],
    );
    time(
        "originalTimestamp",
        json!(true),
        expect!["originalTimestamp is true; write for example 2026-01-31T18:30:00Z"],
    );
    time(
        "sentAt",
        json!("12:00"),
        expect!["sentAt: time `12:00` is not RFC 3339; write for example 2026-01-31T18:30:00Z"],
    );
}

#[test]
fn properties() {
    check(
        "Product Viewed",
        json!({}),
        expect!["properties.product_id is missing; send the product's id"],
    );
    check("Product Viewed", json!([1]), expect!["properties is an array; must be an object"]);
    check(
        "Product Viewed",
        json!({"product_id": {"id": 1}}),
        expect!["properties.product_id is an object; must be a text or a whole number"],
    );
    check(
        "Product Viewed",
        json!({"product_id": "p", "price": -1}),
        expect!["properties.price is -1; must be at least 0"],
    );
    check(
        "Product Viewed",
        json!({"product_id": "p", "price": "NaN"}),
        expect![[r#"properties.price is "NaN"; must be a number such as 19.99"#]],
    );
    check(
        "Product Viewed",
        json!({"product_id": "p", "price": "cheap"}),
        expect![[r#"properties.price is "cheap"; must be a number such as 19.99"#]],
    );
    check(
        "Product Viewed",
        json!({"product_id": "p", "price": 1e300}),
        expect!["properties.price is 1e300; must be at most 100000000000000.00 USD"],
    );
    check(
        "Product Viewed",
        json!({"product_id": "p", "price": true}),
        expect!["properties.price is true; must be a number such as 19.99"],
    );
    check(
        "Product Viewed",
        json!({"product_id": "p", "quantity": -2}),
        expect![
            "properties.quantity is -2; must be at least 0; send what came back as `Order Refunded`"
        ],
    );
    check(
        "Product Viewed",
        json!({"product_id": "p", "quantity": 1e12}),
        expect![
            "properties.quantity: quantity 1000000000000 is out of range; the limit is 1000000000 either way"
        ],
    );
    check(
        "Product Viewed",
        json!({"product_id": "p", "currency": "ABC"}),
        expect!["properties.currency: currency `ABC` is not in ISO 4217; write for example USD"],
    );
    check(
        "Cart Viewed",
        json!({"products": "p1"}),
        expect![[r#"properties.products is "p1"; must be an array"#]],
    );
    check(
        "Cart Viewed",
        json!({"products": [{"name": "x"}]}),
        expect!["properties.products[0].product_id is missing; send the product's id"],
    );
    check(
        "Cart Viewed",
        json!({"products": [null]}),
        expect!["properties.products[0] is empty; send an id"],
    );
    check(
        "Products Searched",
        json!({}),
        expect!["properties.query is missing; send the words as typed"],
    );
    check(
        "Products Searched",
        json!({"query": "x".repeat(1_001)}),
        expect!["properties.query has 1001 bytes; the limit is 1000"],
    );
    check_text(
        r#"{"event": "Product Viewed", "userId": "u",
            "properties": {"product_id": "p", "price": 1, "price": 2}}"#,
        expect!["properties.price is there twice; send it once"],
    );
}

#[test]
fn facts_of_the_shop() {
    let line = |line: Value| json!({"order_id": "o", "products": [{"product_id": "p"}, line]});
    check(
        "Order Completed",
        json!({"products": []}),
        expect!["properties.order_id is missing; send the order's number"],
    );
    check(
        "Order Completed",
        json!({"order_id": "o"}),
        expect!["properties.products is missing; send the order's lines, or an empty array"],
    );
    check(
        "Order Completed",
        json!({"order_id": "o", "products": {}}),
        expect!["properties.products is an object; must be an array"],
    );
    check(
        "Order Completed",
        line(json!("p")),
        expect![[r#"properties.products[1] is "p"; must be an object"#]],
    );
    check(
        "Order Completed",
        line(json!({"price": 1})),
        expect!["properties.products[1].product_id is missing; send the product's id"],
    );
    check(
        "Order Completed",
        line(json!({"product_id": "p", "price": -0.01})),
        expect!["properties.products[1].price is -0.01; must be at least 0"],
    );
    check(
        "Order Completed",
        line(json!({"product_id": "p", "quantity": -1})),
        expect![
            "properties.products[1].quantity is -1; must be at least 0; send what came back as `Order Refunded`"
        ],
    );
    check(
        "Order Completed",
        line(json!({"product_id": "p", "unit": "oz"})),
        expect![[r#"properties.products[1].unit is "oz"; write each, kg, l or m"#]],
    );
    check(
        "Order Completed",
        line(json!({"product_id": "p", "price": 1e13, "quantity": 1e6})),
        expect![
            "properties.products[1].price: the line costs more than can be meant; check price and quantity"
        ],
    );
    check(
        "Order Refunded",
        json!({"order_id": "o", "total": -5}),
        expect!["properties.total is -5; must be at least 0"],
    );
    check(
        "Stock Counted",
        json!({"product_id": "p", "quantity": 1}),
        expect!["properties.location_id is missing; send where it stands"],
    );
    check(
        "Stock Counted",
        json!({"location_id": "s", "quantity": 1}),
        expect!["properties.product_id is missing; send the product's id"],
    );
    check(
        "Stock Counted",
        json!({"product_id": "p", "location_id": "s"}),
        expect!["properties.quantity is missing; send how much"],
    );
    check(
        "Stock Received",
        json!({"product_id": "p", "location_id": "s", "quantity": -1}),
        expect!["properties.quantity is -1; must be at least 0"],
    );
    check(
        "Stock Moved",
        json!({"product_id": "p", "location_id": "s", "quantity": 1}),
        expect!["properties.to_location_id is missing; send where it went"],
    );
    check(
        "Stock Received",
        json!({"product_id": "p", "location_id": "s", "quantity": 1, "expires_on": "soon"}),
        expect!["properties.expires_on: date `soon` is not ISO 8601; write for example 2026-01-31"],
    );
    check(
        "Price Changed",
        json!({"product_id": "p"}),
        expect!["properties.price is missing; send what it costs now"],
    );
    check(
        "Price Changed",
        json!({"product_id": "p", "price": {"amount": 1.5, "currency": "USD"}}),
        expect!["properties.price.amount is 1.5; must be whole minor units"],
    );
    check(
        "Price Changed",
        json!({"product_id": "p", "price": {"amount": -1}}),
        expect!["properties.price is -1; must be at least 0"],
    );
    check(
        "Price Changed",
        json!({"product_id": "p", "price": {"amount": 1, "currency": "??"}}),
        expect![
            "properties.price: amount.currency: currency `??` is not in ISO 4217; write for example USD"
        ],
    );
    check(
        "Promotion Started",
        json!({}),
        expect!["properties.promotion_id is missing; send the promotion's id"],
    );
    check(
        "Promotion Started",
        json!({"promotion_id": "x", "discount_percent": 120}),
        expect!["properties.discount_percent is 120; must be 0 to 100"],
    );
}

#[tokio::test]
async fn a_bad_event_does_not_harm_its_batch() {
    let shop = Shop::open().await;
    let good = json!({"type": "track", "event": "x", "userId": "u"});
    let batch = json!({"batch": [good, 7, {"type": "track"}, null, good]});
    let answer = shop.send(Role::IngestServer, IngestCall::Batch, batch).await;
    assert_eq!((answer.accepted, answer.duplicates), (2, 0));
    let rejected: Vec<String> =
        answer.rejected.iter().map(|r| format!("{}: {}", r.index, r.detail)).collect();
    expect![[r#"
        1: an event must be an object
        2: event is missing; send the event's name
        3: an event must be an object"#]]
    .assert_eq(&rejected.join("\n"));
    let counts = shop.app.ingest_counts();
    assert_eq!(counts.accepted, 2);
    assert_eq!(counts.rejected[0], ("malformed", 3));
}

#[test]
fn ids_of_any_script_are_taken() {
    for id in ["日本語", "a b\tc", "🛒", "\u{0}", "o'clock \"x\" \\", "١٢٣"] {
        let event = json!({"event": "Product Viewed", "userId": id, "messageId": id,
            "properties": {"product_id": id, "variant": id}});
        with_event(Role::IngestServer, IngestCall::Track, &event.to_string(), |event| {
            let event = event.unwrap();
            assert_eq!(event.ids.user_id.as_deref(), Some(id));
            assert_eq!(event.message_id.as_deref(), Some(id));
            let IncomingFact::Interaction(it) = event.fact else { panic!() };
            assert_eq!(it.products[0].product.as_str(), id);
        });
    }
    let event = json!({"event": "x", "userId": 123, "anonymousId": -7}).to_string();
    with_event(Role::IngestServer, IngestCall::Track, &event, |event| {
        let ids = event.unwrap().ids;
        assert_eq!(
            (ids.user_id.as_deref(), ids.anonymous_id.as_deref()),
            (Some("123"), Some("-7"))
        );
    });
}
