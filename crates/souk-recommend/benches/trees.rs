//! Trees that rank: 300 candidates of 52 signals by 150 trees of 16 leaves, as a request would, and
//! growing ten trees on 1,000 groups of 100. Seed 7; signals are uniform, gains follow two of them.

use criterion::{Criterion, criterion_group, criterion_main};
use souk_recommend::Rests;
use souk_recommend::trees::{Groups, Lesson, TreeParams, Trees};
use std::hint::black_box;

const N_SIGNALS: usize = 52;

/// A multiplicative generator is enough for a load (Knuth, *Seminumerical Algorithms*, 3.3.4).
struct Random(u64);

impl Random {
    fn unit(&mut self) -> f32 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 40) as f32 / (1_u32 << 24) as f32
    }
}

fn groups(n: usize) -> Groups {
    let mut random = Random(7);
    let mut groups = Groups::new(N_SIGNALS);
    for _ in 0..n {
        let signals: Vec<f32> = (0..100 * N_SIGNALS).map(|_| random.unit()).collect();
        let is_wanted = |row: &[f32]| row[3] > 0.8 && row[17] < 0.3;
        let gain = |row: &[f32]| if is_wanted(row) { 1.0 } else { 0.0 };
        let gains: Vec<f32> = signals.chunks(N_SIGNALS).map(gain).collect();
        groups.push(&signals, &gains, &[]);
    }
    groups
}

fn bench_trees(criterion: &mut Criterion) {
    let names = ["signal"; N_SIGNALS];
    let groups = groups(1_000);
    let rests = Rests::NONE;
    let lesson = Lesson { names: &names, groups: &groups, valid: None, threads: 1, rests };
    let params = TreeParams { n_trees: 150, ..TreeParams::default() };
    let trees = Trees::fit(&lesson, &params);
    let mut random = Random(8);
    let signals: Vec<f32> = (0..300 * N_SIGNALS).map(|_| random.unit()).collect();
    let mut group = criterion.benchmark_group("trees");
    group.bench_function("rank_300_by_150_trees", |bencher| {
        bencher.iter(|| {
            let mut scores = [0.0; 300];
            trees.add_to(black_box(&signals), &mut scores);
            scores
        });
    });
    group.sample_size(10);
    group.bench_function("grow_10_trees_on_100_000_rows", |bencher| {
        let params = TreeParams { n_trees: 10, ..TreeParams::default() };
        bencher.iter(|| Trees::fit(black_box(&lesson), &params));
    });
    group.finish();
}

criterion_group!(benches, bench_trees);
criterion_main!(benches);
