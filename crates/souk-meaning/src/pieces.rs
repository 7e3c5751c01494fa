//! Texts as BERT takes them apart: lower case, without accents, words and punctuation, then the longest
//! known pieces from the left (Devlin et al. 2018, "BERT"; `WordPiece` in its code).

use std::path::Path;

use rustc_hash::FxHashMap;
use unicode_normalization::UnicodeNormalization;
use unicode_properties::{GeneralCategory, GeneralCategoryGroup, UnicodeGeneralCategory};

use crate::file::{WeightsError, read, shown};

/// A longer word is unknown without a look.
const WORD_CHARS_MAX: usize = 100;

/// The pieces that a model knows.
#[derive(Debug)]
pub(crate) struct Pieces {
    numbers: FxHashMap<String, u32>,
    first: u32,
    last: u32,
    unknown: u32,
}

impl Pieces {
    /// Reads a vocabulary, a piece a line.
    pub(crate) fn read(path: &Path) -> Result<Pieces, WeightsError> {
        let wrong = |reason: &str| WeightsError::Wrong { file: shown(path), reason: reason.into() };
        let text = String::from_utf8(read(path)?).map_err(|_| wrong("it is not UTF-8"))?;
        Pieces::from_pieces(text.lines().zip(0..)).map_err(|missing| wrong(&missing))
    }

    /// Takes pieces with their numbers.
    pub(crate) fn from_pieces<'a>(
        pieces: impl Iterator<Item = (&'a str, u32)>,
    ) -> Result<Pieces, String> {
        let numbers: FxHashMap<String, u32> =
            pieces.map(|(piece, number)| (piece.to_owned(), number)).collect();
        let find = |piece: &str| {
            numbers.get(piece).copied().ok_or_else(|| format!("`{piece}` is missing"))
        };
        let (first, last, unknown) = (find("[CLS]")?, find("[SEP]")?, find("[UNK]")?);
        Ok(Pieces { first, last, unknown, numbers })
    }

    pub(crate) fn len(&self) -> usize {
        self.numbers.len()
    }

    /// The pieces of a text between the marks for its beginning and end, at most `n_max` with them.
    pub(crate) fn of(&self, text: &str, n_max: usize) -> Vec<u32> {
        let mut all = vec![self.first];
        for word in words(text) {
            self.of_word(&word, &mut all);
            if all.len() >= n_max {
                break;
            }
        }
        all.truncate(n_max - 1);
        all.push(self.last);
        all
    }

    fn of_word(&self, word: &str, all: &mut Vec<u32>) {
        let start = all.len();
        if word.chars().count() > WORD_CHARS_MAX {
            all.push(self.unknown);
            return;
        }
        let mut rest = word;
        let mut piece = String::new();
        while !rest.is_empty() {
            let ends = rest.char_indices().map(|(at, char)| at + char.len_utf8()).rev();
            let longest = ends.into_iter().find_map(|end| {
                piece.clear();
                if rest.len() < word.len() {
                    piece.push_str("##");
                }
                piece.push_str(&rest[..end]);
                self.numbers.get(&piece).map(|number| (*number, end))
            });
            let Some((number, end)) = longest else {
                // One part unknown makes the whole word unknown.
                all.truncate(start);
                all.push(self.unknown);
                return;
            };
            all.push(number);
            rest = &rest[end..];
        }
    }
}

/// Words and marks of punctuation, in lower case and without accents.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let folded = text.chars().filter(|char| !is_noise(*char)).nfd();
    for char in folded.filter(|char| char.general_category() != GeneralCategory::NonspacingMark) {
        let stands_alone = is_ideograph(char) || is_mark(char);
        if char.is_whitespace() || stands_alone {
            words.extend((!word.is_empty()).then(|| std::mem::take(&mut word)));
            if stands_alone {
                words.push(char.to_lowercase().collect());
            }
        } else {
            word.extend(char.to_lowercase());
        }
    }
    words.extend((!word.is_empty()).then_some(word));
    words
}

fn is_noise(char: char) -> bool {
    let is_control = char.general_category_group() == GeneralCategoryGroup::Other;
    char == '\u{fffd}' || is_control && !matches!(char, '\t' | '\n' | '\r')
}

fn is_mark(char: char) -> bool {
    char.is_ascii_punctuation()
        || char.general_category_group() == GeneralCategoryGroup::Punctuation
}

/// CJK ideographs, which stand for words by themselves; the ranges are those of BERT's code.
fn is_ideograph(char: char) -> bool {
    matches!(u32::from(char),
        0x4e00..=0x9fff | 0x3400..=0x4dbf | 0x2_0000..=0x2_a6df | 0x2_a700..=0x2_b73f
        | 0x2_b740..=0x2_b81f | 0x2_b920..=0x2_ceaf | 0xf900..=0xfaff | 0x2_f800..=0x2_fa1f)
}

#[cfg(test)]
mod tests;
