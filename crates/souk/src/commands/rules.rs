//! `souk rules`.

use std::path::Path;

use anyhow::{Result, anyhow};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use souk_app::{
    Caller, RULES_MAX, RuleDraft, RuleMove, RulePrecondition, RulePreview, SearchQuery, StoredRule,
    search_to_json,
};
use souk_core::Timestamp;
use souk_core::rules::{Rule, RuleId};
use souk_core::wire::json::{rule_from_json, rule_to_json};

use super::recommend;
use crate::cli::RulesCommand;
use crate::failure::Failure;
use crate::job::{Job, Shop};
use crate::settings::Settings;
use crate::term::{self, columns};

/// Bytes of a file of rules; chosen: ten thousand rules of a few kilobytes.
const FILE_BYTES_MAX: u64 = 64 << 20;

/// A rule to be tried, as it crosses the socket.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Trial {
    rule: Value,
    at: Option<String>,
    ask: recommend::Ask,
    #[serde(default)]
    query: Option<String>,
}

pub(crate) async fn run(what: RulesCommand, settings: &Settings) -> Result<()> {
    match what {
        RulesCommand::List => super::finish(settings, &Job::RulesList, text).await,
        RulesCommand::Export => {
            let result = super::perform(settings, &Job::RulesList).await?;
            let rules = result["rules"].as_array().into_iter().flatten();
            let lines: String = rules.map(|rule| format!("{}\n", rule["rule"])).collect();
            term::print_line(&lines)?;
            Ok(())
        }
        RulesCommand::Put { file } => {
            let file = super::absolute(&file)?;
            let said = |result: &Value| {
                let warnings = result["warnings"].as_array().into_iter().flatten().map(word);
                let warnings = warnings.map(|warning| format!("\n{warning}")).collect::<String>();
                format!("{} rules stored{warnings}", result["stored"])
            };
            super::finish(settings, &Job::RulesPut { file }, said).await
        }
        RulesCommand::Preview { file, at, query, request } => {
            let text = read(&file)?;
            let rule = serde_json::from_str(&text).map_err(|error| {
                usage(format!("{}: not one JSON object: {error}", file.display()))
            })?;
            let trial = Trial { rule, at, ask: recommend::Ask::from(*request), query };
            super::finish(settings, &Job::RulesPreview(Box::new(trial)), said_of_preview).await
        }
        RulesCommand::Delete { id } => {
            let said = |result: &Value| {
                format!("rule {} is deleted", result["deleted"].as_str().unwrap_or_default())
            };
            super::finish(settings, &Job::RulesDelete { id }, said).await
        }
    }
}

fn usage(message: String) -> anyhow::Error {
    anyhow!(Failure::usage(message))
}

fn read(path: &Path) -> Result<String> {
    let fault = |why: String| usage(format!("{}: {why}", path.display()));
    let bytes = std::fs::metadata(path).map_err(|error| fault(error.to_string()))?.len();
    if bytes > FILE_BYTES_MAX {
        return Err(fault(format!("{bytes} bytes; the limit is {FILE_BYTES_MAX}")));
    }
    std::fs::read_to_string(path).map_err(|error| fault(error.to_string()))
}

fn rule_of(value: &Value, id: Option<&RuleId>, now: Timestamp) -> Result<Rule, String> {
    rule_from_json(value, id, now).map_err(|faults| {
        let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
        faults.join("; ")
    })
}

pub(crate) fn list(shop: &Shop) -> Result<Value> {
    let rules = shop.app.list_rules(&Caller::local_admin())?;
    let row = |stored: &StoredRule| {
        json!({
            "id": stored.rule.id.as_str(),
            "enabled": stored.rule.is_on,
            "priority": stored.rule.priority,
            "action": stored.rule.action.as_str(),
            "name": stored.rule.name,
            "version": stored.version.to_string(),
            "updated_at": stored.updated_at.to_string(),
            "rule": rule_to_json(&stored.rule),
        })
    };
    Ok(json!({ "rules": rules.iter().map(row).collect::<Vec<_>>() }))
}

/// The JSON values of a file one behind another, each with the line on which it begins: JSON lines, documents over several
/// lines, or one list of all.
fn values_of(text: &str) -> impl Iterator<Item = (usize, Result<Value, serde_json::Error>)> {
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<Value>();
    std::iter::from_fn(move || {
        let rest = &text[values.byte_offset()..];
        let begin = text.len() - rest.trim_start().len();
        let line = text[..begin].matches('\n').count() + 1;
        values.next().map(|value| (line, value))
    })
    .flat_map(|(line, value)| match value {
        Ok(Value::Array(all)) => all.into_iter().map(|value| (line, Ok(value))).collect(),
        other => vec![(line, other)],
    })
}

/// Stores the rules of a file.
pub(crate) async fn put(shop: &Shop, file: &Path) -> Result<Value> {
    let text = read(file)?;
    let now = shop.app.clock().now();
    let mut rules = Vec::new();
    for (line, value) in values_of(&text) {
        let fault = |why: String| usage(format!("{}, line {line}: {why}", file.display()));
        let value = value.map_err(|error| usage(format!("{}: {error}", file.display())))?;
        rules.push(rule_of(&value, None, now).map_err(fault)?);
        if rules.len() > RULES_MAX {
            return Err(fault(format!("more than {RULES_MAX} rules, which is the limit")));
        }
    }
    let warned = rules.iter().flat_map(|rule| {
        let warnings = shop.app.rule_warnings(rule).into_iter();
        warnings.map(|warning| format!("rule `{}`: {warning}", rule.id))
    });
    let warnings: Vec<String> = warned.collect();
    let stored = shop.app.put_rules(rules, &Caller::local_admin()).await?;
    Ok(json!({ "stored": stored, "warnings": warnings }))
}

pub(crate) async fn delete(shop: &Shop, id: &str) -> Result<Value> {
    let rule = RuleId::new(id).map_err(|error| usage(error.to_string()))?;
    shop.app.delete_rule(&rule, RulePrecondition::Any, &Caller::local_admin()).await?;
    Ok(json!({ "deleted": id }))
}

pub(crate) async fn preview(shop: &Shop, trial: &Trial) -> Result<Value> {
    let draft = RuleId::new("draft")?;
    let has_id = !trial.rule["id"].is_null();
    let id = Some(&draft).filter(|_| !has_id);
    let rule = rule_of(&trial.rule, id, shop.app.clock().now()).map_err(usage)?;
    let at = trial.at.as_deref().map(Timestamp::parse).transpose();
    let at = at.map_err(|error| usage(format!("--at: {error}")))?;
    let request = trial.ask.request().map_err(usage)?;
    let Some(query) = &trial.query else {
        let draft = RuleDraft { rule, request, at };
        let preview = shop.app.preview_rule(&draft, &Caller::local_admin()).await?;
        let answers = [&preview.before, &preview.after].map(recommend::json_of);
        return Ok(json_of_preview(&preview, answers));
    };
    let request = SearchQuery {
        user_id: request.user_id,
        anonymous_id: request.anonymous_id,
        placement: request.placement,
        filter: request.filter,
        context: request.context,
        ..SearchQuery::new(query, request.limit)
    };
    shop.app.wait_searchable(super::search::PATIENCE).await?;
    let draft = RuleDraft { rule, request, at };
    let preview = shop.app.preview_rule_in_search(&draft, &Caller::local_admin()).await?;
    let before = serde_json::from_str(&search_to_json(&preview.before))?;
    let after = serde_json::from_str(&search_to_json(&preview.after))?;
    Ok(json_of_preview(&preview, [before, after]))
}

fn json_of_preview<A>(preview: &RulePreview<A>, [before, after]: [Value; 2]) -> Value {
    let row = |one: &RuleMove| {
        json!({
            "product_id": one.product_id.as_str(),
            "from": one.from,
            "to": one.to,
            "detail": one.detail,
        })
    };
    json!({
        "moves": preview.moves.iter().map(row).collect::<Vec<_>>(),
        "matches": preview.matches,
        "warnings": preview.warnings,
        "unmet": preview.unmet,
        "remedy": preview.remedy,
        "before": before,
        "after": after,
    })
}

fn word(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => "-".to_owned(),
        other => other.to_string(),
    }
}

fn text(result: &Value) -> String {
    let heading = ["rule", "enabled", "priority", "action", "name"];
    let mut rows = vec![heading.map(str::to_owned).to_vec()];
    for rule in result["rules"].as_array().into_iter().flatten() {
        let cells = ["id", "enabled", "priority", "action", "name"].map(|name| word(&rule[name]));
        rows.push(cells.to_vec());
    }
    if rows.len() == 1 { "there are no rules\n".to_owned() } else { columns(&rows) }
}

fn said_of_preview(result: &Value) -> String {
    let mut text = match result["matches"].as_u64() {
        Some(n) => format!("means {n} products"),
        None => "says something beside the hits".to_owned(),
    };
    match result["unmet"].as_str() {
        Some(unmet) => text.push_str(&format!("; does not hold for this request: {unmet}\n")),
        None => text.push_str("; holds for this request\n"),
    }
    for warning in result["warnings"].as_array().into_iter().flatten() {
        text.push_str(&format!("{}\n", word(warning)));
    }
    if let Some(remedy) = result["remedy"].as_str() {
        text.push_str(&format!("{remedy}\n"));
    }
    for side in ["before", "after"] {
        if let Some(url) = result[side]["redirect"]["url"].as_str() {
            text.push_str(&format!("{side}: sent to {url}\n"));
        }
        for banner in result[side]["banners"].as_array().into_iter().flatten() {
            let shown = ["title", "text", "image_url"].map(|name| &banner[name]);
            let shown = shown.into_iter().find_map(Value::as_str).unwrap_or_default();
            text.push_str(&format!("{side}: banner {shown}\n"));
        }
    }
    let mut rows = vec![["before", "after", "product", "why"].map(str::to_owned).to_vec()];
    for one in result["moves"].as_array().into_iter().flatten() {
        let cells = ["from", "to", "product_id", "detail"].map(|name| word(&one[name]));
        rows.push(cells.to_vec());
    }
    if rows.len() == 1 {
        text.push_str("nothing moves\n");
    } else {
        text.push_str(&columns(&rows));
    }
    text
}
