//! What the rules that hold do with one product.

use super::bits::numbers;
use super::row::RuleRow;
use super::set::{ActiveRules, RuleNo, RuleSet};
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

impl Default for Effect {
    fn default() -> Effect {
        Effect::NONE
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
        let mut effect = active.base;
        for &(word, kind) in &active.words {
            let hits = self.word_hits((active, row), word);
            if hits == 0 {
                continue;
            }
            let rules = numbers(word as usize, hits);
            match kind {
                RuleAction::Pin { .. } => {
                    pins.extend(rules.map(|rule| PinHit { rule: RuleNo(rule), candidate }));
                }
                _ => self.add_word(&mut effect, (active, kind), rules),
            }
        }
        self.each_span(row, |kind, rules| match kind {
            RuleAction::Pin { .. } => {
                let held = rules.iter().filter(|rule| self.is_held(active, **rule));
                pins.extend(held.map(|rule| PinHit { rule: RuleNo(*rule), candidate }));
            }
            _ => self.add_span(&mut effect, (active, kind), rules),
        });
        effect
    }

    /// Adds the narrow rules of a row that hold, of those that all do the same kind of thing and stand in the order
    /// in which they win. Numbers are taken in without asking whether a rule holds: one in four does, at random,
    /// and a processor that guesses wrong loses more than the sum costs.
    fn add_span(
        &self,
        effect: &mut Effect,
        (active, kind): (&ActiveRules, RuleAction),
        rules: &[u32],
    ) {
        let held = |rule: u32| self.is_held(active, rule);
        let sum = |from: f32| {
            let weight = |rule: &u32| if held(*rule) { self.amount(*rule) } else { 0.0 };
            rules.iter().fold(from, |all, rule| all + weight(rule)).min(1.0)
        };
        let bits = || {
            let bit = |rule: &u32| u64::from(held(*rule)) * self.slot_bit(active, *rule);
            rules.iter().fold(0, |all, rule| all | bit(rule))
        };
        match kind {
            RuleAction::Pin { .. } | RuleAction::Redirect | RuleAction::Banner => {}
            RuleAction::Hide | RuleAction::Bury | RuleAction::ExcludeBought { .. } => {
                if let Some(rule) = rules.iter().copied().find(|rule| held(*rule)).map(RuleNo) {
                    self.add(effect, active, (rule, self.action(rule)));
                }
            }
            RuleAction::Boost { .. } => {
                let factor = |rule: &u32| if held(*rule) { self.amount(*rule) } else { 1.0 };
                effect.boost = rules.iter().fold(effect.boost, |all, rule| all * factor(rule));
            }
            RuleAction::Margin { .. } => effect.margin = sum(effect.margin),
            RuleAction::Stock { .. } => effect.stock = sum(effect.stock),
            RuleAction::Reserve { .. } if active.reserves.is_empty() => {}
            RuleAction::Reserve { .. } => effect.reserves |= bits(),
            RuleAction::Cap { .. } if active.caps.is_empty() => {}
            RuleAction::Cap { .. } => effect.caps |= bits(),
        }
    }

    /// The bit of a reserved share or cap among those that count; none for one that does not.
    fn slot_bit(&self, active: &ActiveRules, rule: u32) -> u64 {
        let slot = u32::from(active.slots[rule as usize]);
        u64::from(slot < u64::BITS) << (slot % u64::BITS)
    }

    /// What the rules for all products do.
    pub(super) fn base(&self, active: &ActiveRules) -> Effect {
        let mut effect = Effect::NONE;
        for rule in self.common_hits(active) {
            self.add(&mut effect, active, (rule, self.action(rule)));
        }
        effect
    }

    /// Adds broad rules that all do the same kind of thing and stand in the order in which they win.
    fn add_word(
        &self,
        effect: &mut Effect,
        (active, kind): (&ActiveRules, RuleAction),
        mut rules: impl Iterator<Item = u32>,
    ) {
        let bit = |rule: u32| self.slot_bit(active, rule);
        match kind {
            RuleAction::Pin { .. } | RuleAction::Redirect | RuleAction::Banner => {}
            RuleAction::Hide | RuleAction::Bury | RuleAction::ExcludeBought { .. } => {
                if let Some(rule) = rules.next().map(RuleNo) {
                    self.add(effect, active, (rule, self.action(rule)));
                }
            }
            RuleAction::Boost { .. } => {
                effect.boost = rules.fold(effect.boost, |all, rule| all * self.amount(rule));
            }
            RuleAction::Margin { .. } => {
                let sum = rules.fold(effect.margin, |all, rule| all + self.amount(rule));
                effect.margin = sum.min(1.0);
            }
            RuleAction::Stock { .. } => {
                let sum = rules.fold(effect.stock, |all, rule| all + self.amount(rule));
                effect.stock = sum.min(1.0);
            }
            RuleAction::Reserve { .. } => {
                effect.reserves = rules.fold(effect.reserves, |all, rule| all | bit(rule));
            }
            RuleAction::Cap { .. } => {
                effect.caps = rules.fold(effect.caps, |all, rule| all | bit(rule));
            }
        }
    }

    /// Adds one rule that is no pin.
    fn add(&self, effect: &mut Effect, active: &ActiveRules, (rule, action): (RuleNo, RuleAction)) {
        let bit = || self.slot_bit(active, rule.0);
        match action {
            RuleAction::Pin { .. } | RuleAction::Redirect | RuleAction::Banner => {}
            RuleAction::Boost { factor } => effect.boost *= factor,
            RuleAction::Bury => effect.buried_by = self.first(effect.buried_by, rule),
            RuleAction::Hide => effect.hidden_by = self.first(effect.hidden_by, rule),
            RuleAction::Reserve { .. } => effect.reserves |= bit(),
            RuleAction::Cap { .. } => effect.caps |= bit(),
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
        }
    }

    /// Of two rules that do the same, the one that is named for it.
    fn first(&self, known: Option<RuleNo>, rule: RuleNo) -> Option<RuleNo> {
        match known {
            Some(known) if self.precedence(known) <= self.precedence(rule) => Some(known),
            _ => Some(rule),
        }
    }
}
