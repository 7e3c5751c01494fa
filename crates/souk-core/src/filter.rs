//! The filter language of requests and rules: `price <= 20 AND brand = 'Private'`.
//!
//! ```text
//! filter = and { OR and }
//! and    = not { AND not }
//! not    = NOT not | '(' filter ')' | term
//! term   = field ( '=' | '!=' | '<' | '<=' | '>' | '>=' ) value
//!        | field [ NOT ] IN '[' value { ',' value } ']'
//!        | field [ NOT ] EXISTS
//!        | field [ NOT ] ( CONTAINS | STARTS WITH ) 'text'
//! value  = number | 'text' | true | false
//! ```
//!
//! - Key words are the same in upper and lower case. Field names are not.
//! - In a text, a single quote is written `''` or `\'`, and a backslash `\\`.
//! - A field name is letters, digits, `_`, `-` and dots. A name that is not one of [`Field`]'s own is
//!   an attribute; `attributes.size` says so plainly, and `attributes.'odd name'` takes any name.
//! - A field may have several values (tags, categories, an attribute of several variants). A
//!   comparison holds when *one* of them fulfils it; `!=` is the opposite of `=`, so it holds when
//!   *none* is equal.
//! - A missing field fulfils no comparison but `!=`, and does not `EXISTS`.
//! - Texts are compared without regard to ASCII case, because shoppers see facets in any case.
//! - `CONTAINS` and `STARTS WITH` are about texts alone, paths as they are written among them.
//! - A number and a text are compared as numbers when the text is one; otherwise they are different
//!   and have no order. A field that is always a number (`price`, `list_price`, `perishable_days`) is
//!   compared with nothing else: the filter is refused. Numbers are 64-bit floats, so write long ids in quotes.
//! - `true` and `false` equal the texts `true` and `false`; they have no order.
//! - A category path equals its own text, each of its beginnings (`Grocery > Bakery` for
//!   `Grocery > Bakery > Bread`) and each of its single steps (`Bread`).
//! - A time is compared with a number as Unix seconds, with a text as RFC 3339, or as an ISO date,
//!   which stands for its first moment in UTC.

use std::cmp::Ordering;

use crate::{Day, ErrorKind, Timestamp};

mod anchors;
pub mod foreign;
mod parse;
mod print;
mod product;
mod sets;

pub use sets::{OrderTest, Sets};

pub(crate) use anchors::{Anchor, each_anchor, each_of_path, path_key};

/// A condition on a product, or on anything that has [`Fields`].
#[derive(Clone, Debug, PartialEq)]
pub struct Filter {
    root: Expr,
}

/// Why a text is not a filter.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FilterError {
    /// Something else stands where the language wants a certain thing.
    #[error("filter, character {character}: expected {expected}, found {found}")]
    Syntax {
        /// Bytes before the place.
        byte: usize,
        /// Which character, counted from 1.
        character: usize,
        /// What may stand here.
        expected: &'static str,
        /// What stands here.
        found: String,
    },
    /// The filter is about something that has no such field.
    #[error("filter, character {character}: there is no field `{field}`; there are {known}")]
    UnknownField {
        /// Which character, counted from 1.
        character: usize,
        /// The name.
        field: String,
        /// The names that there are.
        known: String,
    },
    /// The text is over [`Filter::BYTES_MAX`].
    #[error("filter has {bytes} bytes; the limit is {}", Filter::BYTES_MAX)]
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// `NOT` and parentheses lie deeper than [`Filter::DEPTH_MAX`].
    #[error(
        "filter, character {character}: more than {} levels of `NOT` and `(`",
        Filter::DEPTH_MAX
    )]
    TooDeep {
        /// Which character, counted from 1.
        character: usize,
    },
    /// More comparisons than [`Filter::TERMS_MAX`].
    #[error("filter, character {character}: more than {} comparisons", Filter::TERMS_MAX)]
    TooManyTerms {
        /// Which character, counted from 1.
        character: usize,
    },
    /// A list longer than [`Filter::VALUES_MAX`].
    #[error("filter, character {character}: more than {} values in one list", Filter::VALUES_MAX)]
    TooManyValues {
        /// Which character, counted from 1.
        character: usize,
    },
}

impl FilterError {
    /// What the caller can do: write another filter.
    pub fn kind(&self) -> ErrorKind {
        ErrorKind::InvalidInput
    }
}

/// What a filter can name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Field {
    /// `id`.
    Id,
    /// `title`.
    Title,
    /// `brand`.
    Brand,
    /// `price` in major units: 19.99.
    Price,
    /// `list_price` in major units.
    ListPrice,
    /// `availability`: `'in_stock'` and so on.
    Availability,
    /// `in_stock`: whether it can be bought now.
    InStock,
    /// `categories` or `category`: paths.
    Categories,
    /// `tags`.
    Tags,
    /// `gtin`.
    Gtin,
    /// `published_at`, a time.
    PublishedAt,
    /// `perishable_days`.
    PerishableDays,
    /// Any other name, and any name after `attributes.`.
    Attribute(Box<str>),
}

/// Names of fields that are not attributes. `cost` is none of them: what a shop pays must not be
/// found out by a shopper who tries filters.
const OWN_FIELDS: [(&str, Field); 13] = [
    ("id", Field::Id),
    ("title", Field::Title),
    ("brand", Field::Brand),
    ("price", Field::Price),
    ("list_price", Field::ListPrice),
    ("availability", Field::Availability),
    ("in_stock", Field::InStock),
    ("categories", Field::Categories),
    ("category", Field::Categories),
    ("tags", Field::Tags),
    ("gtin", Field::Gtin),
    ("published_at", Field::PublishedAt),
    ("perishable_days", Field::PerishableDays),
];

impl Field {
    /// The name: a field's own, or an attribute's without `attributes.`.
    pub fn name(&self) -> &str {
        match self {
            Field::Attribute(name) => name,
            own => {
                let found = OWN_FIELDS.iter().find(|(_, field)| field == own);
                found.expect("the table holds every field but attributes").0
            }
        }
    }

    fn from_name(name: &str) -> Field {
        match OWN_FIELDS.iter().find(|(own, _)| *own == name) {
            Some((_, field)) => field.clone(),
            None => Field::Attribute(name.into()),
        }
    }
}

/// What a field's values are, as far as a filter is refused for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldKind {
    /// Numbers alone: a comparison with anything else can never hold.
    Number,
    /// Something else, or what the filter cannot know.
    Other,
}

impl Field {
    fn kind(&self) -> FieldKind {
        match self {
            Field::Price | Field::ListPrice | Field::PerishableDays => FieldKind::Number,
            _ => FieldKind::Other,
        }
    }
}

/// One value of a field.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum FieldValue<'a> {
    /// A text.
    Text(&'a str),
    /// A number.
    Number(f64),
    /// A truth.
    Bool(bool),
    /// A category path, steps parted by `>`.
    Path(&'a str),
    /// A moment.
    Time(Timestamp),
}

/// What a filter can be asked about.
pub trait Fields {
    /// Whether `test` holds for one of the field's values; false for a field that has none.
    ///
    /// May stop at the first value for which it holds.
    fn any_value(&self, field: &Field, test: &mut dyn FnMut(FieldValue<'_>) -> bool) -> bool;
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Op {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
    /// With a text alone, as [`Op::Starts`].
    Contains,
    Starts,
}

#[derive(Clone, Debug, PartialEq)]
enum Expr {
    Compare(Field, Op, Literal),
    In(Field, Vec<Literal>),
    Exists(Field),
    Not(Box<Expr>),
    /// Two or more.
    And(Vec<Expr>),
    /// Two or more.
    Or(Vec<Expr>),
}

/// A value in a filter, read once in each of its meanings.
#[derive(Clone, Debug, PartialEq)]
enum Literal {
    Text { text: Box<str>, number: Option<f64>, time: Option<Timestamp> },
    Number(f64),
    Bool(bool),
}

impl Literal {
    /// Whether it is a number, or a text that is one.
    fn is_number(&self) -> bool {
        matches!(self, Literal::Number(_) | Literal::Text { number: Some(_), .. })
    }

    fn text(text: &str) -> Literal {
        let time = Timestamp::parse(text).ok().or_else(|| {
            let day = Day::parse(text).ok()?;
            Timestamp::from_ms(i64::from(day.number()) * 86_400_000).ok()
        });
        Literal::Text { text: text.into(), number: number(text), time }
    }
}

impl Filter {
    /// The longest text in bytes; chosen: a screenful of conditions.
    pub const BYTES_MAX: usize = 4_096;
    /// Levels of `NOT` and parentheses; chosen: beyond what people write, far below a stack's end.
    pub const DEPTH_MAX: usize = 32;
    /// Comparisons in one filter; chosen, so that one filter on one product stays in microseconds.
    pub const TERMS_MAX: usize = 200;
    /// Values in one `IN` list; chosen.
    pub const VALUES_MAX: usize = 100;

    /// Reads a filter.
    ///
    /// # Errors
    ///
    /// [`FilterError`] names the character at which the text stops being one, or the broken limit. A price or
    /// another field that is always a number is compared with numbers alone.
    pub fn parse(text: &str) -> Result<Filter, FilterError> {
        parse::parse(text, None).map(|root| Filter { root })
    }

    /// Reads a filter on something that has these fields alone; none of them has a name of a product's
    /// own field ([`Field`]), so each comes back as [`Field::Attribute`].
    ///
    /// # Errors
    ///
    /// As [`Filter::parse`]; [`FilterError::UnknownField`] for any other field.
    pub fn parse_on(text: &str, fields: &[(&str, FieldKind)]) -> Result<Filter, FilterError> {
        parse::parse(text, Some(fields)).map(|root| Filter { root })
    }

    /// Whether `fields` fulfil it.
    pub fn matches<F: Fields + ?Sized>(&self, fields: &F) -> bool {
        self.root.holds(fields)
    }
}

impl Expr {
    fn holds<F: Fields + ?Sized>(&self, fields: &F) -> bool {
        match self {
            Expr::Compare(field, op, literal) => match op {
                Op::Eq => fields.any_value(field, &mut |value| equals(value, literal)),
                Op::Ne => !fields.any_value(field, &mut |value| equals(value, literal)),
                Op::Lt => any_ordered(fields, (field, literal), Ordering::is_lt),
                Op::Le => any_ordered(fields, (field, literal), Ordering::is_le),
                Op::Gt => any_ordered(fields, (field, literal), Ordering::is_gt),
                Op::Ge => any_ordered(fields, (field, literal), Ordering::is_ge),
                Op::Contains => fields.any_value(field, &mut |value| contains(value, literal)),
                Op::Starts => fields.any_value(field, &mut |value| starts(value, literal)),
            },
            Expr::In(field, literals) => fields.any_value(field, &mut |value| {
                literals.iter().any(|literal| equals(value, literal))
            }),
            Expr::Exists(field) => fields.any_value(field, &mut |_| true),
            Expr::Not(inner) => !inner.holds(fields),
            Expr::And(parts) => parts.iter().all(|part| part.holds(fields)),
            Expr::Or(parts) => parts.iter().any(|part| part.holds(fields)),
        }
    }
}

fn any_ordered<F: Fields + ?Sized>(
    fields: &F,
    (field, literal): (&Field, &Literal),
    wanted: fn(Ordering) -> bool,
) -> bool {
    fields.any_value(field, &mut |value| order(value, literal).is_some_and(wanted))
}

fn equals(value: FieldValue<'_>, literal: &Literal) -> bool {
    match (value, literal) {
        (FieldValue::Text(text), Literal::Text { text: wanted, .. }) => {
            text.eq_ignore_ascii_case(wanted)
        }
        (FieldValue::Path(path), Literal::Text { text: wanted, .. }) => is_on_path(path, wanted),
        (FieldValue::Bool(truth), Literal::Bool(wanted)) => truth == *wanted,
        (FieldValue::Bool(truth), Literal::Text { text, .. }) => is_text_of(truth, text),
        (FieldValue::Text(text), Literal::Bool(wanted)) => is_text_of(*wanted, text),
        _ => order(value, literal) == Some(Ordering::Equal),
    }
}

/// Whether a text has the literal's somewhere.
fn contains(value: FieldValue<'_>, literal: &Literal) -> bool {
    both_texts(value, literal).is_some_and(|(text, wanted)| {
        let mut parts = text.windows(wanted.len().max(1));
        wanted.is_empty() || parts.any(|part| part.eq_ignore_ascii_case(wanted))
    })
}

/// Whether a text begins with the literal's.
fn starts(value: FieldValue<'_>, literal: &Literal) -> bool {
    both_texts(value, literal).is_some_and(|(text, wanted)| {
        text.get(..wanted.len()).is_some_and(|part| part.eq_ignore_ascii_case(wanted))
    })
}

fn both_texts<'a>(value: FieldValue<'a>, literal: &'a Literal) -> Option<(&'a [u8], &'a [u8])> {
    match (value, literal) {
        (FieldValue::Text(text) | FieldValue::Path(text), Literal::Text { text: wanted, .. }) => {
            Some((text.as_bytes(), wanted.as_bytes()))
        }
        _ => None,
    }
}

/// How the value stands to the literal, where the two have an order.
fn order(value: FieldValue<'_>, literal: &Literal) -> Option<Ordering> {
    match (value, literal) {
        (FieldValue::Number(value), Literal::Number(wanted)) => value.partial_cmp(wanted),
        (FieldValue::Number(value), Literal::Text { number, .. }) => value.partial_cmp(&(*number)?),
        (FieldValue::Text(text), Literal::Number(wanted)) => number(text)?.partial_cmp(wanted),
        (FieldValue::Text(text) | FieldValue::Path(text), Literal::Text { text: wanted, .. }) => {
            Some(order_texts(text, wanted))
        }
        (FieldValue::Time(time), Literal::Number(wanted)) => {
            (time.as_ms() as f64 / 1_000.0).partial_cmp(wanted)
        }
        (FieldValue::Time(time), Literal::Text { time: wanted, .. }) => Some(time.cmp(&(*wanted)?)),
        _ => None,
    }
}

fn order_texts(left: &str, right: &str) -> Ordering {
    let differs = left
        .bytes()
        .zip(right.bytes())
        .map(|(l, r)| l.to_ascii_lowercase().cmp(&r.to_ascii_lowercase()))
        .find(|order| order.is_ne());
    differs.unwrap_or_else(|| left.len().cmp(&right.len()))
}

/// The finite number that a text is, as in JSON or CSV.
fn number(text: &str) -> Option<f64> {
    // Rust also reads `inf` and `NaN`, which begin with letters.
    let text = text.trim();
    let is_numeric = |byte: &u8| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.');
    text.as_bytes().first().filter(|first| is_numeric(first))?;
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

fn is_text_of(truth: bool, text: &str) -> bool {
    text.eq_ignore_ascii_case(if truth { "true" } else { "false" })
}

fn is_on_path(path: &str, wanted: &str) -> bool {
    let steps = |text| str::split(text, '>').map(str::trim);
    if !wanted.contains('>') {
        let wanted = wanted.trim();
        return steps(path).any(|step| step.eq_ignore_ascii_case(wanted));
    }
    let mut path = steps(path);
    steps(wanted).all(|wanted| path.next().is_some_and(|step| step.eq_ignore_ascii_case(wanted)))
}

#[cfg(test)]
mod tests;
