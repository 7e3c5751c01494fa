//! SQLite as all stores here use it: how a file is opened, and what its errors mean.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use tokio::sync::Semaphore;

/// What the caller can do about an error of SQLite.
#[derive(Clone, Debug)]
pub(crate) enum Failure {
    /// Free some space.
    Full,
    /// Restore a backup.
    Damaged(String),
    /// Try again.
    Other(String),
}

/// A failure of a storage engine, told once and never shown twice in an error chain.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
pub struct StorageFailure(pub(crate) String);

impl Failure {
    pub(crate) fn boxed(detail: &str) -> Box<dyn std::error::Error + Send + Sync> {
        Box::new(StorageFailure(detail.to_owned()))
    }
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Failure {
        // A full disk also shows when the shared-memory file beside the log cannot grow.
        let extended = error.sqlite_error().map_or(0, |e| e.extended_code);
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Failure::Full,
            _ if extended == rusqlite::ffi::SQLITE_IOERR_SHMSIZE => Failure::Full,
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                Failure::Damaged(error.to_string())
            }
            _ => Failure::Other(error.to_string()),
        }
    }
}

/// How long a connection waits for another one.
pub(crate) const BUSY_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(5);

/// Which file, through which SQLite file layer.
#[derive(Clone, Debug)]
pub(crate) struct DatabaseFile {
    pub(crate) path: PathBuf,
    /// The name of a registered SQLite VFS; tests put one in that loses what was not synced.
    pub(crate) vfs: Option<String>,
    /// Whether every commit is synced, which only a test ever turns off.
    pub(crate) sync: SyncMode,
}

/// When SQLite waits for the disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SyncMode {
    /// At every commit: what an acknowledgement promises.
    #[default]
    Full,
    /// Never: only to show that the crash tests see the difference.
    Off,
}

impl DatabaseFile {
    /// A connection that may write; creates the file.
    pub(crate) fn open_writer(&self) -> rusqlite::Result<Connection> {
        let connection =
            self.open(OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)?;
        // 4 KiB: the smallest commit rewrites one page of the log, so a small page is a small write.
        connection.pragma_update(None, "page_size", 4_096)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        self.set_sync(&connection)?;
        // Checkpoints belong to `Checkpointer`: inside a commit they would make one append wait.
        connection.pragma_update(None, "wal_autocheckpoint", 0)?;
        // 64 MiB: what a burst may leave behind of the write-ahead log.
        connection.pragma_update(None, "journal_size_limit", 64 << 20)?;
        connection.pragma_update(None, "cache_size", -8_192)?;
        Ok(connection)
    }

    /// A connection for reading.
    pub(crate) fn open_reader(&self) -> rusqlite::Result<Connection> {
        let connection = self.open(OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        connection.pragma_update(None, "query_only", true)?;
        connection.pragma_update(None, "cache_size", -2_048)?;
        Ok(connection)
    }

    /// A connection that only copies the write-ahead log into the database.
    pub(crate) fn open_checkpointer(&self) -> rusqlite::Result<Connection> {
        let connection = self.open(OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        self.set_sync(&connection)?;
        connection.pragma_update(None, "wal_autocheckpoint", 0)?;
        Ok(connection)
    }

    /// The write-ahead log beside the database.
    pub(crate) fn wal_path(&self) -> PathBuf {
        let mut name = self.path.as_os_str().to_owned();
        name.push("-wal");
        PathBuf::from(name)
    }

    fn set_sync(&self, connection: &Connection) -> rusqlite::Result<()> {
        let level = match self.sync {
            SyncMode::Full => "FULL",
            SyncMode::Off => "OFF",
        };
        connection.pragma_update(None, "synchronous", level)
    }

    fn open(&self, flags: OpenFlags) -> rusqlite::Result<Connection> {
        let flags = flags | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = match &self.vfs {
            Some(vfs) => Connection::open_with_flags_and_vfs(&self.path, flags, vfs.as_str())?,
            None => Connection::open_with_flags(&self.path, flags)?,
        };
        connection.busy_timeout(BUSY_TIMEOUT)?;
        Ok(connection)
    }
}

/// A few connections that readers share.
#[derive(Debug)]
pub(crate) struct ReaderPool {
    file: DatabaseFile,
    idle: Mutex<Vec<Connection>>,
    permits: Arc<Semaphore>,
}

/// Readers at once; chosen: more would only queue for the two cores of a small machine.
const READERS_MAX: usize = 4;

impl ReaderPool {
    pub(crate) fn new(file: DatabaseFile) -> Arc<ReaderPool> {
        let permits = Arc::new(Semaphore::new(READERS_MAX));
        Arc::new(ReaderPool { file, idle: Mutex::new(Vec::new()), permits })
    }

    /// Runs `work` on a connection, off the async threads.
    pub(crate) async fn run<T, E>(
        self: &Arc<Self>,
        work: impl FnOnce(&Connection) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Failure> + Send + 'static,
    {
        let permit = Arc::clone(&self.permits).acquire_owned().await;
        let permit = permit.expect("the semaphore is never closed");
        let pool = Arc::clone(self);
        let joined = tokio::task::spawn_blocking(move || {
            let answer = pool.with(work);
            drop(permit);
            answer
        });
        match joined.await {
            Ok(answer) => answer,
            Err(error) => Err(Failure::Other(format!("a read was broken off: {error}")).into()),
        }
    }

    /// Runs `work` on a connection, on this thread.
    pub(crate) fn with<T, E: From<Failure>>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, E>,
    ) -> Result<T, E> {
        let idle = self.idle.lock().pop();
        let connection = match idle {
            Some(connection) => connection,
            None => self.file.open_reader().map_err(Failure::from)?,
        };
        let answer = work(&connection);
        // A connection that failed may be the reason, so only good ones come back.
        if answer.is_ok() {
            self.idle.lock().push(connection);
        }
        answer
    }
}

/// The size of a file; 0 when there is none.
pub(crate) fn file_bytes(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |meta| meta.len())
}
