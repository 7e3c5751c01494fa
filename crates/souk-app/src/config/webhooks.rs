//! `privacy.webhooks` of the settings: whom to tell of people's requests, and how.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::text;
use crate::AppError;

/// Endpoints at most; chosen: what one request makes must fit into one write of the tables.
const ENDPOINTS_MAX: usize = 16;
/// Bytes of an endpoint's name; chosen.
const NAME_BYTES_MAX: usize = 40;

/// Whom to tell of people's requests, and how.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WebhookSettings {
    /// Who is told.
    pub endpoints: Vec<WebhookEndpoint>,
    /// Whether endpoints may have `http://` addresses.
    pub allow_http: bool,
    /// Networks that may be reached although they are not public, as `10.1.0.0/16`.
    pub allowed_networks: Vec<String>,
    /// PEM file of the authorities that vouch for the endpoints' hosts; null is the system's.
    pub ca_file: Option<String>,
    /// Milliseconds for one delivery, from the look-up of the name to the answer's head.
    #[serde(deserialize_with = "text::within::<100, 60_000, _>")]
    pub timeout_ms: u64,
    /// How often a message is tried before it is given up.
    #[serde(deserialize_with = "text::within::<1, 100, _>")]
    pub attempts_max: u64,
    /// Milliseconds before the second attempt; each further pause is four times as long.
    #[serde(deserialize_with = "text::within::<10, 3_600_000, _>")]
    pub retry_first_ms: u64,
    /// Seconds between two attempts at most.
    #[serde(deserialize_with = "text::within::<1, 604_800, _>")]
    pub retry_max_s: u64,
    /// Days that a message that was given up is kept to be sent again.
    #[serde(deserialize_with = "text::within::<1, 365, _>")]
    pub kept_days: u64,
}

impl Default for WebhookSettings {
    fn default() -> WebhookSettings {
        WebhookSettings {
            endpoints: Vec::new(),
            allow_http: false,
            allowed_networks: Vec::new(),
            ca_file: None,
            timeout_ms: 10_000,
            attempts_max: 14,
            retry_first_ms: 5_000,
            retry_max_s: 43_200,
            kept_days: 30,
        }
    }
}

/// One that is told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebhookEndpoint {
    /// Its name in figures, findings and audit entries.
    pub name: String,
    /// Where messages go.
    pub url: String,
    /// Where the secret is that signs them: `file:PATH` or `env:NAME`.
    pub secret: String,
    /// Where the former secret is, while receivers change over.
    #[serde(default)]
    pub secret_previous: Option<String>,
    /// What it is told of.
    pub kinds: Vec<WebhookKind>,
}

/// What an endpoint can be told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "souk.yaml says what each is")]
pub enum WebhookKind {
    Erasure,
    Export,
    ShopErasure,
    Consent,
    AuditHead,
}

/// A network: an address and how many of its bits count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    bits: u8,
}

impl Network {
    /// Reads `10.1.0.0/16` or `fd00:1::/32`; one address alone is a network of itself.
    pub fn parse(text: &str) -> Option<Network> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits.parse::<u8>().ok()?)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().ok()?;
        let all = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.unwrap_or(all);
        (bits <= all).then_some(Network { address, bits })
    }

    /// Whether the address lies in the network. An IPv4 address in the form of IPv6 is that address.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(mine), IpAddr::V4(other)) => {
                let differing = mine.to_bits() ^ other.to_bits();
                differing.checked_shr(32 - u32::from(self.bits)).unwrap_or(0) == 0
            }
            (IpAddr::V6(mine), IpAddr::V6(other)) => {
                let differing = mine.to_bits() ^ other.to_bits();
                differing.checked_shr(128 - u32::from(self.bits)).unwrap_or(0) == 0
            }
            _ => false,
        }
    }
}

impl WebhookSettings {
    /// The networks that may be reached although they are not public.
    pub fn networks(&self) -> Vec<Network> {
        self.allowed_networks.iter().filter_map(|text| Network::parse(text)).collect()
    }

    /// Checks what belongs together.
    pub(super) fn check(&self) -> Result<(), AppError> {
        let refuse = |setting: String, detail: String| {
            let setting = format!("privacy.webhooks.{setting}");
            let detail = format!("`{setting}`: {detail}");
            Err(AppError::invalid("invalid_setting", &setting, detail))
        };
        for (idx, text) in self.allowed_networks.iter().enumerate() {
            if Network::parse(text).is_none() {
                let detail = format!("`{text}` is no network; write for example 10.1.0.0/16");
                return refuse(format!("allowed_networks[{idx}]"), detail);
            }
        }
        if self.endpoints.len() > ENDPOINTS_MAX {
            let n = self.endpoints.len();
            let detail = format!("{n} endpoints; at most {ENDPOINTS_MAX} are possible");
            return refuse("endpoints".to_owned(), detail);
        }
        for (idx, endpoint) in self.endpoints.iter().enumerate() {
            let at = |field: &str| format!("endpoints[{idx}].{field}");
            let is_plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
            let name = &endpoint.name;
            if name.is_empty() || name.len() > NAME_BYTES_MAX || !name.bytes().all(is_plain) {
                let detail = "a name has 1 to 40 small letters, digits and hyphens".to_owned();
                return refuse(at("name"), detail);
            }
            if self.endpoints[..idx].iter().any(|other| other.name == *name) {
                return refuse(at("name"), format!("`{name}` is listed twice; keep one"));
            }
            let is_bare = self.allow_http && endpoint.url.starts_with("http://");
            if !is_bare && !endpoint.url.starts_with("https://") {
                let detail = "write https://host/path; `privacy.webhooks.allow_http` allows http://, \
                              which shows shoppers' ids to whoever is on the way";
                return refuse(at("url"), detail.to_owned());
            }
            // A name and password in the address would end up in logs.
            let authority = endpoint.url.split('/').nth(2).unwrap_or_default();
            if authority.is_empty() || authority.contains('@') {
                let detail = "name a host, without user and password: the signature says who sends";
                return refuse(at("url"), detail.to_owned());
            }
            if endpoint.kinds.is_empty() {
                let detail = "name one of erasure, export, shop_erasure, consent, audit_head";
                return refuse(at("kinds"), detail.to_owned());
            }
        }
        Ok(())
    }
}
