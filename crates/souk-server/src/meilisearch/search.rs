//! Searches, alone and several at once.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::{Path, Request, State};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use souk_app::{Caller, FoundProduct, Operation, SearchFound, SearchQuery};
use souk_core::SiteId;
use souk_search::{Facet, SearchRequest};

use super::document;
use super::error::{Meili, MeiliError};
use super::federation::{Federation, Part, merged};
use super::format::{Find, Format, matches};
use super::query::{FacetSearchBody, REACHED_MAX, SearchBody, Window, facet};
use super::{admit, site_of};
use crate::edge::Edge;
use crate::routes::json;

/// Searches in one call; chosen: InstantSearch sends one for each refined facet.
const SEARCHES_MAX: usize = 20;

/// `POST /indexes/{uid}/search`
pub(crate) async fn post(
    State(edge): State<Arc<Edge>>,
    Path(index): Path<String>,
    request: Request,
) -> Meili {
    let (caller, call) = admit(&edge, request, Operation::Search).await?;
    let body: SearchBody = crate::json::parse_object(&call.body)?;
    let site = site_of(&edge, &index)?;
    Ok(json(&search(&edge, (&site, &body), &caller).await?))
}

/// `GET /indexes/{uid}/search`
pub(crate) async fn get(
    State(edge): State<Arc<Edge>>,
    Path(index): Path<String>,
    request: Request,
) -> Meili {
    let body = SearchBody::of_url(request.uri());
    let (caller, _) = admit(&edge, request, Operation::Search).await?;
    let site = site_of(&edge, &index)?;
    Ok(json(&search(&edge, (&site, &body?), &caller).await?))
}

/// Several searches.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Several {
    queries: Vec<SearchBody>,
    #[serde(default)]
    federation: Option<crate::json::Object<Federation>>,
}

/// `POST /multi-search`
pub(crate) async fn several(State(edge): State<Arc<Edge>>, request: Request) -> Meili {
    let (caller, call) = admit(&edge, request, Operation::Search).await?;
    let Several { queries, federation } = crate::json::parse_object(&call.body)?;
    if queries.len() > SEARCHES_MAX {
        let message = format!("{} queries; the limit is {SEARCHES_MAX}", queries.len());
        return Err(MeiliError::new("bad_request", message));
    }
    edge.check_batch(&caller, &call, queries.len())?;
    if let Some(crate::json::Object(federation)) = federation {
        let indexes: Vec<String> =
            queries.iter().map(|body| body.index_uid.clone().unwrap_or_default()).collect();
        let parts = queries.into_iter().zip(&indexes).enumerate().map(|(place, (body, index))| {
            let site = site_of(&edge, index).map_err(|error| error.inside(place))?;
            Ok(Part { index, site, body })
        });
        let parts = parts.collect::<Meili<Vec<Part<'_>>>>()?;
        return Ok(json(&merged(&edge, (&federation, parts), &caller).await?));
    }
    let mut results = Vec::with_capacity(queries.len());
    for (place, body) in queries.iter().enumerate() {
        let inside = |error: Box<MeiliError>| error.inside(place);
        let index = body.index_uid.as_deref().unwrap_or_default();
        let site = site_of(&edge, index).map_err(inside)?;
        let found = search(&edge, (&site, body), &caller).await.map_err(inside)?;
        let mut result = Map::new();
        result.insert("indexUid".to_owned(), index.into());
        result.extend(found);
        results.push(Value::Object(result));
    }
    Ok(json(&json!({ "results": results })))
}

/// `POST /indexes/{uid}/facet-search`
pub(crate) async fn facet_search(
    State(edge): State<Arc<Edge>>,
    Path(index): Path<String>,
    request: Request,
) -> Meili {
    let (caller, call) = admit(&edge, request, Operation::Search).await?;
    let body: FacetSearchBody = crate::json::parse_object(&call.body)?;
    let site = site_of(&edge, &index)?;
    let started = Instant::now();
    let found = edge.app.search(&body.query(&site)?, &caller).await.map_err(refused)?;
    let hits = found.facets.first().map(|facet| facet.values.as_slice()).unwrap_or_default();
    let hits: Vec<Value> =
        hits.iter().map(|one| json!({"value": one.value, "count": one.count})).collect();
    Ok(json(&json!({
        "facetHits": hits,
        "facetQuery": body.facet_query,
        "processingTimeMs": ms(started.elapsed()),
    })))
}

/// A refused search, under the code of what is wrong with it.
fn refused(error: souk_app::AppError) -> Box<MeiliError> {
    let field = match &error {
        souk_app::AppError::Invalid { errors, .. } => errors.first().map(|one| one.pointer.clone()),
        _ => None,
    };
    match field.as_deref() {
        Some("/sort") => MeiliError::new("invalid_search_sort", error.to_string()),
        _ => error.into(),
    }
}

async fn search(
    edge: &Edge,
    (site, body): (&SiteId, &SearchBody),
    caller: &Caller,
) -> Meili<Map<String, Value>> {
    let started = Instant::now();
    let mut query = body.query(site)?;
    if body.counts_all() {
        let names = edge.app.countable_fields(site)?.into_iter().take(SearchRequest::FACETS_MAX);
        query.facets = names.map(facet).collect();
    }
    let window = body.window();
    let found = reach(edge, (&query, window), caller).await?;
    let hits = hits(edge, (body, &query), &found)?;
    let mut answer = Map::new();
    let mut put = |name: &str, value: Value| {
        answer.insert(name.to_owned(), value);
    };
    put("hits", hits.into());
    put("query", body.q.clone().unwrap_or_default().into());
    put("processingTimeMs", ms(started.elapsed()).into());
    let total = found.total.min(REACHED_MAX);
    match window {
        Window::From { offset, limit } => {
            put("limit", limit.into());
            put("offset", offset.into());
            put("estimatedTotalHits", total.into());
        }
        Window::Page { number, hits } => {
            put("hitsPerPage", hits.into());
            put("page", number.into());
            put("totalPages", total.div_ceil(hits.max(1)).min(total).into());
            put("totalHits", total.into());
        }
    }
    if body.facets.is_some() {
        let [distribution, stats] = distributions(&found.facets);
        put("facetDistribution", distribution);
        put("facetStats", stats);
    }
    Ok(answer)
}

/// Searches until the window is reached: our own pages are read with cursors.
pub(super) async fn reach(
    edge: &Edge,
    (query, window): (&SearchQuery, Window),
    caller: &Caller,
) -> Meili<SearchFound> {
    let (offset, limit) = window.bounds();
    let end = offset + limit;
    let page = |cursor: Option<String>, got: usize| SearchQuery {
        limit: (end - got).clamp(1, SearchQuery::LIMIT_MAX),
        cursor,
        ..query.clone()
    };
    let mut found = edge.app.search(&page(None, 0), caller).await.map_err(refused)?;
    while found.hits.len() < end
        && let Some(cursor) = found.cursor.take()
    {
        let next = page(Some(cursor), found.hits.len());
        let more = edge.app.search(&next, caller).await.map_err(refused)?;
        if more.hits.is_empty() {
            break;
        }
        found.hits.extend(more.hits);
        found.cursor = more.cursor;
    }
    found.hits.truncate(end);
    found.hits.drain(..offset.min(found.hits.len()));
    Ok(found)
}

pub(super) fn hits(
    edge: &Edge,
    (body, query): (&SearchBody, &SearchQuery),
    found: &SearchFound,
) -> Meili<Vec<Value>> {
    let format = Format::of(body);
    let document = |hit: &FoundProduct| {
        let product = serde_json::from_str(&hit.product).unwrap_or_default();
        let mut whole = document::of_json(product);
        if let Some(nearest) = &hit.nearest {
            whole.insert("_geoDistance".to_owned(), ((nearest.km * 1_000.0).round() as u64).into());
        }
        let shown = match &body.attributes_to_retrieve {
            Some(fields) => document::only(&whole, fields),
            None => whole.clone(),
        };
        (whole, shown)
    };
    let documents = found.hits.iter().map(document);
    let documents: Vec<(Map<String, Value>, Map<String, Value>)> = documents.collect();
    let finish = |find: Find<'_>| {
        let whole = documents.into_iter().zip(&found.hits).map(|((whole, mut shown), hit)| {
            let mut put = |name: &str, value| shown.insert(name.to_owned(), value);
            if body.show_ranking_score == Some(true) {
                put("_rankingScore", hit.fit.into());
            }
            if body.show_matches_position == Some(true) {
                put("_matchesPosition", matches(&whole, find).into());
            }
            if let Some(format) = &format {
                let formatted = format.document(&shown, find);
                shown.insert("_formatted".to_owned(), Value::Object(formatted));
            }
            Value::Object(shown)
        });
        whole.collect()
    };
    if format.is_none() && body.show_matches_position != Some(true) {
        return Ok(finish(&|_| Vec::new()));
    }
    Ok(edge.app.with_found_words((query, found), finish)?)
}

/// How often each value of facets was found, and how their numbers spread.
pub(super) fn distributions(facets: &[Facet]) -> [Value; 2] {
    [facets.iter().map(distribution).collect(), facets.iter().filter_map(spread).collect()]
}

fn distribution(facet: &Facet) -> (String, Value) {
    let counts: Map<String, Value> =
        facet.values.iter().map(|one| (one.value.clone(), one.count.into())).collect();
    (facet.field.clone(), Value::Object(counts))
}

fn spread(facet: &Facet) -> Option<(String, Value)> {
    let numbers = facet.numbers.as_ref()?;
    Some((facet.field.clone(), json!({"min": numbers.min, "max": numbers.max})))
}

pub(super) fn ms(took: Duration) -> u64 {
    u64::try_from(took.as_millis()).unwrap_or(u64::MAX)
}
