#![allow(clippy::unwrap_used)]

use serde_json::json;
use souk_core::wire::{encode_event, record_kind};
use souk_core::{Event, EventId, Fact, SiteId, Source, Timestamp};
use souk_ports::{Cursor, Partition, RecordKind};

use super::*;
use crate::test_shop::Shop;
use crate::{App, IdKind, IngestCall, Role};

const CANARIES: [&str; 6] =
    ["canary-user", "canary-message", "canary-order", "canary-words", "canary@mail", "canary-card"];

async fn shop_with_canary() -> Shop {
    let shop = Shop::open().await;
    let body = json!({"batch": [
        {"type": "identify", "userId": "canary-user", "messageId": "canary-message-1",
         "traits": {"email": "canary@mail.example"}},
        {"type": "track", "userId": "canary-user", "messageId": "canary-message-2",
         "event": "Products Searched", "properties": {"query": "canary-words for a gift"}},
        {"type": "track", "userId": "canary-user", "messageId": "canary-message-3",
         "event": "Order Completed", "properties": {"order_id": "canary-order-1",
         "loyalty_card_id": "canary-card-1",
         "products": [{"product_id": "p1", "quantity": 2, "price": 3.5}]}},
    ]});
    let answer = shop.send(Role::IngestServer, IngestCall::Batch, body).await;
    assert_eq!(answer.accepted, 3, "{:?}", answer.rejected);
    shop
}

async fn records(app: &App) -> Vec<Recorded> {
    app.parts.log.read(&Cursor::START, 10_000).await.unwrap()
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

#[tokio::test]
async fn a_persons_bodies_reach_the_log_sealed() {
    let shop = shop_with_canary().await;
    let stored = records(&shop.app).await;
    for recorded in &stored {
        let body = &recorded.record.body;
        assert_eq!(recorded.record.subject.is_some(), seal::is_sealed(body));
        for canary in CANARIES {
            assert!(!holds(body, canary), "{canary} stands bare in {:?}", recorded.record.kind);
        }
    }
    // A sale is no person's, so it stays readable without any key.
    let sale = stored.iter().find(|r| r.record.subject.is_none()).unwrap();
    let sale = decode_event(&sale.record.body).unwrap();
    assert!(matches!(sale.fact, Fact::Sale(_)));
    let opened = open_all(&*shop.app.parts.keys, stored).await.unwrap();
    let printed = format!("{opened:?}");
    let missing: Vec<_> = CANARIES.iter().filter(|canary| !printed.contains(**canary)).collect();
    // Ids of a person are in no body: only what they said is.
    assert_eq!(missing, [&"canary-user", &"canary-card"]);
}

#[tokio::test]
async fn without_the_key_records_are_noise_and_sales_stay() {
    let shop = shop_with_canary().await;
    let app = &shop.app;
    let subject = app.find_subject(IdKind::User, "canary-user").await.unwrap().unwrap();
    let before = records(app).await;
    let n_theirs = before.iter().filter(|r| r.record.subject == Some(subject)).count();
    assert!(n_theirs >= 3);
    app.parts.keys.forget(subject).await.unwrap();
    let opened = open_all(&*app.parts.keys, before.clone()).await.unwrap();
    let n_noise = opened.iter().filter(|one| one.event.is_none()).count();
    assert_eq!(n_noise, n_theirs);
    assert!(opened.iter().any(|one| matches!(&one.event, Some(Event { fact: Fact::Sale(_), .. }))));
    // A plain body of theirs, from before sealing, is passed over as well.
    let mut plain = before.into_iter().find(|r| r.record.subject == Some(subject)).unwrap();
    plain.record.body = encode_event(&identified());
    let opened = open_all(&*app.parts.keys, vec![plain]).await.unwrap();
    assert!(opened[0].event.is_none());
}

fn identified() -> Event {
    Event {
        at: Timestamp::EPOCH,
        site: SiteId::main(),
        channel: None,
        source: Source::Server,
        message_id: None,
        withheld: souk_core::Purposes::NONE,
        fact: Fact::Identified { traits: Some("{}".into()) },
    }
}

#[tokio::test]
async fn plain_bodies_of_before_are_read() {
    let shop = shop_with_canary().await;
    let app = &shop.app;
    let subject = app.find_subject(IdKind::User, "canary-user").await.unwrap();
    let event = identified();
    let record = Record {
        partition: Partition(0),
        subject,
        event_id: EventId([9; 16]),
        received_at: app.clock().now(),
        kind: RecordKind(record_kind(&event.fact)),
        body: encode_event(&event),
    };
    let appended = app.append(vec![record]).await.unwrap();
    app.wait_for_appended(&appended).await.unwrap();
    let opened = open_all(&*app.parts.keys, records(app).await).await.unwrap();
    assert_eq!(opened.last().unwrap().event, Some(event));
}

#[tokio::test]
async fn a_changed_body_is_a_fault_and_never_noise() {
    let shop = shop_with_canary().await;
    let mut stored = records(&shop.app).await;
    let n_whole = stored.iter().position(|r| r.record.subject.is_some()).unwrap();
    let last = stored[n_whole].record.body.len() - 1;
    stored[n_whole].record.body[last] ^= 1;
    let (opened, outcome) = open_records(&*shop.app.parts.keys, stored).await;
    assert_eq!(opened.len(), n_whole);
    let fault = outcome.unwrap_err().to_string();
    assert!(fault.contains("cannot be read") && fault.contains("offset"), "{fault}");
}
