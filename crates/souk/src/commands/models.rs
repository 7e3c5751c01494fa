//! `souk models`.

use anyhow::Result;
use serde_json::{Value, json};
use souk_app::{Caller, Model, ModelOrder, Search};
use souk_recommend::evaluate::verdict::OrderVerdict;

use crate::cli::ModelsCommand;
use crate::job::{Job, Shop};
use crate::settings::Settings;
use crate::term::columns;

pub(crate) async fn run(what: ModelsCommand, settings: &Settings) -> Result<()> {
    let job = match what {
        ModelsCommand::List => Job::ModelsList,
        ModelsCommand::Learn { search } => Job::ModelsLearn { search },
        ModelsCommand::Serve { number } => Job::ModelsServe { number },
    };
    super::finish(settings, &job, text).await
}

pub(crate) async fn list(shop: &Shop) -> Result<Value> {
    let state = shop.app.models(&Caller::local_admin()).await?;
    Ok(json!({
        "models": state.models.iter().map(json_of).collect::<Vec<_>>(),
        "serving": state.serving,
        "next_at": state.next_at.map(|at| at.to_string()),
    }))
}

pub(crate) async fn learn(shop: &Shop, search: bool) -> Result<Value> {
    let search = if search { Search::Parameters } else { Search::Weights };
    shop.app.learn_model(&Caller::local_admin(), search).await?;
    list(shop).await
}

pub(crate) async fn serve(shop: &Shop, number: u64) -> Result<Value> {
    shop.app.serve_model(&Caller::local_admin(), number).await?;
    list(shop).await
}

fn json_of(model: &Model) -> Value {
    json!({
        "number": model.number,
        "made_at": model.made_at.to_string(),
        "state": model.state.as_str(),
        "sources": model.sources(),
        "shoppers": model.n_shoppers,
        "judges": model.verdict.n_judges,
        "ndcg_at_10": model.verdict.model,
        "popularity_ndcg_at_10": model.verdict.popularity,
        "serving_ndcg_at_10": model.verdict.serving,
        "baskets": model.orders.baskets.map(baskets_of),
        "sessions": model.orders.sessions.map(sessions_of),
        "lists": model.orders.lists.map(lists_of),
        "searches": model.orders.searches.map(lists_of),
        "bought_again_share": model.again.share(),
        "ms": model.ms,
    })
}

fn baskets_of(baskets: ModelOrder) -> Value {
    let mut row = judged(&baskets.verdict);
    row["state"] = baskets.state.as_str().into();
    row["trees"] = baskets.n_trees.into();
    row["serving_ndcg_at_10"] = baskets.verdict.serving.into();
    row["serving_gain"] = baskets.verdict.serving_gain.into();
    row
}

fn sessions_of(order: ModelOrder) -> Value {
    let ModelOrder { state, verdict, n_trees } = order;
    json!({
        "state": state.as_str(),
        "trees": n_trees,
        "judges": verdict.n_judges,
        "mrr_at_20": verdict.learned,
        "reading_mrr_at_20": verdict.usual,
        "gain": verdict.gain.mean,
        "gain_low": verdict.gain.low,
        "gain_high": verdict.gain.high,
        "serving_mrr_at_20": verdict.serving,
        "serving_gain": verdict.serving_gain,
    })
}

fn lists_of(order: ModelOrder) -> Value {
    let ModelOrder { state, verdict, n_trees } = order;
    json!({
        "state": state.as_str(),
        "trees": n_trees,
        "judges": verdict.n_judges,
        "nearness": verdict.learned,
        "sources_nearness": verdict.usual,
        "gain": verdict.gain.mean,
        "gain_low": verdict.gain.low,
        "gain_high": verdict.gain.high,
        "serving_nearness": verdict.serving,
        "serving_gain": verdict.serving_gain,
    })
}

/// What those who never teach said of an order of next baskets.
pub(super) fn judged(verdict: &OrderVerdict) -> Value {
    json!({
        "judges": verdict.n_judges,
        "ndcg_at_10": verdict.learned,
        "weighted_sum_ndcg_at_10": verdict.usual,
        "gain": verdict.gain.mean,
        "gain_low": verdict.gain.low,
        "gain_high": verdict.gain.high,
    })
}

/// The gain of a learned order over the one a shop begins with, with its interval.
fn gain_of(order: &Value) -> String {
    let figure = |name: &str| order[name].as_f64().unwrap_or_default();
    match order["state"].as_str() {
        Some(state) => format!(
            "{:+.4} ({:+.4} to {:+.4}) {state}",
            figure("gain"),
            figure("gain_low"),
            figure("gain_high"),
        ),
        None => "-".to_owned(),
    }
}

fn text(result: &Value) -> String {
    let heads = [
        "",
        "model",
        "learned at",
        "state",
        "NDCG@10",
        "popular",
        "before",
        "judges",
        "baskets",
        "visits",
        "lists",
        "searches",
        "s",
    ];
    let mut rows = vec![heads.map(str::to_owned).to_vec()];
    let models = result["models"].as_array().map_or(&[][..], Vec::as_slice);
    for model in models {
        let figure =
            |name: &str| model[name].as_f64().map_or("-".to_owned(), |value| format!("{value:.4}"));
        let is_serving = model["number"] == result["serving"];
        rows.push(vec![
            if is_serving { "serves" } else { "" }.to_owned(),
            model["number"].to_string(),
            model["made_at"].as_str().unwrap_or_default().to_owned(),
            model["state"].as_str().unwrap_or_default().to_owned(),
            figure("ndcg_at_10"),
            figure("popularity_ndcg_at_10"),
            figure("serving_ndcg_at_10"),
            model["judges"].to_string(),
            gain_of(&model["baskets"]),
            gain_of(&model["sessions"]),
            gain_of(&model["lists"]),
            gain_of(&model["searches"]),
            format!("{:.1}", model["ms"].as_f64().unwrap_or_default() / 1e3),
        ]);
    }
    match models {
        [] => "no model yet: one is learned a minute after `souk serve` has started, or by `souk models \
               learn`, from forty shoppers with three products each"
            .to_owned(),
        _ => columns(&rows),
    }
}
