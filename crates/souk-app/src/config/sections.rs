//! The sections of the settings; `souk.yaml` says what each setting means, its unit and default.

use std::net::{Ipv4Addr, SocketAddr};

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use souk_core::{Currency, GeoPoint, LocationId, SiteId, Timestamp};

use super::closed::ClosedOn;
use super::exploration::ExplorationSettings;
use super::oidc::OidcSettings;
use super::session::SessionSettings;
use super::text;
use crate::Role;

/// How requests come in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ServerSettings {
    /// Address and port.
    #[serde(with = "text")]
    pub listen: SocketAddr,
    /// A PEM file with the certificate chain; needs `tls_key`.
    pub tls_cert: Option<String>,
    /// A PEM file with the private key; needs `tls_cert`.
    pub tls_key: Option<String>,
    /// Web origins that every browser key may be used from; a key may name more.
    pub allowed_origins: Vec<String>,
    /// Bytes of a request body; Segment's routes have their own limit of 500 KB.
    #[serde(deserialize_with = "text::within::<1_024, 1_073_741_824, _>")]
    pub body_bytes_max: u64,
    /// Bytes of all request bodies in memory at once.
    #[serde(deserialize_with = "text::within::<1_048_576, 1_099_511_627_776, _>")]
    pub bodies_bytes_max: u64,
    /// Open connections.
    #[serde(deserialize_with = "text::within::<1, 1_000_000, _>")]
    pub connections_max: u64,
    /// Open connections of one network address; null sets no bound.
    #[serde(deserialize_with = "text::within_optional::<1, 1_000_000, _>")]
    pub connections_per_address_max: Option<u64>,
    /// How long a client may take to send its headers.
    #[serde(deserialize_with = "text::within::<100, 3_600_000, _>")]
    pub header_timeout_ms: u64,
    /// How long a client may take to send a body, or to take the next bytes of an answer.
    #[serde(deserialize_with = "text::within::<100, 3_600_000, _>")]
    pub body_timeout_ms: u64,
    /// How long a request may take.
    #[serde(deserialize_with = "text::within::<100, 3_600_000, _>")]
    pub request_timeout_ms: u64,
    /// How long open requests may go on after the signal to stop.
    #[serde(deserialize_with = "text::within::<0, 3_600_000, _>")]
    pub shutdown_timeout_ms: u64,
    /// How log lines look.
    pub log_format: LogFormat,
    /// What is logged: a level, or directives as `info,souk_server=debug`.
    pub log_level: String,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// Text on a terminal, JSON elsewhere.
    #[default]
    Auto,
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

impl Default for ServerSettings {
    fn default() -> ServerSettings {
        ServerSettings {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)),
            tls_cert: None,
            tls_key: None,
            allowed_origins: Vec::new(),
            body_bytes_max: 33_554_432,
            bodies_bytes_max: 268_435_456,
            connections_max: 10_000,
            connections_per_address_max: None,
            header_timeout_ms: 10_000,
            body_timeout_ms: 20_000,
            request_timeout_ms: 30_000,
            shutdown_timeout_ms: 20_000,
            log_format: LogFormat::Auto,
            log_level: "info".to_owned(),
        }
    }
}

/// Where things are stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DataSettings {
    /// The data folder; relative to the working folder.
    pub dir: String,
    /// The event log; a relative path is inside `dir`.
    pub log: String,
    /// The tables; a relative path is inside `dir`.
    pub tables: String,
    /// The key store; a relative path is inside `dir`.
    pub keys: String,
    /// Where the master key is that wraps every key of the key store: `file:PATH` or `env:NAME`.
    pub master_key: String,
    /// Snapshots and archive; a relative path is inside `dir`.
    pub blobs: String,
}

impl Default for DataSettings {
    fn default() -> DataSettings {
        DataSettings {
            dir: "data".to_owned(),
            log: "sqlite:log.db".to_owned(),
            tables: "sqlite:tables.db".to_owned(),
            keys: "sqlite:keys/keys.db".to_owned(),
            master_key: "file:keys/master.key".to_owned(),
            blobs: "file:blobs".to_owned(),
        }
    }
}

/// What time it is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ClockSettings {
    /// The time that the clock shows at the start, from which it runs on; null is the real time.
    #[serde(with = "text::optional")]
    pub standing_at: Option<Timestamp>,
}

/// A brand or country.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SiteSettings {
    /// The name in `context.site`.
    #[serde(with = "text")]
    pub id: SiteId,
    /// The currency of amounts that name none.
    #[serde(with = "text")]
    pub currency: Currency,
    /// The clock of facts that name no location.
    #[serde(with = "text")]
    pub time_zone: TimeZone,
    /// IETF tags, the preferred one first.
    pub languages: Vec<String>,
    /// Whose privacy law applies.
    pub jurisdiction: Option<String>,
    /// Which price list applies.
    pub price_list: Option<String>,
}

impl Default for SiteSettings {
    fn default() -> SiteSettings {
        SiteSettings {
            id: SiteId::main(),
            currency: Currency::USD,
            time_zone: TimeZone::UTC,
            languages: vec!["en".to_owned()],
            jurisdiction: None,
            price_list: None,
        }
    }
}

/// A shop or warehouse.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LocationSettings {
    /// The name in requests and files.
    #[serde(with = "text")]
    pub id: LocationId,
    /// The site it sells for; null is the first.
    #[serde(with = "text::optional", default)]
    pub site: Option<SiteId>,
    /// Its clock; null is that of its site.
    #[serde(with = "text::optional", default)]
    pub time_zone: Option<TimeZone>,
    /// Minutes after midnight at which a business day begins.
    #[serde(deserialize_with = "text::within::<0, 1_439, _>", default)]
    day_cut_minutes: u64,
    /// Days on which it is closed.
    #[serde(default)]
    pub closed: Vec<ClosedOn>,
    /// Degrees north of the equator; null where it is not to be found by distance.
    #[serde(default)]
    pub latitude: Option<f64>,
    /// Degrees east of Greenwich, likewise.
    #[serde(default)]
    pub longitude: Option<f64>,
}

impl LocationSettings {
    /// Where it is.
    ///
    /// # Errors
    ///
    /// The setting at fault and what is wrong with it.
    pub fn point(&self) -> Result<Option<GeoPoint>, (&'static str, String)> {
        match (self.latitude, self.longitude) {
            (None, None) => Ok(None),
            (Some(latitude), Some(longitude)) => match GeoPoint::new(latitude, longitude) {
                Ok(point) => Ok(Some(point)),
                Err(error) => Err((error.field, error.to_string())),
            },
            (latitude, _) => {
                let missing = if latitude.is_none() { "latitude" } else { "longitude" };
                Err((missing, "is missing beside the other one; give both or neither".to_owned()))
            }
        }
    }

    /// Minutes after midnight at which a business day begins.
    pub fn day_cut_minutes(&self) -> u16 {
        u16::try_from(self.day_cut_minutes).expect("the reader checked the range")
    }
}

/// How the log is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LogSettings {
    /// Days after which records move to the archive; null is never. More than the seven days in
    /// which duplicates are known.
    #[serde(deserialize_with = "text::within_optional::<8, 36_500, _>")]
    pub archive_after_days: Option<u64>,
}

impl Default for LogSettings {
    fn default() -> LogSettings {
        LogSettings { archive_after_days: Some(30) }
    }
}

/// How often the views are saved.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SnapshotSettings {
    /// Seconds between two snapshots while records come in.
    #[serde(deserialize_with = "text::within::<1, 86_400, _>")]
    pub every_s: u64,
    /// Records after which a snapshot is taken even sooner.
    #[serde(deserialize_with = "text::within::<1_000, 1_000_000_000, _>")]
    pub every_records: u64,
    /// How many are kept.
    #[serde(deserialize_with = "text::within::<1, 100, _>")]
    pub keep: u64,
    /// Seconds after an erasure until a snapshot is taken and all older ones are destroyed.
    #[serde(deserialize_with = "text::within::<0, 40, _>")]
    pub after_erasure_s: u64,
}

impl Default for SnapshotSettings {
    fn default() -> SnapshotSettings {
        SnapshotSettings { every_s: 300, every_records: 1_000_000, keep: 2, after_erasure_s: 10 }
    }
}

/// What is recorded of answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ImpressionSettings {
    /// The share of answers that are recorded.
    #[serde(deserialize_with = "text::share")]
    pub sample: f64,
    /// Milliseconds between two writes.
    #[serde(deserialize_with = "text::within::<10, 60_000, _>")]
    pub flush_ms: u64,
    /// Answers that wait to be written; beyond, they are dropped and counted.
    #[serde(deserialize_with = "text::within::<1, 1_000_000, _>")]
    pub queue_max: u64,
}

impl Default for ImpressionSettings {
    fn default() -> ImpressionSettings {
        ImpressionSettings { sample: 1.0, flush_ms: 1_000, queue_max: 20_000 }
    }
}

/// How recommendations are answered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RecommendationSettings {
    /// Products in an answer whose request names no limit.
    #[serde(deserialize_with = "text::within::<1, 100, _>")]
    pub limit_default: u64,
    /// Products in an answer at most.
    #[serde(deserialize_with = "text::within::<1, 100, _>")]
    pub limit_max: u64,
    /// The share of its expected NDCG that a list may give up for variety.
    #[serde(deserialize_with = "text::share")]
    pub diversity: f64,
    /// How products whose worth is not known yet are tried out.
    pub exploration: ExplorationSettings,
    /// How a running visit is read.
    pub session: SessionSettings,
    /// How the shop's own model is kept.
    pub model: ModelSettings,
}

/// How the shop's own model of who likes what is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ModelSettings {
    /// Hours from one learning to the next; 0 learns only when asked.
    #[serde(deserialize_with = "text::within::<0, 8_760, _>")]
    pub learn_every_hours: u64,
    /// Minutes from one fit of the serving model to the next.
    #[serde(deserialize_with = "text::within::<1, 1_440, _>")]
    pub fit_every_minutes: u64,
    /// Answers an hour whose signals are recorded to learn the order of lists from, at most; 0 for none, and
    /// then no such order serves.
    #[serde(deserialize_with = "text::within::<0, 10_000, _>")]
    pub signals_per_hour: u64,
}

impl Default for ModelSettings {
    fn default() -> ModelSettings {
        ModelSettings { learn_every_hours: 24, fit_every_minutes: 60, signals_per_hour: 50 }
    }
}

impl Default for RecommendationSettings {
    fn default() -> RecommendationSettings {
        RecommendationSettings {
            limit_default: 10,
            limit_max: 100,
            diversity: 0.02,
            exploration: ExplorationSettings::default(),
            session: SessionSettings::default(),
            model: ModelSettings::default(),
        }
    }
}

/// A steady rate with room for bursts (token bucket).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rate {
    /// Requests a second in the long run.
    #[serde(deserialize_with = "text::within::<1, 10_000_000, _>")]
    pub per_s: u64,
    /// Requests at once after a rest.
    #[serde(deserialize_with = "text::within::<1, 100_000_000, _>")]
    pub burst: u64,
}

/// How many requests a key may make, by its role.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[allow(missing_docs, reason = "the fields are the roles of the contract")]
pub struct LimitSettings {
    pub ingest_browser: Rate,
    pub ingest_server: Rate,
    pub storefront_browser: Rate,
    pub storefront_server: Rate,
    pub analyst: Rate,
    pub merchandiser: Rate,
    pub planner: Rate,
    pub privacy: Rate,
    pub admin: Rate,
    /// One client of a browser key, told apart by address.
    pub browser_client: Rate,
    /// One shopper of a browser key, from whichever address.
    pub browser_shopper: Rate,
}

impl Default for LimitSettings {
    fn default() -> LimitSettings {
        let rate = |per_s, burst| Rate { per_s, burst };
        LimitSettings {
            ingest_browser: rate(2_000, 10_000),
            ingest_server: rate(20_000, 100_000),
            storefront_browser: rate(2_000, 10_000),
            storefront_server: rate(20_000, 100_000),
            analyst: rate(50, 500),
            merchandiser: rate(200, 2_000),
            planner: rate(200, 2_000),
            privacy: rate(50, 500),
            admin: rate(20_000, 100_000),
            browser_client: rate(50, 500),
            browser_shopper: rate(50, 500),
        }
    }
}

impl LimitSettings {
    /// The rate of a key of this role.
    pub fn of(&self, role: Role) -> Rate {
        match role {
            Role::IngestBrowser => self.ingest_browser,
            Role::IngestServer => self.ingest_server,
            Role::StorefrontBrowser => self.storefront_browser,
            Role::StorefrontServer => self.storefront_server,
            Role::Analyst => self.analyst,
            Role::Merchandiser => self.merchandiser,
            Role::Planner => self.planner,
            Role::Privacy => self.privacy,
            Role::Admin => self.admin,
        }
    }
}

/// Who may call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AccessSettings {
    /// Whether every request of the API needs a key.
    pub require_keys: bool,
    /// Whether catalogue and non-personal recommendations may be read without a key.
    pub public_reads: bool,
    /// Seconds that a shopper token may still be valid when it arrives.
    #[serde(deserialize_with = "text::within::<60, 31_536_000, _>")]
    pub shopper_token_s_max: u64,
    /// How people sign in.
    pub oidc: OidcSettings,
}

impl Default for AccessSettings {
    fn default() -> AccessSettings {
        AccessSettings {
            require_keys: true,
            public_reads: false,
            shopper_token_s_max: 86_400,
            oidc: OidcSettings::default(),
        }
    }
}

/// How the audit log is published and how long it is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AuditSettings {
    /// Seconds between two signed tree heads.
    #[serde(deserialize_with = "text::within::<10, 86_400, _>")]
    pub head_every_s: u64,
    /// A file to which heads are appended.
    pub heads_file: Option<String>,
    /// Days that the texts of entries are kept; their hashes stay. Never is for good.
    #[serde(deserialize_with = "text::within_optional::<90, 36_500, _>")]
    pub entries_days: Option<u64>,
}

impl Default for AuditSettings {
    fn default() -> AuditSettings {
        AuditSettings { head_every_s: 600, heads_file: None, entries_days: None }
    }
}

/// `personalization` of the original brief.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BriefPersonalization {
    /// Names of models.
    pub models: BriefModels,
    /// Whether events count at once; they always do, and `false` is refused.
    pub real_time_processing: Always,
    /// Seconds that generated content is kept.
    pub cache_ttl: Option<u64>,
}

/// `personalization.models` of the original brief.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BriefModels {
    /// Which model recommends.
    pub recommendation: Option<String>,
    /// Which model writes.
    pub content_generation: Option<String>,
}

/// A setting that can only be `true`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Always;

impl Serialize for Always {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_bool(true)
    }
}

impl<'de> Deserialize<'de> for Always {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Always, D::Error> {
        d.deserialize_bool(AlwaysVisitor)
    }
}

struct AlwaysVisitor;

impl serde::de::Visitor<'_> for AlwaysVisitor {
    type Value = Always;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("true")
    }

    fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<Always, E> {
        if value {
            return Ok(Always);
        }
        Err(E::custom(
            "`false` is not possible: every event counts as soon as it is durable; write true or \
             leave it out",
        ))
    }
}

/// `content_generation` of the original brief.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BriefContentGeneration {
    /// IETF tags to write in.
    pub languages: Option<Vec<String>>,
    /// Whether texts are written for search engines too.
    pub seo_optimization: Option<bool>,
    /// How the shop speaks.
    pub brand_voice: Option<String>,
}
