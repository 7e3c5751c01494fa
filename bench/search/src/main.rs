//! Souk's search beside tantivy with its own defaults, in one run on one machine.
//!
//! `souk-search-bench speed [PRODUCTS]` indexes the same made-up products with each, then asks each the same
//! queries in a process of its own, so that memory and starts are each engine's alone. `souk-search-bench quality
//! FOLDER` ranks rated queries (`products.jsonl`, `queries.csv`, `judgments.csv`) with each.

mod measure;
mod ours;
mod quality;
mod rival;

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use serde_json::{Value, json};
use souk_core::Product;
use souk_sim::catalogue::{catalogue_product, catalogue_query};

use measure::{anonymous_mb, cpu_seconds, folder_mb, percentiles};

const SEED: u64 = 7;
/// Queries of each kind.
const QUERIES: u32 = 2_000;
/// Products that change, one after another.
const CHANGES: u32 = 50;
/// Each facet's field.
const FACETS: [&str; 5] = ["brand", "categories", "price", "colour", "material"];

/// An engine that answers.
trait Engine {
    /// How many products match, best ten first.
    fn search(&self, query: &str, asked: Asked) -> usize;
    /// Puts a product in the place of that with its id; the next search must find it.
    fn change(&mut self, product: &Product);
}

/// What is asked of a search beside its hits.
#[derive(Clone, Copy, PartialEq)]
enum Asked {
    Hits,
    Facets,
    /// And words may have a typing error.
    Forgiving,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let number = |text: &str| text.parse::<u32>();
    match words.as_slice() {
        ["speed"] => speed(1_000_000),
        ["speed", n] => speed(number(n)?),
        ["quality", folder] => quality::compare(Path::new(folder)),
        ["build", engine, n, folder] => build(engine, number(n)?, Path::new(folder)),
        ["serve", engine, n, folder] => serve(engine, number(n)?, Path::new(folder)),
        _ => Err("usage: souk-search-bench speed [PRODUCTS] | quality FOLDER".into()),
    }
}

/// Each engine builds and serves in processes of its own; prints the table.
fn speed(n_products: u32) -> Result<(), Box<dyn std::error::Error>> {
    let mut columns = Vec::new();
    for engine in ["souk", "tantivy"] {
        let folder = tempfile::tempdir()?;
        let mut column = run(&["build", engine], n_products, folder.path())?;
        let served = run(&["serve", engine], n_products, folder.path())?;
        let rows = column.as_object_mut().ok_or("a child prints an object")?;
        rows.extend(served.as_object().cloned().unwrap_or_default());
        columns.push(column);
    }
    println!("| {n_products} products | souk-search | tantivy 0.27 |\n|---|---|---|");
    for (name, ours) in columns[0].as_object().ok_or("a child prints an object")? {
        let text = |value: &Value| value.as_str().map_or(value.to_string(), str::to_owned);
        println!("| {name} | {} | {} |", text(ours), text(&columns[1][name]));
    }
    Ok(())
}

fn run(what: &[&str], n: u32, folder: &Path) -> Result<Value, Box<dyn std::error::Error>> {
    let mut command = Command::new(std::env::current_exe()?);
    let output = command.args(what).arg(n.to_string()).arg(folder).output()?;
    eprint!("{}", String::from_utf8_lossy(&output.stderr));
    if !output.status.success() {
        return Err(format!("{what:?} ended with {}", output.status).into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

fn build(engine: &str, n: u32, folder: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let products: Vec<Product> = (0..n).map(|n| catalogue_product(SEED, n)).collect();
    let before = cpu_seconds();
    let begin = Instant::now();
    match engine {
        "souk" => ours::build(&products, folder)?,
        _ => rival::build(&products, folder)?,
    }
    let (seconds, cpu) = (begin.elapsed().as_secs_f64(), cpu_seconds() - before);
    let answer = json!({
        "products indexed in a second, to disk, 2 threads": (f64::from(n) / seconds).round(),
        "processor time of it, s": (cpu * 10.0).round() / 10.0,
        "disk, MB": folder_mb(folder)?,
    });
    println!("{answer}");
    Ok(())
}

fn serve(engine: &str, n: u32, folder: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let begin = Instant::now();
    let mut index: Box<dyn Engine> = match engine {
        "souk" => Box::new(ours::open(folder)?),
        _ => Box::new(rival::open(folder)?),
    };
    let first = index.search("gaming laptop", Asked::Hits);
    let start = begin.elapsed().as_secs_f64();
    let mut rows = json!({
        "start to first answer, s": format!("{start:.2}"),
        "found by the first": first,
    });
    for (name, asked) in [
        ("without facets", Asked::Hits),
        ("with five facets", Asked::Facets),
        ("one typing error, five facets", Asked::Forgiving),
    ] {
        let (mut found, before) = (0, cpu_seconds());
        let millis = (0..QUERIES).map(|number| {
            let query = catalogue_query(SEED, number.wrapping_mul(7_919) % n);
            let query = if asked == Asked::Forgiving { misspelled(&query) } else { query };
            let begin = Instant::now();
            found += index.search(&query, asked);
            begin.elapsed().as_secs_f64() * 1e3
        });
        let millis: Vec<f64> = millis.collect();
        let each = (cpu_seconds() - before) * 1e3 / f64::from(QUERIES);
        rows[format!("{name}: p50, p99, ms")] = percentiles(millis).into();
        rows[format!("{name}: processor time of a query, ms")] = format!("{each:.2}").into();
        rows[format!("{name}: hits of a query")] = (found / QUERIES as usize).into();
    }
    let millis: Vec<f64> = (0..CHANGES).map(|number| change(index.as_mut(), number, n)).collect();
    rows["one product changed and found: p50, p99, ms"] = percentiles(millis).into();
    rows["anonymous memory, MB"] = anonymous_mb().into();
    println!("{rows}");
    Ok(())
}

/// Changes one product and finds it; how many milliseconds that takes.
fn change(index: &mut dyn Engine, number: u32, n: u32) -> f64 {
    let mut product = catalogue_product(SEED, number * 37 % n);
    let letter = |n: u32| char::from(b'a' + (n % 26) as u8);
    let mark = format!("zqx{}{}", letter(number / 26), letter(number));
    product.title = format!("{} {mark}", product.title);
    let begin = Instant::now();
    index.change(&product);
    assert_eq!(index.search(&mark, Asked::Hits), 1, "a change is found at once");
    begin.elapsed().as_secs_f64() * 1e3
}

/// Exchanges two letters within the longest word of letters, if it has five or more.
fn misspelled(query: &str) -> String {
    let is_word = |word: &&str| word.chars().all(|char| char.is_ascii_lowercase());
    let longest = query.split(' ').filter(is_word).max_by_key(|word| word.len());
    let Some(word) = longest.filter(|word| word.len() >= 5) else { return query.to_owned() };
    let (middle, mut letters) = (word.len() / 2, word.as_bytes().to_vec());
    letters.swap(middle, middle + 1);
    query.replacen(word, &String::from_utf8_lossy(&letters), 1)
}
