//! Candidate sources: each turns a history of items into scores for other items.
//!
//! A source has parameters, `fit` from [`Histories`] (or from the catalogue), `update` after one more
//! event, `forget` after a person has gone, and [`Source::score`]. Sources that count are exact: after
//! `update` or `forget` they equal, bit for bit, what `fit` would make of the histories as they now are.
//! Sources that are fitted ([`Ease`], [`Als`]) stop reading a forgotten person's history at once, and
//! have forgotten what it taught them at the next `fit`.
//!
//! Every `fit` gives the same bytes on any number of threads.

mod als;
mod ascent;
mod blend;
mod company;
mod content;
mod ease;
mod histories;
mod kin;
mod logit;
mod pairs;
mod popularity;
mod recipe;
mod rules;
mod scores;
mod tiles;

#[cfg(test)]
mod tests;

pub use als::{Als, AlsParams};
pub use blend::{
    Blend, BlendScratch, LessonBook, NewPlaces, Proposed, SIGNALS_PER_SOURCE, Spoke, Weights,
};
pub use company::{Company, CompanyParams};
pub use content::{Content, ContentParams, Tokens};
pub use ease::{Ease, EaseParams};
pub use histories::Histories;
pub use kin::Kin;
pub use popularity::Popularity;
pub use recipe::{ListCurves, Recipe, SourceParams};
pub use rules::{Rules, RulesParams};
pub use scores::Scores;

use crate::types::Item;

/// Scores items by a history.
pub trait Source: Send + Sync {
    /// What people call it.
    fn name(&self) -> &'static str;

    /// Puts the scores of a history into `into`, which is empty before.
    ///
    /// `history` holds different items, the youngest last. A source leaves out what it knows nothing
    /// about; items of the history may be scored, and the caller leaves out what must not be shown.
    /// Scores are comparable only within one call.
    fn score(&self, history: &[Item], into: &mut Scores);

    /// The item of the history that speaks most for `item`; `None` where nothing does, or where a source
    /// cannot tell.
    fn because(&self, _history: &[Item], _item: Item) -> Option<Item> {
        None
    }

    /// Which items that nobody took are like which others; none of a source that knows no new items.
    fn kin(&self, _histories: &Histories) -> Option<Kin> {
        None
    }
}
