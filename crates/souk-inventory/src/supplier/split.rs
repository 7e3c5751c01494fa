//! The choice among three suppliers and more: exact, by dynamic programming over units covered.
//!
//! Supplier after supplier, the least cost of every total with every number of suppliers used is carried on. A supplier's
//! cost is a straight line between the quantities at which a price tier, a pallet or a truck begins, so the best of all quantities
//! on a line is a minimum over a sliding window: the work grows with totals × lines, not with totals × quantities.
//!
//! Source: Bellman, *Dynamic Programming*, 1957, ch. 1 (allocation); Lemire, *Streaming maximum-minimum filter using no more than
//! three comparisons per element*, Nordic Journal of Computing 13(4), 2006 (the window).

use std::collections::VecDeque;

use super::{Bill, Need, Terms};
use crate::rounding::{down, up};

/// Totals × suppliers × splits that are looked through, at most (four bytes each).
const CELLS_MAX: f64 = 2e7;

/// A stretch of quantities, in cases, on which cost is a straight line.
struct Line {
    first: usize,
    last: usize,
    /// Money for the first quantity, and for each case more; units beyond the need are priced in.
    cost: f64,
    slope: f64,
}

/// The cheapest orders, or `None` when no split is possible or there is too much to look through.
pub(super) fn solve(need: &Need, terms: &[Terms<'_>]) -> Option<Vec<Bill>> {
    let unit = common(terms)?;
    let is_forced = |one: &&Terms<'_>| one.offer.contract.0 > 0.0;
    // Whoever could be left out without falling below the need is left out, unless a contract forbids it.
    let largest = terms.iter().map(|one| one.horizon(need)).fold(0.0, f64::max);
    let forced: f64 = terms.iter().filter(is_forced).map(|one| one.least).sum();
    let total = down((need.units + largest + forced).min(need.most), unit) / unit;
    let splits = need.splits.min(terms.len());
    if total.is_nan() || (total + 1.0) * (splits * terms.len()) as f64 > CELLS_MAX {
        return None;
    }
    let mut table = Table::new(total.round() as usize, splits);
    for one in terms {
        table.add(need, one, unit);
    }
    let least = (up(need.units, unit) / unit).round() as usize;
    let (mut used, mut at) = table.best(least)?;
    let mut orders = Vec::new();
    for (one, chosen) in terms.iter().zip(&table.chosen).rev() {
        let cases = chosen[used][at] as usize;
        if cases > 0 {
            let units = cases as f64 * one.offer.multiple;
            orders.push(one.bill(units));
            at -= (units / unit).round() as usize;
            used -= 1;
        }
    }
    Some(orders)
}

/// The largest unit that all cases are whole multiples of, to a thousandth; `None` for cases that are finer than that.
fn common(terms: &[Terms<'_>]) -> Option<f64> {
    let mut unit = 0_u64;
    for one in terms {
        let thousandths = one.offer.multiple * 1_000.0;
        if (thousandths - thousandths.round()).abs() > 1e-6 || !(0.5..1e15).contains(&thousandths) {
            return None;
        }
        let (mut a, mut b) = (unit, thousandths.round() as u64);
        while b > 0 {
            (a, b) = (b, a % b);
        }
        unit = a;
    }
    Some(unit as f64 / 1_000.0)
}

struct Table {
    /// The least cost by suppliers used and units covered.
    costs: Vec<Vec<f64>>,
    /// By supplier, suppliers used and units covered: cases from this supplier.
    chosen: Vec<Vec<Vec<u32>>>,
}

impl Table {
    fn new(total: usize, splits: usize) -> Table {
        let mut costs = vec![vec![f64::INFINITY; total + 1]; splits + 1];
        costs[0][0] = 0.0;
        Table { costs, chosen: Vec::new() }
    }

    fn add(&mut self, need: &Need, one: &Terms<'_>, unit: f64) {
        let step = (one.offer.multiple / unit).round() as usize;
        let lines = lines(need, one);
        let is_forced = one.offer.contract.0 > 0.0;
        let mut chosen = vec![vec![0; self.costs[0].len()]; self.costs.len()];
        for used in (0..self.costs.len()).rev() {
            if is_forced {
                self.costs[used].fill(f64::INFINITY);
            }
            if used == 0 {
                break;
            }
            let (before, after) = self.costs.split_at_mut(used);
            for line in &lines {
                for rest in 0..step.min(before[0].len()) {
                    let cells = (&before[used - 1][..], &mut after[0][..], &mut chosen[used][..]);
                    slide(line, (rest, step), cells);
                }
            }
        }
        self.chosen.push(chosen);
    }

    /// The cheapest total from `least` on; equal costs with fewer suppliers.
    fn best(&self, least: usize) -> Option<(usize, usize)> {
        let mut best = (f64::INFINITY, None);
        for (used, costs) in self.costs.iter().enumerate() {
            for (at, cost) in costs.iter().enumerate().skip(least) {
                if *cost < best.0 - 1e-9 * cost.abs() || best.1.is_none() && cost.is_finite() {
                    best = (*cost, Some((used, at)));
                }
            }
        }
        best.1
    }
}

/// Carries on the totals `rest`, `rest + step`, … by the quantities of a line.
fn slide(
    line: &Line,
    (rest, step): (usize, usize),
    (before, after, chosen): (&[f64], &mut [f64], &mut [u32]),
) {
    let n = (before.len() - rest).div_ceil(step);
    // Cost without this supplier, less the line's rise until there: ascending from front to back.
    let mut window: VecDeque<(usize, f64)> = VecDeque::new();
    for to in line.first..n {
        let enters = to - line.first;
        let key = before[rest + enters * step] - line.slope * enters as f64;
        while window.back().is_some_and(|(_, other)| *other >= key) {
            window.pop_back();
        }
        if key.is_finite() {
            window.push_back((enters, key));
        }
        while window.front().is_some_and(|(from, _)| to - from > line.last) {
            window.pop_front();
        }
        let Some((from, key)) = window.front() else { continue };
        let cost = line.cost + key + line.slope * (to - line.first) as f64;
        let at = rest + to * step;
        if cost < after[at] {
            after[at] = cost;
            chosen[at] = (to - from) as u32;
        }
    }
}

/// The lines of a supplier, by ascending quantity.
fn lines(need: &Need, one: &Terms<'_>) -> Vec<Line> {
    let (offer, case) = (one.offer, one.offer.multiple);
    let cases = |units: f64| (units / case).round();
    let (mut first, last) = (cases(one.least), cases(one.horizon(need)));
    let mut lines = Vec::new();
    while first <= last {
        let units = first * case;
        let bill = one.bill(units);
        let mut end = last;
        if let Some(next) = offer.prices.iter().find(|tier| units < tier.from - 1e-9) {
            end = end.min(cases(up(next.from, case)) - 1.0);
        }
        for load in offer.pallet.iter().chain(&offer.truck).filter(|load| load.cost > 0.0) {
            end = end.min(cases(down(up(units, load.units), case)));
        }
        let end = end.max(first);
        lines.push(Line {
            first: first as usize,
            last: end as usize,
            cost: bill.cost() + one.surplus * units,
            slope: (bill.price + one.late + one.missing + one.surplus) * case,
        });
        first = end + 1.0;
    }
    lines
}
