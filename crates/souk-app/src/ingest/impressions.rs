//! What was shown: recorded beside the answer, never before it.
//!
//! An answer puts a few words into a bounded queue; a task writes the queue once a second, or as soon as a
//! handful wait: thousands at once would keep answers waiting while they are sealed and folded. What a shopper does
//! with an answer is written behind it, so it writes the queue too where that answer still waits. When the queue is
//! full, or the log fails, impressions are dropped and counted: they are the only facts that may be lost.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use rustc_hash::FxHashSet;
use souk_core::{
    Channel, Event, EventId, Fact, Impressions, Purpose, Purposes, SiteId, Source, SubjectId,
    Timestamp,
};
use souk_ports::{IdHash, Record};
use tokio::sync::Notify;
use xxhash_rust::xxh3::xxh3_64;

use super::admit::record;
use super::newcomers::{Newcomers, ShownTo, to_nobody};
use crate::config::ImpressionSettings;
use crate::projections::{Use, Whom};
use crate::sealing::fill_random;
use crate::{App, AppError};

/// Records in one append; chosen: a few milliseconds of a core.
const APPEND_MAX: usize = 250;
/// As many as these are written without waiting for the second to pass (chosen: about a millisecond of a core).
const WRITTEN_AT_ONCE: usize = 100;

/// An answer that was shown.
#[derive(Clone, Debug, PartialEq)]
pub struct Shown {
    /// To whom; `None` for somebody unknown.
    pub subject: Option<SubjectId>,
    /// On which site.
    pub site: SiteId,
    /// Where the shopper was.
    pub channel: Option<Channel>,
    /// When.
    pub at: Timestamp,
    /// What the request withheld.
    pub withheld: Purposes,
    /// What.
    pub impressions: Impressions,
}

/// Whose answers that waited are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Met<'a> {
    /// Whom the log will name.
    pub(super) subject: SubjectId,
    /// Everybody whom the event joins, the subject too: each must allow reports.
    pub(super) joined: &'a [SubjectId],
}

/// Answers on their way into the log.
#[derive(Debug, Default)]
struct Waiting {
    shown: Vec<Shown>,
    /// To whom those went that are being written.
    in_writing: Vec<SubjectId>,
}

/// Impressions that wait to be written.
#[derive(Debug)]
pub(crate) struct ImpressionQueue {
    waiting: Mutex<Waiting>,
    /// Answers that wait for an event of whom they were made for.
    newcomers: Mutex<Newcomers>,
    /// Held by whoever writes.
    writing: tokio::sync::Mutex<()>,
    has_some: Notify,
    settings: ImpressionSettings,
    /// How many [`Unrecorded`] there are.
    n_unrecorded: AtomicUsize,
}

/// While it is there, answers are not recorded as shown: nobody saw them.
#[derive(Debug)]
pub struct Unrecorded<'a>(&'a ImpressionQueue);

impl Drop for Unrecorded<'_> {
    fn drop(&mut self) {
        self.0.n_unrecorded.fetch_sub(1, Ordering::AcqRel);
    }
}

impl ImpressionQueue {
    pub(crate) fn new(settings: ImpressionSettings) -> ImpressionQueue {
        ImpressionQueue {
            waiting: Mutex::default(),
            newcomers: Mutex::default(),
            writing: tokio::sync::Mutex::default(),
            has_some: Notify::new(),
            settings,
            n_unrecorded: AtomicUsize::new(0),
        }
    }

    /// Whether answers of this id are in the sample: the same id always is or is not.
    fn is_sampled(&self, request_id: &str) -> bool {
        point_of(request_id) < self.settings.sample
    }

    /// Queues the answer; false when the queue is full.
    fn push(&self, shown: Shown) -> bool {
        let shown_now = &mut self.waiting.lock().shown;
        let has_room = (shown_now.len() as u64) < self.settings.queue_max;
        if has_room {
            shown_now.push(shown);
            if shown_now.len() == WRITTEN_AT_ONCE {
                self.has_some.notify_one();
            }
        }
        has_room
    }

    /// Waits until it is time to write.
    pub(crate) async fn is_due(&self) {
        let pause = Duration::from_millis(self.settings.flush_ms);
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = self.has_some.notified() => {}
        }
    }

    fn take(&self) -> Vec<Shown> {
        let mut waiting = self.waiting.lock();
        let shown = std::mem::take(&mut waiting.shown);
        waiting.in_writing = shown.iter().filter_map(|one| one.subject).collect();
        shown
    }

    /// Whether any answer waits for an event.
    pub(super) fn has_newcomers(&self) -> bool {
        !self.newcomers.lock().is_empty()
    }

    /// Takes the answers to an id that wait.
    pub(super) fn of_id(&self, id: IdHash) -> Vec<Shown> {
        self.newcomers.lock().of_id(id)
    }

    /// Takes the answer of this name, if it waits.
    pub(super) fn of_request(&self, request_id: &str) -> Option<Shown> {
        self.newcomers.lock().of_request(request_id)
    }

    /// Whether nothing is on its way.
    pub(super) fn is_empty(&self) -> bool {
        let waiting = self.waiting.lock();
        waiting.shown.is_empty() && waiting.in_writing.is_empty()
    }

    /// Whether an answer to any of these is on its way.
    pub(super) fn holds_any(&self, subjects: &FxHashSet<SubjectId>) -> bool {
        let waiting = self.waiting.lock();
        let shown = waiting.shown.iter().filter_map(|one| one.subject);
        shown.chain(waiting.in_writing.iter().copied()).any(|one| subjects.contains(&one))
    }
}

/// A point from 0 to 1 for the name of an answer, always the same: samples are those below some share.
pub(crate) fn point_of(request_id: &str) -> f64 {
    // 53 bits, which a float holds exactly.
    (xxh3_64(request_id.as_bytes()) >> 11) as f64 / (1u64 << 53) as f64
}

impl App {
    /// Begins a time in which no answer is recorded as shown, whoever asks: a measurement is no shopper.
    pub fn unrecorded(&self) -> Unrecorded<'_> {
        let queue = &self.door.impressions;
        queue.n_unrecorded.fetch_add(1, Ordering::AcqRel);
        Unrecorded(queue)
    }

    /// Notes what was shown, without waiting: it is written within `impressions.flush_ms`, or sooner.
    pub fn record_impressions(&self, shown: Shown) {
        if self.is_recorded(&shown) {
            self.queue_shown(shown);
        }
    }

    /// Notes what was shown to whom. What was shown to an id that no event has named yet waits until one does, or for half
    /// an hour.
    pub(crate) fn note_shown(&self, to: ShownTo, shown: Shown) {
        let id = match to {
            ShownTo::Known(subject) => {
                return self.record_impressions(Shown { subject: Some(subject), ..shown });
            }
            ShownTo::Nobody => return self.record_impressions(shown),
            ShownTo::Newcomer(id) => id,
        };
        if self.is_recorded(&shown) {
            let makes_way = self.door.impressions.newcomers.lock().keep(shown, id);
            makes_way.and_then(to_nobody).into_iter().for_each(|shown| self.queue_shown(shown));
        }
    }

    /// Queues answers that waited as those of a person, if reports may name everybody who is the same person, else as
    /// answers to nobody.
    pub(super) fn name_impressions(&self, shown: Vec<Shown>, met: Option<Met<'_>>) {
        for shown in shown {
            let Shown { site, withheld, .. } = &shown;
            let analytics = Use { purpose: Purpose::Analytics, site, withheld: *withheld };
            let may = |met: &Met<'_>| {
                let views = self.views.read();
                met.joined.iter().all(|one| views.allows(Whom::known(*one), analytics))
            };
            let named = match met.filter(may) {
                Some(met) => Some(Shown { subject: Some(met.subject), ..shown }),
                None => to_nobody(shown),
            };
            named.into_iter().for_each(|shown| self.queue_shown(shown));
        }
    }

    /// Queues answers that wait for an event under an id as answers to nobody.
    pub(crate) fn forget_newcomer(&self, id: IdHash) {
        self.name_impressions(self.door.impressions.of_id(id), None);
    }

    /// Queues answers that waited long enough as answers to nobody; all of them without a time.
    pub(crate) fn give_up_newcomers(&self, now: Option<Timestamp>) {
        let over = self.door.impressions.newcomers.lock().overdue(now);
        over.into_iter().filter_map(to_nobody).for_each(|shown| self.queue_shown(shown));
    }

    fn is_recorded(&self, shown: &Shown) -> bool {
        let queue = &self.door.impressions;
        let Impressions { request_id, products, marks, .. } = &shown.impressions;
        // An answer without products shows nothing, but whoever is in an experiment was met there.
        queue.n_unrecorded.load(Ordering::Acquire) == 0
            && !(products.is_empty() && marks.is_empty())
            && queue.is_sampled(request_id)
    }

    fn queue_shown(&self, shown: Shown) {
        if !self.door.impressions.push(shown) {
            self.count_dropped_impressions(1);
        }
    }

    /// Writes the impressions that wait; a failure drops them.
    pub async fn flush_impressions(&self) {
        let queue = &self.door.impressions;
        self.give_up_newcomers(Some(self.clock.now()));
        let _writing = queue.writing.lock().await;
        let shown = queue.take();
        self.write_shown(shown).await;
        queue.waiting.lock().in_writing.clear();
    }

    async fn write_shown(&self, shown: Vec<Shown>) {
        let mut chunks = shown.into_iter().peekable();
        while chunks.peek().is_some() {
            let shown: Vec<Shown> = chunks.by_ref().take(APPEND_MAX).collect();
            let count = shown.len() as u64;
            let received = self.clock.now();
            match self.write_impressions(shown, received).await {
                Ok(()) => {
                    let recorded = &self.door.counters.impressions.recorded;
                    recorded.fetch_add(count, Ordering::Relaxed);
                }
                Err(error) => {
                    tracing::warn!(%error, count, "impressions were dropped");
                    self.count_dropped_impressions(count);
                }
            }
        }
    }

    async fn write_impressions(
        &self,
        shown: Vec<Shown>,
        received: Timestamp,
    ) -> Result<(), AppError> {
        let records = shown.into_iter().map(|mut shown| {
            self.clean_query(&mut shown);
            to_record(shown, received)
        });
        self.append_sealed(records.collect::<Result<_, _>>()?).await?;
        Ok(())
    }

    /// Takes personal data out of the words that were searched for, and all words where nobody is known who
    /// could take them back.
    fn clean_query(&self, shown: &mut Shown) {
        let Some(search) = &mut shown.impressions.marks.search else { return };
        match shown.subject {
            Some(_) => self.door.redactor.query(&mut search.query),
            None => search.query = Box::default(),
        }
    }

    fn count_dropped_impressions(&self, count: u64) {
        self.door.counters.impressions.dropped.fetch_add(count, Ordering::Relaxed);
    }
}

fn to_record(shown: Shown, received: Timestamp) -> Result<Record, AppError> {
    let mut id = [0; 16];
    fill_random(&mut id)?;
    let event = Event {
        at: shown.at,
        site: shown.site,
        channel: shown.channel,
        source: Source::Server,
        message_id: None,
        withheld: shown.withheld,
        fact: Fact::Impressions(shown.impressions),
    };
    Ok(record(&event, (shown.subject, EventId(id)), received))
}
