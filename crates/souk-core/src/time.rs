use std::fmt;

use jiff::civil::Date;
use jiff::tz::TimeZone;

/// Why a text or number is not a time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TimeError {
    /// Not RFC 3339.
    #[error("time `{0}` is not RFC 3339; write for example 2026-01-31T18:30:00Z")]
    NotRfc3339(String),
    /// Not an ISO date.
    #[error("date `{0}` is not ISO 8601; write for example 2026-01-31")]
    NotDate(String),
    /// Before 1970 or after 9999.
    #[error("time {0} ms is out of range; it must lie between 1970 and 9999")]
    OutOfRange(i64),
}

/// A moment: milliseconds since 1970-01-01T00:00:00Z, never before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The first moment.
    pub const EPOCH: Timestamp = Timestamp(0);
    /// 9999-12-30T22:00:00Z: the last moment that jiff can show in every time zone.
    const MS_MAX: i64 = 253_402_207_200_000;

    /// The last moment.
    pub const LAST: Timestamp = Timestamp(Timestamp::MS_MAX);

    /// Takes milliseconds since the epoch.
    ///
    /// # Errors
    ///
    /// [`TimeError::OutOfRange`] before 1970 or after 9999.
    pub fn from_ms(ms: i64) -> Result<Timestamp, TimeError> {
        if (0..=Timestamp::MS_MAX).contains(&ms) {
            Ok(Timestamp(ms))
        } else {
            Err(TimeError::OutOfRange(ms))
        }
    }

    /// Reads RFC 3339, with any offset.
    ///
    /// # Errors
    ///
    /// [`TimeError`] when the text is no such time or out of range.
    pub fn parse(text: &str) -> Result<Timestamp, TimeError> {
        let parsed: jiff::Timestamp =
            text.parse().map_err(|_| TimeError::NotRfc3339(text.chars().take(64).collect()))?;
        Timestamp::from_ms(parsed.as_millisecond())
    }

    /// Milliseconds since the epoch.
    pub fn as_ms(self) -> i64 {
        self.0
    }

    /// This moment moved by `ms`, kept within range.
    pub fn plus_ms(self, ms: i64) -> Timestamp {
        Timestamp(self.0.saturating_add(ms).clamp(0, Timestamp::MS_MAX))
    }

    /// Milliseconds from `earlier` to this moment; negative when `earlier` is later.
    pub fn ms_since(self, earlier: Timestamp) -> i64 {
        self.0 - earlier.0
    }

    /// Milliseconds since 1970-01-01T00:00 as a clock in `zone` shows them.
    pub fn local_ms(self, zone: &TimeZone) -> i64 {
        self.0 + i64::from(zone.to_offset(self.to_jiff()).seconds()) * 1_000
    }

    fn to_jiff(self) -> jiff::Timestamp {
        jiff::Timestamp::from_millisecond(self.0).expect("the constructor checked the range")
    }
}

impl fmt::Display for Timestamp {
    /// RFC 3339 in UTC, with milliseconds.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3}", self.to_jiff())
    }
}

/// A calendar day: days since 1970-01-01. Which moments it holds is up to a place's time zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Day(i32);

impl Day {
    /// Takes days since 1970-01-01.
    pub fn from_number(days: i32) -> Day {
        Day(days)
    }

    /// Days since 1970-01-01.
    pub fn number(self) -> i32 {
        self.0
    }

    /// The business day of `at` in `zone`, where a day begins `cut_minutes` after midnight.
    pub fn of(at: Timestamp, zone: &TimeZone, cut_minutes: u16) -> Day {
        let local_ms = at.local_ms(zone) - i64::from(cut_minutes) * 60_000;
        Day(i32::try_from(local_ms.div_euclid(86_400_000)).expect("9999 fits"))
    }

    /// Reads an ISO date of the form `2026-01-31`, and no other: a time of day would be lost.
    ///
    /// # Errors
    ///
    /// [`TimeError::NotDate`] when the text is none.
    pub fn parse(text: &str) -> Result<Day, TimeError> {
        let is_plain = text.len() == 10 && text.bytes().all(|b| b.is_ascii_digit() || b == b'-');
        let date: Option<Date> = text.parse().ok().filter(|_| is_plain);
        let date = date.ok_or_else(|| TimeError::NotDate(text.chars().take(64).collect()))?;
        let since = date.since(Date::constant(1970, 1, 1)).expect("a difference in days fits");
        Ok(Day(since.get_days()))
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let since = jiff::Span::new().try_days(self.0);
        match since.and_then(|since| Date::constant(1970, 1, 1).checked_add(since)) {
            Ok(date) => write!(f, "{date}"),
            Err(_) => write!(f, "day {}", self.0),
        }
    }
}

#[cfg(test)]
mod tests;
