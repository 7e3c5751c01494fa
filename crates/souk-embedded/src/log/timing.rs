//! How long commits took.

use std::time::Duration;

/// Commits that are remembered.
const SAMPLES_MAX: usize = 1_000;

/// The times of the last thousand commits.
#[derive(Debug, Default)]
pub(crate) struct SyncTimes {
    samples_us: Vec<u64>,
    next_idx: usize,
}

impl SyncTimes {
    pub(crate) fn add(&mut self, time: Duration) {
        let us = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        if self.samples_us.len() < SAMPLES_MAX {
            self.samples_us.push(us);
        } else {
            self.samples_us[self.next_idx] = us;
            self.next_idx = (self.next_idx + 1) % SAMPLES_MAX;
        }
    }

    /// Median and 99th percentile in microseconds (nearest rank); zeros before the first commit.
    pub(crate) fn percentiles(&self) -> (u64, u64) {
        let mut sorted = self.samples_us.clone();
        sorted.sort_unstable();
        let at = |percent: usize| {
            let rank = (sorted.len() * percent).div_ceil(100).max(1);
            sorted.get(rank - 1).copied().unwrap_or(0)
        };
        (at(50), at(99))
    }
}
