//! [`EventLog`] on SQLite.
//!
//! Records lie in rows in the order of their offsets, so an append only ever touches the end of the
//! file. What is looked up by event id or subject stands in memory for the newest segment, and in an
//! immutable sorted file for each older one: no commit ever writes to a page picked at random.

mod append;
mod archive;
mod block;
mod checkpoint;
mod filter;
mod index;
mod indexer;
mod open;
mod partition;
mod read;
mod segment;
mod strip;
mod timing;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use async_trait::async_trait;
use object_store::ObjectStore;
use souk_core::{SubjectId, Timestamp};
use souk_ports::{
    Appended, BATCH_BYTES_MAX, BATCH_RECORDS_MAX, Cursor, EventLog, LogError, LogStatus, Position,
    READ_RECORDS_MAX, Record, Recorded,
};
use tokio::sync::{Mutex, Semaphore, oneshot};

use self::append::{AppendJob, Job};
pub(crate) use self::index::{replace_file, sync_folder};
pub(crate) use self::open::end_of_file;
use self::segment::{Place, Shared};
use crate::group::GroupWriter;
use crate::sqlite::{DatabaseFile, Failure, SyncMode};

/// Jobs that the writer takes at once; it splits them by size itself.
const GROUP_JOBS_MAX: usize = 512;
/// Kibibytes of records that may wait for the writer; callers wait beyond it.
const QUEUE_KIB_MAX: usize = 64 << 10;
/// Records that are decoded on the caller's thread when they stand in memory; more go to another.
const INLINE_RECORDS_MAX: usize = 512;

/// How a log is opened.
#[derive(Clone, Debug)]
pub struct LogOptions {
    /// Where archived segments go; without it nothing is archived.
    pub blobs: Option<Arc<dyn ObjectStore>>,
    /// Records of a segment: its keys stand in memory while it is open, 40 bytes each.
    pub segment_records: u32,
    /// A registered SQLite file layer, for tests that lose what was not synced.
    pub vfs: Option<String>,
    /// Whether commits wait for the disk; a test turns it off to see the difference.
    pub sync: SyncMode,
}

impl Default for LogOptions {
    fn default() -> LogOptions {
        LogOptions { blobs: None, segment_records: 131_072, vfs: None, sync: SyncMode::Full }
    }
}

/// The log in one SQLite file and a folder of indexes beside it.
///
/// Dropping it waits for what was acknowledged, which is durable already, and for nothing else.
#[derive(Debug)]
pub struct SqliteLog {
    shared: Arc<Shared>,
    writer: GroupWriter<Job>,
    /// Limits the bytes that wait, in KiB.
    queue: Arc<Semaphore>,
    /// Held by an archive run and by a backup, so that no archived file is missing in a copy.
    archive_gate: Mutex<()>,
}

impl SqliteLog {
    /// Opens the file, or makes it; indexes stand beside it in a folder `NAME.index`.
    ///
    /// # Errors
    ///
    /// [`LogError::Corrupt`] names the damaged position; [`LogError::Unavailable`] when the file
    /// cannot be opened.
    pub fn open(path: &Path, options: &LogOptions) -> Result<SqliteLog, LogError> {
        let file =
            DatabaseFile { path: path.to_owned(), vfs: options.vfs.clone(), sync: options.sync };
        let (shared, mut writer) = open::open(file, options)?;
        let writer = GroupWriter::start("souk-log", GROUP_JOBS_MAX, move |jobs| writer.run(jobs))
            .map_err(segment::log_io)?;
        let queue = Arc::new(Semaphore::new(QUEUE_KIB_MAX));
        Ok(SqliteLog { shared, writer, queue, archive_gate: Mutex::new(()) })
    }

    pub(crate) fn file(&self) -> &DatabaseFile {
        &self.shared.file
    }

    /// Reads every record from the disk, never from memory, and returns how many there are.
    ///
    /// # Errors
    ///
    /// [`LogError::Corrupt`] names the first damaged position.
    pub async fn verify(&self) -> Result<u64, LogError> {
        self.blocking(Shared::verify).await
    }

    /// Keeps the archive from moving anything while the answer lives.
    pub(crate) async fn hold_archive(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.archive_gate.lock().await
    }

    /// Runs reading work off the async threads.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Shared) -> Result<T, LogError> + Send + 'static,
    ) -> Result<T, LogError> {
        let shared = Arc::clone(&self.shared);
        let joined = tokio::task::spawn_blocking(move || work(&shared)).await;
        joined.unwrap_or_else(|error| Err(unavailable(&format!("a read was broken off: {error}"))))
    }

    /// Runs work on the writing connection, alone.
    async fn exclusive<T: Send + 'static>(
        &self,
        work: impl FnOnce(&rusqlite::Connection) -> Result<T, LogError> + Send + 'static,
    ) -> Result<T, LogError> {
        let (reply, answer) = oneshot::channel();
        let job = Job::Exclusive(Box::new(move |connection| drop(reply.send(work(connection)))));
        self.writer.send(job).await;
        answer.await.unwrap_or_else(|_| Err(unavailable(STOPPED)))
    }
}

const STOPPED: &str = "the writer of the log has stopped";

fn unavailable(detail: &str) -> LogError {
    LogError::Unavailable(Failure::boxed(detail))
}

#[async_trait]
impl EventLog for SqliteLog {
    async fn append(&self, records: Vec<Record>) -> Result<Vec<Appended>, LogError> {
        check_batch(&records)?;
        let partition = records[0].partition;
        let frames = block::encode(&records);
        drop(records);
        let kib = u32::try_from(frames.bytes.len() / 1024 + 1).expect("a batch has at most 9 MB");
        let permit = Arc::clone(&self.queue).acquire_many_owned(kib).await;
        let permit = permit.expect("the semaphore is never closed");
        let (reply, answer) = oneshot::channel();
        self.writer
            .send(Job::Append(AppendJob { partition, frames, reply, _permit: permit }))
            .await;
        answer.await.unwrap_or_else(|_| Err(unavailable(STOPPED)))
    }

    async fn read(&self, cursor: &Cursor, limit: u32) -> Result<Vec<Recorded>, LogError> {
        let limit = limit.min(READ_RECORDS_MAX) as usize;
        // A reader that follows the end finds its records in memory, without a thread of its own.
        if let Some(answer) = self.shared.read_tail_after(cursor, limit, INLINE_RECORDS_MAX) {
            return answer;
        }
        let cursor = cursor.clone();
        self.blocking(move |shared| shared.read_after(&cursor, limit)).await
    }

    async fn read_subject(
        &self,
        subject: SubjectId,
        cursor: &Cursor,
        limit: u32,
    ) -> Result<Vec<Recorded>, LogError> {
        let limit = limit.min(READ_RECORDS_MAX) as usize;
        let cursor = cursor.clone();
        self.blocking(move |shared| shared.read_subject_after(subject, &cursor, limit)).await
    }

    async fn end(&self) -> Result<Cursor, LogError> {
        let mut cursor = Cursor::START;
        for (partition, view) in self.shared.partitions.read().iter() {
            if view.next > 1 {
                cursor.advance(Position { partition: *partition, offset: view.next - 1 });
            }
        }
        Ok(cursor)
    }

    async fn status(&self) -> Result<LogStatus, LogError> {
        self.blocking(|shared| Ok(status(shared))).await
    }

    async fn archive(&self, before: Timestamp) -> Result<u64, LogError> {
        let _gate = self.archive_gate.lock().await;
        self.archive_segments(before).await
    }
}

/// Checks the limits of the contract.
fn check_batch(records: &[Record]) -> Result<(), LogError> {
    let partition = records.first().ok_or(LogError::BadBatch)?.partition;
    if records.iter().any(|record| record.partition != partition) {
        return Err(LogError::BadBatch);
    }
    let within = |what, value, limit| {
        if value > limit { Err(LogError::TooLarge { what, value, limit }) } else { Ok(()) }
    };
    within("a number of records of", records.len(), BATCH_RECORDS_MAX)?;
    within("bytes of bodies", records.iter().map(|r| r.body.len()).sum(), BATCH_BYTES_MAX)
}

fn status(shared: &Shared) -> LogStatus {
    let mut status =
        LogStatus { bytes: open::database_bytes(&shared.file), ..LogStatus::default() };
    let segments: Vec<_> = {
        let views = shared.partitions.read();
        status.records = views.values().map(|view| view.next - 1).sum();
        views.values().flat_map(|view| view.closed.iter().map(Arc::clone)).collect()
    };
    for segment in segments {
        status.bytes += segment.index_bytes();
        if segment.place() != Place::Rows {
            status.archived_records += segment.records();
        }
    }
    status.commits = shared.commits.load(Ordering::Relaxed);
    (status.sync_us_p50, status.sync_us_p99) = shared.sync_times.lock().percentiles();
    status
}
