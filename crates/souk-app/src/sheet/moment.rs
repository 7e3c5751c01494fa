//! Times as files write them.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use souk_core::{Day, Timestamp};

use super::Cell;

/// Unix seconds below this, in March 1973, are rather a spreadsheet's number of a day (chosen).
const SECONDS_MIN: f64 = 1e8;

/// What a file says of when: a moment, or what a clock or a calendar at the place shows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Moment {
    /// With its offset, or in Unix seconds.
    At(Timestamp),
    /// A date and a time of day.
    Clock(DateTime),
    /// A date alone.
    Day(Date),
}

impl Moment {
    /// When that is by a clock; a date alone is where the day begins, which is so many minutes after midnight. A time that a
    /// clock passes over or shows twice is taken as jiff does: later, and the first one.
    pub(crate) fn by(self, zone: &TimeZone, cut_minutes: u16) -> Result<Timestamp, String> {
        let civil = match self {
            Moment::At(at) => return Ok(at),
            Moment::Clock(civil) => civil,
            Moment::Day(date) => {
                let (hour, minute) = (cut_minutes / 60, cut_minutes % 60);
                date.at(hour as i8, minute as i8, 0, 0)
            }
        };
        let zoned = civil.to_zoned(zone.clone()).map_err(|error| error.to_string())?;
        Timestamp::from_ms(zoned.timestamp().as_millisecond()).map_err(|error| error.to_string())
    }

    /// The calendar day that is written there; of a moment that of UTC.
    pub(crate) fn date(self) -> Day {
        let date = match self {
            Moment::At(at) => return Day::of(at, &TimeZone::UTC, 0),
            Moment::Clock(civil) => civil.date(),
            Moment::Day(date) => date,
        };
        Day::parse(&date.to_string()).expect("a date is written as one")
    }
}

impl Cell<'_> {
    /// The value as a moment: RFC 3339, a date with or without time of day, or Unix seconds.
    ///
    /// # Errors
    ///
    /// The remedy, as text.
    pub(crate) fn moment(self) -> Result<Option<Moment>, String> {
        let seconds = match self {
            Cell::Empty => return Ok(None),
            Cell::TimeMs(ms) => {
                let at = Timestamp::from_ms(ms).map_err(|error| error.to_string())?;
                return Ok(Some(Moment::At(at)));
            }
            Cell::Flag(_) => return Err("is not a time".to_owned()),
            Cell::Int(seconds) => seconds as f64,
            Cell::Float(seconds) => seconds,
            Cell::Text(text) => match text.parse::<f64>() {
                Ok(seconds) => seconds,
                Err(_) => return read(text).map(Some),
            },
        };
        if let Some(date) = date_in_digits(seconds) {
            return Ok(Some(Moment::Day(date)));
        }
        let ms = (seconds * 1_000.0).round();
        if !(0.0..=3e14).contains(&ms) {
            return Err(format!("{seconds} is no time in Unix seconds between 1970 and 9999"));
        }
        let at = Timestamp::from_ms(ms as i64).map_err(|error| error.to_string())?;
        Ok(Some(Moment::At(at)))
    }

    /// The same of what happened in a shop, where a small number is no time.
    ///
    /// # Errors
    ///
    /// As [`Cell::moment`].
    pub(crate) fn moment_of_trade(self) -> Result<Option<Moment>, String> {
        let moment = self.moment()?;
        match moment {
            Some(Moment::At(at)) if (at.as_ms() as f64) < SECONDS_MIN * 1_000.0 => Err(format!(
                "would be {} as Unix seconds, before any shop kept books so; write a date as 2026-01-31",
                Day::of(at, &TimeZone::UTC, 0)
            )),
            _ => Ok(moment),
        }
    }

    /// The value as a moment, by the clock of UTC where it names no offset.
    ///
    /// # Errors
    ///
    /// The remedy, as text.
    pub fn time(self) -> Result<Option<Timestamp>, String> {
        self.moment()?.map(|moment| moment.by(&TimeZone::UTC, 0)).transpose()
    }
}

/// `20260131`: as seconds it were a day of 1970.
fn date_in_digits(number: f64) -> Option<Date> {
    if number.fract() != 0.0 || !(19_000_101.0..=21_001_231.0).contains(&number) {
        return None;
    }
    let number = number as u32;
    let (year, month, day) = (number / 10_000, number / 100 % 100, number % 100);
    Date::new(year as i16, month as i8, day as i8).ok()
}

fn read(text: &str) -> Result<Moment, String> {
    if let Ok(at) = Timestamp::parse(text) {
        return Ok(Moment::At(at));
    }
    let (date, clock) = match text.split_once(' ') {
        Some((date, clock)) => (date, Some(clock)),
        None => (text, None),
    };
    let turned = date_with_dots(date);
    let date = turned.as_deref().unwrap_or(date);
    let read = match clock {
        Some(clock) => format!("{date}T{clock}").parse().ok().map(Moment::Clock),
        None if date.len() <= 10 => date.parse().ok().map(Moment::Day),
        None => date.parse().ok().map(Moment::Clock),
    };
    read.ok_or_else(|| {
        let shown: String = text.chars().take(40).collect();
        format!(
            "`{shown}` is no time; write 2026-01-31T18:30:00Z, 2026-01-31, 31.01.2026 or Unix seconds"
        )
    })
}

/// `31.1.2026` as `2026-01-31`: with dots the day comes first wherever they are used. Slashes say not which comes first.
fn date_with_dots(text: &str) -> Option<String> {
    let parts: Vec<&str> = text.split('.').collect();
    let [day, month, year] = parts[..] else { return None };
    let is_short = |part: &str| (1..=2).contains(&part.len());
    (is_short(day) && is_short(month) && year.len() == 4)
        .then(|| format!("{year}-{month:0>2}-{day:0>2}"))
}
