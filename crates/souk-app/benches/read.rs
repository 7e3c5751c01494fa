//! The read path of sealed records on one core: read from the log, unwrap the keys, unseal, decode.
//!
//! 200,000 product views of 20,000 shoppers in random order (seed 42), bodies of some 60 bytes with a
//! message id, sealed and appended through the real log and key store in a temporary folder. One
//! thread reads it all in batches of 4,096, as the fold does; `read alone` and `read and decode plain`
//! show what sealing adds. The budget is 2.5 µs a record.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use souk_core::wire::{decode_event, encode_event, record_kind};
use souk_core::{
    Action, Event, EventId, Fact, Interaction, ProductId, ProductMention, SiteId, Source,
    SubjectId, Timestamp,
};
use souk_embedded::{Embedded, EmbeddedOptions};
use souk_ports::{Cursor, EventLog, IdHash, KeyStore, Partition, Record, RecordKind, Recorded};
use souk_privacy::seal::{BodyContext, open_body, seal_body};

const RECORDS: u64 = 200_000;
const SHOPPERS: u64 = 20_000;
const BATCH: u64 = 4_000;

fn mix(number: u64) -> u64 {
    let z = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z ^ z >> 31
}

fn sixteen(number: u64) -> [u8; 16] {
    let mut bytes = [42; 16];
    bytes[..8].copy_from_slice(&mix(number).to_le_bytes());
    bytes
}

fn view(number: u64) -> Event {
    let product = ProductId::new(format!("product-{}", mix(number) % 50_000)).expect("not empty");
    let mention = ProductMention { product, variant: None, quantity: None, price: None };
    Event {
        at: Timestamp::from_ms(1_700_000_000_000 + number as i64).expect("in range"),
        site: SiteId::main(),
        channel: None,
        source: Source::Server,
        message_id: Some(format!("{:032x}", mix(number)).into()),
        withheld: souk_core::Purposes::NONE,
        fact: Fact::Interaction(Interaction {
            action: Action::Viewed,
            products: vec![mention],
            request_id: None,
            extra: None,
        }),
    }
}

async fn fill(store: &Embedded) {
    for first in (0..RECORDS).step_by(BATCH as usize) {
        let numbers = first..first + BATCH;
        let ids: Vec<IdHash> =
            numbers.clone().map(|n| IdHash(sixteen(mix(n) % SHOPPERS))).collect();
        let subjects = store.keys.resolve(&ids).await.expect("it answers");
        let keys = store.keys.keys(&subjects).await.expect("it answers");
        let records = numbers.zip(subjects.iter().zip(keys)).map(|(n, (subject, key))| {
            let event = view(n);
            let context = BodyContext { subject: *subject, event_id: EventId(sixteen(n)) };
            let mut nonce = [0; 12];
            nonce[..8].copy_from_slice(&n.to_le_bytes());
            let key = key.expect("it was just made");
            Record {
                partition: Partition(0),
                subject: Some(*subject),
                event_id: context.event_id,
                received_at: event.at,
                kind: RecordKind(record_kind(&event.fact)),
                body: seal_body(&key, context, nonce, &encode_event(&event)),
            }
        });
        store.log.append(records.collect()).await.expect("the log takes it");
    }
}

async fn read_all(store: &Embedded, mut each: impl AsyncFnMut(&[Recorded])) {
    let mut cursor = Cursor::START;
    loop {
        let batch = store.log.read(&cursor, 4_096).await.expect("it reads");
        let Some(last) = batch.last() else { return };
        cursor.advance(last.position);
        each(&batch).await;
    }
}

async fn unseal(store: &Embedded, batch: &[Recorded]) {
    let subjects: Vec<SubjectId> = batch.iter().filter_map(|r| r.record.subject).collect();
    let keys = store.keys.keys(&subjects).await.expect("it answers");
    let mut plain = Vec::new();
    for ((recorded, key), subject) in batch.iter().zip(keys).zip(subjects) {
        let context = BodyContext { subject, event_id: recorded.record.event_id };
        let key = key.expect("nobody was erased");
        open_body(&key, context, &recorded.record.body, &mut plain).expect("it opens");
        black_box(decode_event(&plain).expect("it decodes"));
    }
}

fn bench(c: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a folder");
    let store = souk_embedded::open(folder.path(), &EmbeddedOptions::default()).expect("it opens");
    // One worker: what is measured runs on one core, but for the store's own threads at rest.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    runtime.block_on(fill(&store));
    let plain: Vec<Vec<u8>> = (0..RECORDS).map(|n| encode_event(&view(n))).collect();
    let mut group = c.benchmark_group("read");
    group.throughput(Throughput::Elements(RECORDS)).sample_size(10);
    group.bench_function("read alone", |b| {
        let look = async |batch: &[Recorded]| {
            black_box(batch.len());
        };
        b.iter(|| runtime.block_on(read_all(&store, look)));
    });
    group.bench_function("read, unseal, decode", |b| {
        b.iter(|| runtime.block_on(read_all(&store, async |batch| unseal(&store, batch).await)));
    });
    group.bench_function("decode plain", |b| {
        b.iter(|| {
            for body in &plain {
                black_box(decode_event(body).expect("it decodes"));
            }
        });
    });
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
