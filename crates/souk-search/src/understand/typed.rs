//! Words as they stand in a query, so that a page can show them and take them out.

use super::price::is_sign;
use super::text_of;
use crate::query::{QueryWord, words_of};

/// The part of a query that is these words, with the signs of currencies around it; the words themselves, where they do
/// not stand there one after the other.
pub(super) fn as_typed(text: &str, words: &[QueryWord]) -> String {
    find(text, words).map_or_else(|| text_of(words), str::to_owned)
}

fn find<'a>(text: &'a str, words: &[QueryWord]) -> Option<&'a str> {
    let is_part = |char: Option<char>| char.is_some_and(char::is_alphanumeric);
    let is_border =
        |at: usize| is_part(text[..at].chars().next_back()) != is_part(text[at..].chars().next());
    let borders = text.char_indices().map(|(at, _)| at).chain([text.len()]);
    let borders: Vec<usize> = borders.filter(|at| is_border(*at)).collect();
    let reads = |part: &str| {
        words_of(part).iter().map(|word| &word.text).eq(words.iter().map(|word| &word.text))
    };
    let begins = |at: usize| {
        words_of(&text[at..]).iter().zip(words).all(|(found, word)| found.text == word.text)
    };
    let (start, end) = borders.iter().filter(|at| begins(**at)).find_map(|start| {
        let end = borders.iter().find(|end| *end > start && reads(&text[*start..**end]))?;
        is_part(text[*start..].chars().next()).then_some((*start, *end))
    })?;
    let before = text[..start].trim_end_matches(is_sign).len();
    let after = text[end..].trim_start();
    let sign = after.chars().next().filter(|char| is_sign(*char));
    let is_of_next = |sign: char| is_part(after[sign.len_utf8()..].chars().next());
    let end = match sign.filter(|sign| !is_of_next(*sign)) {
        Some(sign) => text.len() - after.len() + sign.len_utf8(),
        None => end,
    };
    Some(&text[before..end])
}
