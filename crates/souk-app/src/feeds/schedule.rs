use std::sync::{Arc, Weak};
use std::time::Duration;

use super::FeedMode;
use crate::{App, AppError, Caller, Silent};

/// How often it is looked whether a feed is due; chosen: feeds run by the minute.
const LOOK_PAUSE: Duration = Duration::from_secs(20);

/// Runs the feeds of the settings when they are due, until the application is gone. For a server; a
/// command that comes and goes must not begin it.
pub async fn keep_feeds(app: Weak<App>) {
    loop {
        let Some(strong) = app.upgrade() else { return };
        if strong.config.feeds.sources.is_empty() {
            return;
        }
        if strong.check_ready().is_ok()
            && let Err(error) = strong.run_due_feeds().await
        {
            tracing::warn!(%error, "feeds cannot be looked at; it is tried again");
        }
        drop(strong);
        tokio::time::sleep(LOOK_PAUSE).await;
    }
}

impl App {
    /// Runs every feed that is due; one that fails is logged and keeps none of the others.
    pub(super) async fn run_due_feeds(self: &Arc<App>) -> Result<(), AppError> {
        for idx in 0..self.config.feeds.sources.len() {
            let source = &self.config.feeds.sources[idx];
            if self.feed_state(source).await?.next_at > self.clock.now() {
                continue;
            }
            let caller = Caller::local_admin();
            match self.run_feed((&source.name, FeedMode::Run), &caller, &Silent).await {
                Ok(run) => {
                    let outcome = run.outcome.as_str();
                    tracing::info!(feed = source.name, outcome, products = run.products, "feed");
                }
                Err(error) => tracing::warn!(feed = source.name, %error, "a feed failed"),
            }
        }
        Ok(())
    }
}
