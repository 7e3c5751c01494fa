//! `souk profile` and `souk segments`.

use anyhow::{Result, anyhow};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use souk_app::{Caller, MembersAsked, Segment, SegmentPrecondition, SizedSegment, profile_to_json};
use souk_core::SiteId;

use crate::cli::{ProfileArgs, SegmentsCommand};
use crate::failure::Failure;
use crate::job::{Job, Shop};
use crate::settings::Settings;
use crate::term::columns;

/// What is asked of segments, as it crosses the socket.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub(crate) enum SegmentsJob {
    List { site: Option<String> },
    Put { key: String, filter: String, name: String },
    Delete { key: String },
    Members { key: String, site: Option<String>, limit: u32, traits: Vec<String> },
}

pub(crate) async fn profile(args: ProfileArgs, settings: &Settings) -> Result<()> {
    let ProfileArgs { id, site } = args;
    super::finish(settings, &Job::Profile { id, site }, profile_text).await
}

pub(crate) async fn run(what: SegmentsCommand, settings: &Settings) -> Result<()> {
    let (what, text): (SegmentsJob, fn(&Value) -> String) = match what {
        SegmentsCommand::List { site } => (SegmentsJob::List { site }, list_text),
        SegmentsCommand::Put { key, filter, name } => {
            let said = |result: &Value| format!("segment {} is stored", word(&result["key"]));
            (SegmentsJob::Put { key, filter, name }, said)
        }
        SegmentsCommand::Delete { key } => {
            let said = |result: &Value| format!("segment {} is deleted", word(&result["deleted"]));
            (SegmentsJob::Delete { key }, said)
        }
        SegmentsCommand::Members { key, site, limit, traits } => {
            (SegmentsJob::Members { key, site, limit, traits }, members_text)
        }
    };
    super::finish(settings, &Job::Segments(what), text).await
}

pub(crate) async fn read(shop: &Shop, id: &str, site: Option<&str>) -> Result<Value> {
    let site = site_of(shop, site)?;
    let profile = shop.app.profile((id, &site), &Caller::local_admin()).await?;
    Ok(profile_to_json(&profile, id))
}

pub(crate) async fn segments(shop: &Shop, what: &SegmentsJob) -> Result<Value> {
    let admin = Caller::local_admin();
    match what {
        SegmentsJob::List { site } => {
            let site = site_of(shop, site.as_deref())?;
            shop.app.fit_people().await?;
            shop.app.count_segments().await;
            let segments = shop.app.list_segments(&site, &admin)?;
            Ok(json!({"segments": segments.iter().map(json_of).collect::<Vec<_>>()}))
        }
        SegmentsJob::Put { key, filter, name } => {
            let segment = Segment::new(key, name, filter)?;
            let stored = shop.app.put_segment(segment, SegmentPrecondition::Any, &admin).await?;
            Ok(json!({"key": stored.key}))
        }
        SegmentsJob::Delete { key } => {
            shop.app.delete_segment(key, &admin).await?;
            Ok(json!({"deleted": key}))
        }
        SegmentsJob::Members { key, site, limit, traits } => {
            let site = site_of(shop, site.as_deref())?;
            shop.app.fit_people().await?;
            members(shop, (key, site), (*limit, traits)).await
        }
    }
}

/// Members of all pages, up to the limit.
async fn members(
    shop: &Shop,
    (key, site): (&str, SiteId),
    (limit, traits): (u32, &[String]),
) -> Result<Value> {
    let page_max = if traits.is_empty() { souk_app::MEMBERS_MAX } else { 100 };
    let mut asked =
        MembersAsked { key: key.to_owned(), site, limit: 0, after: None, traits: traits.to_vec() };
    let mut members: Vec<Value> = Vec::new();
    loop {
        asked.limit = (limit as usize - members.len()).min(page_max);
        if asked.limit == 0 {
            break;
        }
        let page = shop.app.segment_members(&asked, &Caller::local_admin()).await?;
        members.extend(
            page.members.into_iter().map(
                |member| json!({"subject": member.subject.to_string(), "traits": member.traits}),
            ),
        );
        asked.after = page.next;
        if page.next.is_none() {
            break;
        }
    }
    Ok(json!({"members": members}))
}

fn json_of(sized: &SizedSegment) -> Value {
    json!({
        "key": sized.segment.key,
        "name": sized.segment.name,
        "filter": sized.segment.filter,
        "built_in": sized.segment.is_built_in,
        "people": sized.size.and_then(|size| size.people),
        "counted_at": sized.size.map(|size| size.at.to_string()),
    })
}

fn site_of(shop: &Shop, name: Option<&str>) -> Result<SiteId> {
    match name {
        None => Ok(shop.settings.config.main_site()),
        Some(name) => SiteId::new(name).map_err(|error| anyhow!(Failure::usage(error.to_string()))),
    }
}

fn word(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn list_text(result: &Value) -> String {
    let mut rows = vec![["segment", "people", "filter", "name"].map(str::to_owned).to_vec()];
    for segment in result["segments"].as_array().into_iter().flatten() {
        let people = segment["people"].as_u64().map_or("few".to_owned(), |n| n.to_string());
        let texts = ["filter", "name"].map(|name| word(&segment[name]).to_owned());
        let [filter, name] = texts;
        rows.push(vec![word(&segment["key"]).to_owned(), people, filter, name]);
    }
    columns(&rows)
}

fn members_text(result: &Value) -> String {
    let members = result["members"].as_array().map_or(&[][..], Vec::as_slice);
    let line = |member: &Value| {
        let traits = member["traits"].as_object().into_iter().flatten();
        let traits: Vec<String> = traits.map(|(name, value)| format!("{name}={value}")).collect();
        format!("{} {}", word(&member["subject"]), traits.join(" ")).trim_end().to_owned()
    };
    match members {
        [] => "nobody who allows marketing and personalization".to_owned(),
        _ => members.iter().map(line).collect::<Vec<_>>().join("\n"),
    }
}

/// Characters of a line in a cell of a profile (chosen: two and a name fit into 140).
const CELL_CHARS: usize = 58;

/// The statements in the order in which they are shown.
const STATEMENTS: [&str; 15] = [
    "rfm",
    "probability_alive",
    "expected_orders",
    "order_value",
    "expected_value",
    "churn_risk",
    "next_order",
    "brands",
    "categories",
    "price_band",
    "brand_loyalty",
    "replenishment",
    "channel",
    "weekday",
    "hour",
];

fn profile_text(result: &Value) -> String {
    let mut rows = vec![["", "", "rests on"].map(str::to_owned).to_vec()];
    for name in STATEMENTS {
        let finding = &result[name];
        let evidence = finding["evidence"].as_object().into_iter().flatten();
        let evidence: Vec<String> =
            evidence.map(|(name, figure)| format!("{name}={}", short(figure))).collect();
        let said: Vec<String> = match &finding["value"] {
            Value::Null => vec![format!("({})", word(&finding["reason"]))],
            Value::Array(all) => all.iter().map(short).collect(),
            value => vec![short(value)],
        };
        let said: Vec<String> = said.iter().flat_map(|text| wrapped(text)).collect();
        let evidence = wrapped(&evidence.join(" "));
        for idx in 0..said.len().max(evidence.len()) {
            let cell = |lines: &[String]| lines.get(idx).cloned().unwrap_or_default();
            let name = if idx == 0 { name.replace('_', " ") } else { String::new() };
            rows.push(vec![name, cell(&said), cell(&evidence)]);
        }
    }
    let orders = match &result["orders"] {
        Value::Null => "no order is known".to_owned(),
        orders => format!(
            "{} orders from {} to {}, {}",
            orders["count"],
            word(&orders["first_at"]),
            word(&orders["last_at"]),
            short(&orders["spend"])
        ),
    };
    let segments: Vec<&str> =
        result["segments"].as_array().into_iter().flatten().map(word).collect();
    let allowed = if result["allowed"] == true { "allowed" } else { "not allowed" };
    format!(
        "{}, site {}: personalization is {allowed} ({}); {orders}\n\n{}\n\nsegments: {}",
        word(&result["id"]),
        word(&result["site"]),
        word(&result["consent"]),
        columns(&rows),
        if segments.is_empty() { "none".to_owned() } else { segments.join(", ") }
    )
}

/// Lines of up to [`CELL_CHARS`] characters, broken at spaces; a longer word has a line of its own.
fn wrapped(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = vec![String::new()];
    for word in text.split(' ') {
        let line = lines.last_mut().expect("there is a line from the beginning");
        if line.is_empty() {
            line.push_str(word);
        } else if line.chars().count() + 1 + word.chars().count() <= CELL_CHARS {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}

/// A value in a few words.
fn short(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => match number.as_f64() {
            Some(number) if number.fract() != 0.0 => format!("{number:.3}"),
            _ => number.to_string(),
        },
        Value::Object(object) if object.contains_key("currency") => {
            format!("{} {} (minor units)", value["amount"], word(&value["currency"]))
        }
        Value::Object(object) => {
            let parts = object.iter().filter(|(_, value)| !value.is_null());
            let parts: Vec<String> =
                parts.map(|(name, value)| format!("{name}={}", short(value))).collect();
            parts.join(" ")
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_a_profile_are_short() {
        let figures: serde_json::Map<String, Value> =
            (0..40).map(|n| (format!("figure_{n}"), json!(n))).collect();
        let brands: Vec<Value> = vec![json!({"name": "Own", "more": "word ".repeat(30)}); 2];
        let profile = json!({"id": "u", "brands": {"value": brands, "evidence": figures}});
        let text = profile_text(&profile);
        let longest = text.lines().map(|line| line.chars().count()).max().unwrap_or_default();
        assert!(longest <= 140, "{longest}: {text}");
        assert!(text.contains("figure_39=39"), "{text}");
        assert_eq!(wrapped("a b"), ["a b"]);
    }
}
