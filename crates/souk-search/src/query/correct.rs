//! Corrections: a query read as it was probably meant, and then answered as if it had been typed so.

use super::{Correction, Plan, QueryWord, head, words_of, worth};
use crate::retrieve::n_together;
use crate::spelling::Limit;
use crate::text::TokenKind;

/// How much the sum of [`Plan::evidence`] counts; chosen: one product with all words in its title weighs as
/// much as an error of one letter is unlikely.
const EVIDENCE: f32 = 50.0;
/// Ways to read one word that are tried.
const TRIED: usize = 6;
/// How much less likely an error is that makes of one word another that the catalogue has, as a logarithm. Chosen: at 5, the
/// logarithm of some 150 words that one error may make of a word, of which it hits this one, misspelt queries keep less of their first
/// hits; up to 1 they lose nothing.
const REAL_WORD: f32 = 1.0;
/// A joined word is meant when it is in this many times as many products as both parts together.
const JOINED_TIMES: usize = 4;
/// Products below which a word may be written as two in more; chosen: of a commoner one shoppers see enough.
const SPLIT_BELOW: u32 = 20;
/// Letters from which a word is read otherwise although what it becomes is found with no other word of the
/// query: of shorter ones nearly every word is near another. Chosen.
pub(super) const ALONE_FROM: usize = 8;
/// Letters from which it is read otherwise where that is common, or goes with one other word: of shorter ones too many are
/// near another that does. `breed` of dog food is no `bread` because there is bread for hot dogs. Chosen.
const PAIRED_FROM: usize = 6;

/// The query with the likeliest reading of a word.
struct Best {
    /// The logarithm of its odds, about, beside what was typed.
    likelihood: f32,
    text: String,
}

/// A way to read a word.
#[derive(Clone, Debug)]
struct Reading {
    text: String,
    /// So many products have it that an error is likelier than a word that none has.
    is_common: bool,
    /// How unlikely the error is: the logarithm of its odds, about.
    cost: f32,
}

/// Tells how well a reading is borne out by products, 0 for none: see [`Plan::evidence`].
type Evidence<'a> = dyn FnMut(&[QueryWord]) -> f32 + 'a;

/// The logarithm of the odds that words were meant, about, given how well products bear them out.
fn likelihood(borne_out: f32) -> f32 {
    (1.0 + EVIDENCE * borne_out).ln()
}

impl Plan<'_> {
    /// The words as they were probably meant, if that is another query: words that are in no product, or
    /// hardly any, and words that belong together. `n_found` is how many products have all the words as typed.
    pub(crate) fn meant(&self, n_found: usize, evidence: &mut Evidence<'_>) -> Option<String> {
        let joined = self.joined();
        let base = joined.as_deref().map_or_else(|| self.typed.clone(), words_of);
        let typed = Plan::new(self.index, base, self.languages[0]);
        let mut doubtful: Vec<usize> =
            (0..typed.words.len()).filter(|idx| typed.is_doubtful(*idx)).collect();
        if doubtful.is_empty() && joined.is_none() && n_found == 0 {
            // Every word is known, but not together: one of them is another word's typing error.
            doubtful = (0..typed.words.len()).collect();
            doubtful.sort_by_key(|idx| typed.docs_as_typed(*idx));
            return doubtful.into_iter().find_map(|idx| {
                let best = typed.best(idx, &typed, evidence)?;
                // The shop may just not have what is asked for: `waterproof headphones`.
                (best.likelihood > 0.0).then_some(best.text)
            });
        }
        let mut text = joined.clone().unwrap_or_else(|| typed.text());
        let mut is_changed = joined.is_some();
        for idx in doubtful.into_iter().rev() {
            let now = Plan::new(self.index, words_of(&text), self.languages[0]);
            let best = typed.best(idx, &now, evidence);
            let best = if typed.docs_as_typed(idx) > 0 {
                // The catalogue has the word: it is what was meant, unless another is likelier by far.
                let as_typed = likelihood(evidence(&now.typed));
                best.filter(|best| best.likelihood - REAL_WORD > as_typed).map(|best| best.text)
            } else {
                best.map(|best| best.text).or_else(|| {
                    let first = typed.readings(idx).into_iter().next()?;
                    let is_read = typed.is_read_alone(idx, &first, evidence);
                    is_read.then(|| now.with(idx, &first.text))
                })
            };
            if let Some(best) = best {
                text = best;
                is_changed = true;
            }
        }
        is_changed.then_some(text)
    }

    /// The query `now` with the likeliest reading of a word: by the odds of the error, and by how well
    /// products bear out all the words together.
    fn best(&self, idx: usize, now: &Plan<'_>, evidence: &mut Evidence<'_>) -> Option<Best> {
        let mut best: Option<Best> = None;
        for reading in self.readings(idx) {
            let text = now.with(idx, &reading.text);
            let borne_out = evidence(&words_of(&text));
            let likelihood = likelihood(borne_out) - reading.cost;
            let is_better = best.as_ref().is_none_or(|known| likelihood > known.likelihood);
            if borne_out > 0.0 && is_better {
                best = Some(Best { likelihood, text });
            }
        }
        best
    }

    /// Whether a word is read so although products never have that with all of the others: a word that stands alone, or
    /// among others that nobody knows, has nothing else to go by; a long one is hardly near another by chance, and a very
    /// common one is likelier than a word that no product has; else it must go with one other word at least. `finger`
    /// does not for `finder`, beside `key`.
    fn is_read_alone(&self, idx: usize, reading: &Reading, evidence: &mut Evidence<'_>) -> bool {
        let others = (0..self.words.len()).filter(|other| *other != idx);
        let known = others.filter(|other| !self.slots[*other].alternatives.is_empty());
        let known: Vec<&str> = known.map(|other| self.words[other].text.as_str()).collect();
        let goes_with =
            |other: &&str| evidence(&words_of(&format!("{} {other}", reading.text))) > 0.0;
        let n_letters = self.words[idx].text.chars().count();
        known.is_empty()
            || n_letters >= ALONE_FROM
            || n_letters >= PAIRED_FROM && (reading.is_common || known.iter().any(goes_with))
    }

    /// How well products bear out the words, by the text scores of those that have all and by how much each is
    /// [wanted](crate::rank::demand): what is said in titles counts more than what long descriptions say by the way,
    /// and the best-selling banana more than scarves of which nobody buys one.
    pub(crate) fn evidence(&self, found: impl Iterator<Item = (f32, f32)>) -> f32 {
        let most: f32 = self.slots.iter().map(|slot| slot.weight).sum();
        found.map(|(score, demand)| demand * (score / most.max(f32::EPSILON)).powi(3)).sum()
    }

    fn text(&self) -> String {
        self.typed.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ")
    }

    /// The query with one word read otherwise.
    fn with(&self, idx: usize, reading: &str) -> String {
        let changed = self.places.get(idx);
        let words = self.typed.iter().enumerate();
        let words =
            words.map(|(at, word)| if Some(&at) == changed { reading } else { word.text.as_str() });
        words.collect::<Vec<_>>().join(" ")
    }

    /// What a word may be meant to be, likeliest first.
    fn readings(&self, idx: usize) -> Vec<Reading> {
        let word = &self.words[idx];
        let docs = self.docs_as_typed(idx);
        let mut readings: Vec<(f32, Reading)> = Vec::new();
        for (support, left, right) in self.splits(word) {
            // A letter alone is rarely a word, and never the ending of one that the catalogue has: `alarm s`, and yet `iphone x`.
            let is_odd = left.chars().count() == 1 || right.chars().count() == 1;
            let longer = if left.len() > right.len() { &left } else { &right };
            let whole = self.terms(&word.text);
            if is_odd && docs > 0 && self.terms(longer).iter().any(|term| whole.contains(term)) {
                continue;
            }
            let cost = if is_odd { 6.0 } else { 4.0 };
            let is_common = (support as f32).ln() > cost;
            let reading = Reading { text: format!("{left} {right}"), is_common, cost };
            readings.push(((1.0 + support as f32).ln() - cost, reading));
        }
        for (near, text) in self.near(word) {
            // A rare word that was typed is left alone unless another is far likelier.
            if near.docs >= 20 * docs {
                let cost = 4.0 * f32::from(near.typos);
                let is_common = near.likelihood() > 0.0;
                readings.push((near.likelihood(), Reading { text, is_common, cost }));
            }
        }
        readings.sort_by(|left, right| {
            right.0.total_cmp(&left.0).then_with(|| left.1.text.cmp(&right.1.text))
        });
        readings.into_iter().take(TRIED).map(|(_, reading)| reading).collect()
    }

    /// Also takes words that few products have as two, where more titles write them so: `oatmilk`.
    /// Says whether it did.
    pub(crate) fn split_rare(&mut self) -> bool {
        let mut is_split = false;
        for idx in 0..self.words.len() {
            let word = self.words[idx].clone();
            let docs = self.docs_as_typed(idx);
            let is_rare = word.kind == TokenKind::Word && (1..SPLIT_BELOW).contains(&docs);
            if !is_rare || self.languages[0] != 0 || Limit::of(&word.text, word.kind).typos() == 0 {
                continue;
            }
            for (_, left, right) in self.splits(&word) {
                let terms = [&left, &right].map(|part| self.terms(part).first().copied());
                let [Some(left), Some(right)] = terms else { continue };
                if head::n_side_by_side(self.index, [left, right]) >= docs as usize {
                    self.add(idx, vec![left, right], worth::SPLIT);
                    is_split = true;
                }
            }
        }
        is_split
    }

    /// The query with words joined that were split by mistake.
    fn joined(&self) -> Option<String> {
        let typed = &self.typed;
        let mut out: Vec<String> = Vec::new();
        let (mut at, mut is_joined) = (0, false);
        while at < typed.len() {
            let whole = typed.get(at + 1).and_then(|_| self.whole(at));
            // `phone s tand`: a word that nobody knows is joined before two that are known.
            let is_lost = |at: usize| typed.get(at).is_some_and(|word| self.docs_of(word) == 0);
            let next_is_better = !is_lost(at) && !is_lost(at + 1) && is_lost(at + 2);
            let whole = whole.filter(|_| !next_is_better);
            at += 1 + usize::from(whole.is_some());
            is_joined |= whole.is_some();
            out.push(whole.unwrap_or_else(|| typed[at - 1].text.clone()));
        }
        is_joined.then(|| out.join(" "))
    }

    /// Products with a word as it is typed.
    fn docs_of(&self, word: &QueryWord) -> u32 {
        let docs = self.terms(&word.text).into_iter().map(|term| self.index.live_docs(term));
        docs.max().unwrap_or(0)
    }

    /// A word and the next as one, where that is likelier.
    fn whole(&self, at: usize) -> Option<String> {
        let parts = [&self.typed[at].text, &self.typed[at + 1].text];
        let whole = format!("{}{}", parts[0], parts[1]);
        let kind = TokenKind::Word;
        if whole.chars().any(|char| !char.is_alphabetic()) || Limit::of(&whole, kind).typos() == 0 {
            return None;
        }
        let words = self.vocabularies().find(|words| words.get(&whole).is_some())?;
        let docs = self.index.lexicon.docs(words.term(words.get(&whole)?)) as usize;
        let parts = parts.map(|part| self.terms(part).first().copied());
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
