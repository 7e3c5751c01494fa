//! How like two products of one category look, for a catalogue of which nobody bought anything yet.

use std::hash::{Hash, Hasher};

use rustc_hash::FxHasher;
use souk_core::Product;

/// What is weighed of one brand, and of prices that are alike, beside 1 for the same words in the titles (chosen: of two
/// cases for one telephone the other brand's is nearer than the same brand's for another).
const BRAND: f32 = 0.25;
const PRICE: f32 = 0.25;

/// A product that others are compared with.
pub(crate) struct Looks<'a> {
    product: &'a Product,
    words: Vec<u64>,
}

impl<'a> Looks<'a> {
    pub(crate) fn of(product: &'a Product) -> Looks<'a> {
        Looks { product, words: words(&product.title) }
    }

    /// How alike another one is, from 0 to 1.5: Jaccard's share of common words of the titles, the brand, and the share of the
    /// dearer price that the cheaper one is.
    pub(crate) fn likeness(&self, other: &Product) -> f32 {
        let theirs = words(&other.title);
        let n_common = theirs.iter().filter(|word| self.words.binary_search(word).is_ok()).count();
        let n_all = self.words.len() + theirs.len() - n_common;
        let titles = if n_all == 0 { 0.0 } else { n_common as f32 / n_all as f32 };
        let is_one_brand = self.product.brand.is_some() && self.product.brand == other.brand;
        let brand = if is_one_brand { BRAND } else { 0.0 };
        let prices = match (self.product.price, other.price) {
            (Some(own), Some(other)) if own.currency() == other.currency() => {
                let (own, other) = (own.minor().max(1) as f32, other.minor().max(1) as f32);
                own.min(other) / own.max(other)
            }
            _ => 0.0,
        };
        titles + brand + PRICE * prices
    }
}

/// Numbers of a title's different words, in order; case makes no difference.
fn words(title: &str) -> Vec<u64> {
    let words = title.split(|char: char| !char.is_alphanumeric()).filter(|word| !word.is_empty());
    let mut numbers: Vec<u64> = words
        .map(|word| {
            let mut hasher = FxHasher::default();
            word.chars().flat_map(char::to_lowercase).for_each(|char| char.hash(&mut hasher));
            hasher.finish()
        })
        .collect();
    numbers.sort_unstable();
    numbers.dedup();
    numbers
}
