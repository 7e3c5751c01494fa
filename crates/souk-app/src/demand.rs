//! Daily demand of a product at a place: what was sold, what came back, on which days the shelf was empty, what
//! prices and promotions held; read off the views when it is asked for.
//!
//! Nothing here is about persons: sales, stock, prices and promotions are facts without one, so the series is
//! the same whoever consents or is erased.

use std::sync::Arc;

use jiff::tz::TimeZone;
use souk_core::{Day, LocationId, ProductId, SiteId, Timestamp};
use souk_recommend::Item;

use crate::config::ClosedOn;
use crate::forecasts::Taught;
use crate::projections::{LOOKED_AT_ONCE, Run, Views};
use crate::sheet::Moment;
use crate::signals::SignalColumn;
use crate::{App, AppError};

mod closed;
mod service;
#[cfg(test)]
pub(crate) mod tests;
mod total;
mod wanted;

pub use closed::Opening;
pub(crate) use closed::{is_closed, lines, silent_days, years_before};
pub(crate) use service::{LeftOver, Share, Stock, Stretch, chances_to_serve};
pub(crate) use total::TotalDemand;

/// Days of a series at most, the latest ones: two years and the same days of the year before (chosen).
pub(crate) const DAYS_MAX: i32 = 1_100;
/// The number of a place that the settings name and no fact: nothing was sold there and nothing is counted.
const UNTOLD: u32 = crate::projections::NO_LOCATION - 1;

/// Noon, in minutes after midnight.
const NOON: u16 = 720;

/// The clock of a place.
#[derive(Clone, Debug)]
pub(crate) struct PlaceClock {
    zone: TimeZone,
    cut_minutes: u16,
    /// Days on which it is closed, as the settings name them.
    pub(crate) closed: Vec<ClosedOn>,
}

impl PlaceClock {
    /// A clock of UTC.
    pub(crate) fn utc() -> PlaceClock {
        PlaceClock { zone: TimeZone::UTC, cut_minutes: 0, closed: Vec::new() }
    }

    /// When something was that a file tells; a date alone is where its business day begins.
    pub(crate) fn moment(&self, told: Moment) -> Result<Timestamp, String> {
        told.by(&self.zone, self.cut_minutes)
    }

    /// The noon of a business day, or where it begins later, its first minute: while things are sold.
    pub(crate) fn noon(&self, day: Day) -> Result<Timestamp, String> {
        let date = day.to_string().parse().map_err(|_| format!("{day} is no date"))?;
        Moment::Day(date).by(&self.zone, NOON.max(self.cut_minutes))
    }

    /// The business day of a moment.
    pub(crate) fn day(&self, at: Timestamp) -> Day {
        Day::of(at, &self.zone, self.cut_minutes)
    }

    /// The minute since midnight at which a moment is, counted on until the business day ends.
    fn minute(&self, at: Timestamp) -> i64 {
        let minute = at.local_ms(&self.zone).div_euclid(60_000).rem_euclid(1_440);
        if minute < i64::from(self.cut_minutes) { minute + 1_440 } else { minute }
    }
}

/// Which series.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct SeriesKey {
    pub(crate) item: Item,
    /// Which place; `None` for all together.
    pub(crate) location: Option<u32>,
}

impl SeriesKey {
    /// Whether it is of a place that no fact named.
    pub(crate) fn is_untold(&self) -> bool {
        self.location == Some(UNTOLD)
    }
}

/// Demand day by day, the oldest day first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DemandSeries {
    /// The first day.
    pub first: Day,
    /// Units that were sold; what came back is not taken off.
    pub sold: Vec<f64>,
    /// Units that came back on the day.
    pub returned: Vec<f64>,
    /// Whether the shelf was empty while things are sold: more may have been wanted than was sold.
    pub is_censored: Vec<bool>,
    /// Whether it was empty when the day ended; without a day where it never was.
    pub is_empty_at_end: Vec<bool>,
    /// The share of the day's selling time in which it was empty; likewise.
    pub missed: Vec<f64>,
    /// Whether the place was open. Empty where it always was.
    pub opening: Vec<Opening>,
    /// Whether it will be closed, for the days ahead.
    pub closed_ahead: Vec<bool>,
    /// The share that a promotion took off the price; 0 without one, a tenth where it does not say how much.
    pub promotion: Vec<f64>,
    /// The share off that a promotion told of; 0 where none did, whatever it was.
    pub discount: Vec<f64>,
    /// The price in minor units; 0 where none is known.
    pub price: Vec<f64>,
    /// As `promotion`, for the days ahead.
    pub promotion_ahead: Vec<f64>,
    /// What is known of the weather and the like.
    pub signals: Vec<SignalColumn>,
    /// Units of the product that were sold at all places together, up to the same day; it may begin earlier. Empty where they
    /// are those of `sold`.
    pub everywhere: Vec<f64>,
    /// What the other series of the site teach of its level.
    pub(crate) taught: Option<Arc<Taught>>,
}

impl DemandSeries {
    /// How many days there are.
    pub fn len(&self) -> usize {
        self.sold.len()
    }

    /// Whether there is no day.
    pub fn is_empty(&self) -> bool {
        self.sold.is_empty()
    }

    /// The last day; the day before the first of an empty series.
    pub fn last(&self) -> Day {
        Day::from_number(self.first.number() + self.len() as i32 - 1)
    }

    /// Whether the place was closed on a day, or told nothing of it.
    pub(crate) fn is_closed(&self, idx: usize) -> bool {
        self.opening.get(idx).is_some_and(|opening| *opening != Opening::Open)
    }

    /// What was known after the first `n` days; promotions of the days after them count as planned, signals as told before.
    pub(crate) fn until(&self, n: usize) -> DemandSeries {
        let n = n.min(self.len());
        let cut = |column: &[f64]| column.get(..n).unwrap_or(column).to_vec();
        let ahead = self.promotion.get(n..).unwrap_or(&[]);
        let closed = (n..self.len()).map(|idx| self.opening.get(idx) == Some(&Opening::Closed));
        let n_everywhere = self.everywhere.len().saturating_sub(self.len() - n);
        DemandSeries {
            first: self.first,
            sold: cut(&self.sold),
            returned: cut(&self.returned),
            is_censored: self.is_censored.get(..n).unwrap_or(&self.is_censored).to_vec(),
            is_empty_at_end: self
                .is_empty_at_end
                .get(..n)
                .unwrap_or(&self.is_empty_at_end)
                .to_vec(),
            missed: cut(&self.missed),
            opening: self.opening.get(..n).unwrap_or(&self.opening).to_vec(),
            closed_ahead: closed.chain(self.closed_ahead.iter().copied()).collect(),
            promotion: cut(&self.promotion),
            discount: cut(&self.discount),
            price: cut(&self.price),
            promotion_ahead: ahead.iter().chain(&self.promotion_ahead).copied().collect(),
            signals: self.signals.clone(),
            everywhere: self.everywhere[..n_everywhere].to_vec(),
            taught: self.taught.clone(),
        }
    }

    /// A hash of all that a forecast rests on, but for what others sold.
    pub(crate) fn fingerprint(&self) -> u64 {
        let mut bytes = Vec::with_capacity(self.len() * 26 + 16);
        bytes.extend_from_slice(&self.first.number().to_le_bytes());
        for column in [
            &self.sold,
            &self.missed,
            &self.promotion,
            &self.discount,
            &self.price,
            &self.promotion_ahead,
        ] {
            column.iter().for_each(|value| bytes.extend_from_slice(&value.to_le_bytes()));
        }
        for flags in [&self.is_censored, &self.is_empty_at_end, &self.closed_ahead] {
            bytes.extend(flags.iter().map(|flag| u8::from(*flag)));
        }
        bytes.extend(self.opening.iter().map(|opening| *opening as u8));
        for signal in &self.signals {
            bytes.extend_from_slice(signal.name.as_bytes());
            let values = signal.values.iter().map(|value| value.unwrap_or(f64::NAN));
            values.for_each(|value| bytes.extend_from_slice(&value.to_le_bytes()));
        }
        xxhash_rust::xxh3::xxh3_64(&bytes)
    }
}

/// What a series is read off.
pub(crate) struct DemandReader<'a> {
    pub(crate) views: &'a Views,
    pub(crate) clock: PlaceClock,
    pub(crate) now: Timestamp,
    /// Days ahead for which planned promotions are read.
    pub(crate) horizon: usize,
}

impl DemandReader<'_> {
    /// The last business day that is over and of which the product's site told sales of the place; `None` where it never did.
    ///
    /// A day without any sale of the site there at the end is a feed that is late, not a day without demand.
    pub(crate) fn last_day(&self, key: SeriesKey) -> Option<Day> {
        let yesterday = self.clock.day(self.now).number() - 1;
        let supply = &self.views.supply;
        let site = self.views.catalogue.site_number(key.item);
        let of_place = |number: u32| {
            let days = supply.feed((site, number))?.sales.range(..=yesterday);
            let told = days.rev().find(|(_, sums)| sums.lines > 0);
            told.map(|(day, _)| Day::from_number(*day))
        };
        match key.location {
            Some(number) => of_place(number),
            None => {
                let of_site = supply.places().filter(|place| place.0 == site);
                of_site.filter_map(|(_, number)| of_place(number)).max()
            }
        }
    }

    /// The series; `None` where nothing was ever sold there.
    pub(crate) fn series(&self, key: SeriesKey) -> Option<DemandSeries> {
        let mut series = self.sales(key)?;
        self.mark_promotions(key.item, &mut series);
        self.mark_prices(key.item, &mut series);
        Some(series)
    }

    /// The series without promotions and prices: all that it takes to tell what was wanted.
    pub(crate) fn sales(&self, key: SeriesKey) -> Option<DemandSeries> {
        let last = self.last_day(key)?;
        let from = Day::from_number(last.number() - DAYS_MAX + 1);
        let catalogue = &self.views.catalogue;
        let place = key.location.map(|number| catalogue.location(number));
        let is_here = |location: Option<&str>| place.is_none() || location == place;
        let sold = || {
            self.views.sales.of(key.item, (from, last), catalogue).filter(|sale| !sale.is_return)
        };
        let first = sold().find(|sale| is_here(sale.location))?.day;
        let n = usize::try_from(last.number() - first.number() + 1).ok()?;
        let everywhere = place.and_then(|_| {
            let first = sold().next()?.day;
            let n = usize::try_from(last.number() - first.number() + 1).ok()?;
            let mut units = vec![0.0; n];
            for sale in sold() {
                let idx = (sale.day.number() - first.number()) as usize;
                units[idx] += sale.quantity_milli as f64 / 1_000.0;
            }
            Some(units)
        });
        let mut series = DemandSeries {
            first,
            sold: vec![0.0; n],
            returned: vec![0.0; n],
            is_censored: vec![false; n],
            everywhere: everywhere.unwrap_or_default(),
            ..DemandSeries::default()
        };
        for sale in self.views.sales.of(key.item, (first, last), catalogue) {
            if !is_here(sale.location) {
                continue;
            }
            let idx = (sale.day.number() - first.number()) as usize;
            let column = if sale.is_return { &mut series.returned } else { &mut series.sold };
            column[idx] += sale.quantity_milli as f64 / 1_000.0;
        }
        series.sold.iter_mut().for_each(|units| *units = units.max(0.0));
        self.mark_outs(key, &mut series);
        self.mark_closed(key, &mut series);
        Some(series)
    }

    /// On which of these days, both included, the shelf was empty while things are sold.
    pub(crate) fn empty_days(&self, key: SeriesKey, (first, last): (Day, Day)) -> Vec<bool> {
        let n = usize::try_from(last.number() - first.number() + 1).unwrap_or(0);
        let (sold, is_censored) = (vec![0.0; n], vec![false; n]);
        let mut days = DemandSeries { first, sold, is_censored, ..DemandSeries::default() };
        self.mark_outs(key, &mut days);
        days.is_censored
    }

    fn mark_outs(&self, key: SeriesKey, series: &mut DemandSeries) {
        let places: Vec<u32> = match key.location {
            Some(number) => vec![number],
            None => {
                let rows = self.views.catalogue.stock().rows(key.item);
                let mut places: Vec<u32> = rows.iter().map(|row| row.location).collect();
                places.sort_unstable();
                places.dedup();
                places
            }
        };
        // All places together are out of stock only when every one of them is.
        let n = if places.is_empty() { 0 } else { series.len() };
        let (mut missed, mut at_end) = (vec![1.0f64; n], vec![true; n]);
        for place in &places {
            let of_place = self.outs_of((key.item, *place), series);
            missed.iter_mut().zip(of_place.0).for_each(|(all, own)| *all = all.min(own));
            at_end.iter_mut().zip(of_place.1).for_each(|(all, own)| *all &= own);
        }
        if at_end.contains(&true) || missed.iter().any(|share| *share > 0.0) {
            let days = missed.iter().zip(&at_end);
            series.is_censored = days.map(|(missed, at_end)| *missed > 0.0 || *at_end).collect();
            (series.missed, series.is_empty_at_end) = (missed, at_end);
        }
    }

    /// Of each day the share of its selling time in which one shelf was empty, and whether it was so when the day ended.
    fn outs_of(&self, place: (Item, u32), series: &DemandSeries) -> (Vec<f64>, Vec<bool>) {
        let (mut missed, mut at_end) = (vec![0.0f64; series.len()], vec![false; series.len()]);
        for (from, until) in self.views.supply.outs(place, self.now) {
            let moments = [from, until].map(|at| {
                (self.clock.day(at).number() - series.first.number(), self.clock.minute(at))
            });
            let [(from, from_minute), (until, until_minute)] = moments;
            for day in from.max(0)..=until.min(series.len() as i32 - 1) {
                let begins = if day == from { from_minute } else { 0 };
                let ends = if day == until { until_minute } else { i64::MAX };
                let share = &mut missed[day as usize];
                *share = (*share + wanted::share_between(begins, ends)).min(1.0);
                at_end[day as usize] |= day < until;
            }
        }
        (missed, at_end)
    }

    /// Marks closed days of one place; of all places together some are always open.
    fn mark_closed(&self, key: SeriesKey, series: &mut DemandSeries) {
        let site = self.views.catalogue.site_number(key.item);
        let Some(feed) = key.location.and_then(|place| self.views.supply.feed((site, place)))
        else {
            return;
        };
        let (n, first, named) = (series.len(), series.first.number(), &self.clock.closed[..]);
        let silent = closed::silent_days(feed, named, (first, series.last().number()));
        if !silent.is_empty() {
            series.opening = vec![Opening::Open; n];
            let marks = silent.into_iter().map(|(day, opening)| ((day - first) as usize, opening));
            marks.for_each(|(idx, opening)| series.opening[idx] = opening);
        }
        let ahead = |idx: usize| is_closed(feed, named, first + idx as i32);
        let closed_ahead: Vec<bool> = (n..n + self.horizon).map(ahead).collect();
        if closed_ahead.contains(&true) {
            series.closed_ahead = closed_ahead;
        }
    }

    fn mark_promotions(&self, item: Item, series: &mut DemandSeries) {
        let (n, first) = (series.len(), series.first.number());
        let mut all = vec![0.0f64; n + self.horizon];
        series.discount = vec![0.0; n];
        let site = self.views.catalogue.site_number(item);
        for run in self.views.supply.runs(site, item) {
            let Some((from, until)) = self.days_of(run) else { continue };
            let told = run.discount_bp.map(|bp| f64::from(bp) / 10_000.0);
            let depth = told.unwrap_or(0.1).max(0.01);
            let from = (from.number() - first).max(0) as usize;
            let until = until.map_or(all.len() as i32 - 1, |until| until.number() - first);
            if until >= 0 && from < all.len() {
                let until = (until as usize).min(all.len() - 1);
                if from <= until {
                    all[from..=until].iter_mut().for_each(|value| *value = value.max(depth));
                    let days = series.discount.iter_mut().take(until + 1).skip(from);
                    days.for_each(|value| *value = value.max(told.unwrap_or(0.0)));
                }
            }
        }
        series.promotion_ahead = all.split_off(n);
        series.promotion = all;
    }

    /// The days of a run: as planned, unless it was said to have begun or ended on others.
    fn days_of(&self, run: &Run) -> Option<(Day, Option<Day>)> {
        let began = run.began.map(|at| self.clock.day(at));
        let ended = run.ended.map(|at| self.clock.day(at));
        let from = run.from.or(began)?;
        let until = match (run.until, ended) {
            (Some(until), Some(ended)) => Some(until.min(ended)),
            (until, ended) => until.or(ended),
        };
        Some((from, until))
    }

    fn mark_prices(&self, item: Item, series: &mut DemandSeries) {
        let mut price = vec![0.0; series.len()];
        for priced in self.views.supply.prices(item) {
            let from = self.clock.day(priced.from).number() - series.first.number();
            let from = usize::try_from(from.max(0)).unwrap_or(0);
            if from < price.len() {
                price[from..].fill(priced.minor as f64);
            }
        }
        // Before the first known price it is taken to have been that one.
        if let Some(first) = price.iter().copied().find(|price| *price > 0.0) {
            price.iter_mut().take_while(|price| **price == 0.0).for_each(|price| *price = first);
        }
        series.price = price;
    }
}

impl App {
    /// The clock of a place; that of the site where the settings name none.
    pub(crate) fn place_clock(&self, site: &SiteId, location: Option<&LocationId>) -> PlaceClock {
        if let Some(place) = location.and_then(|id| self.config.location(id)) {
            let closed = self.config.closed(&place.id).to_vec();
            let cut_minutes = place.day_cut_minutes;
            return PlaceClock { zone: place.time_zone, cut_minutes, closed };
        }
        let zone = self.config.site(site).map_or(TimeZone::UTC, |site| site.time_zone.clone());
        PlaceClock { zone, ..PlaceClock::utc() }
    }

    /// Daily demand of a product at a place, or at all places together.
    ///
    /// # Errors
    ///
    /// [`AppError::NotFound`] for a product or place that no fact ever named.
    pub fn demand(
        &self,
        (site, product): (&SiteId, &ProductId),
        location: Option<&LocationId>,
        horizon: usize,
    ) -> Result<DemandSeries, AppError> {
        let key = self.series_key((site, product), location)?;
        let reader = DemandReader {
            views: &self.views.read(),
            clock: self.place_clock(site, location),
            now: self.clock.now(),
            horizon,
        };
        let mut series = reader.series(key).unwrap_or_default();
        series.taught = location.and_then(|_| self.taught(site));
        self.signals.attach(&mut series, (site, location), horizon);
        Ok(series)
    }

    /// Hears every known product of a site; looked at some at a time, so that the fold
    /// never waits long.
    pub(crate) fn each_sold(
        &self,
        site: &SiteId,
        mut hear: impl FnMut(&Views, Item, &souk_core::Product),
    ) {
        let mut from = 0u32;
        loop {
            let views = self.views.read();
            let n_items = views.catalogue.n_items() as u32;
            let Some(of_site) = views.catalogue.find_site(site).filter(|_| from < n_items) else {
                return;
            };
            let until = n_items.min(from + LOOKED_AT_ONCE as u32);
            for item in (from..until).map(Item) {
                if views.catalogue.site_number(item) != of_site {
                    continue;
                }
                if let Some(product) = views.catalogue.product(item) {
                    hear(&views, item, product);
                }
            }
            from = until;
        }
    }

    /// The number of a place that a fact or the settings named.
    ///
    /// # Errors
    ///
    /// [`AppError::NotFound`] for any other.
    pub(crate) fn place_number(&self, location: &LocationId) -> Result<u32, AppError> {
        let told = self.views.read().catalogue.location_number(location);
        let named = self.config.location(location).map(|_| UNTOLD);
        told.or(named)
            .ok_or_else(|| AppError::NotFound { what: "location", id: location.to_string() })
    }

    /// The numbers of a product and a place.
    pub(crate) fn series_key(
        &self,
        (site, product): (&SiteId, &ProductId),
        location: Option<&LocationId>,
    ) -> Result<SeriesKey, AppError> {
        let item = self
            .views
            .read()
            .catalogue
            .item(site, product)
            .ok_or_else(|| AppError::NotFound { what: "product", id: product.to_string() })?;
        let location = location.map(|id| self.place_number(id)).transpose()?;
        Ok(SeriesKey { item, location })
    }
}
