#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;

use serde_json::{Value, json};
use souk_core::wire::json::product_from_json;
use souk_core::{Currency, ProductId, Purpose, SiteId};
use souk_recommend::evaluate::ratings::Search;

use super::super::{JudgedOrders, Model, ModelState, Orders, record};
use super::*;
use crate::recommend::{RecommendAnswer, RecommendRequest, Strategy};
use crate::test_shop::{Shop, caller};
use crate::{Config, ConsentUpdate, HoldoutArm, IngestCall, Role, Who};

/// Shoppers, every other one of each brand, a minute apart; and products, likewise.
const SHOPPERS: usize = 900;
const PRODUCTS: usize = 10;

pub(super) async fn folded(shop: &Shop) {
    shop.app.wait_for(&shop.app.parts.log.end().await.unwrap()).await.unwrap();
}

/// So many answers an hour are recorded, and a share of the shoppers is held out, drawn anew by each shop.
async fn shop_with(per_hour: u64, held_out: f64) -> Shop {
    let settings = format!(
        "privacy: {{default_jurisdiction: us}}\nholdout: {{share: {held_out}}}\n\
         recommendations: {{diversity: 0.0, model: {{signals_per_hour: {per_hour}}}}}\n"
    );
    let shop = Shop::open_with(Config::parse(&settings, []).unwrap()).await;
    let products = (0..PRODUCTS).map(|n| {
        let product = json!({"id": format!("p{n}"), "title": format!("Product {n}"),
            "brand": (["Ash", "Oak"][n % 2]), "price": {"amount": 100, "currency": "USD"}});
        product_from_json(&product, &SiteId::main(), Currency::USD).unwrap()
    });
    shop.app.put_products(products.collect(), &caller(Role::Admin)).await.unwrap();
    shop
}

pub(super) fn act(
    shop: &Shop,
    what: &str,
    (shopper, product): (&str, &str),
    request: Option<&str>,
) -> Value {
    json!({"type": "track", "event": what, "userId": shopper,
        "messageId": format!("{what}-{shopper}-{product}"),
        "timestamp": shop.app.clock.now().to_string(),
        "properties": {"product_id": product, "request_id": request}})
}

pub(super) async fn send(shop: &Shop, batch: Vec<Value>) {
    let sent = shop.send(Role::IngestServer, IngestCall::Batch, json!({"batch": batch})).await;
    assert_eq!(sent.rejected.len(), 0);
    folded(shop).await;
}

/// Looks of a shopper at three products of the own brand.
fn looks(shop: &Shop, shopper: &str, brand: usize) -> Vec<Value> {
    let view =
        |n: usize| act(shop, "Product Viewed", (shopper, &format!("p{}", 2 * n + brand)), None);
    (0..3).map(view).collect()
}

async fn ask(shop: &Shop, shopper: &str) -> RecommendAnswer {
    let mut request = RecommendRequest::new(Strategy::Popular, 8);
    request.user_id = Some(shopper.to_owned());
    request.explain = true;
    shop.app.recommend(&request, &caller(Role::StorefrontServer)).await.unwrap()
}

fn ids(answer: &RecommendAnswer) -> Vec<String> {
    answer.recommendations.iter().map(|one| one.product_id.as_str().to_owned()).collect()
}

fn brand_of(product: &str) -> usize {
    usize::from(product.as_bytes()[1] % 2)
}

/// Shoppers who take up the first, second or third product of their brand that they are shown, half of them the first.
async fn loyal(shop: &Shop) {
    for first in (0..SHOPPERS).step_by(90) {
        let shoppers = first..first + 90;
        let looked = shoppers.clone().flat_map(|n| looks(shop, &format!("s{n}"), n % 2)).collect();
        send(shop, looked).await;
        let mut clicks = Vec::new();
        for n in shoppers {
            shop.hand.fetch_add(60_000, std::sync::atomic::Ordering::Relaxed);
            let shopper = format!("s{n}");
            let answer = ask(shop, &shopper).await;
            let shown = ids(&answer);
            let mut own = shown.iter().filter(|id| brand_of(id) == n % 2);
            let taken = own.nth([0, 1, 0, 2][n / 2 % 4]).unwrap();
            let named = Some(answer.request_id.as_str());
            clicks.push(act(shop, "Product Clicked", (&shopper, taken), named));
        }
        shop.app.flush_impressions().await;
        folded(shop).await;
        send(shop, clicks).await;
    }
}

fn copied(shop: &Shop) -> Vec<ShownList> {
    let copied = copy(&shop.app.views, shop.app.search_windows());
    assert!(copied.found.is_empty(), "nobody searched");
    copied.recommended
}

fn is_ordered(answer: &RecommendAnswer) -> bool {
    answer.explanation.as_ref().unwrap().ends_with("in the order that shoppers’ choices taught")
}

/// An answer in the learned order; a share of those that are recorded stands as sources give it.
async fn ask_ordered(shop: &Shop, shopper: &str) -> RecommendAnswer {
    for _ in 0..40 {
        let answer = ask(shop, shopper).await;
        if is_ordered(&answer) {
            return answer;
        }
    }
    panic!("no answer of {shopper} is ordered");
}

/// Somebody new who looked at products of the brand and is not held out: a name in twenty is.
async fn newcomer(shop: &Shop, brand: usize) -> String {
    for n in 0..20 {
        let name = format!("new-{brand}-{n}");
        send(shop, looks(shop, &name, brand)).await;
        if ask(shop, &name).await.holdout != Some(HoldoutArm::Holdout) {
            return name;
        }
    }
    panic!("twenty names in turn are held out");
}

/// How many of the first three products are of the brand.
fn n_first(answer: &RecommendAnswer, brand: usize) -> usize {
    ids(answer)[..3].iter().filter(|id| brand_of(id) == brand).count()
}

#[tokio::test]
async fn a_shop_learns_the_order_of_its_lists_and_takes_it_back() {
    let shop = shop_with(10_000, 0.05).await;
    loyal(&shop).await;
    let lists = copied(&shop);
    assert!((SHOPPERS * 9 / 10..SHOPPERS).contains(&lists.len()), "{}", lists.len());
    assert!(
        lists.iter().all(|list| list.products.iter().filter(|one| one.worth > 0.0).count() == 1)
    );
    let (ash, oak) = (newcomer(&shop, 0).await, newcomer(&shop, 1).await);
    // What is popular is listed anew within a second, on a busy machine somewhat later.
    tokio::time::sleep(std::time::Duration::from_secs(4)).await;
    let before = ask(&shop, &oak).await;
    assert!(!before.explanation.as_ref().unwrap().contains("choices"));
    let mut held = None;
    for n in 0..SHOPPERS {
        let answer = ask(&shop, &format!("s{n}")).await;
        if answer.holdout == Some(HoldoutArm::Holdout) {
            held = Some(format!("s{n}"));
            break;
        }
    }
    let admin = caller(Role::Admin);
    let model = shop.app.learn_model(&admin, Search::Weights).await.unwrap();
    let learned = model.orders.lists.unwrap();
    assert_eq!(learned.state, ModelState::Accepted, "{learned:?}");
    assert!(learned.n_trees > 0 && learned.verdict.gain.low > 0.0, "{learned:?}");
    for (shopper, brand) in [(&ash, 0), (&oak, 1)] {
        let answer = ask_ordered(&shop, shopper).await;
        assert_eq!(n_first(&answer, brand), 3, "{:?}", ids(&answer));
        assert_eq!(ids(&ask_ordered(&shop, shopper).await), ids(&answer), "each time the same");
        let mut same = ids(&answer);
        let mut usual = ids(&before);
        same.sort_unstable();
        usual.sort_unstable();
        assert_eq!(same, usual, "the same products");
        let scores = answer.recommendations.iter().map(|one| one.score);
        assert!(scores.is_sorted_by(|a, b| a >= b));
    }
    // One in four of what is recorded stands as sources give it.
    let mut n_given = 0;
    for _ in 0..200 {
        let answer = ask(&shop, &oak).await;
        if !is_ordered(&answer) {
            n_given += 1;
            assert_eq!((ids(&answer), answer.signals.is_some()), (ids(&before), true));
        }
    }
    assert!((20..80).contains(&n_given), "{n_given} of 200");
    let held = held.unwrap();
    for _ in 0..40 {
        let answer = ask(&shop, &held).await;
        assert!(!is_ordered(&answer), "the shop of those who are held out stays as it is");
    }

    // A model without: lists stand as sources give them.
    let (parts, now) = (&shop.app.parts, shop.app.clock.now());
    let plain = Model { number: 2, orders: JudgedOrders::default(), ..model.clone() };
    record::add(parts, (&plain, &Orders::default()), now).await.unwrap();
    shop.app.serve_model(&admin, 2).await.unwrap();
    assert_eq!(ids(&ask(&shop, &oak).await), ids(&before));
    // Taken back, and as after a start.
    let kept = record::orders(parts, 1, now).await.unwrap();
    assert!(kept.lists.is_some());
    shop.app.serve_model(&admin, 1).await.unwrap();
    assert_eq!(shop.app.models.serving().unwrap().orders, kept);
    assert_eq!(shop.app.models(&admin).await.unwrap().models[0], model);
    assert_eq!(n_first(&ask_ordered(&shop, &oak).await, 1), 3);
    // Where nothing is recorded nobody could judge an order, so none serves.
    let silent = shop_with(0, 0.05).await;
    let looked = (0..90).flat_map(|n| looks(&silent, &format!("s{n}"), n % 2)).collect();
    send(&silent, looked).await;
    record::add(&silent.app.parts, (&model, &kept), now).await.unwrap();
    silent.app.serve_model(&admin, 1).await.unwrap();
    assert!(silent.app.models.serving().unwrap().orders.lists.is_some());
    assert!(!is_ordered(&ask(&silent, "s1").await));

    // Who leaves, or takes their word back, teaches no more.
    let mut taught = Vec::new();
    for n in 1..SHOPPERS {
        if taught.len() < 2
            && ask(&shop, &format!("s{n}")).await.holdout == Some(HoldoutArm::Personal)
        {
            taught.push(format!("s{n}"));
        }
    }
    shop.app.flush_impressions().await;
    folded(&shop).await;
    let people = || copied(&shop).iter().map(|list| list.person).collect::<BTreeSet<u64>>();
    let all = people();
    let privacy = caller(Role::Privacy);
    let erased = Who::parse(&taught[0]).unwrap();
    shop.app.request_erasure(&privacy, &erased, crate::IdentityCheck::Verified).await.unwrap();
    folded(&shop).await;
    let left = people();
    assert_eq!((left.len(), left.is_subset(&all)), (all.len() - 1, true), "the others stay");
    let denied = [Purpose::ModelTraining].into_iter().collect();
    let update = ConsentUpdate { denied, ..ConsentUpdate::default() };
    shop.app.change_consents((&taught[1], &SiteId::main()), update, &admin).await.unwrap();
    folded(&shop).await;
    assert_eq!((people().len(), people().is_subset(&left)), (left.len() - 1, true));
}

#[tokio::test]
async fn nothing_is_recorded_of_those_who_did_not_agree_and_no_more_than_is_set() {
    let shop = shop_with(20, 0.0).await;
    for n in 0..60 {
        send(&shop, looks(&shop, &format!("s{n}"), n % 2)).await;
    }
    let mut told = 0;
    for n in 0..60 {
        told += usize::from(ask(&shop, &format!("s{n}")).await.signals.is_some());
    }
    assert_eq!(told, 20, "an hour");
    shop.hand.fetch_add(3_600_000, std::sync::atomic::Ordering::Relaxed);
    let mut told = Vec::new();
    for n in 0..60 {
        told.push(ask(&shop, &format!("s{n}")).await.signals.is_some());
    }
    let later = told[30..].iter().filter(|is_told| **is_told).count();
    assert!(later > 0, "spread over the hour: {told:?}");
    assert!(ask(&shop, "a-stranger").await.signals.is_none());
    let (shop, of_staff) = (
        shop_with(20, 0.0).await,
        json!({"type": "identify", "userId": "s1",
        "messageId": "staff", "traits": {"staff": true}}),
    );
    send(&shop, looks(&shop, "s1", 0)).await;
    assert!(ask(&shop, "s1").await.signals.is_some());
    send(&shop, vec![of_staff]).await;
    assert!(ask(&shop, "s1").await.signals.is_none(), "the shop's own people");
    let mut none = RecommendRequest::new(Strategy::Popular, 8);
    none.user_id = Some("s2".to_owned());
    none.exclude = (0..PRODUCTS).map(|n| ProductId::new(format!("p{n}")).unwrap()).collect();
    send(&shop, looks(&shop, "s2", 0)).await;
    let answer = shop.app.recommend(&none, &caller(Role::StorefrontServer)).await.unwrap();
    assert!(answer.recommendations.is_empty() && answer.signals.is_none(), "of nothing");
    let shop = shop_with(0, 0.0).await;
    send(&shop, looks(&shop, "s1", 0)).await;
    assert!(ask(&shop, "s1").await.signals.is_none(), "switched off");
    let eu = Shop::open_in("eu").await;
    send(&eu, looks(&eu, "s1", 0)).await;
    assert!(ask(&eu, "s1").await.signals.is_none(), "nobody asked");
}

#[test]
fn the_latest_lists_are_copied() {
    let list = |n: i64| ShownList { time: n * 7 % 10, person: n as u64, ..ShownList::default() };
    let mut lists: Vec<ShownList> = (0..10).map(list).collect();
    keep_latest(&mut lists, 3);
    let mut times: Vec<i64> = lists.iter().map(|list| list.time).collect();
    times.sort_unstable();
    assert_eq!(times, [7, 8, 9]);
    keep_latest(&mut lists, 3);
    assert_eq!(lists.len(), 3);
}
