use super::*;

fn at(day: i64, hour: i64) -> Timestamp {
    Timestamp::from_ms(day * 86_400_000 + hour * 3_600_000).expect("a time")
}

/// Ten pieces on the evening of day 100, four on that of 103, two too few in the books on that of 106, twenty on that of 108.
fn past() -> Past {
    let mut past = Past::default();
    let levels = [(100, 9, 12_000), (100, 20, 10_000), (103, 9, 4_000), (106, 9, -2_000)];
    levels.iter().for_each(|(day, hour, milli)| past.note_level(*milli, at(*day, *hour)));
    past.note_level(20_000, at(108, 9));
    past
}

#[test]
fn evenings_are_reckoned_by_hand() {
    let past = past();
    // Weeks begin on days 98 and 105. Days 100 to 109: three at 10, three at 4, two at nothing, two at 20.
    let whole = past.stood((100, 109));
    assert_eq!((whole.first, whole.mean), (Some(100), Some(82.0 / 10.0)));
    // Before the first entry nothing is known, and such days do not count.
    assert_eq!(past.stood((90, 109)), whole);
    // A part of a week counts with its mean: 38 units on five evenings, of which two are asked about.
    let part = past.stood((100, 101)).mean;
    assert!(part.is_some_and(|mean| (mean - 7.6).abs() < 1e-9), "{part:?}");
    // After the last entry it goes on.
    assert_eq!(past.stood((200, 300)), Stood { first: Some(200), mean: Some(20.0) });
    assert_eq!(past.stood((90, 99)), Stood { first: None, mean: None });
}

#[test]
fn what_is_told_late_changes_today_and_not_the_past() {
    let mut late = past();
    late.note_level(17_000, at(101, 9));
    assert_eq!(late.stood((100, 107)), past().stood((100, 107)));
    assert_eq!(late.stood((108, 108)).mean, Some(17.0));
}

#[test]
fn what_was_written_off_counts_on_its_day() {
    let mut past = Past::default();
    let told = [(100, 1_000), (104, 2_500), (100, 500), (102, 4_000), (104, 1_000)];
    told.iter().for_each(|(day, milli)| past.note_written_off(*milli, at(*day, 12)));
    let of = |from: i32, until: i32| past.written_off((from, until));
    assert_eq!((of(100, 100), of(101, 103), of(104, 104)), (1_500, 4_000, 3_500));
    assert_eq!((of(0, 1_000), of(105, 1_000)), (9_000, 0));
}

#[test]
fn a_year_is_kept_and_read_back() {
    let mut past = Past::default();
    for day in 0..500 {
        past.note_level(day * 1_000, at(day, 12));
        past.note_written_off(1_000, at(day, 12));
    }
    assert_eq!(past.written_off((0, 500)), DAYS_MAX as i64 * 1_000);
    // The day after it, of which nothing is told, is of week 71; that of the last told day is not full.
    let known = past.stood((0, 500));
    let first = (71 - WEEKS_MAX as i32 + 1) * WEEK;
    assert_eq!(known.first, Some(first));
    let sum: i32 = (first..500).sum::<i32>() + 499;
    assert!((known.mean.unwrap_or(0.0) - f64::from(sum) / f64::from(501 - first)).abs() < 1e-3);
    assert!(past.bytes() < 9_000, "{}", past.bytes());
    let mut w = Writer::new();
    past.write(&mut w);
    let bytes = w.into_bytes();
    let mut r = Reader::new(&bytes);
    assert_eq!(Past::read(&mut r).expect("it reads"), past);
    r.end().expect("all of it");
}
