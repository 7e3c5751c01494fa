//! The blend: candidates of several sources in one order, by weights learned from what was taken.

use super::ascent::ascend;
use super::logit::Cases;
use super::{Histories, Scores, Source};
use crate::types::Item;
use rustc_hash::FxHashSet;
use serde::{Deserialize, Serialize};

/// Signals that each source gives to a candidate.
pub const SIGNALS_PER_SOURCE: usize = 3;
/// Signals of a candidate beside those: its popularity, whether it is hardly known, and whether and
/// how lately it was taken before.
const COMMON: usize = 4;
/// Candidates that each source proposes (chosen, not yet compared with others).
const PROPOSED: usize = 100;

/// Weights of the signals: [`SIGNALS_PER_SOURCE`] for each source in its order, then the common ones.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Weights(pub Vec<f32>);

impl Weights {
    /// Weights before anything was learned: every source's score counts alike, nothing taken before is
    /// wanted again.
    pub fn equal(n_sources: usize) -> Weights {
        let of_source = (0..n_sources).flat_map(|_| [1.0, 0.0, 0.0]);
        Weights(of_source.chain([0.01, 0.0, -10.0, 0.0]).collect())
    }
}

/// Several sources and the weights that join them.
///
/// A candidate's signals are, for each source, the score as a share of the source's best one, the
/// root of that, and `1 / log₂(1 + rank)`; and its popularity, newness and place in the history. The
/// blend is linear in them, so that an answer can say which source spoke for an item.
pub struct Blend {
    sources: Vec<Box<dyn Source>>,
    weights: Weights,
    /// `ln(1 + takers)` by item, as a share of the largest.
    popularity: Vec<f32>,
}

/// An item that a blend proposes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Proposed {
    /// Which item.
    pub item: Item,
    /// Comparable within one list.
    pub score: f32,
    /// What spoke for it, where a source can tell.
    pub spoke: Option<Spoke>,
}

/// What spoke for an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spoke {
    /// The name of the source.
    pub source: &'static str,
    /// The item of the history by which the source came to it.
    pub because: Item,
}

/// Working memory of blending; make one per thread and use it again.
#[derive(Clone, Debug, Default)]
pub struct BlendScratch {
    scores: Vec<Scores>,
    tops: Vec<Vec<(f32, Item)>>,
    candidates: Vec<Item>,
    /// Which candidate an item is.
    places: Scores,
    signals: Vec<f32>,
}

impl Blend {
    /// Joins fitted sources.
    pub fn new(sources: Vec<Box<dyn Source>>, weights: Weights, histories: &Histories) -> Blend {
        let items = (0..histories.n_items() as u32).map(Item);
        let logs: Vec<f32> =
            items.map(|item| (histories.takers(item).len() as f32).ln_1p()).collect();
        let most = logs.iter().copied().fold(1.0, f32::max);
        let popularity = logs.into_iter().map(|log| log / most).collect();
        let blend = Blend { sources, weights, popularity };
        assert_eq!(blend.weights.0.len(), blend.n_signals(), "one weight for each signal");
        blend
    }

    /// The same sources under other weights.
    pub fn set_weights(&mut self, weights: Weights) {
        assert_eq!(weights.0.len(), self.n_signals(), "one weight for each signal");
        self.weights = weights;
    }

    /// The sources' names, in the order of their weights.
    pub fn names(&self) -> Vec<&'static str> {
        self.sources.iter().map(|source| source.name()).collect()
    }

    /// How many signals a candidate has.
    fn n_signals(&self) -> usize {
        self.sources.len() * SIGNALS_PER_SOURCE + COMMON
    }

    /// The best `limit` items for a history, best first; ties go to the smaller item number.
    pub fn rank(
        &self,
        history: &[Item],
        (limit, is_hidden): (usize, &dyn Fn(Item) -> bool),
        scratch: &mut BlendScratch,
    ) -> Vec<Item> {
        self.collect(history, is_hidden, scratch);
        let rows = scratch.signals.chunks_exact(self.n_signals());
        let score =
            |row: &[f32]| -> f32 { row.iter().zip(&self.weights.0).map(|(a, b)| a * b).sum() };
        let mut scored: Vec<(f32, Item)> =
            rows.map(score).zip(scratch.candidates.iter().copied()).collect();
        super::scores::keep_best(&mut scored, limit);
        scored.into_iter().map(|(_, item)| item).collect()
    }

    /// As [`Blend::rank`], each item with its score and with the source and the item of the history that
    /// spoke most for it.
    pub fn propose(
        &self,
        history: &[Item],
        (limit, is_hidden): (usize, &dyn Fn(Item) -> bool),
        scratch: &mut BlendScratch,
    ) -> Vec<Proposed> {
        self.collect(history, is_hidden, scratch);
        let n = self.n_signals();
        let rows = scratch.signals.chunks_exact(n);
        let score =
            |row: &[f32]| -> f32 { row.iter().zip(&self.weights.0).map(|(a, b)| a * b).sum() };
        let mut scored: Vec<(f32, Item)> =
            rows.map(score).zip(scratch.candidates.iter().copied()).collect();
        super::scores::keep_best(&mut scored, limit);
        let propose = |(score, item): (f32, Item)| {
            let place = scratch.places.get(item).expect("every candidate has a place") as usize;
            let row = &scratch.signals[place * n..][..n];
            Proposed { item, score, spoke: self.spoke(history, (item, row)) }
        };
        scored.into_iter().map(propose).collect()
    }

    /// The source whose signals weigh most in an item's score, of those that can name an item of the
    /// history.
    fn spoke(&self, history: &[Item], (item, row): (Item, &[f32])) -> Option<Spoke> {
        let signals = row.chunks_exact(SIGNALS_PER_SOURCE);
        let weights = self.weights.0.chunks_exact(SIGNALS_PER_SOURCE);
        let shares = signals.zip(weights).map(|(signals, weights)| {
            signals.iter().zip(weights).map(|(signal, weight)| signal * weight).sum::<f32>()
        });
        let mut by_share: Vec<(f32, &dyn Source)> =
            shares.zip(&self.sources).map(|(share, source)| (share, &**source)).collect();
        by_share.sort_by(|a, b| b.0.total_cmp(&a.0));
        by_share.into_iter().filter(|&(share, _)| share > 0.0).find_map(|(_, source)| {
            let because = source.because(history, item)?;
            Some(Spoke { source: source.name(), because })
        })
    }

    /// Lets every source propose, and gathers the signals of all candidates.
    fn collect(
        &self,
        history: &[Item],
        is_hidden: &dyn Fn(Item) -> bool,
        scratch: &mut BlendScratch,
    ) {
        let BlendScratch { scores, tops, candidates, places, signals } = scratch;
        scores.resize_with(self.sources.len(), Scores::default);
        tops.resize_with(self.sources.len(), Vec::new);
        candidates.clear();
        places.clear();
        for ((source, scores), top) in self.sources.iter().zip(&mut *scores).zip(&mut *tops) {
            scores.clear();
            source.score(history, scores);
            scores.top(PROPOSED, is_hidden, top);
            for &(_, item) in &*top {
                if places.get(item).is_none() {
                    places.add(item, candidates.len() as f32);
                    candidates.push(item);
                }
            }
        }
        let n = self.n_signals();
        signals.clear();
        signals.resize(candidates.len() * n, 0.0);
        for (number, (scores, top)) in scores.iter().zip(&*tops).enumerate() {
            let Some(&(best, _)) = top.first() else { continue };
            let at = number * SIGNALS_PER_SOURCE;
            for (row, &item) in signals.chunks_exact_mut(n).zip(&*candidates) {
                let share = scores.get(item).map_or(0.0, |score| (score / best).clamp(-1.0, 1.0));
                row[at] = share;
                row[at + 1] = share.max(0.0).sqrt();
            }
            for (rank, &(_, item)) in (0_u16..).zip(top) {
                let place = places.get(item).expect("every proposal is a candidate") as usize;
                signals[place * n + at + 2] = 1.0 / (f32::from(rank) + 2.0).log2();
            }
        }
        let at = n - COMMON;
        for (row, &item) in signals.chunks_exact_mut(n).zip(&*candidates) {
            row[at] = self.popularity.get(item.0 as usize).copied().unwrap_or(0.0);
            row[at + 1] = if row[at] > 0.0 { 0.0 } else { 1.0 };
        }
        for (age, &item) in history.iter().rev().enumerate() {
            if let Some(place) = places.get(item) {
                let row = &mut signals[place as usize * n..][..n];
                row[at + 2] = 1.0;
                row[at + 3] = 1.0 / (age as f32 + 1.0);
            }
        }
    }
}

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

    /// The weights that put what was taken in front; none without lessons.
    ///
    /// First those under which it is likeliest among the candidates, then by ascent on NDCG@10 from these
    /// or from a single source's scores, whichever is better.
    pub fn fit(&self) -> Option<Weights> {
        let likeliest = self.cases.fit()?;
        let n_sources = (likeliest.len() - COMMON) / SIGNALS_PER_SOURCE;
        let alone = (0..n_sources).map(|source| {
            let mut weights = vec![0.0; likeliest.len()];
            weights[source * SIGNALS_PER_SOURCE] = 1.0;
            weights
        });
        let starts: Vec<Vec<f32>> = alone.chain([likeliest.clone()]).collect();
        Some(Weights(ascend(&self.cases, &starts)))
    }
}
