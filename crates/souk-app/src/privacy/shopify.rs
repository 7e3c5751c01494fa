//! Shopify's three privacy webhooks, mapped onto people's requests.
//!
//! Shopify signs the body with the app's client secret and wants an answer within five seconds, so a
//! request is made durable, answered, and carried out afterwards. `shop/redact` alone erases nobody: it
//! opens a request that an operator has to confirm.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde::Deserialize;
use serde_json::Value;
use sha2::Sha256;
use souk_core::SubjectId;
use souk_ports::{Condition, Write, WriteChange};

use super::request::{PrivacyRequest, RequestKind, RequestState};
use super::{Reach, Who, store};
use crate::config::{ShopifyId, ShopifySettings};
use crate::{App, AppError, Caller, IdKind, Role};

/// Ids of webhooks that were taken in.
const SEEN: &str = "shopify-webhooks";
/// How long an id is remembered: longer than Shopify's retries, which end after hours.
const SEEN_MS: i64 = 30 * 86_400_000;
/// Bytes of an id; chosen: a UUID has 36.
const ID_BYTES_MAX: usize = 200;
/// Bytes of the secret; chosen: Shopify's have 32 to 40.
const SECRET_BYTES_MAX: usize = 1_024;

/// A webhook as it came in, nothing of it believed yet.
#[derive(Clone, Copy, Debug)]
pub struct ShopifyCall<'a> {
    /// `X-Shopify-Hmac-SHA256`: base 64 of HMAC-SHA256 of the raw body.
    pub signature: &'a str,
    /// `X-Shopify-Topic`.
    pub topic: &'a str,
    /// `X-Shopify-Shop-Domain`.
    pub shop_domain: &'a str,
    /// `X-Shopify-Webhook-Id`: the same for every retry.
    pub webhook_id: &'a str,
    /// The raw body.
    pub body: &'a [u8],
}

/// What became of a webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShopifyAnswer {
    /// The request that it opened, or that its first copy opened.
    pub request_id: String,
}

/// Checks signatures.
#[derive(Clone)]
pub(crate) struct ShopifySecret(Hmac<Sha256>);

impl std::fmt::Debug for ShopifySecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ShopifySecret(…)")
    }
}

impl ShopifySecret {
    /// Reads the secret from where the settings say; `None` where they say nothing.
    pub(crate) fn open(settings: &ShopifySettings) -> Result<Option<ShopifySecret>, AppError> {
        let Some(place) = &settings.secret else { return Ok(None) };
        let refuse = |detail: &str| {
            let detail = format!("`privacy.shopify.secret`: {detail}");
            AppError::invalid("invalid_setting", "privacy.shopify.secret", detail)
        };
        let text = match place.split_once(':') {
            Some(("file", path)) => std::fs::read_to_string(path)
                .map_err(|source| AppError::File { path: path.to_owned(), source })?,
            Some(("env", name)) => std::env::var(name)
                .map_err(|_| refuse(&format!("the variable {name} is not set; set it")))?,
            // What stands there may be the secret itself, so it is not repeated.
            _ => return Err(refuse("write file:PATH or env:NAME, not the secret itself")),
        };
        let secret = text.trim();
        if secret.is_empty() || secret.len() > SECRET_BYTES_MAX {
            return Err(refuse("the secret is empty or too long; copy it from the app's page"));
        }
        let mac = Hmac::new_from_slice(secret.as_bytes()).expect("HMAC takes keys of any length");
        Ok(Some(ShopifySecret(mac)))
    }

    /// Whether the signature is of this body; in constant time.
    fn verifies(&self, signature: &str, body: &[u8]) -> bool {
        let Ok(signature) = STANDARD.decode(signature.trim()) else { return false };
        let mut mac = self.0.clone();
        mac.update(body);
        mac.verify_slice(&signature).is_ok()
    }
}

/// What the three bodies have in common; the rest of them is not needed.
#[derive(Debug, Deserialize)]
struct Body {
    shop_domain: String,
    #[serde(default)]
    customer: Option<Customer>,
}

#[derive(Debug, Deserialize)]
struct Customer {
    #[serde(default)]
    id: Option<Value>,
    #[serde(default)]
    email: Option<String>,
}

/// What is asked, by topic.
fn kind_of(topic: &str) -> Result<RequestKind, AppError> {
    match topic {
        "customers/data_request" => Ok(RequestKind::Export),
        "customers/redact" => Ok(RequestKind::Erasure),
        "shop/redact" => Ok(RequestKind::ShopErasure),
        _ => {
            let detail = "this topic is not one of customers/data_request, customers/redact and \
                          shop/redact; send only these here";
            Err(AppError::invalid("unknown_topic", "/X-Shopify-Topic", detail))
        }
    }
}

impl App {
    /// Takes in a webhook of Shopify: durable when it returns, carried out afterwards.
    ///
    /// Idempotent by the webhook's id.
    ///
    /// # Errors
    ///
    /// [`AppError::NotFound`] while no secret is set; [`AppError::Unauthenticated`] for a signature that
    /// is not of this body; [`AppError::Invalid`] for another topic, shop or a body without a customer;
    /// as the storage, and then it may be sent again.
    pub async fn shopify_webhook(
        self: &Arc<App>,
        call: ShopifyCall<'_>,
    ) -> Result<ShopifyAnswer, AppError> {
        let Some(secret) = &self.door.shopify else {
            return Err(AppError::NotFound { what: "route", id: "webhooks/shopify".to_owned() });
        };
        if !secret.verifies(call.signature, call.body) {
            return Err(AppError::Unauthenticated);
        }
        self.check_ready()?;
        let kind = kind_of(call.topic)?;
        let body = self.read_shopify(call)?;
        if let Some(request_id) = self.seen_webhook(call.webhook_id).await? {
            return Ok(ShopifyAnswer { request_id });
        }
        let caller = Caller::new("shopify", Role::Privacy);
        let request = self.shopify_request(kind, &body).await?;
        self.note_request(&caller, &request).await?;
        let answer = ShopifyAnswer { request_id: request.request_id.clone() };
        self.note_webhook(call.webhook_id, &answer.request_id).await?;
        if request.is_open() {
            let app = Arc::clone(self);
            tokio::spawn(async move {
                if let Err(error) = app.erase(request).await {
                    tracing::warn!(%error, "an erasure that shopify asked for is tried again");
                }
            });
        }
        Ok(answer)
    }

    /// Reads a body whose signature was right.
    fn read_shopify(&self, call: ShopifyCall<'_>) -> Result<Body, AppError> {
        // The reader's own message may repeat what stands there, so it is not passed on.
        let body: Body = serde_json::from_slice(call.body).map_err(|_| {
            AppError::invalid("invalid_webhook", "", "the body is not one that shopify documents")
        })?;
        let is_same = |other: &str| other.eq_ignore_ascii_case(&body.shop_domain);
        let wanted = self.config.privacy.shopify.shop_domain.as_deref();
        if !is_same(call.shop_domain) || !wanted.is_none_or(is_same) {
            let detail = "the webhook is of another shop than `privacy.shopify.shop_domain`, or its \
                          header and body name different ones";
            return Err(AppError::invalid("other_shop", "/shop_domain", detail));
        }
        Ok(body)
    }

    /// Makes the request durable.
    async fn shopify_request(
        &self,
        kind: RequestKind,
        body: &Body,
    ) -> Result<PrivacyRequest, AppError> {
        let found = match kind {
            RequestKind::ShopErasure => Ok(Vec::new()),
            _ => self.subjects_of_customer(kind, body).await,
        };
        // What no retry can mend is on record rather than refused: Shopify would end the subscription.
        let (subjects, error) = match found {
            Ok(subjects) => (subjects, None),
            Err(AppError::Conflict(why)) => (Vec::new(), Some(why)),
            Err(error) => return Err(error),
        };
        let mut request = PrivacyRequest::new(kind, subjects, ("shopify", self.clock.now()))?;
        request.state = match (kind, &error) {
            (_, Some(_)) => RequestState::Error,
            (RequestKind::ShopErasure, None) => RequestState::AwaitingConfirmation,
            (RequestKind::Erasure, None) => RequestState::Received,
            // Ready to be fetched by whoever answers the person.
            (RequestKind::Export, None) => RequestState::InProgress,
        };
        request.error = error;
        if kind != RequestKind::ShopErasure {
            request.verified_by = Some("shopify".to_owned());
        }
        store::put(self, &mut request).await?;
        Ok(request)
    }

    async fn subjects_of_customer(
        &self,
        kind: RequestKind,
        body: &Body,
    ) -> Result<Vec<SubjectId>, AppError> {
        let ids = user_ids(&self.config.privacy.shopify, body)?;
        let reach = if kind == RequestKind::Erasure { Reach::Claimed } else { Reach::Proven };
        let mut subjects = Vec::new();
        for id in ids {
            subjects.extend(self.subjects_of(&Who { kind: IdKind::User, id }, reach).await?);
        }
        subjects.sort_unstable();
        subjects.dedup();
        Ok(subjects)
    }

    async fn seen_webhook(&self, webhook_id: &str) -> Result<Option<String>, AppError> {
        if webhook_id.is_empty() || webhook_id.len() > ID_BYTES_MAX {
            return Ok(None);
        }
        let row = self.parts.tables.get(SEEN, webhook_id, self.clock.now()).await?;
        Ok(row.and_then(|row| String::from_utf8(row.value).ok()))
    }

    async fn note_webhook(&self, webhook_id: &str, request_id: &str) -> Result<(), AppError> {
        if webhook_id.is_empty() || webhook_id.len() > ID_BYTES_MAX {
            return Ok(());
        }
        let now = self.clock.now();
        let value = request_id.as_bytes().to_vec();
        let write = Write {
            partition_key: SEEN.to_owned(),
            sort_key: webhook_id.to_owned(),
            condition: Condition::Any,
            change: WriteChange::Put { value, expires_at: Some(now.plus_ms(SEEN_MS)) },
        };
        self.parts.tables.write(&[write], now).await?;
        Ok(())
    }
}

/// The user ids under which the customer may be known, as the settings say.
fn user_ids(settings: &ShopifySettings, body: &Body) -> Result<Vec<String>, AppError> {
    let mut ids = Vec::new();
    if let Some(customer) = &body.customer {
        let number = customer.id.as_ref().and_then(|id| match id {
            Value::Number(number) => Some(number.to_string()),
            Value::String(text) if !text.is_empty() => Some(text.clone()),
            _ => None,
        });
        let email = customer.email.as_ref().filter(|email| !email.is_empty());
        for by in &settings.identify_by {
            match by {
                ShopifyId::CustomerId => {
                    ids.extend(number.iter().map(|id| format!("{}{id}", settings.id_prefix)));
                }
                // Shops write addresses as they were typed, or in lower case.
                ShopifyId::Email => ids.extend(
                    email.iter().flat_map(|email| [(*email).clone(), email.to_lowercase()]),
                ),
            }
        }
    }
    ids.retain(|id| id.len() <= souk_core::ID_BYTES_MAX);
    ids.dedup();
    if ids.is_empty() {
        let detail = "the body names no customer by what `privacy.shopify.identify_by` says";
        return Err(AppError::invalid("invalid_webhook", "/customer", detail));
    }
    Ok(ids)
}

#[cfg(test)]
mod tests;
