//! Days on which a place is closed: those that the settings name, and those on which it sold nothing in every year before.
//!
//! A closed day tells nothing of demand, and a feed that is silent on it is not late.

use souk_core::Day;

use crate::config::{ClosedOn, date_of, day_of};
use crate::projections::Feed;

/// Weeks on each side of a day that tell whether such weekdays sell, and the lines that they sell at least in the middle. Of
/// fewer, a day without any may be chance (chosen: of five, one day in 150).
const WEEKS: i32 = 4;
const LINES_MIN: i64 = 5;

/// What a place sold on a day.
pub(crate) fn lines(feed: &Feed, day: i32) -> i64 {
    feed.sales.get(&day).map_or(0, |sums| sums.lines)
}

/// Whether a place sold nothing on a day that is over, though such weekdays sell.
fn is_silent(feed: &Feed, day: i32) -> bool {
    if lines(feed, day) > 0 {
        return false;
    }
    let Some(((first, _), (last, _))) =
        feed.sales.first_key_value().zip(feed.sales.last_key_value())
    else {
        return false;
    };
    let weeks = (1..=WEEKS).flat_map(|week| [day - 7 * week, day + 7 * week]);
    let known = weeks.filter(|day| (first..=last).contains(&day));
    let mut around: Vec<i64> = known.map(|day| lines(feed, day)).collect();
    around.sort_unstable();
    // Not at either end, where a feed begins or is late.
    let is_within = (*first..*last).contains(&day);
    is_within && around.get(around.len() / 2).is_some_and(|middle| *middle >= LINES_MIN)
}

/// The same date so many years before; `None` where that year does not have it.
pub(crate) fn years_before(day: i32, years: i16) -> Option<i32> {
    let date = date_of(Day::from_number(day));
    let before = jiff::civil::Date::new(date.year() - years, date.month(), date.day()).ok()?;
    Some(day_of(before).number())
}

/// Whether a place was closed on this date in every year before that is known.
fn is_closed_each_year(feed: &Feed, day: i32) -> bool {
    let Some((first, _)) = feed.sales.first_key_value() else { return false };
    let before = (1..).map_while(|years| years_before(day, years).filter(|then| then > first));
    let mut before = before.peekable();
    before.peek().is_some() && before.all(|then| is_silent(feed, then))
}

/// Whether a place is closed on a day, told from what was sold before it.
pub(crate) fn is_closed(feed: &Feed, named: &[ClosedOn], day: i32) -> bool {
    lines(feed, day) == 0
        && (named.iter().any(|closed| closed.is_on(Day::from_number(day)))
            || is_closed_each_year(feed, day))
}

/// What a day that is over tells of demand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opening {
    /// What was wanted, as far as it was there.
    Open,
    /// Nothing: the place sold nothing, which nobody knew beforehand.
    Silent,
    /// Nothing: the place was closed, as was to be expected.
    Closed,
}

/// Days from `first` to `last`, all over, from which nothing can be told of demand.
pub(crate) fn silent_days(
    feed: &Feed,
    named: &[ClosedOn],
    (first, last): (i32, i32),
) -> Vec<(i32, Opening)> {
    let sold = feed.sales.range(first..=last).filter(|(_, sums)| sums.lines > 0);
    let mut silent = Vec::new();
    let mut next = first;
    for day in sold.map(|(day, _)| *day).chain([last + 1]) {
        silent.extend((next..day).filter_map(|day| {
            let silent = is_silent(feed, day).then_some((day, Opening::Silent));
            if is_closed(feed, named, day) { Some((day, Opening::Closed)) } else { silent }
        }));
        next = day + 1;
    }
    silent
}

#[cfg(test)]
mod tests;
