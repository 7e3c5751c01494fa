use super::*;

/// Quantiles of scipy 1.17.1: poisson(3.5).ppf, nbinom(2, 0.25).ppf (mean 6, dispersion 4).
#[test]
fn quantiles_match_the_reference() {
    let shares = [0.05, 0.5, 0.9, 0.99];
    let poisson = CountDistribution::of_moments(3.5, 1.0);
    assert_eq!(poisson.quantiles(&shares), [1.0, 3.0, 6.0, 8.0]);
    let binomial = CountDistribution::of_moments(6.0, 4.0);
    assert_eq!(binomial.quantiles(&shares), [0.0, 5.0, 13.0, 22.0]);
}

#[test]
fn chances_have_the_moments() {
    let cases = [
        CountDistribution::Poisson { mean: 2.5 },
        CountDistribution::of_moments(8.0, 3.0),
        CountDistribution::ZeroInflatedPoisson { zero: 0.4, rate: 3.0 },
    ];
    for case in cases {
        let chances = case.chances(1e-13);
        let moment = |power: i32| -> f64 {
            chances.iter().enumerate().map(|(k, chance)| (k as f64).powi(power) * chance).sum()
        };
        assert!((moment(0) - 1.0).abs() < 1e-9);
        assert!((moment(1) - case.mean()).abs() < 1e-8);
        assert!((moment(2) - moment(1).powi(2) - case.variance()).abs() < 1e-6);
    }
}

#[test]
fn edges_are_sound() {
    assert_eq!(CountDistribution::of_moments(0.0, 5.0).quantiles(&[0.5, 0.99]), [0.0, 0.0]);
    let large = CountDistribution::of_moments(1e6, 1.0).quantiles(&[0.5]);
    assert_eq!(large, [1e6]);
}
