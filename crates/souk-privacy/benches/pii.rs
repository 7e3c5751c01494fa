//! Bytes of text a second on one core: forms alone (what search queries and properties cost) and with names and addresses.
//!
//! Data: a megabyte of shop messages, two in eight with personal data, made of fixed sentences (no seed).
#![allow(missing_docs, reason = "a benchmark")]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use souk_privacy::pii::{Detector, Reading};

const SENTENCES: &[&str] = &[
    "I ordered the blue rain jacket in size 42 two weeks ago and it has not arrived yet. ",
    "The coffee machine stopped working after 3 months, can I still return it? ",
    "iphone 14 pro 128gb case, black, with free shipping under 20 dollars. ",
    "Does the garden chair come in packs of 4, and is it 1.5 m wide? ",
    "Great quality, would buy again, but the second toaster (item 4006381333931) was dented. ",
    "Please write to jane.roe@example.org or call +49 30 1234567 before Friday. ",
    "When does the summer sale start, and will the 20 percent code work on shoes? ",
    "My name is Sarah Miller and my new address is 12 Oak Street, Denver, CO 80202. ",
];

fn texts() -> Vec<String> {
    let mut texts = Vec::new();
    let mut bytes = 0;
    while bytes < 1_000_000 {
        let first = texts.len() % SENTENCES.len();
        let text: String = SENTENCES.iter().cycle().skip(first).take(3).copied().collect();
        bytes += text.len();
        texts.push(text);
    }
    texts
}

fn detect(c: &mut Criterion) {
    let detector = Detector::builtin();
    let texts = texts();
    let bytes: usize = texts.iter().map(String::len).sum();
    let mut group = c.benchmark_group("pii");
    group.throughput(Throughput::Bytes(bytes as u64)).sample_size(10);
    for (name, reading) in [("forms", Reading::Terse), ("forms_names_addresses", Reading::Prose)] {
        let count = || texts.iter().map(|text| detector.detect(text, reading).len()).sum::<usize>();
        assert!(count() > texts.len() / 8, "something is found");
        group.bench_function(name, |b| b.iter(count));
    }
    group.finish();
}

criterion_group!(benches, detect);
criterion_main!(benches);
