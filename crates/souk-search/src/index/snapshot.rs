//! An index as bytes: magic and version, then sections (the dictionaries, the values of each field, the chunks),
//! then a table of contents with their checksums. Sections are read by themselves, on several threads.

mod parts;

use std::sync::atomic::{AtomicUsize, Ordering};

use hashbrown::HashTable;
use souk_core::wire::{Reader, WireError, Writer};
use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

use super::{SearchIndex, id_at};
use crate::chunk::{Chunk, Place};
use crate::document::Lengths;
use crate::lexicon::{Interner, Lexicon, Values, Words};
use crate::settings::Settings;
use crate::text::Language;
use parts::ReadChunk;

const MAGIC: &[u8; 8] = b"SOUKSRCH";
/// Goes up when the bytes, or the way products are read, change.
const VERSION: u8 = 4;
/// Magic, version, the length of the table of contents, its checksum.
const HEAD: usize = 8 + 1 + 4 + 16;

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

/// What a section of a snapshot holds, by its place.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Terms,
    /// Of the language at this place.
    Words(usize),
    Fields,
    Values,
    Chunk,
}

/// A section that was read.
enum Section {
    /// And in how many products each is.
    Terms(Interner, Vec<u32>),
    Words(Words),
    Fields(Interner),
    Values(Values),
    Chunk(Box<ReadChunk>),
}

impl SearchIndex {
    /// The index as bytes, without its synonyms, which are settings of the shop.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.size().bytes);
        out.resize(HEAD, 0);
        let mut w = Writer::over(out);
        let mut ends = Vec::new();
        let mut add = |write: &dyn Fn(&mut Writer)| {
            write(&mut w);
            ends.push(w.len());
        };
        let lexicon = &self.lexicon;
        add(&|w| {
            parts::write_texts(lexicon.terms.texts(), w);
            parts::write_u32s(&lexicon.term_docs, w);
        });
        lexicon.words.iter().for_each(|words| add(&|w| parts::write_words(words, w)));
        add(&|w| parts::write_texts(lexicon.fields.texts(), w));
        lexicon.values.iter().for_each(|values| add(&|w| parts::write_values(values, w)));
        let chunks = self.chunks.iter().filter(|chunk| chunk.n_live() > 0);
        chunks.for_each(|chunk| add(&|w| parts::write_chunk(chunk, w)));
        let mut out = w.into_bytes();
        let mut table = Writer::new();
        write_settings(&self.settings, &mut table);
        self.lengths.0.iter().for_each(|length| table.f64(f64::from(*length)));
        table.count(lexicon.values.len());
        table.count(ends.len());
        let mut start = HEAD;
        for end in ends {
            table.varint((end - start) as u64);
            table.raw(&xxh3_128(&out[start..end]).to_le_bytes());
            start = end;
        }
        let table = table.into_bytes();
        out[..8].copy_from_slice(MAGIC);
        out[8] = VERSION;
        out[9..13].copy_from_slice(&(table.len() as u32).to_le_bytes());
        out[13..HEAD].copy_from_slice(&xxh3_128(&table).to_le_bytes());
        out.extend_from_slice(&table);
        out
    }

    /// Reads [`SearchIndex::to_bytes`] again, on as many threads as there are processors.
    ///
    /// # Errors
    ///
    /// [`SnapshotError`]: what to do is the same for all of them.
    pub fn from_bytes(bytes: &[u8], settings: &Settings) -> Result<SearchIndex, SnapshotError> {
        let (head, rest) = bytes.split_at_checked(HEAD).ok_or(SnapshotError::NotOne)?;
        if &head[..8] != MAGIC {
            return Err(SnapshotError::NotOne);
        }
        if head[8] != VERSION {
            return Err(SnapshotError::Version { found: head[8] });
        }
        let length = u32::from_le_bytes([head[9], head[10], head[11], head[12]]) as usize;
        let table = rest.len().checked_sub(length).ok_or(SnapshotError::Damaged)?;
        let (rest, table) = rest.split_at(table);
        check(head[13..] == xxh3_128(table).to_le_bytes())?;
        let mut wanted = Writer::new();
        write_settings(settings, &mut wanted);
        let wanted = wanted.into_bytes();
        let table = table.strip_prefix(wanted.as_slice()).ok_or(SnapshotError::Settings)?;
        let mut index = SearchIndex::new(settings.clone());
        let sections = read_table(&mut index.lengths, table, (settings.languages.len(), rest))?;
        take_sections(&mut index, read_sections(&sections, settings)?)?;
        // What was sealed stays so; new products go to a new chunk.
        if !index.chunks.is_empty() {
            index.chunks.push(Chunk::default());
        }
        index.learn();
        Ok(index)
    }

    /// Takes a chunk, given the hashes of its rows' ids.
    fn take_read(&mut self, chunk: Chunk, hashes: &[u64]) -> Result<(), SnapshotError> {
        let number = self.chunks.len() as u32;
        self.chunks.push(chunk);
        let chunks = &self.chunks;
        let chunk = &chunks[number as usize];
        for row in (0..chunk.len()).filter(|row| chunk.live.get(*row)) {
            let place = Place { chunk: number, row: row as u16 };
            let id = id_at(chunks, place);
            let is_known = |other: &Place| id_at(chunks, *other) == id;
            // No product is twice in one index.
            check(self.places.find(hashes[row], is_known).is_none())?;
            let hasher = |other: &Place| xxh3_64(id_at(chunks, *other).as_bytes());
            self.places.insert_unique(hashes[row], place, hasher);
        }
        let last = chunk.coming.iter().max();
        self.n_came = self.n_came.max(last.copied().unwrap_or(0));
        Ok(())
    }
}

/// What a section is, its bytes and its checksum.
type Packed<'a> = (Kind, &'a [u8], &'a [u8]);

/// Reads the table of contents.
fn read_table<'a>(
    lengths: &mut Lengths,
    table: &'a [u8],
    (n_languages, mut rest): (usize, &'a [u8]),
) -> Result<Vec<Packed<'a>>, SnapshotError> {
    let mut r = Reader::new(table);
    for length in &mut lengths.0 {
        *length = r.f64()? as f32;
    }
    let n_fields = r.count()?;
    let n_sections = r.count()?;
    check(n_sections >= 2 + n_languages + n_fields)?;
    let kind = |place: usize| match place {
        0 => Kind::Terms,
        _ if place <= n_languages => Kind::Words(place - 1),
        _ if place == n_languages + 1 => Kind::Fields,
        _ if place < n_languages + 2 + n_fields => Kind::Values,
        _ => Kind::Chunk,
    };
    let mut sections = Vec::with_capacity(n_sections);
    for place in 0..n_sections {
        let length = usize::try_from(r.varint()?).map_err(|_| SnapshotError::Damaged)?;
        let (section, after) = rest.split_at_checked(length).ok_or(SnapshotError::Damaged)?;
        rest = after;
        sections.push((kind(place), section, r.raw(16)?));
    }
    r.end()?;
    check(rest.is_empty())?;
    Ok(sections)
}

fn read_sections(
    sections: &[Packed<'_>],
    settings: &Settings,
) -> Result<Vec<Section>, SnapshotError> {
    let n_threads = std::thread::available_parallelism().map_or(1, usize::from);
    let next = AtomicUsize::new(0);
    let work = || {
        let mut read = Vec::new();
        loop {
            let place = next.fetch_add(1, Ordering::Relaxed);
            let Some(section) = sections.get(place) else { return read };
            read.push((place, read_section(*section, settings)));
        }
    };
    let mut read: Vec<(usize, Result<Section, SnapshotError>)> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..n_threads).map(|_| scope.spawn(work)).collect();
        let joined = workers.into_iter().map(|worker| worker.join());
        joined.flat_map(|read| read.unwrap_or_else(|p| std::panic::resume_unwind(p))).collect()
    });
    read.sort_unstable_by_key(|(place, _)| *place);
    read.into_iter().map(|(_, section)| section).collect()
}

fn read_section(
    (kind, bytes, checksum): Packed<'_>,
    settings: &Settings,
) -> Result<Section, SnapshotError> {
    check(*checksum == xxh3_128(bytes).to_le_bytes())?;
    let mut r = Reader::new(bytes);
    let section = match kind {
        Kind::Terms => {
            let terms = parts::read_interner(&mut r)?;
            let docs = parts::read_u32s(&mut r)?;
            check(docs.len() == terms.len())?;
            Section::Terms(terms, docs)
        }
        Kind::Words(place) => Section::Words(parts::read_words(&mut r, settings.languages[place])?),
        Kind::Fields => Section::Fields(parts::read_interner(&mut r)?),
        Kind::Values => Section::Values(parts::read_values(&mut r)?),
        Kind::Chunk => Section::Chunk(Box::new(parts::read_chunk(&mut r)?)),
    };
    r.end()?;
    Ok(section)
}

/// Puts sections together, which come in the order of [`Kind`], and sees that they fit each other.
fn take_sections(index: &mut SearchIndex, sections: Vec<Section>) -> Result<(), SnapshotError> {
    let lexicon = &mut index.lexicon;
    lexicon.words.clear();
    let mut chunks = Vec::new();
    for section in sections {
        match section {
            Section::Terms(terms, docs) => (lexicon.terms, lexicon.term_docs) = (terms, docs),
            Section::Words(words) => lexicon.words.push(words),
            Section::Fields(fields) => lexicon.fields = fields,
            Section::Values(values) => lexicon.values.push(values),
            Section::Chunk(chunk) => chunks.push(*chunk),
        }
    }
    check(lexicon.values.len() == lexicon.fields.len())?;
    let n_terms = lexicon.terms.len();
    check(lexicon.words.iter().all(|words| words.has_terms_below(n_terms)))?;
    check(chunks.iter().all(|chunk| fits(lexicon, chunk)))?;
    let n_live = chunks.iter().map(|read| read.chunk.n_live()).sum();
    index.places = HashTable::with_capacity(n_live);
    chunks.into_iter().try_for_each(|read| index.take_read(read.chunk, &read.hashes))
}

/// Whether a chunk names only what the dictionaries have.
fn fits(lexicon: &Lexicon, read: &ReadChunk) -> bool {
    let is_known = |field: u16, value: u32| {
        let values = lexicon.values.get(usize::from(field));
        values.is_some_and(|values| (value as usize) < values.len())
    };
    let columns = read.chunk.facts.columns();
    let of_column = |column: &crate::chunk::Column| {
        column.lists.numbers.iter().all(|value| is_known(column.field, *value))
    };
    read.n_terms <= lexicon.terms.len()
        && read.n_words <= lexicon.words[0].len()
        && columns.0.iter().all(of_column)
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
