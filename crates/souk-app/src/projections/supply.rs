use std::collections::{BTreeMap, BTreeSet};

use rustc_hash::FxHashMap;
use souk_core::{
    Currency, Day, Money, Promotion, PromotionPhase, StockChange, StockMovement, Timestamp, Unit,
};
use souk_recommend::Item;
use xxhash_rust::xxh3::xxh3_64;

mod codec;
mod fold;
mod losses;
mod past;

use losses::Losses;
use past::Past;
pub(crate) use past::Stood;

/// Stock-outs of one shelf that are remembered, the latest ones (chosen: one a day for three years).
const OUTS_MAX: usize = 1_100;
/// Prices of one product that are remembered, the latest ones (chosen: one a week for ten years).
const PRICES_MAX: usize = 520;
/// Runs of one promotion's id, the latest ones.
const RUNS_MAX: usize = 100;
/// Products of a run that are told apart; chosen: a campaign of more is one of everything.
const RUN_ITEMS_MAX: usize = 20_000;
/// Receipts of a day at a place among which repeated ones are looked for.
const SEEN_MAX: usize = 100_000;
/// Promotions by id; beyond, the one that ended first goes (chosen).
const PROMOTIONS_MAX: usize = 100_000;
/// Days of a feed's sums of stock that are kept: what is usual is told from them.
const STOCK_DAYS: usize = 100;
/// Days of its sums of sales: as many as a series has, so that the same date of the years before is among them.
const SALES_DAYS: usize = 1_100;
/// Lots of one shelf whose last day is known.
const LOTS_MAX: usize = 200;

/// What demand is read with beside the sales themselves: when shelves were empty, what prices and promotions
/// held, when lots expire, and how much came in by each feed. Nothing of persons: folded from sales, stock,
/// prices and promotions alone, so consent and erasure change nothing here.
///
/// Units sold stand in [`DailySales`](super::DailySales) and present stock in the catalogue; neither is kept
/// twice. Every list is bounded: a shelf without a stock-out takes one row of the map.
#[derive(Clone, Debug, Default)]
pub(crate) struct Supply {
    /// By product and place.
    shelves: FxHashMap<(Item, u32), Shelf>,
    prices: FxHashMap<Item, Vec<Priced>>,
    /// By site and the shop's own name for it.
    promotions: BTreeMap<(u32, Box<str>), Vec<Run>>,
    lots: FxHashMap<(Item, u32), Vec<Lot>>,
    /// Of shelves that something was written off of.
    losses: FxHashMap<(Item, u32), Losses>,
    /// Of shelves whose stock was ever known.
    past: FxHashMap<(Item, u32), Past>,
    /// By site and place: what one site sells says nothing of another's, where both share a place.
    feeds: FxHashMap<SitePlace, Feed>,
}

/// A site and a place, by their dense numbers.
pub(crate) type SitePlace = (u32, u32);

/// A lot and its last day.
type Lot = (Box<str>, Day);

/// When a shelf was empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Shelf {
    /// Since when it is empty.
    since: Option<Timestamp>,
    /// From when until when it was, the oldest first.
    outs: Vec<(Timestamp, Timestamp)>,
}

/// A price from a moment on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Priced {
    pub(crate) from: Timestamp,
    pub(crate) minor: i64,
    pub(crate) currency: Currency,
}

/// One run of a promotion.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Run {
    /// Its products; empty means all of the site.
    pub(crate) items: Vec<Item>,
    pub(crate) from: Option<Day>,
    pub(crate) until: Option<Day>,
    /// When it was said to have begun and ended.
    pub(crate) began: Option<Timestamp>,
    pub(crate) ended: Option<Timestamp>,
    pub(crate) discount_bp: Option<u32>,
}

/// What came in of sales and stock at one place, day by day.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Feed {
    /// By business day.
    pub(crate) sales: BTreeMap<i32, SalesDay>,
    /// By day in UTC.
    pub(crate) stock: BTreeMap<i32, StockDay>,
    /// The newest fact about stock.
    pub(crate) stock_at: Option<Timestamp>,
    /// What was received on the newest day, to tell a file that came twice.
    seen: BTreeSet<u64>,
}

/// Sums of one business day's sales, in thousandths of a piece. What is measured counts as one piece a line, see [`pieces`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct SalesDay {
    pub(crate) lines: i64,
    pub(crate) milli: i64,
}

/// Sums of one day's facts about stock, in thousandths of a piece likewise; what is measured is not compared with what was
/// believed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct StockDay {
    pub(crate) counts: u32,
    /// What was counted where stock was believed to be, and what was believed.
    pub(crate) counted_milli: i64,
    pub(crate) believed_milli: i64,
    /// What was counted where nothing was believed.
    pub(crate) fresh_milli: i64,
    pub(crate) receipts: u32,
    pub(crate) received_milli: i64,
    /// Receipts of the same product, quantity and lot as another one of the day.
    pub(crate) repeats: u32,
    pub(crate) written_off_milli: i64,
}

/// A fact about stock as this fold takes it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StockFact<'a> {
    pub(crate) item: Item,
    pub(crate) place: SitePlace,
    pub(crate) change: &'a StockChange,
    /// What was believed to be there before of what it counts, one lot or all of them, in thousandths.
    pub(crate) before: Option<i64>,
    pub(crate) at: Timestamp,
}

fn utc_day(at: Timestamp) -> i32 {
    i32::try_from(at.as_ms().div_euclid(86_400_000)).expect("9999 fits")
}

/// Whether a quantity is no number of pieces: litres and kilograms added to pieces say nothing, and at a filling station
/// they would say all. Lines of orders have no unit, but hardly one that is weighed is whole.
fn is_measured(milli: i64) -> bool {
    milli % 1_000 != 0
}

/// A quantity in thousandths of a piece: of what is measured one piece, however much it is.
fn pieces(milli: i64) -> i64 {
    if is_measured(milli) { 1_000 * milli.signum() } else { milli }
}

/// The entry of a day; a full map forgets its first day, and takes none before it.
fn entry<T: Default>(days: &mut BTreeMap<i32, T>, day: i32, most: usize) -> Option<&mut T> {
    if days.len() >= most && !days.contains_key(&day) {
        if days.first_key_value().is_some_and(|(first, _)| day < *first) {
            return None;
        }
        days.pop_first();
    }
    Some(days.entry(day).or_default())
}

impl Supply {
    /// Notes what stands on a shelf after something changed; `None` where that is not known.
    pub(crate) fn note_level(&mut self, place: (Item, u32), milli: Option<i64>, at: Timestamp) {
        let Some(milli) = milli else { return };
        self.past.entry(place).or_default().note_level(milli, at);
        if let Some(losses) = self.losses.get_mut(&place) {
            losses.note_level(milli, at);
        }
        if milli <= 0 {
            let shelf = self.shelves.entry(place).or_default();
            shelf.since.get_or_insert(at);
            return;
        }
        self.end_out(place, at);
    }

    /// Notes a sale off a shelf whose books say that nothing was there before it: there was, so it is not empty since. How much
    /// is left nobody knows, so it is not empty after it either.
    pub(crate) fn note_sold_from_none(&mut self, place: (Item, u32), at: Timestamp) {
        let is_before = |shelf: &Shelf| shelf.since.is_some_and(|since| since < at);
        if self.shelves.get(&place).is_some_and(is_before) {
            self.end_out(place, at);
        }
    }

    fn end_out(&mut self, place: (Item, u32), at: Timestamp) {
        let Some(shelf) = self.shelves.get_mut(&place) else { return };
        if let Some(since) = shelf.since.take() {
            if shelf.outs.len() >= OUTS_MAX {
                shelf.outs.remove(0);
            }
            shelf.outs.push((since.min(at), at));
        }
    }

    /// When the shelf was empty, the oldest first; the last one may go on until `now`.
    pub(crate) fn outs(
        &self,
        place: (Item, u32),
        now: Timestamp,
    ) -> impl Iterator<Item = (Timestamp, Timestamp)> + '_ {
        let shelf = self.shelves.get(&place);
        let open = shelf.and_then(|shelf| shelf.since).map(|since| (since, now.max(since)));
        shelf.into_iter().flat_map(|shelf| shelf.outs.iter().copied()).chain(open)
    }

    /// Notes a product's price, where it is another than before.
    pub(crate) fn note_price(&mut self, item: Item, price: Option<Money>, at: Timestamp) {
        let Some(price) = price else { return };
        let prices = self.prices.entry(item).or_default();
        let new = Priced { from: at, minor: price.minor(), currency: price.currency() };
        let place = prices.partition_point(|known| known.from <= at);
        let is_same = |known: &Priced| (known.minor, known.currency) == (new.minor, new.currency);
        if place.checked_sub(1).is_some_and(|before| is_same(&prices[before])) {
            return;
        }
        prices.insert(place, new);
        if prices.len() > PRICES_MAX {
            prices.remove(0);
        }
    }

    /// The prices of a product, the oldest first.
    pub(crate) fn prices(&self, item: Item) -> &[Priced] {
        self.prices.get(&item).map_or(&[], Vec::as_slice)
    }

    /// Takes in what was said of a promotion.
    pub(crate) fn note_promotion(
        &mut self,
        site: u32,
        said: (&Promotion, Vec<Item>),
        at: Timestamp,
    ) {
        let (promotion, items) = said;
        let key = (site, promotion.promotion_id.clone());
        if self.promotions.len() >= PROMOTIONS_MAX && !self.promotions.contains_key(&key) {
            // One without an end may still go on.
            let last = |runs: &Vec<Run>| {
                runs.last().and_then(|run| run.until).map_or(i32::MAX, |day| day.number())
            };
            let first = self.promotions.iter().min_by_key(|(_, runs)| last(runs));
            let first = first.map(|(key, _)| key.clone());
            first.and_then(|first| self.promotions.remove(&first));
        }
        let runs = self.promotions.entry(key).or_default();
        let is_over = |run: &Run| match promotion.phase {
            PromotionPhase::Ended => false,
            PromotionPhase::Started => run.ended.is_some(),
            PromotionPhase::Planned => {
                run.ended.is_some() || run.from.is_some() && run.from != promotion.from
            }
        };
        let runs_at = match promotion.phase {
            // A file of several runs may come in any order.
            PromotionPhase::Planned => runs.iter().position(|run| !is_over(run)),
            _ => runs.len().checked_sub(1).filter(|last| !is_over(&runs[*last])),
        };
        let idx = runs_at.unwrap_or_else(|| {
            if runs.len() >= RUNS_MAX {
                runs.remove(0);
            }
            runs.push(Run::default());
            runs.len() - 1
        });
        let run = &mut runs[idx];
        let is_new = run.from.is_none() && run.began.is_none() && run.ended.is_none();
        let is_of_all = !is_new && run.items.is_empty();
        for item in items {
            if !is_of_all && run.items.len() < RUN_ITEMS_MAX && !run.items.contains(&item) {
                run.items.push(item);
            }
        }
        run.from = promotion.from.or(run.from);
        run.until = promotion.until.or(run.until);
        run.discount_bp = promotion.discount_bp.or(run.discount_bp);
        match promotion.phase {
            PromotionPhase::Planned => {}
            PromotionPhase::Started => run.began = Some(at),
            PromotionPhase::Ended => run.ended = Some(at),
        }
    }

    /// The runs that a product takes part in.
    pub(crate) fn runs(&self, site: u32, item: Item) -> impl Iterator<Item = &Run> {
        let of_site = self.promotions.range((site, Box::from(""))..);
        let of_site = of_site.take_while(move |((of, _), _)| *of == site);
        let all = of_site.flat_map(|(_, runs)| runs);
        all.filter(move |run| run.items.is_empty() || run.items.contains(&item))
    }

    /// Takes in a fact about stock, for lots and for the watch over the feed.
    pub(crate) fn note_stock(&mut self, fact: &StockFact<'_>) {
        let change = fact.change;
        if let (Some(lot), Some(day)) = (change.lot.as_deref(), change.expires_on) {
            self.note_lot((fact.item, fact.place.1), lot, day);
        }
        let feed = self.feeds.entry(fact.place).or_default();
        feed.stock_at = feed.stock_at.max(Some(fact.at));
        let day = utc_day(fact.at);
        let is_newest = feed.stock.last_key_value().is_none_or(|(last, _)| *last < day);
        if is_newest {
            feed.seen.clear();
        }
        let is_last =
            is_newest || feed.stock.last_key_value().is_some_and(|(last, _)| *last == day);
        let Some(sums) = entry(&mut feed.stock, day, STOCK_DAYS) else { return };
        let whole = change.quantity.milli();
        let is_measured = change.quantity.unit() != Unit::Each || is_measured(whole);
        let milli = if is_measured { 1_000 * whole.signum() } else { whole };
        match change.movement {
            StockMovement::Counted => {
                sums.counts += 1;
                match fact.before.filter(|before| *before > 0) {
                    Some(_) if is_measured => {}
                    Some(before) => {
                        sums.counted_milli = sums.counted_milli.saturating_add(milli);
                        sums.believed_milli = sums.believed_milli.saturating_add(before);
                    }
                    None => sums.fresh_milli = sums.fresh_milli.saturating_add(milli),
                }
            }
            StockMovement::Received => {
                sums.receipts += 1;
                sums.received_milli = sums.received_milli.saturating_add(milli);
                let lot = change.lot.as_deref().unwrap_or_default();
                let text = format!("{}\u{0}{whole}\u{0}{lot}", change.product);
                let receipt = xxh3_64(text.as_bytes());
                if is_last && feed.seen.contains(&receipt) {
                    sums.repeats += 1;
                } else if is_last && feed.seen.len() < SEEN_MAX {
                    feed.seen.insert(receipt);
                }
            }
            StockMovement::WrittenOff => {
                sums.written_off_milli = sums.written_off_milli.saturating_add(milli);
                let losses = self.losses.entry((fact.item, fact.place.1)).or_default();
                losses.note_loss(whole, fact.at);
                let past = self.past.entry((fact.item, fact.place.1)).or_default();
                past.note_written_off(whole, fact.at);
            }
            StockMovement::Moved => {}
        }
    }

    fn note_lot(&mut self, place: (Item, u32), lot: &str, day: Day) {
        let lots = self.lots.entry(place).or_default();
        match lots.iter_mut().find(|(known, _)| **known == *lot) {
            Some(known) => known.1 = day,
            None => {
                if lots.len() >= LOTS_MAX {
                    lots.remove(0);
                }
                lots.push((lot.into(), day));
            }
        }
    }

    /// The last day that a lot may be sold.
    pub(crate) fn expires(&self, place: (Item, u32), lot: &str) -> Option<Day> {
        let lots = self.lots.get(&place)?;
        lots.iter().find(|(known, _)| **known == *lot).map(|(_, day)| *day)
    }

    /// The share of what stands on a shelf that is lost by the next day without being sold, by what was written off there.
    pub(crate) fn lost_share(&self, place: (Item, u32)) -> f64 {
        self.losses.get(&place).map_or(0.0, Losses::share)
    }

    /// What stood on a shelf on the evenings between two days in UTC, both included, as far as that is known.
    pub(crate) fn stood(&self, place: (Item, u32), days: (Day, Day)) -> Stood {
        let days = (days.0.number(), days.1.number());
        self.past.get(&place).map_or(Stood::default(), |past| past.stood(days))
    }

    /// Thousandths that were written off of a shelf between two days in UTC, both included.
    pub(crate) fn written_off_milli(&self, place: (Item, u32), days: (Day, Day)) -> i64 {
        let days = (days.0.number(), days.1.number());
        self.past.get(&place).map_or(0, |past| past.written_off(days))
    }

    /// When a lot is sold, the lowest number first: by its last day (FEFO); then what has none; then what is past it on
    /// the day `day` (in UTC).
    pub(super) fn sold_rank(&self, place: (Item, u32), lot: Option<&str>, day: i32) -> i32 {
        match lot.and_then(|lot| self.expires(place, lot)) {
            Some(last) if last.number() >= day => last.number(),
            None => i32::MAX - 1,
            Some(_) => i32::MAX,
        }
    }

    /// Takes in what counts of a sale (`sign` 1), or no longer counts (−1).
    pub(crate) fn note_sale(&mut self, (place, day): (SitePlace, Day), milli: i64, sign: i64) {
        let feed = self.feeds.entry(place).or_default();
        if let Some(sums) = entry(&mut feed.sales, day.number(), SALES_DAYS) {
            sums.lines += sign;
            sums.milli = sums.milli.saturating_add(pieces(milli).saturating_mul(sign));
        }
    }

    /// What came in of a site at a place.
    pub(crate) fn feed(&self, place: SitePlace) -> Option<&Feed> {
        self.feeds.get(&place)
    }

    /// Every site and place that sales or stock were told of.
    pub(crate) fn places(&self) -> impl Iterator<Item = SitePlace> + '_ {
        self.feeds.keys().copied()
    }

    pub(crate) fn bytes(&self) -> usize {
        let outs: usize = self.shelves.values().map(|shelf| shelf.outs.capacity() * 16).sum();
        let prices: usize = self.prices.values().map(|list| list.capacity()).sum();
        let lots: usize = self.lots.values().map(|list| list.len() * 40).sum();
        let losses: usize = self.losses.values().map(Losses::bytes).sum();
        let past: usize = self.past.values().map(Past::bytes).sum();
        let runs: usize = self.promotions.values().flatten().map(|run| run.items.len() * 4).sum();
        let n_runs: usize = self.promotions.values().map(Vec::len).sum();
        self.shelves.capacity() * (size_of::<Shelf>() + 9)
            + outs
            + self.prices.capacity() * 33
            + prices * size_of::<Priced>()
            + lots
            + losses
            + past
            + runs
            + n_runs * (size_of::<Run>() + 40)
            + self.feeds.len() * (STOCK_DAYS * 100 + SALES_DAYS * 32)
    }

    /// Every part of the state as numbers and texts, for a digest of it: `item` and `location` are dense.
    pub(crate) fn entries(&self, hear: &mut dyn FnMut(Option<Item>, Option<u32>, String)) {
        for ((item, location), shelf) in &self.shelves {
            if *shelf != Shelf::default() {
                hear(Some(*item), Some(*location), format!("out {shelf:?}"));
            }
        }
        for (item, prices) in &self.prices {
            hear(Some(*item), None, format!("price {prices:?}"));
        }
        for ((_, id), runs) in &self.promotions {
            for run in runs {
                let run_of_all = Run { items: Vec::new(), ..run.clone() };
                hear(None, None, format!("promotion {id} {run_of_all:?} {}", run.items.len()));
                for item in &run.items {
                    hear(Some(*item), None, format!("in promotion {id} {:?}", run.from));
                }
            }
        }
        for ((item, location), lots) in &self.lots {
            hear(Some(*item), Some(*location), format!("lots {lots:?}"));
        }
        for ((item, location), losses) in &self.losses {
            hear(Some(*item), Some(*location), format!("{losses:?}"));
        }
        for ((item, location), past) in &self.past {
            hear(Some(*item), Some(*location), format!("{past:?}"));
        }
        for ((_, location), feed) in &self.feeds {
            let is_told = |day: &SalesDay| *day != SalesDay::default();
            let sales: Vec<_> = feed.sales.iter().filter(|(_, day)| is_told(day)).collect();
            if !sales.is_empty() || !feed.stock.is_empty() {
                hear(None, Some(*location), format!("feed {sales:?} {:?}", feed.stock));
            }
        }
    }
}

#[cfg(test)]
mod tests;
