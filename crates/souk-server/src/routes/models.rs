//! The shop's own models.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use souk_app::{Operation, Search};

use crate::dto::models::{LearnBody, ModelAnswer, ModelsAnswer, ServeBody};
use crate::edge::Edge;
use crate::problem::Answer;
use crate::routes::{json, unbroken};

/// Bytes of a request; chosen.
const REQUEST_BYTES_MAX: usize = 64 << 10;

/// The models that were learned, how good each was on what it had not learned from, and which one
/// serves.
#[utoipa::path(
    get,
    path = "/v1/models",
    tag = "Models",
    summary = "See the shop's models",
    responses((status = 200, description = "Every model on record.", body = ModelsAnswer))
)]
pub(crate) async fn list(State(edge): State<Arc<Edge>>, request: Request) -> Answer {
    let (caller, _) = edge.admit(request, Operation::ReadAggregates, REQUEST_BYTES_MAX).await?;
    let state = edge.app.models(&caller).await?;
    Ok(json(&ModelsAnswer::from(state)))
}

/// Begins to learn a model. It serves once it is learned, unless it is worse than the one before, or than
/// what is popular; `GET /v1/models` shows what came of it.
#[utoipa::path(
    post,
    path = "/v1/models",
    tag = "Models",
    summary = "Learn a model",
    request_body(content = LearnBody),
    responses(
        (status = 202, description = "It is being learned.", body = ModelsAnswer),
        (status = 409, description = "Another one is being learned.")
    )
)]
pub(crate) async fn learn(State(edge): State<Arc<Edge>>, request: Request) -> Answer {
    let (caller, call) = edge.admit(request, Operation::ManageModels, REQUEST_BYTES_MAX).await?;
    let search = match call.json::<LearnBody>()?.search() {
        true => Search::Parameters,
        false => Search::Weights,
    };
    let state = edge.app.begin_model(&caller, search).await?;
    Ok((StatusCode::ACCEPTED, json(&ModelsAnswer::from(state))).into_response())
}

/// Puts a model on record in service, whatever it was judged: so one that disappoints is taken back.
#[utoipa::path(
    put,
    path = "/v1/models/serving",
    tag = "Models",
    summary = "Put a model in service",
    request_body(content = ServeBody),
    responses(
        (status = 200, description = "It serves.", body = ModelAnswer),
        (status = 404, description = "No such model is on record."),
        (status = 409, description = "One is being learned.")
    )
)]
pub(crate) async fn serve(State(edge): State<Arc<Edge>>, request: Request) -> Answer {
    let (caller, call) = edge.admit(request, Operation::ManageModels, REQUEST_BYTES_MAX).await?;
    let number = call.json::<ServeBody>()?.number();
    let app = Arc::clone(&edge.app);
    let model = unbroken(async move { app.serve_model(&caller, number).await }).await?;
    Ok(json(&ModelAnswer::from(&model)))
}
