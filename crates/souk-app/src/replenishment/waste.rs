//! What will go off before it is sold, what that costs, and what could be done about it.
//!
//! Nothing here changes a price or moves a box: these are proposals for a person. A markdown claims no more than what
//! past promotions or prices of the same product at the same place taught, and no discount deeper than those.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};
use souk_core::{Day, LocationId, Money, Product, ProductId, SiteId};
use souk_inventory::demand::Grain;
use souk_inventory::expiry::{Markdown, Options, Proposal, Risk, Transfer, propose};
use souk_recommend::Item;

use super::shelf::{self, ShelfLot};
use super::{MADE_AT_ONCE, Scene};
use crate::demand::SeriesKey;
use crate::forecasts::{Ahead, LowerPrice};
use crate::projections::Views;
use crate::threads::aside;
use crate::{App, AppError, Caller};

/// Lots that are listed (chosen).
const LOTS_MAX: usize = 500;
/// Units below which a loss is not worth a row.
const UNSOLD_MIN: f64 = 0.05;
/// Days that the figures look back over.
const FIGURE_DAYS: i32 = 28;
/// The chance where price or cost of what goes off is not known, and the least one whatever the margin (chosen: a shelf that
/// is empty more often than not is no offer).
const WASTE_CHANCE: f64 = 0.6;
const WASTE_CHANCE_MIN: f64 = 0.5;
/// Shares off that are tried, as deep as the past goes.
const SHARES_OFF: [f64; 8] = [0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6];

/// What goes off at a place.
#[derive(Clone, Debug, PartialEq)]
pub struct WasteReport {
    /// Whose.
    pub site: SiteId,
    /// Where.
    pub location: LocationId,
    /// The business day there.
    pub today: Day,
    /// Lots that will not be sold whole, the dearest loss first.
    pub lots: Vec<LotRisk>,
    /// How many more there are.
    pub n_more: usize,
    /// Products whose forecast is not made yet.
    pub n_pending: usize,
    /// What is lost and was lost.
    pub figures: WasteFigures,
}

/// A lot that will not be sold whole.
#[derive(Clone, Debug, PartialEq)]
pub struct LotRisk {
    /// Which product.
    pub product: ProductId,
    /// Its title.
    pub title: String,
    /// Which lot; `None` for units that no lot was told of.
    pub lot: Option<String>,
    /// The last day it may be sold.
    pub expires_on: Day,
    /// Whether that day was told; else it is that of a fresh unit.
    pub is_told: bool,
    /// Days on which it may be sold, today included.
    pub days_left: u32,
    /// Units there are.
    pub units: f64,
    /// Units that will not be sold, on average.
    pub unsold: f64,
    /// The chance that some are not.
    pub chance: f64,
    /// What they cost to buy, by the product's cost or else the least offer; `None` where neither is known.
    pub value: Option<Money>,
    /// What brings the most.
    pub advice: LotAdvice,
}

/// What to do with a lot.
#[derive(Clone, Debug, PartialEq)]
pub enum LotAdvice {
    /// It is past its last day.
    WriteOff,
    /// Nothing that is known would bring more.
    Keep {
        /// Why.
        text: String,
    },
    /// Sell it cheaper.
    MarkDown {
        /// The share off.
        off: f64,
        /// The price then.
        price: Money,
        /// Units that are sold because of it.
        sold: f64,
        /// Money more than keeping.
        gain: Money,
        /// What that rests on.
        text: String,
    },
    /// Send some to another place.
    Move {
        /// Where.
        to: LocationId,
        /// How many.
        units: f64,
        /// Money more than keeping.
        gain: Money,
        /// What that rests on.
        text: String,
    },
}

/// What is lost at a place.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WasteFigures {
    /// Units of all lots that will not be sold, on average.
    pub unsold: f64,
    /// What they cost to buy, as far as that is known in the site's currency; `None` where it is of none of them.
    pub value: Option<Money>,
    /// Units that are past their last day and still in the books.
    pub expired: f64,
    /// Days that the next two look back over.
    pub days: i32,
    /// Pieces that were written off.
    pub written_off: f64,
    /// Pieces that were sold of products whose stock is known or some of which was written off.
    pub sold: f64,
    /// Such products that are measured, in litres or kilograms: they are in neither sum.
    pub n_measured: usize,
}

impl WasteFigures {
    /// Pieces written off over all that left the shelves; `None` where nothing did.
    pub fn rate(&self) -> Option<f64> {
        let left = self.written_off + self.sold;
        (left > 0.0).then(|| self.written_off / left)
    }
}

/// A product with lots.
struct Stocked {
    key: SeriesKey,
    product: Arc<Product>,
    lots: Vec<ShelfLot>,
    is_sold_here: bool,
    /// Other places that sell it, where the caller may look.
    elsewhere: Vec<(u32, LocationId)>,
}

/// A lot with what is expected of it.
struct AtRisk<'a> {
    one: &'a Stocked,
    ahead: &'a Ahead,
    /// What lower prices did here.
    learned: Option<LowerPrice>,
    /// Its place among the product's lots.
    idx: usize,
    risk: Risk,
    /// What other places are to get of the lots before it.
    sent: &'a BTreeMap<LocationId, f64>,
}

/// Another place that would sell some.
struct Room {
    to: LocationId,
    units: f64,
}

impl App {
    /// What goes off at a place before it is sold, and what could be done.
    ///
    /// # Errors
    ///
    /// As [`App::replenishment`].
    pub async fn waste(
        self: &Arc<App>,
        (site, location): (&SiteId, &LocationId),
        caller: &Caller,
    ) -> Result<WasteReport, AppError> {
        let scene = self.scene((site, location), caller)?;
        let (app, caller) = (Arc::clone(self), caller.clone());
        aside("looking for waste", move || app.looked_through(&scene, &caller)).await
    }

    fn looked_through(&self, scene: &Scene, caller: &Caller) -> WasteReport {
        let stocked = self.stocked(scene, caller);
        let here = stocked.iter().filter(|one| one.is_sold_here).map(|one| one.key);
        let there = stocked.iter().flat_map(|one| {
            let at = move |(number, _): &(u32, LocationId)| SeriesKey {
                item: one.key.item,
                location: Some(*number),
            };
            one.elsewhere.iter().map(at)
        });
        self.make_at_once(&scene.site, here.chain(there), MADE_AT_ONCE);
        let mut report = WasteReport {
            site: scene.site.clone(),
            location: scene.location.clone(),
            today: scene.today,
            lots: Vec::new(),
            n_more: 0,
            n_pending: 0,
            figures: self.past_figures(scene),
        };
        for one in &stocked {
            let outlook = self.forecasts.get(one.key);
            let mut ahead = match (&outlook, one.is_sold_here) {
                (Some(outlook), _) => Ahead::of(outlook, scene.today),
                (None, false) => Ahead::none(),
                (None, true) => {
                    report.n_pending += 1;
                    continue;
                }
            };
            let ids = (&scene.site, &one.product.id);
            ahead.hear(scene.today, &self.heard(ids, Some(&scene.location), scene.today));
            let ahead = ahead.after_sales(self.sold_on(one.key, scene.today));
            let learned = outlook.as_ref().and_then(|outlook| outlook.lower_price);
            self.look_at_lots(scene, (one, &ahead, learned), &mut report);
        }
        report.figures.unsold = report.lots.iter().map(|lot| lot.unsold).sum();
        let own = self.config.site(&scene.site).map(|site| site.currency);
        let values = report.lots.iter().filter_map(|lot| lot.value);
        let in_own = values.filter(|value| Some(value.currency()) == own).map(Money::minor);
        let sum = in_own.reduce(i64::saturating_add);
        let sum = sum.or(report.lots.is_empty().then_some(0));
        report.figures.value = own.zip(sum).map(|(own, sum)| Money::from_minor(sum, own));
        let worth = |lot: &LotRisk| lot.value.map_or(0, Money::minor);
        report.lots.sort_by(|a, b| {
            let by_worth = worth(b).cmp(&worth(a)).then(b.unsold.total_cmp(&a.unsold));
            by_worth.then(a.product.cmp(&b.product)).then(a.lot.cmp(&b.lot))
        });
        report.n_more = report.lots.len().saturating_sub(LOTS_MAX);
        report.lots.truncate(LOTS_MAX);
        report
    }

    /// Adds a product's lots to the report, the first to go off first: what is proposed to send of one is no room of another
    /// place for the next.
    fn look_at_lots(
        &self,
        scene: &Scene,
        (one, ahead, learned): (&Stocked, &Ahead, Option<LowerPrice>),
        report: &mut WasteReport,
    ) {
        let mut sent = BTreeMap::new();
        for (idx, risk) in shelf::expected(ahead, &one.lots).into_iter().enumerate() {
            let at = AtRisk { one, ahead, learned, idx, risk, sent: &sent };
            if at.lot().days_left == 0 {
                report.figures.expired += at.lot().units;
            }
            if risk.wasted < UNSOLD_MIN {
                continue;
            }
            let row = self.row(scene, &at);
            if let LotAdvice::Move { to, units, .. } = &row.advice {
                *sent.entry(to.clone()).or_insert(0.0) += units;
            }
            report.lots.push(row);
        }
    }

    /// Every product of the place with lots that go off.
    fn stocked(&self, scene: &Scene, caller: &Caller) -> Vec<Stocked> {
        let mut found = Vec::new();
        self.each_sold(&scene.site, |views, item, _| {
            let Some(product) = views.catalogue.product(item) else { return };
            let lots = shelf::lots(views, (item, scene.number), (scene.today, product));
            if lots.is_empty() {
                return;
            }
            found.push(Stocked {
                key: SeriesKey { item, location: Some(scene.number) },
                product: Arc::clone(product),
                lots,
                is_sold_here: views.sales.is_sold_at(item, scene.number),
                elsewhere: elsewhere(views, (item, scene.number), caller),
            });
        });
        found
    }

    /// Units that were sold on a day; what came back is not taken off.
    pub(crate) fn sold_on(&self, key: SeriesKey, day: Day) -> f64 {
        self.views.read().sales.sold_on((key.item, key.location), day)
    }

    fn past_figures(&self, scene: &Scene) -> WasteFigures {
        let mut figures = WasteFigures { days: FIGURE_DAYS, ..WasteFigures::default() };
        let days = (Day::from_number(scene.today.number() - FIGURE_DAYS + 1), scene.today);
        self.each_sold(&scene.site, |views, item, _| {
            let place = (item, scene.number);
            let on_hand = views.catalogue.stock().at(item, scene.number);
            let milli = views.supply.written_off_milli(place, days);
            // Whose stock nobody tells is not on the shelves that are watched: fuel at a pump, a service.
            if on_hand.is_none() && milli == 0 {
                return;
            }
            let written_off = milli as f64 / 1_000.0;
            let sold = views.sales.sold_between((item, Some(scene.number)), days);
            let on_hand = on_hand.unwrap_or(0) as f64 / 1_000.0;
            if [written_off, sold, on_hand].iter().any(|units| units.fract() != 0.0) {
                figures.n_measured += 1;
                return;
            }
            figures.written_off += written_off;
            figures.sold += sold;
        });
        figures
    }

    fn row(&self, scene: &Scene, at: &AtRisk<'_>) -> LotRisk {
        let (lot, risk) = (at.lot(), at.risk);
        let product = &at.one.product;
        let times = |price: Money, units: f64| {
            Money::from_minor((price.minor() as f64 * units).round() as i64, price.currency())
        };
        let advice = match (lot.days_left, product.price.filter(|price| price.minor() > 0)) {
            (0, _) => LotAdvice::WriteOff,
            (_, None) => LotAdvice::Keep { text: "its price is not known".to_owned() },
            (_, Some(price)) => self.advice(scene, at, price),
        };
        LotRisk {
            product: product.id.clone(),
            title: product.title.clone(),
            lot: lot.lot.clone(),
            expires_on: lot.expires_on,
            is_told: lot.is_told,
            days_left: lot.days_left,
            units: lot.units,
            unsold: risk.wasted,
            chance: risk.chance,
            value: self.cost_of(&scene.site, product).map(|cost| times(cost, risk.wasted)),
            advice,
        }
    }

    /// What a unit costs to buy: as the product says, or the least that a supplier asks for it in the site's currency.
    fn cost_of(&self, site: &SiteId, product: &Product) -> Option<Money> {
        let own = self.config.site(site).map(|site| site.currency);
        let offered = || {
            let suppliers = self.purchasing.suppliers();
            let offers =
                suppliers.values().filter_map(|one| one.supplier.offer(product.id.as_str()));
            let prices = offers.filter_map(|offer| offer.unit_price(offer.minimum));
            prices.filter(|price| Some(price.currency()) == own).min_by_key(|price| price.minor())
        };
        product.cost.or_else(offered)
    }

    /// The chance that is aimed at with what goes off where the settings name none: the margin over the price, but not
    /// below [`WASTE_CHANCE_MIN`] and not above the service level; [`WASTE_CHANCE`] where either is unknown.
    ///
    /// One more unit earns its margin with the chance that it sells and loses its cost with the chance that it goes off, so it
    /// is worth having up to the demand that is not exceeded with that chance (the newsvendor's critical ratio: Arrow, Harris
    /// and Marschak, Econometrica 19(3), 1951, for a single period).
    pub(super) fn waste_chance(&self, site: &SiteId, product: &Product, service: f64) -> f64 {
        if shelf::keeps_days(product).is_none() {
            return service;
        }
        let priced =
            product.price.filter(|price| price.minor() > 0).zip(self.cost_of(site, product));
        let alike = priced.filter(|(price, cost)| price.currency() == cost.currency());
        let ratio = alike.map_or(WASTE_CHANCE, |(price, cost)| {
            (price.minor() - cost.minor()) as f64 / price.minor() as f64
        });
        ratio.max(WASTE_CHANCE_MIN).min(service)
    }

    /// The proposal of the largest gain, in words.
    fn advice(&self, scene: &Scene, at: &AtRisk<'_>, price: Money) -> LotAdvice {
        let (lot, risk, learned) = (at.lot(), at.risk, at.learned);
        let settings = &self.config.inventory;
        let room = self.room(scene, at).and_then(|room| at.movable(room));
        let freight = settings.transfer_cost;
        let transfer = room.as_ref().map(|room| Transfer {
            room: room.units,
            per_unit: 0.0,
            per_trip: freight.unwrap_or(0) as f64,
        });
        let base = Options {
            units: risk.wasted,
            price: price.minor() as f64,
            salvage: 0.0,
            markdown: None,
            transfer,
        };
        let best = at.markdown(&base);
        let options = Options { markdown: best.map(|(markdown, _)| markdown), ..base };
        let money = |minor: f64| Money::from_minor(minor.round() as i64, price.currency());
        // Numbers were checked above, so there is always an answer.
        match propose(&options).unwrap_or(Proposal::Keep) {
            Proposal::MarkDown { off, gain } => {
                let (markdown, factor) = best.expect("a markdown was tried");
                let sold = markdown.sold * risk.wasted;
                let days = learned.map_or(0, |learned| learned.days);
                let price = money(price.minor() as f64 * (1.0 - off));
                let text = format!(
                    "{:.0} % off for the last {} days: {days} days with a lower price here say that {factor:.2} times as \
                     much is wanted then, so {sold:.1} of the {:.1} units are sold; {:.1} that sell anyway bring less",
                    off * 100.0,
                    lot.days_left,
                    risk.wasted,
                    markdown.anyway,
                );
                LotAdvice::MarkDown { off, price, sold, gain: money(gain), text }
            }
            Proposal::Move { units, gain } => {
                let to = room.expect("a place was tried").to;
                let cost = match freight {
                    Some(cost) => format!("after {} for the trip", money(cost as f64)),
                    None => {
                        "before freight, which `inventory.transfer_cost` does not tell".to_owned()
                    }
                };
                let text = format!(
                    "`{to}` would sell {units:.1} of them beyond what it has and gets, {} days on the way counted; {} at full \
                     price, {cost}",
                    settings.transfer_days,
                    money(units * price.minor() as f64),
                );
                LotAdvice::Move { to, units, gain: money(gain), text }
            }
            Proposal::Keep => {
                let why = match (learned, &room) {
                    (None, None) => {
                        "no lower price was ever seen here, so none is claimed to help, and no other place would sell one more"
                    }
                    (None, Some(_)) => {
                        "no lower price was ever seen here, so none is claimed to help, and moving it costs more than it \
                         brings"
                    }
                    (Some(_), None) => {
                        "the lower prices of the past would cost more than they bring, and no other place would sell one more"
                    }
                    (Some(_), Some(_)) => {
                        "a lower price and moving it would cost more than they bring"
                    }
                };
                LotAdvice::Keep { text: why.to_owned() }
            }
        }
    }

    /// The place that would sell the most of what is too much here, beyond what it has and gets, also of the lots before.
    fn room(&self, scene: &Scene, at: &AtRisk<'_>) -> Option<Room> {
        let one = at.one;
        let days = f64::from(at.lot().days_left) - self.config.inventory.transfer_days as f64;
        let rooms = one.elsewhere.iter().filter_map(|(number, to)| {
            let key = SeriesKey { item: one.key.item, location: Some(*number) };
            let outlook = self.forecasts.get(key)?;
            let ids = (&scene.site, &one.product.id);
            let today = self.place_clock(&scene.site, Some(to)).day(self.clock.now());
            let mut ahead = Ahead::of(&outlook, today);
            ahead.hear(today, &self.heard(ids, Some(to), today));
            let ahead = ahead.after_sales(self.sold_on(key, today));
            // Where its stock is not known, nothing is known of its need.
            let position = self.position(ids, Some(to), days)?;
            let sent = at.sent.get(to).copied().unwrap_or(0.0);
            let units = ahead.over(days).mean - position.total().max(0.0) - sent;
            (units > 0.0).then(|| Room { to: to.clone(), units })
        });
        rooms
            .filter(|_| days > 0.0)
            .max_by(|a, b| a.units.total_cmp(&b.units).then(b.to.cmp(&a.to)))
    }
}

/// Other places that sell a product, where the caller may look.
fn elsewhere(views: &Views, (item, here): (Item, u32), caller: &Caller) -> Vec<(u32, LocationId)> {
    let others = views
        .sales
        .locations(item)
        .into_iter()
        .filter(|number| *number != here && *number != crate::projections::NO_LOCATION);
    let named = others.filter_map(|number| {
        Some((number, LocationId::new(views.catalogue.location(number)).ok()?))
    });
    named.filter(|(_, id)| caller.check_location(Some(id)).is_ok()).collect()
}

impl AtRisk<'_> {
    fn lot(&self) -> &ShelfLot {
        &self.one.lots[self.idx]
    }

    /// What of a room can be used: of pieces whole ones, and no more than are too much here on average.
    fn movable(&self, room: Room) -> Option<Room> {
        let is_count = self.ahead.grain() == Grain::Pieces && self.lot().units.fract() == 0.0;
        let units = room.units.min(self.risk.wasted);
        let units = if is_count { units.floor() } else { units };
        (units > 0.0).then_some(Room { units, ..room })
    }

    /// The share off that gains the most by what lower prices did here, with how many times as much is wanted then.
    fn markdown(&self, base: &Options) -> Option<(Markdown, f64)> {
        let (learned, wasted) = (self.learned?, self.risk.wasted);
        let anyway = (self.lot().units - wasted).max(0.0);
        let mut best: Option<(Markdown, f64, f64)> = None;
        for off in SHARES_OFF.into_iter().filter(|off| *off <= learned.deepest + 1e-9) {
            let factor = learned.factor(off);
            if factor <= 1.0 {
                continue;
            }
            let left = shelf::expected(&self.ahead.times(factor), &self.one.lots)[self.idx].wasted;
            let sold = ((wasted - left) / wasted).clamp(0.0, 1.0);
            let markdown = Markdown { off, sold, anyway };
            let alone = Options { markdown: Some(markdown), transfer: None, ..*base };
            if let Ok(Proposal::MarkDown { gain, .. }) = propose(&alone)
                && best.is_none_or(|(_, _, most)| gain > most)
            {
                best = Some((markdown, factor, gain));
            }
        }
        best.map(|(markdown, factor, _)| (markdown, factor))
    }
}

/// The report as the contract writes it.
pub fn waste_to_json(report: &WasteReport) -> Value {
    let figures = &report.figures;
    json!({
        "site": report.site.as_str(),
        "location_id": report.location.as_str(),
        "today": report.today.to_string(),
        "lots": report.lots.iter().map(lot_to_json).collect::<Vec<_>>(),
        "more_lots": report.n_more,
        "pending": report.n_pending,
        "figures": {
            "unsold": round(figures.unsold),
            "value": figures.value.map(money),
            "expired": round(figures.expired),
            "days": figures.days,
            "written_off": round(figures.written_off),
            "sold": round(figures.sold),
            "waste_rate": figures.rate().map(round),
            "measured_products": figures.n_measured,
        },
    })
}

fn round(value: f64) -> f64 {
    // Nothing is 0, not -0.
    (value * 1_000.0).round() / 1_000.0 + 0.0
}

fn money(money: Money) -> Value {
    json!({"amount": money.minor(), "currency": money.currency().as_str()})
}

fn lot_to_json(lot: &LotRisk) -> Value {
    let proposal = match &lot.advice {
        LotAdvice::WriteOff => {
            json!({"action": "write_off", "text": "it is past its last day: write it off, or count it"})
        }
        LotAdvice::Keep { text } => json!({"action": "keep", "text": text}),
        LotAdvice::MarkDown { off, price, sold, gain, text } => json!({
            "action": "mark_down", "discount_percent": round(off * 100.0), "price": money(*price),
            "sold": round(*sold), "gain": money(*gain), "text": text,
        }),
        LotAdvice::Move { to, units, gain, text } => json!({
            "action": "move", "to": to.as_str(), "units": round(*units), "gain": money(*gain), "text": text,
        }),
    };
    json!({
        "product_id": lot.product.as_str(),
        "title": lot.title,
        "lot": lot.lot,
        "expires_on": lot.expires_on.to_string(),
        "expiry_told": lot.is_told,
        "days_left": lot.days_left,
        "units": round(lot.units),
        "unsold": round(lot.unsold),
        "chance": round(lot.chance),
        "value": lot.value.map(money),
        "proposal": proposal,
    })
}

#[cfg(test)]
mod tests;
