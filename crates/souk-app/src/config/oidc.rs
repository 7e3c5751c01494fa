//! `access.oidc` of the settings: how people sign in with the company's own identity provider.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::text;
use crate::{AppError, Role};

/// Whose signatures are believed about people, and what those people may do. Without an issuer
/// nobody signs in this way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OidcSettings {
    /// The provider, exactly as the claim `iss` has it.
    pub issuer: Option<String>,
    /// Whom tokens must be meant for: the claim `aud`.
    pub audience: Option<String>,
    /// Clients besides the audience itself that may have asked for a token: the claim `azp`.
    pub authorized_parties: Vec<String>,
    /// Where the provider's public keys are: `https://…`, or `file:PATH`.
    pub jwks: Option<String>,
    /// A PEM file of authorities that vouch for the provider's host; null: those of the system.
    pub ca_file: Option<String>,
    /// With what tokens may be signed.
    pub algorithms: Vec<SignatureAlgorithm>,
    /// The way to the claim that names a person's groups.
    pub role_claim: Vec<String>,
    /// The role of each group; what is not listed gives none.
    pub roles: BTreeMap<String, PersonRole>,
    /// Seconds by which the clocks of both machines may differ.
    #[serde(deserialize_with = "text::within::<0, 300, _>")]
    pub leeway_s: u64,
    /// Seconds that a token may still be valid when it arrives.
    #[serde(deserialize_with = "text::within::<60, 604_800, _>")]
    pub token_s_max: u64,
    /// Seconds after which the keys are read again.
    #[serde(deserialize_with = "text::within::<60, 86_400, _>")]
    pub refresh_s: u64,
}

/// A signature with a public key (RFC 7518 section 3.1, RFC 8037). What needs a shared secret is not
/// among them: a public key must never serve as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names are those of the registry")]
pub enum SignatureAlgorithm {
    RS256,
    RS384,
    RS512,
    PS256,
    PS384,
    PS512,
    ES256,
    ES384,
    EdDSA,
}

impl SignatureAlgorithm {
    /// Reads the name that a token's header gives.
    pub fn parse(name: &str) -> Option<SignatureAlgorithm> {
        use SignatureAlgorithm::{ES256, ES384, EdDSA, PS256, PS384, PS512, RS256, RS384, RS512};
        let all = [RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, EdDSA];
        // The derived names are those of the registry.
        all.into_iter().find(|algorithm| format!("{algorithm:?}") == name)
    }
}

/// A role that a person may have: any but those of keys that sit in a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PersonRole(pub Role);

impl TryFrom<String> for PersonRole {
    type Error = String;

    fn try_from(name: String) -> Result<PersonRole, String> {
        let role = Role::parse(&name).filter(|role| !role.is_browser());
        role.map(PersonRole).ok_or_else(|| {
            format!(
                "`{name}` is no role for people; write analyst, merchandiser, planner, privacy, \
                 admin, ingest_server or storefront_server"
            )
        })
    }
}

impl From<PersonRole> for String {
    fn from(role: PersonRole) -> String {
        role.0.as_str().to_owned()
    }
}

impl Default for OidcSettings {
    fn default() -> OidcSettings {
        use SignatureAlgorithm::{ES256, EdDSA, RS256};
        OidcSettings {
            issuer: None,
            audience: None,
            authorized_parties: Vec::new(),
            jwks: None,
            ca_file: None,
            algorithms: vec![RS256, ES256, EdDSA],
            role_claim: vec!["roles".to_owned()],
            roles: BTreeMap::new(),
            leeway_s: 60,
            token_s_max: 86_400,
            refresh_s: 3_600,
        }
    }
}

impl OidcSettings {
    /// Checks what concerns several settings at once.
    pub(super) fn check(&self) -> Result<(), AppError> {
        let refuse = |setting: &str, detail: &str| {
            let setting = format!("access.oidc.{setting}");
            let detail = format!("`{setting}`: {detail}");
            Err(AppError::invalid("invalid_setting", &setting, detail))
        };
        if self.issuer.as_deref().is_none_or(str::is_empty) {
            if self.audience.is_some() || self.jwks.is_some() || !self.roles.is_empty() {
                return refuse(
                    "issuer",
                    "whose tokens are they? name the provider, or clear the section",
                );
            }
            return Ok(());
        }
        if self.audience.as_deref().is_none_or(str::is_empty) {
            return refuse("audience", "tokens for other programs would be taken; name Souk's own");
        }
        let Some(jwks) = self.jwks.as_deref() else {
            return refuse("jwks", "there is no key to check with; write https://… or file:PATH");
        };
        if !is_safe_place(jwks) {
            return refuse(
                "jwks",
                "keys must come from https://…, from file:PATH, or over http:// from this machine",
            );
        }
        if self.algorithms.is_empty() {
            return refuse("algorithms", "no signature would be good; list at least one");
        }
        if self.role_claim.is_empty() || self.role_claim.iter().any(String::is_empty) {
            return refuse(
                "role_claim",
                "write the claim's name: [roles], or a way: [realm_access, roles]",
            );
        }
        if self.roles.is_empty() {
            return refuse(
                "roles",
                "nobody would have a role; map at least one group: {staff: analyst}",
            );
        }
        Ok(())
    }
}

/// Whoever can change the keys on their way can sign in as anybody.
fn is_safe_place(url: &str) -> bool {
    if let Some(path) = url.strip_prefix("file:") {
        return !path.is_empty();
    }
    if let Some(rest) = url.strip_prefix("https://") {
        return !rest.is_empty() && !rest.starts_with(['/', ':']) && !rest.contains('@');
    }
    let Some(rest) = url.strip_prefix("http://") else { return false };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = match authority.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    !authority.contains('@')
        && (host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback()))
}
