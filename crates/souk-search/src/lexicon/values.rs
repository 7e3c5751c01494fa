//! The values of one field: what facets count and filters compare.

use souk_core::filter::OrderTest;
use souk_core::{Field, FieldValue, Timestamp};

use super::interner::{Interner, Texts};
use super::rising::Rising;

/// A field's name in the lexicon; an attribute may have the name of a product's own field.
pub(crate) fn field_key(field: &Field) -> String {
    match field {
        Field::Attribute(name) => format!("attributes.{name}"),
        own => own.name().to_owned(),
    }
}

/// Distinct values of a field, by number.
#[derive(Clone, Debug, Default)]
pub(crate) struct Values {
    /// Each with a letter before it that tells its kind.
    texts: Interner,
    /// The value as a number, for numbers and times (Unix milliseconds); NaN otherwise.
    numbers: Vec<f64>,
    /// Those that are numbers, and those that are times.
    rising: [Rising; 2],
    /// Products that have it now.
    live: Vec<u32>,
}

impl Values {
    pub(crate) fn intern(&mut self, value: FieldValue<'_>) -> u32 {
        let key = match value {
            FieldValue::Text(text) => format!("t{text}"),
            FieldValue::Path(path) => format!("p{path}"),
            // Zero has two spellings and one value.
            FieldValue::Number(number) => format!("n{}", number + 0.0),
            FieldValue::Bool(truth) => format!("b{truth}"),
            FieldValue::Time(time) => format!("m{}", time.as_ms()),
        };
        let number = self.texts.intern(&key);
        if number as usize == self.numbers.len() {
            self.enlist(&key);
        }
        number
    }

    /// Notes a value that came just now.
    fn enlist(&mut self, key: &str) {
        let value = self.numbers.len() as u32;
        self.numbers.push(number_of(key));
        self.live.push(0);
        if let Some(kind) = kind_of_number(key) {
            self.rising[kind].push(value, &self.numbers);
        }
    }

    /// Which numbers a comparison accepts, as their least and greatest; none when no value's number is
    /// accepted. Not for a field that has other values than numbers, or other than times: `Err`.
    pub(crate) fn span(&self, by: &OrderTest<'_>) -> Result<Option<(f64, f64)>, NotAllNumbers> {
        let all = self.rising.iter().find(|rising| rising.len() == self.len());
        let all = all.ok_or(NotAllNumbers)?;
        let order = |value: u32| by.order(self.get(value));
        Ok(all.span(&self.numbers, &order, &|order| by.wants(order)))
    }

    pub(crate) fn len(&self) -> usize {
        self.numbers.len()
    }

    /// The value with a number.
    pub(crate) fn get(&self, number: u32) -> FieldValue<'_> {
        let key = self.texts.text(number);
        let amount = self.numbers[number as usize];
        let text = &key[1..];
        match key.as_bytes()[0] {
            b't' => FieldValue::Text(text),
            b'p' => FieldValue::Path(text),
            b'n' => FieldValue::Number(amount),
            b'm' => match Timestamp::from_ms(amount as i64) {
                Ok(time) => FieldValue::Time(time),
                Err(_) => FieldValue::Number(amount / 1_000.0),
            },
            _ => FieldValue::Bool(text == "true"),
        }
    }

    /// The value as a shopper reads it.
    pub(crate) fn text(&self, number: u32) -> &str {
        &self.texts.text(number)[1..]
    }

    /// The number that a value is; NaN for texts.
    #[inline]
    pub(crate) fn number(&self, number: u32) -> f64 {
        self.numbers[number as usize]
    }

    /// Products that have a value now.
    pub(crate) fn live(&self, number: u32) -> u32 {
        self.live[number as usize]
    }

    pub(crate) fn count(&mut self, number: u32, change: i32) {
        let live = &mut self.live[number as usize];
        *live = live.saturating_add_signed(change);
    }

    pub(super) fn absorb(&mut self, other: &Values) -> Vec<u32> {
        (0..other.len() as u32)
            .map(|theirs| {
                let ours = self.texts.intern(other.texts.text(theirs));
                if ours as usize == self.numbers.len() {
                    self.enlist(other.texts.text(theirs));
                }
                self.live[ours as usize] += other.live[theirs as usize];
                ours
            })
            .collect()
    }

    pub(super) fn bytes(&self) -> usize {
        let rising: usize = self.rising.iter().map(Rising::bytes).sum();
        self.texts.bytes() + self.numbers.len() * 12 + rising
    }

    pub(crate) fn texts(&self) -> &Texts {
        self.texts.texts()
    }

    /// How many products have each value now.
    pub(crate) fn all_live(&self) -> &[u32] {
        &self.live
    }

    /// Puts [`Values::texts`] and [`Values::all_live`] together again; `None` when they do not fit each other.
    pub(crate) fn from_parts(texts: Texts, live: Vec<u32>) -> Option<Values> {
        let keys = 0..texts.len() as u32;
        if live.len() != texts.len()
            || keys.clone().any(|number| !texts.get(number).starts_with(['t', 'p', 'n', 'b', 'm']))
        {
            return None;
        }
        let numbers: Vec<f64> = keys.clone().map(|number| number_of(texts.get(number))).collect();
        let mut rising = [Rising::default(), Rising::default()];
        for (kind, rising) in rising.iter_mut().enumerate() {
            let own = keys.clone().filter(|value| kind_of_number(texts.get(*value)) == Some(kind));
            *rising = Rising::of(own.collect(), &numbers);
        }
        Some(Values { texts: Interner::from_texts(texts)?, numbers, rising, live })
    }
}

/// A field has values that are no numbers, or numbers beside times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NotAllNumbers;

/// 0 for a number, 1 for a time: their numbers are not of one kind.
fn kind_of_number(key: &str) -> Option<usize> {
    match key.as_bytes()[0] {
        b'n' if number_of(key).is_finite() => Some(0),
        b'm' if number_of(key).is_finite() => Some(1),
        _ => None,
    }
}

fn number_of(key: &str) -> f64 {
    match key.as_bytes()[0] {
        b'n' | b'm' => key[1..].parse().unwrap_or(f64::NAN),
        _ => f64::NAN,
    }
}
