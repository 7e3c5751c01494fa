//! At which times a rule holds.

use std::fmt;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use crate::{Day, TimeError, Timestamp};

const MINUTE_MS: i64 = 60_000;
const DAY_MINUTES: i64 = 1_440;

/// A moment of a schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// The same for everybody: `2026-11-27T00:00:00Z`.
    Exact(Timestamp),
    /// By the clock of the site: `2026-11-27T00:00:00`. Milliseconds since 1970-01-01T00:00 on that
    /// clock, so that one rule begins at midnight in each country.
    Local(i64),
}

impl Moment {
    /// Reads RFC 3339; without an offset it is by the clock of the site, a date alone is its midnight.
    ///
    /// # Errors
    ///
    /// [`TimeError`] when the text is no time, or out of range.
    pub fn parse(text: &str) -> Result<Moment, TimeError> {
        // A civil time with an offset would be read too, and the offset lost.
        let has_offset =
            text.ends_with(['Z', 'z']) || text.get(11..).is_some_and(|s| s.contains(['+', '-']));
        if has_offset {
            return Timestamp::parse(text).map(Moment::Exact);
        }
        let shown = || TimeError::NotRfc3339(text.chars().take(64).collect());
        let civil: DateTime = text.parse().map_err(|_| shown())?;
        let utc = civil.to_zoned(TimeZone::UTC).map_err(|_| shown())?;
        let ms = Timestamp::from_ms(utc.timestamp().as_millisecond())?.as_ms();
        Ok(Moment::Local(ms))
    }

    /// The moment in milliseconds, by whichever clock it is.
    fn ms(self) -> i64 {
        match self {
            Moment::Exact(at) => at.as_ms(),
            Moment::Local(ms) => ms,
        }
    }

    fn is_past(self, now: &Now) -> bool {
        match self {
            Moment::Exact(at) => at <= now.at,
            Moment::Local(ms) => ms <= now.local_ms,
        }
    }
}

impl fmt::Display for Moment {
    /// As it is read.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Moment::Exact(at) => at.fmt(f),
            Moment::Local(ms) => {
                let at = Timestamp::from_ms(*ms).unwrap_or_default().to_string();
                f.write_str(at.strip_suffix('Z').unwrap_or(&at))
            }
        }
    }
}

/// A day of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Weekday {
    Mon,
    Tue,
    Wed,
    Thu,
    Fri,
    Sat,
    Sun,
}

impl Weekday {
    /// The days in the order of the week.
    pub const ALL: [Weekday; 7] = [
        Weekday::Mon,
        Weekday::Tue,
        Weekday::Wed,
        Weekday::Thu,
        Weekday::Fri,
        Weekday::Sat,
        Weekday::Sun,
    ];

    /// The weekday of a day.
    pub fn of(day: Day) -> Weekday {
        // 1970-01-01 was a Thursday.
        Weekday::ALL[(day.number() + 3).rem_euclid(7) as usize]
    }

    /// The name in rules.
    pub fn as_str(self) -> &'static str {
        match self {
            Weekday::Mon => "mon",
            Weekday::Tue => "tue",
            Weekday::Wed => "wed",
            Weekday::Thu => "thu",
            Weekday::Fri => "fri",
            Weekday::Sat => "sat",
            Weekday::Sun => "sun",
        }
    }

    /// Reads the name in rules.
    pub fn parse(text: &str) -> Option<Weekday> {
        Weekday::ALL.into_iter().find(|day| day.as_str() == text)
    }
}

/// A part of the day, by the clock of the site. One that ends before it begins goes over midnight and
/// belongs to the day on which it began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hours {
    /// The first minute of the day, 0 to 1,439.
    pub from: u16,
    /// The first minute that is no longer in it, 1 to 1,440.
    pub until: u16,
}

impl Hours {
    /// Reads `08:30`, up to `24:00`, as minutes.
    pub fn minute(text: &str) -> Option<u16> {
        let (hours, minutes) = text.split_once(':')?;
        let two = |text: &str| {
            let is_plain = text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit());
            text.parse::<u16>().ok().filter(|_| is_plain)
        };
        let (hours, minutes) = (two(hours)?, two(minutes)?);
        let minute = hours * 60 + minutes;
        (minutes < 60 && i64::from(minute) <= DAY_MINUTES).then_some(minute)
    }
}

/// At which times a rule holds; the default is always.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schedule {
    /// Not before.
    pub from: Option<Moment>,
    /// Not from then on.
    pub until: Option<Moment>,
    /// On these days of the week, by the clock of the site; empty is every day.
    pub days: Vec<Weekday>,
    /// In this part of the day.
    pub hours: Option<Hours>,
}

/// A moment as schedules look at it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Now {
    pub(super) at: Timestamp,
    /// Milliseconds since 1970-01-01T00:00 by the clock of the site.
    pub(super) local_ms: i64,
}

impl Now {
    pub(super) fn of(at: Timestamp, zone: &TimeZone) -> Now {
        Now { at, local_ms: at.local_ms(zone) }
    }

    /// Days since a Monday, and minutes since midnight.
    fn day_and_minute(&self) -> (i64, i64) {
        let minutes = self.local_ms.div_euclid(MINUTE_MS);
        // 1970-01-01 was a Thursday.
        (minutes.div_euclid(DAY_MINUTES) + 3, minutes.rem_euclid(DAY_MINUTES))
    }
}

impl Schedule {
    /// Whether it holds now.
    pub fn holds(&self, at: Timestamp, zone: &TimeZone) -> bool {
        self.holds_now(&Now::of(at, zone))
    }

    /// Whether it is over for good.
    pub fn is_over(&self, at: Timestamp, zone: &TimeZone) -> bool {
        self.until.is_some_and(|until| until.is_past(&Now::of(at, zone)))
    }

    pub(super) fn holds_now(&self, now: &Now) -> bool {
        if self.from.is_some_and(|from| !from.is_past(now))
            || self.until.is_some_and(|until| until.is_past(now))
        {
            return false;
        }
        if self.days.is_empty() && self.hours.is_none() {
            return true;
        }
        let (day, minute) = now.day_and_minute();
        let is_on = |day: i64| {
            self.days.is_empty() || self.days.contains(&Weekday::ALL[day.rem_euclid(7) as usize])
        };
        let Some(hours) = self.hours else { return is_on(day) };
        let (from, until) = (i64::from(hours.from), i64::from(hours.until));
        if from < until {
            return is_on(day) && (from..until).contains(&minute);
        }
        minute >= from && is_on(day) || minute < until && is_on(day - 1)
    }

    /// Whether it always holds.
    pub(super) fn is_always(&self) -> bool {
        *self == Schedule::default()
    }

    /// The first moment after `now` at which it could change its mind. By the clock of a site that is
    /// the next minute: the clock may be put forward or back in between.
    pub(super) fn stands_until(&self, now: &Now) -> Timestamp {
        let minute = now.at.as_ms().div_euclid(MINUTE_MS) + 1;
        let next_minute = Timestamp::EPOCH.plus_ms(minute.saturating_mul(MINUTE_MS));
        let is_local = |moment: &Option<Moment>| matches!(moment, Some(Moment::Local(_)));
        if !self.days.is_empty()
            || self.hours.is_some()
            || is_local(&self.from)
            || is_local(&self.until)
        {
            return next_minute;
        }
        let moments = [self.from, self.until].into_iter().flatten();
        let exact = moments.filter_map(|moment| match moment {
            Moment::Exact(at) if at > now.at => Some(at),
            _ => None,
        });
        exact.min().unwrap_or(Timestamp::LAST)
    }

    pub(super) fn fault(&self) -> Option<String> {
        if let (Some(from), Some(until)) = (self.from, self.until)
            && matches!(
                (from, until),
                (Moment::Exact(_), Moment::Exact(_)) | (Moment::Local(_), Moment::Local(_))
            )
            && from.ms() >= until.ms()
        {
            return Some(format!("ends at {until}, not after {from}; it would never hold"));
        }
        let hours = self.hours?;
        let is_sound = i64::from(hours.from) < DAY_MINUTES
            && (1..=DAY_MINUTES).contains(&i64::from(hours.until))
            && hours.from != hours.until;
        (!is_sound)
            .then(|| "has hours that begin and end at the same minute; leave them out".to_owned())
    }
}
