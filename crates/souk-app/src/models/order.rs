//! What a model says of an order that it learned beside its recipe, and how that is stored.

use serde::Deserialize;
use serde_json::{Value, json};
use souk_recommend::Rests;
use souk_recommend::evaluate::bootstrap::Difference;
use souk_recommend::evaluate::verdict::OrderVerdict;

use super::breaks::Breaks;
use super::{ModelState, WORSE_MAX};

/// What a model says of an order.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ModelOrder {
    /// Whether what was learned is what the model orders by; else it orders as the model before.
    pub state: ModelState,
    /// How good the learned order was where nobody had taught it.
    pub verdict: OrderVerdict,
    /// How many trees were learned.
    pub n_trees: usize,
}

impl ModelOrder {
    pub(super) fn of(verdict: OrderVerdict, n_trees: usize) -> ModelOrder {
        ModelOrder { state: judge(&verdict), verdict, n_trees }
    }

    /// As it is stored; each part has names of its own for what was learned and for what a shop begins with.
    pub(super) fn to_row(self, [learned, usual]: [&str; 2]) -> Value {
        let ModelOrder { state, verdict, n_trees } = self;
        let mut row = json!({
            "state": state,
            "n_trees": n_trees,
            "n_judges": verdict.n_judges,
            (learned): verdict.learned,
            (usual): verdict.usual,
            "gain": verdict.gain.mean,
            "gain_low": verdict.gain.low,
            "gain_high": verdict.gain.high,
            "serving": verdict.serving,
        });
        // Rows of older programs have none.
        if let Some(gain) = verdict.serving_gain {
            row["serving_gain"] = gain.into();
        }
        row
    }

    /// Reads what [`ModelOrder::to_row`] wrote by the same names.
    pub(super) fn of_row(row: &Value, [learned, usual]: [&str; 2]) -> Option<ModelOrder> {
        let figure = |name: &str| row[name].as_f64();
        let number = |name: &str| usize::try_from(row[name].as_u64()?).ok();
        let n_judges = number("n_judges")?;
        let (mean, low, high) = (figure("gain")?, figure("gain_low")?, figure("gain_high")?);
        let verdict = OrderVerdict {
            n_judges,
            learned: figure(learned)?,
            usual: figure(usual)?,
            gain: Difference { mean, low, high, n: n_judges },
            serving: figure("serving"),
            serving_gain: figure("serving_gain"),
        };
        let state = ModelState::deserialize(&row["state"]).ok()?;
        Some(ModelOrder { state, verdict, n_trees: number("n_trees")? })
    }
}

/// Whether an order may serve: surely better than the one a shop begins with, and no worse than the one before, as long
/// as that is itself better than what a shop begins with.
fn judge(verdict: &OrderVerdict) -> ModelState {
    let is_no_worse = |serving: f64| verdict.learned >= serving * (1.0 - WORSE_MAX);
    let is_outdated = verdict.is_serving_outdated();
    let may_replace = is_outdated || verdict.serving.is_none_or(is_no_worse);
    match (verdict.is_surely_better() && may_replace, is_outdated) {
        (true, _) => ModelState::Accepted,
        (false, true) => ModelState::Withdrawn,
        (false, false) => ModelState::Refused,
    }
}

/// Learns something with rests, so that answers come first.
pub(super) fn resting<T>(learn: impl FnOnce(Rests<'_>) -> T) -> T {
    let breaks = Breaks::new();
    let rest = || breaks.take(std::thread::sleep);
    learn(Rests::by(&rest))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn verdict(low: f64, serving: Option<f64>) -> OrderVerdict {
        let gain = Difference { mean: 0.01, low, high: 0.02, n: 100 };
        let serving_gain = serving.map(|serving| serving - 0.19);
        OrderVerdict { n_judges: 100, learned: 0.20, usual: 0.19, gain, serving, serving_gain }
    }

    #[test]
    fn an_order_serves_when_it_is_surely_better_and_no_worse_than_before() {
        assert_eq!(judge(&verdict(0.001, None)), ModelState::Accepted);
        assert_eq!(judge(&verdict(0.0, None)), ModelState::Refused, "it may be luck");
        assert_eq!(judge(&verdict(-0.001, None)), ModelState::Refused);
        assert_eq!(judge(&verdict(0.001, Some(0.201))), ModelState::Accepted);
        assert_eq!(judge(&verdict(0.001, Some(0.21))), ModelState::Refused);
    }

    #[test]
    fn an_order_that_is_no_longer_better_than_what_a_shop_begins_with_goes() {
        assert_eq!(judge(&verdict(-0.001, Some(0.19))), ModelState::Withdrawn);
        assert_eq!(judge(&verdict(-0.001, Some(0.191))), ModelState::Refused, "it stays");
        // Whether it would be better by what it may have by chance does not keep a better one out.
        let outdated = OrderVerdict { serving_gain: Some(-0.01), ..verdict(0.001, Some(0.21)) };
        assert_eq!(judge(&outdated), ModelState::Accepted);
    }

    #[test]
    fn what_is_said_of_the_order_in_service_is_on_record() {
        let names = ["learned", "usual"];
        let order = ModelOrder::of(verdict(-0.001, Some(0.18)), 7);
        assert_eq!(order.state, ModelState::Withdrawn);
        assert_eq!(ModelOrder::of_row(&order.to_row(names), names), Some(order));
    }

    #[test]
    fn a_row_of_an_older_program_is_read_and_written_as_it_was() {
        let names = ["mixture", "reading"];
        let text = r#"{"gain":0.01,"gain_high":0.02,"gain_low":0.001,"mixture":0.2,"n_judges":100,"n_trees":7,"reading":0.19,"serving":null,"state":"accepted"}"#;
        let row: Value = serde_json::from_str(text).unwrap();
        let read = ModelOrder::of_row(&row, names).unwrap();
        assert_eq!(read, ModelOrder::of(verdict(0.001, None), 7));
        assert_eq!(read.to_row(names), row);
        assert_eq!(ModelOrder::of_row(&row, ["trees", "weighted_sum"]), None);
    }
}
