#![allow(clippy::unwrap_used)]

use rustc_hash::FxHashSet;
use serde_json::{Value, json};
use souk_core::SiteId;
use souk_recommend::impressions::signals::SignalRow;

use super::*;
use crate::recommend::RecommendRequest;
use crate::recommend::tests::{ask, id, ids, product};
use crate::test_shop::{Shop, caller, noon};
use crate::{Config, IngestCall, Role};

const WORDS: [&str; 18] = [
    "apple", "berry", "cherry", "date", "elder", "fig", "grape", "honey", "iris", "juniper",
    "kiwi", "lemon", "mint", "nut", "oat", "pear", "quince", "rose",
];

/// Twelve yoghurts that sell a little better than six products of other kinds.
async fn dairy(diversity: f64) -> Shop {
    let settings = format!(
        "privacy: {{default_jurisdiction: us}}\nrecommendations: {{diversity: {diversity}}}\n"
    );
    let shop = Shop::open_with(Config::parse(&settings, []).unwrap()).await;
    let name = |n: usize| if n < 12 { format!("yoghurt-{n}") } else { format!("other-{n}") };
    let category =
        |n: usize| if n < 12 { "Dairy > Yoghurt".to_owned() } else { format!("Kind {n} > Part") };
    let products = (0..18).map(|n| {
        product(&json!({"id": name(n), "title": format!("Taste {}", WORDS[n]), "categories": [category(n)],
            "price": {"amount": 100, "currency": "USD"}}))
    });
    shop.app.put_products(products.collect(), &caller(Role::Admin)).await.unwrap();
    let mut batch: Vec<Value> = Vec::new();
    for n in 0..18 {
        for buyer in 0..40 - n {
            let at = noon().plus_ms(-3_600_000);
            batch.push(json!({"type": "track", "event": "Order Completed",
                "userId": format!("u{buyer}"), "timestamp": at.to_string(),
                "messageId": format!("m{n}-{buyer}"),
                "properties": {"order_id": format!("o{n}-{buyer}"), "currency": "USD",
                    "products": [{"product_id": name(n), "quantity": 1, "price": 1}]}}));
        }
    }
    let answer = shop.send(Role::IngestServer, IngestCall::Batch, json!({"batch": batch})).await;
    assert_eq!(answer.rejected.len(), 0);
    shop.app.wait_for(&shop.app.parts.log.end().await.unwrap()).await.unwrap();
    shop
}

fn n_yoghurts(list: &[&str]) -> usize {
    list.iter().filter(|one| one.starts_with("yoghurt")).count()
}

#[tokio::test]
async fn near_equals_of_other_kinds_get_last_places_and_the_first_stay() {
    let (plain, varied) = (dairy(0.0).await, dairy(0.02).await);
    let request = RecommendRequest::new(Strategy::Popular, 10);
    let (before, after) = (ask(&plain, &request).await, ask(&varied, &request).await);
    let (before, after) = (ids(&before), ids(&after));
    assert_eq!(n_yoghurts(&before), 10);
    assert!(n_yoghurts(&after) <= 8, "{after:?}");
    assert_eq!(before[..5], after[..5]);
    assert_eq!(after.iter().collect::<FxHashSet<_>>().len(), 10);
    // A plain question gets its plain answer.
    let mut request = RecommendRequest::new(Strategy::Session, 10);
    request.context.session = Some(vec![id("yoghurt-0")]);
    assert_eq!(ids(&ask(&plain, &request).await), ids(&ask(&varied, &request).await));
}

#[tokio::test]
async fn rules_have_the_last_word_over_variety() {
    let shop = dairy(0.02).await;
    let rule = json!({"select": {"filter": "category = 'Dairy > Yoghurt'"},
        "action": {"type": "boost", "factor": 5}});
    let rule_id = souk_core::rules::RuleId::new("dairy-days").unwrap();
    let rule = souk_core::wire::json::rule_from_json(&rule, Some(&rule_id), noon()).unwrap();
    let admin = caller(Role::Admin);
    shop.app.put_rule(rule, crate::RulePrecondition::Any, &admin).await.unwrap();
    let answer = ask(&shop, &RecommendRequest::new(Strategy::Popular, 10)).await;
    assert_eq!(n_yoghurts(&ids(&answer)), 10, "{:?}", ids(&answer));
}

#[tokio::test]
async fn who_lost_a_place_to_variety_is_told_so() {
    let shop = dairy(0.02).await;
    let mut request = RecommendRequest::new(Strategy::Popular, 10);
    request.explain_products = vec![id("yoghurt-9")];
    let answer = ask(&shop, &request).await;
    let detail = &answer.why_not[0].detail;
    assert_eq!(detail, "its rank was 10; its place went to one less like the others");
}

#[test]
fn a_third_product_of_the_same_words_goes_behind_unless_it_was_bought() {
    let mut catalogue = Catalogue::default();
    let titles = ["Milk, 1 l", "Milk, 2 l", "Milk, 3 l", "Bread", "Milk, 4 l", "Milk, 5 l"];
    for (n, title) in titles.into_iter().enumerate() {
        let value = json!({"id": format!("p{n}"), "title": title,
            "price": {"amount": 100, "currency": "USD"}});
        catalogue.put(product(&value), noon());
    }
    let proposal = |n: usize| Proposal {
        item: catalogue.item(&SiteId::main(), &id(&format!("p{n}"))).unwrap(),
        score: 1.0,
        kind: if n == 4 { ReasonKind::BoughtBefore } else { ReasonKind::Popular },
        evidence: Vec::new(),
        support: 0,
        is_personal: false,
        place: 0,
    };
    let mut shown: Vec<Proposal> = (0..6).map(proposal).collect();
    thin_out(&mut shown, &catalogue);
    let order: Vec<&str> =
        shown.iter().map(|one| catalogue.product_id(one.item).as_str()).collect();
    assert_eq!(order, ["p0", "p1", "p3", "p4", "p2", "p5"]);
}

fn of(strategy: Strategy, first: &[Source]) -> Plan {
    Plan { strategy, first: first.to_vec(), fill: Vec::new() }
}

/// The products of these ids, as one source proposes them.
fn proposed(catalogue: &Catalogue, names: &[&str]) -> Vec<Proposal> {
    let proposal = |name: &&str| Proposal {
        item: catalogue.item(&SiteId::main(), &id(name)).unwrap(),
        score: 1.0,
        kind: ReasonKind::Popular,
        evidence: Vec::new(),
        support: 0,
        is_personal: false,
        place: 0,
    };
    names.iter().map(proposal).collect()
}

/// What the model knows of its lists decides how far they are varied; nobody knows it of trending ones.
#[tokio::test]
async fn the_faster_relevance_falls_the_more_gives_way() {
    let shop = dairy(0.02).await;
    let ranked = ask(&dairy(0.0).await, &RecommendRequest::new(Strategy::Popular, 18)).await;
    let views = shop.app.views.read();
    let steep = RelevanceCurve { shift: 0.5, power: 1.5 };
    let curves = ListCurves { blend: steep, popular: RelevanceCurve { shift: 0.5, power: 1.0 } };
    let kept = |plan: &Plan, curves| {
        let pool = proposed(&views.catalogue, &ids(&ranked));
        let of_shop = (&views.catalogue, views.crowd(), &[][..]);
        let list = Variety::of(plan, 0.02, curves).reorder((pool, 18), 10, of_shop);
        let list = list.iter().take(10).map(|one| views.catalogue.product_id(one.item).as_str());
        n_yoghurts(&list.collect::<Vec<_>>())
    };
    let popular = of(Strategy::Popular, &[Source::Popular]);
    let alone = of(Strategy::ForYou, &[Source::Model]);
    let in_turn = of(Strategy::ForYou, &[Source::Session, Source::Model]);
    let visit = of(Strategy::ForYou, &[Source::Session]);
    let trending = of(Strategy::Trending, &[Source::Trending]);
    let usual = kept(&popular, None);
    assert_eq!([&alone, &in_turn, &trending].map(|plan| kept(plan, None)), [usual; 3]);
    assert_eq!([&visit, &trending].map(|plan| kept(plan, Some(curves))), [usual; 2]);
    let [popular, alone, in_turn] =
        [&popular, &alone, &in_turn].map(|plan| kept(plan, Some(curves)));
    assert!(alone < popular && popular < usual, "{alone} {popular} {usual}");
    assert!(alone < in_turn && in_turn <= usual, "{alone} {in_turn} {usual}");
}

/// Two sources: the model's second candidate comes third, and the other's falls as is assumed.
#[test]
fn relevance_of_turns_by_hand() {
    let blend = RelevanceCurve { shift: 1.0, power: 1.0 };
    let curves = Some(ListCurves { blend, ..ListCurves::default() });
    let close = |a: f32, b: f32| (a - b).abs() < 1e-6;
    let turns = Turns::of(&of(Strategy::ForYou, &[Source::NextBasket, Source::Model]), curves);
    assert!(close(turns.at(2), (1.0 / 2.0 + 5.0 / 7.0) / 2.0), "{}", turns.at(2));
    let alone = Turns::of(&of(Strategy::ForYou, &[Source::Model]), curves);
    assert!(close(alone.at(3), 1.0 / 4.0), "{}", alone.at(3));
    let unknown = Turns::of(&of(Strategy::ForYou, &[Source::Session, Source::Model]), None);
    assert!(close(unknown.at(5), 1.0 / 2.0), "{}", unknown.at(5));
}

#[tokio::test]
async fn what_only_fills_a_list_pushes_nothing_out_of_it() {
    let shop = dairy(0.02).await;
    let ranked = ask(&dairy(0.0).await, &RecommendRequest::new(Strategy::Popular, 18)).await;
    let views = shop.app.views.read();
    let list = |n_found: usize| {
        let pool = proposed(&views.catalogue, &ids(&ranked));
        let of_shop = (&views.catalogue, views.crowd(), &[][..]);
        let variety = Variety::of(&of(Strategy::Trending, &[Source::Trending]), 0.02, None);
        let mut list = variety.reorder((pool, n_found), 10, of_shop);
        list.truncate(10);
        list.into_iter()
            .map(|one| views.catalogue.product_id(one.item).as_str())
            .collect::<Vec<_>>()
    };
    assert_eq!(list(8), ids(&ranked)[..10], "ten fill up behind the eight");
    assert!(n_yoghurts(&list(18)) < 10);
}

/// Two levels of three shared: 1 − 4/6; of one brand a fifth less.
#[test]
fn distances_by_hand() {
    let mut catalogue = Catalogue::default();
    let shelf = [
        ("oat", Some("Dairy > Milk > Oat"), None),
        ("soy", Some("Dairy > Milk > Soy"), Some("Own")),
        ("cow", Some("Dairy > Milk > Cow"), Some("Own")),
        ("nut", Some("Snacks"), Some("Own")),
        ("bag", None, None),
    ];
    for (id, category, brand) in shelf {
        let value = json!({"id": id, "title": id, "brand": brand,
            "categories": category.into_iter().collect::<Vec<_>>(),
            "price": {"amount": 100, "currency": "USD"}});
        catalogue.put(product(&value), noon());
    }
    let traits =
        |name: &str| Traits::of(catalogue.item(&SiteId::main(), &id(name)).unwrap(), &catalogue);
    let distance = |a: &str, b: &str| traits(a).distance(&traits(b));
    let close = |a: f32, b: f32| (a - b).abs() < 1e-6;
    assert!(close(distance("oat", "soy"), 1.0 / 3.0));
    assert!(close(distance("soy", "cow"), 0.8 / 3.0));
    assert!(close(distance("soy", "nut"), 0.8));
    assert!(close(distance("oat", "nut"), 1.0) && close(distance("oat", "bag"), 1.0));
    assert!(close(distance("oat", "oat"), 0.0));
    assert!(close(distance("nut", "soy"), distance("soy", "nut")));
}

/// Nobody can say where a learned order would have put what came from behind the places: that order never met it.
#[tokio::test]
async fn what_variety_brings_is_no_candidate_for_an_order_of_lists() {
    let shop = dairy(0.02).await;
    let viewed = json!({"batch": [{"type": "track", "event": "Product Viewed", "userId": "visitor",
        "timestamp": noon().to_string(), "messageId": "seen",
        "properties": {"product_id": "yoghurt-0"}}]});
    shop.send(Role::IngestServer, IngestCall::Batch, viewed).await;
    shop.app.wait_for(&shop.app.parts.log.end().await.unwrap()).await.unwrap();
    let mut request = RecommendRequest::new(Strategy::Popular, 10);
    request.user_id = Some("visitor".to_owned());
    let answer = shop.app.recommend(&request, &caller(Role::StorefrontServer)).await.unwrap();
    let list = ids(&answer);
    assert!(n_yoghurts(&list) < 10, "{list:?}");
    let told = answer.signals.as_ref().unwrap();
    let rows = told.rows.chunks(told.codes.len());
    let ranks = rows.map(|row| SignalRow::decode(&told.codes, row).rank());
    for (product, rank) in list.iter().zip(ranks) {
        assert_eq!(rank.is_some(), product.starts_with("yoghurt"), "{product}: {rank:?}");
        assert!(rank.is_none_or(|rank| rank < 10), "{product}: {rank:?}");
    }
}
