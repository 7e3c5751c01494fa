//! Seasonal ARIMA with exact maximum likelihood, and its automatic choice.
//!
//! The series is differenced, a constant (mean or drift) is found by generalised least squares, and the
//! rest is an ARMA process whose coefficients are searched for: first by conditional sums of squares, then
//! by the exact likelihood. The Kalman filter runs in the form of Morf, Sidhu and Kailath, whose cost grows
//! with the order and not with its square, because a stationary start needs only rank-one changes.
//!
//! Coefficients are searched for as partial autocorrelations, so that every point of the search is
//! stationary and invertible (Barndorff-Nielsen and Schou 1973; Monahan, Biometrika 71(2), 1984).
//!
//! Sources: Box, Jenkins, Reinsel and Ljung, *Time Series Analysis*, 5th ed., ch. 7 and 9; Morf, Sidhu and
//! Kailath, *Some new algorithms for recursive estimation in constant, linear, discrete-time systems*, IEEE
//! Transactions on Automatic Control 19(4), 1974; Hyndman and Khandakar, Journal of Statistical Software
//! 27(3), 2008, §3 (the automatic choice).

mod auto;
mod difference;
mod likelihood;
mod polynomial;
#[cfg(test)]
mod tests;

pub use auto::{is_level_stationary, n_differences, n_seasonal_differences};
use difference::Differenced;
use likelihood::{Filter, Likelihood};
use polynomial::Coefficients;
pub(crate) use polynomial::is_stationary;

use crate::optimise::{Limits, quasi_newton};

/// Which model: (p, d, q)(P, D, Q) with a season, with or without a constant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Order {
    /// Autoregressive terms, differences and moving-average terms of neighbouring values.
    pub near: [usize; 3],
    /// The same one season apart.
    pub seasonal: [usize; 3],
    /// Values in a season; 1 without one.
    pub season_length: usize,
    /// Whether there is a mean, or with one difference a drift.
    pub constant: Constant,
}

/// Whether a model has a mean or drift.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Constant {
    /// It has none.
    Absent,
    /// It has one.
    Present,
}

impl Order {
    /// Coefficients that are searched for.
    fn n_searched(&self) -> usize {
        self.near[0] + self.near[2] + self.seasonal[0] + self.seasonal[2]
    }

    /// The customary name: `ARIMA(1,1,1)(0,1,1)[12] with constant`.
    pub fn name(&self) -> String {
        let [p, d, q] = self.near;
        let [sp, sd, sq] = self.seasonal;
        let mut name = format!("ARIMA({p},{d},{q})");
        if self.season_length > 1 && sp + sd + sq > 0 {
            name.push_str(&format!("({sp},{sd},{sq})[{}]", self.season_length));
        }
        if self.constant == Constant::Present {
            name.push_str(" with constant");
        }
        name
    }
}

/// A fitted model.
#[derive(Clone, Debug, PartialEq)]
pub struct Arima {
    order: Order,
    coefficients: Coefficients,
    /// Mean of the differenced series.
    constant: f64,
    sigma2: f64,
    minus_two_log_likelihood: f64,
    /// −2 log of the prior of its coefficients; 0 where nothing was expected of them.
    minus_two_log_prior: f64,
    differenced: Differenced,
    residuals: Vec<f64>,
    /// What is expected of the next differenced values, but for the constant.
    ahead: Vec<f64>,
}

impl Arima {
    /// Fits one model; `None` when the series is too short for it or the likelihood has no maximum.
    pub fn fit(y: &[f64], order: Order) -> Option<Arima> {
        if y.iter().any(|value| !value.is_finite()) {
            return None;
        }
        Arima::fit_with(y, (order, Expected::Anything))
    }

    fn fit_with(y: &[f64], (order, expected): (Order, Expected)) -> Option<Arima> {
        let differenced = Differenced::new(y, &order)?;
        let w = &differenced.values;
        let k = order.n_searched() + usize::from(order.constant == Constant::Present);
        if w.len() < k + 2 {
            return None;
        }
        let start = vec![0.0; order.n_searched()];
        let rough = search(w, &order, &start, (Method::Conditional, expected));
        let exact = search(w, &order, &rough, (Method::Exact, expected));
        let mut model = Arima::at(differenced, order, &exact)?;
        model.minus_two_log_prior = expected.minus_two_log(&exact);
        Some(model)
    }

    fn at(differenced: Differenced, order: Order, u: &[f64]) -> Option<Arima> {
        let coefficients = Coefficients::read(&order, u);
        let mut filter = Filter::new(&differenced.values, order.constant);
        let Likelihood { minus_two_log, sigma2, constant } = filter.exact(&coefficients)?;
        let residuals = filter.residuals(constant);
        let ahead = filter.ahead(&coefficients, constant);
        minus_two_log.is_finite().then_some(Arima {
            order,
            coefficients,
            constant,
            sigma2,
            minus_two_log_likelihood: minus_two_log,
            minus_two_log_prior: 0.0,
            differenced,
            residuals,
            ahead,
        })
    }

    /// Which model it is.
    pub fn order(&self) -> Order {
        self.order
    }

    /// Autoregressive and moving-average coefficients, near ones multiplied with seasonal ones.
    pub fn coefficients(&self) -> (&[f64], &[f64]) {
        (&self.coefficients.ar, &self.coefficients.ma)
    }

    /// The mean of the differenced series: a mean, or a drift a step; 0 without a constant.
    pub fn constant(&self) -> f64 {
        self.constant
    }

    /// Variance of the one-step error.
    pub fn sigma2(&self) -> f64 {
        self.sigma2
    }

    /// −2 log-likelihood of the differenced series.
    pub fn minus_two_log_likelihood(&self) -> f64 {
        self.minus_two_log_likelihood
    }

    /// Akaike's criterion, corrected for short series, of likelihood and prior.
    pub fn aicc(&self) -> f64 {
        let constant = usize::from(self.order.constant == Constant::Present);
        let k = (self.order.n_searched() + constant + 1) as f64;
        let n = self.differenced.values.len() as f64;
        if n - k - 1.0 <= 0.0 {
            return f64::INFINITY;
        }
        let minus_two_log = self.minus_two_log_likelihood + self.minus_two_log_prior;
        minus_two_log + 2.0 * k + 2.0 * k * (k + 1.0) / (n - k - 1.0)
    }

    /// One-step errors of the differenced series.
    pub fn residuals(&self) -> &[f64] {
        &self.residuals
    }

    /// The means of the next values.
    pub fn forecast(&self, horizon: usize) -> Vec<f64> {
        let ar = &self.coefficients.ar;
        let mut ahead = self.ahead.clone();
        // Beyond the moving-average part only the autoregression goes on.
        while ahead.len() < horizon {
            let n = ahead.len();
            let terms = ar.iter().enumerate().filter(|(lag, _)| *lag < n);
            ahead.push(terms.map(|(lag, c)| c * ahead[n - 1 - lag]).sum());
        }
        let means = ahead.iter().take(horizon).map(|value| value + self.constant).collect();
        self.differenced.undo(means)
    }
}

/// Which criterion a search lowers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Method {
    Conditional,
    Exact,
}

/// What is expected of coefficients before a value is seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expected {
    /// Nothing: the greatest likelihood decides.
    Anything,
    /// Moderate ones: the inverse hyperbolic tangents of partial autocorrelations are normal around 0 with
    /// variance 1 (chosen on values held back from the training parts of M1 and Tourism, where ½, 1 and 2 were tried).
    Moderate,
}

impl Expected {
    /// −2 log of the prior at a point of the search.
    fn minus_two_log(self, u: &[f64]) -> f64 {
        match self {
            Expected::Anything => 0.0,
            Expected::Moderate => u.iter().map(|u| u * u).sum(),
        }
    }
}

/// The place where the criterion is least, from `start`, by differences.
fn search(
    w: &[f64],
    order: &Order,
    start: &[f64],
    (method, expected): (Method, Expected),
) -> Vec<f64> {
    if start.is_empty() {
        return Vec::new();
    }
    let mut filter = Filter::new(w, order.constant);
    let mut coefficients = Coefficients::read(order, start);
    let n = w.len() as f64;
    let mut value = |u: &[f64]| {
        coefficients.read_again(order, u);
        let found = match method {
            Method::Conditional => filter.conditional(&coefficients),
            Method::Exact => filter.exact(&coefficients).map(|found| found.minus_two_log / n),
        };
        let prior = match method {
            Method::Conditional => 0.5 * expected.minus_two_log(u) / n,
            Method::Exact => expected.minus_two_log(u) / n,
        };
        // A pull too weak to show keeps the search from running along flat valleys for good.
        let pull: f64 = u.iter().map(|u| u * u).sum();
        found.map_or(f64::INFINITY, |value| value + prior + 1e-7 * pull)
    };
    let mut moved = start.to_vec();
    let mut objective = |u: &[f64], slope: &mut [f64]| {
        let here = value(u);
        if !here.is_finite() {
            return f64::INFINITY;
        }
        moved.copy_from_slice(u);
        for idx in 0..u.len() {
            const STEP: f64 = 1e-5;
            moved[idx] = u[idx] + STEP;
            slope[idx] = (value(&moved) - here) / STEP;
            moved[idx] = u[idx];
        }
        if slope.iter().all(|value| value.is_finite()) { here } else { f64::INFINITY }
    };
    let limits = match method {
        Method::Conditional => Limits { steps_max: 30, tolerance: 1e-6 },
        Method::Exact => Limits { steps_max: 50, tolerance: 1e-9 },
    };
    quasi_newton(start, limits, &mut objective).x
}
