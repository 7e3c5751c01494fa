//! The door for events: parse, check, hash the ids, append. What it answers 200 to is durable.
//!
//! Nothing of a request's context but channel, site and source is read, and no id of a person goes
//! further than into a keyed hash and the record's own body.

mod admit;
mod commerce;
mod counters;
mod crawlers;
mod envelope;
mod event;
mod hashes;
mod impressions;
mod incoming;
mod newcomers;
mod props;
mod redact;
mod refusal;
mod scalar;
mod times;

use souk_core::{LegalBasis, Timestamp};

use crate::audit::Counted;
use crate::{App, AppError, AuditOperation, AuditPurpose, Caller, Operation, Role};

pub use admit::Admitted;
pub use counters::IngestCounts;
pub use hashes::IdKind;
pub use impressions::{Shown, Unrecorded};
pub use incoming::{
    IncomingConsent, IncomingEvent, IncomingFact, IncomingIds, IncomingLine, IncomingOrder, Sender,
};
pub use refusal::RejectReason;

pub(crate) use admit::record;
pub(crate) use counters::IngestCounters;
pub(crate) use crawlers::Crawlers;
pub(crate) use hashes::{IdHasher, MessagePart};
pub(crate) use impressions::{ImpressionQueue, point_of};
pub(crate) use newcomers::{AskedIds, ShownTo};
pub(crate) use redact::{Pass, Redactor};
pub(crate) use times::AHEAD_MS_MAX;

use admit::Trust;
use crawlers::Agents;
use event::Scene;

/// Bytes of an event, as Segment.
pub const EVENT_BYTES_MAX: usize = 32 * 1_024;
/// Bytes of a request's body, as Segment.
pub const BODY_BYTES_MAX: usize = 500 * 1_024;
/// Events in a batch, as Segment.
pub const BATCH_EVENTS_MAX: usize = 2_500;

/// Events that are read before other requests get their turn; chosen: well under a millisecond.
const EVENTS_AT_ONCE: usize = 128;
/// Bytes of queries that are looked through for personal data before other requests get their turn (a
/// byte of sentences counts several times); chosen: about a millisecond.
const EFFORT_AT_ONCE: usize = 32 * 1_024;

/// Which of Segment's routes was called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names are those of the contract")]
pub enum IngestCall {
    Track,
    Identify,
    Page,
    Screen,
    Group,
    Alias,
    Batch,
}

impl IngestCall {
    /// Reads the `type` of an event.
    fn parse(name: &str) -> Option<IngestCall> {
        Some(match name {
            "track" => IngestCall::Track,
            "identify" => IngestCall::Identify,
            "page" => IngestCall::Page,
            "screen" => IngestCall::Screen,
            "group" => IngestCall::Group,
            "alias" => IngestCall::Alias,
            _ => return None,
        })
    }
}

/// A request to take in events.
#[derive(Clone, Copy, Debug)]
pub struct IngestRequest<'a> {
    /// Which route.
    pub call: IngestCall,
    /// The body as it came.
    pub body: &'a [u8],
    /// Who sends it.
    pub caller: &'a Caller,
    /// Whether the request carried `Sec-GPC: 1`.
    pub is_gpc: bool,
    /// Why the shop may use what an import holds of persons.
    pub basis: Option<LegalBasis>,
}

impl<'a> IngestRequest<'a> {
    /// A request without `Sec-GPC` that is no import.
    pub fn new(call: IngestCall, body: &'a [u8], caller: &'a Caller) -> IngestRequest<'a> {
        IngestRequest { call, body, caller, is_gpc: false, basis: None }
    }
}

/// One event that was not kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IngestRejection {
    /// Its place in the batch.
    pub index: usize,
    /// Why, for programs.
    pub reason: RejectReason,
    /// Why, with field, value and remedy.
    pub detail: String,
}

/// What became of the events.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IngestAnswer {
    /// New and durable.
    pub accepted: usize,
    /// Known before.
    pub duplicates: usize,
    /// Not kept.
    pub rejected: Vec<IngestRejection>,
}

/// The `writeKey` of a body, for clients that send their key there instead of in a header.
pub fn write_key_of(body: &[u8]) -> Option<String> {
    envelope::read_write_key(body)
}

/// Every operation by which a role may use the door at all.
const SENDING: [Operation; 5] = [
    Operation::SendBehaviour,
    Operation::SendOrders,
    Operation::SendStock,
    Operation::SendPrices,
    Operation::MergeIdentities,
];

impl App {
    /// Takes in one event or a batch; returns once all that is accepted is durable.
    ///
    /// Invalid and forbidden events are refused one by one, and the rest of the batch is kept. An
    /// event without `messageId` is always taken for a new one.
    ///
    /// # Errors
    ///
    /// [`AppError::Invalid`] for malformed JSON or a body over the limits (codes `malformed_json`,
    /// `body_too_large`, `too_many_events`), [`AppError::Denied`] when the role may send nothing at
    /// all: nothing is kept. As the log and the key store.
    pub async fn ingest(&self, request: IngestRequest<'_>) -> Result<IngestAnswer, AppError> {
        let caller = request.caller;
        if !SENDING.into_iter().any(|operation| caller.may(operation)) {
            self.tally_denied(caller);
            caller.check(Operation::SendBehaviour)?;
        }
        let body = envelope::read_body(request.call, request.body)?;
        let counters = &self.door.counters;
        counters.unknown_keys(body.unknown_keys);
        let scene = Scene {
            call: request.call,
            caller,
            sites: &self.door.sites,
            received: self.clock.now(),
            sent_at: &body.sent_at,
            context: &body.context,
            rules: &self.rules,
            is_gpc: request.is_gpc,
            basis: request.basis,
            agents: &Agents::new(&self.door.crawlers),
        };
        let mut rejected = Vec::new();
        let mut events = Vec::with_capacity(body.events.len());
        let mut unknown_keys = 0;
        for (index, raw) in body.events.iter().enumerate() {
            if index % EVENTS_AT_ONCE == EVENTS_AT_ONCE - 1 {
                tokio::task::yield_now().await;
            }
            match scene.read(raw) {
                Ok((event, unknown)) => {
                    events.push(event);
                    unknown_keys += unknown;
                }
                Err(refusal) => {
                    counters.reject(refusal.reason);
                    if refusal.reason == RejectReason::Denied {
                        self.tally_denied(caller);
                    }
                    let (reason, detail) = (refusal.reason, refusal.detail);
                    rejected.push(IngestRejection { index, reason, detail });
                }
            }
        }
        counters.unknown_keys(unknown_keys);
        self.check_senders(caller, &events)?;
        if request.is_gpc {
            counters.gpc(events.len() as u64);
        }
        let trust = match caller.role {
            Role::IngestBrowser => Trust::Browser { shopper: caller.shopper.as_deref() },
            _ => Trust::Server,
        };
        let behaviour = |event: &&IncomingEvent<'_>| {
            matches!(event.fact.operation(), Operation::SendBehaviour | Operation::MergeIdentities)
        };
        let n_behaviour = events.iter().filter(behaviour).count() as u64;
        let n_essential = events.len() as u64 - n_behaviour;
        let outcome = self.admit(events, trust, scene.received).await?;
        for (count, purpose) in
            [(n_behaviour, AuditPurpose::Analytics), (n_essential, AuditPurpose::Essential)]
        {
            if count > 0 {
                let taken_in = Counted::many(AuditOperation::Ingest, count);
                self.tally(caller, taken_in.for_purpose(purpose));
            }
        }
        let duplicates = outcome.iter().filter(|admitted| admitted.is_duplicate).count();
        let accepted = outcome.len() - duplicates;
        Ok(IngestAnswer { accepted, duplicates, rejected })
    }

    /// Each person in a batch of a browser key takes one request of their own budget.
    fn check_senders(&self, caller: &Caller, events: &[IncomingEvent<'_>]) -> Result<(), AppError> {
        if !caller.role.is_browser() {
            return Ok(());
        }
        let name = |event: &'_ IncomingEvent<'_>| {
            let ids = &event.ids;
            ids.anonymous_id.as_ref().or(ids.user_id.as_ref()).map(|id| id.to_string())
        };
        let mut senders: Vec<String> = events.iter().filter_map(name).collect();
        senders.sort_unstable();
        senders.dedup();
        senders.iter().try_for_each(|id| self.check_shopper_rate(caller, Some(id)))
    }

    /// Takes in events of another door, for example an imported file: the same hashes, splits and
    /// links, the same log. Returns once all are durable, one answer per event, in order. Whether a
    /// time may be taken in is the caller's to ask ([`App::is_time_acceptable`]), because only it can
    /// name the row.
    ///
    /// # Errors
    ///
    /// As the log and the key store; events before the fault may have been kept, and the same
    /// message ids make a repetition safe.
    pub async fn ingest_events(
        &self,
        events: Vec<IncomingEvent<'_>>,
    ) -> Result<Vec<Admitted>, AppError> {
        self.admit(events, Trust::Server, self.clock.now()).await
    }

    /// What came in since the start.
    pub fn ingest_counts(&self) -> IngestCounts {
        self.door.counters.read()
    }

    /// Whether an event at this time may be taken in: up to a day ahead of the shop's clock.
    pub fn is_time_acceptable(&self, at: Timestamp) -> bool {
        at.ms_since(self.clock.now()) <= AHEAD_MS_MAX
    }
}

#[cfg(test)]
mod tests;
