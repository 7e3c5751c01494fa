//! What a graph of very many vectors finds, how soon, and what it takes to draw it: `nearest MODELS MODEL PRODUCTS [VECTORS]`.
//!
//! MODEL is `static` or `minilm`, and PRODUCTS a file of JSON lines, of which every text is read once; the vectors beyond
//! are theirs, bent in a direction of their own, up to VECTORS (300,000 if not said). Queries are the first three words of
//! titles. With MODEL `made-up` there is no file: vectors of 384 numbers lie around 2,000 centres. Recall counts what is as near as
//! what comparing all finds. Run it in release, on a quiet machine.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::io::BufRead;
use std::path::Path;
use std::time::Instant;

use souk_core::wire::json::product_from_json;
use souk_core::{Currency, Product, ProductId, SiteId};
use souk_meaning::{Choice, open};
use souk_search::{VectorSpace, Vectors, text_for_vector};

const N_QUERIES: usize = 500;
const MADE_UP: usize = 384;
/// How far a vector is bent: the length of what is added to one of length 1.
const BENT: f32 = 0.35;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let (models, model) = (&args[0], args[1].as_str());
    let n: usize = args.get(3).map_or(300_000, |text| text.parse().unwrap());
    let (base, queries) = match model {
        "made-up" => {
            let base: Vec<Vec<f32>> =
                (0..2_000).map(|number| unit(noise(number, MADE_UP))).collect();
            let queries = (0..N_QUERIES).map(|number| bent(&base, number, 1 << 40, 2.0 * BENT));
            let queries = queries.collect();
            (base, queries)
        }
        _ => read(Path::new(models), model, &args[2]),
    };
    let space = VectorSpace { dimensions: base[0].len(), version: 1 };
    let mut vectors = Vectors::new(space);
    for number in 0..n {
        let vector = match number < base.len() {
            true => base[number].clone(),
            false => bent(&base, number, 0, BENT),
        };
        vectors.put(&ProductId::new(format!("product-{number}")).unwrap(), 0, &vector);
    }
    println!("{n} vectors of {}: {} MB", space.dimensions, vectors.bytes() >> 20);

    let ask = |vectors: &Vectors, n: usize| -> Vec<Vec<f32>> {
        let mut times = Vec::new();
        let all = queries.iter().map(|query| {
            let start = Instant::now();
            let found = vectors.nearest(query, n);
            times.push(start.elapsed().as_secs_f64() * 1e3);
            found.into_iter().map(|(_, likeness)| likeness).collect()
        });
        let all = all.collect();
        times.sort_by(f64::total_cmp);
        let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
        println!("  the nearest {n}: {:.3} ms (median), {:.3} ms (99 %)", at(0.5), at(0.99));
        all
    };
    println!("all compared, and put in order:");
    let exact = ask(&vectors, 512);

    let start = Instant::now();
    let drawn = vectors.draft().draw();
    println!("graph drawn in {:.1} s", start.elapsed().as_secs_f64());
    vectors.adopt(drawn);
    println!("{} MB with it", vectors.bytes() >> 20);
    println!("by the graph:");
    for n in [256, 512, 1_024] {
        let found = ask(&vectors, n);
        for k in [10, 100, n.min(300)] {
            let hits = exact.iter().zip(&found).map(|(exact, found)| {
                let near = exact[k.min(exact.len()) - 1] - 1e-6;
                found.iter().filter(|likeness| **likeness >= near).take(k).count()
            });
            let recall = hits.sum::<usize>() as f64 / (k * exact.len()) as f64;
            println!("    recall@{k}: {recall:.4}");
        }
    }

    let start = Instant::now();
    for number in n..n + 1_000 {
        let id = ProductId::new(format!("product-{number}")).unwrap();
        vectors.put(&id, 0, &bent(&base, number, 0, BENT));
    }
    let put = start.elapsed().as_secs_f64();
    let start = Instant::now();
    vectors.link(1_000);
    println!("one more: {:.3} ms to put, {:.3} ms to link", put, start.elapsed().as_secs_f64());
    let start = Instant::now();
    let bytes = vectors.to_bytes();
    let write = start.elapsed().as_secs_f64();
    let start = Instant::now();
    let again = Vectors::from_bytes(&bytes, space).unwrap();
    let read = start.elapsed().as_secs_f64();
    assert_eq!(again.n_unlinked(), Some(0));
    println!("{} MB as a file: {write:.2} s to make, {read:.2} s to read", bytes.len() >> 20);
}

/// The vectors of products, and of queries made of their titles.
fn read(models: &Path, model: &str, products: &str) -> (Vec<Vec<f32>>, Vec<Vec<f32>>) {
    let choice = if model == "static" { Choice::Static } else { Choice::MiniLm };
    let model = open(choice, models).unwrap().unwrap();
    let file = std::io::BufReader::new(std::fs::File::open(products).unwrap());
    let products: Vec<Product> = file
        .lines()
        .map(|line| {
            let value = serde_json::from_str(&line.unwrap()).unwrap();
            product_from_json(&value, &SiteId::main(), Currency::USD).unwrap()
        })
        .collect();
    let embed = |texts: Vec<String>| -> Vec<Vec<f32>> {
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let all = texts.chunks(64).flat_map(|some| model.embed(some)).collect::<Vec<f32>>();
        all.chunks_exact(model.model().dimensions).map(<[f32]>::to_vec).collect()
    };
    let words =
        |product: &Product| product.title.split_whitespace().take(3).collect::<Vec<_>>().join(" ");
    let step = (products.len() / N_QUERIES).max(1);
    let queries = products.iter().step_by(step).take(N_QUERIES).map(words).collect();
    (embed(products.iter().map(text_for_vector).collect()), embed(queries))
}

/// Of some vectors the one at a place, bent.
fn bent(base: &[Vec<f32>], number: usize, seed: u64, by: f32) -> Vec<f32> {
    let own = &base[number % base.len()];
    let bend = unit(noise(number as u64 + seed + (1 << 32), own.len()));
    unit(own.iter().zip(bend).map(|(x, bend)| x + by * bend).collect())
}

fn unit(vector: Vec<f32>) -> Vec<f32> {
    let length = vector.iter().map(|x| x * x).sum::<f32>().sqrt().max(1e-9);
    vector.into_iter().map(|x| x / length).collect()
}

/// What splitmix64 makes of a number: four of its outcomes for each, so that they lie around zero like errors do.
fn noise(number: u64, n: usize) -> Vec<f32> {
    let uniform = |place: u64| {
        let z = (number << 20 | place).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ z >> 31) >> 40) as f32 / 16_777_216.0 - 0.5
    };
    (0..n as u64).map(|at| (0..4).map(|part| uniform(at * 4 + part)).sum()).collect()
}
