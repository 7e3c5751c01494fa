//! `souk evaluate forecast`.

use std::time::Instant;

use anyhow::{Result, anyhow};
use serde_json::{Value, json};
use souk_forecast::evaluate::{Judged, Measures, Report, judge};
use souk_forecast::{Forecast, Settings, Task, forecast_with};

use super::four;
use crate::cli::{EvaluateForecastArgs, Output};
use crate::commands::forecast::table::{self, Input};
use crate::commands::forecast::{refuse_nothing, settings};
use crate::failure::Failure;
use crate::term::{self, columns};

/// One origin: what was known, expected and came.
struct Window {
    tasks: Vec<Task>,
    forecasts: Vec<Forecast>,
    actual: Vec<Vec<f64>>,
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
            let pairs = window.tasks.iter().zip(&window.forecasts).zip(&window.actual);
            pairs.map(|((task, forecast), actual)| Judged { task, forecast, actual })
        })
        .collect();
    let report = judge(&judged, &settings);
    let n_guarded = judged.iter().filter(|one| one.forecast.is_guarded).count();
    let n_fallen = judged.iter().filter(|one| !one.forecast.reasons.is_empty()).count();
    let mut result = json_of(&report, &settings);
    result["guarded"] = n_guarded.into();
    result["with_reasons"] = n_fallen.into();
    result["seconds"] = seconds.into();
    term::print_result(output, &result, text)?;
    Ok(())
}

fn read(args: &EvaluateForecastArgs) -> Result<Input> {
    let later = args.test.as_deref();
    match args.no_covariates {
        true => table::read_plain(&args.series, later),
        false => table::read(&args.series, later),
    }
}

fn against_test(args: &EvaluateForecastArgs) -> Result<(Vec<Window>, Settings)> {
    let mut input = read(args)?;
    if input.series.is_empty() {
        refuse_nothing(&input, &args.series)?;
    }
    let mut actual: Vec<Vec<f64>> = Vec::new();
    input.series.retain(|known| {
        let steps = known.later.iter().filter_map(|row| {
            let step = known.series.steps_after(row.at).filter(|step| *step >= 1)?;
            Some((step as usize - 1, row.y?))
        });
        let mut values: Vec<(usize, f64)> = steps.collect();
        values.sort_by_key(|(step, _)| *step);
        // Several values of one step are one: their mean, as in the input.
        let mean = |same: &[(usize, f64)]| {
            (same[0].0, same.iter().map(|(_, y)| y).sum::<f64>() / same.len() as f64)
        };
        let values: Vec<(usize, f64)> = values.chunk_by(|a, b| a.0 == b.0).map(mean).collect();
        // Values are judged as long as they follow one another.
        let n = values.iter().enumerate().take_while(|(idx, (step, _))| idx == step).count();
        if n > 0 {
            actual.push(values[..n].iter().map(|(_, y)| *y).collect());
        }
        n > 0
    });
    let Some(horizon) = actual.iter().map(Vec::len).max() else {
        let detail = "no row of the test file follows a series of the input; `ds` must go on";
        return Err(anyhow!(Failure::usage(detail)));
    };
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
        windows.push(window(&input, actual, &settings));
    }
    if windows.is_empty() {
        let detail = format!("no series has more than {horizon} values; take a shorter --horizon");
        return Err(anyhow!(Failure::usage(detail)));
    }
    Ok((windows, settings))
}

fn window(input: &Input, actual: Vec<Vec<f64>>, settings: &Settings) -> Window {
    let (tasks, drivers) = input.tasks();
    let forecasts = forecast_with(&tasks, &drivers, settings);
    Window { tasks, forecasts, actual }
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
    format!(
        "{}{} forecasts touched by the guard, {} with a reason to be read, {:.1} s\n",
        columns(&turned),
        result["guarded"],
        result["with_reasons"],
        result["seconds"].as_f64().unwrap_or(0.0),
    )
}
