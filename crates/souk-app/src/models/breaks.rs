//! Rests while something is learned, so that answers come first.

use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// How long learning works before it rests, and the share of that time that it rests.
const WORK: Duration = Duration::from_millis(40);
const REST_SHARE: u32 = 8;

/// When learning rested last.
pub(super) struct Breaks(Mutex<Instant>);

impl Breaks {
    /// Work that begins now.
    pub(super) fn new() -> Breaks {
        Breaks(Mutex::new(Instant::now()))
    }

    /// Rests if the last time is long ago.
    pub(super) fn take(&self, rest: impl FnOnce(Duration)) {
        let Some(mut since) = self.0.try_lock() else { return };
        let worked = since.elapsed();
        if worked >= WORK {
            rest(worked / REST_SHARE);
            *since = Instant::now();
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn learning_rests_an_eighth_of_what_it_worked() {
        let long_ago = Instant::now().checked_sub(REST_SHARE * WORK).unwrap();
        let breaks = Breaks(Mutex::new(long_ago));
        let mut rested = None;
        breaks.take(|rest| rested = Some(rest));
        assert!(rested.unwrap() >= WORK);
        assert!(*breaks.0.lock() > long_ago, "it has rested now");
        // In a time to come, so that however long this test takes no work was done since.
        *breaks.0.lock() += 1_000 * WORK;
        breaks.take(|_| panic!("not again at once"));
    }
}
