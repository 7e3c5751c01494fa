//! A data folder: who owns it, which format it has, and where things lie in it.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

use souk_core::ErrorKind;

/// The format of a data folder that this program writes.
pub const FORMAT_VERSION: u32 = 2;

const FORMAT_FILE: &str = "FORMAT";
const LOCK_FILE: &str = "souk.lock";

/// Why a data folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// Another process works in it.
    #[error("data folder {} is in use by process {pid}; stop it, or name another folder", .folder.display())]
    Locked {
        /// The folder.
        folder: PathBuf,
        /// Who has it; `unknown` when the process did not say.
        pid: String,
    },
    /// It was written by a newer program.
    #[error(
        "data folder {} has format {found}, and this program knows formats up to {FORMAT_VERSION}; use a newer program",
        .folder.display()
    )]
    Newer {
        /// The folder.
        folder: PathBuf,
        /// Its format.
        found: u32,
    },
    /// The format file says nothing that any version wrote.
    #[error("{} says `{found}`, which is no format; restore the folder from a backup", .file.display())]
    BadFormat {
        /// The format file.
        file: PathBuf,
        /// What it says, at most its first 64 characters.
        found: String,
    },
    /// A file or folder cannot be made or read.
    #[error("cannot use {}", .path.display())]
    Io {
        /// What.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl FolderError {
    /// What the caller can do about it.
    pub fn kind(&self) -> ErrorKind {
        match self {
            FolderError::Locked { .. } => ErrorKind::Conflict,
            FolderError::Newer { .. } | FolderError::BadFormat { .. } => ErrorKind::InvalidInput,
            FolderError::Io { source, .. } if source.kind() == io::ErrorKind::StorageFull => {
                ErrorKind::StorageFull
            }
            FolderError::Io { .. } => ErrorKind::Unavailable,
        }
    }
}

/// A data folder that this process owns until the value is dropped.
#[derive(Debug)]
pub struct DataFolder {
    root: PathBuf,
    /// Holds the lock; the system lets go of it when the process ends, however it ends.
    _lock: File,
}

impl DataFolder {
    /// Takes the folder, and makes it when there is none; an older format is migrated.
    ///
    /// # Errors
    ///
    /// [`FolderError`] when it belongs to another process or a newer program.
    pub fn open(root: &Path) -> Result<DataFolder, FolderError> {
        // One that was there is the operator's: a backup program's group may have a right to it.
        let is_new = !root.exists();
        make_folder(root)?;
        if is_new {
            restrict_to_owner(root)?;
        }
        let lock = take_lock(root)?;
        let folder = DataFolder { root: root.to_owned(), _lock: lock };
        check_format(root)?;
        for part in [folder.keys_folder(), folder.blobs(), folder.tmp()] {
            make_folder(&part)?;
        }
        restrict_to_owner(&folder.keys_folder())?;
        empty_folder(&folder.tmp())?;
        Ok(folder)
    }

    /// The folder itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The event log.
    pub fn log(&self) -> PathBuf {
        self.root.join("log.db")
    }

    /// The tables.
    pub fn tables(&self) -> PathBuf {
        self.root.join("tables.db")
    }

    /// The key store's folder: never part of a backup of the data.
    pub fn keys_folder(&self) -> PathBuf {
        self.root.join("keys")
    }

    /// The key store.
    pub fn keys(&self) -> PathBuf {
        self.keys_folder().join("keys.db")
    }

    /// The master key, unless the settings name another place: no backup takes it along.
    pub fn master_key(&self) -> PathBuf {
        self.keys_folder().join("master.key")
    }

    /// Snapshots, archived segments, exports.
    pub fn blobs(&self) -> PathBuf {
        self.root.join("blobs")
    }

    /// For files under construction; emptied at every start.
    pub fn tmp(&self) -> PathBuf {
        self.root.join("tmp")
    }
}

fn take_lock(root: &Path) -> Result<File, FolderError> {
    let path = root.join(LOCK_FILE);
    let io = |source| FolderError::Io { path: path.clone(), source };
    let mut options = OpenOptions::new();
    let mut file =
        options.create(true).truncate(false).read(true).write(true).open(&path).map_err(io)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut pid = String::new();
            // Who holds it is a courtesy: without it the message only names nobody.
            let _ = file.read_to_string(&mut pid);
            let pid = if pid.trim().is_empty() { "unknown" } else { pid.trim() }.to_owned();
            return Err(FolderError::Locked { folder: root.to_owned(), pid });
        }
        Err(TryLockError::Error(source)) => return Err(io(source)),
    }
    file.set_len(0).map_err(io)?;
    file.rewind().map_err(io)?;
    writeln!(file, "{}", std::process::id()).map_err(io)?;
    Ok(file)
}

fn check_format(root: &Path) -> Result<(), FolderError> {
    let path = root.join(FORMAT_FILE);
    let io = |source| FolderError::Io { path: path.clone(), source };
    match std::fs::read_to_string(&path) {
        Ok(text) => match text.trim().parse::<u32>() {
            Ok(FORMAT_VERSION) => Ok(()),
            Ok(found) if found > FORMAT_VERSION => {
                Err(FolderError::Newer { folder: root.to_owned(), found })
            }
            Ok(found) if found > 0 => migrate(root, found),
            _ => {
                let found = text.trim().chars().take(64).collect();
                Err(FolderError::BadFormat { file: path, found })
            }
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => write_format(root),
        Err(error) => Err(io(error)),
    }
}

/// Brings a folder of an older format to [`FORMAT_VERSION`], one version at a time.
///
/// Format 1 has plain bodies and a key store without keys. Its bodies stay as they are and stay
/// readable, and the key store brings itself to its new layout when it opens, so only the number
/// changes: a program of format 1 must not write plain bodies beside sealed ones.
fn migrate(root: &Path, _from: u32) -> Result<(), FolderError> {
    write_format(root)
}

/// Writes the format of this program into `root`, durably.
pub(crate) fn write_format(root: &Path) -> Result<(), FolderError> {
    let path = root.join(FORMAT_FILE);
    crate::log::replace_file(&path, format!("{FORMAT_VERSION}\n").as_bytes())
        .map_err(|source| FolderError::Io { path, source })
}

fn make_folder(path: &Path) -> Result<(), FolderError> {
    std::fs::create_dir_all(path)
        .map_err(|source| FolderError::Io { path: path.to_owned(), source })
}

/// Makes a folder readable by its owner alone.
fn restrict_to_owner(path: &Path) -> Result<(), FolderError> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700))
            .map_err(|source| FolderError::Io { path: path.to_owned(), source })?;
    }
    let _ = path;
    Ok(())
}

fn empty_folder(path: &Path) -> Result<(), FolderError> {
    let io = |source| FolderError::Io { path: path.to_owned(), source };
    for entry in std::fs::read_dir(path).map_err(io)? {
        let entry = entry.map_err(io)?;
        let is_folder = entry.file_type().map_err(io)?.is_dir();
        let removed = if is_folder {
            std::fs::remove_dir_all(entry.path())
        } else {
            std::fs::remove_file(entry.path())
        };
        removed.map_err(io)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
