//! One figure sheet of the log under load: throughput, the wait of a single append beside it, memory
//! and bytes a record.
//!
//! `cargo bench -p souk-embedded --bench log_load` with `SOUK_LOAD_PRELOAD` records in the log before
//! (default 1,000,000), for `SOUK_LOAD_SECONDS` (default 10), with `SOUK_LOAD_RATE` records/s offered
//! (default: as many as go). Bodies of 120 bytes, batches of 500, four appenders, full sync; the
//! single append comes every 5 ms, and its wait counts from when it was due.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use souk_core::{EventId, SubjectId, Timestamp};
use souk_embedded::{LogOptions, SqliteLog};
use souk_ports::{EventLog, Partition, Record, RecordKind};

const APPENDERS: u64 = 4;
const BATCH: u64 = 500;
/// 2026-01-01.
const NOW_MS: i64 = 1_767_225_600_000;

static NEXT: AtomicU64 = AtomicU64::new(0);

fn main() {
    if !std::env::args().any(|arg| arg == "--bench") {
        return;
    }
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(run());
}

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

async fn run() {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let path = folder.path().join("log.db");
    let log = Arc::new(SqliteLog::open(&path, &LogOptions::default()).unwrap());
    let preload = setting("SOUK_LOAD_PRELOAD", 1_000_000);
    let begin = Instant::now();
    load(&log, Plan { size: 5_000, until: Until::Records(preload), rate: None }).await;
    let seconds = begin.elapsed().as_secs_f64();
    println!("preload    {preload} records in {seconds:.1} s");
    print_size(&log).await;

    let seconds = setting("SOUK_LOAD_SECONDS", 10);
    let rate = setting("SOUK_LOAD_RATE", 0);
    let is_over = Arc::new(AtomicBool::new(false));
    let prober = tokio::spawn(probe(Arc::clone(&log), Arc::clone(&is_over)));
    let before = NEXT.load(Ordering::Relaxed);
    let begin = Instant::now();
    let until = Until::Time(begin + Duration::from_secs(seconds));
    load(&log, Plan { size: BATCH, until, rate: (rate > 0).then_some(rate) }).await;
    let took = begin.elapsed().as_secs_f64();
    is_over.store(true, Ordering::Relaxed);
    let mut waits = prober.await.unwrap();
    let appended = NEXT.load(Ordering::Relaxed) - before;
    println!("load       {:.0} records/s over {took:.1} s", appended as f64 / took);
    waits.sort_unstable();
    let at = |p: usize| waits[(waits.len() * p / 1_000).min(waits.len() - 1)];
    println!(
        "single     p50 {} us, p99 {} us, p99.9 {} us, max {} us ({} appends)",
        at(500),
        at(990),
        at(999),
        at(1_000),
        waits.len()
    );
    print_size(&log).await;
    drop(log);
    let begin = Instant::now();
    let log = SqliteLog::open(&path, &LogOptions::default()).unwrap();
    println!("reopen     {:.2} s", begin.elapsed().as_secs_f64());
    drop(log);
}

async fn print_size(log: &SqliteLog) {
    let status = log.status().await.unwrap();
    println!(
        "log        {} records, {:.1} bytes each, {} commits, sync p50 {} us p99 {} us, resident {} MB",
        status.records,
        status.bytes as f64 / status.records.max(1) as f64,
        status.commits,
        status.sync_us_p50,
        status.sync_us_p99,
        resident_mb()
    );
}

/// Resident memory of this process; 0 where `/proc` does not exist.
fn resident_mb() -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with("VmRSS:"));
    line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok()).unwrap_or(0) / 1024
}

#[derive(Clone, Copy)]
enum Until {
    Records(u64),
    Time(Instant),
}

#[derive(Clone, Copy)]
struct Plan {
    size: u64,
    until: Until,
    rate: Option<u64>,
}

async fn load(log: &Arc<SqliteLog>, plan: Plan) {
    let tasks: Vec<_> = (0..APPENDERS)
        .map(|_| {
            let log = Arc::clone(log);
            tokio::spawn(async move {
                let begin = Instant::now();
                let mut sent = 0;
                loop {
                    let is_over = match plan.until {
                        Until::Records(n) => NEXT.load(Ordering::Relaxed) >= n,
                        Until::Time(end) => Instant::now() >= end,
                    };
                    if is_over {
                        return;
                    }
                    if let Some(rate) = plan.rate {
                        let due = sent as f64 * APPENDERS as f64 / rate as f64;
                        tokio::time::sleep_until((begin + Duration::from_secs_f64(due)).into())
                            .await;
                    }
                    log.append(batch(plan.size)).await.unwrap();
                    sent += plan.size;
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
}

/// Appends one record every 5 ms, whether or not the last one is done, and returns how long each
/// took from when it was due.
async fn probe(log: Arc<SqliteLog>, is_over: Arc<AtomicBool>) -> Vec<u64> {
    let mut tasks = Vec::new();
    let begin = Instant::now();
    while !is_over.load(Ordering::Relaxed) {
        let due = begin + Duration::from_millis(5 * tasks.len() as u64);
        tokio::time::sleep_until(due.into()).await;
        let log = Arc::clone(&log);
        tasks.push(tokio::spawn(async move {
            log.append(batch(1)).await.unwrap();
            u64::try_from(due.elapsed().as_micros()).unwrap()
        }));
    }
    let mut waits = Vec::new();
    for task in tasks {
        waits.push(task.await.unwrap());
    }
    waits
}

fn mix(n: u64) -> u64 {
    let z = n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z ^ (z >> 31)
}

fn batch(size: u64) -> Vec<Record> {
    let first = NEXT.fetch_add(size, Ordering::Relaxed);
    (first..first + size).map(record).collect()
}

fn record(n: u64) -> Record {
    let mut id = [0; 16];
    id[..8].copy_from_slice(&mix(n).to_le_bytes());
    id[8..].copy_from_slice(&mix(n ^ 0xabcd).to_le_bytes());
    let mut subject = [0; 16];
    subject[..8].copy_from_slice(&(mix(n) % 50_000).to_le_bytes());
    let body = (0..15).flat_map(|idx| mix(n + idx).to_le_bytes()).collect();
    Record {
        partition: Partition(0),
        subject: Some(SubjectId(subject)),
        event_id: EventId(id),
        received_at: Timestamp::from_ms(NOW_MS + i64::try_from(n / 30).unwrap()).unwrap(),
        kind: RecordKind(1),
        body,
    }
}
