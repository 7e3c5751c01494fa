//! What the tagger looks at: for every token, the rows of the weight table that speak of it.

use super::super::gazetteer::Listed;
use super::super::lexicon::Role;
use super::super::words::{Token, TokenKind};
use super::LABELS;

/// Rows of the weight table, a power of two; signals share rows by hash.
pub(super) const ROWS: usize = 1 << ROW_BITS;
const ROW_BITS: u32 = 19;
/// Blocks of rows for steps, one row for each label before; signals share them likewise.
pub(super) const STEP_BLOCKS: usize = 1 << STEP_BITS;
const STEP_BITS: u32 = 13;
/// Room for the signals of one token.
pub(super) const SIGNALS_MAX: usize = 96;

/// What a token is reduced to before signals are made of it and its neighbours.
#[derive(Clone, Copy)]
pub(super) struct Atom {
    /// The word if it is common or has a role, else a class.
    word: u64,
    /// Which words it is used like, and which of eight times as many.
    like: u64,
    group: u64,
    shape: u64,
    listed: u64,
    role: u64,
    tails: [u64; 3],
    /// Whether a line or sentence begins here.
    place: u64,
    /// Whether a street, a unit or a number is near.
    around: u64,
    /// The run of words that look like a name, a place or a firm, if the token is in one.
    run: Run,
    /// The last word with a part before the token, and how far away it is.
    cue: u64,
    /// Whether the token may be part of a span at all.
    pub(super) is_live: bool,
}

/// What a run of words with capitals (in a text without capitals: of words that are not common) is like.
#[derive(Clone, Copy, Default)]
struct Run {
    /// Number and lists of its words; 0 outside of a run.
    looks: u64,
    /// 1 first, 2 last, 3 both, 4 between.
    part: u64,
    /// The words before and behind it.
    before: [u64; 2],
    behind: [u64; 2],
}

const EDGE: Atom = Atom {
    word: 1,
    like: 0,
    group: 0,
    shape: 0,
    listed: 0,
    role: 0,
    tails: [0; 3],
    place: 0,
    around: 0,
    run: Run { looks: 0, part: 0, before: [1; 2], behind: [1; 2] },
    cue: 0,
    is_live: false,
};

/// How far from a token that may begin a span others may belong to it: "the corner of Elm".
const LIVE_REACH: usize = 2;

/// Which tokens may be part of a span: those near a word with a capital, a number, a listed name or place, or a word with
/// a part in addresses. The others are outside without a look at their signals.
pub(super) fn live_tokens(tokens: &[Token]) -> Vec<bool> {
    let is_lower = is_lower(tokens);
    let mut live = vec![false; tokens.len()];
    for idx in 0..tokens.len() {
        if is_seed(tokens, idx, is_lower) {
            let end = tokens.len().min(idx + LIVE_REACH + 1);
            live[idx.saturating_sub(LIVE_REACH)..end].fill(true);
        }
    }
    for (alive, token) in live.iter_mut().zip(tokens) {
        *alive &= !is_fixed(token);
    }
    live
}

/// Whether a span may be about here.
fn is_seed(tokens: &[Token], idx: usize, is_lower: bool) -> bool {
    let token = &tokens[idx];
    let is_frequent = token.listed.is(Listed::FREQUENT);
    match token.kind {
        TokenKind::Number | TokenKind::Mixed => true,
        // "I", and initials: a name follows those.
        TokenKind::Word if token.shape == 40 => false,
        TokenKind::Word => {
            let is_listed = token.listed.is(Listed::NAME | Listed::CITY | Listed::COUNTRY);
            // In a text without capitals any word may be a name that is not an everyday one.
            let is_rare = !token.listed.is(Listed::COMMON) || (is_lower && is_listed);
            // "The" at the beginning of a sentence has its capital from there.
            let is_capital = token.shape < 45 && !(is_frequent && begins_sentence(tokens, idx));
            is_capital
                || token.shape == 46
                || (is_rare && !is_frequent)
                || matches!(token.role, Role::Street | Role::StreetLike | Role::Unit | Role::Box)
        }
        _ => false,
    }
}

/// Whether every word would have a capital here.
fn begins_sentence(tokens: &[Token], idx: usize) -> bool {
    idx.checked_sub(1).is_none_or(|before| {
        matches!(tokens[before].shape, 1 | 2 | 4 | 5 | 6) || tokens[before].ends_clause
    })
}

fn is_lower(tokens: &[Token]) -> bool {
    !tokens.iter().any(|token| (40..=44).contains(&token.shape))
}

/// The atoms of a text's tokens.
pub(super) fn atoms(tokens: &[Token]) -> Vec<Atom> {
    atoms_of(tokens, &live_tokens(tokens))
}

/// The atoms, if it is known which tokens are live.
pub(super) fn atoms_of(tokens: &[Token], live: &[bool]) -> Vec<Atom> {
    let is_lower = is_lower(tokens);
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
    for (idx, atom) in atoms.iter_mut().enumerate().filter(|(idx, _)| live[*idx]) {
        atom.is_live = true;
        atom.around = around(tokens, idx);
        atom.cue = cue(tokens, idx);
    }
    mark_runs(tokens, &mut atoms, is_lower);
    atoms
}

/// Whether a token is part of no name and no address: another form, or a mark that ends a clause.
fn is_fixed(token: &Token) -> bool {
    matches!(token.kind, TokenKind::Form(_)) || token.ends_clause
}

/// Takes a token's word or its ending away, so that training does not lean on them alone.
pub(super) fn forget(atom: &mut Atom, what: Forgotten) {
    match what {
        Forgotten::Word => atom.word = 2 + atom.shape,
        Forgotten::Tails => atom.tails = [0; 3],
        Forgotten::Neighbours => {
            atom.run.before = [0; 2];
            atom.run.behind = [0; 2];
            atom.cue = 0;
        }
        Forgotten::Likeness => {
            atom.like = 0;
            atom.group = 0;
        }
    }
}

/// What [`forget`] takes away.
#[derive(Clone, Copy)]
pub(super) enum Forgotten {
    Word,
    Tails,
    Neighbours,
    Likeness,
}

impl Forgotten {
    /// Everything that can be taken away.
    pub(super) const ALL: [Forgotten; 4] =
        [Forgotten::Word, Forgotten::Tails, Forgotten::Neighbours, Forgotten::Likeness];
}

/// Finds the runs and describes each to its tokens.
fn mark_runs(tokens: &[Token], atoms: &mut [Atom], is_lower: bool) {
    let mut first = 0;
    while first < tokens.len() {
        if !opens_run(tokens, first, is_lower) {
            first += 1;
            continue;
        }
        let mut end = first + 1;
        while end < tokens.len() {
            if opens_run(tokens, end, is_lower) {
                end += 1;
            } else if goes_on(&tokens[end])
                && tokens.get(end + 1).is_some_and(|_| opens_run(tokens, end + 1, is_lower))
            {
                end += 2;
            } else {
                break;
            }
        }
        let word_at = |idx: Option<usize>| idx.and_then(|idx| atoms.get(idx)).map_or(1, |a| a.word);
        let before = [word_at(first.checked_sub(1)), word_at(first.checked_sub(2))];
        let behind = [word_at(Some(end)), word_at(Some(end + 1))];
        let looks = looks(&tokens[first..end]);
        for (idx, atom) in atoms[first..end].iter_mut().enumerate() {
            let part = match (idx == 0, first + idx + 1 == end) {
                (true, true) => 3,
                (true, false) => 1,
                (false, true) => 2,
                (false, false) => 4,
            };
            atom.run = Run { looks, part, before, behind };
        }
        first = end;
    }
}

/// Whether a word looks like a part of a name, a place or a firm.
fn opens_run(tokens: &[Token], idx: usize, is_lower: bool) -> bool {
    let token = &tokens[idx];
    if token.kind != TokenKind::Word {
        return false;
    }
    let begins = begins_sentence(tokens, idx);
    match token.shape {
        // At the beginning of a sentence every word has a capital.
        40..=44 if begins => {
            !token.listed.is(Listed::FREQUENT) || (token.listed.is(Listed::COUNTRY))
        }
        40..=44 => true,
        _ if is_lower => !token.listed.is(Listed::COMMON) && token.role == Role::None,
        46 => true,
        _ => false,
    }
}

/// Whether a token may stand inside a run: a particle, the full stop of an initial, a hyphen.
fn goes_on(token: &Token) -> bool {
    token.role == Role::Particle
        || (token.kind == TokenKind::Mark && !token.ends_clause && token.shape == 2)
}

/// Length and lists of a run. Common words do not count as listed, so that "Will" alone is no name.
fn looks(words: &[Token]) -> u64 {
    let mut bits = 0;
    for token in words {
        let listed = token.listed;
        let is_common = listed.is(Listed::COMMON);
        let bit = match token.role {
            Role::Street | Role::StreetLike | Role::Unit | Role::Box => 8,
            Role::Firm | Role::FirmWord => 16,
            Role::Job => 32,
            Role::Title => 64,
            _ => 0,
        };
        bits |= bit
            | if listed.is(Listed::NAME) && !is_common { 1 } else { 0 }
            | if listed.is(Listed::CITY) && !is_common { 2 } else { 0 }
            | if listed.is(Listed::COUNTRY) { 4 } else { 0 }
            | if is_common { 128 } else { 0 };
    }
    let count = words.iter().filter(|word| word.kind == TokenKind::Word).count().min(4) as u64;
    bits | count << 8
}

/// The last word with a part that announces something, among the five before.
fn cue(tokens: &[Token], idx: usize) -> u64 {
    const REACH: usize = 5;
    for (distance, token) in tokens[idx.saturating_sub(REACH)..idx].iter().rev().enumerate() {
        let announces = matches!(
            token.role,
            Role::Title
                | Role::Naming
                | Role::Locating
                | Role::Kin
                | Role::Greeting
                | Role::Saying
                | Role::Job
                | Role::FirmWord
        );
        if announces {
            return token.role as u64 * 8 + (distance as u64).min(3);
        }
    }
    0
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
        like: token.cluster.fine(),
        group: token.cluster.coarse(),
        shape,
        listed: u64::from(token.listed.bits()),
        role: token.role as u64,
        tails,
        place: 0,
        around: 0,
        run: Run::default(),
        cue: 0,
        is_live: false,
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

/// A token and its neighbours.
struct Window<'a> {
    before: [&'a Atom; 3],
    here: &'a Atom,
    behind: [&'a Atom; 3],
}

/// The rows of one token, without its neighbours' labels.
pub(super) fn rows(atoms: &[Atom], idx: usize, rows: &mut Vec<u32>) {
    rows.clear();
    let at = |offset: isize| {
        let place = idx as isize + offset;
        usize::try_from(place).ok().and_then(|place| atoms.get(place)).unwrap_or(&EDGE)
    };
    let window =
        Window { before: [at(-1), at(-2), at(-3)], here: at(0), behind: [at(1), at(2), at(3)] };
    word_rows(&window, rows);
    run_rows(window.here, rows);
    like_rows(&window, rows);
}

/// Signals of the words, shapes, lists and roles.
fn word_rows(window: &Window<'_>, rows: &mut Vec<u32>) {
    let Window { before: [b1, b2, b3], here, behind: [a1, a2, a3] } = window;
    let mut add = numbered(1, rows);
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

/// Signals of the run that the token is in.
fn run_rows(here: &Atom, rows: &mut Vec<u32>) {
    let run = &here.run;
    let mut add = numbered(44, rows);
    add(&[run.looks, run.part, here.listed]);
    add(&[run.looks & 0xff, run.part]);
    add(&[run.before[0], run.looks, run.part]);
    add(&[run.behind[0], run.looks, run.part]);
    add(&[run.before[0], run.before[1], run.part]);
    add(&[run.behind[0], run.behind[1], run.part]);
    add(&[run.before[0], run.behind[0], run.part]);
    add(&[run.before[0], run.part, here.shape]);
    add(&[run.behind[0], run.part, here.shape]);
    add(&[here.cue, run.looks, run.part]);
    add(&[here.cue, here.shape]);
    add(&[here.tails[0], run.looks & 0xf, run.part]);
}

/// Signals of what the words are used like.
fn like_rows(window: &Window<'_>, rows: &mut Vec<u32>) {
    let Window { before: [b1, b2, _], here, behind: [a1, a2, _] } = window;
    let run = &here.run;
    let mut add = numbered(56, rows);
    add(&[b1.like, here.shape]);
    add(&[a1.like, here.shape]);
    add(&[here.like, here.shape]);
    add(&[b2.group, b1.group, here.shape]);
    add(&[a1.group, a2.group, here.shape]);
    add(&[b1.group, a1.group, here.shape]);
    add(&[b1.group, here.group, here.shape]);
    add(&[here.group, a1.group, here.shape]);
    add(&[b1.like, here.listed, run.part]);
    add(&[a1.like, here.listed, run.part]);
}

/// Adds rows of signals that are numbered from `first` on.
fn numbered(first: u64, rows: &mut Vec<u32>) -> impl FnMut(&[u64]) {
    let mut number = first;
    move |parts| {
        rows.push(row(number, parts));
        number += 1;
    }
}

/// The row that every token has, whatever it is like.
pub(super) const OUTSIDE_ROW: u32 = row(1, &[]);

/// How many signals depend on the label before.
const STEP_SIGNALS: usize = 6;

/// The blocks of the step to a token.
pub(super) fn step_blocks(atoms: &[Atom], idx: usize) -> [u32; STEP_SIGNALS] {
    let here = &atoms[idx];
    let b1 = idx.checked_sub(1).map_or(&EDGE, |prev| &atoms[prev]);
    [
        step(100, &[]),
        step(101, &[b1.shape, here.shape]),
        step(102, &[here.role, here.listed]),
        step(103, &[b1.word, here.shape]),
        step(104, &[b1.shape, here.shape, here.place]),
        step(105, &[b1.role, here.role, here.place >> 2]),
    ]
}

/// The row of a block for a label before, behind those of tokens.
pub(super) fn step_row(block: u32, before: u8) -> usize {
    ROWS + block as usize * LABELS + usize::from(before)
}

fn step(number: u64, parts: &[u64]) -> u32 {
    row(number, parts) >> (ROW_BITS - STEP_BITS)
}

const fn row(number: u64, parts: &[u64]) -> u32 {
    const MIX: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut hash = number.wrapping_mul(MIX);
    let mut n = 0;
    while n < parts.len() {
        hash = (hash.rotate_left(23) ^ parts[n]).wrapping_mul(MIX);
        n += 1;
    }
    ((hash ^ hash >> 31).wrapping_mul(MIX) >> (64 - ROW_BITS)) as u32
}
