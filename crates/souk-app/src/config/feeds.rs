//! `feeds` of the settings: files from which the catalogue is kept up to date by itself.

use serde::{Deserialize, Serialize};
use souk_core::SiteId;

use super::text;
use super::webhooks::Network;
use crate::{AppError, ImportKind};

/// Feeds at most; chosen.
const SOURCES_MAX: usize = 100;
/// Bytes of a feed's name; chosen.
const NAME_BYTES_MAX: usize = 40;

/// Files from which the catalogue is kept up to date by itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FeedsSettings {
    /// The files.
    pub sources: Vec<FeedSettings>,
    /// Whether a URL may be `http://`.
    pub allow_http: bool,
    /// Networks that may be reached although they are not public, as `10.1.0.0/16`.
    pub allowed_networks: Vec<String>,
    /// PEM file of the authorities that vouch for the feeds' hosts; null is the system's.
    pub ca_file: Option<String>,
    /// Bytes of a file that is fetched.
    #[serde(deserialize_with = "text::within::<1_024, 1_099_511_627_776, _>")]
    pub bytes_max: u64,
    /// Seconds that fetching a file may take.
    #[serde(deserialize_with = "text::within::<1, 86_400, _>")]
    pub timeout_s: u64,
}

impl Default for FeedsSettings {
    fn default() -> FeedsSettings {
        FeedsSettings {
            sources: Vec::new(),
            allow_http: false,
            allowed_networks: Vec::new(),
            ca_file: None,
            bytes_max: 1 << 30,
            timeout_s: 600,
        }
    }
}

/// One file that is read again and again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeedSettings {
    /// Its name in commands, figures and audit entries.
    pub name: String,
    /// Where it is fetched from.
    #[serde(default)]
    pub url: Option<String>,
    /// Where it lies on this machine.
    #[serde(default)]
    pub file: Option<String>,
    /// What its rows are; none tells it from the file.
    #[serde(default)]
    pub kind: Option<FeedKind>,
    /// Whose products; none is the first site.
    #[serde(default, with = "text::optional")]
    pub site: Option<SiteId>,
    /// Minutes from one run to the next.
    #[serde(default = "every", deserialize_with = "text::within::<1, 43_200, _>")]
    pub every_minutes: u64,
    /// Whether products that are not in it leave the site.
    #[serde(default)]
    pub full: bool,
    /// The share of the site's products that one run may remove.
    #[serde(default = "removal_share", deserialize_with = "text::share")]
    pub removal_share_max: f64,
    /// The share by which a price may change without being listed as a jump.
    #[serde(default = "price_jump", deserialize_with = "text::share")]
    pub price_jump: f64,
}

fn every() -> u64 {
    1_440
}

fn removal_share() -> f64 {
    0.1
}

fn price_jump() -> f64 {
    0.5
}

/// What a feed's rows are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the names are those of import kinds")]
pub enum FeedKind {
    Products,
    GoogleFeed,
    Signals,
}

impl FeedKind {
    /// The same as a kind of import.
    pub fn import_kind(self) -> ImportKind {
        match self {
            FeedKind::Products => ImportKind::Products,
            FeedKind::GoogleFeed => ImportKind::GoogleFeed,
            FeedKind::Signals => ImportKind::Signals,
        }
    }
}

impl FeedsSettings {
    /// The networks that may be reached although they are not public.
    pub fn networks(&self) -> Vec<Network> {
        self.allowed_networks.iter().filter_map(|text| Network::parse(text)).collect()
    }

    /// Checks what belongs together; `main` is the site of feeds that name none.
    pub(super) fn check(
        &self,
        main: &SiteId,
        is_site: impl Fn(&SiteId) -> bool,
    ) -> Result<(), AppError> {
        let refuse = |setting: String, detail: &str| {
            let setting = format!("feeds.{setting}");
            let detail = format!("`{setting}`: {detail}");
            Err(AppError::invalid("invalid_setting", &setting, detail))
        };
        for (idx, text) in self.allowed_networks.iter().enumerate() {
            if Network::parse(text).is_none() {
                let detail = format!("`{text}` is no network; write for example 10.1.0.0/16");
                return refuse(format!("allowed_networks[{idx}]"), &detail);
            }
        }
        if self.sources.len() > SOURCES_MAX {
            let detail =
                format!("{} feeds; at most {SOURCES_MAX} are possible", self.sources.len());
            return refuse("sources".to_owned(), &detail);
        }
        for (idx, source) in self.sources.iter().enumerate() {
            let before = &self.sources[..idx];
            if let Err((field, detail)) = self.check_source(source, before) {
                return refuse(format!("sources[{idx}].{field}"), &detail);
            }
            let site = source.site.as_ref().unwrap_or(main);
            if !is_site(site) {
                let detail = format!("site `{site}` is not in `sites`; add it there");
                return refuse(format!("sources[{idx}].site"), &detail);
            }
            let is_rival =
                |other: &&FeedSettings| other.full && other.site.as_ref().unwrap_or(main) == site;
            if source.full
                && let Some(other) = before.iter().find(is_rival)
            {
                let detail = format!(
                    "`{}` is full for site `{site}` too, so each would remove what the other brings; \
                     let one file hold everything",
                    other.name
                );
                return refuse(format!("sources[{idx}].full"), &detail);
            }
        }
        Ok(())
    }

    fn check_source(
        &self,
        source: &FeedSettings,
        before: &[FeedSettings],
    ) -> Result<(), (&'static str, String)> {
        let is_plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        let name = &source.name;
        if name.is_empty() || name.len() > NAME_BYTES_MAX || !name.bytes().all(is_plain) {
            let detail = "a name has 1 to 40 small letters, digits and hyphens";
            return Err(("name", detail.to_owned()));
        }
        if before.iter().any(|other| other.name == *name) {
            return Err(("name", format!("`{name}` is listed twice; keep one")));
        }
        let url = match (&source.url, &source.file) {
            (Some(url), None) => url,
            (None, Some(_)) => return Ok(()),
            _ => return Err(("url", "name either `url` or `file`".to_owned())),
        };
        let is_bare = self.allow_http && url.starts_with("http://");
        if !is_bare && !url.starts_with("https://") {
            let detail = "write https://host/path; `feeds.allow_http` allows http://, where whoever is on \
                          the way can change the catalogue";
            return Err(("url", detail.to_owned()));
        }
        // A name and password in the address would end up in logs.
        let authority = url.split('/').nth(2).unwrap_or_default();
        if authority.is_empty() || authority.contains('@') {
            return Err(("url", "name a host, without user and password".to_owned()));
        }
        Ok(())
    }
}
