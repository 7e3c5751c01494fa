//! `souk feeds`.

use anyhow::Result;
use serde_json::{Value, json};
use souk_app::{Caller, FeedMode, FeedOutcome, FeedQuality, FeedState, Progress};

use crate::cli::FeedsCommand;
use crate::failure::Failure;
use crate::job::{Job, Shop};
use crate::settings::Settings;
use crate::term::{self, columns, thousands};

pub(crate) async fn run(what: FeedsCommand, settings: &Settings) -> Result<()> {
    match what {
        FeedsCommand::List => super::finish(settings, &Job::FeedsList, list_text).await,
        FeedsCommand::Run { name, dry_run, allow_removals } => {
            let mode = match (dry_run, allow_removals) {
                (true, _) => FeedMode::DryRun,
                (_, true) => FeedMode::AllowRemovals,
                _ => FeedMode::Run,
            };
            let result = super::perform(settings, &Job::FeedsRun { name, mode }).await?;
            term::print_result(settings.output, &result, text)?;
            done(&result)
        }
    }
}

/// A run that was refused did nothing, and whoever calls it on a clock must hear of that.
fn done(result: &Value) -> Result<()> {
    let outcome = result["run"]["outcome"].as_str();
    if outcome != Some(FeedOutcome::Refused.as_str()) {
        return Ok(());
    }
    let feed = result["feed"].as_str().unwrap_or_default();
    let message = format!("the run of feed `{feed}` was refused and changed nothing; see above");
    Err(Failure { exit_code: 1, message }.into())
}

pub(crate) async fn list(shop: &Shop) -> Result<Value> {
    let states = shop.app.feed_states(&Caller::local_admin()).await?;
    Ok(json!({"feeds": states.iter().map(state).collect::<Vec<_>>()}))
}

fn state(state: &FeedState) -> Value {
    let last = state.last.as_ref();
    json!({
        "name": state.name,
        "outcome": last.map(|last| last.outcome.as_str()),
        "at": last.map(|last| last.at.to_string()),
        "good_at": state.good_at.map(|at| at.to_string()),
        "next_at": state.next_at.to_string(),
        "error": last.and_then(|last| last.error.as_deref()),
        "run": last.and_then(|last| last.run.as_ref()),
    })
}

pub(crate) async fn work(
    shop: &Shop,
    (name, mode): (&str, FeedMode),
    progress: &dyn Progress,
) -> Result<Value> {
    let run = shop.app.run_feed((name, mode), &Caller::local_admin(), progress).await?;
    Ok(json!({"feed": name, "run": run}))
}

fn list_text(result: &Value) -> String {
    let feeds = result["feeds"].as_array().map(Vec::as_slice).unwrap_or_default();
    if feeds.is_empty() {
        return "there are none; name them under `feeds.sources` in souk.yaml\n".to_owned();
    }
    let word = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let heading = ["feed", "last run", "at", "products", "last good", "next"];
    let mut rows = vec![heading.map(str::to_owned).to_vec()];
    for feed in feeds {
        rows.push(vec![
            word(&feed["name"]),
            word(&feed["outcome"]),
            word(&feed["at"]),
            feed["run"]["products"].as_u64().map_or("-".to_owned(), thousands),
            word(&feed["good_at"]),
            word(&feed["next_at"]),
        ]);
    }
    let mut text = columns(&rows);
    for feed in feeds {
        if let Some(error) = feed["error"].as_str() {
            text.push_str(&format!("\n{}: {error}\n", word(&feed["name"])));
        }
        if feed["run"].is_object() {
            text.push_str(&format!("\n{}:\n{}", word(&feed["name"]), run_text(&feed["run"])));
        }
    }
    text
}

fn text(result: &Value) -> String {
    run_text(&result["run"])
}

fn run_text(run: &Value) -> String {
    let count = |name: &str| thousands(run[name].as_u64().unwrap_or(0));
    let outcome = run["outcome"].as_str().unwrap_or_default();
    let mut text = match outcome {
        "unchanged" => "  unchanged since the last run\n".to_owned(),
        _ => format!(
            "  {outcome}: {} products, {} new, {} changed; {} absent, {} removed; {} rows left out\n",
            count("products"),
            count("new"),
            count("changed"),
            count("absent"),
            count("removed"),
            count("rejected"),
        ),
    };
    for note in run["notes"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        text.push_str(&format!("  {note}\n"));
    }
    if let Some(file) = run["rejected_file"].as_str() {
        text.push_str(&format!("  the rows left out, with reasons: {file}\n"));
    }
    text.push_str(&quality_text(&run["quality"]));
    text
}

fn quality_text(value: &Value) -> String {
    let quality: FeedQuality = serde_json::from_value(value.clone()).unwrap_or_default();
    let mut text = String::new();
    if quality.no_title > 0 {
        text.push_str(&format!("  no title: {} rows\n", thousands(quality.no_title)));
    }
    for (name, found) in quality.shortcomings() {
        if found.count > 0 {
            let (n, examples) = (thousands(found.count), found.examples.join(", "));
            text.push_str(&format!("  {name}: {n} ({examples})\n"));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_run_has_failed() {
        let run =
            |outcome: FeedOutcome| json!({"feed": "google", "run": {"outcome": outcome.as_str()}});
        let failed = done(&run(FeedOutcome::Refused)).map_err(|error| Failure::of(&error));
        let failed = failed.err().map(|failure| (failure.exit_code, failure.message));
        let message = "the run of feed `google` was refused and changed nothing; see above";
        assert_eq!(failed, Some((1, message.to_owned())));
        assert!(done(&run(FeedOutcome::Done)).is_ok());
    }
}
