use rustc_hash::{FxHashMap, FxHashSet};
use souk_core::{IdError, Product, ProductId, VariantId};

use super::items::is_of_events;

/// What the products are called in files that name them by a variant's number or by their title.
#[derive(Clone, Debug, Default)]
pub(super) struct Shelf {
    products: FxHashSet<Box<str>>,
    /// Those that were made of events, as they stand.
    of_events: FxHashMap<Box<str>, Product>,
    /// The product of each variant.
    variants: FxHashMap<Box<str>, Box<str>>,
    /// By title in lower case; `None` where two products share it.
    titles: FxHashMap<Box<str>, Option<Box<str>>>,
}

impl Shelf {
    pub(super) fn add(&mut self, product: &Product) {
        let id = product.id.as_str();
        self.products.insert(id.into());
        if is_of_events(product) {
            self.of_events.insert(id.into(), product.clone());
        } else {
            self.of_events.remove(id);
        }
        for variant in &product.variants {
            self.variants.insert(variant.id.as_str().into(), id.into());
        }
        let title = product.title.trim().to_lowercase();
        let known = self.titles.entry(title.into()).or_insert_with(|| Some(id.into()));
        if known.as_deref().is_some_and(|known| known != id) {
            *known = None;
        }
    }

    pub(super) fn has(&self, id: &str) -> bool {
        self.products.contains(id)
    }

    /// Whether the shop itself told of a product.
    pub(super) fn owns(&self, id: &str) -> bool {
        self.products.contains(id) && !self.of_events.contains_key(id)
    }

    /// A product that was made of events.
    pub(super) fn of_events(&self, id: &str) -> Option<&Product> {
        self.of_events.get(id)
    }

    /// The product that an id means, and its variant where the id is that of one. An id that is neither
    /// means a product that the catalogue does not have yet.
    pub(super) fn resolve(&self, id: &str) -> Result<(ProductId, Option<VariantId>), IdError> {
        match self.variants.get(id).filter(|_| !self.products.contains(id)) {
            Some(product) => Ok((ProductId::new(&**product)?, Some(VariantId::new(id)?))),
            // A shop may number a product and its only variant alike.
            None => Ok((ProductId::new(id)?, None)),
        }
    }

    /// The product of a line that names only a title, as `Title` or `Title - Variant`.
    pub(super) fn by_title(&self, name: &str) -> Option<ProductId> {
        let mut name = name.trim();
        loop {
            let known = self.titles.get(name.to_lowercase().as_str());
            if let Some(id) = known {
                return id.as_deref().and_then(|id| ProductId::new(id).ok());
            }
            name = name.rsplit_once(" - ")?.0;
        }
    }
}
