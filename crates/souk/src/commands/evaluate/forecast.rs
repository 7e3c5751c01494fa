//! `souk evaluate forecast`.

use std::collections::HashMap;
use std::time::Instant;

use anyhow::{Result, anyhow};
use serde_json::{Value, json};
use souk_forecast::evaluate::{Judged, Measures, Report, TENTHS, grid, judge};
use souk_forecast::{Forecast, Settings, Task, forecast_with};

use super::four;
use crate::cli::{EvaluateForecastArgs, Output, RepeatRule};
use crate::commands::forecast::hierarchy::{Ends, Grouped};
use crate::commands::forecast::table::{self, Input};
use crate::commands::forecast::{refuse_nothing, settings};
use crate::failure::Failure;
use crate::term::{self, columns};

/// One origin: what was known, expected and came.
struct Window {
    tasks: Vec<Task>,
    forecasts: Vec<Forecast>,
    actual: Vec<Vec<f64>>,
    /// By series: quantiles of the grid that probabilities are told by; empty without intervals.
    grids: Vec<Vec<Vec<f64>>>,
    /// By level of a hierarchy; none without one.
    levels: Vec<LevelErrors>,
}

/// Absolute errors of one level: of forecasts of its own, and of those that add up.
struct LevelErrors {
    name: String,
    nodes: usize,
    own: f64,
    added: f64,
}

pub(super) fn run(args: &EvaluateForecastArgs, output: Output) -> Result<()> {
    let start = Instant::now();
    let (windows, settings) = match (&args.test, args.horizon) {
        (Some(_), _) => against_test(args)?,
        (None, Some(horizon)) => held_back(args, horizon as usize)?,
        (None, None) => return Err(anyhow!(Failure::usage("give --test or --horizon"))),
    };
    let seconds = start.elapsed().as_secs_f64();
    let judged: Vec<Judged<'_>> = windows
        .iter()
        .flat_map(|window| {
            let pairs = window.tasks.iter().zip(&window.forecasts);
            let pairs = pairs.zip(window.actual.iter().zip(&window.grids));
            pairs.map(|((task, forecast), (actual, grid))| Judged { task, forecast, actual, grid })
        })
        .collect();
    let report = judge(&judged, &settings);
    let n_guarded = judged.iter().filter(|one| one.forecast.is_guarded).count();
    let n_fallen = judged.iter().filter(|one| !one.forecast.reasons.is_empty()).count();
    let mut result = json_of(&report, &settings);
    result["levels"] = levels_of(&windows);
    result["guarded"] = n_guarded.into();
    result["with_reasons"] = n_fallen.into();
    result["seconds"] = seconds.into();
    term::print_result(output, &result, text)?;
    Ok(())
}

fn read(args: &EvaluateForecastArgs) -> Result<Input> {
    let later = args.test.as_deref();
    match args.no_covariates || !args.hierarchy.is_empty() {
        true => table::read_plain(&args.series, later),
        false => table::read(&args.series, later),
    }
}

/// Steps behind a series' end that a test row may lie, as many as can be forecast.
const STEPS_MAX: i64 = 10_000;

fn against_test(args: &EvaluateForecastArgs) -> Result<(Vec<Window>, Settings)> {
    let mut input = read(args)?;
    if input.series.is_empty() {
        refuse_nothing(&input, &args.series)?;
    }
    let mut actual: Vec<Vec<f64>> = Vec::new();
    input.series.retain(|known| {
        let steps = known.later.iter().filter_map(|row| {
            let step =
                known.series.steps_after(row.at).filter(|step| (1..=STEPS_MAX).contains(step))?;
            Some((step as usize - 1, row.y?))
        });
        let mut values: Vec<(usize, f64)> = steps.collect();
        values.sort_by_key(|(step, _)| *step);
        // Several values of one step are one, as in the input.
        let one = |same: &[(usize, f64)]| {
            let sum: f64 = same.iter().map(|(_, y)| y).sum();
            let n = if args.series.repeats == RepeatRule::Sum { 1 } else { same.len() };
            (same[0].0, sum / n as f64)
        };
        // A step without a row is not judged, and those behind it are.
        let mut came: Vec<f64> = Vec::new();
        for (step, y) in values.chunk_by(|a, b| a.0 == b.0).map(one) {
            came.resize(step, f64::NAN);
            came.push(y);
        }
        let is_known = !came.is_empty();
        if is_known {
            actual.push(came);
        }
        is_known
    });
    let Some(horizon) = actual.iter().map(Vec::len).max() else {
        let detail = "no row of the test file follows a series of the input; `ds` must go on";
        return Err(anyhow!(Failure::usage(detail)));
    };
    input.close_gaps();
    let n_before = input.series.len();
    let ids: Vec<String> = input.series.iter().map(|known| known.id.clone()).collect();
    let needs: Vec<usize> = actual.iter().map(Vec::len).collect();
    input.look_ahead(horizon, &needs);
    if input.series.len() < n_before {
        let kept: std::collections::HashSet<&str> =
            input.series.iter().map(|known| known.id.as_str()).collect();
        let mut keep = ids.iter().map(|id| kept.contains(id.as_str()));
        actual.retain(|_| keep.next().unwrap_or(false));
    }
    refuse_nothing(&input, &args.series)?;
    let settings = settings(&args.series, horizon);
    Ok((vec![window(&input, actual, &settings)], settings))
}

fn held_back(args: &EvaluateForecastArgs, horizon: usize) -> Result<(Vec<Window>, Settings)> {
    let mut input = read(args)?;
    refuse_nothing(&input, &args.series)?;
    let settings = settings(&args.series, horizon);
    let mut windows = Vec::new();
    for _ in 0..args.windows {
        let actual = input.hold_back(horizon);
        if actual.is_empty() {
            break;
        }
        windows.push(match args.hierarchy.is_empty() {
            true => window(&input, actual, &settings),
            false => added_up(input.clone(), actual, (args, &settings))?,
        });
    }
    if windows.is_empty() {
        let detail = format!("no series has more than {horizon} values; take a shorter --horizon");
        return Err(anyhow!(Failure::usage(detail)));
    }
    Ok((windows, settings))
}

fn window(input: &Input, actual: Vec<Vec<f64>>, settings: &Settings) -> Window {
    let (tasks, drivers) = input.tasks();
    let forecasts = forecast_with(&tasks, &drivers, &asked(settings));
    split(Window { tasks, forecasts, actual, grids: Vec::new(), levels: Vec::new() }, settings)
}

/// Settings that ask for the grid of quantiles too, behind those that are wanted.
fn asked(settings: &Settings) -> Settings {
    let grid = if settings.levels.is_empty() { Vec::new() } else { grid() };
    Settings { quantiles: [settings.quantiles.clone(), grid].concat(), ..settings.clone() }
}

/// Takes the grid off the forecasts again.
fn split(mut window: Window, settings: &Settings) -> Window {
    let n = settings.quantiles.len();
    window.grids = window.forecasts.iter_mut().map(|found| found.quantiles.split_off(n)).collect();
    window
}

/// The same of series and their sums, as they add up.
fn added_up(
    mut input: Input,
    actual: Vec<Vec<f64>>,
    (args, settings): (&EvaluateForecastArgs, &Settings),
) -> Result<Window> {
    let mut by_id: HashMap<String, Vec<f64>> =
        input.series.iter().map(|known| known.id.clone()).zip(actual).collect();
    let grouped = Grouped::of(&mut input, &args.hierarchy, (&args.series, Ends::Refused))?;
    let hierarchy = grouped.hierarchy();
    let bottom: Vec<Vec<f64>> = input.series[hierarchy.names().len()..]
        .iter()
        .filter_map(|known| by_id.remove(&known.id))
        .collect();
    let actual = hierarchy.sums(&bottom);
    let (tasks, _) = input.tasks();
    let asked = asked(settings);
    let mut forecasts = souk_forecast::forecast(&tasks, &asked);
    let missed = |forecasts: &[Forecast]| -> Vec<f64> {
        let miss = |(found, came): (&Forecast, &Vec<f64>)| {
            found.mean.iter().zip(came).map(|(mean, y)| (mean - y).abs()).sum()
        };
        forecasts.iter().zip(&actual).map(miss).collect()
    };
    let own = missed(&forecasts);
    grouped.reconcile(&input, &mut forecasts, &asked);
    let added = missed(&forecasts);
    let level = |level: &souk_forecast::hierarchy::Level| LevelErrors {
        name: level.name.clone(),
        nodes: level.nodes.len(),
        own: own[level.nodes.clone()].iter().sum(),
        added: added[level.nodes.clone()].iter().sum(),
    };
    let levels = hierarchy.levels().iter().map(level).collect();
    Ok(split(Window { tasks, forecasts, actual, grids: Vec::new(), levels }, settings))
}

/// Errors by level over all windows, as they add up over as they are.
fn levels_of(windows: &[Window]) -> Value {
    let Some(first) = windows.first() else { return json!([]) };
    let row = |(place, level): (usize, &LevelErrors)| {
        let same = || windows.iter().filter_map(|window| window.levels.get(place));
        let own: f64 = same().map(|level| level.own).sum();
        let added: f64 = same().map(|level| level.added).sum();
        let over = if own > 0.0 { added / own } else { 1.0 + added };
        json!({"level": level.name, "nodes": level.nodes, "error": own, "added_up": added, "over": over})
    };
    first.levels.iter().enumerate().map(row).collect()
}

fn measures(part: &str, of: &Measures, settings: &Settings) -> Value {
    let mut row = json!({
        "part": part,
        "series": of.n_series,
        "values": of.n_values,
        "mase": of.mase,
        "smape": of.smape,
        "wape": of.wape,
        "bias": of.bias,
    });
    if let Some(wape) = of.wape_of_median {
        row["wape_of_median"] = wape.into();
    }
    for (share, loss) in settings.quantiles.iter().zip(&of.pinball) {
        row[format!("pinball_{share}")] = (*loss).into();
    }
    if !of.pinball.is_empty() {
        row["pinball_mean"] = (of.pinball.iter().sum::<f64>() / of.pinball.len() as f64).into();
    }
    for (level, held) in settings.levels.iter().zip(&of.coverage) {
        row[format!("coverage_{level}")] = held.share.into();
        row[format!("coverage_{level}_se")] = held.standard_error.into();
    }
    for (level, held) in settings.levels.iter().zip(&of.probability) {
        row[format!("probability_{level}")] = held.share.into();
        row[format!("probability_{level}_se")] = held.standard_error.into();
    }
    for (share, fell) in TENTHS.iter().zip(&of.pit) {
        row[format!("pit_{share}")] = fell.share.into();
        row[format!("pit_{share}_se")] = fell.standard_error.into();
    }
    row
}

fn json_of(report: &Report, settings: &Settings) -> Value {
    let mut parts = vec![measures("all", &report.all, settings)];
    let names = ["first third", "second third", "last third"];
    for (name, third) in names.into_iter().zip(&report.thirds) {
        parts.push(measures(name, third, settings));
    }
    json!({"measures": parts})
}

fn text(result: &Value) -> String {
    let list = result["measures"].as_array().map(Vec::as_slice).unwrap_or_default();
    let Some(first) = list.first().and_then(Value::as_object) else { return String::new() };
    let mut rows = vec![first.keys().cloned().collect::<Vec<_>>()];
    for part in list {
        let cell = |name: &String| match &part[name.as_str()] {
            Value::String(text) => text.clone(),
            Value::Number(number) if number.is_f64() => four(number.as_f64().unwrap_or(0.0)),
            other => other.to_string(),
        };
        rows.push(first.keys().map(cell).collect());
    }
    // Turned, because measures are many and parts are few.
    let turned: Vec<Vec<String>> = (0..rows[0].len())
        .map(|column| rows.iter().map(|row| row[column].clone()).collect())
        .collect();
    let levels = result["levels"].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut by_level = Vec::new();
    if !levels.is_empty() {
        by_level.push(
            ["level", "nodes", "absolute error", "as it adds up", "over"]
                .map(str::to_owned)
                .to_vec(),
        );
    }
    for level in levels {
        let number = |name: &str| four(level[name].as_f64().unwrap_or(0.0));
        let name = level["level"].as_str().unwrap_or_default().to_owned();
        by_level.push(vec![
            name,
            level["nodes"].to_string(),
            number("error"),
            number("added_up"),
            number("over"),
        ]);
    }
    format!(
        "{}{}{} forecasts touched by the guard, {} with a reason to be read, {:.1} s\n",
        columns(&turned),
        columns(&by_level),
        result["guarded"],
        result["with_reasons"],
        result["seconds"].as_f64().unwrap_or(0.0),
    )
}
