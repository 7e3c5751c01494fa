//! How honest the measures are, on made-up shops whose truth is known.
//!
//! Prints, for each kind of shop: how many of 10,000 shops without a difference, looked at daily for 90
//! days, were ever told of one (seed 1; at most 5 % is promised); how many of 400 shops with a lift of 10 %
//! were told of it (seed 2); and how often the 95 % intervals of the off-policy estimates cover the truth
//! over 2,000 logs of 1,000 answers (seeds from 1,000). `cargo bench -p souk-recommend --bench honesty`;
//! `-- 0.1` does a tenth of it.
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a program that prints")]

use std::time::Instant;

use souk_recommend::off_policy::{Bounds, evaluate_policy};
use souk_recommend::simulated::{PolicyWorld, ShopKind, false_alarms, finds};

fn main() {
    let share = std::env::args().skip(1).find_map(|argument| argument.parse::<f64>().ok());
    let share = share.unwrap_or(1.0);
    let scaled = |n: u32| ((f64::from(n) * share) as u32).max(1);
    for kind in ShopKind::ALL {
        let (n, since) = (scaled(10_000), Instant::now());
        let alarms = false_alarms(kind, (n, 1));
        let percent = |count: u32| f64::from(count) / f64::from(n) * 100.0;
        println!(
            "{kind:?}: {:.2} % of {n} shops without a difference were told of one ({:.1} % were told \
             anything; the usual interval: {:.1} %); {:.1} s",
            percent(alarms.of_shops),
            percent(alarms.n_spoken),
            percent(alarms.of_usual),
            since.elapsed().as_secs_f64(),
        );
    }
    for (kind, lift) in [(ShopKind::Steady, 0.1), (ShopKind::Steady, 0.05)] {
        let (n, since) = (scaled(400), Instant::now());
        let found = finds(kind, lift, (n, 2));
        println!(
            "{kind:?}: a lift of {:.0} % was found in {found} of {n} shops with 90,000 people; {:.1} s",
            lift * 100.0,
            since.elapsed().as_secs_f64(),
        );
    }
    for (distance, slots) in [(0.3, 1), (0.6, 1), (0.9, 1), (0.6, 4)] {
        let world = PolicyWorld::new(5, 8, (distance, 17));
        let (n, truth) = (scaled(2_000), world.truth());
        let (mut covered, mut spoken, mut effective) = ([0u32; 3], 0u32, 0.0);
        for seed in 0..u64::from(n) {
            let log = world.log(1_000, (slots, 1_000 + seed));
            let Ok(value) = evaluate_policy(&log, &Bounds::default()) else { continue };
            spoken += 1;
            effective += value.support.effective;
            let estimates = [value.ips, value.snips, value.doubly_robust.unwrap()];
            for (count, one) in covered.iter_mut().zip(estimates) {
                *count += u32::from(one.low() <= truth && truth <= one.high());
            }
        }
        let [ips, snips, robust] =
            covered.map(|count| f64::from(count) / f64::from(spoken.max(1)) * 100.0);
        println!(
            "policies {distance} apart, {slots} slots: {spoken} of {n} logs spoken of, {:.0} effective \
             slots; the truth is covered by ips {ips:.1} %, snips {snips:.1} %, doubly robust {robust:.1} %",
            effective / f64::from(spoken.max(1)),
        );
    }
}
