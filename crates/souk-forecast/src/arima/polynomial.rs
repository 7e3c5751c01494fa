//! Coefficients of lag polynomials: from free numbers to stationary ones, and products of near and
//! seasonal parts.

use super::Order;

/// The coefficients of a model, near ones multiplied with seasonal ones.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Coefficients {
    /// φ₁, φ₂, … in y = φ₁y₋₁ + …; empty without.
    pub(super) ar: Vec<f64>,
    /// θ₁, θ₂, … in y = … + ε + θ₁ε₋₁ + ….
    pub(super) ma: Vec<f64>,
}

/// Partial autocorrelations stay this far from 1: nearer ones belong to a model with one more difference.
const REACH: f64 = 0.9999;

impl Coefficients {
    pub(super) fn read(order: &Order, u: &[f64]) -> Coefficients {
        let mut coefficients = Coefficients::default();
        coefficients.read_again(order, u);
        coefficients
    }

    /// Reads the numbers of a search: near and seasonal autoregression, near and seasonal average.
    pub(super) fn read_again(&mut self, order: &Order, u: &[f64]) {
        let [p, _, q] = order.near;
        let [sp, _, sq] = order.seasonal;
        let (ar, rest) = u.split_at(p);
        let (seasonal_ar, rest) = rest.split_at(sp);
        let (ma, seasonal_ma) = rest.split_at(q);
        debug_assert_eq!(seasonal_ma.len(), sq, "as many numbers as coefficients");
        let m = order.season_length;
        multiply(&stationary(ar), (&stationary(seasonal_ar), m), &mut self.ar);
        let negative = |u: &[f64]| stationary(u).into_iter().map(|c| -c).collect::<Vec<_>>();
        let (near, seasonal) = (stationary(ma), stationary(seasonal_ma));
        if sq == 0 {
            self.ma = negative(ma);
        } else {
            multiply(&near, (&seasonal, m), &mut self.ma);
            for c in &mut self.ma {
                *c = -*c;
            }
        }
    }

    /// True when all roots are farther than 1.01 from the origin: nearer ones make forecasts of a few
    /// years run away (Hyndman and Khandakar 2008, §3.2, step 2).
    pub(super) fn is_well_inside(&self) -> bool {
        let negative: Vec<f64> = self.ma.iter().map(|c| -c).collect();
        [&self.ar, &negative].into_iter().all(|polynomial| {
            let scaled: Vec<f64> =
                polynomial.iter().zip(1..).map(|(c, lag)| c * 1.01_f64.powi(lag)).collect();
            is_stationary(&scaled)
        })
    }
}

/// Coefficients whose partial autocorrelations are the tanh of `u` (Monahan 1984, eq. 2).
fn stationary(u: &[f64]) -> Vec<f64> {
    let mut c: Vec<f64> = Vec::with_capacity(u.len());
    let mut before = [0.0; 8];
    for (k, u) in u.iter().enumerate() {
        let partial = REACH * u.tanh();
        before[..k].copy_from_slice(&c);
        for i in 0..k {
            c[i] = before[i] - partial * before[k - 1 - i];
        }
        c.push(partial);
    }
    c
}

/// (1 − Σ aᵢBⁱ)(1 − Σ bⱼB^{mj}) as 1 − Σ cₖBᵏ.
fn multiply(a: &[f64], (b, m): (&[f64], usize), to: &mut Vec<f64>) {
    to.clear();
    to.resize(a.len() + m * b.len(), 0.0);
    to[..a.len()].copy_from_slice(a);
    for (j, seasonal) in b.iter().enumerate() {
        let lag = m * (j + 1);
        to[lag - 1] += seasonal;
        for (i, near) in a.iter().enumerate() {
            to[lag + i] -= seasonal * near;
        }
    }
}

/// True when 1 − Σ cᵢBⁱ has its roots outside the unit circle: the recursion of Levinson and Durbin
/// backwards finds only partial autocorrelations below 1.
pub(crate) fn is_stationary(c: &[f64]) -> bool {
    let mut c = c.to_vec();
    while let Some(&partial) = c.last() {
        if partial.is_nan() || partial.abs() >= 1.0 {
            return false;
        }
        step_down(&mut c);
    }
    true
}

/// The predictor of one order less.
pub(super) fn step_down(c: &mut Vec<f64>) {
    let Some(partial) = c.pop() else { return };
    if partial == 0.0 {
        return;
    }
    let scale = 1.0 / (1.0 - partial * partial);
    let n = c.len();
    for i in 0..n.div_ceil(2) {
        let (a, b) = (c[i], c[n - 1 - i]);
        c[i] = (a + partial * b) * scale;
        c[n - 1 - i] = (b + partial * a) * scale;
    }
}
