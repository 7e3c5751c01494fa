//! Product search by words and by meaning: products in, ranked hits out.
//!
//! [`SearchIndex`] is all there is to it: give it products, ask it with a [`SearchRequest`] or for
//! [`Suggestions`]. It reads a query as a shopper means it (inflections, typing errors, split and
//! joined words, units, prices in words), ranks by BM25F and how words stand in titles, counts facets,
//! and says what it understood and what it gave up.
//!
//! Pure: no clock, no disk, no randomness. One index holds the products of one site; joining it with
//! rules, shoppers and storage is the application's part.

mod chunk;
mod compounds;
mod distance;
mod document;
pub mod evaluate;
mod facets;
mod fusion;
mod highlight;
mod index;
mod lexicon;
mod names;
mod narrow;
mod notes;
mod query;
mod rank;
mod request;
mod retrieve;
mod search;
mod settings;
mod spelling;
mod suggest;
mod synonyms;
#[cfg(test)]
mod test_shop;
mod text;
mod title;
mod understand;
mod vectors;

pub use highlight::Highlighter;
pub use index::{IndexSize, SearchIndex, SnapshotError};
pub use notes::Note;
pub use request::{
    Around, Effect, Facet, FacetRequest, FacetValue, Hit, Meaning, MeaningUse, NumberFacet, Places,
    RangeCount, Relaxation, ScoreParts, SearchAnswer, SearchError, SearchRequest, SortBy,
    SortOrder, Structure, Tolerance, Typing, Understood, Wanted,
};
pub use settings::{FieldWeight, MeaningShares, PopularityShares, Ranking, Settings, TextField};
pub use suggest::{SuggestRequest, Suggestion, Suggestions};
pub use synonyms::Synonym;
pub use text::{Language, fold};
pub use vectors::{Draft, Drawn, VectorSpace, Vectors, text_for_vector};
