//! Reading: from memory at the end of the log, from rows, and from the archive.
//!
//! Offsets of a partition are dense here, so a missing row is noticed and never passed over.

use std::sync::Arc;

use rusqlite::{Connection, params};
use souk_core::SubjectId;
use souk_ports::{Cursor, LogError, Partition, Position, Recorded};

use super::archive::Wanted;
use super::block::{Block, BlockView, Damage, subject_hash};
use super::segment::{PartitionView, Place, Segment, Shared, corrupt, log_error, offsets_of};
use crate::sqlite::Failure;

/// Offsets take the low 47 bits of a row's number, partitions the 16 bits above.
const OFFSET_BITS: u32 = 47;

/// The row number of the block that begins at `offset`.
pub(crate) fn row_id(partition: Partition, offset: u64) -> i64 {
    (i64::from(partition.0) << OFFSET_BITS)
        | i64::try_from(offset).expect("offsets stay below 2^47")
}

/// The partition and first offset of a row number.
pub(crate) fn from_row_id(id: i64) -> (Partition, u64) {
    let partition = u16::try_from(id >> OFFSET_BITS).expect("row numbers have 63 bits");
    (Partition(partition), (id & ((1 << OFFSET_BITS) - 1)).cast_unsigned())
}

/// What stands next after an offset.
enum Source {
    Tail(Vec<Arc<Block>>),
    Segment(Arc<Segment>),
    /// Rows of the open segment, up to this offset.
    Open(u64),
    End,
}

/// Which offsets of a partition to read.
#[derive(Clone, Copy, Debug)]
struct Range {
    partition: Partition,
    from: u64,
    last: u64,
}

impl Shared {
    /// Reads at most `limit` records after `cursor`.
    pub(crate) fn read_after(
        &self,
        cursor: &Cursor,
        limit: usize,
    ) -> Result<Vec<Recorded>, LogError> {
        let mut out = Vec::new();
        for partition in self.partition_list() {
            let from = cursor.offset(partition).map_or(1, |seen| seen + 1);
            self.read_partition(partition, from, limit, &mut out)?;
        }
        Ok(out)
    }

    /// Reads until `out` holds `limit` records or the partition ends.
    pub(crate) fn read_partition(
        &self,
        partition: Partition,
        mut from: u64,
        limit: usize,
        out: &mut Vec<Recorded>,
    ) -> Result<(), LogError> {
        while out.len() < limit {
            let before = out.len();
            match self.source_at(partition, from) {
                Source::End => break,
                Source::Tail(blocks) => read_tail(&blocks, partition, from, limit, out)?,
                Source::Open(last) => {
                    self.read_rows(Range { partition, from, last }, limit, out)?;
                }
                Source::Segment(segment) => self.read_segment(&segment, from, limit, out)?,
            }
            assert!(out.len() > before, "a source that is not the end has a record");
            from = out.last().map_or(from, |recorded| recorded.position.offset + 1);
        }
        Ok(())
    }

    /// Reads at most `limit` records when they stand in memory and are at most `few`.
    pub(crate) fn read_tail_after(
        &self,
        cursor: &Cursor,
        limit: usize,
        few: usize,
    ) -> Option<Result<Vec<Recorded>, LogError>> {
        let mut wanted = Vec::new();
        let mut available = 0;
        {
            let views = self.partitions.read();
            for (partition, view) in views.iter() {
                let from = cursor.offset(*partition).map_or(1, |seen| seen + 1);
                if from < view.next {
                    available += usize::try_from(view.next - from).unwrap_or(usize::MAX);
                    wanted.push((*partition, from, view.tail_from(from)?));
                }
            }
        }
        if available.min(limit) > few {
            return None;
        }
        let mut out = Vec::new();
        for (partition, from, blocks) in wanted {
            if let Err(error) = read_tail(&blocks, partition, from, limit, &mut out) {
                return Some(Err(error));
            }
        }
        Some(Ok(out))
    }

    /// Reads at most `limit` records of one subject after `cursor`.
    pub(crate) fn read_subject_after(
        &self,
        subject: SubjectId,
        cursor: &Cursor,
        limit: usize,
    ) -> Result<Vec<Recorded>, LogError> {
        let hash = subject_hash(subject);
        let mut out = Vec::new();
        for partition in self.partition_list() {
            let from = cursor.offset(partition).map_or(1, |seen| seen + 1);
            let (segments, open_offsets) = self.subject_sources(partition, hash, from);
            for segment in segments {
                if out.len() >= limit {
                    return Ok(out);
                }
                let offsets = self.find_subject(&segment, hash)?;
                let offsets: Vec<u64> = offsets.into_iter().filter(|o| *o >= from).collect();
                self.pick(partition, &offsets, subject, limit, &mut out)?;
            }
            self.pick(partition, &open_offsets, subject, limit, &mut out)?;
        }
        Ok(out)
    }

    /// Calls `visit` with every record of a segment, in order.
    pub(crate) fn each_record(
        &self,
        segment: &Segment,
        mut visit: impl FnMut(&Recorded),
    ) -> Result<(), LogError> {
        let mut from = segment.span.first;
        let mut out = Vec::new();
        while from <= segment.span.last {
            out.clear();
            self.read_segment(segment, from, EACH_CHUNK, &mut out)?;
            out.iter().for_each(&mut visit);
            from = out.last().map_or(from, |recorded| recorded.position.offset + 1);
        }
        Ok(())
    }

    /// Reads every record from the disk, and returns how many there are.
    pub(crate) fn verify(&self) -> Result<u64, LogError> {
        let mut n_records = 0;
        let mut out = Vec::new();
        for partition in self.partition_list() {
            let mut from = 1;
            loop {
                out.clear();
                match self.disk_source_at(partition, from) {
                    Source::Segment(segment) => {
                        self.read_segment(&segment, from, EACH_CHUNK, &mut out)?;
                    }
                    Source::Open(last) => {
                        self.read_rows(Range { partition, from, last }, EACH_CHUNK, &mut out)?;
                    }
                    Source::End | Source::Tail(_) => break,
                }
                n_records += out.len() as u64;
                from += out.len() as u64;
            }
        }
        Ok(n_records)
    }

    pub(crate) fn partition_list(&self) -> Vec<Partition> {
        self.partitions.read().keys().copied().collect()
    }

    fn source_at(&self, partition: Partition, from: u64) -> Source {
        let partitions = self.partitions.read();
        let Some(view) = partitions.get(&partition) else { return Source::End };
        if from >= view.next {
            return Source::End;
        }
        match view.tail_from(from) {
            Some(blocks) => Source::Tail(blocks),
            None => on_disk(view, from),
        }
    }

    fn disk_source_at(&self, partition: Partition, from: u64) -> Source {
        let partitions = self.partitions.read();
        let view = partitions.get(&partition).filter(|view| from < view.next);
        view.map_or(Source::End, |view| on_disk(view, from))
    }

    /// The closed segments from `from` on, and the offsets under `hash` in the open one: both of
    /// one moment, so that a segment which closes meanwhile is not missed.
    fn subject_sources(
        &self,
        partition: Partition,
        hash: u64,
        from: u64,
    ) -> (Vec<Arc<Segment>>, Vec<u64>) {
        let partitions = self.partitions.read();
        let Some(view) = partitions.get(&partition) else { return Default::default() };
        let idx = view.closed.partition_point(|segment| segment.span.last < from);
        let found = offsets_of(&view.open_subjects, hash);
        let offsets = found.into_iter().map(|rel| view.open_first + u64::from(rel));
        (view.closed[idx..].to_vec(), offsets.filter(|offset| *offset >= from).collect())
    }

    /// Reads the records at `offsets` that are of `subject`: a hash may be shared.
    fn pick(
        &self,
        partition: Partition,
        offsets: &[u64],
        subject: SubjectId,
        limit: usize,
        out: &mut Vec<Recorded>,
    ) -> Result<(), LogError> {
        let mut near: Vec<Recorded> = Vec::new();
        for &offset in offsets {
            if out.len() >= limit {
                break;
            }
            let holds = |r: &Recorded| r.position.offset == offset;
            if !near.iter().any(holds) {
                near.clear();
                // One block's worth: a subject's records of one visit stand close together.
                self.read_partition(partition, offset, PICK_CHUNK, &mut near)?;
            }
            let found = near.iter().find(|r| holds(r));
            out.extend(found.filter(|r| r.record.subject == Some(subject)).cloned());
        }
        Ok(())
    }

    /// Reads records of a closed segment, wherever it stands now.
    fn read_segment(
        &self,
        segment: &Segment,
        from: u64,
        limit: usize,
        out: &mut Vec<Recorded>,
    ) -> Result<(), LogError> {
        let range = Range { partition: segment.span.partition, from, last: segment.span.last };
        let before = out.len();
        if segment.place() == Place::Rows {
            match self.read_rows(range, limit, out) {
                // The rows may have gone to the archive after the place was looked up.
                Err(LogError::Corrupt { .. }) if segment.place() != Place::Rows => {
                    out.truncate(before);
                }
                answer => return answer,
            }
        }
        let wanted = Wanted { from, limit: limit.saturating_sub(before) };
        self.archive.read(self.blobs.as_deref(), segment, wanted, out)
    }

    fn read_rows(
        &self,
        range: Range,
        limit: usize,
        out: &mut Vec<Recorded>,
    ) -> Result<(), LogError> {
        let position = Position { partition: range.partition, offset: range.from };
        let answer = self.readers.with(|connection| read_blocks(connection, range, limit, out));
        answer.map_err(|error| match error {
            ReadFailure::Database(failure) => log_error(failure, position),
            ReadFailure::Damage(damage) => corrupt(range.partition, damage),
        })
    }
}

fn on_disk(view: &PartitionView, from: u64) -> Source {
    match view.closed_at(from) {
        Some(segment) => Source::Segment(Arc::clone(segment)),
        None => Source::Open(view.next - 1),
    }
}

/// Records read at once when a whole segment is gone through.
const EACH_CHUNK: usize = 8_192;
/// Records read around one that is wanted.
const PICK_CHUNK: usize = 64;

/// Why rows could not be read.
pub(crate) enum ReadFailure {
    Database(Failure),
    Damage(Damage),
}

impl From<Failure> for ReadFailure {
    fn from(failure: Failure) -> ReadFailure {
        ReadFailure::Database(failure)
    }
}

impl From<rusqlite::Error> for ReadFailure {
    fn from(error: rusqlite::Error) -> ReadFailure {
        ReadFailure::Database(error.into())
    }
}

fn read_tail(
    blocks: &[Arc<Block>],
    partition: Partition,
    from: u64,
    limit: usize,
    out: &mut Vec<Recorded>,
) -> Result<(), LogError> {
    for block in blocks {
        if out.len() >= limit {
            break;
        }
        let view = BlockView::open(&block.bytes, partition, block.first);
        let view = view.map_err(|damage| corrupt(partition, damage))?;
        take_records(&view, from, limit, out).map_err(|damage| corrupt(partition, damage))?;
    }
    Ok(())
}

/// Reads rows from `range.from` on; every offset up to `range.last` must be there.
fn read_blocks(
    connection: &Connection,
    range: Range,
    limit: usize,
    out: &mut Vec<Recorded>,
) -> Result<(), ReadFailure> {
    let mut select = connection.prepare_cached(
        "SELECT id, data FROM block WHERE id >= (SELECT max(id) FROM block WHERE id <= ?1)
         AND id <= ?2 ORDER BY id",
    )?;
    let bounds = params![row_id(range.partition, range.from), row_id(range.partition, range.last)];
    let mut rows = select.query(bounds)?;
    let mut expected = range.from;
    while out.len() < limit && expected <= range.last {
        let gap = |detail: &str| {
            ReadFailure::Damage(Damage { offset: expected, detail: detail.to_owned() })
        };
        let Some(row) = rows.next()? else {
            return Err(gap("the record is missing"));
        };
        let (partition, first) = from_row_id(row.get(0)?);
        if partition != range.partition || first > expected {
            return Err(gap("the record is missing"));
        }
        let data = row.get_ref(1)?.as_blob().map_err(|_| gap("the row holds no block"))?;
        let view = BlockView::open(data, partition, first).map_err(ReadFailure::Damage)?;
        if view.last() < expected {
            return Err(gap("the record is missing"));
        }
        take_records(&view, expected, limit, out).map_err(ReadFailure::Damage)?;
        expected = view.last() + 1;
    }
    Ok(())
}

fn take_records(
    view: &BlockView<'_>,
    from: u64,
    limit: usize,
    out: &mut Vec<Recorded>,
) -> Result<(), Damage> {
    for recorded in view.records_from(from) {
        if out.len() >= limit {
            break;
        }
        out.push(recorded?);
    }
    Ok(())
}
