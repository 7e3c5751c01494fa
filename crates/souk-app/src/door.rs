//! What the doors share between requests: keys, limits, hashes, counters, the queue of impressions.

use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use rustc_hash::{FxHashMap, FxHashSet};
use souk_core::{Location, LocationId, Site, Timestamp};
use souk_ports::{Cursor, IdHash};
use tokio::sync::Notify;

use crate::access::Access;
use crate::audit::{AuditLog, keep_publishing};
use crate::idempotency::SecretAnswers;
use crate::ingest::{Crawlers, IdHasher, IdKind, ImpressionQueue, IngestCounters, Redactor};
use crate::limits::Limits;
use crate::outbox::{Outbox, start_delivery};
use crate::privacy::{ShopifySecret, finish_erasures};
use crate::retention::keep_retention;
use crate::{App, AppError, Config, Parts};

/// How often keys are read again, so that one made or revoked by another process counts soon.
const KEYS_REFRESH: Duration = Duration::from_secs(1);
/// How often expired rows are removed from the tables.
const SWEEP_PAUSE: Duration = Duration::from_secs(60);
/// Rows removed at once; chosen: a short write.
const SWEEP_ROWS: u32 = 1_000;
/// How often old records are moved to the archive.
const ARCHIVE_PAUSE: Duration = Duration::from_secs(3_600);
/// How long after the start that happens first: a start has better things to do.
const ARCHIVE_DELAY: Duration = Duration::from_secs(300);
const DAY_MS: i64 = 86_400_000;

/// The state behind the doors.
#[derive(Debug)]
pub(crate) struct Door {
    pub(crate) access: Access,
    pub(crate) audit: AuditLog,
    pub(crate) limits: Limits,
    pub(crate) hasher: IdHasher,
    pub(crate) redactor: Redactor,
    pub(crate) crawlers: Crawlers,
    /// The shop's own people by the settings.
    pub(crate) staff: FxHashSet<IdHash>,
    /// How far the log holds consents.
    pub(crate) consents_at: Mutex<Cursor>,
    pub(crate) counters: IngestCounters,
    pub(crate) impressions: Arc<ImpressionQueue>,
    pub(crate) secret_answers: SecretAnswers,
    /// Never empty; the first one is meant by requests that name none.
    pub(crate) sites: Vec<Site>,
    pub(crate) locations: FxHashMap<LocationId, Location>,
    pub(crate) outbox: Outbox,
    /// `None` while Shopify's webhooks are off.
    pub(crate) shopify: Option<ShopifySecret>,
    /// Shared by whoever appends to the log; held alone while that must not happen.
    pub(crate) appends: tokio::sync::RwLock<()>,
    /// Held by a run of retention.
    pub(crate) retention: tokio::sync::Mutex<()>,
    /// Told when an erasure has something left to do.
    pub(crate) erasures: Arc<Notify>,
    /// When the application was opened, by the shop's clock.
    pub(crate) opened_at: Timestamp,
}

impl Door {
    pub(crate) async fn open(
        parts: &Parts,
        (config, opened_at): (&Config, Timestamp),
    ) -> Result<Door, AppError> {
        let hasher = IdHasher::new(parts.keys.secret("ids").await?.bytes());
        let staff = config.learning.staff.iter().map(|id| hasher.id(IdKind::User, id)).collect();
        Ok(Door {
            access: Access::open(&*parts.tables, &*parts.keys, &config.access).await?,
            audit: AuditLog::open(&*parts.keys, config.audit.heads_file.as_deref()).await?,
            limits: Limits::new(config.limits.clone()),
            hasher,
            crawlers: Crawlers::new(&config.learning.crawlers),
            staff,
            consents_at: Mutex::new(Cursor::START),
            redactor: Redactor::new(&config.privacy.pii, *parts.keys.secret("pii").await?.bytes())?,
            counters: IngestCounters::default(),
            impressions: Arc::new(ImpressionQueue::new(config.impressions.clone())),
            secret_answers: SecretAnswers::default(),
            sites: config.sites().collect(),
            locations: config.locations().map(|at| (at.id.clone(), at)).collect(),
            outbox: Outbox::open(&config.privacy.webhooks)?,
            shopify: ShopifySecret::open(&config.privacy.shopify)?,
            appends: tokio::sync::RwLock::default(),
            retention: tokio::sync::Mutex::default(),
            erasures: Arc::default(),
            opened_at,
        })
    }

    /// Starts what runs beside requests; it ends with the application.
    pub(crate) fn start(app: &Arc<App>) {
        tokio::spawn(refresh_keys(Arc::downgrade(app)));
        tokio::spawn(finish_erasures(Arc::downgrade(app)));
        start_delivery(app);
        tokio::spawn(keep_retention(Arc::downgrade(app)));
        let pause = Duration::from_secs(app.config.audit.head_every_s);
        tokio::spawn(keep_publishing(Arc::downgrade(app), pause));
        tokio::spawn(write_impressions(Arc::downgrade(app)));
        if let Some(days) = app.config.log.archive_after_days {
            let days = i64::try_from(days).expect("the settings bound it");
            tokio::spawn(archive(Arc::downgrade(app), days * DAY_MS));
        }
    }
}

async fn refresh_keys(app: Weak<App>) {
    let mut since_sweep = Duration::ZERO;
    loop {
        tokio::time::sleep(KEYS_REFRESH).await;
        let Some(app) = app.upgrade() else { return };
        if let Err(error) = app.refresh_keys().await {
            tracing::warn!(%error, "keys could not be read again");
        }
        since_sweep += KEYS_REFRESH;
        if since_sweep >= SWEEP_PAUSE {
            since_sweep = Duration::ZERO;
            if let Err(error) = app.parts.tables.sweep(app.clock.now(), SWEEP_ROWS).await {
                tracing::warn!(%error, "expired rows could not be removed");
            }
        }
    }
}

async fn write_impressions(app: Weak<App>) {
    let queue = app.upgrade().map(|app| Arc::clone(&app.door.impressions));
    let Some(queue) = queue else { return };
    loop {
        queue.is_due().await;
        let Some(app) = app.upgrade() else { return };
        app.flush_impressions().await;
    }
}

async fn archive(app: Weak<App>, after_ms: i64) {
    let mut pause = ARCHIVE_DELAY;
    loop {
        tokio::time::sleep(pause).await;
        pause = ARCHIVE_PAUSE;
        // The log outlives the application here, so that moving does not keep a closed one alive.
        let Some((log, now)) = app.upgrade().map(|app| (app.parts.log.clone(), app.clock.now()))
        else {
            return;
        };
        match log.archive(now.plus_ms(-after_ms)).await {
            Ok(0) => {}
            Ok(records) => tracing::info!(records, "records moved to the archive"),
            Err(error) => tracing::warn!(%error, "records could not be moved to the archive"),
        }
    }
}
