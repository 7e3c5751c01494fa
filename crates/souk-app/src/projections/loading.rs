//! What a start takes over: the newest good snapshot, and erasures that the log tells of.

use std::sync::Arc;
use std::time::Instant;

use parking_lot::RwLock;
use souk_core::wire::{decode_event, record_kind};
use souk_core::{Event, Fact, SubjectId};
use souk_ports::{Cursor, KeyStore, Position, RecordKind, Recorded};

use super::Views;
use super::snapshots::{self, LoadError, Manifest, Place};
use crate::consent::ConsentRules;
use crate::sealing::OpenFault;
use crate::{AppError, Parts};

/// Destroys the keys of those whom these records ask to be forgotten, before any of them is opened.
///
/// An erasure has done so already; a key store that was restored from an older copy has them again.
pub(super) async fn forget_keys(
    keys: &dyn KeyStore,
    records: &[Recorded],
) -> Result<(), OpenFault> {
    let kind = RecordKind(record_kind(&Fact::Forgotten { subject: SubjectId([0; 16]) }));
    for recorded in records.iter().filter(|recorded| recorded.record.kind == kind) {
        let Ok(Event { fact: Fact::Forgotten { subject }, .. }) =
            decode_event(&recorded.record.body)
        else {
            continue;
        };
        if keys.keys(&[subject]).await?[0].is_some() {
            keys.forget(subject).await?;
        }
    }
    Ok(())
}

/// Loads the newest set that is whole, of this version, and of this log. Returns the last number used.
pub(super) async fn load_newest(
    parts: &Parts,
    views: &Arc<RwLock<Views>>,
) -> Result<u64, AppError> {
    let sequences = snapshots::sequences(&*parts.blobs).await?;
    for sequence in sequences.iter().rev() {
        let since = Instant::now();
        let rules = Arc::clone(&views.read().rules);
        match load_set(parts, *sequence, rules).await {
            Ok(Some(loaded)) => {
                let records = loaded.counters.records();
                let ms = since.elapsed().as_millis();
                tracing::info!(sequence, records, ms, "snapshot loaded");
                *views.write() = loaded;
                break;
            }
            Ok(None) => {
                tracing::warn!(sequence, "the snapshot is of another log and is passed over");
            }
            Err(error) => {
                tracing::warn!(sequence, %error, "the snapshot is passed over");
            }
        }
    }
    Ok(sequences.last().copied().unwrap_or(0))
}

/// Reads one set; `None` when the log does not hold what the set has seen.
async fn load_set(
    parts: &Parts,
    sequence: u64,
    rules: Arc<ConsentRules>,
) -> Result<Option<Views>, LoadError> {
    let manifest = snapshots::load_manifest(&*parts.blobs, sequence).await?;
    if !is_of_log(parts, &manifest).await {
        return Ok(None);
    }
    let place = Place { blobs: &*parts.blobs, keys: &*parts.keys };
    let bytes = snapshots::load_parts(place, &manifest).await?;
    let (cursor, anchors) = (manifest.cursor, manifest.anchors);
    let restored = tokio::task::spawn_blocking(move || Views::restore(bytes, cursor, rules));
    let mut views = restored.await.map_err(|_| LoadError::Missing("any".to_owned()))??;
    views.anchors = anchors;
    Ok(Some(views))
}

/// Whether the log holds the very records that the set has seen last. A log that was restored from
/// an older backup does not reach so far; one that was replaced may, and still be another.
async fn is_of_log(parts: &Parts, manifest: &Manifest) -> bool {
    for anchor in &manifest.anchors {
        let mut before = manifest.cursor.clone();
        // Everything else is behind the cursor, so the read begins with the record itself.
        before = match anchor.position.offset.checked_sub(1) {
            Some(offset) => rewound(&before, Position { offset, ..anchor.position }),
            None => without(&before, anchor.position),
        };
        let Ok(found) = parts.log.read(&before, 1).await else { return false };
        let is_same = found.first().is_some_and(|recorded| {
            recorded.position == anchor.position && recorded.record.event_id == anchor.event_id
        });
        if !is_same {
            return false;
        }
    }
    true
}

/// The cursor with one partition set back.
fn rewound(cursor: &Cursor, position: Position) -> Cursor {
    let mut rewound = without(cursor, position);
    rewound.advance(position);
    rewound
}

fn without(cursor: &Cursor, position: Position) -> Cursor {
    let mut rest = Cursor::START;
    cursor
        .positions()
        .filter(|other| other.partition != position.partition)
        .for_each(|other| rest.advance(other));
    rest
}
