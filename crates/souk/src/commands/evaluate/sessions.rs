//! `souk evaluate sessions`.

use std::path::Path;
use std::time::Instant;

use anyhow::Result;
use serde_json::{Value, json};
use souk_recommend::evaluate::sessions::{
    SessionProtocol, SessionReport, SessionRow, SessionScores, TuneBudget, evaluate_sessions,
    tune_sessions,
};
use souk_recommend::session::SessionParams;

use super::table::{ITEM, Ids, SESSION, read};
use super::{TUNING_MAX, four, nanoseconds, write_predictions};
use crate::cli::{EvaluateArgs, Output};
use crate::term::{self, columns, say};

pub(super) fn run(args: &EvaluateArgs, output: Output) -> Result<()> {
    let (mut sessions, mut items) = (Ids::default(), Ids::default());
    let mut load = |path: &Path| rows(path, (&mut sessions, &mut items));
    let train = load(&args.train)?;
    let valid = args.valid.as_deref().map(&mut load).transpose()?;
    let test = load(&args.test)?;
    let params =
        if args.no_tune { SessionParams::default() } else { tune(&train, valid.as_deref()) };
    // What was chosen on the validation part may learn from it as well.
    let train = valid.into_iter().fold(train, |mut train, valid| {
        train.extend(valid);
        train
    });
    let mut reports = Vec::new();
    let largest = args.k.iter().copied().max().unwrap_or(20);
    for k in &args.k {
        let start = Instant::now();
        let protocol = SessionProtocol { params, mixture: None, k: *k as usize };
        let report = evaluate_sessions(&train, &test, &protocol, &mut || nanoseconds(start));
        reports.push(json_of(*k, &report));
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
    let result = json!({"reports": reports, "parameters": format!("{params:?}")});
    term::print_result(output, &result, text)?;
    Ok(())
}

fn rows(path: &Path, (sessions, items): (&mut Ids, &mut Ids)) -> Result<Vec<SessionRow>> {
    let mut rows = Vec::new();
    read(path, [SESSION, ITEM], &mut |[session, item], at| {
        rows.push(SessionRow {
            session: sessions.number(session),
            item: items.number(item),
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

fn json_of(k: u32, report: &SessionReport) -> Value {
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
        for (name, label) in
            [("all", "all targets"), ("new", "not yet in session"), ("repeat", "in session")]
        {
            let scores = &report[name];
            let mut row = vec![label.to_owned()];
            row.extend(
                ["mrr", "hit_rate", "precision", "recall", "map"].map(|m| four(number(&scores[m]))),
            );
            row.push(scores["predictions"].to_string());
            rows.push(row);
        }
        text.push_str(&columns(&rows));
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
    text.push_str(&format!("parameters: {}\n", result["parameters"].as_str().unwrap_or_default()));
    text
}
