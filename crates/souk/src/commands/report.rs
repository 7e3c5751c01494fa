//! `souk report`.

use anyhow::{Result, anyhow};
use serde_json::{Value, json};
use souk_app::{
    AnswerFigures, AnswerMoney, Caller, QueryFigures, ReportDays, SearchReportKind,
    SearchReportQuery,
};
use souk_core::{Currency, Day, Money, SiteId};

use super::comparison;
use crate::cli::{ReportCommand, SearchKind};
use crate::failure::Failure;
use crate::job::{Job, Shop};
use crate::settings::Settings;
use crate::term::{columns, thousands};

pub(crate) async fn run(what: ReportCommand, settings: &Settings) -> Result<()> {
    match what {
        ReportCommand::Recommendations { from, to, by_day } => {
            let rows = if by_day { Rows::Days } else { Rows::Totals };
            let job = Job::ReportRecommendations { from, to, rows };
            super::finish(settings, &job, text).await
        }
        ReportCommand::Searches { from, to, kind, site, limit, against, places } => {
            let asked = Searches { from, to, kind, site, limit };
            match against {
                Some(file) => comparison::run((asked, &file, places), settings).await,
                None => {
                    super::finish(settings, &Job::ReportSearches(asked), said_of_searches).await
                }
            }
        }
        ReportCommand::Stock(args) => super::stock_report::run(args, settings).await,
        ReportCommand::Holdout => {
            super::finish(settings, &Job::ReportHoldout, said_of_holdout).await
        }
    }
}

/// Which rows are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Rows {
    Days,
    Totals,
}

/// What is asked of searches.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Searches {
    from: Option<String>,
    to: Option<String>,
    kind: SearchKind,
    site: Option<String>,
    limit: usize,
}

impl Searches {
    pub(super) fn query(&self) -> Result<SearchReportQuery> {
        let Searches { from, to, kind, site, limit } = self;
        let site = site.clone().map(SiteId::new).transpose();
        Ok(SearchReportQuery {
            days: ReportDays { from: day("from", from.as_deref())?, to: day("to", to.as_deref())? },
            kind: match kind {
                SearchKind::Top => SearchReportKind::Top,
                SearchKind::NoResults => SearchReportKind::NoResults,
                SearchKind::NoClicks => SearchReportKind::NoClicks,
            },
            site: site.map_err(|error| anyhow!(Failure::usage(format!("--site: {error}"))))?,
            limit: *limit,
        })
    }
}

fn day(name: &str, text: Option<&str>) -> Result<Option<Day>> {
    let day = text.map(Day::parse).transpose();
    day.map_err(|error| anyhow!(Failure::usage(format!("--{name}: {error}"))))
}

pub(crate) async fn recommendations(
    shop: &Shop,
    (from, to): (Option<&str>, Option<&str>),
    rows: Rows,
) -> Result<Value> {
    let days = ReportDays { from: day("from", from)?, to: day("to", to)? };
    let report = shop.app.recommendation_report(days, &Caller::local_admin()).await?;
    let shown = match rows {
        Rows::Days => &report.days,
        Rows::Totals => &report.totals,
    };
    Ok(json!({
        "from": report.from.to_string(),
        "to": report.to.to_string(),
        "made_at": report.made_at.to_string(),
        "click_days": report.click_days,
        "order_days": report.order_days,
        "people_min": report.people_min,
        "sample": report.sample,
        "rows": shown.iter().map(json_of).collect::<Vec<_>>(),
    }))
}

pub(crate) async fn searches(shop: &Shop, asked: &Searches) -> Result<Value> {
    let report = shop.app.search_report(&asked.query()?, &Caller::local_admin()).await?;
    let figures = |row: &QueryFigures| {
        json!({
            "site": row.site,
            "query": row.query,
            "searches": row.searches,
            "no_results": row.no_results,
            "click_through": row.click_through,
            "conversion": row.conversion,
        })
    };
    Ok(json!({
        "from": report.from.to_string(),
        "to": report.to.to_string(),
        "made_at": report.made_at.to_string(),
        "people_min": report.people_min,
        "sample": report.sample,
        "all": figures(&report.all),
        "anonymous_searches": report.anonymous_searches,
        "latency_ms": report.latency_ms,
        "rows": report.queries.iter().map(figures).collect::<Vec<_>>(),
    }))
}

fn json_of(row: &AnswerFigures) -> Value {
    let amounts = |of: fn(&AnswerMoney) -> Option<i64>| -> Vec<Value> {
        let one = |money: &AnswerMoney| {
            Some(json!({"amount": of(money)?, "currency": money.currency.as_str()}))
        };
        row.money.iter().filter_map(one).collect()
    };
    json!({
        "day": row.day.map(|day| day.to_string()),
        "site": row.site,
        "placement": row.placement,
        "strategy": row.strategy,
        "answers": row.answers,
        "people": row.people,
        "anonymous_answers": row.anonymous_answers,
        "seen": row.seen,
        "clicks": row.clicks,
        "named_clicks": row.named_clicks,
        "carts": row.carts,
        "orders": row.orders,
        "clicked_orders": row.clicked_orders,
        "units": row.units_milli.map(|milli| milli as f64 / 1_000.0),
        "revenue": amounts(|money| money.revenue),
        "clicked_revenue": amounts(|money| money.clicked_revenue),
        "margin": amounts(|money| money.margin),
        "costed_revenue": amounts(|money| money.costed_revenue),
    })
}

pub(crate) async fn holdout(shop: &Shop) -> Result<Value> {
    let report = shop.app.holdout_report(&Caller::local_admin()).await?;
    let [people_holdout, people_personal] = report.people;
    let comparisons = report.comparisons.iter().map(|one| {
        json!({
            "metric": one.metric.as_str(),
            "currency": one.currency.map(|currency| currency.as_str().to_owned()),
            "holdout": one.holdout,
            "personal": one.personal,
            "difference": one.interval.map(|(difference, ..)| difference),
            "low": one.interval.map(|(_, low, _)| low),
            "high": one.interval.map(|(.., high)| high),
            "verdict": one.verdict.as_str(),
            "why": one.why,
        })
    });
    Ok(json!({
        "name": report.name,
        "share": report.share,
        "outcome_days": report.outcome_days,
        "made_at": report.made_at.to_string(),
        "since": report.since.map(|since| since.to_string()),
        "people_holdout": people_holdout,
        "people_personal": people_personal,
        "people_open": report.people_open,
        "people_mixed": report.people_mixed,
        "why": report.why,
        "comparisons": comparisons.collect::<Vec<_>>(),
    }))
}

fn count(value: &Value) -> String {
    value.as_i64().map_or("-".to_owned(), |count| match u64::try_from(count) {
        Ok(count) => thousands(count),
        Err(_) => count.to_string(),
    })
}

fn amounts(value: &Value) -> String {
    let one = |money: &Value| {
        let currency = Currency::parse(money["currency"].as_str().unwrap_or_default());
        currency.map_or(String::new(), |currency| {
            Money::from_minor(money["amount"].as_i64().unwrap_or(0), currency).to_string()
        })
    };
    let all: Vec<String> = value.as_array().into_iter().flatten().map(one).collect();
    if all.is_empty() { "-".to_owned() } else { all.join(" + ") }
}

fn word(value: &Value) -> String {
    value.as_str().unwrap_or("-").to_owned()
}

fn text(result: &Value) -> String {
    let rows = result["rows"].as_array().map_or(&[][..], Vec::as_slice);
    let has_days = rows.iter().any(|row| row["day"].is_string());
    let counts = ["answers", "people", "anonymous_answers", "seen", "clicks", "carts", "orders"];
    let mut heading: Vec<String> = if has_days { vec!["day".to_owned()] } else { Vec::new() };
    let names = ["site", "placement", "strategy"];
    heading.extend(names.iter().map(|name| (*name).to_owned()));
    let labels = ["answers", "people", "anonymous", "seen", "clicks", "carts", "orders"];
    heading.extend(labels.map(str::to_owned));
    heading.extend(["revenue", "after a click", "margin"].map(str::to_owned));
    let mut table = vec![heading];
    for row in rows {
        let mut cells: Vec<String> = if has_days { vec![word(&row["day"])] } else { Vec::new() };
        cells.extend(names.map(|name| word(&row[name])));
        cells.extend(counts.map(|name| count(&row[name])));
        cells.extend(["revenue", "clicked_revenue", "margin"].map(|name| amounts(&row[name])));
        table.push(cells);
    }
    let mut text = if rows.is_empty() {
        format!(
            "no answers are recorded from {} to {}\n",
            word(&result["from"]),
            word(&result["to"])
        )
    } else {
        columns(&table)
    };
    text.push_str(&format!(
        "{} to {}, by the day of the answer; -: fewer than {} people. An order within {} days of an answer, \
         or of a click on it, is its credit, not its effect: `souk report holdout` tells that.\n",
        word(&result["from"]),
        word(&result["to"]),
        result["people_min"],
        result["order_days"],
    ));
    text
}

fn said_of_searches(result: &Value) -> String {
    let share = |value: &Value| {
        value.as_f64().map_or("-".to_owned(), |share| format!("{:.1} %", share * 100.0))
    };
    let cells = |row: &Value| {
        vec![
            word(&row["site"]),
            word(&row["query"]),
            count(&row["searches"]),
            count(&row["no_results"]),
            share(&row["click_through"]),
            share(&row["conversion"]),
        ]
    };
    let heading = ["site", "query", "searches", "no results", "click-through", "conversion"];
    let mut table = vec![heading.map(str::to_owned).to_vec()];
    table.extend(result["rows"].as_array().into_iter().flatten().map(cells));
    let mut all = cells(&result["all"]);
    (all[0], all[1]) = ("all".to_owned(), String::new());
    table.push(all);
    let mut text = columns(&table);
    if let Some([p50, p95, p99]) = result["latency_ms"].as_array().map(Vec::as_slice) {
        text.push_str(&format!("answers took {p50} ms (half), {p95} ms (95 %), {p99} ms (99 %)\n"));
    }
    text.push_str(&format!(
        "{} to {}; a person counts once a day for a query; -: fewer than {} people; {} searches by nobody known\n",
        word(&result["from"]),
        word(&result["to"]),
        result["people_min"],
        count(&result["anonymous_searches"]),
    ));
    text
}

fn said_of_holdout(result: &Value) -> String {
    let mut text = format!(
        "holdout `{}` of {}, since {}: {} people held out, {} not, {} still within their {} days\n",
        word(&result["name"]),
        result["share"],
        word(&result["since"]),
        count(&result["people_holdout"]),
        count(&result["people_personal"]),
        count(&result["people_open"]),
        result["outcome_days"],
    );
    if let Some(why) = result["why"].as_str() {
        text.push_str(&format!("nothing is said: {why}\n"));
        return text;
    }
    let heading = ["figure", "held out", "personal", "difference", "from", "to", "verdict"];
    let mut table = vec![heading.map(str::to_owned).to_vec()];
    for row in result["comparisons"].as_array().into_iter().flatten() {
        let currency = row["currency"].as_str().and_then(|code| Currency::parse(code).ok());
        let scale = currency.map_or(1.0, |currency| 10f64.powi(currency.minor_digits() as i32));
        let figure = |name: &str| {
            row[name].as_f64().map_or("-".to_owned(), |value| format!("{:.4}", value / scale))
        };
        let currency = currency.map_or(String::new(), |currency| format!(" {currency}"));
        let verdict = match row["why"].as_str() {
            Some(why) => format!("refused: {why}"),
            None => word(&row["verdict"]),
        };
        let mut cells = vec![format!("{}{currency}", word(&row["metric"]))];
        cells.extend(["holdout", "personal", "difference", "low", "high"].map(figure));
        cells.push(verdict);
        table.push(cells);
    }
    text.push_str(&columns(&table));
    text.push_str(
        "the intervals together hold at every look with 95 %; a difference is there once its interval \
         leaves 0 out\n",
    );
    text
}
