//! Numbers keys 0, 1, 2 … in the order they first appear: the working memory of one query.

/// A small hash table that is emptied in no time and allocates only while it grows.
///
/// Open addressing at a load of at most one half. *Not* a map: values lie in the caller's own list,
/// at the key's number.
#[derive(Debug, Clone, Default)]
pub(crate) struct Numbering {
    places: Vec<Place>,
    /// Tags below it are of earlier rounds: their places are free. At least 1.
    first: u32,
    n: u32,
}

#[derive(Debug, Clone, Copy, Default)]
struct Place {
    key: u32,
    /// The key's number, counted from `Numbering::first`.
    tag: u32,
}

const PLACES_MIN: usize = 256;

impl Numbering {
    /// Forgets all keys.
    pub(crate) fn clear(&mut self) {
        self.start_at(self.first.max(1) + self.n);
        self.n = 0;
        if self.places.is_empty() {
            self.places.resize(PLACES_MIN, Place::default());
        }
    }

    /// The number of a key; a new key gets the next one, the count of keys before it.
    #[inline]
    pub(crate) fn number(&mut self, key: u32) -> usize {
        if 2 * self.n as usize >= self.places.len() {
            self.grow();
        }
        let at = self.find(key);
        let place = &mut self.places[at];
        if place.tag < self.first {
            *place = Place { key, tag: self.first + self.n };
            self.n += 1;
        }
        (place.tag - self.first) as usize
    }

    /// The number of a key that was seen.
    pub(crate) fn get(&self, key: u32) -> Option<usize> {
        if self.places.is_empty() {
            return None;
        }
        let place = self.places[self.find(key)];
        place.tag.checked_sub(self.first).map(|number| number as usize)
    }

    /// Where a key is, or the free place for it.
    #[inline]
    fn find(&self, key: u32) -> usize {
        let mask = self.places.len() - 1;
        // Fibonacci hashing: the high bits of the product are well mixed.
        let hash = u64::from(key).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
        let mut at = hash as usize & mask;
        while self.places[at].tag >= self.first && self.places[at].key != key {
            at = (at + 1) & mask;
        }
        at
    }

    fn grow(&mut self) {
        let len = (2 * self.places.len()).max(PLACES_MIN);
        let old = std::mem::replace(&mut self.places, vec![Place::default(); len]);
        // A numbering that was never cleared starts here.
        self.first = self.first.max(1);
        for place in old.into_iter().filter(|place| place.tag >= self.first) {
            let at = self.find(place.key);
            self.places[at] = place;
        }
    }

    /// Begins a round whose tags are larger than all before.
    fn start_at(&mut self, first: u32) {
        self.first = first;
        // Tags of long ago must not look current after 2^31 keys.
        if first > u32::MAX / 2 {
            self.places.fill(Place::default());
            self.first = 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;

    proptest! {
        #[test]
        fn numbers_in_order_of_appearance(
            rounds in prop::collection::vec(prop::collection::vec(0..2000u32, 0..900), 1..4)
        ) {
            let mut numbering = Numbering::default();
            for keys in rounds {
                numbering.clear();
                let mut model = HashMap::new();
                for key in keys {
                    let next = model.len();
                    let expected = *model.entry(key).or_insert(next);
                    prop_assert_eq!(numbering.number(key), expected);
                }
                for key in 0..2000 {
                    prop_assert_eq!(numbering.get(key), model.get(&key).copied());
                }
            }
        }
    }

    #[test]
    fn starts_over_before_its_tags_end() {
        let mut numbering = Numbering::default();
        numbering.clear();
        assert_eq!([numbering.number(5), numbering.number(6)], [0, 1]);
        numbering.start_at(u32::MAX / 2 - 1);
        numbering.n = 0;
        assert_eq!([numbering.number(6), numbering.number(7)], [0, 1]);
        numbering.clear();
        assert_eq!(numbering.first, 1);
        assert_eq!((numbering.get(6), numbering.get(7), numbering.number(7)), (None, None, 0));
    }

    #[test]
    fn works_without_a_first_clear() {
        let mut numbering = Numbering::default();
        assert_eq!(numbering.get(0), None);
        assert_eq!(numbering.number(0), 0);
        assert_eq!(numbering.number(7), 1);
        assert_eq!(numbering.get(0), Some(0));
    }
}
