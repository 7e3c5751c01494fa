//! Answers as JSON, the same over HTTP and on the command line.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::value::RawValue;
use souk_core::LocationId;
use souk_search::{Effect, Facet, Note, Relaxation, Suggestion, Understood};

use super::{
    FoundProduct, MergedFound, MergedHit, SearchFound, SearchNote, Suggested, SuggestedProduct,
};

#[derive(Serialize)]
struct FoundJson<'a> {
    request_id: &'a str,
    hits: Vec<HitJson<'a>>,
    total: usize,
    facets: BTreeMap<&'a str, FacetJson<'a>>,
    query: QueryJson<'a>,
    redirect: Option<RedirectJson<'a>>,
    banners: Vec<BannerJson<'a>>,
    took_ms: f64,
    cursor: Option<&'a str>,
}

#[derive(Serialize)]
struct RedirectJson<'a> {
    url: &'a str,
}

#[derive(Serialize)]
struct BannerJson<'a> {
    title: Option<&'a str>,
    text: Option<&'a str>,
    url: Option<&'a str>,
    image_url: Option<&'a str>,
}

#[derive(Serialize)]
struct HitJson<'a> {
    product_id: &'a str,
    score: f64,
    product: Option<&'a RawValue>,
    highlights: HighlightsJson<'a>,
    distance: Option<DistanceJson<'a>>,
    explanation: Option<ExplanationJson<'a>>,
}

/// How far off a product can be had.
#[derive(Serialize)]
struct DistanceJson<'a> {
    km: f64,
    location_id: Option<&'a str>,
}

#[derive(Serialize)]
struct HighlightsJson<'a> {
    title: Option<&'a str>,
}

/// The factors of a score, and what rules did.
#[derive(Serialize)]
struct ExplanationJson<'a> {
    text: Option<f64>,
    title: Option<f64>,
    availability: Option<f64>,
    popularity: Option<f64>,
    preference: Option<f64>,
    category: Option<f64>,
    clicks: f64,
    brought_by_people: Option<u32>,
    meaning: Option<f64>,
    personal: f64,
    learned: f64,
    moved: Option<MovedJson<'a>>,
}

#[derive(Serialize)]
struct MovedJson<'a> {
    from_rank: Option<u32>,
    rules: Vec<RuleJson<'a>>,
}

#[derive(Serialize)]
struct RuleJson<'a> {
    id: &'a str,
    name: &'a str,
    effect: &'a str,
}

#[derive(Serialize)]
struct FacetJson<'a> {
    values: Vec<ValueJson<'a>>,
    n_values: usize,
    numbers: Option<NumbersJson>,
}

#[derive(Serialize)]
struct ValueJson<'a> {
    value: &'a str,
    count: usize,
}

#[derive(Serialize)]
struct NumbersJson {
    min: f64,
    max: f64,
    ranges: Vec<RangeJson>,
}

#[derive(Serialize)]
struct RangeJson {
    from: f64,
    to: f64,
    count: usize,
}

#[derive(Serialize)]
struct QueryJson<'a> {
    corrected: Option<&'a str>,
    language: &'a str,
    filters_understood: Vec<UnderstoodJson<'a>>,
    relaxed: Vec<RelaxedJson>,
    notes: Vec<NoteJson>,
}

#[derive(Serialize)]
struct NoteJson {
    what: &'static str,
    text: String,
}

#[derive(Serialize)]
struct UnderstoodJson<'a> {
    words: &'a str,
    filter: &'a str,
    effect: &'a str,
}

#[derive(Serialize)]
struct RelaxedJson {
    what: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    needed: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    of: Option<usize>,
}

/// An answer as JSON text.
pub fn search_to_json(found: &SearchFound) -> String {
    text(&FoundJson {
        request_id: &found.request_id,
        hits: found.hits.iter().map(|hit| hit_json(hit, found.is_explained)).collect(),
        total: found.total,
        facets: found
            .facets
            .iter()
            .map(|facet| (facet.field.as_str(), facet_json(facet)))
            .collect(),
        query: QueryJson {
            corrected: found.corrected.as_deref(),
            language: found.language.tag(),
            filters_understood: found.understood.iter().map(understood_json).collect(),
            relaxed: found.relaxed.iter().map(relaxed_json).collect(),
            notes: found.notes.iter().map(note_json).collect(),
        },
        redirect: found.redirect.as_deref().map(|url| RedirectJson { url }),
        banners: found
            .banners
            .iter()
            .map(|banner| BannerJson {
                title: banner.title.as_deref(),
                text: banner.text.as_deref(),
                url: banner.url.as_deref(),
                image_url: banner.image_url.as_deref(),
            })
            .collect(),
        took_ms: (found.took.as_secs_f64() * 1e6).round() / 1e3,
        cursor: found.cursor.as_deref(),
    })
}

#[derive(Serialize)]
struct MergedHitJson<'a> {
    searches: &'a [usize],
    request_id: &'a str,
    score: f64,
    hit: HitJson<'a>,
}

/// A merged list as JSON text: `answers` without hits, and `merged`.
pub fn merged_to_json(found: &MergedFound) -> String {
    let hit = |one: &'_ MergedHit| {
        let answer = &found.answers[one.searches[0]];
        text(&MergedHitJson {
            searches: &one.searches,
            request_id: &answer.request_id,
            score: one.score,
            hit: hit_json(&one.hit, answer.is_explained),
        })
    };
    let hits: Vec<String> = found.hits.iter().map(hit).collect();
    let answers: Vec<String> = found.answers.iter().map(search_to_json).collect();
    let (hits, answers, total) = (hits.join(","), answers.join(","), found.total);
    format!("{{\"answers\":[{answers}],\"merged\":{{\"hits\":[{hits}],\"total\":{total}}}}}")
}

fn hit_json(hit: &FoundProduct, explains: bool) -> HitJson<'_> {
    let explanation = || ExplanationJson {
        text: hit.parts.map(|parts| parts.text),
        title: hit.parts.map(|parts| parts.title),
        availability: hit.parts.map(|parts| parts.availability),
        popularity: hit.parts.map(|parts| parts.popularity),
        preference: hit.parts.map(|parts| parts.preference),
        category: hit.parts.map(|parts| parts.category),
        clicks: hit.clicks,
        brought_by_people: hit.brought_by,
        meaning: hit.parts.map(|parts| parts.meaning),
        personal: hit.personal,
        learned: hit.learned,
        moved: hit.moved.as_ref().map(|moved| MovedJson {
            from_rank: moved.from_rank,
            rules: moved
                .rules
                .iter()
                .map(|rule| RuleJson {
                    id: rule.id.as_str(),
                    name: &rule.name,
                    effect: rule.effect,
                })
                .collect(),
        }),
    };
    HitJson {
        product_id: hit.product_id.as_str(),
        score: hit.score,
        product: raw(&hit.product),
        highlights: HighlightsJson { title: hit.title_highlight.as_deref() },
        distance: hit.nearest.as_ref().map(|nearest| DistanceJson {
            // To the metre.
            km: (nearest.km * 1_000.0).round() / 1_000.0,
            location_id: nearest.location.as_ref().map(LocationId::as_str),
        }),
        explanation: explains.then(explanation),
    }
}

fn facet_json(facet: &Facet) -> FacetJson<'_> {
    FacetJson {
        values: facet
            .values
            .iter()
            .map(|one| ValueJson { value: &one.value, count: one.count })
            .collect(),
        n_values: facet.n_values,
        numbers: facet.numbers.as_ref().map(|numbers| NumbersJson {
            min: numbers.min,
            max: numbers.max,
            ranges: numbers
                .ranges
                .iter()
                .map(|range| RangeJson { from: range.from, to: range.to, count: range.count })
                .collect(),
        }),
    }
}

fn understood_json(understood: &Understood) -> UnderstoodJson<'_> {
    UnderstoodJson {
        words: &understood.words,
        filter: &understood.meaning,
        effect: match understood.effect {
            Effect::Filtered => "filtered",
            Effect::Preferred => "preferred",
        },
    }
}

fn relaxed_json(relaxed: &Relaxation) -> RelaxedJson {
    let (what, needed, of) = match relaxed {
        Relaxation::Spelling => ("spelling", None, None),
        Relaxation::Beginning => ("prefix", None, None),
        Relaxation::Understood => ("filters_understood", None, None),
        Relaxation::Meaning => ("meaning", None, None),
        Relaxation::Words { needed, of } => ("words", Some(*needed), Some(*of)),
    };
    RelaxedJson { what, needed, of }
}

fn note_json(note: &SearchNote) -> NoteJson {
    let what = match note {
        SearchNote::Engine(Note::UnknownField { .. }) => "unknown_field",
        SearchNote::Engine(Note::OtherCurrency { .. }) => "other_currency",
        SearchNote::UnknownPlace(_) => "unknown_place",
    };
    NoteJson { what, text: note.to_string() }
}

#[derive(Serialize)]
struct SuggestedJson<'a> {
    queries: Vec<QuerySuggestionJson<'a>>,
    categories: Vec<SuggestionJson<'a>>,
    brands: Vec<SuggestionJson<'a>>,
    products: Vec<SuggestedProductJson<'a>>,
}

#[derive(Serialize)]
struct QuerySuggestionJson<'a> {
    text: &'a str,
    count: usize,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    recent: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    people: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trend: Option<f64>,
}

#[derive(Serialize)]
struct SuggestionJson<'a> {
    text: &'a str,
    count: usize,
}

#[derive(Serialize)]
struct SuggestedProductJson<'a> {
    product_id: &'a str,
    product: Option<&'a RawValue>,
    highlights: HighlightsJson<'a>,
}

/// Suggestions as JSON text.
pub fn suggested_to_json(suggested: &Suggested) -> String {
    text(&SuggestedJson {
        queries: suggested
            .queries
            .iter()
            .map(|one| QuerySuggestionJson {
                text: &one.text,
                count: one.count,
                recent: one.is_recent,
                people: one.people,
                trend: one.trend.map(|trend| (trend * 100.0).round() / 100.0),
            })
            .collect(),
        categories: suggestions(&suggested.categories),
        brands: suggestions(&suggested.brands),
        products: suggested.products.iter().map(suggested_json).collect(),
    })
}

fn suggestions(list: &[Suggestion]) -> Vec<SuggestionJson<'_>> {
    list.iter().map(|one| SuggestionJson { text: &one.text, count: one.count }).collect()
}

fn suggested_json(one: &SuggestedProduct) -> SuggestedProductJson<'_> {
    SuggestedProductJson {
        product_id: one.product_id.as_str(),
        product: raw(&one.product),
        highlights: HighlightsJson { title: one.title_highlight.as_deref() },
    }
}

/// A product's JSON text, as it stands.
fn raw(json: &str) -> Option<&RawValue> {
    serde_json::from_str(json).ok()
}

fn text<T: Serialize>(value: &T) -> String {
    let written = serde_json::to_string(value);
    written.expect("answers hold texts, numbers and lists only")
}
