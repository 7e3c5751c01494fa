//! Which word of a query says what is looked for: `case` in `iphone 7 case` and in `case for iphone 7`.

use super::QueryWord;
use crate::document::CATEGORY_TREE;
use crate::index::SearchIndex;
use crate::text::{HeadSide, TokenKind};

/// The place of the word that says what is looked for; none in a language whose order is not known.
///
/// It is the last word of the first phrase (the first one in Spanish and French) that is no number, no
/// brand and no colour, unless there are only such.
pub(super) fn head_of(index: &SearchIndex, words: &[QueryWord], language: usize) -> Option<usize> {
    let language = index.lexicon.words[language].language();
    let side = language.head_side()?;
    let opens = |place: &usize| language.opens_aside(&words[*place].text);
    let end = (1..words.len()).find(opens).unwrap_or(words.len());
    let is_telling = |place: &usize| {
        let word = &words[*place];
        word.kind == TokenKind::Word
            && word.text.chars().nth(1).is_some()
            && !language.is_stop_word(&word.text)
    };
    let telling: Vec<usize> = (0..end).filter(is_telling).collect();
    let things = telling.iter().copied().filter(|place| !is_name(index, &words[*place].text));
    let things: Vec<usize> = things.collect();
    let among = if things.is_empty() { &telling } else { &things };
    match side {
        HeadSide::Last => among.last(),
        HeadSide::First => among.first(),
    }
    .copied()
}

/// Whether a word is a brand or a colour.
fn is_name(index: &SearchIndex, word: &str) -> bool {
    let is_category = |field: u16| index.lexicon.fields.text(u32::from(field)) == CATEGORY_TREE;
    let fields = index.names.fields().iter().copied().filter(|field| !is_category(*field));
    fields.into_iter().any(|field| !index.names.find(field, word).is_empty())
}
