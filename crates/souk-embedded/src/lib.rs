//! Storage with nothing to install beside it: log, tables and keys on SQLite, cache in memory, blobs
//! as files.
//!
//! Not here: what any record means. One process owns a data folder; [`open`] takes it and hands out
//! each port as a value of its own.

mod backup;
mod cache;
mod folder;
mod group;
mod keys;
mod log;
mod sqlite;
mod tables;
mod verify;

use std::path::Path;
use std::sync::Arc;

use object_store::ObjectStore;
use object_store::local::LocalFileSystem;
use souk_core::ErrorKind;
use souk_ports::{KeyStoreError, LogError, MasterKeySource, TableError};
use souk_privacy::seal::SecretKey;

pub use backup::{BackupError, BackupReport, restore, restore_keys};
pub use cache::{CACHE_BYTES_DEFAULT, MokaCache};
pub use folder::{DataFolder, FORMAT_VERSION, FolderError};
pub use keys::{KeyFile, MemoryMasterKey, SqliteKeyStore};
pub use log::{LogOptions, SqliteLog};
pub use sqlite::{StorageFailure, SyncMode};
pub use tables::{ReadOnlyTables, SqliteTables};
pub use verify::{Verified, verify};

/// How a data folder is opened.
#[derive(Clone, Debug)]
pub struct EmbeddedOptions {
    /// Where blobs go; without it into the folder's `blobs/`.
    pub blobs: Option<Arc<dyn ObjectStore>>,
    /// Bytes that the cache may hold.
    pub cache_bytes: u64,
    /// Where the master key is; without it in the file `master.key` beside the key store, which no
    /// backup takes along.
    pub master_key: Option<Arc<dyn MasterKeySource>>,
}

impl Default for EmbeddedOptions {
    fn default() -> EmbeddedOptions {
        EmbeddedOptions { blobs: None, cache_bytes: CACHE_BYTES_DEFAULT, master_key: None }
    }
}

/// Every port of one data folder. Drop it last: it holds the folder's lock.
#[derive(Debug)]
pub struct Embedded {
    /// The event log.
    pub log: Arc<SqliteLog>,
    /// The tables.
    pub tables: Arc<SqliteTables>,
    /// The key store.
    pub keys: Arc<SqliteKeyStore>,
    /// The cache.
    pub cache: Arc<MokaCache>,
    /// Snapshots, archived segments, exports; a put is durable when it returns.
    pub blobs: Arc<dyn ObjectStore>,
    /// The folder, and the lock on it.
    pub folder: DataFolder,
}

/// Why a data folder could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder itself.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The event log.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The tables.
    #[error(transparent)]
    Tables(#[from] TableError),
    /// The key store.
    #[error(transparent)]
    Keys(#[from] KeyStoreError),
    /// The folder of blobs.
    #[error("cannot open the folder of blobs")]
    Blobs(#[from] object_store::Error),
}

impl OpenError {
    /// What the caller can do about it.
    pub fn kind(&self) -> ErrorKind {
        match self {
            OpenError::Folder(error) => error.kind(),
            OpenError::Log(error) => error.kind(),
            OpenError::Tables(error) => error.kind(),
            OpenError::Keys(error) => error.kind(),
            OpenError::Blobs(_) => ErrorKind::Unavailable,
        }
    }
}

/// Opens the data folder, and makes it when there is none.
///
/// Blocks while the newest part of the log is read; call it before serving.
///
/// # Errors
///
/// [`OpenError`] when another process owns the folder, or what is stored cannot be read.
pub fn open(root: &Path, options: &EmbeddedOptions) -> Result<Embedded, OpenError> {
    let folder = DataFolder::open(root)?;
    let blobs: Arc<dyn ObjectStore> = match &options.blobs {
        Some(blobs) => Arc::clone(blobs),
        None => Arc::new(LocalFileSystem::new_with_prefix(folder.blobs())?.with_fsync(true)),
    };
    let master_key: Arc<dyn MasterKeySource> = match &options.master_key {
        Some(source) => Arc::clone(source),
        None => Arc::new(KeyFile::at(folder.master_key())),
    };
    let log_options = LogOptions { blobs: Some(Arc::clone(&blobs)), ..LogOptions::default() };
    Ok(Embedded {
        log: Arc::new(SqliteLog::open(&folder.log(), &log_options)?),
        tables: Arc::new(SqliteTables::open(&folder.tables())?),
        keys: Arc::new(SqliteKeyStore::open(&folder.keys(), master_key)?),
        cache: Arc::new(MokaCache::new(options.cache_bytes)),
        blobs,
        folder,
    })
}

/// Reads one secret of a data folder that nobody has open, and nothing else of it: opening the folder reads
/// every subject's row. `None` where there is no key store or no such secret; nothing is made.
///
/// # Errors
///
/// [`OpenError::Folder`] when another process owns the folder, [`OpenError::Keys`] when the secret does not
/// open with the master key.
pub fn secret_of(
    root: &Path,
    master_key: &dyn MasterKeySource,
    name: &str,
) -> Result<Option<SecretKey>, OpenError> {
    if !root.join("keys").join("keys.db").is_file() {
        return Ok(None);
    }
    let folder = DataFolder::open(root)?;
    Ok(keys::secret::read(&folder.keys(), master_key, name)?)
}
