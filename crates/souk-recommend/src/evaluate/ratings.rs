//! Evaluation of "what does this shopper take next" from implicit feedback: purchases, views or
//! ratings taken as likes, one row each; leave-one-out files are of this shape too.
//!
//! The model is a blend of candidate sources. Their parameters and the blend's weights are chosen on
//! rows held out of the training part, or on a validation part.

use crate::diversity::{Candidates, RelevanceCurve, VarietyParams, VarietyScratch, vary};
use crate::sources::{Blend, BlendScratch, Histories, ListCurves, Popularity, Recipe};
use crate::types::{Item, Shopper};
use rustc_hash::{FxHashMap, FxHashSet};

use super::bootstrap::Difference;

mod measures;
mod relevance;
mod split;
mod teach;
#[cfg(test)]
mod tests;
mod tune;

pub use measures::{Accuracy, RatingMeasures};
use measures::{Judge, likeness};
use relevance::{Asked, candidates};
pub use split::{newest_items, split_at_time};
pub use teach::{Lessons, Search, Verdict, teach};
use tune::{hidden, tune};

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
    /// They are those of the recipe.
    Fixed,
    /// Tried on each shopper's last tenth of the training part, at least one item: for a test that
    /// follows the training part in time.
    TrainTail,
    /// Tried on a fifth of each shopper's training part, drawn with this seed: for a test that was
    /// drawn at random.
    TrainSample(u64),
    /// Tried on these rows, which the model then learns from too.
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
    /// The sources, and where the search for their parameters begins.
    pub recipe: &'a Recipe,
    /// How much variety is put into the lists; none to leave them as they were ranked. How fast relevance falls is learned
    /// on what parameters are tried on; with fixed ones it is that of the recipe.
    pub diversity: Option<VarietyParams>,
    /// How many threads fit the sources; the result does not depend on it.
    pub threads: usize,
    /// Lists of another configuration to compare with; those of shoppers without a test row are
    /// passed over, and a missing list counts as empty.
    pub against: Option<&'a [(Shopper, Vec<Item>)]>,
}

/// What came out.
#[derive(Clone, Debug, PartialEq)]
pub struct RatingReport {
    /// The model's measures, by list length.
    pub model: Vec<RatingMeasures>,
    /// The same before variety was put into the lists; empty when none was.
    pub as_ranked: Vec<RatingMeasures>,
    /// How much the model's NDCG is above that, by list length.
    pub over_as_ranked: Vec<Difference>,
    /// The same for the most popular items (without the seen ones, if those are excluded).
    pub popularity: Vec<RatingMeasures>,
    /// How much the model's NDCG is above that of popularity, by list length.
    pub over_popularity: Vec<Difference>,
    /// How much it is above that of the other configuration, if one was given.
    pub over_other: Vec<Difference>,
    /// The sources, parameters and weights that were used.
    pub recipe: Recipe,
    /// Ranked lists by shopper, ascending, as long as the largest list length.
    pub predictions: Vec<(Shopper, Vec<Item>)>,
    /// Time of each query in the unit of the caller's timer.
    pub latencies: Vec<u64>,
}

/// Runs the whole protocol; `timer` returns a steadily rising time in any unit.
pub fn evaluate_ratings(task: &RatingTask<'_>, timer: &dyn Fn() -> u64) -> RatingReport {
    let mut histories = histories_of(task.train);
    let recipe = match task.tuning {
        RatingTuning::Fixed => task.recipe.clone(),
        RatingTuning::TrainTail => {
            let (kept, held_out) = split::hold_out_tail(&histories);
            tuned(task, &kept, &held_out)
        }
        RatingTuning::TrainSample(seed) => {
            let (kept, held_out) = split::hold_out_sample(&histories, seed);
            tuned(task, &kept, &held_out)
        }
        RatingTuning::Valid(rows) => {
            let recipe = tuned(task, &histories, &wanted(rows));
            let rows: Vec<RatingRow> = task.train.iter().chain(rows).copied().collect();
            histories = histories_of(&rows);
            recipe
        }
    };
    let blend = recipe.fit(&histories, task.attributes, task.threads);
    let wanted = wanted(task.test);
    let Lists { predictions, as_ranked, popular, latencies } =
        lists(task, (&histories, &blend, recipe.curves.blend), &wanted, timer);
    let judge = Judge { wanted: &wanted, histories: &histories, attributes: task.attributes };
    let others = task.against.map(|lists| align(&wanted, lists));
    let at_each = |others: &[(Shopper, Vec<Item>)]| {
        task.ks.iter().map(|&k| judge.difference(&predictions, others, k)).collect()
    };
    let is_varied = task.diversity.is_some();
    let measures = |lists: &[(Shopper, Vec<Item>)]| -> Vec<RatingMeasures> {
        task.ks.iter().map(|&k| judge.measure(lists, k)).collect()
    };
    RatingReport {
        as_ranked: if is_varied { measures(&as_ranked) } else { Vec::new() },
        over_as_ranked: if is_varied { at_each(&as_ranked) } else { Vec::new() },
        model: measures(&predictions),
        popularity: measures(&popular),
        over_popularity: at_each(&popular),
        over_other: others.map(|others| at_each(&others)).unwrap_or_default(),
        recipe,
        predictions,
        latencies,
    }
}

/// A recipe, and where variety is wanted how fast relevance falls in its lists.
fn tuned(task: &RatingTask<'_>, kept: &Histories, held_out: &Wanted) -> Recipe {
    let mut recipe = tune(task, kept, held_out);
    if task.diversity.is_some() {
        let blend = recipe.fit(kept, task.attributes, task.threads);
        let places = task.ks.iter().copied().max().unwrap_or(0);
        let asked = Asked { kept, wanted: held_out, seen: task.seen, places };
        recipe.curves = ListCurves {
            blend: relevance::of_blend(&blend, &asked).curve,
            popular: relevance::of_popularity(&asked).curve,
        };
    }
    recipe
}

/// Lists of the judged shoppers, ascending by shopper.
#[derive(Default)]
struct Lists {
    predictions: Vec<(Shopper, Vec<Item>)>,
    /// The same without variety.
    as_ranked: Vec<(Shopper, Vec<Item>)>,
    popular: Vec<(Shopper, Vec<Item>)>,
    latencies: Vec<u64>,
}

fn lists(
    task: &RatingTask<'_>,
    (histories, blend, curve): (&Histories, &Blend, RelevanceCurve),
    wanted: &Wanted,
    timer: &dyn Fn() -> u64,
) -> Lists {
    let popularity = Popularity::fit(histories);
    let limit = task.ks.iter().copied().max().unwrap_or(0);
    let crowd = (histories, task.attributes);
    let (mut scratch, mut variety) = (BlendScratch::default(), VarietyScratch::default());
    let mut lists = Lists::default();
    for (shopper, _) in wanted {
        let hidden = hidden(histories, *shopper, task.seen);
        let is_hidden = |item| hidden.contains(&item);
        let own = histories.items(*shopper);
        let begin = timer();
        let depth = limit + task.diversity.map_or(0, |params| params.behind);
        let mut list = candidates(blend, own, (limit, depth, &is_hidden), &mut scratch);
        let as_ranked: Vec<Item> = list.iter().take(limit).copied().collect();
        if let Some(params) = &task.diversity {
            list = varied(&list, (crowd, blend, curve), (limit, params), &mut variety);
        }
        lists.latencies.push(timer().saturating_sub(begin));
        lists.predictions.push((*shopper, list));
        lists.as_ranked.push((*shopper, as_ranked));
        let popular = popularity.ranked().filter(|item| !is_hidden(*item)).take(limit);
        lists.popular.push((*shopper, popular.collect()));
    }
    lists
}

/// The first `limit` candidates with variety among them.
fn varied(
    candidates: &[Item],
    (crowd, blend, curve): ((&Histories, &[Vec<u32>]), &Blend, RelevanceCurve),
    (limit, params): (usize, &VarietyParams),
    scratch: &mut VarietyScratch,
) -> Vec<Item> {
    let relevance: Vec<f32> =
        (0..candidates.len()).map(|rank| curve.at(rank as f64) as f32).collect();
    let rarity: Vec<f32> = candidates.iter().map(|item| 1.0 - blend.popularity(*item)).collect();
    let distance = |a: usize, b: usize| 1.0 - likeness(crowd, candidates[a], candidates[b]);
    let candidates_of =
        Candidates { relevance: &relevance, rarity: &rarity, distance: &distance, mix: None };
    let list = vary(&candidates_of, (limit, params), scratch);
    list.iter().map(|&rank| candidates[rank]).collect()
}

type Wanted = Vec<(Shopper, FxHashSet<Item>)>;

fn histories_of(rows: &[RatingRow]) -> Histories {
    Histories::of(rows.iter().map(|row| (row.shopper, row.item, row.time)))
}

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

/// Another configuration's lists in the order of the judged shoppers.
fn align(wanted: &Wanted, lists: &[(Shopper, Vec<Item>)]) -> Vec<(Shopper, Vec<Item>)> {
    let lists: FxHashMap<Shopper, &Vec<Item>> =
        lists.iter().map(|(shopper, list)| (*shopper, list)).collect();
    let list = |shopper| lists.get(&shopper).map(|list| (*list).clone()).unwrap_or_default();
    wanted.iter().map(|(shopper, _)| (*shopper, list(*shopper))).collect()
}
