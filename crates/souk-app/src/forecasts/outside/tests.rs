#![allow(clippy::unwrap_used)]

use souk_core::Day;
use souk_math::Random;

use super::*;
use crate::forecasts::outlook::closely;
use crate::signals::SignalColumn;

const DAYS: usize = 200;
const AHEAD: usize = 28;

/// Values between −1 and 1.
fn random(seed: u64) -> Vec<Option<f64>> {
    let mut random = Random::new(seed);
    (0..DAYS + AHEAD).map(|_| Some(2.0 * random.unit64() - 1.0)).collect()
}

/// Some twenty a day, by `beta` more where the first signal is 1.
fn series(seed: u64, beta: f64, signals: Vec<Vec<Option<f64>>>) -> DemandSeries {
    let mut random = Random::new(1_000 + seed);
    let sold = (0..DAYS).map(|day| {
        let said = signals[0][day].unwrap_or(0.0);
        (20.0 * (beta * said).exp() + 8.0 * (random.unit64() - 0.5)).round()
    });
    let column = |(idx, values)| SignalColumn { name: format!("s{idx}"), values };
    DemandSeries {
        first: Day::from_number(20_000),
        sold: sold.collect(),
        returned: vec![0.0; DAYS],
        is_censored: vec![false; DAYS],
        is_empty_at_end: Vec::new(),
        missed: Vec::new(),
        opening: Vec::new(),
        closed_ahead: Vec::new(),
        promotion: vec![0.0; DAYS],
        discount: Vec::new(),
        price: vec![500.0; DAYS],
        promotion_ahead: vec![0.0; AHEAD],
        signals: signals.into_iter().enumerate().map(column).collect(),
        everywhere: Vec::new(),
        taught: None,
    }
}

fn names(series: &DemandSeries) -> Vec<String> {
    let closely = closely(series, (14, AHEAD), &[0.9]);
    closely.heard.iter().map(|one| one.name().to_owned()).collect()
}

#[test]
fn what_moves_demand_is_heard_and_noise_seldom() {
    assert_eq!(names(&series(1, 0.3, vec![random(1), random(2)])), ["s0"]);
    // Of ten that do nothing half a one is expected to be taken for something.
    let heard = (0..10).filter(|seed| {
        let noise = vec![random(100 + seed), random(200 + seed), random(300 + seed)];
        !names(&series(10 + seed, 0.0, noise)).is_empty()
    });
    assert!(heard.count() <= 2);
}

#[test]
fn too_little_that_is_known_is_no_driver() {
    let mut few = random(1);
    few.iter_mut().step_by(3).for_each(|value| *value = None);
    assert_eq!(names(&series(1, 0.3, vec![few])), [""; 0]);
    let same = vec![Some(7.0); DAYS + AHEAD];
    assert_eq!(names(&series(1, 0.0, vec![same])), [""; 0]);
    // One day in ten is no matter: it counts as usual.
    let mut most = random(1);
    most.iter_mut().step_by(10).for_each(|value| *value = None);
    assert_eq!(names(&series(1, 0.3, vec![most])), ["s0"]);
}

#[test]
fn a_column_is_in_deviations_off_what_is_usual() {
    let known = [Some(1.0), Some(3.0), None, Some(1.0), Some(3.0), Some(99.0), None];
    let mut values = random(1);
    values[..7].copy_from_slice(&known);
    let mut series = series(1, 0.0, vec![values]);
    series.signals[0].values.truncate(7);
    // Usual is 2, the deviation 1; what is not known is usual, and what is far off counts as four deviations.
    let (past, ahead) = column(&series, ("s0", 5, 3));
    assert_eq!((past, ahead), (vec![-1.0, 1.0, 0.0, -1.0, 1.0], vec![FAR, 0.0, 0.0]));
    assert_eq!(column(&series, ("none", 2, 1)), (vec![0.0, 0.0], vec![0.0]));
}
