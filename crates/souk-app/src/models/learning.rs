//! Learning a model: its parts, each judged on its own.

use std::sync::Arc;
use std::time::Instant;

use souk_recommend::evaluate::ratings::{Lessons, Search, Verdict, teach};
use souk_recommend::impressions::ImpressionOrder;
use souk_recommend::impressions::signals::ListKind;
use souk_recommend::next_basket::BasketRanker;
use souk_recommend::session::{SessionMixture, SessionParams};
use souk_recommend::sources::{Histories, Recipe, SourceParams};

use super::material::{BoughtAgain, Material};
use super::order::ModelOrder;
use super::{Fitted, ModelState, Orders, WORSE_MAX, baskets, lists, sessions};
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
    pub(super) orders: Orders,
}

/// What came of learning.
pub(super) struct Learned {
    pub(super) state: ModelState,
    pub(super) recipe: Recipe,
    pub(super) verdict: Verdict,
    pub(super) judged: JudgedOrders,
    /// What the model puts lists in order by: what it learned, or what served before.
    pub(super) orders: Orders,
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
    (session_params, threads): (SessionParams, usize),
) -> Option<Learned> {
    let histories = material.histories();
    let tokens = material.tokens();
    let orders = serving.as_ref().map_or_else(Orders::default, |serving| serving.orders.clone());
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
    let baskets = baskets::learn(&rows, orders.baskets.as_ref(), threads);
    drop(rows);
    let events = std::mem::take(&mut material.visits);
    let asked = (session_params, orders.sessions.as_deref());
    let sessions = sessions::learn(&events, asked, threads);
    drop(events);
    let sessions = sessions.map(|(mixture, judged)| (Arc::new(mixture), judged));
    let shown = std::mem::take(&mut material.lists);
    let learn = |lists: &[_], kind, serving| {
        let (order, judged) = lists::learn((lists, kind), serving, threads)?;
        Some((Arc::new(order), judged))
    };
    let lists = learn(&shown.recommended, ListKind::Recommended, orders.lists.as_deref());
    let searches = learn(&shown.found, ListKind::Found, orders.searches.as_deref());
    drop(shown);
    let (state, of_orders) = (judge(&verdict), JudgedOrders::default());
    let judged = Judged { recipe, verdict, orders, of_orders, state };
    let judged =
        judged.with(LearnedOrders { baskets, sessions, lists, searches }, serving.as_ref());
    let (again, n_shoppers) = (material.again, histories.n_shoppers() as u64);
    let all = (&histories, &tokens[..]);
    let (fitted_number, fitted) = match (judged.state, &serving) {
        (ModelState::Accepted, _) => {
            let fitted = fit(&judged.recipe, all, (&material, 0), threads);
            (None, Some(Fitted { orders: judged.orders.clone(), ..fitted }))
        }
        (_, Some(before)) => {
            let fitted = fit(&before.recipe, all, (&material, before.number), threads);
            (Some(before.number), Some(Fitted { orders: before.orders.clone(), ..fitted }))
        }
        (_, None) => (None, None),
    };
    let Judged { state, recipe, verdict, of_orders, orders } = judged;
    Some(Learned {
        state,
        recipe,
        verdict,
        judged: of_orders,
        orders,
        again,
        n_shoppers,
        fitted,
        fitted_number,
    })
}

/// What a model says of the orders that it learned; each is `None` where there was too little to learn from.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct JudgedOrders {
    /// Of next baskets, by NDCG@10.
    pub baskets: Option<ModelOrder>,
    /// Of a visit's next products, by MRR@20.
    pub sessions: Option<ModelOrder>,
    /// Of lists, by how near to the top stands what is taken up.
    pub lists: Option<ModelOrder>,
    /// Of hits, likewise.
    pub searches: Option<ModelOrder>,
}

/// The parts of a model, each judged on its own.
struct Judged {
    state: ModelState,
    recipe: Recipe,
    verdict: Verdict,
    of_orders: JudgedOrders,
    orders: Orders,
}

/// An order and what is said of it.
type LearnedOrder<T> = Option<(T, ModelOrder)>;

/// What was learned of orders, where there was enough to learn from.
#[derive(Default)]
struct LearnedOrders {
    baskets: LearnedOrder<BasketRanker>,
    sessions: LearnedOrder<Arc<SessionMixture>>,
    lists: LearnedOrder<Arc<ImpressionOrder>>,
    searches: LearnedOrder<Arc<ImpressionOrder>>,
}

/// Takes in an order; one that is refused leaves the one before in its place, unless that is outdated.
fn take_in<T>(learned: LearnedOrder<T>, kept: &mut Option<T>) -> Option<ModelOrder> {
    let (order, judged) = learned?;
    match judged.state {
        ModelState::Accepted => *kept = Some(order),
        ModelState::Withdrawn => *kept = None,
        ModelState::Refused => {}
    }
    Some(judged)
}

impl Judged {
    /// Takes in what was learned of orders. A better one serves with the recipe before it where the new recipe is
    /// worse, and an outdated one goes.
    fn with(mut self, learned: LearnedOrders, serving: Option<&InService>) -> Judged {
        let LearnedOrders { baskets, sessions, lists, searches } = learned;
        self.of_orders = JudgedOrders {
            baskets: take_in(baskets, &mut self.orders.baskets),
            sessions: take_in(sessions, &mut self.orders.sessions),
            lists: take_in(lists, &mut self.orders.lists),
            searches: take_in(searches, &mut self.orders.searches),
        };
        let is_new = self.of_orders.all().any(|order| order.state != ModelState::Refused);
        match (self.state, serving, self.verdict.serving) {
            (ModelState::Refused, Some(before), Some(model)) if is_new => Judged {
                state: ModelState::Accepted,
                recipe: before.recipe.clone(),
                verdict: Verdict { model, ..self.verdict },
                ..self
            },
            _ => self,
        }
    }
}

impl JudgedOrders {
    fn all(&self) -> impl Iterator<Item = ModelOrder> {
        [self.baskets, self.sessions, self.lists, self.searches].into_iter().flatten()
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
        orders: Orders::default(),
        curves: recipe.curves,
        again: material.again,
        discoveries: Discoveries::of_blend(recipe.fit(histories, tokens, threads)),
        made: Instant::now(),
        departures: material.departures,
    }
}

#[cfg(test)]
mod tests {
    use souk_recommend::Rests;
    use souk_recommend::evaluate::verdict::OrderVerdict;
    use souk_recommend::next_basket::Weights;
    use souk_recommend::session::MixtureLessons;
    use souk_recommend::trees::TreeParams;

    use super::*;

    fn recipe(n_sources: usize) -> Recipe {
        let mut sources = SourceParams::affordable(10, 10, true);
        sources.truncate(n_sources);
        Recipe::new(sources)
    }

    fn judged(state: ModelState, orders: Orders) -> Judged {
        let verdict = Verdict { n_judges: 9, model: 0.1, popularity: 0.05, serving: Some(0.2) };
        Judged { state, recipe: recipe(1), verdict, of_orders: JudgedOrders::default(), orders }
    }

    fn said(state: ModelState) -> ModelOrder {
        ModelOrder { state, verdict: OrderVerdict::default(), n_trees: 3 }
    }

    fn of_baskets(state: ModelState) -> LearnedOrders {
        let ranker = BasketRanker { weights: Weights::new([1.0; 24]), trees: None };
        LearnedOrders { baskets: Some((ranker, said(state))), ..LearnedOrders::default() }
    }

    fn mixture() -> Arc<SessionMixture> {
        let params = SessionParams { neighbours: 7, ..SessionParams::default() };
        let growing = (&TreeParams::default(), 1, Rests::NONE);
        Arc::new(MixtureLessons::new(params).fit(None, growing))
    }

    #[test]
    fn each_part_of_a_model_is_judged_on_its_own() {
        let old = || Orders { baskets: Some(BasketRanker::default()), ..Orders::default() };
        let before = InService { number: 4, recipe: recipe(2), orders: old() };
        let (accepted, refused) = (ModelState::Accepted, ModelState::Refused);
        let join = |recipe, baskets| judged(recipe, old()).with(of_baskets(baskets), Some(&before));
        let new = of_baskets(accepted).baskets.map(|(ranker, _)| ranker);
        let both = join(accepted, accepted);
        assert_eq!((both.state, &both.orders.baskets, both.recipe), (accepted, &new, recipe(1)));
        let only_recipe = join(accepted, refused);
        assert_eq!((only_recipe.state, only_recipe.orders), (accepted, old()));
        assert_eq!(only_recipe.of_orders.baskets, Some(said(refused)), "on record");
        let only_baskets = join(refused, accepted);
        assert_eq!((only_baskets.state, &only_baskets.orders.baskets), (accepted, &new));
        assert_eq!((only_baskets.recipe, only_baskets.verdict.model), (recipe(2), 0.2));
        assert_eq!(join(refused, refused).state, refused);
        // Without a model before there is no recipe for the trees to serve with.
        let first = judged(refused, Orders::default());
        let first = first.with(of_baskets(accepted), None);
        assert_eq!(first.state, refused);
        let none = judged(accepted, old()).with(LearnedOrders::default(), Some(&before));
        assert_eq!((none.state, none.orders), (accepted, old()));
        assert_eq!(none.of_orders, JudgedOrders::default());
    }

    #[test]
    fn an_order_of_visits_serves_or_is_left_on_its_own_too() {
        let before = InService { number: 4, recipe: recipe(2), orders: Orders::default() };
        let (accepted, refused) = (ModelState::Accepted, ModelState::Refused);
        let join = |sessions| {
            let judged = judged(refused, Orders::default());
            let sessions = Some((mixture(), said(sessions)));
            judged.with(LearnedOrders { sessions, ..of_baskets(refused) }, Some(&before))
        };
        let better = join(accepted);
        assert_eq!((better.state, better.recipe), (accepted, recipe(2)));
        assert_eq!(better.orders.baskets, None, "the other order was refused");
        assert_eq!(better.orders.sessions, Some(mixture()));
        let worse = join(refused);
        assert_eq!((worse.state, worse.orders), (refused, Orders::default()));
        assert_eq!(worse.of_orders.sessions, Some(said(refused)), "on record");
    }

    #[test]
    fn an_outdated_order_goes_although_nothing_takes_its_place() {
        let old = || Orders { baskets: Some(BasketRanker::default()), ..Orders::default() };
        let before = InService { number: 4, recipe: recipe(2), orders: old() };
        let (refused, withdrawn) = (ModelState::Refused, ModelState::Withdrawn);
        let gone = judged(refused, old()).with(of_baskets(withdrawn), Some(&before));
        assert_eq!((gone.state, gone.recipe), (ModelState::Accepted, recipe(2)));
        assert_eq!(gone.orders, Orders::default());
        assert_eq!(gone.of_orders.baskets, Some(said(withdrawn)), "on record");
    }
}
