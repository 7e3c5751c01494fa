//! A catalogue out of events: what the items of GA4's events say of products that the shop has told nothing of.
//!
//! Such a product is marked as taken from events, gives way to the shop's own, and never takes its place.

use std::collections::BTreeMap;

use souk_core::{AttributeValue, Currency, Money, Product, ProductId, ProductPatch, Timestamp};

use super::Moving;
use crate::import::orders::fault;
use crate::import::{Draft, DraftFact, ImportOptions};
use crate::sheet::RowFault;

/// The attribute that marks a product as taken from events, and its value.
const MARK: &str = "taken_from";
const EVENTS: &str = "events";
/// Levels of categories that an item can name.
pub(super) const LEVELS: usize = 5;

/// Whether a product was made of events, and not told by the shop.
pub(crate) fn is_of_events(product: &Product) -> bool {
    product.attributes.get(MARK) == Some(&AttributeValue::Text(EVENTS.to_owned()))
}

/// A change by the shop itself: from then on the product is the shop's own.
pub(crate) fn as_the_shops(known: &Product, mut patch: ProductPatch) -> ProductPatch {
    if is_of_events(known) {
        patch.attributes.get_or_insert_with(|| known.attributes.clone()).remove(MARK);
    }
    patch
}

/// What one item of an event says of its product.
#[derive(Clone, Debug, Default)]
pub(super) struct Described<'a> {
    pub(super) name: Option<&'a str>,
    pub(super) brand: Option<&'a str>,
    pub(super) levels: [Option<&'a str>; LEVELS],
    pub(super) price: Option<(f64, Currency)>,
}

/// The latest that was said of a product.
#[derive(Debug, Default)]
struct Known {
    line: u64,
    name: Option<(Timestamp, Box<str>)>,
    brand: Option<(Timestamp, Box<str>)>,
    category: Option<(Timestamp, Box<str>)>,
    price: Option<(Timestamp, (f64, Currency))>,
}

/// What the events of one file say of products, by the products' ids.
#[derive(Debug, Default)]
pub(super) struct Items(BTreeMap<ProductId, Known>);

impl Items {
    /// Takes in what an item says. What the shop's own catalogue has, itself or as a size, is left to it; an item that no
    /// product could be called by is passed over, and the others of its event are not.
    pub(super) fn take(
        &mut self,
        (line, at): (u64, Timestamp),
        (id, described): (&str, &Described<'_>),
        moving: &Moving,
    ) {
        let Ok((product, variant)) = moving.resolve(id) else {
            moving.pass_over("items whose item_id can be no product's id");
            return;
        };
        if variant.is_some() || moving.owns(&product) {
            return;
        }
        let levels: Vec<&str> = described.levels.iter().map_while(|level| *level).collect();
        let path = (!levels.is_empty()).then(|| levels.join(" > "));
        let known = self.0.entry(product).or_insert_with(|| Known { line, ..Known::default() });
        keep(&mut known.name, at, described.name.map(Box::from));
        keep(&mut known.brand, at, described.brand.map(Box::from));
        keep(&mut known.category, at, path.map(Box::from));
        keep(&mut known.price, at, described.price);
    }

    /// The products: those that earlier events made with what these add or change, and new ones. One whose name no event
    /// says is left out: there is nothing to show of it.
    pub(super) fn into_drafts(
        self,
        (options, now): (&ImportOptions, Timestamp),
        moving: &Moving,
        faults: &mut Vec<RowFault>,
    ) -> Vec<(u64, Draft)> {
        let mut drafts = Vec::with_capacity(self.0.len());
        for (id, known) in self.0 {
            let name = known.name.map(|(_, name)| name.into_string());
            let mut product = match (moving.of_events(&id), name) {
                (Some(before), name) => Product { title: name.unwrap_or(before.title), ..before },
                (None, Some(name)) => Product::new(id, options.site.clone(), name),
                (None, None) => {
                    moving.pass_over("products that events name by their id alone");
                    continue;
                }
            };
            if let Some((_, brand)) = known.brand {
                product.brand = Some(brand.into_string());
            }
            if let Some((_, path)) = known.category {
                product.categories = vec![path.into_string()];
            }
            let price = known.price.map(|(_, (price, currency))| (price, currency));
            if let Some(price) = price.and_then(|(price, of)| Money::from_major(price, of).ok()) {
                product.price = Some(price);
            }
            product.attributes.insert(MARK.to_owned(), AttributeValue::Text(EVENTS.to_owned()));
            match product.validate() {
                Ok(()) => {
                    let fact = DraftFact::Product(Box::new(product));
                    drafts.push((known.line, Draft::new(now, fact)));
                }
                Err(reasons) => {
                    let reasons: Vec<String> = reasons.iter().map(ToString::to_string).collect();
                    faults.push(fault("items", reasons.join("; ")).at(known.line));
                }
            }
        }
        drafts
    }
}

/// Keeps what was said last; of one moment the first.
fn keep<T>(kept: &mut Option<(Timestamp, T)>, at: Timestamp, said: Option<T>) {
    if let Some(said) = said
        && kept.as_ref().is_none_or(|(known, _)| *known < at)
    {
        *kept = Some((at, said));
    }
}
