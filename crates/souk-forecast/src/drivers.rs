//! What is known of the time ahead: promotions, prices, events, as factors on demand.
//!
//! A driver moves demand by a factor exp(βx). What all series share is learned first, by Poisson regression of
//! the values on the drivers with the level of the season around them as offset; each series then departs
//! from that as far as its own values bear out (a normal prior around the common β). The history is freed of the
//! drivers' effects, forecast as any other, and the effects of the known future are put back.
//!
//! The common part and the prior are what makes three promotions in a product's life usable. Effects that
//! depend on one another, or on time, are not seen.
//!
//! Source: McCullagh and Nelder, *Generalized Linear Models*, 2nd ed., §6.2 (Poisson regression by iterated
//! least squares; the dispersion of counts is estimated by Pearson's statistic); Gelman and Hill, *Data Analysis
//! Using Regression and Multilevel Models*, ch. 12 (partial pooling).

#[cfg(test)]
mod tests;

use crate::auto::{Forecast, Freed, Settings, Task, forecast, forecast_freed};
use crate::numbers::solve_positive;

/// The drivers of one series, all in the same order for all series.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Drivers {
    /// By driver: a value for each value of the series.
    pub past: Vec<Vec<f64>>,
    /// By driver: a value for each step ahead.
    pub ahead: Vec<Vec<f64>>,
}

impl Drivers {
    /// By what the drivers multiply each value of the past, then each step ahead; all 1 without drivers.
    ///
    /// `effects` are those of a [`Forecast`] made with them.
    pub fn factors(&self, effects: &[f64]) -> Vec<f64> {
        let steps = |columns: &[Vec<f64>]| {
            let n = columns.first().map_or(0, Vec::len);
            (0..n).map(|idx| factor(columns, effects, idx)).collect::<Vec<f64>>()
        };
        let mut factors = steps(&self.past);
        factors.extend(steps(&self.ahead));
        factors
    }
}

/// Factors beyond e^±`EFFECT_MAX` (20 times) are never believed.
const EFFECT_MAX: f64 = 3.0;
/// The spread of series' own effects around the common one (chosen: a third more or less is usual).
const SPREAD: f64 = 0.3;
/// Values that effects are learned from, newest first: older promotions were others.
const RECENT: usize = 1_100;

/// Forecasts series with what drives them; without drivers it is [`forecast`].
///
/// # Panics
///
/// When the horizon is 0, or drivers do not fit the series: the caller has mixed something up.
pub fn forecast_with(tasks: &[Task], drivers: &[Drivers], settings: &Settings) -> Vec<Forecast> {
    if drivers.iter().all(|drivers| drivers.past.is_empty()) {
        return forecast(tasks, settings);
    }
    let betas = effects(tasks, drivers);
    let freed: Vec<Freed<'_>> = tasks
        .iter()
        .zip(drivers.iter().zip(&betas))
        .map(|(task, (drivers, beta))| Freed { task, factors: drivers.factors(beta) })
        .collect();
    let mut forecasts = forecast_freed(freed, settings);
    forecasts.iter_mut().zip(betas).for_each(|(found, beta)| found.effects = beta);
    forecasts
}

/// What drivers did to each series: β by driver, without any forecast.
///
/// # Panics
///
/// As [`forecast_with`].
pub fn effects(tasks: &[Task], drivers: &[Drivers]) -> Vec<Vec<f64>> {
    assert_eq!(tasks.len(), drivers.len(), "drivers for each series");
    let lessons: Vec<Lesson> =
        tasks.iter().zip(drivers).map(|(task, drivers)| Lesson::of(task, drivers)).collect();
    let units = units(&lessons);
    let common = pooled(&lessons, &units);
    lessons.iter().map(|lesson| own(lesson, (&units, &common))).collect()
}

/// exp(Σ βx) at one step.
fn factor(columns: &[Vec<f64>], beta: &[f64], idx: usize) -> f64 {
    let effect: f64 = columns.iter().zip(beta).map(|(column, beta)| beta * column[idx]).sum();
    effect.clamp(-EFFECT_MAX, EFFECT_MAX).exp()
}

/// What one series teaches: values, what its season's level around them was, drivers.
struct Lesson {
    y: Vec<f64>,
    expected: Vec<f64>,
    x: Vec<Vec<f64>>,
}

impl Lesson {
    fn of(task: &Task, drivers: &Drivers) -> Lesson {
        let from = task.y.len().saturating_sub(RECENT);
        let y: Vec<f64> = task.y[from..].iter().map(|value| value.max(0.0)).collect();
        let x: Vec<Vec<f64>> = drivers.past.iter().map(|column| column[from..].to_vec()).collect();
        let expected = surroundings(&y, task.season_length, &x);
        Lesson { y, expected, x }
    }

    fn rows(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.y.len()).filter(|idx| self.expected[*idx] > 0.0)
    }
}

/// The mean of the quiet values around each value (drivers as they mostly are), times its place's share of
/// the season. A driver that is mostly something else, as the weather is, makes no value loud.
fn surroundings(y: &[f64], m: usize, x: &[Vec<f64>]) -> Vec<f64> {
    let usual = |column: &Vec<f64>| {
        let middle = crate::numbers::median(&mut column.clone());
        let n_usual = column.iter().filter(|value| **value == middle).count();
        (2 * n_usual >= column.len()).then_some(middle)
    };
    let usual: Vec<Option<f64>> = x.iter().map(usual).collect();
    let is_quiet = |idx: usize| {
        x.iter().zip(&usual).all(|(column, usual)| usual.is_none_or(|usual| column[idx] == usual))
    };
    let quiet: Vec<bool> = (0..y.len()).map(is_quiet).collect();
    let reach = (2 * m).max(14);
    let mut sums = vec![(0.0, 0.0)];
    for (value, is_quiet) in y.iter().zip(&quiet) {
        let (sum, n) = sums[sums.len() - 1];
        sums.push(if *is_quiet { (sum + value, n + 1.0) } else { (sum, n) });
    }
    let around = |idx: usize| {
        let (from, to) = (idx.saturating_sub(reach), (idx + reach + 1).min(y.len()));
        let (sum, n) = (sums[to].0 - sums[from].0, sums[to].1 - sums[from].1);
        if n >= 3.0 { sum / n } else { 0.0 }
    };
    let level: Vec<f64> = (0..y.len()).map(around).collect();
    let mut places = vec![(0.0, 0.0); m.max(1)];
    for idx in (0..y.len()).filter(|idx| quiet[*idx]) {
        let place = &mut places[idx % m.max(1)];
        *place = (place.0 + y[idx], place.1 + level[idx]);
    }
    let share = |idx: usize| {
        let (sum, expected) = places[idx % m.max(1)];
        if expected > 0.0 { sum / expected } else { 1.0 }
    };
    (0..y.len()).map(|idx| level[idx] * share(idx)).collect()
}

/// The root mean square of each driver, so that priors mean the same for promotions and prices.
fn units(lessons: &[Lesson]) -> Vec<f64> {
    let n_drivers = lessons.first().map_or(0, |lesson| lesson.x.len());
    let unit = |number: usize| {
        let values = || lessons.iter().flat_map(|lesson| &lesson.x[number]);
        let n = values().count().max(1) as f64;
        let mean = values().sum::<f64>() / n;
        let spread = (values().map(|value| (value - mean).powi(2)).sum::<f64>() / n).sqrt();
        let most = values().fold(0.0_f64, |most, value| most.max(value.abs()));
        // A flag counts as it is; anything else by its spread.
        if values().all(|value| *value == 0.0 || *value == 1.0) {
            1.0
        } else {
            spread.max(1e-9 * most)
        }
    };
    (0..n_drivers)
        .map(|number| Some(unit(number)).filter(|unit| *unit > 0.0).unwrap_or(1.0))
        .collect()
}

/// The effects that all series share.
fn pooled(lessons: &[Lesson], units: &[f64]) -> Vec<f64> {
    let all: Vec<&Lesson> = lessons.iter().collect();
    regress(&all, units, (&vec![0.0; units.len()], 1.0))
}

/// One series' own effects, drawn to the common ones.
fn own(lesson: &Lesson, (units, common): (&[f64], &[f64])) -> Vec<f64> {
    regress(&[lesson], units, (common, SPREAD))
}

/// Poisson regression with an offset and a free level, with a normal prior; β by driver.
fn regress(lessons: &[&Lesson], units: &[f64], (centre, spread): (&[f64], f64)) -> Vec<f64> {
    let k = units.len() + 1;
    // The first number is the level: surroundings may be off by a common factor.
    let mut beta = vec![0.0; k];
    beta[1..].copy_from_slice(centre);
    let mut dispersion = 1.0;
    for _ in 0..12 {
        let mut normal = vec![0.0; k * k];
        let mut right = vec![0.0; k];
        let (mut pearson, mut n) = (0.0, 0.0);
        let mut row = vec![1.0; k];
        for lesson in lessons {
            for idx in lesson.rows() {
                for (number, column) in lesson.x.iter().enumerate() {
                    row[number + 1] = column[idx];
                }
                let effect: f64 = row.iter().zip(&beta).map(|(x, b)| x * b).sum();
                let mean = lesson.expected[idx] * effect.clamp(-EFFECT_MAX, EFFECT_MAX).exp();
                let off = lesson.y[idx] - mean;
                pearson += off * off / mean;
                n += 1.0;
                for i in 0..k {
                    right[i] += row[i] * off;
                    for j in 0..=i {
                        normal[i * k + j] += row[i] * row[j] * mean;
                    }
                }
            }
        }
        if n == 0.0 {
            return centre.to_vec();
        }
        dispersion = (0.5 * dispersion + 0.5 * pearson / n).max(0.1);
        for i in 0..k {
            let unit = if i == 0 { 1.0 } else { units[i - 1] };
            let prior = (unit / spread).powi(2) * dispersion;
            let from = if i == 0 { 0.0 } else { centre[i - 1] };
            normal[i * k + i] += prior;
            right[i] += prior * (from - beta[i]);
        }
        if solve_positive(&mut normal, &mut right).is_none() {
            return centre.to_vec();
        }
        let mut longest = 0.0_f64;
        for (number, (beta, step)) in beta.iter_mut().zip(&right).enumerate() {
            let unit = if number == 0 { 1.0 } else { units[number - 1] };
            let step = step.clamp(-1.0 / unit, 1.0 / unit);
            *beta += step;
            longest = longest.max((step * unit).abs());
        }
        if longest < 1e-9 {
            break;
        }
    }
    if beta.iter().all(|beta| beta.is_finite()) { beta.split_off(1) } else { centre.to_vec() }
}
