//! What became of answers, what personalization brings, and how stock did.

use std::sync::Arc;

use axum::extract::{Request, State};
use souk_app::{Operation, stock_report_to_json};
use souk_core::hexadecimal;

use crate::dto::reports::{DaysQuery, HoldoutReportAnswer, RecommendationReportAnswer};
use crate::dto::stock_report::{StockReportAnswer, StockReportParams};
use crate::edge::Edge;
use crate::problem::Answer;
use crate::routes::{QueryOf, json, query_of};

/// Bytes of a request; chosen.
const REQUEST_BYTES_MAX: usize = 64 << 10;

/// What became of answers, by day, site, placement and strategy: how many were served, seen and clicked,
/// and which orders, units, revenue and margin they are credited with.
///
/// A credit is no effect: some would have bought anyway. `GET /v1/reports/holdout` tells the effect.
#[utoipa::path(
    get,
    path = "/v1/reports/recommendations",
    tag = "Reports",
    summary = "See what became of recommendations",
    params(DaysQuery),
    responses(
        (status = 200, description = "Figures of the days asked for.", body = RecommendationReportAnswer),
        (status = 422, description = "The days are none, or too many.")
    )
)]
pub(crate) async fn recommendations(
    State(edge): State<Arc<Edge>>,
    query: QueryOf<DaysQuery>,
    request: Request,
) -> Answer {
    let (caller, _) = edge.admit(request, Operation::ReadReports, REQUEST_BYTES_MAX).await?;
    let days = query_of(query)?.parse()?;
    let report = edge.app.recommendation_report(days, &caller).await?;
    Ok(json(&RecommendationReportAnswer::from(report)))
}

/// What personalization brings: the shoppers who get it against those who are held out of it
/// (`holdout.share`), with intervals that stay true however often one looks.
#[utoipa::path(
    get,
    path = "/v1/reports/holdout",
    tag = "Reports",
    summary = "See what personalization brings",
    responses((status = 200, description = "Both groups and their differences.", body = HoldoutReportAnswer))
)]
pub(crate) async fn holdout(State(edge): State<Arc<Edge>>, request: Request) -> Answer {
    let (caller, _) = edge.admit(request, Operation::ReadReports, REQUEST_BYTES_MAX).await?;
    let report = edge.app.holdout_report(&caller).await?;
    Ok(json(&HoldoutReportAnswer::from(report)))
}

/// How the stock of a place did over the last weeks, by product and by class: sales, turns, days of supply, empty days, lost sales,
/// waste, and what forecasts were worth.
///
/// What was lost is an estimate: what is usual on days on which the shelf was empty. Nothing is made by asking.
#[utoipa::path(
    get,
    path = "/v1/reports/stock",
    tag = "Planning",
    summary = "See how stock did",
    params(StockReportParams),
    responses(
        (status = 200, description = "The most revenue first.", body = StockReportAnswer),
        (status = 404, description = "No fact names this place."),
        (status = 422, description = "No place was named, or too few or too many days.")
    )
)]
pub(crate) async fn stock(
    State(edge): State<Arc<Edge>>,
    query: QueryOf<StockReportParams>,
    request: Request,
) -> Answer {
    let (caller, _) = edge.admit(request, Operation::ReadPlanning, REQUEST_BYTES_MAX).await?;
    let query = query_of(query)?.parse(&edge.app.config().main_site())?;
    edge.check_site(&query.site, "site")?;
    let report = edge.app.stock_report(query, &caller).await?;
    let cursor = report.after.as_ref().map(|id| hexadecimal(id.as_str().as_bytes()));
    Ok(json(&stock_report_to_json(&report, cursor)))
}
