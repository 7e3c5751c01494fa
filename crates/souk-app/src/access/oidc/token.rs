//! A token: read, its signature checked, then its claims (RFC 7519, RFC 8725, OpenID Connect Core 3.1.3.7).

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use super::keys::KeySet;
use super::{Refused, strict};
use crate::Role;
use crate::config::{OidcSettings, SignatureAlgorithm};

/// Bytes of a token; chosen: a person in two hundred groups.
const TOKEN_BYTES_MAX: usize = 16 << 10;
/// Characters of `sub` (OpenID Connect Core section 2).
const SUB_BYTES_MAX: usize = 255;
/// What a token may say that it is; others, as for logging out, are signed by the same keys.
const TYPES: [&str; 2] = ["jwt", "at+jwt"];

/// What is believed.
#[derive(Debug)]
pub(super) struct Rules {
    pub(super) issuer: String,
    audience: String,
    parties: Vec<String>,
    algorithms: Vec<SignatureAlgorithm>,
    role_claim: Vec<String>,
    roles: BTreeMap<String, Role>,
    leeway_s: i64,
    token_s_max: i64,
}

impl Rules {
    pub(super) fn of(settings: &OidcSettings) -> Option<Rules> {
        let bounded = |seconds: u64| i64::try_from(seconds).expect("the settings bound it");
        Some(Rules {
            issuer: settings.issuer.clone().filter(|issuer| !issuer.is_empty())?,
            audience: settings.audience.clone()?,
            parties: settings.authorized_parties.clone(),
            algorithms: settings.algorithms.clone(),
            role_claim: settings.role_claim.clone(),
            roles: settings.roles.iter().map(|(group, role)| (group.clone(), role.0)).collect(),
            leeway_s: bounded(settings.leeway_s),
            token_s_max: bounded(settings.token_s_max),
        })
    }
}

/// Whom a good token is about.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Person {
    pub(super) sub: String,
    /// Each once; none where no group is mapped.
    pub(super) roles: Vec<Role>,
}

/// A token whose signature is not checked yet: nothing but the choice of the key rests on it.
#[derive(Debug)]
pub(super) struct Unchecked<'a> {
    key_id: Option<String>,
    algorithm: SignatureAlgorithm,
    signed: &'a str,
    payload: &'a str,
    signature: Vec<u8>,
}

impl<'a> Unchecked<'a> {
    pub(super) fn read(token: &'a str, rules: &Rules) -> Result<Unchecked<'a>, Refused> {
        if token.len() > TOKEN_BYTES_MAX {
            return Err(Refused("too_long"));
        }
        let malformed = Refused("malformed");
        let (signed, signature) = token.rsplit_once('.').ok_or(malformed)?;
        let (header, payload) = signed.split_once('.').ok_or(malformed)?;
        if payload.contains('.') {
            return Err(malformed);
        }
        let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| malformed)?;
        let header = object(header)?;
        // What must be understood and is not; there is no extension that this program knows.
        if header.contains_key("crit") {
            return Err(Refused("critical"));
        }
        let kind = text(&header, "typ")?.map(str::to_ascii_lowercase);
        let kind = kind.as_deref().map(|kind| kind.strip_prefix("application/").unwrap_or(kind));
        if kind.is_some_and(|kind| !TYPES.contains(&kind)) {
            return Err(Refused("type"));
        }
        let algorithm = text(&header, "alg")?.and_then(SignatureAlgorithm::parse);
        let algorithm = algorithm.filter(|algorithm| rules.algorithms.contains(algorithm));
        let algorithm = algorithm.ok_or(Refused("algorithm"))?;
        let key_id = text(&header, "kid")?.map(str::to_owned);
        Ok(Unchecked { key_id, algorithm, signed, payload, signature })
    }

    pub(super) fn key_id(&self) -> Option<&str> {
        self.key_id.as_deref()
    }

    pub(super) fn algorithm(&self) -> SignatureAlgorithm {
        self.algorithm
    }

    /// Checks the signature, then every claim.
    pub(super) fn check(self, keys: &KeySet, rules: &Rules, now_s: i64) -> Result<Person, Refused> {
        let signed = (self.signed.as_bytes(), self.signature.as_slice());
        keys.verify((self.key_id.as_deref(), self.algorithm), signed)?;
        let claims = object(self.payload)?;
        if text(&claims, "iss")? != Some(rules.issuer.as_str()) {
            return Err(Refused("issuer"));
        }
        check_audience(&claims, rules)?;
        check_times(&claims, rules, now_s)?;
        let sub = text(&claims, "sub")?;
        let sub = sub.filter(|sub| (1..=SUB_BYTES_MAX).contains(&sub.len()));
        let sub = sub.ok_or(Refused("subject"))?.to_owned();
        Ok(Person { sub, roles: roles(&claims, rules) })
    }
}

/// A token for several audiences must say who asked for it, and it must be one of ours.
fn check_audience(claims: &Map<String, Value>, rules: &Rules) -> Result<(), Refused> {
    let (is_ours, count) = match claims.get("aud") {
        Some(Value::String(one)) => (*one == rules.audience, 1),
        Some(Value::Array(many)) => {
            (many.iter().any(|one| one.as_str() == Some(&rules.audience)), many.len())
        }
        _ => (false, 0),
    };
    if !is_ours {
        return Err(Refused("audience"));
    }
    match text(claims, "azp")? {
        Some(party) if party == rules.audience || rules.parties.iter().any(|p| p == party) => {
            Ok(())
        }
        None if count == 1 => Ok(()),
        _ => Err(Refused("authorized_party")),
    }
}

fn check_times(claims: &Map<String, Value>, rules: &Rules, now_s: i64) -> Result<(), Refused> {
    let (now, leeway) = (now_s as f64, rules.leeway_s as f64);
    let expires = seconds(claims, "exp")?.ok_or(Refused("no_expiry"))?;
    if expires + leeway <= now {
        return Err(Refused("expired"));
    }
    if expires > now + rules.token_s_max as f64 + leeway {
        return Err(Refused("too_long_valid"));
    }
    let is_early = |at: Option<f64>| at.is_some_and(|at| at > now + leeway);
    if is_early(seconds(claims, "nbf")?) || is_early(seconds(claims, "iat")?) {
        return Err(Refused("not_yet_valid"));
    }
    Ok(())
}

/// What the groups of the person give; what is not listed gives nothing.
fn roles(claims: &Map<String, Value>, rules: &Rules) -> Vec<Role> {
    let (first, rest) = rules.role_claim.split_first().expect("the settings ask for one");
    let step = |value: Option<&'_ Value>, name: &String| value?.get(name.as_str()).cloned();
    let claim = rest.iter().fold(claims.get(first).cloned(), |at, name| step(at.as_ref(), name));
    let groups: Vec<&str> = match &claim {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(many)) => many.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let mut roles: Vec<Role> =
        groups.iter().filter_map(|group| rules.roles.get(*group).copied()).collect();
    roles.sort_unstable();
    roles.dedup();
    roles
}

fn object(part: &str) -> Result<Map<String, Value>, Refused> {
    let bytes = URL_SAFE_NO_PAD.decode(part).map_err(|_| Refused("malformed"))?;
    strict::object(&bytes).ok_or(Refused("malformed"))
}

/// A text, or nothing; anything else in its place is refused, not passed over.
fn text<'a>(object: &'a Map<String, Value>, name: &str) -> Result<Option<&'a str>, Refused> {
    match object.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(Refused("malformed")),
    }
}

/// Unix seconds, or nothing; a time that is written as a text must not count as no time.
fn seconds(object: &Map<String, Value>, name: &str) -> Result<Option<f64>, Refused> {
    match object.get(name) {
        None => Ok(None),
        Some(Value::Number(number)) => number.as_f64().map(Some).ok_or(Refused("malformed")),
        Some(_) => Err(Refused("malformed")),
    }
}
