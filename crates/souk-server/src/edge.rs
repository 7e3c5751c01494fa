use std::any::Any;
use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use axum::body::HttpBody;
use axum::extract::{MatchedPath, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use bytes::Bytes;
use futures::FutureExt;
use serde::Deserialize;
use souk_app::{App, Caller, Operation};
use souk_core::{Currency, SiteId};
use tokio::time::timeout;

use crate::auth::Login;
use crate::headers::Transport;
use crate::meilisearch::tasks::Tasks;
use crate::metrics::Metrics;
use crate::problem::{Answer, Problem};
use crate::seats::Seat;
use crate::work::{Bounds, Full, Work};
use crate::{ServerConfig, body, cors, headers};

/// The header that names a request in logs and problems.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Longest request id taken over from a client; chosen: a UUID is 36.
const REQUEST_ID_BYTES_MAX: usize = 128;

/// What every request shares.
#[derive(Debug)]
pub(crate) struct Edge {
    pub(crate) app: Arc<App>,
    pub(crate) config: ServerConfig,
    pub(crate) metrics: Metrics,
    /// What Meilisearch's clients asked for.
    pub(crate) tasks: Tasks,
    bounds: Bounds,
    /// Written at the first request: most processes never show it.
    openapi: OnceLock<Bytes>,
    /// Random at each start, so that two processes never give the same request id.
    id_seed: u64,
    id_count: AtomicU64,
}

/// The address at the other end of the connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(pub(crate) IpAddr);

/// The id of a request, for what is written about it.
#[derive(Clone, Debug)]
pub(crate) struct RequestId(pub(crate) Arc<str>);

impl Edge {
    pub(crate) fn new(app: Arc<App>, config: ServerConfig) -> Arc<Edge> {
        let id_seed = getrandom::u64().expect("the system has randomness");
        let bounds = Bounds::new(config.limits.requests_max, config.limits.bodies_bytes_max);
        let metrics = Metrics::default();
        let tasks = Tasks::new(app.clock().now());
        let openapi = OnceLock::new();
        let id_count = AtomicU64::new(0);
        Arc::new(Edge { app, config, metrics, tasks, bounds, openapi, id_seed, id_count })
    }

    /// Checks the caller and reads the body: in this order, so that a stranger's bytes are not kept.
    pub(crate) async fn admit(
        &self,
        request: Request,
        operation: Operation,
        limit: usize,
    ) -> Answer<(Caller, Call)> {
        let (mut parts, body) = request.into_parts();
        let login = parts.extensions.remove::<Login>().unwrap_or(Login::NoKey);
        let peer = parts.extensions.get::<Peer>().copied();
        let request_id = parts.extensions.remove::<RequestId>();
        let route = route_of(&parts);
        let mut client = None;
        let allowed = self.caller(login).and_then(|mut caller| {
            caller.request_id = request_id.map(|id| id.0);
            caller.route = route;
            if let Err(denied) = caller.check(operation) {
                self.app.tally_denied(&caller);
                return Err(denied.into());
            }
            client = self.check_rate(&caller, &parts.headers, peer)?;
            Ok(caller)
        });
        match allowed {
            Ok(caller) => {
                let bytes = self.read_body(&parts, body, limit).await?;
                Ok((caller, Call { headers: parts.headers, body: bytes, client }))
            }
            Err(problem) => {
                let _ = timeout(self.config.limits.body_timeout, body::drain(body)).await;
                Err(problem)
            }
        }
    }

    /// Reads a body within the limits of size and time; then the request is in work.
    pub(crate) async fn read_body(
        &self,
        parts: &Parts,
        body: axum::body::Body,
        limit: usize,
    ) -> Answer<Bytes> {
        let work = parts.extensions.get::<Work>();
        let alone = || Work::arriving(&self.bounds, None);
        let work = work.cloned().unwrap_or_else(alone);
        let reading = body::read((&parts.headers, &work), body, limit);
        match timeout(self.config.limits.body_timeout, reading).await {
            Ok(outcome) => {
                let bytes = outcome?;
                work.begin()?;
                Ok(bytes)
            }
            Err(_) => {
                let seconds = self.config.limits.body_timeout.as_secs();
                let detail = format!("the body did not arrive within {seconds} s");
                Err(Problem::new(StatusCode::REQUEST_TIMEOUT, "body_timeout", detail))
            }
        }
    }

    /// The caller, or 401; settings may allow requests without a key.
    pub(crate) fn caller(&self, login: Login) -> Answer<Caller> {
        match login {
            Login::Known(caller) => Ok(caller),
            Login::NoKey => Ok(self.app.caller_without_key()?),
            Login::Refused(problem) => Err(problem),
        }
    }

    /// Takes one request of the caller's budget, or answers 429. Returns the client that it was taken from too.
    pub(crate) fn check_rate(
        &self,
        caller: &Caller,
        headers: &HeaderMap,
        peer: Option<Peer>,
    ) -> Answer<Option<String>> {
        // Only browser keys are shared by many clients that must be told apart.
        let client = caller.role.is_browser().then(|| client_of(headers, peer)).flatten();
        self.app.check_rate(caller, client.as_deref())?;
        Ok(client)
    }

    /// Takes what a call costs that holds `n` requests, beyond the one that it was let in for, or answers 429.
    pub(crate) fn check_batch(&self, caller: &Caller, call: &Call, n: usize) -> Answer<()> {
        Ok(self.app.check_rate_of_batch(caller, call.client.as_deref(), n)?)
    }

    /// The OpenAPI document, which names the shop's own sites.
    pub(crate) fn openapi(&self) -> Bytes {
        let write = || {
            let sites: Vec<SiteId> = self.app.config().sites().map(|site| site.id).collect();
            Bytes::from(crate::openapi::document_text(&sites))
        };
        self.openapi.get_or_init(write).clone()
    }

    /// Refuses a site that the settings do not name.
    pub(crate) fn check_site(&self, site: &SiteId, pointer: &str) -> Answer<()> {
        if self.app.config().site(site).is_some() {
            return Ok(());
        }
        let detail = format!(
            "`{site}` is not a site of this shop; add it to `sites` in souk.yaml, or leave it out"
        );
        Err(Problem::field(pointer, detail))
    }

    /// The site that a request without one means, and its currency.
    pub(crate) fn home(&self) -> (SiteId, Currency) {
        let site = self.app.config().main_site();
        let currency = self.currency_of(&site).unwrap_or(Currency::USD);
        (site, currency)
    }

    /// The currency of amounts that name none; `None` for a site that the settings do not name.
    pub(crate) fn currency_of(&self, site: &SiteId) -> Option<Currency> {
        self.app.config().site(site).map(|site| site.currency)
    }

    /// Requests in work now.
    pub(crate) fn in_work(&self) -> usize {
        self.bounds.in_work()
    }

    fn transport(&self) -> Transport {
        if self.config.tls.is_some() { Transport::Tls } else { Transport::Plain }
    }

    fn request_id(&self, headers: &HeaderMap) -> Arc<str> {
        let sent = headers.get(REQUEST_ID).and_then(|value| value.to_str().ok());
        match sent.filter(|id| is_sane_id(id)) {
            Some(id) => id.into(),
            None => {
                let count = self.id_count.fetch_add(1, Relaxed);
                format!("{:016x}", mix(self.id_seed.wrapping_add(count))).into()
            }
        }
    }
}

/// An admitted request.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// Whose budget it was taken from besides the key's.
    client: Option<String>,
}

impl Call {
    /// Reads the body, a JSON object that nothing says is of another kind.
    pub(crate) fn json<'a, T: Deserialize<'a>>(&'a self) -> Answer<T> {
        body::expect_json(&self.headers)?;
        crate::json::parse_object(&self.body)
    }
}

/// The client's network address. A proxy on this machine is believed, because nobody else can be it.
fn client_of(headers: &HeaderMap, peer: Option<Peer>) -> Option<String> {
    let peer = peer?.0.to_canonical();
    let forwarded = headers.get("x-forwarded-for").and_then(|value| value.to_str().ok());
    match forwarded.and_then(|list| list.rsplit(',').next()).filter(|_| peer.is_loopback()) {
        Some(address) => Some(address.trim().to_owned()),
        None => Some(peer.to_string()),
    }
}

fn is_sane_id(id: &str) -> bool {
    (1..=REQUEST_ID_BYTES_MAX).contains(&id.len())
        && id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
}

/// The finaliser of SplitMix64 (Steele, Lea and Flood 2014): a bijection, so ids never repeat.
fn mix(mut z: u64) -> u64 {
    z = z.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// What happens around every request: id, login, limits, CORS, problems, counts, one line of log.
pub(crate) async fn around(
    State(edge): State<Arc<Edge>>,
    mut request: Request,
    next: Next,
) -> Response {
    let started = Instant::now();
    let request_id = edge.request_id(request.headers());
    let method = method_name(request.method());
    let uri = request.uri().clone();
    let matched = request.extensions().get::<MatchedPath>().cloned();
    let route = matched.as_ref().map_or("unmatched", MatchedPath::as_str);
    let origin = request.headers().get(header::ORIGIN).cloned();

    let mut response = match cors::preflight(&edge.app, &request) {
        Some(response) => response,
        None => {
            // Who signs in with a token is no page, and is looked up within the limits of all requests.
            let login = Login::by_key(&edge.app, request.headers());
            let is_for_pages = login.as_ref().is_some_and(Login::is_for_pages);
            let is_called = ["/v1/", "/meilisearch/"].iter().any(|at| route.starts_with(at));
            let readable = origin.filter(|_| is_for_pages && is_called);
            if let Some(login) = login {
                request.extensions_mut().insert(login);
            }
            request.extensions_mut().insert(RequestId(Arc::clone(&request_id)));
            let mut response = guarded(&edge, request, next).await;
            if let Some(origin) = readable {
                cors::allow(&origin, response.headers_mut());
            }
            response
        }
    };
    if let Some(problem) = response.extensions_mut().remove::<Box<Problem>>() {
        let cors_headers = std::mem::take(response.headers_mut());
        response = problem.render(uri.path(), &request_id);
        // A problem has no body of its own before this point, so its length must not survive either.
        let kept = cors_headers.into_iter().filter(|(name, _)| {
            name.as_ref().is_some_and(|name| {
                *name != header::CONTENT_LENGTH && *name != header::CONTENT_TYPE
            })
        });
        response.headers_mut().extend(kept);
    }
    let id_value = HeaderValue::from_str(&request_id).expect("checked or made of hex digits");
    response.headers_mut().insert(REQUEST_ID, id_value);
    headers::add(response.headers_mut(), edge.transport());
    let (status, took) = (response.status().as_u16(), started.elapsed());
    edge.metrics.answered((method, route), status, took);
    log(&request_id, (method, route), status, took);
    response
}

/// Runs the handler within the limits of number and time, and survives its panic.
async fn guarded(edge: &Edge, mut request: Request, next: Next) -> Response {
    use axum::response::IntoResponse;
    let work = Work::arriving(&edge.bounds, request.extensions_mut().remove::<Arc<Seat>>());
    // A request with a body is in work once that has arrived.
    if request.body().is_end_stream()
        && let Err(full) = work.begin()
    {
        return Box::<Problem>::from(full).into_response();
    }
    request.extensions_mut().insert(work.clone());
    let run = async {
        if request.extensions().get::<Login>().is_none() {
            // One that still arrives takes a place while its token is looked at, and only then.
            let signing_in = Work::arriving(&edge.bounds, None);
            if let Err(full) = if work.has_begun() { Ok(()) } else { signing_in.begin() } {
                return Box::<Problem>::from(full).into_response();
            }
            let login = Login::by_token(&edge.app, request.headers()).await;
            drop(signing_in);
            request.extensions_mut().insert(login);
        }
        next.run(request).await
    };
    let run = AssertUnwindSafe(run).catch_unwind();
    match timeout(edge.config.limits.request_timeout, run).await {
        Ok(Ok(response)) => response,
        Ok(Err(panic)) => {
            tracing::error!(panic = panic_text(&*panic), "a handler panicked");
            let detail = "the server failed; its log has the cause under this request id";
            Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail).into_response()
        }
        Err(_) => busy("the request took too long; it may have been carried out").into_response(),
    }
}

/// The route for the audit log, whose texts have no braces: `/v1/subjects/:id/export`.
pub(crate) fn route_of(parts: &Parts) -> Option<Arc<str>> {
    let path = parts.extensions.get::<MatchedPath>()?.as_str();
    Some(match path.contains('{') {
        true => Arc::from(path.replace('{', ":").replace('}', "")),
        false => Arc::from(path),
    })
}

fn busy(detail: &str) -> Box<Problem> {
    let problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail);
    problem.with_header(header::RETRY_AFTER, HeaderValue::from_static("1"))
}

impl From<Full> for Box<Problem> {
    fn from(full: Full) -> Box<Problem> {
        busy(match full {
            Full::Requests => "too many requests are in work; try again in a second",
            Full::Bodies => "too many large requests are on their way; try again in a second",
        })
    }
}

fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("not a text")
}

/// The method as a label: a client cannot make up new ones.
fn method_name(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "OTHER",
    }
}

/// One line for each request, without bodies, ids of people, keys or addresses.
///
/// Good answers are logged at `debug`: thousands of lines a second help nobody by default.
fn log(request_id: &str, (method, route): (&str, &str), status: u16, took: std::time::Duration) {
    let ms = took.as_micros() as f64 / 1e3;
    if status >= 500 {
        tracing::error!(target: "souk::access", request_id, method, route, status, ms);
    } else if status >= 400 {
        tracing::info!(target: "souk::access", request_id, method, route, status, ms);
    } else {
        tracing::debug!(target: "souk::access", request_id, method, route, status, ms);
    }
}
