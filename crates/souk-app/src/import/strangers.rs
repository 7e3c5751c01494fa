//! Places and products that a file names and nobody knew: often a name that was mistyped.

use std::collections::{BTreeMap, BTreeSet};

use souk_core::{LocationId, ProductId, SiteId};

use super::{Draft, DraftFact};
use crate::App;
use crate::projections::LOOKED_AT_ONCE;

/// How many a note names (chosen: a line of a terminal).
const NAMED_MAX: usize = 5;

/// What a file names.
#[derive(Debug, Default)]
pub(super) struct Strangers {
    /// Whether it was not known before.
    places: BTreeMap<LocationId, bool>,
    products: BTreeSet<ProductId>,
}

impl Strangers {
    /// Hears a draft before it goes in.
    pub(super) fn hear(&mut self, app: &App, draft: &Draft) {
        let mut product = |id: &ProductId| {
            if !self.products.contains(id) {
                self.products.insert(id.clone());
            }
        };
        let (place, to) = match &draft.fact {
            DraftFact::Order { location, lines, .. } => {
                lines.iter().for_each(|line| product(&line.product));
                (location.as_ref(), None)
            }
            DraftFact::Stock(change) => {
                product(&change.product);
                (Some(&change.location), change.to.as_ref())
            }
            DraftFact::Price(change) => {
                product(&change.product);
                (None, None)
            }
            DraftFact::Promotion(promotion) => {
                promotion.products.iter().for_each(product);
                (None, None)
            }
            _ => return,
        };
        for place in [place, to].into_iter().flatten() {
            if !self.places.contains_key(place) {
                self.places.insert(place.clone(), app.place_number(place).is_err());
            }
        }
    }

    /// What is said of them, once the file is folded.
    pub(super) fn notes(&self, app: &App, site: &SiteId) -> Vec<String> {
        let places = self.places.iter().filter(|(_, is_new)| **is_new).map(|(id, _)| id.as_str());
        let places: Vec<&str> = places.collect();
        let ids: Vec<&ProductId> = self.products.iter().collect();
        let mut products: Vec<&str> = Vec::new();
        for some in ids.chunks(LOOKED_AT_ONCE) {
            let views = app.views.read();
            let is_known = |id: &ProductId| {
                let item = views.catalogue.item(site, id);
                item.is_some_and(|item| views.catalogue.product(item).is_some())
            };
            products.extend(some.iter().filter(|id| !is_known(id)).map(|id| id.as_str()));
        }
        let mut notes = Vec::new();
        if !places.is_empty() {
            notes.push(format!(
                "{}, named neither in `locations` of souk.yaml nor by any fact before: {}",
                many(places.len(), "place is new", "places are new"),
                named(&places)
            ));
        }
        if !products.is_empty() {
            notes.push(format!(
                "{} not in the catalogue: {}",
                many(products.len(), "product is", "products are"),
                named(&products)
            ));
        }
        notes
    }
}

fn many(n: usize, one: &str, more: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { more })
}

fn named(ids: &[&str]) -> String {
    let shown = ids.iter().take(NAMED_MAX).copied().collect::<Vec<_>>().join(", ");
    if ids.len() > NAMED_MAX { format!("{shown}, …") } else { shown }
}
