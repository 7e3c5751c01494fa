//! Measures erasure: planted people among many, erased while events come in, then looked for everywhere.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a measuring tool prints its figures and how far it is"
)]

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use clap::Parser;
use serde_json::{Value, json};
use souk_sim::http::{Connection, Request};
use souk_sim::load::{Outcome, Plan, run};
use souk_sim::scan::{count_in_file, files_with};
use souk_sim::server::{Server, Shop};

/// Events in a batch while the shop is filled.
const FILL_BATCH: u64 = 500;
/// Events in a batch of the load beside the erasures.
const LOAD_BATCH: u64 = 100;
/// Beside the planted people, one of so many orders something.
const ORDERS_EVERY: u64 = 40;
/// What stands in every planted text and nowhere else.
const PLANTED: &[u8] = b"planted-";
/// How long an erasure may take to be complete before the run fails: the promise is a minute.
const COMPLETE_MAX: Duration = Duration::from_secs(120);

/// Erases planted people from a shop of its own, and looks for what is left of them.
#[derive(Parser)]
struct Cli {
    /// The `souk` program.
    #[arg(long, default_value = "target/release/souk")]
    program: PathBuf,
    /// An empty folder; it is left behind for a look.
    #[arg(long)]
    folder: PathBuf,
    /// People in the shop, each with events.
    #[arg(long, default_value_t = 1_000_000)]
    subjects: u64,
    /// How many of them are erased.
    #[arg(long, default_value_t = 200)]
    erasures: u64,
    /// Events a second beside.
    #[arg(long, default_value_t = 5_000)]
    rate: u64,
}

impl Cli {
    /// Whether this person is planted to be erased.
    fn is_canary(&self, user: u64) -> bool {
        user.is_multiple_of(self.subjects / self.erasures)
            && user / (self.subjects / self.erasures) < self.erasures
    }

    fn canaries(&self) -> impl Iterator<Item = u64> + '_ {
        (0..self.erasures).map(|n| n * (self.subjects / self.erasures))
    }
}

fn main() -> Result<()> {
    let cli = Cli::parse();
    ensure!(cli.erasures > 0 && cli.subjects >= cli.erasures, "give more subjects than erasures");
    std::fs::create_dir_all(&cli.folder)?;
    ensure!(std::fs::read_dir(&cli.folder)?.next().is_none(), "--folder must be an empty folder");
    // Where nothing may be used before a yes, nothing of the planted people could be exported.
    let config = cli.folder.join("souk.yaml");
    std::fs::write(&config, "privacy: {default_jurisdiction: us}\n")?;
    let shop = Shop::new(std::path::absolute(&cli.program)?, cli.folder.join("data"))
        .with_config(std::path::absolute(config)?);
    let (ingest, privacy) = (shop.create_key("ingest_server")?, shop.create_key("privacy")?);
    let server = shop.serve().context("the server does not start")?;
    say("filling");
    let filled = fill(&cli, &server, &ingest)?;
    let before = Before::take(&cli, &shop)?;
    say("erasing");
    let erasing = erase_under_load(&cli, &server, (&ingest, &privacy))?;
    say("looking for what is left");
    let left = count_planted(&shop, &cli.folder.join("after.jsonl"))?;
    ensure!(left == 0, "{left} planted texts can still be read");
    ensure!(sales(&cli, &shop)? == before.sales, "sales are not what they were");
    let doctor = shop.run(&["doctor", "--deep"])?;
    ensure!(doctor.contains("equal to a fold of the whole log"), "views differ:\n{doctor}");
    server.stop()?;
    check_receipts(&cli, &shop, &erasing.receipts)?;
    say("restoring the older backup");
    let restored = check_restored(&cli, &shop)?;
    let (bare, n_files) = files_with(&cli.folder, PLANTED)?;
    ensure!(bare.is_empty(), "these files hold planted texts bare: {bare:?}");
    println!(
        "{:#}",
        json!({
            "subjects": cli.subjects,
            "filled_events_per_s": filled.rate() * FILL_BATCH as f64,
            "erasures": erasing.ms.len(),
            "keys_and_views_ms": spread(erasing.ms),
            "keys_and_views_by_receipts_s": spread(erasing.views_s),
            "snapshots_rewritten_s": spread(erasing.complete_s),
            "events_beside_per_s": erasing.load.rate() * LOAD_BATCH as f64,
            "events_beside_failed": erasing.load.failed,
            "planted_texts_before": before.planted,
            "planted_texts_after": left,
            "planted_texts_in_the_restored_backup": restored,
            "sales_compared": before.sales.lines().count(),
            "receipts_verified": erasing.receipts.len(),
            "files_searched": n_files,
            "files_with_bare_texts": bare.len(),
        })
    );
    Ok(())
}

fn say(what: &str) {
    eprintln!("{what}");
}

/// What is compared with afterwards; a backup and a registered copy of the keys are made, too.
struct Before {
    planted: u64,
    sales: String,
}

impl Before {
    fn take(cli: &Cli, shop: &Shop) -> Result<Before> {
        let planted = count_planted(shop, &cli.folder.join("before.jsonl"))?;
        let n = cli.erasures;
        ensure!(planted >= n, "only {planted} planted texts of {n} are found before the erasures");
        shop.run(&["backup", "--to", path_text(&cli.folder.join("backup"))?])?;
        shop.run(&["backup", "--keys", "--to", path_text(&cli.folder.join("keys-copy"))?])?;
        let sales = sales(cli, shop)?;
        ensure!(sales.lines().count() as u64 >= n, "there are fewer sales than planted people");
        Ok(Before { planted, sales })
    }
}

/// All sales, in an order of their own.
fn sales(cli: &Cli, shop: &Shop) -> Result<String> {
    let out = cli.folder.join("sales.jsonl");
    shop.export("sales", &out)?;
    let text = std::fs::read_to_string(&out)?;
    std::fs::remove_file(out)?;
    let mut lines: Vec<&str> = text.lines().collect();
    lines.sort_unstable();
    Ok(lines.join("\n"))
}

/// Every receipt is right, and one that says something else is not.
fn check_receipts(cli: &Cli, shop: &Shop, receipts: &[Value]) -> Result<()> {
    let file = cli.folder.join("receipt.json");
    let verify = |receipt: &Value| -> Result<std::io::Result<String>> {
        std::fs::write(&file, receipt.to_string())?;
        Ok(shop.run(&["privacy", "verify-receipt", path_text(&file)?]))
    };
    for receipt in receipts {
        verify(receipt)?.context("a receipt is not right")?;
    }
    let mut other = receipts.first().context("there is no receipt")?.clone();
    let statement = other["statement"].as_str().context("a receipt without statement")?;
    other["statement"] = Value::from(statement.replace("\"erasure\"", "\"nothing\""));
    ensure!(verify(&other)?.is_err(), "a receipt that says something else passes");
    std::fs::remove_file(file)?;
    Ok(())
}

/// Restores the backup that was made before the erasures, with the copy of the keys that erasures have
/// reached, and returns how many planted texts it can read: none.
fn check_restored(cli: &Cli, shop: &Shop) -> Result<u64> {
    let fresh = shop.at(cli.folder.join("restored"));
    let (from, keys) = (cli.folder.join("backup"), cli.folder.join("keys-copy"));
    let master = shop.folder().join("keys/master.key");
    let words = ["restore", "--from", path_text(&from)?, "--keys", path_text(&keys)?];
    fresh.run(&[&words[..], &["--master-key", path_text(&master)?]].concat())?;
    let server = fresh.serve().context("the restored shop does not start")?;
    let out = cli.folder.join("restored.jsonl");
    fresh.export("events", &out)?;
    let planted = count_in_file(&out, PLANTED)?;
    let others = count_in_file(&out, b"Product Viewed")?;
    std::fs::remove_file(out)?;
    server.stop()?;
    ensure!(planted == 0, "the restored backup brings back {planted} planted texts");
    let least = cli.subjects - cli.erasures;
    ensure!(others >= least, "the restored backup has {others} views, {least} at least are right");
    Ok(planted)
}

fn path_text(path: &Path) -> Result<&str> {
    path.to_str().context("the folder's name is not UTF-8")
}

/// Every person looks at something; the planted ones also say who they are.
fn fill(cli: &Cli, server: &Server, key: &str) -> Result<Outcome> {
    let plan = Plan {
        address: server.address,
        rate: 0.0,
        connections: 4,
        duration: Duration::from_secs(24 * 3_600),
        requests_max: cli.subjects.div_ceil(FILL_BATCH),
    };
    let outcome = run(plan, ("/v1/batch", Some(key)), |number, body| {
        let users = number * FILL_BATCH..((number + 1) * FILL_BATCH).min(cli.subjects);
        let _ = body.write_all(b"{\"batch\":[");
        for (idx, user) in users.enumerate() {
            let comma = if idx == 0 { "" } else { "," };
            let _ = write!(body, "{comma}{}", view(user, "fill"));
            if cli.is_canary(user) {
                let _ = write!(body, ",{},{}", identify(user), order(user));
            } else if user.is_multiple_of(ORDERS_EVERY) {
                let _ = write!(body, ",{}", order(user));
            }
        }
        let _ = body.write_all(b"]}");
    });
    ensure!(outcome.failed == 0, "filling failed: {:?}", outcome.first_failure);
    Ok(outcome)
}

fn view(user: u64, run: &str) -> String {
    let product = user.wrapping_mul(0x9e37_79b9) % 5_000;
    format!(
        "{{\"type\":\"track\",\"userId\":\"u{user}\",\"messageId\":\"{run}-{user}\",\
         \"event\":\"Product Viewed\",\"properties\":{{\"product_id\":\"p{product}\"}}}}"
    )
}

fn identify(user: u64) -> String {
    format!(
        "{{\"type\":\"identify\",\"userId\":\"u{user}\",\"messageId\":\"who-{user}\",\
         \"traits\":{{\"email\":\"planted-{user}@mail.example\"}}}}"
    )
}

fn order(user: u64) -> String {
    let product = user.wrapping_mul(0x9e37_79b9) % 5_000;
    format!(
        "{{\"type\":\"track\",\"userId\":\"u{user}\",\"messageId\":\"order-{user}\",\
         \"event\":\"Order Completed\",\"properties\":{{\"order_id\":\"o{user}\",\
         \"currency\":\"USD\",\"products\":[{{\"product_id\":\"p{product}\",\"quantity\":1,\
         \"price\":3.5}}]}}}}"
    )
}

struct Erased {
    request_id: String,
    ms: f64,
}

/// What the erasures came to.
#[derive(Default)]
struct Erasing {
    /// From the request to its answer, in milliseconds: keys destroyed, views exact.
    ms: Vec<f64>,
    /// The same by the server's own times, in seconds.
    views_s: Vec<f64>,
    /// From the request until no older snapshot is left, in seconds.
    complete_s: Vec<f64>,
    receipts: Vec<Value>,
    load: Outcome,
}

/// Erases one after the other while events of others come in, until all are complete.
fn erase_under_load(
    cli: &Cli,
    server: &Server,
    (ingest, privacy): (&str, &str),
) -> Result<Erasing> {
    let is_over = AtomicU64::new(0);
    thread::scope(|scope| {
        let load = scope.spawn(|| {
            let plan = Plan {
                address: server.address,
                rate: cli.rate as f64 / LOAD_BATCH as f64,
                connections: 8,
                duration: Duration::from_secs(10),
                requests_max: u64::MAX,
            };
            let mut whole = Outcome::default();
            let mut round = 0;
            while is_over.load(Ordering::Relaxed) == 0 {
                let one = run(plan, ("/v1/batch", Some(ingest)), |number, body| {
                    load_batch(cli, (round, number), body);
                });
                whole.answered += one.answered;
                whole.failed += one.failed;
                whole.elapsed += one.elapsed;
                round += 1;
            }
            whole
        });
        let erased = erase_all(cli, server, privacy);
        let erasing = erased.and_then(|erased| wait_complete(server, privacy, &erased));
        is_over.store(1, Ordering::Relaxed);
        let load = load.join().map_err(|_| anyhow::anyhow!("the load ended by a panic"))?;
        Ok(Erasing { load, ..erasing? })
    })
}

fn load_batch(cli: &Cli, (round, number): (u64, u64), body: &mut Vec<u8>) {
    let _ = body.write_all(b"{\"batch\":[");
    for idx in 0..LOAD_BATCH {
        let event = (round << 32) + number * LOAD_BATCH + idx;
        let mut user = event.wrapping_mul(0x9e37_79b9_7f4a_7c15) % cli.subjects;
        if cli.is_canary(user) {
            user += 1;
        }
        let comma = if idx == 0 { "" } else { "," };
        let _ = write!(body, "{comma}{}", view(user, &format!("load-{event}")));
    }
    let _ = body.write_all(b"]}");
}

fn erase_all(cli: &Cli, server: &Server, key: &str) -> Result<Vec<Erased>> {
    let mut connection = Connection::new(server.address);
    let mut erased = Vec::new();
    for user in cli.canaries() {
        let path = format!("/v1/subjects/u{user}/erasure");
        let request = Request { method: "POST", path: &path, key: Some(key), body: b"{}" };
        let since = Instant::now();
        let answer = connection.send(request)?;
        let ms = since.elapsed().as_secs_f64() * 1e3;
        let said = String::from_utf8_lossy(&answer.body).into_owned();
        ensure!(answer.status == 202, "{}: {said}", answer.status);
        let request_id = answer.json()?["request_id"].as_str().context("no id")?.to_owned();
        erased.push(Erased { request_id, ms });
        thread::sleep(Duration::from_millis(50));
    }
    Ok(erased)
}

/// Waits until every erasure is complete, and collects what their receipts say.
fn wait_complete(server: &Server, key: &str, erased: &[Erased]) -> Result<Erasing> {
    let mut connection = Connection::new(server.address);
    let since = Instant::now();
    let mut erasing = Erasing::default();
    for one in erased {
        let path = format!("/v1/privacy/requests/{}", one.request_id);
        loop {
            let request = Request { method: "GET", path: &path, key: Some(key), body: b"" };
            let found = connection.send(request)?.json()?;
            if found["state"] == "complete" {
                let statement = found["receipt"]["statement"].as_str().context("no receipt")?;
                let said: Value = serde_json::from_str(statement)?;
                let seconds = |until: &str| seconds_between(&said["received_at"], &said[until]);
                erasing.ms.push(one.ms);
                erasing.views_s.push(seconds("keys_destroyed_and_views_exact_at")?);
                erasing.complete_s.push(seconds("older_snapshots_destroyed_at")?);
                erasing.receipts.push(found["receipt"].clone());
                break;
            }
            if since.elapsed() > COMPLETE_MAX {
                bail!("not complete after {COMPLETE_MAX:?}: {found}");
            }
            thread::sleep(Duration::from_millis(100));
        }
    }
    Ok(erasing)
}

fn seconds_between(from: &Value, to: &Value) -> Result<f64> {
    let time = |value: &Value| -> Result<i64> {
        let text = value.as_str().context("no time")?;
        Ok(souk_core::Timestamp::parse(text)?.as_ms())
    };
    Ok((time(to)? - time(from)?) as f64 / 1e3)
}

/// Planted texts that the program can read.
fn count_planted(shop: &Shop, out: &Path) -> Result<u64> {
    shop.export("events", out)?;
    let found = count_in_file(out, PLANTED)?;
    std::fs::remove_file(out)?;
    Ok(found)
}

fn spread(mut values: Vec<f64>) -> Value {
    values.sort_by(f64::total_cmp);
    let at = |share: f64| {
        let last = values.len().saturating_sub(1);
        values.get((last as f64 * share).round() as usize).copied()
    };
    json!({"p50": at(0.5), "p99": at(0.99), "max": at(1.0)})
}
