#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;

use serde_json::{Value, json};
use souk_embedded::{Embedded, EmbeddedOptions, open};
use souk_ports::Cursor;
use tempfile::TempDir;

use super::*;
use crate::sealing::open_all;
use crate::test_shop::{caller, files, noon, parts_of};
use crate::{Clock, Config, IngestCall, IngestRequest, Role};

mod tokens;

/// What the planted person said, and nobody else.
const CANARIES: [&str; 4] = ["canary@mail.example", "canary words", "canary-order", "canary-card"];
const OTHERS: usize = 300;

/// A shop whose storage can be looked at from outside, closed and opened again.
struct Desk {
    app: Arc<App>,
    stored: Arc<Embedded>,
    folder: TempDir,
    hand: &'static AtomicI64,
}

async fn open_at(data: &Path, hand: &'static AtomicI64) -> (Arc<App>, Arc<Embedded>) {
    let stored = Arc::new(open(data, &EmbeddedOptions::default()).unwrap());
    let mut config = Config::default();
    config.snapshots.after_erasure_s = 0;
    let app = App::open(parts_of(&stored), config, Clock::by_hand(hand)).await.unwrap();
    app.wait_ready().await.unwrap();
    (app, stored)
}

impl Desk {
    async fn open() -> Desk {
        let folder = TempDir::new().unwrap();
        let hand: &'static AtomicI64 = Box::leak(Box::new(AtomicI64::new(noon().as_ms())));
        let (app, stored) = open_at(&folder.path().join("data"), hand).await;
        Desk { app, stored, folder, hand }
    }

    /// Ends the program; the data folder is free afterwards.
    async fn close(self) -> (TempDir, &'static AtomicI64) {
        let Desk { app, stored, folder, hand } = self;
        app.close().await.unwrap();
        settle(app).await;
        drop(stored);
        (folder, hand)
    }

    async fn reopen(self) -> Desk {
        let (folder, hand) = self.close().await;
        let (app, stored) = open_at(&folder.path().join("data"), hand).await;
        Desk { app, stored, folder, hand }
    }

    async fn send(&self, messages: Vec<Value>) {
        let body = json!({"batch": messages}).to_string();
        let caller = caller(Role::IngestServer);
        let (call, body) = (IngestCall::Batch, body.as_bytes());
        let request = IngestRequest::new(call, body, &caller);
        let answer = self.app.ingest(request).await.unwrap();
        assert!(answer.rejected.is_empty(), "{:?}", answer.rejected);
        let end = self.app.parts.log.end().await.unwrap();
        self.app.wait_for(&end).await.unwrap();
    }

    /// Others who shop, and the canary among them, under two ids that are linked.
    async fn plant(&self) {
        let mut messages: Vec<Value> = (0..OTHERS)
            .flat_map(|n| {
                [view(&format!("u{n}"), n % 7), order(&format!("u{n}"), &format!("o{n}"))]
            })
            .collect();
        messages.insert(100, view("canary", 3));
        messages
            .push(json!({"type": "identify", "userId": "canary", "anonymousId": "canary-browser",
            "traits": {"email": "canary@mail.example"}}));
        messages.push(json!({"type": "track", "anonymousId": "canary-browser",
            "event": "Products Searched", "properties": {"query": "canary words <b>"}}));
        messages.push(order("canary", "canary-order"));
        self.send(messages).await;
    }

    async fn request(&self, id: &str) -> PrivacyRequest {
        self.app.privacy_request(&privacy(), id).await.unwrap()
    }

    async fn erase(&self, id: &str) -> PrivacyRequest {
        let who = Who::parse(id).unwrap();
        self.app.request_erasure(&privacy(), &who, Identity::Verified).await.unwrap()
    }

    async fn completed(&self, id: &str) -> PrivacyRequest {
        let complete = async {
            loop {
                let request = self.request(id).await;
                if request.state == RequestState::Complete {
                    return request;
                }
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(60), complete).await.unwrap()
    }

    async fn copy(&self, id: &str, form: CopyForm) -> String {
        let who = Who::parse(id).unwrap();
        let asked = (Identity::Verified, form);
        self.app.request_copy(&privacy(), &who, asked).await.unwrap().text.unwrap()
    }
}

/// Background tasks hold the application for moments; the folder is free when the last has gone.
async fn settle(app: Arc<App>) {
    let weak = Arc::downgrade(&app);
    drop(app);
    while weak.strong_count() > 0 {
        tokio::task::yield_now().await;
    }
}

fn privacy() -> Caller {
    caller(Role::Privacy)
}

fn view(user: &str, product: usize) -> Value {
    json!({"type": "track", "userId": user, "event": "Product Viewed",
        "properties": {"product_id": format!("p{product}")}})
}

fn order(user: &str, order: &str) -> Value {
    json!({"type": "track", "userId": user, "event": "Order Completed", "properties": {
        "order_id": order, "loyalty_card_id": format!("{user}-card"),
        "products": [{"product_id": "p1", "quantity": 2, "price": 3.5}]}})
}

/// Everything that the log says to whoever has the present keys.
async fn readable(app: &App) -> String {
    let mut text = String::new();
    let mut cursor = Cursor::START;
    loop {
        let records = app.parts.log.read(&cursor, 1_000).await.unwrap();
        if records.is_empty() {
            return text;
        }
        records.iter().for_each(|recorded| cursor.advance(recorded.position));
        for decoded in open_all(&*app.parts.keys, records).await.unwrap() {
            text.push_str(&format!("{:?}\n", decoded.event));
        }
    }
}

fn holds(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

fn sales(app: &App) -> u128 {
    let parts = app.with_views(|views| views.fingerprints());
    let books = parts.iter().filter(|(name, _)| ["sales", "sale orders"].contains(name));
    books.fold(0, |sum, (_, part)| sum.wrapping_mul(31).wrapping_add(*part))
}

/// The small form of what an erasure promises: nothing of the person is left in any file, old backups
/// included, and everything else is as it was.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_erased_person_is_nowhere() {
    let desk = Desk::open().await;
    desk.plant().await;
    desk.app.snapshot_now().await.unwrap();
    let backup = desk.folder.path().join("backup");
    desk.stored.backup(&backup).await.unwrap();
    let subjects =
        desk.app.subjects_of(&Who::parse("canary").unwrap(), Reach::Claimed).await.unwrap();
    assert_eq!(subjects.len(), 3, "user, browser and card");
    let keys = desk.app.parts.keys.keys(&subjects).await.unwrap();

    // Before: whoever has the keys reads it all; bare bytes tell nothing.
    let before = readable(&desk.app).await;
    for canary in &CANARIES[..3] {
        assert!(before.contains(canary), "{canary} was not planted");
    }
    let books = sales(&desk.app);
    assert_no_bare_canary(desk.folder.path());

    let request = desk.erase("canary").await;
    assert_eq!((request.n_subjects, request.state), (3, RequestState::InProgress));
    assert_eq!(desk.app.find_subject(IdKind::User, "canary").await.unwrap(), None);
    assert_eq!(sales(&desk.app), books);
    let check = desk.app.check_views().await.unwrap();
    assert!(check.differing.is_empty(), "{:?}", check.differing);
    // What comes in later is somebody new.
    desk.send(vec![view("canary", 2)]).await;
    assert!(desk.app.check_views().await.unwrap().differing.is_empty());
    let done = desk.completed(&request.request_id).await;
    assert!(done.subjects.is_empty());

    let after = readable(&desk.app).await;
    assert!(after.contains("p1"), "others stay");
    for canary in CANARIES {
        assert!(!after.contains(canary), "{canary} is still readable");
    }
    // No file holds a key of theirs, wrapped or bare, nor a word; the key store not even the subject.
    assert_no_bare_canary(desk.folder.path());
    for (path, bytes) in files(&desk.folder.path().join("data/keys")) {
        for (subject, key) in subjects.iter().zip(&keys) {
            assert!(!holds(&bytes, &subject.0), "{}", path.display());
            assert!(!holds(&bytes, key.as_ref().unwrap().bytes()), "{}", path.display());
        }
    }
    old_backup_does_not_bring_anyone_back(desk, &backup, &subjects).await;
}

fn assert_no_bare_canary(folder: &Path) {
    for (path, bytes) in files(folder) {
        for canary in CANARIES {
            assert!(!holds(&bytes, canary.as_bytes()), "{canary} stands in {}", path.display());
        }
    }
}

async fn old_backup_does_not_bring_anyone_back(desk: Desk, backup: &Path, gone: &[SubjectId]) {
    let (folder, hand) = desk.close().await;
    let restored = folder.path().join("restored");
    souk_embedded::restore(backup, &restored).unwrap();
    // With the present key store: the snapshots in the backup were sealed with keys that are gone.
    copy_folder(&folder.path().join("data/keys"), &restored.join("keys"));
    let (app, stored) = open_at(&restored, hand).await;
    let text = readable(&app).await;
    assert!(text.contains("\"o7\""), "the backup's other orders are read");
    for canary in CANARIES {
        assert!(!text.contains(canary), "{canary} came back");
    }
    assert!(app.check_views().await.unwrap().differing.is_empty());
    for subject in gone {
        assert!(app.with_views(|views| views.audit().history(&[*subject]).is_empty()));
    }
    app.close().await.unwrap();
    settle(app).await;
    drop(stored);
}

fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        std::fs::copy(&path, &target).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receipt_verifies_and_a_changed_one_does_not() {
    let desk = Desk::open().await;
    desk.plant().await;
    let request = desk.erase("canary").await;
    let receipt = desk.completed(&request.request_id).await.receipt.unwrap();
    let key = desk.app.receipt_key().await.unwrap();
    let said = check_receipt(&receipt, &key).unwrap();
    assert_eq!(said["subjects"], 3);
    assert_eq!(said["subject_marks"].as_array().unwrap().len(), 3);
    for name in ["keys_destroyed_and_views_exact_at", "older_snapshots_destroyed_at"] {
        assert!(said[name].is_string(), "{name}");
    }
    let mut changed = receipt.clone();
    changed.statement = changed.statement.replace("\"subjects\":3", "\"subjects\":2");
    assert_ne!(changed, receipt);
    assert!(check_receipt(&changed, &key).is_err());
    assert!(check_receipt(&receipt, &"0".repeat(64)).is_err());
    // Nobody known is a request like any other: the receipt says that nothing was held.
    let none = desk.erase("never-seen").await;
    let receipt = desk.completed(&none.request_id).await.receipt.unwrap();
    assert_eq!(check_receipt(&receipt, &key).unwrap()["subjects"], 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unverified_requests_wait() {
    let desk = Desk::open().await;
    desk.plant().await;
    let who = Who::parse("canary").unwrap();
    let asked = desk.app.request_erasure(&privacy(), &who, Identity::Unverified).await.unwrap();
    assert_eq!(asked.state, RequestState::IdentityUnverified);
    assert!(desk.app.find_subject(IdKind::User, "canary").await.unwrap().is_some());
    let desk = desk.reopen().await;
    let form = (Identity::Unverified, CopyForm::JsonLines);
    let copy = desk.app.request_copy(&privacy(), &who, form).await.unwrap();
    assert_eq!(copy.text, None);
    let id = copy.request.request_id.as_str();
    assert!(desk.app.copy_of_request(&privacy(), (id, CopyForm::Html)).await.is_err());
    let ready = desk.app.verify_request(&privacy(), id).await.unwrap();
    assert_eq!(ready.verified_by.as_deref(), Some("test-privacy"));
    let copy = desk.app.copy_of_request(&privacy(), (id, CopyForm::JsonLines)).await.unwrap();
    assert!(copy.text.unwrap().contains("canary words"));
    assert!(desk.app.copy_of_request(&privacy(), (id, CopyForm::JsonLines)).await.is_err());
    desk.app.verify_request(&privacy(), &asked.request_id).await.unwrap();
    assert_eq!(desk.app.find_subject(IdKind::User, "canary").await.unwrap(), None);
    let listed = desk.app.privacy_requests(&privacy(), (None, 10)).await.unwrap();
    assert_eq!(listed.len(), 2);
    assert!(listed[0].request_id > listed[1].request_id);
}

/// Wherever a crash falls, the next start ends the erasure.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn erasures_go_on_after_a_crash() {
    for stop in ["noted", "keys gone", "fact in the log"] {
        let desk = Desk::open().await;
        desk.plant().await;
        let app = Arc::clone(&desk.app);
        let who = Who::parse("canary").unwrap();
        let subjects = app.subjects_of(&who, Reach::Claimed).await.unwrap();
        let from = ("test", app.clock().now());
        let mut request =
            PrivacyRequest::new(RequestKind::Erasure, subjects.clone(), from).unwrap();
        store::put(&app, &mut request).await.unwrap();
        if stop != "noted" {
            store::note_erased(&app, &subjects).await.unwrap();
            for subject in &subjects {
                app.parts.keys.forget(*subject).await.unwrap();
            }
        }
        if stop == "fact in the log" {
            app.append_forgotten(&subjects).await.unwrap();
        }
        drop(app);
        // A minute later, so that the request is from before the start.
        desk.hand.fetch_add(60_000, std::sync::atomic::Ordering::SeqCst);
        let desk = desk.reopen().await;
        desk.completed(&request.request_id).await;
        assert_eq!(desk.app.find_subject(IdKind::User, "canary").await.unwrap(), None, "{stop}");
        assert!(!readable(&desk.app).await.contains("canary"), "{stop}");
        let check = desk.app.check_views().await.unwrap();
        assert!(check.differing.is_empty(), "{stop}: {:?}", check.differing);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_older_key_store_does_not_bring_anyone_back() {
    let desk = Desk::open().await;
    desk.plant().await;
    let (folder, hand) = desk.close().await;
    let (keys, old) = (folder.path().join("data/keys"), folder.path().join("old-keys"));
    copy_folder(&keys, &old);
    let (app, stored) = open_at(&folder.path().join("data"), hand).await;
    let desk = Desk { app, stored, folder, hand };
    let request = desk.erase("canary").await;
    desk.completed(&request.request_id).await;
    let (folder, hand) = desk.close().await;
    std::fs::remove_dir_all(&keys).unwrap();
    copy_folder(&old, &keys);
    let (app, stored) = open_at(&folder.path().join("data"), hand).await;
    assert_eq!(app.find_subject(IdKind::User, "canary").await.unwrap(), None);
    assert!(!readable(&app).await.contains("canary"));
    assert!(app.check_views().await.unwrap().differing.is_empty());
    drop(stored);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_holds_all_of_theirs_and_nothing_of_others() {
    let desk = Desk::open().await;
    desk.plant().await;
    let text = desk.copy("canary", CopyForm::JsonLines).await;
    for part in ["canary@mail.example", "canary words", "canary-order", "\"derived\"", "why"] {
        assert!(text.contains(part), "{part}");
    }
    assert!(!text.contains("\"o7\"") && !text.contains("u7"), "others' records are in the copy");
    for line in text.lines() {
        serde_json::from_str::<Value>(line).unwrap();
    }
    let page = desk.copy("anonymous:canary-browser", CopyForm::Html).await;
    assert!(page.contains("canary words &lt;b&gt;") && !page.contains("<b>"), "not escaped");
    let nobody = desk.copy("never-seen", CopyForm::JsonLines).await;
    assert!(!nobody.contains("canary") && nobody.lines().count() == 2, "{nobody}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_may_ask_and_for_whom() {
    let desk = Desk::open().await;
    let who = Who::parse("canary").unwrap();
    for role in Role::ALL {
        let asked = desk.app.request_erasure(&caller(role), &who, Identity::Verified).await;
        assert_eq!(asked.is_ok(), matches!(role, Role::Privacy | Role::Admin), "{}", role.as_str());
    }
    assert_eq!(Who::parse("user:anonymous:x").unwrap().id, "anonymous:x");
    assert_eq!(Who::parse("anonymous:x").unwrap().kind, IdKind::Anonymous);
    for odd in ["", "anonymous:", &"secret".repeat(50)] {
        let refused = Who::parse(odd).unwrap_err().to_string();
        assert!(!refused.contains("secret"), "{refused}");
    }
}
