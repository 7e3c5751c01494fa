//! Records for tests, and a log to put them in.

use std::path::Path;
use std::sync::Arc;

use object_store::ObjectStore;
use object_store::local::LocalFileSystem;
use souk_core::{EventId, SubjectId, Timestamp};
use souk_embedded::{LogOptions, SqliteLog, SyncMode};
use souk_ports::{
    Cursor, EventLog, LogError, Partition, READ_RECORDS_MAX, Record, RecordKind, Recorded,
};
use souk_sim_vfs::SimDisk;

/// 2026-01-01.
pub(crate) const NOW_MS: i64 = 1_767_225_600_000;

pub(crate) fn record(n: u64) -> Record {
    let mut id = [0; 16];
    id[..8].copy_from_slice(&n.to_be_bytes());
    Record {
        partition: Partition(0),
        subject: n.is_multiple_of(3).then_some(SubjectId([(n % 7) as u8; 16])),
        event_id: EventId(id),
        received_at: Timestamp::from_ms(NOW_MS).unwrap(),
        kind: RecordKind(1),
        body: format!("<the body of record {n}>").into_bytes(),
    }
}

pub(crate) fn records(range: std::ops::Range<u64>) -> Vec<Record> {
    range.map(record).collect()
}

pub(crate) async fn read_all(log: &SqliteLog) -> Result<Vec<Recorded>, LogError> {
    let mut cursor = Cursor::START;
    let mut all = Vec::new();
    loop {
        let some = log.read(&cursor, READ_RECORDS_MAX).await?;
        if some.is_empty() {
            return Ok(all);
        }
        some.iter().for_each(|recorded| cursor.advance(recorded.position));
        all.extend(some);
    }
}

/// A log with small segments in `folder`, on real files.
pub(crate) fn open_real(folder: &Path) -> Result<SqliteLog, LogError> {
    let blobs: Arc<dyn ObjectStore> = Arc::new(LocalFileSystem::new_with_prefix(folder).unwrap());
    let options = LogOptions { blobs: Some(blobs), segment_records: 50, ..LogOptions::default() };
    SqliteLog::open(&folder.join("log.db"), &options)
}

/// A log with small segments on a simulated disk; only its indexes are real files, in `folder`.
pub(crate) fn open_simulated(
    folder: &Path,
    disk: &SimDisk,
    sync: SyncMode,
) -> Result<SqliteLog, LogError> {
    let vfs = Some(disk.vfs().to_owned());
    let options = LogOptions { segment_records: 50, vfs, sync, ..LogOptions::default() };
    SqliteLog::open(&folder.join("log.db"), &options)
}

/// A small seeded generator: Steele, Lea and Flood's SplitMix (2014).
#[derive(Debug)]
pub(crate) struct Seeded(pub(crate) u64);

impl Seeded {
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % limit
    }
}
