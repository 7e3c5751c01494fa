use souk_core::wire::{Reader, WireError, Writer};
use souk_core::{Action, Channel, OrderRef, Timestamp};
use souk_recommend::next_basket::{Basket, BasketVectors};
use souk_recommend::visits::{VisitEvent, VisitId, VisitIndex};
use souk_recommend::{Item, Shopper};
use xxhash_rust::xxh3::xxh3_64;

use super::catalogue::Catalogue;
use super::orders::{Effective, OrderFold, Report, read_uses};
use super::popularity::{HOUR_MS, Popularity, weight_of};
use super::shoppers::read_u32;
use super::uses::Uses;

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
    pub(crate) orders: OrderFold,
}

/// One subject's past.
#[derive(Clone, Debug, Default)]
struct Past {
    /// In the order of (time, place in the log).
    touches: Vec<Touch>,
    /// The newest visit event that is no longer among the touches.
    carry: Option<Carry>,
    /// Slots of the orders that this subject reported.
    orders: Vec<u32>,
    /// Whether another id of the same person refuses that others learn from them: then nothing of
    /// this one is in what all make together, until that is taken back.
    is_hidden: bool,
    /// Orders that may not be used for everything, now or once: a hint that may be too high.
    n_uneven: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Carry {
    visit: u64,
    at: Timestamp,
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

fn is_near(earlier: Timestamp, later: Timestamp) -> bool {
    later.ms_since(earlier) <= VISIT_GAP_MS
}

impl Past {
    /// The visit that the touch at `idx` belongs to: named by the place of its first event.
    fn visit_of(&self, idx: usize) -> u64 {
        let mut first = self.touches[idx];
        for touch in self.touches[..idx].iter().rev().filter(|touch| touch.action.is_visit()) {
            if !is_near(touch.at, first.at) {
                return first.seq;
            }
            first = *touch;
        }
        match self.carry {
            Some(carry) if is_near(carry.at, first.at) => carry.visit,
            _ => first.seq,
        }
    }

    /// Puts a touch in its place; `None` when it is older than all that are kept.
    fn insert(&mut self, touch: Touch) -> Option<usize> {
        let idx = self.touches.partition_point(|known| known.rank() <= touch.rank());
        if idx == 0 && self.touches.len() >= TOUCHES_MAX {
            return None;
        }
        self.touches.insert(idx, touch);
        Some(idx)
    }

    /// Whether the touch is part of what all make together.
    fn is_shared(&self, touch: &Touch) -> bool {
        touch.uses.is_shared() && !self.is_hidden
    }

    /// Whether two touches would count for the same in popularity, where each shopper counts once.
    fn is_repeat(&self, a: &Touch, b: &Touch) -> bool {
        self.is_shared(b)
            && (a.item, a.channel) == (b.item, b.channel)
            && weight_of(a.action) == weight_of(b.action)
    }

    /// Whether another touch before (or, for `Others::All`, also after) the place of a touch counts for
    /// the same.
    fn repeats(&self, touch: &Touch, (idx, others): (usize, Others)) -> bool {
        let hour = |touch: &Touch| touch.at.as_ms().div_euclid(HOUR_MS);
        let is_near = |other: &&Touch| hour(other) == hour(touch);
        let mut before = self.touches[..idx].iter().rev().take_while(is_near);
        let after = match others {
            Others::Before => &[][..],
            Others::All => &self.touches[(idx + 1).min(self.touches.len())..],
        };
        before.any(|other| self.is_repeat(touch, other))
            || after.iter().take_while(is_near).any(|other| self.is_repeat(touch, other))
    }

    /// Whether a touch from before all that are kept is repeated by one of them.
    fn is_repeated_later(&self, dropped: &Touch) -> bool {
        let hour = |touch: &Touch| touch.at.as_ms().div_euclid(HOUR_MS);
        let near = self.touches.iter().take_while(|other| hour(other) == hour(dropped));
        near.into_iter().any(|other| self.is_repeat(dropped, other))
    }

    /// The touches that popularity counts: of repeated ones the first.
    fn counted(&self) -> impl Iterator<Item = &Touch> {
        self.touches.iter().enumerate().filter_map(|(idx, touch)| {
            let is_counted = self.is_shared(touch) && !self.repeats(touch, (idx, Others::Before));
            is_counted.then_some(touch)
        })
    }

    /// Enters the touch at `idx` into its visit, joining two visits that it stands between. Touches
    /// that are not shared hold a visit together and are not in it.
    fn visit(&self, idx: usize, shopper: Shopper, visits: &mut VisitIndex) {
        let touch = self.touches[idx];
        let before = self.touches[..idx].iter().rposition(|t| t.action.is_visit());
        let before_at = before.map(|idx| self.touches[idx].at).or(self.carry.map(|c| c.at));
        let is_joined = before_at.is_some_and(|at| is_near(at, touch.at));
        let visit = if is_joined { self.visit_of(idx) } else { touch.seq };
        let enter = |touch: &Touch, visits: &mut VisitIndex| {
            if self.is_shared(touch) {
                visits.push(event_of(touch, visit, shopper));
            }
        };
        let mut later = self.touches[idx + 1..].iter().filter(|t| t.action.is_visit()).peekable();
        let next = later.peek().copied().filter(|next| is_near(touch.at, next.at));
        let Some(next) = next else { return enter(&touch, visits) };
        if before_at.is_some_and(|at| is_near(at, next.at)) {
            return enter(&touch, visits);
        }
        // The next visit began with `next`; now it goes on from this touch.
        visits.remove_visit(VisitId(next.seq));
        enter(&touch, visits);
        let mut last = touch.at;
        for touch in
            later.take_while(|touch| is_near(std::mem::replace(&mut last, touch.at), touch.at))
        {
            enter(touch, visits);
        }
    }

    /// Drops the oldest touch when there are too many, and returns it.
    fn trim(&mut self) -> Option<Touch> {
        if self.touches.len() <= TOUCHES_MAX {
            return None;
        }
        if self.touches[0].action.is_visit() {
            self.carry = Some(Carry { visit: self.visit_of(0), at: self.touches[0].at });
        }
        Some(self.touches.remove(0))
    }
}

/// Which other touches are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Others {
    Before,
    All,
}

fn event_of(touch: &Touch, visit: u64, shopper: Shopper) -> VisitEvent {
    let time = touch.at.as_ms();
    VisitEvent { visit: VisitId(visit), shopper: Some(shopper), item: touch.item, time }
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
                let placed = self.orders.effective(*slot).and_then(|effective| effective.placed);
                if let Some(placed) = placed.filter(|placed| placed.shopper == shopper.0) {
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
        self.pasts.get(shopper.0 as usize).is_none_or(|past| past.n_uneven == 0 && !past.is_hidden)
    }

    fn basket(&self, slot: u32) -> Option<Basket> {
        let placed = self.orders.effective(slot)?.placed?;
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
            let uses = if past.is_hidden { uses.unshared() } else { uses };
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

    pub(crate) fn touch(&mut self, shopper: Shopper, touch: Touch, crowd: &mut Crowd<'_>) {
        let past = self.past(shopper);
        let Some(idx) = past.insert(touch) else { return };
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
        let Some(placed) = self.orders.effective(slot).and_then(|effective| effective.placed)
        else {
            return;
        };
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
            && self.pasts.get(shopper as usize).is_none_or(|past| !past.is_hidden)
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

    /// Hides a shopper from what all make together, or shows them again. Returns whether anything
    /// left.
    pub(crate) fn hide(
        &mut self,
        (shopper, is_hidden): (Shopper, bool),
        crowd: &mut Crowd<'_>,
    ) -> bool {
        if self.past(shopper).is_hidden == is_hidden {
            return false;
        }
        if is_hidden {
            let was_there = self.leave(shopper, crowd);
            self.past(shopper).is_hidden = true;
            return was_there;
        }
        self.past(shopper).is_hidden = false;
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
    pub(crate) const VERSION: u16 = 3;

    pub(crate) fn snapshot(&self) -> Vec<u8> {
        let mut w = Writer::over(Vec::with_capacity(self.bytes() / 2));
        w.count(self.pasts.len());
        for past in &self.pasts {
            w.count(past.touches.len());
            for touch in &past.touches {
                w.timestamp(touch.at);
                w.varint(touch.seq);
                w.varint(u64::from(touch.item.0));
                w.u8(touch.action as u8);
                w.u8(touch.channel.map_or(0, |channel| channel as u8 + 1));
                w.u8(touch.uses.bits());
            }
            w.u8(u8::from(past.is_hidden));
            w.varint(u64::from(past.n_uneven));
            w.u8(u8::from(past.carry.is_some()));
            if let Some(carry) = past.carry {
                w.varint(carry.visit);
                w.timestamp(carry.at);
            }
            w.count(past.orders.len());
            past.orders.iter().for_each(|slot| w.varint(u64::from(*slot)));
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
        Ok(Histories { pasts, orders })
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

fn read_past(r: &mut Reader<'_>, n_items: usize) -> Result<Past, WireError> {
    let touches = r.list(|r| {
        let (at, seq, item) = (r.timestamp()?, r.varint()?, read_u32(r)?);
        if item as usize >= n_items {
            return Err(r.fault("a known item"));
        }
        let action = r.one_of(&Action::ALL, "a known action")?;
        let channel = match r.u8()? {
            0 => None,
            code => Channel::ALL.get(usize::from(code) - 1).copied(),
        };
        let uses = read_uses(r)?;
        Ok(Touch { at, seq, item: Item(item), action, channel, uses })
    })?;
    let (is_hidden, n_uneven) = (r.u8()? != 0, read_u32(r)?);
    let carry = match r.u8()? {
        0 => None,
        _ => Some(Carry { visit: r.varint()?, at: r.timestamp()? }),
    };
    Ok(Past { touches, carry, orders: r.list(read_u32)?, is_hidden, n_uneven })
}
