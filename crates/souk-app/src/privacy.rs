//! Requests of people about their data: to be erased, to be given a copy.
//!
//! A request is a row in the tables, by the subjects' random numbers, never by an id: it is written
//! before anything is done, so that a crash at any moment leaves something to go on from. Deadlines are
//! those of the GDPR (article 12: a month) and of the CCPA (45 days).

mod copy;
mod erasure;
mod news;
mod page;
mod receipt;
mod request;
mod shop;
mod shopify;
mod store;

use souk_core::SubjectId;

use crate::outbox::ShopperId;
use crate::{
    App, AppError, AuditAct, AuditObject, AuditOperation, Caller, IdKind, Operation, Outcome,
};

pub use copy::{CopyForm, SubjectCopy};
pub use receipt::{RECEIPT_SEED, Receipt, check_receipt, receipt_public_key};
pub use request::{PrivacyRequest, RequestKind, RequestState};

pub use shopify::{ShopifyAnswer, ShopifyCall};

pub(crate) use erasure::{finish_erasures, replay_erasures};
pub(crate) use news::waits_for_identity;
pub(crate) use shopify::ShopifySecret;
pub(crate) use store::{Count, remove_completed};

/// Subjects of one person that one request takes in; chosen: a person who has more is a device that
/// many people share, and erasing one of them must not erase all.
const SUBJECTS_MAX: usize = 1_000;

/// Whom a request is about, by the shop's or the browser's id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Who {
    kind: IdKind,
    id: String,
}

impl Who {
    /// Reads a user id, or `anonymous:ID`, `loyalty_card:ID`, `user:ID`.
    ///
    /// # Errors
    ///
    /// [`AppError::Invalid`] for an empty or too long id; the id is not repeated.
    pub fn parse(text: &str) -> Result<Who, AppError> {
        let kinds = [
            ("anonymous:", IdKind::Anonymous),
            ("loyalty_card:", IdKind::LoyaltyCard),
            ("user:", IdKind::User),
        ];
        let found =
            kinds.into_iter().find_map(|(head, kind)| Some((kind, text.strip_prefix(head)?)));
        let (kind, id) = found.unwrap_or((IdKind::User, text));
        if id.is_empty() || id.len() > souk_core::ID_BYTES_MAX {
            let detail = format!(
                "the id has {} bytes; give a user id or `anonymous:ID` of 1 to {} bytes",
                id.len(),
                souk_core::ID_BYTES_MAX
            );
            return Err(AppError::invalid("invalid_id", "/id", detail));
        }
        Ok(Who { kind, id: id.to_owned() })
    }

    /// The id as messages to other systems say it.
    fn shopper_id(&self) -> ShopperId {
        ShopperId { kind: self.kind, id: self.id.clone() }
    }
}

/// Whether the caller knows that the request comes from the person it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Identity {
    /// The shop has made sure, for example because the person is signed in.
    Verified,
    /// Nobody has looked yet: the request waits for [`App::verify_request`].
    Unverified,
}

/// Whether what somebody unproven did under the person's id is meant as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reach {
    /// Only what is known to be theirs: nobody may read what another person did.
    Proven,
    /// Also what a browser only claimed: nothing under the name may stay.
    Claimed,
}

impl App {
    /// Every subject of the person: those of the id, and all that are linked to them.
    async fn subjects_of(&self, who: &Who, reach: Reach) -> Result<Vec<SubjectId>, AppError> {
        // A link that was acknowledged counts, also when it is not folded yet.
        let end = self.parts.log.end().await?;
        self.wait_for(&end).await?;
        let mut ids = vec![self.door.hasher.id(who.kind, &who.id)];
        if reach == Reach::Claimed && who.kind == IdKind::User {
            ids.push(self.door.hasher.id(IdKind::Claimed, &who.id));
        }
        if reach == Reach::Claimed {
            ids.iter().for_each(|id| self.forget_newcomer(*id));
        }
        let known = self.parts.keys.find(&ids).await?;
        let views = self.views.read();
        let mut subjects: Vec<SubjectId> = known
            .into_iter()
            .flatten()
            .flat_map(|subject| views.union_of(subject, SUBJECTS_MAX + 1))
            .collect();
        subjects.sort_unstable();
        subjects.dedup();
        if subjects.len() > SUBJECTS_MAX {
            let detail = format!(
                "over {SUBJECTS_MAX} ids are linked to this one, as by a device that many people share; \
                 end the links of that device first"
            );
            return Err(AppError::Conflict(detail));
        }
        Ok(subjects)
    }

    /// Takes in the ids that were linked to the person while the request waited.
    async fn add_linked_since(&self, request: &mut PrivacyRequest) -> Result<(), AppError> {
        let end = self.parts.log.end().await?;
        self.wait_for(&end).await?;
        let views = self.views.read();
        let known = request.subjects.iter();
        let mut subjects: Vec<SubjectId> =
            known.flat_map(|subject| views.union_of(*subject, SUBJECTS_MAX + 1)).collect();
        subjects.sort_unstable();
        subjects.dedup();
        request.n_subjects = subjects.len() as u64;
        request.subjects = subjects;
        Ok(())
    }

    /// Writes down who asked for what: the one place where every privacy request passes, whatever
    /// became of it. Durable in the audit log before anything is done or answered.
    async fn note_request(
        &self,
        caller: &Caller,
        request: &PrivacyRequest,
    ) -> Result<(), AppError> {
        tracing::info!(
            request_id = request.request_id,
            kind = request.kind.as_str(),
            state = request.state.as_str(),
            key_id = caller.key_id,
            subjects = request.n_subjects,
            "privacy request"
        );
        let operation = match request.kind {
            RequestKind::Erasure | RequestKind::ShopErasure => AuditOperation::SubjectErasure,
            RequestKind::Export => AuditOperation::SubjectExport,
        };
        let outcome = match request.state {
            RequestState::Complete => Outcome::Done,
            _ => Outcome::Begun,
        };
        let act = AuditAct::new(operation)
            .on(AuditObject::of("request", &request.request_id))
            .ending(outcome)
            .with("state", request.state.as_str())
            .with("subjects", request.n_subjects);
        self.audit(caller, act).await?;
        Ok(())
    }

    /// The requests, newest first, before `before` (the last id of the page before).
    ///
    /// # Errors
    ///
    /// [`AppError::Denied`] without the operation; as the tables.
    pub async fn privacy_requests(
        &self,
        caller: &Caller,
        (before, limit): (Option<&str>, u32),
    ) -> Result<Vec<PrivacyRequest>, AppError> {
        caller.check(Operation::HandleSubjectRequests)?;
        self.audit(caller, AuditAct::new(AuditOperation::SubjectRead)).await?;
        store::list(self, (before, limit)).await
    }

    /// One request.
    ///
    /// # Errors
    ///
    /// [`AppError::NotFound`]; as [`App::privacy_requests`].
    pub async fn privacy_request(
        &self,
        caller: &Caller,
        request_id: &str,
    ) -> Result<PrivacyRequest, AppError> {
        caller.check(Operation::HandleSubjectRequests)?;
        let act =
            AuditAct::new(AuditOperation::SubjectRead).on(AuditObject::of("request", request_id));
        self.audit(caller, act).await?;
        store::get(self, request_id).await
    }

    /// Says that the person is who they say, so that a request that waits for it goes on. One that
    /// does not wait is answered as it is. An export is then ready to be fetched with
    /// [`App::copy_of_request`].
    ///
    /// # Errors
    ///
    /// As [`App::privacy_request`] and [`App::request_erasure`].
    pub async fn verify_request(
        &self,
        caller: &Caller,
        request_id: &str,
    ) -> Result<PrivacyRequest, AppError> {
        caller.check(Operation::HandleSubjectRequests)?;
        let mut request = store::get(self, request_id).await?;
        if request.state != RequestState::IdentityUnverified {
            return Ok(request);
        }
        self.add_linked_since(&mut request).await?;
        request.verified_by = Some(caller.key_id.clone());
        request.state = RequestState::InProgress;
        store::put(self, &mut request).await?;
        self.note_request(caller, &request).await?;
        match request.kind {
            RequestKind::Erasure => {
                // The request does not know the person's ids, so no answer waits on for anybody.
                self.give_up_newcomers(None);
                self.erase(request).await
            }
            RequestKind::Export | RequestKind::ShopErasure => Ok(request),
        }
    }
}

#[cfg(test)]
mod tests;
