//! Time of one question to the session, similarity and bought-together recommenders.
//!
//! Data: a generated shop (seed 1), 24,000 sessions of 4.8 events over 18,000 items, which is the
//! size of the shop clicks, and 156,000 baskets of 9.6 items over 92,000, the size of a grocer's year;
//! in both few items are frequent. Asked: sessions of 1 to 12 events, or 1 to 5 products of baskets; the item of the most baskets
//! (more than 14,000); a cart of 8.

use criterion::{Criterion, criterion_group, criterion_main};
use souk_recommend::bought_together::{
    TogetherParams, TogetherQuery, TogetherScratch, bought_together,
};
use souk_recommend::session::{SessionParams, SessionQuery, SessionScorer, SessionScratch};
use souk_recommend::similar::{SimilarParams, SimilarQuery, similar};
use souk_recommend::visits::{VisitEvent, VisitId, VisitIndex, VisitLimits};
use souk_recommend::{CoScratch, Item, Shopper};
use std::hint::black_box;

struct Lcg(u64);

impl Lcg {
    fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }
}

struct Shape {
    n_visits: u64,
    length_max: f64,
    n_items: f64,
    /// Exponent of the items' frequencies: the larger, the fewer are frequent.
    skew: i32,
}

const SESSIONS: Shape = Shape { n_visits: 24_000, length_max: 8.6, n_items: 18_000.0, skew: 2 };
const BASKETS: Shape = Shape { n_visits: 156_000, length_max: 18.2, n_items: 92_000.0, skew: 5 };

fn shop(shape: &Shape) -> VisitIndex {
    let mut index = VisitIndex::new(VisitLimits::default());
    let mut random = Lcg(1);
    for visit in 0..shape.n_visits {
        for step in 0..(random.unit() * shape.length_max) as i64 + 1 {
            index.push(VisitEvent {
                visit: VisitId(visit),
                shopper: Some(Shopper((visit % 2_500) as u32)),
                item: Item((random.unit().powi(shape.skew) * shape.n_items) as u32),
                time: visit as i64 * 100_000 + step * 20_000,
            });
        }
    }
    index
}

fn session(criterion: &mut Criterion) {
    ask_sessions(criterion, &SESSIONS, ("session/next_20_of_24k_sessions", 12, 20));
    // As an answer of 10 asks for it while a grocer has baskets only.
    ask_sessions(criterion, &BASKETS, ("session/next_60_of_156k_baskets", 5, 60));
}

fn ask_sessions(
    criterion: &mut Criterion,
    shape: &Shape,
    (name, n_events, limit): (&str, usize, usize),
) {
    let index = shop(shape);
    let mut random = Lcg(2);
    let mut item = || Item((random.unit().powi(shape.skew) * shape.n_items) as u32);
    let sessions: Vec<Vec<Item>> =
        (0..1_000).map(|n| (0..n % n_events + 1).map(|_| item()).collect()).collect();
    let scorer = SessionScorer::new(SessionParams::default());
    let mut scratch = SessionScratch::default();
    let mut next = 0;
    criterion.bench_function(name, |bench| {
        bench.iter(|| {
            next = (next + 1) % sessions.len();
            let items = &sessions[next];
            let now = shape.n_visits as i64 * 100_000;
            let query = SessionQuery { items, now, own: None, exclude: &[], limit };
            black_box(scorer.top(&index, &query, &mut scratch).len())
        });
    });
}

fn baskets(criterion: &mut Criterion) {
    let index = shop(&BASKETS);
    assert!(index.n_visits_with(Item(0)) > 14_000, "{}", index.n_visits_with(Item(0)));
    let mut scratch = CoScratch::default();
    criterion.bench_function("similar/most_frequent_item_of_156k_baskets", |bench| {
        let query = SimilarQuery { item: Item(0), limit: 20 };
        bench.iter(|| similar(&index, query, &SimilarParams::default(), &mut scratch).len());
    });
    let mut scratch = TogetherScratch::default();
    let cart: Vec<Item> = (0..8).map(|n| Item(n * n)).collect();
    let cases = [("most_frequent_item", &cart[..1]), ("cart_of_8", &cart[..])];
    for (name, anchors) in cases {
        criterion.bench_function(&format!("bought_together/{name}_of_156k_baskets"), |bench| {
            let query = TogetherQuery { anchors, limit: 20 };
            let params = TogetherParams::default();
            bench.iter(|| bought_together(&index, &query, &params, &mut scratch).len());
        });
    }
}

criterion_group!(benches, session, baskets);
criterion_main!(benches);
