use super::*;
use crate::Model;

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
    let judged = [Judged { task: &task, forecast: &forecast, actual: &[7.0, 11.0, 5.0] }];
    let report = judge(&judged, &settings);
    assert_eq!((report.all.n_series, report.all.n_values), (1, 3));
    assert!((report.all.mase - (0.0 + 2.0 + 6.0) / 3.0 / 2.0).abs() < 1e-12);
    assert!((report.all.wape - 8.0 / 23.0).abs() < 1e-12);
    assert!((report.all.bias - 4.0 / 23.0).abs() < 1e-12);
    assert!((report.all.pinball[0] - (0.1 + 0.9 + 0.7) / 3.0).abs() < 1e-12);
    assert!((report.all.coverage[0].share - 1.0 / 3.0).abs() < 1e-12);
    let thirds: Vec<f64> = report.thirds.iter().map(|third| third.coverage[0].share).collect();
    assert_eq!(thirds, [1.0, 0.0, 0.0]);
}

/// Two series of shares 1 and 0: the standard error of their mean share is one half.
#[test]
fn standard_error_by_hand() {
    let found = coverage(&[(4.0, 4.0), (0.0, 4.0)]);
    assert_eq!(found, Coverage { share: 0.5, standard_error: 0.5 });
}
