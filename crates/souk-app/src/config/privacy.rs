//! `privacy` of the settings.

use serde::{Deserialize, Serialize};

use super::pii::PiiSettings;

/// What may be done with persons' data.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PrivacySettings {
    /// Personal data in free text.
    pub pii: PiiSettings,
}
