use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderValue, header};
use axum::response::{Html, IntoResponse, Response};
use souk_app::{App, AppError, Caller, FeedOutcome, Operation, Readiness};

use crate::auth::Login;
use crate::dto::common::{Health, Version};
use crate::edge::{Edge, Peer};
use crate::metrics::{Page, resident_bytes};
use crate::problem::Answer;
use crate::routes::{json, json_text};

const DOCS: &str = include_str!("../docs.html");
/// The page needs nothing from anywhere else, and may not ask for it.
const DOCS_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

/// Whether the process runs.
#[utoipa::path(
    get,
    path = "/livez",
    tag = "Operation",
    summary = "Is it alive",
    responses((status = 200, description = "It runs.", body = Health)),
    security(())
)]
pub(crate) async fn live() -> Response {
    json(&Health { status: "ok" })
}

/// Whether requests are answered from a complete state: the snapshot is loaded and the tail folded.
#[utoipa::path(
    get,
    path = "/readyz",
    tag = "Operation",
    summary = "Is it ready",
    responses((status = 200, description = "It is.", body = Health)),
    security(())
)]
pub(crate) async fn ready(State(edge): State<Arc<Edge>>) -> Answer {
    match edge.app.readiness() {
        Readiness::Ready => Ok(json(&Health { status: "ready" })),
        Readiness::Starting { folded } => {
            let detail = format!("starting: {folded} records folded so far");
            Err(AppError::NotReady(detail).into())
        }
        Readiness::Failed(why) => Err(AppError::NotReady(why).into()),
    }
}

/// Name and version of the program.
#[utoipa::path(
    get,
    path = "/version",
    tag = "Operation",
    summary = "Which version it is",
    responses((status = 200, description = "Name and version.", body = Version)),
    security(())
)]
pub(crate) async fn version() -> Response {
    json(&Version { name: "souk", version: env!("CARGO_PKG_VERSION") })
}

/// Counts and times in the text format of Prometheus. From this machine it needs no key.
#[utoipa::path(
    get,
    path = "/metrics",
    tag = "Operation",
    summary = "Metrics for Prometheus",
    responses((status = 200, description = "One sample a line.", body = String,
        content_type = "text/plain")),
    security((), ("bearer" = []), ("basic" = []))
)]
pub(crate) async fn metrics(State(edge): State<Arc<Edge>>, request: Request) -> Answer {
    if !is_local(&request) {
        let login = request.extensions().get::<Login>().cloned().unwrap_or(Login::NoKey);
        edge.caller(login)?.check(Operation::ReadMetrics)?;
    }
    let mut page = Page::default();
    page.head("souk_build_info", "gauge", "Always 1; the label is the version.");
    page.sample("souk_build_info", concat!("version=\"", env!("CARGO_PKG_VERSION"), "\""), 1);
    let is_ready = u8::from(edge.app.readiness() == Readiness::Ready);
    page.gauge("souk_ready", "1 when requests are answered from a complete state.", is_ready);
    if let Some(bytes) = resident_bytes() {
        page.gauge("process_resident_memory_bytes", "Resident memory.", bytes);
    }
    page.gauge("souk_requests_in_work", "Requests in work, this one too.", edge.in_work());
    ingest_metrics(&edge, &mut page);
    log_metrics(&edge, &mut page).await;
    view_metrics(&edge, &mut page).await;
    webhook_metrics(&edge, &mut page).await;
    planning_metrics(&edge, &mut page);
    catalogue_feed_metrics(&edge, &mut page).await;
    edge.metrics.render(&mut page);
    let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    Ok(([(header::CONTENT_TYPE, kind)], page.into_text()).into_response())
}

fn ingest_metrics(edge: &Edge, page: &mut Page) {
    let counts = edge.app.ingest_counts();
    page.head("souk_ingest_events_total", "counter", "Events by what became of them.");
    let refused: u64 = counts.rejected.iter().map(|(_, count)| count).sum();
    let outcomes =
        [("accepted", counts.accepted), ("duplicate", counts.duplicates), ("rejected", refused)];
    for (outcome, count) in outcomes {
        page.sample("souk_ingest_events_total", &format!("outcome=\"{outcome}\""), count);
    }
    page.head("souk_ingest_rejected_total", "counter", "Refused events by reason.");
    for (reason, count) in &counts.rejected {
        page.sample("souk_ingest_rejected_total", &format!("reason=\"{reason}\""), count);
    }
    let name = "souk_ingest_unknown_keys_total";
    page.counter(name, "Top-level keys of events that mean nothing.", counts.unknown_keys);
    page.counter("souk_ingest_gpc_total", "Events that came with `Sec-GPC: 1`.", counts.gpc);
    let name = "souk_ingest_unlearned_total";
    page.head(name, "counter", "Events that are kept and not learned from, by sender.");
    page.sample(name, "sender=\"crawler\"", counts.crawlers);
    page.sample(name, "sender=\"staff\"", counts.staff);
    page.head("souk_impressions_total", "counter", "Answers by whether they were recorded.");
    let (recorded, dropped) = (counts.impressions_recorded, counts.impressions_dropped);
    page.sample("souk_impressions_total", "outcome=\"recorded\"", recorded);
    page.sample("souk_impressions_total", "outcome=\"dropped\"", dropped);
}

async fn log_metrics(edge: &Edge, page: &mut Page) {
    // A log that does not answer must not hide the figures that tell why.
    let Ok(log) = edge.app.log_status().await else { return };
    page.gauge("souk_log_records", "Records in the log, archived ones too.", log.records);
    page.gauge("souk_log_bytes", "Bytes of the log on disk, indexes included.", log.bytes);
    page.gauge("souk_log_archived_records", "Records in the archive.", log.archived_records);
    page.counter("souk_log_commits_total", "Durable commits since the start.", log.commits);
    page.head("souk_log_sync_seconds", "summary", "Time of a commit's sync, of the last thousand.");
    for (quantile, us) in [("0.5", log.sync_us_p50), ("0.99", log.sync_us_p99)] {
        let labels = format!("quantile=\"{quantile}\"");
        page.sample("souk_log_sync_seconds", &labels, us as f64 / 1e6);
    }
}

fn planning_metrics(edge: &Edge, page: &mut Page) {
    let name = "souk_forecasts_kept";
    page.gauge(name, "Products and places with a forecast at hand.", edge.app.kept_forecasts());
    page.head(
        "souk_feed_alarm",
        "gauge",
        "1 for each feed of a place that something is wrong with.",
    );
    let is_plain = |c: &char| !matches!(c, '"' | '\\' | '\n');
    let main = edge.app.config().main_site();
    for alarm in edge.app.feed_alarms() {
        // Names of places are the shop's own: what a label cannot hold is left out of it.
        let place: String = alarm.location.as_str().chars().filter(is_plain).collect();
        let mut labels =
            format!("feed=\"{}\",location=\"{place}\",kind=\"{}\"", alarm.feed, alarm.kind);
        // Two sites may share a place.
        if alarm.site != main {
            let site: String = alarm.site.as_str().chars().filter(is_plain).collect();
            labels.push_str(&format!(",site=\"{site}\""));
        }
        page.sample("souk_feed_alarm", &labels, 1);
    }
}

async fn catalogue_feed_metrics(edge: &Edge, page: &mut Page) {
    let Ok(states) = edge.app.feed_states(&Caller::local_admin()).await else { return };
    if states.is_empty() {
        return;
    }
    page.head(
        "souk_catalogue_feed_good",
        "gauge",
        "1 where the last run ended well or changed nothing.",
    );
    for state in &states {
        let is_good = state
            .last
            .as_ref()
            .is_some_and(|last| matches!(last.outcome, FeedOutcome::Done | FeedOutcome::Unchanged));
        let labels = format!("feed=\"{}\"", state.name);
        page.sample("souk_catalogue_feed_good", &labels, u8::from(is_good));
    }
    let name = "souk_catalogue_feed_good_timestamp_seconds";
    page.head(name, "gauge", "When a run last ended well or changed nothing; 0 for never.");
    for state in &states {
        let at = state.good_at.map_or(0, |at| at.as_ms() / 1_000);
        page.sample(name, &format!("feed=\"{}\"", state.name), at);
    }
    let name = "souk_catalogue_feed_products";
    page.head(name, "gauge", "Products in the file of the last run that read it.");
    for state in &states {
        if let Some(run) = state.last.as_ref().and_then(|last| last.run.as_ref()) {
            page.sample(name, &format!("feed=\"{}\"", state.name), run.products);
        }
    }
}

async fn webhook_metrics(edge: &Edge, page: &mut Page) {
    let Ok(states) = edge.app.webhook_states().await else { return };
    if states.is_empty() {
        return;
    }
    page.head("souk_webhooks", "gauge", "Messages that wait for a receiver, or were given up.");
    for state in &states {
        let counts =
            [("waiting", state.pending), ("dead", state.dead), ("unreadable", state.unreadable)];
        for (name, count) in counts {
            let labels = format!("endpoint=\"{}\",state=\"{name}\"", state.endpoint);
            page.sample("souk_webhooks", &labels, count);
        }
    }
    page.head("souk_webhook_attempts_total", "counter", "Attempts since the start by outcome.");
    for state in &states {
        for (name, count) in [("delivered", state.delivered), ("failed", state.failed)] {
            let labels = format!("endpoint=\"{}\",outcome=\"{name}\"", state.endpoint);
            page.sample("souk_webhook_attempts_total", &labels, count);
        }
    }
}

async fn view_metrics(edge: &Edge, page: &mut Page) {
    page.head("souk_noise_records_total", "counter", "Records of erased people passed over.");
    page.sample("souk_noise_records_total", "", edge.app.noise_records());
    if let Ok(lag) = edge.app.lag().await {
        // One ordered fold feeds all projections, so they are behind by the same.
        page.head("souk_projection_lag_records", "gauge", "Records not folded yet.");
        for name in App::PROJECTIONS {
            let labels = format!("projection=\"{name}\"");
            page.sample("souk_projection_lag_records", &labels, lag.records);
        }
        page.head("souk_projection_lag_seconds", "gauge", "Age of the newest folded record.");
        for name in App::PROJECTIONS {
            let labels = format!("projection=\"{name}\"");
            page.sample("souk_projection_lag_seconds", &labels, lag.ms as f64 / 1e3);
        }
    }
    let sizes = edge.app.view_sizes();
    page.gauge("souk_products", "Products in the catalogue.", sizes.products);
    // What so few people did is nobody's number.
    let people_min = edge.app.config().privacy.statistics.people_min;
    if !(1..people_min).contains(&(sizes.subjects as u64)) {
        page.gauge("souk_subjects", "Persons and browsers with a history.", sizes.subjects);
        page.gauge("souk_orders", "Customer orders.", sizes.orders);
    }
    page.head("souk_unlearned", "gauge", "What is kept and not learned from, by reason.");
    page.sample("souk_unlearned", "reason=\"flood\"", sizes.floods);
    page.sample("souk_unlearned", "reason=\"bulk_order\"", sizes.bulk_orders);
    if !(1..people_min).contains(&(sizes.staff as u64)) {
        page.sample("souk_unlearned", "reason=\"staff\"", sizes.staff);
    }
    page.head("souk_projection_bytes", "gauge", "Memory of each projection, estimated.");
    for (name, bytes) in &sizes.bytes_by_projection {
        page.sample("souk_projection_bytes", &format!("projection=\"{name}\""), bytes);
    }
}

/// Whether the request comes from this machine and not through a proxy that stands on it.
fn is_local(request: &Request) -> bool {
    let is_forwarded =
        ["forwarded", "x-forwarded-for"].iter().any(|name| request.headers().contains_key(*name));
    let peer = request.extensions().get::<Peer>();
    !is_forwarded && peer.is_some_and(|peer| peer.0.to_canonical().is_loopback())
}

/// This document.
#[utoipa::path(
    get,
    path = "/openapi.json",
    tag = "Operation",
    summary = "The OpenAPI document",
    responses((status = 200, description = "OpenAPI 3.1.", body = Object)),
    security(())
)]
pub(crate) async fn openapi(State(edge): State<Arc<Edge>>) -> Response {
    json_text(edge.openapi())
}

/// A page to read the OpenAPI document with; it needs nothing from the network but this server.
pub(crate) async fn docs() -> Response {
    ([(header::CONTENT_SECURITY_POLICY, DOCS_POLICY)], Html(DOCS)).into_response()
}
