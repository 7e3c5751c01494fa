//! `souk evaluate sessions`.

use std::path::Path;
use std::time::Instant;

use anyhow::Result;
use serde_json::{Value, json};
use souk_app::Names;
use souk_app::config::SessionSettings;
use souk_recommend::evaluate::bootstrap::{Difference, paired_bootstrap};
use souk_recommend::evaluate::sessions::{
    SessionProtocol, SessionReport, SessionRow, SessionScores, TuneBudget, evaluate_sessions,
    learn_mixture, tune_sessions,
};
use souk_recommend::session::{SessionMixture, SessionParams};

use super::table::{ITEM, SESSION, read};
use super::{TUNING_MAX, four, nanoseconds, write_predictions};
use crate::cli::{EvaluateArgs, Output};
use crate::term::{self, columns, say};

pub(super) fn run(args: &EvaluateArgs, output: Output) -> Result<()> {
    let (mut sessions, mut items) = (Names::default(), Names::default());
    let mut load = |path: &Path| rows(path, (&mut sessions, &mut items));
    let train = load(&args.train)?;
    let valid = args.valid.as_deref().map(&mut load).transpose()?;
    let test = load(&args.test)?;
    let params =
        if args.no_tune { SessionParams::default() } else { tune(&train, valid.as_deref()) };
    let mixture = if args.no_tune { None } else { mix(&train, valid.as_deref(), params) };
    // What was chosen on the validation part may learn from it as well.
    let train = valid.into_iter().fold(train, |mut train, valid| {
        train.extend(valid);
        train
    });
    let mut reports = Vec::new();
    let largest = args.k.iter().copied().max().unwrap_or(20);
    for k in &args.k {
        let start = Instant::now();
        let evaluate = |mixture: Option<&SessionMixture>| {
            let protocol = SessionProtocol { params, mixture, k: *k as usize };
            evaluate_sessions(&train, &test, &protocol, &mut || nanoseconds(start))
        };
        let report = evaluate(mixture.as_ref());
        let one_reading = mixture.as_ref().map(|_| evaluate(None));
        reports.push(json_of(*k, (&report, one_reading.as_ref())));
        if *k == largest
            && let Some(out) = &args.out
        {
            let rows = report.predictions.iter().map(|one| {
                vec![
                    sessions.text(one.session).into(),
                    one.step.to_string().into(),
                    one.rank.to_string().into(),
                    items.text(one.item).into(),
                ]
            });
            write_predictions(out, "session_id,step,rank,item_id", rows)?;
        }
    }
    let gains: serde_json::Map<String, Value> = mixture
        .iter()
        .flat_map(|mixture| mixture.trees().importances())
        .map(|(name, share)| (name.to_owned(), json!(share)))
        .collect();
    let trees = mixture.as_ref().map_or(0, |mixture| mixture.trees().n_trees());
    let settings = SessionSettings::from(params);
    let part = settings.to_yaml();
    let result = json!({
        "reports": reports,
        "settings": {"recommendations": {"session": settings}},
        "trees": trees,
        "tree_gains": gains,
    });
    let said =
        |result: &Value| format!("{}read with these settings of souk.yaml:\n{part}", text(result));
    term::print_result(output, &result, said)?;
    Ok(())
}

pub(super) fn rows(
    path: &Path,
    (sessions, items): (&mut Names, &mut Names),
) -> Result<Vec<SessionRow>> {
    let mut rows = Vec::new();
    read(path, [SESSION, ITEM], &mut |[session, item], at| {
        rows.push(SessionRow {
            session: sessions.intern(session),
            item: items.intern(item),
            time: at.as_ms() as f64 / 1_000.0,
        });
    })?;
    Ok(rows)
}

fn tune(train: &[SessionRow], valid: Option<&[SessionRow]>) -> SessionParams {
    let start = Instant::now();
    let budget = TuneBudget::default();
    let found = tune_sessions(train, valid, &budget, &mut |_| start.elapsed() < TUNING_MAX);
    say(&format!(
        "chose parameters on {} predictions in {:.1} s: MRR@20 {:.4}, with the defaults {:.4}",
        found.n_predictions,
        start.elapsed().as_secs_f64(),
        found.mrr,
        found.default_mrr
    ));
    found.params
}

/// Learns to mix several readings of a session.
fn mix(
    train: &[SessionRow],
    valid: Option<&[SessionRow]>,
    params: SessionParams,
) -> Option<SessionMixture> {
    let start = Instant::now();
    let mixture = learn_mixture(train, valid, params);
    let trees = mixture.as_ref().map_or(0, |mixture| mixture.trees().n_trees());
    say(&format!("grew {trees} trees in {:.1} s", start.elapsed().as_secs_f64()));
    mixture
}

/// A report, and how it compares with that of one reading of a session, without trees.
fn json_of(k: u32, (report, one_reading): (&SessionReport, Option<&SessionReport>)) -> Value {
    let over = |mine: &[f64], others: &[f64]| {
        let Difference { mean, low, high, .. } = paired_bootstrap(mine, others, 0);
        json!({"mrr": mean, "low": low, "high": high})
    };
    let scores = |scores: &SessionScores| {
        json!({
            "predictions": scores.n,
            "mrr": scores.mrr,
            "hit_rate": scores.hit_rate,
            "precision": scores.precision,
            "recall": scores.recall,
            "map": scores.map,
        })
    };
    json!({
        "k": k,
        "sessions": report.n_sessions,
        "items": report.n_items,
        "coverage": report.coverage,
        "all": scores(&report.all),
        "repeat": scores(&report.repeat),
        "new": scores(&report.new),
        "one_reading": one_reading.map(|one| json!({
            "all": scores(&one.all),
            "repeat": scores(&one.repeat),
            "new": scores(&one.new),
            "over_all": over(&report.mrr_by_session, &one.mrr_by_session),
            "over_new": over(&report.new_mrr_by_session, &one.new_mrr_by_session),
        })),
        "latency_us": {
            "p50": report.latency.p50 as f64 / 1_000.0,
            "p90": report.latency.p90 as f64 / 1_000.0,
            "p99": report.latency.p99 as f64 / 1_000.0,
            "max": report.latency.max as f64 / 1_000.0,
        },
    })
}

fn text(result: &Value) -> String {
    let mut text = String::new();
    for report in result["reports"].as_array().into_iter().flatten() {
        let number = |value: &Value| value.as_f64().unwrap_or(0.0);
        let k = &report["k"];
        let heading = [
            format!("at {k}"),
            "MRR".into(),
            "HR".into(),
            "precision".into(),
            "recall".into(),
            "MAP".into(),
            "predictions".into(),
        ];
        let mut rows = vec![heading.to_vec()];
        let one = &report["one_reading"];
        let parts = [
            (&report["all"], "all targets"),
            (&report["new"], "not yet in session"),
            (&report["repeat"], "in session"),
            (&one["all"], "one reading, all targets"),
            (&one["new"], "one reading, not yet in session"),
        ];
        for (scores, label) in parts.into_iter().filter(|(scores, _)| scores.is_object()) {
            let mut row = vec![label.to_owned()];
            row.extend(
                ["mrr", "hit_rate", "precision", "recall", "map"].map(|m| four(number(&scores[m]))),
            );
            row.push(scores["predictions"].to_string());
            rows.push(row);
        }
        text.push_str(&columns(&rows));
        for (name, label) in [("over_all", "all"), ("over_new", "not yet in session")] {
            let over = &one[name];
            if over.is_object() {
                text.push_str(&format!(
                    "MRR of a session ({label}) above one reading by {} (95 % interval {} to {})\n",
                    four(number(&over["mrr"])),
                    four(number(&over["low"])),
                    four(number(&over["high"])),
                ));
            }
        }
        let latency = |name: &str| number(&report["latency_us"][name]);
        text.push_str(&format!(
            "coverage {:.4} of {} items; a query takes {:.1} µs (p50), {:.1} (p90), {:.1} (p99)\n",
            number(&report["coverage"]),
            report["items"],
            latency("p50"),
            latency("p90"),
            latency("p99"),
        ));
    }
    text
}
