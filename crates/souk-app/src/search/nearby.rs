//! Searches around a place: how far off a product can be had.
//!
//! A product can be had where it is itself (its attributes [`LATITUDE`] and [`LONGITUDE`]), and at every location of
//! the site that the settings place somewhere and that has counted stock of it. Nothing of where somebody looked is
//! kept.

use std::fmt;
use std::sync::Arc;

use parking_lot::RwLock;
use rustc_hash::FxHashMap;
use souk_core::{AttributeValue, GeoPoint, LocationId, Product, ProductId, SiteId};
use souk_recommend::Item;
use souk_search::{Around, Places, SearchIndex, SortBy};

use crate::projections::{Catalogue, Views};
use crate::{App, AppError, Caller};

/// The attributes that place a product itself, in degrees. Meilisearch's documents have them as `_geo`, Algolia's records
/// as `_geoloc`.
pub(crate) const LATITUDE: &str = "_geo.lat";
pub(crate) const LONGITUDE: &str = "_geo.lng";

/// The place around which somebody looks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AroundQuery {
    /// The place.
    pub point: GeoPoint,
    /// How far off hits may be, in kilometres, above 0; `None` says how far off they are and leaves none out.
    pub radius_km: Option<f64>,
}

/// The nearest place where a product can be had.
#[derive(Clone, Debug, PartialEq)]
pub struct Nearest {
    /// How far off it is.
    pub km: f64,
    /// Which location; `None` where the product itself is placed.
    pub location: Option<LocationId>,
}

/// A location of the site, and how far off it is.
struct Store {
    id: LocationId,
    km: f64,
}

/// The places of one site, seen from one point.
pub(super) struct Nearby {
    views: Arc<RwLock<Views>>,
    site: SiteId,
    query: AroundQuery,
    /// Whether any location is placed, however far off.
    has_stores: bool,
    /// Those within the radius, the nearest first.
    stores: Vec<Store>,
    /// Their places in that list by their numbers in the catalogue; one without a number has no stock of anything.
    ranks: FxHashMap<u32, u32>,
}

impl Nearby {
    /// The places that this caller may hear of: a key that is bound to locations hears of no others.
    pub(super) fn new(app: &App, (site, caller): (&SiteId, &Caller), query: AroundQuery) -> Nearby {
        let views = app.views.read();
        let is_heard_of = |id: &LocationId| caller.check_location(Some(id)).is_ok();
        let placed = app.config.locations().filter(|location| location.site == *site);
        let placed = placed.filter(|location| is_heard_of(&location.id));
        let placed = placed.filter_map(|location| {
            Some(Store { km: query.point.km_to(location.point?), id: location.id })
        });
        let mut stores: Vec<Store> = placed.collect();
        let has_stores = !stores.is_empty();
        stores.retain(|store| query.radius_km.is_none_or(|radius| store.km <= radius));
        stores.sort_by(|left, right| {
            left.km.total_cmp(&right.km).then_with(|| left.id.as_str().cmp(right.id.as_str()))
        });
        let numbers = stores.iter().map(|store| views.catalogue.location_number(&store.id));
        let ranks = numbers.zip(0..).filter_map(|(number, rank)| Some((number?, rank))).collect();
        let (views, site) = (Arc::clone(&app.views), site.clone());
        Nearby { views, site, query, has_stores, stores, ranks }
    }

    /// Refuses to look around where nothing is anywhere: an answer without hits would not say why.
    pub(super) fn check(&self, index: &SearchIndex) -> Result<(), AppError> {
        if self.has_stores || index.has_field(LATITUDE) {
            return Ok(());
        }
        let detail = format!(
            "nothing of site `{}` has a place: give its `locations` in souk.yaml `latitude` and `longitude`, or \
             products the attributes `{LATITUDE}` and `{LONGITUDE}`",
            self.site
        );
        Err(AppError::invalid("invalid_search", "/around", detail))
    }

    /// As the engine asks it.
    pub(super) fn for_engine(self: &Arc<Nearby>) -> Around {
        let AroundQuery { point: origin, radius_km } = self.query;
        let has_stores = !self.stores.is_empty();
        let places = has_stores.then(|| Arc::clone(self) as Arc<dyn Places>);
        Around { origin, radius_km, fields: [LATITUDE, LONGITUDE], places }
    }

    /// The nearest place where a product can be had.
    pub(super) fn nearest(&self, item: Item, catalogue: &Catalogue) -> Option<Nearest> {
        let own = catalogue.product(item).and_then(|product| place_of(product));
        let own = own.map(|place| Nearest { km: self.query.point.km_to(place), location: None });
        let store = self.store_with(item, catalogue);
        let store = store.map(|store| Nearest { km: store.km, location: Some(store.id.clone()) });
        match (own, store) {
            (Some(own), Some(store)) => Some(if store.km < own.km { store } else { own }),
            (own, store) => own.or(store),
        }
    }

    /// The nearest location that has stock of a product, by one pass over its stock.
    fn store_with(&self, item: Item, catalogue: &Catalogue) -> Option<&Store> {
        let rows = catalogue.stock_for_sale(item).iter();
        let ranked = rows.filter_map(|row| Some((*self.ranks.get(&row.location)?, row.milli)));
        let mut ranked: Vec<(u32, i64)> = ranked.collect();
        ranked.sort_unstable();
        // Variants and lots of one location count together.
        let sum =
            |rows: &[(u32, i64)]| rows.iter().fold(0, |sum: i64, row| sum.saturating_add(row.1));
        let mut by_store = ranked.chunk_by(|left, right| left.0 == right.0);
        let rank = by_store.find(|rows| sum(rows) > 0)?.first()?.0;
        self.stores.get(rank as usize)
    }

    /// Whether a product that the engine did not find is near enough.
    pub(super) fn lets_through(&self, item: Item, catalogue: &Catalogue) -> bool {
        let nearest = self.nearest(item, catalogue);
        let is_near = |radius| nearest.is_some_and(|nearest| nearest.km <= radius);
        self.query.radius_km.is_none_or(is_near)
    }
}

/// Without what the views know.
impl fmt::Debug for Nearby {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Nearby").field("site", &self.site).finish_non_exhaustive()
    }
}

impl Places for Nearby {
    fn km(&self, id: &str) -> Option<f64> {
        let views = self.views.read();
        let item = views.catalogue.item(&self.site, &ProductId::new(id).ok()?)?;
        Some(self.store_with(item, &views.catalogue)?.km)
    }
}

/// Where a product itself is.
fn place_of(product: &Product) -> Option<GeoPoint> {
    let number = |name| match product.attributes.get(name)? {
        AttributeValue::Number(number) => Some(*number),
        AttributeValue::Text(text) => text.trim().parse().ok(),
        AttributeValue::Texts(texts) => match texts.as_slice() {
            [text] => text.trim().parse().ok(),
            _ => None,
        },
    };
    GeoPoint::new(number(LATITUDE)?, number(LONGITUDE)?).ok()
}

/// Refuses an order by distance where no place is named and no field is called so.
pub(super) fn check_sort(
    (sort, around): (&[SortBy], Option<&AroundQuery>),
    index: &SearchIndex,
) -> Result<(), AppError> {
    let by_distance = sort.iter().any(|sort| sort.field == SortBy::DISTANCE);
    if !by_distance || around.is_some() || index.has_field(SortBy::DISTANCE) {
        return Ok(());
    }
    let detail = "`distance` is the way from a place; name the place in `around`";
    Err(AppError::invalid("invalid_search", "/sort", detail.to_owned()))
}

#[cfg(test)]
mod tests;
