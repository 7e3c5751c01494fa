use super::*;
use crate::types::Item;
use crate::windows::Count;

const NOW: i64 = 40 * DAY_MS + 12 * HOUR_MS;

/// (item, days before now, count)
fn shop(counts: &[(u32, i64, i64)]) -> Windows {
    let mut windows = Windows::default();
    for &(item, ago, weight) in counts {
        let time = NOW - ago * DAY_MS;
        windows.add(Count { scope: Scope(0), item: Item(item), time, weight });
    }
    windows
}

fn ranked(windows: &Windows, query: &TrendQuery) -> Vec<(u32, f32, u32)> {
    let scored = trending(windows, query, &mut Trends::default());
    scored.iter().map(|s| (s.item.0, s.score.get(), s.evidence.support)).collect()
}

#[test]
fn matches_the_formula_by_hand() {
    // Baseline: 90 of item 1 and 10 of item 2; recent: 5 and 15 of 20. Expected: 18 and 2.
    let windows = shop(&[(1, 10, 90), (2, 10, 10), (1, 0, 5), (2, 0, 15)]);
    let expected = 13.0 / 7.0_f32.sqrt();
    assert_eq!(ranked(&windows, &TrendQuery::new(Scope(0), NOW)), [(2, expected, 15)]);
}

#[test]
fn late_events_do_not_trend() {
    let mut windows = shop(&[(1, 10, 50), (2, 10, 50), (1, 0, 10), (2, 0, 9)]);
    let before = ranked(&windows, &TrendQuery::new(Scope(0), NOW));
    windows.add(Count { scope: Scope(0), item: Item(3), time: NOW - 400 * DAY_MS, weight: 999 });
    assert_eq!(ranked(&windows, &TrendQuery::new(Scope(0), NOW)), before);
    assert_eq!(before[0].0, 1);
}

#[test]
fn few_counts_do_not_trend_and_the_future_is_not_seen() {
    let windows = shop(&[(1, 0, 4), (2, -2, 50), (3, 1, 5)]);
    let items: Vec<u32> =
        ranked(&windows, &TrendQuery::new(Scope(0), NOW)).iter().map(|r| r.0).collect();
    assert_eq!(items, [3]);
}
