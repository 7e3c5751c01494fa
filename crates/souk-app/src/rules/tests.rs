#![allow(clippy::unwrap_used)]

use serde_json::{Value, json};
use souk_core::wire::json::rule_from_json;
use souk_core::{ErrorKind, SiteId};

use super::*;
use crate::test_shop::{Shop, caller, noon};
use crate::{AuditFilter, Role};

fn rule(id: &str, value: &Value) -> Rule {
    rule_from_json(value, Some(&RuleId::new(id).unwrap()), Timestamp::EPOCH).unwrap()
}

fn hide(id: &str) -> Rule {
    rule(id, &json!({"select": {"filter": "brand = 'Own'"}, "action": {"type": "hide"}}))
}

async fn put(
    shop: &Shop,
    rule: Rule,
    precondition: RulePrecondition,
) -> Result<StoredRule, AppError> {
    shop.app.put_rule(rule, precondition, &caller(Role::Merchandiser)).await
}

fn kind<T: std::fmt::Debug>(answer: Result<T, AppError>) -> ErrorKind {
    answer.unwrap_err().kind()
}

#[tokio::test]
async fn a_rule_is_changed_by_the_version_that_was_read() {
    let shop = Shop::open().await;
    let first = put(&shop, hide("a"), RulePrecondition::New).await.unwrap();
    assert_eq!(kind(put(&shop, hide("a"), RulePrecondition::New).await), ErrorKind::Conflict);
    shop.hand.fetch_add(1_000, std::sync::atomic::Ordering::SeqCst);
    let other = rule("a", &json!({"name": "Other", "action": {"type": "bury"}}));
    let second = put(&shop, other, RulePrecondition::Version(first.version)).await.unwrap();
    assert_ne!(second.version, first.version);
    assert_eq!((second.rule.created_at, second.updated_at), (noon(), noon().plus_ms(1_000)));
    let stale = put(&shop, hide("a"), RulePrecondition::Version(first.version)).await;
    assert_eq!(kind(stale), ErrorKind::Conflict);
    let analyst = caller(Role::Analyst);
    assert_eq!(shop.app.rule(&first.rule.id, &analyst).unwrap(), second);
    assert_eq!(shop.app.list_rules(&analyst).unwrap(), std::slice::from_ref(&second));
    let merchandiser = caller(Role::Merchandiser);
    let id = &first.rule.id;
    let stale = RulePrecondition::Version(first.version);
    assert_eq!(kind(shop.app.delete_rule(id, stale, &merchandiser).await), ErrorKind::Conflict);
    shop.app.delete_rule(id, RulePrecondition::Present, &merchandiser).await.unwrap();
    assert_eq!(kind(shop.app.rule(id, &analyst)), ErrorKind::NotFound);
    let gone = shop.app.delete_rule(id, RulePrecondition::Present, &merchandiser).await;
    assert_eq!(kind(gone), ErrorKind::NotFound);
    let changed = put(&shop, hide("a"), RulePrecondition::Version(second.version)).await;
    assert_eq!(kind(changed), ErrorKind::NotFound);
}

#[tokio::test]
async fn rules_survive_a_restart_and_what_cannot_be_read_is_named() {
    let shop = Shop::open().await;
    let stored = put(&shop, hide("kept"), RulePrecondition::New).await.unwrap();
    let write = Write {
        sort_key: "odd".to_owned(),
        change: WriteChange::Put { value: b"{\"v\":9}".to_vec(), expires_at: None },
        ..store::write(&hide("odd"), (noon(), Condition::Any))
    };
    shop.app.parts.tables.write(&[write], noon()).await.unwrap();
    let sites = shop.app.config.sites().collect();
    let again = Merchandising::open(&*shop.app.parts.tables, (sites, noon())).await.unwrap();
    assert_eq!(again.book().stored().collect::<Vec<_>>(), [&stored]);
    assert_eq!(again.unreadable, ["odd"]);
}

#[tokio::test]
async fn changes_are_written_into_the_audit_log() {
    let shop = Shop::open().await;
    let merchandiser = caller(Role::Merchandiser);
    put(&shop, hide("a"), RulePrecondition::New).await.unwrap();
    put(&shop, hide("a"), RulePrecondition::Present).await.unwrap();
    shop.app.put_rules(vec![hide("b"), hide("c")], &merchandiser).await.unwrap();
    let id = RuleId::new("a").unwrap();
    shop.app.delete_rule(&id, RulePrecondition::Any, &merchandiser).await.unwrap();
    let filter = AuditFilter { operation: Some("rule".to_owned()), ..AuditFilter::default() };
    let page = shop.app.audit_entries(&caller(Role::Privacy), &filter, (None, 10)).await.unwrap();
    let written: Vec<(String, Option<String>)> = page
        .items
        .into_iter()
        .rev()
        .map(|item| (item.entry.operation, item.entry.object))
        .collect();
    let named = |operation: &str, object: &str| (operation.to_owned(), Some(object.to_owned()));
    assert_eq!(
        written,
        [
            named("rule.create", "rule:a"),
            named("rule.change", "rule:a"),
            named("rule.change", "data:rules"),
            named("rule.delete", "rule:a")
        ]
    );
}

#[tokio::test]
async fn only_the_roles_of_the_table_and_the_sites_of_the_key_count() {
    let settings = "sites: [{id: us, currency: USD}, {id: de, currency: EUR}]";
    let shop = Shop::open_with(crate::Config::parse(settings, []).unwrap()).await;
    for role in [Role::Analyst, Role::StorefrontServer, Role::StorefrontBrowser, Role::Planner] {
        let denied = shop.app.put_rule(hide("a"), RulePrecondition::New, &caller(role)).await;
        assert_eq!(kind(denied), ErrorKind::Denied, "{}", role.as_str());
    }
    for role in [Role::StorefrontServer, Role::StorefrontBrowser, Role::IngestBrowser] {
        assert_eq!(kind(shop.app.list_rules(&caller(role))), ErrorKind::Denied);
    }
    let of_site = |id: &str, site: &str| {
        rule(id, &json!({"when": {"sites": [site]}, "action": {"type": "hide"}}))
    };
    let mut german = caller(Role::Merchandiser);
    german.places = Arc::new(crate::Places {
        sites: vec![SiteId::new("de").unwrap()],
        ..crate::Places::default()
    });
    let put_as =
        async |rule, caller: &Caller| shop.app.put_rule(rule, RulePrecondition::Any, caller).await;
    put_as(of_site("own", "de"), &german).await.unwrap();
    assert_eq!(kind(put_as(of_site("foreign", "us"), &german).await), ErrorKind::Denied);
    assert_eq!(kind(put_as(hide("all"), &german).await), ErrorKind::Denied);
    put_as(of_site("foreign", "us"), &caller(Role::Merchandiser)).await.unwrap();
    let seen = shop.app.list_rules(&german).unwrap();
    assert_eq!(seen.iter().map(|one| one.rule.id.as_str()).collect::<Vec<_>>(), ["own"]);
    assert_eq!(
        kind(put_as(of_site("foreign", "de"), &german).await),
        ErrorKind::Denied,
        "taken over"
    );
    assert_eq!(
        kind(put_as(of_site("x", "fr"), &caller(Role::Admin)).await),
        ErrorKind::InvalidInput
    );
    let auto = rule("x", &json!({"when": {"strategies": ["auto"]}, "action": {"type": "hide"}}));
    assert_eq!(kind(put_as(auto, &caller(Role::Admin)).await), ErrorKind::InvalidInput);
}

#[tokio::test]
async fn two_writers_of_one_version_make_one_change() {
    let shop = Shop::open().await;
    let first = put(&shop, hide("a"), RulePrecondition::New).await.unwrap();
    let change = |n: i64| rule("a", &json!({"priority": n, "action": {"type": "hide"}}));
    let version = RulePrecondition::Version(first.version);
    let (left, right) =
        tokio::join!(put(&shop, change(1), version), put(&shop, change(2), version));
    assert_eq!(usize::from(left.is_ok()) + usize::from(right.is_ok()), 1, "{left:?} {right:?}");
    let winner = left.or(right).unwrap();
    assert_eq!(shop.app.rule(&winner.rule.id, &caller(Role::Admin)).unwrap(), winner);
}
