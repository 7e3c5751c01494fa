//! Conditions in plain words: `under 50`, `size 42`, a brand, a colour, `cheap`.
//!
//! Prices and named attributes are filters. A brand, colour or category is a preference alone: its word
//! is still looked for, because "apple" may also be a juice.

mod price;
mod typed;

use souk_core::{FieldValue, Filter};

use crate::document::CATEGORY_TREE;
use crate::index::SearchIndex;
use crate::lexicon::Values;
use crate::notes::Note;
use crate::query::{QueryWord, Unwanted, head_of, words_of};
use crate::request::{Effect, Understood};
use crate::text::fold;

use price::Price;
pub(crate) use price::Typed;
use typed::as_typed;

/// What was read out of a query.
#[derive(Debug, Default)]
pub(crate) struct Reading {
    /// Words that are still to be looked for.
    pub(crate) words: Vec<QueryWord>,
    pub(crate) filters: Vec<Filter>,
    pub(crate) preferences: Vec<Preference>,
    pub(crate) understood: Vec<Understood>,
    /// What was read and could not be made use of.
    pub(crate) notes: Vec<Note>,
    /// Words that hits must not have.
    pub(crate) unwanted: Unwanted,
}

/// What comes before others.
#[derive(Clone, Debug)]
pub(crate) enum Preference {
    /// Products with one of these values of a field.
    Values { field: u16, values: Vec<u32> },
    /// Products that cost little.
    Cheap,
}

const CHEAP: &[&str] = &[
    "cheap",
    "cheapest",
    "inexpensive",
    "budget",
    "affordable",
    "barato",
    "barata",
    "baratos",
    "baratas",
    "cher",
];
/// The same in German, where an ending follows: `billige`, `günstigsten`.
const CHEAP_GERMAN: [&str; 4] = ["billig", "gunstig", "preisgunstig", "preiswert"];
const GERMAN_ENDINGS: [&str; 6] = ["", "e", "em", "en", "er", "es"];
/// The order that `cheap` wishes for.
const CHEAP_FIRST: &str = "price:asc";
/// A word that so many times as many products have as are of a category that is called so does not name the category:
/// most `organic` things are no lamb. Chosen.
const ELSEWHERE_TIMES: u32 = 5;

/// Words of the longest name.
const NAME_WORDS_MAX: usize = 4;

/// Reads conditions out of words of a language.
pub(crate) fn read(
    index: &SearchIndex,
    words: &[QueryWord],
    typed: &Typed<'_>,
    language: usize,
) -> Reading {
    let mut reading = Reading::default();
    let mut at = 0;
    while at < words.len() {
        let rest = &words[at..];
        let n_read = price(index, rest, (typed, &mut reading))
            .or_else(|| named_value(index, rest, (typed, &mut reading)))
            .or_else(|| cheap(index, rest, (typed, &mut reading)));
        match n_read {
            Some(n_read) => at += n_read,
            None => {
                reading.words.push(words[at].clone());
                at += 1;
            }
        }
    }
    names(index, &mut reading, (typed.text, language));
    reading
}

impl Reading {
    /// Reads names once more, out of the query as it was corrected: `cofee` is the category of coffee too.
    pub(crate) fn read_names_again(
        &mut self,
        index: &SearchIndex,
        corrected: &str,
        language: usize,
    ) {
        self.words = words_of(corrected);
        let is_name = |preference: &Preference| matches!(preference, Preference::Values { .. });
        self.preferences.retain(|preference| !is_name(preference));
        self.understood.retain(|one| one.effect == Effect::Filtered || one.meaning == CHEAP_FIRST);
        names(index, self, (corrected, language));
    }
}

fn text_of(words: &[QueryWord]) -> String {
    words.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ")
}

/// `under 50`, `between 20 and 40 euros`; returns how many words it is. In a currency that prices are not in, it is
/// no limit, and no text that products have either.
fn price(
    index: &SearchIndex,
    words: &[QueryWord],
    (typed, reading): (&Typed<'_>, &mut Reading),
) -> Option<usize> {
    index.lexicon.field("price")?;
    let Price { n_words, condition, foreign } = price::read(words, reading.words.last(), typed)?;
    let words = as_typed(typed.text, &words[..n_words]);
    match foreign.zip(typed.currency) {
        Some((named, own)) => reading.notes.push(Note::OtherCurrency { words, named, own }),
        None => push_filter(reading, words, condition)?,
    }
    Some(n_words)
}

fn push_filter(reading: &mut Reading, words: String, condition: String) -> Option<()> {
    reading.filters.push(Filter::parse(&condition).ok()?);
    reading.understood.push(Understood { words, meaning: condition, effect: Effect::Filtered });
    Some(())
}

/// `size 42`, `colour red`: an attribute's name and one of its values.
fn named_value(
    index: &SearchIndex,
    words: &[QueryWord],
    (typed, reading): (&Typed<'_>, &mut Reading),
) -> Option<usize> {
    let [name, value, ..] = words else { return None };
    let name = match name.text.as_str() {
        "color" => "colour",
        other => other,
    };
    let spellings = [name, if name == "colour" { "color" } else { name }];
    for spelling in spellings {
        let key = format!("attributes.{spelling}");
        let Some(field) = index.lexicon.field(&key) else { continue };
        let values = &index.lexicon.values[usize::from(field)];
        let mut folded = String::new();
        let found = (0..values.len() as u32).find(|number| {
            folded.clear();
            fold(values.text(*number), &mut folded);
            folded == value.text && values.live(*number) > 0
        });
        let Some(found) = found else { continue };
        let quoted = values.text(found).replace('\'', "''");
        let key = format!("attributes.'{}'", spelling.replace('\'', "''"));
        let words = as_typed(typed.text, &words[..2]);
        push_filter(reading, words, format!("{key} = '{quoted}'"))?;
        return Some(2);
    }
    None
}

/// `cheap` is a wish, not a word of titles.
fn cheap(
    index: &SearchIndex,
    words: &[QueryWord],
    (typed, reading): (&Typed<'_>, &mut Reading),
) -> Option<usize> {
    let word = words.first().filter(|word| is_cheap(&word.text))?;
    index.lexicon.field("price")?;
    reading.preferences.push(Preference::Cheap);
    reading.understood.push(Understood {
        words: as_typed(typed.text, std::slice::from_ref(word)),
        meaning: CHEAP_FIRST.to_owned(),
        effect: Effect::Preferred,
    });
    Some(1)
}

fn is_cheap(word: &str) -> bool {
    let ending = CHEAP_GERMAN.iter().find_map(|stem| word.strip_prefix(stem));
    // `günstigste` and the like have two.
    let is_ending = |ending: &str| {
        let last = ending.strip_prefix("st").unwrap_or(ending);
        GERMAN_ENDINGS.contains(&last)
    };
    CHEAP.contains(&word) || ending.is_some_and(is_ending)
}

/// Brands, colours and categories by their names; a category only where its name has the word that says what is looked
/// for: an `iphone case` is nothing of the category `iPhone`.
fn names(index: &SearchIndex, reading: &mut Reading, (typed, language): (&str, usize)) {
    let head = head_of(index, &reading.words, language);
    for field in index.names.fields().iter().copied() {
        let is_category = index.lexicon.fields.text(u32::from(field)) == CATEGORY_TREE;
        let fits = |range: &std::ops::Range<usize>| {
            !is_category || head.is_none_or(|head| range.contains(&head))
        };
        for start in 0..reading.words.len() {
            let longest = NAME_WORDS_MAX.min(reading.words.len() - start);
            let longest_first = (1..=longest).rev();
            let mut ranges = longest_first.map(|length| start..start + length).filter(fits);
            let found = ranges.find_map(|range| {
                let words = &reading.words[range];
                prefer_name(index, field, (text_of(words), as_typed(typed, words)))
            });
            if let Some((understood, preference)) = found {
                reading.understood.push(understood);
                reading.preferences.push(preference);
            }
        }
    }
}

fn prefer_name(
    index: &SearchIndex,
    field: u16,
    (phrase, words): (String, String),
) -> Option<(Understood, Preference)> {
    let lexicon = &index.lexicon;
    let values = &lexicon.values[usize::from(field)];
    let found = index.names.find(field, &phrase).iter().copied();
    let mut found: Vec<u32> = found.filter(|value| values.live(*value) > 0).collect();
    // Of the categories in one number or the other, the first is named that is called just so.
    found.sort_by_key(|value| !is_called(values.text(*value), &phrase));
    let key = match lexicon.fields.text(u32::from(field)) {
        CATEGORY_TREE if is_mostly_elsewhere(index, &phrase, (values, &found)) => return None,
        CATEGORY_TREE => "categories",
        other => other,
    };
    let text = match values.get(*found.first()?) {
        FieldValue::Text(text) | FieldValue::Path(text) => text,
        _ => return None,
    };
    let understood = Understood {
        words,
        meaning: format!("{key} = '{}'", text.replace('\'', "''")),
        effect: Effect::Preferred,
    };
    Some((understood, Preference::Values { field, values: found }))
}

/// Whether a value, or the last step of a path, says just what a phrase says.
fn is_called(text: &str, phrase: &str) -> bool {
    let mut folded = String::new();
    fold(text.rsplit('>').next().unwrap_or(text).trim(), &mut folded);
    folded == phrase
}

/// Whether most products with the words of a category's name are of other categories.
fn is_mostly_elsewhere(
    index: &SearchIndex,
    phrase: &str,
    (values, own): (&Values, &[u32]),
) -> bool {
    let words = &index.lexicon.words[0];
    let docs = phrase.split(' ').filter_map(|word| words.get(word));
    let docs = docs.map(|word| index.live_docs(words.term(word))).min().unwrap_or(0);
    let n_own: u32 = own.iter().map(|value| values.live(*value)).sum();
    docs > n_own.saturating_mul(ELSEWHERE_TIMES)
}

#[cfg(test)]
mod tests;
