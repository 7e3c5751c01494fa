#![allow(clippy::unwrap_used)]

use std::collections::VecDeque;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::*;
use crate::config::Config;
use crate::test_shop::{Shop, caller};
use crate::{AuditAct, AuditOperation, Caller, IdentityCheck, Role, Weight, Who};

/// A published secret of the specification's own test suite.
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const ANNA: &str = "anna.of.the.outbox@example.com";

/// The vector of the reference libraries (`standard-webhooks`, `libraries/*/test`).
#[test]
fn signatures_are_those_of_the_specification() {
    let secrets = sign::HookSecrets::of(&[SECRET]);
    let signed =
        secrets.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, br#"{"test": 2432232314}"#);
    assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    let former = format!("whsec_{}", STANDARD.encode([7; 32]));
    let both = sign::HookSecrets::of(&[SECRET, &former]);
    let both = both.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, br#"{"test": 2432232314}"#);
    assert!(both.starts_with(&format!("{signed} v1,")) && both.len() > signed.len() + 40, "{both}");
    assert_eq!(format!("{secrets:?}"), "HookSecrets(…)");
    for no_secret in ["", "whsec_", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_c2hvcnQ=", "whsec_%"]
    {
        assert!(sign::mac_of(no_secret).is_none(), "{no_secret}");
    }
}

/// A receiver that answers as it is told, then 200.
#[derive(Debug, Default)]
struct Receiver {
    answers: Mutex<VecDeque<Result<u16, String>>>,
    taken: Mutex<Vec<(String, Value)>>,
}

#[async_trait]
impl HookSender for Receiver {
    async fn post(&self, call: HookCall<'_>) -> Result<u16, String> {
        let answer = self.answers.lock().pop_front().unwrap_or(Ok(200));
        let body = serde_json::from_slice(&call.body).unwrap();
        if answer == Ok(200) {
            self.taken.lock().push((call.headers[0].1.clone(), body));
        }
        answer
    }
}

impl Receiver {
    fn answering(answers: &[Result<u16, String>]) -> Arc<Receiver> {
        let answers = Mutex::new(answers.iter().cloned().collect());
        Arc::new(Receiver { answers, taken: Mutex::default() })
    }

    /// What it took, by kind.
    fn whats(&self) -> Vec<String> {
        self.taken.lock().iter().map(|(_, body)| body["type"].as_str().unwrap().into()).collect()
    }

    async fn wait_for(&self, n: usize) {
        let wait = async {
            while self.taken.lock().len() < n {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let outcome = tokio::time::timeout(Duration::from_secs(30), wait).await;
        assert!(outcome.is_ok(), "{:?}", self.whats());
    }
}

async fn shop(more: &str) -> (Shop, tempfile::TempDir) {
    let folder = tempfile::TempDir::new().unwrap();
    let file = folder.path().join("secret");
    std::fs::write(&file, SECRET).unwrap();
    let text = format!(
        "snapshots: {{after_erasure_s: 0}}
privacy:
  default_jurisdiction: us
  webhooks:
    retry_first_ms: 10
    retry_max_s: 1
    {more}
    endpoints:
      - name: crm
        url: https://crm.example/hook
        secret: file:{}
        kinds: [erasure, export, consent, audit_head]",
        file.display()
    );
    (Shop::open_with(Config::parse(&text, []).unwrap()).await, folder)
}

async fn erase(shop: &Shop, identity: IdentityCheck) -> String {
    let who = Who::parse(ANNA).unwrap();
    let request = shop.app.request_erasure(&caller(Role::Privacy), &who, identity).await.unwrap();
    request.request_id
}

/// Rows of a partition.
async fn n_rows(shop: &Shop, partition: &str) -> usize {
    rows::all(&shop.app.parts, partition).await.unwrap().len()
}

async fn wait_empty(shop: &Shop, partition: &str) {
    let wait = async {
        while n_rows(shop, partition).await > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    assert!(tokio::time::timeout(Duration::from_secs(30), wait).await.is_ok(), "{partition}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receiver_hears_of_an_erasure_and_nothing_of_the_person_stays() {
    let (shop, _folder) = shop("").await;
    let id = erase(&shop, IdentityCheck::Verified).await;
    // Nothing carries messages yet, so all wait; the id stands nowhere in clear.
    let waiting = rows::all(&shop.app.parts, rows::WAITING).await.unwrap();
    let sealed = rows::all(&shop.app.parts, "outbox-ids").await.unwrap();
    assert!(waiting.len() >= 2 && sealed.len() == 1);
    for row in waiting.iter().chain(&sealed) {
        let text = String::from_utf8_lossy(&row.value);
        assert!(!text.contains(ANNA) && !row.sort_key.contains(ANNA), "{text}");
    }
    assert!(shop.app.open_ids(&id).await.unwrap().is_some());
    let receiver = Receiver::answering(&[]);
    shop.app.set_webhook_sender(receiver.clone());
    receiver.wait_for(3).await;
    let mut whats = receiver.whats();
    whats.sort();
    let all = ["completed", "received", "verified"].map(|what| format!("privacy_request.{what}"));
    assert_eq!(whats, all);
    for (message_id, body) in receiver.taken.lock().iter() {
        assert!(message_id.starts_with("msg_") && body["data"]["request_id"] == id.as_str());
        let is_verified = body["type"] == "privacy_request.verified";
        let ids = json!([{"type": "user", "id": ANNA}]);
        assert_eq!(body["data"]["subject"]["ids"] == ids, is_verified, "{body}");
        assert_eq!(body.to_string().contains(ANNA), is_verified, "{body}");
    }
    wait_empty(&shop, "outbox-ids").await;
    wait_empty(&shop, rows::WAITING).await;
    // Whoever puts the sealed row back, from a backup, has no key for it.
    let [row] = &sealed[..] else { panic!("one row") };
    let back = Write {
        partition_key: "outbox-ids".to_owned(),
        sort_key: row.sort_key.clone(),
        condition: souk_ports::Condition::Any,
        change: souk_ports::WriteChange::Put { value: row.value.clone(), expires_at: None },
    };
    shop.app.parts.tables.write(&[back], hook_now()).await.unwrap();
    assert_eq!(shop.app.open_ids(&id).await.unwrap(), None);
    shop.app.tidy_outbox().await.unwrap();
    assert_eq!(n_rows(&shop, "outbox-ids").await, 0);
    // Handing the id over is on record.
    let filter = crate::AuditFilter { operation: Some("webhook".to_owned()), ..Default::default() };
    let page = shop.app.audit_entries(&Caller::local_admin(), &filter, (None, 10)).await.unwrap();
    assert_eq!(page.items.len(), 1);
    assert_eq!(page.items[0].entry.details["endpoint"], "crm");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_named_before_somebody_vouches_for_the_person() {
    let (shop, _folder) = shop("").await;
    let receiver = Receiver::answering(&[]);
    shop.app.set_webhook_sender(receiver.clone());
    let id = erase(&shop, IdentityCheck::Unverified).await;
    receiver.wait_for(1).await;
    shop.app.tidy_outbox().await.unwrap();
    assert_eq!(receiver.whats(), ["privacy_request.received"]);
    assert_eq!(n_rows(&shop, "outbox-ids").await, 1, "kept for the day it is verified");
    shop.app.verify_request(&caller(Role::Privacy), &id).await.unwrap();
    receiver.wait_for(3).await;
    let verified = receiver.taken.lock().clone();
    let verified = verified.iter().find(|(_, body)| body["type"] == "privacy_request.verified");
    assert_eq!(verified.unwrap().1["data"]["subject"]["ids"][0]["id"], ANNA);
    wait_empty(&shop, "outbox-ids").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failure_is_tried_again_under_the_same_id() {
    let (shop, _folder) = shop("").await;
    let failures = [Ok(500), Err("no route".to_owned()), Ok(302)];
    let receiver = Receiver::answering(&failures);
    shop.app.set_webhook_sender(receiver.clone());
    let update = crate::ConsentUpdate {
        denied: souk_core::Purposes::NONE.with(souk_core::Purpose::Marketing),
        ..Default::default()
    };
    let site = souk_core::SiteId::main();
    let whom = (ANNA, &site);
    shop.app.change_consents(whom, update, &caller(Role::Privacy)).await.unwrap();
    receiver.wait_for(1).await;
    let taken = receiver.taken.lock().clone();
    assert_eq!(taken[0].1["type"], "consent.changed");
    assert_eq!(taken[0].1["data"]["denied"], json!(["marketing"]));
    assert_eq!(taken[0].1["data"]["subject"]["ids"][0]["id"], ANNA);
    wait_empty(&shop, "outbox-ids").await;
    let state = shop.app.webhook_states().await.unwrap().remove(0);
    assert_eq!((state.delivered, state.failed, state.dead), (1, 3, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_is_given_up_seen_and_sent_again() {
    let (shop, _folder) = shop("attempts_max: 2").await;
    let refusals: Vec<Result<u16, String>> = vec![Ok(500); 6];
    let receiver = Receiver::answering(&refusals);
    shop.app.set_webhook_sender(receiver.clone());
    let id = erase(&shop, IdentityCheck::Verified).await;
    let dead = async {
        while n_rows(&shop, rows::DEAD).await < 3 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), dead).await.unwrap();
    assert!(receiver.taken.lock().is_empty());
    let findings = shop.app.examine().await.unwrap();
    let found = findings.iter().find(|finding| finding.subject == "webhooks").unwrap();
    assert_eq!(found.weight, Weight::Trouble);
    assert!(found.detail.contains("3 messages to `crm` were given up"), "{}", found.detail);
    assert!(found.detail.contains("answered 500"), "{}", found.detail);
    let listed = shop.app.webhook_deliveries(&caller(Role::Privacy), None).await.unwrap().items;
    assert!(listed.iter().all(|one| one.next_at.is_none() && one.attempts == 2), "{listed:?}");
    assert!(shop.app.open_ids(&id).await.unwrap().is_some(), "kept to be sent again");
    let nobody = shop.app.resend_webhooks(&caller(Role::Analyst), None).await.unwrap_err();
    assert_eq!(nobody.code(), "denied");
    let none = shop.app.resend_webhooks(&caller(Role::Privacy), Some("msg_0/crm")).await;
    assert_eq!(none.unwrap_err().code(), "not_found");
    let verified = listed.iter().find(|one| one.what == "privacy_request.verified").unwrap();
    let again = shop.app.resend_webhooks(&caller(Role::Privacy), Some(&verified.id)).await;
    assert_eq!(again.unwrap(), 1);
    receiver.wait_for(1).await;
    assert!(verified.id.starts_with(&receiver.taken.lock()[0].0), "under the id it had");
    wait_empty(&shop, "outbox-ids").await;
    assert_eq!(shop.app.resend_webhooks(&caller(Role::Privacy), None).await.unwrap(), 2);
    receiver.wait_for(3).await;
    assert_eq!(n_rows(&shop, rows::DEAD).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receiver_that_answers_gone_is_not_asked_again() {
    let (shop, _folder) = shop("").await;
    shop.app.set_webhook_sender(Receiver::answering(&[Ok(410), Ok(410), Ok(410)]));
    erase(&shop, IdentityCheck::Verified).await;
    let dead = async {
        while n_rows(&shop, rows::DEAD).await < 3 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), dead).await.unwrap();
    let listed = shop.app.webhook_deliveries(&caller(Role::Privacy), None).await.unwrap().items;
    assert!(listed.iter().all(|one| one.attempts == 1), "{listed:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn heads_of_the_audit_log_go_elsewhere_and_vouch_for_it() {
    let (shop, _folder) = shop("").await;
    let receiver = Receiver::answering(&[]);
    shop.app.set_webhook_sender(receiver.clone());
    for n in 0..3 {
        let act = AuditAct::new(AuditOperation::KeyList).with("n", n);
        shop.app.audit(&Caller::local_admin(), act).await.unwrap();
        shop.app.publish_audit_head().await.unwrap();
        shop.app.publish_audit_head().await.unwrap();
    }
    receiver.wait_for(3).await;
    // What a receiver kept, whole or the line alone, is what `souk audit verify --heads` reads.
    let taken = receiver.taken.lock().clone();
    assert_eq!(taken.len(), 3, "one for each size of the tree");
    let bodies: String = taken.iter().map(|(_, body)| format!("{body}\n")).collect();
    let lines: String = taken
        .iter()
        .map(|(_, body)| format!("{}\n", body["data"]["line"].as_str().unwrap()))
        .collect();
    for heads in [&bodies, &lines] {
        let check = crate::verify_audit(&*shop.app.parts.tables, Some(heads), None).await.unwrap();
        assert!(check.problems.is_empty(), "{:?}", check.problems);
        assert_eq!((check.published_heads, check.published_entries), (3, 3));
    }
    let other = bodies.replace("\\\"size\\\":2", "\\\"size\\\":1");
    assert_ne!(other, bodies);
    let check = crate::verify_audit(&*shop.app.parts.tables, Some(&other), None).await.unwrap();
    assert!(!check.problems.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_has_no_endpoint_any_more_is_given_up() {
    let (shop, _folder) = shop("kept_days: 1").await;
    let mut delivery = Delivery {
        message_id: "msg_1".to_owned(),
        endpoint: "gone".to_owned(),
        what: "privacy_request.received".to_owned(),
        at: hook_now(),
        facts: json!({}),
        ids: None,
        attempts: 0,
        next_at: hook_now(),
        error: None,
        stored: (String::new(), 0),
    };
    shop.app.parts.tables.write(&delivery.wait(), hook_now()).await.unwrap();
    shop.app.tidy_outbox().await.unwrap();
    assert_eq!(n_rows(&shop, rows::WAITING).await, 1, "a command may have other settings");
    shop.app.set_webhook_sender(Receiver::answering(&[]));
    shop.app.tidy_outbox().await.unwrap();
    let state = shop.app.webhook_states().await.unwrap().remove(1);
    assert_eq!((state.endpoint.as_str(), state.pending, state.dead), ("gone", 0, 1));
    // What was given up more than `kept_days` ago goes.
    let row = rows::all(&shop.app.parts, rows::DEAD).await.unwrap().remove(0);
    delivery = Delivery::read(rows::DEAD, &row).unwrap();
    delivery.next_at = hook_now().plus_ms(-86_400_001);
    let old = delivery.bury();
    shop.app.parts.tables.write(&old[1..], hook_now()).await.unwrap();
    shop.app.tidy_outbox().await.unwrap();
    assert_eq!(n_rows(&shop, rows::DEAD).await, 0);
}

mod queue;
