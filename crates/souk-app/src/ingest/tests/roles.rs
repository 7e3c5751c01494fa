//! Which role may send what, against a table written by hand.

use super::*;

/// The columns: ingest_browser, ingest_server, storefront_browser, storefront_server, analyst,
/// merchandiser, planner, privacy, admin. `x` may, `.` may not.
const TABLE: &[(&str, &str)] = &[
    //                            bsBSampra
    ("Products Searched", "xx......x"),
    ("Product List Viewed", "xx......x"),
    ("Product List Filtered", "xx......x"),
    ("Promotion Viewed", "xx......x"),
    ("Promotion Clicked", "xx......x"),
    ("Product Clicked", "xx......x"),
    ("Product Viewed", "xx......x"),
    ("Product Added", "xx......x"),
    ("Product Removed", "xx......x"),
    ("Cart Viewed", "xx......x"),
    ("Checkout Started", "xx......x"),
    ("Checkout Step Viewed", "xx......x"),
    ("Checkout Step Completed", "xx......x"),
    ("Payment Info Entered", "xx......x"),
    ("Order Completed", ".x......x"),
    ("Order Updated", ".x......x"),
    ("Order Refunded", ".x......x"),
    ("Order Cancelled", ".x......x"),
    ("Coupon Entered", "xx......x"),
    ("Coupon Applied", "xx......x"),
    ("Coupon Denied", "xx......x"),
    ("Coupon Removed", "xx......x"),
    ("Product Added to Wishlist", "xx......x"),
    ("Product Removed from Wishlist", "xx......x"),
    ("Wishlist Product Added to Cart", "xx......x"),
    ("Product Shared", "xx......x"),
    ("Cart Shared", "xx......x"),
    ("Product Reviewed", "xx......x"),
    ("Stock Counted", ".x....x.x"),
    ("Stock Received", ".x....x.x"),
    ("Stock Moved", ".x....x.x"),
    ("Stock Written Off", ".x....x.x"),
    ("Price Changed", ".x...x..x"),
    ("Promotion Planned", ".x...x..x"),
    ("Promotion Started", ".x...x..x"),
    ("Promotion Ended", ".x...x..x"),
    ("Lamp Rubbed", "xx......x"),
    ("$identify", "xx......x"),
    ("$page", "xx......x"),
    ("$screen", "xx......x"),
    ("$group", "xx......x"),
    ("$alias", ".x......x"),
];

/// A valid event of this name.
fn event(name: &str) -> (IngestCall, Value) {
    let call = match name {
        "$identify" => IngestCall::Identify,
        "$page" => IngestCall::Page,
        "$screen" => IngestCall::Screen,
        "$group" => IngestCall::Group,
        "$alias" => IngestCall::Alias,
        _ => IngestCall::Track,
    };
    let event = json!({
        "event": name, "userId": "u", "anonymousId": "a", "previousId": "p", "groupId": "g",
        "properties": {
            "product_id": "p1", "query": "rye", "order_id": "o1", "products": [],
            "location_id": "s1", "to_location_id": "s2", "quantity": 1, "price": 2,
            "promotion_id": "x",
        },
    });
    (call, event)
}

#[test]
fn every_event_and_role() {
    for (name, allowed) in TABLE {
        assert_eq!(allowed.len(), Role::ALL.len());
        for (role, cell) in Role::ALL.into_iter().zip(allowed.bytes()) {
            let (call, body) = event(name);
            let reason = with_event(role, call, &body.to_string(), |event| {
                event.map(|_| ()).map_err(|refusal| (refusal.reason, refusal.detail))
            });
            match (cell, reason) {
                (b'x', Ok(())) => {}
                (b'.', Err((RejectReason::Denied, detail))) => {
                    assert!(detail.contains(role.as_str()), "{detail}");
                }
                (cell, reason) => {
                    panic!("{name} of {}: {} {reason:?}", role.as_str(), char::from(cell));
                }
            }
        }
    }
}

#[test]
fn table_has_all_of_segments_names() {
    let spec = TABLE.iter().filter(|(name, _)| {
        Action::parse(name).is_some() || name.starts_with("Order ") || *name == "Products Searched"
    });
    assert_eq!(spec.count(), 28);
}

#[tokio::test]
async fn roles_that_send_nothing_are_denied_before_their_body_is_read() {
    let shop = Shop::open().await;
    for role in [Role::StorefrontBrowser, Role::StorefrontServer, Role::Analyst, Role::Privacy] {
        let caller = caller(role);
        let request = IngestRequest::new(IngestCall::Batch, b"{", &caller);
        let error = shop.app.ingest(request).await.unwrap_err();
        assert_eq!(error.to_string(), format!("role `{}` may not send behaviour", role.as_str()));
        assert_eq!(error.code(), "denied");
    }
}

#[test]
fn refusal_names_event_and_role() {
    let (call, body) = event("Order Completed");
    with_event(Role::IngestBrowser, call, &body.to_string(), |event| {
        expect![[
            r#"event "Order Completed": role `ingest_browser` may not send orders; use another key"#
        ]]
        .assert_eq(&event.unwrap_err().detail);
    });
}

#[test]
fn browser_never_passes_for_another_source() {
    let body = json!({"event": "x", "userId": "u", "context": {"source": "erp"}}).to_string();
    let source = |role| with_event(role, IngestCall::Track, &body, |event| event.unwrap().source);
    assert_eq!(source(Role::IngestBrowser), Source::Browser);
    assert_eq!(source(Role::IngestServer), Source::Ledger);
}
