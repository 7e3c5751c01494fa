//! Copies of a data folder, made while it is written to, and checked before they are used.
//!
//! A backup is a folder of files and a manifest with the checksum of each. The key store is never in
//! it: who deletes a person there must not find them again in last month's backup.

mod manifest;
mod restore;

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use futures::TryStreamExt;
use object_store::{ObjectStore, ObjectStoreExt};
use rusqlite::Connection;
use rusqlite::backup::Backup;
use souk_core::ErrorKind;
use souk_ports::{Cursor, KeyStoreError, LogError};

pub use restore::{restore, restore_keys};

use crate::Embedded;
use crate::log::sync_folder;
use crate::sqlite::{DatabaseFile, Failure};
use manifest::{FileEntry, Manifest};

/// The file in a backup that names the others.
const MANIFEST_FILE: &str = "manifest.json";
/// The key store's file in a backup of keys.
pub(crate) const KEYS_FILE: &str = "keys.db";

/// What a backup or restore did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackupReport {
    /// Files, the manifest not counted.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// The last position of each partition that the copy holds.
    pub log_end: Cursor,
}

/// Why a backup or restore failed; the target is then as it was before.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The target holds something already.
    #[error("{} is not empty; name a folder that is empty or does not exist", .0.display())]
    NotEmpty(PathBuf),
    /// The source is no backup, or a newer program made it.
    #[error("{} is not a backup this program can read: {detail}", .folder.display())]
    NotABackup {
        /// The folder.
        folder: PathBuf,
        /// What is wrong.
        detail: String,
    },
    /// A file of the backup is missing or was changed.
    #[error("{} is damaged: {detail}; use another backup", .file.display())]
    Damaged {
        /// The file.
        file: PathBuf,
        /// What is wrong.
        detail: String,
    },
    /// A file cannot be read or written.
    #[error("cannot use {}", .path.display())]
    Io {
        /// What.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A database cannot be copied.
    #[error("cannot copy {}: {detail}", .file.display())]
    Database {
        /// The database.
        file: PathBuf,
        /// Why.
        detail: String,
    },
    /// The log cannot be read.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The key store cannot be read or written.
    #[error(transparent)]
    Keys(#[from] KeyStoreError),
    /// The blobs cannot be read.
    #[error("cannot read the blobs")]
    Blobs(#[from] object_store::Error),
}

impl BackupError {
    /// What the caller can do about it.
    pub fn kind(&self) -> ErrorKind {
        match self {
            BackupError::NotEmpty(_) => ErrorKind::Conflict,
            BackupError::NotABackup { .. } | BackupError::Damaged { .. } => ErrorKind::InvalidInput,
            BackupError::Io { source, .. } if source.kind() == io::ErrorKind::StorageFull => {
                ErrorKind::StorageFull
            }
            BackupError::Io { .. } | BackupError::Database { .. } | BackupError::Blobs(_) => {
                ErrorKind::Unavailable
            }
            BackupError::Log(error) => error.kind(),
            BackupError::Keys(error) => error.kind(),
        }
    }
}

impl Embedded {
    /// Copies log, tables and blobs into `target` while writing goes on.
    ///
    /// The order makes the copy whole: a table may only tell of records that the log has, and the log
    /// only of archive files that are there, so tables and blobs come first; nothing is archived
    /// meanwhile.
    ///
    /// # Errors
    ///
    /// [`BackupError::NotEmpty`] when the target holds something; on any error the target is left as
    /// it was.
    pub async fn backup(&self, target: &Path) -> Result<BackupReport, BackupError> {
        let draft = Draft::begin(target)?;
        let _gate = self.log.hold_archive().await;
        let mut files = Vec::new();
        files.push(draft.copy_database(self.tables.file(), "tables.db").await?);
        self.copy_blobs(&draft, &mut files).await?;
        let log = self.log.file().clone();
        for name in index_names(&log)? {
            let from = log.path.with_extension("index").join(&name);
            files.push(draft.copy_file(&from, &format!("log.index/{name}"))?);
        }
        files.push(draft.copy_database(&log, "log.db").await?);
        files.push(draft.copy_file(&self.folder.root().join("FORMAT"), "FORMAT")?);
        let log_end = crate::log::end_of_file(&draft.folder.join("log.db"))?;
        draft.finish(Manifest::new(log_end, files))
    }

    /// Copies the key store into `target`, a folder that only its owner can read.
    ///
    /// Keep it apart from backups of the data: both together tie every record to a person again. The
    /// target is remembered, and erasures take people out of it too. The master key is not in it.
    ///
    /// # Errors
    ///
    /// As [`Embedded::backup`].
    pub async fn backup_keys(&self, target: &Path) -> Result<BackupReport, BackupError> {
        let draft = Draft::begin(target)?;
        restrict_to_owner(&draft.folder)?;
        // Registered first: whoever is erased while the copy is made is taken out of it afterwards.
        let registered = std::path::absolute(target).map_err(io_at(target))?;
        self.keys.register_copy(&registered).await?;
        draft.copy_database(self.keys.file(), KEYS_FILE).await?;
        let copy = draft.folder.join(KEYS_FILE);
        crate::keys::strip(&copy).map_err(|failure| {
            let detail = format!("{failure:?}");
            BackupError::Database { file: copy.clone(), detail }
        })?;
        let file = draft.entry(KEYS_FILE)?;
        let report = draft.finish(Manifest::new(Cursor::START, vec![file]))?;
        self.keys.mend_copies().await?;
        Ok(report)
    }

    async fn copy_blobs(
        &self,
        draft: &Draft,
        files: &mut Vec<FileEntry>,
    ) -> Result<(), BackupError> {
        let mut blobs: Vec<_> = self.blobs.list(None).try_collect().await?;
        blobs.sort_unstable_by(|a, b| a.location.cmp(&b.location));
        for blob in blobs {
            let bytes = match self.blobs.get(&blob.location).await {
                Ok(found) => found.bytes().await?,
                // An old snapshot that was replaced since it was listed.
                Err(object_store::Error::NotFound { .. }) => continue,
                Err(error) => return Err(error.into()),
            };
            files.push(draft.write_file(&format!("blobs/{}", blob.location), &bytes)?);
        }
        Ok(())
    }
}

/// Where a backup is written before it stands at its final place.
pub(crate) fn partial_of(target: &Path) -> PathBuf {
    let mut name = target.file_name().unwrap_or_default().to_owned();
    name.push(".partial");
    target.with_file_name(name)
}

/// A folder under construction beside its final place.
struct Draft {
    folder: PathBuf,
    target: PathBuf,
    is_finished: bool,
}

impl Draft {
    fn begin(target: &Path) -> Result<Draft, BackupError> {
        if !is_absent_or_empty(target)? {
            return Err(BackupError::NotEmpty(target.to_owned()));
        }
        let folder = partial_of(target);
        if folder.exists() {
            // Left by a run that was broken off.
            std::fs::remove_dir_all(&folder).map_err(io_at(&folder))?;
        }
        std::fs::create_dir_all(&folder).map_err(io_at(&folder))?;
        Ok(Draft { folder, target: target.to_owned(), is_finished: false })
    }

    /// Copies a database as of one moment.
    async fn copy_database(
        &self,
        from: &DatabaseFile,
        name: &str,
    ) -> Result<FileEntry, BackupError> {
        let (from, to) = (from.clone(), self.folder.join(name));
        let copy = move || {
            copy_database(&from, &to).map_err(|error| BackupError::Database {
                file: from.path.clone(),
                detail: match Failure::from(error) {
                    Failure::Full => "the disk that takes the backup is full".to_owned(),
                    Failure::Damaged(detail) | Failure::Other(detail) => detail,
                },
            })
        };
        match tokio::task::spawn_blocking(copy).await {
            Ok(copied) => copied?,
            Err(error) => return Err(io_at(&self.folder)(io::Error::other(error))),
        }
        self.entry(name)
    }

    fn copy_file(&self, from: &Path, name: &str) -> Result<FileEntry, BackupError> {
        let to = self.make_parent(name)?;
        std::fs::copy(from, &to).map_err(io_at(from))?;
        self.entry(name)
    }

    fn write_file(&self, name: &str, bytes: &[u8]) -> Result<FileEntry, BackupError> {
        let to = self.make_parent(name)?;
        std::fs::write(&to, bytes).map_err(io_at(&to))?;
        self.entry(name)
    }

    fn make_parent(&self, name: &str) -> Result<PathBuf, BackupError> {
        let to = self.folder.join(name);
        let parent = to.parent().expect("a file stands in a folder");
        std::fs::create_dir_all(parent).map_err(io_at(parent))?;
        Ok(to)
    }

    /// Syncs a file of the draft and says what stands in it.
    fn entry(&self, name: &str) -> Result<FileEntry, BackupError> {
        let path = self.folder.join(name);
        File::open(&path).and_then(|file| file.sync_all()).map_err(io_at(&path))?;
        FileEntry::of(&path, name).map_err(io_at(&path))
    }

    /// Writes the manifest and puts the folder in its place.
    fn finish(self, manifest: Manifest) -> Result<BackupReport, BackupError> {
        let path = self.folder.join(MANIFEST_FILE);
        let mut file = File::create(&path).map_err(io_at(&path))?;
        file.write_all(manifest.to_json().as_bytes()).map_err(io_at(&path))?;
        file.sync_all().map_err(io_at(&path))?;
        let report = manifest.report();
        self.publish()?;
        Ok(report)
    }

    fn publish(mut self) -> Result<(), BackupError> {
        sync_folders(&self.folder).map_err(io_at(&self.folder))?;
        if self.target.exists() {
            std::fs::remove_dir(&self.target).map_err(io_at(&self.target))?;
        }
        std::fs::rename(&self.folder, &self.target).map_err(io_at(&self.target))?;
        self.is_finished = true;
        let parent = self.target.parent().filter(|parent| !parent.as_os_str().is_empty());
        sync_folder(parent.unwrap_or(Path::new("."))).map_err(io_at(&self.target))
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.is_finished {
            // What cannot be removed now is removed by the next run.
            let _ = std::fs::remove_dir_all(&self.folder);
        }
    }
}

/// Copies all pages inside one read transaction, so writers go on and the copy is of one moment.
fn copy_database(from: &DatabaseFile, to: &Path) -> rusqlite::Result<()> {
    let source = from.open_reader()?;
    let mut copy = Connection::open(to)?;
    Backup::new(&source, &mut copy)?.step(-1)?;
    // A copy needs no write-ahead log beside it.
    copy.pragma_update(None, "journal_mode", "DELETE")
}

/// The index files of the log that are complete now.
fn index_names(log: &DatabaseFile) -> Result<Vec<String>, BackupError> {
    let folder = log.path.with_extension("index");
    let mut names = Vec::new();
    for entry in std::fs::read_dir(&folder).map_err(io_at(&folder))? {
        let name = entry.map_err(io_at(&folder))?.file_name();
        names.extend(name.into_string().ok().filter(|name| name.ends_with(".idx")));
    }
    names.sort_unstable();
    Ok(names)
}

fn is_absent_or_empty(folder: &Path) -> Result<bool, BackupError> {
    match std::fs::read_dir(folder) {
        Ok(mut entries) => Ok(entries.next().is_none()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(error) => Err(io_at(folder)(error)),
    }
}

/// Writes the present size and checksum of one file into a backup's manifest.
pub(crate) fn refresh_manifest(folder: &Path, file: &str) -> Result<(), BackupError> {
    let mut manifest = restore::read_manifest(folder)?;
    let path = folder.join(file);
    let fresh = FileEntry::of(&path, file).map_err(io_at(&path))?;
    if let Some(entry) = manifest.files.iter_mut().find(|entry| entry.path == file) {
        *entry = fresh;
    }
    let path = folder.join(MANIFEST_FILE);
    crate::log::replace_file(&path, manifest.to_json().as_bytes()).map_err(io_at(&path))
}

fn sync_folders(folder: &Path) -> io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            sync_folders(&entry.path())?;
        }
    }
    sync_folder(folder)
}

fn restrict_to_owner(folder: &Path) -> Result<(), BackupError> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700))
            .map_err(io_at(folder))?;
    }
    let _ = folder;
    Ok(())
}

fn io_at(path: &Path) -> impl Fn(io::Error) -> BackupError + use<> {
    let path = path.to_owned();
    move |source| BackupError::Io { path: path.clone(), source }
}
