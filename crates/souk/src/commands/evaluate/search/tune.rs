//! `souk tune search`.

use anyhow::{Context, Result, anyhow};
use serde_json::{Value, json};
use souk_app::config::MeaningSettings;
use souk_search::evaluate::{RatedMeaning, tune_meaning};

use super::super::four;
use super::Rated;
use super::meaning::{Asked, Meant};
use crate::cli::SearchTuneArgs;
use crate::failure::Failure;
use crate::settings::Settings;
use crate::term;

pub(in super::super) fn run(args: &SearchTuneArgs, shop: &Settings) -> Result<()> {
    let Rated { products, queries, mut index, .. } = Rated::read(&args.rated)?;
    let model = Asked { args: &args.rated, mode: "auto", settings: &shop.config.search };
    let meant = Meant::of(&model, (&products, &mut index))?;
    let rated = queries.iter().map(|query| {
        let meaning = meant.read(&query.text)?;
        Some(RatedMeaning { query, meaning })
    });
    let Some(rated) = rated.collect::<Option<Vec<_>>>() else {
        let message = "there is nothing to choose without a model; run `make models`, or name the folder of one with --models";
        return Err(anyhow!(Failure::usage(message.to_owned())));
    };
    let (k, seed) = (usize::from(args.rated.k), args.rated.seed);
    let Some(tuned) = tune_meaning(&mut index, &rated, (k, seed)) else {
        let message = "there is nothing to judge by: fewer than ten queries have a product of a grade above 0";
        return Err(anyhow!(Failure::usage(message.to_owned())));
    };
    let chosen = if tuned.is_better() { tuned.best } else { tuned.default };
    // As people write them: a share that is kept in 32 bits has more digits than were meant.
    let hundredths = |share: f32| (f64::from(share) * 100.0).round() / 100.0;
    let settings = MeaningSettings {
        full: hundredths(chosen.shares.full),
        thin: hundredths(chosen.shares.thin),
    };
    let over = tuned.over_default;
    let result = json!({
        "queries": tuned.n_queries,
        "k": k,
        "ndcg": tuned.best.ndcg,
        "default_ndcg": tuned.default.ndcg,
        "best": {"full": hundredths(tuned.best.shares.full), "thin": hundredths(tuned.best.shares.thin)},
        "held_out_over_default": {"mean": over.mean, "low": over.low, "high": over.high},
        "is_better": tuned.is_better(),
        "settings": {"search": {"meaning": settings}},
    });
    let part = format!(
        "# {}\n# Put it into souk.yaml; it holds from the next start.\n{}",
        said_of(&result).replace('\n', "\n# "),
        settings.to_yaml()
    );
    if let Some(out) = &args.out {
        std::fs::write(out, &part).with_context(|| format!("cannot write {}", out.display()))?;
    }
    let is_written = args.out.is_some();
    term::print_result(shop.output, &result, |result| match is_written {
        true => format!("{}\n", said_of(result)),
        false => part,
    })?;
    Ok(())
}

/// What was found, in two lines.
fn said_of(result: &Value) -> String {
    let figure = |value: &Value| four(value.as_f64().unwrap_or_default());
    let (best, over) = (&result["best"], &result["held_out_over_default"]);
    let chosen = match result["is_better"].as_bool() {
        Some(true) => "taken",
        _ => "not taken: the defaults stay",
    };
    format!(
        "{} queries: mean of NDCG@{} full and condensed {} with shares {} and {}, {} with the defaults\n\
         on queries that they were not chosen on, {} over the defaults ({} to {}, 95 %): {chosen}",
        result["queries"],
        result["k"],
        figure(&result["ndcg"]),
        best["full"],
        best["thin"],
        figure(&result["default_ndcg"]),
        figure(&over["mean"]),
        figure(&over["low"]),
        figure(&over["high"]),
    )
}
