use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use parking_lot::Mutex;
use rusqlite::{Connection, OpenFlags};
use souk_core::Timestamp;
use souk_ports::{Row, TableError, TableRange, TableStore, Write};

use super::{OwnedRange, ReadError, select_range, select_row, table_error};
use crate::sqlite::Failure;

/// The tables of a folder that is looked at and not used: that of a running server, a copy, a backup.
///
/// It takes no lock on the folder and changes nothing in it; writing is refused.
#[derive(Debug)]
pub struct ReadOnlyTables {
    connection: Arc<Mutex<Connection>>,
}

impl ReadOnlyTables {
    /// Opens `tables.db` of a data folder or of a backup.
    ///
    /// # Errors
    ///
    /// [`TableError::Unavailable`] when the file cannot be opened or is not a database.
    pub fn open(path: &Path) -> Result<ReadOnlyTables, TableError> {
        let open = || {
            let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            let connection = Connection::open_with_flags(path, flags)?;
            connection.busy_timeout(std::time::Duration::from_secs(5))?;
            Ok::<_, rusqlite::Error>(connection)
        };
        let connection = open().map_err(|error| table_error(error.into()))?;
        Ok(ReadOnlyTables { connection: Arc::new(Mutex::new(connection)) })
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, ReadError> + Send + 'static,
    ) -> Result<T, TableError> {
        let connection = Arc::clone(&self.connection);
        let joined = tokio::task::spawn_blocking(move || work(&connection.lock())).await;
        let broken_off = |_| table_error(Failure::Other("a read was broken off".to_owned()));
        Ok(joined.map_err(broken_off)??)
    }
}

#[async_trait]
impl TableStore for ReadOnlyTables {
    async fn get(
        &self,
        partition_key: &str,
        sort_key: &str,
        now: Timestamp,
    ) -> Result<Option<Row>, TableError> {
        let (partition, sort) = (partition_key.to_owned(), sort_key.to_owned());
        self.run(move |connection| select_row(connection, (&partition, &sort), now)).await
    }

    async fn range(&self, range: TableRange<'_>, now: Timestamp) -> Result<Vec<Row>, TableError> {
        let range = OwnedRange::from(range);
        self.run(move |connection| select_range(connection, &range, now)).await
    }

    async fn write(&self, _: &[Write], _: Timestamp) -> Result<Vec<u64>, TableError> {
        Err(refused())
    }

    async fn sweep(&self, _: Timestamp, _: u32) -> Result<u32, TableError> {
        Err(refused())
    }
}

fn refused() -> TableError {
    table_error(Failure::Other("the tables were opened for reading alone".to_owned()))
}
