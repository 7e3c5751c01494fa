use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use souk_core::Timestamp;

/// The only reader of time in the application.
#[derive(Clone, Copy, Debug, Default)]
pub struct Clock {
    shift_ms: i64,
    /// Milliseconds since 1970, where the clock is moved by hand.
    hand: Option<&'static AtomicI64>,
}

impl Clock {
    /// The machine's own time.
    pub fn system() -> Clock {
        Clock::default()
    }

    /// A clock that shows `now` at this moment and runs on from there: old sample data stays fresh.
    pub fn standing_at(now: Timestamp) -> Clock {
        Clock { shift_ms: now.as_ms() - system_ms(), hand: None }
    }

    /// A clock that shows the milliseconds since 1970 in `hand`, and moves only when those are set:
    /// for simulations that live a month in a second.
    pub fn by_hand(hand: &'static AtomicI64) -> Clock {
        Clock { shift_ms: 0, hand: Some(hand) }
    }

    /// What the clock shows.
    pub fn now(&self) -> Timestamp {
        let ms = self.hand.map_or_else(system_ms, |hand| hand.load(Ordering::SeqCst));
        Timestamp::EPOCH.plus_ms(ms + self.shift_ms)
    }
}

fn system_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).expect("milliseconds since 1970 fit for ages")
}
