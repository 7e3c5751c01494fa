//! What search learns from clicks, on made-up shops whose truth is known.
//!
//! Prints NDCG in ten places of the text alone and after 20,000 clicks, and how often products that
//! hardly fit and were planted in the first places stay first, over the shops of seeds 101 to 120, which nothing was tuned on.
//! `cargo bench -p souk-recommend --bench clicks`; `-- tune` prints seeds 1 to 5 over a grid of parameters.
#![allow(clippy::print_stdout, reason = "a program that prints")]

use souk_recommend::clicks::ClickParams;
use souk_recommend::clicks::simulated::{ClickShop, Estimator, Learned, ShopParams, Trap};

const CLICKS: usize = 20_000;

fn mean(seeds: std::ops::RangeInclusive<u64>, learn: impl Fn(u64) -> Learned) -> [f64; 4] {
    let all: Vec<Learned> = seeds.map(learn).collect();
    let mean = |of: &dyn Fn(&Learned) -> f64| all.iter().map(of).sum::<f64>() / all.len() as f64;
    let least = all.iter().map(|one| one.learned / one.text - 1.0).fold(f64::INFINITY, f64::min);
    [mean(&|one| one.text), mean(&|one| one.learned), least, mean(&|one| one.trapped)]
}

fn main() {
    if std::env::args().any(|argument| argument == "tune") {
        return tune();
    }
    for trap in [Trap::Absent, Trap::Planted] {
        for by in [Estimator::Learned, Estimator::Assumed, Estimator::Naive] {
            let shop = ShopParams { trap, ..ShopParams::default() };
            let [text, learned, least, trapped] = mean(101..=120, |seed| {
                ClickShop::new(&shop, seed).learn(CLICKS, (by, &ClickParams::default()))
            });
            println!(
                "{trap:?}, {by:?}: NDCG@10 {text:.3} -> {learned:.3} ({:+.1} %, the least of 20 shops {:+.1} \
                 %), planted product still first in {:.1} % of queries",
                (learned / text - 1.0) * 100.0,
                least * 100.0,
                trapped * 100.0,
            );
        }
    }
}

fn tune() {
    for clicks in [1.0, 2.0, 5.0, 10.0] {
        for power in [0.5, 0.75, 1.0] {
            for factor_max in [2.0, 3.0, 5.0] {
                let params = ClickParams { clicks, power, factor_max, ..ClickParams::default() };
                let by = (Estimator::Learned, &params);
                let of = |trap| {
                    let shop = ShopParams { trap, ..ShopParams::default() };
                    mean(1..=5, |seed| ClickShop::new(&shop, seed).learn(CLICKS, by))
                };
                let ([text, learned, ..], planted) = (of(Trap::Absent), of(Trap::Planted));
                println!(
                    "clicks {clicks}, power {power}, at most {factor_max}: {text:.3} -> {learned:.3}; planted \
                     {:.3}, still first {:.1} %",
                    planted[1],
                    planted[3] * 100.0
                );
            }
        }
    }
}
