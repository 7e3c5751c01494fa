//! Trees laid out for answering: every split of a tree is compared with many candidates at once, and takes
//! the leaves off that a candidate cannot reach.
//!
//! Leaves are numbered from left to right, a bit each. A candidate whose signal is larger than a threshold
//! leaves all leaves left of it behind, whatever it meets above; the first leaf left over is where a walk down
//! the tree would end. No step waits for the one before, and neither the trees nor the candidates are
//! walked by pointers.
//!
//! Source: Lucchese et al., *QuickScorer*, SIGIR 2015, and *Exploiting CPU SIMD Extensions to Speed-up Document
//! Scoring with Tree Ensembles*, SIGIR 2016; here all splits of a tree are compared, because with sixteen
//! leaves that is cheaper than to sort thresholds over all trees.

use super::Tree;

/// Leaves of a tree at most, a bit each.
const LEAVES_MAX: usize = 16;
/// Signals at most, so that a block of candidates lies on the stack (8 kB).
const SIGNALS_MAX: usize = 64;
/// Candidates that are compared at once.
const ROWS: usize = 32;

/// All trees of a model.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Flat {
    /// Tree by tree.
    splits: Vec<Split>,
    trees: Vec<Leaves>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Split {
    threshold: f32,
    signal: u16,
    /// The leaves that are left to a candidate whose signal is larger.
    kept: u16,
}

#[derive(Clone, Debug, PartialEq)]
struct Leaves {
    /// Where the tree's splits end.
    end: usize,
    values: [f32; LEAVES_MAX],
}

impl Flat {
    /// Lays trees out; none where one has too many leaves, or there are no or too many signals: those are walked.
    pub(super) fn of(trees: &[Tree], n_signals: usize) -> Option<Flat> {
        if !(1..=SIGNALS_MAX).contains(&n_signals) {
            return None;
        }
        let mut flat = Flat::default();
        for tree in trees {
            let mut laying = Laying { tree, splits: &mut flat.splits, values: Vec::new() };
            let first = laying.splits.len();
            if laying.lay(0, first)? != tree.depth {
                return None;
            }
            let mut values = [0.0; LEAVES_MAX];
            values[..laying.values.len()].copy_from_slice(&laying.values);
            flat.trees.push(Leaves { end: flat.splits.len(), values });
        }
        Some(flat)
    }

    /// Adds each row's answer to its score, to the bit as a walk down the trees does.
    pub(super) fn add_to(&self, (signals, n_signals): (&[f32], usize), scores: &mut [f32]) {
        let mut block = [[0.0; ROWS]; SIGNALS_MAX];
        for (scores, rows) in scores.chunks_mut(ROWS).zip(signals.chunks(ROWS * n_signals)) {
            for (at, row) in rows.chunks_exact(n_signals).enumerate() {
                for (column, value) in block.iter_mut().zip(row) {
                    column[at] = *value;
                }
            }
            self.add_block(&block, scores);
        }
    }

    fn add_block(&self, block: &[[f32; ROWS]; SIGNALS_MAX], scores: &mut [f32]) {
        let mut first = 0;
        for tree in &self.trees {
            let mut left = [u16::MAX; ROWS];
            for split in &self.splits[first..tree.end] {
                let column = &block[usize::from(split.signal) % SIGNALS_MAX];
                for (left, value) in left.iter_mut().zip(column) {
                    // All ones where it is not larger. As arithmetic, because a branch here is compiled to jumps
                    // that take ten times as long.
                    *left &= split.kept | u16::from(*value > split.threshold).wrapping_sub(1);
                }
            }
            first = tree.end;
            for (score, left) in scores.iter_mut().zip(left) {
                // The last leaf is never left behind.
                *score += tree.values[left.trailing_zeros() as usize % LEAVES_MAX];
            }
        }
    }
}

/// One tree as it is laid out.
struct Laying<'a> {
    tree: &'a Tree,
    splits: &'a mut Vec<Split>,
    /// Of the leaves from the left.
    values: Vec<f32>,
}

impl Laying<'_> {
    /// Lays out what is below a node and returns how deep that is; none where there are too many leaves, which
    /// also ends on trees that lead back to themselves.
    fn lay(&mut self, at: usize, first: usize) -> Option<u32> {
        let node = self.tree.nodes[at];
        if node.next == [at as u32; 2] {
            self.values.push(self.tree.values[at]);
            return (self.values.len() <= LEAVES_MAX).then_some(0);
        }
        let split = self.splits.len();
        if split - first + 1 >= LEAVES_MAX {
            return None;
        }
        let (threshold, signal) = (node.threshold, node.signal as u16);
        self.splits.push(Split { threshold, signal, kept: u16::MAX });
        let before = self.values.len();
        let [smaller, larger] = node.next;
        let depth = self.lay(smaller as usize, first)?;
        let behind = (before..self.values.len()).map(|leaf| 1_u16 << leaf).sum::<u16>();
        self.splits[split].kept = !behind;
        Some(depth.max(self.lay(larger as usize, first)?) + 1)
    }
}
