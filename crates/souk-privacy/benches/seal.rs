//! What sealing costs: bodies of 120 bytes, each under another key, as the log holds them.
//!
//! 10,000 subjects with keys from a fixed seed, their keys wrapped by one master key. `seal` and `open`
//! include the key schedule; `unwrap and open` is what reading a record costs before it is decoded.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use souk_core::{EventId, SubjectId};
use souk_privacy::seal::{BodyContext, MasterKey, SecretKey, open_body, seal_body};

const SUBJECTS: usize = 10_000;

fn key(number: usize) -> SecretKey {
    let mut bytes = [7; 32];
    bytes[..8].copy_from_slice(&number.to_le_bytes());
    SecretKey::new(bytes)
}

fn context(number: usize) -> BodyContext {
    let mut id = [3; 16];
    id[..8].copy_from_slice(&number.to_le_bytes());
    BodyContext { subject: SubjectId(id), event_id: EventId(id) }
}

fn bench(c: &mut Criterion) {
    let master = MasterKey::new([9; 32]);
    let keys: Vec<SecretKey> = (0..SUBJECTS).map(key).collect();
    let wrap = |n: usize| master.wrap(&context(n).subject.0, [1; 12], &keys[n]);
    let wrapped: Vec<_> = (0..SUBJECTS).map(wrap).collect();
    let body = [5; 120];
    let seal = |n: usize| seal_body(&keys[n], context(n), [2; 12], &body);
    let sealed: Vec<Vec<u8>> = (0..SUBJECTS).map(seal).collect();
    let mut group = c.benchmark_group("seal");
    group.throughput(Throughput::Elements(SUBJECTS as u64));
    group.bench_function("seal", |b| {
        b.iter(|| (0..SUBJECTS).for_each(|n| drop(black_box(seal(n)))))
    });
    group.bench_function("open", |b| {
        let mut out = Vec::new();
        b.iter(|| {
            for n in 0..SUBJECTS {
                open_body(&keys[n], context(n), &sealed[n], &mut out).expect("it was sealed so");
                black_box(&out);
            }
        });
    });
    group.bench_function("unwrap and open", |b| {
        let mut out = Vec::new();
        b.iter(|| {
            for n in 0..SUBJECTS {
                let context = context(n);
                let key = master.unwrap(&context.subject.0, &wrapped[n]).expect("wrapped so");
                open_body(&key, context, &sealed[n], &mut out).expect("it was sealed so");
                black_box(&out);
            }
        });
    });
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
