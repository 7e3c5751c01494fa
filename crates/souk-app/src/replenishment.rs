//! What to order now: for each product of a place the arithmetic from position to quantity, the suppliers
//! compared, and whether a rule may approve it.
//!
//! Stock and open orders together must last until an order of the *next* chance to order could be there: that
//! is the protection interval, and the level to order up to is the quantile of demand over it. Nothing here
//! sends anything; a rule approves only where the settings switch it on and every brake is loose.

use std::cmp::Reverse;
use std::sync::{Arc, Weak};
use std::time::Duration;

use rustc_hash::FxHashSet;
use souk_core::{Availability, Day, LocationId, Money, ProductId, SiteId, Timestamp};
use souk_inventory::demand::Grain;

use crate::demand::{SeriesKey, Share, Stretch, chances_to_serve};
use crate::forecasts::{Ahead, ForecastOverride};
use crate::purchasing::{PurchaseOrder, Receipt};
use crate::threads::{all_threads, aside};
use crate::{App, AppError, Caller, Operation};

mod advised;
mod approve;
mod choice;
mod coming;
mod figures;
mod gates;
mod json;
mod odd;
#[cfg(test)]
mod share_tests;
mod sharing;
pub(crate) mod shelf;
#[cfg(test)]
mod site_tests;
mod spoiling;
#[cfg(test)]
mod tests;
mod waiting;
mod waste;

pub(crate) use advised::Advised;
pub use approve::Decision;
pub(crate) use approve::{RULE, below_minimum};
pub use choice::Candidate;
pub(crate) use coming::Held;
pub use figures::{
    ClassFilter, ForecastWorth, STOCK_REPORT_DAYS, STOCK_REPORT_PAGE_MAX, StockClass, StockFigures,
    StockReport, StockReportQuery, StockSums, stock_report_to_json,
};
pub use gates::FeedAlarm;
pub use json::plan_to_json;
pub use odd::PlanException;
pub use waste::{LotAdvice, LotRisk, WasteFigures, WasteReport, waste_to_json};

use choice::Need;
use coming::{Coming, Delivery};
use odd::{STAKE_DAYS, grouped};
use sharing::{OpenLines, compare};
use shelf::Shelf;

/// Series whose outlook is made while somebody waits; the others are made by the job (chosen: some seconds).
const MADE_AT_ONCE: usize = 400;
/// Exceptions that are listed: one screen (chosen).
const EXCEPTIONS_MAX: usize = 50;
/// How many times the highest day before the last week's may be before a line is doubted.
const JUMP_MAX: f64 = 10.0;
/// How often the job looks whether a rule may approve.
const RULE_PAUSE: Duration = Duration::from_secs(900);

/// What there is and what comes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Position {
    /// Units in stock; below 0 where the books are wrong.
    pub on_hand: f64,
    /// Units of open purchase orders that are there in time: before an order of the next chance is.
    pub on_order: f64,
    /// Units of open orders that come later, and do not count.
    pub later: f64,
    /// Units of open orders that are late by more than their supplier's lead times spread, and do not count.
    pub overdue: f64,
    /// Units promised to somebody. Souk hears of none yet, so it is 0.
    pub reserved: f64,
}

impl Position {
    /// What can be counted on: stock below 0 is none.
    pub fn total(&self) -> f64 {
        self.on_hand.max(0.0) + self.on_order - self.reserved
    }
}

/// What to order at a place.
#[derive(Clone, Debug, PartialEq)]
pub struct ReplenishmentPlan {
    /// Whose.
    pub site: SiteId,
    /// Where.
    pub location: LocationId,
    /// The business day there.
    pub today: Day,
    /// Products that were looked at.
    pub n_considered: usize,
    /// Of these, products of which no order could be made: neither their stock, nor an offer, nor an open order is known.
    pub n_unknown: usize,
    /// Products whose forecast is not made yet; ask again soon.
    pub n_pending: usize,
    /// What to order, the dearest first.
    pub lines: Vec<PlanLine>,
    /// What is odd, for a person to look at.
    pub exceptions: Vec<PlanException>,
    /// How many more exceptions there are.
    pub n_more_exceptions: usize,
    /// What is wrong with what comes in.
    pub alarms: Vec<FeedAlarm>,
    /// How today goes.
    pub so_far: SoFar,
    /// By supplier: what a rule says of it.
    pub proposals: Vec<Proposal>,
    /// Whether rules may approve at all.
    pub automatic: Automatic,
}

/// Today's sales against the forecast, over all products in pieces whose stock is known.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct SoFar {
    /// Units that were sold today until now.
    pub sold: f64,
    /// Units that are expected of the whole day.
    pub expected: f64,
}

/// One product to order.
#[derive(Clone, Debug, PartialEq)]
pub struct PlanLine {
    /// Which product.
    pub product: ProductId,
    /// Its title.
    pub title: String,
    /// What there is and what comes.
    pub position: Position,
    /// Days until an order of today is there.
    pub lead_time_days: f64,
    /// Days until an order of the next chance is there.
    pub protection_days: f64,
    /// The first day of the forecast that it rests on: today, unless sales since are missing or the forecast is not made anew yet.
    pub forecast_from: Day,
    /// Expected demand over the protection interval, what was sold of today's already taken off.
    pub demand_mean: f64,
    /// The chance to suffice that is aimed at.
    pub service_level: f64,
    /// The demand over the protection interval that is not exceeded with this chance: the level to order up to.
    pub order_up_to: f64,
    /// Units on hand that go off unsold in that time, where demand is as high as the level.
    pub expiring: f64,
    /// Days that a fresh unit may be sold; `None` for what does not go off.
    pub keeps_days: Option<u32>,
    /// Units that may be ordered at most, for what goes off.
    pub most: Option<f64>,
    /// Units of the order that will go off unsold, on average: what it adds to what goes off without it.
    pub waste: f64,
    /// The chance with which the last unit of the most that may be ordered goes off; `None` for what does not go off.
    pub waste_chance: Option<f64>,
    /// Units of what is missing that are wanted from an empty shelf before an order is there, and not any more then.
    pub spared: f64,
    /// What is missing to the level, less what is spared.
    pub need: f64,
    /// The share of what is wanted until an order of the next chance is there, from the day on which this one is, that both
    /// what is there and the order serve, on average.
    pub serves: Option<f64>,
    /// What to order, after minimum and multiples.
    pub quantity: f64,
    /// What that costs, where a price is known.
    pub cost: Option<Money>,
    /// The suppliers, the best first.
    pub candidates: Vec<Candidate>,
    /// One less the share by which totals over two weeks were missed in the past; `None` where unknown.
    pub confidence: Option<f64>,
    /// Whether some of it was received that is in no book yet, so that it may be there already.
    pub is_unbooked: bool,
    /// Why a person should look at it; any of these holds a rule.
    pub warnings: Vec<String>,
    /// What is worth knowing and holds no rule: offers in another currency, which were not compared.
    pub notes: Vec<String>,
    /// What planners said of its demand, which counts here in the place of the model's.
    pub overrides: Vec<String>,
    /// The arithmetic in words.
    pub text: String,
}

impl PlanLine {
    /// The supplier that it is ordered at.
    pub fn supplier(&self) -> Option<&Candidate> {
        self.candidates.first().filter(|candidate| candidate.is_chosen)
    }
}

/// What would be ordered at one supplier.
#[derive(Clone, Debug, PartialEq)]
pub struct Proposal {
    /// At whom.
    pub supplier_id: String,
    /// How many lines.
    pub n_lines: usize,
    /// What it costs.
    pub amount: Money,
    /// What that part of it cost which will go off unsold, on average.
    pub waste: Money,
    /// Whether a rule approves it, and if not, why.
    pub decision: Decision,
}

/// Whether rules may approve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Automatic {
    /// `inventory.auto_reorder`.
    pub is_on: bool,
    /// `inventory.shadow`: decisions are shown, nothing is made.
    pub is_shadow: bool,
    /// Since when the stop switch is set.
    pub stopped_since: Option<Timestamp>,
}

/// What is planned at a place.
#[derive(Debug, Default)]
struct Planned {
    /// Products of which an order could be made, those whose stock is known first, and of these those that somebody offers or
    /// that are on order.
    keys: Vec<SeriesKey>,
    /// How many of them have known stock, which only an order can be reckoned from.
    n_counted: usize,
    /// Products that were sold there and still are, and how many of them are not planned.
    n_considered: usize,
    n_unknown: usize,
}

/// A place and its day.
struct Scene {
    site: SiteId,
    location: LocationId,
    number: u32,
    today: Day,
}

impl App {
    /// What to order now at a place, with the arithmetic of each line.
    ///
    /// # Errors
    ///
    /// [`AppError::Denied`] without the role or at a place of others, [`AppError::NotFound`] for a place that neither
    /// the settings nor any fact named, [`AppError::NotReady`] before the views have caught up.
    pub async fn replenishment(
        self: &Arc<App>,
        (site, location): (&SiteId, &LocationId),
        caller: &Caller,
    ) -> Result<ReplenishmentPlan, AppError> {
        let scene = self.scene((site, location), caller)?;
        let app = Arc::clone(self);
        aside("planning", move || app.plan(scene)).await
    }

    /// The place that a planner asks about.
    fn scene(
        &self,
        (site, location): (&SiteId, &LocationId),
        caller: &Caller,
    ) -> Result<Scene, AppError> {
        caller.check(Operation::ReadPlanning)?;
        self.check_ready()?;
        let places = caller.check_site(site).and_then(|()| caller.check_location(Some(location)));
        self.noted(caller, places)?;
        let number = self.place_number(location)?;
        let today = self.place_clock(site, Some(location)).day(self.clock.now());
        let (site, location) = (site.clone(), location.clone());
        Ok(Scene { site, location, number, today })
    }

    fn plan(&self, scene: Scene) -> ReplenishmentPlan {
        let planned = self.products_at(&scene);
        let counted = planned.keys[..planned.n_counted].iter().copied();
        self.make_at_once(&scene.site, counted, MADE_AT_ONCE);
        let mut plan = self.plan_of(&scene, planned);
        plan.exceptions = grouped(plan.exceptions);
        plan.n_more_exceptions = plan.exceptions.len().saturating_sub(EXCEPTIONS_MAX);
        plan.exceptions.truncate(EXCEPTIONS_MAX);
        plan
    }

    /// Makes at most so many outlooks while somebody waits: of those without one first, in this order, then of those that
    /// changed.
    fn make_at_once(&self, site: &SiteId, keys: impl Iterator<Item = SeriesKey>, most: usize) {
        self.take_up_outlooks();
        let (kept, mut keys): (Vec<SeriesKey>, Vec<SeriesKey>) =
            keys.partition(|key| self.forecasts.get(*key).is_some());
        keys.extend(kept);
        let keys: Vec<(SeriesKey, SiteId)> =
            keys.into_iter().take(most).map(|key| (key, site.clone())).collect();
        for some in keys.chunks(64) {
            self.refresh_some(some, all_threads());
        }
    }

    /// The plan by the outlooks that are kept, with every exception.
    fn plan_of(&self, scene: &Scene, planned: Planned) -> ReplenishmentPlan {
        let mut plan = ReplenishmentPlan {
            site: scene.site.clone(),
            location: scene.location.clone(),
            today: scene.today,
            n_considered: planned.n_considered,
            n_unknown: planned.n_unknown,
            n_pending: 0,
            lines: Vec::new(),
            exceptions: Vec::new(),
            n_more_exceptions: 0,
            alarms: self.alarms_at(&scene.site, &scene.location),
            so_far: SoFar::default(),
            proposals: Vec::new(),
            automatic: self.automatic(),
        };
        let on_order = self.on_order(scene);
        let unbooked = self.unbooked_receipt(&scene.site, &scene.location);
        let mut needs = Vec::new();
        for key in planned.keys {
            match self.need(scene, key, &on_order) {
                Looked::Need(mut need) => {
                    let came = unbooked.as_ref().filter(|receipt| receipt.has(&need.product.id));
                    need.is_unbooked = came.is_some();
                    need.warnings.extend(came.map(Receipt::text));
                    needs.push(*need);
                }
                Looked::Odd(exception) => plan.exceptions.push(exception),
                Looked::Pending => plan.n_pending += 1,
                Looked::Nothing => {}
            }
        }
        for need in &needs {
            if need.ahead.grain() == Grain::Pieces {
                plan.so_far.sold += need.sold_today;
                plan.so_far.expected += need.of_today.mean;
            }
            plan.exceptions.extend(need.surprise());
            plan.exceptions.extend(need.awaited_in_vain());
        }
        let suppliers = self.purchasing.suppliers();
        let settings = &self.config.inventory;
        if let Some(of_all) = settings.fill_rate {
            let stretches: Vec<Stretch> =
                needs.iter().map(|need| need.usual_stretch(&suppliers)).collect();
            let of_each = settings.product_fill_rate_min.min(of_all);
            let share = Share { of_all, of_each };
            for (need, aimed) in needs.iter_mut().zip(chances_to_serve(&stretches, share)) {
                (need.service, need.aimed) =
                    (aimed.chance, Some((aimed.text(share), aimed.of_each)));
            }
        }
        let open = self.open_lines(scene);
        let (lines, refused) = compare(needs, (&suppliers, &open));
        plan.lines = lines;
        plan.exceptions.extend(refused);
        let cost = |line: &PlanLine| line.cost.map_or(0, Money::minor);
        plan.lines.sort_by(|a, b| cost(b).cmp(&cost(a)).then(a.product.cmp(&b.product)));
        plan.proposals = self.proposals(&plan, &suppliers);
        plan
    }

    /// Products that were sold at the place and still are, as far as an order could be made of them.
    fn products_at(&self, scene: &Scene) -> Planned {
        let on_order = self.on_order(scene);
        let suppliers = self.purchasing.suppliers();
        let offers = suppliers.values().flat_map(|stored| &stored.supplier.offers);
        let offered: FxHashSet<&str> = offers.map(|offer| offer.product_id.as_str()).collect();
        let mut planned = Planned::default();
        let mut found = Vec::new();
        self.each_sold(&scene.site, |views, item, product| {
            let is_on = product.availability != Availability::Discontinued;
            if !is_on || !views.sales.is_sold_at(item, scene.number) {
                return;
            }
            planned.n_considered += 1;
            let id = product.id.as_str();
            let is_bought = offered.contains(id) || on_order.contains_key(id);
            let is_counted = views.catalogue.stock().at(item, scene.number).is_some();
            planned.n_counted += usize::from(is_counted);
            let key = SeriesKey { item, location: Some(scene.number) };
            match is_counted || is_bought {
                true => found.push((Reverse((is_counted, is_bought)), key)),
                false => planned.n_unknown += 1,
            }
        });
        found.sort_unstable();
        planned.keys = found.into_iter().map(|(_, key)| key).collect();
        planned
    }

    /// What comes of open purchase orders for the place, by product.
    fn on_order(&self, scene: &Scene) -> rustc_hash::FxHashMap<String, Coming> {
        self.coming(scene, |_| true)
    }

    /// The same of those orders that are meant.
    fn coming(
        &self,
        scene: &Scene,
        is_meant: impl Fn(&PurchaseOrder) -> bool,
    ) -> rustc_hash::FxHashMap<String, Coming> {
        let suppliers = self.purchasing.suppliers();
        let mut coming: rustc_hash::FxHashMap<String, Coming> = rustc_hash::FxHashMap::default();
        self.purchasing.each_open(|order| {
            let is_here = order.location_id == scene.location.as_str();
            if is_here && order.site == scene.site.as_str() && is_meant(order) {
                for line in &order.lines {
                    let of_line = (order, line.quantity);
                    let delivery = Delivery::of(of_line, &suppliers, scene.today);
                    coming.entry(line.product_id.clone()).or_default().add(delivery);
                }
            }
        });
        coming
    }

    /// How many lines open orders for the place have, by supplier.
    fn open_lines(&self, scene: &Scene) -> rustc_hash::FxHashMap<String, OpenLines> {
        let mut open: rustc_hash::FxHashMap<String, OpenLines> = rustc_hash::FxHashMap::default();
        self.purchasing.each_open(|order| {
            if order.location_id == scene.location.as_str() && order.site == scene.site.as_str() {
                let known = open.entry(order.supplier_id.clone()).or_default();
                known.add(order.state, order.lines.len());
            }
        });
        open
    }

    fn need(
        &self,
        scene: &Scene,
        key: SeriesKey,
        on_order: &rustc_hash::FxHashMap<String, Coming>,
    ) -> Looked {
        let views = self.views.read();
        let Some(product) = views.catalogue.product(key.item).map(Arc::clone) else {
            return Looked::Nothing;
        };
        let Some(milli) = views.catalogue.stock().at(key.item, scene.number) else {
            let month = (Day::from_number(scene.today.number() - 28), scene.today);
            let sold = views.sales.sold_between((key.item, key.location), month);
            let text = format!(
                "stock at `{}` is not known; send `Stock Counted` or import a stock file",
                scene.location
            );
            let units = sold / 28.0 * STAKE_DAYS;
            return Looked::Odd(PlanException::of("stock_unknown", (&product, units), text));
        };
        let Some(outlook) = self.forecasts.get(key) else { return Looked::Pending };
        let place = (key.item, scene.number);
        let lots = shelf::lots(&views, place, (scene.today, &product));
        let lost_share = shelf::lost_share(&views, place, &product);
        let sold_today = views.sales.sold_on((key.item, key.location), scene.today);
        drop(views);
        let on_hand = milli as f64 / 1_000.0;
        let coming = on_order.get(product.id.as_str()).cloned().unwrap_or_default();
        let mut warnings = coming.texts();
        if on_hand < 0.0 {
            warnings.push(format!("stock is {on_hand:.0}, below 0: it counts as 0; count it"));
        }
        let (before, recent) = outlook.peaks;
        if before > 0.0 && recent > JUMP_MAX * before {
            warnings.push(format!(
                "{recent:.0} were sold on a day of the last week, and never more than {before:.0} before: check \
                 the sales"
            ));
        }
        let settings = &self.config.inventory;
        let today = scene.today;
        let chance = settings
            .waste_chance_max
            .unwrap_or_else(|| self.waste_chance(&scene.site, &product, settings.service_level));
        let mut ahead = Ahead::of(&outlook, today);
        let heard = self.heard((&scene.site, &product.id), Some(&scene.location), today);
        ahead.hear(today, &heard);
        let of_today = ahead.over(1.0);
        let ahead = ahead.after_sales(sold_today);
        let shelf = Shelf { lots, keeps_days: shelf::keeps_days(&product), chance, lost_share };
        Looked::Need(Box::new(Need {
            product,
            on_hand,
            coming,
            today,
            forecast_from: outlook.first,
            sold_today,
            of_today,
            ahead,
            shelf,
            confidence: outlook.confidence,
            is_unbooked: false,
            warnings,
            notes: Vec::new(),
            overrides: heard.iter().map(ForecastOverride::text).collect(),
            currency: self.config.site(&scene.site).map(|site| site.currency),
            review_days: settings.review_days as f64,
            lead_days: settings.lead_time_days as f64,
            service: settings.service_level,
            aimed: None,
        }))
    }
}

/// What was found of a product.
enum Looked {
    Need(Box<Need>),
    Odd(PlanException),
    Pending,
    Nothing,
}

/// Approves by rule what the settings allow, until the application is gone.
pub(crate) async fn keep_replenished(app: Weak<App>) {
    loop {
        tokio::time::sleep(RULE_PAUSE).await;
        let Some(app) = app.upgrade() else { return };
        if !app.automatic().is_on || app.check_ready().is_err() {
            continue;
        }
        match app.reorder_by_rule().await {
            Ok(orders) => {
                for order in orders {
                    tracing::info!(id = order.id, "a purchase order was approved by rule");
                }
            }
            Err(error) => tracing::warn!(%error, "the rule could not look at what to order"),
        }
    }
}
