#![allow(clippy::unwrap_used)]

use souk_core::Day;

use super::*;
use crate::projections::SalesDay;

fn day(text: &str) -> i32 {
    Day::parse(text).unwrap().number()
}

/// Two years of a place that sells a hundred pieces a day, twice as many before Christmas, and none on it.
fn two_years(change: impl Fn(i32) -> Option<i64>) -> Feed {
    let mut feed = Feed::default();
    for number in day("2023-12-01")..day("2025-12-31") {
        let is_on = |text: &str| Day::from_number(number).to_string().ends_with(text);
        let milli = match change(number) {
            Some(milli) => milli,
            None if is_on("12-25") => 0,
            None if is_on("12-23") || is_on("12-24") => 200_000,
            None => 100_000,
        };
        feed.sales.insert(number, SalesDay { lines: milli / 10_000, milli });
    }
    feed
}

/// The alarms of a morning.
fn alarms(feed: &Feed, closed: &[&str], today: &str) -> Vec<&'static str> {
    let closed: Vec<ClosedOn> =
        closed.iter().map(|text| (*text).to_owned().try_into().unwrap()).collect();
    let mut known = feed.clone();
    known.sales.retain(|number, _| *number < day(today));
    let watch = Watch { feed: &known, closed: &closed, today: day(today) };
    watch.sales(1).into_iter().map(|(_, kind, _)| kind).collect()
}

#[test]
fn christmas_is_no_fault_of_the_feed_from_the_second_year_on() {
    let feed = two_years(|_| None);
    for today in ["2025-12-24", "2025-12-25", "2025-12-26", "2025-12-27", "2025-12-30"] {
        assert_eq!(alarms(&feed, &[], today), [""; 0], "{today}");
    }
    // The first one could be a fault, unless it is named.
    let first = two_years(|number| (number < day("2024-06-01")).then_some(100_000));
    assert_eq!(alarms(&first, &[], "2024-12-24"), ["doubled"]);
    assert_eq!(alarms(&first, &[], "2024-12-26"), ["late", "doubled"]);
    assert_eq!(alarms(&first, &["12-25"], "2024-12-26"), ["doubled"]);
    assert_eq!(alarms(&first, &[], "2024-12-28"), ["missing", "doubled"]);
}

#[test]
fn a_fault_at_christmas_is_still_one() {
    let at = |text: &'static str, milli: i64| {
        two_years(move |number| (number == day(text)).then_some(milli))
    };
    // A file that came twice on a day that sells twice as much.
    assert_eq!(alarms(&at("2025-12-23", 400_000), &[], "2025-12-24"), ["doubled"]);
    assert_eq!(alarms(&at("2025-12-23", 20_000_000), &[], "2025-12-24"), ["factor"]);
    assert_eq!(alarms(&at("2025-12-27", 0), &[], "2025-12-28"), ["late"]);
    assert_eq!(alarms(&at("2025-12-27", 0), &["12-25"], "2025-12-28"), ["late"]);
    // What is usual but for last year's date is odd as ever.
    assert_eq!(alarms(&at("2025-11-18", 20_000), &[], "2025-11-19"), ["short"]);
}
