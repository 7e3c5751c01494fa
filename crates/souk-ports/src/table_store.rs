use std::fmt;

use async_trait::async_trait;
use souk_core::{ErrorKind, Timestamp};

/// Bytes of a partition key and of a sort key, each.
pub const KEY_BYTES_MAX: usize = 1_024;
/// Bytes of a value; below DynamoDB's 400 KB item.
pub const VALUE_BYTES_MAX: usize = 380_000;
/// Writes in one atomic call, as DynamoDB's `TransactWriteItems`.
pub const WRITES_MAX: usize = 100;

/// A stored value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The key inside its partition.
    pub sort_key: String,
    /// What was stored.
    pub value: Vec<u8>,
    /// Changes with every write of the key, and never comes back, also across a deletion.
    pub version: u64,
    /// From when on readers no longer see it.
    pub expires_at: Option<Timestamp>,
}

/// What must hold for a write to happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// Nothing.
    Any,
    /// The key holds no value.
    Absent,
    /// The key holds the value of this version.
    Version(u64),
}

/// What a write does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WriteChange {
    /// Stores a value.
    Put {
        /// The value.
        value: Vec<u8>,
        /// From when on readers no longer see it.
        expires_at: Option<Timestamp>,
    },
    /// Removes the value; removing nothing is a success.
    Delete,
}

/// One write of an atomic call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    /// Which rows belong together and can be read in one range.
    pub partition_key: String,
    /// Which row of them.
    pub sort_key: String,
    /// When to do it.
    pub condition: Condition,
    /// What to do.
    pub change: WriteChange,
}

/// Why the table refused or failed.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// A limit of the contract is broken; nothing was written.
    #[error("{what} is {value}; the limit is {limit}")]
    TooLarge {
        /// Keys, values or writes.
        what: &'static str,
        /// What was given.
        value: usize,
        /// What is allowed.
        limit: usize,
    },
    /// A condition does not hold; nothing was written.
    #[error("row {partition_key}/{sort_key} changed meanwhile; read it again")]
    Conflict {
        /// Where.
        partition_key: String,
        /// Where in it.
        sort_key: String,
    },
    /// The disk is full; nothing was written.
    #[error("the disk that holds the tables is full; free some space and try again")]
    Full,
    /// The outcome is unknown.
    #[error("the table store does not answer")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl TableError {
    /// What the caller can do about it.
    pub fn kind(&self) -> ErrorKind {
        match self {
            TableError::TooLarge { .. } => ErrorKind::InvalidInput,
            TableError::Conflict { .. } => ErrorKind::Conflict,
            TableError::Full => ErrorKind::StorageFull,
            TableError::Unavailable(_) => ErrorKind::Unavailable,
        }
    }
}

/// Versioned rows under (partition key, sort key), for state that is not a fold of the log.
///
/// # Contract (every line is a case of the conformance suite)
///
/// - A write is durable when it returns, and later reads see it.
/// - The writes of one call happen all or none; each key may appear once in a call.
/// - A failed condition names the first row that broke it.
/// - A row whose `expires_at` is at or before `now` does not exist for readers and conditions,
///   whether or not it was removed yet.
/// - A range answers in the byte order of the sort keys.
#[async_trait]
pub trait TableStore: fmt::Debug + Send + Sync {
    /// Reads one row; `None` when there is none.
    ///
    /// # Errors
    ///
    /// [`TableError::Unavailable`] may be retried.
    async fn get(
        &self,
        partition_key: &str,
        sort_key: &str,
        now: Timestamp,
    ) -> Result<Option<Row>, TableError>;

    /// Reads up to `limit` rows of a partition whose sort keys begin with `prefix` and come after
    /// `after`.
    ///
    /// # Errors
    ///
    /// [`TableError::Unavailable`] may be retried.
    async fn range(&self, range: TableRange<'_>, now: Timestamp) -> Result<Vec<Row>, TableError>;

    /// Does 1 to [`WRITES_MAX`] writes atomically and returns the new version of each row.
    ///
    /// # Errors
    ///
    /// [`TableError::Conflict`] when a condition does not hold; nothing was written.
    async fn write(&self, writes: &[Write], now: Timestamp) -> Result<Vec<u64>, TableError>;

    /// Removes up to `limit` rows that have expired, and returns how many.
    ///
    /// # Errors
    ///
    /// [`TableError::Unavailable`] may be retried.
    async fn sweep(&self, now: Timestamp, limit: u32) -> Result<u32, TableError>;
}

/// Which rows to read.
#[derive(Clone, Copy, Debug)]
pub struct TableRange<'a> {
    /// The partition.
    pub partition_key: &'a str,
    /// What the sort keys begin with; empty for all.
    pub prefix: &'a str,
    /// Where to go on: only keys after this one.
    pub after: Option<&'a str>,
    /// Rows at most.
    pub limit: u32,
}
