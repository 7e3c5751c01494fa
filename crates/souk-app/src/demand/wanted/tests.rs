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
    for (kind, level) in [((4.0, 6.0), 34.0), ((20.0, 3.0), 130.0), ((0.5, 3.0), 5.0)] {
        let (with, without) = told(kind, level);
        println!("{kind:?} {level}: {with:.3} {without:.3}");
    }
}
