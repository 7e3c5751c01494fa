//! What the doors share between requests: keys, limits, hashes, counters, the queue of impressions.

use std::sync::{Arc, Weak};
use std::time::Duration;

use crate::access::Access;
use crate::limits::Limits;
use crate::{App, AppError, Config, Parts};

/// How often keys are read again, so that one made or revoked by another process counts soon.
const KEYS_REFRESH: Duration = Duration::from_secs(1);

/// The state behind the doors.
#[derive(Debug)]
pub(crate) struct Door {
    pub(crate) access: Access,
    pub(crate) limits: Limits,
}

impl Door {
    pub(crate) async fn open(parts: &Parts, config: &Config) -> Result<Door, AppError> {
        Ok(Door {
            access: Access::open(&*parts.tables, &*parts.keys).await?,
            limits: Limits::new(config.limits.clone()),
        })
    }

    /// Starts what runs beside requests; it ends with the application.
    pub(crate) fn start(app: &Arc<App>) {
        tokio::spawn(refresh_keys(Arc::downgrade(app)));
    }
}

async fn refresh_keys(app: Weak<App>) {
    loop {
        tokio::time::sleep(KEYS_REFRESH).await;
        let Some(app) = app.upgrade() else { return };
        if let Err(error) = app.refresh_keys().await {
            tracing::warn!(%error, "keys could not be read again");
        }
    }
}
