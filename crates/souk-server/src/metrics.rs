use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use parking_lot::RwLock;
use rustc_hash::FxHashMap;

/// Upper edges of the latency histogram in microseconds; chosen: dense around the 5 ms promise.
const EDGES_US: [u64; 16] = [
    100, 250, 500, 1_000, 1_500, 2_000, 3_000, 5_000, 7_500, 10_000, 25_000, 50_000, 100_000,
    250_000, 1_000_000, 10_000_000,
];
/// Every status that the server answers; anything else is counted as `other`.
const STATUSES: [u16; 18] =
    [200, 201, 204, 304, 400, 401, 403, 404, 405, 408, 409, 413, 415, 422, 429, 500, 503, 507];

/// Counts of one route and method.
#[derive(Debug, Default)]
struct RouteStats {
    statuses: [AtomicU64; STATUSES.len() + 1],
    buckets: [AtomicU64; EDGES_US.len() + 1],
    sum_us: AtomicU64,
}

/// A route's method and pattern.
type RouteName = (&'static str, Arc<str>);

/// What the door itself counts; the application's own figures join them when they are shown.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    routes: RwLock<FxHashMap<RouteName, Arc<RouteStats>>>,
    connections: AtomicU64,
}

impl Metrics {
    /// Counts one answered request; `route` is the pattern, never the path with its ids.
    pub(crate) fn answered(&self, key: (&'static str, &str), status: u16, took: Duration) {
        let stats = self.route(key);
        let status_idx = STATUSES.iter().position(|known| *known == status);
        stats.statuses[status_idx.unwrap_or(STATUSES.len())].fetch_add(1, Relaxed);
        let us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        stats.buckets[EDGES_US.partition_point(|edge| *edge < us)].fetch_add(1, Relaxed);
        stats.sum_us.fetch_add(us, Relaxed);
    }

    fn route(&self, (method, route): (&'static str, &str)) -> Arc<RouteStats> {
        // A borrowed key would need a lookup trait; a linear scan over some twenty routes does not.
        let found = self.routes.read().iter().find_map(|((known_method, known_route), stats)| {
            (*known_method == method && &**known_route == route).then(|| Arc::clone(stats))
        });
        found.unwrap_or_else(|| {
            Arc::clone(self.routes.write().entry((method, route.into())).or_default())
        })
    }

    pub(crate) fn connected(&self) {
        self.connections.fetch_add(1, Relaxed);
    }

    pub(crate) fn disconnected(&self) {
        self.connections.fetch_sub(1, Relaxed);
    }

    /// The text format of Prometheus, version 0.0.4.
    pub(crate) fn render(&self, out: &mut Page) {
        out.gauge("souk_connections", "Open connections.", self.connections.load(Relaxed));
        let mut routes: Vec<_> = self
            .routes
            .read()
            .iter()
            .map(|((method, route), stats)| (*method, Arc::clone(route), Arc::clone(stats)))
            .collect();
        routes.sort_by(|a, b| (&a.1, a.0).cmp(&(&b.1, b.0)));
        out.head("souk_http_requests_total", "counter", "Requests by route, method and status.");
        for (method, route, stats) in &routes {
            for (status_idx, count) in stats.statuses.iter().enumerate() {
                let count = count.load(Relaxed);
                let status = STATUSES.get(status_idx).map_or("other".to_owned(), u16::to_string);
                if count > 0 {
                    let labels =
                        format!("route=\"{route}\",method=\"{method}\",status=\"{status}\"");
                    out.sample("souk_http_requests_total", &labels, count);
                }
            }
        }
        out.head("souk_http_request_seconds", "histogram", "Time from head to answer.");
        for (method, route, stats) in &routes {
            stats.render(&format!("route=\"{route}\",method=\"{method}\""), out);
        }
    }
}

impl RouteStats {
    fn render(&self, labels: &str, out: &mut Page) {
        let mut sum = 0;
        for (bucket_idx, count) in self.buckets.iter().enumerate() {
            sum += count.load(Relaxed);
            let edge = match EDGES_US.get(bucket_idx) {
                Some(us) => format!("{}", *us as f64 / 1e6),
                None => "+Inf".to_owned(),
            };
            let labels = format!("{labels},le=\"{edge}\"");
            out.sample("souk_http_request_seconds_bucket", &labels, sum);
        }
        let seconds = self.sum_us.load(Relaxed) as f64 / 1e6;
        out.sample("souk_http_request_seconds_sum", labels, seconds);
        out.sample("souk_http_request_seconds_count", labels, sum);
    }
}

/// A page of metrics in the making.
#[derive(Debug, Default)]
pub(crate) struct Page {
    text: String,
}

impl Page {
    pub(crate) fn head(&mut self, name: &str, kind: &str, help: &str) {
        let _ = writeln!(self.text, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    pub(crate) fn sample(&mut self, name: &str, labels: &str, value: impl std::fmt::Display) {
        let _ = match labels {
            "" => writeln!(self.text, "{name} {value}"),
            _ => writeln!(self.text, "{name}{{{labels}}} {value}"),
        };
    }

    pub(crate) fn gauge(&mut self, name: &str, help: &str, value: impl std::fmt::Display) {
        self.head(name, "gauge", help);
        self.sample(name, "", value);
    }

    pub(crate) fn counter(&mut self, name: &str, help: &str, value: impl std::fmt::Display) {
        self.head(name, "counter", help);
        self.sample(name, "", value);
    }

    pub(crate) fn into_text(self) -> String {
        self.text
    }
}

/// Resident memory of the process in bytes; `None` where there is no `/proc`.
pub(crate) fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1_024)
}
