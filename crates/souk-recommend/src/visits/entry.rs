//! The fixed part of a visit, and the shape of what it holds.

use super::NONE;
use super::blocks::{Address, Blocks, NOWHERE};
use super::packed::{Packed, width_of, words_for};

/// What visits are ordered by: time of the first event, then id.
pub(crate) type Rank = (i64, u64);

/// The fixed part of a visit, half a line of the processor's cache. Its slot is its place in `VisitIndex::entries`.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(super) id: u64,
    /// Time of the first event.
    pub(super) start: i64,
    /// Distance of the last event from it, in milliseconds.
    pub(super) last: u32,
    pub(super) shopper: u32,
    /// Items of all events, then distances of all but the first and the last one.
    pub(super) packed: Address,
    pub(super) shape: Shape,
}

impl Entry {
    /// A visit without events.
    pub(super) fn empty(id: u64, start: i64) -> Entry {
        Entry { id, start, last: 0, shopper: NONE, packed: NOWHERE, shape: Shape(0) }
    }

    /// Item numbers, in order.
    #[inline]
    pub(super) fn items<'a>(&self, words: &'a Blocks) -> Packed<'a> {
        let Entry { packed, shape, .. } = *self;
        let words = words.get(packed, shape.n_words());
        Packed::new(words, 0, (shape.len(), shape.item_width()))
    }

    /// Distances of all events but the first and the last one.
    pub(super) fn between<'a>(&self, words: &'a Blocks) -> Packed<'a> {
        let Entry { packed, shape, .. } = *self;
        let words = words.get(packed, shape.n_words());
        Packed::new(words, shape.items_end(), (shape.n_between(), shape.distance_width()))
    }

    pub(super) fn last_time(&self) -> i64 {
        self.start.saturating_add(i64::from(self.last))
    }

    pub(super) fn rank(&self) -> Rank {
        (self.start, self.id)
    }

    /// A far away time is moved to the end of what 31 bits hold, 24.8 days: a visit is shorter.
    pub(super) fn distance(&self, time: i64) -> i64 {
        let end = i64::from(DISTANCE_MAX);
        time.saturating_sub(self.start).clamp(-end, end)
    }
}

/// The longest distance of an event from the first one, in milliseconds.
pub(super) const DISTANCE_MAX: u32 = i32::MAX as u32;
/// What the number of events fits in.
const LEN_BITS: u32 = 21;
/// What the width of an item fits in, 32 included.
const WIDTH_BITS: u32 = 6;
pub(super) const LEN_MAX: u32 = (1 << LEN_BITS) - 1;

/// How many events a visit has, and how wide its items and distances are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shape(u32);

impl Shape {
    pub(super) fn of(events: &[Step]) -> Shape {
        let item_width = events.iter().map(|step| width_of(step.item)).max().unwrap_or_default();
        let widths = between(events).map(|step| width_of(step.distance));
        let distance_width = widths.max().unwrap_or_default();
        Shape(
            events.len() as u32
                | item_width << LEN_BITS
                | distance_width << (LEN_BITS + WIDTH_BITS),
        )
    }

    pub(super) fn len(self) -> usize {
        (self.0 & LEN_MAX) as usize
    }

    pub(super) fn item_width(self) -> u32 {
        self.0 >> LEN_BITS & ((1 << WIDTH_BITS) - 1)
    }

    pub(super) fn distance_width(self) -> u32 {
        self.0 >> (LEN_BITS + WIDTH_BITS)
    }

    fn n_between(self) -> usize {
        self.len().saturating_sub(2)
    }

    /// The bit behind the items.
    fn items_end(self) -> usize {
        self.len() * self.item_width() as usize
    }

    pub(super) fn n_words(self) -> usize {
        words_for(self.items_end() + self.n_between() * self.distance_width() as usize)
    }
}

/// An event of a visit, unpacked.
#[derive(Debug, Clone, Copy)]
pub(super) struct Step {
    pub(super) item: u32,
    /// From the first event, in milliseconds.
    pub(super) distance: u32,
}

/// All but the first and the last event.
pub(super) fn between(events: &[Step]) -> impl Iterator<Item = &Step> {
    events.iter().skip(1).take(events.len().saturating_sub(2))
}
