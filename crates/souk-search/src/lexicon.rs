//! What the whole index knows by number: words, terms (their stems), fields and values.
//!
//! Numbers are given once and never again, so that chunks need no translation when they are joined.

mod interner;
mod rising;
mod values;
mod words;

pub(crate) use interner::{Interner, Texts};
pub(crate) use values::{Values, field_key};
pub(crate) use words::{Near, Words};

use crate::text::Language;

/// Fields that filters and facets can name; attributes beyond are found by their words alone. Chosen: a
/// feed that makes a field of every value must not take the memory.
const FIELDS_MAX: usize = 20_000;

/// A stem's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Term(pub(crate) u32);

/// The dictionaries of one index.
#[derive(Clone, Debug)]
pub(crate) struct Lexicon {
    /// Stems of all languages together.
    pub(crate) terms: Interner,
    /// In how many products each term is, dead ones among them until they are swept out.
    pub(crate) term_docs: Vec<u32>,
    /// The words of each language; the first is the one that products are written in.
    pub(crate) words: Vec<Words>,
    /// Fields that filters and facets can name, as [`field_key`] writes them.
    pub(crate) fields: Interner,
    /// Each field's values.
    pub(crate) values: Vec<Values>,
}

impl Lexicon {
    pub(crate) fn new(languages: &[Language]) -> Lexicon {
        Lexicon {
            terms: Interner::default(),
            term_docs: Vec::new(),
            words: languages.iter().map(|language| Words::new(*language)).collect(),
            fields: Interner::default(),
            values: Vec::new(),
        }
    }

    /// The number of a folded word of the `language`-th language, and its term's.
    pub(crate) fn intern_word(&mut self, language: usize, word: &str) -> (u32, Term) {
        let words = &mut self.words[language];
        if let Some(found) = words.get(word) {
            return (found, words.term(found));
        }
        let stem = words.language().stem(word);
        let term = Term(self.terms.intern(&stem));
        self.term_docs.resize(self.terms.len(), 0);
        (words.add(word, term), term)
    }

    /// The number of a field, new or known; none when there are [`FIELDS_MAX`] others.
    pub(crate) fn intern_field(&mut self, key: &str) -> Option<u16> {
        if let Some(known) = self.field(key) {
            return Some(known);
        }
        if self.fields.len() >= FIELDS_MAX {
            return None;
        }
        let number = self.fields.intern(key);
        self.values.push(Values::default());
        u16::try_from(number).ok()
    }

    /// A known field's number.
    pub(crate) fn field(&self, key: &str) -> Option<u16> {
        self.fields.get(key).and_then(|number| u16::try_from(number).ok())
    }

    /// In how many products a term is.
    pub(crate) fn docs(&self, term: Term) -> u32 {
        self.term_docs[term.0 as usize]
    }

    /// Takes in all that another lexicon knows; returns what its numbers are here.
    pub(crate) fn absorb(&mut self, other: &Lexicon) -> Renumbered {
        let terms: Vec<u32> =
            (0..other.terms.len() as u32).map(|n| self.terms.intern(other.terms.text(n))).collect();
        self.term_docs.resize(self.terms.len(), 0);
        for (theirs, ours) in terms.iter().enumerate() {
            self.term_docs[*ours as usize] += other.term_docs[theirs];
        }
        let mut words = Vec::with_capacity(other.words.len());
        for (mine, theirs) in self.words.iter_mut().zip(&other.words) {
            words.push(mine.absorb(theirs, &terms));
        }
        let mut fields = Vec::with_capacity(other.fields.len());
        let mut values = Vec::with_capacity(other.fields.len());
        for (number, theirs) in other.values.iter().enumerate() {
            let field = self.intern_field(other.fields.text(number as u32));
            fields.push(field);
            values.push(match field {
                Some(field) => self.values[usize::from(field)].absorb(theirs),
                None => Vec::new(),
            });
        }
        Renumbered { terms, words, fields, values }
    }

    /// Bytes on the heap, about.
    pub(crate) fn bytes(&self) -> usize {
        self.terms.bytes()
            + self.term_docs.len() * 4
            + self.words.iter().map(Words::bytes).sum::<usize>()
            + self.values.iter().map(Values::bytes).sum::<usize>()
    }
}

/// Another lexicon's numbers, by place, as ours.
#[derive(Debug)]
pub(crate) struct Renumbered {
    pub(crate) terms: Vec<u32>,
    /// By language.
    pub(crate) words: Vec<Vec<u32>>,
    /// None for a field beyond the most that there may be.
    pub(crate) fields: Vec<Option<u16>>,
    /// By their field.
    pub(crate) values: Vec<Vec<u32>>,
}
