//! What came in, counted for metrics.

use std::sync::atomic::{AtomicU64, Ordering};

use super::incoming::Sender;
use super::refusal::RejectReason;

/// Counts since the start.
#[derive(Debug, Default)]
pub(crate) struct IngestCounters {
    accepted: AtomicU64,
    duplicates: AtomicU64,
    rejected: [AtomicU64; RejectReason::ALL.len()],
    unknown_keys: AtomicU64,
    gpc: AtomicU64,
    crawlers: AtomicU64,
    staff: AtomicU64,
    pub(crate) impressions: ImpressionCounters,
}

#[derive(Debug, Default)]
pub(crate) struct ImpressionCounters {
    pub(crate) recorded: AtomicU64,
    pub(crate) dropped: AtomicU64,
}

/// Counts since the start, at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IngestCounts {
    /// Events that were new.
    pub accepted: u64,
    /// Events that were known.
    pub duplicates: u64,
    /// Events that were refused, by reason.
    pub rejected: Vec<(&'static str, u64)>,
    /// Top-level keys that mean nothing.
    pub unknown_keys: u64,
    /// Events that came with `Sec-GPC: 1`.
    pub gpc: u64,
    /// Events of programs that give themselves a crawler's name: kept, and not learned from.
    pub crawlers: u64,
    /// Events of the shop's own people by the settings: kept, and not learned from.
    pub staff: u64,
    /// Answers that were recorded as impressions.
    pub impressions_recorded: u64,
    /// Answers that were not recorded because the queue was full or the log failed.
    pub impressions_dropped: u64,
}

fn add(counter: &AtomicU64, amount: u64) {
    counter.fetch_add(amount, Ordering::Relaxed);
}

impl IngestCounters {
    pub(crate) fn admit(&self, accepted: u64, duplicates: u64) {
        add(&self.accepted, accepted);
        add(&self.duplicates, duplicates);
    }

    pub(crate) fn reject(&self, reason: RejectReason) {
        add(&self.rejected[reason as usize], 1);
    }

    pub(crate) fn unknown_keys(&self, amount: u64) {
        add(&self.unknown_keys, amount);
    }

    pub(crate) fn gpc(&self, amount: u64) {
        add(&self.gpc, amount);
    }

    pub(crate) fn sent_by(&self, sender: Sender) {
        match sender {
            Sender::Shopper => {}
            Sender::Crawler => add(&self.crawlers, 1),
            Sender::Staff => add(&self.staff, 1),
        }
    }

    pub(crate) fn read(&self) -> IngestCounts {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let by_reason = RejectReason::ALL.into_iter().zip(&self.rejected);
        IngestCounts {
            accepted: read(&self.accepted),
            duplicates: read(&self.duplicates),
            rejected: by_reason.map(|(reason, count)| (reason.as_str(), read(count))).collect(),
            unknown_keys: read(&self.unknown_keys),
            gpc: read(&self.gpc),
            crawlers: read(&self.crawlers),
            staff: read(&self.staff),
            impressions_recorded: read(&self.impressions.recorded),
            impressions_dropped: read(&self.impressions.dropped),
        }
    }
}
