//! From text to the words, numbers and marks that the tagger reads.

use super::EntityKind;
use super::found::Found;
use super::gazetteer::{Cluster, Gazetteer, Listed, PHRASE_WORDS_MAX, extend, fold_into, hash};
use super::lexicon::{Role, role_of};

/// What a token is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TokenKind {
    /// Letters, with apostrophes and hyphens inside.
    Word,
    /// Digits alone.
    Number,
    /// Letters and digits.
    Mixed,
    /// One other character.
    Mark,
    /// A line break.
    Break,
    /// Personal data that was recognised by its form.
    Form(EntityKind),
}

/// A word, number or mark with what is known of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Token {
    pub(super) begin: usize,
    pub(super) end: usize,
    pub(super) kind: TokenKind,
    /// Hash of the folded text.
    pub(super) word: u64,
    /// Hashes of the folded text's last three, last two and first three characters.
    pub(super) tails: [u64; 3],
    pub(super) listed: Listed,
    /// The words that it is used like.
    pub(super) cluster: Cluster,
    pub(super) role: Role,
    pub(super) shape: u8,
    /// A mark over which no name and no address goes on.
    pub(super) ends_clause: bool,
}

/// The tokens of a text; `forms` are in order and become one token each.
pub(super) fn tokens(text: &str, forms: &[Found], lists: &Gazetteer) -> Vec<Token> {
    let mut tokens = Vec::with_capacity(text.len() / 5 + 1);
    let mut folded = String::new();
    let mut forms = forms.iter().peekable();
    let mut pos = 0;
    while pos < text.len() {
        while forms.peek().is_some_and(|form| form.range.end <= pos) {
            forms.next();
        }
        let form = forms.peek().filter(|form| form.range.start <= pos);
        let (kind, end) = match form {
            Some(form) => (TokenKind::Form(form.kind), form.range.end),
            None => match next_token(text, pos) {
                (Some(kind), end) => (kind, end.min(forms.peek().map_or(end, |f| f.range.start))),
                (None, end) => {
                    pos = end;
                    continue;
                }
            },
        };
        folded.clear();
        fold_into(&text[pos..end], &mut folded);
        tokens.push(token((pos, end), kind, (&text[pos..end], &folded), lists));
        pos = end;
    }
    mark_phrases(text, &mut tokens, lists);
    mark_clauses(text, &mut tokens);
    tokens
}

/// Marks the full stops that end a sentence, and what cannot stand inside a name.
fn mark_clauses(text: &str, tokens: &mut [Token]) {
    for idx in 0..tokens.len() {
        let token = tokens[idx];
        if token.kind != TokenKind::Mark {
            continue;
        }
        let before = idx.checked_sub(1).map(|before| tokens[before]);
        tokens[idx].ends_clause = match text.as_bytes()[token.begin] {
            b'?' | b'!' | b'"' | b'(' | b')' | b':' | b';' | b'[' | b']' | b'{' | b'}' | b'<'
            | b'>' | b'=' | b'*' => true,
            b'.' => {
                let is_spaced = text[token.end..].starts_with(char::is_whitespace);
                // "Apt.", "St.", "J." are abbreviations; "songs." is not.
                is_spaced
                    && before.is_some_and(|word| {
                        let letters = text[word.begin..word.end].chars().count();
                        word.kind == TokenKind::Word
                            && word.role == Role::None
                            && (letters > 5 || letters > 3 && word.listed.is(Listed::COMMON))
                    })
            }
            _ => false,
        };
    }
}

/// The kind and end of the token at a position; no kind for a space.
fn next_token(text: &str, from: usize) -> (Option<TokenKind>, usize) {
    let rest = &text[from..];
    let first = rest.chars().next().expect("the position is inside the text");
    let end = from + first.len_utf8();
    if first == '\n' {
        return (Some(TokenKind::Break), end);
    }
    if first.is_whitespace() || first == '\u{feff}' {
        return (None, end);
    }
    if !first.is_alphanumeric() {
        return (Some(TokenKind::Mark), end);
    }
    let (mut has_letter, mut has_digit) = (false, false);
    let mut end = from;
    let mut chars = rest.char_indices().peekable();
    while let Some((offset, c)) = chars.next() {
        let is_inside =
            |next: Option<&(usize, char)>| next.is_some_and(|(_, next)| next.is_alphabetic());
        match c {
            c if c.is_alphabetic() || ('\u{300}'..='\u{36f}').contains(&c) => has_letter = true,
            c if c.is_numeric() => has_digit = true,
            '\'' | '’' | '-' if has_letter && !has_digit && is_inside(chars.peek()) => {
                if c != '-' && is_possessive(&rest[offset + c.len_utf8()..]) {
                    break;
                }
            }
            _ => break,
        }
        end = from + offset + c.len_utf8();
    }
    let kind = match (has_letter, has_digit) {
        (true, true) => TokenKind::Mixed,
        (false, true) => TokenKind::Number,
        _ => TokenKind::Word,
    };
    (Some(kind), end)
}

fn is_possessive(rest: &str) -> bool {
    let mut chars = rest.chars();
    matches!(chars.next(), Some('s' | 'S')) && !chars.next().is_some_and(char::is_alphanumeric)
}

fn token(
    place: (usize, usize),
    kind: TokenKind,
    (text, folded): (&str, &str),
    lists: &Gazetteer,
) -> Token {
    let (begin, end) = place;
    let word = match kind {
        TokenKind::Form(kind) => hash(kind.as_str()),
        _ => hash(folded),
    };
    let is_word = kind == TokenKind::Word;
    let (listed, cluster) = match is_word {
        true if is_contraction(folded) => {
            (Listed::default().with(Listed::FREQUENT), Cluster::default())
        }
        true => lists.look_up(word),
        false => Default::default(),
    };
    let role = if is_word || kind == TokenKind::Mixed { role_of(folded) } else { Role::None };
    Token {
        begin,
        end,
        kind,
        word,
        tails: tails(folded),
        listed,
        cluster,
        role,
        shape: shape(text, kind),
        ends_clause: false,
    }
}

/// "I'm", "we'll", "can't": everyday words, whatever stands before the apostrophe.
fn is_contraction(folded: &str) -> bool {
    folded == "c'mon"
        || folded
            .rsplit_once('\'')
            .is_some_and(|(_, end)| matches!(end, "m" | "ll" | "re" | "ve" | "d" | "t"))
}

fn tails(folded: &str) -> [u64; 3] {
    let back = |n: usize| folded.char_indices().rev().nth(n - 1).map_or(0, |(at, _)| at);
    let front = folded.char_indices().nth(3).map_or(folded.len(), |(at, _)| at);
    [hash(&folded[back(3)..]), hash(&folded[back(2)..]), hash(&folded[..front])]
}

/// A small number for how a token looks: its case, or how many digits it has.
fn shape(text: &str, kind: TokenKind) -> u8 {
    match kind {
        TokenKind::Break => 1,
        TokenKind::Mark => match text.as_bytes()[0] {
            b'.' => 2,
            b',' => 3,
            b'?' | b'!' => 4,
            b':' | b';' => 5,
            b'"' | b'\'' => 6,
            b'(' | b')' => 7,
            b'#' => 8,
            b'-' | b'/' => 9,
            _ => 10,
        },
        TokenKind::Number => {
            20 + (text.len().min(7) as u8) + if text.starts_with('0') { 10 } else { 0 }
        }
        TokenKind::Mixed => {
            if text.starts_with(|c: char| c.is_numeric()) {
                11
            } else {
                12
            }
        }
        TokenKind::Form(_) => 13,
        TokenKind::Word => {
            let mut chars = text.chars();
            let is_title = chars.next().is_some_and(char::is_uppercase);
            let uppers = chars.clone().filter(|c| c.is_uppercase()).count();
            let others = chars.filter(|c| c.is_lowercase()).count();
            match (is_title, uppers, others) {
                (true, 0, 0) => 40,
                (true, _, 0) if uppers == 1 => 41,
                (true, _, 0) => 42,
                (true, 0, _) => 43,
                (true, _, _) => 44,
                (false, 0, _) => 45,
                _ => 46,
            }
        }
    }
}

/// Marks cities and countries of several words on each of their words.
fn mark_phrases(text: &str, tokens: &mut [Token], lists: &Gazetteer) {
    let mut folded = String::new();
    for first in 0..tokens.len() {
        if !tokens[first].listed.opens_phrase() {
            continue;
        }
        let mut hashed = tokens[first].word;
        for last in first + 1..tokens.len().min(first + PHRASE_WORDS_MAX) {
            let token = tokens[last];
            if token.kind != TokenKind::Word {
                break;
            }
            folded.clear();
            folded.push(' ');
            fold_into(&text[token.begin..token.end], &mut folded);
            hashed = extend(hashed, &folded);
            let (listed, _) = lists.look_up(hashed);
            if listed.is(Listed::CITY | Listed::COUNTRY) {
                for token in &mut tokens[first..=last] {
                    token.listed = token.listed.with(listed.bits());
                }
            }
        }
    }
}
