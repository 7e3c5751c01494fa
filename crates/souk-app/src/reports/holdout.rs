//! What personalization brings: people who get it against people who do not.

use souk_core::{Currency, Timestamp};
use souk_recommend::confidence::{
    Interval, Moments, RatioMoments, Thin, compare, compare_ratios, is_share_odd,
};

use crate::holdout::HoldoutArm;
use crate::projections::{OutcomeQuery, Outcomes, PersonOutcome};
use crate::{App, AppError, Caller, Operation};

const DAY_MS: i64 = 86_400_000;
/// How often any of a report's intervals may miss the truth, on any day: all share it.
const ALPHA: f64 = 0.05;
/// How often groups of fair sizes may be called odd.
const ALPHA_SHARE: f64 = 0.001;

/// What is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Metric {
    /// The share of people who ordered anything.
    Conversion,
    /// Orders of a person.
    OrdersPerPerson,
    /// Revenue of a person.
    RevenuePerPerson,
    /// Revenue of an order.
    OrderValue,
    /// Revenue less cost of a person, of products whose cost is known.
    MarginPerPerson,
}

impl Metric {
    /// The name in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Metric::Conversion => "conversion",
            Metric::OrdersPerPerson => "orders_per_person",
            Metric::RevenuePerPerson => "revenue_per_person",
            Metric::OrderValue => "order_value",
            Metric::MarginPerPerson => "margin_per_person",
        }
    }
}

/// What an interval says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Higher with personalization.
    Higher,
    /// Lower with personalization.
    Lower,
    /// The two cannot be told apart yet.
    Unclear,
    /// Too little is known to say anything.
    Refused,
}

impl Verdict {
    /// The name in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Verdict::Higher => "higher",
            Verdict::Lower => "lower",
            Verdict::Unclear => "unclear",
            Verdict::Refused => "refused",
        }
    }
}

/// One figure of both parts.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// Which figure.
    pub metric: Metric,
    /// Of amounts, which are in minor units.
    pub currency: Option<Currency>,
    /// Of people who are held out; `None` where too few stand behind it.
    pub holdout: Option<f64>,
    /// Of everybody else.
    pub personal: Option<f64>,
    /// Personal less holdout, with its interval.
    pub interval: Option<(f64, f64, f64)>,
    /// What the interval says.
    pub verdict: Verdict,
    /// Why there is none.
    pub why: Option<String>,
}

/// What personalization brings.
#[derive(Clone, Debug, PartialEq)]
pub struct HoldoutReport {
    /// `holdout.name`.
    pub name: String,
    /// `holdout.share`.
    pub share: f64,
    /// `holdout.outcome_days`.
    pub outcome_days: u64,
    /// When it was made.
    pub made_at: Timestamp,
    /// When the first shopper was met; `None` before that.
    pub since: Option<Timestamp>,
    /// People whose window is over, held out and not; `None` where they are too few to be named.
    pub people: [Option<u64>; 2],
    /// People whose window goes on.
    pub people_open: Option<u64>,
    /// People who met both parts under different ids that were joined later.
    pub people_mixed: Option<u64>,
    /// Why the whole report says nothing.
    pub why: Option<String>,
    /// The figures; empty where the report says nothing.
    pub comparisons: Vec<Comparison>,
}

/// The outcomes of one part.
#[derive(Clone, Debug, Default)]
struct Group {
    converted: Moments,
    orders: Moments,
    by_currency: Vec<Amounts>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Amounts {
    revenue: Moments,
    order_value: RatioMoments,
    margin: Moments,
}

impl Group {
    fn push(&mut self, person: &PersonOutcome, currencies: &[Currency]) {
        let orders = f64::from(person.orders);
        self.converted.push(f64::from(u8::from(person.orders > 0)));
        self.orders.push(orders);
        self.by_currency.resize_with(currencies.len(), Amounts::default);
        for (currency, amounts) in currencies.iter().zip(&mut self.by_currency) {
            let own = person.money.iter().find(|(known, _)| known == currency);
            let [revenue, margin, _] = own.map_or([0; 3], |(_, parts)| *parts);
            amounts.revenue.push(revenue as f64);
            // An order is in one currency; only those of this one count below.
            let of_currency = if own.is_some() { orders } else { 0.0 };
            amounts.order_value.push(revenue as f64, of_currency);
            amounts.margin.push(margin as f64);
        }
    }
}

impl App {
    /// What people who get personal answers do, against those who are held out.
    ///
    /// All intervals together cover the true differences at every look with a probability of 95 %.
    ///
    /// # Errors
    ///
    /// [`AppError::Denied`] without the operation or for a key that is bound to some sites,
    /// [`AppError::NotReady`] before the views have caught up.
    pub async fn holdout_report(&self, caller: &Caller) -> Result<HoldoutReport, AppError> {
        caller.check(Operation::ReadReports)?;
        let sites = self.every_site(caller)?;
        self.check_ready()?;
        let settings = &self.config.holdout;
        let made_at = self.clock.now();
        let query = OutcomeQuery {
            experiment: settings.experiment(),
            now: made_at,
            window_ms: settings.outcome_days as i64 * DAY_MS,
            sites,
        };
        let outcomes = self.projector.inspect(move |views| views.outcomes(&query)).await?;
        Ok(self.judge(&outcomes, made_at))
    }

    fn judge(&self, outcomes: &Outcomes, made_at: Timestamp) -> HoldoutReport {
        let settings = &self.config.holdout;
        let people_min = self.config.privacy.statistics.people_min;
        let mut currencies: Vec<Currency> = Vec::new();
        for site in self.config.sites() {
            if !currencies.contains(&site.currency) {
                currencies.push(site.currency);
            }
        }
        let groups = [HoldoutArm::Holdout, HoldoutArm::Personal].map(|arm| {
            let mut group = Group::default();
            let people = outcomes.people.iter().filter(|one| &*one.arm == arm.as_str());
            people.for_each(|person| group.push(person, &currencies));
            group.by_currency.resize_with(currencies.len(), Amounts::default);
            group
        });
        let n = groups.each_ref().map(|group| group.converted.n());
        let met: u64 = outcomes.met.values().sum();
        let met_held = outcomes.met.get(HoldoutArm::Holdout.as_str()).copied().unwrap_or(0);
        let named = |count: u64| (count >= people_min).then_some(count);
        let why = if settings.share <= 0.0 {
            Some("nobody is held out; set `holdout.share`, for example to 0.05".to_owned())
        } else if is_share_odd(met_held, met, (settings.share, ALPHA_SHARE)) {
            Some(format!(
                "the groups' sizes do not fit `holdout.share` {}: people are missing from one of them, so \
                 nothing is compared. Is part of the page answered without asking, or cached?",
                settings.share
            ))
        } else {
            None
        };
        let comparisons = match why {
            None => comparisons(&groups, &currencies, people_min),
            Some(_) => Vec::new(),
        };
        HoldoutReport {
            name: settings.name.clone(),
            share: settings.share,
            outcome_days: settings.outcome_days,
            made_at,
            since: outcomes.since,
            people: n.map(named),
            people_open: named(met - n.iter().sum::<u64>().min(met)),
            people_mixed: named(outcomes.n_mixed),
            why,
            comparisons,
        }
    }
}

fn comparisons(groups: &[Group; 2], currencies: &[Currency], people_min: u64) -> Vec<Comparison> {
    let alpha = ALPHA / (2 + 3 * currencies.len()) as f64;
    let [held, shown] = groups;
    let means = |metric, currency, held: &Moments, shown: &Moments| {
        let parts = (compare(held, shown, alpha), [held.mean(), shown.mean()]);
        let active = [held.n_nonzero(), shown.n_nonzero()];
        comparison((metric, currency), parts, (active, people_min))
    };
    let mut all = vec![
        means(Metric::Conversion, None, &held.converted, &shown.converted),
        means(Metric::OrdersPerPerson, None, &held.orders, &shown.orders),
    ];
    for (idx, currency) in currencies.iter().enumerate() {
        let (a, b) = (&held.by_currency[idx], &shown.by_currency[idx]);
        let currency = Some(*currency);
        all.push(means(Metric::RevenuePerPerson, currency, &a.revenue, &b.revenue));
        let active = [a.revenue.n_nonzero(), b.revenue.n_nonzero()];
        let ratios = [a.order_value.ratio(), b.order_value.ratio()];
        let parts = (compare_ratios(&a.order_value, &b.order_value, alpha), ratios);
        all.push(comparison((Metric::OrderValue, currency), parts, (active, people_min)));
        all.push(means(Metric::MarginPerPerson, currency, &a.margin, &b.margin));
    }
    all
}

fn comparison(
    (metric, currency): (Metric, Option<Currency>),
    (found, [held, shown]): (Result<Interval, Thin>, [f64; 2]),
    (active, people_min): ([u64; 2], u64),
) -> Comparison {
    let is_many = active.map(|people| people >= people_min);
    let found = found.map_err(|thin| match thin {
        // How many there are is no secret once they are many.
        Thin::People { have, need } | Thin::Active { have, need } if have < people_min => {
            let what = if matches!(thin, Thin::People { .. }) { "people" } else { "buyers" };
            format!("fewer than {people_min} {what} in the smaller group; {need} are needed")
        }
        thin => thin.to_string(),
    });
    let found = match found {
        Ok(_) if is_many != [true; 2] => Err(format!("fewer than {people_min} buyers in a group")),
        found => found,
    };
    let verdict = match &found {
        Ok(interval) if interval.low > 0.0 => Verdict::Higher,
        Ok(interval) if interval.high < 0.0 => Verdict::Lower,
        Ok(_) => Verdict::Unclear,
        Err(_) => Verdict::Refused,
    };
    Comparison {
        metric,
        currency,
        holdout: is_many[0].then_some(held),
        personal: is_many[1].then_some(shown),
        interval: found.as_ref().ok().map(|one| (one.difference, one.low, one.high)),
        verdict,
        why: found.err(),
    }
}
