use super::*;
use crate::Model;
use crate::air::Numbers;

fn settings() -> Settings {
    let (levels, quantiles) = (vec![0.8], vec![0.9]);
    Settings { model: Model::HoltWinters, horizon: 14, levels, quantiles, threads: 1 }
}

/// Twenty products of which each promotion day sells twice as much: the factor is found again, and a planned
/// promotion is expected to sell so much more.
#[test]
fn a_planted_promotion_is_found() {
    let mut numbers = Numbers(5);
    let (mut tasks, mut drivers) = (Vec::new(), Vec::new());
    for id in 0..20 {
        let level = 20.0 + 5.0 * f64::from(id);
        let promotion: Vec<f64> =
            (0..214).map(|_| f64::from(u8::from(numbers.unit() < 0.12))).collect();
        let week = [1.0, 1.1, 0.9, 1.0, 1.3, 1.5, 0.6];
        let value =
            |t: usize, noise: f64| level * week[t % 7] * (1.0 + promotion[t]) * (1.0 + 0.1 * noise);
        let y: Vec<f64> = (0..200).map(|t| value(t, numbers.normal())).collect();
        let (past, ahead) = (promotion[..200].to_vec(), promotion[200..].to_vec());
        tasks.push(Task { id: id.to_string(), y, season_length: 7 });
        drivers.push(Drivers { past: vec![past], ahead: vec![ahead] });
    }
    let with = forecast_with(&tasks, &drivers, &settings());
    let mut n_promoted = 0;
    for (found, drivers) in with.iter().zip(&drivers) {
        assert!((found.effects[0] - 2.0_f64.ln()).abs() < 0.08, "{:?}", found.effects);
        for step in 7..14 {
            let ratio = found.mean[step] / found.mean[step - 7];
            let flags = [drivers.ahead[0][step], drivers.ahead[0][step - 7]];
            if flags == [1.0, 0.0] {
                n_promoted += 1;
                assert!((1.6..2.5).contains(&ratio), "{ratio}");
            }
        }
    }
    assert!(n_promoted > 5);
    let none = vec![Drivers::default(); tasks.len()];
    assert_eq!(forecast_with(&tasks, &none, &settings()), forecast(&tasks, &settings()));
}

/// A driver that never moved has no effect, and none is invented.
#[test]
fn a_constant_driver_does_nothing() {
    let y: Vec<f64> = (0..60).map(|t| 10.0 + f64::from(t % 7)).collect();
    let task = Task { id: "a".to_owned(), y, season_length: 7 };
    let drivers = Drivers { past: vec![vec![3.0; 60]], ahead: vec![vec![3.0; 14]] };
    let with = forecast_with(std::slice::from_ref(&task), &[drivers], &settings());
    let without = forecast(&[task], &settings());
    for (a, b) in with[0].mean.iter().zip(&without[0].mean) {
        assert!((a - b).abs() < 0.05 * b, "{a} {b}");
    }
}

/// A driver without a usual value, as the weather is, is learned as well as one that is mostly 0.
#[test]
fn a_driver_that_always_moves_is_found() {
    let mut numbers = Numbers(9);
    let weather: Vec<f64> = (0..214).map(|_| 2.0 * numbers.unit() - 1.0).collect();
    let promotion: Vec<f64> = (0..214).map(|t| f64::from(u8::from(t % 9 == 4))).collect();
    let value = |t: usize, noise: f64| {
        30.0 * (0.3 * weather[t] + 0.5 * promotion[t]).exp() * (1.0 + 0.1 * noise)
    };
    let y: Vec<f64> = (0..200).map(|t| value(t, numbers.normal())).collect();
    let task = Task { id: "a".to_owned(), y, season_length: 7 };
    let columns = [promotion, weather];
    let drivers = Drivers {
        past: columns.iter().map(|column| column[..200].to_vec()).collect(),
        ahead: columns.iter().map(|column| column[200..].to_vec()).collect(),
    };
    let found = effects(&[task], &[drivers]).remove(0);
    assert!((found[0] - 0.5).abs() < 0.08 && (found[1] - 0.3).abs() < 0.05, "{found:?}");
}
