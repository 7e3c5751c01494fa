use super::*;
use crate::checkerboard;
use crate::visits::{VisitEvent, VisitLimits};
use proptest::prelude::*;

const DAY: i64 = 86_400_000;

fn push(index: &mut VisitIndex, visit: u64, items: &[u32], time: i64) {
    for &item in items {
        index.push(VisitEvent { visit: VisitId(visit), shopper: None, item: Item(item), time });
    }
}

fn index_of(visits: &[&[u32]]) -> VisitIndex {
    let mut index = VisitIndex::new(VisitLimits::default());
    for (visit, items) in visits.iter().enumerate() {
        push(&mut index, visit as u64, items, 0);
    }
    index
}

fn items(numbers: &[u32]) -> Vec<Item> {
    numbers.iter().map(|&number| Item(number)).collect()
}

/// Every part switched off that a test does not name.
fn plain() -> SessionParams {
    SessionParams {
        events_max: 10,
        visits_per_item: 100,
        neighbours: 100,
        position_decay: f32::INFINITY,
        recency_days: f32::INFINITY,
        length_exponent: 0.0,
        rarity_exponent: 0.0,
        ahead_decay: f32::INFINITY,
        behind_decay: f32::INFINITY,
        behind_weight: 1.0,
        popularity_exponent: 0.0,
        second_step: SecondStep { items: 0, visits: 0, weight: 0.0 },
        repeats: RepeatParams { kept: 1.0, prior: 0.0, decay: 1.0, lead_gain: 0.0, habit: 0.0 },
    }
}

fn ask(index: &VisitIndex, session: &[u32], params: SessionParams) -> Vec<(u32, f32)> {
    let session = items(session);
    let query = SessionQuery { items: &session, now: 0, own: None, exclude: &[], limit: 20 };
    let mut scratch = SessionScratch::default();
    let top = SessionScorer::new(params).top(index, &query, &mut scratch).to_vec();
    top.iter().map(|proposal| (proposal.item.0, proposal.score)).collect()
}

fn assert_close(actual: &[(u32, f32)], expected: &[(u32, f32)]) {
    let is_close = actual.len() == expected.len()
        && actual.iter().zip(expected).all(|(a, e)| a.0 == e.0 && (a.1 - e.1).abs() < 1e-5);
    assert!(is_close, "{actual:?} is not {expected:?}");
}

#[test]
fn counts_neighbours_when_all_weights_are_one() {
    let index = index_of(&[&[1, 2], &[1, 2, 3], &[1, 4], &[5, 6]]);
    assert_close(&ask(&index, &[1], plain()), &[(2, 2.0), (3, 1.0), (4, 1.0)]);
    // Two matches weigh twice; items of the session stay in the answer but for the last.
    assert_close(&ask(&index, &[2, 1], plain()), &[(2, 4.0), (3, 2.0), (4, 1.0)]);
}

#[test]
fn weighs_as_documented() {
    let index = index_of(&[&[1, 2], &[3, 7, 1, 4]]);
    let one = |params: SessionParams| ask(&index, &[1], params);
    let e = |x: f32| x.exp();
    let params = SessionParams { ahead_decay: 2.0, ..plain() };
    assert_close(&one(params), &[(3, 1.0), (7, 1.0), (2, e(-0.5)), (4, e(-0.5))]);
    let params = SessionParams { behind_decay: 2.0, behind_weight: 0.5, ..plain() };
    let expected = [(2, 1.0), (4, 1.0), (7, 0.5 * e(-0.5)), (3, 0.5 * e(-1.0))];
    assert_close(&one(params), &expected);
    let params = SessionParams { length_exponent: 0.5, ..plain() };
    let expected = [(2, 0.5f32.sqrt()), (3, 0.5), (4, 0.5), (7, 0.5)];
    assert_close(&one(params), &expected);
    // The visit of item 3 matches one step before the last event; item 9 is unknown.
    let params = SessionParams { position_decay: 1.0, ..plain() };
    let expected = [1, 3, 4, 7].map(|item| (item, e(-1.0)));
    assert_close(&ask(&index, &[3, 9], params), &expected);
    // Item 3 is in 1 of 2 visits: ln 2. Item 1 is in both: ln 1, bounded below by 0.05.
    let params = SessionParams { rarity_exponent: 1.0, ..plain() };
    let (both, first) = (2f32.ln() + 0.05, 0.05);
    assert_close(&ask(&index, &[3, 1], params), &[(3, both), (4, both), (7, both), (2, first)]);
    let params = SessionParams { popularity_exponent: 1.0, ..plain() };
    let expected = [(4, 1.0), (7, 1.0), (1, 0.5)];
    assert_close(&ask(&index, &[3], params), &expected);
}

#[test]
fn recent_visits_win() {
    let mut index = VisitIndex::new(VisitLimits::default());
    push(&mut index, 1, &[1, 2], -3 * DAY);
    push(&mut index, 2, &[1, 3], -DAY);
    push(&mut index, 3, &[1, 4], DAY);
    let params = SessionParams { recency_days: 2.0, ..plain() };
    let e = |x: f32| x.exp();
    // A visit after the present, by another clock, counts as present.
    assert_close(&ask(&index, &[1], params), &[(4, 1.0), (3, e(-0.5)), (2, e(-1.5))]);
    let params = SessionParams { visits_per_item: 2, ..plain() };
    assert_close(&ask(&index, &[1], params), &[(3, 1.0), (4, 1.0)]);
    let params = SessionParams { neighbours: 1, ..plain() };
    assert_close(&ask(&index, &[1], params), &[(4, 1.0)]);
}

#[test]
fn of_equal_neighbours_the_youngest_is_kept() {
    let mut index = VisitIndex::new(VisitLimits::default());
    push(&mut index, 1, &[1, 3], -2 * DAY);
    push(&mut index, 2, &[2, 4], -DAY);
    let params = SessionParams { neighbours: 1, ..plain() };
    for session in [[1, 2], [2, 1]] {
        assert!(ask(&index, &session, params).contains(&(4, 1.0)));
    }
    push(&mut index, 1, &[1], 0);
    for session in [[1, 2], [2, 1]] {
        assert!(ask(&index, &session, params).contains(&(3, 1.0)));
    }
}

#[test]
fn the_second_step_reaches_items_without_a_common_visit() {
    let index = index_of(&[&[1, 2], &[2, 3], &[2, 4], &[4, 5]]);
    let second_step = SecondStep { items: 9, visits: 9, weight: 0.5 };
    let params = SessionParams { second_step, ..plain() };
    // From item 2 (score 1) to 3 and 4: half of a third. Item 1 goes on to item 2 as well.
    let answer = ask(&index, &[1], params);
    assert_close(&answer, &[(2, 1.5), (3, 0.5 / 3.0), (4, 0.5 / 3.0)]);
    let session = items(&[1]);
    let query = SessionQuery { items: &session, now: 0, own: None, exclude: &[], limit: 20 };
    let scored =
        SessionScorer::new(params).recommend(&index, &query, &mut SessionScratch::default());
    // No visit holds items 1 and 3, so it would not be true that 1 speaks for 3.
    assert_eq!(scored[1].evidence, Evidence { items: Vec::new(), support: 0 });
}

#[test]
fn returns_follow_the_documented_formula() {
    let index = index_of(&[&[1, 9], &[1, 9]]);
    let repeats = RepeatParams { kept: 0.5, prior: 0.25, decay: 2.0, lead_gain: 1.0, habit: 0.0 };
    let params = SessionParams { repeats, ..plain() };
    let e = |x: f32| x.exp();
    // Last is 1. Item 2 came before it twice, item 3 never; the best new item has 2.
    let answer = ask(&index, &[3, 2, 1, 2, 1], params);
    assert_close(&answer, &[(9, 2.0), (2, 0.25 * 2.0 * 3.0), (3, 0.25 * 2.0 * e(-0.5))]);
    // Two of five events were returns.
    let repeats = RepeatParams { habit: 1.0, ..repeats };
    let answer = ask(&index, &[3, 2, 1, 2, 1], SessionParams { repeats, ..plain() });
    assert_close(&answer, &[(2, 1.5 * e(0.4)), (9, 2.0), (3, 0.5 * e(-0.5) * e(0.4))]);
    // Nothing new to compare with: still the session's own items.
    assert_close(&ask(&index, &[3, 2], params), &[(3, 0.25 * 2.0)]);
}

#[test]
fn the_own_visit_says_nothing() {
    let index = index_of(&[&[1, 2], &[1, 3]]);
    let session = items(&[1]);
    let query =
        SessionQuery { items: &session, now: 0, own: Some(VisitId(1)), exclude: &[], limit: 20 };
    for params in [plain(), SessionParams::default()] {
        let mut scratch = SessionScratch::default();
        let top = SessionScorer::new(params).top(&index, &query, &mut scratch);
        assert_eq!(top.iter().map(|p| p.item.0).collect::<Vec<_>>(), [2]);
    }
}

#[test]
fn evidence_names_session_items_and_visits() {
    let index = index_of(&[&[1, 9, 9], &[2, 1, 9], &[2, 8], &[3, 7]]);
    let session = items(&[3, 2, 1]);
    let query =
        SessionQuery { items: &session, now: 0, own: None, exclude: &items(&[7]), limit: 2 };
    let mut scratch = SessionScratch::default();
    let scored = SessionScorer::new(plain()).recommend(&index, &query, &mut scratch);
    assert_eq!(scored[0].item, Item(9));
    assert_eq!(scored[0].evidence, Evidence { items: items(&[1, 2]), support: 2 });
    // Item 2 itself is no evidence for item 2.
    assert_eq!(scored[1].item, Item(2));
    assert_eq!(scored[1].evidence, Evidence { items: items(&[1]), support: 2 });
}

#[test]
fn excluded_items_and_limits() {
    let index = index_of(&[&[1, 2, 3], &[1, 3]]);
    let scorer = SessionScorer::new(SessionParams::default());
    let ask = |session: &[u32], exclude: &[u32], limit| -> Vec<u32> {
        let (session, exclude) = (items(session), items(exclude));
        let query = SessionQuery { items: &session, now: 0, own: None, exclude: &exclude, limit };
        let mut scratch = SessionScratch::default();
        scorer.top(&index, &query, &mut scratch).iter().map(|p| p.item.0).collect()
    };
    assert_eq!(ask(&[1], &[3, 77], 9), [2]);
    assert_eq!(ask(&[1], &[], 1).len(), 1);
    assert_eq!(ask(&[1], &[], 0), [0; 0]);
    assert_eq!(ask(&[], &[], 9), [0; 0]);
    assert_eq!(ask(&[77], &[], 9), [0; 0]);
}

#[test]
fn completes_the_checkerboard() {
    let index = checkerboard::index();
    for shopper in 0..checkerboard::SIDE {
        let session = checkerboard::items_of(shopper);
        let query =
            SessionQuery { items: &session, now: 0, own: None, exclude: &session, limit: 5 };
        let mut scratch = SessionScratch::default();
        let scorer = SessionScorer::new(SessionParams::default());
        let top = scorer.top(&index, &query, &mut scratch);
        assert_eq!(top.iter().map(|p| p.item.0).collect::<Vec<_>>(), [shopper]);
    }
}

fn history() -> impl Strategy<Value = Vec<(u64, u32, i64)>> {
    prop::collection::vec((0..25u64, 0..15u32, 0..50 * DAY), 1..150)
}

proptest! {
    /// Looking only at items that can reach the answer gives the answer of looking at all.
    #[test]
    fn a_short_answer_begins_the_long_one(
        events in history(),
        session in prop::collection::vec(0..12u32, 1..6),
        limit in 1..4usize,
    ) {
        let mut index = VisitIndex::new(VisitLimits::default());
        for (visit, item, time) in events {
            push(&mut index, visit, &[item], time);
        }
        let params = SessionParams { popularity_exponent: 0.7, ..SessionParams::default() };
        let session = items(&session);
        let mut scratch = SessionScratch::default();
        let mut ask = |limit| {
            let query = SessionQuery { items: &session, now: 0, own: None, exclude: &[Item(1)], limit };
            SessionScorer::new(params).top(&index, &query, &mut scratch).to_vec()
        };
        let all = ask(1_000);
        prop_assert_eq!(&ask(limit)[..], &all[..limit.min(all.len())]);
    }

    /// The answer is that of a fresh index of what remains, to the bit, on used working memory too.
    #[test]
    fn forgets_exactly(
        history in history(),
        removed in prop::collection::vec(0..25u64, 0..8),
        session in prop::collection::vec(0..15u32, 0..12),
        (neighbours, visits_per_item) in (1..12usize, 1..12usize),
    ) {
        let params = SessionParams { neighbours, visits_per_item, ..SessionParams::default() };
        let scorer = SessionScorer::new(params);
        let event = |&(visit, item, time): &(u64, u32, i64)| {
            VisitEvent { visit: VisitId(visit), shopper: None, item: Item(item), time }
        };
        let mut index = VisitIndex::new(VisitLimits::default());
        history.iter().for_each(|row| index.push(event(row)));
        let session = items(&session);
        let query =
            SessionQuery { items: &session, now: 60 * DAY, own: None, exclude: &[], limit: 10 };
        let mut scratch = SessionScratch::default();
        scorer.recommend(&index, &query, &mut scratch);
        for &visit in &removed {
            index.remove_visit(VisitId(visit));
        }
        let mut fresh = VisitIndex::new(VisitLimits::default());
        let mut remaining: Vec<_> =
            history.iter().filter(|row| !removed.contains(&row.0)).collect();
        // The order of visits differs; that of events inside a visit stays.
        remaining.sort_by_key(|row| std::cmp::Reverse(row.0));
        remaining.into_iter().for_each(|row| fresh.push(event(row)));
        let answer = scorer.recommend(&index, &query, &mut scratch);
        let expected = scorer.recommend(&fresh, &query, &mut SessionScratch::default());
        prop_assert_eq!(&answer, &expected);
        prop_assert!(answer.iter().all(|s| s.score.get() > 0.0 && Some(&s.item) != session.last()));
    }
}

/// Fifty visits of one known shopper say less than nine of nine others; unknown ones cannot be told apart.
#[test]
fn one_shopper_does_not_speak_for_everybody() {
    let mut index = VisitIndex::new(VisitLimits::default());
    let mut visit = |number: u64, shopper: Option<u32>, next: u32| {
        for item in [1, next] {
            let shopper = shopper.map(crate::types::Shopper);
            let event = VisitEvent { visit: VisitId(number), shopper, item: Item(item), time: 0 };
            index.push(event);
        }
    };
    (0..50).for_each(|number| visit(number, Some(7), 2));
    (50..59).for_each(|number| visit(number, Some(number as u32), 3));
    (60..67).for_each(|number| visit(number, None, 4));
    let top = ask(&index, &[1], plain());
    assert_close(&top, &[(3, 9.0), (2, 8.0), (4, 7.0)]);
}
