//! The form of a key, and the index by which it is found.
//!
//! `souk_<role>_<27 characters: 160 random bits in base 62><6 characters: CRC-32 of all before>`.
//! The prefix and the checksum let secret scanners find leaked keys without false alarms, and let a
//! mistyped key be refused without a lookup. Only a SHA-256 hash is stored: the key has too much
//! entropy to be guessed, so that a slow hash would only slow down requests.

use std::sync::Arc;

use hashbrown::HashMap;
use parking_lot::RwLock;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use souk_core::{LocationId, SiteId, Timestamp};

use super::{KeyInfo, Places, Role};
use crate::AppError;

const PREFIX: &str = "souk_";
const RANDOM_CHARS: usize = 27;
const CHECK_CHARS: usize = 6;
const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// The hash that stands for a key.
pub(super) type KeyHash = [u8; 32];

/// Makes the text of a key from 160 random bits.
pub(super) fn key_text(role: Role, random: [u8; 20]) -> String {
    let mut text = format!("{PREFIX}{}_", role.abbreviation());
    text.push_str(&base62::<RANDOM_CHARS>(&random));
    let check = crc32(text.as_bytes());
    text.push_str(&base62::<CHECK_CHARS>(&check.to_be_bytes()));
    text
}

/// Whether the text has the form of a key and its checksum is right.
pub(super) fn is_well_formed(text: &str) -> bool {
    let Some(rest) = text.strip_prefix(PREFIX) else { return false };
    let Some((role, secret)) = rest.split_once('_') else { return false };
    if secret.len() != RANDOM_CHARS + CHECK_CHARS
        || !secret.bytes().all(|byte| byte.is_ascii_alphanumeric())
        || Role::ALL.into_iter().all(|of| of.abbreviation() != role)
    {
        return false;
    }
    let (body, check) = text.split_at(text.len() - CHECK_CHARS);
    base62::<CHECK_CHARS>(&crc32(body.as_bytes()).to_be_bytes()) == check
}

/// The hash of a key's text.
pub(super) fn key_hash(text: &str) -> KeyHash {
    Sha256::digest(text.as_bytes()).into()
}

/// The public part of a key: 12 hexadecimal digits of its hash, which say nothing about it.
pub(super) fn key_id(hash: &KeyHash) -> String {
    souk_core::hexadecimal(&hash[..6])
}

/// A number of big-endian bytes in base 62, filled with zeros to `N` digits.
pub(super) fn base62<const N: usize>(bytes: &[u8]) -> String {
    let mut number = bytes.to_vec();
    let mut digits = [ALPHABET[0]; N];
    for digit in digits.iter_mut().rev() {
        let mut rest = 0u32;
        for byte in &mut number {
            let value = rest << 8 | u32::from(*byte);
            *byte = (value / 62) as u8;
            rest = value % 62;
        }
        *digit = ALPHABET[rest as usize];
    }
    debug_assert!(number.iter().all(|&byte| byte == 0), "{N} digits hold the number");
    digits.iter().map(|&digit| char::from(digit)).collect()
}

/// CRC-32 as in ISO 3309 (polynomial 0xEDB88320, reflected).
pub(super) fn crc32(bytes: &[u8]) -> u32 {
    const TABLE: [u32; 256] = crc_table();
    let step = |crc: u32, byte: &u8| TABLE[((crc ^ u32::from(*byte)) & 0xFF) as usize] ^ (crc >> 8);
    !bytes.iter().fold(!0, step)
}

const fn crc_table() -> [u32; 256] {
    let mut table = [0u32; 256];
    let mut idx = 0;
    while idx < 256 {
        let mut value = idx as u32;
        let mut bit = 0;
        while bit < 8 {
            value = if value & 1 == 1 { 0xEDB8_8320 ^ (value >> 1) } else { value >> 1 };
            bit += 1;
        }
        table[idx] = value;
        idx += 1;
    }
    table
}

/// A key as it is stored, as JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct StoredKey {
    hash: String,
    role: String,
    label: String,
    origins: Vec<String>,
    created_at_ms: i64,
    expires_at_ms: Option<i64>,
    /// Absent in rows of programs that could not rotate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    replaced_by: Option<String>,
    /// Absent in rows of programs that knew no places.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    sites: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    locations: Vec<String>,
}

/// The row of a key.
pub(super) fn encode(hash: &KeyHash, info: &KeyInfo) -> Vec<u8> {
    let stored = StoredKey {
        hash: souk_core::hexadecimal(hash),
        role: info.role.as_str().to_owned(),
        label: info.label.clone(),
        origins: info.origins.clone(),
        created_at_ms: info.created_at.as_ms(),
        expires_at_ms: info.expires_at.map(Timestamp::as_ms),
        replaced_by: info.replaced_by.clone(),
        sites: info.places.sites.iter().map(ToString::to_string).collect(),
        locations: info.places.locations.iter().map(ToString::to_string).collect(),
    };
    serde_json::to_vec(&stored).expect("a key is plain data")
}

/// Reads the row of a key.
pub(super) fn decode(key_id: &str, value: &[u8]) -> Result<(KeyHash, KeyInfo), AppError> {
    let bad = |what: &str| AppError::Bug(format!("the stored key {key_id} has {what}"));
    let stored: StoredKey = serde_json::from_slice(value).map_err(|_| bad("no known form"))?;
    let mut hash = KeyHash::default();
    if stored.hash.len() != 64 || !stored.hash.is_ascii() {
        return Err(bad("a bad hash"));
    }
    for (byte, idx) in hash.iter_mut().zip((0..64).step_by(2)) {
        *byte =
            u8::from_str_radix(&stored.hash[idx..idx + 2], 16).map_err(|_| bad("a bad hash"))?;
    }
    let sites = stored.sites.into_iter().map(SiteId::new).collect::<Result<_, _>>();
    let locations = stored.locations.into_iter().map(LocationId::new).collect::<Result<_, _>>();
    let places = Places {
        sites: sites.map_err(|_| bad("a bad site"))?,
        locations: locations.map_err(|_| bad("a bad location"))?,
    };
    let time = |ms| Timestamp::from_ms(ms).map_err(|_| bad("a bad time"));
    let info = KeyInfo {
        key_id: key_id.to_owned(),
        role: Role::parse(&stored.role).ok_or_else(|| bad("an unknown role"))?,
        label: stored.label,
        origins: stored.origins,
        created_at: time(stored.created_at_ms)?,
        expires_at: stored.expires_at_ms.map(time).transpose()?,
        replaced_by: stored.replaced_by,
        places: Arc::new(places),
    };
    Ok((hash, info))
}

/// The keys in memory, by hash.
///
/// Looking up a hash instead of comparing keys makes the time of a miss say nothing about any key.
#[derive(Debug, Default)]
pub(super) struct KeyIndex {
    keys: RwLock<HashMap<KeyHash, KeyInfo>>,
}

impl KeyIndex {
    /// Replaces all keys.
    pub(super) fn replace(&self, keys: HashMap<KeyHash, KeyInfo>) {
        if *self.keys.read() != keys {
            *self.keys.write() = keys;
        }
    }

    pub(super) fn insert(&self, hash: KeyHash, info: KeyInfo) {
        self.keys.write().insert(hash, info);
    }

    pub(super) fn remove(&self, key_id: &str) {
        self.keys.write().retain(|_, info| info.key_id != key_id);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.keys.read().is_empty()
    }

    /// What `found` makes of the key.
    pub(super) fn find<T>(&self, hash: &KeyHash, found: impl FnOnce(&KeyInfo) -> T) -> Option<T> {
        self.keys.read().get(hash).map(found)
    }

    /// Every key, oldest first.
    pub(super) fn list(&self) -> Vec<KeyInfo> {
        let mut keys: Vec<KeyInfo> = self.keys.read().values().cloned().collect();
        keys.sort_by(|a, b| (a.created_at, &a.key_id).cmp(&(b.created_at, &b.key_id)));
        keys
    }
}
