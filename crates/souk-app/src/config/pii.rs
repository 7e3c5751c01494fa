//! `privacy.pii` of the settings: personal data in free text.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use souk_privacy::pii::EntityKind;
use souk_privacy::pii::redact::{Policies, Policy};

use crate::AppError;

/// What becomes of personal data in search queries, properties and traits before they are stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PiiSettings {
    /// For kinds that `kinds` does not list.
    pub policy: PiiPolicy,
    /// By kind, named as in `DetectPiiEntities`.
    pub kinds: BTreeMap<String, PiiPolicy>,
    /// Traits that a shop sends in order to be known by; they stay as they are.
    pub kept_traits: Vec<String>,
}

/// What stands in the text instead of personal data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the variants mean what they mean in `Policy`")]
pub enum PiiPolicy {
    Keep,
    Drop,
    Mask,
    Hash,
    Tokenise,
}

impl From<PiiPolicy> for Policy {
    fn from(policy: PiiPolicy) -> Policy {
        match policy {
            PiiPolicy::Keep => Policy::Keep,
            PiiPolicy::Drop => Policy::Drop,
            PiiPolicy::Mask => Policy::Mask,
            PiiPolicy::Hash => Policy::Hash,
            PiiPolicy::Tokenise => Policy::Tokenise,
        }
    }
}

impl Default for PiiSettings {
    fn default() -> PiiSettings {
        let weak = EntityKind::ALL.iter().filter(|kind| !kind.is_identifying());
        let kept = [
            "address",
            "age",
            "avatar",
            "birthday",
            "company",
            "created_at",
            "description",
            "email",
            "employees",
            "first_name",
            "gender",
            "id",
            "industry",
            "last_name",
            "loyalty_card_id",
            "name",
            "phone",
            "plan",
            "title",
            "username",
            "website",
        ];
        PiiSettings {
            policy: PiiPolicy::Mask,
            kinds: weak.map(|kind| (kind.as_str().to_owned(), PiiPolicy::Keep)).collect(),
            kept_traits: kept.map(str::to_owned).to_vec(),
        }
    }
}

impl PiiSettings {
    /// The policies by kind.
    ///
    /// # Errors
    ///
    /// [`AppError::Invalid`] for the name of a kind that there is not.
    pub(crate) fn policies(&self) -> Result<Policies, AppError> {
        let mut kinds = BTreeMap::new();
        for (name, policy) in &self.kinds {
            let kind = EntityKind::parse(name).ok_or_else(|| {
                let detail = format!(
                    "privacy.pii.kinds: there is no kind `{name}`; docs/pii.md lists them, for example EMAIL"
                );
                AppError::invalid("invalid_setting", "privacy.pii.kinds", detail)
            })?;
            kinds.insert(kind, (*policy).into());
        }
        Ok(Policies { otherwise: self.policy.into(), kinds })
    }
}
