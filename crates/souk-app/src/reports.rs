//! Reports on recommendations: what became of answers, and what personalization brings.

use souk_core::{Currency, Day, SiteId, Timestamp};

use crate::projections::{Counted, FigureQuery, FigureRow, KEPT_DAYS, day_of};
use crate::{App, AppError, Caller, Operation};

mod holdout;
#[cfg(test)]
mod tests;

pub use holdout::{Comparison, HoldoutReport, Metric, Verdict};

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
    /// Each place on each day.
    pub days: Vec<AnswerFigures>,
    /// Each place over all days.
    pub totals: Vec<AnswerFigures>,
}

/// The figures of one place; `None` where too few people stand behind one.
#[derive(Clone, Debug, PartialEq)]
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
        let query = FigureQuery {
            days: (from, to),
            click_days: settings.click_days as i64,
            order_days: settings.order_days as i64,
            sites: caller.places.sites.clone(),
        };
        let rows =
            self.projector.inspect(move |views| views.recommendation_figures(&query)).await?;
        let people_min = self.config.privacy.statistics.people_min;
        let shown = rows.into_iter().map(|row| figures(row, people_min));
        let (days, totals) = shown.partition(|row: &AnswerFigures| row.day.is_some());
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

fn figures(row: FigureRow, people_min: u64) -> AnswerFigures {
    let shown = |counted: Counted| (u64::from(counted.people) >= people_min).then_some(counted.sum);
    let figures = row.figures;
    let money = figures.money.iter().map(|(currency, sums)| AnswerMoney {
        currency: *currency,
        revenue: shown(sums.revenue),
        clicked_revenue: shown(sums.clicked_revenue),
        margin: shown(sums.margin),
        costed_revenue: shown(sums.costed_revenue),
    });
    AnswerFigures {
        day: row.day,
        site: row.site,
        placement: row.placement,
        strategy: row.strategy,
        answers: shown(figures.answers),
        people: shown(figures.answers).map(|_| i64::from(figures.answers.people)),
        // Nobody is known behind these, so that many answers stand for so many people.
        anonymous_answers: i64::try_from(figures.unnamed)
            .ok()
            .filter(|answers| *answers >= people_min as i64),
        seen: shown(figures.seen),
        clicks: shown(figures.clicks),
        named_clicks: shown(figures.named_clicks),
        carts: shown(figures.carts),
        orders: shown(figures.orders),
        clicked_orders: shown(figures.clicked_orders),
        units_milli: shown(figures.units_milli),
        money: money.collect(),
    }
}
