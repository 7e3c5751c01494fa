//! A chunk: up to 65,536 products with their postings and columns, so that a product's number in it has
//! 16 bits.
//!
//! The newest chunk is *open*: products are appended to it and are found at once. A full one is *sealed*
//! into flat arrays: three bytes a posting (two for the product, one for how much the term says about
//! it), no decoding. A changed product is appended anew and its old row is dead; chunks with many dead
//! rows are joined and rid of them.

mod bits;
mod columns;
mod facts;
mod merge;
mod postings;
mod rows;

pub(crate) use bits::Bits;
pub(crate) use columns::{Codes, Column, Columns};
pub(crate) use facts::{Facts, FieldFacts};
pub(crate) use merge::merge;
pub(crate) use postings::{Flat, List, Postings};
pub(crate) use rows::Rows;
use rows::range;

use souk_core::Availability;

use crate::distance::KeptPoints;
use crate::document::Draft;
use crate::lexicon::{Renumbered, Term, Texts};
use crate::title::TitleWord;

/// A product's place in an index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Place {
    /// Which chunk.
    pub(crate) chunk: u32,
    /// Which row.
    pub(crate) row: u16,
}

/// Products that are searched together.
#[derive(Clone, Debug, Default)]
pub(crate) struct Chunk {
    pub(crate) ids: Texts,
    pub(crate) titles: Texts,
    /// The words of each title: [`TitleWord`]s.
    pub(crate) title_words: Rows,
    pub(crate) facts: Facts,
    /// Where each is, for searches around a place.
    pub(crate) points: KeptPoints,
    pub(crate) postings: Postings,
    /// Whether each can be sold: [`Availability::ALL`] by place.
    pub(crate) availability: Vec<u8>,
    /// How much each is wanted, from 0 to 255.
    pub(crate) popularity: Vec<u8>,
    /// When each came first among all products of the index: what orders hits of one score.
    pub(crate) coming: Vec<u32>,
    pub(crate) live: Bits,
    n_live: usize,
}

impl Chunk {
    /// Products in one chunk.
    pub(crate) const ROWS_MAX: usize = 1 << 16;

    /// Rows, dead ones among them.
    pub(crate) fn len(&self) -> usize {
        self.ids.len()
    }

    pub(crate) fn n_live(&self) -> usize {
        self.n_live
    }

    pub(crate) fn is_full(&self) -> bool {
        self.len() >= Chunk::ROWS_MAX
    }

    /// Appends a product; the chunk must not be full.
    pub(crate) fn push(&mut self, id: &str, title: &str, draft: &Draft) -> u16 {
        let row = self.push_row(id, title, draft);
        for (term, impact) in &draft.postings {
            self.postings.push(*term, row, *impact);
        }
        row
    }

    /// Appends a product but for its postings, which are set for all rows together.
    pub(crate) fn push_row(&mut self, id: &str, title: &str, draft: &Draft) -> u16 {
        let row = u16::try_from(self.len()).expect("a full chunk takes no more");
        self.ids.push(id);
        self.titles.push(title);
        self.title_words.push(draft.title_words.iter().copied());
        self.facts.push(&draft.facts);
        self.availability.push(draft.availability as u8);
        self.popularity.push(draft.popularity);
        self.coming.push(u32::from(row));
        self.live.push_one();
        self.n_live += 1;
        row
    }

    /// Strikes a row out; false when it was already.
    pub(crate) fn strike(&mut self, row: u16) -> bool {
        let was_live = self.live.clear(usize::from(row));
        self.n_live -= usize::from(was_live);
        was_live
    }

    /// Says whether the next row is live (1) or dead (0), when rows are read back.
    pub(crate) fn push_live(&mut self, live: u8) {
        if live == 0 {
            self.live.push_zero();
        } else {
            self.live.push_one();
            self.n_live += 1;
        }
    }

    /// The products with a term.
    pub(crate) fn list(&self, term: Term) -> Option<List<'_>> {
        self.postings.list(term)
    }

    /// In how many live rows a term is.
    pub(crate) fn live_docs(&self, term: Term) -> u32 {
        let Some(list) = self.list(term) else { return 0 };
        let n_dead = self.len() - self.n_live;
        let n_rows = list.rows.len();
        if n_dead == 0 {
            return n_rows as u32;
        }
        // A few dead rows are looked for in the list; of many, the list is gone through.
        if n_dead * 16 < n_rows {
            let dead = self.live.zeros().filter(|row| list.rows.binary_search(row).is_ok());
            return (n_rows - dead.count()) as u32;
        }
        list.rows.iter().filter(|row| self.live.get(usize::from(**row))).count() as u32
    }

    pub(crate) fn availability(&self, row: u16) -> Availability {
        Availability::ALL[usize::from(self.availability[usize::from(row)])]
    }

    /// Makes the postings flat and the facts columns.
    pub(crate) fn seal(&mut self) {
        self.postings.seal();
        self.facts.seal();
    }

    /// Says all in the numbers of another lexicon.
    pub(crate) fn renumber(&mut self, numbers: &Renumbered) {
        self.postings.renumber(&numbers.terms);
        self.facts.renumber(&numbers.fields, &numbers.values);
        self.points = KeptPoints::default();
        if let Some(words) = numbers.words.first() {
            self.title_words.map(|word| {
                let word = TitleWord(word);
                word.renumbered(words[word.number() as usize]).0
            });
        }
    }

    /// Bytes on the heap, about.
    pub(crate) fn bytes(&self) -> usize {
        self.ids.bytes()
            + self.titles.bytes()
            + self.title_words.bytes()
            + self.facts.bytes()
            + self.points.bytes()
            + self.postings.bytes()
            + self.availability.len() * 6
            + self.len() / 8
    }
}

#[cfg(test)]
mod tests;
