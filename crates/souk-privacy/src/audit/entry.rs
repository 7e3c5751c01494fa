use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use souk_core::Timestamp;

use super::tree::from_hex;

/// Bytes of an entry at most.
pub const ENTRY_BYTES_MAX: usize = 4_096;
/// Bytes of one text of an entry at most; chosen.
pub const TEXT_BYTES_MAX: usize = 128;
/// Details of an entry at most; chosen: all texts at their limit stay within [`ENTRY_BYTES_MAX`].
pub const DETAILS_MAX: usize = 8;

/// The version of the canonical bytes.
const VERSION: u32 = 1;

/// How an act ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Outcome {
    /// It is about to be done; another entry tells the end, unless a crash came between.
    Begun,
    /// It was done.
    Done,
    /// It was refused.
    Denied,
    /// It was tried, and it failed.
    Failed,
}

impl Outcome {
    /// Every outcome.
    pub const ALL: [Outcome; 4] = [Outcome::Begun, Outcome::Done, Outcome::Denied, Outcome::Failed];

    /// The name in entries.
    pub fn as_str(self) -> &'static str {
        match self {
            Outcome::Begun => "begun",
            Outcome::Done => "done",
            Outcome::Denied => "denied",
            Outcome::Failed => "failed",
        }
    }

    /// Reads the name in entries.
    pub fn parse(name: &str) -> Option<Outcome> {
        Outcome::ALL.into_iter().find(|outcome| outcome.as_str() == name)
    }
}

/// What an entry says of many acts of a machine at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tally {
    /// How many acts.
    pub count: u64,
    /// A digest of the subjects that they concerned, if any: the sum, modulo 2^128, of a keyed hash
    /// for each act with a known subject. It tells nothing by itself; who has the key can check a
    /// guess.
    pub subjects: Option<[u8; 16]>,
}

/// One entry: who did what, to which object, for which purpose, when, and how it ended.
///
/// It holds no personal data but pseudonyms. That is kept by form: every text is a slug or has no
/// space and no `@` ([`is_slug`], [`is_plain`]), so that a name, an address or free text does not fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    /// When; for a tally the minute that it counts.
    pub at: Timestamp,
    /// The key's public part, or `local` for the command line of the machine itself.
    pub who: String,
    /// The caller's role.
    pub role: String,
    /// What was done, for example `key.create`.
    pub operation: String,
    /// On what, as kind and pseudonym: `key:91f2…`.
    pub object: Option<String>,
    /// What for.
    pub purpose: String,
    /// How it ended.
    pub outcome: Outcome,
    /// The request that asked for it, as in the server's log.
    pub request_id: Option<String>,
    /// Set where the entry stands for many acts of a machine.
    pub tally: Option<Tally>,
    /// What else matters, by name.
    pub details: BTreeMap<String, String>,
}

/// Why an entry cannot be written or read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EntryError {
    /// A text has a form that entries do not take.
    #[error(
        "audit field `{field}` has a value that is too long or has characters beyond letters, \
         digits and `._:/+,=-`; give a pseudonym or a slug"
    )]
    Text {
        /// Which field.
        field: &'static str,
    },
    /// More than [`DETAILS_MAX`] details.
    #[error("an audit entry has {0} details; the limit is {DETAILS_MAX}")]
    TooMany(usize),
    /// The stored bytes are not those of an entry.
    #[error("the entry is damaged: {0}")]
    Damaged(&'static str),
    /// The entry is of a newer program.
    #[error("the entry has version {0}; use a newer souk")]
    Version(u32),
}

/// Whether a text is a slug: lower-case letters, digits, `_`, `.` and `-`.
pub fn is_slug(text: &str) -> bool {
    let is_letter = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_.-".contains(&b);
    (1..=TEXT_BYTES_MAX).contains(&text.len()) && text.bytes().all(is_letter)
}

/// Whether a text has only ASCII letters, digits and `._:/+,=-`: no space, no `@`, nothing quoted.
pub fn is_plain(text: &str) -> bool {
    let is_letter = |b: u8| b.is_ascii_alphanumeric() || b"._:/+,=-".contains(&b);
    (1..=TEXT_BYTES_MAX).contains(&text.len()) && text.bytes().all(is_letter)
}

/// The canonical form, as JSON; the order of the fields is part of it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    v: u32,
    at: String,
    who: String,
    role: String,
    operation: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    object: Option<String>,
    purpose: String,
    outcome: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    request_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    count: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    subjects: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    details: BTreeMap<String, String>,
}

impl AuditEntry {
    /// The canonical bytes, version 1: JSON without spaces, fields in a fixed order, absent ones left
    /// out. They are what the tree hashes, so equal entries have equal bytes for ever.
    ///
    /// # Errors
    ///
    /// [`EntryError::Text`] or [`EntryError::TooMany`] for an entry that must not be stored.
    pub fn to_bytes(&self) -> Result<Vec<u8>, EntryError> {
        self.check()?;
        let form = Form {
            v: VERSION,
            at: self.at.to_string(),
            who: self.who.clone(),
            role: self.role.clone(),
            operation: self.operation.clone(),
            object: self.object.clone(),
            purpose: self.purpose.clone(),
            outcome: self.outcome.as_str().to_owned(),
            request_id: self.request_id.clone(),
            count: self.tally.map(|tally| tally.count),
            subjects: self
                .tally
                .and_then(|tally| tally.subjects)
                .map(|digest| format!("{:032x}", u128::from_be_bytes(digest))),
            details: self.details.clone(),
        };
        let bytes = serde_json::to_vec(&form).expect("texts and numbers always serialise");
        assert!(bytes.len() <= ENTRY_BYTES_MAX, "the limits of the fields bound the whole");
        Ok(bytes)
    }

    /// Reads canonical bytes; any other bytes are damage, also if they mean the same.
    ///
    /// # Errors
    ///
    /// [`EntryError::Damaged`] or [`EntryError::Version`].
    pub fn from_bytes(bytes: &[u8]) -> Result<AuditEntry, EntryError> {
        if bytes.len() > ENTRY_BYTES_MAX {
            return Err(EntryError::Damaged("it is too long"));
        }
        let form: Form = serde_json::from_slice(bytes)
            .map_err(|_| EntryError::Damaged("it is not JSON with the fields of an entry"))?;
        if form.v != VERSION {
            return Err(EntryError::Version(form.v));
        }
        let tally = match (form.count, form.subjects.as_deref().map(from_hex)) {
            (None, None) => None,
            (Some(count), None) => Some(Tally { count, subjects: None }),
            (Some(count), Some(Some(digest))) => Some(Tally { count, subjects: Some(digest) }),
            _ => return Err(EntryError::Damaged("`count` and `subjects` do not fit")),
        };
        let entry = AuditEntry {
            at: Timestamp::parse(&form.at).map_err(|_| EntryError::Damaged("`at` is no time"))?,
            who: form.who,
            role: form.role,
            operation: form.operation,
            object: form.object,
            purpose: form.purpose,
            outcome: Outcome::parse(&form.outcome)
                .ok_or(EntryError::Damaged("`outcome` is unknown"))?,
            request_id: form.request_id,
            tally,
            details: form.details,
        };
        match entry.to_bytes() {
            Ok(canonical) if canonical == bytes => Ok(entry),
            Ok(_) => Err(EntryError::Damaged("it is not in canonical form")),
            Err(error) => Err(error),
        }
    }

    fn check(&self) -> Result<(), EntryError> {
        let texts = [
            ("who", is_plain(&self.who)),
            ("role", is_slug(&self.role)),
            ("operation", is_slug(&self.operation)),
            ("object", self.object.as_deref().is_none_or(is_plain)),
            ("purpose", is_slug(&self.purpose)),
            ("request_id", self.request_id.as_deref().is_none_or(is_plain)),
            ("details", self.details.iter().all(|(name, value)| is_slug(name) && is_plain(value))),
        ];
        if let Some((field, _)) = texts.into_iter().find(|(_, is_good)| !is_good) {
            return Err(EntryError::Text { field });
        }
        if self.details.len() > DETAILS_MAX {
            return Err(EntryError::TooMany(self.details.len()));
        }
        Ok(())
    }
}
