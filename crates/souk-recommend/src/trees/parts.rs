//! Trees that nobody who teaches them stops: the groups in parts, each part the judge of trees that were
//! grown on the others, and the mean of them all as the model.
//!
//! So every group teaches, the number of trees is chosen on groups that did not, and the mean is surer than
//! each of its parts (Breiman, *Bagging Predictors*, Machine Learning 24, 1996; parts instead of draws, as
//! Wolpert's stacking has them, Neural Networks 5, 1992).

use super::bins::Binned;
use super::{Growing, Lesson, Tree, TreeParams, Trees};

impl Trees {
    /// Grows trees on all but one of `n_parts` parts, for each part in turn until they no longer help there,
    /// and joins them to one model; `part_of` is in which part each group is.
    ///
    /// Groups that resemble each other, such as those of one person, belong in one part.
    ///
    /// # Panics
    ///
    /// When there is not a part for each group, or less than two parts: the caller has mixed up lists.
    pub fn fit_in_parts(
        lesson: &Lesson<'_>,
        (part_of, n_parts): (&[u8], u8),
        params: &TreeParams,
    ) -> Trees {
        assert!(part_of.len() == lesson.groups.len() && n_parts > 1, "a part for each group");
        let mut fitted = Trees::none(lesson);
        if lesson.groups.is_empty() {
            return fitted;
        }
        let binned = Binned::of(lesson.groups, lesson.threads);
        for part in 0..n_parts {
            let params = TreeParams { seed: params.seed + u64::from(part), ..*params };
            let growing = Growing { lesson, binned: &binned, params: &params };
            let mut judge = |_: Option<&Tree>, scores: &[f32]| {
                lesson.groups.quality(params.objective, scores, &|group| part_of[group] == part)
            };
            let teaches = |group: usize| part_of[group] != part;
            let grown = growing.trees((&teaches, &mut judge), &mut fitted.gains);
            fitted
                .trees
                .extend(grown.into_iter().map(|tree| tree.scaled(1.0 / f32::from(n_parts))));
        }
        fitted.laid_out()
    }
}

impl Tree {
    fn scaled(mut self, by: f32) -> Tree {
        self.values.iter_mut().for_each(|value| *value *= by);
        self
    }
}
