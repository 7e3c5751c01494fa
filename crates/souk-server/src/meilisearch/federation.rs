//! Several searches whose hits become one list.
//!
//! Meilisearch multiplies ranking scores with weights. Souk's scores of two searches cannot be held against each other,
//! so places are weighed instead ([`souk_app::merge_places`]), and `weightedRankingScore` is what they are worth.

use std::collections::BTreeMap;
use std::time::Instant;

use serde::Deserialize;
use serde_json::{Map, Value, json};
use souk_app::{Caller, SearchFound, SearchQuery, merge_places};
use souk_core::SiteId;
use souk_search::{Facet, NumberFacet, SearchRequest};

use super::error::{Meili, MeiliError};
use super::query::{FACET_VALUES, REACHED_MAX, SearchBody, Window, facet};
use super::search::{distributions, hits, ms, reach};
use crate::edge::Edge;

/// Hits where the request does not say, as there.
const LIMIT_DEFAULT: usize = 20;

/// How the list is asked for.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(super) struct Federation {
    limit: Option<usize>,
    offset: Option<usize>,
    facets_by_index: Option<BTreeMap<String, Option<Vec<String>>>>,
    merge_facets: Option<MergeFacets>,
    page: Value,
    hits_per_page: Value,
    distinct: Value,
    show_performance_details: Value,
}

/// How the counts of several indexes become one.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct MergeFacets {
    max_values_per_facet: Option<usize>,
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

    /// What is to be counted of an index.
    fn facets_of(&self, index: &str) -> &[String] {
        let own = self.facets_by_index.as_ref().and_then(|all| all.get(index)?.as_deref());
        own.unwrap_or_default()
    }

    /// Refuses counts of an index that is not asked, or is asked by several queries: what two of them find is not added up.
    fn check_facets(&self, parts: &[Part<'_>]) -> Meili<()> {
        let wrong =
            |message: String| MeiliError::new("invalid_multi_search_facets_by_index", message);
        for (index, facets) in self.facets_by_index.iter().flatten() {
            let n_facets = facets.as_ref().map_or(0, Vec::len);
            let n_queries = parts.iter().filter(|part| part.index == index).count();
            if n_facets > SearchRequest::FACETS_MAX {
                let most = SearchRequest::FACETS_MAX;
                return Err(wrong(format!(
                    "`{index:.40}` has {n_facets} facets; the limit is {most}"
                )));
            }
            if n_facets > 0 && n_queries != 1 {
                let message = format!(
                    "`{index:.40}` is searched by {n_queries} queries; Souk counts the facets of an index that one query searches"
                );
                return Err(wrong(message));
            }
        }
        Ok(())
    }

    /// The counts as they are answered: by index, or all as one.
    fn counted(&self, counts: &[(&str, &[Facet])]) -> Map<String, Value> {
        let mut answer = Map::new();
        if self.facets_by_index.is_none() {
            return answer;
        }
        if let Some(merge) = &self.merge_facets {
            let most = merge.max_values_per_facet.unwrap_or(FACET_VALUES);
            let merged = merge_facets(counts.iter().flat_map(|(_, facets)| *facets), most);
            let [distribution, stats] = distributions(&merged);
            answer.insert("facetDistribution".to_owned(), distribution);
            answer.insert("facetStats".to_owned(), stats);
            return answer;
        }
        let by_index =
            counts.iter().filter(|(_, facets)| !facets.is_empty()).map(|(index, facets)| {
                let [distribution, stats] = distributions(facets);
                ((*index).to_owned(), json!({ "distribution": distribution, "stats": stats }))
            });
        answer.insert("facetsByIndex".to_owned(), Value::Object(by_index.collect()));
        answer
    }
}

/// Facets of the same name as one: counts are added up, the most frequent values first.
fn merge_facets<'a>(facets: impl Iterator<Item = &'a Facet>, n_values: usize) -> Vec<Facet> {
    let mut merged: Vec<Facet> = Vec::new();
    for facet in facets {
        let Some(known) = merged.iter_mut().find(|known| known.field == facet.field) else {
            merged.push(facet.clone());
            continue;
        };
        for value in &facet.values {
            match known.values.iter_mut().find(|known| known.value == value.value) {
                Some(known) => known.count += value.count,
                None => known.values.push(value.clone()),
            }
        }
        known.numbers = match (known.numbers.take(), facet.numbers.clone()) {
            (Some(left), Some(right)) => Some(NumberFacet {
                min: left.min.min(right.min),
                max: left.max.max(right.max),
                ranges: Vec::new(),
            }),
            (left, right) => left.or(right),
        };
    }
    for facet in &mut merged {
        facet.values.sort_by(|left, right| {
            right.count.cmp(&left.count).then_with(|| left.value.cmp(&right.value))
        });
        facet.values.truncate(n_values);
    }
    merged
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
    federation.check_facets(&parts)?;
    let limit = federation.limit.unwrap_or(LIMIT_DEFAULT);
    let offset = federation.offset.unwrap_or(0);
    let (offset, limit) = Window::From { offset, limit }.bounds();
    let window = Window::From { offset: 0, limit: offset + limit };
    let mut found: Vec<(f64, SearchQuery, SearchFound)> = Vec::with_capacity(parts.len());
    let mut bodies = Vec::with_capacity(parts.len());
    for (place, Part { index, site, mut body }) in parts.into_iter().enumerate() {
        let inside = |error: Box<MeiliError>| error.inside(place);
        let weight = weight_of(&mut body).map_err(inside)?;
        let mut query = body.query(&site).map_err(inside)?;
        query.facets = federation.facets_of(index).iter().cloned().map(facet).collect();
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
    let counts = found.iter().zip(&bodies);
    let counts: Vec<(&str, &[Facet])> =
        counts.map(|((_, _, one), (index, ..))| (*index, one.facets.as_slice())).collect();
    let mut answer = federation.counted(&counts);
    let mut put = |name: &str, value: Value| answer.insert(name.to_owned(), value);
    put("hits", page.into());
    put("processingTimeMs", ms(started.elapsed()).into());
    put("limit", limit.into());
    put("offset", offset.into());
    put("estimatedTotalHits", total.min(REACHED_MAX).into());
    Ok(Value::Object(answer))
}
