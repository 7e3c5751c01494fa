//! Copies the write-ahead log into the database, so that no append waits long for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use rusqlite::Connection;
use souk_ports::LogError;

use super::segment::log_io;
use crate::sqlite::DatabaseFile;

/// A copy begins when the write-ahead log has grown by this much. Chosen.
const COPY_BYTES: usize = 16 << 20;
/// What a commit writes beside its blocks: the half-filled pages at the end of the b-tree.
const COMMIT_BYTES: usize = 12 << 10;

/// Decides when to copy: first a copy in the background, then the rest by the writer itself.
///
/// A copy beside a busy writer never reaches the end of the write-ahead log, so the log would grow
/// for ever; one by the writer alone makes an append wait for the copy of all of it.
#[derive(Debug)]
pub(crate) struct Checkpointer {
    /// Bytes in the write-ahead log, roughly.
    bytes: usize,
    /// The size at which the next copy begins.
    copy_at: usize,
    /// Whether a copy in the background was begun that the writer has not completed yet.
    is_begun: bool,
    wake: Option<SyncSender<()>>,
    is_running: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Checkpointer {
    pub(crate) fn start(file: DatabaseFile) -> Result<Checkpointer, LogError> {
        let (wake, signals) = sync_channel(1);
        let is_running = Arc::new(AtomicBool::new(false));
        let running = Arc::clone(&is_running);
        let thread = std::thread::Builder::new()
            .name("souk-log-copy".into())
            .spawn(move || work(&file, &signals, &running))
            .map_err(log_io)?;
        let (wake, thread) = (Some(wake), Some(thread));
        let (bytes, copy_at, is_begun) = (0, COPY_BYTES, false);
        Ok(Checkpointer { bytes, copy_at, is_begun, wake, is_running, thread })
    }

    /// Counts bytes of blocks that the commit under way writes.
    pub(crate) fn count(&mut self, bytes: usize) {
        self.bytes += bytes;
    }

    pub(crate) fn after_commit(&mut self, connection: &Connection) {
        self.bytes += COMMIT_BYTES;
        if self.bytes < self.copy_at || self.is_running.load(Ordering::Acquire) {
            return;
        }
        if self.is_begun {
            self.complete(connection);
        } else {
            self.is_begun = true;
            self.is_running.store(true, Ordering::Release);
            let wake = self.wake.as_ref().expect("the sender lives until drop");
            if wake.try_send(()).is_err() {
                self.is_running.store(false, Ordering::Release);
            }
        }
    }

    /// Copies what is left, so that the write-ahead log starts at the front of its file again.
    fn complete(&mut self, connection: &Connection) {
        self.is_begun = false;
        // A reader may hold the log's end back; then the next round tries again.
        if matches!(checkpoint(connection), Ok((0, log, copied)) if log == copied) {
            self.bytes = 0;
        }
        self.copy_at = self.bytes + COPY_BYTES;
    }

    /// On a full disk, an emptied write-ahead log may be the space that is missing.
    pub(crate) fn after_failure(&mut self, connection: &Connection) {
        if !self.is_running.load(Ordering::Acquire) {
            self.complete(connection);
        }
    }
}

/// Copies what can be copied; returns whether it was refused, and frames in the log and copied.
pub(crate) fn checkpoint(connection: &Connection) -> rusqlite::Result<(i64, i64, i64)> {
    connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| {
        Ok((row.get(0)?, row.get(1)?, row.get(2)?))
    })
}

fn work(file: &DatabaseFile, signals: &Receiver<()>, is_running: &AtomicBool) {
    let mut connection: Option<Connection> = None;
    for () in signals {
        if connection.is_none() {
            connection = file.open_checkpointer().ok();
        }
        if let Some(open) = &connection
            && let Err(error) = checkpoint(open)
        {
            // Nothing is lost: the records stay in the write-ahead log until a copy succeeds.
            tracing::warn!(%error, "the write-ahead log was not copied");
            connection = None;
        }
        is_running.store(false, Ordering::Release);
    }
}

impl Drop for Checkpointer {
    fn drop(&mut self) {
        self.wake = None;
        if let Some(thread) = self.thread.take() {
            // A panic of the thread was reported when it happened.
            let _ = thread.join();
        }
    }
}
