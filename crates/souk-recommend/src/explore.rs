//! Trying out products whose worth is not known yet: how likely each is the best of them, and a draw by
//! just these odds.
//!
//! What is known of a product's worth is a Beta distribution: how often it was shown and taken up, drawn
//! towards the mean of its kind. Thompson sampling takes each product as often as it is likely to be the
//! best; here these odds are worked out first and the draw is made from them, so that the probability
//! which is logged is that of the draw itself and not an estimate of it.
//!
//! Sources: Thompson, "On the likelihood that one unknown probability exceeds another", *Biometrika* 25,
//! 1933; Chapelle and Li, "An empirical evaluation of Thompson sampling", NIPS 2011; shrinkage: Efron and
//! Morris, *JASA* 70, 1975. *Not* here: what a try costs, and which products may be tried.

use souk_math::Random;

/// What came of showing something.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Tries {
    /// How often it was shown; a place that few look at may count less than one.
    pub shown: f64,
    /// How often it was taken up.
    pub wins: f64,
}

impl Tries {
    /// Adds others to these.
    pub fn add(&mut self, other: Tries) {
        self.shown += other.shown;
        self.wins += other.wins;
    }
}

/// What is believed of a product's chance to be taken up: a Beta distribution.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Belief {
    wins: f64,
    losses: f64,
}

/// Means are kept this far from 0 and 1, and distributions this wide: beyond, odds say nothing.
const MEAN_MIN: f64 = 1e-6;
const PARAMETER_MIN: f64 = 1e-3;

impl Belief {
    /// What tries say, together with `strength` tries of the mean that such products have.
    pub fn new(tries: Tries, (mean, strength): (f64, f64)) -> Belief {
        let mean = mean.clamp(MEAN_MIN, 1.0 - MEAN_MIN);
        let lost = (tries.shown - tries.wins).max(0.0);
        Belief {
            wins: (mean * strength + tries.wins.max(0.0)).max(PARAMETER_MIN),
            losses: ((1.0 - mean) * strength + lost).max(PARAMETER_MIN),
        }
    }

    /// The expected chance.
    pub fn mean(&self) -> f64 {
        self.wins / (self.wins + self.losses)
    }

    /// The standard deviation of the chance.
    pub fn std_dev(&self) -> f64 {
        let n = self.wins + self.losses;
        (self.wins * self.losses / (n * n * (n + 1.0))).sqrt()
    }

    /// Where most of it lies on the scale of log odds: its mode there, and its width.
    fn span(&self) -> (f64, f64) {
        let width = (1.0 / self.wins + 1.0 / self.losses).sqrt();
        ((self.wins / self.losses).ln(), width)
    }

    /// The logarithm of the density over log odds, but for a constant.
    fn log_density(&self, log_odds: f64) -> f64 {
        let softplus = log_odds.max(0.0) + (-log_odds.abs()).exp().ln_1p();
        self.wins * log_odds - (self.wins + self.losses) * softplus
    }
}

/// How products are tried out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ExploreParams {
    /// The share of tries.
    pub share: f64,
    /// The part of them that is spread evenly, so that no product is out of reach for good and weights of
    /// off-policy estimates are bounded.
    pub even: f64,
}

impl ExploreParams {
    /// A tenth of the tries is spread evenly (chosen).
    pub fn of_share(share: f64) -> ExploreParams {
        ExploreParams { share, even: 0.1 }
    }
}

/// What a draw came to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Drawn {
    /// Which product is tried; `None` leaves the place as it was.
    pub tried: Option<usize>,
    /// How likely this outcome was.
    pub propensity: f64,
}

/// Draws whether a place is given to a product that is tried, and to which. Ask only where there is any:
/// `beliefs` are those of the products that may be tried, and are called for in `share` of the draws only.
/// The same seed draws the same.
pub fn draw(beliefs: impl FnOnce() -> Vec<Belief>, seed: u64, params: &ExploreParams) -> Drawn {
    let mut random = Random::new(seed);
    // The first numbers of neighbouring seeds are alike.
    random.bits();
    if random.unit64() >= params.share {
        return Drawn { tried: None, propensity: 1.0 - params.share };
    }
    let odds = odds(&beliefs(), params.even);
    let mut left = random.unit64();
    let hit = odds.iter().position(|odd| {
        left -= odd;
        left < 0.0
    });
    // Rounding may leave a trace of the whole.
    match hit.or(odds.len().checked_sub(1)) {
        Some(tried) => Drawn { tried: Some(tried), propensity: params.share * odds[tried] },
        None => Drawn { tried: None, propensity: 1.0 },
    }
}

/// Points at which distributions are compared, and how many widths around their modes these reach: further
/// below, where the distribution of what was never taken up has a long tail. Chosen: two products' odds are
/// right to a thousandth.
const POINTS: usize = 160;
const WIDTHS_BELOW: f64 = 8.0;
const WIDTHS_ABOVE: f64 = 5.0;

/// How likely each is the best; they sum up to 1. `even` of it is spread evenly.
///
/// `P(i is best) = ∫ fᵢ(x) Π_{j≠i} Fⱼ(x) dx`, by sums over points that are evenly spaced in log odds.
pub fn odds(beliefs: &[Belief], even: f64) -> Vec<f64> {
    if beliefs.is_empty() {
        return Vec::new();
    }
    let spans = || beliefs.iter().map(Belief::span);
    let low =
        spans().map(|(mode, width)| mode - WIDTHS_BELOW * width).fold(f64::INFINITY, f64::min);
    let high =
        spans().map(|(mode, width)| mode + WIDTHS_ABOVE * width).fold(f64::NEG_INFINITY, f64::max);
    let step = (high - low) / (POINTS - 1) as f64;
    let mut masses = vec![[0.0; POINTS]; beliefs.len()];
    let mut below = vec![[0.0; POINTS]; beliefs.len()];
    let mut all_below = [0.0; POINTS];
    for ((belief, mass), below) in beliefs.iter().zip(&mut masses).zip(&mut below) {
        fill(belief, (low, step), mass);
        let mut sum = 0.0;
        for point in 0..POINTS {
            // At the same point, either may be the larger one.
            below[point] = (sum + mass[point] / 2.0_f64).max(f64::MIN_POSITIVE).ln();
            sum += mass[point];
            all_below[point] += below[point];
        }
    }
    let best = |(mass, below): (&[f64; POINTS], &[f64; POINTS])| -> f64 {
        (0..POINTS).map(|at| mass[at] * (all_below[at] - below[at]).exp()).sum()
    };
    let mut odds: Vec<f64> = masses.iter().zip(&below).map(best).collect();
    let (sum, n) = (odds.iter().sum::<f64>().max(f64::MIN_POSITIVE), beliefs.len() as f64);
    odds.iter_mut().for_each(|odd| *odd = (1.0 - even) * *odd / sum + even / n);
    odds
}

/// The share of a distribution at each point.
fn fill(belief: &Belief, (low, step): (f64, f64), mass: &mut [f64; POINTS]) {
    let mut largest = f64::NEG_INFINITY;
    for (at, mass) in mass.iter_mut().enumerate() {
        *mass = belief.log_density(low + step * at as f64);
        largest = largest.max(*mass);
    }
    mass.iter_mut().for_each(|mass| *mass = (*mass - largest).exp());
    let sum: f64 = mass.iter().sum();
    mass.iter_mut().for_each(|mass| *mass /= sum);
}

#[cfg(test)]
mod tests;
