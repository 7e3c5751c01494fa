#![allow(clippy::unwrap_used)]

use serde_json::{Value, json};
use souk_search::{SortBy, Typing};

use super::tests::{ask, caught_up, ids, put, rule, tea_shop};
use super::*;
use crate::privacy::{Identity, Who};
use crate::test_shop::{Shop, caller};
use crate::{ConsentUpdate, IngestCall, ReportDays, Role, SearchReportKind, SearchReportQuery};

/// So many people make a crowd.
pub(super) const CROWD: usize = 20;

/// Searches of one person, whom an event has made known, then what they do with what was found: acts and products.
async fn looks(shop: &Shop, user: &str, (query, acts): (&str, &[(&str, &str)])) -> SearchFound {
    let came = json!({"event": "Shop Opened", "userId": user});
    shop.send(Role::IngestServer, IngestCall::Track, came).await;
    let query = SearchQuery { user_id: Some(user.to_owned()), ..SearchQuery::new(query, 10) };
    let found = ask(shop, &query).await;
    shop.app.flush_impressions().await;
    for (act, product) in acts {
        let at = shop.app.clock().now().plus_ms(1_000);
        let body = json!({"event": act, "userId": user, "timestamp": at.to_string(),
            "properties": {"product_id": product, "request_id": found.request_id}});
        shop.send(Role::IngestServer, IngestCall::Track, body).await;
    }
    found
}

/// Shoppers of other days, with orders that no page could make up; what they bought is no longer sold.
pub(super) async fn regulars(shop: &Shop) {
    for number in 0..CROWD {
        let order = json!({"event": "Order Completed", "userId": format!("u{number}"), "properties": {
            "order_id": format!("o{number}"),
            "products": [{"product_id": "gone", "price": 1, "quantity": 1}]}});
        shop.send(Role::IngestServer, IngestCall::Track, order).await;
    }
}

/// What a page tells of a search besides, as analytics libraries do.
async fn searched(shop: &Shop, user: &str, query: &str) {
    let told =
        json!({"event": "Products Searched", "userId": user, "properties": {"query": query}});
    shop.send(Role::IngestServer, IngestCall::Track, told).await;
}

pub(super) async fn crowd(shop: &Shop, (from, n): (usize, usize), asked: (&str, &[(&str, &str)])) {
    for number in from..from + n {
        looks(shop, &format!("u{number}"), asked).await;
    }
    caught_up(shop).await;
}

pub(super) async fn learn(shop: &Shop) {
    caught_up(shop).await;
    assert!(shop.app.learn_from_searches().await);
}

async fn explained(shop: &Shop, query: &str) -> Value {
    let query = SearchQuery { explain: true, ..SearchQuery::new(query, 10) };
    serde_json::from_str(&search_to_json(&ask(shop, &query).await)).unwrap()
}

/// The product that clicks bring forward. Its place would not tell: what is popular moves hits too, once the index hears of it.
async fn brought_forward(shop: &Shop, query: &str) -> Option<String> {
    let answer = explained(shop, query).await;
    let hits = answer["hits"].as_array().unwrap();
    let is_forward = |hit: &&Value| hit["explanation"]["clicks"].as_f64().unwrap() > 1.0;
    hits.iter().find(is_forward).map(|hit| hit["product_id"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn what_a_crowd_takes_up_comes_forward_and_says_so() {
    let shop = tea_shop().await;
    regulars(&shop).await;
    let before = ids(&ask(&shop, &SearchQuery::new("tea", 10)).await);
    let liked = before[2].clone();
    let clicks = [("Product Clicked", liked.as_str())];
    crowd(&shop, (0, CROWD - 1), ("tea", &clicks)).await;
    learn(&shop).await;
    assert_eq!(brought_forward(&shop, "tea").await, None, "of few people nothing is learned");
    crowd(&shop, (CROWD, 15), (" TEA ", &clicks)).await;
    learn(&shop).await;
    let answer = explained(&shop, "Tea!").await;
    assert_eq!(answer["hits"][0]["product_id"], json!(liked));
    let factor = |place: usize| answer["hits"][place]["explanation"]["clicks"].as_f64().unwrap();
    assert!(factor(0) > 1.5 && factor(1) < 1.0, "{answer:#}");
    assert!(answer["hits"][0]["explanation"]["brought_by_people"].is_null());
    // Another query is another matter, and a sorted list has its own order.
    let other = explained(&shop, "green tea").await;
    assert_eq!(other["hits"][0]["explanation"]["clicks"], json!(1.0));
    let sort = vec![SortBy::parse("price:asc").unwrap()];
    let sorted = ask(&shop, &SearchQuery { sort, ..SearchQuery::new("tea", 10) }).await;
    assert_eq!(sorted.hits[0].product_id.as_str(), "black");
}

#[tokio::test]
async fn a_hit_of_a_merged_list_teaches_the_search_that_found_it() {
    let shop = tea_shop().await;
    regulars(&shop).await;
    let liked = ids(&ask(&shop, &SearchQuery::new("tea", 10)).await)[2].clone();
    let merge = Merge { weights: vec![1.0, 1.0], limit: 10, offset: 0 };
    for number in 0..CROWD + 15 {
        let user = format!("u{number}");
        let came = json!({"event": "Shop Opened", "userId": user});
        shop.send(Role::IngestServer, IngestCall::Track, came).await;
        let asked = |query: &str| SearchQuery {
            user_id: Some(user.clone()),
            ..SearchQuery::new(query, 10)
        };
        let queries = [asked("pot"), asked("tea")];
        let server = caller(Role::StorefrontServer);
        let found = shop.app.search_merged((&queries, &merge), &server).await.unwrap();
        shop.app.flush_impressions().await;
        let hit = found.hits.iter().find(|one| one.hit.product_id.as_str() == liked).unwrap();
        assert_eq!(hit.searches, [1]);
        let at = shop.app.clock().now().plus_ms(1_000);
        let body = json!({"event": "Product Clicked", "userId": user, "timestamp": at.to_string(),
            "properties": {"product_id": liked, "request_id": found.answers[1].request_id}});
        shop.send(Role::IngestServer, IngestCall::Track, body).await;
    }
    learn(&shop).await;
    assert_eq!(brought_forward(&shop, "tea").await.as_deref(), Some(liked.as_str()));
    let answer = explained(&shop, "pot").await;
    let hits = answer["hits"].as_array().unwrap();
    assert!(hits.iter().all(|hit| hit["product_id"] != json!(liked)), "{answer:#}");
}

#[tokio::test]
async fn what_was_learned_goes_with_whoever_leaves() {
    let shop = tea_shop().await;
    regulars(&shop).await;
    let before = ids(&ask(&shop, &SearchQuery::new("tea", 10)).await);
    let liked = before[2].clone();
    crowd(&shop, (0, CROWD), ("tea", &[("Product Clicked", &liked)])).await;
    learn(&shop).await;
    assert_eq!(brought_forward(&shop, "tea").await.as_deref(), Some(liked.as_str()));
    let who = Who::parse("u3").unwrap();
    shop.app.request_erasure(&caller(Role::Privacy), &who, Identity::Verified).await.unwrap();
    caught_up(&shop).await;
    // At once, and for good: nineteen are too few.
    assert_eq!(brought_forward(&shop, "tea").await, None);
    learn(&shop).await;
    assert_eq!(brought_forward(&shop, "tea").await, None);
}

#[tokio::test]
async fn a_word_taken_back_counts_at_once_of_who_only_searched_too() {
    for purpose in [Purpose::Analytics, Purpose::ModelTraining] {
        let shop = tea_shop().await;
        regulars(&shop).await;
        let before = ids(&ask(&shop, &SearchQuery::new("tea", 10)).await);
        let liked = before[2].clone();
        crowd(&shop, (0, CROWD), ("tea", &[("Product Clicked", &liked)])).await;
        looks(&shop, "quiet", ("tea", &[])).await;
        learn(&shop).await;
        assert_eq!(brought_forward(&shop, "tea").await.as_deref(), Some(liked.as_str()));
        let denied = [purpose].into_iter().collect();
        let update = ConsentUpdate { denied, ..ConsentUpdate::default() };
        let said = ("quiet", &SiteId::main());
        shop.app.change_consents(said, update, &caller(Role::Admin)).await.unwrap();
        caught_up(&shop).await;
        assert_eq!(brought_forward(&shop, "tea").await, None, "{purpose:?}");
        learn(&shop).await;
        assert_eq!(brought_forward(&shop, "tea").await.as_deref(), Some(liked.as_str()));
    }
}

#[tokio::test]
async fn people_who_were_made_up_teach_nothing() {
    let shop = tea_shop().await;
    let before = ids(&ask(&shop, &SearchQuery::new("tea", 10)).await);
    crowd(&shop, (0, 2 * CROWD), ("tea", &[("Product Clicked", &before[2])])).await;
    learn(&shop).await;
    assert_eq!(brought_forward(&shop, "tea").await, None);
    let query = SuggestQuery::new("te", 5);
    let suggested =
        shop.app.suggest(&query, &caller(Role::StorefrontBrowser)).await.unwrap().queries;
    assert!(suggested.iter().all(|one| one.people.is_none()), "{suggested:?}");
}

#[tokio::test]
async fn nothing_is_noted_of_searches_that_are_refused_together() {
    let shop = tea_shop().await;
    let good = SearchQuery::new("tea", 10);
    let bad = SearchQuery { cursor: Some("0102".into()), ..good.clone() };
    let server = caller(Role::StorefrontServer);
    let refused = shop.app.search_all(&[good.clone(), bad], &server).await.unwrap_err();
    assert_eq!(refused.0, 1);
    shop.app.flush_impressions().await;
    let is_shown = |fact: &souk_core::Fact| matches!(fact, souk_core::Fact::Impressions(_));
    assert!(!shop.log().await.iter().any(|(_, event)| is_shown(&event.fact)));
    assert_eq!(shop.app.search_all(&[good.clone(), good], &server).await.unwrap().len(), 2);
    shop.app.flush_impressions().await;
    assert!(shop.log().await.iter().any(|(_, event)| is_shown(&event.fact)));
}

#[tokio::test]
async fn what_people_find_by_typing_anew_comes_in_with_the_first_words() {
    let shop = tea_shop().await;
    regulars(&shop).await;
    put(&shop, &[json!({"id": "kettle", "title": "Kettle", "categories": ["Kitchen"]})]).await;
    for number in 0..CROWD {
        let user = format!("u{number}");
        looks(&shop, &user, ("water boiler", &[])).await;
        searched(&shop, &user, "water boiler").await;
        shop.hand.fetch_add(30_000, std::sync::atomic::Ordering::Relaxed);
        looks(&shop, &user, ("kettle", &[("Product Added", "kettle")])).await;
        searched(&shop, &user, "kettle").await;
        shop.hand.fetch_add(30_000, std::sync::atomic::Ordering::Relaxed);
    }
    assert!(ids(&ask(&shop, &SearchQuery::new("water boiler", 10)).await).is_empty());
    learn(&shop).await;
    let answer = explained(&shop, "water boiler").await;
    assert_eq!(answer["hits"][0]["product_id"], json!("kettle"));
    assert_eq!(answer["total"], json!(1));
    assert_eq!(answer["hits"][0]["explanation"]["brought_by_people"], json!(CROWD));
    // Nothing comes in past a filter or a rule.
    let filter = Some(Filter::parse("category = 'Food'").unwrap());
    let narrowed = SearchQuery { filter, ..SearchQuery::new("water boiler", 10) };
    assert!(ids(&ask(&shop, &narrowed).await).is_empty());
    let hide = json!({"select": {"product_ids": ["kettle"]}, "action": {"type": "hide"}});
    rule(&shop, "hidden", hide).await;
    assert!(ids(&ask(&shop, &SearchQuery::new("water boiler", 10)).await).is_empty());
}

#[tokio::test]
async fn what_many_ask_is_suggested_before_and_while_typing() {
    let shop = tea_shop().await;
    regulars(&shop).await;
    looks(&shop, "early", ("cup", &[])).await;
    shop.hand.fetch_add(36 * 86_400_000, std::sync::atomic::Ordering::Relaxed);
    crowd(&shop, (0, CROWD + 3), ("mint tea", &[])).await;
    crowd(&shop, (0, CROWD - 1), ("pot for tea", &[])).await;
    crowd(&shop, (0, CROWD), ("no such thing", &[])).await;
    learn(&shop).await;
    let suggest = |text: &'static str| {
        let app = &shop.app;
        async move {
            let page = caller(Role::StorefrontBrowser);
            app.suggest(&SuggestQuery::new(text, 5), &page).await.unwrap().queries
        }
    };
    let unprompted = suggest("").await;
    assert_eq!(
        unprompted.len(),
        1,
        "too few asked for pots, and one finds nothing: {unprompted:?}"
    );
    let mint = &unprompted[0];
    assert_eq!((mint.text.as_str(), mint.people), ("mint tea", Some(CROWD as u32)));
    assert!(mint.count >= 1 && mint.trend.is_some_and(|trend| trend > 2.0), "{mint:?}");
    let typed = suggest("mi").await;
    assert_eq!((typed[0].text.as_str(), typed[0].people), ("mint tea", Some(CROWD as u32)));
    assert_eq!(suggest("po").await[0].people, None, "from titles alone");
}

#[tokio::test]
async fn searches_are_reported_of_crowds_alone() {
    let shop = tea_shop().await;
    crowd(&shop, (0, CROWD), ("tea", &[("Product Clicked", "green")])).await;
    crowd(&shop, (100, CROWD), ("Tea", &[])).await;
    crowd(&shop, (0, CROWD), ("hovercraft", &[])).await;
    crowd(&shop, (0, CROWD), ("cup", &[])).await;
    crowd(&shop, (0, CROWD - 1), ("my very own words", &[])).await;
    for number in 0..CROWD {
        searched(&shop, &format!("u{number}"), "found elsewhere").await;
    }
    caught_up(&shop).await;
    let report = async |kind| {
        let days = ReportDays::default();
        let limit = SearchReportQuery::LIMIT;
        let query = SearchReportQuery { days, kind, site: None, limit };
        shop.app.search_report(&query, &caller(Role::Analyst)).await.unwrap()
    };
    let top = report(SearchReportKind::Top).await;
    let brief = |row: &crate::QueryFigures| {
        (row.query.clone(), row.searches, row.no_results, row.click_through, row.conversion)
    };
    let rows: Vec<_> = top.queries.iter().map(brief).collect();
    let n = CROWD as i64;
    assert_eq!(
        rows,
        [
            ("tea".to_owned(), Some(2 * n), Some(0), Some(0.5), Some(0.0)),
            ("cup".to_owned(), Some(n), Some(0), Some(0.0), Some(0.0)),
            ("found elsewhere".to_owned(), Some(n), None, None, None),
            ("hovercraft".to_owned(), Some(n), Some(n), None, None),
        ]
    );
    assert_eq!(top.all.searches, Some(6 * n - 1));
    assert!(top.latency_ms.is_some_and(|[p50, p95, p99]| 0.0 < p50 && p50 <= p95 && p95 <= p99));
    let of = |report: crate::SearchReport| -> Vec<String> {
        report.queries.into_iter().map(|row| row.query).collect()
    };
    assert_eq!(of(report(SearchReportKind::NoResults).await), ["hovercraft"]);
    assert_eq!(of(report(SearchReportKind::NoClicks).await), ["cup"]);
    // A part with few people behind it is not told, nor what it could be subtracted from.
    looks(&shop, "u0", ("cup", &[("Product Clicked", "cup")])).await;
    caught_up(&shop).await;
    let top = report(SearchReportKind::Top).await;
    let cup = top.queries.iter().find(|row| row.query == "cup").unwrap();
    assert_eq!((cup.searches, cup.click_through), (Some(n), None));
    let days = ReportDays { from: None, to: None };
    let query = SearchReportQuery { days, limit: 0, ..SearchReportQuery::default() };
    let refused = shop.app.search_report(&query, &caller(Role::Analyst)).await.unwrap_err();
    assert!(refused.to_string().contains("limit is 0"), "{refused}");
    let query = SearchReportQuery { limit: 1, ..query };
    let refused = shop.app.search_report(&query, &caller(Role::StorefrontServer)).await;
    assert!(matches!(refused, Err(AppError::Denied { .. })), "{refused:?}");
}

#[tokio::test]
async fn sums_of_two_sites_are_not_told_and_each_site_tells_its_own() {
    let settings = "privacy: {default_jurisdiction: us}\nsites: [{id: main}, {id: annex}]";
    let shop = Shop::open_with(crate::Config::parse(settings, []).unwrap()).await;
    let annex = SiteId::new("annex").unwrap();
    let tea = json!({"id": "green", "title": "Green tea"});
    put(&shop, &[tea]).await;
    for (site, n) in [(SiteId::main(), CROWD + 2), (annex.clone(), CROWD)] {
        for number in 0..n {
            let user = format!("{site}-{number}");
            let came = json!({"event": "Shop Opened", "userId": &user, "context": {"site": site.as_str()}});
            shop.send(Role::IngestServer, IngestCall::Track, came).await;
            let mut query = SearchQuery::new("tea", 10);
            (query.user_id, query.context.site) = (Some(user), Some(site.clone()));
            ask(&shop, &query).await;
        }
    }
    shop.app.flush_impressions().await;
    caught_up(&shop).await;
    let report = async |site: Option<SiteId>, caller: &crate::Caller| {
        let query = SearchReportQuery { site, limit: 9, ..SearchReportQuery::default() };
        shop.app.search_report(&query, caller).await
    };
    let analyst = caller(Role::Analyst);
    let of = async |site| report(Some(site), &analyst).await.unwrap();
    assert_eq!(of(SiteId::main()).await.all.searches, Some(CROWD as i64 + 2));
    assert_eq!(of(annex.clone()).await.all.searches, Some(CROWD as i64));
    let both = report(None, &analyst).await.unwrap();
    assert_eq!((both.all.searches, both.anonymous_searches), (None, None));
    let rows: Vec<_> = both.queries.iter().map(|row| (row.site.as_str(), row.searches)).collect();
    assert_eq!(rows, [("main", Some(CROWD as i64 + 2)), ("annex", Some(CROWD as i64))]);
    // A key of one site sees that one's sum, and nothing of the other.
    let mut bound = caller(Role::Analyst);
    let places = crate::Places { sites: vec![annex], locations: Vec::new() };
    bound.places = std::sync::Arc::new(places);
    let own = report(None, &bound).await.unwrap();
    assert_eq!((own.all.searches, own.queries.len()), (Some(CROWD as i64), 1));
    let refused = report(Some(SiteId::main()), &bound).await;
    assert!(matches!(refused, Err(AppError::Denied { .. })), "{refused:?}");
}

#[tokio::test]
async fn words_are_kept_without_personal_data_and_of_nobody_unknown() {
    let shop = tea_shop().await;
    looks(&shop, "u1", ("tea for jane.roe@example.org", &[])).await;
    ask(&shop, &SearchQuery::new("tea of nobody", 10)).await;
    shop.app.flush_impressions().await;
    let marks = shop.log().await.into_iter().filter_map(|(_, event)| match event.fact {
        souk_core::Fact::Impressions(shown) => shown.marks.search,
        _ => None,
    });
    let mut words: Vec<String> = marks.map(|mark| mark.query.to_string()).collect();
    words.sort_unstable();
    assert_eq!(words, ["", "tea for [EMAIL]"]);
}

#[tokio::test]
async fn rules_send_elsewhere_and_say_something_above_the_hits() {
    let shop = tea_shop().await;
    let when = json!({"queries": ["^opening hours$"], "until": "2026-02-01"});
    let to = json!({"when": when, "action": {"type": "redirect", "url": "/stores"}});
    rule(&shop, "hours", to).await;
    let banner = json!({"type": "banner", "title": "Tea week", "url": "https://example.org/tea"});
    rule(&shop, "week", json!({"when": {"queries": ["tea"]}, "action": banner})).await;
    let first = json!({"type": "banner", "title": "First"});
    rule(&shop, "first", json!({"priority": 5, "when": {"queries": ["tea"]}, "action": first}))
        .await;
    let answer = explained(&shop, "Opening hours?").await;
    assert_eq!(answer["redirect"], json!({"url": "/stores"}));
    assert_eq!(answer["banners"], json!([]));
    let answer = explained(&shop, "green tea").await;
    assert_eq!(answer["redirect"], Value::Null);
    let titles: Vec<&Value> =
        answer["banners"].as_array().unwrap().iter().map(|one| &one["title"]).collect();
    assert_eq!(titles, [&json!("First"), &json!("Tea week")]);
    assert_eq!(answer["banners"][1]["url"], json!("https://example.org/tea"));
    let typing = Typing::Going;
    let typed = ask(&shop, &SearchQuery { typing, ..SearchQuery::new("opening hours", 10) }).await;
    assert_eq!(typed.redirect, None, "nobody is sent away while they type");
    // By the clock.
    let later = souk_core::Timestamp::parse("2026-02-02T12:00:00Z").unwrap();
    shop.hand.store(later.as_ms(), std::sync::atomic::Ordering::Relaxed);
    assert_eq!(explained(&shop, "opening hours").await["redirect"], Value::Null);
}
