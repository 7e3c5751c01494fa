//! What is asked of an index, and what it answers.

use std::sync::Arc;

use souk_core::{Currency, Filter, GeoPoint, ProductId};

use crate::fusion::Remembered;
use crate::notes::Note;
use crate::settings::MeaningShares;
use crate::text::Language;

/// A search.
#[derive(Clone, Debug)]
pub struct SearchRequest {
    /// What the shopper typed; empty to browse all that the filter lets through.
    pub query: String,
    /// What hits must fulfil.
    pub filter: Option<Filter>,
    /// What no hit may fulfil, any of them: what the shop hides.
    pub without: Vec<Filter>,
    /// Products that are no hits, whatever they fulfil.
    pub exclude: Vec<ProductId>,
    /// What is to be counted.
    pub facets: Vec<FacetRequest>,
    /// Orders, each for what is equal by those before; by relevance where there is none. Up to
    /// [`SearchRequest::SORTS_MAX`].
    pub sort: Vec<SortBy>,
    /// A field of whose values each is shown once, by the hit that comes first as far as words and numbers tell; hits
    /// that have none of it are all shown.
    pub distinct: Option<String>,
    /// Hits, up to [`SearchRequest::LIMIT_MAX`].
    pub limit: usize,
    /// Where the last page ended: [`SearchAnswer::cursor`].
    pub cursor: Option<String>,
    /// The language of the query, where it is known; the shop's main one otherwise.
    pub language: Option<Language>,
    /// The currency of prices, where it is known: a price in words that names another is no condition.
    pub currency: Option<Currency>,
    /// Whether the last word may be unfinished.
    pub typing: Typing,
    /// Whether typing errors are forgiven.
    pub tolerance: Tolerance,
    /// Whether hits may lack words.
    pub wanted: Wanted,
    /// Whether conditions are read out of the words.
    pub structure: Structure,
    /// What the query means, where meaning is asked for; it needs vectors of the products.
    pub meaning: Option<Meaning>,
    /// Where hits are looked for.
    pub around: Option<Around>,
}

/// A place around which hits are looked for.
#[derive(Clone, Debug)]
pub struct Around {
    /// The place.
    pub origin: GeoPoint,
    /// How far off hits may be, in kilometres; `None` lets everything through, also what is nowhere.
    pub radius_km: Option<f64>,
    /// The fields with the latitude and the longitude, in degrees, of products that are somewhere themselves.
    pub fields: [&'static str; 2],
    /// Where products can be had besides; `None` where none can.
    pub places: Option<Arc<dyn Places>>,
}

/// Knows where products can be had besides where they are themselves. An index knows nothing of stores and stock, so
/// whoever does tells it.
///
/// The same product must be equally far off as long as one search takes; it is asked for every product that fulfils
/// everything else.
pub trait Places: std::fmt::Debug + Send + Sync {
    /// Kilometres from [`Around::origin`] to the nearest place where a product can be had; `None` where it is
    /// nowhere.
    fn km(&self, id: &str) -> Option<f64>;
}

/// What a query means, and what is made of it. It is for one search: what was compared for it is remembered for the
/// searches of its clones in the same index.
#[derive(Clone, Debug, PartialEq)]
pub struct Meaning {
    /// The query's vector, of the space of the index's vectors; one of another length is passed over.
    pub vector: Arc<[f32]>,
    /// How near a product must be to have to do with the query, as a product of their vectors.
    pub related_from: f32,
    /// What is made of it.
    pub used: MeaningUse,
    /// How much it counts beside words, where not as the index has it.
    pub shares: Option<MeaningShares>,
    pub(crate) remembered: Remembered,
}

impl Meaning {
    /// A vector, what is near to it, and what is made of that: the fields by their names.
    pub fn new(vector: Arc<[f32]>, related_from: f32, used: MeaningUse) -> Meaning {
        Meaning { vector, related_from, used, shares: None, remembered: Remembered::default() }
    }
}

/// What is made of meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MeaningUse {
    /// It is weighed with the words, and brings what they do not find where they find little.
    Beside,
    /// Hits are found and ranked by it alone.
    Alone,
}

impl SearchRequest {
    /// Hits on one page.
    pub const LIMIT_MAX: usize = 1_000;
    /// Orders in one request. Chosen.
    pub const SORTS_MAX: usize = 8;
    /// Facets in one request.
    pub const FACETS_MAX: usize = 100;
    /// Bytes of a query; longer ones are cut. Chosen: five lines of text.
    pub const QUERY_BYTES_MAX: usize = 512;
    /// Words of a query that count; more are passed over. Chosen, as Meilisearch has it.
    pub const WORDS_MAX: usize = 10;

    /// A search for a text, ten hits, nothing else.
    pub fn new(query: impl Into<String>) -> SearchRequest {
        SearchRequest {
            query: query.into(),
            filter: None,
            without: Vec::new(),
            exclude: Vec::new(),
            facets: Vec::new(),
            sort: Vec::new(),
            distinct: None,
            limit: 10,
            cursor: None,
            language: None,
            currency: None,
            typing: Typing::Finished,
            tolerance: Tolerance::Forgiving,
            wanted: Wanted::Most,
            structure: Structure::Read,
            meaning: None,
            around: None,
        }
    }
}

/// Whether the shopper is still typing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Typing {
    /// The last word is whole; it is taken for a beginning only where it finds little.
    Finished,
    /// The last word may be a beginning.
    Going,
}

/// Whether typing errors are forgiven.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Tolerance {
    /// Where the words as typed find little.
    Forgiving,
    /// Never.
    Strict,
}

/// Whether hits may lack words of the query.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Wanted {
    /// Where too few products have all words, those with most of them are hits too.
    Most,
    /// Hits have all words.
    All,
}

/// Whether conditions are read out of the words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Structure {
    /// `under 50` becomes a price, `size 42` an attribute.
    Read,
    /// Conditions are read and dropped with their words, which are looked for only where there are no others: what a
    /// shopper gets who undoes what was understood.
    Undone,
    /// Every word is text.
    Literal,
}

/// An order by a number.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SortBy {
    /// A field with numbers or times: `price`, `published_at`, an attribute.
    pub field: String,
    /// Which end comes first; products without the number come last either way.
    pub order: SortOrder,
}

/// Which end comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SortOrder {
    /// The least.
    Ascending,
    /// The greatest.
    Descending,
}

impl SortBy {
    /// The field that orders by how far off products are, in a search [around](Around) a place.
    pub const DISTANCE: &str = "distance";

    /// Reads `price`, `price:asc` or `price:desc`.
    ///
    /// # Errors
    ///
    /// [`SearchError::Sort`] for another ending or an empty name.
    pub fn parse(text: &str) -> Result<SortBy, SearchError> {
        let (field, order) = text.rsplit_once(':').unwrap_or((text, "asc"));
        let order = match order {
            "asc" => SortOrder::Ascending,
            "desc" => SortOrder::Descending,
            _ => return Err(SearchError::Sort { text: text.to_owned() }),
        };
        if field.is_empty() {
            return Err(SearchError::Sort { text: text.to_owned() });
        }
        Ok(SortBy { field: field.to_owned(), order })
    }

    /// Reads some, separated by commas: `rating:desc,price:asc`.
    ///
    /// # Errors
    ///
    /// As [`SortBy::parse`] for each.
    pub fn parse_all(text: &str) -> Result<Vec<SortBy>, SearchError> {
        text.split(',').map(|one| SortBy::parse(one.trim())).collect()
    }
}

/// What is to be counted of one field.
#[derive(Clone, Debug, PartialEq)]
pub struct FacetRequest {
    /// A field as filters name it: `brand`, `categories`, `price`, an attribute.
    pub field: String,
    /// Values, most frequent first, up to [`FacetRequest::VALUES_MAX`].
    pub limit: usize,
    /// Only values of which a word begins with this.
    pub search: Option<String>,
    /// Bounds of ranges to count in, rising; empty for some that suit the numbers.
    pub bounds: Vec<f64>,
}

impl FacetRequest {
    /// Values of one facet.
    pub const VALUES_MAX: usize = 1_000;

    /// The twenty most frequent values of a field.
    pub fn new(field: impl Into<String>) -> FacetRequest {
        FacetRequest { field: field.into(), limit: 20, search: None, bounds: Vec::new() }
    }
}

/// The answer to a search.
#[derive(Clone, Debug, PartialEq)]
pub struct SearchAnswer {
    /// The hits of this page, best first.
    pub hits: Vec<Hit>,
    /// Products found, all pages together.
    pub total: usize,
    /// What was asked to be counted, in the order asked.
    pub facets: Vec<Facet>,
    /// The query as it was probably meant, where it differs.
    pub corrected: Option<String>,
    /// The language that words were read in.
    pub language: Language,
    /// What was read out of the words.
    pub understood: Vec<Understood>,
    /// What was given up to find anything, in the order in which it was.
    pub relaxed: Vec<Relaxation>,
    /// What of the request was passed over.
    pub notes: Vec<Note>,
    /// Where the next page begins; none after the last.
    pub cursor: Option<String>,
}

/// A product found.
#[derive(Clone, Debug, PartialEq)]
pub struct Hit {
    /// Which.
    pub id: ProductId,
    /// How well it fits; comparable in one answer only.
    pub score: f64,
    /// What the score is made of: their product.
    pub parts: ScoreParts,
    /// How much of the query it lacks, an ordinary word being 2, what is looked for and codes more; hits that lack less
    /// come first, whatever their scores are. 0 where meaning has its say, for then scores say it all.
    pub n_missing: usize,
    /// How well it fits from 0 to 1, comparable between answers: how many of the query's parts it has, and between two such numbers
    /// how much of the highest conceivable score. 1 for all hits of an empty query.
    pub fit: f64,
}

/// The stages of a score, each a factor.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ScoreParts {
    /// The words, by BM25F over all fields; 1 for a hit that meaning alone found.
    pub text: f64,
    /// How they stand in the title.
    pub title: f64,
    /// How they stand in the name of its category, and whether it is of the category that most of the
    /// best hits are of.
    pub category: f64,
    /// Whether it can be sold.
    pub availability: f64,
    /// How much it is wanted.
    pub popularity: f64,
    /// What was understood as a preference: a brand, a colour, a low price.
    pub preference: f64,
    /// How near it is to what the query means, weighed with all the others; 1 where meaning was not asked.
    pub meaning: f64,
}

/// The counts of one field.
#[derive(Clone, Debug, PartialEq)]
pub struct Facet {
    /// The field as it was asked for.
    pub field: String,
    /// Values with the most products.
    pub values: Vec<FacetValue>,
    /// Distinct values, listed or not.
    pub n_values: usize,
    /// For numbers: how they spread.
    pub numbers: Option<NumberFacet>,
}

/// A value, and how many hits have it.
///
/// Conditions of the filter that are about this field alone are left out in counting, so that a shopper
/// who chose one brand still sees what the others would bring.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FacetValue {
    /// The value.
    pub value: String,
    /// Products.
    pub count: usize,
}

/// How the numbers of a field spread.
#[derive(Clone, Debug, PartialEq)]
pub struct NumberFacet {
    /// The least.
    pub min: f64,
    /// The greatest.
    pub max: f64,
    /// Products by range, rising, without gaps.
    pub ranges: Vec<RangeCount>,
}

/// Products whose number is at least `from` and below `to`, the last range with its end.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RangeCount {
    /// Where it begins.
    pub from: f64,
    /// Where it ends.
    pub to: f64,
    /// Products.
    pub count: usize,
}

/// Something read out of a query's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Understood {
    /// The words.
    pub words: String,
    /// The condition, in the filter language, or the order, as [`SortBy`] reads it.
    pub meaning: String,
    /// What was done with it.
    pub effect: Effect,
}

/// What was done with something understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Hits fulfil it, and its words are no longer looked for.
    Filtered,
    /// Hits that fulfil it come before others.
    Preferred,
}

/// What was given up because there was too little to show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Relaxation {
    /// Words were taken with typing errors, split or joined.
    Spelling,
    /// The last word was taken as a beginning.
    Beginning,
    /// Conditions read out of words were dropped, and the other words looked for.
    Understood,
    /// Hits need only this many of the words.
    Words {
        /// So many.
        needed: usize,
        /// Of so many.
        of: usize,
    },
    /// Hits may have none of the words, if they are near to what the words mean.
    Meaning,
}

/// Why a request cannot be answered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SearchError {
    /// A limit of [`SearchRequest`].
    #[error("{field} is {value}; it must be from {min} to {max}")]
    OutOfRange {
        /// Which field, as in requests.
        field: &'static str,
        /// What it is.
        value: usize,
        /// The least.
        min: usize,
        /// The most.
        max: usize,
    },
    /// A text that is no order.
    #[error("sort `{text}` is no order; write a field and `:asc` or `:desc`, such as `price:asc`")]
    Sort {
        /// The text.
        text: String,
    },
    /// A field that no product has.
    #[error("there is no field `{field}` in the catalogue; ask for one that products have")]
    UnknownField {
        /// Its name.
        field: String,
    },
    /// A field that cannot order products, for what it says is no number.
    #[error("`{field}` has no numbers to sort by; sort by a field that has, such as `price`")]
    NoNumbers {
        /// Its name.
        field: String,
    },
    /// A cursor of another request, or none at all.
    #[error("cursor does not belong to this request; begin again without one")]
    Cursor,
}

impl SearchError {
    /// What the caller can do: ask otherwise.
    pub fn kind(&self) -> souk_core::ErrorKind {
        souk_core::ErrorKind::InvalidInput
    }
}
