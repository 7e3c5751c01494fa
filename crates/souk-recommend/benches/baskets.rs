//! Next basket and buy again on a generated grocer: 2,500 shoppers, 92,000 items, about 150,000
//! baskets of nine lines, seed 7. Measured apart: building, the market, the neighbourhood (which
//! serving caches), a query with both at hand, the same with trees that put the best 100 in order (52
//! signals; grown on 2,000 lessons, their number is in the name), and buy again; the last four over all
//! shoppers in turn, so that a figure is the mean shopper's.

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use souk_recommend::buy_again::{BuyAgainParams, BuyAgainScratch, buy_again};
use souk_recommend::next_basket::{
    Basket, BasketQuery, BasketVectors, Market, Neighbourhood, Params, Scratch, TeachParams,
    Teaching, next_basket,
};
use souk_recommend::popular::{PopularQuery, popular};
use souk_recommend::trending::{TrendQuery, Trends, trending};
use souk_recommend::windows::{Count, Scope, WindowScratch, Windows};
use souk_recommend::{Item, Rests, Shopper};
use std::hint::black_box;

const N_SHOPPERS: u32 = 2_500;
const N_ITEMS: u32 = 92_000;
const DAY: i64 = 86_400_000;
const NOW: i64 = 365 * DAY;

/// A multiplicative generator is enough for a load (Knuth, *Seminumerical Algorithms*, 3.3.4).
struct Random(u64);

impl Random {
    fn below(&mut self, n: u32) -> u32 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) % u64::from(n)) as u32
    }

    /// Few items are common and many rare: the cube of a uniform number.
    fn item(&mut self) -> Item {
        let unit = f64::from(self.below(1 << 30)) / f64::from(1 << 30);
        Item((unit.powi(3) * f64::from(N_ITEMS)) as u32)
    }
}

/// Each shopper has 120 habits, from which two thirds of the lines come.
fn shop() -> Vec<(Shopper, Basket)> {
    let mut random = Random(7);
    let mut baskets = Vec::new();
    for shopper in 0..N_SHOPPERS {
        let habits: Vec<Item> = (0..120).map(|_| random.item()).collect();
        for _ in 0..10 + random.below(100) {
            let line = |random: &mut Random| match random.below(3) {
                0 => random.item(),
                _ => habits[random.below(120) as usize],
            };
            let n_lines = 1 + random.below(17);
            let items: Vec<Item> = (0..n_lines).map(|_| line(&mut random)).collect();
            let time = i64::from(random.below(365 * 24)) * DAY / 24;
            baskets.push((Shopper(shopper), Basket::new(baskets.len() as u64, time, &items)));
        }
    }
    baskets
}

fn bench_baskets(criterion: &mut Criterion) {
    let baskets = shop();
    let mut group = criterion.benchmark_group("baskets");
    group.sample_size(10);
    group.bench_function("build", |bencher| {
        bencher.iter_batched(|| baskets.clone(), BasketVectors::build, BatchSize::LargeInput);
    });
    let teaching = Teaching { baskets: &baskets, threads: 2, rests: Rests::NONE };
    let few = TeachParams { lessons_max: 2_000, weight_lessons_max: 300, ..TeachParams::default() };
    let (ranker, _) = teaching.learn(&few, None).expect("enough shoppers");
    let n_trees = ranker.trees.as_ref().map_or(0, |trees| trees.n_trees());
    let by_trees = format!("next_basket_by_{n_trees}_trees");
    let state = BasketVectors::build(baskets);
    group.bench_function("market", |bencher| bencher.iter(|| Market::at(&state, NOW)));
    let market = Market::at(&state, NOW);
    let (params, mut scratch) = (Params::default(), Scratch::default());
    let mut turn = (0..N_SHOPPERS).map(Shopper).cycle();
    let mut next = move || turn.next().expect("a cycle of shoppers never ends");
    group.sample_size(50);
    group.bench_function("neighbourhood", |bencher| {
        bencher.iter(|| state.neighbourhood((next(), NOW), &params, &mut scratch));
    });
    let near: Vec<Neighbourhood> = (0..N_SHOPPERS)
        .map(|shopper| state.neighbourhood((Shopper(shopper), NOW), &params, &mut scratch))
        .collect();
    let ranked = Params { ranker, ..Params::default() };
    for (name, params) in [("next_basket", &params), (&by_trees, &ranked)] {
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let shopper = next();
                let neighbourhood = &near[shopper.0 as usize];
                let own = state.baskets(shopper);
                let query = BasketQuery { own, now: NOW, market: &market, neighbourhood };
                next_basket(&query, params, &mut scratch)
            });
        });
    }
    let (params, mut scratch) = (BuyAgainParams::default(), BuyAgainScratch::default());
    group.bench_function("buy_again", |bencher| {
        bencher.iter(|| buy_again(state.baskets(next()), NOW, &params, &mut scratch));
    });
    group.finish();
}

fn bench_windows(criterion: &mut Criterion) {
    let mut windows = Windows::default();
    for (_, basket) in shop() {
        for &item in basket.items() {
            windows.add(Count { scope: Scope(0), item, time: basket.time, weight: 1 });
        }
    }
    let (mut scratch, mut trends) = (WindowScratch::default(), Trends::default());
    let query = PopularQuery {
        scope: Scope(0),
        now: NOW,
        window_days: 28,
        half_life_days: 7.0,
        limit: 100,
    };
    let trend = TrendQuery::new(Scope(0), NOW);
    let mut group = criterion.benchmark_group("windows");
    group.bench_function("popular_28_days", |bencher| {
        bencher.iter(|| popular(black_box(&windows), &query, &mut scratch));
    });
    group.bench_function("trending", |bencher| {
        bencher.iter(|| trending(black_box(&windows), &trend, &mut trends));
    });
    group.finish();
}

criterion_group!(benches, bench_baskets, bench_windows);
criterion_main!(benches);
