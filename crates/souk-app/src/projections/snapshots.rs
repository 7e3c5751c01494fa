//! Snapshots of the views in the blob store, so that a start need not fold the whole log.
//!
//! A set holds every projection at one cursor. Its manifest is written last and names each part with
//! its version and checksum: a crash while writing leaves a set without a manifest, which nobody
//! reads. The last sets are kept. A set that is damaged or of another version is passed over
//! with a warning, and the next older one or the log itself serves.
//!
//! Sets hold what people did, so each is sealed with a random key of its own that lives in the key
//! store, apart from every backup of the data, and is destroyed when the set is dropped. After an
//! erasure all sets before it are dropped: their copies in older backups become noise with them.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutPayload};
use souk_core::EventId;
use souk_core::wire::{Reader, WireError, Writer};
use souk_ports::{Cursor, KeyStore, KeyStoreError, Partition, Position};
use souk_privacy::seal::{self, UnsealError};
use souk_recommend::SnapshotError;
use souk_recommend::next_basket::BasketVectors;
use souk_recommend::visits::VisitIndex;
use xxhash_rust::xxh3::xxh3_64;

use super::attribution::Attribution;
use super::consents::Consents;
use super::counters::Counters;
use super::popularity::Popularity;
use super::searches::Searches;
use crate::AppError;
use crate::consent::ConsentRules;
use crate::sealing::Nonces;

use super::{Catalogue, DailySales, Histories, Identity, Projection, Shoppers, Supply, Views};

/// Where sets stand.
const FOLDER: &str = "snapshots";
/// The first byte of a manifest.
const MANIFEST_VERSION: u8 = 3;
/// Bytes that are written, and synced, at once: a few milliseconds of a disk (chosen).
const PIECE_BYTES: usize = 4 << 20;
/// What the names of the sets' keys in the key store begin with.
const KEY_PREFIX: &str = "snapshot/";
/// Version of the parts that the index of visits writes; its own version stands inside as well. 2: a long
/// visit loses several events at once, the visit that began first goes first.
const VISITS_VERSION: u16 = 2;
const COUNTERS_VERSION: u16 = 1;

/// Why a set cannot be used. The remedy is the same for all: another set, or the log.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LoadError {
    #[error("part `{part}` does not have its checksum")]
    Damaged { part: String },
    #[error("part `{part}` has version {found}, this program reads {known}")]
    OtherVersion { part: String, found: u16, known: u16 },
    #[error("the settings of consent have changed since; the log says something else under them")]
    OtherRules,
    #[error("part `{0}` is missing")]
    Missing(String),
    #[error("bytes are no snapshot")]
    Wire(#[from] WireError),
    #[error("bytes are no index")]
    Index(#[from] SnapshotError),
    #[error("part `{part}` does not open: {source}; its key was destroyed with the set")]
    Sealed { part: String, source: UnsealError },
    #[error("the key store does not answer")]
    Keys(#[from] KeyStoreError),
    #[error("the blob store does not answer")]
    Blobs(#[from] object_store::Error),
}

/// Where sets and their keys are.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) blobs: &'a dyn ObjectStore,
    pub(crate) keys: &'a dyn KeyStore,
}

/// One projection as bytes.
#[derive(Debug)]
pub(crate) struct Part {
    name: &'static str,
    version: u16,
    bytes: Vec<u8>,
}

/// All projections as bytes, at one cursor.
#[derive(Debug)]
pub(crate) struct Set {
    /// The record at the cursor of each partition, by which a set is known to belong to its log.
    anchors: Vec<Anchor>,
    parts: Vec<Part>,
}

/// A record that the fold has seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Anchor {
    pub(crate) position: Position,
    pub(crate) event_id: EventId,
}

/// The parts that this program reads and writes, in the order of reading.
const PARTS: [(&str, u16); 13] = [
    // First, so that under other rules nothing else is read.
    (Consents::NAME, Consents::VERSION),
    (Catalogue::NAME, Catalogue::VERSION),
    (Identity::NAME, Identity::VERSION),
    (Shoppers::NAME, Shoppers::VERSION),
    (Histories::NAME, Histories::VERSION),
    ("visits", VISITS_VERSION),
    ("baskets", VISITS_VERSION),
    (DailySales::NAME, DailySales::VERSION),
    (Supply::NAME, Supply::VERSION),
    (Popularity::NAME, Popularity::VERSION),
    (Attribution::NAME, Attribution::VERSION),
    (Searches::NAME, Searches::VERSION),
    ("counters", COUNTERS_VERSION),
];

impl Set {
    /// How many bytes the parts have.
    pub(crate) fn n_bytes(&self) -> usize {
        self.parts.iter().map(|part| part.bytes.len()).sum()
    }

    /// The bytes alone, in the order of [`PARTS`].
    #[cfg(test)]
    pub(crate) fn parts_for_test(self) -> Vec<Vec<u8>> {
        self.parts.into_iter().map(|part| part.bytes).collect()
    }
}

impl Views {
    /// Writes down every projection.
    pub(crate) fn snapshot(&self) -> Set {
        let bytes = [
            self.consents.snapshot(&self.rules),
            self.catalogue.snapshot(),
            self.identity.snapshot(),
            self.shoppers.snapshot(),
            self.histories.snapshot(),
            self.visits.encode(),
            self.baskets.encode(),
            self.sales.snapshot(),
            self.supply.snapshot(),
            self.popularity.snapshot(),
            self.attribution.snapshot(),
            self.searches.snapshot(),
            self.snapshot_counters(),
        ];
        let parts = PARTS.into_iter().zip(bytes);
        Set {
            anchors: self.anchors.clone(),
            parts: parts.map(|((name, version), bytes)| Part { name, version, bytes }).collect(),
        }
    }

    fn snapshot_counters(&self) -> Vec<u8> {
        let mut w = Writer::new();
        w.varint(self.generation);
        w.timestamp(self.now_seen);
        self.counters.write(&mut w);
        w.into_bytes()
    }

    /// Reads what [`Views::snapshot`] wrote, part by part in the same order.
    pub(crate) fn restore(
        parts: Vec<Vec<u8>>,
        cursor: Cursor,
        rules: Arc<ConsentRules>,
    ) -> Result<Views, LoadError> {
        let mut parts = parts.into_iter();
        // Each part's bytes are let go as soon as they are read.
        let mut next = || parts.next().ok_or_else(|| LoadError::Missing("any".to_owned()));
        let consents = Consents::restore(&next()?, &rules)?;
        let catalogue = Catalogue::restore(&next()?)?;
        let n_items = catalogue.n_items();
        let identity = Identity::restore(&next()?)?;
        let shoppers = Shoppers::restore(&next()?)?;
        let histories = Histories::restore(&next()?, n_items)?;
        let visits = VisitIndex::decode(&next()?)?;
        let baskets = VisitIndex::decode(&next()?)?;
        let sales = DailySales::restore(&next()?, n_items)?;
        let supply = Supply::restore(&next()?, n_items)?;
        let popularity = Popularity::restore(&next()?)?;
        let attribution = Attribution::restore(&next()?, n_items)?;
        let searches = Searches::restore(&next()?, n_items)?;
        let counters = next()?;
        let mut r = Reader::new(&counters);
        let (generation, now_seen) = (r.varint()?, r.timestamp()?);
        let counters = Counters::read(&mut r)?;
        r.end()?;
        Ok(Views {
            rules,
            consents,
            withdrawals: 0,
            basket_vectors: BasketVectors::build(histories.all_baskets()),
            catalogue,
            identity,
            shoppers,
            histories,
            visits,
            baskets,
            popularity,
            sales,
            supply,
            attribution,
            searches,
            counters,
            generation,
            now_seen,
            cursor,
            anchors: Vec::new(),
        })
    }
}

/// What a manifest says.
#[derive(Debug)]
pub(crate) struct Manifest {
    pub(crate) sequence: u64,
    pub(crate) cursor: Cursor,
    pub(crate) anchors: Vec<Anchor>,
    parts: Vec<ManifestPart>,
}

#[derive(Debug)]
struct ManifestPart {
    name: String,
    version: u16,
    n_bytes: u64,
    checksum: u64,
}

fn manifest_path(sequence: u64) -> Path {
    Path::from(format!("{FOLDER}/manifest/{sequence:012}"))
}

fn part_path(name: &str, version: u16, sequence: u64) -> Path {
    Path::from(format!("{FOLDER}/{name}/v{version}-{sequence:012}"))
}

/// The name of a set's key in the key store.
fn key_name(sequence: u64) -> String {
    format!("{KEY_PREFIX}{sequence:012}")
}

/// The pieces of a part: its path and its bytes' ranges, at least one.
fn pieces(path: &Path, n_bytes: usize) -> impl Iterator<Item = (Path, std::ops::Range<usize>)> {
    let path = path.clone();
    (0..n_bytes.div_ceil(PIECE_BYTES).max(1)).map(move |piece| {
        let begin = piece * PIECE_BYTES;
        let end = (begin + PIECE_BYTES).min(n_bytes);
        (Path::from(format!("{path}.{piece:04}")), begin..end)
    })
}

/// Writes a part piece by piece, each as long at rest as it took: a disk that takes hundreds of megabytes at
/// once lets every commit of the log wait behind them.
async fn put_in_pieces(
    blobs: &dyn ObjectStore,
    path: &Path,
    bytes: Bytes,
) -> Result<(), object_store::Error> {
    for (path, range) in pieces(path, bytes.len()) {
        let began = Instant::now();
        blobs.put(&path, PutPayload::from(bytes.slice(range))).await?;
        tokio::time::sleep(began.elapsed()).await;
    }
    Ok(())
}

/// Seals a set and writes it: its parts, then the manifest that makes it count.
pub(crate) async fn save(place: Place<'_>, set: Set, sequence: u64) -> Result<(), AppError> {
    let blobs = place.blobs;
    let key = place.keys.secret(&key_name(sequence)).await?;
    let mut nonces = Nonces::for_records(1);
    let mut w = Writer::new();
    w.u8(MANIFEST_VERSION);
    w.count(set.anchors.len());
    for anchor in &set.anchors {
        w.varint(u64::from(anchor.position.partition.0));
        w.varint(anchor.position.offset);
        w.raw(&anchor.event_id.0);
    }
    w.count(set.parts.len());
    for Part { name, version, bytes } in set.parts {
        let path = part_path(name, version, sequence);
        let bytes = seal::seal_blob(&key, path.as_ref(), nonces.draw()?, &bytes);
        w.text(name);
        w.varint(u64::from(version));
        w.varint(bytes.len() as u64);
        w.raw(&xxh3_64(&bytes).to_le_bytes());
        put_in_pieces(blobs, &path, Bytes::from(bytes)).await?;
    }
    let mut manifest = w.into_bytes();
    let checksum = xxh3_64(&manifest);
    manifest.extend_from_slice(&checksum.to_le_bytes());
    blobs.put(&manifest_path(sequence), PutPayload::from(manifest)).await?;
    Ok(())
}

/// Removes all but the last `kept` sets, and parts that belong to none: first every key but theirs, so
/// that copies of the sets elsewhere become noise, whatever happens next.
pub(crate) async fn drop_old(place: Place<'_>, kept: usize) -> Result<(), AppError> {
    let blobs = place.blobs;
    let manifests = sequences(blobs).await?;
    let first_kept = manifests.len().saturating_sub(kept.max(1));
    let (dropped, kept) = manifests.split_at(first_kept);
    let Some(oldest) = kept.first() else { return Ok(()) };
    let names: Vec<String> = kept.iter().map(|sequence| key_name(*sequence)).collect();
    place.keys.destroy_secrets(KEY_PREFIX, &names).await?;
    for sequence in dropped {
        blobs.delete(&manifest_path(*sequence)).await?;
    }
    let folder = Path::from(FOLDER);
    for object in list(blobs, &folder).await? {
        if sequence_of(&object).is_some_and(|sequence| sequence < *oldest) {
            blobs.delete(&object).await?;
        }
    }
    Ok(())
}

/// Makes every set unreadable for good; the next start folds the log.
pub(crate) async fn destroy_all(keys: &dyn KeyStore) -> Result<(), AppError> {
    Ok(keys.destroy_secrets(KEY_PREFIX, &[]).await?)
}

fn sequence_of(path: &Path) -> Option<u64> {
    let name = path.filename()?.rsplit('-').next()?;
    // The number of a piece stands behind it.
    name.split('.').next()?.parse().ok()
}

async fn list(blobs: &dyn ObjectStore, folder: &Path) -> Result<Vec<Path>, object_store::Error> {
    use futures::TryStreamExt;
    blobs.list(Some(folder)).map_ok(|object| object.location).try_collect().await
}

/// The numbers of all sets, ascending.
pub(crate) async fn sequences(blobs: &dyn ObjectStore) -> Result<Vec<u64>, object_store::Error> {
    let folder = Path::from(format!("{FOLDER}/manifest"));
    let mut sequences: Vec<u64> =
        list(blobs, &folder).await?.iter().filter_map(sequence_of).collect();
    sequences.sort_unstable();
    Ok(sequences)
}

/// Reads a manifest and checks that this program reads each of its parts.
pub(crate) async fn load_manifest(
    blobs: &dyn ObjectStore,
    sequence: u64,
) -> Result<Manifest, LoadError> {
    let bytes = blobs.get(&manifest_path(sequence)).await?.bytes().await?;
    let damaged = || LoadError::Damaged { part: "manifest".to_owned() };
    let (body, checksum) = bytes.split_last_chunk::<8>().ok_or_else(damaged)?;
    if xxh3_64(body).to_le_bytes() != *checksum {
        return Err(damaged());
    }
    let mut r = Reader::new(body);
    let version = r.u8()?;
    if version != MANIFEST_VERSION {
        let (part, known) = ("manifest".to_owned(), u16::from(MANIFEST_VERSION));
        return Err(LoadError::OtherVersion { part, found: u16::from(version), known });
    }
    let anchors = r.list(read_anchor)?;
    let parts = r.list(read_part)?;
    r.end()?;
    for (name, known) in PARTS {
        let part = parts.iter().find(|part| part.name == name);
        let part = part.ok_or_else(|| LoadError::Missing(name.to_owned()))?;
        if part.version != known {
            let (part, found) = (name.to_owned(), part.version);
            return Err(LoadError::OtherVersion { part, found, known });
        }
    }
    let mut cursor = Cursor::START;
    anchors.iter().for_each(|anchor| cursor.advance(anchor.position));
    Ok(Manifest { sequence, cursor, anchors, parts })
}

fn read_anchor(r: &mut Reader<'_>) -> Result<Anchor, WireError> {
    let partition = u16::try_from(r.varint()?).map_err(|_| r.fault("a partition"))?;
    let position = Position { partition: Partition(partition), offset: r.varint()? };
    Ok(Anchor { position, event_id: EventId(r.array16()?) })
}

fn read_part(r: &mut Reader<'_>) -> Result<ManifestPart, WireError> {
    let name = r.text()?.to_owned();
    let version = u16::try_from(r.varint()?).map_err(|_| r.fault("a version"))?;
    let n_bytes = r.varint()?;
    let checksum = r.raw(8)?.try_into().map(u64::from_le_bytes).expect("8 bytes were taken");
    Ok(ManifestPart { name, version, n_bytes, checksum })
}

/// Reads and opens the parts of a set, in the order of [`PARTS`], and checks their checksums.
pub(crate) async fn load_parts(
    place: Place<'_>,
    manifest: &Manifest,
) -> Result<Vec<Vec<u8>>, LoadError> {
    let key = place.keys.secret(&key_name(manifest.sequence)).await?;
    let mut parts = Vec::with_capacity(PARTS.len());
    for (name, version) in PARTS {
        let path = part_path(name, version, manifest.sequence);
        let damaged = || LoadError::Damaged { part: name.to_owned() };
        let part = manifest.parts.iter().find(|part| part.name == name).ok_or_else(damaged)?;
        let n_bytes = usize::try_from(part.n_bytes).map_err(|_| damaged())?;
        let mut bytes = Vec::new();
        for (path, _) in pieces(&path, n_bytes) {
            bytes.extend_from_slice(&place.blobs.get(&path).await?.bytes().await?);
        }
        if bytes.len() != n_bytes || part.checksum != xxh3_64(&bytes) {
            return Err(damaged());
        }
        let opened = seal::open_blob(&key, path.as_ref(), &bytes);
        let sealed = |source| LoadError::Sealed { part: name.to_owned(), source };
        parts.push(opened.map_err(sealed)?);
    }
    Ok(parts)
}
