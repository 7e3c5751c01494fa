#![allow(clippy::unwrap_used)]
use super::*;
use crate::text::Language;

#[test]
fn words_are_taken_apart_by_words_that_are_there() {
    let mut lexicon = Lexicon::new(&[Language::German]);
    for word in ["schuhe", "lauf", "laufschuhe", "arbeit", "arbeitsschuhe", "hose", "laufhose"] {
        let (number, _) = lexicon.intern_word(0, word);
        lexicon.words[0].add_count(number);
    }
    let words = &lexicon.words[0];
    let term = |word: &str| words.term(words.get(word).unwrap());
    assert_eq!(split(words, "laufschuhe"), Some((term("lauf"), term("schuhe"))));
    assert_eq!(split(words, "arbeitsschuhe"), Some((term("arbeit"), term("schuhe"))));
    assert_eq!(split(words, "schuhe"), None);
    assert_eq!(split(words, "laufband"), None);
    let mut compounds = Compounds::default();
    compounds.learn(&lexicon);
    let heads = compounds.with(term("schuhe"));
    assert_eq!(heads, [(term("laufschuhe"), Part::Head), (term("arbeitsschuhe"), Part::Head)]);
    assert_eq!(compounds.with(term("lauf")).len(), 2);
}

#[test]
fn languages_that_write_words_apart_have_none() {
    let mut lexicon = Lexicon::new(&[Language::English]);
    for word in ["rain", "coat", "raincoat"] {
        lexicon.intern_word(0, word);
    }
    let mut compounds = Compounds::default();
    compounds.learn(&lexicon);
    assert!(compounds.with(Term(0)).is_empty());
}
