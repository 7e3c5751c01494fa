//! Chooses each source's parameters and the blend's weights on held-out items.

use super::{RatingTask, Seen, Wanted, split};
use crate::evaluate::metrics::{mean, ndcg};
use crate::sources::{Histories, LessonBook, NewPlaces, Recipe, Scores, Source, SourceParams};
use crate::types::{Item, Shopper};
use rustc_hash::FxHashSet;

/// At most this many shoppers are asked while parameters are tried: enough to tell them apart.
const ASKED_MAX: usize = 3_000;
/// At most this many teach the weights.
const LESSONS_MAX: usize = 6_000;
/// How often all parameters of a source that only counts are gone through.
const ROUNDS: usize = 2;

/// Improves one parameter of one source after the other by its own NDCG@10 on the held-out items,
/// then learns the weights of all.
///
/// Coordinate search because the parameters hardly interact and every try fits a source.
pub(super) fn tune(task: &RatingTask<'_>, histories: &Histories, held_out: &Wanted) -> Recipe {
    let asked = sample(held_out, ASKED_MAX);
    let sources = task.recipe.sources.iter().map(|source| best(task, histories, &asked, *source));
    let mut recipe = Recipe::new(sources.collect());
    learn(task, histories, (held_out, &mut recipe));
    recipe
}

fn sample(wanted: &Wanted, n_max: usize) -> Wanted {
    let every = wanted.len().div_ceil(n_max).max(1);
    wanted.iter().step_by(every).cloned().collect()
}

fn best(
    task: &RatingTask<'_>,
    histories: &Histories,
    asked: &Wanted,
    start: SourceParams,
) -> SourceParams {
    let quality = |params: &SourceParams| {
        let source = params.fit(histories, task.attributes, task.threads);
        quality_of(&*source, histories, (task.seen, asked))
    };
    if start.variants(0).is_none() {
        return start;
    }
    let mut best = (quality(&start), start);
    let rounds = match start {
        // A fit of these takes seconds: one round, chosen for its cost.
        SourceParams::Ease(_) | SourceParams::Als(_) => 1,
        _ => ROUNDS,
    };
    for _ in 0..rounds {
        let before = best.1;
        for parameter in 0.. {
            let Some(variants) = best.1.variants(parameter) else { break };
            for tried in variants.into_iter().filter(|tried| *tried != before) {
                let found = quality(&tried);
                if found > best.0 {
                    best = (found, tried);
                }
            }
        }
        if best.1 == before {
            break;
        }
    }
    best.1
}

/// NDCG@10 of a source alone.
fn quality_of(source: &dyn Source, histories: &Histories, (seen, asked): (Seen, &Wanted)) -> f64 {
    let (mut scores, mut top) = (Scores::default(), Vec::new());
    let values = asked.iter().map(|(shopper, wanted)| {
        let hidden = hidden(histories, *shopper, seen);
        scores.clear();
        source.score(histories.items(*shopper), &mut scores);
        scores.top(10, &|item| hidden.contains(&item), &mut top);
        let list: Vec<Item> = top.iter().map(|&(_, item)| item).collect();
        ndcg(&list, wanted, 10)
    });
    mean(&values.collect::<Vec<_>>())
}

/// What a shopper must not be shown.
pub(super) fn hidden(histories: &Histories, shopper: Shopper, seen: Seen) -> FxHashSet<Item> {
    match seen {
        Seen::Exclude => histories.items(shopper).iter().copied().collect(),
        Seen::Include => FxHashSet::default(),
    }
}

/// Learns the weights of known items on all histories, then those of new items on histories from
/// which a tenth of the items was taken.
fn learn(task: &RatingTask<'_>, histories: &Histories, (held_out, recipe): (&Wanted, &mut Recipe)) {
    let held_out = sample(held_out, LESSONS_MAX);
    let lessons = |histories: &Histories, recipe: &Recipe, newcomers: Newcomers| {
        let blend = recipe.fit(histories, task.attributes, task.threads);
        let mut lessons = LessonBook::default();
        for (shopper, taken) in &held_out {
            let hidden = hidden(histories, *shopper, task.seen);
            let is_hidden = |item: Item| {
                let is_new = newcomers == Newcomers::Hidden && histories.takers(item).is_empty();
                is_new || hidden.contains(&item)
            };
            lessons.add(&blend, (histories.items(*shopper), taken), &is_hidden);
        }
        lessons
    };
    let Some(weights) = lessons(histories, recipe, Newcomers::Hidden).fit() else { return };
    recipe.weights = weights;
    if recipe.sources.iter().any(|source| matches!(source, SourceParams::Content(_))) {
        let without = split::without_some_items(histories, NEW_SEED);
        let places = NewPlaces::default();
        let lessons = lessons(&without, recipe, Newcomers::Shown);
        recipe.weights = lessons.fit_new(&recipe.weights, &places);
        recipe.new_share = places.share;
    }
}

/// Whether items that nobody took are candidates.
#[derive(Clone, Copy, PartialEq)]
enum Newcomers {
    Hidden,
    Shown,
}

/// Draws the items that lessons about new items are made of.
const NEW_SEED: u64 = 1;
