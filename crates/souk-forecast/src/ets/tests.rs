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
    let models = Ets::weighed(&AIR, 12);
    let best = &models[0].0;
    assert_eq!(best.spec().season, Season::Multiplicative);
    for spec in candidates(&AIR, 12) {
        if let Some(other) = search::fit(&AIR, 12, (spec, Slopes::Slow)) {
            assert!(best.aicc() <= other.aicc(), "{}", spec.name());
        }
    }
    let total: f64 = models.iter().map(|(_, weight)| weight).sum();
    assert!((total - 1.0).abs() < 1e-12);
    assert!(models.windows(2).all(|pair| pair[0].1 >= pair[1].1));
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
    assert_eq!(Ets::weighed(&[7.0; 5], 1)[0].0.forecast(2), [7.0, 7.0]);
}

/// The recursion of the chosen parameters forgets: an admissible model's season cannot blow up.
#[test]
fn forecasts_of_noise_stay_near_it() {
    let mut numbers = Numbers(7);
    for n in [5, 9, 20, 60] {
        let y: Vec<f64> = (0..n).map(|_| 50.0 + 5.0 * numbers.normal()).collect();
        for (model, _) in Ets::weighed(&y, 4) {
            assert!(model.forecast(12).iter().all(|mean| (20.0..80.0).contains(mean)));
        }
    }
}

/// A slope that is expected to change slowly does, and costs likelihood that nothing else buys.
#[test]
fn slow_slopes_are_slower_and_less_likely() {
    let mut numbers = Numbers(5);
    let (mut level, mut slope) = (100.0, 0.0);
    let y: Vec<f64> = (0..60)
        .map(|_| {
            slope += 2.0 * numbers.normal();
            level += slope + numbers.normal();
            level
        })
        .collect();
    let [free, slow] =
        [Slopes::Any, Slopes::Slow].map(|slopes| search::fit(&y, 1, (Spec::HOLT, slopes)).unwrap());
    let share = |model: &Ets| model.smoothing().beta / model.smoothing().alpha;
    assert!(share(&slow) < share(&free), "{} {}", share(&slow), share(&free));
    assert!(slow.minus_two_log_likelihood() >= free.minus_two_log_likelihood() - 1e-6);
    let prior = -2.0 * 10.0 * (1.0 - share(&slow)).ln();
    assert!((slow.minus_two_log_prior - prior).abs() < 0.05, "{}", slow.minus_two_log_prior);
    assert_eq!(free.minus_two_log_prior, 0.0);
}

/// What the polynomial says of parameters is what the recursion does with a first value: it fades or grows.
#[test]
fn admissible_is_what_forgets() {
    let mut numbers = Numbers(9);
    let mut share = || 1.0 / (1.0 + (-1.5 * numbers.normal()).exp());
    let mut seen = [0, 0];
    for trial in 0..300 {
        let m = [2, 3, 4, 7][trial % 4];
        let trend = [Trend::None, Trend::Additive, Trend::Damped][trial % 3];
        let alpha = share();
        let beta = if trend == Trend::None { 0.0 } else { alpha * share() };
        let gamma = (1.0 - alpha) * share();
        let phi = if trend == Trend::Damped { 0.8 + 0.18 * share() } else { 1.0 };
        let by = Smoothing { alpha, beta, gamma, phi };
        let spec = Spec::new(ErrorKind::Additive, trend, Season::Additive);
        let mut states = States { level: 1.0, slope: 0.3, season: vec![0.0; m], place: 0 };
        states.season[0] = 0.7;
        let sizes: Vec<f64> = (0..4_000 * m).map(|_| states.step(spec, &by, 0.0).abs()).collect();
        let largest = |part: &[f64]| part.iter().copied().fold(0.0_f64, f64::max);
        let (early, late) = (largest(&sizes[..1_000 * m]), largest(&sizes[3_000 * m..]));
        let (has_faded, has_grown) = (late < 1e-6 * early, late.is_nan() || late > 1e3 * early);
        if !has_faded && !has_grown {
            // Too near the border to be told by a run.
            continue;
        }
        let is_admissible = search::is_admissible(spec, &by, m);
        assert_eq!(is_admissible, has_faded, "{by:?} of {m}: {early} {late}");
        seen[usize::from(is_admissible)] += 1;
    }
    assert!(seen[0] > 5 && seen[1] > 150, "{seen:?}");
}

/// A week that never changes wants smoothing that hardly moves, which is as slow to forget and yet admissible.
#[test]
fn a_steady_week_is_fitted_by_every_kind() {
    let mut numbers = Numbers(7);
    let y: Vec<f64> = (0..1_100)
        .map(|day| 20.0 + f64::from(u8::from(day % 7 == 5)) * 12.0 + numbers.normal())
        .collect();
    for spec in candidates(&y, 7) {
        let model = Ets::fit(&y, 7, spec);
        assert!(model.is_some(), "{}", spec.name());
    }
    let slow = Smoothing { alpha: 2e-4, beta: 1.5e-4, gamma: 1e-4, phi: 1.0 };
    assert!(search::is_admissible(Spec::HOLT_WINTERS, &slow, 7));
}
