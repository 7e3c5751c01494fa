//! What steps without a row are.

use super::{Gaps, Series};
use crate::calendar::Frequency;
use crate::intermittent::Pattern;

/// Gives every missing step a value; answers the first one when gaps are refused. Of unknown steps there is a row.
pub(super) fn fill(series: &mut Series, is_unknown: &[bool], gaps: Gaps) -> Result<(), usize> {
    let Some(first) = series.y.iter().position(|value| value.is_nan()) else { return Ok(()) };
    if gaps == Gaps::Refuse {
        return Err(first);
    }
    let known: Vec<f64> = series.y.iter().copied().filter(|value| !value.is_nan()).collect();
    let is_closed =
        if gaps == Gaps::Guess { close(series, is_unknown) } else { vec![false; series.y.len()] };
    let n_closed = is_closed.iter().filter(|is_closed| **is_closed).count();
    let Series { y, notes, .. } = series;
    let is_absent = |(value, is_unknown): (&f64, &bool)| value.is_nan() && !is_unknown;
    let n_missing = y.iter().zip(is_unknown).filter(|step| is_absent(*step)).count();
    // Few rows beside many steps, or many zeros: days without a row are days without a sale.
    let is_sparse = n_missing * 3 > y.len() - n_closed || Pattern::of(&known).is_intermittent();
    let with_zero = match gaps {
        Gaps::Zero => true,
        Gaps::Between | Gaps::Refuse => false,
        Gaps::Guess => is_sparse && known.iter().all(|value| *value >= 0.0),
    };
    if with_zero && n_missing > 0 {
        for (value, is_unknown) in y.iter_mut().zip(is_unknown) {
            if value.is_nan() && !is_unknown {
                *value = 0.0;
            }
        }
        notes.push(format!("{n_missing} missing steps count as 0"));
    }
    let n_between = y.iter().filter(|value| value.is_nan()).count();
    if n_between > 0 {
        between(y, &is_closed);
        notes.push(format!("{n_between} missing steps lie between their neighbours"));
    }
    Ok(())
}

/// Puts what is missing on lines between its neighbours among the open steps.
fn between(y: &mut [f64], is_closed: &[bool]) {
    // What comes in whole pieces does so in a gap too.
    let is_whole = y.iter().all(|value| value.is_nan() || value.fract() == 0.0);
    let open: Vec<usize> = (0..y.len()).filter(|idx| !is_closed[*idx]).collect();
    // The first and the last step have a value, so every gap has neighbours.
    let mut last = 0;
    for place in 1..open.len() {
        let (from, to) = (y[open[last]], y[open[place]]);
        if to.is_nan() {
            continue;
        }
        for gap in last + 1..place {
            let share = (gap - last) as f64 / (place - last) as f64;
            let between = from + share * (to - from);
            y[open[gap]] = if is_whole { between.round() } else { between };
        }
        last = place;
    }
}

/// Seasons in which a place must have no row (chosen: four Sundays), and the chance of it at most where days without a row
/// come at any place.
const CLOSED_SEASONS_MIN: usize = 4;
const CLOSED_CHANCE_MAX: f64 = 1e-4;

/// Takes days of the week or hours of the day that never have a row for such at which nothing is sold.
/// Answers which steps these are.
fn close(series: &mut Series, is_unknown: &[bool]) -> Vec<bool> {
    let none = vec![false; series.y.len()];
    let m = match series.frequency {
        Frequency::Day => 7,
        Frequency::Hour => 24,
        _ => return none,
    };
    let place = |idx: usize| (series.first + idx as i64).rem_euclid(m as i64) as usize;
    let (mut n_steps, mut n_absent) = (vec![0_usize; m], vec![0_usize; m]);
    for (idx, value) in series.y.iter().enumerate() {
        n_steps[place(idx)] += 1;
        n_absent[place(idx)] += usize::from(value.is_nan() && !is_unknown[idx]);
    }
    let is_without: Vec<bool> =
        n_steps.iter().zip(&n_absent).map(|(n, absent)| n == absent).collect();
    let sum = |of: &[usize]| -> usize {
        of.iter().zip(&is_without).filter(|(_, without)| !**without).map(|(n, _)| n).sum()
    };
    let share = sum(&n_absent) as f64 / sum(&n_steps).max(1) as f64;
    let closed: Vec<bool> = (0..m)
        .map(|place| {
            let n = n_steps[place];
            is_without[place]
                && n >= CLOSED_SEASONS_MIN
                && share.powi(n as i32) <= CLOSED_CHANCE_MAX
        })
        .collect();
    if !closed.contains(&true) {
        return none;
    }
    let names: Vec<String> = (0..m).filter(|place| closed[*place]).map(|at| name(m, at)).collect();
    let is_closed: Vec<bool> = (0..series.y.len()).map(|idx| closed[place(idx)]).collect();
    let steps = series.y.iter_mut().zip(&is_closed).filter(|(_, is_closed)| **is_closed);
    steps.for_each(|(value, _)| *value = 0.0);
    series.notes.push(format!(
        "no row at {}: nothing is sold then, so these steps count as 0",
        names.join(", ")
    ));
    is_closed
}

fn name(m: usize, place: usize) -> String {
    const DAYS: [&str; 7] =
        ["Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays", "Sundays"];
    if m == 7 { DAYS[place].to_owned() } else { format!("{place} o'clock") }
}
