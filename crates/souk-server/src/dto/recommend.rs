use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use souk_app::{
    RecommendAnswer, RecommendContext, RecommendRequest, Recommendation, RuleNote, Strategy,
};
use souk_core::{Channel, Filter, LocationId, ProductId, SiteId};
use utoipa::ToSchema;

use crate::dto::common::Faults;
use crate::json::Object;
use crate::problem::{Answer, Problem};

/// Requests in one batch.
pub(crate) const BATCH_MAX: usize = 1_000;
/// Products that a request may list in one place; chosen: more than any cart or visit holds.
const LIST_MAX: usize = 500;
/// Characters of a search text or placement name; chosen.
const TEXT_CHARS_MAX: usize = 250;

/// A request for recommendations.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RecommendBody {
    /// The shop's name for the shopper. A browser key is believed only with a shopper token.
    #[serde(default)]
    pub(super) user_id: Option<String>,
    /// The browser's name for the shopper.
    #[serde(default)]
    pub(super) anonymous_id: Option<String>,
    /// Where on the page the answer goes: `home`, `product`, `cart`, ….
    #[serde(default)]
    #[schema(max_length = 250)]
    placement: Option<String>,
    /// How to choose; `auto` decides by placement and by what is known of the shopper.
    #[serde(default)]
    strategy: Option<StrategyName>,
    /// How many products.
    #[serde(default, deserialize_with = "crate::json::whole_number")]
    #[schema(minimum = 1, maximum = 100, default = 10)]
    limit: Option<u32>,
    /// What the shopper is looking at.
    #[serde(default)]
    #[schema(value_type = Option<ContextBody>)]
    pub(super) context: Option<Object<ContextBody>>,
    /// What products must satisfy: `price <= 20 AND brand = 'Private'`.
    #[serde(default)]
    filter: Option<String>,
    /// Products that must not be answered.
    #[serde(default)]
    exclude: Option<Vec<String>>,
    /// Whether to say how the answer came about.
    #[serde(default)]
    explain: Option<bool>,
    /// Products of which to say why they are not in the answer; not for browser keys.
    #[serde(default)]
    explain_products: Option<Vec<String>>,
}

/// What the shopper is looking at while the answer is made.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ContextBody {
    /// `home`, `product`, `cart`, ….
    #[serde(default)]
    #[schema(max_length = 250)]
    page_type: Option<String>,
    /// The product on the page.
    #[serde(default)]
    product_id: Option<String>,
    /// What lies in the cart.
    #[serde(default)]
    cart: Option<Vec<String>>,
    /// An explicit visit history, oldest first, used as given; without it the stored one counts.
    #[serde(default)]
    session: Option<Vec<String>>,
    /// What was searched for.
    #[serde(default)]
    #[schema(max_length = 250)]
    query: Option<String>,
    /// Where the shopper is.
    #[serde(default)]
    channel: Option<ChannelName>,
    /// The language of reasons, of titles in them and of the explanation, an IETF tag: en, es, fr and de
    /// are spoken; otherwise, and without it, the site's language.
    #[serde(default)]
    #[schema(max_length = 250)]
    locale: Option<String>,
    /// Whose products; without it the first site's.
    #[serde(default)]
    site: Option<String>,
    /// Whose stock.
    #[serde(default)]
    location_id: Option<String>,
}

/// Several requests at once.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RecommendBatchBody {
    /// At most 1,000.
    #[schema(max_items = 1000, value_type = Vec<RecommendBody>)]
    pub(crate) requests: Vec<Object<RecommendBody>>,
}

names_of! {
    Strategy:
    /// The names of strategies.
    #[derive(Clone, Copy, Debug, Deserialize, Serialize, ToSchema)]
    #[serde(rename_all = "snake_case")]
    StrategyName {
        Auto,
        ForYou,
        NextBasket,
        Session,
        Similar,
        BoughtTogether,
        BuyAgain,
        RecentlyViewed,
        Trending,
        Popular,
        New,
    }
}

names_of! {
    Channel:
    /// Where a shopper meets the shop.
    #[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
    #[serde(rename_all = "snake_case")]
    ChannelName {
        Web,
        Mobile,
        Store,
        Email,
        CallCenter,
    }
}

impl RecommendBody {
    /// Turns the shape into a request, or names every fault.
    pub(crate) fn parse(self, bounds: LimitBounds) -> Answer<RecommendRequest> {
        let mut faults = Faults::default();
        let limit = self.limit.map_or(bounds.default, |limit| limit as usize);
        if !(1..=bounds.max).contains(&limit) {
            let detail = format!("limit is {limit}; it must be between 1 and {}", bounds.max);
            faults.add("/limit", detail);
        }
        let filter = self.filter.as_deref().map(Filter::parse).transpose();
        let filter = filter.map_err(|error| {
            Problem::field("/filter", error.to_string()).with_code("invalid_filter")
        });
        let exclude = product_ids(&mut faults, "/exclude", self.exclude.unwrap_or_default());
        let asked = self.explain_products.unwrap_or_default();
        if asked.len() > RecommendRequest::WHY_MAX {
            let (n, limit) = (asked.len(), RecommendRequest::WHY_MAX);
            faults.add("/explain_products", format!("{n} products; the limit is {limit}"));
        }
        let explain_products = product_ids(&mut faults, "/explain_products", asked);
        let context = self.context.unwrap_or_default().0.parse(&mut faults);
        short_text(&mut faults, "/placement", self.placement.as_deref());
        if !faults.found.is_empty() {
            return Err(Problem::invalid(faults.found));
        }
        // An empty name is nobody's: templates of shops write one when no one is logged in.
        let named = |id: Option<String>| id.filter(|id| !id.is_empty());
        Ok(RecommendRequest {
            is_gpc: false,
            user_id: named(self.user_id),
            anonymous_id: named(self.anonymous_id),
            placement: self.placement,
            strategy: self.strategy.map_or(Strategy::Auto, Strategy::from),
            limit,
            context,
            filter: filter?,
            exclude,
            explain: self.explain.unwrap_or(false),
            explain_products,
            shown: Vec::new(),
        })
    }
}

/// How many products a request may ask for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LimitBounds {
    pub(crate) default: usize,
    pub(crate) max: usize,
}

impl ContextBody {
    fn parse(self, faults: &mut Faults) -> RecommendContext {
        short_text(faults, "/context/page_type", self.page_type.as_deref());
        short_text(faults, "/context/query", self.query.as_deref());
        short_text(faults, "/context/locale", self.locale.as_deref());
        let product_id =
            self.product_id.and_then(|id| faults.id("/context/product_id", id, ProductId::new));
        let site = self.site.and_then(|id| faults.id("/context/site", id, SiteId::new));
        let location_id =
            self.location_id.and_then(|id| faults.id("/context/location_id", id, LocationId::new));
        RecommendContext {
            page_type: self.page_type,
            product_id,
            cart: product_ids(faults, "/context/cart", self.cart.unwrap_or_default()),
            session: self.session.map(|ids| product_ids(faults, "/context/session", ids)),
            query: self.query,
            channel: self.channel.map(Channel::from),
            locale: self.locale,
            site,
            location_id,
        }
    }
}

fn product_ids(faults: &mut Faults, pointer: &str, texts: Vec<String>) -> Vec<ProductId> {
    if texts.len() > LIST_MAX {
        faults.add(pointer, format!("{} products; the limit is {LIST_MAX}", texts.len()));
        return Vec::new();
    }
    let mut ids = Vec::with_capacity(texts.len());
    for (idx, text) in texts.into_iter().enumerate() {
        match ProductId::new(text) {
            Ok(id) => ids.push(id),
            Err(error) => faults.add(format!("{pointer}/{idx}"), error.to_string()),
        }
    }
    ids
}

fn short_text(faults: &mut Faults, pointer: &str, text: Option<&str>) {
    let length = text.map_or(0, |text| text.chars().count());
    if length > TEXT_CHARS_MAX {
        faults.add(pointer, format!("{length} characters; the limit is {TEXT_CHARS_MAX}"));
    }
}

/// An answer to one request.
#[derive(Debug, ToSchema)]
#[cfg_attr(test, derive(Deserialize))]
#[cfg_attr(test, serde(deny_unknown_fields))]
#[allow(dead_code, reason = "documents what `write_answer` writes")]
pub(crate) struct RecommendationsAnswer {
    /// Names the answer in later events: send it as `properties.request_id`.
    request_id: String,
    /// When it was made.
    #[schema(format = DateTime)]
    timestamp: String,
    /// What chose most of it.
    strategy: StrategyName,
    /// Which state of which program made it.
    model_version: String,
    /// Best first.
    recommendations: Vec<RecommendedProduct>,
    /// 0 when nothing of the shopper was used, up to 1.
    #[schema(minimum = 0, maximum = 1)]
    personalization_score: f32,
    /// One sentence on how the answer came about, where asked.
    #[schema(required)]
    explanation: Option<String>,
    /// Why the products that the request asks about are not in the answer; there where it asks.
    #[cfg_attr(test, serde(default))]
    #[schema(required = false)]
    why_not: Vec<WhyNotAnswer>,
    /// What you should know about the answer; mostly nothing.
    warnings: Vec<WarningAnswer>,
    /// The experiment that shaped the answer; none yet.
    #[schema(required)]
    experiment: Option<String>,
}

/// One product of an answer.
#[derive(Debug, ToSchema)]
#[cfg_attr(test, derive(Deserialize))]
#[cfg_attr(test, serde(deny_unknown_fields))]
#[allow(dead_code, reason = "documents what `write_answer` writes")]
pub(crate) struct RecommendedProduct {
    product_id: String,
    /// Its place, from 1.
    #[schema(minimum = 1)]
    rank: u32,
    /// Comparable within this answer only.
    score: f32,
    /// The product as it stands in the catalogue, without its cost.
    #[schema(value_type = crate::dto::products::ProductAnswer)]
    product: serde_json::Value,
    reason: ReasonAnswer,
    /// What rules did to its place; there with `explain`, where any hold and the key may know.
    #[cfg_attr(test, serde(default))]
    #[schema(required = false)]
    moved: Option<MovedAnswer>,
}

/// What rules did to a product's place.
#[derive(Debug, ToSchema)]
#[cfg_attr(test, derive(Deserialize))]
#[cfg_attr(test, serde(deny_unknown_fields))]
#[allow(dead_code, reason = "documents what `write_answer` writes")]
pub(crate) struct MovedAnswer {
    /// The place that it would have without them; `null` where a pin alone brought it.
    #[schema(required)]
    from_rank: Option<u32>,
    /// The rules that moved it; none where it only made way.
    rules: Vec<RuleNoteAnswer>,
}

/// A rule as answers name it.
#[derive(Debug, ToSchema)]
#[cfg_attr(test, derive(Deserialize))]
#[cfg_attr(test, serde(deny_unknown_fields))]
#[allow(dead_code, reason = "documents what `write_answer` writes")]
pub(crate) struct RuleNoteAnswer {
    id: String,
    name: String,
    /// `pin`, `boost`, `bury`, `hide`, `reserve`, `cap_brand`, `cap_category`, `exclude_bought`,
    /// `margin` or `stock`.
    effect: String,
}

/// Why a product is not in an answer.
#[derive(Debug, ToSchema)]
#[cfg_attr(test, derive(Deserialize))]
#[cfg_attr(test, serde(deny_unknown_fields))]
#[allow(dead_code, reason = "documents what `write_answer` writes")]
pub(crate) struct WhyNotAnswer {
    product_id: String,
    /// `shown`, `unknown_product`, `exclude`, `on_page`, `shown_above`, `stock`, `filter`, `rule`,
    /// `same_title`, `outranked` or `not_proposed`.
    cause: String,
    /// The same in words.
    detail: String,
    /// The rule, where it was one.
    #[schema(required)]
    rule: Option<RuleNoteAnswer>,
}

/// What the reader of an answer should know.
#[derive(Debug, ToSchema)]
#[cfg_attr(test, derive(Deserialize))]
#[cfg_attr(test, serde(deny_unknown_fields))]
#[allow(dead_code, reason = "documents what `write_answer` writes")]
pub(crate) struct WarningAnswer {
    /// A stable slug: `rules_hid_everything`, `no_product`, `unknown_product` or `unknown_field` (the filter asks for a field
    /// that no product has).
    code: String,
    detail: String,
    /// The rules that did it, where the key may know.
    rules: Vec<String>,
}

/// Why a product is in the answer.
#[derive(Debug, ToSchema)]
#[cfg_attr(test, derive(Deserialize))]
#[cfg_attr(test, serde(deny_unknown_fields))]
#[allow(dead_code, reason = "documents what `write_answer` writes")]
pub(crate) struct ReasonAnswer {
    kind: ReasonName,
    /// A sentence for the shopper.
    text: String,
    /// The products that spoke for this one.
    evidence: Vec<String>,
}

/// What a reason rests on.
#[derive(Debug, ToSchema)]
#[cfg_attr(test, derive(Deserialize))]
#[schema(rename_all = "snake_case")]
#[cfg_attr(test, serde(rename_all = "snake_case"))]
#[allow(dead_code, reason = "documents what `write_answer` writes")]
pub(crate) enum ReasonName {
    BoughtTogether,
    BoughtBefore,
    SimilarShoppers,
    SimilarProduct,
    ViewedTogether,
    RecentlyViewed,
    Trending,
    Popular,
    New,
    /// The shop has it, and nothing is known of what sells.
    Range,
    /// A rule pinned it.
    Picked,
}

/// Several answers, in the order of the requests.
#[derive(Debug, ToSchema)]
#[allow(dead_code, reason = "documents what the batch route writes")]
pub(crate) struct RecommendBatchAnswer {
    responses: Vec<RecommendationsAnswer>,
}

/// Appends an answer as JSON.
///
/// Written by hand because products come as finished JSON text: a serializer would have to read each
/// of them again to be sure of it.
pub(crate) fn write_answer(answer: &RecommendAnswer, out: &mut String) {
    out.push_str("{\"request_id\":");
    write_text(&answer.request_id, out);
    let (timestamp, strategy) = (answer.timestamp, answer.strategy.as_str());
    let _ = write!(out, ",\"timestamp\":\"{timestamp}\",\"strategy\":\"{strategy}\"");
    out.push_str(",\"model_version\":");
    write_text(&answer.model_version, out);
    out.push_str(",\"recommendations\":[");
    for (idx, item) in answer.recommendations.iter().enumerate() {
        if idx > 0 {
            out.push(',');
        }
        write_product(item, out);
    }
    let score = finite(answer.personalization_score);
    let _ = write!(out, "],\"personalization_score\":{score},\"explanation\":");
    match &answer.explanation {
        Some(explanation) => write_text(explanation, out),
        None => out.push_str("null"),
    }
    if !answer.why_not.is_empty() {
        out.push_str(",\"why_not\":");
        write_list(&answer.why_not, out, |why, out| {
            out.push_str("{\"product_id\":");
            write_text(why.product_id.as_str(), out);
            let _ = write!(out, ",\"cause\":\"{}\",\"detail\":", why.cause.as_str());
            write_text(&why.detail, out);
            out.push_str(",\"rule\":");
            match &why.rule {
                Some(rule) => write_rule(rule, out),
                None => out.push_str("null"),
            }
            out.push('}');
        });
    }
    out.push_str(",\"warnings\":");
    write_list(&answer.warnings, out, |warning, out| {
        let _ = write!(out, "{{\"code\":\"{}\",\"detail\":", warning.code);
        write_text(&warning.detail, out);
        out.push_str(",\"rules\":");
        write_list(&warning.rules, out, |rule, out| write_text(rule.as_str(), out));
        out.push('}');
    });
    out.push_str(",\"experiment\":null}");
}

fn write_list<T>(list: &[T], out: &mut String, each: impl Fn(&T, &mut String)) {
    out.push('[');
    for (idx, one) in list.iter().enumerate() {
        if idx > 0 {
            out.push(',');
        }
        each(one, out);
    }
    out.push(']');
}

fn write_rule(rule: &RuleNote, out: &mut String) {
    out.push_str("{\"id\":");
    write_text(rule.id.as_str(), out);
    out.push_str(",\"name\":");
    write_text(&rule.name, out);
    let _ = write!(out, ",\"effect\":\"{}\"}}", rule.effect);
}

fn write_product(item: &Recommendation, out: &mut String) {
    out.push_str("{\"product_id\":");
    write_text(item.product_id.as_str(), out);
    let _ = write!(out, ",\"rank\":{},\"score\":{}", item.rank, finite(item.score));
    out.push_str(",\"product\":");
    out.push_str(&item.product);
    let _ = write!(out, ",\"reason\":{{\"kind\":\"{}\",\"text\":", item.reason.kind.as_str());
    write_text(&item.reason.text, out);
    out.push_str(",\"evidence\":[");
    for (idx, id) in item.reason.evidence.iter().enumerate() {
        if idx > 0 {
            out.push(',');
        }
        write_text(id.as_str(), out);
    }
    out.push_str("]}");
    if let Some(moved) = &item.moved {
        match moved.from_rank {
            Some(rank) => {
                let _ = write!(out, ",\"moved\":{{\"from_rank\":{rank},\"rules\":");
            }
            None => out.push_str(",\"moved\":{\"from_rank\":null,\"rules\":"),
        }
        write_list(&moved.rules, out, write_rule);
        out.push('}');
    }
    out.push('}');
}

/// JSON has no word for what is not a number.
fn finite(value: f32) -> f32 {
    if value.is_finite() { value } else { 0.0 }
}

/// Appends a text in quotes, escaped as JSON wants.
fn write_text(text: &str, out: &mut String) {
    let is_plain = text.bytes().all(|b| b >= 0x20 && b != b'"' && b != b'\\');
    if is_plain {
        out.push('"');
        out.push_str(text);
        out.push('"');
    } else {
        out.push_str(&serde_json::to_string(text).expect("a text always serialises"));
    }
}

#[cfg(test)]
mod tests;
