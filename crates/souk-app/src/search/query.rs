//! What a search asks.

use souk_core::Filter;
use souk_search::{FacetRequest, SortBy, Structure, Typing, Wanted};

use super::AroundQuery;
use crate::recommend::RecommendContext;

/// A search; every value is valid by type.
#[derive(Clone, Debug)]
pub struct SearchQuery {
    /// What the shopper typed; empty to browse.
    pub query: String,
    /// The shop's name for the shopper.
    pub user_id: Option<String>,
    /// The browser's name for the shopper.
    pub anonymous_id: Option<String>,
    /// Where on the page the answer goes; rules may ask for it.
    pub placement: Option<String>,
    /// What hits must satisfy.
    pub filter: Option<Filter>,
    /// What is counted.
    pub facets: Vec<FacetRequest>,
    /// Orders, each for what is equal by those before; the best first where there is none.
    pub sort: Vec<SortBy>,
    /// A field of whose values each is shown once.
    pub distinct: Option<String>,
    /// The place around which hits are looked for.
    pub around: Option<AroundQuery>,
    /// Hits of one page, 1 to 100.
    pub limit: usize,
    /// Where the last page ended.
    pub cursor: Option<String>,
    /// Site, locale, channel, page; its query is the search's own.
    pub context: RecommendContext,
    /// Whether the last word may be unfinished.
    pub typing: Typing,
    /// Whether hits may lack words.
    pub wanted: Wanted,
    /// Whether conditions are read out of the words.
    pub structure: Structure,
    /// By what hits are found.
    pub mode: SearchMode,
    /// Whether to say what each score is made of.
    pub explain: bool,
    /// Whether the request carries Global Privacy Control (`Sec-GPC: 1`).
    pub is_gpc: bool,
}

impl SearchQuery {
    /// Hits of one page.
    pub const LIMIT_MAX: usize = 100;

    /// A search for some words and nothing else.
    pub fn new(query: &str, limit: usize) -> SearchQuery {
        SearchQuery {
            query: query.to_owned(),
            user_id: None,
            anonymous_id: None,
            placement: None,
            filter: None,
            facets: Vec::new(),
            sort: Vec::new(),
            distinct: None,
            around: None,
            limit,
            cursor: None,
            context: RecommendContext::default(),
            typing: Typing::Finished,
            wanted: Wanted::Most,
            structure: Structure::Read,
            mode: SearchMode::Auto,
            explain: false,
            is_gpc: false,
        }
    }
}

/// By what hits are found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SearchMode {
    /// By words, and by meaning too where a model is in use and most products have their vectors. An order by a number and
    /// a query that is still being typed go by words alone.
    #[default]
    Auto,
    /// By words alone.
    Lexical,
    /// By meaning alone.
    Semantic,
}
