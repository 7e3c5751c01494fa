//! What a blend's weights are learned from.

use super::{Blend, BlendScratch, COMMON, OF_NEW, SIGNALS_PER_SOURCE, Weights, join};
use crate::sources::ascent::{self, ascend};
use crate::sources::logit::Cases;
use crate::types::Item;
use rustc_hash::FxHashSet;

/// What shoppers took next, beside what the sources proposed: what weights are learned from.
#[derive(Clone, Debug, Default)]
pub struct LessonBook {
    cases: Cases,
    scratch: BlendScratch,
}

impl LessonBook {
    /// Adds what somebody took after a history. The sources must not have been fitted on it.
    ///
    /// Every item weighs 1 / √(items taken), between counting items alike and counting shoppers alike.
    pub fn add(
        &mut self,
        blend: &Blend,
        (history, taken): (&[Item], &FxHashSet<Item>),
        is_hidden: &dyn Fn(Item) -> bool,
    ) {
        blend.collect(history, is_hidden, &mut self.scratch);
        let candidates = &self.scratch.candidates;
        if !candidates.iter().any(|item| taken.contains(item)) {
            return;
        }
        let weight = 1.0 / (taken.len() as f32).sqrt();
        let chosen = candidates.iter().map(|item| if taken.contains(item) { weight } else { 0.0 });
        self.cases.chosen.extend(chosen);
        self.cases.n_signals = blend.n_signals();
        self.cases.signals.extend_from_slice(&self.scratch.signals);
        self.cases.ends.push(self.cases.chosen.len());
    }

    /// The weights that put what was taken in front; none without lessons. New items should be hidden in
    /// these lessons: their signals are for [`LessonBook::fit_new`].
    ///
    /// First those under which it is likeliest among the candidates, then by ascent on NDCG@10 from these
    /// or from a single source's scores, whichever is better.
    pub fn fit(&self) -> Option<Weights> {
        let likeliest = self.cases.fit()?;
        let n_sources = (likeliest.len() - COMMON - OF_NEW) / SIGNALS_PER_SOURCE;
        let alone = (0..n_sources).map(|source| {
            let mut weights = vec![0.0; likeliest.len()];
            weights[source * SIGNALS_PER_SOURCE] = 1.0;
            weights
        });
        let starts: Vec<Vec<f32>> = alone.chain([likeliest.clone()]).collect();
        Some(Weights(ascend(&self.cases, &starts)))
    }

    /// The same weights with those of new items chosen, from lessons in which the items of some of what was
    /// taken had been held out of every source.
    ///
    /// First the weights under which what was taken is likeliest, all others as they are; then new items as
    /// a whole are moved as far to the front as they may without taking more than `places.cost_max` of
    /// the NDCG of known items.
    pub fn fit_new(&self, weights: &Weights, places: &NewPlaces) -> Weights {
        let n = weights.0.len();
        let newness = n - OF_NEW - COMMON + 1;
        let free: Vec<bool> = (0..n).map(|s| s == newness || s >= n - OF_NEW).collect();
        let Some(mut fitted) = self.cases.fit_from(&weights.0, &free) else {
            return weights.clone();
        };
        let known = self.known_cases(newness);
        let scored = ascent::scores(&known, &fitted);
        let quality = |shift: f32, share: f32| {
            let scored = ascent::moved(&known, &scored, (newness, shift));
            gain_of_known(&known, &scored, (newness, places.limit, share))
        };
        let bar = (1.0 - places.cost_max) * quality(0.0, 0.0);
        let (mut low, mut high) = SHIFTS;
        for _ in 0..HALVINGS {
            let middle = (low + high) / 2.0;
            if quality(middle, places.share) >= bar {
                low = middle;
            } else {
                high = middle;
            }
        }
        fitted[newness] += low;
        Weights(fitted)
    }

    /// The cases in which a known item was taken, and nothing but known items.
    fn known_cases(&self, newness: usize) -> Cases {
        let all = &self.cases;
        let n = all.n_signals;
        let mut known = Cases { n_signals: n, ..Cases::default() };
        let mut begin = 0;
        for &end in &all.ends {
            let rows = all.signals[begin * n..end * n].chunks_exact(n);
            let chosen = rows.zip(&all.chosen[begin..end]);
            let chosen = chosen.map(|(row, &weight)| if row[newness] > 0.0 { 0.0 } else { weight });
            let chosen: Vec<f32> = chosen.collect();
            if chosen.iter().any(|&weight| weight > 0.0) {
                known.chosen.extend(chosen);
                known.signals.extend_from_slice(&all.signals[begin * n..end * n]);
                known.ends.push(known.chosen.len());
            }
            begin = end;
        }
        known
    }
}

/// Where items that nobody took may stand, and what they may cost.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NewPlaces {
    /// The length of the lists that are meant.
    pub limit: usize,
    /// The share of their places, the last ones, in which new items may stand.
    pub share: f32,
    /// The share of the NDCG of known items that they may take.
    pub cost_max: f64,
}

impl Default for NewPlaces {
    /// The last six of twenty places, for a hundredth of the NDCG@20 of known items: that is what was asked
    /// for, and costs nothing in the first ten places of such a list.
    fn default() -> NewPlaces {
        NewPlaces { limit: 20, share: 0.3, cost_max: 0.01 }
    }
}

/// How far new items may be moved, in units of a score: from behind everything to in front of it.
const SHIFTS: (f32, f32) = (-30.0, 30.0);
/// Halvings of that range; what is left is less than any difference of scores that matters.
const HALVINGS: usize = 20;

/// Mean NDCG of what was taken in the lists that [`join`] makes.
fn gain_of_known(
    cases: &Cases,
    scored: &[f32],
    (newness, limit, share): (usize, usize, f32),
) -> f64 {
    let (mut begin, mut sum) = (0, 0.0);
    for &end in &cases.ends {
        let rows = cases.signals[begin * cases.n_signals..].chunks_exact(cases.n_signals);
        let numbered = scored[begin..end].iter().copied().zip(begin..);
        let (new, known): (Vec<_>, Vec<_>) =
            numbered.zip(rows).partition(|(_, row)| row[newness] > 0.0);
        let of = |part: Vec<((f32, usize), &[f32])>| part.into_iter().map(|(one, _)| one).collect();
        let list = join(of(known), of(new), (limit, share));
        let discount = |place: usize| 1.0 / ((place + 2) as f64).log2();
        let hits = list.iter().enumerate().filter(|(_, (_, row))| cases.chosen[*row] > 0.0);
        let gained: f64 = hits.map(|(place, _)| discount(place)).sum();
        let n_chosen = cases.chosen[begin..end].iter().filter(|&&weight| weight > 0.0).count();
        sum += gained / (0..n_chosen.min(limit)).map(discount).sum::<f64>();
        begin = end;
    }
    sum / cases.ends.len().max(1) as f64
}
