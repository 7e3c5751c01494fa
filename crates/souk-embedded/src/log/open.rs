//! Opening: finds the segments, rebuilds what stands in memory from the open one alone.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use parking_lot::{Mutex, RwLock};
use rusqlite::{Connection, OptionalExtension, params};
use souk_ports::{Cursor, DEDUP_WINDOW_MS, LogError, Partition, Position};

use super::LogOptions;
use super::append::LogWriter;
use super::archive::ArchiveReader;
use super::block::subject_hash;
use super::filter::FilterKey;
use super::index::SegmentSpan;
use super::partition::{OpenSegment, PartitionWriter};
use super::read::{Wanted, from_row_id, row_id};
use super::segment::{PartitionView, Place, Segment, Shared, log_error, log_io};
use super::timing::SyncTimes;
use crate::sqlite::{DatabaseFile, Failure, ReaderPool, file_bytes};

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS block (id INTEGER PRIMARY KEY, data BLOB NOT NULL);
    CREATE TABLE IF NOT EXISTS segment (
        partition INTEGER NOT NULL,
        first INTEGER NOT NULL,
        last INTEGER NOT NULL,
        base_ms INTEGER NOT NULL,
        received_max INTEGER NOT NULL,
        archive TEXT,
        archive_checksum INTEGER,
        PRIMARY KEY (partition, first)
    ) WITHOUT ROWID;
";

/// The largest row number of a partition's last possible block.
fn partition_end_id(partition: Partition) -> i64 {
    row_id(partition, 0) | ((1 << 47) - 1)
}

/// Opens the file and starts the writer's state.
pub(crate) fn open(
    file: DatabaseFile,
    options: &LogOptions,
) -> Result<(Arc<Shared>, LogWriter), LogError> {
    let start = Position { partition: Partition(0), offset: 1 };
    let sql = |error: rusqlite::Error| log_error(Failure::from(error), start);
    let index_dir = file.path.with_extension("index");
    std::fs::create_dir_all(&index_dir).map_err(log_io)?;
    let connection = file.open_writer().map_err(sql)?;
    connection.execute_batch(SCHEMA).map_err(sql)?;
    super::checkpoint::checkpoint(&connection).map_err(sql)?;
    delete_archived_rows(&connection).map_err(sql)?;

    let segments = read_segments(&connection).map_err(sql)?;
    let shared = Arc::new(Shared {
        readers: ReaderPool::new(file.clone()),
        file,
        index_dir,
        blobs: options.blobs.clone(),
        segment_records: options.segment_records,
        partitions: RwLock::new(BTreeMap::new()),
        archive: ArchiveReader::new(options.blobs.clone()),
        sync_times: Mutex::new(SyncTimes::default()),
        commits: AtomicU64::new(0),
        received_max: AtomicI64::new(0),
    });
    let mut writers = BTreeMap::new();
    for (partition, closed) in group_by_partition(&connection, segments).map_err(sql)? {
        let writer = open_partition(&shared, &connection, partition, closed)?;
        writers.insert(partition, writer);
    }
    let writer = LogWriter::new(connection, Arc::clone(&shared), writers)?;
    Ok((shared, writer))
}

fn read_segments(connection: &Connection) -> rusqlite::Result<Vec<Segment>> {
    let mut select = connection.prepare(
        "SELECT partition, first, last, base_ms, received_max, archive, archive_checksum
         FROM segment ORDER BY partition, first",
    )?;
    let segments = select.query_map([], |row| {
        let span = SegmentSpan {
            partition: Partition(row.get(0)?),
            first: row.get::<_, i64>(1)?.cast_unsigned(),
            last: row.get::<_, i64>(2)?.cast_unsigned(),
            base_ms: row.get(3)?,
        };
        let place = match row.get::<_, Option<String>>(5)? {
            Some(file) => Place::Archive { file, checksum: row.get::<_, i64>(6)?.cast_unsigned() },
            None => Place::Rows,
        };
        Ok(Segment::new(span, row.get(4)?, place))
    })?;
    segments.collect()
}

/// Every partition that has a closed segment or a row.
fn group_by_partition(
    connection: &Connection,
    segments: Vec<Segment>,
) -> rusqlite::Result<BTreeMap<Partition, Vec<Arc<Segment>>>> {
    let mut partitions: BTreeMap<Partition, Vec<Arc<Segment>>> = BTreeMap::new();
    for segment in segments {
        partitions.entry(segment.span.partition).or_default().push(Arc::new(segment));
    }
    let mut after = -1_i64;
    let mut select =
        connection.prepare("SELECT id FROM block WHERE id > ?1 ORDER BY id LIMIT 1")?;
    while let Some(id) = select.query_row([after], |row| row.get(0)).optional()? {
        let (partition, _) = from_row_id(id);
        partitions.entry(partition).or_default();
        after = partition_end_id(partition);
    }
    Ok(partitions)
}

fn open_partition(
    shared: &Arc<Shared>,
    connection: &Connection,
    partition: Partition,
    closed: Vec<Arc<Segment>>,
) -> Result<PartitionWriter, LogError> {
    let open_first = closed.last().map_or(1, |segment| segment.span.last + 1);
    let start = Position { partition, offset: open_first };
    let next = next_offset(connection, partition, open_first)
        .map_err(|error| log_error(error.into(), start))?;
    let mut view = PartitionView::new(closed.clone(), open_first);
    view.next = next;
    shared.partitions.write().insert(partition, view);
    let open = scan_open(shared, partition, open_first)?;
    let received_max = open.received_max.max(newest(&closed));
    shared.received_max.fetch_max(received_max, Ordering::Relaxed);
    if let Some(view) = shared.partitions.write().get_mut(&partition) {
        view.open_subjects.clone_from(&open.keys.subjects);
    }
    let mut writer = PartitionWriter::resume(partition, shared.segment_records, open);
    for segment in closed {
        if segment.received_max < received_max - DEDUP_WINDOW_MS {
            writer.add_cold(segment);
            continue;
        }
        let slot = writer.add_to_filter(&segment);
        shared.each_event(&segment, |id| slot.group.insert(FilterKey::new(id), slot.column))?;
        slot.is_filled.store(true, Ordering::Release);
    }
    Ok(writer)
}

/// The last position of each partition in a log file that nobody has open.
pub(crate) fn end_of_file(path: &Path) -> Result<Cursor, LogError> {
    let start = Position { partition: Partition(0), offset: 1 };
    let sql = |error: rusqlite::Error| log_error(Failure::from(error), start);
    let connection = Connection::open(path).map_err(sql)?;
    let segments = read_segments(&connection).map_err(sql)?;
    let mut end = Cursor::START;
    for (partition, closed) in group_by_partition(&connection, segments).map_err(sql)? {
        let open_first = closed.last().map_or(1, |segment| segment.span.last + 1);
        let next = next_offset(&connection, partition, open_first).map_err(sql)?;
        end.advance(Position { partition, offset: next - 1 });
    }
    Ok(end)
}

fn newest(segments: &[Arc<Segment>]) -> i64 {
    segments.iter().map(|segment| segment.received_max).max().unwrap_or(0)
}

/// The offset after the last row of the partition.
fn next_offset(
    connection: &Connection,
    partition: Partition,
    open_first: u64,
) -> rusqlite::Result<u64> {
    let mut select = connection.prepare(
        "SELECT id, data FROM block WHERE id >= ?1 AND id <= ?2 ORDER BY id DESC LIMIT 1",
    )?;
    let bounds = params![row_id(partition, open_first), partition_end_id(partition)];
    let last = select.query_row(bounds, |row| {
        let (_, first) = from_row_id(row.get(0)?);
        // The count is checked when the block is read, and before that by `scan_open`.
        let count = row.get_ref(1)?.as_blob().ok().and_then(|data| data.get(1..5));
        let count = count.map_or(1, |c| u32::from_le_bytes(c.try_into().expect("four bytes")));
        Ok(first + u64::from(count.max(1)))
    });
    Ok(last.optional()?.unwrap_or(open_first))
}

/// Reads the open segment: its keys stand in memory alone.
fn scan_open(shared: &Shared, partition: Partition, first: u64) -> Result<OpenSegment, LogError> {
    let mut open = OpenSegment::new(first);
    let mut records = Vec::new();
    loop {
        let from = open.first + u64::from(open.records);
        records.clear();
        let wanted = Wanted { partition, from, limit: SCAN_CHUNK };
        shared.read_partition(wanted, &mut records)?;
        if records.is_empty() {
            return Ok(open);
        }
        for recorded in &records {
            let record = &recorded.record;
            let subject = record.subject.map(subject_hash);
            open.push(record.event_id, subject, record.received_at.as_ms());
        }
    }
}

/// Records that the scan holds at once.
const SCAN_CHUNK: usize = 8_192;

/// Deletes rows whose records stand in the archive: a crash may have come between the two steps.
fn delete_archived_rows(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(
        "DELETE FROM block WHERE id IN (
             SELECT block.id FROM segment JOIN block
             ON block.id >= (segment.partition << 47 | segment.first)
             AND block.id <= (segment.partition << 47 | segment.last)
             WHERE segment.archive IS NOT NULL)",
    )
}

/// The bytes of the database and its write-ahead log.
pub(crate) fn database_bytes(file: &DatabaseFile) -> u64 {
    file_bytes(&file.path) + file_bytes(&file.wal_path())
}
