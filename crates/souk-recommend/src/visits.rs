//! The index of ordered visits that the neighbour recommenders read: which items a visit holds, in
//! which order, and which visits hold an item, the one that began last at the end.
//!
//! A *visit* is a click session or a basket; a shop keeps one index of each. The index learns one
//! event at a time and forgets a visit or a shopper exactly: after any history its answers are those
//! of a fresh index of the visits that remain, because everything is ordered by (start, visit id)
//! and nothing by the place in memory. The start and not the last event: a visit that goes on would
//! otherwise move in the list of every item that it holds, which with a million running visits took
//! most of the fold's time. All visits of an item are kept, not only the most recent ones
//! that queries read (as Serenade does), else a removal could not bring back the next older one.
//!
//! A visit takes 43 bytes beside its events, and an event some nine: four in the list of its item, and as many bits as the
//! visit's largest item and longest distance need.
//!
//! Useful for: recent visits of an item, the items of a visit. *Not* useful for: long-term profiles
//! (the oldest visits are dropped above [`VisitLimits::visits_max`]), or single events' attributes.

use crate::types::{Item, Shopper};
use ages::Ages;
use blocks::{Address, Blocks, NOWHERE};
use entry::{DISTANCE_MAX, Entry, LEN_MAX, Rank, Shape, Step, between};
use hashbrown::HashTable;
pub(crate) use packed::Packed;
use packed::pack;
use rustc_hash::FxBuildHasher;
use std::hash::BuildHasher;

mod ages;
mod blocks;
mod entry;
mod packed;
mod snapshot;
#[cfg(test)]
mod tests;

/// A visit as a number that the caller assigns: stable, because it breaks ties.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct VisitId(pub u64);

/// One item seen or bought in a visit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VisitEvent {
    /// The visit; an unknown one is opened.
    pub visit: VisitId,
    /// Whose visit it is. The first shopper named for a visit stays.
    pub shopper: Option<Shopper>,
    /// What was seen or bought; an item may repeat.
    pub item: Item,
    /// When, in Unix milliseconds.
    pub time: i64,
}

/// Bounds of an index's memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VisitLimits {
    /// Above this the visit with the smallest (start, id) is dropped. At least 1.
    pub visits_max: u32,
    /// Above this a visit's oldest events are dropped, an eighth of them at once, so that a robot's
    /// endless visit costs no more for each event than a shopper's. At least 1, at most 2,097,151.
    pub events_per_visit_max: u32,
}

impl Default for VisitLimits {
    /// 2 million visits of at most 500 events (chosen: some 160 MB of usual sessions).
    fn default() -> VisitLimits {
        VisitLimits { visits_max: 2_000_000, events_per_visit_max: 500 }
    }
}

/// No shopper.
const NONE: u32 = u32::MAX;

/// Slots in shared memory: the visits that hold one item, in ascending rank, or those of one shopper.
#[derive(Debug, Clone, Copy)]
struct List {
    at: Address,
    len: u32,
}

const EMPTY: List = List { at: NOWHERE, len: 0 };

/// An index of ordered visits; see the [module](self).
#[derive(Debug, Clone)]
pub struct VisitIndex {
    limits: VisitLimits,
    entries: Vec<Entry>,
    free: Vec<u32>,
    by_id: HashTable<u32>,
    ages: Ages,
    /// By item number, in ascending rank.
    with_item: Vec<List>,
    /// By shopper number, in the order in which it was said whose they are.
    of_shopper: Vec<List>,
    visit_words: Blocks,
    list_words: Blocks,
    /// The visit that is being changed; memory that is used again.
    steps: Vec<Step>,
    n_events: u64,
    n_changes: u64,
}

impl VisitIndex {
    /// An empty index. Limits outside what they may be count as the nearest that is.
    pub fn new(limits: VisitLimits) -> VisitIndex {
        let limits = VisitLimits {
            visits_max: limits.visits_max.max(1),
            events_per_visit_max: limits.events_per_visit_max.clamp(1, LEN_MAX),
        };
        VisitIndex {
            limits,
            entries: Vec::new(),
            free: Vec::new(),
            by_id: HashTable::new(),
            ages: Ages::default(),
            with_item: Vec::new(),
            of_shopper: Vec::new(),
            visit_words: Blocks::new(4),
            list_words: Blocks::new(2),
            steps: Vec::new(),
            n_events: 0,
            n_changes: 0,
        }
    }

    /// Adds an event to its visit, at its place by time; behind others of the same time.
    ///
    /// A time further than 24.8 days from the visit's first event counts as that far. Above the
    /// limits, the oldest events of the visit or the oldest visit go, which may be this one. Memory grows
    /// with the largest item and shopper numbers, which are dense; unknown shoppers are `None`, not a
    /// number of their own, because a visit is removed in time linear in its shopper's visits.
    pub fn push(&mut self, event: VisitEvent) {
        self.n_changes += 1;
        match self.slot_of(event.visit) {
            Some(slot) => {
                self.claim(slot, event.shopper);
                self.place(slot, event);
            }
            None => self.open(event),
        }
        if self.n_visits() > self.limits.visits_max {
            let slot = self.ages.first().expect("there is more than one visit");
            self.drop_slot(slot);
        }
    }

    /// Removes a visit and every trace of it. False when there is none.
    pub fn remove_visit(&mut self, visit: VisitId) -> bool {
        self.n_changes += 1;
        let slot = self.slot_of(visit);
        slot.is_some_and(|slot| {
            self.drop_slot(slot);
            true
        })
    }

    /// Removes all visits of a shopper and every trace of them. Returns how many there were.
    pub fn forget(&mut self, shopper: Shopper) -> u32 {
        self.n_changes += 1;
        let mut n_removed = 0;
        while let Some(&slot) = self.slots_of(shopper).last() {
            self.drop_slot(slot);
            n_removed += 1;
        }
        n_removed
    }

    /// How often it may have changed since it was made or read: of two equal numbers nothing changed between.
    pub fn n_changes(&self) -> u64 {
        self.n_changes
    }

    /// The bounds it was made with.
    pub fn limits(&self) -> VisitLimits {
        self.limits
    }

    /// How many visits it holds.
    pub fn n_visits(&self) -> u32 {
        self.by_id.len() as u32
    }

    /// How many events it holds, repeated items counted each time.
    pub fn n_events(&self) -> u64 {
        self.n_events
    }

    /// How many visits hold the item.
    pub fn n_visits_with(&self, item: Item) -> u32 {
        self.with_item.get(item.0 as usize).map_or(0, |list| list.len)
    }

    /// The visit of this id.
    pub fn visit(&self, id: VisitId) -> Option<Visit<'_>> {
        self.slot_of(id).map(|slot| self.view(slot))
    }

    /// All visits, the oldest first.
    pub fn visits(&self) -> impl Iterator<Item = Visit<'_>> {
        self.ages.slots().map(|slot| self.view(slot))
    }

    /// The visits of a shopper, in no particular order.
    pub fn visits_of(&self, shopper: Shopper) -> impl Iterator<Item = Visit<'_>> {
        self.slots_of(shopper).iter().rev().map(|&slot| self.view(slot))
    }

    /// The visits that hold an item, the one that began last first.
    pub fn visits_with(&self, item: Item) -> impl Iterator<Item = Visit<'_>> {
        self.slots_with(item).iter().rev().map(|&slot| self.view(slot))
    }

    /// Memory held, in bytes: what the structures reserve, without the allocator's own overhead.
    pub fn bytes(&self) -> usize {
        let entries = self.entries.capacity() * size_of::<Entry>();
        let lookups = 4 * self.free.capacity() + self.by_id.allocation_size() + self.ages.bytes();
        let lists = (self.with_item.capacity() + self.of_shopper.capacity()) * size_of::<List>();
        let steps = self.steps.capacity() * size_of::<Step>();
        entries + lookups + lists + steps + self.visit_words.bytes() + self.list_words.bytes()
    }

    /// Slots of the visits that hold an item, in ascending rank.
    pub(crate) fn slots_with(&self, item: Item) -> &[u32] {
        self.listed(self.with_item.get(item.0 as usize))
    }

    fn slots_of(&self, shopper: Shopper) -> &[u32] {
        self.listed(self.of_shopper.get(shopper.0 as usize))
    }

    fn listed(&self, list: Option<&List>) -> &[u32] {
        list.map_or(&[], |list| self.list_words.get(list.at, list.len as usize))
    }

    /// Item numbers of the visit in a slot, in order.
    #[inline]
    pub(crate) fn items_at(&self, slot: u32) -> Packed<'_> {
        self.entries[slot as usize].items(&self.visit_words)
    }

    /// How many events the visit in a slot has.
    pub(crate) fn len_at(&self, slot: u32) -> usize {
        self.entries[slot as usize].shape.len()
    }

    /// The (start, id) of the visit in a slot.
    pub(crate) fn rank_at(&self, slot: u32) -> Rank {
        self.entries[slot as usize].rank()
    }

    /// The time of the last event of the visit in a slot.
    pub(crate) fn last_time_at(&self, slot: u32) -> i64 {
        self.entries[slot as usize].last_time()
    }

    /// The shopper of the visit in a slot, or one number that no shopper has.
    pub(crate) fn shopper_at(&self, slot: u32) -> u32 {
        self.entries[slot as usize].shopper
    }

    /// The slot of a visit; slots are reused, so no answer may depend on their order.
    pub(crate) fn slot_of(&self, id: VisitId) -> Option<u32> {
        let is_it = |&slot: &u32| self.entries[slot as usize].id == id.0;
        self.by_id.find(FxBuildHasher.hash_one(id.0), is_it).copied()
    }

    fn view(&self, slot: u32) -> Visit<'_> {
        let entry = &self.entries[slot as usize];
        Visit {
            id: VisitId(entry.id),
            shopper: Some(Shopper(entry.shopper)).filter(|shopper| shopper.0 != NONE),
            start: entry.start,
            last_time: entry.last_time(),
            items: entry.items(&self.visit_words),
            between: entry.between(&self.visit_words),
        }
    }

    /// The events of a visit, in memory that [`VisitIndex::keep`] takes back.
    fn unpack(&mut self, slot: u32) -> Vec<Step> {
        let mut steps = std::mem::take(&mut self.steps);
        let entry = &self.entries[slot as usize];
        // A visit of one event ends where it begins.
        let between = entry.between(&self.visit_words).iter();
        let distances = std::iter::once(0).chain(between).chain([entry.last]);
        let events = entry.items(&self.visit_words).iter().zip(distances);
        steps.extend(events.map(|(item, distance)| Step { item, distance }));
        steps
    }

    /// Takes back the memory of [`VisitIndex::unpack`].
    fn keep(&mut self, mut steps: Vec<Step>) {
        steps.clear();
        self.steps = steps;
    }

    /// Writes the events of a visit, at least one, the first at distance 0.
    fn pack(&mut self, slot: u32, events: &[Step]) {
        let entry = &mut self.entries[slot as usize];
        let (old, shape) = (entry.shape, Shape::of(events));
        entry.packed = self.visit_words.renew((entry.packed, old.n_words()), shape.n_words());
        entry.shape = shape;
        entry.last = events.last().map_or(0, |step| step.distance);
        self.n_events = self.n_events - old.len() as u64 + events.len() as u64;
        let items = events.iter().map(|step| (step.item, shape.item_width()));
        let distances = between(events).map(|step| (step.distance, shape.distance_width()));
        pack(self.visit_words.get_mut(entry.packed, shape.n_words()), items.chain(distances));
    }

    /// Opens a visit with its first event.
    fn open(&mut self, event: VisitEvent) {
        let slot = self.add_entry((event.visit.0, event.time));
        self.pack(slot, &[Step { item: event.item.0, distance: 0 }]);
        self.claim(slot, event.shopper);
        self.post(event.item.0, slot);
    }

    /// Gives a visit without events a slot and makes it known by id and age.
    fn add_entry(&mut self, (id, start): (u64, i64)) -> u32 {
        let entry = Entry::empty(id, start);
        let slot = match self.free.pop() {
            Some(slot) => {
                self.entries[slot as usize] = entry;
                slot
            }
            None => {
                self.entries.push(entry);
                self.entries.len() as u32 - 1
            }
        };
        let entries = &self.entries;
        let hash = |&slot: &u32| FxBuildHasher.hash_one(entries[slot as usize].id);
        self.by_id.insert_unique(FxBuildHasher.hash_one(id), slot, hash);
        self.ages.add(slot, &self.entries);
        slot
    }

    /// Puts a visit without a shopper among those of that shopper.
    fn claim(&mut self, slot: u32, shopper: Option<Shopper>) {
        let Some(Shopper(number)) = shopper.filter(|shopper| shopper.0 != NONE) else { return };
        let entry = &mut self.entries[slot as usize];
        if entry.shopper != NONE {
            return;
        }
        if self.of_shopper.len() <= number as usize {
            self.of_shopper.resize(number as usize + 1, EMPTY);
        }
        entry.shopper = number;
        let list = &mut self.of_shopper[number as usize];
        list.at = self.list_words.insert((list.at, list.len as usize), list.len as usize, slot);
        list.len += 1;
    }

    /// Puts a further event into a visit, at its place by time.
    fn place(&mut self, slot: u32, event: VisitEvent) {
        let entry = &self.entries[slot as usize];
        let len = entry.shape.len();
        if len >= self.limits.events_per_visit_max as usize {
            // It would be the first to go. So goes the only event of a visit of one, in `replace`.
            if entry.distance(event.time) < 0 {
                return;
            }
            if len == 1 {
                self.replace(slot, event);
                return;
            }
            self.drop_first_events(slot, (len / 8).max(1));
        }
        let distance = self.entries[slot as usize].distance(event.time);
        let mut events = self.unpack(slot);
        if distance < 0 {
            let later = distance.unsigned_abs() as u32;
            for step in &mut events {
                step.distance = step.distance.saturating_add(later).min(DISTANCE_MAX);
            }
            self.move_start((slot, &events), distance);
        }
        if events.iter().all(|step| step.item != event.item.0) {
            self.post(event.item.0, slot);
        }
        let step = Step { item: event.item.0, distance: distance.max(0) as u32 };
        let idx = events.partition_point(|other| other.distance <= step.distance);
        events.insert(idx, step);
        self.pack(slot, &events);
        self.keep(events);
    }

    /// Exchanges the only event of a visit.
    fn replace(&mut self, slot: u32, event: VisitEvent) {
        let events = self.unpack(slot);
        self.unpost(events[0].item, slot);
        let distance = self.entries[slot as usize].distance(event.time);
        self.move_start((slot, &[]), distance);
        self.pack(slot, &[Step { item: event.item.0, distance: 0 }]);
        self.keep(events);
        self.post(event.item.0, slot);
    }

    /// Drops the oldest `n` of a visit's more than `n` events.
    fn drop_first_events(&mut self, slot: u32, n: usize) {
        let mut events = self.unpack(slot);
        for idx in 0..n {
            let item = events[idx].item;
            if events[idx + 1..].iter().all(|step| step.item != item) {
                self.unpost(item, slot);
            }
        }
        events.drain(..n);
        let first = events[0].distance;
        if first > 0 {
            events.iter_mut().for_each(|step| step.distance -= first);
            self.move_start((slot, &events), i64::from(first));
        }
        self.pack(slot, &events);
        self.keep(events);
    }

    /// Moves a visit of these events in all orders because it now begins `by` milliseconds later. Rare: the beginning of a
    /// long visit was dropped, or an earlier event came late.
    fn move_start(&mut self, (slot, events): (u32, &[Step]), by: i64) {
        let mut items: Vec<u32> = events.iter().map(|step| step.item).collect();
        items.sort_unstable();
        items.dedup();
        items.iter().for_each(|&item| self.unpost(item, slot));
        self.ages.remove(slot, &self.entries);
        let start = &mut self.entries[slot as usize].start;
        *start = start.saturating_add(by);
        self.ages.add(slot, &self.entries);
        items.iter().for_each(|&item| self.post(item, slot));
    }

    /// Where a visit stands in one of its items' lists.
    fn position_in(&self, slots: &[u32], slot: u32) -> usize {
        // A visit that changes is mostly the newest already.
        if slots.last() == Some(&slot) {
            return slots.len() - 1;
        }
        // Searched in growing steps from the end: what changes is nearly always recent, and the ranks
        // of recent visits are in the cache where those of the middle are not.
        let rank = self.rank_at(slot);
        let mut step = 1;
        let mut end = slots.len();
        while end > 0 {
            let begin = end.saturating_sub(step);
            if self.rank_at(slots[begin]) <= rank {
                return begin + slots[begin..end].partition_point(|&o| self.rank_at(o) < rank);
            }
            (end, step) = (begin, step * 4);
        }
        0
    }

    /// Enters a visit into the list of an item that it did not hold before.
    fn post(&mut self, item: u32, slot: u32) {
        if self.with_item.len() <= item as usize {
            self.with_item.resize(item as usize + 1, EMPTY);
        }
        let rank = self.rank_at(slot);
        let slots = self.slots_with(Item(item));
        let is_newest = slots.last().is_none_or(|&last| self.rank_at(last) < rank);
        let idx = if is_newest { slots.len() } else { self.position_in(slots, slot) };
        let list = &mut self.with_item[item as usize];
        list.at = self.list_words.insert((list.at, list.len as usize), idx, slot);
        list.len += 1;
    }

    /// Takes a visit out of an item's list.
    fn unpost(&mut self, item: u32, slot: u32) {
        let idx = self.position_in(self.slots_with(Item(item)), slot);
        let list = &mut self.with_item[item as usize];
        list.at = self.list_words.remove((list.at, list.len as usize), idx);
        list.len -= 1;
    }

    /// Removes the visit in a slot and frees the slot.
    fn drop_slot(&mut self, slot: u32) {
        let events = self.unpack(slot);
        for (idx, step) in events.iter().enumerate() {
            if events[..idx].iter().all(|other| other.item != step.item) {
                self.unpost(step.item, slot);
            }
        }
        self.n_events -= events.len() as u64;
        self.keep(events);
        self.disown(slot);
        self.ages.remove(slot, &self.entries);
        let Entry { id, packed, shape, .. } = self.entries[slot as usize];
        self.visit_words.give_back(packed, shape.n_words());
        let found = self.by_id.find_entry(FxBuildHasher.hash_one(id), |&other| other == slot);
        found.expect("every visit is known by its id").remove();
        // Nothing of a forgotten visit stays behind, not even in unused memory of the entry.
        self.entries[slot as usize] = Entry::empty(0, 0);
        self.free.push(slot);
    }

    /// Takes a visit out of its shopper's list.
    fn disown(&mut self, slot: u32) {
        let shopper = self.entries[slot as usize].shopper;
        if shopper == NONE {
            return;
        }
        let place = self.slots_of(Shopper(shopper)).iter().rposition(|&other| other == slot);
        let idx = place.expect("a visit is in its shopper's list");
        let list = &mut self.of_shopper[shopper as usize];
        list.at = self.list_words.remove((list.at, list.len as usize), idx);
        list.len -= 1;
    }
}

/// A visit to read: its items in order.
#[derive(Clone, Copy, Debug)]
pub struct Visit<'a> {
    id: VisitId,
    shopper: Option<Shopper>,
    start: i64,
    last_time: i64,
    items: Packed<'a>,
    /// Distances of all events but the first and the last one.
    between: Packed<'a>,
}

impl<'a> Visit<'a> {
    /// Its number.
    pub fn id(&self) -> VisitId {
        self.id
    }

    /// Whose visit it is, when that is known.
    pub fn shopper(&self) -> Option<Shopper> {
        self.shopper
    }

    /// The time of its last event, in Unix milliseconds.
    pub fn last_time(&self) -> i64 {
        self.last_time
    }

    /// How many events it has; at least one.
    #[expect(clippy::len_without_is_empty, reason = "a visit is never empty")]
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Its items in order of time, repeated ones each time.
    pub fn items(&self) -> impl DoubleEndedIterator<Item = Item> + ExactSizeIterator + use<'a> {
        self.items.iter().map(Item)
    }

    /// Its items with their times in Unix milliseconds, in order of time.
    pub fn events(&self) -> impl Iterator<Item = (Item, i64)> + use<'a> {
        let Visit { start, last_time, between, .. } = *self;
        let times = between.iter().map(move |distance| start.saturating_add(i64::from(distance)));
        // A visit of one event ends where it begins.
        self.items().zip(std::iter::once(start).chain(times).chain([last_time]))
    }
}
