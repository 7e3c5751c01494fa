//! The merchant's hand: rules that change a list of products, as data with a meaning.
//!
//! Known here is what a rule says, when it holds, which products it means, and what a list becomes under
//! it. *Not* known here is who made the list: a door gives candidates in the order of their rank and
//! what is true of the request, so that recommendations and search share one hand.
//!
//! - [`Rule`]: one rule, checked by [`Rule::validate`].
//! - [`RuleSet`]: many rules compiled for quick answers; [`RuleSet::row`] is what they say of one
//!   product, [`RuleSet::active`] which of them hold for a request.
//! - [`arrange`]: the list that comes of it.
//!
//! # Which rule wins
//!
//! 1. What removes beats what places: `hide` and `exclude_bought` beat `pin`.
//! 2. `pin` beats `bury`, caps and reserved places; pinned products count for both.
//! 3. Of two pins for one place, or two places for one product, the one of higher priority wins, then
//!    the older one, then the smaller id. The loser keeps the place that it has by rank.
//! 4. `bury` beats `boost`. Several boosts multiply, within [`BOOST_MAX`].
//! 5. Caps beat reserved places: a reserved place that only a capped product could take goes to others.
//! 6. Of several reserved shares that want one place, the order of 3 decides.

use std::fmt;

use rustc_hash::FxHashSet;

use crate::{Channel, Field, Fields, Filter, ProductId, SiteId, Timestamp};

mod arrange;
mod bits;
mod conditions;
mod effect;
mod held;
mod query;
mod row;
mod schedule;
mod set;

pub use arrange::{Arrangement, Candidate, Placed, Shelf, Taken, arrange};
pub use effect::{Effect, PinHit};
pub use query::query_forms;
pub use row::RuleRow;
pub use schedule::{Hours, Moment, Schedule, Weekday};
pub use set::{ActiveRules, InForce, RuleNo, RuleSet};

/// How much all boosts of a product together may multiply its weight, and divide it; chosen: ten brings
/// a product of rank 100 among the first three.
pub const BOOST_MAX: f32 = 10.0;

/// The name of a rule in requests, answers and the audit log.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RuleId(Box<str>);

/// Why a text is no rule's id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "rule id `{0}` must have 1 to 64 letters, digits, `.`, `_` or `-`, and begin with one of the first two"
)]
pub struct RuleIdError(String);

impl RuleId {
    /// The longest id in bytes; chosen.
    pub const BYTES_MAX: usize = 64;

    /// Takes 1 to 64 ASCII letters, digits, dots, lines and hyphens, the first a letter or digit.
    ///
    /// # Errors
    ///
    /// [`RuleIdError`] for any other text.
    pub fn new(text: &str) -> Result<RuleId, RuleIdError> {
        let is_plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
        let begins_well = text.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric());
        if begins_well && text.len() <= RuleId::BYTES_MAX && text.bytes().all(is_plain) {
            return Ok(RuleId(text.into()));
        }
        Err(RuleIdError(text.chars().take(80).collect()))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RuleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One rule of the merchant.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// Its name for programs.
    pub id: RuleId,
    /// Its name for people.
    pub name: String,
    /// Whether it has any effect.
    pub is_on: bool,
    /// The higher one wins where two contradict each other; −1,000 to 1,000.
    pub priority: i16,
    /// When it holds.
    pub when: Condition,
    /// Which products it means.
    pub selection: Selection,
    /// What it does with them.
    pub action: RuleAction,
    /// What it says to whoever searches: of `redirect` and `banner`.
    pub message: Option<Message>,
    /// When it was made: of two with one priority the older one wins.
    pub created_at: Timestamp,
}

/// When a rule holds. Of each list one entry must fit; an empty list asks for nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Condition {
    /// Places on a page: `home`, `cart`, ….
    pub placements: Vec<String>,
    /// How the list was made, in the words of whoever made it: `similar`, `popular`, ….
    pub strategies: Vec<String>,
    /// Kinds of page.
    pub page_types: Vec<String>,
    /// The product on the page.
    pub page_products: Vec<ProductId>,
    /// A category of the product on the page: a whole path, its beginning, or one of its steps.
    pub page_categories: Vec<String>,
    /// Words that the shopper searches for: see [`query_forms`].
    pub queries: Vec<String>,
    /// Where the shopper is.
    pub channels: Vec<Channel>,
    /// Whose list.
    pub sites: Vec<SiteId>,
    /// Groups of people, by their keys: the shopper must be in one.
    pub segments: Vec<String>,
    /// At which times.
    pub schedule: Schedule,
}

/// Which products a rule means.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Selection {
    /// Every product.
    #[default]
    All,
    /// What fulfils a filter.
    Filter(Filter),
    /// These, the preferred one first.
    Products(Vec<ProductId>),
}

/// By what a cap counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CapBy {
    /// By brand; products without one are not counted.
    Brand,
    /// By the first category, of which the first `depth` steps are compared; `None` compares all.
    Category {
        /// Steps of the path, 1 to 10.
        depth: Option<u8>,
    },
}

/// What a rule says to whoever searches, beside the list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// Where it leads: a path of the shop, or an address.
    pub url: Option<Box<str>>,
    /// Of a banner: its heading.
    pub title: Option<Box<str>>,
    /// Of a banner: what it says below.
    pub text: Option<Box<str>>,
    /// Of a banner: a picture, as `url`.
    pub image_url: Option<Box<str>>,
}

/// What a rule does with its products.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum RuleAction {
    /// Puts one of them at a place, whether or not it would be in the list: of a list of products the first that may
    /// be shown, of a filter the best-ranked candidate.
    Pin {
        /// The place, 1 to 100.
        position: u16,
    },
    /// Multiplies their weight, 0.1 to 10. The weight of rank *r* is 1/log2(r+1), so that a factor means
    /// the same whatever made the list: 1.5 brings rank 10 to 4.
    Boost {
        /// Above 1 forward, below 1 back.
        factor: f32,
    },
    /// Puts them behind all others.
    Bury,
    /// Takes them out of the list.
    Hide,
    /// Keeps this share of the places for them, evenly spread.
    Reserve {
        /// Above 0, up to 1.
        share: f32,
    },
    /// Takes at most `max` of them with the same brand or category into one list.
    Cap {
        /// What is counted.
        by: CapBy,
        /// 1 to 100.
        max: u16,
    },
    /// Takes them out of the list of a shopper who bought them within these days.
    ExcludeBought {
        /// 1 to 3,650.
        days: u16,
    },
    /// Lets margin count: at 1 the best doubles a product's weight, the worst halves it.
    Margin {
        /// Above 0, up to 1.
        weight: f32,
    },
    /// Lets stock count: much of it doubles, little of it halves a product's weight at 1.
    Stock {
        /// Above 0, up to 1.
        weight: f32,
    },
    /// Sends whoever searches to another page; the rule's message says where. Changes no list.
    Redirect,
    /// Shows whoever searches the rule's message above the hits. Changes no list.
    Banner,
}

impl RuleAction {
    /// Whether it says something beside the list.
    pub fn is_message(self) -> bool {
        matches!(self, RuleAction::Redirect | RuleAction::Banner)
    }

    /// The name of its kind in requests and answers.
    pub fn as_str(self) -> &'static str {
        match self {
            RuleAction::Pin { .. } => "pin",
            RuleAction::Boost { .. } => "boost",
            RuleAction::Bury => "bury",
            RuleAction::Hide => "hide",
            RuleAction::Reserve { .. } => "reserve",
            RuleAction::Cap { by: CapBy::Brand, .. } => "cap_brand",
            RuleAction::Cap { by: CapBy::Category { .. }, .. } => "cap_category",
            RuleAction::ExcludeBought { .. } => "exclude_bought",
            RuleAction::Margin { .. } => "margin",
            RuleAction::Stock { .. } => "stock",
            RuleAction::Redirect => "redirect",
            RuleAction::Banner => "banner",
        }
    }
}

/// One fault of a rule: the field as in its JSON shape, and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field} {detail}")]
pub struct RuleError {
    /// A JSON pointer from the rule's own root.
    pub field: &'static str,
    /// What is wrong, with the value and the remedy.
    pub detail: String,
}

impl Rule {
    /// Bytes of a name.
    pub const NAME_BYTES_MAX: usize = 200;
    /// Entries of each list of a condition; chosen.
    pub const CONDITIONS_MAX: usize = 100;
    /// Bytes of a placement, strategy or page type, and of a category.
    pub const WORD_BYTES_MAX: usize = 500;
    /// Products that a rule can name one by one; chosen: a filter says more with less.
    pub const PRODUCTS_MAX: usize = 500;
    /// The highest priority; the lowest is its opposite.
    pub const PRIORITY_MAX: i16 = 1_000;
    /// The last place that can be pinned.
    pub const POSITION_MAX: u16 = 100;
    /// Days that `exclude_bought` looks back at most: ten years.
    pub const DAYS_MAX: u16 = 3_650;

    /// Checks what types alone cannot. Returns every fault.
    ///
    /// # Errors
    ///
    /// One [`RuleError`] for each broken limit.
    pub fn validate(&self) -> Result<(), Vec<RuleError>> {
        let mut faults = Vec::new();
        let mut fault = |field, detail: String| faults.push(RuleError { field, detail });
        if self.name.len() > Rule::NAME_BYTES_MAX {
            let limit = Rule::NAME_BYTES_MAX;
            fault("/name", format!("has {} bytes; the limit is {limit}", self.name.len()));
        }
        if !(-Rule::PRIORITY_MAX..=Rule::PRIORITY_MAX).contains(&self.priority) {
            let (priority, limit) = (self.priority, Rule::PRIORITY_MAX);
            fault("/priority", format!("is {priority}; must be between -{limit} and {limit}"));
        }
        if let Selection::Products(products) = &self.selection {
            let limit = Rule::PRODUCTS_MAX;
            if products.is_empty() || products.len() > limit {
                let n = products.len();
                fault("/select/product_ids", format!("has {n} entries; give 1 to {limit}"));
            }
        }
        if matches!(self.action, RuleAction::Pin { .. }) && self.selection == Selection::All {
            fault("/select", "is missing; a pin needs to know its product".to_owned());
        }
        if let Some((field, detail)) = self.action.fault() {
            fault(field, detail);
        }
        self.message_faults(&mut fault);
        if let Some(detail) = self.when.schedule.fault() {
            fault("/when", detail);
        }
        self.when.faults(&mut fault);
        if faults.is_empty() { Ok(()) } else { Err(faults) }
    }

    fn message_faults(&self, fault: &mut impl FnMut(&'static str, String)) {
        if !self.action.is_message() {
            return;
        }
        if self.selection != Selection::All {
            let kind = self.action.as_str();
            fault("/select", format!("chooses products; a {kind} has none, leave it out"));
        }
        let none = Message::default();
        let message = self.message.as_ref().unwrap_or(&none);
        match self.action {
            RuleAction::Redirect => {
                if message.url.is_none() {
                    fault(
                        "/action/url",
                        "is missing; a redirect needs to know where to".to_owned(),
                    );
                }
                if self.when.queries.is_empty() {
                    let detail = "is missing; without words every search would be sent away";
                    fault("/when/queries", detail.to_owned());
                }
            }
            _ if message.title.is_none() && message.image_url.is_none() => {
                fault("/action/title", "is missing; give it or `image_url`".to_owned());
            }
            _ => {}
        }
        message.faults(fault);
    }

    /// What decides between two rules that contradict each other: the smaller one wins.
    pub fn precedence(&self) -> (i16, Timestamp, &RuleId) {
        (-self.priority, self.created_at, &self.id)
    }
}

impl Message {
    /// Bytes of an address.
    pub const URL_BYTES_MAX: usize = 2_000;
    /// Bytes of a heading or text.
    pub const TEXT_BYTES_MAX: usize = 1_000;

    fn faults(&self, fault: &mut impl FnMut(&'static str, String)) {
        for (field, url) in [("/action/url", &self.url), ("/action/image_url", &self.image_url)] {
            let Some(url) = url else { continue };
            let limit = Message::URL_BYTES_MAX;
            if url.len() > limit {
                fault(field, format!("has {} bytes; the limit is {limit}", url.len()));
            } else if !is_link(url) {
                let shown: String = url.chars().take(80).collect();
                let detail = "must be a path that begins with one `/`, or begin with `https://`";
                fault(field, format!("is `{shown}`; {detail}"));
            }
        }
        for (field, text) in [("/action/title", &self.title), ("/action/text", &self.text)] {
            let limit = Message::TEXT_BYTES_MAX;
            if let Some(n) = text.as_ref().map(|text| text.len()).filter(|n| *n == 0 || *n > limit)
            {
                fault(field, format!("has {n} bytes; give 1 to {limit}"));
            }
        }
    }
}

/// Whether a text can be followed as a link without running anything: `javascript:` would, and `//host` and `/\\host`
/// lead elsewhere than they look.
fn is_link(url: &str) -> bool {
    let is_path = url.starts_with('/') && !url[1..].starts_with(['/', '\\']);
    let is_address = ["https://", "http://"].into_iter().any(|scheme| {
        url.strip_prefix(scheme).is_some_and(|rest| rest.starts_with(char::is_alphanumeric))
    });
    (is_path || is_address) && !url.contains(|c: char| c.is_control() || c.is_whitespace())
}

impl Condition {
    fn faults(&self, fault: &mut impl FnMut(&'static str, String)) {
        if let Some(entry) = self.queries.iter().find(|entry| query::query_key(entry).is_none()) {
            fault("/when/queries", format!("has `{entry}`, which has no letter or digit"));
        }
        let words: [(&'static str, &[String]); 6] = [
            ("/when/queries", &self.queries),
            ("/when/segments", &self.segments),
            ("/when/placements", &self.placements),
            ("/when/strategies", &self.strategies),
            ("/when/page_types", &self.page_types),
            ("/when/categories", &self.page_categories),
        ];
        for (field, words) in words {
            if let Some(word) =
                words.iter().find(|word| word.is_empty() || word.len() > Rule::WORD_BYTES_MAX)
            {
                let (n, limit) = (word.len(), Rule::WORD_BYTES_MAX);
                fault(field, format!("has an entry of {n} bytes; give 1 to {limit}"));
            }
        }
        let lengths = [
            ("/when/placements", self.placements.len()),
            ("/when/strategies", self.strategies.len()),
            ("/when/page_types", self.page_types.len()),
            ("/when/categories", self.page_categories.len()),
            ("/when/product_ids", self.page_products.len()),
            ("/when/queries", self.queries.len()),
            ("/when/channels", self.channels.len()),
            ("/when/sites", self.sites.len()),
            ("/when/segments", self.segments.len()),
        ];
        for (field, n) in lengths.into_iter().filter(|(_, n)| *n > Rule::CONDITIONS_MAX) {
            fault(field, format!("has {n} entries; the limit is {}", Rule::CONDITIONS_MAX));
        }
    }
}

impl RuleAction {
    fn fault(self) -> Option<(&'static str, String)> {
        let outside = |field, value: f64, (low, high): (f64, f64)| {
            let is_inside = (low..=high).contains(&value);
            (!is_inside).then(|| (field, format!("is {value}; must be between {low} and {high}")))
        };
        let days_max = f64::from(Rule::DAYS_MAX);
        match self {
            RuleAction::Pin { position } => {
                let places = (1.0, f64::from(Rule::POSITION_MAX));
                outside("/action/position", f64::from(position), places)
            }
            RuleAction::Boost { factor } => {
                outside("/action/factor", f64::from(factor), (0.1, f64::from(BOOST_MAX)))
                    // 0.1 as the nearest smaller `f32` is meant as 0.1.
                    .filter(|_| (factor - 0.1).abs() > f32::EPSILON)
            }
            RuleAction::Bury | RuleAction::Hide | RuleAction::Redirect | RuleAction::Banner => None,
            RuleAction::Reserve { share } => {
                outside("/action/share", f64::from(share), (0.001, 1.0))
            }
            RuleAction::Cap { by, max } => match by {
                CapBy::Category { depth: Some(depth) } if !(1..=10).contains(&depth) => {
                    outside("/action/depth", f64::from(depth), (1.0, 10.0))
                }
                _ => outside("/action/max", f64::from(max), (1.0, 100.0)),
            },
            RuleAction::ExcludeBought { days } => {
                outside("/action/days", f64::from(days), (1.0, days_max))
            }
            RuleAction::Margin { weight } | RuleAction::Stock { weight } => {
                outside("/action/weight", f64::from(weight), (0.001, 1.0))
            }
        }
    }
}

impl Selection {
    /// Whether it means this product.
    pub fn selects<F: Fields + ?Sized>(&self, product: &F) -> bool {
        match self {
            Selection::All => true,
            Selection::Filter(filter) => filter.matches(product),
            Selection::Products(ids) => product.any_value(&Field::Id, &mut |value| {
                matches!(value, crate::FieldValue::Text(id) if ids.iter().any(|one| one.as_str() == id))
            }),
        }
    }

    /// Its place in a list of products; the first for any other selection.
    pub(crate) fn order_of(&self, id: &ProductId) -> usize {
        match self {
            Selection::Products(ids) => ids.iter().position(|one| one == id).unwrap_or(usize::MAX),
            _ => 0,
        }
    }

    /// Drops repetitions of a list, which would only cost time.
    #[must_use]
    pub fn without_repetitions(self) -> Selection {
        let Selection::Products(ids) = self else { return self };
        let mut seen = FxHashSet::default();
        Selection::Products(ids.into_iter().filter(|id| seen.insert(id.clone())).collect())
    }
}

/// What is true of a request, as far as rules ask for it.
#[derive(Clone, Debug)]
pub struct RuleContext<'a> {
    /// The place on the page.
    pub placement: Option<&'a str>,
    /// How the list was made.
    pub strategy: &'a str,
    /// The kind of page.
    pub page_type: Option<&'a str>,
    /// The product on the page.
    pub page_product: Option<&'a ProductId>,
    /// Its categories.
    pub page_categories: &'a [String],
    /// What the shopper searches for.
    pub query: Option<&'a str>,
    /// Where the shopper is.
    pub channel: Option<Channel>,
    /// Whose list.
    pub site: &'a SiteId,
    /// Which groups of people the shopper is in.
    pub segments: SegmentsOf<'a>,
}

/// Tells whether the shopper of a request is in a group of people. It is asked only where a rule that
/// otherwise holds wants to know, because finding out costs more than all rules together.
#[derive(Clone, Copy, Default)]
pub struct SegmentsOf<'a>(Option<&'a dyn Fn(&str) -> bool>);

impl<'a> SegmentsOf<'a> {
    /// By this answer to each key.
    pub fn by(is_in: &'a dyn Fn(&str) -> bool) -> SegmentsOf<'a> {
        SegmentsOf(Some(is_in))
    }

    /// Nobody known is in none.
    pub const NONE: SegmentsOf<'static> = SegmentsOf(None);

    /// Whether the shopper is in the group.
    pub fn has(&self, key: &str) -> bool {
        self.0.is_some_and(|is_in| is_in(key))
    }
}

impl fmt::Debug for SegmentsOf<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SegmentsOf").field(&self.0.is_some()).finish()
    }
}

#[cfg(test)]
mod tests;
