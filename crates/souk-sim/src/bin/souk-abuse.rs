//! What others wait for while a server is abused: latencies without and with each kind of abuse.
//!
//! The abusers are a process of their own with the lowest priority: elsewhere they would have processors
//! of their own, and only what they cost the server is to be seen.
#![allow(clippy::print_stdout, reason = "the figures are its output")]

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::{Parser, ValueEnum};
use souk_sim::abuse::{Crowd, Framing, Habit, peak_memory_kb, send_large};
use souk_sim::http::{Connection, Request};
use souk_sim::server::Shop;

/// Measures what clients wait for while others abuse the server.
#[derive(Debug, Parser)]
struct Args {
    /// The souk program.
    #[arg(long, default_value = "target/release/souk")]
    program: PathBuf,
    /// A folder that does not exist yet.
    #[arg(long)]
    folder: PathBuf,
    /// Connections of a crowd; fewer where the limit of open files forbids.
    #[arg(long, default_value_t = 10_000)]
    connections: usize,
    /// Requests of each measurement.
    #[arg(long, default_value_t = 4_000)]
    requests: usize,
    /// Abuse this address until the standard input ends, and measure nothing.
    #[arg(long, requires = "address", hide = true)]
    abuse: Option<Abuse>,
    /// Whom to abuse.
    #[arg(long, hide = true)]
    address: Option<SocketAddr>,
}

/// What abusers do.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Abuse {
    Idle,
    SlowHead,
    SlowBody,
    Announced,
    Chunked,
}

impl Abuse {
    const ALL: [Abuse; 5] =
        [Abuse::Idle, Abuse::SlowHead, Abuse::SlowBody, Abuse::Announced, Abuse::Chunked];

    fn title(self, count: usize) -> String {
        match self {
            Abuse::Idle => format!("{count} idle connections"),
            Abuse::SlowHead => format!("{count} slow heads"),
            Abuse::SlowBody => format!("{count} slow bodies"),
            Abuse::Announced => format!("{SENDERS} x 100 MB bodies, announced"),
            Abuse::Chunked => format!("{SENDERS} x 100 MB bodies, chunked"),
        }
    }

    /// Abuses the server until the standard input ends; says a line once it has begun.
    fn commit(self, address: SocketAddr, count: usize) -> Result<()> {
        let stop = AtomicBool::new(false);
        let gather = |habit| Crowd::gather(address, habit, count).map(Some);
        let (crowd, framing) = match self {
            Abuse::Idle => (gather(Habit::Idle)?, None),
            Abuse::SlowHead => (gather(Habit::SlowHead)?, None),
            Abuse::SlowBody => (gather(Habit::SlowBody)?, None),
            Abuse::Announced => (None, Some(Framing::Announced)),
            Abuse::Chunked => (None, Some(Framing::Chunked)),
        };
        std::thread::scope(|scope| {
            for framing in std::iter::repeat_n(framing, SENDERS).flatten() {
                let stop = &stop;
                scope.spawn(move || {
                    while !stop.load(Relaxed) {
                        let _ = send_large(address, ("/v1/products", "none"), (100 << 20, framing));
                    }
                });
            }
            println!("begun");
            let ended = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
            stop.store(true, Relaxed);
            drop(crowd);
            ended.map(drop)
        })?;
        Ok(())
    }
}

/// Who send large bodies, one after the other.
const SENDERS: usize = 8;

/// A process that abuses a server; dropping it ends it.
struct Abusers(Child);

impl Abusers {
    fn start(address: SocketAddr, (abuse, count): (Abuse, usize)) -> Result<Abusers> {
        let name = abuse.to_possible_value().context("every abuse has a name")?;
        let mut child = Command::new("nice")
            .args(["-n", "19"])
            .arg(std::env::current_exe()?)
            .args(["--folder", "none", "--address", &address.to_string()])
            .args(["--abuse", name.get_name(), "--connections", &count.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        let said = child.stdout.take().context("the abusers have no output")?;
        let read = BufReader::new(said).read_line(&mut line);
        let abusers = Abusers(child);
        ensure!(read? > 0, "the abusers ended before they began");
        Ok(abusers)
    }
}

impl Drop for Abusers {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

/// Seconds of the 50th and 99th of a hundred requests.
struct Latency {
    p50: Duration,
    p99: Duration,
}

fn main() -> Result<()> {
    let args = Args::parse();
    if let (Some(abuse), Some(address)) = (args.abuse, args.address) {
        rlimit::increase_nofile_limit(u64::MAX).context("the limit of open files")?;
        return abuse.commit(address, args.connections);
    }
    ensure!(!args.folder.exists(), "{} exists; name a new folder", args.folder.display());
    let files = rlimit::increase_nofile_limit(u64::MAX).context("the limit of open files")?;
    let count = args.connections.min(usize::try_from(files.saturating_sub(500))?);
    std::fs::create_dir_all(&args.folder)?;
    let config = args.folder.join("souk.yaml");
    std::fs::write(&config, "privacy: {default_jurisdiction: us}\n")?;
    let shop = Shop::new(&args.program, args.folder.join("data")).with_config(config);
    let key = shop.create_key("admin")?;
    let server = shop.serve()?;
    let asked = (server.address, key.as_str());
    measure(asked, args.requests)?;
    println!("{:<34} {:>9} {:>9} {:>8} {:>8}", "abuse", "p50 ms", "p99 ms", "x p50", "x p99");
    let normal = measure(asked, args.requests)?;
    tell("none", &normal, &normal);
    for abuse in Abuse::ALL {
        let abusers = Abusers::start(server.address, (abuse, count))?;
        tell(&abuse.title(count), &measure(asked, args.requests)?, &normal);
        drop(abusers);
    }
    let again = measure(asked, args.requests)?;
    tell("none, afterwards", &again, &normal);
    println!("peak memory of the server: {} MB", peak_memory_kb(server.pid())? >> 10);
    server.stop()?;
    Ok(())
}

/// A client that opens a connection for every tenth request, as others do who come anew.
fn measure((address, key): (SocketAddr, &str), requests: usize) -> Result<Latency> {
    let ask = Request {
        method: "POST",
        path: "/v1/recommendations",
        key: Some(key),
        body: b"{\"user_id\":\"u\",\"limit\":10}",
    };
    let mut connection = Connection::new(address);
    let mut took = Vec::with_capacity(requests);
    for number in 0..requests {
        if number % 10 == 0 {
            connection = Connection::new(address);
        }
        let start = Instant::now();
        let answer = connection.send(ask).with_context(|| format!("request {number}"))?;
        took.push(start.elapsed());
        ensure!(answer.status == 200, "request {number}: {}", answer.head);
    }
    took.sort_unstable();
    let at = |share: usize| took[(took.len() * share / 100).min(took.len() - 1)];
    Ok(Latency { p50: at(50), p99: at(99) })
}

fn tell(name: &str, under: &Latency, normal: &Latency) {
    let ms = |time: Duration| time.as_secs_f64() * 1e3;
    let times = |time: Duration, normal: Duration| time.as_secs_f64() / normal.as_secs_f64();
    println!(
        "{name:<34} {:>9.3} {:>9.3} {:>8.2} {:>8.2}",
        ms(under.p50),
        ms(under.p99),
        times(under.p50, normal.p50),
        times(under.p99, normal.p99)
    );
}
