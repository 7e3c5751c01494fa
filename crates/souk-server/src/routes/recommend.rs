use std::sync::Arc;

use axum::extract::{Request, State};
use souk_app::{Operation, PAGE_PLACEMENTS_MAX, RecommendRequest};

use crate::dto::page::{PageAnswer, PageBody};
use crate::dto::recommend::{
    BATCH_MAX, LimitBounds, RecommendBatchAnswer, RecommendBatchBody, RecommendBody,
    RecommendationsAnswer, write_answer,
};
use crate::edge::Edge;
use crate::json::Object;
use crate::problem::{Answer, Problem};
use crate::routes::json_text;
use crate::routes::segment::is_gpc;

/// Bytes of one request; chosen: every list at its limit is a third of it.
const REQUEST_BYTES_MAX: usize = 1 << 20;
/// What an answer of ten products mostly takes; chosen, so that its text grows once at most.
const ANSWER_BYTES: usize = 4_096;

/// Recommends products for one shopper and place; an unknown shopper gets a non-personal answer.
#[utoipa::path(
    post,
    path = "/v1/recommendations",
    tag = "Recommendations",
    summary = "Recommend products",
    request_body(content = RecommendBody),
    responses((status = 200, description = "Best first.", body = RecommendationsAnswer))
)]
pub(crate) async fn recommend(State(edge): State<Arc<Edge>>, request: Request) -> Answer {
    let (caller, call) = edge.admit(request, Operation::Recommend, REQUEST_BYTES_MAX).await?;
    let body: RecommendBody = call.json()?;
    let mut request = parse_request(&edge, body)?;
    request.is_gpc = is_gpc(&call.headers);
    let answer = edge.app.recommend(&request, &caller).await?;
    let mut text = String::with_capacity(ANSWER_BYTES);
    write_answer(&answer, &mut text);
    Ok(json_text(text))
}

/// Answers several requests at once, in their order; one wrong request refuses them all. It counts for the rate limit as so
/// many requests.
#[utoipa::path(
    post,
    path = "/v1/recommendations/batch",
    tag = "Recommendations",
    summary = "Recommend products, many at once",
    request_body(content = RecommendBatchBody),
    responses((status = 200, description = "In the order of the requests.", body = RecommendBatchAnswer))
)]
pub(crate) async fn batch(State(edge): State<Arc<Edge>>, request: Request) -> Answer {
    let limit = edge.config.limits.body_bytes_max;
    let (caller, call) = edge.admit(request, Operation::Recommend, limit).await?;
    let body: RecommendBatchBody = call.json()?;
    if body.requests.len() > BATCH_MAX {
        let detail = format!("{} requests; the limit is {BATCH_MAX}", body.requests.len());
        return Err(Problem::field("/requests", detail).with_code("too_many_items"));
    }
    edge.check_batch(&caller, &call, body.requests.len())?;
    let mut requests = Vec::with_capacity(body.requests.len());
    for (idx, Object(body)) in body.requests.into_iter().enumerate() {
        let below = |problem: Box<Problem>| problem.below(&format!("/requests/{idx}"));
        let mut request = parse_request(&edge, body).map_err(below)?;
        request.is_gpc = is_gpc(&call.headers);
        requests.push(request);
    }
    let mut text = String::from("{\"responses\":[");
    for (idx, request) in requests.iter().enumerate() {
        if idx > 0 {
            text.push(',');
        }
        write_answer(&edge.app.recommend(request, &caller).await?, &mut text);
        // A thousand answers take a while; other requests must not wait for all of them.
        tokio::task::yield_now().await;
    }
    text.push_str("]}");
    Ok(json_text(text))
}

/// Answers the placements of one page in their order: no product is on the page twice, nor are two of
/// one title. It counts for the rate limit as so many requests.
#[utoipa::path(
    post,
    path = "/v1/recommendations/page",
    tag = "Recommendations",
    summary = "Recommend products for a whole page",
    request_body(content = PageBody),
    responses((status = 200, description = "In the order of the placements.", body = PageAnswer))
)]
pub(crate) async fn page(State(edge): State<Arc<Edge>>, request: Request) -> Answer {
    let limit = edge.config.limits.body_bytes_max;
    let (caller, call) = edge.admit(request, Operation::Recommend, limit).await?;
    let body: PageBody = call.json()?;
    let mut placements = Vec::new();
    for (idx, body) in body.placements().into_iter().enumerate() {
        let below = |problem: Box<Problem>| problem.below(&format!("/placements/{idx}"));
        let mut request = parse_request(&edge, body).map_err(below)?;
        request.is_gpc = is_gpc(&call.headers);
        placements.push(request);
        if placements.len() > PAGE_PLACEMENTS_MAX {
            break;
        }
    }
    edge.check_batch(&caller, &call, placements.len())?;
    let answers = edge.app.recommend_page(&placements, &caller).await?;
    let mut text = String::from("{\"placements\":[");
    for (idx, answer) in answers.iter().enumerate() {
        if idx > 0 {
            text.push(',');
        }
        write_answer(answer, &mut text);
    }
    text.push_str("]}");
    Ok(json_text(text))
}

/// Turns the shape of a request into one, or names every fault.
pub(crate) fn parse_request(edge: &Edge, body: RecommendBody) -> Answer<RecommendRequest> {
    let settings = &edge.app.config().recommendations;
    let count = |value| usize::try_from(value).unwrap_or(usize::MAX);
    let bounds =
        LimitBounds { default: count(settings.limit_default), max: count(settings.limit_max) };
    let request = body.parse(bounds)?;
    if let Some(site) = &request.context.site {
        edge.check_site(site, "/context/site")?;
    }
    Ok(request)
}
