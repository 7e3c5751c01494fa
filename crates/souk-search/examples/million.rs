//! How an index of many products behaves: `million [PRODUCTS]`, one million if not said.
//!
//! Prints products indexed in a second, memory, the size and speed of a snapshot, how long one change takes to be
//! found, and latencies of queries with five facets; beside the clock's time the processor's, which other programs
//! on the machine lengthen less. The catalogue is made up from a seed; run it in release.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::time::Instant;

use rustix::time::{ClockId, clock_gettime};
use souk_core::{Filter, Product};
use souk_search::{FacetRequest, SearchIndex, SearchRequest, Settings};
use souk_sim::catalogue::{catalogue_product, catalogue_query};

const SEED: u64 = 7;
/// Products handed over at once: two pieces, one for each thread.
const BATCH: u32 = 131_072;

fn main() {
    let n_products: u32 = std::env::args().nth(1).map_or(1_000_000, |text| text.parse().unwrap());
    let mut index = SearchIndex::new(Settings::default());
    let (mut seconds, mut cpu) = (0.0, 0.0);
    let mut json_bytes = 0usize;
    for start in (0..n_products).step_by(BATCH as usize) {
        let numbers = start..(start + BATCH).min(n_products);
        let products: Vec<Product> = numbers.map(|n| catalogue_product(SEED, n)).collect();
        let json = |product: &Product| {
            let audience = souk_core::wire::json::Audience::Shop;
            souk_core::wire::json::product_to_json(product, audience).to_string().len()
        };
        json_bytes += products.iter().step_by(97).map(json).sum::<usize>() * 97;
        let begin = Begin::now(ClockId::ProcessCPUTime);
        if start == 0 {
            index.measure(&products);
        }
        index.upsert(&products);
        let (took, cpu_took) = begin.took();
        (seconds, cpu) = (seconds + took, cpu + cpu_took);
    }
    println!(
        "{n_products} products in {seconds:.1} s: {:.0} a second; {cpu:.1} s of processors",
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
    let begin = Begin::now(ClockId::ProcessCPUTime);
    let read = SearchIndex::from_bytes(&bytes, &Settings::default()).unwrap();
    let first = read.search(&SearchRequest::new("gaming laptop")).unwrap();
    let (took, cpu) = begin.took();
    println!(
        "read, and first answer ({} found) in {took:.2} s; {cpu:.2} s of processors",
        first.total
    );
    drop((read, bytes));
    browsing(&index);
    changes(&mut index, n_products);
    queries(&index, n_products);
}

/// When something began, by the clock and by the processor.
struct Begin {
    clock: Instant,
    cpu: f64,
    id: ClockId,
}

impl Begin {
    fn now(id: ClockId) -> Begin {
        Begin { clock: Instant::now(), cpu: cpu_seconds(id), id }
    }

    /// Seconds since then.
    fn took(&self) -> (f64, f64) {
        (self.clock.elapsed().as_secs_f64(), cpu_seconds(self.id) - self.cpu)
    }
}

fn cpu_seconds(id: ClockId) -> f64 {
    let time = clock_gettime(id);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// Everything, and filters of many terms.
fn browsing(index: &SearchIndex) {
    let facets = ["brand", "categories", "price", "colour", "material"].map(FacetRequest::new);
    let ids: Vec<String> = (0..200).map(|n| format!("id = 'P{}'", n * 4_999)).collect();
    let models: Vec<String> =
        (0..200).map(|n| format!("model = 'ab-{n}' OR price < {n}.05")).collect();
    for (name, filter) in [
        ("everything", String::new()),
        ("red or blue", "colour IN ['red', 'navy blue'] AND price < 50".to_owned()),
        ("200 ids", ids.join(" OR ")),
        ("200 models and prices", models[..100].join(" OR ")),
    ] {
        let filter = (!filter.is_empty()).then(|| Filter::parse(&filter).unwrap());
        let request = SearchRequest { filter, facets: facets.to_vec(), ..SearchRequest::new("") };
        let mut found = 0;
        let mut browse = || {
            let begin = Begin::now(ClockId::ThreadCPUTime);
            found = index.search(&request).unwrap().total;
            begin.took()
        };
        let (mut clock, mut cpu): (Vec<f64>, Vec<f64>) = (0..20).map(|_| browse()).unzip();
        print(&format!("{name}: {found} browsed with five facets, s"), &mut clock);
        print("  of the processor", &mut cpu);
    }
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
        let (mut millis, mut cpu): (Vec<f64>, Vec<f64>) = (0..2_000u32)
            .map(|n| {
                let mut text = catalogue_query(SEED, n.wrapping_mul(7_919) % n_products);
                if misspell {
                    text = text.replacen("oo", "o", 1).replacen("le", "el", 1);
                }
                let request = SearchRequest { facets: facets.clone(), ..SearchRequest::new(text) };
                let begin = Begin::now(ClockId::ThreadCPUTime);
                found += index.search(&request).unwrap().total;
                let (clock, cpu) = begin.took();
                (clock * 1e3, cpu * 1e3)
            })
            .unzip();
        println!("{} hits a query", found / millis.len());
        print(name, &mut millis);
        print("  of the processor", &mut cpu);
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
