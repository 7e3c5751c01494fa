//! What a shopper's own purchases say of hits.

use rustc_hash::FxHashMap;
use souk_core::Timestamp;
use souk_recommend::Item;

use crate::projections::{Catalogue, Consented, Kind};

/// After so many days a purchase weighs half; chosen: a season.
const HALF_LIFE_DAYS: f64 = 90.0;
const DAY_MS: f64 = 86_400_000.0;

/// What the most wanted product, brand and kind of product add to a factor of 1. Chosen so that what somebody
/// buys again and again leads among what fits the words as well, and does not pass what fits them much better:
/// together no more than the words' own place in a title.
const PRODUCT: f64 = 0.25;
const BRAND: f64 = 0.10;
const KIND: f64 = 0.15;

/// What a shopper buys, as shares of what the shopper buys most.
#[derive(Debug, Default)]
pub(super) struct Taste {
    products: FxHashMap<Item, f64>,
    brands: FxHashMap<u32, f64>,
    kinds: FxHashMap<Kind, f64>,
}

impl Taste {
    /// Of a person who allows it; empty of any other.
    pub(super) fn of(personal: &Consented<'_>, (catalogue, now): (&Catalogue, Timestamp)) -> Taste {
        let mut taste = Taste::default();
        for basket in personal.baskets().iter() {
            let days = (now.as_ms() - basket.time).max(0) as f64 / DAY_MS;
            let weight = (-days / HALF_LIFE_DAYS).exp2();
            for &item in basket.items() {
                *taste.products.entry(item).or_default() += weight;
                if let Some(brand) = catalogue.brand_key(item) {
                    *taste.brands.entry(brand.get()).or_default() += weight;
                }
                if let Some(kind) = catalogue.kinds().of(item) {
                    *taste.kinds.entry(kind).or_default() += weight;
                }
            }
        }
        as_shares(&mut taste.products);
        as_shares(&mut taste.brands);
        as_shares(&mut taste.kinds);
        taste
    }

    pub(super) fn is_empty(&self) -> bool {
        self.products.is_empty()
    }

    /// By what a hit's score is multiplied.
    pub(super) fn factor(&self, item: Item, catalogue: &Catalogue) -> f64 {
        let product = self.products.get(&item);
        let brand = catalogue.brand_key(item).and_then(|brand| self.brands.get(&brand.get()));
        let kind = catalogue.kinds().of(item).and_then(|kind| self.kinds.get(&kind));
        let share = |share: Option<&f64>| share.copied().unwrap_or_default();
        1.0 + PRODUCT * share(product) + BRAND * share(brand) + KIND * share(kind)
    }
}

/// Square roots of shares of the greatest, so that the second of two likings is not lost beside the first.
fn as_shares<K>(weights: &mut FxHashMap<K, f64>) {
    let most = weights.values().copied().fold(0.0, f64::max);
    weights.values_mut().for_each(|weight| *weight = (*weight / most).sqrt());
}
