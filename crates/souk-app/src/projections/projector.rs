//! The one writer of the views: reads the log in order and folds it, slice by slice.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::RwLock;
use souk_ports::{Cursor, KeyStoreError, LogError, Position, Recorded};
use tokio::sync::{Notify, mpsc, oneshot, watch};
use tokio::task::JoinHandle;

use super::loading::{forget_keys, load_newest};
use super::snapshots::{self, Place};
use super::{Decoded, Views};
use crate::consent::ConsentRules;
use crate::sealing::{OpenFault, open_all, open_records};
use crate::{AppError, Parts, Readiness};

/// How long after a snapshot that could not be stored the next is tried: a full disk stays so for a
/// while, and each try costs a moment of the fold.
const RETRY_INTERVAL: Duration = Duration::from_secs(60);
/// How long a slice of the fold waits for answers that are being made before it insists (chosen: far under the
/// freshness that is promised).
const READERS_WAIT_MAX: Duration = Duration::from_millis(2);

/// Whether the fold keeps up with the log, or has much to catch up with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pace {
    Live,
    Behind,
}

/// How the fold is paced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FoldParams {
    /// Records after which a snapshot is taken.
    pub snapshot_records: u64,
    /// Time after which a snapshot is taken, when anything changed.
    pub snapshot_interval: Duration,
    /// Sets of snapshots that are kept; at least one.
    pub snapshots_kept: usize,
    /// Records in one read of the log.
    pub read_records: u32,
    /// How long a record that another process appended may go unseen.
    pub poll_interval: Duration,
    /// Events opened at a time, before the lock is taken.
    pub slice_events: usize,
    /// How long after an erasure its snapshot is taken, so that several share one.
    pub purge_delay: Duration,
    /// How long the lock is held at a time; one event may take longer by itself.
    pub slice_time: Duration,
}

impl Default for FoldParams {
    /// Chosen: a start folds at most 200,000 records or ten minutes, a reader waits at most 200 µs.
    fn default() -> FoldParams {
        FoldParams {
            snapshot_records: 200_000,
            snapshot_interval: Duration::from_secs(600),
            snapshots_kept: 2,
            read_records: 4_096,
            poll_interval: Duration::from_millis(200),
            slice_events: 64,
            purge_delay: Duration::from_secs(10),
            slice_time: Duration::from_micros(200),
        }
    }
}

/// How far the fold has come, for those who wait for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Progress {
    pub(crate) cursor: Cursor,
    pub(crate) readiness: Readiness,
}

/// What the projector can be asked for.
enum Command {
    Snapshot(oneshot::Sender<Result<(), AppError>>),
    /// A snapshot soon, after which no older one is left.
    Purge(oneshot::Sender<Result<(), AppError>>),
    Stop(oneshot::Sender<Result<(), AppError>>),
    Inspect(Box<dyn FnOnce(&Views) + Send>),
    /// Views that were folded beside the live ones, to be brought up to them and put in their place.
    Replace(Box<Views>, oneshot::Sender<Result<(), AppError>>),
}

/// The application's hold on its projector. Dropping it ends the fold without a snapshot.
#[derive(Debug)]
pub(crate) struct Projector {
    wake: Arc<Notify>,
    progress: watch::Receiver<Progress>,
    commands: mpsc::Sender<Command>,
    n_noise: Arc<AtomicU64>,
    task: parking_lot::Mutex<Option<JoinHandle<()>>>,
}

impl Projector {
    /// Loads the newest usable snapshot into `views` and starts folding the tail.
    pub(crate) async fn start(
        parts: &Parts,
        views: Arc<RwLock<Views>>,
        params: FoldParams,
    ) -> Result<Projector, AppError> {
        let goal = parts.log.end().await?;
        let sequence = load_newest(parts, &views).await?;
        let cursor = views.read().cursor.clone();
        let (sender, progress) = watch::channel(Progress {
            readiness: Readiness::Starting { folded: views.read().counters.records() },
            cursor,
        });
        let (commands, inbox) = mpsc::channel(16);
        let wake = Arc::new(Notify::new());
        let n_noise = Arc::new(AtomicU64::new(0));
        let folder = Folder {
            parts: parts.clone(),
            views,
            params,
            goal,
            wake: Arc::clone(&wake),
            progress: sender,
            inbox,
            sequence,
            saved_records: 0,
            saved_at: Instant::now(),
            is_unsaved: false,
            saving: None,
            n_noise: Arc::clone(&n_noise),
            purges: Purges::default(),
        };
        let task = tokio::spawn(folder.run());
        let task = parking_lot::Mutex::new(Some(task));
        Ok(Projector { wake, progress, commands, n_noise, task })
    }

    /// Something was appended.
    pub(crate) fn wake(&self) {
        self.wake.notify_one();
    }

    /// Records of erased people that were passed over since the start.
    pub(crate) fn n_noise(&self) -> u64 {
        self.n_noise.load(Ordering::Relaxed)
    }

    pub(crate) fn readiness(&self) -> Readiness {
        let is_over = self.progress.has_changed().is_err();
        if is_over && self.task.lock().is_some() {
            let why = "the fold ended by a defect; restart souk, and please report it";
            return Readiness::Failed(why.to_owned());
        }
        self.progress.borrow().readiness.clone()
    }

    /// Looks at the whole state between two slices. Unlike a long look under a lock of one's own,
    /// this keeps no reader waiting: the only writer waits by itself.
    pub(crate) async fn inspect<T: Send + 'static>(
        &self,
        look: impl FnOnce(&Views) -> T + Send + 'static,
    ) -> Result<T, AppError> {
        let (sender, answer) = oneshot::channel();
        let command = Command::Inspect(Box::new(move |views| {
            let _ = sender.send(look(views));
        }));
        self.send(command).await?;
        answer.await.map_err(|_| ending())
    }

    /// Waits until `is_done`, or until the fold fails.
    pub(crate) async fn wait(&self, is_done: impl Fn(&Progress) -> bool) -> Result<(), AppError> {
        let mut progress = self.progress.clone();
        let outcome = progress
            .wait_for(|now| is_done(now) || matches!(now.readiness, Readiness::Failed(_)))
            .await;
        match outcome.map(|now| now.readiness.clone()) {
            Ok(Readiness::Failed(why)) => Err(AppError::NotReady(why)),
            Ok(_) => Ok(()),
            Err(_) => Err(ending()),
        }
    }

    /// Takes a snapshot and waits until it is stored.
    pub(crate) async fn snapshot(&self) -> Result<(), AppError> {
        let (sender, answer) = oneshot::channel();
        self.ask(Command::Snapshot(sender), answer).await
    }

    /// Waits for a snapshot of what is folded now, after which all older ones and their keys are gone.
    pub(crate) async fn purge_snapshots(&self) -> Result<(), AppError> {
        let (sender, answer) = oneshot::channel();
        self.ask(Command::Purge(sender), answer).await
    }

    /// Puts views that were folded anew in the place of the live ones, once they have come as far.
    pub(crate) async fn replace(&self, fresh: Views) -> Result<(), AppError> {
        let (sender, answer) = oneshot::channel();
        self.ask(Command::Replace(Box::new(fresh), sender), answer).await
    }

    /// Ends the fold with a snapshot. A second call does nothing.
    pub(crate) async fn stop(&self) -> Result<(), AppError> {
        let Some(task) = self.task.lock().take() else { return Ok(()) };
        let (sender, answer) = oneshot::channel();
        let outcome = self.ask(Command::Stop(sender), answer).await;
        let ended = task.await.map_err(|source| AppError::Bug(format!("the fold ended: {source}")));
        ended.and(outcome)
    }

    async fn ask(
        &self,
        command: Command,
        answer: oneshot::Receiver<Result<(), AppError>>,
    ) -> Result<(), AppError> {
        self.send(command).await?;
        answer.await.map_err(|_| ending())?
    }

    async fn send(&self, command: Command) -> Result<(), AppError> {
        self.commands.send(command).await.map_err(|_| ending())
    }
}

fn ending() -> AppError {
    AppError::NotReady("the program is ending".to_owned())
}

/// Why the fold cannot go on.
#[derive(Debug, thiserror::Error)]
enum FoldError {
    #[error(transparent)]
    Log(#[from] LogError),
    #[error(transparent)]
    Record(#[from] OpenFault),
}

/// The running fold.
struct Folder {
    parts: Parts,
    views: Arc<RwLock<Views>>,
    params: FoldParams,
    /// The log's end when the start began: once it is folded, the views are ready.
    goal: Cursor,
    wake: Arc<Notify>,
    progress: watch::Sender<Progress>,
    inbox: mpsc::Receiver<Command>,
    /// The number of the last set of snapshots.
    sequence: u64,
    /// What the last snapshot held, and when it was taken.
    saved_records: u64,
    saved_at: Instant,
    /// Whether the last snapshot could not be stored.
    is_unsaved: bool,
    saving: Option<JoinHandle<Result<(), AppError>>>,
    /// Records of erased people that were passed over since the start.
    n_noise: Arc<AtomicU64>,
    purges: Purges,
}

/// Those who wait until no snapshot from before an erasure is left.
#[derive(Default)]
struct Purges {
    waiting: Vec<oneshot::Sender<Result<(), AppError>>>,
    /// When the first of them came.
    since: Option<Instant>,
    /// Those whose snapshot is being stored.
    served: Vec<oneshot::Sender<Result<(), AppError>>>,
}

impl Folder {
    async fn run(mut self) {
        self.saved_records = self.views.read().counters.records();
        loop {
            let failed = match self.catch_up().await {
                Ok(()) => false,
                Err(
                    FoldError::Log(LogError::Unavailable(source))
                    | FoldError::Record(OpenFault::Keys(KeyStoreError::Unavailable(source))),
                ) => {
                    tracing::warn!(%source, "log or key store do not answer; the fold tries again");
                    tokio::time::sleep(self.params.poll_interval).await;
                    false
                }
                Err(error) => {
                    tracing::error!(%error, "the fold stopped");
                    let why = error.to_string();
                    self.progress.send_modify(|now| now.readiness = Readiness::Failed(why));
                    true
                }
            };
            self.snapshot_if_due().await;
            if self.rest(failed).await.is_break() {
                return;
            }
        }
    }

    /// Folds what the log holds beyond the cursor.
    async fn catch_up(&mut self) -> Result<(), FoldError> {
        let limit = self.params.read_records;
        let log = Arc::clone(&self.parts.log);
        let mut cursor = self.views.read().cursor.clone();
        self.note_progress(&cursor);
        let mut batch = log.read(&cursor, limit).await?;
        while !batch.is_empty() {
            let is_last = batch.len() < limit as usize;
            batch.iter().for_each(|recorded| cursor.advance(recorded.position));
            if is_last {
                return self.fold(batch, Pace::Live).await;
            }
            // The disk and the fold work at the same time.
            let (folded, next) =
                tokio::join!(self.fold(batch, Pace::Behind), log.read(&cursor, limit));
            folded?;
            self.snapshot_if_due().await;
            if !self.inbox.is_empty() {
                return Ok(());
            }
            batch = next?;
        }
        Ok(())
    }

    /// Folds records in slices, between which readers get their turn.
    async fn fold(&self, batch: Vec<Recorded>, pace: Pace) -> Result<(), FoldError> {
        let mut batch = batch.into_iter();
        loop {
            let slice: Vec<_> = batch.by_ref().take(self.params.slice_events).collect();
            forget_keys(&*self.parts.keys, &slice).await?;
            let (opened, outcome) = open_records(&*self.parts.keys, slice).await;
            if opened.is_empty() {
                return outcome.map_err(FoldError::from);
            }
            let n_noise = opened.iter().filter(|decoded| decoded.event.is_none()).count();
            self.n_noise.fetch_add(n_noise as u64, Ordering::Relaxed);
            let cursor = self.apply(opened, pace).await;
            self.note_progress(&cursor);
            outcome?;
            tokio::task::yield_now().await;
        }
    }

    /// Applies opened events, letting the lock go each time the slice's time is over.
    async fn apply(&self, opened: Vec<Decoded>, pace: Pace) -> Cursor {
        let mut opened = opened.into_iter();
        loop {
            if pace == Pace::Live {
                self.let_readers_finish().await;
            }
            let mut views = self.views.write();
            let since = Instant::now();
            for decoded in opened.by_ref() {
                views.apply(decoded);
                if since.elapsed() >= self.params.slice_time {
                    break;
                }
            }
            if opened.len() == 0 {
                return views.cursor.clone();
            }
        }
    }

    /// Gives readers some time to finish: while the fold waits for the lock nobody else gets it, and one answer
    /// that takes milliseconds would hold up all others. Other tasks of this thread run meanwhile.
    async fn let_readers_finish(&self) {
        let since = Instant::now();
        while self.views.is_locked() && since.elapsed() < READERS_WAIT_MAX {
            tokio::task::yield_now().await;
        }
    }

    fn note_progress(&self, cursor: &Cursor) {
        let is_ready = cursor.covers(&self.goal);
        let folded = self.views.read().counters.records();
        self.progress.send_modify(|now| {
            now.cursor.clone_from(cursor);
            match now.readiness {
                Readiness::Starting { .. } if is_ready => now.readiness = Readiness::Ready,
                Readiness::Starting { .. } => now.readiness = Readiness::Starting { folded },
                _ => {}
            }
        });
    }

    /// Waits for the next thing to do. A failed fold waits for orders only.
    async fn rest(&mut self, failed: bool) -> std::ops::ControlFlow<()> {
        use std::ops::ControlFlow::{Break, Continue};
        let command = tokio::select! {
            biased;
            command = self.inbox.recv() => command,
            () = self.wake.notified(), if !failed => return Continue(()),
            () = tokio::time::sleep(self.params.poll_interval), if !failed => return Continue(()),
        };
        match command {
            // The application is gone.
            None => Break(()),
            Some(Command::Snapshot(answer)) => {
                let _ = answer.send(self.snapshot_and_wait().await);
                Continue(())
            }
            Some(Command::Purge(answer)) => {
                self.purges.since.get_or_insert_with(Instant::now);
                self.purges.waiting.push(answer);
                Continue(())
            }
            Some(Command::Inspect(look)) => {
                let views = Arc::clone(&self.views);
                let looked = tokio::task::spawn_blocking(move || look(&views.read())).await;
                if looked.is_err() {
                    tracing::error!("a look at the views failed");
                }
                Continue(())
            }
            Some(Command::Replace(fresh, answer)) => {
                let _ = answer.send(self.replace(*fresh).await);
                Continue(())
            }
            Some(Command::Stop(answer)) => {
                let _ = answer.send(self.snapshot_and_wait().await);
                Break(())
            }
        }
    }

    /// Brings fresh views up to the live ones and puts them in their place. Nobody folds meanwhile, so
    /// what was seen once stays seen.
    async fn replace(&mut self, mut fresh: Views) -> Result<(), AppError> {
        if let Err(error) = self.finish_saving().await {
            tracing::warn!(%error, "the last snapshot could not be stored");
        }
        let until = self.views.read().cursor.clone();
        fold_until(&self.parts, &mut fresh, &until).await?;
        {
            let mut views = self.views.write();
            fresh.succeed(&views);
            std::mem::swap(&mut *views, &mut fresh);
        }
        // Letting go of millions of entries takes a while, and no reader should wait for it.
        drop(tokio::task::spawn_blocking(move || drop(fresh)));
        Ok(())
    }

    async fn snapshot_if_due(&mut self) {
        let is_over = self.saving.as_ref().is_some_and(JoinHandle::is_finished);
        if is_over && let Err(error) = self.finish_saving().await {
            tracing::warn!(%error, "the snapshot could not be stored");
        }
        let records = self.views.read().counters.records() - self.saved_records;
        let is_purge = self.purges.since.is_some_and(|at| at.elapsed() >= self.params.purge_delay);
        let is_due = if is_purge {
            true
        } else if self.is_unsaved {
            self.saved_at.elapsed() >= RETRY_INTERVAL
        } else {
            records >= self.params.snapshot_records
                || records > 0 && self.saved_at.elapsed() >= self.params.snapshot_interval
        };
        if is_due && self.saving.is_none() {
            self.begin_saving().await;
        }
    }

    async fn snapshot_and_wait(&mut self) -> Result<(), AppError> {
        if let Err(error) = self.finish_saving().await {
            tracing::warn!(%error, "the last snapshot could not be stored");
        }
        let is_saved = self.views.read().counters.records() == self.saved_records;
        if !self.is_unsaved && is_saved && self.purges.waiting.is_empty() {
            return Ok(());
        }
        self.begin_saving().await;
        self.finish_saving().await
    }

    /// Writes the views down, while readers go on, and starts storing that.
    async fn begin_saving(&mut self) {
        let views = Arc::clone(&self.views);
        let since = Instant::now();
        let encoded = tokio::task::spawn_blocking(move || {
            let views = views.read();
            (views.snapshot(), views.counters.records())
        });
        let Ok((set, records)) = encoded.await else {
            tracing::error!("a snapshot could not be made");
            return;
        };
        self.sequence += 1;
        let (sequence, n_bytes) = (self.sequence, set.n_bytes());
        tracing::info!(sequence, n_bytes, ms = since.elapsed().as_millis(), "snapshot taken");
        (self.saved_records, self.saved_at) = (records, Instant::now());
        let (blobs, keys) = (Arc::clone(&self.parts.blobs), Arc::clone(&self.parts.keys));
        self.purges.since = None;
        self.purges.served = std::mem::take(&mut self.purges.waiting);
        let kept = if self.purges.served.is_empty() { self.params.snapshots_kept } else { 1 };
        let saving = async move {
            let place = Place { blobs: &*blobs, keys: &*keys };
            snapshots::save(place, set, sequence).await?;
            snapshots::drop_old(place, kept).await
        };
        self.saving = Some(tokio::spawn(saving));
    }

    async fn finish_saving(&mut self) -> Result<(), AppError> {
        let Some(saving) = self.saving.take() else { return Ok(()) };
        let outcome = match saving.await {
            Ok(outcome) => outcome,
            Err(source) => Err(AppError::Bug(format!("storing a snapshot ended: {source}"))),
        };
        self.is_unsaved = outcome.is_err();
        for answer in self.purges.served.drain(..) {
            let told = match &outcome {
                Ok(()) => Ok(()),
                Err(error) => Err(AppError::NotReady(format!("the snapshot failed: {error}"))),
            };
            let _ = answer.send(told);
        }
        outcome
    }
}

/// Folds the log from its start up to `until` into fresh views.
pub(crate) async fn rebuild(
    parts: &Parts,
    until: &Cursor,
    rules: Arc<ConsentRules>,
) -> Result<Views, AppError> {
    let mut views = Views::new(rules);
    fold_until(parts, &mut views, until).await?;
    Ok(views)
}

/// Folds on from where the views are, up to `until`.
async fn fold_until(parts: &Parts, views: &mut Views, until: &Cursor) -> Result<(), AppError> {
    let mut cursor = views.cursor.clone();
    while !cursor.covers(until) {
        let batch = parts.log.read(&cursor, FoldParams::default().read_records).await?;
        if batch.is_empty() {
            break;
        }
        batch.iter().for_each(|recorded| cursor.advance(recorded.position));
        let is_wanted =
            |at: Position| until.offset(at.partition).is_some_and(|last| at.offset <= last);
        let wanted = batch.into_iter().filter(|recorded| is_wanted(recorded.position)).collect();
        for decoded in open_all(&*parts.keys, wanted).await? {
            views.apply(decoded);
        }
        tokio::task::yield_now().await;
    }
    Ok(())
}
