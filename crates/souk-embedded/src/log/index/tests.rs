#![allow(clippy::unwrap_used)]

use super::*;

const SPAN: SegmentSpan =
    SegmentSpan { partition: Partition(1), first: 1_000, last: 3_999, base_ms: 5_000 };

fn id(n: u32) -> EventId {
    let mut bytes = [0; 16];
    // Neighbours share their first bytes, so that pages must be told apart by the last ones.
    bytes[12..].copy_from_slice(&n.to_be_bytes());
    EventId(bytes)
}

fn slot(n: u32) -> EventSlot {
    EventSlot { rel: n, received: -i32::try_from(n).unwrap() }
}

fn keys(n_records: u32) -> SegmentKeys {
    SegmentKeys {
        events: (0..n_records).map(|n| (id(n * 2), slot(n))).collect(),
        subjects: (0..n_records).map(|n| (u64::from(n % 5) << 40, n)).collect(),
    }
}

#[test]
fn index_finds_what_was_written() {
    for n_records in [0, 1, 255, 256, 257, 3_000] {
        let dir = tempfile::tempdir().unwrap();
        SegmentIndex::write(dir.path(), SPAN, &keys(n_records)).unwrap();
        let index = SegmentIndex::open(dir.path(), SPAN).unwrap();
        for n in 0..n_records {
            assert_eq!(index.find_event(id(n * 2)).unwrap(), Some(slot(n)), "{n} of {n_records}");
            assert_eq!(index.find_event(id(n * 2 + 1)).unwrap(), None);
        }
        for who in 0..5_u32 {
            let found = index.find_subject(u64::from(who) << 40).unwrap();
            assert_eq!(found, (0..n_records).filter(|n| n % 5 == who).collect::<Vec<_>>());
        }
        assert!(index.find_subject(3).unwrap().is_empty());
        assert!(index.find_subject(u64::MAX).unwrap().is_empty());
        let mut seen = Vec::new();
        index.each_event(|id| seen.push(id)).unwrap();
        assert_eq!(seen, (0..n_records).map(|n| id(n * 2)).collect::<Vec<_>>());
    }
}

#[test]
fn index_of_another_segment_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    SegmentIndex::write(dir.path(), SPAN, &keys(10)).unwrap();
    assert!(SegmentIndex::open(dir.path(), SegmentSpan { last: 4_000, ..SPAN }).is_err());
    assert!(SegmentIndex::open(dir.path(), SegmentSpan { base_ms: 1, ..SPAN }).is_err());
    assert!(SegmentIndex::open(dir.path(), SegmentSpan { first: 999, ..SPAN }).is_err());
}

#[test]
fn every_flipped_byte_is_found() {
    let dir = tempfile::tempdir().unwrap();
    SegmentIndex::write(dir.path(), SPAN, &keys(300)).unwrap();
    let path = dir.path().join(SPAN.file_name());
    let good = std::fs::read(&path).unwrap();
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 0x10;
        std::fs::write(&path, &bad).unwrap();
        let all = SegmentIndex::open(dir.path(), SPAN).and_then(|index| {
            index.each_event(|_| ())?;
            (0..5_u64).try_for_each(|who| index.find_subject(who << 40).map(drop))
        });
        assert!(all.is_err(), "byte {at}");
    }
}
