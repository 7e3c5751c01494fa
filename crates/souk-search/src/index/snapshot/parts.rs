//! The parts of a snapshot: numbers as they lie in memory, low bytes first, so that reading is copying.

use souk_core::wire::{Reader, Writer};
use xxhash_rust::xxh3::xxh3_64;

use super::{SnapshotError, check};
use crate::chunk::{Chunk, Codes, Column, Columns, Facts, Flat, Postings, Rows};
use crate::lexicon::{Interner, Term, Texts, Values, Words};
use crate::text::Language;
use crate::title::TitleWord;

/// A chunk as it was read.
pub(super) struct ReadChunk {
    pub(super) chunk: Chunk,
    /// Of each row's id.
    pub(super) hashes: Vec<u64>,
    /// Terms and words that there must be.
    pub(super) n_terms: usize,
    pub(super) n_words: usize,
}

/// Bytes that are written at once.
const BLOCK: usize = 4_096;

fn write_numbers<T: Copy, const N: usize>(numbers: &[T], to: fn(T) -> [u8; N], w: &mut Writer) {
    w.count(numbers.len());
    let mut block = [0; BLOCK];
    for some in numbers.chunks(BLOCK / N) {
        for (out, number) in block.chunks_exact_mut(N).zip(some) {
            out.copy_from_slice(&to(*number));
        }
        w.raw(&block[..some.len() * N]);
    }
}

pub(super) fn write_u32s(numbers: &[u32], w: &mut Writer) {
    write_numbers(numbers, u32::to_le_bytes, w);
}

pub(super) fn read_u32s(r: &mut Reader<'_>) -> Result<Vec<u32>, SnapshotError> {
    let count = r.count()?;
    let (numbers, _) = r.raw(count * 4)?.as_chunks();
    Ok(numbers.iter().map(|bytes| u32::from_le_bytes(*bytes)).collect())
}

fn write_u16s(numbers: &[u16], w: &mut Writer) {
    write_numbers(numbers, u16::to_le_bytes, w);
}

fn read_u16s(r: &mut Reader<'_>) -> Result<Vec<u16>, SnapshotError> {
    let count = r.count()?;
    let (numbers, _) = r.raw(count * 2)?.as_chunks();
    Ok(numbers.iter().map(|bytes| u16::from_le_bytes(*bytes)).collect())
}

pub(super) fn write_texts(texts: &Texts, w: &mut Writer) {
    let (bytes, ends) = texts.parts();
    w.text(bytes);
    write_u32s(ends, w);
}

fn read_texts(r: &mut Reader<'_>) -> Result<Texts, SnapshotError> {
    let bytes = r.text()?;
    let ends = read_u32s(r)?;
    Texts::from_parts(bytes, ends).ok_or(SnapshotError::Damaged)
}

pub(super) fn read_interner(r: &mut Reader<'_>) -> Result<Interner, SnapshotError> {
    Interner::from_texts(read_texts(r)?).ok_or(SnapshotError::Damaged)
}

pub(super) fn write_words(words: &Words, w: &mut Writer) {
    let (texts, terms, counts) = words.parts();
    write_texts(texts, w);
    write_u32s(&terms.collect::<Vec<_>>(), w);
    write_u32s(counts, w);
    write_u32s(&words.in_order(), w);
    let (numbers, texts, counts) = words.spellings();
    write_u32s(&numbers, w);
    write_texts(&texts, w);
    write_u32s(&counts, w);
}

pub(super) fn read_words(r: &mut Reader<'_>, language: Language) -> Result<Words, SnapshotError> {
    let texts = read_texts(r)?;
    let (terms, counts, sorted) = (read_u32s(r)?, read_u32s(r)?, read_u32s(r)?);
    let words = Words::from_parts(language, texts, (terms, counts, sorted));
    let spellings = (read_u32s(r)?, read_texts(r)?, read_u32s(r)?);
    words.and_then(|words| words.with_spellings(spellings)).ok_or(SnapshotError::Damaged)
}

pub(super) fn write_values(values: &Values, w: &mut Writer) {
    write_texts(values.texts(), w);
    write_u32s(values.all_live(), w);
}

pub(super) fn read_values(r: &mut Reader<'_>) -> Result<Values, SnapshotError> {
    let texts = read_texts(r)?;
    Values::from_parts(texts, read_u32s(r)?).ok_or(SnapshotError::Damaged)
}

fn write_rows(rows: &Rows, w: &mut Writer) {
    write_u32s(&rows.ends, w);
    write_u32s(&rows.numbers, w);
}

fn read_rows(r: &mut Reader<'_>) -> Result<Rows, SnapshotError> {
    let rows = Rows { ends: read_u32s(r)?, numbers: read_u32s(r)? };
    check(are_ends(&rows.ends, rows.numbers.len()))?;
    Ok(rows)
}

/// Whether lists that end so take up `length` in all.
fn are_ends(ends: &[u32], length: usize) -> bool {
    ends.is_sorted() && ends.last().map_or(0, |end| *end as usize) == length
}

pub(super) fn write_chunk(chunk: &Chunk, w: &mut Writer) {
    write_texts(&chunk.ids, w);
    write_texts(&chunk.titles, w);
    write_rows(&chunk.title_words, w);
    let columns = chunk.facts.columns();
    w.count(columns.0.len());
    columns.0.iter().for_each(|column| write_column(column, w));
    w.raw(&chunk.availability);
    w.raw(&chunk.popularity);
    write_u32s(&chunk.coming, w);
    for word in chunk.live.words() {
        w.raw(&word.to_le_bytes());
    }
    let flat = chunk.postings.flat();
    write_u32s(&flat.terms.iter().map(|term| term.0).collect::<Vec<_>>(), w);
    write_u32s(&flat.ends, w);
    write_u16s(&flat.rows, w);
    w.raw(&flat.impacts);
}

pub(super) fn read_chunk(r: &mut Reader<'_>) -> Result<ReadChunk, SnapshotError> {
    let mut chunk = Chunk::default();
    chunk.ids = read_texts(r)?;
    chunk.titles = read_texts(r)?;
    let n_rows = chunk.len();
    check(n_rows <= Chunk::ROWS_MAX && chunk.titles.len() == n_rows)?;
    chunk.title_words = read_rows(r)?;
    check(chunk.title_words.len() == n_rows)?;
    let n_columns = r.count()?;
    let columns: Result<Vec<Column>, _> = (0..n_columns).map(|_| read_column(r, n_rows)).collect();
    let columns = columns?;
    check(columns.is_sorted_by(|left, right| left.field < right.field))?;
    chunk.facts = Facts::Sealed(Columns(columns));
    chunk.availability = r.raw(n_rows)?.to_vec();
    check(chunk.availability.iter().all(|state| *state < 4))?;
    chunk.popularity = r.raw(n_rows)?.to_vec();
    chunk.coming = read_u32s(r)?;
    check(chunk.coming.len() == n_rows)?;
    let live = r.raw(n_rows.div_ceil(64) * 8)?;
    for row in 0..n_rows {
        chunk.push_live(live[row / 8] >> (row % 8) & 1);
    }
    let flat = read_postings(r, n_rows)?;
    let n_terms = flat.terms.last().map_or(0, |term| term.0 as usize + 1);
    chunk.postings = Postings::Sealed(flat);
    let words = chunk.title_words.numbers.iter();
    let n_words = words.map(|word| TitleWord(*word).number() as usize + 1).max().unwrap_or(0);
    let ids = (0..n_rows as u32).map(|row| chunk.ids.get(row));
    let hashes = ids.map(|id| xxh3_64(id.as_bytes())).collect();
    Ok(ReadChunk { chunk, hashes, n_terms, n_words })
}

/// How a column's codes are written: one or two bytes each, of all rows or of those that it names.
mod shape {
    pub(super) const WIDE: u8 = 1;
    pub(super) const SPARSE: u8 = 2;
}

fn write_column(column: &Column, w: &mut Writer) {
    w.varint(u64::from(column.field));
    let is_wide = matches!(column.codes, Codes::Wide(_));
    let wide = if is_wide { shape::WIDE } else { 0 };
    w.u8(wide | if column.rows.is_some() { shape::SPARSE } else { 0 });
    if let Some(rows) = &column.rows {
        write_u16s(rows, w);
    }
    match &column.codes {
        Codes::Narrow(codes) => w.bytes(codes),
        Codes::Wide(codes) => write_u16s(codes, w),
    }
    write_rows(&column.lists, w);
}

fn read_column(r: &mut Reader<'_>, n_rows: usize) -> Result<Column, SnapshotError> {
    let field = u16::try_from(r.varint()?).map_err(|_| SnapshotError::Damaged)?;
    let shape = r.u8()?;
    let rows = (shape & shape::SPARSE != 0).then(|| read_u16s(r)).transpose()?;
    if let Some(rows) = &rows {
        check(rows.is_sorted_by(|left, right| left < right))?;
        check(rows.last().is_none_or(|row| usize::from(*row) < n_rows))?;
    }
    let codes = if shape & shape::WIDE != 0 {
        Codes::Wide(read_u16s(r)?)
    } else {
        Codes::Narrow(r.bytes()?.to_vec())
    };
    let lists = read_rows(r)?;
    check(codes.len() == rows.as_ref().map_or(n_rows, Vec::len))?;
    check(lists.len() <= Chunk::ROWS_MAX)?;
    check(codes.len() == 0 || codes.most() < lists.len())?;
    Ok(Column { field, rows, codes, lists })
}

fn read_postings(r: &mut Reader<'_>, n_rows: usize) -> Result<Flat, SnapshotError> {
    let terms: Vec<Term> = read_u32s(r)?.into_iter().map(Term).collect();
    check(terms.is_sorted_by(|left, right| left < right))?;
    let (ends, rows) = (read_u32s(r)?, read_u16s(r)?);
    check(ends.len() == terms.len() && are_ends(&ends, rows.len()))?;
    check(rows.iter().max().is_none_or(|row| usize::from(*row) < n_rows))?;
    let impacts = r.raw(rows.len())?.to_vec();
    Ok(Flat { terms, ends, rows, impacts })
}
