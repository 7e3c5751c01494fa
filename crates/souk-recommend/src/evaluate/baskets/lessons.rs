//! What weights and trees are learned from where a validation part says when to stop.

use super::Judged;
use crate::next_basket::{
    BasketRanker, BasketVectors, Lesson, Lessons, Market, RankLessons, Scratch, TeachParams,
    Teaching,
};
use std::sync::Arc;

/// A shopper judges only with this many earlier baskets, as in teaching.
const LESSON_BASKETS_MIN: usize = 3;

/// Learns the weights from what followed `state` at `now`, and grows trees until they no longer help there.
pub(super) fn learn_until(
    teaching: &Teaching<'_>,
    (state, market, now): (&BasketVectors, &Market, i64),
    next: &Judged,
) -> BasketRanker {
    let known = || next.iter().filter(|(who, _)| state.baskets(*who).len() >= LESSON_BASKETS_MIN);
    let mut lessons = Lessons::default();
    for &(shopper, ref next) in known() {
        lessons.add(state, &Lesson { shopper, now, market, next });
    }
    let weights = lessons.fit().unwrap_or_default();
    let (mut judges, mut scratch) = (RankLessons::new(weights), Scratch::default());
    for &(shopper, ref next) in known() {
        judges.add((state, &Lesson { shopper, now, market, next }), &mut scratch);
    }
    let params = TeachParams::default();
    let lessons = teaching.rank_lessons((weights, &|_| true), (&params, 0));
    let threads = (teaching.threads, teaching.rests);
    let trees = lessons.fit_until(&judges, &params.trees, threads);
    let trees = (trees.n_trees() > 0).then(|| Arc::new(trees));
    BasketRanker { weights, trees }
}
