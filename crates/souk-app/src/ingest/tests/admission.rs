//! Ids, subjects, links, splits and repetitions, through the log.

use super::*;
use crate::Caller;

async fn send_as(shop: &Shop, caller: &Caller, call: IngestCall, body: Value) -> IngestAnswer {
    let body = body.to_string();
    let request = IngestRequest::new(call, body.as_bytes(), caller);
    shop.app.ingest(request).await.unwrap()
}

async fn subject(shop: &Shop, kind: IdKind, id: &str) -> Option<SubjectId> {
    let hash = shop.app.door.hasher.id(kind, id);
    shop.app.parts.keys.find(&[hash]).await.unwrap()[0]
}

#[tokio::test]
async fn the_same_message_counts_once() {
    let shop = Shop::open().await;
    let event = |id: &str| json!({"type": "track", "event": "x", "userId": "u", "messageId": id});
    let batch = json!({"batch": [event("a"), event("b"), event("a")]});
    let answer = shop.send(Role::IngestServer, IngestCall::Batch, batch.clone()).await;
    assert_eq!((answer.accepted, answer.duplicates), (2, 1));
    let answer = shop.send(Role::IngestServer, IngestCall::Batch, batch).await;
    assert_eq!((answer.accepted, answer.duplicates), (0, 3));
    // Without an id, each is new.
    let nameless = json!({"event": "x", "userId": "u"});
    for _ in 0..2 {
        let answer = shop.send(Role::IngestServer, IngestCall::Track, nameless.clone()).await;
        assert_eq!((answer.accepted, answer.duplicates), (1, 0));
    }
    let ids: Vec<Option<Box<str>>> =
        shop.log().await.into_iter().map(|(_, event)| event.message_id).collect();
    assert_eq!(ids, [Some("a".into()), Some("b".into()), None, None]);
}

#[tokio::test]
async fn a_browser_cannot_send_a_message_id_ahead_of_the_server() {
    let shop = Shop::open().await;
    let fake = json!({"event": "x", "anonymousId": "evil", "messageId": "order-77"});
    shop.send(Role::IngestBrowser, IngestCall::Track, fake).await;
    let order = json!({"event": "Order Completed", "userId": "u", "messageId": "order-77",
        "properties": {"order_id": "77", "products": []}});
    let answer = shop.send(Role::IngestServer, IngestCall::Track, order).await;
    assert_eq!((answer.accepted, answer.duplicates), (1, 0));
}

#[tokio::test]
async fn an_order_is_split_into_person_and_sale() {
    let shop = Shop::open().await;
    let order = |extra: Value| {
        let mut event = json!({"event": "Order Completed", "messageId": "m1",
            "context": {"channel": "store", "source": "pos"},
            "properties": {"order_id": "o1", "total": 5, "location_id": "s1", "affiliation": "A",
                "products": [{"product_id": "p", "price": 5, "coupon": "OWN-CODE"}]}});
        event.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        event
    };
    let known = order(json!({"userId": "u"}));
    let answer = shop.send(Role::IngestServer, IngestCall::Track, known.clone()).await;
    assert_eq!((answer.accepted, answer.duplicates), (1, 0));
    let answer = shop.send(Role::IngestServer, IngestCall::Track, known).await;
    assert_eq!((answer.accepted, answer.duplicates), (0, 1));
    let till = order(json!({"messageId": "m2"}));
    shop.send(Role::IngestServer, IngestCall::Track, till).await;

    let log = shop.log().await;
    assert_eq!(log.len(), 3);
    let (who, event) = &log[0];
    let Fact::Order(personal) = &event.fact else { panic!("{event:?}") };
    assert_eq!(*who, subject(&shop, IdKind::User, "u").await);
    assert_eq!(event.message_id.as_deref(), Some("m1"));
    assert_eq!(personal.order_id.as_str(), "o1");
    assert_eq!(personal.lines[0].promotion.as_deref(), Some("OWN-CODE"));
    assert_eq!(personal.extra.as_deref(), Some(r#"{"affiliation":"A"}"#));
    for (who, event) in &log[1..] {
        let Fact::Sale(sale) = &event.fact else { panic!("{event:?}") };
        assert_eq!(*who, None);
        assert_eq!(sale.order, personal.order);
        assert_eq!(sale.lines[0].promotion, None, "a coupon may be one person's own");
        assert_eq!((event.channel, event.source), (Some(Channel::Store), Source::PointOfSale));
    }
    assert_eq!(log[1].1.message_id, None);
    assert_eq!(log[2].1.message_id.as_deref(), Some("m2"));
}

#[tokio::test]
async fn a_sale_belongs_to_the_business_day_of_its_place() {
    let text = "
sites: [{id: main, time_zone: America/New_York}]
locations: [{id: late, time_zone: Europe/Berlin, day_cut_minutes: 180}]
";
    let shop = Shop::open_with(crate::Config::parse(text, Vec::new()).unwrap()).await;
    for (location, timestamp) in [
        // 02:30 in Berlin: still the day before.
        (json!("late"), "2026-01-10T01:30:00Z"),
        // 22:00 in New York.
        (json!("unlisted"), "2026-01-10T03:00:00Z"),
        (Value::Null, "2026-01-10T06:00:00Z"),
    ] {
        let order = json!({"event": "Order Completed", "timestamp": timestamp,
            "properties": {"order_id": "o", "products": [], "location_id": location}});
        shop.send(Role::IngestServer, IngestCall::Track, order).await;
    }
    let days: Vec<String> = shop
        .log()
        .await
        .into_iter()
        .map(|(_, event)| match event.fact {
            Fact::Sale(sale) => sale.day.to_string(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(days, ["2026-01-09", "2026-01-09", "2026-01-10"]);
}

#[tokio::test]
async fn servers_link_identities() {
    let shop = Shop::open().await;
    let identify = json!({"userId": "u", "anonymousId": "a", "traits": {"loyalty_card_id": 99}});
    shop.send(Role::IngestServer, IngestCall::Identify, identify).await;
    let alias = json!({"userId": "u", "previousId": "old"});
    let answer = shop.send(Role::IngestServer, IngestCall::Alias, alias).await;
    assert_eq!((answer.accepted, answer.duplicates), (1, 0));
    let user = subject(&shop, IdKind::User, "u").await;
    let mut links = Vec::new();
    for (who, event) in shop.log().await {
        assert_eq!(who, user);
        if let Fact::Linked { other, basis } = event.fact {
            links.push((other, basis));
        }
    }
    let of = |kind, id| subject(&shop, kind, id);
    let expected = [
        (of(IdKind::Anonymous, "a").await.unwrap(), LinkBasis::Identify),
        (of(IdKind::LoyaltyCard, "99").await.unwrap(), LinkBasis::LoyaltyCard),
        (of(IdKind::Anonymous, "old").await.unwrap(), LinkBasis::Alias),
        (of(IdKind::User, "old").await.unwrap(), LinkBasis::Alias),
    ];
    assert_eq!(links, expected);
}

#[tokio::test]
async fn a_card_alone_is_a_person() {
    let shop = Shop::open().await;
    let order = json!({"event": "Order Completed",
        "properties": {"order_id": "o", "products": [], "loyalty_card_id": "c1"}});
    shop.send(Role::IngestServer, IngestCall::Track, order).await;
    let log = shop.log().await;
    assert_eq!(log.len(), 2, "no link to itself");
    assert_eq!(log[0].0, subject(&shop, IdKind::LoyaltyCard, "c1").await);
}

#[tokio::test]
async fn browsers_never_link_nor_claim_a_shopper() {
    let shop = Shop::open().await;
    let plain = caller(Role::IngestBrowser);
    let both = json!({"userId": "u", "anonymousId": "a", "traits": {"loyalty_card_id": "c"}});
    send_as(&shop, &plain, IngestCall::Identify, both.clone()).await;
    send_as(&shop, &plain, IngestCall::Track, json!({"event": "x", "userId": "u"})).await;
    assert_eq!(subject(&shop, IdKind::User, "u").await, None, "the real shopper is untouched");
    assert_eq!(subject(&shop, IdKind::LoyaltyCard, "c").await, None);
    let token = Caller { shopper: Some("u".to_owned()), ..plain };
    send_as(&shop, &token, IngestCall::Identify, both).await;
    let other = json!({"event": "x", "userId": "v", "anonymousId": "a"});
    send_as(&shop, &token, IngestCall::Track, other).await;

    let anonymous = subject(&shop, IdKind::Anonymous, "a").await;
    let claimed = subject(&shop, IdKind::Claimed, "u").await;
    let user = subject(&shop, IdKind::User, "u").await;
    let log = shop.log().await;
    let whose: Vec<Option<SubjectId>> = log.iter().map(|(who, _)| *who).collect();
    assert_eq!(whose, [anonymous, claimed, user, anonymous]);
    assert!(whose.iter().all(Option::is_some));
    assert!(!log.iter().any(|(_, event)| matches!(event.fact, Fact::Linked { .. })));
}

/// Who is named by a card alone would be nobody, and what was said of them would lie in the log in clear.
#[tokio::test]
async fn a_browser_names_nobody_by_a_card() {
    let shop = Shop::open().await;
    let browser = caller(Role::IngestBrowser);
    for (call, event) in [
        (IngestCall::Identify, json!({"traits": {"loyalty_card_id": "c", "email": "a@b.example"}})),
        (IngestCall::Track, json!({"event": "x", "properties": {"loyalty_card_id": "c"}})),
    ] {
        let answer = send_as(&shop, &browser, call, event).await;
        assert_eq!((answer.accepted, answer.rejected.len()), (0, 1));
    }
    assert!(shop.log().await.is_empty());
}

#[tokio::test]
async fn unknown_keys_and_gpc_are_counted() {
    let shop = Shop::open().await;
    let body = json!({"batch": [{"type": "track", "event": "x", "userId": "u", "zz": 1,
        "integrations": {}}], "yy": 2, "writeKey": "k"})
    .to_string();
    let caller = caller(Role::IngestServer);
    let call = IngestCall::Batch;
    let request =
        IngestRequest { call, body: body.as_bytes(), caller: &caller, is_gpc: true, basis: None };
    shop.app.ingest(request).await.unwrap();
    let counts = shop.app.ingest_counts();
    assert_eq!((counts.accepted, counts.unknown_keys, counts.gpc), (1, 2, 1));
    assert_eq!(write_key_of(body.as_bytes()).as_deref(), Some("k"));
    assert_eq!(write_key_of(b"{}"), None);
    assert_eq!(write_key_of(b"\xff"), None);
}

#[tokio::test]
async fn batch_context_and_sent_at_hold_for_each_event() {
    let shop = Shop::open().await;
    let batch = json!({
        "sentAt": "2026-01-15T11:00:00Z",
        "context": {"channel": "mobile"},
        "batch": [
            {"type": "track", "event": "x", "userId": "u", "originalTimestamp": "2026-01-15T10:59:00Z"},
            {"type": "track", "event": "y", "userId": "u", "context": {"channel": "email"}},
        ],
    });
    shop.send(Role::IngestServer, IngestCall::Batch, batch).await;
    let log = shop.log().await;
    assert_eq!(log[0].1.at.to_string(), "2026-01-15T11:59:00.000Z");
    assert_eq!(log[0].1.channel, Some(Channel::Mobile));
    assert_eq!(log[1].1.channel, Some(Channel::Email));
}

#[tokio::test]
async fn impressions_are_written_later_and_dropped_when_too_many() {
    use souk_core::{Impressions, ProductId};
    let text = "impressions: {queue_max: 3, flush_ms: 60000}";
    let shop = Shop::open_with(crate::Config::parse(text, Vec::new()).unwrap()).await;
    let shown = |number: u32| Shown {
        subject: None,
        site: SiteId::main(),
        channel: Some(Channel::Web),
        at: noon(),
        withheld: souk_core::Purposes::NONE,
        impressions: Impressions {
            request_id: format!("r{number}").into(),
            placement: None,
            strategy: "popular".into(),
            products: vec![ProductId::new("p").unwrap()],
            marks: souk_core::Marks::default(),
        },
    };
    (0..5).for_each(|number| shop.app.record_impressions(shown(number)));
    assert_eq!(shop.log().await.len(), 0);
    shop.app.flush_impressions().await;
    assert_eq!(shop.log().await.len(), 3);
    let counts = shop.app.ingest_counts();
    assert_eq!((counts.impressions_recorded, counts.impressions_dropped), (3, 2));
}

#[tokio::test]
async fn impressions_are_sampled_by_answer() {
    use souk_core::{Impressions, ProductId};
    let text = "impressions: {sample: 0.25, flush_ms: 60000}";
    let shop = Shop::open_with(crate::Config::parse(text, Vec::new()).unwrap()).await;
    for number in 0..1_000 {
        shop.app.record_impressions(Shown {
            subject: None,
            site: SiteId::main(),
            channel: None,
            at: noon(),
            withheld: souk_core::Purposes::NONE,
            impressions: Impressions {
                request_id: format!("r{number}").into(),
                placement: None,
                strategy: "popular".into(),
                products: vec![ProductId::new("p").unwrap()],
                marks: souk_core::Marks::default(),
            },
        });
    }
    shop.app.flush_impressions().await;
    let kept = shop.log().await.len();
    assert!((200..300).contains(&kept), "{kept}");
}
