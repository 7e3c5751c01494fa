//! Learning a model: its two parts, each judged on its own.

use std::time::Instant;

use souk_recommend::evaluate::ratings::{Lessons, Search, Verdict, teach};
use souk_recommend::next_basket::BasketRanker;
use souk_recommend::sources::{Histories, Recipe, SourceParams};

use super::baskets::{self, ModelBaskets};
use super::material::{BoughtAgain, Material};
use super::{Fitted, ModelState, WORSE_MAX};
use crate::recommend::Discoveries;

/// Whether a model may serve.
pub(super) fn judge(verdict: &Verdict) -> ModelState {
    let is_no_worse = |serving: f64| verdict.model >= serving * (1.0 - WORSE_MAX);
    match verdict.model > verdict.popularity && verdict.serving.is_none_or(is_no_worse) {
        true => ModelState::Accepted,
        false => ModelState::Refused,
    }
}

/// Whether each source of a recipe can still be fitted at a bearable cost: shops grow.
pub(super) fn is_affordable(recipe: &Recipe, histories: &Histories) -> bool {
    let bearable = SourceParams::affordable(histories.n_items(), histories.events().count(), true);
    recipe.sources.iter().all(|source| bearable.iter().any(|other| other.name() == source.name()))
}

/// The model in service, as it is on record.
pub(super) struct InService {
    pub(super) number: u64,
    pub(super) recipe: Recipe,
    pub(super) ranker: Option<BasketRanker>,
}

/// What came of learning.
pub(super) struct Learned {
    pub(super) state: ModelState,
    pub(super) recipe: Recipe,
    pub(super) verdict: Verdict,
    pub(super) baskets: Option<ModelBaskets>,
    /// What the model orders next baskets by: what it learned, or what served before.
    pub(super) ranker: Option<BasketRanker>,
    pub(super) again: BoughtAgain,
    pub(super) n_shoppers: u64,
    /// The new model if it was accepted, else the one before on the facts as they are.
    pub(super) fitted: Option<Fitted>,
    /// Of the one before, if it goes on.
    pub(super) fitted_number: Option<u64>,
}

/// Learns a model and judges it; `None` when there is too little to learn from.
pub(super) fn learn(
    mut material: Material,
    (serving, search): (Option<InService>, Search),
    threads: usize,
) -> Option<Learned> {
    let histories = material.histories();
    let tokens = material.tokens();
    let ranker_before = serving.as_ref().and_then(|serving| serving.ranker.clone());
    let serving = serving.filter(|serving| is_affordable(&serving.recipe, &histories));
    let start = match (&serving, search) {
        (Some(serving), Search::Weights) => serving.recipe.clone(),
        _ => {
            let n_rows = histories.events().count();
            let has_tokens = tokens.iter().any(|tokens| !tokens.is_empty());
            Recipe::new(SourceParams::affordable(histories.n_items(), n_rows, has_tokens))
        }
    };
    let lessons = Lessons { histories: &histories, tokens: &tokens, search, threads };
    let before = serving.as_ref().map(|serving| &serving.recipe);
    let (recipe, verdict) = teach(&lessons, &start, before)?;
    let rows = std::mem::take(&mut material.baskets);
    let learned = baskets::learn(&rows, ranker_before.as_ref(), threads);
    drop(rows);
    let judged =
        Judged { recipe, verdict, ranker: ranker_before, baskets: None, state: judge(&verdict) };
    let judged = judged.with(learned, serving.as_ref());
    let (again, n_shoppers) = (material.again, histories.n_shoppers() as u64);
    let all = (&histories, &tokens[..]);
    let (fitted_number, fitted) = match (judged.state, &serving) {
        (ModelState::Accepted, _) => {
            let fitted = fit(&judged.recipe, all, (&material, 0), threads);
            (None, Some(Fitted { ranker: judged.ranker.clone(), ..fitted }))
        }
        (ModelState::Refused, Some(before)) => {
            let fitted = fit(&before.recipe, all, (&material, before.number), threads);
            (Some(before.number), Some(Fitted { ranker: before.ranker.clone(), ..fitted }))
        }
        (ModelState::Refused, None) => (None, None),
    };
    let Judged { state, recipe, verdict, baskets, ranker } = judged;
    Some(Learned {
        state,
        recipe,
        verdict,
        baskets,
        ranker,
        again,
        n_shoppers,
        fitted,
        fitted_number,
    })
}

/// The two parts of a model, each judged on its own.
struct Judged {
    state: ModelState,
    recipe: Recipe,
    verdict: Verdict,
    baskets: Option<ModelBaskets>,
    ranker: Option<BasketRanker>,
}

impl Judged {
    /// Takes in what was learned of baskets. A better order of baskets serves with the recipe before it where
    /// the new recipe is worse; an order that is refused leaves the one before in its place.
    fn with(
        self,
        learned: Option<(BasketRanker, ModelBaskets)>,
        serving: Option<&InService>,
    ) -> Judged {
        let Some((ranker, baskets)) = learned else { return self };
        let judged = Judged { baskets: Some(baskets), ..self };
        if baskets.state == ModelState::Refused {
            return judged;
        }
        let judged = Judged { ranker: Some(ranker), ..judged };
        match (judged.state, serving, judged.verdict.serving) {
            (ModelState::Refused, Some(before), Some(model)) => Judged {
                state: ModelState::Accepted,
                recipe: before.recipe.clone(),
                verdict: Verdict { model, ..judged.verdict },
                ..judged
            },
            _ => judged,
        }
    }
}

/// Fits a recipe on facts.
pub(super) fn fit(
    recipe: &Recipe,
    (histories, tokens): (&Histories, &[Vec<u32>]),
    (material, number): (&Material, u64),
    threads: usize,
) -> Fitted {
    Fitted {
        number,
        ranker: None,
        again: material.again,
        discoveries: Discoveries::of_blend(recipe.fit(histories, tokens, threads)),
        made: Instant::now(),
        departures: material.departures,
    }
}

#[cfg(test)]
mod tests {
    use souk_recommend::evaluate::bootstrap::Difference;
    use souk_recommend::next_basket::{BasketVerdict, Weights};

    use super::*;

    fn recipe(n_sources: usize) -> Recipe {
        let mut sources = SourceParams::affordable(10, 10, true);
        sources.truncate(n_sources);
        Recipe::new(sources)
    }

    fn judged(state: ModelState, ranker: Option<BasketRanker>) -> Judged {
        let verdict = Verdict { n_judges: 9, model: 0.1, popularity: 0.05, serving: Some(0.2) };
        Judged { state, recipe: recipe(1), verdict, baskets: None, ranker }
    }

    fn learned(state: ModelState) -> (BasketRanker, ModelBaskets) {
        let gain = Difference::default();
        let verdict = BasketVerdict { gain, ..BasketVerdict::default() };
        let ranker = BasketRanker { weights: Weights::new([1.0; 24]), trees: None };
        (ranker, ModelBaskets { state, verdict, n_trees: 3 })
    }

    #[test]
    fn each_part_of_a_model_is_judged_on_its_own() {
        let old = || Some(BasketRanker::default());
        let before = InService { number: 4, recipe: recipe(2), ranker: old() };
        let (accepted, refused) = (ModelState::Accepted, ModelState::Refused);
        let join =
            |recipe, baskets| judged(recipe, old()).with(Some(learned(baskets)), Some(&before));
        let new = Some(learned(accepted).0);
        let both = join(accepted, accepted);
        assert_eq!((both.state, &both.ranker, both.recipe), (accepted, &new, recipe(1)));
        let only_recipe = join(accepted, refused);
        assert_eq!((only_recipe.state, only_recipe.ranker), (accepted, old()));
        assert_eq!(only_recipe.baskets.map(|baskets| baskets.state), Some(refused), "on record");
        let only_baskets = join(refused, accepted);
        assert_eq!((only_baskets.state, &only_baskets.ranker), (accepted, &new));
        assert_eq!((only_baskets.recipe, only_baskets.verdict.model), (recipe(2), 0.2));
        assert_eq!(join(refused, refused).state, refused);
        // Without a model before there is no recipe for the trees to serve with.
        assert_eq!(judged(refused, None).with(Some(learned(accepted)), None).state, refused);
        let none = judged(accepted, old()).with(None, Some(&before));
        assert_eq!((none.state, none.ranker, none.baskets), (accepted, old(), None));
    }
}
