//! Answers to ids that no event has named yet.

use std::sync::atomic::Ordering;

use souk_core::ProductId;
use souk_core::wire::json::product_from_json;

use super::*;
use crate::ingest::newcomers::{AskedIds, Newcomers};
use crate::privacy::{Identity, Who};
use crate::{RecommendRequest, Strategy};

/// Answers wait here until something writes them.
async fn open(jurisdiction: &str) -> Shop {
    let text = format!(
        "privacy: {{default_jurisdiction: {jurisdiction}}}\nimpressions: {{flush_ms: 60000}}\n\
         holdout: {{share: 0.5}}"
    );
    let shop = Shop::open_with(crate::Config::parse(&text, []).unwrap()).await;
    let product = json!({"id": "tea", "title": "Tea", "price": {"amount": 200, "currency": "USD"}});
    let product = product_from_json(&product, &SiteId::main(), Currency::USD).unwrap();
    shop.app.put_products(vec![product], &caller(Role::Admin)).await.unwrap();
    shop
}

async fn ask(shop: &Shop, user: Option<&str>, browser: Option<&str>) -> String {
    let request = RecommendRequest {
        user_id: user.map(str::to_owned),
        anonymous_id: browser.map(str::to_owned),
        ..RecommendRequest::new(Strategy::New, 3)
    };
    let role = caller(Role::StorefrontServer);
    let answer = shop.app.recommend(&request, &role).await.unwrap();
    assert_eq!(answer.recommendations.len(), 1);
    answer.request_id
}

async fn act(shop: &Shop, more: Value) {
    let mut event = json!({"type": "track", "event": "Product Clicked",
        "properties": {"product_id": "tea"}});
    event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let answer = shop.send(Role::IngestServer, IngestCall::Batch, json!({"batch": [event]})).await;
    assert_eq!(answer.rejected, []);
}

/// To whom the log says that answers were made, and how many parts of experiments each names.
async fn told(shop: &Shop) -> Vec<(Option<SubjectId>, usize)> {
    shop.app.flush_impressions().await;
    let log = shop.log().await.into_iter();
    let shown = log.filter_map(|(subject, event)| match event.fact {
        Fact::Impressions(shown) => Some((subject, shown.marks.arms.len())),
        _ => None,
    });
    shown.collect()
}

async fn subject(shop: &Shop, kind: IdKind, id: &str) -> Option<SubjectId> {
    let hash = shop.app.door.hasher.id(kind, id);
    shop.app.parts.keys.find(&[hash]).await.unwrap()[0]
}

#[tokio::test]
async fn an_answer_is_the_persons_once_an_event_comes_under_their_id() {
    let shop = open("us").await;
    ask(&shop, Some("ann"), Some("b1")).await;
    ask(&shop, None, Some("b2")).await;
    ask(&shop, Some("cy"), None).await;
    ask(&shop, None, None).await;
    assert_eq!(told(&shop).await, [(None, 0)], "who names nobody is nobody at once");
    assert_eq!(subject(&shop, IdKind::User, "ann").await, None, "an answer makes nobody known");
    // The browser's id alone, then an identify that names both.
    act(&shop, json!({"anonymousId": "b1"})).await;
    act(&shop, json!({"type": "identify", "userId": "bo", "anonymousId": "b2"})).await;
    let b1 = subject(&shop, IdKind::Anonymous, "b1").await;
    let b2 = subject(&shop, IdKind::Anonymous, "b2").await;
    assert!(b1.is_some() && b2.is_some());
    assert_eq!(told(&shop).await, [(None, 0), (b1, 1), (b2, 1)]);
    // Whoever does nothing within half an hour stays nobody.
    shop.hand.fetch_add(30 * 60_000 - 1, Ordering::Relaxed);
    assert_eq!(told(&shop).await.len(), 3);
    shop.hand.fetch_add(1, Ordering::Relaxed);
    assert_eq!(told(&shop).await[3..], [(None, 0)]);
    act(&shop, json!({"userId": "cy"})).await;
    assert_eq!(told(&shop).await.len(), 4);
}

#[tokio::test]
async fn an_answer_is_theirs_who_name_it() {
    let shop = open("us").await;
    let named = ask(&shop, None, Some("b1")).await;
    let other = ask(&shop, None, Some("b1")).await;
    let properties = json!({"product_id": "tea", "request_id": named});
    act(&shop, json!({"userId": "ann", "properties": properties})).await;
    // Which part of an experiment Ann is in is drawn by her own id.
    let ann = subject(&shop, IdKind::User, "ann").await;
    assert_eq!(told(&shop).await, [(ann, 0)]);
    let properties = json!({"product_id": "tea", "request_id": other});
    act(&shop, json!({"anonymousId": "b1", "properties": properties})).await;
    let b1 = subject(&shop, IdKind::Anonymous, "b1").await;
    assert_eq!(told(&shop).await[1..], [(b1, 1)]);
}

#[tokio::test]
async fn what_is_not_allowed_names_nobody() {
    let no = json!({"consent": {"categoryPreferences": {"Analytics": false}}});
    let shop = open("us").await;
    ask(&shop, Some("ann"), None).await;
    act(&shop, json!({"userId": "ann", "context": no})).await;
    assert_eq!(told(&shop).await, [(None, 0)]);
    // Nor what was done under an id before its erasure, if it comes back.
    ask(&shop, Some("bo"), None).await;
    let (who, privacy) = (Who::parse("bo").unwrap(), caller(Role::Privacy));
    shop.app.request_erasure(&privacy, &who, Identity::Verified).await.unwrap();
    act(&shop, json!({"userId": "bo"})).await;
    assert_eq!(told(&shop).await, [(None, 0), (None, 0)]);
    // Where a yes comes first, nothing waits for it.
    let shop = open("de").await;
    ask(&shop, Some("ann"), None).await;
    assert!(!shop.app.door.impressions.has_newcomers());
    let yes = json!({"consent": {"categoryPreferences": {"Analytics": true}}});
    act(&shop, json!({"userId": "ann", "context": yes})).await;
    assert_eq!(told(&shop).await, [(None, 0)]);
}

#[tokio::test]
async fn what_waits_is_written_at_the_end() {
    let shop = open("us").await;
    ask(&shop, Some("ann"), None).await;
    shop.app.close().await.unwrap();
    assert_eq!(told(&shop).await, [(None, 0)]);
}

#[test]
fn few_answers_wait_and_the_oldest_makes_way() {
    let shown = |number: usize| Shown {
        subject: None,
        site: SiteId::main(),
        channel: None,
        at: noon().plus_ms(number as i64),
        withheld: souk_core::Purposes::NONE,
        impressions: souk_core::Impressions {
            request_id: format!("r{number}").into(),
            placement: None,
            strategy: "new".into(),
            products: vec![ProductId::new("tea").unwrap()],
            marks: souk_core::Marks::default(),
        },
    };
    let name = |shown: Shown| shown.impressions.request_id.to_string();
    let id = |number: usize| souk_ports::IdHash((number as u128).to_le_bytes());
    let ids = |number| AskedIds { user: Some(id(number % 4_000)), anonymous: Some(id(1 << 20)) };
    let mut newcomers = Newcomers::default();
    for number in 0..10_000 {
        assert_eq!(newcomers.keep(shown(number), ids(number)), None);
    }
    assert_eq!(newcomers.keep(shown(10_000), ids(10_000)).map(name), Some("r0".to_owned()));
    let of_id: Vec<String> = newcomers.of_id(id(0)).into_iter().map(name).collect();
    assert_eq!(of_id, ["r4000", "r8000"]);
    assert_eq!(newcomers.of_request("r4000"), None, "it was taken");
    assert_eq!(newcomers.of_request("r9999").map(name), Some("r9999".to_owned()));
    assert_eq!(newcomers.overdue(Some(noon().plus_ms(30 * 60_000))).len(), 0);
    assert_eq!(newcomers.overdue(Some(noon().plus_ms(30 * 60_000 + 10))).len(), 10);
    assert_eq!(newcomers.of_id(id(1 << 20)).len(), 10_000 - 2 - 1 - 10);
    assert!(newcomers.is_empty() && newcomers.overdue(None).is_empty());
}
