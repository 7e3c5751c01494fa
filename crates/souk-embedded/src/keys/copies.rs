//! Copies of the key store that `backup --keys` made: an erasure rewrites them too.
//!
//! What a copy must lose is noted in the same commit that destroys the row, so that a copy that cannot be
//! reached now (a disk that is not plugged in) is rewritten as soon as it can be: at the next erasure, the
//! next copy or the next start.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags, params};
use souk_core::SubjectId;

use super::writer::{Staged, Writer};
use crate::backup;
use crate::sqlite::Failure;

/// What each copy still has to lose.
pub(super) type Pending = BTreeMap<PathBuf, Vec<SubjectId>>;

/// What became of a copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mended {
    /// It holds none of them any more.
    Rewritten,
    /// Its folder was removed, and is not looked for again.
    Gone,
}

/// Takes these subjects out of the copy in `folder`.
pub(super) fn mend(folder: &Path, subjects: &[SubjectId]) -> Result<Mended, Failure> {
    let file = folder.join(backup::KEYS_FILE);
    if !file.exists() {
        if backup::partial_of(folder).exists() {
            return Err(Failure::Other(format!("{} is being written", folder.display())));
        }
        // With the parent there, somebody removed the copy; without it, a disk may be missing.
        let has_parent = folder.parent().is_some_and(Path::is_dir);
        return match has_parent {
            true => Ok(Mended::Gone),
            false => Err(Failure::Other(format!("{} cannot be reached", folder.display()))),
        };
    }
    let connection = Connection::open_with_flags(&file, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    connection.query_row("PRAGMA secure_delete = ON", [], |_| Ok(()))?;
    connection.execute_batch("BEGIN IMMEDIATE")?;
    {
        let mut delete = connection.prepare("DELETE FROM subject_row WHERE subject = ?1")?;
        for subject in subjects {
            delete.execute(params![subject.0])?;
        }
    }
    connection.execute_batch("COMMIT")?;
    connection.close().map_err(|(_, error)| error)?;
    let refreshed = backup::refresh_manifest(folder, backup::KEYS_FILE);
    refreshed.map_err(|error| Failure::Other(error.to_string()))?;
    Ok(Mended::Rewritten)
}

/// Takes out of a fresh copy what no copy may hold: the keys of snapshots, which go when a snapshot
/// goes. Whoever restores the copy rebuilds from the log.
pub(crate) fn strip(file: &Path) -> Result<(), Failure> {
    let connection = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    connection.query_row("PRAGMA secure_delete = ON", [], |_| Ok(()))?;
    connection.execute("DELETE FROM secret WHERE name LIKE 'snapshot/%'", [])?;
    connection.close().map_err(|(_, error)| error.into())
}

/// Tells that a copy waits to be rewritten.
pub(super) fn warn(folder: &Path, error: &Failure) {
    let detail = Failure::boxed(&format!("{error:?}"));
    tracing::warn!(
        folder = %folder.display(),
        %detail,
        "a copy of the key store still holds erased people; it is rewritten once it can be reached"
    );
}

impl Writer {
    /// Takes erased subjects out of the copies that can be reached, before anything else is done.
    pub(super) fn mend_copies(&mut self) -> Result<(), Failure> {
        for (folder, subjects) in self.pending_copies()? {
            match mend(&folder, &subjects) {
                Ok(mended) => {
                    let mut staged = Staged::default();
                    self.transact(|writer| {
                        writer.note_mended((&folder, &subjects), mended, &mut staged)
                    })?;
                    self.publish(staged)?;
                }
                Err(error) => warn(&folder, &error),
            }
        }
        Ok(())
    }

    pub(super) fn register_copy(&self, folder: &Path) -> Result<(), Failure> {
        let folder = folder.to_string_lossy();
        self.connection.execute("INSERT OR IGNORE INTO key_copy VALUES (?1)", [folder])?;
        Ok(())
    }

    /// Notes that every copy has to lose the subject.
    pub(super) fn note_for_copies(&self, subject: SubjectId) -> Result<(), Failure> {
        let sql = "INSERT OR IGNORE INTO copy_erasure SELECT path, ?1 FROM key_copy";
        self.connection.prepare_cached(sql)?.execute(params![subject.0])?;
        Ok(())
    }

    pub(super) fn pending_copies(&self) -> Result<Pending, Failure> {
        let mut select =
            self.connection.prepare_cached("SELECT path, subject FROM copy_erasure")?;
        let mut found = select.query([])?;
        let mut pending = Pending::new();
        while let Some(row) = found.next()? {
            let (path, subject): (String, [u8; 16]) = (row.get(0)?, row.get(1)?);
            pending.entry(path.into()).or_default().push(SubjectId(subject));
        }
        Ok(pending)
    }

    /// Notes what became of a copy.
    pub(super) fn note_mended(
        &self,
        (folder, subjects): (&Path, &[SubjectId]),
        mended: Mended,
        staged: &mut Staged,
    ) -> Result<(), Failure> {
        let folder = folder.to_string_lossy();
        let sql = "DELETE FROM copy_erasure WHERE path = ?1 AND subject = ?2";
        let mut delete = self.connection.prepare_cached(sql)?;
        for subject in subjects {
            delete.execute(params![folder, subject.0])?;
        }
        if mended == Mended::Gone {
            self.connection.execute("DELETE FROM key_copy WHERE path = ?1", [&folder])?;
            self.connection.execute("DELETE FROM copy_erasure WHERE path = ?1", [&folder])?;
        }
        staged.is_destroyed = true;
        Ok(())
    }
}
