use super::polynomial::is_stationary;
use super::*;
use crate::air::{AIR, Numbers};

fn order(near: [usize; 3], seasonal: [usize; 3], constant: Constant) -> Order {
    Order { near, seasonal, season_length: 12, constant }
}

/// The airline model of Box and Jenkins, as R's `arima(log(AirPassengers), c(0,1,1), c(0,1,1))` prints it:
/// θ = −0.4018, Θ = −0.5569, σ² = 0.001348, log-likelihood 244.70.
#[test]
fn airline_model_matches_the_reference() {
    let y = AIR.map(f64::ln);
    let model = Arima::fit(&y, order([0, 1, 1], [0, 1, 1], Constant::Absent)).unwrap();
    let (_, ma) = model.coefficients();
    assert!((ma[0] + 0.4018).abs() < 2e-4 && (ma[11] + 0.5569).abs() < 2e-4, "{ma:?}");
    assert!((model.sigma2() - 0.001_348).abs() < 1e-6, "{}", model.sigma2());
    assert!((model.minus_two_log_likelihood() + 2.0 * 244.70).abs() < 0.02);
}

/// Log-likelihoods of statsforecast 2.1.1 (`ARIMA(.., method='ML')`) where its search moved at all.
#[test]
fn likelihoods_are_as_good_as_the_reference() {
    let y = AIR.map(f64::ln);
    let cases = [
        (order([1, 0, 0], [1, 0, 0], Constant::Present), 233.442_453),
        (order([1, 0, 1], [0, 0, 0], Constant::Present), 121.703_878),
    ];
    for (order, reference) in cases {
        let model = Arima::fit(&y, order).unwrap();
        let found = -0.5 * model.minus_two_log_likelihood();
        assert!(found > reference - 1e-3, "{}: {found} {reference}", order.name());
    }
}

/// The fast recursion finds the likelihood that the covariance matrix itself gives.
#[test]
fn likelihood_is_that_of_the_covariance_matrix() {
    let mut numbers = Numbers(11);
    let y: Vec<f64> = (0..30).map(|_| numbers.normal()).collect();
    let orders = [
        order([2, 0, 1], [0, 0, 0], Constant::Absent),
        order([1, 0, 2], [1, 0, 1], Constant::Absent),
        order([0, 0, 1], [0, 0, 1], Constant::Absent),
    ];
    for mut order in orders {
        order.season_length = 4;
        let u = [0.5, -0.3, 0.4, 0.2, 0.1];
        let coefficients = Coefficients::read(&order, &u[..order.n_searched()]);
        let mut filter = Filter::new(&y, Constant::Absent);
        let found = filter.exact(&coefficients).unwrap();
        let expected = dense(&y, &coefficients);
        assert!((found.minus_two_log - expected).abs() < 1e-7, "{found:?} {expected}");
    }
}

/// −2 log-likelihood with the variance at its best, from ψ-weights and a Cholesky factor.
fn dense(y: &[f64], by: &Coefficients) -> f64 {
    let n = y.len();
    let mut psi = vec![1.0];
    for k in 1..4_000 {
        let back = by.ar.iter().enumerate().filter(|(lag, _)| *lag < k);
        let ar: f64 = back.map(|(lag, c)| c * psi[k - 1 - lag]).sum();
        psi.push(ar + by.ma.get(k - 1).copied().unwrap_or(0.0));
    }
    let gamma = |lag: usize| psi.iter().zip(&psi[lag..]).map(|(a, b)| a * b).sum::<f64>();
    let gammas: Vec<f64> = (0..n).map(gamma).collect();
    let mut factor = vec![0.0; n * n];
    let (mut squares, mut logs) = (0.0, 0.0);
    let mut scaled = vec![0.0; n];
    for i in 0..n {
        for j in 0..=i {
            let known: f64 = (0..j).map(|k| factor[i * n + k] * factor[j * n + k]).sum();
            let rest = gammas[i - j] - known;
            factor[i * n + j] = if i == j { rest.sqrt() } else { rest / factor[j * n + j] };
        }
        let known: f64 = (0..i).map(|k| factor[i * n + k] * scaled[k]).sum();
        scaled[i] = (y[i] - known) / factor[i * n + i];
        squares += scaled[i] * scaled[i];
        logs += 2.0 * factor[i * n + i].ln();
    }
    let n = n as f64;
    n * ((std::f64::consts::TAU * squares / n).ln() + 1.0) + logs
}

#[test]
fn automatic_choice_finds_season_and_difference() {
    let y = AIR.map(f64::ln);
    assert_eq!((n_seasonal_differences(&y, 12), n_differences(&y)), (1, 1));
    let models = Arima::weighed(&AIR, 12);
    let model = &models[0].0;
    assert_eq!(model.order().seasonal[1], 1, "{}", model.order().name());
    // statsforecast 2.1.1 stops at (1,1,0)(0,1,0)[12], AICc 1020.488; the prior may cost a little.
    assert!(model.aicc() <= 1020.489 + 0.2, "{}", model.aicc());
    let total: f64 = models.iter().map(|(_, weight)| weight).sum();
    assert!((total - 1.0).abs() < 1e-12 && models.len() > 1);
    assert!(models.windows(2).all(|pair| pair[0].1 >= pair[1].1));
}

#[test]
fn differences_are_undone() {
    let y: Vec<f64> =
        (0..40).map(|t| f64::from(t) * 3.0 + [5.0, 0.0, 1.0, 2.0][t as usize % 4]).collect();
    let order = Order {
        near: [0, 0, 0],
        seasonal: [0, 1, 0],
        season_length: 4,
        constant: Constant::Present,
    };
    let model = Arima::fit(&y, order).unwrap();
    for (step, mean) in model.forecast(6).iter().enumerate() {
        let t = 40 + step;
        let expected = t as f64 * 3.0 + [5.0, 0.0, 1.0, 2.0][t % 4];
        assert!((mean - expected).abs() < 1e-9);
    }
}

#[test]
fn stationarity_by_hand() {
    assert!(is_stationary(&[0.5, 0.3]) && !is_stationary(&[0.5, 0.6]) && !is_stationary(&[1.0]));
}

#[test]
fn tests_of_levels() {
    let mut numbers = Numbers(3);
    let noise: Vec<f64> = (0..200).map(|_| numbers.normal()).collect();
    let mut sum = 0.0;
    let walk: Vec<f64> = noise
        .iter()
        .map(|step| {
            sum += step;
            sum
        })
        .collect();
    assert!(is_level_stationary(&noise) && !is_level_stationary(&walk));
    assert_eq!((n_differences(&noise), n_differences(&walk)), (0, 1));
    assert!(Arima::weighed(&[1.0, 2.0], 1).is_empty());
}
