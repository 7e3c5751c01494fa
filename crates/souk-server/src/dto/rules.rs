use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use souk_app::{RecommendAnswer, RuleNote, RulePreview, SearchFound, StoredRule, search_to_json};
use souk_core::Timestamp;
use souk_core::rules::{Rule, RuleId};
use souk_core::wire::json::{rule_from_json, rule_to_json};
use utoipa::ToSchema;

use crate::dto::found::SearchAnswer;
use crate::dto::recommend::{
    ChannelName, RecommendBody, RecommendationsAnswer, RuleNoteAnswer, write_answer,
};
use crate::dto::search::SearchBody;
use crate::json::Object;
use crate::problem::{Answer, Problem};

/// What the server alone says of a rule; a rule that was read can be sent back with them.
const OWN_FIELDS: [&str; 4] = ["version", "created_at", "updated_at", "warnings"];

/// A rule of the merchant. What rules do is told in docs/rules.md.
#[derive(Debug, ToSchema)]
#[allow(dead_code, reason = "documents what `souk_core::wire::json` reads and writes")]
pub(crate) struct RuleBody {
    /// Letters, digits, `.`, `_` and `-`; a new rule without one gets one.
    #[schema(required = false, pattern = "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
    id: String,
    /// For people.
    #[schema(required = false, max_length = 50)]
    name: String,
    /// Whether it has any effect.
    #[schema(required = false, default = true)]
    enabled: bool,
    /// The higher one wins where two contradict each other; then the older one.
    #[schema(required = false, minimum = -1000, maximum = 1000, default = 0)]
    priority: i16,
    /// When it holds; always when left out.
    #[schema(required = false)]
    when: RuleWhen,
    /// Which products it means; all when left out.
    #[schema(required = false)]
    select: RuleSelect,
    action: RuleActionBody,
}

/// When a rule holds: of each list one entry must fit.
#[derive(Debug, ToSchema)]
#[allow(dead_code, reason = "documents what `souk_core::wire::json` reads and writes")]
pub(crate) struct RuleWhen {
    /// `placement` of the request.
    #[schema(required = false, max_items = 100)]
    placements: Vec<String>,
    /// The strategy that is carried out; never `auto`.
    #[schema(required = false, max_items = 100)]
    strategies: Vec<String>,
    /// `context.page_type` of the request.
    #[schema(required = false, max_items = 100)]
    page_types: Vec<String>,
    /// `context.product_id` of the request.
    #[schema(required = false, max_items = 100)]
    product_ids: Vec<String>,
    /// Categories of that product: a path, its beginning, or one of its steps.
    #[schema(required = false, max_items = 100)]
    categories: Vec<String>,
    /// Words of the search (`query`, in recommendations `context.query`): `garden chair` anywhere in it,
    /// `^garden` at its beginning, `chair$` at its end, `^chair$` as the whole of it.
    #[schema(required = false, max_items = 100)]
    queries: Vec<String>,
    #[schema(required = false, max_items = 100)]
    channels: Vec<ChannelName>,
    #[schema(required = false, max_items = 100)]
    sites: Vec<String>,
    /// Keys of segments, of which the shopper must be in one. Nobody is in any who does not allow
    /// `personalization`.
    #[schema(required = false, max_items = 100)]
    segments: Vec<String>,
    /// Not before: RFC 3339; without an offset by the clock of the site.
    #[schema(required = false)]
    from: String,
    /// Not from then on, likewise.
    #[schema(required = false)]
    until: String,
    /// Days of the week by the clock of the site.
    #[schema(required = false)]
    days: Vec<DayName>,
    #[schema(required = false)]
    hours: RuleHours,
}

/// Days of the week.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "snake_case")]
#[allow(dead_code, reason = "documents what `souk_core::wire::json` reads and writes")]
pub(crate) enum DayName {
    Mon,
    Tue,
    Wed,
    Thu,
    Fri,
    Sat,
    Sun,
}

/// A part of the day by the clock of the site; one that ends before it begins goes over midnight.
#[derive(Debug, ToSchema)]
#[allow(dead_code, reason = "documents what `souk_core::wire::json` reads and writes")]
pub(crate) struct RuleHours {
    #[schema(pattern = "^([01][0-9]|2[0-3]):[0-5][0-9]$", example = "08:00")]
    from: String,
    #[schema(pattern = "^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$", example = "20:00")]
    until: String,
}

/// Which products a rule means: one of the two, or all.
#[derive(Debug, ToSchema)]
#[allow(dead_code, reason = "documents what `souk_core::wire::json` reads and writes")]
pub(crate) struct RuleSelect {
    /// As in requests: `brand = 'Private' AND price < 5`.
    #[schema(required = false)]
    filter: String,
    /// One by one, the preferred one first.
    #[schema(required = false, min_items = 1, max_items = 500)]
    product_ids: Vec<String>,
}

/// What a rule does: its type, and the one number that the type has (`cap_category` has two).
#[derive(Debug, ToSchema)]
#[allow(dead_code, reason = "documents what `souk_core::wire::json` reads and writes")]
pub(crate) struct RuleActionBody {
    #[serde(rename = "type")]
    #[schema(rename = "type")]
    kind: ActionName,
    /// Of `pin`: the place.
    #[schema(required = false, minimum = 1, maximum = 100)]
    position: u16,
    /// Of `boost`.
    #[schema(required = false, minimum = 0.1, maximum = 10)]
    factor: f32,
    /// Of `reserve`: the share of the places.
    #[schema(required = false, minimum = 0.001, maximum = 1)]
    share: f32,
    /// Of `cap_brand` and `cap_category`: products in one list.
    #[schema(required = false, minimum = 1, maximum = 100)]
    max: u16,
    /// Of `cap_category`: steps of the path that are compared; all when left out.
    #[schema(required = false, minimum = 1, maximum = 10)]
    depth: u8,
    /// Of `exclude_bought`.
    #[schema(required = false, minimum = 1, maximum = 3650)]
    days: u16,
    /// Of `margin` and `stock`.
    #[schema(required = false, minimum = 0.001, maximum = 1)]
    weight: f32,
    /// Of `redirect`, which needs it, and of `banner`: a path of the shop, or an address.
    #[schema(required = false, example = "/stores")]
    url: String,
    /// Of `banner`, which needs it or a picture.
    #[schema(required = false, max_length = 1000)]
    title: String,
    /// Of `banner`.
    #[schema(required = false, max_length = 1000)]
    text: String,
    /// Of `banner`: a picture, as `url`.
    #[schema(required = false)]
    image_url: String,
}

/// What rules can do.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[allow(dead_code, reason = "documents what `souk_core::wire::json` reads and writes")]
pub(crate) enum ActionName {
    Pin,
    Boost,
    Bury,
    Hide,
    Reserve,
    CapBrand,
    CapCategory,
    ExcludeBought,
    Margin,
    Stock,
    Redirect,
    Banner,
}

/// A rule as it is stored: its fields, and what the server says of it.
#[derive(Debug, ToSchema)]
#[allow(dead_code, reason = "documents what `rule_answer` writes")]
pub(crate) struct RuleAnswer {
    id: String,
    name: String,
    enabled: bool,
    priority: i16,
    when: RuleWhen,
    select: RuleSelect,
    action: RuleActionBody,
    /// Changes with every write; the header `ETag` has it in quotes.
    version: String,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    updated_at: String,
    /// What is likely a mistake, where the rule was just stored: fields that its filter asks for and no product has.
    warnings: Option<Vec<String>>,
}

/// Rules, in the order of their ids.
#[derive(Debug, ToSchema)]
#[allow(dead_code, reason = "documents what the list route writes")]
pub(crate) struct RuleList {
    rules: Vec<RuleAnswer>,
}

/// A rule to be tried.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PreviewBody {
    /// It takes the place of the stored one with its id.
    #[schema(value_type = RuleBody)]
    pub(crate) rule: Value,
    /// What to try it on; a request for recommendations. Without it and `search`, ten that are chosen by themselves.
    #[serde(default)]
    #[schema(value_type = Option<RecommendBody>)]
    pub(crate) request: Option<Object<RecommendBody>>,
    /// What to try it on in its place; a search. Redirects, banners and rules whose `when` says `search` do nothing else.
    #[serde(default)]
    #[schema(value_type = Option<SearchBody>)]
    pub(crate) search: Option<Object<SearchBody>>,
    /// At which time the rules are looked at; now when left out.
    #[serde(default)]
    #[schema(format = DateTime)]
    at: Option<String>,
}

/// What a rule would do.
#[derive(Debug, ToSchema)]
#[allow(dead_code, reason = "documents what `preview_text` writes")]
pub(crate) struct PreviewAnswer {
    /// How many products of the site it means; 0 is mostly a mistake. `null` of a redirect or banner, which mean none.
    #[schema(required)]
    matches: Option<u64>,
    /// What is likely a mistake: fields that its filter asks for and no product has.
    warnings: Vec<String>,
    /// Why it does not hold for the request: `enabled`, `schedule`, the part of `when`, or `action` for what only searches
    /// show; `null` when it holds.
    #[schema(required)]
    unmet: Option<String>,
    /// What to do to see its effect, where a request like this never shows it; `null` otherwise.
    #[schema(required)]
    remedy: Option<String>,
    before: TriedAnswer,
    after: TriedAnswer,
    /// The products whose place changes, by their new place; those that go come last.
    moves: Vec<MoveAnswer>,
}

/// An answer that a rule is tried on, of what was asked: recommendations or a search.
#[derive(Debug, ToSchema)]
#[serde(untagged)]
#[allow(dead_code, reason = "documents what `preview_text` writes")]
pub(crate) enum TriedAnswer {
    Recommendations(RecommendationsAnswer),
    Search(SearchAnswer),
}

/// A product whose place a rule would change.
#[derive(Debug, ToSchema)]
#[allow(dead_code, reason = "documents what `preview_text` writes")]
pub(crate) struct MoveAnswer {
    product_id: String,
    /// Its place before; `null` where it was not there.
    #[schema(required)]
    from: Option<u32>,
    /// Its place with the rule; `null` where it goes.
    #[schema(required)]
    to: Option<u32>,
    /// Why, in words.
    detail: String,
    /// The rules that moved it; none where it only makes way.
    rules: Vec<RuleNoteAnswer>,
}

/// Reads a rule of a request; `id` is the one in the path.
pub(crate) fn read_rule(mut value: Value, (pointer, id): (&str, Option<&RuleId>)) -> Answer<Rule> {
    if let Some(object) = value.as_object_mut() {
        OWN_FIELDS.iter().for_each(|name| {
            object.shift_remove(*name);
        });
    }
    let rule = rule_from_json(&value, id, Timestamp::EPOCH).map_err(|faults| {
        let fault = |fault: souk_core::wire::json::FieldError| {
            let fault = fault.under(pointer);
            souk_app::FieldError { pointer: fault.pointer, detail: fault.detail }
        };
        let is_filter = faults.iter().all(|fault| fault.pointer == "/select/filter");
        let problem = Problem::invalid(faults.into_iter().map(fault).collect());
        problem.with_code(if is_filter { "invalid_filter" } else { "invalid_rule" })
    })?;
    match id.filter(|id| **id != rule.id) {
        None => Ok(rule),
        Some(id) => {
            let detail = format!("is `{}`, and the path says `{id}`; leave it out", rule.id);
            Err(Problem::field(format!("{pointer}/id"), detail).with_code("invalid_rule"))
        }
    }
}

impl PreviewBody {
    /// At which time the rules are looked at.
    pub(crate) fn at(&self) -> Answer<Option<Timestamp>> {
        let at = self.at.as_deref().map(Timestamp::parse).transpose();
        at.map_err(|error| Problem::field("/at", error.to_string()))
    }
}

/// A stored rule as JSON.
pub(crate) fn rule_answer(stored: &StoredRule) -> Value {
    let mut value = rule_to_json(&stored.rule);
    let object = value.as_object_mut().expect("a rule is an object");
    object.insert("version".into(), stored.version.to_string().into());
    object.insert("created_at".into(), stored.rule.created_at.to_string().into());
    object.insert("updated_at".into(), stored.updated_at.to_string().into());
    value
}

/// A rule that was just stored, with what is likely a mistake in it.
pub(crate) fn stored_answer(stored: &StoredRule, warnings: Vec<String>) -> Value {
    let mut value = rule_answer(stored);
    value["warnings"] = warnings.into();
    value
}

/// An answer that a rule is tried on, as JSON text.
pub(crate) trait Tried {
    fn write(&self, out: &mut String);
}

impl Tried for RecommendAnswer {
    fn write(&self, out: &mut String) {
        write_answer(self, out);
    }
}

impl Tried for SearchFound {
    fn write(&self, out: &mut String) {
        out.push_str(&search_to_json(self));
    }
}

/// A preview as JSON text.
pub(crate) fn preview_text<A: Tried>(preview: &RulePreview<A>) -> String {
    let (unmet, remedy) = (Value::from(preview.unmet), Value::from(preview.remedy));
    let (matches, warnings) = (Value::from(preview.matches), Value::from(preview.warnings.clone()));
    let mut out = format!(
        "{{\"matches\":{matches},\"warnings\":{warnings},\"unmet\":{unmet},\"remedy\":{remedy},\"before\":"
    );
    preview.before.write(&mut out);
    out.push_str(",\"after\":");
    preview.after.write(&mut out);
    let note = |rule: &RuleNote| serde_json::json!({"id": rule.id.as_str(), "name": rule.name, "effect": rule.effect});
    let moves: Vec<Value> = preview
        .moves
        .iter()
        .map(|one| {
            serde_json::json!({
                "product_id": one.product_id.as_str(),
                "from": one.from,
                "to": one.to,
                "detail": one.detail,
                "rules": one.rules.iter().map(note).collect::<Vec<_>>(),
            })
        })
        .collect();
    let _ = write!(out, ",\"moves\":{}}}", Value::from(moves));
    out
}
