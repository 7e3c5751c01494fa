use super::*;
use crate::air::AIR;

#[test]
fn parts_add_up() {
    let parts = decompose(&AIR, &[12]);
    for (t, value) in AIR.iter().enumerate() {
        assert!((parts.trend[t] + parts.seasons[0][t] + parts.rest[t] - value).abs() < 1e-9);
    }
    assert!(seasonal_strength(&AIR, 12) > 0.9);
}

/// Two planted seasons are found again.
#[test]
fn two_seasons_are_told_apart() {
    let week = |t: usize| [3.0, 1.0, 0.0, -1.0, -2.0, -2.0, 1.0][t % 7];
    let month = |t: usize| 5.0 * (std::f64::consts::TAU * t as f64 / 30.0).sin();
    let y: Vec<f64> = (0..360).map(|t| 100.0 + 0.05 * t as f64 + week(t) + month(t)).collect();
    let parts = decompose(&y, &[30, 7]);
    for t in 60..300 {
        assert!((parts.seasons[0][t] - week(t)).abs() < 0.3, "{t}");
        assert!((parts.seasons[1][t] - month(t)).abs() < 0.5, "{t}");
    }
    let ahead = Mstl::fit(&y, &[7, 30]).unwrap().forecast(30);
    let off = |(step, mean): (usize, &f64)| {
        let t = 360 + step;
        (mean - (100.0 + 0.05 * t as f64 + week(t) + month(t))).abs()
    };
    assert!(ahead.iter().enumerate().map(off).fold(0.0, f64::max) < 1.5);
}

/// A local line follows a line exactly.
#[test]
fn loess_keeps_a_line() {
    let y: Vec<f64> = (0..40).map(|t| 2.0 + 0.5 * f64::from(t)).collect();
    let smooth = loess(&y, 11, Degree::Line);
    assert!(y.iter().zip(&smooth).all(|(a, b)| (a - b).abs() < 1e-9));
    assert!(Mstl::fit(&y[..10], &[7]).is_none());
}
