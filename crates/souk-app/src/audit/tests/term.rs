//! Entries that are removed by their term: the rest, every head and every proof still verify.

use souk_embedded::{ReadOnlyTables, SqliteTables};
use souk_ports::{TableRange, TableStore};

use super::*;
use crate::audit::tree::{PRUNED, STATE_PRUNED};

const DAY_MS: i64 = 86_400_000;
/// Entries from long ago: two whole blocks and a part of the third.
const OLD: u64 = 2 * BLOCK + 40;

async fn open_with_term(desk: &Desk, days: Option<u64>) -> Open {
    let mut config = Config::default();
    config.audit.heads_file = Some(desk.heads().display().to_string());
    config.audit.entries_days = days;
    open_with(&desk.data(), config).await
}

/// Writes acts down that happened so many days ago.
async fn act_before(open: &Open, (n, days): (u64, i64)) {
    let at = audit_now().plus_ms(-days * DAY_MS);
    let entry = |number: u64| {
        AuditAct::new(AuditOperation::SubjectRead)
            .on(AuditObject::of("old", &number.to_string()))
            .entry(&privacy(), at)
    };
    let entries: Vec<AuditEntry> = (0..n).map(entry).collect();
    open.app.door.audit.append(&*open.app.parts.tables, &entries).await.unwrap();
}

/// A log with heads in its old part, and its entries as somebody kept them.
async fn old_log(desk: &Desk) -> (u64, Vec<AuditItem>) {
    let open = open_with_term(desk, None).await;
    act_before(&open, (100, 200)).await;
    open.app.publish_audit_head().await.unwrap();
    act_before(&open, (OLD - 100, 200)).await;
    open.app.publish_audit_head().await.unwrap();
    open.act(30).await;
    let all = AuditFilter::default();
    let kept = open.app.audit_entries(&privacy(), &all, (Some(OLD), 1_000)).await.unwrap();
    let size = open.size().await;
    open.close().await;
    (size, kept.items)
}

#[tokio::test]
async fn old_entries_go_and_everything_still_verifies() {
    let desk = Desk::new();
    let (size, kept) = old_log(&desk).await;
    let published = std::fs::read_to_string(desk.heads()).unwrap().lines().count() as u64;
    let open = open_with_term(&desk, Some(90)).await;
    open.app.prune_audit().await.unwrap();
    let all = AuditFilter::default();
    let page = open.app.audit_entries(&privacy(), &all, (None, 1_000)).await.unwrap();
    let numbers: Vec<u64> = page.items.iter().map(|item| item.number).collect();
    assert_eq!((numbers.last(), page.before), (Some(&(2 * BLOCK)), None), "whole blocks alone go");
    let prune = page.items.iter().find(|item| item.entry.operation == "audit.prune").unwrap();
    assert_eq!(prune.entry.details["entries_before"], (2 * BLOCK).to_string());
    assert!(prune.number >= size);
    // Proofs of what is gone, of what is not, and between any two sizes.
    let now = open.size().await;
    for item in kept.iter().filter(|item| item.number % 37 == 0) {
        let proof = open.app.audit_inclusion(&privacy(), (item.number, Some(size))).await.unwrap();
        assert_eq!(proof.item.is_none(), item.number < 2 * BLOCK);
        let leaf = TreeHash::of_leaf(item.leaf.as_bytes());
        check_inclusion((leaf, item.number), (proof.root, size), &proof.hashes).unwrap();
    }
    for from in [1, 100, BLOCK, BLOCK + 7, 2 * BLOCK, size] {
        let proof = open.app.audit_consistency(&privacy(), (from, Some(now))).await.unwrap();
        let earlier = proof.earlier_root.unwrap();
        check_consistency((earlier, from), (proof.root, now), &proof.hashes).unwrap();
    }
    open.close().await;
    let check = desk.check().await;
    assert_eq!(check.problems, []);
    assert_eq!((check.pruned, check.pruned_by), (2 * BLOCK, Some(prune.number)));
    assert!(check.published_heads > published, "the statement was published: {check:?}");
    // It goes on as ever, and nothing more goes.
    let open = open_with_term(&desk, Some(90)).await;
    open.act(2 * BLOCK).await;
    assert_eq!(open.app.prune_audit().await.unwrap(), 0);
    open.close().await;
    let check = desk.check().await;
    assert_eq!((check.problems, check.pruned), (vec![], 2 * BLOCK));
}

async fn rows(tables: &SqliteTables, partition_key: &str) -> Vec<souk_ports::Row> {
    let range = TableRange { partition_key, prefix: "", after: None, limit: 10_000 };
    tables.range(range, audit_now()).await.unwrap()
}

async fn set(tables: &SqliteTables, (partition, sort): (&str, &str), value: Option<Vec<u8>>) {
    let change = match value {
        Some(value) => WriteChange::Put { value, expires_at: None },
        None => WriteChange::Delete,
    };
    let (partition_key, sort_key) = (partition.to_owned(), sort.to_owned());
    let write = Write { partition_key, sort_key, condition: Condition::Any, change };
    tables.write(&[write], audit_now()).await.unwrap();
}

/// Hiding entries is not the same as removing them by their term: without an entry that says so it is found.
#[tokio::test]
async fn entries_that_somebody_else_took_away_are_found() {
    let desk = Desk::new();
    old_log(&desk).await;
    let tables = SqliteTables::open(&desk.tables()).unwrap();
    let entries = rows(&tables, ENTRIES).await;
    let leaves: Vec<u8> = entries[..BLOCK as usize]
        .iter()
        .flat_map(|row| tree::split_row(&row.value).unwrap().0.0)
        .collect();
    set(&tables, (PRUNED, &row_key(0)), Some(leaves)).await;
    set(&tables, (STATE, STATE_PRUNED), Some(1_u64.to_be_bytes().to_vec())).await;
    for row in &entries[..BLOCK as usize] {
        set(&tables, (ENTRIES, &row.sort_key), None).await;
    }
    drop(tables);
    let check = desk.check().await;
    let [problem] = &check.problems[..] else { panic!("{:?}", check.problems) };
    assert!(problem.detail.contains("taken away"), "{}", problem.detail);
}

#[tokio::test]
async fn a_changed_byte_of_what_stays_of_removed_entries_is_found() {
    let desk = Desk::new();
    old_log(&desk).await;
    let open = open_with_term(&desk, Some(90)).await;
    open.app.prune_audit().await.unwrap();
    open.close().await;
    let tables = SqliteTables::open(&desk.tables()).unwrap();
    let looks = || async {
        let tables = ReadOnlyTables::open(&desk.tables()).unwrap();
        verify_audit(&tables, None, None).await.unwrap().problems
    };
    assert_eq!(looks().await, []);
    let of_removed = rows(&tables, PRUNED).await;
    assert_eq!(of_removed.len(), 2);
    for row in &of_removed {
        for at in (0..row.value.len()).step_by(911) {
            let mut value = row.value.clone();
            value[at] ^= 1 << (at % 8);
            set(&tables, (PRUNED, &row.sort_key), Some(value)).await;
            assert_ne!(looks().await, [], "byte {at} of {}", row.sort_key);
        }
        set(&tables, (PRUNED, &row.sort_key), None).await;
        assert_ne!(looks().await, [], "{} is missing", row.sort_key);
        set(&tables, (PRUNED, &row.sort_key), Some(row.value.clone())).await;
    }
    let state = tables.get(STATE, STATE_PRUNED, audit_now()).await.unwrap().unwrap().value;
    for at in 0..state.len() {
        let mut value = state.clone();
        value[at] ^= 1 << (at % 8);
        set(&tables, (STATE, STATE_PRUNED), Some(value)).await;
        assert_ne!(looks().await, [], "byte {at} of how many are removed");
    }
    set(&tables, (STATE, STATE_PRUNED), None).await;
    assert_ne!(looks().await, []);
    set(&tables, (STATE, STATE_PRUNED), Some(state)).await;
    // A removed entry that was put back as another.
    set(&tables, (ENTRIES, &row_key(3)), Some(tree::entry_row(TreeHash::of_leaf(b"x"), b"x")))
        .await;
    assert_ne!(looks().await, []);
    set(&tables, (ENTRIES, &row_key(3)), None).await;
    assert_eq!(looks().await, [], "all was put back");
}

/// What a crash left of a removed block is no change, and goes with the next run.
#[tokio::test]
async fn a_crash_in_the_middle_is_mended() {
    let desk = Desk::new();
    let (_, kept) = old_log(&desk).await;
    let open = open_with_term(&desk, Some(90)).await;
    open.app.prune_audit().await.unwrap();
    let left = kept.iter().find(|item| item.number == 5).unwrap();
    let row = tree::entry_row(TreeHash::of_leaf(left.leaf.as_bytes()), left.leaf.as_bytes());
    open.close().await;
    let tables = SqliteTables::open(&desk.tables()).unwrap();
    set(&tables, (ENTRIES, &row_key(5)), Some(row)).await;
    drop(tables);
    assert_eq!(desk.check().await.problems, []);
    let open = open_with_term(&desk, Some(90)).await;
    open.app.prune_audit().await.unwrap();
    open.close().await;
    let tables = SqliteTables::open(&desk.tables()).unwrap();
    assert_eq!(rows(&tables, ENTRIES).await[0].sort_key, row_key(2 * BLOCK));
}
