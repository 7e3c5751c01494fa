//! One file for each group of routes; each handler reads, calls one use case, and writes.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::from_fn_with_state;
use axum::response::Response;
use axum::routing::{delete, get, post, put};
use serde::Serialize;
use souk_app::AppError;

use crate::edge::{Edge, around};
use crate::problem::{Answer, Problem};

pub(crate) mod audit;
pub(crate) mod consents;
pub(crate) mod health;
pub(crate) mod keys;
pub(crate) mod meilisearch;
pub(crate) mod models;
pub(crate) mod people;
pub(crate) mod planning;
pub(crate) mod privacy;
pub(crate) mod products;
pub(crate) mod recommend;
pub(crate) mod reports;
pub(crate) mod retention;
pub(crate) mod rules;
pub(crate) mod search;
pub(crate) mod segment;
pub(crate) mod webhooks;

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// Every route, inside what happens around every request.
pub(crate) fn router(edge: Arc<Edge>) -> Router {
    Router::new()
        .merge(segment::routes())
        .merge(meilisearch::routes())
        .route("/v1/products", get(products::list).put(products::put))
        .route(
            "/v1/products/{id}",
            get(products::get).patch(products::patch).delete(products::delete),
        )
        .route("/v1/recommendations", post(recommend::recommend))
        .route("/v1/recommendations/batch", post(recommend::batch))
        .route("/v1/recommendations/page", post(recommend::page))
        .route("/v1/search", post(search::search))
        .route("/v1/search/batch", post(search::batch))
        .route("/v1/search/analytics", get(search::analytics))
        .route("/v1/search/suggest", get(search::suggest))
        .route("/v1/search/synonyms", get(search::synonyms).put(search::put_synonyms))
        .route("/v1/rules", get(rules::list).post(rules::create))
        .route("/v1/rules/preview", post(rules::preview))
        .route("/v1/rules/{id}", get(rules::get).put(rules::put).delete(rules::delete))
        .route("/v1/subjects/{id}/consents", get(consents::get).put(consents::put))
        .route("/.well-known/gpc.json", get(consents::gpc))
        .route("/v1/keys", get(keys::list).post(keys::create))
        .route("/v1/keys/{id}", delete(keys::revoke))
        .route("/v1/subjects/{id}/erasure", post(privacy::erase))
        .route("/v1/subjects/{id}/export", post(privacy::export))
        .route("/v1/privacy/requests", get(privacy::list))
        .route("/v1/privacy/requests/{request_id}", get(privacy::get))
        .route("/v1/privacy/requests/{request_id}/verification", post(privacy::verify))
        .route("/v1/privacy/requests/{request_id}/confirmation", post(privacy::confirm))
        .route("/v1/privacy/retention", get(retention::get).post(retention::run))
        .route("/v1/webhooks/shopify", post(webhooks::shopify))
        .route("/v1/keys/{id}/rotate", post(keys::rotate))
        .route("/v1/subjects/{id}/profile", get(people::profile))
        .route("/v1/products/{id}/audience", get(people::audience))
        .route("/v1/audience", get(people::audience_of_category))
        .route("/v1/segments", get(people::list).post(people::create))
        .route("/v1/segments/{key}", get(people::get).put(people::put).delete(people::delete))
        .route("/v1/segments/{key}/members", get(people::members))
        .route("/v1/models", get(models::list).post(models::learn))
        .route("/v1/models/serving", put(models::serve))
        .route("/v1/reports/recommendations", get(reports::recommendations))
        .route("/v1/reports/holdout", get(reports::holdout))
        .route("/v1/reports/stock", get(reports::stock))
        .route("/v1/forecasts", get(planning::forecasts).post(planning::forecast))
        .route("/v1/forecasts/overrides", get(planning::overrides))
        .route(
            "/v1/forecasts/overrides/{id}",
            put(planning::put_override).delete(planning::end_override),
        )
        .route("/v1/stock", get(planning::stock))
        .route("/v1/signals", get(planning::signals).post(planning::put_signals))
        .route("/v1/waste", get(planning::waste))
        .route("/v1/suppliers", get(planning::suppliers).put(planning::put_suppliers))
        .route("/v1/replenishment", get(planning::replenishment))
        .route("/v1/replenishment/switch", post(planning::switch))
        .route("/v1/purchase_orders", get(planning::orders).post(planning::create_order))
        .route("/v1/purchase_orders/{id}", get(planning::order).patch(planning::change_order))
        .route("/v1/purchase_orders/{id}/state", post(planning::move_order))
        .route("/v1/audit", get(audit::list))
        .route("/v1/audit/proof", get(audit::proof))
        .route("/v1/audit/head", get(audit::head))
        .route("/livez", get(health::live))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(health::metrics))
        .route("/version", get(health::version))
        .route("/openapi.json", get(health::openapi))
        .route("/docs", get(health::docs))
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(from_fn_with_state(Arc::clone(&edge), around))
        .with_state(edge)
}

async fn not_found(request: Request) -> Box<Problem> {
    let detail = format!(
        "there is no `{}`; /docs lists what there is",
        request.uri().path().chars().take(200).collect::<String>()
    );
    Problem::new(StatusCode::NOT_FOUND, "no_such_route", detail)
}

async fn method_not_allowed(request: Request) -> Box<Problem> {
    let detail =
        format!("{} is not possible here; the header Allow lists what is", request.method());
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail)
}

/// Does a change to its end although the client may go away: between the tables and what is in memory it
/// must not be broken off.
pub(crate) async fn unbroken<T: Send + 'static>(
    change: impl Future<Output = Result<T, AppError>> + Send + 'static,
) -> Result<T, AppError> {
    tokio::spawn(change).await.expect("a change does not panic")
}

/// An answer of finished JSON text.
pub(crate) fn json_text(text: impl Into<Body>) -> Response {
    let mut response = Response::new(text.into());
    response.headers_mut().insert(header::CONTENT_TYPE, JSON);
    response
}

/// An answer of a value as JSON.
pub(crate) fn json(value: &impl Serialize) -> Response {
    json_text(body_of(value))
}

/// A value as JSON text.
pub(crate) fn body_of(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("answers hold texts, numbers and lists only")
}

/// An answer without a body.
pub(crate) fn no_content() -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
}

/// A part of the path, percent-decoded; the router refuses what is not UTF-8.
pub(crate) type PathPart =
    Result<axum::extract::Path<String>, axum::extract::rejection::PathRejection>;

pub(crate) fn path_part(part: PathPart) -> Answer<String> {
    let problem = |_| {
        let detail = "the path is not UTF-8 once its %-escapes are decoded";
        Problem::new(StatusCode::BAD_REQUEST, "malformed_path", detail)
    };
    part.map(|axum::extract::Path(part)| part).map_err(problem)
}

/// The query, read strictly.
pub(crate) type QueryOf<T> =
    Result<axum::extract::Query<T>, axum::extract::rejection::QueryRejection>;

pub(crate) fn query_of<T>(query: QueryOf<T>) -> Answer<T> {
    query.map(|axum::extract::Query(query)| query).map_err(|rejection| {
        let text = rejection.body_text();
        let detail = text.strip_prefix("Failed to deserialize query string: ").unwrap_or(&text);
        let pointer = detail.split(": ").next().filter(|name| !name.contains(' '));
        Problem::field(pointer.unwrap_or_default().to_owned(), detail.to_owned())
    })
}
