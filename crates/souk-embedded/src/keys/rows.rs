//! The rows in memory: 92 bytes a subject, and two indexes of 5 to 10 bytes each.

use hashbrown::HashTable;
use souk_core::SubjectId;
use souk_ports::IdHash;
use souk_privacy::seal::WrappedKey;

/// One subject: its id and its key are made together and go together.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub(super) id: IdHash,
    pub(super) subject: SubjectId,
    pub(super) key: WrappedKey,
}

/// Every subject, found by its id or by itself.
///
/// A million subjects take about 115 MB here; maps that hold the entries twice would take 260 MB.
#[derive(Debug, Default)]
pub(super) struct Rows {
    entries: Vec<Option<Entry>>,
    free: Vec<u32>,
    by_id: HashTable<u32>,
    by_subject: HashTable<u32>,
}

/// Ids are keyed hashes and subjects random bits, so their own bits spread them; nobody outside can
/// choose them.
fn hash(bytes: &[u8; 16]) -> u64 {
    u64::from_le_bytes(*bytes.first_chunk().expect("16 bytes have 8"))
}

impl Rows {
    pub(super) fn len(&self) -> usize {
        self.entries.len() - self.free.len()
    }

    fn entry(&self, number: u32) -> &Entry {
        self.entries[number as usize].as_ref().expect("an index names entries in use")
    }

    fn number_of(&self, subject: &SubjectId) -> Option<u32> {
        let is_it = |number: &u32| self.entry(*number).subject == *subject;
        self.by_subject.find(hash(&subject.0), is_it).copied()
    }

    /// Whose id it is.
    pub(super) fn subject(&self, id: &IdHash) -> Option<SubjectId> {
        let is_it = |number: &u32| self.entry(*number).id == *id;
        self.by_id.find(hash(&id.0), is_it).map(|number| self.entry(*number).subject)
    }

    /// The subject's wrapped key.
    pub(super) fn key(&self, subject: &SubjectId) -> Option<WrappedKey> {
        self.number_of(subject).map(|number| self.entry(number).key)
    }

    /// The subject's id.
    pub(super) fn id(&self, subject: &SubjectId) -> Option<IdHash> {
        self.number_of(subject).map(|number| self.entry(number).id)
    }

    /// Adds a subject that is not there.
    pub(super) fn insert(&mut self, entry: Entry) {
        let number = self.free.pop().unwrap_or_else(|| {
            if self.entries.len() == self.entries.capacity() {
                // An eighth at a time: doubling a hundred megabytes would waste another hundred.
                self.entries.reserve_exact(self.entries.len() / 8 + 1_024);
            }
            self.entries.push(None);
            u32::try_from(self.entries.len() - 1).expect("subjects are fewer than 2^32")
        });
        self.entries[number as usize] = Some(entry);
        let Rows { entries, by_id, by_subject, .. } = self;
        let of = |number: &u32| entries[*number as usize].as_ref().expect("it is in use");
        by_id.insert_unique(hash(&entry.id.0), number, |number| hash(&of(number).id.0));
        by_subject
            .insert_unique(hash(&entry.subject.0), number, |number| hash(&of(number).subject.0));
    }

    /// Takes a subject out.
    pub(super) fn remove(&mut self, subject: &SubjectId) {
        let Some(number) = self.number_of(subject) else { return };
        let entry = *self.entry(number);
        let is_it = |other: &u32| *other == number;
        if let Ok(found) = self.by_id.find_entry(hash(&entry.id.0), is_it) {
            found.remove();
        }
        if let Ok(found) = self.by_subject.find_entry(hash(&subject.0), is_it) {
            found.remove();
        }
        self.entries[number as usize] = None;
        self.free.push(number);
    }

    /// Puts another wrapping in the place of a subject's key.
    pub(super) fn set_key(&mut self, subject: &SubjectId, key: WrappedKey) {
        if let Some(number) = self.number_of(subject)
            && let Some(entry) = &mut self.entries[number as usize]
        {
            entry.key = key;
        }
    }

    /// Up to `limit` entries from place `from` on, and the place to go on from; `None` at the end.
    pub(super) fn part(&self, from: usize, limit: usize) -> (Vec<Entry>, Option<usize>) {
        let until = from.saturating_add(limit).min(self.entries.len());
        let part = self.entries.get(from..until).unwrap_or(&[]);
        let next = (until < self.entries.len()).then_some(until);
        (part.iter().flatten().copied().collect(), next)
    }
}

#[cfg(test)]
mod tests;
