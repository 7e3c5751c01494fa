//! Souk over HTTP: reads a request, calls one use case of `souk-app`, and writes its answer.
//!
//! Nothing is decided here but what concerns HTTP itself: who is calling, how large and slow a request
//! may be, and how a failure looks. The contract is in the OpenAPI document that the server shows.

mod address;
mod auth;
mod body;
mod client;
mod config;
mod cors;
mod dto;
mod edge;
mod etag;
mod feed_fetch;
mod headers;
mod hooks;
mod idempotency;
mod json;
mod key_set;
mod meilisearch;
mod metrics;
mod openapi;
mod patient;
mod problem;
mod routes;
mod seats;
mod serve;
mod tls;
mod work;

pub use config::{Limits, ServerConfig, TlsFiles};
pub use feed_fetch::feed_fetcher;
pub use serve::{ServeError, Server, check_exposure, serve};

use std::sync::Arc;

/// Every route as one axum router, for tests and for serving by other means.
pub fn router(app: Arc<souk_app::App>, config: ServerConfig) -> axum::Router {
    routes::router(edge::Edge::new(app, config))
}
