//! The headers that keep browsers from doing more with an answer than it is meant for.

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};

/// Answers are data: nothing in them runs, loads or is shown inside another page.
const NOTHING_RUNS: HeaderValue =
    HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");
const NO_SNIFFING: HeaderValue = HeaderValue::from_static("nosniff");
const NO_REFERRER: HeaderValue = HeaderValue::from_static("no-referrer");
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
/// A year (RFC 6797). Not for subdomains: they are other people's servers.
const ONLY_TLS: HeaderValue = HeaderValue::from_static("max-age=31536000");

/// Whether the connection is encrypted by this server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transport {
    Plain,
    Tls,
}

/// Adds what an answer of this path lacks; what a handler has set stays.
pub(crate) fn secure(path: &str, transport: Transport, headers: &mut HeaderMap) {
    let mut add = |name: HeaderName, value: HeaderValue| {
        headers.entry(name).or_insert(value);
    };
    add(header::X_CONTENT_TYPE_OPTIONS, NO_SNIFFING);
    add(header::REFERRER_POLICY, NO_REFERRER);
    add(header::CONTENT_SECURITY_POLICY, NOTHING_RUNS);
    // Everything below may be about a person or for one key alone.
    if path.starts_with("/v1/") {
        add(header::CACHE_CONTROL, NO_STORE);
    }
    if transport == Transport::Tls {
        add(header::STRICT_TRANSPORT_SECURITY, ONLY_TLS);
    }
}
