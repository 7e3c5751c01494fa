//! Writes the indexes of closed segments, off the writer thread.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use souk_ports::LogError;

use super::filter::FilterKey;
use super::partition::FilterSlot;
use super::segment::{Segment, Shared, log_io};

/// Closed segments that may wait, each with its keys in memory; beyond it the writer waits too.
const QUEUE_MAX: usize = 4;

/// The thread that sorts and writes; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Indexer {
    queue: Option<SyncSender<(Arc<Segment>, FilterSlot)>>,
    thread: Option<JoinHandle<()>>,
}

impl Indexer {
    pub(crate) fn start(shared: Arc<Shared>) -> Result<Indexer, LogError> {
        let (queue, jobs) = sync_channel(QUEUE_MAX);
        let thread = std::thread::Builder::new()
            .name("souk-log-index".into())
            .spawn(move || work(&shared, &jobs))
            .map_err(log_io)?;
        Ok(Indexer { queue: Some(queue), thread: Some(thread) })
    }

    pub(crate) fn submit(&self, segment: Arc<Segment>, slot: FilterSlot) {
        let queue = self.queue.as_ref().expect("the queue lives until drop");
        // When the thread is gone the segment keeps its keys in memory, and all goes on.
        let _ = queue.send((segment, slot));
    }
}

fn work(shared: &Shared, jobs: &Receiver<(Arc<Segment>, FilterSlot)>) {
    for (segment, slot) in jobs {
        let filled = shared.each_event(&segment, |id| {
            slot.group.insert(FilterKey::new(id), slot.column);
        });
        match filled {
            Ok(()) => slot.is_filled.store(true, Ordering::Release),
            Err(error) => tracing::warn!(%error, "a log segment stays out of the filter"),
        }
        // Without a file the keys stay in memory until the next start makes the index again.
        if let Err(error) = shared.write_index(&segment) {
            tracing::warn!(%error, "the index of a log segment was not written");
        }
    }
}

impl Drop for Indexer {
    fn drop(&mut self) {
        self.queue = None;
        if let Some(thread) = self.thread.take() {
            // A panic of the thread was reported when it happened.
            let _ = thread.join();
        }
    }
}
