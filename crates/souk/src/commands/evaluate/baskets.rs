//! `souk evaluate baskets`.

use std::path::Path;
use std::time::Instant;

use anyhow::Result;
use serde_json::{Value, json};
use souk_app::Names;
use souk_recommend::evaluate::baskets::{
    BasketMeasures, BasketMeasuresAt, BasketReport, BasketRow, BasketTask, SharedBy, Tuning,
    evaluate_baskets,
};
use souk_recommend::evaluate::metrics::percentile;
use souk_recommend::next_basket::{SIGNAL_NAMES, Weights};
use souk_recommend::{Item, Shopper};

use super::table::{BASKET, ITEM, USER, read};
use super::{four, nanoseconds, write_predictions};
use crate::cli::{EvaluateArgs, Output};
use crate::term::{self, columns};

pub(super) fn run(args: &EvaluateArgs, output: Output) -> Result<()> {
    let mut ids = BasketIds::default();
    let train = rows(&args.train, &mut ids)?;
    let valid = args.valid.as_deref().map(|path| rows(path, &mut ids)).transpose()?;
    let test = rows(&args.test, &mut ids)?;
    let ks: Vec<usize> = args.k.iter().map(|k| *k as usize).collect();
    let tuning = match &valid {
        _ if args.no_tune => Tuning::Fixed(Weights::default()),
        Some(valid) => Tuning::Valid(valid),
        None => Tuning::TrainTail,
    };
    let task = BasketTask { train: &train, test: &test, ks: &ks, tuning };
    let start = Instant::now();
    let report = evaluate_baskets(&task, &|| nanoseconds(start));
    if let Some(out) = &args.out {
        let rows = report.predictions.iter().flat_map(|(shopper, items)| {
            (1..).zip(items).map(|(rank, item): (u32, _)| {
                let user = ids.users.text(shopper.0).into();
                vec![user, rank.to_string().into(), ids.items.text(item.0).into()]
            })
        });
        write_predictions(out, "user_id,rank,item_id", rows)?;
    }
    term::print_result(output, &json_of(&report), text)?;
    Ok(())
}

#[derive(Debug, Default)]
pub(super) struct BasketIds {
    users: Names,
    baskets: Names,
    items: Names,
}

impl BasketIds {
    /// An item as its file names it.
    pub(super) fn item_name(&self, item: Item) -> &str {
        self.items.text(item.0)
    }
}

pub(super) fn rows(path: &Path, ids: &mut BasketIds) -> Result<Vec<BasketRow>> {
    let mut rows = Vec::new();
    read(path, [USER, BASKET, ITEM], &mut |[user, basket, item], at| {
        rows.push(BasketRow {
            shopper: Shopper(ids.users.intern(user)),
            basket: u64::from(ids.baskets.intern(basket)),
            item: Item(ids.items.intern(item)),
            time: at.as_ms(),
        });
    })?;
    Ok(rows)
}

fn measures(one: &BasketMeasures) -> Value {
    json!({"recall": one.recall, "ndcg": one.ndcg, "hit_rate": one.hit_rate, "users": one.n_shoppers})
}

fn at_each(list: &[BasketMeasuresAt]) -> Vec<Value> {
    let at = |one: &BasketMeasuresAt| {
        json!({
            "k": one.k,
            "all": measures(&one.all),
            "repeat": measures(&one.repeat),
            "new": measures(&one.new),
        })
    };
    list.iter().map(at).collect()
}

fn shared_by(one: &SharedBy) -> Value {
    json!({"people": one.people_min, "pairs": one.pairs, "model": at_each(&one.model)})
}

/// What would be left if lists rested only on what so many people share, for people.
pub(crate) fn shared_text(result: &Value) -> String {
    let number = |value: &Value| value.as_f64().unwrap_or(0.0);
    let heading = ["people behind a pair", "pairs left", "list", "recall", "NDCG"];
    let mut rows = vec![heading.map(str::to_owned).to_vec()];
    for shared in result["shared_by"].as_array().into_iter().flatten() {
        for one in shared["model"].as_array().into_iter().flatten() {
            let all = &one["all"];
            rows.push(vec![
                format!("at least {}", shared["people"]),
                format!("{:.2} %", 100.0 * number(&shared["pairs"])),
                format!("at {}", one["k"]),
                four(number(&all["recall"])),
                four(number(&all["ndcg"])),
            ]);
        }
    }
    columns(&rows)
        + "ranked lists are not suppressed: one person's weight in them is capped; reasons and counts that people \
           see are suppressed\n"
}

/// The report as `--output json` prints it.
pub(crate) fn json_of(report: &BasketReport) -> Value {
    let weights: serde_json::Map<String, Value> = SIGNAL_NAMES
        .iter()
        .zip(report.ranker.weights.values())
        .map(|(name, weight)| ((*name).to_owned(), json!(weight)))
        .collect();
    let us = |percent: f64| percentile(&report.latencies, percent) as f64 / 1_000.0;
    let trees = report.ranker.trees.as_ref();
    let gains: serde_json::Map<String, Value> = trees
        .iter()
        .flat_map(|trees| trees.importances())
        .map(|(name, share)| (name.to_owned(), json!(share)))
        .collect();
    let over =
        report.over_weighted_sum.iter().zip(&report.model).map(
            |(one, at)| json!({"k": at.k, "ndcg": one.mean, "low": one.low, "high": one.high}),
        );
    json!({
        "model": at_each(&report.model),
        "weighted_sum": at_each(&report.weighted_sum),
        "over_weighted_sum": over.collect::<Vec<_>>(),
        "trees": trees.map_or(0, |trees| trees.n_trees()),
        "tree_gains": gains,
        "judged": report.verdict.as_ref().map(crate::commands::models::judged),
        "personal_frequency": at_each(&report.personal_frequency),
        "popularity": at_each(&report.popularity),
        "shared_by": report.shared_by.iter().map(shared_by).collect::<Vec<_>>(),
        "latency_us": {"p50": us(50.0), "p90": us(90.0), "p99": us(99.0)},
        "weights": weights,
    })
}

/// The report for people.
pub(crate) fn text(result: &Value) -> String {
    let number = |value: &Value| value.as_f64().unwrap_or(0.0);
    let heading = ["", "recall", "NDCG", "HR", "users"].map(str::to_owned);
    let mut rows = vec![heading.to_vec()];
    let rankers = [
        ("model", "next basket"),
        ("weighted_sum", "without trees"),
        ("personal_frequency", "personal frequency"),
        ("popularity", "popularity"),
    ];
    for (name, label) in rankers {
        for one in result[name].as_array().into_iter().flatten() {
            for (part, suffix) in [("all", ""), ("repeat", ", repeated"), ("new", ", new")] {
                let scores = &one[part];
                let mut row = vec![format!("{label} at {}{suffix}", one["k"])];
                row.extend(["recall", "ndcg", "hit_rate"].map(|m| four(number(&scores[m]))));
                row.push(scores["users"].to_string());
                rows.push(row);
            }
        }
    }
    let mut text = columns(&rows);
    for one in result["over_weighted_sum"].as_array().into_iter().flatten() {
        text.push_str(&format!(
            "NDCG at {} above that without trees by {} (95 % interval {} to {})\n",
            one["k"],
            four(number(&one["ndcg"])),
            four(number(&one["low"])),
            four(number(&one["high"])),
        ));
    }
    text.push_str(&shared_text(result));
    let us = |name: &str| number(&result["latency_us"][name]);
    text.push_str(&format!(
        "a query takes {:.0} µs (p50), {:.0} (p90), {:.0} (p99)\n",
        us("p50"),
        us("p90"),
        us("p99")
    ));
    text
}
