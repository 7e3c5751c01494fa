#![allow(clippy::unwrap_used)]

use super::*;
use crate::simulated::{ShopKind, false_alarms, finds};

/// Values worked out from the paper's formula with Python's `math`.
#[test]
fn matches_the_formula() {
    let close = |found: f64, expected: f64| assert!((found - expected).abs() < 1e-9, "{found}");
    let reference =
        [(500.0, 0.6330925773186866), (10_000.0, 0.0910562697112876), (1e6, 0.0106849231227567)];
    for (n, expected) in reference {
        close(half_width(n, 9.0, 0.05), expected);
    }
    // About three standard errors where it is tightest.
    let z = half_width(10_000.0, 1.0, 0.05) * 100.0;
    assert!((3.0..3.1).contains(&z), "{z}");
}

#[test]
fn moments_are_those_of_a_list() {
    let values = [3.0, 0.0, -1.5, 8.25, 0.0];
    let mut moments = Moments::default();
    values.iter().for_each(|value| moments.push(*value));
    let mean = values.iter().sum::<f64>() / 5.0;
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / 4.0;
    assert!((moments.mean() - mean).abs() < 1e-12);
    assert!((moments.variance() - variance).abs() < 1e-12);
    assert_eq!((moments.n(), moments.n_nonzero()), (5, 3));
}

/// A ratio's spread is that of its influence function, person by person.
#[test]
fn ratios_have_the_spread_of_their_influence() {
    let people = [(30.0, 2.0), (0.0, 0.0), (12.5, 1.0), (0.0, 0.0), (99.0, 3.0), (7.0, 1.0)];
    let mut moments = RatioMoments::default();
    people.iter().for_each(|(above, below)| moments.push(*above, *below));
    let (above, below) = (148.5 / 6.0, 7.0 / 6.0);
    let ratio = above / below;
    assert!((moments.ratio() - ratio).abs() < 1e-12);
    let influence = |(a, b): &(f64, f64)| (a - ratio * b) / below;
    let spread: f64 = people.iter().map(|person| influence(person).powi(2)).sum();
    assert!((moments.linear().spread - spread).abs() < 1e-9);
}

fn of(n: u64, n_active: u64, value: f64) -> Moments {
    let mut moments = Moments::default();
    (0..n).for_each(|idx| moments.push(if idx < n_active { value } else { 0.0 }));
    moments
}

#[test]
fn thin_groups_are_refused_by_name() {
    let enough = of(1_000, 100, 1.0);
    let refusal = |held: &Moments| compare(held, &enough, 0.05).unwrap_err().to_string();
    assert_eq!(refusal(&of(199, 100, 1.0)), "199 people in the smaller group; 200 are needed");
    assert_eq!(
        refusal(&of(500, 29, 1.0)),
        "29 of the smaller group have a value other than 0; 30 are needed"
    );
    let mut whale = of(500, 100, 1.0);
    whale.push(1_000.0);
    assert_eq!(refusal(&whale), "one person makes 100 % of the spread; at most 25 % is sound");
    assert!(compare(&of(200, 30, 1.0), &enough, 0.05).is_ok());
}

#[test]
fn a_share_that_chance_explains_is_not_odd() {
    assert!(!is_share_odd(0, 0, (0.1, 0.001)));
    assert!(!is_share_odd(1_030, 10_000, (0.1, 0.001)));
    assert!(is_share_odd(1_200, 10_000, (0.1, 0.001)));
    assert!(is_share_odd(800, 10_000, (0.1, 0.001)));
}

/// Shops in which both groups are the same are looked at every day for three months: hardly any is ever
/// told of a difference. `cargo bench --bench honesty` does it ten thousand times.
#[test]
fn shops_without_a_difference_are_told_of_none() {
    for kind in ShopKind::ALL {
        let alarms = false_alarms(kind, (200, 7));
        assert!(alarms.of_shops <= 10, "{kind:?}: {alarms:?}");
        assert!(alarms.n_spoken > 50, "{kind:?} must be spoken of at all: {alarms:?}");
    }
}

/// Whoever looks daily with the usual interval is told of a difference far more often than promised: so the
/// check above can fail.
#[test]
fn the_usual_interval_would_fail() {
    let alarms = false_alarms(ShopKind::Steady, (200, 7));
    assert!(alarms.of_usual > 30, "{alarms:?}");
}

#[test]
fn a_difference_that_is_there_is_found() {
    let found = finds(ShopKind::Steady, 0.10, (40, 11));
    assert!(found >= 36, "{found} of 40");
}
