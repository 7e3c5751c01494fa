use souk_core::wire::{Reader, WireError, Writer};
use souk_core::{Action, Channel, OrderRef, Timestamp};
use souk_recommend::next_basket::{Basket, BasketVectors};
use souk_recommend::visits::{VisitEvent, VisitId, VisitIndex};
use souk_recommend::{Item, Shopper};
use xxhash_rust::xxh3::xxh3_64;

mod past;

use past::{Others, Past, event_of, read_past};

pub(crate) use past::Out;

use super::catalogue::Catalogue;
use super::orders::{Effective, OrderFold, Report};
use super::popularity::Popularity;
use super::uses::Uses;
use crate::consent::Learning;

/// A visit ends after thirty minutes without an event, as in web analytics.
pub const VISIT_GAP_MS: i64 = 30 * 60_000;
/// Touches kept of one subject, the newest; chosen: beyond what any recommender looks at.
pub const TOUCHES_MAX: usize = 200;

/// A shopper met a product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Touch {
    /// When.
    pub at: Timestamp,
    /// Its record's place in the log, which orders events of the same moment.
    seq: u64,
    /// Which product.
    pub item: Item,
    /// What was done.
    pub action: Action,
    /// Where the shopper met the shop.
    pub channel: Option<Channel>,
    /// What it may be used for.
    pub(crate) uses: Uses,
}

impl Touch {
    pub(crate) fn new((at, seq): (Timestamp, u64), (item, action): (Item, Action)) -> Touch {
        Touch { at, seq, item, action, channel: None, uses: Uses::ALL }
    }

    fn rank(&self) -> (Timestamp, u64) {
        (self.at, self.seq)
    }
}

/// What a person bought together at one time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastBasket {
    /// When.
    pub at: Timestamp,
    /// Each product once, with its quantity in thousandths.
    pub items: Vec<(Item, i64)>,
}

/// What is known of a person: the merged pasts of all their subjects, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    /// The newest touches of each subject.
    pub touches: Vec<Touch>,
    /// All baskets.
    pub baskets: Vec<PastBasket>,
}

impl History {
    /// The products of the visit that goes on at `now`, oldest first; empty when the last ended.
    pub fn current_visit(&self, now: Timestamp) -> Vec<Item> {
        let mut later = now;
        let visit = self.touches.iter().rev().filter(|touch| touch.action.is_visit());
        let is_near = |touch: &&Touch| {
            let gap = later.ms_since(touch.at);
            later = touch.at;
            gap <= VISIT_GAP_MS
        };
        let mut items: Vec<Item> = visit.take_while(is_near).map(|touch| touch.item).collect();
        items.reverse();
        items
    }

    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.touches.is_empty() && self.baskets.is_empty()
    }
}

/// What each subject did: its newest touches, and its orders.
#[derive(Clone, Debug, Default)]
pub struct Histories {
    pasts: Vec<Past>,
    n_staff: usize,
    pub(crate) orders: OrderFold,
}

/// What the touches of all subjects make together, changed by each of them.
#[derive(Debug)]
pub(crate) struct Crowd<'a> {
    pub(crate) catalogue: &'a Catalogue,
    pub(crate) visits: &'a mut VisitIndex,
    pub(crate) popularity: &'a mut Popularity,
    pub(crate) baskets: &'a mut VisitIndex,
    pub(crate) vectors: &'a mut BasketVectors,
}

/// Whether a touch says something of the shopper's interest, so that it is kept.
pub(crate) fn is_kept(action: Action) -> bool {
    use Action::{RemovedFromCart, RemovedFromWishlist, Reviewed, Shared};
    action.is_visit() || matches!(action, RemovedFromCart | RemovedFromWishlist | Reviewed | Shared)
}

impl Histories {
    /// The merged past of several subjects.
    pub(crate) fn of(&self, shoppers: &[Shopper]) -> History {
        let mut history = History::default();
        for shopper in shoppers {
            let Some(past) = self.pasts.get(shopper.0 as usize) else { continue };
            let personal = past.touches.iter().filter(|touch| touch.uses.is_personal());
            history.touches.extend(personal);
            let slots = past.orders.iter();
            for slot in slots.filter(|slot| self.orders.uses(**slot, shopper.0).is_personal()) {
                let kept = self.orders.effective(*slot).and_then(|effective| effective.kept());
                if let Some(placed) = kept.filter(|kept| kept.shopper == shopper.0) {
                    let items = placed.lines.bought();
                    history.baskets.push(PastBasket { at: placed.first.0, items });
                }
            }
        }
        if shoppers.len() > 1 {
            history.touches.sort_by_key(Touch::rank);
        }
        history.baskets.sort_by_key(|basket| basket.at);
        history
    }

    /// A subject's baskets that may speak in their own answers, oldest first.
    pub(crate) fn baskets(&self, shopper: Shopper) -> Vec<Basket> {
        let Some(past) = self.pasts.get(shopper.0 as usize) else { return Vec::new() };
        let own = past.orders.iter().filter_map(|slot| {
            let placed = self.orders.effective(*slot)?.placed?;
            let is_own = placed.shopper == shopper.0;
            (is_own && self.orders.uses(*slot, shopper.0).is_personal()).then(|| self.basket(*slot))
        });
        let mut baskets: Vec<Basket> = own.flatten().collect();
        baskets.sort_by_key(|basket| (basket.time, basket.key));
        baskets
    }

    /// Whether each of a subject's orders may speak in their own answers and in everybody's: then the
    /// two hold the same baskets.
    pub(crate) fn is_even(&self, shopper: Shopper) -> bool {
        self.pasts
            .get(shopper.0 as usize)
            .is_none_or(|past| past.n_uneven == 0 && !past.out.is_any())
    }

    fn basket(&self, slot: u32) -> Option<Basket> {
        let placed = self.orders.effective(slot)?.kept()?;
        let items: Vec<Item> = placed.lines.bought().into_iter().map(|(item, _)| item).collect();
        let key = basket_key(self.orders.order(slot));
        (!items.is_empty()).then(|| Basket::new(key, placed.first.0.as_ms(), &items))
    }

    /// The orders that stand of a subject, in no order, each with what it may be used for.
    pub(crate) fn placed(&self, shopper: Shopper) -> impl Iterator<Item = (Uses, Effective<'_>)> {
        let past = self.pasts.get(shopper.0 as usize);
        let slots =
            past.into_iter().flat_map(|past| past.orders.iter().map(move |slot| (past, *slot)));
        slots.filter_map(move |(past, slot)| {
            let effective = self.orders.effective(slot)?;
            let is_own = effective.placed.is_some_and(|placed| placed.shopper == shopper.0);
            let uses = self.orders.uses(slot, shopper.0);
            let uses = if past.out.is_any() { uses.unshared() } else { uses };
            is_own.then_some((uses, effective))
        })
    }

    /// How many orders of known shoppers there are.
    pub fn n_orders(&self) -> usize {
        self.orders.len()
    }

    /// The touches kept of one subject, oldest first.
    pub(crate) fn touches(&self, shopper: Shopper) -> &[Touch] {
        self.pasts.get(shopper.0 as usize).map_or(&[], |past| &past.touches)
    }

    fn past(&mut self, shopper: Shopper) -> &mut Past {
        let idx = shopper.0 as usize;
        if self.pasts.len() <= idx {
            self.pasts.resize_with(idx + 1, Past::default);
        }
        &mut self.pasts[idx]
    }

    /// Takes in a touch, and says whether its shopper is a flood with it and has to be kept out.
    #[must_use]
    pub(crate) fn touch(
        &mut self,
        (shopper, touch): (Shopper, Touch),
        crowd: &mut Crowd<'_>,
        learning: &Learning,
    ) -> bool {
        let past = self.past(shopper);
        let Some(idx) = past.insert(touch) else { return false };
        let is_flood = past.is_flood(idx, learning);
        if touch.action.is_visit() {
            past.visit(idx, shopper, crowd.visits);
        }
        if past.is_shared(&touch) && !past.repeats(&touch, (idx, Others::All)) {
            crowd.popularity.touched(&touch, crowd.catalogue.site_number(touch.item), 1);
        }
        // Popularity counts the touches that are kept: so a shopper can be forgotten exactly, and
        // nobody weighs more in it than so many touches.
        if let Some(dropped) = past.trim()
            && past.is_shared(&dropped)
            && !past.is_repeated_later(&dropped)
        {
            crowd.popularity.touched(&dropped, crowd.catalogue.site_number(dropped.item), -1);
        }
        is_flood
    }

    /// Who placed an order, as far as others may learn from it, and when.
    pub(crate) fn owner(&self, order: OrderRef) -> Option<(Shopper, Timestamp)> {
        let slot = self.orders.find(order)?;
        let placed = self.orders.effective(slot)?.placed?;
        self.is_shared(slot, placed.shopper).then_some((Shopper(placed.shopper), placed.first.0))
    }

    /// The orders that stand of a shopper, and that others may learn from, in no order, with when they were placed. What
    /// came back whole is none.
    pub(crate) fn shared_orders(
        &self,
        shopper: Shopper,
    ) -> impl Iterator<Item = (OrderRef, Timestamp, Effective<'_>)> {
        let past = self.pasts.get(shopper.0 as usize);
        past.into_iter().flat_map(|past| &past.orders).filter_map(move |&slot| {
            let effective = self.orders.effective(slot)?;
            let placed = effective.placed?;
            let is_own = placed.shopper == shopper.0 && self.is_shared(slot, shopper.0);
            is_own.then(|| (self.orders.order(slot), placed.first.0, effective))
        })
    }

    /// Everybody who said something of one of a shopper's orders, that shopper among them.
    pub(crate) fn fellows(&self, shopper: Shopper) -> Vec<Shopper> {
        let past = self.pasts.get(shopper.0 as usize);
        let slots = past.into_iter().flat_map(|past| &past.orders);
        let of =
            |slot: &u32| self.orders.reports(*slot).iter().map(|report| Shopper(report.shopper));
        let mut fellows: Vec<Shopper> = slots.flat_map(of).chain([shopper]).collect();
        fellows.sort_unstable();
        fellows.dedup();
        fellows
    }

    /// Whom a report of an order may concern, and from when until when they say that it was placed.
    pub(crate) fn told_of(&self, order: OrderRef, report: &Report) -> (Vec<Shopper>, (i64, i64)) {
        let slot = self.orders.find(order);
        let known = slot.map_or(&[][..], |slot| self.orders.reports(slot));
        let all = || known.iter().chain([report]);
        let mut shoppers: Vec<Shopper> = all().map(|report| Shopper(report.shopper)).collect();
        shoppers.sort_unstable();
        shoppers.dedup();
        let times = || all().map(|report| report.first.0.as_ms());
        let now = report.first.0.as_ms();
        (shoppers, (times().min().unwrap_or(now), times().max().unwrap_or(now)))
    }

    /// Takes in a report of an order by a shopper.
    pub(crate) fn report(&mut self, order: OrderRef, report: Report, crowd: &mut Crowd<'_>) {
        let slot = self.orders.intern(order);
        if !self.orders.is_news(slot, &report) {
            return;
        }
        let shopper = Shopper(report.shopper);
        if !self.orders.reports(slot).iter().any(|known| known.shopper == report.shopper) {
            self.past(shopper).orders.push(slot);
        }
        self.unplace(slot, crowd);
        let was_even = self.orders.uses(slot, shopper.0) == Uses::ALL;
        self.orders.add(slot, report);
        let is_even = self.orders.uses(slot, shopper.0) == Uses::ALL;
        self.past(shopper).n_uneven += u32::from(was_even && !is_even);
        self.place(slot, crowd);
    }

    fn place(&self, slot: u32, crowd: &mut Crowd<'_>) {
        let kept = self.orders.effective(slot).and_then(|effective| effective.kept());
        let Some(placed) = kept else { return };
        let items: Vec<Item> = placed.lines.bought().into_iter().map(|(item, _)| item).collect();
        if items.is_empty() {
            return;
        }
        if !self.is_shared(slot, placed.shopper) {
            return;
        }
        let key = basket_key(self.orders.order(slot));
        let (time, shopper) = (placed.first.0.as_ms(), Shopper(placed.shopper));
        for &item in &items {
            let event = VisitEvent { visit: VisitId(key), shopper: Some(shopper), item, time };
            crowd.baskets.push(event);
        }
        crowd.vectors.add_basket(shopper, Basket::new(key, time, &items));
    }

    /// Whether an order of a shopper is part of what all make together.
    fn is_shared(&self, slot: u32, shopper: u32) -> bool {
        self.orders.uses(slot, shopper).is_shared()
            && self.pasts.get(shopper as usize).is_none_or(|past| !past.out.is_any())
    }

    fn unplace(&self, slot: u32, crowd: &mut Crowd<'_>) {
        let Some(placed) = self.orders.effective(slot).and_then(|effective| effective.placed)
        else {
            return;
        };
        let key = basket_key(self.orders.order(slot));
        crowd.baskets.remove_visit(VisitId(key));
        crowd.vectors.remove_basket(Shopper(placed.shopper), key);
    }

    /// Drops all that a shopper did, here and in what all make together.
    pub(crate) fn forget(&mut self, shopper: Shopper, crowd: &mut Crowd<'_>) {
        let past = std::mem::take(self.past(shopper));
        self.n_staff -= usize::from(past.is_staff);
        for &slot in &past.orders {
            self.unplace(slot, crowd);
            self.orders.drop_shopper(slot, shopper.0);
            self.place(slot, crowd);
        }
        for touch in past.counted() {
            crowd.popularity.touched(touch, crowd.catalogue.site_number(touch.item), -1);
        }
        crowd.visits.forget(shopper);
        crowd.baskets.forget(shopper);
        crowd.vectors.forget(shopper);
    }

    /// Takes all of a shopper out of what all make together, for good: what comes later may enter it
    /// again, what was there does not. Returns whether anything was there.
    pub(crate) fn unshare(&mut self, shopper: Shopper, crowd: &mut Crowd<'_>) -> bool {
        let was_there = self.leave(shopper, crowd);
        let mut past = std::mem::take(self.past(shopper));
        for touch in &mut past.touches {
            touch.uses = touch.uses.unshared();
        }
        for slot in &past.orders {
            let was_even = self.orders.uses(*slot, shopper.0) == Uses::ALL;
            self.orders.unshare(*slot, shopper.0);
            let is_even = self.orders.uses(*slot, shopper.0) == Uses::ALL;
            past.n_uneven += u32::from(was_even && !is_even);
        }
        *self.past(shopper) = past;
        was_there
    }

    /// Whether a subject is known as one of the shop's own people.
    pub(crate) fn is_staff(&self, shopper: Shopper) -> bool {
        self.pasts.get(shopper.0 as usize).is_some_and(|past| past.is_staff)
    }

    /// Whether a subject is no shopper: a crawler, or one of the shop's own people.
    pub(crate) fn is_no_shopper(&self, shopper: Shopper) -> bool {
        let past = self.pasts.get(shopper.0 as usize);
        past.is_some_and(|past| past.out.has(Out::FLOOD) || past.out.has(Out::STAFF))
    }

    pub(crate) fn set_staff(&mut self, shopper: Shopper, is_staff: bool) {
        let past = self.past(shopper);
        let was_staff = std::mem::replace(&mut past.is_staff, is_staff);
        self.n_staff = self.n_staff + usize::from(is_staff) - usize::from(was_staff);
    }

    /// How many subjects are known as the shop's own people.
    pub(crate) fn n_staff(&self) -> usize {
        self.n_staff
    }

    /// How many subjects are kept out for this reason.
    pub(crate) fn n_out(&self, reason: Out) -> usize {
        self.pasts.iter().filter(|past| past.out.has(reason)).count()
    }

    /// Keeps a shopper out of what all make together, or shows them again once no reason is left. Returns
    /// whether anything left.
    pub(crate) fn keep_out(
        &mut self,
        (shopper, reason, holds): (Shopper, Out, bool),
        crowd: &mut Crowd<'_>,
    ) -> bool {
        let before = self.past(shopper).out;
        let after = before.set(reason, holds);
        if before.is_any() == after.is_any() {
            self.past(shopper).out = after;
            return false;
        }
        if after.is_any() {
            let was_there = self.leave(shopper, crowd);
            self.past(shopper).out = after;
            return was_there;
        }
        self.past(shopper).out = after;
        let past = &self.pasts[shopper.0 as usize];
        for (idx, touch) in past.touches.iter().enumerate().filter(|(_, t)| t.uses.is_shared()) {
            if touch.action.is_visit() {
                crowd.visits.push(event_of(touch, past.visit_of(idx), shopper));
            }
        }
        for touch in past.counted() {
            crowd.popularity.touched(touch, crowd.catalogue.site_number(touch.item), 1);
        }
        for slot in &past.orders {
            let placed = self.orders.effective(*slot).and_then(|effective| effective.placed);
            if placed.is_some_and(|placed| placed.shopper == shopper.0) {
                self.place(*slot, crowd);
            }
        }
        false
    }

    /// Takes a shopper out of what all make together.
    fn leave(&self, shopper: Shopper, crowd: &mut Crowd<'_>) -> bool {
        let Some(past) = self.pasts.get(shopper.0 as usize) else { return false };
        let mut was_there = false;
        for touch in past.counted() {
            crowd.popularity.touched(touch, crowd.catalogue.site_number(touch.item), -1);
            was_there = true;
        }
        was_there |= crowd.visits.forget(shopper) > 0;
        was_there |= crowd.baskets.forget(shopper) > 0;
        crowd.vectors.forget(shopper);
        was_there
    }

    pub(crate) fn bytes(&self) -> usize {
        let pasts = self
            .pasts
            .iter()
            .map(|past| past.touches.capacity() * size_of::<Touch>() + past.orders.capacity() * 4);
        pasts.sum::<usize>() + self.pasts.capacity() * size_of::<Past>() + self.orders.bytes()
    }
}

/// An order's number among visits: a hash of its reference, so that it is the same in every rebuild.
pub(crate) fn basket_key(order: OrderRef) -> u64 {
    xxh3_64(&order.0)
}

impl Histories {
    pub(crate) const NAME: &'static str = "histories";
    pub(crate) const VERSION: u16 = 5;

    pub(crate) fn snapshot(&self) -> Vec<u8> {
        let mut w = Writer::over(Vec::with_capacity(self.bytes() / 2));
        w.count(self.pasts.len());
        for past in &self.pasts {
            past.write(&mut w);
        }
        self.orders.write(&mut w);
        w.into_bytes()
    }

    pub(crate) fn restore(bytes: &[u8], n_items: usize) -> Result<Histories, WireError> {
        let mut r = Reader::new(bytes);
        let n_pasts = r.count()?;
        let mut pasts = Vec::with_capacity(n_pasts);
        for _ in 0..n_pasts {
            pasts.push(read_past(&mut r, n_items)?);
        }
        let orders = OrderFold::read(&mut r, n_items)?;
        r.end()?;
        let n_staff = pasts.iter().filter(|past: &&Past| past.is_staff).count();
        Ok(Histories { pasts, n_staff, orders })
    }

    /// The basket of every order, for building the vectors at once.
    pub(crate) fn all_baskets(&self) -> Vec<(Shopper, Basket)> {
        let slots = self.orders.slots();
        let baskets = slots.filter_map(|slot| {
            let shopper = self.orders.effective(slot)?.placed?.shopper;
            if !self.is_shared(slot, shopper) {
                return None;
            }
            self.basket(slot).map(|basket| (Shopper(shopper), basket))
        });
        baskets.collect()
    }
}
