//! Forecasts by one model, without a process around it: `means TRAIN.csv HORIZON SEASON MODEL OUT.csv`.
//!
//! The file is `unique_id,ds,y` in order, without gaps; the answer is `unique_id,mean`. Prints the processor seconds that fits and
//! forecasts of all series took on one thread, so that `bench/forecast.py` can set calls beside calls.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use souk_forecast::{Settings, Task, forecast};

/// Processor seconds of this thread; 0 where the system does not say.
fn processor_seconds() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = text.split_whitespace().next().and_then(|word| word.parse::<f64>().ok());
    nanoseconds.unwrap_or(0.0) / 1e9
}

fn read(path: &str, season_length: usize) -> Vec<Task> {
    let text = std::fs::read_to_string(path).expect("the file can be read");
    let mut tasks: Vec<Task> = Vec::new();
    for line in text.lines().skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        if tasks.last().is_none_or(|task| task.id != cells[0]) {
            tasks.push(Task { id: cells[0].to_owned(), y: Vec::new(), season_length });
        }
        let value = cells[2].trim().parse().expect("y is a number");
        tasks.last_mut().expect("just made").y.push(value);
    }
    tasks
}

#[allow(clippy::print_stdout)]
fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [train, horizon, season, model, out] = &args[..] else {
        panic!("usage: means TRAIN.csv HORIZON SEASON MODEL OUT.csv");
    };
    let tasks = read(train, season.parse().expect("SEASON is a number"));
    let settings = Settings {
        model: model.parse().expect("MODEL is the name of a model"),
        horizon: horizon.parse().expect("HORIZON is a number"),
        levels: Vec::new(),
        quantiles: Vec::new(),
        threads: 1,
    };
    let (start, begun) = (processor_seconds(), Instant::now());
    let mut found = forecast(&tasks, &settings);
    let mut n_calls = 1;
    // The system counts processor time in slices of some milliseconds: what is quick is done many times.
    while begun.elapsed() < Duration::from_millis(500) {
        found = forecast(&tasks, &settings);
        n_calls += 1;
    }
    println!("{}", (processor_seconds() - start) / f64::from(n_calls));
    let mut text = "unique_id,mean\n".to_owned();
    for (task, forecast) in tasks.iter().zip(&found) {
        for mean in &forecast.mean {
            let _ = writeln!(text, "{},{mean}", task.id);
        }
    }
    std::fs::write(out, text).expect("the answer can be written");
}
