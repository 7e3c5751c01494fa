//! `souk import`.

use std::path::{Path, PathBuf};

use anyhow::Result;
use serde_json::{Value, json};
use souk_app::{ImportOptions, ImportReport, MoveMode, Progress, Usable};
use souk_core::LegalBasis;

use crate::job::Shop;
use crate::term::thousands;

mod readiness;

pub(crate) async fn run(
    shop: &Shop,
    paths: &[PathBuf],
    (options, is_dry_run): (&ImportOptions, bool),
    progress: &dyn Progress,
) -> Result<Value> {
    if options.from.is_some() || is_dry_run {
        let mode = if is_dry_run { MoveMode::DryRun } else { MoveMode::Import };
        let report = shop.app.move_in(paths, (options, mode), progress).await?;
        let files: Vec<Value> = report.files.iter().map(json_of).collect();
        let readiness = readiness::json_of(&report.readiness);
        return Ok(json!({"files": files, "is_dry_run": is_dry_run, "readiness": readiness}));
    }
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
        "usable": report.usable.as_ref().map(usable),
        "notes": report.notes,
        "elapsed_ms": report.elapsed_ms,
    })
}

fn usable(usable: &Usable) -> Value {
    let by_purpose = usable.by_purpose.iter().map(|(purpose, persons, events)| {
        json!({"purpose": purpose.as_str(), "persons": persons, "events": events})
    });
    json!({
        "basis": usable.basis.map(LegalBasis::as_str),
        "persons": usable.persons,
        "events": usable.events,
        "by_purpose": by_purpose.collect::<Vec<_>>(),
    })
}

/// How much of a file may be used, in one line for people.
fn usable_text(usable: &Value) -> String {
    let all = usable["events"].as_u64().unwrap_or(0).max(1) as f64;
    let parts: Vec<String> = usable["by_purpose"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|one| {
            let share = one["events"].as_u64().unwrap_or(0) as f64 / all * 100.0;
            format!("{} {share:.1} %", one["purpose"].as_str().unwrap_or_default())
        })
        .collect();
    let basis = match usable["basis"].as_str() {
        Some(basis) => format!("stated basis {basis}"),
        None => "no basis stated".to_owned(),
    };
    let (events, persons) = (&usable["events"], &usable["persons"]);
    format!("  of {events} rows of {persons} people may be used ({basis}): {}\n", parts.join(", "))
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
        if file["usable"].is_object() {
            text.push_str(&usable_text(&file["usable"]));
        }
        for note in file["notes"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            text.push_str(&format!("  {note}\n"));
        }
        if let Some(rejected) = file["rejected_file"].as_str() {
            text.push_str(&format!("  the rows left out, with reasons: {rejected}\n"));
        }
    }
    if result["readiness"].is_object() {
        text.push_str(&readiness::text(&result["readiness"]));
    }
    if result["is_dry_run"] == Value::Bool(true) {
        text.push_str("\nNothing was written: this was a dry run.\n");
    }
    text
}
