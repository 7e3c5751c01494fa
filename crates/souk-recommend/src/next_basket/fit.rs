//! Chooses the weights of the signals from what shoppers bought next.

use super::baskets::{Basket, BasketVectors};
use super::market::Market;
use super::signals::{N_SIGNALS, Signals, Weights, collect, signals};
use super::{BasketQuery, Params, Scratch};
use crate::types::{Item, Shopper};
use rustc_hash::FxHashSet;

/// How many Newton steps at most; about eight are enough.
const N_STEPS_MAX: usize = 25;
/// The descent ends when a step promises to lower the loss by less than this share of a purchase.
const GAIN_MIN: f64 = 1e-7;
/// Candidates less likely than this bend the loss too little to count in its curvature (chosen).
const CHANCE_MIN: f32 = 1e-6;
/// Penalty on squared weights of standardised signals (chosen).
const PENALTY: f64 = 1e-3;

/// Candidates with their signals, and which of them were bought: what weights are chosen from.
#[derive(Clone, Debug, Default)]
pub struct Lessons {
    signals: Vec<Signals>,
    /// Weight of the purchase; 0 for candidates that were not bought.
    bought: Vec<f32>,
    /// Where each shopper's candidates end.
    ends: Vec<usize>,
    scratch: Scratch,
}

/// What a shopper bought next, and from where it should have been foreseen.
#[derive(Clone, Copy, Debug)]
pub struct Lesson<'a> {
    /// Who bought.
    pub shopper: Shopper,
    /// When the prediction would have been made, Unix milliseconds.
    pub now: i64,
    /// The shopper's baskets until then, oldest first.
    pub own: &'a [Basket],
    /// What all shoppers bought until then.
    pub market: &'a Market,
    /// What was bought next.
    pub next: &'a FxHashSet<Item>,
}

impl Lessons {
    /// How many shoppers were added.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// True before the first shopper that teaches anything.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Adds one shopper's next basket, as it would have been predicted from `baskets`, which must
    /// end before it.
    ///
    /// Every bought item weighs 1 / √(size of the basket), between counting items alike and counting
    /// shoppers alike (chosen on validation among the exponents 0, ½ and 1).
    pub fn add(&mut self, baskets: &BasketVectors, lesson: &Lesson<'_>) {
        let Lesson { shopper, now, own, market, next } = *lesson;
        let scratch = &mut self.scratch;
        let neighbourhood = &baskets.neighbourhood((shopper, now), &Params::default(), scratch);
        collect(&BasketQuery { own, now, market, neighbourhood }, scratch);
        if !scratch.candidates.iter().any(|candidate| next.contains(&candidate.item)) {
            return;
        }
        let weight = 1.0 / (next.len() as f32).sqrt();
        for candidate in &scratch.candidates {
            let neighbour = candidate.neighbour(neighbourhood);
            self.signals.push(signals(candidate, market, neighbour));
            self.bought.push(if next.contains(&candidate.item) { weight } else { 0.0 });
        }
        self.ends.push(self.signals.len());
    }

    /// The weights under which the bought items have the largest likelihood among each shopper's
    /// candidates: a multinomial logit, fitted by Newton's method, hence deterministic.
    ///
    /// Source: the listwise softmax loss of Cao et al., *Learning to Rank: From Pairwise Approach to
    /// Listwise Approach*, ICML 2007 (ListNet, top-one). None without lessons.
    pub fn fit(&self) -> Option<Weights> {
        if self.is_empty() {
            return None;
        }
        let (means, deviations) = self.moments();
        let standardised =
            |row: &Signals| std::array::from_fn(|s| (row[s] - means[s]) / deviations[s]);
        let rows: Vec<Signals> = self.signals.iter().map(standardised).collect();
        let mut weights = [0.0; N_SIGNALS];
        let mut here = self.slope(&rows, &weights);
        for _ in 0..N_STEPS_MAX {
            let step = solve(here.curvature, here.gradient);
            let gain: f64 = step.iter().zip(here.gradient).map(|(a, b)| a * b).sum();
            if gain < GAIN_MIN {
                break;
            }
            // A full step can overshoot far from the optimum; a short enough one never does.
            let tries = [1.0, 0.5, 0.25, 0.125]
                .map(|width| std::array::from_fn(|s| weights[s] - width * step[s]));
            let better = tries.into_iter().find_map(|tried| {
                let there = self.slope(&rows, &tried);
                (there.loss < here.loss).then_some((tried, there))
            });
            let Some((tried, there)) = better else { break };
            (weights, here) = (tried, there);
        }
        Some(Weights::new(std::array::from_fn(|s| weights[s] as f32 / deviations[s])))
    }

    /// The penalised negative log likelihood per unit of purchase with its derivatives.
    fn slope(&self, rows: &[Signals], weights: &Vector) -> Slope {
        let mut sum = Slope::default();
        let mut chances = Vec::new();
        let mut start = 0;
        for &end in &self.ends {
            add_shopper(
                &mut sum,
                (&rows[start..end], &self.bought[start..end]),
                (weights, &mut chances),
            );
            start = end;
        }
        let total: f64 = self.bought.iter().copied().map(f64::from).sum();
        sum.loss /= total;
        for (s, &weight) in weights.iter().enumerate() {
            sum.loss += PENALTY * weight * weight;
            sum.gradient[s] = sum.gradient[s] / total + 2.0 * PENALTY * weight;
            for t in 0..=s {
                sum.curvature[s][t] /= total;
                sum.curvature[t][s] = sum.curvature[s][t];
            }
            sum.curvature[s][s] += 2.0 * PENALTY;
        }
        sum
    }

    /// Mean and standard deviation of each signal; a constant signal gets deviation 1.
    fn moments(&self) -> (Signals, Signals) {
        let n = self.signals.len() as f64;
        let mut sums = [[0.0_f64; 2]; N_SIGNALS];
        for row in &self.signals {
            for (sums, &signal) in sums.iter_mut().zip(row) {
                sums[0] += f64::from(signal);
                sums[1] += f64::from(signal).powi(2);
            }
        }
        let means = sums.map(|sum| sum[0] / n);
        let deviations = std::array::from_fn(|s| {
            let deviation = (sums[s][1] / n - means[s].powi(2)).max(0.0).sqrt();
            if deviation > 1e-4 { deviation as f32 } else { 1.0 }
        });
        (means.map(|mean| mean as f32), deviations)
    }
}

type Vector = [f64; N_SIGNALS];

/// The loss at one point with its first and second derivatives (lower triangle while summing).
#[derive(Clone, Copy, Debug)]
struct Slope {
    loss: f64,
    gradient: Vector,
    curvature: [Vector; N_SIGNALS],
}

impl Default for Slope {
    fn default() -> Slope {
        Slope { loss: 0.0, gradient: [0.0; N_SIGNALS], curvature: [[0.0; N_SIGNALS]; N_SIGNALS] }
    }
}

/// Adds one shopper's softmax loss over their candidates.
fn add_shopper(
    sum: &mut Slope,
    (rows, bought): (&[Signals], &[f32]),
    (weights, chances): (&Vector, &mut Vec<f32>),
) {
    let weights = weights.map(|weight| weight as f32);
    chances.clear();
    chances.extend(
        rows.iter().map(|row| -> f32 { row.iter().zip(&weights).map(|(a, b)| a * b).sum() }),
    );
    let largest = chances.iter().copied().fold(f32::MIN, f32::max);
    let wanted: f32 =
        bought.iter().zip(&*chances).map(|(bought, score)| bought * (score - largest)).sum();
    chances.iter_mut().for_each(|chance| *chance = (*chance - largest).exp());
    let all: f32 = chances.iter().sum();
    let n_bought: f32 = bought.iter().sum();
    sum.loss += f64::from(n_bought * all.ln() - wanted);
    let mut mean = [0.0_f32; N_SIGNALS];
    let mut squares = [[0.0_f32; N_SIGNALS]; N_SIGNALS];
    let mut excess = [0.0_f32; N_SIGNALS];
    for ((row, chance), bought) in rows.iter().zip(&*chances).zip(bought) {
        let chance = chance / all;
        for s in 0..N_SIGNALS {
            mean[s] += chance * row[s];
            excess[s] += (n_bought * chance - bought) * row[s];
        }
        if chance < CHANCE_MIN {
            continue;
        }
        for (line, &signal) in squares.iter_mut().zip(row) {
            let weighted = chance * signal;
            for (sum, other) in line.iter_mut().zip(row) {
                *sum += weighted * other;
            }
        }
    }
    for s in 0..N_SIGNALS {
        sum.gradient[s] += f64::from(excess[s]);
        for t in 0..=s {
            sum.curvature[s][t] += f64::from(n_bought * (squares[s][t] - mean[s] * mean[t]));
        }
    }
}

/// Solves a symmetric positive definite system by Cholesky's factorisation.
fn solve(mut matrix: [Vector; N_SIGNALS], mut vector: Vector) -> Vector {
    for s in 0..N_SIGNALS {
        for t in 0..=s {
            let inner: f64 = (0..t).map(|u| matrix[s][u] * matrix[t][u]).sum();
            let rest = matrix[s][t] - inner;
            // The penalty keeps the diagonal positive; the floor only guards against rounding.
            matrix[s][t] = if s == t { rest.max(1e-12).sqrt() } else { rest / matrix[t][t] };
        }
    }
    for s in 0..N_SIGNALS {
        let inner: f64 = (0..s).map(|t| matrix[s][t] * vector[t]).sum();
        vector[s] = (vector[s] - inner) / matrix[s][s];
    }
    for s in (0..N_SIGNALS).rev() {
        let inner: f64 = (s + 1..N_SIGNALS).map(|t| matrix[t][s] * vector[t]).sum();
        vector[s] = (vector[s] - inner) / matrix[s][s];
    }
    vector
}
