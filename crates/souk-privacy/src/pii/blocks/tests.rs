#![allow(clippy::unwrap_used)]

use super::super::gazetteer::Gazetteer;
use super::super::words;
use super::*;

/// The spans of a text in which they stand in brackets, `<` for addresses and `{` for names, put right.
fn tidied(marked: &str) -> Vec<(SpanClass, String)> {
    let (mut text, mut open, mut spans) = (String::new(), 0, Vec::new());
    for c in marked.chars() {
        match c {
            '<' | '{' => open = text.len(),
            '>' => spans.push((SpanClass::Address, open..text.len())),
            '}' => spans.push((SpanClass::Name, open..text.len())),
            other => text.push(other),
        }
    }
    let tokens = words::tokens(&text, &super::super::scan::forms(&text), Gazetteer::builtin());
    let spans = spans.into_iter().map(|(class, range)| {
        let first = tokens.iter().position(|token| token.end > range.start).unwrap();
        let end = tokens.iter().rposition(|token| token.begin < range.end).unwrap() + 1;
        TaggedSpan { class, tokens: first..end, score: 0.9 }
    });
    let tidy = tidy(&tokens, spans.collect());
    let shown = tidy.iter().map(|span| {
        let (first, last) = (tokens[span.tokens.start], tokens[span.tokens.end - 1]);
        (span.class, text[first.begin..last.end].to_owned())
    });
    shown.collect()
}

fn addresses(marked: &str) -> Vec<String> {
    tidied(marked).into_iter().map(|(_, text)| text).collect()
}

#[test]
fn an_address_is_whole_or_in_parts() {
    assert_eq!(
        addresses("<1600 Pennsylvania Ave NW, Washington, DC 20500>, <USA> is ours"),
        ["1600 Pennsylvania Ave NW, Washington, DC 20500, USA"]
    );
    assert_eq!(
        addresses("<12> <Długa 8\n Suite 101>\n <Gdańsk>\n <Poland> <80827>"),
        ["12", "Długa 8", "Suite 101", "Gdańsk", "Poland", "80827"]
    );
    assert_eq!(addresses("in <Paris>, <Texas> and <Rome>"), ["Paris", "Texas", "Rome"]);
    assert_eq!(addresses("<9 rue des Lilas, 69003 Lyon>"), ["9 rue des Lilas, 69003 Lyon"]);
    // A clause between two addresses keeps them apart.
    let apart = "<1 Elm St, Bath>: <2 Oak St, York, UK>";
    assert_eq!(addresses(apart), ["1 Elm St, Bath", "2 Oak St, York, UK"]);
}

#[test]
fn names_are_joined_and_places_are_no_names() {
    let name = |text: &str| (SpanClass::Name, text.to_owned());
    assert_eq!(tidied("{Miguel} {Ángel Torres} came"), [name("Miguel Ángel Torres")]);
    assert_eq!(tidied("{Ann}, {Bob}"), [name("Ann"), name("Bob")]);
    let place = (SpanClass::Address, "Bydgoszcz".to_owned());
    assert_eq!(tidied("moved to {Bydgoszcz}"), [place]);
    assert_eq!(tidied("{Jordan} called"), [name("Jordan")]);
}

#[test]
fn what_belongs_to_an_address_is_taken_and_labels_are_not() {
    assert_eq!(addresses("P.<O. Box 3344, Nairobi>"), ["P.O. Box 3344, Nairobi"]);
    assert_eq!(addresses("Suite <500, 1201 Third Avenue>"), ["Suite 500, 1201 Third Avenue"]);
    assert_eq!(addresses("<IBAN> DE89370400440532013000"), Vec::<String>::new());
    assert_eq!(addresses("at <USA> DE89370400440532013000"), ["USA"]);
}
