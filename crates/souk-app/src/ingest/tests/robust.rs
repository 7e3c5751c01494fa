//! Whatever comes in, nothing panics, and what is taken in can be written and read.

use proptest::prelude::*;
use souk_core::wire::{decode_event, encode_event};

use super::*;

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        (-100i64..100).prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
        prop_oneof!["USD", "XXX", "2026-01-01", "2026-01-01T00:00:00Z", "19.99", "p1", "kg", ""]
            .prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            proptest::collection::vec((key(), inner), 0..8)
                .prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

fn key() -> impl Strategy<Value = String> {
    prop_oneof![
        prop_oneof![
            "product_id",
            "sku",
            "products",
            "price",
            "quantity",
            "currency",
            "order_id",
            "total",
            "query",
            "unit",
            "location_id",
            "to_location_id",
            "lot",
            "expires_on",
            "amount",
            "promotion_id",
            "discount_percent",
            "starts_on",
            "loyalty_card_id",
            "path",
            "url",
            "channel",
            "site",
            "source",
            "page",
            "coupon",
            "variant",
        ],
        "\\PC{0,6}",
    ]
}

fn any_event() -> impl Strategy<Value = Value> {
    let name = prop_oneof![
        "Product Viewed",
        "Order Completed",
        "Order Refunded",
        "Products Searched",
        "Stock Counted",
        "Stock Moved",
        "Price Changed",
        "Promotion Started",
        "Cart Viewed",
        "anything",
    ];
    let kind = prop_oneof!["track", "identify", "page", "screen", "group", "alias"];
    let field = prop_oneof![
        "userId",
        "anonymousId",
        "messageId",
        "timestamp",
        "originalTimestamp",
        "sentAt",
        "properties",
        "traits",
        "context",
        "groupId",
        "previousId",
        "name",
        "event",
        "type",
    ];
    let base = (name, kind, any_json(), any_json());
    let odd = proptest::collection::vec((field, any_json()), 0..3);
    (base, odd).prop_map(|((name, kind, properties, context), odd)| {
        let mut event = json!({
            "type": kind, "event": name, "userId": "u", "previousId": "p", "groupId": "g",
            "properties": properties, "traits": {"a": 1},
        });
        if context.is_object() {
            event["context"] = context;
        }
        for (field, value) in odd {
            event[field] = value;
        }
        event
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn any_event_is_taken_or_refused(event in any_event()) {
        let text = event.to_string();
        with_event(Role::Admin, IngestCall::Batch, &text, |event| {
            if let Err(refusal) = event {
                prop_assert!(!refusal.detail.is_empty());
            }
            Ok(())
        })?;
    }

    #[test]
    fn any_bytes_are_a_body_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        for call in [IngestCall::Batch, IngestCall::Track] {
            if let Err(error) = read_body(call, &bytes) {
                prop_assert_eq!(error.code(), "malformed_json");
            }
        }
        let _ = write_key_of(&bytes);
    }

    #[test]
    fn any_cut_body_is_refused(event in any_event(), cut in 1usize..40) {
        let text = json!({"batch": [event]}).to_string();
        let mut end = text.len().saturating_sub(cut);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        prop_assert!(read_body(IngestCall::Batch, &text.as_bytes()[..end]).is_err());
    }

    #[test]
    fn kept_json_means_the_same(value in any_json()) {
        let spaced = serde_json::to_string_pretty(&json!({"x": value})).unwrap();
        let event = format!(r#"{{"event": "Odd", "userId": "u", "properties": {spaced}}}"#);
        with_event(Role::Admin, IngestCall::Track, &event, |event| {
            let IncomingFact::Custom { properties: Some(kept), .. } = event.unwrap().fact else {
                panic!("a custom event keeps its properties");
            };
            let before: Value = serde_json::from_str(&spaced).unwrap();
            let after: Value = serde_json::from_str(&kept).unwrap();
            prop_assert_eq!(before, after);
            Ok(())
        })?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3))]

    /// What the door accepts, the log gives back.
    #[test]
    fn accepted_events_are_readable(events in proptest::collection::vec(any_event(), 200..300)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let shop = Shop::open().await;
            let total = events.len();
            let answer = shop.send(Role::Admin, IngestCall::Batch, json!({"batch": events})).await;
            assert_eq!(answer.accepted + answer.duplicates + answer.rejected.len(), total);
            for (_, event) in shop.log().await {
                assert_eq!(decode_event(&encode_event(&event)).unwrap(), event);
            }
        });
    }
}
