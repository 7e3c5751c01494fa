//! What the series of a site teach each other: how levels like this one went on, here and at all places
//! ([`souk_forecast::cross_learning`]).
//!
//! It is learned once a day, and again when much came in, from series that are picked by the names of product and place and by
//! what they sold before, so that those which were given up since teach too. It belongs to no series: a forecast is not made
//! anew because another product sold.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use rustc_hash::FxHashMap;
use souk_core::{Day, SiteId};
use souk_forecast::cross_learning::{Beside, Case, Lesson, cases};
use souk_recommend::Item;
use xxhash_rust::xxh3::xxh3_64;

use super::outlook::{JUDGED_DAYS, TOTAL_DAYS};
use crate::App;
use crate::demand::{DemandSeries, SeriesKey};

#[cfg(test)]
mod tests;

/// Series that teach at most (chosen: some ten thousand totals, learned from in tenths of a second).
const TEACHERS_MAX: usize = 4_000;
/// Units that were sold of a series that teaches at least.
const UNITS_MIN: f64 = 10.0;
/// Days before now in which they were sold: the year that is looked back at and what is known before it.
const DAYS: i32 = 400;
/// Sums of sales that are looked at while the views are held: well below a millisecond.
const SUMS_AT_ONCE: usize = 20_000;
/// When so many times as much is known, it is learned anew on the same day.
const GROWTH: f64 = 1.2;

/// What a site's series teach.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Taught {
    lesson: Lesson,
    sold: SoldInAll,
}

/// What was sold of all things at all places of a site, day by day.
#[derive(Clone, Debug, Default, PartialEq)]
struct SoldInAll {
    first: i32,
    units: Vec<f64>,
}

impl SoldInAll {
    /// The last day of which anything was told.
    fn last(&self) -> Option<i32> {
        let n = i32::try_from(self.units.len()).ok().filter(|n| *n > 0)?;
        Some(self.first + n - 1)
    }

    /// Of `n` days up to one; what is not known is none.
    fn up_to(&self, last: i32, n: usize) -> Vec<f64> {
        let day = |back: usize| {
            let idx = last - back as i32 - self.first;
            usize::try_from(idx).ok().and_then(|idx| self.units.get(idx)).copied().unwrap_or(0.0)
        };
        (0..n).rev().map(day).collect()
    }
}

/// Series that teach, beside all that was sold.
#[derive(Debug, Default)]
pub(crate) struct Teachers {
    series: Vec<DemandSeries>,
    sold: SoldInAll,
}

impl Teachers {
    /// All series that there are.
    pub(crate) fn all(series: Vec<DemandSeries>) -> Teachers {
        let first = series.iter().map(|one| one.first.number()).min().unwrap_or(0);
        let mut sold = SoldInAll { first, units: Vec::new() };
        for one in &series {
            let skip = (one.first.number() - sold.first) as usize;
            let n = sold.units.len().max(skip + one.len());
            sold.units.resize(n, 0.0);
            sold.units[skip..].iter_mut().zip(&one.sold).for_each(|(sum, units)| *sum += units);
        }
        Teachers { series, sold }
    }

    /// What they teach with what is known on a day, of the days before those that forecasts are judged by.
    pub(crate) fn teach(&self, known: Day) -> Option<Arc<Taught>> {
        let until = Day::from_number(known.number() - JUDGED_DAYS);
        let mut found: Vec<Case> = Vec::new();
        for series in &self.series {
            let n = until.number() - series.first.number() + 1;
            let Ok(n) = usize::try_from(n) else { continue };
            let known = series.until(n);
            let wanted = known.wanted().0;
            found.extend(beside(&known, &wanted, &self.sold, |one| cases(one, TOTAL_DAYS)));
        }
        let lesson = Lesson::of(&found)?;
        Some(Arc::new(Taught { lesson, sold: self.sold.clone() }))
    }
}

/// A series up to a step, beside all that is sold.
fn beside<T>(
    series: &DemandSeries,
    wanted: &[f64],
    sold: &SoldInAll,
    ask: impl FnOnce(&Beside<'_>) -> T,
) -> T {
    let all = if series.everywhere.is_empty() { &series.sold } else { &series.everywhere };
    let everywhere = &all[..all.len().saturating_sub(series.len() - wanted.len())];
    let last = series.first.number() + wanted.len() as i32 - 1;
    let of_all = sold.up_to(last, everywhere.len());
    ask(&Beside { own: wanted, everywhere, of_all: &of_all })
}

impl Taught {
    /// What to multiply the level of a series by, of which so much is known.
    pub(crate) fn factor(&self, series: &DemandSeries, wanted: &[f64]) -> f64 {
        beside(series, wanted, &self.sold, |one| self.lesson.factor(one, TOTAL_DAYS))
    }
}

/// What was learned of a site, and when.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    day: Day,
    records: u64,
    taught: Option<Arc<Taught>>,
}

/// By site.
pub(super) type AllKept = FxHashMap<SiteId, Kept>;

impl App {
    /// What the series of a site teach, as it was last learned.
    pub(crate) fn taught(&self, site: &SiteId) -> Option<Arc<Taught>> {
        self.forecasts.taught.lock().get(site).and_then(|kept| kept.taught.clone())
    }

    /// Learns what the series of all sites teach, unless that was done today of about as much; whether anything was learned anew.
    /// Nobody waits for another who learns. It reads the views, so a thread of the lowest priority must not call it.
    pub(super) fn learn_levels(&self) -> bool {
        let Some(_learning) = self.forecasts.learning.try_lock() else { return false };
        let records = self.views.read().counters.records();
        let mut is_anew = false;
        for site in self.config.sites().map(|site| site.id) {
            let day = self.place_clock(&site, None).day(self.clock.now());
            let is_known = self.forecasts.taught.lock().get(&site).is_some_and(|kept| {
                kept.day == day && records as f64 <= kept.records as f64 * GROWTH
            });
            if is_known {
                continue;
            }
            let (began, yesterday) = (Instant::now(), day.number() - 1);
            // Where nothing came for long, its last days teach as those of yesterday do.
            let last = self.sold_in_all(&site).last().unwrap_or(yesterday);
            let until = Day::from_number(last.min(yesterday));
            let teachers = self.teachers(&site, until);
            let taught = teachers.teach(until);
            let (n, ms) = (teachers.series.len(), began.elapsed().as_millis());
            let cases = taught.as_ref().map_or(0, |taught| taught.lesson.n_cases());
            tracing::info!(%site, n, cases, ms, "levels taught each other");
            is_anew = true;
            self.forecasts.taught.lock().insert(site, Kept { day, records, taught });
        }
        is_anew
    }

    /// What was sold of everything at all places of a site.
    fn sold_in_all(&self, site: &SiteId) -> SoldInAll {
        let places: Vec<(u32, u32)> = {
            let views = self.views.read();
            let Some(number) = views.catalogue.find_site(site) else { return SoldInAll::default() };
            views.supply.places().filter(|place| place.0 == number).collect()
        };
        let mut days: BTreeMap<i32, f64> = BTreeMap::new();
        for place in places {
            let views = self.views.read();
            let sales = views.supply.feed(place).into_iter().flat_map(|feed| &feed.sales);
            for (day, sums) in sales {
                *days.entry(*day).or_default() += sums.milli as f64 / 1_000.0;
            }
        }
        let (Some(first), Some(last)) = (days.keys().next(), days.keys().next_back()) else {
            return SoldInAll::default();
        };
        let units = (*first..=*last).map(|day| days.get(&day).copied().unwrap_or(0.0)).collect();
        SoldInAll { first: *first, units }
    }

    /// Series of a site that sold enough by a day to teach, those with the least hashes of their names where there are many.
    pub(crate) fn teachers(&self, site: &SiteId, until: Day) -> Teachers {
        let days = (Day::from_number(until.number() - DAYS + 1), until);
        let mut keys = Vec::new();
        let mut from = 0u32;
        loop {
            let views = self.views.read();
            let catalogue = &views.catalogue;
            let n_items = catalogue.n_items() as u32;
            let Some(of_site) = catalogue.find_site(site).filter(|_| from < n_items) else { break };
            let mut n_looked = 0;
            while from < n_items && n_looked < SUMS_AT_ONCE {
                let item = Item(from);
                (from, n_looked) = (from + 1, n_looked + 1);
                if catalogue.site_number(item) != of_site {
                    continue;
                }
                let (places, n_sums) = views.sales.sold_by_place(item, days);
                n_looked += n_sums;
                let product = catalogue.product_id(item);
                for (place, _) in places.into_iter().filter(|(_, units)| *units >= UNITS_MIN) {
                    let name = format!("{product}\n{}", catalogue.location(place));
                    let key = SeriesKey { item, location: Some(place) };
                    keys.push((xxh3_64(name.as_bytes()), key));
                }
            }
        }
        keys.sort_unstable();
        keys.truncate(TEACHERS_MAX);
        let series = keys.iter().filter_map(|(_, key)| self.read_series(*key, site)).collect();
        Teachers { series, sold: self.sold_in_all(site) }
    }
}
