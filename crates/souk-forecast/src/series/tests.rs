use super::*;

fn rows(texts: &[(&str, f64)]) -> Vec<Row> {
    let row =
        |(at, value): &(&str, f64)| Row { at: Moment::read(at).unwrap(), value: Some(*value) };
    texts.iter().map(row).collect()
}

fn cleaned(texts: &[(&str, f64)]) -> Series {
    clean(&rows(texts), None, Gaps::Guess, Repeats::Mean).unwrap()
}

#[test]
fn order_repeats_and_gaps_are_settled() {
    let series = cleaned(&[
        ("2024-01-05", 50.0),
        ("2024-01-01", 10.0),
        ("2024-01-02", 20.0),
        ("2024-01-02", 20.0),
        ("2024-01-04", 30.0),
        ("2024-01-04", 50.0),
    ]);
    assert_eq!(series.y, [10.0, 20.0, 30.0, 40.0, 50.0]);
    assert_eq!(series.frequency, Frequency::Day);
    assert_eq!(series.notes.len(), 3, "{:?}", series.notes);
    assert_eq!(series.moment_after(2).unwrap().to_string(), "2024-01-07");
    assert_eq!(series.steps_after(Moment::read("2024-01-03").unwrap()), Some(-2));
}

#[test]
fn days_without_a_row_of_a_slow_mover_are_zeros() {
    let series = cleaned(&[("1", 2.0), ("5", 1.0), ("6", 3.0), ("12", 1.0)]);
    assert_eq!(series.y.iter().sum::<f64>(), 7.0);
    assert_eq!(series.y.len(), 12);
}

#[test]
fn pieces_stay_whole_in_a_gap() {
    let whole = cleaned(&[("1", 4.0), ("2", 5.0), ("4", 8.0), ("5", 6.0), ("6", 7.0)]);
    assert_eq!(whole.y, [4.0, 5.0, 7.0, 8.0, 6.0, 7.0]);
    let any = cleaned(&[("1", 4.5), ("2", 5.0), ("4", 8.0), ("5", 6.0), ("6", 7.0)]);
    assert_eq!(any.y, [4.5, 5.0, 6.5, 8.0, 6.0, 7.0]);
}

#[test]
fn what_cannot_be_a_number_is_a_gap() {
    let mut bad =
        rows(&[("1", 1.0), ("2", f64::NAN), ("3", 3.0), ("4", f64::INFINITY), ("5", 1e200)]);
    bad.push(Row { at: Moment::Step(6), value: None });
    bad.push(Row { at: Moment::Step(7), value: Some(7.0) });
    let series = clean(&bad, None, Gaps::Between, Repeats::Mean).unwrap();
    assert_eq!(series.y, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]);
    assert!(series.notes[0].starts_with("4 rows have no usable value"));
}

#[test]
fn errors_name_the_fault_and_the_remedy() {
    let nothing = [Row { at: Moment::Step(1), value: None }];
    let error = |rows: &[Row], frequency, gaps| {
        clean(rows, frequency, gaps, Repeats::Mean).unwrap_err().to_string()
    };
    assert!(error(&nothing, None, Gaps::Guess).contains("give at least one number"));
    assert!(error(&[], None, Gaps::Guess).contains("no value"));
    let mixed = rows(&[("1", 1.0), ("2024-01-01", 2.0)]);
    assert!(error(&mixed, None, Gaps::Guess).contains("mixes frequencies: 1 and 2024-01-01"));
    let weekly = rows(&[("2024-01-01", 1.0), ("2024-01-08", 2.0), ("2024-01-16", 3.0)]);
    let found = error(&weekly, Some(Frequency::Week), Gaps::Guess);
    assert!(found.contains("2024-01-01 and 2024-01-16 do not lie on one W calendar"), "{found}");
    let timed = rows(&[("2024-01-01T09:00:00", 1.0), ("2024-01-02T17:30:00", 2.0)]);
    let found = error(&timed, Some(Frequency::Day), Gaps::Guess);
    assert!(found.ends_with("cut the time of day off `ds`"), "{found}");
    let gap = rows(&[("2024-01-01", 1.0), ("2024-01-03", 2.0)]);
    assert!(error(&gap, None, Gaps::Refuse).contains("no row at 2024-01-02"));
    let far = rows(&[("1", 1.0), ("2000000000", 2.0)]);
    assert!(error(&far, None, Gaps::Guess).contains("has 2 rows over 2000000000 steps"));
    let extreme = rows(&[("-9223372036854775808", 1.0), ("9223372036854775807", 2.0)]);
    assert!(clean(&extreme, None, Gaps::Guess, Repeats::Mean).is_err());
}

#[test]
fn a_row_without_a_usable_value_is_unknown_and_never_nothing() {
    // Half of the rows cannot be read, which alone would look like a slow mover.
    let mut half = rows(&[("1", 12.0), ("3", 14.0), ("5", 12.0), ("8", 10.0)]);
    half.extend([2, 4, 6].map(|step| Row { at: Moment::Step(step), value: None }));
    let between = [12.0, 13.0, 14.0, 13.0, 12.0];
    let guess = clean(&half, None, Gaps::Guess, Repeats::Mean).unwrap();
    assert_eq!((&guess.y[..5], guess.y[5] > 0.0), (&between[..], true), "{:?}", guess.y);
    // A step without a row stays what it was said to mean.
    let zero = clean(&half, None, Gaps::Zero, Repeats::Mean).unwrap();
    assert_eq!((&zero.y[..5], zero.y[6]), (&between[..], 0.0), "{:?}", zero.y);
}

#[test]
fn lines_of_one_day_are_added_up_where_that_is_asked() {
    let lines = rows(&[("1", 4.0), ("1", 4.0), ("1", 1.0), ("2", 5.0)]);
    let summed = clean(&lines, None, Gaps::Guess, Repeats::Sum).unwrap();
    assert_eq!((&summed.y[..], summed.n_averaged), (&[9.0, 5.0][..], 0));
    let averaged = clean(&lines, None, Gaps::Guess, Repeats::Mean).unwrap();
    assert_eq!((&averaged.y[..], averaged.n_averaged), (&[3.0, 5.0][..], 2));
}

/// Days of a series: every date of a year that `is_sold`, each with a value.
fn dated(is_sold: impl Fn(jiff::civil::Date) -> bool) -> Vec<Row> {
    let first = jiff::civil::date(2025, 1, 1);
    let days = first.series(jiff::ToSpan::days(1)).take(365).filter(|day| is_sold(*day));
    let row = |(idx, day): (usize, jiff::civil::Date)| Row {
        at: Moment::Civil(day.into()),
        value: Some(100.5 + (idx % 6) as f64),
    };
    days.enumerate().map(row).collect()
}

#[test]
fn a_day_of_the_week_without_any_row_is_closed() {
    use jiff::civil::Weekday;
    let is_open = |day: jiff::civil::Date| day.weekday() != Weekday::Sunday && day.day() != 25;
    let shop = clean(&dated(is_open), None, Gaps::Guess, Repeats::Mean).unwrap();
    // The 5th of January 2025 is a Sunday, the 25th a Saturday on which this shop was not open.
    assert_eq!(shop.y[4], 0.0);
    assert!(shop.y[24] > 100.0, "a single day lies between its neighbours");
    assert!(shop.notes[0].starts_with("no row at Sundays"), "{:?}", shop.notes);
    let said = clean(&dated(is_open), None, Gaps::Between, Repeats::Mean).unwrap();
    assert!(said.y[4] > 100.0);
    // Where days without a row come at any place, some place has none by chance.
    let rare = clean(
        &dated(|day| day.day() % 9 == 1 && day.weekday() != Weekday::Friday),
        None,
        Gaps::Guess,
        Repeats::Mean,
    );
    let notes = rare.unwrap().notes;
    assert!(!notes.iter().any(|note| note.starts_with("no row at")), "{notes:?}");
}

#[test]
fn one_row_in_each_month_or_day_is_a_calendar_too() {
    use jiff::civil::Weekday;
    // The last working day of each month.
    let is_last = |day: jiff::civil::Date| {
        let is_work =
            |day: jiff::civil::Date| !matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday);
        let later = day.series(jiff::ToSpan::days(1)).skip(1);
        is_work(day) && !later.take_while(|next| next.month() == day.month()).any(is_work)
    };
    let months = clean(&dated(is_last), None, Gaps::Guess, Repeats::Mean).unwrap();
    assert_eq!((months.y.len(), months.frequency), (12, Frequency::Month));
    assert_eq!(months.moment_after(1).unwrap().to_string(), "2026-01-31");
    assert!(months.notes[0].contains("one in each of M"), "{:?}", months.notes);
    // Midnight of a place in hours of another: its days have 23 to 25 hours.
    let at = |day: i32| format!("2026-03-{day:02}T{}:00:00", if day < 29 { 23 } else { 22 });
    let days: Vec<Row> = (20..=31)
        .map(|day| Row { at: Moment::read(&at(day)).unwrap(), value: Some(5.0) })
        .collect();
    let days = clean(&days, None, Gaps::Guess, Repeats::Mean).unwrap();
    assert_eq!((days.y.len(), days.frequency), (12, Frequency::Day));
    assert_eq!(days.moment_after(1).unwrap().to_string(), "2026-04-02");
    assert_eq!(days.steps_after(Moment::read("2026-04-01T22:00:00").unwrap()), Some(1));
    // Fiscal months of four, four and five weeks are not those of a calendar.
    let mut week = 0;
    let fiscal: Vec<Row> = (0..24)
        .map(|month| {
            week += if month % 3 == 2 { 5 } else { 4 };
            let at = jiff::civil::date(2020, 2, 1) + jiff::ToSpan::weeks(week);
            Row { at: Moment::Civil(at.into()), value: Some(9.0) }
        })
        .collect();
    let error = clean(&fiscal, None, Gaps::Guess, Repeats::Mean).unwrap_err().to_string();
    assert!(error.starts_with("has rows 4 to 5 steps of W apart"), "{error}");
    assert!(clean(&fiscal, Some(Frequency::Week), Gaps::Zero, Repeats::Mean).is_ok());
}
