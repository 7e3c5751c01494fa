use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use souk_app::{ForecastRequest, STOCK_PAGE_MAX, StockPage, StockQuery};
use souk_core::{LocationId, ProductId, SiteId};
use utoipa::{IntoParams, ToSchema};

use super::purchasing::PriceBody;
use crate::problem::{Answer, Problem};

pub(super) fn read<T>(
    pointer: &str,
    text: Option<String>,
    make: impl FnOnce(String) -> Result<T, souk_core::IdError>,
) -> Answer<Option<T>> {
    let made = text.map(make).transpose();
    made.map_err(|error| Problem::field(pointer.to_owned(), error.to_string()))
}

/// What to forecast.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ForecastBody {
    /// Which product.
    product_id: String,
    /// At which place; all together when left out.
    location_id: Option<String>,
    /// Whose product; the first site's when left out.
    site: Option<String>,
    /// Days ahead, 1 to 730.
    #[serde(default, deserialize_with = "crate::json::whole_number")]
    #[schema(minimum = 1, maximum = 730, default = 30)]
    horizon_days: Option<u32>,
    /// Coverages of intervals, each 0.01 to 0.999.
    #[schema(min_items = 1, max_items = 10)]
    levels: Option<Vec<f64>>,
}

impl ForecastBody {
    pub(crate) fn parse(self, main: &SiteId) -> Answer<ForecastRequest> {
        let product = read("/product_id", Some(self.product_id), ProductId::new)?;
        Ok(ForecastRequest {
            site: read("/site", self.site, SiteId::new)?.unwrap_or_else(|| main.clone()),
            product: product.expect("it was given"),
            location: read("/location_id", self.location_id, LocationId::new)?,
            horizon_days: self.horizon_days.unwrap_or(30),
            levels: self.levels.unwrap_or_else(|| vec![0.8, 0.95]),
        })
    }
}

/// A forecast.
#[derive(Debug, Serialize, ToSchema)]
#[allow(dead_code, reason = "documents what souk-app writes")]
pub(crate) struct ForecastAnswerBody {
    product_id: String,
    #[schema(required)]
    location_id: Option<String>,
    /// Days ahead.
    forecast_period: usize,
    predicted_demand: PredictedDemand,
    /// The interval of all days together, at the highest level asked for.
    confidence_interval: TotalInterval,
    /// What moves demand, the strongest first.
    key_factors: Vec<FactorRow>,
    recommendations: Vec<AdviceRow>,
    risk_assessment: Vec<RiskRow>,
    optimal_inventory: OptimalRow,
    /// The models and their weights.
    model: String,
    /// How good such forecasts were at earlier days; `null` where the history is too short.
    #[schema(required)]
    backtest: Option<BacktestRow>,
    /// What was done to the history.
    notes: Vec<String>,
}

/// Demand ahead.
#[derive(Debug, Serialize, ToSchema)]
#[allow(dead_code, reason = "documents what souk-app writes")]
pub(crate) struct PredictedDemand {
    total: f64,
    daily: Vec<DayRow>,
}

/// A day ahead.
#[derive(Debug, Serialize, ToSchema)]
#[allow(dead_code, reason = "documents what souk-app writes")]
pub(crate) struct DayRow {
    #[schema(format = Date)]
    date: String,
    mean: f64,
    /// By level: from, to.
    intervals: std::collections::BTreeMap<String, [f64; 2]>,
}

/// The interval of a total.
#[derive(Debug, Serialize, ToSchema)]
#[allow(dead_code, reason = "documents what souk-app writes")]
pub(crate) struct TotalInterval {
    level: f64,
    total: [f64; 2],
}

/// Something that moves demand.
#[derive(Debug, Serialize, ToSchema)]
#[allow(dead_code, reason = "documents what souk-app writes")]
pub(crate) struct FactorRow {
    factor: String,
    /// Units over the horizon.
    effect_units: f64,
    text: String,
}

/// Something to do.
#[derive(Debug, Serialize, ToSchema)]
#[allow(dead_code, reason = "documents what souk-app writes")]
pub(crate) struct AdviceRow {
    action: String,
    #[schema(required = false)]
    quantity: Option<f64>,
    text: String,
}

/// Something that may go wrong.
#[derive(Debug, Serialize, ToSchema)]
#[allow(dead_code, reason = "documents what souk-app writes")]
pub(crate) struct RiskRow {
    risk: String,
    probability: f64,
    /// Units at stake on average.
    effect_units: f64,
    text: String,
}

/// How much stock to hold.
#[derive(Debug, Serialize, ToSchema)]
#[allow(dead_code, reason = "documents what souk-app writes")]
pub(crate) struct OptimalRow {
    reorder_point: f64,
    order_up_to: f64,
    safety_stock: f64,
    lead_time_days: f64,
    protection_days: f64,
    service_level: f64,
}

/// Errors at earlier days.
#[derive(Debug, Serialize, ToSchema)]
#[allow(dead_code, reason = "documents what souk-app writes")]
pub(crate) struct BacktestRow {
    #[schema(required)]
    mase: Option<f64>,
    #[schema(required)]
    wape: Option<f64>,
    /// Above 0 where too much was expected.
    #[schema(required)]
    bias: Option<f64>,
    days: usize,
}

/// Which stock.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct StockQueryBody {
    /// Whose; the first site's when left out.
    #[param(required = false, nullable = false)]
    site: Option<String>,
    /// At one place.
    #[param(required = false, nullable = false)]
    location_id: Option<String>,
    /// Of one product.
    #[param(required = false, nullable = false)]
    product_id: Option<String>,
    /// Products of a page; 100 when left out.
    #[param(required = false, nullable = false, minimum = 1, maximum = 1_000)]
    limit: Option<u32>,
    /// Where to go on.
    #[param(required = false, nullable = false)]
    cursor: Option<String>,
}

impl StockQueryBody {
    pub(crate) fn parse(self, main: &SiteId) -> Answer<StockQuery> {
        let limit = self.limit.unwrap_or(100) as usize;
        if !(1..=STOCK_PAGE_MAX).contains(&limit) {
            let detail = format!("limit {limit} must lie between 1 and {STOCK_PAGE_MAX}");
            return Err(Problem::field("limit".to_owned(), detail));
        }
        let after = match self.cursor {
            Some(cursor) => Some(crate::routes::products::read_cursor(&cursor)?),
            None => None,
        };
        Ok(StockQuery {
            site: read("site", self.site, SiteId::new)?.unwrap_or_else(|| main.clone()),
            location: read("location_id", self.location_id, LocationId::new)?,
            product: read("product_id", self.product_id, ProductId::new)?,
            after,
            limit,
        })
    }
}

/// A page of stock.
#[derive(Debug, Serialize, ToSchema)]
#[allow(dead_code, reason = "documents what `stock_answer` writes")]
pub(crate) struct StockAnswer {
    stock: Vec<StockRow>,
    /// Where to go on; `null` at the end.
    #[schema(required)]
    cursor: Option<String>,
}

/// Stock of a product at a place.
#[derive(Debug, Serialize, ToSchema)]
#[allow(dead_code, reason = "documents what `stock_answer` writes")]
pub(crate) struct StockRow {
    product_id: String,
    #[schema(required)]
    variant_id: Option<String>,
    location_id: String,
    #[schema(required)]
    lot: Option<String>,
    /// Below 0 where more was sold than counted.
    quantity: f64,
    #[schema(format = DateTime, required)]
    counted_at: Option<String>,
    #[schema(format = Date, required)]
    expires_on: Option<String>,
}

pub(crate) fn stock_answer(page: &StockPage) -> Value {
    let rows = page.levels.iter().map(|level| {
        json!({
            "product_id": level.product.as_str(),
            "variant_id": level.variant,
            "location_id": level.location,
            "lot": level.lot,
            "quantity": level.quantity,
            "counted_at": level.counted_at.map(|at| at.to_string()),
            "expires_on": level.expires_on.map(|day| day.to_string()),
        })
    });
    let cursor = page.cursor.as_ref().map(crate::routes::products::write_cursor);
    json!({"stock": rows.collect::<Vec<_>>(), "cursor": cursor})
}

/// Which place.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct PlaceQuery {
    /// Where to order for.
    #[param(required = true, nullable = false)]
    location_id: Option<String>,
    /// Whose; the first site's when left out.
    #[param(required = false, nullable = false)]
    site: Option<String>,
}

impl PlaceQuery {
    pub(crate) fn parse(self, main: &SiteId) -> Answer<(SiteId, LocationId)> {
        let site = read("site", self.site, SiteId::new)?;
        let location = read("location_id", self.location_id, LocationId::new)?;
        let location = location.ok_or_else(|| {
            let detail = "location_id is missing; name the place to order for";
            Problem::field("location_id".to_owned(), detail.to_owned())
        })?;
        Ok((site.unwrap_or_else(|| main.clone()), location))
    }
}

/// What to order.
#[derive(Debug, Serialize, ToSchema)]
#[allow(dead_code, reason = "documents what souk-app writes")]
pub(crate) struct ReplenishmentAnswer {
    site: String,
    location_id: String,
    /// The business day there.
    #[schema(format = Date)]
    today: String,
    /// Products that were looked at.
    considered: usize,
    /// Of these, products of which no order could be made: neither their stock, nor an offer, nor an open order is known.
    unknown: usize,
    /// Products whose forecast is not made yet.
    pending: usize,
    /// Each with `position`, what of it is `expiring` unsold, `shelf_life_days`, `most` that may be ordered for it, the
    /// order's own `waste` on average, `waste_chance` that `most` is made for, planners' `overrides`, `protection_days`, `forecast_from` (the first day of the forecast), `demand_mean`, `demand_quantile`, `order_up_to`, `spared` (what an
    /// empty shelf loses before the order is there, with `fill_rate`), `need`, `serves` (the share of what is wanted from its arrival to the next one's that stock and order serve on average),
    /// `suppliers` compared, `quantity`, `unit_price`, `cost`, `confidence`, `warnings` (which hold rules), `notes`, and the arithmetic as
    /// `text`.
    #[schema(value_type = Vec<Object>)]
    lines: Vec<Value>,
    /// Each with `kind`, `product_id`, `title`, `text` and `at_stake`, what a week sells of it; those of which the same is to be
    /// said are one, with the number of `products` and `product_ids`. The most at stake first.
    #[schema(value_type = Vec<Object>)]
    exceptions: Vec<Value>,
    more_exceptions: usize,
    alarms: Vec<AlarmRow>,
    so_far: SoFarRow,
    proposals: Vec<ProposalRow>,
    automatic: AutomaticRow,
}

/// Today's sales against the forecast, over all products whose stock is known.
#[derive(Debug, Serialize, ToSchema)]
#[allow(dead_code, reason = "documents what souk-app writes")]
pub(crate) struct SoFarRow {
    /// Units sold today until now.
    sold: f64,
    /// Units expected of the whole day.
    expected: f64,
}

/// Something wrong with what comes in.
#[derive(Debug, Serialize, ToSchema)]
#[allow(dead_code, reason = "documents what souk-app writes")]
pub(crate) struct AlarmRow {
    /// `sales` or `stock`.
    feed: String,
    location_id: String,
    /// `missing`, `late`, `doubled`, `short` or `factor`.
    kind: String,
    text: String,
}

/// What would be ordered at one supplier.
#[derive(Debug, Serialize, ToSchema)]
#[allow(dead_code, reason = "documents what souk-app writes")]
pub(crate) struct ProposalRow {
    supplier_id: String,
    lines: usize,
    amount: PriceBody,
    /// What that part of it cost which will go off unsold, on average.
    waste: PriceBody,
    /// Whether a rule approves it.
    approved_by_rule: bool,
    /// Why not.
    reasons: Vec<String>,
}

/// Whether rules may approve.
#[derive(Debug, Serialize, ToSchema)]
#[allow(dead_code, reason = "documents what souk-app writes")]
pub(crate) struct AutomaticRow {
    auto_reorder: bool,
    shadow: bool,
    #[schema(format = DateTime, required)]
    stopped_since: Option<String>,
}

/// The stop switch.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SwitchBody {
    /// Whether nothing may be approved by rule.
    pub(crate) stopped: bool,
}
