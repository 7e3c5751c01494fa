//! Time as numbered steps: dates of a regular calendar, or plain integers.

mod reading;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use jiff::ToSpan;
use jiff::civil::DateTime;

/// How far apart the values of a series are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Frequency {
    /// Integers.
    Step,
    /// Hours.
    Hour,
    /// Days.
    Day,
    /// Weeks, all on the same weekday.
    Week,
    /// Months, all on the same day, or all on the last one.
    Month,
    /// Quarters of a year.
    Quarter,
    /// Years.
    Year,
}

/// Moments from which on a calendar may be told from less than their being alike (chosen).
const LOOSE_MIN: usize = 6;

impl Frequency {
    /// Every frequency.
    pub const ALL: [Frequency; 7] = [
        Frequency::Step,
        Frequency::Hour,
        Frequency::Day,
        Frequency::Week,
        Frequency::Month,
        Frequency::Quarter,
        Frequency::Year,
    ];

    /// The letter that names it, as pandas and Nixtla write it; `1` for integers.
    pub fn letter(self) -> &'static str {
        match self {
            Frequency::Step => "1",
            Frequency::Hour => "H",
            Frequency::Day => "D",
            Frequency::Week => "W",
            Frequency::Month => "M",
            Frequency::Quarter => "Q",
            Frequency::Year => "Y",
        }
    }

    /// The customary season: a day of hours, a week of days, a year of anything longer; 1 without one.
    pub fn season_length(self) -> usize {
        match self {
            Frequency::Step | Frequency::Year => 1,
            Frequency::Hour => 24,
            Frequency::Day => 7,
            Frequency::Week => 52,
            Frequency::Month => 12,
            Frequency::Quarter => 4,
        }
    }

    /// The frequency of moments that ascend without repeats: the largest step that all of them fit.
    ///
    /// A single moment is a day, or an integer.
    pub fn of(moments: &[Moment]) -> Option<Frequency> {
        if moments.iter().any(|moment| matches!(moment, Moment::Step(_))) {
            let is_all = moments.iter().all(|moment| matches!(moment, Moment::Step(_)));
            return is_all.then_some(Frequency::Step);
        }
        if moments.len() < 2 {
            return Some(Frequency::Day);
        }
        let mut frequencies = Frequency::ALL.into_iter().skip(1).rev();
        frequencies.find(|frequency| {
            let slots: Option<Vec<Slot>> = moments.iter().map(|at| frequency.slot(*at)).collect();
            slots.is_some_and(|slots| {
                Phase::common(&slots).is_some()
                    && slots.windows(2).all(|pair| pair[0].number < pair[1].number)
            })
        })
    }

    /// Where moments lie that are no more alike than that each has a step of its own, such as the last working day of each month;
    /// `None` where two share a step or there are few.
    pub(crate) fn loose(self, moments: &[Moment]) -> Option<Loose> {
        if moments.len() < LOOSE_MIN {
            return None;
        }
        let shift = if self == Frequency::Day { to_midnight(moments) } else { 0 };
        let slot = |at: &Moment| self.slot(at.later(shift)?);
        let slots: Option<Vec<Slot>> = moments.iter().map(slot).collect();
        let slots = slots?;
        if !slots.windows(2).all(|pair| pair[0].number < pair[1].number) {
            return None;
        }
        let mut counts: BTreeMap<i64, usize> = BTreeMap::new();
        slots.iter().for_each(|slot| *counts.entry(slot.phase).or_default() += 1);
        let usual = counts.into_iter().max_by_key(|(_, n)| *n).map_or(0, |(phase, _)| phase);
        // Days that lie at many times of the day are days.
        let phase = if self <= Frequency::Day { 0 } else { usual };
        let is_end = 2 * slots.iter().filter(|slot| slot.is_end).count() >= slots.len();
        let is_end = is_end && self >= Frequency::Month;
        let numbers = slots.iter().map(|slot| slot.number).collect();
        Some(Loose { phase: Phase { phase, is_end }, numbers, shift })
    }

    /// The longest step that nearly every moment has for itself, from days on.
    pub(crate) fn loosely_of(moments: &[Moment]) -> Option<Frequency> {
        let mut frequencies = Frequency::ALL.into_iter().rev().filter(|one| *one >= Frequency::Day);
        let is_fitting = |frequency: &Frequency| {
            let Some(Loose { numbers, .. }) = frequency.loose(moments) else { return false };
            let n_next = numbers.windows(2).filter(|pair| pair[1] - pair[0] == 1).count();
            5 * n_next >= 4 * (numbers.len() - 1)
        };
        frequencies.find(is_fitting)
    }

    /// The place of a moment on this calendar; `None` for the wrong kind of moment.
    pub(crate) fn slot(self, at: Moment) -> Option<Slot> {
        let at = match at {
            Moment::Step(number) => {
                return (self == Frequency::Step).then_some(Slot {
                    number,
                    phase: 0,
                    is_end: false,
                });
            }
            Moment::Civil(at) => at,
        };
        let date = at.date();
        let days = (date - DateTime::constant(1970, 1, 5, 0, 0, 0, 0).date()).get_days();
        let days = i64::from(days);
        let seconds = i64::from(at.hour()) * 3600 + i64::from(at.minute()) * 60;
        let seconds = seconds + i64::from(at.second());
        let month = i64::from(at.year()) * 12 + i64::from(at.month()) - 1;
        let is_end = at.day() == date.days_in_month();
        let in_month = i64::from(at.day()) * 86_400 + seconds;
        let (number, phase) = match self {
            Frequency::Step => return None,
            Frequency::Hour => (days * 24 + i64::from(at.hour()), seconds % 3600),
            Frequency::Day => (days, seconds),
            Frequency::Week => (days.div_euclid(7), days.rem_euclid(7) * 86_400 + seconds),
            Frequency::Month => (month, in_month),
            Frequency::Quarter => {
                (month.div_euclid(3), month.rem_euclid(3) * 100 * 86_400 + in_month)
            }
            Frequency::Year => {
                (month.div_euclid(12), month.rem_euclid(12) * 100 * 86_400 + in_month)
            }
        };
        Some(Slot { number, phase, is_end })
    }

    /// The moment of a numbered step.
    pub(crate) fn moment(self, number: i64, phase: Phase) -> Option<Moment> {
        let start = DateTime::constant(1970, 1, 5, 0, 0, 0, 0);
        let after = |days: i64, seconds: i64| {
            // In two steps: one span cannot have two signs.
            let day = start.checked_add(jiff::Span::new().try_days(days).ok()?).ok()?;
            day.checked_add(seconds.seconds()).ok().map(Moment::Civil)
        };
        let in_month = |month: i64| {
            let rest = phase.phase % (100 * 86_400);
            let day = rest / 86_400;
            let year = i16::try_from(month.div_euclid(12)).ok()?;
            let first = DateTime::new(year, month.rem_euclid(12) as i8 + 1, 1, 0, 0, 0, 0).ok()?;
            let last = i64::from(first.date().days_in_month());
            let day = if phase.is_end { last } else { day.min(last) };
            let at = first.checked_add((day - 1).days()).ok()?;
            let at = at.checked_add((rest % 86_400).seconds()).ok()?;
            Some(Moment::Civil(at))
        };
        let in_year = phase.phase / (100 * 86_400);
        match self {
            Frequency::Step => Some(Moment::Step(number)),
            Frequency::Hour => {
                after(number.div_euclid(24), number.rem_euclid(24) * 3600 + phase.phase)
            }
            Frequency::Day => after(number, phase.phase),
            Frequency::Week => after(number.checked_mul(7)?, phase.phase),
            Frequency::Month => in_month(number),
            Frequency::Quarter => in_month(number * 3 + in_year),
            Frequency::Year => in_month(number * 12 + in_year),
        }
    }
}

/// Seconds by which moments go on so that days are counted from the midnight that is nearest, where all lie at two hours that
/// follow each other: midnights of a place with summer time, on the clock of another place. Else 0.
fn to_midnight(moments: &[Moment]) -> i64 {
    let seconds = |at: &Moment| match at {
        Moment::Step(_) => None,
        Moment::Civil(at) => Some(i64::from(at.hour()) * 3600 + i64::from(at.minute()) * 60),
    };
    let times: std::collections::BTreeSet<i64> = moments.iter().filter_map(seconds).collect();
    let times: Vec<i64> = times.into_iter().collect();
    let is_hour = |apart: i64| apart == 3600 || apart == 23 * 3600;
    if times.len() == 2 && is_hour(times[1] - times[0]) { 12 * 3600 } else { 0 }
}

impl FromStr for Frequency {
    type Err = UnknownFrequency;

    fn from_str(text: &str) -> Result<Frequency, UnknownFrequency> {
        // What pandas writes for the same: month starts and ends are told from the dates themselves.
        let letter = match text {
            "MS" | "ME" => "M",
            "QS" | "QE" => "Q",
            "YS" | "YE" | "A" => "Y",
            "h" => "H",
            other => other.split_once('-').map_or(other, |(letter, _)| letter),
        };
        let found = Frequency::ALL.into_iter().find(|frequency| frequency.letter() == letter);
        found.ok_or_else(|| UnknownFrequency(text.to_owned()))
    }
}

/// No frequency has this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no frequency `{0}`; take one of H, D, W, M, Q, Y, or 1 for integers")]
pub struct UnknownFrequency(pub String);

/// A point in time: an integer, or a date with or without a time of day, in no time zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Moment {
    /// An integer step.
    Step(i64),
    /// A date, at midnight without a time of day.
    Civil(DateTime),
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Moment::Step(step) => write!(f, "{step}"),
            Moment::Civil(at) if at.time() == jiff::civil::Time::midnight() => {
                write!(f, "{}", at.date())
            }
            Moment::Civil(at) => write!(f, "{at}"),
        }
    }
}

/// The places of moments that are no more alike than that each has a step of its own.
pub(crate) struct Loose {
    pub(crate) phase: Phase,
    pub(crate) numbers: Vec<i64>,
    /// Seconds by which each went on before its place was told.
    pub(crate) shift: i64,
}

/// The place of a moment on a calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Slot {
    pub(crate) number: i64,
    phase: i64,
    is_end: bool,
}

/// Where in its step every value of a series stands: the same weekday, day of the month, minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Phase {
    phase: i64,
    is_end: bool,
}

impl Phase {
    /// The phase that all slots have; `None` when they differ.
    pub(crate) fn common(slots: &[Slot]) -> Option<Phase> {
        let first = slots.first()?;
        let is_end = slots.iter().all(|slot| slot.is_end);
        let month = |slot: &Slot| slot.phase / (100 * 86_400);
        let is_same = slots.iter().all(|slot| slot.phase == first.phase);
        let is_same_end = is_end && slots.iter().all(|slot| month(slot) == month(first));
        (is_same || is_same_end).then_some(Phase { phase: first.phase, is_end: is_same_end })
    }
}
