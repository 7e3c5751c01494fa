use serde::{Deserialize, Serialize};
use souk_app::{IdentityCheck, PrivacyRequest, Receipt};
use utoipa::ToSchema;

/// What the caller knows of the person who asks.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SubjectRequestBody {
    /// Whether the caller has made sure that the request comes from the person it is about; an
    /// `unverified` request waits until it is verified.
    #[serde(default)]
    identity: Option<IdentityName>,
}

/// Whether the person is who they say.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the names are those of the contract")]
pub(crate) enum IdentityName {
    Verified,
    Unverified,
}

impl SubjectRequestBody {
    pub(crate) fn identity(&self) -> IdentityCheck {
        match self.identity {
            Some(IdentityName::Unverified) => IdentityCheck::Unverified,
            Some(IdentityName::Verified) | None => IdentityCheck::Verified,
        }
    }
}

/// A person's request, without the person.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PrivacyRequestAnswer {
    /// Names the request.
    request_id: String,
    /// `erasure`, `export` or `shop_erasure`.
    kind: &'static str,
    /// `received`, `identity_unverified`, `awaiting_confirmation`, `in_progress`, `complete` or `error`.
    state: &'static str,
    /// When it came in.
    #[schema(format = DateTime)]
    received_at: String,
    /// A month after it came in: article 12 of the GDPR.
    #[schema(format = DateTime)]
    due_gdpr: String,
    /// 45 days after it came in: the CCPA.
    #[schema(format = DateTime)]
    due_ccpa: String,
    /// Under how many ids the person was met.
    subjects: u64,
    /// The key that sent it.
    requested_by: String,
    /// The key that vouched for the person.
    #[schema(required)]
    verified_by: Option<String>,
    /// Erasure: when keys were destroyed and no view knew the person any more.
    #[schema(format = DateTime, required)]
    views_at: Option<String>,
    /// When all was done: for an erasure, when older snapshots were destroyed too.
    #[schema(format = DateTime, required)]
    complete_at: Option<String>,
    /// Why it could not be done.
    #[schema(required)]
    error: Option<String>,
    /// What an erasure did, signed.
    #[schema(required)]
    receipt: Option<ReceiptAnswer>,
}

/// A statement that the installation signed with Ed25519.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ReceiptAnswer {
    /// A JSON object as text; the signature is of exactly these bytes.
    statement: String,
    /// 128 hexadecimal digits.
    signature: String,
    /// 64 hexadecimal digits.
    public_key: String,
}

impl From<Receipt> for ReceiptAnswer {
    fn from(receipt: Receipt) -> ReceiptAnswer {
        let Receipt { statement, signature, public_key } = receipt;
        ReceiptAnswer { statement, signature, public_key }
    }
}

impl From<PrivacyRequest> for PrivacyRequestAnswer {
    fn from(request: PrivacyRequest) -> PrivacyRequestAnswer {
        PrivacyRequestAnswer {
            kind: request.kind.as_str(),
            state: request.state.as_str(),
            received_at: request.received_at.to_string(),
            due_gdpr: request.due_gdpr.to_string(),
            due_ccpa: request.due_ccpa.to_string(),
            subjects: request.n_subjects,
            requested_by: request.requested_by,
            verified_by: request.verified_by,
            views_at: request.views_at.map(|at| at.to_string()),
            complete_at: request.complete_at.map(|at| at.to_string()),
            error: request.error,
            receipt: request.receipt.map(ReceiptAnswer::from),
            request_id: request.request_id,
        }
    }
}

/// A page of requests.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PrivacyRequestList {
    /// Newest first.
    pub(crate) requests: Vec<PrivacyRequestAnswer>,
    /// Give it as `before` for the next page; `null` at the end.
    #[schema(required)]
    pub(crate) next_before: Option<String>,
}

/// Which page of requests.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PrivacyRequestQuery {
    #[serde(default)]
    pub(crate) before: Option<String>,
    #[serde(default)]
    pub(crate) limit: Option<u32>,
}

/// How many would be erased.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConfirmationBody {
    /// The number of subjects that there are, within a twentieth; any other erases nobody, and the refusal
    /// tells the right one.
    pub(crate) subjects: u64,
}

/// What a webhook became.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WebhookAnswer {
    /// The request that it opened; `null` for a webhook about a product.
    #[schema(required)]
    pub(crate) request_id: Option<String>,
}
