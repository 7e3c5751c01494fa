use std::collections::BTreeMap;
use std::fmt::Display;

use sha2::{Digest, Sha256};
use souk_core::Timestamp;
use souk_privacy::audit::{AuditEntry, Outcome, is_plain};

use crate::Caller;

/// What is written down. A new kind of act is a line here and a line in `docs/audit.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs, reason = "the names say it; docs/audit.md explains each")]
pub enum AuditOperation {
    KeyCreate,
    KeyList,
    KeyRevoke,
    KeyRotate,
    KeySecretRead,
    DataImport,
    DataExport,
    DataBackup,
    DataBackupKeys,
    DataRestore,
    DataExamine,
    FeedRun,
    AuditRead,
    AuditHeadsDiffer,
    AuditKeyChanged,
    AuditPrune,
    SubjectRead,
    SubjectExport,
    SubjectErasure,
    SubjectRectify,
    ConsentRead,
    ConsentChange,
    RetentionRun,
    WebhookDeliver,
    WebhookDrop,
    WebhookResend,
    DecisionPrice,
    DecisionEligibility,
    Recommend,
    Search,
    Ingest,
    CatalogueChange,
    ModelLearn,
    ModelServe,
    RuleCreate,
    RuleChange,
    RuleDelete,
    SynonymsChange,
    ProfileRead,
    SegmentChange,
    SegmentDelete,
    SegmentMembers,
    SupplierChange,
    PurchaseOrderChange,
    ReplenishmentSwitch,
    ForecastOverride,
    SignalChange,
    AccessDenied,
}

impl AuditOperation {
    /// Every operation.
    pub const ALL: [AuditOperation; 48] = [
        AuditOperation::KeyCreate,
        AuditOperation::KeyList,
        AuditOperation::KeyRevoke,
        AuditOperation::KeyRotate,
        AuditOperation::KeySecretRead,
        AuditOperation::DataImport,
        AuditOperation::DataExport,
        AuditOperation::DataBackup,
        AuditOperation::DataBackupKeys,
        AuditOperation::DataRestore,
        AuditOperation::DataExamine,
        AuditOperation::FeedRun,
        AuditOperation::AuditRead,
        AuditOperation::AuditHeadsDiffer,
        AuditOperation::AuditKeyChanged,
        AuditOperation::AuditPrune,
        AuditOperation::SubjectRead,
        AuditOperation::SubjectExport,
        AuditOperation::SubjectErasure,
        AuditOperation::SubjectRectify,
        AuditOperation::ConsentRead,
        AuditOperation::ConsentChange,
        AuditOperation::RetentionRun,
        AuditOperation::WebhookDeliver,
        AuditOperation::WebhookDrop,
        AuditOperation::WebhookResend,
        AuditOperation::DecisionPrice,
        AuditOperation::DecisionEligibility,
        AuditOperation::Recommend,
        AuditOperation::Search,
        AuditOperation::Ingest,
        AuditOperation::CatalogueChange,
        AuditOperation::ModelLearn,
        AuditOperation::ModelServe,
        AuditOperation::RuleCreate,
        AuditOperation::RuleChange,
        AuditOperation::RuleDelete,
        AuditOperation::SynonymsChange,
        AuditOperation::ProfileRead,
        AuditOperation::SegmentChange,
        AuditOperation::SegmentDelete,
        AuditOperation::SegmentMembers,
        AuditOperation::SupplierChange,
        AuditOperation::PurchaseOrderChange,
        AuditOperation::ReplenishmentSwitch,
        AuditOperation::ForecastOverride,
        AuditOperation::SignalChange,
        AuditOperation::AccessDenied,
    ];

    /// The name in entries.
    pub fn as_str(self) -> &'static str {
        match self {
            AuditOperation::KeyCreate => "key.create",
            AuditOperation::KeyList => "key.list",
            AuditOperation::KeyRevoke => "key.revoke",
            AuditOperation::KeyRotate => "key.rotate",
            AuditOperation::KeySecretRead => "key.secret_read",
            AuditOperation::DataImport => "data.import",
            AuditOperation::DataExport => "data.export",
            AuditOperation::DataBackup => "data.backup",
            AuditOperation::DataBackupKeys => "data.backup_keys",
            AuditOperation::DataRestore => "data.restore",
            AuditOperation::DataExamine => "data.examine",
            AuditOperation::FeedRun => "feed.run",
            AuditOperation::AuditRead => "audit.read",
            AuditOperation::AuditHeadsDiffer => "audit.heads_differ",
            AuditOperation::AuditKeyChanged => "audit.key_changed",
            AuditOperation::AuditPrune => "audit.prune",
            AuditOperation::SubjectRead => "subject.read",
            AuditOperation::SubjectExport => "subject.export",
            AuditOperation::SubjectErasure => "subject.erasure",
            AuditOperation::SubjectRectify => "subject.rectify",
            AuditOperation::ConsentRead => "consent.read",
            AuditOperation::ConsentChange => "consent.change",
            AuditOperation::RetentionRun => "retention.run",
            AuditOperation::WebhookDeliver => "webhook.deliver",
            AuditOperation::WebhookDrop => "webhook.drop",
            AuditOperation::WebhookResend => "webhook.resend",
            AuditOperation::DecisionPrice => "decision.price",
            AuditOperation::DecisionEligibility => "decision.eligibility",
            AuditOperation::Recommend => "recommend",
            AuditOperation::Search => "search",
            AuditOperation::Ingest => "ingest",
            AuditOperation::CatalogueChange => "catalogue.change",
            AuditOperation::ModelLearn => "model.learn",
            AuditOperation::ModelServe => "model.serve",
            AuditOperation::RuleCreate => "rule.create",
            AuditOperation::RuleChange => "rule.change",
            AuditOperation::RuleDelete => "rule.delete",
            AuditOperation::SynonymsChange => "synonyms.change",
            AuditOperation::ProfileRead => "profile.read",
            AuditOperation::SegmentChange => "segment.change",
            AuditOperation::SegmentDelete => "segment.delete",
            AuditOperation::SegmentMembers => "segment.members",
            AuditOperation::SupplierChange => "supplier.change",
            AuditOperation::PurchaseOrderChange => "purchase_order.change",
            AuditOperation::ReplenishmentSwitch => "replenishment.switch",
            AuditOperation::ForecastOverride => "forecast.override",
            AuditOperation::SignalChange => "signal.change",
            AuditOperation::AccessDenied => "access.denied",
        }
    }

    /// Reads the name in entries.
    pub fn parse(name: &str) -> Option<AuditOperation> {
        AuditOperation::ALL.into_iter().find(|operation| operation.as_str() == name)
    }

    /// What such an act is for, where the caller does not say.
    pub(super) fn usual_purpose(self) -> AuditPurpose {
        match self {
            AuditOperation::SubjectRead
            | AuditOperation::SubjectExport
            | AuditOperation::SubjectErasure
            | AuditOperation::SubjectRectify
            | AuditOperation::ConsentRead
            | AuditOperation::ConsentChange
            | AuditOperation::RetentionRun
            | AuditOperation::WebhookDeliver
            | AuditOperation::WebhookDrop
            | AuditOperation::WebhookResend => AuditPurpose::PrivacyRequest,
            AuditOperation::AuditRead
            | AuditOperation::AuditHeadsDiffer
            | AuditOperation::AuditKeyChanged
            | AuditOperation::AuditPrune
            | AuditOperation::AccessDenied => AuditPurpose::Security,
            AuditOperation::Recommend | AuditOperation::Search | AuditOperation::ProfileRead => {
                AuditPurpose::Personalization
            }
            AuditOperation::SegmentMembers => AuditPurpose::Marketing,
            AuditOperation::Ingest
            | AuditOperation::CatalogueChange
            | AuditOperation::DecisionPrice
            | AuditOperation::DecisionEligibility => AuditPurpose::Essential,
            _ => AuditPurpose::Administration,
        }
    }
}

/// What an act is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs, reason = "the last five are the purposes of consent; the names say it")]
pub enum AuditPurpose {
    Administration,
    PrivacyRequest,
    Security,
    Essential,
    Personalization,
    Analytics,
    Marketing,
    ModelTraining,
}

impl AuditPurpose {
    /// The name in entries.
    pub fn as_str(self) -> &'static str {
        match self {
            AuditPurpose::Administration => "administration",
            AuditPurpose::PrivacyRequest => "privacy_request",
            AuditPurpose::Security => "security",
            AuditPurpose::Essential => "essential",
            AuditPurpose::Personalization => "personalization",
            AuditPurpose::Analytics => "analytics",
            AuditPurpose::Marketing => "marketing",
            AuditPurpose::ModelTraining => "model_training",
        }
    }

    /// Every purpose.
    pub const ALL: [AuditPurpose; 8] = [
        AuditPurpose::Administration,
        AuditPurpose::PrivacyRequest,
        AuditPurpose::Security,
        AuditPurpose::Essential,
        AuditPurpose::Personalization,
        AuditPurpose::Analytics,
        AuditPurpose::Marketing,
        AuditPurpose::ModelTraining,
    ];

    /// Reads the name in entries.
    pub fn parse(name: &str) -> Option<AuditPurpose> {
        AuditPurpose::ALL.into_iter().find(|purpose| purpose.as_str() == name)
    }
}

/// What an act is done to: a kind and a pseudonym, never a name.
///
/// That of a person comes from [`App::audit_subject`](crate::App::audit_subject).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditObject(String);

impl AuditObject {
    /// A key by its public part.
    pub fn key(key_id: &str) -> AuditObject {
        AuditObject::of("key", key_id)
    }

    /// A kind of data as a whole, for example `events`.
    pub fn data(kind: &str) -> AuditObject {
        AuditObject::of("data", kind)
    }

    /// Anything with an id of the program's own making. An id that could be free text is hashed.
    pub fn of(kind: &'static str, id: &str) -> AuditObject {
        let plain = format!("{kind}:{id}");
        if is_plain(&plain) {
            return AuditObject(plain);
        }
        AuditObject(format!("{kind}:sha256-{}", short_hash(id)))
    }
}

/// An act of a person or of the program that is written down by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditAct {
    pub(super) operation: AuditOperation,
    pub(super) object: Option<AuditObject>,
    pub(super) purpose: AuditPurpose,
    pub(super) outcome: Outcome,
    pub(super) details: BTreeMap<String, String>,
}

impl AuditAct {
    /// An act that was done, for its usual purpose.
    pub fn new(operation: AuditOperation) -> AuditAct {
        let purpose = operation.usual_purpose();
        let (object, outcome, details) = (None, Outcome::Done, BTreeMap::new());
        AuditAct { operation, object, purpose, outcome, details }
    }

    /// What it was done to.
    #[must_use]
    pub fn on(self, object: AuditObject) -> AuditAct {
        AuditAct { object: Some(object), ..self }
    }

    /// What it was for.
    #[must_use]
    pub fn for_purpose(self, purpose: AuditPurpose) -> AuditAct {
        AuditAct { purpose, ..self }
    }

    /// How it ended.
    #[must_use]
    pub fn ending(self, outcome: Outcome) -> AuditAct {
        AuditAct { outcome, ..self }
    }

    /// Something else that matters: a number, a slug, a time. What could be free text is hashed.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Display) -> AuditAct {
        let value = value.to_string();
        let value = if is_plain(&value) { value } else { hashed(&value) };
        self.details.insert(name.to_owned(), value);
        self
    }

    /// The entry of the act.
    pub(super) fn entry(self, caller: &Caller, at: Timestamp) -> AuditEntry {
        AuditEntry {
            at,
            who: caller.key_id.clone(),
            role: caller.role.as_str().to_owned(),
            operation: self.operation.as_str().to_owned(),
            object: self.object.map(|object| object.0),
            purpose: self.purpose.as_str().to_owned(),
            outcome: self.outcome,
            request_id: caller.request_id.as_deref().map(request_id),
            tally: None,
            details: self.details,
        }
    }
}

impl From<String> for AuditObject {
    /// For pseudonyms that this module makes.
    fn from(text: String) -> AuditObject {
        AuditObject(text)
    }
}

/// The server's own request ids as they are; one that a client chose could say anything, so it is
/// hashed. Whoever has the client's id finds the entry by the same hash.
fn request_id(id: &str) -> String {
    let is_ours =
        id.len() == 16 && id.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    if is_ours { id.to_owned() } else { format!("sha256-{}", short_hash(id)) }
}

/// What stands in an entry for a text that could be a free one.
pub(crate) fn hashed(text: &str) -> String {
    format!("sha256-{}", short_hash(text))
}

/// The first 16 hexadecimal digits of a SHA-256 hash.
fn short_hash(text: &str) -> String {
    souk_core::hexadecimal(&Sha256::digest(text.as_bytes())[..8])
}
