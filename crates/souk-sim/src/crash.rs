//! Kill, restart, count: whatever a server acknowledged is there once, whenever it was killed.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::Random;
use crate::http::{Connection, Request};
use crate::server::{Server, Shop};

/// How often and in which way to kill.
#[derive(Clone, Copy, Debug)]
pub struct CrashPlan {
    /// Kills.
    pub cycles: u32,
    /// Seed of the moments, batch sizes and contents.
    pub seed: u64,
    /// After how many kills the whole log is counted.
    pub verify_every: u32,
}

/// What was seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CrashReport {
    /// Kills.
    pub kills: u32,
    /// Of these, while a backup ran.
    pub kills_during_backup: u32,
    /// Of these, at the sight of a snapshot being written.
    pub kills_during_snapshot: u32,
    /// Of the backups that were looked at, those that were whole in spite of the kill.
    pub backups_whole: u32,
    /// Events that were acknowledged.
    pub acknowledged: u64,
    /// Events that were sent, not acknowledged, and nevertheless kept (allowed).
    pub kept_unacknowledged: u64,
}

/// What was sent, and whether an answer came.
#[derive(Debug, Default)]
struct Ledger {
    sent: HashMap<String, bool>,
}

/// Sends events from several connections and kills the server at random moments, `plan.cycles` times.
///
/// One cycle in three a backup runs beside, in another the kill comes while a snapshot is written.
/// Then and again the log is exported and counted: each acknowledged event exactly once, any other
/// at most once; and the views must equal a rebuild.
///
/// # Errors
///
/// At the first thing that is lost, doubled or different; the message names the seed and the cycle.
pub fn kill_and_count(shop: &Shop, plan: CrashPlan) -> Result<CrashReport> {
    let key = shop.create_key("ingest_server")?;
    let ledger = Mutex::new(Ledger::default());
    let numbers = AtomicU64::new(0);
    let mut random = Random::new(plan.seed);
    let mut report = CrashReport::default();
    let mut counted = 0;
    for cycle in 1..=plan.cycles {
        let context = || format!("seed {} cycle {cycle}", plan.seed);
        let server = shop.serve().with_context(context)?;
        let writers = Writers { key: &key, ledger: &ledger, numbers: &numbers };
        let pause = Duration::from_millis(40 + random.below(400));
        let seed = random.bits();
        let moment = match cycle % 3 {
            0 => Moment::Backup,
            1 => Moment::Snapshot,
            _ => Moment::Any,
        };
        let before = files_below(&snapshots_folder(shop));
        writers.send_until_killed(server, seed, || {
            let child = if moment == Moment::Backup { start_backup(shop, cycle)? } else { None };
            if moment != Moment::Snapshot {
                thread::sleep(pause);
            } else if wait_for_change(&snapshots_folder(shop), &before) {
                report.kills_during_snapshot += 1;
            }
            Ok(child)
        })?;
        report.kills_during_backup += u32::from(moment == Moment::Backup);
        report.kills += 1;
        if cycle % plan.verify_every == 0 || cycle == plan.cycles {
            let ledger = ledger.lock().expect("no writer panics");
            let (acknowledged, kept) = count(shop, &ledger).with_context(context)?;
            (report.acknowledged, report.kept_unacknowledged) = (acknowledged, kept);
            check_health(shop).with_context(context)?;
            for earlier in (counted + 1..=cycle).filter(|earlier| earlier % 3 == 0) {
                report.backups_whole +=
                    check_backup(shop, &ledger, earlier).with_context(context)?;
            }
            counted = cycle;
        }
    }
    Ok(report)
}

/// When a kill comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Moment {
    Any,
    Backup,
    Snapshot,
}

fn snapshots_folder(shop: &Shop) -> PathBuf {
    shop.folder().join("blobs").join("snapshots")
}

/// Files and their sizes, below a folder that may not exist.
fn files_below(folder: &Path) -> Vec<(PathBuf, u64)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        match entry.metadata() {
            Ok(about) if about.is_dir() => found.extend(files_below(&path)),
            Ok(about) => found.push((path, about.len())),
            // It may be gone by now.
            Err(_) => {}
        }
    }
    found.sort();
    found
}

/// Waits up to three seconds until a file appears or grows.
fn wait_for_change(folder: &Path, before: &[(PathBuf, u64)]) -> bool {
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(3) {
        if files_below(folder) != before {
            return true;
        }
        thread::sleep(Duration::from_micros(300));
    }
    false
}

fn backup_folder(shop: &Shop, cycle: u32) -> PathBuf {
    shop.folder().with_extension(format!("backup-{cycle}"))
}

fn start_backup(shop: &Shop, cycle: u32) -> Result<Option<std::process::Child>> {
    let target = backup_folder(shop, cycle);
    Ok(Some(shop.start(&["backup".as_ref(), "--to".as_ref(), target.as_os_str()])?))
}

/// A backup that was cut off is refused; one that is whole holds nothing that was not sent. Answers
/// how many were whole.
fn check_backup(shop: &Shop, ledger: &Ledger, cycle: u32) -> Result<u32> {
    let copy = shop.at(shop.folder().with_extension(format!("restored-{cycle}")));
    let from = backup_folder(shop, cycle);
    if copy.run(&["restore".as_ref(), "--from".as_ref(), from.as_os_str()]).is_err() {
        return Ok(0);
    }
    let seen = export_ids(&copy)?;
    let odd = seen.iter().find(|(id, times)| **times > 1 || !ledger.sent.contains_key(*id));
    ensure!(odd.is_none(), "{odd:?} is in a backup");
    std::fs::remove_dir_all(copy.folder())?;
    Ok(1)
}

/// Whether every record can be read and the views equal a rebuild.
///
/// # Errors
///
/// When not; the message holds what was found.
pub fn check_health(shop: &Shop) -> Result<()> {
    let said = shop.run(&["doctor", "--deep", "--output", "json"])?;
    let said: Value = serde_json::from_str(&said).context("what doctor printed")?;
    let findings = said["findings"].as_array().context("findings")?;
    let is_about = |finding: &&Value, about: &str| finding["about"] == about;
    let about = findings.iter().filter(|f| is_about(f, "views") || is_about(f, "log"));
    let trouble = about.clone().find(|finding| finding["weight"] == "trouble");
    ensure!(trouble.is_none(), "{trouble:?}");
    let details: Vec<&str> = about.filter_map(|finding| finding["detail"].as_str()).collect();
    ensure!(details.iter().any(|detail| detail.contains("equal to a fold")), "{details:?}");
    ensure!(details.iter().any(|detail| detail.contains("every checksum")), "{details:?}");
    Ok(())
}

#[derive(Clone, Copy)]
struct Writers<'a> {
    key: &'a str,
    ledger: &'a Mutex<Ledger>,
    numbers: &'a AtomicU64,
}

impl Writers<'_> {
    /// Sends from three connections; kills the server when `wait` returns.
    fn send_until_killed(
        self,
        server: Server,
        seed: u64,
        wait: impl FnOnce() -> Result<Option<std::process::Child>>,
    ) -> Result<()> {
        let stop = AtomicBool::new(false);
        let address = server.address;
        thread::scope(|scope| {
            let threads: Vec<_> = (0..3u64)
                .map(|n| {
                    let stop = &stop;
                    scope.spawn(move || {
                        let mut connection = Connection::new(address);
                        let mut random = Random::new(seed ^ n);
                        while !stop.load(Ordering::Relaxed)
                            && self.send_one(&mut connection, &mut random)?
                        {
                        }
                        Ok::<(), anyhow::Error>(())
                    })
                })
                .collect();
            let child = wait()?;
            server.kill()?;
            stop.store(true, Ordering::Relaxed);
            if let Some(mut child) = child {
                // The backup may have been done or cut off; either way it must not hang.
                let _ = child.kill();
                let _ = child.wait();
            }
            for thread in threads {
                thread.join().expect("a writer does not panic")?;
            }
            Ok(())
        })
    }

    /// Sends one batch, now and then one that was sent before; `false` when the server is gone.
    fn send_one(self, connection: &mut Connection, random: &mut Random) -> Result<bool> {
        let ids: Vec<String> = if random.below(5) == 0 {
            let ledger = self.ledger.lock().expect("no writer panics");
            ledger.sent.keys().take(20).cloned().collect()
        } else {
            let size = 1 + random.below(120);
            let first = self.numbers.fetch_add(size, Ordering::Relaxed);
            (first..first + size).map(|number| format!("m{number}")).collect()
        };
        if ids.is_empty() {
            return Ok(true);
        }
        {
            let mut ledger = self.ledger.lock().expect("no writer panics");
            ids.iter().for_each(|id| {
                ledger.sent.entry(id.clone()).or_insert(false);
            });
        }
        let body = batch(&ids);
        let request = Request {
            method: "POST",
            path: "/v1/batch",
            key: Some(self.key),
            body: body.as_bytes(),
        };
        let Ok(answer) = connection.send(request) else { return Ok(false) };
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        ensure!(answer.status == 200, "batch: {} {text}", answer.status);
        let answer: Value = serde_json::from_str(&text)?;
        let taken =
            answer["accepted"].as_u64().unwrap_or(0) + answer["duplicates"].as_u64().unwrap_or(0);
        ensure!(taken == ids.len() as u64, "a batch of {} was answered with {text}", ids.len());
        let mut ledger = self.ledger.lock().expect("no writer panics");
        ledger.sent.extend(ids.into_iter().map(|id| (id, true)));
        Ok(true)
    }
}

/// A batch whose events follow from their ids alone, so that a repeat is the same to the letter.
fn batch(ids: &[String]) -> String {
    let mut body = String::from(r#"{"batch":["#);
    for (idx, id) in ids.iter().enumerate() {
        let number: u64 = id[1..].parse().expect("made above");
        let comma = if idx > 0 { "," } else { "" };
        let user = number % 37;
        let product = number % 101;
        let _ = match number % 7 {
            0 => write!(
                body,
                r#"{comma}{{"type":"track","event":"Order Completed","messageId":"{id}","userId":"u{user}","timestamp":"2026-01-02T03:04:05Z","properties":{{"order_id":"o{number}","currency":"USD","products":[{{"product_id":"p{product}","quantity":2,"price":1.25}},{{"product_id":"p{user}","quantity":1,"price":3.5}}]}}}}"#
            ),
            1 => write!(
                body,
                r#"{comma}{{"type":"identify","messageId":"{id}","userId":"u{user}","anonymousId":"a{}"}}"#,
                number % 53
            ),
            _ => write!(
                body,
                r#"{comma}{{"type":"track","event":"Product Viewed","messageId":"{id}","anonymousId":"a{}","timestamp":"2026-01-02T03:04:05Z","properties":{{"product_id":"p{product}"}}}}"#,
                number % 53
            ),
        };
    }
    body.push_str("]}");
    body
}

/// Exports every event and compares with what was sent. Answers (acknowledged, kept beside them).
fn count(shop: &Shop, ledger: &Ledger) -> Result<(u64, u64)> {
    let seen = export_ids(shop)?;
    let mut kept = 0;
    for (id, &times) in &seen {
        let Some(&is_acknowledged) = ledger.sent.get(id) else { bail!("{id} was never sent") };
        ensure!(times == 1, "{id} is in the log {times} times");
        kept += u64::from(!is_acknowledged);
    }
    let acknowledged = ledger.sent.values().filter(|acknowledged| **acknowledged).count() as u64;
    let lost =
        ledger.sent.iter().find(|(id, acknowledged)| **acknowledged && !seen.contains_key(*id));
    if let Some((id, _)) = lost {
        bail!("{id} was acknowledged and is lost");
    }
    Ok((acknowledged, kept))
}

/// Exports every event and counts message ids.
fn export_ids(shop: &Shop) -> Result<HashMap<String, u32>> {
    let out = shop.folder().with_extension("events.jsonl");
    shop.export("events", &out)?;
    message_ids(&out)
}

/// How often each message id stands in an export.
///
/// # Errors
///
/// When the file cannot be read or a line is not JSON.
pub fn message_ids(export: &Path) -> Result<HashMap<String, u32>> {
    let text = std::fs::read_to_string(export)?;
    let mut seen = HashMap::new();
    for line in text.lines() {
        let event: Value = serde_json::from_str(line)?;
        if let Some(id) = event["messageId"].as_str() {
            *seen.entry(id.to_owned()).or_insert(0) += 1;
        }
    }
    Ok(seen)
}
