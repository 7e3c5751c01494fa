//! Open-loop load: requests start when the schedule says so, however slow the answers are, and a
//! latency counts from the scheduled start (no coordinated omission).

use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::http::{Connection, Request};

/// How much to send.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Where to.
    pub address: SocketAddr,
    /// Requests a second; 0 sends the next when the last is answered.
    pub rate: f64,
    /// Connections, each with a thread: how many requests may be under way.
    pub connections: usize,
    /// How long.
    pub duration: Duration,
    /// How many requests at most.
    pub requests_max: u64,
}

/// What came of it.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Requests answered with 2xx.
    pub answered: u64,
    /// Requests answered otherwise or not at all.
    pub failed: u64,
    /// A sample of what failed.
    pub first_failure: Option<String>,
    /// Latency of each answered request in microseconds, sorted.
    pub latencies_us: Vec<u32>,
    /// How long it took.
    pub elapsed: Duration,
}

impl Outcome {
    /// The latency that `share` (0 to 1) of the answers stay within, in milliseconds.
    pub fn percentile_ms(&self, share: f64) -> f64 {
        let last = self.latencies_us.len().saturating_sub(1);
        let idx = ((last as f64) * share).round() as usize;
        self.latencies_us.get(idx).map_or(f64::NAN, |us| f64::from(*us) / 1_000.0)
    }

    /// Answers a second.
    pub fn rate(&self) -> f64 {
        self.answered as f64 / self.elapsed.as_secs_f64()
    }
}

/// Sends what `make` writes for each request number, and collects the latencies.
///
/// `make` gets the request's number and a cleared buffer for the body.
pub fn run<'a>(
    plan: Plan,
    (path, key): (&'a str, Option<&'a str>),
    make: impl Fn(u64, &mut Vec<u8>) + Sync,
) -> Outcome {
    let next = AtomicU64::new(0);
    let merged = Mutex::new(Outcome::default());
    let start = Instant::now();
    thread::scope(|scope| {
        for _ in 0..plan.connections {
            scope.spawn(|| {
                let mut own = Outcome::default();
                let mut connection = Connection::new(plan.address);
                let mut body = Vec::new();
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= plan.requests_max {
                        break;
                    }
                    body.clear();
                    make(number, &mut body);
                    let Some(due) = wait_for_turn(plan, start, number) else { break };
                    let request = Request { method: "POST", path, key, body: &body };
                    match connection.send(request) {
                        Ok(answer) if (200..300).contains(&answer.status) => {
                            own.answered += 1;
                            own.latencies_us.push(due.elapsed().as_micros() as u32);
                        }
                        Ok(answer) => own.fail(format!(
                            "{} {}",
                            answer.status,
                            String::from_utf8_lossy(&answer.body)
                        )),
                        Err(error) => own.fail(error.to_string()),
                    }
                }
                merged.lock().expect("no thread panics").merge(own);
            });
        }
    });
    let mut outcome = merged.into_inner().expect("no thread panics");
    outcome.elapsed = start.elapsed();
    outcome.latencies_us.sort_unstable();
    outcome
}

/// Sleeps until request `number` is due, and returns that moment; `None` when the run is over.
fn wait_for_turn(plan: Plan, start: Instant, number: u64) -> Option<Instant> {
    if plan.rate <= 0.0 {
        return (start.elapsed() < plan.duration).then(Instant::now);
    }
    let due = start + Duration::from_secs_f64(number as f64 / plan.rate);
    if due >= start + plan.duration {
        return None;
    }
    let now = Instant::now();
    if due > now {
        thread::sleep(due - now);
    }
    Some(due)
}

impl Outcome {
    fn fail(&mut self, what: String) {
        self.failed += 1;
        self.first_failure.get_or_insert(what);
    }

    fn merge(&mut self, other: Outcome) {
        self.answered += other.answered;
        self.failed += other.failed;
        self.first_failure = self.first_failure.take().or(other.first_failure);
        self.latencies_us.extend(other.latencies_us);
    }
}
