//! EASE^R: the linear model of all items on all items.

use super::scores::keep_best;
use super::tiles::Symmetric;
use super::{Histories, Scores, Source};
use crate::types::Item;
use serde::{Deserialize, Serialize};
use souk_math::parallel::for_chunks;

/// How the model is fitted.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct EaseParams {
    /// The ridge penalty λ: the larger, the more a pair must be seen to count.
    pub penalty: f32,
    /// A history of `n` items counts `n^-length_power`; 0 is the paper's model. The penalty is scaled by
    /// the mean of that weight over all events, so that both can be chosen apart.
    pub length_power: f32,
    /// Scores of an item with `n` takers are multiplied by `n^-to_power`; 0 is the paper's model.
    pub to_power: f32,
    /// How much each older item of the history counts relative to the next younger one, in 0..=1.
    pub recency: f32,
    /// How much more a pair counts that was taken one right after the other: a pair `n` places apart in
    /// a history counts `1 + nearness · exp(-n / reach)`; 0 is the paper's model.
    #[serde(default)]
    pub nearness: f32,
    /// Within how many places pairs count as near, above 0.
    #[serde(default = "reach")]
    pub reach: f32,
    /// Only this many items, the most taken, are modelled: the bound of memory (2 n² bytes while it
    /// fits) and of time (n³).
    pub items_max: usize,
    /// Weights kept per item, the largest by magnitude.
    pub kept_max: usize,
}

impl Default for EaseParams {
    /// λ = 500, the paper's for MovieLens-20M, and no notion of order; 20,000 items are 800 MB while it
    /// fits, and 1,000 weights lose nothing that a list of 100 could show (chosen).
    fn default() -> EaseParams {
        EaseParams {
            penalty: 500.0,
            length_power: 0.0,
            to_power: 0.0,
            recency: 1.0,
            nearness: 0.0,
            reach: reach(),
            items_max: 20_000,
            kept_max: 1_000,
        }
    }
}

fn reach() -> f32 {
    3.0
}

/// The weights with which items speak for each other, of which none speaks for itself.
///
/// With the Gram matrix `G = XᵀX` and `P = (G + λI)⁻¹`, `B_ij = -P_ij / P_jj` off the diagonal and 0 on it; a history
/// scores `j` by `Σᵢ B_ij`. With [`EaseParams::nearness`] the Gram matrix counts what was taken close together more; it stays
/// positive semidefinite, because `exp(-|n| / reach)` is a kernel. A new shopper's history is scored at once; a new item needs a `fit`. Forgetting
/// someone is complete with the next `fit`: a weight is no count that could be taken back.
///
/// Source: Steck, *Embarrassingly Shallow Autoencoders for Sparse Data*, WWW 2019, eq. 8.
#[derive(Clone, Debug, PartialEq)]
pub struct Ease {
    params: EaseParams,
    /// Ascending by item; `rows[i]` holds `B_ij · n(j)^-to_power`.
    rows: Vec<Vec<(Item, f32)>>,
}

impl Ease {
    /// Fits the model: the cube of the number of items in time.
    pub fn fit(histories: &Histories, params: EaseParams, threads: usize) -> Ease {
        let modelled = modelled(histories, params.items_max);
        // Where an item stands in the matrix.
        let mut places = vec![usize::MAX; histories.n_items()];
        for (place, item) in modelled.iter().enumerate() {
            places[item.0 as usize] = place;
        }
        let mut gram = gram(histories, (&modelled, &places), params);
        let penalty = params.penalty * mean_weight(histories, params.length_power);
        for place in 0..modelled.len() {
            gram.set(place, place, gram.get(place, place) + penalty);
        }
        gram.negate_inverse(threads);
        let scales: Vec<f32> = modelled
            .iter()
            .enumerate()
            .map(|(place, &item)| {
                let n = histories.takers(item).len().max(1) as f32;
                // Of minus the inverse the diagonal is negative, and B = -P_ij / P_jj.
                -n.powf(-params.to_power) / gram.get(place, place)
            })
            .collect();
        let mut rows = vec![Vec::new(); histories.n_items()];
        for_chunks(&mut rows, (threads, 64), Vec::new, |found, first, rows| {
            for (idx, row) in rows.iter_mut().enumerate() {
                let place = places[first + idx];
                if place == usize::MAX {
                    continue;
                }
                found.clear();
                let others = (0..modelled.len()).filter(|&other| other != place);
                found.extend(others.map(|other| {
                    let weight = gram.get(place, other) * scales[other];
                    (weight.abs(), (modelled[other], weight))
                }));
                *row = largest(found, params.kept_max);
            }
        });
        Ease { params, rows }
    }
}

/// What an event counts in the mean.
fn mean_weight(histories: &Histories, length_power: f32) -> f32 {
    let (mut weights, mut events) = (0.0, 0.0);
    for shopper in histories.shoppers() {
        let n = histories.items(shopper).len() as f32;
        weights += n.powf(1.0 - length_power);
        events += n;
    }
    if events > 0.0 { weights / events } else { 1.0 }
}

/// The most taken items, ascending by number.
fn modelled(histories: &Histories, items_max: usize) -> Vec<Item> {
    let items = (0..histories.n_items() as u32).map(Item);
    let mut counted: Vec<(f32, Item)> =
        items.map(|item| (histories.takers(item).len() as f32, item)).collect();
    counted.retain(|&(n, _)| n > 0.0);
    keep_best(&mut counted, items_max);
    let mut modelled: Vec<Item> = counted.into_iter().map(|(_, item)| item).collect();
    modelled.sort_unstable();
    modelled
}

/// How often each two items share a history, histories weighed by their length and pairs by how near they are.
fn gram(
    histories: &Histories,
    (modelled, places): (&[Item], &[usize]),
    params: EaseParams,
) -> Symmetric {
    let mut gram = Symmetric::identity(modelled.len());
    let mut row = vec![0.0_f32; modelled.len()];
    let near = near(params);
    for (place, &item) in modelled.iter().enumerate() {
        row[..=place].fill(0.0);
        for &shopper in histories.takers(item) {
            let items = histories.items(shopper);
            let weight = (items.len() as f32).powf(-params.length_power);
            let at = items.iter().position(|&held| held == item).unwrap_or_default();
            for (other_at, other) in items.iter().enumerate() {
                let other = places[other.0 as usize];
                if other <= place {
                    row[other] += weight * near.get(at.abs_diff(other_at)).unwrap_or(&1.0);
                }
            }
        }
        for (other, &sum) in row[..=place].iter().enumerate() {
            gram.set(place, other, sum);
        }
    }
    gram
}

/// What pairs count by the places between them; those further apart count 1.
fn near(params: EaseParams) -> Vec<f32> {
    let more = |gap: usize| params.nearness * (-(gap as f32) / params.reach).exp();
    (0..).map(more).take_while(|&more| more > NEAR_MIN).map(|more| 1.0 + more).collect()
}

/// Less than this does not matter.
const NEAR_MIN: f32 = 1e-4;

/// The `limit` largest of some weights by magnitude, ascending by item.
fn largest(found: &mut Vec<(f32, (Item, f32))>, limit: usize) -> Vec<(Item, f32)> {
    if found.len() > limit && limit > 0 {
        found.select_nth_unstable_by(limit - 1, |a, b| b.0.total_cmp(&a.0).then(a.1.0.cmp(&b.1.0)));
    }
    found.truncate(limit);
    let mut row: Vec<(Item, f32)> = found.iter().map(|&(_, weight)| weight).collect();
    row.sort_unstable_by_key(|&(item, _)| item);
    row
}

impl Source for Ease {
    fn name(&self) -> &'static str {
        "ease"
    }

    fn score(&self, history: &[Item], into: &mut Scores) {
        let mut recency = 1.0_f32;
        for item in history.iter().rev() {
            for &(other, weight) in self.rows.get(item.0 as usize).into_iter().flatten() {
                into.add(other, recency * weight);
            }
            recency *= self.params.recency;
            if recency < 1e-4 {
                break;
            }
        }
    }
}
