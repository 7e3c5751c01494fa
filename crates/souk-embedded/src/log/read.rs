//! Reading: from memory at the end of the log, from rows, and from the archive.
//!
//! Offsets of a partition are dense here, so a missing row is noticed and never passed over.

use std::sync::Arc;

use rusqlite::{Connection, params};
use souk_core::SubjectId;
use souk_ports::{Cursor, LogError, Partition, Position, Recorded};

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

/// What to read of a partition.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted {
    pub(crate) partition: Partition,
    /// The first offset.
    pub(crate) from: u64,
    /// Records that the list of answers may hold in the end.
    pub(crate) limit: usize,
}

/// Offsets of records that an index lists under a subject's hash.
struct OfSubject {
    subject: SubjectId,
    offsets: Vec<u64>,
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
            self.read_partition(Wanted { partition, from, limit }, &mut out)?;
        }
        Ok(out)
    }

    /// Reads until `out` holds `wanted.limit` records or the partition ends.
    pub(crate) fn read_partition(
        &self,
        mut wanted: Wanted,
        out: &mut Vec<Recorded>,
    ) -> Result<(), LogError> {
        while out.len() < wanted.limit {
            let before = out.len();
            match self.source_at(wanted) {
                Source::End => break,
                Source::Tail(blocks) => read_tail(&blocks, wanted, out)?,
                Source::Open(last) => self.read_rows(wanted, last, out)?,
                Source::Segment(segment) => self.read_segment(&segment, wanted, out)?,
            }
            assert!(out.len() > before, "a source that is not the end has a record");
            wanted.from = out.last().map_or(wanted.from, |recorded| recorded.position.offset + 1);
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
            if let Err(error) = read_tail(&blocks, Wanted { partition, from, limit }, &mut out) {
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
            let wanted = Wanted { partition, from, limit };
            let (segments, open_offsets) = self.subject_sources(wanted, hash);
            for segment in segments {
                if out.len() >= limit {
                    return Ok(out);
                }
                let mut offsets = self.find_subject(&segment, hash)?;
                offsets.retain(|offset| *offset >= from);
                self.pick(wanted, &OfSubject { subject, offsets }, &mut out)?;
            }
            self.pick(wanted, &OfSubject { subject, offsets: open_offsets }, &mut out)?;
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
            let wanted = Wanted { partition: segment.span.partition, from, limit: EACH_CHUNK };
            self.read_segment(segment, wanted, &mut out)?;
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
                let wanted = Wanted { partition, from, limit: EACH_CHUNK };
                match self.disk_source_at(wanted) {
                    Source::Segment(segment) => self.read_segment(&segment, wanted, &mut out)?,
                    Source::Open(last) => self.read_rows(wanted, last, &mut out)?,
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

    fn source_at(&self, wanted: Wanted) -> Source {
        let partitions = self.partitions.read();
        let view = partitions.get(&wanted.partition).filter(|view| wanted.from < view.next);
        let Some(view) = view else { return Source::End };
        match view.tail_from(wanted.from) {
            Some(blocks) => Source::Tail(blocks),
            None => on_disk(view, wanted.from),
        }
    }

    fn disk_source_at(&self, wanted: Wanted) -> Source {
        let partitions = self.partitions.read();
        let view = partitions.get(&wanted.partition).filter(|view| wanted.from < view.next);
        view.map_or(Source::End, |view| on_disk(view, wanted.from))
    }

    /// The closed segments from the first wanted offset on, and the offsets under `hash` in the open
    /// one: both of one moment, so that a segment which closes meanwhile is not missed.
    fn subject_sources(&self, wanted: Wanted, hash: u64) -> (Vec<Arc<Segment>>, Vec<u64>) {
        let partitions = self.partitions.read();
        let Some(view) = partitions.get(&wanted.partition) else { return Default::default() };
        let idx = view.closed.partition_point(|segment| segment.span.last < wanted.from);
        let found = offsets_of(&view.open_subjects, hash);
        let offsets = found.into_iter().map(|rel| view.open_first + u64::from(rel));
        (view.closed[idx..].to_vec(), offsets.filter(|offset| *offset >= wanted.from).collect())
    }

    /// Reads the records at the offsets that are really of the subject: a hash may be shared.
    fn pick(
        &self,
        wanted: Wanted,
        theirs: &OfSubject,
        out: &mut Vec<Recorded>,
    ) -> Result<(), LogError> {
        let mut near: Vec<Recorded> = Vec::new();
        for &offset in &theirs.offsets {
            if out.len() >= wanted.limit {
                break;
            }
            let holds = |r: &Recorded| r.position.offset == offset;
            if !near.iter().any(holds) {
                near.clear();
                // Some more than the one: a subject's records of one visit stand close together.
                let around = Wanted { from: offset, limit: PICK_CHUNK, ..wanted };
                self.read_partition(around, &mut near)?;
            }
            let found = near.iter().find(|r| holds(r));
            out.extend(found.filter(|r| r.record.subject == Some(theirs.subject)).cloned());
        }
        Ok(())
    }

    /// Reads records of a closed segment, wherever it stands now.
    fn read_segment(
        &self,
        segment: &Segment,
        wanted: Wanted,
        out: &mut Vec<Recorded>,
    ) -> Result<(), LogError> {
        let before = out.len();
        if segment.place() == Place::Rows {
            match self.read_rows(wanted, segment.span.last, out) {
                // The rows may have gone to the archive after the place was looked up.
                Err(LogError::Corrupt { .. }) if segment.place() != Place::Rows => {
                    out.truncate(before);
                }
                answer => return answer,
            }
        }
        self.archive.read(segment, wanted, out)
    }

    fn read_rows(
        &self,
        wanted: Wanted,
        last: u64,
        out: &mut Vec<Recorded>,
    ) -> Result<(), LogError> {
        let position = Position { partition: wanted.partition, offset: wanted.from };
        let answer = self.readers.with(|connection| read_blocks(connection, wanted, last, out));
        answer.map_err(|error| match error {
            ReadFailure::Database(failure) => log_error(failure, position),
            ReadFailure::Damage(damage) => corrupt(wanted.partition, damage),
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
    wanted: Wanted,
    out: &mut Vec<Recorded>,
) -> Result<(), LogError> {
    for block in blocks {
        if out.len() >= wanted.limit {
            break;
        }
        let view = BlockView::open(&block.bytes, wanted.partition, block.first);
        view.and_then(|view| take_records(&view, wanted, out))
            .map_err(|damage| corrupt(wanted.partition, damage))?;
    }
    Ok(())
}

/// Reads rows from the first wanted offset on; every offset up to `last` must be there.
fn read_blocks(
    connection: &Connection,
    wanted: Wanted,
    last: u64,
    out: &mut Vec<Recorded>,
) -> Result<(), ReadFailure> {
    let mut select = connection.prepare_cached(
        "SELECT id, data FROM block WHERE id >= (SELECT max(id) FROM block WHERE id <= ?1)
         AND id <= ?2 ORDER BY id",
    )?;
    let bounds = params![row_id(wanted.partition, wanted.from), row_id(wanted.partition, last)];
    let mut rows = select.query(bounds)?;
    let mut expected = wanted.from;
    while out.len() < wanted.limit && expected <= last {
        let gap = |detail: &str| {
            ReadFailure::Damage(Damage { offset: expected, detail: detail.to_owned() })
        };
        let Some(row) = rows.next()? else {
            return Err(gap("the record is missing"));
        };
        let (partition, first) = from_row_id(row.get(0)?);
        if partition != wanted.partition || first > expected {
            return Err(gap("the record is missing"));
        }
        let data = row.get_ref(1)?.as_blob().map_err(|_| gap("the row holds no block"))?;
        let view = BlockView::open(data, partition, first).map_err(ReadFailure::Damage)?;
        if view.last() < expected {
            return Err(gap("the record is missing"));
        }
        take_records(&view, Wanted { from: expected, ..wanted }, out)
            .map_err(ReadFailure::Damage)?;
        expected = view.last() + 1;
    }
    Ok(())
}

fn take_records(
    view: &BlockView<'_>,
    wanted: Wanted,
    out: &mut Vec<Recorded>,
) -> Result<(), Damage> {
    for recorded in view.records_from(wanted.from) {
        if out.len() >= wanted.limit {
            break;
        }
        out.push(recorded?);
    }
    Ok(())
}
