use serde::{Deserialize, Serialize};
use souk_app::{ClassFilter, STOCK_REPORT_DAYS, STOCK_REPORT_PAGE_MAX, StockReportQuery};
use souk_core::{LocationId, SiteId};
use utoipa::{IntoParams, ToSchema};

use super::planning::read;
use super::purchasing::PriceBody;
use crate::problem::{Answer, Problem};

/// Whose stock, and which products.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct StockReportParams {
    /// Where.
    #[param(required = true, nullable = false)]
    location_id: Option<String>,
    /// Whose; the first site's when left out.
    #[param(required = false, nullable = false)]
    site: Option<String>,
    /// The last so many whole business days; 91 when left out.
    #[param(required = false, nullable = false, minimum = 28, maximum = 366)]
    days: Option<u32>,
    /// Only products of a class: `AX`, or `A`, or `X`. Sums are of all.
    #[param(required = false, nullable = false, pattern = "^([ABC][XYZ]?|[XYZ])$")]
    class: Option<String>,
    /// Products of a page; 100 when left out.
    #[param(required = false, nullable = false, minimum = 1, maximum = 1_000)]
    limit: Option<u32>,
    /// Where to go on: the `cursor` of the page before.
    #[param(required = false, nullable = false)]
    cursor: Option<String>,
}

impl StockReportParams {
    pub(crate) fn parse(self, main: &SiteId) -> Answer<StockReportQuery> {
        let limit = self.limit.unwrap_or(100) as usize;
        if !(1..=STOCK_REPORT_PAGE_MAX).contains(&limit) {
            let detail = format!("limit {limit} must lie between 1 and {STOCK_REPORT_PAGE_MAX}");
            return Err(Problem::field("limit".to_owned(), detail));
        }
        let location = read("location_id", self.location_id, LocationId::new)?;
        let location = location.ok_or_else(|| {
            let detail = "location_id is missing; name the place to report on";
            Problem::field("location_id".to_owned(), detail.to_owned())
        })?;
        let class = self.class.map(|text| {
            ClassFilter::parse(&text).ok_or_else(|| {
                let detail =
                    format!("`{text}` is no class; take A, B or C, X, Y or Z, or both as in AX");
                Problem::field("class".to_owned(), detail)
            })
        });
        let after = self.cursor.map(|cursor| crate::routes::products::read_cursor(&cursor));
        Ok(StockReportQuery {
            site: read("site", self.site, SiteId::new)?.unwrap_or_else(|| main.clone()),
            location,
            days: self.days.unwrap_or(STOCK_REPORT_DAYS),
            class: class.transpose()?.unwrap_or_default(),
            after: after.transpose()?,
            limit,
        })
    }
}

/// How the stock of a place did.
#[derive(Debug, Serialize, ToSchema)]
#[allow(dead_code, reason = "documents what souk-app writes")]
pub(crate) struct StockReportAnswer {
    site: String,
    location_id: String,
    /// The business day there.
    #[schema(format = Date)]
    today: String,
    /// The first day of the figures.
    #[schema(format = Date)]
    from: String,
    /// The last one: yesterday, or the last day of which sales were told.
    #[schema(format = Date)]
    to: String,
    days: u32,
    /// The site's, which all amounts are in.
    currency: String,
    /// Those of the most revenue first.
    products: Vec<StockFiguresRow>,
    /// How many products there are of the class asked for.
    total_products: usize,
    /// Where to go on; `null` at the end.
    #[schema(required)]
    cursor: Option<String>,
    /// Over all products.
    all: StockSumsRow,
    classes: StockClassesRow,
    /// What is worth knowing about the figures.
    notes: Vec<String>,
}

/// Sums of each class.
#[derive(Debug, Serialize, ToSchema)]
#[allow(dead_code, non_snake_case, reason = "documents what souk-app writes")]
pub(crate) struct StockClassesRow {
    AX: StockSumsRow,
    AY: StockSumsRow,
    AZ: StockSumsRow,
    BX: StockSumsRow,
    BY: StockSumsRow,
    BZ: StockSumsRow,
    CX: StockSumsRow,
    CY: StockSumsRow,
    CZ: StockSumsRow,
}

/// How the stock of one product did.
#[derive(Debug, Serialize, ToSchema)]
#[allow(dead_code, reason = "documents what souk-app writes")]
pub(crate) struct StockFiguresRow {
    product_id: String,
    /// `null` for what was sold and is not in the catalogue.
    #[schema(required)]
    title: Option<String>,
    /// `abc` and `xyz` together.
    class: String,
    /// By share of revenue: A the first 80 %, B the next 15 %, C the rest.
    abc: String,
    /// By the variation of its weeks: X up to a half, Y up to 1, Z more, or fewer than four weeks.
    xyz: String,
    /// Weeks that `xyz` is told from: whole ones without an empty shelf.
    weeks: usize,
    /// `pieces`, or `measure` for litres, kilograms and the like.
    counted_in: String,
    /// What came back is not taken off, here and of `revenue`.
    units_sold: f64,
    units_returned: f64,
    revenue: PriceBody,
    /// Now; below 0 where more was sold than counted, `null` where that is not known.
    #[schema(required)]
    on_hand: Option<f64>,
    /// The product's cost, or the least offer.
    #[schema(required)]
    unit_cost: Option<PriceBody>,
    #[schema(required)]
    on_hand_cost: Option<PriceBody>,
    /// Units on the evenings of the period, on average, since stock is known.
    #[schema(required)]
    mean_stock: Option<f64>,
    /// How often the mean stock is sold in a year.
    #[schema(required)]
    turns: Option<f64>,
    /// Days that what is on hand now lasts at the period's rate; `null` without sales.
    #[schema(required)]
    days_of_supply: Option<f64>,
    /// Open days of the period on which stock was known.
    stock_days: usize,
    /// Of these, days on which the shelf was empty while things are sold.
    empty_days: usize,
    /// The share of `stock_days` that were not empty.
    #[schema(required)]
    availability: Option<f64>,
    /// Units that empty shelves did not sell: what is usual then, as forecasts read such days; `null` where stock was never known.
    #[schema(required)]
    lost_units: Option<f64>,
    #[schema(required)]
    lost_revenue: Option<PriceBody>,
    #[schema(required)]
    lost_margin: Option<SignedMoneyBody>,
    /// The share of demand that was met; `null` where stock was never known.
    #[schema(required)]
    fill_rate: Option<f64>,
    written_off_units: f64,
    #[schema(required)]
    written_off_cost: Option<PriceBody>,
    /// Units written off over all that left the shelf.
    #[schema(required)]
    waste_share: Option<f64>,
    /// The share of the error of repeating the week before that the forecast saves, over the last two looks back of two weeks each.
    #[schema(required)]
    forecast_value_added: Option<f64>,
    /// Why it is `null`.
    #[schema(required)]
    forecast_note: Option<String>,
}

/// How the stock of many products did.
#[derive(Debug, Serialize, ToSchema)]
#[allow(dead_code, reason = "documents what souk-app writes")]
pub(crate) struct StockSumsRow {
    products: usize,
    /// Sums at cost are of these.
    products_with_cost: usize,
    /// What is measured is left out.
    pieces_sold: f64,
    revenue: PriceBody,
    #[schema(required)]
    revenue_share: Option<f64>,
    cost_of_sales: PriceBody,
    /// `null` where no product's stock and cost are known, and so is the next one.
    #[schema(required)]
    on_hand_cost: Option<PriceBody>,
    #[schema(required)]
    mean_stock_cost: Option<PriceBody>,
    #[schema(required)]
    turns: Option<f64>,
    #[schema(required)]
    days_of_supply: Option<f64>,
    /// Days of all products on which something was there, over all of their days.
    #[schema(required)]
    availability: Option<f64>,
    /// The share of wanted money that was served.
    #[schema(required)]
    fill_rate: Option<f64>,
    /// `null` where no product's stock was known.
    #[schema(required)]
    lost_revenue: Option<PriceBody>,
    #[schema(required)]
    lost_margin: Option<SignedMoneyBody>,
    written_off_cost: PriceBody,
    #[schema(required)]
    waste_share: Option<f64>,
    /// Each product's error counts at what its units bring.
    #[schema(required)]
    forecast_value_added: Option<f64>,
}

/// An amount in minor units that may be below 0.
#[derive(Debug, Serialize, ToSchema)]
#[allow(dead_code, reason = "documents what souk-app writes")]
pub(crate) struct SignedMoneyBody {
    amount: i64,
    currency: String,
}
