//! Measures erasure: planted people among many, erased while events come in, then looked for everywhere.
#![allow(clippy::print_stdout, reason = "a measuring tool prints its figures")]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use clap::Parser;
use serde_json::{Value, json};
use souk_sim::http::{Connection, Request};
use souk_sim::load::{Outcome, Plan, run};
use souk_sim::server::{Server, Shop};

/// Events in a batch while the shop is filled.
const FILL_BATCH: u64 = 500;
/// Events in a batch of the load beside the erasures.
const LOAD_BATCH: u64 = 100;
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
    // Where nothing may be used before a yes, nothing of the planted people could be exported.
    let config = cli.folder.join("souk.yaml");
    std::fs::write(&config, "privacy: {default_jurisdiction: us}\n")?;
    let shop = Shop::new(std::path::absolute(&cli.program)?, cli.folder.join("data"))
        .with_config(std::path::absolute(config)?);
    let (ingest, privacy) = (shop.create_key("ingest_server")?, shop.create_key("privacy")?);
    let server = shop.serve().context("the server does not start")?;
    let filled = fill(&cli, &server, &ingest)?;
    let planted = count_planted(&shop, &cli.folder.join("before.jsonl"))?;
    ensure!(planted >= cli.erasures, "only {planted} planted texts are found before the erasures");
    shop.run(&["backup", "--to", path_text(&cli.folder.join("backup"))?])?;
    let (erased, load) = erase_under_load(&cli, &server, (&ingest, &privacy))?;
    let complete = wait_complete(&server, &privacy, &erased)?;
    let left = count_planted(&shop, &cli.folder.join("after.jsonl"))?;
    ensure!(left == 0, "{left} planted texts can still be read");
    let doctor = shop.run(&["doctor", "--deep"])?;
    ensure!(doctor.contains("equal to a fold of the whole log"), "views differ:\n{doctor}");
    server.stop()?;
    let bare = count_bare(&cli.folder)?;
    ensure!(bare == 0, "{bare} files hold planted texts bare");
    println!(
        "{:#}",
        json!({
            "subjects": cli.subjects,
            "filled_events_per_s": filled.rate() * FILL_BATCH as f64,
            "erasures": erased.len(),
            "keys_and_views_ms": spread(erased.iter().map(|one| one.ms).collect()),
            "complete_s": spread(complete),
            "events_beside_per_s": load.rate() * LOAD_BATCH as f64,
            "events_beside_failed": load.failed,
            "planted_texts_before": planted,
            "planted_texts_after": left,
            "files_with_bare_texts": bare,
        })
    );
    Ok(())
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
                let _ = write!(body, ",{}", identify(user));
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

struct Erased {
    request_id: String,
    ms: f64,
}

/// Erases one after the other while events of others come in.
fn erase_under_load(
    cli: &Cli,
    server: &Server,
    (ingest, privacy): (&str, &str),
) -> Result<(Vec<Erased>, Outcome)> {
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
        is_over.store(1, Ordering::Relaxed);
        let load = load.join().map_err(|_| anyhow::anyhow!("the load ended by a panic"))?;
        Ok((erased?, load))
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

/// How long each erasure took to be complete, in seconds by the server's own times.
fn wait_complete(server: &Server, key: &str, erased: &[Erased]) -> Result<Vec<f64>> {
    let mut connection = Connection::new(server.address);
    let since = Instant::now();
    let mut times = Vec::new();
    for one in erased {
        let path = format!("/v1/privacy/requests/{}", one.request_id);
        loop {
            let request = Request { method: "GET", path: &path, key: Some(key), body: b"" };
            let found = connection.send(request)?.json()?;
            if found["state"] == "complete" {
                ensure!(found["receipt"]["signature"].is_string(), "no receipt: {found}");
                times.push(seconds_between(&found["received_at"], &found["complete_at"])?);
                break;
            }
            if since.elapsed() > COMPLETE_MAX {
                bail!("not complete after {COMPLETE_MAX:?}: {found}");
            }
            thread::sleep(Duration::from_millis(100));
        }
    }
    Ok(times)
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
    let text = std::fs::read(out)?;
    std::fs::remove_file(out)?;
    Ok(count(&text))
}

fn count(bytes: &[u8]) -> u64 {
    bytes.windows(8).filter(|window| window == b"planted-").count() as u64
}

/// Files in which a planted text stands for anyone to read.
fn count_bare(folder: &Path) -> Result<u64> {
    let mut found = 0;
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            found += count_bare(&path)?;
        } else if path.is_file() {
            found += u64::from(count(&std::fs::read(&path)?) > 0);
        }
    }
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
