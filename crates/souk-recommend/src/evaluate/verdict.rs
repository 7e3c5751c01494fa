//! What is said of a learned order by those who did not teach it.

use super::bootstrap::{Difference, paired_bootstrap};
use super::metrics::mean;

/// How good a learned order was where nobody had taught it, beside the usual one that a shop begins with. Which
/// measure, from 0 to 1, is said where it is learned.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct OrderVerdict {
    /// Who judged, each independent of the others; none of them taught.
    pub n_judges: usize,
    /// The measure of what was learned.
    pub learned: f64,
    /// The same of the usual order.
    pub usual: f64,
    /// How much the former is above the latter, with its 95 % interval.
    pub gain: Difference,
    /// The same of the order in service, if there is one.
    pub serving: Option<f64>,
    /// How much the order in service is above the usual one, as `gain` has it.
    pub serving_gain: Option<f64>,
}

impl OrderVerdict {
    /// What is said by the measures of each judge: of the learned order, the usual one, and the one in service.
    ///
    /// # Panics
    ///
    /// When the first two differ in length: the caller has mixed up two evaluations.
    pub fn of(
        (learned, usual, serving): (&[f64], &[f64], Option<&[f64]>),
        seed: u64,
    ) -> OrderVerdict {
        let serving = serving.map(mean);
        OrderVerdict {
            n_judges: learned.len(),
            learned: mean(learned),
            usual: mean(usual),
            gain: paired_bootstrap(learned, usual, seed),
            serving,
            serving_gain: serving.map(|serving| serving - mean(usual)),
        }
    }

    /// Whether it is surely better than the usual order.
    pub fn is_surely_better(&self) -> bool {
        self.gain.low > 0.0
    }

    /// Whether there is an order in service that is no longer better than the usual one.
    pub fn is_serving_outdated(&self) -> bool {
        self.serving_gain.is_some_and(|gain| gain <= 0.0)
    }
}
