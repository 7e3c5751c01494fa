//! `souk forecast --hierarchy`: sums of the series are forecast too, and all is made to add up.

use std::collections::HashMap;

use anyhow::{Result, anyhow};
use serde_json::{Value, json};
use souk_app::sheet::{self, Columns, normal_name};
use souk_forecast::hierarchy::{Choice, Hierarchy, Past, Sign, Window, choose};
use souk_forecast::series::Series;
use souk_forecast::{Forecast, Settings, Task, forecast};

use super::table::{ID, Input, Known};
use crate::cli::SeriesArgs;
use crate::failure::Failure;
use crate::term;

/// Stretches of earlier days that the method is chosen by.
const WINDOWS: usize = 3;

/// An input whose first series are sums of the others.
pub(crate) struct Grouped {
    hierarchy: Hierarchy,
    /// By bottom series: its mean, over as many steps as the longest one has.
    means: Vec<f64>,
    sign: Sign,
    n_sums: usize,
    completed: Vec<Completed>,
}

/// What is done with series that end before most.
#[derive(Clone, Copy)]
pub(crate) enum Ends<'a> {
    /// Their last steps are filled: of as many steps as are looked ahead by their own forecast, of more with 0.
    Completed(&'a Settings),
    /// They are refused: what is judged must have come.
    Refused,
}

/// A series whose last steps were filled.
struct Completed {
    id: String,
    n_steps: usize,
    is_forecast: bool,
}

impl Grouped {
    /// Puts the sums before the series of an input.
    ///
    /// # Errors
    ///
    /// Columns that are not there, fewer than two series that end together, too many sums, or a series that is named as a
    /// sum is. What is wrong with one series is told in [`Input::refused`].
    pub(crate) fn of(
        input: &mut Input,
        columns: &[String],
        (args, ends): (&SeriesArgs, Ends<'_>),
    ) -> Result<Grouped> {
        let columns: Vec<String> = columns.iter().map(|name| normal_name(name)).collect();
        let mut groups = groups(&columns, args)?;
        let last = |known: &Known| {
            let letter = known.series.frequency.letter();
            (letter, known.series.moment_after(0).map(|at| at.to_string()).unwrap_or_default())
        };
        let mut counts: HashMap<(&str, String), usize> = HashMap::new();
        for known in &input.series {
            *counts.entry(last(known)).or_default() += 1;
        }
        let usual = counts.into_iter().max_by(|a, b| (a.1, &a.0).cmp(&(b.1, &b.0)));
        let usual = usual.map(|(usual, _)| usual).unwrap_or_default();
        let completed = match ends {
            Ends::Completed(settings) => complete(input, (usual.0, &usual.1), settings),
            Ends::Refused => Vec::new(),
        };
        let refused = &mut input.refused;
        let mut kept = Vec::new();
        input.series.retain(|known| {
            let (letter, at) = last(known);
            let reason = if (letter, &at) == (usual.0, &usual.1) {
                match groups.remove(&known.id) {
                    Some(Ok(own)) => {
                        kept.push(own);
                        return true;
                    }
                    Some(Err(reason)) => reason,
                    None => "is in no group".to_owned(),
                }
            } else {
                let (usual_letter, usual_at) = &usual;
                format!(
                    "ends at {at} in steps of `{letter}`, most at {usual_at} in steps of `{usual_letter}`, so it cannot be \
                     added to them; write its last rows, 0 where nothing was sold"
                )
            };
            refused.push((known.id.clone(), reason));
            false
        });
        let usage = |detail: String| anyhow!(Failure::usage(detail));
        let hierarchy = Hierarchy::of_groups(&columns, &kept)
            .map_err(|error| usage(format!("--hierarchy: {error}")))?;
        let same = input.series.iter().find(|known| hierarchy.names().contains(&known.id));
        if let Some(known) = same {
            return Err(usage(format!("series `{}` is named as a sum is; rename it", known.id)));
        }
        let bottom: Vec<&Series> = input.series.iter().map(|known| &known.series).collect();
        let longest = bottom.iter().map(|series| series.y.len()).max().unwrap_or(1) as f64;
        let means = bottom.iter().map(|one| one.y.iter().sum::<f64>() / longest).collect();
        let is_negative = bottom.iter().any(|series| series.y.iter().any(|y| *y < 0.0));
        let sign = if is_negative { Sign::Any } else { Sign::NotNegative };
        let sums = hierarchy.members().iter().zip(hierarchy.names()).map(|(members, name)| {
            let parts: Vec<&Series> = members.iter().map(|one| bottom[*one]).collect();
            let series = Series::summed(&parts).expect("they end together");
            Known::alone(name.clone(), series)
        });
        let sums: Vec<Known> = sums.collect();
        let n_sums = sums.len();
        input.series.splice(0..0, sums);
        Ok(Grouped { hierarchy, means, sign, n_sums, completed })
    }

    /// Moves forecasts of all nodes so that they add up. Answers how that was chosen, for the summary.
    pub(crate) fn reconcile(
        &self,
        input: &Input,
        forecasts: &mut [Forecast],
        settings: &Settings,
    ) -> Value {
        let windows = self.windows(input, settings);
        let choice = choose(&self.hierarchy, &windows, self.sign);
        let past = Past { bottom_means: &self.means, errors: &choice.errors, sign: self.sign };
        let base: Vec<Vec<f64>> = forecasts.iter().map(|forecast| forecast.mean.clone()).collect();
        let means = self.hierarchy.mixed(&base, &choice.shares, &past);
        for (forecast, mean) in forecasts.iter_mut().zip(means) {
            self.move_to(forecast, mean);
        }
        self.say(&choice, windows.len());
        self.told(&choice, windows.len())
    }

    /// The hierarchy itself.
    pub(crate) fn hierarchy(&self) -> &Hierarchy {
        &self.hierarchy
    }

    /// Stretches before the end, each with what was expected before it and what came.
    fn windows(&self, input: &Input, settings: &Settings) -> Vec<Window> {
        let (tasks, _) = input.tasks();
        let horizon = settings.horizon;
        let longest = tasks.iter().map(|task| task.y.len()).max().unwrap_or(0);
        let season = tasks.first().map_or(1, |task| task.season_length);
        // Before the first one stand two seasons, or as many steps as are looked ahead.
        let least = horizon.max(2 * season);
        let n = (longest.saturating_sub(least) / horizon).min(WINDOWS);
        let plain = Settings { levels: Vec::new(), quantiles: Vec::new(), ..settings.clone() };
        let window = |back: usize| {
            let cut = |task: &Task| {
                let left = task.y.len().saturating_sub(back * horizon);
                Task { y: task.y[..left].to_vec(), ..task.clone() }
            };
            let known: Vec<Task> = tasks.iter().map(cut).collect();
            let base = forecast(&known, &plain).into_iter().map(|forecast| forecast.mean).collect();
            let came = |task: &Task| -> Vec<f64> {
                // What begins later was 0 before.
                let n = task.y.len() as i64 - (back * horizon) as i64;
                let at = |step: i64| usize::try_from(step).ok().map_or(0.0, |idx| task.y[idx]);
                (n..n + horizon as i64).map(at).collect()
            };
            let bottom = &tasks[self.n_sums..];
            let actual = bottom.iter().map(came).collect();
            let before = |task: &Task| task.y.iter().sum::<f64>() / longest as f64;
            let bottom_means = known[self.n_sums..].iter().map(before).collect();
            Window { base, actual, bottom_means }
        };
        (1..=n).map(window).collect()
    }

    /// Puts another mean into a forecast; what is around it goes with it.
    fn move_to(&self, forecast: &mut Forecast, mean: Vec<f64>) {
        let least = if self.sign == Sign::NotNegative { 0.0 } else { f64::NEG_INFINITY };
        let by: Vec<f64> = mean.iter().zip(&forecast.mean).map(|(new, old)| new - old).collect();
        let moved = |values: &mut Vec<f64>| {
            values.iter_mut().zip(&by).for_each(|(value, by)| *value = (*value + by).max(least));
        };
        for (low, high) in &mut forecast.intervals {
            moved(low);
            moved(high);
        }
        forecast.quantiles.iter_mut().for_each(moved);
        forecast.mean = mean;
    }

    fn say(&self, choice: &Choice, n_windows: usize) {
        let method = &choice.name;
        let said = match (n_windows, choice.keeps_all) {
            (0, _) => format!(
                "all adds up by `{method}`; the history is too short to look back, so nothing says that it is best"
            ),
            (n, true) => format!(
                "all adds up by `{method}`, which made no level more than 1 % worse over {n} stretches of earlier days"
            ),
            (n, false) => format!(
                "all adds up by `{method}`, which made some level more than 1 % worse over {n} stretches of earlier days"
            ),
        };
        term::say(&said);
    }

    fn told(&self, choice: &Choice, n_windows: usize) -> Value {
        let levels = self.hierarchy.levels();
        let trial = |trial: &souk_forecast::hierarchy::Trial| {
            let named = levels.iter().zip(&trial.by_level);
            let by_level: serde_json::Map<String, Value> =
                named.map(|(level, ratio)| (level.name.clone(), json!(ratio))).collect();
            json!({"method": trial.name, "error_over_base": by_level})
        };
        json!({
            "method": choice.name,
            "shares": choice
                .shares
                .iter()
                .map(|(method, share)| (self.hierarchy.name_of(*method), json!(share)))
                .collect::<serde_json::Map<String, Value>>(),
            "keeps_all_levels": choice.keeps_all,
            "windows": n_windows,
            "completed": self
                .completed
                .iter()
                .map(|one| json!({
                    "unique_id": one.id,
                    "steps": one.n_steps,
                    "by": if one.is_forecast { "own_forecast" } else { "zero" },
                }))
                .collect::<Vec<_>>(),
            "levels": levels
                .iter()
                .map(|level| json!({"level": level.name, "nodes": level.nodes.len()}))
                .collect::<Vec<_>>(),
            "trials": if n_windows == 0 { Vec::new() } else { choice.trials.iter().map(trial).collect() },
        })
    }
}

/// Fills the last steps of series that end before most others of their calendar, and says so.
fn complete(input: &mut Input, (letter, end): (&str, &str), settings: &Settings) -> Vec<Completed> {
    let ends_there = |known: &Known| {
        let at = known.series.moment_after(0)?;
        (known.series.frequency.letter() == letter && at.to_string() == end).then_some(at)
    };
    let Some(at) = input.series.iter().find_map(ends_there) else { return Vec::new() };
    let missing = |known: &Known| {
        let is_alike = known.series.frequency.letter() == letter;
        let steps = known.series.steps_after(at).filter(|steps| is_alike && *steps > 0);
        steps.and_then(|steps| usize::try_from(steps).ok())
    };
    let early: Vec<(usize, usize)> = input
        .series
        .iter()
        .enumerate()
        .filter_map(|(idx, known)| Some((idx, missing(known)?)))
        .collect();
    let near: Vec<(usize, usize)> =
        early.iter().copied().filter(|(_, steps)| *steps <= settings.horizon).collect();
    let (tasks, _) = input.tasks();
    let tasks: Vec<Task> = near.iter().map(|(idx, _)| tasks[*idx].clone()).collect();
    let horizon = near.iter().map(|(_, steps)| *steps).max().unwrap_or(1);
    let plain = Settings { horizon, levels: Vec::new(), quantiles: Vec::new(), ..settings.clone() };
    let mut filled = forecast(&tasks, &plain).into_iter();
    let mut completed = Vec::new();
    for (idx, n_steps) in early {
        let is_forecast = n_steps <= settings.horizon;
        let known = &mut input.series[idx];
        let (values, what) = match is_forecast {
            true => (filled.next().map(|one| one.mean).unwrap_or_default(), "its own forecast"),
            false => (Vec::new(), "0, as of what is sold no more"),
        };
        known.series.y.extend((0..n_steps).map(|step| values.get(step).copied().unwrap_or(0.0)));
        let note = format!("ends {n_steps} steps before most: those are {what}");
        known.series.notes.push(note);
        completed.push(Completed { id: known.id.clone(), n_steps, is_forecast });
    }
    let n_near = completed.iter().filter(|one| one.is_forecast).count();
    if let Some(first) = completed.first() {
        input.notes.push(format!(
            "{} series end before most ({end}), `{}` by {} steps: what is missing is their own forecast for {n_near} of \
             them, and 0 for {} that end more than {} steps before; write their last rows where you know them",
            completed.len(),
            first.id,
            first.n_steps,
            completed.len() - n_near,
            settings.horizon
        ));
    }
    completed
}

type OwnGroups = std::result::Result<Vec<String>, String>;

/// By series: its value in each column, or why it has none.
fn groups(columns: &[String], args: &SeriesArgs) -> Result<HashMap<String, OwnGroups>> {
    let mut file = sheet::open(&args.input)?;
    let known = Columns::new(file.columns());
    let id = known.need(ID)?;
    let places: Vec<usize> =
        columns.iter().map(|name| known.need(&[name.as_str()])).collect::<Result<_, _>>()?;
    let mut found: HashMap<String, OwnGroups> = HashMap::new();
    while let Some(block) = file.next_block()? {
        for row in 0..block.len() {
            let name = block.cell(row, id).text().unwrap_or_default().into_owned();
            let value =
                |place: &usize| block.cell(row, *place).text().map(|text| text.into_owned());
            let own: Option<Vec<String>> = places.iter().map(value).collect();
            let Some(own) = own else {
                let reason = format!("has a row without a group (line {})", block.line(row));
                found.insert(name, Err(reason));
                continue;
            };
            match found.get(&name) {
                None => {
                    found.insert(name, Ok(own));
                }
                Some(Ok(before)) if *before != own => {
                    let (before, own) = (before.join("/"), own.join("/"));
                    let reason = format!("is in `{before}` and in `{own}`; a series has one group");
                    found.insert(name, Err(reason));
                }
                Some(_) => {}
            }
        }
    }
    Ok(found)
}
