//! `privacy` of the settings.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use souk_core::Purpose;
use souk_privacy::consent::Mechanism;

use super::lifetime::{RetentionSettings, ShopifySettings};
use super::pii::PiiSettings;
use super::text;
use super::webhooks::WebhookSettings;

/// What may be done with persons' data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PrivacySettings {
    /// Whose law applies to sites that name none; null asks for a yes everywhere.
    pub default_jurisdiction: Option<String>,
    /// What holds in jurisdictions that are not known, or differently than known, by purpose.
    pub jurisdictions: BTreeMap<String, BTreeMap<PurposeName, MechanismName>>,
    /// The versions of the shop's notice, the oldest first.
    pub notices: Vec<NoticeSettings>,
    /// What `Sec-GPC: 1` withholds from the request that carries it.
    pub gpc_withholds: Vec<PurposeName>,
    /// The purposes of a consent banner's categories.
    pub categories: BTreeMap<String, Vec<PurposeName>>,
    /// Numbers about groups of people.
    pub statistics: StatisticsSettings,
    /// Personal data in free text.
    pub pii: PiiSettings,
    /// How long personal data is kept.
    pub retention: RetentionSettings,
    /// Shopify's privacy webhooks.
    pub shopify: ShopifySettings,
    /// Whom to tell of people's requests.
    pub webhooks: WebhookSettings,
}

impl Default for PrivacySettings {
    fn default() -> PrivacySettings {
        use PurposeName::{Analytics, Marketing, ModelTraining, Personalization};
        let categories = [
            ("Advertising", Marketing),
            ("Analytics", Analytics),
            ("C0002", Analytics),
            ("C0003", Personalization),
            ("C0004", Marketing),
            ("DataSharing", ModelTraining),
            ("Functional", Personalization),
            ("Marketing", Marketing),
            ("Performance", Analytics),
            ("Personalization", Personalization),
            ("Targeting", Marketing),
        ];
        PrivacySettings {
            default_jurisdiction: None,
            jurisdictions: BTreeMap::new(),
            notices: Vec::new(),
            gpc_withholds: vec![Personalization, Marketing, ModelTraining],
            categories: categories
                .into_iter()
                .map(|(name, purpose)| (name.to_owned(), vec![purpose]))
                .collect(),
            statistics: StatisticsSettings::default(),
            pii: PiiSettings::default(),
            retention: RetentionSettings::default(),
            shopify: ShopifySettings::default(),
            webhooks: WebhookSettings::default(),
        }
    }
}

/// A version of the shop's notice.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoticeSettings {
    /// Its name, as banners and files give it.
    pub version: String,
    /// Whether a yes given under an earlier version no longer holds.
    #[serde(default)]
    pub asks_again: bool,
}

/// Numbers about groups of people.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StatisticsSettings {
    /// Different people behind a number that people see or export.
    #[serde(deserialize_with = "text::within::<1, 1_000_000, _>")]
    pub people_min: u64,
    /// Different people behind what a reason says to a shopper.
    #[serde(deserialize_with = "text::within::<1, 1_000_000, _>")]
    pub reason_people_min: u64,
}

impl Default for StatisticsSettings {
    fn default() -> StatisticsSettings {
        StatisticsSettings { people_min: 20, reason_people_min: 5 }
    }
}

/// A purpose by its name in the settings; essential uses are not a matter of settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the names are those of the contract")]
pub enum PurposeName {
    Personalization,
    Analytics,
    Marketing,
    ModelTraining,
}

impl From<PurposeName> for Purpose {
    fn from(name: PurposeName) -> Purpose {
        match name {
            PurposeName::Personalization => Purpose::Personalization,
            PurposeName::Analytics => Purpose::Analytics,
            PurposeName::Marketing => Purpose::Marketing,
            PurposeName::ModelTraining => Purpose::ModelTraining,
        }
    }
}

/// A mechanism by its name in the settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MechanismName {
    /// Only a yes allows.
    OptIn,
    /// Only a no forbids.
    OptOut,
    /// Telling is enough; a no forbids all the same.
    Notice,
}

impl From<MechanismName> for Mechanism {
    fn from(name: MechanismName) -> Mechanism {
        match name {
            MechanismName::OptIn => Mechanism::OptIn,
            MechanismName::OptOut => Mechanism::OptOut,
            MechanismName::Notice => Mechanism::Notice,
        }
    }
}
