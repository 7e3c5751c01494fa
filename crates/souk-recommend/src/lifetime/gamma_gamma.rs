//! How much a shopper will spend each time: the Gamma-Gamma model.
//!
//! Amounts of one shopper vary around a mean of their own (Gamma), and the means differ between shoppers
//! (Gamma again). So somebody seen once is taken for half a stranger, and somebody seen often for what they
//! show. It holds where how much is spent does not hang on how often.
//!
//! Source: Fader and Hardie, "The Gamma-Gamma Model of Monetary Value" (2013), brucehardie.com note 025;
//! after Colombo and Jiang, *Journal of Interactive Marketing* 13 (1999).

use super::special::{digamma, ln_gamma};
use crate::minimise::{fence, minimise};

/// Shoppers below whom no model is fitted; chosen.
pub const SHOPPERS_MIN: usize = 50;

/// What the model knows of a shopper.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spending {
    /// Purchases that the mean is taken over.
    pub purchases: u32,
    /// The mean amount of a purchase, in any unit, the same for everybody.
    pub mean: f64,
}

/// The model of one shop.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GammaGamma {
    /// Shape of the amounts of one shopper.
    pub p: f64,
    /// Shape of what differs between shoppers.
    pub q: f64,
    /// Its scale, in the unit of amounts.
    pub gamma: f64,
}

/// A fit, and how good it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GammaGammaFit {
    /// The model.
    pub model: GammaGamma,
    /// The logarithm of how likely it makes what happened.
    pub ln_likelihood: f64,
    /// Shoppers it was fitted on.
    pub n_shoppers: usize,
    /// How much amounts go with the number of purchases, −1 to 1: the model takes it for 0.
    pub correlation: f64,
}

impl GammaGammaFit {
    /// Fits the model by maximum likelihood on shoppers who spent something. `None` for fewer than
    /// [`SHOPPERS_MIN`] of them, or when the search found no bottom.
    pub fn of(shoppers: &[Spending]) -> Option<GammaGammaFit> {
        let sound = |one: &&Spending| one.purchases > 0 && one.mean > 0.0 && one.mean.is_finite();
        let shoppers: Vec<Spending> = shoppers.iter().filter(sound).copied().collect();
        if shoppers.len() < SHOPPERS_MIN {
            return None;
        }
        let n = shoppers.len() as f64;
        let unit = shoppers.iter().map(|one| one.mean).sum::<f64>() / n;
        let scaled: Vec<Spending> =
            shoppers.iter().map(|one| Spending { mean: one.mean / unit, ..*one }).collect();
        let bottom = minimise([0.0; 3], |logs| {
            let [p, q, gamma] = logs.map(f64::exp);
            let model = GammaGamma { p, q, gamma };
            let (mut value, mut slope) = (0.0, [0.0; 3]);
            for one in &scaled {
                model.add(one, &mut value, &mut slope);
            }
            let (mut value, mut slope) = (-value / n, slope.map(|one| -one / n));
            for (idx, parameter) in [p, q, gamma].into_iter().enumerate() {
                slope[idx] *= parameter;
                let (height, steepness) = fence(logs[idx]);
                value += height / n;
                slope[idx] += steepness / n;
            }
            if value.is_finite() { (value, slope) } else { (f64::MAX, [0.0; 3]) }
        });
        if !bottom.is_found {
            return None;
        }
        let [p, q, gamma] = bottom.at.map(f64::exp);
        let model = GammaGamma { p, q, gamma: gamma * unit };
        let ln_likelihood = shoppers.iter().map(|one| model.ln_likelihood(one)).sum();
        let correlation = correlation(&shoppers);
        Some(GammaGammaFit { model, ln_likelihood, n_shoppers: shoppers.len(), correlation })
    }
}

impl GammaGamma {
    /// How likely the model makes a shopper's mean, as a logarithm. Equation (1a).
    fn ln_likelihood(&self, one: &Spending) -> f64 {
        let GammaGamma { p, q, gamma } = *self;
        let (x, mean) = (f64::from(one.purchases), one.mean);
        ln_gamma(p * x + q) - ln_gamma(p * x) - ln_gamma(q)
            + q * gamma.ln()
            + (p * x - 1.0) * mean.ln()
            + p * x * x.ln()
            - (p * x + q) * (gamma + mean * x).ln()
    }

    /// Adds a shopper's logarithm of likelihood, and its slope by p, q and γ.
    fn add(&self, one: &Spending, value: &mut f64, slope: &mut [f64; 3]) {
        let GammaGamma { p, q, gamma } = *self;
        let (x, mean) = (f64::from(one.purchases), one.mean);
        *value += self.ln_likelihood(one);
        let both = gamma + mean * x;
        slope[0] += x * (digamma(p * x + q) - digamma(p * x) + mean.ln() + x.ln() - both.ln());
        slope[1] += digamma(p * x + q) - digamma(q) + gamma.ln() - both.ln();
        slope[2] += q / gamma - (p * x + q) / both;
    }

    /// What a shopper will spend on a purchase, on average. Equation (5). `None` where the model gives
    /// no finite mean: q of 1 or less, and hardly any purchases.
    pub fn expected(&self, one: &Spending) -> Option<f64> {
        let GammaGamma { p, q, gamma } = *self;
        let x = f64::from(one.purchases);
        let weight = p * x + q - 1.0;
        (weight > 1e-9).then(|| (gamma + one.mean * x) * p / weight)
    }
}

fn correlation(shoppers: &[Spending]) -> f64 {
    let n = shoppers.len() as f64;
    let mean = |of: fn(&Spending) -> f64| shoppers.iter().map(of).sum::<f64>() / n;
    let (often, much) = (mean(|one| f64::from(one.purchases)), mean(|one| one.mean));
    let (mut together, mut first, mut second) = (0.0, 0.0, 0.0);
    for one in shoppers {
        let (a, b) = (f64::from(one.purchases) - often, one.mean - much);
        together += a * b;
        first += a * a;
        second += b * b;
    }
    let spread = (first * second).sqrt();
    if spread > 0.0 { together / spread } else { 0.0 }
}
