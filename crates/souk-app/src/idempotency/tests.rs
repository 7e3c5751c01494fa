#![allow(clippy::unwrap_used)]

use std::sync::atomic::Ordering;

use expect_test::expect;

use super::*;
use crate::Role;
use crate::test_shop::{Shop, caller};

async fn start(shop: &Shop, role: Role, body: &[u8]) -> Result<Idempotent, AppError> {
    shop.app.idempotent(&caller(role), "k-1", ("POST /v1/keys", body)).await
}

fn ticket(outcome: Result<Idempotent, AppError>) -> IdempotencyTicket {
    match outcome.unwrap() {
        Idempotent::Start(ticket) => ticket,
        replay => panic!("{replay:?}"),
    }
}

#[tokio::test]
async fn a_repetition_gets_the_same_answer() {
    let shop = Shop::open().await;
    let first = ticket(start(&shop, Role::Admin, b"a").await);
    let error = start(&shop, Role::Admin, b"a").await.unwrap_err();
    assert_eq!(error.code(), "conflict");
    shop.app.idempotent_finish(first, (201, b"{\"id\":1}"), Kept::Stored).await.unwrap();
    let replay = Idempotent::Replay { status: 201, body: b"{\"id\":1}".to_vec() };
    assert_eq!(start(&shop, Role::Admin, b"a").await.unwrap(), replay);

    let error = start(&shop, Role::Admin, b"b").await.unwrap_err();
    assert_eq!(error.code(), "idempotency_key_reused");
    expect!["the Idempotency-Key was used with another request; take a new one for each"]
        .assert_eq(&error.to_string());
    // Another caller's key of the same name is another key.
    ticket(start(&shop, Role::Planner, b"b").await);

    // After a day the key is free.
    shop.hand.fetch_add(KEPT_MS, Ordering::SeqCst);
    ticket(start(&shop, Role::Admin, b"b").await);
}

#[tokio::test]
async fn a_request_that_never_ended_frees_its_key() {
    let shop = Shop::open().await;
    let lost = ticket(start(&shop, Role::Admin, b"a").await);
    shop.hand.fetch_add(IN_FLIGHT_MS, Ordering::SeqCst);
    let second = ticket(start(&shop, Role::Admin, b"a").await);
    // The first one comes back from the dead: it must not answer for the second.
    shop.app.idempotent_finish(lost, (200, b"old"), Kept::Stored).await.unwrap();
    assert_eq!(start(&shop, Role::Admin, b"a").await.unwrap_err().code(), "conflict");
    shop.app.idempotent_abandon(second).await.unwrap();
    ticket(start(&shop, Role::Admin, b"other").await);
}

#[tokio::test]
async fn odd_keys_and_large_answers() {
    let shop = Shop::open().await;
    for key in ["", &"k".repeat(256)] {
        let error = shop.app.idempotent(&caller(Role::Admin), key, ("", b"")).await.unwrap_err();
        assert_eq!(error.code(), "invalid_idempotency_key");
    }
    let first = ticket(start(&shop, Role::Admin, b"a").await);
    shop.app
        .idempotent_finish(first, (200, &vec![0; VALUE_BYTES_MAX]), Kept::Stored)
        .await
        .unwrap();
    ticket(start(&shop, Role::Admin, b"a").await);
}

#[tokio::test]
async fn a_secret_answer_is_repeated_but_never_stored() {
    let shop = Shop::open().await;
    let first = ticket(start(&shop, Role::Admin, b"a").await);
    shop.app.idempotent_finish(first, (201, b"souk_secret"), Kept::InMemory).await.unwrap();
    let replay = Idempotent::Replay { status: 201, body: b"souk_secret".to_vec() };
    assert_eq!(start(&shop, Role::Admin, b"a").await.unwrap(), replay);
    let range =
        souk_ports::TableRange { partition_key: PARTITION, prefix: "", after: None, limit: 9 };
    let rows = shop.app.parts.tables.range(range, shop.app.clock.now()).await.unwrap();
    assert!(rows.iter().all(|row| row.value.len() == HEAD_BYTES));
    // As after a restart.
    shop.app.door.secret_answers.lock().clear();
    assert_eq!(start(&shop, Role::Admin, b"a").await.unwrap_err().code(), "conflict");
}
