use super::*;
use crate::session::{RepeatParams, SecondStep};

fn rows(sessions: &[(u32, f64, &[u32])]) -> Vec<SessionRow> {
    let rows = sessions.iter().flat_map(|&(session, start, items)| {
        let row = move |(idx, &item): (usize, &u32)| SessionRow {
            session,
            item,
            time: start + idx as f64 * 0.25,
        };
        items.iter().enumerate().map(row)
    });
    rows.collect()
}

/// Counts neighbours, nothing else.
fn plain() -> SessionParams {
    SessionParams {
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
        ..SessionParams::default()
    }
}

fn assert_close(actual: f64, expected: f64) {
    assert!((actual - expected).abs() < 1e-12, "{actual} is not {expected}");
}

#[test]
fn follows_the_protocol() {
    let train = rows(&[(1, 0.0, &[1, 2]), (2, 9.0, &[1, 2]), (3, 18.0, &[1, 3]), (4, 27.0, &[4])]);
    let mut test = rows(&[(9, 50.0, &[1, 2, 1]), (8, 40.0, &[1, 3, 4]), (7, 60.0, &[4])]);
    test.reverse();
    let mut now = 0;
    let mut timer = || {
        now += 5;
        now
    };
    let protocol = SessionProtocol { params: plain(), mixture: None, k: 2 };
    let report = evaluate_sessions(&train, &test, &protocol, &mut timer);
    let lists: Vec<_> =
        report.predictions.iter().map(|p| (p.session, p.step, p.rank, p.item)).collect();
    // Session 8: after 1 come 2 (twice) and 3; after 1, 3 come 1 (all visits) and 2.
    // Session 9: after 1 the same; after 1, 2 come 1 and 3.
    let expected = [
        (8, 1, 1, 2),
        (8, 1, 2, 3),
        (8, 2, 1, 1),
        (8, 2, 2, 2),
        (9, 1, 1, 2),
        (9, 1, 2, 3),
        (9, 2, 1, 1),
        (9, 2, 2, 3),
    ];
    assert_eq!(lists, expected);
    assert_eq!((report.n_sessions, report.n_items), (2, 4));
    assert_eq!((report.all.n, report.repeat.n, report.new.n), (4, 1, 3));
    // Targets 3, 4, 2, 1 stand at ranks 2, none, 1, 1.
    assert_close(report.all.mrr, (0.5 + 0.0 + 1.0 + 1.0) / 4.0);
    assert_close(report.all.hit_rate, 0.75);
    assert_close(report.repeat.mrr, 1.0);
    assert_close(report.new.mrr, 0.5);
    // Remaining {3, 4}, {4}, {2, 1}, {1}: found 1, 0, 1, 1.
    assert_close(report.all.precision, 1.5 / 4.0);
    assert_close(report.all.recall, (0.5 + 0.0 + 0.5 + 1.0) / 4.0);
    assert_close(report.all.map, (0.25 + 0.0 + 0.5 + 1.0) / 4.0);
    assert_eq!(report.mrr_by_session, [0.25, 1.0]);
    assert_eq!(report.new_mrr_by_session, [0.25, 1.0]);
    // Named: 1, 2, 3 of 1, 2, 3, 4.
    assert_close(report.coverage, 0.75);
    assert_eq!(report.latency, Latency { p50: 5, p90: 5, p99: 5, max: 5 });
}

#[test]
fn nothing_to_predict() {
    let train = rows(&[(1, 0.0, &[1, 2])]);
    let protocol = SessionProtocol { params: SessionParams::default(), mixture: None, k: 20 };
    for test in [vec![], rows(&[(1, 0.0, &[1])])] {
        let report = evaluate_sessions(&train, &test, &protocol, &mut || 0);
        assert_eq!((report.all, report.coverage), (SessionScores::default(), 0.0));
    }
    let report = evaluate_sessions(&[], &train, &protocol, &mut || 0);
    assert_eq!((report.all.n, report.all.hit_rate, report.coverage), (1, 0.0, 0.0));
}

#[test]
fn times_that_are_no_time_do_no_harm() {
    let times = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -1e300, 0.0];
    let rows: Vec<SessionRow> = times
        .iter()
        .enumerate()
        .map(|(idx, &time)| SessionRow { session: idx as u32 % 2, item: idx as u32, time })
        .collect();
    let protocol = SessionProtocol { params: SessionParams::default(), mixture: None, k: 3 };
    assert_eq!(evaluate_sessions(&rows, &rows, &protocol, &mut || 0).all.n, 3);
    tune_sessions(&rows, None, &TuneBudget { configs: 5, ..TuneBudget::default() }, &mut |_| true);
}

/// Sessions that go to and fro between two of many items.
fn to_and_fro(first: u32, start: f64) -> Vec<SessionRow> {
    let sessions = (0..60u32).flat_map(|n| {
        let (a, b) = (n % 7, 7 + n % 11);
        rows(&[(first + n, start + f64::from(n) * 100.0, &[a, b, a, b, a])])
    });
    sessions.collect()
}

#[test]
fn tuning_never_loses_against_the_defaults_and_repeats() {
    let train = to_and_fro(0, 0.0);
    let budget = TuneBudget { configs: 25, seed: 3, predictions_max: 100 };
    let first = tune_sessions(&train, None, &budget, &mut |_| true);
    assert_eq!(first, tune_sessions(&train, None, &budget, &mut |_| true));
    assert!(first.mrr >= first.default_mrr);
    // The last 6 of 60 sessions with 4 predictions each.
    assert_eq!(first.n_predictions, 24);
    let valid = to_and_fro(900, 9000.0);
    let second = tune_sessions(&train, Some(&valid), &budget, &mut |_| true);
    // 240 predictions exceed 100, so every third session is taken.
    assert_eq!(second.n_predictions, 80);
    // Having the sessions in the training part changes nothing that counts.
    let protocol = SessionProtocol { params: second.params, mixture: None, k: 20 };
    let report = evaluate_sessions(&train, &valid, &protocol, &mut || 0);
    assert!(report.all.mrr >= 0.5, "{report:?}");
}

#[test]
fn the_caller_can_end_the_search() {
    let budget = TuneBudget { configs: 1000, ..TuneBudget::default() };
    let mut tried = Vec::new();
    let mut go_on = |n| {
        tried.push(n);
        n < 3
    };
    tune_sessions(&to_and_fro(0, 0.0), None, &budget, &mut go_on);
    assert_eq!(tried, [1, 2, 3]);
}

#[test]
fn one_configuration_is_the_default() {
    let budget = TuneBudget { configs: 1, ..TuneBudget::default() };
    let tuning = tune_sessions(&to_and_fro(0, 0.0), None, &budget, &mut |_| true);
    assert_eq!(tuning.params, SessionParams::default());
}

/// Sessions in which the third item depends on the first, not on the second that all share: what comes
/// directly before misleads, and only a wide reading sees it.
fn crossings(first: u32, n: u32, start: f64) -> Vec<SessionRow> {
    let sessions = (0..n).flat_map(|n| {
        let kind = n % 5;
        rows(&[(first + n, start + f64::from(n) * 100.0, &[kind, 20, 10 + kind])])
    });
    sessions.collect()
}

#[test]
fn a_mixture_learns_which_reading_to_believe_and_repeats() {
    let (train, test) = (crossings(0, 1_600, 0.0), crossings(5_000, 50, 400_000.0));
    let params = SessionParams::default();
    let mixture = learn_mixture(&train, None, params).expect("there is something to learn");
    let again = learn_mixture(&train, None, params).expect("there is something to learn");
    assert_eq!(mixture.trees(), again.trees(), "two threads and no chance");
    let measure = |mixture| {
        let protocol = SessionProtocol { params, mixture, k: 20 };
        evaluate_sessions(&train, &test, &protocol, &mut || 0).all
    };
    let (plain, mixed) = (measure(None), measure(Some(&mixture)));
    assert_eq!(plain.n, mixed.n);
    assert!(mixed.mrr >= plain.mrr && mixed.mrr > 0.95, "{plain:?} {mixed:?}");
    // Nothing to learn from makes no mixture.
    assert!(learn_mixture(&[], None, params).is_none());
}
