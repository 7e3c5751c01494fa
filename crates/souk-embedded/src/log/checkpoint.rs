//! Copies the write-ahead log into the database, so that no append waits long for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::Connection;
use souk_ports::LogError;

use super::segment::log_io;
use crate::sqlite::DatabaseFile;

/// A copy begins when the write-ahead log has grown by this much: commits wait while the disk takes it in.
const COPY_BYTES: usize = 4 << 20;
/// Without a commit for this long, the write-ahead log is emptied and its space given back.
const IDLE: Duration = Duration::from_secs(1);
/// How long that waits for readers: appends wait with it.
const IDLE_WAIT: Duration = Duration::from_millis(20);
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
    /// Commits so far, by which the thread sees that nothing happens.
    commits: Arc<AtomicU64>,
    thread: Option<JoinHandle<()>>,
}

impl Checkpointer {
    pub(crate) fn start(file: DatabaseFile) -> Result<Checkpointer, LogError> {
        let (wake, signals) = sync_channel(1);
        let is_running = Arc::new(AtomicBool::new(false));
        let commits = Arc::new(AtomicU64::new(0));
        let (running, seen) = (Arc::clone(&is_running), Arc::clone(&commits));
        let thread = std::thread::Builder::new()
            .name("souk-log-copy".into())
            .spawn(move || work(&file, &signals, &running, &seen))
            .map_err(log_io)?;
        let (wake, thread) = (Some(wake), Some(thread));
        let (bytes, copy_at, is_begun) = (0, COPY_BYTES, false);
        Ok(Checkpointer { bytes, copy_at, is_begun, wake, is_running, commits, thread })
    }

    /// Counts bytes of blocks that the commit under way writes.
    pub(crate) fn count(&mut self, bytes: usize) {
        self.bytes += bytes;
    }

    pub(crate) fn after_commit(&mut self, connection: &Connection) {
        self.bytes += COMMIT_BYTES;
        self.commits.fetch_add(1, Ordering::Relaxed);
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

fn work(file: &DatabaseFile, signals: &Receiver<()>, is_running: &AtomicBool, commits: &AtomicU64) {
    let mut connection: Option<Connection> = None;
    let (mut seen, mut emptied) = (0, 0);
    loop {
        let signal = signals.recv_timeout(IDLE);
        let now = commits.load(Ordering::Relaxed);
        let copied = match signal {
            Err(RecvTimeoutError::Disconnected) => return,
            Err(RecvTimeoutError::Timeout) if now == seen && now != emptied => {
                emptied = now;
                with_connection(file, &mut connection, empty)
            }
            Err(RecvTimeoutError::Timeout) => Ok(()),
            Ok(()) => with_connection(file, &mut connection, |open| checkpoint(open).map(drop))
                .inspect(|()| sync(file)),
        };
        seen = now;
        if let Err(error) = copied {
            // Nothing is lost: the records stay in the write-ahead log until a copy succeeds.
            tracing::warn!(%error, "the write-ahead log was not copied");
            connection = None;
        }
        is_running.store(false, Ordering::Release);
    }
}

/// Syncs what was copied, which SQLite leaves to whoever copies the last page: the writer.
fn sync(file: &DatabaseFile) {
    // Nothing rests on it: the writer syncs all the same, and a file layer of tests keeps its files elsewhere.
    if let Ok(database) = std::fs::File::open(&file.path) {
        let _ = database.sync_data();
    }
}

fn with_connection(
    file: &DatabaseFile,
    connection: &mut Option<Connection>,
    work: impl FnOnce(&Connection) -> rusqlite::Result<()>,
) -> rusqlite::Result<()> {
    if connection.is_none() {
        let open = file.open_checkpointer()?;
        open.busy_timeout(IDLE_WAIT)?;
        *connection = Some(open);
    }
    connection.as_ref().map_or(Ok(()), work)
}

/// Copies all and cuts the file to nothing; a busy reader or writer makes it a plain copy.
fn empty(connection: &Connection) -> rusqlite::Result<()> {
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
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
