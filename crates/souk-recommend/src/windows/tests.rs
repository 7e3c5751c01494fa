#![allow(clippy::unwrap_used)]
use super::*;
use proptest::prelude::*;

fn count() -> impl Strategy<Value = Count> {
    (0..3_u32, 0..6_u32, 0..40_i64, 1..9_i64).prop_map(|(scope, item, quarter_day, weight)| Count {
        scope: Scope(scope),
        item: Item(item),
        time: quarter_day * 6 * HOUR_MS + 1,
        weight,
    })
}

fn fold(counts: &[Count]) -> Windows {
    let mut windows = Windows::default();
    counts.iter().for_each(|&count| windows.add(count));
    windows
}

proptest! {
    #[test]
    fn order_leaves_no_trace(
        (counts, shuffled) in prop::collection::vec(count(), 0..60)
            .prop_flat_map(|counts| (Just(counts.clone()), Just(counts).prop_shuffle()))
    ) {
        prop_assert_eq!(fold(&counts), fold(&shuffled));
        prop_assert_eq!(fold(&counts).encode(), fold(&shuffled).encode());
    }

    #[test]
    fn the_opposite_weight_takes_a_count_back(
        kept in prop::collection::vec(count(), 0..40),
        gone in prop::collection::vec(count(), 0..40),
    ) {
        let mut windows = Windows::default();
        gone.iter().for_each(|&count| windows.add(count));
        kept.iter().for_each(|&count| windows.add(count));
        gone.iter().for_each(|&count| windows.add(Count { weight: -count.weight, ..count }));
        prop_assert_eq!(windows, fold(&kept));
    }

    /// Dropping old buckets early or late comes to the same, whatever arrives in between; also
    /// when the horizon lies inside a bucket.
    #[test]
    fn retention_commutes_with_adding(
        counts in prop::collection::vec(count(), 0..60),
        at in 0..60_usize,
        (hours, days) in (0..240_i64, 0..240_i64),
    ) {
        let mut late = fold(&counts);
        late.retain_from(hours * HOUR_MS + 7, days * HOUR_MS + 7);
        let mut early = fold(&counts[..at.min(counts.len())]);
        early.retain_from(hours * HOUR_MS + 7, days * HOUR_MS + 7);
        counts[at.min(counts.len())..].iter().for_each(|&count| early.add(count));
        prop_assert_eq!(early, late);
    }

    #[test]
    fn snapshot_round_trips(counts in prop::collection::vec(count(), 0..60), from in 0..9_i64) {
        let mut windows = fold(&counts);
        windows.retain_from(2 * from * DAY_MS, from * DAY_MS);
        prop_assert_eq!(Windows::decode(&windows.encode()).unwrap(), windows);
    }
}

#[test]
fn damage_is_noticed() {
    let mut bytes = fold(&[Count { scope: Scope(1), item: Item(2), time: 3, weight: 4 }]).encode();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    assert_eq!(Windows::decode(&bytes), Err(SnapshotError::Damaged));
}

#[test]
fn extreme_times_do_not_panic() {
    let mut windows = Windows::default();
    for time in [i64::MIN, -1, i64::MAX] {
        windows.add(Count { scope: Scope(0), item: Item(0), time, weight: i64::MAX });
    }
    windows.retain_from(i64::MIN, i64::MIN);
    windows.retain_from(i64::MAX, i64::MAX);
    assert_eq!(windows.days(Scope(0), (i64::MIN, i64::MAX)).count(), 1);
}
