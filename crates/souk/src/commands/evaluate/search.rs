//! `souk evaluate search`.

mod meaning;
mod tune;

pub(super) use tune::run as tune;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Result, anyhow};
use serde_json::{Value, json};
use souk_core::wire::json::product_from_json;
use souk_core::{Currency, Product, SiteId};
use souk_search::evaluate::{
    Misspelled, PlainBm25, Quality, RatedQuery, Summary, misspelled, paired_difference, rank_with,
    summarise,
};
use souk_search::{Language, SearchIndex, Settings, Tolerance};

use super::super::pii::for_each_line;
use super::table::{ITEM, read_untimed};
use super::{four, write_predictions};
use crate::cli::{RatedArgs, SearchEvaluateArgs};
use crate::failure::Failure;
use crate::settings::Settings as Shop;
use crate::term::{self, columns};

const QUERY: &[&str] = &["query_id"];
const TEXT: &[&str] = &["query"];
const GRADE: &[&str] = &["grade", "rating"];

pub(super) fn run(args: &SearchEvaluateArgs, settings: &Shop) -> Result<()> {
    let search = &settings.config.search;
    let Rated { products, queries, mut index, index_seconds } = Rated::read(&args.rated)?;
    let k = usize::from(args.rated.k);
    index.set_meaning_shares(search.meaning.to_engine());
    let model = meaning::Asked { args: &args.rated, mode: &args.mode, settings: search };
    let meant = meaning::Meant::of(&model, (&products, &mut index))?;
    let mut latencies = Vec::new();
    let ours = summarise(&queries, k, &mut |query| {
        let start = Instant::now();
        let ranking = meant.rank(&index, &query.text);
        latencies.push(start.elapsed().as_secs_f64() * 1e3);
        ranking
    });
    let lexical = meant.is_used().then(|| {
        summarise(&queries, k, &mut |query| rank_with(&index, &query.text, Tolerance::Forgiving))
    });
    let strict =
        summarise(&queries, k, &mut |query| rank_with(&index, &query.text, Tolerance::Strict));
    let plain = PlainBm25::new(&products);
    let baseline = summarise(&queries, k, &mut |query| plain.rank(&query.text));
    if let Some(out) = &args.out {
        let rows = queries.iter().flat_map(|query| {
            let ranking = meant.rank(&index, &query.text);
            (1..).zip(ranking).map(|(rank, product): (u32, _)| {
                vec![query.id.as_str().into(), rank.to_string().into(), product.into()]
            })
        });
        write_predictions(out, "query_id,rank,product_id", rows)?;
    }
    latencies.sort_unstable_by(f64::total_cmp);
    let mut result = json!({
        "products": products.len(),
        "queries": ours.n_queries,
        "k": k,
        "search": json_of(&ours),
        "without_tolerance": json_of(&strict),
        "plain_bm25": json_of(&baseline),
        "over_plain_bm25": difference(&ours, &baseline, args.rated.seed),
        "index_seconds": index_seconds,
        "latency_ms": {"p50": percentile(&latencies, 0.5), "p99": percentile(&latencies, 0.99)},
    });
    if let Some(lexical) = lexical {
        result["words_alone"] = json_of(&lexical);
        result["over_words_alone"] = difference(&ours, &lexical, args.rated.seed);
        result["embedder"] = meant.to_json();
    }
    if args.misspell > 0 {
        let texts: Vec<&str> = queries.iter().map(|query| query.text.as_str()).collect();
        let outcome = misspelled(&index, &texts, (args.misspell as usize, args.rated.seed));
        result["misspelled"] = misspelled_json(&outcome);
    }
    Ok(term::print_result(settings.output, &result, text)?)
}

/// What is measured on.
pub(super) struct Rated {
    pub(super) products: Vec<Product>,
    pub(super) queries: Vec<RatedQuery>,
    pub(super) index: SearchIndex,
    pub(super) index_seconds: f64,
}

impl Rated {
    pub(super) fn read(args: &RatedArgs) -> Result<Rated> {
        let file = |named: &Option<PathBuf>, name: &str| match (&args.folder, named) {
            (Some(folder), _) => folder.join(name),
            (None, Some(path)) => path.clone(),
            (None, None) => PathBuf::from(name),
        };
        let products = products(&file(&args.products, "products.jsonl"))?;
        let queries =
            queries(&file(&args.queries, "queries.csv"), &file(&args.judgments, "judgments.csv"))?;
        let start = Instant::now();
        let settings = Settings::new(Language::from_tag(&args.language), &[]);
        let index = SearchIndex::build(settings, &products, 2);
        let index_seconds = start.elapsed().as_secs_f64();
        Ok(Rated { products, queries, index, index_seconds })
    }
}

fn products(path: &Path) -> Result<Vec<Product>> {
    let mut products = Vec::new();
    for_each_line(path, &mut |value: Value| {
        let product = product_from_json(&value, &SiteId::main(), Currency::USD);
        products.push(product.map_err(|faults| {
            let fault = faults.first().map(|f| format!("{} {}", f.pointer, f.detail));
            wrong(path, &format!("{}: {}", value["id"], fault.unwrap_or_default()))
        })?);
        Ok(())
    })?;
    Ok(products)
}

fn wrong(path: &Path, reason: &str) -> anyhow::Error {
    anyhow!(Failure::usage(format!("{}: {reason}", path.display())))
}

fn queries(queries: &Path, judgments: &Path) -> Result<Vec<RatedQuery>> {
    let mut grades: HashMap<String, HashMap<String, u32>> = HashMap::new();
    let mut bad = None;
    read_untimed(judgments, [QUERY, ITEM, GRADE], &mut |[query, product, grade]| match grade
        .parse::<u32>()
    {
        Ok(grade) => {
            grades.entry(query.to_owned()).or_default().insert(product.to_owned(), grade);
        }
        Err(_) => bad = Some(format!("grade `{grade}` is no whole number from 0")),
    })?;
    if let Some(reason) = bad {
        return Err(wrong(judgments, &reason));
    }
    let mut found = Vec::new();
    read_untimed(queries, [QUERY, TEXT], &mut |[id, text]| {
        let grades = grades.remove(id).unwrap_or_default();
        found.push(RatedQuery { id: id.to_owned(), text: text.to_owned(), grades });
    })?;
    match grades.keys().next() {
        Some(id) => Err(wrong(queries, &format!("query `{id}` is rated but not there"))),
        None => Ok(found),
    }
}

fn percentile(sorted: &[f64], share: f64) -> f64 {
    let place = ((sorted.len() as f64 * share).ceil() as usize).clamp(1, sorted.len().max(1));
    sorted.get(place - 1).copied().unwrap_or(0.0)
}

fn json_of(summary: &Summary) -> Value {
    json!({
        "ndcg_full": summary.mean.full,
        "ndcg_condensed": summary.mean.condensed,
        "judged": summary.mean.judged,
    })
}

fn difference(ours: &Summary, theirs: &Summary, seed: u64) -> Value {
    let between = |measure: fn(&Quality) -> f64| {
        let of = |summary: &Summary| summary.each.iter().map(measure).collect::<Vec<f64>>();
        let interval = paired_difference(&of(ours), &of(theirs), seed);
        json!({"mean": interval.mean, "low": interval.low, "high": interval.high})
    };
    json!({
        "ndcg_full": between(|quality| quality.full),
        "ndcg_condensed": between(|quality| quality.condensed),
    })
}

fn misspelled_json(outcome: &Misspelled) -> Value {
    json!({
        "queries": outcome.n_queries,
        "recall_at_10": outcome.recall,
        "lost": outcome.lost.iter().take(20).collect::<Vec<_>>(),
    })
}

fn text(result: &Value) -> String {
    let number = |value: &Value| four(value.as_f64().unwrap_or(0.0));
    let k = &result["k"];
    let head =
        ["", &format!("NDCG@{k} full"), &format!("NDCG@{k} condensed"), &format!("judged@{k}")];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    for (key, name) in [
        ("search", "search"),
        ("words_alone", "words alone"),
        ("without_tolerance", "without typing tolerance"),
        ("plain_bm25", "plain BM25, title and description"),
    ] {
        if result[key].is_null() {
            continue;
        }
        let cells = ["ndcg_full", "ndcg_condensed", "judged"].map(|m| number(&result[key][m]));
        rows.push([name.to_owned()].into_iter().chain(cells).collect());
    }
    let between = |over: &str, measure: &str| {
        let d = &result[over][measure];
        format!("{} ({} to {})", number(&d["mean"]), number(&d["low"]), number(&d["high"]))
    };
    for (over, name) in [
        ("over_plain_bm25", "over plain BM25, 95 %"),
        ("over_words_alone", "over words alone, 95 %"),
    ] {
        if !result[over].is_null() {
            let cells = ["ndcg_full", "ndcg_condensed"].map(|measure| between(over, measure));
            rows.push([name.to_owned()].into_iter().chain(cells).collect());
        }
    }
    let mut out =
        format!("{} products, {} rated queries\n\n", result["products"], result["queries"]);
    out.push_str(&columns(&rows));
    out.push_str(&format!(
        "\nindexed in {:.2} s; 200 hits in {:.2} ms (median), {:.2} ms (99 %)\n",
        result["index_seconds"].as_f64().unwrap_or(0.0),
        result["latency_ms"]["p50"].as_f64().unwrap_or(0.0),
        result["latency_ms"]["p99"].as_f64().unwrap_or(0.0),
    ));
    if let Some(embedder) = result.get("embedder") {
        let name = embedder["name"].as_str().unwrap_or_default();
        let seconds = number(&embedder["seconds"]);
        out.push_str(&format!("vectors of {name} in {seconds} s\n"));
    }
    if let Some(outcome) = result.get("misspelled") {
        let (n, recall) = (&outcome["queries"], number(&outcome["recall_at_10"]));
        out.push_str(&format!("{n} misspelled queries keep {recall} of their first ten\n"));
    }
    out
}
