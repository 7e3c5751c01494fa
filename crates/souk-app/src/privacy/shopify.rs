//! Shopify's webhooks: the three of privacy, mapped onto people's requests, and those of products, which the
//! catalogue takes.
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
use souk_ports::{Condition, TableError, Write, WriteChange};

use super::request::{PrivacyRequest, RequestKind, RequestState};
use super::{Reach, Who, store};
use crate::config::{SecretAt, ShopifyId, ShopifySettings};
use crate::outbox::ShopperId;
use crate::products::ProductTopic;
use crate::{App, AppError, Caller, IdKind, Role};

/// Why a request about nobody cannot be carried out.
const NOBODY: &str = "shopify names no customer by what `privacy.shopify.identify_by` says; look the \
                      customer up in shopify's admin and erase or export them by their id here";

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
    /// The request that it opened, or that its first copy opened; none for one about a product.
    pub request_id: Option<String>,
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
        let at = SecretAt { setting: "privacy.shopify.secret", place };
        let secret = at.read()?;
        if secret.is_empty() || secret.len() > SECRET_BYTES_MAX {
            return Err(at.refuse("the secret is empty or too long; copy it from the app's page"));
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
    /// Only `customers/data_request` has it.
    #[serde(default)]
    data_request: Option<Value>,
    /// Likewise.
    #[serde(default)]
    orders_requested: Option<Value>,
    /// Only `customers/redact` has it.
    #[serde(default)]
    orders_to_redact: Option<Value>,
}

impl Body {
    /// What the body itself asks for: the signature covers it and not the topic, so that a captured body
    /// could come back under another one. A request for a copy must not erase anybody.
    fn kind(&self) -> RequestKind {
        if self.data_request.is_some() || self.orders_requested.is_some() {
            RequestKind::Export
        } else if self.customer.is_some() || self.orders_to_redact.is_some() {
            RequestKind::Erasure
        } else {
            RequestKind::ShopErasure
        }
    }
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
            let detail = "this topic is not one of customers/data_request, customers/redact, shop/redact, \
                          products/create, products/update and products/delete; send only these here";
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
    /// is not of this body; [`AppError::Invalid`] for another topic or shop, or the body of another topic, or a
    /// product that cannot be one;
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
        if let Some(topic) = ProductTopic::parse(call.topic) {
            let wanted = self.config.privacy.shopify.shop_domain.as_deref();
            if !wanted.is_none_or(|wanted| wanted.eq_ignore_ascii_case(call.shop_domain)) {
                let detail = "the webhook is of another shop than `privacy.shopify.shop_domain`";
                return Err(AppError::invalid("other_shop", "/X-Shopify-Shop-Domain", detail));
            }
            self.take_shopify_product(topic, call.body).await?;
            return Ok(ShopifyAnswer { request_id: None });
        }
        let kind = kind_of(call.topic)?;
        let body = self.read_shopify(call)?;
        let caller = Caller::new("shopify", Role::Privacy);
        if body.kind() != kind {
            tracing::warn!(
                topic = call.topic,
                "a webhook of shopify has the body of another topic"
            );
            self.tally_denied(&caller);
            let detail = "the body is one of another topic than X-Shopify-Topic names";
            return Err(AppError::invalid("other_topic", "/X-Shopify-Topic", detail));
        }
        if let Some(request_id) = self.seen_webhook(call.webhook_id).await? {
            return Ok(ShopifyAnswer { request_id: Some(request_id) });
        }
        let (mut request, ids) = self.shopify_request(kind, &body).await?;
        let claim = self.claim(call.webhook_id, &request.request_id);
        let written = store::put_new(self, &mut request, (&ids, claim.into_iter().collect())).await;
        if let Err(AppError::Tables(TableError::Conflict { .. })) = written
            && let Some(request_id) = self.seen_webhook(call.webhook_id).await?
        {
            // Another copy of it came in at the same moment.
            return Ok(ShopifyAnswer { request_id: Some(request_id) });
        }
        written?;
        self.note_request(&caller, &request).await?;
        let answer = ShopifyAnswer { request_id: Some(request.request_id.clone()) };
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

    /// The request, and the ids of the person it is about.
    async fn shopify_request(
        &self,
        kind: RequestKind,
        body: &Body,
    ) -> Result<(PrivacyRequest, Vec<ShopperId>), AppError> {
        let ids = match kind {
            RequestKind::ShopErasure => Vec::new(),
            _ => user_ids(&self.config.privacy.shopify, body),
        };
        let found = match (kind, ids.is_empty()) {
            (RequestKind::ShopErasure, _) => Ok(Vec::new()),
            (_, true) => Err(AppError::Conflict(NOBODY.to_owned())),
            (_, false) => self.subjects_of_customer(kind, &ids).await,
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
        let ids = ids.into_iter().map(|id| ShopperId { kind: IdKind::User, id });
        Ok((request, ids.collect()))
    }

    async fn subjects_of_customer(
        &self,
        kind: RequestKind,
        ids: &[String],
    ) -> Result<Vec<SubjectId>, AppError> {
        let reach = if kind == RequestKind::Erasure { Reach::Claimed } else { Reach::Proven };
        let mut subjects = Vec::new();
        for id in ids {
            let who = Who { kind: IdKind::User, id: id.clone() };
            subjects.extend(self.subjects_of(&who, reach).await?);
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

    /// The write by which one request alone gets the webhook's id; it goes with the request itself.
    fn claim(&self, webhook_id: &str, request_id: &str) -> Option<Write> {
        if webhook_id.is_empty() || webhook_id.len() > ID_BYTES_MAX {
            return None;
        }
        let value = request_id.as_bytes().to_vec();
        let expires_at = Some(self.clock.now().plus_ms(SEEN_MS));
        Some(Write {
            partition_key: SEEN.to_owned(),
            sort_key: webhook_id.to_owned(),
            condition: Condition::Absent,
            change: WriteChange::Put { value, expires_at },
        })
    }
}

/// The user ids under which the customer may be known, as the settings say; empty where the body names
/// none of them.
fn user_ids(settings: &ShopifySettings, body: &Body) -> Vec<String> {
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
    ids
}

#[cfg(test)]
mod tests;
