#![allow(clippy::unwrap_used)]

use souk_core::{EventId, SubjectId, Timestamp};
use souk_ports::{Partition, Record, RecordKind};

use super::*;

fn record(n: u8, body: &[u8]) -> Record {
    Record {
        partition: Partition(2),
        subject: n.is_multiple_of(2).then_some(SubjectId([n; 16])),
        event_id: EventId([n ^ 0x55; 16]),
        received_at: Timestamp::from_ms(i64::from(n) * 1_000_000_000_000).unwrap(),
        kind: RecordKind(u16::from(n) << 8),
        body: body.to_vec(),
    }
}

fn block_of(records: &[Record]) -> Block {
    let frames = encode(records);
    let mut builder = BlockBuilder::new(Partition(2), 100);
    let mut start = 0;
    for head in &frames.heads {
        builder.push(&frames.bytes[start..head.end as usize]);
        start = head.end as usize;
    }
    builder.finish().unwrap()
}

fn decode(bytes: &[u8], from: u64) -> Result<Vec<Record>, Damage> {
    let view = BlockView::open(bytes, Partition(2), 100)?;
    view.records_from(from).map(|recorded| recorded.map(|r| r.record)).collect()
}

#[test]
fn block_reads_back() {
    let records = [record(1, b""), record(2, b"two"), record(3, &[7; 70_000])];
    let block = block_of(&records);
    assert_eq!((block.first, block.last), (100, 102));
    assert_eq!(decode(&block.bytes, 100).unwrap(), records);
    assert_eq!(decode(&block.bytes, 102).unwrap(), records[2..]);
    assert!(decode(&block.bytes, 103).unwrap().is_empty());
}

/// The bytes of a block of the first format, as every later version must read them.
#[test]
fn frozen_block_is_read() {
    let records = [record(1, b"abc"), record(2, b"")];
    let hex: String = block_of(&records).bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    expect_test::expect!["0102000000640000000000000090572553275d667a1c0000010010a5d4e80054545454545454545454545454545454616263fb84d8d12901000200204aa9d1015757575757575757575757575757575702020202020202020202020202020202"].assert_eq(&hex);
}

/// Whatever bit flips, no wrong record comes out.
#[test]
fn every_flipped_bit_is_found() {
    let records = [record(1, b"one"), record(2, b"two"), record(3, b"three")];
    let good = block_of(&records).bytes;
    for at in 0..good.len() {
        for bit in 0..8 {
            let mut bad = good.clone();
            bad[at] ^= 1 << bit;
            let damage = decode(&bad, 100).unwrap_err();
            assert!((100..=102).contains(&damage.offset), "byte {at}: {damage:?}");
        }
    }
}

#[test]
fn cut_block_is_found() {
    let good = block_of(&[record(1, b"one"), record(2, b"two")]).bytes;
    for len in 0..good.len() {
        assert!(decode(&good[..len], 100).is_err(), "{len} bytes");
    }
}

#[test]
fn block_of_another_place_is_found() {
    let block = block_of(&[record(1, b"one")]);
    assert!(BlockView::open(&block.bytes, Partition(3), 100).is_err());
    assert!(BlockView::open(&block.bytes, Partition(2), 101).is_err());
}
