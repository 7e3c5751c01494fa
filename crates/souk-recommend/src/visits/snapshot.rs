//! The index as bytes: limits, then each visit from the oldest to the youngest. The lists by item
//! are rebuilt while reading.

use super::{Entry, NONE, NOWHERE, Posting, VisitIndex, VisitLimits};
use crate::types::Shopper;
use crate::wire::{Kind, Reader, SnapshotError, Writer};

const KIND: Kind = Kind { magic: *b"SKVI", version: 1 };

/// Bytes of a visit before its items.
const VISIT_BYTES: usize = 24;
/// In a visit's length: times follow the items.
const HAS_TIMES: u32 = 1 << 31;

impl VisitIndex {
    /// The index as bytes; equal visits give equal bytes, whatever happened before.
    pub fn encode(&self) -> Vec<u8> {
        let expected = VISIT_BYTES * self.n_visits() as usize + 8 * self.n_events as usize + 24;
        let mut writer = Writer::new(KIND, expected);
        writer.u32(self.limits.visits_max);
        writer.u32(self.limits.events_per_visit_max);
        writer.u32(self.postings.len() as u32);
        writer.u32(self.chains.len() as u32);
        writer.u32(self.n_visits());
        for slot in self.slots_by_rank() {
            let entry = &self.entries[slot as usize];
            let times = if entry.times == NOWHERE { 0 } else { entry.len as usize };
            let flag = if times > 0 { HAS_TIMES } else { 0 };
            writer.u64(entry.id);
            writer.i64(entry.base);
            writer.u32(entry.shopper);
            writer.u32(entry.len | flag);
            writer.words(self.items_at(slot));
            writer.words(self.visit_words.get(entry.times, times));
        }
        writer.finish()
    }

    /// The index of these bytes.
    ///
    /// # Errors
    ///
    /// [`SnapshotError`] when the bytes are not those that [`VisitIndex::encode`] wrote.
    pub fn decode(bytes: &[u8]) -> Result<VisitIndex, SnapshotError> {
        let mut reader = Reader::new(KIND, bytes)?;
        let limits = VisitLimits { visits_max: reader.u32()?, events_per_visit_max: reader.u32()? };
        let (n_items, n_chains) = (reader.u32()? as usize, reader.u32()? as usize);
        let n_visits = reader.u32()? as usize;
        if n_visits > reader.remaining() / VISIT_BYTES || n_visits > limits.visits_max as usize {
            return Err(SnapshotError::Damaged);
        }
        let mut index = VisitIndex::new(limits);
        index.entries.reserve_exact(n_visits);
        index.oldest.reserve(n_visits);
        index.by_id.reserve(n_visits, |_| 0);
        index.chains.resize(n_chains, NONE);
        let mut counts = vec![0; n_items];
        for _ in 0..n_visits {
            index.read_visit(&mut reader, &mut counts)?;
        }
        reader.finish()?;
        index.fill_postings(&counts);
        Ok(index)
    }

    /// Reads one visit, enters it everywhere but in the lists by item, and counts those.
    fn read_visit(
        &mut self,
        reader: &mut Reader<'_>,
        counts: &mut [u32],
    ) -> Result<(), SnapshotError> {
        let (id, base) = (reader.u64()?, reader.i64()?);
        let (shopper, flagged) = (reader.u32()?, reader.u32()?);
        let len = flagged & !HAS_TIMES;
        let is_known = shopper == NONE || (shopper as usize) < self.chains.len();
        if len == 0 || len > self.limits.events_per_visit_max || !is_known {
            return Err(SnapshotError::Damaged);
        }
        let items = self.visit_words.take(len as usize);
        let words = reader.words(len as usize)?;
        for (place, word) in self.visit_words.get_mut(items, len as usize).iter_mut().zip(words) {
            *place = word;
        }
        let (mut times, mut first, mut last) = (NOWHERE, 0, 0);
        if flagged & HAS_TIMES != 0 {
            times = self.visit_words.take(len as usize);
            let words = reader.words(len as usize)?;
            let places = self.visit_words.get_mut(times, len as usize);
            for (idx, (place, word)) in places.iter_mut().zip(words).enumerate() {
                *place = word;
                last = word as i32;
                first = if idx == 0 { last } else { first };
            }
        }
        let entry = Entry {
            id,
            base,
            first,
            last,
            shopper: NONE,
            items,
            times,
            len,
            next: NONE,
            heap_place: 0,
        };
        let slot = self.add_entry(entry);
        self.claim(slot, Some(Shopper(shopper)));
        let items = self.visit_words.get(items, len as usize);
        for (idx, &item) in items.iter().enumerate() {
            let count = counts.get_mut(item as usize).ok_or(SnapshotError::Damaged)?;
            if !items[..idx].contains(&item) {
                *count += 1;
            }
        }
        Ok(())
    }

    /// Makes the lists by item, each in a block of its final size.
    fn fill_postings(&mut self, counts: &[u32]) {
        self.postings.reserve_exact(counts.len());
        for &count in counts {
            let at = self.posting_words.take(count as usize);
            self.postings.push(Posting { at, len: 0 });
        }
        // Bytes of this program are in that order already, those of earlier ones were not.
        for slot in self.slots_by_rank() {
            let entry = &self.entries[slot as usize];
            let items = self.visit_words.get(entry.items, entry.len as usize);
            for (idx, &item) in items.iter().enumerate() {
                if items[..idx].contains(&item) {
                    continue;
                }
                let posting = &mut self.postings[item as usize];
                posting.len += 1;
                let words = self.posting_words.get_mut(posting.at, posting.len as usize);
                words[posting.len as usize - 1] = slot;
            }
        }
    }
}
