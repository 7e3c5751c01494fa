//! Where a text has the words that were looked for.

use std::ops::Range;

use crate::index::SearchIndex;
use crate::lexicon::Term;
use crate::query::words_of;
use crate::request::Typing;
use crate::text::{Language, Tokens};

/// The words of one query, to be found in the texts of its hits.
#[derive(Debug)]
pub struct Highlighter<'a> {
    index: &'a SearchIndex,
    terms: Vec<Term>,
    /// The beginning of a word that is still being typed.
    beginning: Option<String>,
}

impl SearchIndex {
    /// For texts of products that answer `query`: what was typed or, where that was corrected, what it was read as.
    pub fn highlighter(
        &self,
        query: &str,
        (language, typing): (Language, Typing),
    ) -> Highlighter<'_> {
        let words = words_of(query);
        let beginning = words.last().filter(|_| typing == Typing::Going);
        let beginning = beginning.map(|word| word.text.clone());
        let language = self.settings.languages.iter().position(|known| *known == language);
        let known = &self.lexicon.words[language.unwrap_or(0)];
        let term = |text: &str| match known.get(text) {
            Some(word) => Some(known.term(word)),
            // An inflection that no product has.
            None => self.lexicon.terms.get(&known.language().stem(text)).map(Term),
        };
        let terms = words.iter().filter_map(|word| term(&word.text)).collect();
        Highlighter { index: self, terms, beginning }
    }
}

impl Highlighter<'_> {
    /// The places of the query's words in a text, in bytes, rising; inflections of a word count as the word.
    pub fn find(&self, text: &str) -> Vec<Range<usize>> {
        let mut tokens = Tokens::default();
        words(text).filter(|range| self.is_meant(&text[range.clone()], &mut tokens)).collect()
    }

    fn is_meant(&self, word: &str, tokens: &mut Tokens) -> bool {
        tokens.read(word);
        tokens.all().iter().any(|token| {
            let text = tokens.text(token);
            let begins = self.beginning.as_ref().is_some_and(|begin| text.starts_with(&**begin));
            begins || self.has(text)
        })
    }

    fn has(&self, text: &str) -> bool {
        let of_language = |words: &crate::lexicon::Words| {
            words.get(text).is_some_and(|word| self.terms.contains(&words.term(word)))
        };
        self.index.lexicon.words.iter().any(of_language)
    }
}

/// Runs of letters and digits.
fn words(text: &str) -> impl Iterator<Item = Range<usize>> + '_ {
    let mut rest = 0;
    std::iter::from_fn(move || {
        let start = rest + text[rest..].find(char::is_alphanumeric)?;
        let length = text[start..].find(|letter: char| !letter.is_alphanumeric());
        rest = length.map_or(text.len(), |length| start + length);
        Some(start..rest)
    })
}

#[cfg(test)]
mod tests;
