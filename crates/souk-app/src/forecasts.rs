//! Demand ahead: what will be wanted of a product, day by day, how sure that is and why.
//!
//! A question is answered from the series of that moment. Beside it a job keeps an outlook for every product and
//! place, made anew for those whose series changed, because replenishment asks for all of them at once.

use std::cmp::Reverse;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use rustc_hash::FxHashSet;
use souk_core::{Day, LocationId, ProductId, SiteId};

use crate::demand::{DemandReader, DemandSeries, SeriesKey, TotalDemand};
use crate::threads::{aside, at_leisure};
use crate::{App, AppError, Caller, Operation};

mod ahead;
mod answer;
mod bulk;
mod factors;
mod going;
mod kept;
mod outlook;
mod outside;
mod overrides;
mod taught;
#[cfg(test)]
mod tests;

pub use answer::forecast_to_json;
pub use bulk::{KEPT_PAGE_MAX, KeptAsked, KeptDay, KeptForecast, KeptPage};

pub use overrides::{
    ForecastOverride, NewOverride, OverrideReport, OverrideWorth, WorthSum, overrides_to_json,
};

pub(crate) use ahead::Ahead;
pub(crate) use bulk::FIELDS as KEPT_FIELDS;
pub(crate) use kept::Forecasts;
pub(crate) use outlook::{LowerPrice, Misses, Outlook, Spread, outlooks};
pub(crate) use overrides::Overrides;
pub(crate) use taught::{Taught, Teachers};

use factors::in_pieces;
use outlook::closely;

/// Days that a forecast may reach.
pub const HORIZON_MAX: u32 = 730;
/// Levels of one question (chosen).
const LEVELS_MAX: usize = 10;
/// Outlooks that are kept (chosen: M5 has 30,490 series; each takes some 600 bytes); the most needed ones of more.
const OUTLOOKS_MAX: usize = 200_000;
/// Series of one round of the job: enough to calibrate intervals by, few enough to stop soon.
const ROUND: usize = 64;
/// How often the job looks whether a series changed.
const LOOK_PAUSE: Duration = Duration::from_secs(30);
/// How long it goes by one list of what is needed most.
const LIST_PAUSE: Duration = Duration::from_secs(60);
/// How long after a start it begins.
const BEGIN_DELAY: Duration = Duration::from_secs(20);
/// Days that an outlook reaches at least: the longest protection interval of most.
pub(crate) const OUTLOOK_DAYS: usize = 56;

/// What is asked.
#[derive(Clone, Debug, PartialEq)]
pub struct ForecastRequest {
    /// Whose product.
    pub site: SiteId,
    /// Which product.
    pub product: ProductId,
    /// At which place; all together when left out.
    pub location: Option<LocationId>,
    /// Days ahead.
    pub horizon_days: u32,
    /// Coverages of intervals, in 0..1.
    pub levels: Vec<f64>,
}

/// Demand ahead.
#[derive(Clone, Debug, PartialEq)]
pub struct ForecastAnswer {
    /// Which product.
    pub product: ProductId,
    /// At which place.
    pub location: Option<LocationId>,
    /// The first day of the forecast.
    pub from: Day,
    /// The levels that were asked for.
    pub levels: Vec<f64>,
    /// Day by day.
    pub daily: Vec<DayAhead>,
    /// The mean of all days together.
    pub total: f64,
    /// The highest level, and the interval of the total at it.
    pub total_interval: (f64, (f64, f64)),
    /// What moves demand, the strongest first.
    pub key_factors: Vec<KeyFactor>,
    /// What to do.
    pub recommendations: Vec<Advice>,
    /// What may go wrong.
    pub risks: Vec<Risk>,
    /// How much stock to hold.
    pub optimal: OptimalStock,
    /// The models that it rests on, with their weights.
    pub models: Vec<(String, f64)>,
    /// What was done to the history, and why anything else than usual.
    pub notes: Vec<String>,
    /// How good such forecasts were in the past; `None` where the history is too short to tell.
    pub backtest: Option<BacktestFigures>,
}

/// One day ahead.
#[derive(Clone, Debug, PartialEq)]
pub struct DayAhead {
    /// Which day.
    pub date: Day,
    /// Expected units.
    pub mean: f64,
    /// By level: from, to.
    pub intervals: Vec<(f64, f64)>,
}

/// Something that moves demand.
#[derive(Clone, Debug, PartialEq)]
pub struct KeyFactor {
    /// A stable slug.
    pub factor: &'static str,
    /// Units over the horizon.
    pub effect_units: f64,
    /// The figures in words.
    pub text: String,
}

/// Something to do.
#[derive(Clone, Debug, PartialEq)]
pub struct Advice {
    /// A stable slug.
    pub action: &'static str,
    /// How many units, where it is about some.
    pub quantity: Option<f64>,
    /// The figures in words.
    pub text: String,
}

/// Something that may go wrong.
#[derive(Clone, Debug, PartialEq)]
pub struct Risk {
    /// A stable slug.
    pub risk: &'static str,
    /// How likely it is.
    pub probability: f64,
    /// Units at stake, on average.
    pub effect_units: f64,
    /// The figures in words.
    pub text: String,
}

/// How much stock to hold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OptimalStock {
    /// Order when stock and orders are at this or below.
    pub reorder_point: f64,
    /// Order up to this.
    pub order_up_to: f64,
    /// What of the reorder point is for surprises.
    pub safety_stock: f64,
    /// Days until an order is there.
    pub lead_time_days: f64,
    /// Days until the next chance to order is there too.
    pub protection_days: f64,
    /// The chance to suffice that both are made for.
    pub service_level: f64,
}

/// How good forecasts were at earlier days. Each was fitted to what came before it; how much of it is the engine's was told
/// from the other looks back.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BacktestFigures {
    /// Mean absolute error over that of repeating the last week; `None` where nothing ever changed.
    pub mase: Option<f64>,
    /// Sum of absolute errors over sum of demand; `None` without demand.
    pub wape: Option<f64>,
    /// Sum of errors over sum of demand: above 0 where too much was expected.
    pub bias: Option<f64>,
    /// Days that were judged.
    pub days: usize,
}

impl App {
    /// Forecasts one product.
    ///
    /// # Errors
    ///
    /// [`AppError::Denied`] without the role or at a place of others, [`AppError::Invalid`] for a horizon or
    /// level out of range, [`AppError::NotFound`] for an unknown product or place.
    pub async fn forecast(
        self: &Arc<App>,
        request: ForecastRequest,
        caller: &Caller,
    ) -> Result<ForecastAnswer, AppError> {
        caller.check(Operation::ReadPlanning)?;
        self.check_ready()?;
        let places = caller
            .check_site(&request.site)
            .and_then(|()| caller.check_location(request.location.as_ref()));
        self.noted(caller, places)?;
        check(&request)?;
        let horizon = request.horizon_days as usize;
        let ids = (&request.site, &request.product);
        if request.location.is_some() {
            let app = Arc::clone(self);
            aside("work on forecasts", move || app.learn_levels()).await?;
        }
        // Stock is held over its own span, whatever horizon is asked for.
        let reach = horizon.max(self.outlook_days());
        let series = self.demand(ids, request.location.as_ref(), reach)?;
        let app = Arc::clone(self);
        let work = move || {
            let closely = closely(&series, (horizon, reach), &request.levels);
            factors::answer(&app, (request, series), closely)
        };
        // Some tens of milliseconds of arithmetic, which must not hold up others.
        aside("work on forecasts", work).await?
    }

    /// The outlook of a series, the kept one where nothing changed since.
    pub(crate) fn read_series(&self, key: SeriesKey, site: &SiteId) -> Option<DemandSeries> {
        if key.is_untold() {
            return None;
        }
        let views = self.views.read();
        let id = key.location.map(|number| views.catalogue.location(number));
        let location = id.and_then(|id| LocationId::new(id).ok());
        let clock = self.place_clock(site, location.as_ref());
        let horizon = self.outlook_days();
        let reader = DemandReader { views: &views, clock, now: self.clock.now(), horizon };
        let mut series = reader.series(key)?;
        drop(views);
        series.taught = key.location.and_then(|_| self.taught(site));
        self.signals.attach(&mut series, (site, location.as_ref()), horizon);
        Some(series)
    }

    /// Days that outlooks reach.
    pub(crate) fn outlook_days(&self) -> usize {
        let asked = self.config.inventory.forecasting_horizon.unwrap_or(0);
        usize::try_from(asked).unwrap_or(0).max(OUTLOOK_DAYS)
    }

    /// How many outlooks are kept, for metrics.
    pub fn kept_forecasts(&self) -> usize {
        self.forecasts.len()
    }

    /// Makes the outlooks of series that changed; answers how many there were.
    ///
    /// # Errors
    ///
    /// As a thread that cannot be begun.
    pub(crate) async fn refresh_outlooks(self: &Arc<App>) -> Result<usize, AppError> {
        let app = Arc::clone(self);
        let begin = move || {
            app.take_up_outlooks();
            app.learn_levels();
        };
        aside("work on forecasts", begin).await?;
        let mut n_made = 0;
        let mut looked = FxHashSet::default();
        loop {
            let app = Arc::clone(self);
            let list = move || (app.series_keys(OUTLOOKS_MAX, &looked), looked);
            let ((keys, n_left), so_far) = aside("work on forecasts", list).await?;
            looked = so_far;
            if n_left > 0 && looked.is_empty() {
                self.forecasts.keep_only(&keys);
                tracing::info!(
                    n_left,
                    "series beyond the first are not forecast ahead: those that sold longest ago"
                );
            }
            let listed = Instant::now();
            let mut rounds = keys.chunks(ROUND);
            loop {
                let Some(some) = rounds.next() else { return Ok(n_made) };
                looked.extend(some.iter().map(|(key, _)| *key));
                let (app, some) = (Arc::clone(self), some.to_vec());
                let changed = aside("work on forecasts", move || app.changed_series(&some)).await?;
                let app = Arc::clone(self);
                n_made += at_leisure(move || app.make_outlooks(&changed, 1)).await?;
                self.save_outlooks_now_and_then().await;
                // Meanwhile stock or offers may have come, which are needed before the rest.
                if listed.elapsed() > LIST_PAUSE {
                    break;
                }
            }
        }
    }

    /// Makes the outlooks of those of these series that changed, on so many threads.
    pub(crate) fn refresh_some(&self, keys: &[(SeriesKey, SiteId)], threads: usize) -> usize {
        self.take_up_outlooks();
        let mut changed = self.changed_series(keys);
        if !changed.is_empty() && self.learn_levels() {
            changed = self.changed_series(keys);
        }
        self.make_outlooks(&changed, threads)
    }

    /// Those of these series whose outlooks are not of what is known now. It reads the views, so a thread of the lowest
    /// priority must not call it: the fold would wait until that thread has its turn, and answers for the fold.
    fn changed_series(&self, keys: &[(SeriesKey, SiteId)]) -> Vec<(SeriesKey, DemandSeries)> {
        let mut changed = Vec::new();
        for (key, site) in keys {
            let Some(series) = self.read_series(*key, site) else { continue };
            let known = self.forecasts.get(*key);
            if known.is_none_or(|known| known.fingerprint != series.fingerprint()) {
                changed.push((*key, series));
            }
        }
        changed
    }

    fn make_outlooks(&self, changed: &[(SeriesKey, DemandSeries)], threads: usize) -> usize {
        let series: Vec<&DemandSeries> = changed.iter().map(|(_, series)| series).collect();
        let made = outlooks(&series, self.outlook_days(), threads);
        let fitted_at = self.clock.now();
        for ((key, _), outlook) in changed.iter().zip(made) {
            self.forecasts.keep(*key, Arc::new(Outlook { fitted_at, ..outlook }));
        }
        changed.len()
    }

    /// Every product at every place that it was sold at and that was not looked at yet, with its site, and how many more than
    /// `most` there are with those that were: first those that an order could be made of, whose stock there is known or that
    /// somebody offers, then those that sold last.
    fn series_keys(
        &self,
        most: usize,
        looked: &FxHashSet<SeriesKey>,
    ) -> (Vec<(SeriesKey, SiteId)>, usize) {
        let suppliers = self.purchasing.suppliers();
        let offers = suppliers.values().flat_map(|stored| &stored.supplier.offers);
        let offered: FxHashSet<&str> = offers.map(|offer| offer.product_id.as_str()).collect();
        let mut found = Vec::new();
        let sites: Vec<SiteId> = self.config.sites().map(|site| site.id).collect();
        for (number, site) in sites.iter().enumerate() {
            self.each_sold(site, |views, item, product| {
                let is_offered = offered.contains(product.id.as_str());
                for (location, day) in views.sales.last_sold(item) {
                    let key = SeriesKey { item, location: Some(location) };
                    if looked.contains(&key) {
                        continue;
                    }
                    let is_counted = views.catalogue.stock().at(item, location).is_some();
                    found.push((Reverse((is_counted, is_offered, day)), key, number));
                }
            });
        }
        found.sort_unstable();
        let most = most.saturating_sub(looked.len());
        let n_left = found.len().saturating_sub(most);
        found.truncate(most);
        let keys = found.into_iter().map(|(_, key, number)| (key, sites[number].clone()));
        (keys.collect(), n_left)
    }
}

impl Outlook {
    /// Demand from `from` on for so many days, the last one in part.
    pub(crate) fn over(&self, from: Day, days: f64) -> TotalDemand {
        let skip = usize::try_from(from.number() - self.first.number()).unwrap_or(0);
        let mean = over_days(self.mean.len(), (skip, days), |idx| f64::from(self.mean[idx]));
        TotalDemand { mean, variance: self.spread.variance(mean, days), is_count: self.is_count }
    }
}

/// The sum over so many of `n` days, the first ones skipped, the last one in part; beyond their end their last week goes on.
fn over_days(n: usize, (skip, days): (usize, f64), day: impl Fn(usize) -> f64) -> f64 {
    let (mut mean, mut left) = (0.0, days.max(0.0));
    let mut idx = skip;
    while left > 0.0 && n > 0 {
        let place = if idx < n { idx } else { n.saturating_sub(7) + (idx - n) % n.min(7) };
        let share = left.min(1.0);
        mean += share * day(place);
        left -= share;
        idx += 1;
    }
    mean
}

fn check(request: &ForecastRequest) -> Result<(), AppError> {
    let refuse =
        |pointer: &str, detail: String| Err(AppError::invalid("invalid_input", pointer, detail));
    if !(1..=HORIZON_MAX).contains(&request.horizon_days) {
        let detail =
            format!("horizon_days {} must lie between 1 and {HORIZON_MAX}", request.horizon_days);
        return refuse("/horizon_days", detail);
    }
    if request.levels.is_empty() || request.levels.len() > LEVELS_MAX {
        let detail = format!("{} levels; give 1 to {LEVELS_MAX}", request.levels.len());
        return refuse("/levels", detail);
    }
    for (idx, level) in request.levels.iter().enumerate() {
        if !(0.01..=0.999).contains(level) {
            let detail = format!("level {level} must lie between 0.01 and 0.999, for example 0.8");
            return refuse(&format!("/levels/{idx}"), detail);
        }
        if request.levels[..idx].contains(level) {
            return refuse(&format!("/levels/{idx}"), format!("level {level} is there twice"));
        }
    }
    Ok(())
}

/// Keeps outlooks fresh, until the application is gone.
pub(crate) async fn keep_forecasts(app: Weak<App>) {
    tokio::time::sleep(BEGIN_DELAY).await;
    let mut seen = None;
    loop {
        tokio::time::sleep(LOOK_PAUSE).await;
        let Some(app) = app.upgrade() else { return };
        if app.check_ready().is_err() {
            continue;
        }
        let day = app.place_clock(&app.config.main_site(), None).day(app.clock.now());
        let state = (app.views.read().counters.records(), day);
        if seen == Some(state) {
            continue;
        }
        let began = Instant::now();
        match app.refresh_outlooks().await {
            Ok(0) => {}
            Ok(n) => {
                app.save_outlooks().await;
                tracing::info!(n, ms = began.elapsed().as_millis(), "outlooks were made");
            }
            Err(error) => tracing::warn!(%error, "outlooks could not be made"),
        }
        seen = Some(state);
        // Whoever sends facts all the time must not keep a core busy all the time.
        let pause = began.elapsed() * 4;
        drop(app);
        tokio::time::sleep(pause).await;
    }
}
