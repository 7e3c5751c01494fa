//! The blend: candidates of several sources in one order, by weights learned from what was taken.

use super::scores::keep_best;
use super::{Histories, Kin, Scores, Source};
use crate::types::Item;
use serde::{Deserialize, Serialize};

mod lessons;

pub use lessons::{LessonBook, NewPlaces};

/// Signals that each source gives to a candidate.
pub const SIGNALS_PER_SOURCE: usize = 3;
/// Signals of a candidate beside those: its popularity, whether it is hardly known, and whether and
/// how lately it was taken before.
const COMMON: usize = 4;
/// Signals of items that nobody took, 0 for all others: [`SIGNALS_PER_SOURCE`] for what is said of
/// their kin, and for their likeness to the history.
const OF_NEW: usize = 2 * SIGNALS_PER_SOURCE;
/// Candidates that each source proposes (chosen, not yet compared with others).
const PROPOSED: usize = 100;
/// New items that are proposed beside those, for their kin and for their likeness (chosen: more than a
/// list may hold).
const PROPOSED_NEW: usize = 50;

/// Weights of the signals: [`SIGNALS_PER_SOURCE`] for each source in its order, then the common ones,
/// then those of new items.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Weights(pub Vec<f32>);

impl Weights {
    /// Weights before anything was learned: every source's score counts alike, nothing taken before is
    /// wanted again.
    pub fn equal(n_sources: usize) -> Weights {
        let of_source = (0..n_sources).flat_map(|_| [1.0, 0.0, 0.0]);
        Weights(of_source.chain([0.01, 0.0, -10.0, 0.0]).chain([0.0; OF_NEW]).collect())
    }
}

/// Several sources and the weights that join them.
///
/// A candidate's signals are, for each source, the score as a share of the source's best one, the
/// root of that, and `1 / log₂(1 + rank)`; and its popularity, newness and place in the history. The
/// blend is linear in them, so that an answer can say which source spoke for an item.
///
/// Of an item that nobody took, sources that count have nothing to say. It gets signals of its own: what
/// the blend says of the items most like it ([`Kin`]), and its likeness to the history, each by the
/// same three numbers, among new items only.
pub struct Blend {
    sources: Vec<Box<dyn Source>>,
    weights: Weights,
    /// `ln(1 + takers)` by item, as a share of the largest.
    popularity: Vec<f32>,
    /// Of the first source that knows new items, with that source's number.
    kin: Option<(usize, Kin)>,
    new_share: f32,
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

/// Items with their scores.
type Scored = Vec<(f32, Item)>;

/// Working memory of blending; make one per thread and use it again.
#[derive(Clone, Debug, Default)]
pub struct BlendScratch {
    scores: Vec<Scores>,
    tops: Vec<Vec<(f32, Item)>>,
    candidates: Vec<Item>,
    /// Which candidate an item is.
    places: Scores,
    signals: Vec<f32>,
    of_kin: Scores,
    new: [Vec<(f32, Item)>; 2],
}

impl Blend {
    /// Joins fitted sources.
    pub fn new(sources: Vec<Box<dyn Source>>, weights: Weights, histories: &Histories) -> Blend {
        let items = (0..histories.n_items() as u32).map(Item);
        let logs: Vec<f32> =
            items.map(|item| (histories.takers(item).len() as f32).ln_1p()).collect();
        let most = logs.iter().copied().fold(1.0, f32::max);
        let popularity = logs.into_iter().map(|log| log / most).collect();
        let kin = sources.iter().enumerate().find_map(|(number, source)| {
            let kin = source.kin(histories)?;
            (!kin.is_empty()).then_some((number, kin))
        });
        let blend = Blend { sources, weights, popularity, kin, new_share: 1.0 };
        assert_eq!(blend.weights.0.len(), blend.n_signals(), "one weight for each signal");
        blend
    }

    /// The same sources under other weights.
    pub fn set_weights(&mut self, weights: Weights) {
        assert_eq!(weights.0.len(), self.n_signals(), "one weight for each signal");
        self.weights = weights;
    }

    /// Items that nobody took may stand in this share of a list's places, the last ones; 1 lets them
    /// stand anywhere, 0 nowhere.
    pub fn set_new_share(&mut self, share: f32) {
        self.new_share = share.clamp(0.0, 1.0);
    }

    /// The sources' names, in the order of their weights.
    pub fn names(&self) -> Vec<&'static str> {
        self.sources.iter().map(|source| source.name()).collect()
    }

    /// How many signals a candidate has.
    fn n_signals(&self) -> usize {
        self.sources.len() * SIGNALS_PER_SOURCE + COMMON + OF_NEW
    }

    /// `ln(1 + takers)` of an item as a share of the largest: 0 for what nobody took, 1 for what most did.
    pub fn popularity(&self, item: Item) -> f32 {
        self.popularity.get(item.0 as usize).copied().unwrap_or(0.0)
    }

    /// Whether nobody took an item.
    fn is_new(&self, item: Item) -> bool {
        self.popularity(item) <= 0.0
    }

    /// The best `limit` items for a history, best first; ties go to the smaller item number.
    pub fn rank(
        &self,
        history: &[Item],
        (limit, is_hidden): (usize, &dyn Fn(Item) -> bool),
        scratch: &mut BlendScratch,
    ) -> Vec<Item> {
        let (known, new) = self.candidates(history, is_hidden, scratch);
        let scored = join(known, new, (limit, self.new_share));
        scored.into_iter().map(|(_, item)| item).collect()
    }

    /// All candidates with their scores, known and new ones apart.
    fn candidates(
        &self,
        history: &[Item],
        is_hidden: &dyn Fn(Item) -> bool,
        scratch: &mut BlendScratch,
    ) -> (Scored, Scored) {
        self.collect(history, is_hidden, scratch);
        let scored = self.scores(&scratch.signals).zip(scratch.candidates.iter().copied());
        scored.partition(|&(_, item)| !self.is_new(item))
    }

    /// The best `limit` items for a history as pages of [`NewPlaces::default`]'s limit, one behind the other:
    /// however many of them are shown, new items stand where they were judged to cost the least. Each item
    /// comes with its score and with the source and the item of the history that spoke most for it.
    pub fn propose(
        &self,
        history: &[Item],
        (limit, is_hidden): (usize, &dyn Fn(Item) -> bool),
        scratch: &mut BlendScratch,
    ) -> Vec<Proposed> {
        let (known, new) = self.candidates(history, is_hidden, scratch);
        let scored = join_pages(known, new, (limit, self.new_share));
        let n = self.n_signals();
        let propose = |(score, item): (f32, Item)| {
            let place = scratch.places.get(item).expect("every candidate has a place") as usize;
            let row = &scratch.signals[place * n..][..n];
            Proposed { item, score, spoke: self.spoke(history, (item, row)) }
        };
        scored.into_iter().map(propose).collect()
    }

    /// The source whose signals weigh most in an item's score, of those that can name an item of the
    /// history; of an item that nobody took, the one that knows its kin.
    fn spoke(&self, history: &[Item], (item, row): (Item, &[f32])) -> Option<Spoke> {
        let n_known = self.sources.len() * SIGNALS_PER_SOURCE;
        let signals = row[..n_known].chunks_exact(SIGNALS_PER_SOURCE);
        let weights = self.weights.0[..n_known].chunks_exact(SIGNALS_PER_SOURCE);
        let shares = signals.zip(weights).map(|(signals, weights)| {
            signals.iter().zip(weights).map(|(signal, weight)| signal * weight).sum::<f32>()
        });
        let mut by_share: Vec<(f32, &dyn Source)> =
            shares.zip(&self.sources).map(|(share, source)| (share, &**source)).collect();
        by_share.sort_by(|a, b| b.0.total_cmp(&a.0));
        let is_new = self.is_new(item);
        by_share.into_iter().filter(|&(share, _)| share > 0.0 || is_new).find_map(|(_, source)| {
            let because = source.because(history, item)?;
            Some(Spoke { source: source.name(), because })
        })
    }

    /// The weighted sum of each row of signals.
    fn scores<'s>(&'s self, signals: &'s [f32]) -> impl Iterator<Item = f32> + 's {
        let rows = signals.chunks_exact(self.n_signals());
        rows.map(|row| row.iter().zip(&self.weights.0).map(|(a, b)| a * b).sum())
    }

    /// Lets every source propose, and gathers the signals of all candidates.
    fn collect(
        &self,
        history: &[Item],
        is_hidden: &dyn Fn(Item) -> bool,
        scratch: &mut BlendScratch,
    ) {
        scratch.propose(&self.sources, history, is_hidden);
        scratch.signals.clear();
        self.fill(0, history, scratch);
        let Some((number, kin)) = &self.kin else { return };
        let n_known = scratch.candidates.len();
        self.ask_kin(kin, scratch);
        let BlendScratch { scores, of_kin, new, .. } = &mut *scratch;
        of_kin.top(PROPOSED_NEW, is_hidden, &mut new[0]);
        let is_old = |item: Item| !self.is_new(item) || is_hidden(item);
        scores[*number].top(PROPOSED_NEW, &is_old, &mut new[1]);
        for at in 0..2 {
            for place in 0..scratch.new[at].len() {
                let (_, item) = scratch.new[at][place];
                scratch.candidate(item);
            }
        }
        self.fill(n_known, history, scratch);
        let BlendScratch { scores, of_kin, new, places, signals, candidates, .. } = scratch;
        let n = self.n_signals();
        for (block, (scores, top)) in
            [&*of_kin, &scores[*number]].into_iter().zip(&*new).enumerate()
        {
            let Some(&(best, _)) = top.first() else { continue };
            let at = n - OF_NEW + block * SIGNALS_PER_SOURCE;
            let rows = signals.chunks_exact_mut(n).zip(&*candidates);
            put_shares(rows.filter(|(_, item)| self.is_new(**item)), (scores, best), at);
            put_ranks((signals, n), (top, places), at);
        }
    }

    /// Puts what the blend says of known items into `of_kin`, by the new items they are like.
    fn ask_kin(&self, kin: &Kin, scratch: &mut BlendScratch) {
        let BlendScratch { signals, candidates, of_kin, .. } = scratch;
        let largest = self.scores(signals).fold(f32::MIN, f32::max);
        of_kin.clear();
        for (score, &item) in self.scores(signals).zip(&*candidates) {
            // As a share of the likelihood of the best candidate.
            let share = (score - largest).exp();
            for &(new, likeness) in kin.of(item) {
                of_kin.add(new, share * likeness);
            }
        }
    }

    /// Adds rows of signals for the candidates from `first` on.
    fn fill(&self, first: usize, history: &[Item], scratch: &mut BlendScratch) {
        let BlendScratch { scores, tops, candidates, places, signals, .. } = scratch;
        let n = self.n_signals();
        signals.resize(candidates.len() * n, 0.0);
        for (number, (scores, top)) in scores.iter().zip(&*tops).enumerate() {
            let Some(&(best, _)) = top.first() else { continue };
            let at = number * SIGNALS_PER_SOURCE;
            let rows = signals[first * n..].chunks_exact_mut(n).zip(&candidates[first..]);
            put_shares(rows, (scores, best), at);
            put_ranks((signals, n), (top, places), at);
        }
        let at = n - COMMON - OF_NEW;
        let rows = signals.chunks_exact_mut(n).zip(&*candidates).skip(first);
        for (row, &item) in rows {
            row[at] = self.popularity(item);
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

/// The best `limit` of known and new candidates, of which new ones stand in the last places only.
///
/// A new item has no taker who would speak against it, so a likeness that is right for one shopper in
/// thirty costs all others a place. In the last places it costs the least, and earns its first takers.
fn join<T: Copy + Ord>(
    mut known: Vec<(f32, T)>,
    mut new: Vec<(f32, T)>,
    (limit, new_share): (usize, f32),
) -> Vec<(f32, T)> {
    let n_last = (limit as f32 * new_share).round() as usize;
    keep_best(&mut known, limit);
    keep_best(&mut new, n_last);
    let mut last = known.split_off(known.len().min(limit - n_last.min(limit)));
    last.extend(new);
    keep_best(&mut last, limit - known.len());
    // Scores fall along the list.
    let most = known.last().map_or(f32::INFINITY, |&(score, _)| score);
    known.extend(last.into_iter().map(|(score, item)| (score.min(most), item)));
    known
}

/// [`join`] for each page of a long list.
fn join_pages<T: Copy + Ord>(
    mut known: Vec<(f32, T)>,
    mut new: Vec<(f32, T)>,
    (limit, new_share): (usize, f32),
) -> Vec<(f32, T)> {
    let page_max = NewPlaces::default().limit;
    keep_best(&mut known, limit);
    keep_best(&mut new, limit);
    let (mut known, mut new) = (&known[..], &new[..]);
    let mut all: Vec<(f32, T)> = Vec::with_capacity(limit);
    while all.len() < limit {
        let page_len = page_max.min(limit - all.len());
        let of = |list: &[(f32, T)]| list[..list.len().min(page_len)].to_vec();
        let page = join(of(known), of(new), (page_len, new_share));
        let is_new = |item: T| new.iter().take(page_len).any(|&(_, other)| other == item);
        let n_new = page.iter().filter(|&&(_, item)| is_new(item)).count();
        let is_last = page.len() < page_len;
        (known, new) = (&known[page.len() - n_new..], &new[n_new..]);
        let most = all.last().map_or(f32::INFINITY, |&(score, _)| score);
        all.extend(page.into_iter().map(|(score, item)| (score.min(most), item)));
        if is_last {
            break;
        }
    }
    all
}

impl BlendScratch {
    /// Lets every source score a history and propose its best items.
    fn propose(
        &mut self,
        sources: &[Box<dyn Source>],
        history: &[Item],
        is_hidden: &dyn Fn(Item) -> bool,
    ) {
        self.scores.resize_with(sources.len(), Scores::default);
        self.tops.resize_with(sources.len(), Vec::new);
        self.candidates.clear();
        self.places.clear();
        for (number, source) in sources.iter().enumerate() {
            self.scores[number].clear();
            source.score(history, &mut self.scores[number]);
            self.scores[number].top(PROPOSED, is_hidden, &mut self.tops[number]);
            for place in 0..self.tops[number].len() {
                let (_, item) = self.tops[number][place];
                self.candidate(item);
            }
        }
    }

    /// Makes an item a candidate if it is none yet.
    fn candidate(&mut self, item: Item) {
        if self.places.get(item).is_none() {
            self.places.add(item, self.candidates.len() as f32);
            self.candidates.push(item);
        }
    }
}

/// Puts each score as a share of the best one, and the root of that, at `at` of its row.
fn put_shares<'r>(
    rows: impl Iterator<Item = (&'r mut [f32], &'r Item)>,
    (scores, best): (&Scores, f32),
    at: usize,
) {
    for (row, &item) in rows {
        let share = scores.get(item).map_or(0.0, |score| (score / best).clamp(-1.0, 1.0));
        row[at] = share;
        row[at + 1] = share.max(0.0).sqrt();
    }
}

/// Puts `1 / log₂(1 + rank)` two places behind `at` in the rows of the items of a list.
fn put_ranks(
    (signals, n): (&mut [f32], usize),
    (top, places): (&[(f32, Item)], &Scores),
    at: usize,
) {
    for (rank, &(_, item)) in (0_u16..).zip(top) {
        let place = places.get(item).expect("every proposal is a candidate") as usize;
        signals[place * n + at + 2] = 1.0 / (f32::from(rank) + 2.0).log2();
    }
}
