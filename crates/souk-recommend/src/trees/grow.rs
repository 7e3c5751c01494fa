//! One tree, leaf by leaf: the leaf whose best split gains most is split next.

use super::bins::{BINS_MAX, Binned};
use super::{Node, Tree, TreeParams};
use souk_math::parallel::for_chunks;

/// Sums over the rows of one range of one signal.
#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    slope: f64,
    bend: f64,
    n: f64,
}

impl Sums {
    fn add(&mut self, other: Sums) {
        self.slope += other.slope;
        self.bend += other.bend;
        self.n += other.n;
    }

    fn without(self, other: Sums) -> Sums {
        Sums { slope: self.slope - other.slope, bend: self.bend - other.bend, n: self.n - other.n }
    }

    /// What a leaf of these rows lowers the loss by, doubled (XGBoost, eq. 6).
    fn gain(self, penalty: f64) -> f64 {
        self.slope * self.slope / (self.bend + penalty).max(f64::MIN_POSITIVE)
    }
}

/// The best question to ask in a leaf.
#[derive(Clone, Copy, Debug)]
struct Split {
    gain: f64,
    signal: usize,
    /// Ranges up to this one go to the first side.
    bin: usize,
    first: Sums,
}

/// A leaf that may be split.
struct Leaf {
    node: usize,
    /// Its rows in `Grower::rows`.
    begin: usize,
    end: usize,
    depth: usize,
    sums: Sums,
    /// By asked signal, then range.
    histogram: Vec<[Sums; BINS_MAX]>,
    split: Option<Split>,
}

/// Leaves of fewer rows are counted on one thread, as starting others takes longer (chosen).
const ROWS_FOR_THREADS: usize = 8_192;

/// Grows trees on the same binned rows.
pub(super) struct Grower<'a> {
    binned: &'a Binned,
    params: &'a TreeParams,
    threads: usize,
    rows: Vec<u32>,
    /// Rows of the second side while a leaf is parted.
    second: Vec<u32>,
    /// The slopes of a leaf's rows, in their order.
    gathered: Vec<[f32; 2]>,
}

impl<'a> Grower<'a> {
    pub(super) fn new(binned: &'a Binned, params: &'a TreeParams, threads: usize) -> Grower<'a> {
        let (rows, second, gathered) = (Vec::new(), Vec::new(), Vec::new());
        Grower { binned, params, threads, rows, second, gathered }
    }

    /// Grows a tree on some rows and adds what each signal's splits gained.
    pub(super) fn grow(
        &mut self,
        (rows, slopes): (Vec<u32>, &[[f32; 2]]),
        asked: &[usize],
        gains: &mut [f64],
    ) -> Tree {
        self.rows = rows;
        let mut tree = Tree::default();
        let mut sums = Sums::default();
        for &row in &self.rows {
            sums.add(one(slopes[row as usize]));
        }
        let node = tree.leaf(self.value(sums));
        let histogram = self.histogram((0, self.rows.len()), slopes, asked);
        let mut root =
            Leaf { node, begin: 0, end: self.rows.len(), depth: 0, sums, histogram, split: None };
        root.split = self.best_split(&root, asked);
        let mut leaves = vec![root];
        while leaves.len() < self.params.leaves_max {
            let best = leaves.iter().enumerate().filter_map(|(at, leaf)| Some((at, leaf.split?)));
            // Of equal gains the older leaf.
            let best = best.reduce(|a, b| if b.1.gain > a.1.gain { b } else { a });
            let Some((at, split)) = best else { break };
            let leaf = leaves.swap_remove(at);
            gains[split.signal] += split.gain;
            leaves.extend(self.part(leaf, split, (&mut tree, slopes, asked)));
        }
        tree
    }

    /// Splits a leaf in two.
    fn part(
        &mut self,
        leaf: Leaf,
        split: Split,
        (tree, slopes, asked): (&mut Tree, &[[f32; 2]], &[usize]),
    ) -> [Leaf; 2] {
        let column = &self.binned.signals[split.signal];
        self.second.clear();
        let mut kept = leaf.begin;
        for at in leaf.begin..leaf.end {
            let row = self.rows[at];
            if usize::from(column.bins[row as usize]) <= split.bin {
                self.rows[kept] = row;
                kept += 1;
            } else {
                self.second.push(row);
            }
        }
        self.rows[kept..leaf.end].copy_from_slice(&self.second);
        let sums = [split.first, leaf.sums.without(split.first)];
        let nodes = sums.map(|sums| tree.leaf(self.value(sums)));
        tree.nodes[leaf.node] = Node {
            signal: split.signal as u32,
            threshold: column.borders[split.bin],
            next: nodes.map(|node| node as u32),
        };
        let depth = leaf.depth + 1;
        tree.depth = tree.depth.max(depth as u32);
        let ranges = [(leaf.begin, kept), (kept, leaf.end)];
        // Only the smaller side is counted; the larger one is what is left.
        let smaller = usize::from(kept - leaf.begin > leaf.end - kept);
        let counted = self.histogram(ranges[smaller], slopes, asked);
        let mut rest = leaf.histogram;
        for (rest, counted) in rest.iter_mut().zip(&counted) {
            rest.iter_mut().zip(counted).for_each(|(rest, sums)| *rest = rest.without(*sums));
        }
        let mut histograms = [Some(counted), Some(rest)];
        let mut side = |at: usize| {
            let histogram = histograms[usize::from(at != smaller)].take();
            let histogram = histogram.expect("each side takes its own");
            let (begin, end) = ranges[at];
            let mut side =
                Leaf { node: nodes[at], begin, end, depth, sums: sums[at], histogram, split: None };
            side.split = self.best_split(&side, asked);
            side
        };
        [side(0), side(1)]
    }

    /// Sums the slopes of some rows by range, for each asked signal.
    fn histogram(
        &mut self,
        (begin, end): (usize, usize),
        slopes: &[[f32; 2]],
        asked: &[usize],
    ) -> Vec<[Sums; BINS_MAX]> {
        let rows = &self.rows[begin..end];
        self.gathered.clear();
        self.gathered.extend(rows.iter().map(|&row| slopes[row as usize]));
        let (gathered, binned) = (&self.gathered, self.binned);
        let mut histogram = vec![[Sums::default(); BINS_MAX]; asked.len()];
        let count = |_: &mut (), first: usize, histogram: &mut [[Sums; BINS_MAX]]| {
            for (idx, sums) in histogram.iter_mut().enumerate() {
                let bins = &binned.signals[asked[first + idx]].bins;
                for (&row, &slope) in rows.iter().zip(gathered) {
                    sums[usize::from(bins[row as usize])].add(one(slope));
                }
            }
        };
        let threads = if rows.len() < ROWS_FOR_THREADS { 1 } else { self.threads };
        for_chunks(&mut histogram, (threads, 1), || (), count);
        histogram
    }

    /// The split that gains most, if any gains: of equal ones the first signal's lowest border.
    fn best_split(&self, leaf: &Leaf, asked: &[usize]) -> Option<Split> {
        if leaf.depth >= self.params.depth_max {
            return None;
        }
        let (penalty, n_min) = (self.params.penalty, self.params.rows_min.max(1) as f64);
        let whole = leaf.sums.gain(penalty);
        let mut best: Option<Split> = None;
        for (histogram, &signal) in leaf.histogram.iter().zip(asked) {
            let mut first = Sums::default();
            for (bin, &sums) in
                histogram[..self.binned.signals[signal].borders.len()].iter().enumerate()
            {
                first.add(sums);
                let second = leaf.sums.without(first);
                if first.n < n_min || second.n < n_min {
                    continue;
                }
                let gain = first.gain(penalty) + second.gain(penalty) - whole;
                if gain > best.map_or(GAIN_MIN, |best| best.gain) {
                    best = Some(Split { gain, signal, bin, first });
                }
            }
        }
        best
    }

    /// XGBoost, eq. 5, shrunk.
    fn value(&self, sums: Sums) -> f32 {
        let bend = (sums.bend + self.params.penalty).max(f64::MIN_POSITIVE);
        self.params.learning_rate * (-sums.slope / bend) as f32
    }
}

/// What is below is rounding.
const GAIN_MIN: f64 = 1e-9;

fn one(slope: [f32; 2]) -> Sums {
    Sums { slope: f64::from(slope[0]), bend: f64::from(slope[1]), n: 1.0 }
}

impl Tree {
    /// Adds a leaf and returns its number.
    fn leaf(&mut self, value: f32) -> usize {
        let node = self.nodes.len();
        self.nodes.push(Node { signal: 0, threshold: f32::INFINITY, next: [node as u32; 2] });
        self.values.push(value);
        node
    }
}
