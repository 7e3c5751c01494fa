use souk_core::SubjectId;
use souk_ports::LogStatus;

use crate::{App, AppError, Config, IdKind, ViewSizes, Views};

impl App {
    /// The settings that are in force.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Size, growth and sync times of the log, for metrics.
    ///
    /// # Errors
    ///
    /// As the log.
    pub async fn log_status(&self) -> Result<LogStatus, AppError> {
        Ok(self.parts.log.status().await?)
    }

    /// Looks at the views, for audits and reports; the fold waits as long as `look` takes.
    pub fn with_views<T>(&self, look: impl FnOnce(&Views) -> T) -> T {
        look(&self.views.read())
    }

    /// The subject that an id belongs to, if the shop ever met it: for audits and erasure.
    ///
    /// # Errors
    ///
    /// As the key store.
    pub async fn find_subject(
        &self,
        kind: IdKind,
        id: &str,
    ) -> Result<Option<SubjectId>, AppError> {
        let found = self.parts.keys.find(&[self.door.hasher.id(kind, id)]).await?;
        Ok(found.into_iter().next().flatten())
    }

    /// How much the views hold, for metrics.
    pub fn view_sizes(&self) -> ViewSizes {
        self.views.read().sizes()
    }
}
