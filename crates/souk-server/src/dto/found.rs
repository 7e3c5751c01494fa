//! The shapes of answers to searches.

use std::collections::BTreeMap;

use utoipa::ToSchema;

/// What was found.
#[derive(Debug, ToSchema)]
#[allow(dead_code, reason = "documents what `souk_app::search_to_json` writes")]
pub(crate) struct SearchAnswer {
    /// Names the answer in later events: send it as `properties.request_id`.
    request_id: String,
    /// The best first, unless a `sort` was asked for or rules say otherwise.
    hits: Vec<SearchHit>,
    /// Products found, all pages together.
    total: u64,
    /// By field, as asked for. Conditions of the filter about a facet's own field are left out in counting it.
    facets: BTreeMap<String, FacetAnswer>,
    query: QueryAnswer,
    /// Where the shop sends who searches for this, rather than to the hits; `null` where no rule does.
    #[schema(required)]
    redirect: Option<RedirectAnswer>,
    /// What the shop says above the hits.
    banners: Vec<BannerAnswer>,
    /// Milliseconds that the answer took.
    took_ms: f64,
    /// Where the next page begins; `null` after the last.
    #[schema(required)]
    cursor: Option<String>,
}

/// One list of the hits of several searches.
#[derive(Debug, ToSchema)]
#[allow(dead_code, reason = "documents what `souk_app::merged_to_json` writes")]
pub(crate) struct MergedAnswer {
    /// What is worth most first.
    hits: Vec<MergedHit>,
    /// Different products in the whole list, all pages together.
    total: u64,
}

/// A hit of a merged list.
#[derive(Debug, ToSchema)]
#[allow(dead_code, reason = "documents what `souk_app::merged_to_json` writes")]
pub(crate) struct MergedHit {
    /// The searches that found it, rising, from 0.
    #[schema(min_items = 1)]
    searches: Vec<u64>,
    /// Names the answer of the first of them.
    request_id: String,
    /// What its places in all of them are worth together.
    score: f64,
    /// As the first of them has it.
    hit: SearchHit,
}

/// Where to go.
#[derive(Debug, ToSchema)]
#[allow(dead_code, reason = "documents what `souk_app::search_to_json` writes")]
pub(crate) struct RedirectAnswer {
    /// A path of the shop, or an address.
    url: String,
}

/// What the shop says above the hits, as plain text.
#[derive(Debug, ToSchema)]
#[allow(dead_code, reason = "documents what `souk_app::search_to_json` writes")]
pub(crate) struct BannerAnswer {
    #[schema(required)]
    title: Option<String>,
    #[schema(required)]
    text: Option<String>,
    /// A path of the shop, or an address.
    #[schema(required)]
    url: Option<String>,
    /// Likewise.
    #[schema(required)]
    image_url: Option<String>,
}

/// A product that was found.
#[derive(Debug, ToSchema)]
#[allow(dead_code, reason = "documents what `souk_app::search_to_json` writes")]
pub(crate) struct SearchHit {
    product_id: String,
    /// Comparable within this answer only.
    score: f64,
    /// The product as it stands in the catalogue, without its cost.
    #[schema(value_type = crate::dto::products::ProductAnswer)]
    product: serde_json::Value,
    highlights: HighlightsAnswer,
    /// The nearest place where it can be had; `null` without `around`, and where it can be had nowhere.
    #[schema(required)]
    distance: Option<DistanceAnswer>,
    /// What the score is made of; `null` without `explain`, and for a key that may not know.
    #[schema(required)]
    explanation: Option<HitExplanation>,
}

/// How far off a product can be had.
#[derive(Debug, ToSchema)]
#[allow(dead_code, reason = "documents what `souk_app::search_to_json` writes")]
pub(crate) struct DistanceAnswer {
    /// Kilometres along a great circle.
    km: f64,
    /// The location that has it; `null` where the product itself says where it is.
    #[schema(required)]
    location_id: Option<String>,
}

/// Texts with the words that were found.
#[derive(Debug, ToSchema)]
#[allow(dead_code, reason = "documents what `souk_app::search_to_json` writes")]
pub(crate) struct HighlightsAnswer {
    /// The title as HTML with the words in `<em>`; `null` where it has none of them.
    #[schema(required)]
    title: Option<String>,
}

/// Factors, of which the score is the product; `null` for what a rule brought in although the words did not
/// find it.
#[derive(Debug, ToSchema)]
#[allow(dead_code, reason = "documents what `souk_app::search_to_json` writes")]
pub(crate) struct HitExplanation {
    /// The words, by BM25F over all fields.
    #[schema(required)]
    text: Option<f64>,
    /// How they stand in the title.
    #[schema(required)]
    title: Option<f64>,
    /// Whether it can be bought.
    #[schema(required)]
    availability: Option<f64>,
    /// How much it is wanted.
    #[schema(required)]
    popularity: Option<f64>,
    /// A brand, colour or price that the words prefer.
    #[schema(required)]
    preference: Option<f64>,
    /// That most of the best hits are of its category.
    #[schema(required)]
    category: Option<f64>,
    /// What others took up after this query, freed of where it stood; 1 where too few people searched for it.
    clicks: f64,
    /// How many people took it up after this query, of a product that the words do not find and that is here for
    /// that; else `null`.
    #[schema(required)]
    brought_by_people: Option<u32>,
    /// How near it is to what the query means; 1 where only words were asked.
    #[schema(required)]
    meaning: Option<f64>,
    /// What the shopper's own purchases say; 1 where nothing of theirs is used.
    personal: f64,
    /// What the order says that was learned from what is taken up after all queries; 1 where none serves. It stands for the
    /// change of place: the score is that of the hit which would have stood there without it.
    learned: f64,
    /// What rules did to its place; `null` where none did.
    #[schema(required)]
    moved: Option<crate::dto::recommend::MovedAnswer>,
}

/// The counts of one field.
#[derive(Debug, ToSchema)]
#[allow(dead_code, reason = "documents what `souk_app::search_to_json` writes")]
pub(crate) struct FacetAnswer {
    /// The most frequent first.
    values: Vec<FacetValueAnswer>,
    /// Different values, listed or not.
    n_values: u64,
    /// How numbers spread; `null` for texts.
    #[schema(required)]
    numbers: Option<FacetNumbers>,
}

/// A value and how many hits have it.
#[derive(Debug, ToSchema)]
#[allow(dead_code, reason = "documents what `souk_app::search_to_json` writes")]
pub(crate) struct FacetValueAnswer {
    value: String,
    count: u64,
}

/// How the numbers of a field spread.
#[derive(Debug, ToSchema)]
#[allow(dead_code, reason = "documents what `souk_app::search_to_json` writes")]
pub(crate) struct FacetNumbers {
    min: f64,
    max: f64,
    /// Rising, without gaps.
    ranges: Vec<FacetRange>,
}

/// Hits whose number is at least `from` and below `to`; the last range has its end too.
#[derive(Debug, ToSchema)]
#[allow(dead_code, reason = "documents what `souk_app::search_to_json` writes")]
pub(crate) struct FacetRange {
    from: f64,
    to: f64,
    count: u64,
}

/// How the query was read.
#[derive(Debug, ToSchema)]
#[allow(dead_code, reason = "documents what `souk_app::search_to_json` writes")]
pub(crate) struct QueryAnswer {
    /// As it was probably meant, where that differs.
    #[schema(required)]
    corrected: Option<String>,
    /// The language of its words, `und` where it has no rules of its own.
    language: String,
    /// Conditions that were read out of the words; `understand: false` drops them with their words.
    filters_understood: Vec<UnderstoodAnswer>,
    /// What was given up to find anything, in that order: `spelling`, `prefix` (the last word was taken as a
    /// beginning), `filters_understood`, `words` or `meaning`.
    relaxed: Vec<RelaxedAnswer>,
    /// What of the request was passed over.
    notes: Vec<NoteAnswer>,
}

/// Something of a request that was passed over.
#[derive(Debug, ToSchema)]
#[allow(dead_code, reason = "documents what `souk_app::search_to_json` writes")]
pub(crate) struct NoteAnswer {
    /// `unknown_field`: the filter asks for a field that no product has. `other_currency`: a price in the words is in
    /// another currency than prices are. `unknown_place`: `location_id` names a place that neither the settings nor any fact
    /// told of.
    what: String,
    text: String,
}

/// A condition read out of words.
#[derive(Debug, ToSchema)]
#[allow(dead_code, reason = "documents what `souk_app::search_to_json` writes")]
pub(crate) struct UnderstoodAnswer {
    words: String,
    /// In the filter language, or an order as `sort` takes it.
    filter: String,
    /// `filtered`: hits fulfil it. `preferred`: those that do come first.
    effect: String,
}

/// Something that was given up.
#[derive(Debug, ToSchema)]
#[allow(dead_code, reason = "documents what `souk_app::search_to_json` writes")]
pub(crate) struct RelaxedAnswer {
    what: String,
    /// So many of the words are needed.
    #[schema(required = false)]
    needed: u64,
    /// Of so many.
    #[schema(required = false)]
    of: u64,
}
