use serde::{Deserialize, Serialize};
use souk_app::{Model, ModelOrder, ModelsState};
use utoipa::ToSchema;

/// How to learn.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LearnBody {
    /// Whether each source's parameters are searched for too, which takes some fifty times as long.
    #[serde(default)]
    search: bool,
}

impl LearnBody {
    pub(crate) fn search(&self) -> bool {
        self.search
    }
}

/// Which model is to serve.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ServeBody {
    /// Its number on record.
    number: u64,
}

impl ServeBody {
    pub(crate) fn number(&self) -> u64 {
        self.number
    }
}

/// The shop's models.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ModelsAnswer {
    /// The oldest first.
    models: Vec<ModelAnswer>,
    /// The number of the one in service.
    #[schema(required)]
    serving: Option<u64>,
    /// Whether it speaks in answers: not in the first moments after a start.
    is_fitted: bool,
    /// Whether one is being learned or fitted.
    is_working: bool,
    /// Why the last one that was asked for was not learned.
    #[schema(required)]
    last_failure: Option<String>,
    /// When the next one is learned by itself, by the shop's clock; `null` when that is switched off.
    #[schema(format = DateTime, required)]
    next_at: Option<String>,
}

/// A model: how it is made, and how good it was.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ModelAnswer {
    /// Grows by one with each.
    number: u64,
    /// When it was learned, by the shop's clock.
    #[schema(format = DateTime)]
    made_at: String,
    /// `accepted`, or `refused` because it was worse than the one before or than what is popular.
    state: &'static str,
    /// What it is made of.
    sources: Vec<String>,
    /// Shoppers it was learned from.
    shoppers: u64,
    /// Shoppers who judged it: they did not teach its weights, and the last tenth of what they took was
    /// kept from it.
    judges: usize,
    /// How well it foretold that: NDCG@10, from 0 to 1.
    ndcg_at_10: f64,
    /// The same of what is popular.
    popularity_ndcg_at_10: f64,
    /// The same of the model that served before.
    #[schema(required)]
    serving_ndcg_at_10: Option<f64>,
    /// What was learned of the order of next baskets; `null` where there was too little to learn from.
    #[schema(required)]
    baskets: Option<ModelBasketsAnswer>,
    /// What was learned of the order of a visit's next products; `null` where there was too little to learn from.
    #[schema(required)]
    sessions: Option<ModelSessionsAnswer>,
    /// What was learned of the order of lists; `null` where there was too little to learn from.
    #[schema(required)]
    lists: Option<ModelListsAnswer>,
    /// What was learned of the order of hits, across queries; `null` where there was too little to learn from.
    #[schema(required)]
    searches: Option<ModelListsAnswer>,
    /// Of the products in everybody's last baskets, the share that had been bought before.
    #[schema(required)]
    bought_again_share: Option<f64>,
    /// How long learning took.
    ms: u64,
}

/// An order of next baskets by trees, and how good it was for people who did not teach it, at later moments.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ModelBasketsAnswer {
    /// `accepted`, or `refused` because it was not surely better than the order a shop begins with, or worse
    /// than the one before, which then stays; `withdrawn` where it was refused and the one before is no longer better than
    /// the usual order and serves no more either.
    state: &'static str,
    /// How many trees were learned.
    trees: usize,
    /// People who judged it.
    judges: usize,
    /// How well it foretold their next baskets: NDCG@10, from 0 to 1.
    ndcg_at_10: f64,
    /// The same of the order a shop begins with: a weighted sum of signals.
    weighted_sum_ndcg_at_10: f64,
    /// How much it is above that.
    gain: f64,
    /// The 95 % interval of the gain.
    gain_low: f64,
    /// Its upper end.
    gain_high: f64,
    /// The NDCG@10 of the order that served before.
    #[schema(required)]
    serving_ndcg_at_10: Option<f64>,
    /// How much that order is above the usual one today; where it is not, it is `withdrawn` or replaced.
    #[schema(required)]
    serving_gain: Option<f64>,
}

impl From<ModelOrder> for ModelBasketsAnswer {
    fn from(order: ModelOrder) -> ModelBasketsAnswer {
        let ModelOrder { state, verdict, n_trees } = order;
        ModelBasketsAnswer {
            state: state.as_str(),
            trees: n_trees,
            judges: verdict.n_judges,
            ndcg_at_10: verdict.learned,
            weighted_sum_ndcg_at_10: verdict.usual,
            gain: verdict.gain.mean,
            gain_low: verdict.gain.low,
            gain_high: verdict.gain.high,
            serving_ndcg_at_10: verdict.serving,
            serving_gain: verdict.serving_gain,
        }
    }
}

/// An order of a visit's next products by trees over several readings of it, and how good it was in later visits.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ModelSessionsAnswer {
    /// `accepted`, or `refused` because it was not surely better than the reading a shop begins with, or worse
    /// than the one before, which then stays; `withdrawn` where it was refused and the one before is no longer better than
    /// the usual order and serves no more either.
    state: &'static str,
    /// How many trees were learned.
    trees: usize,
    /// People, or visits of nobody known, who judged it.
    judges: usize,
    /// How well it foretold their next products: MRR@20, from 0 to 1.
    mrr_at_20: f64,
    /// The same of the reading a shop begins with.
    reading_mrr_at_20: f64,
    /// How much it is above that.
    gain: f64,
    /// The 95 % interval of the gain.
    gain_low: f64,
    /// Its upper end.
    gain_high: f64,
    /// The MRR@20 of the order that served before.
    #[schema(required)]
    serving_mrr_at_20: Option<f64>,
    /// How much that order is above the usual one today; where it is not, it is `withdrawn` or replaced.
    #[schema(required)]
    serving_gain: Option<f64>,
}

impl From<ModelOrder> for ModelSessionsAnswer {
    fn from(order: ModelOrder) -> ModelSessionsAnswer {
        let ModelOrder { state, verdict, n_trees } = order;
        ModelSessionsAnswer {
            state: state.as_str(),
            trees: n_trees,
            judges: verdict.n_judges,
            mrr_at_20: verdict.learned,
            reading_mrr_at_20: verdict.usual,
            gain: verdict.gain.mean,
            gain_low: verdict.gain.low,
            gain_high: verdict.gain.high,
            serving_mrr_at_20: verdict.serving,
            serving_gain: verdict.serving_gain,
        }
    }
}

/// An order of lists by trees over what was known of their products, and how good it was for people who did not teach it. Of
/// hits, what sources give is the order of the stages of a search.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ModelListsAnswer {
    /// `accepted`, or `refused` because it was not surely better than the order that sources give, or worse than
    /// the one before, which then stays; `withdrawn` where it was refused and the one before is no longer better than
    /// what sources give and serves no more either.
    state: &'static str,
    /// How many trees were learned.
    trees: usize,
    /// People who judged it.
    judges: usize,
    /// How near to the top stands what they took up: the mean of 1/log2(place+1), from 0 to 1, each act by the
    /// inverse of the fourth root of how far its place was looked at.
    nearness: f64,
    /// The same of the order that sources give.
    sources_nearness: f64,
    /// How much it is above that, or above what it would be itself if acts fell on any product of their place, whichever is
    /// less sure.
    gain: f64,
    /// The 95 % interval of the gain.
    gain_low: f64,
    /// Its upper end.
    gain_high: f64,
    /// The nearness of the order that served before.
    #[schema(required)]
    serving_nearness: Option<f64>,
    /// How much that order is above the usual one today; where it is not, it is `withdrawn` or replaced.
    #[schema(required)]
    serving_gain: Option<f64>,
}

impl From<ModelOrder> for ModelListsAnswer {
    fn from(order: ModelOrder) -> ModelListsAnswer {
        let ModelOrder { state, verdict, n_trees } = order;
        ModelListsAnswer {
            state: state.as_str(),
            trees: n_trees,
            judges: verdict.n_judges,
            nearness: verdict.learned,
            sources_nearness: verdict.usual,
            gain: verdict.gain.mean,
            gain_low: verdict.gain.low,
            gain_high: verdict.gain.high,
            serving_nearness: verdict.serving,
            serving_gain: verdict.serving_gain,
        }
    }
}

impl From<&Model> for ModelAnswer {
    fn from(model: &Model) -> ModelAnswer {
        ModelAnswer {
            number: model.number,
            made_at: model.made_at.to_string(),
            state: model.state.as_str(),
            sources: model.sources(),
            shoppers: model.n_shoppers,
            judges: model.verdict.n_judges,
            ndcg_at_10: model.verdict.model,
            popularity_ndcg_at_10: model.verdict.popularity,
            serving_ndcg_at_10: model.verdict.serving,
            baskets: model.orders.baskets.map(ModelBasketsAnswer::from),
            sessions: model.orders.sessions.map(ModelSessionsAnswer::from),
            lists: model.orders.lists.map(ModelListsAnswer::from),
            searches: model.orders.searches.map(ModelListsAnswer::from),
            bought_again_share: model.again.share(),
            ms: model.ms,
        }
    }
}

impl From<ModelsState> for ModelsAnswer {
    fn from(state: ModelsState) -> ModelsAnswer {
        ModelsAnswer {
            models: state.models.iter().map(ModelAnswer::from).collect(),
            serving: state.serving,
            is_fitted: state.is_fitted,
            is_working: state.is_working,
            last_failure: state.last_failure,
            next_at: state.next_at.map(|at| at.to_string()),
        }
    }
}
