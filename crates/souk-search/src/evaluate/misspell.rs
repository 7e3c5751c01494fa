//! How much of an answer stays when the query has a typing error that should be forgiven.

use super::rank_with;
use crate::SearchIndex;
use crate::query::words_of;
use crate::request::Tolerance;
use crate::spelling::Limit;
use crate::text::TokenKind;

/// What misspelled queries still find.
#[derive(Clone, Debug, PartialEq)]
pub struct Misspelled {
    /// Queries that were misspelled.
    pub n_queries: usize,
    /// The mean share of the right query's first ten that the misspelled one's first ten have.
    pub recall: f64,
    /// Misspelled queries that lost some, with the right one before them.
    pub lost: Vec<(String, String)>,
}

/// Misspells queries, each time by one error that the rule of tolerance covers: a letter left out, put in,
/// replaced or exchanged with its neighbour in a word of five letters or more, not at its beginning; a word
/// split in two, or two joined.
pub fn misspelled(
    index: &SearchIndex,
    queries: &[&str],
    (count, seed): (usize, u64),
) -> Misspelled {
    let mut random = Random(seed | 1);
    let clean: Vec<Vec<String>> = queries.iter().map(|query| first_ten(index, query)).collect();
    let mut outcome = Misspelled { n_queries: 0, recall: 0.0, lost: Vec::new() };
    // Queries without a word that can be misspelled are passed over, but not for ever.
    for turn in 0..count * 20 {
        if outcome.n_queries == count || queries.is_empty() {
            break;
        }
        let place = turn % queries.len();
        if clean[place].is_empty() {
            continue;
        }
        let Some(wrong) = misspell(queries[place], &mut random) else { continue };
        let found = first_ten(index, &wrong);
        let kept = clean[place].iter().filter(|id| found.contains(id)).count();
        let recall = kept as f64 / clean[place].len() as f64;
        outcome.n_queries += 1;
        outcome.recall += recall;
        if recall < 1.0 {
            outcome.lost.push((queries[place].to_owned(), wrong));
        }
    }
    outcome.recall /= outcome.n_queries.max(1) as f64;
    outcome
}

fn first_ten(index: &SearchIndex, query: &str) -> Vec<String> {
    let mut ids = rank_with(index, query, Tolerance::Forgiving);
    ids.truncate(10);
    ids
}

/// One error in a query; none when no word may have one.
fn misspell(query: &str, random: &mut Random) -> Option<String> {
    let words = words_of(query);
    let mut texts: Vec<String> = words.iter().map(|word| word.text.clone()).collect();
    let open: Vec<usize> = (0..words.len())
        .filter(|idx| Limit::of(&words[*idx].text, words[*idx].kind).typos() > 0)
        .collect();
    if open.is_empty() {
        return None;
    }
    let at = open[random.below(open.len())];
    let mut letters: Vec<char> = texts[at].chars().collect();
    let place = 1 + random.below(letters.len() - 1);
    let letter = char::from(b'a' + random.below(26) as u8);
    match random.below(6) {
        0 => {
            letters.remove(place);
        }
        1 => letters.insert(place, letter),
        2 => letters[place] = letter,
        3 => {
            let neighbour = if place + 1 < letters.len() { place + 1 } else { place - 1 };
            letters.swap(place, neighbour);
        }
        4 => letters.insert(place, ' '),
        _ => {
            // The next word is joined to it, or it to the word before.
            let next = if at + 1 < texts.len() { at + 1 } else { at.checked_sub(1)? };
            let (left, right) = (at.min(next), at.max(next));
            let joined = format!("{}{}", texts[left], texts[right]);
            texts[left] = joined;
            texts.remove(right);
            return Some(texts.join(" "));
        }
    }
    // An exchange with the first letter counts twice, so it is no single error; and the rule goes by the
    // letters that were typed.
    let wrong: String = letters.into_iter().collect();
    let is_split = wrong.contains(' ');
    let is_single = wrong.chars().next() == texts[at].chars().next()
        && wrong != texts[at]
        && (is_split || Limit::of(&wrong, TokenKind::Word).typos() > 0);
    texts[at] = wrong;
    is_single.then(|| texts.join(" "))
}

/// xorshift64* (Vigna 2016).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let bits = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d);
        ((u128::from(bits) * bound as u128) >> 64) as usize
    }
}
