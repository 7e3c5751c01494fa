//! One subject's past: its newest touches, in which visits they fall, and why it is kept out of what all
//! make together.

use rustc_hash::FxHashSet;
use souk_core::wire::{Reader, WireError, Writer};
use souk_core::{Action, Channel, Timestamp};
use souk_recommend::visits::{VisitEvent, VisitId, VisitIndex};
use souk_recommend::{Item, Shopper};

use super::{TOUCHES_MAX, Touch, VISIT_GAP_MS};
use crate::consent::Learning;
use crate::projections::orders::read_uses;
use crate::projections::popularity::{HOUR_MS, weight_of};
use crate::projections::shoppers::read_u32;

/// One subject's past.
#[derive(Clone, Debug, Default)]
pub(super) struct Past {
    /// In the order of (time, place in the log).
    pub(super) touches: Vec<Touch>,
    /// The newest visit event that is no longer among the touches.
    pub(super) carry: Option<Carry>,
    /// Slots of the orders that this subject reported.
    pub(super) orders: Vec<u32>,
    /// Why nothing of this subject is in what all make together.
    pub(super) out: Out,
    /// Whether this very subject is known as one of the shop's own people.
    pub(super) is_staff: bool,
    /// Orders that may not be used for everything, now or once: a hint that may be too high.
    pub(super) n_uneven: u32,
}

/// Reasons for which a subject is kept out of what all make together, as long as one of them holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Out(u8);

impl Out {
    /// Another id of the same person refuses that others learn from them.
    pub(crate) const REFUSED: Out = Out(1);
    /// The person is one of the shop's own.
    pub(crate) const STAFF: Out = Out(2);
    /// No shopper looks at so many products in so short a time; what was told once stays told.
    pub(crate) const FLOOD: Out = Out(4);
    const ALL: Out = Out(7);

    pub(super) fn is_any(self) -> bool {
        self.0 != 0
    }

    pub(super) fn has(self, reason: Out) -> bool {
        self.0 & reason.0 != 0
    }

    pub(super) fn set(self, reason: Out, holds: bool) -> Out {
        if holds { Out(self.0 | reason.0) } else { Out(self.0 & !reason.0) }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Carry {
    visit: u64,
    at: Timestamp,
}

fn is_near(earlier: Timestamp, later: Timestamp) -> bool {
    later.ms_since(earlier) <= VISIT_GAP_MS
}

impl Past {
    /// The visit that the touch at `idx` belongs to: named by the place of its first event.
    pub(super) fn visit_of(&self, idx: usize) -> u64 {
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
    pub(super) fn insert(&mut self, touch: Touch) -> Option<usize> {
        let idx = self.touches.partition_point(|known| known.rank() <= touch.rank());
        if idx == 0 && self.touches.len() >= TOUCHES_MAX {
            return None;
        }
        self.touches.insert(idx, touch);
        Some(idx)
    }

    /// Whether the touch is part of what all make together.
    pub(super) fn is_shared(&self, touch: &Touch) -> bool {
        touch.uses.is_shared() && !self.out.is_any()
    }

    /// Whether so many different products were looked at in so short a time before and with the touch at
    /// `idx` that this is no shopper. Counted among the touches that are kept.
    pub(super) fn is_flood(&self, idx: usize, learning: &Learning) -> bool {
        let touch = &self.touches[idx];
        let is_look = |touch: &Touch| matches!(touch.action, Action::Viewed | Action::Clicked);
        if self.out.has(Out::FLOOD) || !is_look(touch) {
            return false;
        }
        let paces = learning.paces().into_iter();
        paces.filter(|(_, max)| idx >= *max).any(|(span_ms, max)| {
            let near = |other: &&Touch| touch.at.ms_since(other.at) < span_ms;
            let looks = self.touches[..=idx].iter().rev().take_while(near).filter(|t| is_look(t));
            let products: FxHashSet<Item> = looks.map(|look| look.item).collect();
            products.len() > max
        })
    }

    /// Whether two touches would count for the same in popularity, where each shopper counts once.
    fn is_repeat(&self, a: &Touch, b: &Touch) -> bool {
        self.is_shared(b)
            && (a.item, a.channel) == (b.item, b.channel)
            && weight_of(a.action) == weight_of(b.action)
    }

    /// Whether another touch before (or, for `Others::All`, also after) the place of a touch counts for
    /// the same.
    pub(super) fn repeats(&self, touch: &Touch, (idx, others): (usize, Others)) -> bool {
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
    pub(super) fn is_repeated_later(&self, dropped: &Touch) -> bool {
        let hour = |touch: &Touch| touch.at.as_ms().div_euclid(HOUR_MS);
        let near = self.touches.iter().take_while(|other| hour(other) == hour(dropped));
        near.into_iter().any(|other| self.is_repeat(dropped, other))
    }

    /// The touches that popularity counts: of repeated ones the first.
    pub(super) fn counted(&self) -> impl Iterator<Item = &Touch> {
        self.touches.iter().enumerate().filter_map(|(idx, touch)| {
            let is_counted = self.is_shared(touch) && !self.repeats(touch, (idx, Others::Before));
            is_counted.then_some(touch)
        })
    }

    /// Enters the touch at `idx` into its visit, joining two visits that it stands between. Touches
    /// that are not shared hold a visit together and are not in it.
    pub(super) fn visit(&self, idx: usize, shopper: Shopper, visits: &mut VisitIndex) {
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
    pub(super) fn trim(&mut self) -> Option<Touch> {
        if self.touches.len() <= TOUCHES_MAX {
            return None;
        }
        if self.touches[0].action.is_visit() {
            self.carry = Some(Carry { visit: self.visit_of(0), at: self.touches[0].at });
        }
        Some(self.touches.remove(0))
    }

    pub(super) fn write(&self, w: &mut Writer) {
        w.count(self.touches.len());
        for touch in &self.touches {
            w.timestamp(touch.at);
            w.varint(touch.seq);
            w.varint(u64::from(touch.item.0));
            w.u8(touch.action as u8);
            w.u8(touch.channel.map_or(0, |channel| channel as u8 + 1));
            w.u8(touch.uses.bits());
        }
        w.u8(self.out.0 | u8::from(self.is_staff) << 3);
        w.varint(u64::from(self.n_uneven));
        w.u8(u8::from(self.carry.is_some()));
        if let Some(carry) = self.carry {
            w.varint(carry.visit);
            w.timestamp(carry.at);
        }
        w.count(self.orders.len());
        self.orders.iter().for_each(|slot| w.varint(u64::from(*slot)));
    }
}

/// Which other touches are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Others {
    Before,
    All,
}

pub(super) fn event_of(touch: &Touch, visit: u64, shopper: Shopper) -> VisitEvent {
    let time = touch.at.as_ms();
    VisitEvent { visit: VisitId(visit), shopper: Some(shopper), item: touch.item, time }
}

pub(super) fn read_past(r: &mut Reader<'_>, n_items: usize) -> Result<Past, WireError> {
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
    let (out, n_uneven) = (r.u8()?, read_u32(r)?);
    let (out, is_staff) = (Out(out & Out::ALL.0), out & 8 != 0);
    let carry = match r.u8()? {
        0 => None,
        _ => Some(Carry { visit: r.varint()?, at: r.timestamp()? }),
    };
    Ok(Past { touches, carry, orders: r.list(read_u32)?, out, is_staff, n_uneven })
}
