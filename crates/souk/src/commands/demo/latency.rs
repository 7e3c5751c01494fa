//! How fast the demo answers, in this process and over HTTP.

use std::net::SocketAddr;
use std::time::Instant;

use anyhow::{Result, bail};
use serde_json::{Value, json};
use souk_app::{RecommendRequest, Strategy};
use souk_ports::EventLog;
use souk_recommend::evaluate::metrics::percentile;
use souk_sim::http::{Connection, Request};

use super::super::recommend::json_of;
use super::caller;
use crate::job::Shop;

/// Questions asked each way; chosen: enough for a 99th percentile, over in seconds.
const N_ASKED: usize = 2_000;
/// Asked before the clock runs, so that caches are warm.
const N_WARM: usize = 200;

/// Asks for recommendations and times the answers.
pub(super) async fn measure(
    shop: &Shop,
    (address, key): (SocketAddr, &str),
    report: &Value,
) -> Result<Value> {
    let shoppers = texts(&report["shoppers"]);
    let asked = texts(&report["asked"]);
    if shoppers.is_empty() {
        bail!("the sample has no shopper with enough orders to show");
    }
    let mut answers = Vec::new();
    for id in &shoppers {
        let answer = shop.app.recommend(&request(id, 5), &caller()).await?;
        answers.push(json!({"user_id": id, "answer": json_of(&answer)}));
    }
    let (first, further) = in_process(shop, &asked).await?;
    let key = key.to_owned();
    let all = asked.clone();
    let over_http = tokio::task::spawn_blocking(move || over_http(address, &key, &all)).await??;
    // A start without appends has nothing to tell of the disk; the loading had.
    let status = shop.embedded.log.status().await?;
    let sync = match status.commits {
        0 => {
            json!({"p50": report["loaded"]["sync_us_p50"], "p99": report["loaded"]["sync_us_p99"]})
        }
        _ => json!({"p50": status.sync_us_p50, "p99": status.sync_us_p99}),
    };
    Ok(json!({
        "answers": answers,
        "first_us": first,
        "in_process_us": further,
        "over_http_us": over_http,
        "shoppers": asked.len(),
        "asked": N_ASKED,
        "sync_us": sync,
        "memory_mb": memory_mb(),
    }))
}

fn texts(list: &Value) -> Vec<String> {
    list.as_array().into_iter().flatten().filter_map(|id| id.as_str().map(str::to_owned)).collect()
}

fn request(user: &str, limit: usize) -> RecommendRequest {
    RecommendRequest {
        user_id: Some(user.to_owned()),
        placement: Some("home".to_owned()),
        ..RecommendRequest::new(Strategy::Auto, limit)
    }
}

/// Times each shopper's first answer, which has to look for similar shoppers, apart from further
/// ones, which know them.
async fn in_process(shop: &Shop, shoppers: &[String]) -> Result<(Value, Value)> {
    let mut first = Vec::with_capacity(shoppers.len());
    let mut further = Vec::with_capacity(N_ASKED);
    for idx in 0..shoppers.len() + N_ASKED {
        let request = request(&shoppers[idx % shoppers.len()], 10);
        let start = Instant::now();
        shop.app.recommend(&request, &caller()).await?;
        let times = if idx < shoppers.len() { &mut first } else { &mut further };
        times.push(microseconds(start));
    }
    Ok((percentiles(&first), percentiles(&further)))
}

fn over_http(address: SocketAddr, key: &str, shoppers: &[String]) -> Result<Value> {
    let mut connection = Connection::new(address);
    let mut times = Vec::with_capacity(N_ASKED);
    for idx in 0..N_WARM + N_ASKED {
        let user = &shoppers[idx % shoppers.len()];
        let body = json!({"user_id": user, "placement": "home", "limit": 10}).to_string();
        let request = Request {
            method: "POST",
            path: "/v1/recommendations",
            key: Some(key),
            body: body.as_bytes(),
        };
        let start = Instant::now();
        let answer = connection.send(request)?;
        let taken = microseconds(start);
        if answer.status != 200 {
            bail!("the server answered {} to {body}", answer.status);
        }
        if idx >= N_WARM {
            times.push(taken);
        }
    }
    Ok(percentiles(&times))
}

fn microseconds(start: Instant) -> u64 {
    u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX)
}

fn percentiles(times: &[u64]) -> Value {
    let at = |percent: f64| percentile(times, percent);
    json!({"p50": at(50.0), "p90": at(90.0), "p99": at(99.0)})
}

/// The memory that is resident now, where the system tells.
fn memory_mb() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    let kib: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib / 1_024)
}
