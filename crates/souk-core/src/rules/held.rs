//! Broad rules that hold for a request, a word of bits at a time; and kinds of actions in one byte.

use super::RuleAction;
use super::bits::numbers;

/// Bits whose amounts are joined beforehand: every choice of four is looked up instead of summed.
const GROUP: usize = 4;
const CHOICES: usize = 1 << GROUP;

/// A kind of action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Deed {
    Pin,
    Boost,
    Bury,
    Hide,
    Reserve,
    Cap,
    ExcludeBought,
    Margin,
    Stock,
    /// Says something above the hits, and does nothing to products.
    Message,
}

impl Deed {
    /// How many kinds there are.
    pub(super) const N: usize = 10;

    pub(super) fn of(action: RuleAction) -> Deed {
        match action {
            RuleAction::Pin { .. } => Deed::Pin,
            RuleAction::Boost { .. } => Deed::Boost,
            RuleAction::Bury => Deed::Bury,
            RuleAction::Hide => Deed::Hide,
            RuleAction::Reserve { .. } => Deed::Reserve,
            RuleAction::Cap { .. } => Deed::Cap,
            RuleAction::ExcludeBought { .. } => Deed::ExcludeBought,
            RuleAction::Margin { .. } => Deed::Margin,
            RuleAction::Stock { .. } => Deed::Stock,
            RuleAction::Redirect | RuleAction::Banner => Deed::Message,
        }
    }
}

/// Rules of one kind of action that hold, as the bits of one word.
#[derive(Clone, Debug)]
pub(super) struct HeldWord {
    /// Which word of a row.
    pub(super) word: u32,
    /// The rules that hold and have an effect.
    pub(super) mask: u64,
    /// What all of them do.
    pub(super) deed: Deed,
    /// By group of four bits: what each choice of its rules amounts to; empty where rules have no amount.
    joined: Vec<[f32; CHOICES]>,
}

impl HeldWord {
    /// Rules whose amounts are given by their number.
    pub(super) fn new(
        (word, mask): (u32, u64),
        deed: Deed,
        amount: impl Fn(u32) -> f32,
    ) -> HeldWord {
        let (none, join): (f32, fn(f32, f32) -> f32) = match deed {
            Deed::Boost => (1.0, |a, b| a * b),
            Deed::Margin | Deed::Stock => (0.0, |a, b| a + b),
            _ => return HeldWord { word, mask, deed, joined: Vec::new() },
        };
        let n_groups = (u64::BITS - mask.leading_zeros()).div_ceil(GROUP as u32) as usize;
        let mut joined = vec![[none; CHOICES]; n_groups];
        for number in numbers(0, mask) {
            let (group, bit) = (number as usize / GROUP, number as usize % GROUP);
            let by = amount(word * u64::BITS + number);
            for choice in (0..CHOICES).filter(|choice| choice >> bit & 1 == 1) {
                joined[group][choice] = join(joined[group][choice], by);
            }
        }
        HeldWord { word, mask, deed, joined }
    }

    /// The amounts of these rules multiplied.
    pub(super) fn product(&self, hits: u64) -> f32 {
        self.chosen(hits).fold(1.0, |all, amount| all * amount)
    }

    /// The amounts of these rules together.
    pub(super) fn sum(&self, hits: u64) -> f32 {
        self.chosen(hits).fold(0.0, |all, amount| all + amount)
    }

    fn chosen(&self, mut hits: u64) -> impl Iterator<Item = f32> {
        self.joined.iter().map(move |choices| {
            let amount = choices[hits as usize % CHOICES];
            hits >>= GROUP;
            amount
        })
    }
}
