//! Rankings of rated queries beside each other.

use std::collections::HashMap;
use std::path::Path;

use souk_core::wire::json::product_from_json;
use souk_core::{Currency, Product, SiteId};
use souk_search::evaluate::{
    Interval, PlainBm25, RatedQuery, Summary, misspelled, paired_difference, rank_with, summarise,
};
use souk_search::{SearchIndex, Settings, Tolerance};

use crate::rival::{Words, small};

type Failure = Box<dyn std::error::Error>;

const DEPTH: usize = 10;
const SEED: u64 = 1;
/// Queries that are misspelled.
const MISSPELLED: usize = 1_000;

pub(crate) fn compare(folder: &Path) -> Result<(), Failure> {
    let products = products(&folder.join("products.jsonl"))?;
    let queries = queries(folder)?;
    let plain = PlainBm25::new(&products);
    let index = SearchIndex::build(Settings::default(), &products, 2);
    let (any, all) = (small(&products, Words::Any)?, small(&products, Words::All)?);
    let base = summarise(&queries, DEPTH, &mut |query| plain.rank(&query.text));
    let ours = |tolerance| {
        summarise(&queries, DEPTH, &mut |query| rank_with(&index, &query.text, tolerance))
    };
    println!("{} products, {} rated queries that count\n", products.len(), base.n_queries);
    println!(
        "| ranking | NDCG@10 full | less plain BM25 | condensed | less plain BM25 | judged@10 |"
    );
    println!("|---|---|---|---|---|---|");
    row("plain BM25, title and description, plurals stemmed", &base, &base);
    let ranked = summarise(&queries, DEPTH, &mut |query| any.rank(&query.text, 200));
    row("tantivy 0.27, any word", &ranked, &base);
    let ranked = summarise(&queries, DEPTH, &mut |query| all.rank(&query.text, 200));
    row("tantivy 0.27, all words", &ranked, &base);
    row("souk-search", &ours(Tolerance::Forgiving), &base);
    row("souk-search without forgiveness", &ours(Tolerance::Strict), &base);
    let texts: Vec<&str> = queries.iter().map(|query| query.text.as_str()).collect();
    let wrong = misspelled(&index, &texts, (MISSPELLED, SEED));
    println!(
        "\nsouk-search, {} misspelled queries keep {:.4} of the first ten",
        wrong.n_queries, wrong.recall
    );
    Ok(())
}

fn row(name: &str, ranked: &Summary, base: &Summary) {
    let values = |summary: &Summary, measure: fn(&souk_search::evaluate::Quality) -> f64| {
        summary.each.iter().map(measure).collect::<Vec<f64>>()
    };
    let less = |measure| {
        let Interval { mean, low, high } =
            paired_difference(&values(ranked, measure), &values(base, measure), SEED);
        format!("{mean:+.3} ({low:+.3} to {high:+.3})")
    };
    println!(
        "| {name} | {:.3} | {} | {:.3} | {} | {:.2} |",
        ranked.mean.full,
        less(|quality| quality.full),
        ranked.mean.condensed,
        less(|quality| quality.condensed),
        ranked.mean.judged,
    );
}

fn products(path: &Path) -> Result<Vec<Product>, Failure> {
    let text = std::fs::read_to_string(path)?;
    let mut products = Vec::new();
    for line in text.lines() {
        let value = serde_json::from_str(line)?;
        let read = product_from_json(&value, &SiteId::main(), Currency::USD);
        products.push(read.map_err(|faults| format!("{faults:?}"))?);
    }
    Ok(products)
}

/// Queries with their ratings; no field of these files has a comma in it.
fn queries(folder: &Path) -> Result<Vec<RatedQuery>, Failure> {
    let mut grades: HashMap<String, HashMap<String, u32>> = HashMap::new();
    for line in std::fs::read_to_string(folder.join("judgments.csv"))?.lines().skip(1) {
        let [query, product, grade] = line.split(',').collect::<Vec<_>>()[..] else {
            return Err(format!("no judgment: {line}").into());
        };
        grades.entry(query.to_owned()).or_default().insert(product.to_owned(), grade.parse()?);
    }
    let text = std::fs::read_to_string(folder.join("queries.csv"))?;
    let query = |line: &str| {
        let (id, text) = line.split_once(',')?;
        let grades = grades.remove(id).unwrap_or_default();
        Some(RatedQuery { id: id.to_owned(), text: text.to_owned(), grades })
    };
    Ok(text.lines().skip(1).filter_map(query).collect())
}
