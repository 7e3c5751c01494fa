use souk_core::Day;
use souk_core::rules::Weekday;

/// Days that are looked through for an open one: beyond, a calendar is closed for good.
const LOOK_DAYS: i32 = 120;

/// Weekdays by their names, in requests and in the tables.
pub(super) mod weekdays {
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};
    use souk_core::rules::Weekday;

    pub(in super::super) fn serialize<S: Serializer>(
        days: &[Weekday],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(days.iter().map(|day| day.as_str()))
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<Weekday>, D::Error> {
        let names = Vec::<String>::deserialize(deserializer)?;
        let parse = |name: &String| {
            let wrong =
                || D::Error::custom(format!("`{name}` is no weekday; write for example `mon`"));
            Weekday::parse(name).ok_or_else(wrong)
        };
        names.iter().map(parse).collect()
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
