//! How long searches by words and meaning take: `hybrid MODELS minilm|static [PRODUCTS]`, 100,000 if not said.
//!
//! The catalogue and its queries are made up from a seed. Only the first 2,000 products are read by the model; all others
//! have the vectors of those, slightly bent, because the time does not depend on what they say. Each query is
//! read by the model every time, as if nobody had asked it before. Run it in release, on a quiet machine.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use souk_core::Product;
use souk_meaning::{Choice, open};
use souk_search::{
    Meaning, MeaningUse, SearchIndex, SearchRequest, Settings, VectorSpace, Vectors,
    text_for_vector,
};
use souk_sim::catalogue::{catalogue_product, catalogue_query};

const SEED: u64 = 7;
const N_READ: usize = 2_000;
const N_QUERIES: u32 = 2_000;

fn main() {
    let mut args = std::env::args().skip(1);
    let models = args.next().unwrap_or_else(|| ".cache/models".to_owned());
    let choice = match args.next().as_deref() {
        Some("static") => Choice::Static,
        _ => Choice::MiniLm,
    };
    let n_products: u32 = args.next().map_or(100_000, |text| text.parse().unwrap());
    let model = open(choice, Path::new(&models)).unwrap().unwrap();
    let own = model.model().clone();

    let products: Vec<Product> = (0..n_products).map(|n| catalogue_product(SEED, n)).collect();
    let mut index = SearchIndex::build(Settings::default(), &products, 2);
    let texts: Vec<String> = products.iter().take(N_READ).map(text_for_vector).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let start = Instant::now();
    let read = model.embed(&texts);
    println!(
        "{}: {:.1} products a second",
        own.name,
        texts.len() as f64 / start.elapsed().as_secs_f64()
    );
    let mut vectors =
        Vectors::new(VectorSpace { dimensions: own.dimensions, version: own.version });
    for (number, product) in products.iter().enumerate() {
        let of = number % texts.len();
        let bend = |(at, x): (usize, &f32)| x + 0.01 * ((number * 7 + at * 13) % 11) as f32 / 11.0;
        let bent = read[of * own.dimensions..][..own.dimensions].iter().enumerate().map(bend);
        let bent: Vec<f32> = bent.collect();
        let length = bent.iter().map(|x| x * x).sum::<f32>().sqrt();
        let unit: Vec<f32> = bent.iter().map(|x| x / length).collect();
        vectors.put(&product.id, 0, &unit);
    }
    println!("{} vectors of {}: {} MB", vectors.len(), own.dimensions, vectors.bytes() >> 20);
    index.set_vectors(Some(Arc::new(vectors)));

    let mut times: [Vec<f64>; 3] = Default::default();
    let mut n_widened = 0;
    for number in 0..N_QUERIES {
        let text = catalogue_query(SEED, number);
        let plain = SearchRequest::new(&*text);
        let timed = |into: &mut Vec<f64>, work: &mut dyn FnMut()| {
            let start = Instant::now();
            work();
            into.push(start.elapsed().as_secs_f64() * 1e3);
        };
        let [words, reading, both] = &mut times;
        timed(words, &mut || drop(index.search(&plain)));
        let mut vector = Vec::new();
        timed(reading, &mut || vector = model.embed(&[&text]));
        timed(both, &mut || {
            let vector: Arc<[f32]> = model.embed(&[&text]).into();
            let meaning = Meaning::new(vector, own.related_from, MeaningUse::Beside);
            let answer = index.search(&SearchRequest { meaning: Some(meaning), ..plain.clone() });
            n_widened += u32::from(answer.is_ok_and(|answer| !answer.relaxed.is_empty()));
        });
    }
    for (what, mut all) in
        ["words", "reading the query", "words and meaning, with reading"].iter().zip(times)
    {
        all.sort_by(f64::total_cmp);
        let at = |share: f64| all[((all.len() - 1) as f64 * share) as usize];
        println!(
            "{what}: {:.2} ms (median), {:.2} ms (90 %), {:.2} ms (99 %)",
            at(0.5),
            at(0.9),
            at(0.99)
        );
    }
    println!("{n_widened} of {N_QUERIES} answers were widened");
}
