//! Which visit is the oldest: a binary heap whose places are known, so that any visit can move.

use super::{Entry, Rank};

/// A min-heap of slots by the (start, id) of their visits.
///
/// Each visit's entry stores its place here, which makes removal and reordering logarithmic. A
/// sorted set would cost three times the memory.
#[derive(Debug, Clone, Default)]
pub(super) struct Oldest {
    slots: Vec<u32>,
}

impl Oldest {
    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    /// The slot of the oldest visit.
    pub(super) fn first(&self) -> Option<u32> {
        self.slots.first().copied()
    }

    pub(super) fn slots(&self) -> &[u32] {
        &self.slots
    }

    pub(super) fn bytes(&self) -> usize {
        4 * self.slots.capacity()
    }

    pub(super) fn reserve(&mut self, n_visits: usize) {
        self.slots.reserve_exact(n_visits);
    }

    /// Adds a slot whose entry is already in `entries`.
    pub(super) fn add(&mut self, slot: u32, entries: &mut [Entry]) {
        self.slots.push(slot);
        self.rise(self.slots.len() - 1, entries);
    }

    /// Takes out a slot whose entry still has its place and rank.
    pub(super) fn remove(&mut self, slot: u32, entries: &mut [Entry]) {
        let place = entries[slot as usize].heap_place as usize;
        debug_assert_eq!(self.slots[place], slot);
        self.slots.swap_remove(place);
        if place < self.slots.len() {
            // The one that took its place came from another branch and may be out of order either way.
            let place = self.rise(place, entries);
            self.sink(place, entries);
        }
    }

    /// Restores the order after the rank of the visit in `slot` changed.
    pub(super) fn moved(&mut self, slot: u32, entries: &mut [Entry]) {
        let place = self.rise(entries[slot as usize].heap_place as usize, entries);
        self.sink(place, entries);
    }

    fn rank(&self, place: usize, entries: &[Entry]) -> Rank {
        entries[self.slots[place] as usize].rank()
    }

    fn rise(&mut self, mut place: usize, entries: &mut [Entry]) -> usize {
        while place > 0 {
            let parent = (place - 1) / 2;
            if self.rank(parent, entries) <= self.rank(place, entries) {
                break;
            }
            self.slots.swap(parent, place);
            self.note(place, entries);
            place = parent;
        }
        self.note(place, entries);
        place
    }

    fn sink(&mut self, mut place: usize, entries: &mut [Entry]) {
        loop {
            let left = 2 * place + 1;
            if left >= self.slots.len() {
                break;
            }
            let right = left + 1;
            let is_right_older =
                right < self.slots.len() && self.rank(right, entries) < self.rank(left, entries);
            let child = if is_right_older { right } else { left };
            if self.rank(place, entries) <= self.rank(child, entries) {
                break;
            }
            self.slots.swap(place, child);
            self.note(place, entries);
            place = child;
        }
        self.note(place, entries);
    }

    fn note(&self, place: usize, entries: &mut [Entry]) {
        entries[self.slots[place] as usize].heap_place = place as u32;
    }
}
