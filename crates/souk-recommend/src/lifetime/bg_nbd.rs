//! Whether somebody is still a customer, and how often they will buy: the BG/NBD model.
//!
//! While a shopper is a customer they buy at random moments with a rate of their own; after each purchase
//! they may turn away for good with a chance of their own. Rates differ between shoppers as a Gamma
//! distribution, chances as a Beta distribution. Four numbers of the whole shop, and three of a shopper
//! (how often again, when last, since when), say the rest.
//!
//! Source: Fader, Hardie and Lee, "Counting Your Customers" the Easy Way: An Alternative to the Pareto/NBD
//! Model, *Marketing Science* 24 (2005) 275-284. Equation numbers below are theirs.

use super::special::{digamma, hypergeometric, ln_gamma};
use crate::minimise::{fence, minimise};

/// Shoppers below whom no model is fitted; chosen: four numbers want some evidence each.
pub const SHOPPERS_MIN: usize = 50;

/// What the model knows of a shopper; times in any unit, the same for everybody.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Visits {
    /// Purchases after the first one.
    pub repeats: u32,
    /// From the first purchase to the last; 0 without a repeat.
    pub last: f64,
    /// From the first purchase to now.
    pub age: f64,
}

/// The model of one shop.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BgNbd {
    /// Shape of the rates of purchase.
    pub r: f64,
    /// Scale of the rates, in the unit of time: their mean is r/α.
    pub alpha: f64,
    /// Of the chance to turn away after a purchase, whose mean is a/(a+b).
    pub a: f64,
    /// See `a`.
    pub b: f64,
}

/// A fit, and how good it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BgNbdFit {
    /// The model.
    pub model: BgNbd,
    /// The logarithm of how likely it makes what happened.
    pub ln_likelihood: f64,
    /// Shoppers it was fitted on.
    pub n_shoppers: usize,
}

impl BgNbdFit {
    /// Fits the model by maximum likelihood. `None` for fewer than [`SHOPPERS_MIN`] shoppers, when nobody
    /// came twice, or when the search found no bottom.
    pub fn of(shoppers: &[Visits]) -> Option<BgNbdFit> {
        let sound =
            |visits: &&Visits| visits.age > 0.0 && (0.0..=visits.age).contains(&visits.last);
        let shoppers: Vec<Visits> = shoppers.iter().filter(sound).copied().collect();
        let n_repeats: u64 = shoppers.iter().map(|visits| u64::from(visits.repeats)).sum();
        if shoppers.len() < SHOPPERS_MIN || n_repeats == 0 {
            return None;
        }
        // In the unit of the longest time all four numbers are near 1, whatever the shop.
        let unit = shoppers.iter().map(|visits| visits.age).fold(0.0, f64::max) / 10.0;
        let scaled: Vec<Visits> = shoppers
            .iter()
            .map(|v| Visits { last: v.last / unit, age: v.age / unit, ..*v })
            .collect();
        let n = scaled.len() as f64;
        let bottom = minimise([0.0; 4], |logs| {
            let [r, alpha, a, b] = logs.map(f64::exp);
            let (mut value, mut slope) = (0.0, [0.0; 4]);
            let model = BgNbd { r, alpha, a, b };
            for visits in &scaled {
                model.add(visits, &mut value, &mut slope);
            }
            let (mut value, mut slope) = (-value / n, slope.map(|one| -one / n));
            for (idx, parameter) in [r, alpha, a, b].into_iter().enumerate() {
                slope[idx] *= parameter;
                let (height, steepness) = fence(logs[idx]);
                value += height / n;
                slope[idx] += steepness / n;
            }
            if value.is_finite() { (value, slope) } else { (f64::MAX, [0.0; 4]) }
        });
        if !bottom.is_found {
            return None;
        }
        let [r, alpha, a, b] = bottom.at.map(f64::exp);
        let model = BgNbd { r, alpha: alpha * unit, a, b };
        let ln_likelihood = shoppers.iter().map(|visits| model.ln_likelihood(visits)).sum();
        Some(BgNbdFit { model, ln_likelihood, n_shoppers: shoppers.len() })
    }
}

impl BgNbd {
    /// The logarithms of the two ways in which somebody can have stayed away since the last purchase:
    /// by chance, or for good; without what both share.
    fn ways(&self, visits: &Visits) -> (f64, Option<f64>) {
        let BgNbd { r, alpha, a, b } = *self;
        let x = f64::from(visits.repeats);
        let by_chance = -(r + x) * (alpha + visits.age).ln();
        let for_good = (visits.repeats > 0)
            .then(|| (a / (b + x - 1.0)).ln() - (r + x) * (alpha + visits.last).ln());
        (by_chance, for_good)
    }

    /// How likely the model makes what a shopper did, as a logarithm. Equation (6).
    fn ln_likelihood(&self, visits: &Visits) -> f64 {
        let BgNbd { r, alpha, a, b } = *self;
        let x = f64::from(visits.repeats);
        let shared =
            ln_gamma(r + x) - ln_gamma(r) + r * alpha.ln() + ln_gamma(a + b) + ln_gamma(b + x)
                - ln_gamma(b)
                - ln_gamma(a + b + x);
        let (by_chance, for_good) = self.ways(visits);
        shared + for_good.map_or(by_chance, |for_good| ln_sum(by_chance, for_good))
    }

    /// Adds a shopper's logarithm of likelihood, and its slope by r, α, a and b.
    fn add(&self, visits: &Visits, value: &mut f64, slope: &mut [f64; 4]) {
        let BgNbd { r, alpha, a, b } = *self;
        let x = f64::from(visits.repeats);
        *value += self.ln_likelihood(visits);
        let (by_chance, for_good) = self.ways(visits);
        // The share of each way.
        let stayed = for_good.map_or(1.0, |for_good| 1.0 / (1.0 + (for_good - by_chance).exp()));
        let left = 1.0 - stayed;
        let (whole, until_last) = (alpha + visits.age, alpha + visits.last);
        slope[0] +=
            digamma(r + x) - digamma(r) + alpha.ln() - stayed * whole.ln() - left * until_last.ln();
        slope[1] += r / alpha - (r + x) * (stayed / whole + left / until_last);
        if visits.repeats > 0 {
            let both = digamma(a + b) - digamma(a + b + x);
            slope[2] += both + left / a;
            slope[3] += both + digamma(b + x) - digamma(b) - left / (b + x - 1.0);
        }
    }

    /// The probability that a shopper is still a customer.
    ///
    /// Fader, Hardie and Lee, "Computing P(alive) Using the BG/NBD Model" (2008). It is 1 for somebody
    /// who bought once: in this model one turns away only after a purchase that was not the first.
    pub fn alive(&self, visits: &Visits) -> f64 {
        let (by_chance, for_good) = self.ways(visits);
        for_good.map_or(1.0, |for_good| 1.0 / (1.0 + (for_good - by_chance).exp()))
    }

    /// How many purchases a shopper will make within `time` from now, on average. Equation (10).
    ///
    /// The hypergeometric function is turned by Euler's transformation (Abramowitz and Stegun, 15.3.3),
    /// so that a shopper with thousands of purchases is no harder than one with two. `None` where the
    /// series does not end.
    pub fn expected(&self, visits: &Visits, time: f64) -> Option<f64> {
        let BgNbd { r, alpha, b, .. } = *self;
        // At a = 1 the formula is 0/0; its neighbours have its value.
        let a = if (self.a - 1.0).abs() < 1e-6 { 1.0 + 1e-6 } else { self.a };
        let x = f64::from(visits.repeats);
        let whole = alpha + visits.age;
        let z = time / (whole + time);
        let mut c = a + b + x - 1.0;
        if c.abs() < 1e-6 {
            c = 1e-6;
        }
        let series = hypergeometric((a + b - 1.0 - r, a - 1.0, c), z)?;
        let stays = 1.0 - (1.0 - z).powf(a - 1.0) * series;
        let expected = c / (a - 1.0) * stays * self.alive(visits);
        Some(expected.max(0.0)).filter(|expected| expected.is_finite())
    }

    /// The probability that a shopper buys at least once within `time` from now.
    ///
    /// A customer turns away only after a purchase, so nothing within `time` means that they turned away
    /// before, or that chance kept them off; the rate of somebody who stayed is Gamma(r+x, α+T) by (6).
    pub fn buys_within(&self, visits: &Visits, time: f64) -> f64 {
        let whole = self.alpha + visits.age;
        let shape = self.r + f64::from(visits.repeats);
        let nothing = (shape * (whole / (whole + time)).ln()).exp();
        self.alive(visits) * (1.0 - nothing)
    }

    /// The time within which a shopper buys again with probability one half; `None` when it is more
    /// likely that they never will.
    pub fn half_time(&self, visits: &Visits) -> Option<f64> {
        let alive = self.alive(visits);
        let whole = self.alpha + visits.age;
        let shape = self.r + f64::from(visits.repeats);
        let nothing = 1.0 - 0.5 / alive;
        (nothing > 0.0).then(|| whole * ((-nothing.ln() / shape).exp() - 1.0))
    }
}

fn ln_sum(a: f64, b: f64) -> f64 {
    let (high, low) = if a > b { (a, b) } else { (b, a) };
    high + (low - high).exp().ln_1p()
}
