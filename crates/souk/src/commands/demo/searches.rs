//! What the demo's shop answers to ordinary queries, and how fast.

use std::fmt::Write;
use std::time::{Duration, Instant};

use anyhow::Result;
use serde_json::{Value, json};
use souk_app::{SearchQuery, search_to_json};
use souk_recommend::evaluate::metrics::percentile_of_sorted;

use super::caller;
use crate::job::Shop;
use crate::term::columns;

/// What shoppers of a grocer type, typing errors among it.
const QUERIES: [&str; 20] = [
    "oat milk",
    "gluten free pasta",
    "cheap dog food",
    "orgnic banana",
    "snacks for kids lunch",
    "ground beef",
    "diet soda 12 pack",
    "shampo",
    "paper towels",
    "chocolate ice cream",
    "frozen pizza under 5",
    "baby wipes",
    "whole wheat bread",
    "tomatoe soup",
    "laundry detergent",
    "greek yogurt",
    "coffee beans",
    "cat litter",
    "orange juice",
    "toothpaste",
];
/// Hits that the report shows.
const SHOWN: usize = 3;
/// How often each query is timed.
const ROUNDS: usize = 25;
/// How long the report waits for the index; chosen: building that of a hundred thousand products takes some seconds.
const PATIENCE: Duration = Duration::from_secs(120);

/// Asks every query, then all of them again with the clock running.
pub(super) async fn measure(shop: &Shop) -> Result<Value> {
    shop.app.wait_searchable(PATIENCE).await?;
    let mut answers = Vec::new();
    for query in QUERIES {
        let found = shop.app.search(&SearchQuery::new(query, SHOWN), &caller()).await?;
        let answer: Value = serde_json::from_str(&search_to_json(&found))?;
        answers.push(json!({"query": query, "answer": answer}));
    }
    let mut times = Vec::with_capacity(QUERIES.len() * ROUNDS);
    for _ in 0..ROUNDS {
        for query in QUERIES {
            let started = Instant::now();
            shop.app.search(&SearchQuery::new(query, 10), &caller()).await?;
            times.push(started.elapsed().as_micros() as u64);
        }
    }
    times.sort_unstable();
    let at = |percent| percentile_of_sorted(&times, percent);
    Ok(json!({"answers": answers, "us": {"p50": at(50.0), "p99": at(99.0)}, "asked": times.len()}))
}

/// The same for people.
pub(super) fn text(searched: &Value, text: &mut String) {
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    text.push_str("\nTwenty searches, with the first three of what they find\n");
    let mut rows = Vec::new();
    for one in searched["answers"].as_array().into_iter().flatten() {
        let answer = &one["answer"];
        let read = match &answer["query"]["corrected"] {
            Value::String(corrected) => format!("  {} → {corrected}", word(&one["query"])),
            _ => format!("  {}", word(&one["query"])),
        };
        let hits = answer["hits"].as_array().into_iter().flatten();
        let short =
            |hit: &Value| word(&hit["product"]["title"]).chars().take(32).collect::<String>();
        let titles: Vec<String> = hits.map(short).collect();
        rows.push(vec![read, answer["total"].to_string(), titles.join(" · ")]);
    }
    text.push_str(&columns(&rows));
    let ms = |at: &str| searched["us"][at].as_f64().unwrap_or_default() / 1_000.0;
    let _ = writeln!(
        text,
        "  ten hits in this process: p50 {:.2} ms, p99 {:.2} ms over {} searches",
        ms("p50"),
        ms("p99"),
        searched["asked"]
    );
}
