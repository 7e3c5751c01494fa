//! The order of the queue, rows that cannot be read, and how long sealed ids live.

use souk_ports::{Condition, WriteChange};

use super::*;

fn put(partition: &str, key: &str, value: &[u8]) -> Write {
    Write {
        partition_key: partition.to_owned(),
        sort_key: key.to_owned(),
        condition: Condition::Any,
        change: WriteChange::Put { value: value.to_vec(), expires_at: None },
    }
}

async fn write(shop: &Shop, writes: &[Write]) {
    shop.app.parts.tables.write(writes, hook_now()).await.unwrap();
}

fn consent(n: u64) -> Delivery {
    Delivery {
        message_id: format!("msg_{n:012x}"),
        endpoint: "crm".to_owned(),
        what: "consent.changed".to_owned(),
        at: hook_now(),
        facts: json!({"n": n}),
        ids: None,
        attempts: 0,
        next_at: hook_now().plus_ms(-60_000),
        error: None,
        stored: (String::new(), 0),
    }
}

/// Makes the ids look as if they had been sealed that long ago.
async fn age_ids(shop: &Shop, days: i64) {
    for row in rows::all(&shop.app.parts, "outbox-ids").await.unwrap() {
        let mut value: Value = serde_json::from_slice(&row.value).unwrap();
        value["made_at"] = json!(hook_now().plus_ms(-days * 86_400_000).to_string());
        write(shop, &[put("outbox-ids", &row.sort_key, value.to_string().as_bytes())]).await;
    }
}

/// Waits until so many rows stand in a partition: an erasure is completed in the background.
async fn wait_rows(shop: &Shop, partition: &str, n: usize) {
    let wait = async {
        while n_rows(shop, partition).await < n {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    assert!(tokio::time::timeout(Duration::from_secs(30), wait).await.is_ok(), "{partition}");
}

async fn drops(shop: &Shop) -> usize {
    let operation = Some("webhook.drop".to_owned());
    let filter = crate::AuditFilter { operation, ..Default::default() };
    let page = shop.app.audit_entries(&Caller::local_admin(), &filter, (None, 10)).await.unwrap();
    page.items.len()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_erasure_overtakes_what_waits_longer() {
    let (shop, _folder) = shop("").await;
    for n in 0..100 {
        write(&shop, &consent(n).wait()).await;
    }
    erase(&shop, IdentityCheck::Verified).await;
    wait_rows(&shop, rows::WAITING, 103).await;
    let receiver = Receiver::answering(&[]);
    shop.app.set_webhook_sender(receiver.clone());
    receiver.wait_for(103).await;
    let whats = receiver.whats();
    let last = whats.iter().rposition(|what| what.starts_with("privacy_request.")).unwrap();
    assert!(last < 3 + 16, "{last}: {whats:?}");
    let verified = whats.iter().position(|what| what == "privacy_request.verified").unwrap();
    assert!(verified < 3, "{whats:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_that_cannot_be_read_stops_no_other() {
    let (shop, _folder) = shop("kept_days: 1").await;
    let place = "crm/0/000000000001/msg_broken";
    write(&shop, &[put(rows::WAITING, place, b"{\"what\": 1")]).await;
    write(&shop, &[put(rows::WAITING_BEFORE, "msg_old/crm", b"")]).await;
    write(&shop, &[put(rows::HOLDS, "ids_x/msg_broken/crm", b"")]).await;
    let receiver = Receiver::answering(&[]);
    shop.app.set_webhook_sender(receiver.clone());
    erase(&shop, IdentityCheck::Verified).await;
    receiver.wait_for(3).await;
    shop.app.tidy_outbox().await.unwrap();
    assert_eq!(n_rows(&shop, rows::WAITING_BEFORE).await, 0);
    let mut state = shop.app.webhook_states().await.unwrap().remove(0);
    // The receiver has a message a moment before its row is gone.
    while state.pending > 0 {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        state = shop.app.webhook_states().await.unwrap().remove(0);
    }
    assert_eq!((state.unreadable, state.pending, state.dead), (2, 0, 0));
    let findings = shop.app.examine().await.unwrap();
    let found = findings.iter().find(|finding| finding.detail.contains("set aside")).unwrap();
    assert_eq!((found.subject, found.weight), ("webhooks", Weight::Trouble));
    let listed = shop.app.webhook_deliveries(&caller(Role::Privacy), None).await.unwrap().items;
    let ids: Vec<&str> = listed.iter().map(|one| one.id.as_str()).collect();
    assert_eq!(ids, ["msg_broken/crm", "msg_old/crm"]);
    assert!(listed.iter().all(|one| one.state == DeliveryState::Unreadable));
    // Kept for a look, with its bytes, then dropped with what it held.
    let kept = rows::all(&shop.app.parts, rows::UNREADABLE).await.unwrap();
    let value: Value = serde_json::from_slice(&kept[0].value).unwrap();
    assert_eq!(value["row"], STANDARD.encode("{\"what\": 1"));
    let old = hook_now().plus_ms(-86_400_001).to_string();
    let old = json!({"version": 1, "set_aside_at": old}).to_string();
    write(&shop, &[put(rows::UNREADABLE, "crm/msg_broken", old.as_bytes())]).await;
    shop.app.tidy_outbox().await.unwrap();
    assert_eq!(n_rows(&shop, rows::UNREADABLE).await, 1);
    assert_eq!(n_rows(&shop, rows::HOLDS).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ids_live_until_they_are_handed_over_or_given_up() {
    let (shop, _folder) = shop(
        "kept_days: 1
    attempts_max: 1",
    )
    .await;
    let id = erase(&shop, IdentityCheck::Verified).await;
    wait_rows(&shop, rows::WAITING, 3).await;
    age_ids(&shop, 400).await;
    shop.app.tidy_outbox().await.unwrap();
    assert!(shop.app.open_ids(&id).await.unwrap().is_some(), "the delivery still waits");
    let refusals: Vec<Result<u16, String>> = vec![Ok(500); 3];
    shop.app.set_webhook_sender(Receiver::answering(&refusals));
    wait_empty(&shop, rows::WAITING).await;
    shop.app.tidy_outbox().await.unwrap();
    assert_eq!(n_rows(&shop, rows::DEAD).await, 3);
    assert!(shop.app.open_ids(&id).await.unwrap().is_some(), "kept to be sent again");
    assert_eq!(drops(&shop).await, 0);
    for row in rows::all(&shop.app.parts, rows::DEAD).await.unwrap() {
        let mut delivery = Delivery::read(rows::DEAD, &row).unwrap();
        delivery.next_at = hook_now().plus_ms(-86_400_001);
        write(&shop, &delivery.bury()[1..]).await;
    }
    shop.app.tidy_outbox().await.unwrap();
    assert_eq!(n_rows(&shop, rows::DEAD).await, 0);
    assert_eq!(shop.app.open_ids(&id).await.unwrap(), None);
    assert_eq!((n_rows(&shop, "outbox-ids").await, n_rows(&shop, rows::HOLDS).await), (0, 0));
    assert_eq!(drops(&shop).await, 3, "that nobody will be told is on record");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sending_again_at_once_sends_once_and_keeps_the_ids() {
    let (shop, _folder) = shop("attempts_max: 1").await;
    let id = erase(&shop, IdentityCheck::Verified).await;
    wait_rows(&shop, rows::WAITING, 3).await;
    for row in rows::all(&shop.app.parts, rows::WAITING).await.unwrap() {
        let delivery = Delivery::read(rows::WAITING, &row).unwrap();
        shop.app.settle(&delivery.bury()).await.unwrap();
    }
    assert_eq!(n_rows(&shop, rows::DEAD).await, 3);
    let privacy = caller(Role::Privacy);
    let (one, two, three, released) = tokio::join!(
        shop.app.resend_webhooks(&privacy, None),
        shop.app.resend_webhooks(&privacy, None),
        shop.app.resend_webhooks(&privacy, None),
        shop.app.release_ids(&id),
    );
    released.unwrap();
    assert_eq!(one.unwrap() + two.unwrap() + three.unwrap(), 3);
    assert_eq!((n_rows(&shop, rows::WAITING).await, n_rows(&shop, rows::DEAD).await), (3, 0));
    assert!(shop.app.open_ids(&id).await.unwrap().is_some());
    let row = rows::all(&shop.app.parts, rows::WAITING).await.unwrap().remove(0);
    let stale = Delivery { stored: (row.sort_key, row.version - 1), ..consent(1) };
    let settled = shop.app.settle(&stale.done()).await.unwrap();
    assert_eq!(settled, deliver::Settled::Changed);
    assert_eq!(n_rows(&shop, rows::WAITING).await, 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_of_earlier_versions_are_delivered_with_their_ids() {
    let (shop, _folder) = shop("").await;
    let id = erase(&shop, IdentityCheck::Verified).await;
    wait_rows(&shop, rows::WAITING, 3).await;
    // As it was: under message and endpoint, without holds; one of them dead.
    for row in rows::all(&shop.app.parts, rows::WAITING).await.unwrap() {
        let delivery = Delivery::read(rows::WAITING, &row).unwrap();
        let is_verified = delivery.what == "privacy_request.verified";
        let partition = if is_verified { rows::DEAD } else { rows::WAITING_BEFORE };
        write(&shop, &delivery.done()).await;
        write(&shop, &[put(partition, &delivery.name(), &row.value)]).await;
    }
    assert_eq!(n_rows(&shop, rows::HOLDS).await, 0);
    shop.app.release_ids(&id).await.unwrap();
    assert!(shop.app.open_ids(&id).await.unwrap().is_some(), "rows without holds may need them");
    shop.app.tidy_outbox().await.unwrap();
    assert_eq!(n_rows(&shop, rows::HOLDS).await, 1);
    assert!(shop.app.open_ids(&id).await.unwrap().is_some());
    let receiver = Receiver::answering(&[]);
    shop.app.set_webhook_sender(receiver.clone());
    receiver.wait_for(2).await;
    assert_eq!(shop.app.resend_webhooks(&caller(Role::Privacy), None).await.unwrap(), 1);
    receiver.wait_for(3).await;
    wait_empty(&shop, "outbox-ids").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn counts_are_kept_without_reading_and_lists_come_in_pages() {
    let (shop, _folder) = shop("attempts_max: 1").await;
    let writes: Vec<Write> = (0..1_203).flat_map(|n| consent(n).wait()).collect();
    for writes in writes.chunks(souk_ports::WRITES_MAX) {
        write(&shop, writes).await;
    }
    shop.app.tidy_outbox().await.unwrap();
    let refusals: Vec<Result<u16, String>> = vec![Ok(410); 3];
    let receiver = Receiver::answering(&refusals);
    shop.app.set_webhook_sender(receiver.clone());
    receiver.wait_for(100).await;
    erase(&shop, IdentityCheck::Verified).await;
    receiver.wait_for(1_203).await;
    wait_empty(&shop, rows::WAITING).await;
    let wait = async {
        while shop.app.outbox_counts().await.unwrap()["crm"] != [0, 3, 0] {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), wait).await.unwrap();
    assert_eq!(shop.app.recount_outbox().await.unwrap()["crm"], [0, 3, 0]);
    // What is due later is not read one by one: the head of the queue says when that is.
    let later: Vec<Write> = (0..1_203)
        .map(|n| Delivery { next_at: hook_now().plus_ms(3_600_000 + n), ..consent(n as u64) })
        .flat_map(|delivery| delivery.wait())
        .collect();
    for writes in later.chunks(souk_ports::WRITES_MAX) {
        write(&shop, writes).await;
    }
    let (mut n, mut after, mut n_pages) = (0, None, 0);
    loop {
        let page =
            shop.app.webhook_deliveries(&caller(Role::Privacy), after.as_deref()).await.unwrap();
        n += page.items.len();
        after = page.next;
        if after.is_none() {
            break;
        }
        n_pages += 1;
    }
    assert_eq!((n, n_pages), (1_206, 4), "one page of dead ones, three of waiting ones");
    let no_page = shop.app.webhook_deliveries(&caller(Role::Privacy), Some("x")).await;
    assert_eq!(no_page.unwrap_err().code(), "not_found");
}
