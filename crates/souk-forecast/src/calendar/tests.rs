use super::*;

fn moments(texts: &[&str]) -> Vec<Moment> {
    texts.iter().map(|text| Moment::read(text).unwrap()).collect()
}

#[test]
fn frequencies_are_told_from_dates() {
    let cases: &[(&[&str], Option<Frequency>)] = &[
        (&["1", "2", "5"], Some(Frequency::Step)),
        (&["2024-01-01", "2024-01-02", "2024-01-05"], Some(Frequency::Day)),
        (&["2024-01-01", "2024-01-08", "2024-01-22"], Some(Frequency::Week)),
        (&["2024-01-31", "2024-02-29", "2024-04-30"], Some(Frequency::Month)),
        (&["2024-01-15", "2024-02-15"], Some(Frequency::Month)),
        (&["2024-01-01", "2024-04-01", "2024-07-01"], Some(Frequency::Quarter)),
        (&["2020-12-31", "2021-12-31"], Some(Frequency::Year)),
        (&["2024-01-01T00:00:00", "2024-01-01T05:00:00"], Some(Frequency::Hour)),
        (&["1", "2024-01-01"], None),
        (&["2024-01-01T00:00:00", "2024-01-01T05:07:00"], None),
        (&["2024-01-01"], Some(Frequency::Day)),
    ];
    for (texts, expected) in cases {
        assert_eq!(Frequency::of(&moments(texts)), *expected, "{texts:?}");
    }
}

/// Every frequency gives its moments back, also before 1970 and at month ends.
#[test]
fn slots_read_back() {
    let texts = ["1965-03-31", "1969-12-31", "2024-02-29", "2024-12-31", "2023-05-15"];
    for at in moments(&texts) {
        for frequency in Frequency::ALL.into_iter().skip(1) {
            let slot = frequency.slot(at).unwrap();
            let phase = Phase::common(&[slot]).unwrap();
            assert_eq!(frequency.moment(slot.number, phase), Some(at), "{frequency:?}");
        }
    }
}

#[test]
fn month_ends_stay_month_ends() {
    let slots: Vec<Slot> = moments(&["2024-01-31", "2024-02-29"])
        .into_iter()
        .map(|at| Frequency::Month.slot(at).unwrap())
        .collect();
    let phase = Phase::common(&slots).unwrap();
    let next = Frequency::Month.moment(slots[1].number + 2, phase).unwrap();
    assert_eq!(next.to_string(), "2024-04-30");
}

#[test]
fn names_are_those_of_pandas() {
    for (text, frequency) in
        [("MS", Frequency::Month), ("W-SUN", Frequency::Week), ("D", Frequency::Day)]
    {
        assert_eq!(text.parse(), Ok(frequency));
    }
    assert!("fortnight".parse::<Frequency>().unwrap_err().to_string().contains("take one of"));
    assert_eq!(Moment::read("yesterday"), None);
}

#[test]
fn digits_write_dates() {
    let written = |step: i64| Moment::Step(step).in_digits().map(|at| at.to_string());
    assert_eq!(written(20_260_131).as_deref(), Some("2026-01-31"));
    assert_eq!(written(202_602).as_deref(), Some("2026-02-01"));
    for step in [20_260_230, 20_261_301, 202_613, 202_600, 2_026, 1, -20_260_131, 30_000_101] {
        assert_eq!(written(step), None, "{step}");
    }
    assert_eq!(moments(&["2026-01-31"])[0].in_digits(), None);
}

#[test]
fn months_quarters_and_weeks_are_read_as_their_first_day() {
    for (text, date) in [
        ("2024-02", "2024-02-01"),
        ("2024Q3", "2024-07-01"),
        ("2024-Q1", "2024-01-01"),
        ("2024-W01", "2024-01-01"),
        ("2020W53", "2020-12-28"),
        ("31.01.2024", "2024-01-31"),
        ("2024/1/31", "2024-01-31"),
        ("2024-01-01/2024-01-07", "2024-01-01"),
        ("2024-01-31 00:00:00+01:00", "2024-01-31"),
    ] {
        assert_eq!(Moment::read(text).map(|at| at.to_string()).as_deref(), Some(date), "{text}");
    }
    for text in [
        "2024Q5",
        "2023-W53",
        "01/02/2024",
        "31/01/2024",
        "31.13.2024",
        "2024-13",
        "12.5",
        "1.234.567",
    ] {
        assert_eq!(Moment::read(text), None, "{text}");
    }
}
