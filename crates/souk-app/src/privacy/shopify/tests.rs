#![allow(clippy::unwrap_used)]

use serde_json::json;

use super::*;
use crate::IngestCall;
use crate::config::Config;
use crate::test_shop::{Shop, caller};

const SECRET: &str = "hush-hush-hush";
const SHOP: &str = "example.myshopify.com";

async fn shop() -> (Shop, tempfile::TempDir) {
    let folder = tempfile::TempDir::new().unwrap();
    let file = folder.path().join("secret");
    std::fs::write(&file, format!("{SECRET}\n")).unwrap();
    let mut config = Config::default();
    config.snapshots.after_erasure_s = 0;
    config.privacy.default_jurisdiction = Some("us".to_owned());
    config.privacy.shopify = ShopifySettings {
        secret: Some(format!("file:{}", file.display())),
        shop_domain: Some(SHOP.to_owned()),
        identify_by: vec![ShopifyId::CustomerId, ShopifyId::Email],
        id_prefix: "shopify:".to_owned(),
    };
    let shop = Shop::open_with(config).await;
    for user in ["shopify:191167", "john@example.com", "shopify:7"] {
        let body = json!({"userId": user, "event": "Products Searched",
            "properties": {"query": format!("words of {}", user.len())}});
        shop.send(Role::IngestServer, IngestCall::Track, body).await;
    }
    (shop, folder)
}

/// The bodies as <https://shopify.dev/docs/apps/build/compliance/privacy-law-compliance> shows them.
fn body(topic: &str) -> String {
    let customer = json!({"id": 191_167, "email": "john@example.com", "phone": "555-625-1199"});
    let body = match topic {
        "customers/data_request" => json!({"shop_id": 954_889, "shop_domain": SHOP,
            "orders_requested": [299_938, 280_263, 220_458], "customer": customer,
            "data_request": {"id": 9_999}}),
        "customers/redact" => json!({"shop_id": 954_889, "shop_domain": SHOP, "customer": customer,
            "orders_to_redact": [299_938, 280_263, 220_458]}),
        _ => json!({"shop_id": 954_889, "shop_domain": SHOP}),
    };
    body.to_string()
}

fn sign(body: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(body.as_bytes());
    STANDARD.encode(mac.finalize().into_bytes())
}

async fn send(shop: &Shop, topic: &str, webhook_id: &str) -> Result<ShopifyAnswer, AppError> {
    let body = body(topic);
    let signature = sign(&body);
    let (signature, body) = (signature.as_str(), body.as_bytes());
    shop.app
        .shopify_webhook(ShopifyCall { signature, topic, shop_domain: SHOP, webhook_id, body })
        .await
}

fn id(answer: &ShopifyAnswer) -> &str {
    answer.request_id.as_deref().unwrap()
}

async fn request(shop: &Shop, answer: &ShopifyAnswer) -> PrivacyRequest {
    shop.app.privacy_request(&caller(Role::Privacy), id(answer)).await.unwrap()
}

async fn completed(shop: &Shop, answer: &ShopifyAnswer) -> PrivacyRequest {
    let complete = async {
        loop {
            let found = request(shop, answer).await;
            if found.state == RequestState::Complete {
                return found;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(60), complete).await.unwrap()
}

/// RFC 4231, test case 2, in the form that Shopify sends.
#[test]
fn the_signature_is_hmac_sha256_in_base_64() {
    let secret = ShopifySecret(Hmac::new_from_slice(b"Jefe").unwrap());
    let signature = "W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM=";
    assert!(secret.verifies(signature, b"what do ya want for nothing?"));
    assert!(!secret.verifies(signature, b"what do ya want for nothing!"));
    assert!(!secret.verifies(&signature.replace('W', "X"), b"what do ya want for nothing?"));
    assert_eq!(format!("{secret:?}"), "ShopifySecret(…)");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redaction_erases_the_customer_once() {
    let (shop, _folder) = shop().await;
    let answer = send(&shop, "customers/redact", "w1").await.unwrap();
    let done = completed(&shop, &answer).await;
    assert_eq!((done.kind, done.n_subjects), (RequestKind::Erasure, 2), "by number and by address");
    assert_eq!(done.requested_by, "shopify");
    assert!(done.receipt.is_some() && done.due_gdpr > done.received_at);
    for gone in ["shopify:191167", "john@example.com"] {
        assert_eq!(shop.app.find_subject(IdKind::User, gone).await.unwrap(), None);
    }
    assert!(shop.app.find_subject(IdKind::User, "shopify:7").await.unwrap().is_some());
    // The same webhook again is the same request.
    assert_eq!(send(&shop, "customers/redact", "w1").await.unwrap(), answer);
    assert_ne!(send(&shop, "customers/redact", "w2").await.unwrap(), answer);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_data_request_waits_to_be_fetched() {
    let (shop, _folder) = shop().await;
    let answer = send(&shop, "customers/data_request", "w1").await.unwrap();
    let found = request(&shop, &answer).await;
    assert_eq!((found.kind, found.state), (RequestKind::Export, RequestState::InProgress));
    let form = (id(&answer), super::super::CopyForm::JsonLines);
    let copy = shop.app.copy_of_request(&caller(Role::Privacy), form).await.unwrap();
    let text = copy.text.unwrap();
    assert!(text.contains("words of 14") && text.contains("words of 16") && !text.contains("of 9"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shop_is_erased_only_when_confirmed() {
    let (shop, _folder) = shop().await;
    let answer = send(&shop, "shop/redact", "w1").await.unwrap();
    let found = request(&shop, &answer).await;
    assert_eq!(found.state, RequestState::AwaitingConfirmation);
    let confirm =
        async |role, n| shop.app.confirm_shop_erasure(&caller(role), (id(&answer), n)).await;
    assert!(confirm(Role::Analyst, 3).await.is_err());
    let refused = confirm(Role::Privacy, 0).await.unwrap_err().to_string();
    assert!(refused.contains("3 subjects would be erased"), "{refused}");
    assert!(shop.app.find_subject(IdKind::User, "shopify:7").await.unwrap().is_some());
    // Vouching for a person is another thing.
    shop.app.verify_request(&caller(Role::Privacy), id(&answer)).await.unwrap();
    assert!(shop.app.find_subject(IdKind::User, "shopify:7").await.unwrap().is_some());
    let done = confirm(Role::Privacy, 3).await.unwrap();
    assert_eq!((done.state, done.n_subjects), (RequestState::Complete, 3));
    assert_eq!(shop.app.find_subject(IdKind::User, "shopify:7").await.unwrap(), None);
    assert!(confirm(Role::Privacy, 0).await.is_err(), "once is enough");
    assert!(shop.app.check_views().await.unwrap().differing.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_done_for_a_wrong_signature_shop_topic_or_body() {
    let (shop, _folder) = shop().await;
    let good = body("customers/redact");
    let signature = sign(&good);
    let call = ShopifyCall {
        signature: &signature,
        topic: "customers/redact",
        shop_domain: SHOP,
        webhook_id: "w1",
        body: good.as_bytes(),
    };
    let (other, other_shop) = (good.replace("191167", "7"), good.replace("example.my", "evil.my"));
    let signed = (sign(&other_shop), sign("[]"));
    let refused = [
        (ShopifyCall { signature: "", ..call }, "unauthenticated"),
        (ShopifyCall { signature: "%%%", ..call }, "unauthenticated"),
        (ShopifyCall { body: other.as_bytes(), ..call }, "unauthenticated"),
        (ShopifyCall { topic: "orders/create", ..call }, "unknown_topic"),
        (ShopifyCall { shop_domain: "evil.myshopify.com", ..call }, "other_shop"),
        (ShopifyCall { signature: &signed.0, body: other_shop.as_bytes(), ..call }, "other_shop"),
        (ShopifyCall { signature: &signed.1, body: b"[]", ..call }, "invalid_webhook"),
    ];
    for (call, code) in refused {
        let error = shop.app.shopify_webhook(call).await.unwrap_err();
        assert_eq!(error.code(), code, "{call:?}");
        assert!(!error.to_string().contains("191167"), "{error}");
    }
    let none = shop.app.privacy_requests(&caller(Role::Privacy), (None, 10)).await.unwrap();
    assert!(none.is_empty(), "{none:?}");
    let plain = Shop::open().await;
    let off = plain.app.shopify_webhook(call).await.unwrap_err();
    assert_eq!(off.code(), "not_found", "off unless a secret is set");
    // What stands in the settings may be the secret itself.
    let secret = Some("shpss_0123456789".to_owned());
    let error = ShopifySecret::open(&ShopifySettings { secret, ..Default::default() }).unwrap_err();
    assert!(!error.to_string().contains("0123"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redaction_of_nobody_is_on_record() {
    let (shop, _folder) = shop().await;
    let nobodies = [
        json!({"shop_domain": SHOP, "customer": {}, "orders_to_redact": []}),
        json!({"shop_domain": SHOP, "customer": {"id": null, "email": ""}, "orders_to_redact": [1]}),
        json!({"shop_domain": SHOP, "customer": null, "orders_to_redact": []}),
    ];
    for (idx, body) in nobodies.iter().enumerate() {
        let answer = send_body(&shop, "customers/redact", (&format!("w{idx}"), body)).await;
        let found = request(&shop, &answer.unwrap()).await;
        assert_eq!((found.kind, found.state), (RequestKind::Erasure, RequestState::Error));
        assert!(found.error.unwrap().contains("identify_by"), "{body}");
    }
    let asked = json!({"shop_domain": SHOP, "customer": {}, "data_request": {"id": 1}});
    let answer = send_body(&shop, "customers/data_request", ("w9", &asked)).await.unwrap();
    assert_eq!(request(&shop, &answer).await.state, RequestState::Error);
    assert!(shop.app.find_subject(IdKind::User, "shopify:7").await.unwrap().is_some());
}

async fn send_body(
    shop: &Shop,
    topic: &str,
    (webhook_id, body): (&str, &Value),
) -> Result<ShopifyAnswer, AppError> {
    let body = body.to_string();
    let signature = sign(&body);
    let (signature, body) = (signature.as_str(), body.as_bytes());
    let call = ShopifyCall { signature, topic, shop_domain: SHOP, webhook_id, body };
    shop.app.shopify_webhook(call).await
}

/// The signature covers the body alone: whoever captured one may send it under another topic.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_counts_under_its_own_topic_alone() {
    let (shop, _folder) = shop().await;
    let topics = ["customers/data_request", "customers/redact", "shop/redact"];
    for of in topics {
        for under in topics.into_iter().filter(|under| *under != of) {
            let body: Value = serde_json::from_str(&body(of)).unwrap();
            let refused = send_body(&shop, under, ("w1", &body)).await.unwrap_err();
            assert_eq!(refused.code(), "other_topic", "{of} under {under}");
        }
    }
    let none = shop.app.privacy_requests(&caller(Role::Privacy), (None, 10)).await.unwrap();
    assert!(none.is_empty(), "{none:?}");
    for (idx, topic) in topics.into_iter().enumerate() {
        send(&shop, topic, &format!("v{idx}")).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn copies_that_come_in_at_once_are_one_request() {
    let (shop, _folder) = shop().await;
    let sending = (0..8).map(|_| send(&shop, "customers/data_request", "same"));
    let answers = futures::future::join_all(sending).await;
    let first = answers[0].as_ref().unwrap();
    for answer in &answers {
        assert_eq!(answer.as_ref().unwrap(), first);
    }
    let all = shop.app.privacy_requests(&caller(Role::Privacy), (None, 10)).await.unwrap();
    assert_eq!(all.len(), 1, "{all:?}");
}

/// A product as <https://shopify.dev/docs/api/webhooks> shows it, with what matters here.
fn product(handle: &str) -> serde_json::Value {
    json!({
        "id": 788_032_119_674_292_922_u64, "handle": handle, "title": "Example T-Shirt",
        "body_html": "<p>An <b>example</b></p>", "vendor": "Acme", "product_type": "Shirts",
        "category": {"full_name": "Apparel > Shirts"}, "tags": "summer, cotton", "status": "active",
        "published_at": "2026-01-01T00:00:00-05:00", "template_suffix": null,
        "options": [{"name": "Colour"}, {"name": "Size"}],
        "images": [{"src": "https://cdn.example/1.jpg"}],
        "variants": [
            {"id": 1, "sku": "T-R-M", "price": "19.00", "compare_at_price": "25.00", "option1": "Red",
             "option2": "M", "inventory_management": "shopify", "inventory_policy": "deny", "inventory_quantity": 0},
            {"id": 2, "sku": null, "price": "21.00", "compare_at_price": null, "option1": "Blue", "option2": "L",
             "inventory_management": null, "inventory_quantity": -3},
        ],
    })
}

async fn send_product(
    shop: &Shop,
    topic: &str,
    body: serde_json::Value,
) -> Result<ShopifyAnswer, AppError> {
    let body = body.to_string();
    let signature = sign(&body);
    let call = ShopifyCall {
        signature: &signature,
        topic,
        shop_domain: SHOP,
        webhook_id: "w",
        body: body.as_bytes(),
    };
    shop.app.shopify_webhook(call).await
}

fn ids(shop: &Shop) -> Vec<String> {
    let ids = shop.app.product_ids(&souk_core::SiteId::main());
    ids.iter().map(ToString::to_string).collect()
}

#[tokio::test]
async fn a_product_is_put_changed_and_removed() {
    let (shop, _folder) = shop().await;
    let answer = send_product(&shop, "products/create", product("tee")).await.unwrap();
    assert_eq!(answer.request_id, None);
    let id = souk_core::ProductId::new("tee").unwrap();
    let tee = shop.app.product(&souk_core::SiteId::main(), &id).unwrap();
    assert_eq!(tee.description.as_deref(), Some("An example"));
    assert_eq!(
        (tee.brand.as_deref(), &*tee.categories),
        (Some("Acme"), &["Apparel > Shirts".to_owned()][..])
    );
    assert_eq!((tee.price.unwrap().minor(), tee.list_price.unwrap().minor()), (1_900, 2_500));
    assert_eq!(tee.tags, ["summer", "cotton"]);
    assert_eq!(tee.availability, souk_core::Availability::InStock);
    let variants: Vec<_> = tee
        .variants
        .iter()
        .map(|one| (one.id.as_str(), one.title.as_deref().unwrap(), one.availability.is_sellable()))
        .collect();
    assert_eq!(variants, [("T-R-M", "Red / M", false), ("tee/Blue/L", "Blue / L", true)]);
    // A new handle is a new id, and the old one is gone.
    let mut renamed = product("tee-2026");
    renamed["status"] = json!("draft");
    send_product(&shop, "products/update", renamed).await.unwrap();
    assert_eq!(ids(&shop), ["tee-2026"]);
    // What is removed is told by its number alone; an unknown one is nobody's fault.
    send_product(&shop, "products/delete", json!({"id": 5})).await.unwrap();
    assert_eq!(ids(&shop), ["tee-2026"]);
    let gone = json!({"id": 788_032_119_674_292_922_u64});
    send_product(&shop, "products/delete", gone).await.unwrap();
    assert_eq!(ids(&shop), Vec::<String>::new());
}

#[tokio::test]
async fn a_product_under_another_topic_or_without_its_signature_is_refused() {
    let (shop, _folder) = shop().await;
    send_product(&shop, "products/create", product("tee")).await.unwrap();
    let code = |answer: Result<ShopifyAnswer, AppError>| answer.unwrap_err().code();
    let as_delete = send_product(&shop, "products/delete", product("tee")).await;
    assert_eq!(code(as_delete), "other_topic");
    let as_put =
        send_product(&shop, "products/update", json!({"id": 788_032_119_674_292_922_u64})).await;
    assert_eq!(code(as_put), "other_topic");
    assert_eq!(code(send_product(&shop, "products/update", json!([])).await), "invalid_webhook");
    let mut odd = product("tee");
    odd["variants"][0]["price"] = json!("cheap");
    assert_eq!(code(send_product(&shop, "products/update", odd).await), "invalid_webhook");
    let body = product("other").to_string();
    let signature = sign(&format!("{body} "));
    let call = ShopifyCall {
        signature: &signature,
        topic: "products/create",
        shop_domain: SHOP,
        webhook_id: "w",
        body: body.as_bytes(),
    };
    assert_eq!(code(shop.app.shopify_webhook(call).await), "unauthenticated");
    let right = sign(&body);
    let other = ShopifyCall { signature: &right, shop_domain: "evil.myshopify.com", ..call };
    assert_eq!(code(shop.app.shopify_webhook(other).await), "other_shop");
    assert_eq!(ids(&shop), ["tee"]);
}
