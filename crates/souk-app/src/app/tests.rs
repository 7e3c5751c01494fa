#![allow(clippy::unwrap_used)]

use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use object_store::ObjectStoreExt;
use object_store::memory::InMemory;
use object_store::path::Path;
use souk_core::wire::{encode_event, record_kind};
use souk_core::{
    Action, Event, EventId, Fact, Interaction, Product, ProductId, ProductMention, SiteId, Source,
    SubjectId, Timestamp,
};
use souk_ports::{
    IdHash, KeyStoreError, LogError, LogStatus, Partition, Position, READ_RECORDS_MAX, RecordKind,
    Recorded,
};

use souk_privacy::seal::SecretKey;

use super::*;

/// A log in memory that can be told to be damaged.
#[derive(Debug, Default)]
struct MemoryLog {
    records: parking_lot::Mutex<Vec<Recorded>>,
    /// The offset whose record is damaged; 0 for none.
    damaged: AtomicU64,
}

#[async_trait]
impl souk_ports::LogUpkeep for MemoryLog {
    async fn strip(&self, _: &[Position]) -> Result<u64, LogError> {
        Ok(0)
    }
}

#[async_trait]
impl EventLog for MemoryLog {
    async fn append(&self, batch: Vec<Record>) -> Result<Vec<Appended>, LogError> {
        let mut records = self.records.lock();
        let mut appended = Vec::new();
        for record in batch {
            // Gaps, as the contract allows.
            let offset = records.last().map_or(7, |last| last.position.offset + 3);
            let position = Position { partition: record.partition, offset };
            records.push(Recorded { position, record });
            appended.push(Appended { position, is_duplicate: false });
        }
        Ok(appended)
    }

    async fn read(&self, cursor: &Cursor, limit: u32) -> Result<Vec<Recorded>, LogError> {
        assert!(limit <= READ_RECORDS_MAX);
        let records = self.records.lock();
        let is_after = |recorded: &&Recorded| {
            cursor.offset(recorded.position.partition).is_none_or(|o| o < recorded.position.offset)
        };
        let batch: Vec<Recorded> =
            records.iter().filter(is_after).take(limit as usize).cloned().collect();
        let damaged = self.damaged.load(Ordering::Relaxed);
        match batch.iter().position(|recorded| recorded.position.offset == damaged) {
            None => Ok(batch),
            Some(0) => Err(LogError::Corrupt {
                position: batch[0].position,
                detail: "checksum differs".to_owned(),
            }),
            Some(n) => Ok(batch[..n].to_vec()),
        }
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
        let mut cursor = Cursor::START;
        self.records.lock().iter().for_each(|recorded| cursor.advance(recorded.position));
        Ok(cursor)
    }

    async fn status(&self) -> Result<LogStatus, LogError> {
        let records = self.records.lock().len() as u64;
        Ok(LogStatus { records, ..LogStatus::default() })
    }

    async fn archive(&self, _: Timestamp) -> Result<u64, LogError> {
        Ok(0)
    }
}

/// A key store in which every subject has a key until it is forgotten: tests make subjects up.
#[derive(Debug)]
struct EveryonesKeys {
    real: Arc<souk_embedded::SqliteKeyStore>,
    gone: parking_lot::Mutex<Vec<SubjectId>>,
}

#[async_trait]
impl KeyStore for EveryonesKeys {
    async fn resolve(&self, ids: &[IdHash]) -> Result<Vec<SubjectId>, KeyStoreError> {
        self.real.resolve(ids).await
    }

    async fn find(&self, ids: &[IdHash]) -> Result<Vec<Option<SubjectId>>, KeyStoreError> {
        self.real.find(ids).await
    }

    async fn keys(&self, subjects: &[SubjectId]) -> Result<Vec<Option<SecretKey>>, KeyStoreError> {
        let gone = self.gone.lock();
        let key = |subject: &SubjectId| {
            (!gone.contains(subject)).then(|| SecretKey::new([subject.0[0]; 32]))
        };
        Ok(subjects.iter().map(key).collect())
    }

    async fn forget(&self, subject: SubjectId) -> Result<u32, KeyStoreError> {
        self.gone.lock().push(subject);
        Ok(1)
    }

    async fn secret(&self, name: &str) -> Result<SecretKey, KeyStoreError> {
        self.real.secret(name).await
    }

    async fn destroy_secrets(&self, prefix: &str, kept: &[String]) -> Result<(), KeyStoreError> {
        self.real.destroy_secrets(prefix, kept).await
    }
}

/// Storage that outlives an application, as a data folder does.
struct Storage {
    log: Arc<MemoryLog>,
    blobs: Arc<InMemory>,
    keys: Arc<EveryonesKeys>,
    embedded: souk_embedded::Embedded,
    _folder: tempfile::TempDir,
}

impl Storage {
    fn new() -> Storage {
        let folder = tempfile::tempdir().unwrap();
        let embedded = souk_embedded::open(folder.path(), &Default::default()).unwrap();
        let (log, blobs) = (Arc::default(), Arc::new(InMemory::new()));
        let real = Arc::clone(&embedded.keys);
        let keys = Arc::new(EveryonesKeys { real, gone: Default::default() });
        Storage { log, blobs, keys, embedded, _folder: folder }
    }

    fn parts(&self) -> Parts {
        Parts {
            log: self.log.clone(),
            tables: self.embedded.tables.clone(),
            keys: self.keys.clone(),
            cache: self.embedded.cache.clone(),
            blobs: self.blobs.clone(),
        }
    }

    async fn open(&self) -> Arc<App> {
        self.open_paced(FoldParams { read_records: 16, ..FoldParams::default() }).await
    }

    async fn open_paced(&self, params: FoldParams) -> Arc<App> {
        let clock = Clock::standing_at(moment(0));
        let config = Config::parse("privacy: {default_jurisdiction: us}", []).unwrap();
        App::open_with(self.parts(), (config, clock), params).await.unwrap()
    }

    async fn paths(&self) -> Vec<String> {
        use futures::TryStreamExt;
        let all: Vec<_> = self.blobs.list(None).try_collect().await.unwrap();
        all.into_iter().map(|object| object.location.to_string()).collect()
    }

    /// Changes one byte of the newest object whose path contains `name`.
    async fn damage(&self, name: &str) {
        let path = self.paths().await.into_iter().filter(|path| path.contains(name)).max().unwrap();
        let path = Path::from(path);
        let mut bytes = self.blobs.get(&path).await.unwrap().bytes().await.unwrap().to_vec();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 0x10;
        self.blobs.put(&path, bytes.into()).await.unwrap();
    }
}

fn moment(minutes: i64) -> Timestamp {
    Timestamp::from_ms(1_700_000_000_000 + minutes * 60_000).unwrap()
}

fn record(number: u64, subject: Option<u8>, fact: Fact) -> Record {
    let at = moment(number as i64);
    let event = Event {
        at,
        site: SiteId::main(),
        channel: None,
        source: Source::Server,
        message_id: None,
        withheld: souk_core::Purposes::NONE,
        fact,
    };
    Record {
        partition: Partition(0),
        subject: subject.map(|number| SubjectId([number; 16])),
        event_id: EventId([number as u8; 16]),
        received_at: at,
        kind: RecordKind(record_kind(&event.fact)),
        body: encode_event(&event),
    }
}

fn view(number: u64) -> Record {
    let product = ProductId::new(format!("p{}", number % 5)).unwrap();
    let mention = ProductMention { product, variant: None, quantity: None, price: None };
    let interaction = Interaction {
        action: Action::Viewed,
        products: vec![mention],
        request_id: None,
        extra: None,
    };
    record(number, Some((number % 3) as u8 + 1), Fact::Interaction(interaction))
}

fn put(number: u64) -> Record {
    let id = ProductId::new(format!("p{}", number % 5)).unwrap();
    let product = Product::new(id, SiteId::main(), format!("Title {number}"));
    record(number, None, Fact::ProductPut(Box::new(product)))
}

fn some_records(from: u64, count: u64) -> Vec<Record> {
    (from..from + count).map(|n| if n % 4 == 0 { put(n) } else { view(n) }).collect()
}

async fn fold_all(app: &App) {
    app.wait_for(&app.parts.log.end().await.unwrap()).await.unwrap();
}

fn assert_folded(app: &App, count: u64) {
    assert_eq!(app.views.read().counters.records(), count);
}

#[tokio::test]
async fn an_append_is_seen_and_equals_a_rebuild() {
    let storage = Storage::new();
    let app = storage.open().await;
    app.wait_ready().await.unwrap();
    let appended = app.append(some_records(0, 100)).await.unwrap();
    app.wait_for_appended(&appended).await.unwrap();
    assert_folded(&app, 100);
    assert_eq!(app.lag().await.unwrap(), Lag::default());
    assert_eq!(app.check_views().await.unwrap(), ViewsCheck::default());
    let live = app.views.read().fingerprint();
    assert_eq!(app.rebuild_fingerprint().await.unwrap(), live);
    app.close().await.unwrap();
    app.close().await.unwrap();
}

#[tokio::test]
async fn a_restart_goes_on_from_the_snapshot() {
    let storage = Storage::new();
    let app = storage.open().await;
    app.append(some_records(0, 100)).await.unwrap();
    fold_all(&app).await;
    let fingerprint = app.views.read().fingerprint();
    app.close().await.unwrap();
    // Nothing before the snapshot is read again: the fold would stop there.
    storage.log.damaged.store(7 + 3 * 50, Ordering::Relaxed);
    let app = storage.open().await;
    app.wait_ready().await.unwrap();
    assert_eq!(app.views.read().fingerprint(), fingerprint);
    app.append(some_records(100, 50)).await.unwrap();
    fold_all(&app).await;
    assert_folded(&app, 150);
    storage.log.damaged.store(0, Ordering::Relaxed);
    assert_eq!(app.check_views().await.unwrap(), ViewsCheck::default());
}

#[tokio::test]
async fn damage_in_a_snapshot_is_found_and_the_older_set_or_the_log_serves() {
    for names in [&["histories"][..], &["manifest"], &["visits"], &["counters", "sales"]] {
        let storage = Storage::new();
        let app = storage.open().await;
        app.append(some_records(0, 60)).await.unwrap();
        fold_all(&app).await;
        app.snapshot_now().await.unwrap();
        app.append(some_records(60, 40)).await.unwrap();
        fold_all(&app).await;
        let fingerprint = app.views.read().fingerprint();
        app.close().await.unwrap();
        for name in names {
            storage.damage(name).await;
        }
        let app = storage.open().await;
        app.wait_ready().await.unwrap();
        assert_folded(&app, 100);
        assert_eq!(app.views.read().fingerprint(), fingerprint, "{names:?}");
    }
}

#[tokio::test]
async fn a_snapshot_of_another_log_is_passed_over() {
    let storage = Storage::new();
    let app = storage.open().await;
    app.append(some_records(0, 60)).await.unwrap();
    fold_all(&app).await;
    app.close().await.unwrap();
    // As long as before, but other records.
    storage.log.records.lock().clear();
    storage.log.append(some_records(100, 60)).await.unwrap();
    let app = storage.open().await;
    app.wait_ready().await.unwrap();
    assert_eq!(app.check_views().await.unwrap(), ViewsCheck::default());
    app.close().await.unwrap();
    // Shorter than before, as after the restore of an older backup.
    storage.log.records.lock().truncate(20);
    let app = storage.open().await;
    app.wait_ready().await.unwrap();
    assert_folded(&app, 20);
}

#[tokio::test]
async fn only_the_last_sets_are_kept() {
    let storage = Storage::new();
    let params = FoldParams { snapshot_records: 10, read_records: 16, ..FoldParams::default() };
    let app = storage.open_paced(params).await;
    for round in 0..6 {
        app.append(some_records(round * 40, 40)).await.unwrap();
        fold_all(&app).await;
        app.snapshot_now().await.unwrap();
    }
    app.close().await.unwrap();
    let paths = storage.paths().await;
    let manifests = paths.iter().filter(|path| path.contains("manifest")).count();
    assert_eq!(manifests, 2, "{paths:?}");
    let of_sets = paths.iter().filter(|path| path.starts_with("snapshots/")).count();
    assert_eq!(of_sets, 28, "{paths:?}");
}

#[tokio::test]
async fn a_long_look_sees_one_state_and_a_closed_fold_says_so() {
    let storage = Storage::new();
    let app = storage.open().await;
    app.append(some_records(0, 30)).await.unwrap();
    fold_all(&app).await;
    let fingerprint = app.views.read().fingerprint();
    assert_eq!(app.views_fingerprint().await.unwrap(), fingerprint);
    app.close().await.unwrap();
    assert!(matches!(app.views_fingerprint().await, Err(AppError::NotReady(_))));
    assert!(matches!(app.snapshot_now().await, Err(AppError::NotReady(_))));
}

#[tokio::test]
async fn a_damaged_record_stops_the_fold_and_is_named() {
    let storage = Storage::new();
    storage.log.append(some_records(0, 100)).await.unwrap();
    storage.log.damaged.store(7 + 3 * 50, Ordering::Relaxed);
    let app = storage.open().await;
    let error = app.wait_ready().await.unwrap_err();
    assert!(error.to_string().contains("partition 0 offset 157"), "{error}");
    assert!(matches!(app.readiness(), Readiness::Failed(_)));
    assert_folded(&app, 50);
    app.close().await.unwrap();
}

#[tokio::test]
async fn a_record_of_a_newer_program_stops_the_fold_and_is_named() {
    let storage = Storage::new();
    let app = storage.open().await;
    let mut newer = view(3);
    newer.body[0] = 200;
    let appended = app.append(vec![view(1), newer, view(2)]).await.unwrap();
    let error = app.wait_for_appended(&appended).await.unwrap_err();
    let text = error.to_string();
    assert!(text.contains("offset 10") && text.contains("version 200"), "{text}");
    assert_folded(&app, 1);
}
