//! What is wanted, and what its buyers buy besides.

use crate::next_basket::BasketVectors;
use crate::types::Item;

/// Other products that speak for a wish; chosen: beyond, each says next to nothing.
const KIN_MAX: usize = 100;
/// Buyers of both below which two products have nothing to do with each other.
const BOTH_MIN: u32 = 5;
/// Buyers of the wanted that are asked what they buy besides; chosen.
const BUYERS_MAX: usize = 2_000;

/// A product or several of which any will do.
#[derive(Clone, Debug, PartialEq)]
pub struct Wanted {
    /// By item: how much it speaks for the wish; infinite for the wanted themselves, 0 for most.
    weights: Vec<f32>,
    /// Whether any of them is known at all.
    pub n_buyers: usize,
}

impl Wanted {
    /// Any of these items, beside what everybody bought.
    ///
    /// Another product speaks for it by the logarithm of how many times as often its buyers buy that one
    /// as all buyers do.
    pub fn of(items: &[Item], vectors: &BasketVectors) -> Wanted {
        let n_items = vectors.n_items();
        let n_items = items.iter().map(|item| item.0 as usize + 1).fold(n_items, usize::max);
        let mut weights = vec![0.0_f32; n_items];
        let mut buyers: Vec<_> =
            items.iter().flat_map(|item| vectors.buyers(*item)).map(|(buyer, _)| *buyer).collect();
        buyers.sort_unstable();
        buyers.dedup();
        let n_buyers = buyers.len();
        // Spread over all of them, so that it does not matter who has the small numbers.
        let step = n_buyers.div_ceil(BUYERS_MAX).max(1);
        let asked = buyers.iter().step_by(step);
        let n_asked = asked.clone().count();
        let mut both = vec![0_u32; n_items];
        for buyer in asked {
            let bought = vectors.purchases(*buyer).into_iter().flat_map(|own| &own.counts);
            bought.for_each(|(item, _)| both[item.0 as usize] += 1);
        }
        let n_all = vectors.n_buyers().max(1) as f32;
        let kin =
            both.iter().enumerate().filter(|(_, n)| **n >= BOTH_MIN).filter_map(|(idx, &n)| {
                let n_other = vectors.buyers(Item(idx as u32)).len() as f32;
                let lift = (n as f32 / n_asked as f32) / (n_other / n_all);
                (lift > 1.0).then(|| (idx, lift.ln(), n as f32 * lift.ln()))
            });
        let mut kin: Vec<(usize, f32, f32)> = kin.collect();
        kin.sort_unstable_by(|a, b| b.2.total_cmp(&a.2).then(a.0.cmp(&b.0)));
        kin.truncate(KIN_MAX);
        kin.iter().for_each(|(idx, weight, _)| weights[*idx] = *weight);
        items.iter().for_each(|item| weights[item.0 as usize] = f32::INFINITY);
        Wanted { weights, n_buyers }
    }

    /// Whether an item is one of the wanted.
    pub fn is_wanted(&self, item: Item) -> bool {
        self.weights.get(item.0 as usize).is_some_and(|weight| weight.is_infinite())
    }

    /// Whether a basket holds any of the wanted, and how much the others in it speak for it.
    pub(super) fn met_in(&self, items: &[Item]) -> (bool, f64) {
        let (mut is_there, mut kin) = (false, 0.0);
        for item in items {
            match self.weights.get(item.0 as usize) {
                Some(weight) if weight.is_infinite() => is_there = true,
                Some(weight) => kin += f64::from(*weight),
                None => {}
            }
        }
        (is_there, kin)
    }
}
