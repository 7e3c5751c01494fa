//! Evaluation of "what does this shopper take next" from implicit feedback: purchases, views or
//! ratings taken as likes, one row each; leave-one-out files are of this shape too.
//!
//! The model is a weighted item-to-item co-occurrence. It is meant to be respectable and fast, not the
//! best there is: matrix models belong elsewhere.

use super::metrics::{mean, ndcg, recall};
use crate::numbering::Numbering;
use crate::types::{Item, Shopper};
use rustc_hash::{FxHashMap, FxHashSet};

mod model;
#[cfg(test)]
mod tests;

pub use model::RatingParams;
use model::{Histories, Model};

/// One item that a shopper took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RatingRow {
    /// Who.
    pub shopper: Shopper,
    /// What.
    pub item: Item,
    /// When, in any unit that rises; equal times keep the order of the rows.
    pub time: i64,
}

/// Whether items of the shopper's training part may be proposed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Seen {
    /// They may not: the test holds only new items.
    #[default]
    Exclude,
    /// They may.
    Include,
}

/// How the parameters are chosen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum RatingTuning<'a> {
    /// They are given.
    Fixed(RatingParams),
    /// Tried on each shopper's last tenth of the training part, at least one item: for a test that
    /// follows the training part in time.
    TrainTail,
    /// Tried on a fifth of each shopper's training part, drawn with this seed: for a test that was
    /// drawn at random.
    TrainSample(u64),
    /// Tried on these rows.
    Valid(&'a [RatingRow]),
}

impl RatingTuning<'_> {
    /// Chooses the hold-out that is made as the test was made.
    ///
    /// Where most test rows come before the last training row of their shopper, the test was drawn
    /// at random, and parameters tried on a tail would answer another question. Only the times of
    /// the test rows are looked at, never their items.
    pub fn like_the_test(train: &[RatingRow], test: &[RatingRow]) -> RatingTuning<'static> {
        let mut last: FxHashMap<Shopper, i64> = FxHashMap::default();
        for row in train {
            let last = last.entry(row.shopper).or_insert(row.time);
            *last = row.time.max(*last);
        }
        let inside = |row: &&RatingRow| last.get(&row.shopper).is_some_and(|&last| row.time < last);
        if 2 * test.iter().filter(inside).count() > test.len() {
            RatingTuning::TrainSample(0)
        } else {
            RatingTuning::TrainTail
        }
    }
}

/// What to evaluate.
#[derive(Clone, Copy, Debug)]
pub struct RatingTask<'a> {
    /// What the model knows.
    pub train: &'a [RatingRow],
    /// What it is judged by.
    pub test: &'a [RatingRow],
    /// The list lengths to judge at.
    pub ks: &'a [usize],
    /// Whether items of the training part may be proposed.
    pub seen: Seen,
    /// How the parameters are chosen.
    pub tuning: RatingTuning<'a>,
    /// Attributes by item number, as numbers that equal attributes share; may be empty.
    pub attributes: &'a [Vec<u32>],
}

/// Means over the test shoppers at one list length.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct RatingMeasures {
    /// The list length.
    pub k: usize,
    /// Hits / items wanted.
    pub recall: f64,
    /// Normalised discounted cumulative gain, binary.
    pub ndcg: f64,
    /// The share of all training items that stand in any list.
    pub coverage: f64,
}

/// What came out.
#[derive(Clone, Debug, PartialEq)]
pub struct RatingReport {
    /// The model's measures, by list length.
    pub model: Vec<RatingMeasures>,
    /// The same for the most popular items (without the seen ones, if those are excluded).
    pub popularity: Vec<RatingMeasures>,
    /// The parameters that were used.
    pub params: RatingParams,
    /// Ranked lists by shopper, ascending, as long as the largest list length.
    pub predictions: Vec<(Shopper, Vec<Item>)>,
    /// Time of each query in the unit of the caller's timer.
    pub latencies: Vec<u64>,
}

/// At most this many shoppers are asked while parameters are tried: enough to tell them apart.
const TUNING_SHOPPERS_MAX: usize = 3_000;

/// Runs the whole protocol; `timer` returns a steadily rising time in any unit.
pub fn evaluate_ratings(task: &RatingTask<'_>, timer: &dyn Fn() -> u64) -> RatingReport {
    let histories = Histories::new(task.train);
    let params = match task.tuning {
        RatingTuning::Fixed(params) => params,
        RatingTuning::TrainTail => {
            let (kept, held_out) = histories.split_tail();
            tune(task, &kept, &held_out)
        }
        RatingTuning::TrainSample(seed) => {
            let (kept, held_out) = histories.split_sample(seed);
            tune(task, &kept, &held_out)
        }
        RatingTuning::Valid(rows) => tune(task, &histories, &wanted(rows)),
    };
    let model = Model::new(&histories, task.attributes, params);
    let wanted = wanted(task.test);
    let limit = task.ks.iter().copied().max().unwrap_or(0);
    let mut scratch = Numbering::default();
    let (mut latencies, mut predictions) = (Vec::new(), Vec::new());
    for (shopper, _) in &wanted {
        let begin = timer();
        let list = model.rank(*shopper, (task.seen, limit), &mut scratch);
        latencies.push(timer().saturating_sub(begin));
        predictions.push((*shopper, list));
    }
    let popular = wanted
        .iter()
        .map(|(shopper, _)| (*shopper, model.popular(*shopper, (task.seen, limit), &[])))
        .collect::<Vec<_>>();
    let n_items = histories.n_distinct_items();
    let judge = |lists: &[(Shopper, Vec<Item>)]| {
        task.ks.iter().map(|&k| measure(&wanted, lists, (k, n_items))).collect()
    };
    RatingReport {
        model: judge(&predictions),
        popularity: judge(&popular),
        params,
        predictions,
        latencies,
    }
}

type Wanted = Vec<(Shopper, FxHashSet<Item>)>;

/// What each shopper took, ascending by shopper.
fn wanted(rows: &[RatingRow]) -> Wanted {
    let mut by_shopper: FxHashMap<Shopper, FxHashSet<Item>> = FxHashMap::default();
    for row in rows {
        by_shopper.entry(row.shopper).or_default().insert(row.item);
    }
    let mut wanted: Wanted = by_shopper.into_iter().collect();
    wanted.sort_unstable_by_key(|(shopper, _)| *shopper);
    wanted
}

/// Improves one parameter after the other, twice round, by NDCG@10 on the held-out items.
///
/// Coordinate search because the parameters hardly interact and every try builds a model.
fn tune(task: &RatingTask<'_>, histories: &Histories, held_out: &Wanted) -> RatingParams {
    let every = held_out.len().div_ceil(TUNING_SHOPPERS_MAX).max(1);
    let asked: Wanted = held_out.iter().step_by(every).cloned().collect();
    let quality = |params: RatingParams| {
        let model = Model::new(histories, task.attributes, params);
        let mut scratch = Numbering::default();
        let values = asked.iter().map(|(shopper, wanted)| {
            ndcg(&model.rank(*shopper, (task.seen, 10), &mut scratch), wanted, 10)
        });
        mean(&values.collect::<Vec<_>>())
    };
    let mut best = (f64::MIN, RatingParams::default());
    for start in RatingParams::starts() {
        let found = quality(start);
        if found > best.0 {
            best = (found, start);
        }
    }
    for _ in 0..2 {
        for parameter in 0..RatingParams::N {
            for tried in best.1.neighbours(parameter, task.attributes.is_empty()) {
                let found = quality(tried);
                if found > best.0 {
                    best = (found, tried);
                }
            }
        }
    }
    best.1
}

fn measure(
    wanted: &Wanted,
    lists: &[(Shopper, Vec<Item>)],
    (k, n_items): (usize, usize),
) -> RatingMeasures {
    let pairs = || wanted.iter().zip(lists).map(|((_, wanted), (_, list))| (list, wanted));
    let shown: FxHashSet<Item> =
        pairs().flat_map(|(list, _)| list.iter().take(k)).copied().collect();
    RatingMeasures {
        k,
        recall: mean(&pairs().map(|(list, wanted)| recall(list, wanted, k)).collect::<Vec<_>>()),
        ndcg: mean(&pairs().map(|(list, wanted)| ndcg(list, wanted, k)).collect::<Vec<_>>()),
        coverage: shown.len() as f64 / n_items.max(1) as f64,
    }
}
