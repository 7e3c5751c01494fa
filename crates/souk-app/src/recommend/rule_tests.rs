#![allow(clippy::unwrap_used)]

use rustc_hash::FxHashSet;
use serde_json::{Value, json};
use souk_core::rules::{Rule, RuleId};
use souk_core::wire::json::rule_from_json;
use souk_core::{ErrorKind, Purpose};

use super::tests::{ask, for_user, grocer, id, ids, product};
use super::*;
use crate::test_shop::{Shop, caller, noon};
use crate::{IngestCall, Role, RulePrecondition};

fn rule(id: &str, value: &Value) -> Rule {
    rule_from_json(value, Some(&RuleId::new(id).unwrap()), Timestamp::EPOCH).unwrap()
}

async fn put(shop: &Shop, id: &str, value: Value) {
    let admin = caller(Role::Admin);
    shop.app.put_rule(rule(id, &value), RulePrecondition::Any, &admin).await.unwrap();
}

fn why(answer: &RecommendAnswer) -> Vec<(&'static str, Option<&str>)> {
    let of = |one: &'_ WhyNot| -> &'static str { one.cause.as_str() };
    answer
        .why_not
        .iter()
        .map(|one| (of(one), one.rule.as_ref().map(|rule| rule.id.as_str())))
        .collect()
}

async fn doctor(shop: &Shop) -> String {
    let findings = shop.app.examine().await.unwrap();
    let of_rules = findings.into_iter().filter(|finding| finding.subject == "rules");
    of_rules.map(|finding| format!("{:?}: {}\n", finding.weight, finding.detail)).collect()
}

/// Every strategy with a request that it has an answer to.
fn each_strategy() -> impl Iterator<Item = RecommendRequest> {
    Strategy::ALL.into_iter().map(|strategy| {
        let mut request = for_user(strategy, "regular");
        request.context.session = Some(vec![id("jam"), id("bread")]);
        request
    })
}

#[tokio::test]
async fn a_hidden_product_is_in_no_list_of_any_strategy() {
    let shop = grocer().await;
    let mut found = 0;
    for request in each_strategy() {
        found += usize::from(ids(&ask(&shop, &request).await).contains(&"butter"));
    }
    assert!(found >= 5, "the strategies do not answer butter anyway: {found}");
    put(
        &shop,
        "no-butter",
        json!({"select": {"filter": "id = 'butter'"}, "action": {"type": "hide"}}),
    )
    .await;
    for request in each_strategy() {
        let answer = ask(&shop, &request).await;
        assert!(!ids(&answer).contains(&"butter"), "{}", request.strategy.as_str());
    }
}

#[tokio::test]
async fn a_pin_brings_a_product_that_nobody_proposed_into_every_strategy() {
    let shop = grocer().await;
    put(&shop, "wine", json!({"select": {"product_ids": ["gone", "wine"]}, "action": {"type": "pin", "position": 1}})).await;
    for mut request in each_strategy() {
        request.explain = true;
        let answer = ask(&shop, &request).await;
        let first = &answer.recommendations[0];
        assert_eq!(first.product_id, id("wine"), "{}", request.strategy.as_str());
        assert_eq!(first.moved.as_ref().unwrap().rules[0].id.as_str(), "wine");
        assert!(answer.recommendations.is_sorted_by(|a, b| a.score >= b.score));
        let unique: FxHashSet<_> = ids(&answer).into_iter().collect();
        assert_eq!(unique.len(), answer.recommendations.len());
    }
    // Where nobody proposed it, the reason does not pretend that somebody did.
    let answer = ask(&shop, &for_user(Strategy::BuyAgain, "regular")).await;
    assert_eq!(ids(&answer), ["wine", "milk", "bread"]);
    let reason = &answer.recommendations[0].reason;
    assert_eq!((reason.kind, reason.text.as_str()), (ReasonKind::Picked, "Picked by the shop"));
    assert_eq!(answer.strategy, Strategy::BuyAgain);
    // What the request or the stock forbids, a pin does not bring back.
    let mut request = for_user(Strategy::Popular, "regular");
    request.filter = Some(Filter::parse("price < 10").unwrap());
    assert!(!ids(&ask(&shop, &request).await).contains(&"wine"));
    request.filter = None;
    request.exclude = vec![id("wine")];
    assert!(!ids(&ask(&shop, &request).await).contains(&"wine"));
}

#[tokio::test]
async fn an_answer_says_which_rule_moved_what_and_why_others_are_missing() {
    let shop = grocer().await;
    put(&shop, "front", json!({"name": "Wine first", "select": {"filter": "id = 'wine'"}, "action": {"type": "boost", "factor": 10}})).await;
    put(&shop, "no-jam", json!({"select": {"filter": "id = 'jam-2'"}, "action": {"type": "hide"}}))
        .await;
    put(&shop, "one-each", json!({"action": {"type": "cap_brand", "max": 3}})).await;
    let mut request = RecommendRequest::new(Strategy::Popular, 10);
    request.explain = true;
    request.exclude = vec![id("jam")];
    let names = ["wine", "jam", "jam-2", "nothing", "milk", "butter"];
    request.explain_products = names.map(id).to_vec();
    let answer = ask(&shop, &request).await;
    assert_eq!(ids(&answer), ["wine", "bread", "butter"]);
    let moved = answer.recommendations[0].moved.clone().unwrap();
    assert_eq!(moved.from_rank, Some(4));
    assert_eq!(moved.rules[0].name, "Wine first");
    assert!(answer.recommendations[1].moved.as_ref().unwrap().rules.is_empty(), "it made way");
    assert_eq!(
        why(&answer),
        [
            ("shown", None),
            ("exclude", None),
            ("rule", Some("no-jam")),
            ("unknown_product", None),
            ("rule", Some("one-each")),
            ("shown", None)
        ]
    );
    // Without rules the other causes.
    let bare = grocer().await;
    let mut request = RecommendRequest::new(Strategy::BoughtTogether, 1);
    request.context.product_id = Some(id("bread"));
    request.filter = Some(Filter::parse("price < 15").unwrap());
    request.explain_products = ["bread", "wine", "jam", "jam-2", "butter"].map(id).to_vec();
    let answer = ask(&bare, &request).await;
    assert_eq!(ids(&answer), ["butter"]);
    let causes: Vec<&str> = why(&answer).into_iter().map(|(cause, _)| cause).collect();
    assert_eq!(causes, ["on_page", "filter", "outranked", "not_proposed", "shown"]);
    request.limit = 10;
    request.strategy = Strategy::New;
    let answer = ask(&bare, &request).await;
    let causes = why(&answer)[2..4].to_vec();
    assert!(causes.contains(&("same_title", None)), "{causes:?}");
    let gone = json!({"id": "jam", "title": "Jam", "availability": "out_of_stock"});
    bare.app.put_products(vec![product(&gone)], &caller(Role::Admin)).await.unwrap();
    assert_eq!(why(&ask(&bare, &request).await)[2].0, "stock");
}

/// Neither a boost nor a reserved share nor a pin is variety, of which the lists here know nothing.
#[tokio::test]
async fn what_a_rule_pushes_out_is_told_the_rule() {
    let actions = [
        json!({"type": "pin", "position": 1}),
        json!({"type": "boost", "factor": 10}),
        json!({"type": "reserve", "share": 0.5}),
    ];
    for action in actions {
        let kind = action["type"].as_str().unwrap().to_owned();
        let shop = grocer().await;
        let mut request = RecommendRequest::new(Strategy::Popular, 2);
        assert_eq!(ids(&ask(&shop, &request).await), ["bread", "butter"]);
        put(&shop, "wine", json!({"select": {"product_ids": ["wine"]}, "action": action})).await;
        request.explain_products = vec![id("butter"), id("milk")];
        let answer = ask(&shop, &request).await;
        assert!(ids(&answer).contains(&"wine"), "{kind}: {:?}", ids(&answer));
        assert_eq!(why(&answer), [("rule", Some("wine")), ("outranked", None)], "{kind}");
        let detail =
            format!("its rank was 2; the {kind} of rule `wine` gave `wine` a place before it");
        assert_eq!(answer.why_not[0].detail, detail);
    }
}

#[tokio::test]
async fn a_picked_product_takes_over_the_score_of_the_one_that_made_way() {
    let shop = grocer().await;
    let request = RecommendRequest { limit: 2, ..for_user(Strategy::BuyAgain, "regular") };
    let scores = |answer: RecommendAnswer| -> Vec<f32> {
        answer.recommendations.iter().map(|one| one.score).collect()
    };
    let before = scores(ask(&shop, &request).await);
    assert!(before[0] > before[1] && before[1] > 0.0, "{before:?}");
    put(
        &shop,
        "wine",
        json!({"select": {"product_ids": ["wine"]}, "action": {"type": "pin", "position": 2}}),
    )
    .await;
    let after = ask(&shop, &request).await;
    assert_eq!(ids(&after), ["milk", "wine"]);
    assert_eq!(scores(after), before);
}

#[tokio::test]
async fn a_page_that_anybody_reads_hears_no_names_of_rules() {
    let shop = grocer().await;
    put(
        &shop,
        "secret",
        json!({"select": {"filter": "id = 'wine'"}, "action": {"type": "boost", "factor": 10}}),
    )
    .await;
    let browser = caller(Role::StorefrontBrowser);
    let mut request = RecommendRequest::new(Strategy::Popular, 10);
    request.explain = true;
    let answer = shop.app.recommend(&request, &browser).await.unwrap();
    assert_eq!(ids(&answer)[0], "wine");
    assert!(answer.recommendations.iter().all(|one| one.moved.is_none()));
    request.explain_products = vec![id("jam")];
    let denied = shop.app.recommend(&request, &browser).await.unwrap_err();
    assert_eq!(denied.kind(), ErrorKind::Denied);
    put(&shop, "all", json!({"action": {"type": "hide"}})).await;
    request.explain_products.clear();
    let answer = shop.app.recommend(&request, &browser).await.unwrap();
    assert_eq!(answer.warnings[0].code, "rules_hid_everything");
    assert!(answer.warnings[0].rules.is_empty());
}

#[tokio::test]
async fn rules_that_hide_everything_are_set_aside_and_said() {
    let shop = grocer().await;
    put(&shop, "named", json!({"select": {"product_ids": ["bread"]}, "action": {"type": "hide"}}))
        .await;
    assert!(ask(&shop, &RecommendRequest::new(Strategy::Popular, 3)).await.warnings.is_empty());
    assert!(doctor(&shop).await.starts_with("Fine: 1 rules, 1 of them switched on"));
    put(&shop, "too-much", json!({"select": {"filter": "price > 0"}, "action": {"type": "hide"}}))
        .await;
    let answer = ask(&shop, &RecommendRequest::new(Strategy::Popular, 3)).await;
    assert_eq!(answer.recommendations.len(), 3);
    assert!(!ids(&answer).contains(&"bread"), "what is named one by one stays hidden");
    assert_eq!(answer.warnings[0].code, "rules_hid_everything");
    assert_eq!(answer.warnings[0].rules[0].as_str(), "too-much");
    let found = doctor(&shop).await;
    assert!(found.contains("Trouble: rules took every product out of 1 lists"), "{found}");
    assert!(found.contains("`too-much`"), "{found}");
    // Nothing there to be hidden is no fault of the rules.
    let mut request = RecommendRequest::new(Strategy::Popular, 3);
    request.filter = Some(Filter::parse("price > 500").unwrap());
    let answer = ask(&shop, &request).await;
    assert!(answer.recommendations.is_empty() && answer.warnings.is_empty());
    // Who asks for what is hidden does not get it by that.
    request.filter = Some(Filter::parse("id = 'milk'").unwrap());
    let answer = ask(&shop, &request).await;
    assert!(answer.recommendations.is_empty() && answer.warnings.is_empty());
}

#[tokio::test]
async fn the_doctor_names_rules_that_mean_nothing_or_are_over() {
    let shop = grocer().await;
    put(
        &shop,
        "nobody",
        json!({"select": {"filter": "brand = 'Nobody'"}, "action": {"type": "bury"}}),
    )
    .await;
    put(&shop, "past", json!({"when": {"until": "2025-12-24"}, "action": {"type": "bury"}})).await;
    put(&shop, "fine", json!({"action": {"type": "bury"}})).await;
    let found = doctor(&shop).await;
    assert!(found.contains("Notice: `nobody` means no product"), "{found}");
    assert!(found.contains("Notice: `past` is over"), "{found}");
    assert!(!found.contains("`fine`"), "{found}");
}

#[tokio::test]
async fn a_change_of_the_catalogue_is_seen_at_once() {
    let shop = grocer().await;
    put(&shop, "dear", json!({"select": {"filter": "price > 10"}, "action": {"type": "hide"}}))
        .await;
    let request = RecommendRequest::new(Strategy::New, 10);
    assert!(!ids(&ask(&shop, &request).await).contains(&"wine"));
    let price = |cents: i64| {
        product(
            &json!({"id": "wine", "title": "Wine", "price": {"amount": cents, "currency": "USD"}}),
        )
    };
    let admin = caller(Role::Admin);
    shop.app.put_products(vec![price(500)], &admin).await.unwrap();
    assert!(ids(&ask(&shop, &request).await).contains(&"wine"));
    shop.app.put_products(vec![price(5_000)], &admin).await.unwrap();
    assert!(!ids(&ask(&shop, &request).await).contains(&"wine"));
}

#[tokio::test]
async fn what_was_bought_lately_stays_out_unless_the_shopper_forbids_looking() {
    let shop = grocer().await;
    // The last of three milk baskets was made eight days ago.
    put(&shop, "lately", json!({"when": {"strategies": ["next_basket"]}, "action": {"type": "exclude_bought", "days": 9}})).await;
    let mut request = for_user(Strategy::NextBasket, "regular");
    request.explain_products = vec![id("milk")];
    let answer = ask(&shop, &request).await;
    assert!(!ids(&answer).contains(&"milk"), "{:?}", ids(&answer));
    assert_eq!(why(&answer), [("rule", Some("lately"))]);
    assert!(answer.why_not[0].detail.contains("8 days ago"), "{}", answer.why_not[0].detail);
    assert!(ids(&ask(&shop, &for_user(Strategy::BuyAgain, "regular")).await).contains(&"milk"));
    let stranger = RecommendRequest::new(Strategy::NextBasket, 10);
    assert!(ids(&ask(&shop, &stranger).await).contains(&"milk"), "nobody's past binds a stranger");
    put(&shop, "lately", json!({"action": {"type": "exclude_bought", "days": 8}})).await;
    assert!(ids(&ask(&shop, &for_user(Strategy::NextBasket, "regular")).await).contains(&"milk"));
    put(&shop, "lately", json!({"action": {"type": "exclude_bought", "days": 300}})).await;
    assert!(!ids(&ask(&shop, &for_user(Strategy::Popular, "regular")).await).contains(&"milk"));
    let deny = json!({"userId": "regular", "type": "identify",
        "context": {"consent": {"categoryPreferences": {"personalization": false}}}});
    shop.send(Role::IngestServer, IngestCall::Batch, json!({"batch": [deny]})).await;
    shop.app.wait_for(&shop.app.parts.log.end().await.unwrap()).await.unwrap();
    let refused = shop.app.door.hasher.id(crate::ingest::IdKind::User, "regular");
    let subject = shop.app.parts.keys.find(&[refused]).await.unwrap()[0].unwrap();
    let is_allowed = {
        let views = shop.app.views.read();
        let main = SiteId::main();
        let purpose =
            Use { purpose: Purpose::Personalization, site: &main, withheld: Purposes::NONE };
        views.allows(Whom::known(subject), purpose)
    };
    assert!(!is_allowed, "the refusal was not taken in");
    let answer = ask(&shop, &for_user(Strategy::Popular, "regular")).await;
    assert!(ids(&answer).contains(&"milk"), "a past that must not be used binds nothing");
}

/// Four hundred popular products, and one of the shop's own that nobody wants yet.
#[tokio::test]
async fn a_reserved_share_reaches_beyond_the_candidates() {
    let shop = Shop::open().await;
    let mut products = Vec::new();
    for n in 0..400 {
        products.push(product(&json!({"id": format!("p{n}"), "title": format!("Product {n}"),
            "brand": "Big", "published_at": "2026-01-10T00:00:00Z"})));
    }
    for n in 0..3 {
        products.push(product(&json!({"id": format!("own{n}"), "title": format!("Own {n}"),
            "brand": "Own", "published_at": "2020-01-01T00:00:00Z"})));
    }
    shop.app.put_products(products, &caller(Role::Admin)).await.unwrap();
    let request = RecommendRequest::new(Strategy::New, 10);
    assert!(ids(&ask(&shop, &request).await).iter().all(|id| id.starts_with('p')));
    put(
        &shop,
        "own",
        json!({"select": {"filter": "brand = 'Own'"}, "action": {"type": "reserve", "share": 0.2}}),
    )
    .await;
    let mut request = request;
    request.explain = true;
    let answer = ask(&shop, &request).await;
    let places: Vec<usize> =
        (0..10).filter(|place| ids(&answer)[*place].starts_with("own")).collect();
    assert_eq!(places, [4, 9], "a fifth of the places, evenly spread: {:?}", ids(&answer));
    assert_eq!(answer.recommendations[4].moved.as_ref().unwrap().rules[0].effect, "reserve");
}

#[tokio::test]
async fn margin_and_stock_count_from_what_the_shop_knows() {
    let shop = grocer().await;
    let dear = json!({"id": "wine", "title": "Wine", "price": {"amount": 1000, "currency": "USD"},
        "cost": {"amount": 100, "currency": "USD"}});
    let cheap = json!({"id": "bread", "title": "Rye Bread", "price": {"amount": 1000, "currency": "USD"},
        "cost": {"amount": 900, "currency": "USD"}});
    let usual = json!({"id": "butter", "title": "Butter", "price": {"amount": 1000, "currency": "USD"},
        "cost": {"amount": 600, "currency": "USD"}});
    let products = [dear, cheap, usual].map(|one| product(&one)).to_vec();
    shop.app.put_products(products, &caller(Role::Admin)).await.unwrap();
    let request = RecommendRequest::new(Strategy::Popular, 10);
    let place = |answer: &RecommendAnswer, name: &str| {
        ids(answer).iter().position(|id| *id == name).unwrap()
    };
    let before = ask(&shop, &request).await;
    put(&shop, "margin", json!({"action": {"type": "margin", "weight": 1}})).await;
    let after = ask(&shop, &request).await;
    assert!(place(&after, "wine") < place(&before, "wine"), "{:?}", ids(&after));
    assert!(place(&after, "bread") > place(&before, "bread"), "{:?}", ids(&after));
    put(&shop, "margin", json!({"enabled": false, "action": {"type": "bury"}})).await;
    // Six loaves were sold in four weeks: one is left of bread, heaps of jam.
    let count = |id: &str, quantity: i64| {
        json!({"type": "track", "event": "Stock Counted", "messageId": format!("s-{id}"),
            "properties": {"product_id": id, "location_id": "l1", "quantity": quantity}})
    };
    let batch = json!({"batch": [count("bread", 1), count("jam", 500)]});
    shop.send(Role::IngestServer, IngestCall::Batch, batch).await;
    shop.app.wait_for(&shop.app.parts.log.end().await.unwrap()).await.unwrap();
    put(&shop, "stock", json!({"action": {"type": "stock", "weight": 1}})).await;
    let after = ask(&shop, &request).await;
    assert!(
        place(&after, "bread") > 0 && place(&after, "jam") < place(&before, "jam"),
        "{:?}",
        ids(&after)
    );
}

#[tokio::test]
async fn a_preview_shows_what_moves_and_stores_nothing() {
    let shop = grocer().await;
    put(&shop, "old", json!({"select": {"filter": "id = 'butter'"}, "action": {"type": "hide"}}))
        .await;
    let request = RecommendRequest {
        placement: Some("home".to_owned()),
        ..RecommendRequest::new(Strategy::Popular, 3)
    };
    let draft = |rule: Rule| RuleDraft { rule, request: request.clone(), at: None };
    let merchandiser = caller(Role::Merchandiser);
    let look = async |rule: Rule| shop.app.preview_rule(&draft(rule), &merchandiser).await.unwrap();
    let pin = json!({"when": {"placements": ["home"]}, "select": {"product_ids": ["wine"]}, "action": {"type": "pin", "position": 1}});
    let preview = look(rule("new", &pin)).await;
    assert_eq!((preview.matches, preview.unmet), (Some(1), None));
    assert_eq!(ids(&preview.before), ["bread", "milk", "jam"]);
    assert_eq!(ids(&preview.after), ["wine", "bread", "milk"]);
    let moves: Vec<(&str, Option<u32>, Option<u32>, usize)> = preview
        .moves
        .iter()
        .map(|one| (one.product_id.as_str(), one.from, one.to, one.rules.len()))
        .collect();
    let expected = [
        ("wine", None, Some(1), 1),
        ("bread", Some(1), Some(2), 0),
        ("milk", Some(2), Some(3), 0),
        ("jam", Some(3), None, 1),
    ];
    assert_eq!(moves, expected);
    let detail = "its rank was 3; the pin of rule `new` gave `wine` a place before it";
    assert_eq!(preview.moves[3].detail, detail);
    // The draft takes the place of the stored rule of its id.
    let preview = look(rule("old", &json!({"enabled": false, "action": {"type": "hide"}}))).await;
    assert_eq!(preview.unmet, Some("enabled"));
    assert!(ids(&preview.after).contains(&"butter"));
    let hide = json!({"select": {"filter": "id = 'bread'"}, "action": {"type": "hide"}});
    let preview = look(rule("new", &hide)).await;
    let gone = preview.moves.iter().find(|one| one.to.is_none()).unwrap();
    assert_eq!((gone.product_id.as_str(), gone.rules[0].id.as_str()), ("bread", "new"));
    let elsewhere = json!({"when": {"placements": ["cart"]}, "select": {"filter": "brand = 'x'"}, "action": {"type": "hide"}});
    let preview = look(rule("new", &elsewhere)).await;
    assert_eq!((preview.matches, preview.unmet), (Some(0), Some("placements")));
    assert!(preview.moves.is_empty());
    // A look at another time.
    let later = rule(
        "new",
        &json!({"when": {"from": "2026-02-01"}, "select": {"product_ids": ["wine"]}, "action": {"type": "pin", "position": 1}}),
    );
    assert_eq!(look(later.clone()).await.unmet, Some("schedule"));
    let at = Some(noon().plus_ms(30 * 86_400_000));
    let preview =
        shop.app.preview_rule(&RuleDraft { at, ..draft(later) }, &merchandiser).await.unwrap();
    assert_eq!((preview.unmet, ids(&preview.after)[0]), (None, "wine"));
    assert_eq!(shop.app.list_rules(&merchandiser).unwrap().len(), 1, "nothing was stored");
    assert!(ids(&ask(&shop, &request).await) == ["bread", "milk", "jam"]);
}

#[tokio::test]
async fn no_product_and_no_title_is_twice_on_a_page() {
    let shop = grocer().await;
    put(
        &shop,
        "wine",
        json!({"select": {"product_ids": ["wine"]}, "action": {"type": "pin", "position": 1}}),
    )
    .await;
    let placement = |strategy, limit| RecommendRequest::new(strategy, limit);
    let placements = [
        placement(Strategy::Popular, 2),
        placement(Strategy::New, 2),
        placement(Strategy::New, 10),
    ];
    let admin = caller(Role::Admin);
    let answers = shop.app.recommend_page(&placements, &admin).await.unwrap();
    let all: Vec<&str> = answers.iter().flat_map(ids).collect();
    let unique: FxHashSet<&str> = all.iter().copied().collect();
    assert_eq!(unique.len(), all.len(), "{all:?}");
    assert!(!(unique.contains("jam") && unique.contains("jam-2")), "one title twice: {all:?}");
    assert_eq!(answers[0].recommendations[0].product_id, id("wine"), "the first may choose first");
    assert_eq!(all.len(), 5, "every title once: {all:?}");
    let many = vec![placement(Strategy::New, 1); PAGE_PLACEMENTS_MAX + 1];
    assert_eq!(
        shop.app.recommend_page(&many, &admin).await.unwrap_err().kind(),
        ErrorKind::InvalidInput
    );
}
