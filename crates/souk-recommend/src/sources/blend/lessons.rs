//! What a blend's weights are learned from.

use super::{Blend, BlendScratch, COMMON, OF_NEW, SIGNALS_PER_SOURCE, Weights};
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
    /// a whole are moved as far to the front as they may without taking more than `cost_max` of the
    /// NDCG@10 of known items.
    pub fn fit_new(&self, weights: &Weights, cost_max: f64) -> Weights {
        let n = weights.0.len();
        let newness = n - OF_NEW - COMMON + 1;
        let free: Vec<bool> = (0..n).map(|s| s == newness || s >= n - OF_NEW).collect();
        let Some(mut fitted) = self.cases.fit_from(&weights.0, &free) else {
            return weights.clone();
        };
        let known = self.known_cases(newness);
        let without = without_new(&known, newness, &fitted);
        let bar = (1.0 - cost_max) * ascent::quality(&known, &without);
        let scored = ascent::scores(&known, &fitted);
        let is_borne = |shift: f32| {
            ascent::quality(&known, &ascent::moved(&known, &scored, (newness, shift))) >= bar
        };
        let (mut low, mut high) = SHIFTS;
        for _ in 0..HALVINGS {
            let middle = (low + high) / 2.0;
            if is_borne(middle) {
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

/// How far new items may be moved, in units of a score: from behind everything to in front of it.
const SHIFTS: (f32, f32) = (-30.0, 30.0);
/// Halvings of that range; what is left is less than any difference of scores that matters.
const HALVINGS: usize = 20;

/// Scores under which no new item stands in front of a known one.
fn without_new(cases: &Cases, newness: usize, weights: &[f32]) -> Vec<f32> {
    let rows = cases.signals.chunks_exact(cases.n_signals);
    let scored = ascent::scores(cases, weights).into_iter().zip(rows);
    scored.map(|(score, row)| if row[newness] > 0.0 { f32::MIN } else { score }).collect()
}
