//! Who took what, in which order: what all counting sources count.

use crate::types::{Item, Shopper};
use rustc_hash::FxHashMap;

/// Each shopper's different items in the order of their latest taking, and each item's takers.
///
/// The content depends on the events alone, not on the order of `update`; only of events at one time
/// does the later call come behind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Histories {
    by_shopper: FxHashMap<Shopper, History>,
    /// Ascending, by item.
    takers: Vec<Vec<Shopper>>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct History {
    items: Vec<Item>,
    times: Vec<i64>,
}

impl Histories {
    /// Reads events in any order; of equal times the later row is the younger event.
    pub fn of(events: impl IntoIterator<Item = (Shopper, Item, i64)>) -> Histories {
        let mut events: Vec<_> = events.into_iter().collect();
        // In order of time every item is put at the end, where there is nothing to move.
        events.sort_by_key(|&(shopper, _, time)| (shopper, time));
        let mut histories = Histories::default();
        for (shopper, item, time) in events {
            histories.update(shopper, item, time);
        }
        histories
    }

    /// Adds one event. A further taking of an item moves it to its new time, if that is later.
    pub fn update(&mut self, shopper: Shopper, item: Item, time: i64) {
        let history = self.by_shopper.entry(shopper).or_default();
        let known = history.items.iter().position(|&held| held == item);
        if let Some(at) = known {
            if history.times[at] > time {
                return;
            }
            history.items.remove(at);
            history.times.remove(at);
        } else {
            let at = item.0 as usize;
            if at >= self.takers.len() {
                self.takers.resize(at + 1, Vec::new());
            }
            let place = self.takers[at].partition_point(|&taker| taker < shopper);
            self.takers[at].insert(place, shopper);
        }
        let place = history.times.partition_point(|&held| held <= time);
        history.items.insert(place, item);
        history.times.insert(place, time);
    }

    /// Takes a shopper out and returns the items they had: those whose counts have changed.
    pub fn forget(&mut self, shopper: Shopper) -> Vec<Item> {
        let items = self.by_shopper.remove(&shopper).unwrap_or_default().items;
        for item in &items {
            self.takers[item.0 as usize].retain(|&taker| taker != shopper);
        }
        // An item that nobody took leaves no trace, not even its number.
        while self.takers.last().is_some_and(Vec::is_empty) {
            self.takers.pop();
        }
        items
    }

    /// A shopper's items, the youngest last.
    pub fn items(&self, shopper: Shopper) -> &[Item] {
        self.by_shopper.get(&shopper).map_or(&[], |history| &history.items)
    }

    /// Who took an item, ascending.
    pub fn takers(&self, item: Item) -> &[Shopper] {
        self.takers.get(item.0 as usize).map_or(&[], Vec::as_slice)
    }

    /// One more than the largest item number.
    pub fn n_items(&self) -> usize {
        self.takers.len()
    }

    /// How many shoppers have a history.
    pub fn n_shoppers(&self) -> usize {
        self.by_shopper.len()
    }

    /// All shoppers, ascending.
    pub fn shoppers(&self) -> Vec<Shopper> {
        let mut shoppers: Vec<Shopper> = self.by_shopper.keys().copied().collect();
        shoppers.sort_unstable();
        shoppers
    }

    /// All events that are held, by shopper, then from the oldest.
    pub fn events(&self) -> impl Iterator<Item = (Shopper, Item, i64)> + '_ {
        self.shoppers().into_iter().flat_map(|shopper| {
            let history = &self.by_shopper[&shopper];
            history
                .items
                .iter()
                .zip(&history.times)
                .map(move |(&item, &time)| (shopper, item, time))
        })
    }
}
