//! How good forecasts of many series were: MASE, sMAPE, WAPE, bias, pinball and coverage, by horizon third.

#[cfg(test)]
mod tests;

use crate::auto::{Forecast, Settings, Task};
use crate::measures::{pinball, seasonal_scale};

/// What came after a task's series.
#[derive(Clone, Debug, PartialEq)]
pub struct Judged<'a> {
    /// What was known.
    pub task: &'a Task,
    /// What was expected.
    pub forecast: &'a Forecast,
    /// What came, from the first step on; not longer than the forecast.
    pub actual: &'a [f64],
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
    /// Σ (forecast − value) / Σ absolute values.
    pub bias: f64,
    /// By share of the settings: mean over all values of the pinball loss.
    pub pinball: Vec<f64>,
    /// By level of the settings.
    pub coverage: Vec<Coverage>,
}

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
    for one in judged {
        let range = from.min(one.actual.len())..to.min(one.actual.len());
        if range.is_empty() {
            continue;
        }
        let (y, f) = (&one.actual[range.clone()], &one.forecast.mean[range.clone()]);
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
            let pairs = y.iter().zip(&quantile[range.clone()]);
            *loss += pairs.map(|(y, q)| pinball(*y, *q, *share)).sum::<f64>();
        }
        for (inside, (low, high)) in inside.iter_mut().zip(&one.forecast.intervals) {
            let held = range
                .clone()
                .filter(|idx| low[*idx] <= one.actual[*idx] && one.actual[*idx] <= high[*idx]);
            inside.push((held.count() as f64, y.len() as f64));
        }
    }
    let n = sums.n_values.max(1) as f64;
    Measures {
        n_series: sums.n_smape as usize,
        n_values: sums.n_values,
        mase: sums.mase / sums.n_mase.max(1.0),
        smape: sums.smape / sums.n_smape.max(1.0),
        wape: sums.errors / sums.sizes.max(f64::MIN_POSITIVE),
        bias: sums.signed / sums.sizes.max(f64::MIN_POSITIVE),
        pinball: losses.into_iter().map(|loss| loss / n).collect(),
        coverage: inside.iter().map(|held| coverage(held)).collect(),
    }
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
