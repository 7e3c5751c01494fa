//! How fast relevance falls with the rank: two numbers that are learned from where in their lists the hits stood.
//!
//! A hit falls on a rank with a chance in proportion to `looks · 1 / (rank + shift)^power`, so the hits of all ranks
//! are one draw of a multinomial distribution, and the likeliest numbers are found by trying a grid that gets
//! finer. Few hits say little: beside those that were seen count some that fall as [`RelevanceCurve::default`] has it
//! (conjugate pseudo-counts; Gelman et al., *Bayesian Data Analysis*, 2013, 3.4).
//!
//! Source of the form: Zipf–Mandelbrot (Mandelbrot, 1953), which has both the reciprocal of a rank and a power of it.

use serde::{Deserialize, Serialize};

use crate::evaluate::metrics::discount;

/// Hits that the curve of no data counts beside those that were seen (chosen on simulated curves: a few hundred hits
/// outweigh it, and twenty do not).
const ASSUMED_HITS: f64 = 50.0;
/// What is searched, in logarithms of both numbers. The curves that were met (docs/decisions/0064-relevance-curves.md) lie well
/// within.
const SHIFTS: (f64, f64) = (0.25, 100.0);
const POWERS: (f64, f64) = (0.25, 4.0);
/// Steps of the grid to each side, and how often it is made finer around the best.
const STEPS: i32 = 8;
const ROUNDS: usize = 5;

/// What became of the items of one rank.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct RankHits {
    /// How often something of this rank was shown, or would have been.
    pub looks: f64,
    /// How often it was wanted; of somebody who wanted several, each may count in part.
    pub hits: f64,
}

/// The relevance of a list's ranks: `1 / (rank + shift)^power`, ranks from 0. Only ratios mean anything.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct RelevanceCurve {
    /// The larger, the more alike are the first ranks.
    pub shift: f64,
    /// The larger, the faster it falls.
    pub power: f64,
}

impl Default for RelevanceCurve {
    /// Where nothing is known. Of the shifts 2, 5, 10 and 20 the one that kept what variety cost nearest to its price on
    /// MovieLens and a grocer's baskets (docs/decisions/0064-relevance-curves.md).
    fn default() -> RelevanceCurve {
        RelevanceCurve { shift: 5.0, power: 1.0 }
    }
}

impl RelevanceCurve {
    /// The relevance of a rank from 0, as a share of that of the first.
    pub fn at(self, rank: f64) -> f64 {
        (1.0 + rank / self.shift).powf(-self.power)
    }

    /// The likeliest curve of these hits, by rank from 0, drawn to the default where there are few.
    pub fn fit(ranks: &[RankHits]) -> RelevanceCurve {
        let assumed = RelevanceCurve::default();
        let shown = || (0..).map(f64::from).zip(ranks);
        let all: f64 = shown().map(|(rank, of)| of.looks * assumed.at(rank)).sum();
        if all <= 0.0 {
            return assumed;
        }
        let added = |(rank, of): (f64, &RankHits)| {
            of.hits + ASSUMED_HITS * of.looks * assumed.at(rank) / all
        };
        let hits: Vec<f64> = shown().map(added).collect();
        let n_hits: f64 = hits.iter().sum();
        let likelihood = |curve: RelevanceCurve| {
            let of = shown().zip(&hits).map(|((rank, of), hits)| (of.looks, hits, curve.at(rank)));
            let (sum, logs) = of.fold((0.0, 0.0), |(sum, logs), (looks, hits, relevance)| {
                (sum + looks * relevance, logs + hits * relevance.ln())
            });
            logs - n_hits * f64::ln(sum)
        };
        let middle = |(low, high): (f64, f64)| ((low * high).ln() / 2.0, (high / low).ln() / 2.0);
        let ((mut shift, mut shift_span), (mut power, mut power_span)) =
            (middle(SHIFTS), middle(POWERS));
        let bounded = |of: f64, (low, high): (f64, f64)| of.exp().clamp(low, high);
        for _ in 0..ROUNDS {
            let (from_shift, from_power) = (shift, power);
            let mut best = f64::NEG_INFINITY;
            for step in (-STEPS..=STEPS).flat_map(|a| (-STEPS..=STEPS).map(move |b| (a, b))) {
                let part = |step: i32, span: f64| f64::from(step) / f64::from(STEPS) * span;
                let tried =
                    (from_shift + part(step.0, shift_span), from_power + part(step.1, power_span));
                let curve = RelevanceCurve {
                    shift: bounded(tried.0, SHIFTS),
                    power: bounded(tried.1, POWERS),
                };
                let found = likelihood(curve);
                if found > best {
                    best = found;
                    (shift, power) = tried;
                }
            }
            // Two steps and more to each side: the two numbers make up for each other, so the top is a long ridge.
            (shift_span, power_span) = (shift_span * 0.3, power_span * 0.3);
        }
        RelevanceCurve { shift: bounded(shift, SHIFTS), power: bounded(power, POWERS) }
    }

    /// What share of the expected NDCG of a list of `limit` it costs that `rank` takes its last place: what makes curves
    /// comparable, whose numbers make up for each other.
    pub fn cost(self, (limit, rank): (usize, usize)) -> f64 {
        let at = |rank: usize| self.at(rank as f64);
        let last = limit.saturating_sub(1);
        let all: f64 = (0..limit).map(|place| discount(place) * at(place)).sum();
        discount(last) * (at(last) - at(rank)) / all
    }
}

/// Counts hits by rank over lists.
#[derive(Clone, Debug, Default)]
pub struct RankCounts(Vec<RankHits>);

impl RankCounts {
    /// Counts a list: for each of its ranks what a hit there is worth, 0 for none.
    pub fn add(&mut self, hits: impl Iterator<Item = f64>) {
        for (rank, hits) in hits.enumerate() {
            if self.0.len() <= rank {
                self.0.push(RankHits::default());
            }
            self.0[rank].looks += 1.0;
            self.0[rank].hits += hits;
        }
    }

    /// The likeliest curve.
    pub fn curve(&self) -> RelevanceCurve {
        RelevanceCurve::fit(&self.0)
    }
}

#[cfg(test)]
mod tests;
