//! [`TableStore`] on SQLite.

mod read_only;

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, params};
use souk_core::Timestamp;
use souk_ports::{
    Condition, KEY_BYTES_MAX, Row, TableError, TableRange, TableStore, VALUE_BYTES_MAX, WRITES_MAX,
    Write, WriteChange,
};
use tokio::sync::oneshot;

use crate::group::GroupWriter;
use crate::sqlite::{DatabaseFile, Failure, ReaderPool, SyncMode};

pub use read_only::ReadOnlyTables;

/// Calls that share a commit at most.
const GROUP_CALLS_MAX: usize = 256;
/// The write-ahead log is copied into the database after this many calls.
const CHECKPOINT_CALLS: u32 = 1_000;
/// Rows of one answer at most.
const RANGE_ROWS_MAX: u32 = 10_000;

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS row (
        partition_key BLOB NOT NULL,
        sort_key BLOB NOT NULL,
        value BLOB NOT NULL,
        version INTEGER NOT NULL,
        expires_at INTEGER,
        PRIMARY KEY (partition_key, sort_key)
    ) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS row_expiry ON row (expires_at) WHERE expires_at IS NOT NULL;
    CREATE TABLE IF NOT EXISTS counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
    INSERT OR IGNORE INTO counter VALUES ('version', 0);
";

/// Rows in a SQLite file of their own; writes of many callers share a commit.
#[derive(Debug)]
pub struct SqliteTables {
    file: DatabaseFile,
    readers: Arc<ReaderPool>,
    writer: GroupWriter<Job>,
}

enum Job {
    Write { writes: Vec<Write>, now: i64, reply: oneshot::Sender<Result<Vec<u64>, TableError>> },
    Sweep { now: i64, limit: u32, reply: oneshot::Sender<Result<u32, TableError>> },
}

impl SqliteTables {
    /// Opens the file, or makes it.
    ///
    /// # Errors
    ///
    /// [`TableError::Unavailable`] when the file cannot be opened or is not a database.
    pub fn open(path: &Path) -> Result<SqliteTables, TableError> {
        let file = DatabaseFile { path: path.to_owned(), vfs: None, sync: SyncMode::Full };
        let connection = open_connection(&file).map_err(|error| table_error(error.into()))?;
        let mut calls = 0;
        let writer = GroupWriter::start("souk-tables", GROUP_CALLS_MAX, move |jobs| {
            calls += u32::try_from(jobs.len()).unwrap_or(u32::MAX);
            run_group(&connection, jobs);
            if calls >= CHECKPOINT_CALLS && checkpoint(&connection).is_ok() {
                calls = 0;
            }
        })
        .map_err(|error| TableError::Unavailable(Box::new(error)))?;
        Ok(SqliteTables { readers: ReaderPool::new(file.clone()), file, writer })
    }

    pub(crate) fn file(&self) -> &DatabaseFile {
        &self.file
    }
}

fn open_connection(file: &DatabaseFile) -> rusqlite::Result<Connection> {
    let connection = file.open_writer()?;
    connection.execute_batch(SCHEMA)?;
    checkpoint(&connection)?;
    Ok(connection)
}

fn checkpoint(connection: &Connection) -> rusqlite::Result<()> {
    connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))
}

/// Does all jobs in one transaction, each in a savepoint of its own, and answers after the commit.
fn run_group(connection: &Connection, jobs: Vec<Job>) {
    let mut answers = Vec::with_capacity(jobs.len());
    let mut failed = connection.execute_batch("BEGIN IMMEDIATE").err().map(Failure::from);
    for job in &jobs {
        if failed.is_some() {
            break;
        }
        let answer = in_savepoint(connection, job);
        match answer {
            Err(TableError::Conflict { .. }) | Ok(_) => answers.push(answer),
            Err(TableError::Full) => failed = Some(Failure::Full),
            Err(error) => failed = Some(Failure::Other(chain(&error))),
        }
    }
    if failed.is_none() {
        failed = connection.execute_batch("COMMIT").err().map(Failure::from);
    }
    if let Some(failure) = failed {
        if !connection.is_autocommit() {
            // What is rolled back was never acknowledged; a failure here ends the transaction too.
            let _ = connection.execute_batch("ROLLBACK");
        }
        answers = jobs.iter().map(|_| Err(table_error(failure.clone()))).collect();
    }
    for (job, answer) in jobs.into_iter().zip(answers) {
        // A caller that went away needs no answer.
        match job {
            Job::Write { reply, .. } => drop(reply.send(answer)),
            Job::Sweep { reply, .. } => {
                drop(reply.send(answer.map(|n| u32::try_from(n[0]).unwrap_or(u32::MAX))));
            }
        }
    }
}

fn in_savepoint(connection: &Connection, job: &Job) -> Result<Vec<u64>, TableError> {
    let sql = |text: &str| connection.execute_batch(text).map_err(|e| table_error(e.into()));
    sql("SAVEPOINT call")?;
    let answer = match job {
        Job::Write { writes, now, .. } => write_all(connection, writes, *now),
        Job::Sweep { now, limit, .. } => {
            sweep(connection, *now, *limit).map_err(|error| table_error(error.into()))
        }
    };
    if answer.is_err() {
        sql("ROLLBACK TO call")?;
    }
    sql("RELEASE call")?;
    answer
}

fn write_all(connection: &Connection, writes: &[Write], now: i64) -> Result<Vec<u64>, TableError> {
    let mut versions = Vec::with_capacity(writes.len());
    for write in writes {
        let held = live_version(connection, write, now).map_err(|e| table_error(e.into()))?;
        let holds = match write.condition {
            Condition::Any => true,
            Condition::Absent => held.is_none(),
            Condition::Version(version) => held == Some(version),
        };
        if !holds {
            let (partition_key, sort_key) = (write.partition_key.clone(), write.sort_key.clone());
            return Err(TableError::Conflict { partition_key, sort_key });
        }
        versions.push(write_one(connection, write).map_err(|e| table_error(e.into()))?);
    }
    Ok(versions)
}

fn live_version(connection: &Connection, write: &Write, now: i64) -> rusqlite::Result<Option<u64>> {
    if write.condition == Condition::Any {
        return Ok(None);
    }
    let mut select = connection.prepare_cached(
        "SELECT version FROM row WHERE partition_key = ?1 AND sort_key = ?2
         AND (expires_at IS NULL OR expires_at > ?3)",
    )?;
    let keys = params![write.partition_key.as_bytes(), write.sort_key.as_bytes(), now];
    let version: Option<i64> = select.query_row(keys, |row| row.get(0)).optional()?;
    Ok(version.map(i64::cast_unsigned))
}

fn write_one(connection: &Connection, write: &Write) -> rusqlite::Result<u64> {
    let version: i64 = connection
        .prepare_cached(
            "UPDATE counter SET value = value + 1 WHERE name = 'version' RETURNING value",
        )?
        .query_row([], |row| row.get(0))?;
    let (partition, sort) = (write.partition_key.as_bytes(), write.sort_key.as_bytes());
    match &write.change {
        WriteChange::Put { value, expires_at } => {
            connection
                .prepare_cached("INSERT OR REPLACE INTO row VALUES (?1, ?2, ?3, ?4, ?5)")?
                .execute(params![
                    partition,
                    sort,
                    value,
                    version,
                    expires_at.map(Timestamp::as_ms)
                ])?;
        }
        WriteChange::Delete => {
            connection
                .prepare_cached("DELETE FROM row WHERE partition_key = ?1 AND sort_key = ?2")?
                .execute(params![partition, sort])?;
        }
    }
    Ok(version.cast_unsigned())
}

fn sweep(connection: &Connection, now: i64, limit: u32) -> rusqlite::Result<Vec<u64>> {
    let mut select = connection.prepare_cached(
        "SELECT partition_key, sort_key FROM row WHERE expires_at <= ?1 ORDER BY expires_at LIMIT ?2",
    )?;
    let keys = select.query_map(params![now, limit], |row| {
        Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, Vec<u8>>(1)?))
    })?;
    let keys = keys.collect::<rusqlite::Result<Vec<_>>>()?;
    let mut delete =
        connection.prepare_cached("DELETE FROM row WHERE partition_key = ?1 AND sort_key = ?2")?;
    for (partition, sort) in &keys {
        delete.execute(params![partition, sort])?;
    }
    Ok(vec![keys.len() as u64])
}

#[async_trait]
impl TableStore for SqliteTables {
    async fn get(
        &self,
        partition_key: &str,
        sort_key: &str,
        now: Timestamp,
    ) -> Result<Option<Row>, TableError> {
        let (partition, sort) = (partition_key.to_owned(), sort_key.to_owned());
        let found =
            self.readers.run(move |connection| select_row(connection, (&partition, &sort), now));
        Ok(found.await?)
    }

    async fn range(&self, range: TableRange<'_>, now: Timestamp) -> Result<Vec<Row>, TableError> {
        let range = OwnedRange::from(range);
        Ok(self.readers.run(move |connection| select_range(connection, &range, now)).await?)
    }

    async fn write(&self, writes: &[Write], now: Timestamp) -> Result<Vec<u64>, TableError> {
        check(writes)?;
        let (reply, answer) = oneshot::channel();
        let job = Job::Write { writes: writes.to_vec(), now: now.as_ms(), reply };
        self.writer.send(job).await;
        answer.await.unwrap_or_else(|_| Err(table_error(stopped())))
    }

    async fn sweep(&self, now: Timestamp, limit: u32) -> Result<u32, TableError> {
        let (reply, answer) = oneshot::channel();
        self.writer.send(Job::Sweep { now: now.as_ms(), limit, reply }).await;
        answer.await.unwrap_or_else(|_| Err(table_error(stopped())))
    }
}

/// What to read, in a form that can go to another thread.
struct OwnedRange {
    partition: String,
    prefix: String,
    after: Option<String>,
    limit: usize,
}

impl From<TableRange<'_>> for OwnedRange {
    fn from(range: TableRange<'_>) -> OwnedRange {
        OwnedRange {
            partition: range.partition_key.to_owned(),
            prefix: range.prefix.to_owned(),
            after: range.after.map(str::to_owned),
            limit: range.limit.min(RANGE_ROWS_MAX) as usize,
        }
    }
}

fn select_row(
    connection: &Connection,
    (partition, sort): (&str, &str),
    now: Timestamp,
) -> Result<Option<Row>, ReadError> {
    let mut select = connection.prepare_cached(
        "SELECT sort_key, value, version, expires_at FROM row
         WHERE partition_key = ?1 AND sort_key = ?2
         AND (expires_at IS NULL OR expires_at > ?3)",
    )?;
    let keys = params![partition.as_bytes(), sort.as_bytes(), now.as_ms()];
    Ok(select.query_row(keys, read_row).optional()?)
}

fn select_range(
    connection: &Connection,
    range: &OwnedRange,
    now: Timestamp,
) -> Result<Vec<Row>, ReadError> {
    let mut select = connection.prepare_cached(
        "SELECT sort_key, value, version, expires_at FROM row
         WHERE partition_key = ?1 AND sort_key >= ?2 AND (?3 IS NULL OR sort_key > ?3)
         AND (expires_at IS NULL OR expires_at > ?4) ORDER BY sort_key",
    )?;
    // The search starts at the later of both bounds, not at the prefix for each page.
    let start = range.after.as_deref().map_or(&*range.prefix, |after| after.max(&range.prefix));
    let after = range.after.as_deref().map(str::as_bytes);
    let keys = params![range.partition.as_bytes(), start.as_bytes(), after, now.as_ms()];
    let mut rows = Vec::new();
    for row in select.query_map(keys, read_row)? {
        let row = row?;
        if rows.len() >= range.limit || !row.sort_key.starts_with(&range.prefix) {
            break;
        }
        rows.push(row);
    }
    Ok(rows)
}

/// Checks the limits of the contract.
fn check(writes: &[Write]) -> Result<(), TableError> {
    let within = |what, value, limit| {
        if value > limit { Err(TableError::TooLarge { what, value, limit }) } else { Ok(()) }
    };
    within("the number of writes", writes.len(), WRITES_MAX)?;
    for (idx, write) in writes.iter().enumerate() {
        within("a partition key's length in bytes", write.partition_key.len(), KEY_BYTES_MAX)?;
        within("a sort key's length in bytes", write.sort_key.len(), KEY_BYTES_MAX)?;
        if let WriteChange::Put { value, .. } = &write.change {
            within("a value's length in bytes", value.len(), VALUE_BYTES_MAX)?;
        }
        let same = |other: &&Write| {
            other.partition_key == write.partition_key && other.sort_key == write.sort_key
        };
        within(
            "the number of writes of one key",
            1 + writes[..idx].iter().filter(same).count(),
            1,
        )?;
    }
    Ok(())
}

fn read_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<Row> {
    let sort_key = String::from_utf8(row.get(0)?).map_err(|_| {
        rusqlite::Error::InvalidColumnType(0, "sort_key".into(), rusqlite::types::Type::Blob)
    })?;
    let expires_at = row.get::<_, Option<i64>>(3)?;
    let version: i64 = row.get(2)?;
    Ok(Row {
        sort_key,
        value: row.get(1)?,
        version: version.cast_unsigned(),
        expires_at: expires_at.and_then(|ms| Timestamp::from_ms(ms).ok()),
    })
}

/// Carries a failure of a read to the port's error.
struct ReadError(Failure);

impl From<rusqlite::Error> for ReadError {
    fn from(error: rusqlite::Error) -> ReadError {
        ReadError(error.into())
    }
}

impl From<Failure> for ReadError {
    fn from(failure: Failure) -> ReadError {
        ReadError(failure)
    }
}

impl From<ReadError> for TableError {
    fn from(error: ReadError) -> TableError {
        table_error(error.0)
    }
}

fn table_error(failure: Failure) -> TableError {
    match failure {
        Failure::Full => TableError::Full,
        Failure::Damaged(detail) | Failure::Other(detail) => {
            TableError::Unavailable(Failure::boxed(&detail))
        }
    }
}

fn stopped() -> Failure {
    Failure::Other("the writer of the tables has stopped".into())
}

/// The innermost message, which is the one that SQLite gave.
fn chain(error: &dyn std::error::Error) -> String {
    error.source().map_or_else(|| error.to_string(), chain)
}
