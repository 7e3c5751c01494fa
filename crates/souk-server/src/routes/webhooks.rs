//! What other systems report by themselves. They have no key: each signs in its own way.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::HeaderMap;
use souk_app::ShopifyCall;

use crate::dto::privacy::WebhookAnswer;
use crate::edge::Edge;
use crate::problem::Answer;
use crate::routes::json;

/// Bytes of a webhook; chosen: Shopify's have less than 10 KB unless an order list is long.
const WEBHOOK_BYTES_MAX: usize = 256 << 10;

/// Shopify's privacy webhooks (`customers/data_request`, `customers/redact`, `shop/redact`) and those of products
/// (`products/create`, `products/update`, `products/delete`).
///
/// Signed with the app's client secret (`X-Shopify-Hmac-SHA256`); 401 for a wrong signature. Answered once
/// the request is durable and carried out afterwards. The same `X-Shopify-Webhook-Id` counts once.
/// `shop/redact` erases nobody before it is confirmed. 404 while `privacy.shopify.secret` is not set.
#[utoipa::path(
    post,
    path = "/v1/webhooks/shopify",
    tag = "Privacy",
    summary = "Take in Shopify's webhooks",
    params(
        ("X-Shopify-Hmac-SHA256" = Option<String>, Header, description = "Base 64 of the HMAC of the body."),
        ("X-Shopify-Topic" = Option<String>, Header, description = "One of the six."),
        ("X-Shopify-Shop-Domain" = Option<String>, Header, description = "Which shop."),
        ("X-Shopify-Webhook-Id" = Option<String>, Header, description = "The same for every retry.")
    ),
    request_body(content = Value, description = "As Shopify documents it."),
    responses((status = 200, description = "It is on record, or in the catalogue.", body = WebhookAnswer)),
    security(())
)]
pub(crate) async fn shopify(State(edge): State<Arc<Edge>>, request: Request) -> Answer {
    let (parts, body) = request.into_parts();
    let body = edge.read_body(&parts, body, WEBHOOK_BYTES_MAX).await?;
    let call = ShopifyCall {
        signature: header(&parts.headers, "x-shopify-hmac-sha256"),
        topic: header(&parts.headers, "x-shopify-topic"),
        shop_domain: header(&parts.headers, "x-shopify-shop-domain"),
        webhook_id: header(&parts.headers, "x-shopify-webhook-id"),
        body: &body,
    };
    let answer = edge.app.shopify_webhook(call).await?;
    Ok(json(&WebhookAnswer { request_id: answer.request_id }))
}

/// A header's text; empty when there is none.
fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}
