//! Forecasts as many daily series as a large grocer's, block by block: `many_series [SERIES] [DAYS] [THREADS]`.
//!
//! The shape is that of the M5 competition: 30,490 series of 1,941 days, most of them slow movers with weekdays, a
//! yearly swing, promotions and stretches without a sale; generated, seed 5. No block outlives its forecasts, so that memory is
//! that of one block.

use std::time::Instant;

use souk_forecast::counts::CountDistribution;
use souk_forecast::{Model, Settings, Task, forecast};
use souk_math::Random;

/// Series of one block: enough to teach each other.
const BLOCK: usize = 3_000;
/// What all of them may take.
const SECONDS_MAX: f64 = 360.0;
const MB_MAX: f64 = 800.0;

fn series(seed: u64, n_days: usize) -> Task {
    let mut random = Random::new(seed);
    // Means from 0.05 to 20 a day, most below 1.
    let level = 0.05 * 400.0_f64.powf(random.unit64().powi(2));
    let weekend = 1.0 + random.unit64();
    let (swing, phase) = (0.4 * random.unit64(), random.unit64());
    let begins = (random.unit64().powi(3) * 0.9 * n_days as f64) as usize;
    let dispersion = 1.05 + 2.0 * random.unit64();
    let mut drift = 0.0;
    let y = (begins..n_days).map(|day| {
        drift = 0.998 * drift + 0.03 * (random.unit64() - 0.5);
        let year = (day as f64 / 365.25 + phase) * std::f64::consts::TAU;
        let place = if day % 7 >= 5 { weekend } else { 1.0 };
        let mean = level * place * (1.0 + swing * year.sin()) * f64::exp(drift);
        drawn(mean, (dispersion, random.unit64()))
    });
    Task { id: seed.to_string(), y: y.collect(), season_length: 7 }
}

/// A count of a negative binomial distribution, by the share of it that is below.
fn drawn(mean: f64, (dispersion, mut left): (f64, f64)) -> f64 {
    let chances = CountDistribution::of_moments(mean, dispersion).chances(1e-6);
    for (count, chance) in chances.iter().enumerate() {
        left -= chance;
        if left < 0.0 {
            return count as f64;
        }
    }
    chances.len() as f64
}

/// The most memory that this process ever had, in megabytes; 0 where the system does not say.
fn peak_mb() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<f64>().ok());
    kilobytes.unwrap_or(0.0) / 1e3
}

#[allow(clippy::print_stdout)]
fn main() {
    let args: Vec<usize> = std::env::args().skip(1).filter_map(|text| text.parse().ok()).collect();
    let of = |place: usize, usual: usize| args.get(place).copied().unwrap_or(usual);
    let (n_series, n_days, threads) = (of(0, 30_490), of(1, 1_941), of(2, 2));
    let settings = Settings {
        model: Model::Auto,
        horizon: 28,
        levels: vec![0.8, 0.95],
        quantiles: vec![0.5, 0.9],
        threads,
    };
    let (mut seconds, mut n_guarded, mut n_done) = (0.0, 0, 0);
    while n_done < n_series {
        let seeds: Vec<u64> =
            (n_done..n_series.min(n_done + BLOCK)).map(|idx| idx as u64).collect();
        let tasks =
            souk_math::parallel::map(&seeds, threads, |seed| series(5 + 7_919 * seed, n_days));
        let start = Instant::now();
        let found = forecast(&tasks, &settings);
        seconds += start.elapsed().as_secs_f64();
        n_guarded += found.iter().filter(|one| one.is_guarded).count();
        n_done += tasks.len();
        println!("{n_done} series: {seconds:.1} s, at most {:.0} MB", peak_mb());
    }
    println!(
        "{n_series} series of {n_days} days: {seconds:.1} s on {threads} threads, {n_guarded} guarded"
    );
    if n_series >= 30_490 && (seconds >= SECONDS_MAX || peak_mb() >= MB_MAX) {
        println!("asked are less than {SECONDS_MAX} s and {MB_MAX} MB");
        std::process::exit(1);
    }
}
