use serde::{Deserialize, Serialize};
use serde_json::Value;
use souk_app::{KEPT_PAGE_MAX, KeptAsked, NewOverride, NewSignal, SignalKnown};
use souk_core::LocationId;
use utoipa::{IntoParams, ToSchema};

use super::planning::read;
use super::purchasing::PriceBody;
use crate::problem::{Answer, Problem};
use crate::routes::products::read_hexadecimal;

/// What goes off.
#[derive(Debug, Serialize, ToSchema)]
#[allow(dead_code, reason = "documents what souk-app writes")]
pub(crate) struct WasteAnswer {
    site: String,
    location_id: String,
    /// The business day there.
    #[schema(format = Date)]
    today: String,
    lots: Vec<LotRow>,
    more_lots: usize,
    /// Products whose forecast is not made yet.
    pending: usize,
    figures: WasteFiguresRow,
}

/// A lot that will not be sold whole.
#[derive(Debug, Serialize, ToSchema)]
#[allow(dead_code, reason = "documents what souk-app writes")]
pub(crate) struct LotRow {
    product_id: String,
    title: String,
    /// `null` for units that no lot was told of.
    #[schema(required)]
    lot: Option<String>,
    #[schema(format = Date)]
    expires_on: String,
    /// Whether that day was told; else it is the one of a fresh unit.
    expiry_told: bool,
    /// Days on which it may be sold, today included.
    days_left: u32,
    units: f64,
    /// Units that will not be sold, on average.
    unsold: f64,
    /// The chance that some are not.
    chance: f64,
    /// What they cost to buy.
    #[schema(required)]
    value: Option<PriceBody>,
    /// `action` is `write_off`, `keep`, `mark_down` (with `discount_percent`, `price`, `sold`, `gain`) or `move` (with
    /// `to`, `units`, `gain`); `text` says what that rests on.
    #[schema(value_type = Object)]
    proposal: Value,
}

/// What is lost and was lost.
#[derive(Debug, Serialize, ToSchema)]
#[allow(dead_code, reason = "documents what souk-app writes")]
pub(crate) struct WasteFiguresRow {
    /// Units of all lots that will not be sold, on average.
    unsold: f64,
    #[schema(required)]
    value: Option<PriceBody>,
    /// Units past their last day that are still in the books.
    expired: f64,
    /// Days that the next ones look back over.
    days: i32,
    /// Pieces.
    written_off: f64,
    /// Pieces, of products whose stock is known or some of which was written off.
    sold: f64,
    /// Pieces written off over pieces written off and sold.
    #[schema(required)]
    waste_rate: Option<f64>,
    /// Such products that are measured, in litres or kilograms, which are in neither sum.
    measured_products: usize,
}

/// Which kept forecasts.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct KeptQuery {
    /// Only those of one place.
    #[param(required = false, nullable = false)]
    location_id: Option<String>,
    /// Forecasts of a page; 100 when left out.
    #[param(required = false, nullable = false, minimum = 1, maximum = 500)]
    limit: Option<u32>,
    /// Where to go on: the `cursor` of the page before.
    #[param(required = false, nullable = false, pattern = "^([0-9a-f]{2})+$")]
    cursor: Option<String>,
}

impl KeptQuery {
    pub(crate) fn parse(self) -> Answer<KeptAsked> {
        let limit = self.limit.map_or(100, |limit| limit as usize);
        if !(1..=KEPT_PAGE_MAX).contains(&limit) {
            let detail = format!("limit {limit} must lie between 1 and {KEPT_PAGE_MAX}");
            return Err(Problem::field("limit".to_owned(), detail));
        }
        let after = self.cursor.map(|cursor| read_hexadecimal(&cursor));
        // Half a character marks a place between two names as well as a whole one does.
        let after = after.transpose()?.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        let location = read("location_id", self.location_id, LocationId::new)?;
        Ok(KeptAsked { location, after, limit })
    }
}

/// A page of the forecasts that plans go by.
#[derive(Debug, Serialize, ToSchema)]
#[allow(dead_code, reason = "documents what souk-app writes")]
pub(crate) struct KeptAnswer {
    forecasts: Vec<KeptRow>,
    /// Where to go on; `null` at the end.
    #[schema(required)]
    cursor: Option<String>,
}

/// The forecast of a product at a place.
#[derive(Debug, Serialize, ToSchema)]
#[allow(dead_code, reason = "documents what souk-app writes")]
pub(crate) struct KeptRow {
    site: String,
    product_id: String,
    location_id: String,
    /// The models that it rests on, with their shares.
    model: String,
    /// When it was made.
    #[schema(format = DateTime)]
    fitted_at: String,
    /// `date`, `mean`, `model_mean` (before a planner changed it), `intervals` by level and `quantiles` by chance.
    #[schema(value_type = Vec<Object>)]
    daily: Vec<Value>,
}

/// A planner's own forecast.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OverrideBody {
    /// For which site; the first one when left out.
    site: Option<String>,
    product_id: String,
    location_id: String,
    /// The first day, today or later.
    #[schema(format = Date)]
    from: String,
    /// The last day, at most 366 days.
    #[schema(format = Date)]
    until: String,
    /// Units wanted on each day; or `factor`.
    #[schema(minimum = 0, maximum = 1_000_000_000)]
    units_per_day: Option<f64>,
    /// How many times the model's forecast; or `units_per_day`.
    #[schema(minimum = 0, maximum = 20)]
    factor: Option<f64>,
    /// Why.
    #[schema(min_length = 1, max_length = 500)]
    reason: String,
    /// The last day on which plans listen to it; `until` when left out.
    #[schema(format = Date)]
    expires_on: Option<String>,
}

impl OverrideBody {
    pub(crate) fn into_new(self) -> NewOverride {
        NewOverride {
            site: self.site,
            product_id: self.product_id,
            location_id: self.location_id,
            from: self.from,
            until: self.until,
            units_per_day: self.units_per_day,
            factor: self.factor,
            reason: self.reason,
            expires_on: self.expires_on,
        }
    }
}

/// Which overrides.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct OverridesQuery {
    /// At one place.
    #[param(required = false, nullable = false)]
    location_id: Option<String>,
}

impl OverridesQuery {
    pub(crate) fn parse(self) -> Answer<Option<LocationId>> {
        read("location_id", self.location_id, LocationId::new)
    }
}

/// Values of signals.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SignalsBody {
    #[schema(min_items = 1, max_items = 10_000)]
    signals: Vec<SignalBody>,
}

/// What a signal is on a day.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SignalBody {
    /// For which site; the first one when left out.
    site: Option<String>,
    /// At which place; all of the site when left out.
    location_id: Option<String>,
    /// Such as `temperature_c`. At most 8 of a place, and 8 of a site beside its places.
    #[schema(pattern = "^[a-z0-9_.-]{1,64}$")]
    name: String,
    #[schema(format = Date)]
    date: String,
    /// `null` takes the day's value away.
    #[serde(deserialize_with = "said")]
    #[schema(required, minimum = -1_000_000_000_000i64, maximum = 1_000_000_000_000i64)]
    value: Option<f64>,
}

/// A value that must be there, though it may be `null`: one that was forgotten takes nothing away.
fn said<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<f64>, D::Error> {
    Option::deserialize(from)
}

impl SignalsBody {
    pub(crate) fn into_new(self) -> Vec<NewSignal> {
        let new = |one: SignalBody| NewSignal {
            site: one.site,
            location_id: one.location_id,
            name: one.name,
            date: one.date,
            value: one.value,
        };
        self.signals.into_iter().map(new).collect()
    }
}

/// How many values were stored.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SignalsSaved {
    /// New, or others than before.
    pub(crate) changed: usize,
    pub(crate) known: usize,
}

/// What is known of signals.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SignalsAnswer {
    signals: Vec<SignalRow>,
}

/// A signal.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SignalRow {
    site: String,
    /// `null` is all of the site.
    #[schema(required)]
    location_id: Option<String>,
    name: String,
    /// The first and the last day with a value.
    #[schema(format = Date)]
    from: String,
    #[schema(format = Date)]
    until: String,
    /// Days with a value.
    days: usize,
    /// The value of the last day.
    last: f64,
}

pub(crate) fn signals_answer(known: &[SignalKnown]) -> SignalsAnswer {
    let row = |one: &SignalKnown| SignalRow {
        site: one.site.clone(),
        location_id: one.location_id.clone(),
        name: one.name.clone(),
        from: one.days.0.to_string(),
        until: one.days.1.to_string(),
        days: one.n_days,
        last: one.last,
    };
    SignalsAnswer { signals: known.iter().map(row).collect() }
}

/// Planners' own forecasts, and what they were worth.
#[derive(Debug, Serialize, ToSchema)]
#[allow(dead_code, reason = "documents what souk-app writes")]
pub(crate) struct OverridesAnswer {
    overrides: Vec<OverrideRow>,
    /// By who made them: as `all`, with `author`.
    #[schema(value_type = Vec<Object>)]
    authors: Vec<Value>,
    all: WorthRow,
}

/// A planner's own forecast with its worth.
#[derive(Debug, Serialize, ToSchema)]
#[allow(dead_code, reason = "documents what souk-app writes")]
pub(crate) struct OverrideRow {
    id: String,
    site: String,
    product_id: String,
    location_id: String,
    #[schema(format = Date)]
    from: String,
    #[schema(format = Date)]
    until: String,
    #[schema(required)]
    units_per_day: Option<f64>,
    #[schema(required)]
    factor: Option<f64>,
    reason: String,
    /// The key that made it.
    author: String,
    #[schema(format = DateTime)]
    made_at: String,
    #[schema(format = Date)]
    expires_on: String,
    #[schema(format = Date, required)]
    ended_on: Option<String>,
    /// Whether plans of today listen to it.
    is_heard: bool,
    worth: WorthRow,
}

/// What overrides were worth on their days that are over.
#[derive(Debug, Serialize, ToSchema)]
#[allow(dead_code, reason = "documents what souk-app writes")]
pub(crate) struct WorthRow {
    /// Overrides of which some day is over.
    judged: usize,
    /// Those whose error was smaller than the model's.
    better: usize,
    days: usize,
    /// Units that were wanted on them.
    wanted: f64,
    /// Units by which the planners were wrong, added up over days.
    error_with: f64,
    /// Units by which the model alone was, as it was known when the override was made.
    error_without: f64,
    /// The second less the first: above 0 where planners knew better.
    value_added: f64,
}
