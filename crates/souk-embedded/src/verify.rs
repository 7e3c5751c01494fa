//! A full check of a data folder, for `doctor` and after a restore.

use std::path::Path;
use std::sync::Arc;

use object_store::ObjectStore;
use object_store::local::LocalFileSystem;

use crate::folder::DataFolder;
use crate::log::{LogOptions, SqliteLog};
use crate::sqlite::{DatabaseFile, SyncMode};
use crate::{OpenError, SqliteTables};

/// What was checked, and what was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verified {
    /// Records of the log that were read and whose checksums match.
    pub records: u64,
    /// What is damaged, one sentence each, with the position for a record; empty when all is well.
    pub problems: Vec<String>,
}

/// Reads every record, archived ones too, and checks the structure of tables and key store.
///
/// Takes the folder's lock, so no server may run on it; ask a running one for
/// [`SqliteLog::verify`] instead.
///
/// # Errors
///
/// [`OpenError::Folder`] when the folder is in use or is none; damage is an answer, not an error.
pub async fn verify(root: &Path) -> Result<Verified, OpenError> {
    let folder = DataFolder::open(root)?;
    let blobs: Arc<dyn ObjectStore> = Arc::new(LocalFileSystem::new_with_prefix(folder.blobs())?);
    let mut verified = Verified::default();
    let options = LogOptions { blobs: Some(blobs), ..LogOptions::default() };
    match SqliteLog::open(&folder.log(), &options) {
        Ok(log) => match log.verify().await {
            Ok(records) => verified.records = records,
            Err(error) => verified.problems.push(error.to_string()),
        },
        Err(error) => verified.problems.push(error.to_string()),
    }
    // Makes the file when there is none, as the server would.
    if let Err(error) = SqliteTables::open(&folder.tables()) {
        verified.problems.push(error.to_string());
    }
    let databases = [("log", folder.log()), ("tables", folder.tables()), ("keys", folder.keys())];
    for (name, path) in databases {
        if path.exists() {
            let file = DatabaseFile { path, vfs: None, sync: SyncMode::Full };
            verified.problems.extend(check_structure(&file).err().map(|e| format!("{name}: {e}")));
        }
    }
    Ok(verified)
}

/// SQLite's own check of pages and order.
fn check_structure(file: &DatabaseFile) -> Result<(), String> {
    let connection = file.open_reader().map_err(|error| error.to_string())?;
    let answer: Result<String, _> =
        connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0));
    match answer {
        Ok(text) if text == "ok" => Ok(()),
        Ok(text) => Err(text),
        Err(error) => Err(error.to_string()),
    }
}
