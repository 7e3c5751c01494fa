use jiff::ToSpan;
use jiff::tz::TimeZone;
use serde_json::{Value, json};
use souk_core::{SubjectId, Timestamp};

use super::news::Stages;
use super::receipt::Receipt;
use crate::AppError;

const DAY_MS: i64 = 86_400_000;
/// The CCPA's 45 calendar days (California Civil Code 1798.130).
const CCPA_DAYS: i64 = 45;

/// What a person asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestKind {
    /// That all of theirs be destroyed.
    Erasure,
    /// A copy of all of theirs.
    Export,
    /// That everybody's data of the shop be destroyed: what Shopify asks for after the app was removed.
    ShopErasure,
}

impl RequestKind {
    /// The name in the contract.
    pub fn as_str(self) -> &'static str {
        match self {
            RequestKind::Erasure => "erasure",
            RequestKind::Export => "export",
            RequestKind::ShopErasure => "shop_erasure",
        }
    }

    fn parse(name: &str) -> Option<RequestKind> {
        [RequestKind::Erasure, RequestKind::Export, RequestKind::ShopErasure]
            .into_iter()
            .find(|kind| kind.as_str() == name)
    }
}

/// How far a request has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestState {
    /// Written down.
    Received,
    /// Waits until somebody says that the person is who they say.
    IdentityUnverified,
    /// Waits until an operator confirms it, naming how many it would erase.
    AwaitingConfirmation,
    /// Being carried out; it goes on by itself, also after a crash.
    InProgress,
    /// Done.
    Complete,
    /// It cannot be done; the text beside says why.
    Error,
}

impl RequestState {
    const ALL: [RequestState; 6] = [
        RequestState::Received,
        RequestState::IdentityUnverified,
        RequestState::AwaitingConfirmation,
        RequestState::InProgress,
        RequestState::Complete,
        RequestState::Error,
    ];

    /// The name in the contract.
    pub fn as_str(self) -> &'static str {
        match self {
            RequestState::Received => "received",
            RequestState::IdentityUnverified => "identity_unverified",
            RequestState::AwaitingConfirmation => "awaiting_confirmation",
            RequestState::InProgress => "in_progress",
            RequestState::Complete => "complete",
            RequestState::Error => "error",
        }
    }

    fn parse(name: &str) -> Option<RequestState> {
        RequestState::ALL.into_iter().find(|state| state.as_str() == name)
    }
}

/// A person's request, without the person: subjects are random numbers, and gone when it is complete.
#[derive(Clone, Debug, PartialEq)]
pub struct PrivacyRequest {
    /// Names the request; begins with its time, so that ids sort by age.
    pub request_id: String,
    /// What was asked for.
    pub kind: RequestKind,
    /// How far it has come.
    pub state: RequestState,
    /// When it came in.
    pub received_at: Timestamp,
    /// When the GDPR wants it answered: a month after it came in.
    pub due_gdpr: Timestamp,
    /// When the CCPA wants it answered: 45 days after it came in.
    pub due_ccpa: Timestamp,
    /// How many subjects it concerns: the ids under which the person was met.
    pub n_subjects: u64,
    /// The key that sent it.
    pub requested_by: String,
    /// The key that vouched for the person.
    pub verified_by: Option<String>,
    /// Erasure: when keys were destroyed and the views were without the person.
    pub views_at: Option<Timestamp>,
    /// When all was done: for an erasure, when older snapshots were destroyed too.
    pub complete_at: Option<Timestamp>,
    /// What was done, signed.
    pub receipt: Option<Receipt>,
    /// Why it could not be done, or not yet.
    pub error: Option<String>,
    pub(super) subjects: Vec<SubjectId>,
    /// What other systems were told of it.
    pub(super) told: Stages,
    /// The row's version; 0 before it is written.
    pub(super) version: u64,
}

impl PrivacyRequest {
    pub(super) fn new(
        kind: RequestKind,
        subjects: Vec<SubjectId>,
        (requested_by, now): (&str, Timestamp),
    ) -> Result<PrivacyRequest, AppError> {
        Ok(PrivacyRequest {
            request_id: crate::outbox::new_id("pr", now)?,
            kind,
            state: RequestState::Received,
            received_at: now,
            due_gdpr: month_after(now),
            due_ccpa: now.plus_ms(CCPA_DAYS * DAY_MS),
            n_subjects: subjects.len() as u64,
            requested_by: requested_by.to_owned(),
            verified_by: None,
            views_at: None,
            complete_at: None,
            receipt: None,
            error: None,
            subjects,
            told: Stages::NONE,
            version: 0,
        })
    }

    /// Whether it still has something to be done by itself.
    pub(super) fn is_open(&self) -> bool {
        self.kind != RequestKind::Export
            && matches!(self.state, RequestState::Received | RequestState::InProgress)
    }

    /// The stored form.
    pub(super) fn to_json(&self) -> Value {
        let time = |at: Option<Timestamp>| at.map(|at| at.to_string());
        json!({
            "version": 1,
            "kind": self.kind.as_str(),
            "state": self.state.as_str(),
            "received_at": self.received_at.to_string(),
            "due_gdpr": self.due_gdpr.to_string(),
            "due_ccpa": self.due_ccpa.to_string(),
            "n_subjects": self.n_subjects,
            "requested_by": self.requested_by,
            "verified_by": self.verified_by,
            "views_at": time(self.views_at),
            "complete_at": time(self.complete_at),
            "receipt": self.receipt.as_ref().map(Receipt::to_json),
            "error": self.error,
            "subjects": self.subjects.iter().map(ToString::to_string).collect::<Vec<_>>(),
        })
    }

    /// Reads the stored form; `None` when it is none.
    pub(super) fn from_json(
        request_id: &str,
        value: &Value,
        version: u64,
    ) -> Option<PrivacyRequest> {
        let text = |name: &str| value[name].as_str().map(str::to_owned);
        let time = |name: &str| value[name].as_str().and_then(|text| Timestamp::parse(text).ok());
        let subjects = value["subjects"].as_array()?.iter();
        let mut request = PrivacyRequest {
            request_id: request_id.to_owned(),
            kind: RequestKind::parse(value["kind"].as_str()?)?,
            state: RequestState::parse(value["state"].as_str()?)?,
            received_at: time("received_at")?,
            due_gdpr: time("due_gdpr")?,
            due_ccpa: time("due_ccpa")?,
            n_subjects: value["n_subjects"].as_u64()?,
            requested_by: text("requested_by")?,
            verified_by: text("verified_by"),
            views_at: time("views_at"),
            complete_at: time("complete_at"),
            receipt: Receipt::from_json(&value["receipt"]),
            error: text("error"),
            subjects: subjects.map(|one| parse_subject(one.as_str()?)).collect::<Option<_>>()?,
            told: Stages::NONE,
            version,
        };
        // What stands in the row was told in the write that made it stand there.
        request.told = Stages::of(&request);
        Some(request)
    }
}

/// Reads the 32 hexadecimal digits of a subject.
pub(super) fn parse_subject(text: &str) -> Option<SubjectId> {
    let is_hex = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let number = u128::from_str_radix(text, 16).ok().filter(|_| is_hex)?;
    Some(SubjectId(number.to_be_bytes()))
}

/// A calendar month later, in UTC; the last day of a shorter month.
fn month_after(at: Timestamp) -> Timestamp {
    let zoned = jiff::Timestamp::from_millisecond(at.as_ms()).map(|at| at.to_zoned(TimeZone::UTC));
    let later = zoned.and_then(|at| at.checked_add(1.month())).map(|at| at.timestamp());
    later.map_or(at, |later| at.plus_ms(later.as_millisecond() - at.as_ms()))
}
