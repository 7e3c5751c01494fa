//! How good forecasts of many series were: MASE, sMAPE, WAPE, bias, pinball and coverage, by horizon third.

#[cfg(test)]
mod tests;

use crate::auto::{Forecast, Kind, Settings, Task};
use crate::measures::{pinball, seasonal_scale};

/// What came after a task's series.
#[derive(Clone, Debug, PartialEq)]
pub struct Judged<'a> {
    /// What was known.
    pub task: &'a Task,
    /// What was expected.
    pub forecast: &'a Forecast,
    /// What came, from the first step on; not longer than the forecast. What is no number is not judged.
    pub actual: &'a [f64],
    /// By [`grid`] share: the quantile by step. Empty: no probabilities are judged.
    pub grid: &'a [Vec<f64>],
}

/// Shares whose quantiles tell at which probability a value fell: every fortieth, so that the ends of 80 % and 95 %
/// intervals are among them.
pub fn grid() -> Vec<f64> {
    (1..40).map(|place| f64::from(place) / 40.0).collect()
}

/// Measures over all series, or over one third of the horizon.
#[derive(Clone, Debug, PartialEq)]
pub struct Measures {
    /// Series that were judged.
    pub n_series: usize,
    /// Values that were judged.
    pub n_values: usize,
    /// Mean over series of the mean absolute error over the mean absolute change from season to season in
    /// the training part; series without any change are left out.
    pub mase: f64,
    /// Mean over series, in percent.
    pub smape: f64,
    /// Σ absolute errors / Σ absolute values.
    pub wape: f64,
    /// The same of the median, where the settings ask for the quantile .5. Absolute errors are least around the median: of small
    /// counts it lies below the mean, so that of two models the one with the lower means has the lower `wape`.
    pub wape_of_median: Option<f64>,
    /// Σ (forecast − value) / Σ absolute values.
    pub bias: f64,
    /// By share of the settings: mean over all values of the pinball loss.
    pub pinball: Vec<f64>,
    /// By level of the settings.
    pub coverage: Vec<Coverage>,
    /// By level of the settings: how often the value's own probability lies in the central part. Where a count has a
    /// probability of its own, that is spread evenly over it (randomised: Smith, Journal of Forecasting 4(3), 1985; Czado,
    /// Gneiting and Held, Biometrics 65, 2009), so that it is the level itself when the distribution is right, while
    /// intervals in whole pieces hold more often.
    pub probability: Vec<Coverage>,
    /// By [`TENTHS`] share: how often the own probability of a value lies at or below it, spread as above, of series of small
    /// counts alone. When the whole distribution is right, it is that share each time (the probability integral transform
    /// is uniform: Czado, Gneiting and Held, as above). Empty without any such series.
    pub pit: Vec<Coverage>,
}

/// Shares at which [`Measures::pit`] is told.
pub const TENTHS: [f64; 9] = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9];

/// How often an interval held.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Coverage {
    /// The share of values inside.
    pub share: f64,
    /// Its standard error, with series as units: what a bootstrap of series would give.
    pub standard_error: f64,
}

/// All measures, and those of each third of the horizon.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// Over the whole horizon.
    pub all: Measures,
    /// Over the first, second and last third.
    pub thirds: [Measures; 3],
}

/// Judges forecasts.
pub fn judge(judged: &[Judged<'_>], settings: &Settings) -> Report {
    let h = settings.horizon;
    let part = |from: usize, to: usize| measures(judged, settings, (from, to));
    let (one, two) = (h.div_ceil(3), (2 * h).div_ceil(3));
    Report { all: part(0, h), thirds: [part(0, one), part(one, two), part(two, h)] }
}

#[derive(Default)]
struct Sums {
    mase: f64,
    n_mase: f64,
    smape: f64,
    n_smape: f64,
    errors: f64,
    signed: f64,
    sizes: f64,
    n_values: usize,
}

fn measures(judged: &[Judged<'_>], settings: &Settings, (from, to): (usize, usize)) -> Measures {
    let mut sums = Sums::default();
    let mut losses = vec![0.0; settings.quantiles.len()];
    let mut inside = vec![Vec::new(); settings.levels.len()];
    let mut central = vec![Vec::new(); settings.levels.len()];
    let mut pit = vec![Vec::new(); TENTHS.len()];
    let shares = grid();
    for one in judged {
        let range: Vec<usize> = (from.min(one.actual.len())..to.min(one.actual.len()))
            .filter(|idx| !one.actual[*idx].is_nan())
            .collect();
        if range.is_empty() {
            continue;
        }
        let at = |values: &[f64]| range.iter().map(|idx| values[*idx]).collect::<Vec<f64>>();
        let (actual, expected) = (at(one.actual), at(&one.forecast.mean));
        let (y, f) = (&actual[..], &expected[..]);
        if let Some(scale) = seasonal_scale(&one.task.y, one.task.season_length) {
            sums.mase += crate::measures::mae(y, f) / scale;
            sums.n_mase += 1.0;
        }
        sums.smape += crate::measures::smape(y, f);
        sums.n_smape += 1.0;
        sums.errors += y.iter().zip(f).map(|(y, f)| (y - f).abs()).sum::<f64>();
        sums.signed += y.iter().zip(f).map(|(y, f)| f - y).sum::<f64>();
        sums.sizes += y.iter().map(|y| y.abs()).sum::<f64>();
        sums.n_values += y.len();
        for ((loss, share), quantile) in
            losses.iter_mut().zip(&settings.quantiles).zip(&one.forecast.quantiles)
        {
            let found = at(quantile);
            *loss += y.iter().zip(found).map(|(y, q)| pinball(*y, q, *share)).sum::<f64>();
        }
        for (inside, (low, high)) in inside.iter_mut().zip(&one.forecast.intervals) {
            let held = range
                .iter()
                .filter(|idx| low[**idx] <= one.actual[**idx] && one.actual[**idx] <= high[**idx]);
            inside.push((held.count() as f64, y.len() as f64));
        }
        if one.grid.len() == shares.len() {
            let fell: Vec<(f64, f64)> = range
                .iter()
                .map(|idx| stretch(one.actual[*idx], (one.grid, *idx), &shares))
                .collect();
            let within = |ends: (f64, f64)| -> (f64, f64) {
                (fell.iter().map(|fell| overlap(*fell, ends)).sum(), y.len() as f64)
            };
            for (central, level) in central.iter_mut().zip(&settings.levels) {
                central.push(within((0.5 - level / 2.0, 0.5 + level / 2.0)));
            }
            if Kind::of_task(one.task) != Kind::Ordinary {
                for (pit, share) in pit.iter_mut().zip(TENTHS) {
                    pit.push(within((0.0, share)));
                }
            }
        }
    }
    let n = sums.n_values.max(1) as f64;
    let sizes = sums.sizes.max(f64::MIN_POSITIVE);
    let median = settings.quantiles.iter().position(|share| *share == 0.5);
    let told = |all: Vec<Vec<(f64, f64)>>| -> Vec<Coverage> {
        all.iter().filter(|held| !held.is_empty()).map(|held| coverage(held)).collect()
    };
    Measures {
        n_series: sums.n_smape as usize,
        n_values: sums.n_values,
        mase: sums.mase / sums.n_mase.max(1.0),
        smape: sums.smape / sums.n_smape.max(1.0),
        wape: sums.errors / sizes,
        // Half of an absolute error is the pinball loss of the median.
        wape_of_median: median.map(|place| 2.0 * losses[place] / sizes),
        bias: sums.signed / sizes,
        pinball: losses.into_iter().map(|loss| loss / n).collect(),
        coverage: inside.iter().map(|held| coverage(held)).collect(),
        probability: told(central),
        pit: told(pit),
    }
}

/// Between which probabilities a value fell: of being less, and of being at most as much. Each is known between two
/// shares of the grid.
fn stretch(y: f64, (grid, idx): (&[Vec<f64>], usize), shares: &[f64]) -> (f64, f64) {
    let n_less = grid.iter().take_while(|quantile| quantile[idx] < y).count();
    let n_most = grid.iter().take_while(|quantile| quantile[idx] <= y).count();
    let below = |n: usize| n.checked_sub(1).map_or(0.0, |place| shares[place]);
    let above = |n: usize| shares.get(n).copied().unwrap_or(1.0);
    match n_less == n_most {
        // Between two shares, as good as continuous.
        true => (below(n_less), above(n_less)),
        false => (0.5 * (below(n_less) + above(n_less)), 0.5 * (below(n_most) + above(n_most))),
    }
}

/// The part of a stretch of probabilities that lies between two ends.
fn overlap((low, high): (f64, f64), (from, to): (f64, f64)) -> f64 {
    ((high.min(to) - low.max(from)).max(0.0) / (high - low)).min(1.0)
}

/// The share of values inside, with the standard error of a ratio over series (Cochran, *Sampling
/// Techniques*, 3rd ed., eq. 6.13), to which a bootstrap of series comes down.
fn coverage(held: &[(f64, f64)]) -> Coverage {
    let (inside, all) = held.iter().fold((0.0, 0.0), |(a, b), (x, n)| (a + x, b + n));
    if all <= 0.0 {
        return Coverage { share: 0.0, standard_error: 0.0 };
    }
    let share = inside / all;
    let squares: f64 = held.iter().map(|(x, n)| (x - share * n).powi(2)).sum();
    let n = held.len() as f64;
    let standard_error = (squares * n / (n - 1.0).max(1.0)).sqrt() / all;
    Coverage { share, standard_error }
}
