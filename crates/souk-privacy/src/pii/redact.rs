//! Taking personal data out of a text: drop, mask, hash or tokenise.

mod token;

use std::collections::BTreeMap;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::{Entity, EntityKind};

pub use token::{TokenError, TokenKey};

/// What stands in the text instead of personal data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// The data itself.
    Keep,
    /// Nothing.
    Drop,
    /// Its kind: `[EMAIL]`.
    Mask,
    /// Its kind and a keyed hash, equal for equal data: `[EMAIL:5f0c9a2be1d34477]`.
    Hash,
    /// Its kind and a sealed copy, that the key opens again: `[EMAIL:tok_…]`.
    Tokenise,
}

/// A policy for each kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policies {
    /// For kinds that are not listed.
    pub otherwise: Policy,
    /// For these kinds.
    pub kinds: BTreeMap<EntityKind, Policy>,
}

impl Policies {
    /// The policy for a kind.
    pub fn of(&self, kind: EntityKind) -> Policy {
        self.kinds.get(&kind).copied().unwrap_or(self.otherwise)
    }
}

/// The key of hashes: equal data has equal hashes under one key, and nothing else can be learned.
#[derive(Clone)]
pub struct HashKey(Hmac<Sha256>);

impl std::fmt::Debug for HashKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("HashKey(…)")
    }
}

impl HashKey {
    /// A key from 256 secret bits.
    pub fn new(secret: [u8; 32]) -> HashKey {
        HashKey(Hmac::new_from_slice(&secret).expect("HMAC takes keys of any length"))
    }

    /// 64 bits of HMAC-SHA-256 over kind and data. Case and spacing do not count, so that one address
    /// written twice is one.
    fn hash(&self, kind: EntityKind, data: &str) -> String {
        let mut mac = self.0.clone();
        mac.update(kind.as_str().as_bytes());
        mac.update(&[0]);
        let plain: String =
            data.chars().filter(|c| !c.is_whitespace()).flat_map(char::to_lowercase).collect();
        mac.update(plain.as_bytes());
        let bytes = mac.finalize().into_bytes();
        souk_core::hexadecimal(&bytes[..8])
    }
}

/// Seals a piece of text under the subject's key; `None` when there is none, then it is masked.
pub type Seal<'a> = &'a mut dyn FnMut(EntityKind, &str) -> Option<String>;

/// The text without the personal data that the policies take out; `None` if nothing changed.
///
/// `entities` as the detector gives them for this text.
pub fn redact(
    text: &str,
    entities: &[Entity],
    by: (&Policies, &HashKey),
    seal: Seal<'_>,
) -> Option<String> {
    let (policies, key) = by;
    if entities.iter().all(|entity| policies.of(entity.kind) == Policy::Keep) {
        return None;
    }
    let mut out = String::with_capacity(text.len());
    let mut done = 0;
    for entity in entities {
        let policy = policies.of(entity.kind);
        if policy == Policy::Keep {
            continue;
        }
        out.push_str(&text[done..entity.begin]);
        done = entity.end;
        let data = &text[entity.begin..entity.end];
        let name = entity.kind.as_str();
        match policy {
            Policy::Keep | Policy::Drop => {
                // One space is enough where two would meet.
                if out.ends_with(' ') && text[done..].starts_with(' ') {
                    done += 1;
                }
            }
            Policy::Mask => push_bracketed(&mut out, name, None),
            Policy::Hash => push_bracketed(&mut out, name, Some(&key.hash(entity.kind, data))),
            Policy::Tokenise => {
                let sealed = seal(entity.kind, data).map(|sealed| format!("{TOKEN_MARK}{sealed}"));
                push_bracketed(&mut out, name, sealed.as_deref());
            }
        }
    }
    out.push_str(&text[done..]);
    Some(out)
}

/// Begins a token behind the kind.
const TOKEN_MARK: &str = "tok_";

fn push_bracketed(out: &mut String, name: &str, value: Option<&str>) {
    out.push('[');
    out.push_str(name);
    if let Some(value) = value {
        out.push(':');
        out.push_str(value);
    }
    out.push(']');
}

/// Puts the data of tokens back; a token that `open` refuses stays.
pub fn reveal(text: &str, open: &mut dyn FnMut(EntityKind, &str) -> Option<String>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(begin) = rest.find('[') {
        out.push_str(&rest[..begin]);
        rest = &rest[begin..];
        let opened =
            token_at(rest).and_then(|(kind, sealed, end)| Some((open(kind, sealed)?, end)));
        match opened {
            Some((data, end)) => {
                out.push_str(&data);
                rest = &rest[end..];
            }
            None => {
                out.push('[');
                rest = &rest[1..];
            }
        }
    }
    out.push_str(rest);
    out
}

/// The token at the beginning of a text: kind, sealed part, length.
fn token_at(text: &str) -> Option<(EntityKind, &str, usize)> {
    let end = text.find(']')?;
    let (name, sealed) = text[1..end].split_once(':')?;
    Some((EntityKind::parse(name)?, sealed.strip_prefix(TOKEN_MARK)?, end + 1))
}

#[cfg(test)]
mod tests;
