//! Seasonal-trend decomposition by local regression, for one season or several, and forecasts from it.
//!
//! Sources: Cleveland, Cleveland, McRae and Terpenning, *STL: a seasonal-trend decomposition procedure
//! based on loess*, Journal of Official Statistics 6(1), 1990 (the inner loop, without robustness weights);
//! Bandara, Hyndman and Bergmeir, *MSTL*, International Journal of Operational Research 52(1), 2025
//! (several seasons in turn, windows 7 + 4i).

#[cfg(test)]
mod tests;

use crate::ets::{ErrorKind, Ets, Season, Spec, Trend};
use crate::numbers::variance;

/// A series taken apart; the parts add up to it.
#[derive(Clone, Debug, PartialEq)]
pub struct Parts {
    /// The smooth course.
    pub trend: Vec<f64>,
    /// One for each season length, in the order asked for.
    pub seasons: Vec<Vec<f64>>,
    /// What is left.
    pub rest: Vec<f64>,
}

/// Takes a series apart by STL; seasons of which the series has fewer than two are left out.
pub fn decompose(y: &[f64], season_lengths: &[usize]) -> Parts {
    let mut lengths: Vec<usize> =
        season_lengths.iter().copied().filter(|m| *m > 1 && y.len() >= 2 * m).collect();
    lengths.sort_unstable();
    lengths.dedup();
    let mut seasons = vec![vec![0.0; y.len()]; lengths.len()];
    let mut without = y.to_vec();
    let mut trend = vec![0.0; y.len()];
    let n_rounds = if lengths.len() > 1 { 2 } else { 1 };
    for _ in 0..n_rounds {
        for (number, m) in lengths.iter().enumerate() {
            for (value, s) in without.iter_mut().zip(&seasons[number]) {
                *value += s;
            }
            let found = stl(&without, *m, 7 + 4 * (number + 1));
            for (value, s) in without.iter_mut().zip(&found.0) {
                *value -= s;
            }
            (seasons[number], trend) = found;
        }
    }
    if lengths.is_empty() {
        trend = loess(y, (y.len() / 3).max(7) | 1, Degree::Line);
    }
    let rest = without.iter().zip(&trend).map(|(value, t)| value - t).collect();
    Parts { trend, seasons, rest }
}

/// The share of the variance without trend that the season explains, 0 to 1 (Wang, Smith and Hyndman,
/// Data Mining and Knowledge Discovery 13, 2006).
pub fn seasonal_strength(y: &[f64], m: usize) -> f64 {
    let parts = decompose(y, &[m]);
    let Some(season) = parts.seasons.first() else { return 0.0 };
    let both: Vec<f64> = parts.rest.iter().zip(season).map(|(r, s)| r + s).collect();
    let all = variance(&both);
    if all > 0.0 { (1.0 - variance(&parts.rest) / all).max(0.0) } else { 0.0 }
}

/// Season (first) and trend of one series.
fn stl(y: &[f64], m: usize, season_window: usize) -> (Vec<f64>, Vec<f64>) {
    let n = y.len();
    let width = 1.5 * m as f64 / (1.0 - 1.5 / season_window as f64);
    let trend_window = width.ceil() as usize | 1;
    let mut trend = vec![0.0; n];
    let mut season = vec![0.0; n];
    for _ in 0..2 {
        // The smoothed values of each place, one season longer at both ends.
        let mut cycle = vec![0.0; n + 2 * m];
        for place in 0..m.min(n) {
            let own: Vec<f64> = (place..n).step_by(m).map(|t| y[t] - trend[t]).collect();
            let smooth = loess_extended(&own, season_window);
            for (idx, value) in smooth.into_iter().enumerate() {
                cycle[place + idx * m] = value;
            }
        }
        let low = average(&average(&average(&cycle, m), m), 3);
        let low = loess(&low, m | 1, Degree::Line);
        for t in 0..n {
            season[t] = cycle[m + t] - low[t];
        }
        let without: Vec<f64> = y.iter().zip(&season).map(|(value, s)| value - s).collect();
        trend = loess(&without, trend_window, Degree::Line);
    }
    (season, trend)
}

/// The moving average of `width` values, of every full window.
fn average(y: &[f64], width: usize) -> Vec<f64> {
    y.windows(width).map(|window| window.iter().sum::<f64>() / width as f64).collect()
}

/// What is fitted locally.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Degree {
    Level,
    Line,
}

/// Local regression at every value.
fn loess(y: &[f64], window: usize, degree: Degree) -> Vec<f64> {
    let n = y.len();
    // Between anchors the smooth curve is taken as straight, as in the original program.
    let jump = (window / 10).max(1);
    let mut smooth = vec![0.0; n];
    let mut last = 0;
    let anchors = (0..n).step_by(jump).chain((n > 1).then_some(n - 1));
    for at in anchors {
        smooth[at] = loess_at(y, at as f64, window, degree);
        for between in last + 1..at {
            let share = (between - last) as f64 / (at - last) as f64;
            smooth[between] = smooth[last] + share * (smooth[at] - smooth[last]);
        }
        last = at;
    }
    smooth
}

/// Local averages at every value and one place beyond both ends.
fn loess_extended(y: &[f64], window: usize) -> Vec<f64> {
    let at = |place: usize| loess_at(y, place as f64 - 1.0, window, Degree::Level);
    (0..y.len() + 2).map(at).collect()
}

/// The regression of the `window` nearest values at the place `x`, with tricube weights.
fn loess_at(y: &[f64], x: f64, window: usize, degree: Degree) -> f64 {
    let n = y.len();
    let q = window.min(n);
    let half = (q - 1) as f64 / 2.0;
    let left = (x - half).round().clamp(0.0, (n - q) as f64) as usize;
    let right = left + q - 1;
    let mut reach = (x - left as f64).max(right as f64 - x);
    if window > n {
        reach += ((window - n) / 2) as f64;
    }
    let reach = reach.max(1e-9);
    let (mut total, mut mean_x, mut mean_y) = (0.0, 0.0, 0.0);
    let mut weights = Vec::with_capacity(q);
    for (idx, value) in y[left..=right].iter().enumerate() {
        let distance = ((left + idx) as f64 - x).abs();
        let weight = if distance <= 0.999 * reach {
            let share = distance / reach;
            (1.0 - share * share * share).powi(3)
        } else {
            0.0
        };
        weights.push(weight);
        total += weight;
        mean_x += weight * (left + idx) as f64;
        mean_y += weight * value;
    }
    if total <= 0.0 {
        return y[left];
    }
    mean_x /= total;
    mean_y /= total;
    if degree == Degree::Level {
        return mean_y;
    }
    let (mut cross, mut square) = (0.0, 0.0);
    for (idx, weight) in weights.iter().enumerate() {
        let off = (left + idx) as f64 - mean_x;
        cross += weight * off * y[left + idx];
        square += weight * off * off;
    }
    let spread = 1e-3 * (n - 1) as f64;
    if square / total > spread * spread { mean_y + cross / square * (x - mean_x) } else { mean_y }
}

/// A fitted decomposition with a forecast of what is no season.
#[derive(Clone, Debug, PartialEq)]
pub struct Mstl {
    /// The last season of each length.
    last: Vec<Vec<f64>>,
    adjusted: Ets,
    fitted: Vec<f64>,
}

impl Mstl {
    /// Takes the seasons out and fits the best smoothing model without a season to what is left; `None`
    /// when the series has not two of any season.
    pub fn fit(y: &[f64], season_lengths: &[usize]) -> Option<Mstl> {
        if y.iter().any(|value| !value.is_finite()) {
            return None;
        }
        let parts = decompose(y, season_lengths);
        if parts.seasons.is_empty() {
            return None;
        }
        let mut lengths: Vec<usize> =
            season_lengths.iter().copied().filter(|m| *m > 1 && y.len() >= 2 * m).collect();
        lengths.sort_unstable();
        lengths.dedup();
        let without: Vec<f64> = parts.trend.iter().zip(&parts.rest).map(|(t, r)| t + r).collect();
        let trends = [Trend::None, Trend::Additive, Trend::Damped];
        let fits = trends.into_iter().filter_map(|trend| {
            Ets::fit(&without, 1, Spec::new(ErrorKind::Additive, trend, Season::None))
        });
        let adjusted = fits.min_by(|a, b| a.aicc().total_cmp(&b.aicc()))?;
        let of_seasons = |t: usize| parts.seasons.iter().map(|season| season[t]).sum::<f64>();
        let fitted =
            adjusted.fitted().iter().enumerate().map(|(t, value)| value + of_seasons(t)).collect();
        let tail = |(season, m): (&Vec<f64>, &usize)| season[season.len() - m..].to_vec();
        let last = parts.seasons.iter().zip(&lengths).map(tail).collect();
        Some(Mstl { last, adjusted, fitted })
    }

    /// What was expected of each value one step before, the season being known.
    pub fn fitted(&self) -> &[f64] {
        &self.fitted
    }

    /// The means of the next values.
    pub fn forecast(&self, horizon: usize) -> Vec<f64> {
        let mut ahead = self.adjusted.forecast(horizon);
        for (step, value) in ahead.iter_mut().enumerate() {
            *value += self.last.iter().map(|season| season[step % season.len()]).sum::<f64>();
        }
        ahead
    }
}
