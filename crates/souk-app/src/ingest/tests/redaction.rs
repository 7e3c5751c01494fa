//! Personal data in texts does not reach the log.

use serde_json::json;
use std::future::Future as _;

use crate::config::{Config, PiiPolicy, PiiSettings};
use crate::ingest::IncomingFact;
use crate::ingest::redact::{Pass, Redactor};
use crate::test_shop::Shop;
use crate::{IngestCall, Role};

fn redactor(settings: &PiiSettings) -> Redactor {
    Redactor::new(settings, [5; 32]).unwrap()
}

fn query(text: &str) -> String {
    let mut fact = IncomingFact::Searched { query: text.into() };
    redactor(&PiiSettings::default()).apply(&mut fact, &mut Pass::new(None));
    let IncomingFact::Searched { query } = fact else { unreachable!("as made above") };
    query.into()
}

fn properties(json: &str) -> String {
    let mut fact = IncomingFact::Custom { name: "Anything".into(), properties: Some(json.into()) };
    redactor(&PiiSettings::default()).apply(&mut fact, &mut Pass::new(None));
    let IncomingFact::Custom { properties, .. } = fact else { unreachable!("as made above") };
    properties.unwrap().into()
}

fn traits(json: &str) -> String {
    let mut fact = IncomingFact::Identified { traits: Some(json.into()) };
    redactor(&PiiSettings::default()).apply(&mut fact, &mut Pass::new(None));
    let IncomingFact::Identified { traits } = fact else { unreachable!("as made above") };
    traits.unwrap().into()
}

#[test]
fn query_loses_persons_and_keeps_products() {
    assert_eq!(query("where is my order jane.roe@example.org"), "where is my order [EMAIL]");
    assert_eq!(query("4111 1111 1111 1111 gift card"), "[CREDIT_DEBIT_NUMBER] gift card");
    for shop in
        ["iphone 14 128gb", "paul smith shirt", "1.5 l milk", "4006381333931", "paris perfume"]
    {
        assert_eq!(query(shop), shop);
    }
}

#[test]
fn property_loses_persons_wherever_they_stand() {
    assert_eq!(
        properties(
            r#"{"sku":"4006381333931","ask":["mail jane@example.org"],"deep":{"card":4111111111111111}}"#
        ),
        r#"{"sku":"4006381333931","ask":["mail [EMAIL]"],"deep":{"card":"[CREDIT_DEBIT_NUMBER]"}}"#
    );
    assert_eq!(
        properties(r#"{"ask":"jane\u0040example.org"}"#),
        r#"{"ask":"[EMAIL]"}"#,
        "escaped all the same"
    );
    let untouched = r#"{"price":12.50,"color":"Paris Blue","n":1e3}"#;
    assert_eq!(properties(untouched), untouched, "byte for byte");
}

#[test]
fn review_loses_names_and_addresses() {
    let clean = properties(
        r#"{"review_body":"My name is Sarah Miller and I live at 12 Oak Street, Denver, CO 80202."}"#,
    );
    assert!(!clean.contains("Sarah") && !clean.contains("Oak Street"), "{clean}");
    let title = properties(r#"{"title":"Sarah Miller edition"}"#);
    assert_eq!(title, r#"{"title":"Sarah Miller edition"}"#);
}

#[test]
fn traits_that_say_who_it_is_stay() {
    assert_eq!(
        traits(r#"{"email":"jane@example.org","firstName":"Jane","remark":"or jane@example.com"}"#),
        r#"{"email":"jane@example.org","firstName":"Jane","remark":"or [EMAIL]"}"#
    );
}

#[test]
fn policy_of_a_kind_wins() {
    let mut settings = PiiSettings { policy: PiiPolicy::Keep, ..PiiSettings::default() };
    settings.kinds.insert("EMAIL".to_owned(), PiiPolicy::Drop);
    let mut fact = IncomingFact::Searched { query: "jane@example.org 4111111111111111".into() };
    redactor(&settings).apply(&mut fact, &mut Pass::new(None));
    assert_eq!(fact, IncomingFact::Searched { query: " 4111111111111111".into() });
}

#[test]
fn nobody_s_data_is_masked_instead_of_tokenised() {
    let settings = PiiSettings { policy: PiiPolicy::Tokenise, ..PiiSettings::default() };
    let mut fact = IncomingFact::Searched { query: "jane@example.org".into() };
    redactor(&settings).apply(&mut fact, &mut Pass::new(None));
    assert_eq!(fact, IncomingFact::Searched { query: "[EMAIL]".into() });
}

/// How often a request lets others have their turn while a batch is taken in.
async fn turns_given(batch: serde_json::Value) -> usize {
    let shop = Shop::open().await;
    let mut sending = std::pin::pin!(shop.send(Role::IngestServer, IngestCall::Batch, batch));
    let mut turns = 0;
    let answer = std::future::poll_fn(|context| {
        let polled = sending.as_mut().poll(context);
        turns += usize::from(polled.is_pending());
        polled
    })
    .await;
    assert!(answer.accepted > 0 && answer.rejected.is_empty(), "{answer:?}");
    turns
}

/// A batch of 440 KB is fewer events than are read at once, and yet holds a thread for no more than one of them.
#[tokio::test]
async fn a_batch_of_long_texts_lets_others_have_their_turn() {
    let of = |name: &str| {
        let text = "My name is Sarah Miller and I live at 12 Oak Street, Denver. ".repeat(360);
        let event =
            json!({"type": "track", "userId": "u", "event": "Asked", "properties": {name: text}});
        json!({"batch": vec![event; 20]})
    };
    let (prose, nothing) = (
        turns_given(of("message")).await,
        turns_given(json!({"batch": [
        {"type": "track", "userId": "u", "event": "Asked"}]}))
        .await,
    );
    assert!(prose >= nothing + 15, "{prose} turns, {nothing} without texts");
    let terse = turns_given(of("other")).await;
    assert!(terse >= nothing + 8, "{terse} turns, {nothing} without texts");
}

#[test]
fn kind_that_there_is_not_is_refused() {
    let error = Config::parse("privacy: {pii: {kinds: {E_MAIL: mask}}}", Vec::new()).unwrap_err();
    assert!(error.to_string().contains("E_MAIL"), "{error}");
}
