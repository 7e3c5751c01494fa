//! `souk report searches --against`: two configurations side by side.

use std::path::Path;

use anyhow::{Result, anyhow};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use souk_app::{Caller, Config, SearchSettings, SearchSide};
use souk_core::ProductId;

use super::report::Searches;
use crate::failure::Failure;
use crate::job::{Job, Shop};
use crate::settings::Settings;
use crate::term::columns;

/// Queries that are shown with their products, those that differ most.
const SHOWN: usize = 10;
/// Letters of a title in a table of two columns.
const TITLE: usize = 44;

/// Which queries, the other settings, and how many of the first products.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Compared {
    asked: Searches,
    other: SearchSettings,
    k: usize,
}

pub(crate) async fn run(
    (asked, file, places): (Searches, &Path, u8),
    settings: &Settings,
) -> Result<()> {
    let other = Config::load(file, []);
    let other = other.map_err(|error| anyhow!(Failure::usage(format!("--against: {error}"))))?;
    let compared = Compared { asked, other: other.search, k: usize::from(places) };
    super::finish(settings, &Job::CompareSearches(Box::new(compared)), said).await
}

pub(crate) async fn compare(shop: &Shop, compared: &Compared) -> Result<Value> {
    let Compared { asked, other, k } = compared;
    let query = asked.query()?;
    let admin = Caller::local_admin();
    let comparison = shop.app.compare_searches((&query, *k), other, &admin).await?;
    let side = |side: &SearchSide| {
        let product =
            |(id, title): &(ProductId, String)| json!({"product_id": id.as_str(), "title": title});
        json!({
            "total": side.total,
            "products": side.products.iter().map(product).collect::<Vec<_>>(),
            "taken_up": side.taken_up,
        })
    };
    let rows = comparison.queries.iter().map(|one| {
        json!({
            "site": one.figures.site,
            "query": one.figures.query,
            "searches": one.figures.searches,
            "differs": one.differs(),
            "overlap": one.overlap,
            "now": side(&one.now),
            "other": side(&one.other),
        })
    });
    Ok(json!({"places": comparison.k, "rows": rows.collect::<Vec<_>>()}))
}

fn said(result: &Value) -> String {
    let rows = result["rows"].as_array().map_or(&[][..], Vec::as_slice);
    if rows.is_empty() {
        return "no queries of enough people are known; send shoppers' searches with their ids first\n"
            .to_owned();
    }
    let mut differing: Vec<&Value> =
        rows.iter().filter(|row| row["differs"] == json!(true)).collect();
    differing.sort_by(|a, b| overlap(a).total_cmp(&overlap(b)));
    let mut text = String::new();
    for row in differing.iter().take(SHOWN) {
        let mut table = vec![vec![String::new(), found(row, "now"), found(row, "other")]];
        let (now, other) = (titles(&row["now"]), titles(&row["other"]));
        for place in 0..now.len().max(other.len()) {
            let cell = |of: &[String]| of.get(place).cloned().unwrap_or_default();
            table.push(vec![format!("{}", place + 1), cell(&now), cell(&other)]);
        }
        let query = row["query"].as_str().unwrap_or_default();
        text.push_str(&format!("{query}\n{}\n", columns(&table)));
    }
    let n = rows.len();
    let finds = |row: &Value, side: &str| row[side]["total"].as_u64() > Some(0);
    let only = |side: &str, not: &str| {
        rows.iter().filter(|row| finds(row, side) && !finds(row, not)).count()
    };
    let kept = rows.iter().map(overlap).sum::<f64>() / n as f64;
    text.push_str(&format!(
        "{} of {n} queries are answered differently; of the first {} products {:.0} % stay; \
         {} find something only now, {} only with the other settings\n",
        differing.len(),
        result["places"],
        100.0 * kept,
        only("now", "other"),
        only("other", "now"),
    ));
    text.push_str(&said_of_taken_up(rows));
    text
}

fn overlap(row: &Value) -> f64 {
    row["overlap"].as_f64().unwrap_or(0.0)
}

/// A side's name with how many products it found.
fn found(row: &Value, side: &str) -> String {
    let total = &row[side]["total"];
    format!("{side}: {total} found")
}

fn titles(side: &Value) -> Vec<String> {
    let products = side["products"].as_array().into_iter().flatten();
    let title = |product: &Value| -> String {
        let title = product["title"].as_str().unwrap_or_default();
        title.chars().take(TITLE).collect()
    };
    products.map(title).collect()
}

/// Where what people took up stands, by the queries of which anything is known of that.
fn said_of_taken_up(rows: &[Value]) -> String {
    let of = |side: &str| -> Vec<f64> {
        rows.iter().filter_map(|row| row[side]["taken_up"].as_f64()).collect()
    };
    let [now, other] = ["now", "other"].map(of);
    if now.is_empty() {
        return "nothing is known of what people took up after these queries\n".to_owned();
    }
    let mean = |of: &[f64]| of.iter().sum::<f64>() / of.len() as f64;
    format!(
        "how near to the top stands what people took up, from 0 to 1, over {} queries: {:.3} now, {:.3} with the other \
         settings; it favours the order that they were shown\n",
        now.len(),
        mean(&now),
        mean(&other),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_most_is_shown_first_and_sums_follow() {
        let side = |total: u64, titles: &[&str], taken_up: Option<f64>| {
            let products: Vec<Value> = titles.iter().map(|title| json!({"title": title})).collect();
            json!({"total": total, "products": products, "taken_up": taken_up})
        };
        let row = |query: &str, differs: bool, overlap: f64, sides: [Value; 2]| {
            let [now, other] = sides;
            json!({"query": query, "differs": differs, "overlap": overlap, "now": now, "other": other})
        };
        let rows = [
            row(
                "tea",
                true,
                0.5,
                [
                    side(9, &["Green tea", "Mint tea"], Some(0.5)),
                    side(9, &["Pot", "Green tea"], Some(1.0)),
                ],
            ),
            row("same", false, 1.0, [side(1, &["One"], None), side(1, &["One"], None)]),
            row("gone", true, 0.0, [side(0, &[], None), side(2, &["Found"], None)]),
        ];
        let text = said(&json!({"places": 2, "rows": rows}));
        let (gone, tea) = (text.find("gone\n").unwrap(), text.find("tea\n").unwrap());
        assert!(gone < tea && !text.contains("same\n"), "{text}");
        assert!(text.contains("now: 9 found") && text.contains("Mint tea"), "{text}");
        assert!(text.contains("2 of 3 queries") && text.contains("2 products 50 % stay"), "{text}");
        assert!(text.contains("0 find something only now, 1 only with"), "{text}");
        assert!(text.contains("over 1 queries: 0.500 now, 1.000 with"), "{text}");
        assert!(said(&json!({"places": 2, "rows": []})).starts_with("no queries"));
    }
}
