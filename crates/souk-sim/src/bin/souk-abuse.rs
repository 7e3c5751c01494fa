//! What others wait for while a server is abused: latencies without and with each kind of abuse.
#![allow(clippy::print_stdout, reason = "the figures are its output")]

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::Parser;
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
}

/// Seconds of the 50th and 99th of a hundred requests.
struct Latency {
    p50: Duration,
    p99: Duration,
}

fn main() -> Result<()> {
    let args = Args::parse();
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
    for (name, habit) in [
        ("idle connections", Habit::Idle),
        ("slow heads", Habit::SlowHead),
        ("slow bodies", Habit::SlowBody),
    ] {
        let _crowd = Crowd::gather(server.address, habit, count)?;
        tell(&format!("{count} {name}"), &measure(asked, args.requests)?, &normal);
    }
    for (name, framing) in [("announced", Framing::Announced), ("chunked", Framing::Chunked)] {
        let stop = AtomicBool::new(false);
        let under = std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    while !stop.load(Relaxed) {
                        let _ = send_large(asked.0, ("/v1/products", "none"), (100 << 20, framing));
                    }
                });
            }
            let under = measure(asked, args.requests);
            stop.store(true, Relaxed);
            under
        })?;
        tell(&format!("8 x 100 MB bodies, {name}"), &under, &normal);
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
