use serde::{Deserialize, Serialize};
use souk_app::{
    AnswerFigures, Comparison, HoldoutReport, QueryFigures, RecommendationReport, ReportDays,
    SearchReport, SearchReportKind, SearchReportQuery,
};
use souk_core::{Currency, Day, SiteId};
use utoipa::{IntoParams, ToSchema};

use crate::problem::{Answer, Problem};

/// Which days.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct DaysQuery {
    /// The first day, in UTC; four weeks up to the last one when left out.
    #[param(required = false, nullable = false)]
    from: Option<String>,
    /// The last day, in UTC; today when left out.
    #[param(required = false, nullable = false)]
    to: Option<String>,
}

impl DaysQuery {
    pub(crate) fn parse(self) -> Answer<ReportDays> {
        let day = |name: &str, text: Option<String>| -> Answer<Option<Day>> {
            let day = text.as_deref().map(Day::parse).transpose();
            day.map_err(|error| Problem::field(name.to_owned(), error.to_string()))
        };
        Ok(ReportDays { from: day("from", self.from)?, to: day("to", self.to)? })
    }
}

/// What is asked of searches.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct SearchReportParams {
    /// The first day, in UTC; four weeks up to the last one when left out.
    #[param(required = false, nullable = false)]
    from: Option<String>,
    /// The last day, in UTC; today when left out.
    #[param(required = false, nullable = false)]
    to: Option<String>,
    /// The queries asked most, those that found nothing, or those of which nothing was opened.
    #[param(required = false, nullable = false)]
    kind: Option<String>,
    /// Whose; every site that the key may see when left out.
    #[param(required = false, nullable = false)]
    site: Option<String>,
    /// Queries.
    #[param(required = false, nullable = false, minimum = 1, maximum = 1000)]
    limit: Option<u32>,
}

impl SearchReportParams {
    pub(crate) fn parse(self) -> Answer<SearchReportQuery> {
        let days = DaysQuery { from: self.from, to: self.to }.parse()?;
        let site = self.site.map(SiteId::new).transpose();
        let kind = self.kind.as_deref().unwrap_or(SearchReportKind::Top.as_str());
        let unknown = || {
            let kinds = SearchReportKind::ALL.map(SearchReportKind::as_str).join(", ");
            Problem::field("kind".to_owned(), format!("is `{kind}`; must be one of {kinds}"))
        };
        Ok(SearchReportQuery {
            days,
            kind: SearchReportKind::parse(kind).ok_or_else(unknown)?,
            site: site.map_err(|error| Problem::field("site".to_owned(), error.to_string()))?,
            limit: self.limit.map_or(SearchReportQuery::LIMIT, |limit| limit as usize),
        })
    }
}

/// What is searched for. A figure with fewer than `people_min` people behind it, or whose rest has, is `null`.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SearchReportAnswer {
    /// The first day.
    #[schema(format = Date)]
    from: String,
    /// The last day.
    #[schema(format = Date)]
    to: String,
    /// When it was made, by the shop's clock.
    #[schema(format = DateTime)]
    made_at: String,
    /// People that a figure needs.
    people_min: u64,
    /// The share of answers that are recorded: figures are of these.
    sample: f64,
    /// Of all queries together, also those of few people.
    all: SearchFigures,
    /// Searches by nobody known; what they were for is not kept.
    #[schema(required)]
    anonymous_searches: Option<i64>,
    /// How long answers took, in milliseconds.
    #[schema(required)]
    latency: Option<LatencyAnswer>,
    queries: Vec<QueryFiguresRow>,
}

/// So many of a hundred answers took less, in milliseconds.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LatencyAnswer {
    p50_ms: f64,
    p95_ms: f64,
    p99_ms: f64,
}

/// What became of searches; one person counts once a day for a query.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SearchFigures {
    #[schema(required)]
    searches: Option<i64>,
    /// Those that found nothing.
    #[schema(required)]
    no_results: Option<i64>,
    /// The share of those that found something of which a product was opened, put into a cart, or ordered.
    #[schema(required)]
    click_through: Option<f64>,
    /// The share of them of which a product was ordered.
    #[schema(required)]
    conversion: Option<f64>,
}

/// A query and what became of it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct QueryFiguresRow {
    site: String,
    /// In lower case, without accents and punctuation.
    query: String,
    #[serde(flatten)]
    figures: SearchFigures,
}

impl From<&QueryFigures> for SearchFigures {
    fn from(row: &QueryFigures) -> SearchFigures {
        SearchFigures {
            searches: row.searches,
            no_results: row.no_results,
            click_through: row.click_through,
            conversion: row.conversion,
        }
    }
}

impl From<SearchReport> for SearchReportAnswer {
    fn from(report: SearchReport) -> SearchReportAnswer {
        let row = |row: &QueryFigures| QueryFiguresRow {
            site: row.site.clone(),
            query: row.query.clone(),
            figures: row.into(),
        };
        let latency = report.latency_ms;
        SearchReportAnswer {
            from: report.from.to_string(),
            to: report.to.to_string(),
            made_at: report.made_at.to_string(),
            people_min: report.people_min,
            sample: report.sample,
            all: (&report.all).into(),
            anonymous_searches: report.anonymous_searches,
            latency: latency.map(|[p50_ms, p95_ms, p99_ms]| LatencyAnswer {
                p50_ms,
                p95_ms,
                p99_ms,
            }),
            queries: report.queries.iter().map(row).collect(),
        }
    }
}

/// An amount in minor units.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Amount {
    amount: i64,
    #[schema(example = "USD")]
    currency: String,
}

/// What became of answers. A figure with fewer than `people_min` people behind it is `null`, or left out of
/// a list of amounts.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RecommendationReportAnswer {
    /// The first day.
    #[schema(format = Date)]
    from: String,
    /// The last day.
    #[schema(format = Date)]
    to: String,
    /// When it was made, by the shop's clock.
    #[schema(format = DateTime)]
    made_at: String,
    /// Days from an answer to a click that does not name it.
    click_days: u64,
    /// Days from an answer, or a click on it, to an order.
    order_days: u64,
    /// People that a figure needs.
    people_min: u64,
    /// The share of answers that are recorded: figures are of these.
    sample: f64,
    /// Each place on each day.
    days: Vec<AnswerFiguresRow>,
    /// Each place over all days.
    totals: Vec<AnswerFiguresRow>,
}

/// What became of the answers of one place, by the day on which they were served.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AnswerFiguresRow {
    /// `null` for all days.
    #[schema(format = Date, required)]
    day: Option<String>,
    site: String,
    #[schema(required)]
    placement: Option<String>,
    strategy: String,
    /// Answers to people.
    #[schema(required)]
    answers: Option<i64>,
    /// Different people who got them.
    #[schema(required)]
    people: Option<i64>,
    /// Answers to nobody known, of whom nothing else is counted.
    #[schema(required)]
    anonymous_answers: Option<i64>,
    /// Answers that were looked at, as far as events name them.
    #[schema(required)]
    seen: Option<i64>,
    /// Products of answers that were opened.
    #[schema(required)]
    clicks: Option<i64>,
    /// Those whose event named the answer.
    #[schema(required)]
    named_clicks: Option<i64>,
    /// Products of answers that went into a cart.
    #[schema(required)]
    carts: Option<i64>,
    /// Orders with a product that an answer is credited with, net of what came back.
    #[schema(required)]
    orders: Option<i64>,
    /// Those after a click.
    #[schema(required)]
    clicked_orders: Option<i64>,
    /// Units, pieces or kilograms.
    #[schema(required)]
    units: Option<f64>,
    /// What credited products brought, net of what came back.
    revenue: Vec<Amount>,
    /// What those brought that were clicked before.
    clicked_revenue: Vec<Amount>,
    /// Revenue less today's cost, of products whose cost is known.
    margin: Vec<Amount>,
    /// The revenue that the margin is of.
    costed_revenue: Vec<Amount>,
}

impl From<&AnswerFigures> for AnswerFiguresRow {
    fn from(row: &AnswerFigures) -> AnswerFiguresRow {
        let amounts = |of: fn(&souk_app::AnswerMoney) -> Option<i64>| {
            let one = |money: &souk_app::AnswerMoney| {
                Some(Amount { amount: of(money)?, currency: money.currency.as_str().to_owned() })
            };
            row.money.iter().filter_map(one).collect()
        };
        AnswerFiguresRow {
            day: row.day.map(|day| day.to_string()),
            site: row.site.clone(),
            placement: row.placement.clone(),
            strategy: row.strategy.clone(),
            answers: row.answers,
            people: row.people,
            anonymous_answers: row.anonymous_answers,
            seen: row.seen,
            clicks: row.clicks,
            named_clicks: row.named_clicks,
            carts: row.carts,
            orders: row.orders,
            clicked_orders: row.clicked_orders,
            units: row.units_milli.map(|milli| milli as f64 / 1_000.0),
            revenue: amounts(|money| money.revenue),
            clicked_revenue: amounts(|money| money.clicked_revenue),
            margin: amounts(|money| money.margin),
            costed_revenue: amounts(|money| money.costed_revenue),
        }
    }
}

impl From<RecommendationReport> for RecommendationReportAnswer {
    fn from(report: RecommendationReport) -> RecommendationReportAnswer {
        let rows = |rows: &[AnswerFigures]| rows.iter().map(AnswerFiguresRow::from).collect();
        RecommendationReportAnswer {
            from: report.from.to_string(),
            to: report.to.to_string(),
            made_at: report.made_at.to_string(),
            click_days: report.click_days,
            order_days: report.order_days,
            people_min: report.people_min,
            sample: report.sample,
            days: rows(&report.days),
            totals: rows(&report.totals),
        }
    }
}

/// What personalization brings: people who get it against people who are held out. All intervals together
/// cover the true differences on every day with a probability of 95 %.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HoldoutReportAnswer {
    /// `holdout.name`.
    name: String,
    /// `holdout.share`.
    share: f64,
    /// Days after a person was first met in which what they do counts.
    outcome_days: u64,
    /// When it was made, by the shop's clock.
    #[schema(format = DateTime)]
    made_at: String,
    /// When the first person was met.
    #[schema(format = DateTime, required)]
    since: Option<String>,
    /// People who were held out and whose days are over; `null` where they are too few to be named.
    #[schema(required)]
    people_holdout: Option<u64>,
    /// People who were not, and whose days are over.
    #[schema(required)]
    people_personal: Option<u64>,
    /// People whose days go on.
    #[schema(required)]
    people_open: Option<u64>,
    /// People who met both parts, under ids that were joined later; they count where they were first.
    #[schema(required)]
    people_mixed: Option<u64>,
    /// Why nothing is compared.
    #[schema(required)]
    why: Option<String>,
    /// What is compared.
    comparisons: Vec<ComparisonRow>,
}

/// One figure of both parts.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ComparisonRow {
    /// `conversion`, `orders_per_person`, `revenue_per_person`, `order_value` or `margin_per_person`.
    metric: &'static str,
    /// Of amounts, which are in minor units.
    #[schema(required)]
    currency: Option<String>,
    /// Of people who are held out; `null` where too few stand behind it.
    #[schema(required)]
    holdout: Option<f64>,
    /// Of everybody else.
    #[schema(required)]
    personal: Option<f64>,
    /// Personal less holdout.
    #[schema(required)]
    difference: Option<f64>,
    /// The lower end of its interval.
    #[schema(required)]
    low: Option<f64>,
    /// The upper end.
    #[schema(required)]
    high: Option<f64>,
    /// `higher` or `lower` with personalization, `unclear`, or `refused` where too little is known.
    verdict: &'static str,
    /// Why it is refused.
    #[schema(required)]
    why: Option<String>,
}

impl From<&Comparison> for ComparisonRow {
    fn from(one: &Comparison) -> ComparisonRow {
        ComparisonRow {
            metric: one.metric.as_str(),
            currency: one.currency.map(|currency: Currency| currency.as_str().to_owned()),
            holdout: one.holdout,
            personal: one.personal,
            difference: one.interval.map(|(difference, ..)| difference),
            low: one.interval.map(|(_, low, _)| low),
            high: one.interval.map(|(.., high)| high),
            verdict: one.verdict.as_str(),
            why: one.why.clone(),
        }
    }
}

impl From<HoldoutReport> for HoldoutReportAnswer {
    fn from(report: HoldoutReport) -> HoldoutReportAnswer {
        let [people_holdout, people_personal] = report.people;
        HoldoutReportAnswer {
            name: report.name,
            share: report.share,
            outcome_days: report.outcome_days,
            made_at: report.made_at.to_string(),
            since: report.since.map(|since| since.to_string()),
            people_holdout,
            people_personal,
            people_open: report.people_open,
            people_mixed: report.people_mixed,
            why: report.why,
            comparisons: report.comparisons.iter().map(ComparisonRow::from).collect(),
        }
    }
}
