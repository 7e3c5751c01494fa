//! A search as Meilisearch's clients ask for it.

use axum::http::Uri;
use serde::Deserialize;
use serde_json::Value;
use souk_app::{AroundQuery, RecommendContext, SearchQuery};
use souk_core::{Filter, GeoPoint, SiteId};
use souk_search::{FacetRequest, SearchRequest, SortBy, Structure, Typing, Wanted};

use super::answer::Pairs;
use super::error::{Meili, MeiliError};
use super::filter::{self, Radius};

/// Hits that can be reached at all: Meilisearch's `maxTotalHits`.
pub(crate) const REACHED_MAX: usize = 1_000;
/// Bytes of a query, beyond which the words are left off, as Meilisearch leaves off those after the tenth.
const QUERY_CHARS_MAX: usize = 512;

/// The body of a search.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct SearchBody {
    pub(crate) index_uid: Option<String>,
    pub(crate) q: Option<String>,
    pub(crate) offset: Option<usize>,
    pub(crate) limit: Option<usize>,
    pub(crate) page: Option<usize>,
    pub(crate) hits_per_page: Option<usize>,
    filter: Value,
    pub(crate) facets: Option<Vec<String>>,
    pub(crate) attributes_to_retrieve: Option<Vec<String>>,
    pub(crate) attributes_to_highlight: Option<Vec<String>>,
    pub(crate) attributes_to_crop: Option<Vec<String>>,
    pub(crate) crop_length: Option<usize>,
    pub(crate) crop_marker: Option<String>,
    pub(crate) highlight_pre_tag: Option<String>,
    pub(crate) highlight_post_tag: Option<String>,
    sort: Option<Vec<String>>,
    matching_strategy: Option<String>,
    locales: Option<Vec<String>>,
    attributes_to_search_on: Option<Vec<String>>,
    pub(crate) show_matches_position: Option<bool>,
    pub(crate) show_ranking_score: Option<bool>,
    show_ranking_score_details: Option<bool>,
    ranking_score_threshold: Option<f64>,
    retrieve_vectors: Option<bool>,
    distinct: Option<String>,
    hybrid: Value,
    vector: Value,
    media: Value,
    personalize: Value,
    pub(crate) federation_options: Value,
}

/// Which hits are wanted, and how that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Window {
    /// `offset` and `limit`.
    From { offset: usize, limit: usize },
    /// `page` and `hitsPerPage`.
    Page { number: usize, hits: usize },
}

impl Window {
    /// The first hit, and how many.
    pub(crate) fn bounds(self) -> (usize, usize) {
        let (offset, limit) = match self {
            Window::From { offset, limit } => (offset, limit),
            Window::Page { number: 0, .. } => (0, 0),
            Window::Page { number, hits } => ((number - 1).saturating_mul(hits), hits),
        };
        let offset = offset.min(REACHED_MAX);
        (offset, limit.min(REACHED_MAX - offset))
    }
}

impl SearchBody {
    /// Reads the parameters of `GET …/search`.
    pub(crate) fn of_url(uri: &Uri) -> Meili<SearchBody> {
        const KNOWN: [&str; 19] = [
            "q",
            "offset",
            "limit",
            "page",
            "hitsPerPage",
            "filter",
            "facets",
            "attributesToRetrieve",
            "attributesToHighlight",
            "attributesToCrop",
            "cropLength",
            "cropMarker",
            "highlightPreTag",
            "highlightPostTag",
            "sort",
            "matchingStrategy",
            "showMatchesPosition",
            "showRankingScore",
            "distinct",
        ];
        let pairs = Pairs::of(uri);
        if let Some(unknown) = pairs.names().find(|name| !KNOWN.contains(name)) {
            let shown: String = unknown.chars().take(80).collect();
            return Err(MeiliError::not_supported(format!("the parameter `{shown}` of a search")));
        }
        let count = |name: &str| -> Meili<Option<usize>> {
            pairs.text(name).map(|_| pairs.number(name, 0)).transpose()
        };
        let text = |name: &str| pairs.text(name).map(str::to_owned);
        Ok(SearchBody {
            q: text("q"),
            offset: count("offset")?,
            limit: count("limit")?,
            page: count("page")?,
            hits_per_page: count("hitsPerPage")?,
            filter: pairs.text("filter").map_or(Value::Null, filter_of_url),
            facets: pairs.list("facets"),
            attributes_to_retrieve: pairs.list("attributesToRetrieve"),
            attributes_to_highlight: pairs.list("attributesToHighlight"),
            attributes_to_crop: pairs.list("attributesToCrop"),
            crop_length: count("cropLength")?,
            crop_marker: text("cropMarker"),
            highlight_pre_tag: text("highlightPreTag"),
            highlight_post_tag: text("highlightPostTag"),
            sort: pairs.list("sort").map(whole_points),
            matching_strategy: text("matchingStrategy"),
            show_matches_position: pairs.truth("showMatchesPosition")?,
            show_ranking_score: pairs.truth("showRankingScore")?,
            distinct: text("distinct"),
            ..SearchBody::default()
        })
    }

    /// Which hits are wanted.
    pub(crate) fn window(&self) -> Window {
        match (self.page, self.hits_per_page) {
            (None, None) => {
                let (offset, limit) = (self.offset.unwrap_or(0), self.limit.unwrap_or(20));
                Window::From { offset, limit }
            }
            (number, hits) => {
                Window::Page { number: number.unwrap_or(1), hits: hits.unwrap_or(20) }
            }
        }
    }

    /// The search that it asks for, without the window.
    pub(crate) fn query(&self, site: &SiteId) -> Meili<SearchQuery> {
        self.check_supported()?;
        let sorts: Vec<(SortBy, Option<GeoPoint>)> =
            self.sort.iter().flatten().map(|sort| sort_of(sort)).collect::<Meili<_>>()?;
        let mut points = sorts.iter().filter_map(|(_, point)| *point);
        let point = points.next();
        if points.any(|other| Some(other) != point) {
            let message = "Souk looks around one place; every `_geoPoint` must name the same";
            return Err(MeiliError::new("invalid_search_sort", message));
        }
        let facets: Vec<String> = self.facets.clone().unwrap_or_default();
        if facets.len() > SearchRequest::FACETS_MAX {
            let message =
                format!("{} facets; the limit is {}", facets.len(), SearchRequest::FACETS_MAX);
            return Err(MeiliError::new("invalid_search_facets", message));
        }
        let (filter, radius) = self.filter()?;
        let words: String = self.q.iter().flat_map(|q| q.chars()).take(QUERY_CHARS_MAX).collect();
        Ok(SearchQuery {
            filter,
            around: around(point, radius)?,
            facets: facets.into_iter().map(facet).collect(),
            distinct: self.distinct.clone(),
            sort: sorts.into_iter().map(|(sort, _)| sort).collect(),
            context: RecommendContext {
                site: Some(site.clone()),
                locale: self.locales.iter().flatten().next().cloned(),
                ..RecommendContext::default()
            },
            // The last word may be a beginning there, always; and no condition is read out of the words,
            // because the answer has no place to say so.
            typing: Typing::Going,
            wanted: match self.matching_strategy.as_deref() {
                Some("all") => Wanted::All,
                _ => Wanted::Most,
            },
            structure: Structure::Literal,
            ..SearchQuery::new(&words, 1)
        })
    }

    /// Whether every attribute is to be counted, as InstantSearch's dynamic widgets ask.
    pub(crate) fn counts_all(&self) -> bool {
        self.facets.iter().flatten().any(|facet| facet == "*")
    }

    /// The filter, in a form of which every condition counts for every facet: our own searches leave the conditions
    /// about a facet's field out in counting it.
    fn filter(&self) -> Meili<(Option<Filter>, Option<Radius>)> {
        let (Some(filter), radius) = filter::read(&self.filter)? else { return Ok((None, None)) };
        let whole = format!("({filter}) OR id NOT EXISTS");
        let whole = Filter::parse(&whole).map_err(|error| {
            MeiliError::new("invalid_search_filter", format!("Filter: {error}"))
        })?;
        Ok((Some(whole), radius))
    }

    fn check_supported(&self) -> Meili<()> {
        let is_all = |list: &Option<Vec<String>>| {
            list.as_ref().is_none_or(|list| list.iter().all(|one| one == "*"))
        };
        let strategy = self.matching_strategy.as_deref();
        let refused = [
            ("matchingStrategy", !matches!(strategy, None | Some("last" | "frequency" | "all"))),
            ("attributesToSearchOn", !is_all(&self.attributes_to_search_on)),
            ("showRankingScoreDetails", self.show_ranking_score_details == Some(true)),
            ("rankingScoreThreshold", self.ranking_score_threshold.is_some()),
            ("retrieveVectors", self.retrieve_vectors == Some(true)),
            ("hybrid", !self.hybrid.is_null()),
            ("vector", !self.vector.is_null()),
            ("media", !self.media.is_null()),
            ("personalize", !self.personalize.is_null()),
            ("federationOptions", !self.federation_options.is_null()),
        ];
        match refused.into_iter().find(|(_, is_asked)| *is_asked) {
            Some((name, _)) => {
                let value = strategy.filter(|_| name == "matchingStrategy");
                let value = value.map_or(String::new(), |value| format!(" (`{value:.20}`)"));
                Err(MeiliError::not_supported(format!("`{name}`{value} of a search")))
            }
            None => Ok(()),
        }
    }
}

/// Values of a facet: Meilisearch's `maxValuesPerFacet` where nobody sets it.
pub(crate) const FACET_VALUES: usize = 100;

/// What is counted of a facet.
pub(crate) fn facet(name: String) -> FacetRequest {
    FacetRequest { limit: FACET_VALUES, ..FacetRequest::new(name) }
}

/// A list in a URL was parted at every comma, also at the one within `_geoPoint(48.2,16.4):asc`.
fn whole_points(parts: Vec<String>) -> Vec<String> {
    let mut whole: Vec<String> = Vec::with_capacity(parts.len());
    for part in parts {
        match whole.last_mut() {
            Some(last) if last.starts_with(GEO_POINT) && !last.contains(')') => {
                last.push(',');
                last.push_str(&part);
            }
            _ => whole.push(part),
        }
    }
    whole
}

/// What an order by distance begins with.
const GEO_POINT: &str = "_geoPoint(";

/// An order, and the place that it begins at.
fn sort_of(text: &str) -> Meili<(SortBy, Option<GeoPoint>)> {
    let wrong = |why: String| MeiliError::new("invalid_search_sort", why);
    let Some(rest) = text.trim().strip_prefix(GEO_POINT) else {
        let sort = SortBy::parse(text).map_err(|error| wrong(error.to_string()))?;
        return Ok((sort, None));
    };
    let unread = || {
        let shown: String = text.chars().take(80).collect();
        wrong(format!("`{shown}` is no order; write `_geoPoint(48.2,16.37):asc`"))
    };
    let (point, order) = rest.split_once(')').ok_or_else(unread)?;
    let (latitude, longitude) = point.split_once(',').ok_or_else(unread)?;
    let number = |text: &str| text.trim().parse::<f64>().map_err(|_| unread());
    let point = GeoPoint::new(number(latitude)?, number(longitude)?);
    let sort = SortBy::parse(&format!("{}{order}", SortBy::DISTANCE)).map_err(|_| unread())?;
    Ok((sort, Some(point.map_err(|error| wrong(error.to_string()))?)))
}

/// The one place around which is looked: an order and a filter by distance must mean the same.
fn around(point: Option<GeoPoint>, radius: Option<Radius>) -> Meili<Option<AroundQuery>> {
    let radius_km = radius.map(|radius| radius.metres / 1_000.0);
    match (point, radius.map(|radius| radius.point)) {
        (Some(point), Some(center)) if point != center => {
            let message = "Souk looks around one place; `_geoPoint` and `_geoRadius` name two";
            Err(MeiliError::new("invalid_search_sort", message))
        }
        (point, center) => Ok(point.or(center).map(|point| AroundQuery { point, radius_km })),
    }
}

/// A filter in a URL is a text, or a list as JSON.
fn filter_of_url(text: &str) -> Value {
    let list = serde_json::from_str(text).ok().filter(Value::is_array);
    list.unwrap_or_else(|| text.into())
}

/// A search for values of a facet.
///
/// Fields that it does not have are passed over, as Meilisearch does on purpose: the adapter of InstantSearch sends all
/// parameters of the search on the page.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FacetSearchBody {
    pub(crate) facet_name: String,
    #[serde(default)]
    pub(crate) facet_query: Option<String>,
    #[serde(default)]
    q: Option<String>,
    #[serde(default)]
    filter: Value,
    #[serde(default)]
    matching_strategy: Option<String>,
    #[serde(default)]
    attributes_to_search_on: Option<Vec<String>>,
    #[serde(default)]
    locales: Option<Vec<String>>,
}

impl FacetSearchBody {
    /// The search whose facet is looked at.
    pub(crate) fn query(&self, site: &SiteId) -> Meili<SearchQuery> {
        let body = SearchBody {
            q: self.q.clone(),
            filter: self.filter.clone(),
            matching_strategy: self.matching_strategy.clone(),
            attributes_to_search_on: self.attributes_to_search_on.clone(),
            locales: self.locales.clone(),
            ..SearchBody::default()
        };
        let facet = FacetRequest {
            search: self.facet_query.clone().filter(|text| !text.is_empty()),
            ..facet(self.facet_name.clone())
        };
        Ok(SearchQuery { facets: vec![facet], ..body.query(site)? })
    }
}
