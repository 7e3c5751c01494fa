//! What the order of lists learns from clicks, on made-up shops whose truth is known, and what it costs an answer.
//!
//! Prints clicks on a list that is really looked at in the order of sources, in the learned one, and in the best possible
//! one, and how many of the shops of seeds 101 to 105, which nothing was tuned on, put it in service:
//! `cargo bench -p souk-recommend --bench impressions`; `-- tune` takes seeds 1 to 3.
//!
//! `-- praise` counts in how many of 200 shops of each kind (seeds 1001 to 1200) an order serves where clicks follow places
//! alone; with a number from 0, of that kind alone, since it takes some minutes.
//! `-- cost` takes the time of one order of 300 candidates by 45 signals, and of the 24 hits of a search by 34. What searches
//! learn is in `cargo run --release -p souk-recommend --example search_order`.
#![allow(clippy::print_stdout, reason = "a program that prints")]

use std::hint::black_box;
use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

use souk_recommend::Rests;
use souk_recommend::impressions::signals::{ListKind, Signal, SignalRow};
use souk_recommend::impressions::simulated::{ImpressionShop, Looks, ShopParams, Wishes};
use souk_recommend::impressions::simulated_search::{Cares, SearchShop, SearchShopParams};
use souk_recommend::impressions::{ImpressionTeaching, ShownList};

/// What came of some shops.
#[derive(Default)]
struct Sums {
    shops: usize,
    silent: usize,
    served: usize,
    gain: f64,
    clicks: [f64; 3],
    shown: f64,
}

fn teaching(lists: &[ShownList]) -> ImpressionTeaching<'_> {
    let kind = lists.first().map_or(ListKind::Recommended, ShownList::kind);
    ImpressionTeaching { lists, kind, threads: 2, rests: Rests::NONE }
}

fn learn(params: ShopParams, (people, seeds): (u64, RangeInclusive<u64>)) -> Sums {
    let mut sums = Sums::default();
    for seed in seeds {
        let shop = ImpressionShop::new(params, seed);
        let lists = shop.shown(people);
        let of_list = lists.iter().flat_map(|list| &list.products);
        sums.shown += of_list.map(|product| f64::from(product.worth)).sum::<f64>();
        sums.shops += 1;
        let Some((order, verdict)) = teaching(&lists).learn(None) else {
            sums.silent += 1;
            continue;
        };
        sums.served += usize::from(verdict.is_surely_better());
        sums.gain += verdict.gain.mean;
        // Where nothing is wished for no order is better than another.
        if params.wishes != Wishes::None {
            let clicks = shop.clicks(&order);
            sums.clicks.iter_mut().zip(clicks).for_each(|(sum, clicks)| *sum += clicks);
        }
    }
    sums
}

fn gains(seeds: RangeInclusive<u64>) {
    let halved = Looks::Halved { each: 3.0 };
    for people in [1_000, 3_000] {
        for (looks, knowing) in [(halved, 0.5), (Looks::Alike, 0.5), (Looks::Alike, 3.0)] {
            let params = ShopParams { wishes: Wishes::Planted, looks, knowing };
            let Sums { shops, silent, served, clicks, shown, .. } =
                learn(params, (people, seeds.clone()));
            let n = (shops - silent).max(1) as f64;
            let [usual, learned, best] = clicks.map(|sum| sum / n);
            println!(
                "{people} people, {:.0} clicks, {looks:?}, sources know {knowing}: \
                 {usual:.3} -> {learned:.3} ({:+.1} %; the best {best:.3}), {served} of {shops} serve, {silent} \
                 say nothing",
                shown / shops as f64,
                (learned / usual - 1.0) * 100.0,
            );
        }
    }
}

/// How far places are looked at in the shops that wish for nothing.
const LOOKS: [Looks; 6] = [
    Looks::Alike,
    Looks::Power(0.25),
    Looks::Power(1.0),
    Looks::Halved { each: 3.0 },
    Looks::Halved { each: 1.0 },
    Looks::Middle,
];

fn praise(kind: Option<usize>) {
    let asked = LOOKS.into_iter().enumerate().filter(|(n, _)| kind.is_none_or(|kind| kind == *n));
    for (_, looks) in asked {
        let params = ShopParams { wishes: Wishes::None, looks, ..ShopParams::default() };
        let Sums { shops, silent, served, gain, shown, .. } = learn(params, (1_000, 1_001..=1_200));
        println!(
            "{looks:?}, {:.0} clicks: {served} of {shops} serve ({:.1} %), {silent} say nothing, mean gain {:+.4}",
            shown / shops as f64,
            served as f64 * 100.0 / shops as f64,
            gain / (shops - silent).max(1) as f64,
        );
    }
}

/// Times of one order of recommendations and of hits, the best and the middle of many.
fn cost() {
    let lists = ImpressionShop::new(ShopParams::default(), 101).shown(3_000);
    let told = Signal::ALL.into_iter().take_while(|signal| *signal != Signal::MissingWords);
    time(&lists, 300, told.collect());
    let params = SearchShopParams { cares: Cares::Price, looks: Looks::Halved { each: 3.0 } };
    let lists = SearchShop::new(params, 101).shown(3_000);
    time(&lists, 24, Signal::ALL.to_vec());
}

fn time(lists: &[ShownList], n_candidates: usize, told: Vec<Signal>) {
    const TIMES: usize = 2_000;
    let (order, _) = teaching(lists).learn(None).expect("three thousand people are enough");
    let shown = lists.iter().flat_map(|list| &list.products).take(n_candidates);
    let mut rows: Vec<SignalRow> = shown.map(|product| product.row).collect();
    for (rank, row) in rows.iter_mut().enumerate() {
        row.set_rank(rank);
        // Signals that the made-up shop does not tell.
        for signal in told.iter().filter(|signal| **signal != Signal::Rank) {
            if row.level(*signal) == 0 {
                row.set(*signal, ((rank * 37 + *signal as usize * 11) % 255) as u8 + 1);
            }
        }
    }
    let time = || {
        let began = Instant::now();
        black_box(order.order(black_box(&rows)));
        began.elapsed()
    };
    let mut times: Vec<Duration> = (0..TIMES).map(|_| time()).collect();
    times.sort_unstable();
    println!(
        "{} candidates, {} trees: {:?} at best, {:?} in the middle, {:?} for 99 in 100",
        rows.len(),
        order.trees().n_trees(),
        times[0],
        times[TIMES / 2],
        times[TIMES * 99 / 100],
    );
}

fn main() {
    let is_asked = |what: &str| std::env::args().any(|argument| argument == what);
    if is_asked("praise") {
        praise(std::env::args().find_map(|argument| argument.parse().ok()));
    } else if is_asked("cost") {
        cost();
    } else {
        gains(if is_asked("tune") { 1..=3 } else { 101..=105 });
    }
}
