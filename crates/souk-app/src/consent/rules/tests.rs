#![allow(clippy::unwrap_used)]

use souk_core::{Purpose, Purposes, SiteId};
use souk_privacy::consent::Mechanism;

use super::*;
use crate::consent::preferences;

fn rules(settings: &str) -> ConsentRules {
    ConsentRules::of(&Config::parse(settings, []).unwrap()).unwrap()
}

fn mechanism(rules: &ConsentRules, site: &str, purpose: Purpose) -> Mechanism {
    rules.place(&SiteId::new(site).unwrap()).regime.of(purpose)
}

#[test]
fn a_site_s_jurisdiction_wins_over_the_default_and_none_asks() {
    let unset = rules("");
    assert_eq!(mechanism(&unset, "main", Purpose::Marketing), Mechanism::OptIn);
    assert_eq!(unset.place(&SiteId::main()).jurisdiction, None);
    let text = "sites: [{id: ca, jurisdiction: us-ca}, {id: de}, {id: br, jurisdiction: br}]\n\
                privacy:\n  default_jurisdiction: de\n  jurisdictions: {br: {analytics: notice}}\n";
    let rules = rules(text);
    let of = |site, purpose| mechanism(&rules, site, purpose);
    assert_eq!(of("ca", Purpose::ModelTraining), Mechanism::OptOut);
    assert_eq!(of("de", Purpose::ModelTraining), Mechanism::OptIn);
    assert_eq!(of("br", Purpose::Analytics), Mechanism::Notice);
    assert_eq!(of("br", Purpose::Personalization), Mechanism::OptIn);
    assert_eq!(of("unknown", Purpose::Personalization), Mechanism::OptIn);
}

#[test]
fn an_unknown_jurisdiction_is_refused_by_name() {
    let error = Config::parse("privacy: {default_jurisdiction: atlantis}", []).unwrap_err();
    let text = error.to_string();
    assert!(text.contains("privacy.default_jurisdiction") && text.contains("atlantis"), "{text}");
}

#[test]
fn the_digest_tells_what_changes_the_meaning_of_the_log() {
    let us = rules("privacy: {default_jurisdiction: us}").digest();
    assert_eq!(us, rules("privacy: {default_jurisdiction: us, gpc_withholds: []}").digest());
    assert_ne!(us, rules("privacy: {default_jurisdiction: eu}").digest());
    let noticed = rules("privacy: {default_jurisdiction: us, notices: [{version: a}]}");
    assert_ne!(us, noticed.digest());
}

#[test]
fn a_banner_s_categories_become_purposes_and_a_no_counts() {
    let rules = rules("");
    let text = r#"{"categoryPreferences": {"ADVERTISING": true, "analytics": false,
        "Functional": true, "C0003": false, "Unknown": true, "DataSharing": "yes"}}"#;
    let (granted, denied) = preferences(text, &rules);
    let set = |purposes: &[Purpose]| purposes.iter().copied().collect::<Purposes>();
    assert_eq!(granted, set(&[Purpose::Marketing]));
    assert_eq!(denied, set(&[Purpose::Analytics, Purpose::Personalization]));
    for odd in ["7", "[]", r#"{"categoryPreferences": 3}"#, "null"] {
        assert_eq!(preferences(odd, &rules), (Purposes::NONE, Purposes::NONE), "{odd}");
    }
}
