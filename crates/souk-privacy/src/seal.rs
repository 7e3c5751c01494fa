//! Sealing: a person's bytes under a key of their own, so that without the key they are noise.
//!
//! Everything here is AES-256-GCM with a nonce that the caller draws at random (96 bits; a key seals
//! far fewer than the 2^32 messages that NIST SP 800-38D, section 8.3, allows it). What a sealed text
//! belongs to is bound to it as associated data, so that it cannot be moved to another record or
//! subject. What is *not* here: where keys are kept, and where random bytes come from.
//!
//! AES-GCM does not commit to its key: whoever knows two keys can craft one text that opens under
//! both. Nobody who sends text here knows a key, a record names the one subject whose key opens it,
//! and no key is ever found by trial; `docs/decisions/0009-sealed-subjects.md` says why that suffices.

use std::fmt;

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce as RingNonce, UnboundKey};
use sha2::{Digest, Sha256};
use souk_core::{EventId, SubjectId};
use zeroize::{Zeroize, Zeroizing};

/// Bytes of every key.
pub const KEY_BYTES: usize = 32;
/// Bytes of a nonce.
pub const NONCE_BYTES: usize = 12;
/// Bytes of the tag that a sealed text ends with.
pub const TAG_BYTES: usize = 16;
/// The first byte of a sealed body. Plain bodies begin with a wire version, which stays below it.
pub const SEALED_VERSION: u8 = 0x81;
/// The first byte of a sealed blob.
pub const SEALED_BLOB_VERSION: u8 = 0x82;
/// What sealing adds to a body: version, nonce, tag.
pub const OVERHEAD_BYTES: usize = 1 + NONCE_BYTES + TAG_BYTES;
/// Bytes of a wrapped key: nonce, key, tag.
pub const WRAPPED_BYTES: usize = NONCE_BYTES + KEY_BYTES + TAG_BYTES;

/// Random bytes for one sealing; never used twice with a key.
pub type Nonce = [u8; NONCE_BYTES];

/// Why a sealed text does not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnsealError {
    /// The bytes have not the shape of a sealed text of a version this program knows.
    #[error("the bytes are no sealed text of a known version")]
    Malformed,
    /// The key is another one, or the bytes, or what they belong to, were changed.
    #[error("the bytes do not open with this key: they were changed, or it is another key")]
    WrongKeyOrChanged,
}

/// 256 secret bits, overwritten when dropped and never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretKey(Zeroizing<[u8; KEY_BYTES]>);

impl SecretKey {
    /// Takes 256 random bits.
    pub fn new(bytes: [u8; KEY_BYTES]) -> SecretKey {
        SecretKey(Zeroizing::new(bytes))
    }

    /// The bits themselves, for keyed hashes and for storing them.
    pub fn bytes(&self) -> &[u8; KEY_BYTES] {
        &self.0
    }

    fn cipher(&self) -> LessSafeKey {
        let key = UnboundKey::new(&AES_256_GCM, &*self.0).expect("a key has 32 bytes");
        LessSafeKey::new(key)
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey(…)")
    }
}

/// Which record a body belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BodyContext {
    /// Whose it is.
    pub subject: SubjectId,
    /// Which record.
    pub event_id: EventId,
}

impl BodyContext {
    fn associated(&self) -> [u8; 33] {
        let mut bytes = [0; 33];
        bytes[0] = SEALED_VERSION;
        bytes[1..17].copy_from_slice(&self.subject.0);
        bytes[17..].copy_from_slice(&self.event_id.0);
        bytes
    }
}

/// Whether a stored body is sealed; a plain one begins with its wire version.
pub fn is_sealed(body: &[u8]) -> bool {
    body.first() == Some(&SEALED_VERSION)
}

/// Seals a record's body with its subject's key.
pub fn seal_body(key: &SecretKey, context: BodyContext, nonce: Nonce, plain: &[u8]) -> Vec<u8> {
    seal_text(key, (SEALED_VERSION, &context.associated()), nonce, plain)
}

/// Opens what [`seal_body`] made, into `out`, which it empties first.
///
/// # Errors
///
/// [`UnsealError`] when the bytes are no sealed body, or belong to another key, subject or record.
pub fn open_body(
    key: &SecretKey,
    context: BodyContext,
    sealed: &[u8],
    out: &mut Vec<u8>,
) -> Result<(), UnsealError> {
    open_text(key, (SEALED_VERSION, &context.associated()), sealed, out)
}

/// Seals a blob, for example a snapshot's part, under a name that it cannot be moved away from.
pub fn seal_blob(key: &SecretKey, name: &str, nonce: Nonce, plain: &[u8]) -> Vec<u8> {
    seal_text(key, (SEALED_BLOB_VERSION, name.as_bytes()), nonce, plain)
}

/// Opens what [`seal_blob`] made.
///
/// # Errors
///
/// As [`open_body`].
pub fn open_blob(key: &SecretKey, name: &str, sealed: &[u8]) -> Result<Vec<u8>, UnsealError> {
    let mut out = Vec::new();
    open_text(key, (SEALED_BLOB_VERSION, name.as_bytes()), sealed, &mut out)?;
    Ok(out)
}

fn seal_text(
    key: &SecretKey,
    (version, associated): (u8, &[u8]),
    nonce: Nonce,
    plain: &[u8],
) -> Vec<u8> {
    let head = 1 + NONCE_BYTES;
    let mut out = Vec::with_capacity(OVERHEAD_BYTES + plain.len());
    out.push(version);
    out.extend_from_slice(&nonce);
    out.extend_from_slice(plain);
    let nonce = RingNonce::assume_unique_for_key(nonce);
    let sealed =
        key.cipher().seal_in_place_separate_tag(nonce, Aad::from(associated), &mut out[head..]);
    let tag = sealed.expect("a body is far below the 64 GiB that one nonce may seal");
    out.extend_from_slice(tag.as_ref());
    out
}

fn open_text(
    key: &SecretKey,
    (version, associated): (u8, &[u8]),
    sealed: &[u8],
    out: &mut Vec<u8>,
) -> Result<(), UnsealError> {
    out.clear();
    let (first, rest) = sealed.split_first().ok_or(UnsealError::Malformed)?;
    let (nonce, text) = rest.split_first_chunk::<NONCE_BYTES>().ok_or(UnsealError::Malformed)?;
    if *first != version || text.len() < TAG_BYTES {
        return Err(UnsealError::Malformed);
    }
    out.extend_from_slice(text);
    let nonce = RingNonce::assume_unique_for_key(*nonce);
    match key.cipher().open_in_place(nonce, Aad::from(associated), out) {
        Ok(plain) => {
            let len = plain.len();
            out.truncate(len);
            Ok(())
        }
        Err(_) => {
            out.zeroize();
            Err(UnsealError::WrongKeyOrChanged)
        }
    }
}

/// A key sealed by a master key: nonce, ciphertext, tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WrappedKey(pub [u8; WRAPPED_BYTES]);

/// What a master key is told by without telling it: the beginning of a hash of it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MasterKeyId(pub [u8; 8]);

impl fmt::Display for MasterKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for MasterKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MasterKeyId({self})")
    }
}

/// The key that wraps all others. It seals nothing but keys.
#[derive(Clone)]
pub struct MasterKey {
    key: SecretKey,
    cipher: LessSafeKey,
    id: MasterKeyId,
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MasterKey({})", self.id)
    }
}

impl MasterKey {
    /// Takes 256 random bits.
    pub fn new(bytes: [u8; KEY_BYTES]) -> MasterKey {
        let key = SecretKey::new(bytes);
        let mut hash = Sha256::new();
        hash.update(b"souk master key id");
        hash.update(key.bytes());
        let hash = hash.finalize();
        let id = MasterKeyId(hash[..8].try_into().expect("SHA-256 has 32 bytes"));
        MasterKey { cipher: key.cipher(), key, id }
    }

    /// Which key it is.
    pub fn id(&self) -> MasterKeyId {
        self.id
    }

    /// The bits themselves, for storing them where the key is kept.
    pub fn bytes(&self) -> &[u8; KEY_BYTES] {
        self.key.bytes()
    }

    /// Wraps a key for its owner: a subject, or the name of a secret.
    pub fn wrap(&self, owner: &[u8], nonce: Nonce, key: &SecretKey) -> WrappedKey {
        let mut wrapped = [0; WRAPPED_BYTES];
        wrapped[..NONCE_BYTES].copy_from_slice(&nonce);
        let text = &mut wrapped[NONCE_BYTES..NONCE_BYTES + KEY_BYTES];
        text.copy_from_slice(key.bytes());
        let nonce = RingNonce::assume_unique_for_key(nonce);
        let tag = self.cipher.seal_in_place_separate_tag(nonce, Aad::from(owner), text);
        let tag = tag.expect("32 bytes are far below the limit");
        wrapped[NONCE_BYTES + KEY_BYTES..].copy_from_slice(tag.as_ref());
        WrappedKey(wrapped)
    }

    /// Opens what [`MasterKey::wrap`] made for the same owner.
    ///
    /// # Errors
    ///
    /// [`UnsealError::WrongKeyOrChanged`].
    pub fn unwrap(&self, owner: &[u8], wrapped: &WrappedKey) -> Result<SecretKey, UnsealError> {
        let (nonce, text) =
            wrapped.0.split_first_chunk::<NONCE_BYTES>().expect("a wrapped key has 60 bytes");
        let mut text: Zeroizing<[u8; KEY_BYTES + TAG_BYTES]> =
            Zeroizing::new(text.try_into().expect("a wrapped key has 60 bytes"));
        let nonce = RingNonce::assume_unique_for_key(*nonce);
        let plain = self.cipher.open_in_place(nonce, Aad::from(owner), &mut *text);
        let plain = plain.map_err(|_| UnsealError::WrongKeyOrChanged)?;
        Ok(SecretKey::new((&*plain).try_into().expect("a key has 32 bytes")))
    }
}

#[cfg(test)]
mod tests;
