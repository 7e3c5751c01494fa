use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use serde::{Deserialize, Serialize};
use souk_core::{Timestamp, hexadecimal};

use super::TreeHash;
use super::tree::from_hex;

/// The version of a published line.
const VERSION: u32 = 1;
/// Bytes of a published line at most; chosen: twice what one takes.
const LINE_BYTES_MAX: usize = 1_024;
/// Bytes of an origin at most; chosen.
const ORIGIN_BYTES_MAX: usize = 100;

/// A tree at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TreeHead {
    /// Whose tree it is, for example `souk/3f9c…`; visible ASCII without spaces.
    pub origin: String,
    /// Entries in it.
    pub size: u64,
    /// What stands for all of them.
    pub root: TreeHash,
    /// When it was signed.
    pub at: Timestamp,
}

impl TreeHead {
    /// The text that is signed: the body of a C2SP `tlog-checkpoint` with the time as its extension
    /// line, so that tools for transparency logs can check it.
    pub fn signed_text(&self) -> String {
        let root = STANDARD.encode(self.root.0);
        format!("{}\n{}\n{root}\n{}\n", self.origin, self.size, self.at)
    }
}

/// A tree head that an installation vouches for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedTreeHead {
    /// What is vouched for.
    pub head: TreeHead,
    /// The Ed25519 key that signed it.
    pub public_key: [u8; 32],
    /// The signature of [`TreeHead::signed_text`].
    pub signature: [u8; 64],
}

/// Why a published tree head counts for nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeadError {
    /// The line is not one that this program writes.
    #[error("is not a tree head: {0}")]
    Form(&'static str),
    /// The line is of a newer program.
    #[error("has version {0}; use a newer souk")]
    Version(u32),
    /// The signature is of another key or another text.
    #[error("has a wrong signature")]
    Signature,
}

/// Signs tree heads (Ed25519, RFC 8032: deterministic, so it needs no randomness).
pub struct HeadSigner(Ed25519KeyPair);

impl std::fmt::Debug for HeadSigner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("HeadSigner(…)")
    }
}

impl HeadSigner {
    /// The signer of this seed: 32 secret random bytes.
    pub fn new(seed: &[u8; 32]) -> HeadSigner {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed);
        HeadSigner(pair.expect("any 32 bytes are a seed of Ed25519"))
    }

    /// The key that checks what this signs.
    pub fn public_key(&self) -> [u8; 32] {
        self.0.public_key().as_ref().try_into().expect("a key of Ed25519 has 32 bytes")
    }

    /// Signs a head.
    pub fn sign(&self, head: TreeHead) -> SignedTreeHead {
        let signature = self.0.sign(head.signed_text().as_bytes());
        let signature = signature.as_ref().try_into().expect("Ed25519 signs with 64 bytes");
        SignedTreeHead { head, public_key: self.public_key(), signature }
    }
}

/// A published line, as JSON.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    v: u32,
    origin: String,
    size: u64,
    root: String,
    at: String,
    public_key: String,
    signature: String,
}

impl SignedTreeHead {
    /// The head as one line of JSON without a line break.
    pub fn to_line(&self) -> String {
        let line = Line {
            v: VERSION,
            origin: self.head.origin.clone(),
            size: self.head.size,
            root: self.head.root.to_string(),
            at: self.head.at.to_string(),
            public_key: hexadecimal(&self.public_key),
            signature: hexadecimal(&self.signature),
        };
        serde_json::to_string(&line).expect("texts and numbers always serialise")
    }

    /// Reads a line and checks its signature against the key that it names. Whether that key is the
    /// right one is for the caller to know.
    ///
    /// # Errors
    ///
    /// [`HeadError`] says what is wrong with the line.
    pub fn from_line(line: &str) -> Result<SignedTreeHead, HeadError> {
        if line.len() > LINE_BYTES_MAX {
            return Err(HeadError::Form("it is too long"));
        }
        let read: Line = serde_json::from_str(line)
            .map_err(|_| HeadError::Form("it is not JSON with the fields of a head"))?;
        if read.v != VERSION {
            return Err(HeadError::Version(read.v));
        }
        let is_origin = (1..=ORIGIN_BYTES_MAX).contains(&read.origin.len())
            && read.origin.bytes().all(|byte| byte.is_ascii_graphic());
        if !is_origin {
            return Err(HeadError::Form("`origin` is no name of a log"));
        }
        let head = TreeHead {
            origin: read.origin,
            size: read.size,
            root: TreeHash::parse(&read.root)
                .ok_or(HeadError::Form("`root` is no 64 hexadecimal digits"))?,
            at: Timestamp::parse(&read.at).map_err(|_| HeadError::Form("`at` is no time"))?,
        };
        let key = from_hex(&read.public_key)
            .ok_or(HeadError::Form("`public_key` is no 64 hexadecimal digits"))?;
        let signature = from_hex(&read.signature)
            .ok_or(HeadError::Form("`signature` is no 128 hexadecimal digits"))?;
        let signed = SignedTreeHead { head, public_key: key, signature };
        signed.check()?;
        // One head has one line: what is not part of the signature could otherwise be changed.
        if signed.to_line() != line {
            return Err(HeadError::Form("it is not written as this program writes it"));
        }
        Ok(signed)
    }

    /// Checks the signature against the key that the head names.
    ///
    /// # Errors
    ///
    /// [`HeadError::Signature`].
    pub fn check(&self) -> Result<(), HeadError> {
        UnparsedPublicKey::new(&ED25519, &self.public_key)
            .verify(self.head.signed_text().as_bytes(), &self.signature)
            .map_err(|_| HeadError::Signature)
    }
}
