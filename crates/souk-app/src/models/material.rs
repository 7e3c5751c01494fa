//! What a model is learned from: a copy of what everybody's allowed acts make together.

use std::sync::Arc;

use souk_core::{AttributeValue, Product};
use souk_recommend::next_basket::Basket;
use souk_recommend::sources::Histories;
use souk_recommend::visits::VisitEvent;
use souk_recommend::{Item, Shopper};
use xxhash_rust::xxh3::xxh3_64;

use super::lists::ShownLists;
use super::{baskets, sessions};
use crate::projections::Views;

/// Different items of one shopper that are learned from and asked by, the latest ones; chosen: pairs grow
/// with its square, and older ones hardly weigh.
pub(crate) const HISTORY_MAX: usize = 50;
/// Baskets of a shopper from which on the last one says whether people buy again.
const BASKETS_MIN: usize = 2;

/// The copy, as it is taken between two slices of the fold: short, because the fold waits.
#[derive(Debug, Default)]
pub(super) struct Material {
    taken: Vec<(Shopper, Item, i64)>,
    products: Vec<(Item, Arc<Product>)>,
    /// Baskets of everybody or of some, to learn their order from; none where a model is only fitted.
    pub(super) baskets: Vec<(Shopper, Basket)>,
    /// The latest visits, to learn how they are to be read; none where a model is only fitted.
    pub(super) visits: Vec<VisitEvent>,
    /// What people were shown, to learn in which order they want it; likewise.
    pub(super) lists: ShownLists,
    /// How often somebody had left when it was taken.
    pub(super) departures: u64,
    pub(super) again: BoughtAgain,
}

/// Of the products in everybody's last baskets, how many their buyers had bought before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BoughtAgain {
    /// Products in last baskets.
    pub bought: u64,
    /// Those that were in an earlier one.
    pub again: u64,
}

impl BoughtAgain {
    /// The share of repeats; `None` while nobody has come twice.
    pub fn share(self) -> Option<f64> {
        (self.bought > 0).then(|| self.again as f64 / self.bought as f64)
    }
}

impl Material {
    /// Copies what views hold; `departures` is counted before.
    pub(super) fn copy(views: &Views, departures: u64) -> Material {
        let crowd = views.crowd();
        let taken = crowd.acts().collect();
        let items = (0..views.catalogue.n_items() as u32).map(Item);
        let product = |item| Some((item, Arc::clone(views.catalogue.product(item)?)));
        let mut again = BoughtAgain::default();
        for (_, baskets) in crowd.each_buyer().filter(|(_, own)| own.len() >= BASKETS_MIN) {
            let Some((last, earlier)) = baskets.split_last() else { continue };
            let is_again =
                |item: &&Item| earlier.iter().any(|one| one.items().binary_search(item).is_ok());
            again.bought += last.items().len() as u64;
            again.again += last.items().iter().filter(is_again).count() as u64;
        }
        let products = items.filter_map(product).collect();
        Material { taken, products, departures, again, ..Material::default() }
    }

    /// Copies baskets and visits too.
    pub(super) fn with_lessons(self, views: &Views) -> Material {
        let crowd = views.crowd();
        let (baskets, visits) = (baskets::copy(crowd), sessions::copy(crowd.visits));
        Material { baskets, visits, ..self }
    }

    /// Each shopper's latest different items.
    pub(super) fn histories(&mut self) -> Histories {
        let mut taken = std::mem::take(&mut self.taken);
        taken.sort_unstable_by_key(|&(shopper, item, time)| {
            (shopper, std::cmp::Reverse(time), item)
        });
        let mut latest = Vec::new();
        for own in taken.chunk_by(|a, b| a.0 == b.0) {
            let first = latest.len();
            for &event in own {
                if latest.len() - first == HISTORY_MAX {
                    break;
                }
                if latest[first..].iter().all(|&(_, item, _)| item != event.1) {
                    latest.push(event);
                }
            }
        }
        Histories::of(latest)
    }

    /// The words and attributes of each product, by item number.
    pub(super) fn tokens(&self) -> Vec<Vec<u32>> {
        let n = self.products.last().map_or(0, |(item, _)| item.0 as usize + 1);
        let mut tokens = vec![Vec::new(); n];
        for (item, product) in &self.products {
            tokens[item.0 as usize] = tokens_of(product);
        }
        tokens
    }
}

/// What a product says of itself, as numbers that equal words and values share.
fn tokens_of(product: &Product) -> Vec<u32> {
    let mut tokens = Vec::new();
    let mut take = |name: &str, value: &str| {
        let text = format!("{name}={}", value.to_lowercase());
        // Half of a 64-bit hash: among a million words some hundred share a number, which moves nothing.
        tokens.push(xxh3_64(text.as_bytes()) as u32);
    };
    let words = |text: &str, take: &mut dyn FnMut(&str, &str)| {
        let words = text.split(|c: char| !c.is_alphanumeric());
        words.filter(|word| word.chars().count() > 1).for_each(|word| take("word", word));
    };
    words(&product.title, &mut take);
    if let Some(text) = &product.description {
        words(text, &mut take);
    }
    product.brand.iter().for_each(|brand| take("brand", brand));
    for path in &product.categories {
        // Each category on the way counts: neighbours on a shelf share all of it, others the beginning.
        let ends = path.match_indices('>').map(|(at, _)| at).chain([path.len()]);
        ends.for_each(|end| take("category", path[..end].trim()));
    }
    product.tags.iter().for_each(|tag| take("tag", tag));
    for (name, value) in &product.attributes {
        match value {
            AttributeValue::Text(text) => take(name, text),
            AttributeValue::Texts(texts) => texts.iter().for_each(|text| take(name, text)),
            AttributeValue::Number(_) => {}
        }
    }
    tokens.sort_unstable();
    tokens.dedup();
    tokens
}
