//! The provider's public keys (RFC 7517) and signatures under them (RFC 7518, RFC 8037).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{self, RsaPublicKeyComponents, UnparsedPublicKey};
use serde::Deserialize;
use serde_json::Value;

use super::{KEY_SET_BYTES_MAX, Refused};
use crate::config::SignatureAlgorithm;

/// Keys of a set at most; chosen: providers have two or three.
const KEYS_MAX: usize = 100;
/// Bits of an RSA modulus (RFC 7518 section 3.3 asks for 2048); `ring` checks the lower bound too.
const RSA_BYTES: std::ops::RangeInclusive<usize> = 256..=1_024;

/// The keys that can check a signature of one of our algorithms; others are passed over.
#[derive(Debug)]
pub(super) struct KeySet {
    keys: Vec<PublicKey>,
}

/// Keys as providers list them.
#[derive(Deserialize)]
struct Listed {
    keys: Vec<Value>,
}

/// What is read of a key. `x5c`, `x5u` and private parts are not.
#[derive(Deserialize)]
struct Jwk {
    kty: String,
    #[serde(default)]
    kid: Option<String>,
    #[serde(default)]
    r#use: Option<String>,
    #[serde(default)]
    key_ops: Option<Vec<String>>,
    #[serde(default)]
    alg: Option<String>,
    #[serde(default)]
    crv: Option<String>,
    #[serde(default)]
    n: Option<String>,
    #[serde(default)]
    e: Option<String>,
    #[serde(default)]
    x: Option<String>,
    #[serde(default)]
    y: Option<String>,
}

#[derive(Debug)]
struct PublicKey {
    kid: Option<String>,
    /// The one algorithm it is for, if it says so.
    only: Option<SignatureAlgorithm>,
    material: Material,
}

#[derive(Debug)]
enum Material {
    Rsa { n: Vec<u8>, e: Vec<u8> },
    P256(Vec<u8>),
    P384(Vec<u8>),
    Ed25519(Vec<u8>),
}

impl KeySet {
    /// Reads a set; a key that cannot serve here is passed over, as RFC 7517 section 5 says.
    ///
    /// # Errors
    ///
    /// The bytes are no key set, or none of its keys can serve.
    pub(super) fn read(bytes: &[u8]) -> Result<KeySet, String> {
        if bytes.len() > KEY_SET_BYTES_MAX {
            return Err(format!("the key set is over {KEY_SET_BYTES_MAX} bytes"));
        }
        let listed: Listed =
            serde_json::from_slice(bytes).map_err(|e| format!("this is no key set: {e}"))?;
        if listed.keys.len() > KEYS_MAX {
            return Err(format!("{} keys; the limit is {KEYS_MAX}", listed.keys.len()));
        }
        let usable = |key: Value| PublicKey::of(serde_json::from_value(key).ok()?);
        let keys: Vec<PublicKey> = listed.keys.into_iter().filter_map(usable).collect();
        if keys.is_empty() {
            return Err("no key of the set can check a signature".to_owned());
        }
        Ok(KeySet { keys })
    }

    /// Whether a token with this key id and algorithm can be checked.
    pub(super) fn has(&self, kid: Option<&str>, algorithm: SignatureAlgorithm) -> bool {
        self.fitting(kid, algorithm).next().is_some()
    }

    /// Checks a signature with the key of this id; without an id, with the only key that fits.
    pub(super) fn verify(
        &self,
        (kid, algorithm): (Option<&str>, SignatureAlgorithm),
        (signed, signature): (&[u8], &[u8]),
    ) -> Result<(), Refused> {
        let mut fitting = self.fitting(kid, algorithm).peekable();
        if fitting.peek().is_none() {
            return Err(Refused("unknown_key"));
        }
        if kid.is_none() && self.fitting(kid, algorithm).count() > 1 {
            return Err(Refused("no_key_id"));
        }
        let is_good = fitting.any(|key| key.material.verifies(algorithm, signed, signature));
        if is_good { Ok(()) } else { Err(Refused("signature")) }
    }

    fn fitting<'a>(
        &'a self,
        kid: Option<&'a str>,
        algorithm: SignatureAlgorithm,
    ) -> impl Iterator<Item = &'a PublicKey> {
        self.keys.iter().filter(move |key| {
            (kid.is_none() || key.kid.as_deref() == kid)
                && key.only.is_none_or(|only| only == algorithm)
                && key.material.is_for(algorithm)
        })
    }
}

impl PublicKey {
    fn of(jwk: Jwk) -> Option<PublicKey> {
        if jwk.r#use.as_deref().is_some_and(|purpose| purpose != "sig") {
            return None;
        }
        if jwk.key_ops.as_ref().is_some_and(|ops| !ops.iter().any(|op| op == "verify")) {
            return None;
        }
        let only = match jwk.alg.as_deref() {
            // A key for encryption, or for what is not known here.
            Some(name) => Some(SignatureAlgorithm::parse(name)?),
            None => None,
        };
        let material = Material::of(&jwk)?;
        Some(PublicKey { kid: jwk.kid, only, material })
    }
}

impl Material {
    /// `oct` keys, which are secrets, are not known here: so none can be taken for a public key.
    fn of(jwk: &Jwk) -> Option<Material> {
        let decode = |part: &Option<String>| URL_SAFE_NO_PAD.decode(part.as_deref()?).ok();
        let sized = |part: &Option<String>, bytes: usize| {
            decode(part).filter(|decoded| decoded.len() == bytes)
        };
        match (jwk.kty.as_str(), jwk.crv.as_deref()) {
            ("RSA", None) => {
                let (n, e) = (decode(&jwk.n)?, decode(&jwk.e)?);
                RSA_BYTES.contains(&n.len()).then_some(Material::Rsa { n, e })
            }
            ("EC", Some("P-256")) => {
                Some(Material::P256(point(&sized(&jwk.x, 32)?, &sized(&jwk.y, 32)?)))
            }
            ("EC", Some("P-384")) => {
                Some(Material::P384(point(&sized(&jwk.x, 48)?, &sized(&jwk.y, 48)?)))
            }
            ("OKP", Some("Ed25519")) => Some(Material::Ed25519(sized(&jwk.x, 32)?)),
            _ => None,
        }
    }

    fn is_for(&self, algorithm: SignatureAlgorithm) -> bool {
        use SignatureAlgorithm::{ES256, ES384, EdDSA, PS256, PS384, PS512, RS256, RS384, RS512};
        match self {
            Material::Rsa { .. } => {
                matches!(algorithm, RS256 | RS384 | RS512 | PS256 | PS384 | PS512)
            }
            Material::P256(_) => algorithm == ES256,
            Material::P384(_) => algorithm == ES384,
            Material::Ed25519(_) => algorithm == EdDSA,
        }
    }

    fn verifies(&self, algorithm: SignatureAlgorithm, signed: &[u8], sign: &[u8]) -> bool {
        use SignatureAlgorithm as A;
        let rsa = |parameters: &'static signature::RsaParameters| match self {
            Material::Rsa { n, e } => {
                RsaPublicKeyComponents { n, e }.verify(parameters, signed, sign).is_ok()
            }
            _ => false,
        };
        let other = |algorithm: &'static dyn signature::VerificationAlgorithm| match self {
            Material::P256(key) | Material::P384(key) | Material::Ed25519(key) => {
                UnparsedPublicKey::new(algorithm, key).verify(signed, sign).is_ok()
            }
            Material::Rsa { .. } => false,
        };
        match algorithm {
            A::RS256 => rsa(&signature::RSA_PKCS1_2048_8192_SHA256),
            A::RS384 => rsa(&signature::RSA_PKCS1_2048_8192_SHA384),
            A::RS512 => rsa(&signature::RSA_PKCS1_2048_8192_SHA512),
            A::PS256 => rsa(&signature::RSA_PSS_2048_8192_SHA256),
            A::PS384 => rsa(&signature::RSA_PSS_2048_8192_SHA384),
            A::PS512 => rsa(&signature::RSA_PSS_2048_8192_SHA512),
            A::ES256 => other(&signature::ECDSA_P256_SHA256_FIXED),
            A::ES384 => other(&signature::ECDSA_P384_SHA384_FIXED),
            A::EdDSA => other(&signature::ED25519),
        }
    }
}

/// An uncompressed point (SEC 1 section 2.3.3); `ring` checks that it is on the curve.
fn point(x: &[u8], y: &[u8]) -> Vec<u8> {
    [&[4], x, y].concat()
}
