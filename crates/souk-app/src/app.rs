use std::sync::Arc;
use std::time::Duration;

use object_store::ObjectStore;
use parking_lot::RwLock;
use souk_ports::{Appended, Cache, Cursor, EventLog, KeyStore, Record, TableStore};

use crate::consent::ConsentRules;
use crate::door::Door;
use crate::feeds::Feeds;
use crate::forecasts::{Forecasts, Overrides, keep_forecasts};
use crate::models::{Models, keep_models};
use crate::people::{People, keep_people};
use crate::privacy::replay_erasures;
use crate::projections::projector::{self, FoldParams, Projector};
use crate::purchasing::Purchasing;
use crate::recommend::{Ranking, keep_fresh, keep_lists, keep_trials};
use crate::replenishment::keep_replenished;
use crate::retention::forget_stale_snapshots;
use crate::rules::Merchandising;
use crate::search::{Searching, keep_learned, keep_search};
use crate::segments::Segments;
use crate::signals::Signals;
use crate::{AppError, Clock, Config, Views};

/// The storage that an [`App`] stands on.
#[derive(Clone, Debug)]
pub struct Parts {
    /// The source of truth.
    pub log: Arc<dyn EventLog>,
    /// State that is not a fold of the log: keys, ledger, idempotency.
    pub tables: Arc<dyn TableStore>,
    /// Which subject an id belongs to.
    pub keys: Arc<dyn KeyStore>,
    /// Rate limits.
    pub cache: Arc<dyn Cache>,
    /// Snapshots and exports.
    pub blobs: Arc<dyn ObjectStore>,
}

/// How far the start has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// The tail of the log is still being folded: how many records were seen so far.
    Starting {
        /// Records folded since the log began.
        folded: u64,
    },
    /// Requests are answered from a complete state.
    Ready,
    /// The fold stopped; the text says where and why.
    Failed(String),
}

/// How far the views are behind the log. All projections share one fold, so they share one lag.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lag {
    /// Records appended and not folded yet.
    pub records: u64,
    /// The age of the newest folded record in milliseconds, when any is not folded yet; else 0.
    pub ms: u64,
}

/// The application: every use case is a method.
#[derive(Debug)]
pub struct App {
    pub(crate) parts: Parts,
    pub(crate) config: Config,
    pub(crate) clock: Clock,
    pub(crate) door: Door,
    pub(crate) rules: Arc<ConsentRules>,
    pub(crate) views: Arc<RwLock<Views>>,
    pub(crate) ranking: Ranking,
    pub(crate) models: Models,
    pub(crate) merchandising: Merchandising,
    pub(crate) searching: Searching,
    pub(crate) people: People,
    pub(crate) segments: Segments,
    pub(crate) purchasing: Purchasing,
    pub(crate) forecasts: Forecasts,
    pub(crate) feeds: Feeds,
    pub(crate) overrides: Overrides,
    pub(crate) signals: Signals,
    pub(crate) projector: Projector,
}

impl App {
    /// The names of all projections, for metrics.
    pub const PROJECTIONS: [&'static str; 12] = [
        "consents",
        "catalogue",
        "identity",
        "shoppers",
        "histories",
        "visits",
        "baskets",
        "sales",
        "supply",
        "popularity",
        "attribution",
        "searches",
    ];

    /// Opens the application on its storage: loads the newest snapshot and starts folding the tail.
    ///
    /// # Errors
    ///
    /// As the storage.
    pub async fn open(parts: Parts, config: Config, clock: Clock) -> Result<Arc<App>, AppError> {
        let params = FoldParams {
            snapshot_records: config.snapshots.every_records,
            snapshot_interval: Duration::from_secs(config.snapshots.every_s),
            purge_delay: Duration::from_secs(config.snapshots.after_erasure_s),
            snapshots_kept: usize::try_from(config.snapshots.keep).unwrap_or(usize::MAX),
            ..FoldParams::default()
        };
        App::open_with(parts, (config, clock), params).await
    }

    /// As [`App::open`], with another pace of the fold.
    ///
    /// # Errors
    ///
    /// As the storage.
    pub async fn open_with(
        parts: Parts,
        (config, clock): (Config, Clock),
        params: FoldParams,
    ) -> Result<Arc<App>, AppError> {
        let now = clock.now();
        replay_erasures(&parts, now).await?;
        forget_stale_snapshots(&parts, now).await?;
        let rules = Arc::new(ConsentRules::of(&config)?);
        let views = Arc::new(RwLock::new(Views::new(Arc::clone(&rules))));
        let projector = Projector::start(&parts, Arc::clone(&views), params).await?;
        let door = Door::open(&parts, (&config, now)).await?;
        let ranking = Ranking::new(config.recommendations.session.params());
        let models = Models::default();
        let sites = config.sites().collect();
        let merchandising = Merchandising::open(&*parts.tables, (sites, now)).await?;
        let searching = Searching::open(&*parts.tables, now).await?;
        let segments = Segments::open(&*parts.tables, now).await?;
        let purchasing = Purchasing::open(&*parts.tables, now).await?;
        let overrides = Overrides::open(&*parts.tables, now).await?;
        let signals = Signals::open(&*parts.tables, now).await?;
        let forecasts = Forecasts::open(&*parts.blobs).await;
        let app = Arc::new(App {
            parts,
            config,
            clock,
            door,
            rules,
            views,
            ranking,
            models,
            merchandising,
            searching,
            people: People::default(),
            segments,
            purchasing,
            forecasts,
            feeds: Feeds::default(),
            overrides,
            signals,
            projector,
        });
        Door::start(&app);
        tokio::spawn(keep_forecasts(Arc::downgrade(&app)));
        tokio::spawn(keep_replenished(Arc::downgrade(&app)));
        tokio::spawn(keep_fresh(Arc::downgrade(&app)));
        tokio::spawn(keep_lists(Arc::downgrade(&app)));
        tokio::spawn(keep_models(Arc::downgrade(&app)));
        tokio::spawn(keep_people(Arc::downgrade(&app)));
        tokio::spawn(keep_search(Arc::downgrade(&app)));
        tokio::spawn(keep_trials(Arc::downgrade(&app)));
        tokio::spawn(keep_learned(Arc::downgrade(&app)));
        Ok(app)
    }

    /// How far the start has come.
    pub fn readiness(&self) -> Readiness {
        self.projector.readiness()
    }

    /// Refuses while the state is not complete.
    ///
    /// # Errors
    ///
    /// [`AppError::NotReady`]; the text says how far the start has come.
    pub(crate) fn check_ready(&self) -> Result<(), AppError> {
        match self.readiness() {
            Readiness::Ready => Ok(()),
            Readiness::Starting { folded } => Err(AppError::NotReady(format!(
                "the start has read {folded} records of the log and goes on; try again soon"
            ))),
            Readiness::Failed(why) => Err(AppError::NotReady(why)),
        }
    }

    /// Waits until requests are answered from a complete state.
    ///
    /// # Errors
    ///
    /// [`AppError::NotReady`] when the fold failed; the text names the position.
    pub async fn wait_ready(&self) -> Result<(), AppError> {
        self.projector.wait(|now| now.readiness == Readiness::Ready).await
    }

    /// Waits until the views have folded everything up to `cursor`.
    ///
    /// # Errors
    ///
    /// [`AppError::NotReady`] when the fold failed; the text names the position.
    pub async fn wait_for(&self, cursor: &Cursor) -> Result<(), AppError> {
        self.projector.wait(|now| now.cursor.covers(cursor)).await
    }

    /// Waits until the views have folded what an append answered.
    ///
    /// # Errors
    ///
    /// As [`App::wait_for`].
    pub async fn wait_for_appended(&self, appended: &[Appended]) -> Result<(), AppError> {
        let mut cursor = Cursor::START;
        appended.iter().for_each(|one| cursor.advance(one.position));
        self.wait_for(&cursor).await
    }

    /// Appends records of one partition to the log and wakes the fold; durable when it returns.
    ///
    /// # Errors
    ///
    /// As [`EventLog::append`].
    pub async fn append(&self, records: Vec<Record>) -> Result<Vec<Appended>, AppError> {
        let _shared = self.door.appends.read().await;
        let appended = self.parts.log.append(records).await?;
        self.projector.wake();
        Ok(appended)
    }

    /// How far the views are behind the log.
    ///
    /// # Errors
    ///
    /// As the log.
    pub async fn lag(&self) -> Result<Lag, AppError> {
        let status = self.parts.log.status().await?;
        let views = self.views.read();
        let records = status.records.saturating_sub(views.counters.records());
        let age = self.clock.now().ms_since(views.counters.received_at());
        let ms = if records == 0 { 0 } else { u64::try_from(age).unwrap_or(0) };
        Ok(Lag { records, ms })
    }

    /// Records of erased people that the fold passed over since the start: noise without a key.
    pub fn noise_records(&self) -> u64 {
        self.projector.n_noise()
    }

    /// The fingerprint of the live views; see [`Views::fingerprint`].
    ///
    /// # Errors
    ///
    /// [`AppError::NotReady`] when the program is ending.
    pub async fn views_fingerprint(&self) -> Result<String, AppError> {
        self.projector.inspect(Views::fingerprint).await
    }

    /// Stores a snapshot of the views, so that the next start need not fold what they hold.
    ///
    /// # Errors
    ///
    /// As the blob store.
    pub async fn snapshot_now(&self) -> Result<(), AppError> {
        self.projector.snapshot().await
    }

    /// Folds the whole log anew and returns the fingerprint of the result.
    ///
    /// # Errors
    ///
    /// As the log; [`AppError::NotReady`] for a record that cannot be read.
    pub async fn rebuild_fingerprint(&self) -> Result<String, AppError> {
        let end = self.parts.log.end().await?;
        let rules = Arc::clone(&self.rules);
        Ok(projector::rebuild(&self.parts, &end, rules).await?.fingerprint())
    }

    /// Folds the whole log anew and puts the result in the place of the live views, between two slices of
    /// the fold; readers notice nothing. Afterwards no snapshot of the old views is left.
    pub(crate) async fn refold(&self) -> Result<(), AppError> {
        let end = self.parts.log.end().await?;
        let fresh = projector::rebuild(&self.parts, &end, Arc::clone(&self.rules)).await?;
        self.projector.replace(fresh).await?;
        self.projector.purge_snapshots().await
    }

    /// The fingerprints of the live views and of a rebuild up to the same record; equal when all is
    /// well. The text names the projections that differ.
    ///
    /// # Errors
    ///
    /// As [`App::rebuild_fingerprint`].
    pub async fn check_views(&self) -> Result<ViewsCheck, AppError> {
        let look = |views: &Views| (views.fingerprints(), views.cursor.clone());
        let (live, cursor) = self.projector.inspect(look).await?;
        let rules = Arc::clone(&self.rules);
        let rebuilt = projector::rebuild(&self.parts, &cursor, rules).await?.fingerprints();
        let pairs = live.into_iter().zip(rebuilt);
        let differing = pairs.filter(|(live, rebuilt)| live != rebuilt).map(|(live, _)| live.0);
        Ok(ViewsCheck { differing: differing.collect() })
    }

    /// Ends the fold, writes a snapshot, and returns once both are done.
    ///
    /// # Errors
    ///
    /// As the blob store; the log holds everything all the same.
    pub async fn close(self: &Arc<App>) -> Result<(), AppError> {
        self.give_up_newcomers(None);
        self.flush_impressions().await;
        self.close_audit().await;
        self.save_outlooks().await;
        self.projector.stop().await?;
        self.save_search_at_end().await;
        Ok(())
    }

    /// The shop's clock.
    pub fn clock(&self) -> Clock {
        self.clock
    }
}

/// What became of a comparison of the live views with a rebuild.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ViewsCheck {
    /// The projections that differ; empty when all is well.
    pub differing: Vec<&'static str>,
}

#[cfg(test)]
mod tests;
