//! `souk evaluate audience`.

use std::time::Instant;

use anyhow::{Result, anyhow};
use serde_json::{Value, json};
use souk_recommend::evaluate::audience::{
    AudienceLift, AudienceReport, AudienceTask, Band, BeforeAfter, ProductReliability, Reliability,
    TOP, evaluate_audience,
};
use souk_recommend::evaluate::bootstrap::Difference;
use souk_recommend::evaluate::metrics::percentile;

use super::baskets::{BasketIds, rows};
use super::nanoseconds;
use crate::cli::{AudienceArgs, Output};
use crate::failure::Failure;
use crate::term::{self, columns};

pub(super) fn run(args: &AudienceArgs, output: Output) -> Result<()> {
    let mut ids = BasketIds::default();
    let train = rows(&args.train, &mut ids)?;
    let test = rows(&args.test, &mut ids)?;
    let ks: Vec<usize> = args.k.iter().map(|k| *k as usize).collect();
    let products_max = args.products as usize;
    let reliability_max = args.reliability as usize;
    let task = AudienceTask { train: &train, test: &test, ks: &ks, products_max, reliability_max };
    let start = Instant::now();
    let report = evaluate_audience(&task, &|| nanoseconds(start)).ok_or_else(|| {
        let detail =
            "too few people bought the same products in the last four weeks before the cut";
        anyhow!(Failure::usage(format!("{}: {detail}", args.train.display())))
    })?;
    term::print_result(output, &json_of(&report, &ids), text)?;
    Ok(())
}

fn lifts(list: &[AudienceLift]) -> Vec<Value> {
    let of = |one: &AudienceLift| {
        json!({
            "k": one.k,
            "model": one.model,
            "frequency_and_recency": one.frequency_and_recency,
            "activity": one.activity,
            "over_baseline": one.over_baseline.mean,
            "low": one.over_baseline.low,
            "high": one.over_baseline.high,
            "products": one.over_baseline.n,
        })
    };
    list.iter().map(of).collect()
}

fn both(figure: BeforeAfter) -> Value {
    json!({"before": figure.before, "after": figure.after})
}

fn reliability_of(of: &Reliability, ids: &BasketIds) -> Value {
    let bands = |bands: &[Band]| -> Vec<Value> {
        let of = |(tenth, band): (usize, &Band)| {
            json!({
                "from": tenth as f64 / 10.0,
                "pairs": band.n,
                "said": band.said,
                "bought": band.bought,
            })
        };
        bands.iter().enumerate().map(of).collect()
    };
    let product = |one: &ProductReliability| {
        json!({
            "product": ids.item_name(one.item),
            "buyers": one.n_buyers,
            "said": both(one.said),
            "bought": one.bought,
            "top": TOP,
            "top_said": both(one.top_said),
            "top_bought": one.top_bought,
            "brier": both(one.brier),
            "log_loss": both(one.log_loss),
        })
    };
    let gain = |gain: &Difference| json!({"mean": gain.mean, "low": gain.low, "high": gain.high});
    let products: Vec<Value> = of.products.iter().map(product).collect();
    json!({
        "products": products,
        "bands_before": bands(&of.before),
        "bands_after": bands(&of.after),
        "brier_gain": gain(&of.brier_gain),
        "log_loss_gain": gain(&of.log_loss_gain),
        "curve_ms": {
            "p50": percentile(&of.latencies, 50.0) as f64 / 1e6,
            "p99": percentile(&of.latencies, 99.0) as f64 / 1e6,
        },
    })
}

fn json_of(report: &AudienceReport, ids: &BasketIds) -> Value {
    let ms = |percent: f64| percentile(&report.latencies, percent) as f64 / 1e6;
    json!({
        "all": lifts(&report.all),
        "newcomers": lifts(&report.newcomers),
        "people": report.n_people,
        "products": report.n_products,
        "own_estimate": {
            "lift_at_tenth": report.quality.lift,
            "baseline": report.quality.baseline_lift,
            "taught_by": report.quality.n_taught,
            "judged_by": report.quality.n_judged,
        },
        "reliability": reliability_of(&report.reliability, ids),
        "ranking_ms": {"p50": ms(50.0), "p99": ms(99.0)},
    })
}

fn text(result: &Value) -> String {
    let number = |value: &Value| value.as_f64().unwrap_or(0.0);
    let heading = [
        "lift of the best",
        "k",
        "learned",
        "frequency, recency",
        "activity",
        "gain",
        "95 % interval",
        "products",
    ];
    let mut rows = vec![heading.map(str::to_owned).to_vec()];
    for (name, label) in [("all", "all people"), ("newcomers", "never bought it")] {
        for one in result[name].as_array().into_iter().flatten() {
            let two = |name: &str| format!("{:.3}", number(&one[name]));
            rows.push(vec![
                label.to_owned(),
                one["k"].to_string(),
                two("model"),
                two("frequency_and_recency"),
                two("activity"),
                two("over_baseline"),
                format!("{} to {}", two("low"), two("high")),
                one["products"].to_string(),
            ]);
        }
    }
    let own = &result["own_estimate"];
    let lifts = columns(&rows);
    format!(
        "{lifts}{} people; the model took itself for a lift of {:.2} at the best tenth (baseline {:.2}); a ranking \
         of all takes {:.1} ms\n\n{}",
        result["people"],
        number(&own["lift_at_tenth"]),
        number(&own["baseline"]),
        number(&result["ranking_ms"]["p50"]),
        reliability_text(&result["reliability"]),
    )
}

fn reliability_text(result: &Value) -> String {
    let number = |value: &Value| value.as_f64().unwrap_or(0.0);
    let two = |value: &Value, digits: usize| {
        let [before, after] = [&value["before"], &value["after"]].map(number);
        format!("{before:.digits$} -> {after:.digits$}")
    };
    let list = |name: &str| result[name].as_array().map_or(&[][..], Vec::as_slice);
    let heading = [
        "product",
        "buyers",
        "said to buy",
        "bought",
        "likeliest said",
        "bought",
        "Brier score",
        "log loss",
    ];
    let mut products = vec![heading.map(str::to_owned).to_vec()];
    for one in list("products") {
        products.push(vec![
            one["product"].as_str().unwrap_or_default().to_owned(),
            one["buyers"].to_string(),
            two(&one["said"], 0),
            one["bought"].to_string(),
            two(&one["top_said"], 1),
            format!("{} of {}", one["top_bought"], one["top"]),
            two(&one["brier"], 4),
            two(&one["log_loss"], 4),
        ]);
    }
    let heading = ["likelihood", "pairs before", "said", "bought", "pairs after", "said", "bought"];
    let mut bands = vec![heading.map(str::to_owned).to_vec()];
    for (before, after) in list("bands_before").iter().zip(list("bands_after")) {
        let from = number(&before["from"]);
        let mut row = vec![format!("{from:.1} to {:.1}", from + 0.1)];
        for band in [before, after] {
            let n = number(&band["pairs"]).max(1.0);
            row.push(band["pairs"].to_string());
            row.push(format!("{:.3}", number(&band["said"]) / n));
            row.push(format!("{:.3}", number(&band["bought"]) / n));
        }
        bands.push(row);
    }
    let gain = |name: &str| {
        let [mean, low, high] = ["mean", "low", "high"].map(|part| number(&result[name][part]));
        format!("{mean:.5} ({low:.5} to {high:.5})")
    };
    format!(
        "{}\n{}the curve lowers the Brier score by {}, the log loss by {}; it takes {:.1} ms a product\n",
        columns(&products),
        columns(&bands),
        gain("brier_gain"),
        gain("log_loss_gain"),
        number(&result["curve_ms"]["p50"]),
    )
}
