//! A multinomial logit: which linear weights of signals make the chosen candidates likely.

/// Cases, each with candidates of which some were chosen; signals of all candidates lie one after
/// the other.
#[derive(Clone, Debug, Default)]
pub(super) struct Cases {
    pub(super) n_signals: usize,
    pub(super) signals: Vec<f32>,
    /// Weight of the choice, by candidate; 0 for what was not chosen.
    pub(super) chosen: Vec<f32>,
    /// Where each case's candidates end.
    pub(super) ends: Vec<usize>,
}

/// How many Newton steps at most; about ten are enough.
const STEPS_MAX: usize = 30;
/// The descent ends when a step promises to lower the loss by less than this share of a choice.
const GAIN_MIN: f64 = 1e-6;
/// Penalty on squared weights, in choices (chosen: signals lie in -1..=1, so it only tames what
/// the cases cannot tell).
const PENALTY: f64 = 0.5;
/// Candidates less likely than this bend the loss too little to count in its curvature (chosen).
const CHANCE_MIN: f32 = 1e-6;

/// Loss, gradient and curvature (row by row) at some weights.
struct Slope {
    loss: f64,
    gradient: Vec<f64>,
    curvature: Vec<f64>,
}

impl Cases {
    /// The weights under which the choices are likeliest, by Newton's method from zero, hence
    /// deterministic; `None` without a case.
    ///
    /// Source: the listwise softmax loss of Cao et al., *Learning to Rank: From Pairwise Approach to
    /// Listwise Approach*, ICML 2007 (ListNet, top-one).
    pub(super) fn fit(&self) -> Option<Vec<f32>> {
        self.fit_from(&vec![0.0; self.n_signals], &vec![true; self.n_signals])
    }

    /// The same by Newton's method from `start`, changing only the weights that are `free`.
    pub(super) fn fit_from(&self, start: &[f32], free: &[bool]) -> Option<Vec<f32>> {
        if self.ends.is_empty() {
            return None;
        }
        let total: f64 = self.chosen.iter().map(|&weight| f64::from(weight)).sum();
        let mut weights: Vec<f64> = start.iter().map(|&weight| f64::from(weight)).collect();
        let mut here = self.slope(&weights).along(free);
        for _ in 0..STEPS_MAX {
            let step = solve(here.curvature.clone(), here.gradient.clone());
            let gain: f64 = step.iter().zip(&here.gradient).map(|(s, g)| s * g).sum();
            if gain < GAIN_MIN * total {
                break;
            }
            // A full step can overshoot far from the optimum; a short enough one never does.
            let better = [1.0, 0.5, 0.25, 0.125, 0.03].into_iter().find_map(|width| {
                let moved = weights.iter().zip(&step).map(|(weight, step)| weight - width * step);
                let tried: Vec<f64> = moved.collect();
                let there = self.slope(&tried).along(free);
                (there.loss < here.loss).then_some((tried, there))
            });
            let Some((tried, there)) = better else { break };
            (weights, here) = (tried, there);
        }
        Some(weights.into_iter().map(|weight| weight as f32).collect())
    }

    /// The penalised negative log likelihood with its derivatives.
    fn slope(&self, weights: &[f64]) -> Slope {
        let n = self.n_signals;
        let mut sum = Slope {
            loss: PENALTY * weights.iter().map(|weight| weight * weight).sum::<f64>(),
            gradient: weights.iter().map(|weight| 2.0 * PENALTY * weight).collect(),
            curvature: vec![0.0; n * n],
        };
        (0..n).for_each(|s| sum.curvature[s * n + s] = 2.0 * PENALTY);
        let weights: Vec<f32> = weights.iter().map(|&weight| weight as f32).collect();
        let mut begin = 0;
        for &end in &self.ends {
            let signals = &self.signals[begin * n..end * n];
            sum.add((signals, &self.chosen[begin..end]), &weights);
            begin = end;
        }
        sum
    }
}

impl Slope {
    /// The slope where only the `free` weights can move: a step then leaves the others as they are.
    fn along(mut self, free: &[bool]) -> Slope {
        let n = free.len();
        for s in (0..n).filter(|&s| !free[s]) {
            self.gradient[s] = 0.0;
            for t in 0..n {
                let on = if s == t { 1.0 } else { 0.0 };
                (self.curvature[s * n + t], self.curvature[t * n + s]) = (on, on);
            }
        }
        self
    }

    /// Adds one case.
    fn add(&mut self, (signals, chosen): (&[f32], &[f32]), weights: &[f32]) {
        let n = weights.len();
        let rows = || signals.chunks_exact(n);
        let mut chances: Vec<f32> =
            rows().map(|row| row.iter().zip(weights).map(|(a, b)| a * b).sum()).collect();
        let largest = chances.iter().copied().fold(f32::MIN, f32::max);
        let wanted: f32 = chosen.iter().zip(&chances).map(|(c, score)| c * (score - largest)).sum();
        chances.iter_mut().for_each(|chance| *chance = (*chance - largest).exp());
        let all: f32 = chances.iter().sum();
        let n_chosen: f32 = chosen.iter().sum();
        self.loss += f64::from(n_chosen * all.ln() - wanted);
        let (mut mean, mut squares) = (vec![0.0_f32; n], vec![0.0_f32; n * n]);
        for ((row, chance), chosen) in rows().zip(&chances).zip(chosen) {
            let chance = chance / all;
            for (s, &signal) in row.iter().enumerate() {
                mean[s] += chance * signal;
                self.gradient[s] += f64::from((n_chosen * chance - chosen) * signal);
            }
            if chance < CHANCE_MIN {
                continue;
            }
            for (line, &signal) in squares.chunks_exact_mut(n).zip(row) {
                let weighed = chance * signal;
                line.iter_mut().zip(row).for_each(|(sum, other)| *sum += weighed * other);
            }
        }
        for s in 0..n {
            for t in 0..n {
                let spread = squares[s * n + t] - mean[s] * mean[t];
                self.curvature[s * n + t] += f64::from(n_chosen * spread);
            }
        }
    }
}

/// Solves a symmetric positive definite system by Cholesky's factorisation.
fn solve(mut matrix: Vec<f64>, mut vector: Vec<f64>) -> Vec<f64> {
    let n = vector.len();
    for s in 0..n {
        for t in 0..=s {
            let inner: f64 = (0..t).map(|u| matrix[s * n + u] * matrix[t * n + u]).sum();
            let rest = matrix[s * n + t] - inner;
            // The penalty keeps the diagonal positive; the floor only guards against rounding.
            let on = if s == t { rest.max(1e-12).sqrt() } else { rest / matrix[t * n + t] };
            matrix[s * n + t] = on;
        }
    }
    for s in 0..n {
        let inner: f64 = (0..s).map(|t| matrix[s * n + t] * vector[t]).sum();
        vector[s] = (vector[s] - inner) / matrix[s * n + s];
    }
    for s in (0..n).rev() {
        let inner: f64 = (s + 1..n).map(|t| matrix[t * n + s] * vector[t]).sum();
        vector[s] = (vector[s] - inner) / matrix[s * n + s];
    }
    vector
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    /// Of two candidates that differ in one signal by 1, the one with the signal is chosen in three of
    /// four cases: without a penalty the weight is ln 3, and with it a little less.
    #[test]
    fn finds_the_log_odds() {
        let n_cases = 4_000;
        let mut cases = Cases { n_signals: 2, ..Cases::default() };
        for case in 0..n_cases {
            cases.signals.extend([1.0, 0.3, 0.0, 0.3]);
            cases.chosen.extend(if case % 4 == 0 { [0.0, 1.0] } else { [1.0, 0.0] });
            cases.ends.push(2 * (case + 1));
        }
        let weights = cases.fit().unwrap();
        assert!((weights[0] - 3.0_f32.ln()).abs() < 0.01, "{weights:?}");
        assert!(weights[1].abs() < 1e-3, "a signal that tells nothing has no weight: {weights:?}");
        assert_eq!(Cases::default().fit(), None);
        // Started from the truth about the first, which is not free, nothing is left for the second.
        let start = [weights[0], 0.0];
        assert_eq!(cases.fit_from(&start, &[false, true]).unwrap(), start);
        let start = [1.0, 0.5];
        let moved = cases.fit_from(&start, &[true, false]).unwrap();
        assert!((moved[0] - weights[0]).abs() < 1e-3 && moved[1] == 0.5, "{moved:?}");
    }
}
