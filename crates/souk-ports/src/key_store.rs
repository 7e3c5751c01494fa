use std::fmt;

use async_trait::async_trait;
use souk_core::{ErrorKind, SubjectId};

/// Ids in one call; chosen: two for each event of the largest batch.
pub const RESOLVE_MAX: usize = 10_000;

/// A keyed hash of an id and its kind: HMAC-SHA256, first 16 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct IdHash(pub [u8; 16]);

/// A row of the key store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SubjectRow {
    /// The hashed id.
    pub id: IdHash,
    /// Whose it is.
    pub subject: SubjectId,
}

/// Why the key store refused or failed.
#[derive(Debug, thiserror::Error)]
pub enum KeyStoreError {
    /// More than [`RESOLVE_MAX`] ids.
    #[error("{0} ids in one call; the limit is {RESOLVE_MAX}")]
    TooLarge(usize),
    /// The disk is full; nothing was written.
    #[error("the disk that holds the key store is full; free some space and try again")]
    Full,
    /// The outcome is unknown; the call may be repeated.
    #[error("the key store does not answer")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl KeyStoreError {
    /// What the caller can do about it.
    pub fn kind(&self) -> ErrorKind {
        match self {
            KeyStoreError::TooLarge(_) => ErrorKind::InvalidInput,
            KeyStoreError::Full => ErrorKind::StorageFull,
            KeyStoreError::Unavailable(_) => ErrorKind::Unavailable,
        }
    }
}

/// Which subject an id belongs to: the only place that ties a person's records to a real id.
///
/// It is a file of its own, outside every backup of the data, so that deleting a row here makes a
/// person's records unreachable everywhere at once.
///
/// # Contract
///
/// - `resolve` gives an id the same subject for ever, until it is forgotten; a new id gets 128 fresh
///   random bits, and the row is durable before the answer.
/// - After `forget`, the same id resolves to a new subject.
#[async_trait]
pub trait KeyStore: fmt::Debug + Send + Sync {
    /// The subjects of up to [`RESOLVE_MAX`] ids, in order; unknown ids get new ones.
    ///
    /// # Errors
    ///
    /// [`KeyStoreError::Full`] when a new row cannot be written.
    async fn resolve(&self, ids: &[IdHash]) -> Result<Vec<SubjectId>, KeyStoreError>;

    /// The subjects of ids that are known, in order; never creates one. Answers from memory.
    ///
    /// # Errors
    ///
    /// [`KeyStoreError::Unavailable`] may be retried.
    async fn find(&self, ids: &[IdHash]) -> Result<Vec<Option<SubjectId>>, KeyStoreError>;

    /// Removes every row of the subject and returns how many there were.
    ///
    /// # Errors
    ///
    /// [`KeyStoreError::Unavailable`] may be retried.
    async fn forget(&self, subject: SubjectId) -> Result<u32, KeyStoreError>;

    /// A secret of 32 random bytes under this name, made at its first use and the same ever after.
    ///
    /// # Errors
    ///
    /// [`KeyStoreError::Full`] when it cannot be written.
    async fn secret(&self, name: &str) -> Result<[u8; 32], KeyStoreError>;

    /// Subjects that have at least one row.
    ///
    /// # Errors
    ///
    /// [`KeyStoreError::Unavailable`] may be retried.
    async fn count(&self) -> Result<u64, KeyStoreError>;
}
