#![allow(clippy::unwrap_used)]

use serde_json::json;
use souk_core::{Purpose, Purposes, SiteId};

use crate::privacy::{Identity, Who};
use crate::search::tests::{ask, caught_up, put, rule};
use crate::search::{SearchQuery, SuggestQuery, SuggestedQuery};
use crate::test_shop::{Shop, caller};
use crate::{Caller, Config, ConsentUpdate, IngestCall, Role};

/// Teas under a law by which a shopper's no binds, with these settings of `search`.
async fn shop(search: &str) -> Shop {
    let settings = format!("privacy: {{default_jurisdiction: us}}\nsearch: {search}");
    let shop = Shop::open_with(Config::parse(&settings, []).unwrap()).await;
    let tea = |id: &str| json!({"id": id, "title": format!("{id} tea")});
    put(&shop, &["mint", "green", "black", "milk", "rose"].map(tea)).await;
    shop
}

/// One person searches, a minute after the last time.
async fn searches(shop: &Shop, user: &str, queries: &[&str]) {
    let came = json!({"event": "Shop Opened", "userId": user});
    shop.send(Role::IngestServer, IngestCall::Track, came).await;
    for query in queries {
        shop.hand.fetch_add(60_000, std::sync::atomic::Ordering::Relaxed);
        ask(shop, &SearchQuery { user_id: Some(user.into()), ..SearchQuery::new(query, 5) }).await;
    }
    shop.app.flush_impressions().await;
    caught_up(shop).await;
}

async fn suggested(shop: &Shop, query: SuggestQuery, caller: &Caller) -> Vec<SuggestedQuery> {
    shop.app.suggest(&query, caller).await.unwrap().queries
}

fn of(user: &str, text: &str) -> SuggestQuery {
    SuggestQuery { user_id: Some(user.to_owned()), ..SuggestQuery::new(text, 10) }
}

fn recent(queries: &[SuggestedQuery]) -> Vec<&str> {
    queries.iter().filter(|one| one.is_recent).map(|one| one.text.as_str()).collect()
}

#[tokio::test]
async fn what_somebody_searched_for_comes_first_for_them_alone() {
    let shop = shop("{}").await;
    let asked = ["mint tea", "green tea", "Mint  TEA", "nothing at all", "black tea", "milk tea"];
    searches(&shop, "ann", &asked).await;
    searches(&shop, "bob", &["rose tea"]).await;
    let server = caller(Role::StorefrontServer);
    let queries = suggested(&shop, of("ann", ""), &server).await;
    assert_eq!(
        recent(&queries),
        ["milk tea", "black tea", "mint tea"],
        "the latest, each once, and found"
    );
    assert!(queries.iter().all(|one| one.count == 1));
    let queries = suggested(&shop, of("ann", "mi"), &server).await;
    assert_eq!(recent(&queries), ["milk tea", "mint tea"]);
    assert_eq!(queries[0].text, "milk tea");
    assert_eq!(recent(&suggested(&shop, of("bob", ""), &server).await), ["rose tea"]);
    assert!(recent(&suggested(&shop, SuggestQuery::new("", 10), &server).await).is_empty());
    // What the shop hides is not suggested to those who found it before either.
    let hide = json!({"select": {"product_ids": ["milk"]}, "action": {"type": "hide"}});
    rule(&shop, "recall", hide).await;
    assert_eq!(recent(&suggested(&shop, of("ann", ""), &server).await), ["black tea", "mint tea"]);
}

#[tokio::test]
async fn a_page_hears_only_what_its_own_shopper_typed() {
    let shop = shop("{}").await;
    searches(&shop, "ann", &["mint tea"]).await;
    let page = caller(Role::StorefrontBrowser);
    assert!(recent(&suggested(&shop, of("ann", ""), &page).await).is_empty(), "anybody could ask");
    let anonymous = SuggestQuery { anonymous_id: Some("ann".into()), ..SuggestQuery::new("", 5) };
    assert!(recent(&suggested(&shop, anonymous, &page).await).is_empty());
    let proven = Caller { shopper: Some("ann".into()), ..page };
    assert_eq!(recent(&suggested(&shop, SuggestQuery::new("", 5), &proven).await), ["mint tea"]);
    assert!(recent(&suggested(&shop, of("bob", ""), &proven).await).is_empty());
}

#[tokio::test]
async fn who_shares_a_card_or_a_browser_hears_only_their_own_words() {
    let shop = shop("{}").await;
    searches(&shop, "ann", &["mint tea"]).await;
    searches(&shop, "bob", &["rose tea"]).await;
    for user in ["ann", "bob"] {
        let card =
            json!({"userId": user, "anonymousId": "sofa", "traits": {"loyalty_card_id": "c"}});
        shop.send(Role::IngestServer, IngestCall::Identify, card).await;
    }
    let server = caller(Role::StorefrontServer);
    let sofa = SearchQuery { anonymous_id: Some("sofa".into()), ..SearchQuery::new("milk tea", 5) };
    ask(&shop, &sofa).await;
    shop.app.flush_impressions().await;
    caught_up(&shop).await;
    assert_eq!(recent(&suggested(&shop, of("ann", ""), &server).await), ["mint tea"]);
    assert_eq!(recent(&suggested(&shop, of("bob", ""), &server).await), ["rose tea"]);
    let sofa = SuggestQuery { anonymous_id: Some("sofa".into()), ..SuggestQuery::new("", 10) };
    assert!(recent(&suggested(&shop, sofa.clone(), &server).await).is_empty(), "no user is named");
    let stranger = SuggestQuery { user_id: Some("nobody".into()), ..sofa };
    assert!(recent(&suggested(&shop, stranger, &server).await).is_empty());
}

#[tokio::test]
async fn a_word_about_it_and_leaving_end_it() {
    let shop = shop("{}").await;
    for user in ["ann", "bob", "cyd", "dan"] {
        searches(&shop, user, &["mint tea"]).await;
    }
    let server = caller(Role::StorefrontServer);
    let gpc = SuggestQuery { is_gpc: true, ..of("ann", "") };
    let withheld = shop.app.rules.gpc();
    let expected = usize::from(!withheld.contains(Purpose::Personalization));
    assert_eq!(recent(&suggested(&shop, gpc, &server).await).len(), expected, "{withheld:?}");
    for (user, purpose) in [("ann", Purpose::Personalization), ("dan", Purpose::Analytics)] {
        let denied = Purposes::NONE.with(purpose);
        let update = ConsentUpdate { denied, ..ConsentUpdate::default() };
        let said = (user, &SiteId::main());
        shop.app.change_consents(said, update, &caller(Role::Admin)).await.unwrap();
    }
    let who = Who::parse("bob").unwrap();
    shop.app.request_erasure(&caller(Role::Privacy), &who, Identity::Verified).await.unwrap();
    caught_up(&shop).await;
    for user in ["ann", "bob", "dan"] {
        assert!(recent(&suggested(&shop, of(user, ""), &server).await).is_empty(), "{user}");
    }
    assert_eq!(recent(&suggested(&shop, of("cyd", ""), &server).await), ["mint tea"]);
}

#[tokio::test]
async fn a_shop_may_have_more_of_them_or_none() {
    for (search, n) in [("{recent_searches: 0}", 0), ("{recent_searches: 1}", 1)] {
        let shop = shop(search).await;
        searches(&shop, "ann", &["mint tea", "green tea"]).await;
        let queries = suggested(&shop, of("ann", ""), &caller(Role::StorefrontServer)).await;
        assert_eq!(recent(&queries).len(), n, "{search}");
    }
    let held = "privacy: {default_jurisdiction: us}\nholdout: {share: 0.5}";
    let shop = Shop::open_with(Config::parse(held, []).unwrap()).await;
    put(&shop, &[json!({"id": "mint", "title": "mint tea"})]).await;
    let mut n_told = 0;
    for number in 0..24 {
        let user = format!("u{number}");
        searches(&shop, &user, &["mint tea"]).await;
        let queries = suggested(&shop, of(&user, ""), &caller(Role::StorefrontServer)).await;
        n_told += recent(&queries).len();
    }
    assert!((1..24).contains(&n_told), "the holdout hears what everybody hears: {n_told}");
}
