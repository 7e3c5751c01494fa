//! Outlooks that are kept, and their file, from which a start serves them again.
//!
//! What a file says is as old as its outlooks, and each says from which day on it forecasts. Whether it still fits is told
//! like that of any other: by the fingerprint of the series. Another program may forecast in another way, so of its file
//! every outlook counts as changed; until it is made anew it serves.
//!
//! A file holds sums of sales and nothing of persons, so it is not sealed.

use std::sync::Arc;
use std::time::{Duration, Instant};

use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutPayload};
use parking_lot::{Mutex, RwLock};
use rustc_hash::{FxHashMap, FxHashSet};
use souk_core::wire::{Reader, WireError, Writer};
use souk_core::{LocationId, ProductId, SiteId};
use xxhash_rust::xxh3::xxh3_64;

use super::taught::AllKept;
use super::{OUTLOOKS_MAX, Outlook};
use crate::demand::SeriesKey;
use crate::projections::{LOOKED_AT_ONCE, Views};
use crate::{App, AppError};

/// Where the file stands.
const FILE: &str = "outlooks/all";
/// What it begins with.
const MAGIC: &[u8] = b"souk outlooks 3\n";
/// How often it is written while the program runs.
const SAVE_PAUSE: Duration = Duration::from_secs(300);

/// Outlooks by series.
#[derive(Debug, Default)]
pub(crate) struct Forecasts {
    kept: RwLock<FxHashMap<SeriesKey, Arc<Outlook>>>,
    /// Of the file, until the views know products and places.
    stored: Mutex<Vec<Stored>>,
    /// Held while they are taken up, so that whoever comes meanwhile waits for all of them.
    taking_up: Mutex<()>,
    writing: Mutex<Writing>,
    /// What the series of each site teach each other.
    pub(super) taught: Mutex<AllKept>,
    /// Held while that is learned.
    pub(super) learning: Mutex<()>,
}

/// Whether the file has to be written.
#[derive(Debug, Default)]
struct Writing {
    is_dirty: bool,
    last: Option<Instant>,
}

/// An outlook with the shop's own names: numbers of products and places are those of one fold.
#[derive(Debug)]
struct Stored {
    site: SiteId,
    product: ProductId,
    location: LocationId,
    outlook: Outlook,
}

impl Forecasts {
    /// With what the file holds.
    pub(crate) async fn open(blobs: &dyn ObjectStore) -> Forecasts {
        let forecasts = Forecasts::default();
        let file = match blobs.get(&Path::from(FILE)).await {
            Ok(found) => found.bytes().await,
            Err(object_store::Error::NotFound { .. }) => return forecasts,
            Err(error) => Err(error),
        };
        match file {
            Ok(file) => match read(&file) {
                Ok(stored) => *forecasts.stored.lock() = stored,
                Err(why) => tracing::warn!(%why, "kept forecasts are made anew"),
            },
            Err(error) => tracing::warn!(%error, "kept forecasts cannot be read and are made anew"),
        }
        forecasts
    }

    pub(crate) fn get(&self, key: SeriesKey) -> Option<Arc<Outlook>> {
        self.kept.read().get(&key).cloned()
    }

    pub(crate) fn keep(&self, key: SeriesKey, outlook: Arc<Outlook>) {
        self.put(key, outlook);
        self.writing.lock().is_dirty = true;
    }

    fn put(&self, key: SeriesKey, outlook: Arc<Outlook>) {
        let mut kept = self.kept.write();
        // What somebody waits for is kept in any case, and the job makes again what had to go for it.
        if kept.len() >= OUTLOOKS_MAX
            && !kept.contains_key(&key)
            && let Some(other) = kept.keys().next().copied()
        {
            kept.remove(&other);
        }
        kept.insert(key, outlook);
    }

    /// Forgets all others.
    pub(super) fn keep_only(&self, keys: &[(SeriesKey, SiteId)]) {
        let wanted: FxHashSet<SeriesKey> = keys.iter().map(|(key, _)| *key).collect();
        self.kept.write().retain(|key, _| wanted.contains(key));
    }

    /// Of which series there are some.
    pub(super) fn keys(&self) -> Vec<SeriesKey> {
        self.kept.read().keys().copied().collect()
    }

    /// How many are kept.
    pub(crate) fn len(&self) -> usize {
        self.kept.read().len()
    }

    fn take_up(&self, views: &RwLock<Views>) {
        let _taking_up = self.taking_up.lock();
        let stored = std::mem::take(&mut *self.stored.lock());
        if stored.is_empty() {
            return;
        }
        let mut stored = stored.into_iter();
        while stored.len() > 0 {
            let views = views.read();
            for one in stored.by_ref().take(LOOKED_AT_ONCE) {
                let item = views.catalogue.item(&one.site, &one.product);
                let location = views.catalogue.location_number(&one.location);
                let (Some(item), Some(location)) = (item, location) else { continue };
                let key = SeriesKey { item, location: Some(location) };
                // What was made since the start is newer.
                if self.get(key).is_none() {
                    self.put(key, Arc::new(one.outlook));
                }
            }
        }
    }

    /// Everything as bytes, in the order of the series.
    fn to_bytes(&self, views: &RwLock<Views>) -> Vec<u8> {
        let kept: Vec<(SeriesKey, Arc<Outlook>)> =
            self.kept.read().iter().map(|(key, outlook)| (*key, Arc::clone(outlook))).collect();
        let mut w = Writer::new();
        w.text(env!("CARGO_PKG_VERSION"));
        let mut rows: Vec<(SeriesKey, Vec<u8>)> = Vec::with_capacity(kept.len());
        for some in kept.chunks(LOOKED_AT_ONCE) {
            let catalogue = &views.read().catalogue;
            for (key, outlook) in some {
                let Some(location) = key.location else { continue };
                let mut row = Writer::new();
                row.text(catalogue.site(key.item).as_str());
                row.id(catalogue.product_id(key.item).as_str());
                row.text(catalogue.location(location));
                outlook.write(&mut row);
                rows.push((*key, row.into_bytes()));
            }
        }
        rows.sort_unstable_by_key(|(key, _)| *key);
        w.count(rows.len());
        rows.iter().for_each(|(_, row)| w.raw(row));
        let body = w.into_bytes();
        [MAGIC, &xxh3_64(&body).to_le_bytes(), &body].concat()
    }
}

fn read(file: &[u8]) -> Result<Vec<Stored>, String> {
    let rest = file.strip_prefix(MAGIC).ok_or("their file is of another version")?;
    let (sum, body) = rest.split_first_chunk::<8>().ok_or("their file is damaged")?;
    if xxh3_64(body).to_le_bytes() != *sum {
        return Err("their file is damaged".to_owned());
    }
    rows(body).map_err(|error| error.to_string())
}

fn rows(body: &[u8]) -> Result<Vec<Stored>, WireError> {
    let mut r = Reader::new(body);
    let is_own = r.text()? == env!("CARGO_PKG_VERSION");
    let rows = r.list(|r| {
        let site = SiteId::new(r.text()?).map_err(|_| r.fault("a site"))?;
        let product = ProductId::new(&*r.id()?).map_err(|_| r.fault("a product"))?;
        let location = LocationId::new(r.text()?).map_err(|_| r.fault("a place"))?;
        let mut outlook = Outlook::read(r)?;
        if !is_own {
            outlook.fingerprint = !outlook.fingerprint;
        }
        Ok(Stored { site, product, location, outlook })
    })?;
    r.end()?;
    Ok(rows)
}

impl App {
    /// Lets what the file held serve, once products and places are known.
    pub(crate) fn take_up_outlooks(&self) {
        if self.check_ready().is_ok() {
            self.forecasts.take_up(&self.views);
        }
    }

    /// Writes the outlooks down if there are new ones, and not more often than every five minutes.
    pub(super) async fn save_outlooks_now_and_then(self: &Arc<App>) {
        let is_due = self.forecasts.writing.lock().last.is_none_or(|at| at.elapsed() >= SAVE_PAUSE);
        if is_due {
            self.save_outlooks().await;
        }
    }

    /// Writes the outlooks down if there are new ones; a crash leaves the file before.
    pub(crate) async fn save_outlooks(self: &Arc<App>) {
        let app = Arc::clone(self);
        let write = move || {
            app.take_up_outlooks();
            let is_dirty = std::mem::take(&mut app.forecasts.writing.lock().is_dirty);
            is_dirty.then(|| app.forecasts.to_bytes(&app.views))
        };
        // A hundred thousand take tenths of seconds, in which others shall be answered.
        let Ok(Some(bytes)) = tokio::task::spawn_blocking(write).await else { return };
        let put = self.parts.blobs.put(&Path::from(FILE), PutPayload::from(bytes)).await;
        let mut writing = self.forecasts.writing.lock();
        writing.last = Some(Instant::now());
        if let Err(source) = put {
            writing.is_dirty = true;
            let error = AppError::from(source);
            tracing::warn!(%error, "kept forecasts could not be written down; they serve all the same");
        }
    }
}

#[cfg(test)]
mod tests;
