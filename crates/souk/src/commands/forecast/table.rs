//! Rows of sales files as clean series, with the columns that drive them.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use anyhow::{Result, anyhow};
use souk_app::sheet::{self, Cell, Columns};
use souk_forecast::Task;
use souk_forecast::calendar::{Frequency, Moment};
use souk_forecast::drivers::Drivers;
use souk_forecast::series::{Gaps, Repeats, Row, Series, clean};

use crate::cli::{GapRule, RepeatRule, SeriesArgs};
use crate::failure::Failure;

pub(super) const ID: &[&str] = &["unique_id", "series_id", "product_id", "item_id", "id"];
const TIME: &[&str] = &["ds", "date", "timestamp", "step"];
const VALUE: &[&str] = &["y", "quantity", "units", "sales", "value"];

/// Steps by which a series must end before others at least for a word about it (chosen: a week of days).
const EARLY_STEPS_MIN: usize = 7;

/// A series that can be forecast.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    pub(crate) id: String,
    pub(crate) series: Series,
    /// By driver: its value at each step of the series.
    past: Vec<Vec<f64>>,
    /// By driver: its value at each step ahead; empty when not all are known.
    ahead: Vec<Vec<f64>>,
    /// Rows of the future or test file.
    pub(crate) later: Vec<Later>,
}

/// One row after the end of a series.
#[derive(Clone, Debug)]
pub(crate) struct Later {
    pub(crate) at: Moment,
    pub(crate) y: Option<f64>,
    drivers: Vec<Option<f64>>,
}

/// All series of a file.
#[derive(Clone, Debug, Default)]
pub(crate) struct Input {
    pub(crate) series: Vec<Known>,
    /// Those that cannot be forecast, with the reason.
    pub(crate) refused: Vec<(String, String)>,
    /// What people should know of how the rows were read.
    pub(crate) notes: Vec<String>,
    drivers: Vec<String>,
    season_length: Option<u32>,
}

/// How a file writes numbers with a part.
#[derive(Clone, Copy)]
enum DecimalMark {
    Comma,
    Point,
}

/// One file as it was read: rows by series, in the order of their first appearance.
#[derive(Default)]
struct Rows {
    ids: Vec<String>,
    rows: Vec<Vec<Later>>,
    numbers: HashMap<String, usize>,
    /// Rows without a number where the file has a column for it, and the first one's line and text.
    n_unusable: usize,
    unusable: Option<(u64, String)>,
}

/// Reads the input, and what is known of the time after it.
///
/// # Errors
///
/// A file that cannot be read, a column that is missing, a future file that has no column in common or whose
/// series are all others. What is wrong with one series is told in [`Input::refused`].
pub(crate) fn read(args: &SeriesArgs, later: Option<&Path>) -> Result<Input> {
    let shared = match later {
        Some(later) => shared_columns(&args.input, later)?,
        None => Vec::new(),
    };
    read_with(args, later, shared)
}

/// As [`read`], but only with the columns of sales themselves.
pub(crate) fn read_plain(args: &SeriesArgs, later: Option<&Path>) -> Result<Input> {
    read_with(args, later, Vec::new())
}

fn read_with(args: &SeriesArgs, later: Option<&Path>, shared: Vec<String>) -> Result<Input> {
    let mut refused = Vec::new();
    let mut known = rows(&args.input, &shared, (true, &mut refused))?;
    must_be_numeric(&known, &shared, &args.input)?;
    let n_refused = refused.len();
    let mut after = later.map(|later| rows(later, &shared, (false, &mut refused))).transpose()?;
    let of_digits = match args.freq {
        Some(Frequency::Step) => None,
        _ => read_as_dates(&mut known, after.as_mut()),
    };
    let spoiled: HashSet<String> = refused[n_refused..].iter().map(|(id, _)| id.clone()).collect();
    if let (Some(after), Some(later)) = (&after, later)
        && !after.ids.iter().any(|id| known.numbers.contains_key(id))
    {
        let detail = format!("{} has no series of the input in common with it", later.display());
        return Err(anyhow!(Failure::usage(detail)));
    }
    let gaps = match args.gaps {
        GapRule::Guess => Gaps::Guess,
        GapRule::Zero => Gaps::Zero,
        GapRule::Between => Gaps::Between,
        GapRule::Refuse => Gaps::Refuse,
    };
    let repeats = match args.repeats {
        RepeatRule::Mean => Repeats::Mean,
        RepeatRule::Sum => Repeats::Sum,
    };
    let season_length = args.season_length;
    let notes = known.note(&args.input).into_iter().chain(of_digits).collect();
    let mut input = Input { series: Vec::new(), refused, notes, drivers: shared, season_length };
    let sound = known.ids.iter().zip(&known.rows).filter(|(id, _)| !spoiled.contains(*id));
    for (id, rows) in sound {
        let plain: Vec<Row> = rows.iter().map(|row| Row { at: row.at, value: row.y }).collect();
        match clean(&plain, args.freq, gaps, repeats) {
            Ok(series) => {
                let past = aligned(&series, rows, input.drivers.len());
                let number = after.as_ref().and_then(|after| after.numbers.get(id).copied());
                let later = match (&after, number) {
                    (Some(after), Some(number)) => after.rows[number].clone(),
                    _ => Vec::new(),
                };
                let ahead = Vec::new();
                input.series.push(Known { id: id.clone(), series, past, ahead, later });
            }
            Err(error) => input.refused.push((id.clone(), error.to_string())),
        }
    }
    input.notes.extend(averaged(&input.series));
    input.notes.extend(ended_early(&mut input.series));
    Ok(input)
}

/// Takes integers as the dates that their digits write, where all of both files do so alike; says so with the first of them.
fn read_as_dates(known: &mut Rows, after: Option<&mut Rows>) -> Option<String> {
    let first = known.rows.iter().flatten().next()?.at;
    let has_days = |at: Moment| matches!(at, Moment::Step(step) if step > 1_000_000);
    let mut rows: Vec<&mut Later> = known.rows.iter_mut().flatten().collect();
    rows.extend(after.into_iter().flat_map(|after| after.rows.iter_mut().flatten()));
    let is_date = |at: Moment| has_days(at) == has_days(first) && at.in_digits().is_some();
    if !rows.iter().all(|row| is_date(row.at)) {
        return None;
    }
    for row in rows {
        row.at = row.at.in_digits().unwrap_or(row.at);
    }
    Some(format!("`ds` holds dates like {first}, not integers; --freq 1 takes them as integers"))
}

/// That rows of one moment were averaged, which is wrong for the lines of several sales.
fn averaged(series: &[Known]) -> Option<String> {
    let n: usize = series.iter().map(|known| known.series.n_averaged).sum();
    let first = series.iter().find(|known| known.series.n_averaged > 0)?;
    Some(format!(
        "{n} rows repeat a date of their series with another value and were averaged, for example of `{}`; \
         --repeats sum adds them up",
        first.id
    ))
}

/// That series ended more than a season before the latest of their calendar, so that what is ahead of them is over.
fn ended_early(series: &mut [Known]) -> Option<String> {
    // Integers of two series need not be the same days.
    let end = |known: &Known| {
        let is_dated = known.series.frequency != Frequency::Step;
        is_dated.then(|| known.series.moment_at(known.series.y.len() - 1))?
    };
    let mut latest: HashMap<&'static str, Moment> = HashMap::new();
    for known in series.iter() {
        let Some(at) = end(known) else { continue };
        let latest = latest.entry(known.series.frequency.letter()).or_insert(at);
        *latest = at.max(*latest);
    }
    let (mut n, mut first) = (0, None);
    for known in series {
        let (Some(at), letter) = (end(known), known.series.frequency.letter()) else { continue };
        let Some(last) = latest.get(letter) else { continue };
        let season = known.series.frequency.season_length().max(EARLY_STEPS_MIN) as i64;
        if known.series.steps_after(*last).is_none_or(|steps| steps <= season) {
            continue;
        }
        known
            .series
            .notes
            .push(format!("ends at {at}, others at {last}: its forecast begins there"));
        n += 1;
        first.get_or_insert_with(|| format!("`{}` at {at}, others at {last}", known.id));
    }
    let first = first?;
    Some(format!(
        "{n} series end long before others and are forecast from their own end on: {first}; add rows with 0 where \
         nothing was sold, or leave them out"
    ))
}

/// Refuses drivers that say nothing: texts cannot be counted with.
fn must_be_numeric(known: &Rows, drivers: &[String], input: &Path) -> Result<()> {
    let has_number =
        |number: usize| known.rows.iter().flatten().any(|row| row.drivers[number].is_some());
    match (0..drivers.len()).find(|number| !has_number(*number)) {
        Some(number) => {
            let detail = format!(
                "{}: column `{}` holds no number, so it cannot drive a forecast; take it out of the later file, \
                 or write numbers (0 and 1 for no and yes)",
                input.display(),
                drivers[number]
            );
            Err(anyhow!(Failure::usage(detail)))
        }
        None => Ok(()),
    }
}

/// The columns that both files have, besides those of sales.
fn shared_columns(input: &Path, later: &Path) -> Result<Vec<String>> {
    let of = |path: &Path| -> Result<Vec<String>> { Ok(sheet::open(path)?.columns().to_vec()) };
    let (known, after) = (of(input)?, of(later)?);
    let is_own =
        |name: &String| [ID, TIME, VALUE].iter().any(|names| names.contains(&name.as_str()));
    let unknown: Vec<&String> =
        after.iter().filter(|name| !is_own(name) && !known.contains(name)).collect();
    if let Some(name) = unknown.first() {
        let (later, input) = (later.display(), input.display());
        let detail =
            format!("{later}: column `{name}` is not in {input}; add it there or take it out here");
        return Err(anyhow!(Failure::usage(detail)));
    }
    Ok(after.into_iter().filter(|name| !is_own(name)).collect())
}

type Refused<'a> = &'a mut Vec<(String, String)>;

fn rows(path: &Path, drivers: &[String], (needs_y, refused): (bool, Refused<'_>)) -> Result<Rows> {
    let mut file = sheet::open(path)?;
    let columns = Columns::new(file.columns());
    let (id, time) = (columns.need(ID)?, columns.need(TIME)?);
    let y = if needs_y { Some(columns.need(VALUE)?) } else { columns.find(VALUE) };
    let places: Vec<Option<usize>> =
        drivers.iter().map(|name| columns.find(&[name.as_str()])).collect();
    let mark = if file.has_decimal_commas() { DecimalMark::Comma } else { DecimalMark::Point };
    let mut read = Rows::default();
    let mut bad: HashMap<String, ()> = HashMap::new();
    while let Some(block) = file.next_block()? {
        if let Some(fault) = block.faults.first() {
            return Err(wrong(path, fault.line, &fault.reason));
        }
        for row in 0..block.len() {
            let name = block.cell(row, id).text().unwrap_or_default().into_owned();
            if name.is_empty() {
                return Err(wrong(path, block.line(row), "column `unique_id` is empty"));
            }
            let Some(at) = moment(block.cell(row, time)) else {
                if bad.insert(name.clone(), ()).is_none() {
                    let line = block.line(row);
                    let reason = format!("has no date or integer in `ds` (line {line})");
                    refused.push((name, reason));
                }
                continue;
            };
            let number =
                |place: Option<usize>| place.and_then(|place| value(block.cell(row, place), mark));
            let drivers = places.iter().map(|place| number(*place)).collect();
            let number = match read.numbers.get(&name) {
                Some(number) => *number,
                None => {
                    let new = read.ids.len();
                    read.numbers.insert(name.clone(), new);
                    read.ids.push(name);
                    read.rows.push(Vec::new());
                    new
                }
            };
            let cell = y.map(|place| block.cell(row, place));
            let y = cell.and_then(|cell| value(cell, mark));
            if let (None, Some(cell)) = (y, cell) {
                read.n_unusable += 1;
                let text = cell.text().unwrap_or_default().chars().take(40).collect();
                read.unusable.get_or_insert((block.line(row), text));
            }
            read.rows[number].push(Later { at, y, drivers });
        }
    }
    // A series with one unreadable date would get a gap that nobody sees: it is refused whole.
    for (id, rows) in read.ids.iter().zip(&mut read.rows) {
        if bad.contains_key(id) {
            rows.clear();
        }
    }
    let keep: Vec<bool> = read.ids.iter().map(|id| !bad.contains_key(id)).collect();
    Ok(read.keep(&keep))
}

impl Rows {
    /// How many rows have no number, with one of them.
    fn note(&self, path: &Path) -> Option<String> {
        let (line, text) = self.unusable.as_ref()?;
        let (n, path) = (self.n_unusable, path.display());
        Some(format!(
            "{n} rows of {path} have no number in `y`, the first in line {line}: `{text}`; what was sold then counts as \
             unknown, not as 0; write numbers like 1050.5"
        ))
    }

    fn keep(self, keep: &[bool]) -> Rows {
        let (n_unusable, unusable) = (self.n_unusable, self.unusable);
        let mut kept = Rows { n_unusable, unusable, ..Rows::default() };
        for ((id, rows), _) in
            self.ids.into_iter().zip(self.rows).zip(keep).filter(|(_, keep)| **keep)
        {
            kept.numbers.insert(id.clone(), kept.ids.len());
            kept.ids.push(id);
            kept.rows.push(rows);
        }
        kept
    }
}

fn moment(cell: Cell<'_>) -> Option<Moment> {
    match cell {
        Cell::Int(step) => Some(Moment::Step(step)),
        Cell::Float(step) if step.fract() == 0.0 && step.abs() < 1e15 => {
            Some(Moment::Step(step as i64))
        }
        other => Moment::read(&other.text()?),
    }
}

/// A number; anything else counts as missing, as a cell without one does.
fn value(cell: Cell<'_>, mark: DecimalMark) -> Option<f64> {
    let number = match mark {
        DecimalMark::Comma => cell.number_with_comma(),
        DecimalMark::Point => cell.number(),
    };
    number.ok().flatten()
}

/// Drivers at each step of a series; a missing one counts as 0.
fn aligned(series: &Series, rows: &[Later], n_drivers: usize) -> Vec<Vec<f64>> {
    let n = series.y.len() as i64;
    let mut past = vec![vec![0.0; series.y.len()]; n_drivers];
    for row in rows {
        let step = series.steps_after(row.at).and_then(|after| after.checked_add(n - 1));
        let Some(idx) = step.filter(|idx| (0..n).contains(idx)) else { continue };
        for (column, value) in past.iter_mut().zip(&row.drivers) {
            column[idx as usize] = value.unwrap_or(0.0);
        }
    }
    past
}

impl Known {
    /// A series without anything that drives it.
    pub(super) fn alone(id: String, series: Series) -> Known {
        Known { id, series, past: Vec::new(), ahead: Vec::new(), later: Vec::new() }
    }
}

impl Input {
    /// Refuses series whose calendar ends before the horizon.
    pub(crate) fn stay_in_calendar(&mut self, horizon: usize) {
        let refused = &mut self.refused;
        self.series.retain(|known| {
            let is_within = known.series.moment_after(horizon).is_some();
            if !is_within {
                let reason =
                    "has no date so far ahead; take a shorter --horizon, and look at its last `ds`";
                refused.push((known.id.clone(), reason.to_owned()));
            }
            is_within
        });
    }

    /// Steps without a row between those of the later file: nothing drives them, as in the input.
    pub(crate) fn close_gaps(&mut self) {
        let n_drivers = self.drivers.len();
        for known in &mut self.series {
            let steps: HashSet<i64> =
                known.later.iter().filter_map(|row| known.series.steps_after(row.at)).collect();
            let last = steps.iter().copied().max().unwrap_or(0).min(10_000);
            for step in (1..last).filter(|step| !steps.contains(step)) {
                if let Some(at) = known.series.moment_after(step as usize) {
                    let drivers = vec![Some(0.0); n_drivers];
                    known.later.push(Later { at, y: None, drivers });
                }
            }
        }
    }

    /// Lines up what is known of the next steps. A series without a driver at every step that it `needs` is refused;
    /// behind these the last value stays.
    pub(crate) fn look_ahead(&mut self, horizon: usize, needs: &[usize]) {
        if self.drivers.is_empty() {
            return;
        }
        let (names, refused) = (&self.drivers, &mut self.refused);
        let mut needs = needs.iter().copied();
        self.series.retain_mut(|known| {
            let needed = needs.next().unwrap_or(horizon);
            let mut ahead = vec![vec![f64::NAN; horizon]; names.len()];
            for row in &known.later {
                let Some(step) = known.series.steps_after(row.at) else { continue };
                if step < 1 || step > horizon as i64 {
                    continue;
                }
                for (column, value) in ahead.iter_mut().zip(&row.drivers) {
                    column[step as usize - 1] = value.unwrap_or(f64::NAN);
                }
            }
            for column in ahead.iter_mut().filter(|_| needed > 0 && needed < horizon) {
                let last = column[needed - 1];
                column[needed..]
                    .iter_mut()
                    .filter(|value| value.is_nan())
                    .for_each(|value| *value = last);
            }
            let missing = ahead.iter().enumerate().find_map(|(number, column)| {
                column.iter().position(|value| value.is_nan()).map(|idx| (number, idx))
            });
            if let Some((number, idx)) = missing {
                let at = known.series.moment_after(idx + 1).map(|at| at.to_string());
                let (name, at) = (&names[number], at.unwrap_or_default());
                let reason = format!("has no `{name}` at {at} in the future file; add the row");
                refused.push((known.id.clone(), reason));
                return false;
            }
            known.ahead = ahead;
            true
        });
    }

    /// What drives a series: each column's name, and its values from the first step to the last that is known.
    pub(super) fn columns<'a>(&'a self, known: &'a Known) -> Vec<(&'a str, Vec<f64>)> {
        let whole = |number: usize| {
            let ahead = known.ahead.get(number).into_iter().flatten();
            known.past[number].iter().chain(ahead).copied().collect()
        };
        self.drivers
            .iter()
            .enumerate()
            .map(|(number, name)| (name.as_str(), whole(number)))
            .collect()
    }

    /// What is to be forecast, with what drives it.
    pub(crate) fn tasks(&self) -> (Vec<Task>, Vec<Drivers>) {
        let task = |known: &Known| super::task(known, self.season_length);
        let drivers =
            |known: &Known| Drivers { past: known.past.clone(), ahead: known.ahead.clone() };
        let tasks = self.series.iter().map(task).collect();
        if self.drivers.is_empty() {
            return (tasks, Vec::new());
        }
        (tasks, self.series.iter().map(drivers).collect())
    }

    /// Takes the last steps off every series as what comes later; series that are too short for it are left
    /// out. Answers the values by series.
    pub(crate) fn hold_back(&mut self, steps: usize) -> Vec<Vec<f64>> {
        let mut held = Vec::new();
        self.series.retain_mut(|known| {
            let Some(left) = known.series.y.len().checked_sub(steps).filter(|left| *left > 0)
            else {
                return false;
            };
            held.push(known.series.y.split_off(left));
            known.ahead = known.past.iter_mut().map(|column| column.split_off(left)).collect();
            true
        });
        held
    }
}

fn wrong(path: &Path, line: u64, reason: &str) -> anyhow::Error {
    anyhow!(Failure::usage(format!("{} line {line}: {reason}", path.display())))
}
