//! What readers and the writer share: which segments there are, and where the log ends.

use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use object_store::ObjectStore;
use parking_lot::{Mutex, RwLock};
use souk_core::EventId;
use souk_ports::{LogError, Partition, Position, Recorded};

use super::archive::ArchiveReader;
use super::block::{Block, Damage, subject_hash};
use super::index::{EventSlot, SegmentIndex, SegmentKeys, SegmentSpan};
use super::timing::SyncTimes;
use crate::sqlite::{DatabaseFile, Failure, ReaderPool};

/// Bytes of blocks kept in memory for readers that follow the end. Chosen: seconds of full ingest.
const TAIL_BYTES_MAX: usize = 8 << 20;

/// Where the records of a closed segment stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// In rows of the database.
    Rows,
    /// In a Parquet file among the blobs, with this checksum of the whole file.
    Archive { file: String, checksum: u64 },
}

/// How the keys of a closed segment are looked up.
#[derive(Clone, Debug)]
enum Keys {
    /// Closed a moment ago; the index is being written.
    Memory(Arc<SegmentKeys>),
    File(Arc<SegmentIndex>),
    /// Not looked at since the start.
    Unopened,
}

/// A part of the log that takes no more records.
#[derive(Debug)]
pub(crate) struct Segment {
    pub(crate) span: SegmentSpan,
    pub(crate) received_max: i64,
    place: RwLock<Place>,
    keys: RwLock<Keys>,
}

impl Segment {
    pub(crate) fn new(span: SegmentSpan, received_max: i64, place: Place) -> Segment {
        let keys = RwLock::new(Keys::Unopened);
        Segment { span, received_max, place: RwLock::new(place), keys }
    }

    /// A segment that was closed by this process, with its keys.
    pub(crate) fn closed_now(span: SegmentSpan, received_max: i64, keys: SegmentKeys) -> Segment {
        let keys = RwLock::new(Keys::Memory(Arc::new(keys)));
        Segment { span, received_max, place: RwLock::new(Place::Rows), keys }
    }

    pub(crate) fn place(&self) -> Place {
        self.place.read().clone()
    }

    pub(crate) fn set_place(&self, place: Place) {
        *self.place.write() = place;
    }

    pub(crate) fn records(&self) -> u64 {
        self.span.last - self.span.first + 1
    }

    /// Bytes of the index on disk; 0 while it is not open.
    pub(crate) fn index_bytes(&self) -> u64 {
        match &*self.keys.read() {
            Keys::File(index) => index.bytes(),
            Keys::Memory(_) | Keys::Unopened => 0,
        }
    }
}

/// One partition as readers see it.
#[derive(Debug)]
pub(crate) struct PartitionView {
    /// Closed segments, oldest first; together with the open one they leave no gap.
    pub(crate) closed: Vec<Arc<Segment>>,
    /// The first offset of the open segment.
    pub(crate) open_first: u64,
    /// Subject hash and offset less `open_first` of the open segment's records.
    pub(crate) open_subjects: Vec<(u64, u32)>,
    /// The offset that the next record gets.
    pub(crate) next: u64,
    /// The newest blocks.
    tail: VecDeque<Arc<Block>>,
    tail_bytes: usize,
}

impl PartitionView {
    pub(crate) fn new(closed: Vec<Arc<Segment>>, open_first: u64) -> PartitionView {
        PartitionView {
            closed,
            open_first,
            open_subjects: Vec::new(),
            next: open_first,
            tail: VecDeque::new(),
            tail_bytes: 0,
        }
    }

    /// The closed segment that holds `offset`.
    pub(crate) fn closed_at(&self, offset: u64) -> Option<&Arc<Segment>> {
        let idx = self.closed.partition_point(|segment| segment.span.last < offset);
        self.closed.get(idx).filter(|segment| segment.span.first <= offset)
    }

    /// Keeps a block for readers that follow the end.
    pub(crate) fn push_tail(&mut self, block: Block) {
        self.tail_bytes += block.bytes.len();
        self.tail.push_back(Arc::new(block));
        while self.tail_bytes > TAIL_BYTES_MAX {
            let Some(oldest) = self.tail.pop_front() else { break };
            self.tail_bytes -= oldest.bytes.len();
        }
    }

    /// Lets go of the blocks in memory: what they say was changed on disk.
    pub(crate) fn clear_tail(&mut self) {
        self.tail.clear();
        self.tail_bytes = 0;
    }

    /// The blocks from the one that holds `offset` on, when memory has them all.
    pub(crate) fn tail_from(&self, offset: u64) -> Option<Vec<Arc<Block>>> {
        let idx = self.tail.partition_point(|block| block.last < offset);
        let block = self.tail.get(idx)?;
        (block.first <= offset).then(|| self.tail.range(idx..).map(Arc::clone).collect())
    }
}

/// All that the writer, the readers and the archive share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) file: DatabaseFile,
    pub(crate) index_dir: PathBuf,
    pub(crate) blobs: Option<Arc<dyn ObjectStore>>,
    pub(crate) segment_records: u32,
    pub(crate) readers: Arc<ReaderPool>,
    pub(crate) partitions: RwLock<BTreeMap<Partition, PartitionView>>,
    pub(crate) archive: ArchiveReader,
    pub(crate) sync_times: Mutex<SyncTimes>,
    pub(crate) commits: AtomicU64,
    /// The latest time of receipt in the log: the log has no clock of its own.
    pub(crate) received_max: std::sync::atomic::AtomicI64,
}

impl Shared {
    /// Where `segment` holds the event, if it does.
    pub(crate) fn find_event(
        &self,
        segment: &Segment,
        id: EventId,
    ) -> Result<Option<EventSlot>, LogError> {
        let index = match self.keys_of(segment)? {
            Keys::Memory(keys) => return Ok(keys.events.get(&id).copied()),
            Keys::File(index) => index,
            Keys::Unopened => unreachable!("opened by `keys_of`"),
        };
        match index.find_event(id) {
            Ok(found) => Ok(found),
            Err(error) => self.rebuild_index(segment, &error)?.find_event(id).map_err(log_io),
        }
    }

    /// The offsets of records in `segment` whose subject has this hash; ascending.
    pub(crate) fn find_subject(&self, segment: &Segment, hash: u64) -> Result<Vec<u64>, LogError> {
        let found = match self.keys_of(segment)? {
            Keys::Memory(keys) => offsets_of(&keys.subjects, hash),
            Keys::File(index) => match index.find_subject(hash) {
                Ok(found) => found,
                Err(error) => {
                    self.rebuild_index(segment, &error)?.find_subject(hash).map_err(log_io)?
                }
            },
            Keys::Unopened => unreachable!("opened by `keys_of`"),
        };
        Ok(found.into_iter().map(|rel| segment.span.first + u64::from(rel)).collect())
    }

    /// Calls `visit` with every event id of the segment.
    pub(crate) fn each_event(
        &self,
        segment: &Segment,
        mut visit: impl FnMut(EventId),
    ) -> Result<(), LogError> {
        match self.keys_of(segment)? {
            Keys::Memory(keys) => keys.events.keys().for_each(|id| visit(*id)),
            Keys::File(index) => {
                if let Err(error) = index.each_event(&mut visit) {
                    let index = self.rebuild_index(segment, &error)?;
                    index.each_event(visit).map_err(log_io)?;
                }
            }
            Keys::Unopened => unreachable!("opened by `keys_of`"),
        }
        Ok(())
    }

    /// Writes the index of a segment that still has its keys in memory, and lets go of them.
    pub(crate) fn write_index(&self, segment: &Segment) -> std::io::Result<()> {
        let keys = match &*segment.keys.read() {
            Keys::Memory(keys) => Arc::clone(keys),
            Keys::File(_) | Keys::Unopened => return Ok(()),
        };
        let index = SegmentIndex::write(&self.index_dir, segment.span, &keys)?;
        *segment.keys.write() = Keys::File(Arc::new(index));
        Ok(())
    }

    /// Removes the index of a closed segment, so that it is made again from what the records say now.
    pub(crate) fn drop_index(&self, segment: &Segment) -> std::io::Result<()> {
        self.write_index(segment)?;
        let mut keys = segment.keys.write();
        match std::fs::remove_file(self.index_dir.join(segment.span.file_name())) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => *keys = Keys::Unopened,
        }
        Ok(())
    }

    fn keys_of(&self, segment: &Segment) -> Result<Keys, LogError> {
        let keys = segment.keys.read().clone();
        if !matches!(keys, Keys::Unopened) {
            return Ok(keys);
        }
        let index = match SegmentIndex::open(&self.index_dir, segment.span) {
            Ok(index) => Arc::new(index),
            Err(error) => return self.rebuild_index(segment, &error).map(Keys::File),
        };
        *segment.keys.write() = Keys::File(Arc::clone(&index));
        Ok(Keys::File(index))
    }

    /// Makes the index again from the records.
    fn rebuild_index(
        &self,
        segment: &Segment,
        reason: &std::io::Error,
    ) -> Result<Arc<SegmentIndex>, LogError> {
        tracing::info!(first = segment.span.first, %reason, "making the index of a log segment again");
        let mut keys = SegmentKeys::default();
        self.each_record(segment, |recorded| keys.add(segment.span, recorded))?;
        let index = SegmentIndex::write(&self.index_dir, segment.span, &keys).map_err(log_io)?;
        let index = Arc::new(index);
        *segment.keys.write() = Keys::File(Arc::clone(&index));
        Ok(index)
    }
}

impl SegmentKeys {
    /// Adds a record that stands in the segment of `span`.
    pub(crate) fn add(&mut self, span: SegmentSpan, recorded: &Recorded) {
        let rel = u32::try_from(recorded.position.offset - span.first)
            .expect("a segment has at most 2^31 records");
        let received = i32::try_from(recorded.record.received_at.as_ms() - span.base_ms)
            .expect("a segment spans at most twenty days");
        self.events.insert(recorded.record.event_id, EventSlot { rel, received });
        if let Some(subject) = recorded.record.subject {
            self.subjects.push((subject_hash(subject), rel));
        }
    }
}

/// The offsets under `hash` in a list that is in the order of offsets.
pub(crate) fn offsets_of(subjects: &[(u64, u32)], hash: u64) -> Vec<u32> {
    subjects.iter().filter(|(h, _)| *h == hash).map(|(_, rel)| *rel).collect()
}

/// The port's error for a failure of the database while it worked at `position`.
pub(crate) fn log_error(failure: Failure, position: Position) -> LogError {
    match failure {
        Failure::Full => LogError::Full,
        Failure::Damaged(detail) => LogError::Corrupt { position, detail },
        Failure::Other(detail) => LogError::Unavailable(Failure::boxed(&detail)),
    }
}

/// The port's error for damage found in `partition`.
pub(crate) fn corrupt(partition: Partition, damage: Damage) -> LogError {
    let position = Position { partition, offset: damage.offset };
    LogError::Corrupt { position, detail: damage.detail }
}

/// The port's error for a failed file operation.
pub(crate) fn log_io(error: std::io::Error) -> LogError {
    match error.kind() {
        std::io::ErrorKind::StorageFull => LogError::Full,
        _ => LogError::Unavailable(Box::new(error)),
    }
}
