//! Erasure: keys first, then a fact in the log, then new snapshots, then a signed receipt.
//!
//! The order makes a crash harmless at any moment. The request and the list of erased subjects are
//! durable before the first key goes; each step can be done again; and whoever reads the log before
//! the fact is in it meets noise where the person was, as every rebuild will.

use std::sync::{Arc, Weak};
use std::time::Duration;

use souk_core::{Event, EventId, Fact, Purposes, SiteId, Source, SubjectId, Timestamp};
use souk_ports::{Appended, BATCH_RECORDS_MAX, RESOLVE_MAX};

use super::request::{PrivacyRequest, RequestKind, RequestState};
use super::{Identity, Reach, Who, store};
use crate::ingest::record;
use crate::{App, AppError, Caller, Operation, Parts};

/// How often erasures that wait for something are looked at again.
const RETRY_PAUSE: Duration = Duration::from_secs(30);
/// How soon to look again whether the start is over.
const START_PAUSE: Duration = Duration::from_millis(200);
/// How old an erasure is before another task goes on with it: whoever began it has then gone.
const ABANDONED_MS: i64 = 60_000;

impl App {
    /// Erases a person: every subject that is linked to the id.
    ///
    /// When it returns, a verified request has no key left, and no view knows the person. Its state is
    /// `in_progress` until older snapshots are destroyed too, within a minute; then the receipt is
    /// signed.
    ///
    /// # Errors
    ///
    /// [`AppError::Denied`] without the operation; [`AppError::Conflict`] for an id that too many share;
    /// as log, tables and key store, and then the erasure goes on by itself.
    pub async fn request_erasure(
        &self,
        caller: &Caller,
        who: &Who,
        identity: Identity,
    ) -> Result<PrivacyRequest, AppError> {
        caller.check(Operation::HandleSubjectRequests)?;
        self.check_ready()?;
        let subjects = self.subjects_of(who, Reach::Claimed).await?;
        let from = (caller.key_id.as_str(), self.clock.now());
        let mut request = PrivacyRequest::new(RequestKind::Erasure, subjects, from)?;
        if identity == Identity::Unverified {
            request.state = RequestState::IdentityUnverified;
        } else {
            request.verified_by = Some(caller.key_id.clone());
        }
        store::put_new(self, &mut request, (&[who.shopper_id()], Vec::new())).await?;
        self.note_request(caller, &request).await?;
        match identity {
            Identity::Verified => self.erase(request).await,
            Identity::Unverified => Ok(request),
        }
    }

    /// Destroys keys and forgets; every step can be done again.
    pub(super) async fn erase(
        &self,
        mut request: PrivacyRequest,
    ) -> Result<PrivacyRequest, AppError> {
        store::note_erased(self, &request.subjects).await?;
        for subject in &request.subjects {
            self.parts.keys.forget(*subject).await?;
        }
        let appended = self.append_forgotten(&request.subjects).await?;
        self.wait_for_appended(&appended).await?;
        request.views_at = Some(self.clock.now());
        request.state = RequestState::InProgress;
        store::put(self, &mut request).await?;
        self.door.erasures.notify_one();
        Ok(request)
    }

    /// Puts the erasure into the order of the log, so that live views and rebuilds agree.
    pub(super) async fn append_forgotten(
        &self,
        subjects: &[SubjectId],
    ) -> Result<Vec<Appended>, AppError> {
        let mut appended = Vec::with_capacity(subjects.len());
        let now = self.clock.now();
        for subjects in subjects.chunks(BATCH_RECORDS_MAX) {
            let records = subjects.iter().map(|subject| {
                let event = forgotten(*subject, now);
                // The same erasure has the same id, so that doing it again adds nothing.
                let id = self.door.hasher.subject(b"forgotten", *subject);
                record(&event, (None, EventId(id)), now)
            });
            appended.extend(self.append(records.collect()).await?);
        }
        Ok(appended)
    }

    /// Goes on with erasures that a crash or a failure left behind, and completes those whose older
    /// snapshots are destroyed.
    async fn advance_erasures(&self) -> Result<(), AppError> {
        let mut waiting = Vec::new();
        for request in store::open(self).await? {
            if request.kind == RequestKind::ShopErasure {
                if self.is_abandoned(&request) {
                    self.erase_everybody(request).await?;
                }
                continue;
            }
            match request.views_at {
                Some(_) => waiting.push(request),
                None if self.is_abandoned(&request) => waiting.push(self.erase(request).await?),
                None => {}
            }
        }
        if waiting.is_empty() {
            return Ok(());
        }
        self.projector.purge_snapshots().await?;
        let now = self.clock.now();
        for mut request in waiting {
            request.complete_at = Some(now);
            request.state = RequestState::Complete;
            request.receipt = Some(self.sign_receipt(&request).await?);
            // The receipt holds hashes of them; from here on nothing points at the records.
            request.subjects.clear();
            store::put(self, &mut request).await?;
            self.note_request(&Caller::local_admin(), &request).await?;
        }
        Ok(())
    }

    /// Whether whoever began the erasure has gone: it is from before the start, or old.
    fn is_abandoned(&self, request: &PrivacyRequest) -> bool {
        request.received_at < self.door.opened_at
            || self.clock.now().ms_since(request.received_at) >= ABANDONED_MS
    }
}

fn forgotten(subject: SubjectId, at: Timestamp) -> Event {
    Event {
        at,
        site: SiteId::main(),
        channel: None,
        source: Source::Server,
        message_id: None,
        withheld: Purposes::NONE,
        fact: Fact::Forgotten { subject },
    }
}

/// Completes erasures in the background, until the application is gone.
pub(crate) async fn finish_erasures(app: Weak<App>) {
    let Some(told) = app.upgrade().map(|app| Arc::clone(&app.door.erasures)) else { return };
    loop {
        let Some(strong) = app.upgrade() else { return };
        let is_ready = strong.check_ready().is_ok();
        if is_ready && let Err(error) = strong.advance_erasures().await {
            tracing::warn!(%error, "an erasure is not complete yet; it is tried again");
        }
        drop(strong);
        let pause = if is_ready { RETRY_PAUSE } else { START_PAUSE };
        let _ = tokio::time::timeout(pause, told.notified()).await;
    }
}

/// Destroys again the keys of everyone who was ever erased: a key store that was restored from an old
/// copy must not bring anybody back.
pub(crate) async fn replay_erasures(parts: &Parts, now: Timestamp) -> Result<u64, AppError> {
    let mut n_again = 0;
    for subjects in store::erased(parts, now).await?.chunks(RESOLVE_MAX) {
        let keys = parts.keys.keys(subjects).await?;
        for (subject, key) in subjects.iter().zip(keys) {
            if key.is_some() {
                parts.keys.forget(*subject).await?;
                n_again += 1;
            }
        }
    }
    if n_again > 0 {
        tracing::warn!(n_again, "the key store is older than some erasures; they were done again");
    }
    Ok(n_again)
}
