//! Reports: what became of answers, what personalization brings, and what is searched for.

use souk_core::{Currency, Day, SiteId, Timestamp};

use crate::projections::{FigureQuery, KEPT_DAYS, LATE_DAYS, day_of};
use crate::{App, AppError, Caller, Operation};

mod holdout;
mod searches;
mod telling;
#[cfg(test)]
mod tests;

pub use holdout::{Comparison, HoldoutReport, Metric, Verdict};
pub use searches::{QueryFigures, SearchReport, SearchReportKind, SearchReportQuery};

/// Days of a report that names none (chosen: four weeks, so that each weekday counts alike).
const DAYS_DEFAULT: i32 = 28;

/// Which days a report is about, both included, in UTC; a day that is not named follows from the other, or
/// from today.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReportDays {
    /// The first.
    pub from: Option<Day>,
    /// The last.
    pub to: Option<Day>,
}

/// What became of answers.
#[derive(Clone, Debug, PartialEq)]
pub struct RecommendationReport {
    /// The first day.
    pub from: Day,
    /// The last day.
    pub to: Day,
    /// When it was made.
    pub made_at: Timestamp,
    /// `attribution.click_days`.
    pub click_days: u64,
    /// `attribution.order_days`.
    pub order_days: u64,
    /// Figures with fewer people behind them are left out.
    pub people_min: u64,
    /// The share of answers that are recorded: figures are of these.
    pub sample: f64,
    /// Each place on each day that has enough people of its own.
    pub days: Vec<AnswerFigures>,
    /// Each place over all days that can be told, some of them only together.
    pub totals: Vec<AnswerFigures>,
}

/// The figures of one place; `None` where too few people stand behind one.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AnswerFigures {
    /// The day on which the answers were served; `None` for all days.
    pub day: Option<Day>,
    /// Whose.
    pub site: String,
    /// Where on the page.
    pub placement: Option<String>,
    /// What chose them.
    pub strategy: String,
    /// Answers to people.
    pub answers: Option<i64>,
    /// Different people who got them.
    pub people: Option<i64>,
    /// Answers to nobody known, of whom nothing else is counted.
    pub anonymous_answers: Option<i64>,
    /// Answers that were looked at, as far as events name them.
    pub seen: Option<i64>,
    /// Products of answers that were opened.
    pub clicks: Option<i64>,
    /// Those whose event named the answer.
    pub named_clicks: Option<i64>,
    /// Products of answers that went into a cart.
    pub carts: Option<i64>,
    /// Orders with a product that an answer is credited with, net of what came back.
    pub orders: Option<i64>,
    /// Those after a click.
    pub clicked_orders: Option<i64>,
    /// Thousandths of units, whatever the unit.
    pub units_milli: Option<i64>,
    /// By currency.
    pub money: Vec<AnswerMoney>,
}

/// Amounts of one currency in minor units; `None` where too few people stand behind one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AnswerMoney {
    /// Which currency.
    pub currency: Currency,
    /// What credited products brought, net of what came back.
    pub revenue: Option<i64>,
    /// What those brought that were clicked before.
    pub clicked_revenue: Option<i64>,
    /// Revenue less today's cost, of products whose cost is known.
    pub margin: Option<i64>,
    /// The revenue that the margin is of.
    pub costed_revenue: Option<i64>,
}

impl App {
    /// What became of the answers of some days.
    ///
    /// # Errors
    ///
    /// [`AppError::Denied`] without the operation, [`AppError::Invalid`] for days that are none or too many,
    /// [`AppError::NotReady`] before the views have caught up.
    pub async fn recommendation_report(
        &self,
        days: ReportDays,
        caller: &Caller,
    ) -> Result<RecommendationReport, AppError> {
        caller.check(Operation::ReadReports)?;
        self.check_ready()?;
        let made_at = self.clock.now();
        let (from, to) = range(days, Day::from_number(day_of(made_at)))?;
        let settings = self.config.attribution;
        let people_min = self.config.privacy.statistics.people_min;
        let around = (telling::stretch(from.number()).0, telling::stretch(to.number()).1);
        let query = FigureQuery {
            days: (from, to),
            days_around: (Day::from_number(around.0), Day::from_number(around.1)),
            people_min: u32::try_from(people_min).unwrap_or(u32::MAX),
            click_days: settings.click_days as i64,
            order_days: settings.order_days as i64,
            sites: caller.places.sites.clone(),
        };
        let rows =
            self.projector.inspect(move |views| views.recommendation_figures(&query)).await?;
        let kept = self.config.privacy.retention.shown_days;
        let kept = kept.and_then(|days| i32::try_from(days).ok()).unwrap_or(i32::MAX);
        // The day itself, what may be credited to it afterwards, and what of that may come late.
        let open_days = 1 + settings.click_days.max(settings.order_days) as i64 + LATE_DAYS;
        let asked = telling::Asked {
            days: (from.number(), to.number()),
            people_min,
            // The very oldest day goes piece by piece.
            oldest: day_of(made_at).saturating_sub(kept.min(KEPT_DAYS) - 1),
            settled: i32::try_from(i64::from(day_of(made_at)) - open_days).unwrap_or(i32::MIN),
        };
        let [days, totals] = telling::told(&rows, &asked);
        Ok(RecommendationReport {
            from,
            to,
            made_at,
            click_days: settings.click_days,
            order_days: settings.order_days,
            people_min,
            sample: self.config.impressions.sample,
            days,
            totals,
        })
    }

    /// The sites of the settings, for reports about all of them.
    ///
    /// # Errors
    ///
    /// [`AppError::Denied`] for a key that is bound to some of them.
    fn every_site(&self, caller: &Caller) -> Result<Vec<SiteId>, AppError> {
        let sites: Vec<SiteId> = self.config.sites().map(|site| site.id).collect();
        sites.iter().try_for_each(|site| caller.check_site(site))?;
        Ok(sites)
    }
}

fn range(days: ReportDays, today: Day) -> Result<(Day, Day), AppError> {
    let to = days.to.unwrap_or(today);
    let first = Day::from_number(to.number().saturating_sub(DAYS_DEFAULT - 1));
    let from = days.from.unwrap_or(first);
    let refuse = |pointer, detail: String| Err(AppError::invalid("invalid_days", pointer, detail));
    if from > to {
        return refuse(
            "from",
            format!("`from` {from} is after `to` {to}; give the earlier day first"),
        );
    }
    let span = i64::from(to.number()) - i64::from(from.number()) + 1;
    if span > i64::from(KEPT_DAYS) {
        let detail =
            format!("{span} days; figures are kept for {KEPT_DAYS}, ask for as many at most");
        return refuse("from", detail);
    }
    Ok((from, to))
}
