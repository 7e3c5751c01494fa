//! What the rules that hold do with one product.

use super::set::{ActiveRules, RuleNo, RuleRow, RuleSet};
use super::{BOOST_MAX, RuleAction};

/// A pin that means a candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PinHit {
    /// The pin.
    pub rule: RuleNo,
    /// The candidate's place in the list of candidates.
    pub candidate: u32,
}

/// What the rules that hold do with one product.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Effect {
    /// The rule that takes it out for everybody.
    pub hidden_by: Option<RuleNo>,
    /// The rule that takes it out for whom bought it within so many days; of several the longest.
    pub bought: Option<(u16, RuleNo)>,
    /// The rule that puts it behind all others.
    pub buried_by: Option<RuleNo>,
    /// By what its weight is multiplied.
    pub boost: f32,
    /// How much its margin counts, 0 to 1.
    pub margin: f32,
    /// How much its stock counts, 0 to 1.
    pub stock: f32,
    /// Which reserved shares it can fill, by their place among those that hold.
    pub reserves: u64,
    /// Which caps count it, likewise.
    pub caps: u64,
}

impl Effect {
    /// No rule means the product.
    pub const NONE: Effect = Effect {
        hidden_by: None,
        bought: None,
        buried_by: None,
        boost: 1.0,
        margin: 0.0,
        stock: 0.0,
        reserves: 0,
        caps: 0,
    };

    /// By what the boosts together multiply its weight, within bounds.
    pub(super) fn bounded_boost(&self) -> f32 {
        self.boost.clamp(1.0 / BOOST_MAX, BOOST_MAX)
    }
}

impl RuleSet {
    /// What the rules that hold do with the product of this row. Pins that mean it are added to `pins` as
    /// hits of `candidate`.
    pub fn effect(
        &self,
        (active, row): (&ActiveRules, &RuleRow),
        candidate: u32,
        pins: &mut Vec<PinHit>,
    ) -> Effect {
        let mut effect = Effect::NONE;
        self.each_touching(active, row, |rule| match self.action(rule) {
            RuleAction::Pin { .. } => pins.push(PinHit { rule, candidate }),
            RuleAction::Boost { factor } => effect.boost *= factor,
            RuleAction::Bury => effect.buried_by = self.first(effect.buried_by, rule),
            RuleAction::Hide => effect.hidden_by = self.first(effect.hidden_by, rule),
            RuleAction::Reserve { .. } => {
                effect.reserves |= ActiveRules::bit(&active.reserves, rule)
            }
            RuleAction::Cap { .. } => effect.caps |= ActiveRules::bit(&active.caps, rule),
            RuleAction::ExcludeBought { days } => {
                let is_stronger = effect.bought.is_none_or(|(longest, by)| {
                    days > longest || days == longest && self.precedence(rule) < self.precedence(by)
                });
                if is_stronger {
                    effect.bought = Some((days, rule));
                }
            }
            RuleAction::Margin { weight } => effect.margin = (effect.margin + weight).min(1.0),
            RuleAction::Stock { weight } => effect.stock = (effect.stock + weight).min(1.0),
        });
        effect
    }

    /// Of two rules that do the same, the one that is named for it.
    fn first(&self, known: Option<RuleNo>, rule: RuleNo) -> Option<RuleNo> {
        match known {
            Some(known) if self.precedence(known) <= self.precedence(rule) => Some(known),
            _ => Some(rule),
        }
    }
}
