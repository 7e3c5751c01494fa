//! What levels of many series teach each other about the days ahead.
//!
//! A level is a mean of the past, and a mean of the past is a poor guess of what is picked by it: what sold most until now sold
//! so by chance too, and sells less from now on (regression to the mean: Galton, Journal of the Anthropological Institute 15,
//! 1886). What is new sells more in its first weeks than later, and what loses its share at all places will lose it here. None of
//! this can be told from one series, whose errors of the past are few; from those of all series together it can
//! (Montero-Manso and Hyndman, International Journal of Forecasting 37(4), 2021).
//!
//! A level is multiplied by `exp(w·x)`. The signs `x` are 1, the log of the level's size, how far the last weeks and the whole
//! life lie from it, how young the series is, and how the share of the thing in all that is sold everywhere moved between
//! half-lives of 7, 20, 60 and 180 steps. The weights `w` are those of greatest quasi-likelihood of Poisson's form, with what the level
//! expects as offset, at totals of the last year of days (McCullagh and Nelder, *Generalized Linear Models*, 2nd ed.,
//! chapter 9), drawn to 0 by a normal prior: few series teach nothing.

#[cfg(test)]
mod tests;

use crate::numbers::solve_positive;

/// Half-lives of the level, whose mean it is, in steps; those of [`crate::totals`].
const OWN_HALF_LIVES: [f64; 3] = [20.0, 60.0, 180.0];
/// Half-lives between which the share in everything sold moves.
const SHARE_HALF_LIVES: [f64; 4] = [7.0, 20.0, 60.0, 180.0];
/// Numbers that tell how a level will go on.
const N_SIGNS: usize = 8;
type Signs = [f64; N_SIGNS];

/// Steps whose totals are looked back at: a year of days, so that a good or bad month of all is not taken for a rule.
const JUDGED: usize = 364;
/// Steps between two totals that are looked back at.
const PAUSE: usize = 10;
/// Steps of a series before its first total that teaches, and before it is taught.
const TEACHES_AFTER: usize = 42;
const TAUGHT_AFTER: usize = 28;
/// Units of a total that a level expects at least where it teaches; what sells less is taught as if it were so much (chosen
/// among ½ to 3 on days 42 to 301 of Complete Journey).
const TEACHES_FROM: f64 = 2.0;
/// Units that are added to own totals and to those everywhere before logs are taken.
const OWN_UNITS: f64 = 0.5;
const SHARE_UNITS: f64 = 3.0;
/// Steps after which a series is no longer young, by a factor e.
const YOUTH: f64 = 60.0;
/// Precision of the normal prior (chosen among 5 to 60 on the same days and on the training part of pasta).
const PRECISION: f64 = 40.0;
/// Totals at least, below which nothing is learned.
const CASES_MIN: usize = 200;
/// What a level is multiplied by at least and at most.
const FACTOR: std::ops::RangeInclusive<f64> = 0.25..=2.0;
/// Steps of Newton's method at most.
const STEPS_MAX: usize = 30;

/// A series beside all that is sold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Beside<'a> {
    /// What was wanted of the series, oldest first.
    pub own: &'a [f64],
    /// What was sold of the same thing everywhere, up to the same step; it may begin earlier.
    pub everywhere: &'a [f64],
    /// What was sold of all things everywhere, on the steps of `everywhere`.
    pub of_all: &'a [f64],
}

/// A total that came, beside what was known before it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Case {
    known: Known,
    came: f64,
}

/// What is known of a level.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Known {
    /// Units that it expects of a total.
    expected: f64,
    signs: Signs,
}

/// Exponentially weighted means, one step after the other.
struct Means<const N: usize> {
    keep: [f64; N],
    sums: [f64; N],
    weights: [f64; N],
}

impl<const N: usize> Means<N> {
    fn new(half_lives: [f64; N]) -> Means<N> {
        let keep = half_lives.map(|half_life| 0.5_f64.powf(1.0 / half_life));
        Means { keep, sums: [0.0; N], weights: [0.0; N] }
    }

    fn add(&mut self, value: f64) {
        for idx in 0..N {
            self.sums[idx] = self.keep[idx] * self.sums[idx] + value;
            self.weights[idx] = self.keep[idx] * self.weights[idx] + 1.0;
        }
    }

    fn of(&self, idx: usize) -> f64 {
        self.sums[idx] / self.weights[idx].max(1e-9)
    }
}

/// Hears what was known of a series, and after how many of its own steps, after each one that is asked for.
fn each_known(
    beside: &Beside<'_>,
    span: usize,
    is_asked: impl Fn(usize) -> bool,
    mut hear: impl FnMut(usize, Known),
) {
    let n_all = beside.everywhere.len().min(beside.of_all.len());
    let everywhere = &beside.everywhere[beside.everywhere.len() - n_all..];
    let of_all = &beside.of_all[beside.of_all.len() - n_all..];
    let ahead = n_all.saturating_sub(beside.own.len());
    let missing = beside.own.len().saturating_sub(n_all);
    let mut own = Means::new(OWN_HALF_LIVES);
    let (mut shares, mut wholes) = (Means::new(SHARE_HALF_LIVES), Means::new(SHARE_HALF_LIVES));
    let step = |idx: usize, shares: &mut Means<4>, wholes: &mut Means<4>| {
        shares.add(everywhere[idx]);
        wholes.add(of_all[idx]);
    };
    (0..ahead).for_each(|idx| step(idx, &mut shares, &mut wholes));
    let (span, mut sum) = (span as f64, 0.0);
    for (idx, value) in beside.own.iter().enumerate() {
        own.add(*value);
        sum += value;
        if idx >= missing {
            step(ahead + idx - missing, &mut shares, &mut wholes);
        }
        let n = idx + 1;
        if !is_asked(n) {
            continue;
        }
        let expected = (0..3).map(|half_life| own.of(half_life)).sum::<f64>() / 3.0 * span;
        let log = |units: f64| ((units + OWN_UNITS) / (expected + OWN_UNITS)).ln();
        let moved = |short: usize| {
            let long = short + 1;
            let whole = wholes.of(long);
            // What all things together did is not what this one did.
            let usual = if whole > 0.0 { wholes.of(short) / whole } else { 1.0 };
            let (now, before) = (shares.of(short) * span, shares.of(long) * span * usual);
            ((now + SHARE_UNITS) / (before + SHARE_UNITS)).ln()
        };
        let signs = [
            1.0,
            (expected.max(TEACHES_FROM) + OWN_UNITS).ln(),
            log(own.of(0) * span),
            log(sum / n as f64 * span),
            (-(n as f64) / YOUTH).exp(),
            moved(0),
            moved(1),
            moved(2),
        ];
        hear(n, Known { expected, signs });
    }
}

/// What one series teaches: its totals over `span` steps in the last year.
pub fn cases(beside: &Beside<'_>, span: usize) -> Vec<Case> {
    let n = beside.own.len();
    let mut found = Vec::new();
    let Some(last) = n.checked_sub(span).filter(|last| *last >= TEACHES_AFTER && span > 0) else {
        return found;
    };
    let first = last.saturating_sub(JUDGED).max(TEACHES_AFTER);
    let is_asked =
        |known: usize| (first..=last).contains(&known) && (last - known).is_multiple_of(PAUSE);
    each_known(beside, span, is_asked, |at, known| {
        if known.expected >= TEACHES_FROM {
            found.push(Case { known, came: beside.own[at..at + span].iter().sum() });
        }
    });
    found
}

/// How levels went on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lesson {
    weights: Signs,
    n_cases: usize,
}

impl Lesson {
    /// What these totals teach; `None` of fewer than 200, and where they teach nothing that can be told apart.
    pub fn of(cases: &[Case]) -> Option<Lesson> {
        if cases.len() < CASES_MIN {
            return None;
        }
        let mut weights = [0.0; N_SIGNS];
        for _ in 0..STEPS_MAX {
            let mean = |case: &Case| case.known.expected * power(&weights, &case.known.signs).exp();
            // Variance over mean: totals come in lumps, and those of one series overlap in what they know.
            let spread = |case: &Case| (case.came - mean(case)).powi(2) / mean(case).max(0.05);
            let dispersion = cases.iter().map(spread).sum::<f64>() / cases.len() as f64;
            let dispersion = dispersion.max(1.0);
            let mut slope: Vec<f64> = weights.iter().map(|weight| -PRECISION * weight).collect();
            let mut bend = vec![0.0; N_SIGNS * N_SIGNS];
            (0..N_SIGNS).for_each(|idx| bend[idx * N_SIGNS + idx] = PRECISION);
            for case in cases {
                let mean = mean(case);
                for (row, sign) in case.known.signs.iter().enumerate() {
                    slope[row] += sign * (case.came - mean) / dispersion;
                    for (column, other) in case.known.signs.iter().enumerate() {
                        bend[row * N_SIGNS + column] += sign * other * mean / dispersion;
                    }
                }
            }
            solve_positive(&mut bend, &mut slope)?;
            weights.iter_mut().zip(&slope).for_each(|(weight, by)| *weight += by);
            if slope.iter().all(|by| by.abs() < 1e-8) {
                break;
            }
        }
        let is_sane = weights.iter().all(|weight| weight.is_finite());
        is_sane.then_some(Lesson { weights, n_cases: cases.len() })
    }

    /// What to multiply the level of a series by, between ¼ and 2; 1 of what is known for less than four weeks of days.
    pub fn factor(&self, beside: &Beside<'_>, span: usize) -> f64 {
        let n = beside.own.len();
        if n < TAUGHT_AFTER {
            return 1.0;
        }
        let mut factor = 1.0;
        each_known(
            beside,
            span,
            |known| known == n,
            |_, known| {
                factor = power(&self.weights, &known.signs).exp();
            },
        );
        factor.clamp(*FACTOR.start(), *FACTOR.end())
    }

    /// Totals that taught it.
    pub fn n_cases(&self) -> usize {
        self.n_cases
    }
}

/// The log of the factor, as far as anything is believed.
fn power(weights: &Signs, signs: &Signs) -> f64 {
    let sum: f64 = weights.iter().zip(signs).map(|(weight, sign)| weight * sign).sum();
    sum.clamp(-2.0, 2.0)
}
