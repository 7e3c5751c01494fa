//! How long personal data is kept.

use std::sync::Arc;

use axum::extract::{Request, State};
use souk_app::{Operation, RetentionMode};

use crate::dto::retention::{RetentionAnswer, RetentionBody, RetentionRunAnswer};
use crate::edge::Edge;
use crate::problem::Answer;
use crate::routes::{json, unbroken};

/// Bytes of a request; chosen.
const REQUEST_BYTES_MAX: usize = 64 << 10;

/// The term of each kind of personal data, what the last run found and did, and when the next one is.
#[utoipa::path(
    get,
    path = "/v1/privacy/retention",
    tag = "Privacy",
    summary = "See how long data is kept",
    responses((status = 200, description = "Terms and the last run.", body = RetentionAnswer))
)]
pub(crate) async fn get(State(edge): State<Arc<Edge>>, request: Request) -> Answer {
    let (caller, _) =
        edge.admit(request, Operation::HandleSubjectRequests, REQUEST_BYTES_MAX).await?;
    let state = edge.app.retention_state(&caller).await?;
    Ok(json(&RetentionAnswer::from(state)))
}

/// Counts what is past its term, or removes it now.
///
/// `{"mode": "dry_run"}`, which is also what an empty body means, removes nothing. `enforce` removes,
/// unless it were more than `privacy.retention.share_max` of all personal records: then the outcome is
/// `stopped`. `confirmed` removes however much it is.
#[utoipa::path(
    post,
    path = "/v1/privacy/retention",
    tag = "Privacy",
    summary = "Count or remove what is past its term",
    request_body(content = RetentionBody),
    responses((status = 200, description = "What was found and done.", body = RetentionRunAnswer))
)]
pub(crate) async fn run(State(edge): State<Arc<Edge>>, request: Request) -> Answer {
    let (caller, call) =
        edge.admit(request, Operation::HandleSubjectRequests, REQUEST_BYTES_MAX).await?;
    let mode = match call.body.is_empty() {
        true => RetentionMode::DryRun,
        false => call.json::<RetentionBody>()?.mode(),
    };
    let app = Arc::clone(&edge.app);
    let run = unbroken(async move { app.run_retention(&caller, mode).await }).await?;
    Ok(json(&RetentionRunAnswer::from(run)))
}
