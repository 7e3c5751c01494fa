use super::*;

const HOUR: i64 = 3_600_000;

fn ask(history: &[(u32, i64)], limit: usize) -> Vec<(u32, f32, u32)> {
    let history: Vec<View> =
        history.iter().map(|&(item, time)| View { item: Item(item), time }).collect();
    let query = ViewedQuery { now: 100 * HOUR, age_ms_max: 50 * HOUR, limit };
    let viewed = recently_viewed(&history, &query);
    viewed.iter().map(|s| (s.item.0, s.score.get(), s.evidence.support)).collect()
}

#[test]
fn the_last_view_counts_and_each_item_once() {
    let history = [(1, 76 * HOUR), (2, 52 * HOUR), (3, 100 * HOUR), (2, 99 * HOUR), (1, 60 * HOUR)];
    let viewed = ask(&history, 9);
    let order: Vec<_> = viewed.iter().map(|&(item, _, support)| (item, support)).collect();
    assert_eq!(order, [(3, 1), (2, 2), (1, 2)]);
    assert_eq!((viewed[0].1, viewed[2].1), (1.0, 0.5));
    assert_eq!(ask(&history, 1).len(), 1);
}

#[test]
fn the_future_and_the_distant_past_are_left_out() {
    assert_eq!(ask(&[(1, 101 * HOUR), (2, 49 * HOUR), (3, i64::MIN), (4, i64::MAX)], 9), []);
    assert_eq!(ask(&[(2, 50 * HOUR)], 9).len(), 1);
}

#[test]
fn of_one_moment_the_later_entry_is_first() {
    let order: Vec<u32> =
        ask(&[(5, 90 * HOUR), (4, 90 * HOUR), (6, 90 * HOUR)], 9).iter().map(|v| v.0).collect();
    assert_eq!(order, [6, 4, 5]);
}
