use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use souk_app::App;

use crate::problem::Problem;

/// How a page may ask.
const METHODS: HeaderValue = HeaderValue::from_static("GET, POST, PUT");
/// What a page may read besides the body.
const EXPOSED: HeaderValue = HeaderValue::from_static(
    "x-request-id, retry-after, ratelimit, ratelimit-policy, idempotent-replayed",
);
/// How long a browser may keep the answer to a preflight, in seconds; chosen: browsers cap at 7200.
const MAX_AGE_S: HeaderValue = HeaderValue::from_static("7200");

/// Answers a preflight, which carries no key and asks for nothing but permission.
///
/// Permission opens nothing by itself: the request needs a key that is good for this origin,
/// answers never depend on cookies, and only answers to browser keys can be read from a page.
pub(crate) fn preflight(app: &App, request: &Request) -> Option<Response> {
    let headers = request.headers();
    let origin = headers.get(header::ORIGIN)?;
    headers.get(header::ACCESS_CONTROL_REQUEST_METHOD)?;
    if request.method() != Method::OPTIONS {
        return None;
    }
    if !origin.to_str().is_ok_and(|origin| app.is_origin_known(origin)) {
        let detail = "no browser key may be used from this web origin; add it to a key or to \
                      `server.allowed_origins`";
        return Some(Problem::new(StatusCode::FORBIDDEN, "denied", detail).into_response());
    }
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    allow(origin, response.headers_mut());
    response.headers_mut().insert(header::ACCESS_CONTROL_ALLOW_METHODS, METHODS);
    // Clients add headers with every release (`x-retry-count` was one); none of them opens anything.
    if let Some(wanted) = headers.get(header::ACCESS_CONTROL_REQUEST_HEADERS) {
        let wanted = wanted.clone();
        response.headers_mut().insert(header::ACCESS_CONTROL_ALLOW_HEADERS, wanted);
    }
    response.headers_mut().insert(header::ACCESS_CONTROL_MAX_AGE, MAX_AGE_S);
    Some(response)
}

/// Lets a page of this origin read the answer, be it only that its origin is refused.
pub(crate) fn allow(origin: &HeaderValue, headers: &mut HeaderMap) {
    headers.append(header::VARY, HeaderValue::from_static("origin"));
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
}
