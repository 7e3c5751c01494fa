//! Says in a few memory reads which closed segments may hold an event id.
//!
//! A bit-sliced Bloom filter: one column for each of 32 segments, one row for each hash value; a
//! look-up reads `HASHES` rows and ands them, so it costs the same for one segment as for 32.
//! A plain Bloom filter for each segment would read as many times as there are segments.
//!
//! Source: Faloutsos and Christodoulakis, *Signature files* (1984), bit slices; Bloom (1970).

use std::sync::atomic::{AtomicU32, Ordering};

use souk_core::EventId;
use xxhash_rust::xxh3::xxh3_64;

/// Rows for each record of a segment: three bytes of memory a record, and a false hit for one
/// segment with probability (1 - e^(-8/24))^8 = 4.2e-5, thus once in 300 look-ups over 76 segments.
const ROWS_PER_RECORD: usize = 24;
/// Rows that one id sets.
const HASHES: u32 = 8;
/// Segments in one group.
pub(crate) const GROUP_SEGMENTS: usize = 32;

/// The filter of up to [`GROUP_SEGMENTS`] segments.
#[derive(Debug)]
pub(crate) struct FilterGroup {
    rows: Box<[AtomicU32]>,
}

/// An id, hashed once for all groups.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FilterKey {
    start: u32,
    step: u32,
}

impl FilterKey {
    pub(crate) fn new(id: EventId) -> FilterKey {
        let hash = xxh3_64(&id.0);
        FilterKey { start: hash as u32, step: (hash >> 32) as u32 | 1 }
    }

    /// Row numbers by double hashing (Kirsch and Mitzenmacher 2008), spread by multiplication.
    fn rows(self, n_rows: usize) -> impl Iterator<Item = usize> {
        (0..HASHES).map(move |i| {
            let hash = self.start.wrapping_add(i.wrapping_mul(self.step));
            ((u64::from(hash) * n_rows as u64) >> 32) as usize
        })
    }
}

impl FilterGroup {
    /// A group for segments of at most `segment_records` records.
    pub(crate) fn new(segment_records: u32) -> FilterGroup {
        let n_rows = (segment_records as usize).max(64) * ROWS_PER_RECORD;
        FilterGroup { rows: (0..n_rows).map(|_| AtomicU32::new(0)).collect() }
    }

    /// Marks `key` as one of the segment in `column`.
    pub(crate) fn insert(&self, key: FilterKey, column: u32) {
        for row in key.rows(self.rows.len()) {
            self.rows[row].fetch_or(1 << column, Ordering::Relaxed);
        }
    }

    /// The columns whose segments may hold `key`, as bits.
    pub(crate) fn candidates(&self, key: FilterKey) -> u32 {
        let mut columns = u32::MAX;
        for row in key.rows(self.rows.len()) {
            columns &= self.rows[row].load(Ordering::Relaxed);
            if columns == 0 {
                break;
            }
        }
        columns
    }
}

#[cfg(test)]
mod tests;
