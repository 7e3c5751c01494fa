//! One secret of a key store, read without its rows: a store of a million people takes seconds to read.

use std::path::Path;

use rusqlite::{Connection, OpenFlags, OptionalExtension};
use souk_ports::{KeyStoreError, MasterKeySource};
use souk_privacy::seal::{SecretKey, WrappedKey};

use super::writer::secret_owner;
use super::{key_error, masters};
use crate::sqlite::Failure;

/// Reads a secret; `None` where the store has none of this name. Nobody may write to the store meanwhile.
pub(crate) fn read(
    path: &Path,
    source: &dyn MasterKeySource,
    name: &str,
) -> Result<Option<SecretKey>, KeyStoreError> {
    let Some(wrapped) = wrapped(path, name).map_err(key_error)? else { return Ok(None) };
    let secret = masters::unwrap(&source.load()?, &secret_owner(name), &wrapped);
    secret.map(Some).map_err(key_error)
}

fn wrapped(path: &Path, name: &str) -> Result<Option<WrappedKey>, Failure> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    let mut select = connection.prepare("SELECT value FROM secret WHERE name = ?1")?;
    Ok(select.query_row([name], |row| row.get(0)).optional()?.map(WrappedKey))
}
