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
