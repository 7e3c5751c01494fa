#![allow(clippy::unwrap_used)]

use souk_app::{
    Moved, Reason, ReasonKind, RecommendAnswer, Recommendation, RuleNote, Strategy, Warning,
    WhyCause, WhyNot,
};
use souk_core::rules::RuleId;
use souk_core::{ProductId, Timestamp};

use super::{LimitBounds, RecommendBody, RecommendationsAnswer, write_answer};

const BOUNDS: LimitBounds = LimitBounds { default: 10, max: 100 };

#[test]
fn an_answer_is_json_of_the_documented_shape() {
    let rule = RuleId::new("own-brand").unwrap();
    let note = RuleNote { id: rule.clone(), name: "Own \"brand\"".to_owned(), effect: "boost" };
    let why = WhyNot {
        product_id: ProductId::new("p3").unwrap(),
        cause: WhyCause::Rule,
        detail: "hidden".to_owned(),
        rule: Some(note.clone()),
    };
    let warning = Warning {
        code: "rules_hid_everything",
        detail: "nothing was left".to_owned(),
        rules: vec![rule],
    };
    let product = Recommendation {
        product_id: ProductId::new("p\"7\\\u{1}é").unwrap(),
        rank: 1,
        score: f32::NAN,
        product: r#"{"id":"x"}"#.into(),
        reason: Reason {
            kind: ReasonKind::BoughtTogether,
            text: "Bought with \"Rye\nBread\"".to_owned(),
            evidence: vec![ProductId::new("p1").unwrap(), ProductId::new("p2").unwrap()],
        },
        moved: Some(Moved { from_rank: Some(7), rules: vec![note.clone()] }),
    };
    let answer = RecommendAnswer {
        request_id: "r-1".to_owned(),
        timestamp: Timestamp::from_ms(1_700_000_000_123).unwrap(),
        strategy: Strategy::NextBasket,
        model_version: "v".to_owned(),
        recommendations: vec![product.clone(), product],
        personalization_score: 0.5,
        explanation: Some("why".to_owned()),
        why_not: vec![why],
        warnings: vec![warning],
        holdout: None,
        marks: Vec::new(),
        signals: None,
    };
    let mut text = String::new();
    write_answer(&answer, &mut text);
    let read: RecommendationsAnswer = serde_json::from_str(&text).unwrap();
    assert_eq!(read.recommendations.len(), 2);
    let first = &read.recommendations[0];
    assert_eq!(first.product_id, "p\"7\\\u{1}é");
    assert_eq!(first.reason.text, "Bought with \"Rye\nBread\"");
    assert_eq!(first.reason.evidence, ["p1", "p2"]);
    assert_eq!(first.score, 0.0);
    assert_eq!(read.timestamp, "2023-11-14T22:13:20.123Z");
    assert_eq!(read.explanation.as_deref(), Some("why"));
    let moved = first.moved.as_ref().unwrap();
    assert_eq!((moved.from_rank, moved.rules[0].name.as_str()), (Some(7), "Own \"brand\""));
    assert_eq!(read.why_not[0].rule.as_ref().unwrap().id, "own-brand");
    assert_eq!(read.warnings[0].rules, ["own-brand"]);
}

#[test]
fn every_strategy_has_one_name_both_ways() {
    let names = [
        "auto",
        "for_you",
        "next_basket",
        "session",
        "similar",
        "bought_together",
        "buy_again",
        "recently_viewed",
        "trending",
        "popular",
        "new",
    ];
    for name in names {
        let text = format!(r#"{{"strategy":"{name}"}}"#);
        let body: RecommendBody = serde_json::from_str(&text).unwrap();
        assert_eq!(body.parse(BOUNDS).unwrap().strategy.as_str(), name);
    }
}

#[test]
fn a_whole_number_may_have_a_point() {
    let limit =
        |text: &str| serde_json::from_str::<RecommendBody>(&format!("{{\"limit\":{text}}}"));
    assert_eq!(limit("24.0").unwrap().parse(BOUNDS).unwrap().limit, 24);
    assert_eq!(limit("null").unwrap().parse(BOUNDS).unwrap().limit, 10);
    for odd in ["24.5", "-1", "1e20", "\"5\"", "true"] {
        assert!(limit(odd).is_err(), "{odd}");
    }
    assert!(limit("0").unwrap().parse(BOUNDS).is_err());
    assert!(limit("101").unwrap().parse(BOUNDS).is_err());
}

#[test]
fn an_empty_name_is_nobody() {
    let body: RecommendBody =
        serde_json::from_str(r#"{"user_id":"","anonymous_id":"","limit":100}"#).unwrap();
    let request = body.parse(BOUNDS).unwrap();
    assert_eq!((request.user_id, request.anonymous_id, request.limit), (None, None, 100));
}
