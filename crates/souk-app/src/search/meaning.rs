//! Meaning: the vectors of products are made beside the requests, those of queries when they come.
//!
//! Words serve from the start. One thread of the lowest priority makes vectors of what the catalogue holds and has none
//! yet, or one of another text; they lie beside the index of their site, and on disk, so that a start makes only
//! those of what changed. Without a model there is none of this.

use std::collections::HashMap;
use std::sync::mpsc::Sender;
use std::sync::{Arc, OnceLock, Weak};
use std::time::{Duration, Instant};

use object_store::path::Path;
use object_store::{ObjectStoreExt, PutPayload};
use parking_lot::Mutex;
use rustc_hash::{FxHashMap, FxHashSet};
use souk_core::{ProductId, SiteId};
use souk_ports::Embedder;
use souk_search::{
    Language, Meaning, MeaningUse, SearchIndex, Typing, VectorSpace, Vectors, text_for_vector,
};
use tokio::sync::{Semaphore, oneshot};
use xxhash_rust::xxh3::xxh3_64;

mod drawing;

use drawing::{Drawing, GraphFrom};

use super::keeper::VIEW_SLICE;
use super::shelf::Shelf;
use super::{SearchMode, SearchQuery};
use crate::threads::{aside, yield_to_others};
use crate::{App, AppError};

/// The folder of vectors in the blob store.
const FOLDER: &str = "search-vectors";
/// How often it is looked what has no vector yet.
const LOOK_PAUSE: Duration = Duration::from_millis(50);
/// Products whose vectors are made in one go; a sentence encoder takes some tenths of a second for them.
const BATCH: usize = 16;
/// How often vectors that changed are written down.
const SAVE_PAUSE: Duration = Duration::from_secs(300);
/// The share of a site's products that must have vectors before meaning is weighed with words: until then, what has
/// one would stand before what has none yet. Chosen.
const COVERED_SHARE: f64 = 0.9;
/// Vectors, besides a quarter, of products that are gone, from which they are swept out; chosen.
const STRAYS: usize = 1_000;
/// Queries whose vectors are remembered, twice; some 2 KB each.
const REMEMBERED: usize = 4_096;

/// The model, and what it is still to be asked.
#[derive(Debug, Default)]
pub(crate) struct Meanings {
    engine: OnceLock<Engine>,
    stage: Mutex<Stage>,
    graph: GraphFrom,
    changed: Mutex<FxHashMap<SiteId, Changed>>,
    /// The sites whose vectors changed since they were written down.
    unsaved: Mutex<FxHashSet<SiteId>>,
}

/// How far the model is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stage {
    /// There is none.
    #[default]
    Without,
    /// It is being opened.
    Opening,
    /// It makes vectors.
    Making,
    /// It makes none of products any more, by a fault; those that are there serve.
    Stopped,
}

/// A model, with the vectors of queries that it made last.
#[derive(Debug)]
struct Engine {
    model: Arc<dyn Embedder>,
    asked: Mutex<Asked>,
    /// As many queries are read at once as there are processors.
    places: Semaphore,
}

/// What may have no vector yet.
#[derive(Debug)]
enum Changed {
    Everything,
    Products(FxHashSet<ProductId>),
}

/// The last queries: the young ones grow old together, and those that are not asked again by then are forgotten.
#[derive(Debug, Default)]
struct Asked {
    young: HashMap<Box<str>, Arc<[f32]>>,
    old: HashMap<Box<str>, Arc<[f32]>>,
}

impl Asked {
    fn get(&mut self, text: &str) -> Option<Arc<[f32]>> {
        if let Some(vector) = self.young.get(text) {
            return Some(Arc::clone(vector));
        }
        let (text, vector) = self.old.remove_entry(text)?;
        self.put(text, Arc::clone(&vector));
        Some(vector)
    }

    fn put(&mut self, text: Box<str>, vector: Arc<[f32]>) {
        if self.young.len() >= REMEMBERED {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(text, vector);
    }
}

impl Shelf {
    /// How many products have vectors, and how many there are.
    fn counts(&self) -> (usize, usize) {
        let index = self.index.read();
        (index.vectors().map_or(0, |vectors| vectors.len()), index.len())
    }
}

impl Meanings {
    /// Whether an index has what is to be waited for: vectors, while a model makes them, that were written down or came.
    pub(super) fn is_whole(&self, shelf: &Shelf) -> bool {
        match *self.stage.lock() {
            Stage::Without | Stage::Stopped => true,
            Stage::Opening => false,
            Stage::Making => shelf.index.read().vectors().is_some(),
        }
    }

    /// Takes note of products that came or changed.
    pub(super) fn note<'a>(&self, site: &SiteId, ids: impl Iterator<Item = &'a ProductId>) {
        if self.engine.get().is_none() {
            return;
        }
        let mut changed = self.changed.lock();
        let own = changed.entry(site.clone());
        if let Changed::Products(known) =
            own.or_insert_with(|| Changed::Products(FxHashSet::default()))
        {
            known.extend(ids.cloned());
        }
    }

    /// Takes note of an index that is new.
    pub(super) fn note_all(&self, site: &SiteId) {
        if self.engine.get().is_some() {
            self.changed.lock().insert(site.clone(), Changed::Everything);
        }
    }
}

impl Engine {
    fn space(&self) -> VectorSpace {
        let model = self.model.model();
        VectorSpace { dimensions: model.dimensions, version: model.version }
    }

    /// The vector of a query.
    async fn read(&self, text: &str) -> Result<Arc<[f32]>, AppError> {
        let known = self.asked.lock().get(text);
        if let Some(vector) = known {
            return Ok(vector);
        }
        let gone = |_| AppError::NotReady("the program is ending".to_owned());
        let _place = self.places.acquire().await.map_err(gone)?;
        let (model, owned) = (Arc::clone(&self.model), text.to_owned());
        let make = move || Arc::<[f32]>::from(model.embed(&[&owned]));
        let vector = aside("making a query's vector", make).await?;
        self.asked.lock().put(text.into(), Arc::clone(&vector));
        Ok(vector)
    }
}

impl App {
    /// Lets searches go by meaning too, with a model, which must not change any more. Vectors are made from now on, in
    /// the background. Only the first call has an effect.
    pub fn equip_meaning(self: &Arc<Self>, model: Arc<dyn Embedder>) {
        let places = std::thread::available_parallelism().map_or(1, usize::from);
        let engine = Engine { model, asked: Mutex::default(), places: Semaphore::new(places) };
        let meanings = &self.searching.meanings;
        if meanings.engine.set(engine).is_ok() {
            *meanings.stage.lock() = Stage::Making;
            self.config.sites().for_each(|site| meanings.note_all(&site.id));
            tokio::spawn(keep_meanings(Arc::downgrade(self)));
        }
    }

    /// The same with a model that takes seconds to open, in the background; searches go by words meanwhile, and for good
    /// where there is none.
    pub fn open_meaning(
        self: &Arc<Self>,
        open: impl FnOnce() -> Option<Arc<dyn Embedder>> + Send + 'static,
    ) {
        *self.searching.meanings.stage.lock() = Stage::Opening;
        let app = Arc::downgrade(self);
        tokio::spawn(async move {
            let opened = tokio::task::spawn_blocking(open).await;
            let Some(app) = app.upgrade() else { return };
            match opened {
                Ok(Some(model)) => app.equip_meaning(model),
                Ok(None) => *app.searching.meanings.stage.lock() = Stage::Without,
                Err(error) => {
                    tracing::error!(%error, "the model could not be opened, which is a fault of this program; searches go by words");
                    *app.searching.meanings.stage.lock() = Stage::Without;
                }
            }
        });
    }

    /// What a query means, where the search is to know; `None` where it goes by words alone.
    ///
    /// # Errors
    ///
    /// For a search by meaning alone: [`AppError::Invalid`] without a model, [`AppError::NotReady`] before any
    /// product has a vector.
    pub(super) async fn meaning_of(
        &self,
        query: &SearchQuery,
        shelf: &Shelf,
    ) -> Result<Option<Meaning>, AppError> {
        let is_alone = match query.mode {
            SearchMode::Lexical => return Ok(None),
            SearchMode::Auto => false,
            SearchMode::Semantic => true,
        };
        let Some(engine) = self.searching.meanings.engine.get() else {
            if !is_alone {
                return Ok(None);
            }
            if *self.searching.meanings.stage.lock() == Stage::Opening {
                let detail = "the model is being opened; try again soon, or ask with `auto`";
                return Err(AppError::NotReady(detail.to_owned()));
            }
            let detail = "`semantic` needs a model, and none is in use: install one with `make models` and see \
                          `search.embedder` in souk.yaml, or ask with `auto`";
            return Err(AppError::invalid("invalid_search", "/mode", detail));
        };
        if !is_alone && !self.is_in_language(query, &engine.model.model().language) {
            return Ok(None);
        }
        let text = query.query.trim();
        // What is asked anew with each letter is not read as a whole each time.
        let is_plain = query.typing == Typing::Finished && query.sort.is_empty();
        let has_letters = text.contains(char::is_alphabetic);
        if !has_letters || !(is_alone || is_plain) {
            return Ok(None);
        }
        let (n_vectors, n_products) = shelf.counts();
        if is_alone && n_vectors == 0 {
            let detail =
                "the vectors of the products are being made; try again soon, or ask with `auto`";
            return Err(AppError::NotReady(detail.to_owned()));
        }
        if !is_alone && (n_vectors as f64) < COVERED_SHARE * n_products as f64 {
            return Ok(None);
        }
        let used = if is_alone { MeaningUse::Alone } else { MeaningUse::Beside };
        let related_from = engine.model.model().related_from;
        Ok(Some(Meaning::new(engine.read(text).await?, related_from, used)))
    }

    /// Whether a search is in a language: by its locale, else by the first language of its site.
    fn is_in_language(&self, query: &SearchQuery, language: &str) -> bool {
        let site = query.context.site.clone().unwrap_or_else(|| self.config.main_site());
        let own = self.config.sites().find(|known| known.id == site);
        let own = own.and_then(|site| site.languages.first().cloned());
        let tag = query.context.locale.clone().or(own);
        tag.is_none_or(|tag| Language::from_tag(&tag) == Language::from_tag(language))
    }

    /// Writes the vectors down that changed since they last were.
    pub(super) async fn save_vectors(&self) {
        let sites = std::mem::take(&mut *self.searching.meanings.unsaved.lock());
        for site in sites {
            let Some(shelf) = self.searching.find(&site) else { continue };
            let Some(vectors) = shelf.index.read().vectors().cloned() else { continue };
            let bytes = tokio::task::spawn_blocking(move || vectors.to_bytes());
            let Ok(bytes) = bytes.await else { continue };
            let saved = self.parts.blobs.put(&path(&site), PutPayload::from(bytes)).await;
            if let Err(error) = saved {
                tracing::warn!(
                    %error,
                    site = site.as_str(),
                    "the vectors of products could not be written down; they serve all the same and it is tried again"
                );
                self.searching.meanings.unsaved.lock().insert(site);
            }
        }
    }

    /// Vectors as they were written down, or none of this space.
    async fn load_vectors(&self, site: &SiteId, space: VectorSpace) -> Vectors {
        let file = match self.parts.blobs.get(&path(site)).await {
            Ok(found) => found.bytes().await,
            Err(error) => Err(error),
        };
        let file = match file {
            Ok(file) => file,
            Err(object_store::Error::NotFound { .. }) => return Vectors::new(space),
            Err(error) => {
                tracing::warn!(%error, site = site.as_str(), "the vectors of products cannot be read and are made anew");
                return Vectors::new(space);
            }
        };
        let read = tokio::task::spawn_blocking(move || Vectors::from_bytes(&file, space)).await;
        read.expect("reading vectors does not panic").unwrap_or_else(|why| {
            tracing::warn!(%why, site = site.as_str(), "the vectors of products are made anew");
            Vectors::new(space)
        })
    }
}

fn path(site: &SiteId) -> Path {
    Path::from(FOLDER).join(site.as_str())
}

/// Some texts, and where their vectors go.
type Work = (Vec<String>, oneshot::Sender<Vec<f32>>);

/// Makes vectors of what has none, until the application is gone.
async fn keep_meanings(app: Weak<App>) {
    let worker = app.upgrade().and_then(|app| worker(&app));
    if let Some(worker) = worker {
        let mut keeper = Keeper {
            worker,
            todo: FxHashMap::default(),
            drawing: Drawing::default(),
            saved: Instant::now(),
        };
        loop {
            let is_busy = {
                let Some(app) = app.upgrade() else { return };
                let Ok(is_busy) = keeper.tend(&app).await else { break };
                is_busy
            };
            if !is_busy {
                tokio::time::sleep(LOOK_PAUSE).await;
            }
        }
        tracing::error!(
            "vectors of products cannot be made any more, which is a fault of this program; those that there are go \
             on serving"
        );
    }
    if let Some(app) = app.upgrade() {
        *app.searching.meanings.stage.lock() = Stage::Stopped;
    }
}

/// Starts the thread that makes vectors; it ends when nobody asks any more.
fn worker(app: &App) -> Option<Sender<Work>> {
    let model = Arc::clone(&app.searching.meanings.engine.get()?.model);
    let (sender, works) = std::sync::mpsc::channel::<Work>();
    let run = move || {
        yield_to_others();
        for (texts, done) in works {
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            // Nobody waits any more only when the process ends.
            drop(done.send(model.embed(&texts)));
        }
    };
    let thread = std::thread::Builder::new().name("search-meaning".to_owned()).spawn(run);
    if let Err(error) = &thread {
        tracing::error!(%error, "no thread to make vectors of products on; searches go by words");
    }
    thread.is_ok().then_some(sender)
}

/// The worker is gone.
#[derive(Debug)]
struct Gone;

/// What is to be done.
struct Keeper {
    worker: Sender<Work>,
    /// Of each site, the products that may have no vector, the next one last.
    todo: FxHashMap<SiteId, Vec<ProductId>>,
    drawing: Drawing,
    saved: Instant,
}

impl Keeper {
    /// Does a little for each site; whether there is more to do at once.
    async fn tend(&mut self, app: &App) -> Result<bool, Gone> {
        let Some(engine) = app.searching.meanings.engine.get() else { return Ok(false) };
        let space = engine.space();
        let mut is_busy = false;
        for site in app.config.sites() {
            let Some(shelf) = app.searching.find(&site.id) else { continue };
            if shelf.index.read().vectors().is_none_or(|vectors| vectors.space() != space) {
                let vectors = app.load_vectors(&site.id, space).await;
                shelf.index.write().set_vectors(Some(Arc::new(vectors)));
            }
            if app.check_ready().is_err() {
                continue;
            }
            self.look(app, (&site.id, &shelf)).await;
            is_busy |= self.make_some(app, &site.id).await?;
            is_busy |= self.drawing.tend(app, &site.id);
        }
        if self.saved.elapsed() >= SAVE_PAUSE {
            app.save_vectors().await;
            self.saved = Instant::now();
        }
        Ok(is_busy)
    }

    /// Looks what changed.
    async fn look(&mut self, app: &App, (site, shelf): (&SiteId, &Shelf)) {
        let Some(changed) = app.searching.meanings.changed.lock().remove(site) else { return };
        match changed {
            Changed::Products(ids) => {
                let mut ids: Vec<ProductId> = ids.into_iter().collect();
                ids.sort_unstable();
                self.todo.entry(site.clone()).or_default().extend(ids);
            }
            Changed::Everything => {
                let mut lacking = app.without_vector((site, shelf)).await;
                lacking.reverse();
                self.todo.insert(site.clone(), lacking);
            }
        }
        let n_vectors = shelf.index.read().vectors().map_or(0, |vectors| vectors.n_rows());
        let (_, n_products) = shelf.counts();
        if n_vectors > n_products + n_products / 4 + STRAYS {
            shelf.index.write().forget_stray_vectors();
            app.searching.meanings.unsaved.lock().insert(site.clone());
        }
    }

    /// Makes the next vectors of a site; whether there were any to make.
    async fn make_some(&mut self, app: &App, site: &SiteId) -> Result<bool, Gone> {
        let Some(todo) = self.todo.get_mut(site) else { return Ok(false) };
        let next = todo.split_off(todo.len().saturating_sub(BATCH));
        if next.is_empty() {
            self.todo.remove(site);
            return Ok(false);
        }
        let texts = app.texts_without_vector(site, &next);
        if texts.is_empty() {
            return Ok(true);
        }
        let (send, made) = oneshot::channel();
        let work = (texts.iter().map(|(.., text)| text.clone()).collect(), send);
        self.worker.send(work).map_err(|_| Gone)?;
        let made = made.await.map_err(|_| Gone)?;
        // It may be another index by now, which has the vectors of the one before.
        let Some(shelf) = app.searching.find(site) else { return Ok(true) };
        let mut index = shelf.index.write();
        let Some(vectors) = index.vectors_mut() else { return Ok(true) };
        let dimensions = vectors.space().dimensions;
        for ((id, hash, _), vector) in texts.iter().zip(made.chunks_exact(dimensions)) {
            vectors.put(id, *hash, vector);
        }
        app.searching.meanings.unsaved.lock().insert(site.clone());
        Ok(true)
    }
}

impl App {
    /// The products of a site that have no vector of their text, in the order of the catalogue.
    async fn without_vector(&self, (site, shelf): (&SiteId, &Shelf)) -> Vec<ProductId> {
        let mut lacking = Vec::new();
        let mut after: Option<ProductId> = None;
        loop {
            {
                let views = self.views.read();
                let catalogue = &views.catalogue;
                let next = catalogue.iter_site_after(site, after.as_ref());
                let items: Vec<_> = next.take(VIEW_SLICE).collect();
                let Some(&last) = items.last() else { return lacking };
                let index = shelf.index.read();
                let products = items.iter().filter_map(|item| catalogue.product(*item));
                let products = products.filter(|product| {
                    lacks_vector(&index, &product.id, hash(&text_for_vector(product)))
                });
                lacking.extend(products.map(|product| product.id.clone()));
                after = Some(catalogue.product_id(last).clone());
            }
            tokio::task::yield_now().await;
        }
    }

    /// The texts, with their hashes, of those among some products that have no vector of them.
    fn texts_without_vector(
        &self,
        site: &SiteId,
        ids: &[ProductId],
    ) -> Vec<(ProductId, u64, String)> {
        let Some(shelf) = self.searching.find(site) else { return Vec::new() };
        let views = self.views.read();
        let (catalogue, index) = (&views.catalogue, shelf.index.read());
        let texts = ids.iter().filter_map(|id| {
            let product = catalogue.product(catalogue.item(site, id)?)?;
            let text = text_for_vector(product);
            let hash = hash(&text);
            lacks_vector(&index, id, hash).then(|| (id.clone(), hash, text))
        });
        texts.collect()
    }
}

fn hash(text: &str) -> u64 {
    xxh3_64(text.as_bytes())
}

fn lacks_vector(index: &SearchIndex, id: &ProductId, hash: u64) -> bool {
    index.vectors().and_then(|vectors| vectors.text_of(id.as_str())) != Some(hash)
}

#[cfg(test)]
mod tests;
