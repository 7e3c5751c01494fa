//! What weights and trees are learned from: the first baskets after cuts through the training part.

use super::{Judged, first_baskets};
use crate::next_basket::{Basket, BasketVectors, Lesson, Lessons, Market, RankLessons, Weights};
use crate::parallel::for_chunks;
use crate::trees::{TreeParams, Trees};
use crate::types::Shopper;

/// A shopper teaches only with this many earlier baskets: fewer say nothing about habits (chosen).
const LESSON_BASKETS_MIN: usize = 3;
/// How many cuts teach the weights, a tenth of the training part's time apart.
const WEIGHT_CUTS: i64 = 3;
/// How many cuts teach the trees, the last of which may say when to stop instead,
const TREE_CUTS: i64 = 9;
/// and which part of the training part's time lies between them.
const TREE_CUTS_APART: i64 = 40;
/// Cuts are gone through on so many threads; the result does not depend on it.
const THREADS: usize = 2;

/// What was learned.
pub(super) struct Learned {
    pub(super) weights: Weights,
    pub(super) trees: Option<Trees>,
}

/// Learns the weights of the first order and the trees of the second. With `valid` (the baskets that
/// follow `state`), weights are learned from it and trees grow until they no longer help there;
/// else the last cut serves for that.
pub(super) fn learn(
    train: &[(Shopper, Basket)],
    (state, market, end): (&BasketVectors, &Market, i64),
    valid: Option<&Judged>,
) -> Learned {
    let begin = train.iter().map(|(_, basket)| basket.time).min().unwrap_or(0);
    let span = end.saturating_sub(begin);
    let mut lessons = Lessons::default();
    match valid {
        Some(next) => teach(state, (market, end, next), &mut |lesson| lessons.add(state, lesson)),
        None => {
            for cut in (1..=WEIGHT_CUTS).map(|n| end - n * (span / 10)) {
                at_cut(train, cut, |state, lesson| lessons.add(state, lesson));
            }
        }
    }
    let weights = lessons.fit().unwrap_or_default();
    let step = span / TREE_CUTS_APART;
    let mut cuts: Vec<(i64, RankLessons)> =
        (1..=TREE_CUTS).map(|n| (end - n * step, RankLessons::new(weights))).collect();
    for_chunks(
        &mut cuts,
        (THREADS, 1),
        || (),
        |_, _, cuts| {
            for (cut, lessons) in cuts {
                at_cut(train, *cut, |state, lesson| lessons.add(state, lesson));
            }
        },
    );
    let mut cuts = cuts.into_iter().map(|(_, lessons)| lessons);
    let params = TreeParams::default();
    let judges = match valid {
        Some(next) => {
            let mut judges = RankLessons::new(weights);
            teach(state, (market, end, next), &mut |lesson| judges.add(state, lesson));
            judges
        }
        None => cuts.next().unwrap_or_else(|| RankLessons::new(weights)),
    };
    let trees = join(weights, cuts).fit(Some(&judges), &params, THREADS);
    Learned { weights, trees: (trees.n_trees() > 0).then_some(trees) }
}

fn join(weights: Weights, parts: impl Iterator<Item = RankLessons>) -> RankLessons {
    parts.fold(RankLessons::new(weights), |mut all, part| {
        all.extend(&part);
        all
    })
}

/// Lessons from the first baskets after a cut, each predicted from what came before the cut.
fn at_cut(train: &[(Shopper, Basket)], cut: i64, mut add: impl FnMut(&BasketVectors, &Lesson<'_>)) {
    let (before, after): (Vec<_>, Vec<_>) =
        train.iter().cloned().partition(|(_, basket)| basket.time < cut);
    let state = BasketVectors::build(before);
    let market = Market::at(&state, cut);
    teach(&state, (&market, cut, &first_baskets(after)), &mut |lesson| add(&state, lesson));
}

fn teach(
    state: &BasketVectors,
    (market, now, next): (&Market, i64, &Judged),
    add: &mut dyn FnMut(&Lesson<'_>),
) {
    for (shopper, next) in next {
        if state.baskets(*shopper).len() >= LESSON_BASKETS_MIN {
            add(&Lesson { shopper: *shopper, now, market, next });
        }
    }
}
