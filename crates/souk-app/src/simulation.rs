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
use crate::demand::{
    DemandSeries, SeriesKey, Share, Stock, Stretch, TotalDemand, chances_to_serve,
};
use crate::forecasts::{OUTLOOK_DAYS, Outlook, Teachers, outlooks};
use crate::threads::{all_threads, aside, at_leisure};
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
    /// The last of them; `None` is the last day of which sales are known.
    pub until: Option<Day>,
    /// The products that sold most before those days, at most so many.
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
        let (app, days) = (Arc::clone(self), how.days);
        let read = move || -> Result<_, AppError> {
            let (products, n_skipped) = app.replayed(&request)?;
            let Some(first) = products.first() else {
                return Err(AppError::NotReady(format!(
                    "no product at `{}` has {} days of sales; replay fewer days",
                    request.location,
                    request.replay.days + BEFORE_MIN
                )));
            };
            let before = Day::from_number(first.series.last().number() - days as i32);
            let teachers = app.teachers(&request.site, before);
            Ok((products, teachers, n_skipped))
        };
        let (products, teachers, n_skipped) = aside("reading what is replayed", read).await??;
        at_leisure(move || replay(&products, &teachers, &how, n_skipped)).await
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
            let Some(series) = request.replay.known(series) else { continue };
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
        keep_best_sold(&mut products, &request.replay);
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

/// Those that sold most before the replay: what sells most in it was not known.
fn keep_best_sold(products: &mut Vec<Product>, how: &Replay) {
    let sold = |product: &Product| {
        let sold = &product.series.sold;
        sold[..sold.len() - how.days].iter().sum::<f64>()
    };
    products.sort_by(|a, b| sold(b).total_cmp(&sold(a)));
    products.truncate(how.products);
}

/// A replay whose numbers are in range.
struct Checked {
    days: usize,
    services: Vec<f64>,
    /// The share of each product's own demand that it is to serve at least.
    of_each: f64,
    /// Days of lead time, and between two orders.
    times: (f64, f64),
}

impl Checked {
    fn review_days(&self) -> usize {
        (self.times.1 as usize).max(1)
    }

    fn share(&self, of_all: f64) -> Share {
        Share { of_all, of_each: self.of_each.min(of_all) }
    }
}

impl Replay {
    /// A series up to the last day of the replay; `None` where it begins after that.
    fn known(&self, series: DemandSeries) -> Option<DemandSeries> {
        let Some(until) = self.until else { return Some(series) };
        let n = usize::try_from(until.number() - series.first.number() + 1).ok()?;
        (n > 0).then(|| if n < series.len() { series.until(n) } else { series })
    }

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
        let (services, of_each) = (self.services.clone(), settings.product_fill_rate_min);
        Ok(Checked { days, services, of_each, times })
    }
}

fn replay(
    products: &[Product],
    teachers: &Teachers,
    how: &Checked,
    n_skipped: usize,
) -> SimulationReport {
    let fitted = fits(products, teachers, how.days);
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
fn fits(products: &[Product], teachers: &Teachers, days: usize) -> Vec<Vec<Outlook>> {
    let mut fitted: Vec<Vec<Outlook>> = (0..products.len()).map(|_| Vec::new()).collect();
    for done in (0..days).step_by(REFIT_DAYS) {
        let last = products[0].series.last().number() - days as i32 + done as i32;
        let taught = teachers.teach(Day::from_number(last));
        let known = |product: &Product| {
            let known = product.series.until(product.series.len() - days + done);
            DemandSeries { taught: taught.clone(), ..known }
        };
        let known: Vec<DemandSeries> = products.iter().map(known).collect();
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

/// A policy at one aim through the days of all products.
fn row(
    products: &[Product],
    fitted: &[Vec<Outlook>],
    (policy, service): (Policy, f64),
    how: &Checked,
) -> PolicyRow {
    let mut row = PolicyRow { policy: policy.name(), service, ..PolicyRow::default() };
    let (mut n_cycles, mut n_good) = (0u64, 0u64);
    let aim = Aim { products, fitted, policy, service, how };
    let ran = run(products, how, |day, shelves| aim.orders(day, shelves));
    for (product, ran) in products.iter().zip(ran) {
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

/// What a policy aims at, and all that it may know.
struct Aim<'a> {
    products: &'a [Product],
    fitted: &'a [Vec<Outlook>],
    policy: Policy,
    service: f64,
    how: &'a Checked,
}

impl Aim<'_> {
    /// Units to order of each product after so many days of the replay; on `None` everything is sold out, and comes at once.
    fn orders(&self, done: usize, shelves: Option<&[Shelf]>) -> Vec<f64> {
        let n = self.products.len();
        let position = |idx: usize| shelves.map_or(0.0, |shelves| shelves[idx].position());
        if matches!(self.policy, Policy::SesNormal | Policy::TwoWeeks) {
            let need = |idx: usize| self.level(idx, done) - position(idx);
            return (0..n).map(need).collect();
        }
        let stretch = |idx: usize| {
            let over = |days: f64| self.over(idx, (done, days));
            Stretch::keeping(over(self.how.times.0), over(self.how.times.0 + self.how.times.1))
        };
        let stretches: Vec<Stretch> = (0..n).map(stretch).collect();
        let asked =
            |idx: usize, chance: f64| stretches[idx].until_next.quantile(chance) - position(idx);
        if self.policy == Policy::Forecast {
            return (0..n).map(|idx| asked(idx, self.service)).collect();
        }
        let aimed = chances_to_serve(&stretches, self.how.share(self.service));
        let spared = |idx: usize, chance: f64| {
            let shelves = shelves?;
            let held = shelves[idx].until(done, self.how.times.0);
            let stock = Stock { held, later: position(idx) - held };
            Some(stretches[idx].spared(chance, stock, self.how.of_each))
        };
        let need = |idx: usize| {
            let chance = aimed[idx].chance;
            // At first everything comes at once.
            asked(idx, chance) - spared(idx, chance).unwrap_or_default()
        };
        (0..n).map(need).collect()
    }

    /// What is expected of so many days from a day of the replay on.
    fn over(&self, idx: usize, (done, days): (usize, f64)) -> TotalDemand {
        let product = &self.products[idx];
        let before = product.wanted.len() - self.how.days + done;
        let today = Day::from_number(product.series.first.number() + before as i32);
        self.fitted[idx][done / REFIT_DAYS].over(today, days)
    }

    /// The level to order up to of a policy without forecasts.
    fn level(&self, idx: usize, done: usize) -> f64 {
        let product = &self.products[idx];
        let known = &product.wanted[..product.wanted.len() - self.how.days + done];
        let (lead, review) = self.how.times;
        let level = if self.policy == Policy::SesNormal {
            let (mut smoothed, mut squares, mut n) = (known[0], 0.0, 0.0);
            for value in &known[1..] {
                squares += (value - smoothed).powi(2);
                n += 1.0;
                smoothed += ALPHA * (value - smoothed);
            }
            let deviation = (squares / f64::max(n, 1.0)).sqrt();
            let protection: f64 = lead + review;
            smoothed * protection + normal::quantile(self.service) * deviation * protection.sqrt()
        } else {
            let recent = &known[known.len().saturating_sub(28)..];
            souk_math::mean(recent) * (COVER_DAYS + lead)
        };
        if product.is_count { level.max(0.0).ceil() } else { level.max(0.0) }
    }
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

/// One product's stock on a day of the replay.
#[derive(Default)]
struct Shelf {
    on_hand: f64,
    /// Days on which something comes, and how much.
    coming: VecDeque<(usize, f64)>,
    ran: Ran,
    /// Whether everything was served since the last look.
    is_good: bool,
}

impl Shelf {
    fn position(&self) -> f64 {
        self.on_hand + self.coming.iter().map(|(_, units)| units).sum::<f64>()
    }

    /// Units that are there or come before so many days are over.
    fn until(&self, day: usize, days: f64) -> f64 {
        let coming = self.coming.iter().filter(|(at, _)| ((at - day) as f64) < days);
        self.on_hand + coming.map(|(_, units)| units).sum::<f64>()
    }

    fn receive(&mut self, day: usize) {
        while self.coming.front().is_some_and(|(at, _)| *at <= day) {
            self.on_hand += self.coming.pop_front().map_or(0.0, |(_, units)| units);
        }
    }

    /// What was there at the first look is nobody's order.
    fn look(&mut self, day: usize) {
        if day > 0 {
            self.ran.cycles += 1;
            self.ran.good_cycles += u64::from(self.is_good);
        }
        self.is_good = true;
    }

    fn order(&mut self, comes: usize, units: f64) {
        if units > 1e-9 {
            self.coming.push_back((comes, units));
            self.ran.orders += 1;
        }
    }

    fn sell(&mut self, wanted: f64, days: usize) {
        let sold = wanted.min(self.on_hand);
        self.on_hand -= sold;
        self.ran.wanted += wanted;
        self.ran.lost += wanted - sold;
        self.is_good &= sold >= wanted;
        self.ran.stock += self.on_hand / days as f64;
    }
}

/// Products through the days. `orders` tells how much to order of each after so many days; without shelves, what is there at first.
fn run(
    products: &[Product],
    how: &Checked,
    orders: impl Fn(usize, Option<&[Shelf]>) -> Vec<f64>,
) -> Vec<Ran> {
    let lead = how.times.0.ceil() as usize;
    let first = orders(0, None).into_iter();
    let mut shelves: Vec<Shelf> =
        first.map(|units| Shelf { on_hand: units.max(0.0), ..Shelf::default() }).collect();
    for day in 0..how.days {
        shelves.iter_mut().for_each(|shelf| shelf.receive(day));
        if day % how.review_days() == 0 {
            shelves.iter_mut().for_each(|shelf| shelf.look(day));
            let units = orders(day, Some(&shelves));
            let pairs = shelves.iter_mut().zip(units);
            pairs.for_each(|(shelf, units)| shelf.order(day + lead, units));
        }
        for (shelf, product) in shelves.iter_mut().zip(products) {
            let wanted = product.wanted[product.wanted.len() - how.days + day];
            shelf.sell(if product.is_count { wanted.round() } else { wanted }, how.days);
        }
    }
    shelves.into_iter().map(|shelf| shelf.ran).collect()
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
