//! Personal data in free text: where it stands, and how to take it out.
//!
//! Two ways of finding. What has a *form* (numbers with checksums, addresses of machines, dates) is
//! found by one pass over the bytes. What has none (names, postal addresses) is found by a small
//! tagger over the words, with lists of names and places. A search query is looked at for forms
//! alone: in a shop "paul smith" is a shirt.

mod blocks;
mod checks;
mod contact;
mod dates;
mod found;
mod gazetteer;
mod ids;
mod kind;
mod labels;
mod lexicon;
mod network;
mod payment;
mod phone;
pub mod redact;
mod scan;
pub mod score;
pub mod tagger;
mod view;
mod words;

pub use kind::EntityKind;
pub use labels::{UnknownLabel, kind_of_label};

use found::Found;
use gazetteer::{Gazetteer, Listed};
use lexicon::Role;
use tagger::{SpanClass, TaggedSpan, TaggerModel};
use words::{Token, TokenKind};

/// Personal data at a place in a text.
#[derive(Clone, Debug, PartialEq)]
pub struct Entity {
    /// What it is.
    pub kind: EntityKind,
    /// How sure this is, 0 to 1; an order, not a probability.
    pub score: f32,
    /// The first byte, on a character boundary.
    pub begin: usize,
    /// The byte behind the last.
    pub end: usize,
}

impl Entity {
    /// Where entities of a text begin and end, counted in characters. They must be in order, as
    /// [`Detector::detect`] gives them.
    pub fn in_characters(text: &str, entities: &[Entity]) -> Vec<std::ops::Range<usize>> {
        let (mut byte, mut characters) = (0, 0);
        let mut count_to = |end: usize| {
            characters += text[byte..end].chars().count();
            byte = end;
            characters
        };
        entities.iter().map(|entity| count_to(entity.begin)..count_to(entity.end)).collect()
    }
}

/// How closely a text is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// Sentences: forms from score .5, names and addresses.
    Prose,
    /// A search query or a short value: only forms that hardly anything else has, from score .8.
    Terse,
}

/// Finds personal data in texts.
#[derive(Debug)]
pub struct Detector<'a> {
    /// Weights of one's own; `None` for those that come along, which are unpacked when prose is read.
    model: Option<&'a TaggerModel>,
}

impl Detector<'static> {
    /// The detector with the weights that come with the program.
    pub fn builtin() -> Detector<'static> {
        Detector { model: None }
    }
}

impl<'a> Detector<'a> {
    /// A detector with other weights.
    pub fn with_model(model: &'a TaggerModel) -> Detector<'a> {
        Detector { model: Some(model) }
    }

    /// What personal data a text holds, in order, without overlaps.
    pub fn detect(&self, text: &str, reading: Reading) -> Vec<Entity> {
        let forms = self.forms(text, reading);
        let mut found = forms.clone();
        if reading == Reading::Prose {
            let model = self.model.unwrap_or_else(|| TaggerModel::builtin());
            let tokens = words::tokens(text, &forms, Gazetteer::builtin());
            found.extend(tokens.iter().filter_map(|token| weekday(text, token)));
            let spans = blocks::tidy(&tokens, tagger::tag(&tokens, model));
            found.extend(named(text, &tokens, &spans));
        }
        let mut entities: Vec<Entity> = found.into_iter().map(entity).collect();
        entities.sort_by_key(|entity| (entity.begin, entity.end));
        entities.dedup_by(|next, kept| next.begin < kept.end);
        entities
    }

    fn forms(&self, text: &str, reading: Reading) -> Vec<Found> {
        let least = match reading {
            Reading::Prose => 0.5,
            Reading::Terse => 0.8,
        };
        let mut forms = scan::forms(text);
        forms.retain(|found| found.score >= least);
        forms
    }
}

fn entity(found: Found) -> Entity {
    let Found { kind, range, score } = found;
    Entity { kind, score, begin: range.start, end: range.end }
}

/// The names and addresses among the tagger's spans.
fn named(text: &str, tokens: &[Token], spans: &[TaggedSpan]) -> Vec<Found> {
    let mut found = Vec::new();
    for (idx, span) in spans.iter().enumerate() {
        let words = &tokens[span.tokens.clone()];
        let kind = match span.class {
            SpanClass::Name => EntityKind::Name,
            SpanClass::Address => EntityKind::Address,
            SpanClass::Firm | SpanClass::Job => continue,
        };
        let is_doubtful = match span.class {
            SpanClass::Name => words.iter().all(is_plain_word),
            _ => {
                (!is_placed(words) && !has_neighbour(spans, idx))
                    || words.iter().all(|word| word.role == Role::People)
            }
        };
        if let Some(range) = trimmed(text, words).filter(|_| !is_doubtful) {
            if kind == EntityKind::Name {
                let title = title_before(tokens, span.tokens.start);
                found.extend(title.map(|range| Found::new(kind, range, span.score)));
            }
            found.push(Found::new(kind, range, span.score));
        }
    }
    found
}

/// The title right before a name, with its full stop: it tells whether a man or a woman is meant, and is marked on
/// its own because it is no part of the name.
fn title_before(tokens: &[Token], name: usize) -> Option<std::ops::Range<usize>> {
    let is_title =
        |idx: usize| tokens[idx].kind == TokenKind::Word && tokens[idx].role == Role::Title;
    let last = name.checked_sub(1)?;
    let is_stop = tokens[last].kind == TokenKind::Mark && tokens[last].shape == 2;
    let title = if is_stop { last.checked_sub(1)? } else { last };
    is_title(title).then(|| tokens[title].begin..tokens[last].end)
}

/// Whether a token is an everyday word that is no name: "Weekly", "don't".
fn is_plain_word(token: &Token) -> bool {
    token.kind != TokenKind::Word
        || token.role == Role::People
        || (token.listed.is(Listed::COMMON) && !token.listed.is(Listed::NAME))
}

/// Whether a word of an address says that it is one: a street, a place, a name in capitals.
fn is_placed(words: &[Token]) -> bool {
    let is_named = |word: &Token| {
        word.role != Role::None
            || word.listed.is(Listed::COUNTRY)
            || (word.listed.is(Listed::CITY) && !word.listed.is(Listed::COMMON))
            || (41..=44).contains(&word.shape)
    };
    words.iter().any(|word| word.kind == TokenKind::Word && is_named(word))
}

/// Whether another part of an address stands close by: a number alone is no address.
fn has_neighbour(spans: &[TaggedSpan], idx: usize) -> bool {
    const REACH: usize = 4;
    let place = &spans[idx].tokens;
    let is_near = |other: &TaggedSpan| {
        other.class == SpanClass::Address
            && (other.tokens.start <= place.end + REACH && place.start <= other.tokens.end + REACH)
    };
    [idx.checked_sub(1), Some(idx + 1)]
        .into_iter()
        .flatten()
        .filter_map(|at| spans.get(at))
        .any(is_near)
}

fn weekday(text: &str, token: &Token) -> Option<Found> {
    let is_day = token.kind == TokenKind::Word && dates::is_weekday(&text[token.begin..token.end]);
    is_day.then(|| Found::new(EntityKind::DateTime, token.begin..token.end, 0.7))
}

/// The place of a span of words without the marks and breaks at its ends.
fn trimmed(text: &str, tokens: &[Token]) -> Option<std::ops::Range<usize>> {
    let is_loose = |token: &&Token| {
        let is_mark = matches!(token.kind, TokenKind::Mark | TokenKind::Break);
        is_mark && !text[token.begin..token.end].starts_with(['#', '(', ')'])
    };
    let first = tokens.iter().find(|token| !is_loose(token))?;
    let last = tokens.iter().rev().find(|token| !is_loose(token))?;
    Some(first.begin..last.end)
}

#[cfg(test)]
mod tests;
