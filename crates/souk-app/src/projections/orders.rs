//! The fold of reports into orders: the same order by web event, till and nightly file counts once.
//!
//! Reports of one order meet under its [`OrderRef`]. Of each source the latest placed report counts,
//! every refund once, and a cancellation for good; then the strongest source that has a placed
//! report says what was bought, and the strongest that has refunds says what came back. All of this
//! is a maximum or a union, so the order of arrival never matters.

use std::borrow::Cow;
use std::hash::BuildHasher;

use hashbrown::HashTable;
use rustc_hash::{FxBuildHasher, FxHashMap};
use souk_core::wire::{Reader, WireError, Writer};
use souk_core::{Day, EventId, OrderChange, OrderRef, Source, Timestamp};
use souk_recommend::Item;

use super::lines::{Line, Lines};
use super::shoppers::read_u32;
use super::uses::Uses;

/// No shopper, no location.
pub(crate) const NONE: u32 = u32::MAX;

/// What one source says of one order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Report {
    pub(crate) source: Source,
    pub(crate) change: OrderChange,
    /// Wire code of the channel plus one; 0 for none.
    pub(crate) channel: u8,
    /// Who says so, or [`NONE`] on the person-free side.
    pub(crate) shopper: u32,
    pub(crate) event_id: EventId,
    pub(crate) at: Timestamp,
    /// The time and business day of the source's first placed report: a later update changes what
    /// was bought, not when.
    pub(crate) first: (Timestamp, Day),
    pub(crate) location: u32,
    /// What the report may be used for; the person-free side knows no limits.
    pub(crate) uses: Uses,
    pub(crate) lines: Lines,
}

impl Report {
    /// Whether two reports exclude each other: one placed report and one cancellation count for
    /// each source and shopper.
    fn excludes(&self, other: &Report) -> bool {
        self.change == other.change
            && self.shopper == other.shopper
            && match self.change {
                OrderChange::Refunded => self.event_id == other.event_id,
                _ => self.source == other.source,
            }
    }

    fn age(&self) -> (Timestamp, EventId) {
        (self.at, self.event_id)
    }
}

/// What counts of an order.
#[derive(Clone, Debug)]
pub(crate) struct Effective<'a> {
    pub(crate) placed: Option<&'a Report>,
    pub(crate) refunds: Vec<&'a Report>,
}

impl<'a> Effective<'a> {
    /// The refund that takes everything back: it names no lines.
    pub(crate) fn whole_refund(&self) -> Option<&Report> {
        self.refunds
            .iter()
            .copied()
            .filter(|refund| refund.lines.is_empty())
            .min_by_key(|r| r.age())
    }

    /// What was bought and has not come back: the placed report without what refunds took back; `None` when nothing is
    /// left of it.
    pub(crate) fn kept(&self) -> Option<Cow<'a, Report>> {
        let placed = self.placed?;
        if self.refunds.is_empty() {
            return Some(Cow::Borrowed(placed));
        }
        if self.whole_refund().is_some() {
            return None;
        }
        let mut back: FxHashMap<Item, i64> = FxHashMap::default();
        for line in self.refunds.iter().flat_map(|refund| refund.lines.iter()) {
            let milli = back.entry(line.item).or_default();
            *milli = milli.saturating_add(line.milli.saturating_abs());
        }
        let left = placed.lines.iter().filter_map(|line| {
            let back = back.get_mut(&line.item).map_or(0, |back| {
                let taken = (*back).min(line.milli.max(0));
                *back -= taken;
                taken
            });
            let milli = line.milli - back;
            (back == 0 || milli > 0).then_some(Line { milli, ..line })
        });
        let lines = Lines::pack(left);
        (!lines.is_empty()).then(|| Cow::Owned(Report { lines, ..placed.clone() }))
    }
}

#[derive(Clone, Debug)]
struct Slot {
    order: OrderRef,
    reports: Vec<Report>,
}

/// All orders with what was said of them.
#[derive(Clone, Debug, Default)]
pub(crate) struct OrderFold {
    slots: Vec<Slot>,
    by_ref: HashTable<u32>,
    free: Vec<u32>,
}

impl OrderFold {
    /// The slot of an order, a new one at its first report.
    pub(crate) fn intern(&mut self, order: OrderRef) -> u32 {
        let hash = FxBuildHasher.hash_one(order);
        let is_it = |&slot: &u32| self.slots[slot as usize].order == order;
        if let Some(slot) = self.by_ref.find(hash, is_it) {
            return *slot;
        }
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(Slot { order, reports: Vec::new() });
            u32::try_from(self.slots.len() - 1).expect("orders are fewer than 2^32")
        });
        self.slots[slot as usize].order = order;
        let slots = &self.slots;
        let hasher = |&slot: &u32| FxBuildHasher.hash_one(slots[slot as usize].order);
        self.by_ref.insert_unique(hash, slot, hasher);
        slot
    }

    /// The slot of an order that is known.
    pub(crate) fn find(&self, order: OrderRef) -> Option<u32> {
        let hash = FxBuildHasher.hash_one(order);
        self.by_ref.find(hash, |&slot| self.slots[slot as usize].order == order).copied()
    }

    /// When a shopper first said that they placed an order.
    pub(crate) fn first_placed(&self, order: OrderRef, shopper: u32) -> Option<Timestamp> {
        let reports = self.reports(self.find(order)?).iter();
        let placed = reports
            .filter(|report| report.change == OrderChange::Placed && report.shopper == shopper);
        placed.map(|report| report.first.0).min()
    }

    pub(crate) fn order(&self, slot: u32) -> OrderRef {
        self.slots[slot as usize].order
    }

    pub(crate) fn reports(&self, slot: u32) -> &[Report] {
        &self.slots[slot as usize].reports
    }

    /// Whether taking the report in would change anything.
    pub(crate) fn is_news(&self, slot: u32, report: &Report) -> bool {
        let mut known = self.reports(slot).iter().filter(|known| known.excludes(report));
        known.next().is_none_or(|known| match report.change {
            OrderChange::Refunded => false,
            _ => known.age() < report.age() || report.first < known.first,
        })
    }

    pub(crate) fn add(&mut self, slot: u32, mut report: Report) {
        let reports = &mut self.slots[slot as usize].reports;
        let Some(idx) = reports.iter().position(|known| known.excludes(&report)) else {
            reports.reserve_exact(1);
            reports.push(report);
            return;
        };
        let first = report.first.min(reports[idx].first);
        if report.age() < reports[idx].age() {
            reports[idx].first = first;
        } else {
            report.first = first;
            reports[idx] = report;
        }
    }

    /// Takes what a shopper said of an order out of everybody's answers, for good.
    pub(crate) fn unshare(&mut self, slot: u32, shopper: u32) {
        let reports = self.slots[slot as usize].reports.iter_mut();
        reports.filter(|r| r.shopper == shopper).for_each(|r| r.uses = r.uses.unshared());
    }

    /// What a shopper's order may be used for: what each of its placed reports allows, so that a file
    /// of the night does not bring back what the web withheld.
    pub(crate) fn uses(&self, slot: u32, shopper: u32) -> Uses {
        let placed = self
            .reports(slot)
            .iter()
            .filter(|report| report.change == OrderChange::Placed && report.shopper == shopper);
        placed.fold(Uses::ALL, |uses, report| uses.and(report.uses))
    }

    /// Drops what a shopper said of an order, and the order when nothing is left.
    pub(crate) fn drop_shopper(&mut self, slot: u32, shopper: u32) {
        let reports = &mut self.slots[slot as usize].reports;
        reports.retain(|report| report.shopper != shopper);
        if !reports.is_empty() {
            return;
        }
        *reports = Vec::new();
        let hash = FxBuildHasher.hash_one(self.slots[slot as usize].order);
        if let Ok(entry) = self.by_ref.find_entry(hash, |&other| other == slot) {
            entry.remove();
            self.slots[slot as usize].order = OrderRef([0; 16]);
            self.free.push(slot);
        }
    }

    /// What counts of the order; `None` when it is cancelled or empty.
    pub(crate) fn effective(&self, slot: u32) -> Option<Effective<'_>> {
        let reports = self.reports(slot);
        if reports.is_empty() || reports.iter().any(|r| r.change == OrderChange::Cancelled) {
            return None;
        }
        let placed = reports
            .iter()
            .filter(|report| report.change == OrderChange::Placed)
            .max_by_key(|report| (report.source, report.at, report.event_id));
        let refunds = reports.iter().filter(|report| report.change == OrderChange::Refunded);
        let strongest = refunds.clone().map(|report| report.source).max();
        let refunds = refunds.filter(|report| Some(report.source) == strongest).collect();
        Some(Effective { placed, refunds })
    }

    /// Slots of all orders.
    pub(crate) fn slots(&self) -> impl Iterator<Item = u32> + '_ {
        self.by_ref.iter().copied()
    }

    pub(crate) fn len(&self) -> usize {
        self.by_ref.len()
    }

    pub(crate) fn bytes(&self) -> usize {
        let reports = self.slots.iter().map(|slot| {
            let lines: usize = slot.reports.iter().map(|r| r.lines.bytes().len() + 8).sum();
            slot.reports.capacity() * size_of::<Report>() + lines
        });
        reports.sum::<usize>()
            + self.slots.capacity() * size_of::<Slot>()
            + self.by_ref.allocation_size()
    }

    pub(crate) fn write(&self, w: &mut Writer) {
        w.count(self.slots.len());
        for slot in &self.slots {
            w.raw(&slot.order.0);
            w.count(slot.reports.len());
            slot.reports.iter().for_each(|report| write_report(report, w));
        }
        w.count(self.free.len());
        self.free.iter().for_each(|slot| w.varint(u64::from(*slot)));
    }

    /// Reads what [`OrderFold::write`] wrote, for a catalogue of `n_items`.
    pub(crate) fn read(r: &mut Reader<'_>, n_items: usize) -> Result<OrderFold, WireError> {
        let mut fold = OrderFold::default();
        let n_slots = r.count()?;
        fold.slots.reserve_exact(n_slots);
        for _ in 0..n_slots {
            let order = OrderRef(r.array16()?);
            let n_reports = r.count()?;
            let mut reports = Vec::with_capacity(n_reports.min(4));
            for _ in 0..n_reports {
                reports.push(read_report(r, n_items)?);
            }
            fold.slots.push(Slot { order, reports });
        }
        for _ in 0..r.count()? {
            fold.free.push(read_u32(r)?);
        }
        let slots = &fold.slots;
        let hasher = |&slot: &u32| FxBuildHasher.hash_one(slots[slot as usize].order);
        fold.by_ref.reserve(slots.len(), hasher);
        for (slot, content) in slots.iter().enumerate() {
            if !content.reports.is_empty() {
                let hash = FxBuildHasher.hash_one(content.order);
                fold.by_ref.insert_unique(hash, slot as u32, hasher);
            }
        }
        Ok(fold)
    }
}

fn write_report(report: &Report, w: &mut Writer) {
    w.u8(report.source as u8 | (report.change as u8) << 2 | report.channel << 4);
    w.varint(u64::from(report.shopper.wrapping_add(1)));
    w.raw(&report.event_id.0);
    w.timestamp(report.at);
    w.timestamp(report.first.0);
    w.day(report.first.1);
    w.varint(u64::from(report.location.wrapping_add(1)));
    w.u8(report.uses.bits());
    w.bytes(report.lines.bytes());
}

fn read_report(r: &mut Reader<'_>, n_items: usize) -> Result<Report, WireError> {
    let head = r.u8()?;
    let change = OrderChange::ALL.get(usize::from(head >> 2 & 3)).copied();
    Ok(Report {
        source: Source::ALL[usize::from(head & 3)],
        change: change.ok_or_else(|| r.fault("a known change of an order"))?,
        channel: head >> 4,
        shopper: read_u32(r)?.wrapping_sub(1),
        event_id: EventId(r.array16()?),
        at: r.timestamp()?,
        first: (r.timestamp()?, r.day()?),
        location: read_u32(r)?.wrapping_sub(1),
        uses: read_uses(r)?,
        lines: Lines::from_bytes(r.bytes()?, n_items)
            .ok_or_else(|| r.fault("lines of known items"))?,
    })
}

/// What something may be used for.
pub(crate) fn read_uses(r: &mut Reader<'_>) -> Result<Uses, WireError> {
    let bits = r.u8()?;
    Uses::from_bits(bits).ok_or_else(|| r.fault("known uses"))
}
