use super::*;
use crate::types::Item;
use crate::windows::Count;

const DAY: i64 = DAY_MS;

fn shop(counts: &[(u32, i64, i64)]) -> Windows {
    let mut windows = Windows::default();
    for &(item, day, weight) in counts {
        windows.add(Count { scope: Scope(0), item: Item(item), time: day * DAY, weight });
    }
    windows
}

fn query() -> PopularQuery {
    PopularQuery { scope: Scope(0), now: 9 * DAY, window_days: 5, half_life_days: 0.0, limit: 10 }
}

fn items(scored: &[Scored]) -> Vec<(u32, f32, u32)> {
    scored.iter().map(|s| (s.item.0, s.score.get(), s.evidence.support)).collect()
}

#[test]
fn window_ends_include_today_and_exclude_the_future() {
    let windows = shop(&[(1, 9, 2), (2, 5, 3), (3, 4, 100), (4, 10, 100)]);
    let ranked = popular(&windows, &query(), &mut WindowScratch::default());
    assert_eq!(items(&ranked), [(2, 3.0, 3), (1, 2.0, 2)]);
}

#[test]
fn decay_halves_after_the_half_life() {
    // 4 counts two days ago with a half-life of two days weigh 2; 3 counts today weigh 3.
    let windows = shop(&[(1, 7, 4), (2, 9, 3)]);
    let query = PopularQuery { half_life_days: 2.0, ..query() };
    let ranked = popular(&windows, &query, &mut WindowScratch::default());
    assert_eq!(items(&ranked), [(2, 3.0, 3), (1, 2.0, 4)]);
}

#[test]
fn scratch_carries_nothing_over_and_other_scopes_do_not_count() {
    let windows = shop(&[(1, 9, 2)]);
    let mut scratch = WindowScratch::default();
    let first = popular(&windows, &query(), &mut scratch);
    assert_eq!(popular(&windows, &query(), &mut scratch), first);
    let elsewhere = PopularQuery { scope: Scope(1), ..query() };
    assert_eq!(popular(&windows, &elsewhere, &mut scratch), []);
}

#[test]
fn demand_is_what_lists_are_ranked_by() {
    let windows = shop(&[(1, 7, 4), (2, 9, 3), (3, 2, 5), (4, 9, -1)]);
    let query = PopularQuery { half_life_days: 2.0, ..query() };
    let mut scratch = WindowScratch::default();
    let mut all: Vec<(Item, f32)> = demand(&windows, &query, &mut scratch).collect();
    all.sort_by_key(|(item, _)| item.0);
    assert_eq!(all, [(Item(1), 2.0), (Item(2), 3.0)]);
    // What is left over would count in the next list.
    let ranked = popular(&windows, &query, &mut scratch);
    assert_eq!(items(&ranked), [(2, 3.0, 3), (1, 2.0, 4)]);
}
