//! Power cuts: whatever was acknowledged is there afterwards, once, and no batch is there by half.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use souk_embedded::{SqliteLog, SyncMode};
use souk_ports::{EventLog, Position, Recorded};
use souk_sim_vfs::{Loss, SimDisk};

use crate::records::{Seeded, open_simulated, read_all, records};

/// Records of a batch, all of one number range.
const BATCH: u64 = 7;
/// Power cuts one disk goes through.
const CUTS: u32 = 4;

/// Batches by their number; `Some` with their positions once acknowledged.
type Sent = BTreeMap<u64, Option<Vec<Position>>>;

/// Appends from four tasks until the power goes off.
async fn append_until_off(log: SqliteLog, first_batch: u64) -> Sent {
    let log = Arc::new(log);
    let tasks: Vec<_> = (0..4)
        .map(|task| {
            let log = Arc::clone(&log);
            tokio::spawn(async move {
                let mut sent = Sent::new();
                for round in 0..12 {
                    let batch = first_batch + round * 4 + task;
                    let answer = log.append(records(batch * BATCH..(batch + 1) * BATCH)).await;
                    let appended =
                        answer.ok().map(|list| list.into_iter().map(|a| a.position).collect());
                    let is_over = appended.is_none();
                    sent.insert(batch, appended);
                    if is_over {
                        break;
                    }
                }
                sent
            })
        })
        .collect();
    let mut all = Sent::new();
    for task in tasks {
        all.extend(task.await.unwrap());
    }
    all
}

/// Says what the log broke of its promise, if anything.
fn check(sent: &Sent, read: &[Recorded]) -> Result<(), String> {
    let mut found: BTreeMap<u64, Vec<Position>> = BTreeMap::new();
    for recorded in read {
        let n = u64::from_be_bytes(recorded.record.event_id.0[..8].try_into().unwrap());
        if recorded.record != crate::records::record(n) {
            return Err(format!("record {n} came back changed"));
        }
        found.entry(n / BATCH).or_default().push(recorded.position);
    }
    for (batch, positions) in &found {
        if positions.len() as u64 != BATCH {
            return Err(format!("batch {batch} is there {} times a record", positions.len()));
        }
        if !sent.contains_key(batch) {
            return Err(format!("batch {batch} was never sent"));
        }
    }
    for (batch, positions) in sent {
        if let Some(positions) = positions
            && found.get(batch) != Some(positions)
        {
            return Err(format!("acknowledged batch {batch} is lost or moved"));
        }
    }
    Ok(())
}

/// Takes one disk through several power cuts at moments that `seed` picks.
async fn survive(seed: u64, sync: SyncMode, folder: &Path) -> Result<u64, String> {
    let disk = SimDisk::register();
    let mut random = Seeded(seed);
    let mut sent = Sent::new();
    for cut in 0..CUTS {
        let log = open_simulated(folder, &disk, sync).map_err(|e| format!("cut {cut}: {e}"))?;
        let before = read_all(&log).await.map_err(|e| format!("cut {cut}: {e}"))?;
        check(&sent, &before).map_err(|e| format!("before cut {cut}: {e}"))?;
        disk.cut_power_after(random.below(90));
        sent.extend(append_until_off(log, u64::from(cut) * 48).await);
        // The last tasks may all have been answered before the cut: what is closed now is not clean.
        disk.cut_power();
        let loss = match random.below(3) {
            0 => Loss::All,
            _ => Loss::Some { seed: random.below(u64::MAX) },
        };
        disk.power_on(loss);
        let log =
            open_simulated(folder, &disk, sync).map_err(|e| format!("after cut {cut}: {e}"))?;
        let read = read_all(&log).await.map_err(|e| format!("after cut {cut}: {e}"))?;
        check(&sent, &read).map_err(|e| format!("after cut {cut}: {e}"))?;
        // A retry of everything adds only what was not there.
        let retried: Vec<u64> = sent.keys().copied().collect();
        for batch in retried {
            let answer = log.append(records(batch * BATCH..(batch + 1) * BATCH)).await;
            let positions = answer.map_err(|e| format!("retry after cut {cut}: {e}"))?;
            sent.insert(batch, Some(positions.into_iter().map(|a| a.position).collect()));
        }
        let read = read_all(&log).await.map_err(|e| format!("retry after cut {cut}: {e}"))?;
        check(&sent, &read).map_err(|e| format!("retry after cut {cut}: {e}"))?;
        if random.below(2) == 0 {
            // The next start finds a write-ahead log that was never copied.
            disk.cut_power();
            drop(log);
            disk.power_on(Loss::All);
        }
    }
    Ok(sent.len() as u64)
}

fn run(seed: u64, sync: SyncMode) -> Result<u64, String> {
    let folder = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    runtime.block_on(survive(seed, sync, folder.path()))
}

#[test]
fn power_cuts_lose_nothing_acknowledged() {
    let mut batches = 0;
    for seed in 0..40 {
        batches += run(seed, SyncMode::Full).unwrap_or_else(|e| panic!("seed {seed}: {e}"));
    }
    assert!(batches > 1_000, "the cuts came too early to show anything: {batches} batches");
}

/// The test above is worth something: without the sync it fails.
#[test]
fn power_cuts_are_seen_without_sync() {
    let failures = (0..10).filter(|seed| run(*seed, SyncMode::Off).is_err()).count();
    assert!(failures >= 8, "only {failures} of 10 runs without sync lost something");
}
