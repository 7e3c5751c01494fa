//! What every answer tells a browser about itself, so that nothing of it is run, framed, guessed at
//! or kept. Shops call from pages of theirs with `fetch`; no answer but two pages is for reading.

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};

/// Names an answer may set itself; the edge adds these where it did not.
const DEFAULTS: [(HeaderName, HeaderValue); 4] = [
    // An answer that is opened as a page may load and do nothing, and nobody may frame it.
    (
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(
            "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        ),
    ),
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    // Paths hold ids of people and products.
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    // Every answer depends on the key, and most on a person.
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
];

/// Two years; only said over TLS, where alone it counts (RFC 6797). Not for subdomains: they are other
/// people's servers.
const HSTS: HeaderValue = HeaderValue::from_static("max-age=63072000");

/// How the answer travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transport {
    /// This server has a certificate.
    Tls,
    /// It has none; a proxy that encrypts says the rest itself.
    Plain,
}

/// Adds what the answer does not say itself.
pub(crate) fn add(headers: &mut HeaderMap, transport: Transport) {
    for (name, value) in DEFAULTS {
        headers.entry(name).or_insert(value);
    }
    if transport == Transport::Tls {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HSTS);
    }
}
