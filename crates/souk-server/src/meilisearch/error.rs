use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use souk_app::AppError;

use crate::problem::Problem;

/// An answer, or an error as Meilisearch has them.
pub(crate) type Meili<T = Response> = Result<T, Box<MeiliError>>;

/// An error in Meilisearch's shape: message, code, type and a link that explains the code.
#[derive(Clone, Debug)]
pub(crate) struct MeiliError {
    pub(crate) code: &'static str,
    pub(crate) message: String,
    status: StatusCode,
    headers: HeaderMap,
}

/// Where Meilisearch explains its codes.
const LINK: &str = "https://docs.meilisearch.com/errors#";

impl MeiliError {
    /// An error of one of Meilisearch's codes.
    pub(crate) fn new(code: &'static str, message: impl Into<String>) -> Box<MeiliError> {
        let status = match code {
            "index_not_found" | "document_not_found" | "task_not_found" | "not_found" => {
                StatusCode::NOT_FOUND
            }
            "missing_authorization_header" => StatusCode::UNAUTHORIZED,
            "invalid_api_key" => StatusCode::FORBIDDEN,
            "payload_too_large" => StatusCode::PAYLOAD_TOO_LARGE,
            "invalid_content_type" => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            _ => StatusCode::BAD_REQUEST,
        };
        Box::new(MeiliError { code, message: message.into(), status, headers: HeaderMap::new() })
    }

    /// Something of Meilisearch that this server has not.
    pub(crate) fn not_supported(what: impl std::fmt::Display) -> Box<MeiliError> {
        MeiliError::new("feature_not_enabled", format!("Souk does not support {what}"))
    }

    /// The same with the place of the query that it is about.
    pub(crate) fn inside(mut self: Box<Self>, place: usize) -> Box<MeiliError> {
        self.message = format!("Inside `.queries[{place}]`: {}", self.message);
        self
    }

    /// The same where the path is there and the method is not.
    pub(crate) fn of_method(mut self: Box<Self>) -> Box<MeiliError> {
        self.status = StatusCode::METHOD_NOT_ALLOWED;
        self
    }

    /// The same for a caller who sent no key at all.
    pub(crate) fn without_key(mut self: Box<Self>) -> Box<MeiliError> {
        if self.code == "invalid_api_key" && self.status == StatusCode::FORBIDDEN {
            self.code = "missing_authorization_header";
            self.status = StatusCode::UNAUTHORIZED;
            self.message =
                "The Authorization header is missing. It must use the bearer authorization method."
                    .to_owned();
        }
        self
    }

    /// As it stands in an answer, and in a task that failed.
    pub(crate) fn to_json(&self) -> Value {
        let kind = match self.code {
            "missing_authorization_header" | "invalid_api_key" => "auth",
            "internal" => "internal",
            "too_many_search_requests" => "system",
            _ => "invalid_request",
        };
        let link = format!("{LINK}{}", self.code);
        json!({"message": self.message, "code": self.code, "type": kind, "link": link})
    }
}

impl IntoResponse for Box<MeiliError> {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.to_json().to_string()));
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        let kind = HeaderValue::from_static("application/json");
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
        response
    }
}

impl From<Box<Problem>> for Box<MeiliError> {
    fn from(problem: Box<Problem>) -> Box<MeiliError> {
        let status = problem.status();
        let (code, status) = match (status, problem.code()) {
            (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN, _) => {
                ("invalid_api_key", StatusCode::FORBIDDEN)
            }
            (StatusCode::NOT_FOUND, _) => ("not_found", status),
            (StatusCode::PAYLOAD_TOO_LARGE, _) => ("payload_too_large", status),
            (StatusCode::UNSUPPORTED_MEDIA_TYPE, _) => ("invalid_content_type", status),
            (StatusCode::BAD_REQUEST, "malformed_json") => ("malformed_payload", status),
            (StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE, _) => {
                ("too_many_search_requests", status)
            }
            (status, _) if status.is_server_error() => ("internal", status),
            _ => ("bad_request", StatusCode::BAD_REQUEST),
        };
        let headers = problem.headers().clone();
        Box::new(MeiliError { code, message: problem.detail().to_owned(), status, headers })
    }
}

impl From<AppError> for Box<MeiliError> {
    fn from(error: AppError) -> Box<MeiliError> {
        Box::<Problem>::from(error).into()
    }
}
