use souk_ports::LogStatus;

use crate::{App, AppError, Config, ViewSizes, Views};

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

    /// How much the views hold, for metrics.
    pub fn view_sizes(&self) -> ViewSizes {
        self.views.read().sizes()
    }
}
