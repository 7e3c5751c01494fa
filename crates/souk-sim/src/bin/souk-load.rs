//! Measures a running server: ingest, recommendations under load, and how fast facts show.
#![allow(clippy::print_stdout, reason = "a measuring tool prints its figures")]

use std::io::Write;
use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail};
use clap::{Args, Parser, Subcommand};
use souk_sim::Random;
use souk_sim::http::{Connection, Request};
use souk_sim::load::{Outcome, Plan, run};

/// Load for a running souk server. All requests go to loopback; every run ends by itself.
#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Batches of events as fast as they are acknowledged, with single events beside.
    Ingest(Ingest),
    /// Recommendations at a fixed rate, open loop, with events beside.
    Recommend(Recommend),
    /// Searches at a fixed rate, open loop, each for a known shopper and with facets.
    Search(Search),
    /// How long after its acknowledgement a fact shows in answers.
    Freshness(Freshness),
}

#[derive(Args, Clone)]
struct Target {
    /// The server's address.
    #[arg(long, default_value = "127.0.0.1:8080")]
    address: SocketAddr,
    /// Seconds.
    #[arg(long, default_value_t = 60)]
    duration: u64,
    /// Seed of everything random.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// User ids are numbers from 1 to this.
    #[arg(long, default_value_t = 2_500)]
    users: u64,
    /// A file with a product id a line; otherwise ids are p1, p2, ….
    #[arg(long)]
    products: Option<std::path::PathBuf>,
}

#[derive(Args)]
struct Ingest {
    #[command(flatten)]
    target: Target,
    /// A key with role `ingest_server`.
    #[arg(long)]
    key: String,
    /// Events in a batch.
    #[arg(long, default_value_t = 500)]
    batch: u64,
    /// Connections that send batches.
    #[arg(long, default_value_t = 4)]
    connections: usize,
    /// Batches a second; 0 is as fast as they are acknowledged.
    #[arg(long, default_value_t = 0.0)]
    rate: f64,
    /// Ends after this many events, if that comes first.
    #[arg(long)]
    events: Option<u64>,
    /// Single `track` calls a second beside the batches.
    #[arg(long, default_value_t = 50.0)]
    track_rate: f64,
}

#[derive(Args)]
struct Recommend {
    #[command(flatten)]
    target: Target,
    /// A key with role `storefront_server`.
    #[arg(long)]
    key: String,
    /// A key with role `ingest_server`, for the events beside.
    #[arg(long)]
    ingest_key: String,
    /// Requests a second.
    #[arg(long, default_value_t = 3_000.0)]
    rate: f64,
    /// Connections.
    #[arg(long, default_value_t = 24)]
    connections: usize,
    /// Events a second beside, in batches of 10.
    #[arg(long, default_value_t = 1_000.0)]
    events: f64,
    /// The filter of every request.
    #[arg(long, default_value = "price <= 20")]
    filter: String,
    /// The strategy of every request.
    #[arg(long, default_value = "auto")]
    strategy: String,
}

#[derive(Args)]
struct Search {
    #[command(flatten)]
    target: Target,
    /// A key with role `storefront_server`.
    #[arg(long)]
    key: String,
    /// A file with a query a line; each request draws one.
    #[arg(long)]
    queries: std::path::PathBuf,
    /// Requests a second.
    #[arg(long, default_value_t = 1_000.0)]
    rate: f64,
    /// Connections.
    #[arg(long, default_value_t = 24)]
    connections: usize,
    /// Fields to count in every answer, separated by commas.
    #[arg(long, default_value = "brand,categories,price,availability,size", value_delimiter = ',')]
    facets: Vec<String>,
}

#[derive(Args)]
struct Freshness {
    #[command(flatten)]
    target: Target,
    /// A key with role `admin`.
    #[arg(long)]
    key: String,
    /// How many facts to try.
    #[arg(long, default_value_t = 500)]
    rounds: u64,
}

struct Crowd {
    seed: u64,
    users: u64,
    products: Vec<String>,
    run: u64,
}

impl Crowd {
    fn of(target: &Target) -> Result<Crowd> {
        let products = match &target.products {
            Some(path) => std::fs::read_to_string(path)
                .with_context(|| path.display().to_string())?
                .lines()
                .map(str::to_owned)
                .collect(),
            None => (1..=20_000).map(|n| format!("p{n}")).collect(),
        };
        let run = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis() as u64;
        Ok(Crowd { seed: target.seed, users: target.users, products, run })
    }

    fn event(&self, number: u64, body: &mut Vec<u8>) {
        let mut random = Random::new(self.seed ^ number.wrapping_mul(0x9e37_79b9));
        let user = 1 + random.below(self.users);
        let product = &self.products[random.skewed(self.products.len() as u64) as usize];
        let _ = write!(
            body,
            concat!(
                r#"{{"type":"track","event":"Product Viewed","messageId":"load-{}-{}","userId":"{}","#,
                r#""properties":{{"product_id":"{}","price":{}.99,"currency":"USD","quantity":1,"position":3}},"#,
                r#""context":{{"channel":"web","library":{{"name":"souk-load","version":"1"}},"#,
                r#""userAgent":"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36","locale":"en-US"}}}}"#
            ),
            self.run,
            number,
            user,
            product,
            1 + random.below(30)
        );
    }

    fn batch(&self, first: u64, size: u64, body: &mut Vec<u8>) {
        body.extend_from_slice(br#"{"batch":["#);
        for number in first..first + size {
            if number > first {
                body.push(b',');
            }
            self.event(number, body);
        }
        body.extend_from_slice(b"]}");
    }
}

fn main() -> Result<()> {
    match Cli::parse().command {
        Command::Ingest(args) => ingest(&args),
        Command::Recommend(args) => recommend(&args),
        Command::Search(args) => search(&args),
        Command::Freshness(args) => freshness(&args),
    }
}

fn plan(target: &Target, rate: f64, connections: usize) -> Plan {
    let duration = Duration::from_secs(target.duration);
    Plan { address: target.address, rate, connections, duration, requests_max: u64::MAX }
}

fn ingest(args: &Ingest) -> Result<()> {
    let crowd = Crowd::of(&args.target)?;
    let key = Some(args.key.as_str());
    let (batches, singles) = thread::scope(|scope| {
        let singles = scope.spawn(|| {
            if args.track_rate <= 0.0 {
                return Outcome::default();
            }
            run(plan(&args.target, args.track_rate, 4), ("/v1/track", key), |number, body| {
                crowd.event((1 << 40) + number, body);
            })
        });
        let requests_max = args.events.map_or(u64::MAX, |events| events.div_ceil(args.batch));
        let plan = Plan { requests_max, ..plan(&args.target, args.rate, args.connections) };
        let batches = run(plan, ("/v1/batch", key), |number, body| {
            crowd.batch(number * args.batch, args.batch, body);
        });
        (batches, singles.join().expect("the load thread does not panic"))
    });
    println!("events/s {:.0}", batches.rate() * args.batch as f64);
    report("batch", &batches);
    report("track", &singles);
    fail_on(&[&batches, &singles])
}

fn recommend(args: &Recommend) -> Result<()> {
    let crowd = Crowd::of(&args.target)?;
    let (answers, events) = thread::scope(|scope| {
        let events = scope.spawn(|| {
            if args.events <= 0.0 {
                return Outcome::default();
            }
            let path = ("/v1/batch", Some(args.ingest_key.as_str()));
            run(plan(&args.target, args.events / 10.0, 4), path, |number, body| {
                crowd.batch(number * 10, 10, body);
            })
        });
        let path = ("/v1/recommendations", Some(args.key.as_str()));
        let answers = run(plan(&args.target, args.rate, args.connections), path, |number, body| {
            let mut random = Random::new(crowd.seed ^ !number);
            let _ = write!(
                body,
                r#"{{"user_id":"{}","placement":"home","strategy":"{}","limit":10,"filter":"{}"}}"#,
                1 + random.below(crowd.users),
                args.strategy,
                args.filter
            );
        });
        (answers, events.join().expect("the load thread does not panic"))
    });
    report("recommendations", &answers);
    report("event batches", &events);
    fail_on(&[&answers, &events])
}

fn search(args: &Search) -> Result<()> {
    let crowd = Crowd::of(&args.target)?;
    let queries = std::fs::read_to_string(&args.queries)
        .with_context(|| args.queries.display().to_string())?;
    let queries: Vec<&str> = queries.lines().filter(|query| !query.is_empty()).collect();
    if queries.is_empty() {
        bail!("{} has no query", args.queries.display());
    }
    let path = ("/v1/search", Some(args.key.as_str()));
    let answers = run(plan(&args.target, args.rate, args.connections), path, |number, body| {
        let mut random = Random::new(crowd.seed ^ !number);
        let asked = serde_json::json!({
            "user_id": (1 + random.below(crowd.users)).to_string(),
            "query": queries[random.below(queries.len() as u64) as usize],
            "facets": args.facets,
            "limit": 10,
        });
        let _ = write!(body, "{asked}");
    });
    report("searches", &answers);
    fail_on(&[&answers])
}

/// The same shopper's next answer after an event, and anybody's after a product changed.
fn freshness(args: &Freshness) -> Result<()> {
    let crowd = Crowd::of(&args.target)?;
    let mut connection = Connection::new(args.target.address);
    let mut post = |method: &str, path: &str, body: &str| -> Result<String> {
        let key = Some(args.key.as_str());
        let answer = connection.send(Request { method, path, key, body: body.as_bytes() })?;
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        if !(200..300).contains(&answer.status) {
            bail!("{method} {path}: {} {text}", answer.status);
        }
        Ok(text)
    };
    let mut own = Vec::new();
    let mut others = Vec::new();
    for round in 0..args.rounds {
        let product = &crowd.products[(round as usize * 37) % crowd.products.len()];
        let user = format!("fresh-{}-{round}", crowd.run);
        let put = |availability: &str| {
            format!(
                r#"{{"products":[{{"id":"{product}","title":"Fresh {product}","availability":"{availability}","price":{{"amount":199,"currency":"USD"}}}}]}}"#
            )
        };
        post("PUT", "/v1/products", &put("in_stock"))?;
        let event = format!(
            r#"{{"event":"Product Viewed","messageId":"{user}","userId":"{user}","properties":{{"product_id":"{product}"}}}}"#
        );
        post("POST", "/v1/track", &event)?;
        let ask = format!(r#"{{"user_id":"{user}","strategy":"recently_viewed","limit":5}}"#);
        let wanted = format!(r#""product_id":"{product}""#);
        own.push(until(|| Ok(post("POST", "/v1/recommendations", &ask)?.contains(&wanted)))?);
        post("PUT", "/v1/products", &put("out_of_stock"))?;
        others.push(until(|| Ok(!post("POST", "/v1/recommendations", &ask)?.contains(&wanted)))?);
    }
    for (name, times) in [("own next answer", &mut own), ("stock change", &mut others)] {
        times.sort_unstable();
        let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_micros();
        println!("{name}: n {} p50 {} us p99 {} us", times.len(), at(0.5), at(0.99));
    }
    Ok(())
}

/// Asks again until `holds`, and returns how long that took.
fn until(mut holds: impl FnMut() -> Result<bool>) -> Result<Duration> {
    let start = Instant::now();
    while !holds()? {
        if start.elapsed() > Duration::from_secs(10) {
            bail!("the fact did not show within 10 s");
        }
    }
    Ok(start.elapsed())
}

fn report(name: &str, outcome: &Outcome) {
    if outcome.answered + outcome.failed == 0 {
        return;
    }
    println!(
        "{name}: {:.0}/s answered {} failed {} p50 {:.2} ms p90 {:.2} ms p99 {:.2} ms p99.9 {:.2} ms",
        outcome.rate(),
        outcome.answered,
        outcome.failed,
        outcome.percentile_ms(0.5),
        outcome.percentile_ms(0.9),
        outcome.percentile_ms(0.99),
        outcome.percentile_ms(0.999)
    );
}

fn fail_on(outcomes: &[&Outcome]) -> Result<()> {
    match outcomes.iter().find_map(|outcome| outcome.first_failure.as_ref()) {
        Some(failure) => bail!("some requests failed, the first with: {failure}"),
        None => Ok(()),
    }
}
