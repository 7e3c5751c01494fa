//! `souk overrides`.

use anyhow::{Result, anyhow};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use souk_app::{Caller, NewOverride, overrides_to_json};
use souk_core::LocationId;

use super::planning::number;
use crate::cli::{OverrideArgs, OverridesCommand};
use crate::failure::Failure;
use crate::job::{Job, Shop};
use crate::settings::Settings;
use crate::term::columns;

/// What is asked of overrides, as it crosses the socket.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub(crate) enum OverridesJob {
    List { location: Option<String> },
    Set { id: String, new: Box<NewOverride> },
    End { id: String },
}

pub(crate) async fn run(what: OverridesCommand, settings: &Settings) -> Result<()> {
    let what = match what {
        OverridesCommand::List { location } => OverridesJob::List { location },
        OverridesCommand::Set(args) => {
            OverridesJob::Set { id: args.id.clone(), new: Box::new(wish(*args)) }
        }
        OverridesCommand::End { id } => OverridesJob::End { id },
    };
    super::finish(settings, &Job::Overrides(Box::new(what)), text).await
}

fn wish(args: OverrideArgs) -> NewOverride {
    NewOverride {
        site: args.site,
        product_id: args.product,
        location_id: args.location,
        from: args.from,
        until: args.until,
        units_per_day: args.units,
        factor: args.factor,
        reason: args.reason,
        expires_on: args.expires,
    }
}

/// What `souk overrides` prints.
pub(crate) async fn answer(shop: &Shop, what: &OverridesJob) -> Result<Value> {
    let admin = Caller::local_admin();
    match what {
        OverridesJob::List { location } => {
            let location = location.as_deref().map(LocationId::new).transpose();
            let location = location.map_err(|error| anyhow!(Failure::usage(error.to_string())))?;
            Ok(overrides_to_json(&shop.app.overrides(location.as_ref(), &admin).await?))
        }
        OverridesJob::Set { id, new } => {
            let made = shop.app.put_override(id, NewOverride::clone(new), &admin).await?;
            Ok(json!({"set": id, "model": made.model}))
        }
        OverridesJob::End { id } => {
            shop.app.end_override(id, &admin).await?;
            Ok(json!({"ended": id}))
        }
    }
}

fn text(result: &Value) -> String {
    if let Some(id) = result["set"].as_str() {
        let days = result["model"].as_array().map_or(0, Vec::len);
        let model: f64 = result["model"]
            .as_array()
            .map_or(0.0, |days| days.iter().filter_map(Value::as_f64).sum());
        return format!(
            "`{id}` is heard; the model alone says {model:.1} units for its {days} days\n"
        );
    }
    if let Some(id) = result["ended"].as_str() {
        return format!("`{id}` has ended\n");
    }
    let word = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let heads = [
        "id", "product", "at", "from", "until", "says", "by", "ended", "days", "error", "model's",
        "worth",
    ];
    let mut rows = vec![heads.map(str::to_owned).to_vec()];
    for one in result["overrides"].as_array().into_iter().flatten() {
        let says = match one["factor"].as_f64() {
            Some(factor) => format!("× {factor}"),
            None => format!("{} a day", number(&one["units_per_day"], 1)),
        };
        let worth = &one["worth"];
        rows.push(vec![
            word(&one["id"]),
            word(&one["product_id"]),
            word(&one["location_id"]),
            word(&one["from"]),
            word(&one["until"]),
            says,
            word(&one["author"]),
            word(&one["ended_on"]),
            worth["days"].to_string(),
            number(&worth["error_with"], 1),
            number(&worth["error_without"], 1),
            number(&worth["value_added"], 1),
        ]);
    }
    if rows.len() == 1 {
        return "there is no override\n".to_owned();
    }
    let all = &result["all"];
    if all["judged"].as_u64() == Some(0) {
        return format!("{}none of their days is over, so none is judged yet\n", columns(&rows));
    }
    format!(
        "{}{} of {} that were judged were better than the model; together they took {} units off its error of {}\n",
        columns(&rows),
        all["better"],
        all["judged"],
        number(&all["value_added"], 1),
        number(&all["error_without"], 1),
    )
}
