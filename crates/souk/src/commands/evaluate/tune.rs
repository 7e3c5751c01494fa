//! `souk tune`: parameters chosen on validation data, as a part of souk.yaml.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde_json::{Value, json};
use souk_app::config::SessionSettings;
use souk_app::{Names, Progress};
use souk_recommend::evaluate::sessions::{TuneBudget, tune_sessions};

use super::four;
use super::sessions::rows;
use crate::cli::{Common, Output, Tune, TuneArgs};
use crate::settings::Settings;
use crate::term::{self, Bar};

pub(crate) fn run(what: Tune, common: &Common) -> Result<()> {
    match what {
        Tune::Sessions(args) => sessions(&args, common.output),
        Tune::Search(args) => super::search::tune(&args, &Settings::load(common)?),
    }
}

fn sessions(args: &TuneArgs, output: Output) -> Result<()> {
    let (mut visits, mut items) = (Names::default(), Names::default());
    let mut load = |path: &Path| rows(path, (&mut visits, &mut items));
    let train = load(&args.train)?;
    let valid = args.valid.as_deref().map(&mut load).transpose()?;
    let budget =
        TuneBudget { configs: args.configs, seed: args.seed, predictions_max: args.predictions };
    let (start, most) = (Instant::now(), Duration::from_secs(60 * args.minutes));
    let bar = Bar::new();
    bar.begin("Trying configurations", Some(u64::from(args.configs)));
    let mut n_tried = 1;
    let found = tune_sessions(&train, valid.as_deref(), &budget, &mut |n| {
        bar.advance(1);
        n_tried = n;
        start.elapsed() < most
    });
    bar.end();
    if found.n_predictions == 0 {
        anyhow::bail!(
            "there is nothing to judge by: no visit of the validation part has two products; give more rows"
        );
    }
    let is_whole = n_tried + 1 >= args.configs;
    if is_whole {
        n_tried = args.configs;
    }
    let settings = SessionSettings::from(found.params);
    let result = json!({
        "mrr_at_20": found.mrr,
        "default_mrr_at_20": found.default_mrr,
        "predictions": found.n_predictions,
        "configurations": n_tried,
        "ended_by_time": !is_whole,
        "settings": {"recommendations": {"session": settings}},
    });
    let part = format!(
        "# {}\n# Put it into souk.yaml; it holds from the next start.\n{}",
        said_of(&result),
        settings.to_yaml()
    );
    if let Some(out) = &args.out {
        std::fs::write(out, &part).with_context(|| format!("cannot write {}", out.display()))?;
    }
    let is_written = args.out.is_some();
    term::print_result(output, &result, |result| match is_written {
        true => format!("{}\n", said_of(result)),
        false => part,
    })?;
    Ok(())
}

/// What the search found, in a line.
fn said_of(result: &Value) -> String {
    let figure = |name: &str| result[name].as_f64().unwrap_or_default();
    let end = match result["ended_by_time"].as_bool() {
        Some(true) => " before the time was over",
        _ => "",
    };
    format!(
        "{} configurations{end} on {} predictions: MRR@20 {}, with the defaults {}",
        result["configurations"],
        result["predictions"],
        four(figure("mrr_at_20")),
        four(figure("default_mrr_at_20")),
    )
}
