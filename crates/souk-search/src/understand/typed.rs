//! Words as they stand in a query, so that a page can show them and take them out.

use super::price::is_sign;
use super::text_of;
use crate::query::{QueryWord, words_of};
use crate::request::SearchRequest;

/// The part of a query that is these words, with the signs of currencies around it; the words themselves, where they do
/// not stand there one after the other.
pub(super) fn as_typed(text: &str, words: &[QueryWord]) -> String {
    find(text, words).map_or_else(|| text_of(words), str::to_owned)
}

/// How far is looked for the end of some words: `1.5 l` is one word of six borders. Chosen. Without it a long query of words that
/// come again and again would be read once for each part that it has.
const BORDERS_PER_WORD: usize = 8;

fn find<'a>(text: &'a str, words: &[QueryWord]) -> Option<&'a str> {
    let text = &text[..text.floor_char_boundary(SearchRequest::QUERY_BYTES_MAX)];
    let is_part = |char: Option<char>| char.is_some_and(char::is_alphanumeric);
    let is_border =
        |at: usize| is_part(text[..at].chars().next_back()) != is_part(text[at..].chars().next());
    let borders = text.char_indices().map(|(at, _)| at).chain([text.len()]);
    let borders: Vec<usize> = borders.filter(|at| is_border(*at)).collect();
    let reads = |part: &str| {
        words_of(part).iter().map(|word| &word.text).eq(words.iter().map(|word| &word.text))
    };
    let begins =
        |part: &str| words_of(part).iter().zip(words).all(|(found, word)| found.text == word.text);
    let n_borders = words.len() * BORDERS_PER_WORD;
    let (start, end) = (0..borders.len()).find_map(|first| {
        let start = borders[first];
        let ends = borders.iter().skip(first + 1).take(n_borders);
        let farthest = *ends.clone().next_back()?;
        let is_start = is_part(text[start..].chars().next()) && begins(&text[start..farthest]);
        let end = is_start.then_some(ends)?.find(|end| reads(&text[start..**end]))?;
        Some((start, *end))
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
