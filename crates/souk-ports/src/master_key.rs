use std::fmt;
use std::path::PathBuf;

use souk_core::ErrorKind;
use souk_privacy::seal::MasterKey;

/// Why master keys could not be read or stored.
#[derive(Debug, thiserror::Error)]
pub enum MasterKeyError {
    /// Others than its owner may read the file.
    #[error(
        "master key file {} can be read by others (mode {mode:o}); run `chmod 600` on it, and rotate \
         the key with `souk keys rotate-master` if somebody may have read it",
        .path.display()
    )]
    TooOpen {
        /// The file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// What is stored is no master key.
    #[error("{place} holds no master key in line {line}; put a copy of the right one there")]
    Malformed {
        /// Where the key should be.
        place: String,
        /// Which line, from 1.
        line: usize,
    },
    /// Souk cannot write there.
    #[error(
        "the master key comes from {place}, which souk cannot write; set the new key there and keep \
         the former one beside it as its previous key, then restart: the start re-wraps every key"
    )]
    ReadOnly {
        /// Where the key comes from.
        place: String,
    },
    /// The place does not answer.
    #[error("cannot use {place}")]
    Unavailable {
        /// Where the key should be.
        place: String,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl MasterKeyError {
    /// What the caller can do about it.
    pub fn kind(&self) -> ErrorKind {
        match self {
            MasterKeyError::TooOpen { .. }
            | MasterKeyError::Malformed { .. }
            | MasterKeyError::ReadOnly { .. } => ErrorKind::InvalidInput,
            MasterKeyError::Unavailable { .. } => ErrorKind::Unavailable,
        }
    }
}

/// Where the master key lives: a file, a secret in the environment, a key management system.
///
/// A key store asks once, when it opens; a system that never gives a key away gives one here that it
/// has unwrapped.
///
/// # Contract
///
/// - The first key is the current one; the others are former ones that may still be in use while a
///   rotation goes on.
/// - `store` is durable when it returns, and happens whole or not at all, also across a crash.
pub trait MasterKeySource: fmt::Debug + Send + Sync {
    /// The keys, the current one first; none before the first start.
    ///
    /// # Errors
    ///
    /// [`MasterKeyError`] by what is wrong with the place.
    fn load(&self) -> Result<Vec<MasterKey>, MasterKeyError>;

    /// Keeps exactly these keys, the current one first.
    ///
    /// # Errors
    ///
    /// [`MasterKeyError::ReadOnly`] when only the operator can change the place.
    fn store(&self, keys: &[MasterKey]) -> Result<(), MasterKeyError>;

    /// The place in words, for messages: never the key.
    fn place(&self) -> String;
}
