//! What was wanted on days whose sales do not say it: the shelf was empty, or the place closed.
//!
//! Of a day on which the shelf was filled up again, what is usual on such a weekday is added for the time that it was empty. A shelf
//! that was empty at the end of the day says that at least so much was wanted as was sold, so such a day
//! counts as the mean of all demand that is at least that, `E [D | D ≥ s]`, around what is usual on such a weekday. What is usual
//! is told again with these days among the others, because those that did not sell out are the quieter ones (expectation and
//! maximisation: Dempster, Laird and Rubin, Journal of the Royal Statistical Society B 39(1), 1977; for demand that stock cuts off
//! Conrad, Operational Research Quarterly 27(1), 1976).

use souk_inventory::demand::Grain;
use souk_math::counts::CountDistribution;
use souk_math::gamma;

use super::DemandSeries;

#[cfg(test)]
mod tests;

/// Days of the same weekday that a day's demand is told from.
const SAME_WEEKDAYS: usize = 8;
/// How often what is usual is told again (chosen: a fourth time moves a mean by less than one part in a hundred).
const PASSES: usize = 3;
/// Minutes of the day between which things are sold, evenly (chosen: from eight to twenty o'clock).
const SELLING: (i64, i64) = (480, 1_200);
/// One day in so many, and one more, is a surprise: it counts as the next largest (chosen).
const SURPRISES: usize = 100;
/// A chance below which a tail is not looked at: what sold so much more than usual is left as it is.
const TAIL_MIN: f64 = 1e-6;

impl DemandSeries {
    /// What was wanted: on days with an empty shelf more than was sold, and on closed days just what is usual on such a weekday.
    /// The second number is how many units empty shelves add.
    ///
    /// What sells in pieces gets whole ones, and the rest goes to the next such day: a few parts of pieces would make a count
    /// something that models of counts do not take.
    pub fn wanted(&self) -> (Vec<f64>, f64) {
        let mut wanted = self.sold.clone();
        let is_open = |idx: usize| !self.is_censored[idx] && !self.is_closed(idx);
        let is_open: Vec<bool> = (0..self.len()).map(is_open).collect();
        if !is_open.contains(&true) {
            return (wanted, 0.0);
        }
        let is_count = self.sold.iter().all(|units| units.fract() == 0.0);
        let grain = if is_count { Grain::Pieces } else { Grain::Measured };
        let estimate = self.estimated(&is_open, grain);
        let (mut added, mut rest) = (0.0, 0.0);
        for idx in (0..self.len()).filter(|idx| estimate[*idx] > self.sold[*idx]) {
            rest += estimate[idx] - self.sold[idx];
            let more = if is_count { rest.round() } else { rest };
            rest -= more;
            added += if self.is_closed(idx) { 0.0 } else { more };
            wanted[idx] += more;
        }
        (wanted, added)
    }

    /// What each day is taken to have wanted, in parts of pieces; what was sold on days that tell it.
    fn estimated(&self, is_open: &[bool], grain: Grain) -> Vec<f64> {
        let is_sold_out =
            |idx: &usize| self.is_empty_at_end.get(*idx) == Some(&true) && !self.is_closed(*idx);
        let sold_out: Vec<usize> =
            (0..self.len()).filter(|idx| is_sold_out(idx) && self.sold[*idx] > 0.0).collect();
        let mut known = Known { values: self.sold.clone(), is_known: is_open.to_vec() };
        if !sold_out.is_empty() {
            let dispersion = known.dispersion();
            for _ in 0..PASSES {
                let told: Vec<f64> = sold_out
                    .iter()
                    .map(|idx| {
                        let usual = known.usual(*idx);
                        at_least(self.sold[*idx], (usual, dispersion), grain)
                    })
                    .collect();
                for (idx, told) in sold_out.iter().zip(told) {
                    known.values[*idx] = told;
                    known.is_known[*idx] = true;
                }
            }
        }
        let of_day = |idx: usize| {
            if known.is_known[idx] {
                return known.values[idx];
            }
            let is_all = self.is_closed(idx) || is_sold_out(&idx);
            let missed = if is_all { 1.0 } else { self.missed.get(idx).copied().unwrap_or(1.0) };
            self.sold[idx] + missed * known.usual(idx)
        };
        (0..self.len()).map(of_day).collect()
    }
}

/// The share of a day's sales that comes between two minutes of it.
pub(super) fn share_between(from: i64, until: i64) -> f64 {
    let within = |minute: i64| minute.clamp(SELLING.0, SELLING.1);
    (within(until) - within(from)) as f64 / (SELLING.1 - SELLING.0) as f64
}

/// What days are taken to have wanted, where that is known.
struct Known {
    values: Vec<f64>,
    is_known: Vec<bool>,
}

impl Known {
    /// What other days of the same weekday around a day wanted, half of them before it and half after.
    fn usual(&self, idx: usize) -> f64 {
        let is_known = |other: &usize| self.is_known[*other];
        let before =
            (0..idx).rev().filter(|other| (idx - other).is_multiple_of(7)).filter(is_known);
        let after = (idx + 1..self.values.len()).filter(|other| (other - idx).is_multiple_of(7));
        let near =
            before.take(SAME_WEEKDAYS / 2).chain(after.filter(is_known).take(SAME_WEEKDAYS / 2));
        let near: Vec<f64> = near.map(|other| self.values[other]).collect();
        if !near.is_empty() {
            return near.iter().sum::<f64>() / near.len() as f64;
        }
        let all = (0..self.values.len()).filter(is_known);
        let (sum, n) = all.fold((0.0, 0), |(sum, n), other| (sum + self.values[other], n + 1));
        sum / f64::from(n.max(1))
    }

    /// The variance of a day over its mean, without surprises.
    fn dispersion(&self) -> f64 {
        let known: Vec<usize> = (0..self.values.len()).filter(|idx| self.is_known[*idx]).collect();
        let mut sorted: Vec<f64> = known.iter().map(|idx| self.values[*idx]).collect();
        sorted.sort_by(|a, b| b.total_cmp(a));
        let most = sorted.get(known.len() / SURPRISES + 1).or(sorted.first());
        let most = most.copied().unwrap_or(0.0);
        let values = self.values.iter().map(|value| value.min(most)).collect();
        let bounded = Known { values, is_known: self.is_known.clone() };
        let (mut squares, mut means) = (0.0, 0.0);
        for idx in known {
            let usual = bounded.usual(idx);
            squares += (bounded.values[idx] - usual).powi(2);
            means += usual;
        }
        // What is usual is a mean of eight days itself, which adds an eighth.
        let share = SAME_WEEKDAYS as f64 / (SAME_WEEKDAYS + 1) as f64;
        if means > 0.0 { share * squares / means } else { 1.0 }
    }
}

/// The mean of demand that is at least `sold`, by its mean and its variance over that.
fn at_least(sold: f64, (usual, dispersion): (f64, f64), grain: Grain) -> f64 {
    if usual <= 0.0 {
        return sold;
    }
    let (tail, excess) = if grain == Grain::Pieces {
        let chances = CountDistribution::of_moments(usual, dispersion).chances(1e-9);
        let above = chances.iter().enumerate().skip(sold as usize);
        above.fold((0.0, 0.0), |(tail, excess), (count, chance)| {
            (tail + chance, excess + chance * (count as f64 - sold))
        })
    } else {
        let scale = dispersion.max(1e-6 * usual);
        let (shape, from) = (usual / scale, sold / scale);
        (1.0 - gamma::at_most(shape, from), scale * gamma::excess(shape, from))
    };
    if tail > TAIL_MIN { sold + excess / tail } else { sold }
}
