//! The contract of [`EventLog`], line by line.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::sync::Arc;

use souk_core::{EventId, SubjectId, Timestamp};

use super::{Case, cases, shared_cases};
use crate::{
    BATCH_BYTES_MAX, BATCH_RECORDS_MAX, Cursor, DEDUP_WINDOW_MS, EventLog, LogError, Partition,
    Position, READ_RECORDS_MAX, Record, RecordKind, Recorded,
};

/// Cases with one caller.
pub const CASES: &[Case<dyn EventLog>] = cases![dyn EventLog;
    empty_log_has_no_end,
    append_is_read_back,
    offsets_increase_in_batch_order,
    every_field_survives,
    body_may_be_empty_or_large,
    empty_batch_is_refused,
    batch_of_two_partitions_is_refused,
    too_many_records_are_refused,
    too_many_bytes_are_refused,
    largest_batch_is_taken,
    retry_is_no_op,
    duplicate_in_batch_counts_first,
    duplicate_beside_new_records,
    duplicate_at_edge_of_window,
    after_window_newest_copy_counts,
    duplicate_when_clock_steps_back,
    duplicates_among_many_records,
    read_resumes_at_cursor,
    read_honours_limit,
    read_caps_limit,
    end_covers_everything,
    partitions_have_own_order,
    subject_is_read_alone,
    subject_read_resumes,
    subject_among_many_records,
    status_counts_records,
    archive_keeps_all_readable,
    archive_keeps_window,
    stripped_records_keep_their_place,
    stripping_reaches_the_archive,
];

/// Cases with many callers at once.
pub const CONCURRENT_CASES: &[Case<dyn EventLog>] = shared_cases![dyn EventLog;
    concurrent_appends_all_arrive,
    concurrent_copies_count_once,
    batch_is_visible_whole,
    follower_misses_nothing,
];

const DAY_MS: i64 = 86_400_000;
/// 2026-01-01.
const NOW_MS: i64 = 1_767_225_600_000;

fn at(ms: i64) -> Timestamp {
    Timestamp::from_ms(ms).unwrap()
}

fn id(n: u64) -> EventId {
    let mut bytes = [0; 16];
    bytes[8..].copy_from_slice(&n.to_be_bytes());
    EventId(bytes)
}

fn subject(n: u8) -> SubjectId {
    SubjectId([n; 16])
}

fn record(n: u64) -> Record {
    Record {
        partition: Partition(0),
        subject: None,
        event_id: id(n),
        received_at: at(NOW_MS),
        kind: RecordKind(7),
        body: format!("body {n}").into_bytes(),
    }
}

fn records(range: std::ops::Range<u64>) -> Vec<Record> {
    range.map(record).collect()
}

fn of_subject(n: u64, who: u8) -> Record {
    Record { subject: Some(subject(who)), ..record(n) }
}

fn received(n: u64, ms: i64) -> Record {
    Record { received_at: at(ms), ..record(n) }
}

async fn read_all(log: &dyn EventLog) -> Vec<Recorded> {
    read_from(log, Cursor::START, READ_RECORDS_MAX).await
}

async fn read_from(log: &dyn EventLog, mut cursor: Cursor, limit: u32) -> Vec<Recorded> {
    let mut all = Vec::new();
    loop {
        let some = log.read(&cursor, limit).await.unwrap();
        if some.is_empty() {
            return all;
        }
        some.iter().for_each(|recorded| cursor.advance(recorded.position));
        all.extend(some);
    }
}

async fn stored(log: &dyn EventLog) -> Vec<Record> {
    read_all(log).await.into_iter().map(|recorded| recorded.record).collect()
}

async fn append_one(log: &dyn EventLog, record: Record) -> crate::Appended {
    log.append(vec![record]).await.unwrap()[0]
}

async fn empty_log_has_no_end(log: &dyn EventLog) {
    assert_eq!(log.end().await.unwrap(), Cursor::START);
    assert!(log.read(&Cursor::START, 10).await.unwrap().is_empty());
    assert!(log.read_subject(subject(1), &Cursor::START, 10).await.unwrap().is_empty());
}

async fn append_is_read_back(log: &dyn EventLog) {
    let batch = records(0..5);
    let appended = log.append(batch.clone()).await.unwrap();
    assert!(appended.iter().all(|a| !a.is_duplicate));
    let read = read_all(log).await;
    let positions: Vec<Position> = appended.iter().map(|a| a.position).collect();
    assert_eq!(read.iter().map(|r| r.position).collect::<Vec<_>>(), positions);
    assert_eq!(read.into_iter().map(|r| r.record).collect::<Vec<_>>(), batch);
}

async fn offsets_increase_in_batch_order(log: &dyn EventLog) {
    let mut last = None;
    for batch in 0..10 {
        for appended in log.append(records(batch * 7..batch * 7 + 7)).await.unwrap() {
            assert!(Some(appended.position.offset) > last);
            last = Some(appended.position.offset);
        }
    }
}

async fn every_field_survives(log: &dyn EventLog) {
    let odd = Record {
        partition: Partition(0),
        subject: Some(SubjectId([0xff; 16])),
        event_id: EventId([0xfe; 16]),
        received_at: at(253_402_207_199_999),
        kind: RecordKind(u16::MAX),
        body: (0..=255).collect(),
    };
    let plain = Record {
        partition: Partition(0),
        subject: None,
        event_id: EventId([0; 16]),
        received_at: Timestamp::EPOCH,
        kind: RecordKind(0),
        body: vec![0; 3],
    };
    log.append(vec![odd.clone(), plain.clone()]).await.unwrap();
    assert_eq!(stored(log).await, vec![odd, plain]);
}

async fn body_may_be_empty_or_large(log: &dyn EventLog) {
    let body: Vec<u8> = (0..1 << 20).map(|i: u32| (i % 251) as u8).collect();
    let batch = vec![
        Record { body: Vec::new(), ..record(1) },
        Record { body, ..record(2) },
        Record { body: vec![9; 40_000], ..record(3) },
        record(4),
    ];
    log.append(batch.clone()).await.unwrap();
    assert_eq!(stored(log).await, batch);
}

async fn empty_batch_is_refused(log: &dyn EventLog) {
    assert!(matches!(log.append(Vec::new()).await, Err(LogError::BadBatch)));
}

async fn batch_of_two_partitions_is_refused(log: &dyn EventLog) {
    let batch = vec![record(1), Record { partition: Partition(1), ..record(2) }];
    assert!(matches!(log.append(batch).await, Err(LogError::BadBatch)));
    assert!(read_all(log).await.is_empty());
}

async fn too_many_records_are_refused(log: &dyn EventLog) {
    let refused = log.append(records(0..BATCH_RECORDS_MAX as u64 + 1)).await;
    assert!(matches!(refused, Err(LogError::TooLarge { .. })));
    assert!(read_all(log).await.is_empty());
}

async fn too_many_bytes_are_refused(log: &dyn EventLog) {
    let half = vec![1; BATCH_BYTES_MAX / 2 + 1];
    let batch =
        vec![Record { body: half.clone(), ..record(1) }, Record { body: half, ..record(2) }];
    assert!(matches!(log.append(batch).await, Err(LogError::TooLarge { .. })));
    assert!(read_all(log).await.is_empty());
}

async fn largest_batch_is_taken(log: &dyn EventLog) {
    let body = vec![1; BATCH_BYTES_MAX / BATCH_RECORDS_MAX];
    let batch: Vec<Record> =
        (0..BATCH_RECORDS_MAX as u64).map(|n| Record { body: body.clone(), ..record(n) }).collect();
    assert_eq!(log.append(batch).await.unwrap().len(), BATCH_RECORDS_MAX);
    assert_eq!(read_all(log).await.len(), BATCH_RECORDS_MAX);
}

/// The client never saw the answer and sends the batch again: the log must not grow.
async fn retry_is_no_op(log: &dyn EventLog) {
    let first = log.append(records(0..3)).await.unwrap();
    let again = log.append(records(0..3)).await.unwrap();
    assert!(again.iter().all(|a| a.is_duplicate));
    let positions = |list: &[crate::Appended]| list.iter().map(|a| a.position).collect::<Vec<_>>();
    assert_eq!(positions(&first), positions(&again));
    assert_eq!(stored(log).await, records(0..3));
}

async fn duplicate_in_batch_counts_first(log: &dyn EventLog) {
    let second = Record { body: b"second".to_vec(), ..record(1) };
    let answers = log.append(vec![record(1), second, record(2)]).await.unwrap();
    assert_eq!(answers.iter().map(|a| a.is_duplicate).collect::<Vec<_>>(), [false, true, false]);
    assert_eq!(answers[0].position, answers[1].position);
    assert_eq!(stored(log).await, vec![record(1), record(2)]);
}

async fn duplicate_beside_new_records(log: &dyn EventLog) {
    let first = append_one(log, record(2)).await;
    let answers = log.append(records(1..4)).await.unwrap();
    assert_eq!(answers.iter().map(|a| a.is_duplicate).collect::<Vec<_>>(), [false, true, false]);
    assert_eq!(answers[1].position, first.position);
    assert_eq!(stored(log).await, vec![record(2), record(1), record(3)]);
}

async fn duplicate_at_edge_of_window(log: &dyn EventLog) {
    append_one(log, received(1, NOW_MS)).await;
    append_one(log, received(2, NOW_MS)).await;
    assert!(append_one(log, received(1, NOW_MS + DEDUP_WINDOW_MS)).await.is_duplicate);
    assert!(!append_one(log, received(2, NOW_MS + DEDUP_WINDOW_MS + 1)).await.is_duplicate);
}

async fn after_window_newest_copy_counts(log: &dyn EventLog) {
    let later = NOW_MS + DEDUP_WINDOW_MS + 1;
    append_one(log, received(1, NOW_MS)).await;
    let second = append_one(log, received(1, later)).await;
    assert!(!second.is_duplicate);
    let third = append_one(log, received(1, later + DEDUP_WINDOW_MS)).await;
    assert!(third.is_duplicate);
    assert_eq!(third.position, second.position);
}

async fn duplicate_when_clock_steps_back(log: &dyn EventLog) {
    append_one(log, received(1, NOW_MS)).await;
    append_one(log, received(2, NOW_MS + 60 * DAY_MS)).await;
    assert!(append_one(log, received(1, NOW_MS - DAY_MS)).await.is_duplicate);
}

/// Enough records that an adapter has moved the first ones out of its quickest index.
async fn duplicates_among_many_records(log: &dyn EventLog) {
    for batch in 0..10 {
        log.append(records(batch * 500..batch * 500 + 500)).await.unwrap();
    }
    for n in (0..5_000).step_by(97) {
        let copy = append_one(log, record(n)).await;
        assert!(copy.is_duplicate, "record {n}");
        let mut cursor = Cursor::START;
        let mut found = Vec::new();
        while found.is_empty() {
            let some = log.read(&cursor, READ_RECORDS_MAX).await.unwrap();
            assert!(!some.is_empty());
            some.iter().for_each(|recorded| cursor.advance(recorded.position));
            found = some.into_iter().filter(|r| r.position == copy.position).collect();
        }
        assert_eq!(found[0].record, record(n));
    }
    for n in 5_000..5_050 {
        assert!(!append_one(log, record(n)).await.is_duplicate, "record {n}");
    }
    assert_eq!(read_all(log).await.len(), 5_050);
}

async fn read_resumes_at_cursor(log: &dyn EventLog) {
    log.append(records(0..50)).await.unwrap();
    let all = read_all(log).await;
    for limit in [1, 7, 50] {
        assert_eq!(read_from(log, Cursor::START, limit).await, all);
    }
    let mut cursor = Cursor::START;
    cursor.advance(all[19].position);
    assert_eq!(read_from(log, cursor.clone(), 8).await, all[20..]);
    log.append(records(50..60)).await.unwrap();
    assert_eq!(read_from(log, cursor, 8).await.len(), 40);
}

async fn read_honours_limit(log: &dyn EventLog) {
    log.append(records(0..20)).await.unwrap();
    assert!(log.read(&Cursor::START, 0).await.unwrap().is_empty());
    assert_eq!(log.read(&Cursor::START, 3).await.unwrap().len(), 3);
}

async fn read_caps_limit(log: &dyn EventLog) {
    for batch in 0..3 {
        log.append(records(batch * 5_000..batch * 5_000 + 5_000)).await.unwrap();
    }
    let read = log.read(&Cursor::START, u32::MAX).await.unwrap();
    assert!(read.len() <= READ_RECORDS_MAX as usize);
    assert_eq!(read_all(log).await.len(), 15_000);
}

async fn end_covers_everything(log: &dyn EventLog) {
    log.append(records(0..9)).await.unwrap();
    let mut seen = Cursor::START;
    read_all(log).await.iter().for_each(|recorded| seen.advance(recorded.position));
    let end = log.end().await.unwrap();
    assert!(seen.covers(&end));
    assert!(log.read(&end, 10).await.unwrap().is_empty());
}

async fn partitions_have_own_order(log: &dyn EventLog) {
    let elsewhere = |n| Record { partition: Partition(3), ..record(n) };
    log.append(records(0..4)).await.unwrap();
    log.append(vec![elsewhere(10), elsewhere(11)]).await.unwrap();
    log.append(records(4..6)).await.unwrap();
    let mut expected = records(0..6);
    expected.extend([elsewhere(10), elsewhere(11)]);
    assert_eq!(stored(log).await, expected);
    let mut cursor = Cursor::START;
    let end = log.end().await.unwrap();
    cursor.advance(end.positions().next().unwrap());
    let rest = read_from(log, cursor, 10).await;
    assert_eq!(rest.into_iter().map(|r| r.record).collect::<Vec<_>>(), expected[6..]);
}

async fn subject_is_read_alone(log: &dyn EventLog) {
    let batch = vec![of_subject(1, 1), record(2), of_subject(3, 2), of_subject(4, 1)];
    log.append(batch).await.unwrap();
    let read = log.read_subject(subject(1), &Cursor::START, 10).await.unwrap();
    let all = read_all(log).await;
    assert_eq!(read, vec![all[0].clone(), all[3].clone()]);
    assert!(log.read_subject(subject(9), &Cursor::START, 10).await.unwrap().is_empty());
}

async fn subject_read_resumes(log: &dyn EventLog) {
    let batch: Vec<Record> = (0..40).map(|n| of_subject(n, (n % 2) as u8)).collect();
    log.append(batch).await.unwrap();
    let mut cursor = Cursor::START;
    let mut read = Vec::new();
    loop {
        let some = log.read_subject(subject(1), &cursor, 3).await.unwrap();
        assert!(some.len() <= 3);
        if some.is_empty() {
            break;
        }
        some.iter().for_each(|recorded| cursor.advance(recorded.position));
        read.extend(some.into_iter().map(|recorded| recorded.record));
    }
    assert_eq!(read, (0..40).filter(|n| n % 2 == 1).map(|n| of_subject(n, 1)).collect::<Vec<_>>());
}

async fn subject_among_many_records(log: &dyn EventLog) {
    let all: Vec<Record> = (0..5_000).map(|n| of_subject(n, (n % 50) as u8)).collect();
    for batch in all.chunks(500) {
        log.append(batch.to_vec()).await.unwrap();
    }
    let read = log.read_subject(subject(7), &Cursor::START, READ_RECORDS_MAX).await.unwrap();
    let expected: Vec<_> = all.into_iter().filter(|r| r.subject == Some(subject(7))).collect();
    assert_eq!(read.into_iter().map(|r| r.record).collect::<Vec<_>>(), expected);
}

async fn status_counts_records(log: &dyn EventLog) {
    log.append(records(0..10)).await.unwrap();
    log.append(records(5..15)).await.unwrap();
    let status = log.status().await.unwrap();
    assert_eq!(status.records, 15);
    assert!(status.bytes > 0);
    assert!(status.commits >= 1);
    assert!(status.sync_us_p50 <= status.sync_us_p99);
}

/// A year of old records, a year of nothing, and one of today.
async fn archive_keeps_all_readable(log: &dyn EventLog) {
    let years_ago = NOW_MS - 800 * DAY_MS;
    for batch in 0..10 {
        let old = (batch * 300..batch * 300 + 300).map(|n| {
            let ms = years_ago + i64::try_from(n).unwrap() * DAY_MS / 8;
            Record { subject: Some(subject((n % 5) as u8)), ..received(n, ms) }
        });
        log.append(old.collect()).await.unwrap();
    }
    append_one(log, record(9_999)).await;
    let all = read_all(log).await;
    let one = log.read_subject(subject(3), &Cursor::START, READ_RECORDS_MAX).await.unwrap();
    let before = at(NOW_MS - 100 * DAY_MS);
    let moved = log.archive(before).await.unwrap();
    assert_eq!(log.status().await.unwrap().archived_records, moved);
    assert_eq!(log.archive(before).await.unwrap(), 0, "nothing is moved twice");
    assert_eq!(log.status().await.unwrap().records, 3_001);
    for limit in [97, READ_RECORDS_MAX] {
        assert_eq!(read_from(log, Cursor::START, limit).await, all);
    }
    let mut cursor = Cursor::START;
    cursor.advance(all[1_233].position);
    assert_eq!(read_from(log, cursor, 100).await, all[1_234..]);
    assert_eq!(log.read_subject(subject(3), &Cursor::START, READ_RECORDS_MAX).await.unwrap(), one);
    append_one(log, record(10_000)).await;
    assert_eq!(read_all(log).await.len(), all.len() + 1);
}

async fn archive_keeps_window(log: &dyn EventLog) {
    for batch in 0..4 {
        log.append(records(batch * 100..batch * 100 + 100)).await.unwrap();
    }
    assert_eq!(log.archive(at(NOW_MS + 1_000 * DAY_MS)).await.unwrap(), 0);
    assert!(append_one(log, record(5)).await.is_duplicate);
}

/// What a stripped record looks like.
fn emptied(recorded: &Recorded) -> Recorded {
    let record = Record { subject: None, body: Vec::new(), ..recorded.record.clone() };
    Recorded { record, ..recorded.clone() }
}

async fn stripped_records_keep_their_place(log: &dyn EventLog) {
    for batch in 0..4 {
        let some = (batch * 700..batch * 700 + 700).map(|n| of_subject(n, (n % 3) as u8));
        log.append(some.collect()).await.unwrap();
    }
    let before = read_all(log).await;
    let doomed: Vec<usize> = (0..before.len()).filter(|n| n % 7 < 2).collect();
    let positions: Vec<Position> = doomed.iter().map(|n| before[*n].position).collect();
    assert_eq!(log.strip(&positions).await.unwrap(), doomed.len() as u64);
    assert_eq!(log.strip(&positions).await.unwrap(), 0, "a repeat finds nothing left");
    assert_eq!(log.strip(&[]).await.unwrap(), 0);
    let mut wanted = before.clone();
    doomed.iter().for_each(|n| wanted[*n] = emptied(&before[*n]));
    assert_eq!(read_all(log).await, wanted);
    let one = log.read_subject(subject(1), &Cursor::START, READ_RECORDS_MAX).await.unwrap();
    assert!(one.iter().all(|recorded| !positions.contains(&recorded.position)));
    assert_eq!(one.len(), wanted.iter().filter(|r| r.record.subject == Some(subject(1))).count());
    // The ids are still known, and the log goes on.
    let again = append_one(log, before[doomed[3]].record.clone()).await;
    assert!(again.is_duplicate && again.position == positions[3]);
    append_one(log, record(9_999)).await;
    assert_eq!(read_all(log).await.len(), before.len() + 1);
    let nowhere = Position { partition: Partition(9), offset: 5 };
    assert_eq!(log.strip(&[nowhere]).await.unwrap(), 0);
    assert!(log.strip(&vec![nowhere; crate::STRIP_MAX + 1]).await.is_err());
}

async fn stripping_reaches_the_archive(log: &dyn EventLog) {
    let years_ago = NOW_MS - 800 * DAY_MS;
    for batch in 0..10 {
        let old = (batch * 300..batch * 300 + 300).map(|n| {
            let ms = years_ago + i64::try_from(n).unwrap() * DAY_MS / 8;
            Record { subject: Some(subject((n % 5) as u8)), ..received(n, ms) }
        });
        log.append(old.collect()).await.unwrap();
    }
    append_one(log, record(9_999)).await;
    log.archive(at(NOW_MS - 100 * DAY_MS)).await.unwrap();
    let before = read_all(log).await;
    let doomed: Vec<usize> = (0..before.len()).filter(|n| n % 2 == 0).collect();
    let positions: Vec<Position> = doomed.iter().map(|n| before[*n].position).collect();
    assert_eq!(log.strip(&positions).await.unwrap(), doomed.len() as u64);
    let mut wanted = before.clone();
    doomed.iter().for_each(|n| wanted[*n] = emptied(&before[*n]));
    assert_eq!(read_all(log).await, wanted);
    assert_eq!(log.strip(&positions).await.unwrap(), 0);
    let one = log.read_subject(subject(3), &Cursor::START, READ_RECORDS_MAX).await.unwrap();
    assert_eq!(one.len(), wanted.iter().filter(|r| r.record.subject == Some(subject(3))).count());
}

async fn concurrent_appends_all_arrive(log: Arc<dyn EventLog>) {
    let tasks: Vec<_> = (0..32_u64)
        .map(|task| {
            let log = Arc::clone(&log);
            tokio::spawn(async move {
                let mut appended = Vec::new();
                for batch in 0..5 {
                    let start = task * 1_000 + batch * 10;
                    appended.extend(log.append(records(start..start + 10)).await.unwrap());
                }
                appended
            })
        })
        .collect();
    let mut positions = BTreeSet::new();
    for task in tasks {
        for appended in task.await.unwrap() {
            assert!(!appended.is_duplicate);
            assert!(positions.insert(appended.position), "a position was given twice");
        }
    }
    let read = read_all(&*log).await;
    assert_eq!(read.iter().map(|r| r.position).collect::<BTreeSet<_>>(), positions);
    let ids: BTreeSet<EventId> = read.iter().map(|r| r.record.event_id).collect();
    assert_eq!(ids.len(), 32 * 50);
}

async fn concurrent_copies_count_once(log: Arc<dyn EventLog>) {
    let tasks: Vec<_> = (0..32)
        .map(|_| {
            let log = Arc::clone(&log);
            tokio::spawn(async move { log.append(records(0..20)).await.unwrap() })
        })
        .collect();
    let mut n_new = 0;
    for task in tasks {
        n_new += task.await.unwrap().iter().filter(|a| !a.is_duplicate).count();
    }
    assert_eq!(n_new, 20);
    assert_eq!(stored(&*log).await, records(0..20));
}

async fn batch_is_visible_whole(log: Arc<dyn EventLog>) {
    let writer = {
        let log = Arc::clone(&log);
        tokio::spawn(async move {
            for batch in 0..60 {
                log.append(records(batch * 100..batch * 100 + 100)).await.unwrap();
            }
        })
    };
    while !writer.is_finished() {
        let n = log.read(&Cursor::START, READ_RECORDS_MAX).await.unwrap().len();
        assert_eq!(n % 100, 0, "part of a batch can be seen");
    }
    writer.await.unwrap();
    assert_eq!(read_all(&*log).await.len(), 6_000);
}

async fn follower_misses_nothing(log: Arc<dyn EventLog>) {
    let writers: Vec<_> = (0..8_u64)
        .map(|task| {
            let log = Arc::clone(&log);
            tokio::spawn(async move {
                for batch in 0..30 {
                    let start = task * 10_000 + batch * 10;
                    log.append(records(start..start + 10)).await.unwrap();
                }
            })
        })
        .collect();
    let mut cursor = Cursor::START;
    let mut seen = Vec::new();
    while seen.len() < 8 * 300 {
        let some = log.read(&cursor, 64).await.unwrap();
        some.iter().for_each(|recorded| cursor.advance(recorded.position));
        seen.extend(some);
        tokio::task::yield_now().await;
    }
    for writer in writers {
        writer.await.unwrap();
    }
    assert!(seen.windows(2).all(|pair| pair[0].position < pair[1].position));
    assert_eq!(seen, read_all(&*log).await);
}
