//! Forecasts a data set and prints its measures: `series TRAIN.csv TEST.csv SEASON MODEL [THREADS]`.
//!
//! Files are `unique_id,ds,y` in order, without gaps. With `-` as test the last values of the training part
//! are held back, as many as the fourth argument after the season says. For trying things out; the command
//! line's `souk evaluate forecast` reads any file.

use std::collections::BTreeMap;
use std::time::Instant;

use souk_forecast::evaluate::{Judged, grid, judge};
use souk_forecast::{Settings, Task, forecast};

/// Quantiles whose pinball loss is told.
const SHARES: [f64; 5] = [0.5, 0.75, 0.9, 0.95, 0.99];

fn read(path: &str) -> BTreeMap<String, Vec<f64>> {
    let mut series: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    let text = std::fs::read_to_string(path).expect("the file can be read");
    for line in text.lines().skip(1) {
        let mut cells = line.split(',');
        let (id, _, y) = (cells.next(), cells.next(), cells.next());
        let y = y.and_then(|y| y.trim().parse().ok()).expect("a number");
        series.entry(id.unwrap_or_default().to_owned()).or_default().push(y);
    }
    series
}

#[allow(clippy::print_stdout)]
fn main() {
    let args: Vec<String> = std::env::args().collect();
    let mut train = read(&args[1]);
    let season_length: usize = args[3].parse().expect("a season length");
    let model = args[4].parse().expect("a model");
    let threads = args.get(5).map_or(1, |text| text.parse().expect("threads"));
    let test = if args[2].parse::<usize>().is_ok() {
        let h: usize = args[2].parse().expect("a horizon");
        let mut held = BTreeMap::new();
        for (id, y) in &mut train {
            if y.len() > h + 4 {
                held.insert(id.clone(), y.split_off(y.len() - h));
            }
        }
        held
    } else {
        read(&args[2])
    };
    let horizon = test.values().map(Vec::len).max().expect("a test part");
    let tasks: Vec<Task> = test
        .keys()
        .map(|id| Task { id: id.clone(), y: train[id].clone(), season_length })
        .collect();
    let settings = Settings {
        model,
        horizon,
        levels: vec![0.8, 0.95],
        quantiles: [SHARES.to_vec(), grid()].concat(),
        threads,
    };
    let start = Instant::now();
    let mut forecasts = forecast(&tasks, &settings);
    let seconds = start.elapsed().as_secs_f64();
    let grids: Vec<Vec<Vec<f64>>> =
        forecasts.iter_mut().map(|found| found.quantiles.split_off(SHARES.len())).collect();
    let settings = Settings { quantiles: SHARES.to_vec(), ..settings };
    let judged: Vec<Judged<'_>> = tasks
        .iter()
        .zip(forecasts.iter().zip(&grids))
        .map(|(task, (forecast, grid))| Judged { task, forecast, actual: &test[&task.id], grid })
        .collect();
    let report = judge(&judged, &settings);
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    println!(
        "{} {:<10} n {} MASE {:.4} sMAPE {:.3} WAPE {:.4} bias {:+.3} pinball {:.4} {:?} guarded {} {:.1} series/s",
        args[1].rsplit('/').next().unwrap_or_default(),
        args[4],
        report.all.n_series,
        report.all.mase,
        report.all.smape,
        report.all.wape,
        report.all.bias,
        mean(&report.all.pinball),
        report.all.pinball.iter().map(|loss| (loss * 1e3).round() / 1e3).collect::<Vec<_>>(),
        forecasts.iter().filter(|forecast| forecast.is_guarded).count(),
        tasks.len() as f64 / seconds,
    );
    let cover = |m: &souk_forecast::evaluate::Measures| {
        let one = |c: &souk_forecast::evaluate::Coverage| {
            format!("{:.3}±{:.3}", c.share, c.standard_error)
        };
        m.coverage.iter().chain(&m.probability).map(one).collect::<Vec<_>>().join(" ")
    };
    println!(
        "   coverage 80/95, probability 80/95: all {} | thirds {}",
        cover(&report.all),
        report.thirds.iter().map(cover).collect::<Vec<_>>().join(" | ")
    );
    if !report.all.pit.is_empty() {
        let told = |m: &souk_forecast::evaluate::Measures| {
            let one = |c: &souk_forecast::evaluate::Coverage| {
                format!("{:.1}±{:.1}", 100.0 * c.share, 100.0 * c.standard_error)
            };
            m.pit.iter().map(one).collect::<Vec<_>>().join(" ")
        };
        println!(
            "   counts at or below their 10 to 90 %: all {} | thirds {}",
            told(&report.all),
            report.thirds.iter().map(told).collect::<Vec<_>>().join(" | ")
        );
    }
    if std::env::var("WEIGHTS").is_ok() {
        let mut sums: BTreeMap<String, f64> = BTreeMap::new();
        for forecast in &forecasts {
            for (name, weight) in &forecast.models {
                let name = name.split([' ', '(']).next().unwrap_or_default().to_owned();
                *sums.entry(name).or_default() += weight / forecasts.len() as f64;
            }
        }
        println!("   weights {sums:.3?}");
    }
}
