//! The likelihood of an ARMA process, exact and conditional.

use super::Constant;
use super::polynomial::{Coefficients, step_down};

/// What one evaluation finds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Likelihood {
    pub(super) minus_two_log: f64,
    pub(super) sigma2: f64,
    pub(super) constant: f64,
}

/// Room for the recursions over one series.
#[derive(Debug)]
pub(super) struct Filter<'a> {
    w: &'a [f64],
    constant: Constant,
    /// Scaled errors (divided by the root of their variance factor) of the series, and of a series of ones.
    errors: [Vec<f64>; 2],
    /// Unscaled errors after the gain has settled, for the short recursion.
    raw: [Vec<f64>; 2],
    /// State before the next value, of the series and of ones.
    state: [Vec<f64>; 2],
    gain: Vec<f64>,
    change: Vec<f64>,
    /// Non-zero terms, as (lag, coefficient).
    ar: Vec<(usize, f64)>,
    ma: Vec<(usize, f64)>,
    phi: Vec<f64>,
}

/// The variance of the next value may still fall by this share before the gain counts as settled.
const SETTLED: f64 = 1e-12;

impl<'a> Filter<'a> {
    pub(super) fn new(w: &'a [f64], constant: Constant) -> Filter<'a> {
        let none = || [Vec::new(), Vec::new()];
        Filter {
            w,
            constant,
            errors: none(),
            raw: none(),
            state: none(),
            gain: Vec::new(),
            change: Vec::new(),
            ar: Vec::new(),
            ma: Vec::new(),
            phi: Vec::new(),
        }
    }

    fn n_series(&self) -> usize {
        if self.constant == Constant::Present { 2 } else { 1 }
    }

    fn read_terms(&mut self, by: &Coefficients) {
        let fill = |to: &mut Vec<(usize, f64)>, from: &[f64]| {
            to.clear();
            to.extend(
                from.iter().enumerate().filter(|(_, c)| **c != 0.0).map(|(i, c)| (i + 1, *c)),
            );
        };
        fill(&mut self.ar, &by.ar);
        fill(&mut self.ma, &by.ma);
    }

    /// Half the log of the mean squared error, with errors before the first value taken as 0 and the
    /// first values (as many as the autoregression reaches back) left out.
    pub(super) fn conditional(&mut self, by: &Coefficients) -> Option<f64> {
        self.read_terms(by);
        let n_skipped = by.ar.len().min(self.w.len() / 2);
        for series in 0..self.n_series() {
            let errors = &mut self.errors[series];
            errors.clear();
            errors.resize(n_skipped, 0.0);
            for t in n_skipped..self.w.len() {
                let value = |t: usize| if series == 0 { self.w[t] } else { 1.0 };
                let mut e = value(t);
                for &(lag, c) in self.ar.iter().take_while(|(lag, _)| *lag <= t) {
                    e -= c * value(t - lag);
                }
                for &(lag, c) in self.ma.iter().take_while(|(lag, _)| *lag <= t) {
                    e -= c * errors[t - lag];
                }
                errors.push(e);
            }
        }
        let (_, squares) = self.profile();
        let n = (self.w.len() - n_skipped) as f64;
        let value = 0.5 * (squares.max(1e-300) / n).ln();
        value.is_finite().then_some(value)
    }

    /// The constant by least squares on the scaled errors, and the sum of squares that is left.
    fn profile(&self) -> (f64, f64) {
        let total: f64 = self.errors[0].iter().map(|e| e * e).sum();
        if self.constant == Constant::Absent {
            return (0.0, total);
        }
        let pairs = || self.errors[0].iter().zip(&self.errors[1]);
        let (cross, ones) = pairs().fold((0.0, 0.0), |(c, o), (e, u)| (c + e * u, o + u * u));
        let constant = if ones > 1e-12 { cross / ones } else { 0.0 };
        (constant, pairs().map(|(e, u)| (e - constant * u).powi(2)).sum())
    }

    /// The exact likelihood; `None` when rounding has spoiled the recursion.
    pub(super) fn exact(&mut self, by: &Coefficients) -> Option<Likelihood> {
        self.read_terms(by);
        let r = by.ar.len().max(by.ma.len() + 1);
        let variance = self.begin(by, r)?;
        let log_factors = self.run(r, variance)?;
        let (constant, squares) = self.profile();
        let n = self.w.len() as f64;
        let sigma2 = (squares / n).max(1e-300);
        let minus_two_log = n * ((std::f64::consts::TAU * sigma2).ln() + 1.0) + log_factors;
        minus_two_log.is_finite().then_some(Likelihood { minus_two_log, sigma2, constant })
    }

    /// Sets the stationary start: the variance of the first value, and T·P·Z in `gain` and `change`.
    fn begin(&mut self, by: &Coefficients, r: usize) -> Option<f64> {
        self.phi.clear();
        self.phi.extend_from_slice(&by.ar);
        self.phi.resize(r, 0.0);
        let gamma = autocovariances(by, &self.ar, r)?;
        let psi = psi_weights(&self.ar, &self.ma, r);
        let theta = |j: usize| if j == 0 { 1.0 } else { by.ma.get(j - 1).copied().unwrap_or(0.0) };
        // Covariance of each part of the state with the value itself.
        let with_value: Vec<f64> = (0..r)
            .map(|i| {
                if i == 0 {
                    return gamma[0];
                }
                let ar = self.ar.iter().filter(|(lag, _)| *lag > i);
                let ar: f64 = ar.map(|(lag, c)| c * gamma[lag - i]).sum();
                ar + (i..r).map(|j| theta(j) * psi[j - i]).sum::<f64>()
            })
            .collect();
        self.gain.clear();
        for i in 0..r {
            let next = with_value.get(i + 1).copied().unwrap_or(0.0);
            self.gain.push(self.phi[i] * with_value[0] + next);
        }
        self.change.clone_from(&self.gain);
        for state in &mut self.state {
            state.clear();
            state.resize(r, 0.0);
        }
        (gamma[0].is_finite() && gamma[0] > 0.0).then_some(gamma[0])
    }

    /// Runs over the series; answers Σ log of the variance factors.
    fn run(&mut self, r: usize, mut variance: f64) -> Option<f64> {
        let (n, n_series) = (self.w.len(), self.n_series());
        for series in 0..2 {
            self.errors[series].clear();
            self.raw[series].clear();
        }
        let mut weight = -1.0 / variance;
        let (mut log_factors, mut product) = (0.0, 1.0_f64);
        for t in 0..n {
            let scale = 1.0 / variance.sqrt();
            let per_variance = 1.0 / variance;
            for series in 0..n_series {
                let value = if series == 0 { self.w[t] } else { 1.0 };
                let state = &mut self.state[series];
                let error = value - state[0];
                self.errors[series].push(error * scale);
                self.raw[series].push(error);
                let (first, by_gain) = (state[0], error * per_variance);
                for i in 0..r - 1 {
                    state[i] = self.phi[i] * first + state[i + 1] + self.gain[i] * by_gain;
                }
                state[r - 1] = self.phi[r - 1] * first + self.gain[r - 1] * by_gain;
            }
            product *= variance;
            if !(1e-200..1e200).contains(&product) {
                log_factors += product.ln();
                product = 1.0;
            }
            let lead = self.change[0];
            let fall = weight * lead * lead;
            if -fall <= SETTLED * variance && self.is_settled(weight, variance) {
                let rest = (n - t - 1) as f64;
                self.finish_settled(t + 1, variance);
                return Some(log_factors + product.ln() + rest * variance.ln());
            }
            let next_variance = variance + fall;
            if next_variance.is_nan() || next_variance <= 0.0 {
                return None;
            }
            let pull = weight * lead;
            let per_next = lead / next_variance;
            for i in 0..r {
                let after = self.change.get(i + 1).copied().unwrap_or(0.0);
                let moved = self.phi[i] * lead + after;
                self.gain[i] += moved * pull;
                self.change[i] = moved - self.gain[i] * per_next;
            }
            weight += weight * weight * lead * lead / variance;
            variance = next_variance;
        }
        Some(log_factors + product.ln())
    }

    /// True when no part of the state can still change the gain: with a season the first part alone is often
    /// near 0 and then is not.
    fn is_settled(&self, weight: f64, variance: f64) -> bool {
        let most = self.change.iter().fold(0.0_f64, |most, part| most.max(part.abs()));
        -weight * most * most <= SETTLED * variance
    }

    /// The rest of the series with a gain that no longer changes: the plain recursion of the errors.
    fn finish_settled(&mut self, from: usize, variance: f64) {
        let scale = 1.0 / variance.sqrt();
        for series in 0..self.n_series() {
            let raw = &mut self.raw[series];
            for t in from..self.w.len() {
                let value = |t: usize| if series == 0 { self.w[t] } else { 1.0 };
                let mut e = value(t);
                for &(lag, c) in self.ar.iter().take_while(|(lag, _)| *lag <= t) {
                    e -= c * value(t - lag);
                }
                for &(lag, c) in self.ma.iter().take_while(|(lag, _)| *lag <= t) {
                    e -= c * raw[t - lag];
                }
                raw.push(e);
                self.errors[series].push(e * scale);
            }
        }
    }

    /// The unscaled one-step errors of the last exact evaluation.
    pub(super) fn residuals(&self, constant: f64) -> Vec<f64> {
        if self.constant == Constant::Absent {
            return self.raw[0].clone();
        }
        self.raw[0].iter().zip(&self.raw[1]).map(|(e, u)| e - constant * u).collect()
    }

    /// What is expected of the next values, as far as errors of the past reach.
    pub(super) fn ahead(&self, by: &Coefficients, constant: f64) -> Vec<f64> {
        let residuals = self.residuals(constant);
        let n = self.w.len();
        let reach = by.ar.len().max(by.ma.len()).max(1);
        let mut known: Vec<f64> = self.w.iter().map(|value| value - constant).collect();
        for step in 0..reach {
            let t = n + step;
            let ar = self.ar.iter().filter(|(lag, _)| *lag <= t).map(|(lag, c)| c * known[t - lag]);
            let mut mean: f64 = ar.sum();
            for &(lag, c) in self.ma.iter().filter(|(lag, _)| *lag > step && *lag <= t) {
                mean += c * residuals[t - lag];
            }
            known.push(mean);
        }
        known.split_off(n)
    }
}

/// Autocovariances at lags 0 to `r`, for errors of variance 1.
///
/// Those of the pure autoregression come from the recursion of Levinson and Durbin backwards; the moving
/// average then mixes them. `None` when the autoregression is not stationary.
fn autocovariances(by: &Coefficients, ar: &[(usize, f64)], r: usize) -> Option<Vec<f64>> {
    let q = by.ma.len();
    let pure = pure_autocovariances(&by.ar, ar, r + q)?;
    if q == 0 {
        return Some(pure[..=r].to_vec());
    }
    let mut mixed = vec![0.0; q + 1];
    let theta = |j: usize| if j == 0 { 1.0 } else { by.ma[j - 1] };
    for i in (0..=q).filter(|i| theta(*i) != 0.0) {
        for j in (i..=q).filter(|j| theta(*j) != 0.0) {
            mixed[j - i] += theta(i) * theta(j);
        }
    }
    let terms: Vec<(usize, f64)> =
        mixed.iter().enumerate().filter(|(_, c)| **c != 0.0).map(|(lag, c)| (lag, *c)).collect();
    let at = |lag: usize| {
        let of = |(d, c): &(usize, f64)| {
            if *d == 0 { c * pure[lag] } else { c * (pure[lag + d] + pure[lag.abs_diff(*d)]) }
        };
        terms.iter().map(of).sum()
    };
    Some((0..=r).map(at).collect())
}

fn pure_autocovariances(phi: &[f64], terms: &[(usize, f64)], lag_max: usize) -> Option<Vec<f64>> {
    let p = phi.len();
    let mut predictors = Vec::with_capacity(p);
    let mut c = phi.to_vec();
    let mut share = 1.0;
    while let Some(&partial) = c.last() {
        share *= 1.0 - partial * partial;
        predictors.push(c.clone());
        step_down(&mut c);
    }
    if share.is_nan() || share <= 0.0 {
        return None;
    }
    let mut gamma = vec![1.0 / share];
    for predictor in predictors.iter().rev().take(lag_max) {
        let lag = gamma.len();
        gamma.push(predictor.iter().enumerate().map(|(i, c)| c * gamma[lag - 1 - i]).sum());
    }
    while gamma.len() <= lag_max {
        let lag = gamma.len();
        gamma.push(terms.iter().map(|(back, c)| c * gamma[lag.abs_diff(*back)]).sum());
    }
    Some(gamma)
}

/// Weights of past errors in a value, at lags 0 to `n` − 1.
fn psi_weights(ar: &[(usize, f64)], ma: &[(usize, f64)], n: usize) -> Vec<f64> {
    let mut psi = vec![0.0; n.max(1)];
    psi[0] = 1.0;
    for &(lag, c) in ma.iter().filter(|(lag, _)| *lag < n) {
        psi[lag] = c;
    }
    for k in 1..n {
        let back = ar.iter().take_while(|(lag, _)| *lag <= k);
        let sum: f64 = back.map(|(lag, c)| c * psi[k - lag]).sum();
        psi[k] += sum;
    }
    psi
}
