//! What the order of lists learns from clicks, on made-up shops whose truth is known, and what it costs an answer.
//!
//! Prints clicks on a list that is really looked at in the order of sources, in the learned one, and in the best possible
//! one, and how many of the shops of seeds 101 to 105, which nothing was tuned on, put it in service:
//! `cargo bench -p souk-recommend --bench impressions`; `-- tune` takes seeds 1 to 3.
//!
//! `-- praise` counts in how many of 200 shops of each kind (seeds 1001 to 1200) an order serves where clicks follow places
//! alone; with a number from 0, of that kind alone, since it takes some minutes.
//! `-- search` prints NDCG@10 of queries that nobody asked before, in the order of stages and in the one that was learned from
//! others, of shops that go by several things; `-- search praise` counts as `praise` does, by searches.
//! `-- cost` takes the time of one order of 300 candidates by 45 signals.
#![allow(clippy::print_stdout, reason = "a program that prints")]

use std::hint::black_box;
use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

use souk_recommend::Rests;
use souk_recommend::impressions::signals::{ListKind, Signal, SignalRow};
use souk_recommend::impressions::simulated::{ImpressionShop, Looks, ShopParams, Wishes};
use souk_recommend::impressions::simulated_search::{Cares, SearchShop, SearchShopParams};
use souk_recommend::impressions::{ImpressionOrder, ImpressionTeaching, ShownList};

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

/// What is learned from so many people's searches in shops that go by something.
fn search_gains(seeds: RangeInclusive<u64>) {
    for people in [500, 1_500, 3_000] {
        for cares in [Cares::PriceAndRating, Cares::Freshness, Cares::Words] {
            let (mut served, mut sums, mut clicks) = (0, [0.0; 3], 0.0);
            let shops = seeds.clone().count();
            for seed in seeds.clone() {
                let looks = Looks::Halved { each: 3.0 };
                let shop = SearchShop::new(SearchShopParams { cares, looks }, seed);
                let lists = shop.shown(people);
                let products = lists.iter().flat_map(|list| &list.products);
                clicks += products.map(|one| f64::from(one.worth)).sum::<f64>();
                let learned = teaching(&lists).learn(None);
                // Where too little is known stages stay, as where the order is refused.
                let Some((order, verdict)) = learned else { continue };
                served += usize::from(verdict.is_surely_better());
                sums.iter_mut()
                    .zip(shop.ndcg(&order))
                    .for_each(|(sum, ndcg)| *sum += ndcg / shops as f64);
            }
            let [usual, learned, best] = sums;
            println!(
                "{people} people, {:.0} clicks, {cares:?}: NDCG@10 {usual:.3} -> {learned:.3} ({:+.1} %; the best \
                 {best:.3}), {served} of {shops} serve",
                clicks / shops as f64,
                (learned / usual - 1.0) * 100.0,
            );
        }
    }
}

fn search_praise() {
    for looks in LOOKS {
        let (mut served, mut silent, seeds) = (0, 0, 1_001..=1_200_u64);
        for seed in seeds.clone() {
            let shop = SearchShop::new(SearchShopParams { cares: Cares::Nothing, looks }, seed);
            match teaching(&shop.shown(1_000)).learn(None) {
                Some((_, verdict)) => served += usize::from(verdict.is_surely_better()),
                None => silent += 1,
            }
        }
        println!("{looks:?}: {served} of {} serve, {silent} say nothing", seeds.count());
    }
}

/// Times of one order, the best and the middle of many.
fn cost() {
    const TIMES: usize = 2_000;
    let shop = ImpressionShop::new(ShopParams::default(), 101);
    let lists = shop.shown(3_000);
    let (order, _) = teaching(&lists).learn(None).expect("three thousand people are enough");
    let shown = lists.iter().flat_map(|list| &list.products).take(300);
    let mut rows: Vec<SignalRow> = shown.map(|product| product.row).collect();
    for (rank, row) in rows.iter_mut().enumerate() {
        row.set_rank(rank);
        // Signals that the made-up shop does not tell.
        let told = Signal::ALL.into_iter().take_while(|signal| *signal != Signal::MissingWords);
        for signal in told.filter(|signal| *signal != Signal::Rank) {
            if row.level(signal) == 0 {
                row.set(signal, ((rank * 37 + signal as usize * 11) % 255) as u8 + 1);
            }
        }
    }
    let time = |order: &ImpressionOrder| {
        let began = Instant::now();
        black_box(order.order(black_box(&rows)));
        began.elapsed()
    };
    let mut times: Vec<Duration> = (0..TIMES).map(|_| time(&order)).collect();
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
    if is_asked("search") {
        match is_asked("praise") {
            true => search_praise(),
            false => search_gains(101..=105),
        }
    } else if is_asked("praise") {
        praise(std::env::args().find_map(|argument| argument.parse().ok()));
    } else if is_asked("cost") {
        cost();
    } else {
        gains(if is_asked("tune") { 1..=3 } else { 101..=105 });
    }
}
