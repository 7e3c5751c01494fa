//! One chance to suffice for all products of a place, so that together they serve a share of what is wanted.
//!
//! A level is a whole number of pieces, so a share that each product is to serve by itself is exceeded by nearly
//! all of them. With one chance for all, the next piece of each is as likely to be sold as that of any other, which is the
//! least stock for a share that is served together (marginal analysis: Sherbrooke, Operations Research 16(1), 1968), and a
//! piece more or less is nothing beside them all.
//!
//! What is short between two arrivals is `E (D(L+R) − S)⁺ − E (D(L) − S)⁺` (Hadley and Whitin, *Analysis of Inventory
//! Systems*, 1963, §5-3). What is short is lost and not ordered again, so of `demand` and `short` units it is the share
//! `short / (demand + short)` (Silver, Pyke and Thomas, *Inventory and Production Management in Supply Chains*, 4th ed., §6.7).

use souk_math::normal;

use super::TotalDemand;

#[cfg(test)]
mod tests;

/// Log-odds of the chances that are tried: 0.2 to 0.9999.
const ODDS: std::ops::RangeInclusive<f64> = -1.4..=9.21;
/// Between two of them (chosen: a quarter of a percent of chance at most).
const STEP: f64 = 0.01;

/// The demand that one product's stock must last for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Stretch {
    /// Until an order of today is there.
    pub(crate) until_this: TotalDemand,
    /// Until an order of the next chance is there.
    pub(crate) until_next: TotalDemand,
}

impl Stretch {
    /// Units that are wanted between the two arrivals.
    fn wanted(&self) -> f64 {
        (self.until_next.mean - self.until_this.mean).max(0.0)
    }

    /// Adds what is short between the two arrivals at the level of each chance.
    fn add_short(&self, chances: &[f64], short: &mut [f64]) {
        if self.until_next.mean <= 0.0 {
            return;
        }
        let Some(next) = Shortages::of(&self.until_next) else {
            let sd = self.until_next.variance.max(0.0).sqrt();
            for (short, chance) in short.iter_mut().zip(chances) {
                let level = (self.until_next.mean + normal::quantile(*chance) * sd).max(0.0);
                let level = if self.until_next.is_count { level.ceil() } else { level };
                let at_end = self.until_next.expected_above(level);
                *short += (at_end - self.until_this.expected_above(level)).max(0.0);
            }
            return;
        };
        let this = Shortages::of(&self.until_this);
        let mut level = 0;
        for (short, chance) in short.iter_mut().zip(chances) {
            while level + 1 < next.covered.len() && next.covered[level] < *chance {
                level += 1;
            }
            let before = match &this {
                Some(this) => this.at(level),
                None => self.until_this.expected_above(level as f64),
            };
            *short += (next.at(level) - before).max(0.0);
        }
    }
}

/// Of counted demand, by pieces in stock.
struct Shortages {
    /// The chance that so many suffice.
    covered: Vec<f64>,
    /// Pieces that are wanted beyond them, on average.
    beyond: Vec<f64>,
}

impl Shortages {
    /// `None` where demand has no chance for each number of pieces.
    fn of(total: &TotalDemand) -> Option<Shortages> {
        let mut covered = total.chances()?;
        let mut sum = 0.0;
        for chance in &mut covered {
            sum += *chance;
            *chance = sum;
        }
        // One piece more serves who wants more than there is.
        let mut beyond = vec![0.0; covered.len()];
        for level in (0..covered.len().saturating_sub(1)).rev() {
            beyond[level] = beyond[level + 1] + (1.0 - covered[level]).max(0.0);
        }
        Some(Shortages { covered, beyond })
    }

    fn at(&self, level: usize) -> f64 {
        self.beyond.get(level).copied().unwrap_or(0.0)
    }
}

/// The least chance, the same for all, at which they serve this share of what is wanted of them together; pieces count alike.
/// Litres and kilograms are no pieces, so what is measured has no say where anything is counted.
pub(crate) fn common_chance(all: &[Stretch], fill_rate: f64) -> f64 {
    let is_any_counted = all.iter().any(|one| one.until_next.is_count);
    let all = || all.iter().filter(|one| one.until_next.is_count || !is_any_counted);
    let n = ((ODDS.end() - ODDS.start()) / STEP).round() as usize;
    let odds = (0..=n).map(|idx| (ODDS.start() + idx as f64 * STEP).exp());
    let chances: Vec<f64> = odds.map(|odds| odds / (1.0 + odds)).collect();
    let mut short = vec![0.0; chances.len()];
    all().for_each(|one| one.add_short(&chances, &mut short));
    let wanted: f64 = all().map(Stretch::wanted).sum();
    let serves = |short: &f64| wanted >= fill_rate * (wanted + short);
    let found = short.iter().position(serves).unwrap_or(chances.len() - 1);
    chances[found]
}
