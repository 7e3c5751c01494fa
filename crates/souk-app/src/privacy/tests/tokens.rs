//! The policy `tokenise`: what the door seals with a person's key, the person's copy shows again and an erasure ends.

use super::*;
use crate::test_shop::Shop;
use souk_core::Fact;
use souk_privacy::pii::redact::{TokenKey, reveal};

const EMAIL: &str = "jane.roe@example.org";
const CARD: &str = "4111 1111 1111 1111";

async fn tokenising() -> Shop {
    let settings = "privacy: {default_jurisdiction: us, pii: {policy: tokenise}}";
    Shop::open_with(Config::parse(settings, []).unwrap()).await
}

fn search(user: &str, query: &str) -> Value {
    json!({"type": "track", "userId": user, "event": "Products Searched", "properties": {"query": query}})
}

async fn send(shop: &Shop, messages: Vec<Value>) {
    let answer = shop.send(Role::IngestServer, IngestCall::Batch, json!({"batch": messages})).await;
    assert_eq!(answer.rejected, []);
}

async fn copy(shop: &Shop, id: &str) -> String {
    let who = Who::parse(id).unwrap();
    let asked = (Identity::Verified, CopyForm::JsonLines);
    shop.app.request_copy(&privacy(), &who, asked).await.unwrap().text.unwrap()
}

/// The queries in the log, as whoever may read a person's records sees them.
async fn queries(shop: &Shop) -> Vec<String> {
    let of = |fact| match fact {
        Fact::Searched { query } => Some(query.to_string()),
        _ => None,
    };
    shop.log().await.into_iter().filter_map(|(_, event)| of(event.fact)).collect()
}

#[tokio::test]
async fn a_persons_own_copy_shows_what_the_log_holds_as_tokens() {
    let shop = tokenising().await;
    let properties = json!({"deep": {"card": CARD}, "mail": EMAIL});
    let custom =
        json!({"type": "track", "userId": "jane", "event": "Asked", "properties": properties});
    send(&shop, vec![search("jane", &format!("order of {EMAIL}")), custom]).await;
    let log = format!("{:?}", shop.log().await);
    assert!(log.contains("order of [EMAIL:tok_"), "{log}");
    assert!(log.contains("[CREDIT_DEBIT_NUMBER:tok_"), "{log}");
    assert!(!log.contains(EMAIL) && !log.contains(CARD), "{log}");
    let copy = copy(&shop, "jane").await;
    assert!(copy.contains(&format!("order of {EMAIL}")) && copy.contains(CARD), "{copy}");
    assert!(!copy.contains("tok_"), "{copy}");
}

#[tokio::test]
async fn another_persons_token_stays_closed() {
    let shop = tokenising().await;
    send(&shop, vec![search("jane", EMAIL)]).await;
    let token = queries(&shop).await.remove(0);
    // Who copies the token into a query of their own learns nothing from it.
    send(&shop, vec![search("eve", &token), search("eve", "eve@example.org")]).await;
    let copy = copy(&shop, "eve").await;
    assert!(copy.contains(&token) && copy.contains("eve@example.org"), "{copy}");
    assert!(!copy.contains(EMAIL), "{copy}");
}

#[tokio::test]
async fn an_erasure_ends_the_tokens() {
    let shop = tokenising().await;
    send(&shop, vec![search("jane", EMAIL), search("eve", "eve@example.org")]).await;
    // Somebody kept the text elsewhere, say in a report.
    let token = queries(&shop).await.remove(0);
    let jane = shop.app.find_subject(IdKind::User, "jane").await.unwrap().unwrap();
    let eve = shop.app.find_subject(IdKind::User, "eve").await.unwrap().unwrap();
    let open = |key: &souk_privacy::seal::SecretKey| {
        let key = TokenKey::of_subject(key);
        reveal(&token, &mut |kind, sealed| key.open(kind, sealed).ok())
    };
    let keys = shop.app.parts.keys.keys(&[jane, eve]).await.unwrap();
    assert_eq!(open(keys[0].as_ref().unwrap()), EMAIL, "before");
    let who = Who::parse("jane").unwrap();
    shop.app.request_erasure(&privacy(), &who, Identity::Verified).await.unwrap();
    let keys = shop.app.parts.keys.keys(&[jane, eve]).await.unwrap();
    assert_eq!(keys[0], None);
    assert_eq!(open(keys[1].as_ref().unwrap()), token, "no key that is left opens it");
    assert_eq!(queries(&shop).await.len(), 1, "the person's own records are noise as well");
}
