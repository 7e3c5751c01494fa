//! Compounds: `Laufschuhe` is found by `Schuhe`, in languages that write words together.
//!
//! Parts are recognised by the index's own words, so no dictionary is needed: a word is taken apart
//! where both sides are words of products too, with at most a linking sound between them; the first may
//! be the stem of a verb.

use rustc_hash::FxHashMap;

use crate::lexicon::{Lexicon, Term, Words};

/// Letters of the shortest part; chosen: shorter words stand in many others by chance.
const PART_MIN: usize = 4;
/// What may stand between two parts.
const LINKS: [&str; 6] = ["", "s", "n", "en", "es", "er"];

/// Which compounds have a term as a part.
#[derive(Clone, Debug, Default)]
pub(crate) struct Compounds {
    of: FxHashMap<Term, Vec<(Term, Part)>>,
    /// Words of each language looked at so far.
    n_seen: Vec<usize>,
}

/// Where a part stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Part {
    /// At the end: what the thing is.
    Head,
    /// Before: what kind of it.
    Modifier,
}

impl Compounds {
    /// Looks at words that are new since the last time.
    pub(crate) fn learn(&mut self, lexicon: &Lexicon) {
        self.n_seen.resize(lexicon.words.len(), 0);
        for (words, n_seen) in lexicon.words.iter().zip(&mut self.n_seen) {
            let new = std::mem::replace(n_seen, words.len())..words.len();
            if !words.language().has_compounds() {
                continue;
            }
            for word in new.map(|word| word as u32) {
                let Some((left, right)) = split(words, words.text(word)) else { continue };
                let whole = words.term(word);
                for (part, place) in [(left, Part::Modifier), (right, Part::Head)] {
                    let known = self.of.entry(part).or_default();
                    if part != whole && !known.contains(&(whole, place)) {
                        known.push((whole, place));
                    }
                }
            }
        }
    }

    /// The compounds that a term is a part of.
    pub(crate) fn with(&self, term: Term) -> &[(Term, Part)] {
        self.of.get(&term).map_or(&[], Vec::as_slice)
    }
}

/// The two parts of a compound, as terms: the split whose rarer part is in most products.
pub(crate) fn split(words: &Words, word: &str) -> Option<(Term, Term)> {
    if !word.is_ascii() && !word.chars().all(char::is_alphabetic) {
        return None;
    }
    let mut best: Option<(u32, (Term, Term))> = None;
    for end in word.char_indices().map(|(idx, _)| idx).filter(|idx| *idx >= PART_MIN) {
        let (left, rest) = word.split_at(end);
        for link in LINKS {
            let Some(right) = rest.strip_prefix(link).filter(|right| right.len() >= PART_MIN)
            else {
                continue;
            };
            let Some(right) = words.get(right) else { continue };
            let Some(left) = words.get(left).or_else(|| verb(words, left)) else { break };
            let support = words.count(left).min(words.count(right));
            if support > 0 && best.is_none_or(|(known, _)| support > known) {
                best = Some((support, (words.term(left), words.term(right))));
            }
        }
    }
    best.map(|(_, parts)| parts)
}

/// The verb that a part is the stem of: `laufen` of `Laufschuhe`, `wandern` of `Wanderschuhe`.
fn verb(words: &Words, stem: &str) -> Option<u32> {
    ["en", "n"].iter().find_map(|ending| words.get(&format!("{stem}{ending}")))
}

#[cfg(test)]
mod tests;
