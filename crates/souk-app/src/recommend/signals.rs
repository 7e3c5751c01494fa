//! What is known of candidates when a list is made: recorded with a sample of the answers, and what a learned order of
//! lists is asked with. Both are the same bytes, so an order meets in service what it learned from.

use std::num::NonZeroU32;
use std::sync::Arc;

use parking_lot::Mutex;
use rustc_hash::FxHashMap;
use souk_core::{Currency, LocationId, Money, Purpose, Purposes, SignalMark, SiteId, Timestamp};
use souk_recommend::Item;
use souk_recommend::impressions::ImpressionOrder;
use souk_recommend::impressions::signals::{Signal, SignalRow, around, chance, count, share};
use souk_recommend::session::item_signals;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::candidates::{Proposal, Scene};
use super::listing::{Learning, Question};
use super::trials::Trials;
use super::{Aim, Asker, ReasonKind, Strategy};
use crate::holdout::HoldoutArm;
use crate::ingest::point_of;
use crate::projections::{Catalogue, Kind, Use, Views, Whom};

const DAY_MS: f64 = 86_400_000.0;
const HOUR_MS: i64 = 3_600_000;
/// What the shopper did that is looked at: the latest acts and baskets (chosen; most have fewer).
const TOUCHES_MAX: usize = 100;
const BASKETS_MAX: usize = 20;
/// One in so many recorded answers stands as sources give it, whatever order serves: learned orders are judged by these (chosen).
const AS_GIVEN_EACH: u64 = 4;
const AS_GIVEN_SEED: u64 = 0x6769_7665;
/// Visits and baskets with one that a product counts beside its own (chosen).
const PRIOR_VISITS: f64 = 50.0;
/// Prices e² times the usual one are as much as any beyond.
const PRICE_SPAN: f64 = 2.0;
/// Levels of a category that can be shared.
const LEVELS: f64 = 6.0;

/// Whether lists of a strategy may stand in a learned order. Others answer a question whose order is its meaning, or
/// have an order of their own.
fn is_learned(strategy: Strategy) -> bool {
    matches!(
        strategy,
        Strategy::ForYou
            | Strategy::Session
            | Strategy::Popular
            | Strategy::Similar
            | Strategy::BoughtTogether
    )
}

impl Asker<'_> {
    /// What the answer has to do with the order that is learned from lists: nothing for those who are held out, or where
    /// nothing is recorded that could judge it. Of recorded answers a share stays as sources give it.
    pub(super) fn learning(&self, strategy: Strategy, request_id: &str) -> Learning {
        let per_hour = self.settings.model.signals_per_hour;
        if per_hour == 0 || !is_learned(strategy) || self.arm == Some(HoldoutArm::Holdout) {
            return Learning::default();
        }
        let may_teach = || {
            self.aim == Aim::Show && may_teach(self.views, (self.whom, self.site, self.withheld))
        };
        let drawn = self.ranking.sample.draw(request_id, (per_hour, self.now), may_teach);
        let model = self.model.filter(|_| drawn != Drawn::AsGiven);
        let order = model.and_then(|model| model.orders.lists.clone());
        Learning { order, is_told: drawn != Drawn::Not }
    }
}

/// Whether what somebody is shown may teach: a known shopper, no crawler and none of the shop's own people, who lets others
/// learn from it and does not refuse reports.
pub(crate) fn may_teach(views: &Views, (whom, site, withheld): (Whom, &SiteId, Purposes)) -> bool {
    (whom.known.or(whom.alone)).is_some_and(|subject| !views.is_no_shopper(subject))
        && [Purpose::Analytics, Purpose::ModelTraining]
            .into_iter()
            .all(|purpose| views.allows(whom, Use { purpose, site, withheld }))
}

/// Whether an answer has its signals recorded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Drawn {
    /// No.
    #[default]
    Not,
    /// It has, in whatever order it stands.
    Told,
    /// It has, and stands as it would without a learned order, so that orders can be judged by it.
    AsGiven,
}

/// Which answers have their signals recorded: so many an hour, spread over it by how many there were in the hour
/// before.
#[derive(Debug, Default)]
pub(crate) struct Sample(Mutex<Hour>);

#[derive(Debug, Default)]
struct Hour {
    number: i64,
    met: u64,
    met_before: u64,
    taken: u64,
}

impl Sample {
    /// Draws an answer of somebody who may teach.
    pub(crate) fn draw(
        &self,
        request_id: &str,
        rate: (u64, Timestamp),
        may_teach: impl FnOnce() -> bool,
    ) -> Drawn {
        if !may_teach() || !self.takes(request_id, rate) {
            return Drawn::Not;
        }
        // Not by the point that the sample is drawn by: it holds the lower ones.
        match xxh3_64_with_seed(request_id.as_bytes(), AS_GIVEN_SEED) % AS_GIVEN_EACH {
            0 => Drawn::AsGiven,
            _ => Drawn::Told,
        }
    }

    /// Whether the answer of this name is in the sample.
    pub(crate) fn takes(&self, request_id: &str, (per_hour, now): (u64, Timestamp)) -> bool {
        let number = now.as_ms().div_euclid(HOUR_MS);
        let mut hour = self.0.lock();
        // Two requests may look at the clock in another order than they come here.
        if number > hour.number {
            let met_before = if hour.number + 1 == number { hour.met } else { 0 };
            *hour = Hour { number, met_before, ..Hour::default() };
        }
        hour.met += 1;
        let is_drawn = point_of(request_id) * hour.met_before as f64 <= per_hour as f64;
        let takes = is_drawn && hour.taken < per_hour;
        hour.taken += u64::from(takes);
        takes
    }
}

/// The candidates as sources gave them, while their list is being made.
#[derive(Debug)]
pub(crate) struct Given {
    /// By product that would have a place: which, and its score.
    places: FxHashMap<Item, (usize, f32)>,
    /// How many of them a source found that the list is for.
    n_found: usize,
}

impl Given {
    /// Of the candidates that a learned order may put in order: what comes into the list from behind them was none.
    pub(crate) fn of((pool, n_found): (&[Proposal], usize), limit: usize) -> Given {
        let placed = pool.iter().take(limit).enumerate();
        let places = placed.map(|(place, one)| (one.item, (place, one.score))).collect();
        Given { places, n_found }
    }

    /// What was known of the products of the list that came of them; `None` where none of them is in it.
    pub(crate) fn told(
        &self,
        taken: &[Proposal],
        (scene, question): (&Scene<'_>, &Question<'_>),
    ) -> Option<SignalMark> {
        let teller = Teller::new(scene, question);
        let row = |one: &Proposal| match self.places.get(&one.item) {
            Some(&(place, score)) => teller.row(one, (place, score), self.n_found),
            // Picked by a rule, tried out, or there for variety.
            None => SignalRow::default(),
        };
        let rows: Vec<SignalRow> = taken.iter().map(row).collect();
        let (codes, rows) = SignalRow::encode(&rows);
        (!codes.is_empty()).then_some(SignalMark { codes, rows })
    }
}

/// Puts the candidates that would have a place into a learned order. The products stay the same: what nobody was shown has taught
/// nothing. Scores say how sure the list is, place by place, and keep falling.
pub(crate) fn put_in_order(
    (pool, n_found): (&mut [Proposal], usize),
    order: &ImpressionOrder,
    (scene, question): (&Scene<'_>, &Question<'_>),
) {
    let head = question.request.limit.min(pool.len());
    let teller = Teller::new(scene, question);
    let rows = pool[..head].iter().enumerate();
    let rows: Vec<SignalRow> =
        rows.map(|(place, one)| teller.row(one, (place, one.score), n_found)).collect();
    let mut scores: Vec<f32> = pool[..head].iter().map(|one| one.score).collect();
    scores.sort_unstable_by(|a, b| b.total_cmp(a));
    let ordered: Vec<Proposal> =
        order.order(&rows).into_iter().map(|idx| pool[idx].clone()).collect();
    for ((place, one), score) in pool.iter_mut().zip(ordered).zip(scores) {
        *place = Proposal { score, ..one };
    }
}

/// How often and when last the shopper did something with a product.
#[derive(Clone, Copy, Debug, Default)]
struct Done {
    times: u32,
    last_ms: i64,
}

impl Done {
    fn add(&mut self, at_ms: i64) {
        self.times += 1;
        self.last_ms = self.last_ms.max(at_ms);
    }
}

/// What a shopper did, as far as it may be used: nothing of a stranger.
#[derive(Debug, Default)]
struct Own {
    viewed: FxHashMap<Item, Done>,
    bought: FxHashMap<Item, Done>,
    brands: FxHashMap<NonZeroU32, f64>,
    kinds: FxHashMap<Kind, f64>,
    n_acts: f64,
    /// The mean logarithm of prices, by the currency of the first.
    price: Option<(Currency, f64)>,
}

/// Tells what everybody knows of products: of recommendations and of hits alike.
pub(crate) struct OfShop<'a> {
    pub(crate) views: &'a Views,
    pub(crate) trials: Option<Arc<Trials>>,
    pub(crate) now: Timestamp,
    pub(crate) location: Option<&'a LocationId>,
}

/// Tells what is known of candidates of one list.
struct Teller<'a> {
    scene: &'a Scene<'a>,
    question: &'a Question<'a>,
    own: Own,
    of_shop: OfShop<'a>,
}

/// The level of something that is so or not.
pub(crate) fn is(fact: impl FnOnce() -> bool) -> u8 {
    share(if fact() { 1.0 } else { 0.0 })
}

/// The logarithm of a price.
pub(crate) fn ln_minor(price: Money) -> f64 {
    (price.minor().max(1) as f64).ln()
}

impl Own {
    fn of(scene: &Scene<'_>) -> Own {
        let catalogue = &scene.views.catalogue;
        let touches: Vec<_> = scene.personal.touches().collect();
        let mut own = Own::default();
        let (mut prices, mut n_prices) = (0.0, 0.0);
        let mut met = |own: &mut Own, item: Item| {
            own.n_acts += 1.0;
            if let Some(brand) = catalogue.brand_key(item) {
                *own.brands.entry(brand).or_default() += 1.0;
            }
            if let Some(kind) = catalogue.kinds().of(item) {
                *own.kinds.entry(kind).or_default() += 1.0;
            }
            if let Some(price) = catalogue.product(item).and_then(|product| product.price) {
                let (currency, _) = *own.price.get_or_insert((price.currency(), 0.0));
                if currency == price.currency() {
                    prices += ln_minor(price);
                    n_prices += 1.0;
                }
            }
        };
        for touch in &touches[touches.len().saturating_sub(TOUCHES_MAX)..] {
            own.viewed.entry(touch.item).or_default().add(touch.at.as_ms());
            met(&mut own, touch.item);
        }
        for basket in &scene.own[scene.own.len().saturating_sub(BASKETS_MAX)..] {
            for &item in basket.items() {
                own.bought.entry(item).or_default().add(basket.time);
                met(&mut own, item);
            }
        }
        own.price = own.price.map(|(currency, _)| (currency, prices / n_prices));
        own
    }

    /// The share of a part in everything.
    fn share_of(&self, part: Option<&f64>) -> u8 {
        share(part.copied().unwrap_or_default() / self.n_acts)
    }
}

impl OfShop<'_> {
    /// Notes how a product is looked at, taken up and bought by all.
    pub(crate) fn tell_demand(&self, item: Item, row: &mut SignalRow) {
        let OfShop { views, now, .. } = *self;
        if let Some(trials) = &self.trials {
            let rates = trials.rates(item, &views.catalogue);
            row.set(Signal::ClickRate, chance(rates.click));
            row.set(Signal::ClickRateLately, chance(rates.lately));
            row.set(Signal::OrderRate, chance(rates.order));
            row.set(Signal::Looks, count(rates.looks));
        }
        let lately = |index| item_signals(index, (item, None), now.as_ms()).map(f64::from);
        let [_, day, days, week, age] = lately(views.crowd().visits);
        row.set(Signal::VisitsOfDay, count(day));
        row.set(Signal::VisitsOfDays, count(days));
        row.set(Signal::VisitsOfWeek, count(week));
        row.set(Signal::VisitAge, count(age));
        let [_, _, _, baskets, age] = lately(views.crowd().baskets);
        row.set(Signal::BasketsOfWeek, count(baskets));
        row.set(Signal::BasketAge, count(age));
        row.set(Signal::BasketsPerVisit, chance((baskets + 1.0) / (week + baskets + PRIOR_VISITS)));
    }

    /// Notes what a product is, and what stands of it in stock.
    pub(crate) fn tell_product(&self, item: Item, row: &mut SignalRow) {
        let catalogue = &self.views.catalogue;
        let Some(product) = catalogue.product(item) else { return };
        if let Some(at) = product.published_at {
            row.set(Signal::Age, count(self.now.ms_since(at) as f64 / DAY_MS));
        }
        if let Some(milli) = catalogue.stock_milli(item, self.location) {
            row.set(Signal::Stock, count(milli as f64 / 1e3));
        }
        let Some(price) = product.price else { return };
        row.set(Signal::Price, count(price.minor() as f64 / 100.0));
        let share_of = |part: Option<Money>| {
            let part = part.filter(|part| part.currency() == price.currency())?;
            Some(share(1.0 - part.minor() as f64 / price.minor().max(1) as f64))
        };
        row.set(Signal::Margin, share_of(product.cost).unwrap_or_default());
        let before = product.list_price.filter(|before| before.currency() == price.currency());
        let reduced = before.map(|before| 1.0 - (ln_minor(price) - ln_minor(before)).exp());
        row.set(Signal::Reduction, share(reduced.unwrap_or_default()));
    }
}

impl<'a> Teller<'a> {
    fn new(scene: &'a Scene<'a>, question: &'a Question<'a>) -> Teller<'a> {
        let (views, now, location) = (scene.views, scene.now, question.gate.location);
        let of_shop = OfShop { views, trials: scene.ranking.trials(), now, location };
        Teller { scene, question, own: Own::of(scene), of_shop }
    }

    /// What is known of a candidate that sources gave this place and score.
    fn row(&self, one: &Proposal, (place, score): (usize, f32), n_found: usize) -> SignalRow {
        let Teller { scene, question, .. } = self;
        let mut row = SignalRow::default();
        row.set_rank(place);
        row.set(Signal::IsFound, is(|| place < n_found));
        row.set(Signal::Score, share(f64::from(score)));
        row.set(Signal::SourceRank, count(one.place as f64));
        row.set(Signal::Support, count(f64::from(one.support)));
        row.set(Signal::Evidence, count(one.evidence.len() as f64));
        row.set(Signal::IsPersonal, is(|| one.is_personal));
        for (signal, kind) in REASONS {
            row.set(signal, is(|| one.kind == kind));
        }
        row.set(Signal::Places, count(question.request.limit as f64));
        row.set(Signal::OwnBaskets, count(scene.own.len() as f64));
        row.set(Signal::VisitProducts, count(scene.seen.len() as f64));
        row.set(Signal::HasAnchor, is(|| !scene.anchors.is_empty()));
        self.of_shop.tell_demand(one.item, &mut row);
        self.of_shop.tell_product(one.item, &mut row);
        self.tell_shopper(one.item, &mut row);
        row
    }

    /// What the shopper has to do with it.
    fn tell_shopper(&self, item: Item, row: &mut SignalRow) {
        let Teller { scene, own, .. } = self;
        let catalogue: &Catalogue = &scene.views.catalogue;
        let price = catalogue.product(item).and_then(|product| product.price);
        if let (Some((currency, usual)), Some(price)) = (own.price, price)
            && currency == price.currency()
        {
            row.set(Signal::PriceToHabit, around(ln_minor(price) - usual, PRICE_SPAN));
        }
        let days_since = |done: &Done| (scene.now.as_ms() - done.last_ms) as f64 / DAY_MS;
        row.set(Signal::IsOfVisit, is(|| scene.seen.contains(&item)));
        if let Some(last) = scene.anchors.last().or(scene.seen.last()) {
            let shared = catalogue.kinds().n_common(*last, item) as f64;
            row.set(Signal::SharedLevels, share(shared / LEVELS));
        }
        if own.n_acts == 0.0 {
            return;
        }
        let brand = catalogue.brand_key(item);
        row.set(Signal::OwnBrand, own.share_of(brand.and_then(|brand| own.brands.get(&brand))));
        let kind = catalogue.kinds().of(item);
        row.set(Signal::OwnKind, own.share_of(kind.and_then(|kind| own.kinds.get(&kind))));
        let done = [
            (&own.viewed, Signal::ViewedTimes, Signal::ViewedAgo),
            (&own.bought, Signal::BoughtTimes, Signal::BoughtAgo),
        ];
        for (done, times, ago) in done {
            let done = done.get(&item);
            row.set(times, count(done.map_or(0.0, |done| f64::from(done.times))));
            row.set(ago, done.map_or(0, |done| count(days_since(done))));
        }
    }
}

/// What a candidate rests on, one signal for each.
const REASONS: [(Signal, ReasonKind); 9] = [
    (Signal::IsBoughtTogether, ReasonKind::BoughtTogether),
    (Signal::IsBoughtBefore, ReasonKind::BoughtBefore),
    (Signal::IsSimilarShoppers, ReasonKind::SimilarShoppers),
    (Signal::IsSimilarProduct, ReasonKind::SimilarProduct),
    (Signal::IsViewedTogether, ReasonKind::ViewedTogether),
    (Signal::IsRecentlyViewed, ReasonKind::RecentlyViewed),
    (Signal::IsTrending, ReasonKind::Trending),
    (Signal::IsPopular, ReasonKind::Popular),
    (Signal::IsNew, ReasonKind::New),
];

#[cfg(test)]
mod tests {
    use super::*;

    /// The clock is read before the lock is taken, so that the first answers of an hour come among the last of the one before.
    #[test]
    fn an_hour_has_its_sample_in_whatever_order_answers_come() {
        let (sample, per_hour) = (Sample::default(), 5);
        let takes = |hour: i64, name: u32| {
            let now = Timestamp::EPOCH.plus_ms((1_000 + hour) * HOUR_MS);
            u64::from(sample.takes(&name.to_string(), (per_hour, now)))
        };
        assert_eq!((0..1_000).map(|name| takes(0, name)).sum::<u64>(), per_hour);
        let both = (0..1_000).map(|name| takes(1, name) + takes(0, name)).sum::<u64>();
        assert!(both <= per_hour, "{both}");
        assert!((0..1_000).map(|name| takes(2, name)).sum::<u64>() > 0);
    }
}
