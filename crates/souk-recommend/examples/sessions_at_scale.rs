//! Session questions over as many events as a large shop has in months: time of each, and memory.
//!
//! usage: sessions_at_scale [EVENTS] [ITEMS] [VISITS_MAX]     (60000000, 1760000 and no bound by default)
//!
//! Generated, seed 1: visits of 1 to 9 events, each of an item of frequency 1/rank^0.8 or, two times of three, of a
//! neighbour of the item before; a visit begins each half second. Asked, after all of them: 20,000 sessions of 1 to 6
//! events of the same kind, 21 items each. `VISITS_MAX` keeps the latest visits alone, as a shop does by default (2,000,000).

#![allow(clippy::print_stdout, reason = "its figures are its result")]

use souk_math::Random;
use souk_recommend::Item;
use souk_recommend::session::{SessionParams, SessionQuery, SessionScorer, SessionScratch};
use souk_recommend::visits::{VisitEvent, VisitId, VisitIndex, VisitLimits};
use std::time::Instant;

const SECOND_MS: i64 = 1_000;
const QUESTIONS: usize = 20_000;
const LENGTH: usize = 21;

/// The next item: near the one before, or any by its frequency.
fn item((before, n_items): (Option<u32>, u32), random: &mut Random) -> u32 {
    match before.filter(|_| random.below(3) > 0) {
        Some(before) => (before + 1 + random.below(20) as u32) % n_items,
        // By inversion of the sum of 1/rank^0.8, which grows as rank^0.2.
        None => (f64::from(n_items) * random.unit64().powi(5)) as u32 % n_items,
    }
}

fn main() {
    let numbers: Vec<u64> =
        std::env::args().skip(1).map(|text| text.parse().expect("a number")).collect();
    let n_events = numbers.first().copied().unwrap_or(60_000_000);
    let n_items =
        numbers.get(1).map_or(1_760_000, |n| u32::try_from(*n).expect("items fit 32 bits"));
    let visits_max =
        numbers.get(2).map_or(u32::MAX, |n| u32::try_from(*n).expect("visits fit 32 bits"));
    let mut index = VisitIndex::new(VisitLimits { visits_max, ..VisitLimits::default() });
    let mut random = Random::new(1);
    let (mut n, mut visit, began) = (0, 0_u64, Instant::now());
    while n < n_events {
        let mut before = None;
        for step in 0..1 + random.below(9) as i64 {
            let next = item((before, n_items), &mut random);
            let time = visit as i64 * SECOND_MS / 2 + step * 20 * SECOND_MS;
            index.push(VisitEvent { visit: VisitId(visit), shopper: None, item: Item(next), time });
            before = Some(next);
            n += 1;
        }
        visit += 1;
    }
    let made = began.elapsed().as_secs_f64();
    println!("{n} events of {visit} visits over {n_items} items in {made:.1} s");
    println!(
        "kept: {} visits, {} events, {} MB",
        index.n_visits(),
        index.n_events(),
        index.bytes() >> 20
    );
    let (now, scorer) =
        (visit as i64 * SECOND_MS / 2, SessionScorer::new(SessionParams::default()));
    let mut scratch = SessionScratch::default();
    let mut took: Vec<u128> = Vec::with_capacity(QUESTIONS);
    let mut n_found = 0;
    for _ in 0..QUESTIONS {
        let mut items = Vec::new();
        for _ in 0..=random.below(6) {
            let before = items.last().map(|item: &Item| item.0);
            items.push(Item(item((before, n_items), &mut random)));
        }
        let query = SessionQuery { items: &items, now, own: None, exclude: &[], limit: LENGTH };
        let began = Instant::now();
        n_found += scorer.top(&index, &query, &mut scratch).len();
        took.push(began.elapsed().as_nanos());
    }
    took.sort_unstable();
    let at = |percent: usize| took[(took.len() - 1) * percent / 100] as f64 / 1e3;
    let (p50, p90, p99) = (at(50), at(90), at(99));
    println!(
        "{QUESTIONS} questions, {n_found} items: p50 {p50:.0} µs, p90 {p90:.0} µs, p99 {p99:.0} µs"
    );
    if let Ok(status) = std::fs::read_to_string("/proc/self/status") {
        status.lines().filter(|line| line.starts_with("VmHWM")).for_each(|line| println!("{line}"));
    }
}
