//! The contract of [`TableStore`], line by line.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::sync::Arc;

use souk_core::Timestamp;

use super::{Case, cases, shared_cases};
use crate::{
    Condition, KEY_BYTES_MAX, TableError, TableRange, TableStore, VALUE_BYTES_MAX, WRITES_MAX,
    Write, WriteChange,
};

/// Cases with one caller.
pub const CASES: &[Case<dyn TableStore>] = cases![dyn TableStore;
    absent_row_is_none,
    put_is_read_back,
    keys_and_values_may_be_odd,
    put_replaces,
    delete_removes,
    delete_of_nothing_succeeds,
    versions_never_come_back,
    put_if_absent,
    put_if_version,
    delete_if_version,
    calls_are_atomic,
    conflict_names_first_row,
    hundred_writes_are_taken,
    limits_are_refused,
    key_twice_in_call_is_refused,
    range_is_in_byte_order,
    range_honours_prefix,
    range_resumes_after_key,
    range_stays_in_partition,
    expired_row_is_gone_for_readers,
    expired_row_is_gone_for_conditions,
    put_may_lift_expiry,
    sweep_removes_expired_only,
];

/// Cases with many callers at once.
pub const CONCURRENT_CASES: &[Case<dyn TableStore>] = shared_cases![dyn TableStore;
    one_of_many_creates,
    counter_loses_no_step,
    swap_is_never_seen_half,
];

const NOW: i64 = 1_767_225_600_000;

fn at(ms: i64) -> Timestamp {
    Timestamp::from_ms(ms).unwrap()
}

fn now() -> Timestamp {
    at(NOW)
}

fn put(sort_key: &str, value: &[u8]) -> Write {
    Write {
        partition_key: "p".into(),
        sort_key: sort_key.into(),
        condition: Condition::Any,
        change: WriteChange::Put { value: value.to_vec(), expires_at: None },
    }
}

fn put_until(sort_key: &str, ms: i64) -> Write {
    let change = WriteChange::Put { value: b"v".to_vec(), expires_at: Some(at(ms)) };
    Write { change, ..put(sort_key, b"") }
}

fn delete(sort_key: &str) -> Write {
    Write { change: WriteChange::Delete, ..put(sort_key, b"") }
}

fn when(condition: Condition, write: Write) -> Write {
    Write { condition, ..write }
}

fn all<'a>(partition_key: &'a str) -> TableRange<'a> {
    TableRange { partition_key, prefix: "", after: None, limit: 1_000 }
}

async fn value(table: &dyn TableStore, sort_key: &str) -> Option<Vec<u8>> {
    table.get("p", sort_key, now()).await.unwrap().map(|row| row.value)
}

async fn write(table: &dyn TableStore, write: Write) -> Result<u64, TableError> {
    table.write(&[write], now()).await.map(|versions| versions[0])
}

async fn keys(table: &dyn TableStore, range: TableRange<'_>) -> Vec<String> {
    let rows = table.range(range, now()).await.unwrap();
    rows.into_iter().map(|row| row.sort_key).collect()
}

fn is_conflict<T>(answer: &Result<T, TableError>) -> bool {
    matches!(answer, Err(TableError::Conflict { .. }))
}

async fn absent_row_is_none(table: &dyn TableStore) {
    assert!(table.get("p", "k", now()).await.unwrap().is_none());
    assert!(table.range(all("p"), now()).await.unwrap().is_empty());
}

async fn put_is_read_back(table: &dyn TableStore) {
    let version = write(table, put("k", b"value")).await.unwrap();
    let row = table.get("p", "k", now()).await.unwrap().unwrap();
    assert_eq!((&*row.sort_key, &*row.value, row.version), ("k", &b"value"[..], version));
    assert_eq!(row.expires_at, None);
    assert_eq!(table.range(all("p"), now()).await.unwrap(), vec![row]);
}

async fn keys_and_values_may_be_odd(table: &dyn TableStore) {
    let long = "é".repeat(KEY_BYTES_MAX / 2);
    for key in ["", "a\0b", "a/b", "'; DROP TABLE row", "%_", "日本", &long] {
        write(table, put(key, key.as_bytes())).await.unwrap();
        assert_eq!(value(table, key).await.as_deref(), Some(key.as_bytes()));
    }
    let large = vec![7; VALUE_BYTES_MAX];
    write(table, put("large", &large)).await.unwrap();
    assert_eq!(value(table, "large").await, Some(large));
    write(table, put("empty", b"")).await.unwrap();
    assert_eq!(value(table, "empty").await, Some(Vec::new()));
}

async fn put_replaces(table: &dyn TableStore) {
    let first = write(table, put("k", b"1")).await.unwrap();
    let second = write(table, put("k", b"2")).await.unwrap();
    assert_ne!(first, second);
    assert_eq!(value(table, "k").await.unwrap(), b"2");
}

async fn delete_removes(table: &dyn TableStore) {
    write(table, put("k", b"1")).await.unwrap();
    write(table, delete("k")).await.unwrap();
    assert_eq!(value(table, "k").await, None);
}

async fn delete_of_nothing_succeeds(table: &dyn TableStore) {
    write(table, delete("k")).await.unwrap();
}

async fn versions_never_come_back(table: &dyn TableStore) {
    let mut seen = BTreeSet::new();
    for _ in 0..5 {
        assert!(seen.insert(write(table, put("k", b"same")).await.unwrap()));
        assert!(seen.insert(write(table, delete("k")).await.unwrap()));
    }
}

async fn put_if_absent(table: &dyn TableStore) {
    write(table, when(Condition::Absent, put("k", b"1"))).await.unwrap();
    assert!(is_conflict(&write(table, when(Condition::Absent, put("k", b"2"))).await));
    assert_eq!(value(table, "k").await.unwrap(), b"1");
    write(table, delete("k")).await.unwrap();
    write(table, when(Condition::Absent, put("k", b"3"))).await.unwrap();
}

async fn put_if_version(table: &dyn TableStore) {
    let old = write(table, put("k", b"1")).await.unwrap();
    let new = write(table, when(Condition::Version(old), put("k", b"2"))).await.unwrap();
    assert!(is_conflict(&write(table, when(Condition::Version(old), put("k", b"3"))).await));
    assert_eq!(value(table, "k").await.unwrap(), b"2");
    write(table, delete("k")).await.unwrap();
    assert!(is_conflict(&write(table, when(Condition::Version(new), put("k", b"4"))).await));
}

async fn delete_if_version(table: &dyn TableStore) {
    let old = write(table, put("k", b"1")).await.unwrap();
    let new = write(table, put("k", b"2")).await.unwrap();
    assert!(is_conflict(&write(table, when(Condition::Version(old), delete("k"))).await));
    assert_eq!(value(table, "k").await.unwrap(), b"2");
    write(table, when(Condition::Version(new), delete("k"))).await.unwrap();
    assert_eq!(value(table, "k").await, None);
}

async fn calls_are_atomic(table: &dyn TableStore) {
    table.write(&[put("new", b"1"), put("held", b"1")], now()).await.unwrap();
    let writes = [put("other", b"1"), delete("new"), when(Condition::Absent, put("held", b"2"))];
    assert!(is_conflict(&table.write(&writes, now()).await));
    assert_eq!(value(table, "other").await, None);
    assert_eq!(value(table, "new").await.unwrap(), b"1");
    assert_eq!(value(table, "held").await.unwrap(), b"1");
}

async fn conflict_names_first_row(table: &dyn TableStore) {
    write(table, put("b", b"1")).await.unwrap();
    write(table, put("c", b"1")).await.unwrap();
    let writes = ["a", "b", "c"].map(|key| when(Condition::Absent, put(key, b"2")));
    match table.write(&writes, now()).await {
        Err(TableError::Conflict { partition_key, sort_key }) => {
            assert_eq!((&*partition_key, &*sort_key), ("p", "b"));
        }
        other => panic!("expected a conflict, got {other:?}"),
    }
}

async fn hundred_writes_are_taken(table: &dyn TableStore) {
    let writes: Vec<Write> = (0..WRITES_MAX).map(|n| put(&format!("{n:03}"), b"v")).collect();
    let versions = table.write(&writes, now()).await.unwrap();
    assert_eq!(versions.len(), WRITES_MAX);
    let rows = table.range(all("p"), now()).await.unwrap();
    assert_eq!(rows.iter().map(|row| row.version).collect::<Vec<_>>(), versions);
}

async fn limits_are_refused(table: &dyn TableStore) {
    let too_many: Vec<Write> = (0..=WRITES_MAX).map(|n| put(&n.to_string(), b"v")).collect();
    let long = "k".repeat(KEY_BYTES_MAX + 1);
    let long_partition = Write { partition_key: long.clone(), ..put("k", b"v") };
    let large = put("k", &vec![0; VALUE_BYTES_MAX + 1]);
    for writes in [too_many, vec![put(&long, b"v")], vec![long_partition], vec![large]] {
        let refused = table.write(&writes, now()).await;
        assert!(matches!(refused, Err(TableError::TooLarge { .. })), "{refused:?}");
    }
    assert!(table.range(all("p"), now()).await.unwrap().is_empty());
}

async fn key_twice_in_call_is_refused(table: &dyn TableStore) {
    let refused = table.write(&[put("k", b"1"), put("k", b"2")], now()).await;
    assert!(matches!(refused, Err(TableError::TooLarge { .. })), "{refused:?}");
    assert_eq!(value(table, "k").await, None);
}

async fn range_is_in_byte_order(table: &dyn TableStore) {
    let mut names = vec!["é", "b", "a\0", "", "B", "a", "日", "aa", "10", "9"];
    for key in &names {
        write(table, put(key, b"v")).await.unwrap();
    }
    names.sort_unstable_by_key(|name| name.as_bytes());
    assert_eq!(keys(table, all("p")).await, names);
}

async fn range_honours_prefix(table: &dyn TableStore) {
    for key in ["a", "b", "b/", "b/1", "b/2", "b0", "c"] {
        write(table, put(key, b"v")).await.unwrap();
    }
    let range = TableRange { prefix: "b/", ..all("p") };
    assert_eq!(keys(table, range).await, ["b/", "b/1", "b/2"]);
    assert!(keys(table, TableRange { prefix: "d", ..all("p") }).await.is_empty());
}

async fn range_resumes_after_key(table: &dyn TableStore) {
    for n in 0..25 {
        write(table, put(&format!("x{n:02}"), b"v")).await.unwrap();
        write(table, put(&format!("y{n:02}"), b"v")).await.unwrap();
    }
    let mut found: Vec<String> = Vec::new();
    loop {
        let after = found.last().map(String::as_str);
        let some = keys(table, TableRange { prefix: "x", after, limit: 4, ..all("p") }).await;
        assert!(some.len() <= 4);
        if some.is_empty() {
            break;
        }
        found.extend(some);
    }
    assert_eq!(found, (0..25).map(|n| format!("x{n:02}")).collect::<Vec<_>>());
    let before_all = TableRange { prefix: "y", after: Some("x24"), ..all("p") };
    assert_eq!(keys(table, before_all).await.len(), 25);
    let behind_all = TableRange { prefix: "x", after: Some("y"), ..all("p") };
    assert!(keys(table, behind_all).await.is_empty());
}

async fn range_stays_in_partition(table: &dyn TableStore) {
    for partition in ["p", "pp", "q"] {
        let row = Write { partition_key: partition.into(), ..put(partition, b"v") };
        write(table, row).await.unwrap();
    }
    assert_eq!(keys(table, all("p")).await, ["p"]);
    assert_eq!(keys(table, all("pp")).await, ["pp"]);
}

async fn expired_row_is_gone_for_readers(table: &dyn TableStore) {
    write(table, put_until("k", NOW + 10)).await.unwrap();
    for (ms, is_there) in [(NOW + 9, true), (NOW + 10, false), (NOW + 11, false)] {
        assert_eq!(table.get("p", "k", at(ms)).await.unwrap().is_some(), is_there, "{ms}");
        let rows = table.range(all("p"), at(ms)).await.unwrap();
        assert_eq!(rows.len(), usize::from(is_there), "{ms}");
    }
    let row = table.get("p", "k", now()).await.unwrap().unwrap();
    assert_eq!(row.expires_at, Some(at(NOW + 10)));
}

async fn expired_row_is_gone_for_conditions(table: &dyn TableStore) {
    let version = write(table, put_until("k", NOW + 10)).await.unwrap();
    let update = [when(Condition::Version(version), put("k", b"2"))];
    assert!(is_conflict(&table.write(&update, at(NOW + 10)).await));
    let create = [when(Condition::Absent, put("k", b"3"))];
    assert!(is_conflict(&table.write(&create, at(NOW + 9)).await));
    table.write(&create, at(NOW + 10)).await.unwrap();
}

async fn put_may_lift_expiry(table: &dyn TableStore) {
    write(table, put_until("k", NOW + 10)).await.unwrap();
    write(table, put("k", b"for ever")).await.unwrap();
    assert!(table.get("p", "k", at(NOW + 1_000)).await.unwrap().is_some());
    assert_eq!(table.sweep(at(NOW + 1_000), 10).await.unwrap(), 0);
}

async fn sweep_removes_expired_only(table: &dyn TableStore) {
    for n in 0..10 {
        write(table, put_until(&format!("old{n}"), NOW - 1)).await.unwrap();
    }
    write(table, put_until("young", NOW + 1)).await.unwrap();
    write(table, put("forever", b"v")).await.unwrap();
    assert_eq!(table.sweep(now(), 4).await.unwrap(), 4);
    assert_eq!(table.sweep(now(), 100).await.unwrap(), 6);
    assert_eq!(table.sweep(now(), 100).await.unwrap(), 0);
    assert_eq!(keys(table, all("p")).await, ["forever", "young"]);
}

async fn one_of_many_creates(table: Arc<dyn TableStore>) {
    let tasks: Vec<_> = (0..32_u8)
        .map(|n| {
            let table = Arc::clone(&table);
            let create = when(Condition::Absent, put("k", &[n]));
            tokio::spawn(async move { (n, table.write(&[create], now()).await) })
        })
        .collect();
    let mut winners = Vec::new();
    for task in tasks {
        let (n, answer) = task.await.unwrap();
        match answer {
            Ok(_) => winners.push(n),
            Err(error) => assert!(matches!(error, TableError::Conflict { .. }), "{error}"),
        }
    }
    assert_eq!(winners.len(), 1);
    assert_eq!(value(&*table, "k").await.unwrap(), winners);
}

async fn counter_loses_no_step(table: Arc<dyn TableStore>) {
    write(&*table, put("n", &0_u32.to_le_bytes())).await.unwrap();
    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let table = Arc::clone(&table);
            tokio::spawn(async move {
                for _ in 0..10 {
                    while !add_one(&*table).await {}
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(value(&*table, "n").await.unwrap(), 80_u32.to_le_bytes());
}

/// One round of read, change and conditional write; `false` when somebody else was first.
async fn add_one(table: &dyn TableStore) -> bool {
    let row = table.get("p", "n", now()).await.unwrap().unwrap();
    let n = u32::from_le_bytes(row.value.try_into().unwrap());
    let next = when(Condition::Version(row.version), put("n", &(n + 1).to_le_bytes()));
    match write(table, next).await {
        Ok(_) => true,
        Err(TableError::Conflict { .. }) => false,
        Err(error) => panic!("{error}"),
    }
}

async fn swap_is_never_seen_half(table: Arc<dyn TableStore>) {
    table.write(&[put("a", b"0"), put("b", b"0")], now()).await.unwrap();
    let writer = {
        let table = Arc::clone(&table);
        tokio::spawn(async move {
            for n in 0..200_u32 {
                let text = n.to_string();
                let both = [put("a", text.as_bytes()), put("b", text.as_bytes())];
                table.write(&both, now()).await.unwrap();
            }
        })
    };
    while !writer.is_finished() {
        let rows = table.range(all("p"), now()).await.unwrap();
        assert_eq!(rows[0].value, rows[1].value);
    }
    writer.await.unwrap();
}
