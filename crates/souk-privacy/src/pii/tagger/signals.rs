//! What the tagger looks at: for every token, the rows of the weight table that speak of it.

use super::super::gazetteer::Listed;
use super::super::lexicon::Role;
use super::super::words::{Token, TokenKind};

/// Rows of the weight table, a power of two; signals share rows by hash.
pub(super) const ROWS: usize = 1 << 18;

/// What a token is reduced to before signals are made of it and its neighbours.
#[derive(Clone, Copy)]
pub(super) struct Atom {
    /// The word if it is common or has a role, else a class.
    word: u64,
    shape: u64,
    listed: u64,
    role: u64,
    tails: [u64; 3],
    /// Whether a line or sentence begins here.
    place: u64,
    /// Whether a street, a unit or a number is near.
    around: u64,
}

const EDGE: Atom =
    Atom { word: 1, shape: 0, listed: 0, role: 0, tails: [0; 3], place: 0, around: 0 };

/// The atoms of a text's tokens.
pub(super) fn atoms(tokens: &[Token]) -> Vec<Atom> {
    let is_lower = !tokens.iter().any(|token| (40..=44).contains(&token.shape));
    let mut atoms: Vec<Atom> = tokens.iter().map(|token| atom(token, is_lower)).collect();
    let layout = layout(tokens);
    let mut line_begin = true;
    let mut sentence_begin = true;
    for (idx, token) in tokens.iter().enumerate() {
        atoms[idx].place = u64::from(line_begin) | u64::from(sentence_begin) << 1 | layout << 2;
        line_begin = token.kind == TokenKind::Break;
        let is_mark = token.kind == TokenKind::Mark;
        sentence_begin = line_begin || (is_mark && matches!(token.shape, 2 | 4 | 5 | 6));
    }
    for (idx, atom) in atoms.iter_mut().enumerate() {
        atom.around = around(tokens, idx);
    }
    atoms
}

/// 0 for running text in one line, 1 for running text in several, 2 for a block of short lines as on a
/// parcel, in which each part of an address stands for itself.
fn layout(tokens: &[Token]) -> u64 {
    let is_prose = tokens.split(|token| token.kind == TokenKind::Break).any(|line| {
        let frequent = line.iter().filter(|token| token.listed.is(Listed::FREQUENT)).count();
        // "As promised, her new address:" is a sentence too.
        let announces = line.len() > 3 && line.last().is_some_and(|last| last.shape == 5);
        frequent >= 3 || announces
    });
    let breaks = tokens.iter().filter(|token| token.kind == TokenKind::Break).count();
    match breaks {
        0 => 0,
        _ if is_prose || breaks < 2 => 1,
        _ => 2,
    }
}

fn atom(token: &Token, is_lower: bool) -> Atom {
    let is_known = token.listed.is(Listed::COMMON) || token.role != Role::None;
    let is_mark = matches!(token.kind, TokenKind::Mark | TokenKind::Break | TokenKind::Form(_));
    let shape = if is_lower && token.shape >= 45 { 47 } else { u64::from(token.shape) };
    let word = if is_known || is_mark { token.word } else { 2 + shape };
    let tails = match token.kind {
        TokenKind::Word => token.tails,
        _ => [0; 3],
    };
    Atom {
        word,
        shape,
        listed: u64::from(token.listed.bits()),
        role: token.role as u64,
        tails,
        place: 0,
        around: 0,
    }
}

/// Bits for a street, a unit, a number, a state or country within reach before and behind.
fn around(tokens: &[Token], idx: usize) -> u64 {
    const REACH: usize = 5;
    let mut bits = 0;
    let before = tokens[idx.saturating_sub(REACH)..idx].iter();
    let behind = tokens[idx + 1..tokens.len().min(idx + 1 + REACH)].iter();
    for (side, token) in before.map(|token| (0, token)).chain(behind.map(|token| (1, token))) {
        let bit = match token.role {
            Role::Street | Role::StreetLike => 1,
            Role::Unit | Role::Box => 2,
            _ if token.kind == TokenKind::Number => 4,
            _ if token.listed.is(Listed::COUNTRY) => 8,
            _ => 0,
        };
        bits |= bit << (4 * side);
    }
    bits
}

/// The rows of one token, without its neighbours' labels.
pub(super) fn rows(atoms: &[Atom], idx: usize, rows: &mut Vec<u32>) {
    rows.clear();
    let at = |offset: isize| {
        let place = idx as isize + offset;
        usize::try_from(place).ok().and_then(|place| atoms.get(place)).unwrap_or(&EDGE)
    };
    let (b2, b1, here, a1, a2) = (at(-2), at(-1), at(0), at(1), at(2));
    let (b3, a3) = (at(-3), at(3));
    let mut number = 0u64;
    let mut add = |parts: &[u64]| {
        number += 1;
        rows.push(row(number, parts));
    };
    add(&[]);
    add(&[here.word]);
    add(&[b1.word]);
    add(&[a1.word]);
    add(&[b2.word]);
    add(&[a2.word]);
    add(&[b1.word, here.word]);
    add(&[here.word, a1.word]);
    add(&[b2.word, b1.word, here.shape]);
    add(&[a1.word, a2.word, here.shape]);
    add(&[b1.word, here.shape, here.listed]);
    add(&[a1.word, here.shape, here.listed]);
    add(&[b2.word, here.shape]);
    add(&[b1.word, a1.word, here.shape]);
    add(&[here.shape, here.place]);
    add(&[here.shape, here.role, here.place]);
    add(&[b1.shape, here.shape, a1.shape, here.place]);
    add(&[b1.shape, here.shape]);
    add(&[here.shape, a1.shape]);
    add(&[b1.shape, here.shape, a1.shape]);
    add(&[b2.shape, b1.shape, here.shape]);
    add(&[here.shape, a1.shape, a2.shape]);
    add(&[here.listed, here.shape]);
    add(&[here.listed, here.shape, here.place]);
    add(&[b1.listed, here.listed, here.shape]);
    add(&[here.listed, a1.listed, here.shape]);
    add(&[here.role, here.shape]);
    add(&[b1.role, here.shape, here.listed]);
    add(&[here.shape, a1.role, here.listed]);
    add(&[b2.role, b1.role, here.role]);
    add(&[here.role, a1.role, a2.role]);
    add(&[b2.role, b1.shape, here.shape]);
    add(&[here.tails[0], here.shape]);
    add(&[here.tails[1], here.shape]);
    add(&[here.tails[2], here.shape]);
    add(&[a1.tails[0], here.shape, here.listed & 3]);
    add(&[here.around, here.shape]);
    add(&[here.around, here.listed]);
    add(&[here.around, b1.shape, here.shape, a1.shape]);
    add(&[b3.word, b2.word, b1.word]);
    add(&[b3.shape, b2.shape, b1.shape, here.shape]);
    add(&[here.shape, a1.shape, a2.shape, a3.shape]);
    add(&[b3.role, b2.shape, b1.shape, here.shape]);
}

/// The rows that depend on the label before.
pub(super) const STEP_ROWS: usize = 6;

/// The rows of the step from a label to a token.
pub(super) fn step_rows(atoms: &[Atom], idx: usize, before: u8) -> [u32; STEP_ROWS] {
    let here = &atoms[idx];
    let b1 = idx.checked_sub(1).map_or(&EDGE, |prev| &atoms[prev]);
    let before = u64::from(before);
    [
        row(100, &[before]),
        row(101, &[before, b1.shape, here.shape]),
        row(102, &[before, here.role, here.listed]),
        row(103, &[before, b1.word, here.shape]),
        row(104, &[before, b1.shape, here.shape, here.place]),
        row(105, &[before, b1.role, here.role, here.place >> 2]),
    ]
}

fn row(number: u64, parts: &[u64]) -> u32 {
    const MIX: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut hash = number.wrapping_mul(MIX);
    for part in parts {
        hash = (hash.rotate_left(23) ^ part).wrapping_mul(MIX);
    }
    ((hash ^ hash >> 31).wrapping_mul(MIX) >> 46) as u32
}
