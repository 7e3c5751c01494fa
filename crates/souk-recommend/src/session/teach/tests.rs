#![allow(clippy::unwrap_used)]

use souk_math::Random;

use super::*;
use crate::session::mixture::item_signals;
use crate::types::{Score, Scored};

const MINUTE: i64 = 60_000;
const DAY: i64 = 1_440 * MINUTE;

/// Visits of a shop, ten minutes apart, that walk along a shelf and then, seven times of ten, end with what everybody
/// looks at that day: what is new each day says little by its neighbours, and much by how it is visited now.
fn shop(n_visits: u64, seed: u64) -> Vec<VisitEvent> {
    let mut random = Random::new(seed);
    let mut events = Vec::new();
    for visit in 0..n_visits {
        let first = random.below(300) as u32;
        for step in 0..4_u32 {
            let is_last = step == 3 && random.below(10) < 7;
            let item = if is_last { 1_000 + (visit / 144) as u32 } else { first + step };
            let time = visit as i64 * 10 * MINUTE + i64::from(step) * MINUTE;
            let shopper = Some(Shopper((visit % 700) as u32)).filter(|_| visit % 3 > 0);
            events.push(VisitEvent { visit: VisitId(visit), shopper, item: Item(item), time });
        }
    }
    events
}

fn teaching(events: &[VisitEvent], threads: usize) -> SessionTeaching<'_> {
    let params = SessionParams::default();
    SessionTeaching { events, params, seen_max: 5, threads, rests: Rests::NONE }
}

#[test]
fn a_shop_learns_how_its_sessions_are_to_be_read() {
    let events = shop(3_000, 1);
    let (mixture, verdict) = teaching(&events, 2).learn(None).unwrap();
    assert!(mixture.trees().n_trees() > 0);
    assert!(verdict.n_judges >= JUDGES_MIN, "{verdict:?}");
    assert!(verdict.is_surely_better(), "{verdict:?}");
    assert!((verdict.gain.mean - (verdict.learned - verdict.usual)).abs() < 1e-9);
    assert_eq!(verdict.serving, None);
    // The same facts teach the same again, on any number of threads, and it is no worse than itself.
    let (again, beside) = teaching(&events, 1).learn(Some(&mixture)).unwrap();
    assert_eq!(again.encode(), mixture.encode());
    assert_eq!(beside.serving, Some(verdict.learned));
}

#[test]
fn little_teaches_nothing() {
    assert!(teaching(&[], 1).learn(None).is_none());
    assert!(teaching(&shop(200, 1), 1).learn(None).is_none(), "too few steps");
    let one_person = shop(3_000, 1)
        .into_iter()
        .map(|event| VisitEvent { shopper: Some(Shopper(0)), ..event })
        .collect::<Vec<_>>();
    assert!(teaching(&one_person, 1).learn(None).is_none(), "one judge judges nothing");
}

#[test]
fn chance_is_not_taken_for_an_order() {
    let mut random = Random::new(7);
    let events: Vec<VisitEvent> = shop(3_000, 2)
        .into_iter()
        .map(|event| VisitEvent { item: Item(random.below(300) as u32), ..event })
        .collect();
    let (_, verdict) = teaching(&events, 2).learn(None).unwrap();
    assert!(!verdict.is_surely_better(), "{verdict:?}");
}

#[test]
fn a_mixture_comes_back_from_its_bytes() {
    let (mixture, _) = teaching(&shop(3_000, 1), 2).learn(None).unwrap();
    let bytes = mixture.encode();
    assert_eq!(SessionMixture::decode(&bytes).unwrap(), mixture);
    for cut in [0, 5, bytes.len() / 2, bytes.len() - 1] {
        assert!(SessionMixture::decode(&bytes[..cut]).is_err(), "cut at {cut}");
    }
    let mut damaged = bytes;
    let middle = damaged.len() / 2;
    damaged[middle] ^= 1;
    assert!(SessionMixture::decode(&damaged).is_err());
}

/// A request finds in the index the very visit that asks; a lesson does not.
#[test]
fn the_asking_visit_is_no_visit_of_its_own_products() {
    let events = shop(3_000, 1);
    let limits = VisitLimits::default();
    let (mut without, mut with) = (VisitIndex::new(limits), VisitIndex::new(limits));
    for event in &events {
        without.push(*event);
        with.push(*event);
    }
    let now = 3_000 * 10 * MINUTE;
    let items = [Item(20), Item(1_020), Item(5_000)];
    for (item, time) in items.into_iter().zip(now - 3 * MINUTE..) {
        with.push(VisitEvent { visit: VisitId(9_999), shopper: None, item, time });
    }
    let own = with.slot_of(VisitId(9_999));
    for item in items {
        let signals = |own| item_signals(&with, (item, own), now).map(f32::to_bits);
        let known = item_signals(&without, (item, None), now).map(f32::to_bits);
        assert_eq!(signals(own), known, "{item:?}");
        assert_ne!(signals(None), known, "{item:?}: else the test shows nothing");
    }
    // Counted by hand: what everybody looks at on the last day, at most two hundred visits.
    let days = |days: i64| {
        let since =
            |event: &&VisitEvent| event.item == Item(1_020) && event.time > now - days * DAY;
        events.iter().filter(since).count().min(200) as f32
    };
    let signals = item_signals(&without, (Item(1_020), None), now);
    assert_eq!(signals[1..4], [1, 3, 7].map(days));
}

#[test]
fn long_lists_go_on_with_the_usual_reading_and_every_item_says_what_it_rests_on() {
    let events = shop(3_000, 1);
    let (mixture, _) = teaching(&events, 2).learn(None).unwrap();
    let mut index = VisitIndex::new(VisitLimits::default());
    events.iter().for_each(|event| index.push(*event));
    let items = [Item(20), Item(21)];
    let query = SessionQuery {
        items: &items,
        now: 3_000 * 10 * MINUTE,
        own: None,
        exclude: &[],
        limit: 300,
    };
    let mut scratch = MixtureScratch::default();
    let long = mixture.recommend(&index, (&query, NO_TIMES), &mut scratch);
    let short = SessionQuery { limit: 10, ..query };
    let best = mixture.recommend(&index, (&short, NO_TIMES), &mut scratch);
    assert_eq!(long[..10], best[..], "the order does not depend on the length");
    let top = mixture.top(&index, (&short, NO_TIMES), &mut scratch);
    assert!(top.iter().zip(&best).all(|(a, b)| a.1 == b.item && Score::new(a.0) == b.score));
    let mut seen = rustc_hash::FxHashSet::default();
    assert!(long.iter().all(|one| seen.insert(one.item)), "nothing comes twice");
    let usual = SessionScorer::new(SessionParams::default());
    let usual = usual.recommend(&index, &query, &mut SessionScratch::default());
    assert!(usual.iter().all(|one| seen.contains(&one.item)), "nothing is lost");
    assert!(long.windows(2).all(|pair| pair[0].score.get() >= pair[1].score.get()));
    let is_of_session = |one: &Scored| one.evidence.items.iter().all(|item| items.contains(item));
    assert!(long.iter().all(is_of_session));
    let rests_on = |item: u32| long.iter().find(|one| one.item == Item(item)).unwrap();
    assert!(rests_on(22).evidence.items.contains(&Item(21)));
    assert!(rests_on(22).evidence.support > 0);
}
