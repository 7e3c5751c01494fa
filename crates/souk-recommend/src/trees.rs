//! Gradient-boosted regression trees that learn an order from groups of candidates: LambdaMART.
//!
//! A group is what was ranked at once (a shopper's candidates, an answer's impressions); every
//! candidate has the same signals and a gain, 0 for what nobody wanted. Signals are sorted into at most
//! 255 bins before the first tree, trees grow leaf by leaf where the gain is largest, and every step
//! gives the same bytes on any number of threads: sums are made per signal and in the order of rows.
//!
//! *Not* for signals that are names without an order, and not for probabilities: scores compare
//! within one group only.
//!
//! Sources: Burges, *From RankNet to LambdaRank to LambdaMART*, MSR-TR-2010-82; Chen and Guestrin,
//! *XGBoost*, KDD 2016, eq. 5 to 7 (leaf values and gains); Ke et al., *LightGBM*, NIPS 2017 (histograms,
//! leaf-wise growth); Friedman, Annals of Statistics 29(5), 2001 (shrinkage).

mod bins;
mod flat;
mod grow;
mod objective;
mod parts;
#[cfg(test)]
mod tests;

use bins::Binned;
use flat::Flat;
use grow::Grower;
pub use objective::Objective;
use serde::{Deserialize, Serialize};

use crate::parallel::Rests;
use crate::wire::{Kind, Reader, SnapshotError, Writer};
use souk_math::Random;

const KIND: Kind = Kind { magic: *b"TREE", version: 1 };

/// How trees are grown.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TreeParams {
    /// What is lowered.
    pub objective: Objective,
    /// At most so many trees; fewer when [`Lesson::valid`] says that more do not help.
    pub n_trees: usize,
    /// Trees without a better order of the validation groups before the growing ends.
    pub patience: usize,
    /// What each tree's answer is multiplied by, in 0..=1.
    pub learning_rate: f32,
    /// Leaves of a tree at most.
    pub leaves_max: usize,
    /// Decisions from the root to a leaf at most.
    pub depth_max: usize,
    /// Candidates in a leaf at least.
    pub rows_min: usize,
    /// Penalty on squared leaf values, in units of the second derivative (λ of XGBoost).
    pub penalty: f64,
    /// The share of the groups that each tree is grown on, in 0..=1.
    pub group_share: f32,
    /// The share of the signals that each tree may ask, in 0..=1.
    pub signal_share: f32,
    /// Where groups and signals are drawn from.
    pub seed: u64,
}

impl Default for TreeParams {
    /// Small trees and a low rate, for a few thousand groups; chosen on a grocer's baskets (Complete
    /// Journey before November 2017).
    fn default() -> TreeParams {
        TreeParams {
            objective: Objective::default(),
            n_trees: 150,
            patience: 30,
            learning_rate: 0.05,
            leaves_max: 16,
            depth_max: 6,
            rows_min: 100,
            penalty: 1.0,
            group_share: 0.7,
            signal_share: 0.6,
            seed: 0,
        }
    }
}

/// Groups of candidates with their signals and gains.
#[derive(Clone, Debug, PartialEq)]
pub struct Groups {
    n_signals: usize,
    signals: Vec<f32>,
    gains: Vec<f32>,
    base: Vec<f32>,
    /// Where each group's candidates end.
    ends: Vec<usize>,
}

impl Groups {
    /// No groups yet; every candidate will have so many signals.
    pub fn new(n_signals: usize) -> Groups {
        let (signals, gains, base) = (Vec::new(), Vec::new(), Vec::new());
        Groups { n_signals, signals, gains, base, ends: Vec::new() }
    }

    /// Adds one group: `signals` row by row, and a gain for each row (0 for what was not wanted). A signal
    /// that is not a number counts as smaller than all others.
    ///
    /// `base` is a score that the trees start from, and that a prediction must add again; empty for none.
    ///
    /// # Panics
    ///
    /// When the lengths do not fit each other: the caller has mixed up two groups.
    pub fn push(&mut self, signals: &[f32], gains: &[f32], base: &[f32]) {
        assert_eq!(signals.len(), gains.len() * self.n_signals, "a row of signals for each gain");
        assert!(base.is_empty() || base.len() == gains.len(), "a base for each gain, or none");
        self.signals.extend_from_slice(signals);
        self.gains.extend_from_slice(gains);
        self.base.extend_from_slice(base);
        self.base.resize(self.gains.len(), 0.0);
        self.ends.push(self.gains.len());
    }

    /// Adds all groups of another, whose candidates have the same signals.
    pub fn extend(&mut self, other: &Groups) {
        for rows in other.ranges() {
            let signals = &other.signals[rows.start * self.n_signals..rows.end * self.n_signals];
            self.push(signals, &other.gains[rows.clone()], &other.base[rows]);
        }
    }

    /// How many groups there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// True before the first group.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// How many candidates all groups have together.
    pub fn n_rows(&self) -> usize {
        self.gains.len()
    }

    /// The rows of each group.
    fn ranges(&self) -> impl Iterator<Item = std::ops::Range<usize>> + '_ {
        let begins = std::iter::once(0).chain(self.ends.iter().copied());
        begins.zip(&self.ends).map(|(begin, &end)| begin..end)
    }

    /// Mean NDCG of an order of each group, over the groups in which anything was wanted; of equal
    /// scores the earlier candidate stands in front.
    pub fn ndcg(&self, scores: &[f32], places: usize) -> f64 {
        let of_group = |rows: std::ops::Range<usize>| {
            objective::ndcg((&scores[rows.clone()], &self.gains[rows]), places)
        };
        let values: Vec<f64> = self.ranges().filter_map(of_group).collect();
        crate::evaluate::metrics::mean(&values)
    }

    /// How good an order of some groups is by what trees lower, within the places that decide when to stop.
    fn quality(
        &self,
        objective: Objective,
        scores: &[f32],
        is_judged: &dyn Fn(usize) -> bool,
    ) -> Option<f64> {
        let judged = self.ranges().enumerate().filter(|(group, _)| is_judged(*group));
        objective.quality(judged.filter_map(|(_, rows)| {
            objective::dcg((&scores[rows.clone()], &self.gains[rows]), EARLY_STOP_PLACES)
        }))
    }
}

/// What trees learn from.
#[derive(Clone, Copy, Debug)]
pub struct Lesson<'a> {
    /// What each signal is called.
    pub names: &'a [&'a str],
    /// The groups.
    pub groups: &'a Groups,
    /// Groups that say when to stop; none to grow all trees.
    pub valid: Option<&'a Groups>,
    /// How many threads; the result does not depend on it.
    pub threads: usize,
    /// Called after each tree.
    pub rests: Rests<'a>,
}

/// A ranking model of regression trees.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trees {
    names: Vec<String>,
    /// What the splits by each signal gained, summed over all trees.
    gains: Vec<f64>,
    trees: Vec<Tree>,
    /// The same trees for answering, made from them; none where they must be walked.
    #[serde(skip)]
    flat: Option<Flat>,
}

/// One tree. A leaf leads to itself, so that every walk may take as many steps as the deepest one.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Tree {
    nodes: Vec<Node>,
    /// By node; what a walk that ends there adds to the score.
    values: Vec<f32>,
    depth: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Node {
    signal: u32,
    /// A larger signal goes to the second of `next`, all others, and what is no number, to the first.
    threshold: f32,
    next: [u32; 2],
}

/// Candidates that are walked down a tree at the same time, so that the processor need not wait for
/// one memory access after the other.
const ROWS_AT_ONCE: usize = 16;

impl Trees {
    /// Grows trees one after the other, each on what those before got wrong.
    ///
    /// Without any group the model has no trees, and scores everything 0.
    ///
    /// # Panics
    ///
    /// When there is not one name for each signal, or the validation groups have other signals.
    pub fn fit(lesson: &Lesson<'_>, params: &TreeParams) -> Trees {
        let valid = lesson.valid;
        let mut fitted = Trees::none(lesson);
        assert!(
            valid.is_none_or(|valid| valid.n_signals == fitted.n_signals()),
            "the same signals"
        );
        if lesson.groups.is_empty() {
            return fitted;
        }
        let binned = Binned::of(lesson.groups, lesson.threads);
        let mut scores = valid.map(|valid| valid.base.clone()).unwrap_or_default();
        let mut judge = |tree: Option<&Tree>, _: &[f32]| {
            let valid = valid?;
            if let Some(tree) = tree {
                tree.add_to((&valid.signals, valid.n_signals), &mut scores, lesson.threads);
            }
            Some(valid.quality(params.objective, &scores, &|_| true).unwrap_or_default())
        };
        let growing = Growing { lesson, binned: &binned, params };
        fitted.trees = growing.trees((&|_| true, &mut judge), &mut fitted.gains);
        fitted.laid_out()
    }

    /// A model that scores everything 0.
    fn none(lesson: &Lesson<'_>) -> Trees {
        let Lesson { names, groups, .. } = *lesson;
        assert_eq!(names.len(), groups.n_signals, "one name for each signal");
        let names = names.iter().map(|name| (*name).to_owned()).collect();
        Trees { names, gains: vec![0.0; groups.n_signals], trees: Vec::new(), flat: None }
    }

    fn laid_out(self) -> Trees {
        Trees { flat: Flat::of(&self.trees, self.n_signals()), ..self }
    }

    /// Adds each candidate's answer to its score; `signals` row by row.
    ///
    /// # Panics
    ///
    /// When there is not a row of [`Trees::n_signals`] for each score.
    pub fn add_to(&self, signals: &[f32], scores: &mut [f32]) {
        assert_eq!(signals.len(), scores.len() * self.n_signals(), "a row for each score");
        match &self.flat {
            Some(flat) => flat.add_to((signals, self.n_signals()), scores),
            None => self.walk((signals, self.n_signals()), scores),
        }
    }

    fn walk(&self, rows: (&[f32], usize), scores: &mut [f32]) {
        for tree in &self.trees {
            tree.add_rows(rows, scores);
        }
    }

    /// What each signal is called, in the order of a row.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// How many signals a candidate has.
    pub fn n_signals(&self) -> usize {
        self.names.len()
    }

    /// How many trees there are.
    pub fn n_trees(&self) -> usize {
        self.trees.len()
    }

    /// What each signal is called, and which share of all gain its splits have: what the model rests on.
    pub fn importances(&self) -> impl Iterator<Item = (&str, f64)> {
        let all = self.gains.iter().sum::<f64>().max(f64::MIN_POSITIVE);
        self.names.iter().zip(&self.gains).map(move |(name, gain)| (name.as_str(), gain / all))
    }

    /// The same trees for rows of more signals, or of signals in another order; none where one that they were
    /// grown on is not among them.
    pub(crate) fn over(mut self, names: &[&str]) -> Option<Trees> {
        let place = |name: &String| names.iter().position(|other| other == name);
        let places: Vec<usize> = self.names.iter().map(place).collect::<Option<_>>()?;
        let mut gains = vec![0.0; names.len()];
        for (gain, &at) in self.gains.iter().zip(&places) {
            gains[at] += gain;
        }
        for node in self.trees.iter_mut().flat_map(|tree| &mut tree.nodes) {
            node.signal = places[node.signal as usize] as u32;
        }
        let names = names.iter().map(|name| (*name).to_owned()).collect();
        Some(Trees { names, gains, trees: self.trees, flat: None }.laid_out())
    }

    /// Writes the model; equal models give equal bytes.
    pub fn encode(&self) -> Vec<u8> {
        let body = postcard::to_allocvec(self).expect("vectors and numbers can be written");
        let mut to = Writer::new(KIND, body.len());
        to.bytes(&body);
        to.finish()
    }

    /// Reads what [`Trees::encode`] wrote.
    ///
    /// # Errors
    ///
    /// Any [`SnapshotError`]; the remedy is to train again.
    pub fn decode(bytes: &[u8]) -> Result<Trees, SnapshotError> {
        let body = Reader::new(KIND, bytes)?.rest();
        let read: Trees = postcard::from_bytes(body).map_err(|_| SnapshotError::Damaged)?;
        let n_signals = read.names.len();
        let fits =
            read.gains.len() == n_signals && read.trees.iter().all(|tree| tree.is_sound(n_signals));
        if fits { Ok(read.laid_out()) } else { Err(SnapshotError::Damaged) }
    }
}

/// Places that decide when to stop.
const EARLY_STOP_PLACES: usize = 10;

/// How good the order is by now, where nothing is learned: after a tree, with the scores of the groups.
type Judge<'a> = dyn FnMut(Option<&Tree>, &[f32]) -> Option<f64> + 'a;

/// Growing on the same rows.
struct Growing<'a> {
    lesson: &'a Lesson<'a>,
    binned: &'a Binned,
    params: &'a TreeParams,
}

impl Growing<'_> {
    /// Grows trees on the groups that teach, until they no longer help by the judge, if there is any.
    fn trees(
        &self,
        (teaches, judge): (&dyn Fn(usize) -> bool, &mut Judge<'_>),
        gains: &mut [f64],
    ) -> Vec<Tree> {
        let Growing { lesson: &Lesson { groups, threads, rests, .. }, binned, params } = *self;
        let mut random = Random::new(params.seed);
        let mut scores = groups.base.clone();
        let mut slopes = vec![[0.0_f32; 2]; groups.n_rows()];
        let mut grower = Grower::new(binned, params, threads);
        let mut best = judge(None, &scores).map(|at_start| (at_start, 0));
        let mut trees = Vec::new();
        for number in 1..=params.n_trees {
            params.objective.slopes((groups, &scores), &mut slopes, threads);
            let rows = draw_rows(groups, (params.group_share, teaches), &mut random);
            let asked = draw_signals(groups.n_signals, params.signal_share, &mut random);
            let tree = grower.grow((rows, &slopes), &asked, gains);
            tree.add_to((&groups.signals, groups.n_signals), &mut scores, threads);
            rests.rest();
            let found = judge(Some(&tree), &scores);
            trees.push(tree);
            let (Some(found), Some((value, at))) = (found, &mut best) else { continue };
            if found > *value {
                (*value, *at) = (found, number);
            } else if number >= *at + params.patience {
                break;
            }
        }
        if let Some((_, number)) = best {
            trees.truncate(number);
        }
        trees
    }
}

/// The rows of the groups that a tree is grown on, ascending.
fn draw_rows(
    groups: &Groups,
    (share, teaches): (f32, &dyn Fn(usize) -> bool),
    random: &mut Random,
) -> Vec<u32> {
    let mut rows = Vec::with_capacity(groups.n_rows());
    for (number, range) in groups.ranges().enumerate() {
        if teaches(number) && (share >= 1.0 || random.unit() < share) {
            rows.extend(range.map(|row| row as u32));
        }
    }
    rows
}

/// The signals that a tree may ask, ascending; at least one.
fn draw_signals(n_signals: usize, share: f32, random: &mut Random) -> Vec<usize> {
    let n = ((n_signals as f32 * share).round() as usize).clamp(1, n_signals);
    let mut left: Vec<usize> = (0..n_signals).collect();
    let mut drawn: Vec<usize> =
        (0..n).map(|_| left.swap_remove(random.below(left.len()))).collect();
    drawn.sort_unstable();
    drawn
}

impl Tree {
    /// Adds each row's answer to its score, on several threads.
    fn add_to(&self, (signals, n_signals): (&[f32], usize), scores: &mut [f32], threads: usize) {
        let add = |_: &mut (), first: usize, scores: &mut [f32]| {
            let end = first + scores.len();
            self.add_rows((&signals[first * n_signals..end * n_signals], n_signals), scores);
        };
        souk_math::parallel::for_chunks(scores, (threads, 1 << 14), || (), add);
    }

    fn add_rows(&self, (signals, n_signals): (&[f32], usize), scores: &mut [f32]) {
        let blocks = scores.chunks_mut(ROWS_AT_ONCE).zip(signals.chunks(ROWS_AT_ONCE * n_signals));
        for (scores, rows) in blocks {
            let mut at = [0_u32; ROWS_AT_ONCE];
            let at = &mut at[..scores.len()];
            for _ in 0..self.depth {
                for (at, row) in at.iter_mut().zip(rows.chunks_exact(n_signals)) {
                    let node = &self.nodes[*at as usize];
                    let is_larger = row[node.signal as usize] > node.threshold;
                    *at = node.next[usize::from(is_larger)];
                }
            }
            for (score, at) in scores.iter_mut().zip(at) {
                *score += self.values[*at as usize];
            }
        }
    }

    /// True when no walk can leave the tree.
    fn is_sound(&self, n_signals: usize) -> bool {
        let n = self.nodes.len();
        let inside = |node: &Node| {
            (node.signal as usize) < n_signals && node.next.iter().all(|&to| (to as usize) < n)
        };
        // A walk down is as long as the tree has nodes at most.
        n > 0 && n == self.values.len() && self.depth as usize <= n && self.nodes.iter().all(inside)
    }
}
