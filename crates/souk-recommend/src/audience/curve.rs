//! What a likelihood is worth for one wanted: the curve from what the model of all products says to how
//! many bought.
//!
//! One model serves all products, so it cannot know that of those who buy bananas each week nearly all buy
//! them within the next four. Who bought the wanted itself within the last window, told from what was known
//! before it, says how far the model is off for it. Beta calibration: logit p' = c + a·ln p − b·ln(1 − p),
//! with a slope each for the unlikely and the likely (Kull, Silva Filho and Flach, *Beta calibration*, AISTATS
//! 2017; with a = b it is Platt's, with a = b = 1 a shift of the prior alone). Both slopes stay above 0, so the
//! order of people stays as it is. Few buyers say little, so the curve is drawn to the model itself.

use crate::minimise::minimise;
use crate::types::Shopper;

/// How far ln a, ln b and c lie from 0 in most cases (standard deviations); chosen on Complete Journey before
/// November, see docs/decisions/0066-likelihoods-that-are-kept.md.
const SPREADS: [f64; 3] = [0.5, 0.5, 1.0];
/// Likelihoods are kept off 0 and 1 by this, so that their logarithms are numbers.
const EDGE: f64 = 1e-9;

/// Windows that a curve is learned on, the last ones (chosen on Complete Journey before November): what is on sale in one is
/// not in the next.
pub const CURVE_WINDOWS: i64 = 2;

/// How likely somebody was to buy by the model, and whether they did.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Outcome {
    /// Who.
    pub shopper: Shopper,
    /// What [`Audience::likelihood`](super::Audience::likelihood) said.
    pub likelihood: f64,
    /// Whether it was bought within the window.
    pub has_bought: bool,
}

/// From the likelihood by the model of all products to that of one wanted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Curve {
    unlikely: f64,
    likely: f64,
    shift: f64,
}

impl Curve {
    /// The model as it is.
    pub const STRAIGHT: Curve = Curve { unlikely: 1.0, likely: 1.0, shift: 0.0 };

    /// Learns from what became of the last windows. Each half of the people judges a curve that the other half taught: where
    /// these are no nearer to what happened than the model itself, the model stays as it is.
    pub fn learn(outcomes: &[Outcome]) -> Curve {
        // Not by odd and even: numbers of browsers and of users often alternate.
        let is_one = |one: &Outcome| one.shopper.0.wrapping_mul(0x9e37_79b9) >> 31 == 0;
        let (one, other): (Vec<Outcome>, Vec<Outcome>) = outcomes.iter().copied().partition(is_one);
        let bent = Curve::fit(&one).loss(&other) + Curve::fit(&other).loss(&one);
        if bent < Curve::STRAIGHT.loss(outcomes) { Curve::fit(outcomes) } else { Curve::STRAIGHT }
    }

    /// The likelihood for this wanted.
    pub fn of(&self, likelihood: f64) -> f64 {
        1.0 / (1.0 + (-self.margin(logs(likelihood))).exp())
    }

    fn margin(&self, (yes, no): (f64, f64)) -> f64 {
        self.shift + self.unlikely * yes - self.likely * no
    }

    /// By maximum a posteriori.
    fn fit(outcomes: &[Outcome]) -> Curve {
        let logs: Vec<((f64, f64), bool)> =
            outcomes.iter().map(|one| (logs(one.likelihood), one.has_bought)).collect();
        let curve =
            |at: &[f64; 3]| Curve { unlikely: at[0].exp(), likely: at[1].exp(), shift: at[2] };
        let bottom = minimise([0.0; 3], |at| {
            let curve = curve(at);
            let (mut value, mut slope) = (0.0, [0.0; 3]);
            for &((yes, no), has_bought) in &logs {
                let margin = curve.margin((yes, no));
                value += surprise(margin, has_bought);
                let miss = 1.0 / (1.0 + (-margin).exp()) - f64::from(u8::from(has_bought));
                slope[0] += miss * curve.unlikely * yes;
                slope[1] -= miss * curve.likely * no;
                slope[2] += miss;
            }
            for idx in 0..3 {
                let weight = SPREADS[idx].powi(-2);
                value += 0.5 * weight * at[idx] * at[idx];
                slope[idx] += weight * at[idx];
            }
            (value, slope)
        });
        if bottom.is_found { curve(&bottom.at) } else { Curve::STRAIGHT }
    }

    /// The sum of −ln of how likely the curve took what happened for.
    fn loss(&self, outcomes: &[Outcome]) -> f64 {
        let of = |one: &Outcome| surprise(self.margin(logs(one.likelihood)), one.has_bought);
        outcomes.iter().map(of).sum()
    }
}

/// The logarithms of a likelihood and of its rest.
fn logs(likelihood: f64) -> (f64, f64) {
    let likelihood = likelihood.clamp(EDGE, 1.0 - EDGE);
    (likelihood.ln(), (-likelihood).ln_1p())
}

/// ln(1 + e^m) − m·y, without overflow.
fn surprise(margin: f64, has_bought: bool) -> f64 {
    let own = if has_bought { margin } else { 0.0 };
    margin.max(0.0) + (-margin.abs()).exp().ln_1p() - own
}

#[cfg(test)]
mod tests;
