//! The index of one closed segment: a file of sorted event ids and subject hashes.
//!
//! Derived from the log and immutable: it is written beside the log, so that no append waits for it,
//! and made again from the log when it is missing or damaged.
//!
//! ```text
//! file   = header 64 | event page* | subject page* | first keys of the pages | checksum u64 of these
//! page   = up to 256 entries | checksum u64
//! event entry = id 16 | offset less the segment's first u32 | received_at less the base i32
//! subject entry = hash u64, big endian | offset less the segment's first u32
//! ```

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use hashbrown::HashMap;
use souk_core::EventId;
use souk_ports::Partition;
use xxhash_rust::xxh3::xxh3_64;

const MAGIC: &[u8; 8] = b"SOUKIDX1";
const HEADER_BYTES: usize = 64;
const PAGE_ENTRIES: usize = 256;
const EVENT_BYTES: usize = 24;
const SUBJECT_BYTES: usize = 12;
const CHECKSUM_BYTES: usize = 8;

/// Where a copy of an event stands in its segment, and when it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct EventSlot {
    /// The offset, less the segment's first.
    pub(crate) rel: u32,
    /// The time of receipt in milliseconds, less the segment's base.
    pub(crate) received: i32,
}

/// What is looked up in a segment, while it is small enough to stand in memory.
#[derive(Debug, Default)]
pub(crate) struct SegmentKeys {
    pub(crate) events: HashMap<EventId, EventSlot>,
    /// Subject hash and offset less the segment's first, in the order of offsets.
    pub(crate) subjects: Vec<(u64, u32)>,
}

/// Which segment an index describes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SegmentSpan {
    pub(crate) partition: Partition,
    pub(crate) first: u64,
    pub(crate) last: u64,
    /// The time of receipt that the entries count from.
    pub(crate) base_ms: i64,
}

impl SegmentSpan {
    /// The name of the index file.
    pub(crate) fn file_name(&self) -> String {
        format!("{:05}-{:016x}.idx", self.partition.0, self.first)
    }
}

/// An index file whose first keys are in memory.
#[derive(Debug)]
pub(crate) struct SegmentIndex {
    path: PathBuf,
    n_events: usize,
    n_subjects: usize,
    event_fences: Vec<[u8; 16]>,
    subject_fences: Vec<u64>,
}

impl SegmentIndex {
    /// Writes the index and makes it durable; a crash leaves the old file or the new one.
    pub(crate) fn write(
        dir: &Path,
        span: SegmentSpan,
        keys: &SegmentKeys,
    ) -> io::Result<SegmentIndex> {
        let mut events: Vec<(EventId, EventSlot)> =
            keys.events.iter().map(|(id, slot)| (*id, *slot)).collect();
        events.sort_unstable_by_key(|(id, _)| *id);
        let mut subjects = keys.subjects.clone();
        subjects.sort_unstable();

        let mut bytes = header(span, events.len(), subjects.len());
        for page in events.chunks(PAGE_ENTRIES) {
            let start = bytes.len();
            for (id, slot) in page {
                bytes.extend_from_slice(&id.0);
                bytes.extend_from_slice(&slot.rel.to_le_bytes());
                bytes.extend_from_slice(&slot.received.to_le_bytes());
            }
            seal(&mut bytes, start);
        }
        for page in subjects.chunks(PAGE_ENTRIES) {
            let start = bytes.len();
            for (hash, rel) in page {
                bytes.extend_from_slice(&hash.to_be_bytes());
                bytes.extend_from_slice(&rel.to_le_bytes());
            }
            seal(&mut bytes, start);
        }
        let start = bytes.len();
        events.chunks(PAGE_ENTRIES).for_each(|page| bytes.extend_from_slice(&page[0].0.0));
        subjects.chunks(PAGE_ENTRIES).for_each(|p| bytes.extend_from_slice(&p[0].0.to_be_bytes()));
        seal(&mut bytes, start);

        let path = dir.join(span.file_name());
        // Not synced: its checksums tell a file that a power cut left unfinished, and it is made again
        // from the rows. A sync of some megabytes here would hold up the commits beside it.
        let partial = path.with_extension("partial");
        std::fs::write(&partial, &bytes)?;
        std::fs::rename(&partial, &path)?;
        SegmentIndex::open(dir, span)
    }

    /// Opens the index of `span`.
    ///
    /// An index that is missing, damaged or of another segment is an error; make it again.
    pub(crate) fn open(dir: &Path, span: SegmentSpan) -> io::Result<SegmentIndex> {
        let path = dir.join(span.file_name());
        let mut file = File::open(&path)?;
        let mut head = [0; HEADER_BYTES];
        file.read_exact(&mut head)?;
        let count = |at: usize| {
            u32::from_le_bytes(head[at..at + 4].try_into().expect("four bytes")) as usize
        };
        let (n_events, n_subjects) = (count(40), count(44));
        if head[..] != header(span, n_events, n_subjects)[..] {
            return Err(damaged("header"));
        }
        let (event_pages, subject_pages) =
            (n_events.div_ceil(PAGE_ENTRIES), n_subjects.div_ceil(PAGE_ENTRIES));
        let at = HEADER_BYTES
            + pages_bytes(n_events, EVENT_BYTES)
            + pages_bytes(n_subjects, SUBJECT_BYTES);
        let mut fences = vec![0; event_pages * 16 + subject_pages * 8 + CHECKSUM_BYTES];
        file.seek(SeekFrom::Start(at as u64))?;
        file.read_exact(&mut fences)?;
        let fences = unseal(&fences).ok_or_else(|| damaged("list of first keys"))?;
        let (event_part, subject_part) = fences.split_at(event_pages * 16);
        let event_fences =
            event_part.chunks(16).map(|key| key.try_into().expect("sixteen bytes")).collect();
        let subject_fences = subject_part
            .chunks(8)
            .map(|key| u64::from_be_bytes(key.try_into().expect("eight bytes")))
            .collect();
        Ok(SegmentIndex { path, n_events, n_subjects, event_fences, subject_fences })
    }

    /// Where the segment holds `id`, if it does.
    pub(crate) fn find_event(&self, id: EventId) -> io::Result<Option<EventSlot>> {
        let Some(page) = self.event_fences.partition_point(|first| *first <= id.0).checked_sub(1)
        else {
            return Ok(None);
        };
        let entries = self.read_event_page(&mut File::open(&self.path)?, page)?;
        let found = entries.binary_search_by_key(&id, |(key, _)| *key);
        Ok(found.ok().map(|idx| entries[idx].1))
    }

    /// Calls `visit` with every event id.
    pub(crate) fn each_event(&self, mut visit: impl FnMut(EventId)) -> io::Result<()> {
        let mut file = File::open(&self.path)?;
        for page in 0..self.event_fences.len() {
            self.read_event_page(&mut file, page)?.into_iter().for_each(|(id, _)| visit(id));
        }
        Ok(())
    }

    /// The offsets, less the segment's first, of records whose subject has this hash; ascending.
    pub(crate) fn find_subject(&self, hash: u64) -> io::Result<Vec<u32>> {
        let mut found = Vec::new();
        // The page before the first that begins with the hash may end with it.
        let start = self.subject_fences.partition_point(|first| *first < hash).saturating_sub(1);
        if self.subject_fences.first().is_none_or(|first| *first > hash) {
            return Ok(found);
        }
        let mut file = File::open(&self.path)?;
        let base = HEADER_BYTES + pages_bytes(self.n_events, EVENT_BYTES);
        for page in start..self.subject_fences.len() {
            if self.subject_fences[page] > hash {
                break;
            }
            let place = PagePlace { base, page, n: self.n_subjects, entry_bytes: SUBJECT_BYTES };
            let bytes = read_page(&mut file, place)?;
            for entry in bytes.chunks_exact(SUBJECT_BYTES) {
                if entry[..8] == hash.to_be_bytes() {
                    found.push(u32::from_le_bytes(entry[8..].try_into().expect("four bytes")));
                }
            }
        }
        Ok(found)
    }

    /// Bytes on disk.
    pub(crate) fn bytes(&self) -> u64 {
        crate::sqlite::file_bytes(&self.path)
    }

    fn read_event_page(
        &self,
        file: &mut File,
        page: usize,
    ) -> io::Result<Vec<(EventId, EventSlot)>> {
        let place =
            PagePlace { base: HEADER_BYTES, page, n: self.n_events, entry_bytes: EVENT_BYTES };
        let bytes = read_page(file, place)?;
        let entries = bytes.chunks_exact(EVENT_BYTES).map(|entry| {
            let id = EventId(entry[..16].try_into().expect("sixteen bytes"));
            let rel = u32::from_le_bytes(entry[16..20].try_into().expect("four bytes"));
            let received = i32::from_le_bytes(entry[20..].try_into().expect("four bytes"));
            (id, EventSlot { rel, received })
        });
        Ok(entries.collect())
    }
}

/// Which page of a row of pages.
#[derive(Clone, Copy, Debug)]
struct PagePlace {
    base: usize,
    page: usize,
    n: usize,
    entry_bytes: usize,
}

fn read_page(file: &mut File, place: PagePlace) -> io::Result<Vec<u8>> {
    let full = PAGE_ENTRIES * place.entry_bytes + CHECKSUM_BYTES;
    let entries = PAGE_ENTRIES.min(place.n - place.page * PAGE_ENTRIES);
    let mut bytes = vec![0; entries * place.entry_bytes + CHECKSUM_BYTES];
    file.seek(SeekFrom::Start((place.base + place.page * full) as u64))?;
    file.read_exact(&mut bytes)?;
    if unseal(&bytes).is_none() {
        return Err(damaged("page"));
    }
    bytes.truncate(entries * place.entry_bytes);
    Ok(bytes)
}

fn header(span: SegmentSpan, n_events: usize, n_subjects: usize) -> Vec<u8> {
    let count = |n: usize| u32::try_from(n).expect("a segment has at most 2^31 records");
    let mut bytes = Vec::with_capacity(HEADER_BYTES);
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&u64::from(span.partition.0).to_le_bytes());
    bytes.extend_from_slice(&span.first.to_le_bytes());
    bytes.extend_from_slice(&span.last.to_le_bytes());
    bytes.extend_from_slice(&span.base_ms.to_le_bytes());
    bytes.extend_from_slice(&count(n_events).to_le_bytes());
    bytes.extend_from_slice(&count(n_subjects).to_le_bytes());
    bytes.resize(HEADER_BYTES - CHECKSUM_BYTES, 0);
    seal(&mut bytes, 0);
    bytes
}

fn pages_bytes(n: usize, entry_bytes: usize) -> usize {
    n * entry_bytes + n.div_ceil(PAGE_ENTRIES) * CHECKSUM_BYTES
}

/// Appends the checksum of what stands from `start` on.
fn seal(bytes: &mut Vec<u8>, start: usize) {
    let checksum = xxh3_64(&bytes[start..]);
    bytes.extend_from_slice(&checksum.to_le_bytes());
}

/// The sealed bytes without their checksum; `None` when it does not match.
fn unseal(bytes: &[u8]) -> Option<&[u8]> {
    let (content, checksum) = bytes.split_last_chunk::<CHECKSUM_BYTES>()?;
    (xxh3_64(content).to_le_bytes() == *checksum).then_some(content)
}

fn damaged(part: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("the index's {part} is damaged"))
}

/// Writes a file beside its final name, syncs it, and renames it.
pub(crate) fn replace_file(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let partial = path.with_extension("partial");
    let mut file = File::create(&partial)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&partial, path)?;
    sync_folder(path.parent().expect("a file stands in a folder"))
}

/// Makes renames in a folder durable.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    #[cfg(unix)]
    File::open(folder)?.sync_all()?;
    Ok(())
}

#[cfg(test)]
mod tests;
