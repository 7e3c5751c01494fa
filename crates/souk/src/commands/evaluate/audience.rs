//! `souk evaluate audience`.

use std::time::Instant;

use anyhow::{Result, anyhow};
use serde_json::{Value, json};
use souk_recommend::evaluate::audience::{
    AudienceLift, AudienceReport, AudienceTask, evaluate_audience,
};
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
    let task = AudienceTask { train: &train, test: &test, ks: &ks, products_max };
    let start = Instant::now();
    let report = evaluate_audience(&task, &|| nanoseconds(start)).ok_or_else(|| {
        let detail =
            "too few people bought the same products in the last four weeks before the cut";
        anyhow!(Failure::usage(format!("{}: {detail}", args.train.display())))
    })?;
    term::print_result(output, &json_of(&report), text)?;
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

fn json_of(report: &AudienceReport) -> Value {
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
    format!(
        "{}{} people; the model took itself for a lift of {:.2} at the best tenth (baseline {:.2}); a ranking \
         of all takes {:.1} ms\n",
        columns(&rows),
        result["people"],
        number(&own["lift_at_tenth"]),
        number(&own["baseline"]),
        number(&result["ranking_ms"]["p50"]),
    )
}
