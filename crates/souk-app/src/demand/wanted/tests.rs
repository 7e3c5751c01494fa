use souk_core::Day;
use souk_math::Random;
use souk_math::counts::CountDistribution;

use super::*;

const DAYS: usize = 280;

/// What a shelf sells that is filled up to a level on each seventh morning, and what was wanted of it.
fn shelf(seed: u64, (mean, dispersion): (f64, f64), level: f64) -> (DemandSeries, Vec<f64>) {
    let mut random = Random::new(seed);
    let chances = CountDistribution::of_moments(mean, dispersion);
    let demand: Vec<f64> = (0..DAYS).map(|_| chances.quantiles(&[random.unit64()])[0]).collect();
    let mut series = DemandSeries { first: Day::from_number(20_000), ..DemandSeries::default() };
    let mut stock = 0.0;
    for (day, wanted) in demand.iter().enumerate() {
        let was_empty = stock == 0.0;
        if day % 7 == 0 {
            stock = level;
        }
        let sold = wanted.min(stock);
        stock -= sold;
        series.sold.push(sold);
        series.returned.push(0.0);
        let missed = if was_empty && day % 7 != 0 { 1.0 } else { 0.0 };
        series.missed.push(missed);
        series.is_censored.push(missed > 0.0 || stock == 0.0);
        series.is_empty_at_end.push(stock == 0.0);
    }
    (series, demand)
}

fn sum(values: &[f64]) -> f64 {
    values.iter().sum()
}

/// What is told of demand over what it was, for shelves that sold out, and the same where nothing is made of the end of a day.
fn told(kind: (f64, f64), level: f64) -> (f64, f64) {
    let (mut with, mut without, mut all) = (0.0, 0.0, 0.0);
    for seed in 0..20 {
        let (series, demand) = shelf(seed, kind, level);
        with += sum(&series.wanted().0);
        let plain = DemandSeries { is_empty_at_end: Vec::new(), ..series };
        without += sum(&plain.wanted().0);
        all += sum(&demand);
    }
    (with / all, without / all)
}

#[test]
fn demand_beyond_what_was_there_is_told_from_days_that_sold_out() {
    // In lumps, quick and slow: 0.994, 1.001 and 0.946 of it, where 0.944, 0.945 and 0.869 are told otherwise.
    for (kind, level) in [((4.0, 6.0), 34.0), ((20.0, 3.0), 130.0), ((0.5, 3.0), 5.0)] {
        let (with, without) = told(kind, level);
        assert!((0.93..=1.03).contains(&with), "{kind:?}: {with:.3}");
        assert!(with - without > 0.04, "{kind:?}: {with:.3} {without:.3}");
    }
}

/// Ten a day, and one day that differs.
fn ten_a_day(sold: f64, missed: f64, is_empty_at_end: bool) -> DemandSeries {
    let mut series = DemandSeries {
        first: Day::from_number(20_000),
        sold: vec![10.0; 57],
        returned: vec![0.0; 57],
        is_censored: vec![false; 57],
        is_empty_at_end: vec![false; 57],
        missed: vec![0.0; 57],
        ..DemandSeries::default()
    };
    series.sold[28] = sold;
    series.is_censored[28] = true;
    series.is_empty_at_end[28] = is_empty_at_end;
    series.missed[28] = missed;
    series
}

#[test]
fn a_day_counts_by_the_time_that_its_shelf_was_empty() {
    let of_day = |sold, missed, is_empty_at_end| {
        let (wanted, added) = ten_a_day(sold, missed, is_empty_at_end).wanted();
        assert_eq!(added, wanted[28] - sold);
        wanted[28]
    };
    assert_eq!(of_day(0.0, 1.0, false), 10.0, "all day");
    assert_eq!(of_day(0.0, 1.0, true), 10.0, "all day, and on the next one");
    assert_eq!(of_day(4.0, 0.5, false), 9.0, "filled again at two o'clock");
    assert_eq!(of_day(12.0, 0.1, false), 13.0, "filled again in the morning");
    // Days that are all alike leave no doubt of what is usual, and more than usual is left as it is.
    assert!((10.0..=12.0).contains(&of_day(6.0, 0.3, true)));
    assert_eq!(of_day(90.0, 0.3, true), 90.0);
    // One that was open all the time is as it was.
    let mut open = ten_a_day(4.0, 0.0, false);
    open.is_censored[28] = false;
    assert_eq!(open.wanted(), (open.sold.clone(), 0.0));
}

#[test]
fn what_is_measured_has_a_tail_too_and_one_surprise_is_no_habit() {
    // Exponential demand does not remember: beyond what was sold as much is to come as ever.
    assert!((at_least(3.0, (2.0, 2.0), Grain::Measured) - 5.0).abs() < 1e-9);
    // Poisson(2): E [D | D ≥ 1] = 2 / (1 − e⁻²).
    assert!(
        (at_least(1.0, (2.0, 1.0), Grain::Pieces) - 2.0 / (1.0 - (-2.0f64).exp())).abs() < 1e-6
    );
    assert_eq!(at_least(3.0, (0.0, 1.0), Grain::Pieces), 3.0);
    let mut known = Known { values: vec![10.0; 140], is_known: vec![true; 140] };
    known.values.iter_mut().step_by(2).for_each(|value| *value = 4.0);
    let usual = known.dispersion();
    known.values[70] = 4_000.0;
    assert!(known.dispersion() < 3.0 * usual, "{} {usual}", known.dispersion());
}

#[test]
fn a_day_sells_from_eight_to_twenty() {
    assert_eq!(share_between(0, i64::MAX), 1.0);
    assert_eq!((share_between(0, 420), share_between(1_260, i64::MAX)), (0.0, 0.0));
    assert_eq!((share_between(0, 840), share_between(1_020, 1_440)), (0.5, 0.25));
}
