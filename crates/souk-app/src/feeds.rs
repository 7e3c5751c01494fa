//! Feeds: files from which the catalogue is kept up to date by itself, as `feeds` of the settings names them.
//!
//! A run reads the whole file before it writes anything, so that a file that is broken, or that lacks far more
//! products than it should, changes nothing. *Not* here: how a file gets over the network; that is what
//! [`FeedFetcher`] is for.

mod quality;
mod run;
mod schedule;
mod state;
#[cfg(test)]
mod tests;

use std::fmt::Debug;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use souk_core::Timestamp;

use crate::config::FeedSettings;
use crate::{App, AppError, Caller, Operation};

pub use quality::{FeedQuality, Shortcoming};
pub use schedule::keep_feeds;

/// A question for a file on the network.
#[derive(Debug)]
pub struct FeedCall<'a> {
    /// Where it is.
    pub url: &'a str,
    /// What the file was marked with when it was fetched before.
    pub validators: &'a Validators,
    /// Bytes that it may have.
    pub bytes_max: u64,
    /// How long fetching it may take.
    pub timeout: Duration,
}

/// By what a server tells whether a file has changed (RFC 9110, section 8.8).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Validators {
    /// `ETag`.
    pub etag: Option<String>,
    /// `Last-Modified`.
    pub last_modified: Option<String>,
}

/// What became of a question for a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fetched {
    /// It is written, and has these marks.
    Whole(Validators),
    /// It is as it was.
    Unchanged,
}

/// What gets files over the network.
#[async_trait]
pub trait FeedFetcher: Debug + Send + Sync {
    /// Writes the file to `to`; follows no redirect, and connects to no address that the settings do not
    /// allow. What is at `to` after a failure means nothing.
    ///
    /// # Errors
    ///
    /// What went wrong, for people.
    async fn fetch(&self, call: FeedCall<'_>, to: &Path) -> Result<Fetched, String>;
}

/// How a run is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FeedMode {
    /// As the settings say.
    Run,
    /// Only looks.
    DryRun,
    /// Removes whatever the file lacks, this once.
    AllowRemovals,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FeedOutcome {
    /// The catalogue is as the file says.
    Done,
    /// The server says that the file is as it was.
    Unchanged,
    /// More products than the settings allow would have been removed; nothing was written.
    Refused,
    /// The file could not be fetched or read.
    Failed,
    /// Nothing was to be written.
    Looked,
}

impl FeedOutcome {
    /// The name in answers, figures and audit entries.
    pub fn as_str(self) -> &'static str {
        match self {
            FeedOutcome::Done => "done",
            FeedOutcome::Unchanged => "unchanged",
            FeedOutcome::Refused => "refused",
            FeedOutcome::Failed => "failed",
            FeedOutcome::Looked => "looked",
        }
    }
}

/// What a run did, or would do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FeedRun {
    /// How it ended.
    pub outcome: FeedOutcome,
    /// Products in the file.
    pub products: u64,
    /// Of those, the ones that the catalogue did not have.
    pub new: u64,
    /// Of those, the ones that differ from the catalogue's.
    pub changed: u64,
    /// Products of the site that the file does not name, where it is full.
    pub absent: u64,
    /// Of those, the ones that were removed.
    pub removed: u64,
    /// Rows that were left out.
    pub rejected: u64,
    /// Where those are listed.
    pub rejected_file: Option<PathBuf>,
    /// What the products lack.
    pub quality: FeedQuality,
    /// What was assumed, and why something was not done.
    pub notes: Vec<String>,
    /// The time it took.
    pub elapsed_ms: u64,
}

/// How a feed stands.
#[derive(Clone, Debug, PartialEq)]
pub struct FeedState {
    /// Its name.
    pub name: String,
    /// Its last run that was no dry run.
    pub last: Option<StoredRun>,
    /// When it last made the catalogue as the file says, or found the file as it was.
    pub good_at: Option<Timestamp>,
    /// When it runs next, by the settings.
    pub next_at: Timestamp,
}

/// A run that is over.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredRun {
    /// When it began.
    pub at: Timestamp,
    /// How it ended.
    pub outcome: FeedOutcome,
    /// What went wrong.
    pub error: Option<String>,
    /// What it did; none where the file could not be read.
    pub run: Option<FeedRun>,
}

/// What feeds need beside the settings.
#[derive(Debug, Default)]
pub(crate) struct Feeds {
    equipment: OnceLock<Equipment>,
    /// One run at a time: each takes the fold's and the disk's whole attention.
    running: tokio::sync::Mutex<()>,
}

#[derive(Debug)]
struct Equipment {
    fetcher: Arc<dyn FeedFetcher>,
    folder: PathBuf,
}

impl App {
    /// Says what fetches files over the network and where they are kept meanwhile; once.
    pub fn equip_feeds(&self, fetcher: Arc<dyn FeedFetcher>, folder: PathBuf) {
        // The first one stays: a second would be the same.
        let _ = self.feeds.equipment.set(Equipment { fetcher, folder });
    }

    /// How every feed of the settings stands.
    ///
    /// # Errors
    ///
    /// [`AppError::Denied`] without the role; as the tables.
    pub async fn feed_states(&self, caller: &Caller) -> Result<Vec<FeedState>, AppError> {
        caller.check(Operation::ReadMetrics)?;
        let mut states = Vec::new();
        for source in &self.config.feeds.sources {
            states.push(self.feed_state(source).await?);
        }
        Ok(states)
    }

    fn feed(&self, name: &str) -> Result<&FeedSettings, AppError> {
        let sources = &self.config.feeds.sources;
        sources.iter().find(|source| source.name == name).ok_or_else(|| {
            let known: Vec<&str> = sources.iter().map(|source| source.name.as_str()).collect();
            let detail = match known.is_empty() {
                true => "`feeds.sources` in souk.yaml names none".to_owned(),
                false => format!("there are {}", known.join(", ")),
            };
            AppError::invalid(
                "unknown_feed",
                "name",
                format!("there is no feed `{name}`; {detail}"),
            )
        })
    }
}
