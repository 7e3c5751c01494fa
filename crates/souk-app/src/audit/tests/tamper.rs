//! Every byte of the stored log, changed one by one: each change is found, or changed nothing.

use souk_embedded::{ReadOnlyTables, SqliteTables};
use souk_ports::{Row, TableRange, TableStore};

use super::*;

const PARTITIONS: [&str; 4] = [ENTRIES, BLOCKS, STATE, HEADS];

/// A stored log with several blocks and heads; the last entries are under no published head.
async fn written() -> Desk {
    let desk = Desk::new();
    let open = desk.open().await;
    open.act(40).await;
    open.app.publish_audit_head().await.unwrap();
    open.act(BLOCK + 20).await;
    open.close().await;
    desk
}

async fn rows_of(tables: &dyn TableStore, partition: &str) -> Vec<Row> {
    let range = TableRange { partition_key: partition, prefix: "", after: None, limit: 10_000 };
    tables.range(range, audit_now()).await.unwrap()
}

async fn change(tables: &dyn TableStore, (partition, sort_key): (&str, &str), to: Option<Vec<u8>>) {
    let change = match to {
        Some(value) => WriteChange::Put { value, expires_at: None },
        None => WriteChange::Delete,
    };
    let write = Write {
        partition_key: partition.to_owned(),
        sort_key: sort_key.to_owned(),
        condition: Condition::Any,
        change,
    };
    tables.write(&[write], audit_now()).await.unwrap();
}

/// The rows in memory: ten thousand changes need no disk.
#[derive(Debug, Default)]
struct MemoryRows(parking_lot::Mutex<std::collections::BTreeMap<(String, String), Vec<u8>>>);

#[async_trait::async_trait]
impl TableStore for MemoryRows {
    async fn get(&self, p: &str, s: &str, _: Timestamp) -> Result<Option<Row>, TableError> {
        let value = self.0.lock().get(&(p.to_owned(), s.to_owned())).cloned();
        Ok(value.map(|value| row(s, value)))
    }

    async fn range(&self, range: TableRange<'_>, _: Timestamp) -> Result<Vec<Row>, TableError> {
        let rows = self.0.lock();
        let of = rows.iter().filter(|((partition, sort), _)| {
            partition == range.partition_key && range.after.is_none_or(|after| &**sort > after)
        });
        Ok(of.take(range.limit as usize).map(|((_, sort), v)| row(sort, v.clone())).collect())
    }

    async fn write(&self, writes: &[Write], _: Timestamp) -> Result<Vec<u64>, TableError> {
        for write in writes {
            let key = (write.partition_key.clone(), write.sort_key.clone());
            match &write.change {
                WriteChange::Put { value, .. } => self.0.lock().insert(key, value.clone()),
                WriteChange::Delete => self.0.lock().remove(&key),
            };
        }
        Ok(vec![0; writes.len()])
    }

    async fn sweep(&self, _: Timestamp, _: u32) -> Result<u32, TableError> {
        Ok(0)
    }
}

fn row(sort_key: &str, value: Vec<u8>) -> Row {
    Row { sort_key: sort_key.to_owned(), value, version: 0, expires_at: None }
}

async fn assert_found(tables: &MemoryRows, what: &str) -> AuditProblem {
    let check = verify_audit(tables, None, None).await.unwrap();
    check.problems.into_iter().next().unwrap_or_else(|| panic!("{what} was not found"))
}

#[tokio::test]
async fn a_changed_byte_of_any_row_is_found_and_so_is_a_missing_row() {
    let desk = written().await;
    let stored = SqliteTables::open(&desk.tables()).unwrap();
    let tables = MemoryRows::default();
    for partition in PARTITIONS {
        for row in rows_of(&stored, partition).await {
            change(&tables, (partition, &row.sort_key), Some(row.value)).await;
        }
    }
    assert_eq!(verify_audit(&tables, None, None).await.unwrap().problems, []);
    let mut n_changes = 0;
    for partition in PARTITIONS {
        let rows = rows_of(&tables, partition).await;
        assert!(!rows.is_empty(), "{partition}");
        for (idx, row) in rows.iter().enumerate() {
            // Every byte of the first, many of the last and of the one after a block, one of others.
            let is_edge = idx == 0 || idx + 1 == rows.len() || idx == 256;
            let step = if idx == 0 {
                1
            } else if is_edge {
                5
            } else {
                row.value.len()
            };
            for at in (idx % row.value.len()..row.value.len()).step_by(step) {
                let mut value = row.value.clone();
                value[at] ^= 1 << (at % 8);
                change(&tables, (partition, &row.sort_key), Some(value)).await;
                let place = format!("{partition}/{} byte {at}", row.sort_key);
                let problem = assert_found(&tables, &place).await;
                if partition == ENTRIES {
                    assert_eq!(problem.entry, Some(idx as u64), "{problem:?}");
                }
                n_changes += 1;
            }
            if is_edge || idx % 50 == 0 {
                change(&tables, (partition, &row.sort_key), None).await;
                assert_found(&tables, &format!("{partition}/{} removed", row.sort_key)).await;
            }
            change(&tables, (partition, &row.sort_key), Some(row.value.clone())).await;
        }
        // A row that nobody wrote is found too, wherever it stands.
        for odd in ["", "!", "0000000000000000x", "ffffffffffffffff", "zz"] {
            change(&tables, (partition, odd), Some(rows[0].value.clone())).await;
            assert_found(&tables, &format!("{partition}/{odd} added")).await;
            change(&tables, (partition, odd), None).await;
        }
    }
    assert!(n_changes > 1_000, "{n_changes}");
    assert_eq!(verify_audit(&tables, None, None).await.unwrap().problems, [], "all was put back");
}

/// What somebody with all rights on the machine can do: make a whole new tree, with its own heads.
#[tokio::test]
async fn a_tree_that_was_made_anew_differs_from_what_was_published() {
    let desk = written().await;
    let published = std::fs::read_to_string(desk.heads()).unwrap();
    let forged = Desk::new();
    let open = forged.open().await;
    open.act(BLOCK + 60).await;
    open.close().await;
    let tables = ReadOnlyTables::open(&forged.tables()).unwrap();
    assert_eq!(verify_audit(&tables, None, None).await.unwrap().problems, []);
    let check = verify_audit(&tables, Some(&published), None).await.unwrap();
    assert!(check.problems[0].detail.contains("another one"), "{:?}", check.problems);
    // Also under the old name: the rows of the forged tree with the old one's id.
    let old = SqliteTables::open(&desk.tables()).unwrap();
    let id = old.get(STATE, STATE_TREE, audit_now()).await.unwrap().unwrap().value[1..9].to_vec();
    let new = SqliteTables::open(&forged.tables()).unwrap();
    let mut state = new.get(STATE, STATE_TREE, audit_now()).await.unwrap().unwrap().value;
    state[1..9].copy_from_slice(&id);
    change(&new, (STATE, STATE_TREE), Some(state)).await;
    for row in rows_of(&new, HEADS).await {
        change(&new, (HEADS, &row.sort_key), None).await;
    }
    change(&new, (STATE, "head"), None).await;
    assert_eq!(verify_audit(&new, None, None).await.unwrap().problems, []);
    let check = verify_audit(&new, Some(&published), None).await.unwrap();
    let [problem] = &check.problems[..] else { panic!("{:?}", check.problems) };
    assert!(problem.detail.contains("the published head of 40 entries"), "{}", problem.detail);
    assert_eq!(problem.entry, Some(39));
}

#[tokio::test]
async fn entries_that_were_cut_off_or_swapped_are_found() {
    let desk = written().await;
    let published = std::fs::read_to_string(desk.heads()).unwrap();
    let tables = SqliteTables::open(&desk.tables()).unwrap();
    let rows = rows_of(&tables, ENTRIES).await;
    // Two neighbours change places.
    change(&tables, (ENTRIES, &row_key(10)), Some(rows[11].value.clone())).await;
    change(&tables, (ENTRIES, &row_key(11)), Some(rows[10].value.clone())).await;
    let check = verify_audit(&tables, Some(&published), None).await.unwrap();
    assert!(check.problems[0].detail.contains("head of 40 entries"), "{:?}", check.problems);
    for number in [10, 11] {
        let value = rows[number as usize].value.clone();
        change(&tables, (ENTRIES, &row_key(number)), Some(value)).await;
    }
    // All after the first head goes away, together with what the store says of it.
    let mut cut = Tree::load(&tables, audit_now()).await.unwrap();
    let size = cut.size();
    for number in 40..size {
        change(&tables, (ENTRIES, &row_key(number)), None).await;
    }
    change(&tables, (BLOCKS, &row_key(0)), None).await;
    let mut range = souk_privacy::audit::CompactRange::default();
    rows[..40].iter().for_each(|row| range.push(tree::split_row(&row.value).unwrap().0));
    let mut state = vec![1];
    state.extend(cut.id);
    state.extend(40_u64.to_be_bytes());
    range.nodes().iter().for_each(|node| state.extend(node.0));
    change(&tables, (STATE, STATE_TREE), Some(state)).await;
    let last = rows_of(&tables, HEADS).await;
    change(&tables, (HEADS, &last.last().unwrap().sort_key), None).await;
    change(&tables, (STATE, "head"), Some(last[0].value.clone())).await;
    assert_eq!(verify_audit(&tables, None, None).await.unwrap().problems, []);
    let check = verify_audit(&tables, Some(&published), None).await.unwrap();
    let [problem] = &check.problems[..] else { panic!("{:?}", check.problems) };
    assert!(problem.detail.contains("the last ones were removed"), "{}", problem.detail);
    assert_eq!(problem.entry, Some(40));
    // The open application notices as well: its tree is not the stored one.
    let entry = AuditAct::new(AuditOperation::ConsentRead).entry(&privacy(), audit_now());
    let outcome = cut.append(&[entry.to_bytes().unwrap()], (&tables, audit_now())).await;
    assert!(matches!(outcome, Err(AuditFault::Tables(TableError::Conflict { .. }))));
}

/// Bytes of the database file itself, all over it. What SQLite does not look at may change unseen,
/// as long as not one row reads otherwise.
#[tokio::test]
async fn a_changed_byte_of_the_file_is_found_or_changes_nothing() {
    let desk = written().await;
    let published = std::fs::read_to_string(desk.heads()).unwrap();
    let before = {
        let tables = ReadOnlyTables::open(&desk.tables()).unwrap();
        contents(&tables).await.unwrap()
    };
    let bytes = std::fs::read(desk.tables()).unwrap();
    let copy = desk.folder.path().join("copy.db");
    let (mut n_found, mut n_same) = (0, 0);
    // A prime step reaches every place in a page and every page.
    for at in (0..bytes.len()).step_by((bytes.len() / 600) | 1) {
        let mut changed = bytes.clone();
        changed[at] ^= 1 << (at % 8);
        std::fs::write(&copy, &changed).unwrap();
        let outcome = match ReadOnlyTables::open(&copy) {
            Ok(tables) => match verify_audit(&tables, Some(&published), None).await {
                Ok(check) if check.problems.is_empty() => Some(contents(&tables).await.unwrap()),
                _ => None,
            },
            Err(_) => None,
        };
        match outcome {
            Some(after) => {
                assert!(after == before, "byte {at} changed a row and was not found");
                n_same += 1;
            }
            None => n_found += 1,
        }
        for name in ["copy.db-wal", "copy.db-shm"] {
            let _ = std::fs::remove_file(desk.folder.path().join(name));
        }
    }
    assert!(n_found > 300, "{n_found} found, {n_same} changed nothing");
}

/// Every row of the audit log, without its version, which says nothing.
async fn contents(tables: &dyn TableStore) -> Result<Vec<(String, Vec<u8>)>, TableError> {
    let mut all = Vec::new();
    for partition in PARTITIONS {
        let range = TableRange { partition_key: partition, prefix: "", after: None, limit: 10_000 };
        let rows = tables.range(range, audit_now()).await?;
        all.extend(rows.into_iter().map(|row| (row.sort_key, row.value)));
    }
    Ok(all)
}

/// An application on a damaged log answers what it must write down with a failure, not with silence.
#[tokio::test]
async fn nothing_is_written_into_a_damaged_log() {
    let desk = written().await;
    {
        let tables = SqliteTables::open(&desk.tables()).unwrap();
        change(&tables, (BLOCKS, &row_key(0)), Some(vec![0; 32])).await;
    }
    let open = desk.open().await;
    let act = AuditAct::new(AuditOperation::ConsentRead);
    let error = open.app.audit(&privacy(), act).await.unwrap_err();
    assert_eq!(error.code(), "not_ready");
    assert!(error.to_string().contains("souk audit verify"), "{error}");
    assert!(open.app.close().await.is_ok());
}
