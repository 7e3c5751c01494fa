//! `souk evaluate ratings`.

use std::path::Path;
use std::time::Instant;

use anyhow::Result;
use serde_json::{Value, json};
use souk_recommend::evaluate::metrics::percentile;
use souk_recommend::evaluate::ratings::{
    RatingMeasures, RatingParams, RatingReport, RatingRow, RatingTask, RatingTuning,
    Seen as SeenItems, evaluate_ratings,
};
use souk_recommend::{Item, Shopper};

use super::table::{ITEM, Ids, USER, read};
use super::{four, nanoseconds, write_predictions};
use crate::cli::{EvaluateArgs, Output, Seen};
use crate::term::{self, columns};

pub(super) fn run(args: &EvaluateArgs, output: Output) -> Result<()> {
    let (mut users, mut items) = (Ids::default(), Ids::default());
    let mut load = |path: &Path| rows(path, (&mut users, &mut items));
    let train = load(&args.train)?;
    let valid = args.valid.as_deref().map(&mut load).transpose()?;
    let test = load(&args.test)?;
    let tokens = match &args.items {
        Some(path) => read_tokens(path, &mut items)?,
        None => Vec::new(),
    };
    let ks: Vec<usize> = args.k.iter().map(|k| *k as usize).collect();
    let seen = match args.seen {
        Seen::Exclude => SeenItems::Exclude,
        Seen::Include => SeenItems::Include,
    };
    let tuning = match &valid {
        _ if args.no_tune => RatingTuning::Fixed(RatingParams::default()),
        Some(valid) => RatingTuning::Valid(valid),
        // A hold-out that was made as the test was made tells the most about it.
        None => RatingTuning::like_the_test(&train, &test),
    };
    let task =
        RatingTask { train: &train, test: &test, ks: &ks, seen, tuning, attributes: &tokens };
    let start = Instant::now();
    let report = evaluate_ratings(&task, &|| nanoseconds(start));
    if let Some(out) = &args.out {
        let rows = report.predictions.iter().flat_map(|(shopper, list)| {
            (1..).zip(list).map(|(rank, item): (u32, _)| {
                let user = users.text(shopper.0).into();
                vec![user, rank.to_string().into(), items.text(item.0).into()]
            })
        });
        write_predictions(out, "user_id,rank,item_id", rows)?;
    }
    term::print_result(output, &json_of(&report), text)?;
    Ok(())
}

fn rows(path: &Path, (users, items): (&mut Ids, &mut Ids)) -> Result<Vec<RatingRow>> {
    let mut rows = Vec::new();
    read(path, [USER, ITEM], &mut |[user, item], at| {
        rows.push(RatingRow {
            shopper: Shopper(users.number(user)),
            item: Item(items.number(item)),
            time: at.as_ms(),
        });
    })?;
    Ok(rows)
}

/// The words and attributes of each item, as numbers; items that no row names are passed over.
fn read_tokens(path: &Path, items: &mut Ids) -> Result<Vec<Vec<u32>>> {
    let mut words = Ids::default();
    let mut tokens: Vec<Vec<u32>> = Vec::new();
    let text = std::fs::read_to_string(path)
        .map_err(|source| souk_app::AppError::File { path: path.display().to_string(), source })?;
    for (line, text) in (1u64..).zip(text.lines()).filter(|(_, text)| !text.trim().is_empty()) {
        let product: Value = serde_json::from_str(text).map_err(|error| {
            souk_app::AppError::invalid(
                "bad_file",
                "items",
                format!("{} line {line}: {error}", path.display()),
            )
        })?;
        let Some(id) = product["id"].as_str() else { continue };
        let number = items.number(id) as usize;
        if tokens.len() <= number {
            tokens.resize(number + 1, Vec::new());
        }
        let mut found = Vec::new();
        collect(&product, "", &mut |word| found.push(words.number(word)));
        found.sort_unstable();
        found.dedup();
        tokens[number] = found;
    }
    Ok(tokens)
}

/// Calls `take` with each word of titles, brands and categories, and each attribute's value.
fn collect(value: &Value, name: &str, take: &mut dyn FnMut(&str)) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields.iter().filter(|(key, _)| *key != "id") {
                collect(value, key, take);
            }
        }
        Value::Array(values) => values.iter().for_each(|value| collect(value, name, take)),
        Value::String(text) if matches!(name, "title" | "description") => {
            text.split(|c: char| !c.is_alphanumeric())
                .filter(|word| word.chars().count() > 1)
                .for_each(|word| take(&word.to_lowercase()));
        }
        Value::String(text) => take(&format!("{name}={}", text.to_lowercase())),
        _ => {}
    }
}

fn json_of(report: &RatingReport) -> Value {
    let measures = |list: &[RatingMeasures]| -> Vec<Value> {
        let at = |one: &RatingMeasures| json!({"k": one.k, "recall": one.recall, "ndcg": one.ndcg, "coverage": one.coverage});
        list.iter().map(at).collect()
    };
    let us = |percent: f64| percentile(&report.latencies, percent) as f64 / 1_000.0;
    json!({
        "model": measures(&report.model),
        "popularity": measures(&report.popularity),
        "users": report.predictions.len(),
        "latency_us": {"p50": us(50.0), "p90": us(90.0), "p99": us(99.0)},
        "parameters": format!("{:?}", report.params),
    })
}

fn text(result: &Value) -> String {
    let number = |value: &Value| value.as_f64().unwrap_or(0.0);
    let mut rows = vec![["", "recall", "NDCG", "coverage"].map(str::to_owned).to_vec()];
    for (name, label) in [("model", "souk"), ("popularity", "popularity")] {
        for one in result[name].as_array().into_iter().flatten() {
            let mut row = vec![format!("{label} at {}", one["k"])];
            row.extend(["recall", "ndcg", "coverage"].map(|m| four(number(&one[m]))));
            rows.push(row);
        }
    }
    let parameters = result["parameters"].as_str().unwrap_or_default();
    format!("{}{} users; {parameters}\n", columns(&rows), result["users"])
}
