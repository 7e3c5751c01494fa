#![allow(clippy::unwrap_used)]
use proptest::prelude::*;

use super::*;

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

fn day(moment: &str, zone: &str, cut_minutes: u16) -> String {
    Day::of(at(moment), &TimeZone::get(zone).unwrap(), cut_minutes).to_string()
}

#[test]
fn reads_rfc3339_from_1970_to_9999() {
    assert_eq!(at("1970-01-01T00:00:00Z"), Timestamp::EPOCH);
    assert_eq!(at("1970-01-01T01:00:00+01:00"), Timestamp::EPOCH);
    assert_eq!(at("2999-12-31T23:59:59.999Z").as_ms(), 32_503_679_999_999);
    assert_eq!(at("2026-01-31T18:30:00.1239Z").to_string(), "2026-01-31T18:30:00.123Z");
    assert_eq!(at("9999-12-30T22:00:00Z").to_string(), "9999-12-30T22:00:00.000Z");
}

#[test]
fn refuses_other_times_by_name() {
    for text in ["", "yesterday", "2026-01-31", "2026-01-31T18:30:00", "2026-02-30T00:00:00Z"] {
        let error = Timestamp::parse(text).unwrap_err();
        assert_eq!(error, TimeError::NotRfc3339(text.into()));
    }
    for text in ["1969-12-31T23:59:59Z", "1969-12-31T23:59:59+00:00"] {
        assert!(matches!(Timestamp::parse(text), Err(TimeError::OutOfRange(_))), "{text}");
    }
    assert!(Timestamp::parse("9999-12-30T22:00:01Z").is_err());
    assert_eq!(
        Timestamp::from_ms(-1).unwrap_err().to_string(),
        "time -1 ms is out of range; it must lie between 1970 and 9999"
    );
}

#[test]
fn moves_within_range() {
    assert_eq!(Timestamp::EPOCH.plus_ms(-5), Timestamp::EPOCH);
    assert_eq!(at("9999-12-30T22:00:00Z").plus_ms(i64::MAX), at("9999-12-30T22:00:00Z"));
    assert_eq!(at("2026-01-01T00:00:01Z").ms_since(at("2026-01-01T00:00:02Z")), -1_000);
}

#[test]
fn a_day_is_the_place_s_own() {
    assert_eq!(day("2026-01-31T23:30:00Z", "UTC", 0), "2026-01-31");
    assert_eq!(day("2026-01-31T23:30:00Z", "Europe/Berlin", 0), "2026-02-01");
    assert_eq!(day("2026-02-01T04:59:59Z", "America/New_York", 0), "2026-01-31");
    assert_eq!(day("2026-02-01T05:00:00Z", "America/New_York", 0), "2026-02-01");
    // Half-hour and far zones.
    assert_eq!(day("2026-01-31T18:30:00Z", "Asia/Kolkata", 0), "2026-02-01");
    assert_eq!(day("2026-01-31T10:00:00Z", "Pacific/Kiritimati", 0), "2026-02-01");
    // Before the epoch by the local clock.
    assert_eq!(day("1970-01-01T00:00:00Z", "America/New_York", 0), "1969-12-31");
    assert_eq!(day("9999-12-30T22:00:00Z", "Pacific/Kiritimati", 0), "9999-12-31");
}

#[test]
fn a_day_begins_at_its_cut() {
    assert_eq!(day("2026-02-01T01:59:59Z", "UTC", 120), "2026-01-31");
    assert_eq!(day("2026-02-01T02:00:00Z", "UTC", 120), "2026-02-01");
    assert_eq!(day("1970-01-01T00:00:00Z", "UTC", 120), "1969-12-31");
}

#[test]
fn a_day_of_23_or_25_hours_is_one_day() {
    // Berlin: clocks go forward on 2026-03-29 at 01:00 UTC, back on 2026-10-25 at 01:00 UTC.
    assert_eq!(day("2026-03-28T23:00:00Z", "Europe/Berlin", 0), "2026-03-29");
    assert_eq!(day("2026-03-29T21:59:59Z", "Europe/Berlin", 0), "2026-03-29");
    assert_eq!(day("2026-03-29T22:00:00Z", "Europe/Berlin", 0), "2026-03-30");
    assert_eq!(day("2026-10-24T22:00:00Z", "Europe/Berlin", 0), "2026-10-25");
    assert_eq!(day("2026-10-25T22:59:59Z", "Europe/Berlin", 0), "2026-10-25");
    assert_eq!(day("2026-10-25T23:00:00Z", "Europe/Berlin", 0), "2026-10-26");
}

#[test]
fn reads_and_shows_dates() {
    for (text, number) in [("1970-01-01", 0), ("1969-12-31", -1), ("2017-12-31", 17_531)] {
        assert_eq!(Day::parse(text).unwrap(), Day::from_number(number));
        assert_eq!(Day::from_number(number).to_string(), text);
    }
    assert_eq!(Day::from_number(i32::MAX).to_string(), "day 2147483647");
    for text in ["", "2026-02-30", "2026-1-1", "01/02/2026", "2026-01-31T10:00", "2026-W05-6"] {
        assert_eq!(Day::parse(text).unwrap_err(), TimeError::NotDate(text.into()));
    }
}

proptest! {
    #[test]
    fn what_is_shown_is_read_again(ms in 0..Timestamp::MS_MAX, number in -700_000..2_900_000i32) {
        let moment = Timestamp::from_ms(ms).unwrap();
        prop_assert_eq!(Timestamp::parse(&moment.to_string()).unwrap(), moment);
        let day = Day::from_number(number);
        prop_assert_eq!(Day::parse(&day.to_string()).unwrap(), day);
    }

    #[test]
    fn days_follow_each_other(ms in 0..Timestamp::MS_MAX, cut in 0..720u16) {
        let zone = TimeZone::get("Australia/Lord_Howe").unwrap();
        let moment = Timestamp::from_ms(ms).unwrap();
        let today = Day::of(moment, &zone, cut).number();
        let later = Day::of(moment.plus_ms(24 * 3_600_000), &zone, cut).number();
        prop_assert!((0..=2).contains(&(later - today)));
    }
}
