//! Graphs of very many vectors, drawn beside the searches.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use souk_core::SiteId;
use souk_search::{Drawn, Vectors};
use tokio::sync::oneshot;

use super::super::shelf::Shelf;
use crate::App;
use crate::threads::yield_to_others;

/// Vectors that a graph does not know yet from which they are drawn into a copy of it, on a thread of their own; fewer are
/// linked where they are, a few at a time.
const UNLINKED_MANY: usize = 2_000;
/// Vectors that are linked while nobody can search; some 3 ms.
const LINK_SLICE: usize = 8;
/// How long to wait after a graph could not be drawn.
const RETRY_PAUSE: Duration = Duration::from_secs(60);

/// Vectors of one site from which a graph is drawn.
#[derive(Debug)]
pub(super) struct GraphFrom(pub(super) AtomicUsize);

impl Default for GraphFrom {
    fn default() -> GraphFrom {
        GraphFrom(AtomicUsize::new(Vectors::GRAPH_FROM))
    }
}

/// The graph that is being drawn: one at a time.
#[derive(Debug, Default)]
pub(super) struct Drawing {
    at_work: Option<(SiteId, oneshot::Receiver<Drawn>)>,
    failed: Option<Instant>,
}

impl Drawing {
    /// Has the graph of a site drawn where it has many vectors, and keeps it up; whether there is more to do at once.
    pub(super) fn tend(&mut self, app: &App, site: &SiteId) -> bool {
        let Some(shelf) = app.searching.find(site) else { return false };
        if let Some((_, drawn)) = self.at_work.as_mut().filter(|(of, _)| of == site) {
            match drawn.try_recv() {
                Err(oneshot::error::TryRecvError::Empty) => return false,
                Err(oneshot::error::TryRecvError::Closed) => self.failed = Some(Instant::now()),
                Ok(drawn) => {
                    if let Some(vectors) = shelf.index.write().vectors_mut() {
                        vectors.adopt(drawn);
                    }
                    app.searching.meanings.unsaved.lock().insert(site.clone());
                }
            }
            self.at_work = None;
        }
        let (n_rows, n_unlinked) = {
            let index = shelf.index.read();
            let Some(vectors) = index.vectors() else { return false };
            (vectors.n_rows(), vectors.n_unlinked())
        };
        let is_many = match n_unlinked {
            None => n_rows >= app.searching.meanings.graph.0.load(Relaxed),
            Some(n_unlinked) => n_unlinked >= UNLINKED_MANY,
        };
        if is_many {
            self.begin((site, &shelf));
            return false;
        }
        let is_behind = n_unlinked.is_some_and(|n_unlinked| n_unlinked > 0);
        if is_behind && let Some(vectors) = shelf.index.write().vectors_mut() {
            vectors.link(LINK_SLICE);
        }
        is_behind
    }

    /// Starts a thread that draws the graph of a site, unless one is at work or just failed.
    fn begin(&mut self, (site, shelf): (&SiteId, &Shelf)) {
        let has_failed = self.failed.is_some_and(|failed| failed.elapsed() < RETRY_PAUSE);
        if self.at_work.is_some() || has_failed {
            return;
        }
        let Some(draft) = shelf.index.write().vectors_mut().map(Vectors::draft) else { return };
        let (send, drawn) = oneshot::channel();
        let run = move || {
            yield_to_others();
            // Nobody waits any more only when the process ends.
            drop(send.send(draft.draw()));
        };
        let thread = std::thread::Builder::new().name("search-graph".to_owned()).spawn(run);
        if let Err(error) = thread {
            // The channel is closed then.
            tracing::warn!(%error, "no thread to draw a graph of vectors on; all of them are compared");
        }
        self.at_work = Some((site.clone(), drawn));
    }
}
