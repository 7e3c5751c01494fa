//! Emptying records in place: their block or archive file is written anew without body and subject.
//!
//! Rows are rewritten under SQLite's secure deletion, so that freed pages hold zeros, and the
//! write-ahead log is emptied before the answer: no byte of a body is left in a file. Indexes of closed
//! segments, which hold hashes of subjects, are removed and made again. The index of the segment that is
//! open keeps the hash of a random number until the next call after it has closed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, params};
use souk_ports::{LogError, LogUpkeep, Partition, Position, STRIP_MAX};

use super::archive::empty;
use super::block::{BlockBuilder, BlockView, encode};
use super::read::{ReadFailure, from_row_id, row_id};
use super::segment::{Place, Segment, corrupt, log_error, log_io};
use super::{SqliteLog, unavailable};
use crate::sqlite::BUSY_TIMEOUT;

/// Blocks rewritten in one commit: appends wait for it.
const BLOCKS_AT_ONCE: usize = 16;
/// How often the write-ahead log is tried to be emptied while readers hold it.
const EMPTY_TRIES: u32 = 200;
const EMPTY_PAUSE: Duration = Duration::from_millis(25);

/// Doomed offsets of one place, ascending.
struct Doomed {
    /// The closed segment; `None` for the open one.
    segment: Option<Arc<Segment>>,
    offsets: Vec<u64>,
}

#[async_trait]
impl LogUpkeep for SqliteLog {
    async fn strip(&self, positions: &[Position]) -> Result<u64, LogError> {
        if positions.len() > STRIP_MAX {
            let (what, value) = ("a number of positions of", positions.len());
            return Err(LogError::TooLarge { what, value, limit: STRIP_MAX });
        }
        // Nothing moves to the archive, and no backup copies, while places change.
        let _gate = self.archive_gate.lock().await;
        let mut n_emptied = 0;
        for ((partition, _), doomed) in self.by_segment(positions) {
            n_emptied += self.strip_place(partition, doomed).await?;
        }
        self.sweep_archive().await?;
        self.empty_write_ahead_log().await?;
        Ok(n_emptied)
    }
}

impl SqliteLog {
    fn by_segment(&self, positions: &[Position]) -> BTreeMap<(Partition, u64), Doomed> {
        let mut sorted = positions.to_vec();
        sorted.sort_unstable_by_key(|at| (at.partition, at.offset));
        sorted.dedup();
        let views = self.shared.partitions.read();
        let mut places: BTreeMap<(Partition, u64), Doomed> = BTreeMap::new();
        for Position { partition, offset } in sorted {
            let view = views.get(&partition);
            let Some(view) = view.filter(|view| (1..view.next).contains(&offset)) else { continue };
            let segment = view.closed_at(offset).map(Arc::clone);
            let first = segment.as_ref().map_or(u64::MAX, |segment| segment.span.first);
            let place = places.entry((partition, first));
            place.or_insert(Doomed { segment, offsets: Vec::new() }).offsets.push(offset);
        }
        places
    }

    async fn strip_place(&self, partition: Partition, doomed: Doomed) -> Result<u64, LogError> {
        let Doomed { segment, offsets } = doomed;
        let n_emptied = match &segment {
            Some(segment) if segment.place() != Place::Rows => {
                self.strip_archived(segment, offsets).await?
            }
            _ => self.strip_rows(partition, offsets).await?,
        };
        if let Some(segment) = segment.filter(|_| n_emptied > 0) {
            self.blocking(move |shared| shared.drop_index(&segment).map_err(log_io)).await?;
        }
        Ok(n_emptied)
    }

    async fn strip_rows(
        &self,
        partition: Partition,
        mut offsets: Vec<u64>,
    ) -> Result<u64, LogError> {
        let mut n_emptied = 0;
        while !offsets.is_empty() {
            let shared = Arc::clone(&self.shared);
            let work = move |connection: &Connection| {
                let done = strip_blocks(connection, partition, offsets)?;
                // Readers at the end of the log must not meet the old blocks in memory.
                if let Some(view) = shared.partitions.write().get_mut(&partition) {
                    view.clear_tail();
                }
                Ok(done)
            };
            let (n, left) = self.exclusive(work).await?;
            n_emptied += n;
            offsets = left;
        }
        Ok(n_emptied)
    }

    /// Copies the write-ahead log into the database and cuts it to nothing.
    async fn empty_write_ahead_log(&self) -> Result<(), LogError> {
        for _ in 0..EMPTY_TRIES {
            let work = |connection: &Connection| {
                let fail = |error| sql_error(error, Partition(0), 0);
                // Appends wait with it, so it does not wait long for readers.
                connection.busy_timeout(EMPTY_PAUSE).map_err(fail)?;
                let truncate = "PRAGMA wal_checkpoint(TRUNCATE)";
                let busy = connection.query_row(truncate, [], |row| row.get::<_, i64>(0));
                connection.busy_timeout(BUSY_TIMEOUT).map_err(fail)?;
                match busy {
                    Err(error)
                        if error.sqlite_error_code() == Some(rusqlite::ErrorCode::DatabaseBusy) =>
                    {
                        Ok(false)
                    }
                    busy => Ok(busy.map_err(fail)? == 0),
                }
            };
            if self.exclusive(work).await? {
                return Ok(());
            }
            tokio::time::sleep(EMPTY_PAUSE).await;
        }
        Err(unavailable("readers hold the write-ahead log, which still has what was emptied"))
    }
}

/// Rewrites the next few blocks with doomed records in one commit; returns how many records were emptied,
/// and the offsets that are left.
fn strip_blocks(
    connection: &Connection,
    partition: Partition,
    offsets: Vec<u64>,
) -> Result<(u64, Vec<u64>), LogError> {
    let fail = |error| sql_error(error, partition, offsets.first().copied().unwrap_or(0));
    connection.pragma_update(None, "secure_delete", true).map_err(fail)?;
    connection.execute_batch("BEGIN IMMEDIATE").map_err(fail)?;
    let outcome = strip_some(connection, partition, &offsets).and_then(|done| {
        connection.execute_batch("COMMIT").map_err(ReadFailure::from)?;
        Ok(done)
    });
    match outcome {
        Ok((n_emptied, n_done)) => Ok((n_emptied, offsets[n_done..].to_vec())),
        Err(failure) => {
            if !connection.is_autocommit() {
                let _ = connection.execute_batch("ROLLBACK");
            }
            let position = Position { partition, offset: offsets[0] };
            Err(match failure {
                ReadFailure::Database(failure) => log_error(failure, position),
                ReadFailure::Damage(damage) => corrupt(partition, damage),
            })
        }
    }
}

fn strip_some(
    connection: &Connection,
    partition: Partition,
    offsets: &[u64],
) -> Result<(u64, usize), ReadFailure> {
    let (mut n_emptied, mut n_done) = (0, 0);
    let lowest = row_id(partition, 0);
    let mut select = connection.prepare_cached(
        "SELECT id, data FROM block WHERE id <= ?1 AND id >= ?2 ORDER BY id DESC LIMIT 1",
    )?;
    for _ in 0..BLOCKS_AT_ONCE {
        let Some(&offset) = offsets.get(n_done) else { break };
        let bounds = params![row_id(partition, offset), lowest];
        let found = select.query_row(bounds, |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
        let Some((id, data)): Option<(i64, Vec<u8>)> = found else {
            n_done += 1;
            continue;
        };
        let (_, first) = from_row_id(id);
        let view = BlockView::open(&data, partition, first).map_err(ReadFailure::Damage)?;
        let last = view.last();
        let n_here = offsets[n_done..].partition_point(|offset| *offset <= last).max(1);
        let doomed = &offsets[n_done..n_done + n_here];
        n_done += n_here;
        let mut block = BlockBuilder::new(partition, first);
        let mut n_changed = 0;
        for recorded in view.records_from(first) {
            let mut recorded = recorded.map_err(ReadFailure::Damage)?;
            let is_doomed = doomed.binary_search(&recorded.position.offset).is_ok();
            n_changed += u64::from(is_doomed && empty(&mut recorded.record));
            block.push(&encode(&[recorded.record]).bytes);
        }
        let Some(block) = block.finish().filter(|_| n_changed > 0) else { continue };
        connection.execute("UPDATE block SET data = ?2 WHERE id = ?1", params![id, block.bytes])?;
        n_emptied += n_changed;
    }
    Ok((n_emptied, n_done))
}

fn sql_error(error: rusqlite::Error, partition: Partition, offset: u64) -> LogError {
    log_error(error.into(), Position { partition, offset })
}
