use std::fmt;

use async_trait::async_trait;
use souk_core::{ErrorKind, SubjectId};
use souk_privacy::seal::{MasterKeyId, SecretKey};

use crate::MasterKeyError;

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
    /// The master key's place cannot be used.
    #[error(transparent)]
    Master(#[from] MasterKeyError),
    /// The keys in the store are wrapped by a master key that is not there.
    #[error(
        "master key {wanted} is missing: {place} {found}. Without it the personal records of {subjects} \
         subjects cannot be opened by anyone; sales, stock and the catalogue are not affected. Put the \
         key back from its copy. If it is lost for good, move the key store's file away and start \
         again: what those shoppers did stays unreadable, and new records get new keys"
    )]
    MasterKeyLost {
        /// Which key wraps what is stored.
        wanted: MasterKeyId,
        /// Where it should be.
        place: String,
        /// What is there instead.
        found: String,
        /// How many subjects have a key in the store.
        subjects: u64,
    },
    /// The outcome is unknown; the call may be repeated.
    #[error("the key store does not answer")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl KeyStoreError {
    /// What the caller can do about it.
    pub fn kind(&self) -> ErrorKind {
        match self {
            KeyStoreError::TooLarge(_) | KeyStoreError::MasterKeyLost { .. } => {
                ErrorKind::InvalidInput
            }
            KeyStoreError::Master(error) => error.kind(),
            KeyStoreError::Full => ErrorKind::StorageFull,
            KeyStoreError::Unavailable(_) => ErrorKind::Unavailable,
        }
    }
}

/// Which subject an id belongs to, and with which key the subject's records are sealed: the only place
/// that ties a person's records to a real id, and the only one that can open them.
///
/// It is a file of its own, outside every backup of the data, so that deleting a row and its key here
/// makes a person's records noise everywhere at once. Keys lie in it wrapped by a master key that is
/// kept elsewhere ([`MasterKeySource`](crate::MasterKeySource)).
///
/// # Contract (every line is a case of the conformance suite)
///
/// - `resolve` gives an id the same subject for ever, until it is forgotten; a new id gets 128 fresh
///   random bits, and row and key are durable, in one commit, before the answer.
/// - A subject has one key of 256 random bits, the same ever after, until it is forgotten.
/// - After `forget`, the same id resolves to a new subject, and the old one's key exists nowhere.
/// - A secret that was destroyed exists nowhere; its name gives a new one.
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

    /// The keys of up to [`RESOLVE_MAX`] subjects, in order; `None` for one that was forgotten or
    /// never was. Answers from memory.
    ///
    /// # Errors
    ///
    /// [`KeyStoreError::Unavailable`] may be retried.
    async fn keys(&self, subjects: &[SubjectId]) -> Result<Vec<Option<SecretKey>>, KeyStoreError>;

    /// Destroys every row of the subject and its key, and returns how many rows there were.
    ///
    /// Durable when it returns: no byte of row or key is left in the store's files. Idempotent.
    ///
    /// # Errors
    ///
    /// [`KeyStoreError::Unavailable`] may be retried.
    async fn forget(&self, subject: SubjectId) -> Result<u32, KeyStoreError>;

    /// A secret of 256 random bits under this name, made at its first use and the same ever after.
    ///
    /// # Errors
    ///
    /// [`KeyStoreError::Full`] when it cannot be written.
    async fn secret(&self, name: &str) -> Result<SecretKey, KeyStoreError>;

    /// Destroys every secret whose name begins with `prefix`, but for the names in `kept`.
    ///
    /// Durable when it returns. Idempotent.
    ///
    /// # Errors
    ///
    /// [`KeyStoreError::Unavailable`] may be retried.
    async fn destroy_secrets(&self, prefix: &str, kept: &[String]) -> Result<(), KeyStoreError>;
}
