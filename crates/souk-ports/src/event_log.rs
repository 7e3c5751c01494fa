use std::fmt;

use async_trait::async_trait;
use souk_core::{ErrorKind, EventId, SubjectId, Timestamp};

/// Records in one append; chosen: above Segment's 2,500 events, each of which may become two.
pub const BATCH_RECORDS_MAX: usize = 10_000;
/// Bytes of bodies in one append; chosen: one Kinesis `PutRecords` call takes 10 MiB.
pub const BATCH_BYTES_MAX: usize = 8 << 20;
/// Records in one read.
pub const READ_RECORDS_MAX: u32 = 10_000;
/// Records in one call of [`LogUpkeep::strip`].
pub const STRIP_MAX: usize = 131_072;
/// How long an [`EventId`] is remembered after its receipt: seven days.
pub const DEDUP_WINDOW_MS: i64 = 7 * 86_400_000;

/// A part of the log that has an order of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Partition(pub u16);

/// What a record is about, so that readers can pass over records without opening them.
///
/// The codes are those of `souk_core::wire::record_kind`; the log itself gives them no meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RecordKind(pub u16);

/// Where a record stands: positions of one partition can be compared, never subtracted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Position {
    /// Which part of the log.
    pub partition: Partition,
    /// Where in it.
    pub offset: u64,
}

/// How far a reader has come: the last offset it has seen in each partition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cursor {
    seen: Vec<(Partition, u64)>,
}

impl Cursor {
    /// Before the first record of every partition.
    pub const START: Cursor = Cursor { seen: Vec::new() };

    /// The last offset seen in `partition`; `None` before its first record.
    pub fn offset(&self, partition: Partition) -> Option<u64> {
        let found = self.seen.binary_search_by_key(&partition, |(p, _)| *p);
        found.ok().map(|idx| self.seen[idx].1)
    }

    /// Moves on to `position`; a position behind the cursor changes nothing.
    pub fn advance(&mut self, position: Position) {
        match self.seen.binary_search_by_key(&position.partition, |(p, _)| *p) {
            Ok(idx) => self.seen[idx].1 = self.seen[idx].1.max(position.offset),
            Err(idx) => self.seen.insert(idx, (position.partition, position.offset)),
        }
    }

    /// The last position seen in each partition, in partition order.
    pub fn positions(&self) -> impl Iterator<Item = Position> + '_ {
        self.seen.iter().map(|&(partition, offset)| Position { partition, offset })
    }

    /// Whether every position that `other` has seen has been seen here too.
    pub fn covers(&self, other: &Cursor) -> bool {
        other.positions().all(|p| self.offset(p.partition).is_some_and(|seen| seen >= p.offset))
    }
}

/// One fact as the log keeps it: opaque but for what routing, de-duplication and privacy need.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Which part of the log.
    pub partition: Partition,
    /// Whose it is; `None` for facts about the shop.
    pub subject: Option<SubjectId>,
    /// The same fact always has the same one.
    pub event_id: EventId,
    /// When it came in, by the shop's clock.
    pub received_at: Timestamp,
    /// What it is about.
    pub kind: RecordKind,
    /// The fact in its wire form.
    pub body: Vec<u8>,
}

/// A record with its place in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// Where it stands.
    pub position: Position,
    /// What it says.
    pub record: Record,
}

/// What became of one record of an append.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// Where the record stands; for a duplicate, where its first copy stands.
    pub position: Position,
    /// Whether the log already held it, or the same batch held it before.
    pub is_duplicate: bool,
}

/// What the log says of itself, for metrics and `doctor`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogStatus {
    /// Records that can be read.
    pub records: u64,
    /// Bytes on disk, indexes included.
    pub bytes: u64,
    /// Records that stand in the archive.
    pub archived_records: u64,
    /// Durable commits since the start, each of which may serve several appends.
    pub commits: u64,
    /// The time of a commit's sync in microseconds: median of the last thousand.
    pub sync_us_p50: u64,
    /// The time of a commit's sync in microseconds: 99th percentile of the last thousand.
    pub sync_us_p99: u64,
}

/// Why the log refused or failed.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The batch breaks a limit of the contract; nothing was written.
    #[error("batch has {what} {value}; the limit is {limit}")]
    TooLarge {
        /// Records or bytes.
        what: &'static str,
        /// What the batch has.
        value: usize,
        /// What it may have.
        limit: usize,
    },
    /// The batch is empty or spans partitions; nothing was written.
    #[error("a batch needs at least one record, and all of one partition")]
    BadBatch,
    /// The disk is full; nothing was written, and the log goes on by itself when there is space.
    #[error("the disk that holds the log is full; free some space and send the batch again")]
    Full,
    /// The outcome is unknown; the same batch may be appended again.
    #[error("the log does not answer")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// What is stored is damaged; reading stops here, and nothing is skipped.
    #[error("the log is damaged at partition {} offset {}: {detail}", .position.partition.0, .position.offset)]
    Corrupt {
        /// Where.
        position: Position,
        /// What was found.
        detail: String,
    },
}

impl LogError {
    /// What the caller can do about it.
    pub fn kind(&self) -> ErrorKind {
        match self {
            LogError::TooLarge { .. } | LogError::BadBatch => ErrorKind::InvalidInput,
            LogError::Full => ErrorKind::StorageFull,
            LogError::Unavailable(_) => ErrorKind::Unavailable,
            LogError::Corrupt { .. } => ErrorKind::Bug,
        }
    }
}

/// The append-only log of opaque records: the source of truth, of which all else is a fold.
///
/// # Contract (every line is a case of the conformance suite)
///
/// - An append is durable when it returns.
/// - A batch becomes visible whole or not at all, also across a crash.
/// - Offsets of one partition strictly increase and may have gaps: compare them, never subtract.
/// - Once a reader has seen an offset, no record with a smaller one appears later in its partition.
/// - An [`EventId`] received within [`DEDUP_WINDOW_MS`] before the new receipt is not appended again,
///   so retries are safe; inside one batch the first copy counts.
/// - Readers resume from a [`Cursor`]; one subject's records can be read alone.
#[async_trait]
pub trait EventLog: LogUpkeep + fmt::Debug + Send + Sync {
    /// Appends 1 to [`BATCH_RECORDS_MAX`] records of one partition, and returns once they are durable.
    ///
    /// Atomic and idempotent; one answer per record, in order.
    ///
    /// # Errors
    ///
    /// [`LogError::TooLarge`], [`LogError::BadBatch`], [`LogError::Full`]: nothing was written.
    /// [`LogError::Unavailable`]: the outcome is unknown; append the same batch again.
    async fn append(&self, records: Vec<Record>) -> Result<Vec<Appended>, LogError>;

    /// Reads at most `limit` (up to [`READ_RECORDS_MAX`]) records after `cursor`, in partition order.
    ///
    /// An empty answer means the end for now, never a hole.
    ///
    /// # Errors
    ///
    /// [`LogError::Corrupt`] names the damaged position; [`LogError::Unavailable`] may be retried.
    async fn read(&self, cursor: &Cursor, limit: u32) -> Result<Vec<Recorded>, LogError>;

    /// Reads at most `limit` records of one subject after `cursor`, in partition order.
    ///
    /// # Errors
    ///
    /// As [`EventLog::read`].
    async fn read_subject(
        &self,
        subject: SubjectId,
        cursor: &Cursor,
        limit: u32,
    ) -> Result<Vec<Recorded>, LogError>;

    /// The last position of each partition: a reader that has come so far has seen everything.
    ///
    /// # Errors
    ///
    /// [`LogError::Unavailable`] may be retried.
    async fn end(&self) -> Result<Cursor, LogError>;

    /// Sizes and times, for metrics.
    ///
    /// # Errors
    ///
    /// [`LogError::Unavailable`] may be retried.
    async fn status(&self) -> Result<LogStatus, LogError>;

    /// Moves records received before `before` to the archive and returns how many moved.
    ///
    /// Archived records stay readable by every method above; de-duplication does not need them,
    /// because only records older than [`DEDUP_WINDOW_MS`] are ever moved.
    ///
    /// # Errors
    ///
    /// [`LogError::Unavailable`]: what was moved stays moved, and a repeat goes on from there.
    async fn archive(&self, before: Timestamp) -> Result<u64, LogError>;
}

/// What keeps a log as small, and as forgetful, as it should be.
#[async_trait]
pub trait LogUpkeep {
    /// Empties up to [`STRIP_MAX`] records: body and subject go, place, id, kind and time of receipt stay,
    /// and returns how many were not empty before.
    ///
    /// Durable when it returns: no byte of a body is left in the log's files or its archive, and no reader
    /// meets one. Cursors and de-duplication hold. Idempotent; a position without a record is passed over.
    /// With no positions at all it still ends what a crash left of an earlier call.
    ///
    /// # Errors
    ///
    /// [`LogError::TooLarge`]; [`LogError::Unavailable`]: some may be emptied, and a repeat goes on.
    async fn strip(&self, positions: &[Position]) -> Result<u64, LogError>;
}
