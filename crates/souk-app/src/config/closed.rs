//! Days on which a place is closed.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use souk_core::Day;

/// A day on which a place is closed: `2026-04-03`, or `12-25` for each year.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum ClosedOn {
    /// That day.
    Once(Day),
    /// Each year on this month and day.
    EachYear(i8, i8),
}

impl ClosedOn {
    /// Whether it is that day.
    pub(crate) fn is_on(self, day: Day) -> bool {
        match self {
            ClosedOn::Once(once) => once == day,
            ClosedOn::EachYear(month, of_month) => {
                let date = date_of(day);
                (date.month(), date.day()) == (month, of_month)
            }
        }
    }
}

const EPOCH: Date = Date::constant(1970, 1, 1);

/// A day as year, month and day.
pub(crate) fn date_of(day: Day) -> Date {
    EPOCH.saturating_add(jiff::Span::new().days(day.number()))
}

/// The day of a date.
pub(crate) fn day_of(date: Date) -> Day {
    let days = EPOCH.until(date).map_or(0, |span| span.get_days());
    Day::from_number(days)
}

impl TryFrom<String> for ClosedOn {
    type Error = String;

    fn try_from(text: String) -> Result<ClosedOn, String> {
        if let Ok(day) = Day::parse(&text) {
            return Ok(ClosedOn::Once(day));
        }
        // A leap year has every day that there is.
        let each_year = Some(&text).filter(|text| text.len() == 5);
        let date = each_year.and_then(|text| format!("2024-{text}").parse::<Date>().ok());
        date.map(|date| ClosedOn::EachYear(date.month(), date.day())).ok_or_else(|| {
            format!(
                "`{text}` is no day; write 12-25 for each year, or 2026-04-03, in quotation marks"
            )
        })
    }
}

impl From<ClosedOn> for String {
    fn from(closed: ClosedOn) -> String {
        match closed {
            ClosedOn::Once(day) => day.to_string(),
            ClosedOn::EachYear(month, day) => format!("{month:02}-{day:02}"),
        }
    }
}
