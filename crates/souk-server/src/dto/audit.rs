use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use souk_app::{AuditFilter, AuditHead, AuditItem, AuditPage, AuditProof};
use souk_core::{Timestamp, hexadecimal};
use utoipa::{IntoParams, ToSchema};

use crate::dto::common::Faults;
use crate::problem::{Answer, Problem};

/// Entries of a page that names no `limit`.
const LIMIT_DEFAULT: u32 = 100;
const LIMIT_MAX: u32 = 1_000;

/// Which entries to show.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct AuditQuery {
    /// Not before this time.
    #[param(format = DateTime)]
    since: Option<String>,
    /// Before this time.
    #[param(format = DateTime)]
    until: Option<String>,
    /// What was done: `key.create`, or all that begins so: `key`.
    operation: Option<String>,
    /// Who did it: a key's public part, or `local`.
    key: Option<String>,
    /// What it was done to, as entries show it.
    object: Option<String>,
    /// How many.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
    /// Where to go on: the `cursor` of the page before.
    cursor: Option<String>,
}

impl AuditQuery {
    /// The filter, where to go on, and how many.
    pub(crate) fn parse(self) -> Answer<(AuditFilter, Option<u64>, usize)> {
        let mut faults = Faults::default();
        let mut time = |name: &str, text: Option<String>| {
            let read = text.as_deref().map(Timestamp::parse).transpose();
            read.unwrap_or_else(|error| {
                faults.add(name, error.to_string());
                None
            })
        };
        let (since, until) = (time("since", self.since), time("until", self.until));
        let limit = self.limit.unwrap_or(LIMIT_DEFAULT);
        if !(1..=LIMIT_MAX).contains(&limit) {
            let detail = format!("limit is {limit}; it must be between 1 and {LIMIT_MAX}");
            faults.add("limit", detail);
        }
        let before = match self.cursor.as_deref().map(read_cursor) {
            Some(None) => {
                faults.add("cursor", "the cursor is not one that this server gave");
                None
            }
            Some(number) => number,
            None => None,
        };
        if !faults.found.is_empty() {
            return Err(Problem::invalid(faults.found));
        }
        let (operation, key_id, object) = (self.operation, self.key, self.object);
        Ok((AuditFilter { since, until, operation, key_id, object }, before, limit as usize))
    }
}

fn write_cursor(before: u64) -> String {
    URL_SAFE_NO_PAD.encode(before.to_be_bytes())
}

fn read_cursor(text: &str) -> Option<u64> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    Some(u64::from_be_bytes(bytes.try_into().ok()?))
}

/// What to prove: `entry` with or without `tree_size`, or `from` with or without `to`.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ProofQuery {
    /// That this entry is in the tree.
    entry: Option<u64>,
    /// In the tree of so many entries; the newest when left out.
    tree_size: Option<u64>,
    /// That the tree of so many entries is the beginning of a later one.
    from: Option<u64>,
    /// Of the tree of so many entries; the newest when left out.
    to: Option<u64>,
}

/// What a question asks to have proved.
pub(crate) enum Asked {
    Inclusion(u64, Option<u64>),
    Consistency(u64, Option<u64>),
}

impl ProofQuery {
    pub(crate) fn parse(self) -> Answer<Asked> {
        match (self.entry, self.from) {
            (Some(entry), None) if self.to.is_none() => Ok(Asked::Inclusion(entry, self.tree_size)),
            (None, Some(from)) if self.tree_size.is_none() => Ok(Asked::Consistency(from, self.to)),
            _ => {
                let detail = "give `entry`, with or without `tree_size`, or `from`, with or without \
                              `to`";
                Err(Problem::field("entry", detail.to_owned()))
            }
        }
    }
}

/// One entry: who did what, to which object, what for, when, and how it ended.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AuditEntryAnswer {
    /// Its place in the tree, from 0.
    pub(crate) number: u64,
    /// When; for a count the minute that it counts.
    #[schema(format = DateTime)]
    pub(crate) at: String,
    /// The key's public part, or `local` for the command line of the machine itself.
    pub(crate) who: String,
    /// The caller's role.
    pub(crate) role: String,
    /// What was done.
    pub(crate) operation: String,
    /// On what, as kind and pseudonym.
    #[schema(required)]
    pub(crate) object: Option<String>,
    /// What for.
    pub(crate) purpose: String,
    /// `begun`, `done`, `denied` or `failed`.
    pub(crate) outcome: &'static str,
    /// The request that asked for it.
    #[schema(required)]
    pub(crate) request_id: Option<String>,
    /// How many acts of a machine the entry stands for.
    #[schema(required)]
    pub(crate) count: Option<u64>,
    /// What else matters.
    pub(crate) details: BTreeMap<String, String>,
    /// The very text that the tree hashes: `SHA-256(0x00 || leaf)`.
    pub(crate) leaf: String,
}

impl From<AuditItem> for AuditEntryAnswer {
    fn from(item: AuditItem) -> AuditEntryAnswer {
        let entry = item.entry;
        AuditEntryAnswer {
            number: item.number,
            at: entry.at.to_string(),
            who: entry.who,
            role: entry.role,
            operation: entry.operation,
            object: entry.object,
            purpose: entry.purpose,
            outcome: entry.outcome.as_str(),
            request_id: entry.request_id,
            count: entry.tally.map(|tally| tally.count),
            details: entry.details,
            leaf: item.leaf,
        }
    }
}

/// A page of entries.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AuditList {
    /// The newest first. May be short and still have a successor, where a filter passes over many.
    pub(crate) entries: Vec<AuditEntryAnswer>,
    /// Where to go on; `null` at the end.
    #[schema(required)]
    pub(crate) cursor: Option<String>,
}

impl From<AuditPage> for AuditList {
    fn from(page: AuditPage) -> AuditList {
        let entries = page.items.into_iter().map(AuditEntryAnswer::from).collect();
        AuditList { entries, cursor: page.before.map(write_cursor) }
    }
}

/// A proof as in RFC 6962, section 2.1; hashes are SHA-256 in hexadecimal.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProofAnswer {
    /// Entries of the tree that the proof leads to.
    pub(crate) tree_size: u64,
    /// Its root.
    pub(crate) root: String,
    /// The root of the earlier tree, of a proof of consistency.
    #[schema(required)]
    pub(crate) earlier_root: Option<String>,
    /// The entry, of a proof of inclusion; null for one whose text was removed by its term.
    #[schema(required)]
    pub(crate) entry: Option<AuditEntryAnswer>,
    /// The proof.
    pub(crate) hashes: Vec<String>,
}

impl From<AuditProof> for ProofAnswer {
    fn from(proof: AuditProof) -> ProofAnswer {
        ProofAnswer {
            tree_size: proof.size,
            root: proof.root.to_string(),
            earlier_root: proof.earlier_root.map(|root| root.to_string()),
            entry: proof.item.map(AuditEntryAnswer::from),
            hashes: proof.hashes.iter().map(ToString::to_string).collect(),
        }
    }
}

/// A signed tree head.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HeadAnswer {
    /// Which log it is.
    pub(crate) origin: String,
    /// Entries in the tree.
    pub(crate) tree_size: u64,
    /// What stands for all of them.
    pub(crate) root: String,
    /// When it was signed.
    #[schema(format = DateTime)]
    pub(crate) at: String,
    /// The Ed25519 key, in hexadecimal.
    pub(crate) public_key: String,
    /// The Ed25519 signature of `signed_text`, in hexadecimal.
    pub(crate) signature: String,
    /// The text that is signed: a checkpoint of C2SP `tlog-checkpoint`.
    pub(crate) signed_text: String,
}

impl From<AuditHead> for HeadAnswer {
    fn from(signed: AuditHead) -> HeadAnswer {
        HeadAnswer {
            signed_text: signed.head.signed_text(),
            tree_size: signed.head.size,
            root: signed.head.root.to_string(),
            at: signed.head.at.to_string(),
            public_key: hexadecimal(&signed.public_key),
            signature: hexadecimal(&signed.signature),
            origin: signed.head.origin,
        }
    }
}
