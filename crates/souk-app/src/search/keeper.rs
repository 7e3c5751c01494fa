//! Keeps the indexes as the catalogue is, beside the requests.
//!
//! A change of a product is found a few hundredths of a second later. Where most of a site's products
//! changed, an index is built beside the one that serves and takes its place. Indexes are written down now and
//! then, so that a start need not build them; what changed since is found by comparing every product with what the
//! index was made of, so a file can be old, but not wrong.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use futures::FutureExt;
use rustc_hash::{FxHashMap, FxHashSet};
use souk_core::{Product, ProductId, SiteId};
use souk_recommend::Item;
use souk_search::{Language, SearchIndex, Settings};
use xxhash_rust::xxh3::xxh3_64;

use super::shelf::{Marks, Shelf, load, save, searchable};
use crate::projections::Changed;
use crate::threads::yield_to_others;
use crate::{App, AppError};

/// How long a change of the catalogue waits for others, so that they are taken in together.
const LOOK_PAUSE: Duration = Duration::from_millis(20);
/// Products that are taken in while nobody can search; some 3 ms.
const SLICE: usize = 64;
/// Products that are compared or collected while the views are held.
pub(super) const VIEW_SLICE: usize = 2_000;
/// The share of a site's products from which an index is built anew instead of changed; chosen. It also brings the
/// lengths of texts up to date, which an index takes from the products that it is built of.
const REBUILD_SHARE: f64 = 0.25;
/// Products from which a build makes way for everything else.
const LARGE: usize = 2_000;
/// How long to wait after something failed that will likely fail again.
const RETRY_PAUSE: Duration = Duration::from_secs(10);
/// How often an index that changed is written down.
const SAVE_PAUSE: Duration = Duration::from_secs(300);
/// How often it is looked at what is wanted; a fact may take so long to change the order of hits.
const POPULARITY_PAUSE: Duration = Duration::from_secs(30);
/// How soon it is looked at again after an index was new, twice as long each time from then on: the orders of a
/// first import come after its products.
const POPULARITY_PAUSE_FIRST: Duration = Duration::from_secs(1);
/// Products of a site that popularity tells apart; all others count as not wanted.
const POPULAR_MAX: usize = 20_000;

/// Loads the indexes, then keeps them, until the application is gone.
pub(crate) async fn keep_search(app: Weak<App>) {
    {
        let Some(app) = app.upgrade() else { return };
        app.load_search().await;
    }
    let mut keeper = Keeper::default();
    loop {
        {
            let Some(app) = app.upgrade() else { return };
            if app.check_ready().is_ok()
                && AssertUnwindSafe(keeper.tend(&app)).catch_unwind().await.is_err()
            {
                tracing::error!(
                    "a search index could not be kept up to date, which is a fault of this program; it serves as \
                     it is and is built anew from the catalogue in a while"
                );
                app.searching.marks.lock().await.clear();
                keeper = Keeper { must_compare: true, ..Keeper::default() };
                tokio::time::sleep(RETRY_PAUSE).await;
            }
        }
        tokio::time::sleep(LOOK_PAUSE).await;
    }
}

/// What the keeper remembers from one look to the next.
#[derive(Default)]
struct Keeper {
    /// Whether changes were missed, so that every product is to be compared.
    must_compare: bool,
    saved: Option<Instant>,
    weighed: Option<Instant>,
    /// Until it is looked at what is wanted again.
    pause: Duration,
    wanted: FxHashMap<SiteId, Wanted>,
}

/// How much products were last said to be wanted, and to which index.
#[derive(Default)]
struct Wanted {
    told: Weak<Shelf>,
    of: FxHashMap<ProductId, u8>,
}

impl Keeper {
    async fn tend(&mut self, app: &Arc<App>) {
        if self.must_compare || app.views.read().catalogue.has_changes() {
            self.follow(app).await;
        }
        let is_due = |last: Option<Instant>, pause| last.is_none_or(|last| last.elapsed() >= pause);
        let is_new = self.is_any_untold(app);
        if is_new || is_due(self.weighed, self.pause) {
            self.pause = match is_new {
                true => POPULARITY_PAUSE_FIRST,
                false => (self.pause * 2).clamp(POPULARITY_PAUSE_FIRST, POPULARITY_PAUSE),
            };
            self.weighed = Some(Instant::now());
            let (app, mut wanted) = (Arc::clone(app), std::mem::take(&mut self.wanted));
            let weigh = move || {
                weigh(&app, &mut wanted);
                wanted
            };
            // Where it fails, all is told again.
            self.wanted = tokio::task::spawn_blocking(weigh).await.unwrap_or_default();
        }
        if is_due(self.saved, SAVE_PAUSE) {
            // The first time there is nothing to save but what was just loaded or built.
            if self.saved.is_some() {
                app.save_search(&mut *app.searching.marks.lock().await).await;
            }
            self.saved = Some(Instant::now());
        }
    }

    async fn follow(&mut self, app: &App) {
        // Locked before the changes are taken, so that nobody sees neither the one nor the other.
        let mut marks = app.searching.marks.lock().await;
        let changed = app.views.read().catalogue.take_changes();
        let is_done = match changed {
            Changed::Products(items) if !self.must_compare => {
                app.follow_search(items, &mut marks).await
            }
            _ => app.compare_search(&mut marks).await,
        };
        self.must_compare = !is_done;
        if !is_done {
            tokio::time::sleep(RETRY_PAUSE).await;
        }
    }

    /// Whether an index is in service that was not told yet what is wanted.
    fn is_any_untold(&self, app: &App) -> bool {
        let is_untold = |site: &SiteId| {
            let told = self.wanted.get(site).map(|wanted| wanted.told.as_ptr());
            app.searching.find(site).is_some_and(|shelf| told != Some(Arc::as_ptr(&shelf)))
        };
        app.config.sites().any(|site| is_untold(&site.id))
    }
}

/// Tells the indexes what is wanted.
fn weigh(app: &App, wanted: &mut FxHashMap<SiteId, Wanted>) {
    for site in app.config.sites() {
        let Some(shelf) = app.searching.find(&site.id) else { continue };
        let now = app.wanted(&site.id);
        let before = wanted.entry(site.id.clone()).or_default();
        if before.told.as_ptr() != Arc::as_ptr(&shelf) {
            // One from a file may remember what nobody wants any more.
            shelf.index.write().forget_popularity();
            *before = Wanted { told: Arc::downgrade(&shelf), of: FxHashMap::default() };
        }
        let gone = before.of.keys().filter(|id| !now.contains_key(*id)).map(|id| (id, 0));
        let news = now.iter().filter(|(id, share)| before.of.get(*id) != Some(*share));
        let news = news.map(|(id, share)| (id, *share)).chain(gone);
        let news: Vec<(&ProductId, f32)> =
            news.map(|(id, share)| (id, f32::from(share) / 255.0)).collect();
        for slice in news.chunks(VIEW_SLICE) {
            shelf.index.write().set_popularity(slice.iter().copied());
        }
        before.of = now;
    }
}

/// What has to be done to an index.
#[derive(Debug, Default)]
struct Difference {
    /// Products as they are now.
    put: Vec<Arc<Product>>,
    removed: Vec<ProductId>,
    /// Products of the site that stayed as they were.
    n_same: usize,
}

impl App {
    /// Reads the indexes that were written down; they serve at once, as old as they are.
    async fn load_search(&self) {
        let mut marks = self.searching.marks.lock().await;
        for site in self.config.sites() {
            let settings = self.index_settings(&site.languages);
            if let Some((index, known)) = load(&*self.parts.blobs, (&site.id, &settings)).await {
                self.searching.put(&site.id, index);
                marks.insert(site.id.clone(), known);
            }
        }
    }

    /// Compares every product with what the indexes were made of, and takes in what differs.
    async fn compare_search(&self, marks: &mut FxHashMap<SiteId, Marks>) -> bool {
        let mut is_done = true;
        for site in self.config.sites() {
            let known = marks.entry(site.id.clone()).or_default();
            let difference = self.difference(&site.id, known).await;
            is_done &= self.take_in((&site.id, &site.languages), difference, known).await;
        }
        is_done
    }

    async fn difference(&self, site: &SiteId, known: &Marks) -> Difference {
        let mut difference = Difference::default();
        let mut seen: FxHashSet<u64> = FxHashSet::default();
        let mut after: Option<ProductId> = None;
        loop {
            {
                let views = self.views.read();
                let catalogue = &views.catalogue;
                let next = catalogue.iter_site_after(site, after.as_ref());
                let some: Vec<Item> = next.take(VIEW_SLICE).collect();
                let Some(&last) = some.last() else { break };
                for product in some.iter().filter_map(|item| searchable(catalogue, *item)) {
                    seen.insert(xxh3_64(product.id.as_str().as_bytes()));
                    match known.is_known(&product) {
                        true => difference.n_same += 1,
                        false => difference.put.push(product),
                    }
                }
                after = Some(catalogue.product_id(last).clone());
            }
            tokio::task::yield_now().await;
        }
        if let Some(shelf) = self.searching.find(site) {
            let index = shelf.index.read();
            let gone = index.ids().filter(|id| !seen.contains(&xxh3_64(id.as_bytes())));
            difference.removed = gone.filter_map(|id| ProductId::new(id).ok()).collect();
        }
        difference
    }

    /// Takes in the changes of these products.
    async fn follow_search(
        &self,
        mut items: Vec<Item>,
        marks: &mut FxHashMap<SiteId, Marks>,
    ) -> bool {
        let mut is_done = true;
        items.sort_unstable();
        items.dedup();
        for site in self.config.sites() {
            let mut difference = Difference::default();
            for slice in items.chunks(VIEW_SLICE) {
                let views = self.views.read();
                let catalogue = &views.catalogue;
                let here = slice.iter().copied().filter(|item| *catalogue.site(*item) == site.id);
                for item in here {
                    match searchable(catalogue, item) {
                        Some(product) => difference.put.push(product),
                        None => difference.removed.push(catalogue.product_id(item).clone()),
                    }
                }
            }
            let known = marks.entry(site.id.clone()).or_default();
            difference.n_same = known.of.len().saturating_sub(difference.put.len());
            is_done &= self.take_in((&site.id, &site.languages), difference, known).await;
        }
        is_done
    }

    /// Changes an index, or builds it anew where that is less work.
    async fn take_in(
        &self,
        (site, languages): (&SiteId, &[String]),
        difference: Difference,
        known: &mut Marks,
    ) -> bool {
        let Difference { put, removed, n_same } = difference;
        let n_all = put.len() + n_same;
        let is_most = !put.is_empty() && put.len() as f64 >= REBUILD_SHARE * n_all as f64;
        let Some(shelf) = self.searching.find(site).filter(|_| !is_most) else {
            return self.build_search((site, languages), known).await;
        };
        for slice in put.chunks(SLICE) {
            shelf.index.write().upsert(slice);
            slice.iter().for_each(|product| known.note(product));
            self.searching.meanings.note(site, slice.iter().map(|product| &product.id));
            tokio::task::yield_now().await;
        }
        for slice in removed.chunks(VIEW_SLICE) {
            shelf.index.write().remove(slice);
            slice.iter().for_each(|id| known.forget(id.as_str()));
        }
        let is_worn = {
            let size = shelf.index.read().size();
            size.dead > 1_000 && size.dead > size.products / 4
        };
        if is_worn {
            shelf.index.write().maintain();
        }
        true
    }

    /// Builds the index of a site from its catalogue; until it is done, the one before serves.
    async fn build_search(
        &self,
        (site, languages): (&SiteId, &[String]),
        known: &mut Marks,
    ) -> bool {
        let nothing = Marks::default();
        let products = self.difference(site, &nothing).await.put;
        let settings = self.index_settings(languages);
        let work = move || {
            if products.len() >= LARGE {
                // Where others wait for an answer, this can wait.
                yield_to_others();
            }
            let threads = std::thread::available_parallelism().map_or(1, usize::from);
            let index = SearchIndex::build(settings, &products, threads);
            let mut marks = Marks::default();
            products.iter().for_each(|product| marks.note(product));
            (index, marks)
        };
        let (send, built) = tokio::sync::oneshot::channel();
        // A thread of its own: priority cannot be raised again, so no pool's thread may be lowered.
        let thread = std::thread::Builder::new().name("search-index".to_owned());
        let started = thread.spawn(move || send.send(work()).is_ok());
        if let Err(error) = started {
            tracing::warn!(%error, "no thread for a search index; it is tried again");
            return false;
        }
        let Ok((index, marks)) = built.await else {
            tracing::error!(
                site = site.as_str(),
                "a search index could not be built; it is tried again"
            );
            return false;
        };
        self.searching.put(site, index);
        *known = marks;
        true
    }

    /// How much products of a site are wanted, as shares of what is wanted most: of 255.
    fn wanted(&self, site: &SiteId) -> FxHashMap<ProductId, u8> {
        let views = self.views.read();
        let Some(number) = views.catalogue.find_site(site) else { return FxHashMap::default() };
        let scope = views.popularity.scope(number, None);
        let demand = views.popularity.demand(scope, self.clock.now(), POPULAR_MAX);
        let most = demand.iter().fold(0.0, |most: f32, (_, score)| most.max(*score));
        // What is wanted falls off steeply: by its logarithm the tenth still counts.
        let share = |score: f32| (f64::from(score).ln_1p() / f64::from(most).ln_1p()).max(0.0);
        let of = |item| views.catalogue.product_id(item).clone();
        let all = demand.iter();
        all.map(|(item, score)| (of(*item), (share(*score) * 255.0).round() as u8)).collect()
    }

    /// Writes the indexes down at the end, unless one is being built just now: whoever ends waits for nothing that
    /// the next start can do as well.
    pub(crate) async fn save_search_at_end(&self) {
        if let Ok(mut marks) = self.searching.marks.try_lock() {
            self.save_search(&mut marks).await;
        }
        self.save_vectors().await;
    }

    /// Writes the indexes down that changed since they last were.
    async fn save_search(&self, marks: &mut FxHashMap<SiteId, Marks>) {
        for (site, known) in marks.iter_mut().filter(|(_, known)| known.is_dirty) {
            let Some(shelf) = self.searching.find(site) else { continue };
            let bytes = tokio::task::spawn_blocking(move || shelf.index.read().to_bytes()).await;
            let Ok(bytes) = bytes else { continue };
            match save(&*self.parts.blobs, site, (bytes, known)).await {
                Ok(()) => known.is_dirty = false,
                Err(error) => tracing::warn!(
                    %error,
                    site = site.as_str(),
                    "the search index could not be written down; it serves all the same and is tried again"
                ),
            }
        }
    }

    /// Waits until the indexes hold what the catalogue holds now.
    ///
    /// # Errors
    ///
    /// [`AppError::NotReady`] when it takes longer than `at_most`.
    pub async fn wait_searchable(&self, at_most: Duration) -> Result<(), AppError> {
        let began = Instant::now();
        loop {
            if !self.views.read().catalogue.has_changes() {
                // Whoever took the changes holds this until they are in.
                let _marks = self.searching.marks.lock().await;
                if self.config.sites().all(|site| self.searching.is_whole(&site.id)) {
                    return Ok(());
                }
            }
            if began.elapsed() > at_most {
                let detail = "the search index is still being built; try again soon";
                return Err(AppError::NotReady(detail.to_owned()));
            }
            tokio::time::sleep(LOOK_PAUSE).await;
        }
    }

    /// What a site's index is made with: its languages, the first being that of its products.
    fn index_settings(&self, languages: &[String]) -> Settings {
        let mut languages = languages.iter().map(|tag| Language::from_tag(tag));
        let main = languages.next().unwrap_or(Language::English);
        let mut settings = Settings::new(main, &languages.collect::<Vec<_>>());
        settings.ranking.meaning = self.config.search.meaning.to_engine();
        settings
    }
}
