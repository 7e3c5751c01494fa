//! What other systems are told of a request, and when.
//!
//! Only the message that the person is known to be who they say names the person, because only then a
//! receiver has something to do for it. All others name the request.

use serde_json::{Value, json};
use souk_ports::Write;

use super::request::{PrivacyRequest, RequestKind, RequestState};
use super::store;
use crate::config::WebhookKind;
use crate::outbox::{Message, ShopperId};
use crate::{App, AppError};

/// How far a request has come, as a set of what can be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stages(u8);

/// What can be told, in the order in which it happens.
const STAGES: [(u8, &str); 4] = [
    (1, "privacy_request.received"),
    (VERIFIED, "privacy_request.verified"),
    (4, "privacy_request.completed"),
    (8, "privacy_request.refused"),
];
const VERIFIED: u8 = 2;

impl Stages {
    /// Nothing was told yet.
    pub(super) const NONE: Stages = Stages(0);

    /// What the request has come to.
    pub(super) fn of(request: &PrivacyRequest) -> Stages {
        let is_refused = request.state == RequestState::Error;
        let is_verified = request.verified_by.is_some() && !is_refused;
        let is_complete = request.state == RequestState::Complete;
        let bits = [(1, true), (VERIFIED, is_verified), (4, is_complete), (8, is_refused)];
        Stages(bits.iter().filter(|(_, holds)| *holds).map(|(bit, _)| bit).sum())
    }
}

fn kind_of(request: &PrivacyRequest) -> WebhookKind {
    match request.kind {
        RequestKind::Erasure => WebhookKind::Erasure,
        RequestKind::Export => WebhookKind::Export,
        RequestKind::ShopErasure => WebhookKind::ShopErasure,
    }
}

/// Whether others hear of the request: not of the portions in which a whole shop is erased, because they
/// hear of the whole.
fn is_told(app: &App, request: &PrivacyRequest) -> bool {
    !request.requested_by.starts_with("pr_") && app.door.outbox.wants(kind_of(request))
}

/// The ids of a new request's person, sealed, if anybody is to be told them.
pub(super) async fn seal(
    app: &App,
    request: &PrivacyRequest,
    ids: &[ShopperId],
) -> Result<Option<Write>, AppError> {
    if ids.is_empty() || request.state == RequestState::Error || !is_told(app, request) {
        return Ok(None);
    }
    app.seal_ids(&request.request_id, ids).await.map(Some)
}

/// The messages that the request's present state adds to what was told.
pub(super) fn writes(app: &App, request: &PrivacyRequest) -> Result<Vec<Write>, AppError> {
    if !is_told(app, request) {
        return Ok(Vec::new());
    }
    let news = Stages::of(request).0 & !request.told.0;
    let mut writes = Vec::new();
    for (bit, what) in STAGES.into_iter().filter(|(bit, _)| news & bit != 0) {
        let names_person = bit == VERIFIED && request.kind != RequestKind::ShopErasure;
        let message = Message {
            kind: kind_of(request),
            what,
            facts: facts_of(request),
            ids: names_person.then(|| request.request_id.clone()),
        };
        writes.extend(app.door.outbox.writes(&message)?);
    }
    Ok(writes)
}

fn facts_of(request: &PrivacyRequest) -> Value {
    json!({
        "request_id": request.request_id,
        "kind": request.kind.as_str(),
        "state": request.state.as_str(),
        "received_at": request.received_at.to_string(),
        "due_gdpr": request.due_gdpr.to_string(),
        "due_ccpa": request.due_ccpa.to_string(),
        "complete_at": request.complete_at.map(|at| at.to_string()),
        "error": request.error,
    })
}

/// Whether the ids sealed under this name belong to a request that nobody has vouched for yet, and will
/// be needed once somebody does.
pub(crate) async fn waits_for_identity(app: &App, owner: &str) -> Result<bool, AppError> {
    match store::get(app, owner).await {
        Ok(request) => Ok(request.state == RequestState::IdentityUnverified),
        Err(AppError::NotFound { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}
