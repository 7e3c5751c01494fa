//! The file of the key store: its layout, and how an older one is brought to it.

use rusqlite::Connection;
use souk_core::SubjectId;
use souk_ports::IdHash;
use souk_privacy::seal::{MasterKeyId, WrappedKey};

use super::rows::{Entry, Rows};
use crate::sqlite::{DatabaseFile, Failure};

/// The layout that this program writes: SQLite's `user_version`. 0 is the first one, without keys.
const LAYOUT: i64 = 2;

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS subject_row (
        id BLOB PRIMARY KEY, subject BLOB NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS secret (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
";

/// What the second layout adds: a wrapped key for each subject, which master keys wrap them, and which
/// copies of the store were made and still have to lose somebody.
const SECOND: &str = "
    ALTER TABLE subject_row ADD COLUMN key BLOB;
    CREATE TABLE master (id BLOB PRIMARY KEY) WITHOUT ROWID;
    CREATE TABLE key_copy (path TEXT PRIMARY KEY) WITHOUT ROWID;
    CREATE TABLE copy_erasure (
        path TEXT NOT NULL, subject BLOB NOT NULL, PRIMARY KEY (path, subject)
    ) WITHOUT ROWID;
";

/// What the file holds.
pub(super) struct Stored {
    pub(super) rows: Rows,
    /// Rows of the first layout, which have no key yet.
    pub(super) bare: Vec<(IdHash, SubjectId)>,
    /// The master keys that what is stored is wrapped by.
    pub(super) masters: Vec<MasterKeyId>,
}

/// Opens the file, or makes it, and reads all rows.
pub(super) fn open(file: &DatabaseFile) -> Result<(Connection, Stored), Failure> {
    restrict_to_owner(&file.path).map_err(|error| Failure::Other(error.to_string()))?;
    let connection = file.open_writer()?;
    // A deleted row is overwritten with zeros, not only unlinked.
    connection.query_row("PRAGMA secure_delete = ON", [], |_| Ok(()))?;
    connection.execute_batch(SCHEMA)?;
    let layout: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if layout > LAYOUT {
        return Err(Failure::Other(format!(
            "the key store has layout {layout}, and this program knows layouts up to {LAYOUT}; use a \
             newer program"
        )));
    }
    if layout < LAYOUT {
        let upgrade = format!("BEGIN; {SECOND} PRAGMA user_version = {LAYOUT}; COMMIT;");
        connection.execute_batch(&upgrade)?;
    }
    checkpoint(&connection)?;
    let stored = read(&connection)?;
    Ok((connection, stored))
}

fn read(connection: &Connection) -> Result<Stored, Failure> {
    let mut stored = Stored { rows: Rows::default(), bare: Vec::new(), masters: Vec::new() };
    let mut select = connection.prepare("SELECT id, subject, key FROM subject_row")?;
    let mut found = select.query([])?;
    while let Some(row) = found.next()? {
        let (id, subject) = (IdHash(row.get(0)?), SubjectId(row.get(1)?));
        match row.get(2)? {
            Some(key) => stored.rows.insert(Entry { id, subject, key: WrappedKey(key) }),
            None => stored.bare.push((id, subject)),
        }
    }
    let mut select = connection.prepare("SELECT id FROM master")?;
    let ids = select.query_map([], |row| Ok(MasterKeyId(row.get(0)?)))?;
    stored.masters = ids.collect::<Result<_, _>>()?;
    Ok(stored)
}

/// Creates the file with mode 0600; SQLite gives its write-ahead log the same mode.
fn restrict_to_owner(path: &std::path::Path) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
        let file = options.mode(0o600).open(path)?;
        file.set_permissions(std::fs::Permissions::from_mode(0o600))
    }
    #[cfg(not(unix))]
    options.open(path).map(drop)
}

/// Copies the write-ahead log into the database and empties it, so no deleted row stays in it.
pub(super) fn checkpoint(connection: &Connection) -> Result<(), Failure> {
    // The first column says whether somebody's reading kept the log from being emptied.
    let is_busy: i64 =
        connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
    match is_busy {
        0 => Ok(()),
        _ => {
            Err(Failure::Other("the key store is being copied; try again when that is done".into()))
        }
    }
}
