//! A rule becomes as many of ours as it has consequences, times and contexts.
//!
//! Each of Algolia's rules holds for searches alone, so each of ours asks for the strategy `search`.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use souk_core::rules::{Rule, RuleId};
use souk_core::wire::json::rule_from_json;
use souk_core::{Currency, Timestamp};
use xxhash_rust::xxh3::xxh3_64;

use super::Object;
use super::filter::{ListKind, read, read_list, read_wish};
use crate::SEARCH_STRATEGY;
use crate::import::ImportOptions;
use crate::sheet::RowFault;

/// The most that wanted products are brought forward by: there they come before all others, and no factor of ours is
/// higher.
const BOOST: f64 = 10.0;
/// Bytes of an id that a number can still be put behind.
const BASE_BYTES_MAX: usize = RuleId::BYTES_MAX - 6;
/// Parts that one rule may become; chosen: all of Algolia's limits together stay far below.
const PARTS_MAX: usize = 2_000;

const QUERY: &str = "changes what was typed; Souk's rules leave the words alone. Where one word should find what another \
                     finds, put a one-way synonym; words that find too little are given up by themselves";
const AUTOMATIC: &str = "filters by a facet that is named in the query; Souk reads brands, colours, sizes, prices and \
                         categories out of the words by itself";
const PARAM: &str = "changes how one search is answered; send it with the request";
const CONDITION_FILTERS: &str = "asks which filter the search has; Souk's rules do not see it. Let the page name a \
                                 placement where it sets that filter, and put it into when.placements";
const FILTER_PROMOTES: &str = "is not said; taken as true: a pin never shows what filters take out";
const USER_DATA: &str = "is handed to the page as it is; of that, Souk's answers have redirects (redirect) and banners \
                         (title, banner or image, link)";

/// The rules that one of Algolia's becomes, and what of it none of them does.
#[derive(Debug)]
pub(in crate::import::moving) struct ReadRule {
    pub(in crate::import::moving) rules: Vec<Rule>,
    pub(in crate::import::moving) left_out: Vec<RowFault>,
    /// Times that are over.
    pub(in crate::import::moving) n_over: u64,
}

/// What one consequence does.
struct Part {
    /// The consequence, as Algolia's documentation names it.
    of: &'static str,
    select: Value,
    action: Value,
}

/// Reads a rule.
pub(in crate::import::moving) fn rules_of(
    object: &Object,
    (options, now): (&ImportOptions, Timestamp),
    line: u64,
) -> ReadRule {
    let id = object.get("objectID").and_then(Value::as_str).unwrap_or_default();
    let (site, currency) = (&options.site, options.currency);
    let mut reader = Reader { id, line, currency, parts: Vec::new(), left_out: Vec::new() };
    let whens = reader.conditions(object);
    reader.consequence(object.get("consequence").unwrap_or(&Value::Null));
    let (times, n_over) = reader.times(object.get("validity"), now);
    let Reader { parts, mut left_out, .. } = reader;
    let parts = parts.iter();
    let all = whens.iter().flat_map(|when| times.iter().map(move |time| (when, time)));
    let all: Vec<_> =
        all.flat_map(|(when, time)| parts.clone().map(move |p| (when, time, p))).collect();
    let base = base_id(id);
    let fault = |column: &str, reason: String| RowFault {
        line,
        column: column.to_owned(),
        reason: format!("{reason} (rule `{id}`)"),
    };
    if all.len() > PARTS_MAX {
        left_out.push(fault("", format!("would become over {PARTS_MAX} rules; split it")));
        return ReadRule { rules: Vec::new(), left_out, n_over };
    }
    let mut rules = Vec::with_capacity(all.len());
    for (idx, (when, time, part)) in all.iter().enumerate() {
        let name = object.get("description").and_then(Value::as_str).unwrap_or_default();
        let mut rule = json!({
            "id": if all.len() == 1 { base.clone() } else { format!("{base}.{}", idx + 1) },
            "name": cut(name, Rule::NAME_BYTES_MAX),
            "enabled": object.get("enabled").and_then(Value::as_bool).unwrap_or(true),
            "when": {"strategies": [SEARCH_STRATEGY], "sites": [site.as_str()]},
            "action": part.action,
        });
        if !part.select.is_null() {
            rule["select"] = part.select.clone();
        }
        for (field, value) in when.iter().chain(time.iter()) {
            rule["when"][field] = value.clone();
        }
        match rule_from_json(&rule, None, now) {
            Ok(rule) => rules.push(rule),
            Err(faults) => {
                let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
                left_out.push(fault(part.of, format!("cannot be a rule: {}", faults.join("; "))));
            }
        }
    }
    ReadRule { rules, left_out, n_over }
}

/// The id that a rule has here: its own, as far as it may stand in one.
fn base_id(id: &str) -> String {
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-');
    let begins_well = id.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric());
    if begins_well && id.len() <= BASE_BYTES_MAX && id.bytes().all(is_plain) {
        return id.to_owned();
    }
    let kept: String = id.bytes().filter(|b| is_plain(*b)).map(char::from).take(30).collect();
    format!("a-{kept}-{:016x}", xxh3_64(id.as_bytes()))
}

fn cut(text: &str, most: usize) -> &str {
    let mut end = text.len().min(most);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// Fields of `when`.
type When = Vec<(&'static str, Value)>;

struct Reader<'a> {
    id: &'a str,
    line: u64,
    currency: Currency,
    parts: Vec<Part>,
    left_out: Vec<RowFault>,
}

impl Reader<'_> {
    fn leave_out(&mut self, column: &str, reason: &str) {
        let reason = format!("{reason} (rule `{}`)", self.id);
        self.left_out.push(RowFault { line: self.line, column: column.to_owned(), reason });
    }

    fn add(&mut self, of: &'static str, select: Value, action: Value) {
        self.parts.push(Part { of, select, action });
    }

    /// When the rule holds: one entry for each context, since of one of ours every list must fit.
    fn conditions(&mut self, object: &Object) -> Vec<When> {
        let several = object.get("conditions").and_then(Value::as_array).cloned();
        // Before 2019 a rule had one.
        let one = object.get("condition").map(|one| vec![one.clone()]);
        let conditions = several.or(one).unwrap_or_default();
        if conditions.is_empty() {
            return vec![Vec::new()];
        }
        // By context: the words, or none where one of the conditions asks for no words.
        let mut by_context: BTreeMap<String, Option<Vec<String>>> = BTreeMap::new();
        for condition in &conditions {
            let text = |name: &str| condition.get(name).and_then(Value::as_str).unwrap_or_default();
            if !text("filters").is_empty() {
                self.leave_out("conditions.filters", CONDITION_FILTERS);
                continue;
            }
            let words = match (
                condition.get("pattern"),
                self.pattern(text("pattern"), text("anchoring")),
            ) {
                (None, _) => None,
                (Some(_), None) => continue,
                (Some(_), words) => words,
            };
            if words.is_some()
                && condition.get("alternatives").and_then(Value::as_bool) == Some(true)
            {
                self.leave_out(
                    "conditions.alternatives",
                    "takes plurals, synonyms and typing errors of its words; rules compare words as they are typed: \
                     add the others to when.queries",
                );
            }
            let known = by_context.entry(text("context").to_owned());
            match (known.or_insert_with(|| Some(Vec::new())), words) {
                (known, None) => *known = None,
                (Some(known), Some(words)) => known.push(words),
                (None, Some(_)) => {}
            }
        }
        let whens = by_context.into_iter().map(|(context, words)| {
            let mut when = Vec::new();
            if !context.is_empty() {
                when.push(("placements", json!([context])));
            }
            when.extend(words.map(|words| ("queries", json!(words))));
            when
        });
        whens.collect()
    }

    /// Words in our form: `^begin`, `end$`, `^all$`, or anywhere.
    fn pattern(&mut self, pattern: &str, anchoring: &str) -> Option<String> {
        if pattern.contains("{facet:") {
            self.leave_out("conditions.pattern", AUTOMATIC);
            return None;
        }
        if !pattern.chars().any(char::is_alphanumeric) {
            self.leave_out("conditions.pattern", "has no words; browsing has none to compare");
            return None;
        }
        let words = pattern.trim();
        Some(match anchoring {
            "is" => format!("^{words}$"),
            "startsWith" => format!("^{words}"),
            "endsWith" => format!("{words}$"),
            _ => words.to_owned(),
        })
    }

    /// When by the clock; nothing of it is always. Times that are over are counted.
    fn times(&mut self, validity: Option<&Value>, now: Timestamp) -> (Vec<When>, u64) {
        let Some(ranges) = validity.and_then(Value::as_array).filter(|list| !list.is_empty())
        else {
            return (vec![Vec::new()], 0);
        };
        let (mut times, mut n_over) = (Vec::new(), 0);
        for range in ranges {
            let moment = |name: &str| {
                let seconds = range.get(name)?.as_f64()?;
                Timestamp::from_ms((seconds * 1_000.0) as i64).ok()
            };
            match (moment("from"), moment("until")) {
                (_, Some(until)) if until <= now => n_over += 1,
                (Some(from), Some(until)) => times.push(vec![
                    ("from", from.to_string().into()),
                    ("until", until.to_string().into()),
                ]),
                _ => {
                    self.leave_out("validity", "has a time without from and until in Unix seconds")
                }
            }
        }
        (times, n_over)
    }

    fn consequence(&mut self, consequence: &Value) {
        let Value::Object(fields) = consequence else {
            return self.leave_out("consequence", "is missing");
        };
        if fields.contains_key("promote") && !fields.contains_key("filterPromotes") {
            self.leave_out("consequence.filterPromotes", FILTER_PROMOTES);
        }
        for (name, value) in fields {
            match name.as_str() {
                "promote" => self.promote(value),
                "hide" => self.hide(value),
                "params" => self.params(value),
                "userData" => self.user_data(value),
                "filterPromotes" if value.as_bool() == Some(false) => self.leave_out(
                    "consequence.filterPromotes",
                    "shows what is promoted although filters take it out; a pin never does",
                ),
                "filterPromotes" => {}
                "redirect" => self.redirect("consequence.redirect", value.get("url")),
                _ => self.leave_out(&format!("consequence.{name}"), "has no counterpart"),
            }
        }
    }

    fn promote(&mut self, value: &Value) {
        for one in value.as_array().into_iter().flatten() {
            let ids = match (one.get("objectIDs").and_then(Value::as_array), one.get("objectID")) {
                (Some(list), _) => list.clone(),
                (None, Some(id)) => vec![id.clone()],
                (None, None) => Vec::new(),
            };
            let first = one.get("position").and_then(Value::as_u64).unwrap_or(0);
            for (place, id) in (first..).zip(ids) {
                if place >= u64::from(Rule::POSITION_MAX) {
                    let most = Rule::POSITION_MAX;
                    let reason =
                        format!("puts a product behind place {most}, the last that can be pinned");
                    self.leave_out("consequence.promote", &reason);
                    break;
                }
                let action = json!({"type": "pin", "position": place + 1});
                self.add("consequence.promote", json!({"product_ids": [id]}), action);
            }
        }
    }

    fn hide(&mut self, value: &Value) {
        let list = std::slice::from_ref(value);
        // One object instead of a list is accepted there.
        let list = value.as_array().map_or(list, Vec::as_slice);
        let ids: Vec<&Value> = list.iter().filter_map(|one| one.get("objectID")).collect();
        if ids.is_empty() {
            return self.leave_out("consequence.hide", "names no objectID");
        }
        self.add("consequence.hide", json!({"product_ids": ids}), json!({"type": "hide"}));
    }

    fn params(&mut self, params: &Value) {
        let Value::Object(params) = params else { return };
        let mut required = Vec::new();
        for (name, value) in params {
            let read = match (name.as_str(), value) {
                ("filters", Value::String(text)) if text.trim().is_empty() => continue,
                ("filters", Value::String(text)) => read(text, self.currency),
                ("facetFilters", list) => read_list(list, ListKind::Facets, self.currency),
                ("tagFilters", list) => read_list(list, ListKind::Tags, self.currency),
                ("numericFilters", list) => read_list(list, ListKind::Numbers, self.currency),
                ("optionalFilters", list) => {
                    self.wishes(list);
                    continue;
                }
                ("renderingContent", content) => {
                    self.rendering(content);
                    continue;
                }
                ("query", _) => {
                    self.leave_out("consequence.params.query", QUERY);
                    continue;
                }
                ("automaticFacetFilters" | "automaticOptionalFacetFilters", _) => {
                    self.leave_out(&format!("consequence.params.{name}"), AUTOMATIC);
                    continue;
                }
                _ => {
                    self.leave_out(&format!("consequence.params.{name}"), PARAM);
                    continue;
                }
            };
            match read {
                Ok(filter) => required.push(format!("({filter})")),
                Err(why) => self.leave_out(&format!("consequence.params.{name}"), &why),
            }
        }
        if !required.is_empty() {
            let filter = format!("NOT ({})", required.join(" AND "));
            self.add("consequence.params", json!({"filter": filter}), json!({"type": "hide"}));
        }
    }

    /// What is wanted comes forward, by its score beside the others'; what is not goes behind all.
    fn wishes(&mut self, list: &Value) {
        const OF: &str = "consequence.params.optionalFilters";
        let list = std::slice::from_ref(list).iter().flat_map(|list| match list {
            Value::Array(list) => list.clone(),
            other => vec![other.clone()],
        });
        let flat = list.flat_map(|one| match one {
            Value::Array(any) => any,
            other => vec![other],
        });
        let mut wishes = Vec::new();
        for one in flat {
            match one
                .as_str()
                .ok_or_else(|| "has something that is no text".to_owned())
                .and_then(|text| read_wish(text, self.currency))
            {
                Ok(wish) => wishes.push(wish),
                Err(why) => self.leave_out(OF, &why),
            }
        }
        let most = wishes.iter().map(|wish| wish.score).fold(0.0, f64::max);
        for wish in wishes {
            let select = json!({"filter": wish.filter});
            let action = match wish.is_wanted {
                true => json!({"type": "boost", "factor": (BOOST * wish.score / most).max(1.0)}),
                false => json!({"type": "bury"}),
            };
            self.add(OF, select, action);
        }
    }

    fn rendering(&mut self, content: &Value) {
        const OF: &str = "consequence.params.renderingContent";
        let Value::Object(content) = content else { return };
        for (name, value) in content {
            match name.as_str() {
                "redirect" => self.redirect(OF, value.get("url")),
                "widgets" => {
                    for banner in value["banners"].as_array().into_iter().flatten() {
                        let image = &banner["image"];
                        let (title, url) = (image.get("title"), banner["link"].get("url"));
                        self.banner(OF, [title, None, url, image["urls"][0].get("url")]);
                    }
                }
                _ => {
                    let reason = "says in which order a page shows facets; the page decides that";
                    self.leave_out(&format!("{OF}.{name}"), reason);
                }
            }
        }
    }

    fn user_data(&mut self, data: &Value) {
        const OF: &str = "consequence.userData";
        let first = |names: &[&str]| names.iter().find_map(|name| data.get(*name));
        let is_text = |value: &&Value| value.is_string();
        let redirect = first(&["redirect", "redirectUrl", "redirect_url"]).filter(is_text);
        let title = first(&["title", "heading"]).filter(is_text);
        let image = first(&["banner", "image", "imageUrl", "image_url"]).filter(is_text);
        if redirect.is_some() {
            self.redirect(OF, redirect);
        }
        if title.is_some() || image.is_some() {
            let text = first(&["text", "body", "description"]).filter(is_text);
            let url = first(&["link", "url", "target"]).filter(is_text);
            self.banner(OF, [title, text, url, image]);
        }
        if redirect.is_none() && title.is_none() && image.is_none() {
            self.leave_out(OF, USER_DATA);
        }
    }

    fn redirect(&mut self, of: &'static str, url: Option<&Value>) {
        match url {
            Some(url) => self.add(of, Value::Null, json!({"type": "redirect", "url": url})),
            None => self.leave_out(of, "names no url"),
        }
    }

    fn banner(&mut self, of: &'static str, texts: [Option<&Value>; 4]) {
        let mut action = json!({"type": "banner"});
        let names = ["title", "text", "url", "image_url"];
        for (name, value) in names.iter().zip(texts) {
            if let Some(value) =
                value.filter(|value| value.as_str().is_some_and(|text| !text.is_empty()))
            {
                action[*name] = value.clone();
            }
        }
        self.add(of, Value::Null, action);
    }
}
