//! How long the linear model and the factors take to fit, over a generated shop.
//!
//! usage: factors_at_scale ease [ITEMS]            (12000 by default)
//!        factors_at_scale events ITEMS SHOPPERS   (prints `shopper,item` rows)
//!        factors_at_scale als EVENTS.csv CONFIDENCE PENALTY EPOCHS…
//!
//! Generated, seed 1: each shopper has one of 60 tastes and 4 to 60 events; seven of ten are of items of the taste, the
//! others of any, both by a frequency that falls as 1/rank^0.8. `als` fits 64 factors for each number of epochs, in the terms of
//! the `implicit` library: an event weighs CONFIDENCE, an item without one weighs 1, and the penalty is the same for
//! every row. It prints the epochs, the seconds of a fit by the clock and of the processors, and the loss in this program's
//! terms; bench/als.py runs the library beside it.

#![allow(clippy::print_stdout, reason = "its figures are its result")]

use souk_math::Random;
use souk_recommend::sources::{Als, AlsParams, Ease, EaseParams, Histories};
use souk_recommend::{Item, Shopper};
use std::time::Instant;

const TASTES: u32 = 60;
const THREADS: usize = 2;

fn events(n_items: u32, n_shoppers: u32) -> Vec<(u32, u32)> {
    let mut random = Random::new(1);
    let mut events = Vec::new();
    for shopper in 0..n_shoppers {
        let taste = random.below(TASTES as usize) as u32;
        for _ in 0..4 + random.below(57) {
            // By inversion of the sum of 1/rank^0.8, which grows as rank^0.2.
            let rank = |n: u32, random: &mut Random| {
                (f64::from(n) * random.unit64().powi(5)) as u32 % n.max(1)
            };
            let item = match random.below(10) < 7 {
                true => rank(n_items / TASTES, &mut random) * TASTES + taste,
                false => rank(n_items, &mut random),
            };
            events.push((shopper, item));
        }
    }
    events.sort_unstable();
    events.dedup();
    events
}

fn histories(events: &[(u32, u32)]) -> Histories {
    let timed = (0..).zip(events);
    Histories::of(timed.map(|(time, (shopper, item))| (Shopper(*shopper), Item(*item), time)))
}

/// What a fit gave, with its seconds by the clock and of the processors (of Linux; to a hundredth).
fn timed<T>(fit: impl FnOnce() -> T) -> (T, f64, f64) {
    let of_processors = || {
        let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
        // Behind the name, which may hold blanks: the 12th and 13th are ticks in the program and in the system.
        let behind = text.rsplit(')').next().unwrap_or_default();
        let ticks = behind.split_whitespace().skip(11).take(2);
        ticks.filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / 100.0
    };
    let (began, before) = (Instant::now(), of_processors());
    let fitted = fit();
    (fitted, began.elapsed().as_secs_f64(), of_processors() - before)
}

fn ease(n_items: u32) {
    // Every item is taken by somebody, so that all are modelled.
    let mut events = events(n_items, 40_000);
    events.extend((0..n_items).map(|item| (40_000 + item / 20, item)));
    let histories = histories(&events);
    let fit = || Ease::fit(&histories, EaseParams::default(), THREADS);
    let (model, seconds, of_processors) = timed(fit);
    println!(
        "{} events, {n_items} items, {THREADS} threads: {seconds:.1} s by the clock, {of_processors:.1} s of processors",
        events.len()
    );
    std::hint::black_box(model);
}

fn als(path: &str, (confidence, penalty): (f32, f32), epochs: &[usize]) {
    let text = std::fs::read_to_string(path).expect("a file of events");
    let number = |text: &str| text.parse::<u32>().expect("a number");
    let row = |line: &str| line.split_once(',').map(|(a, b)| (number(a), number(b)));
    let histories = histories(&text.lines().filter_map(row).collect::<Vec<_>>());
    // The library's loss over `confidence - 1`, its factors divided by the root of `c / (c - 1)`, is this one.
    let unobserved = 1.0 / (confidence - 1.0);
    let target = confidence / (confidence - 1.0);
    for &n_epochs in epochs {
        let params = AlsParams {
            n_factors: 64,
            unobserved,
            penalty: penalty * unobserved / target,
            penalty_power: 0.0,
            n_epochs,
            n_steps: 3,
            seed: 1,
        };
        let (model, seconds, of_processors) = timed(|| Als::fit(&histories, params, THREADS));
        println!("{n_epochs},{seconds:.2},{of_processors:.2},{:.2}", model.loss(&histories));
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize| arguments.get(at).map(|text| text.parse::<u32>().expect("a number"));
    let real = |at: usize| arguments[at].parse::<f32>().expect("a number");
    match arguments.first().map(String::as_str) {
        Some("ease") => ease(number(1).unwrap_or(12_000)),
        Some("events") => {
            let (n_items, n_shoppers) = (number(1).expect("ITEMS"), number(2).expect("SHOPPERS"));
            for (shopper, item) in events(n_items, n_shoppers) {
                println!("{shopper},{item}");
            }
        }
        Some("als") => {
            let epochs: Vec<usize> =
                (4..arguments.len()).filter_map(&number).map(|n| n as usize).collect();
            als(&arguments[1], (real(2), real(3)), &epochs);
        }
        _ => println!("usage: factors_at_scale ease|events|als …"),
    }
}
