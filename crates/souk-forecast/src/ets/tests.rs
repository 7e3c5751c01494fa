use super::*;
use crate::air::{AIR, Numbers};

/// Log-likelihoods that statsforecast 2.1.1 finds for the airline data (`AutoETS(season_length=12, model=..,
/// damped=False)`); ours are as good or better, because the gradient is exact.
#[test]
fn likelihoods_are_as_good_as_the_reference() {
    let additive = ErrorKind::Additive;
    let multiplicative = ErrorKind::Multiplicative;
    let cases = [
        (Spec::new(additive, Trend::None, Season::None), -863.893_369),
        (Spec::new(additive, Trend::Additive, Season::None), -863.582_562),
        (Spec::new(multiplicative, Trend::Additive, Season::Multiplicative), -736.567_752),
        (Spec::new(additive, Trend::Additive, Season::Additive), -739.915_928),
        (Spec::new(multiplicative, Trend::None, Season::Multiplicative), -712.175_904),
    ];
    for (spec, reference) in cases {
        let model = Ets::fit(&AIR, 12, spec).unwrap();
        let found = -0.5 * model.minus_two_log_likelihood();
        assert!(found > reference - 0.05, "{}: {found} beside {reference}", spec.name());
    }
}

/// The gradient of the backward pass is that of finite differences, for every model.
#[test]
fn gradient_is_that_of_differences() {
    use filter::{Filter, Gradient};
    let y = &AIR[..40];
    for spec in candidates(y, 4) {
        let by = Smoothing { alpha: 0.4, beta: 0.15, gamma: 0.2, phi: 0.9 };
        let season = match spec.season {
            Season::None => vec![],
            Season::Additive => vec![3.0, -5.0, 4.0, -2.0],
            Season::Multiplicative => vec![1.1, 0.9, 1.05, 0.95],
        };
        let slope = if spec.trend == Trend::None { 0.0 } else { 1.5 };
        let start = States { level: 120.0, slope, season, place: 0 };
        let mut filter = Filter::new(y, spec);
        let mut gradient = Gradient::default();
        filter.forward(&by, &start);
        filter.backward(&by, &start, &mut gradient);
        let mut check = |analytic: f64, move_by: &dyn Fn(&mut Smoothing, &mut States, f64)| {
            let mut at = |step: f64| {
                let (mut by, mut start) = (by, start.clone());
                move_by(&mut by, &mut start, step);
                filter.forward(&by, &start)
            };
            let numeric = (at(1e-5) - at(-1e-5)) / 2e-5;
            let off = (analytic - numeric).abs() / (1.0 + numeric.abs());
            assert!(off < 1e-5, "{}: {analytic} beside {numeric}", spec.name());
        };
        let [alpha, beta, gamma, phi] = gradient.smoothing;
        check(alpha, &|by, _, step| by.alpha += step);
        check(gradient.level, &|_, start, step| start.level += step);
        if spec.trend != Trend::None {
            check(beta, &|by, _, step| by.beta += step);
            check(phi, &|by, _, step| by.phi += step);
            check(gradient.slope, &|_, start, step| start.slope += step);
        }
        if spec.season != Season::None {
            check(gamma, &|by, _, step| by.gamma += step);
            for place in 0..4 {
                check(gradient.season[place], &|_, start, step| start.season[place] += step);
            }
        }
    }
}

#[test]
fn forecasts_by_hand() {
    let states = States { level: 100.0, slope: 10.0, season: vec![0.5, 1.5], place: 1 };
    let spec = Spec::new(ErrorKind::Multiplicative, Trend::Damped, Season::Multiplicative);
    assert_eq!(states.forecast(spec, 0.5, 3), [1.5 * 105.0, 0.5 * 107.5, 1.5 * 108.75]);
}

#[test]
fn best_model_beats_every_other_by_its_criterion() {
    let best = Ets::fit_best(&AIR, 12).unwrap();
    assert_eq!(best.spec().season, Season::Multiplicative);
    for spec in candidates(&AIR, 12) {
        if let Some(other) = Ets::fit(&AIR, 12, spec) {
            assert!(best.aicc() <= other.aicc(), "{}", spec.name());
        }
    }
}

/// Appending a value moves the states exactly as a pass over the longer series does.
#[test]
fn appending_is_one_more_step() {
    let model = Ets::fit(&AIR[..120], 12, Spec::HOLT_WINTERS).unwrap();
    let expected = model.forecast(1)[0];
    let mut longer = model.clone();
    longer.append(AIR[120]);
    assert_eq!(*longer.fitted().last().unwrap(), expected);
    let by = model.smoothing();
    let error = AIR[120] - expected;
    let moved = longer.forecast(1)[0] - model.forecast(2)[1];
    assert!((moved - (by.alpha + by.beta) * error).abs() < 1e-9);
}

#[test]
fn what_does_not_suit_is_refused() {
    assert!(Ets::fit(&[], 1, Spec::SES).is_none());
    assert!(Ets::fit(&[1.0, f64::NAN], 1, Spec::SES).is_none());
    let zero = [1.0, 0.0, 2.0, 3.0, 1.0, 2.0, 3.0, 4.0];
    let spec = Spec::new(ErrorKind::Multiplicative, Trend::None, Season::None);
    assert!(Ets::fit(&zero, 1, spec).is_none());
    assert!(Ets::fit(&zero, 5, Spec::HOLT_WINTERS).is_none());
    assert_eq!(Ets::fit_best(&[7.0; 5], 1).unwrap().forecast(2), [7.0, 7.0]);
}

/// The recursion of the chosen parameters forgets: an admissible model's season cannot blow up.
#[test]
fn forecasts_of_noise_stay_near_it() {
    let mut numbers = Numbers(7);
    for n in [5, 9, 20, 60] {
        let y: Vec<f64> = (0..n).map(|_| 50.0 + 5.0 * numbers.normal()).collect();
        let model = Ets::fit_best(&y, 4).unwrap();
        assert!(model.forecast(12).iter().all(|mean| (20.0..80.0).contains(mean)));
    }
}
