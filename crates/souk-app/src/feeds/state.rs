//! What became of runs, kept in the tables: one row for each feed.

use serde::{Deserialize, Serialize};
use souk_core::Timestamp;
use souk_ports::{Condition, Write, WriteChange};

use super::{FeedOutcome, FeedRun, FeedState, StoredRun, Validators};
use crate::config::FeedSettings;
use crate::{App, AppError};

const PARTITION: &str = "feeds";
/// Minutes until a run that failed is tried again, at most; chosen.
const RETRY_MINUTES: u64 = 15;

/// One row.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Stored {
    /// RFC 3339.
    at: Option<String>,
    good_at: Option<String>,
    outcome: Option<FeedOutcome>,
    error: Option<String>,
    run: Option<FeedRun>,
    pub(super) validators: Validators,
}

impl Stored {
    /// Notes how a run ended that began at `at`.
    pub(super) fn note(&mut self, at: Timestamp, ended: &Result<FeedRun, AppError>) {
        self.at = Some(at.to_string());
        match ended {
            Ok(run) => {
                self.outcome = Some(run.outcome);
                self.error = None;
                if matches!(run.outcome, FeedOutcome::Done | FeedOutcome::Unchanged) {
                    self.good_at = Some(at.to_string());
                }
                if run.outcome != FeedOutcome::Unchanged || self.run.is_none() {
                    self.run = Some(run.clone());
                }
            }
            Err(error) => {
                self.outcome = Some(FeedOutcome::Failed);
                self.error = Some(error.to_string());
            }
        }
    }

    fn state(self, source: &FeedSettings, now: Timestamp) -> FeedState {
        let parsed = |text: Option<String>| Timestamp::parse(&text?).ok();
        let at = parsed(self.at);
        let minutes = match self.outcome {
            Some(FeedOutcome::Failed) => source.every_minutes.min(RETRY_MINUTES),
            _ => source.every_minutes,
        };
        let pause_ms = i64::try_from(minutes * 60_000).unwrap_or(i64::MAX);
        let last = at.zip(self.outcome).map(|(at, outcome)| {
            let run = self.run.filter(|_| outcome != FeedOutcome::Failed);
            StoredRun { at, outcome, error: self.error, run }
        });
        FeedState {
            name: source.name.clone(),
            last,
            good_at: parsed(self.good_at),
            next_at: at.map_or(now, |at| at.plus_ms(pause_ms)),
        }
    }
}

impl App {
    pub(super) async fn feed_row(&self, name: &str) -> Result<Stored, AppError> {
        let row = self.parts.tables.get(PARTITION, name, self.clock.now()).await?;
        // What cannot be read any more costs one run.
        Ok(row.and_then(|row| serde_json::from_slice(&row.value).ok()).unwrap_or_default())
    }

    pub(super) async fn feed_state(&self, source: &FeedSettings) -> Result<FeedState, AppError> {
        Ok(self.feed_row(&source.name).await?.state(source, self.clock.now()))
    }

    pub(super) async fn put_feed_row(&self, name: &str, row: &Stored) -> Result<(), AppError> {
        let value = serde_json::to_vec(row).expect("texts and numbers always serialise");
        let write = Write {
            partition_key: PARTITION.to_owned(),
            sort_key: name.to_owned(),
            condition: Condition::Any,
            change: WriteChange::Put { value, expires_at: None },
        };
        self.parts.tables.write(&[write], self.clock.now()).await?;
        Ok(())
    }
}
