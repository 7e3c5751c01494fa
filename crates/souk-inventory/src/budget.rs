//! What to order first when money or room does not suffice for everything.
//!
//! Each line says what each further case would bring. Cases are granted by benefit for what they use, until nothing more fits:
//! the Lagrangian of the two limits, whose prices of money and room are searched on a fixed grid. Within a line, cases are
//! taken in order; where a later case brings more than an earlier one, both count as one step (the concave hull).
//!
//! Source: Everett, *Generalized Lagrange multiplier method for solving problems of optimum allocation of resources*,
//! Operations Research 11(3), 1963; Silver, Pyke and Thomas, *Inventory and Production Management in Supply Chains*, 4th ed.,
//! §6.11 (allocating a total safety stock by marginal analysis).

use crate::demand::Total;
use crate::{PolicyError, at_least_zero, positive};

#[cfg(test)]
mod tests;

/// An order line that competes for money and room.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// Money for each case, above 0.
    pub cost: f64,
    /// Room for each case (pallet places, cubic metres: one unit for all lines); 0 if it does not matter.
    pub room: f64,
    /// Cases of the smallest order, at least 1: fewer than that are none.
    pub minimum: usize,
    /// What each case brings, the first one first, in money; as many as are wanted.
    pub gains: Vec<f64>,
}

/// What there is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// Money; infinite without a limit.
    pub money: f64,
    /// Room; infinite without a limit.
    pub room: f64,
}

/// What each line gets.
#[derive(Clone, Debug, PartialEq)]
pub struct Allotment {
    /// Cases of each line.
    pub cases: Vec<usize>,
    /// Money used.
    pub money: f64,
    /// Room used.
    pub room: f64,
    /// What all cases bring.
    pub gain: f64,
    /// What the best case that was refused would bring for each unit of money: what more budget is worth. 0 if all is granted.
    pub worth: f64,
}

/// Mixes of the two limits that are tried.
const MIXES: usize = 33;

/// Grants cases by benefit until money or room is used.
///
/// # Errors
///
/// [`PolicyError::OutOfRange`] for a number that is negative or none, a cost of 0 or a minimum of 0.
pub fn allot(lines: &[Line], limits: &Limits) -> Result<Allotment, PolicyError> {
    for (name, value) in [("the budget", limits.money), ("the room", limits.room)] {
        if value.is_nan() || value < 0.0 {
            return Err(PolicyError::OutOfRange { name, value, bound: "of 0 or more" });
        }
    }
    for line in lines {
        positive("the cost of a case", line.cost)?;
        at_least_zero("the room of a case", line.room)?;
        positive("the cases of the smallest order", line.minimum as f64)?;
        for gain in &line.gains {
            if !gain.is_finite() {
                let name = "what a case brings";
                return Err(PolicyError::OutOfRange {
                    name,
                    value: *gain,
                    bound: "that is finite",
                });
            }
        }
    }
    let steps: Vec<Step> =
        lines.iter().enumerate().flat_map(|(idx, line)| hull(idx, line)).collect();
    let n_mixes = if limits.money.is_finite() && limits.room.is_finite() { MIXES } else { 1 };
    let mut best: Option<Allotment> = None;
    for mix in 0..n_mixes {
        let of_room = match (limits.money.is_finite(), limits.room.is_finite()) {
            (true, true) => mix as f64 / (MIXES - 1) as f64,
            (false, true) => 1.0,
            _ => 0.0,
        };
        let found = grant(lines, (&steps, of_room), limits);
        if best.as_ref().is_none_or(|best| found.gain > best.gain) {
            best = Some(found);
        }
    }
    Ok(best.expect("one mix is always tried"))
}

/// Cases of a line that are taken together.
#[derive(Clone, Copy)]
struct Step {
    line: usize,
    from: usize,
    to: usize,
    gain: f64,
}

/// The steps of a line with falling gains for each case, as far as they bring anything.
fn hull(line_idx: usize, line: &Line) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let rate = |step: &Step| step.gain / (step.to - step.from) as f64;
    let first = line.minimum.max(1);
    let mut from = 0;
    while from < line.gains.len() {
        let to = if from == 0 { first } else { from + 1 };
        if to > line.gains.len() {
            break;
        }
        let mut step = Step { line: line_idx, from, to, gain: line.gains[from..to].iter().sum() };
        while let Some(last) = steps.last().filter(|last| rate(last) < rate(&step)) {
            step = Step { from: last.from, gain: last.gain + step.gain, ..step };
            steps.pop();
        }
        steps.push(step);
        from = to;
    }
    steps.retain(|step| step.gain > 0.0);
    steps
}

fn grant(lines: &[Line], (steps, of_room): (&[Step], f64), limits: &Limits) -> Allotment {
    // Each limit is priced as a share of itself, so that the two can be mixed.
    let share = |used: f64, limit: f64| if limit > 0.0 { used / limit } else { f64::INFINITY };
    let use_of = |step: &Step| {
        let (line, n) = (&lines[step.line], (step.to - step.from) as f64);
        if limits.money.is_infinite() && limits.room.is_infinite() {
            return line.cost * n;
        }
        let money =
            if of_room < 1.0 { (1.0 - of_room) * share(line.cost * n, limits.money) } else { 0.0 };
        let room = if of_room > 0.0 { of_room * share(line.room * n, limits.room) } else { 0.0 };
        money + room
    };
    let mut ranked: Vec<(f64, &Step)> =
        steps.iter().map(|step| (step.gain / use_of(step).max(1e-300), step)).collect();
    ranked.sort_by(|(a, one), (b, other)| {
        b.total_cmp(a).then((one.line, one.from).cmp(&(other.line, other.from)))
    });
    let mut found =
        Allotment { cases: vec![0; lines.len()], money: 0.0, room: 0.0, gain: 0.0, worth: 0.0 };
    for (_, step) in ranked {
        let line = &lines[step.line];
        let n = (step.to - step.from) as f64;
        // A step that does not fit closes its line: what follows would leave a gap.
        if found.cases[step.line] != step.from {
            continue;
        }
        let least = if step.from == 0 { line.minimum.max(1) } else { 1 };
        let fits = |cases: usize| {
            let more = cases as f64;
            found.money + line.cost * more <= limits.money * (1.0 + 1e-12)
                && found.room + line.room * more <= limits.room * (1.0 + 1e-12)
        };
        let n_fitting = (least..=step.to - step.from).rev().find(|cases| fits(*cases)).unwrap_or(0);
        if n_fitting < step.to - step.from {
            found.worth = found.worth.max(step.gain / (line.cost * n));
        }
        let gain: f64 = line.gains[step.from..step.from + n_fitting].iter().sum();
        if n_fitting > 0 && gain > 0.0 {
            found.cases[step.line] += n_fitting;
            found.money += line.cost * n_fitting as f64;
            found.room += line.room * n_fitting as f64;
            found.gain += gain;
        }
    }
    found
}

/// What each further case brings: shortages it avoids, less what is left over, against the demand until the next order can
/// arrive. `position` is what is there already, in units; `over` and `under` are money for a unit left over and missing.
///
/// # Errors
///
/// [`PolicyError::OutOfRange`] for a number that is negative or none, or a case of 0 units.
pub fn gains(
    demand: &Total,
    position: f64,
    (over, under): (f64, f64),
    (units, n_cases): (f64, usize),
) -> Result<Vec<f64>, PolicyError> {
    at_least_zero("the cost of a unit left over", over)?;
    at_least_zero("the cost of a missing unit", under)?;
    positive("the units of a case", units)?;
    if !position.is_finite() {
        let name = "the position";
        return Err(PolicyError::OutOfRange { name, value: position, bound: "that is finite" });
    }
    let cost = |k: usize| {
        let units = position + k as f64 * units;
        over * demand.leftover(units) + under * demand.shortage(units)
    };
    Ok((0..n_cases).map(|k| cost(k) - cost(k + 1)).collect())
}
