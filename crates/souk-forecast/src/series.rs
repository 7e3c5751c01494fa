//! From rows in any order to clean series, one value a step, with what was done to them said in words.

mod gaps;
#[cfg(test)]
mod tests;
mod told;

use crate::calendar::{Frequency, Moment, Phase};

/// One row of one series; a missing value may also be written as not-a-number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Row {
    /// When.
    pub at: Moment,
    /// How much.
    pub value: Option<f64>,
}

/// A clean series.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// The values, one for each step.
    pub y: Vec<f64>,
    /// How far apart they are.
    pub frequency: Frequency,
    first: i64,
    phase: Phase,
    /// Seconds by which moments go on before their place is told.
    shift: i64,
    /// What was done to the rows, in words.
    pub notes: Vec<String>,
    /// Rows that were averaged with others of their moment.
    pub n_averaged: usize,
}

/// What rows of the same moment with different values are together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Repeats {
    /// Their mean, and equal ones count once: a row that was corrected or sent twice.
    #[default]
    Mean,
    /// Their sum, of equal ones too: the lines of several sales.
    Sum,
}

/// What a missing step means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Gaps {
    /// 0 where the series sells in fits and starts, else between its neighbours.
    #[default]
    Guess,
    /// Nothing was sold.
    Zero,
    /// Between its neighbours.
    Between,
    /// An error.
    Refuse,
}

/// Why a series cannot be forecast.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SeriesError {
    /// No row has a value.
    #[error("has no value in column `y`; give at least one number")]
    Empty,
    /// Integers beside dates, or dates that lie on no common calendar.
    #[error("mixes frequencies: {a} and {b} do not lie on one {calendar} calendar; {remedy}")]
    Mixed {
        /// One moment.
        a: Moment,
        /// One that does not fit to it.
        b: Moment,
        /// The calendar that was tried.
        calendar: &'static str,
        /// What to do.
        remedy: &'static str,
    },
    /// Rows that are far apart, alike but not equally, so that no calendar is theirs.
    #[error(
        "has rows {shortest} to {longest} steps of {calendar} apart, which is no calendar; number them 1, 2, 3 in `ds` and \
         give --season-length, or name --freq"
    )]
    Irregular {
        /// Steps between two rows, all but the shortest and longest tenths.
        shortest: i64,
        /// The same at the other end.
        longest: i64,
        /// The calendar's letter.
        calendar: &'static str,
    },
    /// A step without a row, though gaps are refused.
    #[error("has no row at {at}; add it, or say what a gap means with --gaps zero|between")]
    Gap {
        /// The first missing step.
        at: Moment,
    },
    /// So few of the steps from the first to the last row have one that the calendar must be wrong.
    #[error("has {rows} rows over {steps} steps of {calendar}; name a longer step with --freq")]
    Sparse {
        /// Rows with a value.
        rows: usize,
        /// Steps from the first to the last.
        steps: u64,
        /// The calendar's letter.
        calendar: &'static str,
    },
}

/// Steps of one series at most: beyond this the calendar is wrong, or the memory is at risk.
const STEPS_MAX: u64 = 1_000_000;

/// Sorts rows, settles repeats and fills gaps. The calendar is told from the rows when no `frequency` is given. What a row
/// without a usable value means is not known, so it lies between its neighbours whatever a step without a row means.
///
/// # Errors
///
/// Any [`SeriesError`]; other series are not touched by it.
pub fn clean(
    rows: &[Row],
    frequency: Option<Frequency>,
    gaps: Gaps,
    repeats: Repeats,
) -> Result<Series, SeriesError> {
    let mut notes = Vec::new();
    let mut known: Vec<(Moment, f64)> = Vec::with_capacity(rows.len());
    let mut missing = Vec::new();
    for row in rows {
        match usable(row) {
            Some(value) => known.push((row.at, value)),
            None => missing.push(row.at),
        }
    }
    if !missing.is_empty() {
        notes.push(format!("{} rows have no usable value", missing.len()));
    }
    if known.is_empty() {
        return Err(SeriesError::Empty);
    }
    let mut n_averaged = 0;
    if !known.windows(2).all(|pair| pair[0].0 < pair[1].0) {
        known.sort_by_key(|(at, _)| *at);
        n_averaged = settle_repeats(&mut known, repeats, &mut notes);
    }
    let on = told::on_calendar(&known, &missing, frequency)?;
    notes.extend(on.note);
    let frequency = on.frequency;
    let (first, last) = (on.numbers[0], on.numbers[on.numbers.len() - 1]);
    let steps = first.abs_diff(last).saturating_add(1);
    if steps > STEPS_MAX.min(known.len() as u64 * 50 + 1_000) {
        let (rows, calendar) = (known.len(), frequency.letter());
        return Err(SeriesError::Sparse { rows, steps, calendar });
    }
    let mut y = vec![f64::NAN; steps as usize];
    for (number, (_, value)) in on.numbers.iter().zip(&known) {
        y[number.abs_diff(first) as usize] = *value;
    }
    let mut is_unknown = vec![false; y.len()];
    for slot in missing.iter().filter_map(|at| frequency.slot(at.later(on.shift)?)) {
        let idx = slot.number.checked_sub(first).and_then(|idx| usize::try_from(idx).ok());
        if let Some(flag) = idx.and_then(|idx| is_unknown.get_mut(idx)) {
            *flag = true;
        }
    }
    let mut series =
        Series { y, frequency, first, phase: on.phase, shift: on.shift, notes, n_averaged };
    gaps::fill(&mut series, &is_unknown, gaps).map_err(|idx| {
        let at = series.moment_at(idx).unwrap_or(known[0].0);
        SeriesError::Gap { at }
    })?;
    let y = &series.y;
    if y.iter().any(|value| *value < 0.0)
        && y.iter().filter(|value| **value < 0.0).count() * 10 < y.len()
    {
        series.notes.push("some values are negative; they are kept as they are".to_owned());
    }
    Ok(series)
}

/// A value that can be counted with.
fn usable(row: &Row) -> Option<f64> {
    row.value.filter(|value| value.is_finite() && value.abs() <= VALUE_MAX)
}

/// Values beyond this are typing errors in any unit, and their squares would overflow.
const VALUE_MAX: f64 = 1e100;

/// Rows of the same moment become one; answers how many were averaged.
fn settle_repeats(
    known: &mut Vec<(Moment, f64)>,
    repeats: Repeats,
    notes: &mut Vec<String>,
) -> usize {
    let (mut n_equal, mut n_other, mut n_summed) = (0, 0, 0);
    let mut settled: Vec<(Moment, f64)> = Vec::with_capacity(known.len());
    for group in known.chunk_by(|a, b| a.0 == b.0) {
        let (at, value) = group[0];
        if repeats == Repeats::Sum {
            n_summed += group.len() - 1;
            settled.push((at, group.iter().map(|(_, value)| value).sum()));
        } else if group.iter().all(|(_, other)| *other == value) {
            n_equal += group.len() - 1;
            settled.push((at, value));
        } else {
            n_other += group.len() - 1;
            let sum: f64 = group.iter().map(|(_, value)| value / group.len() as f64).sum();
            settled.push((at, sum));
        }
    }
    if n_equal > 0 {
        notes.push(format!("{n_equal} rows were there twice and count once"));
    }
    if n_other > 0 {
        notes.push(format!("{n_other} rows repeat a date with another value: averaged"));
    }
    if n_summed > 0 {
        notes.push(format!("{n_summed} rows repeat a date: added up"));
    }
    *known = settled;
    n_other
}

impl Series {
    /// What several series are together, step by step; where one has not begun it was 0. `None` when they do not end
    /// together or are not equally far apart.
    pub fn summed(parts: &[&Series]) -> Option<Series> {
        let longest = *parts.iter().max_by_key(|part| part.y.len())?;
        let end = |part: &Series| part.first.checked_add(part.y.len() as i64);
        let mut sum = Series { notes: Vec::new(), ..longest.clone() };
        sum.y.iter_mut().for_each(|y| *y = 0.0);
        for part in parts {
            if part.frequency != sum.frequency || end(part) != end(longest) {
                return None;
            }
            let late = sum.y.len() - part.y.len();
            sum.y[late..].iter_mut().zip(&part.y).for_each(|(sum, y)| *sum += y);
        }
        Some(sum)
    }

    /// The moment of a step, from 0 for the first value, or beyond the last; `None` beyond the calendar's end.
    pub fn moment_at(&self, step: usize) -> Option<Moment> {
        self.frequency.moment(self.first.checked_add(step as i64)?, self.phase)
    }

    /// The moment of a step after the last value, from 1; `None` beyond the calendar's end.
    pub fn moment_after(&self, step: usize) -> Option<Moment> {
        let last = self.first.checked_add(self.y.len() as i64 - 1)?;
        self.frequency.moment(last.checked_add(step as i64)?, self.phase)
    }

    /// How many steps after the last value a moment is (0 is the last value); `None` when it lies on another
    /// calendar.
    pub fn steps_after(&self, at: Moment) -> Option<i64> {
        let slot = self.frequency.slot(at.later(self.shift)?)?;
        let last = self.first.checked_add(self.y.len() as i64 - 1)?;
        slot.number.checked_sub(last)
    }
}
