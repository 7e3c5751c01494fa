//! How many records a second the log takes and gives, and what one append waits.
//!
//! Bodies of 120 bytes, one subject per record out of 50,000, seed 1, real files under the target's
//! temporary folder with full sync. `SOUK_BENCH_PRELOAD` says how many records the log holds before
//! the measurement (default 1,000,000).
#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use souk_core::{EventId, SubjectId, Timestamp};
use souk_embedded::{LogOptions, SqliteLog};
use souk_ports::{Cursor, EventLog, Partition, Position, READ_RECORDS_MAX, Record, RecordKind};
use tokio::runtime::Runtime;

/// Bytes of a record's body.
const BODY_BYTES: usize = 120;
/// 2026-01-01.
const NOW_MS: i64 = 1_767_225_600_000;

/// The next record number, so that no benchmark repeats an event id.
static NEXT: AtomicU64 = AtomicU64::new(0);

fn mix(n: u64) -> u64 {
    let z = n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z ^ (z >> 31)
}

fn batch(size: u64) -> Vec<Record> {
    let first = NEXT.fetch_add(size, Ordering::Relaxed);
    (first..first + size)
        .map(|n| {
            let mut id = [0; 16];
            id[..8].copy_from_slice(&mix(n).to_le_bytes());
            id[8..].copy_from_slice(&mix(n ^ 0xabcd).to_le_bytes());
            let mut subject = [0; 16];
            subject[..8].copy_from_slice(&(mix(n) % 50_000).to_le_bytes());
            let mut body = vec![0; BODY_BYTES];
            body.chunks_mut(8).enumerate().for_each(|(idx, chunk)| {
                chunk.copy_from_slice(&mix(n + idx as u64).to_le_bytes()[..chunk.len()]);
            });
            Record {
                partition: Partition(0),
                subject: Some(SubjectId(subject)),
                event_id: EventId(id),
                received_at: Timestamp::from_ms(NOW_MS + i64::try_from(n / 30).unwrap()).unwrap(),
                kind: RecordKind(1),
                body,
            }
        })
        .collect()
}

fn open_preloaded(runtime: &Runtime, folder: &Path, records: u64) -> Arc<SqliteLog> {
    let _inside = runtime.enter();
    let log = SqliteLog::open(&folder.join("log.db"), &LogOptions::default()).unwrap();
    let log = Arc::new(log);
    runtime
        .block_on(append_all(&log, Load { appenders: 4, size: 5_000, batches: records / 5_000 }));
    log
}

#[derive(Clone, Copy)]
struct Load {
    appenders: u64,
    size: u64,
    batches: u64,
}

/// Appends that many batches from that many tasks, and returns how long it took.
async fn append_all(log: &Arc<SqliteLog>, load: Load) -> Duration {
    let begin = Instant::now();
    let left = Arc::new(AtomicU64::new(load.batches));
    let tasks: Vec<_> = (0..load.appenders)
        .map(|_| {
            let (log, left) = (Arc::clone(log), Arc::clone(&left));
            tokio::spawn(async move {
                let take = |n: u64| n.checked_sub(1);
                while left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok() {
                    log.append(batch(load.size)).await.unwrap();
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    begin.elapsed()
}

fn preload() -> u64 {
    std::env::var("SOUK_BENCH_PRELOAD").ok().and_then(|n| n.parse().ok()).unwrap_or(1_000_000)
}

fn append(criterion: &mut Criterion) {
    let runtime = Runtime::new().unwrap();
    for preloaded in [0, preload()] {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let log = open_preloaded(&runtime, folder.path(), preloaded);
        let mut group = criterion.benchmark_group(format!("append/preloaded_{preloaded}"));
        group.sample_size(10).measurement_time(Duration::from_secs(3));
        for (size, appenders) in [(1, 1), (1, 32), (500, 1), (500, 8), (5_000, 4)] {
            group.throughput(Throughput::Elements(size));
            let id = BenchmarkId::new(format!("batch_{size}"), format!("appenders_{appenders}"));
            group.bench_function(id, |bencher| {
                bencher.iter_custom(|batches| {
                    runtime.block_on(append_all(&log, Load { appenders, size, batches }))
                });
            });
        }
        group.finish();
    }
}

fn read(criterion: &mut Criterion) {
    let runtime = Runtime::new().unwrap();
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let log = open_preloaded(&runtime, folder.path(), 1_000_000);
    let mut group = criterion.benchmark_group("read");
    group.sample_size(20).throughput(Throughput::Elements(u64::from(READ_RECORDS_MAX)));
    group.bench_function("10k_from_rows", |bencher| {
        let mut offset = 0;
        bencher.iter(|| {
            offset = (offset + u64::from(READ_RECORDS_MAX)) % 900_000;
            let mut cursor = Cursor::START;
            cursor.advance(Position { partition: Partition(0), offset });
            runtime.block_on(log.read(&cursor, READ_RECORDS_MAX)).unwrap().len()
        });
    });
    group.throughput(Throughput::Elements(1));
    group.bench_function("one_subject", |bencher| {
        let mut n = 0_u64;
        bencher.iter(|| {
            n += 1;
            let mut subject = [0; 16];
            subject[..8].copy_from_slice(&(n % 50_000).to_le_bytes());
            let start = Cursor::START;
            let read = log.read_subject(SubjectId(subject), &start, READ_RECORDS_MAX);
            runtime.block_on(read).unwrap().len()
        });
    });
    group.finish();
}

criterion_group!(benches, append, read);
criterion_main!(benches);
