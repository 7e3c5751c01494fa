//! For callers who show hits in their own way, or must know that what they changed is found.

use std::ops::Range;
use std::time::Duration;

use souk_core::SiteId;

use super::{SearchFound, SearchQuery};
use crate::{App, AppError};

/// How often it is looked whether the indexes have followed; chosen: as often as they look.
const LOOK_PAUSE: Duration = Duration::from_millis(5);
/// How long is waited for that at most; chosen: building a large index anew takes longer than anybody waits.
const WAIT_MAX: Duration = Duration::from_secs(10);

impl App {
    /// Waits until what the catalogue holds now is found, or ten seconds; before the first index of a site is built
    /// that can be a while longer.
    ///
    /// # Errors
    ///
    /// [`AppError::NotReady`] before the views have caught up.
    pub async fn wait_for_search(&self, site: &SiteId) -> Result<(), AppError> {
        self.check_ready()?;
        let followed = async {
            loop {
                // Changes are taken out while the marks are held, and the marks are let go of once they are in.
                if !self.views.read().catalogue.has_changes() {
                    let _marks = self.searching.marks.lock().await;
                    if self.searching.find(site).is_some() {
                        return;
                    }
                }
                tokio::time::sleep(LOOK_PAUSE).await;
            }
        };
        let _ = tokio::time::timeout(WAIT_MAX, followed).await;
        Ok(())
    }

    /// Gives `show` a way to find the places of a search's words in a text, in bytes, rising.
    ///
    /// # Errors
    ///
    /// [`AppError::NotReady`] while the index is being built.
    pub fn with_found_words<T>(
        &self,
        (query, found): (&SearchQuery, &SearchFound),
        show: impl FnOnce(&dyn Fn(&str) -> Vec<Range<usize>>) -> T,
    ) -> Result<T, AppError> {
        let site = query.context.site.clone().unwrap_or_else(|| self.config.main_site());
        let shelf = self.searching.shelf(&site)?;
        let index = shelf.index.read();
        let meant = found.corrected.as_deref().unwrap_or(&query.query);
        let highlighter = index.highlighter(meant, (found.language, query.typing));
        Ok(show(&|text| highlighter.find(text)))
    }
}
