#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use souk_core::SubjectId;
use souk_embedded::{Embedded, EmbeddedOptions};
use souk_ports::{Condition, Write, WriteChange};
use souk_privacy::audit::{check_consistency, check_inclusion};
use tempfile::TempDir;

use super::tree::{BLOCK, BLOCKS, ENTRIES, HEADS, STATE, STATE_TREE, row_key};
use super::*;
use crate::test_shop::parts_of;
use crate::{App, Config, Role};

mod counting;
mod tamper;
mod term;

/// A data folder that outlives the application on it, with a file of heads beside.
struct Desk {
    folder: TempDir,
}

impl Desk {
    fn new() -> Desk {
        Desk { folder: TempDir::new().unwrap() }
    }

    fn heads(&self) -> PathBuf {
        self.folder.path().join("heads.jsonl")
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn tables(&self) -> PathBuf {
        self.data().join("tables.db")
    }

    async fn open(&self) -> Open {
        open_at(&self.data(), Some(&self.heads())).await
    }

    async fn check(&self) -> AuditCheck {
        let published = std::fs::read_to_string(self.heads()).ok();
        let tables = souk_embedded::ReadOnlyTables::open(&self.tables()).unwrap();
        verify_audit(&tables, published.as_deref(), None).await.unwrap()
    }
}

struct Open {
    app: Arc<App>,
    stored: Embedded,
}

async fn open_at(data: &Path, heads: Option<&Path>) -> Open {
    let mut config = Config::default();
    config.audit.heads_file = heads.map(|path| path.display().to_string());
    open_with(data, config).await
}

async fn open_with(data: &Path, config: Config) -> Open {
    let stored = souk_embedded::open(data, &EmbeddedOptions::default()).unwrap();
    let app = App::open(parts_of(&stored), config, Clock::system()).await.unwrap();
    Open { app, stored }
}

impl Open {
    /// Writes `n` acts down.
    async fn act(&self, n: u64) {
        let entries: Vec<AuditEntry> = (0..n)
            .map(|number| {
                AuditAct::new(AuditOperation::SubjectRead)
                    .on(AuditObject::of("test", &number.to_string()))
                    .entry(&privacy(), audit_now())
            })
            .collect();
        self.app.door.audit.append(&*self.app.parts.tables, &entries).await.unwrap();
    }

    async fn close(self) {
        self.app.close().await.unwrap();
        drop(self.app);
        drop(self.stored);
    }

    async fn size(&self) -> u64 {
        self.app.audit_head(&privacy()).await.unwrap().head.size
    }
}

fn privacy() -> Caller {
    Caller::new("91f2a6c4d0e8", Role::Privacy)
}

#[tokio::test]
async fn an_act_is_an_entry_with_who_what_whom_and_why() {
    let desk = Desk::new();
    let open = desk.open().await;
    let subject = SubjectId([7; 16]);
    let caller = Caller { request_id: Some(Arc::from("4f1d6a7be2c09835")), ..privacy() };
    let act = AuditAct::new(AuditOperation::SubjectErasure)
        .on(open.app.audit_subject(subject))
        .with("request", 12)
        .with("note", "Ann Lee <ann@shop.example>");
    let number = open.app.audit(&caller, act).await.unwrap();
    assert_eq!(number, 0);
    let filter = AuditFilter { operation: Some("subject".to_owned()), ..AuditFilter::default() };
    let page = open.app.audit_entries(&privacy(), &filter, (None, 10)).await.unwrap();
    let [item] = &page.items[..] else { panic!("{page:?}") };
    assert_eq!(item.number, 0);
    let entry = &item.entry;
    assert_eq!((&*entry.who, &*entry.role), ("91f2a6c4d0e8", "privacy"));
    assert_eq!((&*entry.operation, &*entry.purpose), ("subject.erasure", "privacy_request"));
    assert_eq!(entry.request_id.as_deref(), Some("4f1d6a7be2c09835"));
    assert_eq!(entry.outcome, Outcome::Done);
    assert_eq!(entry.details["request"], "12");
    // Neither the subject nor a slip of the pen is in it.
    assert!(entry.object.as_ref().unwrap().starts_with("subject:"));
    for secret in ["0707", "Ann", "ann@"] {
        assert!(!item.leaf.contains(secret), "{}", item.leaf);
    }
    assert_eq!(AuditEntry::from_bytes(item.leaf.as_bytes()).unwrap(), *entry);
    // A request id that a client chose is not taken over.
    let odd = Caller { request_id: Some(Arc::from("ann-lee-1970")), ..privacy() };
    open.app.audit(&odd, AuditAct::new(AuditOperation::SubjectRead)).await.unwrap();
    let page = open.app.audit_entries(&privacy(), &filter, (None, 1)).await.unwrap();
    assert!(page.items[0].entry.request_id.as_ref().unwrap().starts_with("sha256-"));
    open.close().await;
}

#[tokio::test]
async fn only_privacy_and_admin_read_and_reading_is_an_entry() {
    let desk = Desk::new();
    let open = desk.open().await;
    for role in Role::ALL {
        let caller = Caller::new("k", role);
        let may = matches!(role, Role::Privacy | Role::Admin);
        let filter = AuditFilter::default();
        let (app, none) = (&open.app, (None, 5));
        assert_eq!(app.audit_entries(&caller, &filter, none).await.is_ok(), may, "{role:?}");
        assert_eq!(app.audit_head(&caller).await.is_ok(), may);
        assert_eq!(
            app.audit_inclusion(&caller, (0, None)).await.is_ok(),
            may && open.size().await > 0
        );
        assert_eq!(app.audit_consistency(&caller, (0, None)).await.is_ok(), may);
    }
    let filter = AuditFilter { operation: Some("audit.read".to_owned()), ..Default::default() };
    let page = open.app.audit_entries(&privacy(), &filter, (None, 10)).await.unwrap();
    assert_eq!(page.items.len(), 3);
    open.close().await;
}

#[tokio::test]
async fn pages_go_back_to_the_first_entry_and_filters_narrow() {
    let desk = Desk::new();
    let open = desk.open().await;
    open.act(1_234).await;
    let filter = AuditFilter { operation: Some("subject.read".into()), ..Default::default() };
    let (mut before, mut seen) = (None, Vec::new());
    loop {
        let page = open.app.audit_entries(&privacy(), &filter, (before, 100)).await.unwrap();
        seen.extend(page.items.into_iter().map(|item| item.number));
        before = page.before;
        if before.is_none() {
            break;
        }
    }
    let expected: Vec<u64> = (0..1_234).rev().collect();
    assert_eq!(seen, expected);
    let one = AuditFilter { object: Some("test:77".to_owned()), ..Default::default() };
    let page = open.app.audit_entries(&privacy(), &one, (None, 10)).await.unwrap();
    assert_eq!((page.items.len(), page.items[0].number), (1, 77));
    let none = AuditFilter { key_id: Some("other".to_owned()), ..Default::default() };
    assert!(open.app.audit_entries(&privacy(), &none, (None, 10)).await.unwrap().items.is_empty());
    let later = AuditFilter { since: Some(audit_now().plus_ms(60_000)), ..Default::default() };
    assert!(open.app.audit_entries(&privacy(), &later, (None, 10)).await.unwrap().items.is_empty());
    open.close().await;
}

#[tokio::test]
async fn proofs_of_every_kind_hold_across_blocks_and_restarts() {
    let desk = Desk::new();
    let open = desk.open().await;
    open.act(BLOCK * 3 + 70).await;
    open.close().await;
    let open = desk.open().await;
    open.act(30).await;
    let size = open.size().await;
    let caller = privacy();
    let sizes = [1, 2, 100, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK + 3, 3 * BLOCK, size];
    let last = open.app.audit_consistency(&caller, (0, None)).await.unwrap();
    for from in sizes {
        let proof = open.app.audit_consistency(&caller, (from, None)).await.unwrap();
        assert_eq!((proof.size, proof.root), (size, last.root));
        let earlier = proof.earlier_root.unwrap();
        check_consistency((earlier, from), (proof.root, proof.size), &proof.hashes).unwrap();
        for number in [0, from / 2, from - 1] {
            let proof = open.app.audit_inclusion(&caller, (number, Some(from))).await.unwrap();
            let item = proof.item.unwrap();
            assert_eq!((item.number, proof.root), (number, earlier));
            let leaf = TreeHash::of_leaf(item.leaf.as_bytes());
            check_inclusion((leaf, number), (proof.root, from), &proof.hashes).unwrap();
        }
    }
    let code = |result: Result<AuditProof, AppError>| result.unwrap_err().code();
    assert_eq!(code(open.app.audit_inclusion(&caller, (size, None)).await), "out_of_range");
    assert_eq!(code(open.app.audit_inclusion(&caller, (0, Some(size + 1))).await), "out_of_range");
    assert_eq!(code(open.app.audit_consistency(&caller, (size + 1, None)).await), "out_of_range");
    open.close().await;
    assert!(desk.check().await.problems.is_empty());
}

#[tokio::test]
async fn heads_are_published_once_for_each_change_and_fit_together() {
    let desk = Desk::new();
    let lines = || std::fs::read_to_string(desk.heads()).unwrap_or_default().lines().count();
    let open = desk.open().await;
    open.app.publish_audit_head().await.unwrap();
    assert_eq!(lines(), 0, "nothing happened yet");
    open.act(3).await;
    open.app.publish_audit_head().await.unwrap();
    open.app.publish_audit_head().await.unwrap();
    assert_eq!(lines(), 1);
    open.act(400).await;
    open.close().await;
    assert_eq!(lines(), 2);
    // A crash in the middle of a line hides neither the heads before nor those after it.
    let text = std::fs::read_to_string(desk.heads()).unwrap();
    std::fs::write(desk.heads(), format!("{text}{}", &text[..100])).unwrap();
    let open = desk.open().await;
    open.act(1).await;
    open.close().await;
    let check = desk.check().await;
    assert_eq!(check.problems, []);
    assert_eq!((check.published_heads, check.cut_lines, check.entries), (3, 1, 404));
    assert_eq!(check.published_entries, 404);
    assert_eq!(check.stored_heads, 3);
    assert_eq!(check.public_keys.len(), 1);
    let tables = souk_embedded::ReadOnlyTables::open(&desk.tables()).unwrap();
    let trusted = verify_audit(&tables, None, Some(&check.public_keys[0])).await.unwrap();
    assert_eq!(trusted.problems, []);
    let other = verify_audit(&tables, None, Some(&"0".repeat(64))).await.unwrap();
    assert!(other.problems[0].detail.contains("signed by another key"), "{:?}", other.problems);
}

/// A head that cannot be published is tried again, and work goes on.
#[tokio::test]
async fn an_absent_mount_is_no_reason_to_stop() {
    let desk = Desk::new();
    let heads = desk.folder.path().join("mount").join("heads.jsonl");
    let open = open_at(&desk.data(), Some(&heads)).await;
    open.act(2).await;
    open.app.publish_audit_head().await.unwrap();
    assert!(!heads.exists());
    std::fs::create_dir(heads.parent().unwrap()).unwrap();
    open.app.publish_audit_head().await.unwrap();
    assert_eq!(std::fs::read_to_string(&heads).unwrap().lines().count(), 1);
    open.close().await;
}

#[tokio::test]
async fn a_restored_backup_is_seen_at_the_next_start_and_by_verify() {
    let desk = Desk::new();
    let open = desk.open().await;
    open.act(5).await;
    open.app.publish_audit_head().await.unwrap();
    let copy = desk.folder.path().join("copy");
    open.stored.backup(&copy).await.unwrap();
    open.act(4).await;
    open.close().await;
    // The backup itself is whole.
    let tables = souk_embedded::ReadOnlyTables::open(&copy.join("tables.db")).unwrap();
    assert_eq!(verify_audit(&tables, None, None).await.unwrap().problems, []);
    drop(tables);

    std::fs::rename(desk.data(), desk.folder.path().join("gone")).unwrap();
    souk_embedded::restore(&copy, &desk.data()).unwrap();
    std::fs::rename(desk.folder.path().join("gone/keys"), desk.data().join("keys")).unwrap();
    {
        let tables = souk_embedded::SqliteTables::open(&desk.tables()).unwrap();
        let act = AuditAct::new(AuditOperation::DataRestore);
        assert_eq!(audit_restore(&tables, act).await.unwrap(), 5);
    }
    let open = desk.open().await;
    open.app.compare_with_published().await.unwrap();
    let detail = open.app.audit_difference().unwrap();
    assert!(detail.contains("9 entries were published, and 6 are stored"), "{detail}");
    let findings = open.app.examine().await.unwrap();
    assert!(findings.iter().any(|one| one.subject == "audit"
        && one.detail == format!("{detail}; run `souk audit verify --heads FILE`")));
    open.close().await;
    let check = desk.check().await;
    assert_eq!(check.restores, [5]);
    let [problem] = &check.problems[..] else { panic!("{:?}", check.problems) };
    assert!(problem.detail.contains("9 entries"), "{}", problem.detail);
    assert!(problem.detail.contains("backup was restored"), "{}", problem.detail);
}

#[tokio::test]
async fn a_lost_key_store_is_an_entry() {
    let desk = Desk::new();
    let open = desk.open().await;
    open.act(5).await;
    open.close().await;
    std::fs::remove_dir_all(desk.data().join("keys")).unwrap();
    let open = desk.open().await;
    open.app.compare_with_published().await.unwrap();
    let filter = AuditFilter { operation: Some("audit.key_changed".into()), ..Default::default() };
    let page = open.app.audit_entries(&privacy(), &filter, (None, 10)).await.unwrap();
    assert_eq!(page.items.len(), 1);
    open.close().await;
    let check = desk.check().await;
    assert_eq!(check.problems, []);
    assert_eq!(check.public_keys.len(), 2, "the check names both");
}

/// Whoever writes at the same time as another cannot make two trees.
#[tokio::test]
async fn many_at_once_are_all_in_order() {
    let desk = Desk::new();
    let open = desk.open().await;
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let app = Arc::clone(&open.app);
        tasks.spawn(async move {
            app.audit(&privacy(), AuditAct::new(AuditOperation::ConsentRead)).await.unwrap()
        });
    }
    let mut numbers = tasks.join_all().await;
    numbers.sort_unstable();
    let expected: Vec<u64> = (0..50).collect();
    assert_eq!(numbers, expected);
    open.close().await;
    assert_eq!(desk.check().await.problems, []);
}

/// Another writer's entry is neither overwritten nor forked from.
#[tokio::test]
async fn a_write_of_somebody_else_is_a_conflict_and_then_taken_in() {
    let desk = Desk::new();
    let open = desk.open().await;
    open.act(2).await;
    audit_restore(&*open.app.parts.tables, AuditAct::new(AuditOperation::DataRestore))
        .await
        .unwrap();
    let act = || AuditAct::new(AuditOperation::ConsentRead);
    assert_eq!(open.app.audit(&privacy(), act()).await.unwrap_err().code(), "conflict");
    assert_eq!(open.app.audit(&privacy(), act()).await.unwrap(), 3);
    open.close().await;
    assert_eq!(desk.check().await.problems, []);
}
