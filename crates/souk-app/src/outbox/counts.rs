//! How many messages wait or were given up, without reading them.
//!
//! Counted once by a walk through the rows, then kept by what is written. A walk during which something
//! was written may be off by that much; the hourly tidying counts again.

use std::collections::BTreeMap;

use parking_lot::Mutex;
use souk_ports::{Write, WriteChange};

use super::rows::{DEAD, Pages, UNREADABLE, WAITING, names_of};
use crate::{App, AppError};

/// Partitions that are counted, in the order of [`Numbers`].
const COUNTED: [&str; 3] = [WAITING, DEAD, UNREADABLE];
/// Walks before one is taken although something was written during it.
const WALKS_MAX: usize = 3;

/// Messages of one endpoint: that wait, that were given up, that cannot be read.
pub(super) type Numbers = [i64; 3];

#[derive(Debug, Default)]
struct State {
    by_endpoint: BTreeMap<String, Numbers>,
    /// Whether the rows were walked through.
    is_known: bool,
    /// Grows with every write.
    changes: u64,
}

/// The counts of an outbox.
#[derive(Debug, Default)]
pub(super) struct Counts(Mutex<State>);

impl Counts {
    /// Takes note of writes that happened.
    pub(super) fn note(&self, writes: &[Write]) {
        let mut state = self.0.lock();
        for write in writes {
            let Some(idx) = COUNTED.iter().position(|name| *name == write.partition_key) else {
                continue;
            };
            let (_, endpoint) = names_of(COUNTED[idx], &write.sort_key).unwrap_or_default();
            let by = match write.change {
                WriteChange::Put { .. } => 1,
                WriteChange::Delete => -1,
            };
            state.changes += 1;
            state.by_endpoint.entry(endpoint.to_owned()).or_default()[idx] += by;
        }
    }

    fn known(&self) -> Option<BTreeMap<String, Numbers>> {
        let state = self.0.lock();
        state.is_known.then(|| state.by_endpoint.clone())
    }
}

impl App {
    /// How many messages there are by endpoint.
    pub(super) async fn outbox_counts(&self) -> Result<BTreeMap<String, Numbers>, AppError> {
        match self.door.outbox.counts.known() {
            Some(known) => Ok(known),
            None => self.recount_outbox().await,
        }
    }

    /// Counts by walking through the rows.
    pub(super) async fn recount_outbox(&self) -> Result<BTreeMap<String, Numbers>, AppError> {
        let counts = &self.door.outbox.counts.0;
        let mut walk = 0;
        loop {
            walk += 1;
            let changes = counts.lock().changes;
            let mut found: BTreeMap<String, Numbers> = BTreeMap::new();
            for (idx, partition) in COUNTED.into_iter().enumerate() {
                let mut pages = Pages::of(&self.parts, partition);
                while let Some(page) = pages.next().await? {
                    for row in page {
                        let (_, endpoint) = names_of(partition, &row.sort_key).unwrap_or_default();
                        found.entry(endpoint.to_owned()).or_default()[idx] += 1;
                    }
                }
            }
            let mut state = counts.lock();
            if state.changes == changes || walk == WALKS_MAX {
                (state.by_endpoint, state.is_known) = (found.clone(), true);
                return Ok(found);
            }
        }
    }
}
