//! Answers queries over a catalogue file, for reading: `catalogue products.jsonl < queries.txt`.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::io::BufRead;

use souk_core::wire::json::product_from_json;
use souk_core::{Currency, SiteId};
use souk_search::{SearchIndex, SearchRequest, Settings};

fn main() {
    let path = std::env::args().nth(1).expect("give a file of products, one JSON object a line");
    let text = std::fs::read_to_string(path).unwrap();
    let products: Vec<_> = text
        .lines()
        .map(|line| {
            let value = serde_json::from_str(line).unwrap();
            product_from_json(&value, &SiteId::main(), Currency::USD).unwrap()
        })
        .collect();
    let titles: std::collections::HashMap<_, _> =
        products.iter().map(|product| (product.id.as_str(), product.title.as_str())).collect();
    let index = SearchIndex::build(Settings::default(), &products, 2);
    for query in std::io::stdin().lock().lines() {
        let query = query.unwrap();
        let answer = index.search(&SearchRequest::new(query.as_str())).unwrap();
        println!("\n## {query}  ({} found)", answer.total);
        for (name, said) in [
            ("corrected", format!("{:?}", answer.corrected)),
            ("understood", format!("{:?}", answer.understood)),
            ("relaxed", format!("{:?}", answer.relaxed)),
        ] {
            if said != "None" && said != "[]" {
                println!("   {name}: {said}");
            }
        }
        for hit in answer.hits {
            let parts = hit.parts;
            println!("   {:6.2} ({:.2}) {}", hit.score, parts.title, titles[hit.id.as_str()]);
        }
    }
}
