use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use souk_app::{AppError, FieldError, PutRejection};
use souk_core::ErrorKind;

/// The media type of RFC 9457.
const PROBLEM_JSON: HeaderValue = HeaderValue::from_static("application/problem+json");

/// A failed request on its way out: what RFC 9457 calls a problem.
///
/// A handler returns one; the edge, which alone knows the path and the request id, renders it.
#[derive(Clone, Debug)]
pub(crate) struct Problem {
    status: StatusCode,
    code: &'static str,
    detail: String,
    errors: Vec<FieldError>,
    rejected: Vec<PutRejection>,
    headers: HeaderMap,
}

impl Problem {
    pub(crate) fn new(
        status: StatusCode,
        code: &'static str,
        detail: impl Into<String>,
    ) -> Box<Problem> {
        Box::new(Problem {
            status,
            code,
            detail: detail.into(),
            errors: Vec::new(),
            rejected: Vec::new(),
            headers: HeaderMap::new(),
        })
    }

    /// A request whose JSON is well formed but says something that is not allowed.
    pub(crate) fn invalid(errors: Vec<FieldError>) -> Box<Problem> {
        let detail = match errors.as_slice() {
            [one] if one.pointer.is_empty() => one.detail.clone(),
            [one] => format!("{}: {}", one.pointer, one.detail),
            many => format!("{} fields are wrong; see errors", many.len()),
        };
        let problem = Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_input", detail);
        problem.with_errors(errors)
    }

    /// One wrong field.
    pub(crate) fn field(pointer: impl Into<String>, detail: impl Into<String>) -> Box<Problem> {
        Problem::invalid(vec![FieldError { pointer: pointer.into(), detail: detail.into() }])
    }

    pub(crate) fn with_errors(mut self: Box<Self>, errors: Vec<FieldError>) -> Box<Problem> {
        self.errors = errors;
        self
    }

    /// Adds the products that were refused, in the same shape as in an answer that kept some.
    pub(crate) fn with_rejected(mut self: Box<Self>, rejected: Vec<PutRejection>) -> Box<Problem> {
        self.rejected = rejected;
        self
    }

    pub(crate) fn with_code(mut self: Box<Self>, code: &'static str) -> Box<Problem> {
        self.code = code;
        self
    }

    /// Answers with another status; Segment's clients expect 400 where this program says 422.
    pub(crate) fn with_status(mut self: Box<Self>, status: StatusCode) -> Box<Problem> {
        self.status = status;
        self
    }

    pub(crate) fn with_header(
        mut self: Box<Self>,
        name: HeaderName,
        value: HeaderValue,
    ) -> Box<Problem> {
        self.headers.insert(name, value);
        self
    }

    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    pub(crate) fn code(&self) -> &'static str {
        self.code
    }

    pub(crate) fn detail(&self) -> &str {
        &self.detail
    }

    pub(crate) fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// Another part of a batch: every pointer and the detail move below `prefix`.
    pub(crate) fn below(mut self: Box<Self>, prefix: &str) -> Box<Problem> {
        for error in &mut self.errors {
            error.pointer.insert_str(0, prefix);
        }
        self.detail = format!("{prefix}: {}", self.detail);
        self
    }

    /// The finished answer; `path` names the occurrence, without its query.
    pub(crate) fn render(self, path: &str, request_id: &str) -> Response {
        let document = Document {
            kind: format!("urn:souk:problem:{}", self.code),
            title: self.status.canonical_reason().unwrap_or("Error"),
            status: self.status.as_u16(),
            detail: &self.detail,
            instance: path,
            code: self.code,
            request_id,
            errors: self.errors.iter().map(FaultOut::from).collect(),
            rejected: self.rejected.iter().map(RejectionOut::from).collect(),
        };
        let body = serde_json::to_vec(&document).expect("texts and numbers always serialise");
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        response.headers_mut().insert(header::CONTENT_TYPE, PROBLEM_JSON);
        response
    }
}

#[derive(Serialize)]
struct Document<'a> {
    #[serde(rename = "type")]
    kind: String,
    title: &'a str,
    status: u16,
    detail: &'a str,
    instance: &'a str,
    code: &'a str,
    request_id: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FaultOut<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    rejected: Vec<RejectionOut<'a>>,
}

#[derive(Serialize)]
struct FaultOut<'a> {
    pointer: &'a str,
    detail: &'a str,
}

impl<'a> From<&'a FieldError> for FaultOut<'a> {
    fn from(error: &'a FieldError) -> Self {
        FaultOut { pointer: &error.pointer, detail: &error.detail }
    }
}

#[derive(Serialize)]
struct RejectionOut<'a> {
    index: usize,
    id: Option<&'a str>,
    detail: &'a str,
}

impl<'a> From<&'a PutRejection> for RejectionOut<'a> {
    fn from(rejection: &'a PutRejection) -> Self {
        RejectionOut {
            index: rejection.index,
            id: rejection.id.as_deref(),
            detail: &rejection.detail,
        }
    }
}

impl From<AppError> for Box<Problem> {
    /// The one place where a failure of the application becomes an HTTP answer.
    fn from(error: AppError) -> Box<Problem> {
        let kind = error.kind();
        let status = match error {
            AppError::Stale(_) => StatusCode::PRECONDITION_FAILED,
            _ => StatusCode::from_u16(kind.http_status()).expect("the table holds valid codes"),
        };
        // A defect's own words may name files and states that are nobody else's business.
        let detail = match kind {
            ErrorKind::Bug => {
                "the server failed; its log has the cause under this request id".into()
            }
            _ => error.to_string(),
        };
        if matches!(kind, ErrorKind::Bug | ErrorKind::Unavailable | ErrorKind::StorageFull) {
            tracing::error!(error = &error as &dyn std::error::Error, "a request failed");
        }
        let problem = Problem::new(status, error.code(), detail);
        match error {
            AppError::Invalid { errors, .. } => problem.with_errors(errors),
            AppError::Unauthenticated => problem.with_challenge(),
            AppError::RateLimited { retry_after_s, limit, window_s } => {
                problem.with_rate_limit(retry_after_s, limit, window_s)
            }
            _ if kind.is_retryable() => {
                problem.with_header(header::RETRY_AFTER, HeaderValue::from_static("1"))
            }
            _ => problem,
        }
    }
}

impl Problem {
    /// RFC 9110 section 11.6.1 wants every 401 to say how to authenticate.
    fn with_challenge(self: Box<Self>) -> Box<Problem> {
        let challenge = HeaderValue::from_static("Bearer realm=\"souk\"");
        self.with_header(header::WWW_AUTHENTICATE, challenge)
    }

    /// Headers of draft-ietf-httpapi-ratelimit-headers, with `Retry-After` of RFC 9110.
    fn with_rate_limit(self: Box<Self>, retry_s: u64, limit: u64, window_s: u64) -> Box<Problem> {
        let retry_s = retry_s.max(1);
        self.with_header(header::RETRY_AFTER, HeaderValue::from(retry_s))
            .with_header(RATE_LIMIT, text(&format!("\"key\";r=0;t={retry_s}")))
            .with_header(RATE_LIMIT_POLICY, text(&format!("\"key\";q={limit};w={window_s}")))
    }
}

const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

fn text(value: &str) -> HeaderValue {
    HeaderValue::from_str(value).expect("digits and punctuation are valid in a header")
}

impl IntoResponse for Box<Problem> {
    /// A marker that the edge renders: only the edge knows path and request id.
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = self.status;
        response.extensions_mut().insert(self);
        response
    }
}

/// Shorthand for handlers.
pub(crate) type Answer<T = Response> = Result<T, Box<Problem>>;
