use serde::{Deserialize, Serialize};
use souk_app::{
    AroundQuery, Merge, RecommendContext, SearchMode, SearchQuery, SuggestQuery, SynonymSet,
};
use souk_core::{Channel, Filter, GeoPoint, LocationId, SiteId};
use souk_search::{FacetRequest, SortBy, Structure, SuggestRequest, Typing};
use utoipa::{IntoParams, ToSchema};

use crate::dto::common::Faults;
use crate::dto::found::{HighlightsAnswer, MergedAnswer, SearchAnswer};
use crate::dto::recommend::ChannelName;
use crate::problem::{Answer, Problem};

/// Hits of a page where the request does not say; chosen: two rows of a shop's page.
const LIMIT_DEFAULT: usize = 10;
/// Characters of a query that are accepted; no more than a few words of them count.
const QUERY_CHARS_MAX: usize = 512;
/// Characters of a placement or language; chosen.
const TEXT_CHARS_MAX: usize = 250;
/// Facets of one request; chosen: more than a page has room for.
const FACETS_MAX: usize = 20;
/// Bounds of the ranges of one facet; chosen.
const BOUNDS_MAX: usize = 100;

/// A search.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SearchBody {
    /// What the shopper typed; left out or empty, everything that the filter lets through is browsed.
    #[serde(default)]
    #[schema(max_length = 512)]
    query: Option<String>,
    /// What hits must satisfy: `price <= 20 AND brand = 'Private'`.
    #[serde(default)]
    filter: Option<String>,
    /// Fields to be counted: names, or objects that say how.
    #[serde(default)]
    #[schema(max_items = 20)]
    facets: Option<Vec<FacetBody>>,
    /// `price:asc`, `published_at:desc`, any field with numbers; `distance:asc` from the place in `around`. Several,
    /// separated by commas (`rating:desc,price:asc`), each order what is equal by those before. Left out, the best come first.
    #[serde(default)]
    sort: Option<String>,
    /// A place from which each hit says how far off it can be had, and around which hits are looked for.
    #[serde(default)]
    #[schema(value_type = Option<AroundBody>)]
    around: Option<crate::json::Object<AroundBody>>,
    /// Hits of one page.
    #[serde(default, deserialize_with = "crate::json::whole_number")]
    #[schema(minimum = 1, maximum = 100, default = 10)]
    limit: Option<u32>,
    /// `cursor` of the page before.
    #[serde(default)]
    cursor: Option<String>,
    /// The shop's name for the shopper. A browser key is believed only with a shopper token.
    #[serde(default)]
    user_id: Option<String>,
    /// The browser's name for the shopper.
    #[serde(default)]
    anonymous_id: Option<String>,
    /// The language of the query, an IETF tag; without it the site's.
    #[serde(default)]
    #[schema(max_length = 250)]
    locale: Option<String>,
    /// `lexical` goes by words; `auto` by what they mean too, where a model is installed; `semantic` by meaning alone,
    /// and is refused where none is. An order by a number, and a query that is still being typed, go by words unless
    /// `semantic` is asked for.
    #[serde(default)]
    mode: Option<ModeName>,
    /// Whether to say what each score is made of; not for browser keys, for it tells what sells.
    #[serde(default)]
    explain: Option<bool>,
    /// Where on the page the answer goes, for rules; `search` where it is left out.
    #[serde(default)]
    #[schema(max_length = 250)]
    placement: Option<String>,
    /// Where the shopper is.
    #[serde(default)]
    channel: Option<ChannelName>,
    /// Whose products; without it the first site's.
    #[serde(default)]
    site: Option<String>,
    /// Whose stock, for what rules bring in.
    #[serde(default)]
    location_id: Option<String>,
    /// Whether the shopper is still typing: then the last word may be a beginning, and nothing is recorded.
    #[serde(default)]
    typing: Option<bool>,
    /// Whether conditions are read out of the words; `false` undoes what `filters_understood` says: the words
    /// of conditions are not looked for either, unless there are no others.
    #[serde(default)]
    understand: Option<bool>,
}

/// A place, and how far off hits may be. A product can be had where a location has counted stock of it whose settings say
/// where it is, and where it is itself (its attributes `_geo.lat` and `_geo.lng`).
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AroundBody {
    /// Degrees north of the equator.
    #[schema(minimum = -90, maximum = 90, example = 48.2082)]
    lat: f64,
    /// Degrees east of Greenwich.
    #[schema(minimum = -180, maximum = 180, example = 16.3738)]
    lon: f64,
    /// Kilometres; left out, hits may be anywhere, and also nowhere.
    #[serde(default)]
    #[schema(exclusive_minimum = 0, maximum = 20100)]
    radius_km: Option<f64>,
}

/// Kilometres from which a radius holds the whole earth.
const RADIUS_KM_MAX: f64 = 20_100.0;

impl AroundBody {
    fn parse(self, faults: &mut Faults) -> Option<AroundQuery> {
        if let Some(radius) =
            self.radius_km.filter(|radius| *radius <= 0.0 || *radius > RADIUS_KM_MAX)
        {
            let detail = format!("is {radius}; it must be above 0 and at most {RADIUS_KM_MAX}");
            faults.add("/around/radius_km", detail);
        }
        match GeoPoint::new(self.lat, self.lon) {
            Ok(point) => Some(AroundQuery { point, radius_km: self.radius_km }),
            Err(error) => {
                let pointer = if error.field == "latitude" { "/around/lat" } else { "/around/lon" };
                faults.add(pointer, error.to_string());
                None
            }
        }
    }
}

/// Searches that one request may have; chosen: a page has no more lists.
pub(crate) const SEARCHES_MAX: usize = 10;

/// Several searches.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SearchBatchBody {
    /// Each as if it came alone.
    #[schema(value_type = Vec<SearchBody>, max_items = 10)]
    pub(crate) searches: Vec<crate::json::Object<SearchBody>>,
    /// Whether their hits become one list, and how.
    #[serde(default)]
    #[schema(value_type = Option<MergeBody>)]
    pub(crate) merge: Option<crate::json::Object<MergeBody>>,
}

/// One list of the hits of all searches: a hit in place *r* of a search is worth its weight / log2(*r* + 1), and a product
/// that several found the sum. How many hits of a search come in is its own `limit`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MergeBody {
    /// What the places of each search are worth, in the order of the searches; 1 for those that have none. At 2 the third
    /// of one stands beside the first of another.
    #[serde(default)]
    #[schema(max_items = 10, example = json!([1.0, 0.5]))]
    weights: Vec<f64>,
    /// Hits of one page.
    #[serde(default, deserialize_with = "crate::json::whole_number")]
    #[schema(minimum = 1, maximum = 100, default = 10)]
    limit: Option<u32>,
    /// Hits before them.
    #[serde(default, deserialize_with = "crate::json::whole_number")]
    #[schema(minimum = 0, maximum = 1000, default = 0)]
    offset: Option<u32>,
}

/// The highest weight of a search in a merged list; chosen.
const WEIGHT_MAX: f64 = 100.0;
/// Hits of a merged list: ten searches of a hundred.
const MERGED_MAX: usize = SEARCHES_MAX * SearchQuery::LIMIT_MAX;

impl MergeBody {
    /// Turns the shape into a merge of these searches, or names every fault.
    pub(crate) fn parse(self, queries: &[SearchQuery]) -> Answer<Merge> {
        let mut faults = Faults::default();
        let limit = self.limit.map_or(LIMIT_DEFAULT, |limit| limit as usize);
        if !(1..=SearchQuery::LIMIT_MAX).contains(&limit) {
            let most = SearchQuery::LIMIT_MAX;
            faults
                .add("/merge/limit", format!("limit is {limit}; it must be between 1 and {most}"));
        }
        let offset = self.offset.map_or(0, |offset| offset as usize);
        if offset > MERGED_MAX {
            faults.add("/merge/offset", format!("offset is {offset}; the limit is {MERGED_MAX}"));
        }
        let (n, n_weights) = (queries.len(), self.weights.len());
        if n_weights > n {
            let detail = format!("{n_weights} weights of {n} searches; give one for each");
            faults.add("/merge/weights", detail);
        }
        for (idx, weight) in self.weights.iter().enumerate() {
            if !(0.0..=WEIGHT_MAX).contains(weight) {
                let detail = format!("is {weight}; it must be between 0 and {WEIGHT_MAX}");
                faults.add(format!("/merge/weights/{idx}"), detail);
            }
        }
        for (idx, _) in queries.iter().enumerate().filter(|(_, query)| query.cursor.is_some()) {
            let detail = "is there, and the pages of a merged list are told by `merge.offset`";
            faults.add(format!("/searches/{idx}/cursor"), detail.to_owned());
        }
        match faults.found.is_empty() {
            true => Ok(Merge { weights: self.weights, limit, offset }),
            false => Err(Problem::invalid(faults.found)),
        }
    }
}

/// Several answers.
#[derive(Debug, ToSchema)]
#[allow(dead_code, reason = "documents what the route writes")]
pub(crate) struct SearchBatchAnswer {
    /// In the order of the searches; without hits where these are merged.
    answers: Vec<SearchAnswer>,
    /// The one list that was asked for.
    #[schema(required = false)]
    merged: MergedAnswer,
}

/// A field to be counted.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum FacetBody {
    /// The twenty most frequent values.
    Name(String),
    /// As the object says.
    Asked(FacetAsked),
}

/// How a field is to be counted.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FacetAsked {
    /// A field as filters name it.
    field: String,
    /// Values, the most frequent first.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 1000, default = 20)]
    limit: Option<u32>,
    /// Only values of which a word begins with this.
    #[serde(default)]
    #[schema(max_length = 250)]
    search: Option<String>,
    /// Bounds of ranges to count in, rising; without them some that suit the numbers.
    #[serde(default)]
    #[schema(max_items = 100)]
    bounds: Option<Vec<f64>>,
}

names_of! {
    SearchMode:
    /// By what hits are found.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
    #[serde(rename_all = "snake_case")]
    ModeName {
        Auto,
        Lexical,
        Semantic,
    }
}

impl SearchBody {
    /// Turns the shape into a search, or names every fault.
    pub(crate) fn parse(self) -> Answer<SearchQuery> {
        let mut faults = Faults::default();
        let limit = self.limit.map_or(LIMIT_DEFAULT, |limit| limit as usize);
        if !(1..=SearchQuery::LIMIT_MAX).contains(&limit) {
            let most = SearchQuery::LIMIT_MAX;
            faults.add("/limit", format!("limit is {limit}; it must be between 1 and {most}"));
        }
        let texts = [
            ("/query", &self.query, QUERY_CHARS_MAX),
            ("/placement", &self.placement, TEXT_CHARS_MAX),
            ("/locale", &self.locale, TEXT_CHARS_MAX),
        ];
        for (pointer, text, most) in texts {
            let length = text.as_ref().map_or(0, |text| text.chars().count());
            if length > most {
                faults.add(pointer, format!("{length} characters; the limit is {most}"));
            }
        }
        let facets = facets(&mut faults, self.facets.unwrap_or_default());
        let sort = self.sort.as_deref().map(SortBy::parse_all).transpose();
        let sort = sort.map_err(|error| faults.add("/sort", error.to_string())).ok().flatten();
        let sort = sort.unwrap_or_default();
        let around = self.around.and_then(|around| around.0.parse(&mut faults));
        let site = self.site.and_then(|id| faults.id("/site", id, SiteId::new));
        let location_id =
            self.location_id.and_then(|id| faults.id("/location_id", id, LocationId::new));
        let filter = self.filter.as_deref().map(Filter::parse).transpose();
        let filter = filter.map_err(|error| {
            Problem::field("/filter", error.to_string()).with_code("invalid_filter")
        });
        if !faults.found.is_empty() {
            return Err(Problem::invalid(faults.found));
        }
        // An empty name is nobody's: templates of shops write one when no one is logged in.
        let named = |id: Option<String>| id.filter(|id| !id.is_empty());
        let chosen = |yes: bool, then, otherwise| if yes { then } else { otherwise };
        Ok(SearchQuery {
            user_id: named(self.user_id),
            anonymous_id: named(self.anonymous_id),
            placement: self.placement,
            filter: filter?,
            facets,
            sort,
            around,
            mode: self.mode.map_or(SearchMode::Auto, SearchMode::from),
            cursor: self.cursor,
            context: RecommendContext {
                channel: self.channel.map(Channel::from),
                locale: self.locale,
                site,
                location_id,
                ..RecommendContext::default()
            },
            typing: chosen(self.typing.unwrap_or(false), Typing::Going, Typing::Finished),
            structure: match self.understand {
                Some(false) => Structure::Undone,
                _ => Structure::Read,
            },
            explain: self.explain.unwrap_or(false),
            ..SearchQuery::new(&self.query.unwrap_or_default(), limit)
        })
    }
}

fn facets(faults: &mut Faults, bodies: Vec<FacetBody>) -> Vec<FacetRequest> {
    if bodies.len() > FACETS_MAX {
        faults.add("/facets", format!("{} facets; the limit is {FACETS_MAX}", bodies.len()));
        return Vec::new();
    }
    let facets = bodies.into_iter().enumerate().map(|(idx, body)| match body {
        FacetBody::Name(field) => FacetRequest::new(field),
        FacetBody::Asked(asked) => asked.parse(faults, idx),
    });
    facets.collect()
}

impl FacetAsked {
    fn parse(self, faults: &mut Faults, idx: usize) -> FacetRequest {
        let plain = FacetRequest::new(self.field);
        let limit = self.limit.map_or(plain.limit, |limit| limit as usize);
        if !(1..=FacetRequest::VALUES_MAX).contains(&limit) {
            let most = FacetRequest::VALUES_MAX;
            let detail = format!("limit is {limit}; it must be between 1 and {most}");
            faults.add(format!("/facets/{idx}/limit"), detail);
        }
        let length = self.search.as_ref().map_or(0, |text| text.chars().count());
        if length > TEXT_CHARS_MAX {
            let detail = format!("{length} characters; the limit is {TEXT_CHARS_MAX}");
            faults.add(format!("/facets/{idx}/search"), detail);
        }
        let bounds = self.bounds.unwrap_or_default();
        if bounds.len() > BOUNDS_MAX || !bounds.is_sorted_by(|left, right| left < right) {
            let detail = format!("must be up to {BOUNDS_MAX} numbers, each above the one before");
            faults.add(format!("/facets/{idx}/bounds"), detail);
        }
        FacetRequest { limit, search: self.search, bounds, ..plain }
    }
}

/// What to make suggestions for.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct SuggestParams {
    /// What stands in the box so far.
    #[param(max_length = 512)]
    q: String,
    /// Suggestions of each kind.
    #[serde(default)]
    #[param(minimum = 1, maximum = 20, default = 5)]
    limit: Option<u32>,
    /// Whose products; without it the first site's.
    #[serde(default)]
    site: Option<String>,
    /// The language of the text, an IETF tag; without it the site's.
    #[serde(default)]
    #[param(max_length = 250)]
    locale: Option<String>,
    /// The shop's name for the shopper, whose own searches come first where they allow `personalization`. A browser key
    /// is believed only with a shopper token, and needs no more than that.
    #[serde(default)]
    user_id: Option<String>,
    /// The browser's name for the shopper, from a server; from a page it brings nothing that was typed before.
    #[serde(default)]
    anonymous_id: Option<String>,
}

impl SuggestParams {
    /// Turns the shape into a question, or names every fault.
    pub(crate) fn parse(self) -> Answer<SuggestQuery> {
        let mut faults = Faults::default();
        let limit = self.limit.unwrap_or(5) as usize;
        if !(1..=SuggestRequest::LIMIT_MAX).contains(&limit) {
            let most = SuggestRequest::LIMIT_MAX;
            faults.add("/limit", format!("limit is {limit}; it must be between 1 and {most}"));
        }
        let texts = [
            ("/q", Some(&self.q), QUERY_CHARS_MAX),
            ("/locale", self.locale.as_ref(), TEXT_CHARS_MAX),
        ];
        for (pointer, text, most) in texts {
            let length = text.map_or(0, |text| text.chars().count());
            if length > most {
                faults.add(pointer, format!("{length} characters; the limit is {most}"));
            }
        }
        let site = self.site.and_then(|id| faults.id("/site", id, SiteId::new));
        if !faults.found.is_empty() {
            return Err(Problem::invalid(faults.found));
        }
        let named = |id: Option<String>| id.filter(|id| !id.is_empty());
        Ok(SuggestQuery {
            site,
            locale: self.locale,
            user_id: named(self.user_id),
            anonymous_id: named(self.anonymous_id),
            ..SuggestQuery::new(&self.q, limit)
        })
    }
}

/// What a shopper may want to go on with.
#[derive(Debug, ToSchema)]
#[allow(dead_code, reason = "documents what `souk_app::suggested_to_json` writes")]
pub(crate) struct SuggestAnswer {
    /// Whole queries; before anything is typed, what the shopper searched for, what trends and what most people ask.
    queries: Vec<QuerySuggestionAnswer>,
    /// Category paths.
    categories: Vec<SuggestionAnswer>,
    brands: Vec<SuggestionAnswer>,
    products: Vec<SuggestedProductAnswer>,
}

/// A query to go on with.
#[derive(Debug, ToSchema)]
#[allow(dead_code, reason = "documents what `souk_app::suggested_to_json` writes")]
pub(crate) struct QuerySuggestionAnswer {
    text: String,
    /// Products that have all of its words.
    count: u64,
    /// That the shopper searched for it; left out otherwise.
    #[schema(required = false)]
    recent: bool,
    /// How many people asked it lately, of one that comes from other shoppers; never few, and in steps.
    #[schema(required = false)]
    people: u32,
    /// How many times as often a day it is asked this week as in the four before, where that is clearly more.
    #[schema(required = false)]
    trend: f64,
}

/// Something to go on with, and how many products it finds.
#[derive(Debug, ToSchema)]
#[allow(dead_code, reason = "documents what `souk_app::suggested_to_json` writes")]
pub(crate) struct SuggestionAnswer {
    text: String,
    count: u64,
}

/// A product that is suggested.
#[derive(Debug, ToSchema)]
#[allow(dead_code, reason = "documents what `souk_app::suggested_to_json` writes")]
pub(crate) struct SuggestedProductAnswer {
    product_id: String,
    /// The product as it stands in the catalogue, without its cost.
    #[schema(value_type = crate::dto::products::ProductAnswer)]
    product: serde_json::Value,
    highlights: HighlightsAnswer,
}

/// Whose synonyms.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct SynonymsParams {
    /// Without it the first site's.
    #[serde(default)]
    site: Option<String>,
}

impl SynonymsParams {
    pub(crate) fn parse(self) -> Answer<Option<SiteId>> {
        let mut faults = Faults::default();
        let site = self.site.and_then(|id| faults.id("/site", id, SiteId::new));
        if faults.found.is_empty() { Ok(site) } else { Err(Problem::invalid(faults.found)) }
    }
}

/// Words that mean the same.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SynonymsBody {
    /// At most 5,000 sets.
    #[schema(max_items = 5000, value_type = Vec<SynonymBody>)]
    pub(crate) synonyms: Vec<SynonymSet>,
}

/// A set of synonyms: `words`, each of which finds what the others find, or `from` and `to`, where what is typed
/// also finds what the others find, not the other way round.
#[derive(Debug, ToSchema)]
#[serde(untagged)]
#[allow(dead_code, reason = "documents `souk_app::SynonymSet`")]
pub(crate) enum SynonymBody {
    /// Two to fifty words or phrases.
    TwoWay {
        #[schema(min_items = 2, max_items = 50, example = json!(["sofa", "couch"]))]
        words: Vec<String>,
    },
    /// One word or phrase, and one to fifty others.
    OneWay {
        #[schema(example = "phone")]
        from: String,
        #[schema(min_items = 1, max_items = 50, example = json!(["iphone"]))]
        to: Vec<String>,
    },
}
