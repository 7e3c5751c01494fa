//! Shopper tokens: the shop's backend says for which shopper a page may ask.
//!
//! A JSON Web Token (RFC 7519) in compact form, signed with HMAC-SHA256 (`HS256`), claims `sub` (the
//! user id) and `exp` (Unix seconds), at most also `iat` and `nbf`. The key is the text that
//! `souk keys shopper-secret` prints, taken as ASCII, so that any JWT library makes tokens:
//! `jwt.sign({sub: userId}, secret, {expiresIn: "15m"})`. No other algorithm is accepted, whatever
//! the token's own header asks for.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use serde::Deserialize;
use sha2::Sha256;

/// Bytes of a token; chosen: an id of 255 bytes in base 64 and some claims fit twice.
const TOKEN_BYTES_MAX: usize = 2_048;
/// Seconds by which the clocks of two machines may differ; chosen.
const SKEW_S: i64 = 30;

/// Signs and checks tokens.
#[derive(Clone)]
pub(super) struct TokenSigner {
    secret: String,
    mac: Hmac<Sha256>,
}

impl std::fmt::Debug for TokenSigner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TokenSigner(…)")
    }
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    #[serde(default)]
    crit: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
struct Claims {
    sub: String,
    exp: f64,
    #[serde(default)]
    nbf: Option<f64>,
}

impl TokenSigner {
    pub(super) fn new(secret: [u8; 32]) -> TokenSigner {
        let secret = souk_core::hexadecimal(&secret);
        let mac = Hmac::new_from_slice(secret.as_bytes()).expect("HMAC takes keys of any length");
        TokenSigner { secret, mac }
    }

    /// The text that signs, for the shop's backend.
    pub(super) fn secret(&self) -> &str {
        &self.secret
    }

    /// Makes a token that ends at `expires_s` (Unix seconds).
    pub(super) fn sign(&self, user_id: &str, expires_s: i64) -> String {
        let claims = serde_json::json!({"sub": user_id, "exp": expires_s});
        let header = URL_SAFE_NO_PAD.encode(br#"{"alg":"HS256","typ":"JWT"}"#);
        let signed = format!("{header}.{}", URL_SAFE_NO_PAD.encode(claims.to_string()));
        let mut mac = self.mac.clone();
        mac.update(signed.as_bytes());
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
    }

    /// The user id of a token that is valid now and not for longer than `longest_s`.
    pub(super) fn verify(&self, token: &str, now_s: i64, longest_s: i64) -> Option<String> {
        if token.len() > TOKEN_BYTES_MAX {
            return None;
        }
        let (signed, signature) = token.rsplit_once('.')?;
        let mut mac = self.mac.clone();
        mac.update(signed.as_bytes());
        // In constant time, and before anything inside the token is looked at.
        mac.verify_slice(&URL_SAFE_NO_PAD.decode(signature).ok()?).ok()?;
        let (header, claims) = signed.split_once('.')?;
        let header: Header = decode(header)?;
        if header.alg != "HS256" || header.crit.is_some() {
            return None;
        }
        let claims: Claims = decode(claims)?;
        let (now, longest) = (now_s as f64, longest_s as f64);
        let is_over = claims.exp + SKEW_S as f64 <= now;
        let is_too_long = claims.exp > now + longest + SKEW_S as f64;
        let is_early = claims.nbf.is_some_and(|nbf| nbf > now + SKEW_S as f64);
        let is_valid = !(is_over || is_too_long || is_early || claims.sub.is_empty());
        is_valid.then_some(claims.sub)
    }
}

fn decode<T: serde::de::DeserializeOwned>(part: &str) -> Option<T> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}
