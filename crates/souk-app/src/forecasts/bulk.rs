//! Kept forecasts in bulk: a page at a time, and all of them into a file.
//!
//! What stands here is what plans go by: the kept outlook's means, changed where a planner knows better, and its spread. A
//! question about one product looks closer at its days ([`App::forecast`]); its means are the same.

use std::collections::BinaryHeap;
use std::sync::Arc;

use serde_json::{Map, Value, json};
use souk_core::{Day, LocationId, ProductId, SiteId, Timestamp};

use super::{Ahead, in_pieces};
use crate::demand::SeriesKey;
use crate::export::file::{ExportFile, Field};
use crate::projections::LOOKED_AT_ONCE;
use crate::threads::aside;
use crate::{App, AppError, Caller, Operation, Progress};

/// Forecasts of one page at most (chosen: some megabytes).
pub const KEPT_PAGE_MAX: usize = 500;
/// Forecasts that are worked out in one go for a file.
const CHUNK: usize = 256;
/// Coverages of a day's intervals, as columns.
const LEVELS: [(&str, f64, [&str; 2]); 2] =
    [("0.8", 0.8, ["lo-80", "hi-80"]), ("0.95", 0.95, ["lo-95", "hi-95"])];
/// Chances to suffice of a day's quantiles, as columns.
const QUANTILES: [(&str, f64, &str); 5] = [
    ("0.5", 0.5, "q-0.5"),
    ("0.75", 0.75, "q-0.75"),
    ("0.9", 0.9, "q-0.9"),
    ("0.95", 0.95, "q-0.95"),
    ("0.99", 0.99, "q-0.99"),
];

/// The columns of a file of kept forecasts, a row for each day of each.
pub(crate) const FIELDS: &[Field] = &[
    Field::text("site"),
    Field::text("product_id"),
    Field::text("location_id"),
    Field::text("date"),
    Field::number("mean"),
    Field::number("model_mean"),
    Field::number("lo-80"),
    Field::number("hi-80"),
    Field::number("lo-95"),
    Field::number("hi-95"),
    Field::number("q-0.5"),
    Field::number("q-0.75"),
    Field::number("q-0.9"),
    Field::number("q-0.95"),
    Field::number("q-0.99"),
    Field::text("model"),
    Field::time("fitted_at"),
];

/// Which kept forecasts.
#[derive(Clone, Debug, PartialEq)]
pub struct KeptAsked {
    /// Only those of this place.
    pub location: Option<LocationId>,
    /// Those after this one, as a page before says it.
    pub after: Option<String>,
    /// Forecasts of the page, 1 to [`KEPT_PAGE_MAX`].
    pub limit: usize,
}

/// A page of kept forecasts, in the order of site, product and place.
#[derive(Clone, Debug, PartialEq)]
pub struct KeptPage {
    /// The forecasts.
    pub forecasts: Vec<KeptForecast>,
    /// After which the next page begins; `None` at the end.
    pub after: Option<String>,
}

/// The forecast of a product at a place that plans go by.
#[derive(Clone, Debug, PartialEq)]
pub struct KeptForecast {
    /// Whose.
    pub site: SiteId,
    /// Of what.
    pub product: ProductId,
    /// Where.
    pub location: LocationId,
    /// The models that it rests on, with their shares.
    pub model: String,
    /// When it was made.
    pub fitted_at: Timestamp,
    /// Day by day.
    pub days: Vec<KeptDay>,
}

/// One day of a kept forecast.
#[derive(Clone, Debug, PartialEq)]
pub struct KeptDay {
    /// Which day.
    pub date: Day,
    /// Expected units.
    pub mean: f64,
    /// The same before a planner changed it.
    pub model_mean: f64,
    /// By level: from, to.
    intervals: [(f64, f64); LEVELS.len()],
    /// By chance: units that suffice with it.
    quantiles: [f64; QUANTILES.len()],
}

/// A kept forecast's own names and number, in the order of site, product and place.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Named {
    name: String,
    site: SiteId,
    product: ProductId,
    location: LocationId,
    key: SeriesKey,
}

/// One name of three. The least character stands in none of them, so its order is theirs.
fn bytes_of<'a>([site, product, location]: [&'a str; 3]) -> impl Iterator<Item = u8> + 'a {
    let rest = [product, location].into_iter().flat_map(|text| [0].into_iter().chain(text.bytes()));
    site.bytes().chain(rest)
}

fn round(value: f64) -> f64 {
    // Nothing is 0, not -0.
    (value * 1_000.0).round() / 1_000.0 + 0.0
}

impl KeptForecast {
    /// As the contract writes it.
    pub fn to_json(&self) -> Value {
        let daily = self.days.iter().map(|day| {
            let intervals = LEVELS.iter().zip(&day.intervals);
            let intervals: Map<String, Value> = intervals
                .map(|((name, ..), (low, high))| {
                    ((*name).to_owned(), json!([round(*low), round(*high)]))
                })
                .collect();
            let quantiles = QUANTILES.iter().zip(&day.quantiles);
            let quantiles: Map<String, Value> =
                quantiles.map(|((name, ..), units)| ((*name).to_owned(), json!(round(*units)))).collect();
            json!({"date": day.date.to_string(), "mean": round(day.mean),
                "model_mean": round(day.model_mean), "intervals": intervals, "quantiles": quantiles})
        });
        json!({
            "site": self.site.as_str(),
            "product_id": self.product.as_str(),
            "location_id": self.location.as_str(),
            "model": self.model,
            "fitted_at": self.fitted_at.to_string(),
            "daily": daily.collect::<Vec<_>>(),
        })
    }

    fn row(&self, day: &KeptDay) -> Value {
        let mut row = json!({
            "site": self.site.as_str(),
            "product_id": self.product.as_str(),
            "location_id": self.location.as_str(),
            "date": day.date.to_string(),
            "mean": round(day.mean),
            "model_mean": round(day.model_mean),
            "model": self.model,
            "fitted_at": self.fitted_at.to_string(),
        });
        for ((_, _, [low, high]), (from, to)) in LEVELS.iter().zip(&day.intervals) {
            row[*low] = round(*from).into();
            row[*high] = round(*to).into();
        }
        for ((_, _, column), units) in QUANTILES.iter().zip(&day.quantiles) {
            row[*column] = round(*units).into();
        }
        row
    }
}

impl Ahead {
    fn kept_day(&self, (date, idx): (Day, usize), model_mean: f64) -> KeptDay {
        let total = self.day(idx);
        let mean = total.mean;
        let intervals = LEVELS.map(|(_, level, _)| {
            let half = level / 2.0;
            let (low, high) =
                (total.quantile(0.5 - half).min(mean), total.quantile(0.5 + half).max(mean));
            if total.is_count { in_pieces((low, high)) } else { (low, high) }
        });
        let quantiles = QUANTILES.map(|(_, chance, _)| total.quantile(chance));
        KeptDay { date, mean, model_mean, intervals, quantiles }
    }
}

impl App {
    /// Kept forecasts that the caller may see. What is not forecast yet, or changed since, is not waited for: `fitted_at`
    /// says of when each is.
    ///
    /// # Errors
    ///
    /// [`AppError::Denied`] without the role or for a place that is not the caller's, [`AppError::NotReady`] before the
    /// views have caught up.
    pub fn kept_forecast_page(
        &self,
        asked: &KeptAsked,
        caller: &Caller,
    ) -> Result<KeptPage, AppError> {
        caller.check(Operation::ReadPlanning)?;
        self.check_ready()?;
        self.noted(caller, caller.check_location(asked.location.as_ref()))?;
        let mut named = self.named_forecasts(asked, |site, location| {
            caller.check_site(site).is_ok() && caller.check_location(Some(location)).is_ok()
        });
        let is_more = named.len() > asked.limit;
        named.truncate(asked.limit);
        let after = named.last().filter(|_| is_more).map(|last| last.name.clone());
        let forecasts = named.iter().filter_map(|one| self.kept_forecast(one)).collect();
        Ok(KeptPage { forecasts, after })
    }

    /// The first forecasts of all that are kept, and one more, in their order.
    fn named_forecasts(
        &self,
        asked: &KeptAsked,
        may_see: impl Fn(&SiteId, &LocationId) -> bool,
    ) -> Vec<Named> {
        self.take_up_outlooks();
        let number =
            asked.location.as_ref().map(|id| self.views.read().catalogue.location_number(id));
        let most = asked.limit.saturating_add(1);
        // The greatest is on top, and goes for one before it.
        let mut found: BinaryHeap<Named> = BinaryHeap::new();
        for some in self.forecasts.keys().chunks(LOOKED_AT_ONCE) {
            let catalogue = &self.views.read().catalogue;
            for key in some {
                let Some(place) = key.location.filter(|_| !key.is_untold()) else { continue };
                if number.is_some_and(|number| number != Some(place)) {
                    continue;
                }
                let (site, product) = (catalogue.site(key.item), catalogue.product_id(key.item));
                let text = catalogue.location(place);
                let name = || bytes_of([site.as_str(), product.as_str(), text]);
                // What no page shows gets no name.
                let is_after = asked.after.as_ref().is_none_or(|after| name().gt(after.bytes()));
                let last = found.peek().filter(|_| found.len() == most);
                if !is_after || last.is_some_and(|last| name().ge(last.name.bytes())) {
                    continue;
                }
                let Ok(location) = LocationId::new(text) else { continue };
                if !may_see(site, &location) {
                    continue;
                }
                let (site, product) = (site.clone(), product.clone());
                let name = format!("{site}\u{0}{product}\u{0}{location}");
                if found.len() == most {
                    found.pop();
                }
                found.push(Named { name, site, product, location, key: *key });
            }
        }
        found.into_sorted_vec()
    }

    fn kept_forecast(&self, named: &Named) -> Option<KeptForecast> {
        let outlook = self.forecasts.get(named.key)?;
        let ids = (&named.site, &named.product);
        let location = &named.location;
        let today = self.place_clock(&named.site, Some(location)).day(self.clock.now());
        let mut ahead = Ahead::of(&outlook, outlook.first);
        ahead.hear(outlook.first, &self.heard(ids, Some(location), today));
        let day = |(idx, model): (usize, &f32)| {
            let date = Day::from_number(outlook.first.number() + idx as i32);
            ahead.kept_day((date, idx), f64::from(*model))
        };
        Some(KeptForecast {
            site: named.site.clone(),
            product: named.product.clone(),
            location: location.clone(),
            model: outlook.model.clone(),
            fitted_at: outlook.fitted_at,
            days: outlook.mean.iter().enumerate().map(day).collect(),
        })
    }

    /// Writes every forecast, after those that are missing or changed are made; answers how many there are.
    pub(crate) async fn export_forecasts(
        self: &Arc<App>,
        file: &mut ExportFile,
        progress: &dyn Progress,
    ) -> Result<u64, AppError> {
        self.check_ready()?;
        self.refresh_outlooks().await?;
        let app = Arc::clone(self);
        let all = KeptAsked { location: None, after: None, limit: usize::MAX };
        let mut named =
            aside("work on forecasts", move || app.named_forecasts(&all, |_, _| true)).await?;
        let n = named.len() as u64;
        while !named.is_empty() {
            let some: Vec<Named> = named.drain(..CHUNK.min(named.len())).collect();
            progress.advance(some.len() as u64);
            let app = Arc::clone(self);
            let made = aside("work on forecasts", move || {
                let made = some.iter().filter_map(|one| app.kept_forecast(one));
                made.collect::<Vec<_>>()
            });
            let made = made.await?;
            for forecast in &made {
                for day in &forecast.days {
                    let row = forecast.row(day);
                    file.write(&row, || row.clone())?;
                }
            }
        }
        Ok(n)
    }
}

#[cfg(test)]
mod tests;
