//! Every setting: read from `souk.yaml`, overridden by environment variables, checked, printed.
//!
//! `souk.yaml` in the project's root explains each of them; a test keeps that file, the types here
//! and their defaults equal.

mod closed;
mod env;
mod exploration;
mod feeds;
mod inventory;
mod learning;
mod lifetime;
mod measuring;
mod oidc;
mod pii;
mod privacy;
mod profiles;
mod redact;
mod search;
mod secret;
mod sections;
mod session;
mod text;
mod webhooks;

use std::path::Path;

use serde::{Deserialize, Serialize};
use souk_core::{Location, LocationId, Site, SiteId};

pub use closed::ClosedOn;
pub(crate) use closed::{date_of, day_of};
pub use exploration::ExplorationSettings;
pub use feeds::{FeedKind, FeedSettings, FeedsSettings};
pub use inventory::InventorySettings;
pub use learning::LearningSettings;
pub use lifetime::{RetentionSettings, ShopifyId, ShopifySettings};
pub use measuring::{AttributionSettings, HoldoutSettings};
pub use oidc::{OidcSettings, PersonRole, SignatureAlgorithm};
pub use pii::{PiiPolicy, PiiSettings};
pub use privacy::{
    MechanismName, NoticeSettings, PrivacySettings, PurposeName, StatisticsSettings,
};
pub use profiles::ProfileSettings;
pub use redact::{shown_place, shown_url};
pub use search::{EmbedderSetting, MeaningSettings, SearchLearning, SearchSettings};
pub(crate) use secret::SecretAt;
pub use sections::{
    AccessSettings, AuditSettings, BriefContentGeneration, BriefModels, BriefPersonalization,
    ClockSettings, DataSettings, ImpressionSettings, LimitSettings, LocationSettings, LogFormat,
    LogSettings, Rate, RecommendationSettings, ServerSettings, SiteSettings, SnapshotSettings,
};
pub use session::{ReturnSettings, SecondStepSettings, SessionSettings};
pub use webhooks::{Network, WebhookEndpoint, WebhookKind, WebhookSettings};

use crate::AppError;
use crate::consent::ConsentRules;

/// Bytes of a settings file; chosen: a thousand locations take a tenth of it.
const FILE_BYTES_MAX: usize = 1 << 20;

/// Every setting, as `souk.yaml` explains it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// How requests come in.
    pub server: ServerSettings,
    /// Where things are stored.
    pub data: DataSettings,
    /// What time it is.
    pub clock: ClockSettings,
    /// The brands or countries; at least one, the first is the one of requests that name none.
    pub sites: Vec<SiteSettings>,
    /// The shops and warehouses that need a clock of their own.
    pub locations: Vec<LocationSettings>,
    /// Files from which the catalogue is kept up to date.
    pub feeds: FeedsSettings,
    /// How the log is kept.
    pub log: LogSettings,
    /// How often the views are saved.
    pub snapshots: SnapshotSettings,
    /// What is recorded of answers.
    pub impressions: ImpressionSettings,
    /// What an answer is credited with.
    pub attribution: AttributionSettings,
    /// Who gets the shop without personalization.
    pub holdout: HoldoutSettings,
    /// How recommendations are answered.
    pub recommendations: RecommendationSettings,
    /// How searches are answered.
    pub search: SearchSettings,
    /// Whose acts are kept and not learned from.
    pub learning: LearningSettings,
    /// How shoppers' profiles are made.
    pub profiles: ProfileSettings,
    /// How many requests a key may make.
    pub limits: LimitSettings,
    /// Who may call.
    pub access: AccessSettings,
    /// What may be done with persons' data.
    pub privacy: PrivacySettings,
    /// How the audit log is published.
    pub audit: AuditSettings,
    /// Settings of the original brief.
    pub personalization: BriefPersonalization,
    /// How much to order, and what a rule may approve.
    pub inventory: InventorySettings,
    /// Settings of the original brief.
    pub content_generation: BriefContentGeneration,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            server: ServerSettings::default(),
            data: DataSettings::default(),
            clock: ClockSettings::default(),
            sites: vec![SiteSettings::default()],
            locations: Vec::new(),
            feeds: FeedsSettings::default(),
            log: LogSettings::default(),
            snapshots: SnapshotSettings::default(),
            impressions: ImpressionSettings::default(),
            attribution: AttributionSettings::default(),
            holdout: HoldoutSettings::default(),
            recommendations: RecommendationSettings::default(),
            search: SearchSettings::default(),
            learning: LearningSettings::default(),
            profiles: ProfileSettings::default(),
            limits: LimitSettings::default(),
            access: AccessSettings::default(),
            privacy: PrivacySettings::default(),
            audit: AuditSettings::default(),
            personalization: BriefPersonalization::default(),
            inventory: InventorySettings::default(),
            content_generation: BriefContentGeneration::default(),
        }
    }
}

/// Something about the settings that a person should know and that stops nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// The setting's path, for example `inventory.auto_reorder`.
    pub setting: String,
    /// What there is to know.
    pub detail: String,
}

impl Config {
    /// Reads a settings file and applies overrides from the environment.
    ///
    /// # Errors
    ///
    /// [`AppError::File`] when the file cannot be read, [`AppError::Invalid`] as [`Config::parse`].
    pub fn load(
        path: &Path,
        env: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Config, AppError> {
        let file = |source| AppError::File { path: path.display().to_string(), source };
        let text = std::fs::read_to_string(path).map_err(file)?;
        Config::parse(&text, env)
    }

    /// Reads settings from text; what it does not name keeps its default.
    ///
    /// An environment variable is the setting's path in capitals, joined by `_`, after `SOUK_`:
    /// `SOUK_SERVER_LISTEN` is `server.listen`. Its value is read as YAML.
    ///
    /// # Errors
    ///
    /// [`AppError::Invalid`] with code `invalid_setting`, naming setting, value, remedy and line.
    pub fn parse(
        text: &str,
        env: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Config, AppError> {
        if text.len() > FILE_BYTES_MAX {
            let detail = format!(
                "the settings have {} bytes; the limit is {FILE_BYTES_MAX}; is this the right file?",
                text.len()
            );
            return Err(AppError::invalid("invalid_setting", "", detail));
        }
        let read: Option<Config> = serde_yaml_ng::from_str(text).map_err(|e| fault(&e))?;
        let config = env::apply(read.unwrap_or_default(), env)?;
        config.validate()?;
        Ok(config)
    }

    /// The settings as YAML; passwords, tokens and keys are replaced, wherever they stand.
    pub fn print(&self) -> String {
        let mut shown = serde_yaml_ng::to_value(self).expect("every setting is plain data");
        redact::hide("", &mut shown);
        serde_yaml_ng::to_string(&shown).expect("every setting is plain data")
    }

    /// What a person should know: settings without effect, and choices that are easy to regret.
    pub fn check(&self) -> Vec<Notice> {
        let mut notices = Vec::new();
        let mut note = |setting: &str, detail: &str| {
            notices.push(Notice { setting: setting.to_owned(), detail: detail.to_owned() });
        };
        let is_local = self.server.listen.ip().is_loopback();
        if !self.access.require_keys {
            note("access.require_keys", "anyone who reaches the port may do everything");
        }
        if !is_local && self.server.tls_cert.is_none() {
            note(
                "server.tls_cert",
                "the server listens beyond this machine without TLS; keys cross the network in \
                 clear unless a proxy in front of it encrypts",
            );
        }
        if self.privacy.webhooks.allow_http {
            note(
                "privacy.webhooks.allow_http",
                "webhooks may cross the network in clear, shoppers' ids included",
            );
        }
        if self.feeds.allow_http {
            note("feeds.allow_http", "whoever is on the way of a feed can change the catalogue");
        }
        if self.clock.standing_at.is_some() {
            note(
                "clock.standing_at",
                "the clock does not show the real time; meant for sample data",
            );
        }
        if self.inventory.auto_reorder == Some(true) && self.inventory.approval_amount_max.is_none()
        {
            note(
                "inventory.auto_reorder",
                "rules approve nothing until `inventory.approval_amount_max` says up to which amount",
            );
        }
        for (setting, is_set, comes_with) in self.without_effect() {
            if is_set {
                note(setting, &format!("accepted, no effect yet: {comes_with}"));
            }
        }
        notices
    }

    /// Settings that are accepted before the part that reads them has arrived.
    fn without_effect(&self) -> [(&'static str, bool, &'static str); 7] {
        let models = &self.personalization.models;
        let content = &self.content_generation;
        let mut sites = self.sites.iter();
        [
            ("personalization.models.recommendation", models.recommendation.is_some(), RECOMMENDER),
            (
                "personalization.models.content_generation",
                models.content_generation.is_some(),
                TEXT,
            ),
            ("personalization.cache_ttl", self.personalization.cache_ttl.is_some(), TEXT),
            ("content_generation.languages", content.languages.is_some(), TEXT),
            ("content_generation.seo_optimization", content.seo_optimization.is_some(), TEXT),
            ("content_generation.brand_voice", content.brand_voice.is_some(), TEXT),
            (
                "sites.price_list",
                sites.any(|site| site.price_list.is_some()),
                "price lists read it",
            ),
        ]
    }

    /// Checks what concerns several settings at once.
    fn validate(&self) -> Result<(), AppError> {
        let refuse = |setting: &str, detail: String| {
            Err(AppError::invalid("invalid_setting", setting, format!("`{setting}`: {detail}")))
        };
        if self.server.tls_cert.is_some() != self.server.tls_key.is_some() {
            return refuse(
                "server.tls_cert",
                "a certificate and a key belong together; set `tls_cert` and `tls_key`, or \
                 neither"
                    .to_owned(),
            );
        }
        self.privacy.pii.policies()?;
        self.access.oidc.check()?;
        self.privacy.webhooks.check()?;
        if let Err((setting, detail)) = self.holdout.check() {
            return refuse(setting, detail);
        }
        if let Err((setting, detail)) = self.inventory.check() {
            return refuse(setting, detail);
        }
        if let Err((setting, detail)) = self.search.check() {
            return refuse(setting, detail);
        }
        if self.holdout.share > 0.0 && self.impressions.sample < 1.0 {
            let detail = "some answers are not recorded, so people with more visits would be met more often in one \
                          group; with a holdout it must be 1.0";
            return refuse("impressions.sample", format!("{}: {detail}", self.impressions.sample));
        }
        if self.sites.is_empty() {
            return refuse("sites", "the list is empty; name at least one site".to_owned());
        }
        for (idx, site) in self.sites.iter().enumerate() {
            if self.sites[..idx].iter().any(|other| other.id == site.id) {
                let detail = format!("site `{}` is listed twice; keep one", site.id);
                return refuse(&format!("sites[{idx}].id"), detail);
            }
        }
        self.feeds.check(&self.main_site(), |site| self.site(site).is_some())?;
        for (idx, location) in self.locations.iter().enumerate() {
            if self.locations[..idx].iter().any(|other| other.id == location.id) {
                let detail = format!("location `{}` is listed twice; keep one", location.id);
                return refuse(&format!("locations[{idx}].id"), detail);
            }
            if let Some(site) = &location.site
                && self.site(site).is_none()
            {
                let detail = format!("site `{site}` is not in `sites`; add it there");
                return refuse(&format!("locations[{idx}].site"), detail);
            }
            if let Err((field, detail)) = location.point() {
                return refuse(&format!("locations[{idx}].{field}"), detail);
            }
        }
        ConsentRules::of(self)?;
        let notices = &self.privacy.notices;
        for (idx, notice) in notices.iter().enumerate() {
            if notices[..idx].iter().any(|other| other.version == notice.version) {
                let detail = format!("version `{}` is listed twice; keep one", notice.version);
                return refuse(&format!("privacy.notices[{idx}].version"), detail);
            }
        }
        let recommendations = &self.recommendations;
        if recommendations.limit_default > recommendations.limit_max {
            let detail = format!(
                "{} is above `recommendations.limit_max` ({}); lower it",
                recommendations.limit_default, recommendations.limit_max
            );
            return refuse("recommendations.limit_default", detail);
        }
        if let Err((setting, detail)) = recommendations.session.check() {
            return refuse(setting, detail);
        }
        if let Err((setting, detail)) = recommendations.exploration.check() {
            return refuse(setting, detail);
        }
        Ok(())
    }

    /// The site of requests that name none: the first.
    pub fn main_site(&self) -> SiteId {
        self.sites.first().map_or_else(SiteId::main, |site| site.id.clone())
    }

    /// The settings of one site.
    pub fn site(&self, id: &SiteId) -> Option<&SiteSettings> {
        self.sites.iter().find(|site| site.id == *id)
    }

    /// Every site as the vocabulary's type.
    pub fn sites(&self) -> impl Iterator<Item = Site> + '_ {
        self.sites.iter().map(|site| Site {
            id: site.id.clone(),
            currency: site.currency,
            time_zone: site.time_zone.clone(),
            languages: site.languages.clone(),
        })
    }

    /// Every configured location as the vocabulary's type; a missing clock is that of its site.
    pub fn locations(&self) -> impl Iterator<Item = Location> + '_ {
        self.locations.iter().map(|location| {
            let site = location.site.clone().unwrap_or_else(|| self.main_site());
            let clock = location.time_zone.clone();
            let of_site = || self.site(&site).expect("validated").time_zone.clone();
            Location {
                id: location.id.clone(),
                time_zone: clock.unwrap_or_else(of_site),
                day_cut_minutes: location.day_cut_minutes(),
                point: location.point().expect("validated"),
                site,
            }
        })
    }

    /// Days on which a place is closed.
    pub(crate) fn closed(&self, id: &LocationId) -> &[ClosedOn] {
        let found = self.locations.iter().find(|location| location.id == *id);
        found.map_or(&[], |location| &location.closed)
    }

    /// One configured location.
    pub fn location(&self, id: &LocationId) -> Option<Location> {
        self.locations().find(|location| location.id == *id)
    }
}

const RECOMMENDER: &str = "Souk's own recommenders answer whatever is named here";
const TEXT: &str = "it is read once content is generated";

/// Turns a fault of the YAML reader into one that ends with the remedy and begins with the place.
fn fault(error: &serde_yaml_ng::Error) -> AppError {
    let text = error.to_string();
    // The reader appends its place to the message; it reads better in front.
    let (message, line) = match (text.rfind(" at line "), error.location()) {
        (Some(at), Some(place)) => (&text[..at], Some(place.line())),
        (_, place) => (text.as_str(), place.map(|place| place.line())),
    };
    let setting = message.split(": ").next().filter(|path| is_path(path)).unwrap_or_default();
    let place = line.map(|line| format!("line {line}: ")).unwrap_or_default();
    let remedy = match message {
        m if m.contains("unknown field") => "; remove it or correct its name",
        m if m.contains("invalid type") || m.contains("invalid value") => {
            "; souk.yaml gives the unit and default of every setting"
        }
        _ => "",
    };
    AppError::invalid("invalid_setting", setting, format!("{place}{message}{remedy}"))
}

fn is_path(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'[' | b']'))
}

#[cfg(test)]
mod tests;
