//! Everybody of a shop is to be erased, which an operator has to confirm by the number of subjects.

use souk_core::SubjectId;
use souk_ports::RESOLVE_MAX;

use super::request::{PrivacyRequest, RequestKind, RequestState};
use super::{SUBJECTS_MAX, store};
use crate::retention::subjects_of_the_log;
use crate::{App, AppError, Caller, Operation};

/// By how much a confirmed number may differ from what is found, as its part: a twentieth; chosen. A shop
/// gets no twentieth more visitors while somebody types, and whoever guesses is stopped.
const SHARE_OFF: u64 = 20;

/// Whether the confirmed number is the one that was found, but for visitors who came and went meanwhile.
/// Nobody confirms by 0, which only asks.
fn is_meant(confirmed: u64, found: u64) -> bool {
    confirmed.abs_diff(found) <= confirmed.min(found).div_ceil(SHARE_OFF)
}

impl App {
    /// Confirms that everybody of the shop be erased.
    ///
    /// `n_subjects` must be how many there are, within a twentieth of it because visitors come and go
    /// meanwhile; any other number changes nothing, and the refusal tells the right one: send 0 to see what
    /// would go.
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
        if !is_meant(n_subjects, found) {
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

#[cfg(test)]
mod tests {
    use super::is_meant;

    #[test]
    fn a_confirmation_is_near_what_there_is() {
        let meant =
            [(0, 0), (3, 3), (3, 4), (4, 3), (1_000, 1_050), (1_050, 1_000), (100_000, 104_999)];
        for (confirmed, found) in meant {
            assert!(is_meant(confirmed, found), "{confirmed} for {found}");
        }
        let guessed =
            [(0, 1), (1, 0), (0, 100_000), (1, 3), (3, 5), (1_000, 1_051), (u64::MAX, 1_000)];
        for (confirmed, found) in guessed {
            assert!(!is_meant(confirmed, found), "{confirmed} for {found}");
        }
    }
}
