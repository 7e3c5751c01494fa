//! What a shopper buys again and again, the most habitual first.
//!
//! Only items that the shopper bought before, from that shopper's baskets alone: it needs no other
//! shopper, no market and no model. *Not* a forecast of the whole next basket: that is
//! [`next_basket`](crate::next_basket), which also knows what is new to the shopper.

use crate::next_basket::Basket;
use crate::numbering::Numbering;
use crate::types::{Evidence, Item, Score, Scored, rank};

#[cfg(test)]
mod tests;

const DAY_MS: f32 = 86_400_000.0;

/// What to rank.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BuyAgainParams {
    /// How many items at most.
    pub limit: usize,
    /// After how many days a purchase weighs half in the frequency.
    pub frequency_half_life_days: f32,
    /// After how many days it weighs half in the deliberateness, which looks at small baskets.
    pub deliberate_half_life_days: f32,
}

impl Default for BuyAgainParams {
    /// The half-lives were best on validation, together, among 30, 60 and 120 days.
    fn default() -> BuyAgainParams {
        BuyAgainParams {
            limit: 20,
            frequency_half_life_days: 120.0,
            deliberate_half_life_days: 60.0,
        }
    }
}

/// Working memory of [`buy_again`]; reused between queries, one per thread.
#[derive(Clone, Debug, Default)]
pub struct BuyAgainScratch {
    numbering: Numbering,
    habits: Vec<Habit>,
}

#[derive(Clone, Copy, Debug)]
struct Habit {
    item: Item,
    frequency: f32,
    deliberate: f32,
    n: u32,
}

/// Ranks the items of `baskets` (oldest first) by frequency × deliberateness as of `now`.
///
/// Frequency is the sum over the baskets with the item of 2^(-age / half-life); deliberateness is the
/// same sum with its own half-life and each basket divided by the root of its size, because what
/// someone fetches in a basket of two was on their mind. Decayed personal frequency is the strongest
/// single signal of the next basket (Hu et al., SIGIR 2020; Faggioli et al., UMAP 2020); the
/// product with the second sum was chosen on validation. Baskets after `now` do not count.
/// Evidence: in how many baskets the item was.
pub fn buy_again(
    baskets: &[Basket],
    now: i64,
    params: &BuyAgainParams,
    scratch: &mut BuyAgainScratch,
) -> Vec<Scored> {
    let BuyAgainScratch { numbering, habits } = scratch;
    numbering.clear();
    habits.clear();
    for basket in baskets.iter().rev().skip_while(|basket| basket.time > now) {
        let days = now.saturating_sub(basket.time) as f32 / DAY_MS;
        let frequency = (-days / params.frequency_half_life_days).exp2();
        let deliberate = (-days / params.deliberate_half_life_days).exp2()
            / (basket.items().len() as f32).sqrt();
        for &item in basket.items() {
            let at = numbering.number(item.0);
            if at == habits.len() {
                habits.push(Habit { item, frequency: 0.0, deliberate: 0.0, n: 0 });
            }
            let habit = &mut habits[at];
            habit.frequency += frequency;
            habit.deliberate += deliberate;
            habit.n += 1;
        }
    }
    let scored = habits.iter().map(|habit| Scored {
        item: habit.item,
        score: Score::new(habit.frequency * habit.deliberate),
        evidence: Evidence { items: Vec::new(), support: habit.n },
    });
    rank(scored.collect(), params.limit)
}
