//! How the words of a title stand in it: which say what the thing is, and which what it is for.
//!
//! `AC Power Adapter for select laptops` is an adapter. A word that closes a phrase is its head in
//! languages that put the head last; what follows `for`, `with` and the like is an aside. No grammar: only
//! the words around and what stands between them.

use crate::text::{Gap, Language, TokenKind};

/// A word of a title as it is kept: its number in the first language's words, and how it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TitleWord(pub(crate) u32);

const CLOSES: u32 = 1 << 31;
const ASIDE: u32 = 1 << 30;
/// The greatest number of a word.
pub(crate) const NUMBER_MAX: u32 = ASIDE - 1;

impl TitleWord {
    /// The word's number.
    #[inline]
    pub(crate) fn number(self) -> u32 {
        self.0 & NUMBER_MAX
    }

    /// Whether its phrase ends with it.
    #[inline]
    pub(crate) fn closes(self) -> bool {
        self.0 & CLOSES != 0
    }

    /// Whether it stands after `for` or the like.
    #[inline]
    pub(crate) fn is_aside(self) -> bool {
        self.0 & ASIDE != 0
    }

    /// The same word under another number.
    pub(crate) fn renumbered(self, number: u32) -> TitleWord {
        TitleWord(number | self.0 & (CLOSES | ASIDE))
    }
}

/// A word of a title as it is read.
#[derive(Clone, Copy, Debug)]
struct Read {
    number: u32,
    kind: TokenKind,
    gap: Gap,
    is_aside: bool,
    /// It opens an aside, or says nothing.
    is_small: bool,
}

/// Takes the words of one title after another.
#[derive(Debug, Default)]
pub(crate) struct TitleReader {
    words: Vec<Read>,
    is_aside: bool,
}

impl TitleReader {
    pub(crate) fn clear(&mut self) {
        self.words.clear();
        self.is_aside = false;
    }

    /// Whether a word that comes next after `gap` would be in an aside.
    pub(crate) fn is_aside_after(&mut self, gap: Gap) -> bool {
        if gap == Gap::Dash {
            self.is_aside = false;
        }
        self.is_aside
    }

    /// Takes the next word.
    pub(crate) fn push(
        &mut self,
        (text, number): (&str, u32),
        (kind, gap): (TokenKind, Gap),
        language: Language,
    ) {
        let opens = language.opens_aside(text);
        let is_aside = self.is_aside_after(gap);
        let is_small = opens || language.is_stop_word(text);
        self.words.push(Read { number: number.min(NUMBER_MAX), kind, gap, is_aside, is_small });
        // A title that begins so says what it is after that.
        self.is_aside |= opens && self.words.len() > 1;
    }

    /// The words as they are kept; colours may follow a head without being one.
    pub(crate) fn finish(&self, colours: &[u32], out: &mut Vec<u32>) {
        out.extend(self.words.iter().enumerate().map(|(idx, word)| {
            let rest = &self.words[idx + 1..];
            let is_more = |next: &Read| next.gap != Gap::None || !colours.contains(&next.number);
            let ends = |at: usize| {
                let next = &rest[at];
                next.gap.ends_phrase(rest.get(at + 1).map(|next| next.gap))
                    || next.gap == Gap::None && (next.kind != TokenKind::Word || next.is_small)
            };
            let closes = word.kind == TokenKind::Word
                && !word.is_small
                && rest.iter().position(is_more).is_none_or(ends);
            let closes = if closes { CLOSES } else { 0 };
            let aside = if word.is_aside { ASIDE } else { 0 };
            word.number | closes | aside
        }));
    }
}

#[cfg(test)]
mod tests;
