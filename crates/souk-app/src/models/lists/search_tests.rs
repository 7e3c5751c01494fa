#![allow(clippy::unwrap_used)]

use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::{Value, json};
use souk_core::rules::RuleId;
use souk_core::wire::json::{product_from_json, rule_from_json};
use souk_core::{Currency, Product, Purpose, SiteId, Timestamp};
use souk_recommend::evaluate::ratings::Search;
use souk_recommend::impressions::signals::Signal;
use souk_search::SortBy;

use super::super::{JudgedOrders, Model, ModelState, Orders, record};
use super::tests::{act, folded, send};
use super::*;
use crate::test_shop::{Shop, caller};
use crate::{
    Config, ConsentUpdate, PUT_PRODUCTS_MAX, Role, RulePrecondition, SearchFound, SearchMode,
    SearchQuery, Who,
};

const SHOPPERS: usize = 800;
/// Words that vases are made of, each searched by one shopper: where many ask the same, what is clicked soon stands first by its
/// popularity, so that nothing is left to learn of it for others.
const WORDS: usize = SHOPPERS;
/// Vases of each word.
const VASES: usize = 8;
/// A word that nobody asks for.
const NEW: &str = "zulu";

/// Letters alone, two of which differ between any two words at least, since no word is taken for another then.
fn word(n: usize) -> String {
    let letter = |n: usize| char::from(b"bcdfgklmnp"[n % 10]);
    let (ones, tens, hundreds) = (n % 10, n / 10 % 10, n / 100);
    let check = ones + 3 * tens + 7 * hundreds;
    format!("{}o{}a{}i{}x", letter(ones), letter(tens), letter(hundreds), letter(check))
}

/// Cheap and dear ones in an order of each word's own; the titles say nothing.
fn price(word: usize, vase: usize) -> usize {
    100 * (1 + (vase * 3 + word * 5 + 1) % VASES)
}

/// A shop with vases of so many words.
async fn shop_with(settings: &str, n_words: usize) -> Shop {
    let settings = format!("privacy: {{default_jurisdiction: us}}\n{settings}\n");
    let shop = Shop::open_with(Config::parse(&settings, []).unwrap()).await;
    let product = |id: String, title: String, price: usize| {
        let value = json!({"id": id, "title": title, "categories": ["House"],
            "price": {"amount": price, "currency": "USD"}});
        product_from_json(&value, &SiteId::main(), Currency::USD).unwrap()
    };
    let words = (0..n_words).map(|n| (n, word(n))).chain([(WORDS, NEW.to_owned())]);
    let vases = words.flat_map(|(n, word)| {
        (0..VASES).map(move |vase| {
            product(format!("{word}-{vase}"), format!("{word} vase"), price(n, vase))
        })
    });
    let bowls = (0..2).map(|n| product(format!("bowl-{n}"), format!("{NEW} bowl"), 1));
    let mugs = (0..6).map(|n| product(format!("mug-{n}"), format!("Mug {n}"), 500));
    let products: Vec<Product> = vases.chain(bowls).chain(mugs).collect();
    for products in products.chunks(PUT_PRODUCTS_MAX) {
        shop.app.put_products(products.to_vec(), &caller(Role::Admin)).await.unwrap();
    }
    shop
}

async fn searchable(shop: &Shop) {
    folded(shop).await;
    shop.app.wait_searchable(Duration::from_secs(60)).await.unwrap();
}

async fn ask(shop: &Shop, query: &SearchQuery) -> SearchFound {
    shop.app.search(query, &caller(Role::StorefrontServer)).await.unwrap()
}

fn of_shopper(query: &str, shopper: &str) -> SearchQuery {
    SearchQuery {
        user_id: Some(shopper.to_owned()),
        explain: true,
        ..SearchQuery::new(query, VASES)
    }
}

fn ids(found: &SearchFound) -> Vec<String> {
    found.hits.iter().map(|hit| hit.product_id.to_string()).collect()
}

fn is_ordered(found: &SearchFound) -> bool {
    found.hits.iter().any(|hit| hit.learned != 1.0)
}

/// Looks of a shopper at three mugs.
fn looks(shop: &Shop, shopper: &str, n: usize) -> Vec<Value> {
    let view =
        |k: usize| act(shop, "Product Viewed", (shopper, &format!("mug-{}", (n + k) % 6)), None);
    (0..3).map(view).collect()
}

/// Shoppers who search for something each and take the cheapest that they are shown.
async fn thrifty(shop: &Shop) {
    searchable(shop).await;
    for first in (0..SHOPPERS).step_by(100) {
        let shoppers = first..first + 100;
        let looked = shoppers.clone().flat_map(|n| looks(shop, &format!("s{n}"), n)).collect();
        send(shop, looked).await;
        let mut clicks = Vec::new();
        for n in shoppers {
            shop.hand.fetch_add(60_000, Ordering::Relaxed);
            let shopper = format!("s{n}");
            let found = ask(shop, &of_shopper(&word(n), &shopper)).await;
            assert_eq!((found.hits.len(), found.signals.is_some()), (VASES, true));
            let cheapest = found.hits.iter().map(|hit| hit.product_id.to_string());
            let price_of = |id: &String| price(n, id.rsplit('-').next().unwrap().parse().unwrap());
            let taken = cheapest.min_by_key(price_of).unwrap();
            let named = Some(found.request_id.as_str());
            clicks.push(act(shop, "Product Clicked", (&shopper, &taken), named));
        }
        shop.app.flush_impressions().await;
        folded(shop).await;
        send(shop, clicks).await;
    }
}

fn found_lists(shop: &Shop) -> Vec<ShownList> {
    let copied = copy(&shop.app.views, shop.app.search_windows());
    assert!(copied.recommended.is_empty(), "no list of recommendations among them");
    copied.found
}

/// A model with this order in service in another shop.
async fn serving(shop: &Shop, model: &Model, orders: &Orders) {
    let looked = (0..90).flat_map(|n| looks(shop, &format!("s{n}"), n)).collect();
    searchable(shop).await;
    send(shop, looked).await;
    record::add(&shop.app.parts, (model, orders), shop.app.clock.now()).await.unwrap();
    shop.app.serve_model(&caller(Role::Admin), model.number).await.unwrap();
    assert!(shop.app.models.serving().unwrap().orders.searches.is_some());
}

const RECORDED: &str = "recommendations: {model: {signals_per_hour: 10000}}";

#[tokio::test]
async fn a_query_that_nobody_asked_before_profits_from_what_others_took() {
    let shop = shop_with(&format!("{RECORDED}\nholdout: {{share: 0.0}}"), WORDS).await;
    thrifty(&shop).await;
    let lists = found_lists(&shop);
    assert_eq!(lists.len(), SHOPPERS);
    for list in &lists {
        assert_eq!(list.products.iter().filter(|one| one.worth > 0.0).count(), 1);
        let price =
            |one: &souk_recommend::impressions::ShownProduct| one.row.level(Signal::PriceToHits);
        let cheapest = list.products.iter().min_by_key(|one| price(one)).unwrap();
        assert!(cheapest.worth > 0.0, "its price beside the others' is known");
    }
    let stranger = SearchQuery { explain: true, ..SearchQuery::new(NEW, VASES) };
    let asked = SearchQuery { limit: 2 * VASES, ..SearchQuery::new("zulu vase", 1) };
    let (before, wider) = (ask(&shop, &stranger).await, ask(&shop, &asked).await);
    assert!(!is_ordered(&before) && before.signals.is_none());

    let admin = caller(Role::Admin);
    let model = shop.app.learn_model(&admin, Search::Weights).await.unwrap();
    let learned = model.orders.searches.unwrap();
    assert_eq!(learned.state, ModelState::Accepted, "{learned:?}");
    assert_eq!(model.orders.lists, None, "lists of recommendations learn nothing of it");
    // Whatever is said of the recipe: it learned from a few mugs.
    shop.app.serve_model(&admin, model.number).await.unwrap();
    let kept = record::orders(&shop.app.parts, 1, shop.app.clock.now()).await.unwrap();
    assert_eq!(shop.app.models.serving().unwrap().orders, kept, "as after a start");
    let order = kept.searches.clone().unwrap();
    assert!(kept.lists.is_none());
    assert_eq!(shop.app.models(&admin).await.unwrap().models[0], model);

    // It rests on prices, since nothing else tells what shoppers took.
    let of_price =
        order.trees().importances().filter(|(name, _)| name.starts_with("price")).map(|(_, n)| n);
    let of_price: f64 = of_price.sum();
    assert!(of_price > 0.5, "{of_price}: {:?}", order.trees().importances().collect::<Vec<_>>());

    // What is cheap comes forward; the products are the same, scores fall, and the explanation tells the share.
    let after = ask(&shop, &stranger).await;
    let prices = |found: &SearchFound| -> Vec<usize> {
        let vase = |id: &String| id.rsplit('-').next().unwrap().parse::<usize>().unwrap();
        let vases = ids(found).into_iter().filter(|id| id.starts_with("zulu"));
        vases.map(|id| price(WORDS, vase(&id))).collect()
    };
    assert_ne!(ids(&after), ids(&before));
    assert!(is_ordered(&after) && after.signals.is_none(), "nothing is recorded of strangers");
    assert!(after.hits.is_sorted_by(|a, b| a.score >= b.score));
    for hit in &after.hits {
        let stage = before.hits.iter().find(|one| one.product_id == hit.product_id);
        if let Some(stage) = stage {
            assert!((stage.score * hit.learned - hit.score).abs() < 1e-9);
        }
    }
    assert_eq!(ids(&ask(&shop, &stranger).await), ids(&after), "each time the same");

    // What lacks a word stays behind, as cheap as it is.
    let after = ask(&shop, &asked).await;
    let of = |found: &SearchFound| {
        found.hits.iter().take(VASES).map(|hit| hit.product_id.clone()).collect::<Vec<_>>()
    };
    let cheapest = |found: &SearchFound| prices(found).iter().position(|price| *price == 100);
    let (now, then) = (cheapest(&after).unwrap(), cheapest(&wider).unwrap());
    assert!(now < then, "from {then} to {now}: {:?}, {:?}", ids(&wider), ids(&after));
    let (mut now, mut then) = (of(&after), of(&wider));
    now.sort_unstable();
    then.sort_unstable();
    assert_eq!(now, then, "the vases");
    assert!(after.hits.len() > VASES && wider.hits.len() > VASES, "others of less words");
    // Pages agree with one another.
    let mut pages = Vec::new();
    let mut page = SearchQuery { limit: 3, ..asked.clone() };
    while pages.len() < after.hits.len() {
        let found = ask(&shop, &page).await;
        assert!(!found.hits.is_empty());
        pages.extend(ids(&found));
        page.cursor = found.cursor;
    }
    assert_eq!(pages[..after.hits.len()], ids(&after));

    // Nothing of it where another order is asked for, or words alone.
    let sort = vec![SortBy::parse("price:desc").unwrap()];
    let sorted = ask(&shop, &SearchQuery { sort, ..asked.clone() }).await;
    let lexical = ask(&shop, &SearchQuery { mode: SearchMode::Lexical, ..asked.clone() }).await;
    assert!(!is_ordered(&sorted) && !is_ordered(&lexical));
    assert!(prices(&sorted).is_sorted_by(|a, b| a >= b));

    // One in four of what is recorded stands as stages give it, and so do its further pages.
    let (mut n_given, mut n_pages) = (0, 0);
    for _ in 0..200 {
        let first = ask(&shop, &SearchQuery { limit: 3, ..of_shopper(NEW, "s1") }).await;
        assert!(first.signals.is_some());
        if !is_ordered(&first) {
            n_given += 1;
            let cursor = first.cursor.clone();
            let next = SearchQuery { limit: 5, cursor, ..of_shopper(NEW, "s1") };
            let next = ask(&shop, &next).await;
            assert!(!is_ordered(&next) && next.signals.is_none());
            let both = [ids(&first), ids(&next)].concat();
            n_pages += usize::from(both == ids(&before)[..VASES]);
        }
    }
    assert!((20..80).contains(&n_given), "{n_given} of 200");
    assert_eq!(n_pages, n_given);

    // Rules have the last word.
    let dear = ids(&sorted)[0].clone();
    let pin = json!({"select": {"product_ids": [dear]}, "action": {"type": "pin", "position": 1}});
    let id = RuleId::new("dear-first").unwrap();
    let rule = rule_from_json(&pin, Some(&id), Timestamp::EPOCH).unwrap();
    shop.app.put_rule(rule, RulePrecondition::Any, &admin).await.unwrap();
    assert_eq!(ids(&ask(&shop, &asked).await)[0], dear);

    // Who leaves, or takes their word back, teaches no more.
    shop.app.flush_impressions().await;
    folded(&shop).await;
    let n_before = found_lists(&shop).iter().filter(|list| list.products.len() == VASES).count();
    let erased = Who::parse("s2").unwrap();
    let privacy = caller(Role::Privacy);
    shop.app.request_erasure(&privacy, &erased, crate::IdentityCheck::Verified).await.unwrap();
    let denied = [Purpose::ModelTraining].into_iter().collect();
    let update = ConsentUpdate { denied, ..ConsentUpdate::default() };
    shop.app.change_consents(("s3", &SiteId::main()), update, &admin).await.unwrap();
    folded(&shop).await;
    let n_left = found_lists(&shop).iter().filter(|list| list.products.len() == VASES).count();
    assert_eq!(n_left, n_before - 2);

    // Not of those who are held out, and nowhere where nothing is recorded or learned.
    let plain = Model { orders: JudgedOrders::default(), ..model };
    for settings in [
        format!("{RECORDED}\nholdout: {{share: 0.5}}"),
        format!("{RECORDED}\nsearch: {{learning: none}}"),
        "recommendations: {model: {signals_per_hour: 0}}".to_owned(),
    ] {
        let other = shop_with(&settings, 10).await;
        serving(&other, &plain, &kept).await;
        let known = (0..40).flat_map(|n| looks(&other, &format!("s{n}"), n));
        send(&other, known.collect()).await;
        let (mut n_ordered, mut n_held) = (0, 0);
        for n in 0..40 {
            let found = ask(&other, &of_shopper(NEW, &format!("s{n}"))).await;
            let is_held_out = settings.contains("0.5") && is_held(&other, &format!("s{n}")).await;
            n_held += usize::from(is_held_out);
            assert!(!(is_held_out && (is_ordered(&found) || found.signals.is_some())));
            n_ordered += usize::from(is_ordered(&found));
        }
        let both = (n_ordered > 0, n_held > 0);
        assert_eq!(both, (settings.contains("0.5"), settings.contains("0.5")), "{settings}");
    }
}

async fn is_held(shop: &Shop, shopper: &str) -> bool {
    let mut request =
        crate::recommend::RecommendRequest::new(crate::recommend::Strategy::Popular, 1);
    request.user_id = Some(shopper.to_owned());
    let answer = shop.app.recommend(&request, &caller(Role::StorefrontServer)).await.unwrap();
    answer.holdout == Some(crate::HoldoutArm::Holdout)
}

#[tokio::test]
async fn what_is_not_looked_at_or_not_agreed_to_is_not_recorded() {
    let shop = shop_with(&format!("{RECORDED}\nholdout: {{share: 0.0}}"), 10).await;
    searchable(&shop).await;
    send(&shop, looks(&shop, "s1", 0)).await;
    let query = || of_shopper("vase", "s1");
    let is_told = async |query: SearchQuery| ask(&shop, &query).await.signals.is_some();
    assert!(is_told(query()).await);
    assert!(!is_told(of_shopper("vase", "a-stranger")).await);
    assert!(!is_told(of_shopper("", "s1")).await, "browsing");
    assert!(!is_told(SearchQuery { typing: souk_search::Typing::Going, ..query() }).await);
    assert!(
        !is_told(SearchQuery { sort: vec![SortBy::parse("price:asc").unwrap()], ..query() }).await
    );
    let cursor = ask(&shop, &query()).await.cursor;
    assert!(cursor.is_some() && !is_told(SearchQuery { cursor, ..query() }).await, "further on");
    let merge = crate::Merge { weights: vec![1.0, 1.0], limit: 10, offset: 0 };
    let both = [query(), query()];
    let server = caller(Role::StorefrontServer);
    let merged = shop.app.search_merged((&both, &merge), &server).await.unwrap();
    assert!(merged.answers.iter().all(|one| one.signals.is_none()), "places of another list");
    // As many rows as products, of the first hits alone.
    let many = ask(&shop, &SearchQuery { limit: 60, ..query() }).await;
    let signals = many.signals.unwrap();
    assert_eq!((many.hits.len(), signals.rows.len()), (60, 60 * signals.codes.len()));
    let rank = signals.codes.iter().position(|code| *code == Signal::Rank as u8).unwrap();
    let ranks: Vec<u8> =
        signals.rows.chunks_exact(signals.codes.len()).map(|row| row[rank]).collect();
    assert_eq!(ranks[..24], (1..=24).collect::<Vec<u8>>());
    assert!(ranks[24..].iter().all(|rank| *rank == 0));
    let staff = json!({"type": "identify", "userId": "s1", "messageId": "staff",
        "traits": {"staff": true}});
    send(&shop, vec![staff]).await;
    assert!(!is_told(query()).await, "the shop's own people");
}
