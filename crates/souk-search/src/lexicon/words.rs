//! The words of one language as they are written, to be found by their beginning or by a likeness.

use rustc_hash::FxHashMap;

use super::Term;
use super::interner::{Interner, Texts};
use crate::spelling::{Limit, letters, typos};
use crate::text::Language;

/// Words that wait to be sorted; chosen: looked through in some 20 µs.
const RECENT_MAX: usize = 4_096;

/// Spellings of one word that are told apart; chosen: with the accents left out it has two or three.
const SPELLINGS_MAX: usize = 4;

/// Spellings by their words, each with in how many products it is.
pub(crate) type Spellings = (Vec<u32>, Texts, Vec<u32>);

/// Folded words, each with its term, in how many products it is, and ways to find it.
#[derive(Clone, Debug)]
pub(crate) struct Words {
    language: Language,
    texts: Interner,
    terms: Vec<Term>,
    /// Products that it came with, since the index was made.
    counts: Vec<u32>,
    /// Numbers of all words but the `recent`, in the order of their texts.
    sorted: Vec<u32>,
    recent: Vec<u32>,
    /// Words of letters alone by their length in characters, with the letters in them as bits.
    by_length: Vec<Vec<(u32, u32)>>,
    /// Of words that are written otherwise than folded, in lower case: how, and in how many products.
    spellings: FxHashMap<u32, Vec<(Box<str>, u32)>>,
}

/// A word that is like another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Near {
    pub(crate) word: u32,
    /// Typing errors between the two, a wrong first letter counted twice.
    pub(crate) typos: u8,
}

impl Words {
    pub(crate) fn new(language: Language) -> Words {
        Words {
            language,
            texts: Interner::default(),
            terms: Vec::new(),
            counts: Vec::new(),
            sorted: Vec::new(),
            recent: Vec::new(),
            by_length: Vec::new(),
            spellings: FxHashMap::default(),
        }
    }

    pub(crate) fn language(&self) -> Language {
        self.language
    }

    pub(crate) fn len(&self) -> usize {
        self.terms.len()
    }

    pub(crate) fn get(&self, word: &str) -> Option<u32> {
        self.texts.get(word)
    }

    pub(crate) fn term(&self, word: u32) -> Term {
        self.terms[word as usize]
    }

    pub(crate) fn text(&self, word: u32) -> &str {
        self.texts.text(word)
    }

    pub(crate) fn count(&self, word: u32) -> u32 {
        self.counts[word as usize]
    }

    pub(crate) fn add_count(&mut self, word: u32) {
        self.counts[word as usize] += 1;
    }

    /// Counts products in which a word is written so.
    pub(crate) fn add_spelling(&mut self, word: u32, (spelling, count): (&str, u32)) {
        let known = self.spellings.entry(word).or_default();
        if let Some((_, n_products)) = known.iter_mut().find(|(text, _)| **text == *spelling) {
            *n_products += count;
        } else if known.len() < SPELLINGS_MAX {
            known.push((spelling.into(), count));
        }
    }

    /// A word as most products write it, accents and all, in lower case.
    pub(crate) fn written(&self, word: u32) -> &str {
        let known = self.spellings.get(&word).map_or(&[][..], Vec::as_slice);
        let otherwise: u32 = known.iter().map(|(_, count)| count).sum();
        let most =
            known.iter().max_by(|left, right| left.1.cmp(&right.1).then(right.0.cmp(&left.0)));
        let n_folded = self.count(word).saturating_sub(otherwise);
        most.filter(|most| most.1 >= n_folded).map_or_else(|| self.text(word), |most| &*most.0)
    }

    /// What a snapshot keeps of spellings.
    pub(crate) fn spellings(&self) -> Spellings {
        let mut words: Vec<u32> = self.spellings.keys().copied().collect();
        words.sort_unstable();
        let (mut numbers, mut texts, mut counts) = Spellings::default();
        for word in words {
            for (text, count) in &self.spellings[&word] {
                numbers.push(word);
                texts.push(text);
                counts.push(*count);
            }
        }
        (numbers, texts, counts)
    }

    /// Takes in [`Words::spellings`]; `None` when they do not fit.
    pub(crate) fn with_spellings(mut self, (words, texts, counts): Spellings) -> Option<Words> {
        if words.len() != texts.len() || words.len() != counts.len() {
            return None;
        }
        for (number, (word, count)) in (0..).zip(words.into_iter().zip(counts)) {
            if word as usize >= self.len() {
                return None;
            }
            self.add_spelling(word, (texts.get(number), count));
        }
        Some(self)
    }

    /// Takes in a word that is not there yet.
    pub(super) fn add(&mut self, word: &str, term: Term) -> u32 {
        let number = self.texts.intern(word);
        self.terms.push(term);
        self.counts.push(0);
        self.enlist(number);
        if self.recent.len() > RECENT_MAX + self.sorted.len() / 8 {
            self.sort();
        }
        number
    }

    fn enlist(&mut self, number: u32) {
        self.recent.push(number);
        let word = self.texts.text(number);
        if word.chars().all(char::is_alphabetic) {
            let length = word.chars().count();
            if self.by_length.len() <= length {
                self.by_length.resize(length + 1, Vec::new());
            }
            self.by_length[length].push((letters(word), number));
        }
    }

    fn sort(&mut self) {
        let mut all = std::mem::take(&mut self.sorted);
        all.append(&mut self.recent);
        let texts = &self.texts;
        // Mostly sorted already, which the stable sort makes use of.
        all.sort_by(|left, right| texts.text(*left).cmp(texts.text(*right)));
        self.sorted = all;
    }

    /// Calls `take` with each word that begins with `prefix`.
    pub(crate) fn with_prefix(&self, prefix: &str, take: &mut dyn FnMut(u32)) {
        let start = self.sorted.partition_point(|word| self.text(*word) < prefix);
        let sorted = self.sorted[start..].iter();
        sorted
            .take_while(|word| self.text(**word).starts_with(prefix))
            .for_each(|word| take(*word));
        let recent = self.recent.iter().filter(|word| self.text(**word).starts_with(prefix));
        recent.for_each(|word| take(*word));
    }

    /// Words within `limit` typing errors of `word`, itself not among them.
    pub(crate) fn near(&self, word: &str, limit: Limit) -> Vec<Near> {
        let mut found = Vec::new();
        let max = limit.typos();
        if max == 0 {
            return found;
        }
        let chars: Vec<char> = word.chars().collect();
        let wanted = letters(word);
        // Letters that are doubled where they were not, or the other way round, are one error, so two of them may make a
        // length that the limit does not reach; but then no other letter is there than in the word.
        let n_doubled = chars.windows(2).filter(|pair| pair[0] == pair[1]).count();
        let max_apart = usize::from(max);
        let shortest = chars.len().saturating_sub(max_apart.max(n_doubled.min(2))).max(1);
        let longest = (chars.len() + max_apart.max(2)).min(self.by_length.len().saturating_sub(1));
        for length in shortest..=longest {
            // One error changes at most two bits: a letter goes, another comes.
            let is_in_reach = length.abs_diff(chars.len()) <= max_apart;
            let bits_max = if is_in_reach { 2 * u32::from(max) } else { 0 };
            for &(signature, number) in &self.by_length[length] {
                if (signature ^ wanted).count_ones() > bits_max {
                    continue;
                }
                let other = self.text(number);
                if other != word
                    && let Some(typos) = typos(&chars, other, max)
                {
                    found.push(Near { word: number, typos });
                }
            }
        }
        found
    }

    pub(super) fn absorb(&mut self, other: &Words, terms: &[u32]) -> Vec<u32> {
        let mut ours = Vec::with_capacity(other.len());
        for theirs in 0..other.len() as u32 {
            let text = other.text(theirs);
            let number = match self.texts.get(text) {
                Some(number) => number,
                None => self.add(text, Term(terms[other.term(theirs).0 as usize])),
            };
            self.counts[number as usize] += other.count(theirs);
            for (spelling, count) in other.spellings.get(&theirs).into_iter().flatten() {
                self.add_spelling(number, (spelling, *count));
            }
            ours.push(number);
        }
        ours
    }

    pub(super) fn bytes(&self) -> usize {
        self.texts.bytes()
            + self.terms.len() * 12
            + self.by_length.iter().map(|words| words.capacity() * 8).sum::<usize>()
            // A list of its own for each, with a text or two.
            + self.spellings.capacity() * 96
    }

    /// What a snapshot keeps: texts, terms, counts.
    pub(crate) fn parts(&self) -> (&Texts, impl Iterator<Item = u32>, &[u32]) {
        (self.texts.texts(), self.terms.iter().map(|term| term.0), &self.counts)
    }

    /// The numbers of all words in the order of their texts.
    pub(crate) fn in_order(&self) -> Vec<u32> {
        let mut all = [&self.sorted[..], &self.recent[..]].concat();
        all.sort_by(|left, right| self.text(*left).cmp(self.text(*right)));
        all
    }

    /// Whether every word's term is one of `n_terms`.
    pub(crate) fn has_terms_below(&self, n_terms: usize) -> bool {
        self.terms.iter().all(|term| (term.0 as usize) < n_terms)
    }

    /// Puts [`Words::parts`] and [`Words::in_order`] together again; `None` when they do not fit each other.
    pub(crate) fn from_parts(
        language: Language,
        texts: Texts,
        (terms, counts, sorted): (Vec<u32>, Vec<u32>, Vec<u32>),
    ) -> Option<Words> {
        if texts.len() != terms.len() || terms.len() != counts.len() {
            return None;
        }
        if sorted.len() != terms.len() || sorted.iter().any(|word| *word as usize >= terms.len()) {
            return None;
        }
        let mut words = Words::new(language);
        words.texts = Interner::from_texts(texts)?;
        words.terms = terms.into_iter().map(Term).collect();
        words.counts = counts;
        for number in 0..words.terms.len() as u32 {
            words.enlist(number);
        }
        (words.recent, words.sorted) = (Vec::new(), sorted);
        Some(words)
    }
}
