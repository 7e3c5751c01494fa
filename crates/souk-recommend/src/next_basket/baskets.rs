//! What shoppers bought, held so that a basket can be added, replaced or forgotten at any time.

use crate::types::{Item, Shopper};
use crate::wire::{Kind, Reader, SnapshotError, Writer};

const KIND: Kind = Kind { magic: *b"BSKT", version: 1 };

/// One basket as the caller knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Basket {
    /// The caller's key of the basket, unique for its shopper: an order's number or its hash.
    pub key: u64,
    /// When it was bought, Unix milliseconds.
    pub time: i64,
    /// What was in it, each item once, ascending.
    items: Box<[Item]>,
}

impl Basket {
    /// Makes a basket; repeated items count once, because quantities say little about the next visit.
    pub fn new(key: u64, time: i64, items: &[Item]) -> Basket {
        let mut items = items.to_vec();
        items.sort_unstable();
        items.dedup();
        Basket { key, time, items: items.into_boxed_slice() }
    }

    /// What was in it, each item once, ascending.
    pub fn items(&self) -> &[Item] {
        &self.items
    }
}

/// One shopper's baskets and the counts over them.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Purchases {
    /// Ordered by (time, key).
    pub(crate) baskets: Vec<Basket>,
    /// In how many baskets each item was, ascending by item.
    pub(crate) counts: Vec<(Item, u32)>,
    /// Length of the vector of [`count_weight`]s, recomputed from the counts in item order, so that
    /// it does not depend on the order of the changes.
    pub(crate) norm: f32,
    /// The value of [`BasketVectors::n_changes`] at the last change.
    pub(crate) changed_at: u64,
}

/// How many baskets of each of its buyers held an item, ascending by shopper.
pub(crate) type Buyers = Vec<(Shopper, u32)>;

/// All shoppers' baskets with an inverted index over their items.
///
/// The state is a pure function of the set of baskets in it: the order of additions, replacements
/// and removals leaves no trace but [`BasketVectors::n_changes`]. All counts are integers, so that a
/// removal is exact. An addition costs O(items of the shopper + buyers of the items) moves of eight
/// bytes in the worst case; shoppers and items must be numbered densely.
#[derive(Clone, Debug, Default)]
pub struct BasketVectors {
    shoppers: Vec<Purchases>,
    items: Vec<Buyers>,
    n_baskets: usize,
    /// Shoppers with at least one basket.
    n_buyers: usize,
    n_changes: u64,
}

/// Two holders are equal when they hold the same baskets and the same index over them.
impl PartialEq for BasketVectors {
    fn eq(&self, other: &BasketVectors) -> bool {
        let shoppers = self.shoppers.len().max(other.shoppers.len());
        let items = self.items.len().max(other.items.len());
        let same_shopper = |s: usize| match (self.shoppers.get(s), other.shoppers.get(s)) {
            (Some(a), Some(b)) => {
                a.baskets == b.baskets && a.counts == b.counts && a.norm == b.norm
            }
            (a, b) => a.or(b).is_none_or(|one| one.baskets.is_empty() && one.counts.is_empty()),
        };
        let empty = Vec::new();
        let buyers = |of: &BasketVectors, i: usize| of.items.get(i).unwrap_or(&empty).clone();
        (self.n_baskets, self.n_buyers) == (other.n_baskets, other.n_buyers)
            && (0..shoppers).all(same_shopper)
            && (0..items).all(|i| buyers(self, i) == buyers(other, i))
    }
}

impl BasketVectors {
    /// Builds from baskets in any order; for many baskets much faster than adding one by one in
    /// time order, because buyers arrive in ascending order. Later duplicates of a key replace.
    pub fn build(mut baskets: Vec<(Shopper, Basket)>) -> BasketVectors {
        // Reversed and stable, so that the last of equal keys comes first and is the one kept.
        baskets.reverse();
        baskets.sort_by_key(|(shopper, basket)| (*shopper, basket.key));
        baskets.dedup_by_key(|(shopper, basket)| (*shopper, basket.key));
        baskets.sort_unstable_by_key(|(shopper, basket)| (*shopper, basket.time, basket.key));
        let mut built = BasketVectors::default();
        for (shopper, basket) in baskets {
            built.insert(shopper, basket);
        }
        for purchases in &mut built.shoppers {
            purchases.norm = norm(&purchases.counts);
        }
        built
    }

    /// Adds a basket; one of the same shopper and key is replaced.
    pub fn add_basket(&mut self, shopper: Shopper, basket: Basket) {
        self.take(shopper, basket.key);
        self.insert(shopper, basket);
        let purchases = &mut self.shoppers[shopper.0 as usize];
        purchases.norm = norm(&purchases.counts);
    }

    /// Removes a basket. False when there is none with this key.
    pub fn remove_basket(&mut self, shopper: Shopper, key: u64) -> bool {
        if !self.take(shopper, key) {
            return false;
        }
        self.n_changes += 1;
        let purchases = &mut self.shoppers[shopper.0 as usize];
        purchases.norm = norm(&purchases.counts);
        purchases.changed_at = self.n_changes;
        true
    }

    /// Forgets a shopper: afterwards the state equals one that never saw their baskets.
    ///
    /// A [`Market`](super::Market) and a [`Neighbourhood`](super::Neighbourhood) made before still
    /// hold the shopper's share; make them anew.
    pub fn forget(&mut self, shopper: Shopper) {
        let Some(purchases) = self.shoppers.get_mut(shopper.0 as usize) else { return };
        let purchases = std::mem::take(purchases);
        self.n_baskets -= purchases.baskets.len();
        self.n_buyers -= usize::from(!purchases.baskets.is_empty());
        self.n_changes += 1;
        for (item, _) in purchases.counts {
            let buyers = &mut self.items[item.0 as usize];
            if let Ok(at) = buyers.binary_search_by_key(&shopper, |&(buyer, _)| buyer) {
                buyers.remove(at);
            }
        }
    }

    /// A shopper's baskets, oldest first.
    pub fn baskets(&self, shopper: Shopper) -> &[Basket] {
        self.purchases(shopper).map_or(&[], |purchases| &purchases.baskets)
    }

    /// In how many of a shopper's baskets the item is.
    pub fn n_bought(&self, shopper: Shopper, item: Item) -> u32 {
        let counts = self.purchases(shopper).map_or(&[][..], |purchases| &purchases.counts);
        let at = counts.binary_search_by_key(&item, |&(held, _)| held);
        at.map_or(0, |at| counts[at].1)
    }

    /// How many baskets are held.
    pub fn n_baskets(&self) -> usize {
        self.n_baskets
    }

    /// Counts every change since the start of this holder; for telling whether a cache is stale.
    pub fn n_changes(&self) -> u64 {
        self.n_changes
    }

    /// One more than the largest item number seen.
    pub fn n_items(&self) -> usize {
        self.items.len()
    }

    /// One more than the largest shopper number seen.
    pub fn n_shoppers(&self) -> usize {
        self.shoppers.len()
    }

    /// How many shoppers have at least one basket.
    pub fn n_buyers(&self) -> usize {
        self.n_buyers
    }

    /// How many shoppers bought an item.
    pub fn n_buyers_of(&self, item: Item) -> usize {
        self.buyers(item).len()
    }

    pub(crate) fn purchases(&self, shopper: Shopper) -> Option<&Purchases> {
        self.shoppers.get(shopper.0 as usize)
    }

    pub(crate) fn all_purchases(&self) -> &[Purchases] {
        &self.shoppers
    }

    pub(crate) fn buyers(&self, item: Item) -> &[(Shopper, u32)] {
        self.items.get(item.0 as usize).map_or(&[], Vec::as_slice)
    }

    /// Writes the baskets, not the index, which is cheap to build; equal states give equal bytes.
    pub fn encode(&self) -> Vec<u8> {
        let n_lines: usize =
            self.shoppers.iter().flat_map(|p| &p.baskets).map(|b| b.items.len()).sum();
        let mut to = Writer::new(KIND, 8 + 24 * self.n_baskets + 4 * n_lines);
        to.u64(self.n_baskets as u64);
        for (shopper, purchases) in self.shoppers.iter().enumerate() {
            for basket in &purchases.baskets {
                to.u32(shopper as u32);
                to.u64(basket.key);
                to.i64(basket.time);
                to.u32(basket.items.len() as u32);
                for item in &basket.items {
                    to.u32(item.0);
                }
            }
        }
        to.finish()
    }

    /// Reads what [`BasketVectors::encode`] wrote.
    ///
    /// # Errors
    ///
    /// Any [`SnapshotError`]; the remedy is to rebuild from the orders.
    pub fn decode(bytes: &[u8]) -> Result<BasketVectors, SnapshotError> {
        let mut from = Reader::new(KIND, bytes)?;
        let n_baskets = from.u64()?;
        let mut baskets = Vec::new();
        for _ in 0..n_baskets {
            let shopper = Shopper(from.u32()?);
            let (key, time, n_items) = (from.u64()?, from.i64()?, from.u32()? as usize);
            let items: Box<[Item]> = from.words(n_items)?.map(Item).collect();
            if !items.is_sorted_by(|one, next| one < next) {
                return Err(SnapshotError::Damaged);
            }
            baskets.push((shopper, Basket { key, time, items }));
        }
        from.finish()?;
        Ok(BasketVectors::build(baskets))
    }

    /// Puts a basket of a new key in its place; the caller recomputes the norm.
    fn insert(&mut self, shopper: Shopper, basket: Basket) {
        if self.shoppers.len() <= shopper.0 as usize {
            self.shoppers.resize_with(shopper.0 as usize + 1, Purchases::default);
        }
        if let Some(last) = basket.items.last().filter(|last| self.items.len() <= last.0 as usize) {
            self.items.resize_with(last.0 as usize + 1, Vec::new);
        }
        self.n_changes += 1;
        self.n_baskets += 1;
        let purchases = &mut self.shoppers[shopper.0 as usize];
        self.n_buyers += usize::from(purchases.baskets.is_empty());
        for &item in &basket.items {
            let n = increment(&mut purchases.counts, item);
            let buyers = &mut self.items[item.0 as usize];
            match buyers.binary_search_by_key(&shopper, |&(buyer, _)| buyer) {
                Ok(at) => buyers[at].1 = n,
                Err(at) => buyers.insert(at, (shopper, n)),
            }
        }
        let before = (basket.time, basket.key);
        let at = purchases.baskets.partition_point(|held| (held.time, held.key) < before);
        purchases.baskets.insert(at, basket);
        purchases.changed_at = self.n_changes;
    }

    /// Takes a basket out of lists and index; the caller recomputes the norm.
    fn take(&mut self, shopper: Shopper, key: u64) -> bool {
        let Some(purchases) = self.shoppers.get_mut(shopper.0 as usize) else { return false };
        // From the newest: orders are corrected soon after they are made.
        let Some(at) = purchases.baskets.iter().rposition(|held| held.key == key) else {
            return false;
        };
        let basket = purchases.baskets.remove(at);
        self.n_baskets -= 1;
        self.n_buyers -= usize::from(purchases.baskets.is_empty());
        for &item in &basket.items {
            let n = decrement(&mut purchases.counts, item);
            let buyers = &mut self.items[item.0 as usize];
            if let Ok(at) = buyers.binary_search_by_key(&shopper, |&(buyer, _)| buyer) {
                if n == 0 {
                    buyers.remove(at);
                } else {
                    buyers[at].1 = n;
                }
            }
        }
        true
    }
}

/// How much a count weighs in a shopper's vector: its logarithm, because the tenth purchase tells
/// less than the first (chosen; on validation better than the bare count and than decayed counts).
pub(crate) fn count_weight(n: u32) -> f32 {
    (n as f32).ln_1p()
}

fn norm(counts: &[(Item, u32)]) -> f32 {
    counts.iter().map(|&(_, n)| count_weight(n).powi(2)).sum::<f32>().sqrt()
}

fn increment(counts: &mut Vec<(Item, u32)>, item: Item) -> u32 {
    match counts.binary_search_by_key(&item, |&(held, _)| held) {
        Ok(at) => {
            counts[at].1 += 1;
            counts[at].1
        }
        Err(at) => {
            counts.insert(at, (item, 1));
            1
        }
    }
}

fn decrement(counts: &mut Vec<(Item, u32)>, item: Item) -> u32 {
    let Ok(at) = counts.binary_search_by_key(&item, |&(held, _)| held) else { return 0 };
    counts[at].1 -= 1;
    let left = counts[at].1;
    if left == 0 {
        counts.remove(at);
    }
    left
}
