//! Profiles and segments. A profile is written by `souk_app::profile_to_json`; its shapes here document it.

use serde::{Deserialize, Serialize};
use souk_app::{MemberPage, Prospects, Segment, SizedSegment};
use utoipa::{IntoParams, ToSchema};

use crate::problem::{Answer, Problem};

/// Whose figures.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct SiteQuery {
    /// On which site; the first one when left out.
    pub(crate) site: Option<String>,
}

/// A page of members.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct MembersQuery {
    /// On which site; the first one when left out.
    pub(crate) site: Option<String>,
    /// How many: up to 1,000, up to 100 with `traits`.
    #[param(minimum = 1, maximum = 1000)]
    pub(crate) limit: Option<u64>,
    /// The `cursor` of the page before.
    pub(crate) cursor: Option<String>,
    /// Names of traits, parted by commas, whose newest value is told of each person: `email,id`.
    #[param(pattern = "^[^,]*(,[^,]*){0,9}$")]
    pub(crate) traits: Option<String>,
}

/// How many people.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct AudienceQuery {
    /// On which site; the first one when left out.
    pub(crate) site: Option<String>,
    /// Up to 1,000; 100 when left out.
    #[param(minimum = 1, maximum = 1000)]
    pub(crate) limit: Option<u64>,
}

/// The same for a category.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CategoryQuery {
    category: String,
    site: Option<String>,
    limit: Option<u64>,
}

impl CategoryQuery {
    pub(crate) fn parts(self) -> (String, AudienceQuery) {
        (self.category, AudienceQuery { site: self.site, limit: self.limit })
    }
}

/// Reads a cursor of [`MembersAnswer`].
pub(crate) fn cursor_of(text: &str) -> Answer<u32> {
    let number = (text.len() == 8).then(|| u32::from_str_radix(text, 16).ok()).flatten();
    number.ok_or_else(|| {
        let detail = "is no cursor of this list; take `cursor` of the answer before as it is";
        Problem::field("cursor".to_owned(), detail.to_owned())
    })
}

/// A segment to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SegmentBody {
    /// Its name for programs: letters, digits, `.`, `_` and `-`.
    #[schema(pattern = "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
    key: String,
    /// For people.
    #[serde(default)]
    #[schema(max_length = 50)]
    name: String,
    /// Who is in it: the language of filters over the fields in docs/profiles.md, for example
    /// `orders >= 3 AND days_since_order > 60`.
    #[schema(
        max_length = 4096,
        pattern = "^(orders|spend|days_since_order|churn_risk) (=|!=|<|<=|>|>=) [0-9]{1,6}( (AND|OR) (NOT )?(orders_90d|expected_value|rfm[.]recency) (=|<|>=) [0-9]{1,6}){0,5}$"
    )]
    filter: String,
}

impl SegmentBody {
    pub(crate) fn segment(&self) -> Answer<Segment> {
        Ok(Segment::new(&self.key, &self.name, &self.filter)?)
    }
}

/// A segment as it is to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SegmentChange {
    /// For people.
    #[serde(default)]
    #[schema(max_length = 50)]
    name: String,
    /// As that of a new segment.
    #[schema(
        max_length = 4096,
        pattern = "^(orders|spend|days_since_order|churn_risk) (=|!=|<|<=|>|>=) [0-9]{1,6}( (AND|OR) (NOT )?(orders_90d|expected_value|rfm[.]recency) (=|<|>=) [0-9]{1,6}){0,5}$"
    )]
    filter: String,
}

impl SegmentChange {
    pub(crate) fn segment(&self, key: &str) -> Answer<Segment> {
        Ok(Segment::new(key, &self.name, &self.filter)?)
    }
}

/// Segments.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SegmentsAnswer {
    segments: Vec<SegmentAnswer>,
}

/// A segment, and how many people are in it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SegmentAnswer {
    key: String,
    name: String,
    filter: String,
    /// Whether every shop has it.
    built_in: bool,
    /// When it was made, by the shop's clock; `null` for those that every shop has.
    #[schema(format = DateTime, required)]
    created_at: Option<String>,
    /// People in it who allow `analytics`; `null` for fewer than `privacy.statistics.people_min`, and before
    /// they were counted.
    #[schema(required)]
    people: Option<u64>,
    /// When they were counted.
    #[schema(format = DateTime, required)]
    counted_at: Option<String>,
}

impl From<&Segment> for SegmentAnswer {
    fn from(segment: &Segment) -> SegmentAnswer {
        SegmentAnswer {
            key: segment.key.clone(),
            name: segment.name.clone(),
            filter: segment.filter.clone(),
            built_in: segment.is_built_in,
            created_at: (!segment.is_built_in).then(|| segment.created_at.to_string()),
            people: None,
            counted_at: None,
        }
    }
}

impl From<&SizedSegment> for SegmentAnswer {
    fn from(sized: &SizedSegment) -> SegmentAnswer {
        SegmentAnswer {
            people: sized.size.and_then(|size| size.people),
            counted_at: sized.size.map(|size| size.at.to_string()),
            ..SegmentAnswer::from(&sized.segment)
        }
    }
}

impl From<Vec<SizedSegment>> for SegmentsAnswer {
    fn from(segments: Vec<SizedSegment>) -> SegmentsAnswer {
        SegmentsAnswer { segments: segments.iter().map(SegmentAnswer::from).collect() }
    }
}

/// Some people of a segment.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MembersAnswer {
    members: Vec<MemberAnswer>,
    /// For the next page; `null` at the end.
    #[schema(required)]
    cursor: Option<String>,
}

/// A person.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MemberAnswer {
    /// The random number by which exports name the person too.
    subject: String,
    /// What was asked for in `traits`, as far as the shop sent it with `identify`.
    #[schema(value_type = Object)]
    traits: serde_json::Map<String, serde_json::Value>,
}

impl From<MemberPage> for MembersAnswer {
    fn from(page: MemberPage) -> MembersAnswer {
        let members = page.members.into_iter().map(|member| MemberAnswer {
            subject: member.subject.to_string(),
            traits: member.traits,
        });
        MembersAnswer {
            members: members.collect(),
            cursor: page.next.map(|next| format!("{next:08x}")),
        }
    }
}

/// Who may want something.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AudienceAnswer {
    /// The likeliest first.
    people: Vec<ProspectAnswer>,
    /// Shoppers who bought it so far; `null` for fewer than `privacy.statistics.people_min`.
    #[schema(required)]
    buyers: Option<u64>,
    quality: AudienceQuality,
}

/// Somebody who may want it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProspectAnswer {
    /// The random number by which exports name the person too.
    subject: String,
    /// The probability of buying it within four weeks, 0 to 1.
    likelihood: f64,
}

/// How good such lists were on the last four weeks, for products that nothing was learned from.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AudienceQuality {
    /// How many times as many of the best tenth bought as of all.
    lift_at_tenth: f64,
    /// The same of picking by how often and how lately people bought it.
    baseline_lift_at_tenth: f64,
    /// Products that judged.
    products: usize,
    /// What was best on these and ranks people: `learned`, `before` (the model before, where the new one was worse)
    /// or `frequency_and_recency` (no model was better).
    basis: &'static str,
}

impl From<Prospects> for AudienceAnswer {
    fn from(prospects: Prospects) -> AudienceAnswer {
        let people = prospects.people.iter().map(|one| ProspectAnswer {
            subject: one.subject.to_string(),
            likelihood: (one.likelihood * 1e6).round() / 1e6,
        });
        AudienceAnswer {
            people: people.collect(),
            buyers: prospects.buyers,
            quality: AudienceQuality {
                lift_at_tenth: prospects.quality.lift,
                baseline_lift_at_tenth: prospects.quality.baseline_lift,
                products: prospects.quality.n_judged,
                basis: prospects.quality.basis.as_str(),
            },
        }
    }
}

/// A statement about a shopper: `value`, or `reason` why there is none, and the figures that it rests on.
#[derive(Debug, ToSchema)]
#[allow(dead_code, reason = "documents what `souk_app::profile_to_json` writes")]
pub(crate) struct FindingAnswer {
    /// What is said; docs/profiles.md tells what each statement is.
    #[schema(value_type = Option<serde_json::Value>, required)]
    value: Option<serde_json::Value>,
    /// Why nothing is said.
    #[schema(required)]
    reason: Option<String>,
    /// By name; units are in the names.
    #[schema(value_type = Object)]
    evidence: serde_json::Value,
}

/// What was ordered.
#[derive(Debug, ToSchema)]
#[allow(dead_code, reason = "documents what `souk_app::profile_to_json` writes")]
pub(crate) struct OrderedAnswer {
    count: u32,
    #[schema(format = DateTime)]
    first_at: String,
    #[schema(format = DateTime)]
    last_at: String,
    /// What was paid, where orders say it in the currency of the site.
    #[schema(required)]
    spend: Option<crate::dto::products::MoneyBody>,
}

/// What is known of a shopper.
#[derive(Debug, ToSchema)]
#[allow(dead_code, reason = "documents what `souk_app::profile_to_json` writes")]
pub(crate) struct ProfileAnswer {
    /// As it was asked for.
    id: String,
    #[schema(format = DateTime)]
    as_of: String,
    site: String,
    /// Whether `personalization` is allowed; nothing is said otherwise.
    allowed: bool,
    /// What that rests on.
    consent: String,
    /// Days that expectations look ahead.
    horizon_days: u64,
    /// When the shop's figures were fitted.
    #[schema(format = DateTime, required)]
    fitted_at: Option<String>,
    #[schema(required)]
    orders: Option<OrderedAnswer>,
    rfm: FindingAnswer,
    probability_alive: FindingAnswer,
    expected_orders: FindingAnswer,
    order_value: FindingAnswer,
    expected_value: FindingAnswer,
    churn_risk: FindingAnswer,
    next_order: FindingAnswer,
    brands: FindingAnswer,
    categories: FindingAnswer,
    price_band: FindingAnswer,
    brand_loyalty: FindingAnswer,
    replenishment: FindingAnswer,
    channel: FindingAnswer,
    weekday: FindingAnswer,
    hour: FindingAnswer,
    /// Keys of the segments that the shopper is in.
    segments: Vec<String>,
}
