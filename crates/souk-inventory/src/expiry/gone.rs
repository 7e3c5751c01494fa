//! What leaves a shelf on which lots end.
//!
//! Let `X(s)` be the units of all lots that end by day `s`, and `D(s, T]` the demand of the days after it until day `T`. Lots go
//! in the order of their last days, so while there is enough of everything the units that are gone by `T` are
//!
//! ```text
//! G(T) = max over s of ( X(s) + D(s, T] ),   X(0) what is past its last day now
//! ```
//!
//! because what nobody wanted by its last day is gone too, and serves nobody later. Stock and orders of `n` units together
//! suffice until `T` where `G(T) ≤ n`, and leave `(n − G(T))⁺`. A lot serves the days until its last one like any other unit:
//! only days after it are open. This is the recursion of [`perishable`](crate::perishable), stretch by stretch.
//!
//! Demand of different days is taken as independent, with one ratio of variance to mean. Then `G` without any lot has exactly the
//! distribution of the total.

use souk_math::counts::CountDistribution;
use souk_math::normal;

use crate::demand::Grain;
use crate::{PolicyError, at_least_zero, positive};

/// Means up to which pieces are taken one by one.
const COUNTED_MAX: f64 = 500.0;
/// What is left out of a distribution.
const TAIL: f64 = 1e-9;
/// Steps in a standard deviation of what is not taken one by one (chosen), and steps in its mean at most.
const STEPS_PER_DEVIATION: f64 = 40.0;
const STEPS_MAX: f64 = 20_000.0;
/// Standard deviations beyond the mean that are looked at.
const DEVIATIONS: f64 = 7.0;

/// Days in a row, until lots end or the last one is over.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stretch {
    /// Units that are wanted in them, on average.
    pub demand: f64,
    /// Units of all lots that have ended when they are over, those of stretches before among them.
    pub ended: f64,
}

/// The distribution of the units that are gone after some days, sold or gone off, while there is enough of everything.
#[derive(Clone, Debug, PartialEq)]
pub struct Gone {
    /// The fewest.
    least: f64,
    step: f64,
    /// Of each step from the fewest on; together 1.
    chances: Vec<f64>,
}

impl Gone {
    /// After these stretches, the first one from now on. `expired` units are past their last day now; `dispersion` is variance
    /// over mean of the demand of all stretches together.
    ///
    /// # Errors
    ///
    /// [`PolicyError::OutOfRange`] for numbers below 0 or no numbers.
    pub fn after(
        expired: f64,
        stretches: &[Stretch],
        (dispersion, grain): (f64, Grain),
    ) -> Result<Gone, PolicyError> {
        at_least_zero("the dispersion of demand", dispersion)?;
        let mut mean = 0.0;
        for stretch in stretches {
            mean += at_least_zero("the mean demand", stretch.demand)?;
            at_least_zero("the units of lots that have ended", stretch.ended)?;
        }
        let is_counted = grain == Grain::Pieces && mean <= COUNTED_MAX;
        let step = match is_counted || mean <= 0.0 {
            true => 1.0,
            false => {
                let deviation = (mean * dispersion).sqrt();
                positive("a step", (deviation / STEPS_PER_DEVIATION).max(mean / STEPS_MAX))?
            }
        };
        let least = at_least_zero("the units past their last day", expired)?;
        let mut gone = Gone { least, step, chances: vec![1.0] };
        for stretch in stretches {
            let demand = match (stretch.demand > 0.0, is_counted) {
                (false, _) => vec![1.0],
                (true, true) => {
                    CountDistribution::of_moments(stretch.demand, dispersion).chances(TAIL)
                }
                (true, false) => in_steps(stretch.demand, stretch.demand * dispersion, step),
            };
            gone.add(&demand);
            gone.raise(stretch.ended);
        }
        let all: f64 = gone.chances.iter().sum();
        gone.chances.iter_mut().for_each(|chance| *chance /= all);
        Ok(gone)
    }

    /// Adds independent demand, by its steps.
    fn add(&mut self, demand: &[f64]) {
        let mut sums = vec![0.0; self.chances.len() + demand.len() - 1];
        for (before, chance) in self.chances.iter().enumerate().filter(|(_, one)| **one > 0.0) {
            for (more, of_demand) in demand.iter().enumerate() {
                sums[before + more] += chance * of_demand;
            }
        }
        self.chances = sums;
    }

    /// Makes at least so many gone: what of them is left has ended.
    fn raise(&mut self, ended: f64) {
        if ended <= self.least {
            return;
        }
        let mut raised = Vec::with_capacity(self.chances.len());
        raised.push(0.0);
        for (idx, chance) in self.chances.iter().enumerate() {
            // Between two steps from `ended` on a chance is divided so that its mean stays.
            let above = ((self.least + idx as f64 * self.step - ended) / self.step).max(0.0);
            let place = above.floor() as usize;
            raised.resize(raised.len().max(place + 2), 0.0);
            raised[place] += chance * (1.0 - above.fract());
            raised[place + 1] += chance * above.fract();
        }
        (self.least, self.chances) = (ended, raised);
    }

    /// The units that suffice with this chance.
    pub fn quantile(&self, chance: f64) -> f64 {
        let mut sum = 0.0;
        let is_enough = |of_step: &f64| {
            sum += of_step;
            sum >= chance - 1e-12
        };
        let found = self.chances.iter().position(is_enough).unwrap_or(self.chances.len() - 1);
        self.least + found as f64 * self.step
    }

    /// The chance that more than so many are gone.
    pub fn chance_above(&self, units: f64) -> f64 {
        let above = self.steps().filter(|(gone, _)| *gone > units + 1e-9);
        above.map(|(_, chance)| chance).sum()
    }

    /// Units that are missing on average where there are so many.
    pub fn short_of(&self, units: f64) -> f64 {
        self.steps().map(|(gone, chance)| (gone - units).max(0.0) * chance).sum()
    }

    /// Units that so many leave on average.
    pub fn left_of(&self, units: f64) -> f64 {
        self.steps().map(|(gone, chance)| (units - gone).max(0.0) * chance).sum()
    }

    /// Units with their chances.
    fn steps(&self) -> impl Iterator<Item = (f64, f64)> + '_ {
        let chances = self.chances.iter().enumerate();
        chances.map(|(idx, chance)| (self.least + idx as f64 * self.step, *chance))
    }
}

/// Chances of a normal distribution cut at 0, by steps.
fn in_steps(mean: f64, variance: f64, step: f64) -> Vec<f64> {
    let deviation = variance.max(1e-12).sqrt();
    let until = |steps: f64| normal::at_most((steps * step - mean) / deviation);
    let n = ((mean + DEVIATIONS * deviation) / step).ceil() as usize + 1;
    let mut before = 0.0;
    let steps = (0..n).map(|idx| {
        let chance = until(idx as f64 + 0.5) - before;
        before += chance;
        if chance > TAIL * 1e-3 { chance } else { 0.0 }
    });
    steps.collect()
}

#[cfg(test)]
mod tests;
