//! Signatures of Standard Webhooks, version 1: HMAC-SHA256 in base 64 over `id.timestamp.body`.
//!
//! Source: <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::AppError;
use crate::config::{SecretAt, WebhookEndpoint};

/// How a secret begins.
const HEAD: &str = "whsec_";
/// Bytes of a secret, as the specification says.
const SECRET_BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// The secrets of an endpoint, the current one first.
pub(super) struct HookSecrets(Vec<Hmac<Sha256>>);

impl std::fmt::Debug for HookSecrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("HookSecrets(…)")
    }
}

impl HookSecrets {
    /// Reads the secrets from where the settings say.
    pub(super) fn open(idx: usize, endpoint: &WebhookEndpoint) -> Result<HookSecrets, AppError> {
        let places = [
            ("secret", Some(&endpoint.secret)),
            ("secret_previous", endpoint.secret_previous.as_ref()),
        ];
        let mut secrets = Vec::new();
        for (field, place) in places {
            let Some(place) = place else { continue };
            let setting = format!("privacy.webhooks.endpoints[{idx}].{field}");
            let secret = SecretAt { setting: &setting, place };
            let why = "a secret is `whsec_` and 24 to 64 bytes in base 64; make one with `echo \
                       whsec_$(openssl rand -base64 32)`";
            secrets.push(mac_of(&secret.read()?).ok_or_else(|| secret.refuse(why))?);
        }
        Ok(HookSecrets(secrets))
    }

    /// The value of `webhook-signature`: a signature for each secret.
    pub(super) fn sign(&self, message_id: &str, seconds: i64, body: &[u8]) -> String {
        let signatures = self.0.iter().map(|secret| {
            let mut mac = secret.clone();
            mac.update(format!("{message_id}.{seconds}.").as_bytes());
            mac.update(body);
            format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
        });
        signatures.collect::<Vec<_>>().join(" ")
    }

    #[cfg(test)]
    pub(super) fn of(texts: &[&str]) -> HookSecrets {
        HookSecrets(texts.iter().map(|text| mac_of(text).expect("a secret")).collect())
    }
}

/// `None` for a text that is no secret.
pub(super) fn mac_of(text: &str) -> Option<Hmac<Sha256>> {
    let bytes = STANDARD.decode(text.strip_prefix(HEAD)?).ok()?;
    let is_long = SECRET_BYTES.contains(&bytes.len());
    is_long.then(|| Hmac::new_from_slice(&bytes).expect("HMAC takes keys of any length"))
}
