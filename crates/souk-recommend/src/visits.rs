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
//! Useful for: recent visits of an item, the items of a visit. *Not* useful for: long-term profiles
//! (the oldest visits are dropped above [`VisitLimits::visits_max`]), or single events' attributes.

use crate::types::{Item, Shopper};
use blocks::{Address, Blocks, NOWHERE};
use hashbrown::HashTable;
use oldest::Oldest;
use rustc_hash::FxBuildHasher;
use std::hash::BuildHasher;

mod blocks;
mod oldest;
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
    /// endless visit costs no more for each event than a shopper's. At least 1.
    pub events_per_visit_max: u32,
}

impl Default for VisitLimits {
    /// 2 million visits of at most 500 events (chosen: some 150 MB of usual sessions).
    fn default() -> VisitLimits {
        VisitLimits { visits_max: 2_000_000, events_per_visit_max: 500 }
    }
}

/// What visits are ordered by: time of the first event, then id.
pub(crate) type Rank = (i64, u64);

/// No slot, no shopper.
const NONE: u32 = u32::MAX;

/// The fixed part of a visit, 48 bytes. Its slot is its place in `VisitIndex::entries`.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    id: u64,
    /// Time of the event that opened the visit; the others are stored as distances to it.
    base: i64,
    /// Distance of the first event, in milliseconds.
    first: i32,
    /// Distance of the last event, in milliseconds.
    last: i32,
    shopper: u32,
    items: Address,
    /// Distances of all events in milliseconds, or `NOWHERE` while all are 0 (as in a basket).
    times: Address,
    len: u32,
    /// The next visit of the same shopper.
    next: u32,
    heap_place: u32,
}

impl Entry {
    fn last_time(&self) -> i64 {
        self.base.saturating_add(i64::from(self.last))
    }

    fn rank(&self) -> Rank {
        (self.base.saturating_add(i64::from(self.first)), self.id)
    }

    /// A far away time is moved to the end of what 32 bits hold, 24.8 days: a visit is shorter.
    fn distance(&self, time: i64) -> i32 {
        let distance = time.saturating_sub(self.base);
        distance.clamp(i64::from(i32::MIN), i64::from(i32::MAX)) as i32
    }
}

/// The visits that hold one item: slots in ascending rank.
#[derive(Debug, Clone, Copy)]
struct Posting {
    at: Address,
    len: u32,
}

/// An index of ordered visits; see the [module](self).
#[derive(Debug, Clone)]
pub struct VisitIndex {
    limits: VisitLimits,
    entries: Vec<Entry>,
    free: Vec<u32>,
    by_id: HashTable<u32>,
    oldest: Oldest,
    /// By item number.
    postings: Vec<Posting>,
    /// By shopper number: the first of a chain of visits.
    chains: Vec<u32>,
    visit_words: Blocks,
    posting_words: Blocks,
    n_events: u64,
    n_changes: u64,
}

impl VisitIndex {
    /// An empty index. Limits of 0 count as 1.
    pub fn new(limits: VisitLimits) -> VisitIndex {
        let limits = VisitLimits {
            visits_max: limits.visits_max.max(1),
            events_per_visit_max: limits.events_per_visit_max.max(1),
        };
        VisitIndex {
            limits,
            entries: Vec::new(),
            free: Vec::new(),
            by_id: HashTable::new(),
            oldest: Oldest::default(),
            postings: Vec::new(),
            chains: Vec::new(),
            visit_words: Blocks::new(),
            posting_words: Blocks::new(),
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
            let slot = self.oldest.first().expect("there is more than one visit");
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
        while let Some(slot) = self.chain(shopper) {
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
        self.oldest.len() as u32
    }

    /// How many events it holds, repeated items counted each time.
    pub fn n_events(&self) -> u64 {
        self.n_events
    }

    /// One more than the largest item number ever seen.
    pub fn items_bound(&self) -> u32 {
        self.postings.len() as u32
    }

    /// How many visits hold the item.
    pub fn n_visits_with(&self, item: Item) -> u32 {
        self.postings.get(item.0 as usize).map_or(0, |posting| posting.len)
    }

    /// The visit of this id.
    pub fn visit(&self, id: VisitId) -> Option<Visit<'_>> {
        self.slot_of(id).map(|slot| self.view(slot))
    }

    /// All visits, the oldest first. Sorts them: for exports and snapshots, not for requests.
    pub fn visits(&self) -> impl Iterator<Item = Visit<'_>> {
        self.slots_by_rank().into_iter().map(|slot| self.view(slot))
    }

    /// The visits of a shopper, in no particular order.
    pub fn visits_of(&self, shopper: Shopper) -> impl Iterator<Item = Visit<'_>> {
        let first = self.chain(shopper);
        let next = |&slot: &u32| Some(self.entries[slot as usize].next).filter(|&n| n != NONE);
        std::iter::successors(first, next).map(|slot| self.view(slot))
    }

    /// The visits that hold an item, the one that began last first.
    pub fn visits_with(&self, item: Item) -> impl Iterator<Item = Visit<'_>> {
        self.slots_with(item).iter().rev().map(|&slot| self.view(slot))
    }

    /// Memory held, in bytes: what the structures reserve, without the allocator's own overhead.
    pub fn bytes(&self) -> usize {
        let entries = self.entries.capacity() * size_of::<Entry>();
        let lookups = 4 * (self.free.capacity() + self.chains.capacity())
            + self.by_id.allocation_size()
            + self.oldest.bytes();
        let postings = self.postings.capacity() * size_of::<Posting>();
        entries + lookups + postings + self.visit_words.bytes() + self.posting_words.bytes()
    }

    /// Slots of the visits that hold an item, in ascending rank.
    pub(crate) fn slots_with(&self, item: Item) -> &[u32] {
        let posting = self.postings.get(item.0 as usize);
        posting.map_or(&[], |posting| self.posting_words.get(posting.at, posting.len as usize))
    }

    /// Item numbers of the visit in a slot, in order.
    pub(crate) fn items_at(&self, slot: u32) -> &[u32] {
        let entry = &self.entries[slot as usize];
        self.visit_words.get(entry.items, entry.len as usize)
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
        let len = entry.len as usize;
        let times = if entry.times == NOWHERE { 0 } else { len };
        Visit {
            id: VisitId(entry.id),
            shopper: Some(Shopper(entry.shopper)).filter(|shopper| shopper.0 != NONE),
            last_time: entry.last_time(),
            base: entry.base,
            items: self.visit_words.get(entry.items, len),
            distances: self.visit_words.get(entry.times, times),
        }
    }

    fn slots_by_rank(&self) -> Vec<u32> {
        let mut slots = self.oldest.slots().to_vec();
        slots.sort_unstable_by_key(|&slot| self.rank_at(slot));
        slots
    }

    fn chain(&self, shopper: Shopper) -> Option<u32> {
        self.chains.get(shopper.0 as usize).copied().filter(|&slot| slot != NONE)
    }

    /// Opens a visit with its first event.
    fn open(&mut self, event: VisitEvent) {
        let items = self.visit_words.take(1);
        self.visit_words.get_mut(items, 1)[0] = event.item.0;
        let slot = self.add_entry(Entry {
            id: event.visit.0,
            base: event.time,
            first: 0,
            last: 0,
            shopper: NONE,
            items,
            times: NOWHERE,
            len: 1,
            next: NONE,
            heap_place: 0,
        });
        self.claim(slot, event.shopper);
        self.post(event.item.0, slot);
    }

    /// Gives an entry a slot and makes it known by id and age.
    fn add_entry(&mut self, entry: Entry) -> u32 {
        let (id, len) = (entry.id, entry.len);
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
        self.oldest.add(slot, &mut self.entries);
        self.n_events += u64::from(len);
        slot
    }

    /// Puts a visit without a shopper into that shopper's chain.
    fn claim(&mut self, slot: u32, shopper: Option<Shopper>) {
        let Some(Shopper(number)) = shopper.filter(|shopper| shopper.0 != NONE) else { return };
        let entry = &mut self.entries[slot as usize];
        if entry.shopper != NONE {
            return;
        }
        if self.chains.len() <= number as usize {
            self.chains.resize(number as usize + 1, NONE);
        }
        entry.shopper = number;
        entry.next = std::mem::replace(&mut self.chains[number as usize], slot);
    }

    /// Puts a further event into a visit, at its place by time.
    fn place(&mut self, slot: u32, event: VisitEvent) {
        let entry = &self.entries[slot as usize];
        let len = entry.len as usize;
        let distance = entry.distance(event.time);
        if len >= self.limits.events_per_visit_max as usize {
            // It would be the first to go. So goes the only event of a visit of one, in `replace`.
            if distance < entry.first {
                return;
            }
            if len == 1 {
                self.replace(slot, event);
                return;
            }
            self.drop_first_events(slot, (len / 8).max(1));
        }
        let entry = &mut self.entries[slot as usize];
        entry.last = entry.last.max(distance);
        if distance < entry.first {
            self.move_start(slot, distance);
        }
        if !self.items_at(slot).contains(&event.item.0) {
            self.post(event.item.0, slot);
        }
        self.insert_event(slot, event.item.0, distance);
    }

    /// Exchanges the only event of a visit; its base stays, as with every dropped event.
    fn replace(&mut self, slot: u32, event: VisitEvent) {
        let distance = self.entries[slot as usize].distance(event.time);
        self.unpost(self.items_at(slot)[0], slot);
        let entry = &mut self.entries[slot as usize];
        (entry.first, entry.last) = (distance, distance);
        self.visit_words.get_mut(entry.items, 1)[0] = event.item.0;
        if entry.times == NOWHERE && distance != 0 {
            entry.times = self.visit_words.take(1);
        }
        if entry.times != NOWHERE {
            self.visit_words.get_mut(entry.times, 1)[0] = distance as u32;
        }
        self.oldest.moved(slot, &mut self.entries);
        self.post(event.item.0, slot);
    }

    /// Writes an event into the visit's lists and counts it.
    fn insert_event(&mut self, slot: u32, item: u32, distance: i32) {
        let words = &mut self.visit_words;
        let entry = &mut self.entries[slot as usize];
        let len = entry.len as usize;
        if entry.times == NOWHERE && distance != 0 {
            entry.times = words.take(len);
            words.get_mut(entry.times, len).fill(0);
        }
        let mut idx = len;
        if entry.times != NOWHERE {
            let times = words.get(entry.times, len);
            idx = times.partition_point(|&other| other as i32 <= distance);
            entry.times = words.insert((entry.times, len), idx, distance as u32);
        }
        entry.items = words.insert((entry.items, len), idx, item);
        entry.len += 1;
        self.n_events += 1;
    }

    /// Drops the oldest `n` of a visit's more than `n` events.
    fn drop_first_events(&mut self, slot: u32, n: usize) {
        for idx in 0..n {
            let items = self.items_at(slot);
            if !items[idx + 1..].contains(&items[idx]) {
                self.unpost(items[idx], slot);
            }
        }
        let entry = &mut self.entries[slot as usize];
        let len = entry.len as usize;
        entry.items = self.visit_words.remove_first((entry.items, len), n);
        entry.len -= n as u32;
        self.n_events -= n as u64;
        if entry.times != NOWHERE {
            entry.times = self.visit_words.remove_first((entry.times, len), n);
            let first = self.visit_words.get(entry.times, len - n)[0] as i32;
            self.move_start(slot, first);
        }
    }

    /// Moves a visit in all orders because its first event is now at `distance`. Rare: the beginning
    /// of a long visit was dropped, or an earlier event came late.
    fn move_start(&mut self, slot: u32, distance: i32) {
        let mut items = self.items_at(slot).to_vec();
        items.sort_unstable();
        items.dedup();
        items.iter().for_each(|&item| self.unpost(item, slot));
        self.entries[slot as usize].first = distance;
        self.oldest.moved(slot, &mut self.entries);
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
        if self.postings.len() <= item as usize {
            self.postings.resize(item as usize + 1, Posting { at: NOWHERE, len: 0 });
        }
        let rank = self.rank_at(slot);
        let slots = self.slots_with(Item(item));
        let is_newest = slots.last().is_none_or(|&last| self.rank_at(last) < rank);
        let idx = if is_newest { slots.len() } else { self.position_in(slots, slot) };
        let posting = &mut self.postings[item as usize];
        posting.at = self.posting_words.insert((posting.at, posting.len as usize), idx, slot);
        posting.len += 1;
    }

    /// Takes a visit out of an item's list.
    fn unpost(&mut self, item: u32, slot: u32) {
        let idx = self.position_in(self.slots_with(Item(item)), slot);
        let posting = &mut self.postings[item as usize];
        posting.at = self.posting_words.remove((posting.at, posting.len as usize), idx);
        posting.len -= 1;
    }

    /// Removes the visit in a slot and frees the slot.
    fn drop_slot(&mut self, slot: u32) {
        for idx in 0..self.entries[slot as usize].len as usize {
            let items = self.items_at(slot);
            let item = items[idx];
            if !items[..idx].contains(&item) {
                self.unpost(item, slot);
            }
        }
        self.unchain(slot);
        self.oldest.remove(slot, &mut self.entries);
        let entry = &mut self.entries[slot as usize];
        let len = entry.len as usize;
        self.visit_words.give_back(entry.items, len);
        if entry.times != NOWHERE {
            self.visit_words.give_back(entry.times, len);
        }
        self.n_events -= u64::from(entry.len);
        let hash = FxBuildHasher.hash_one(entry.id);
        let found = self.by_id.find_entry(hash, |&other| other == slot);
        found.expect("every visit is known by its id").remove();
        // Nothing of a forgotten visit stays behind, not even in unused memory of the entry.
        *entry = Entry { id: 0, base: 0, first: 0, last: 0, shopper: NONE, len: 0, ..*entry };
        self.free.push(slot);
    }

    /// Takes a visit out of its shopper's chain.
    fn unchain(&mut self, slot: u32) {
        let Entry { shopper, next, .. } = self.entries[slot as usize];
        if shopper == NONE {
            return;
        }
        let first = &mut self.chains[shopper as usize];
        if *first == slot {
            *first = next;
            return;
        }
        let mut before = *first;
        while self.entries[before as usize].next != slot {
            before = self.entries[before as usize].next;
        }
        self.entries[before as usize].next = next;
    }
}

/// A visit to read: its items in order.
#[derive(Clone, Copy, Debug)]
pub struct Visit<'a> {
    id: VisitId,
    shopper: Option<Shopper>,
    last_time: i64,
    base: i64,
    items: &'a [u32],
    /// Empty while all events have the time `base`.
    distances: &'a [u32],
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
        self.items.iter().map(|&number| Item(number))
    }

    /// Its items with their times in Unix milliseconds, in order of time.
    pub fn events(&self) -> impl Iterator<Item = (Item, i64)> + use<'a> {
        let Visit { base, distances, .. } = *self;
        self.items.iter().enumerate().map(move |(idx, &number)| {
            let distance = distances.get(idx).map_or(0, |&word| i64::from(word as i32));
            (Item(number), base.saturating_add(distance))
        })
    }
}
