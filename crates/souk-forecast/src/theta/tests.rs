use super::*;
use crate::air::AIR;

/// Forecasts of statsforecast 2.1.1 (`Theta`, `OptimizedTheta`, `DynamicTheta`, `DynamicOptimizedTheta`), whose
/// simplex search ends within about 0.2 % of the optimum that ours finds exactly.
#[test]
fn forecasts_match_the_reference() {
    let cases = [
        (Form::Standard, [440.969_195, 429.249_242, 490.693_187, 476.659_92]),
        (Form::Optimised, [442.942_532, 432.231_016, 495.307_935, 482.308_003]),
        (Form::DynamicStandard, [440.774_114, 429.061_861, 490.483_268, 476.461_291]),
        (Form::DynamicOptimised, [442.927_195, 432.298_401, 495.482_454, 482.575_341]),
    ];
    for (form, reference) in cases {
        let found = Theta::fit(&AIR, 12, form).unwrap().forecast(4);
        for (found, reference) in found.iter().zip(reference) {
            assert!((found / reference - 1.0).abs() < 2e-3, "{form:?}: {found} {reference}");
        }
    }
}

/// The least squares over level and weight is the minimum: no neighbour of it is better.
#[test]
fn profile_is_the_minimum() {
    for form in Form::ALL {
        let model = Theta::fit(&AIR, 12, form).unwrap();
        let squares = |model: &Theta| {
            let run = Theta { season: None, ..model.clone() }.run(0);
            let errors = model.adjusted.iter().zip(&run).skip(3).map(|(y, f)| (y - f).powi(2));
            errors.sum::<f64>() / (model.adjusted.len() - 3) as f64
        };
        let best = squares(&model);
        assert!((best / model.mse() - 1.0).abs() < 1e-6, "{form:?}: {best} {}", model.mse());
        for step in [-1e-3, 1e-3] {
            let level = Theta { first_level: model.first_level + 1e3 * step, ..model.clone() };
            assert!(squares(&level) > best);
            let alpha = Theta { alpha: model.alpha + step, ..model.clone() };
            assert!(squares(&alpha) > best - 1e-6 * best, "{form:?}");
            if form.is_optimised() && model.weight < 0.99 {
                let weight = Theta { weight: model.weight + step, ..model.clone() };
                assert!(squares(&weight) > best, "{form:?}");
            }
        }
    }
}

#[test]
fn a_line_goes_on() {
    let y: Vec<f64> = (0..30).map(|t| 5.0 + 2.0 * f64::from(t)).collect();
    let found = Theta::fit(&y, 1, Form::DynamicOptimised).unwrap().forecast(2);
    assert!(found[0] > 60.0 && found[1] > found[0], "{found:?}");
    assert!(Theta::fit(&[1.0, 2.0], 1, Form::Standard).is_none());
}
