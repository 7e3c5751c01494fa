//! The door for events without its storage: parsing, checks, hashes and encoding.
//!
//! Measured: `App::ingest` of a batch of 500 events of about 400 bytes, the mix of a web shop (7 of 10
//! product views, 2 adds to the cart, 1 search), 200 shoppers, 2,000 products, made from a fixed
//! seed. The log and the key store answer at once and keep nothing; the fold reads an empty log.
//! The budget is 6 µs an event on one core. Beside it, what every request pays: finding its key and
//! taking from its budget of requests.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use object_store::memory::InMemory;
use souk_app::{App, Caller, Clock, Config, IngestCall, IngestRequest, NewKey, Parts, Role};
use souk_core::{SubjectId, Timestamp};
use souk_ports::{
    Appended, Cache, Cursor, EventLog, IdHash, KeyStore, KeyStoreError, LogError, LogStatus,
    Partition, Position, Record, Recorded, Row, TableError, TableRange, TableStore, Write,
};
use souk_privacy::seal::{MasterKey, SecretKey, WrappedKey};

#[derive(Debug)]
struct NoStorage {
    offset: AtomicU64,
    master: MasterKey,
    wrapped: WrappedKey,
}

impl Default for NoStorage {
    fn default() -> NoStorage {
        let master = MasterKey::new([8; 32]);
        let wrapped = master.wrap(b"somebody", [1; 12], &SecretKey::new([9; 32]));
        NoStorage { offset: AtomicU64::new(0), master, wrapped }
    }
}

#[async_trait]
impl souk_ports::LogUpkeep for NoStorage {
    async fn strip(&self, _: &[Position]) -> Result<u64, LogError> {
        Ok(0)
    }
}

#[async_trait]
impl EventLog for NoStorage {
    async fn append(&self, records: Vec<Record>) -> Result<Vec<Appended>, LogError> {
        let appended = |_| {
            let offset = self.offset.fetch_add(1, Ordering::Relaxed);
            let position = Position { partition: Partition(0), offset };
            Appended { position, is_duplicate: false }
        };
        Ok(records.iter().map(appended).collect())
    }

    async fn read(&self, _: &Cursor, _: u32) -> Result<Vec<Recorded>, LogError> {
        Ok(Vec::new())
    }

    async fn read_subject(
        &self,
        _: SubjectId,
        _: &Cursor,
        _: u32,
    ) -> Result<Vec<Recorded>, LogError> {
        Ok(Vec::new())
    }

    async fn end(&self) -> Result<Cursor, LogError> {
        Ok(Cursor::START)
    }

    async fn status(&self) -> Result<LogStatus, LogError> {
        Ok(LogStatus::default())
    }

    async fn archive(&self, _: Timestamp) -> Result<u64, LogError> {
        Ok(0)
    }
}

#[async_trait]
impl KeyStore for NoStorage {
    async fn resolve(&self, ids: &[IdHash]) -> Result<Vec<SubjectId>, KeyStoreError> {
        Ok(ids.iter().map(|id| SubjectId(id.0)).collect())
    }

    async fn find(&self, ids: &[IdHash]) -> Result<Vec<Option<SubjectId>>, KeyStoreError> {
        Ok(ids.iter().map(|id| Some(SubjectId(id.0))).collect())
    }

    async fn keys(&self, subjects: &[SubjectId]) -> Result<Vec<Option<SecretKey>>, KeyStoreError> {
        // What the real one does besides looking the key up: it opens each.
        let master = &self.master;
        Ok(subjects.iter().map(|_| master.unwrap(b"somebody", &self.wrapped).ok()).collect())
    }

    async fn forget(&self, _: SubjectId) -> Result<u32, KeyStoreError> {
        Ok(0)
    }

    async fn secret(&self, _: &str) -> Result<SecretKey, KeyStoreError> {
        Ok(SecretKey::new([7; 32]))
    }

    async fn destroy_secrets(&self, _: &str, _: &[String]) -> Result<(), KeyStoreError> {
        Ok(())
    }
}

#[async_trait]
impl TableStore for NoStorage {
    async fn get(&self, _: &str, _: &str, _: Timestamp) -> Result<Option<Row>, TableError> {
        Ok(None)
    }

    async fn range(&self, _: TableRange<'_>, _: Timestamp) -> Result<Vec<Row>, TableError> {
        Ok(Vec::new())
    }

    async fn write(&self, writes: &[Write], _: Timestamp) -> Result<Vec<u64>, TableError> {
        Ok(vec![1; writes.len()])
    }

    async fn sweep(&self, _: Timestamp, _: u32) -> Result<u32, TableError> {
        Ok(0)
    }
}

#[async_trait]
impl Cache for NoStorage {
    async fn get(&self, _: &str) -> Option<Vec<u8>> {
        None
    }

    async fn put(&self, _: &str, _: Vec<u8>, _: u64) {}

    async fn remove(&self, _: &str) {}

    async fn add(&self, _: &str, amount: u64, _: u64) -> u64 {
        amount
    }
}

const EVENTS: u64 = 500;

/// A batch as Segment's server client sends it; `seed` decides who does what.
fn batch(mut seed: u64) -> String {
    let mut next = |below: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % below
    };
    let event = |number: u64| {
        let (shopper, product, kind) = (next(200), next(2_000), next(10));
        let (name, properties) = match kind {
            0..7 => (
                "Product Viewed",
                format!(
                    r#"{{"product_id":"prod-{product}","name":"Rye Bread {product}","price":19.99,"currency":"USD","category":"Grocery > Bakery","position":3}}"#
                ),
            ),
            7..9 => (
                "Product Added",
                format!(
                    r#"{{"product_id":"prod-{product}","name":"Rye Bread {product}","price":19.99,"quantity":2,"cart_id":"cart-{shopper}"}}"#
                ),
            ),
            _ => ("Products Searched", r#"{"query":"rye bread with seeds"}"#.to_owned()),
        };
        format!(
            r#"{{"type":"track","event":"{name}","userId":"user-{shopper}","messageId":"node-next-{number:032}","timestamp":"2026-01-15T12:00:00.123Z","context":{{"library":{{"name":"@segment/analytics-node","version":"2.2.0"}},"channel":"web"}},"integrations":{{}},"properties":{properties},"_metadata":{{"nodeVersion":"20.1.0"}}}}"#
        )
    };
    let events: Vec<String> = (0..EVENTS).map(event).collect();
    format!(r#"{{"batch":[{}],"sentAt":"2026-01-15T12:00:01.000Z"}}"#, events.join(","))
}

fn doors(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime of one thread needs nothing");
    let storage = Arc::new(NoStorage::default());
    let parts = Parts {
        log: storage.clone(),
        tables: storage.clone(),
        keys: storage.clone(),
        cache: storage,
        blobs: Arc::new(InMemory::new()),
    };
    let now = Timestamp::parse("2026-01-15T12:00:02Z").expect("a time");
    let config = Config::parse("privacy: {default_jurisdiction: us}", []).expect("it is valid");
    let open = App::open(parts, config, Clock::standing_at(now));
    let app = runtime.block_on(open).expect("no storage never fails");
    let body = batch(42);
    let caller = Caller::local_admin();
    let new = NewKey {
        role: Role::IngestServer,
        label: String::new(),
        origins: Vec::new(),
        expires_at: None,
        places: Default::default(),
    };
    let key = runtime
        .block_on(app.create_key(new, &Caller::local_admin()))
        .expect("no storage never fails");
    criterion.bench_function("authenticate", |bench| {
        bench.iter(|| app.authenticate(&key, None).expect("the key was just made"));
    });
    criterion.bench_function("check_rate", |bench| {
        bench.iter(|| app.check_rate(&caller, None).is_ok());
    });
    let mut group = criterion.benchmark_group("ingest");
    group.throughput(Throughput::Elements(EVENTS));
    group.bench_function(
        format!("batch of {EVENTS}, {} bytes an event", body.len() as u64 / EVENTS),
        |bench| {
            bench.iter(|| {
                let request = IngestRequest::new(IngestCall::Batch, body.as_bytes(), &caller);
                let answer = runtime.block_on(app.ingest(request)).expect("no storage never fails");
                assert_eq!(answer.accepted as u64, EVENTS);
            });
        },
    );
    group.finish();
}

criterion_group!(benches, doors);
criterion_main!(benches);
