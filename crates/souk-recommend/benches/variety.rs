//! Variety in a list of ten out of 100 candidates, as a request makes it, and the odds of twenty products that
//! may be tried out. Seed 7; kinds and brands are uniform over 12 and 30.

use criterion::{Criterion, criterion_group, criterion_main};
use souk_recommend::diversity::{Candidates, Mix, VarietyParams, VarietyScratch, vary};
use souk_recommend::explore::{Belief, Tries, odds};
use std::hint::black_box;

/// A multiplicative generator is enough for a load (Knuth, *Seminumerical Algorithms*, 3.3.4).
fn numbers(n: usize, below: u64) -> Vec<u64> {
    let mut state = 7_u64;
    let mut next = || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    (0..n).map(|_| next()).collect()
}

fn bench_variety(criterion: &mut Criterion) {
    let (kinds, brands) = (numbers(100, 12), numbers(100, 30));
    let relevance: Vec<f32> = (0..100).map(|rank| 1.0 / (rank as f32 + 5.0)).collect();
    let rarity: Vec<f32> = numbers(100, 1_000).into_iter().map(|n| n as f32 / 1_000.0).collect();
    let distance = |a: usize, b: usize| {
        let apart = if kinds[a] == kinds[b] { 0.0 } else { 1.0 };
        if brands[a] == brands[b] { 0.8 * apart } else { apart }
    };
    let (groups, shares) =
        (kinds.iter().map(|kind| *kind as usize).collect::<Vec<_>>(), [1.0 / 12.0; 12]);
    let mix = Some(Mix { groups: &groups, shares: &shares });
    let candidates =
        Candidates { relevance: &relevance, rarity: &rarity, distance: &distance, mix };
    let mut scratch = VarietyScratch::default();
    let mut group = criterion.benchmark_group("variety");
    for (name, price) in [("list_of_10_of_100", 0.02), ("the_same_at_any_price", 1.0)] {
        let params = VarietyParams { price, ..VarietyParams::default() };
        group.bench_function(name, |bencher| {
            bencher.iter(|| vary(black_box(&candidates), (10, &params), &mut scratch).len());
        });
    }
    let beliefs: Vec<Belief> = numbers(20, 500)
        .into_iter()
        .map(|n| Belief::new(Tries { shown: n as f64, wins: n as f64 / 40.0 }, (0.03, 20.0)))
        .collect();
    group.bench_function("odds_of_20", |bencher| bencher.iter(|| odds(black_box(&beliefs), 0.1)));
    group.finish();
}

criterion_group!(benches, bench_variety);
criterion_main!(benches);
