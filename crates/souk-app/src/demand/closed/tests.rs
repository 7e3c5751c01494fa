#![allow(clippy::unwrap_used)]

use super::*;
use crate::projections::SalesDay;

fn day(text: &str) -> i32 {
    Day::parse(text).unwrap().number()
}

/// Ten lines a day, from the first to the last day, but for these.
fn feed((first, last): (&str, &str), without: &[&str]) -> Feed {
    let mut feed = Feed::default();
    for number in day(first)..=day(last) {
        let is_without = without.iter().any(|text| day(text) == number);
        let lines = if is_without { 0 } else { 10 };
        feed.sales.insert(number, SalesDay { lines, milli: lines * 1_000 });
    }
    feed
}

#[test]
fn a_date_on_which_nothing_was_ever_sold_is_a_closed_day() {
    let once = feed(("2024-06-01", "2025-12-20"), &["2024-12-25", "2025-03-09"]);
    let closed = |feed: &Feed, text: &str| is_closed(feed, &[], day(text));
    assert!(closed(&once, "2025-12-25"));
    // On a day of this year, or one on which nothing is known yet, it says nothing.
    assert!(!closed(&once, "2025-12-26") && !closed(&once, "2025-03-09"));
    // Open in one of the years before, it is open.
    let twice = ["2023-12-25", "2024-12-25"];
    assert!(closed(&feed(("2023-06-01", "2025-12-20"), &twice), "2025-12-25"));
    assert!(!closed(&feed(("2023-06-01", "2025-12-20"), &twice[1..]), "2025-12-25"));
    // A place that sells little sells nothing now and then.
    let mut few = once.clone();
    few.sales.values_mut().for_each(|sums| sums.lines = sums.lines.min(3));
    assert!(!closed(&few, "2025-12-25"));
    // What was sold was sold.
    let open = feed(("2024-06-01", "2025-12-26"), &["2024-12-25"]);
    assert!(!closed(&open, "2025-12-25"));
    // The 29th of February was not in every year.
    assert_eq!(years_before(day("2024-02-29"), 1), None);
    assert_eq!(years_before(day("2025-12-25"), 1), Some(day("2024-12-25")));
}

#[test]
fn named_days_are_closed_and_silent_ones_tell_nothing() {
    let feed = feed(("2025-06-01", "2025-12-20"), &["2025-08-15", "2025-12-20"]);
    let named: Vec<ClosedOn> =
        ["12-25", "2026-04-03"].map(|text| text.to_owned().try_into().unwrap()).to_vec();
    let closed = |text: &str| is_closed(&feed, &named, day(text));
    assert!(closed("2025-12-25") && closed("2026-12-25") && closed("2026-04-03"));
    assert!(!closed("2027-04-03") && !closed("2025-08-15"));
    let span = (day("2025-06-01"), day("2025-12-20"));
    // The last day may be told late.
    assert_eq!(silent_days(&feed, &named, span), [(day("2025-08-15"), Opening::Silent)]);
    let named = [ClosedOn::EachYear(8, 15)];
    assert_eq!(silent_days(&feed, &named, span), [(day("2025-08-15"), Opening::Closed)]);
}
