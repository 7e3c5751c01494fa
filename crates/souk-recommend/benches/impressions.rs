//! What the order of lists learns from clicks, on made-up shops whose truth is known.
//!
//! Prints clicks on a list that is really looked at in the order of sources, in the learned one, and in the best possible
//! one, and how many of the shops of seeds 101 to 105, which nothing was tuned on, put it in service; then how many do
//! where clicks follow from places alone. `cargo bench -p souk-recommend --bench impressions`; `-- tune` takes seeds 1 to 3.
#![allow(clippy::print_stdout, reason = "a program that prints")]

use souk_recommend::Rests;
use souk_recommend::impressions::ImpressionTeaching;
use souk_recommend::impressions::simulated::{ImpressionShop, ShopParams, Wishes};

/// What came of some shops.
#[derive(Default)]
struct Sums {
    shops: usize,
    silent: usize,
    served: usize,
    clicks: [f64; 3],
    shown: f64,
}

fn learn(params: ShopParams, (people, seeds): (u64, std::ops::RangeInclusive<u64>)) -> Sums {
    let mut sums = Sums::default();
    for seed in seeds {
        let shop = ImpressionShop::new(params, seed);
        let lists = shop.shown(people);
        let of_list = lists.iter().flat_map(|list| &list.products);
        sums.shown += of_list.map(|product| f64::from(product.worth)).sum::<f64>();
        sums.shops += 1;
        let teaching = ImpressionTeaching { lists: &lists, threads: 2, rests: Rests::NONE };
        let Some((order, verdict)) = teaching.learn(None) else {
            sums.silent += 1;
            continue;
        };
        sums.served += usize::from(verdict.is_surely_better());
        let clicks = shop.clicks(&order);
        sums.clicks.iter_mut().zip(clicks).for_each(|(sum, clicks)| *sum += clicks);
    }
    sums
}

fn main() {
    let is_tuning = std::env::args().any(|argument| argument == "tune");
    let seeds = || if is_tuning { 1..=3 } else { 101..=105 };
    for people in [1_000, 3_000] {
        for (wishes, halved_each, knowing) in [
            (Wishes::Planted, 3.0, 0.5),
            (Wishes::Planted, f64::INFINITY, 3.0),
            (Wishes::None, 3.0, 0.5),
            (Wishes::None, f64::INFINITY, 0.5),
        ] {
            let params = ShopParams { wishes, halved_each, knowing };
            let Sums { shops, silent, served, clicks, shown } = learn(params, (people, seeds()));
            let n = (shops - silent).max(1) as f64;
            let [usual, learned, best] = clicks.map(|sum| sum / n);
            println!(
                "{people} people, {:.0} clicks, {wishes:?}, halved each {halved_each}, sources know {knowing}: \
                 {usual:.3} -> {learned:.3} ({:+.1} %; the best {best:.3}), {served} of {shops} serve, {silent} \
                 say nothing",
                shown / shops as f64,
                (learned / usual - 1.0) * 100.0,
            );
        }
    }
}
