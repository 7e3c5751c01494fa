//! One more day of sales: moving the states of a fitted model, beside fitting it anew, at 1,100 days of a week's rhythm.
//! The values come from a multiplicative generator with seed 7.

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use souk_forecast::ets::{ErrorKind, Ets, Season, Spec, Trend};
use std::hint::black_box;

/// Sales of as many days as the service looks back.
fn sales() -> Vec<f64> {
    // Knuth, *Seminumerical Algorithms*, 3.3.4.
    let mut state = 7_u64;
    let mut unit = || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f64 / f64::from(1_u32 << 24)
    };
    (0..1_100).map(|day| 20.0 + f64::from(day % 7 == 5) * 12.0 + 6.0 * unit()).collect()
}

fn bench_append(criterion: &mut Criterion) {
    let sales = sales();
    let specs = [
        ("level", Spec::SES),
        ("level_slope_and_week", Spec::HOLT_WINTERS),
        (
            "multiplicative_week",
            Spec::new(ErrorKind::Multiplicative, Trend::Damped, Season::Multiplicative),
        ),
    ];
    let mut group = criterion.benchmark_group("append_a_day");
    for (name, spec) in specs {
        let fitted = Ets::fit(&sales, 7, spec).expect("the series suits the model");
        group.bench_function(name, |bencher| {
            bencher.iter_batched_ref(
                || fitted.clone(),
                |model| model.append(black_box(23.0)),
                BatchSize::LargeInput,
            );
        });
    }
    group.finish();
    criterion.bench_function("fit_1100_days_anew/level_slope_and_week", |bencher| {
        bencher.iter(|| Ets::fit(black_box(&sales), 7, Spec::HOLT_WINTERS));
    });
}

criterion_group!(benches, bench_append);
criterion_main!(benches);
