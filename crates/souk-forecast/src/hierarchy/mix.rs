//! Shares of several ways to add up, so that the worst level is as little worse than its base forecasts as can be.
//!
//! A mean of forecasts that add up adds up too, and its absolute error at a level is convex in the shares: what is best
//! is found by going downhill (exponentiated gradient: Kivinen and Warmuth, Information and Computation 132, 1997).
//! Errors of several ways cancel in part, so a mix may keep levels that none of them keeps.

use super::choice::Misses;

/// Steps downhill.
const ROUNDS: usize = 150;
/// What a level that is worse than its base forecasts counts beside the mean of all levels (chosen: spoiling none comes
/// first).
const PENALTY: f64 = 10.0;

/// Errors of some ways on one stretch of days.
pub(super) struct Tried<'a> {
    /// By way, node and step.
    pub(super) misses: &'a [Misses],
    /// By node and step: those of the base forecasts.
    pub(super) base: &'a Misses,
}

/// The shares of least error, by way; even ones where there is nothing to learn from.
pub(super) fn shares(parts: &[Tried<'_>], levels: &[std::ops::Range<usize>], n: usize) -> Vec<f64> {
    let mut shares = vec![1.0 / n as f64; n];
    let size = |misses: &Misses, level: &std::ops::Range<usize>| -> f64 {
        misses[level.clone()].iter().flatten().map(|miss| miss.abs()).sum()
    };
    let of_base = |level| parts.iter().map(|part| size(part.base, level)).sum::<f64>();
    let base: Vec<f64> = levels.iter().map(of_base).collect();
    if base.iter().all(|size| *size <= 0.0) {
        return shares;
    }
    let mut best = (f64::INFINITY, shares.clone());
    for round in 0..ROUNDS {
        let mut value = 0.0;
        let mut slope = vec![0.0; n];
        let mut worst = (1.0, vec![0.0; n]);
        for (level, base) in levels.iter().zip(&base).filter(|(_, base)| **base > 0.0) {
            let (error, own) = slope_of(parts, level, &shares);
            let ratio = error / base;
            value += ratio / levels.len() as f64;
            let own: Vec<f64> = own.iter().map(|own| own / base).collect();
            slope.iter_mut().zip(&own).for_each(|(sum, own)| *sum += own / levels.len() as f64);
            if ratio > worst.0 {
                worst = (ratio, own);
            }
        }
        value += PENALTY * (worst.0 - 1.0);
        slope.iter_mut().zip(&worst.1).for_each(|(sum, own)| *sum += PENALTY * own);
        if value < best.0 {
            best = (value, shares.clone());
        }
        let low = slope.iter().copied().fold(f64::INFINITY, f64::min);
        let high = slope.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        if high <= low {
            break;
        }
        let length = 2.0 / ((round + 1) as f64).sqrt() / (high - low);
        for (share, slope) in shares.iter_mut().zip(&slope) {
            *share *= (-length * (slope - low)).exp();
        }
        let whole: f64 = shares.iter().sum();
        shares.iter_mut().for_each(|share| *share /= whole);
    }
    best.1
}

/// The absolute error of a level under some shares, and by way how it grows with its share.
fn slope_of(
    parts: &[Tried<'_>],
    level: &std::ops::Range<usize>,
    shares: &[f64],
) -> (f64, Vec<f64>) {
    let (mut error, mut slope) = (0.0, vec![0.0; shares.len()]);
    for part in parts {
        for node in level.clone() {
            for step in 0..part.base[node].len() {
                let ways = part.misses.iter().zip(shares);
                let miss: f64 = ways.map(|(way, share)| share * way[node][step]).sum();
                error += miss.abs();
                let ways = part.misses.iter().zip(&mut slope);
                ways.for_each(|(way, slope)| *slope += miss.signum() * way[node][step]);
            }
        }
    }
    (error, slope)
}
