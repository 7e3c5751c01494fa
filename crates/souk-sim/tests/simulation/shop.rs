//! The real application on real storage, opened, crashed and opened again.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use object_store::ObjectStore;
use object_store::local::LocalFileSystem;
use souk_app::{App, Caller, Clock, Config, FoldParams, IngestAnswer, IngestCall, IngestRequest};
use souk_app::{Parts, Role};
use souk_core::wire::decode_event;
use souk_core::{Event, SubjectId, Timestamp};
use souk_embedded::{LogOptions, MokaCache, SqliteLog, SqliteTables, SyncMode};
use souk_ports::{Cursor, Record};
use souk_privacy::seal::{self, BodyContext};
use souk_sim::Random;
use souk_sim_vfs::{Loss, SimDisk};
use tokio::runtime::Runtime;

use super::keys::SeededKeys;
use super::model::Who;
use super::{PLACES, SITES};

/// Records of a segment: small, so that a run fills many.
const SEGMENT_RECORDS: u32 = 300;

/// One open application. What runs beside requests runs on threads of its own, as in the server.
struct Life {
    app: Arc<App>,
    parts: Parts,
    runtime: Runtime,
}

/// A shop on a virtual machine: its disk and its key store outlive the process.
pub(crate) struct SimShop {
    folder: PathBuf,
    config: Config,
    keys: Arc<SeededKeys>,
    hand: &'static AtomicI64,
    /// Where the log lies.
    disk: SimDisk,
    random: Random,
    life: Option<Life>,
    pub(crate) caller: Caller,
}

impl SimShop {
    pub(crate) fn new(folder: &Path, seed: u64, now_ms: i64) -> Result<SimShop> {
        // The clock is read by tasks of any life, so it lives as long as the program.
        let hand: &'static AtomicI64 = Box::leak(Box::new(AtomicI64::new(now_ms)));
        let caller = Caller::new("sim", Role::Admin);
        let keys = Arc::new(SeededKeys::new(seed));
        let mut shop = SimShop {
            folder: folder.to_owned(),
            config: config()?,
            keys,
            hand,
            disk: SimDisk::register(),
            random: Random::new(seed),
            life: None,
            caller,
        };
        shop.open()?;
        Ok(shop)
    }

    pub(crate) fn now(&self) -> i64 {
        self.hand.load(Ordering::SeqCst)
    }

    pub(crate) fn advance(&self, ms: i64) {
        self.hand.fetch_add(ms, Ordering::SeqCst);
    }

    /// Starts the program on what the disk holds.
    pub(crate) fn open(&mut self) -> Result<()> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .context("threads")?;
        let blobs = self.folder.join("blobs");
        std::fs::create_dir_all(&blobs)?;
        let blobs: Arc<dyn ObjectStore> = Arc::new(LocalFileSystem::new_with_prefix(&blobs)?);
        let options = LogOptions {
            blobs: Some(Arc::clone(&blobs)),
            segment_records: SEGMENT_RECORDS,
            vfs: Some(self.disk.vfs().to_owned()),
            sync: SyncMode::Full,
        };
        let parts = Parts {
            log: Arc::new(SqliteLog::open(&self.folder.join("log.db"), &options)?),
            tables: Arc::new(SqliteTables::open(&self.folder.join("tables.db"))?),
            keys: Arc::clone(&self.keys) as _,
            cache: Arc::new(MokaCache::new(1 << 20)),
            blobs,
        };
        let clock = Clock::by_hand(self.hand);
        let params = FoldParams { snapshot_records: 400, ..FoldParams::default() };
        let opening = App::open_with(parts.clone(), (self.config.clone(), clock), params);
        let app = runtime.block_on(opening)?;
        let ready = async { tokio::time::timeout(Duration::from_secs(60), app.wait_ready()).await };
        runtime.block_on(ready).context("the views are not ready after a minute")??;
        self.life = Some(Life { app, parts, runtime });
        Ok(())
    }

    fn life(&self) -> &Life {
        self.life.as_ref().expect("the shop is open between acts")
    }

    pub(crate) fn app(&self) -> &Arc<App> {
        &self.life().app
    }

    pub(crate) fn parts(&self) -> &Parts {
        &self.life().parts
    }

    /// What a record says, also one of a person who was forgotten since.
    pub(crate) fn open_record(&self, record: &Record) -> Result<Event> {
        let Some(subject) = record.subject else { return Ok(decode_event(&record.body)?) };
        if !seal::is_sealed(&record.body) {
            return Ok(decode_event(&record.body)?);
        }
        let context = BodyContext { subject, event_id: record.event_id };
        let mut plain = Vec::new();
        seal::open_body(&self.keys.key(subject), context, &record.body, &mut plain)?;
        Ok(decode_event(&plain)?)
    }

    /// Runs a piece of asynchronous work to its end.
    pub(crate) fn run<T>(&self, work: impl Future<Output = T>) -> T {
        self.life().runtime.block_on(work)
    }

    /// Ends the program as an operator would.
    pub(crate) fn close(&mut self) -> Result<()> {
        let closed = self.run(self.app().close());
        self.end();
        closed.context("close")
    }

    /// Cuts the power: the program ends wherever it is, and what was not synced may be lost.
    pub(crate) fn crash(&mut self) {
        self.disk.cut_power();
        self.end();
        let seed = self.random.bits();
        self.disk.power_on(if seed.is_multiple_of(3) { Loss::All } else { Loss::Some { seed } });
    }

    fn end(&mut self) {
        if let Some(Life { app, parts, runtime }) = self.life.take() {
            runtime.shutdown_timeout(Duration::from_secs(10));
            drop(app);
            drop(parts);
        }
    }

    /// Sends a batch and lets the program die somewhere on the way.
    pub(crate) fn crash_during(&mut self, body: &str, polls: u64) {
        self.disk.cut_power_after(polls / 4);
        let (app, caller, body) = (Arc::clone(self.app()), self.caller.clone(), body.to_owned());
        self.life().runtime.spawn(async move {
            let request = IngestRequest::new(IngestCall::Batch, body.as_bytes(), &caller);
            // Whether it got through is found out by sending it again.
            let _ = app.ingest(request).await;
        });
        self.run(async {
            for _ in 0..polls {
                tokio::task::yield_now().await;
            }
        });
        self.crash();
    }

    pub(crate) fn ingest(&self, body: &str) -> Result<IngestAnswer> {
        let request = IngestRequest::new(IngestCall::Batch, body.as_bytes(), &self.caller);
        Ok(self.run(self.app().ingest(request))?)
    }

    /// Waits until the views have folded all that is in the log.
    pub(crate) fn settle(&self) -> Result<()> {
        self.run(async {
            self.app().flush_impressions().await;
            let end = self.parts().log.end().await?;
            let folded = self.app().wait_for(&end);
            tokio::time::timeout(Duration::from_secs(60), folded)
                .await
                .context("the fold stands")??;
            Ok(())
        })
    }

    pub(crate) fn log_end(&self) -> Result<Cursor> {
        Ok(self.run(self.parts().log.end())?)
    }

    pub(crate) fn subject(&self, who: Who) -> Result<Option<SubjectId>> {
        Ok(self.run(self.app().find_subject(who.kind(), &who.id()))?)
    }

    /// Damages the newest snapshot on the disk; the program must be closed. Answers whether there
    /// was one.
    pub(crate) fn damage_newest_snapshot(&self, at: u64) -> Result<bool> {
        let mut files = Vec::new();
        collect_files(&self.folder.join("blobs"), &mut files)?;
        files.retain(|(_, path)| path.to_string_lossy().contains("snapshot"));
        let Some((_, path)) = files.into_iter().max() else { return Ok(false) };
        let mut bytes = std::fs::read(&path)?;
        ensure!(!bytes.is_empty(), "{} is empty", path.display());
        let idx = (at % bytes.len() as u64) as usize;
        bytes[idx] ^= 0x55;
        std::fs::write(&path, bytes)?;
        Ok(true)
    }
}

fn collect_files(folder: &Path, files: &mut Vec<(std::time::SystemTime, PathBuf)>) -> Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            collect_files(&entry.path(), files)?;
        } else {
            files.push((entry.metadata()?.modified()?, entry.path()));
        }
    }
    Ok(())
}

/// The sites and places of the simulation, as settings.
fn config() -> Result<Config> {
    let mut yaml = String::from("sites:\n");
    let zone = |minutes: i64| match minutes / 60 {
        0 => "UTC".to_owned(),
        // POSIX names count westwards.
        hours => format!("Etc/GMT{:+}", -hours),
    };
    for site in SITES {
        yaml += &format!(
            "  - {{id: {}, currency: {}, time_zone: {}}}\n",
            site.id,
            site.currency,
            zone(site.offset_minutes)
        );
    }
    yaml += "locations:\n";
    for place in PLACES.iter().filter(|place| place.is_configured) {
        yaml += &format!(
            "  - {{id: {}, site: {}, time_zone: {}, day_cut_minutes: {}}}\n",
            place.id,
            SITES[place.site].id,
            zone(place.offset_minutes),
            place.cut_minutes
        );
    }
    yaml += "impressions: {sample: 0.5}\n";
    // Every shopper may be learnt from until they say no: what the model expects.
    yaml += "privacy: {default_jurisdiction: us}\n";
    Ok(Config::parse(&yaml, [])?)
}

/// A time in the vocabulary's type.
pub(crate) fn moment(ms: i64) -> Timestamp {
    Timestamp::EPOCH.plus_ms(ms)
}

impl Drop for SimShop {
    fn drop(&mut self) {
        self.end();
    }
}
