//! Moments as files write them.

use jiff::ToSpan;
use jiff::civil::{Date, DateTime, ISOWeekDate, Weekday};

use super::Moment;

impl Moment {
    /// Reads an integer, a date with or without a time of day, a month (`2024-01`), a quarter (`2024Q1`), or a week of ISO 8601
    /// (`2024-W05`): these three as their first day. An offset from UTC is cut off: the place's own clock counts.
    ///
    /// A date begins with its year, or has points and begins with its day. What else begins with the day or the month is not
    /// read, because nothing tells one from the other.
    pub fn read(text: &str) -> Option<Moment> {
        let text = text.trim();
        if let Ok(step) = text.parse::<i64>() {
            return Some(Moment::Step(step));
        }
        if let Some(step) = text.strip_suffix(".0").and_then(|text| text.parse::<i64>().ok()) {
            return Some(Moment::Step(step));
        }
        if let Ok(at) = text.trim_end_matches('Z').parse::<DateTime>() {
            return Some(Moment::Civil(at));
        }
        let date = month(text)
            .or_else(|| quarter(text))
            .or_else(|| week(text))
            .or_else(|| with_points(text))
            .or_else(|| with_slashes(text))
            .or_else(|| span(text));
        date.map(|date| Moment::Civil(date.into()))
    }

    /// The date that an integer's digits write: `20260131`, or `202601` for the first day of a month, of the years 1900 to 2100.
    /// One integer may do so by chance: ask all of a file.
    pub fn in_digits(self) -> Option<Moment> {
        let Moment::Step(step) = self else { return None };
        let (month, day) = match step {
            19_000_101..=21_001_231 => (step / 100, step % 100),
            190_001..=210_012 => (step, 1),
            _ => return None,
        };
        let year = i16::try_from(month / 100).ok()?;
        let at = DateTime::new(year, (month % 100) as i8, day as i8, 0, 0, 0, 0);
        at.ok().map(Moment::Civil)
    }

    /// The moment so many seconds later; an integer stays what it is.
    pub(crate) fn later(self, seconds: i64) -> Option<Moment> {
        let Moment::Civil(at) = self else { return Some(self) };
        at.checked_add(seconds.seconds()).ok().map(Moment::Civil)
    }
}

/// As many digits as `n`.
fn digits(text: &str, n: usize) -> Option<i16> {
    let is_plain = text.len() == n && text.bytes().all(|byte| byte.is_ascii_digit());
    is_plain.then(|| text.parse().ok())?
}

/// `2024-01`, as pandas writes months.
fn month(text: &str) -> Option<Date> {
    let (year, month) = text.split_once('-')?;
    Date::new(digits(year, 4)?, digits(month, 2)? as i8, 1).ok()
}

/// `2024Q1` or `2024-Q1`.
fn quarter(text: &str) -> Option<Date> {
    let (year, quarter) = text.split_once(['Q', 'q'])?;
    let year = digits(year.trim_end_matches(['-', ' ']), 4)?;
    let quarter = digits(quarter, 1).filter(|quarter| (1..=4).contains(quarter))?;
    Date::new(year, (3 * quarter - 2) as i8, 1).ok()
}

/// `2024-W05` or `2024W05`.
fn week(text: &str) -> Option<Date> {
    let (year, week) = text.split_once(['W', 'w'])?;
    week_of(digits(year.trim_end_matches('-'), 4)?, digits(week, 2)? as i8)
}

fn week_of(year: i16, week: i8) -> Option<Date> {
    ISOWeekDate::new(year, week, Weekday::Monday).ok().map(|week| week.date())
}

/// `31.01.2024`: where dates have points, they begin with the day.
fn with_points(text: &str) -> Option<Date> {
    let mut parts = text.splitn(3, '.');
    let (day, month, year) = (parts.next()?, parts.next()?, parts.next()?);
    let short = |text: &str| digits(text, 2).or_else(|| digits(text, 1));
    Date::new(digits(year, 4)?, short(month)? as i8, short(day)? as i8).ok()
}

/// `2024/01/31`.
fn with_slashes(text: &str) -> Option<Date> {
    let mut parts = text.splitn(3, '/');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    let short = |text: &str| digits(text, 2).or_else(|| digits(text, 1));
    Date::new(digits(year, 4)?, short(month)? as i8, short(day)? as i8).ok()
}

/// `2024-01-01/2024-01-07`, as pandas writes weeks: its first day.
fn span(text: &str) -> Option<Date> {
    let (first, last) = text.split_once('/')?;
    let (first, last): (Date, Date) = (first.parse().ok()?, last.parse().ok()?);
    (first <= last).then_some(first)
}
