//! The index as bytes: limits, then each visit from the oldest to the youngest. The lists by item
//! are rebuilt while reading.

use super::{DISTANCE_MAX, EMPTY, List, NONE, Step, VisitIndex, VisitLimits};
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
        writer.u32(self.with_item.len() as u32);
        writer.u32(self.of_shopper.len() as u32);
        writer.u32(self.n_visits());
        for visit in self.visits() {
            let len = visit.len() as u32;
            let has_times = visit.last_time > visit.start;
            writer.u64(visit.id.0);
            writer.i64(visit.start);
            writer.u32(visit.shopper.map_or(NONE, |shopper| shopper.0));
            writer.u32(len | if has_times { HAS_TIMES } else { 0 });
            writer.words(visit.items.iter());
            if has_times {
                let distance = |time: i64| time.saturating_sub(visit.start) as u32;
                writer.words(visit.events().map(|(_, time)| distance(time)));
            }
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
        let (n_items, n_shoppers) = (reader.u32()? as usize, reader.u32()? as usize);
        let n_visits = reader.u32()? as usize;
        if n_visits > reader.remaining() / VISIT_BYTES || n_visits > limits.visits_max as usize {
            return Err(SnapshotError::Damaged);
        }
        let mut index = VisitIndex::new(limits);
        index.entries.reserve_exact(n_visits);
        index.by_id.reserve(n_visits, |_| 0);
        index.of_shopper.resize(n_shoppers, EMPTY);
        let mut counts = vec![0; n_items];
        for _ in 0..n_visits {
            index.read_visit(&mut reader, &mut counts)?;
        }
        reader.finish()?;
        index.fill_lists(&counts);
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
        let is_known = shopper == NONE || (shopper as usize) < self.of_shopper.len();
        if len == 0 || len > self.limits.events_per_visit_max || !is_known {
            return Err(SnapshotError::Damaged);
        }
        let mut events = std::mem::take(&mut self.steps);
        events.clear();
        events.extend(reader.words(len as usize)?.map(|item| Step { item, distance: 0 }));
        let mut start = base;
        if flagged & HAS_TIMES != 0 {
            // Earlier programs counted from the event that came first, which need not be the earliest.
            let mut times =
                reader.words(len as usize)?.map(|word| i64::from(word as i32)).peekable();
            let first = times.peek().copied().unwrap_or_default();
            start = base.saturating_add(first);
            for (step, time) in events.iter_mut().zip(times) {
                step.distance = (time - first).clamp(0, i64::from(DISTANCE_MAX)) as u32;
            }
        }
        let slot = self.add_entry((id, start));
        self.pack(slot, &events);
        self.claim(slot, Some(Shopper(shopper)));
        for (idx, step) in events.iter().enumerate() {
            let count = counts.get_mut(step.item as usize).ok_or(SnapshotError::Damaged)?;
            if events[..idx].iter().all(|other| other.item != step.item) {
                *count += 1;
            }
        }
        self.keep(events);
        Ok(())
    }

    /// Makes the lists by item, each in a block of its final size.
    fn fill_lists(&mut self, counts: &[u32]) {
        self.with_item = counts
            .iter()
            .map(|&count| List { at: self.list_words.take(count as usize), len: 0 })
            .collect();
        for slot in self.ages.slots() {
            let events = self.entries[slot as usize].items(&self.visit_words);
            for (idx, item) in events.iter().enumerate() {
                if events.iter().take(idx).any(|other| other == item) {
                    continue;
                }
                let list = &mut self.with_item[item as usize];
                list.len += 1;
                let words = self.list_words.get_mut(list.at, list.len as usize);
                words[list.len as usize - 1] = slot;
            }
        }
    }
}
