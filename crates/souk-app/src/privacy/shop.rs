//! Everybody of a shop is to be erased, which an operator has to confirm by the number of subjects.

use souk_core::SubjectId;
use souk_ports::RESOLVE_MAX;

use super::request::{PrivacyRequest, RequestKind, RequestState};
use super::{SUBJECTS_MAX, store};
use crate::retention::subjects_of_the_log;
use crate::{App, AppError, Caller, Operation};

impl App {
    /// Confirms that everybody of the shop be erased.
    ///
    /// `n_subjects` must be how many there are at this moment; any other number changes nothing, and the
    /// refusal tells the right one: send 0 to see what would go.
    ///
    /// # Errors
    ///
    /// [`AppError::Conflict`] for another number, and for a request that does not wait for this;
    /// [`AppError::Denied`] without the operation; as the storage, and then it goes on by itself.
    pub async fn confirm_shop_erasure(
        &self,
        caller: &Caller,
        (request_id, n_subjects): (&str, u64),
    ) -> Result<PrivacyRequest, AppError> {
        caller.check(Operation::HandleSubjectRequests)?;
        self.check_ready()?;
        let mut request = store::get(self, request_id).await?;
        if request.state != RequestState::AwaitingConfirmation {
            let detail = format!("privacy request {request_id} does not wait for a confirmation");
            return Err(AppError::Conflict(detail));
        }
        let found = self.everybody().await?.len() as u64;
        if found != n_subjects {
            let detail = format!(
                "{found} subjects would be erased for good, not {n_subjects}; nothing was done; confirm \
                 with {{\"subjects\": {found}}} if that is meant"
            );
            return Err(AppError::Conflict(detail));
        }
        request.state = RequestState::InProgress;
        request.n_subjects = found;
        request.verified_by = Some(caller.key_id.clone());
        store::put(self, &mut request).await?;
        self.note_request(caller, &request).await?;
        self.erase_everybody(request).await
    }

    /// Erases everybody in portions, each a request of its own with a receipt. Can be done again: who is
    /// gone is not met any more.
    pub(super) async fn erase_everybody(
        &self,
        mut request: PrivacyRequest,
    ) -> Result<PrivacyRequest, AppError> {
        let caller = Caller::local_admin();
        for subjects in self.everybody().await?.chunks(SUBJECTS_MAX) {
            let from = (request.request_id.as_str(), self.clock.now());
            let mut portion = PrivacyRequest::new(RequestKind::Erasure, subjects.to_vec(), from)?;
            portion.verified_by.clone_from(&request.verified_by);
            store::put(self, &mut portion).await?;
            self.note_request(&caller, &portion).await?;
            self.erase(portion).await?;
        }
        request.views_at = Some(self.clock.now());
        request.complete_at = request.views_at;
        request.state = RequestState::Complete;
        store::put(self, &mut request).await?;
        self.note_request(&caller, &request).await?;
        Ok(request)
    }

    /// Every subject with a record and a key.
    async fn everybody(&self) -> Result<Vec<SubjectId>, AppError> {
        let mut everybody = Vec::new();
        for subjects in subjects_of_the_log(&self.parts).await?.chunks(RESOLVE_MAX) {
            let keys = self.parts.keys.keys(subjects).await?;
            let known = subjects.iter().zip(keys).filter(|(_, key)| key.is_some());
            everybody.extend(known.map(|(subject, _)| *subject));
        }
        Ok(everybody)
    }
}
