use souk_core::EventId;

use super::*;

fn key(n: u64) -> FilterKey {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&n.to_be_bytes());
    FilterKey::new(EventId(bytes))
}

const RECORDS: u32 = 2_000;

fn filled(columns: u32) -> FilterGroup {
    let group = FilterGroup::new(RECORDS);
    for column in 0..columns {
        for n in 0..u64::from(RECORDS) {
            group.insert(key(u64::from(column) * 1_000_000 + n), column);
        }
    }
    group
}

#[test]
fn what_was_inserted_is_a_candidate() {
    let group = filled(32);
    for column in 0..32 {
        for n in 0..u64::from(RECORDS) {
            let candidates = group.candidates(key(column * 1_000_000 + n));
            assert_ne!(candidates & (1 << column), 0, "column {column} key {n}");
        }
    }
}

/// The constant's comment promises 4.2e-5 for one column.
#[test]
fn false_hits_are_as_rare_as_promised() {
    let group = filled(32);
    let n_keys = 100_000;
    let hits: u32 = (0..n_keys).map(|n| group.candidates(key(u64::MAX - n)).count_ones()).sum();
    let rate = f64::from(hits) / (n_keys as f64 * 32.0);
    assert!((1e-5..1e-4).contains(&rate), "{rate}");
}

#[test]
fn empty_group_has_no_candidates() {
    assert_eq!(FilterGroup::new(RECORDS).candidates(key(1)), 0);
}
