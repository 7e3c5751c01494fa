//! Which items share visits with an item, counted when asked.
//!
//! No table of pairs is stored: it would be larger than the visits, and forgetting a shopper would
//! have to find all their pairs. The cost of a count is bounded by reading the most recent visits
//! only, as many as hold a given number of events.

use crate::numbering::Numbering;
use crate::types::Item;
use crate::visits::VisitIndex;

/// Visits of one known shopper that count for one pair; chosen: a habit shows, and nobody makes a pair
/// common by themselves.
pub(crate) const VISITS_OF_ONE_MAX: u32 = 8;

/// Working memory of co-occurrence counts; make one per thread and use it again.
#[derive(Debug, Clone, Default)]
pub struct CoScratch {
    numbering: Numbering,
    counts: Vec<CoCount>,
    /// Shopper and slot of the visits read.
    visits: Vec<(u32, u32)>,
}

/// How often an item shared a visit with the one asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CoCount {
    pub(crate) item: Item,
    /// Visits that hold both, at most [`VISITS_OF_ONE_MAX`] of each known shopper.
    pub(crate) visits: u32,
    /// Different known shoppers of those visits.
    pub(crate) shoppers: u32,
    last_visit: u32,
    last_shopper: u32,
    /// Visits counted of the last shopper.
    of_shopper: u32,
}

/// The counts of one item.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CoCounts<'a> {
    /// How many visits were read: all that hold the item, or the most recent.
    pub(crate) n_visits: u32,
    /// The items found, the asked one included, in no meaningful order.
    pub(crate) found: &'a [CoCount],
}

/// No visit or shopper seen yet; also the number of unknown shoppers.
pub(crate) const NONE: u32 = u32::MAX;

impl CoScratch {
    /// Counts in the most recent visits that hold `item`, until `events_max` events are read.
    pub(crate) fn count(
        &mut self,
        index: &VisitIndex,
        item: Item,
        events_max: usize,
    ) -> CoCounts<'_> {
        self.numbering.clear();
        self.counts.clear();
        self.visits.clear();
        let mut n_events = 0;
        let recent = index.slots_with(item).iter().rev().take_while(|&&slot| {
            n_events += index.len_at(slot);
            n_events <= events_max
        });
        self.visits.extend(recent.map(|&slot| (index.shopper_at(slot), slot)));
        // Shopper by shopper, so that remembering the last one is enough to count different ones.
        // Counts are whole numbers, so no result depends on the order of slots.
        self.visits.sort_unstable();
        for &(shopper, slot) in &self.visits {
            for number in index.items_at(slot).iter() {
                let at = self.numbering.number(number);
                if at == self.counts.len() {
                    self.counts.push(CoCount {
                        item: Item(number),
                        visits: 0,
                        shoppers: 0,
                        last_visit: NONE,
                        last_shopper: NONE,
                        of_shopper: 0,
                    });
                }
                let count = &mut self.counts[at];
                // Unknown shoppers count as nobody: they cannot be shown to be different people.
                if shopper != NONE && count.last_shopper != shopper {
                    count.last_shopper = shopper;
                    count.of_shopper = 0;
                    count.shoppers += 1;
                }
                if count.last_visit != slot {
                    count.last_visit = slot;
                    let is_counted = shopper == NONE || count.of_shopper < VISITS_OF_ONE_MAX;
                    count.visits += u32::from(is_counted);
                    count.of_shopper += u32::from(is_counted);
                }
            }
        }
        CoCounts { n_visits: self.visits.len() as u32, found: &self.counts }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::types::Shopper;
    use crate::visits::{VisitEvent, VisitId, VisitLimits};

    #[test]
    fn counts_visits_and_shoppers_once() {
        let mut index = VisitIndex::new(VisitLimits::default());
        let visits: [(Option<u32>, &[u32]); 5] = [
            (Some(1), &[7, 8, 8]),
            (Some(2), &[7, 8, 9]),
            (Some(1), &[8, 7]),
            (None, &[7, 8, 7]),
            (Some(3), &[8, 9]),
        ];
        for (visit, (shopper, items)) in visits.into_iter().enumerate() {
            for &item in items {
                index.push(VisitEvent {
                    visit: VisitId(visit as u64),
                    shopper: shopper.map(Shopper),
                    item: Item(item),
                    time: visit as i64,
                });
            }
        }
        let mut scratch = CoScratch::default();
        let mut check = |events_max, n_visits, expected: &[(u32, u32, u32)]| {
            let counts = scratch.count(&index, Item(7), events_max);
            let mut found: Vec<_> =
                counts.found.iter().map(|c| (c.item.0, c.visits, c.shoppers)).collect();
            found.sort_unstable();
            assert_eq!(found, expected);
            assert_eq!(counts.n_visits, n_visits);
        };
        check(99, 4, &[(7, 4, 2), (8, 4, 2), (9, 1, 1)]);
        check(7, 2, &[(7, 2, 1), (8, 2, 1)]);
        check(4, 1, &[(7, 1, 0), (8, 1, 0)]);
        check(0, 0, &[]);
    }

    #[test]
    fn nobody_makes_a_pair_common_alone() {
        let mut index = VisitIndex::new(VisitLimits::default());
        let mut push = |visit: u64, shopper: Option<Shopper>| {
            for item in [1, 2] {
                let (visit, item, time) = (VisitId(visit), Item(item), visit as i64);
                index.push(VisitEvent { visit, shopper, item, time });
            }
        };
        (0..100).for_each(|visit| push(visit, Some(Shopper(1))));
        (100..103).for_each(|visit| push(visit, Some(Shopper(2))));
        (200..220).for_each(|visit| push(visit, None));
        let mut scratch = CoScratch::default();
        let counts = scratch.count(&index, Item(1), usize::MAX);
        let pair = counts.found.iter().find(|count| count.item == Item(2)).unwrap();
        assert_eq!((pair.visits, pair.shoppers), (VISITS_OF_ONE_MAX + 3 + 20, 2));
    }
}
