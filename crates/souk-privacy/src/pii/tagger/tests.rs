#![allow(clippy::unwrap_used)]

use super::super::gazetteer::Gazetteer;
use super::super::words::tokens;
use super::signals::live_tokens;

/// The words of a text whose signals are looked at.
fn live(text: &str) -> Vec<&str> {
    let tokens = tokens(text, &[], Gazetteer::builtin());
    let live = live_tokens(&tokens);
    tokens.iter().zip(live).filter(|(_, live)| *live).map(|(t, _)| &text[t.begin..t.end]).collect()
}

#[test]
fn everyday_words_cost_no_look() {
    assert_eq!(
        live("I ordered the blue jacket and it is not here yet. The colour is great."),
        [""; 0]
    );
    assert_eq!(live("it is not here yet, can you help me with this"), [""; 0]);
}

#[test]
fn what_may_be_a_name_or_an_address_is_looked_at_with_its_neighbours() {
    for (text, want) in [
        ("please ask for Anna about this order", vec!["ask", "for", "Anna", "about", "this"]),
        (
            "meet me at the corner of Elm and Oak",
            vec!["at", "the", "corner", "of", "Elm", "and", "Oak"],
        ),
        ("it is for yulan and for me", vec!["is", "for", "yulan", "and", "for"]),
        ("is it 12 or more then", vec!["is", "it", "12", "or", "more"]),
    ] {
        assert_eq!(live(text), want, "{text}");
    }
}
