//! Versions as entity tags: what was read is what is changed.

use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;

/// What `If-Match` asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IfMatch {
    /// There is no such header.
    Absent,
    /// Whichever there is (`*`).
    Any,
    /// This version; what no version looks like is 0, the version of nothing.
    Version(u64),
}

impl IfMatch {
    pub(crate) fn of(headers: &HeaderMap) -> IfMatch {
        let Some(value) = headers.get(header::IF_MATCH) else { return IfMatch::Absent };
        let text = value.to_str().unwrap_or_default().trim();
        if text == "*" {
            return IfMatch::Any;
        }
        // Who packs answers on their way marks their tags as weak; what was read is the same.
        let text = text.strip_prefix("W/").unwrap_or(text);
        let version = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
        IfMatch::Version(version.and_then(|text| text.parse().ok()).unwrap_or(0))
    }
}

/// The answer with its version as `ETag`.
pub(crate) fn with_etag(mut response: Response, version: u64) -> Response {
    let etag = HeaderValue::from_str(&format!("\"{version}\"")).expect("digits in quotes");
    response.headers_mut().insert(header::ETAG, etag);
    response
}

/// The answer with the `version` of its body as `ETag`: one that is answered again has the version that it had then.
pub(crate) async fn with_etag_of_body(answered: Response) -> Response {
    let (parts, body) = answered.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.expect("it is in memory");
    let version = serde_json::from_slice(&body).map_or(0, |read: Versioned| read.version.number());
    with_etag(Response::from_parts(parts, body.into()), version)
}

/// Of an answer that was made before, what its `ETag` says.
#[derive(serde::Deserialize)]
struct Versioned {
    version: Version,
}

/// A version as answers write it: those that are larger than a browser's numbers are texts.
#[derive(serde::Deserialize)]
#[serde(untagged)]
enum Version {
    Number(u64),
    Text(String),
}

impl Version {
    fn number(&self) -> u64 {
        match self {
            Version::Number(number) => *number,
            Version::Text(text) => text.parse().unwrap_or(0),
        }
    }
}
