#![allow(clippy::unwrap_used)]

use std::sync::atomic::Ordering;

use serde_json::{Value, json};
use souk_core::wire::json::product_from_json;
use souk_core::{Fact, SubjectId};

use super::*;
use crate::holdout::HoldoutArm;
use crate::test_shop::{Shop, caller, noon};
use crate::{Config, IngestCall, RecommendAnswer, RecommendRequest, Role, Strategy};

const DAY_MS: i64 = 86_400_000;

/// A shop of five products, under these settings beside American law.
async fn open(settings: &str) -> Shop {
    let text = format!(
        "privacy: {{default_jurisdiction: us}}\nimpressions: {{flush_ms: 60000}}\n{settings}"
    );
    let shop = Shop::open_with(Config::parse(&text, []).unwrap()).await;
    let products = ["bread", "butter", "jam", "milk", "wine"].map(|id| {
        let value = json!({"id": id, "title": id, "price": {"amount": 200, "currency": "USD"},
            "cost": {"amount": 120, "currency": "USD"}});
        product_from_json(&value, &SiteId::main(), Currency::USD).unwrap()
    });
    shop.app.put_products(products.to_vec(), &caller(Role::Admin)).await.unwrap();
    shop
}

async fn settle(shop: &Shop) {
    shop.app.flush_impressions().await;
    shop.app.wait_for(&shop.app.parts.log.end().await.unwrap()).await.unwrap();
}

async fn ask(shop: &Shop, strategy: Strategy, user: &str) -> RecommendAnswer {
    let request = RecommendRequest {
        user_id: Some(user.to_owned()),
        placement: Some("home".to_owned()),
        explain: true,
        ..RecommendRequest::new(strategy, 5)
    };
    shop.app.recommend(&request, &caller(Role::StorefrontServer)).await.unwrap()
}

fn order(user: &str, number: usize, product: &str) -> Value {
    json!({"type": "track", "event": "Order Completed", "userId": user, "messageId": format!("o{number}"),
        "properties": {"order_id": format!("o{number}"), "currency": "USD",
            "products": [{"product_id": product, "quantity": 1, "price": 2}]}})
}

async fn send(shop: &Shop, batch: Vec<Value>) {
    for chunk in batch.chunks(500) {
        let body = json!({ "batch": chunk });
        let answer = shop.send(Role::IngestServer, IngestCall::Batch, body).await;
        assert_eq!(answer.rejected.len(), 0);
    }
    settle(shop).await;
}

/// Everybody bought milk three times, so personal answers begin with it.
async fn regulars(shop: &Shop, count: usize) {
    let buy = |n: usize| (0..3).map(move |k| order(&format!("u{n}"), n * 3 + k, "milk"));
    send(shop, (0..count).flat_map(buy).collect()).await;
}

#[tokio::test]
async fn whoever_is_held_out_gets_what_a_stranger_gets_and_the_record_says_so() {
    let shop = open("holdout: {share: 0.4}").await;
    regulars(&shop, 40).await;
    let mut stranger = RecommendRequest::new(Strategy::NextBasket, 5);
    stranger.placement = Some("home".to_owned());
    let stranger = shop.app.recommend(&stranger, &caller(Role::StorefrontServer)).await.unwrap();
    assert_eq!(stranger.holdout, None, "nobody known is outside of it");
    let mut n_held = 0;
    for n in 0..40 {
        let user = format!("u{n}");
        let answer = ask(&shop, Strategy::NextBasket, &user).await;
        let again = ask(&shop, Strategy::NextBasket, &user).await;
        assert_eq!(answer.holdout, again.holdout);
        let said = answer.explanation.as_deref().unwrap();
        let is_held = answer.holdout == Some(HoldoutArm::Holdout);
        assert_eq!(said.contains("held out of personalization (`holdout-1`"), is_held, "{said}");
        if is_held {
            n_held += 1;
            assert_eq!(answer.recommendations, stranger.recommendations);
            assert!(answer.personalization_score.abs() < f32::EPSILON);
        } else {
            assert_eq!(answer.holdout, Some(HoldoutArm::Personal));
            assert!(answer.personalization_score > 0.0);
        }
    }
    assert!((6..=26).contains(&n_held), "{n_held} of 40");
    settle(&shop).await;
    let log = shop.log().await;
    let marked = log.iter().filter_map(|(subject, event)| match &event.fact {
        Fact::Impressions(shown) => Some((subject.as_ref(), &shown.marks.arms)),
        _ => None,
    });
    let is_held = |subject: Option<&SubjectId>, arm: &str| subject.is_some() && arm == "holdout";
    let mut held = 0;
    for (subject, arms) in marked {
        assert_eq!(arms.len(), usize::from(subject.is_some()));
        held += usize::from(arms.iter().any(|mark| is_held(subject, &mark.arm)));
        assert!(arms.iter().all(|mark| &*mark.experiment == "holdout-1/0.4"));
    }
    assert_eq!(held, 2 * n_held);
}

/// Answers wait for a minute here before they are written.
#[tokio::test]
async fn orders_at_once_are_owed_to_their_answers() {
    let shop = open("").await;
    regulars(&shop, 25).await;
    for n in 0..25 {
        ask(&shop, Strategy::Popular, &format!("u{n}")).await;
    }
    let n_records = shop.log().await.len();
    let send_at_once = async |batch: Vec<Value>| {
        let body = json!({ "batch": batch });
        shop.send(Role::IngestServer, IngestCall::Batch, body).await;
        shop.log().await.len() - n_records
    };
    // Whoever was shown nothing writes no answers, whoever was writes them before what they did.
    assert_eq!(send_at_once(vec![order("stranger", 900, "jam")]).await, 2);
    let orders = (0..25).map(|n| order(&format!("u{n}"), 1_000 + n, "jam"));
    assert_eq!(send_at_once(orders.collect()).await, 2 + 25 + 50);
    settle(&shop).await;
    let days = ReportDays::default();
    let report = shop.app.recommendation_report(days, &caller(Role::Analyst)).await.unwrap();
    assert_eq!((report.totals[0].answers, report.totals[0].orders), (Some(25), Some(25)));
}

/// The visit before this page says who it is, the product on it says where: only the latter is used.
#[tokio::test]
async fn the_page_is_still_used_for_whoever_is_held_out() {
    let shop = open("holdout: {share: 0.5}").await;
    regulars(&shop, 12).await;
    let mut found = false;
    for n in 0..12 {
        let mut request = RecommendRequest::new(Strategy::Auto, 5);
        request.user_id = Some(format!("u{n}"));
        request.context.product_id = Some(souk_core::ProductId::new("bread").unwrap());
        request.context.session = Some(vec![souk_core::ProductId::new("wine").unwrap()]);
        let answer = shop.app.recommend(&request, &caller(Role::StorefrontServer)).await.unwrap();
        if answer.holdout == Some(HoldoutArm::Holdout) {
            request.user_id = None;
            request.context.session = Some(Vec::new());
            let stranger =
                shop.app.recommend(&request, &caller(Role::StorefrontServer)).await.unwrap();
            assert_eq!(answer.recommendations, stranger.recommendations);
            assert_eq!(answer.strategy, stranger.strategy);
            found = true;
        }
    }
    assert!(found);
}

#[tokio::test]
async fn who_refuses_is_outside_of_the_holdout() {
    let shop = open("holdout: {share: 0.5}").await;
    regulars(&shop, 1).await;
    let no = json!({"type": "track", "event": "Product Viewed", "userId": "u0",
        "context": {"consent": {"categoryPreferences": {"Analytics": false}}},
        "properties": {"product_id": "jam"}});
    send(&shop, vec![no]).await;
    assert_eq!(ask(&shop, Strategy::Auto, "u0").await.holdout, None);
}

#[tokio::test]
async fn nobody_is_held_out_unless_asked_for() {
    let shop = open("").await;
    regulars(&shop, 3).await;
    assert_eq!(ask(&shop, Strategy::Auto, "u0").await.holdout, None);
    let report = shop.app.holdout_report(&caller(Role::Analyst)).await.unwrap();
    assert_eq!(
        report.why.as_deref(),
        Some("nobody is held out; set `holdout.share`, for example to 0.05")
    );
    assert!(report.comparisons.is_empty());
}

/// What the shop's own people do says nothing of what personalization brings.
#[tokio::test]
async fn the_shops_own_people_are_in_no_report() {
    let shop = open("holdout: {share: 0.5, outcome_days: 1}").await;
    regulars(&shop, 30).await;
    for user in 0..30 {
        ask(&shop, Strategy::NextBasket, &format!("u{user}")).await;
    }
    settle(&shop).await;
    let open = async || shop.app.holdout_report(&caller(Role::Analyst)).await.unwrap().people_open;
    assert_eq!(open().await, Some(30));
    send(&shop, vec![json!({"type": "identify", "userId": "u7", "traits": {"staff": true}})]).await;
    assert_eq!(open().await, Some(29));
}

/// Three in five of those with personal answers buy in their day, one in five of the others.
#[tokio::test]
async fn a_planted_difference_is_reported_and_a_thin_one_refused() {
    let shop = open("holdout: {share: 0.5, outcome_days: 1}").await;
    regulars(&shop, 900).await;
    let (mut batch, mut n) = (Vec::new(), [0usize; 2]);
    for user in 0..900 {
        let name = format!("u{user}");
        let arm = ask(&shop, Strategy::NextBasket, &name).await.holdout.unwrap();
        let (count, buyers) = match arm {
            HoldoutArm::Holdout => (&mut n[0], 1),
            HoldoutArm::Personal => (&mut n[1], 3),
        };
        if *count % 5 < buyers {
            batch.push(order(&name, 10_000 + user, "bread"));
        }
        *count += 1;
    }
    settle(&shop).await;
    let report = shop.app.holdout_report(&caller(Role::Analyst)).await.unwrap();
    assert_eq!((report.people, report.people_open), ([None, None], Some(900)));
    let why = report.comparisons[0].why.as_deref();
    assert_eq!(why, Some("fewer than 20 people in the smaller group; 200 are needed"));
    shop.hand.fetch_add(3_600_000, Ordering::Relaxed);
    send(&shop, batch).await;
    shop.hand.store(noon().plus_ms(2 * DAY_MS).as_ms(), Ordering::Relaxed);
    let report = shop.app.holdout_report(&caller(Role::Analyst)).await.unwrap();
    assert_eq!(report.why, None);
    assert_eq!(report.people, n.map(|count| Some(count as u64)));
    let conversion = &report.comparisons[0];
    assert_eq!((conversion.metric, conversion.verdict), (Metric::Conversion, Verdict::Higher));
    assert!((conversion.holdout.unwrap() - 0.2).abs() < 0.01, "{conversion:?}");
    assert!((conversion.personal.unwrap() - 0.6).abs() < 0.01, "{conversion:?}");
    let (difference, low, high) = conversion.interval.unwrap();
    assert!(low < difference && difference < high && low > 0.0);
    let of = |metric| report.comparisons.iter().find(|one| one.metric == metric).unwrap();
    let revenue = of(Metric::RevenuePerPerson);
    assert!((revenue.personal.unwrap() - 0.6 * 200.0).abs() < 2.0, "{revenue:?}");
    assert!((of(Metric::MarginPerPerson).personal.unwrap() - 0.6 * 80.0).abs() < 1.0);
    // Everybody's orders are alike.
    let value = of(Metric::OrderValue);
    assert!((value.personal.unwrap() - 200.0).abs() < 1e-6);
    // Orders of a moment before the first meeting are nobody's outcome.
    assert!((of(Metric::OrdersPerPerson).holdout.unwrap() - 0.2).abs() < 0.01);
}

#[tokio::test]
async fn figures_need_enough_people() {
    let shop = open("").await;
    regulars(&shop, 25).await;
    let mut batch = Vec::new();
    for n in 0..25 {
        let answer = ask(&shop, Strategy::NextBasket, &format!("u{n}")).await;
        let name = answer.recommendations[0].product_id.as_str();
        if n < 21 {
            batch.push(
                json!({"type": "track", "event": "Product Clicked", "userId": format!("u{n}"),
                "properties": {"product_id": name, "request_id": answer.request_id}}),
            );
        }
        if n < 19 {
            batch
                .push(json!({"type": "track", "event": "Product Added", "userId": format!("u{n}"),
                "properties": {"product_id": name, "request_id": answer.request_id}}));
        }
    }
    send(&shop, batch).await;
    let report = shop
        .app
        .recommendation_report(ReportDays::default(), &caller(Role::Merchandiser))
        .await
        .unwrap();
    assert_eq!((report.days.len(), report.totals.len()), (1, 1));
    let total = &report.totals[0];
    assert_eq!((total.site.as_str(), total.placement.as_deref()), ("main", Some("home")));
    assert_eq!((total.answers, total.people), (Some(25), Some(20)), "people in steps of 20");
    assert_eq!((total.clicks, total.named_clicks), (Some(21), Some(21)));
    assert_eq!(total.seen, None, "answers less seen ones would tell of four people");
    assert_eq!((total.carts, total.orders), (None, None), "19 people are too few");
    assert_eq!(report.days[0].day, Some(Day::from_number(day_of(noon()))));
    assert_eq!(report.days[0].people, Some(25));
}

/// Two reports that differ by a day differ by nobody or by many.
#[tokio::test]
async fn a_day_of_few_people_cannot_be_subtracted() {
    let shop = open("").await;
    let day = |n: i64| Some(Day::from_number(day_of(noon().plus_ms(n * DAY_MS))));
    let answers = async |from, to| {
        let days = ReportDays { from, to };
        let report = shop.app.recommendation_report(days, &caller(Role::Analyst)).await.unwrap();
        let shown: Vec<_> = report.days.iter().filter_map(|row| row.answers).collect();
        (shown, report.totals.first().and_then(|row| row.answers))
    };
    regulars(&shop, 25).await;
    for (n, users) in [(0, 0..25), (1, 0..10), (2, 10..22)] {
        shop.hand.store(noon().plus_ms(n * DAY_MS).as_ms(), Ordering::Relaxed);
        for user in users {
            ask(&shop, Strategy::Popular, &format!("u{user}")).await;
        }
        settle(&shop).await;
    }
    assert_eq!(answers(day(0), day(2)).await, (vec![25], Some(25)), "running days wait");
    // Seven days in which orders are credited, three for what comes late, and the day itself.
    shop.hand.store(noon().plus_ms(13 * DAY_MS).as_ms(), Ordering::Relaxed);
    assert_eq!(answers(day(0), day(0)).await, (vec![25], Some(25)));
    assert_eq!(answers(day(0), day(1)).await, (vec![25], Some(25)));
    assert_eq!(answers(day(0), day(2)).await, (vec![25], Some(47)));
    assert_eq!(answers(day(1), day(2)).await, (vec![], Some(22)));
    assert_eq!(answers(day(2), day(2)).await, (vec![], None));
}

#[tokio::test]
async fn days_and_rights_are_checked() {
    let shop = open("").await;
    let of = |from: &str, to: &str| {
        let day = |text: &str| (!text.is_empty()).then(|| Day::parse(text).unwrap());
        ReportDays { from: day(from), to: day(to) }
    };
    let refused = async |from: &str, to: &str| {
        let outcome = shop.app.recommendation_report(of(from, to), &caller(Role::Admin)).await;
        outcome.unwrap_err().to_string()
    };
    assert_eq!(
        refused("2026-01-02", "2026-01-01").await,
        "`from` 2026-01-02 is after `to` 2026-01-01; give the earlier day first"
    );
    assert_eq!(
        refused("2025-01-01", "2026-01-01").await,
        "366 days; figures are kept for 186, ask for as many at most"
    );
    let report = shop.app.recommendation_report(of("", ""), &caller(Role::Admin)).await.unwrap();
    assert_eq!(
        (report.from.to_string(), report.to.to_string()),
        ("2025-12-19".into(), "2026-01-15".into())
    );
    for role in [Role::Planner, Role::StorefrontServer, Role::Privacy] {
        assert_eq!(shop.app.holdout_report(&caller(role)).await.unwrap_err().code(), "denied");
    }
    // A key of one site sees that site's answers, and no report over all.
    let mut bound = caller(Role::Analyst);
    bound.places = std::sync::Arc::new(crate::Places {
        sites: vec![SiteId::new("elsewhere").unwrap()],
        locations: Vec::new(),
    });
    ask(&shop, Strategy::Popular, "u0").await;
    settle(&shop).await;
    let report = shop.app.recommendation_report(ReportDays::default(), &bound).await.unwrap();
    assert!(report.totals.is_empty());
    assert_eq!(shop.app.holdout_report(&bound).await.unwrap_err().code(), "denied");
}

/// In its first days a shop answers mostly those of whom it has no event yet.
#[tokio::test]
async fn the_first_answer_counts_once_the_person_acts() {
    let shop = open("holdout: {share: 0.5}").await;
    regulars(&shop, 25).await;
    let mut batch = Vec::new();
    for n in 0..60 {
        let user = format!("new{n}");
        let answer = ask(&shop, Strategy::Popular, &user).await;
        let name = answer.recommendations[0].product_id.as_str();
        assert_eq!(answer.holdout, None, "before an event nobody is in an experiment");
        match n % 3 {
            0 => batch.push(json!({"type": "track", "event": "Product Clicked", "userId": user,
                "properties": {"product_id": name, "request_id": answer.request_id}})),
            1 => batch.push(order(&user, 5_000 + n, name)),
            _ => {}
        }
    }
    settle(&shop).await;
    let totals = async || {
        let days = ReportDays::default();
        let report = shop.app.recommendation_report(days, &caller(Role::Analyst)).await.unwrap();
        let of = |row: &AnswerFigures| (row.answers, row.anonymous_answers, row.clicks, row.orders);
        report.totals.first().map(of)
    };
    assert_eq!(totals().await, None, "nobody was met yet");
    send(&shop, batch).await;
    assert_eq!(totals().await, Some((Some(40), None, Some(20), Some(20))));
    shop.hand.fetch_add(30 * 60_000, Ordering::Relaxed);
    settle(&shop).await;
    assert_eq!(totals().await, Some((Some(40), Some(20), Some(20), Some(20))));
    // From then on whoever acted is in a part of it, and whoever did not is not.
    for n in 0..60 {
        let arm = ask(&shop, Strategy::Popular, &format!("new{n}")).await.holdout;
        assert_eq!(arm.is_some(), n % 3 != 2);
    }
}
