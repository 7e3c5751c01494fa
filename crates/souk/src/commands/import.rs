//! `souk import`.

use std::path::{Path, PathBuf};

use anyhow::Result;
use serde_json::{Value, json};
use souk_app::{ImportOptions, ImportReport, Progress};

use crate::job::Shop;
use crate::term::thousands;

pub(crate) async fn run(
    shop: &Shop,
    paths: &[PathBuf],
    options: &ImportOptions,
    progress: &dyn Progress,
) -> Result<Value> {
    let mut files = Vec::new();
    for path in paths {
        let report = shop.app.import(path, options, progress).await?;
        files.push(json_of(&report));
    }
    Ok(json!({"files": files}))
}

fn json_of(report: &ImportReport) -> Value {
    let show = |path: &Path| path.display().to_string();
    json!({
        "path": show(&report.path),
        "kind": report.kind.as_str(),
        "accepted": report.accepted,
        "duplicates": report.duplicates,
        "rejected": report.rejected,
        "rejected_file": report.rejected_file.as_deref().map(show),
        "resumed_from": report.resumed_from,
        "was_known": report.was_known,
        "notes": report.notes,
        "elapsed_ms": report.elapsed_ms,
    })
}

pub(crate) fn text(result: &Value) -> String {
    let mut text = String::new();
    for file in result["files"].as_array().into_iter().flatten() {
        let word = |name: &str| file[name].as_str().unwrap_or_default().to_owned();
        let count = |name: &str| file[name].as_u64().unwrap_or(0);
        if file["was_known"] == Value::Bool(true) {
            text.push_str(&format!("{}: known already, nothing was added\n", word("path")));
            continue;
        }
        let seconds = count("elapsed_ms") as f64 / 1_000.0;
        text.push_str(&format!(
            "{}: {} {} new, {} known, {} rows left out, in {seconds:.1} s\n",
            word("path"),
            thousands(count("accepted")),
            word("kind"),
            thousands(count("duplicates")),
            thousands(count("rejected")),
        ));
        if count("resumed_from") > 0 {
            let resumed = thousands(count("resumed_from"));
            text.push_str(&format!("  went on after {resumed} events of an earlier run\n"));
        }
        for note in file["notes"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            text.push_str(&format!("  {note}\n"));
        }
        if let Some(rejected) = file["rejected_file"].as_str() {
            text.push_str(&format!("  the rows left out, with reasons: {rejected}\n"));
        }
    }
    text
}
