use std::time::{SystemTime, UNIX_EPOCH};

use souk_core::Timestamp;

/// The only reader of time in the application.
#[derive(Clone, Copy, Debug, Default)]
pub struct Clock {
    shift_ms: i64,
}

impl Clock {
    /// The machine's own time.
    pub fn system() -> Clock {
        Clock { shift_ms: 0 }
    }

    /// A clock that shows `now` at this moment and runs on from there: old sample data stays fresh.
    pub fn standing_at(now: Timestamp) -> Clock {
        Clock { shift_ms: now.as_ms() - system_ms() }
    }

    /// What the clock shows.
    pub fn now(&self) -> Timestamp {
        Timestamp::EPOCH.plus_ms(system_ms() + self.shift_ms)
    }
}

fn system_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).expect("milliseconds since 1970 fit for ages")
}
