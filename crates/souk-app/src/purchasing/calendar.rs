use serde::{Deserialize, Serialize};
use souk_core::Day;

/// Days that are looked through for an open one: beyond, a calendar is closed for good.
const LOOK_DAYS: i32 = 120;

/// A day of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
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
    const ALL: [Weekday; 7] = [
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

    /// The name in requests and files.
    pub fn as_str(self) -> &'static str {
        ["mon", "tue", "wed", "thu", "fri", "sat", "sun"][self as usize]
    }

    /// Reads the name in requests and files.
    pub fn parse(name: &str) -> Option<Weekday> {
        Weekday::ALL.into_iter().find(|day| day.as_str() == name.trim().to_lowercase())
    }
}

/// The first day from `from` on that lies on one of `weekdays` (all where there is none) and is no holiday.
pub(crate) fn open_day(from: Day, weekdays: &[Weekday], holidays: &[Day]) -> Day {
    let days = (0..LOOK_DAYS).map(|ahead| Day::from_number(from.number() + ahead));
    let is_open = |day: &Day| {
        (weekdays.is_empty() || weekdays.contains(&Weekday::of(*day))) && !holidays.contains(day)
    };
    days.into_iter().find(is_open).unwrap_or(from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closed_days_are_passed_over() {
        let day = |text: &str| Day::parse(text).unwrap();
        assert_eq!(Weekday::of(day("2026-11-28")), Weekday::Sat);
        let week = [Weekday::Mon, Weekday::Thu];
        assert_eq!(open_day(day("2026-11-28"), &week, &[]), day("2026-11-30"));
        assert_eq!(open_day(day("2026-11-30"), &week, &[day("2026-11-30")]), day("2026-12-03"));
        assert_eq!(open_day(day("2026-11-28"), &[], &[]), day("2026-11-28"));
    }
}
