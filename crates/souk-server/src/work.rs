//! What a request takes of the server while it is in work.
//!
//! A request counts as in work once its body is there: a client that sends slowly keeps nobody else out.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::seats::Seat;

/// The bounds that all requests share.
#[derive(Clone, Debug)]
pub(crate) struct Bounds {
    requests: Arc<Semaphore>,
    body_bytes: Arc<Semaphore>,
    /// Requests whose head is there, whether or not their body is.
    begun: Arc<AtomicUsize>,
}

impl Bounds {
    pub(crate) fn new(requests_max: usize, body_bytes_max: usize) -> Bounds {
        Bounds {
            requests: Arc::new(Semaphore::new(requests_max)),
            body_bytes: Arc::new(Semaphore::new(body_bytes_max.min(Semaphore::MAX_PERMITS))),
            begun: Arc::default(),
        }
    }

    /// Requests that have begun and not ended, those that still arrive too.
    pub(crate) fn in_work(&self) -> usize {
        self.begun.load(Relaxed)
    }
}

/// There is no room for this request now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Full {
    /// Too many requests are in work.
    Requests,
    /// The bodies of the requests on their way take all the memory that they may.
    Bodies,
}

/// One request's share of the bounds; the last clone that goes gives it back.
#[derive(Clone, Debug)]
pub(crate) struct Work(Arc<Share>);

#[derive(Debug)]
struct Share {
    bounds: Bounds,
    seat: Option<Arc<Seat>>,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    request: Option<OwnedSemaphorePermit>,
    body: Option<OwnedSemaphorePermit>,
}

impl Work {
    /// A request that is still arriving.
    pub(crate) fn arriving(bounds: &Bounds, seat: Option<Arc<Seat>>) -> Work {
        bounds.begun.fetch_add(1, Relaxed);
        Work(Arc::new(Share { bounds: bounds.clone(), seat, held: Mutex::default() }))
    }

    /// The request is whole and goes into work.
    pub(crate) fn begin(&self) -> Result<(), Full> {
        let mut held = self.0.held.lock();
        if held.request.is_none() {
            let permit = Arc::clone(&self.0.bounds.requests).try_acquire_owned();
            held.request = Some(permit.map_err(|_| Full::Requests)?);
            self.0.seat.iter().for_each(|seat| seat.work());
        }
        Ok(())
    }

    /// Whether it has a place among the requests in work.
    pub(crate) fn has_begun(&self) -> bool {
        self.0.held.lock().request.is_some()
    }

    /// So many bytes of its body are to be kept in memory.
    pub(crate) fn keep_bytes(&self, bytes: usize) -> Result<(), Full> {
        let bytes = u32::try_from(bytes).map_err(|_| Full::Bodies)?;
        let permits = Arc::clone(&self.0.bounds.body_bytes).try_acquire_many_owned(bytes);
        let permits = permits.map_err(|_| Full::Bodies)?;
        let mut held = self.0.held.lock();
        match &mut held.body {
            Some(body) => body.merge(permits),
            body => *body = Some(permits),
        }
        Ok(())
    }

    /// Only so many bytes of its body are still in memory.
    pub(crate) fn keep_only(&self, bytes: usize) {
        if let Some(body) = &mut self.0.held.lock().body {
            drop(body.split(body.num_permits().saturating_sub(bytes)));
        }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.bounds.begun.fetch_sub(1, Relaxed);
        self.seat.iter().for_each(|seat| seat.rest());
    }
}

#[cfg(test)]
mod tests;
