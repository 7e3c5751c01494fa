//! What the rules that hold do with one product.

use super::bits::numbers;
use super::held::{Deed, HeldWord};
use super::row::RuleRow;
use super::set::{ActiveRules, RuleNo, RuleSet};
use super::{BOOST_MAX, RuleAction};

/// Rows that are fetched at once: they fit into the memory that is nearest to a processor.
const ROWS_AT_ONCE: usize = 32;
/// The number of no rule.
const NO_RULE: u32 = u32::MAX;

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
    /// What the rules that hold do with the products of these rows, each as [`RuleSet::effect`] says it.
    ///
    /// Rows lie all over memory. Those of a handful are looked into before any is read, so that the processor
    /// fetches all of them at once instead of waiting for each.
    pub fn effects(
        &self,
        (active, rows): (&ActiveRules, &[&RuleRow]),
        pins: &mut Vec<PinHit>,
    ) -> Vec<Effect> {
        let mut effects = vec![active.base; rows.len()];
        let parts = rows.chunks(ROWS_AT_ONCE).zip(effects.chunks_mut(ROWS_AT_ONCE));
        for (part, (rows, effects)) in (0..).zip(parts) {
            std::hint::black_box(rows.iter().fold(0, |all, row| all ^ row.fetch()));
            self.add_all((active, rows), effects, (part * ROWS_AT_ONCE as u32, pins));
        }
        effects
    }

    /// What the rules that hold do with the product of this row. Pins that mean it are added to `pins` as
    /// hits of `candidate`.
    pub fn effect(
        &self,
        (active, row): (&ActiveRules, &RuleRow),
        candidate: u32,
        pins: &mut Vec<PinHit>,
    ) -> Effect {
        let mut effects = [active.base];
        self.add_all((active, &[row]), &mut effects, (candidate, pins));
        effects[0]
    }

    /// Adds what is not the same for all products; `first` is the number of the first candidate.
    fn add_all(
        &self,
        (active, rows): (&ActiveRules, &[&RuleRow]),
        effects: &mut [Effect],
        (first, pins): (u32, &mut Vec<PinHit>),
    ) {
        for held in &active.words {
            self.add_word((active, held), (rows, effects), (first, pins));
        }
        for (candidate, (row, effect)) in (first..).zip(rows.iter().zip(effects)) {
            self.add_narrow(effect, (active, row), (candidate, pins));
        }
    }

    /// Adds broad rules that all do the same kind of thing and stand in the order in which they win.
    fn add_word(
        &self,
        (active, held): (&ActiveRules, &HeldWord),
        (rows, effects): (&[&RuleRow], &mut [Effect]),
        (first, pins): (u32, &mut Vec<PinHit>),
    ) {
        let word = held.word as usize;
        let hits = rows.iter().map(|row| row.word(word) & held.mask);
        let each = hits.zip(effects);
        let best = |hits: u64| numbers(word, hits).next().map(RuleNo);
        let bits =
            |hits: u64| numbers(word, hits).fold(0, |all, rule| all | self.slot_bit(active, rule));
        match held.deed {
            Deed::Pin => {
                for (candidate, (hits, _)) in (first..).zip(each) {
                    let hits = numbers(word, hits);
                    pins.extend(hits.map(|rule| PinHit { rule: RuleNo(rule), candidate }));
                }
            }
            Deed::Bury => each.for_each(|(hits, effect)| self.bury(effect, best(hits))),
            Deed::Hide => each.for_each(|(hits, effect)| self.hide(effect, best(hits))),
            Deed::ExcludeBought => {
                each.for_each(|(hits, effect)| self.exclude_bought(effect, best(hits)));
            }
            Deed::Boost => each.for_each(|(hits, effect)| effect.boost *= held.product(hits)),
            Deed::Margin => each.for_each(|(hits, effect)| effect.margin += held.sum(hits)),
            Deed::Stock => each.for_each(|(hits, effect)| effect.stock += held.sum(hits)),
            Deed::Reserve => each.for_each(|(hits, effect)| effect.reserves |= bits(hits)),
            Deed::Cap => each.for_each(|(hits, effect)| effect.caps |= bits(hits)),
            Deed::Message => {}
        }
    }

    /// Adds the narrow rules of a row that hold, and ends the sums; those of one kind stand in the order in which they
    /// win. Nothing is asked of a rule on the way: what it does and whether it holds are as good as chance, and a
    /// processor that guesses wrong loses more than sums for every kind of thing cost.
    fn add_narrow(
        &self,
        effect: &mut Effect,
        (active, row): (&ActiveRules, &RuleRow),
        (candidate, pins): (u32, &mut Vec<PinHit>),
    ) {
        let (mut firsts, mut sums) = ([NO_RULE; Deed::N], [0.0; Deed::N]);
        let (mut products, mut bits) = ([1.0; Deed::N], [0; Deed::N]);
        for &rule in row.narrow() {
            let is_held = self.is_held(active, rule);
            let (deed, amount) = self.doing(rule);
            let at = deed as usize;
            firsts[at] = firsts[at].min(if is_held { rule } else { NO_RULE });
            sums[at] += if is_held { amount } else { 0.0 };
            products[at] *= if is_held { amount } else { 1.0 };
            bits[at] |= self.slot_bit(active, rule);
        }
        effect.boost *= products[Deed::Boost as usize];
        effect.margin = (effect.margin + sums[Deed::Margin as usize]).min(1.0);
        effect.stock = (effect.stock + sums[Deed::Stock as usize]).min(1.0);
        effect.reserves |= bits[Deed::Reserve as usize];
        effect.caps |= bits[Deed::Cap as usize];
        let first = |deed: Deed| Some(firsts[deed as usize]).filter(|rule| *rule != NO_RULE);
        self.bury(effect, first(Deed::Bury).map(RuleNo));
        self.hide(effect, first(Deed::Hide).map(RuleNo));
        self.exclude_bought(effect, first(Deed::ExcludeBought).map(RuleNo));
        if first(Deed::Pin).is_some() {
            let is_pin = |rule: &&u32| self.doing(**rule).0 == Deed::Pin;
            let held =
                row.narrow().iter().filter(is_pin).filter(|rule| self.is_held(active, **rule));
            pins.extend(held.map(|rule| PinHit { rule: RuleNo(*rule), candidate }));
        }
    }

    /// The bit of a reserved share or cap that holds among those that count; none for any other rule.
    fn slot_bit(&self, active: &ActiveRules, rule: u32) -> u64 {
        let slot = active.slots.get(rule as usize).map_or(u32::MAX, |slot| u32::from(*slot));
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

    /// Adds one rule that is no pin.
    fn add(&self, effect: &mut Effect, active: &ActiveRules, (rule, action): (RuleNo, RuleAction)) {
        let bit = || self.slot_bit(active, rule.0);
        match action {
            RuleAction::Pin { .. } | RuleAction::Redirect | RuleAction::Banner => {}
            RuleAction::Boost { factor } => effect.boost *= factor,
            RuleAction::Bury => self.bury(effect, Some(rule)),
            RuleAction::Hide => self.hide(effect, Some(rule)),
            RuleAction::Reserve { .. } => effect.reserves |= bit(),
            RuleAction::Cap { .. } => effect.caps |= bit(),
            RuleAction::ExcludeBought { .. } => self.exclude_bought(effect, Some(rule)),
            RuleAction::Margin { weight } => effect.margin = (effect.margin + weight).min(1.0),
            RuleAction::Stock { weight } => effect.stock = (effect.stock + weight).min(1.0),
        }
    }

    fn bury(&self, effect: &mut Effect, rule: Option<RuleNo>) {
        effect.buried_by = self.first(effect.buried_by, rule);
    }

    fn hide(&self, effect: &mut Effect, rule: Option<RuleNo>) {
        effect.hidden_by = self.first(effect.hidden_by, rule);
    }

    fn exclude_bought(&self, effect: &mut Effect, rule: Option<RuleNo>) {
        let Some(rule) = rule else { return };
        let RuleAction::ExcludeBought { days } = self.action(rule) else { return };
        let is_stronger = effect.bought.is_none_or(|(longest, by)| {
            days > longest || days == longest && self.precedence(rule) < self.precedence(by)
        });
        if is_stronger {
            effect.bought = Some((days, rule));
        }
    }

    /// Of two rules that do the same, the one that is named for it.
    fn first(&self, known: Option<RuleNo>, rule: Option<RuleNo>) -> Option<RuleNo> {
        match (known, rule) {
            (Some(known), Some(rule)) if self.precedence(rule) < self.precedence(known) => {
                Some(rule)
            }
            (Some(known), _) => Some(known),
            (None, rule) => rule,
        }
    }
}
