//! A query's words, and what each may stand for in the catalogue.

mod correct;
mod head;
mod unwanted;

pub(crate) use unwanted::{Unwanted, split as split_unwanted, unwanted};

pub(crate) use head::head_of;

use rustc_hash::FxHashMap;

use crate::compounds::{Part, split};
use crate::index::SearchIndex;
use crate::lexicon::{Near, Term, Words};
use crate::request::SearchRequest;
use crate::retrieve::{Alternative, Slot, n_together};
use crate::spelling::Limit;
use crate::text::{Language, TokenKind, Tokens};

/// A word as typed, folded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct QueryWord {
    pub(crate) text: String,
    pub(crate) kind: TokenKind,
    /// The parts of a code or measure.
    parts: Vec<String>,
}

/// What each way of standing for a word is worth; chosen so that what is typed comes before what is
/// meant the same, and that before what is guessed.
mod worth {
    pub(super) const JOINED: f32 = 0.9;
    pub(super) const PARTS: f32 = 0.9;
    pub(super) const SYNONYM: f32 = 0.8;
    pub(super) const HEAD: f32 = 0.7;
    pub(super) const MODIFIER: f32 = 0.4;
    pub(super) const SPLIT: f32 = 0.8;
    pub(super) const BEGINNING: f32 = 0.6;
    /// By the number of typing errors.
    pub(super) const TYPOS: [f32; 3] = [0.7, 0.7, 0.5];
}

/// Words that one may be meant to be; the more frequent ones are kept. Chosen, as Meilisearch has it.
const NEAR_MAX: usize = 50;
/// Words that a beginning may become.
const BEGINNINGS_MAX: usize = 40;
/// Compounds with one part.
const COMPOUNDS_MAX: usize = 60;
/// How much more the word that says what is looked for is worth than any other, where not all are asked
/// for; chosen.
const HEAD_WEIGHT: f32 = 1.3;
/// How much more a code is worth there: it names one thing. Chosen.
const CODE_WEIGHT: f32 = 1.5;
/// How much of what is asked for it is, an ordinary word being [`Slot::PLAIN`]; chosen.
const CODE_PART: u8 = 3;
/// The same of a word that stands where such words stand and closes phrases in at least this share of its titles; chosen: gum
/// is nearer to sugar free gum than sugar free pies are. Of other words it is less sure that they say what is looked for.
const SURE_HEAD_PART: u8 = 5;
const SURE_HEAD_SHARE: f32 = 0.5;
/// The share of its titles in which a word must close a phrase to be taken for what is looked for by its place
/// alone, and by how much another must surpass it otherwise; chosen.
const HEAD_SHARE: f32 = 0.25;
const HEAD_MARGIN: f32 = 0.25;
/// One in how many products, and how many at most, must have what a short word that stands alone is read as. Measured with one
/// typing error in 1,000 rated queries: six products lose nothing, twelve lose words that were meant.
const LONE_SHARE: usize = 500;
const LONE_DOCS: usize = 5;
/// Ways to split a word that are looked for in products.
const SPLITS_MAX: usize = 5;
/// Products below which a known word may still be a typing error, in the query or in the catalogue.
const RARE: u32 = 3;

/// The words of a query that count, in their order.
pub(crate) fn words_of(query: &str) -> Vec<QueryWord> {
    let mut end = query.len().min(SearchRequest::QUERY_BYTES_MAX);
    while !query.is_char_boundary(end) {
        end -= 1;
    }
    let mut tokens = Tokens::default();
    tokens.read(&query[..end]);
    let mut words: Vec<QueryWord> = Vec::new();
    for token in tokens.all() {
        let text = tokens.text(token).to_owned();
        if !token.is_extra {
            words.push(QueryWord { text, kind: token.kind, parts: Vec::new() });
        } else if let Some(last) = words.last_mut()
            && last.kind != TokenKind::Word
            && last.parts.len() < 2
        {
            last.parts.push(text);
        }
    }
    words.truncate(SearchRequest::WORDS_MAX);
    words
}

/// Whether a word may be two that were written together: letters anywhere, a code before the letters that it
/// ends with (`ps4games`), for what is within a code is one thing.
fn may_be_split(word: &QueryWord, at: usize) -> bool {
    let (left, right) = word.text.split_at(at);
    match word.kind {
        TokenKind::Word => true,
        TokenKind::Code => {
            left.ends_with(|char: char| char.is_ascii_digit())
                && right.chars().all(char::is_alphabetic)
                && right.chars().count() >= 3
        }
        TokenKind::Number | TokenKind::Measure => false,
    }
}

/// The places of words that say something; of all of them, when none does.
///
/// In a question (`what do I need for tacos`) the words that ask say nothing. Small words of another language than the
/// query's say nothing either, unless the catalogue has them: `hülle für iphone`.
fn places_that_count(index: &SearchIndex, words: &[QueryWord], language: Language) -> Vec<usize> {
    let texts: Vec<&str> = words.iter().map(|word| word.text.as_str()).collect();
    let n_asking = language.question(&texts);
    let is_foreign = |text: &str| {
        index.lexicon.terms.get(text).is_none()
            && Language::ALL.iter().any(|other| other.is_stop_word(text))
    };
    let is_stop = |place: &usize| {
        *place < n_asking || language.is_stop_word(texts[*place]) || is_foreign(texts[*place])
    };
    let all = 0..words.len();
    let counted: Vec<usize> = all.clone().filter(|place| !is_stop(place)).collect();
    if counted.is_empty() { all.collect() } else { counted }
}

/// A query as it is looked for.
#[derive(Clone, Debug)]
pub(crate) struct Plan<'a> {
    index: &'a SearchIndex,
    /// Places of the languages that its words are looked up in.
    languages: Vec<usize>,
    pub(crate) words: Vec<QueryWord>,
    pub(crate) slots: Vec<Slot>,
    /// Which of them says what is looked for, the others saying which.
    pub(crate) head: Option<usize>,
    /// How much of what is asked for it is.
    head_part: u8,
    /// All words, those that say nothing among them.
    typed: Vec<QueryWord>,
    /// The place of each word that counts among all words.
    places: Vec<usize>,
    /// Each word as it was probably meant, where it was changed.
    corrections: Vec<Option<Correction>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Correction {
    Replaced(String),
    /// It belongs to the word before.
    Swallowed,
}

impl<'a> Plan<'a> {
    /// Takes the words as they are typed.
    pub(crate) fn new(index: &'a SearchIndex, words: Vec<QueryWord>, language: usize) -> Plan<'a> {
        let mut languages = vec![language];
        if language != 0 {
            languages.push(0);
        }
        let places = places_that_count(index, &words, index.lexicon.words[language].language());
        let counted: Vec<QueryWord> = places.iter().map(|place| words[*place].clone()).collect();
        let head = head::head_of(index, &words, language);
        let mut plan = Plan {
            index,
            languages,
            slots: vec![Slot::default(); counted.len()],
            head: head.and_then(|head| places.iter().position(|place| *place == head)),
            head_part: Slot::PLAIN,
            corrections: vec![None; counted.len()],
            words: counted,
            typed: words,
            places,
        };
        for idx in 0..plan.words.len() {
            plan.take_as_typed(idx);
        }
        for place in 1..plan.typed.len() {
            plan.join(place);
        }
        plan.add_synonyms();
        plan.weigh();
        plan
    }

    fn vocabularies(&self) -> impl Iterator<Item = &'a Words> + use<'a> {
        let index = self.index;
        self.languages.clone().into_iter().map(move |language| &index.lexicon.words[language])
    }

    /// The terms of a word in the languages of the query.
    fn terms(&self, word: &str) -> Vec<Term> {
        let mut terms = Vec::new();
        for words in self.vocabularies() {
            let known = words.get(word).map(|known| words.term(known)).or_else(|| {
                let stem = words.language().stem(word);
                self.index.lexicon.terms.get(&stem).map(Term)
            });
            terms.extend(known.filter(|term| !terms.contains(term)));
        }
        terms
    }

    fn add(&mut self, idx: usize, terms: Vec<Term>, factor: f32) {
        let alternatives = &mut self.slots[idx].alternatives;
        match alternatives.iter_mut().find(|known| known.terms == terms) {
            Some(known) => known.factor = known.factor.max(factor),
            None => alternatives.push(Alternative { terms, factor }),
        }
    }

    fn take_as_typed(&mut self, idx: usize) {
        let word = self.words[idx].clone();
        for term in self.terms(&word.text) {
            self.add(idx, vec![term], 1.0);
            let compounds = self.index.compounds.with(term).iter().take(COMPOUNDS_MAX);
            for (compound, part) in compounds {
                let factor = if *part == Part::Head { worth::HEAD } else { worth::MODIFIER };
                self.add(idx, vec![*compound], factor);
            }
        }
        if word.parts.len() == 2 {
            let parts: Vec<Term> =
                word.parts.iter().filter_map(|part| self.terms(part).first().copied()).collect();
            if parts.len() == 2 {
                self.add(idx, parts, worth::PARTS);
            }
        }
        for words in self.vocabularies().filter(|words| words.language().has_compounds()) {
            if let Some((left, right)) = split(words, &word.text) {
                self.add(idx, vec![left, right], worth::HEAD);
            }
        }
    }

    /// A word and the one before, written together: `head phones`, and also `a pple`, where a part says
    /// nothing by itself.
    fn join(&mut self, place: usize) {
        let slot_of = |place: usize| self.places.iter().position(|other| *other == place);
        let idxs: Vec<usize> = [place - 1, place].into_iter().filter_map(slot_of).collect();
        let whole = format!("{}{}", self.typed[place - 1].text, self.typed[place].text);
        let is_lost = idxs.iter().any(|idx| self.slots[*idx].alternatives.is_empty());
        if idxs.is_empty() || (idxs.len() == 1 && !is_lost) {
            return;
        }
        for words in self.vocabularies() {
            let Some(known) = words.get(&whole) else { continue };
            let term = words.term(known);
            if is_lost {
                self.corrections[idxs[0]] = Some(Correction::Replaced(whole.clone()));
                idxs[1..].iter().for_each(|idx| {
                    self.corrections[*idx] = Some(Correction::Swallowed);
                });
            }
            idxs.iter().for_each(|idx| self.add(*idx, vec![term], worth::JOINED));
        }
    }

    fn add_synonyms(&mut self) {
        let typed: Vec<String> = self.words.iter().map(|word| word.text.clone()).collect();
        let typed: Vec<&str> = typed.iter().map(String::as_str).collect();
        let synonyms = &self.index.synonyms;
        for start in 0..typed.len() {
            for (length, meaning) in synonyms.at(&typed[start..]) {
                let terms: Option<Vec<Term>> =
                    meaning.iter().map(|word| self.terms(word).first().copied()).collect();
                let Some(terms) = terms else { continue };
                for idx in start..start + length {
                    self.add(idx, terms.clone(), worth::SYNONYM);
                }
            }
        }
    }

    /// Whether a word is found nowhere, or so rarely that it may be a typing error.
    pub(crate) fn is_doubtful(&self, idx: usize) -> bool {
        self.words[idx].kind != TokenKind::Number && self.docs_as_typed(idx) < RARE
    }

    /// Products with a word as it was typed.
    fn docs_as_typed(&self, idx: usize) -> u32 {
        let docs = |alternative: &Alternative| match alternative.terms.as_slice() {
            [term] if alternative.factor >= 1.0 => self.index.live_docs(*term),
            _ => 0,
        };
        self.slots[idx].alternatives.iter().map(docs).max().unwrap_or(0)
    }

    /// Also takes a word with typing errors, or split.
    pub(crate) fn forgive(&mut self, idx: usize) {
        let word = self.words[idx].clone();
        if word.kind != TokenKind::Word {
            return;
        }
        let is_lost = self.slots[idx].alternatives.is_empty();
        let near = self.near(&word);
        if let Some((_, best)) = near.first().filter(|_| is_lost) {
            self.corrections[idx] = Some(Correction::Replaced(best.clone()));
        }
        let most = near.iter().map(|(found, _)| found.docs).max().unwrap_or(1);
        for (found, _) in &near {
            // A rare word is rarely what was meant; it is kept, but behind.
            let share = (1.0 + found.docs as f32).ln() / (1.0 + most as f32).ln();
            let factor = worth::TYPOS[usize::from(found.typos)] * (0.5 + 0.5 * share);
            self.add(idx, vec![found.term], factor);
        }
        for (support, left, right) in self.splits(&word) {
            if is_lost && near.first().is_none_or(|(found, _)| found.docs < support) {
                self.corrections[idx] = Some(Correction::Replaced(format!("{left} {right}")));
            }
            let terms: Vec<Term> =
                [left, right].iter().filter_map(|part| self.terms(part).first().copied()).collect();
            self.add(idx, terms, worth::SPLIT);
        }
        self.weigh();
    }

    /// What a word may be meant to be, likeliest first, with its commonest spelling.
    fn near(&self, word: &QueryWord) -> Vec<(NearTerm, String)> {
        let limit = Limit::of(&word.text, word.kind);
        let docs_min = self.docs_to_be_meant(word);
        let mut found: FxHashMap<Term, (NearTerm, u32, String)> = FxHashMap::default();
        for words in self.vocabularies() {
            // The catalogue may have the one number alone, and the shopper may have typed the other.
            let other = words.language().other_number(&word.text);
            let others = other.iter().flat_map(|other| words.near(other, limit));
            let all = words.near(&word.text, limit).into_iter().chain(others);
            // Nobody types `forks` for `for`.
            let says = |near: &Near| !words.language().is_stop_word(words.text(near.word));
            for near in all.filter(says) {
                let (term, count) = (words.term(near.word), words.count(near.word));
                let docs = self.index.lexicon.docs(term);
                if docs < docs_min {
                    continue;
                }
                let this = NearTerm { term, typos: near.typos, docs };
                let known = found
                    .entry(term)
                    .or_insert_with(|| (this, count, words.text(near.word).to_owned()));
                known.0.typos = known.0.typos.min(near.typos);
                // The spelling that is nearest, then commonest, is shown.
                if near.typos < known.0.typos || count > known.1 {
                    known.1 = count;
                    known.2 = words.text(near.word).to_owned();
                }
            }
        }
        let mut found: Vec<(NearTerm, String)> =
            found.into_values().map(|(near, _, text)| (near, text)).collect();
        found.sort_by(|(left, left_text), (right, right_text)| {
            right.likelihood().total_cmp(&left.likelihood()).then(left_text.cmp(right_text))
        });
        found.truncate(NEAR_MAX);
        // Titles are kept in the first language alone.
        if self.languages[0] == 0 {
            found.retain(|(near, _)| head::names_a_thing(self.index, &[near.term]));
        }
        found
    }

    /// Products that must have a word for another to be read as it. A short word that stands alone, or among others that
    /// nobody knows, has nothing to go with, and nearly each is near another: only a common one is meant.
    fn docs_to_be_meant(&self, word: &QueryWord) -> u32 {
        let is_known = |(other, slot): (&QueryWord, &Slot)| {
            other.text != word.text && !slot.alternatives.is_empty()
        };
        let goes_with = self.words.iter().zip(&self.slots).any(is_known);
        if goes_with || word.text.chars().count() >= correct::ALONE_FROM {
            return 0;
        }
        (self.index.len() / LONE_SHARE).min(LONE_DOCS) as u32
    }

    /// Two words that were written together, the likeliest ways first: how many products have both, and
    /// the parts. What no product has together was not meant together: `macbook` is no `mac book`.
    fn splits(&self, word: &QueryWord) -> Vec<(u32, String, String)> {
        let docs_min = self.docs_to_be_meant(word) as usize;
        let mut found = Vec::new();
        for (end, _) in word.text.char_indices().skip(1) {
            if !may_be_split(word, end) {
                continue;
            }
            let (left, right) = word.text.split_at(end);
            for words in self.vocabularies() {
                let is_small = |part| words.language().is_stop_word(part);
                let (Some(first), Some(last)) = (words.get(left), words.get(right)) else {
                    continue;
                };
                let support = words.count(first).min(words.count(last));
                if support > 0
                    && (left.len() > 2 || right.len() > 2)
                    && !is_small(left)
                    && !is_small(right)
                {
                    let terms = [words.term(first), words.term(last)];
                    found.push((support, terms, left.to_owned(), right.to_owned()));
                }
            }
        }
        found.sort_by(|left, right| right.cmp(left));
        found.truncate(SPLITS_MAX);
        let chunks = &self.index.chunks;
        let mut found: Vec<(u32, String, String)> = found
            .into_iter()
            .map(|(_, terms, left, right)| (n_together(chunks, &terms), left, right))
            .filter(|(together, ..)| *together >= docs_min.max(1))
            .map(|(together, left, right)| (together as u32, left, right))
            .collect();
        found.sort_by(|left, right| right.cmp(left));
        found
    }

    /// Also takes the last word as a beginning.
    pub(crate) fn complete(&mut self) {
        let Some(idx) = self.words.len().checked_sub(1) else { return };
        let prefix = self.words[idx].text.clone();
        let mut found: FxHashMap<Term, u32> = FxHashMap::default();
        for words in self.vocabularies() {
            words.with_prefix(&prefix, &mut |word| {
                *found.entry(words.term(word)).or_default() += words.count(word);
            });
        }
        let mut found: Vec<(u32, Term)> =
            found.into_iter().map(|(term, count)| (count, term)).collect();
        found.sort_unstable_by(|left, right| right.cmp(left));
        for (_, term) in found.into_iter().take(BEGINNINGS_MAX) {
            self.add(idx, vec![term], worth::BEGINNING);
        }
        self.weigh();
    }

    /// How rare each word is among all products, as in BM25: by the commonest of what it most probably
    /// stands for, so that a guess that happens to be rare is not worth more than what was meant.
    fn weigh(&mut self) {
        let n_products = self.index.len() as f32;
        for slot in &mut self.slots {
            let best = slot.alternatives.iter().map(|a| a.factor).fold(0.0, f32::max);
            let likely = slot.alternatives.iter().filter(|a| a.factor >= best - 0.05);
            let docs = |alternative: &Alternative| {
                let docs = alternative.terms.iter().map(|term| self.index.live_docs(*term));
                docs.min().unwrap_or(0)
            };
            let docs = (likely.map(docs).max().unwrap_or(0) as f32).min(n_products);
            slot.weight = (1.0 + (n_products - docs + 0.5) / (docs + 0.5)).ln();
        }
    }

    /// Whether a word is a code, which names one thing and means nothing.
    pub(crate) fn names_code(&self) -> bool {
        self.words.iter().any(|word| word.kind == TokenKind::Code)
    }

    /// The slots for hits that need not have all words: the word that says what is looked for is worth more
    /// than those that say which, however rare they are. `milk` of `whole milk`, but not `games` of `ps4 games`:
    /// codes and numbers say more.
    pub(crate) fn slots_with_head(&self) -> Vec<Slot> {
        let mut slots = self.slots.clone();
        for (slot, word) in slots.iter_mut().zip(&self.words) {
            if word.kind == TokenKind::Code {
                slot.weight *= CODE_WEIGHT;
                slot.part = CODE_PART;
            }
        }
        if let Some(head) = self.head {
            let others = self.words.iter().zip(&self.slots).enumerate();
            let others =
                others.filter(|(idx, (word, _))| *idx != head && word.kind == TokenKind::Word);
            let most = others.map(|(_, (_, slot))| slot.weight).fold(0.0, f32::max);
            slots[head].weight = slots[head].weight.max(HEAD_WEIGHT * most);
            // What no product has lets no product lack less.
            if !slots[head].alternatives.is_empty() {
                slots[head].part = self.head_part;
                // However many say which, they are no more than what is looked for: a telephone with three of the words
                // of `samsung galaxy s7 charger` does not come before chargers.
                if self.head_part > Slot::PLAIN {
                    let others = Slot::whole(&slots) - usize::from(self.head_part);
                    slots[head].part = self.head_part.max(others as u8);
                }
            }
        }
        slots
    }

    /// The parts of words that no product has, so that lacking them says nothing of a hit.
    pub(crate) fn lost(&self) -> u8 {
        let slots = self.slots_with_head();
        let lost = slots.iter().filter(|slot| slot.alternatives.is_empty());
        lost.map(|slot| slot.part).sum()
    }

    /// Says what is looked for anew, for hits that need not have all words: not the packing of a thing, and no
    /// word that hardly ever says what things are in the titles of the catalogue (`grapes seedless`).
    pub(crate) fn settle_head(&mut self) {
        let language = self.index.lexicon.words[self.languages[0]].language();
        let own_terms = |slot: &Slot| -> Vec<Term> {
            let own = slot.alternatives.iter().filter(|own| own.factor >= 1.0);
            own.filter_map(|own| own.terms.first().copied()).collect()
        };
        let share_of = |idx: usize| {
            let terms = own_terms(&self.slots[idx]);
            let word = &self.words[idx];
            let may_be = word.kind == TokenKind::Word
                && !terms.is_empty()
                && !language.is_packing(&word.text);
            may_be.then(|| head::closing_share(self.index, &terms))
        };
        let Some(mut head) = self.head else { return };
        // What stands behind `for` says what the thing is for.
        let end = head::aside_from(&self.typed, language);
        let shares = (0..self.words.len()).filter(|idx| self.places[*idx] < end);
        let shares: Vec<(usize, f32)> =
            shares.filter_map(|idx| Some((idx, share_of(idx)?))).collect();
        // The packing of a thing stands beside it: `whole milk gallon`.
        if language.is_packing(&self.words[head].text)
            && let Some((beside, _)) = shares.iter().min_by_key(|(idx, _)| idx.abs_diff(head))
        {
            head = *beside;
            self.head = Some(head);
        }
        let share = shares.iter().find(|(idx, _)| *idx == head);
        let by_place = share.map_or(-HEAD_MARGIN, |(_, share)| *share);
        if by_place >= SURE_HEAD_SHARE {
            self.head_part = SURE_HEAD_PART;
        }
        // A word that the catalogue does not have may be what is looked for all the same.
        if by_place >= HEAD_SHARE || self.slots[head].alternatives.is_empty() {
            return;
        }
        let others = shares.iter().filter(|(idx, _)| *idx != head);
        let best = others.max_by(|left, right| left.1.total_cmp(&right.1));
        if let Some((idx, _)) = best.filter(|(_, share)| *share >= by_place + HEAD_MARGIN) {
            self.head = Some(*idx);
        }
    }

    /// Takes back guesses that found nothing together with the other words, in words so short that nearly
    /// each is near another; not if there is nothing else to go by.
    pub(crate) fn forget_guesses(&mut self, typed: &Plan<'a>) {
        if typed.slots.iter().all(|slot| slot.alternatives.is_empty()) {
            return;
        }
        for idx in 0..self.words.len() {
            if self.words[idx].text.chars().count() < correct::ALONE_FROM {
                self.slots[idx].clone_from(&typed.slots[idx]);
                self.corrections[idx].clone_from(&typed.corrections[idx]);
            }
        }
    }

    /// Whether every word stands for something.
    pub(crate) fn is_found(&self) -> bool {
        self.slots.iter().all(|slot| !slot.alternatives.is_empty())
    }

    /// The query as it was probably meant, where that differs from what was typed.
    pub(crate) fn corrected(&self) -> Option<String> {
        if self.corrections.iter().all(Option::is_none) {
            return None;
        }
        let words = self.words.iter().zip(&self.corrections);
        let words = words.filter_map(|(word, correction)| match correction {
            None => Some(word.text.as_str()),
            Some(Correction::Replaced(text)) => Some(text),
            Some(Correction::Swallowed) => None,
        });
        Some(words.collect::<Vec<_>>().join(" "))
    }
}

/// A term that a word may be meant to be.
#[derive(Clone, Copy, Debug)]
struct NearTerm {
    term: Term,
    typos: u8,
    docs: u32,
}

impl NearTerm {
    /// One error is likelier than two by far, and a common word likelier than a rare one.
    fn likelihood(&self) -> f32 {
        (1.0 + self.docs as f32).ln() - 4.0 * f32::from(self.typos)
    }
}

#[cfg(test)]
mod tests;
