mod fuzz;

use super::*;
use crate::air::{AIR, Numbers};

fn settings(model: Model, threads: usize) -> Settings {
    let (levels, quantiles) = (vec![0.8, 0.95], vec![0.5, 0.99]);
    Settings { model, horizon: 8, levels, quantiles, threads }
}

/// Series as they come from a shop on a bad day.
fn fuzzed(numbers: &mut Numbers) -> Task {
    let n = (numbers.unit() * 60.0) as usize;
    let scale = [1.0, 1e-9, 1e12, 100.0][(numbers.unit() * 4.0) as usize];
    let kind = (numbers.unit() * 9.0) as usize;
    let value = |t: usize, numbers: &mut Numbers| match kind {
        0 => 0.0,
        1 => 5.0,
        2 => f64::from(u8::from(t == n / 2)) * 1e3,
        3 => numbers.normal(),
        4 => (numbers.unit() * 4.0).floor() * f64::from(u8::from(numbers.unit() < 0.3)),
        5 => 1.5_f64.powi(t as i32 % 40),
        6 => -numbers.unit() * t as f64,
        7 => {
            if t + 3 > n {
                0.0
            } else {
                10.0 + numbers.unit()
            }
        }
        _ => 100.0 + 10.0 * (t as f64 / 2.0).sin() + numbers.normal(),
    };
    let y = (0..n).map(|t| scale * value(t, numbers)).collect();
    let season_length = [1, 4, 7, 12][(numbers.unit() * 4.0) as usize];
    Task { id: n.to_string(), y, season_length }
}

#[test]
fn ordinary_series_are_not_touched_by_the_guard() {
    let mut numbers = Numbers(4);
    let mut make = |id: usize| {
        let (level, slope) = (100.0 + 50.0 * numbers.unit(), numbers.unit() - 0.5);
        let y = (0..48).map(|t| {
            level
                + slope * f64::from(t)
                + 8.0 * (f64::from(t) / 12.0 * std::f64::consts::TAU).sin()
                + 5.0 * numbers.normal()
        });
        Task { id: id.to_string(), y: y.collect(), season_length: 12 }
    };
    let tasks: Vec<Task> = (0..50).map(&mut make).collect();
    let found = forecast(&tasks, &settings(Model::Auto, 2));
    assert_eq!(found.iter().filter(|one| one.is_guarded).count(), 0);
}

#[test]
fn threads_do_not_change_a_byte() {
    let mut numbers = Numbers(8);
    let tasks: Vec<Task> = (0..16).map(|_| fuzzed(&mut numbers)).collect();
    let one = forecast(&tasks, &settings(Model::Auto, 1));
    assert_eq!(one, forecast(&tasks, &settings(Model::Auto, 2)));
    assert_eq!(one, forecast(&tasks, &settings(Model::Auto, 5)));
}

/// The combination beats the seasonal naive forecast on the airline data, and says what it is made of.
#[test]
fn combination_forecasts_the_airline() {
    let task = Task { id: "air".to_owned(), y: AIR[..136].to_vec(), season_length: 12 };
    let found = &forecast(std::slice::from_ref(&task), &settings(Model::Auto, 1))[0];
    let naive = &forecast(&[task], &settings(Model::SeasonalNaive, 1))[0];
    let error = |one: &Forecast| crate::measures::mae(&AIR[136..], &one.mean);
    assert!(error(found) < 0.5 * error(naive), "{} {}", error(found), error(naive));
    let total: f64 = found.models.iter().map(|(_, weight)| weight).sum();
    assert!((total - 1.0).abs() < 1e-12);
    assert!(found.reasons.is_empty() && found.backtest_mae.unwrap() > 0.0);
}

/// Fallbacks are said in words.
#[test]
fn fallbacks_have_reasons() {
    let task = |y: Vec<f64>| Task { id: "a".to_owned(), y, season_length: 12 };
    let empty = &forecast(&[task(vec![])], &settings(Model::Auto, 1))[0];
    assert_eq!(empty.mean, [0.0; 8]);
    assert_eq!(empty.reasons, ["has no values: zeros"]);
    let short = &forecast(&[task(vec![3.0, 4.0])], &settings(Model::HoltWinters, 1))[0];
    assert_eq!(short.mean, [4.0; 8]);
    assert_eq!(short.reasons, ["holt_winters does not suit this series", "fell back to naive"]);
}

/// Returns, mostly five a day: the mean is their mean and not what is most usual, and all numbers are those of the same
/// sales with the sign turned.
#[test]
fn returns_are_expected_as_sales_are() {
    let mut numbers = Numbers(12);
    let sales: Vec<f64> = (0..140).map(|_| if numbers.unit() < 0.8 { 5.0 } else { 2.0 }).collect();
    let returns: Vec<f64> = sales.iter().map(|value| -value).collect();
    let history = crate::numbers::mean(&returns);
    let settings = Settings { quantiles: vec![0.01, 0.5], ..settings(Model::Auto, 1) };
    for season_length in [1, 7, 12] {
        let task = |y: &[f64]| Task { id: "a".to_owned(), y: y.to_vec(), season_length };
        let found = &forecast(&[task(&returns)], &settings)[0];
        let mean = crate::numbers::mean(&found.mean);
        assert!((mean - history).abs() < 0.3, "season {season_length}: {mean} beside {history}");
        let other = Settings { quantiles: vec![0.99, 0.5], ..settings.clone() };
        let sold = &forecast(&[task(&sales)], &other)[0];
        let turned = |values: &[f64]| values.iter().map(|y| -y).collect::<Vec<f64>>();
        assert_eq!(found.mean, turned(&sold.mean));
        let [(low, high), _] = &sold.intervals[..] else { panic!("two levels") };
        assert_eq!(found.intervals[0], (turned(high), turned(low)));
        assert_eq!(found.quantiles[0], turned(&sold.quantiles[0]));
    }
}

/// What comes after a series' end cannot reach its forecast: a task is all that is looked at.
#[test]
fn negative_forecasts_of_sales_are_lifted_to_zero() {
    let y: Vec<f64> = (0..30).map(|t| f64::from(30 - t) * 2.0 + f64::from(t % 2)).collect();
    let task = Task { id: "a".to_owned(), y, season_length: 1 };
    let found = &forecast(&[task], &settings(Model::Holt, 1))[0];
    assert!(found.mean.iter().all(|mean| *mean >= 0.0) && found.mean[7] < 1.0);
}

/// One value says nothing of how much the next ones differ; a long constant does.
#[test]
fn a_single_value_is_as_uncertain_as_the_others() {
    let one = |id: &str, y: Vec<f64>| Task { id: id.to_owned(), y, season_length: 1 };
    let mut numbers = Numbers(9);
    let mut walk = |n: usize| (0..n).map(|_| 100.0 + 20.0 * numbers.normal()).collect::<Vec<f64>>();
    let tasks = [
        one("a", walk(40)),
        one("b", walk(40)),
        one("single", vec![55.5]),
        one("constant", vec![55.5; 40]),
    ];
    let width = |tasks: &[Task], idx: usize| {
        let (low, high) = &forecast(tasks, &settings(Model::Auto, 1))[idx].intervals[0];
        high[0] - low[0]
    };
    assert!(width(&tasks, 2) > 10.0, "{}", width(&tasks, 2));
    assert!(width(&tasks, 3) < 1e-3, "{}", width(&tasks, 3));
    assert!(width(&tasks[2..3], 0) > 10.0, "{}", width(&tasks[2..3], 0));
    assert!(forecast(&tasks, &settings(Model::Auto, 1))[2].reasons[0].starts_with("too young"));
}
