//! How the stock of a place did over the last weeks: what sold, what stood there and cost, what was missing and thrown away, and what
//! the forecast was worth, by product and by class (ABC by revenue, XYZ by steadiness).
//!
//! Nothing here looks ahead and nothing is made by asking. What was not sold because it was not there is an estimate: what the
//! forecast takes such days to have wanted.
//!
//! Source of the formulas: [`souk_inventory::measures`].

use std::collections::BTreeSet;
use std::sync::Arc;

use rustc_hash::FxHashMap;
use souk_core::{Currency, Day, LocationId, Money, ProductId, SiteId};
use souk_inventory::measures::{Period, Steadiness, Worth, by_steadiness, by_worth, value_added};
use souk_recommend::Item;

use super::Scene;
use crate::demand::{DAYS_MAX, DemandReader, PlaceClock, SeriesKey, silent_days};
use crate::forecasts::Misses;
use crate::projections::Views;
use crate::threads::aside;
use crate::{App, AppError, Caller};

mod class;
mod json;
mod sums;
#[cfg(test)]
mod tests;

pub use class::{ClassFilter, StockClass};
pub use json::stock_report_to_json;
pub use sums::StockSums;

/// Products of a page at most over HTTP.
pub const STOCK_REPORT_PAGE_MAX: usize = 1_000;
/// Days of a report that names none: thirteen weeks.
pub const STOCK_REPORT_DAYS: u32 = 91;
/// Days that one may have. Of fewer than four weeks nothing is told of steadiness; what stood there is kept for a year.
const DAYS: (u32, u32) = (28, 366);
/// Weeks of whole demand below which no product counts as steady (chosen).
const WEEKS_MIN: usize = 4;
/// Open days of known stock below which no turns are told: those of the shortest period (chosen).
const STOCK_DAYS_MIN: usize = 24;
/// Products that are looked at while the views are held (chosen: some milliseconds).
const LOOKED_AT_ONCE: usize = 256;

/// What is asked of a place's stock.
#[derive(Clone, Debug, PartialEq)]
pub struct StockReportQuery {
    /// Whose.
    pub site: SiteId,
    /// Where.
    pub location: LocationId,
    /// How many whole business days, 28 to 366.
    pub days: u32,
    /// Which classes are listed; sums are of all.
    pub class: ClassFilter,
    /// Only products that come after this one.
    pub after: Option<ProductId>,
    /// Products of the page.
    pub limit: usize,
}

/// How the stock of a place did.
#[derive(Clone, Debug, PartialEq)]
pub struct StockReport {
    /// Whose.
    pub site: SiteId,
    /// Where.
    pub location: LocationId,
    /// The business day there.
    pub today: Day,
    /// The first day.
    pub from: Day,
    /// The last day: yesterday, or the last one of which sales were told.
    pub to: Day,
    /// The site's currency, which all amounts are in.
    pub currency: Currency,
    /// Products of the page, those of the most revenue first.
    pub products: Vec<StockFigures>,
    /// How many there are of the classes asked for.
    pub n_products: usize,
    /// The product to go on after; `None` at the end.
    pub after: Option<ProductId>,
    /// Over all products.
    pub all: StockSums,
    /// By class, from AX to CZ.
    pub classes: Vec<(StockClass, StockSums)>,
    /// What is worth knowing about the figures.
    pub notes: Vec<String>,
}

/// How the stock of one product did; money in minor units of the site's currency.
#[derive(Clone, Debug, PartialEq)]
pub struct StockFigures {
    /// Which product.
    pub product: ProductId,
    /// Its title; `None` for what was sold and is not in the catalogue.
    pub title: Option<String>,
    /// Its class.
    pub class: StockClass,
    /// Weeks that its steadiness is told from: whole ones without an empty shelf.
    pub n_weeks: usize,
    /// Whether it is measured, in litres or kilograms, and not counted.
    pub is_measured: bool,
    /// Units sold; what came back is not taken off.
    pub sold: f64,
    /// Of these, units sold since stock is known, which alone say what share was served.
    pub sold_since: f64,
    /// Units that came back.
    pub returned: f64,
    /// What the units sold brought; what came back is not taken off.
    pub revenue: f64,
    /// Units there are now, below 0 where the books are wrong; `None` where that is not known.
    pub on_hand: Option<f64>,
    /// What a unit costs to buy: the product's cost, or the least offer; `None` where neither is known.
    pub unit_cost: Option<f64>,
    /// Units that stood there on the evenings of the period, on average, since that is known.
    pub mean_stock: Option<f64>,
    /// Open days of the period on which stock was known.
    pub n_stock_days: usize,
    /// Of these, days on which the shelf was empty while things are sold.
    pub n_empty_days: usize,
    /// Units that empty shelves did not sell, as the forecast reads such days; `None` where stock was never known.
    pub lost: Option<f64>,
    /// What a unit brought, on average; its price where none was sold.
    pub unit_revenue: Option<f64>,
    /// Units that were written off.
    pub written_off: f64,
    /// What the forecast was worth.
    pub worth: ForecastWorth,
}

/// What the forecast of a product was worth over the last weeks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ForecastWorth {
    /// By how many units totals over two weeks were missed.
    Judged {
        /// By the forecast.
        missed: f64,
        /// By repeating the week before.
        by_last_week: f64,
    },
    /// Its history is too short to look back.
    TooShort,
    /// It is not forecast yet.
    NotYet,
}

impl ForecastWorth {
    fn of(judged: Option<Option<Misses>>) -> ForecastWorth {
        match judged {
            None => ForecastWorth::NotYet,
            Some(None) => ForecastWorth::TooShort,
            Some(Some(misses)) => {
                ForecastWorth::Judged { missed: misses.forecast, by_last_week: misses.last_week }
            }
        }
    }

    /// The share of the error of repeating the week before that the forecast saves; below 0 where it does harm.
    pub fn value_added(self) -> Option<f64> {
        match self {
            ForecastWorth::Judged { missed, by_last_week } => value_added(missed, by_last_week),
            ForecastWorth::TooShort | ForecastWorth::NotYet => None,
        }
    }
}

impl StockFigures {
    /// What all units there are cost, stock below 0 as none.
    pub fn on_hand_cost(&self) -> Option<f64> {
        Some(self.on_hand?.max(0.0) * self.unit_cost?)
    }

    /// What lost units would have brought.
    pub fn lost_revenue(&self) -> Option<f64> {
        let lost = self.lost?;
        if lost == 0.0 { Some(0.0) } else { Some(lost * self.unit_revenue?) }
    }

    /// What lost units would have brought over what they cost.
    pub fn lost_margin(&self) -> Option<f64> {
        let lost = self.lost?;
        if lost == 0.0 { Some(0.0) } else { Some(self.lost_revenue()? - lost * self.unit_cost?) }
    }

    /// What the units written off cost.
    pub fn written_off_cost(&self) -> Option<f64> {
        if self.written_off == 0.0 { Some(0.0) } else { Some(self.written_off * self.unit_cost?) }
    }

    /// The share of open days with something on the shelf; `None` where stock was never known.
    pub fn availability(&self) -> Option<f64> {
        let days = self.n_stock_days;
        (days > 0).then(|| (days - self.n_empty_days) as f64 / days as f64)
    }

    /// The period in units.
    fn period(&self, (days, stock): (f64, f64)) -> Period {
        Period {
            days,
            sold: self.sold,
            stock: stock.max(0.0),
            wasted: self.written_off.max(0.0),
            demand: self.sold_since + self.lost.unwrap_or(0.0),
            unmet: self.lost.unwrap_or(0.0),
            margin: 0.0,
        }
    }

    /// Whether stock is known for long enough that its mean says something of the period.
    pub fn is_long_known(&self) -> bool {
        self.n_stock_days >= STOCK_DAYS_MIN
    }

    /// How often the mean stock is sold in a year; `None` without any, or where it is not known for long.
    pub fn turns(&self, days: f64) -> Option<f64> {
        if !self.is_long_known() {
            return None;
        }
        self.period((days, self.mean_stock?)).figures().ok()?.turns
    }

    /// Days that what is there now lasts at the period's rate; `None` without sales, or where stock is not known.
    pub fn days_of_supply(&self, days: f64) -> Option<f64> {
        self.period((days, self.on_hand?)).figures().ok()?.days_of_supply
    }

    /// The share of demand that was met; `None` without any, or where stock was never known.
    pub fn fill_rate(&self, days: f64) -> Option<f64> {
        self.availability()?;
        self.period((days, 0.0)).figures().ok()?.fill_rate
    }

    /// Units written off over all that left the shelf.
    pub fn waste_share(&self, days: f64) -> Option<f64> {
        self.period((days, 0.0)).figures().ok()?.waste_share
    }
}

impl StockReport {
    /// How many days it looks back over.
    pub fn days(&self) -> f64 {
        f64::from(self.to.number() - self.from.number() + 1)
    }
}

/// What every product is looked at with.
struct Glass {
    clock: PlaceClock,
    from: Day,
    to: Day,
    currency: Currency,
    /// By day, whether the place was closed or told nothing.
    is_closed: Vec<bool>,
    /// The least that a supplier asks for a unit, in the site's currency.
    offered: FxHashMap<String, i64>,
}

/// What was sold of a product at the place.
#[derive(Debug, Default)]
struct Sold {
    /// The first day of the last three years.
    first: Option<Day>,
    by_day: Vec<f64>,
    returned: f64,
    revenue: i64,
    is_measured: bool,
}

impl App {
    /// How the stock of a place did over the last whole business days.
    ///
    /// # Errors
    ///
    /// As [`App::replenishment`]; [`AppError::Invalid`] for too few or too many days.
    pub async fn stock_report(
        self: &Arc<App>,
        query: StockReportQuery,
        caller: &Caller,
    ) -> Result<StockReport, AppError> {
        let scene = self.scene((&query.site, &query.location), caller)?;
        if !(DAYS.0..=DAYS.1).contains(&query.days) {
            let detail = format!("{} days; ask for {} to {}", query.days, DAYS.0, DAYS.1);
            return Err(AppError::invalid("invalid_days", "days", detail));
        }
        let app = Arc::clone(self);
        aside("reckoning", move || app.stock_figures(&scene, &query)).await?
    }

    fn stock_figures(
        &self,
        scene: &Scene,
        query: &StockReportQuery,
    ) -> Result<StockReport, AppError> {
        self.take_up_outlooks();
        let glass = self.glass(scene, query.days)?;
        let mut others = BTreeSet::new();
        let mut all = self.looked_at(scene, &glass, &mut others);
        all.sort_by(|a, b| b.revenue.total_cmp(&a.revenue).then_with(|| a.product.cmp(&b.product)));
        let money: Vec<f64> = all.iter().map(|one| one.revenue.max(0.0)).collect();
        let worths = by_worth(&money).expect("sums of amounts are numbers");
        all.iter_mut().zip(worths).for_each(|(one, worth)| one.class.worth = worth);
        let days = f64::from(query.days);
        let whole = money.iter().sum();
        let sums = |class: ClassFilter| {
            StockSums::of(all.iter().filter(|one| class.has(one.class)), (days, whole))
        };
        let classes = StockClass::all().map(|class| (class, sums(class.into()))).collect();
        let notes = notes(&all, (scene, &glass), &others);
        let sum = sums(ClassFilter::default());
        let begin = query.after.as_ref().map_or(0, |after| {
            let place = all.iter().position(|one| one.product == *after);
            // What is in the report no more had sold nothing of late, so it stood among the last.
            let is_before = |one: &StockFigures| one.revenue > 0.0 || one.product <= *after;
            place.map_or_else(|| all.partition_point(is_before), |place| place + 1)
        });
        let is_asked = |one: &&StockFigures| query.class.has(one.class);
        let n_products = all.iter().filter(is_asked).count();
        let mut left = all[begin..].iter().filter(is_asked).cloned();
        let products: Vec<StockFigures> = left.by_ref().take(query.limit.max(1)).collect();
        let last = products.last().map(|one| one.product.clone());
        Ok(StockReport {
            site: scene.site.clone(),
            location: scene.location.clone(),
            today: scene.today,
            from: glass.from,
            to: glass.to,
            currency: glass.currency,
            after: last.filter(|_| left.next().is_some()),
            products,
            n_products,
            all: sum,
            classes,
            notes,
        })
    }

    fn glass(&self, scene: &Scene, days: u32) -> Result<Glass, AppError> {
        let site = self.config.site(&scene.site).map(|site| site.currency);
        let currency =
            site.ok_or_else(|| AppError::NotFound { what: "site", id: scene.site.to_string() })?;
        let clock = self.place_clock(&scene.site, Some(&scene.location));
        let views = self.views.read();
        let site = views.catalogue.find_site(&scene.site);
        let feed = site.and_then(|site| views.supply.feed((site, scene.number)));
        let yesterday = scene.today.number() - 1;
        let told = feed.and_then(|feed| {
            let mut days = feed.sales.range(..=yesterday).rev();
            days.find(|(_, sums)| sums.lines > 0).map(|(day, _)| *day)
        });
        let to = told.unwrap_or(yesterday);
        let from = to - days as i32 + 1;
        let mut is_closed = vec![false; days as usize];
        if let Some(feed) = feed {
            let silent = silent_days(feed, &clock.closed, (from, to));
            silent.into_iter().for_each(|(day, _)| is_closed[(day - from) as usize] = true);
        }
        drop(views);
        let mut offered: FxHashMap<String, i64> = FxHashMap::default();
        for offer in self.purchasing.suppliers().values().flat_map(|one| &one.supplier.offers) {
            let price = offer.unit_price(offer.minimum);
            if let Some(price) = price.filter(|price| price.currency() == currency) {
                let least = offered.entry(offer.product_id.clone()).or_insert(i64::MAX);
                *least = price.minor().min(*least);
            }
        }
        let (from, to) = (Day::from_number(from), Day::from_number(to));
        Ok(Glass { clock, from, to, currency, is_closed, offered })
    }

    /// Every product that was sold at the place in the period or stands there; some at a time, so that the fold never waits long.
    fn looked_at(
        &self,
        scene: &Scene,
        glass: &Glass,
        others: &mut BTreeSet<String>,
    ) -> Vec<StockFigures> {
        let views = self.views.read();
        let Some(site) = views.catalogue.find_site(&scene.site) else { return Vec::new() };
        let items = (0..views.catalogue.n_items() as u32).map(Item);
        let items: Vec<Item> =
            items.filter(|item| views.catalogue.site_number(*item) == site).collect();
        drop(views);
        let now = self.clock.now();
        let mut found = Vec::new();
        for some in items.chunks(LOOKED_AT_ONCE) {
            let views = self.views.read();
            let clock = glass.clock.clone();
            let reader = DemandReader { views: &views, clock, now, horizon: 0 };
            for item in some {
                let key = SeriesKey { item: *item, location: Some(scene.number) };
                let figures = glass.look((&reader, scene), key, others);
                found.extend(figures.map(|figures| (key, figures)));
            }
        }
        let judged = found.into_iter().map(|(key, mut figures)| {
            let outlook = self.forecasts.get(key);
            figures.worth = ForecastWorth::of(outlook.map(|outlook| outlook.misses));
            figures
        });
        judged.collect()
    }
}

impl Glass {
    fn n_days(&self) -> usize {
        self.is_closed.len()
    }

    /// A product's figures but for its worth to the place and that of its forecast; `None` where nothing was sold, stands there or
    /// was written off.
    fn look(
        &self,
        (reader, scene): (&DemandReader<'_>, &Scene),
        key: SeriesKey,
        others: &mut BTreeSet<String>,
    ) -> Option<StockFigures> {
        let views = reader.views;
        let place = (key.item, scene.number);
        let sold = self.sold(views, (key.item, &scene.location), others);
        let on_hand = views.catalogue.stock().at(key.item, scene.number);
        let written_off = views.supply.written_off_milli(place, (self.from, self.to));
        let units: f64 = sold.by_day.iter().sum();
        let is_there = on_hand.is_some_and(|milli| milli != 0);
        if units == 0.0 && sold.returned == 0.0 && !is_there && written_off == 0 {
            return None;
        }
        let stood = views.supply.stood(place, (self.from, self.to));
        let mut is_empty = reader.empty_days(key, (self.from, self.to));
        let pairs = is_empty.iter_mut().zip(&self.is_closed);
        pairs.for_each(|(is_empty, is_closed)| *is_empty &= !is_closed);
        let known = stood.first.map_or(self.n_days(), |day| (day - self.from.number()) as usize);
        let begins = [sold.first.map(Day::number), stood.first].into_iter().flatten().min();
        let weeks = self.weeks(&sold.by_day, &is_empty, begins.unwrap_or(self.to.number() + 1));
        let steadiness = match weeks.len() < WEEKS_MIN {
            true => Steadiness::Z,
            false => by_steadiness(&weeks).unwrap_or(Steadiness::Z),
        };
        let product = views.catalogue.product(key.item);
        let id = views.catalogue.product_id(key.item);
        let own = |money: Option<Money>| {
            money.filter(|money| money.currency() == self.currency).map(Money::minor)
        };
        let cost = own(product.and_then(|product| product.cost));
        let cost = cost.or_else(|| self.offered.get(id.as_str()).copied());
        let price = own(product.and_then(|product| product.price));
        let brought = (units > 0.0 && sold.revenue > 0).then(|| sold.revenue as f64 / units);
        let is_known = known < self.n_days();
        Some(StockFigures {
            product: id.clone(),
            title: product.map(|product| product.title.clone()),
            class: StockClass { worth: Worth::C, steadiness },
            n_weeks: weeks.len(),
            is_measured: sold.is_measured || on_hand.is_some_and(|milli| milli % 1_000 != 0),
            sold: units,
            sold_since: sold.by_day[known..].iter().sum(),
            returned: sold.returned,
            revenue: sold.revenue as f64,
            on_hand: on_hand.map(|milli| milli as f64 / 1_000.0),
            unit_cost: cost.map(|minor| minor as f64),
            mean_stock: stood.mean,
            n_stock_days: self.is_closed[known..].iter().filter(|is_closed| !**is_closed).count(),
            n_empty_days: is_empty[known..].iter().filter(|is_empty| **is_empty).count(),
            lost: is_known.then(|| match is_empty.contains(&true) {
                true => self.lost(reader, key),
                false => 0.0,
            }),
            unit_revenue: brought.or(price.map(|minor| minor as f64)),
            written_off: written_off as f64 / 1_000.0,
            worth: ForecastWorth::NotYet,
        })
    }

    fn sold(
        &self,
        views: &Views,
        (item, location): (Item, &LocationId),
        others: &mut BTreeSet<String>,
    ) -> Sold {
        let mut sold = Sold { by_day: vec![0.0; self.n_days()], ..Sold::default() };
        let since = Day::from_number(self.to.number() - DAYS_MAX + 1);
        for cell in views.sales.of(item, (since, self.to), &views.catalogue) {
            if cell.location != Some(location.as_str()) {
                continue;
            }
            if !cell.is_return {
                sold.first.get_or_insert(cell.day);
            }
            let Ok(idx) = usize::try_from(cell.day.number() - self.from.number()) else { continue };
            let units = cell.quantity_milli as f64 / 1_000.0;
            if cell.is_return {
                sold.returned += units;
                continue;
            }
            sold.is_measured |= cell.quantity_milli % 1_000 != 0;
            sold.by_day[idx] += units;
            match cell.currency {
                Some(currency) if currency == self.currency => {
                    sold.revenue = sold.revenue.saturating_add(cell.amount_minor);
                }
                Some(other) => {
                    others.insert(other.as_str().to_owned());
                }
                None => {}
            }
        }
        sold.by_day.iter_mut().for_each(|units| *units = units.max(0.0));
        sold
    }

    /// What whole weeks wanted, the last one first: those since the day `begins` in which the shelf was never empty. A closed day of
    /// a week counts like its other days.
    fn weeks(&self, sold: &[f64], is_empty: &[bool], begins: i32) -> Vec<f64> {
        let n = self.n_days();
        let of_week = |week: usize| {
            let days = n - 7 * (week + 1)..n - 7 * week;
            let is_whole = self.from.number() + days.start as i32 >= begins;
            let n_open =
                self.is_closed[days.clone()].iter().filter(|is_closed| !**is_closed).count();
            let is_told = is_whole && n_open > 0 && !is_empty[days.clone()].contains(&true);
            is_told.then(|| sold[days].iter().sum::<f64>() * 7.0 / n_open as f64)
        };
        (0..n / 7).filter_map(of_week).collect()
    }

    /// Units that empty shelves did not sell in the period.
    fn lost(&self, reader: &DemandReader<'_>, key: SeriesKey) -> f64 {
        let Some(series) = reader.sales(key) else { return 0.0 };
        let (wanted, _) = series.wanted();
        let day = |idx: usize| series.first.number() + idx as i32;
        let within = (0..series.len())
            .filter(|idx| day(*idx) >= self.from.number() && !series.is_closed(*idx));
        within.map(|idx| wanted[idx] - series.sold[idx]).sum()
    }
}

/// What is worth knowing about the figures.
fn notes(
    all: &[StockFigures],
    (scene, glass): (&Scene, &Glass),
    others: &BTreeSet<String>,
) -> Vec<String> {
    let mut notes = Vec::new();
    let late = scene.today.number() - 1 - glass.to.number();
    if late > 0 {
        let to = glass.to;
        notes.push(format!(
            "the last sales are of {to}, {late} days before yesterday; it ends there"
        ));
    }
    let mut count = |what: fn(&&StockFigures) -> bool, said: &str| {
        let n = all.iter().filter(what).count();
        if n > 0 {
            notes.push(format!("{n} of {} products {said}", all.len()));
        }
    };
    count(
        |one| one.unit_cost.is_none(),
        "have no known cost in this currency: they are in no sum at cost; give `cost`, or an offer",
    );
    count(
        |one| one.n_stock_days == 0,
        "had no known stock in the period: neither empty days nor lost sales are known of them",
    );
    count(
        |one| one.n_stock_days > 0 && !one.is_long_known(),
        "had known stock on fewer than 24 open days: no turns are told of them, and what was served and lost is of these days alone",
    );
    count(
        |one| one.worth == ForecastWorth::NotYet,
        "are not forecast yet: `souk serve` makes forecasts in the background",
    );
    if !others.is_empty() {
        let others = others.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
        notes.push(format!("sales in {others} are in no amount; their units are counted"));
    }
    notes
}
