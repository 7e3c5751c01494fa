//! Every adapter of this crate against the suite of its port.
#![allow(clippy::unwrap_used)]

use std::process::ExitCode;
use std::sync::Arc;

use object_store::ObjectStore;
use object_store::local::LocalFileSystem;
use souk_embedded::{
    LogOptions, MemoryMasterKey, MokaCache, SqliteKeyStore, SqliteLog, SqliteTables,
};
use souk_ports::conformance::{self, Fresh, cache, event_log, key_store, table_store};
use souk_ports::{Cache, EventLog, KeyStore, TableStore};

/// Records of a segment when a case shall cross many of them.
const SMALL_SEGMENT: u32 = 64;

fn main() -> ExitCode {
    let mut trials = Vec::new();
    let whole = || open_log(LogOptions::default().segment_records);
    let small = || open_log(SMALL_SEGMENT);
    trials.extend(conformance::trials("event_log", event_log::CASES, whole));
    trials.extend(conformance::trials("event_log", event_log::CONCURRENT_CASES, whole));
    trials.extend(conformance::trials("event_log_small", event_log::CASES, small));
    trials.extend(conformance::trials("event_log_small", event_log::CONCURRENT_CASES, small));
    trials.extend(conformance::trials("table_store", table_store::CASES, open_tables));
    trials.extend(conformance::trials("table_store", table_store::CONCURRENT_CASES, open_tables));
    trials.extend(conformance::trials("key_store", key_store::CASES, open_keys));
    trials.extend(conformance::trials("key_store", key_store::CONCURRENT_CASES, open_keys));
    trials.extend(conformance::trials("cache", cache::CASES, open_cache));
    trials.extend(conformance::trials("cache", cache::CONCURRENT_CASES, open_cache));
    conformance::run(trials)
}

fn open_log(segment_records: u32) -> Fresh<dyn EventLog> {
    let folder = tempfile::tempdir().unwrap();
    let blobs: Arc<dyn ObjectStore> =
        Arc::new(LocalFileSystem::new_with_prefix(folder.path()).unwrap().with_fsync(true));
    let options = LogOptions { blobs: Some(blobs), segment_records, ..LogOptions::default() };
    let log = SqliteLog::open(&folder.path().join("log.db"), &options).unwrap();
    Fresh { port: Arc::new(log), guard: Box::new(folder) }
}

fn open_tables() -> Fresh<dyn TableStore> {
    let folder = tempfile::tempdir().unwrap();
    let tables = SqliteTables::open(&folder.path().join("tables.db")).unwrap();
    Fresh { port: Arc::new(tables), guard: Box::new(folder) }
}

fn open_keys() -> Fresh<dyn KeyStore> {
    let folder = tempfile::tempdir().unwrap();
    let keys =
        SqliteKeyStore::open(&folder.path().join("keys.db"), Arc::new(MemoryMasterKey::fresh()));
    let keys = keys.unwrap();
    Fresh { port: Arc::new(keys), guard: Box::new(folder) }
}

fn open_cache() -> Fresh<dyn Cache> {
    Fresh { port: Arc::new(MokaCache::default()), guard: Box::new(()) }
}
