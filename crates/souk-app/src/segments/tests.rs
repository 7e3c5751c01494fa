#![allow(clippy::unwrap_used)]

use serde_json::{Value, json};
use souk_core::rules::{Rule, RuleId};
use souk_core::wire::json::rule_from_json;

use super::*;
use crate::people::tests::{SHOPPERS, folded, profile, shop_of};
use crate::recommend::{RecommendAnswer, RecommendRequest, RuleDraft, Strategy};
use crate::test_shop::{Shop, caller};
use crate::{ConsentUpdate, IngestCall, Role, RulePrecondition};

async fn put(shop: &Shop, key: &str, filter: &str) -> Segment {
    let segment = Segment::new(key, "", filter).unwrap();
    let merchandiser = caller(Role::Merchandiser);
    shop.app.put_segment(segment, SegmentPrecondition::New, &merchandiser).await.unwrap()
}

fn size(shop: &Shop, key: &str) -> Option<u64> {
    let main = SiteId::main();
    let sized = shop.app.segment((key, &main), &caller(Role::Analyst)).unwrap();
    sized.size.and_then(|size| size.people)
}

fn asked(key: &str, limit: usize) -> MembersAsked {
    let (key, site, traits) = (key.to_owned(), SiteId::main(), Vec::new());
    MembersAsked { key, site, limit, after: None, traits }
}

#[tokio::test]
async fn a_rule_over_profiles_is_counted_shown_and_deleted() {
    let shop = shop_of("us").await;
    put(&shop, "often", "orders >= 8 AND bought.brand = 'leaf' AND affinity.category = 'Tea'")
        .await;
    put(&shop, "biscuit-3", "bought = 'biscuit3' AND NOT rfm = 'lost'").await;
    shop.app.fit_people().await.unwrap();
    shop.app.count_segments().await;
    let mut often = 0;
    for n in 0..SHOPPERS {
        let profile = profile(&shop, &format!("u{n}")).await;
        let is_in = profile.segments.contains(&"often".to_owned());
        let orders = profile.orders.unwrap().count;
        // Whether tea counts as an affinity hangs on what else they bought.
        let categories = profile.categories.value.unwrap();
        let tea = categories.iter().find(|one| one.name == "Drinks > Tea").unwrap();
        assert_eq!(is_in, orders >= 8 && tea.is_affinity, "u{n}");
        often += u64::from(is_in);
    }
    assert!(often >= 20, "{often}");
    assert_eq!(size(&shop, "often"), Some(often - often % 20), "in steps of twenty");
    // Twelve buy this biscuit: too few to be counted.
    assert_eq!(size(&shop, "biscuit-3"), None);
    let of_all: u64 = souk_recommend::lifetime::rfm::RfmName::ALL
        .iter()
        .filter_map(|name| size(&shop, name.as_str()))
        .sum();
    assert!((40..=SHOPPERS as u64).contains(&of_all), "{of_all}");
    shop.app.delete_segment("often", &caller(Role::Merchandiser)).await.unwrap();
    let gone = shop.app.segment(("often", &SiteId::main()), &caller(Role::Analyst)).unwrap_err();
    assert!(matches!(gone, AppError::NotFound { .. }), "{gone}");
    let built_in = shop.app.delete_segment("lost", &caller(Role::Admin)).await.unwrap_err();
    assert!(matches!(built_in, AppError::Conflict(_)), "{built_in}");
}

#[test]
fn a_wrong_segment_says_where_it_is_wrong() {
    let fault = |filter: &str| Segment::new("s", "", filter).unwrap_err().to_string();
    let unknown = fault("orders >= 3 AND price > 5");
    assert!(unknown.starts_with("filter, character 17: there is no field `price`"), "{unknown}");
    assert!(unknown.contains("days_since_order"), "{unknown}");
    assert!(fault("orders >=").contains("character 10"), "{}", fault("orders >="));
    assert!(fault("orders > 'x'").contains("character 10"), "{}", fault("orders > 'x'"));
    assert!(Segment::new("two words", "", "orders = 1").is_err());
    assert!(Segment::new("s", &"x".repeat(300), "orders = 1").is_err());
}

#[tokio::test]
async fn segments_survive_a_restart_and_keys_are_taken_once() {
    let shop = shop_of("us").await;
    let first = put(&shop, "vip", "spend > 100").await;
    let again = Segment::new("vip", "", "spend > 1").unwrap();
    let merchandiser = caller(Role::Merchandiser);
    let taken = shop
        .app
        .put_segment(again.clone(), SegmentPrecondition::New, &merchandiser)
        .await
        .unwrap_err();
    assert!(matches!(taken, AppError::Conflict(_)), "{taken}");
    let replaced =
        shop.app.put_segment(again, SegmentPrecondition::Any, &merchandiser).await.unwrap();
    assert_eq!((replaced.created_at, replaced.filter.as_str()), (first.created_at, "spend > 1"));
    let now = shop.app.clock.now();
    let opened = Segments::open(&*shop.app.parts.tables, now).await.unwrap();
    assert_eq!(opened.book().find("vip"), Some(&replaced));
    for role in [Role::Analyst, Role::StorefrontServer, Role::Privacy] {
        let segment = Segment::new("x", "", "orders = 1").unwrap();
        let put = shop.app.put_segment(segment, SegmentPrecondition::Any, &caller(role)).await;
        assert!(matches!(put, Err(AppError::Denied { .. })), "{}", role.as_str());
    }
}

#[tokio::test]
async fn members_are_those_who_allow_marketing_and_every_look_is_written_down() {
    let shop = shop_of("us").await;
    let admin = caller(Role::Admin);
    put(&shop, "tea", "bought = 'tea'").await;
    let identify = json!({"type": "identify", "userId": "u7", "messageId": "i7",
        "traits": {"email": "seven@example.com", "plan": "gold"}});
    shop.send(Role::IngestServer, IngestCall::Batch, json!({"batch": [identify]})).await;
    folded(&shop).await;
    let denied = [Purpose::Marketing].into_iter().collect();
    let update = ConsentUpdate { denied, ..ConsentUpdate::default() };
    shop.app.change_consents(("u3", &SiteId::main()), update, &admin).await.unwrap();
    let denied = [Purpose::Personalization].into_iter().collect();
    let update = ConsentUpdate { denied, ..ConsentUpdate::default() };
    shop.app.change_consents(("u4", &SiteId::main()), update, &admin).await.unwrap();
    let (mut all, mut asked_for) = (Vec::new(), asked("tea", 50));
    let mut pages = 0;
    loop {
        let page = shop.app.segment_members(&asked_for, &admin).await.unwrap();
        pages += 1;
        all.extend(page.members.into_iter().map(|member| member.subject));
        asked_for.after = page.next;
        if page.next.is_none() {
            break;
        }
    }
    all.sort_unstable();
    all.dedup();
    assert_eq!((all.len(), pages), (SHOPPERS - 2, 3));
    // Traits are told by name alone.
    let asked_for = MembersAsked { traits: vec!["email".to_owned()], ..asked("tea", 100) };
    let page = shop.app.segment_members(&asked_for, &admin).await.unwrap();
    let told: Vec<_> = page.members.iter().filter(|member| !member.traits.is_empty()).collect();
    assert_eq!(told.len(), 1);
    assert_eq!(Value::Object(told[0].traits.clone()), json!({"email": "seven@example.com"}));
    let filter = crate::AuditFilter {
        operation: Some("segment.members".to_owned()),
        ..crate::AuditFilter::default()
    };
    let entries = shop.app.audit_entries(&admin, &filter, (None, 100)).await.unwrap().items;
    assert_eq!(entries.len(), 4);
    assert!(format!("{:?}", entries[0]).contains("tea"));
    for role in [Role::Merchandiser, Role::Analyst, Role::Privacy, Role::StorefrontServer] {
        let page = shop.app.segment_members(&asked("tea", 10), &caller(role)).await;
        assert!(matches!(page, Err(AppError::Denied { .. })), "{}", role.as_str());
    }
    let large = shop.app.segment_members(&asked("tea", 1_001), &admin).await.unwrap_err();
    assert!(matches!(large, AppError::Invalid { .. }), "{large}");
}

fn rule(id: &str, value: &Value) -> Rule {
    rule_from_json(value, Some(&RuleId::new(id).unwrap()), Timestamp::EPOCH).unwrap()
}

async fn ask(shop: &Shop, user: Option<&str>) -> RecommendAnswer {
    let mut request = RecommendRequest::new(Strategy::Popular, 5);
    request.user_id = user.map(str::to_owned);
    request.explain = true;
    shop.app.recommend(&request, &caller(Role::StorefrontServer)).await.unwrap()
}

#[tokio::test]
async fn a_rule_holds_for_a_segment_alone() {
    let shop = shop_of("us").await;
    let merchandiser = caller(Role::Merchandiser);
    put(&shop, "regulars", "orders >= 20").await;
    let shown = rule(
        "coffee-first",
        &json!({"when": {"segments": ["regulars"]},
        "select": {"product_ids": ["coffee"]}, "action": {"type": "pin", "position": 1}}),
    );
    // A rule that is tried says what does not fit.
    let draft = |user: &str| {
        let mut request = RecommendRequest::new(Strategy::Popular, 5);
        request.user_id = Some(user.to_owned());
        RuleDraft { rule: shown.clone(), request, at: None }
    };
    // Who previews speaks for any shopper: the shop's own admin.
    let admin = caller(Role::Admin);
    let regular = shop.app.preview_rule(&draft("u0"), &admin).await.unwrap();
    assert_eq!((regular.unmet, regular.moves.is_empty()), (None, false));
    let rare = shop.app.preview_rule(&draft("u39"), &admin).await.unwrap();
    assert_eq!((rare.unmet, rare.moves.is_empty()), (Some("segments"), true));

    let stored = shop.app.put_rule(shown.clone(), RulePrecondition::New, &merchandiser).await;
    assert!(stored.is_ok(), "{stored:?}");
    let first = |answer: &RecommendAnswer| answer.recommendations[0].product_id.to_string();
    let regular = ask(&shop, Some("u0")).await;
    assert_eq!(first(&regular), "coffee");
    assert!(regular.explanation.unwrap().ends_with("rules ask for: regulars"));
    for user in [Some("u39"), Some("nobody"), None] {
        let answer = ask(&shop, user).await;
        assert_ne!(first(&answer), "coffee", "{user:?}");
        assert!(!answer.explanation.unwrap().contains("rules ask for"));
    }
    // Somebody who does not allow personalization is in no segment, from the next request on.
    let denied = [Purpose::Personalization].into_iter().collect();
    let update = ConsentUpdate { denied, ..ConsentUpdate::default() };
    shop.app.change_consents(("u0", &SiteId::main()), update, &admin).await.unwrap();
    assert_ne!(first(&ask(&shop, Some("u0")).await), "coffee");
    // A segment that a rule asks for stays; a rule needs one that is there.
    let asked_for = shop.app.delete_segment("regulars", &merchandiser).await.unwrap_err();
    assert!(asked_for.to_string().contains("coffee-first"), "{asked_for}");
    let unknown =
        rule("r", &json!({"when": {"segments": ["nothing"]}, "action": {"type": "hide"}}));
    let unknown =
        shop.app.put_rule(unknown, RulePrecondition::New, &merchandiser).await.unwrap_err();
    assert!(unknown.to_string().contains("no segment `nothing`"), "{unknown}");
}

/// Each field is told in the documentation, in the order in which it is listed.
#[test]
fn every_field_is_documented() {
    let text = include_str!("../../../../docs/profiles.md");
    for (name, _, meaning) in crate::people::fields::FIELDS {
        let row = format!("| `{name}` | {meaning} |");
        assert!(text.contains(&row), "docs/profiles.md lacks the line {row}");
    }
}
