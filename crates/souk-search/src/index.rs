//! The index: chunks, dictionaries, and where each product is.

mod build;
mod snapshot;

use std::borrow::Borrow;
use std::sync::Arc;

use hashbrown::HashTable;
use souk_core::{Product, ProductId};
use xxhash_rust::xxh3::xxh3_64;

pub use snapshot::SnapshotError;

use crate::chunk::{Chunk, Place, merge};
use crate::compounds::Compounds;
use crate::document::{Lengths, Reader};
use crate::lexicon::{Lexicon, Term};
use crate::names::Names;
use crate::settings::Settings;
use crate::text::Language;
use crate::vectors::Vectors;

/// Products of one site, to be searched.
///
/// Reads take `&self` and any number of them run at once; a change takes `&mut self` and is found by the
/// next read. Keep it behind a lock that readers share: a change of one product holds it for some tens of
/// microseconds, and for some tens of milliseconds once in 65,536 changes, when a chunk is sealed.
///
/// The index holds no products, only what is asked of them. What it knows can be made again from the
/// catalogue at any time; [`SearchIndex::to_bytes`] only saves that time.
#[derive(Debug)]
pub struct SearchIndex {
    pub(crate) settings: Settings,
    pub(crate) lengths: Lengths,
    pub(crate) lexicon: Lexicon,
    /// The last one is open, unless it is full.
    pub(crate) chunks: Vec<Chunk>,
    pub(crate) compounds: Compounds,
    pub(crate) names: Names,
    pub(crate) synonyms: crate::synonyms::Synonyms,
    pub(crate) vectors: Option<Arc<Vectors>>,
    places: HashTable<Place>,
    /// Products that ever came.
    n_came: u32,
    reader: Reader,
}

/// What an index takes up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IndexSize {
    /// Products that can be found.
    pub products: usize,
    /// Rows of products that changed or went, not yet swept out.
    pub dead: usize,
    /// Chunks.
    pub chunks: usize,
    /// Distinct terms.
    pub terms: usize,
    /// Bytes of memory, about.
    pub bytes: usize,
}

impl SearchIndex {
    /// An index of nothing, with field lengths that are guessed; better [`SearchIndex::build`] one when
    /// there are products.
    pub fn new(settings: Settings) -> SearchIndex {
        SearchIndex {
            lexicon: Lexicon::new(&settings.languages),
            settings,
            lengths: Lengths::default(),
            chunks: Vec::new(),
            compounds: Compounds::default(),
            names: Names::default(),
            synonyms: Default::default(),
            vectors: None,
            places: HashTable::new(),
            n_came: 0,
            reader: Reader::default(),
        }
    }

    /// What it was made with.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Products that can be found.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether nothing can be found.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// The products in it, in no order that means anything.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.places.iter().map(|place| id_at(&self.chunks, *place))
    }

    /// Whether any product ever had a field that can be counted and sorted by.
    pub fn has_field(&self, name: &str) -> bool {
        crate::facets::find_field(self, name).is_some()
    }

    /// Whether a product is in it.
    pub fn contains(&self, id: &ProductId) -> bool {
        self.place(id.as_str()).is_some()
    }

    /// What it takes up.
    pub fn size(&self) -> IndexSize {
        let rows: usize = self.chunks.iter().map(Chunk::len).sum();
        let chunks: usize = self.chunks.iter().map(Chunk::bytes).sum();
        IndexSize {
            products: self.len(),
            dead: rows - self.len(),
            chunks: self.chunks.iter().filter(|chunk| chunk.len() > 0).count(),
            terms: self.lexicon.terms.len(),
            bytes: chunks + self.lexicon.bytes() + self.places.capacity() * 9,
        }
    }

    /// Takes in products, in place of those with the same ids; found by the next search. Many at once
    /// are taken in on several threads, which changes nothing about the outcome.
    pub fn upsert<P: Borrow<Product> + Sync>(&mut self, products: &[P]) {
        if products.len() >= build::BULK_MIN {
            let threads = std::thread::available_parallelism().map_or(1, usize::from);
            self.take_pieces(products, threads);
            return;
        }
        for product in products.iter().map(Borrow::borrow) {
            if self.chunks.last().is_none_or(Chunk::is_full) {
                self.chunks.push(Chunk::default());
            }
            let about = (&self.settings, &self.lengths);
            let draft = self.reader.read(product, &mut self.lexicon, about);
            let number = self.chunks.len() as u32 - 1;
            let chunk = &mut self.chunks[number as usize];
            let row = chunk.push(product.id.as_str(), &product.title, draft);
            if chunk.is_full() {
                chunk.seal();
            }
            self.register(Place { chunk: number, row });
        }
        self.learn();
    }

    /// Takes products out; returns how many there were.
    pub fn remove(&mut self, ids: &[ProductId]) -> usize {
        let mut n_removed = 0;
        for id in ids {
            let hash = xxh3_64(id.as_str().as_bytes());
            let chunks = &self.chunks;
            let entry = self.places.find_entry(hash, |place| id_at(chunks, *place) == id.as_str());
            if let Ok(entry) = entry {
                let (place, _) = entry.remove();
                self.strike(place);
                n_removed += 1;
            }
        }
        n_removed
    }

    /// Sets how much products are wanted, from 0 (not at all) to 1 (as much as any): a share of the
    /// best-seller's sales, for example. Unknown products are passed over; until set, it is 0.
    pub fn set_popularity<'a>(&mut self, of: impl IntoIterator<Item = (&'a ProductId, f32)>) {
        for (id, popularity) in of {
            if let Some(place) = self.place(id.as_str()) {
                let chunk = &mut self.chunks[place.chunk as usize];
                let popularity = (popularity.clamp(0.0, 1.0) * 255.0).round() as u8;
                chunk.popularity[usize::from(place.row)] = popularity;
            }
        }
    }

    /// Takes every product for one that nobody wants, as [`SearchIndex::build`] leaves them.
    pub fn forget_popularity(&mut self) {
        self.chunks.iter_mut().for_each(|chunk| chunk.popularity.fill(0));
    }

    /// Sets the words that mean the same; see [`crate::Synonym`].
    pub fn set_synonyms(&mut self, synonyms: &[crate::Synonym]) {
        self.synonyms = crate::synonyms::Synonyms::new(synonyms);
    }

    /// The vectors of products, if it was given any. They are not part of [`SearchIndex::to_bytes`].
    pub fn vectors(&self) -> Option<&Arc<Vectors>> {
        self.vectors.as_ref()
    }

    /// The same, to be changed: in a copy, as long as somebody else has them too. A vector of a product that the index
    /// has not does nothing.
    pub fn vectors_mut(&mut self) -> Option<&mut Vectors> {
        self.vectors.as_mut().map(Arc::make_mut)
    }

    /// Gives it vectors of products, in place of those that it had.
    pub fn set_vectors(&mut self, vectors: Option<Arc<Vectors>>) {
        self.vectors = vectors;
    }

    /// How much meaning counts beside words; see [`crate::Ranking`]. Takes effect at once.
    pub fn set_meaning_shares(&mut self, shares: crate::MeaningShares) {
        self.settings.ranking.meaning = shares;
    }

    /// Takes out the vectors of products that it has not; returns how many.
    pub fn forget_stray_vectors(&mut self) -> usize {
        let Some(mut vectors) = self.vectors.take() else { return 0 };
        let n_gone = Arc::make_mut(&mut vectors).retain(&mut |id| self.place(id).is_some());
        self.vectors = Some(vectors);
        n_gone
    }

    /// Sweeps dead rows out of one chunk, or joins two that are small; returns whether there was
    /// something to do. To be called now and then: some 100 ms each time, during which nobody reads.
    pub fn maintain(&mut self) -> bool {
        let sealed = self.chunks.len().saturating_sub(1);
        let sealed = &self.chunks[..sealed];
        let dead = |chunk: &Chunk| chunk.len() - chunk.n_live();
        let worn = sealed.iter().position(|chunk| dead(chunk) * 4 > chunk.len());
        let Some(first) = worn.or_else(|| {
            let is_small = |chunk: &Chunk| chunk.len() > 0 && chunk.len() * 2 <= Chunk::ROWS_MAX;
            sealed.iter().position(is_small)
        }) else {
            return false;
        };
        let room = Chunk::ROWS_MAX - sealed[first].n_live();
        let second = (first + 1..sealed.len())
            .find(|other| sealed[*other].len() > 0 && sealed[*other].n_live() <= room);
        if worn.is_none() && second.is_none() {
            return false;
        }
        let parts: Vec<usize> = [Some(first), second].into_iter().flatten().collect();
        self.join(&parts);
        true
    }

    fn join(&mut self, parts: &[usize]) {
        let chunks: Vec<&Chunk> = parts.iter().map(|part| &self.chunks[*part]).collect();
        let (merged, lost) = merge(&chunks);
        for (term, rows) in lost {
            self.lexicon.term_docs[term.0 as usize] -= rows;
        }
        // Rows move: forget where they were while the old chunks still say whose they are.
        for part in parts {
            for row in (0..self.chunks[*part].len()).filter(|row| self.chunks[*part].live.get(*row))
            {
                let place = Place { chunk: *part as u32, row: row as u16 };
                let hash = xxh3_64(id_at(&self.chunks, place).as_bytes());
                if let Ok(entry) = self.places.find_entry(hash, |other| *other == place) {
                    entry.remove();
                }
            }
        }
        for part in parts {
            self.chunks[*part] = Chunk::default();
        }
        let n_rows = merged.len();
        self.chunks[parts[0]] = merged;
        for row in 0..n_rows {
            self.locate(Place { chunk: parts[0] as u32, row: row as u16 });
        }
    }

    /// Folded words, parted by blanks, as most products write them, accents and all, in lower case; those that no product
    /// has stay as they are. The words are of this language, where it is known.
    pub fn as_written(&self, words: &str, language: Option<Language>) -> String {
        let own = self.lexicon.words.iter().filter(|words| Some(words.language()) == language);
        let vocabularies = || own.clone().chain(&self.lexicon.words);
        let written = |word| {
            let known = vocabularies().find_map(|words| Some(words.written(words.get(word)?)));
            known.unwrap_or(word)
        };
        words.split(' ').map(written).collect::<Vec<_>>().join(" ")
    }

    /// Looks at words and values that came with the last products.
    fn learn(&mut self) {
        self.compounds.learn(&self.lexicon);
        self.names.learn(&self.lexicon);
    }

    /// In how many products that can be found a term is. Counted rather than kept: a figure that also
    /// knew the dead would change when they are swept out, and with it the order of hits between two pages.
    pub(crate) fn live_docs(&self, term: Term) -> u32 {
        self.chunks.iter().map(|chunk| chunk.live_docs(term)).sum()
    }

    /// Where a product is.
    pub(crate) fn place(&self, id: &str) -> Option<Place> {
        let hash = xxh3_64(id.as_bytes());
        self.places.find(hash, |place| id_at(&self.chunks, *place) == id).copied()
    }

    /// Takes in a product that came just now: strikes out where it was. It keeps its place among hits of one
    /// score, and how much it is wanted.
    fn register(&mut self, place: Place) {
        let (coming, popularity) = match self.locate(place) {
            Some(old) => {
                self.strike(old);
                let (chunk, row) = (&self.chunks[old.chunk as usize], usize::from(old.row));
                (chunk.coming[row], chunk.popularity[row])
            }
            None => {
                self.n_came = self.n_came.saturating_add(1);
                (self.n_came, 0)
            }
        };
        let (chunk, row) = (&mut self.chunks[place.chunk as usize], usize::from(place.row));
        (chunk.coming[row], chunk.popularity[row]) = (coming, popularity);
    }

    /// Notes where a product is now; returns where it was.
    fn locate(&mut self, place: Place) -> Option<Place> {
        let chunks = &self.chunks;
        let id = id_at(chunks, place);
        let hash = xxh3_64(id.as_bytes());
        match self.places.find_mut(hash, |other| id_at(chunks, *other) == id) {
            Some(known) => Some(std::mem::replace(known, place)),
            None => {
                let hasher = |other: &Place| xxh3_64(id_at(chunks, *other).as_bytes());
                self.places.insert_unique(hash, place, hasher);
                None
            }
        }
    }

    fn strike(&mut self, place: Place) {
        let chunk = &mut self.chunks[place.chunk as usize];
        if chunk.strike(place.row) {
            let values = &mut self.lexicon.values;
            chunk.facts.each(place.row, &mut |field, value| {
                values[usize::from(field)].count(value, -1);
            });
        }
    }
}

/// The id of the product at a place.
pub(crate) fn id_at(chunks: &[Chunk], place: Place) -> &str {
    chunks[place.chunk as usize].ids.get(u32::from(place.row))
}

#[cfg(test)]
mod tests;
