//! Prices in plain words: `under 50`, `between 20 and 40 euros`, `from 5 to 10`, `5-10 dollars`, `100 dollars or less`.

use souk_core::Currency;

use crate::query::QueryWord;
use crate::text::TokenKind;

/// Words before a price that is the most, or the least, to be paid; in the languages that have rules.
const AT_MOST: &[&[&str]] = &[
    &["under"],
    &["below"],
    &["less", "than"],
    &["cheaper", "than"],
    &["at", "most"],
    &["no", "more", "than"],
    &["not", "more", "than"],
    &["up", "to"],
    &["max"],
    &["maximum"],
    &["unter"],
    &["bis"],
    &["hochstens"],
    &["maximal"],
    &["weniger", "als"],
    &["menos", "de"],
    &["como", "maximo"],
    &["hasta"],
    &["moins", "de"],
    &["jusqu", "a"],
    &["au", "maximum"],
];
const AT_LEAST: &[&[&str]] = &[
    &["over"],
    &["above"],
    &["more", "than"],
    &["at", "least"],
    &["no", "less", "than"],
    &["not", "less", "than"],
    &["min"],
    &["minimum"],
    &["uber"],
    &["mindestens"],
    &["mehr", "als"],
    &["mas", "de"],
    &["desde"],
    &["como", "minimo"],
    &["plus", "de"],
    &["au", "moins"],
];
/// Words before an amount in a currency that is the least to be paid; before any other number it may be an age.
const AT_LEAST_NAMED: &[&[&str]] = &[&["ab"], &["a", "partir", "de"]];
/// Words before two prices, with another word between them.
const BETWEEN: &[&str] = &["between", "zwischen", "entre"];
/// Words before the first and the second of two prices, which are the least and the most to be paid.
const FROM_TO: &[(&str, &str)] = &[("from", "to"), ("von", "bis"), ("desde", "hasta"), ("de", "a")];
/// What two numbers behind it are of, where no currency is named.
const OTHER_NUMBERS: &[&str] = &["age", "ages", "aged", "size", "sizes", "months", "years"];
/// Words after a price with its currency that say the same.
const OR_LESS: &[&[&str]] = &[
    &["or", "less"],
    &["or", "under"],
    &["or", "below"],
    &["or", "cheaper"],
    &["max"],
    &["maximum"],
    &["oder", "weniger"],
    &["o", "menos"],
    &["ou", "moins"],
];
const OR_MORE: &[&[&str]] = &[
    &["or", "more"],
    &["or", "over"],
    &["or", "above"],
    &["oder", "mehr"],
    &["o", "mas"],
    &["ou", "plus"],
];

const DOLLARS: &[&str] = &["USD", "CAD", "AUD", "NZD", "SGD", "HKD", "TWD"];
const PESOS: &[&str] = &["MXN", "ARS", "CLP", "COP", "UYU", "PHP", "DOP"];
const DOLLAR_SIGN: &[&str] = &[
    "USD", "CAD", "AUD", "NZD", "SGD", "HKD", "TWD", "MXN", "ARS", "CLP", "COP", "UYU", "DOP",
    "BRL",
];
/// What currencies are called, and which those are.
const CURRENCIES: &[(&[&str], &[&str])] = &[
    (&["dollar", "dollars", "bucks"], DOLLARS),
    (&["usd"], &["USD"]),
    (&["cad"], &["CAD"]),
    (&["aud"], &["AUD"]),
    (&["euro", "euros", "eur"], &["EUR"]),
    (&["pound", "pounds"], &["GBP", "EGP"]),
    (&["gbp"], &["GBP"]),
    (&["yen", "jpy"], &["JPY"]),
    (&["chf", "franken"], &["CHF"]),
    (&["peso", "pesos"], PESOS),
];
const SIGNS: &[(char, &[&str])] = &[
    ('$', DOLLAR_SIGN),
    ('\u{20ac}', &["EUR"]),
    ('\u{a3}', &["GBP", "EGP"]),
    ('\u{a5}', &["JPY", "CNY"]),
];

/// What a price is read against.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Typed<'a> {
    /// The query, signs and all.
    pub(crate) text: &'a str,
    /// The currency of prices, where it is known.
    pub(crate) currency: Option<Currency>,
}

impl Typed<'_> {
    /// Currencies that a sign in the text may mean.
    fn sign(&self) -> Option<&'static [&'static str]> {
        let sign = |char| SIGNS.iter().find(|(sign, _)| *sign == char);
        self.text.chars().find_map(sign).map(|(_, codes)| *codes)
    }

    /// Whether a dash stands between two numbers.
    fn has_range(&self) -> bool {
        let is_between = |char: char| char.is_whitespace() || is_sign(char);
        let is_digit = |char: Option<char>| char.is_some_and(|char| char.is_ascii_digit());
        self.text.match_indices(['-', '\u{2013}']).any(|(at, dash)| {
            let before = self.text[..at].trim_end_matches(is_between);
            let after = self.text[at + dash.len()..].trim_start_matches(is_between);
            is_digit(before.chars().next_back()) && is_digit(after.chars().next())
        })
    }
}

/// A price at the beginning of words.
#[derive(Debug, PartialEq)]
pub(super) struct Price {
    /// How many words it is.
    pub(super) n_words: usize,
    /// The condition, in the filter language.
    pub(super) condition: String,
    /// The currency that it is said in, where that is none of the shop's prices.
    pub(super) foreign: Option<&'static str>,
}

/// Whether a character is the sign of a currency.
pub(super) fn is_sign(char: char) -> bool {
    SIGNS.iter().any(|(sign, _)| *sign == char)
}

/// Reads a price at the beginning of words, behind another word.
pub(super) fn read(
    words: &[QueryWord],
    before: Option<&QueryWord>,
    typed: &Typed<'_>,
) -> Option<Price> {
    let (n_words, condition, named) = between(words)
        .or_else(|| from_and_to(words, before, typed))
        .or_else(|| bounded_before(words))
        .or_else(|| from_named(words, typed))
        .or_else(|| range(words, typed))
        .or_else(|| bounded_after(words, typed))?;
    let said = named.or_else(|| typed.sign());
    let foreign = typed.currency.zip(said).and_then(|(own, codes)| {
        (!codes.contains(&own.as_str())).then(|| codes.first().copied()).flatten()
    });
    Some(Price { n_words, condition, foreign })
}

/// Words read, the condition, and the currencies that a word of it may mean.
type Read = (usize, String, Option<&'static [&'static str]>);

/// An amount with the name of its currency, where that follows.
///
/// A pound is a weight too: `under 5 pounds` of flour is one word, and left alone.
fn amount(words: &[QueryWord], at: usize) -> Option<(usize, f64, Option<&'static [&'static str]>)> {
    let word = words.get(at).filter(|word| word.kind == TokenKind::Number)?;
    let amount = word.text.parse::<f64>().ok()?;
    let named = words.get(at + 1).and_then(|word| {
        let named = CURRENCIES.iter().find(|(names, _)| names.contains(&word.text.as_str()));
        named.map(|(_, codes)| *codes)
    });
    Some((at + 1 + usize::from(named.is_some()), amount, named))
}

fn begins_with(words: &[QueryWord], at: usize, phrases: &[&[&str]]) -> Option<usize> {
    let rest = words.get(at..)?;
    let fits = |phrase: &&&[&str]| {
        rest.len() >= phrase.len()
            && rest.iter().zip(**phrase).all(|(word, text)| word.text == *text)
    };
    phrases.iter().find(fits).map(|phrase| phrase.len())
}

fn from_to(one: f64, other: f64) -> String {
    format!("price >= {} AND price <= {}", one.min(other), one.max(other))
}

fn between(words: &[QueryWord]) -> Option<Read> {
    words.first().filter(|word| BETWEEN.contains(&word.text.as_str()))?;
    let (at, one, first) = amount(words, 1)?;
    let (end, other, last) = amount(words, at + 1)?;
    Some((end, from_to(one, other), last.or(first)))
}

/// `from 10 to 20 dollars`; without a currency only at the end, for much else is from one number to another.
fn from_and_to(words: &[QueryWord], before: Option<&QueryWord>, typed: &Typed<'_>) -> Option<Read> {
    let from = words.first()?;
    let (_, to) = FROM_TO.iter().find(|(word, _)| *word == from.text)?;
    let (at, one, first) = amount(words, 1)?;
    words.get(at).filter(|word| word.text == *to)?;
    let (end, other, last) = amount(words, at + 1)?;
    let named = last.or(first);
    let is_of_others = before.is_some_and(|word| OTHER_NUMBERS.contains(&word.text.as_str()));
    let is_price = named.or_else(|| typed.sign()).is_some() || end == words.len() && !is_of_others;
    is_price.then(|| (end, from_to(one, other), named))
}

fn bounded_before(words: &[QueryWord]) -> Option<Read> {
    let (length, op) = match begins_with(words, 0, AT_MOST) {
        Some(length) => (length, "<="),
        None => (begins_with(words, 0, AT_LEAST)?, ">="),
    };
    let (end, amount, named) = amount(words, length)?;
    Some((end, format!("price {op} {amount}"), named))
}

/// `ab 50 euro`: from that on.
fn from_named(words: &[QueryWord], typed: &Typed<'_>) -> Option<Read> {
    let length = begins_with(words, 0, AT_LEAST_NAMED)?;
    let (end, amount, named) = amount(words, length)?;
    named.or_else(|| typed.sign())?;
    Some((end, format!("price >= {amount}"), named))
}

/// `5-10 dollars`, `$5-$10`, `5 to 10 euros`: numbers alone may be anything, so a currency must be named.
fn range(words: &[QueryWord], typed: &Typed<'_>) -> Option<Read> {
    let (at, one, first) = amount(words, 0)?;
    let is_to = words.get(at).is_some_and(|word| matches!(word.text.as_str(), "to" | "bis"));
    if !is_to && !typed.has_range() {
        return None;
    }
    let (end, other, last) = amount(words, at + usize::from(is_to))?;
    let named = last.or(first);
    named.or_else(|| typed.sign())?;
    Some((end, from_to(one, other), named))
}

/// `100 dollars or less`.
fn bounded_after(words: &[QueryWord], typed: &Typed<'_>) -> Option<Read> {
    let (at, amount, named) = amount(words, 0)?;
    named.or_else(|| typed.sign())?;
    let (length, op) = match begins_with(words, at, OR_LESS) {
        Some(length) => (length, "<="),
        None => (begins_with(words, at, OR_MORE)?, ">="),
    };
    Some((at + length, format!("price {op} {amount}"), named))
}
