//! Sealing a piece of text into a token: AES-256-GCM, the kind as associated data.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::EntityKind;
use crate::seal::SecretKey;

/// What the key of tokens is derived by from a subject's own, so that no key seals two kinds of things.
const PURPOSE: &[u8] = b"souk pii token key 1";

/// A key for tokens, derived from or wrapped under the subject's own: without it they are noise.
pub struct TokenKey(LessSafeKey);

impl std::fmt::Debug for TokenKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TokenKey(…)")
    }
}

/// Why a token was not opened.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("the token was changed, or belongs to another key or kind")]
pub struct TokenError;

impl TokenKey {
    /// A key from 256 secret bits.
    pub fn new(secret: [u8; 32]) -> TokenKey {
        let key = UnboundKey::new(&AES_256_GCM, &secret).expect("AES-256 takes keys of 32 bytes");
        TokenKey(LessSafeKey::new(key))
    }

    /// The key for a person's tokens: HMAC-SHA-256 of the person's data key over a fixed text. Nobody but the holder of
    /// the data key can make it, and it is gone with the data key.
    pub fn of_subject(data_key: &SecretKey) -> TokenKey {
        let mut mac: Hmac<Sha256> =
            Hmac::new_from_slice(data_key.bytes()).expect("HMAC takes keys of any length");
        mac.update(PURPOSE);
        let derived: Zeroizing<[u8; 32]> = Zeroizing::new(mac.finalize().into_bytes().into());
        TokenKey::new(*derived)
    }

    /// Seals data. The nonce must be random and never used twice with one key.
    pub fn seal(&self, kind: EntityKind, data: &str, nonce: [u8; NONCE_LEN]) -> String {
        let mut sealed = data.as_bytes().to_vec();
        let aad = Aad::from(kind.as_str().as_bytes());
        let done =
            self.0.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), aad, &mut sealed);
        done.expect("a text is shorter than 64 GB");
        let mut token = nonce.to_vec();
        token.append(&mut sealed);
        URL_SAFE_NO_PAD.encode(token)
    }

    /// Opens what [`seal`](TokenKey::seal) made.
    ///
    /// # Errors
    ///
    /// [`TokenError`] for any change, another key or another kind.
    pub fn open(&self, kind: EntityKind, token: &str) -> Result<String, TokenError> {
        let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| TokenError)?;
        let (nonce, sealed) = bytes.split_first_chunk::<NONCE_LEN>().ok_or(TokenError)?;
        let aad = Aad::from(kind.as_str().as_bytes());
        let mut sealed = sealed.to_vec();
        let plain = self.0.open_in_place(Nonce::assume_unique_for_key(*nonce), aad, &mut sealed);
        let plain = plain.map_err(|_| TokenError)?;
        String::from_utf8(plain.to_vec()).map_err(|_| TokenError)
    }
}
