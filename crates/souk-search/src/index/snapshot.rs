//! An index as bytes: magic, version, checksum, then all that is not worked out from the rest.

use hashbrown::HashTable;
use souk_core::wire::{Reader, WireError, Writer};
use xxhash_rust::xxh3::xxh3_128;

use super::SearchIndex;
use crate::chunk::{Chunk, Flat, Place, Postings, Rows};
use crate::document::Lengths;
use crate::lexicon::{Interner, Term, Texts, Values, Words};
use crate::settings::Settings;
use crate::text::Language;
use crate::title::TitleWord;

const MAGIC: &[u8; 8] = b"SOUKSRCH";
/// Goes up when the bytes, or the way products are read, change.
const VERSION: u8 = 2;
const HEAD: usize = 8 + 1 + 16;

/// Why bytes are no snapshot that can be used; the remedy is always to build the index anew.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SnapshotError {
    /// They begin otherwise.
    #[error("these bytes are no search snapshot; build the index from the catalogue")]
    NotOne,
    /// Of another version of the program.
    #[error(
        "search snapshot has version {found}, this program reads {VERSION}; build the index anew"
    )]
    Version {
        /// Which.
        found: u8,
    },
    /// Made with other settings than are wanted now.
    #[error("search snapshot was made with other settings; build the index anew")]
    Settings,
    /// Cut off or changed.
    #[error("search snapshot is damaged; build the index from the catalogue")]
    Damaged,
}

impl From<WireError> for SnapshotError {
    fn from(_: WireError) -> SnapshotError {
        SnapshotError::Damaged
    }
}

impl SearchIndex {
    /// The index as bytes, without its synonyms, which are settings of the shop.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut w = Writer::new();
        write_settings(&self.settings, &mut w);
        self.lengths.0.iter().for_each(|length| w.f64(f64::from(*length)));
        write_texts(self.lexicon.terms.texts(), &mut w);
        write_u32s(&self.lexicon.term_docs, &mut w);
        for words in &self.lexicon.words {
            let (texts, terms, counts) = words.parts();
            write_texts(texts, &mut w);
            write_u32s(&terms.collect::<Vec<_>>(), &mut w);
            write_u32s(counts, &mut w);
        }
        write_texts(self.lexicon.fields.texts(), &mut w);
        self.lexicon.values.iter().for_each(|values| write_texts(values.texts(), &mut w));
        let chunks = self.chunks.iter().filter(|chunk| chunk.n_live() > 0);
        w.count(chunks.clone().count());
        chunks.for_each(|chunk| write_chunk(chunk, &mut w));
        let body = w.into_bytes();
        let mut out = Vec::with_capacity(HEAD + body.len());
        out.extend_from_slice(MAGIC);
        out.push(VERSION);
        out.extend_from_slice(&xxh3_128(&body).to_le_bytes());
        out.extend_from_slice(&body);
        out
    }

    /// Reads [`SearchIndex::to_bytes`] again.
    ///
    /// # Errors
    ///
    /// [`SnapshotError`]: what to do is the same for all of them.
    pub fn from_bytes(bytes: &[u8], settings: &Settings) -> Result<SearchIndex, SnapshotError> {
        let (head, body) = bytes.split_at_checked(HEAD).ok_or(SnapshotError::NotOne)?;
        if &head[..8] != MAGIC {
            return Err(SnapshotError::NotOne);
        }
        if head[8] != VERSION {
            return Err(SnapshotError::Version { found: head[8] });
        }
        if head[9..] != xxh3_128(body).to_le_bytes() {
            return Err(SnapshotError::Damaged);
        }
        let mut wanted = Writer::new();
        write_settings(settings, &mut wanted);
        let wanted = wanted.into_bytes();
        let rest = body.strip_prefix(wanted.as_slice()).ok_or(SnapshotError::Settings)?;
        let mut r = Reader::new(rest);
        let mut index = SearchIndex::new(settings.clone());
        read_index(&mut index, &mut r)?;
        r.end()?;
        index.find_places()?;
        index.learn();
        Ok(index)
    }

    fn find_places(&mut self) -> Result<(), SnapshotError> {
        self.places = HashTable::with_capacity(self.chunks.iter().map(Chunk::n_live).sum());
        for number in 0..self.chunks.len() {
            let chunk = &self.chunks[number];
            for row in (0..chunk.len()).filter(|row| chunk.live.get(*row)) {
                let (fields, values) = chunk.facts.get(row as u16);
                for (field, value) in fields.iter().zip(values) {
                    self.lexicon.values[usize::from(*field)].count(*value, 1);
                }
            }
            let live: Vec<usize> = (0..chunk.len()).filter(|row| chunk.live.get(*row)).collect();
            let before = self.places.len();
            let n_live = live.len();
            for row in live {
                self.locate(Place { chunk: number as u32, row: row as u16 });
            }
            let last = self.chunks[number].coming.iter().max();
            self.n_came = self.n_came.max(last.copied().unwrap_or(0));
            // No product is twice in one index.
            if self.places.len() != before + n_live {
                return Err(SnapshotError::Damaged);
            }
        }
        // What was sealed stays so; new products go to a new chunk.
        if !self.chunks.is_empty() {
            self.chunks.push(Chunk::default());
        }
        Ok(())
    }
}

fn read_index(index: &mut SearchIndex, r: &mut Reader<'_>) -> Result<(), SnapshotError> {
    let mut lengths = Lengths::default();
    for length in &mut lengths.0 {
        *length = r.f64()? as f32;
    }
    index.lengths = lengths;
    let lexicon = &mut index.lexicon;
    lexicon.terms = Interner::from_texts(read_texts(r)?).ok_or(SnapshotError::Damaged)?;
    lexicon.term_docs = read_u32s(r)?;
    let n_terms = lexicon.terms.len();
    check(lexicon.term_docs.len() == n_terms)?;
    for words in &mut lexicon.words {
        let texts = read_texts(r)?;
        let (terms, counts) = (read_u32s(r)?, read_u32s(r)?);
        check(terms.iter().all(|term| (*term as usize) < n_terms))?;
        let read = Words::from_parts(words.language(), texts, (terms, counts));
        *words = read.ok_or(SnapshotError::Damaged)?;
    }
    lexicon.fields = Interner::from_texts(read_texts(r)?).ok_or(SnapshotError::Damaged)?;
    for _ in 0..lexicon.fields.len() {
        let values = Values::from_texts(read_texts(r)?).ok_or(SnapshotError::Damaged)?;
        lexicon.values.push(values);
    }
    for _ in 0..r.count()? {
        let chunk = read_chunk(r)?;
        let facts = chunk.facts.fields.iter().zip(&chunk.facts.values);
        let is_known = |(field, value): (&u16, &u32)| {
            lexicon.values.get(usize::from(*field)).is_some_and(|v| (*value as usize) < v.len())
        };
        check(facts.into_iter().all(is_known))?;
        let n_words = lexicon.words[0].len();
        check(
            chunk
                .title_words
                .numbers
                .iter()
                .all(|word| (TitleWord(*word).number() as usize) < n_words),
        )?;
        index.chunks.push(chunk);
    }
    Ok(())
}

fn check(holds: bool) -> Result<(), SnapshotError> {
    if holds { Ok(()) } else { Err(SnapshotError::Damaged) }
}

fn write_settings(settings: &Settings, w: &mut Writer) {
    w.count(settings.languages.len());
    for language in &settings.languages {
        let place = Language::ALL.iter().position(|other| other == language);
        w.u8(place.expect("all languages are listed") as u8);
    }
    for field in &settings.weights {
        w.f64(f64::from(field.weight));
        w.f64(f64::from(field.length));
    }
    // The ranking works on what is found, so a snapshot does not depend on it.
    w.f64(f64::from(settings.saturation));
}

fn write_u32s(numbers: &[u32], w: &mut Writer) {
    w.count(numbers.len());
    numbers.iter().for_each(|number| w.varint(u64::from(*number)));
}

fn read_u32s(r: &mut Reader<'_>) -> Result<Vec<u32>, SnapshotError> {
    let count = r.count()?;
    let mut numbers = Vec::with_capacity(count);
    for _ in 0..count {
        numbers.push(u32::try_from(r.varint()?).map_err(|_| SnapshotError::Damaged)?);
    }
    Ok(numbers)
}

/// Numbers that rise, as the steps between them.
fn write_rising(numbers: impl ExactSizeIterator<Item = u32>, w: &mut Writer) {
    w.count(numbers.len());
    let mut last = 0;
    for number in numbers {
        w.varint(u64::from(number - last));
        last = number;
    }
}

fn read_rising(r: &mut Reader<'_>) -> Result<Vec<u32>, SnapshotError> {
    let mut numbers = read_u32s(r)?;
    let mut last = 0u32;
    for number in &mut numbers {
        last = last.checked_add(*number).ok_or(SnapshotError::Damaged)?;
        *number = last;
    }
    Ok(numbers)
}

fn write_texts(texts: &Texts, w: &mut Writer) {
    let (bytes, ends) = texts.parts();
    w.text(bytes);
    write_rising(ends.iter().copied(), w);
}

fn read_texts(r: &mut Reader<'_>) -> Result<Texts, SnapshotError> {
    let bytes = r.text()?;
    let ends = read_rising(r)?;
    Texts::from_parts(bytes, ends).ok_or(SnapshotError::Damaged)
}

fn write_chunk(chunk: &Chunk, w: &mut Writer) {
    write_texts(&chunk.ids, w);
    write_texts(&chunk.titles, w);
    write_rising(chunk.title_words.ends.iter().copied(), w);
    write_u32s(&chunk.title_words.numbers, w);
    write_rising(chunk.facts.ends.iter().copied(), w);
    chunk.facts.fields.iter().for_each(|field| w.varint(u64::from(*field)));
    write_u32s(&chunk.facts.values, w);
    w.raw(&chunk.availability);
    w.raw(&chunk.popularity);
    write_u32s(&chunk.coming, w);
    for word in chunk.live.words() {
        w.raw(&word.to_le_bytes());
    }
    let mut n_terms = 0;
    chunk.postings.each(&mut |_, _| n_terms += 1);
    w.count(n_terms);
    let mut last = 0;
    chunk.postings.each(&mut |term, list| {
        w.varint(u64::from(term.0 - last));
        last = term.0;
        write_rising(list.rows.iter().map(|row| u32::from(*row)), w);
        w.raw(list.impacts);
    });
}

fn read_chunk(r: &mut Reader<'_>) -> Result<Chunk, SnapshotError> {
    let mut chunk = Chunk::default();
    chunk.ids = read_texts(r)?;
    chunk.titles = read_texts(r)?;
    let n_rows = chunk.len();
    check(n_rows <= Chunk::ROWS_MAX && chunk.titles.len() == n_rows)?;
    chunk.title_words = Rows { ends: read_rising(r)?, numbers: read_u32s(r)? };
    let last = |ends: &[u32]| ends.last().map_or(0, |end| *end as usize);
    check(chunk.title_words.ends.len() == n_rows)?;
    check(last(&chunk.title_words.ends) == chunk.title_words.numbers.len())?;
    chunk.facts.ends = read_rising(r)?;
    check(chunk.facts.ends.len() == n_rows)?;
    for _ in 0..last(&chunk.facts.ends) {
        let field = u16::try_from(r.varint()?).map_err(|_| SnapshotError::Damaged)?;
        chunk.facts.fields.push(field);
    }
    chunk.facts.values = read_u32s(r)?;
    check(chunk.facts.values.len() == chunk.facts.fields.len())?;
    chunk.availability = r.raw(n_rows)?.to_vec();
    check(chunk.availability.iter().all(|state| *state < 4))?;
    chunk.popularity = r.raw(n_rows)?.to_vec();
    chunk.coming = read_u32s(r)?;
    check(chunk.coming.len() == n_rows)?;
    let live = r.raw(n_rows.div_ceil(64) * 8)?;
    for row in 0..n_rows {
        chunk.push_live(live[row / 8] >> (row % 8) & 1);
    }
    chunk.postings = Postings::Sealed(read_postings(r, n_rows)?);
    Ok(chunk)
}

fn read_postings(r: &mut Reader<'_>, n_rows: usize) -> Result<Flat, SnapshotError> {
    let mut flat = Flat::default();
    let mut last = 0u32;
    for place in 0..r.count()? {
        let step = u32::try_from(r.varint()?).map_err(|_| SnapshotError::Damaged)?;
        check(place == 0 || step > 0)?;
        last = last.checked_add(step).ok_or(SnapshotError::Damaged)?;
        flat.terms.push(Term(last));
        for row in read_rising(r)? {
            check((row as usize) < n_rows)?;
            flat.rows.push(row as u16);
        }
        flat.impacts.extend_from_slice(r.raw(flat.rows.len() - flat.impacts.len())?);
        flat.close();
    }
    Ok(flat)
}
