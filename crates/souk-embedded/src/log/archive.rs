//! Old segments as Parquet files among the blobs, which any analysis tool can read.
//!
//! A segment moves in three steps, and a crash between any two keeps every record readable once:
//! the file is written and read back; one commit says where the segment is now; its rows go.

mod columns;

use std::sync::Arc;

use bytes::Bytes;
use object_store::path::Path as BlobPath;
use object_store::{ObjectStore, ObjectStoreExt, PutPayload};
use parking_lot::Mutex;
use rusqlite::{Connection, params};
use souk_core::Timestamp;
use souk_ports::{DEDUP_WINDOW_MS, LogError, Position, Record, Recorded};
use tokio::runtime::Handle;
use xxhash_rust::xxh3::xxh3_64;

use super::index::SegmentSpan;
use super::read::{Wanted, row_id};
use super::segment::{Place, Segment, Shared, corrupt, log_error};
use super::{SqliteLog, unavailable};
use crate::log::block::Damage;
use crate::sqlite::Failure;

/// Where the files lie among the blobs.
const FOLDER: &str = "log/archive";
/// Bytes of archive files kept in memory for readers that go through them in order. Chosen.
const CACHE_BYTES_MAX: usize = 64 << 20;
/// Rows deleted in one commit: appends wait for it, and freeing a block reads its pages.
const DELETE_ROWS: u32 = 64;

/// Reads archived segments.
#[derive(Debug)]
pub(crate) struct ArchiveReader {
    blobs: Option<Arc<dyn ObjectStore>>,
    /// The runtime that the blobs' client may need; threads of this crate are outside of it.
    runtime: Option<Handle>,
    /// The files read last, newest at the end.
    files: Mutex<Vec<(String, Bytes)>>,
}

impl ArchiveReader {
    pub(crate) fn new(blobs: Option<Arc<dyn ObjectStore>>) -> ArchiveReader {
        ArchiveReader { blobs, runtime: Handle::try_current().ok(), files: Mutex::default() }
    }

    /// Reads the wanted records of an archived segment.
    pub(crate) fn read(
        &self,
        segment: &Segment,
        wanted: Wanted,
        out: &mut Vec<Recorded>,
    ) -> Result<(), LogError> {
        let Place::Archive { file, checksum } = segment.place() else {
            return Err(unavailable("the segment moved while it was read"));
        };
        let place = Place::Archive { file: file.clone(), checksum };
        let partition = segment.span.partition;
        let at = |detail: String| corrupt(partition, Damage { offset: wanted.from, detail });
        let blobs = self
            .blobs
            .as_deref()
            .ok_or_else(|| unavailable("the log was opened without its archive"))?;
        let fetched = self.fetch(blobs, &file, checksum);
        // Records were emptied meanwhile: the segment has another file now.
        if matches!(fetched, Err(FetchError::Missing)) && segment.place() != place {
            return self.read(segment, wanted, out);
        }
        let bytes = fetched.map_err(|error| match error {
            FetchError::Damaged => {
                at(format!("the checksum of archive file {file} does not match"))
            }
            FetchError::Missing => at(format!("archive file {file} is missing")),
            FetchError::Other(detail) => unavailable(&detail),
        })?;
        columns::read(bytes, segment.span, wanted, out).map_err(|damage| corrupt(partition, damage))
    }

    /// Lets go of a file in memory that is no longer the segment's.
    fn forget(&self, file: &str) {
        self.files.lock().retain(|(name, _)| name != file);
    }

    fn fetch(
        &self,
        blobs: &dyn ObjectStore,
        file: &str,
        checksum: u64,
    ) -> Result<Bytes, FetchError> {
        if let Some((_, bytes)) = self.files.lock().iter().find(|(name, _)| name == file) {
            return Ok(bytes.clone());
        }
        let path = BlobPath::from(file);
        let get = async { blobs.get(&path).await?.bytes().await };
        // On a thread of its own, because blocking on a runtime's own thread is not allowed.
        let runtime = Handle::try_current().ok().or_else(|| self.runtime.clone());
        let got = std::thread::scope(|scope| {
            let run = move || match runtime {
                Some(runtime) => Ok(runtime.block_on(get)),
                None => Ok::<_, std::io::Error>(own_runtime()?.block_on(get)),
            };
            scope.spawn(run).join()
        });
        let bytes: Bytes = match got {
            Ok(Ok(Ok(bytes))) => bytes,
            Ok(Ok(Err(object_store::Error::NotFound { .. }))) => return Err(FetchError::Missing),
            Ok(Ok(Err(error))) => return Err(FetchError::Other(error.to_string())),
            Ok(Err(error)) => return Err(FetchError::Other(error.to_string())),
            Err(_) => return Err(FetchError::Other("reading the archive broke off".into())),
        };
        if xxh3_64(&bytes) != checksum {
            return Err(FetchError::Damaged);
        }
        let mut files = self.files.lock();
        files.push((file.to_owned(), bytes.clone()));
        while files.iter().map(|(_, b)| b.len()).sum::<usize>() > CACHE_BYTES_MAX && files.len() > 1
        {
            files.remove(0);
        }
        Ok(bytes)
    }
}

fn own_runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().build()
}

enum FetchError {
    Missing,
    Damaged,
    Other(String),
}

impl SqliteLog {
    /// Moves every closed segment whose records are all older than `before` and than the window.
    pub(crate) async fn archive_segments(&self, before: Timestamp) -> Result<u64, LogError> {
        let Some(blobs) = self.shared.blobs.clone() else { return Ok(0) };
        // The log has no clock; its newest record says how late it is at least.
        let newest = self.shared.received_max.load(std::sync::atomic::Ordering::Relaxed);
        let before = before.as_ms().min(newest - DEDUP_WINDOW_MS);
        let mut moved = 0;
        for segment in self.segments_before(before) {
            let (_, bytes) = self.encode_segment(&segment, Vec::new()).await?;
            let file = format!("{}.parquet", file_stem(segment.span));
            let checksum = xxh3_64(&bytes);
            put_checked(&*blobs, &file, bytes).await?;
            self.record_place(&segment, Place::Archive { file, checksum }).await?;
            self.delete_rows(&segment).await?;
            moved += segment.records();
        }
        Ok(moved)
    }

    fn segments_before(&self, before_ms: i64) -> Vec<Arc<Segment>> {
        let views = self.shared.partitions.read();
        let all = views.values().flat_map(|view| view.closed.iter());
        let old = all.filter(|s| s.received_max < before_ms && s.place() == Place::Rows);
        old.map(Arc::clone).collect()
    }

    /// The segment as a file, without what stood at the `doomed` offsets, read back and compared before
    /// anything relies on it; and how many records were emptied.
    async fn encode_segment(
        &self,
        segment: &Arc<Segment>,
        doomed: Vec<u64>,
    ) -> Result<(u64, Bytes), LogError> {
        let segment = Arc::clone(segment);
        let span = segment.span;
        let encode = move |shared: &Shared| {
            let mut records = Vec::new();
            shared.each_record(&segment, |recorded| records.push(recorded.clone()))?;
            let mut n_emptied = 0;
            for recorded in &mut records {
                let is_doomed = doomed.binary_search(&recorded.position.offset).is_ok();
                n_emptied += u64::from(is_doomed && empty(&mut recorded.record));
            }
            let bytes = columns::write(&records).map_err(|error| {
                unavailable(&format!("cannot encode the archive file: {error}"))
            })?;
            let bytes = Bytes::from(bytes);
            let mut again = Vec::with_capacity(records.len());
            let (partition, from) = (span.partition, span.first);
            let wanted = Wanted { partition, from, limit: usize::MAX };
            columns::read(bytes.clone(), span, wanted, &mut again)
                .map_err(|damage| corrupt(span.partition, damage))?;
            if again != records {
                return Err(unavailable("the archive file does not read back as it was written"));
            }
            Ok((n_emptied, bytes))
        };
        self.blocking(encode).await
    }

    /// Writes an archived segment anew without what stood at the offsets, ascending; returns how many
    /// records were emptied. The old file goes with [`SqliteLog::sweep_archive`].
    pub(super) async fn strip_archived(
        &self,
        segment: &Arc<Segment>,
        doomed: Vec<u64>,
    ) -> Result<u64, LogError> {
        let Some(blobs) = self.shared.blobs.clone() else { return Ok(0) };
        let (n_emptied, bytes) = self.encode_segment(segment, doomed).await?;
        if n_emptied == 0 {
            return Ok(0);
        }
        let checksum = xxh3_64(&bytes);
        let file = format!("{}-{checksum:016x}.parquet", file_stem(segment.span));
        put_checked(&*blobs, &file, bytes).await?;
        self.record_place(segment, Place::Archive { file, checksum }).await?;
        Ok(n_emptied)
    }

    /// Removes files of the archive that no segment names: what they said was emptied, or a crash left
    /// them.
    pub(super) async fn sweep_archive(&self) -> Result<(), LogError> {
        use futures::TryStreamExt;
        let Some(blobs) = self.shared.blobs.clone() else { return Ok(()) };
        let named: std::collections::HashSet<String> = {
            let views = self.shared.partitions.read();
            let places = views.values().flat_map(|view| &view.closed).map(|one| one.place());
            places
                .filter_map(|place| match place {
                    Place::Archive { file, .. } => Some(file),
                    Place::Rows => None,
                })
                .collect()
        };
        let folder = BlobPath::from(FOLDER);
        let files: Vec<BlobPath> = blobs
            .list(Some(&folder))
            .map_ok(|object| object.location)
            .try_collect()
            .await
            .map_err(blob_error)?;
        for file in files.iter().filter(|file| !named.contains(file.as_ref())) {
            self.shared.archive.forget(file.as_ref());
            blobs.delete(file).await.map_err(blob_error)?;
        }
        Ok(())
    }

    /// From here on readers go to the file.
    async fn record_place(&self, segment: &Arc<Segment>, place: Place) -> Result<(), LogError> {
        let segment = Arc::clone(segment);
        let Place::Archive { file, checksum } = place.clone() else { return Ok(()) };
        self.exclusive(move |connection| {
            let span = segment.span;
            let keys =
                params![span.partition.0, span.first.cast_signed(), file, checksum.cast_signed()];
            connection
                .execute(
                    "UPDATE segment SET archive = ?3, archive_checksum = ?4
                     WHERE partition = ?1 AND first = ?2",
                    keys,
                )
                .map_err(|error| sql_error(&segment, error))?;
            segment.set_place(place);
            Ok(())
        })
        .await
    }

    async fn delete_rows(&self, segment: &Arc<Segment>) -> Result<(), LogError> {
        loop {
            let segment = Arc::clone(segment);
            let delete = move |connection: &Connection| {
                let span = segment.span;
                let bounds = params![
                    row_id(span.partition, span.first),
                    row_id(span.partition, span.last),
                    DELETE_ROWS
                ];
                connection
                    .execute(
                        "DELETE FROM block WHERE id IN (SELECT id FROM block
                         WHERE id >= ?1 AND id <= ?2 ORDER BY id LIMIT ?3)",
                        bounds,
                    )
                    .map_err(|error| sql_error(&segment, error))
            };
            if self.exclusive(delete).await? == 0 {
                return Ok(());
            }
        }
    }
}

/// Puts a file and reads it back: only then may the rows go.
async fn put_checked(blobs: &dyn ObjectStore, file: &str, bytes: Bytes) -> Result<(), LogError> {
    let path = BlobPath::from(file);
    blobs.put(&path, PutPayload::from_bytes(bytes.clone())).await.map_err(blob_error)?;
    let again = blobs.get(&path).await.map_err(blob_error)?.bytes().await.map_err(blob_error)?;
    if again == bytes {
        Ok(())
    } else {
        Err(unavailable("the archive does not give back what was put; nothing was deleted"))
    }
}

/// The name of a segment's file without its ending.
fn file_stem(span: SegmentSpan) -> String {
    format!("{FOLDER}/{:05}-{:016x}-{:016x}", span.partition.0, span.first, span.last)
}

/// Takes body and subject out of a record; whether there was anything.
pub(super) fn empty(record: &mut Record) -> bool {
    let was_there = record.subject.is_some() || !record.body.is_empty();
    record.subject = None;
    record.body.clear();
    was_there
}

fn blob_error(error: object_store::Error) -> LogError {
    LogError::Unavailable(Box::new(error))
}

fn sql_error(segment: &Segment, error: rusqlite::Error) -> LogError {
    let span = segment.span;
    let position = Position { partition: span.partition, offset: span.first };
    log_error(Failure::from(error), position)
}
