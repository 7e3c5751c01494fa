//! The baseline: BM25 as textbooks have it, over title and description as one text, with plurals
//! stemmed and nothing else.

use std::collections::HashMap;

use souk_core::Product;

use crate::text::{Language, fold};

/// BM25 with k1 = 1.2 and b = 0.75 (Robertson and Zaragoza 2009, "The probabilistic relevance framework").
#[derive(Debug)]
pub struct PlainBm25 {
    ids: Vec<String>,
    lengths: Vec<f64>,
    mean_length: f64,
    postings: HashMap<String, Vec<(usize, f64)>>,
}

const K1: f64 = 1.2;
const B: f64 = 0.75;

impl PlainBm25 {
    /// Indexes products.
    pub fn new(products: &[Product]) -> PlainBm25 {
        let mut postings: HashMap<String, Vec<(usize, f64)>> = HashMap::new();
        let mut lengths = Vec::with_capacity(products.len());
        for (doc, product) in products.iter().enumerate() {
            let description = product.description.as_deref().unwrap_or_default();
            let words = words(&format!("{} {description}", product.title));
            lengths.push(words.len() as f64);
            let mut counts: HashMap<String, f64> = HashMap::new();
            words.into_iter().for_each(|word| *counts.entry(word).or_default() += 1.0);
            for (word, count) in counts {
                postings.entry(word).or_default().push((doc, count));
            }
        }
        let mean_length = lengths.iter().sum::<f64>() / lengths.len().max(1) as f64;
        let ids = products.iter().map(|product| product.id.as_str().to_owned()).collect();
        PlainBm25 { ids, lengths, mean_length, postings }
    }

    /// The products with any of the words, best first, 200 at most.
    pub fn rank(&self, query: &str) -> Vec<String> {
        let mut scores: HashMap<usize, f64> = HashMap::new();
        let n = self.ids.len() as f64;
        for word in words(query) {
            let Some(list) = self.postings.get(&word) else { continue };
            let df = list.len() as f64;
            let idf = (1.0 + (n - df + 0.5) / (df + 0.5)).ln();
            for (doc, count) in list {
                let norm = K1 * (1.0 - B + B * self.lengths[*doc] / self.mean_length);
                *scores.entry(*doc).or_default() += idf * count * (K1 + 1.0) / (count + norm);
            }
        }
        let mut ranked: Vec<(usize, f64)> = scores.into_iter().collect();
        ranked.sort_by(|left, right| right.1.total_cmp(&left.1).then(left.0.cmp(&right.0)));
        ranked.iter().take(200).map(|(doc, _)| self.ids[*doc].clone()).collect()
    }
}

fn words(text: &str) -> Vec<String> {
    let mut folded = String::new();
    fold(text, &mut folded);
    let runs = folded.split(|char: char| !char.is_alphanumeric()).filter(|run| !run.is_empty());
    runs.map(|run| Language::English.stem(run)).collect()
}
