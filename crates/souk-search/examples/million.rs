//! How an index of many products behaves: `million [PRODUCTS]`, one million if not said.
//!
//! Prints products indexed in a second, memory, the size and speed of a snapshot, how long one change takes to be
//! found, and latencies of queries with five facets. The catalogue is made up from a seed; run it in release.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::time::Instant;

use souk_core::Product;
use souk_search::{FacetRequest, SearchIndex, SearchRequest, Settings};
use souk_sim::catalogue::{catalogue_product, catalogue_query};

const SEED: u64 = 7;
/// Products handed over at once: two pieces, one for each thread.
const BATCH: u32 = 131_072;

fn main() {
    let n_products: u32 = std::env::args().nth(1).map_or(1_000_000, |text| text.parse().unwrap());
    let mut index = SearchIndex::new(Settings::default());
    let mut seconds = 0.0;
    let mut json_bytes = 0usize;
    for start in (0..n_products).step_by(BATCH as usize) {
        let numbers = start..(start + BATCH).min(n_products);
        let products: Vec<Product> = numbers.map(|n| catalogue_product(SEED, n)).collect();
        let json = |product: &Product| {
            let audience = souk_core::wire::json::Audience::Shop;
            souk_core::wire::json::product_to_json(product, audience).to_string().len()
        };
        json_bytes += products.iter().step_by(97).map(json).sum::<usize>() * 97;
        let begin = Instant::now();
        if start == 0 {
            index.measure(&products);
        }
        index.upsert(&products);
        seconds += begin.elapsed().as_secs_f64();
    }
    println!(
        "{n_products} products in {seconds:.1} s: {:.0} a second",
        f64::from(n_products) / seconds
    );
    println!("{:?}", index.size());
    println!("anonymous memory of the process: {} MB", anonymous_mb());
    let begin = Instant::now();
    let bytes = index.to_bytes();
    println!(
        "snapshot of {} MB in {:.2} s; the products as JSON are some {} MB",
        bytes.len() >> 20,
        begin.elapsed().as_secs_f64(),
        json_bytes >> 20
    );
    let begin = Instant::now();
    let read = SearchIndex::from_bytes(&bytes, &Settings::default()).unwrap();
    let first = read.search(&SearchRequest::new("gaming laptop")).unwrap();
    println!(
        "read, and first answer ({} found) in {:.2} s",
        first.total,
        begin.elapsed().as_secs_f64()
    );
    drop(read);
    changes(&mut index, n_products);
    queries(&index, n_products);
}

fn changes(index: &mut SearchIndex, n_products: u32) {
    let mut micros: Vec<f64> = (0..2_000u32)
        .map(|n| {
            let mut product = catalogue_product(SEED, n * 37 % n_products);
            product.title = format!("{} {}", product.title, mark(n));
            let begin = Instant::now();
            index.upsert(&[product]);
            let micros = begin.elapsed().as_secs_f64() * 1e6;
            if n % 100 == 0 {
                let answer = index.search(&SearchRequest::new(mark(n))).unwrap();
                assert_eq!(answer.total, 1, "a change is found at once");
            }
            micros
        })
        .collect();
    print("one change, µs", &mut micros);
}

/// A word that no product has: letters alone, for the parts of codes are words too.
fn mark(n: u32) -> String {
    let letter = |n: u32| char::from(b'a' + (n % 26) as u8);
    ["zqx".to_owned(), [n / 676, n / 26, n].into_iter().map(letter).collect()].concat()
}

fn queries(index: &SearchIndex, n_products: u32) {
    let facets = ["brand", "categories", "price", "colour", "material"].map(FacetRequest::new);
    for (name, facets, misspell) in [
        ("with five facets, ms", facets.to_vec(), false),
        ("without facets, ms", Vec::new(), false),
        ("misspelled, with five facets, ms", facets.to_vec(), true),
    ] {
        let mut found = 0;
        let mut millis: Vec<f64> = (0..2_000u32)
            .map(|n| {
                let mut text = catalogue_query(SEED, n.wrapping_mul(7_919) % n_products);
                if misspell {
                    text = text.replacen("oo", "o", 1).replacen("le", "el", 1);
                }
                let request = SearchRequest { facets: facets.clone(), ..SearchRequest::new(text) };
                let begin = Instant::now();
                found += index.search(&request).unwrap().total;
                begin.elapsed().as_secs_f64() * 1e3
            })
            .collect();
        println!("{} hits a query", found / millis.len());
        print(name, &mut millis);
    }
}

fn print(what: &str, values: &mut [f64]) {
    values.sort_unstable_by(f64::total_cmp);
    let at = |share: f64| values[((values.len() - 1) as f64 * share) as usize];
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    println!(
        "{what}: p50 {:.3}, p90 {:.3}, p99 {:.3}, max {:.3}, mean {mean:.3}",
        at(0.5),
        at(0.9),
        at(0.99),
        at(1.0)
    );
}

fn anonymous_mb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"));
    line.and_then(|l| l.trim().trim_end_matches(" kB").parse::<u64>().ok()).unwrap_or(0) >> 10
}
