//! Answers to ids that no event has named yet.

use std::sync::atomic::Ordering;

use souk_core::wire::json::product_from_json;
use souk_core::{ProductId, Purpose};

use super::*;
use crate::ingest::newcomers::Newcomers;
use crate::privacy::{Identity, Who};
use crate::{ConsentUpdate, RecommendAnswer, RecommendRequest, SearchQuery, Strategy};

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
    answer(shop, user, browser).await.request_id
}

async fn answer(shop: &Shop, user: Option<&str>, browser: Option<&str>) -> RecommendAnswer {
    let request = RecommendRequest {
        user_id: user.map(str::to_owned),
        anonymous_id: browser.map(str::to_owned),
        ..RecommendRequest::new(Strategy::New, 3)
    };
    let role = caller(Role::StorefrontServer);
    let answer = shop.app.recommend(&request, &role).await.unwrap();
    assert_eq!(answer.recommendations.len(), 1);
    answer
}

async fn act(shop: &Shop, more: Value) {
    send(shop, vec![event(more)]).await;
}

fn event(more: Value) -> Value {
    let mut event = json!({"type": "track", "event": "Product Clicked",
        "properties": {"product_id": "tea"}});
    event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    event
}

async fn send(shop: &Shop, batch: Vec<Value>) {
    let answer = shop.send(Role::IngestServer, IngestCall::Batch, json!({"batch": batch})).await;
    assert_eq!(answer.rejected, []);
}

async fn folded(shop: &Shop) {
    shop.app.wait_for(&shop.app.parts.log.end().await.unwrap()).await.unwrap();
}

/// To whom the log says that answers were made, and how many parts of experiments each names.
async fn told(shop: &Shop) -> Vec<(Option<SubjectId>, usize)> {
    shop.app.flush_impressions().await;
    written(shop).await
}

async fn written(shop: &Shop) -> Vec<(Option<SubjectId>, usize)> {
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
    // An identify that names both, then the user alone.
    act(&shop, json!({"type": "identify", "userId": "bo", "anonymousId": "b2"})).await;
    act(&shop, json!({"userId": "ann"})).await;
    let ann = subject(&shop, IdKind::User, "ann").await;
    let b2 = subject(&shop, IdKind::Anonymous, "b2").await;
    assert!(ann.is_some() && b2.is_some());
    assert_eq!(told(&shop).await, [(None, 0), (b2, 0), (ann, 0)]);
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
    let ann = subject(&shop, IdKind::User, "ann").await;
    assert_eq!(told(&shop).await, [(ann, 0)]);
    let properties = json!({"product_id": "tea", "request_id": other});
    act(&shop, json!({"anonymousId": "b1", "properties": properties})).await;
    let b1 = subject(&shop, IdKind::Anonymous, "b1").await;
    assert_eq!(told(&shop).await[1..], [(b1, 0)]);
}

#[tokio::test]
async fn of_a_shared_browser_an_answer_is_the_users_alone() {
    let shop = open("us").await;
    ask(&shop, Some("ann"), Some("tablet")).await;
    act(&shop, json!({"type": "identify", "userId": "bob", "anonymousId": "tablet"})).await;
    act(&shop, json!({"anonymousId": "tablet"})).await;
    assert_eq!(told(&shop).await, []);
    act(&shop, json!({"userId": "ann"})).await;
    let ann = subject(&shop, IdKind::User, "ann").await;
    assert_eq!(told(&shop).await, [(ann, 0)]);
}

/// Whether somebody new acts must not hang on their part, so there is none before they do.
#[tokio::test]
async fn nobody_is_in_an_experiment_before_an_event() {
    let shop = open("us").await;
    for n in 0..30 {
        let (user, browser) = (format!("u{n}"), format!("b{n}"));
        assert_eq!(answer(&shop, None, Some(&browser)).await.holdout, None);
        act(&shop, json!({"anonymousId": browser})).await;
        folded(&shop).await;
        let met = answer(&shop, None, Some(&browser)).await.holdout;
        assert!(met.is_some());
        // Nor does the part change when they sign in, though the answer of it waited to be written.
        act(&shop, json!({"type": "identify", "userId": user, "anonymousId": browser})).await;
        folded(&shop).await;
        assert_eq!(answer(&shop, Some(&user), None).await.holdout, met, "{user}");
    }
    let arms = told(&shop).await.into_iter().map(|(_, arms)| arms);
    assert_eq!(arms.collect::<Vec<usize>>(), [0, 1, 1].repeat(30));
}

/// A search is recorded with its words.
#[tokio::test]
async fn whom_an_event_joins_with_a_refuser_is_not_named() {
    let shop = open("us").await;
    let card = json!({"loyalty_card_id": "card"});
    act(&shop, json!({"type": "identify", "userId": "ann", "traits": &card})).await;
    folded(&shop).await;
    let update = || {
        let denied = [Purpose::Analytics].into_iter().collect();
        ConsentUpdate { denied, ..ConsentUpdate::default() }
    };
    let (main, admin) = (SiteId::main(), caller(Role::Admin));
    shop.app.change_consents(("ann", &main), update(), &admin).await.unwrap();
    shop.app.wait_searchable(std::time::Duration::from_secs(60)).await.unwrap();
    let search = async |browser: &str| {
        let anonymous_id = Some(browser.to_owned());
        let query = SearchQuery { anonymous_id, ..SearchQuery::new("tea", 5) };
        shop.app.search(&query, &caller(Role::StorefrontServer)).await.unwrap();
    };
    for browser in ["b2", "b3"] {
        search(browser).await;
        ask(&shop, None, Some(browser)).await;
    }
    ask(&shop, Some("ann-2"), None).await;
    act(&shop, json!({"type": "identify", "userId": "ann", "anonymousId": "b2"})).await;
    act(&shop, json!({"type": "alias", "userId": "ann", "previousId": "b3"})).await;
    act(&shop, json!({"type": "identify", "userId": "ann-2", "traits": card})).await;
    assert_eq!(told(&shop).await, [(None, 0); 5]);
    // What is refused and joined by one call as well; and whom nobody refuses for is named.
    ask(&shop, None, Some("b4")).await;
    ask(&shop, None, Some("b5")).await;
    let no = json!({"consent": {"categoryPreferences": {"Analytics": false}}});
    let batch = vec![
        event(json!({"userId": "bo", "context": no})),
        event(json!({"type": "identify", "userId": "bo", "anonymousId": "b4"})),
        event(json!({"type": "identify", "userId": "cy", "anonymousId": "b5"})),
    ];
    send(&shop, batch).await;
    let b5 = subject(&shop, IdKind::Anonymous, "b5").await;
    assert!(b5.is_some());
    assert_eq!(told(&shop).await[5..], [(None, 0), (b5, 0)]);
}

#[tokio::test]
async fn whoever_refuses_or_is_erased_is_not_named_by_what_waited() {
    let shop = open("us").await;
    let (main, admin) = (SiteId::main(), caller(Role::Admin));
    let analytics = || [Purpose::Analytics].into_iter().collect();
    ask(&shop, Some("ann"), None).await;
    let no = ConsentUpdate { denied: analytics(), ..ConsentUpdate::default() };
    shop.app.change_consents(("ann", &main), no, &admin).await.unwrap();
    let yes = ConsentUpdate { granted: analytics(), ..ConsentUpdate::default() };
    shop.app.change_consents(("ann", &main), yes, &admin).await.unwrap();
    act(&shop, json!({"userId": "ann"})).await;
    assert_eq!(told(&shop).await, [(None, 0)], "what was before the refusal");
    let (who, privacy) = (Who::parse("bo").unwrap(), caller(Role::Privacy));
    let request = shop.app.request_erasure(&privacy, &who, Identity::Unverified).await.unwrap();
    ask(&shop, Some("bo"), None).await;
    shop.app.verify_request(&privacy, &request.request_id).await.unwrap();
    act(&shop, json!({"userId": "bo"})).await;
    assert_eq!(told(&shop).await[1..], [(None, 0)], "what was before the erasure");
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
    assert_eq!(written(&shop).await, [(None, 0)]);
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
    let mut newcomers = Newcomers::default();
    for number in 0..10_000 {
        assert_eq!(newcomers.keep(shown(number), id(number % 4_000)), None);
    }
    assert_eq!(newcomers.keep(shown(10_000), id(10_000 % 4_000)).map(name), Some("r0".to_owned()));
    let of_id: Vec<String> = newcomers.of_id(id(0)).into_iter().map(name).collect();
    assert_eq!(of_id, ["r4000", "r8000"]);
    assert_eq!(newcomers.of_request("r4000"), None, "it was taken");
    assert_eq!(newcomers.of_request("r9999").map(name), Some("r9999".to_owned()));
    assert_eq!(newcomers.overdue(Some(noon().plus_ms(30 * 60_000))).len(), 0);
    assert_eq!(newcomers.overdue(Some(noon().plus_ms(30 * 60_000 + 10))).len(), 10);
    assert_eq!(newcomers.overdue(None).len(), 10_000 - 2 - 1 - 10);
    assert!(newcomers.is_empty() && newcomers.of_id(id(1)).is_empty());
}
