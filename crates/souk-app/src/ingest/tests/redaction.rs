//! Personal data in texts does not reach the log.

use crate::config::{Config, PiiPolicy, PiiSettings};
use crate::ingest::IncomingFact;
use crate::ingest::redact::Redactor;

fn redactor(settings: &PiiSettings) -> Redactor {
    Redactor::new(settings, [5; 32]).unwrap()
}

fn query(text: &str) -> String {
    let mut fact = IncomingFact::Searched { query: text.into() };
    redactor(&PiiSettings::default()).apply(&mut fact);
    let IncomingFact::Searched { query } = fact else { unreachable!("as made above") };
    query.into()
}

fn properties(json: &str) -> String {
    let mut fact = IncomingFact::Custom { name: "Anything".into(), properties: Some(json.into()) };
    redactor(&PiiSettings::default()).apply(&mut fact);
    let IncomingFact::Custom { properties, .. } = fact else { unreachable!("as made above") };
    properties.unwrap().into()
}

fn traits(json: &str) -> String {
    let mut fact = IncomingFact::Identified { traits: Some(json.into()) };
    redactor(&PiiSettings::default()).apply(&mut fact);
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
    redactor(&settings).apply(&mut fact);
    assert_eq!(fact, IncomingFact::Searched { query: " 4111111111111111".into() });
}

#[test]
fn kind_that_there_is_not_is_refused() {
    let error = Config::parse("privacy: {pii: {kinds: {E_MAIL: mask}}}", Vec::new()).unwrap_err();
    assert!(error.to_string().contains("E_MAIL"), "{error}");
}
