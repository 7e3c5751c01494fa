use std::collections::{BTreeMap, BTreeSet};
use std::hash::BuildHasher;
use std::num::{NonZeroU32, NonZeroU64};
use std::sync::{Arc, OnceLock};

use hashbrown::HashTable;
use rustc_hash::{FxBuildHasher, FxHashMap};
use souk_core::wire::json::{Audience, product_to_json};
use souk_core::wire::{Reader, WireError, Writer, read_product, write_product};
use souk_core::{
    LocationId, PriceChange, Product, ProductId, ProductPatch, SiteId, StockChange, StockMovement,
    Timestamp,
};
use souk_recommend::Item;
use xxhash_rust::xxh3::Xxh3;

use super::Projection;
use super::shoppers::read_u32;
use crate::names::Names;

mod changes;
mod kinds;
mod stock;
#[cfg(test)]
mod tests;
mod words;

pub(crate) use changes::Changed;
pub(crate) use kinds::{Kind, Kinds};
pub(crate) use stock::{Stock, StockRow, StockStep};

/// Every product that was ever named, as a dense number; those that the shop sells, with stock.
///
/// A product that only events name has a number, so that its history counts once it is known, but is
/// never served.
#[derive(Debug, Default)]
pub struct Catalogue {
    sites: Vec<SiteShelf>,
    site_names: Names,
    locations: Names,
    rows: Vec<Row>,
    /// By item number, as `rows`: what is asked of every candidate of every answer, close together in memory.
    faces: Vec<Face>,
    by_key: HashTable<u32>,
    n_groups: u32,
    n_known: usize,
    kinds: Kinds,
    stock: Stock,
    changes: changes::Changes,
}

/// What one site sells.
#[derive(Debug)]
struct SiteShelf {
    id: SiteId,
    /// Known products only.
    by_id: BTreeMap<ProductId, Item>,
    /// Known products by the time of their first offer.
    by_age: BTreeSet<(Timestamp, Item)>,
    /// By hash of the normalised title.
    groups: FxHashMap<u64, u32>,
}

#[derive(Debug)]
struct Row {
    site: u32,
    id: ProductId,
    product: Option<Arc<Product>>,
    json: OnceLock<Arc<str>>,
    first_seen: Timestamp,
    /// When its price was set last.
    priced_at: Timestamp,
}

/// What two products are compared by, and whether one can be served at all.
#[derive(Clone, Copy, Debug, Default)]
struct Face {
    title_words: Option<NonZeroU64>,
    title_group: u32,
    /// A hash of the brand's name.
    brand: Option<NonZeroU32>,
    /// Known, and of an availability that can be bought.
    is_sellable: bool,
}

impl Face {
    fn of(product: &Product, title_group: u32) -> Face {
        // Half of a good hash: two brands in four thousand million are taken for one.
        let brand_key = |name: &String| NonZeroU32::new(FxBuildHasher.hash_one(name) as u32);
        Face {
            title_words: words::words_key(&product.title),
            title_group,
            brand: product.brand.as_ref().map(|name| brand_key(name).unwrap_or(NonZeroU32::MIN)),
            is_sellable: product.availability.is_sellable(),
        }
    }
}

impl Row {
    fn offered_at(&self) -> Timestamp {
        let published_at = self.product.as_ref().and_then(|product| product.published_at);
        published_at.unwrap_or(self.first_seen)
    }
}

fn key_hash(site: u32, id: &str) -> u64 {
    FxBuildHasher.hash_one((site, id))
}

impl Catalogue {
    /// The number of a product, known or only named by events.
    pub fn item(&self, site: &SiteId, id: &ProductId) -> Option<Item> {
        let site = self.site_names.find(site.as_str())?;
        self.find(site, id.as_str())
    }

    fn find(&self, site: u32, id: &str) -> Option<Item> {
        let is_it = |&number: &u32| {
            let row = &self.rows[number as usize];
            row.site == site && row.id.as_str() == id
        };
        self.by_key.find(key_hash(site, id), is_it).copied().map(Item)
    }

    /// The product; `None` when it was deleted or only events name it.
    pub fn product(&self, item: Item) -> Option<&Arc<Product>> {
        self.rows.get(item.0 as usize)?.product.as_ref()
    }

    /// The shop's name for the product.
    ///
    /// # Panics
    ///
    /// For a number that this catalogue never gave out.
    pub fn product_id(&self, item: Item) -> &ProductId {
        &self.rows[item.0 as usize].id
    }

    /// Where the product is sold.
    ///
    /// # Panics
    ///
    /// For a number that this catalogue never gave out.
    pub fn site(&self, item: Item) -> &SiteId {
        &self.sites[self.rows[item.0 as usize].site as usize].id
    }

    /// Whether the product can be bought now: known, of a sellable availability, and in stock.
    ///
    /// Stock counts at `location` if it is known there, else in total if it is known anywhere; where
    /// nothing was ever counted, the availability alone decides.
    pub fn is_servable(&self, item: Item, location: Option<&LocationId>) -> bool {
        if !self.face(item).is_sellable {
            return false;
        }
        if self.stock.is_empty() {
            return true;
        }
        let number = location.and_then(|location| self.locations.find(location.as_str()));
        let here = number.and_then(|number| self.stock.at(item, number));
        here.or_else(|| self.stock.total(item)).is_none_or(|milli| milli > 0)
    }

    /// What stands at `location`, or in total, in thousandths; `None` when nothing was counted.
    pub fn stock_milli(&self, item: Item, location: Option<&LocationId>) -> Option<i64> {
        match location {
            Some(location) => self.stock.at(item, self.locations.find(location.as_str())?),
            None => self.stock.total(item),
        }
    }

    /// Products of one site with the same title, but for case and spaces, have the same number.
    pub fn title_group(&self, item: Item) -> u32 {
        self.face(item).title_group
    }

    /// What the product's title says without numbers, sizes and units: equal for titles of the same words, `None`
    /// where no words are left.
    pub(crate) fn title_words(&self, item: Item) -> Option<NonZeroU64> {
        self.face(item).title_words
    }

    /// Equal for products of one brand, `None` for those of none.
    pub(crate) fn brand_key(&self, item: Item) -> Option<NonZeroU32> {
        self.face(item).brand
    }

    fn face(&self, item: Item) -> Face {
        self.faces.get(item.0 as usize).copied().unwrap_or_default()
    }

    /// The product as JSON text without its cost, made once; empty when it is not known.
    pub fn product_json(&self, item: Item) -> Arc<str> {
        let Some(row) = self.rows.get(item.0 as usize) else { return Arc::from("") };
        let Some(product) = &row.product else { return Arc::from("") };
        row.json
            .get_or_init(|| product_to_json(product, Audience::Shopper).to_string().into())
            .clone()
    }

    /// The latest `limit` products of a site by their first offer, the newest first.
    pub fn newest(&self, site: &SiteId, limit: usize) -> Vec<Item> {
        self.offers(site).take(limit).map(|(_, item)| item).collect()
    }

    /// The products of a site with when each was offered first, the newest first.
    pub(crate) fn offers(&self, site: &SiteId) -> impl Iterator<Item = (Timestamp, Item)> + '_ {
        self.shelf(site).into_iter().flat_map(|shelf| shelf.by_age.iter().rev().copied())
    }

    /// When a product was told of first.
    pub(crate) fn first_seen(&self, item: Item) -> Timestamp {
        self.rows.get(item.0 as usize).map_or(Timestamp::EPOCH, |row| row.first_seen)
    }

    /// Whether the product came into the shop within `days`; one that was there when the shop itself began
    /// (or within `days` after it) is not new, whenever it was imported.
    pub(crate) fn is_new(&self, item: Item, (now, days): (Timestamp, i64)) -> bool {
        let Some(row) = self.rows.get(item.0 as usize) else { return false };
        let first = self.sites[row.site as usize].by_age.first();
        let (offered, span) = (row.offered_at(), days * 86_400_000);
        row.product.is_some()
            && now.ms_since(offered) <= span
            && first.is_some_and(|(began, _)| offered.ms_since(*began) > span)
    }

    /// Whether the product or one of its variants has a price.
    pub(crate) fn is_priced(&self, item: Item) -> bool {
        self.product(item).is_some_and(|product| {
            product.price.is_some() || product.variants.iter().any(|one| one.price.is_some())
        })
    }

    /// Counts every change of a product and of whether it can be had; for telling whether what is kept is stale.
    pub(crate) fn n_changes(&self) -> u64 {
        self.changes.count()
    }

    /// Whether anything changed since [`Catalogue::take_changes`].
    pub(crate) fn has_changes(&self) -> bool {
        !self.changes.is_empty()
    }

    /// What changed since this was last asked: products, and whether they can be bought anywhere.
    pub(crate) fn take_changes(&self) -> Changed {
        self.changes.take()
    }

    /// Known products of a site, in the order of their ids.
    pub fn iter_site(&self, site: &SiteId) -> impl Iterator<Item = Item> + use<'_> {
        self.iter_site_after(site, None)
    }

    /// Those of them whose ids come after this one; all without one.
    pub fn iter_site_after(
        &self,
        site: &SiteId,
        after: Option<&ProductId>,
    ) -> impl Iterator<Item = Item> + use<'_> {
        use std::ops::Bound::{Excluded, Unbounded};
        let range = (after.cloned().map_or(Unbounded, Excluded), Unbounded);
        self.shelf(site)
            .into_iter()
            .flat_map(move |shelf| shelf.by_id.range(range.clone()).map(|(_, item)| *item))
    }

    /// The sites that any event named.
    pub fn sites(&self) -> impl Iterator<Item = &SiteId> {
        self.sites.iter().map(|shelf| &shelf.id)
    }

    /// How many products are known.
    pub fn len(&self) -> usize {
        self.n_known
    }

    /// Whether no product is known.
    pub fn is_empty(&self) -> bool {
        self.n_known == 0
    }

    /// How many products have a number, those included that only events name.
    pub fn n_items(&self) -> usize {
        self.rows.len()
    }

    /// The dense number of the product's site.
    pub(crate) fn site_number(&self, item: Item) -> u32 {
        self.rows[item.0 as usize].site
    }

    /// The dense number of a site that any event named.
    pub fn find_site(&self, site: &SiteId) -> Option<u32> {
        self.site_names.find(site.as_str())
    }

    pub(crate) fn site_name(&self, number: u32) -> &str {
        self.site_names.text(number)
    }

    pub(crate) fn kinds(&self) -> &Kinds {
        &self.kinds
    }

    pub(crate) fn stock(&self) -> &Stock {
        &self.stock
    }

    /// The dense number of a place that any fact named.
    pub(crate) fn location_number(&self, id: &LocationId) -> Option<u32> {
        self.locations.find(id.as_str())
    }

    /// The counted stock of a product; none of one that cannot be bought.
    pub(crate) fn stock_for_sale(&self, item: Item) -> &[StockRow] {
        if self.face(item).is_sellable { self.stock.rows(item) } else { &[] }
    }

    /// Whether any fact was told of a place.
    pub(crate) fn has_locations(&self) -> bool {
        self.locations.len() > 0
    }

    pub(crate) fn location(&self, number: u32) -> &str {
        self.locations.text(number)
    }

    fn shelf(&self, site: &SiteId) -> Option<&SiteShelf> {
        self.sites.get(self.site_names.find(site.as_str())? as usize)
    }
}

impl Catalogue {
    pub(crate) fn intern_site(&mut self, site: &SiteId) -> u32 {
        let number = self.site_names.intern(site.as_str());
        if number as usize == self.sites.len() {
            self.sites.push(SiteShelf {
                id: site.clone(),
                by_id: BTreeMap::new(),
                by_age: BTreeSet::new(),
                groups: FxHashMap::default(),
            });
        }
        number
    }

    pub(crate) fn intern_location(&mut self, location: &LocationId) -> u32 {
        self.locations.intern(location.as_str())
    }

    /// The product's number, a new one at its first mention.
    pub(crate) fn intern(&mut self, site: u32, id: &ProductId) -> Item {
        if let Some(item) = self.find(site, id.as_str()) {
            return item;
        }
        let number = u32::try_from(self.rows.len()).expect("products are fewer than 2^32");
        self.rows.push(Row {
            site,
            id: id.clone(),
            product: None,
            json: OnceLock::new(),
            first_seen: Timestamp::EPOCH,
            priced_at: Timestamp::EPOCH,
        });
        self.faces.push(Face::default());
        let rows = &self.rows;
        let hash = |&number: &u32| {
            let row = &rows[number as usize];
            key_hash(row.site, row.id.as_str())
        };
        self.by_key.insert_unique(key_hash(site, id.as_str()), number, hash);
        Item(number)
    }

    pub(crate) fn put(&mut self, product: Product, at: Timestamp) {
        let site = self.intern_site(&product.site);
        let item = self.intern(site, &product.id);
        let row = &mut self.rows[item.0 as usize];
        if row.product.is_none() && row.first_seen == Timestamp::EPOCH {
            row.first_seen = at;
        }
        row.priced_at = at;
        self.replace(item, Some(product));
    }

    pub(crate) fn patch(
        &mut self,
        (site, id): (u32, &ProductId),
        patch: ProductPatch,
        at: Timestamp,
    ) {
        let item = self.intern(site, id);
        let Some(known) = self.product(item) else { return };
        let mut product = Product::clone(known);
        if patch.price.is_some() {
            self.rows[item.0 as usize].priced_at = at;
        }
        product.apply(patch);
        self.replace(item, Some(product));
    }

    pub(crate) fn delete(&mut self, site: u32, id: &ProductId) {
        let item = self.intern(site, id);
        self.replace(item, None);
    }

    /// Sets a price, unless a later one is known or the product is not.
    pub(crate) fn price(&mut self, site: u32, change: &PriceChange, at: Timestamp) {
        let item = self.intern(site, &change.product);
        let row = &self.rows[item.0 as usize];
        let Some(known) = row.product.as_ref().filter(|_| row.priced_at <= at) else { return };
        let mut product = Product::clone(known);
        match &change.variant {
            None => {
                product.price = Some(change.price);
                product.list_price = change.list_price;
                self.rows[item.0 as usize].priced_at = at;
            }
            Some(id) => {
                for variant in product.variants.iter_mut().filter(|variant| variant.id == *id) {
                    variant.price = Some(change.price);
                }
            }
        }
        self.replace(item, Some(product));
    }

    pub(crate) fn change_stock(&mut self, site: u32, change: &StockChange, at: Timestamp) {
        let item = self.intern(site, &change.product);
        let location = self.intern_location(&change.location);
        let step = StockStep::of((item, location), change, at);
        let was_servable = self.is_servable(item, None);
        self.stock.apply(step, change.movement);
        if let (StockMovement::Moved, Some(to)) = (change.movement, &change.to) {
            let location = self.intern_location(to);
            self.stock.come(StockStep { location, ..step });
        }
        if self.is_servable(item, None) != was_servable {
            self.changes.note(item);
        }
    }

    /// What the count in `change` is to find, in thousandths; `None` when that is not known.
    pub(crate) fn believed(&self, place: (Item, u32), change: &StockChange) -> Option<i64> {
        self.stock.believed(&StockStep::of(place, change, Timestamp::EPOCH))
    }

    /// Takes what was sold off a shelf, or with less than nothing puts it back.
    pub(crate) fn sell(
        &mut self,
        (item, location): (Item, u32),
        (milli, at): (i64, Timestamp),
        rank: impl Fn(&StockRow) -> i32,
    ) {
        let was_servable = self.is_servable(item, None);
        self.stock.sell((item, location), (milli, at), rank);
        if self.is_servable(item, None) != was_servable {
            self.changes.note(item);
        }
    }

    /// Puts `product` in the place of what was there, in every order.
    fn replace(&mut self, item: Item, product: Option<Product>) {
        self.changes.note(item);
        let row = &mut self.rows[item.0 as usize];
        let shelf = &mut self.sites[row.site as usize];
        if row.product.is_some() {
            shelf.by_age.remove(&(row.offered_at(), item));
            self.n_known -= 1;
        }
        row.json = OnceLock::new();
        let category = product.as_ref().and_then(|product| product.categories.first());
        self.kinds.set(item, category.map(String::as_str));
        let Some(product) = product else {
            shelf.by_id.remove(&row.id);
            row.product = None;
            self.faces[item.0 as usize] = Face::default();
            return;
        };
        let group = shelf.groups.entry(title_key(&product.title)).or_insert_with(|| {
            self.n_groups += 1;
            self.n_groups
        });
        self.faces[item.0 as usize] = Face::of(&product, *group);
        row.product = Some(Arc::new(product));
        shelf.by_age.insert((row.offered_at(), item));
        shelf.by_id.entry(row.id.clone()).or_insert(item);
        self.n_known += 1;
    }

    pub(crate) fn bytes(&self) -> usize {
        // A product's texts and maps, as measured on a grocer's catalogue; they are not walked here.
        const PRODUCT_HEAP_BYTES: usize = 600;
        let products = self.n_known * (size_of::<Product>() + PRODUCT_HEAP_BYTES);
        let row_bytes = size_of::<Row>() + size_of::<Face>() + 16;
        let rows = self.rows.capacity() * row_bytes + self.by_key.allocation_size();
        products + rows + self.n_known * 72 + self.kinds.bytes() + self.stock.bytes()
    }
}

/// A hash of a title's letters and digits in lower case; what stands between them counts as one space.
fn title_key(title: &str) -> u64 {
    let mut hasher = Xxh3::new();
    let mut is_gap = false;
    let mut buffer = [0u8; 4];
    for letter in title.chars().flat_map(char::to_lowercase) {
        if !letter.is_alphanumeric() {
            is_gap = true;
            continue;
        }
        if std::mem::take(&mut is_gap) {
            hasher.update(b" ");
        }
        hasher.update(letter.encode_utf8(&mut buffer).as_bytes());
    }
    hasher.digest()
}

const HAS_PRODUCT: u8 = 1;

impl Projection for Catalogue {
    const NAME: &'static str = "catalogue";
    const VERSION: u16 = 4;

    fn snapshot(&self) -> Vec<u8> {
        let mut w = Writer::over(Vec::with_capacity(self.n_known * 160 + 1024));
        self.site_names.write(&mut w);
        self.locations.write(&mut w);
        w.count(self.rows.len());
        for row in &self.rows {
            w.u8(u8::from(row.product.is_some()));
            w.varint(u64::from(row.site));
            w.timestamp(row.first_seen);
            w.timestamp(row.priced_at);
            match &row.product {
                Some(product) => write_product(product, &mut w),
                None => w.id(row.id.as_str()),
            }
        }
        self.stock.write(&mut w);
        w.into_bytes()
    }

    fn restore(bytes: &[u8]) -> Result<Catalogue, WireError> {
        let mut r = Reader::new(bytes);
        let mut catalogue = Catalogue::default();
        let sites = Names::read(&mut r)?;
        for number in 0..sites.len() as u32 {
            let site = SiteId::new(sites.text(number)).map_err(|_| r.fault("a site id"))?;
            catalogue.intern_site(&site);
        }
        catalogue.locations = Names::read(&mut r)?;
        for _ in 0..r.count()? {
            let flags = r.u8()?;
            let site = read_u32(&mut r)?;
            if site as usize >= catalogue.sites.len() {
                return Err(r.fault("a known site"));
            }
            let (first_seen, priced_at) = (r.timestamp()?, r.timestamp()?);
            let (id, product) = if flags & HAS_PRODUCT == 0 {
                (ProductId::new(r.id()?).map_err(|_| r.fault("a product id"))?, None)
            } else {
                let product = read_product(&mut r)?;
                (product.id.clone(), Some(product))
            };
            let item = catalogue.intern(site, &id);
            let row = &mut catalogue.rows[item.0 as usize];
            (row.first_seen, row.priced_at) = (first_seen, priced_at);
            if product.is_some() {
                catalogue.replace(item, product);
            }
        }
        catalogue.stock = Stock::read(&mut r)?;
        r.end()?;
        Ok(catalogue)
    }
}
