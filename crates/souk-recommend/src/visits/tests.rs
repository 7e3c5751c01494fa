use super::*;
use crate::wire::{Kind, SnapshotError, Writer};
use proptest::prelude::*;
use std::collections::BTreeMap;

fn event(visit: u64, shopper: Option<u32>, item: u32, time: i64) -> VisitEvent {
    VisitEvent { visit: VisitId(visit), shopper: shopper.map(Shopper), item: Item(item), time }
}

fn index_of(events: &[VisitEvent], limits: VisitLimits) -> VisitIndex {
    let mut index = VisitIndex::new(limits);
    for &event in events {
        index.push(event);
    }
    index
}

fn items_of(index: &VisitIndex, visit: u64) -> Vec<u32> {
    index.visit(VisitId(visit)).unwrap().items().map(|item| item.0).collect()
}

fn visits_with(index: &VisitIndex, item: u32) -> Vec<u64> {
    index.visits_with(Item(item)).map(|visit| visit.id().0).collect()
}

#[test]
fn a_visit_keeps_order_and_repeats() {
    let events = [event(7, None, 3, 10), event(7, None, 1, 20), event(7, None, 3, 30)];
    let index = index_of(&events, VisitLimits::default());
    assert_eq!(items_of(&index, 7), [3, 1, 3]);
    assert_eq!(index.n_visits_with(Item(3)), 1);
    assert_eq!(index.n_events(), 3);
    assert_eq!(index.visit(VisitId(7)).unwrap().last_time(), 30);
}

#[test]
fn a_late_event_is_placed_by_time() {
    let events = [event(7, None, 3, 10), event(7, None, 1, 20), event(7, None, 5, 15)];
    let mut index = index_of(&events, VisitLimits::default());
    assert_eq!(items_of(&index, 7), [3, 5, 1]);
    // Before the first event, and behind those of the same time.
    index.push(event(7, None, 8, -4));
    index.push(event(7, None, 9, 15));
    assert_eq!(items_of(&index, 7), [8, 3, 5, 9, 1]);
    let times: Vec<i64> = index.visit(VisitId(7)).unwrap().events().map(|(_, time)| time).collect();
    assert_eq!(times, [-4, 10, 15, 15, 20]);
    assert_eq!(index.visit(VisitId(7)).unwrap().last_time(), 20);
}

#[test]
fn the_visit_that_began_last_comes_first() {
    let mut index = index_of(
        &[event(1, None, 5, 10), event(2, None, 5, 20), event(3, None, 5, 20)],
        VisitLimits::default(),
    );
    assert_eq!(visits_with(&index, 5), [3, 2, 1]);
    // A visit that goes on keeps its place.
    index.push(event(1, None, 6, 30));
    assert_eq!(visits_with(&index, 5), [3, 2, 1]);
    // One that turns out to have begun earlier does not.
    index.push(event(2, None, 6, 5));
    assert_eq!(visits_with(&index, 5), [3, 1, 2]);
    assert_eq!(visits_with(&index, 6), [1, 2]);
}

#[test]
fn forgetting_a_shopper_leaves_the_others() {
    let mut index = index_of(
        &[
            event(1, Some(4), 5, 10),
            event(2, Some(9), 5, 20),
            event(3, Some(4), 6, 30),
            event(4, None, 6, 40),
            event(4, Some(4), 7, 50),
            event(2, Some(4), 7, 60),
        ],
        VisitLimits::default(),
    );
    assert_eq!(index.visits_of(Shopper(4)).count(), 3);
    assert_eq!(index.forget(Shopper(4)), 3);
    assert_eq!(index.forget(Shopper(4)), 0);
    // The first shopper named for visit 2 was 9.
    assert_eq!(visits_with(&index, 5), [2]);
    assert_eq!(visits_with(&index, 6), [0; 0]);
    assert_eq!(visits_with(&index, 7), [2]);
    assert_eq!(index.n_events(), 2);
    assert!(!index.remove_visit(VisitId(3)));
}

#[test]
fn the_oldest_visit_goes_above_the_limit() {
    let limits = VisitLimits { visits_max: 2, events_per_visit_max: 9 };
    let mut index = index_of(&[event(1, None, 5, 10), event(2, None, 5, 20)], limits);
    index.push(event(1, None, 6, 30));
    index.push(event(3, None, 5, 20));
    assert_eq!(visits_with(&index, 5), [3, 2]);
    assert_eq!(visits_with(&index, 6), [0; 0]);
    // Visits 2 and 3 began at 20; the smaller id goes.
    index.push(event(4, None, 5, 30));
    assert_eq!(visits_with(&index, 5), [4, 3]);
    index.push(event(5, None, 5, 1));
    assert_eq!(visits_with(&index, 5), [4, 3]);
}

#[test]
fn an_endless_visit_loses_an_eighth_at_once() {
    let limits = VisitLimits { visits_max: 9, events_per_visit_max: 16 };
    let events: Vec<_> = (0..17).map(|n| event(1, None, n as u32, n)).collect();
    let mut index = index_of(&events, limits);
    assert_eq!(items_of(&index, 1), (2..17).collect::<Vec<u32>>());
    assert_eq!((index.n_events(), index.n_visits_with(Item(1))), (15, 0));
    // It now begins later than a visit of time 1.
    index.push(event(2, None, 16, 1));
    assert_eq!(visits_with(&index, 16), [1, 2]);
}

#[test]
fn the_oldest_event_goes_above_the_limit() {
    let limits = VisitLimits { visits_max: 9, events_per_visit_max: 2 };
    let mut index = index_of(&[event(1, None, 5, 10), event(1, None, 6, 20)], limits);
    index.push(event(1, None, 7, 30));
    assert_eq!(items_of(&index, 1), [6, 7]);
    index.push(event(1, None, 8, 5));
    assert_eq!(items_of(&index, 1), [6, 7]);
    assert_eq!(index.n_visits_with(Item(5)), 0);
    let single = VisitLimits { visits_max: 9, events_per_visit_max: 1 };
    let mut index = index_of(&[event(1, None, 5, 10), event(1, None, 6, 20)], single);
    assert_eq!(items_of(&index, 1), [6]);
    index.push(event(1, None, 7, 20));
    assert_eq!(items_of(&index, 1), [7]);
    assert_eq!(index.visit(VisitId(1)).unwrap().last_time(), 20);
    assert_eq!((index.n_visits_with(Item(6)), index.n_events()), (0, 1));
}

#[test]
fn extreme_times_are_held() {
    let mut index = index_of(&[event(1, None, 5, i64::MAX)], VisitLimits::default());
    index.push(event(1, None, 6, i64::MIN));
    index.push(event(2, None, 6, i64::MIN));
    index.push(event(2, None, 7, i64::MAX));
    assert_eq!(items_of(&index, 1), [6, 5]);
    assert_eq!(items_of(&index, 2), [6, 7]);
    assert_eq!(visits_with(&index, 6), [1, 2]);
}

/// What is left of a visit when everything is spelled out.
#[derive(Clone, Debug, PartialEq)]
struct Plain {
    id: u64,
    shopper: Option<u32>,
    events: Vec<(u32, i64)>,
}

fn plain(index: &VisitIndex) -> Vec<Plain> {
    let plain = |visit: Visit<'_>| Plain {
        id: visit.id().0,
        shopper: visit.shopper().map(|shopper| shopper.0),
        events: visit.events().map(|(item, time)| (item.0, time)).collect(),
    };
    index.visits().map(plain).collect()
}

/// Everything that can be asked of an index: visits, ids by item, ids by shopper, events.
type Answers = (Vec<Plain>, Vec<Vec<u64>>, Vec<Vec<u64>>, u64);

fn answers(index: &VisitIndex) -> Answers {
    let with = (0..ITEMS).map(|item| visits_with(index, item)).collect();
    let of = (0..SHOPPERS).map(|shopper| {
        let mut ids: Vec<u64> = index.visits_of(Shopper(shopper)).map(|v| v.id().0).collect();
        ids.sort_unstable();
        ids
    });
    (plain(index), with, of.collect(), index.n_events())
}

const ITEMS: u32 = 8;
const SHOPPERS: u32 = 4;

#[derive(Clone, Copy, Debug)]
enum Step {
    Push(VisitEvent),
    Remove(u64),
    Forget(u32),
}

fn step() -> impl Strategy<Value = Step> {
    // Near each other and up to 23 days apart, so that distances take few and many bits.
    let time = (0..40i64, prop_oneof![Just(1), Just(50_000_000)]).prop_map(|(n, unit)| n * unit);
    let push = (0..12u64, prop::option::of(0..SHOPPERS), 0..ITEMS, time)
        .prop_map(|(visit, shopper, item, time)| Step::Push(event(visit, shopper, item, time)));
    prop_oneof![
        12 => push,
        2 => (0..12u64).prop_map(Step::Remove),
        1 => (0..SHOPPERS).prop_map(Step::Forget),
    ]
}

fn run(steps: &[Step], limits: VisitLimits) -> VisitIndex {
    let mut index = VisitIndex::new(limits);
    for &step in steps {
        match step {
            Step::Push(event) => index.push(event),
            Step::Remove(visit) => _ = index.remove_visit(VisitId(visit)),
            Step::Forget(shopper) => _ = index.forget(Shopper(shopper)),
        }
    }
    index
}

/// The same history over plain lists.
fn run_model(steps: &[Step]) -> Vec<Plain> {
    let mut visits: BTreeMap<u64, Plain> = BTreeMap::new();
    for &step in steps {
        match step {
            Step::Push(VisitEvent { visit, shopper, item, time }) => {
                let empty = Plain { id: visit.0, shopper: None, events: Vec::new() };
                let plain = visits.entry(visit.0).or_insert(empty);
                plain.shopper = plain.shopper.or(shopper.map(|shopper| shopper.0));
                plain.events.push((item.0, time));
                plain.events.sort_by_key(|&(_, time)| time);
            }
            Step::Remove(visit) => _ = visits.remove(&visit),
            Step::Forget(shopper) => visits.retain(|_, plain| plain.shopper != Some(shopper)),
        }
    }
    let mut visits: Vec<Plain> = visits.into_values().collect();
    visits.sort_by_key(|plain| (plain.events[0].1, plain.id));
    visits
}

fn rebuilt(visits: &[Plain], limits: VisitLimits) -> VisitIndex {
    let mut index = VisitIndex::new(limits);
    for visit in visits {
        for &(item, time) in &visit.events {
            index.push(event(visit.id, visit.shopper, item, time));
        }
    }
    index
}

fn small_limits() -> impl Strategy<Value = VisitLimits> {
    (1..14u32, 1..7u32).prop_map(|(visits_max, events_per_visit_max)| VisitLimits {
        visits_max,
        events_per_visit_max,
    })
}

proptest! {
    /// Whatever was pushed, removed and forgotten, the visits are those of the plain model.
    #[test]
    fn equals_the_model(steps in prop::collection::vec(step(), 0..120)) {
        prop_assert_eq!(plain(&run(&steps, VisitLimits::default())), run_model(&steps));
    }

    /// Every answer is that of a fresh index of the remaining visits, in any order, also at limits.
    #[test]
    fn equals_a_fresh_index(
        (steps, limits) in (prop::collection::vec(step(), 0..120), small_limits()),
        seed in any::<prop::sample::Index>(),
    ) {
        let index = run(&steps, limits);
        let mut visits = plain(&index);
        prop_assert!(visits.len() <= limits.visits_max as usize);
        if !visits.is_empty() {
            let middle = seed.index(visits.len());
            visits.rotate_left(middle);
            visits[middle / 2..].reverse();
        }
        prop_assert_eq!(answers(&index), answers(&rebuilt(&visits, limits)));
    }

    /// A snapshot gives the same answers and goes on alike.
    #[test]
    fn snapshot_round_trip(
        (steps, limits) in (prop::collection::vec(step(), 0..120), small_limits()),
        more in prop::collection::vec(step(), 0..40),
    ) {
        let mut index = run(&steps, limits);
        let mut decoded = VisitIndex::decode(&index.encode()).unwrap();
        prop_assert_eq!(answers(&index), answers(&decoded));
        for &step in &more {
            for index in [&mut index, &mut decoded] {
                match step {
                    Step::Push(event) => index.push(event),
                    Step::Remove(visit) => _ = index.remove_visit(VisitId(visit)),
                    Step::Forget(shopper) => _ = index.forget(Shopper(shopper)),
                }
            }
        }
        prop_assert_eq!(index.encode(), decoded.encode());
    }

    /// Damage is found, wherever it is.
    #[test]
    fn damage_is_refused(at in any::<prop::sample::Index>(), bit in 0..8u32) {
        let events = [event(1, Some(2), 3, 4), event(1, Some(2), 5, 9), event(2, None, 3, 5)];
        let mut bytes = index_of(&events, VisitLimits::default()).encode();
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        prop_assert!(VisitIndex::decode(&bytes).is_err());
        prop_assert!(VisitIndex::decode(&bytes[..at]).is_err());
    }
}

#[test]
fn snapshot_errors_name_the_cause() {
    let mut bytes = VisitIndex::new(VisitLimits::default()).encode();
    assert_eq!(VisitIndex::decode(b"{}").unwrap_err(), SnapshotError::OtherKind);
    *bytes.last_mut().unwrap() ^= 1;
    assert_eq!(VisitIndex::decode(&bytes).unwrap_err(), SnapshotError::Damaged);
    bytes[4] = 9;
    let error = VisitIndex::decode(&bytes).unwrap_err();
    assert_eq!(error, SnapshotError::OtherVersion { found: 9, known: 1 });
}

/// The bytes of version 1 stay readable: this sample is never rewritten.
#[test]
fn frozen_version_1() {
    let sample = include_bytes!("../../testdata/visits-v1.bin");
    let index = VisitIndex::decode(sample).unwrap();
    assert_eq!(items_of(&index, 1), [3, 5]);
    // It holds them by their last event, the lists are by their first.
    assert_eq!(visits_with(&index, 3), [2, 1]);
    assert_eq!(index.visits_of(Shopper(2)).count(), 1);
    assert_eq!(index.visit(VisitId(1)).unwrap().last_time(), 1_600_000_000_009);
}

/// Earlier programs counted distances from the event that came first, although an earlier one came late.
#[test]
fn a_snapshot_counted_from_a_later_event_is_read() {
    let mut writer = Writer::new(Kind { magic: *b"SKVI", version: 1 }, 0);
    // Limits, one more than the largest item and shopper, one visit: 7 of nobody at 1,000.
    writer.words([9, 9, 4, 0, 1].into_iter());
    writer.u64(7);
    writer.i64(1_000);
    writer.words([u32::MAX, 3 | 1 << 31].into_iter());
    writer.words([3, 1, 2].into_iter());
    writer.words([-400, 0, 50].map(|distance: i32| distance as u32).into_iter());
    let index = VisitIndex::decode(&writer.finish()).unwrap();
    let limits = VisitLimits { visits_max: 9, events_per_visit_max: 9 };
    let came = [event(7, None, 1, 1_000), event(7, None, 2, 1_050), event(7, None, 3, 600)];
    assert_eq!(plain(&index), plain(&index_of(&came, limits)));
    assert_eq!(index.visit(VisitId(7)).unwrap().last_time(), 1_050);
    assert_eq!(index.rank_at(index.slot_of(VisitId(7)).unwrap()), (600, 7));
}

/// Many more visits than lie in one piece of their order, begun, moved, forgotten and dropped in any order.
#[test]
fn thousands_of_visits_stay_in_order() {
    let mut index = VisitIndex::new(VisitLimits { visits_max: 3_000, events_per_visit_max: 99 });
    let mut model: BTreeMap<u64, i64> = BTreeMap::new();
    let mut random = souk_math::Random::new(1);
    for _ in 0..20_000 {
        let (visit, time) = (random.below(4_000) as u64, random.below(1 << 20) as i64);
        if random.below(4) == 0 {
            assert_eq!(index.remove_visit(VisitId(visit)), model.remove(&visit).is_some());
            continue;
        }
        index.push(event(visit, None, 1, time));
        let start = model.entry(visit).or_insert(time);
        *start = time.min(*start);
        if model.len() > 3_000 {
            let oldest = model.iter().map(|(&visit, &start)| (start, visit)).min().unwrap();
            model.remove(&oldest.1);
        }
    }
    let mut expected: Vec<(i64, u64)> =
        model.iter().map(|(&visit, &start)| (start, visit)).collect();
    expected.sort_unstable();
    let ids: Vec<u64> = index.visits().map(|visit| visit.id().0).collect();
    assert!(ids.len() > 2_000, "{}", ids.len());
    assert!(ids.iter().eq(expected.iter().map(|(_, visit)| visit)));
    ids.iter().for_each(|&visit| assert!(index.remove_visit(VisitId(visit))));
    assert_eq!((index.n_visits(), index.n_events(), index.visits().count()), (0, 0, 0));
}

#[test]
fn a_year_of_baskets_fits_in_27_mb() {
    // The shape of the grocer's year: 156,000 baskets of 9.6 of 92,000 items, few of them frequent.
    let mut index = VisitIndex::new(VisitLimits::default());
    let mut seed = 1u64;
    let mut random = move || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (seed >> 11) as f64 / (1u64 << 53) as f64
    };
    for basket in 0..156_000u64 {
        for _ in 0..(random() * 19.2) as u32 + 1 {
            let item = (random().powi(4) * 92_000.0) as u32;
            index.push(event(basket, Some(basket as u32 % 2500), item, basket as i64 * 200_000));
        }
    }
    assert!(index.n_events() > 1_500_000, "{}", index.n_events());
    assert!(index.bytes() < 27_000_000, "{}", index.bytes());
}
