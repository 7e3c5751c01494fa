//! What the tagger cuts at odd places, joined or cut anew.
//!
//! The tagger decides word by word. What holds for a whole name or a whole address is put right here: a name
//! does not end between two of its words, and an address is told either as a whole or in parts.

use std::ops::Range;

use super::gazetteer::Listed;
use super::lexicon::Role;
use super::tagger::{SpanClass, TaggedSpan};
use super::words::{Token, TokenKind};

/// Marks and breaks between two parts of one address at most: ",\n\n".
const GAP_MAX: usize = 3;
/// Given names.
const GIVEN: u8 = 1;
/// So few pieces are a city and its country, and may be two places.
const WHOLE_PIECES_MIN: usize = 3;

/// The spans, put right, in order.
pub(super) fn tidy(tokens: &[Token], spans: Vec<TaggedSpan>) -> Vec<TaggedSpan> {
    let mut spans = joined_names(tokens, spans);
    spans.iter_mut().for_each(|span| {
        if span.class == SpanClass::Name && is_place_alone(&tokens[span.tokens.clone()]) {
            span.class = SpanClass::Address;
        }
    });
    spans.retain(|span| !is_label(tokens, span));
    beside_names(tokens, &mut spans);
    let mut spans = with_bare_names(tokens, spans);
    for idx in 0..spans.len() {
        let least = idx.checked_sub(1).map_or(0, |before| spans[before].tokens.end);
        reach_back(tokens, &mut spans[idx], least);
    }
    whole_or_parts(tokens, spans)
}

/// Joins names with nothing but a space between.
fn joined_names(tokens: &[Token], spans: Vec<TaggedSpan>) -> Vec<TaggedSpan> {
    let mut joined: Vec<TaggedSpan> = Vec::with_capacity(spans.len());
    for span in spans {
        let is_word = |idx: usize| tokens[idx].kind == TokenKind::Word;
        match joined.last_mut() {
            Some(last)
                if last.class == SpanClass::Name
                    && span.class == SpanClass::Name
                    && last.tokens.end == span.tokens.start
                    && is_word(last.tokens.end - 1)
                    && is_word(span.tokens.start) =>
            {
                last.tokens.end = span.tokens.end;
            }
            _ => joined.push(span),
        }
    }
    joined
}

/// Whether all words are cities and countries, and none is anybody's name.
fn is_place_alone(words: &[Token]) -> bool {
    words.iter().all(|word| {
        word.kind == TokenKind::Word
            && word.listed.is(Listed::CITY | Listed::COUNTRY)
            && !word.listed.is(Listed::NAME | Listed::COMMON)
    })
}

/// Whether a word in capitals says what the form behind it is: "IBAN DE89…".
fn is_label(tokens: &[Token], span: &TaggedSpan) -> bool {
    let [word] = &tokens[span.tokens.clone()] else { return false };
    let behind = tokens.get(span.tokens.end).map(|token| token.kind);
    span.class == SpanClass::Address
        && word.kind == TokenKind::Word
        && word.shape == 42
        && !word.listed.is(Listed::CITY | Listed::COUNTRY)
        && matches!(behind, Some(TokenKind::Form(_)))
}

/// Turns what nothing but its place in the text says to be a place into a name, if it stands in a row of
/// names ("Abakumova, Wallace and Perez") or is made of names.
fn beside_names(tokens: &[Token], spans: &mut [TaggedSpan]) {
    for idx in 0..spans.len() {
        let words = &tokens[spans[idx].tokens.clone()];
        if spans[idx].class != SpanClass::Address || !words.iter().all(is_bare_word) {
            continue;
        }
        let is_name =
            |other: Option<&TaggedSpan>| other.is_some_and(|one| one.class == SpanClass::Name);
        let before = idx.checked_sub(1).and_then(|before| spans.get(before));
        let behind = spans.get(idx + 1);
        let begins = before.map_or(0, |before| before.tokens.end);
        let ends = behind.map_or(tokens.len(), |behind| behind.tokens.start);
        let is_row = is_name(before) && joins(&tokens[begins..spans[idx].tokens.start])
            || is_name(behind) && joins(&tokens[spans[idx].tokens.end..ends]);
        let is_named = words.len() > 1 && words.iter().all(|word| word.listed.is(Listed::NAME));
        if is_row || is_named {
            spans[idx].class = SpanClass::Name;
        }
    }
}

/// A word that is no place, and has no part in addresses.
fn is_bare_word(token: &Token) -> bool {
    token.kind == TokenKind::Word
        && !token.listed.is(Listed::CITY | Listed::COUNTRY)
        && matches!(token.role, Role::None | Role::Particle)
}

/// Whether these tokens join the members of a row: ", ", " and ", ", and ".
fn joins(between: &[Token]) -> bool {
    let is_comma = |token: &Token| token.kind == TokenKind::Mark && token.shape == 3;
    let is_and = |token: &Token| token.kind == TokenKind::Word && token.listed.is(Listed::FREQUENT);
    match between {
        [one] => is_comma(one) || (is_and(one) && one.shape == 45 && one.end - one.begin <= 3),
        [comma, and] => is_comma(comma) && is_and(and) && and.end - and.begin <= 3,
        _ => false,
    }
}

/// Adds given names that stand alone between everyday words: "Brian is late", "had given Mary his".
fn with_bare_names(tokens: &[Token], spans: Vec<TaggedSpan>) -> Vec<TaggedSpan> {
    let mut all = Vec::with_capacity(spans.len());
    let mut spans = spans.into_iter().peekable();
    for idx in 0..tokens.len() {
        while let Some(span) = spans.next_if(|span| span.tokens.start <= idx) {
            all.push(span);
        }
        let is_taken = all.last().is_some_and(|span: &TaggedSpan| idx < span.tokens.end);
        if !is_taken && is_bare_name(tokens, idx) {
            all.push(TaggedSpan { class: SpanClass::Name, tokens: idx..idx + 1, score: 0.6 });
        }
    }
    all.extend(spans);
    all
}

fn is_bare_name(tokens: &[Token], idx: usize) -> bool {
    let token = &tokens[idx];
    let is_name = token.kind == TokenKind::Word
        && token.shape == 43
        && token.role == Role::None
        && token.listed.is(GIVEN)
        && !token.listed.is(Listed::COMMON | Listed::CITY | Listed::COUNTRY);
    let is_small = |other: &Token| {
        other.kind == TokenKind::Word && other.shape == 45 && other.listed.is(Listed::FREQUENT)
    };
    let is_begin = |other: &Token| other.kind == TokenKind::Break || other.ends_clause;
    let before = idx.checked_sub(1).map(|before| &tokens[before]);
    is_name
        && before.is_none_or(|other| is_small(other) || is_begin(other))
        && tokens.get(idx + 1).is_some_and(is_small)
}

/// Takes the words before an address that belong to its first: "Suite" before 500, "P." before "O. Box".
fn reach_back(tokens: &[Token], span: &mut TaggedSpan, least: usize) {
    let first = span.tokens.start;
    if span.class != SpanClass::Address || first == least {
        return;
    }
    let is_free = |n: usize| first >= least + n;
    let is_unit = tokens[first].kind == TokenKind::Number && tokens[first - 1].role == Role::Unit;
    let letter = |idx: usize| tokens[idx].kind == TokenKind::Word && tokens[idx].shape == 40;
    let stop = |idx: usize| tokens[idx].kind == TokenKind::Mark && tokens[idx].shape == 2;
    let is_box = is_free(2)
        && letter(first)
        && stop(first - 1)
        && letter(first - 2)
        && tokens.get(first + 2).is_some_and(|word| word.role == Role::Box);
    if is_unit {
        span.tokens.start -= 1;
    } else if is_box {
        span.tokens.start -= 2;
    }
}

/// Joins the parts of an address that is cut less often than it has pieces, and cuts one that is cut into
/// parts at its line breaks, too.
fn whole_or_parts(tokens: &[Token], spans: Vec<TaggedSpan>) -> Vec<TaggedSpan> {
    let mut tidy = Vec::with_capacity(spans.len());
    let mut rest = spans.into_iter().peekable();
    while let Some(span) = rest.next() {
        let mut block = vec![span];
        while block[0].class == SpanClass::Address
            && let Some(next) = rest.next_if(|next| goes_on(tokens, &block[block.len() - 1], next))
        {
            block.push(next);
        }
        tidy.extend(told(tokens, block));
    }
    tidy
}

fn goes_on(tokens: &[Token], span: &TaggedSpan, next: &TaggedSpan) -> bool {
    let between = &tokens[span.tokens.end..next.tokens.start];
    let is_gap = |token: &Token| is_separator(token) || token.kind == TokenKind::Mark;
    next.class == SpanClass::Address
        && between.len() <= GAP_MAX
        && between.iter().all(|token| is_gap(token) && !token.ends_clause)
}

/// A comma or a line break.
fn is_separator(token: &Token) -> bool {
    token.kind == TokenKind::Break || (token.kind == TokenKind::Mark && token.shape == 3)
}

/// The pieces of a stretch between commas and line breaks.
fn pieces(tokens: &[Token], within: Range<usize>) -> usize {
    let mut n = 0;
    let mut is_inside = false;
    for token in &tokens[within] {
        let is_piece = !is_separator(token);
        n += usize::from(is_piece && !is_inside);
        is_inside = is_piece;
    }
    n
}

fn told(tokens: &[Token], block: Vec<TaggedSpan>) -> Vec<TaggedSpan> {
    let (first, last) = (&block[0], &block[block.len() - 1]);
    let within = first.tokens.start..last.tokens.end;
    if block.len() == 1 || first.class != SpanClass::Address {
        return block;
    }
    let n_pieces = pieces(tokens, within.clone());
    if n_pieces >= WHOLE_PIECES_MIN && 2 * block.len() <= n_pieces {
        let score = block.iter().map(|span| span.score).fold(f32::INFINITY, f32::min);
        return vec![TaggedSpan { class: SpanClass::Address, tokens: within, score }];
    }
    let lines: Vec<TaggedSpan> = block.into_iter().flat_map(|span| lines(tokens, span)).collect();
    let n = lines.len();
    let cut = |(idx, span)| match idx + 1 == n && n >= WHOLE_PIECES_MIN {
        true => without_code(tokens, span),
        false => without_number(tokens, span),
    };
    lines.into_iter().enumerate().flat_map(cut).flatten().collect()
}

/// The number of a house and its street.
fn without_number(tokens: &[Token], span: TaggedSpan) -> [Option<TaggedSpan>; 2] {
    let [number, street, ..] = &tokens[span.tokens.clone()] else { return [Some(span), None] };
    let is_cut = number.kind == TokenKind::Number
        && street.kind == TokenKind::Word
        && street.role != Role::Unit;
    cut_at(span, if is_cut { 1 } else { 0 })
}

/// A country or city and the code behind it.
fn without_code(tokens: &[Token], span: TaggedSpan) -> [Option<TaggedSpan>; 2] {
    let words = &tokens[span.tokens.clone()];
    let n_words = words
        .iter()
        .take_while(|word| {
            word.kind == TokenKind::Word && word.listed.is(Listed::CITY | Listed::COUNTRY)
        })
        .count();
    let is_code = words.len() == n_words + 1 && words[n_words].kind == TokenKind::Number;
    cut_at(span, if is_code { n_words } else { 0 })
}

/// Two spans, the second of which begins with this token of the span; 0 cuts nothing.
fn cut_at(span: TaggedSpan, n: usize) -> [Option<TaggedSpan>; 2] {
    if n == 0 {
        return [Some(span), None];
    }
    let middle = span.tokens.start + n;
    let first = TaggedSpan { tokens: span.tokens.start..middle, ..span.clone() };
    [Some(first), Some(TaggedSpan { tokens: middle..span.tokens.end, ..span })]
}

/// The lines of a span.
fn lines(tokens: &[Token], span: TaggedSpan) -> Vec<TaggedSpan> {
    let mut parts = Vec::new();
    let mut start = span.tokens.start;
    for idx in span.tokens.clone() {
        if tokens[idx].kind == TokenKind::Break {
            parts.push(start..idx);
            start = idx + 1;
        }
    }
    parts.push(start..span.tokens.end);
    let is_some = |part: &Range<usize>| {
        tokens[part.clone()]
            .iter()
            .any(|token| !matches!(token.kind, TokenKind::Mark | TokenKind::Break))
    };
    let parts = parts.into_iter().filter(is_some);
    parts.map(|tokens| TaggedSpan { tokens, ..span.clone() }).collect()
}

#[cfg(test)]
mod tests;
