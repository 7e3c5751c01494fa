//! Corrections: a query read as it was probably meant, and then answered as if it had been typed so.

use super::{Correction, Plan, QueryWord, words_of};
use crate::retrieve::n_together;
use crate::spelling::Limit;

/// Ways to read one word that are tried.
const TRIED: usize = 3;
/// A joined word is meant when it is in this many times as many products as both parts together.
const JOINED_TIMES: usize = 4;

impl Plan<'_> {
    /// The words as they were probably meant, if that is another query: words that are in no product, or
    /// hardly any, and words that belong together. `n_found` tells how much a reading finds.
    pub(crate) fn meant(&self, n_found: &mut dyn FnMut(&[QueryWord]) -> usize) -> Option<String> {
        let joined = self.joined();
        let base = joined.as_deref().map_or_else(|| self.words.clone(), words_of);
        let typed = Plan::new(self.index, base, self.languages[0]);
        let mut doubtful: Vec<usize> =
            (0..typed.words.len()).filter(|idx| typed.is_doubtful(*idx)).collect();
        if doubtful.is_empty() && joined.is_none() && n_found(&typed.words) == 0 {
            // Every word is known, but not together: one of them is another word's typing error.
            doubtful = (0..typed.words.len()).collect();
            doubtful.sort_by_key(|idx| typed.docs_as_typed(*idx));
            return doubtful.into_iter().find_map(|idx| {
                let texts = typed.readings(idx).into_iter().map(|text| typed.with(idx, &text));
                texts.into_iter().find(|text| n_found(&words_of(text)) > 0)
            });
        }
        let mut text = joined.clone().unwrap_or_else(|| typed.text());
        let mut is_changed = joined.is_some();
        for idx in doubtful.into_iter().rev() {
            let now = Plan::new(self.index, words_of(&text), self.languages[0]);
            let readings = typed.readings(idx);
            let best = readings.iter().map(|reading| now.with(idx, reading));
            let best: Vec<String> = best.collect();
            let found = best.iter().find(|text| n_found(&words_of(text)) > 0).or(best.first());
            if let Some(found) = found {
                text.clone_from(found);
                is_changed = true;
            }
        }
        is_changed.then_some(text)
    }

    fn text(&self) -> String {
        self.words.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ")
    }

    /// The query with one word read otherwise.
    fn with(&self, idx: usize, reading: &str) -> String {
        let words = self.words.iter().enumerate();
        let words = words.map(|(at, word)| if at == idx { reading } else { word.text.as_str() });
        words.collect::<Vec<_>>().join(" ")
    }

    /// What a word may be meant to be, likeliest first.
    fn readings(&self, idx: usize) -> Vec<String> {
        let word = &self.words[idx];
        let docs = self.docs_as_typed(idx);
        let mut readings: Vec<(f32, String)> = Vec::new();
        for (support, left, right) in self.splits(&word.text) {
            // A letter alone is rarely a word.
            let is_odd = left.chars().count() == 1 || right.chars().count() == 1;
            let cost = if is_odd { 6.0 } else { 4.0 };
            readings.push(((1.0 + support as f32).ln() - cost, format!("{left} {right}")));
        }
        for (near, text) in self.near(word) {
            // A rare word that was typed is left alone unless another is far likelier.
            if near.docs >= 20 * docs {
                readings.push((near.likelihood(), text));
            }
        }
        readings.sort_by(|left, right| right.0.total_cmp(&left.0).then(left.1.cmp(&right.1)));
        readings.into_iter().take(TRIED).map(|(_, text)| text).collect()
    }

    /// The query with words joined that were split by mistake.
    fn joined(&self) -> Option<String> {
        let mut out: Vec<String> = Vec::new();
        let (mut at, mut is_joined) = (0, false);
        while at < self.words.len() {
            let whole = self.words.get(at + 1).and_then(|next| self.whole(at, next));
            // `phone s tand`: a word that nobody knows is joined before two that are known.
            let is_lost = |idx: usize| idx < self.words.len() && self.docs_as_typed(idx) == 0;
            let next_is_better = !is_lost(at) && !is_lost(at + 1) && is_lost(at + 2);
            let whole = whole.filter(|_| !next_is_better);
            at += 1 + usize::from(whole.is_some());
            is_joined |= whole.is_some();
            out.push(whole.unwrap_or_else(|| self.words[at - 1].text.clone()));
        }
        is_joined.then(|| out.join(" "))
    }

    fn whole(&self, at: usize, next: &QueryWord) -> Option<String> {
        let whole = format!("{}{}", self.words[at].text, next.text);
        let kind = crate::text::TokenKind::Word;
        if whole.chars().any(|char| !char.is_alphabetic()) || Limit::of(&whole, kind).typos() == 0 {
            return None;
        }
        let words = self.vocabularies().find(|words| words.get(&whole).is_some())?;
        let docs = self.index.lexicon.docs(words.term(words.get(&whole)?)) as usize;
        let parts =
            [&self.words[at].text, &next.text].map(|part| self.terms(part).first().copied());
        let together = match parts {
            [Some(left), Some(right)] => n_together(&self.index.chunks, &[left, right]),
            _ => 0,
        };
        (docs > JOINED_TIMES * together).then_some(whole)
    }

    /// Notes that the query was read as `text`.
    pub(crate) fn read_as(&mut self, text: String) {
        self.corrections.fill(Some(Correction::Swallowed));
        if let Some(first) = self.corrections.first_mut() {
            *first = Some(Correction::Replaced(text));
        }
    }

    /// Also takes a rare word of the query as it was typed, whatever it was read as.
    pub(crate) fn keep_typed(&mut self, typed: &Plan<'_>) {
        if typed.slots.len() == self.slots.len() {
            for (idx, slot) in typed.slots.iter().enumerate() {
                for alternative in slot.alternatives.iter().filter(|a| a.factor >= 1.0) {
                    self.add(idx, alternative.terms.clone(), 1.0);
                }
            }
        }
    }
}
