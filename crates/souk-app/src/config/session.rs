use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use souk_recommend::session::{EVENTS_MAX, RepeatParams, SecondStep, SessionParams};

/// How a running visit is read, and which earlier visits speak for what comes next. `souk tune sessions` chooses all
/// of it on a shop's own visits; what each number does is told at [`SessionParams`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SessionSettings {
    /// The last products of the visit that are read.
    pub events: usize,
    /// The most recent earlier visits of each of them that may speak.
    pub visits_per_product: usize,
    /// The most similar of those that do.
    pub neighbours: usize,
    /// Steps of the visit after which a product weighs 1/e.
    pub position_decay: f64,
    /// Days after which an earlier visit weighs 1/e.
    pub recency_days: f64,
    /// An earlier visit of n products weighs n to the minus this.
    pub length_exponent: f64,
    /// What few visits hold weighs more by this exponent.
    pub rarity_exponent: f64,
    /// Steps of an earlier visit after the match in which weights fall to 1/e.
    pub ahead_decay: f64,
    /// The same for steps before the match.
    pub behind_decay: f64,
    /// What those before weigh beside those after.
    pub behind_weight: f64,
    /// The score of a product of n visits is multiplied by n to the minus this.
    pub popularity_exponent: f64,
    /// The step from what was found to what shares visits with it.
    pub second_step: SecondStepSettings,
    /// Products that the visit has had already.
    pub returns: ReturnSettings,
}

/// The step from what was found to what shares visits with it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SecondStepSettings {
    /// How many of the best products go on; 0 switches the step off.
    pub products: usize,
    /// The most recent visits of each.
    pub visits: usize,
    /// What the step weighs.
    pub weight: f64,
}

/// Products that the visit has had already.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ReturnSettings {
    /// How much of their score from earlier visits is kept.
    pub kept: f64,
    /// The score of the product before the present one, in units of the best new one.
    pub prior: f64,
    /// Steps back after which that is 1/e.
    pub decay: f64,
    /// What each step from the product to the present one adds.
    pub lead_gain: f64,
    /// How much a visit's own share of returns counts.
    pub habit: f64,
}

/// Earlier visits that are read at most; above, an answer takes longer than it may.
const VISITS_MAX: usize = 10_000;
/// The largest number that any weight or decay may be.
const NUMBER_MAX: f64 = 1e6;

impl Default for SessionSettings {
    fn default() -> SessionSettings {
        SessionSettings::from(SessionParams::default())
    }
}

impl Default for SecondStepSettings {
    fn default() -> SecondStepSettings {
        SessionSettings::default().second_step
    }
}

impl Default for ReturnSettings {
    fn default() -> ReturnSettings {
        SessionSettings::default().returns
    }
}

impl From<SessionParams> for SessionSettings {
    fn from(params: SessionParams) -> SessionSettings {
        let SecondStep { items, visits, weight } = params.second_step;
        let RepeatParams { kept, prior, decay, lead_gain, habit } = params.repeats;
        SessionSettings {
            events: params.events_max,
            visits_per_product: params.visits_per_item,
            neighbours: params.neighbours,
            position_decay: wide(params.position_decay),
            recency_days: wide(params.recency_days),
            length_exponent: wide(params.length_exponent),
            rarity_exponent: wide(params.rarity_exponent),
            ahead_decay: wide(params.ahead_decay),
            behind_decay: wide(params.behind_decay),
            behind_weight: wide(params.behind_weight),
            popularity_exponent: wide(params.popularity_exponent),
            second_step: SecondStepSettings { products: items, visits, weight: wide(weight) },
            returns: ReturnSettings {
                kept: wide(kept),
                prior: wide(prior),
                decay: wide(decay),
                lead_gain: wide(lead_gain),
                habit: wide(habit),
            },
        }
    }
}

/// The same number as people write it: 0.86, and not 0.8600000143.
fn wide(value: f32) -> f64 {
    value.to_string().parse().unwrap_or(f64::from(value))
}

impl SessionSettings {
    /// The settings as the engine takes them.
    pub fn params(&self) -> SessionParams {
        let SecondStepSettings { products, visits, weight } = self.second_step;
        let ReturnSettings { kept, prior, decay, lead_gain, habit } = self.returns;
        SessionParams {
            events_max: self.events,
            visits_per_item: self.visits_per_product,
            neighbours: self.neighbours,
            position_decay: self.position_decay as f32,
            recency_days: self.recency_days as f32,
            length_exponent: self.length_exponent as f32,
            rarity_exponent: self.rarity_exponent as f32,
            ahead_decay: self.ahead_decay as f32,
            behind_decay: self.behind_decay as f32,
            behind_weight: self.behind_weight as f32,
            popularity_exponent: self.popularity_exponent as f32,
            second_step: SecondStep { items: products, visits, weight: weight as f32 },
            repeats: RepeatParams {
                kept: kept as f32,
                prior: prior as f32,
                decay: decay as f32,
                lead_gain: lead_gain as f32,
                habit: habit as f32,
            },
        }
    }

    /// These settings alone, as a part of souk.yaml.
    pub fn to_yaml(&self) -> String {
        let part = BTreeMap::from([("recommendations", BTreeMap::from([("session", self)]))]);
        serde_yaml_ng::to_string(&part).expect("every setting is plain data")
    }

    /// # Errors
    ///
    /// The setting and what is wrong with it.
    pub(super) fn check(&self) -> Result<(), (&'static str, String)> {
        let counts = [
            ("recommendations.session.events", self.events, (1, EVENTS_MAX)),
            (
                "recommendations.session.visits_per_product",
                self.visits_per_product,
                (1, VISITS_MAX),
            ),
            ("recommendations.session.neighbours", self.neighbours, (1, VISITS_MAX)),
            ("recommendations.session.second_step.products", self.second_step.products, (0, 100)),
            ("recommendations.session.second_step.visits", self.second_step.visits, (0, 1_000)),
        ];
        for (setting, value, (least, most)) in counts {
            if !(least..=most).contains(&value) {
                return Err((setting, format!("{value} is not between {least} and {most}")));
            }
        }
        let returns = &self.returns;
        let numbers = [
            ("recommendations.session.position_decay", self.position_decay),
            ("recommendations.session.recency_days", self.recency_days),
            ("recommendations.session.length_exponent", self.length_exponent),
            ("recommendations.session.rarity_exponent", self.rarity_exponent),
            ("recommendations.session.ahead_decay", self.ahead_decay),
            ("recommendations.session.behind_decay", self.behind_decay),
            ("recommendations.session.behind_weight", self.behind_weight),
            ("recommendations.session.popularity_exponent", self.popularity_exponent),
            ("recommendations.session.second_step.weight", self.second_step.weight),
            ("recommendations.session.returns.kept", returns.kept),
            ("recommendations.session.returns.prior", returns.prior),
            ("recommendations.session.returns.decay", returns.decay),
            ("recommendations.session.returns.lead_gain", returns.lead_gain),
            ("recommendations.session.returns.habit", returns.habit),
        ];
        // A decay of 0 would divide by it.
        let least = |setting: &str| match setting.ends_with("decay") || setting.ends_with("_days") {
            true => 0.01,
            false => 0.0,
        };
        for (setting, value) in numbers {
            let least = least(setting);
            if !(least..=NUMBER_MAX).contains(&value) {
                return Err((setting, format!("{value} is not between {least} and {NUMBER_MAX}")));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::Config;

    #[test]
    fn settings_are_the_engines_and_come_back() {
        let params = SessionParams {
            neighbours: 77,
            ahead_decay: 2.5,
            second_step: SecondStep { items: 3, visits: 4, weight: 0.5 },
            ..SessionParams::default()
        };
        let settings = SessionSettings::from(params);
        assert_eq!(settings.params(), params);
        assert_eq!(SessionSettings::default().params(), SessionParams::default());
        let yaml = settings.to_yaml();
        let config: Config = serde_yaml_ng::from_str(&yaml).unwrap();
        assert_eq!(config.recommendations.session, settings);
        assert!(yaml.contains("position_decay: 0.86\n"), "as people write it: {yaml}");
    }

    #[test]
    fn what_no_engine_can_read_is_refused_by_name() {
        let refused =
            |settings: SessionSettings| settings.check().err().map(|(setting, _)| setting);
        let good = SessionSettings::default();
        assert_eq!(refused(good), None);
        let is = |setting, settings| assert_eq!(refused(settings), Some(setting));
        is("recommendations.session.events", SessionSettings { events: 0, ..good });
        is("recommendations.session.neighbours", SessionSettings { neighbours: 0, ..good });
        is("recommendations.session.recency_days", SessionSettings { recency_days: 0.0, ..good });
        is(
            "recommendations.session.ahead_decay",
            SessionSettings { ahead_decay: f64::NAN, ..good },
        );
        is(
            "recommendations.session.behind_weight",
            SessionSettings { behind_weight: -0.1, ..good },
        );
        let returns = ReturnSettings { habit: f64::INFINITY, ..good.returns };
        is("recommendations.session.returns.habit", SessionSettings { returns, ..good });
    }
}
