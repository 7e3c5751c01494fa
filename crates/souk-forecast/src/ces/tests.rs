use super::*;
use crate::air::AIR;

/// Log-likelihoods of statsforecast 2.1.1 are −n/2·log Σe²; ours start from other states and are judged by what
/// they forecast: within 8 % of the reference's next value.
#[test]
fn forecasts_are_near_the_reference() {
    let cases = [(Form::Partial, 452.348), (Form::Simple, 445.996), (Form::Full, 453.018)];
    for (form, reference) in cases {
        let found = Ces::fit(&AIR, 12, form).unwrap().forecast(1)[0];
        assert!((found / reference - 1.0).abs() < 0.08, "{form:?}: {found} {reference}");
    }
}

/// Equation 11 by hand, two steps.
#[test]
fn steps_by_hand() {
    let mut states = States { level: [10.0, 4.0], season: vec![], place: 0 };
    let by = [1.5, 0.8, 0.0, 0.0];
    assert_eq!(states.step(Form::None, &by, Some(12.0)), 10.0);
    let expected = 10.0 - 0.2 * 4.0 + 0.7 * 2.0;
    assert!((states.level[0] - expected).abs() < 1e-12);
    assert!((states.level[1] - (10.0 - 0.5 * 4.0 + 2.3 * 2.0)).abs() < 1e-12);
}

#[test]
fn stable_region_by_hand() {
    // α = β = 1: the discount matrix is [[1, 0], [−1, 0]], whose eigenvalue 1 lies on the circle.
    assert!(!is_stable(Form::None, &[1.0, 1.0, 0.0, 0.0]));
    assert!(is_stable(Form::None, &[1.3, 1.0, 0.0, 0.0]));
    assert!(!is_stable(Form::Partial, &[1.3, 1.0, 1.2, 0.0]));
}

#[test]
fn what_does_not_suit_is_refused() {
    assert!(Ces::fit(&[1.0, 2.0, 3.0], 1, Form::None).is_none());
    assert!(Ces::fit(&AIR[..20], 12, Form::Full).is_none());
    assert!(Ces::fit(&[1.0, f64::INFINITY, 1.0, 1.0], 1, Form::None).is_none());
}
