//! "What if we had ordered like this?": policies replayed on the demand of the past, with stock, service and
//! money side by side.
//!
//! Each policy sees only what was known on the day. Demand that is not in stock is lost; orders arrive after the
//! lead time; the position is looked at every review period. Each policy begins with its own level in stock.

use std::collections::VecDeque;
use std::sync::Arc;

use souk_core::{Day, LocationId, SiteId};
use souk_math::normal;

use crate::config::InventorySettings;
use crate::demand::{DemandSeries, SeriesKey, Stretch, common_chance};
use crate::forecasts::{OUTLOOK_DAYS, Outlook, all_threads, outlooks};
use crate::models::at_leisure;
use crate::{App, AppError, Caller, Operation};

mod file;
#[cfg(test)]
mod tests;

pub use file::simulate_file;

/// Days between two fits of a forecast: in service it is fitted every day, which costs a replay too much.
const REFIT_DAYS: usize = 14;
/// Days of history before the first day of a replay.
const BEFORE_MIN: usize = 56;
/// The smoothing of the rival: what its textbooks begin with.
const ALPHA: f64 = 0.2;
/// Chances between which the rival's stock at a fill rate is read off.
const RIVAL_CHANCES: [f64; 13] =
    [0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.93, 0.95, 0.97, 0.98, 0.99, 0.995, 0.999];
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
    /// Which of its products.
    pub assortment: Assortment,
    /// How.
    pub replay: Replay,
}

/// Products of a replay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Assortment {
    /// All that were sold.
    #[default]
    Sold,
    /// Those of them that a page can offer: neither fuel at a pump nor what the shop has given up.
    Offered,
}

/// How to replay.
#[derive(Clone, Debug, PartialEq)]
pub struct Replay {
    /// The last so many days.
    pub days: usize,
    /// The products that sell most, at most so many.
    pub products: usize,
    /// Aims that are tried: chances to suffice, and shares to serve.
    pub services: Vec<f64>,
    /// Days until an order is there; `None` is as the settings say.
    pub lead_time_days: Option<u64>,
    /// Days between two orders; `None` is as the settings say.
    pub review_days: Option<u64>,
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
    /// Units that were wanted on a day of the eight weeks before, and on a day of the replay: what no policy could know.
    pub daily: (f64, f64),
    /// A row for each policy and chance.
    pub rows: Vec<PolicyRow>,
    /// For each row of Souk's policies whose fill rate the rival reaches at some chance.
    pub saved: Vec<Saved>,
}

/// How much less stock than exponential smoothing a row holds at the same fill rate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Saved {
    /// The row's policy.
    pub policy: &'static str,
    /// The row's aim.
    pub service: f64,
    /// A share; below 0 where it holds more.
    pub share: f64,
}

/// A policy at one aim.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PolicyRow {
    /// `forecast`, `forecast_fill`, `ses_normal` or `two_weeks`.
    pub policy: &'static str,
    /// What it was told to aim at: the share to serve for `forecast_fill`, else the chance to suffice; 0 where it
    /// knows none.
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
    /// With one chance for all products, by which they serve a share together.
    ForecastFill,
    SesNormal,
    TwoWeeks,
}

impl Policy {
    fn name(self) -> &'static str {
        match self {
            Policy::Forecast => "forecast",
            Policy::ForecastFill => "forecast_fill",
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
        let how = request.replay.checked(&self.config.inventory)?;
        let (products, n_skipped) = self.replayed(&request)?;
        if products.is_empty() {
            return Err(AppError::NotReady(format!(
                "no product at `{}` has {} days of sales; replay fewer days",
                request.location,
                request.replay.days + BEFORE_MIN
            )));
        }
        at_leisure(move || replay(&products, &how, n_skipped)).await
    }

    fn replayed(&self, request: &SimulationRequest) -> Result<(Vec<Product>, usize), AppError> {
        let number = self.views.read().catalogue.location_number(&request.location);
        let number = number.ok_or_else(|| AppError::NotFound {
            what: "location",
            id: request.location.to_string(),
        })?;
        let mut items = Vec::new();
        self.each_sold(&request.site, |views, item, product| {
            let is_wanted = match request.assortment {
                Assortment::Sold => true,
                Assortment::Offered => product.availability.is_sellable(),
            };
            if is_wanted && views.sales.is_sold_at(item, number) {
                items.push(item);
            }
        });
        let (mut products, mut n_skipped) = (Vec::new(), 0);
        for item in items {
            let key = SeriesKey { item, location: Some(number) };
            let Some(series) = self.read_series(key, &request.site) else { continue };
            if series.len() < request.replay.days + BEFORE_MIN {
                n_skipped += 1;
                continue;
            }
            let product = self.views.read().catalogue.product(item).map(Arc::clone);
            let minor =
                |money: Option<souk_core::Money>| money.map_or(0.0, |one| one.minor() as f64);
            let (cost, price) =
                product.map_or((0.0, 0.0), |one| (minor(one.cost), minor(one.price)));
            let cost = if cost > 0.0 { cost } else { price };
            products.push(Product::new(series, (cost, price)));
        }
        keep_best_sold(&mut products, request.replay.products);
        Ok((products, n_skipped))
    }
}

impl Product {
    fn new(series: DemandSeries, (cost, price): (f64, f64)) -> Product {
        let (mut wanted, _) = series.wanted();
        // On a closed day nobody came.
        let closed = (0..series.len()).filter(|idx| series.is_closed(*idx));
        closed.for_each(|idx| wanted[idx] = series.sold[idx]);
        let is_count = series.sold.iter().all(|units| units.fract() == 0.0);
        Product { series, wanted, is_count, cost, price }
    }
}

fn keep_best_sold(products: &mut Vec<Product>, n_max: usize) {
    let sold = |product: &Product| product.series.sold.iter().sum::<f64>();
    products.sort_by(|a, b| sold(b).total_cmp(&sold(a)));
    products.truncate(n_max);
}

/// A replay whose numbers are in range.
struct Checked {
    days: usize,
    services: Vec<f64>,
    /// Days of lead time, and between two orders.
    times: (f64, f64),
}

impl Checked {
    fn review_days(&self) -> usize {
        (self.times.1 as usize).max(1)
    }
}

impl Replay {
    fn checked(&self, settings: &InventorySettings) -> Result<Checked, AppError> {
        let refuse = |pointer: &str, detail: String| {
            Err(AppError::invalid("invalid_input", pointer, detail))
        };
        let days = self.days;
        if !(14..=730).contains(&days) {
            return refuse("days", format!("{days} days must lie between 14 and 730"));
        }
        if !(1..=SIMULATED_MAX).contains(&self.products) {
            let detail =
                format!("{} products must lie between 1 and {SIMULATED_MAX}", self.products);
            return refuse("products", detail);
        }
        if let Some(share) = self.services.iter().find(|share| !(0.5..=0.9999).contains(*share)) {
            return refuse("services", format!("{share} must lie between 0.5 and 0.9999"));
        }
        if self.services.is_empty() {
            return refuse("services", "name at least one".to_owned());
        }
        let lead = self.lead_time_days.unwrap_or(settings.lead_time_days);
        if lead > 365 {
            return refuse("lead_time_days", format!("{lead} days must lie between 0 and 365"));
        }
        let review = self.review_days.unwrap_or(settings.review_days);
        if !(1..=90).contains(&review) {
            return refuse("review_days", format!("{review} days must lie between 1 and 90"));
        }
        let times = (lead as f64, review as f64);
        Ok(Checked { days, services: self.services.clone(), times })
    }
}

fn replay(products: &[Product], how: &Checked, n_skipped: usize) -> SimulationReport {
    let fitted = fits(products, how.days);
    let mut rows = Vec::new();
    for service in &how.services {
        for policy in [Policy::Forecast, Policy::ForecastFill, Policy::SesNormal] {
            rows.push(row(products, &fitted, (policy, *service), how));
        }
    }
    rows.push(row(products, &fitted, (Policy::TwoWeeks, 0.0), how));
    let rival = |chance: &f64| row(products, &fitted, (Policy::SesNormal, *chance), how);
    let rival: Vec<PolicyRow> = RIVAL_CHANCES.iter().map(rival).collect();
    let last = products[0].series.last();
    let first = Day::from_number(last.number() - how.days as i32 + 1);
    let wanted = |from: usize, until: usize| {
        let of = |product: &Product| {
            let n = product.wanted.len();
            product.wanted[n - from..n - until].iter().sum::<f64>()
        };
        products.iter().map(of).sum::<f64>() / (from - until) as f64
    };
    SimulationReport {
        days: (first, last),
        daily: (wanted(how.days + BEFORE_MIN, how.days), wanted(how.days, 0)),
        n_products: products.len(),
        n_skipped,
        times: how.times,
        saved: saved(&rows, &rival),
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
            let made = outlooks(&chunk, OUTLOOK_DAYS, all_threads());
            for (idx, outlook) in made.into_iter().enumerate() {
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
    how: &Checked,
) -> PolicyRow {
    let mut row = PolicyRow { policy: policy.name(), service, ..PolicyRow::default() };
    let (mut n_cycles, mut n_good) = (0u64, 0u64);
    let chances: Vec<f64> = (0..how.days)
        .step_by(how.review_days())
        .map(|done| match policy {
            Policy::ForecastFill => {
                common_chance(&stretches(products, fitted, (done, how)), service)
            }
            Policy::Forecast | Policy::SesNormal | Policy::TwoWeeks => service,
        })
        .collect();
    for (product, outlooks) in products.iter().zip(fitted) {
        let level = |done: usize| {
            let chance = chances[done / how.review_days()];
            level(product, outlooks, (policy, chance), (done, how))
        };
        let ran = run(product, level, (how.days, how.times));
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

/// The day on which so many days of the replay are over.
fn day_of(product: &Product, (done, how): (usize, &Checked)) -> Day {
    let before = product.wanted.len() - how.days + done;
    Day::from_number(product.series.first.number() + before as i32)
}

/// What each product is expected to need after so many days of the replay.
fn stretches(
    products: &[Product],
    fitted: &[Vec<Outlook>],
    (done, how): (usize, &Checked),
) -> Vec<Stretch> {
    let (lead, review) = how.times;
    let of = |(product, outlooks): (&Product, &Vec<Outlook>)| {
        let (outlook, today) = (&outlooks[done / REFIT_DAYS], day_of(product, (done, how)));
        Stretch {
            until_this: outlook.over(today, lead),
            until_next: outlook.over(today, lead + review),
        }
    };
    products.iter().zip(fitted).map(of).collect()
}

/// The level to order up to after so many days of the replay.
fn level(
    product: &Product,
    outlooks: &[Outlook],
    (policy, chance): (Policy, f64),
    (done, how): (usize, &Checked),
) -> f64 {
    let known = &product.wanted[..product.wanted.len() - how.days + done];
    let (lead, review) = how.times;
    let protection = lead + review;
    let level = match policy {
        Policy::Forecast | Policy::ForecastFill => {
            let today = day_of(product, (done, how));
            outlooks[done / REFIT_DAYS].over(today, protection).quantile(chance)
        }
        Policy::SesNormal => {
            let (mut smoothed, mut squares, mut n) = (known[0], 0.0, 0.0);
            for value in &known[1..] {
                squares += (value - smoothed).powi(2);
                n += 1.0;
                smoothed += ALPHA * (value - smoothed);
            }
            let deviation = (squares / f64::max(n, 1.0)).sqrt();
            smoothed * protection + normal::quantile(chance) * deviation * protection.sqrt()
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

/// At each of the forecasts' fill rates, how much less stock they hold than the rival would, between whose rows
/// a straight line is drawn.
fn saved(rows: &[PolicyRow], rival: &[PolicyRow]) -> Vec<Saved> {
    let mut rival: Vec<(f64, f64)> = rival.iter().map(|row| (row.fill_rate, row.stock)).collect();
    rival.sort_by(|a, b| a.0.total_cmp(&b.0));
    let forecasts = [Policy::Forecast.name(), Policy::ForecastFill.name()];
    let ours = rows.iter().filter(|row| forecasts.contains(&row.policy));
    let found = ours.filter_map(|row| {
        let pair = rival
            .windows(2)
            .find(|pair| pair[0].0 <= row.fill_rate && row.fill_rate <= pair[1].0)?;
        let ((low, low_stock), (high, high_stock)) = (pair[0], pair[1]);
        let share = if high > low { (row.fill_rate - low) / (high - low) } else { 0.0 };
        let stock = low_stock + share * (high_stock - low_stock);
        let share = 1.0 - row.stock / stock;
        (stock > 0.0).then_some(Saved { policy: row.policy, service: row.service, share })
    });
    found.collect()
}
