//! The indexes in service, one for each site, and their files.

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutPayload};
use parking_lot::RwLock;
use rustc_hash::FxHashMap;
use souk_core::wire::{Writer, write_product};
use souk_core::{Availability, Filter, Product, SiteId, Timestamp};
use souk_ports::TableStore;
use souk_recommend::Item;
use souk_search::{Note, SearchIndex, Settings};
use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

use super::learned::Learned;
use super::meaning::Meanings;
use super::synonyms::{self, SynonymSet};
use crate::AppError;
use crate::projections::Catalogue;

/// The folder of index files in the blob store.
const FOLDER: &str = "search";
/// What an index file begins with; the number goes up when what comes before the index changes.
const MAGIC: &[u8; 8] = b"SOUKIDX1";

/// An index in service.
#[derive(Debug)]
pub(crate) struct Shelf {
    pub(crate) index: RwLock<SearchIndex>,
}

/// The indexes of all sites.
#[derive(Debug, Default)]
pub(crate) struct Searching {
    shelves: RwLock<FxHashMap<SiteId, Arc<Shelf>>>,
    synonyms: RwLock<FxHashMap<SiteId, Vec<SynonymSet>>>,
    /// What searches teach, as it was counted last.
    pub(super) learned: ArcSwapOption<Learned>,
    pub(super) meanings: Meanings,
    /// Held while synonyms change, so that tables and memory change in one order.
    pub(super) changing_synonyms: tokio::sync::Mutex<()>,
    /// What each index holds; locked by whoever changes indexes or writes them down.
    pub(super) marks: tokio::sync::Mutex<FxHashMap<SiteId, Marks>>,
}

impl Searching {
    /// The index of a site.
    pub(crate) fn shelf(&self, site: &SiteId) -> Result<Arc<Shelf>, AppError> {
        let building = || {
            AppError::NotReady(format!(
                "the search index of site `{site}` is being built; try again soon"
            ))
        };
        self.find(site).ok_or_else(building)
    }

    pub(crate) fn find(&self, site: &SiteId) -> Option<Arc<Shelf>> {
        self.shelves.read().get(site).cloned()
    }

    /// Fields that a filter asks for and no product of a site has; `None` where the site has no index yet, or nothing in it.
    pub(crate) fn unknown_fields(&self, site: &SiteId, filter: &Filter) -> Option<Vec<Note>> {
        let shelf = self.find(site)?;
        let index = shelf.index.read();
        (!index.is_empty()).then(|| index.unknown_fields(filter))
    }

    /// The sites that have an index.
    pub(crate) fn sites(&self) -> Vec<SiteId> {
        self.shelves.read().keys().cloned().collect()
    }

    /// Every index.
    pub(super) fn shelves(&self) -> FxHashMap<SiteId, Arc<Shelf>> {
        self.shelves.read().clone()
    }

    /// Whether a site has its index, with what belongs to it.
    pub(super) fn is_whole(&self, site: &SiteId) -> bool {
        self.find(site).is_some_and(|shelf| self.meanings.is_whole(&shelf))
    }

    /// What is kept of searching besides the catalogue.
    pub(crate) async fn open(
        tables: &dyn TableStore,
        now: Timestamp,
    ) -> Result<Searching, AppError> {
        let synonyms = synonyms::load(tables, now).await?.into_iter().collect();
        Ok(Searching { synonyms: RwLock::new(synonyms), ..Searching::default() })
    }

    pub(super) fn synonyms(&self, site: &SiteId) -> Vec<SynonymSet> {
        self.synonyms.read().get(site).cloned().unwrap_or_default()
    }

    pub(super) fn set_synonyms(&self, site: &SiteId, sets: Vec<SynonymSet>) {
        // Held until the index has them, so that none is put in service with those of before.
        let mut synonyms = self.synonyms.write();
        if let Some(shelf) = self.find(site) {
            shelf.index.write().set_synonyms(&synonyms::to_engine(&sets));
        }
        synonyms.insert(site.clone(), sets);
    }

    /// Puts an index in the place of a site's; it gets the vectors of the one before.
    pub(super) fn put(&self, site: &SiteId, mut index: SearchIndex) {
        let synonyms = self.synonyms.read();
        let own = synonyms.get(site).map_or(&[][..], Vec::as_slice);
        index.set_synonyms(&synonyms::to_engine(own));
        if let Some(before) = self.find(site) {
            // The one before keeps them too, for as long as it still serves.
            index.set_vectors(before.index.read().vectors().cloned());
        }
        let shelf = Arc::new(Shelf { index: RwLock::new(index) });
        self.shelves.write().insert(site.clone(), shelf);
        self.meanings.note_all(site);
    }
}

/// What an index holds: of each product, by the hash of its id, the hash of what it was read from.
#[derive(Debug, Default)]
pub(super) struct Marks {
    pub(super) of: FxHashMap<u64, u64>,
    /// Whether the index changed since it was written down.
    pub(super) is_dirty: bool,
}

impl Marks {
    pub(super) fn note(&mut self, product: &Product) {
        self.of.insert(xxh3_64(product.id.as_str().as_bytes()), mark(product));
        self.is_dirty = true;
    }

    pub(super) fn is_known(&self, product: &Product) -> bool {
        self.of.get(&xxh3_64(product.id.as_str().as_bytes())) == Some(&mark(product))
    }

    pub(super) fn forget(&mut self, id: &str) {
        self.of.remove(&xxh3_64(id.as_bytes()));
        self.is_dirty = true;
    }
}

fn mark(product: &Product) -> u64 {
    let mut w = Writer::new();
    write_product(product, &mut w);
    xxh3_64(&w.into_bytes())
}

/// A product as the index takes it: one that is sold out everywhere says so, whatever its own data say.
pub(super) fn searchable(catalogue: &Catalogue, item: Item) -> Option<Arc<Product>> {
    let product = catalogue.product(item)?;
    if !product.availability.is_sellable() || catalogue.is_servable(item, None) {
        return Some(Arc::clone(product));
    }
    Some(Arc::new(Product { availability: Availability::OutOfStock, ..Product::clone(product) }))
}

fn path(site: &SiteId) -> Path {
    Path::from(FOLDER).join(site.as_str())
}

/// Writes an index down; a crash leaves the file before.
pub(super) async fn save(
    blobs: &dyn ObjectStore,
    site: &SiteId,
    (index, marks): (Vec<u8>, &Marks),
) -> Result<(), AppError> {
    let mut head = Vec::with_capacity(marks.of.len() * 16);
    for (id, mark) in &marks.of {
        head.extend_from_slice(&id.to_le_bytes());
        head.extend_from_slice(&mark.to_le_bytes());
    }
    let mut file = Vec::with_capacity(head.len() + index.len() + 32);
    file.extend_from_slice(MAGIC);
    file.extend_from_slice(&(head.len() as u64).to_le_bytes());
    file.extend_from_slice(&xxh3_128(&head).to_le_bytes());
    file.extend_from_slice(&head);
    file.extend_from_slice(&index);
    blobs.put(&path(site), PutPayload::from(file)).await?;
    Ok(())
}

/// Reads the index of a site as it was written down; `None` where there is none that this program can use.
pub(super) async fn load(
    blobs: &dyn ObjectStore,
    (site, settings): (&SiteId, &Settings),
) -> Option<(SearchIndex, Marks)> {
    let file = match blobs.get(&path(site)).await {
        Ok(found) => found.bytes().await.ok()?,
        Err(object_store::Error::NotFound { .. }) => return None,
        Err(error) => {
            tracing::warn!(%error, site = site.as_str(), "the search index cannot be read and is built anew");
            return None;
        }
    };
    let settings = settings.clone();
    let read = tokio::task::spawn_blocking(move || read(&file, &settings)).await;
    match read.expect("reading an index does not panic") {
        Ok(read) => Some(read),
        Err(why) => {
            tracing::warn!(%why, site = site.as_str(), "the search index is built anew");
            None
        }
    }
}

fn read(file: &[u8], settings: &Settings) -> Result<(SearchIndex, Marks), String> {
    let damaged = || "its file is damaged".to_owned();
    let rest = file.strip_prefix(MAGIC).ok_or("its file is of another version")?;
    let (length, rest) = rest.split_first_chunk::<8>().ok_or_else(damaged)?;
    let (sum, rest) = rest.split_first_chunk::<16>().ok_or_else(damaged)?;
    let length = usize::try_from(u64::from_le_bytes(*length)).map_err(|_| damaged())?;
    let (head, index) = rest.split_at_checked(length).ok_or_else(damaged)?;
    if xxh3_128(head).to_le_bytes() != *sum {
        return Err(damaged());
    }
    let marks = read_marks(head);
    let index = SearchIndex::from_bytes(index, settings).map_err(|error| error.to_string())?;
    Ok((index, marks))
}

fn read_marks(head: &[u8]) -> Marks {
    let number = |bytes: &[u8; 8]| u64::from_le_bytes(*bytes);
    let (pairs, _) = head.as_chunks::<8>();
    let (pairs, _) = pairs.as_chunks::<2>();
    let of = pairs.iter().map(|[id, mark]| (number(id), number(mark))).collect();
    Marks { of, is_dirty: false }
}
