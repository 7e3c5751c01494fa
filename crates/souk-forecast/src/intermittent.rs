//! Demand with many zeros: sizes and gaps apart, or sums over longer times.
//!
//! Sources: Croston, Operational Research Quarterly 23(3), 1972; Syntetos and Boylan, International
//! Journal of Forecasting 21(2), 2005 (SBA: Croston's bias taken off); Teunter, Syntetos and Babai, European
//! Journal of Operational Research 214(3), 2011 (TSB: the chance of demand falls while nothing sells);
//! Nikolopoulos et al., Journal of the Operational Research Society 62(3), 2011 (ADIDA: one aggregation);
//! Petropoulos and Kourentzes, ibid. 66(6), 2015 (IMAPA: several).

#[cfg(test)]
mod tests;

use crate::numbers::mean;
use crate::optimise::between;

/// Smoothing of sizes and gaps in Croston's method and its successors (his own choice of 0.1).
const CROSTON_ALPHA: f64 = 0.1;
/// Optimised smoothing stays in this range (Petropoulos and Kourentzes 2015).
const ALPHA: (f64, f64) = (0.1, 0.3);

/// The level of simple exponential smoothing after the last value, from the first one.
fn smooth(y: &[f64], alpha: f64) -> Option<f64> {
    let (first, rest) = y.split_first()?;
    Some(rest.iter().fold(*first, |level, value| level + alpha * (value - level)))
}

/// The same with the parameter of least squared one-step error.
fn smooth_best(y: &[f64]) -> Option<f64> {
    let mut squares = |alpha: f64| {
        let mut level = y.first().copied().unwrap_or(0.0);
        let mut sum = 0.0;
        for value in y.iter().skip(1) {
            sum += (value - level).powi(2);
            level += alpha * (value - level);
        }
        sum
    };
    let (alpha, _) = between(ALPHA, 3, &mut squares);
    smooth(y, alpha)
}

/// Sizes that are not 0, and steps from one to the next, the first counted from the start.
fn sizes_and_gaps(y: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let (mut sizes, mut gaps, mut last) = (Vec::new(), Vec::new(), 0);
    for (value, t) in y.iter().zip(1usize..) {
        if *value != 0.0 {
            sizes.push(*value);
            gaps.push((t - last) as f64);
            last = t;
        }
    }
    (sizes, gaps)
}

/// Croston's level: the smoothed size over the smoothed gap; 0 when nothing was ever sold.
pub fn croston(y: &[f64]) -> f64 {
    let (sizes, gaps) = sizes_and_gaps(y);
    match (smooth(&sizes, CROSTON_ALPHA), smooth(&gaps, CROSTON_ALPHA)) {
        (Some(size), Some(gap)) => size / gap,
        _ => 0.0,
    }
}

/// Croston's level with the parameters optimised in 0.1 to 0.3.
pub fn croston_optimised(y: &[f64]) -> f64 {
    let (sizes, gaps) = sizes_and_gaps(y);
    match (smooth_best(&sizes), smooth_best(&gaps)) {
        (Some(size), Some(gap)) => size / gap,
        _ => 0.0,
    }
}

/// Syntetos and Boylan's approximation: 0.95 of Croston's level.
pub fn sba(y: &[f64]) -> f64 {
    0.95 * croston(y)
}

/// Teunter, Syntetos and Babai's level: the smoothed chance of a sale times the smoothed size.
pub fn tsb(y: &[f64], alpha_chance: f64, alpha_size: f64) -> f64 {
    let chances: Vec<f64> = y.iter().map(|value| f64::from(u8::from(*value != 0.0))).collect();
    let (sizes, _) = sizes_and_gaps(y);
    match (smooth(&chances, alpha_chance), smooth(&sizes, alpha_size)) {
        (Some(chance), Some(size)) => chance * size,
        _ => 0.0,
    }
}

/// Sums over whole blocks of `width` values that end with the last value.
fn blocks(y: &[f64], width: usize) -> Vec<f64> {
    y[y.len() % width..].chunks_exact(width).map(|block| block.iter().sum()).collect()
}

/// ADIDA's level: optimised smoothing of sums over the mean gap, taken apart again.
pub fn adida(y: &[f64]) -> f64 {
    let (sizes, gaps) = sizes_and_gaps(y);
    if sizes.is_empty() {
        return 0.0;
    }
    let width = (mean(&gaps).round() as usize).clamp(1, y.len());
    smooth_best(&blocks(y, width)).unwrap_or(0.0) / width as f64
}

/// IMAPA's level: the mean of ADIDA's over all widths from 1 to the rounded mean gap.
pub fn imapa(y: &[f64]) -> f64 {
    let (sizes, gaps) = sizes_and_gaps(y);
    if sizes.is_empty() {
        return 0.0;
    }
    let widest = (mean(&gaps).round() as usize).clamp(1, y.len());
    let of = |width: usize| smooth_best(&blocks(y, width)).unwrap_or(0.0) / width as f64;
    mean(&(1..=widest).map(of).collect::<Vec<_>>())
}

/// How a slow mover sells (Syntetos, Boylan and Croston, Journal of the Operational Research Society
/// 56(5), 2005): the mean gap between sales and the squared coefficient of variation of their sizes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pattern {
    /// Steps from sale to sale; infinite when nothing was sold.
    pub mean_gap: f64,
    /// Variance over squared mean of the sizes.
    pub cv2: f64,
}

impl Pattern {
    /// The pattern of a series.
    pub fn of(y: &[f64]) -> Pattern {
        let (sizes, _) = sizes_and_gaps(y);
        if sizes.is_empty() {
            return Pattern { mean_gap: f64::INFINITY, cv2: 0.0 };
        }
        let size = mean(&sizes);
        let cv2 = if size == 0.0 { 0.0 } else { crate::numbers::variance(&sizes) / (size * size) };
        Pattern { mean_gap: y.len() as f64 / sizes.len() as f64, cv2 }
    }

    /// True when the mean gap is above 1.32, where methods for intermittent demand begin to win.
    pub fn is_intermittent(&self) -> bool {
        self.mean_gap > 1.32
    }
}
