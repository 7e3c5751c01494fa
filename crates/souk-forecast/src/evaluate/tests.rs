use super::*;
use crate::Model;
use crate::counts::CountDistribution;

#[test]
fn measures_by_hand() {
    let task = Task { id: "a".to_owned(), y: vec![1.0, 3.0, 5.0], season_length: 1 };
    let forecast = Forecast {
        mean: vec![7.0, 9.0, 11.0],
        intervals: vec![(vec![6.0, 8.0, 10.0], vec![8.0, 10.0, 12.0])],
        quantiles: vec![vec![8.0, 10.0, 12.0]],
        models: vec![],
        reasons: vec![],
        is_guarded: false,
        effects: vec![],
        backtest_mae: None,
    };
    let settings = Settings {
        model: Model::Auto,
        horizon: 3,
        levels: vec![0.8],
        quantiles: vec![0.9],
        threads: 1,
    };
    let judged =
        [Judged { task: &task, forecast: &forecast, actual: &[7.0, 11.0, 5.0], grid: &[] }];
    let report = judge(&judged, &settings);
    assert_eq!((report.all.n_series, report.all.n_values), (1, 3));
    assert!((report.all.mase - (0.0 + 2.0 + 6.0) / 3.0 / 2.0).abs() < 1e-12);
    assert!((report.all.wape - 8.0 / 23.0).abs() < 1e-12);
    assert_eq!(report.all.wape_of_median, None);
    let median = judge(&judged, &Settings { quantiles: vec![0.5], ..settings.clone() });
    assert!((median.all.wape_of_median.unwrap() - (1.0 + 1.0 + 7.0) / 23.0).abs() < 1e-12);
    assert!((report.all.bias - 4.0 / 23.0).abs() < 1e-12);
    assert!((report.all.pinball[0] - (0.1 + 0.9 + 0.7) / 3.0).abs() < 1e-12);
    assert!((report.all.coverage[0].share - 1.0 / 3.0).abs() < 1e-12);
    let thirds: Vec<f64> = report.thirds.iter().map(|third| third.coverage[0].share).collect();
    assert_eq!(thirds, [1.0, 0.0, 0.0]);
    // Without the second value the two others are left.
    let gap = [Judged { actual: &[7.0, f64::NAN, 5.0], ..judged[0].clone() }];
    let report = judge(&gap, &settings);
    assert_eq!((report.all.n_values, report.thirds[1].n_values), (2, 0));
    assert!((report.all.wape - 6.0 / 12.0).abs() < 1e-12);
}

/// Two series of shares 1 and 0: the standard error of their mean share is one half.
#[test]
fn standard_error_by_hand() {
    let found = coverage(&[(4.0, 4.0), (0.0, 4.0)]);
    assert_eq!(found, Coverage { share: 0.5, standard_error: 0.5 });
}

/// A value between two quantiles fell between their shares; a count that several quantiles are fell between the middles.
#[test]
fn probabilities_by_hand() {
    let shares = grid();
    let close = |found: (f64, f64), known: (f64, f64)| {
        assert!(
            (found.0 - known.0).abs() < 1e-12 && (found.1 - known.1).abs() < 1e-12,
            "{found:?}"
        );
    };
    let even: Vec<Vec<f64>> = shares.iter().map(|share| vec![*share]).collect();
    close(stretch(0.51, (&even, 0), &shares), (0.5, 0.525));
    close(stretch(-1.0, (&even, 0), &shares), (0.0, 0.025));
    close(stretch(2.0, (&even, 0), &shares), (0.975, 1.0));
    // Nothing by half, one by a quarter, two by the rest.
    let counts: Vec<Vec<f64>> = shares
        .iter()
        .map(|share| vec![f64::from(u8::from(*share > 0.5)) + f64::from(u8::from(*share > 0.75))])
        .collect();
    close(stretch(0.0, (&counts, 0), &shares), (0.0125, 0.5125));
    close(stretch(1.0, (&counts, 0), &shares), (0.5125, 0.7625));
    close(stretch(2.0, (&counts, 0), &shares), (0.7625, 0.9875));
    let middle = (0.1, 0.9);
    assert!((overlap((0.05, 0.15), middle) - 0.5).abs() < 1e-12);
    assert!((overlap((0.3, 0.4), middle) - 1.0).abs() < 1e-12);
    assert!(overlap((0.0, 0.1), middle) < 1e-12);
}

/// Poisson counts fall evenly over their own distribution, and not over one whose mean is a third too high, though its
/// central intervals hold as often as they say.
#[test]
fn counts_fall_evenly_over_their_own_distribution() {
    let mut numbers = crate::air::Numbers(3);
    let (mean, shares) = (4.0, grid());
    let grid_of = |mean: f64| -> Vec<Vec<f64>> {
        let quantiles = CountDistribution::Poisson { mean }.quantiles(&shares);
        quantiles.into_iter().map(|quantile| vec![quantile; 50]).collect()
    };
    let mut drawn = || CountDistribution::Poisson { mean }.quantiles(&[numbers.unit()])[0];
    let series: Vec<Vec<f64>> = (0..200).map(|_| (0..50).map(|_| drawn()).collect()).collect();
    let task = Task { id: "a".to_owned(), y: series[0].clone(), season_length: 1 };
    let forecast = Forecast {
        mean: vec![mean; 50],
        intervals: vec![],
        quantiles: vec![],
        models: vec![],
        reasons: vec![],
        is_guarded: false,
        effects: vec![],
        backtest_mae: None,
    };
    let settings =
        Settings { model: Model::Auto, horizon: 50, levels: vec![], quantiles: vec![], threads: 1 };
    let farthest = |mean: f64, task: &Task| {
        let grid = grid_of(mean);
        let one = |y| Judged { task, forecast: &forecast, actual: y, grid: &grid };
        let judged: Vec<Judged<'_>> = series.iter().map(|y| one(y)).collect();
        let found = judge(&judged, &settings).all.pit;
        let off = found.iter().zip(TENTHS).map(|(found, share)| (found.share - share).abs());
        (found.len(), off.fold(0.0, f64::max))
    };
    let (n, off) = farthest(mean, &task);
    assert!(n == 9 && off < 0.02, "{off}");
    assert!(farthest(mean * 4.0 / 3.0, &task).1 > 0.15);
    // Of what is no count nothing is told.
    let ordinary = Task { y: vec![0.5; 9], ..task };
    assert_eq!(farthest(mean, &ordinary).0, 0);
}
