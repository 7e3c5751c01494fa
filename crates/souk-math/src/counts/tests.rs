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

/// scipy.special.gammaln of scipy 1.17.1, and the chances as they are summed up.
#[test]
fn log_chances_match() {
    for (x, reference) in
        [(0.5, 0.572_364_942_924_700_1), (1.0, 0.0), (10.5, 13.940_625_219_403_763)]
    {
        assert!((ln_gamma(x) - reference).abs() < 1e-12, "{x}: {}", ln_gamma(x));
    }
    let chances = CountDistribution::of_moments(6.0, 4.0).chances(1e-12);
    for (count, chance) in chances.iter().enumerate().take(30) {
        let log = CountDistribution::log_chance(6.0, 4.0, count as f64);
        assert!((log - chance.ln()).abs() < 1e-9, "{count}");
    }
}
