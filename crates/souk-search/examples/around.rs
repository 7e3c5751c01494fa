//! How long searches around a place take: `around [PRODUCTS]`, one million if not said.
//!
//! Each product has a place of its own, spread over a country of 6 by 15 degrees. Of 2,000 ordinary queries, then of
//! 200 without words, prints how long an answer takes within 10 km, within 100 km and without a radius, the nearest
//! first, with five facets; beside the clock's time the processor's. The catalogue is made up from a seed; run it in
//! release.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::time::Instant;

use rustix::time::{ClockId, clock_gettime};
use souk_core::{AttributeValue, GeoPoint, Product};
use souk_search::{Around, FacetRequest, SearchIndex, SearchRequest, Settings, SortBy};
use souk_sim::Random;
use souk_sim::catalogue::{catalogue_product, catalogue_query};

const SEED: u64 = 7;
/// Products handed over at once: two pieces, one for each thread.
const BATCH: u32 = 131_072;
const FIELDS: [&str; 2] = ["_geo.lat", "_geo.lng"];

/// A place in the country, the same for the same number.
fn place(number: u64) -> GeoPoint {
    let mut random = Random::new(number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    GeoPoint::new(47.0 + 6.0 * random.unit(), 5.0 + 15.0 * random.unit()).unwrap()
}

fn product(number: u32) -> Product {
    let mut product = catalogue_product(SEED, number);
    let point = place(u64::from(number));
    for (name, degrees) in FIELDS.into_iter().zip([point.latitude(), point.longitude()]) {
        product.attributes.insert(name.to_owned(), AttributeValue::Number(degrees));
    }
    product
}

fn main() {
    let n_products: u32 = std::env::args().nth(1).map_or(1_000_000, |text| text.parse().unwrap());
    let mut index = SearchIndex::new(Settings::default());
    for start in (0..n_products).step_by(BATCH as usize) {
        let numbers = start..(start + BATCH).min(n_products);
        let products: Vec<Product> = numbers.map(product).collect();
        if start == 0 {
            index.measure(&products);
        }
        index.upsert(&products);
    }
    println!("{n_products} products, each with a place");
    for (named, n_queries) in [("words", 2_000u32), ("no words", 200)] {
        for (how, radius_km) in [("10 km", Some(10.0)), ("100 km", Some(100.0)), ("any", None)] {
            let queries = (0..n_queries).map(|number| {
                let product = number.wrapping_mul(2_654_435_761) % n_products;
                let words =
                    if named == "words" { catalogue_query(SEED, product) } else { String::new() };
                (words, place(u64::from(number) + (1 << 40)))
            });
            ask(&index, (named, how, radius_km), queries);
        }
    }
}

fn cpu_seconds() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

fn ask(
    index: &SearchIndex,
    (named, how, radius_km): (&str, &str, Option<f64>),
    queries: impl Iterator<Item = (String, GeoPoint)>,
) {
    let (mut clock, mut cpu, mut n_hits) = (Vec::new(), Vec::new(), 0);
    for (words, origin) in queries {
        let facets = ["brand", "categories", "price", "colour", "material"];
        let request = SearchRequest {
            facets: facets.map(FacetRequest::new).into(),
            sort: vec![SortBy::parse("distance:asc").unwrap()],
            around: Some(Around { origin, radius_km, fields: FIELDS, places: None }),
            ..SearchRequest::new(words)
        };
        let (begin, cpu_begin) = (Instant::now(), cpu_seconds());
        n_hits += index.search(&request).unwrap().total;
        clock.push(begin.elapsed().as_secs_f64() * 1e3);
        cpu.push((cpu_seconds() - cpu_begin) * 1e3);
    }
    let n_hits = n_hits / clock.len();
    let told = |mut times: Vec<f64>| {
        times.sort_by(f64::total_cmp);
        let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
        format!("p50 {:.2}, p99 {:.2}, most {:.2} ms", at(0.5), at(0.99), at(1.0))
    };
    println!("{named}, {how}: clock {}; processor {}; {n_hits} hits", told(clock), told(cpu));
}
