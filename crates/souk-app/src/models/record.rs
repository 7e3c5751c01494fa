//! What is on record about models: a row for each, and which one serves.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use souk_core::Timestamp;
use souk_ports::{Condition, TableRange, Write, WriteChange};
use souk_recommend::evaluate::ratings::Verdict;
use souk_recommend::impressions::ImpressionOrder;
use souk_recommend::impressions::signals::ListKind;
use souk_recommend::next_basket::BasketRanker;
use souk_recommend::session::SessionMixture;
use souk_recommend::sources::Recipe;

use super::learning::JudgedOrders;
use super::order::ModelOrder;
use super::{BoughtAgain, Orders};
use crate::{AppError, Parts};

const PARTITION: &str = "models";
const SERVING: &str = "serving";
/// Before the numbers of models, so that they are not taken for anything else.
const PREFIX: &str = "model-";
/// Before the numbers of models whose orders of baskets, of visits, of lists and of hits are kept: read only when one is fitted.
const RANKER_PREFIX: &str = "ranker-";
const MIXTURE_PREFIX: &str = "mixture-";
const LISTS_PREFIX: &str = "lists-";
const SEARCHES_PREFIX: &str = "searches-";
/// What rows call what was learned, and what a shop begins with.
const OF_BASKETS: [&str; 2] = ["trees", "weighted_sum"];
const OF_SESSIONS: [&str; 2] = ["mixture", "reading"];
const OF_LISTS: [&str; 2] = ["learned", "usual"];
/// Models on record; the oldest go, but never the one that serves.
const KEPT: usize = 50;

/// What became of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ModelState {
    /// It was at least as good as the one before.
    Accepted,
    /// It was worse than the one that served, or than showing everybody what is popular.
    Refused,
    /// Of an order: it was refused, and the one that served before is no longer better than what a shop begins with and
    /// serves no more either.
    Withdrawn,
}

impl ModelState {
    /// The name in the contract.
    pub fn as_str(self) -> &'static str {
        match self {
            ModelState::Accepted => "accepted",
            ModelState::Refused => "refused",
            ModelState::Withdrawn => "withdrawn",
        }
    }
}

/// A model: how it is made, from how much, and how good it was. Nothing in it is about a person.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    /// Grows by one with each.
    pub number: u64,
    /// When it was learned, by the shop's clock.
    pub made_at: Timestamp,
    /// What became of it.
    pub state: ModelState,
    /// Sources, parameters and weights.
    pub recipe: Recipe,
    /// How good it was on what it did not learn from.
    pub verdict: Verdict,
    /// What it learned of orders.
    pub orders: JudgedOrders,
    /// How often people buy again.
    pub again: BoughtAgain,
    /// Shoppers it was learned from.
    pub n_shoppers: u64,
    /// How long learning took, in milliseconds of real time.
    pub ms: u64,
}

impl Model {
    /// What it is made of, by the names of its sources.
    pub fn sources(&self) -> Vec<String> {
        self.recipe.sources.iter().map(|source| source.name().to_owned()).collect()
    }
}

/// The stored row.
#[derive(Debug, Serialize, Deserialize)]
struct Row {
    version: u32,
    number: u64,
    made_at: String,
    state: ModelState,
    recipe: Recipe,
    n_judges: usize,
    ndcg: f64,
    popularity: f64,
    serving: Option<f64>,
    bought: u64,
    again: u64,
    n_shoppers: u64,
    ms: u64,
    /// Absent in rows of older programs.
    #[serde(default)]
    baskets: Option<Value>,
    /// Likewise.
    #[serde(default)]
    sessions: Option<Value>,
    /// Likewise.
    #[serde(default)]
    lists: Option<Value>,
    /// Likewise.
    #[serde(default)]
    searches: Option<Value>,
}

impl Row {
    fn of(model: &Model) -> Row {
        Row {
            version: 1,
            number: model.number,
            made_at: model.made_at.to_string(),
            state: model.state,
            recipe: model.recipe.clone(),
            n_judges: model.verdict.n_judges,
            ndcg: model.verdict.model,
            popularity: model.verdict.popularity,
            serving: model.verdict.serving,
            bought: model.again.bought,
            again: model.again.again,
            n_shoppers: model.n_shoppers,
            ms: model.ms,
            baskets: model.orders.baskets.map(|order| order.to_row(OF_BASKETS)),
            sessions: model.orders.sessions.map(|order| order.to_row(OF_SESSIONS)),
            lists: model.orders.lists.map(|order| order.to_row(OF_LISTS)),
            searches: model.orders.searches.map(|order| order.to_row(OF_LISTS)),
        }
    }

    fn into_model(self) -> Option<Model> {
        Some(Model {
            number: self.number,
            made_at: Timestamp::parse(&self.made_at).ok()?,
            state: self.state,
            recipe: self.recipe,
            verdict: Verdict {
                n_judges: self.n_judges,
                model: self.ndcg,
                popularity: self.popularity,
                serving: self.serving,
            },
            orders: JudgedOrders {
                baskets: self.baskets.and_then(|row| ModelOrder::of_row(&row, OF_BASKETS)),
                sessions: self.sessions.and_then(|row| ModelOrder::of_row(&row, OF_SESSIONS)),
                lists: self.lists.and_then(|row| ModelOrder::of_row(&row, OF_LISTS)),
                searches: self.searches.and_then(|row| ModelOrder::of_row(&row, OF_LISTS)),
            },
            again: BoughtAgain { bought: self.bought, again: self.again },
            n_shoppers: self.n_shoppers,
            ms: self.ms,
        })
    }
}

/// Every model on record, the oldest first. Rows of another version, whose sources this program does not
/// know, are passed over.
pub(super) async fn list(parts: &Parts, now: Timestamp) -> Result<Vec<Model>, AppError> {
    let range = TableRange { partition_key: PARTITION, prefix: PREFIX, after: None, limit: 1_000 };
    let rows = parts.tables.range(range, now).await?;
    let read = |row: &[u8]| serde_json::from_slice::<Row>(row).ok()?.into_model();
    Ok(rows.iter().filter_map(|row| read(&row.value)).collect())
}

/// The number of the model in service.
pub(super) async fn serving(parts: &Parts, now: Timestamp) -> Result<Option<u64>, AppError> {
    let row = parts.tables.get(PARTITION, SERVING, now).await?;
    let text = row.as_ref().and_then(|row| std::str::from_utf8(&row.value).ok());
    Ok(text.and_then(|text| text.parse().ok()))
}

/// What a model puts lists in order by; without what it does not have, or this program does not read.
pub(super) async fn orders(parts: &Parts, number: u64, now: Timestamp) -> Result<Orders, AppError> {
    let kept = async |prefix| parts.tables.get(PARTITION, &name_of(prefix, number), now).await;
    let (ranker, mixture) = (kept(RANKER_PREFIX).await?, kept(MIXTURE_PREFIX).await?);
    let (lists, searches) = (kept(LISTS_PREFIX).await?, kept(SEARCHES_PREFIX).await?);
    let of_kind = |row: Option<souk_ports::Row>, kind| {
        row.and_then(|row| ImpressionOrder::decode(&row.value, kind).ok()).map(Arc::new)
    };
    Ok(Orders {
        baskets: ranker.and_then(|row| BasketRanker::decode(&row.value).ok()),
        sessions: mixture.and_then(|row| SessionMixture::decode(&row.value).ok()).map(Arc::new),
        lists: of_kind(lists, ListKind::Recommended),
        searches: of_kind(searches, ListKind::Found),
    })
}

/// Notes a model and what it puts lists in order by; one that is accepted serves from now on. The oldest
/// beyond [`KEPT`] go.
pub(super) async fn add(
    parts: &Parts,
    (model, orders): (&Model, &Orders),
    now: Timestamp,
) -> Result<(), AppError> {
    let value = serde_json::to_vec(&Row::of(model))
        .map_err(|_| AppError::Bug("a model cannot be written down".to_owned()))?;
    let mut writes = vec![put(&name_of(PREFIX, model.number), value)];
    let kept = [
        (RANKER_PREFIX, orders.baskets.as_ref().map(BasketRanker::encode)),
        (MIXTURE_PREFIX, orders.sessions.as_ref().map(|mixture| mixture.encode())),
        (LISTS_PREFIX, orders.lists.as_ref().map(|lists| lists.encode())),
        (SEARCHES_PREFIX, orders.searches.as_ref().map(|searches| searches.encode())),
    ];
    let kept = kept.into_iter().filter_map(|(prefix, bytes)| Some((prefix, bytes?)));
    writes.extend(kept.map(|(prefix, bytes)| put(&name_of(prefix, model.number), bytes)));
    let mut kept = serving(parts, now).await?;
    if model.state == ModelState::Accepted {
        writes.push(put(SERVING, model.number.to_string().into_bytes()));
        kept = Some(model.number);
    }
    let known = list(parts, now).await?;
    let too_many = (known.len() + 1).saturating_sub(KEPT);
    let old = known.iter().filter(|old| Some(old.number) != kept).take(too_many);
    writes.extend(old.flat_map(|old| {
        let prefixes = [PREFIX, RANKER_PREFIX, MIXTURE_PREFIX, LISTS_PREFIX, SEARCHES_PREFIX];
        prefixes.map(|prefix| write(&name_of(prefix, old.number), WriteChange::Delete))
    }));
    parts.tables.write(&writes, now).await?;
    Ok(())
}

/// Notes which model serves.
pub(super) async fn set_serving(
    parts: &Parts,
    number: u64,
    now: Timestamp,
) -> Result<(), AppError> {
    parts.tables.write(&[put(SERVING, number.to_string().into_bytes())], now).await?;
    Ok(())
}

fn name_of(prefix: &str, number: u64) -> String {
    format!("{prefix}{number:012}")
}

fn put(sort_key: &str, value: Vec<u8>) -> Write {
    write(sort_key, WriteChange::Put { value, expires_at: None })
}

fn write(sort_key: &str, change: WriteChange) -> Write {
    let (partition_key, sort_key) = (PARTITION.to_owned(), sort_key.to_owned());
    Write { partition_key, sort_key, condition: Condition::Any, change }
}
