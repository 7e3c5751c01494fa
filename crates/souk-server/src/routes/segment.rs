use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::Response;
use axum::routing::{get, post};
use serde_json::json;
use souk_app::{Caller, IngestCall, IngestRequest, Operation, RejectReason, write_key_of};

use crate::auth::{self, Login};
use crate::dto::events::EventsAnswer;
use crate::edge::{Edge, Peer, route_of};
use crate::problem::{Answer, Problem};
use crate::routes::{PathPart, json, path_part};

/// Segment's limit of a request: 500 KB, in thousands of bytes as its documentation counts.
const BODY_BYTES_MAX: usize = 500_000;

/// Global Privacy Control (W3C): `1` asks that nothing be sold or shared.
const SEC_GPC: HeaderName = HeaderName::from_static("sec-gpc");

/// Segment's routes, under the names of its server clients and the short ones of its browser client.
pub(crate) fn routes() -> Router<Arc<Edge>> {
    Router::new()
        .route("/v1/track", post(track))
        .route("/v1/identify", post(identify))
        .route("/v1/page", post(page))
        .route("/v1/screen", post(screen))
        .route("/v1/group", post(group))
        .route("/v1/alias", post(alias))
        .route("/v1/batch", post(batch))
        .route("/v1/t", post(track))
        .route("/v1/i", post(identify))
        .route("/v1/p", post(page))
        .route("/v1/s", post(screen))
        .route("/v1/g", post(group))
        .route("/v1/a", post(alias))
        .route("/v1/b", post(batch))
        .route("/v1/projects/{key}/settings", get(settings))
}

macro_rules! segment_route {
    ($name:ident, $call:expr, $path:literal, $summary:literal) => {
        #[utoipa::path(
                            post,
                            path = $path,
                            tag = "Events",
                            summary = $summary,
                            request_body(content = Object),
                            responses((status = 200, description = "Durable.", body = EventsAnswer))
                        )]
        pub(crate) async fn $name(State(edge): State<Arc<Edge>>, request: Request) -> Answer {
            ingest(&edge, $call, request).await
        }
    };
}

segment_route!(track, IngestCall::Track, "/v1/track", "A shopper or the shop did something");
segment_route!(identify, IngestCall::Identify, "/v1/identify", "Who a shopper is");
segment_route!(page, IngestCall::Page, "/v1/page", "A shopper saw a page");
segment_route!(screen, IngestCall::Screen, "/v1/screen", "A shopper saw a screen");
segment_route!(group, IngestCall::Group, "/v1/group", "A shopper belongs to a group");
segment_route!(alias, IngestCall::Alias, "/v1/alias", "Two ids are one person");
segment_route!(batch, IngestCall::Batch, "/v1/batch", "Several events at once");

async fn ingest(edge: &Edge, call: IngestCall, request: Request) -> Answer {
    let (mut parts, body) = request.into_parts();
    let login = parts.extensions.remove::<Login>().unwrap_or(Login::NoKey);
    let body = edge.read_body(&parts, body, BODY_BYTES_MAX).await.map_err(as_segment)?;
    let mut caller = caller_of(edge, login, (&parts.headers, &body))?;
    caller.route = route_of(&parts);
    edge.check_rate(&caller, &parts.headers, parts.extensions.get::<Peer>().copied())?;
    let is_gpc = is_gpc(&parts.headers);
    let request = IngestRequest { call, body: &body, caller: &caller, is_gpc, basis: None };
    let answer = edge.app.ingest(request).await.map_err(|error| as_segment(error.into()))?;
    match answer.rejected.first() {
        // A single call whose only event is refused has not succeeded.
        Some(rejection) if call != IngestCall::Batch => {
            let (status, code) = match rejection.reason {
                RejectReason::Denied => (StatusCode::FORBIDDEN, "denied"),
                _ => (StatusCode::BAD_REQUEST, "invalid_event"),
            };
            Err(Problem::new(status, code, rejection.detail.clone()))
        }
        _ => Ok(json(&EventsAnswer::from(answer))),
    }
}

/// Whether a request carries Global Privacy Control; any other value is none.
pub(crate) fn is_gpc(headers: &HeaderMap) -> bool {
    headers.get(SEC_GPC).is_some_and(|value| value == "1")
}

/// The caller by the headers, or by the `writeKey` that browser clients put into the body.
fn caller_of(edge: &Edge, login: Login, (headers, body): (&HeaderMap, &[u8])) -> Answer<Caller> {
    if !matches!(login, Login::NoKey) {
        return edge.caller(login);
    }
    match write_key_of(body) {
        Some(key) => Ok(auth::authenticate(&edge.app, &key, headers)?),
        None => edge.caller(login),
    }
}

/// Segment's clients know 400 for whatever is wrong with a request as a whole.
fn as_segment(problem: Box<Problem>) -> Box<Problem> {
    match problem.status() {
        StatusCode::UNPROCESSABLE_ENTITY | StatusCode::PAYLOAD_TOO_LARGE => {
            problem.with_status(StatusCode::BAD_REQUEST)
        }
        _ => problem,
    }
}

/// What Segment's browser client asks before it sends anything.
#[utoipa::path(
    get,
    path = "/v1/projects/{key}/settings",
    tag = "Events",
    summary = "Settings of Segment's browser client",
    params(("key" = String, Path, description = "A browser key.", min_length = 1)),
    responses((
        status = 200,
        description = "One destination: this server.",
        body = crate::dto::events::SegmentSettings
    )),
    security(())
)]
pub(crate) async fn settings(
    State(edge): State<Arc<Edge>>,
    key: PathPart,
    headers: HeaderMap,
) -> Answer<Response> {
    let key = path_part(key)?;
    let caller = auth::authenticate(&edge.app, &key, &headers)?;
    caller.check(Operation::SendBehaviour)?;
    let scheme = headers.get("x-forwarded-proto").and_then(|value| value.to_str().ok());
    let is_tls = edge.config.tls.is_some() || scheme == Some("https");
    let mut destination = json!({
        "apiKey": key,
        "unbundledIntegrations": [],
        "addBundledMetadata": true,
        "maybeBundledConfigIds": {},
        "versionSettings": {"version": "4.4.7", "componentTypes": ["browser"]},
    });
    if let Some(host) = headers.get(header::HOST).and_then(|value| value.to_str().ok()) {
        destination["apiHost"] = format!("{host}/v1").into();
        destination["protocol"] = if is_tls { "https" } else { "http" }.into();
    }
    let enabled = json!({"__default": {"enabled": true, "integrations": {}}});
    Ok(json(&json!({
        "integrations": {"Segment.io": destination},
        "plan": {"track": enabled, "identify": enabled, "group": enabled},
        "edgeFunction": {},
        "analyticsNextEnabled": true,
        "middlewareSettings": {},
        "enabledMiddleware": {},
        // The client's own telemetry would go to its maker.
        "metrics": {"sampleRate": 0},
        "legacyVideoPluginsEnabled": false,
        "remotePlugins": [],
    })))
}
