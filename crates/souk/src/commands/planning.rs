//! `souk replenish`.

use anyhow::{Result, anyhow};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use souk_app::{Caller, StopSwitch, plan_to_json, waste_to_json};
use souk_core::{LocationId, SiteId};

use crate::cli::ReplenishArgs;
use crate::failure::Failure;
use crate::job::{Job, Shop};
use crate::settings::Settings;
use crate::term::columns;

/// Characters of a title in a table, and products of one exception that a text names (chosen: a line of a terminal).
const TITLE_CHARS_MAX: usize = 24;
const NAMED_MAX: usize = 5;

/// What `souk replenish` is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Act {
    Show,
    Draft,
    Waste,
    Stop,
    Resume,
}

pub(crate) async fn replenish(args: ReplenishArgs, settings: &Settings) -> Result<()> {
    let asked = [
        (args.draft, Act::Draft),
        (args.waste, Act::Waste),
        (args.stop, Act::Stop),
        (args.resume, Act::Resume),
    ];
    let act = asked.into_iter().find(|(is_asked, _)| *is_asked).map_or(Act::Show, |(_, act)| act);
    let job = Job::Replenish { location: args.location, site: args.site, act };
    super::finish(settings, &job, text).await
}

pub(super) fn place(
    shop: &Shop,
    site: Option<&str>,
    location: Option<&str>,
) -> Result<(SiteId, LocationId)> {
    let usage = |error: &dyn std::fmt::Display| anyhow!(Failure::usage(error.to_string()));
    let site = match site {
        Some(site) => SiteId::new(site).map_err(|error| usage(&error))?,
        None => shop.settings.config.main_site(),
    };
    let location = location.ok_or_else(|| usage(&"--location: name the place to order for"))?;
    Ok((site, LocationId::new(location).map_err(|error| usage(&error))?))
}

/// What `souk replenish` prints.
pub(crate) async fn answer(
    shop: &Shop,
    (site, location): (Option<&str>, Option<&str>),
    act: Act,
) -> Result<Value> {
    let admin = Caller::local_admin();
    let switch = match act {
        Act::Stop => Some(StopSwitch::Stopped),
        Act::Resume => Some(StopSwitch::Running),
        Act::Show | Act::Draft | Act::Waste => None,
    };
    if let Some(switch) = switch {
        shop.app.stop_replenishment(switch, &admin).await?;
        return Ok(json!({"switch": switch.as_str()}));
    }
    let (site, location) = place(shop, site, location)?;
    if act == Act::Waste {
        return Ok(waste_to_json(&shop.app.waste((&site, &location), &admin).await?));
    }
    let plan = shop.app.replenishment((&site, &location), &admin).await?;
    let mut result = plan_to_json(&plan);
    if act == Act::Show {
        return Ok(result);
    }
    let mut drafts = Vec::new();
    for proposal in &plan.proposals {
        if let Some(new) = plan.order_at(&proposal.supplier_id) {
            drafts.push(shop.app.create_purchase_order(new, &admin).await?);
        }
    }
    result["drafts"] = serde_json::to_value(drafts)?;
    result["left_out"] = plan.left_out().map(|product| json!(product.as_str())).collect();
    Ok(result)
}

pub(super) fn number(value: &Value, digits: usize) -> String {
    value.as_f64().map_or("-".to_owned(), |value| format!("{value:.digits$}"))
}

/// Units with as many digits as they have.
pub(super) fn units(value: &Value) -> String {
    let Some(units) = value.as_f64() else { return "-".to_owned() };
    format!("{}", (units * 1_000.0).round() / 1_000.0)
}

pub(super) fn money(value: &Value) -> String {
    let Some(amount) = value["amount"].as_i64() else { return "-".to_owned() };
    let code = value["currency"].as_str().unwrap_or_default();
    match souk_core::Currency::parse(code) {
        Ok(currency) => souk_core::Money::from_minor(amount, currency).to_string(),
        Err(_) => format!("{amount} {code}"),
    }
}

/// A number with what it counts.
fn many(number: &Value, one: &str, more: &str) -> String {
    let word = if number.as_u64() == Some(1) { one } else { more };
    format!("{number} {word}")
}

pub(super) fn list<'a>(result: &'a Value, name: &str) -> &'a [Value] {
    result[name].as_array().map_or(&[], Vec::as_slice)
}

fn text(result: &Value) -> String {
    if let Some(state) = result["switch"].as_str() {
        return format!("approvals by rule: {state}\n");
    }
    if result["figures"].is_object() {
        return said_of_waste(result);
    }
    let mut said = String::new();
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    for alarm in list(result, "alarms") {
        let (feed, kind) = (word(&alarm["feed"]), word(&alarm["kind"]));
        let kind = if kind == "factor" { "off by a factor".to_owned() } else { kind };
        said.push_str(&format!("ALARM: feed `{feed}` is {kind}: {}\n", word(&alarm["text"])));
    }
    let heads = [
        "product",
        "title",
        "position",
        "days",
        "expected",
        "level",
        "order",
        "at",
        "cost",
        "confidence",
    ];
    let mut rows = vec![heads.map(str::to_owned).to_vec()];
    for line in list(result, "lines") {
        rows.push(vec![
            word(&line["product_id"]),
            short(&line["title"]),
            number(&line["position"]["total"], 1),
            number(&line["protection_days"], 0),
            number(&line["demand_mean"], 1),
            number(&line["order_up_to"], 1),
            units(&line["quantity"]),
            line["supplier_id"].as_str().unwrap_or("-").to_owned(),
            money(&line["cost"]),
            number(&line["confidence"], 2),
        ]);
    }
    if rows.len() == 1 {
        let yet = if result["pending"].as_u64() > Some(0) { " yet" } else { "" };
        let looked = many(&result["considered"], "product was", "products were");
        said.push_str(&format!("nothing to order{yet}; {looked} looked at\n"));
    } else {
        said.push_str(&columns(&rows));
        for line in list(result, "lines") {
            said.push_str(&format!("{}: {}\n", word(&line["product_id"]), word(&line["text"])));
            for warning in list(line, "warnings") {
                said.push_str(&format!("  ! {}\n", word(warning)));
            }
            for note in list(line, "notes") {
                said.push_str(&format!("  note: {}\n", word(note)));
            }
        }
    }
    let so_far = &result["so_far"];
    if so_far["sold"].as_f64() > Some(0.0) {
        said.push_str(&format!(
            "today so far: {} sold, {} expected of the whole day\n",
            number(&so_far["sold"], 0),
            number(&so_far["expected"], 0)
        ));
    }
    for proposal in list(result, "proposals") {
        let amount = money(&proposal["amount"]);
        let reasons: Vec<String> = list(proposal, "reasons").iter().map(word).collect();
        let verdict = match proposal["approved_by_rule"].as_bool() {
            Some(true) => match result["automatic"]["shadow"].as_bool() {
                Some(true) => "a rule would approve it, but `inventory.shadow` is on".to_owned(),
                _ => "a rule approves it within a quarter of an hour while `souk serve` runs"
                    .to_owned(),
            },
            _ => format!("a person decides: {}", reasons.join("; ")),
        };
        let supplier = word(&proposal["supplier_id"]);
        let lines = many(&proposal["lines"], "line", "lines");
        let waste = match proposal["waste"]["amount"].as_i64() {
            Some(1..) => format!(", of which {} will go off on average", money(&proposal["waste"])),
            _ => String::new(),
        };
        said.push_str(&format!("{supplier}: {lines}, {amount}{waste}; {verdict}\n"));
    }
    for odd in list(result, "exceptions") {
        said.push_str(&format!("look at {}: {}\n", named(odd), word(&odd["text"])));
    }
    if result["more_exceptions"].as_u64() > Some(0) {
        let more = many(&result["more_exceptions"], "more thing", "more things");
        said.push_str(&format!(
            "{more} to look at; `--output json` has those of which most is at stake\n"
        ));
    }
    if result["unknown"].as_u64() > Some(0) {
        let products = many(&result["unknown"], "product has", "products have");
        said.push_str(&format!(
            "{products} no known stock, no offer and no open order here, so no order is made of them\n"
        ));
    }
    if result["pending"].as_u64() > Some(0) {
        let products = many(&result["pending"], "product is", "products are");
        said.push_str(&format!("{products} not forecast yet; ask again soon\n"));
    }
    for draft in list(result, "drafts") {
        let (id, supplier) = (word(&draft["id"]), word(&draft["supplier_id"]));
        said.push_str(&format!("draft {id} at {supplier}: {}\n", money(&draft["total"])));
    }
    for product in list(result, "left_out") {
        said.push_str(&format!(
            "not drafted: {}, because some of it was received that is in no book yet; send `Stock Received` or a count, \
             then draft again\n",
            word(product)
        ));
    }
    said
}

/// A title that leaves room for figures.
pub(super) fn short(title: &Value) -> String {
    let title = title.as_str().unwrap_or("-");
    match title.char_indices().nth(TITLE_CHARS_MAX) {
        None => title.to_owned(),
        Some(_) => title.chars().take(TITLE_CHARS_MAX - 1).chain(['…']).collect(),
    }
}

/// What an exception is about: a product, or how many and the first of them.
fn named(odd: &Value) -> String {
    let ids: Vec<&str> = list(odd, "product_ids").iter().filter_map(Value::as_str).collect();
    let stake = match odd["at_stake"]["amount"].as_i64() {
        Some(1..) => format!("{} a week", money(&odd["at_stake"])),
        _ => String::new(),
    };
    let n = odd["products"].as_u64().unwrap_or(1);
    let about = |parts: &[&str]| {
        let parts: Vec<&str> = parts.iter().copied().filter(|part| !part.is_empty()).collect();
        if parts.is_empty() { String::new() } else { format!(" ({})", parts.join("; ")) }
    };
    if n <= 1 {
        let title = short(&odd["title"]);
        return format!("{}{}", ids.first().unwrap_or(&"-"), about(&[&title, &stake]));
    }
    let shown = ids.iter().take(NAMED_MAX).copied().collect::<Vec<_>>().join(", ");
    let more = if n > NAMED_MAX as u64 { ", … `--output json` names them" } else { "" };
    format!("{n} products{}", about(&[&stake, &format!("{shown}{more}")]))
}

fn said_of_waste(result: &Value) -> String {
    let word = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let mut rows = vec![
        ["product", "lot", "last day", "units", "unsold", "chance", "worth", "proposal"]
            .map(str::to_owned)
            .to_vec(),
    ];
    for lot in list(result, "lots") {
        let proposal = &lot["proposal"];
        let action = match proposal["action"].as_str().unwrap_or_default() {
            "mark_down" => format!("{} % off", number(&proposal["discount_percent"], 0)),
            "move" => format!("{} to {}", number(&proposal["units"], 0), word(&proposal["to"])),
            "write_off" => "write off".to_owned(),
            other => other.to_owned(),
        };
        rows.push(vec![
            word(&lot["product_id"]),
            word(&lot["lot"]),
            word(&lot["expires_on"]),
            number(&lot["units"], 1),
            number(&lot["unsold"], 1),
            number(&lot["chance"], 2),
            money(&lot["value"]),
            action,
        ]);
    }
    let mut said = match rows.len() {
        1 => "nothing will go off before it is sold\n".to_owned(),
        _ => columns(&rows),
    };
    for lot in list(result, "lots") {
        let (product, text) = (word(&lot["product_id"]), word(&lot["proposal"]["text"]));
        said.push_str(&format!("{product} {}: {text}\n", word(&lot["lot"])));
    }
    let figures = &result["figures"];
    let rate = figures["waste_rate"].as_f64();
    said.push_str(&format!(
        "{} units will not be sold, worth {}; in {} days {} pieces were written off of {} that left ({})\n",
        number(&figures["unsold"], 1),
        money(&figures["value"]),
        figures["days"],
        number(&figures["written_off"], 1),
        number(&json!(figures["written_off"].as_f64().unwrap_or(0.0) + figures["sold"].as_f64().unwrap_or(0.0)), 1),
        rate.map_or("-".to_owned(), |rate| format!("{:.1} %", rate * 100.0)),
    ));
    said
}

#[cfg(test)]
mod tests;
