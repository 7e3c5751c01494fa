//! Typing errors: how many a word may have, and how many lie between two words.
//!
//! The rule is Meilisearch's, which shoppers and shops know: none in words of up to four letters, one
//! from five, two from nine; a wrong first letter counts twice, for people rarely miss it; two
//! neighbours that changed places are one error, and so is any doubt about which letters are doubled; numbers and codes have none ("2024" is not "2025").

use crate::text::TokenKind;

/// How many typing errors a word may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limit(u8);

impl Limit {
    /// Letters from which one error is taken.
    const ONE_FROM: usize = 5;
    /// Letters from which two errors are taken.
    const TWO_FROM: usize = 9;

    /// The limit for a word that was typed.
    pub(crate) fn of(word: &str, kind: TokenKind) -> Limit {
        if kind != TokenKind::Word {
            return Limit(0);
        }
        match word.chars().count() {
            0..Limit::ONE_FROM => Limit(0),
            Limit::ONE_FROM..Limit::TWO_FROM => Limit(1),
            _ => Limit(2),
        }
    }

    pub(crate) fn typos(self) -> u8 {
        self.0
    }
}

/// The letters in a word as bits: 26 of the Latin alphabet, the rest by their low bits.
pub(crate) fn letters(word: &str) -> u32 {
    word.chars().fold(0, |bits, char| {
        let place = match char {
            'a'..='z' => char as u32 - 'a' as u32,
            other => 26 + (other as u32) % 6,
        };
        bits | 1 << place
    })
}

/// The longest word in letters that is compared; longer ones are no words that people type.
const LETTERS_MAX: usize = 40;

/// The typing errors between a typed word and another, if they are at most `max`.
///
/// Optimal string alignment (Boytsov 2011, "Indexing methods for approximate dictionary searching",
/// section 2.2): insertion, deletion, replacement, exchange of neighbours; one more when the first
/// letter is not the same.
pub(crate) fn typos(typed: &[char], other: &str, max: u8) -> Option<u8> {
    let mut letters = ['\0'; LETTERS_MAX];
    let mut n_letters = 0;
    for char in other.chars() {
        *letters.get_mut(n_letters)? = char;
        n_letters += 1;
    }
    let other = &letters[..n_letters];
    if typed.len() > LETTERS_MAX || typed.is_empty() || other.is_empty() {
        return None;
    }
    let first = u8::from(typed[0] != other[0]);
    let max_distance = max.checked_sub(first)?;
    let distance = alignment(typed, other, max_distance).map(|distance| distance + first);
    match distance.filter(|typos| *typos <= max) {
        Some(typos) if typos <= 1 => Some(typos),
        _ if max > 0 && doubles_alone_differ(typed, other) => Some(1),
        distance => distance,
    }
}

/// Whether two words differ in nothing but which of their letters are doubled. However many they are, that is one
/// thing not known: `brocolli`.
fn doubles_alone_differ(left: &[char], right: &[char]) -> bool {
    let mut runs = (left.chunk_by(char::eq), right.chunk_by(char::eq));
    loop {
        match (runs.0.next(), runs.1.next()) {
            (None, None) => return true,
            (Some(left), Some(right)) if left[0] == right[0] => {}
            _ => return false,
        }
    }
}

fn alignment(left: &[char], right: &[char], max: u8) -> Option<u8> {
    let mut rows = [[0u8; LETTERS_MAX + 1]; 3];
    for (idx, cell) in rows[1].iter_mut().enumerate() {
        *cell = idx as u8;
    }
    for i in 1..=left.len() {
        // rows[0] is two above, rows[1] one above, rows[2] this one.
        rows[2][0] = i as u8;
        let mut least = rows[2][0];
        for j in 1..=right.len() {
            let differs = u8::from(left[i - 1] != right[j - 1]);
            let mut cost = (rows[1][j - 1] + differs).min(rows[1][j] + 1).min(rows[2][j - 1] + 1);
            if i > 1 && j > 1 && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1] {
                cost = cost.min(rows[0][j - 2] + 1);
            }
            rows[2][j] = cost;
            least = least.min(cost);
        }
        if least > max {
            return None;
        }
        rows.rotate_left(1);
    }
    Some(rows[1][right.len()]).filter(|distance| *distance <= max)
}

#[cfg(test)]
mod tests;
