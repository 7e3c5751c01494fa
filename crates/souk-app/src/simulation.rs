//! "What if we had ordered like this?": policies replayed on the demand of the past, with stock, service and
//! money side by side.
//!
//! Each policy sees only what was known on the day. Demand that is not in stock is lost; orders arrive after the
//! lead time; the position is looked at every review period. Each policy begins with its own level in stock.

use std::collections::VecDeque;
use std::sync::Arc;

use souk_core::{Day, LocationId, SiteId};
use souk_math::normal;

use crate::demand::{DemandSeries, SeriesKey};
use crate::forecasts::{Outlook, outlooks};
use crate::models::at_leisure;
use crate::{App, AppError, Caller, Operation};

#[cfg(test)]
mod tests;

/// Days between two fits of a forecast: in service it is fitted every day, which costs a replay too much.
const REFIT_DAYS: usize = 14;
/// Days of history before the first day of a replay.
const BEFORE_MIN: usize = 56;
/// The smoothing of the rival: what its textbooks begin with.
const ALPHA: f64 = 0.2;
/// Days of sales that the rule of thumb keeps.
const COVER_DAYS: f64 = 14.0;
/// Products of a replay at most.
pub const SIMULATED_MAX: usize = 5_000;

/// What to replay.
#[derive(Clone, Debug, PartialEq)]
pub struct SimulationRequest {
    /// Whose.
    pub site: SiteId,
    /// Where.
    pub location: LocationId,
    /// The last so many days.
    pub days: usize,
    /// The products that sell most, at most so many.
    pub products: usize,
    /// Chances to suffice that are tried.
    pub services: Vec<f64>,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq)]
pub struct SimulationReport {
    /// The first and the last day.
    pub days: (Day, Day),
    /// Products that were replayed.
    pub n_products: usize,
    /// Products without enough history.
    pub n_skipped: usize,
    /// Days of lead time and between two orders.
    pub times: (f64, f64),
    /// A row for each policy and chance.
    pub rows: Vec<PolicyRow>,
    /// How much less stock Souk's policy holds than exponential smoothing at the same fill rate, for each chance
    /// at which the rival's rows reach that far; a share.
    pub saved: Vec<(f64, f64)>,
}

/// A policy at one chance.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PolicyRow {
    /// `forecast`, `ses_normal` or `two_weeks`.
    pub policy: &'static str,
    /// The chance to suffice that it was told to aim at; 0 where it knows none.
    pub service: f64,
    /// Units that were wanted.
    pub wanted: f64,
    /// The share of them that was sold.
    pub fill_rate: f64,
    /// The share of cycles without a stock-out.
    pub cycle_service: f64,
    /// Units in stock at the end of a day, on average over days, of all products together.
    pub stock: f64,
    /// What that stock cost to buy, in minor units, where costs are known.
    pub stock_value: f64,
    /// Units that were not sold.
    pub lost: f64,
    /// What they would have brought, in minor units.
    pub lost_value: f64,
    /// Orders that were placed.
    pub orders: u64,
}

/// A product's past and worth.
struct Product {
    series: DemandSeries,
    wanted: Vec<f64>,
    is_count: bool,
    cost: f64,
    price: f64,
}

/// A policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Policy {
    Forecast,
    SesNormal,
    TwoWeeks,
}

impl Policy {
    fn name(self) -> &'static str {
        match self {
            Policy::Forecast => "forecast",
            Policy::SesNormal => "ses_normal",
            Policy::TwoWeeks => "two_weeks",
        }
    }
}

impl App {
    /// Replays policies on the last days of a place.
    ///
    /// # Errors
    ///
    /// [`AppError::Denied`] without the role, [`AppError::Invalid`] for numbers out of range,
    /// [`AppError::NotReady`] when no product has enough history.
    pub async fn simulate_stock(
        self: &Arc<App>,
        request: SimulationRequest,
        caller: &Caller,
    ) -> Result<SimulationReport, AppError> {
        caller.check(Operation::ReadPlanning)?;
        self.check_ready()?;
        let places = caller
            .check_site(&request.site)
            .and_then(|()| caller.check_location(Some(&request.location)));
        self.noted(caller, places)?;
        check(&request)?;
        let (products, n_skipped) = self.replayed(&request)?;
        if products.is_empty() {
            return Err(AppError::NotReady(format!(
                "no product at `{}` has {} days of sales; replay fewer days",
                request.location,
                request.days + BEFORE_MIN
            )));
        }
        let settings = &self.config.inventory;
        let times = (settings.lead_time_days as f64, settings.review_days as f64);
        at_leisure(move || replay(&products, (&request, n_skipped), times)).await
    }

    fn replayed(&self, request: &SimulationRequest) -> Result<(Vec<Product>, usize), AppError> {
        let number = self.views.read().catalogue.location_number(&request.location);
        let number = number.ok_or_else(|| AppError::NotFound {
            what: "location",
            id: request.location.to_string(),
        })?;
        let mut items = Vec::new();
        self.each_sold(&request.site, |views, item, _| {
            if views.sales.is_sold_at(item, number) {
                items.push(item);
            }
        });
        let (mut products, mut n_skipped) = (Vec::new(), 0);
        for item in items {
            let key = SeriesKey { item, location: Some(number) };
            let Some(series) = self.read_series(key, &request.site) else { continue };
            if series.len() < request.days + BEFORE_MIN {
                n_skipped += 1;
                continue;
            }
            let (wanted, _) = series.wanted();
            let is_count = series.sold.iter().all(|units| units.fract() == 0.0);
            let product = self.views.read().catalogue.product(item).map(Arc::clone);
            let minor =
                |money: Option<souk_core::Money>| money.map_or(0.0, |one| one.minor() as f64);
            let (cost, price) =
                product.map_or((0.0, 0.0), |one| (minor(one.cost), minor(one.price)));
            let cost = if cost > 0.0 { cost } else { price };
            products.push(Product { series, wanted, is_count, cost, price });
        }
        let sold = |product: &Product| product.series.sold.iter().sum::<f64>();
        products.sort_by(|a, b| sold(b).total_cmp(&sold(a)));
        products.truncate(request.products);
        Ok((products, n_skipped))
    }
}

fn check(request: &SimulationRequest) -> Result<(), AppError> {
    let refuse =
        |pointer: &str, detail: String| Err(AppError::invalid("invalid_input", pointer, detail));
    if !(14..=730).contains(&request.days) {
        return refuse("days", format!("{} days must lie between 14 and 730", request.days));
    }
    if !(1..=SIMULATED_MAX).contains(&request.products) {
        let detail =
            format!("{} products must lie between 1 and {SIMULATED_MAX}", request.products);
        return refuse("products", detail);
    }
    let bad = request.services.iter().find(|share| !(0.5..=0.9999).contains(*share));
    match bad {
        Some(share) => refuse("services", format!("{share} must lie between 0.5 and 0.9999")),
        None if request.services.is_empty() => refuse("services", "name at least one".to_owned()),
        None => Ok(()),
    }
}

fn replay(
    products: &[Product],
    (request, n_skipped): (&SimulationRequest, usize),
    times: (f64, f64),
) -> SimulationReport {
    let fitted = fits(products, request.days);
    let mut rows = Vec::new();
    for service in &request.services {
        for policy in [Policy::Forecast, Policy::SesNormal] {
            rows.push(row(products, &fitted, (policy, *service), (request.days, times)));
        }
    }
    rows.push(row(products, &fitted, (Policy::TwoWeeks, 0.0), (request.days, times)));
    let last = products[0].series.last();
    let first = Day::from_number(last.number() - request.days as i32 + 1);
    SimulationReport {
        days: (first, last),
        n_products: products.len(),
        n_skipped,
        times,
        saved: saved(&rows),
        rows,
    }
}

/// Outlooks of every product at every refit, made with what was known then.
fn fits(products: &[Product], days: usize) -> Vec<Vec<Outlook>> {
    let mut fitted: Vec<Vec<Outlook>> = (0..products.len()).map(|_| Vec::new()).collect();
    for done in (0..days).step_by(REFIT_DAYS) {
        let known: Vec<DemandSeries> = products
            .iter()
            .map(|product| product.series.until(product.series.len() - days + done))
            .collect();
        for (chunk_idx, chunk) in known.chunks(64).enumerate() {
            let chunk: Vec<&DemandSeries> = chunk.iter().collect();
            for (idx, outlook) in
                outlooks(&chunk, crate::forecasts::OUTLOOK_DAYS).into_iter().enumerate()
            {
                fitted[chunk_idx * 64 + idx].push(outlook);
            }
        }
    }
    fitted
}

fn row(
    products: &[Product],
    fitted: &[Vec<Outlook>],
    (policy, service): (Policy, f64),
    (days, times): (usize, (f64, f64)),
) -> PolicyRow {
    let mut row = PolicyRow { policy: policy.name(), service, ..PolicyRow::default() };
    let (mut n_cycles, mut n_good) = (0u64, 0u64);
    for (product, outlooks) in products.iter().zip(fitted) {
        let level = |done: usize| level(product, outlooks, (policy, service), (done, days, times));
        let ran = run(product, level, (days, times));
        row.wanted += ran.wanted;
        row.lost += ran.lost;
        row.lost_value += ran.lost * product.price;
        row.stock += ran.stock;
        row.stock_value += ran.stock * product.cost;
        row.orders += ran.orders;
        n_cycles += ran.cycles;
        n_good += ran.good_cycles;
    }
    row.fill_rate = if row.wanted > 0.0 { 1.0 - row.lost / row.wanted } else { 1.0 };
    row.cycle_service = n_good as f64 / n_cycles.max(1) as f64;
    row
}

/// The level to order up to after so many days of the replay.
fn level(
    product: &Product,
    outlooks: &[Outlook],
    (policy, service): (Policy, f64),
    (done, days, (lead, review)): (usize, usize, (f64, f64)),
) -> f64 {
    let before = product.wanted.len() - days + done;
    let known = &product.wanted[..before];
    let protection = lead + review;
    let level = match policy {
        Policy::Forecast => {
            let today = Day::from_number(product.series.first.number() + before as i32);
            outlooks[done / REFIT_DAYS].over(today, protection).quantile(service)
        }
        Policy::SesNormal => {
            let (mut smoothed, mut squares, mut n) = (known[0], 0.0, 0.0);
            for value in &known[1..] {
                squares += (value - smoothed).powi(2);
                n += 1.0;
                smoothed += ALPHA * (value - smoothed);
            }
            let deviation = (squares / f64::max(n, 1.0)).sqrt();
            smoothed * protection + normal::quantile(service) * deviation * protection.sqrt()
        }
        Policy::TwoWeeks => {
            let recent = &known[known.len().saturating_sub(28)..];
            souk_math::mean(recent) * (COVER_DAYS + lead)
        }
    };
    if product.is_count { level.max(0.0).ceil() } else { level.max(0.0) }
}

#[derive(Default)]
struct Ran {
    wanted: f64,
    lost: f64,
    /// Mean of the stock at the end of a day.
    stock: f64,
    orders: u64,
    cycles: u64,
    good_cycles: u64,
}

/// One product through the days.
fn run(
    product: &Product,
    level: impl Fn(usize) -> f64,
    (days, (lead, review)): (usize, (f64, f64)),
) -> Ran {
    let (lead, review) = (lead.ceil() as usize, (review as usize).max(1));
    let start = product.wanted.len() - days;
    let mut on_hand = level(0);
    let mut coming: VecDeque<(usize, f64)> = VecDeque::new();
    let mut ran = Ran::default();
    let mut is_good = true;
    for day in 0..days {
        while coming.front().is_some_and(|(at, _)| *at <= day) {
            on_hand += coming.pop_front().map_or(0.0, |(_, units)| units);
        }
        if day % review == 0 {
            if day > 0 {
                ran.cycles += 1;
                ran.good_cycles += u64::from(is_good);
                is_good = true;
            }
            let position = on_hand + coming.iter().map(|(_, units)| units).sum::<f64>();
            let need = level(day) - position;
            if need > 1e-9 {
                coming.push_back((day + lead, need));
                ran.orders += 1;
            }
        }
        let wanted = match product.is_count {
            true => product.wanted[start + day].round(),
            false => product.wanted[start + day],
        };
        let sold = wanted.min(on_hand);
        on_hand -= sold;
        ran.wanted += wanted;
        ran.lost += wanted - sold;
        is_good &= sold >= wanted;
        ran.stock += on_hand / days as f64;
    }
    ran
}

/// At each of the forecast's fill rates, how much less stock it holds than the rival would, between whose rows
/// a straight line is drawn.
fn saved(rows: &[PolicyRow]) -> Vec<(f64, f64)> {
    let mut rival: Vec<(f64, f64)> = rows
        .iter()
        .filter(|row| row.policy == Policy::SesNormal.name())
        .map(|row| (row.fill_rate, row.stock))
        .collect();
    rival.sort_by(|a, b| a.0.total_cmp(&b.0));
    let ours = rows.iter().filter(|row| row.policy == Policy::Forecast.name());
    let found = ours.filter_map(|row| {
        let pair = rival
            .windows(2)
            .find(|pair| pair[0].0 <= row.fill_rate && row.fill_rate <= pair[1].0)?;
        let ((low, low_stock), (high, high_stock)) = (pair[0], pair[1]);
        let share = if high > low { (row.fill_rate - low) / (high - low) } else { 0.0 };
        let stock = low_stock + share * (high_stock - low_stock);
        (stock > 0.0).then(|| (row.service, 1.0 - row.stock / stock))
    });
    found.collect()
}
