#![allow(clippy::unwrap_used)]

use serde_json::{Value, json};
use souk_core::wire::json::product_from_json;
use souk_core::{Currency, ProductId, SiteId};
use souk_recommend::Item;
use souk_recommend::evaluate::ratings::Verdict;
use souk_recommend::sources::{Histories, ListCurves, Recipe, SourceParams};

use super::learning::judge;
use super::*;
use crate::recommend::{RecommendRequest, Strategy};
use crate::test_shop::{Shop, caller};
use crate::{IngestCall, ReasonKind, Role};

/// Shoppers of each of two tastes, and products of each.
const SHOPPERS: usize = 60;
const PRODUCTS: usize = 12;

fn view(shopper: &str, product: &str, second: usize) -> Value {
    json!({"type": "track", "event": "Product Viewed", "userId": shopper,
        "messageId": format!("{shopper}-{product}-{second}"),
        "timestamp": format!("2026-01-15T{:02}:{:02}:{:02}Z", 1 + second / 3600, second / 60 % 60, second % 60),
        "properties": {"product_id": product}})
}

/// Two tastes that share nothing: each shopper saw six of the twelve products of theirs.
async fn two_tastes(shop: &Shop) {
    let products: Vec<_> = ["tea", "saw"]
        .iter()
        .flat_map(|taste| (0..PRODUCTS).map(move |n| (taste, n)))
        .map(|(taste, n)| {
            let product = json!({"id": format!("{taste}{n}"), "title": format!("{taste} number {n}"),
                "price": {"amount": 100, "currency": "USD"}, "availability": "in_stock"});
            product_from_json(&product, &SiteId::main(), Currency::USD).unwrap()
        })
        .collect();
    shop.app.put_products(products, &caller(Role::Admin)).await.unwrap();
    for taste in ["tea", "saw"] {
        let mut batch = Vec::new();
        for shopper in 0..SHOPPERS {
            for step in 0..6 {
                let product = (shopper * 5 + step * 7) % PRODUCTS;
                let name = format!("{taste}-{shopper}");
                batch.push(view(&name, &format!("{taste}{product}"), shopper * 60 + step));
            }
        }
        shop.send(Role::IngestServer, IngestCall::Batch, json!({"batch": batch})).await;
    }
    folded(shop).await;
}

async fn folded(shop: &Shop) {
    shop.app.wait_for(&shop.app.parts.log.end().await.unwrap()).await.unwrap();
}

async fn ask(shop: &Shop, shopper: &str) -> crate::RecommendAnswer {
    let mut request = RecommendRequest::new(Strategy::ForYou, 6);
    request.user_id = Some(shopper.to_owned());
    shop.app.recommend(&request, &caller(Role::StorefrontServer)).await.unwrap()
}

#[tokio::test]
async fn a_model_is_learned_speaks_in_answers_and_is_taken_back() {
    let shop = Shop::open().await;
    two_tastes(&shop).await;
    let admin = caller(Role::Admin);
    let first = shop.app.learn_model(&admin, Search::Weights).await.unwrap();
    assert_eq!((first.number, first.state), (1, ModelState::Accepted));
    assert!(first.verdict.model > first.verdict.popularity, "{:?}", first.verdict);

    // Long ago, so that no visit is under way and only the model can know the taste.
    let batch = [view("new", "tea0", 0), view("new", "tea7", 1), view("new", "tea2", 2)];
    shop.send(Role::IngestServer, IngestCall::Batch, json!({"batch": batch})).await;
    folded(&shop).await;
    let answer = ask(&shop, "new").await;
    assert!(answer.model_version.ends_with("-m1"), "{}", answer.model_version);
    let spoken = answer.recommendations.iter().filter(|one| !one.reason.evidence.is_empty());
    let spoken: Vec<&ProductId> = spoken.map(|one| &one.product_id).collect();
    assert!(spoken.len() >= 3, "{:?}", answer.recommendations);
    let seen = ["tea0", "tea7", "tea2"];
    for product in spoken {
        assert!(product.as_str().starts_with("tea") && !seen.contains(&product.as_str()));
    }
    // Nobody bought anything, so no reason may speak of buyers.
    let kinds = answer.recommendations.iter().map(|one| one.reason.kind);
    assert!(kinds.into_iter().all(|kind| kind != ReasonKind::SimilarShoppers));

    let second = shop.app.learn_model(&admin, Search::Weights).await.unwrap();
    assert_eq!(second.number, 2);
    shop.app.serve_model(&admin, 1).await.unwrap();
    let state = shop.app.models(&admin).await.unwrap();
    assert_eq!((state.serving, state.models.len()), (Some(1), 2));
    assert!(ask(&shop, "new").await.model_version.ends_with("-m1"));
    let unknown = shop.app.serve_model(&admin, 9).await.unwrap_err();
    assert!(matches!(unknown, AppError::NotFound { .. }), "{unknown}");
}

/// How fast relevance falls is learned with a model, serves with it and is taken back with it.
#[tokio::test]
async fn curves_of_relevance_go_with_their_model() {
    let shop = Shop::open().await;
    two_tastes(&shop).await;
    let admin = caller(Role::Admin);
    let learned = shop.app.learn_model(&admin, Search::Weights).await.unwrap();
    let curves = learned.recipe.curves;
    let assumed = ListCurves::default();
    assert!(curves.blend != assumed.blend && curves.popular != assumed.popular, "{curves:?}");
    // Who knows the taste is right in the first places; what is popular is of both tastes.
    assert!(curves.blend.cost((10, 20)) < curves.popular.cost((10, 20)), "{curves:?}");
    assert_eq!(shop.app.models.serving().unwrap().curves, curves);
    let (parts, now) = (&shop.app.parts, shop.app.clock.now());
    let without = Recipe { curves: assumed, ..learned.recipe.clone() };
    let without = Model { number: 2, recipe: without, ..learned.clone() };
    record::add(parts, (&without, &Orders::default()), now).await.unwrap();
    shop.app.serve_model(&admin, 2).await.unwrap();
    assert_eq!(shop.app.models.serving().unwrap().curves, assumed);
    shop.app.serve_model(&admin, 1).await.unwrap();
    assert_eq!(shop.app.models.serving().unwrap().curves, curves, "from the record");
}

#[test]
fn recipes_of_older_programs_have_the_assumed_curves() {
    let recipe = Recipe::new(SourceParams::affordable(10, 10, true));
    let mut row = serde_json::to_value(&recipe).unwrap();
    assert!(row.as_object_mut().unwrap().remove("curves").is_some());
    assert_eq!(serde_json::from_value::<Recipe>(row).unwrap(), recipe);
}

#[tokio::test]
async fn a_fit_of_the_same_facts_proposes_the_same() {
    let shop = Shop::open().await;
    two_tastes(&shop).await;
    let admin = caller(Role::Admin);
    shop.app.learn_model(&admin, Search::Weights).await.unwrap();
    let before = ask(&shop, "saw-3").await;
    shop.app.serve_model(&admin, 1).await.unwrap();
    let after = ask(&shop, "saw-3").await;
    assert_eq!(before.recommendations, after.recommendations);
}

#[tokio::test]
async fn nothing_is_learned_from_few_or_from_those_who_did_not_agree() {
    let few = Shop::open().await;
    let batch: Vec<Value> = (0..4).map(|n| view("one", &format!("p{n}"), n)).collect();
    few.send(Role::IngestServer, IngestCall::Batch, json!({"batch": batch})).await;
    folded(&few).await;
    let unasked = Shop::open_in("eu").await;
    two_tastes(&unasked).await;
    for shop in [few, unasked] {
        let refused = shop.app.learn_model(&caller(Role::Admin), Search::Weights).await;
        assert!(matches!(refused, Err(AppError::NotReady(_))), "{refused:?}");
        assert!(shop.app.models(&caller(Role::Analyst)).await.unwrap().models.is_empty());
    }
}

#[tokio::test]
async fn what_was_learned_from_the_erased_is_gone_after_the_next_fit() {
    let shop = Shop::open().await;
    two_tastes(&shop).await;
    let material = |shop: &Shop| Material::copy(&shop.app.views.read(), 0).histories();
    let before = material(&shop);
    shop.app.learn_model(&caller(Role::Admin), Search::Weights).await.unwrap();
    assert!(ask(&shop, "tea-3").await.model_version.ends_with("-m1"));
    let who = crate::Who::parse("tea-5").unwrap();
    let privacy = caller(Role::Privacy);
    shop.app.request_erasure(&privacy, &who, crate::IdentityCheck::Verified).await.unwrap();
    let after = material(&shop);
    assert_eq!(after.n_shoppers(), before.n_shoppers() - 1);
    let takers = |histories: &Histories| -> usize {
        (0..histories.n_items() as u32).map(|item| histories.takers(Item(item)).len()).sum()
    };
    assert_eq!(takers(&after), takers(&before) - 6);
    // Until it is fitted anew it says nothing.
    assert!(!ask(&shop, "tea-3").await.model_version.contains("-m"));
    shop.app.serve_model(&caller(Role::Admin), 1).await.unwrap();
    assert!(ask(&shop, "tea-3").await.model_version.ends_with("-m1"));
    // And it is soon: the job fits anew once somebody left.
    let (minute, hour) = (Duration::from_secs(60), Duration::from_secs(3_600));
    assert!(is_stale((minute, hour), true));
    assert!(!is_stale((minute, hour), false) && is_stale((hour, hour), false));
    assert!(!is_stale((Duration::from_secs(1), hour), true));
}

#[test]
fn a_worse_model_is_refused() {
    let verdict =
        |model, popularity, serving| Verdict { n_judges: 100, model, popularity, serving };
    assert_eq!(judge(&verdict(0.20, 0.10, None)), ModelState::Accepted);
    assert_eq!(judge(&verdict(0.20, 0.10, Some(0.201))), ModelState::Accepted);
    assert_eq!(judge(&verdict(0.20, 0.10, Some(0.21))), ModelState::Refused);
    assert_eq!(judge(&verdict(0.10, 0.10, None)), ModelState::Refused);
}

#[tokio::test]
async fn the_oldest_models_go_and_the_serving_one_stays() {
    let shop = Shop::open().await;
    let now = shop.app.clock.now();
    let model = |number, state| Model {
        number,
        made_at: now,
        state,
        recipe: Recipe::new(SourceParams::affordable(10, 10, true)),
        verdict: Verdict { n_judges: 1, model: 0.5, popularity: 0.25, serving: Some(0.125) },
        orders: JudgedOrders::default(),
        again: BoughtAgain { bought: 4, again: 1 },
        n_shoppers: 3,
        ms: 7,
    };
    let parts = &shop.app.parts;
    record::add(parts, (&model(1, ModelState::Accepted), &Orders::default()), now).await.unwrap();
    for number in 2..=60 {
        record::add(parts, (&model(number, ModelState::Refused), &Orders::default()), now)
            .await
            .unwrap();
    }
    let kept = record::list(parts, now).await.unwrap();
    assert_eq!(kept.len(), 50);
    assert_eq!(kept[0], model(1, ModelState::Accepted));
    assert_eq!(kept.last().unwrap(), &model(60, ModelState::Refused));
    assert_eq!(record::serving(parts, now).await.unwrap(), Some(1));
}

/// Days of the shop of two rhythms, and its people.
const DAYS: usize = 31;
const REGULARS: usize = 340;

/// What a regular buys on a day: everyone `slow0` for five days, then `slow1` for five, and `fast0` and `fast1`
/// by turns. What was in the last basket comes again if it is slow and does not if it is fast, which no weight
/// can say.
fn bought(regular: usize, day: usize) -> [String; 2] {
    let at = day + regular;
    [format!("slow{}", at / 5 % 2), format!("fast{}", at % 2)]
}

async fn two_rhythms(shop: &Shop) {
    let products = ["slow0", "slow1", "fast0", "fast1"].map(|id| {
        let product = json!({"id": id, "title": id, "price": {"amount": 100, "currency": "USD"}});
        product_from_json(&product, &SiteId::main(), Currency::USD).unwrap()
    });
    shop.app.put_products(products.to_vec(), &caller(Role::Admin)).await.unwrap();
    let start = shop.app.clock.now().plus_ms(-(DAYS as i64) * 86_400_000);
    for day in 0..DAYS {
        // The last order is an hour old when they are asked again.
        let at = start.plus_ms((day as i64 + 1) * 86_400_000 - 3_600_000);
        let order = |regular: usize| {
            let lines =
                bought(regular, day).map(|id| json!({"product_id": id, "quantity": 1, "price": 1}));
            json!({"type": "track", "event": "Order Completed", "userId": format!("regular-{regular}"),
                "messageId": format!("{regular}-{day}"), "timestamp": at.to_string(),
                "properties": {"order_id": format!("{regular}-{day}"), "currency": "USD",
                    "products": lines}})
        };
        let batch: Vec<Value> = (0..REGULARS).map(order).collect();
        let sent = shop.send(Role::IngestServer, IngestCall::Batch, json!({"batch": batch})).await;
        assert_eq!(sent.rejected.len(), 0);
    }
    folded(shop).await;
}

/// The first two products of each regular's next basket, and how many of them are what comes.
async fn foreseen(shop: &Shop) -> (Vec<crate::RecommendAnswer>, usize) {
    let (mut answers, mut right) = (Vec::new(), 0);
    for regular in 0..40 {
        let mut request = RecommendRequest::new(Strategy::NextBasket, 2);
        request.user_id = Some(format!("regular-{regular}"));
        let answer = shop.app.recommend(&request, &caller(Role::StorefrontServer)).await.unwrap();
        let next = bought(regular, DAYS);
        let is_next =
            |one: &&crate::Recommendation| next.iter().any(|id| id == one.product_id.as_str());
        right += answer.recommendations.iter().filter(is_next).count();
        answers.push(answer);
    }
    (answers, right)
}

#[tokio::test]
async fn trees_put_next_baskets_in_order_and_are_taken_back() {
    let shop = Shop::open().await;
    two_tastes(&shop).await;
    two_rhythms(&shop).await;
    let admin = caller(Role::Admin);
    let model = shop.app.learn_model(&admin, Search::Weights).await.unwrap();
    assert_eq!(model.state, ModelState::Accepted, "{model:?}");
    let baskets = model.orders.baskets.unwrap();
    assert_eq!(baskets.state, ModelState::Accepted, "{baskets:?}");
    assert!(baskets.n_trees > 0 && baskets.verdict.gain.low > 0.0, "{baskets:?}");
    let (answers, right) = foreseen(&shop).await;
    for answer in &answers {
        assert!(answer.model_version.ends_with("-m1"), "{}", answer.model_version);
        let kinds = answer.recommendations.iter().map(|one| one.reason.kind);
        assert!(kinds.into_iter().all(|kind| kind == ReasonKind::BoughtBefore), "{answer:?}");
    }

    // A model without trees: the order that a shop begins with.
    let (parts, now) = (&shop.app.parts, shop.app.clock.now());
    let plain = Model { number: 2, orders: JudgedOrders::default(), ..model.clone() };
    record::add(parts, (&plain, &Orders::default()), now).await.unwrap();
    shop.app.serve_model(&admin, 2).await.unwrap();
    let (answers, right_without) = foreseen(&shop).await;
    assert!(answers[0].model_version.ends_with("-m2"));
    assert!(right > right_without + 10, "{right} of 80, {right_without} without");

    // Taken back, and as after a start: the trees are on record with their model.
    let learned = record::orders(parts, 1, now).await.unwrap();
    assert!(learned.baskets.as_ref().is_some_and(|ranker| ranker.trees.is_some()));
    shop.app.serve_model(&admin, 1).await.unwrap();
    assert_eq!(shop.app.models.serving().unwrap().orders, learned);
    assert_eq!(shop.app.models(&admin).await.unwrap().models[0], model);
    let (answers, right_again) = foreseen(&shop).await;
    assert!(answers[0].model_version.ends_with("-m1"));
    assert!(right_again > right_without + 10, "{right_again} of 80, {right_without} without");
}

#[tokio::test]
async fn orders_of_those_who_did_not_agree_or_left_teach_nothing() {
    let shop = Shop::open_in("eu").await;
    two_rhythms(&shop).await;
    assert_eq!(baskets::copy(shop.app.views.read().crowd()), []);
    let shop = Shop::open().await;
    two_rhythms(&shop).await;
    let copied = || baskets::copy(shop.app.views.read().crowd()).len();
    assert_eq!(copied(), REGULARS * DAYS);
    let who = crate::Who::parse("regular-5").unwrap();
    let privacy = caller(Role::Privacy);
    shop.app.request_erasure(&privacy, &who, crate::IdentityCheck::Verified).await.unwrap();
    assert_eq!(copied(), (REGULARS - 1) * DAYS);
}

/// Visits, ten minutes apart, of ten days and a half; the last one ends as the clock stands. At midnight today's product
/// would look like yesterday's: it has as many visits as a product has only once its day is over.
const VISITS: usize = 1_512;
/// Visits of a day.
const OF_DAY: usize = 144;

/// Visits that walk along a shelf and then, two times of three, end with what everybody looks at that day.
async fn a_hit_each_day(shop: &Shop) {
    let ids = (0..110).map(|n| format!("shelf{n}")).chain((0..11).map(|day| format!("hit{day}")));
    let products = ids.map(|id| {
        let product = json!({"id": id, "title": id, "price": {"amount": 100, "currency": "USD"}});
        product_from_json(&product, &SiteId::main(), Currency::USD).unwrap()
    });
    shop.app.put_products(products.collect(), &caller(Role::Admin)).await.unwrap();
    let end = shop.app.clock.now();
    for visits in (0..VISITS).collect::<Vec<_>>().chunks(90) {
        let mut batch = Vec::new();
        for (visit, step) in visits.iter().flat_map(|visit| (0..4).map(move |step| (*visit, step)))
        {
            let first = visit * 37 % 100;
            let product = match step {
                3 if visit % 3 > 0 => format!("hit{}", visit / OF_DAY),
                _ => format!("shelf{}", first + step),
            };
            let before_ms = ((VISITS - visit) * 10 - step) as i64 * 60_000;
            batch.push(json!({"type": "track", "event": "Product Viewed", "userId": format!("w{visit}"),
                "messageId": format!("{visit}-{step}"), "timestamp": end.plus_ms(-before_ms).to_string(),
                "properties": {"product_id": product}}));
        }
        let sent = shop.send(Role::IngestServer, IngestCall::Batch, json!({"batch": batch})).await;
        assert_eq!(sent.rejected.len(), 0);
    }
    folded(shop).await;
}

/// In how many of forty visits that are under way what everybody looks at today stands first.
async fn hits_of_today(shop: &Shop) -> (Vec<crate::RecommendAnswer>, usize) {
    let mut answers = Vec::new();
    for first in 0..40 {
        let mut request = RecommendRequest::new(Strategy::Session, 3);
        let seen = (0..3).map(|step| ProductId::new(format!("shelf{}", 2 * first + step)).unwrap());
        request.context.session = Some(seen.collect());
        answers.push(shop.app.recommend(&request, &caller(Role::StorefrontServer)).await.unwrap());
    }
    let is_right = |answer: &&crate::RecommendAnswer| {
        answer.recommendations[0].product_id.as_str() == format!("hit{}", VISITS / OF_DAY)
    };
    let right = answers.iter().filter(is_right).count();
    (answers, right)
}

#[tokio::test]
async fn a_shop_learns_how_its_visits_are_read_and_takes_it_back() {
    let shop = Shop::open().await;
    a_hit_each_day(&shop).await;
    let (_, before) = hits_of_today(&shop).await;
    let admin = caller(Role::Admin);
    let model = shop.app.learn_model(&admin, Search::Weights).await.unwrap();
    assert_eq!(model.state, ModelState::Accepted, "{model:?}");
    let sessions = model.orders.sessions.unwrap();
    assert_eq!(sessions.state, ModelState::Accepted, "{sessions:?}");
    assert!(sessions.n_trees > 0 && sessions.verdict.gain.low > 0.0, "{sessions:?}");
    let (answers, right) = hits_of_today(&shop).await;
    assert!(right > before + 10, "{right} of 40, {before} without");
    for answer in &answers {
        assert!(answer.model_version.ends_with("-m1"), "{}", answer.model_version);
        let first = &answer.recommendations[0].reason;
        assert_eq!(first.kind, ReasonKind::ViewedTogether, "{answer:?}");
    }

    // A model without: visits are read as a shop begins with.
    let (parts, now) = (&shop.app.parts, shop.app.clock.now());
    let plain = Model { number: 2, orders: JudgedOrders::default(), ..model.clone() };
    record::add(parts, (&plain, &Orders::default()), now).await.unwrap();
    shop.app.serve_model(&admin, 2).await.unwrap();
    let (answers, right) = hits_of_today(&shop).await;
    assert_eq!(right, before);
    assert!(answers[0].model_version.ends_with("-m2"));

    // Taken back, and as after a start: it is on record with its model.
    let learned = record::orders(parts, 1, now).await.unwrap();
    assert!(learned.sessions.is_some());
    shop.app.serve_model(&admin, 1).await.unwrap();
    assert_eq!(shop.app.models.serving().unwrap().orders, learned);
    assert_eq!(shop.app.models(&admin).await.unwrap().models[0], model);
    let (_, right) = hits_of_today(&shop).await;
    assert!(right > before + 10, "{right} of 40, {before} without");
}

#[tokio::test]
async fn visits_of_those_who_did_not_agree_teach_nothing() {
    let shop = Shop::open_in("eu").await;
    two_tastes(&shop).await;
    assert_eq!(sessions::copy(shop.app.views.read().crowd().visits), []);
    let shop = Shop::open().await;
    two_tastes(&shop).await;
    assert_eq!(sessions::copy(shop.app.views.read().crowd().visits).len(), 2 * SHOPPERS * 6);
}
