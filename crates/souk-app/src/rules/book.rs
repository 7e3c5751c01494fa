//! The rules of one moment, compiled, with what was found out about products and times so far.
//!
//! What rules say of a product is kept beside the very product that it was found for, so a change of the
//! catalogue needs to tell nobody: the next request sees another product and looks again. Readers take no
//! lock.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use arc_swap::ArcSwapOption;
use jiff::tz::TimeZone;
use souk_core::rules::{InForce, RuleId, RuleRow, RuleSet};
use souk_core::{Product, Site, SiteId, Timestamp};
use souk_recommend::Item;

use super::StoredRule;

/// The size of the first chunk of rows; each chunk is twice the one before.
const CHUNK_ROWS: u32 = 1_024;
/// Chunks for all numbers of 32 bits.
const CHUNKS: usize = 23;

/// What the rules of a book say of a product.
#[derive(Debug)]
pub(crate) struct KnownRow {
    product: Arc<Product>,
    pub(crate) row: RuleRow,
}

/// Rows by item number, in chunks that never move.
#[derive(Debug, Default)]
struct Rows {
    chunks: [OnceLock<Box<[ArcSwapOption<KnownRow>]>>; CHUNKS],
}

impl Rows {
    fn slot(&self, item: Item) -> &ArcSwapOption<KnownRow> {
        let number = u64::from(item.0) + u64::from(CHUNK_ROWS);
        let chunk = number.ilog2() - CHUNK_ROWS.ilog2();
        let size = u64::from(CHUNK_ROWS) << chunk;
        let make = || (0..size).map(|_| ArcSwapOption::empty()).collect();
        &self.chunks[chunk as usize].get_or_init(make)[(number - size) as usize]
    }

    /// The rows that are known, by item.
    fn iter(&self) -> impl Iterator<Item = (Item, Arc<KnownRow>)> + '_ {
        let chunks = self.chunks.iter().enumerate();
        chunks.filter_map(|(idx, chunk)| Some((idx, chunk.get()?))).flat_map(|(idx, slots)| {
            let first = (u64::from(CHUNK_ROWS) << idx) - u64::from(CHUNK_ROWS);
            let known = (first..).zip(slots.iter());
            known.filter_map(|(number, slot)| Some((Item(number as u32), slot.load_full()?)))
        })
    }
}

/// A site, and which rules hold there now.
#[derive(Debug)]
struct SiteClock {
    site: Site,
    in_force: ArcSwapOption<InForce>,
}

/// The rules of one moment.
#[derive(Debug, Default)]
pub(crate) struct RuleBook {
    pub(crate) set: RuleSet,
    stored: BTreeMap<RuleId, StoredRule>,
    sites: Vec<SiteClock>,
    rows: Rows,
}

impl RuleBook {
    pub(super) fn of(rules: Vec<StoredRule>, sites: Vec<Site>) -> RuleBook {
        let stored = rules.into_iter().map(|stored| (stored.rule.id.clone(), stored)).collect();
        RuleBook::made(stored, sites)
    }

    fn made(stored: BTreeMap<RuleId, StoredRule>, sites: Vec<Site>) -> RuleBook {
        let set = RuleSet::compile(stored.values().map(|stored| stored.rule.clone()));
        let clock = |site| SiteClock { site, in_force: ArcSwapOption::empty() };
        RuleBook {
            set,
            stored,
            sites: sites.into_iter().map(clock).collect(),
            rows: Rows::default(),
        }
    }

    fn site_list(&self) -> Vec<Site> {
        self.sites.iter().map(|clock| clock.site.clone()).collect()
    }

    /// The book with these rules in the place of those with the same ids.
    pub(crate) fn with(&self, rules: impl IntoIterator<Item = StoredRule>) -> RuleBook {
        let mut stored = self.stored.clone();
        stored.extend(rules.into_iter().map(|stored| (stored.rule.id.clone(), stored)));
        RuleBook::made(stored, self.site_list())
    }

    pub(super) fn without(&self, id: &RuleId) -> RuleBook {
        let mut stored = self.stored.clone();
        stored.remove(id);
        RuleBook::made(stored, self.site_list())
    }

    pub(crate) fn find(&self, id: &RuleId) -> Option<&StoredRule> {
        self.stored.get(id)
    }

    /// All rules, in the order of their ids.
    pub(crate) fn stored(&self) -> impl Iterator<Item = &StoredRule> {
        self.stored.values()
    }

    /// How many rules there are, those that are switched off included.
    pub(crate) fn len(&self) -> usize {
        self.stored.len()
    }

    /// The clock of a site.
    pub(crate) fn zone(&self, site: &SiteId) -> TimeZone {
        let known = self.sites.iter().find(|clock| clock.site.id == *site);
        known.map_or(TimeZone::UTC, |clock| clock.site.time_zone.clone())
    }

    /// Which rules hold on a site at this time by their schedules.
    pub(crate) fn in_force(&self, site: &SiteId, at: Timestamp) -> Arc<InForce> {
        let Some(clock) = self.sites.iter().find(|clock| clock.site.id == *site) else {
            return Arc::new(self.set.in_force(at, &TimeZone::UTC));
        };
        if let Some(kept) = clock.in_force.load_full().filter(|kept| kept.covers(at)) {
            return kept;
        }
        let made = Arc::new(self.set.in_force(at, &clock.site.time_zone));
        clock.in_force.store(Some(Arc::clone(&made)));
        made
    }

    /// What the rules say of a product.
    pub(crate) fn row(&self, item: Item, product: &Arc<Product>) -> Arc<KnownRow> {
        let slot = self.rows.slot(item);
        if let Some(known) = slot.load_full().filter(|known| Arc::ptr_eq(&known.product, product)) {
            return known;
        }
        let made = KnownRow { product: Arc::clone(product), row: self.set.row(&**product) };
        let made = Arc::new(made);
        slot.store(Some(Arc::clone(&made)));
        made
    }

    /// Finds out what the rules say of every product that `before` was asked about.
    pub(super) fn warm_like(&self, before: &RuleBook) {
        if self.set.is_empty() {
            return;
        }
        for (item, known) in before.rows.iter() {
            self.row(item, &known.product);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use souk_core::ProductId;

    use super::*;

    #[test]
    fn every_number_has_a_slot_of_its_own() {
        let rows = Rows::default();
        let product = Arc::new(Product::new(ProductId::new("p").unwrap(), SiteId::main(), "P"));
        let numbers = [0, 1, 1_023, 1_024, 3_071, 3_072, 100_000];
        for number in numbers {
            assert!(rows.slot(Item(number)).load_full().is_none(), "{number}");
            let row = KnownRow { product: Arc::clone(&product), row: RuleRow::default() };
            rows.slot(Item(number)).store(Some(Arc::new(row)));
        }
        let found: Vec<u32> = rows.iter().map(|(item, _)| item.0).collect();
        assert_eq!(found, numbers);
    }
}
