#![allow(clippy::unwrap_used)]

use souk_math::Random;

use super::*;
use crate::counts::CountDistribution;

const SPAN: Span = Span { season_length: 7, horizon: 14, total: 10 };

fn one(wanted: &[f64]) -> Totals {
    totals(&[History { wanted, factors: &[], grain: Grain::Pieces }], SPAN).remove(0)
}

/// Counts with a mean and a variance over mean.
fn counts(n: usize, (mean, dispersion): (f64, f64), seed: u64) -> Vec<f64> {
    let mut random = Random::new(seed);
    let chances = CountDistribution::of_moments(mean, dispersion).chances(1e-9);
    let draw = |_| {
        let mut left = random.unit64();
        let reached = chances.iter().position(|chance| {
            left -= chance;
            left < 0.0
        });
        reached.unwrap_or(chances.len()) as f64
    };
    (0..n).map(draw).collect()
}

#[test]
fn a_steady_series_goes_on() {
    let found = one(&[3.0; 200]);
    assert!(found.mean.iter().all(|mean| (mean - 3.0).abs() < 1e-9), "{found:?}");
    // Nothing was ever missed, so the least dispersion stays, halved at most.
    assert!((0.5..=DISPERSION_MIN).contains(&found.dispersion), "{}", found.dispersion);
}

#[test]
fn weekdays_and_factors_shape_the_days() {
    // Twice as much on the seventh day; a promotion of factor 2 on every twentieth day of the past and the day ahead.
    let factors: Vec<f64> = (0..220).map(|day| if day % 20 == 0 { 2.0 } else { 1.0 }).collect();
    let of = |day: usize| factors[day] * if day % 7 == 6 { 40.0 } else { 20.0 };
    let wanted: Vec<f64> = (0..200).map(of).collect();
    let history = History { wanted: &wanted, factors: &factors, grain: Grain::Pieces };
    let found = totals(&[history], SPAN).remove(0);
    for (step, mean) in found.mean.iter().enumerate() {
        assert!((mean / of(200 + step) - 1.0).abs() < 0.05, "{step}: {mean}, {}", of(200 + step));
    }
}

/// The variance of a total by hand: φM(1 + T/n) = 2·30·(1 + 10/40).
#[test]
fn the_variance_grows_with_what_is_not_known() {
    let made = Totals { mean: vec![3.0; 10], dispersion: 2.0, known: 40.0 };
    assert!((made.variance(30.0, 10.0) - 75.0).abs() < 1e-12);
}

/// Series of the next test.
const N: usize = 3_000;

/// Totals of counts of several spreads are not exceeded as often as asked, within a point or two.
#[test]
fn levels_hold_as_often_as_they_say() {
    let kinds = [(0.2, 1.1), (0.3, 3.0), (0.5, 6.0), (1.5, 2.0), (4.0, 1.5)];
    let all: Vec<Vec<f64>> =
        (0..N).map(|idx| counts(260, kinds[idx % kinds.len()], 40 + idx as u64)).collect();
    let mut squares = Vec::with_capacity(N);
    let mut held = [(0.90, 0usize), (0.95, 0), (0.98, 0)];
    let mut promised = [0.0; 3];
    for chunk in all.chunks(60) {
        let histories: Vec<History<'_>> = chunk
            .iter()
            .map(|y| History { wanted: &y[..250], factors: &[], grain: Grain::Pieces })
            .collect();
        for (found, y) in totals(&histories, SPAN).iter().zip(chunk) {
            let mean: f64 = found.mean[..10].iter().sum();
            let spread = found.variance(mean, 10.0) / mean;
            let distribution = CountDistribution::of_moments(mean, spread);
            let actual: f64 = y[250..].iter().sum();
            squares.push((actual - mean).powi(2) / (spread * mean));
            let chances = distribution.chances(1e-9);
            for ((share, count), promised) in held.iter_mut().zip(&mut promised) {
                let level = distribution.quantiles(&[*share])[0];
                *count += usize::from(actual <= level);
                // A level in whole pieces suffices more often than asked.
                *promised += chances.iter().take(level as usize + 1).sum::<f64>();
            }
        }
    }
    for ((share, count), promised) in held.iter().zip(promised) {
        let (rate, promised) = (*count as f64 / N as f64, promised / N as f64);
        let error = 3.0 * (promised * (1.0 - promised) / N as f64).sqrt();
        assert!((rate - promised).abs() < error, "{share}: {rate}, promised {promised}");
    }
    // Squared errors are as large as the variances say.
    let ratio = squares.iter().sum::<f64>() / N as f64;
    let error = 3.0 * (crate::numbers::variance(&squares) / N as f64).sqrt();
    assert!(error < 0.2 && (ratio - 1.0).abs() < error, "{ratio} ± {error}");
}

/// One lumpy series is drawn to the others; with lasting differences it is not.
#[test]
fn dispersions_are_drawn_as_far_as_they_do_not_last() {
    let histories = |all: &[Vec<f64>]| -> Vec<f64> {
        let all: Vec<History<'_>> =
            all.iter().map(|y| History { wanted: y, factors: &[], grain: Grain::Pieces }).collect();
        totals(&all, SPAN).iter().map(|found| found.dispersion).collect()
    };
    // The standard deviation of the logs.
    let spread = |found: &[f64]| {
        let logs: Vec<f64> = found.iter().map(|value| value.ln()).collect();
        crate::numbers::variance(&logs).sqrt()
    };
    let alike: Vec<Vec<f64>> = (0..40).map(|seed| counts(300, (0.4, 3.0), seed)).collect();
    let alone: Vec<f64> = alike.iter().map(|y| one(y).dispersion).collect();
    let (drawn, apart) = (spread(&histories(&alike)), spread(&alone));
    assert!(drawn < 0.8 * apart, "{drawn} of {apart}");
    let unlike: Vec<Vec<f64>> = (0..40)
        .map(|seed| counts(300, (5.0, if seed % 2 == 0 { 1.2 } else { 8.0 }), seed))
        .collect();
    // Two kinds at 1.2 and 8: half of ln(8 / 1.2) is 0.95.
    let lasting = spread(&histories(&unlike));
    assert!((0.8..1.1).contains(&lasting), "{lasting}");
}

#[test]
fn little_and_nothing_are_answered() {
    for wanted in [vec![], vec![0.0; 90], vec![2.0], vec![0.0, 5.0, 0.0]] {
        let found = one(&wanted);
        assert_eq!(found.mean.len(), 14);
        assert!(found.mean.iter().all(|mean| mean.is_finite() && *mean >= 0.0), "{found:?}");
        assert!(found.dispersion > 0.0 && found.dispersion.is_finite() && found.known >= 1.0);
    }
}

/// The lumps of demand do not lower the mean, as they do where absolute errors choose.
#[test]
fn lumps_do_not_bias_the_mean() {
    let kinds = (0..60).map(|seed| counts(364, (2.0, 20.0), 900 + seed)).collect::<Vec<_>>();
    let mean_of = |y: &Vec<f64>| one(y).mean[..7].iter().sum::<f64>() / 7.0;
    let told: f64 = kinds.iter().map(mean_of).sum::<f64>() / 60.0;
    assert!((told / 2.0 - 1.0).abs() < 0.08, "{told}");
}
