use souk_core::{Purpose, Purposes, SiteId};
use souk_privacy::consent::{Mechanism, Notice, Notices, Regime, mechanism_of};
use xxhash_rust::xxh3::xxh3_64;

use super::learning::Learning;
use crate::{AppError, Config};

/// What the settings say of consent, in a form that is quick to ask.
#[derive(Clone, Debug)]
pub(crate) struct ConsentRules {
    sites: Vec<(SiteId, Place)>,
    elsewhere: Place,
    notices: Notices,
    gpc: Purposes,
    /// Names in lower case.
    categories: Vec<(String, Purposes)>,
    learning: Learning,
    digest: u64,
}

/// What holds on one site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// The jurisdiction's name; `None` where none is set.
    pub(crate) jurisdiction: Option<String>,
    pub(crate) regime: Regime,
}

impl ConsentRules {
    /// # Errors
    ///
    /// [`AppError::Invalid`] for a jurisdiction that is neither known nor described.
    pub(crate) fn of(config: &Config) -> Result<ConsentRules, AppError> {
        let default = config.privacy.default_jurisdiction.as_deref();
        let elsewhere = place(config, "privacy.default_jurisdiction", default)?;
        let mut sites = Vec::with_capacity(config.sites.len());
        for (idx, site) in config.sites.iter().enumerate() {
            let setting = format!("sites[{idx}].jurisdiction");
            let named = site.jurisdiction.as_deref().or(default);
            sites.push((site.id.clone(), place(config, &setting, named)?));
        }
        let notices = config.privacy.notices.iter().map(|notice| Notice {
            version: notice.version.clone(),
            asks_again: notice.asks_again,
        });
        let notices = Notices::new(notices.collect());
        let set = |names: &[crate::config::PurposeName]| -> Purposes {
            names.iter().map(|name| Purpose::from(*name)).collect()
        };
        let categories = config.privacy.categories.iter();
        let categories = categories.map(|(name, of)| (name.to_lowercase(), set(of))).collect();
        let gpc = set(&config.privacy.gpc_withholds).intersection(Purposes::OPTIONAL);
        // Only what changes the meaning of a record in the log: signals and categories were read at
        // the door.
        let learning = Learning::of(&config.learning);
        let meant = format!("{sites:?} {elsewhere:?} {notices:?} {learning:?}");
        let digest = xxh3_64(meant.as_bytes());
        Ok(ConsentRules { sites, elsewhere, notices, gpc, categories, learning, digest })
    }

    /// What holds on a site; one that the settings do not name follows the default.
    pub(crate) fn place(&self, site: &SiteId) -> &Place {
        let found = self.sites.iter().find(|(id, _)| id == site);
        found.map_or(&self.elsewhere, |(_, place)| place)
    }

    pub(crate) fn notices(&self) -> &Notices {
        &self.notices
    }

    /// Whose acts nothing is learned from, whatever they allow.
    pub(crate) fn learning(&self) -> &Learning {
        &self.learning
    }

    /// What Global Privacy Control withholds from the request that carries it.
    pub(crate) fn gpc(&self) -> Purposes {
        self.gpc
    }

    /// The purposes of a banner's category; none for one that means nothing here.
    pub(crate) fn category(&self, name: &str) -> Purposes {
        let found = self
            .categories
            .iter()
            .find(|(known, _)| known.chars().eq(name.chars().flat_map(char::to_lowercase)));
        found.map_or(Purposes::NONE, |(_, purposes)| *purposes)
    }

    /// Tells two sets of rules apart under which one log folds to two states.
    pub(crate) fn digest(&self) -> u64 {
        self.digest
    }
}

/// What holds in a jurisdiction: what the settings describe, over what is known of it; silence
/// without a jurisdiction means no.
fn place(config: &Config, setting: &str, name: Option<&str>) -> Result<Place, AppError> {
    let Some(name) = name else {
        return Ok(Place { jurisdiction: None, regime: Regime::all(Mechanism::OptIn) });
    };
    let described = config.privacy.jurisdictions.get(name);
    let Some(mechanism) = mechanism_of(name).or(described.map(|_| Mechanism::OptIn)) else {
        let detail = format!(
            "`{setting}`: `{name}` is not known; give eu, eea, uk, ch, us, us-ca, a country of the \
             EEA by its ISO code, or describe it in `privacy.jurisdictions`"
        );
        return Err(AppError::invalid("invalid_setting", setting, detail));
    };
    let mut regime = Regime::all(mechanism);
    for (purpose, mechanism) in described.into_iter().flatten() {
        regime.set(Purpose::from(*purpose), Mechanism::from(*mechanism));
    }
    Ok(Place { jurisdiction: Some(name.to_owned()), regime })
}

#[cfg(test)]
mod tests;
