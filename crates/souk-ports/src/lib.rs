//! What Souk needs from storage: small traits, each with a contract in prose and a conformance suite.
//!
//! Blobs are not here: `object_store` is a good port as it is, and wrapping it would say nothing new.
//! A difference between two back ends is a bug, never a case for the caller.

mod cache;
#[cfg(feature = "conformance")]
pub mod conformance;
mod embedder;
mod event_log;
mod key_store;
mod master_key;
mod table_store;

pub use cache::Cache;
pub use embedder::{Embedder, EmbedderModel};
pub use event_log::{
    Appended, BATCH_BYTES_MAX, BATCH_RECORDS_MAX, Cursor, DEDUP_WINDOW_MS, EventLog, LogError,
    LogStatus, LogUpkeep, Partition, Position, READ_RECORDS_MAX, Record, RecordKind, Recorded,
    STRIP_MAX,
};
pub use key_store::{IdHash, KeyStore, KeyStoreError, RESOLVE_MAX, SubjectRow};
pub use master_key::{MasterKeyError, MasterKeySource};
pub use table_store::{
    Condition, KEY_BYTES_MAX, Row, TableError, TableRange, TableStore, VALUE_BYTES_MAX, WRITES_MAX,
    Write, WriteChange,
};
