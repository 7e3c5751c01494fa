//! Teaches a shop's own model as the evaluation would, and judges it before it serves.

use super::relevance::{Asked, Quality, of_blend, of_popularity};
use super::split::hold_out_tail;
use super::tune::{learn, tune};
use super::{RatingTask, RatingTuning, Seen, Wanted};
use crate::sources::{Histories, ListCurves, Recipe, Tokens};

/// Shoppers with something held out, below which nothing is learned: half of them judge, and an
/// NDCG of fewer says nothing (chosen).
const ASKED_MIN: usize = 40;
/// At most this many shoppers judge.
const JUDGES_MAX: usize = 3_000;
/// Places of the lists that are judged.
const PLACES: usize = 10;

/// What a model is learned from.
#[derive(Clone, Copy, Debug)]
pub struct Lessons<'a> {
    /// What shoppers took.
    pub histories: &'a Histories,
    /// What items say of themselves, by item number.
    pub tokens: &'a Tokens,
    /// Whether the sources' parameters are searched for, which fits each source some thirty times, or
    /// only the weights are learned.
    pub search: Search,
    /// How many threads fit; the result does not depend on it.
    pub threads: usize,
}

/// What is learned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Search {
    /// The weights that join the sources.
    Weights,
    /// Each source's parameters, then the weights.
    Parameters,
}

/// How good a model is on what it did not learn from: NDCG@10 of the last tenth of a history, which half
/// of the shoppers taught the weights and the other half judge. What they had before is not proposed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Verdict {
    /// Shoppers who judge.
    pub n_judges: usize,
    /// Of the new model.
    pub model: f64,
    /// Of the most popular items.
    pub popularity: f64,
    /// Of the model that serves now, fitted on the same histories.
    pub serving: Option<f64>,
}

/// Learns a recipe and judges it beside the one that serves; `None` when there is too little to learn
/// from.
pub fn teach(
    lessons: &Lessons<'_>,
    start: &Recipe,
    serving: Option<&Recipe>,
) -> Option<(Recipe, Verdict)> {
    let (kept, wanted) = hold_out_tail(lessons.histories);
    if wanted.len() < ASKED_MIN {
        return None;
    }
    let half = |which: usize| -> Wanted { wanted.iter().skip(which).step_by(2).cloned().collect() };
    let (teachers, judges) = (half(0), half(1));
    let mut recipe = learned(lessons, (&kept, &teachers), start);
    let every = judges.len().div_ceil(JUDGES_MAX).max(1);
    let judges: Wanted = judges.into_iter().step_by(every).collect();
    let asked = Asked { kept: &kept, wanted: &judges, seen: Seen::Exclude, places: PLACES };
    let quality = |recipe: &Recipe| -> Quality {
        of_blend(&recipe.fit(&kept, lessons.tokens, lessons.threads), &asked)
    };
    let (model, popularity) = (quality(&recipe), of_popularity(&asked));
    // Those who judge did not teach the weights, so their hits stand where those of others will.
    recipe.curves = ListCurves { blend: model.curve, popular: popularity.curve };
    let verdict = Verdict {
        n_judges: judges.len(),
        model: model.ndcg,
        popularity: popularity.ndcg,
        serving: serving.map(|serving| quality(serving).ndcg),
    };
    Some((recipe, verdict))
}

fn learned(lessons: &Lessons<'_>, (kept, taught): (&Histories, &Wanted), start: &Recipe) -> Recipe {
    let task = RatingTask {
        train: &[],
        test: &[],
        ks: &[PLACES],
        seen: Seen::Exclude,
        tuning: RatingTuning::Fixed,
        attributes: lessons.tokens,
        recipe: start,
        diversity: None,
        threads: lessons.threads,
        against: None,
    };
    match lessons.search {
        Search::Parameters => tune(&task, kept, taught),
        Search::Weights => {
            let mut recipe = Recipe::new(start.sources.clone());
            learn(&task, kept, (taught, &mut recipe));
            recipe
        }
    }
}
