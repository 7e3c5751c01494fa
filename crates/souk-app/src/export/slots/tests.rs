#![allow(clippy::unwrap_used)]

use serde_json::Value;
use souk_core::{Action, Marks, ProductId, ProductMark, ProductMention, Purposes, SiteId, Source};

use super::*;

const HOUR_MS: i64 = 3_600_000;

fn at(hours: i64) -> Timestamp {
    Timestamp::EPOCH.plus_ms((400 * 24 + hours) * HOUR_MS)
}

fn event(hours: i64, fact: Fact) -> Event {
    Event {
        at: at(hours),
        site: SiteId::main(),
        channel: None,
        source: Source::Browser,
        message_id: None,
        withheld: Purposes::NONE,
        fact,
    }
}

fn answer(hours: i64, name: &str, products: &[&str]) -> Event {
    let marks = products.iter().map(|product| ProductMark {
        propensity: Propensity::new(if *product == "c" { 0.25 } else { 1.0 }),
        is_explored: *product == "c",
        team: None,
    });
    let marks = Marks { products: marks.collect(), ..Marks::default() };
    let products = products.iter().map(|id| ProductId::new(*id).unwrap()).collect();
    event(
        hours,
        Fact::Impressions(Impressions {
            request_id: name.into(),
            placement: Some("home".into()),
            strategy: "popular".into(),
            products,
            marks,
        }),
    )
}

fn act(hours: i64, action: Action, (product, answer): (&str, Option<&str>)) -> Event {
    let product = ProductId::new(product).unwrap();
    let mention = ProductMention { product, variant: None, quantity: None, price: None };
    event(
        hours,
        Fact::Interaction(Interaction {
            action,
            products: vec![mention],
            request_id: answer.map(Into::into),
            extra: None,
        }),
    )
}

/// What is written of a log: each record is received when it happened.
fn written(log: &[(u8, Event)]) -> Vec<Value> {
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("slots.jsonl");
    let mut file = ExportFile::create(&path, FIELDS).unwrap();
    let mut slots = Slots::default();
    for (person, event) in log {
        slots.take((SubjectId([*person; 16]), event.at), event, &mut file).unwrap();
    }
    slots.finish(&mut file).unwrap();
    file.finish().unwrap();
    assert!(slots.answers.is_empty() && slots.shown.is_empty(), "nothing is kept");
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Which slots were clicked: the answer and the product.
fn clicked(rows: &[Value]) -> Vec<(&str, &str)> {
    let of = |row: &'_ &Value| row["reward"] == 1;
    let rows = rows.iter().filter(of);
    rows.map(|row| (row["answer_id"].as_str().unwrap(), row["product_id"].as_str().unwrap()))
        .collect()
}

#[test]
fn a_row_for_each_place_says_how_likely_it_was() {
    let rows = written(&[(1, answer(0, "r1", &["a", "c"]))]);
    let places: Vec<_> = rows.iter().map(|row| row["place"].as_u64().unwrap()).collect();
    assert_eq!(places, [1, 2]);
    assert_eq!((&rows[1]["propensity"], &rows[1]["explored"]), (&json!(0.25), &json!(true)));
    assert_eq!((&rows[0]["propensity"], &rows[0]["reward"]), (&json!(1.0), &json!(0)));
    assert_eq!((&rows[0]["placement"], &rows[0]["strategy"]), (&json!("home"), &json!("popular")));
}

#[test]
fn a_click_is_owed_to_the_answer_that_it_names_or_to_the_last_that_showed_the_product() {
    let rows = written(&[
        (1, answer(0, "r1", &["a", "b"])),
        (1, answer(2, "r2", &["a", "c"])),
        (2, answer(2, "other", &["a", "b"])),
        (1, act(3, Action::Viewed, ("a", None))),
        (1, act(3, Action::AddedToCart, ("b", None))),
        (1, act(4, Action::Clicked, ("a", Some("r1")))),
        (1, act(4, Action::ListViewed, ("c", Some("r2")))),
        // Nobody was shown it, and the shop's page says nothing of an answer.
        (2, act(4, Action::Viewed, ("c", None))),
    ]);
    assert_eq!(rows.len(), 6);
    assert_eq!(clicked(&rows), [("r1", "a"), ("r1", "b"), ("r2", "a")]);
}

#[test]
fn a_day_later_nothing_is_owed_and_what_was_shown_may_be_written_after_the_click() {
    let rows = written(&[
        // The click reached the log first, though it came second.
        (1, act(1, Action::Viewed, ("a", None))),
        (1, Event { at: at(0), ..answer(1, "late", &["a"]) }),
        (1, answer(30, "r2", &["b"])),
        (1, act(53, Action::Viewed, ("b", None))),
        (1, answer(60, "r3", &["b"])),
        (1, act(85, Action::Viewed, ("b", None))),
        (1, answer(200, "r4", &["b"])),
    ]);
    assert_eq!(clicked(&rows), [("late", "a"), ("r2", "b")]);
}

#[test]
fn years_of_imported_acts_are_not_kept() {
    let folder = tempfile::TempDir::new().unwrap();
    let mut file = ExportFile::create(&folder.path().join("slots.jsonl"), FIELDS).unwrap();
    let mut slots = Slots::default();
    for (received, n_kept) in [(100, 0), (3, 1)] {
        let view = act(2, Action::Viewed, ("a", None));
        slots.take((SubjectId([1; 16]), at(received)), &view, &mut file).unwrap();
        assert_eq!(slots.acts.len(), n_kept);
    }
}
