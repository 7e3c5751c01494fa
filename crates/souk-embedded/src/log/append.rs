//! Appending: one thread gives offsets, finds duplicates and commits what many callers sent.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use rusqlite::{Connection, params};
use souk_ports::{Appended, LogError, Partition, Position};
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::block::{Block, Frames};
use super::checkpoint::Checkpointer;
use super::indexer::Indexer;
use super::partition::{ClosedSegment, PartitionWriter};
use super::read::row_id;
use super::segment::{Segment, Shared, log_error};
use crate::sqlite::Failure;

/// Bytes of frames that share a commit. Chosen: a commit of this size takes some milliseconds, which
/// is what a single append may wait for the group before its own.
const GROUP_BYTES_MAX: usize = 2 << 20;

/// Records of one caller, encoded.
#[derive(Debug)]
pub(crate) struct AppendJob {
    pub(crate) partition: Partition,
    pub(crate) frames: Frames,
    pub(crate) reply: oneshot::Sender<Result<Vec<Appended>, LogError>>,
    /// The job's share of the bytes that may wait.
    pub(crate) _permit: OwnedSemaphorePermit,
}

/// What the writer thread is asked to do.
pub(crate) enum Job {
    Append(AppendJob),
    /// Work that needs the only writing connection, such as moving a segment to the archive.
    Exclusive(Box<dyn FnOnce(&Connection) + Send>),
}

/// The state of the writer thread.
#[derive(Debug)]
pub(crate) struct LogWriter {
    connection: Connection,
    shared: Arc<Shared>,
    partitions: BTreeMap<Partition, PartitionWriter>,
    indexer: Indexer,
    checkpointer: Checkpointer,
}

impl LogWriter {
    pub(crate) fn new(
        connection: Connection,
        shared: Arc<Shared>,
        partitions: BTreeMap<Partition, PartitionWriter>,
    ) -> Result<LogWriter, LogError> {
        let indexer = Indexer::start(Arc::clone(&shared))?;
        let checkpointer = Checkpointer::start(shared.file.clone())?;
        Ok(LogWriter { connection, shared, partitions, indexer, checkpointer })
    }

    /// Does all jobs, in order, in as few commits as their size allows.
    pub(crate) fn run(&mut self, jobs: Vec<Job>) {
        let mut group = Vec::new();
        let mut group_bytes = 0;
        for job in jobs {
            match job {
                Job::Append(job) => {
                    group_bytes += job.frames.bytes.len();
                    group.push(job);
                    if group_bytes >= GROUP_BYTES_MAX {
                        self.append_group(std::mem::take(&mut group));
                        group_bytes = 0;
                    }
                }
                Job::Exclusive(work) => {
                    self.append_group(std::mem::take(&mut group));
                    group_bytes = 0;
                    work(&self.connection);
                }
            }
        }
        self.append_group(group);
    }

    fn append_group(&mut self, jobs: Vec<AppendJob>) {
        if jobs.is_empty() {
            return;
        }
        let answers = self.try_group(&jobs);
        match answers {
            Ok(answers) => {
                for (job, answer) in jobs.into_iter().zip(answers) {
                    // A caller that went away needs no answer.
                    let _ = job.reply.send(Ok(answer));
                }
                self.checkpointer.after_commit(&self.connection);
            }
            Err(error) => {
                self.roll_back();
                // The error cannot be cloned, so the first caller gets it and the others its like.
                for job in jobs {
                    let _ = job.reply.send(Err(same_error(&error)));
                }
                self.checkpointer.after_failure(&self.connection);
            }
        }
    }

    fn try_group(&mut self, jobs: &[AppendJob]) -> Result<Vec<Vec<Appended>>, LogError> {
        let start = Position { partition: jobs[0].partition, offset: 0 };
        let sql = |error: rusqlite::Error| log_error(Failure::from(error), start);
        let mut answers = Vec::with_capacity(jobs.len());
        for job in jobs {
            let writer = self.partitions.entry(job.partition).or_insert_with(|| {
                PartitionWriter::new(job.partition, self.shared.segment_records)
            });
            writer.begin();
            answers.push(writer.stage(&self.shared, &job.frames)?);
        }
        if self.partitions.values().all(|writer| !writer.has_staged()) {
            // Only duplicates: all of it is durable already.
            self.partitions.values_mut().for_each(PartitionWriter::forget_staged);
            return Ok(answers);
        }
        self.connection.execute_batch("BEGIN IMMEDIATE").map_err(sql)?;
        let mut written = Vec::new();
        for (partition, writer) in &mut self.partitions {
            let (blocks, closed) = writer.take_staged();
            insert_blocks(&self.connection, *partition, &blocks).map_err(sql)?;
            insert_segments(&self.connection, &closed).map_err(sql)?;
            self.checkpointer.count(blocks.iter().map(|block| block.bytes.len()).sum());
            written.push((*partition, blocks, closed));
        }
        let begin = Instant::now();
        self.connection.execute_batch("COMMIT").map_err(sql)?;
        self.shared.sync_times.lock().add(begin.elapsed());
        self.shared.commits.fetch_add(1, Ordering::Relaxed);
        self.publish(written);
        Ok(answers)
    }

    /// Shows readers what is durable now, and hands closed segments to the indexer.
    fn publish(&mut self, written: Vec<(Partition, Vec<Block>, Vec<ClosedSegment>)>) {
        let mut to_index: Vec<Arc<Segment>> = Vec::new();
        {
            let mut views = self.shared.partitions.write();
            for (partition, blocks, _) in written {
                let writer = self.partitions.get_mut(&partition).expect("it was just written");
                let closed = writer.commit(&mut views, blocks);
                self.shared.received_max.fetch_max(writer.received_max(), Ordering::Relaxed);
                to_index.extend(closed);
            }
        }
        for segment in to_index {
            let writer = self.partitions.get_mut(&segment.span.partition);
            let slot = writer.expect("the segment is of a known partition").add_to_filter(&segment);
            self.indexer.submit(segment, slot);
        }
    }

    fn roll_back(&mut self) {
        if !self.connection.is_autocommit() {
            // A failure here ends the transaction too: nothing of it was acknowledged.
            let _ = self.connection.execute_batch("ROLLBACK");
        }
        self.partitions.values_mut().for_each(PartitionWriter::roll_back);
    }
}

fn insert_blocks(
    connection: &Connection,
    partition: Partition,
    blocks: &[Block],
) -> rusqlite::Result<()> {
    let mut insert = connection.prepare_cached("INSERT INTO block VALUES (?1, ?2)")?;
    for block in blocks {
        insert.execute(params![row_id(partition, block.first), block.bytes])?;
    }
    Ok(())
}

fn insert_segments(connection: &Connection, closed: &[ClosedSegment]) -> rusqlite::Result<()> {
    let mut insert = connection.prepare_cached(
        "INSERT INTO segment (partition, first, last, base_ms, received_max) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?;
    for ClosedSegment { span, received_max } in closed {
        insert.execute(params![
            span.partition.0,
            span.first.cast_signed(),
            span.last.cast_signed(),
            span.base_ms,
            received_max
        ])?;
    }
    Ok(())
}

fn same_error(error: &LogError) -> LogError {
    match error {
        LogError::TooLarge { what, value, limit } => {
            LogError::TooLarge { what, value: *value, limit: *limit }
        }
        LogError::BadBatch => LogError::BadBatch,
        LogError::Full => LogError::Full,
        LogError::Unavailable(source) => LogError::Unavailable(Failure::boxed(&source.to_string())),
        LogError::Corrupt { position, detail } => {
            LogError::Corrupt { position: *position, detail: detail.clone() }
        }
    }
}
