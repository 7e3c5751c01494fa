//! What products lack that shoppers, search and other channels need.

use rustc_hash::FxHashSet;
use serde::{Deserialize, Serialize};
use souk_core::{AttributeValue, Product};
use xxhash_rust::xxh3::xxh3_64;

/// Products that are named as examples of a shortcoming; chosen.
const EXAMPLES_MAX: usize = 5;

/// Products that lack something.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shortcoming {
    /// How many.
    pub count: u64,
    /// The ids of the first ones.
    pub examples: Vec<String>,
}

impl Shortcoming {
    fn note(&mut self, id: &str) {
        self.count += 1;
        if self.examples.len() < EXAMPLES_MAX {
            self.examples.push(id.to_owned());
        }
    }
}

/// What the products of a file lack.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct FeedQuality {
    /// Rows without a title, which are left out.
    pub no_title: u64,
    /// No trade item number, nor one for any variant.
    pub no_gtin: Shortcoming,
    /// A trade item number of the wrong length or with a wrong check digit.
    pub bad_gtin: Shortcoming,
    /// A title that a product before has too.
    pub duplicate_title: Shortcoming,
    /// No price, nor one for any variant.
    pub no_price: Shortcoming,
    /// A price that differs from the catalogue's by more than the settings say.
    pub price_jump: Shortcoming,
    /// No picture.
    pub no_image: Shortcoming,
    /// No category.
    pub no_category: Shortcoming,
    /// No description.
    pub no_description: Shortcoming,
}

impl FeedQuality {
    /// Every shortcoming with its name, the rows without a title apart.
    pub fn shortcomings(&self) -> [(&'static str, &Shortcoming); 8] {
        [
            ("no GTIN", &self.no_gtin),
            ("bad GTIN", &self.bad_gtin),
            ("duplicate title", &self.duplicate_title),
            ("no price", &self.no_price),
            ("price jumped", &self.price_jump),
            ("no image", &self.no_image),
            ("no category", &self.no_category),
            ("no description", &self.no_description),
        ]
    }
}

/// Looks at the products of one file.
#[derive(Debug, Default)]
pub(super) struct Inspector {
    found: FeedQuality,
    titles: FxHashSet<u64>,
}

impl Inspector {
    /// Looks at a product; `known` is the one that the catalogue has under its id.
    pub(super) fn look(&mut self, product: &Product, (known, jump): (Option<&Product>, f64)) {
        let (found, id) = (&mut self.found, product.id.as_str());
        let of_variants = product.variants.iter().filter_map(|one| one.attributes.get("gtin"));
        let mut gtins: Vec<&str> = of_variants.filter_map(as_text).collect();
        gtins.extend(product.gtin.as_deref());
        if gtins.is_empty() {
            found.no_gtin.note(id);
        } else if !gtins.into_iter().all(is_gtin) {
            found.bad_gtin.note(id);
        }
        let title = xxh3_64(product.title.to_lowercase().as_bytes());
        if !self.titles.insert(title) {
            found.duplicate_title.note(id);
        }
        if product.price.is_none() && product.variants.iter().all(|one| one.price.is_none()) {
            found.no_price.note(id);
        }
        if has_jumped((known, product), jump) {
            found.price_jump.note(id);
        }
        if product.image_urls.is_empty() {
            found.no_image.note(id);
        }
        if product.categories.is_empty() {
            found.no_category.note(id);
        }
        if product.description.is_none() {
            found.no_description.note(id);
        }
    }

    pub(super) fn finish(self, no_title: u64) -> FeedQuality {
        FeedQuality { no_title, ..self.found }
    }
}

fn as_text(value: &AttributeValue) -> Option<&str> {
    match value {
        AttributeValue::Text(text) => Some(text),
        _ => None,
    }
}

fn has_jumped((known, product): (Option<&Product>, &Product), jump: f64) -> bool {
    let (Some(old), Some(new)) = (known.and_then(|known| known.price), product.price) else {
        return false;
    };
    let change = (new.minor() - old.minor()).unsigned_abs() as f64;
    old.currency() == new.currency() && change > old.minor() as f64 * jump
}

/// Whether this is a number of GS1 with the right check digit: the digits, from the last but one to the
/// left, count three times and once in turn, and with the last one make a multiple of ten.
///
/// Source: GS1 General Specifications, section 7.9.
pub(super) fn is_gtin(text: &str) -> bool {
    let digits: Option<Vec<u32>> = text.trim().chars().map(|digit| digit.to_digit(10)).collect();
    let Some(digits) = digits.filter(|digits| matches!(digits.len(), 8 | 12 | 13 | 14)) else {
        return false;
    };
    let weighted = digits.iter().rev().enumerate();
    let sum: u32 = weighted.map(|(idx, digit)| digit * if idx % 2 == 1 { 3 } else { 1 }).sum();
    sum.is_multiple_of(10)
}
