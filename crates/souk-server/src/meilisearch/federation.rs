//! Several searches whose hits become one list.
//!
//! Meilisearch multiplies ranking scores with weights. Souk's scores of two searches cannot be held against each other,
//! so places are weighed instead ([`souk_app::merge_places`]), and `weightedRankingScore` is what they are worth.

use std::time::Instant;

use serde::Deserialize;
use serde_json::{Map, Value, json};
use souk_app::{Caller, SearchFound, SearchQuery, merge_places};
use souk_core::SiteId;

use super::error::{Meili, MeiliError};
use super::query::{REACHED_MAX, SearchBody, Window};
use super::search::{hits, ms, reach};
use crate::edge::Edge;

/// Hits where the request does not say, as there.
const LIMIT_DEFAULT: usize = 20;

/// How the list is asked for.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(super) struct Federation {
    limit: Option<usize>,
    offset: Option<usize>,
    facets_by_index: Value,
    merge_facets: Value,
    page: Value,
    hits_per_page: Value,
    distinct: Value,
    show_performance_details: Value,
}

/// What one of the queries says of its part in the list.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct Options {
    weight: f64,
    query_position: Option<usize>,
    remote: Option<Value>,
}

impl Default for Options {
    fn default() -> Options {
        Options { weight: 1.0, query_position: None, remote: None }
    }
}

/// One of the searches.
pub(super) struct Part<'a> {
    pub(super) index: &'a str,
    pub(super) site: SiteId,
    pub(super) body: SearchBody,
}

impl Federation {
    fn check(&self) -> Meili<()> {
        let refused = [
            ("facetsByIndex", !is_empty(&self.facets_by_index)),
            ("mergeFacets", !self.merge_facets.is_null()),
            ("page", !self.page.is_null()),
            ("hitsPerPage", !self.hits_per_page.is_null()),
            ("distinct", !self.distinct.is_null()),
            ("showPerformanceDetails", self.show_performance_details == true),
        ];
        match refused.into_iter().find(|(_, is_asked)| *is_asked) {
            Some((name, _)) => Err(MeiliError::not_supported(format!("`federation.{name}`"))),
            None => Ok(()),
        }
    }
}

fn is_empty(value: &Value) -> bool {
    value.is_null() || value.as_object().is_some_and(Map::is_empty)
}

/// Reads the options of a query, and refuses what belongs to the list as a whole.
fn weight_of(body: &mut SearchBody) -> Meili<f64> {
    let wrong = |message: String| MeiliError::new("invalid_multi_search_weight", message);
    let has_page = [body.offset, body.limit, body.page, body.hits_per_page];
    if has_page.iter().any(Option::is_some) {
        let message = "a query of a federated search has no pages of its own; use `federation.offset` and \
                       `federation.limit`";
        return Err(MeiliError::new("invalid_multi_search_query_pagination", message));
    }
    if body.facets.as_ref().is_some_and(|facets| !facets.is_empty()) {
        let message =
            "Souk counts no facets of a federated search; ask for them in a search of their own";
        return Err(MeiliError::new("invalid_multi_search_query_facets", message));
    }
    let options = match std::mem::take(&mut body.federation_options) {
        Value::Null => Options::default(),
        options => serde_json::from_value(options)
            .map_err(|error| wrong(format!("`federationOptions`: {error}")))?,
    };
    if options.remote.is_some() || options.query_position.is_some() {
        return Err(MeiliError::not_supported(
            "`remote` and `queryPosition` of `federationOptions`",
        ));
    }
    match options.weight.is_finite() && options.weight >= 0.0 {
        true => Ok(options.weight),
        false => Err(wrong(format!("`weight` is {}; it must be at least 0", options.weight))),
    }
}

/// Answers the searches as one list.
pub(super) async fn merged(
    edge: &Edge,
    (federation, parts): (&Federation, Vec<Part<'_>>),
    caller: &Caller,
) -> Meili<Value> {
    let started = Instant::now();
    federation.check()?;
    let limit = federation.limit.unwrap_or(LIMIT_DEFAULT);
    let offset = federation.offset.unwrap_or(0);
    let (offset, limit) = Window::From { offset, limit }.bounds();
    let window = Window::From { offset: 0, limit: offset + limit };
    let mut found: Vec<(f64, SearchQuery, SearchFound)> = Vec::with_capacity(parts.len());
    let mut bodies = Vec::with_capacity(parts.len());
    for (place, Part { index, site, mut body }) in parts.into_iter().enumerate() {
        let inside = |error: Box<MeiliError>| error.inside(place);
        let weight = weight_of(&mut body).map_err(inside)?;
        let query = body.query(&site).map_err(inside)?;
        let one = reach(edge, (&query, window), caller).await.map_err(inside)?;
        found.push((weight, query, one));
        bodies.push((index, site, body));
    }
    let lists: Vec<_> = found
        .iter()
        .zip(&bodies)
        .map(|((weight, _, one), (_, site, _))| (site, one.hits.as_slice(), *weight))
        .collect();
    let total = found.iter().map(|(_, _, one)| one.total).sum::<usize>();
    let mut shown = Vec::with_capacity(found.len());
    for ((_, query, one), (_, _, body)) in found.iter().zip(&bodies) {
        shown.push(hits(edge, (body, query), one)?);
    }
    let page = merge_places(&lists).into_iter().skip(offset).take(limit);
    let page = page.map(|place| {
        let first = place.searches[0];
        let mut hit = std::mem::take(&mut shown[first][place.place]);
        hit["_federation"] = json!({
            "indexUid": bodies[first].0,
            "queriesPosition": first,
            "weightedRankingScore": place.score,
        });
        hit
    });
    let page: Vec<Value> = page.collect();
    Ok(json!({
        "hits": page,
        "processingTimeMs": ms(started.elapsed()),
        "limit": limit,
        "offset": offset,
        "estimatedTotalHits": total.min(REACHED_MAX),
    }))
}
