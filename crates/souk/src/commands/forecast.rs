//! `souk forecast`: sales in, expected demand out, without a server.

pub(crate) mod hierarchy;
mod plot;
pub(crate) mod table;

use std::fmt::Write as _;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result, anyhow};
use serde_json::{Value, json};
use souk_forecast::{Forecast, Settings, Task};

use self::hierarchy::{Ends, Grouped};
use self::table::{Input, Known};
use crate::cli::{ForecastArgs, Output, SeriesArgs};
use crate::failure::Failure;
use crate::term;

/// Series that could not be forecast are named one by one up to this many.
const NAMED_MAX: usize = 20;

pub(crate) fn run(args: &ForecastArgs, output: Output) -> Result<()> {
    let start = Instant::now();
    let horizon = args.horizon as usize;
    let mut input = table::read(&args.series, args.future.as_deref())?;
    input.stay_in_calendar(horizon);
    let needs = vec![horizon; input.series.len()];
    input.look_ahead(horizon, &needs);
    let settings = settings(&args.series, horizon);
    let grouped = match args.hierarchy.is_empty() {
        true => None,
        false => {
            let ends = Ends::Completed(&settings);
            Some(Grouped::of(&mut input, &args.hierarchy, (&args.series, ends))?)
        }
    };
    refuse_nothing(&input, &args.series)?;
    let (tasks, drivers) = input.tasks();
    let mut forecasts = souk_forecast::forecast_with(&tasks, &drivers, &settings);
    let added = grouped.map(|grouped| grouped.reconcile(&input, &mut forecasts, &settings));
    let seconds = start.elapsed().as_secs_f64();
    if let Some(path) = &args.plot {
        write_whole(path, &plot::picture(&input, &forecasts, &settings))?;
        if let Some(more) = forecasts.len().checked_sub(plot::PANELS_MAX).filter(|more| *more > 0) {
            term::say(&format!("{more} more series are not drawn"));
        }
    }
    let text = csv(&input, &forecasts, &settings);
    match (&args.out, output) {
        (Some(path), _) => {
            write_whole(path, &text)?;
            let summary = with_sums(summary(&input, &forecasts), added);
            term::print_result(output, &summary, |summary| {
                let number = |name: &str| summary[name].to_string();
                format!("{} series forecast, {} refused\n", number("forecast"), number("refused"))
            })?;
        }
        (None, Output::Json) => {
            let documents = with_sums(documents(&input, &forecasts, &settings), added);
            term::print_result(output, &documents, |_| String::new())?;
        }
        (None, _) => term::print_line(&text)?,
    }
    let speed = tasks.len() as f64 / seconds.max(1e-9);
    term::say(&format!("{} series in {seconds:.1} s: {speed:.0} series/s", tasks.len()));
    Ok(())
}

/// A result with how it was made to add up.
fn with_sums(mut result: Value, added: Option<Value>) -> Value {
    if let Some(added) = added {
        result["hierarchy"] = added;
    }
    result
}

/// Writes a file that is there whole or not at all.
pub(super) fn write_whole(path: &Path, text: &str) -> Result<()> {
    let about = || format!("cannot write {}", path.display());
    let mut partial = path.as_os_str().to_owned();
    partial.push(".partial");
    std::fs::write(&partial, text).with_context(about)?;
    std::fs::rename(&partial, path).with_context(about)
}

/// Says how rows were read and what is wrong with single series, and ends when none is left.
pub(super) fn refuse_nothing(input: &Input, args: &SeriesArgs) -> Result<()> {
    input.notes.iter().for_each(|note| term::say(note));
    for (id, reason) in input.refused.iter().take(NAMED_MAX) {
        term::say(&format!("series `{id}` {reason}"));
    }
    if let Some(more) = input.refused.len().checked_sub(NAMED_MAX + 1) {
        term::say(&format!("and {} more series are refused", more + 1));
    }
    if input.series.is_empty() {
        let detail = format!("{}: no series can be forecast", args.input.display());
        return Err(anyhow!(Failure::usage(detail)));
    }
    Ok(())
}

pub(super) fn settings(args: &SeriesArgs, horizon: usize) -> Settings {
    let kept = |shares: &[f64]| if args.no_intervals { Vec::new() } else { shares.to_vec() };
    Settings {
        model: args.model,
        horizon,
        levels: kept(&args.levels),
        quantiles: kept(&args.quantiles),
        threads: args.threads.into(),
    }
}

/// A percentage without needless digits: `80`, `97.5`.
fn percent(level: f64) -> String {
    format!("{}", (level * 1e6).round() / 1e4)
}

fn cell(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

/// `unique_id,ds,mean,lo-80,hi-80,…,q-0.9,…`.
fn csv(input: &Input, forecasts: &[Forecast], settings: &Settings) -> String {
    let mut text = "unique_id,ds,mean".to_owned();
    for level in &settings.levels {
        let _ = write!(text, ",lo-{0},hi-{0}", percent(*level));
    }
    for share in &settings.quantiles {
        let _ = write!(text, ",q-{share}");
    }
    text.push('\n');
    for (known, forecast) in input.series.iter().zip(forecasts) {
        for (idx, mean) in forecast.mean.iter().enumerate() {
            let _ = write!(text, "{},{},{mean}", cell(&known.id), moment(known, idx));
            for (low, high) in &forecast.intervals {
                let _ = write!(text, ",{},{}", low[idx], high[idx]);
            }
            for quantile in &forecast.quantiles {
                let _ = write!(text, ",{}", quantile[idx]);
            }
            text.push('\n');
        }
    }
    text
}

fn moment(known: &Known, idx: usize) -> String {
    known.series.moment_after(idx + 1).map(|at| at.to_string()).unwrap_or_default()
}

/// What was done with each series.
fn about(known: &Known, forecast: &Forecast) -> Value {
    let models: Vec<Value> = forecast
        .models
        .iter()
        .map(|(name, weight)| json!({"model": name, "weight": weight}))
        .collect();
    json!({
        "unique_id": known.id,
        "models": models,
        "reasons": forecast.reasons,
        "notes": known.series.notes,
        "guarded": forecast.is_guarded,
        "effects": forecast.effects,
        "backtest_mae": forecast.backtest_mae,
    })
}

fn summary(input: &Input, forecasts: &[Forecast]) -> Value {
    let refused: Vec<Value> = input
        .refused
        .iter()
        .map(|(id, reason)| json!({"unique_id": id, "reason": reason}))
        .collect();
    let series: Vec<Value> = input
        .series
        .iter()
        .zip(forecasts)
        .map(|(known, forecast)| about(known, forecast))
        .collect();
    json!({
        "series": series,
        "refused_series": refused,
        "notes": input.notes,
        "forecast": forecasts.len(),
        "refused": input.refused.len(),
    })
}

/// The forecasts with what was done, as one document.
fn documents(input: &Input, forecasts: &[Forecast], settings: &Settings) -> Value {
    let mut all = summary(input, forecasts);
    let list = all["series"].as_array_mut().expect("made as a list");
    for ((document, known), forecast) in list.iter_mut().zip(&input.series).zip(forecasts) {
        let steps = forecast.mean.iter().enumerate().map(|(idx, mean)| {
            let pairs = settings.levels.iter().zip(&forecast.intervals);
            let intervals: serde_json::Map<String, Value> = pairs
                .map(|(level, (low, high))| (level.to_string(), json!([low[idx], high[idx]])))
                .collect();
            let pairs = settings.quantiles.iter().zip(&forecast.quantiles);
            let quantiles: serde_json::Map<String, Value> =
                pairs.map(|(share, values)| (share.to_string(), json!(values[idx]))).collect();
            let ds = moment(known, idx);
            json!({"ds": ds, "mean": mean, "intervals": intervals, "quantiles": quantiles})
        });
        document["forecast"] = steps.collect();
    }
    all
}

/// The tasks of a file's series with what drives them.
pub(super) fn task(known: &Known, season_length: Option<u32>) -> Task {
    let season = season_length.map(|length| length as usize);
    Task {
        id: known.id.clone(),
        y: known.series.y.clone(),
        season_length: season.unwrap_or_else(|| known.series.frequency.season_length()),
    }
}
