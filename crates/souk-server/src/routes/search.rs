//! Search, suggestions, and what is searched for.

use std::sync::Arc;

use axum::extract::{Request, State};
use souk_app::{Operation, SearchQuery, merged_to_json, search_to_json, suggested_to_json};
use souk_core::SiteId;

use crate::dto::found::SearchAnswer;
use crate::dto::reports::{SearchReportAnswer, SearchReportParams};
use crate::dto::search::{
    SEARCHES_MAX, SearchBatchAnswer, SearchBatchBody, SearchBody, SuggestAnswer, SuggestParams,
    SynonymsBody, SynonymsParams,
};
use crate::edge::Edge;
use crate::json::Object;
use crate::problem::{Answer, Problem};
use crate::routes::segment::is_gpc;
use crate::routes::{QueryOf, json, json_text, no_content, query_of};

/// Bytes of one request; chosen: every list at its limit is a fraction of it.
const REQUEST_BYTES_MAX: usize = 256 << 10;
/// The same of several searches.
const BATCH_BYTES_MAX: usize = 1 << 20;

/// Searches for products, or browses them by a filter alone. The words are read as a shopper means them, and the
/// answer says how; an unknown shopper gets a non-personal answer.
#[utoipa::path(
    post,
    path = "/v1/search",
    tag = "Search",
    summary = "Search for products",
    request_body(content = SearchBody),
    responses((status = 200, description = "Best first.", body = SearchAnswer))
)]
pub(crate) async fn search(State(edge): State<Arc<Edge>>, request: Request) -> Answer {
    let (caller, call) = edge.admit(request, Operation::Search, REQUEST_BYTES_MAX).await?;
    let mut query = parse(&edge, call.json()?)?;
    query.is_gpc = is_gpc(&call.headers);
    let found = edge.app.search(&query, &caller).await?;
    Ok(json_text(search_to_json(&found)))
}

pub(crate) fn parse(edge: &Edge, body: SearchBody) -> Answer<SearchQuery> {
    let query = body.parse()?;
    if let Some(site) = &query.context.site {
        edge.check_site(site, "/site")?;
    }
    Ok(query)
}

/// Answers several searches at once, in their order or as one merged list: of a site, of several, or of parts of a page. One wrong search
/// refuses them all. It counts for the rate limit as so many requests.
#[utoipa::path(
    post,
    path = "/v1/search/batch",
    tag = "Search",
    summary = "Search for products, several searches at once",
    request_body(content = SearchBatchBody),
    responses((status = 200, description = "In the order of the searches.", body = SearchBatchAnswer))
)]
pub(crate) async fn batch(State(edge): State<Arc<Edge>>, request: Request) -> Answer {
    let (caller, call) = edge.admit(request, Operation::Search, BATCH_BYTES_MAX).await?;
    let body: SearchBatchBody = call.json()?;
    if body.searches.len() > SEARCHES_MAX {
        let detail = format!("{} searches; the limit is {SEARCHES_MAX}", body.searches.len());
        return Err(Problem::field("/searches", detail).with_code("too_many_items"));
    }
    edge.check_batch(&caller, &call, body.searches.len())?;
    let mut queries = Vec::with_capacity(body.searches.len());
    for (idx, Object(body)) in body.searches.into_iter().enumerate() {
        let below = |problem: Box<Problem>| problem.below(&format!("/searches/{idx}"));
        let mut query = parse(&edge, body).map_err(below)?;
        query.is_gpc = is_gpc(&call.headers);
        queries.push(query);
    }
    let below = |(idx, error)| Box::<Problem>::from(error).below(&format!("/searches/{idx}"));
    if let Some(Object(merge)) = body.merge {
        let merge = merge.parse(&queries)?;
        let found = edge.app.search_merged((&queries, &merge), &caller).await.map_err(below)?;
        return Ok(json_text(merged_to_json(&found)));
    }
    let found = edge.app.search_all(&queries, &caller).await.map_err(below)?;
    let answers: Vec<String> = found.iter().map(search_to_json).collect();
    Ok(json_text(format!("{{\"answers\":[{}]}}", answers.join(","))))
}

/// What is searched for and what becomes of it: the queries asked most, those that found nothing, or those of which
/// nothing was opened. Only queries of many people are told.
#[utoipa::path(
    get,
    path = "/v1/search/analytics",
    tag = "Reports",
    summary = "See what is searched for",
    params(SearchReportParams),
    responses(
        (status = 200, description = "Figures of the days asked for.", body = SearchReportAnswer),
        (status = 422, description = "The days are none, or too many.")
    )
)]
pub(crate) async fn analytics(
    State(edge): State<Arc<Edge>>,
    query: QueryOf<SearchReportParams>,
    request: Request,
) -> Answer {
    let (caller, _) = edge.admit(request, Operation::ReadReports, REQUEST_BYTES_MAX).await?;
    let query = query_of(query)?.parse()?;
    if let Some(site) = &query.site {
        edge.check_site(site, "site")?;
    }
    let report = edge.app.search_report(&query, &caller).await?;
    Ok(json(&SearchReportAnswer::from(report)))
}

/// Suggests queries, categories, brands and products while a shopper types; the same to everybody but for what the shopper
/// searched for.
#[utoipa::path(
    get,
    path = "/v1/search/suggest",
    tag = "Search",
    summary = "Suggest what to search for",
    params(SuggestParams),
    responses((status = 200, description = "Each kind best first.", body = SuggestAnswer))
)]
pub(crate) async fn suggest(
    State(edge): State<Arc<Edge>>,
    query: QueryOf<SuggestParams>,
    request: Request,
) -> Answer {
    let (caller, call) = edge.admit(request, Operation::Search, REQUEST_BYTES_MAX).await?;
    let mut query = query_of(query)?.parse()?;
    if let Some(site) = &query.site {
        edge.check_site(site, "/site")?;
    }
    query.is_gpc = is_gpc(&call.headers);
    Ok(json_text(suggested_to_json(&edge.app.suggest(&query, &caller).await?)))
}

/// The words that mean the same on a site.
#[utoipa::path(
    get,
    path = "/v1/search/synonyms",
    tag = "Search",
    summary = "Read the synonyms",
    params(SynonymsParams),
    responses((status = 200, description = "As they were put.", body = SynonymsBody))
)]
pub(crate) async fn synonyms(
    State(edge): State<Arc<Edge>>,
    query: QueryOf<SynonymsParams>,
    request: Request,
) -> Answer {
    let (caller, _) = edge.admit(request, Operation::ReadRules, REQUEST_BYTES_MAX).await?;
    let site = site_of(&edge, query)?;
    let synonyms = edge.app.synonyms(&site, &caller)?;
    Ok(json(&SynonymsBody { synonyms }))
}

/// Puts synonyms in the place of those of a site; they hold for every search after the answer. One that is wrong
/// refuses them all.
#[utoipa::path(
    put,
    path = "/v1/search/synonyms",
    tag = "Search",
    summary = "Replace the synonyms",
    params(SynonymsParams),
    request_body(content = SynonymsBody),
    responses((status = 204, description = "They hold."))
)]
pub(crate) async fn put_synonyms(
    State(edge): State<Arc<Edge>>,
    query: QueryOf<SynonymsParams>,
    request: Request,
) -> Answer {
    let limit = edge.config.limits.body_bytes_max;
    let (caller, call) = edge.admit(request, Operation::WriteRules, limit).await?;
    let site = site_of(&edge, query)?;
    let body: SynonymsBody = call.json()?;
    edge.app.put_synonyms((&site, body.synonyms), &caller).await?;
    Ok(no_content())
}

fn site_of(edge: &Edge, query: QueryOf<SynonymsParams>) -> Answer<SiteId> {
    let site = query_of(query)?.parse()?;
    if let Some(site) = &site {
        edge.check_site(site, "/site")?;
    }
    Ok(site.unwrap_or_else(|| edge.app.config().main_site()))
}
