//! What is said of a learned order by those who did not teach it.

use super::bootstrap::Difference;

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
}

impl OrderVerdict {
    /// Whether it is surely better than the usual order.
    pub fn is_surely_better(&self) -> bool {
        self.gain.low > 0.0
    }
}
